import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from kmeans_labelprop.metrics import (
    cluster_purity,
    majority_labels,
    propagated_label_accuracy,
)

LABELS = [0, 0, 0, 0, 1, 1, 3, 3]
Y = [5, 5, 8, -1, 8, 5, -1, -1]


def test_majority_labels():
    # Cluster 1 is a tie; cluster 2 is empty; cluster 3 has no labels.
    majority = majority_labels(LABELS, Y)
    assert_array_equal(majority, [5, 5, -1, -1])
    assert majority.dtype.kind == "i"
    assert_array_equal(majority[LABELS], [5, 5, 5, 5, 5, 5, -1, -1])


def test_cluster_purity():
    result = cluster_purity(LABELS, Y)
    assert result.purity == float(result) == 3 / 5
    assert_array_equal(result.purities, [2 / 3, 1 / 2, np.nan, np.nan])
    assert_array_equal(result.n_samples, [4, 2, 0, 2])
    assert_array_equal(result.n_labeled, [3, 2, 0, 0])
    assert_array_equal(result.majority_labels, [5, 5, -1, -1])


def test_purity_is_one_for_classes_and_the_largest_class_for_one_cluster():
    y = np.random.default_rng(0).integers(0, 4, size=200)
    assert cluster_purity(y, y).purity == 1
    whole = cluster_purity(np.zeros(200, dtype=int), y)
    assert whole.purity == np.bincount(y).max() / 200


@pytest.mark.parametrize(
    ("y", "missing_label", "expected"),
    [
        (["a", "a", "b", "-1", "b", "a", "-1", "-1"], -1, "a"),
        (["a", "a", "b", "?", "b", "a", "?", "?"], "?", "a"),
        (np.array(["a", "a", "b", None, "b", "a", None, np.nan], object), -1, "a"),
        ([5.0, 5.0, 8.0, np.nan, 8.0, 5.0, np.nan, np.nan], np.nan, 5.0),
        (pd.Series([5, 5, 8, pd.NA, 8, 5, pd.NA, pd.NA], dtype="Int64"), -1, 5),
        ([-1, -1, 8, 0, 8, -1, 0, 0], 0, -1),
    ],
)
def test_unlabelled_samples_do_not_count(y, missing_label, expected):
    result = cluster_purity(LABELS, y, missing_label=missing_label)
    assert result.purity == 3 / 5
    assert result.majority_labels[0] == expected
    assert_array_equal(result.n_labeled, [3, 2, 0, 0])


def test_no_labels_at_all():
    result = cluster_purity([0, 1, 1], [-1, -1, -1])
    assert np.isnan(result.purity)
    assert np.isnan(result.purities).all()
    assert_array_equal(result.majority_labels, [-1, -1])
    assert np.isnan(propagated_label_accuracy([-1, -1], [3, 4]).accuracy)


def test_propagated_label_accuracy():
    y_true = [0, 0, 1, 1, 1, -1]
    spread = [0, 1, 1, 1, -1, 1]
    result = propagated_label_accuracy(y_true, spread, labels=[0, 0, 1, 1, 1, 2])
    assert result.accuracy == float(result) == 3 / 4
    assert (result.n_labels, result.n_samples) == (4, 6)
    assert_array_equal(result.accuracies, [1 / 2, 1, np.nan])
    assert_array_equal(result.cluster_n_labels, [2, 2, 0])
    plain = propagated_label_accuracy(y_true, spread)
    assert plain.accuracies is None
    assert plain.cluster_n_labels is None


@pytest.mark.parametrize(
    "mask",
    [[0, 1, 4], np.array([True, True, False, False, True, False]), (4, 1, 0)],
)
def test_mask_of_booleans_or_positions(mask):
    y_true, spread = [0, 0, 1, 1, 1, 1], [0, 1, 1, 1, -1, 1]
    result = propagated_label_accuracy(y_true, spread, mask)
    assert (result.accuracy, result.n_labels) == (1 / 2, 2)


def test_numbers_and_booleans_of_pandas():
    clusters = pd.Series(LABELS, dtype="Int64")
    assert_array_equal(majority_labels(clusters, Y), majority_labels(LABELS, Y))
    with pytest.raises(ValueError, match="whole numbers from 0"):
        majority_labels(pd.Series([0, None], dtype="Int64"), [1, 1])
    mask = np.arange(8) < 3
    expected = propagated_label_accuracy(Y, Y[::-1], mask)
    for kind in ("boolean", object):
        found = propagated_label_accuracy(Y, Y[::-1], pd.Series(mask, dtype=kind))
        assert (found.accuracy, found.n_labels) == (
            expected.accuracy,
            expected.n_labels,
        )


def test_empty_mask():
    result = propagated_label_accuracy([0, 1], [0, 1], [])
    assert result.n_labels == 0
    assert np.isnan(result.accuracy)


def test_strings_and_objects():
    y_true = np.array(["cat", "dog", "dog"])
    spread = np.array(["cat", "dog", None], dtype=object)
    assert propagated_label_accuracy(y_true, spread).accuracy == 1
    assert propagated_label_accuracy(y_true, spread).n_labels == 2
    longer = np.array(["cat", "doggy", "dog"])
    assert propagated_label_accuracy(y_true, longer).accuracy == 2 / 3


def test_with_a_propagator():
    from sklearn.datasets import load_digits

    from kmeans_labelprop import KMeansLabelPropagator

    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(
        20, propagation="cluster", fraction=0.5, random_state=0
    ).fit(X, y)
    kept = propagator.sample_indices_
    result = propagated_label_accuracy(
        y, propagator.transduction_, kept, labels=propagator.labels_
    )
    assert result.accuracy == np.mean(propagator.transduction_[kept] == y[kept])
    assert result.cluster_n_labels.sum() == len(kept)
    # No labels of representatives beat the best label of each cluster.
    purity = cluster_purity(propagator.labels_, y)
    everywhere = propagated_label_accuracy(y, propagator.transduction_)
    assert everywhere.accuracy <= purity.purity
    best = propagated_label_accuracy(y, purity.majority_labels[propagator.labels_])
    assert best.accuracy == pytest.approx(purity.purity)


@pytest.mark.parametrize("labels", [[0, -1], [0.5, 1], ["a", "b"], []])
def test_bad_clusters(labels):
    with pytest.raises(ValueError, match="The 'labels' parameter must hold the number"):
        cluster_purity(labels, labels)


def test_other_bad_input():
    with pytest.raises(ValueError, match="y contains NaN"):
        cluster_purity([0, 1], [1.0, np.nan])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cluster_purity([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        propagated_label_accuracy([0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        propagated_label_accuracy([0, 1], [0, 1], labels=[0])
    with pytest.raises(TypeError, match="both strings or both numbers"):
        propagated_label_accuracy([0, 1], ["0", "1"])
    for mask in ([2], [-1], [True], [0.5], ["a"]):
        with pytest.raises(ValueError, match="The 'mask' parameter must be 2 booleans"):
            propagated_label_accuracy([0, 1], [0, 1], mask)


def test_clusters_held_as_objects_are_numbers_or_refused():
    y = ["a", "b", "b", "b"]
    expected = cluster_purity([0, 0, 1, 1], y)
    found = cluster_purity(np.array([0, 0, 1, 1], dtype=object), y)
    assert found.purity == expected.purity == 0.75
    with pytest.raises(ValueError, match=r"'labels' parameter must hold .* Got array"):
        cluster_purity(np.array(y, dtype=object), y)
