"""Tables are often sorted by class: where there is a choice, order does not count."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsTransformer

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifierCV,
    streaming,
)
from kmeans_labelprop import dask as on_dask
from kmeans_labelprop._distances import nearest
from kmeans_labelprop._engine import find_clusters, find_graph, next_queries
from kmeans_labelprop._graph import make_neighbors, nearest_links
from kmeans_labelprop._mixing import mixed_order, position_hashes, some_positions
from kmeans_labelprop._neighbors import IndexedNeighbors
from kmeans_labelprop._representatives import best_samples
from kmeans_labelprop.embedding import default_embedding, describe

# Of 40 draws of the second half so many are within four standard errors of one half.
FEW, MANY = 8, 32


def in_second_half(positions, n_samples):
    return int(np.sum(np.asarray(positions) >= n_samples // 2))


def places_with_copies():
    """Give 40 places with 30 copies each: first half of them all, then the others."""
    places = np.random.default_rng(0).normal(size=(40, 3)) * 10
    return np.tile(places, (30, 1))


@pytest.fixture(params=["memory", "blocks", "dask"])
def propagator_class(request):
    if request.param == "memory":
        return KMeansLabelPropagator
    if request.param == "blocks":
        return streaming.KMeansLabelPropagator
    pytest.importorskip("dask")
    return on_dask.KMeansLabelPropagator


def test_a_hash_depends_on_the_position_alone():
    hashes = position_hashes(np.arange(1000))
    assert_array_equal(position_hashes(np.array([7, 999, 3])), hashes[[7, 999, 3]])
    assert len(np.unique(hashes)) == 1000
    assert (position_hashes(np.arange(1000), seed=1) != hashes).all()
    assert_array_equal(np.sort(mixed_order(1000)), np.arange(1000))
    assert abs(np.corrcoef(mixed_order(1000), np.arange(1000))[0, 1]) < 0.1


def test_some_positions_are_from_all_over_and_at_no_beat():
    chosen = some_positions(10_000, 1000)
    assert_array_equal(chosen // 10, np.arange(1000))
    assert (np.bincount(chosen % 10) > 60).all()
    assert_array_equal(some_positions(50, 50), np.arange(50))
    assert_array_equal(some_positions(3, 50), np.arange(3))
    uneven = some_positions(2001, 1000)
    assert len(uneven) == 667
    assert uneven[-1] <= 2000
    assert len(some_positions(0, 10)) == 0


def test_every_second_row_being_another_changes_no_embedding(rng):
    # Amounts in every second row only: every fourth would show none.
    X = rng.uniform(0.1, 1, size=(8000, 4))
    X[1::2] = np.exp(rng.normal(size=(4000, 4)).clip(-2, 3.5))
    mixed = X[rng.permutation(8000)]
    assert default_embedding(X[::4]) is None
    assert describe(default_embedding(X)) == describe(default_embedding(mixed))
    assert default_embedding(mixed) is not None


def test_any_copy_represents_a_place(propagator_class):
    X = places_with_copies()
    propagator = propagator_class(40, random_state=0)
    asked = propagator.query(X)
    assert len(np.unique(X[asked], axis=0)) == len(asked) > 30
    assert FEW <= in_second_half(asked, len(X)) * 40 / len(asked) <= MANY


def test_any_copy_is_asked_about_next(propagator_class):
    X = places_with_copies()
    propagator = propagator_class(5, random_state=0)
    first = propagator.query(X)
    propagator.propagate(np.arange(len(first)) % 2)
    more = propagator.query_more(30)
    assert len(more) == 30
    assert FEW <= in_second_half(more, len(X)) * 40 / 30 <= MANY


def test_blocks_and_memory_choose_the_same_copies():
    X = places_with_copies()
    clusterer = KMeansLabelPropagator(40, embedding=None, random_state=0).fit(
        X, np.arange(len(X)) % 2
    )
    ids, distances = clusterer.labels_, clusterer.clusters_.distances
    nobody = np.zeros(len(X), dtype=bool)
    whole, _ = best_samples(ids, distances, nobody)
    halves = [slice(0, 500), slice(500, None)]
    places = [np.arange(len(X))[half] for half in halves]
    best = [
        place[best_samples(ids[half], distances[half], nobody[half], place)[0]]
        for half, place in zip(halves, places, strict=True)
    ]
    both = np.concatenate(best)
    merged, _ = best_samples(ids[both], distances[both], nobody[both], both)
    assert_array_equal(both[merged], whole)


def copy_by_place(X, asked):
    return {tuple(X[i].tolist()): i for i in asked.tolist()}


def test_the_seed_says_which_copies_are_asked_about(propagator_class):
    X = places_with_copies()
    asked = []
    for seed in (0, 0, 1, np.random.RandomState(0), np.random.RandomState(0)):
        propagator = propagator_class(25, random_state=seed)
        first = propagator.query(X)
        propagator.propagate(np.arange(len(first)) % 2)
        asked.append(copy_by_place(X, np.append(first, propagator.query_more(12))))
    assert asked[0] == asked[1] != asked[2]
    assert asked[3] == asked[4]
    # One copy in 30 is the same by chance.
    common = asked[0].keys() & asked[2].keys()
    assert len(common) > 20
    assert sum(asked[0][place] == asked[2][place] for place in common) < 8


def test_blocks_ask_about_the_same_copies_as_memory(propagator_class):
    X = places_with_copies()
    found = copy_by_place(X, propagator_class(40, random_state=3).query(X))
    asked = KMeansLabelPropagator(40, random_state=3).query(X)
    expected = copy_by_place(X, asked)
    common = found.keys() & expected.keys()
    assert len(common) > 30
    assert all(found[place] == expected[place] for place in common)


def test_the_seed_says_which_copies_are_asked_about_after_an_abstention():
    # The oracle does not know the copies that are more, and nearer to the centre.
    X = np.repeat([[0.0, 0], [1, 0], [50, 0], [51, 0]], [40, 30, 40, 30], axis=0)
    last = []
    for seed in range(6):

        def abstain_once(rows):
            return [None if x in (0, 50) else int(x > 25) for x in rows[:, 0]]

        propagator = KMeansLabelPropagator(
            2,
            embedding=None,
            oracle=abstain_once,
            max_retries=1,
            random_state=seed,
        ).fit(X)
        last.append(tuple(propagator.queries_.tolist()))
    assert len(set(last)) > 1


def test_answers_about_copies_of_a_sorted_table_are_those_of_all_copies():
    # One in three copies is of the first class, and they come first.
    places = np.random.default_rng(0).normal(size=(60, 4)).round(1)
    X, y = np.repeat(places, 30, axis=0), np.tile(np.repeat([0, 1], [10, 20]), 60)
    by_class = np.argsort(y, kind="stable")
    propagator = KMeansLabelPropagator(60, random_state=0).fit(X[by_class], y[by_class])
    answers = y[by_class][propagator.queries_]
    assert 0.45 < answers.mean() < 0.9


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_equally_near_neighbours_are_taken_in_no_order(container):
    # Each is as far from all others.
    corners = np.eye(400)
    finder = make_neighbors(None, container(corners))
    found = finder.fit_transform(container(corners))
    others = found.indices[found.indices != np.repeat(np.arange(400), 21)]
    share = np.mean(others >= 200)
    assert 0.3 < share < 0.7
    there = finder.transform(container(corners[:5])).indices
    assert 0.2 < np.mean(there >= 200) < 0.8


def test_neighbours_found_in_no_order_are_those_of_scikit_learn(rng):
    X, others = rng.normal(size=(300, 4)), rng.normal(size=(50, 4))
    ours = make_neighbors(None, X)
    plain = KNeighborsTransformer(n_neighbors=ours.n_neighbors)
    for found, expected in (
        (ours.fit_transform(X), plain.fit_transform(X)),
        (ours.transform(others), plain.transform(others)),
    ):
        assert_array_equal(found.indices, expected.indices)
        assert_array_equal(found.data, expected.data)


def test_the_index_takes_equally_near_ones_in_no_order():
    # A grid: each has many neighbours at each distance.
    sides = np.meshgrid(*[np.arange(24.0)] * 3, indexing="ij")
    X = np.stack([side.ravel() for side in sides], axis=1)
    found = IndexedNeighbors(14).fit_transform(X)
    at = found.indices.reshape(len(X), 14)
    inner = ((X > 2) & (X < 21)).all(axis=1)
    # Six at distance 1, of twelve at distance 2 ** 0.5 eight.
    behind = (at[inner] > np.flatnonzero(inner)[:, None]).mean()
    assert 0.45 < behind < 0.55


def test_links_to_equally_near_ones_are_taken_in_no_order():
    n_samples = 200
    rows = np.repeat(np.arange(n_samples), n_samples)
    columns = np.tile(np.arange(n_samples), n_samples)
    data = np.ones(n_samples**2)
    distances = csr_array((data, (rows, columns)), shape=(n_samples, n_samples))
    _, taken, _ = nearest_links(distances, 10)
    assert len(taken) == 10 * n_samples
    assert 2 <= in_second_half(taken[:10], n_samples) <= 8


def test_the_nearest_of_equals_is_not_the_first():
    others = np.eye(300)
    found = [nearest(np.zeros((1, 300)), others[:n])[0] for n in range(20, 300)]
    assert len(set(found)) > 1
    assert 0 not in found


@pytest.mark.parametrize("propagation", ["cluster", "graph"])
def test_a_sorted_table_teaches_as_much_as_a_mixed_one(propagation):
    # Seven yes-or-no questions; answers to five of them tell the class, mostly.
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(1500, 7)).astype(float)
    y = (X[:, :5].sum(axis=1) + rng.normal(size=1500) > 2.5).astype(int)
    gains = []
    for seed in range(4):
        right = []
        mixed = np.random.default_rng(seed).permutation(1500)
        by_class = mixed[np.argsort(y[mixed], kind="stable")]
        for order in (mixed, by_class, by_class[::-1]):
            fitted = KMeansLabelPropagator(
                60, propagation=propagation, random_state=seed
            ).fit(pd.DataFrame(X[order]), y[order])
            right.append(np.mean(fitted.transduction_ == y[order]))
        gains += [right[1] - right[0], right[2] - right[0]]
    assert np.mean(gains) > -0.06


def test_rounds_ask_about_one_of_all_copies_only():
    X = places_with_copies()
    fitted = KMeansLabelPropagator(5, embedding=None, random_state=0)
    fitted.query(X)
    made = fitted._prepare(fitted.clusterer_)
    clusters = find_clusters(X, made, lambda call: call, 0)
    for graph in (None, find_graph(X, None, lambda p: p, lambda call: call, 0)):
        clusters = type(clusters)(
            clusters.E, clusters.ids, clusters.distances, clusters.clusterer, graph
        )
        chosen = next_queries(clusters, np.zeros(len(X)), np.array([0]), 50)
        assert sorted(chosen % 40) == list(range(1, 40))
        assert FEW <= in_second_half(chosen, len(X)) <= MANY


def test_told_that_all_that_is_left_are_copies(propagator_class):
    X = np.tile(np.random.default_rng(0).normal(size=(12, 3)) * 10, (20, 1))
    propagator = propagator_class(6, random_state=0)
    first = propagator.query(X)
    propagator.propagate(np.arange(len(first)) % 2)
    with pytest.warns(UserWarning, match=r"Only 6 of n_queries=20 samples are left"):
        more = propagator.query_more(20)
    assert len(np.unique(X[np.append(first, more)], axis=0)) == 12
    propagator.propagate(np.arange(6) % 2)
    with pytest.warns(UserWarning, match="Only 0 of n_queries=1 "):
        assert len(propagator.query_more(1)) == 0
    # Their labels are taken all the same.
    rest = np.setdiff1d(np.arange(len(X)), np.append(first, more))[:2]
    propagator.propagate({int(i): 1 for i in rest})
    assert len(propagator.given_) == 14


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_summaries_know_when_all_samples_have_a_label():
    X = np.tile(np.random.default_rng(0).normal(size=(14, 3)) * 10, (20, 1))
    y = np.where(np.arange(len(X)) % 14 < 6, "a", np.where(X[:, 0] > 0, "b", "c"))
    propagator = KMeansLabelPropagator(40, random_state=0)
    not_asked = np.setdiff1d(np.arange(len(X)), propagator.query(X))
    y[not_asked[::50]] = "rare"
    model = PropagatedClassifierCV(
        LogisticRegression(max_iter=1000), propagator, random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    told = " ".join(str(warning.message) for warning in caught)
    assert "No label is given of 1 of 4 classes" in told
    assert "A larger n_clusters" not in told
    text = model.summary()
    assert "280 samples in 14 clusters." in text
    assert "The next" not in text
    assert "All samples have a label, or are copies of one that has." in text
