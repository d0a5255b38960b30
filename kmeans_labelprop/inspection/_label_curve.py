"""What more labels are likely to bring, as a learning curve goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._selection._label_curve import EXPONENT, LabelLearningCurve
from ._plotting import DARK, CurveDisplay, draw_band, draw_curve


@dataclass(eq=False, repr=False)
class LabelCurveDisplay(CurveDisplay):
    """Accuracy with fewer and more labels than now, as a learning curve tells it.

    Accuracies on hidden labels are brought to the scale of all samples, by the same
    factor as the gains to expect.

    Parameters
    ----------
    curve : LabelLearningCurve
        What :func:`~kmeans_labelprop.model_selection.label_learning_curve` gave.
    n_more : int, default=None
        How many more labels to look ahead; None for as many as there are now, or all
        samples that are left.
    confidence_level : float, default=0.8
        How often the interval is to hold the true gain, in (0, 1).

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean over the repeats, up to now.
    spread_ : matplotlib Collection or None
        One standard deviation of the repeats; None for a single one.
    extension_ : matplotlib Line2D
        The gains to expect, dashed.
    band_ : matplotlib Collection
        Their intervals.
    now_ : matplotlib Line2D
        The line at the number of labels there are.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    AuditDisplay : How right the propagated labels are now, from a random sample.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.inspection import LabelCurveDisplay
    >>> from kmeans_labelprop.model_selection import label_learning_curve
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=40, random_state=0).fit(X, y)
    >>> curve = label_learning_curve(propagator, random_state=0)
    >>> display = LabelCurveDisplay(curve).plot()
    >>> display.ax_.get_xlabel()
    'Number of labels'
    """

    curve: LabelLearningCurve
    n_more: int | None = None
    confidence_level: float = 0.8

    _legend: ClassVar[dict[str, Any]] = {"loc": "lower right"}

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        curve, n_more, level = self.curve, self.n_more, self.confidence_level
        if n_more is None:
            n_more = min(curve.n_labels, curve.n_samples - curve.n_labels)
        curve.expected_gain(n_more, level)  # checks both
        steps = np.unique(np.linspace(1, n_more, 50).astype(int))
        expected = [curve.expected_gain(step, level) for step in steps.tolist()]
        # Zero is where the last point leads to, by the power law; all meet there.
        gain, low, high = 100 * np.array([(0, 0, 0), *expected]).T
        x = curve.n_labels + np.append(0, steps)
        last_error = 1 - curve.accuracies[-1].mean()
        now = 1 - last_error * (curve.budgets[-1] / curve.n_labels) ** EXPONENT
        past = 100 * curve.scale * (curve.accuracies - now)

        label = "by part of the labels" if name is None else name
        self.line_, self.spread_ = draw_curve(ax, curve.budgets, past, label, line_kw)
        color = self.line_.get_color()
        (self.extension_,) = ax.plot(
            np.append(curve.budgets[-1], x),
            np.append(past[-1].mean(), gain),
            color=color,
            linestyle="--",
            label=f"to expect, {100 * level:.4g} % interval",
        )
        self.band_ = draw_band(ax, x, low, high, color)
        label = f"now, {curve.n_labels:,} labels"
        style = {"color": DARK, "linestyle": ":", "linewidth": 1}
        self.now_ = ax.axvline(curve.n_labels, label=label, **style)
        ax.set_xlabel("Number of labels")
        ax.set_ylabel("Accuracy compared with now, points")
