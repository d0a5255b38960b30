"""The space in which samples are clustered."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import check_array

from ._containers import canonical

# What is clustered: the arguments of check_array and validate_data.
NUMERIC_ARRAY: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": [np.float64, np.float32],
}


def as_own(E: Any, X: Any) -> Any:
    """Copy what is the caller's, since it is kept.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples to keep.
    X : object
        The samples given.

    Returns
    -------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The same samples in memory of their own.
    """
    own = E.data if issparse(E) else E
    given = getattr(X, "data", X) if issparse(X) else np.asarray(X)
    return E.copy() if np.may_share_memory(own, given) else E


def check_magnitude(E: Any, name: str) -> None:
    """Refuse numbers whose squared distances are not finite.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The samples.
    name : str
        What they are, for the error message.

    Raises
    ------
    ValueError
        If distances would overflow.
    """
    values = E.data if issparse(E) else E
    largest = max(abs(float(values.max(initial=0))), abs(float(values.min(initial=0))))
    limit = float(np.sqrt(np.finfo(E.dtype).max / max(1, E.shape[1]))) / 4
    if largest > limit:
        raise ValueError(
            f"{name} holds numbers too large to compute distances in {E.dtype}. Got "
            f"{largest:.3g}, and up to {limit:.3g} is possible. If it marks missing "
            "values, replace it by NaN or leave these samples out."
        )


def fit_embedding(embedding: Any, X: Any) -> tuple[Any, Any]:
    """Fit a clone of a transformer and embed the samples it was fitted on.

    Parameters
    ----------
    embedding : transformer
        The transformer or Pipeline, not fitted.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples, as the transformer takes them.

    Returns
    -------
    embedding_ : transformer
        The fitted clone.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples, float64 or float32.
    """
    embedding_ = clone(embedding)
    if hasattr(embedding_, "fit_transform"):
        E = embedding_.fit_transform(X)
    else:
        E = embedding_.fit(X, None).transform(X)
    return embedding_, _check_output(E)


def embed(embedding_: Any, X: Any) -> Any:
    """Embed samples with a fitted transformer.

    Parameters
    ----------
    embedding_ : transformer
        The fitted transformer.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.

    Returns
    -------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples, float64 or float32.
    """
    return _check_output(embedding_.transform(X))


def _check_output(E: Any) -> Any:
    E = canonical(check_array(E, input_name="the output of embedding", **NUMERIC_ARRAY))
    check_magnitude(E, "The output of embedding for X")
    return E
