import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import ClusterCompositionDisplay
from kmeans_labelprop.inspection._plotting import BLUE

#           cluster 0   1           2        3 (nothing known)
LABELS = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3]
Y = ["b", "b", "b", "a", "a", "a", "a", "a", "b", "c", "-1", "-1"]
COUNTS = [[1, 3, 0], [4, 1, 0], [0, 0, 1], [0, 0, 0]]


def draw(**kwargs):
    return ClusterCompositionDisplay.from_predictions(LABELS, Y, **kwargs)


def heights(display):
    return np.array([[bar.get_height() for bar in row] for row in display.bars_])


def is_dark(display):
    blue = plt.matplotlib.colors.to_rgba(BLUE)
    return np.array([[bar.get_facecolor() == blue for bar in r] for r in display.bars_])


def tick_texts(axis):
    return [text.get_text() for text in axis.get_ticklabels()]


def test_bars_are_the_shares():
    display = draw()
    assert_array_equal(display.counts, COUNTS)
    assert_array_equal(display.classes, ["a", "b", "c"])
    # By most frequent category; the cluster without labels last.
    assert_array_equal(display.order_, [1, 0, 2, 3])
    assert_allclose(
        heights(display),
        [[4 / 5, 1 / 5, 0], [1 / 4, 3 / 4, 0], [0, 0, 1], [0, 0, 0]],
    )
    assert_array_equal(is_dark(display), [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])
    assert tick_texts(display.ax_.xaxis) == ["a", "b", "c"]
    assert tick_texts(display.ax_.yaxis) == ["1", "0", "2", "3"]
    # The first row is on top, and no bar reaches into the next one.
    bottoms = np.array([row[0].get_y() for row in display.bars_])
    assert np.all(np.diff(bottoms) < -1)
    right = display.ax_.child_axes[0]
    assert tick_texts(right.yaxis) == [
        "n = 5\n80%",
        "n = 4\n75%",
        "n = 2\n100%",
        "n = 1\n–",
    ]


def test_bars_are_the_counts():
    display = draw(values="count", sort=False)
    assert_allclose(heights(display), COUNTS)
    assert_array_equal(display.order_, [0, 1, 2, 3])
    assert "4 samples" in display.ax_.get_ylabel()
    bottoms = np.array([row[0].get_y() for row in display.bars_])
    assert np.all(np.diff(bottoms) < -4)


def test_categories_are_the_rows_of_many_clusters():
    labels = np.arange(13).repeat(3)
    y = np.where(np.arange(39) % 3, labels % 2, 1 - labels % 2)
    display = ClusterCompositionDisplay.from_predictions(labels, y)
    shares = np.stack([labels[::3] % 2 == 0, labels[::3] % 2 == 1])[:, display.order_]
    assert_allclose(heights(display), (1 + shares) / 3)
    assert_array_equal(is_dark(display), shares)
    assert tick_texts(display.ax_.yaxis) == ["0", "1"]
    assert tick_texts(display.ax_.xaxis) == [str(i) for i in display.order_]
    twelve = ClusterCompositionDisplay.from_predictions(labels[:36], y[:36])
    assert len(twelve.bars_) == 12


def test_empty_clusters_are_left_out():
    display = ClusterCompositionDisplay.from_predictions([0, 4, 4], [1, 2, 2])
    assert_array_equal(display.order_, [0, 4])


@pytest.mark.parametrize("n_clusters", [5, 7, 100])
@pytest.mark.parametrize("values", ["share", "count"])
def test_legible(n_clusters, values, assert_legible):
    X, y = load_digits(return_X_y=True)
    kmeans = KMeans(n_clusters, random_state=0).fit(X)
    names = [f"category {i}" for i in range(10)]
    display = ClusterCompositionDisplay.from_estimator(
        kmeans, X, y, values=values, display_labels=names
    )
    # Every cluster and every category is named.
    axes = (display.ax_.xaxis, display.ax_.yaxis)
    shown = {text for axis in axes for text in tick_texts(axis)}
    assert shown == {*names, *map(str, range(n_clusters))}
    assert assert_legible(display.figure_) >= n_clusters + 2
    counts = np.zeros((n_clusters, 10), dtype=int)
    np.add.at(counts, (kmeans.labels_, y), 1)
    expected = counts[display.order_]
    if values == "share":
        expected = expected / expected.sum(axis=1, keepdims=True)
    drawn = heights(display)
    assert_allclose(drawn if n_clusters < 100 else drawn.T, expected)


def test_more_clusters_than_can_be_named(assert_legible):
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.arange(500), rng.integers(0, 500, size=2000)])
    display = ClusterCompositionDisplay.from_predictions(
        labels, rng.integers(0, 10, size=2500)
    )
    assert len(display.bars_[0]) == 500
    assert assert_legible(display.figure_) > 80


def test_estimators():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(12, embedding=PCA(8), random_state=0).fit(X, y)
    seen = ClusterCompositionDisplay.from_estimator(propagator, X, y)
    same = ClusterCompositionDisplay.from_estimator(propagator, None, y)
    assert_array_equal(seen.counts, same.counts)
    assert_array_equal(seen.counts.sum(axis=1), np.bincount(propagator.labels_))
    half = ClusterCompositionDisplay.from_estimator(propagator, X[:900], y[:900])
    assert half.counts.sum() == 900
    tree = AgglomerativeClustering(3).fit(X)
    fitted = ClusterCompositionDisplay.from_estimator(tree, None, y)
    assert_array_equal(fitted.n_samples, np.bincount(tree.labels_))
    with pytest.raises(TypeError, match="Pass X=None"):
        ClusterCompositionDisplay.from_estimator(tree, X, y)


def test_names_and_axes():
    figure, axes = plt.subplots(1, 2)
    display = draw(display_labels={"a": "apple"}, ax=axes[1])
    assert tick_texts(axes[1].xaxis) == ["apple", "b", "c"]
    assert display.ax_ is axes[1]
    assert display.figure_ is figure


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"values": "percent"}, "The 'values' parameter must be 'share'"),
        ({"display_labels": ["a", "b"]}, "each of the 3 classes .* Got 2 names"),
    ],
)
def test_bad_parameters(kwargs, message):
    with pytest.raises(ValueError, match=message):
        draw(**kwargs)


def test_no_labels():
    with pytest.raises(ValueError, match="'y' parameter must hold at least one label"):
        ClusterCompositionDisplay.from_predictions([0, 1], [-1, -1])


def test_pictures(picture):
    X, y = load_digits(return_X_y=True)
    kmeans = KMeans(7, random_state=0).fit(X)
    display = ClusterCompositionDisplay.from_estimator(kmeans, X, y)
    pixels = picture(display.figure_)
    same = ClusterCompositionDisplay.from_predictions(kmeans.labels_, y)
    assert_array_equal(picture(same.figure_), pixels)
    other = ClusterCompositionDisplay.from_predictions(kmeans.labels_, y[::-1])
    assert np.any(picture(other.figure_) != pixels)
    # The majorities are read without colours: their bars are dark in grey, too.
    grey = pixels[..., :3] @ [0.299, 0.587, 0.114]
    blue = np.all(pixels[..., :3] == [0, 0x72, 0xB2], axis=2)
    light = np.all(pixels[..., :3] == 0xB8, axis=2)
    assert blue.sum() > light.sum() > 1000
    assert grey[light].min() - grey[blue].max() > 80


def test_the_mark_is_the_propagators():
    X, y = load_digits(return_X_y=True)
    signs = np.where(y < 5, -1, 1)
    fitted = KMeansLabelPropagator(8, missing_label=0, random_state=0).fit(X, signs)
    display = ClusterCompositionDisplay.from_estimator(fitted, X, signs)
    assert_array_equal(display.classes, [-1, 1])
    display = ClusterCompositionDisplay.from_estimator(
        fitted, X, signs, missing_label=-1
    )
    assert_array_equal(display.classes, [1])
    # A clusterer has none of its own.
    kmeans = KMeans(8, random_state=0).fit(X)
    display = ClusterCompositionDisplay.from_estimator(kmeans, X, signs)
    assert_array_equal(display.classes, [1])


@pytest.mark.parametrize(("n_clusters", "n_names"), [(2, 4), (5, 10), (13, 5), (50, 5)])
@pytest.mark.parametrize("values", ["share", "count"])
def test_long_names_leave_room_for_the_bars(
    n_clusters, n_names, values, assert_legible
):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(60_000) % n_clusters)
    names = [
        f"a name of a category that never ends, number {i}" for i in range(n_names)
    ]
    display = ClusterCompositionDisplay.from_predictions(
        labels, rng.integers(n_names, size=60_000), values=values, display_labels=names
    )
    assert_legible(display.figure_)
    box = display.ax_.get_window_extent()
    assert box.height > 0.35 * display.figure_.bbox.height
    assert box.width > 0.35 * display.figure_.bbox.width
