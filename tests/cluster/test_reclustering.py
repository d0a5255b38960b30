import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop.cluster import ReclusteringKMeans, _reclustering


def expected_failures(estimator):
    if estimator.split == {0: 2}:
        return {
            "check_clustering": "wants labels below n_clusters, the first level's count"
        }
    return {}


# Some checks repeat samples until they hold fewer different ones than clusters.
@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@parametrize_with_checks(
    [
        ReclusteringKMeans(),
        ReclusteringKMeans(n_clusters=2, max_clusters=3),
        ReclusteringKMeans(split={}),
        ReclusteringKMeans(n_clusters=2, split={0: 2}),
    ],
    expected_failed_checks=expected_failures,
)
def test_common_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def nested():
    """Three groups far apart, of 1, 2 and 4 blobs."""
    centers = [[0, 0], [100, 0], [100, 12], [0, 100], [0, 112], [12, 100], [12, 112]]
    return make_blobs(350, centers=centers, cluster_std=1.0, random_state=0)


def parents_of(y):
    return np.array([0, 1, 1, 2, 2, 2, 2])[y]


def fitted(X, **params):
    return ReclusteringKMeans(3, random_state=0, n_init=3, **params).fit(X)


def cluster_of(model, y, blob):
    """Give the first-level cluster that holds a blob."""
    return int(model.parent_labels_[y == blob][0])


def test_first_level_is_that_of_a_plain_kmeans(nested):
    X, _ = nested
    plain = KMeans(3, random_state=0, n_init=3).fit(X)
    for split in ({}, {0: 2, 2: 3}, "auto"):
        model = fitted(X, split=split)
        assert_array_equal(model.parent_labels_, plain.labels_)
        assert_allclose(model.parent_centers_, plain.cluster_centers_)
    unsplit = fitted(X, split={1: 1})
    assert_array_equal(unsplit.labels_, plain.labels_)
    assert_allclose(unsplit.inertia_, plain.inertia_)


def test_named_clusters_are_clustered_again(nested):
    X, y = nested
    first = fitted(X, split={})
    two, four = cluster_of(first, y, 1), cluster_of(first, y, 3)
    model = fitted(X, split={np.int64(two): 2, four: 4})
    assert adjusted_rand_score(model.labels_, y) == 1
    assert len(model.cluster_centers_) == 7
    assert np.all(np.diff(model.subcluster_parent_) >= 0)
    assert_array_equal(np.bincount(model.subcluster_parent_)[[two, four]], [2, 4])
    assert_array_equal(model.subcluster_parent_[model.labels_], model.parent_labels_)
    means = [X[model.labels_ == i].mean(axis=0) for i in range(7)]
    assert_allclose(model.cluster_centers_, means)
    assert model.inertia_ == pytest.approx(
        sum(((X - model.cluster_centers_[model.labels_]) ** 2).sum(axis=1))
    )


def test_splits_of_different_clusters_do_not_touch_each_other(nested):
    X, y = nested
    first = fitted(X, split={})
    two, four = cluster_of(first, y, 1), cluster_of(first, y, 3)
    alone = fitted(X, split={four: 4})
    together = fitted(X, split={four: 4, two: 2})
    assert_array_equal(
        alone.cluster_centers_[alone.subcluster_parent_ == four],
        together.cluster_centers_[together.subcluster_parent_ == four],
    )


def test_auto_finds_the_planted_blobs_by_itself(nested):
    X, y = nested
    model = fitted(X)
    assert adjusted_rand_score(model.labels_, y) == 1
    from_one = ReclusteringKMeans(1, random_state=0).fit(X)
    assert adjusted_rand_score(from_one.labels_, y) == 1
    assert_array_equal(from_one.subcluster_parent_, np.zeros(7))


@pytest.mark.parametrize("n_samples", [3, 4, 5, 10])
def test_auto_does_not_end_in_single_samples(n_samples):
    for seed in range(10):
        X = np.random.default_rng(seed).uniform(size=(n_samples, 2))
        found = ReclusteringKMeans(2, random_state=0).fit(X).labels_
        assert len(np.unique(found)) < n_samples


def test_auto_leaves_single_blobs_whole():
    X, y = make_blobs(300, centers=3, cluster_std=0.5, random_state=1)
    model = ReclusteringKMeans(3, random_state=0).fit(X)
    assert adjusted_rand_score(model.labels_, y) == 1


@pytest.mark.parametrize("max_clusters", [3, 4, 5, 9])
def test_auto_splits_where_inertia_falls_most(nested, max_clusters):
    X, _ = nested
    model = fitted(X, max_clusters=max_clusters)
    assert len(model.cluster_centers_) == max_clusters
    # By brute force: bisect every flat cluster, keep the split that lowers it most.
    labels = fitted(X, split={}).labels_
    while labels.max() + 1 < max_clusters:
        tried = []
        for cluster in range(labels.max() + 1):
            chosen = labels == cluster
            inner = KMeans(2, n_init=20, random_state=0).fit(X[chosen])
            whole = ((X[chosen] - X[chosen].mean(axis=0)) ** 2).sum()
            tried.append((whole - inner.inertia_, cluster, inner.labels_))
        _, cluster, halves = max(tried, key=lambda item: item[0])
        new = labels.copy()
        new[np.flatnonzero(labels == cluster)[halves == 1]] = labels.max() + 1
        labels = new
    # Blobs are split as planted; beyond that bisections of one blob may differ.
    if max_clusters <= 7:
        assert adjusted_rand_score(model.labels_, labels) == 1
    brute = sum(
        ((X[labels == i] - X[labels == i].mean(axis=0)) ** 2).sum()
        for i in range(max_clusters)
    )
    assert model.inertia_ == pytest.approx(brute, rel=0.02)


def test_auto_splits_the_best_gain_not_the_largest_inertia():
    # A wide round cloud has the most inertia; two tight pairs gain more by a split.
    rng = np.random.default_rng(0)
    cloud = rng.normal(0, 3.0, size=(300, 20))
    pair = rng.normal(0, 0.01, size=(60, 20))
    pair[:, 0] += np.repeat([-8, 8], 30) + 200
    X = np.vstack([cloud, pair])
    model = ReclusteringKMeans(2, max_clusters=3, n_init=3, random_state=0).fit(X)
    inertia = [
        ((X[part] - X[part].mean(axis=0)) ** 2).sum()
        for part in (slice(300), slice(300, None))
    ]
    assert inertia[0] > inertia[1]
    assert len(set(model.labels_[:300])) == 1
    assert_array_equal(np.bincount(model.labels_[300:])[-2:], [30, 30])


def test_each_bisection_is_computed_once(nested, monkeypatch):
    X, _ = nested
    fits = []

    class CountingKMeans(KMeans):
        def fit(self, X, y=None):
            fits.append((self.n_clusters, X.shape[0]))
            return super().fit(X, y)

    monkeypatch.setattr(_reclustering, "KMeans", CountingKMeans)
    fitted(X, max_clusters=9)
    # The first level; its 3 clusters; two more for each split but the last of six.
    assert len(fits) == 1 + 3 + 2 * 5
    fits.clear()
    fitted(X, max_clusters=3)
    assert fits == [(3, 350)]


@pytest.mark.parametrize("params", [{"split": {1: 3}}, {"max_clusters": 12}])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [np.asarray, csr_array, csr_matrix])
def test_labels_are_those_of_predict(params, dtype, container):
    # Overlapping clusters: the nearest flat centre is often in another parent.
    rng = np.random.default_rng(3)
    X = rng.uniform(size=(500, 3)).astype(dtype)
    model = ReclusteringKMeans(3, random_state=0, **params).fit(container(X))
    assert_array_equal(model.predict(container(X)), model.labels_)
    assert_array_equal(
        model.subcluster_parent_[model.predict(container(X))], model.parent_labels_
    )
    nearest = model.transform(X).argmin(axis=1)
    assert 0 < np.mean(nearest != model.labels_) < 0.2
    assert model.labels_.dtype == np.int32
    assert model.cluster_centers_.dtype == dtype
    assert model.transform(container(X)).dtype == dtype
    assert_array_equal(np.unique(model.labels_), np.arange(len(model.cluster_centers_)))


def test_new_samples_stay_inside_their_parent():
    rng = np.random.default_rng(3)
    X = rng.uniform(size=(500, 2))
    model = ReclusteringKMeans(3, split={0: 4}, random_state=0).fit(X)
    new = rng.uniform(size=(2000, 2))
    to_parents = ((new[:, None] - model.parent_centers_) ** 2).sum(axis=2)
    assert_array_equal(
        model.subcluster_parent_[model.predict(new)], to_parents.argmin(axis=1)
    )


@pytest.mark.parametrize("container", [csr_array, csr_matrix])
@pytest.mark.parametrize("params", [{"split": {0: 2, 1: 2}}, {"max_clusters": 7}])
def test_sparse_gives_what_dense_gives(nested, container, params):
    X, _ = nested
    dense, sparse = fitted(X, **params), fitted(container(X), **params)
    assert adjusted_rand_score(dense.labels_, sparse.labels_) == 1
    assert sparse.inertia_ == pytest.approx(dense.inertia_)


def test_float32_is_close_to_float64(nested):
    X, _ = nested
    single = fitted(X.astype(np.float32), max_clusters=7)
    double = fitted(X, max_clusters=7)
    assert_array_equal(single.labels_, double.labels_)
    assert_allclose(single.cluster_centers_, double.cluster_centers_, atol=1e-4)


def test_transform(nested):
    X, _ = nested
    model = fitted(X, max_clusters=5)
    distances = np.linalg.norm(X[:, None] - model.cluster_centers_, axis=2)
    assert_allclose(model.transform(X), distances, atol=1e-6)
    assert_array_equal(
        model.get_feature_names_out(), [f"reclusteringkmeans{i}" for i in range(5)]
    )
    assert_allclose(clone(model).fit_transform(X), model.transform(X))
    assert_array_equal(clone(model).fit_predict(X), model.labels_)


def test_equal_samples_are_not_split():
    X = np.repeat([[0.0], [5.0], [9.0]], 10, axis=0)
    model = ReclusteringKMeans(2, max_clusters=20, random_state=0).fit(X)
    assert len(model.cluster_centers_) == 3
    assert model.inertia_ == 0
    none = ReclusteringKMeans(1, max_clusters=5).fit(np.ones((6, 2)))
    assert_array_equal(none.labels_, np.zeros(6))


def test_as_many_clusters_as_samples():
    X = np.arange(6.0)[:, None]
    model = ReclusteringKMeans(2, max_clusters=50, random_state=0).fit(X)
    assert len(model.cluster_centers_) == 6
    assert model.inertia_ == 0


def test_a_very_unbalanced_tree_needs_no_recursion():
    # Each split cuts off the largest number.
    X = 1.5 ** np.arange(60.0)[:, None]
    model = ReclusteringKMeans(1, max_clusters=55, random_state=0).fit(X)
    assert len(model.cluster_centers_) == 55
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.labels_)


def test_same_random_state_same_clusters(nested):
    X, _ = nested
    models = [fitted(X, max_clusters=9) for _ in range(2)]
    assert_array_equal(models[0].labels_, models[1].labels_)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"split": {3: 2}}, ValueError, r"from 0 to 2. Got 3 instead"),
        ({"split": {-1: 2}}, ValueError, r"from 0 to 2. Got -1 instead"),
        ({"split": {"a": 2}}, ValueError, r"from 0 to 2. Got 'a' instead"),
        ({"split": {True: 2}}, ValueError, r"from 0 to 2. Got True instead"),
        ({"split": {1: 0}}, ValueError, r"1 or more. Got 0 for cluster 1"),
        ({"split": {1: 2.5}}, ValueError, r"Got 2.5 for cluster 1"),
        ({"split": {1: 2000}}, ValueError, r"2000 subclusters of cluster 1, which has"),
        ({"split": {0: 3, 1: 2}, "max_clusters": 5}, ValueError, r"6 clusters in all"),
        ({"max_clusters": 2}, ValueError, r"n_clusters=3 or more. Got 2 instead"),
        ({"split": "best"}, ValueError, r"The 'split' parameter of Reclustering"),
        ({"n_init": 0}, ValueError, r"The 'n_init' parameter"),
        ({"n_clusters": 0}, ValueError, r"The 'n_clusters' parameter"),
    ],
)
def test_bad_parameters(nested, params, error, message):
    X, _ = nested
    with pytest.raises(error, match=message):
        ReclusteringKMeans(**{"n_clusters": 3, **params}).fit(X)


def test_more_clusters_than_samples():
    with pytest.raises(ValueError, match="n_samples=2 should be >= n_clusters=3"):
        ReclusteringKMeans(3).fit([[0.0], [1.0]])
