"""The nearest-neighbour graph of the samples."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, issparse
from sklearn import config_context
from sklearn.base import clone


class Graph(NamedTuple):
    """The graph over which labels spread: its nodes are the distinct samples."""

    affinity: csr_array  # of shape (n_distinct, n_distinct)
    row_of: NDArray[np.intp]  # the node of each sample


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
    if issparse(E):
        E = csr_array(E, copy=True)
        E.sum_duplicates()  # sorts the columns, too
        E.eliminate_zeros()
        ends = E.indptr.tolist()
        rows = (
            E.indices[start:end].tobytes() + E.data[start:end].tobytes()
            for start, end in pairwise(ends)
        )
    else:
        rows = ((row + 0.0).tobytes() for row in E)  # -0.0 is 0.0
    number: dict[bytes, int] = {}
    first: list[int] = []
    row_of = np.empty(E.shape[0], dtype=np.intp)
    for position, row in enumerate(rows):
        key = blake2b(row, digest_size=20).digest()
        row_of[position] = number.setdefault(key, len(number))
        if len(number) > len(first):
            first.append(position)
    return np.array(first, dtype=np.intp), row_of


def neighbor_distances(neighbors: Any, E: Any) -> csr_array:
    """Find the neighbours of each sample with a clone of a transformer.

    Parameters
    ----------
    neighbors : transformer
        Yields a sparse graph of distances, as
        :class:`~sklearn.neighbors.KNeighborsTransformer` with ``mode="distance"``.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples, each different from the others.

    Returns
    -------
    distances : csr_array of shape (n_samples, n_samples), dtype=float64
        Distances to the neighbours of each sample, itself left out.

    Raises
    ------
    TypeError
        If the transformer does not yield a sparse matrix.
    ValueError
        If the transformer refuses the samples, the matrix is not square, or a distance
        is negative or not finite.
    """
    n_samples = E.shape[0]
    try:
        # A transformer's output is sparse, which no DataFrame can hold.
        with config_context(transform_output="default"):
            graph = clone(neighbors).fit_transform(E)
    except ValueError as error:
        raise ValueError(
            "The 'neighbors' parameter must find neighbours among the samples, each "
            f"taken once: {n_samples} here. Got an error from {neighbors!r}: {error}"
        ) from error
    if not issparse(graph):
        raise TypeError(
            "The 'neighbors' parameter must be a transformer that yields a sparse "
            f"graph of distances. Got {type(graph).__name__} from {neighbors!r}."
        )
    if graph.shape != (n_samples, n_samples):
        raise ValueError(
            "The 'neighbors' parameter must yield a graph of shape "
            f"{(n_samples, n_samples)}. Got {graph.shape} from {neighbors!r}."
        )
    entries = csr_array(graph).tocoo()
    is_other = entries.row != entries.col
    data = entries.data[is_other].astype(np.float64)
    if not np.isfinite(data).all() or (data < 0).any():
        raise ValueError(
            "The 'neighbors' parameter must yield distances of 0 or more. Got some "
            f"that are negative or not finite from {neighbors!r}."
        )
    where = (entries.row[is_other], entries.col[is_other])
    return csr_array((data, where), shape=graph.shape)


def affinity_graph(distances: csr_array) -> csr_array:
    """Build a symmetric graph of affinities between neighbouring samples.

    The affinity of two samples at distance d is ``exp(-d ** 2 / (s_i * s_j))``, where
    the scale s of a sample is the distance to the farthest of its neighbours [1]_.
    Each is divided by the square roots of both samples' degrees [2]_.

    Parameters
    ----------
    distances : csr_array of shape (n_samples, n_samples), dtype=float64
        Distances to the neighbours of each sample.

    Returns
    -------
    affinity : csr_array of shape (n_samples, n_samples), dtype=float64
        The normalised affinities; at most twice as many entries as the graph of
        distances.

    References
    ----------
    .. [1] L. Zelnik-Manor and P. Perona, "Self-Tuning Spectral Clustering", NIPS 2004.
    .. [2] D. Zhou et al., "Learning with Local and Global Consistency", NIPS 2003.
    """
    n_samples = distances.shape[0]
    rows = np.repeat(np.arange(n_samples), np.diff(distances.indptr))
    columns, data = distances.indices, distances.data
    scales = np.zeros(n_samples)
    np.maximum.at(scales, rows, data)
    is_positive = scales > 0
    if is_positive.any():
        # All neighbours of some samples are duplicates: what is near, others tell.
        scales[~is_positive] = scales[is_positive].min()
    products = scales[rows] * scales[columns]
    # No scale at all: every sample is a duplicate of its neighbours.
    ratios = np.divide(data**2, products, out=np.zeros_like(data), where=products > 0)
    weights = csr_array((np.exp(-ratios), (rows, columns)), shape=distances.shape)

    symmetric = weights.maximum(weights.T)
    degrees = symmetric.sum(axis=1)
    inverse_root = np.divide(
        1, np.sqrt(degrees), out=np.zeros(n_samples), where=degrees > 0
    )
    scaling = diags_array(inverse_root)
    affinity = csr_array(scaling @ symmetric @ scaling)
    affinity.eliminate_zeros()  # too far apart for floating point: no link
    return affinity


def neighbor_density(
    distances: csr_array, n_copies: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Measure how close the neighbours of each distinct sample are.

    Parameters
    ----------
    distances : csr_array of shape (n_distinct, n_distinct), dtype=float64
        Distances to the neighbours of each sample.
    n_copies : ndarray of shape (n_distinct,), dtype=intp
        How often each occurs. Its other copies are neighbours at distance 0.

    Returns
    -------
    density : ndarray of shape (n_distinct,), dtype=float64
        The negative of the mean distance to the neighbours; -inf without any.
    """
    rows = np.repeat(np.arange(len(n_copies)), np.diff(distances.indptr))
    weights = n_copies[distances.indices]
    counts = n_copies - 1 + np.bincount(rows, weights, minlength=len(n_copies))
    total = np.bincount(rows, weights * distances.data, minlength=len(n_copies))
    density: NDArray[np.float64] = np.divide(
        -total, counts, out=np.full(len(counts), -np.inf), where=counts > 0
    )
    return density
