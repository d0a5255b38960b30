"""What was found before and handed to the propagator gives what it finds itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_wine
from sklearn.neighbors import KNeighborsTransformer

from benchmarks.accuracy.context import (
    Context,
    GivenEmbedding,
    GivenNeighbors,
    Outcome,
    first_and_of_each_class,
    is_same,
    make_embedding,
)
from benchmarks.accuracy.data import Problem, split
from benchmarks.accuracy.measure import Shared
from kmeans_labelprop import KMeansLabelPropagator

rng = np.random.default_rng(0)
X_TRAIN, X_TEST = rng.normal(size=(80, 3)), rng.normal(size=(30, 3))


def make_context(tmp_path, problem, budget=20, seed=1):
    return Context(problem, budget, seed, "logistic", Shared(tmp_path))


def make_problem(X, X_test, y, y_test=None):
    y_test = y[:0] if y_test is None else y_test
    return Problem("made", "tabular", 0, X, X_test, y, y_test, is_space=True)


# ---------------------------------------------------------------- the propagator


def columns_as_given():
    X, y = load_wine(return_X_y=True)
    return Problem("made", "tabular", 1, X[::2], X[1::2], y[::2], y[1::2])


@pytest.mark.parametrize("is_embedded", [True, False])
def test_the_shared_parts_give_what_the_propagator_finds_itself(tmp_path, is_embedded):
    problem = columns_as_given() if is_embedded else split("wine", 1)
    context = make_context(tmp_path, problem)
    assert (make_embedding(problem) is not None) == is_embedded
    own = KMeansLabelPropagator(20, embedding=make_embedding(problem), random_state=1)
    given = context.propagator()
    for propagator in (own, given):
        propagator.fit(problem.X_train, problem.y_train)
    np.testing.assert_array_equal(given.transduction_, own.transduction_)
    np.testing.assert_array_equal(given.given_.positions, own.given_.positions)
    np.testing.assert_allclose(
        given.predict_proba(problem.X_test), own.predict_proba(problem.X_test)
    )
    np.testing.assert_array_equal(
        given.predict(problem.X_test), own.predict(problem.X_test)
    )
    assert (given.embedding is not None) == is_embedded
    assert len(problem.X_train) != len(given.given_.positions) == 20


def test_test_neighbours_are_found_only_to_predict(tmp_path):
    problem = split("wine", 0)
    context = make_context(tmp_path, problem)
    propagator = context.propagator().fit(problem.X_train, problem.y_train)
    assert not list(tmp_path.glob("*test-neighbors*"))
    propagator.predict(problem.X_test)
    assert list(tmp_path.glob("*test-neighbors*"))


# ---------------------------------------------------------------- embedding


def test_embedded_samples_are_known_by_their_content():
    # As many test samples as training samples.
    X, X_test = X_TRAIN[:30], X_TEST
    embedding = clone(GivenEmbedding([(X, X + 1), (X_test, X_test + 2)]))
    np.testing.assert_array_equal(embedding.fit_transform(X.copy()), X + 1)
    np.testing.assert_array_equal(embedding.transform(X_test.copy()), X_test + 2)
    for other in (X[:10], X[::-1], X_test + 1e-9):
        with pytest.raises(ValueError, match="embedded before"):
            embedding.transform(other)


def test_sparse_samples_are_the_same_if_their_entries_are():
    X = csr_matrix(np.maximum(X_TRAIN, 0))
    assert is_same(X, X.copy())
    assert not is_same(X, csr_matrix(np.maximum(X_TRAIN, 0.1)))
    assert not is_same(X, X.toarray())


# ---------------------------------------------------------------- neighbours


def expected_graph(X, X_new):
    return KNeighborsTransformer(n_neighbors=20).fit(X).transform(X_new).toarray()


def given_neighbors(X, X_test, shift=0.0):
    finder = KNeighborsTransformer(n_neighbors=10).fit(X)

    def found(of):
        distances, indices = finder.kneighbors(of, 11)
        return of, distances + shift, indices

    return clone(GivenNeighbors(found(X), lambda: found(X_test)))


def test_neighbours_found_before_are_used_in_any_order_and_part():
    # The shift tells them from neighbours found anew.
    neighbors = given_neighbors(X_TRAIN, X_TEST, shift=1)
    graph = neighbors.fit_transform(X_TRAIN).toarray()
    is_linked = graph > 0
    assert (is_linked.sum(axis=1) == 11).all()
    np.testing.assert_allclose(
        graph, np.where(is_linked, expected_graph(X_TRAIN, X_TRAIN) + 1, 0)
    )
    part = np.array([7, 3, 3, 20])
    for known in (X_TEST, X_TRAIN):
        graph = neighbors.transform(known[part]).toarray()
        expected = np.where(graph > 0, expected_graph(X_TRAIN, known[part]) + 1, 0)
        np.testing.assert_allclose(graph, expected)
        assert (np.sum(graph > 0, axis=1) == 11).all()


def test_neighbours_of_others_and_among_others_are_found_anew():
    neighbors = given_neighbors(X_TRAIN, X_TEST, shift=1)
    neighbors.fit(X_TRAIN)
    other = X_TEST + 0.1
    np.testing.assert_allclose(
        neighbors.transform(other).toarray(), expected_graph(X_TRAIN, other)
    )
    neighbors.fit(X_TRAIN[:50])  # as where copies were dropped
    for known in (X_TRAIN[:50], X_TEST):
        np.testing.assert_allclose(
            neighbors.transform(known).toarray(), expected_graph(X_TRAIN[:50], known)
        )


# ---------------------------------------------------------------- known labels


def test_a_share_of_the_samples_and_one_of_each_class():
    codes = np.array([0] * 90 + [1] * 9 + [2])
    order = np.r_[np.arange(50, 90), np.arange(95, 99), np.arange(50), 99, 94:89:-1]
    taken = first_and_of_each_class(order, codes, 0.1)
    # Ten in order, and the first of each class that they lack.
    np.testing.assert_array_equal(taken, [*range(50, 60), 95, 99])
    two = first_and_of_each_class(order, np.zeros(100, dtype=int), 0.001)
    np.testing.assert_array_equal(two, [50, 51])


def test_known_labels_are_drawn_by_seed_and_a_larger_share_holds_the_smaller(tmp_path):
    problem = make_problem(X_TRAIN, X_TEST, np.arange(80) % 2)

    def known(budget, seed=1):
        return set(make_context(tmp_path, problem, budget, seed).known_positions())

    assert known("random-5") == known("random-5")
    assert known("random-5") != known("random-5", seed=2)
    assert len(known("random-5")) in (4, 5)
    assert len(known("random-20")) in (16, 17)
    assert known("random-1") <= known("random-5") <= known("random-20")


def test_hard_samples_are_those_far_from_the_centres(tmp_path):
    y = np.arange(80) % 2
    context = make_context(tmp_path, make_problem(X_TRAIN, X_TEST, y), "hard-5", 3)
    kmeans = KMeans(10, random_state=3).fit(X_TRAIN)
    hardest = np.argsort(-kmeans.transform(X_TRAIN).min(axis=1))
    known = context.known_positions()
    assert set(hardest[:4]) <= set(known)
    assert len(known) <= 5
    assert set(y[known]) == {0, 1}


def test_labels_to_choose_are_a_number(tmp_path):
    context = make_context(tmp_path, split("wine", 0), "hard-5")
    with pytest.raises(TypeError, match="hard-5"):
        context.representatives()


# ---------------------------------------------------------------- scores


def test_a_result_is_scored_by_test_labels_and_by_the_labels_trained_on(tmp_path):
    problem = replace(
        make_problem(X_TRAIN, X_TEST, np.zeros(80, dtype=int)),
        y_test=np.array([0, 0, 0, 1]),
    )
    scores = make_context(tmp_path, problem).score(
        Outcome(
            np.array([0, 0, 1, 1]),
            np.arange(4),
            np.array([0, 0, 0, 9]),
            {"note": "told"},
            probabilities=lambda: (np.array([0, 1]), np.full((4, 2), 0.5)),
        )
    )
    assert scores["accuracy"] == 0.75
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1) / 2)
    assert scores["label_accuracy"] == 0.75
    assert scores["n_training"] == 4
    assert scores["log_loss"] == pytest.approx(np.log(2))
    assert scores["calibration_error"] == pytest.approx(0.25)
    assert scores["note"] == "told"


def test_no_log_loss_where_a_sample_has_no_probabilities(tmp_path):
    problem = replace(
        make_problem(X_TRAIN, X_TEST, np.zeros(80, dtype=int)),
        y_test=np.array([0, 1]),
    )
    probabilities = np.array([[1, 0], [np.nan, np.nan]])
    outcome = Outcome(
        np.array([0, 1]), probabilities=lambda: (np.array([0, 1]), probabilities)
    )
    scores = make_context(tmp_path, problem).score(outcome)
    assert "log_loss" not in scores
    assert scores["accuracy"] == 1
