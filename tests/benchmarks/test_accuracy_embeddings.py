"""What the ready embeddings gain: the spaces, the figures and the tables."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import scale

from benchmarks.accuracy.data import DATA_SETS, Problem, split
from benchmarks.accuracy.embeddings import (
    AS_GIVEN,
    AS_THEY_ARE,
    EMBEDDED,
    EMBEDDED_GIVEN,
    EMBEDDED_IMAGES,
    EMBEDDED_STANDARDISED,
    METHODS,
    RULES,
    STANDARDISED,
    columns_as_given,
    has_space,
    make_space,
    markdown,
    middle_budget,
)
from benchmarks.accuracy.measure import Shared
from benchmarks.accuracy.runner import Cell, run_cell
from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures


def name_of(space, rule):
    return f"{space.replace(' ', '_')}-{rule}"


def images(name: str, side: int, seed: int = 0, n_samples: int = 120) -> Problem:
    rng = np.random.default_rng(0)
    X = rng.random((n_samples, side * side), dtype=np.float32)
    y = np.arange(n_samples) % 2
    return Problem(name, "images", seed, X, X[:2], y, y[:2], (side, side))


# -------------------------------------------------------------------- figures


def measured(folder, problem, space, rule, budget=20):
    cell = Cell(problem.name, problem.seed, budget, "logistic", name_of(space, rule))
    result = run_cell(cell, METHODS[cell.method], problem, Shared(folder))
    assert result["status"] == "done", result
    return result


@pytest.mark.parametrize("rule", RULES)
def test_samples_are_clustered_in_the_space_with_the_seed(tmp_path, rule):
    problem = split("wine", 1)
    figures = {
        space: measured(tmp_path, problem, space, rule)
        for space in (AS_GIVEN, STANDARDISED, EMBEDDED_GIVEN, EMBEDDED_STANDARDISED)
    }
    own = KMeansLabelPropagator(20, propagation=rule, random_state=1)
    own.fit(problem.X_train, problem.y_train)
    expected = np.mean(own.transduction_ == problem.y_train)
    assert figures[STANDARDISED]["accuracy"] == expected
    # Nothing is embedded there: the figures are the same.
    assert figures[EMBEDDED_STANDARDISED]["accuracy"] == expected
    assert figures[EMBEDDED_STANDARDISED]["chosen"] == {"embedding": None}
    told = figures[EMBEDDED_GIVEN]["chosen"]["embedding"]
    assert "RobustScores(" in told
    # Proline hides the other columns.
    as_given, embedded = (figures[s]["accuracy"] for s in (AS_GIVEN, EMBEDDED_GIVEN))
    assert as_given < 0.8 < embedded


def test_a_sample_that_no_label_reaches_is_wrong(tmp_path):
    # The far group is a part of the graph without a label, in the cluster of the other.
    x = np.r_[np.linspace(0, 1, 40), np.linspace(9, 9.1, 11)][:, np.newaxis]
    y = np.zeros(51, dtype=int)
    problem = Problem("made", "text", 0, x, x[:1], y, y[:1])
    shares = [measured(tmp_path, problem, AS_THEY_ARE, rule, 1) for rule in RULES]
    assert [share["accuracy"] for share in shares] == [40 / 51, 1]


def test_measured_with_the_middle_budget():
    names = ("wine", "digits", "mnist_5000", "fashion_mnist")
    found = [middle_budget(DATA_SETS[name]) for name in names]
    assert found == [(20,), (50,), (100,), (100,)]


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
    assert make_space(problem, AS_GIVEN).X.max() > 1000  # proline
    assert make_space(problem, STANDARDISED).X is problem.X_train
    embedded = make_space(problem, EMBEDDED_GIVEN)
    assert type(embedded.embedding[0]).__name__ == "RobustScores"
    assert embedded.X.max() > 1000
    assert make_space(problem, EMBEDDED_STANDARDISED).X is problem.X_train


def spaces_of(name):
    spaces = (
        AS_THEY_ARE,
        EMBEDDED,
        EMBEDDED_IMAGES,
        AS_GIVEN,
        STANDARDISED,
        EMBEDDED_GIVEN,
        EMBEDDED_STANDARDISED,
    )
    return [space for space in spaces if has_space(DATA_SETS[name], space)]


def test_each_kind_of_data_has_its_spaces():
    tables = [AS_GIVEN, STANDARDISED, EMBEDDED_GIVEN, EMBEDDED_STANDARDISED]
    assert spaces_of("wine") == tables
    assert spaces_of("fortunes") == [AS_THEY_ARE, EMBEDDED]
    assert spaces_of("digits") == [AS_THEY_ARE, EMBEDDED]  # too small
    assert spaces_of("mnist_5000") == [AS_THEY_ARE, EMBEDDED, EMBEDDED_IMAGES]
    for name, data_set in DATA_SETS.items():
        methods = [m for m, method in METHODS.items() if method.only(data_set)]
        assert methods == [name_of(s, rule) for s in spaces_of(name) for rule in RULES]


@pytest.mark.parametrize(
    ("name", "embedding_seed"), [("fashion_mnist", 0), ("mnist_5000", 2)]
)
def test_image_features_are_embedded_once_where_seeds_share_samples(
    name, embedding_seed
):
    problem = images(name, 14, seed=2)
    assert not isinstance(make_space(problem, EMBEDDED).embedding[0], ImageFeatures)
    features = make_space(problem, EMBEDDED_IMAGES).embedding[0]
    assert isinstance(features, ImageFeatures)
    assert features.image_shape == (14, 14)
    assert features.random_state == embedding_seed


# -------------------------------------------------------------------- tables


def lines_of(rows):
    return [
        line.replace("\u00a0", " ")
        for line in markdown({"rows": rows, "checks": []}, {}).splitlines()
        if line.startswith("| ")
    ]


def made_rows(name, spaces):
    """Make rows from what each seed has in each space: both rules, the embedding."""
    rows = []
    for space, seeds in spaces.items():
        told = [json.dumps({"embedding": seed[2]}) for seed in seeds]
        for place, rule in enumerate(RULES):
            values = {seed: figures[place] for seed, figures in enumerate(seeds)}
            rows.append(
                {
                    "dataset": name,
                    "budget": 50,
                    "method": name_of(space, rule),
                    "accuracy": {"n": len(seeds)},
                    "by_seed": values,
                    "chosen": {each: told.count(each) for each in told},
                }
            )
    return rows


def test_table_has_means_and_paired_gains():
    same = [(0.5, 0.5, None), (0.6, 0.5, None)]
    embedded = [(0.6, 0.4, "I()"), (0.7, 0.42, "I()")]
    head, graph, cluster = lines_of(
        made_rows(
            "mnist_5000",
            {AS_THEY_ARE: same, EMBEDDED: same, EMBEDDED_IMAGES: embedded},
        )
    )
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
    standardised = [(0.6, 0.7, None)] * 2
    _, as_given, _, _, embedded, _ = lines_of(
        made_rows(
            "wine",
            {
                AS_GIVEN: [(0.5, 0.5, None)] * 2,
                STANDARDISED: standardised,
                EMBEDDED_GIVEN: [(0.5, 0.5, None)] * 2,
                EMBEDDED_STANDARDISED: [standardised[0], (0.8, 0.7, "Q()")],
            },
        )
    )
    assert as_given == (
        "| wine | graph | 50 | 2 | 50.0 ± 0.0 | 60.0 ± 0.0 | the same | – "
        "| -10.0 ± 0.0 |"
    )
    assert embedded == (
        "| wine | graph | 50 | 2 | 60.0 ± 0.0 | 70.0 ± 14.1 (the same on 1 seeds) "
        "| +10.0 ± 10.0 |"
    )


def test_one_seed_has_no_spread_and_no_image_features_no_column():
    spaces = {AS_THEY_ARE: [(0.5, 0.5, None)], EMBEDDED: [(0.7, 0.4, "P()")]}
    _, graph, _ = lines_of(made_rows("digits", spaces))
    assert graph == "| digits | graph | 50 | 1 | 50.0 | 70.0 | +20.0 | – | – |"
