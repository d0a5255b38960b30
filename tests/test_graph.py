"""Labels spread over a graph of neighbours."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import sklearn
from helpers import FixedCenters, RecordingOracle
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import cg
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import euclidean_distances
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsTransformer, RadiusNeighborsTransformer
from threadpoolctl import threadpool_limits

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    _graph,
    _propagation,
)
from kmeans_labelprop._copies import distinct_rows
from kmeans_labelprop._engine import spread
from kmeans_labelprop._graph import (
    Graph,
    affinity_graph,
    count_links,
    fit_neighbors,
    make_neighbors,
    nearest_links,
    neighbor_weights,
    shared_neighbors,
)
from kmeans_labelprop._neighbors import IndexedNeighbors
from kmeans_labelprop._propagation import (
    choose_alpha,
    estimate_class_shares,
    likeliest,
    margin,
    match_class_sizes,
    normalize_class_mass,
    spread_over_graph,
)

LINE = np.array([[0.0], [1.0], [2.0], [4.0]])


def propagator(**params):
    defaults = {"n_clusters": 4, "propagation": "graph", "random_state": 0}
    return KMeansLabelPropagator(**defaults | params)


def neighbor_distances(neighbors, E):
    return fit_neighbors(neighbors, E)[1]


def affinities(neighbors, E):
    return affinity_graph(neighbor_distances(neighbors, E), len(E))[0]


def test_neighbours_leave_the_sample_itself_out():
    X = np.array([[0.0], [3.0], [1.0]])
    distances = neighbor_distances(KNeighborsTransformer(n_neighbors=2), X)
    assert distances.nnz == 6
    assert_array_equal(distances.toarray(), euclidean_distances(X))
    assert_array_equal(np.diff(distances.indptr), [2, 2, 2])


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distinct_rows(container, dtype):
    X = np.array([[1, 0], [0, 2], [1, -0.0], [2, 0], [0, 2], [0, 1]], dtype=dtype)
    first, row_of = distinct_rows(container(X))
    assert_array_equal(first, [0, 1, 3, 5])
    assert_array_equal(row_of, [0, 1, 0, 2, 1, 3])


def test_distinct_sparse_rows_may_be_written_in_several_ways():
    # The same row: its columns in another order, one in two parts, a zero stored.
    data, columns = [1.0, 2, 2, 0.5, 0.5, 0], [0, 2, 2, 0, 0, 1]
    X = csr_array((data, columns, [0, 2, 6]), shape=(2, 3))
    first, row_of = distinct_rows(X)
    assert_array_equal(first, [0])
    assert_array_equal(row_of, [0, 0])
    assert X.nnz == 6  # left as it was


def test_affinities_are_locally_scaled_and_normalised():
    distances = neighbor_distances(KNeighborsTransformer(n_neighbors=1), LINE)
    # 0 and 2 have 1 as their nearest (or 1 has 0), 3 has 2.
    scale = {0: 1.0, 1: 1.0, 2: 1.0, 3: 2.0}
    # How many both know of those that either knows, each itself included.
    shared = {(0, 1): 1.0, (1, 2): 1 / 3, (2, 3): 1 / 3}
    weights = np.zeros((4, 4))
    for (i, j), share in shared.items():
        d = abs(LINE[i, 0] - LINE[j, 0])
        near = np.exp(-(d**2) / (scale[i] * scale[j]))
        weights[i, j] = weights[j, i] = share * near
    degrees = weights.sum(axis=1)
    expected = weights / np.sqrt(np.outer(degrees, degrees))
    affinity, scales = affinity_graph(distances, 4)
    assert_allclose(affinity.toarray(), expected)
    assert_array_equal(scales, list(scale.values()))


def test_affinities_of_duplicates_are_no_nan():
    affinity = affinities(KNeighborsTransformer(n_neighbors=2), np.zeros((4, 2)))
    assert np.isfinite(affinity.data).all()
    assert_allclose(affinity.toarray(), affinity.toarray().T)


def test_a_scale_of_zero_is_that_of_the_smallest_other():
    distances = neighbor_distances(
        KNeighborsTransformer(n_neighbors=1), np.array([[0.0], [0], [3], [5]])
    )
    affinity, scales = affinity_graph(distances, 4)
    assert_array_equal(scales, [2, 2, 2, 2])
    assert_array_equal(affinity.toarray() > 0, np.eye(4)[[1, 0, 3, 2]] > 0)


def test_spreading_solves_the_equation_of_zhou(rng):
    X = rng.normal(size=(60, 3))
    affinity = affinities(KNeighborsTransformer(), X)
    seeds, codes = np.array([3, 20, 41]), np.array([0, 1, 0])
    target = np.zeros((60, 2))
    target[seeds, codes] = 1
    exact = np.linalg.solve(np.eye(60) - 0.9 * affinity.toarray(), target)
    expected = exact / exact.sum(axis=1, keepdims=True)
    found = spread_over_graph(affinity, seeds, codes, 2, 0.9)
    assert_allclose(found, expected, atol=1e-4)


def regular_graph(kind, n_nodes):
    """Make the normalised affinities of a chain, a star, a grid, or of pairs."""
    nodes = np.arange(n_nodes)
    width = int(n_nodes**0.5)
    rows, columns = {
        "chain": (nodes[:-1], nodes[1:]),
        "star": (np.zeros(n_nodes - 1, dtype=int), nodes[1:]),
        "grid": (np.r_[nodes[:-1], nodes[:-width]], np.r_[nodes[1:], nodes[width:]]),
        "pairs": (nodes[:-1:2], nodes[1::2]),
    }[kind]
    links = csr_array((np.ones(len(rows)), (rows, columns)), shape=(n_nodes, n_nodes))
    links = links + links.T
    roots = diags_array(1 / np.sqrt(links.sum(axis=1)))
    return csr_array(roots @ links @ roots)


class CountingGraph:
    """Counts the columns that a graph is multiplied by."""

    def __init__(self, affinity):
        self.affinity = affinity
        self.widths = []

    def __call__(self, other):
        self.widths.append(other.shape[1])
        return self.affinity @ other


@pytest.mark.parametrize("kind", ["chain", "star", "grid", "pairs"])
def test_classes_are_solved_together_and_each_until_it_has_converged(kind):
    alpha, n_nodes, n_classes = 0.97, 900, 6
    affinity = regular_graph(kind, n_nodes)
    target = np.zeros((n_nodes, n_classes))
    # One class with many labels, one without any.
    target[np.arange(0, n_nodes, 7), 0] = 1 - alpha
    target[50 * np.arange(1, 5), np.arange(1, 5)] = 1 - alpha
    counting = CountingGraph(affinity)
    found, n_failed = _propagation._conjugate_gradients(counting, target.copy(), alpha)
    assert n_failed == 0
    system = np.eye(n_nodes) - alpha * affinity.toarray()
    assert_allclose(found, np.linalg.solve(system, target), atol=1e-6)
    # As many products as the theory of the method allows, and no more for any class.
    condition = (1 + alpha) / (1 - alpha)
    assert (
        len(counting.widths) <= np.log(2 * condition**0.5 / 1e-6) * condition**0.5 / 2
    )
    assert counting.widths[0] == n_classes - 1
    assert counting.widths == sorted(counting.widths, reverse=True)
    sparse, n_products = csr_array(system), 0
    for column in range(n_classes):
        alone = CountingGraph(affinity)
        own = _propagation._conjugate_gradients(alone, target[:, [column]], alpha)[0]
        assert_allclose(own[:, 0], found[:, column], atol=1e-12)
        n_products += len(alone.widths)
        by_scipy = cg(sparse, target[:, column], rtol=1e-6)[0]
        assert_allclose(own[:, 0], by_scipy, atol=1e-12)
    assert sum(counting.widths) == n_products


def test_linked_nodes_are_brought_near_each_other(rng):
    shuffled = rng.permutation(500)
    chain = regular_graph("chain", 500)[shuffled][:, shuffled]
    order = _propagation._near_each_other(chain)
    assert_array_equal(np.sort(order), np.arange(500))
    links = chain[order][:, order].tocoo()
    assert np.abs(links.row - links.col).max() == 1
    # A node with so many links would take the square of their number.
    order = _propagation._near_each_other(regular_graph("star", 500))
    assert_array_equal(order, np.arange(500))


@pytest.mark.parametrize("kind", ["chain", "grid", "pairs"])
def test_more_nodes_take_no_more_products(kind):
    counts = []
    for n_nodes in (400, 40_000):
        counting = CountingGraph(regular_graph(kind, n_nodes))
        target = np.zeros((n_nodes, 2))
        target[[0, n_nodes // 2], [0, 1]] = 1
        _propagation._conjugate_gradients(counting, target, 0.9)
        counts.append(sum(counting.widths))
    assert counts[1] <= counts[0] + 2


def test_many_classes_are_solved_in_blocks(rng, monkeypatch):
    affinity = affinities(KNeighborsTransformer(), rng.normal(size=(200, 3)))
    seeds = rng.permutation(200)[:80]
    codes = np.arange(80) % 37
    together = spread_over_graph(affinity, seeds, codes, 37, 0.9)
    for size in (1, 50):
        monkeypatch.setattr(_propagation, "_N_TOGETHER", size)
        found = spread_over_graph(affinity, seeds, codes, 37, 0.9)
        assert_allclose(found, together, atol=1e-10)
    monkeypatch.setattr(_propagation, "_MOST_IN_FLOAT64", 1000)
    smaller = spread_over_graph(affinity, seeds, codes, 37, 0.9)
    assert smaller.dtype == np.float32
    assert_allclose(smaller, together, atol=1e-6)
    assert together.dtype == np.float64


def test_blocks_of_rows_and_threads_change_no_bit(rng, monkeypatch):
    affinity = affinities(KNeighborsTransformer(), rng.normal(size=(200, 3)))
    seeds, codes = rng.permutation(200)[:20], np.arange(20) % 3
    at_once = spread_over_graph(affinity, seeds, codes, 3, 0.9)
    monkeypatch.setattr(_propagation, "_N_ROWS_TOGETHER", 60)
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):
            found = spread_over_graph(affinity, seeds, codes, 3, 0.9)
        assert_array_equal(found, at_once)


def test_neighbours_in_common_are_counted_in_batches(rng, monkeypatch):
    distances = KNeighborsTransformer(n_neighbors=8).fit_transform(rng.random((90, 2)))
    at_once = affinity_graph(csr_array(distances), 5)[0].toarray()
    monkeypatch.setattr(_graph, "_BATCH_SIZE", 100)
    in_batches = affinity_graph(csr_array(distances), 5)[0].toarray()
    assert_array_equal(in_batches, at_once)


def test_shares_in_float32_are_those_in_float64(digits, monkeypatch):
    X, y = digits
    monkeypatch.setattr(_propagation, "_MOST_IN_FLOAT64", 1000)
    for prior in ("estimated", "uniform"):
        expected = propagator(n_clusters=40, class_prior=prior)
        with monkeypatch.context() as patched:
            patched.setattr(_propagation, "_MOST_IN_FLOAT64", 10**9)
            expected.fit(X, y)
        found = propagator(n_clusters=40, class_prior=prior).fit(X, y)
        assert found.label_distributions_.dtype == np.float32
        assert_allclose(
            found.label_distributions_, expected.label_distributions_, atol=1e-5
        )
        assert found.confidence_.dtype == np.float64
        assert_array_equal(found.confidence_[found.representative_indices_], 1)
        assert np.mean(found.transduction_ == expected.transduction_) > 0.999
        assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-4)


@pytest.mark.parametrize("alpha", [0.3, 0.95])
def test_labels_reach_far_along_a_chain(alpha):
    """What arrives there is below the solver's tolerance."""
    n_samples = 400
    X = np.arange(n_samples, dtype=float)[:, None]
    affinity = affinities(KNeighborsTransformer(n_neighbors=2), X)
    seeds, codes = np.array([0, 300]), np.array([0, 1])
    found = spread_over_graph(affinity, seeds, codes, 2, alpha)
    assert_allclose(found.sum(axis=1), 1)
    middle = 150
    assert_array_equal(likeliest(found)[: middle - 3], 0)
    assert_array_equal(likeliest(found)[middle + 3 :], 1)


def test_too_far_away_the_nearest_by_links_counts():
    # The node 3 is one strong link from node 2, two weak ones (by 4) from node 1.
    weights = np.zeros((5, 5))
    for i, j, weight in ((0, 1, 9), (2, 3, 9), (3, 4, 0.1), (4, 1, 0.1)):
        weights[i, j] = weights[j, i] = weight
    distributions = np.zeros((5, 2))
    distributions[[0, 1], 0] = distributions[2, 1] = 0.5
    _propagation._reach_out(csr_array(weights), distributions, np.ones(5, dtype=bool))
    assert_array_equal(likeliest(distributions), [0, 0, 1, 1, 0])


def test_duplicates_have_no_pull_on_samples_far_away():
    """All neighbours of a duplicate are duplicates: that makes nothing else near."""
    rng = np.random.RandomState(0)
    clump, group = np.zeros((300, 2)), [60, 0] + 6 * rng.randn(8, 2)
    X, y = np.r_[clump, group], np.repeat([0, 1], [300, 8])
    alone = KMeansLabelPropagator(2, alpha=0.99, random_state=0)
    assert_array_equal(alone.fit(X, y).transduction_, y)
    # All that is near the clump is the group.
    assert alone.suspects_.tolist() == [alone.queries_[alone.queries_ < 300].item()]


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_copies_share_their_label_and_cut_no_links(container, rng):
    """Each sample 12 times: more copies than neighbours are looked for."""
    X = rng.normal(size=(60, 2)).round(2)
    y = (X[:, 0] > 0).astype(int)
    X_copies, y_copies = np.repeat(X, 12, axis=0), np.repeat(y, 12)
    around = FixedCenters(centers=X[:8])
    once = propagator(n_clusters=8, clusterer=around).fit(container(X), y)
    copies = clone(once).fit(container(X_copies), y_copies)
    assert_array_equal(
        copies.representative_indices_ // 12, once.representative_indices_
    )
    assert_array_equal(copies.transduction_, np.repeat(once.transduction_, 12))
    expected = np.repeat(once.confidence_, 12)
    is_copied = np.isin(np.arange(720) // 12, once.queries_)
    assert_allclose(copies.confidence_[~is_copied], expected[~is_copied], atol=1e-4)
    assert (copies.confidence_[copies.queries_] == 1).all()
    assert ((copies.confidence_ > 0) & (copies.confidence_ < 1))[is_copied].sum() > 80


def test_whole_numbers_are_all_reached(rng):
    X = rng.integers(0, 10, size=(2000, 2)).astype(float)
    y = (X[:, 0] + X[:, 1] > 9).astype(int)
    fitted = propagator(n_clusters=20).fit(X, y)
    assert len(fitted.sample_indices_) == 2000
    assert np.mean(fitted.transduction_ == y) > 0.9


def test_too_many_neighbours_for_the_distinct_samples():
    X = np.repeat([[0.0], [1.0], [2.0]], 20, axis=0)
    many = propagator(n_clusters=2, neighbors=KNeighborsTransformer(n_neighbors=5))
    match = r"'neighbors' parameter .* each taken once: 3 here\. .*n_neighbors"
    with pytest.raises(ValueError, match=match):
        many.fit(X, np.repeat([0, 1, 1], 20))


def test_what_is_not_reached_has_no_distribution():
    affinity, _ = affinity_graph(
        csr_array(([1.0, 1.0, 1.0], ([0, 1, 2], [1, 0, 3])), shape=(4, 4)), 1
    )
    found = spread_over_graph(affinity, np.array([0]), np.array([1]), 2, 0.9)
    assert_array_equal(found, [[0, 1], [0, 1], [0, 0], [0, 0]])
    assert_array_equal(likeliest(found), [1, 1, -1, -1])


def test_a_propagation_that_does_not_converge_is_warned_of(monkeypatch, rng):
    monkeypatch.setattr(_propagation, "_MAX_ITER", 1)
    X = rng.normal(size=(60, 3))
    affinity = affinities(KNeighborsTransformer(), X)
    with pytest.warns(
        ConvergenceWarning, match="propagation of 1 of 1 classes has not converged"
    ) as caught:
        spread_over_graph(affinity, np.array([0]), np.array([0]), 1, 0.99)
    assert caught[0].filename == __file__


def test_margin():
    distributions = np.array([[0.5, 0.3, 0.2], [0, 1, 0], [0, 0, 0]])
    assert_allclose(margin(distributions), [0.2, 1, 0])
    single = np.array([[1.0], [0.0]])
    margin(single)[:] = 7
    assert_allclose(margin(single), [1, 0])


# How much each class reaches


def test_class_mass_is_scaled_to_the_shares():
    distributions = np.array([[0.8, 0.2], [0.6, 0.4], [0, 0]])
    before = distributions.copy()
    equal = normalize_class_mass(distributions, np.array([0.5, 0.5]))
    # (8/10 : 14/10) beside (2/10 : 6/10) is 12 to 7; then 9 to 14.
    assert_allclose(equal, [[12 / 19, 7 / 19], [9 / 23, 14 / 23], [0, 0]])
    twice = normalize_class_mass(distributions, np.array([2.0, 1.0]))
    assert_allclose(twice[:2, 0] / twice[:2, 1], [24 / 7, 18 / 14])
    as_it_is = normalize_class_mass(distributions, np.array([7.0, 3.0]))
    assert_allclose(as_it_is, distributions)
    # Half the trust: the roots of the factors 10/14 and 10/6.
    half = normalize_class_mass(distributions, np.array([0.5, 0.5]), 0.5)
    assert_allclose(half[:2, 0] / half[:2, 1], np.array([4, 1.5]) * (6 / 14) ** 0.5)
    assert_allclose(
        normalize_class_mass(distributions, shares=np.ones(2), trust=0), distributions
    )
    assert_array_equal(distributions, before)


def test_a_class_that_reaches_nothing_stays_at_nothing():
    distributions = np.array([[0.5, 0.5, 0], [0.25, 0.75, 0], [1, 0, 0]])
    found = normalize_class_mass(distributions, np.full(3, 1 / 3))
    assert_array_equal(found[:, 2], 0)
    assert_allclose(found.sum(axis=1), 1)
    alone = np.array([[1.0], [0.0]])
    assert_array_equal(normalize_class_mass(alone, np.ones(1)), alone)


@pytest.mark.parametrize(
    ("codes", "weights", "expected"),
    [
        # Counted 7/8; (1 - 50/64) / (7 * 2 * (3/8) ** 2) = 1/9 of it is given up.
        ([0] * 7 + [1], np.full(8, 5.0), [5 / 6, 1 / 6]),
        # Counted 3/4 of 64/7 effective labels; 7/19 is given up.
        ([0] * 6 + [1] * 4, [2.0] * 6 + [1.0] * 4, [12.5 / 19, 6.5 / 19]),
        # So few labels tell nothing.
        ([0, 0, 0, 1], np.ones(4), [0.5, 0.5]),
        ([0, 1], [9.0, 1.0], [0.5, 0.5]),
        ([0, 1, 0, 1], np.ones(4), [0.5, 0.5]),
        ([1, 1, 1], [1.0, 2.0, 3.0], [0, 1]),
        ([1], [3.0], [0, 1]),
    ],
)
def test_james_stein_shares(codes, weights, expected):
    found, _ = estimate_class_shares(np.array(codes), np.asarray(weights), 2)
    assert_allclose(found, expected)


def test_few_labels_are_trusted_little():
    def trust(weights):
        weights = np.array(weights, dtype=float)
        return estimate_class_shares(np.arange(len(weights)) % 2, weights, 2)[1]

    assert trust([7]) == 0
    assert_allclose(trust([3, 3, 3, 3]), 3 / 4)
    assert_allclose(trust([3, 1]), 1 - 10 / 16)
    assert trust([300, 8]) < 0.06
    assert trust([1] * 100) == 0.99


def test_a_class_without_a_label_has_no_share():
    codes, weights = np.array([0] * 7 + [2]), np.ones(8)
    found, trust = estimate_class_shares(codes, weights, 4)
    assert_allclose(found, [5 / 6, 0, 1 / 6, 0])
    assert trust == 7 / 8


def test_shares_counted_from_many_labels_are_believed():
    codes = np.repeat([0, 1, 2], [9000, 900, 100])
    found, _ = estimate_class_shares(codes, np.ones(10_000), 3)
    assert_allclose(found, [0.9, 0.09, 0.01], atol=1e-4)


@pytest.mark.filterwarnings("ignore:Given labels that differ")
def test_the_class_prior_decides_between_classes():
    """Samples between a large class and a small one go where more are expected."""
    X = np.linspace(0, 1, 60)[:, None]
    centers = [[0.1], [0.3], [0.5], [0.9]]
    y = (X[:, 0] > 0.7).astype(int)
    shared = {"clusterer": FixedCenters(centers=centers), "fraction": 1}

    def share_of_second(class_prior):
        fitted = propagator(class_prior=class_prior, **shared).fit(X, y)
        assert_allclose(fitted.label_distributions_.sum(axis=1), 1)
        representatives = fitted.representative_indices_
        assert_array_equal(fitted.transduction_[representatives], y[representatives])
        assert_array_equal(fitted.confidence_[representatives], 1)
        return fitted.transduction_.mean(), fitted.label_distributions_

    share, _ = share_of_second(None)
    fitted = propagator(**shared).fit(X, y)
    matched = match_class_sizes(before_normalization(fitted), np.ones(2))
    expected = with_given(matched, fitted.given_)
    for prior in ("uniform", {0: 2, 1: 2, "another": 5}):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* classes without a label")
            found_share, found = share_of_second(prior)
        assert_allclose(found, expected)
        assert found_share > share
    few, _ = share_of_second({0: 0.9, 1: 0.1})
    many, _ = share_of_second({0: 0.1, 1: 0.9})
    assert few < share_of_second("uniform")[0] < many


def before_normalization(fitted):
    """What reaches each node of the graph without any prior, by the functions."""
    graph, given = fitted.clusters_.graph, fitted.given_
    assert len(np.unique(graph.node_of[given.positions])) == len(given)
    n_nodes = graph.affinity.shape[0]
    alpha = choose_alpha(n_nodes, len(given))
    nodes = graph.node_of[given.positions]
    return spread_over_graph(
        graph.affinity, nodes, given.codes, len(given.classes), alpha
    )


def with_given(distributions, given):
    distributions = distributions.copy()
    distributions[given.positions] = np.eye(len(given.classes))[given.codes]
    return distributions


@pytest.mark.parametrize("is_known", [False, True])
def test_the_estimated_prior_counts_the_samples_nearest_to_each_label(rng, is_known):
    X = np.r_[rng.normal(size=(180, 2)), rng.normal(size=(20, 2)) + 3]
    y = np.repeat([0, 1], [180, 20])
    # Known ones are denser where the second class is.
    known = np.r_[np.arange(0, 180, 10), np.arange(180, 200, 2)]
    partial = np.full(200, -1)
    partial[known] = y[known]
    fitted = propagator(n_clusters=30, class_prior="estimated")
    fitted.fit(X, partial if is_known else y)
    given = fitted.given_
    nearest = euclidean_distances(X, X[given.positions]).argmin(axis=1)
    weights = np.bincount(nearest, minlength=len(given)).astype(float)
    shares, trust = estimate_class_shares(given.codes, weights, 2)
    assert 0.5 < shares[0] < 0.95
    plain = before_normalization(fitted)
    expected = with_given(normalize_class_mass(plain, shares, trust), given)
    assert_allclose(fitted.label_distributions_, expected)
    assert_allclose(fitted.confidence_, margin(expected))


def test_the_prior_knows_nothing_of_labels_left_out(digits):
    """What cross-validation hides is as if it had never been given."""
    X, y = digits
    fitted = propagator(n_clusters=40, class_prior="estimated").fit(X, y)
    given = fitted.given_
    # Every fourth label, and a whole class.
    visible = given.take((np.arange(40) % 4 != 0) & (given.codes != 3))
    found = spread(fitted.clusters_, visible, "graph").distributions

    known = np.full_like(y, -1)
    known[visible.positions] = y[visible.positions]
    oracle = RecordingOracle(X, known, abstain_from=[-1])
    unknowing = propagator(n_clusters=40, oracle=oracle).fit(X)
    told = np.unique(y[visible.positions])
    assert len(told) < 10
    assert_array_equal(unknowing.classes_, told)
    assert_allclose(found[:, told], unknowing.label_distributions_)
    assert_array_equal(np.delete(found, told, axis=1), 0)


@pytest.mark.parametrize(
    ("class_prior", "match"),
    [
        ("balanced", "'class_prior' parameter .* 'balanced' instead"),
        ([0.5, 0.5], "'class_prior' parameter"),
        ({0: 0.5, 1: 0}, "shares above 0. Got 0 for the label 1"),
        ({0: "half"}, "shares above 0. Got 'half' for the label 0"),
        ({0: np.nan}, "shares above 0. Got nan"),
        ({}, "a share for each class. Got an empty dict"),
    ],
)
def test_a_wrong_class_prior_is_refused(blobs, class_prior, match):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    with pytest.raises(ValueError, match=match):
        propagator(class_prior=class_prior, oracle=oracle).fit(X)
    assert oracle.n_asked == 0
    fitted = propagator().fit(X, y).set_params(class_prior=class_prior)
    with pytest.raises(ValueError, match=match):
        fitted.propagate({})


def test_a_share_that_cannot_be_is_refused_before_the_clustering(blobs):
    asked = propagator(class_prior={0: -1.0})
    with pytest.raises(ValueError, match=r"shares above 0\. Got -1\.0"):
        asked.query(blobs[0])
    assert not hasattr(asked, "labels_")


def test_a_class_that_the_prior_lacks_gets_the_mean_share_and_is_told_of(blobs):
    X, y = blobs
    # Within reach of each other, so that shares change something.
    X = X / 5
    with pytest.warns(UserWarning, match=r"no share for .* \[2, 3\]") as caught:
        lacking = propagator(n_clusters=8, class_prior={0: 1, 1: 3}).fit(X, y)
    assert len(caught) == 1
    full = {0: 1, 1: 3, 2: 2, 3: 2}
    told = propagator(n_clusters=8, class_prior=full).fit(X, y)
    assert_array_equal(lacking.label_distributions_, told.label_distributions_)


# The neighbours of other samples


def line_graph(n_links=4):
    finder, distances = fit_neighbors(KNeighborsTransformer(n_neighbors=2), LINE)
    affinity, scales = affinity_graph(distances, 4)
    return Graph(affinity, scales, np.arange(4), finder, n_links)


def test_neighbours_of_other_samples_weigh_as_those_of_the_graph():
    graph = line_graph()
    assert_array_equal(graph.scales, [2, 1, 2, 3])
    # The finder yields one more than it was told: 0, 1 and 2 for 0.5.
    weights = neighbor_weights(graph, np.array([[0.5]])).toarray()[0]
    ratios = np.array([0.25 / (1.5 * 2), 0.25 / (1.5 * 1), 2.25 / (1.5 * 2)])
    assert_allclose(weights, [*np.exp(ratios.min() - ratios), 0])
    # Of those found only the nearest count, and one of equals.
    nearest = neighbor_weights(line_graph(n_links=1), np.array([[0.5], [1.9]]))
    assert nearest.toarray()[0].tolist() in np.eye(4)[[0, 1]].tolist()
    assert_array_equal(nearest.toarray()[1], np.eye(4)[2])


def test_a_sample_that_is_one_of_the_nodes_weighs_that_alone():
    graph = line_graph()
    at_nodes = neighbor_weights(graph, LINE + 1e-7)
    assert_array_equal(at_nodes.toarray() > 0, np.eye(4) > 0)
    beside = neighbor_weights(graph, np.array([[1.01]])).toarray()[0]
    assert_array_equal(beside > 0, [True, True, True, False])


def test_far_from_all_the_nearest_still_counts():
    weights = neighbor_weights(line_graph(), np.array([[1e6], [-1e6]])).toarray()
    assert_array_equal(weights.max(axis=1), 1)
    assert np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("n_nodes", "n_neighbors"), [(1, 1), (2, 1), (11, 10), (21, 20), (1000, 20)]
)
def test_the_default_finds_twenty_neighbours_and_links_ten(n_nodes, n_neighbors):
    nodes = np.arange(float(n_nodes))[:, None]
    finder = make_neighbors(None, nodes)
    assert finder.n_neighbors == n_neighbors
    distances = neighbor_distances(finder, nodes)
    n_links = count_links(distances)
    assert n_links == 10
    assert_array_equal(np.diff(distances.indptr), min(20, n_nodes - 1))
    affinity, scales = affinity_graph(distances, n_links)
    # A link may be wanted by one of its ends only.
    assert affinity.nnz <= 2 * 10 * n_nodes
    assert len(scales) == n_nodes
    given = KNeighborsTransformer(n_neighbors=3)
    assert make_neighbors(given, nodes) is given


def test_an_index_takes_over_where_there_are_many_samples():
    many = np.zeros((20_000, 1))
    assert isinstance(make_neighbors(None, many), IndexedNeighbors)
    assert isinstance(make_neighbors(None, many[1:]), KNeighborsTransformer)
    # Its centres would be dense.
    assert isinstance(make_neighbors(None, csr_array(many)), KNeighborsTransformer)
    given = KNeighborsTransformer(n_neighbors=3)
    assert make_neighbors(given, many) is given


@pytest.mark.parametrize(
    ("n_neighbors", "n_links"), [(3, 10), (10, 10), (20, 10), (21, 10), (50, 25)]
)
def test_half_of_the_neighbours_are_linked_but_ten_where_there_are(
    n_neighbors, n_links
):
    finder = KNeighborsTransformer(n_neighbors=n_neighbors)
    distances = neighbor_distances(finder, np.arange(60.0)[:, None])
    assert count_links(distances) == n_links
    rows, _, _ = nearest_links(distances, n_links)
    assert_array_equal(np.bincount(rows), min(n_neighbors, n_links))


def test_links_go_to_the_nearest():
    table = np.array([[0, 2, 1, 1], [3, 0, 0, 0], [5, 4, 0, 6]], dtype=float)
    rows, columns, data = nearest_links(csr_array(table), 2)
    assert_array_equal(rows, [0, 0, 1, 2, 2])
    assert_array_equal(np.sort(columns[:2]), [2, 3])  # as near
    assert_array_equal(columns[2:], [0, 1, 0])
    assert_array_equal(data, [1, 1, 3, 4, 5])
    rows, columns, data = nearest_links(csr_array(table), 3)
    assert sorted(data) == sorted(table[table > 0])


def test_links_in_any_order_are_the_same(rng):
    distances = neighbor_distances(
        KNeighborsTransformer(n_neighbors=8), rng.normal(size=(50, 2))
    )
    in_order = nearest_links(distances, 3)
    assert distances.data[0] < distances.data[-1]
    by_column = distances.sorted_indices()
    for found, expected in zip(nearest_links(by_column, 3), in_order, strict=True):
        assert_array_equal(found, expected)


def test_the_overlap_is_that_of_the_sets_of_neighbours(rng):
    X = rng.normal(size=(30, 2))
    distances = neighbor_distances(KNeighborsTransformer(n_neighbors=5), X)
    sets = [
        {i, *distances.indices[start:end].tolist()}
        for i, (start, end) in enumerate(pairwise(distances.indptr))
    ]
    rows = np.repeat(np.arange(30), np.diff(distances.indptr))
    columns = distances.indices
    expected = [
        len(sets[i] & sets[j]) / len(sets[i] | sets[j])
        for i, j in zip(rows, columns, strict=True)
    ]
    assert_allclose(shared_neighbors(distances, rows, columns), expected)


def test_one_distinct_sample_has_no_links():
    none = csr_array((1, 1))
    affinity, scales = affinity_graph(none, 10)
    assert affinity.nnz == 0
    assert_array_equal(scales, [0])


def test_known_class_sizes_are_matched_exactly(rng):
    distributions = rng.dirichlet([1, 3, 0.5], size=200)
    distributions[7] = 0
    found = match_class_sizes(distributions, np.array([2.0, 1, 1]))
    assert_allclose(np.delete(found, 7, axis=0).sum(axis=1), 1)
    assert_array_equal(found[7], 0)
    assert_allclose(found.sum(axis=0) / 199, [0.5, 0.25, 0.25], atol=2e-3)
    # Once is not enough.
    once = normalize_class_mass(distributions, np.array([2.0, 1, 1]))
    assert np.abs(once.sum(axis=0) / 199 - [0.5, 0.25, 0.25]).max() > 0.01


def test_labels_follow_the_moons_across_clusters():
    X, y = make_moons(400, noise=0.05, random_state=0)
    few = {"n_clusters": 4, "fraction": 1}
    graph = propagator(**few).fit(X, y)
    cluster = propagator(**few, propagation="cluster").fit(X, y)
    assert np.mean(graph.transduction_ == y) > np.mean(cluster.transduction_ == y)
    assert np.mean(graph.transduction_ == y) > 0.95


def test_only_the_labels_of_representatives_are_read(digits):
    X, y = digits
    fitted = propagator(n_clusters=40).fit(X, y)
    corrupted = np.full_like(y, 3)
    representatives = fitted.representative_indices_
    corrupted[representatives] = y[representatives]
    again = propagator(n_clusters=40).fit(X, corrupted)
    assert_array_equal(again.transduction_, fitted.transduction_)
    assert_array_equal(again.confidence_, fitted.confidence_)


def test_the_graph_is_right_more_often_than_the_clusters(digits):
    X, y = digits
    accuracy = {
        rule: np.mean(
            [
                np.mean(
                    propagator(n_clusters=50, propagation=rule, random_state=seed)
                    .fit(X, y)
                    .transduction_
                    == y
                )
                for seed in range(3)
            ]
        )
        for rule in ("graph", "cluster")
    }
    assert accuracy["graph"] > accuracy["cluster"] + 0.01


def test_representatives_keep_their_labels_and_are_sure(digits):
    X, y = digits
    fitted = propagator(n_clusters=60, alpha=0.99).fit(X, y)
    representatives = fitted.representative_indices_
    assert_array_equal(fitted.transduction_[representatives], y[representatives])
    assert_array_equal(fitted.confidence_[representatives], 1)
    assert_allclose(fitted.label_distributions_.sum(axis=1), 1)


def test_the_fraction_keeps_the_most_confident_of_each_cluster(digits):
    X, y = digits
    fitted = propagator(n_clusters=20, fraction=0.4).fit(X, y)
    kept = np.isin(np.arange(len(X)), fitted.sample_indices_)
    for cluster in range(20):
        members = fitted.labels_ == cluster
        assert abs(kept[members].sum() - 0.4 * members.sum()) <= 0.5
        assert (
            fitted.confidence_[members & kept].min()
            >= fitted.confidence_[members & ~kept].max()
        )


def test_samples_that_no_label_reaches_are_left_out():
    X = np.array([[0.0], [0.1], [0.2], [10.0], [10.1], [10.2]])
    radius = RadiusNeighborsTransformer(mode="distance", radius=1)
    islands = KMeansLabelPropagator(
        2,
        fraction=1,
        propagation="graph",
        neighbors=radius,
        clusterer=FixedCenters(centers=[[0.1], [10.1]]),
    )
    with (
        pytest.warns(UserWarning, match="No label reaches 3 samples over the graph"),
        pytest.warns(UserWarning, match="The only class found is 5"),
    ):
        islands.fit(X, [5, -1, 5, -1, -1, -1])
    assert_array_equal(islands.transduction_, [5, 5, 5, -1, -1, -1])
    assert_array_equal(islands.confidence_, [1, 1, 1, 0, 0, 0])
    assert_array_equal(islands.sample_indices_, [0, 1, 2])


def test_labels_reach_clusters_without_a_label_of_their_own(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[3])
    fitted = propagator(oracle=oracle, neighbors=KNeighborsTransformer(n_neighbors=90))
    fitted.fit(X)
    assert set(fitted.transduction_) == {0, 1, 2}
    assert_array_equal(fitted.sample_indices_, np.arange(len(X)))
    assert_array_equal(fitted.transduction_[y != 3], y[y != 3])


@pytest.mark.parametrize(
    ("neighbors", "error", "match"),
    [
        ("dense", TypeError, "yields a sparse graph"),
        ("wide", ValueError, r"graph of shape \(4, 4\)"),
        ("negative", ValueError, "distances of 0 or more"),
    ],
)
def test_neighbours_of_the_wrong_kind_are_refused(neighbors, error, match):
    with pytest.raises(error, match=match):
        neighbor_distances(WrongNeighbors(neighbors), LINE)


class WrongNeighbors(TransformerMixin, BaseEstimator):
    def __init__(self, kind):
        self.kind = kind

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return {
            "dense": np.zeros((4, 4)),
            "wide": csr_array((4, 5)),
            "negative": csr_array(-euclidean_distances(X)),
        }[self.kind]


# Retries


def test_an_abstention_is_answered_with_the_next_best_sample(blobs):
    X, y = blobs
    asked = []

    def shy(ids):
        asked.append(list(ids))
        return [y[i] if len(asked) > 1 or y[i] != 2 else None for i in ids]

    fitted = KMeansLabelPropagator(
        4, oracle=shy, max_retries=3, fraction=1, random_state=0
    ).fit(X, sample_ids=np.arange(len(X)))
    assert [len(ids) for ids in asked] == [4, 1]
    assert fitted.n_queries_ == 5
    assert_array_equal(fitted.transduction_, y)
    (second,) = asked[1]
    members = np.flatnonzero(y == 2)
    cluster = fitted.labels_[second]
    distance = np.linalg.norm(X[members] - fitted.cluster_centers_[cluster], axis=1)
    assert second == members[np.argsort(distance)[1]]
    assert fitted.representative_indices_[cluster] == second
    assert fitted.confidence_[second] == 1


def test_retries_end_and_never_ask_twice(blobs):
    X, y = blobs
    asked = []

    def mute_about_two(ids):
        asked.extend(ids)
        return [None if y[i] == 2 else y[i] for i in ids]

    fitted = KMeansLabelPropagator(
        4, oracle=mute_about_two, max_retries=50, random_state=0
    )
    with pytest.warns(UserWarning, match="No label reaches 30 samples"):
        fitted.fit(X, sample_ids=np.arange(len(X)))
    assert len(asked) == len(set(asked)) == 3 + 30  # all of the cluster, then no more


def test_propagate_corrects_the_samples_asked_last(blobs):
    X, y = blobs
    fitted = KMeansLabelPropagator(
        4,
        oracle=lambda ids: [None if len(ids) == 4 and y[i] == 2 else y[i] for i in ids],
        max_retries=1,
        random_state=0,
    ).fit(X, sample_ids=np.arange(len(X)))
    assert fitted.n_queries_ == 5
    fitted.propagate([5, 6, 7, 8])
    assert sorted(fitted.representative_labels_) == [5, 6, 7, 8]
    assert len(fitted.given_) == 4
    assert fitted.n_queries_ == 5


def test_the_rule_can_be_changed_where_there_is_a_graph(blobs):
    X, y = blobs
    changed = propagator().fit(X, y).set_params(propagation="cluster").propagate({})
    expected = propagator(propagation="cluster").fit(X, y)
    assert_array_equal(changed.confidence_, expected.confidence_)
    assert not hasattr(changed, "label_distributions_")
    back = changed.set_params(propagation="graph").propagate({})
    assert_array_equal(back.confidence_, propagator().fit(X, y).confidence_)
    with pytest.raises(ValueError, match="'propagation' parameter was set to 'graph'"):
        expected.set_params(propagation="graph").propagate({})


# In a search


def test_a_search_chooses_between_the_rules(digits, tmp_path):
    X, y = digits
    search = GridSearchCV(
        PropagatedClassifier(
            GaussianNB(var_smoothing=0.01),
            propagator(n_clusters=60, memory=str(tmp_path)),
        ),
        {
            "propagator__propagation": ["graph", "cluster"],
            "propagator__alpha": [0.5, 0.95],
        },
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert search.best_score_ > 0.8


def test_labels_spread_farther_where_each_has_more_to_reach():
    assert choose_alpha(1_000, 10) == pytest.approx(0.95)
    assert choose_alpha(100, 100) == 0.5
    assert choose_alpha(250, 10) == pytest.approx(0.9)
    assert choose_alpha(10**9, 1) == 0.99
    alphas = [choose_alpha(n_samples, 20) for n_samples in (20, 50, 100, 1_000, 40_000)]
    assert alphas == sorted(set(alphas))


def test_alpha_auto_counts_samples_and_labels(digits):
    X, y = digits[0][:300], digits[1][:300]
    auto = propagator(n_clusters=25).fit(X, y)
    by_hand = propagator(n_clusters=25, alpha=1 - 0.5 / np.sqrt(len(X) / 25)).fit(X, y)
    assert_allclose(auto.label_distributions_, by_hand.label_distributions_)
    # Five labels fewer: each of the others has more samples to reach.
    kept = auto.representative_indices_[5:].tolist()

    def spread(**params):
        lacking = propagator(n_clusters=25, **params)
        lacking.query(X)
        lacking.propagate({position: y[position] for position in kept})
        return lacking.label_distributions_

    fewer = spread()
    assert_allclose(fewer, spread(alpha=1 - 0.5 / np.sqrt(len(X) / 20)))
    assert np.abs(fewer - spread(alpha=0.9)).max() > 1e-3


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_dataframes_as_output_of_transformers_change_nothing(digits, container):
    X, y = digits
    for rule in ({"propagation": "graph"}, {"propagation": "cluster"}):
        parameters = {"n_clusters": 20, "random_state": 0, **rule}
        plain = KMeansLabelPropagator(**parameters).fit(X, y)
        with sklearn.config_context(transform_output=container):
            framed = KMeansLabelPropagator(**parameters).fit(X, y)
            predicted = framed.predict(X)
        assert_array_equal(framed.transduction_, plain.transduction_)
        assert_array_equal(predicted, plain.predict(X))


# Labels that deserve a second look


def test_given_labels_that_neighbours_disbelieve_are_suspects(blobs):
    X, y = blobs
    partial = y.copy()
    wrong = np.flatnonzero(np.arange(len(X)) % 40 == 0)
    partial[wrong] = (y[wrong] + 1) % 4
    partial[1::4] = -1
    assert (partial[wrong] >= 0).all()
    with pytest.warns(UserWarning, match=r"neighbours: 3\. .*suspects_") as caught:
        fitted = propagator().fit(X, partial)
    assert len(caught) == 1
    assert set(fitted.suspects_) == set(wrong)
    assert_array_equal(fitted.transduction_[wrong], partial[wrong])
    right = dict(zip(wrong.tolist(), y[wrong].tolist(), strict=True))
    assert len(fitted.propagate(right).suspects_) == 0
    assert_array_equal(fitted.transduction_, y)


def test_suspects_begin_with_the_least_believed():
    # At 5 the neighbours are of two minds, at 15 of one.
    X = np.arange(20.0)[:, None]
    y = np.array(["a"] * 10 + ["b"] * 10)
    y[15] = "a"
    y[9] = "b"
    one = propagator(n_clusters=2, neighbors=KNeighborsTransformer(n_neighbors=4))
    with pytest.warns(UserWarning, match="of all their neighbours: 1"):
        one.fit(X, [*y[:19], -1])
    assert one.suspects_[0] == 15
    assert set(one.suspects_) <= {15, 9, 10, 8}


def test_a_share_of_an_unknown_class_is_told(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match=r"classes without a label: \['spam'\]"):
        KMeansLabelPropagator(
            4, class_prior={0: 1, 1: 1, 2: 1, 3: 1, "spam": 2}, random_state=0
        ).fit(X, y)
