"""Displays of curves: scores by clusters, accuracies by fraction and by labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from .._asking import check_names
from .._fraction import rank_in_clusters, within_fraction
from .._labels import check_labels, with_missing
from .._selection._label_curve import EXPONENT, LabelLearningCurve
from ..metrics._purity import check_cluster_labels, propagated_label_accuracy
from ..model_selection._audit import PropagationAudit
from ..model_selection._cluster_count import ClusterCountCurve, cluster_count_curve
from ..model_selection._fitted import check_propagator
from ._plotting import (
    DARK,
    VERMILLION,
    CurveDisplay,
    draw_band,
    draw_curve,
    import_pyplot,
)

_METRIC_NAMES = {
    "inertia": "Inertia",
    "silhouette": "Mean silhouette",
    "calinski_harabasz": "Calinski-Harabasz index",
    "davies_bouldin": "Davies-Bouldin index",
}


@dataclass(eq=False, repr=False)
class ElbowDisplay(CurveDisplay):
    """A score against the number of clusters, with the number that it suggests.

    That is the knee of the inertia, and the best number by any other score.

    Use :meth:`from_estimator` to compute the curve, :meth:`from_predictions` for scores
    computed elsewhere.

    Parameters
    ----------
    curve : ClusterCountCurve
        What :func:`~kmeans_labelprop.model_selection.cluster_count_curve` gave.
    metric : {"inertia", "silhouette", "calinski_harabasz", "davies_bouldin"}, \
default="inertia"
        Which of them to draw.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean over the repeats.
    band_ : matplotlib Collection or None
        One standard deviation to either side; None with a single repeat.
    mark_ : matplotlib Line2D or None
        The vertical line at the number suggested; None where there is none.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    SilhouetteDisplay : Silhouettes of the samples of one clustering.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.inspection import ElbowDisplay
    >>> X, _ = make_blobs(200, centers=4, cluster_std=0.5, random_state=0)
    >>> display = ElbowDisplay.from_estimator(
    ...     KMeans(), X, range(2, 11), n_repeats=3, random_state=0
    ... )
    >>> display.curve.knee["inertia"]
    4
    """

    curve: ClusterCountCurve
    metric: str = "inertia"

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        n_clusters: Iterable[int] = range(2, 21),
        *,
        metric: str = "inertia",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Cluster with each number of clusters, and draw the curve.

        Parameters
        ----------
        estimator : clusterer
            A clusterer with an ``n_clusters`` parameter; it is cloned.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        n_clusters : iterable of int, default=range(2, 21)
            The numbers of clusters to try.
        metric : str, default="inertia"
            The score to draw.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :func:`~kmeans_labelprop.model_selection.cluster_count_curve`,
            such as ``embedding``, ``n_repeats`` and ``random_state``.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        curve = cluster_count_curve(
            X, n_clusters, clusterer=estimator, metrics=[metric], **kwargs
        )
        return cls(curve, metric).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        n_clusters: ArrayLike,
        values: ArrayLike,
        *,
        metric: str = "inertia",
        **kwargs: Any,
    ) -> Self:
        """Draw scores that were computed elsewhere.

        Parameters
        ----------
        n_clusters : array-like of shape (n_points,)
            The numbers of clusters.
        values : array-like of shape (n_points,) or (n_points, n_repeats)
            The scores.
        metric : str, default="inertia"
            What the scores are.
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        counts, scores = np.asarray(n_clusters), np.asarray(values, dtype=np.float64)
        scores = scores[:, np.newaxis] if scores.ndim == 1 else scores
        if scores.ndim != 2 or counts.shape != scores.shape[:1]:
            raise ValueError(
                "'values' must hold the scores of each of the "
                f"{counts.size} numbers of clusters. Got shape {scores.shape} instead."
            )
        order, times = np.argsort(counts), np.zeros(scores.shape)
        curve = ClusterCountCurve(
            counts[order], {metric: scores[order]}, {}, times, times
        )
        return cls(curve, metric).plot(**kwargs)

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        from matplotlib.ticker import MaxNLocator

        curve, metric = self.curve, self.metric
        if metric not in curve.values:
            raise ValueError(
                "The 'metric' parameter must be one of the curve's metrics, "
                f"{list(curve.values)}. Got {metric!r} instead."
            )
        x, values = curve.n_clusters, curve.values[metric]
        self.line_, self.band_ = draw_curve(ax, x, values, name, line_kw)
        error = np.sqrt(
            (curve.sampling_error.get(metric, np.zeros(values.shape)) ** 2).mean(axis=1)
        )
        if error.any():
            ax.errorbar(
                x,
                values.mean(axis=1),
                yerr=2 * error,
                fmt="none",
                ecolor=DARK,
                elinewidth=0.8,
                capsize=2,
                label="± 2 standard errors of the sample",
            )
        what = "knee" if metric == "inertia" else "best"
        suggested = curve.knee[metric] if what == "knee" else curve.best[metric]
        self.mark_ = None
        if suggested is not None:
            self.mark_ = ax.axvline(
                suggested,
                color=VERMILLION if name is None else self.line_.get_color(),
                linestyle="--",
                label=f"{what}: {suggested} clusters",
            )
        ax.set(xlabel="Number of clusters", ylabel=_METRIC_NAMES[metric])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))


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
            n_more = min(curve.n_labels, curve.n_left)
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


@dataclass(eq=False, repr=False)
class FractionCurveDisplay(CurveDisplay):
    """Accuracy of propagated labels against the fraction of each cluster kept.

    Use :meth:`from_estimator`, with several propagators for a band, or
    :meth:`from_predictions`; or the class itself for accuracies computed elsewhere,
    such as those of a classifier trained on each fraction, drawn into the same axes.

    Parameters
    ----------
    fractions : ndarray of shape (n_fractions,)
        The fractions, ascending.
    accuracies : ndarray of shape (n_fractions, n_repeats)
        Accuracy at each fraction.
    n_labels : ndarray of shape (n_fractions, n_repeats), default=None
        Number of labels that each accuracy rests on.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean over the repeats.
    band_ : matplotlib Collection or None
        One standard deviation to either side; None with a single repeat.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    kmeans_labelprop.metrics.propagated_label_accuracy : The accuracy itself.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.inspection import FractionCurveDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> propagators = [
    ...     KMeansLabelPropagator(n_clusters=50, random_state=seed).fit(X, y)
    ...     for seed in range(3)
    ... ]
    >>> display = FractionCurveDisplay.from_estimator(
    ...     propagators, y, fractions=[0.5, 1]
    ... )
    >>> display.accuracies.shape
    (2, 3)
    """

    fractions: ArrayLike
    accuracies: ArrayLike
    n_labels: NDArray[np.int64] | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        y_true: ArrayLike,
        *,
        fractions: ArrayLike | None = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of a fitted propagator, or the band of several.

        Parameters
        ----------
        estimator : KMeansLabelPropagator, PropagatedClassifier or list of them
            Fitted propagators, or classifiers whose propagators are shown; several are
            repeats. The fraction that they were fitted with does not matter.
        y_true : array-like of shape (n_samples,)
            True labels of the samples of ``fit``. Samples without one are ignored.
        fractions : array-like of shape (n_fractions,), default=None
            The fractions, in [0, 1]; None for 0.05, 0.10 ... 1.
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them; except ``missing_label``, which
            marks a sample without a label in ``y_true``, by default that of the
            propagator.

        Returns
        -------
        display : FractionCurveDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If an estimator is neither a propagator nor a classifier with one.
        ValueError
            If there is no propagator.
        """
        import_pyplot(cls.__name__)
        several = estimator if isinstance(estimator, list | tuple) else [estimator]
        if not several:
            raise ValueError(
                "The 'estimator' parameter must hold a propagator or more. Got none."
            )
        propagators = [check_propagator(each) for each in several]
        for each in propagators:
            check_names(each.clusters_.names, y_true, "y_true")
        mark = kwargs.pop("missing_label", propagators[0].missing_label)
        shares = _check_fractions(fractions)
        results = [
            _count(
                y_true,
                # Each has its own mark of what no label reached.
                with_missing(each.spread_.codes, each.classes_, mark),
                each.confidence_,
                each.labels_,
                each.given_.positions,
                shares,
                mark,
            )
            for each in propagators
        ]
        accuracies, n_labels = (
            np.transpose(part) for part in zip(*results, strict=True)
        )
        return cls(shares, accuracies, n_labels).plot(**kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        transduction: ArrayLike,
        confidence: ArrayLike,
        labels: ArrayLike,
        *,
        representative_indices: ArrayLike | None = None,
        fractions: ArrayLike | None = None,
        missing_label: Any = -1,
        **kwargs: Any,
    ) -> Self:
        """Draw the curve of propagated labels given as arrays.

        Of a cluster of m samples ``floor(fraction * m + 0.5)`` are kept, the most
        confident, ties by position; in any case the representative, or without
        `representative_indices` the most confident sample.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels. Samples without one are ignored.
        transduction : array-like of shape (n_samples,)
            The propagated labels.
        confidence : array-like of shape (n_samples,)
            What ranks the samples of a cluster, largest first.
        labels : array-like of shape (n_samples,)
            The cluster of each sample, whole numbers from 0.
        representative_indices : array-like of int, default=None
            Positions of the representatives, which are always kept; None ranks by
            confidence alone.
        fractions : array-like of shape (n_fractions,), default=None
            The fractions, in [0, 1]; None for 0.05, 0.10 ... 1.
        missing_label : object, default=-1
            The value that marks a sample without a label.
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them.

        Returns
        -------
        display : FractionCurveDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        shares = _check_fractions(fractions)
        accuracies, n_labels = _count(
            y_true,
            transduction,
            confidence,
            labels,
            representative_indices,
            shares,
            missing_label,
        )
        display = cls(shares, accuracies[:, np.newaxis], n_labels[:, np.newaxis])
        return display.plot(**kwargs)

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        fractions = np.asarray(self.fractions, dtype=np.float64)
        accuracies = np.asarray(self.accuracies, dtype=np.float64)
        if accuracies.ndim == 1:
            accuracies = accuracies[:, np.newaxis]
        if accuracies.ndim != 2 or len(accuracies) != fractions.size:
            raise ValueError(
                f"'accuracies' must hold those at each of the {fractions.size} "
                f"fractions. Got shape {accuracies.shape} instead."
            )
        self.line_, self.band_ = draw_curve(ax, fractions, accuracies, name, line_kw)
        ax.set_xlabel("Fraction of each cluster that keeps the label")
        ax.set_ylabel(f"Accuracy{'' if name else ' of the propagated labels'}")


def _check_fractions(fractions: ArrayLike | None) -> NDArray[np.float64]:
    if fractions is None:
        return np.arange(1, 21) / 20
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.ndim != 1 or not shares.size or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(
            "The 'fractions' parameter must be numbers between 0 and 1. "
            f"Got {fractions!r} instead."
        )
    return np.sort(shares)


def _count(
    y_true: ArrayLike,
    transduction: ArrayLike,
    confidence: ArrayLike,
    labels: ArrayLike,
    representatives: ArrayLike | None,
    fractions: NDArray[np.float64],
    missing_label: Any,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Compute accuracy and number of labels for each fraction."""
    clusters = check_cluster_labels(labels)
    check_consistent_length(transduction, confidence, clusters)
    chosen = np.asarray([] if representatives is None else representatives, np.intp)
    costs = -np.asarray(confidence, dtype=np.float64)
    ranks, sizes = rank_in_clusters(clusters, costs, chosen)
    # Without positions of representatives the most confident sample is taken for it.
    always = np.flatnonzero(ranks == 0) if representatives is None else chosen
    has_label = check_labels(transduction, missing_label)[1]
    results = [
        propagated_label_accuracy(
            y_true,
            transduction,
            within_fraction(ranks, sizes, fraction, always) & has_label,
            missing_label=missing_label,
        )
        for fraction in fractions.tolist()
    ]
    return (
        np.array([result.accuracy for result in results]),
        np.array([result.n_labels for result in results]),
    )
