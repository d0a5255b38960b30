import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kmeans_labelprop._selection._candidates import list_candidates
from kmeans_labelprop._selection._hiding import Outcome
from kmeans_labelprop._selection._results import (
    listed_candidates,
    mean_over_splits,
    tabulate,
)

nan = np.nan


def by_split(values, folds):
    """Leave of each repeat's values, split by split, those of the labels hidden."""
    return np.array(
        [
            np.where(fold_of == fold, value, nan)
            for value, fold_of in zip(values, folds, strict=True)
            for fold in range(fold_of.max() + 1)
        ]
    )


@pytest.fixture
def outcome():
    """Two repeats of two folds, three candidates, four labels."""
    correct = np.array(
        [
            [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
            [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]],
        ],
        dtype=float,
    )
    folds = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    half = np.full(correct.shape, 0.5)
    return Outcome(by_split(correct, folds), by_split(half, folds))


CANDIDATES = list_candidates(["cluster"], [0, 0.5, 1])


def test_the_table_of_scores(outcome):
    table = tabulate(outcome, np.full(4, 0.25), CANDIDATES)
    assert_allclose(table["mean_test_accuracy"], [0.5, 0.625, 0.125])
    assert_allclose(table["mean_test_score"], [0.625, 0.6875, 0.4375])
    # The mean of the rule is 0.5625, the line falls by 0.25 from 0.5 to 1.
    assert_allclose(table["smoothed_test_score"], [0.625, 0.625, 0.5])
    assert_array_equal(table["rank_test_score"], [1, 1, 3])
    assert_allclose(table["split0_test_score"], [0.875, 0.875, 0.375])
    assert_allclose(table["split3_test_score"], [0.625, 0.625, 0.625])
    assert "split4_test_score" not in table
    splits = [table[f"split{i}_test_score"] for i in range(4)]
    assert_allclose(table["std_test_score"], np.std(splits, axis=0))
    assert_allclose(table["mean_test_gain"], [0, 0.125, -0.375])
    gain = np.array([0, 0, 0.5, 0])
    assert_allclose(table["sem_test_gain"][1], gain.std() / np.sqrt(4))
    # Where a single label differs, it is always as far off as it can be.
    assert_allclose(table["pvalue_test_gain"], [1, 1, 1])


def test_each_label_counts_once_however_often_it_is_hidden():
    # The first label is hidden in three splits, the second in one.
    correct = np.array([[[1, nan]], [[1, nan]], [[0, nan]], [[nan, 0]]])
    assert_allclose(mean_over_splits(correct), [[2 / 3, 0]])
    table = tabulate(Outcome(correct, correct), np.full(2, 0.5), CANDIDATES[1:2])
    assert_allclose(table["mean_test_accuracy"], [1 / 3])
    assert_allclose(table["std_test_score"], [np.std([1, 1, 0, 0])])


def test_what_failed_is_unknown_and_the_last(outcome):
    correct, probability = (values.copy() for values in outcome)
    correct[:, 1] = probability[:, 1] = nan
    table = tabulate(Outcome(correct, probability), np.full(4, 0.25), CANDIDATES)
    assert_array_equal(np.isnan(table["mean_test_score"]), [False, True, False])
    assert_array_equal(np.isnan(table["pvalue_test_gain"]), [False, True, False])
    assert_array_equal(table["rank_test_score"], [1, 3, 2])
    assert_allclose(table["mean_test_accuracy"], [0.5, nan, 0.125])


def test_without_hidden_labels_nothing_is_known():
    none = np.empty((0, 3, 0))
    table = tabulate(Outcome(none, none), np.empty(0), CANDIDATES)
    assert len(pd.DataFrame(table)) == 3
    for name in ("mean_test_score", "std_test_score", "mean_test_gain"):
        assert_array_equal(table[name], [nan] * 3)


def test_gains_need_the_given_labels_alone(outcome):
    part = Outcome(*(values[:, 1:] for values in outcome))
    table = tabulate(part, np.full(4, 0.25), CANDIDATES[1:])
    assert not any("gain" in name for name in table)


def test_candidates_are_read_from_their_table():
    candidates = list_candidates(
        ["cluster", "graph"], [0, 0.3, 1], ["samples", "embedding", "neighbors"]
    )
    ones = np.ones((1, len(candidates), 2))
    table = tabulate(Outcome(ones, ones), np.full(2, 0.5), candidates)
    assert listed_candidates(table) == candidates
    assert table["params"] == [candidate.params for candidate in candidates]
    assert table["train_on"].tolist() == [c.train_on for c in candidates]
