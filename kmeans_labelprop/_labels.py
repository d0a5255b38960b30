"""Labels of any kind as arrays: which are missing, and how they are coded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ._containers import take_rows

_STRING_KINDS = "UST"
_NUMBER_KINDS = "biuf"


def _is_null(value: Any) -> bool:
    # pandas.NA is told by its name: comparing it gives NA, and pandas is optional.
    return value is None or type(value).__name__ == "NAType" or bool(value != value)


def _nulls_of_container(y: Any) -> NDArray[np.bool_]:
    """Tell the nulls of pandas and polars, which NumPy turns into NaN."""
    if hasattr(y, "isna"):
        return np.asarray(y.isna(), dtype=bool).reshape(-1)
    if hasattr(y, "is_null"):
        return np.asarray(y.is_null(), dtype=bool)
    return np.zeros(0, dtype=bool)


def _take(y: Any, where: NDArray[np.bool_]) -> Any:
    return take_rows(y, np.flatnonzero(where))


def is_missing(y: ArrayLike, missing_label: Any = -1) -> NDArray[np.bool_]:
    """Tell which entries of y hold no label.

    None, NaN and NA in a pandas series or an array of objects, and null in a polars
    series, never are. In an array of strings ``missing_label`` is compared as a
    string, since NumPy turns ``["a", -1]`` into ``["a", "-1"]``.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: numbers, strings or objects.
    missing_label : object, default=-1
        The value that marks a sample without a label.

    Returns
    -------
    missing : ndarray of shape (n_samples,), dtype=bool
        True where there is no label.
    """
    null = _nulls_of_container(y)
    if null.any():
        # What is null has no place in a NumPy array of integers.
        missing = null.copy()
        missing[~null] = is_missing(_take(y, ~null), missing_label).reshape(-1)
        return missing
    y = np.asarray(y)
    if y.dtype.kind in _STRING_KINDS:
        return np.asarray(y == str(missing_label), dtype=bool)
    if y.dtype.kind == "O":
        return np.array(
            [_is_null(value) or bool(value == missing_label) for value in y],
            dtype=bool,
        )
    if not isinstance(missing_label, int | float | np.number):
        return np.zeros(y.shape, dtype=bool)
    if missing_label != missing_label:
        return np.asarray(y != y, dtype=bool)
    return np.asarray(y == missing_label, dtype=bool)


def label_array(
    values: Iterable[Any], source: str, dtype: np.dtype[Any] | None = None
) -> NDArray[Any]:
    """Put labels, none of them missing, into an array of their own kind.

    Parameters
    ----------
    values : iterable of object
        Labels, all strings or all numbers.
    source : str
        Where the labels come from, for the error message.
    dtype : dtype, default=None
        A dtype that numbers must fit without loss.

    Returns
    -------
    labels : ndarray of shape (n_labels,)
        Strings or numbers.

    Raises
    ------
    TypeError
        If strings and numbers are mixed, or a label is neither.
    ValueError
        If numbers do not fit the dtype, or are not class labels.
    """
    values = list(values)
    kinds = {
        "U" if isinstance(value, str) else np.asarray(value).dtype.kind
        for value in values
        if np.ndim(value) == 0
    }
    is_scalar = all(np.ndim(value) == 0 for value in values)
    if not is_scalar or not (kinds <= {"U"} or kinds <= set(_NUMBER_KINDS)):
        types = sorted({type(value).__name__ for value in values})
        raise TypeError(
            f"The labels of {source} must be all strings or all numbers. "
            f"Got labels of type {', '.join(types)} instead."
        )
    labels = np.array(values)
    if dtype is not None and dtype.kind in _NUMBER_KINDS:
        cast = labels.astype(dtype)
        if not np.array_equal(cast, labels):
            raise ValueError(
                f"The labels of {source} must fit the dtype of y, {dtype}. "
                f"Got {labels[cast != labels].tolist()} instead."
            )
        labels = cast
    assert_all_finite(labels, input_name=source)
    if labels.size:
        check_classification_targets(labels)
    return labels


def check_labels(
    y: ArrayLike, missing_label: Any
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Check a target vector that may lack labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, ``missing_label`` where there is none.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    y : ndarray of shape (n_samples,)
        The labels; of no meaning where there is none.
    known : ndarray of shape (n_samples,), dtype=bool
        True where y holds a label.

    Raises
    ------
    ValueError
        If y is not one-dimensional, holds infinity or an unexplained NaN, or is not
        a classification target.
    TypeError
        If y mixes strings and numbers.
    """
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            "Multilabel and multioutput targets are not supported. y must be of shape "
            f"(n_samples,). Got {shape} instead."
        )
    column_or_1d(y, dtype=None, warn=True)
    known = ~is_missing(y, missing_label).reshape(-1)
    labels: NDArray[Any] = np.asarray(_take(y, known)).reshape(-1)
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(
            "Input y contains NaN. If NaN marks samples without a label, set "
            f"missing_label=np.nan. Got missing_label={missing_label!r} instead."
        )
    label_array(labels, "y")
    array = np.zeros(len(known), dtype=labels.dtype)
    array[known] = labels
    return array, known


def labelled_positions(y: ArrayLike, missing_label: Any = -1) -> NDArray[np.intp]:
    """Find the samples that can be scored.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, ``missing_label`` where there is none.
    missing_label : object, default=-1
        The value that marks a sample without a label.

    Returns
    -------
    positions : ndarray of shape (n_labelled,), dtype=intp
        Positions of the samples with a label.

    Raises
    ------
    ValueError
        If no sample has a label.
    """
    positions = np.flatnonzero(~is_missing(y, missing_label))
    if not len(positions):
        raise ValueError(
            "y must hold at least one label to be scored. Got only "
            f"missing_label={missing_label!r} instead."
        )
    return positions


def with_missing(
    codes: NDArray[np.intp], classes: NDArray[Any], missing_label: Any
) -> NDArray[Any]:
    """Turn class numbers into labels, and -1 into ``missing_label``.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), dtype=intp
        Positions in ``classes``; -1 where there is no label.
    classes : ndarray of shape (n_classes,)
        The labels.
    missing_label : object
        What stands where there is no label.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        The labels, of a dtype that holds both the classes and ``missing_label``.
    """
    if classes.dtype.kind in _NUMBER_KINDS and isinstance(
        missing_label, int | float | np.number
    ):
        dtype = np.result_type(classes.dtype, np.min_scalar_type(missing_label))
    elif classes.dtype.kind == "U" and isinstance(missing_label, str):
        dtype = np.result_type(classes.dtype, np.asarray(missing_label).dtype)
    else:
        dtype = np.dtype(object)
    labels = np.full(codes.shape, missing_label, dtype=dtype)
    has_label = codes >= 0
    labels[has_label] = classes[codes[has_label]]
    return labels
