"""Neighbours found by an index, beside those found by comparing all."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from kmeans_labelprop import _neighbors
from kmeans_labelprop._neighbors import IndexedNeighbors

N = 3000


def spaces():
    """Make samples of which an index could make too little."""
    rng = np.random.RandomState(0)
    normal = rng.normal(size=(N, 5))
    close = np.repeat(normal[: N // 100], 100, axis=0)
    return {
        "one dimension": normal[:, :1],
        "plane": rng.uniform(size=(N, 2)),
        "grid": np.stack(np.unravel_index(np.arange(N), (50, 60)), axis=1) + 0.0,
        "heavy tails": rng.standard_cauchy(size=(N, 4)),
        "near copies": close + 1e-3 * rng.normal(size=close.shape),
        "unequal density": normal * 10.0 ** rng.randint(-4, 4, size=(N, 1)),
        "blobs": make_blobs(N, 32, centers=50, random_state=0)[0],
        "unit length": normal / np.linalg.norm(normal, axis=1, keepdims=True),
        "wide": rng.normal(size=(N, 100)),
        "in order": np.sort(normal, axis=0),
        "one far away": np.r_[normal[1:], np.full((1, 5), 1e6)],
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", spaces())
def test_nearly_all_neighbours_are_found(name, dtype):
    X = spaces()[name].astype(dtype)
    before = X.copy()
    finder = IndexedNeighbors(10)
    graph = finder.fit_transform(X)
    exact, _ = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X).kneighbors()
    assert graph.dtype == dtype
    assert_array_equal(np.diff(graph.indptr), 10)
    rows = np.repeat(np.arange(N), 10)
    assert (graph.indices != rows).all()
    assert len(np.unique(rows * N + graph.indices)) == 10 * N
    # As near as the true ones: equally near ones are as good.
    found = graph.data.reshape(N, 10)
    assert (np.diff(found, axis=1) >= 0).all()
    assert np.mean(found <= exact[:, -1:] * (1 + 1e-5)) > 0.98
    differences = X[rows].astype(float) - X[graph.indices]
    assert_allclose(graph.data, np.linalg.norm(differences, axis=1), rtol=1e-4)
    assert_array_equal(X, before)


def test_a_single_neighbour(rng):
    X = rng.normal(size=(600, 3))
    graph = IndexedNeighbors(1).fit_transform(X)
    exact = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(X).kneighbors()[1]
    assert_array_equal(graph.indptr, np.arange(601))
    assert np.mean(graph.indices == exact[:, 0]) > 0.98


def test_other_samples_find_their_neighbours(rng):
    X = make_blobs(N, 8, centers=20, random_state=0)[0]
    others = np.r_[X[:300] + 0.3 * rng.normal(size=(300, 8)), X[::250]]
    finder = IndexedNeighbors(10).fit(X)
    graph = finder.transform(others)
    assert graph.shape == (len(others), N)
    exact = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(X)
    farthest = exact.kneighbors(others)[0][:, -1:]
    assert np.mean(graph.data.reshape(-1, 10) <= farthest + 1e-9) > 0.97
    rows = np.repeat(np.arange(len(others)), 10)
    differences = others[rows] - X[graph.indices]
    assert_allclose(graph.data, np.linalg.norm(differences, axis=1))
    # A sample that was there finds itself.
    assert_array_equal(graph.indices.reshape(-1, 10)[300:, 0], np.arange(0, N, 250))
    # Each is found the same alone.
    for row in (0, 17):
        alone = finder.transform(others[[row]])
        assert_array_equal(alone.indices, graph[[row]].indices)


def test_nothing_depends_on_threads_and_blocks(monkeypatch):
    X = make_blobs(N, 16, centers=20, random_state=0)[0].astype(np.float32)
    graphs = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            graphs.append(IndexedNeighbors(10).fit_transform(X))
    with config_context(pairwise_dist_chunk_size=100, working_memory=1):
        graphs.append(clone(IndexedNeighbors(10)).fit_transform(X))
    monkeypatch.setattr(_neighbors, "_N_ROWS", 1000)
    graphs.append(IndexedNeighbors(10).fit_transform(X))
    for graph in graphs[1:]:
        assert_array_equal(graph.indices, graphs[0].indices)
        assert_array_equal(graph.data, graphs[0].data)


def count_distances(monkeypatch, X):
    """Count the distances to members of lists and to centres in the search."""
    counts = []
    least = _neighbors._least

    def counting(costs, n_taken):
        counts.append(costs.size)
        return least(costs, n_taken)

    finder = IndexedNeighbors().fit(X)
    with monkeypatch.context() as patched:
        patched.setattr(_neighbors, "_least", counting)
        finder.transform(X)
    return sum(counts)


def test_the_number_of_distances_grows_with_that_of_samples(monkeypatch):
    X = np.random.RandomState(0).normal(size=(60_000, 4)).astype(np.float32)
    few, many = (count_distances(monkeypatch, X[:n]) for n in (6000, 60_000))
    assert np.log10(many / few) < 1.2
    assert many < 60_000**2 / 20


def test_the_number_of_lists_is_bounded(monkeypatch):
    """Where all are about as far from each other no index helps."""
    monkeypatch.setattr(_neighbors, "_MOST_LISTS", 20)
    X = np.random.RandomState(0).normal(size=(N, 100))
    assert IndexedNeighbors(10).fit(X).n_lists_ == 20
    assert count_distances(monkeypatch, X) < 3000 * N


@pytest.mark.parametrize("name", ["heavy tails", "unequal density", "one far away"])
def test_no_list_is_nearly_empty(name):
    sizes = np.bincount(IndexedNeighbors().fit(spaces()[name])._list_of)
    assert sizes.min() >= 8
    assert sizes.max() < 1000


@pytest.mark.parametrize("exponent", [-400, 400])
def test_the_unit_does_not_matter(exponent):
    X = make_blobs(2000, 8, centers=20, random_state=0)[0]
    expected = IndexedNeighbors(10).fit_transform(X)
    found = IndexedNeighbors(10).fit_transform(np.ldexp(X, exponent))
    assert_array_equal(found.indices, expected.indices)
    assert_allclose(np.ldexp(found.data, -exponent), expected.data)


def test_few_distances_at_a_time_are_enough(monkeypatch):
    X = make_blobs(2000, 8, centers=20, random_state=0)[0]
    expected = IndexedNeighbors(10).fit_transform(X)
    monkeypatch.setattr(_neighbors, "_N_DISTANCES", 10_000)
    found = IndexedNeighbors(10).fit_transform(X)
    assert_array_equal(found.indices, expected.indices)


def test_few_samples_have_candidates_enough():
    X = np.arange(30.0)[:, None]
    graph = IndexedNeighbors(20).fit_transform(X)
    exact, _ = NearestNeighbors(n_neighbors=20).fit(X).kneighbors()
    assert_array_equal(graph.data.reshape(30, 20), exact)


def test_fewer_samples_than_neighbours_are_refused():
    with pytest.raises(ValueError, match=r"n_neighbors"):
        IndexedNeighbors(20).fit(np.arange(20.0)[:, None])


# The parts


@pytest.mark.parametrize("n_taken", [1, 2, 30, 499, 500, 600])
def test_the_least_costs_of_each_row(rng, n_taken):
    costs = rng.normal(size=(50, 500))
    found = np.take_along_axis(costs, _neighbors._least(costs, n_taken), axis=1)
    assert_array_equal(np.sort(found), np.sort(costs)[:, :n_taken])


def test_of_equal_costs_the_first_are_taken():
    costs = np.array([[2, 1, 1, 1, 0], [1, 1, 1, 1, 1], [4, 3, 2, 1, 0]], dtype=float)
    expected = [[1, 2, 4], [0, 1, 2], [2, 3, 4]]
    assert_array_equal(_neighbors._least(costs, 3), expected)
    costs[1] = np.inf
    assert_array_equal(_neighbors._least(costs, 3), expected)


def test_chance_has_no_part(rng):
    X, queries = rng.normal(size=(3000, 8)), rng.normal(size=(50, 8))
    graphs = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002, the state that random_state=None means
        graphs.append(IndexedNeighbors(5).fit(X).transform(queries))
    assert_array_equal(graphs[0].indices, graphs[1].indices)


def test_many_lists_are_searched_where_neighbours_are_in_none_near(monkeypatch, rng):
    # Of 1 list near each, as few as that hold the neighbours: all there are, then.
    monkeypatch.setattr(_neighbors, "_N_NEAR", 20)
    index = IndexedNeighbors(20).fit(rng.normal(size=(5000, 30)))
    true = _neighbors._find_exactly(index._X[:200], index._X, 21)
    lists = index._nearest_lists(index._X[:200], index._list_of[:200], 20)
    held = [
        np.isin(index._list_of[near[1:]], own)
        for near, own in zip(true, lists, strict=True)
    ]
    assert np.mean(held) < 0.99
    assert index.n_lists_ == 20


def test_twenty_neighbours_by_default():
    assert IndexedNeighbors().n_neighbors == 20
