"""What makes Euclidean distances right: legal magnitudes, a near origin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import gen_batches

from ._mixing import mixed_order, some_positions

# Times the spread: samples farther from the origin lose more than six digits.
_FAR = 1000
# Rows that tell how wide most samples are spread.
_N_ROWS = 1000
# Rows brought to float64 at once.
_BATCH_SIZE = 8192
# Two digits of the spread must be left.
_DIGITS = 0.01


def check_magnitude(E: Any, name: str) -> None:
    """Refuse numbers whose squared distances overflow, or are all 0.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples.
    name : str
        What they are, for the error message.

    Raises
    ------
    ValueError
        If they are too large or too small.
    """
    values = E.data if issparse(E) else E
    check_limits(float(values.min(initial=0)), float(values.max(initial=0)), E, name)
    if not issparse(E):
        _check_digits(E, name)


def check_limits(low: float, high: float, E: Any, name: str) -> None:
    """Refuse numbers of which squares overflow, or are all 0.

    Parameters
    ----------
    low, high : float
        The least and the largest of them.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples, of which only shape and dtype are read.
    name : str
        What they are, for the error message.

    Raises
    ------
    ValueError
        If they are too large or too small.
    """
    largest = max(abs(low), abs(high))
    limits = np.finfo(E.dtype)
    most = float(np.sqrt(limits.max / max(1, E.shape[1]))) / 4
    least = float(np.sqrt(limits.tiny / limits.eps))
    if largest > most:
        raise ValueError(
            f"{name} holds numbers too large to compute distances in {E.dtype}. Got "
            f"{largest:.3g}, and up to {most:.3g} is possible. If it marks missing "
            "values, replace it by NaN or leave these samples out."
        )
    if 0 < largest < least:
        raise ValueError(
            f"{name} holds numbers too small to compute distances in {E.dtype}. Got "
            f"{largest:.3g} at most, and from {least:.3g} on is possible. Use another "
            "unit."
        )


def _typical_distance(E: NDArray[Any]) -> tuple[NDArray[np.float64], float]:
    """Find the median of some samples, and within what distance most of them lie."""
    rows = E[some_positions(len(E), _N_ROWS)].astype(np.float64)
    median = np.median(rows, axis=0)
    return median, float(np.quantile(np.linalg.norm(rows - median, axis=1), 0.75))


def _check_digits(E: NDArray[Any], name: str) -> None:
    """Refuse a number so large that distances between most samples lose all digits.

    Clustering subtracts the mean first. If a single number moves the mean far away,
    rounding leaves no digits of what most samples differ by.
    """
    median, typical = _typical_distance(E)
    moved = float(np.linalg.norm(E.mean(axis=0, dtype=np.float64) - median))
    farthest = np.maximum(np.abs(E.max(axis=0)), np.abs(E.min(axis=0)))
    column = int(farthest.argmax())
    step = float(np.finfo(E.dtype).eps)
    lost = max(float(farthest[column]) * step, moved * step**0.5 * _DIGITS)
    if lost > _DIGITS * typical > 0:
        raise ValueError(
            f"{name} holds a number of {farthest[column]:.3g} in column {column}, "
            f"while most samples lie within {typical:.3g}: in {E.dtype} these lose all "
            "digits. If it marks missing values, replace it by NaN or leave these "
            "samples out; else subtract what the numbers have in common."
        )


def largest_legal(E: NDArray[Any]) -> float:
    """Find how large numbers may be that come to some samples, which are legal.

    Parameters
    ----------
    E : ndarray of shape (n_samples, n_components)
        The samples.

    Returns
    -------
    most : float
        What `check_magnitude` would take at most.
    """
    limits = np.finfo(E.dtype)
    most = float(np.sqrt(limits.max / max(1, E.shape[1]))) / 4
    _, typical = _typical_distance(E)
    if typical > 0:
        most = min(most, _DIGITS * typical / float(limits.eps))
    return max(most, float(E.max()), -float(E.min()))


def refuse_large(E: NDArray[Any], most: float, name: str) -> None:
    """Refuse samples that lie too far out for distances between the others.

    Parameters
    ----------
    E : ndarray of shape (n_samples, n_components)
        The samples.
    most : float
        See `largest_legal`.
    name : str
        What they are, for the error message.

    Raises
    ------
    ValueError
        If a number is larger.
    """
    largest = max(float(E.max(initial=0)), -float(E.min(initial=0)))
    if largest > most:
        raise ValueError(
            f"{name} holds a number of {largest:.3g}: beside most other samples up to "
            f"{most:.3g} is possible in {E.dtype}, or distances lose all digits. If it "
            "marks missing values, replace it by NaN or leave these samples out."
        )


def far_offset(E: Any) -> NDArray[Any] | None:
    """Find the middle of samples that lie far from the origin beside their spread.

    scikit-learn computes distances by products of the samples, which cancel out there.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples.

    Returns
    -------
    offset : ndarray of shape (n_components,) or None
        What to subtract first, in the dtype of the samples; None where nothing needs to
        be.
    """
    if issparse(E) or not len(E):
        return None
    middle = E.mean(axis=0, dtype=np.float64)
    squares = sum(
        float(np.square(E[batch] - middle).sum())
        for batch in gen_batches(len(E), _BATCH_SIZE)
    )
    is_far = float(middle @ middle) > _FAR**2 * squares / len(E)
    return middle.astype(E.dtype) if is_far else None


def nearest(E: Any, others: Any) -> NDArray[np.intp]:
    """Find the nearest of some samples.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples.
    others : {ndarray, CSR matrix} of shape (n_others, n_components)
        The samples among which to search.

    Returns
    -------
    positions : ndarray of shape (n_samples,), dtype=intp
        The position of the nearest; of equals any one, in no order.
    """
    order = mixed_order(others.shape[0])
    others = others[order]
    offset = far_offset(others)
    if offset is not None:
        E, others = E - offset, others - offset
    return order[pairwise_distances_argmin(E, others)]
