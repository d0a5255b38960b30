"""The weights of samples in a training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import has_fit_parameter

from ._asking import check_beside
from ._containers import single_column
from ._messages import noting


def takes_weights(estimator: Any) -> bool:
    """Tell whether an estimator and all estimators inside it take weights.

    Parameters
    ----------
    estimator : estimator
        The whole.

    Returns
    -------
    takes_weights : bool
        True if each takes ``sample_weight`` in `fit`.
    """
    return all(
        has_fit_parameter(part, "sample_weight")
        for part in (estimator, *estimator.get_params(deep=True).values())
        if hasattr(part, "fit")
    )


def confidence_weights(
    confidence: NDArray[np.float64], codes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Turn confidence into weights that leave each class its size.

    Parameters
    ----------
    confidence : ndarray of shape (n_training,), dtype=float64
        The confidence in the label of each sample, in [0, 1]; in each class at least
        one is positive, that of a given label.
    codes : ndarray of shape (n_training,), dtype=intp
        The class of each sample.

    Returns
    -------
    weights : ndarray of shape (n_training,), dtype=float64
        The confidence, divided by its mean over the samples of the same class. Labels
        of rare classes are less certain as a rule, and would else count too little.
    """
    _, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.bincount(codes, confidence) / sizes
    weights: NDArray[np.float64] = confidence / means[codes]
    return weights


def check_weights(X: Any, sample_weight: Any) -> NDArray[Any]:
    """Check the weights of all samples, before any label is paid for.

    Parameters
    ----------
    X : object
        The samples.
    sample_weight : array-like of shape (n_samples,)
        Their weights.

    Returns
    -------
    weights : ndarray of shape (n_samples,)
        The weights.

    Raises
    ------
    ValueError
        If they are not one number for each sample, or all 0.
    """
    sample_weight = single_column(sample_weight)
    check_beside(X, sample_weight, "sample_weight")
    with noting("sample_weight must be numbers, one for each sample."):
        weights: NDArray[Any] = check_array(
            sample_weight,
            dtype=[np.float64, np.float32],
            ensure_2d=False,
            allow_nd=True,
            input_name="sample_weight",
        )
    if weights.ndim != 1:
        raise ValueError(
            "sample_weight must be one number for each sample, of shape (n_samples,). "
            f"Got an array of shape {weights.shape} instead."
        )
    if not weights.any():
        raise ValueError("sample_weight must not be 0 for all samples.")
    return weights
