"""The space in which samples are clustered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from ._containers import canonical
from ._copies import with_equal_copies
from ._distances import check_magnitude
from ._labels import is_null
from ._messages import noting, noting_gaps, stage
from ._parallel import sequential_blas
from .embedding import default_embedding, describe
from .embedding._columns import columns_of, is_frame, names_of

# What is clustered: the arguments of check_array and validate_data.
NUMERIC_ARRAY: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": [np.float64, np.float32],
}
# What float and NumPy say of a value that is no number.
_NO_NUMBER = re.compile(r"to float|float\(\)|with a sequence")
_MOST_ODD = 5
_AS_IT_IS = (
    "With embedding=None X must be a table of numbers; with embedding='auto' it may "
    "hold strings, dates, texts, images, and missing values."
)


def as_own(E: Any, X: Any) -> Any:
    """Copy samples that are in the caller's memory, since they are kept.

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


@contextmanager
def noting_odd_values(X: Any) -> Iterator[None]:
    """Add to an error of what takes numbers only which values of X are none.

    Parameters
    ----------
    X : object
        The samples.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        if _NO_NUMBER.search(str(error)) and (is_frame(X) or np.ndim(X) == 2):
            columns = zip(names_of(X, None), columns_of(X), strict=True)
            odd = [
                f"{next(filter(_is_odd, column))!r} in column {name!r}"
                for name, column in columns
                if any(map(_is_odd, column))
            ]
            if odd:
                error.add_note(f"What is no number in X: {', '.join(odd[:_MOST_ODD])}.")
        raise


def _is_odd(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return not is_null(value)
    return False


def choose_embedding(embedding: Any, X: Any) -> Any:
    """Choose the embedding if it is "auto".

    Parameters
    ----------
    embedding : transformer, "auto" or None
        The parameter of an estimator.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.

    Returns
    -------
    embedding : transformer or None
        The transformer, not fitted; None for the samples as they are.
    """
    return default_embedding(X) if isinstance(embedding, str) else embedding


def _shortened(X: Any) -> Any:
    """Turn pixels and other short whole numbers into float32, which holds them exactly.

    scikit-learn's transformers make float64 of them, with eight times the memory.
    """
    is_short = isinstance(X, np.ndarray) and X.dtype.kind in "iu" and X.itemsize <= 2
    return X.astype(np.float32) if is_short and X.ndim == 2 else X


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
    with config_context(transform_output="default"):
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
    with config_context(transform_output="default"):
        E = embedding_.transform(X)
    return _check_output(E)


def _check_output(E: Any) -> Any:
    E = canonical(
        check_array(E, input_name="the output of embedding for X", **NUMERIC_ARRAY)
    )
    check_magnitude(E, "The output of embedding for X")
    return E


def fit_space(
    estimator: Any,
    X: Any,
    prepare: Callable[[Any], Any],
    cache: Callable[[Any], Any],
) -> tuple[Any, Any]:
    """Check the samples of an estimator's fit, and embed them.

    Parameters
    ----------
    estimator : estimator
        Has ``embedding`` and ``verbose``; gets the names and the number of features.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.
    prepare : callable
        Sets seeds and number of jobs of the transformer.
    cache : callable
        Wraps the function whose results are to be cached.

    Returns
    -------
    embedding_ : transformer or None
        The fitted transformer.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples, in memory of their own.
    """
    canonical_X, embedding = canonical(X), estimator.embedding
    is_chosen = isinstance(embedding, str)
    if is_chosen:
        canonical_X = _shortened(canonical_X)
        embedding = default_embedding(canonical_X)
    if embedding is None:
        note = nullcontext() if is_chosen else noting(_AS_IT_IS)
        with note, noting_odd_values(X):
            E = validate_data(estimator, canonical_X, **NUMERIC_ARRAY)
        E = as_own(E, X)
        check_magnitude(E, "X")
        return None, E
    validate_data(estimator, X, skip_check_array=True)
    told = f"embedding ({describe(embedding)})"
    source = "the embedding chosen for X" if is_chosen else "the 'embedding' parameter"
    # Several threads of linear algebra would round in as many ways.
    limits = sequential_blas() if is_chosen else nullcontext()
    with (
        stage(told, estimator.verbose),
        noting(f"Raised by {source}, {embedding!r}."),
        limits,
    ):
        embedding_, E = cache(fit_embedding)(prepare(embedding), canonical_X)
    check_consistent_length(X, E)
    return embedding_, with_equal_copies(E, canonical_X)


def enter_space(estimator: Any, X: Any, embedding_: Any) -> Any:
    """Check other samples, and embed them likewise.

    Parameters
    ----------
    estimator : estimator
        Knows the names and the number of features.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples.
    embedding_ : transformer or None
        The fitted transformer.

    Returns
    -------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    """
    X = canonical(X)
    if isinstance(estimator.embedding, str):
        X = _shortened(X)
    if embedding_ is None:
        note = "X must be of the same kind as in fit."
        with noting(note), noting_gaps(), noting_odd_values(X):
            E = canonical(validate_data(estimator, X, reset=False, **NUMERIC_ARRAY))
        check_magnitude(E, "X")
        return E
    # First: its errors on a bad X say more.
    told = describe(embedding_)
    note = f"X must be of the same kind as in fit. Embedded as {told}."
    with noting(note), noting_gaps(), noting_odd_values(X):
        E = embed(embedding_, X)
    validate_data(estimator, X, reset=False, skip_check_array=True)
    return E
