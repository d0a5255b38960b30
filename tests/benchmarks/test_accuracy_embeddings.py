"""What the ready embeddings gain: the spaces, the figures, the tables, and resuming."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer, scale

from benchmarks.accuracy import embeddings
from benchmarks.accuracy.data import DATA_SETS, Problem, split
from benchmarks.accuracy.embeddings import (
    AS_GIVEN,
    AS_THEY_ARE,
    EMBEDDED,
    EMBEDDED_GIVEN,
    EMBEDDED_IMAGES,
    EMBEDDED_STANDARDISED,
    STANDARDISED,
    Space,
    columns_as_given,
    main,
    make_spaces,
    markdown,
    measure,
    middle_budget,
    right_labels,
)
from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures


def images(name: str, side: int, seed: int = 0, n_samples: int = 120) -> Problem:
    rng = np.random.default_rng(0)
    X = rng.random((n_samples, side * side), dtype=np.float32)
    y = np.arange(n_samples) % 2
    return Problem(name, "images", seed, X, X[:2], y, y[:2], (side, side))


# -------------------------------------------------------------------- figures


def test_share_of_right_labels_of_known_clusters():
    x = np.r_[np.linspace(0, 1, 20), np.linspace(100, 101, 20)][:, np.newaxis]
    y = np.repeat([0, 1], 20)
    y[[0, 19, 20]] = 1, 1, 0  # at the borders: wrong, whatever spreads
    expected = {"graph": 37 / 40, "cluster": 37 / 40}
    assert right_labels(Space(x), y, 2, seed=0) == pytest.approx(expected)


def test_samples_are_clustered_in_the_embedding():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 30)
    X = np.c_[y + rng.normal(0, 0.01, 60), rng.normal(0, 1000, 60)]
    first = FunctionTransformer(lambda X: X[:, :1])
    assert right_labels(Space(X, first), y, 2, seed=0) == {"graph": 1, "cluster": 1}
    assert max(right_labels(Space(X), y, 2, seed=0).values()) < 0.8


def test_the_seed_is_that_of_the_propagator():
    rng = np.random.default_rng(0)
    X, y = rng.random((200, 5)), rng.integers(3, size=200)
    shares = [right_labels(Space(X), y, 20, seed=seed)["cluster"] for seed in (1, 2)]
    propagators = [
        KMeansLabelPropagator(20, propagation="cluster", random_state=seed)
        for seed in (1, 2)
    ]
    expected = [np.mean(each.fit(X, y).transduction_ == y) for each in propagators]
    assert shares == pytest.approx(expected)
    assert shares[0] != shares[1]


def test_a_sample_that_no_label_reaches_is_wrong():
    # The far group is a part of the graph without a label, in the cluster of the other.
    x = np.r_[np.linspace(0, 1, 40), np.linspace(9, 9.1, 11)][:, np.newaxis]
    y = np.zeros(51, dtype=int)
    expected = {"graph": 40 / 51, "cluster": 1}
    with pytest.warns(UserWarning, match="reaches 11 samples over the graph"):
        shares = right_labels(Space(x), y, 1, seed=0)
    assert shares == pytest.approx(expected)


def test_measured_with_the_middle_budget():
    assert [middle_budget(n) for n in ("wine", "digits", "mnist_5000")] == [20, 50, 100]
    assert middle_budget("fashion_mnist") == 100


# -------------------------------------------------------------------- spaces


@pytest.mark.parametrize("name", ["wine", "penguins"])
def test_columns_as_given_are_those_of_the_training_part(name):
    if name == "penguins":
        pytest.importorskip("palmerpenguins")
    given = columns_as_given(name, 3)
    complete = SimpleImputer(strategy="median").fit_transform(given)
    np.testing.assert_allclose(scale(complete), split(name, 3).X_train, atol=1e-9)
    assert np.isnan(given).any() == (name == "penguins")


def test_a_table_is_looked_at_as_given_and_standardised():
    problem = split("wine", 0)
    spaces = make_spaces(problem)
    assert list(spaces) == [
        AS_GIVEN,
        STANDARDISED,
        EMBEDDED_GIVEN,
        EMBEDDED_STANDARDISED,
    ]
    assert spaces[AS_GIVEN].X.max() > 1000  # proline
    assert spaces[STANDARDISED].X is problem.X_train
    assert isinstance(spaces[EMBEDDED_GIVEN].embedding, QuantileTransformer)
    assert spaces[EMBEDDED_GIVEN].X.max() > 1000
    assert spaces[EMBEDDED_STANDARDISED].base == STANDARDISED


def test_image_features_are_for_images_large_enough():
    small, large = make_spaces(images("a", 13)), make_spaces(images("b", 14, seed=5))
    assert list(small) == [AS_THEY_ARE, EMBEDDED]
    assert list(large) == [AS_THEY_ARE, EMBEDDED, EMBEDDED_IMAGES]
    assert not isinstance(large[EMBEDDED].embedding, ImageFeatures)
    features = large[EMBEDDED_IMAGES].embedding
    assert isinstance(features, ImageFeatures)
    assert features.image_shape == (14, 14)
    assert features.random_state == 5


def test_where_nothing_is_embedded_the_figures_are_the_base_s():
    row = measure("wine", 1)
    spaces = row["spaces"]
    assert (row["labels"], row["samples"]) == (20, 124)
    assert spaces[EMBEDDED_STANDARDISED] == spaces[STANDARDISED]
    assert spaces[EMBEDDED_STANDARDISED]["embedding"] is None
    assert spaces[EMBEDDED_GIVEN]["embedding"].startswith("QuantileTransformer(")
    for rule in ("graph", "cluster"):  # proline hides the other columns
        assert spaces[AS_GIVEN][rule] < 0.8 < spaces[EMBEDDED_GIVEN][rule]


@pytest.mark.parametrize(
    ("name", "embedding_seed"), [("fashion_mnist", 0), ("mnist_5000", 2)]
)
def test_training_samples_that_seeds_share_are_embedded_once(
    monkeypatch, name, embedding_seed
):
    seeds = []

    def right(space, y, n_labels, seed, memory):
        if isinstance(space.embedding, ImageFeatures):
            seeds.append((space.embedding.random_state, seed))
        return {"graph": 1.0, "cluster": 1.0}

    monkeypatch.setattr(embeddings, "split", lambda name, s: images(name, 14, s))
    monkeypatch.setattr(embeddings, "right_labels", right)
    assert measure(name, 2)["seed"] == 2
    assert seeds == [(embedding_seed, 2)]


# -------------------------------------------------------------------- tables


def lines_of(rows):
    return [
        line.replace("\u00a0", " ")
        for line in markdown(rows).splitlines()
        if line.startswith("| ")
    ]


def made_row(name, seed, **spaces):
    return {"dataset": name, "seed": seed, "labels": 50, "samples": 9, "spaces": spaces}


def made_space(graph, cluster, embedding=None):
    return {"embedding": embedding, "graph": graph, "cluster": cluster}


def test_table_has_means_and_paired_gains():
    rows = [
        made_row(
            "mnist_5000",
            seed,
            **{
                AS_THEY_ARE: made_space(0.5 + seed / 10, 0.5),
                EMBEDDED: made_space(0.5 + seed / 10, 0.5),
                EMBEDDED_IMAGES: made_space(0.6 + seed / 10, 0.4 + seed / 50, "I()"),
            },
        )
        for seed in range(2)
    ]
    head, graph, cluster = lines_of(rows)
    assert head == (
        "| data set | rule | labels | seeds | as they are | `default_embedding` "
        "| minus as they are | `default_embedding`, `image_shape` | minus as they are |"
    )
    # 0.1 on both seeds: as paired differences, they do not vary.
    assert graph == (
        "| mnist_5000 | graph | 50 | 2 | 55.0 ± 7.1 | the same | – "
        "| 65.0 ± 7.1 | +10.0 ± 0.0 |"
    )
    assert cluster == (
        "| mnist_5000 | cluster | 50 | 2 | 50.0 ± 0.0 | the same | – "
        "| 41.0 ± 1.4 | -9.0 ± 1.0 |"
    )


def test_table_tells_where_only_some_seeds_are_the_same():
    spaces = {
        AS_GIVEN: made_space(0.5, 0.5),
        STANDARDISED: made_space(0.6, 0.7),
        EMBEDDED_GIVEN: made_space(0.5, 0.5),
        EMBEDDED_STANDARDISED: made_space(0.6, 0.7),
    }
    other = {**spaces, EMBEDDED_STANDARDISED: made_space(0.8, 0.7, "Q()")}
    rows = [made_row("wine", 0, **spaces), made_row("wine", 1, **other)]
    _, as_given, _, _, standardised, _ = lines_of(rows)
    assert as_given == (
        "| wine | graph | 50 | 2 | 50.0 ± 0.0 | 60.0 ± 0.0 | the same | – "
        "| -10.0 ± 0.0 |"
    )
    assert standardised == (
        "| wine | graph | 50 | 2 | 60.0 ± 0.0 | 70.0 ± 14.1 (the same on 1 seeds) "
        "| +10.0 ± 10.0 |"
    )


def test_one_seed_has_no_spread_and_no_image_features_no_column():
    spaces = {AS_THEY_ARE: made_space(0.5, 0.5), EMBEDDED: made_space(0.7, 0.4, "P()")}
    _, graph, _ = lines_of([made_row("digits", 0, **spaces)])
    assert graph == "| digits | graph | 50 | 1 | 50.0 | 70.0 | +20.0 | – | – |"


# ------------------------------------------------------------------- resuming


@pytest.fixture
def measured(monkeypatch):
    done = []

    def record(name, seed, memory):
        done.append((name, seed))
        kind = DATA_SETS[name].kind
        names = (AS_GIVEN, STANDARDISED, EMBEDDED_GIVEN, EMBEDDED_STANDARDISED)
        spaces = names if kind == "tabular" else (AS_THEY_ARE, EMBEDDED)
        return made_row(name, seed, **{each: made_space(0.5, 0.25) for each in spaces})

    monkeypatch.setattr(embeddings, "measure", record)
    return done


def test_what_is_in_the_file_is_not_measured_again(tmp_path, measured):
    out = str(tmp_path / "e.json")
    main(["--datasets", "wine", "--seeds", "2", "--out", out])
    assert measured == [("wine", 0), ("wine", 1)]
    main(["--datasets", "digits", "wine", "--seeds", "3", "--out", out])
    assert measured[2:] == [("digits", 0), ("digits", 1), ("digits", 2), ("wine", 2)]
    content = json.loads((tmp_path / "e.json").read_text())
    assert [(row["dataset"], row["seed"]) for row in content["rows"]] == [
        *(("digits", seed) for seed in range(3)),
        *(("wine", seed) for seed in range(3)),
    ]
    assert content["machine"]["versions"]["numpy"] == np.__version__


def test_every_seed_is_written_before_the_next(tmp_path, measured, monkeypatch):
    record = embeddings.measure

    def fail_at_the_second(name, seed, memory):
        if seed == 1:
            raise KeyboardInterrupt
        return record(name, seed, memory)

    monkeypatch.setattr(embeddings, "measure", fail_at_the_second)
    path = tmp_path / "e.json"
    with pytest.raises(KeyboardInterrupt):
        main(["--datasets", "wine", "--out", str(path)])
    assert [row["seed"] for row in json.loads(path.read_text())["rows"]] == [0]


def test_report_only_measures_nothing(tmp_path, measured, capsys):
    path = tmp_path / "e.json"
    with pytest.raises(SystemExit, match="0"):
        main(["--report-only", "--out", str(path)])
    assert "nothing measured yet" in capsys.readouterr().err
    main(["--datasets", "wine", "--seeds", "1", "--out", str(path)])
    before = path.read_text()
    path.with_suffix(".md").unlink()
    main(["--report-only", "--out", str(path)])
    assert measured == [("wine", 0)]
    assert path.read_text() == before
    assert "| wine | graph | 50 | 1 | 50.0 |" in path.with_suffix(".md").read_text()


def test_fashion_mnist_comes_last_with_seeds_of_its_own(tmp_path, measured):
    names = ["fashion_mnist", "wine"]
    out = str(tmp_path / "e.json")
    main(["--datasets", *names, "--seeds", "1", "--fashion-seeds", "2", "--out", out])
    assert measured == [("wine", 0), ("fashion_mnist", 0), ("fashion_mnist", 1)]
    main(["--datasets", *names, "--no-fashion-mnist", "--seeds", "2", "--out", out])
    assert measured[3:] == [("wine", 1)]
