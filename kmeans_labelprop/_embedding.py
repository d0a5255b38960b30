"""The space in which samples are clustered."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_array

# What is clustered: the arguments of check_array and validate_data.
NUMERIC_ARRAY: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": [np.float64, np.float32],
}


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
    return check_array(E, input_name="the output of embedding", **NUMERIC_ARRAY)
