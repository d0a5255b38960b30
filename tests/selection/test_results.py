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
    probability = np.where(correct, 0.5, 0.4)  # scores of 0.75 and 0.64
    p = by_split(probability, folds)
    return Outcome(by_split(correct, folds), p, p)


CANDIDATES = list_candidates(["cluster"], [0, 0.5, 1])


def test_the_table_of_scores(outcome):
    table = tabulate(outcome, np.full(4, 0.25), CANDIDATES)
    assert_allclose(table["mean_test_accuracy"], [0.5, 0.625, 0.125])
    assert_allclose(table["mean_test_score"], [0.695, 0.70875, 0.65375])
    assert_array_equal(table["rank_test_score"], [2, 1, 3])
    assert_allclose(table["split0_test_score"], [0.75, 0.75, 0.64])
    assert_allclose(table["split3_test_score"], [0.695, 0.695, 0.695])
    assert "split4_test_score" not in table
    splits = [table[f"split{i}_test_score"] for i in range(4)]
    assert_allclose(table["std_test_score"], np.std(splits, axis=0))
    assert_allclose(table["mean_test_gain"], [0, 0.125, -0.375])
    gain = np.array([0, 0, 0.5, 0])
    assert_allclose(table["sem_test_gain"][1], gain.std() / np.sqrt(4))
    # One label differs by 0.5; of the last candidate three, by -1, -1 and 0.5.
    assert_allclose(table["sign_test_gain"], [0, 1, -1.5 / 1.5])
    assert not {"smoothed_test_score", "pvalue_test_gain"} & table.keys()


def test_gains_go_by_groups_and_means_by_labels(outcome):
    weights, groups = np.full(4, 0.25), np.array([7, 7, 7, 2])
    alone = tabulate(outcome, weights, CANDIDATES)
    table = tabulate(outcome, weights, CANDIDATES, groups)
    assert table.keys() == alone.keys()
    for name in set(table) - {"sem_test_gain", "sign_test_gain"}:
        assert_array_equal(table[name], alone[name])
    # The last candidate: the group of three loses 2 / 3, the other wins 0.5.
    deviations = (np.array([-2 / 3, 0.5]) + 0.375) * [0.75, 0.25]
    assert_allclose(table["sem_test_gain"][2], np.sqrt(np.sum(deviations**2)))
    assert_allclose(
        table["sign_test_gain"], [0, 1, -0.375 / np.hypot(0.5, 0.125)], rtol=1e-12
    )
    # Groups of one label each are no groups.
    same = tabulate(outcome, weights, CANDIDATES, np.arange(4))
    for name in ("sem_test_gain", "sign_test_gain"):
        assert_allclose(same[name], alone[name])


def test_each_label_counts_once_however_often_it_is_hidden():
    # The first label is hidden in three splits, the second in one.
    correct = np.array([[[1, nan]], [[1, nan]], [[0, nan]], [[nan, 0]]])
    assert_allclose(mean_over_splits(correct), [[2 / 3, 0]])
    table = tabulate(
        Outcome(correct, correct, correct), np.full(2, 0.5), CANDIDATES[1:2]
    )
    assert_allclose(table["mean_test_accuracy"], [1 / 3])
    assert_allclose(table["std_test_score"], [np.std([1, 1, 0, 0])])


def test_what_failed_is_unknown_and_the_last(outcome):
    failed = Outcome(*(values.copy() for values in outcome))
    for values in failed:
        values[:, 1] = nan
    table = tabulate(failed, np.full(4, 0.25), CANDIDATES)
    assert_array_equal(np.isnan(table["mean_test_score"]), [False, True, False])
    assert_array_equal(np.isnan(table["sign_test_gain"]), [False, True, False])
    assert_array_equal(table["rank_test_score"], [1, 3, 2])
    assert_allclose(table["mean_test_accuracy"], [0.5, nan, 0.125])


def test_without_hidden_labels_nothing_is_known():
    none = np.empty((0, 3, 0))
    table = tabulate(Outcome(none, none, none), np.empty(0), CANDIDATES)
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
    table = tabulate(Outcome(ones, ones, ones), np.full(2, 0.5), candidates)
    assert listed_candidates(table) == candidates
    assert table["params"] == [candidate.params for candidate in candidates]
    assert table["train_on"].tolist() == [c.train_on for c in candidates]
