"""The fitted propagator: the estimator passed, or that of a classifier."""

from __future__ import annotations

from typing import Any

from sklearn.utils.validation import check_is_fitted

from .._base_classifier import BasePropagatedClassifier
from .._propagator import KMeansLabelPropagator


def get_propagator(estimator: Any) -> Any:
    """Take the propagator out of a fitted classifier; others as they are.

    Parameters
    ----------
    estimator : estimator
        Anything.

    Returns
    -------
    estimator : estimator
        The ``propagator_`` of a PropagatedClassifier or PropagatedClassifierCV.

    Raises
    ------
    NotFittedError
        If such a classifier is not fitted.
    """
    if isinstance(estimator, BasePropagatedClassifier):
        check_is_fitted(estimator, "train_on_")
        return estimator.propagator_
    return estimator


def check_propagator(
    estimator: Any, attribute: str = "spread_"
) -> KMeansLabelPropagator:
    """Take the propagator out of a classifier, and check that it has what is needed.

    Parameters
    ----------
    estimator : object
        Anything.
    attribute : str, default="spread_"
        An attribute that the fitted propagator must have; by default one that it has
        with labels only.

    Returns
    -------
    propagator : KMeansLabelPropagator
        The propagator.

    Raises
    ------
    TypeError
        If there is none.
    NotFittedError
        If it lacks the attribute.
    """
    propagator = get_propagator(estimator)
    if not isinstance(propagator, KMeansLabelPropagator):
        got = type(estimator).__name__
        if got == KMeansLabelPropagator.__name__:  # that of blocks
            got = f"{got} of {type(estimator).__module__}"
        raise TypeError(
            "A KMeansLabelPropagator in memory is needed, or a classifier that has "
            f"one. Got {got} instead."
        )
    check_is_fitted(propagator, attribute)
    return propagator
