"""The pure functions, on arrays small enough to check by hand."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array
from sklearn.cluster import DBSCAN, KMeans

from kmeans_labelprop._asking import ask_oracle, check_answers
from kmeans_labelprop._clustering import (
    assign_clusters,
    distances_to_centers,
    fit_clusterer,
    make_clusterer,
)
from kmeans_labelprop._fraction import (
    rank_confidence,
    rank_in_clusters,
    within_fraction,
)
from kmeans_labelprop._propagation import spread_in_clusters
from kmeans_labelprop._representatives import best_samples, most_valuable_first

LABELS = np.array([1, 0, 1, 1, 0, 3])
DISTANCES = np.array([2.0, 1.0, 0.5, 0.5, 3.0, 0.0])


def test_best_samples_are_the_first_of_the_nearest():
    representatives, clusters = best_samples(LABELS, DISTANCES, np.zeros(6, bool))
    np.testing.assert_array_equal(representatives, [1, 2, 5])
    np.testing.assert_array_equal(clusters, [0, 1, 3])  # cluster 2 is empty


def test_closest_known_sample_comes_before_a_closer_unknown_one():
    known = np.array([True, False, False, False, True, False])
    representatives, _ = best_samples(LABELS, DISTANCES, known)
    np.testing.assert_array_equal(representatives, [4, 0, 5])


def test_most_valuable_first_sorts_by_cluster_size_then_cluster():
    order = most_valuable_first(np.array([1, 2, 5]), np.array([0, 1, 3]), LABELS)
    np.testing.assert_array_equal(order, [2, 1, 5])


def test_ranks_put_the_representative_first():
    ranks, sizes = rank_in_clusters(LABELS, DISTANCES, np.array([4, 0, 5]))
    np.testing.assert_array_equal(ranks, [0, 1, 1, 2, 0, 0])
    np.testing.assert_array_equal(sizes, [3, 2, 3, 3, 2, 1])
    np.testing.assert_allclose(
        rank_confidence(ranks, sizes), [1, 1 / 2, 2 / 3, 1 / 3, 1, 1]
    )


@pytest.mark.parametrize(
    ("size", "fraction", "n_kept"),
    [
        (10, 0, 1),
        (10, 0.04, 1),
        (10, 0.14, 1),
        (10, 0.15, 2),
        (5, 0.5, 3),
        (5, 0.7, 4),
        (45, 0.7, 32),  # 0.7 * 45 < 31.5 in floating point
        (100, 0.07, 7),
        (1, 0.3, 1),
        (7, 1, 7),
    ],
)
def test_fraction_is_rounded_half_up_and_keeps_the_representative(
    size, fraction, n_kept
):
    representative = np.array([0])
    ranks, sizes = np.arange(size), np.full(size, size)
    kept = within_fraction(ranks, sizes, fraction, representative)
    assert kept.sum() == n_kept
    assert kept[:n_kept].all()


def test_a_cluster_without_a_labelled_representative_keeps_no_more_than_its_share():
    ranks, sizes = np.array([0, 1, 0, 1, 2]), np.array([2, 2, 3, 3, 3])
    nobody, first = np.array([], dtype=int), np.array([0])
    np.testing.assert_array_equal(within_fraction(ranks, sizes, 0, nobody), [False] * 5)
    kept = within_fraction(ranks, sizes, 0.2, first)
    np.testing.assert_array_equal(kept, [True, False, True, False, False])


def test_spread_leaves_unlabelled_clusters_out():
    samples, clusters = spread_in_clusters(
        LABELS, np.array([0, 1, 3]), np.array([7, -1, 2]), n_clusters=4
    )
    np.testing.assert_array_equal(samples, [-1, 7, -1, -1, 7, 2])
    np.testing.assert_array_equal(clusters, [7, -1, -1, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_distances_are_exact_over_many_batches(rng, dtype, container, monkeypatch):
    monkeypatch.setattr("kmeans_labelprop._clustering._BATCH_ELEMENTS", 70)
    X = rng.normal(size=(101, 10)) * (rng.random((101, 10)) < 0.4)
    X = X.astype(dtype)
    centers = rng.normal(size=(5, 10)).astype(dtype)
    labels = rng.integers(0, 5, 101)
    expected = [
        np.sqrt(sum((float(a) - float(b)) ** 2 for a, b in zip(x, c, strict=True)))
        for x, c in zip(X, centers[labels], strict=True)
    ]
    distances = distances_to_centers(container(X), labels, centers)
    assert distances.dtype == np.float64
    np.testing.assert_allclose(distances, expected, rtol=1e-12)


def test_distances_count_duplicate_entries_of_a_sparse_matrix_once():
    doubled = csr_array(([1.0, 1.0], [0, 0], [0, 2]), shape=(1, 2))
    assert distances_to_centers(doubled, np.array([0]), np.zeros((1, 2)))[0] == 2
    assert doubled.nnz == 2  # the caller's is left alone


def test_distance_of_a_sparse_sample_to_itself_is_no_nan():
    X = np.full((1, 3), 0.1)
    assert distances_to_centers(csr_array(X), np.array([0]), X)[0] < 1e-8


def test_make_clusterer_leaves_the_one_given_alone():
    given = KMeans(n_clusters=3, max_iter=7)
    made = make_clusterer(given, 5)
    assert (made.n_clusters, made.max_iter, given.n_clusters) == (5, 7, 3)


def test_clusterers_are_checked_by_what_they_can_do(blobs):
    for clusterer in (DBSCAN(), DBSCAN, KMeans):
        with pytest.raises(TypeError, match=r"'clusterer' parameter.*'n_clusters'"):
            make_clusterer(clusterer, 5)

    class NoCenters(KMeans):
        def fit(self, X, y=None):
            super().fit(X)
            del self.cluster_centers_
            return self

    with pytest.raises(TypeError, match=r"'cluster_centers_' attribute.*has none"):
        fit_clusterer(NoCenters(3), blobs[0])


def test_assign_clusters_without_predict_takes_the_nearest_centre():
    class Centers:
        cluster_centers_ = np.array([[0.0], [10.0]])

    labels = assign_clusters(Centers(), np.array([[1.0], [9.0], [4.0]]))
    np.testing.assert_array_equal(labels, [0, 1, 0])


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        ([1], ValueError, "2 label.*Got 1 label"),
        ([1, 2, 3], ValueError, "Got 3 label"),
        (None, TypeError, "NoneType"),
        ("ab", TypeError, "Got str"),
        ({0: 1, 1: 2}, TypeError, "Got dict"),
        (3, TypeError, "Got int"),
        (np.zeros((2, 2)), TypeError, r"shape \(2, 2\)"),
        ([1, np.zeros(2)], TypeError, "nested labels"),
        ([[1], [2]], TypeError, "nested labels"),
    ],
)
def test_answers_of_the_wrong_kind_are_refused(answer, error, match):
    with pytest.raises(error, match=match):
        ask_oracle(lambda query: answer, np.zeros((2, 3)), 2, -1)


def test_abstentions_are_none_whatever_their_form():
    for answers in ([1, None], [1, -1], [1, np.nan], np.array([1, np.nan])):
        assert check_answers(answers, 2, -1, "it") == [1, None]
    for answers in (["a", "-1"], np.array(["a", -1]), pd.Series(["a", None])):
        assert check_answers(answers, 2, -1, "it") == ["a", None]
    masked = np.ma.masked_array([1, 2], [False, True])
    assert check_answers(masked, 2, -1, "it") == [1, None]
    assert check_answers(np.array(["a", "?"]), 2, "?", "it") == ["a", None]


@pytest.mark.parametrize(
    "answers",
    [pd.Series([1, None], dtype="Int64"), pl.Series([1, None]), (i for i in [1, None])],
)
def test_integers_beside_an_abstention_stay_integers(answers):
    first, second = check_answers(answers, 2, -1, "it")
    assert isinstance(first, int | np.integer)
    assert second is None


def test_an_error_of_the_oracle_keeps_its_type_and_names_it():
    def oracle(query):
        raise ConnectionError("service is down")

    with pytest.raises(ConnectionError, match="service is down") as caught:
        ask_oracle(oracle, np.zeros((2, 3)), 2, -1)
    assert "'oracle' parameter, asked for 2 label" in caught.value.__notes__[0]
