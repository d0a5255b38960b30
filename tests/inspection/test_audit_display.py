from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import AuditDisplay
from kmeans_labelprop.model_selection import audit_propagation, draw_audit


@pytest.fixture(scope="module")
def audit():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(50, propagation="cluster", random_state=0)
    propagator.fit(X, y)
    positions = draw_audit(propagator, 300, random_state=0)
    return audit_propagation(propagator, positions, y[positions])


def band_ends(band, x):
    """Read the lower and the upper end of a band at x."""
    vertices = band.get_paths()[0].vertices
    heights = vertices[np.isclose(vertices[:, 0], x), 1]
    return heights.min(), heights.max()


def test_it_shows_the_audit(audit, assert_legible):
    display = AuditDisplay(audit).plot()
    assert_array_equal(display.line_.get_xdata(), audit.fractions)
    assert_array_equal(display.line_.get_ydata(), audit.accuracy)
    for i, fraction in enumerate(audit.fractions):
        assert band_ends(display.band_, fraction) == (audit.low[i], audit.high[i])
    assert display.target_ is None
    assert display.largest_ is None
    assert display.ax_.get_ylabel() == "Accuracy of the propagated labels"
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["estimate, 95 % confidence interval"]
    assert_legible(display.figure_)


def test_target_and_largest_fraction(audit, assert_legible):
    display = AuditDisplay(audit, target=0.95).plot()
    expected = audit.largest_fraction(0.95)
    assert 0 < expected < 1
    assert_array_equal(display.target_.get_ydata(), [0.95, 0.95])
    assert_array_equal(display.largest_.get_xdata(), [expected, expected])
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend[1:] == [
        "target, 0.95",
        f"largest fraction shown to reach it, {expected:g}",
    ]
    assert_legible(display.figure_)


def test_a_target_that_is_not_reached(audit):
    display = AuditDisplay(audit, target=0.9999).plot()
    assert_array_equal(display.target_.get_ydata(), [0.9999, 0.9999])
    assert display.largest_ is None


def test_two_audits_on_the_same_axes(audit):
    first = AuditDisplay(audit).plot(name="digits")
    second = AuditDisplay(audit).plot(name="again", ax=first.ax_)
    assert second.figure_ is first.figure_
    assert first.line_.get_color() != second.line_.get_color()
    assert first.line_.get_label() == "digits, 95 % confidence interval"


def test_keywords_reach_the_line(audit):
    display = AuditDisplay(audit).plot(line_kw={"color": "#123456"})
    assert display.line_.get_color() == "#123456"


def test_the_interval_of_a_single_fraction_is_seen(audit):
    one = replace(
        audit,
        **{
            name: getattr(audit, name)[-1:]
            for name in ("fractions", "accuracy", "low", "high")
        },
    )
    (segment,) = AuditDisplay(one).plot().band_.get_segments()
    np.testing.assert_allclose(segment, [[1, audit.low[-1]], [1, audit.high[-1]]])
