import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_samples, silhouette_score
from sklearn.pipeline import make_pipeline

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import SilhouetteDisplay


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(300, centers=4, cluster_std=1.0, random_state=1)[0]


def profile(shape):
    """Give the upper and lower end of a drawn shape, and its widest silhouettes."""
    vertices = shape.get_paths()[0].vertices
    return vertices[:, 1].min(), vertices[:, 1].max(), vertices[:, 0]


def test_shapes_hold_the_silhouettes(blobs, assert_legible):
    kmeans = KMeans(4, random_state=0).fit(blobs)
    display = SilhouetteDisplay.from_estimator(kmeans, blobs)
    values = silhouette_samples(blobs, kmeans.labels_)
    assert list(display.shapes_) == [0, 1, 2, 3]
    end = -1
    for cluster, shape in display.shapes_.items():
        first, last, drawn = profile(shape)
        own = np.sort(values[kmeans.labels_ == cluster])
        assert last - first == len(own)
        assert first > end
        end = last
        assert_allclose(np.unique(drawn), np.unique(np.append(own, 0)), atol=1e-12)
    assert display.score == pytest.approx(silhouette_score(blobs, kmeans.labels_))
    assert_allclose(display.line_.get_xdata(), [display.score] * 2)
    assert display.ax_.get_legend().get_texts()[0].get_text() == (
        f"mean: {display.score:.3f}"
    )
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list("0123")
    # The first cluster is on top.
    assert display.ax_.yaxis_inverted()
    assert_legible(display.figure_)


def test_neighbouring_shapes_differ_in_lightness(blobs):
    display = SilhouetteDisplay.from_predictions(blobs, np.arange(300) % 4)
    grey = [
        shape.get_facecolor()[0, :3] @ [0.299, 0.587, 0.114]
        for shape in display.shapes_.values()
    ]
    assert np.abs(np.diff(grey)).min() > 0.25


@pytest.mark.parametrize("n_clusters", [5, 7, 100])
def test_legible_for_many_clusters(n_clusters, assert_legible):
    X, _ = load_digits(return_X_y=True)
    labels = KMeans(n_clusters, random_state=0).fit_predict(X)
    display = SilhouetteDisplay.from_predictions(X, labels, name="digits")
    assert len(display.shapes_) == n_clusters
    assert assert_legible(display.figure_) > 10
    names = [int(text.get_text()) for text in display.ax_.get_yticklabels()]
    if n_clusters < 20:
        assert names == list(range(n_clusters))
    else:  # every fifth, but for those of clusters too small to be named
        assert set(names) <= set(range(0, 100, 5))
        assert len(names) > 15
    legend = display.ax_.get_legend().get_texts()[0].get_text()
    assert legend == f"digits\nmean: {display.score:.3f}"


@pytest.mark.parametrize("n_small", [14, 30])
def test_legible_for_unequal_clusters(n_small, assert_legible):
    labels = np.repeat(np.arange(n_small + 1), [800] + [6] * n_small)
    X = labels[:, np.newaxis] + np.random.default_rng(0).normal(size=(len(labels), 2))
    display = SilhouetteDisplay.from_predictions(
        X, labels, name="Of fifteen clusters one is much larger than all of the others"
    )
    assert_legible(display.figure_)
    named = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert named[0] == "0"
    assert 2 <= len(named) <= 20


def test_sampling_is_said(blobs):
    labels = KMeans(4, random_state=0).fit_predict(blobs)
    display = SilhouetteDisplay.from_predictions(
        blobs, labels, sample_size=80, random_state=0
    )
    assert len(display.silhouettes) == len(display.labels) == 80
    assert_array_equal(
        np.bincount(display.labels), np.round(np.bincount(labels) * 80 / 300)
    )
    assert display.standard_error > 0
    text = display.ax_.get_legend().get_texts()[0].get_text()
    assert text == f"mean: {display.score:.3f} ± {display.standard_error:.3f}"


def test_propagator_is_judged_in_its_embedding():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(10, embedding=PCA(5), random_state=0).fit(X, y)
    display = SilhouetteDisplay.from_estimator(propagator, X)
    E = propagator.embedding_.transform(X)
    assert display.score == pytest.approx(silhouette_score(E, propagator.labels_))


def test_a_pipeline_is_judged_where_it_clusters():
    X, _ = load_digits(return_X_y=True)
    clusterer = make_pipeline(PCA(5), KMeans(10, random_state=0)).fit(X)
    display = SilhouetteDisplay.from_estimator(clusterer, X)
    E = clusterer[0].transform(X)
    assert display.score == pytest.approx(silhouette_score(E, clusterer[1].labels_))


def test_bad_input(blobs):
    with pytest.raises(ValueError, match=r"at least 2 .* Got 1 clusters of 300"):
        SilhouetteDisplay.from_predictions(blobs, np.zeros(300, dtype=int))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SilhouetteDisplay.from_predictions(blobs, [0, 1])
    with pytest.raises(TypeError, match="AgglomerativeClustering cannot assign"):
        SilhouetteDisplay.from_estimator(AgglomerativeClustering().fit(blobs), blobs)
