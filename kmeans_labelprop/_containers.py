"""Rows and labels in the caller's own container."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing, indexable


def _library(container: Any) -> str:
    """Name the library that a container comes from, without importing it."""
    return type(container).__module__.partition(".")[0]


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


def single_column(y: Any) -> Any:
    """Take the column of a DataFrame or an array that has a single one.

    Parameters
    ----------
    y : {array-like, series, dataframe} of shape (n_samples,) or (n_samples, 1)
        The labels.

    Returns
    -------
    column : {array-like, series} of shape (n_samples,)
        The same labels.
    """
    if len(getattr(y, "shape", ())) != 2:
        return y
    if _library(y) == "pandas":
        return y.iloc[:, 0]
    if _library(y) == "polars":
        return y.to_series()
    return np.asanyarray(y).reshape(-1)


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
    if dtype.kind != "O" and values.dtype.kind == "U":
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
