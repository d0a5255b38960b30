import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_iris

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import RepresentativesDisplay
from kmeans_labelprop.inspection._plotting import VERMILLION

X = np.arange(9 * 4.0).reshape(9, 4)
LABELS = [0, 0, 1, 1, 1, 1, 2, 2, 2]
Y = [5, 5, 8, 8, 8, 5, -1, -1, -1]
REPRESENTATIVES = [0, 5, 7]
GIVEN = [5, 5, -1]


def draw(X=X, y=Y, **kwargs):
    kwargs = {"image_shape": (2, 2)} | kwargs
    return RepresentativesDisplay.from_predictions(
        X, LABELS, REPRESENTATIVES, GIVEN, y, **kwargs
    )


def captions(display):
    return [ax.get_title() for ax in display.axes_]


def is_framed(ax):
    return ax.spines["top"].get_edgecolor() == to_rgba(VERMILLION)


@pytest.mark.parametrize("container", [np.asarray, csr_array, pd.DataFrame])
def test_cells(container):
    display = draw(container(X))
    # The largest cluster first.
    assert_array_equal(display.order_, [1, 2, 0])
    assert captions(display) == ["5\nn=4, 75%", "no label\nn=3", "5\nn=2, 100%"]
    for ax, row in zip(display.axes_, [5, 7, 0], strict=True):
        assert_array_equal(ax.images[0].get_array(), X[row].reshape(2, 2))
    # 5 is not what most of cluster 1 is; of the others that is not known, or not so.
    assert [is_framed(ax) for ax in display.axes_] == [True, False, False]
    assert display.ax_.get_title(loc="left") == (
        "n: cluster size, %: purity, framed: not the majority"
    )


def test_without_true_labels():
    display = draw(y=None)
    assert captions(display) == ["5\nn=4", "no label\nn=3", "5\nn=2"]
    assert not any(is_framed(ax) for ax in display.axes_)
    assert display.ax_.get_title(loc="left") == "n: cluster size"


def test_a_tie_is_a_majority():
    display = draw(y=[5, 5, 8, 8, 5, 5, -1, -1, -1])
    assert not any(is_framed(ax) for ax in display.axes_)


def test_renderer_and_names():
    drawn = []

    def render(ax, sample):
        drawn.append(np.asarray(sample))
        ax.plot(sample)

    names = {5: "a name that is much too long"}
    display = draw(image_shape=None, renderer=render, display_labels=names)
    assert_array_equal(drawn, X[[5, 7, 0]])
    assert len(display.axes_[0].lines) == 1
    assert captions(display)[0] == "a name th…long\nn=4, 75%"
    frame = draw(
        pd.DataFrame(X, columns=list("abcd")),
        image_shape=None,
        renderer=lambda ax, sample: ax.set_xlabel(sample["b"]),
    )
    assert frame.axes_[0].get_xlabel() == "21.0"


def test_names_in_order_and_with_dollars(picture):
    display = draw(X.tolist(), display_labels=["$5-$10"])
    assert captions(display)[0] == "\\$5-\\$10\nn=4, 75%"
    picture(display.figure_)  # no mathematics in it
    assert captions(draw(display_labels=[r"$\alpha {x"]))[0].startswith("\\$")
    assert sum(caption.startswith("no label") for caption in captions(display)) == 1


def test_labels_of_another_kind_than_y_are_refused():
    names = np.array(["five", "eight", "-1"])[[0, 0, 1, 1, 1, 0, 2, 2, 2]]
    with pytest.raises(TypeError, match="both strings or both numbers"):
        draw(y=names)
    # Without a label there is nothing to compare.
    unlabelled = RepresentativesDisplay.from_predictions(
        X, LABELS, REPRESENTATIVES, [None] * 3, names, image_shape=(2, 2)
    )
    assert all(caption.startswith("no label") for caption in captions(unlabelled))


def test_the_mark_is_the_propagators():
    X, y = load_iris(return_X_y=True)
    signs = np.where(y == 0, -1, 1)
    fitted = KMeansLabelPropagator(6, missing_label=0, random_state=0).fit(X, signs)
    display = RepresentativesDisplay.from_estimator(
        fitted, X, signs, image_shape=(2, 2)
    )
    assert display.labels == fitted.representative_labels_.tolist()
    assert set(display.labels) == {-1, 1}
    assert np.isfinite(display.purities).all()


def test_only_propagators_have_representatives(blobs):
    kmeans = KMeans(3, random_state=0).fit(blobs[0])
    with pytest.raises(TypeError, match=r"KMeansLabelPropagator .* Got KMeans instead"):
        RepresentativesDisplay.from_estimator(kmeans, blobs[0], image_shape=(1, 2))


def test_colours_from_0_to_255_are_not_cut():
    colours = np.linspace(0, 255, 9 * 12).reshape(9, 12)
    display = draw(colours, image_shape=(2, 2, 3))
    drawn = display.axes_[0].images[0].get_array()
    assert_array_equal(drawn, colours[5].reshape(2, 2, 3) / 255)


def test_colour_images():
    colours = np.linspace(0, 1, 9 * 12).reshape(9, 12)
    display = draw(colours, image_shape=(2, 2, 3))
    assert display.axes_[0].images[0].get_array().shape == (2, 2, 3)


@pytest.mark.parametrize("n_clusters", [5, 7, 100])
def test_digits(n_clusters, assert_legible):
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(n_clusters, random_state=0).fit(X, y)
    names = {i: f"category {i}" for i in range(10)}
    display = RepresentativesDisplay.from_estimator(
        propagator, X, y, image_shape=(8, 8), display_labels=names
    )
    assert len(display.axes_) == n_clusters
    assert assert_legible(display.figure_) == n_clusters + 1
    largest = np.bincount(propagator.labels_).argmax()
    position = np.flatnonzero(propagator.representative_clusters_ == largest)[0]
    assert display.order_[0] == position
    share = np.bincount(y[propagator.labels_ == largest]).max() / np.sum(
        propagator.labels_ == largest
    )
    label = propagator.representative_labels_[position]
    size = np.bincount(propagator.labels_)[largest]
    assert captions(display)[0] == f"category {label}\nn={size}, {share:.0%}"


def test_only_the_largest():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(30, random_state=0).fit(X, y)
    figure, axes = plt.subplots(1, 2, figsize=(14, 7))
    display = RepresentativesDisplay.from_estimator(
        propagator, X, image_shape=(8, 8), max_representatives=9, ax=axes[0]
    )
    assert len(display.axes_) == 9
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert display.ax_.get_title(loc="left") == "9 of 30, n: cluster size"
    sizes = np.bincount(propagator.labels_)[propagator.representative_clusters_]
    assert sizes[display.order_].min() >= np.sort(sizes)[-9]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"image_shape": None}, "needs either 'image_shape' or 'renderer'"),
        ({"renderer": print}, "needs either 'image_shape' or 'renderer'"),
        ({"image_shape": (3, 2)}, r"with 4 pixels.* Got \(3, 2\) instead"),
        ({"image_shape": 4}, r"must be a tuple with 4 pixels.* Got 4 instead"),
        ({"max_representatives": 0}, r"must be a whole number, 1 or more. Got 0"),
        ({"max_representatives": 2.5}, r"must be a whole number.* Got 2\.5"),
        ({"X": X[:8]}, "inconsistent numbers of samples"),
        ({"display_labels": ["a", "b"]}, "one name for each of the 1 classes"),
    ],
)
def test_bad_parameters(kwargs, message):
    with pytest.raises(ValueError, match=message):
        draw(**kwargs)


def test_pictures(picture):
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(5, random_state=0).fit(X, y)
    display = RepresentativesDisplay.from_estimator(
        propagator, X, y, image_shape=(8, 8), cmap="gray"
    )
    figure = display.figure_
    pixels = picture(figure)[::-1, :, 0]
    # The middle of each pixel of each image has the grey of the sample's value.
    for ax, position in zip(display.axes_, display.order_, strict=True):
        sample = X[propagator.representative_indices_[position]].reshape(8, 8)
        points = [(column, row) for row in range(8) for column in range(8)]
        across, up = ax.transData.transform(points).round().astype(int).T
        shown = pixels[up, across] / 255
        expected = (sample - sample.min()) / np.ptp(sample)
        np.testing.assert_allclose(shown, expected.ravel(), atol=0.01)
