"""Copies of a sample."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import gen_batches

from ._containers import holds_numbers
from .embedding._columns import is_frame

# Rows compared at once.
_BATCH_SIZE = 100_000
# Times the last digit of a row's largest number: as far as rounding goes.
_ROUNDING = 1000


def distinct_rows(E: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the samples that are not copies of an earlier one.

    Eleven copies of a sample would have only each other for their ten neighbours, and
    no label would reach them or leave them.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.

    Returns
    -------
    first : ndarray of shape (n_distinct,), dtype=intp
        The position of the first copy of each distinct row, in increasing order.
    row_of : ndarray of shape (n_samples,), dtype=intp
        Which of the distinct rows each sample is.
    """
    keys = _sparse_keys(E) if issparse(E) else _dense_keys(E)
    order = np.argsort(keys, kind="stable")
    is_new = np.ones(len(keys), dtype=bool)
    for batch in gen_batches(len(keys) - 1, _BATCH_SIZE) if len(keys) > 1 else ():
        is_new[1:][batch] = keys[order[1:][batch]] != keys[order[:-1][batch]]
    first = order[is_new]
    by_position = np.argsort(first)
    number = np.empty_like(first)
    number[by_position] = np.arange(len(first))
    row_of = np.empty_like(order)
    row_of[order] = number[np.cumsum(is_new) - 1]
    return first[by_position], row_of


def _dense_keys(E: NDArray[Any]) -> NDArray[np.void]:
    """Make a key of each row, the same for equal ones."""
    positive_zeros = np.ascontiguousarray(E + 0.0)  # -0.0 is 0.0
    # Not the size of a number of E: whole ones have become floats.
    return positive_zeros.view(f"V{E.shape[1] * positive_zeros.itemsize}")[:, 0]


def _sparse_keys(E: Any) -> NDArray[np.void]:
    E = csr_array(E, copy=True)
    E.sum_duplicates()  # sorts the columns, too
    E.eliminate_zeros()
    rows = (
        E.indices[start:end].tobytes() + E.data[start:end].tobytes()
        for start, end in pairwise(E.indptr.tolist())
    )
    digests = b"".join(blake2b(row, digest_size=20).digest() for row in rows)
    return np.frombuffer(digests, dtype="V20")


def with_equal_copies(E: Any, X: Any) -> Any:
    """Embed copies of a sample alike, to the last bit.

    Products of matrices round some rows differently, by where they stand: so copies
    would be others in the space, asked about and counted one by one.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples. Products of sparse matrices are the same for all rows.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples, of which only numbers are compared.

    Returns
    -------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        Each copy where the first of them is, if it was there except for rounding.
    """
    if issparse(E) or issparse(X) or not _may_be_numbers(X):
        return E
    numbers = X.to_numpy() if is_frame(X) else np.asarray(X)
    if numbers.dtype.kind not in "biuf":
        return E
    numbers = numbers.reshape(len(numbers), -1)
    # Rows are compared only where sums, which take little time, are the same.
    half = numbers.shape[1] // 2
    sums = np.column_stack(
        [numbers[:, :half].sum(axis=1), numbers[:, half:].sum(axis=1)]
    )
    first, row_of = distinct_rows(sums)
    if len(first) == len(E):
        return E
    some = np.flatnonzero(np.bincount(row_of)[row_of] > 1)
    first, row_of = distinct_rows(numbers[some])
    alike = E[some[first[row_of]]]
    # An embedding may look at other rows, too: of steps of a series at those before.
    largest = np.abs(alike).max(axis=1)
    gap = np.abs(E[some] - alike).max(axis=1)
    is_rounding = gap <= _ROUNDING * np.finfo(E.dtype).eps * largest
    E = E.copy()
    E[some[is_rounding]] = alike[is_rounding]
    return E


def _may_be_numbers(X: Any) -> bool:
    """Tell whether X can be made an array without one of strings or of objects."""
    if is_frame(X):
        return all(map(holds_numbers, X.dtypes))
    return not isinstance(X, (list, tuple)) or not any(
        isinstance(row, str) for row in X
    )
