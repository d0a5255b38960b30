"""The default clusterer: k-means, of many samples with a start on some of them."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from kmeans_labelprop import KMeansLabelPropagator, _clustering
from kmeans_labelprop._clustering import (
    fit_clusterer,
    make_clusterer,
    sample_size,
    start_on_sample,
)

MANY = 20_000


@pytest.fixture
def small_samples(monkeypatch):
    """Let 400 samples be many."""
    monkeypatch.setattr(_clustering, "_LEAST_SAMPLE", 100)
    monkeypatch.setattr(_clustering, "_SAMPLE_PER_CLUSTER", 5)


def fit_default(X, n_clusters, seed=0):
    made = make_clusterer(None, n_clusters, X.shape[0])
    assert made.init is start_on_sample
    return fit_clusterer(made.set_params(random_state=seed), X)


@pytest.mark.parametrize(
    ("n_clusters", "n_samples", "is_started"),
    [
        (10, MANY - 1, False),
        (10, MANY, True),
        (100, MANY, True),
        (101, MANY, False),
        (1000, 200_000, True),
        (MANY, MANY, False),
    ],
)
def test_of_many_samples_some_make_the_start(n_clusters, n_samples, is_started):
    made = make_clusterer(None, n_clusters, n_samples)
    assert type(made) is KMeans
    assert made.n_clusters == n_clusters
    if is_started:
        assert 4 * sample_size(n_clusters) <= n_samples
        assert sample_size(n_clusters) >= 50 * n_clusters
    else:
        assert made.get_params() == KMeans(n_clusters).get_params()
    assert (made.init is start_on_sample) is is_started


@pytest.mark.parametrize("given", [KMeans(), KMeans(max_iter=7), MiniBatchKMeans()])
def test_a_clusterer_that_is_given_stays_as_it_is(given):
    made = make_clusterer(given, 10, 10**6)
    assert made.get_params() == given.set_params(n_clusters=10).get_params()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_features", [6, 120])
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_as_good_as_converged(dtype, n_features, container, small_samples):
    X, _ = make_blobs(3000, n_features, centers=30, cluster_std=4, random_state=0)
    before = X.copy()
    E = container(X.astype(dtype))
    ours = [fit_default(E, 20, seed) for seed in range(3)]
    converged = [KMeans(20, random_state=seed).fit(E) for seed in range(3)]
    np.testing.assert_array_equal(X, before)
    assert np.mean([fit.inertia_ for fit in ours]) < 1.01 * np.mean(
        [fit.inertia_ for fit in converged]
    )
    fit = ours[0]
    assert type(fit) is KMeans
    assert fit.n_iter_ <= 20
    assert fit.n_features_in_ == n_features
    assert fit.cluster_centers_.shape == (20, n_features)
    assert fit.cluster_centers_.dtype == dtype
    np.testing.assert_array_equal(fit.labels_, fit.predict(E))
    distances = np.linalg.norm(X - fit.cluster_centers_[fit.labels_], axis=1)
    assert fit.inertia_ == pytest.approx(distances @ distances, rel=1e-4)


def test_few_far_samples_are_not_missed(rng, small_samples):
    # Drawn evenly, one of them were in a sample of 100 in one case of ten.
    X = rng.normal(size=(3000, 4))
    X[[5, 2000, 2500]] += 1e3
    for seed in range(10):
        start = start_on_sample(X, 4, np.random.RandomState(seed))
        assert start[:, 0].max() > 900


def test_samples_drawn_stand_for_all(rng, small_samples):
    # The mean of draws by distance would lie far out without their weights.
    X = rng.lognormal(sigma=1, size=(5000, 1)) - 20
    starts = [
        start_on_sample(X, 1, np.random.RandomState(seed))[0, 0] for seed in range(200)
    ]
    assert np.mean(starts) == pytest.approx(X.mean(), abs=0.05)


def test_chances_go_by_the_squared_distance_from_the_mean(rng, small_samples):
    class Draws(np.random.RandomState):
        def choice(self, a, size=None, replace=True, p=None):
            if p is not None and len(p) == len(X):
                chances.append(p)
            return super().choice(a, size, replace, p)

    X, chances = rng.normal(size=(300, 3)) + np.array([5, -3, 0]), []
    start_on_sample(X, 4, Draws(0))
    squared = ((X - X.mean(axis=0)) ** 2).sum(axis=1)
    expected = (1 / len(X) + squared / squared.sum()) / 2
    np.testing.assert_allclose(chances[0], expected, rtol=1e-9)


def test_sparse_samples_start_as_dense_ones(rng, small_samples):
    X = rng.random((500, 8)) * (rng.random((500, 8)) < 0.3)
    dense, sparse = (
        start_on_sample(container(X), 5, np.random.RandomState(0))
        for container in (np.asarray, csr_array)
    )
    np.testing.assert_allclose(sparse, dense, rtol=1e-9, atol=1e-12)


def test_wide_samples_are_clustered_in_components(rng, small_samples, monkeypatch):
    widths = []

    class SeenKMeans(KMeans):
        def fit(self, X, y=None, sample_weight=None):
            widths.append(X.shape)
            return super().fit(X, y, sample_weight)

    monkeypatch.setattr(_clustering, "KMeans", SeenKMeans)
    X = rng.normal(size=(500, 120))
    for E in (X, X[:, :100], csr_array(X)):
        start = start_on_sample(E, 5, np.random.RandomState(0))
        assert start.shape == (5, E.shape[1])
    assert widths == [(100, 50), (100, 100), (100, 120)]


def test_same_clusters_every_time_with_any_number_of_threads():
    X, _ = make_blobs(MANY, 5, centers=40, cluster_std=3, random_state=0)
    expected = fit_default(X, 30)
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            fit = fit_default(X, 30)
        np.testing.assert_array_equal(fit.labels_, expected.labels_)
        np.testing.assert_allclose(fit.cluster_centers_, expected.cluster_centers_)
    other = fit_default(X, 30, seed=1)
    assert not np.allclose(other.cluster_centers_, expected.cluster_centers_)


def test_duplicates_find_their_clusters(rng, small_samples):
    different = rng.normal(size=(12, 3))
    X = different[np.arange(600) % 12]
    fit = fit_default(X, 12)
    assert len(np.unique(fit.labels_)) == 12
    assert fit.inertia_ == pytest.approx(0, abs=1e-9)


def test_too_few_different_samples_are_warned_of_once(small_samples):
    for X in (np.ones((600, 3)), np.eye(3)[np.arange(600) % 3]):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = fit_default(X, 5)
        assert [w.category for w in caught] == [ConvergenceWarning]
        assert fit.inertia_ == pytest.approx(0, abs=1e-9)


def test_in_the_propagator(small_samples):
    X, y = make_blobs(800, 4, centers=8, random_state=0)
    propagator = KMeansLabelPropagator(16, embedding=None, random_state=0).fit(X, y)
    assert propagator.clusterer_.init is start_on_sample
    assert propagator.clusterer_.random_state == 0
    given = clone(propagator).set_params(clusterer=KMeans()).fit(X, y)
    assert given.clusterer_.init == "k-means++"
    assert np.mean(propagator.transduction_ == y) > 0.98


def test_clusters_have_one_dtype_whatever_numbers_them(blobs):
    kmeans = KMeans(4, n_init=1, random_state=0).fit(blobs[0])
    for clusterer in (kmeans, MiniBatchKMeans(4, random_state=0).fit(blobs[0])):
        ids = _clustering.assign_clusters(clusterer, blobs[0])
        assert ids.dtype == np.intp
