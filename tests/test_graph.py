"""Labels spread over a graph of neighbours."""

import numpy as np
import pytest
import sklearn
from helpers import FixedCenters, RecordingOracle
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import euclidean_distances
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsTransformer, RadiusNeighborsTransformer

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier, _propagation
from kmeans_labelprop._graph import (
    affinity_graph,
    distinct_rows,
    neighbor_density,
    neighbor_distances,
)
from kmeans_labelprop._propagation import (
    choose_alpha,
    estimate_class_shares,
    likeliest,
    margin,
    normalize_class_mass,
    spread_over_graph,
)
from kmeans_labelprop._representatives import density_costs

LINE = np.array([[0.0], [1.0], [2.0], [4.0]])


def propagator(**params):
    defaults = {"n_clusters": 4, "propagation": "graph", "random_state": 0}
    return KMeansLabelPropagator(**defaults | params)


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
    pairs = [(0, 1), (1, 2), (2, 3)]
    weights = np.zeros((4, 4))
    for i, j in pairs:
        d = abs(LINE[i, 0] - LINE[j, 0])
        weights[i, j] = weights[j, i] = np.exp(-(d**2) / (scale[i] * scale[j]))
    degrees = weights.sum(axis=1)
    expected = weights / np.sqrt(np.outer(degrees, degrees))
    assert_allclose(affinity_graph(distances).toarray(), expected)


def test_affinities_of_duplicates_are_no_nan():
    X = np.zeros((4, 2))
    affinity = affinity_graph(
        neighbor_distances(KNeighborsTransformer(n_neighbors=2), X)
    )
    assert np.isfinite(affinity.data).all()
    assert_allclose(affinity.toarray(), affinity.toarray().T)


def test_spreading_solves_the_equation_of_zhou(rng):
    X = rng.normal(size=(60, 3))
    affinity = affinity_graph(neighbor_distances(KNeighborsTransformer(), X))
    seeds, codes = np.array([3, 20, 41]), np.array([0, 1, 0])
    target = np.zeros((60, 2))
    target[seeds, codes] = 1
    exact = np.linalg.solve(np.eye(60) - 0.9 * affinity.toarray(), target)
    expected = exact / exact.sum(axis=1, keepdims=True)
    found = spread_over_graph(affinity, seeds, codes, 2, 0.9)
    assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("alpha", [0.3, 0.95])
def test_labels_reach_far_along_a_chain(alpha):
    """What arrives there is below the solver's tolerance."""
    n_samples = 400
    X = np.arange(n_samples, dtype=float)[:, None]
    distances = neighbor_distances(KNeighborsTransformer(n_neighbors=2), X)
    affinity = affinity_graph(distances)
    seeds, codes = np.array([0, 300]), np.array([0, 1])
    found = spread_over_graph(affinity, seeds, codes, 2, alpha)
    assert_allclose(found.sum(axis=1), 1)
    middle = 150
    assert_array_equal(likeliest(found)[: middle - 3], 0)
    assert_array_equal(likeliest(found)[middle + 3 :], 1)


def test_duplicates_have_no_pull_on_samples_far_away():
    """All neighbours of a duplicate are duplicates: that makes nothing else near."""
    rng = np.random.RandomState(0)
    clump, group = np.zeros((300, 2)), [60, 0] + 6 * rng.randn(8, 2)
    X, y = np.r_[clump, group], np.repeat([0, 1], [300, 8])
    fitted = KMeansLabelPropagator(
        2, propagation="graph", fraction=1, alpha=0.99, random_state=0
    ).fit(X, y)
    assert_array_equal(fitted.transduction_, y)


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
        copies.representative_indices_, 12 * once.representative_indices_
    )
    assert_array_equal(copies.transduction_, np.repeat(once.transduction_, 12))
    assert_allclose(copies.confidence_, np.repeat(once.confidence_, 12), atol=1e-4)


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


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_fraction_zero_keeps_labelled_representatives_alone(digits, rule):
    X, y = digits
    partial = np.where(np.arange(len(y)) < 60, y, -1)
    fitted = propagator(n_clusters=50, fraction=0, propagation=rule)
    with pytest.warns(UserWarning, match=r"24 of 50 clusters have no label"):
        fitted.fit(X, partial)
    kept = fitted.sample_indices_
    assert len(kept) == 26
    assert_array_equal(fitted.transduction_[kept], y[kept])
    assert (kept < 60).all()


def test_what_is_not_reached_has_no_distribution():
    affinity = affinity_graph(
        csr_array(([1.0, 1.0, 1.0], ([0, 1, 2], [1, 0, 3])), shape=(4, 4))
    )
    found = spread_over_graph(affinity, np.array([0, 2]), np.array([0, -1]), 1, 0.9)
    assert_array_equal(found[:, 0], [1, 1, 0, 0])
    assert_array_equal(likeliest(found), [0, 0, -1, -1])


def test_a_propagation_that_does_not_converge_is_warned_of(monkeypatch, rng):
    monkeypatch.setattr(_propagation, "_MAX_ITER", 1)
    X = rng.normal(size=(60, 3))
    affinity = affinity_graph(neighbor_distances(KNeighborsTransformer(), X))
    with pytest.warns(
        ConvergenceWarning, match="1 of 1 classes has not converged"
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


def test_class_shares_come_from_the_labels_there_are():
    codes = np.array([0] * 7 + [2, -1, -1])
    weights = np.array([1.0] * 8 + [100, 3])
    found, trust = estimate_class_shares(codes, weights, 4)
    assert_allclose(found, [5 / 6, 0, 1 / 6, 0])
    assert trust == 7 / 8


def test_shares_counted_from_many_labels_are_believed():
    codes = np.repeat([0, 1, 2], [9000, 900, 100])
    found, _ = estimate_class_shares(codes, np.ones(10_000), 3)
    assert_allclose(found, [0.9, 0.09, 0.01], atol=1e-4)


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

    share, distributions = share_of_second(None)
    for prior in ("uniform", {0: 2, 1: 2, "another": 5}):
        found_share, found = share_of_second(prior)
        expected = normalize_class_mass(distributions, np.ones(2))
        assert_allclose(found, expected)
        assert found_share > share
    few, _ = share_of_second({0: 0.9, 1: 0.1})
    many, _ = share_of_second({0: 0.1, 1: 0.9})
    assert few < share_of_second("uniform")[0] < many


def test_the_estimated_prior_weighs_labels_by_the_size_of_their_clusters(rng):
    X = np.r_[rng.normal(size=(180, 2)), rng.normal(size=(20, 2)) + 3]
    y = np.repeat([0, 1], [180, 20])
    plain = propagator(n_clusters=30, class_prior=None).fit(X, y)
    fitted = propagator(n_clusters=30, class_prior="estimated").fit(X, y)
    codes = y[plain.representative_indices_]
    sizes = np.bincount(plain.labels_)[plain.representative_clusters_]
    shares, trust = estimate_class_shares(codes, sizes.astype(float), 2)
    assert 0.5 < shares[0] < 0.95
    expected = normalize_class_mass(plain.label_distributions_, shares, trust)
    assert_allclose(fitted.label_distributions_, expected)
    confidence = margin(expected)
    confidence[plain.representative_indices_] = 1
    assert_allclose(fitted.confidence_, confidence)


def test_the_prior_knows_nothing_of_hidden_labels(digits):
    """What cross-validation hides is as if it had never been answered."""
    X, y = digits
    fitted = propagator(n_clusters=40, class_prior="estimated").fit(X, y)
    representatives = fitted.representative_indices_
    visible = np.where(np.arange(40) % 4 == 0, -1, y[representatives])
    visible[visible == 3] = -1  # a whole class
    spread = fitted._spread(visible, "graph")

    known = np.full_like(y, -1)
    known[representatives] = visible
    oracle = RecordingOracle(X, known, abstain_from=[-1])
    unknowing = propagator(n_clusters=40, class_prior="estimated", oracle=oracle)
    with pytest.warns(UserWarning, match="clusters have no label"):
        unknowing.fit(X)
    found = np.delete(spread.distributions, 3, axis=1)
    assert_allclose(found, unknowing.label_distributions_)
    assert_array_equal(spread.distributions[:, 3], 0)

    sizes = np.bincount(fitted.labels_)[fitted.representative_clusters_].astype(float)
    told = visible >= 0
    prior = estimate_class_shares(visible[told], sizes[told], 10)
    plain = fitted.set_params(class_prior=None)._spread(visible, "graph").distributions
    assert_allclose(spread.distributions, normalize_class_mass(plain, *prior))


@pytest.mark.parametrize(
    ("class_prior", "match"),
    [
        ("balanced", "'class_prior' parameter .* 'balanced' instead"),
        ([0.5, 0.5], "'class_prior' parameter"),
        ({0: 0.5, 1: 0}, "shares above 0. Got 0 for the label 1"),
        ({0: "half"}, "shares above 0. Got 'half' for the label 0"),
        ({0: np.nan}, "shares above 0. Got nan"),
        ({0: 0.5, 1: 0.5}, r"a share for each class. Got none for \[2, 3\]"),
    ],
)
def test_a_wrong_class_prior_is_refused(blobs, class_prior, match):
    X, y = blobs
    with pytest.raises(ValueError, match=match):
        propagator(class_prior=class_prior).fit(X, y)
    fitted = propagator().fit(X, y).set_params(class_prior=class_prior)
    with pytest.raises(ValueError, match=match):
        fitted.propagate({})


def test_a_share_that_cannot_be_is_refused_before_the_clustering(blobs):
    asked = propagator(class_prior={0: -1.0})
    with pytest.raises(ValueError, match=r"shares above 0\. Got -1\.0"):
        asked.query(blobs[0])
    assert not hasattr(asked, "labels_")


def test_density_counts_among_the_central_samples_only():
    ranks, sizes = np.arange(8), np.full(8, 8)
    distances = np.arange(8.0)
    density = np.array([0.0, 5, 9, 1, 1, 1, 1, 9])
    order = np.argsort(density_costs(ranks, sizes, distances, density))
    assert_array_equal(order, [1, 0, 2, 3, 4, 5, 6, 7])
    order = np.argsort(density_costs(ranks, sizes, distances, density, 0.4))
    assert_array_equal(order[:4], [2, 1, 3, 0])


def test_density_is_the_mean_distance_to_the_neighbours():
    distances = neighbor_distances(KNeighborsTransformer(n_neighbors=2), LINE)
    assert_allclose(
        neighbor_density(distances, np.ones(4, int)), [-1.5, -1, -1.5, -2.5]
    )
    alone = csr_array((1, 1))
    assert_array_equal(neighbor_density(alone, np.array([1])), [-np.inf])
    assert_array_equal(neighbor_density(alone, np.array([3])), [0])


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


def test_a_global_fraction_keeps_the_most_confident_of_all(digits):
    X, y = digits
    fitted = propagator(n_clusters=20, fraction=0.4, fraction_scope="global").fit(X, y)
    kept = np.isin(np.arange(len(X)), fitted.sample_indices_)
    assert kept.sum() == round(0.4 * len(X))
    assert kept[fitted.representative_indices_].all()
    others = np.delete(np.arange(len(X)), fitted.representative_indices_)
    others_kept = kept[others]
    confidence = fitted.confidence_[others]
    assert confidence[others_kept].min() >= confidence[~others_kept].max()
    alone = propagator(n_clusters=20, fraction=0, fraction_scope="global").fit(X, y)
    assert len(alone.sample_indices_) == 20


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
    with pytest.warns(UserWarning, match="1 of 2 clusters .* 3 samples are left out"):
        islands.fit(X, [5, 5, 5, -1, -1, -1])
    assert_array_equal(islands.transduction_, [5, 5, 5, -1, -1, -1])
    assert_array_equal(islands.confidence_, [1, 1, 1, 0, 0, 0])
    assert_array_equal(islands.sample_indices_, [0, 1, 2])


def test_labels_reach_clusters_without_a_label_of_their_own(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[3])
    fitted = propagator(oracle=oracle, neighbors=KNeighborsTransformer(n_neighbors=40))
    with pytest.warns(UserWarning, match="1 of 4 clusters .* 0 samples are left out"):
        fitted.fit(X)
    assert set(fitted.transduction_) == {0, 1, 2}


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


def test_densest_representatives_have_closer_neighbours(digits):
    X, y = digits
    closest = propagator(n_clusters=20).fit(X, y)
    densest = propagator(n_clusters=20, representative="densest").fit(X, y)
    density = neighbor_density(
        neighbor_distances(KNeighborsTransformer(n_neighbors=10), X),
        np.ones(len(X), dtype=int),
    )
    before = density[closest.representative_indices_]
    after = density[densest.representative_indices_]
    assert (after >= before).all()
    assert after.mean() > before.mean()


# Retries


def test_an_abstention_is_answered_with_the_next_best_sample(blobs):
    X, y = blobs
    asked = []

    def shy(ids):
        asked.append(list(ids))
        return [y[i] if len(asked) > 1 or y[i] != 2 else None for i in ids]

    fitted = KMeansLabelPropagator(
        4, oracle=shy, oracle_input="ids", max_retries=3, fraction=1, random_state=0
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
        4, oracle=mute_about_two, oracle_input="ids", max_retries=50, random_state=0
    )
    with pytest.warns(UserWarning, match="1 of 4 clusters"):
        fitted.fit(X, sample_ids=np.arange(len(X)))
    assert len(asked) == len(set(asked)) == 3 + 30  # all of the cluster, then no more


def test_propagate_corrects_the_samples_asked_last(blobs):
    X, y = blobs
    fitted = KMeansLabelPropagator(
        4,
        oracle=lambda ids: [None if len(ids) == 4 and y[i] == 2 else y[i] for i in ids],
        oracle_input="ids",
        max_retries=1,
        random_state=0,
    ).fit(X, sample_ids=np.arange(len(X)))
    fitted.propagate([7] * 4)
    assert_array_equal(fitted.representative_labels_, [7] * 4)


def test_another_rule_needs_another_fit(blobs):
    X, y = blobs
    for before, after in (("cluster", "graph"), ("graph", "cluster")):
        fitted = propagator(propagation=before).fit(X, y).set_params(propagation=after)
        with pytest.raises(ValueError, match="'propagation' parameter was set to"):
            fitted.propagate({})


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
        with pytest.warns(UserWarning, match="5 clusters"):
            lacking.propagate({position: y[position] for position in kept})
        return lacking.label_distributions_

    fewer = spread()
    assert_allclose(fewer, spread(alpha=1 - 0.5 / np.sqrt(len(X) / 20)))
    assert np.abs(fewer - spread(alpha=0.9)).max() > 1e-3


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_dataframes_as_output_of_transformers_change_nothing(digits, container):
    X, y = digits
    for rule in ({"propagation": "graph"}, {"representative": "densest"}):
        parameters = {"n_clusters": 20, "random_state": 0, **rule}
        plain = KMeansLabelPropagator(**parameters).fit(X, y)
        with sklearn.config_context(transform_output=container):
            framed = KMeansLabelPropagator(**parameters).fit(X, y)
        assert_array_equal(framed.transduction_, plain.transduction_)


def test_refused_labels_leave_the_earlier_ones_as_they_were(blobs):
    X, _ = blobs
    propagator = KMeansLabelPropagator(
        4, class_prior={"a": 1, "c": 1}, embedding=None, random_state=0
    )
    first, second, third, _ = propagator.query(X)
    with pytest.warns(UserWarning, match="2 of 4 clusters have no label"):
        propagator.propagate({first: "a", second: "c"})
    before = propagator.predict(X), propagator.transduction_, propagator.classes_
    with pytest.raises(ValueError, match=r"Got none for \['b'\]"):
        propagator.propagate({third: "b"})
    after = propagator.predict(X), propagator.transduction_, propagator.classes_
    for old, new in zip(before, after, strict=True):
        assert_array_equal(old, new)
