"""Tests of the Fashion-MNIST study, without training on the real images."""

import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.naive_bayes import GaussianNB

pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

from examples.fashion_mnist import cli, experiment, figures, parts, report, store

ROOT = Path(__file__).resolve().parents[2]
SMALL = shlex.split(
    "--seeds 2 --epochs 3 --n-clusters 16 --fractions 0.7 1 --parts labels"
)
N_SMALL_CELLS = 2 * 7


def _has(module):
    return importlib.util.find_spec(module) is not None


needs_keras = pytest.mark.skipif(
    not (_has("tensorflow") and _has("scikeras")), reason="needs the extra keras"
)


# ---------------------------------------------------------------- finished cells


def test_confused_classes_are_counted_both_ways():
    first, second = np.diag([5, 5, 5]), np.diag([5, 5, 5])
    first[0, 2], first[2, 0], second[1, 0] = 2, 4, 1
    second[1, 2] = 3
    recipe = [
        {"kind": "default recipe", "confusion_matrix": matrix.tolist()}
        for matrix in (first, second)
    ]
    other = {"kind": "propagated", "confusion_matrix": np.ones((3, 3)).tolist()}
    part = {"cells": [other, *recipe], "target_names": ["A", "B", "C"]}
    expected = "60 % between a and c, 30 % between b and c"
    assert report._confused(part, n_pairs=2) == expected


def test_store_returns_what_was_put(tmp_path):
    cells = store.CellStore(tmp_path / "cells")
    key = {"seed": 1, "fraction": 0.7}
    assert cells.get(key) is None
    cells.put(key, {"accuracy": 0.5})
    assert cells.get(dict(reversed(key.items()))) == {"accuracy": 0.5}
    assert cells.get({**key, "seed": 2}) is None


def test_store_names_a_damaged_file(tmp_path):
    cells = store.CellStore(tmp_path)
    key = {"seed": 1}
    cells.put(key, {"accuracy": 0.5})
    path = cells.path(key)
    path.write_text(path.read_text()[:20])
    with pytest.raises(store.DamagedFileError, match=path.name):
        cells.get(key)


def test_store_refuses_the_cell_of_another_key(tmp_path):
    cells = store.CellStore(tmp_path)
    cells.put({"seed": 1}, {"accuracy": 0.5})
    cells.path({"seed": 1}).rename(cells.path({"seed": 2}))
    with pytest.raises(store.DamagedFileError, match="another cell"):
        cells.get({"seed": 2})


def test_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    store.write_atomically(path, "old")

    def interrupted(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write_atomically(path, "new")
    assert [file.name for file in tmp_path.iterdir()] == ["results.json"]
    assert path.read_text() == "old"


# ---------------------------------------------------------------- cells


def test_full_study_has_all_cells():
    settings = experiment.Settings()
    cells = experiment.list_cells(settings)
    assert len(cells) == len(set(cells)) == 5 * 15
    fractions = [s.fraction for s in experiment.list_strategies(settings)]
    assert fractions == [
        None,
        None,
        0.0,
        *(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        None,
        None,
    ]


def test_quick_study_has_the_needed_strategies():
    kinds = {tuple(s) for s in experiment.list_strategies(experiment.QUICK)}
    assert {
        ("all labels", None),
        ("random labels", None),
        ("representatives", 0.0),
        ("propagated", 0.7),
        ("propagated", 1.0),
        ("default recipe", None),
    } <= kinds


@pytest.mark.parametrize("n_train", [1, 500, 60_000])
def test_train_rows_are_distinct_and_sorted(n_train):
    rows = experiment.choose_train_rows(n_train)
    assert len(rows) == n_train
    assert (np.diff(rows) > 0).all()
    assert rows[-1] < 60_000
    np.testing.assert_array_equal(rows, experiment.choose_train_rows(n_train))


@needs_keras
def test_key_holds_what_decides_a_cell_and_no_more():
    base = experiment.Settings()
    cell = experiment.Cell(experiment.Strategy("propagated", 0.7), 3)
    key = experiment.cell_key(cell, base)
    json.dumps(key)
    for other in (
        experiment.Settings(epochs=7),
        experiment.Settings(n_clusters=50),
        experiment.Settings(n_train=500),
    ):
        assert experiment.cell_key(cell, other) != key
    assert experiment.cell_key(cell._replace(seed=4), base) != key
    strategy = experiment.Strategy("propagated", 0.8)
    assert experiment.cell_key(cell._replace(strategy=strategy), base) != key
    more = experiment.Settings(n_seeds=9, fractions=(0.7,))
    assert experiment.cell_key(cell, more) == key

    all_labels = experiment.Cell(experiment.Strategy("all labels", None), 3)
    assert experiment.cell_key(all_labels, base) == experiment.cell_key(
        all_labels, experiment.Settings(n_clusters=50)
    )


@pytest.fixture
def blobs():
    X, y = make_blobs(
        400, n_features=5, centers=4, cluster_std=4.0, random_state=0, shuffle=True
    )
    return X.astype(np.float32), y.astype(np.int64)


def _training_set(kind, fraction, blobs, seed=0, **kwargs):
    cell = experiment.Cell(experiment.Strategy(kind, fraction), seed)
    return experiment.make_training_set(cell, *blobs, n_clusters=12, **kwargs)


def test_training_set_of_all_labels(blobs):
    X_fit, y_fit, facts = _training_set("all labels", None, blobs)
    np.testing.assert_array_equal(X_fit, blobs[0])
    np.testing.assert_array_equal(y_fit, blobs[1])
    assert facts == {"n_labels": 400, "n_rows": 400, "label_accuracy": 1.0}


def test_training_set_of_random_labels(blobs):
    X_fit, _, facts = _training_set("random labels", None, blobs)
    assert facts == {"n_labels": 12, "n_rows": 12, "label_accuracy": 1.0}
    assert len(np.unique(X_fit, axis=0)) == 12
    again = _training_set("random labels", None, blobs)[0]
    other = _training_set("random labels", None, blobs, seed=1)[0]
    np.testing.assert_array_equal(X_fit, again)
    assert not np.array_equal(X_fit, other)


def test_training_set_of_representatives(blobs):
    y = blobs[1]
    X_fit, y_fit, facts = _training_set("representatives", 0.0, blobs)
    chosen = facts["representatives"]
    assert facts["n_rows"] == facts["n_labels"] == len(X_fit) == 12
    assert facts["label_accuracy"] == 1.0
    np.testing.assert_array_equal(y[chosen["rows"]], chosen["labels"])
    np.testing.assert_array_equal(np.sort(y_fit), np.sort(chosen["labels"]))
    assert X_fit.dtype == np.float32


def test_propagated_labels_come_from_representatives_alone(blobs, tmp_path):
    X, y = blobs
    rows = _training_set("representatives", 0.0, blobs)[2]["representatives"]["rows"]
    wrong = (y + 1) % 4
    wrong[rows] = y[rows]
    X_fit, y_fit, facts = _training_set("propagated", 0.7, blobs, memory=str(tmp_path))
    _, y_blind, facts_blind = _training_set(
        "propagated", 0.7, (X, wrong), memory=str(tmp_path)
    )
    np.testing.assert_array_equal(y_fit, y_blind)
    assert len(X_fit) == facts["n_rows"] == pytest.approx(0.7 * 400, abs=6)
    # Its figure is measured against the labels it was given, so it must differ.
    assert 0.3 < facts["label_accuracy"] < 1
    assert facts_blind["label_accuracy"] < facts["label_accuracy"]


def test_label_accuracy_is_that_of_the_kept_rows(blobs):
    X, y = blobs
    X_fit, y_fit, facts = _training_set("propagated", 0.5, blobs)
    true = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
    given = zip(X_fit, y_fit, strict=True)
    right = [true[row.tobytes()] == label for row, label in given]
    assert facts["label_accuracy"] == pytest.approx(np.mean(right))


def test_default_recipe_reads_the_representatives_alone():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 40)
    images = rng.random((120, 28, 28)) * 0.1
    for label in range(3):  # a bar at another height for each class
        images[y == label, 4 + 8 * label : 8 + 8 * label] += 0.8
    X = images.reshape(120, -1).astype(np.float32)
    model = experiment.make_default_recipe(GaussianNB(), X, n_clusters=12, seed=0)
    model.fit(X, y)
    propagator = model.propagator_
    assert type(propagator.embedding_[0]).__name__ == "ImageFeatures"
    assert len(propagator.representative_indices_) == 12
    assert model.best_params_["fraction"] > 0
    assert model.score(X, y) > 0.95
    blind = np.zeros_like(y)
    blind[propagator.representative_indices_] = y[propagator.representative_indices_]
    again = experiment.make_default_recipe(GaussianNB(), X, n_clusters=12, seed=0)
    np.testing.assert_array_equal(again.fit(X, blind).predict(X), model.predict(X))


# ---------------------------------------------------------------- report


def test_mean_and_std():
    assert report.mean_and_std([0.7]) == {"mean": 0.7, "std": None}
    summary = report.mean_and_std([0.6, 0.8])
    assert summary["mean"] == pytest.approx(0.7)
    assert summary["std"] == pytest.approx(0.1 * np.sqrt(2))  # ddof=1


def test_percent():
    assert report.percent({"mean": 0.71234, "std": 0.0123}) == "71.2 ± 1.2"
    assert report.percent({"mean": 0.71234, "std": None}) == "71.2"
    assert report.percent({"mean": 1.0, "std": 0.0}) == "100"


def _fake_result(cell, settings):
    """Make a result that tells cells apart and looks like a real one."""
    kind, fraction = cell.strategy
    accuracy = {"all labels": 0.88, "random labels": 0.65}.get(kind, 0.70)
    accuracy = round(accuracy + 0.01 * cell.seed + 0.001 * (fraction or 0), 4)
    hits = round(1000 * accuracy)
    matrix = np.full((10, 10), 0)
    matrix[range(10), range(10)] = hits
    matrix[range(10), np.roll(range(10), 1)] = 1000 - hits
    n_rows = {
        "all labels": settings.n_train,
        "propagated": round(settings.n_train * (fraction or 0)),
    }.get(kind, settings.n_clusters)
    result = {
        "accuracy": float(np.trace(matrix) / 10_000),
        "label_accuracy": 0.75 if kind == "propagated" else 1.0,
        "n_labels": settings.n_train if kind == "all labels" else settings.n_clusters,
        "n_rows": n_rows,
        "labelling_seconds": 1.5,
        "training_seconds": 4.0,
        "confusion_matrix": matrix.tolist(),
    }
    if kind == "representatives":
        rows = list(range(settings.n_clusters))
        result["representatives"] = {"rows": rows, "labels": [r % 10 for r in rows]}
    if kind.startswith("default recipe"):
        result |= {"label_accuracy": 0.8, "n_rows": round(0.7 * settings.n_train)}
        result["chosen"] = {"propagation": "graph", "fraction": 0.7}
        result["estimated_accuracy"] = 0.71
    return result


@pytest.fixture
def study(monkeypatch):
    """The program with images, key and training replaced; ``ran`` counts cells."""
    names = [f"class {i}" for i in range(10)]
    images = np.zeros((200, 28, 28), dtype=np.uint8)
    state = SimpleNamespace(ran=[], interrupt_after=None)

    def run_cell(cell, settings, images, memory):
        if len(state.ran) == state.interrupt_after:
            raise KeyboardInterrupt
        state.ran.append(cell)
        return _fake_result(cell, settings)

    def cell_key(cell, settings):
        return {"cell": [*cell.strategy, cell.seed], "epochs": settings.epochs}

    def compute_labels(run, compute=parts.compute_labels):
        # The settings of the network, without the import of TensorFlow.
        network = SimpleNamespace(
            SETTINGS={"hidden_units": [8], "dropout": 0.1, "learning_rate": 0.01}
        )
        monkeypatch.setitem(sys.modules, "examples.fashion_mnist.network", network)
        return compute(run)

    monkeypatch.setattr(experiment, "run_cell", run_cell)
    monkeypatch.setattr(experiment, "cell_key", cell_key)
    monkeypatch.setattr(experiment, "load_images", lambda settings, data_home: None)
    monkeypatch.setattr(experiment, "versions", lambda: {"numpy": "0"})
    monkeypatch.setattr(
        parts,
        "fetch_fashion_mnist",
        lambda data_home: SimpleNamespace(images=images, target_names=names),
    )
    monkeypatch.setitem(
        parts.PARTS, "labels", parts.PARTS["labels"]._replace(compute=compute_labels)
    )
    return state


def test_program_writes_everything(study, tmp_path, capsys):
    assert cli.main([*SMALL, "--out", str(tmp_path)]) == 0
    assert len(study.ran) == N_SMALL_CELLS
    shown = capsys.readouterr().out
    assert str(tmp_path / "results.md") in shown

    part = json.loads((tmp_path / "results.json").read_text())["parts"]["labels"]
    assert part["settings"]["fractions"] == [0.7, 1.0]
    assert len(part["cells"]) == N_SMALL_CELLS
    assert str(tmp_path) not in (tmp_path / "results.json").read_text()
    rows = [line for line in shown.splitlines() if line.startswith("| ")]
    assert len(rows) == 1 + 3 + 1 + 7  # the first look, and the whole
    for name in ("fraction_curve", "representatives", "confusion"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert str(tmp_path / f"{name}.png") in shown


def test_table_shows_measured_beside_published(study, tmp_path, capsys):
    cli.main([*SMALL, "--out", str(tmp_path)])
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:-1]]
        for cells in (
            line.split("|")
            for line in capsys.readouterr().out.splitlines()
            if line.startswith("| ")
        )
    }
    assert rows["all 60,000 labels"] == [
        "60,000",
        "60,000",
        "100",
        "88.5 ± 0.7",
        "89.6",
        "4",
    ]
    assert rows["16 random images"][3:5] == ["65.5 ± 0.7", "61.3"]
    assert rows["16 representatives"][4] == "63.4"
    assert rows["spread to 70 % of each cluster"][1:3] == ["42,000", "75.0 ± 0.0"]
    assert rows["spread to 70 % of each cluster"][4] == "71.52"
    assert rows["spread to 100 % of each cluster"][4] == "lower than at 70 %"
    assert rows["**default recipe**"][3:5] == ["70.5 ± 0.7", ""]
    assert rows["**default recipe, convolutional network**"][:3] == [
        "16",
        "42,000",
        "80.0 ± 0.0",
    ]


def test_the_first_look_is_three_cells_of_the_whole(study, tmp_path):
    cli.main([*SMALL, "--out", str(tmp_path)])
    kinds = [cell.strategy.kind for cell in study.ran]
    assert kinds[:3] == list(experiment.FIRST_LOOK)
    assert {cell.seed for cell in study.ran[:3]} == {0}


def test_time_left_is_that_of_cells_of_the_same_kind():
    left = parts.TimeLeft(["short", "long", "short", "long", "other"])
    assert left.describe() == ""
    left.finish(1.0)
    left.finish(59.0)
    assert left.describe() == ", about 2 min left"
    left.finish(1.0)
    assert left.describe() == ", about 89 s left"
    left.finish(59.0)
    left.finish(7.0)
    assert left.describe() == ""


def test_notes_tell_what_the_default_recipe_chose(study, tmp_path):
    cli.main([*SMALL, "--out", str(tmp_path)])
    text = (tmp_path / "results.md").read_text()
    assert "Chosen were graph at 0.7 (2 ×)." in text


def test_interrupted_run_goes_on_where_it_was(study, tmp_path, capsys):
    study.interrupt_after = 3
    command = [*SMALL, "--out", str(tmp_path)]
    assert cli.main(command) == 130
    message = capsys.readouterr().err
    assert f"3 of {N_SMALL_CELLS} cells" in message
    assert "same command again" in message
    assert not (tmp_path / "results.json").exists()

    study.interrupt_after = None
    assert cli.main(command) == 0
    assert len(study.ran) == len(set(study.ran)) == N_SMALL_CELLS
    first = (tmp_path / "results.json").read_bytes()

    assert cli.main(command) == 0  # nothing is left to compute
    assert len(study.ran) == N_SMALL_CELLS
    assert (tmp_path / "results.json").read_bytes() == first

    more = ["--seeds", "3", *SMALL[2:], "--out", str(tmp_path)]
    assert cli.main(more) == 0  # only the third seed
    assert {cell.seed for cell in study.ran[N_SMALL_CELLS:]} == {2}


def test_report_only_makes_the_same_from_the_json(study, tmp_path):
    cli.main([*SMALL, "--out", str(tmp_path)])
    names = ["results.md", "fraction_curve.png", "representatives.png", "confusion.png"]
    before = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names:
        (tmp_path / name).unlink()
    study.ran.clear()
    assert cli.main(["--report-only", "--out", str(tmp_path)]) == 0
    assert study.ran == []
    assert {name: (tmp_path / name).read_bytes() for name in names} == before


def test_report_only_without_results(tmp_path, capsys):
    assert cli.main(["--report-only", "--out", str(tmp_path)]) == 1
    assert "results.json" in capsys.readouterr().err


def test_other_format_is_refused(tmp_path, capsys):
    (tmp_path / "results.json").write_text('{"format": 0}')
    assert cli.main(["--report-only", "--out", str(tmp_path)]) == 1
    assert "format 1" in capsys.readouterr().err


def test_json_keeps_its_content_on_short_lines():
    results = {"a": [[1, 2], [3.5, -1e-07]], "b": {"c": ["x  y", "z"]}, "d": []}
    text = report.to_json(results)
    assert json.loads(text) == results
    assert "[1, 2]" in text


def test_confusion_figure_takes_the_fraction_nearest_to_70_percent(
    monkeypatch, tmp_path
):
    settings = experiment.Settings(n_seeds=1, fractions=(0.1, 0.6, 1.0))
    records = [
        {
            "kind": cell.strategy.kind,
            "fraction": cell.strategy.fraction,
            "seed": cell.seed,
            **_fake_result(cell, settings),
        }
        for cell in experiment.list_cells(settings)
    ]
    saved = []
    monkeypatch.setattr(figures, "save", lambda figure, path: saved.append(figure))
    part = {"summary": report.summarise(records), "cells": records}
    figures.plot_confusion(part, [f"class {i}" for i in range(10)], tmp_path / "x.png")
    axes = saved[0].axes[0]
    assert "60 %" in axes.get_title()
    picture = axes.images[0].get_array()
    np.testing.assert_allclose(picture.sum(axis=1), 100)
    assert picture[0, 0] == pytest.approx(70.1, abs=0.05)


# ---------------------------------------------------------------- command line


@pytest.mark.parametrize(
    "options",
    [
        ["--quick"],
        [],
        ["--quick", "--seeds", "1", "--fractions", "1", "0.7", "0.7"],
        ["--n-clusters", "20", "--epochs", "2"],
        ["--fractions", "0.1234567"],
    ],
)
def test_command_in_the_results_makes_the_same_settings(options):
    parser = cli.make_parser()
    settings = cli.choose_settings(parser.parse_args([*options, "--out", "anywhere"]))
    command = cli.portable_command("labels", settings)
    start = "python -m examples.fashion_mnist"
    assert command.startswith(start)
    assert "anywhere" not in command
    parsed = parser.parse_args(shlex.split(command[len(start) :]))
    assert cli.choose_settings(parsed) == settings
    assert parsed.parts == ["labels"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fractions", "0"], "representatives alone"),
        (["--fractions", "1.5"], "at most 1"),
        (["--seeds", "0"], "must be 1 or more, got 0"),
        (["--seeds", "abc"], "must be a whole number, got 'abc'"),
        (["--fractions", "abc"], "must be a number, got 'abc'"),
        (["--n-clusters", "1"], "must be 2 or more, so that the labels can choose"),
        (["--quick", "--n-clusters", "15001"], "at most the number of training"),
        (["--parts", "nothing"], "invalid choice"),
    ],
)
def test_illegal_options_are_explained(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(options)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 1, "parts": {"labels": {}}}']
)
@pytest.mark.parametrize("options", [["--report-only"], ["--quick"]])
def test_damaged_results_are_told_of_before_the_work(
    text, options, tmp_path, capsys, monkeypatch
):
    (tmp_path / "results.json").write_text(text)
    monkeypatch.setattr(cli, "PARTS", {"labels": None})  # would fail in any work
    assert cli.main([*options, "--parts", "labels", "--out", str(tmp_path)]) == 1
    assert "error: " in capsys.readouterr().err
    assert (tmp_path / "results.json").read_text() == text


@pytest.mark.parametrize("how", [["-m", "examples.fashion_mnist"], None])
def test_both_ways_to_run_it(how):
    how = how or [str(Path("examples", "fashion_mnist"))]
    done = subprocess.run(
        [sys.executable, *how, "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "--report-only" in done.stdout


# ---------------------------------------------------------------- the network


@needs_keras
@pytest.mark.parametrize(
    ("n_samples", "batch_size"), [(3, 8), (100, 10), (2000, 200), (60_000, 256)]
)
def test_batch_size_leaves_steps_for_small_sets(n_samples, batch_size):
    from examples.fashion_mnist import network

    assert network.choose_batch_size(n_samples) == batch_size


@needs_keras
def test_import_and_training_are_silent():
    code = (
        "import numpy as np\n"
        "from examples.fashion_mnist.network import make_classifier\n"
        "X = np.eye(20, dtype='float32'); y = np.arange(20) % 2\n"
        "make_classifier(epochs=1, random_state=0).fit(X, y).predict(X)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_keras
@pytest.mark.filterwarnings("ignore")
def test_network_learns_reproducibly(blobs):
    from sklearn.base import clone

    from examples.fashion_mnist.network import make_classifier

    X, y = blobs
    classifier = make_classifier(epochs=20, random_state=3, hidden_units=(64,))
    first = classifier.fit(X, y).predict_proba(X)
    again = clone(classifier).fit(X, y).predict_proba(X)
    other = clone(classifier).set_params(random_state=4).fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.argmax(axis=1) == y).mean() > 0.6  # four classes that overlap
    assert first.shape == (400, 4)


@needs_keras
@pytest.mark.filterwarnings("ignore")
def test_learning_rate_falls_along_a_cosine(blobs):
    from examples.fashion_mnist.network import make_classifier

    X, y = blobs
    classifier = make_classifier(epochs=4, random_state=0, learning_rate=0.01)
    rates = classifier.fit(X, y).history_["learning_rate"]
    expected = 0.005 * (1 + np.cos(np.pi * np.arange(4) / 4))
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


# ---------------------------------------------------------------- CI's check


@pytest.fixture
def check_quick_run(monkeypatch):
    path = ROOT / ".ci" / "check_quick_run.py"
    if not path.exists():
        pytest.skip("needs the checkout")
    spec = importlib.util.spec_from_file_location("check_quick_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.delitem(module.CHECKS, "clusters")
    return module


@pytest.fixture
def quick_results(study, tmp_path, monkeypatch):
    undrawn = parts.PARTS["labels"]._replace(draw=lambda part, out, data_home: [])
    monkeypatch.setitem(parts.PARTS, "labels", undrawn)
    cli.main(["--quick", "--parts", "labels", "--out", str(tmp_path)])
    return tmp_path / "results.json"


def test_check_passes_a_complete_run(check_quick_run, quick_results, capsys):
    assert check_quick_run.main([str(quick_results)]) == 0
    assert "0 failed" in capsys.readouterr().out


def _drop_a_seed(part):
    del part["cells"][-1]


def _wrong_label_of_a_representative(part):
    part["cells"][2]["label_accuracy"] = 0.99


def _shuffled_propagation(part):
    part["cells"][3]["label_accuracy"] = 0.11


def _oracle_that_leaks(part):
    part["cells"][3]["label_accuracy"] = 1.0


def _all_rows_kept(part):
    part["cells"][3]["n_rows"] = part["settings"]["n_train"]


def _summary_of_something_else(part):
    part["summary"][0]["accuracy"]["mean"] = 0.896


def _no_row_for_a_strategy(part):
    del part["summary"][1]


def _chance_on_test(part):
    cell = part["cells"][4]
    cell["confusion_matrix"] = [[100] * 10] * 10
    cell["accuracy"] = 0.1


@pytest.mark.parametrize(
    "damage",
    [
        _drop_a_seed,
        _wrong_label_of_a_representative,
        _shuffled_propagation,
        _oracle_that_leaks,
        _all_rows_kept,
        _summary_of_something_else,
        _no_row_for_a_strategy,
        _chance_on_test,
    ],
)
def test_check_finds_damage(check_quick_run, quick_results, damage, capsys):
    results = json.loads(quick_results.read_text())
    damage(results["parts"]["labels"])
    quick_results.write_text(json.dumps(results))
    assert check_quick_run.main([str(quick_results)]) == 1
    assert "WRONG" in capsys.readouterr().out
