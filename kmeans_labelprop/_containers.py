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


def with_values(template: Any, values: NDArray[Any], keep_dtype: bool) -> Any:
    """Put labels into a container like ``template``.

    Parameters
    ----------
    template : {array-like, series, dataframe} of shape (n_samples,)
        Gives the container, and where it has them, index, name and dtype.
    values : ndarray of shape (n_samples,)
        The labels.
    keep_dtype : bool
        Whether the template's dtype must hold; it cannot where the labels come from
        elsewhere.

    Returns
    -------
    labels : same type as template
        The labels.
    """
    module = type(template).__module__.partition(".")[0]
    if isinstance(template, list):
        return values.tolist()
    if module == "pandas":
        if template.ndim == 2:
            dtype = template.dtypes.iloc[0] if keep_dtype else None
            column = {template.columns[0]: values}
            return type(template)(column, index=template.index, dtype=dtype)
        dtype = template.dtype if keep_dtype else None
        return type(template)(
            values, index=template.index, name=template.name, dtype=dtype
        )
    if module == "polars" and hasattr(template, "name"):
        dtype = template.dtype if keep_dtype else None
        return type(template)(template.name, values, dtype=dtype)
    return values.astype(np.asarray(template).dtype) if keep_dtype else values
