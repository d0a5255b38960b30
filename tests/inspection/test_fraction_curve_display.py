import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import FractionCurveDisplay

# One cluster of four, one of two; the propagated label is wrong at 3 and 4.
Y_TRUE = [0, 0, 0, 1, 0, 1]
SPREAD = [0, 0, 0, 0, 1, 1]
CONFIDENCE = [0.5, 1.0, 0.75, 0.25, 1.0, 0.5]
LABELS = [0, 0, 0, 0, 1, 1]


def test_accuracy_at_each_fraction(assert_legible):
    display = FractionCurveDisplay.from_predictions(
        Y_TRUE, SPREAD, CONFIDENCE, LABELS, fractions=[0, 0.5, 0.75, 1]
    )
    # Kept: {1; 4}, {1, 2; 4}, {1, 2, 0; 4, 5} (half of 1.5 upwards), all.
    assert_allclose(display.accuracies[:, 0], [1 / 2, 2 / 3, 4 / 5, 4 / 6])
    assert_array_equal(display.n_labels[:, 0], [2, 3, 5, 6])
    assert_array_equal(display.line_.get_xdata(), [0, 0.5, 0.75, 1])
    assert_allclose(display.line_.get_ydata(), display.accuracies[:, 0])
    assert display.band_ is None
    assert display.ax_.get_ylabel() == "Accuracy of the propagated labels"
    assert_legible(display.figure_)


def test_what_is_given_is_kept_first():
    display = FractionCurveDisplay.from_predictions(
        Y_TRUE,
        SPREAD,
        CONFIDENCE,
        LABELS,
        representative_indices=[3, 5],
        fractions=[0],
    )
    assert_allclose(display.accuracies, [[1 / 2]])
    right = FractionCurveDisplay.from_predictions(
        Y_TRUE,
        SPREAD,
        CONFIDENCE,
        LABELS,
        representative_indices=[0, 5],
        fractions=[0],
    )
    assert_allclose(right.accuracies, [[1]])


def test_unlabelled_samples_do_not_count():
    display = FractionCurveDisplay.from_predictions(
        [0, -1, 0, 1, 0, 1], [0, 0, 0, 0, -1, -1], CONFIDENCE, LABELS, fractions=[1]
    )
    assert_allclose(display.accuracies, [[2 / 3]])
    assert_array_equal(display.n_labels, [[3]])


def test_it_agrees_with_the_propagator(assert_legible):
    X, y = load_digits(return_X_y=True)
    fractions = [0, 0.2, 0.55, 0.7, 1]
    propagators = [
        KMeansLabelPropagator(30, fraction=0.1, random_state=seed).fit(X, y)
        for seed in range(3)
    ]
    display = FractionCurveDisplay.from_estimator(propagators, y, fractions=fractions)
    assert display.accuracies.shape == (5, 3)
    for i, fraction in enumerate(fractions):
        for j, propagator in enumerate(propagators):
            fitted = clone(propagator).set_params(fraction=fraction).fit(X, y)
            kept = fitted.sample_indices_
            assert display.n_labels[i, j] == len(kept)
            assert display.accuracies[i, j] == pytest.approx(
                np.mean(fitted.transduction_[kept] == y[kept])
            )
    assert_allclose(display.line_.get_ydata(), display.accuracies.mean(axis=1))
    vertices = display.band_.get_paths()[0].vertices
    at_one = vertices[vertices[:, 0] == 1, 1]
    mean, std = display.accuracies[-1].mean(), display.accuracies[-1].std()
    assert_allclose([at_one.min(), at_one.max()], [mean - std, mean + std])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["mean ± std, 3 repeats"]
    assert_legible(display.figure_)
    single = FractionCurveDisplay.from_estimator(propagators[1], y, fractions=fractions)
    assert_array_equal(single.accuracies[:, 0], display.accuracies[:, 1])


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_known_labels_are_kept_at_every_fraction(rule):
    X, y = load_iris(return_X_y=True)
    partly = np.where(np.arange(len(y)) % 3 == 0, y, -1)
    fitted = KMeansLabelPropagator(6, propagation=rule, random_state=0).fit(X, partly)
    fractions = [0, 0.2, 0.6, 1]
    display = FractionCurveDisplay.from_estimator(fitted, y, fractions=fractions)
    # Facts, and nothing else.
    assert display.n_labels[0, 0] == np.sum(partly >= 0) == 50
    assert display.accuracies[0, 0] == 1
    for i, fraction in enumerate(fractions):
        kept = fitted.set_params(fraction=fraction).propagate({}).sample_indices_
        assert display.n_labels[i, 0] == len(kept)
        right = np.mean(fitted.transduction_[kept] == y[kept])
        assert display.accuracies[i, 0] == pytest.approx(right)
    assert display.accuracies[3, 0] < 1


def test_default_fractions():
    display = FractionCurveDisplay.from_predictions(Y_TRUE, SPREAD, CONFIDENCE, LABELS)
    assert_allclose(display.fractions, np.linspace(0.05, 1, 20))


def test_a_classifier_in_the_same_axes(assert_legible):
    first = FractionCurveDisplay.from_predictions(
        Y_TRUE, SPREAD, CONFIDENCE, LABELS, name="labels"
    )
    second = FractionCurveDisplay([0.1, 1], [[0.5, 0.7], [0.6, 0.8]])
    second.plot(ax=first.ax_, name="network")
    assert second.ax_ is first.ax_
    assert len(first.ax_.lines) == 2
    assert_allclose(second.line_.get_ydata(), [0.6, 0.7])
    assert first.line_.get_linestyle() != second.line_.get_linestyle()
    assert first.ax_.get_ylabel() == "Accuracy"
    texts = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert texts == ["labels", "network (mean ± std, 2 repeats)"]
    assert_legible(first.figure_)


@pytest.mark.parametrize(
    "fractions", [[], [0.5, 1.5], [-0.1], [[0.5]], [np.nan], 0.5, np.array(1)]
)
def test_bad_fractions(fractions):
    with pytest.raises(ValueError, match="'fractions' parameter must be numbers betw"):
        FractionCurveDisplay.from_predictions(
            Y_TRUE, SPREAD, CONFIDENCE, LABELS, fractions=fractions
        )


def test_bad_input():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        FractionCurveDisplay.from_predictions(Y_TRUE, SPREAD, CONFIDENCE, LABELS[:5])
    with pytest.raises(ValueError, match=r"2 fractions. Got shape \(3, 1\)"):
        FractionCurveDisplay([0.5, 1], [1, 2, 3]).plot()
    with pytest.raises(NotFittedError):
        FractionCurveDisplay.from_estimator(KMeansLabelPropagator(), Y_TRUE)
    with pytest.raises(ValueError, match="must hold a propagator or more"):
        FractionCurveDisplay.from_estimator([], Y_TRUE)


def test_each_propagator_has_its_own_mark():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    partly = np.where(np.arange(len(y)) % 10, "unknown", names)
    fitted = KMeansLabelPropagator(
        12, propagation="cluster", missing_label="unknown", random_state=0
    )
    with pytest.warns(UserWarning, match="clusters have no label"):
        fitted.fit(X, partly)
    is_reached = fitted.transduction_ != "unknown"
    right = np.mean(fitted.transduction_[is_reached] == names[is_reached])
    display = FractionCurveDisplay.from_estimator(fitted, names, fractions=[1])
    assert display.accuracies[0, 0] == right
    # y_true may have another mark.
    known = np.where(y == 2, "?", names)
    display = FractionCurveDisplay.from_estimator(
        fitted, known, fractions=[1], missing_label="?"
    )
    is_known = is_reached & (y < 2)
    assert display.n_labels[0, 0] == is_known.sum()
    # A class that is called -1 is a class.
    signs = np.where(y == 0, -1, 1)
    fitted = KMeansLabelPropagator(6, missing_label=0, random_state=0).fit(X, signs)
    display = FractionCurveDisplay.from_estimator(fitted, signs, fractions=[1])
    assert display.n_labels[0, 0] == len(y)


def test_the_band_of_a_single_fraction_is_seen(picture):
    alone = FractionCurveDisplay([0.5], [[0.7, 0.9]]).plot()
    (segment,) = alone.band_.get_segments()
    np.testing.assert_allclose(segment, [[0.5, 0.7], [0.5, 0.9]])
    without = picture(FractionCurveDisplay([0.5], [[0.8, 0.8]]).plot().figure_)
    assert (picture(alone.figure_) != without).any()
