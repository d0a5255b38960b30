import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs

from kmeans_labelprop.inspection import ElbowDisplay
from kmeans_labelprop.model_selection import cluster_count_curve


@pytest.fixture(scope="module")
def blobs():
    return make_blobs(300, centers=5, cluster_std=0.5, random_state=3)[0]


@pytest.fixture(scope="module")
def curve(blobs):
    return cluster_count_curve(blobs, range(2, 13), n_repeats=4, random_state=0)


def legend_texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_curve_band_and_knee(curve, assert_legible):
    display = ElbowDisplay(curve).plot()
    assert_array_equal(display.line_.get_xdata(), np.arange(2, 13))
    assert_allclose(display.line_.get_ydata(), curve.mean["inertia"])
    vertices = display.band_.get_paths()[0].vertices
    for low, high, k in zip(
        curve.mean["inertia"] - curve.std["inertia"],
        curve.mean["inertia"] + curve.std["inertia"],
        curve.n_clusters,
        strict=True,
    ):
        at_k = vertices[vertices[:, 0] == k, 1]
        assert_allclose([at_k.min(), at_k.max()], [low, high])
    assert curve.knee["inertia"] == 5
    assert_array_equal(display.mark_.get_xdata(), [5, 5])
    assert legend_texts(display.ax_) == ["mean ± std, 4 repeats", "knee: 5 clusters"]
    assert display.ax_.get_xlabel() == "Number of clusters"
    assert display.ax_.get_ylabel() == "Inertia"
    assert display.figure_ is display.ax_.figure
    assert assert_legible(display.figure_) > 8
    ticks = display.ax_.get_xticks()
    assert_array_equal(ticks, np.round(ticks))


def test_another_metric_on_given_axes(curve):
    figure, axes = plt.subplots(1, 2)
    display = ElbowDisplay(curve, metric="davies_bouldin").plot(ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].lines
    assert axes[1].get_ylabel() == "Davies-Bouldin index"
    assert_allclose(display.line_.get_ydata(), curve.mean["davies_bouldin"])


def test_from_estimator(blobs):
    display = ElbowDisplay.from_estimator(
        MiniBatchKMeans(), blobs, [2, 4, 5, 6, 9], random_state=0
    )
    expected = cluster_count_curve(
        blobs, [2, 4, 5, 6, 9], clusterer=MiniBatchKMeans(), random_state=0
    )
    assert_allclose(display.line_.get_ydata(), expected.mean["inertia"])
    assert display.band_ is None
    assert display.curve.knee["inertia"] == expected.knee["inertia"] == 5
    E = blobs[:, :1]
    other = ElbowDisplay.from_estimator(
        MiniBatchKMeans(),
        E,
        [2, 4, 6],
        metric="silhouette",
        n_repeats=2,
        sample_size=100,
        random_state=0,
    )
    assert other.curve.values["silhouette"].shape == (3, 2)
    assert (other.curve.sampling_error["silhouette"] > 0).all()


def test_from_predictions():
    display = ElbowDisplay.from_predictions([5, 2, 3, 4], [19, 100, 60, 20])
    assert_array_equal(display.line_.get_xdata(), [2, 3, 4, 5])
    assert_array_equal(display.line_.get_ydata(), [100, 60, 20, 19])
    assert_array_equal(display.mark_.get_xdata(), [4, 4])
    rising = ElbowDisplay.from_predictions(
        [2, 3, 4, 5], [[0, 0], [9, 8], [9, 9], [10, 10]], metric="silhouette"
    )
    # The best is marked where there is one, and not the knee.
    assert rising.curve.knee["silhouette"] == 3
    assert_array_equal(rising.mark_.get_xdata(), [5, 5])
    band = rising.band_.get_paths()[0].get_extents()
    assert_array_equal(band.intervalx, [2, 5])
    assert_allclose(band.intervaly, [0, 10])


def test_no_knee_draws_no_line():
    display = ElbowDisplay.from_predictions([2, 3, 4], [3, 2, 1])
    assert display.mark_ is None
    assert len(display.ax_.lines) == 1
    assert display.ax_.get_legend() is None


def test_two_curves_differ_without_colours(curve):
    first = ElbowDisplay(curve).plot(name="a")
    second = ElbowDisplay(curve).plot(name="b", ax=first.ax_)
    assert first.line_.get_linestyle() != second.line_.get_linestyle()
    assert first.line_.get_marker() != second.line_.get_marker()
    assert first.line_.get_color() != second.line_.get_color()
    assert second.mark_.get_color() == second.line_.get_color()
    assert legend_texts(second.ax_)[2] == "b (mean ± std, 4 repeats)"
    styled = ElbowDisplay(curve).plot(line_kw={"color": "black"})
    assert styled.line_.get_color() == "black"


def test_mean_silhouette(blobs, assert_legible):
    curve = cluster_count_curve(
        blobs, range(2, 9), n_repeats=3, sample_size=100, random_state=0
    )
    display = ElbowDisplay(curve, metric="silhouette").plot()
    assert_allclose(display.line_.get_ydata(), curve.mean["silhouette"])
    assert_array_equal(display.mark_.get_xdata(), [curve.best["silhouette"]] * 2)
    assert legend_texts(display.ax_) == [
        "mean ± std, 3 repeats",
        f"best: {curve.best['silhouette']} clusters",
        "± 2 standard errors of the sample",
    ]
    # The bars are as long as the sampling error says.
    bars = display.ax_.collections[-1].get_segments()
    error = np.sqrt((curve.sampling_error["silhouette"] ** 2).mean(axis=1))
    assert_allclose([bar[1, 1] - bar[0, 1] for bar in bars], 4 * error)
    assert_legible(display.figure_)
    exact = cluster_count_curve(blobs, range(2, 9), random_state=0)
    plain = ElbowDisplay(exact, metric="silhouette").plot(name="all")
    assert plain.band_ is None
    best = f"best: {exact.best['silhouette']} clusters"
    assert legend_texts(plain.ax_) == ["all", best]


def test_bad_input(curve):
    with pytest.raises(ValueError, match="one of the curve's metrics"):
        ElbowDisplay(curve, metric="gap").plot()
    with pytest.raises(ValueError, match=r"3 numbers of clusters. Got shape \(2, 1\)"):
        ElbowDisplay.from_predictions([2, 3, 4], [1, 2])
    with pytest.raises(ValueError, match="'metric' parameter must be one of"):
        ElbowDisplay.from_predictions([2, 3], [1, 2], metric="gap")
    with pytest.raises(ValueError, match="'metrics'"):
        ElbowDisplay.from_estimator(KMeans(), [[0.0], [1.0]], [1], metric="gap")
