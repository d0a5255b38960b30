"""Labels of any kind as arrays: which are missing, and how they are coded."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from decimal import Decimal
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, column_or_1d

from ._containers import are_strings, single_column, take_rows
from ._messages import warn_user

_STRING_KINDS = "UST"
_NUMBER_KINDS = "biuf"
# Longer strings stay objects: an array of strings has room for the longest in each.
MOST_CHARACTERS = 100
# What often stands for a missing label in tables of strings: words, and what str()
# makes of nulls and of the number -1.0.
_USUAL_MARKS = (
    *("", " ", "-", "-1.0", "<NA>", "?", "N/A", "NA", "NULL", "NaN", "NaT", "None"),
    *("Unknown", "Unlabeled", "Unlabelled", "missing", "n/a", "nan", "null"),
    *("unknown", "unlabeled", "unlabelled"),
)


def check_missing_label(missing_label: Any) -> None:
    """Refuse pandas' NA, which equals nothing.

    Parameters
    ----------
    missing_label : object
        The parameter.

    Raises
    ------
    ValueError
        If it is NA.
    """
    if type(missing_label).__name__ == "NAType":
        raise ValueError(
            "The 'missing_label' parameter cannot be NA. Set missing_label=None: None, "
            "NaN and NA then mark missing labels."
        )


def is_missing(y: ArrayLike, missing_label: Any = -1) -> NDArray[np.bool_]:
    """Tell which entries of y hold no label.

    Never a label are: null, NaN and NA in a series of pandas or polars; None, NaN and
    NA in an array of objects; a masked entry. A string is compared with
    ``missing_label`` as a string, since NumPy turns ``["a", -1]`` into
    ``["a", "-1"]``.

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
    y = single_column(y)
    null = _nulls_of_container(y)
    if null.any():
        # What is null has no place in a NumPy array of integers.
        missing = null.copy()
        missing[~null] = is_missing(_take(y, ~null), missing_label)
        return missing
    values = label_vector(y)
    if values.dtype.kind in _STRING_KINDS:
        return np.asarray(values == _as_string(missing_label), dtype=bool)
    if values.dtype.kind == "O":
        return np.array(
            [is_missing_item(value, missing_label) for value in values], dtype=bool
        )
    is_number = isinstance(missing_label, int | float | np.number)
    if not is_number or values.dtype.kind not in _NUMBER_KINDS:
        return np.zeros(values.shape, dtype=bool)
    if missing_label != missing_label:
        return np.asarray(values != values, dtype=bool)
    try:
        with np.errstate(over="ignore"):
            mark = values.dtype.type(missing_label)
    except OverflowError:
        return np.zeros(values.shape, dtype=bool)
    # What the dtype does not hold as it is equals none of its values. But 0.1 in an
    # array of float32 is meant to be 0.1.
    is_exact = values.dtype.kind != "f" or isinstance(missing_label, int)
    if is_exact and mark.item() != missing_label:
        return np.zeros(values.shape, dtype=bool)
    return np.asarray(values == mark, dtype=bool)


def is_missing_item(value: Any, missing_label: Any) -> bool:
    """Tell whether a single object is no label.

    Parameters
    ----------
    value : object
        A label, or what stands for none.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    is_missing : bool
        True for ``missing_label``, None, NaN and pandas' NA.
    """
    return (
        is_null(value)
        or bool(value == missing_label)
        or (isinstance(value, str) and value == _as_string(missing_label))
    )


def label_vector(y: Any) -> NDArray[Any]:
    """Turn labels into an array that holds each as it is.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, and marks of missing ones.

    Returns
    -------
    values : ndarray of shape (n_samples,)
        A list becomes an array of numbers if that holds them exactly, else of objects:
        NumPy would round large whole numbers beside others, and cut strings that end
        in a null character.
    """
    if hasattr(y, "to_physical") and not y.dtype.is_numeric():
        y = y.to_list()  # polars
    if not isinstance(y, list | tuple):
        return np.asarray(y)
    values = np.empty(len(y), dtype=object)
    for position, value in enumerate(y):  # nested ones are refused elsewhere
        is_boxed = isinstance(value, np.ndarray) and value.ndim == 0
        values[position] = value.item() if is_boxed else value
    items = values.tolist()
    kinds = {type(value) for value in items}
    numbers = _exact_numbers(items) if kinds <= {bool, int, float} else None
    return values if numbers is None else numbers


def _exact_numbers(values: list[Any]) -> NDArray[Any] | None:
    """Make an array of numbers; None if no dtype holds all of them exactly."""
    numbers = np.array(values)
    if numbers.dtype.kind in "biu" or not values:
        return numbers
    wholes = [value for value in values if isinstance(value, int | np.integer)]
    if len(wholes) == len(values) and min(wholes) >= 0 and max(wholes) < 2**64:
        return np.array([int(whole) for whole in wholes], dtype=np.uint64)
    if numbers.dtype.kind != "f" or any(int(float(w)) != int(w) for w in wholes):
        return None
    return numbers


def plain(label: Any) -> Any:
    """Take the text of a string of another type, an enumeration's for instance.

    Parameters
    ----------
    label : object
        A label, or what stands for none.

    Returns
    -------
    label : object
        Anything but a string is returned as it is.
    """
    # str(label) would be its name, which NumPy cuts to the length of the text.
    return str.__str__(label) if isinstance(label, str) else label


def _as_string(missing_label: Any) -> str | None:
    # NumPy never turns None into a string, so a class may be called "None".
    return None if missing_label is None else str(plain(missing_label))


def _nulls_of_container(y: Any) -> NDArray[np.bool_]:
    """Tell the nulls of pandas and polars, which NumPy turns into NaN, and masks."""
    if hasattr(y, "isna"):
        return np.asarray(y.isna(), dtype=bool)
    if hasattr(y, "is_null"):
        return np.asarray(y.is_null(), dtype=bool)
    if isinstance(y, np.ma.MaskedArray):
        return np.ma.getmaskarray(y)
    return np.zeros(0, dtype=bool)


def is_null(value: Any) -> bool:
    """Tell None, NaN, NaT and NA from values."""
    # Those of pandas by their names: comparing NA gives NA, and pandas is optional.
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):  # a signalling NaN cannot be compared
        return value.is_nan()
    return isinstance(value, Number | np.generic) and bool(value != value)


def _take(y: Any, where: NDArray[np.bool_]) -> Any:
    return take_rows(y, np.flatnonzero(where))


def split_labels(
    y: ArrayLike, missing_label: Any
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Split y into the labels there are and where they are.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, ``missing_label`` where there is none.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    labels : ndarray of shape (n_known,)
        The labels, in a dtype that need not hold what marks the missing ones.
    known : ndarray of shape (n_samples,), dtype=bool
        True where y holds a label.
    """
    y = single_column(y)
    known = ~is_missing(y, missing_label).reshape(-1)
    return label_vector(_take(y, known)).reshape(-1), known


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
    if isinstance(values, np.ndarray) and values.dtype.kind in "U" + _NUMBER_KINDS:
        labels = values
        _check_whole_floats(labels, source)
    else:
        labels = _of_one_kind(list(values), source)
    if dtype is not None and dtype.kind in _NUMBER_KINDS:
        labels = _cast(labels, dtype, source)
    if labels.dtype.kind != "O":
        assert_all_finite(labels, input_name=source)
    if labels.dtype.kind == "f":
        # scikit-learn calls classes only what it can turn into an integer and back.
        is_odd = (labels % 1 != 0) | (np.abs(labels) >= np.float64(2**63))
        if is_odd.any():
            raise ValueError(
                f"Unknown label type: continuous. The labels of {source} must be "
                "classes: strings or whole numbers. Got numbers with a fraction, or "
                f"too large, {labels[is_odd][0]} for instance."
            )
    return labels


def _check_whole_floats(labels: NDArray[Any], source: str) -> None:
    """Refuse floats so large that whole numbers next to them became the same float."""
    if labels.dtype.kind != "f":
        return
    largest = 2 ** (np.finfo(labels.dtype).nmant + 1)
    far = labels[np.isfinite(labels) & (abs(labels) >= largest)]
    if far.size:
        raise ValueError(
            f"The labels of {source} must be below {largest} where they are "
            f"{labels.dtype}, which does not tell larger whole numbers apart. Got "
            f"{far[0]!s}; pass integers or strings instead."
        )


def _cast(labels: NDArray[Any], dtype: np.dtype[Any], source: str) -> NDArray[Any]:
    if labels.dtype.kind not in _NUMBER_KINDS:
        raise ValueError(
            f"The labels of {source} must fit the dtype of y, {dtype}. Got strings "
            "instead."
        )
    if not _holds(dtype, labels):
        wrong = [
            label for label in labels.tolist() if not _holds(dtype, np.array([label]))
        ]
        raise ValueError(
            f"The labels of {source} must fit the dtype of y, {dtype}. "
            f"Got {wrong[:5]} instead."
        )
    return labels.astype(dtype)


def _holds(dtype: np.dtype[Any], values: NDArray[Any]) -> bool:
    """Tell whether a dtype of numbers can hold all values exactly."""
    with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        cast = values.astype(dtype)
        # There and back: compared as they are, both would be rounded to the same float.
        same = np.array_equal(cast.astype(values.dtype), values)
    return same and np.array_equal(cast < 0, values < 0)


def _of_one_kind(values: list[Any], source: str) -> NDArray[Any]:
    is_scalar = all(np.ndim(value) == 0 for value in values)
    kinds = {
        "U"
        if isinstance(value, str)
        else "i"  # of any size
        if isinstance(value, int)
        else np.asarray(value).dtype.kind
        for value in values
        if is_scalar
    }
    if not is_scalar or not (kinds <= {"U"} or kinds <= set(_NUMBER_KINDS)):
        types = sorted({type(value).__name__ for value in values})
        raise TypeError(
            f"The labels of {source} must be all strings or all numbers. "
            f"Got labels of type {', '.join(types)} instead."
        )
    if "U" in kinds:
        return _string_array([plain(value) for value in values])
    labels = _exact_numbers(values)
    if labels is None:
        raise ValueError(
            f"The labels of {source} must be numbers that one dtype holds exactly. Got "
            f"{max(values, key=abs)!r} beside others; pass strings instead."
        )
    return labels


def _string_array(values: list[str]) -> NDArray[Any]:
    """Make an array of strings, or of objects where that would cut or cost much."""
    is_plain = all(
        len(value) <= MOST_CHARACTERS and not value.endswith("\0") for value in values
    )
    return np.array(values, dtype=str if is_plain else object)


def check_vector(y: Any) -> None:
    """Refuse what is no vector of labels, before NumPy makes something of it.

    Parameters
    ----------
    y : object
        Labels, and marks of missing ones.

    Raises
    ------
    TypeError
        If it is no array-like.
    ValueError
        If it holds several labels for a sample.
    """
    is_array_like = hasattr(y, "__len__") or hasattr(y, "__array__")
    if isinstance(y, str | bytes | Mapping | Set | Iterator) or not is_array_like:
        raise TypeError(
            "y must be an array-like of labels, one for each sample. Got "
            f"{type(y).__name__} instead."
        )
    shape: tuple[int, ...] = getattr(y, "shape", ())
    if len(shape) == 2 and shape[1] > 1:
        raise ValueError(
            "Multilabel and multioutput targets are not supported. y must be of shape "
            f"(n_samples,). Got {shape} instead."
        )
    for label in y if isinstance(y, list | tuple) else ():
        if isinstance(label, list | tuple | Set):
            raise ValueError(
                "Multilabel and multioutput targets are not supported. y must hold one "
                f"label for each sample. Got {label!r} for one instead."
            )


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
    labels : ndarray of shape (n_known,)
        The labels there are, strings or numbers.
    known : ndarray of shape (n_samples,), dtype=bool
        True where y holds a label.

    Raises
    ------
    ValueError
        If y is not one-dimensional, holds infinity or an unexplained NaN, or is not
        a classification target.
    TypeError
        If y is no array-like, or mixes strings and numbers.
    """
    check_vector(y)
    # A column of a DataFrame with missing values is no longer numeric: no dtype here.
    column_or_1d(y, dtype=None, warn=True)
    labels, known = split_labels(y, missing_label)
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(
            "Input y contains NaN. If NaN marks samples without a label, set "
            f"missing_label=np.nan. Got missing_label={missing_label!r} instead."
        )
    return label_array(labels, "y"), known


def count_marks(
    y: ArrayLike, labels: NDArray[Any], known: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Count missing labels, nulls among them, and what often marks missing ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, and marks of missing ones.
    labels : ndarray of shape (n_known,)
        The labels there are.
    known : ndarray of shape (n_samples,), dtype=bool
        True where y holds a label.

    Returns
    -------
    counts : ndarray of shape (2 + n_marks,), dtype=intp
        How many labels are missing, how many of these are nulls, and how many labels
        are called like each mark.
    """
    nulls = is_missing(_take(single_column(y), ~known), None)
    called = Counter(labels.tolist() if are_strings(labels) else ())
    counts = [called[mark] for mark in _USUAL_MARKS]
    return np.array([(~known).sum(), nulls.sum(), *counts], dtype=np.intp)


def warn_of_marks(counts: NDArray[np.intp], missing_label: Any) -> None:
    """Warn of marks that may be classes, and of classes that may be marks.

    Parameters
    ----------
    counts : ndarray of shape (2 + n_marks,), dtype=intp
        What `count_marks` returns.
    missing_label : object
        Marks a sample without a label. Only the default, -1, may be an oversight.
    """
    if not isinstance(missing_label, int) or missing_label != -1:
        return
    n_missing, n_null, *called = counts.tolist()
    if 0 < n_null < n_missing:
        warn_user(
            f"y holds nulls ({n_null}) and -1 ({n_missing - n_null}): both count as "
            "missing. If -1 is one of your classes, set missing_label=None."
        )
    for mark, count in zip(_USUAL_MARKS, called, strict=True):
        if count and not n_missing:
            warn_user(
                f"y lacks no label, and {mark!r} is one of its classes. If it marks "
                f"samples without a label, set missing_label={mark!r}."
            )


def labelled_rows(
    X: Any, y: ArrayLike, missing_label: Any, sample_weight: Any = None
) -> tuple[Any, NDArray[Any], Any]:
    """Take the samples that can be scored.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.
    y : array-like of shape (n_samples,)
        Labels, ``missing_label`` where there is none.
    missing_label : object
        The value that marks a sample without a label.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples.

    Returns
    -------
    X_labelled : same type as X, of shape (n_labelled, ...)
        The samples with a label.
    labels : ndarray of shape (n_labelled,)
        Their labels, strings or numbers.
    weight_labelled : same type as sample_weight, of shape (n_labelled,)
        Their weights, None without.

    Raises
    ------
    ValueError
        If no sample has a label.
    """
    labels, known = check_labels(y, missing_label)
    if not known.any():
        raise ValueError(
            "y must hold at least one label to be scored. Got only "
            f"missing_label={missing_label!r} instead."
        )
    if sample_weight is not None:
        sample_weight = _take(sample_weight, known)
    return _take(X, known), labels, sample_weight


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
        The labels, in the dtype of the classes if that holds ``missing_label`` or
        none is missing, else in one that holds both.
    """
    has_label, missing_label = codes >= 0, plain(missing_label)
    if has_label.all():
        return classes[codes]
    if classes.dtype.kind in _NUMBER_KINDS and isinstance(
        missing_label, int | float | np.number
    ):
        dtype = np.result_type(classes.dtype, np.min_scalar_type(missing_label))
        if not _holds(dtype, classes):
            dtype = np.dtype(object)
    elif classes.dtype.kind == "U" and isinstance(missing_label, str):
        dtype = np.result_type(classes.dtype, np.asarray(missing_label).dtype)
    else:
        dtype = np.dtype(object)
    labels = np.empty(codes.shape, dtype=dtype)
    labels[has_label] = classes[codes[has_label]]
    labels[~has_label] = missing_label
    return labels
