import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import LabelCurveDisplay
from kmeans_labelprop.model_selection import LabelLearningCurve, label_learning_curve


@pytest.fixture(scope="module")
def curve():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(40, random_state=0).fit(X, y)
    return label_learning_curve(propagator, random_state=0)


def band_ends(band, x):
    """Read the lower and the upper end of a band at x."""
    vertices = band.get_paths()[0].vertices
    heights = vertices[np.isclose(vertices[:, 0], x), 1]
    return heights.min(), heights.max()


def test_it_shows_the_curve(curve, assert_legible):
    display = LabelCurveDisplay(curve).plot()
    assert_array_equal(display.line_.get_xdata(), curve.budgets)
    # Steps between budgets are those on hidden labels, on the scale of all samples.
    steps = 100 * curve.scale * np.diff(curve.accuracies.mean(axis=1))
    assert_allclose(np.diff(display.line_.get_ydata()), steps)
    assert np.all(display.line_.get_ydata() < 0)
    low, high = band_ends(display.spread_, curve.budgets[0])
    std = 100 * curve.scale * curve.accuracies[0].std()
    assert high - low == pytest.approx(2 * std)
    assert display.ax_.get_xlabel() == "Number of labels"
    assert display.ax_.get_ylabel() == "Accuracy compared with now, points"
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == [
        "by part of the labels (mean ± std, 4 repeats)",
        "to expect, 80 % interval",
        "now, 40 labels",
    ]
    assert_legible(display.figure_)


def test_the_extension_is_what_the_curve_expects(curve):
    display = LabelCurveDisplay(curve).plot()
    x, y = display.extension_.get_data()
    gain, low, high = (100 * share for share in curve.expected_gain(40))
    assert display.extension_.get_linestyle() == "--"
    assert (x[-1], y[-1]) == (80, pytest.approx(gain))
    assert band_ends(display.band_, 80) == pytest.approx((low, high))
    # It starts where the curve ends, and is 0 at what there is now.
    assert (x[0], y[0]) == (30, pytest.approx(display.line_.get_ydata()[-1]))
    assert (x[1], y[1]) == (40, 0)
    assert band_ends(display.band_, 40) == (0, 0)
    assert_array_equal(display.now_.get_xdata(), [40, 40])


def test_how_far_and_how_sure_can_be_chosen(curve, assert_legible):
    near = LabelCurveDisplay(curve, n_more=10, confidence_level=0.5).plot()
    gain, low, high = (100 * share for share in curve.expected_gain(10, 0.5))
    assert near.extension_.get_xdata()[-1] == 50
    assert near.extension_.get_ydata()[-1] == pytest.approx(gain)
    assert band_ends(near.band_, 50) == pytest.approx((low, high))
    legend = [text.get_text() for text in near.ax_.get_legend().get_texts()]
    assert legend[1] == "to expect, 50 % interval"
    assert_legible(near.figure_)


def test_no_farther_than_there_are_samples(curve):
    few = LabelLearningCurve(40, 0, 7, curve.budgets, curve.accuracies)
    display = LabelCurveDisplay(few).plot()
    assert display.extension_.get_xdata()[-1] == 47
    with pytest.raises(ValueError, match="without a label, 7"):
        LabelCurveDisplay(few, n_more=8).plot()


def test_all_samples_have_a_label(curve):
    done = LabelLearningCurve(40, 0, 0, curve.budgets, curve.accuracies)
    with pytest.raises(ValueError, match="'n_more' parameter"):
        LabelCurveDisplay(done).plot()


def test_a_single_repeat_has_no_band_of_its_own(curve):
    single = LabelLearningCurve(40, 0, 960, curve.budgets, curve.accuracies[:, :1])
    display = LabelCurveDisplay(single).plot()
    assert display.spread_ is None
    # It runs from the labels there are to those to come.
    assert display.band_.get_paths()[0].get_extents().intervalx[0] == 40


def test_keywords_and_axes(curve):
    first = LabelCurveDisplay(curve).plot(name="digits")
    second = LabelCurveDisplay(curve).plot(ax=first.ax_, line_kw={"color": "#123456"})
    assert second.figure_ is first.figure_
    assert first.line_.get_label() == "digits (mean ± std, 4 repeats)"
    assert second.line_.get_color() == second.extension_.get_color() == "#123456"
