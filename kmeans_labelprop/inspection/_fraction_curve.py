"""Accuracy of propagated labels against the fraction of each cluster kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from .._asking import check_index
from .._fraction import rank_in_clusters, within_fraction
from .._labels import check_labels, with_missing
from ..metrics._purity import check_cluster_labels, propagated_label_accuracy
from ..model_selection._fitted import check_propagator
from ._plotting import (
    CurveDisplay,
    draw_curve,
    import_pyplot,
)


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
            Passed to :meth:`plot`, ``ax`` among them; but for ``missing_label``, which
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
            check_index(each.clusters_.names, y_true, "y_true")
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
    shares = np.sort(np.asarray(fractions, dtype=np.float64))
    if shares.ndim != 1 or shares.size == 0 or shares[0] < 0 or not shares[-1] <= 1:
        raise ValueError(
            "The 'fractions' parameter must be numbers between 0 and 1. "
            f"Got {fractions!r} instead."
        )
    return shares


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
    # Where nobody says which sample it is, the surest stands for the representative.
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
