import builtins
import itertools
import tracemalloc
from typing import ClassVar

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_samples,
    silhouette_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop.cluster import ReclusteringKMeans
from kmeans_labelprop.model_selection import ClusterCountCurve, cluster_count_curve
from kmeans_labelprop.model_selection._cluster_count import find_knee

ALL = ("inertia", "silhouette", "calinski_harabasz", "davies_bouldin")


@pytest.fixture(scope="module")
def blobs():
    X, _ = make_blobs(300, centers=5, cluster_std=0.5, random_state=3)
    return X


# ------------------------------------------------------------------ the scores


class SeenKMeans(KMeans):
    """Keeps what it was fitted with; for the tests of one process only."""

    seen: ClassVar = []

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, y, sample_weight)
        type(self).seen.append((self.n_clusters, self.random_state, self.labels_))
        return self


@pytest.fixture
def seen():
    SeenKMeans.seen.clear()
    return SeenKMeans.seen


def test_scores_are_those_of_scikit_learn(blobs, seen):
    curve = cluster_count_curve(
        blobs, [7, 2, 4], clusterer=SeenKMeans(), n_repeats=2, random_state=0
    )
    assert_array_equal(curve.n_clusters, [2, 4, 7])
    assert [k for k, _, _ in seen] == [2, 2, 4, 4, 7, 7]
    for cell, (k, seed, labels) in enumerate(seen):
        at = divmod(cell, 2)
        fit = KMeans(k, random_state=seed).fit(blobs)
        assert curve.values["inertia"][at] == pytest.approx(fit.inertia_)
        for name, score in [
            ("silhouette", silhouette_score),
            ("calinski_harabasz", calinski_harabasz_score),
            ("davies_bouldin", davies_bouldin_score),
        ]:
            assert curve.values[name][at] == pytest.approx(score(blobs, labels))
    for name in ALL:
        assert curve.values[name].shape == (3, 2)
        assert_allclose(curve.mean[name], curve.values[name].mean(axis=1))
        assert_allclose(curve.std[name], curve.values[name].std(axis=1))
    assert_array_equal(curve.sampling_error["silhouette"], np.zeros((3, 2)))


def test_each_repeat_has_its_seed_and_more_repeats_change_nothing(blobs, seen):
    params = {"clusterer": SeenKMeans(random_state=77), "random_state": 5}
    curve = cluster_count_curve(blobs, [3, 6], n_repeats=3, **params)
    seeds = np.array([seed for _, seed, _ in seen]).reshape(2, 3)
    assert_array_equal(seeds[0], seeds[1])
    assert len(set(seeds[0])) == 3
    fewer = cluster_count_curve(blobs, [3, 4, 6], n_repeats=2, **params)
    for name in ALL:
        assert_array_equal(fewer.values[name][[0, 2]], curve.values[name][:, :2])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_same_results_for_any_number_of_jobs(blobs, n_jobs):
    params = {"n_repeats": 2, "random_state": 1, "sample_size": 100}
    expected = cluster_count_curve(blobs, [2, 5], **params)
    curve = cluster_count_curve(blobs, [2, 5], n_jobs=n_jobs, **params)
    for name in ALL:
        assert_allclose(curve.values[name], expected.values[name], rtol=1e-10)


def test_sparse_and_float32_give_what_dense_float64_gives(blobs):
    X = np.where(np.abs(blobs) < 2, 0, blobs)
    expected = cluster_count_curve(X, [3, 5], random_state=0)
    for other in (csr_array(X), X.astype(np.float32), X.tolist()):
        curve = cluster_count_curve(other, [3, 5], random_state=0)
        for name in ALL:
            assert_allclose(curve.values[name], expected.values[name], rtol=1e-4)


def test_metrics_that_are_not_defined_are_nan():
    X = np.arange(6.0)[:, np.newaxis]
    curve = cluster_count_curve(X, [1, 2, 6], random_state=0)
    assert_allclose(curve.values["inertia"][[0, 2], 0], [17.5, 0], atol=1e-12)
    for name in ALL[1:]:
        assert_array_equal(np.isnan(curve.values[name][:, 0]), [True, False, True])
        assert curve.best[name] == 2
    assert cluster_count_curve(X, [1], random_state=0).best["silhouette"] is None


def test_clusters_of_equal_samples():
    X = np.repeat([[0.0], [1.0], [5.0]], 4, axis=0)
    curve = cluster_count_curve(X, [2, 3], random_state=0)
    assert curve.values["silhouette"][1, 0] == 1
    assert curve.values["calinski_harabasz"][1, 0] == np.inf
    assert curve.values["davies_bouldin"][1, 0] == 0
    assert [curve.best[name] for name in ALL] == [None, 3, 3, 3]


def test_other_clusterers(blobs):
    tree = cluster_count_curve(blobs, [3, 5], clusterer=AgglomerativeClustering())
    labels = AgglomerativeClustering(3).fit_predict(blobs)
    within = sum(
        ((blobs[labels == i] - blobs[labels == i].mean(axis=0)) ** 2).sum()
        for i in range(3)
    )
    assert tree.values["inertia"][0, 0] == pytest.approx(within)
    one = cluster_count_curve(blobs, [1, 3], clusterer=AgglomerativeClustering())
    whole = ((blobs - blobs.mean(axis=0)) ** 2).sum()
    assert one.values["inertia"][:, 0] == pytest.approx([whole, within])
    assert np.isnan([one.values[name][0, 0] for name in ALL[1:]]).all()
    with pytest.warns(UserWarning, match="ReclusteringKMeans found more clusters"):
        curve = cluster_count_curve(
            blobs,
            [2, 3],
            clusterer=ReclusteringKMeans(split={0: 2, 1: 2}),
            metrics=["davies_bouldin"],
            random_state=0,
        )
    assert list(curve.values) == ["davies_bouldin"]
    assert curve.sampling_error == {}
    assert np.isfinite(curve.values["davies_bouldin"]).all()
    small = cluster_count_curve(blobs, [5], clusterer=MiniBatchKMeans(), n_repeats=2)
    assert small.mean["silhouette"][0] > 0.5


# ------------------------------------------------------------------ the silhouette


def test_silhouette_of_a_sample_is_near_and_says_how_near():
    X, _ = make_blobs(3000, centers=4, cluster_std=2.5, random_state=1)
    params = {"metrics": ["silhouette"], "clusterer": KMeans(n_init=5)}
    exact = cluster_count_curve(X, [4], sample_size=None, random_state=0, **params)
    true = exact.values["silhouette"][0, 0]
    curve = cluster_count_curve(
        X, [4], sample_size=300, n_repeats=120, random_state=0, **params
    )
    scores, errors = curve.values["silhouette"][0], curve.sampling_error["silhouette"]
    # The reported error is the real scatter; a formula that forgets that the others'
    # silhouettes, too, depend on who was drawn gives two thirds of it.
    assert errors.mean() == pytest.approx(scores.std(), rel=0.15)
    assert abs(scores.mean() - true) < 0.004
    assert 0.9 < np.mean(np.abs(scores - true) < 2 * errors[0]) < 1
    assert exact.sampling_error["silhouette"][0, 0] == 0


def test_silhouettes_are_those_of_scikit_learn():
    from kmeans_labelprop.metrics._silhouette import silhouettes

    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 4)) + 1000
    X[7] = X[8] = X[9]
    labels = rng.integers(0, 6, size=900) * 3
    labels[0] = 99
    expected = silhouette_samples(X, labels)
    assert_allclose(silhouettes(X, labels)[0], expected, atol=1e-7)
    sparse = np.where(rng.uniform(size=X.shape) < 0.5, 0, X - 1000)
    assert_allclose(
        silhouettes(csr_array(sparse), labels)[0],
        silhouette_samples(sparse, labels),
        atol=1e-7,
    )


def test_influence_is_the_effect_of_doubling_a_sample():
    from kmeans_labelprop.metrics._silhouette import silhouettes

    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    labels = np.repeat([0, 1], [250, 150])

    def mean_silhouette(share):
        # The mean distance to a cluster, with the share that each sample stands for.
        apart = np.linalg.norm(X[:, None] - X, axis=2)
        means = np.empty((400, 2))
        for cluster in range(2):
            weight = np.where(labels == cluster, share, 0)
            means[:, cluster] = apart @ weight / weight.sum()
        rows, own = np.arange(400), labels
        within = means[rows, own] * np.array([250 / 249, 150 / 149])[own]
        outside = means[rows, 1 - own]
        return np.mean((outside - within) / np.maximum(within, outside))

    _, influences = silhouettes(X, labels)
    step = 1e-5
    for j in (0, 7, 300):
        share = np.ones(400)
        share[j] += step
        change = (mean_silhouette(share) - mean_silhouette(np.ones(400))) / step
        size = [250, 150][labels[j]]
        # Equal but for terms that shrink with the size of the cluster.
        assert_allclose(influences[j], change * size, atol=0.01)


def test_sample_is_stratified():
    from kmeans_labelprop.metrics._silhouette import stratified_sample

    labels = np.repeat([0, 1, 2, 3], [1000, 500, 3, 1])
    np.random.default_rng(0).shuffle(labels)
    drawn = stratified_sample(labels, 150, np.random.RandomState(0))
    assert_array_equal(np.bincount(labels[drawn])[:2], [100, 50])
    assert_array_equal(np.bincount(labels[drawn])[2:], [2, 1])
    assert len(set(drawn)) == len(drawn)
    everything = stratified_sample(labels, 1504, np.random.RandomState(0))
    assert_array_equal(everything, np.arange(1504))


# ------------------------------------------------------------------ knee and best


def curve_of(n_clusters, name, scores):
    n_clusters, scores = np.asarray(n_clusters), np.asarray(scores, dtype=float)
    nothing = np.zeros((len(scores), 1))
    return ClusterCountCurve(n_clusters, {name: scores[:, None]}, {}, nothing, nothing)


@pytest.mark.parametrize(
    ("n_clusters", "scores", "direction", "knee"),
    [
        ([2, 3, 4, 5, 6], [100, 60, 20, 19, 18], -1, 4),
        # The same curve in other units: the axes are scaled.
        ([20, 30, 40, 50, 60], [1e9, 6e8, 2e8, 1.9e8, 1.8e8], -1, 4 * 10),
        # Uneven steps: the distance is to the chord, not to the neighbours.
        ([2, 4, 50, 100], [100, 20, 10, 0], -1, 4),
        ([2, 3, 4, 5], [0, 9, 9.5, 10], 1, 3),
        # A peak lies above the chord.
        ([2, 3, 4, 5, 6], [0.3, 0.5, 0.8, 0.4, 0.2], 1, 4),
        # Straight, bent the other way, almost straight, constant, too short.
        ([2, 3, 4, 5], [9, 8, 7, 6], -1, None),
        ([2, 3, 4, 5], [10, 9, 8, 0], -1, None),
        ([2, 3, 4, 5], [9, 7.9, 7, 6], -1, None),
        ([2, 3, 4, 5], [1, 1, 1, 1], 1, None),
        ([2, 3], [9, 1], -1, None),
        # What is not defined is left out.
        ([1, 2, 3, 4, 5], [np.nan, 0, 9, 9.5, 10], 1, 3),
        ([2, 3, 4], [np.nan, 1, 2], 1, None),
    ],
)
def test_knee_is_farthest_from_the_chord(n_clusters, scores, direction, knee):
    n_clusters, scores = np.asarray(n_clusters), np.asarray(scores, dtype=float)
    assert find_knee(n_clusters, scores, direction) == knee


def test_no_knee_without_a_warning():
    curve = curve_of([2, 3, 4], "inertia", [3, 2, 1])
    assert curve.knee == {"inertia": None}
    assert "inertia                -     -" in repr(curve)


def test_best():
    assert curve_of([2, 3, 4, 5], "silhouette", [1, 3, 3, 2]).best["silhouette"] == 3
    assert curve_of([2, 3, 4], "davies_bouldin", [2, 1, 3]).best["davies_bouldin"] == 3
    assert curve_of([2, 3, 4], "inertia", [3, 2, 1]).best["inertia"] is None
    ragged = curve_of([2, 3, 4], "silhouette", [np.nan, 0.1, 0.2])
    assert ragged.best["silhouette"] == 4


def test_repr_and_frame(blobs):
    curve = cluster_count_curve(blobs, range(2, 9), n_repeats=2, random_state=0)
    lines = repr(curve).splitlines()
    assert lines[0] == (
        "ClusterCountCurve: 7 numbers of clusters from 2 to 8, 2 repeats"
    )
    assert [line.split() for line in lines[1:]] == [
        ["metric", "knee", "best"],
        ["inertia", "5", "-"],
        ["silhouette", "5", "5"],
        ["calinski_harabasz", "5", "5"],
        ["davies_bouldin", "5", "5"],
    ]
    frame = curve.to_frame()
    assert list(frame.columns) == [
        "n_clusters",
        "repeat",
        "inertia",
        "silhouette",
        "silhouette_error",
        "calinski_harabasz",
        "davies_bouldin",
        "fit_time",
        "score_time",
    ]
    row = frame[(frame["n_clusters"] == 4) & (frame["repeat"] == 1)].iloc[0]
    assert row["silhouette"] == curve.values["silhouette"][2, 1]
    assert len(frame) == 14
    seconds = frame["fit_time"].dt.total_seconds().to_numpy()
    np.testing.assert_allclose(seconds, curve.fit_times.ravel(), atol=1e-9)


def test_frame_without_pandas(blobs, monkeypatch):
    curve = cluster_count_curve(blobs, [2], metrics=["inertia"])
    real = builtins.__import__

    def without_pandas(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pandas)
    with pytest.raises(ImportError, match="pip install pandas"):
        curve.to_frame()


# ------------------------------------------------------------------ planted clusters


def planted_centers(k, d, separation, rng):
    """Draw centres of which no two are nearer than ``separation``."""
    side = separation * max(1.5, 1.6 * k ** (1 / d))
    while True:
        centers = rng.uniform(0, side, size=(k, d))
        apart = np.linalg.norm(centers[:, None] - centers, axis=2)
        if apart[np.triu_indices(k, 1)].min() >= separation:
            return centers


def equal_blobs(y, d, rng):
    return rng.normal(size=(len(y), d))


def stretched_blobs(y, d, rng):
    left, _, right = np.linalg.svd(rng.normal(size=(d, d)))
    shape = left @ np.diag(np.linspace(1, 0.35, d)) @ right
    return rng.normal(size=(len(y), d)) @ shape


def wide_and_narrow_blobs(y, d, rng):
    return rng.normal(size=(len(y), d)) * np.linspace(0.4, 1, y.max() + 1)[y, None]


def boxes(y, d, rng):
    return rng.uniform(-np.sqrt(3), np.sqrt(3), size=(len(y), d))


GENERATORS = [equal_blobs, stretched_blobs, wide_and_narrow_blobs, boxes]


def planted_data(generator, k, d, separation, seed):
    """Make clusters of scatter 1, or less, at centres ``separation`` apart or more."""
    rng = np.random.default_rng(seed)
    if generator == "unequal sizes":
        sizes, generator = np.linspace(20, 140, k).astype(int), equal_blobs
    else:
        sizes = np.full(k, 60)
    y = np.repeat(np.arange(k), sizes)
    return planted_centers(k, d, separation, rng)[y] + generator(y, d, rng)


def finds(generator, separation, ks=(3, 5, 8), seeds=range(4)):
    """Tell for each planted data set whether knee and optimum find the count."""
    found = []
    for k, d, seed in itertools.product(ks, (2, 10), seeds):
        curve = cluster_count_curve(
            planted_data(generator, k, d, separation, seed),
            range(2, 13),
            clusterer=KMeans(n_init=3),
            metrics=("inertia", "silhouette"),
            random_state=seed,
        )
        found.append((curve.knee["inertia"] == k, curve.best["silhouette"] == k))
    return np.array(found)


@pytest.mark.parametrize("generator", [*GENERATORS, "unequal sizes"])
@pytest.mark.parametrize("separation", [8, 12])
def test_planted_count_of_separated_clusters_is_found(generator, separation):
    found = finds(generator, separation)
    assert found.any(axis=1).mean() >= 0.9


def test_knee_alone_is_right_less_often():
    # It sits too early where the first splits gain most, as with 3 clusters of which
    # two are near: hence "the knee or the optimum of the silhouette" above.
    found = np.vstack([finds(generator, 8) for generator in GENERATORS])
    assert 0.5 < found[:, 0].mean() < 0.9 <= found[:, 1].mean()


def test_clusters_of_clusters_are_counted_as_one():
    # Three places far apart, of which one holds three clusters: the splits that part
    # the places take nearly all the inertia, and the silhouette prefers the gaps there.
    centers = [[0, 0], [8, 0], [0, 8], [200, 0], [0, 200]]
    X, _ = make_blobs(300, centers=centers, cluster_std=1.0, random_state=0)
    curve = cluster_count_curve(X, range(2, 13), random_state=0)
    assert (curve.knee["inertia"], curve.best["silhouette"]) == (3, 3)
    # Looking inside the first of them finds what the whole hides.
    inner = cluster_count_curve(X[X.max(axis=1) < 50], range(2, 13), random_state=0)
    assert (inner.knee["inertia"], inner.best["silhouette"]) == (3, 3)


def test_overlapping_clusters_are_not_found():
    # Two standard deviations apart there are no gaps: mostly a wrong count.
    found = finds("unequal sizes", 2, ks=(5, 8))
    assert found.any(axis=1).mean() < 0.5


def test_data_without_clusters_have_an_answer_all_the_same():
    # A known weakness of all four: the curve of a uniform square has a knee, and some
    # number is best. The low silhouette is what tells.
    X = np.random.default_rng(0).uniform(size=(600, 2))
    curve = cluster_count_curve(X, range(2, 13), random_state=0)
    assert curve.knee["inertia"] in range(3, 12)
    assert curve.mean["silhouette"].max() < 0.5


# ------------------------------------------------------------------ memory, cache


def test_nothing_grows_with_the_square_of_the_samples():
    n = 200_000
    X = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    tracemalloc.start()
    try:
        cluster_count_curve(X, [2, 9], sample_size=2000, random_state=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # k-means itself takes about 50 bytes for each sample; n x n would be 40 GB.
    assert peak < 200 * n


def test_scores_take_no_copy_of_wide_data():
    from kmeans_labelprop.model_selection._cluster_count import _fit_and_score

    class Given(KMeans):
        def fit(self, X, y=None):
            self.labels_ = np.arange(len(X)) % 10
            return self

    X = np.random.default_rng(0).normal(size=(20_000, 300)).astype(np.float32)
    tracemalloc.start()
    try:
        _fit_and_score(X, None, Given(), ALL, 1000, 0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes


class FailingKMeans(KMeans):
    """Counts its fits, and is interrupted at 5 clusters where told."""

    fits: ClassVar = []
    interrupted = True

    def fit(self, X, y=None, sample_weight=None):
        if self.n_clusters == 5 and type(self).interrupted:
            raise KeyboardInterrupt
        type(self).fits.append(self.n_clusters)
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("as_path", [True, False])
def test_what_is_computed_is_kept(blobs, tmp_path, monkeypatch, as_path):
    monkeypatch.setattr(FailingKMeans, "fits", [])
    memory = str(tmp_path) if as_path else joblib.Memory(tmp_path, verbose=0)
    params = {"clusterer": FailingKMeans(), "n_repeats": 2, "random_state": 0}
    with pytest.raises(KeyboardInterrupt):
        cluster_count_curve(blobs, range(3, 8), memory=memory, **params)
    assert FailingKMeans.fits == [3, 3, 4, 4]
    monkeypatch.setattr(FailingKMeans, "interrupted", False)
    curve = cluster_count_curve(blobs, range(3, 8), memory=memory, **params)
    assert FailingKMeans.fits == [3, 3, 4, 4, 5, 5, 6, 6, 7, 7]
    # More of either kind computes only what is new.
    cluster_count_curve(blobs, range(2, 8), memory=memory, **{**params, "n_repeats": 3})
    assert len(FailingKMeans.fits) == 10 + 3 + 5
    fresh = cluster_count_curve(blobs, range(3, 8), **params)
    for name in ALL:
        assert_array_equal(fresh.values[name], curve.values[name])
    # Other data are not confused with these.
    FailingKMeans.fits.clear()
    cluster_count_curve(blobs + 1, [3], memory=memory, **params)
    assert FailingKMeans.fits == [3, 3]


class CountingPCA(PCA):
    fits: ClassVar = []

    def fit_transform(self, X, y=None):
        type(self).fits.append(self.random_state)
        return super().fit_transform(X)


def test_embedding_is_computed_once(tmp_path, monkeypatch):
    monkeypatch.setattr(CountingPCA, "fits", [])
    X, _ = make_blobs(200, n_features=6, centers=4, random_state=0)
    embedding = make_pipeline(StandardScaler(), CountingPCA(2))
    params = {"n_repeats": 2, "random_state": 0, "memory": str(tmp_path)}
    curve = cluster_count_curve(X, [3, 4], embedding=embedding, **params)
    assert len(CountingPCA.fits) == 1
    assert isinstance(CountingPCA.fits[0], int)  # one drawn from the curve's seed
    assert not hasattr(embedding[-1], "components_")
    cluster_count_curve(X, [3, 4, 5], embedding=embedding, **params)
    assert len(CountingPCA.fits) == 1
    # A seed of its own is kept.
    seeded = CountingPCA(2, random_state=7)
    cluster_count_curve(X, [3], embedding=seeded, random_state=0)
    assert CountingPCA.fits[1:] == [7]
    E = make_pipeline(StandardScaler(), PCA(2)).fit_transform(X)
    plain = cluster_count_curve(E, [3, 4], n_repeats=2, random_state=0)
    assert_allclose(curve.values["inertia"], plain.values["inertia"])


def test_verbose_shows_progress(blobs, capsys):
    cluster_count_curve(blobs, [2, 3], n_repeats=2, random_state=0, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("[3/4] n_clusters=3, repeat 1 of 2: inertia=")
    cluster_count_curve(blobs, [2, 3], random_state=0)
    assert capsys.readouterr().out == ""


def test_input_is_left_alone(blobs):
    X = blobs.copy()
    clusterer = KMeans(3, random_state=4)
    cluster_count_curve(X, [2, 3], clusterer=clusterer, random_state=0)
    assert_array_equal(X, blobs)
    assert clusterer.get_params() == KMeans(3, random_state=4).get_params()
    assert not hasattr(clusterer, "labels_")


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"n_clusters": []}, ValueError, "'n_clusters' .* 1 or more"),
        ({"n_clusters": 5}, ValueError, "'n_clusters' .* Got 5 instead"),
        ({"n_clusters": [0, 2]}, ValueError, r"Got \[0, 2\] instead"),
        ({"n_clusters": [2, 2]}, ValueError, r"different whole numbers"),
        ({"n_clusters": [2.5]}, ValueError, r"Got \[2.5\] instead"),
        ({"n_clusters": [2, 301]}, ValueError, "301 clusters of 300 samples"),
        ({"metrics": "inertia"}, ValueError, "sequence of different names"),
        ({"metrics": ["elbow"]}, ValueError, r"Got \['elbow'\] instead"),
        ({"metrics": []}, ValueError, "'metrics' parameter"),
        ({"metrics": ["inertia", "inertia"]}, ValueError, "different names"),
        ({"clusterer": StandardScaler()}, TypeError, "'n_clusters' parameter, as"),
        ({"clusterer": KMeans}, TypeError, "'n_clusters' parameter, as"),
        ({"embedding": 3}, ValueError, "The 'embedding' parameter of"),
        ({"n_repeats": 0}, ValueError, "The 'n_repeats' parameter of"),
        ({"sample_size": 1}, ValueError, "The 'sample_size' parameter of"),
        ({"memory": 3}, ValueError, "The 'memory' parameter of"),
        ({"random_state": "a"}, ValueError, "The 'random_state' parameter of"),
    ],
)
def test_bad_parameters(blobs, params, error, message):
    with pytest.raises(error, match=message):
        cluster_count_curve(blobs, **params)


def test_bad_samples():
    with pytest.raises(ValueError, match="contains NaN"):
        cluster_count_curve([[0.0], [np.nan]], [1], embedding=None)


def test_a_clusterer_that_finds_more_than_asked_is_warned_of(blobs):
    X = blobs
    with pytest.warns(UserWarning, match="more clusters than asked for, as 5 for 2"):
        cluster_count_curve(X, [2], clusterer=ReclusteringKMeans(split={0: 4}))


def test_a_cache_of_any_kind_tells_data_apart(blobs):
    """Whatever has a method `cache`, with or without a location."""
    X = blobs

    class Cache:
        def __init__(self):
            self.results = {}

        def cache(self, function, ignore=()):
            def cached(X, key, *args):
                stored = self.results.setdefault((key, args[-1]), [])
                if not stored:
                    stored.append(function(X, key, *args))
                return stored[0]

            return cached

    memory = Cache()
    small, large = (
        cluster_count_curve(data, [2], memory=memory, random_state=0)
        for data in (X, 100 * X)
    )
    assert large.mean["inertia"][0] > 1000 * small.mean["inertia"][0]
