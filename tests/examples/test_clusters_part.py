"""Tests of the study's part on clusters, on planted ones and without real images."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics.cluster import contingency_matrix

pytest.importorskip("matplotlib")
pytest.importorskip("tqdm")

from examples.fashion_mnist import (
    cli,
    cluster_curve,
    cluster_figures,
    cluster_report,
    clusters,
    experiment,
    parts,
    store,
)
from kmeans_labelprop.model_selection import cluster_count_curve

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = ["--quick", "--seeds", "2", "--parts", "clusters"]
NAMES = [f"category {i}" for i in range(10)]
N_CELLS = 1 + 2 * (11 + 3 + 3 + 2)
FIGURES = [
    "cluster_count.png",
    "clusters_5.png",
    "clusters_7.png",
    "clusters_again.png",
]


def _make_images(n_train=500, n_test=200):
    """Five groups far from each other, each of two categories near to each other."""
    rng = np.random.default_rng(0)
    groups = 40 * np.eye(5, 12)
    centers = np.concatenate([groups - 3 * np.eye(12)[7], groups + 3 * np.eye(12)[7]])

    def draw(n):
        y = np.arange(n) % 10
        noise = rng.normal(scale=0.5, size=(n, 12))
        return (centers[y] + noise).astype(np.float32), y.astype(np.int64)

    (X_train, y_train), (X_test, y_test) = draw(n_train), draw(n_test)
    return experiment.ImageData(
        X_train, y_train, X_test, y_test, np.arange(n_train), NAMES
    )


@pytest.fixture(scope="module")
def images():
    return _make_images()


@pytest.fixture
def study(monkeypatch, images):
    """The program on planted clusters; ``ran`` holds the cells computed."""
    state = SimpleNamespace(ran=[], interrupt_after=None)

    def run_cell(cell, settings, spaces, run=clusters.run_cell):
        if len(state.ran) == state.interrupt_after:
            raise KeyboardInterrupt
        state.ran.append(cell)
        return run(cell, settings, spaces)

    monkeypatch.setattr(clusters, "run_cell", run_cell)
    monkeypatch.setattr(clusters, "load_images", lambda settings, data_home: images)
    monkeypatch.setattr(
        parts,
        "fetch_fashion_mnist",
        lambda data_home: SimpleNamespace(target_names=NAMES),
    )
    return state


@pytest.fixture(scope="module")
def section(images, tmp_path_factory):
    """What the part writes into ``results.json``, of planted clusters."""
    settings = experiment.Settings(n_seeds=2, n_train=500)
    cells = clusters.list_cells(settings)
    cell_store = store.CellStore(tmp_path_factory.mktemp("cells"))
    spaces = clusters.Spaces(images)
    for cell in cells:
        result = clusters.run_cell(cell, settings, spaces)
        cell_store.put(clusters.cell_key(cell, settings), result)
    collected = clusters.collect(cells, settings, cell_store)
    return {
        "command": "the command",
        **collected,
        "suggestions": cluster_curve.suggest(collected),
        "summary": cluster_report.summarise(collected["cells"]),
    }


def _copy(section):
    return json.loads(json.dumps(section))


# ---------------------------------------------------------------- cells


def test_full_study_has_all_cells():
    cells = clusters.list_cells(experiment.Settings())
    assert len(cells) == len(set(cells)) == 1 + 5 * (27 + 7 + 3 + 2)
    curve = [c.n_clusters for c in cells if (c.kind, c.seed) == ("curve", 3)]
    assert curve == [*range(2, 21), 25, 30, 40, 50, 75, 100, 150, 200]
    pixels = {c[:3] for c in cells if c.space == "pixels"}
    assert {("k-means", "pixels", 5), ("k-means", "pixels", 7)} <= pixels


def test_quick_study_is_small_but_has_every_kind():
    cells = clusters.list_cells(experiment.QUICK)
    assert max(cell.n_clusters for cell in cells) == 12
    kinds = {cell.kind for cell in cells}
    assert kinds == {cell.kind for cell in clusters.list_cells(experiment.Settings())}


def test_key_holds_what_decides_a_cell_and_no_more():
    base = experiment.Settings()
    cell = clusters.Cell("curve", "components", 7, 3)
    key = clusters.cell_key(cell, base)
    json.dumps(key)
    assert clusters.cell_key(cell, experiment.Settings(n_train=500)) != key
    for other in (
        cell._replace(seed=4),
        cell._replace(n_clusters=8),
        cell._replace(kind="k-means"),
        cell._replace(space="pixels"),
    ):
        assert clusters.cell_key(other, base) != key
    # What the network needs does not matter here.
    same = experiment.Settings(n_seeds=9, epochs=2, n_clusters=20, fractions=(0.7,))
    assert clusters.cell_key(cell, same) == key


def test_no_label_has_a_part_in_the_clustering(images):
    cell = clusters.Cell("each cluster again", "pixels", 5, 0)
    shuffled = np.random.default_rng(1).permutation(images.y_test)
    other = experiment.ImageData(
        images.X_train, images.y_train[::-1], images.X_test, shuffled, None, NAMES
    )
    first, second = (
        clusters.cluster_and_count(cell, clusters.Spaces(i)) for i in (images, other)
    )
    assert first["inertia"] == second["inertia"]
    assert np.sum(first["counts"], 1).tolist() == np.sum(second["counts"], 1).tolist()
    assert first["purity"] == 1 > second["purity"]


# ---------------------------------------------------------------- clusterings


def test_embedding_is_fitted_on_the_training_images(images):
    spaces = clusters.Spaces(images)
    E_train, E_test = spaces.get("components")
    assert E_train.shape == (500, 12)
    np.testing.assert_allclose(E_train.mean(axis=0), 0, atol=1e-4)
    assert abs(E_test.mean(axis=0)).max() > 1e-3
    described = spaces.describe_embedding()
    assert described["explained_variance"] == pytest.approx(1)
    assert spaces.get("pixels")[1] is images.X_test


def test_curve_is_that_of_the_library(section, images):
    E_train, _ = clusters.Spaces(images).get("components")
    curve = cluster_curve.read_curve(section)
    assert curve.n_clusters.tolist() == list(range(2, 13))
    one = cluster_count_curve(
        E_train, [5], embedding=None, sample_size=83, random_state=1
    )
    for name, values in one.values.items():
        assert curve.values[name][3, 1] == pytest.approx(values[0, 0])
    assert curve.sampling_error["silhouette"][3, 1] > 0


def test_planted_number_is_suggested(section):
    assert section["settings"]["silhouette_sample"] == 83
    found = {
        (s["score"], s["rule"]): (s["n_clusters"], s["each_seed"])
        for s in section["suggestions"]
    }
    assert found["inertia", "knee"] == (5, [5, 5])
    assert found["silhouette", "best"] == (5, [5, 5])


def test_counts_are_those_of_the_test_images(images):
    cell = clusters.Cell("k-means", "pixels", 7, 0)
    result = clusters.cluster_and_count(cell, clusters.Spaces(images))
    clusterer = clusters.make_clusterer(cell).fit(images.X_train)
    expected = contingency_matrix(clusterer.predict(images.X_test), images.y_test)
    np.testing.assert_array_equal(result["counts"], expected)
    assert result["purity"] == pytest.approx(expected.max(axis=1).sum() / 200)
    assert result["inertia"] == pytest.approx(clusterer.inertia_)
    assert result["n_leading"] == len(set(expected.argmax(axis=1)))


def test_clusters_without_test_images_are_counted_as_empty():
    counts = clusters.count_categories(np.array([0, 2, 2]), np.array([1, 0, 0]), 4, 3)
    assert counts.tolist() == [[0, 1, 0], [0, 0, 0], [2, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("kind", ["each cluster again", "again where it helps most"])
def test_clustering_again_splits_the_clusters_that_were_there(section, kind):
    cells = {
        cell["kind"]: cell
        for cell in section["cells"]
        if (cell["space"], cell["n_clusters"], cell["seed"]) == ("pixels", 5, 1)
    }
    before, after = cells["k-means"], cells[kind]
    assert before["purity"] == pytest.approx(0.5)
    assert before["n_leading"] == 5
    assert (after["n_flat_clusters"], after["n_leading"]) == (10, 10)
    assert after["purity"] == 1
    assert np.bincount(after["parents"]).tolist() == [2] * 5
    together = np.zeros((5, 10), dtype=int)
    np.add.at(together, after["parents"], after["counts"])
    np.testing.assert_array_equal(together, before["counts"])


# ---------------------------------------------------------------- report


def _curve_of(silhouettes):
    values = np.array(silhouettes, dtype=float)[:, np.newaxis]
    return SimpleNamespace(
        n_clusters=np.arange(2, 2 + len(values)),
        mean={"silhouette": values.mean(axis=1)},
    )


@pytest.mark.parametrize(
    ("silhouettes", "peak"),
    [
        ([5, 4, 3, 2, 1], None),
        ([1, 2, 3, 4, 5], None),
        ([9, 2, 3, 2, 1], 4),
        ([9, 2, 3, 2, 4, 1, 8], 6),
        ([7, 9, 2, 3, 2], 5),  # the best, at 3, is not the next
        ([9, 2, 2, 2], None),
    ],
)
def test_next_peak(silhouettes, peak):
    curve = _curve_of(silhouettes)
    assert cluster_curve.find_next_peak(curve, "silhouette") == peak


def test_curve_can_end_earlier(section):
    start = cluster_curve.read_curve(section, 6)
    assert start.n_clusters.tolist() == [2, 3, 4, 5, 6]
    one = cluster_curve.one_seed(start, 1)
    rows = section["curve"]["values"]["inertia"][:5]
    np.testing.assert_array_equal(one.mean["inertia"], [row[1] for row in rows])
    assert not one.std["inertia"].any()


def test_ends_of_a_long_curve():
    def ends(counts):
        return cluster_curve.list_ends({"curve": {"n_clusters": counts}})

    assert ends([*range(2, 21), 50, 200]) == [20, 200]
    assert ends([*range(2, 13)]) == [12]


def test_text_says_whether_the_scores_agree_with_the_report(section):
    text = cluster_report.curve_notes(section)
    assert "none of the scores does" in text
    agreeing = _copy(section)
    agreeing["suggestions"][0]["n_clusters"] = 7
    text = cluster_report.curve_notes(agreeing)
    assert "Here these do, of the scores up to 12: inertia, knee." in text


def test_text_says_when_the_knee_moves_with_the_end(section):
    assert "depends on where one stops" not in cluster_report.curve_notes(section)
    moving = _copy(section)
    moving["curve"]["n_clusters"][-1] = 200
    longer = [{**s, "end": 200, "n_clusters": 40} for s in moving["suggestions"]]
    for suggestion in moving["suggestions"]:
        suggestion["end"] = 11
    moving["suggestions"] += longer
    text = cluster_report.curve_notes(moving)
    assert "ends at 11 has its knee at 5, one that ends at 200 at 40" in text
    table = cluster_report.suggestions_table(moving).splitlines()
    assert table[0] == "| score | 2 … 11 | single seeds | 2 … 200 | single seeds |"
    assert table[2] == "| inertia, knee | 5 | 5, 5 | 40 | 5, 5 |"


def test_tables_show_what_was_measured(section):
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in cluster_report.reclustering_table(section).splitlines()[2:]
    ]
    assert rows[0][:5] == ["5 clusters", "5", "50.0 ± 0.0", "5.0 ± 0.0", "100.0"]
    assert rows[1][:4] == ["each of the 5 again", "10", "100", "10.0 ± 0.0"]
    assert float(rows[1][4]) < 30  # of the inertia before
    purity = cluster_report.purity_table(section).splitlines()
    assert [line.split("|")[1].strip() for line in purity[2:]] == ["5", "7", "10"]


@pytest.mark.parametrize(
    ("again", "text"),
    [
        ([0.50, 0.54], "10 clusters at once are 4.0 ± 1.4 points purer"),
        ([0.56, 0.62], "The 5 clustered again are 3.0 ± 2.8 points purer"),
    ],
)
def test_text_says_which_of_both_ways_is_purer(section, again, text):
    changed = _copy(section)
    for cell in changed["cells"]:
        if cell["kind"] == "each cluster again":
            cell["purity"] = again[cell["seed"]]
        if (cell["kind"], cell["space"]) == ("k-means", "pixels"):
            cell["purity"] = [0.55, 0.57][cell["seed"]]
    assert text in cluster_report.reclustering_notes(changed)


# ---------------------------------------------------------------- figures


@pytest.fixture
def saved(monkeypatch):
    figures = []
    monkeypatch.setattr(
        cluster_figures, "save", lambda figure, path: figures.append(figure)
    )
    return figures


def test_curve_figure_marks_the_report(section, saved, tmp_path):
    cluster_figures.plot_curve(section, tmp_path / "x.png")
    elbow, silhouette = saved[0].axes
    for axes in (elbow, silhouette):
        texts = [text.get_text() for text in axes.get_legend().get_texts()]
        assert "the report: 7 clusters" in texts
    assert "knee: 5 clusters" in [t.get_text() for t in elbow.get_legend().get_texts()]
    line = elbow.lines[0]
    np.testing.assert_allclose(
        line.get_ydata(), np.mean(section["curve"]["values"]["inertia"], axis=1)
    )


def test_histograms_stand_beside_each_other(section, saved, tmp_path):
    cluster_figures.plot_reclustered(section, NAMES, tmp_path / "x.png")
    left, right = saved[0].axes[:2]
    names = [tick.get_text() for tick in left.get_yticklabels()]
    assert names == ["0", "1", "2", "3", "4"]
    names = [tick.get_text() for tick in right.get_yticklabels()]
    assert names == [f"{i}{letter}" for i in range(5) for letter in "ab"]
    assert "purity 50.0 %" in left.get_title()
    assert "purity 100.0 %" in right.get_title()
    # A row on the left is as high as the two of its subclusters.
    heights = [axes.get_ylim()[1] for axes in (left, right)]
    assert heights[1] == pytest.approx(2 * heights[0])


def test_subclusters_are_named_by_parent():
    assert cluster_figures.name_subclusters([0, 1, 1, 1, 3]) == [
        "0a",
        "1a",
        "1b",
        "1c",
        "3a",
    ]


# ---------------------------------------------------------------- the program


def test_program_writes_everything(study, tmp_path, capsys):
    assert cli.main([*OPTIONS, "--out", str(tmp_path)]) == 0
    assert len(study.ran) == N_CELLS
    text = (tmp_path / "results.md").read_text()
    shown = capsys.readouterr().out
    for name in FIGURES:
        assert str(tmp_path / name) in shown
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
        assert text.count(f"]({name})") == 1
    assert "nan" not in text.lower()
    part = json.loads((tmp_path / "results.json").read_text())["parts"]["clusters"]
    assert part["command"].startswith("python -m examples.fashion_mnist --quick")
    assert len(part["cells"]) == 2 * 8
    assert str(tmp_path) not in (tmp_path / "results.json").read_text()


def test_one_seed_has_no_spread(study, tmp_path):
    options = ["--quick", "--seeds", "1", "--parts", "clusters"]
    assert cli.main([*options, "--out", str(tmp_path)]) == 0
    tables = [
        line
        for line in (tmp_path / "results.md").read_text().splitlines()
        if line.startswith("|")
    ]
    assert tables
    assert "±" not in "".join(tables)


def test_interrupted_run_goes_on_where_it_was(study, tmp_path, capsys):
    study.interrupt_after = 5
    command = [*OPTIONS, "--out", str(tmp_path)]
    assert cli.main(command) == 130
    assert f"5 of {N_CELLS} cells" in capsys.readouterr().err
    study.interrupt_after = None
    assert cli.main(command) == 0
    assert len(study.ran) == len(set(study.ran)) == N_CELLS
    first = (tmp_path / "results.json").read_bytes()
    assert cli.main(command) == 0
    assert len(study.ran) == N_CELLS
    assert (tmp_path / "results.json").read_bytes() == first


def test_report_only_makes_the_same_from_the_json(study, tmp_path):
    cli.main([*OPTIONS, "--out", str(tmp_path)])
    names = ["results.md", *FIGURES]
    before = {name: (tmp_path / name).read_bytes() for name in names}
    for name in names:
        (tmp_path / name).unlink()
    study.ran.clear()
    assert cli.main(["--report-only", "--out", str(tmp_path)]) == 0
    assert study.ran == []
    assert {name: (tmp_path / name).read_bytes() for name in names} == before


def test_unfinished_cells_are_not_collected(tmp_path):
    settings = experiment.Settings(n_seeds=1)
    with pytest.raises(LookupError, match="not finished"):
        clusters.collect(
            clusters.list_cells(settings), settings, store.CellStore(tmp_path)
        )


def test_clusters_come_first_in_the_report(study, tmp_path, monkeypatch):
    labels = parts.Part(lambda run: {}, lambda part: "## labels\n", lambda *_: [])
    monkeypatch.setitem(parts.PARTS, "labels", labels)
    options = ["--quick", "--seeds", "1", "--out", str(tmp_path)]
    assert cli.main([*options, "--parts", "labels"]) == 0
    assert cli.main([*options, "--parts", "clusters"]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert list(results["parts"]) == ["clusters", "labels"]
    text = (tmp_path / "results.md").read_text()
    assert 0 < text.index("## What the clusters hold") < text.index("## labels")


# ---------------------------------------------------------------- CI's check


@pytest.fixture
def check(monkeypatch):
    path = ROOT / ".ci" / "check_quick_run.py"
    if not path.exists():
        pytest.skip("needs the checkout")
    spec = importlib.util.spec_from_file_location("check_quick_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(module.CHECKS, "labels", lambda part, check: None)
    # The planted clusters are purer than those of images.
    for clustering in module.PURITY:
        monkeypatch.setitem(module.PURITY, clustering, (0.49, 1.01))
    monkeypatch.setattr(module, "SILHOUETTE", (0.1, 1))
    monkeypatch.setattr(module, "VARIANCE", (0.9, 1.01))
    monkeypatch.setattr(module, "N_TEST", 200)
    monkeypatch.setattr(module, "MOST_MOVED", 0)
    return module


def test_check_passes_a_complete_run(check, section):
    good, bad = check.find_problems({"clusters": section, "labels": {}})
    assert bad == []
    assert len(good) > 50


def test_check_misses_a_part(check, section):
    assert check.find_problems({"clusters": section})[1] == [
        "the results have the part 'labels'"
    ]
    assert check.find_problems({"labels": {}})[1] == [
        "the results have the part 'clusters'"
    ]


def _find(section, kind, space="pixels", n_clusters=5):
    return next(
        cell
        for cell in section["cells"]
        if (cell["kind"], cell["space"], cell["n_clusters"])
        == (kind, space, n_clusters)
    )


def _drop_a_seed(section):
    del section["cells"][-1]


def _clusters_at_random(section):
    _find(section, "k-means", "components")["purity"] = 0.1


def _counts_of_other_images(section):
    _find(section, "k-means")["counts"][0][0] += 1


def _other_first_level(section):
    parents = _find(section, "each cluster again")["parents"]
    parents[0], parents[-1] = parents[-1], parents[0]


def _rising_inertia(section):
    section["curve"]["values"]["inertia"][4] = [1e9, 1e9]


def _no_silhouette(section):
    section["curve"]["values"]["silhouette"][0][0] = float("nan")


def _shorter_curve(section):
    section["curve"]["n_clusters"] = section["curve"]["n_clusters"][:5]


def _too_few_components(section):
    section["embedding"]["explained_variance"] = 0.3


def _summary_of_something_else(section):
    section["summary"][0]["purity"]["mean"] += 0.01


@pytest.mark.parametrize(
    "damage",
    [
        _drop_a_seed,
        _clusters_at_random,
        _counts_of_other_images,
        _other_first_level,
        _rising_inertia,
        _no_silhouette,
        _shorter_curve,
        _too_few_components,
        _summary_of_something_else,
    ],
)
def test_check_finds_damage(check, section, damage):
    damaged = _copy(section)
    damage(damaged)
    assert check.find_problems({"clusters": damaged, "labels": {}})[1]
