"""Rows and labels in the caller's own container."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing, indexable


def _library(container: Any) -> str:
    """Name the library that a container comes from, without importing it."""
    return type(container).__module__.partition(".")[0]


def check_container(X: Any) -> None:
    """Refuse what holds no samples.

    Parameters
    ----------
    X : object
        The samples.

    Raises
    ------
    TypeError
        If X is no container.
    ValueError
        If X is empty.
    """
    odd = describe_odd(X)
    if odd:
        raise TypeError(
            "X must hold samples: an array, a sparse matrix, a DataFrame, or a list. "
            f"{odd}"
        )
    shape = getattr(X, "shape", None)
    if shape is None:
        shape = (len(X),) if hasattr(X, "__len__") else np.asarray(X).shape
    if shape[0] == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is "
            "required."
        )


def describe_odd(X: Any) -> str:
    """Say what X is, and what to pass in its place, if it is no container of samples.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    got : str
        The end of an error message; nothing if X is a container.
    """
    is_one = isinstance(X, str | bytes | Mapping | Set) or getattr(X, "ndim", 1) == 0
    is_many = hasattr(X, "__len__") or hasattr(X, "__array__")
    remedy = _remedy(X)
    # Some sparse matrices are dicts, and none has a length.
    if issparse(X) or not (is_one or not is_many or remedy):
        return ""
    of_what = " with named fields" if _has_fields(X) else ""
    if isinstance(X, list | tuple):
        of_what = f" of {type(X[0]).__name__}"
    return f"Got {type(X).__name__}{of_what} instead.{remedy}"


def _has_fields(X: Any) -> bool:
    return getattr(getattr(X, "dtype", None), "names", None) is not None


def _remedy(X: Any) -> str:
    """Say what to pass in place of a container whose rows cannot be taken."""
    is_records = isinstance(X, list | tuple) and len(X) and isinstance(X[0], Mapping)
    is_dict = isinstance(X, Mapping) and not issparse(X)
    if is_records or is_dict or _has_fields(X):
        return " Pass pandas.DataFrame(X)."
    if _library(X) == "pyarrow" and hasattr(X, "to_pandas"):
        return " Pass X.to_pandas()."
    if _library(X) == "tensorflow":
        return " Pass X.numpy()."
    if type(X).__name__ == "LazyFrame":
        return " Pass X.collect()."
    return ""


def holds_numbers(dtype: Any) -> bool:
    """Tell whether columns of a dtype, of pandas or polars, hold numbers."""
    if hasattr(dtype, "is_numeric"):  # polars
        return bool(dtype.is_numeric())
    return dtype.kind in "iuf"


def are_strings(labels: NDArray[Any]) -> bool:
    """Tell labels that are strings, the long ones of them objects, from numbers."""
    return labels.dtype.kind in "UO"


def refuse_masked(X: Any, name: str) -> None:
    """Refuse masked values: scikit-learn would read them all the same."""
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"{name} holds masked values, which would be read as if they were not "
            "masked. Fill them, with NaN for instance, or leave these samples out."
        )


def canonical(X: Any) -> Any:
    """Bring a sparse matrix into one form; refuse masked values and dates.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    X : object
        A CSR matrix with each entry that is not zero once, in order: a new one if that
        was not so.
        Anything but a sparse matrix is returned as it is.

    Raises
    ------
    ValueError
        If values are masked: the mask would be ignored.
    TypeError
        If X is an array of dates or durations.
    """
    check_container(X)
    refuse_masked(X, "X")
    if isinstance(X, np.ndarray) and X.dtype.kind in "mM":
        raise TypeError(
            f"X must be numbers. Got an array of dtype {X.dtype}: turn dates and "
            "durations into numbers, of days for instance."
        )
    if not issparse(X):
        return X
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got sparse {X.ndim}D array instead.")
    csr = X.tocsr()
    if csr.indices.dtype != np.int32 and max(*csr.shape, csr.nnz) < 2**31:
        csr = csr.copy()  # scikit-learn takes 32 bits only
        csr.indices, csr.indptr = (
            part.astype(np.int32) for part in (csr.indices, csr.indptr)
        )
    if not csr.has_canonical_format or not csr.data.all():
        csr = csr.copy()
        csr.sum_duplicates()
        csr.eliminate_zeros()
    return csr


def is_numeric_table(X: Any) -> bool:
    """Tell whether samples are numbers in two dimensions, as classifiers want them.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    is_numeric : bool
        True for sparse matrices, arrays and lists of numbers, and for tables of
        numbers and booleans.
    """
    if issparse(X):
        return True
    if hasattr(X, "columns"):  # pandas and polars
        return all(
            holds_numbers(dtype)
            or getattr(dtype, "kind", str(dtype)) in ("b", "Boolean")
            for dtype in X.dtypes
        )
    try:
        values = np.asarray(X)
        if values.dtype.kind == "O":
            values = values.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return values.ndim == 2 and values.dtype.kind in "biuf"


def has_missing(X: Any) -> bool:
    """Tell whether a table of numbers has missing values.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        Numbers and booleans.

    Returns
    -------
    has_missing : bool
        True if a value is NaN, NA or None.
    """
    if hasattr(X, "iloc"):
        return bool(X.isna().to_numpy().any())
    values = X.data if issparse(X) else X.to_numpy() if hasattr(X, "columns") else X
    return bool(np.isnan(np.asarray(values, dtype=np.float64)).any())


def has_negative(X: Any) -> bool:
    """Tell whether a table of numbers has any below zero.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    has_negative : bool
        False for what is no table of numbers, too.
    """
    if not is_numeric_table(X):
        return False
    values = X.data if issparse(X) else X
    return bool((np.asarray(values, dtype=np.float64) < 0).any())


def row_names(X: Any) -> Any:
    """Take the index of a pandas DataFrame or Series, if it has one of its own.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    names : ndarray of shape (n_samples,) or None
        The index; None for the numbers from 0 on, and for other containers.
    """
    if not hasattr(X, "iloc"):
        return None
    names = X.index
    is_plain = names.dtype.kind in "iu" and np.array_equal(names, np.arange(len(names)))
    if is_plain:
        return None
    # An array, which skops stores, too; numbers take less room than as objects.
    is_number = isinstance(names.dtype, np.dtype) and names.dtype.kind in "iuf"
    return np.asarray(names, dtype=None if is_number else object)


def take_rows(X: Any, positions: NDArray[np.intp]) -> Any:
    """Take rows of X by position, in X's own container.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        Anything with rows; index, column names and dtypes are kept.
    positions : ndarray of shape (n_taken,), dtype=intp
        Positions of the rows.

    Returns
    -------
    X_taken : same type as X
        The rows; sparse input comes back as CSR.
    """
    if _library(X) == "pandas" and not hasattr(X, "iloc"):
        return X.take(positions)  # an Index or an extension array
    return _safe_indexing(indexable(X)[0], positions)


def in_memory(labels: Any) -> Any:
    """Compute labels that are a collection of Dask; return any others as they are."""
    is_lazy = hasattr(labels, "__dask_graph__") and hasattr(labels, "compute")
    return labels.compute() if is_lazy else labels


def single_column(y: Any) -> Any:
    """Take the column of a DataFrame or an array that has a single one.

    Parameters
    ----------
    y : {array-like, series, dataframe} of shape (n_samples,) or (n_samples, 1)
        The labels.

    Returns
    -------
    column : {array-like, series} of shape (n_samples,)
        The same labels. What has another shape is returned as it is.
    """
    if getattr(y, "shape", ())[1:] != (1,) or issparse(y):
        return y
    if _library(y) == "pandas":
        return y.iloc[:, 0]
    if _library(y) == "polars":
        return y.to_series()
    # A np.matrix stays one of two dimensions; a masked array has to keep its mask.
    values = y if isinstance(y, np.ma.MaskedArray) else np.asarray(y)
    return values.reshape(-1)


def labels_like(y: Any, positions: NDArray[np.intp], labels: NDArray[Any]) -> Any:
    """Put labels of some samples into the container of y.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or None
        Gives the container; None for an array.
    positions : ndarray of shape (n_taken,), dtype=intp
        Positions of the samples.
    labels : ndarray of shape (n_taken,)
        Their labels.

    Returns
    -------
    labels : same type as y
        The labels, with the index that y has there.
    """
    return labels if y is None else with_values(take_rows(y, positions), labels)


def with_values(template: Any, values: NDArray[Any]) -> Any:
    """Put labels into a container like ``template``.

    Parameters
    ----------
    template : {array-like, series, dataframe} of shape (n_samples,)
        Gives the container and, where it has them, index, name and dtype.
    values : ndarray of shape (n_samples,)
        The labels, strings or numbers. They keep their own dtype where the template's
        cannot hold them, or holds numbers as objects.

    Returns
    -------
    labels : same type as template
        The labels.
    """
    if isinstance(template, list):
        return values.tolist()
    if _library(template) == "pandas" and hasattr(template, "iloc"):
        if template.ndim == 2:
            return with_values(template.iloc[:, 0], values).to_frame()
        return _pandas_series(template, values)
    if _library(template) == "polars":
        if hasattr(template, "columns"):
            return with_values(template.to_series(), values).to_frame()
        return _polars_series(template, values)
    dtype = np.asarray(template).dtype
    if dtype.kind == "O" and values.dtype.kind != "U":
        return values  # scikit-learn trains on no numbers held as objects
    if dtype.kind not in ("O", "b", "i", "u", "f"):
        return values  # strings: a cast would cut them
    if dtype.kind != "O" and are_strings(values):
        return values
    cast = values.astype(dtype)
    return cast if np.array_equal(cast, values) else values


def _pandas_series(template: Any, values: NDArray[Any]) -> Any:
    series = type(template)(values, index=template.index, name=template.name)
    categories = getattr(template.dtype, "categories", values)
    if not np.isin(values, categories).all():
        return series
    try:
        cast = series.astype(template.dtype)
    except (TypeError, ValueError):
        return series
    same = np.array_equal(np.asarray(cast.astype(object)), values.astype(object))
    return cast if same else series


def _polars_series(template: Any, values: NDArray[Any]) -> Any:
    from polars.exceptions import PolarsError

    series = type(template)(template.name, values)
    try:
        cast = series.cast(template.dtype)
    except PolarsError:
        return series
    return cast if cast.to_list() == series.to_list() else series
