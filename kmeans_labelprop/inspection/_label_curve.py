"""What more labels are likely to bring, as a learning curve goes on."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from .._selection._label_curve import EXPONENT, LabelLearningCurve
from ._plotting import DARK, draw_band, draw_curve, import_pyplot, make_axes


class LabelCurveDisplay:
    """Accuracy with fewer and more labels than now, as a learning curve tells it.

    Use :meth:`from_curve` for the result of
    :func:`~kmeans_labelprop.model_selection.label_learning_curve`.

    Parameters
    ----------
    n_labels : int
        Number of labels there are now.
    budgets : array-like of shape (n_budgets,)
        Smaller numbers of labels.
    past : array-like of shape (n_budgets, n_repeats)
        Accuracy with so many of the labels, minus that of now.
    n_more : array-like of shape (n_steps,)
        Numbers of further labels, ascending.
    gain : array-like of shape (n_steps,)
        Gain in accuracy to expect of each.
    low : array-like of shape (n_steps,)
        Lower end of the interval of each.
    high : array-like of shape (n_steps,)
        Upper end of the interval of each.
    confidence_level : float, default=0.8
        How often each interval is to hold the true gain, for the legend.

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
    >>> display = LabelCurveDisplay.from_curve(curve)
    >>> display.ax_.get_xlabel()
    'Number of labels'
    """

    def __init__(
        self,
        n_labels: int,
        budgets: ArrayLike,
        past: ArrayLike,
        n_more: ArrayLike,
        gain: ArrayLike,
        low: ArrayLike,
        high: ArrayLike,
        *,
        confidence_level: float = 0.8,
    ) -> None:
        self.n_labels = n_labels
        self.budgets = budgets
        self.past = past
        self.n_more = n_more
        self.gain = gain
        self.low = low
        self.high = high
        self.confidence_level = confidence_level

    @classmethod
    def from_curve(
        cls,
        curve: LabelLearningCurve,
        *,
        n_more: int | None = None,
        confidence_level: float = 0.8,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a learning curve, and how it is likely to go on.

        Accuracies on hidden labels are brought to the scale of all samples, by the
        same factor as the gains to expect.

        Parameters
        ----------
        curve : LabelLearningCurve
            What :func:`~kmeans_labelprop.model_selection.label_learning_curve` gave.
        n_more : int, default=None
            How many more labels to look ahead; None for as many as there are now, or
            all samples that are left.
        confidence_level : float, default=0.8
            How often the interval is to hold the true gain, in (0, 1).
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : LabelCurveDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        if n_more is None:
            n_more = min(curve.n_labels, curve.n_samples - curve.n_labels)
        curve.expected_gain(n_more, confidence_level)  # checks both
        steps = np.unique(np.linspace(1, n_more, 50).astype(int))
        ends = np.array(
            [curve.expected_gain(step, confidence_level) for step in steps.tolist()]
        )
        # Zero is where the last point leads to, by the power law.
        last_error = 1 - curve.accuracies[-1].mean()
        now = 1 - last_error * (curve.budgets[-1] / curve.n_labels) ** EXPONENT
        display = cls(
            curve.n_labels,
            curve.budgets,
            curve.scale * (curve.accuracies - now),
            steps,
            *ends.T,
            confidence_level=confidence_level,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curve and its extension.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        name : str, default=None
            What the legend calls the curve.
        line_kw : dict, default=None
            Keywords for matplotlib's ``plot``.

        Returns
        -------
        display : LabelCurveDisplay
            The display itself.
        """
        budgets, past, n_more, gain, low, high = (
            np.asarray(values, dtype=np.float64)
            for values in (
                self.budgets,
                self.past,
                self.n_more,
                self.gain,
                self.low,
                self.high,
            )
        )
        if past.ndim != 2 or len(past) != len(budgets):
            raise ValueError(
                f"'past' must have one row for each of the {budgets.size} budgets. Got "
                f"shape {past.shape} instead."
            )
        for what, values in (("gain", gain), ("low", low), ("high", high)):
            if values.shape != n_more.shape:
                raise ValueError(
                    f"'{what}' must hold one value for each of the {n_more.size} "
                    f"numbers of labels. Got shape {values.shape} instead."
                )
        ax = make_axes(type(self).__name__, ax)
        label = "by part of the labels" if name is None else name
        self.line_, self.spread_ = draw_curve(ax, budgets, 100 * past, label, line_kw)
        color = self.line_.get_color()
        # All meet at what there is now.
        x = self.n_labels + np.r_[0, n_more]
        low, high = (np.r_[0, 100 * values] for values in (low, high))
        interval = f"{100 * self.confidence_level:.4g} % interval"
        (self.extension_,) = ax.plot(
            np.r_[budgets[-1], x],
            np.r_[100 * past[-1].mean(), 0, 100 * gain],
            color=color,
            linestyle="--",
            label=f"to expect, {interval}",
        )
        self.band_ = draw_band(ax, x, low, high, color)
        self.now_ = ax.axvline(
            self.n_labels,
            color=DARK,
            linestyle=":",
            linewidth=1,
            label=f"now, {self.n_labels:,} labels",
        )
        ax.set(
            xlabel="Number of labels",
            ylabel="Accuracy compared with now, points",
        )
        ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, ax.figure
        return self
