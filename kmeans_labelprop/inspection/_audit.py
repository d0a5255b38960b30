"""Accuracy of propagated labels as an audit estimates it, against the fraction."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..model_selection._audit import PropagationAudit
from ._plotting import DARK, draw_band, draw_curve, import_pyplot, make_axes


class AuditDisplay:
    """Accuracy of propagated labels with confidence intervals, against the fraction.

    Use :meth:`from_audit` for the result of
    :func:`~kmeans_labelprop.model_selection.audit_propagation`.

    Parameters
    ----------
    fractions : array-like of shape (n_fractions,)
        The fractions, ascending.
    accuracy : array-like of shape (n_fractions,)
        The estimate at each; NaN where there is none.
    low : array-like of shape (n_fractions,)
        Lower end of the confidence interval of each.
    high : array-like of shape (n_fractions,)
        Upper end of the confidence interval of each.
    confidence_level : float, default=0.95
        Confidence level of each interval, for the legend.
    target : float, default=None
        An accuracy wanted, drawn as a line.
    largest_fraction : float, default=None
        The largest fraction that is shown to reach it; None if there is none.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The estimates.
    band_ : matplotlib Collection
        The confidence intervals.
    target_ : matplotlib Line2D or None
        The line at the target; None without one.
    largest_ : matplotlib Line2D or None
        The line at the largest fraction; None where there is none.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    FractionCurveDisplay : The same where all true labels are known.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.inspection import AuditDisplay
    >>> from kmeans_labelprop.model_selection import audit_propagation, draw_audit
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=50, random_state=0).fit(X, y)
    >>> positions = draw_audit(propagator, 200, random_state=0)
    >>> audit = audit_propagation(propagator, positions, y[positions])
    >>> display = AuditDisplay.from_audit(audit, target=0.9)
    >>> display.largest_fraction
    1.0
    """

    def __init__(
        self,
        fractions: ArrayLike,
        accuracy: ArrayLike,
        low: ArrayLike,
        high: ArrayLike,
        *,
        confidence_level: float = 0.95,
        target: float | None = None,
        largest_fraction: float | None = None,
    ) -> None:
        self.fractions = fractions
        self.accuracy = accuracy
        self.low = low
        self.high = high
        self.confidence_level = confidence_level
        self.target = target
        self.largest_fraction = largest_fraction

    @classmethod
    def from_audit(
        cls,
        audit: PropagationAudit,
        *,
        target: float | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw an audit.

        Parameters
        ----------
        audit : PropagationAudit
            What :func:`~kmeans_labelprop.model_selection.audit_propagation` gave.
        target : float, default=None
            An accuracy wanted, in (0, 1]: drawn as a line, with the largest fraction
            that is shown to reach it.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : AuditDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        display = cls(
            audit.fractions,
            audit.accuracy,
            audit.low,
            audit.high,
            confidence_level=audit.confidence_level,
            target=target,
            largest_fraction=(
                None if target is None else audit.largest_fraction(target)
            ),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the audit.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on, also those of another audit; None makes a figure.
        name : str, default=None
            What the legend calls the estimates.
        line_kw : dict, default=None
            Keywords for matplotlib's ``plot``.

        Returns
        -------
        display : AuditDisplay
            The display itself.
        """
        fractions, accuracy, low, high = (
            np.asarray(values, dtype=np.float64)
            for values in (self.fractions, self.accuracy, self.low, self.high)
        )
        for what, values in (("accuracy", accuracy), ("low", low), ("high", high)):
            if values.shape != fractions.shape:
                raise ValueError(
                    f"'{what}' must hold one value for each of the {fractions.size} "
                    f"fractions. Got shape {values.shape} instead."
                )
        ax = make_axes(type(self).__name__, ax)
        interval = f"{100 * self.confidence_level:.4g} % confidence interval"
        label = f"{'estimate' if name is None else name}, {interval}"
        self.line_, _ = draw_curve(
            ax, fractions, accuracy[:, np.newaxis], label, line_kw
        )
        self.band_ = draw_band(ax, fractions, low, high, self.line_.get_color())
        self.target_ = self.largest_ = None
        if self.target is not None:
            self.target_ = ax.axhline(
                self.target,
                color=DARK,
                linestyle="--",
                linewidth=1,
                label=f"target, {self.target:.4g}",
            )
        if self.largest_fraction is not None:
            self.largest_ = ax.axvline(
                self.largest_fraction,
                color=DARK,
                linestyle=":",
                linewidth=1.5,
                label=f"largest fraction shown to reach it, {self.largest_fraction:g}",
            )
        ax.set(
            xlabel="Fraction that keeps the label",
            ylabel="Accuracy of the propagated labels",
        )
        ax.legend(loc="lower right")  # the intervals are widest on the left
        self.ax_, self.figure_ = ax, ax.figure
        return self
