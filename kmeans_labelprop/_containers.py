"""Rows and labels in the caller's own container."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing, indexable


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
    return _safe_indexing(indexable(X)[0], positions)


def with_values(template: Any, values: NDArray[Any]) -> Any:
    """Put labels into a container like ``template``.

    Parameters
    ----------
    template : {array-like, series, dataframe} of shape (n_samples,)
        Gives the container and, where it has them, index, name and dtype.
    values : ndarray of shape (n_samples,)
        The labels; they keep a dtype of their own where the template's cannot hold
        them.

    Returns
    -------
    labels : same type as template
        The labels.
    """
    if isinstance(template, list):
        return values.tolist()
    module = type(template).__module__.partition(".")[0]
    if module == "pandas" and template.ndim == 2:
        return with_values(template.iloc[:, 0], values).to_frame(template.columns[0])
    if module == "pandas":
        index, name = template.index, template.name
        series = type(template)(values, index=index, name=name)
        # A categorical dtype would make values that it does not know missing.
        categories = getattr(template.dtype, "categories", values)
        if _can_hold(template, values) and np.isin(values, categories).all():
            return series.astype(template.dtype)
        return series
    if module == "polars" and hasattr(template, "name"):
        dtype = template.dtype if _can_hold(template, values) else None
        return type(template)(template.name, values, dtype=dtype)
    return (
        values.astype(np.asarray(template).dtype)
        if _can_hold(template, values)
        else values
    )


def _can_hold(template: Any, values: NDArray[Any]) -> bool:
    dtype = np.asarray(template).dtype
    if dtype.kind in "biuf":
        return values.dtype.kind in "biuf" and np.array_equal(
            values.astype(dtype), values
        )
    return dtype.kind == "O" or dtype.kind == values.dtype.kind
