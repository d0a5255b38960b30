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
from kmeans_labelprop._propagation import nearest_in_cluster
from kmeans_labelprop._representatives import best_samples

LABELS = np.array([1, 0, 1, 1, 0, 3])
DISTANCES = np.array([2.0, 1.0, 0.5, 0.5, 3.0, 0.0])


def test_best_samples_are_among_the_nearest():
    representatives, clusters = best_samples(LABELS, DISTANCES, np.zeros(6, bool))
    np.testing.assert_array_equal(representatives[[0, 2]], [1, 5])
    assert representatives[1] in (2, 3)  # equally near
    np.testing.assert_array_equal(clusters, [0, 1, 3])  # cluster 2 is empty


def test_closest_known_sample_comes_before_a_closer_unknown_one():
    known = np.array([True, False, False, False, True, False])
    representatives, _ = best_samples(LABELS, DISTANCES, known)
    np.testing.assert_array_equal(representatives, [4, 0, 5])


def test_ranks_put_given_samples_first():
    ranks, sizes = rank_in_clusters(LABELS, DISTANCES, np.array([4, 0, 5]))
    np.testing.assert_array_equal(ranks, [0, 1, 1, 2, 0, 0])
    np.testing.assert_array_equal(sizes, [3, 2, 3, 3, 2, 1])
    assert ranks.dtype == sizes.dtype == np.intp
    np.testing.assert_allclose(
        rank_confidence(ranks, sizes), [1, 1 / 2, 2 / 3, 1 / 3, 1, 1]
    )
    # Several of a cluster, the nearest first among themselves, too.
    ranks, _ = rank_in_clusters(LABELS, DISTANCES, np.array([0, 3]))
    np.testing.assert_array_equal(ranks, [1, 0, 2, 0, 1, 0])


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
def test_fraction_is_rounded_half_up_and_keeps_what_is_given(size, fraction, n_kept):
    given = np.array([0])
    ranks, sizes = np.arange(size), np.full(size, size)
    kept = within_fraction(ranks, sizes, fraction, given)
    assert kept.sum() == n_kept
    assert kept[:n_kept].all()


def test_a_cluster_without_a_given_label_keeps_no_more_than_its_share():
    ranks, sizes = np.array([0, 1, 0, 1, 2]), np.array([2, 2, 3, 3, 3])
    nobody, first = np.array([], dtype=int), np.array([0])
    np.testing.assert_array_equal(within_fraction(ranks, sizes, 0, nobody), [False] * 5)
    kept = within_fraction(ranks, sizes, 0.2, first)
    np.testing.assert_array_equal(kept, [True, False, True, False, False])


def test_more_given_labels_than_the_share_are_all_kept():
    ranks, sizes = np.arange(10), np.full(10, 10)
    kept = within_fraction(ranks, sizes, 0.2, np.arange(7))
    np.testing.assert_array_equal(np.flatnonzero(kept), np.arange(7))


LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [2.5]])
ON_LINE = np.array([0, 0, 0, 1, 1, 2])


def spread_on_line(E, given, codes):
    return nearest_in_cluster(ON_LINE, E, ON_LINE[given], E[given], codes)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_samples_take_the_nearest_given_label_of_their_cluster(container):
    codes = spread_on_line(container(LINE), np.array([0, 2, 4]), np.array([5, 3, 1]))
    # 1 lies as near to 0 as to 2: any. 5 is near 2, and in another cluster.
    np.testing.assert_array_equal(codes[[0, 2, 3, 4, 5]], [5, 3, 1, 1, -1])
    assert codes[1] in (5, 3)
    codes = spread_on_line(LINE, np.array([0, 2]), np.array([4, 4]))
    np.testing.assert_array_equal(codes, [4, 4, 4, -1, -1, -1])


def test_no_given_label_is_spread_nowhere():
    nobody = np.array([], dtype=int)
    codes = spread_on_line(LINE, nobody, nobody)
    np.testing.assert_array_equal(codes, [-1] * 6)


def test_other_samples_take_the_nearest_given_label_of_their_cluster():
    codes = nearest_in_cluster(
        np.array([0, 0, 3, 1]),
        np.array([[1.9], [0.2], [0.0], [0.0]]),
        np.array([0, 0, 1]),
        LINE[[0, 2, 4]],
        np.array([5, 3, 1]),
    )
    np.testing.assert_array_equal(codes, [3, 5, -1, 1])


def test_the_nearest_given_label_is_that_of_brute_force(rng):
    E, ids = rng.normal(size=(200, 3)), rng.integers(0, 7, 200)
    given = np.sort(rng.choice(200, 40, replace=False))
    codes = rng.integers(0, 4, 40)
    expected = []
    for row, cluster in zip(E, ids, strict=True):
        same = np.flatnonzero(ids[given] == cluster)
        distances = np.linalg.norm(E[given[same]] - row, axis=1)
        expected.append(codes[same[distances.argmin()]] if len(same) else -1)
    found = nearest_in_cluster(ids, E, ids[given], E[given], codes)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[given], codes)


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


def test_of_clusters_at_one_place_the_one_with_samples_is_entered():
    class Centers:
        cluster_centers_ = np.array([[3.0, 4.0], [3.0, 4.0], [9.0, 9.0], [90.0, 1.0]])

        def predict(self, X):
            return np.array([1, 2, 3])  # none of which has samples

    # The second lies where the first does, the others nowhere near.
    labels = assign_clusters(Centers(), np.zeros((3, 2)), np.array([0, 0]))
    np.testing.assert_array_equal(labels, [0, 2, 3])


def ask(oracle, answers=None, missing_label=-1):
    """Ask for the labels of the samples 9 and 4."""
    answers = {} if answers is None else answers
    ask_oracle(oracle, np.zeros((2, 3)), np.array([9, 4]), missing_label, answers)


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
    answers = {}
    with pytest.raises(error, match=match) as caught:
        ask(lambda query: answer, answers)
    assert answers == {}
    assert answer is None or caught.value.answers is answer


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
        ask(oracle)
    assert "'oracle' parameter, asked for 2 label" in caught.value.__notes__[0]
    assert not hasattr(caught.value, "answers")


def test_answers_are_found_by_position():
    answers = {3: "old"}
    ask(lambda query: ["b", None], answers)
    assert answers == {3: "old", 9: "b", 4: None}
    assert list(answers) == [3, 9, 4]


@pytest.mark.parametrize("error", [ConnectionError, KeyboardInterrupt, SystemExit])
def test_what_a_generator_has_yielded_is_kept(error):
    def oracle(query):
        yield "?"
        raise error("enough")

    answers = {}
    with pytest.raises(error, match="enough") as caught:
        ask(oracle, answers, missing_label="?")
    assert answers == {9: None}
    assert caught.value.answers == answers


@pytest.mark.parametrize(
    ("n_yielded", "text"), [(1, "Got 1 label"), (3, "Got 3 label")]
)
def test_a_generator_that_yields_too_few_or_many_is_refused(n_yielded, text):
    answers = {}
    with pytest.raises(ValueError, match=text):
        ask(lambda query: iter("abc"[:n_yielded]), answers)
    assert answers == dict(zip([9, 4], "abc"[:n_yielded], strict=False))


def test_an_oracle_that_answers_wrongly_is_named():
    with pytest.raises(ValueError, match="the oracle"):
        ask_oracle(lambda rows: [1, 2, 3], np.zeros((2, 1)), np.arange(2), -1, {})
