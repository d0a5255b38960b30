"""Accuracy of propagated labels as an audit estimates it, against the fraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..model_selection._audit import PropagationAudit
from ._plotting import DARK, CurveDisplay, draw_band, draw_curve


@dataclass(eq=False, repr=False)
class AuditDisplay(CurveDisplay):
    """Accuracy of propagated labels with confidence intervals, against the fraction.

    Parameters
    ----------
    audit : PropagationAudit
        What :func:`~kmeans_labelprop.model_selection.audit_propagation` gave.
    target : float, default=None
        An accuracy wanted, in (0, 1]: drawn as a line, with the largest fraction that
        is shown to reach it.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The estimates.
    band_ : matplotlib Collection
        The confidence intervals.
    target_ : matplotlib Line2D or None
        The line at the target; None without one.
    largest_ : matplotlib Line2D or None
        The line at the largest fraction shown to reach it; None where there is none.
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
    >>> display = AuditDisplay(audit, target=0.9).plot()
    >>> display.ax_.get_ylabel()
    'Accuracy of the propagated labels'
    """

    audit: PropagationAudit
    target: float | None = None

    # The intervals are widest on the left.
    _legend: ClassVar[dict[str, Any]] = {"loc": "lower right"}

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        audit, target = self.audit, self.target
        largest = None if target is None else audit.largest_fraction(target)
        interval = f"{100 * audit.confidence_level:.4g} % confidence interval"
        label = f"{'estimate' if name is None else name}, {interval}"
        self.line_, _ = draw_curve(
            ax, audit.fractions, audit.accuracy[:, np.newaxis], label, line_kw
        )
        self.band_ = draw_band(
            ax, audit.fractions, audit.low, audit.high, self.line_.get_color()
        )
        self.target_ = self.largest_ = None
        if target is not None:
            style = {"color": DARK, "linestyle": "--", "linewidth": 1}
            self.target_ = ax.axhline(target, label=f"target, {target:.4g}", **style)
        if largest is not None:
            label = f"largest fraction shown to reach it, {largest:g}"
            style = {"color": DARK, "linestyle": ":", "linewidth": 1.5}
            self.largest_ = ax.axvline(largest, label=label, **style)
        ax.set_xlabel("Fraction that keeps the label")
        ax.set_ylabel("Accuracy of the propagated labels")
