"""The pure functions of the engine, on samples small enough to check by hand."""

from __future__ import annotations

import tracemalloc
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from helpers import FixedCenters
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import euclidean_distances
from sklearn.neighbors import KNeighborsTransformer

from kmeans_labelprop import _engine, _graph, _propagation
from kmeans_labelprop._distances import far_offset
from kmeans_labelprop._engine import (
    copies_of,
    count_outvoted,
    find_clusters,
    find_graph,
    find_suspects,
    keep,
    next_queries,
    predict_distributions,
    predict_in_clusters,
    share_of_copies,
    spread,
)
from kmeans_labelprop._given import GivenLabels
from kmeans_labelprop._neighbors import IndexedNeighbors
from kmeans_labelprop._propagation import as_probabilities, likeliest, margin

both_rules = pytest.mark.parametrize("rule", ["cluster", "graph"])


def unchanged(part):
    return part


def make_clusters(E, centers, *, n_neighbors=None, with_graph=True):
    """Cluster samples around given centres, with their graph."""
    clusterer = FixedCenters(n_clusters=len(centers), centers=centers)
    clusters = find_clusters(E, clusterer, unchanged, 0)
    if not with_graph:
        return clusters
    neighbors = n_neighbors and KNeighborsTransformer(n_neighbors=n_neighbors)
    graph = find_graph(E, neighbors, unchanged, unchanged, 0)
    return replace(clusters, graph=graph)


def labels(classes="ab", **codes_by_position):
    """Make given labels from p0=0, p5=1."""
    positions = np.array([int(name[1:]) for name in codes_by_position], dtype=np.intp)
    codes = np.array(list(codes_by_position.values()), dtype=np.intp)
    return GivenLabels(positions, codes, np.array(list(classes)))


LINE = np.arange(10.0)[:, None]
HALVES = [[2.0], [7.0]]


# Clusters and graph


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_clusters_tell_which_and_how_far(container):
    clusters = make_clusters(container(LINE), HALVES, with_graph=False)
    assert len(clusters) == 10
    assert_array_equal(clusters.ids, [0] * 5 + [1] * 5)
    assert_allclose(clusters.distances, [2, 1, 0, 1, 2, 2, 1, 0, 1, 2], atol=1e-12)
    assert clusters.graph is clusters.names is None


def test_the_objects_between_the_stages_are_frozen():
    clusters = make_clusters(LINE, HALVES)
    known = labels(p0=0)
    for frozen, name in (
        (clusters, "ids"),
        (clusters.graph, "affinity"),
        (known, "codes"),
        (spread(clusters, known, "graph"), "codes"),
    ):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, name, None)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_the_nodes_of_the_graph_are_the_distinct_samples(container):
    E = container(np.repeat(LINE, 3, axis=0))
    clusters = make_clusters(E, HALVES)
    assert clusters.graph.affinity.shape == (10, 10)
    assert_array_equal(clusters.graph.node_of, np.repeat(np.arange(10), 3))
    once = make_clusters(container(LINE), HALVES)
    assert_allclose(clusters.graph.affinity.toarray(), once.graph.affinity.toarray())


def test_copies_have_the_same_number_with_and_without_a_graph():
    E = np.array([[1.0], [2.0], [1.0], [3.0], [2.0]])
    for with_graph in (False, True):
        clusters = make_clusters(E, HALVES, with_graph=with_graph)
        one, two, other, *rest = copies_of(clusters, np.array([0, 1, 2, 4]))
        assert one == other
        assert [two] == rest
        assert one != two


# Spreading


@both_rules
def test_a_label_stays_what_it_is_whatever_its_neighbours_have(rule):
    clusters = make_clusters(LINE, HALVES, n_neighbors=2)
    known = labels(p0=0, p1=0, p2=1, p3=0, p4=0, p8=1)
    found = spread(clusters, known, rule)
    assert_array_equal(found.codes[known.positions], known.codes)
    assert_array_equal(found.confidence[known.positions], 1)
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()
    assert_array_equal(found.codes[[7, 9]], [1, 1])


def test_by_the_cluster_rule_the_nearest_given_label_of_the_cluster_counts():
    clusters = make_clusters(LINE, HALVES, with_graph=False)
    found = spread(clusters, labels(p0=0, p4=1), "cluster")
    # 2 lies between both. In the other cluster there is none.
    assert found.codes[2] in (0, 1)
    assert_array_equal(np.delete(found.codes, 2), [0, 0, 1, 1, -1, -1, -1, -1, -1])
    # Given ones lead, then the nearest to the centre: 2, then 1 and 3.
    assert_allclose(found.confidence[:5], [1, 2 / 5, 3 / 5, 1 / 5, 1])
    assert_array_equal(found.confidence[5:], 0)
    assert found.distributions is found.node_distributions is None


def test_by_the_graph_labels_cross_the_borders_of_clusters():
    clusters = make_clusters(LINE, HALVES, n_neighbors=2)
    found = spread(clusters, labels(p0=0, p4=1), "graph", class_prior=None)
    assert_array_equal(found.codes[[0, 1, 3, 4, 5, 6, 7, 8, 9]], [0, 0, *[1] * 7])
    assert_allclose(found.distributions.sum(axis=1), 1)
    assert_array_equal(found.codes, likeliest(found.distributions))
    assert_allclose(found.confidence, margin(found.distributions))
    assert_array_equal(found.costs, -found.confidence)


def test_copies_of_a_labelled_sample_are_less_sure_than_it():
    E = np.repeat(LINE, 3, axis=0)
    clusters = make_clusters(E, HALVES, n_neighbors=2)
    # Place 3 has label 0, its neighbours have label 1.
    known = labels(p0=0, p6=1, p9=0, p12=1, p29=1)
    found = spread(clusters, known, "graph")
    assert_array_equal(found.distributions[9], [1, 0])
    assert_array_equal(found.codes[9:12], 0)
    # They count as 0.99 of a label more.
    assert_allclose(found.distributions[10:12], [[1 / 1.99, 0.99 / 1.99]] * 2)
    # With two of three labels the same the third copy is surer; all are not.
    more = spread(clusters, labels(p0=0, p6=1, p9=0, p10=0, p12=1, p29=1), "graph")
    assert_allclose(more.distributions[11], [2 / 2.99, 0.99 / 2.99])
    assert_array_equal(more.distributions[9:11], [[1, 0]] * 2)
    # A copy alone in the world has the shares of all for its neighbours.
    lonely = np.r_[np.repeat(LINE, 3, axis=0), np.full((2, 1), 1e6)]
    clusters = make_clusters(lonely, HALVES, n_neighbors=2)
    found = spread(clusters, labels(p0=0, p30=1), "graph")
    assert 0.5 < found.distributions[31, 1] <= 1


def test_copies_get_the_shares_of_their_node_but_for_their_own_label():
    E = np.repeat(LINE, 2, axis=0)
    clusters = make_clusters(E, HALVES)
    known = labels(p0=1, p8=0, p9=0, p19=1)
    found = spread(clusters, known, "graph")
    expected = found.node_distributions[clusters.graph.node_of]
    others = np.setdiff1d(np.arange(20), [1, 18])  # copies of labelled samples
    assert_array_equal(found.distributions[others], expected[others])
    assert_array_equal(expected[[1, 18]], np.eye(2)[[1, 1]])
    # One of two copies has another label than most of them.
    three = np.repeat(LINE, 3, axis=0)
    clusters = make_clusters(three, HALVES)
    known = labels(p0=0, p1=0, p2=1, p29=1)
    found = spread(clusters, known, "graph")
    assert_array_equal(found.node_distributions[0], [1, 0])
    assert_array_equal(found.distributions[:3], [[1, 0], [1, 0], [0, 1]])
    assert_array_equal(found.codes[:3], [0, 0, 1])
    assert_array_equal(spread(clusters, known, "cluster").codes[:6], [0, 0, 1, 0, 0, 0])


@both_rules
def test_a_class_that_no_label_has_is_given_to_none(rule):
    clusters = make_clusters(LINE, HALVES)
    found = spread(clusters, labels("abc", p1=0, p7=2), rule)
    assert set(found.codes) == {0, 2}
    if rule == "graph":
        assert_array_equal(found.distributions[:, 1], 0)


def chain(n_samples):
    return np.arange(float(n_samples))[:, None]


def star(n_leaves):
    """Make a centre and leaves that have no neighbour but the centre."""
    return np.r_[np.zeros((1, n_leaves)), np.eye(n_leaves)]


@pytest.mark.parametrize("n_samples", [300, 3000])
@pytest.mark.parametrize("alpha", ["auto", 0.2])
def test_the_far_end_of_a_chain_is_reached(n_samples, alpha):
    """What arrives there is lost in the tolerance of any solver."""
    clusters = make_clusters(chain(n_samples), [[0.0]], n_neighbors=2)
    found = spread(clusters, labels("a", p0=0), "graph", alpha=alpha)
    assert_array_equal(found.codes, 0)
    both = labels("ab", **{"p0": 0, f"p{n_samples - 1}": 1})
    found = spread(clusters, both, "graph", alpha=alpha)
    assert_allclose(found.distributions.sum(axis=1), 1)
    assert_array_equal(found.codes, np.arange(n_samples) >= n_samples / 2)


@pytest.mark.parametrize("alpha", [0.2, 0.5, 0.9, 0.99])
def test_far_along_a_chain_shares_are_the_exact_ones(alpha):
    """Where the solver has no digits left, its noise must not be handed on."""
    clusters = make_clusters(chain(300), [[0.0]], n_neighbors=2)
    found = spread(clusters, labels(p0=0, p1=1), "graph", alpha=alpha, class_prior=None)
    system = np.eye(300) - alpha * clusters.graph.affinity.toarray()
    mass = np.linalg.solve(system, np.eye(300)[:, :2])
    exact = mass / mass.sum(axis=1, keepdims=True)
    assert_allclose(exact[150], exact[-3], rtol=1e-3)  # the same all the way
    assert_array_equal(found.codes[2:], 1)
    assert_allclose(found.distributions[2:], exact[2:], atol=0.02)


def test_a_label_of_a_leaf_reaches_all_leaves_of_a_star():
    E = star(200)
    distances = np.zeros((201, 201))
    distances[0, 1:] = distances[1:, 0] = 1
    clusters = make_clusters(E, [E[0]], with_graph=False)
    graph = find_graph(E, Given(csr_array(distances)), unchanged, unchanged, 0)
    clusters = replace(clusters, graph=graph)
    found = spread(clusters, labels("a", p7=0), "graph")
    assert_array_equal(found.codes, 0)
    # Two leaves of three are of one class, and so is what the others get.
    found = spread(clusters, labels(p7=0, p8=1, p9=1), "graph", class_prior=None)
    assert_array_equal(np.delete(found.codes, 7), 1)
    assert found.codes[7] == 0


class Given:
    """Neighbours from a table."""

    def __init__(self, distances):
        self.distances = distances

    def get_params(self, deep=True):
        return {"distances": self.distances}

    def fit_transform(self, X, y=None):
        return self.distances


def test_the_work_for_a_far_end_does_not_grow_with_the_number_of_sources(monkeypatch):
    """One search from all sources at once, not one from each."""
    from kmeans_labelprop import _propagation

    searches = []
    original = _propagation.dijkstra

    def counted(graph, **params):
        searches.append(params["min_only"])
        return original(graph, **params)

    monkeypatch.setattr(_propagation, "dijkstra", counted)
    clusters = make_clusters(chain(2000), [[0.0]], n_neighbors=2)
    found = spread(clusters, labels(p0=0, p900=1), "graph", alpha=0.3)
    assert (found.codes >= 0).all()
    assert searches == [True]


@settings(max_examples=60)
@given(
    arrays(
        np.float64,
        st.tuples(st.integers(2, 25), st.integers(1, 2)),
        elements=st.integers(-3, 3),
    ),
    st.data(),
)
def test_what_is_connected_to_a_label_has_one_and_nothing_else(E, data):
    clusters = make_clusters(E, [[0.0] * E.shape[1]], n_neighbors=None)
    n_given = data.draw(st.integers(1, len(E)))
    positions = np.arange(len(E))[:: max(1, len(E) // n_given)]
    codes = data.draw(arrays(np.intp, len(positions), elements=st.integers(0, 2)))
    known = GivenLabels(positions, codes, np.arange(3))
    found = spread(clusters, known, "graph")
    graph = clusters.graph
    links = graph.affinity.toarray() > 0
    reach = np.zeros(len(links), dtype=bool)
    reach[graph.node_of[positions]] = True
    for _ in links:
        reach |= links @ reach
    assert_array_equal(found.codes >= 0, reach[graph.node_of])
    totals = found.distributions.sum(axis=1)
    assert_allclose(totals, reach[graph.node_of].astype(float))
    assert_array_equal(found.codes[positions], codes)


# Keeping


def test_a_fraction_keeps_the_most_confident_of_each_cluster_and_what_is_given():
    clusters = make_clusters(LINE, HALVES)
    known = labels(p0=0, p9=1)
    found = spread(clusters, known, "graph")
    for fraction, n_each in ((0, 1), (0.2, 1), (0.5, 3), (0.7, 4), (1, 5)):
        kept = keep(clusters, found, known.positions, fraction)
        assert_array_equal(kept, np.sort(kept))
        assert {0, 9} <= set(kept)
        for cluster in (0, 1):
            members = np.flatnonzero(clusters.ids == cluster)
            inside = np.intersect1d(members, kept)
            assert len(inside) == n_each
            left = np.setdiff1d(members, kept)
            if len(left):
                least = found.confidence[inside].min()
                assert least >= found.confidence[left].max()


@both_rules
def test_all_that_is_given_is_kept_and_nothing_without_a_label(rule):
    clusters = make_clusters(LINE, HALVES, n_neighbors=2, with_graph=rule == "graph")
    known = labels(p0=0, p1=1, p2=0, p4=1)
    found = spread(clusters, known, rule)
    assert_array_equal(keep(clusters, found, known.positions, 0), [0, 1, 2, 4])
    assert_array_equal(keep(clusters, found, known.positions, 0.4)[:4], [0, 1, 2, 4])
    kept = keep(clusters, found, known.positions, 1)
    assert_array_equal(kept, np.flatnonzero(found.codes >= 0))
    assert len(kept) == (5 if rule == "cluster" else 10)


# Predicting


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_samples_are_predicted_as_they_were_labelled(rng, container, dtype):
    E = rng.normal(size=(300, 4)).astype(dtype)
    clusters = make_clusters(container(E), E[:5])
    positions = np.sort(rng.choice(300, 40, replace=False))
    known = GivenLabels(positions, rng.integers(0, 3, 40), np.arange(3))
    found = spread(clusters, known, "graph")
    predicted = predict_distributions(clusters, known, found, container(E))
    assert_allclose(predicted, as_probabilities(found.distributions), atol=1e-9)
    assert_array_equal(likeliest(predicted), found.codes)


def test_predictions_are_the_same_in_batches(rng, monkeypatch):
    E, new = rng.normal(size=(100, 3)), rng.normal(size=(50, 3))
    clusters = make_clusters(E, E[:4])
    known = GivenLabels(np.arange(0, 100, 9), np.arange(12) % 3, np.arange(3))
    found = spread(clusters, known, "graph")
    at_once = predict_distributions(clusters, known, found, new)
    assert_allclose(at_once.sum(axis=1), 1)
    assert (at_once >= 0).all()
    monkeypatch.setattr(_engine, "_BATCH_SIZE", 7)
    in_batches = predict_distributions(clusters, known, found, new)
    assert_allclose(in_batches, at_once)


def test_a_new_sample_takes_the_shares_of_its_neighbours_weighed():
    E = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    clusters = make_clusters(E, [[1.0], [11.0]], n_neighbors=2)
    known = labels(p0=0, p4=1)
    found = spread(clusters, known, "graph")
    predicted = predict_distributions(
        clusters, known, found, np.array([[0.5], [10.5], [-50.0], [99.0]])
    )
    assert_allclose(predicted, [[1, 0], [0, 1], [1, 0], [0, 1]])
    # Between two classes, nearer to one of them.
    E = np.array([[0.0], [3.0]])
    clusters = make_clusters(E, [[1.0]])
    known = labels(p0=0, p1=1)
    found = spread(clusters, known, "graph")
    (near,) = predict_distributions(clusters, known, found, np.array([[1.0]]))
    assert near[0] > near[1] > 0
    (middle,) = predict_distributions(clusters, known, found, np.array([[1.5]]))
    assert_allclose(middle, [0.5, 0.5])


def test_next_to_samples_without_a_label_the_nearest_given_one_counts():
    E = np.array([[0.0], [1.0], [2.0], [100.0], [101.0], [102.0], [60.0], [61.0]])
    clusters = make_clusters(E, [[1.0]], n_neighbors=1)
    known = labels(p0=0, p7=1)
    found = spread(clusters, known, "graph")
    assert_array_equal(found.codes[3:6], -1)
    new = np.array([[100.4], [103.0]])
    predicted = predict_distributions(clusters, known, found, new)
    assert_array_equal(predicted, [[0, 1], [0, 1]])


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_by_the_cluster_rule_the_nearest_given_sample_of_the_cluster_predicts(
    container,
):
    clusters = make_clusters(container(LINE), [[2.0], [7.0], [50.0]], with_graph=False)
    known = labels(p0=0, p4=1, p8=0)
    new = container(np.array([[0.6], [3.2], [4.4], [4.6], [49.0]]))
    # 4.6 lies nearest to 4, and in the cluster of 8.
    assert_array_equal(predict_in_clusters(clusters, known, new), [0, 1, 1, 0, -1])


def test_by_the_cluster_rule_training_samples_are_predicted_as_they_were(rng):
    E = rng.normal(size=(200, 3))
    clusters = make_clusters(E, E[:6], with_graph=False)
    known = GivenLabels(np.arange(0, 200, 10), rng.integers(0, 4, 20), np.arange(4))
    found = spread(clusters, known, "cluster")
    assert_array_equal(predict_in_clusters(clusters, known, E), found.codes)


def test_by_the_cluster_rule_a_copy_speaks_with_the_voice_of_most():
    E = np.array([[0.0], [0.0], [0.0], [3.0]])
    clusters = make_clusters(E, [[0.0]], with_graph=False)
    known = labels(p0=1, p1=0, p2=0, p3=1)
    assert_array_equal(
        predict_in_clusters(clusters, known, np.array([[0.1], [2.9]])), [0, 1]
    )


# Many samples


@pytest.mark.parametrize("shift", [0, 1e5])
def test_an_index_spreads_and_predicts_as_exact_neighbours_do(rng, monkeypatch, shift):
    E, y = make_blobs(3000, 6, centers=12, cluster_std=2.5, random_state=0)
    E = (E + shift).astype(np.float32)
    new = (E[::10] + 0.1 * rng.normal(size=(300, 6))).astype(np.float32)
    known = GivenLabels(np.arange(0, 3000, 50), y[::50], np.arange(12))
    exact = make_clusters(E, E[:3])
    monkeypatch.setattr(_graph, "_MANY", 3000)
    indexed = make_clusters(E, E[:3])
    assert isinstance(indexed.graph.neighbors, IndexedNeighbors)
    assert (indexed.graph.offset is None) == (shift == 0)
    found, expected = (spread(c, known, "graph") for c in (indexed, exact))
    assert np.mean(found.codes == expected.codes) > 0.98
    predicted, wanted = (
        predict_distributions(clusters, known, labels, new)
        for clusters, labels in ((indexed, found), (exact, expected))
    )
    assert np.mean(likeliest(predicted) == likeliest(wanted)) > 0.98
    assert_allclose(predicted.sum(axis=1), 1)
    alone = predict_distributions(indexed, known, found, new[:1])
    assert_allclose(alone, predicted[:1])


def test_a_class_without_a_known_share_gets_the_mean_of_the_others():
    E = np.arange(30.0)[:, np.newaxis] ** 1.1
    clusters = make_clusters(E, E[[5, 15, 25]], n_neighbors=4)
    known = labels("abc", p3=0, p13=1, p23=2)
    prior = {"a": 0.6, "b": 0.2}
    found = spread(clusters, known, "graph", class_prior=prior)
    told = spread(clusters, known, "graph", class_prior=prior | {"c": 0.4})
    assert_array_equal(found.distributions, told.distributions)


def test_copies_are_asked_about_once():
    # Ten places, two copies each, one after the other.
    places = np.arange(10.0)[::-1] ** 2
    E = np.repeat(places, 2)[:, np.newaxis]
    clusters = make_clusters(E, E[[2, 14]], n_neighbors=3)
    done = np.array([0, 9])  # the first place and the fifth
    queries = next_queries(clusters, np.zeros(20), done, 20)
    assert_array_equal(np.sort(queries // 2), [1, 2, 3, 5, 6, 7, 8, 9])
    # The first leaves least to the nearest label.
    labelled = [[places[0], places[4], place] for place in places]
    left = [
        sum(np.min((place - np.array(near)) ** 2) for place in places)
        for near in labelled
    ]
    assert queries[0] // 2 == np.argmin(left)


@pytest.mark.parametrize("prior", ["estimated", "uniform"])
def test_shares_of_many_classes_are_held_once(monkeypatch, prior):
    n_samples, n_classes = 20_000, 300
    E = np.arange(n_samples, dtype=np.float32)[:, np.newaxis]
    clusters = make_clusters(E, E[::5000], n_neighbors=3)
    positions = np.arange(0, n_samples, 20)
    known = GivenLabels(
        positions, np.arange(len(positions)) % n_classes, np.arange(n_classes)
    )
    monkeypatch.setattr(_propagation, "_MOST_IN_FLOAT64", 10**6)
    tracemalloc.start()
    try:
        found = spread(clusters, known, "graph", alpha=0.5, class_prior=prior)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.distributions is found.node_distributions
    assert found.distributions.nbytes == 4 * n_samples * n_classes
    # Beside them the arrays of the solver for 16 classes, and rows in parts.
    assert peak < 1.9 * found.distributions.nbytes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_origin_far_away_keeps_the_dtype(rng, dtype):
    E = rng.normal([1e4, -1e4], size=(20_000, 2)).astype(dtype)
    before = E.copy()
    offset = far_offset(E)
    assert offset.dtype == (E - offset).dtype == dtype
    assert_allclose((E - offset).mean(axis=0), 0, atol=1e-2)
    assert_array_equal(E, before)
    assert far_offset(E - offset) is None
    # Not the number of samples, but how far they are spread decides.
    assert_allclose(far_offset(E[:100]), E[:100].mean(axis=0), rtol=1e-3)
    wide = (rng.normal(size=(100, 2)) * [1, 20] + 1e4).astype(dtype)
    assert far_offset(wide) is None


# Suspects


def test_suspects_are_the_labels_with_the_smaller_share_among_their_neighbours():
    clusters = make_clusters(LINE, HALVES, n_neighbors=2)
    known = labels(p0=0, p1=0, p2=1, p3=0, p4=0, p8=1)
    found = spread(clusters, known, "graph")
    suspects, alone = find_suspects(clusters, known, found)
    arriving = clusters.graph.affinity.toarray() @ found.node_distributions
    arriving = arriving[known.positions]
    own = arriving[np.arange(6), known.codes]
    beliefs = dict(zip(known.positions, own / arriving.sum(axis=1), strict=True))
    expected = known.positions[own < arriving.max(axis=1)]
    assert set(suspects) == set(expected)
    assert suspects.tolist() == sorted(suspects, key=beliefs.get)
    assert suspects[0] == 2
    assert alone.tolist() == [2]


def test_a_label_without_neighbours_is_no_suspect():
    E = np.array([[0.0], [1.0], [50.0]])
    distances = csr_array(([1.0, 1.0], ([0, 1], [1, 0])), shape=(3, 3))
    clusters = make_clusters(E, [[0.0]], with_graph=False)
    graph = find_graph(E, Given(distances), unchanged, unchanged, 0)
    clusters = replace(clusters, graph=graph)
    known = labels(p0=0, p2=1)
    suspects, alone = find_suspects(clusters, known, spread(clusters, known, "graph"))
    assert (suspects.tolist(), alone.tolist()) == ([], [])


def test_a_single_wrong_label_among_many_is_the_first_suspect(rng):
    E = np.r_[rng.normal(size=(100, 2)), rng.normal(size=(100, 2)) + 8]
    codes = np.repeat([0, 1], 100)
    codes[17] = 1
    clusters = make_clusters(E, [[0.0, 0.0], [8.0, 8.0]])
    known = GivenLabels(np.arange(200), codes, np.arange(2))
    found = spread(clusters, known, "graph")
    suspects, alone = find_suspects(clusters, known, found)
    assert (suspects.tolist(), alone.tolist()) == ([17], [17])
    by_cluster = spread(clusters, known, "cluster")
    suspects, alone = find_suspects(clusters, known, by_cluster)
    assert (suspects.tolist(), alone.tolist()) == ([], [])


@pytest.mark.parametrize("with_graph", [False, True])
def test_outvoted_labels_are_counted(with_graph):
    E = np.array([[0.0], [0.0], [0.0], [3.0], [3.0], [5.0]])
    clusters = make_clusters(E, [[0.0]], with_graph=with_graph)
    assert count_outvoted(clusters, labels(p0=0, p1=0, p2=1, p3=1, p4=0, p5=1)) == 2
    assert count_outvoted(clusters, labels(p0=0, p3=1, p5=0)) == 0


@pytest.mark.parametrize("with_graph", [False, True])
def test_copies_of_labelled_samples_are_counted_among_the_others(with_graph):
    E = np.array([[0.0], [0.0], [0.0], [3.0], [3.0], [5.0]])
    clusters = make_clusters(E, [[0.0]], with_graph=with_graph)
    assert share_of_copies(clusters, labels(p0=0)) == 2 / 5
    assert share_of_copies(clusters, labels(p0=0, p1=0, p3=1)) == 2 / 3
    assert share_of_copies(clusters, labels(p5=0)) == 0
    everything = labels(p0=0, p1=0, p2=0, p3=1, p4=1, p5=1)
    assert share_of_copies(clusters, everything) == 0


def test_the_distances_of_a_graph_are_those_of_its_samples(rng):
    E = rng.normal(size=(40, 3))
    graph = make_clusters(E, E[:2]).graph
    tenth = np.sort(euclidean_distances(E), axis=1)[:, 10]
    assert_allclose(graph.scales, tenth)


# Rounding


def test_the_last_digits_of_float32_centres_move_no_distance(digits, monkeypatch):
    # As the threads of k-means add up, in another order each time.
    fit = KMeans.fit

    def fit_with_noise(self, X, y=None, sample_weight=None):
        fit(self, X, y, sample_weight)
        noise = np.random.default_rng(calls.pop()).normal(size=X.shape[1])
        self.cluster_centers_ = self.cluster_centers_ + noise.astype(X.dtype) * 1e-5
        return self

    monkeypatch.setattr(KMeans, "fit", fit_with_noise)
    calls = [0, 1]
    E = digits[0].astype(np.float32)
    one, other = (
        find_clusters(E, KMeans(20, random_state=0), lambda f: f, 0) for _ in range(2)
    )
    assert (one.clusterer.cluster_centers_ != other.clusterer.cluster_centers_).any()
    assert_array_equal(one.distances, other.distances)
    own = E[one.ids == 3].astype(float)
    expected = np.linalg.norm(own - own.mean(axis=0), axis=1)
    assert_allclose(one.distances[one.ids == 3], expected, rtol=1e-8)
