"""The nearest-neighbour graph of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array, issparse
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.utils import gen_batches
from threadpoolctl import ThreadpoolController

from ._mixing import position_hashes
from ._neighbors import ExactNeighbors, IndexedNeighbors
from ._parallel import most_threads, run_in_threads

# Neighbours that a sample is linked to, at least; those that it shares with another are
# counted among all.
_N_LINKS = 10
# From so many samples on an index takes less time than to compare all.
_MANY = 20_000
# Links compared at once: about 50 MB.
_BATCH_SIZE = 100_000
# Times the scale: closer samples are the same except for rounding.
_SAME = 1e-3


@dataclass(frozen=True, eq=False)
class Graph:
    """The graph over which labels spread: its nodes are the distinct samples.

    Attributes
    ----------
    affinity : csr_array of shape (n_nodes, n_nodes), dtype=float64
        The normalised affinities.
    scales : ndarray of shape (n_nodes,), dtype=float64
        The distance that counts as near at each node.
    node_of : ndarray of shape (n_samples,), dtype=intp
        The node of each sample.
    neighbors : transformer
        Finds the nodes next to other samples.
    n_links : int
        How many of these, the nearest, count.
    offset : ndarray of shape (n_components,) or None
        What was subtracted from all samples before neighbours were searched.
    """

    affinity: csr_array
    scales: NDArray[np.float64]
    node_of: NDArray[np.intp]
    neighbors: Any
    n_links: int
    offset: NDArray[np.float64] | None = None


def make_neighbors(neighbors: Any, nodes: Any) -> Any:
    """Make the transformer that finds the neighbours of each sample.

    Parameters
    ----------
    neighbors : transformer or None
        The transformer; None for one that finds 20: by an index where there are many
        samples, else by comparing all.
    nodes : {ndarray, CSR matrix} of shape (n_nodes, n_components)
        The distinct samples.

    Returns
    -------
    neighbors : transformer
        The transformer, not fitted.
    """
    if neighbors is not None:
        return neighbors
    n_nodes = nodes.shape[0]
    if n_nodes >= _MANY and not issparse(nodes):
        return IndexedNeighbors(2 * _N_LINKS)
    return ExactNeighbors(  # a sample alone counts as its own neighbour
        mode="distance" if n_nodes > 1 else "connectivity",
        n_neighbors=max(1, min(2 * _N_LINKS, n_nodes - 1)),
    )


def count_links(distances: csr_array) -> int:
    """Find how many of its neighbours, the nearest, a sample is linked to.

    Parameters
    ----------
    distances : csr_array of shape (n_samples, n_samples)
        Distances to the neighbours of each sample.

    Returns
    -------
    n_links : int
        Half of them, or 10 if these are more.
    """
    n_found = int(np.diff(distances.indptr).max(initial=0))
    return max(_N_LINKS, n_found // 2)


def one_order(n_queries: int) -> Any:
    """Break ties between neighbours the same way, whatever the number of threads.

    scikit-learn's exact search goes through the candidates in one order only if it
    shares out the queries among the threads, and not the candidates: if there are more
    than 4 chunks of queries for each thread.

    Parameters
    ----------
    n_queries : int
        Number of samples whose neighbours are searched.

    Returns
    -------
    limits : context manager
        Bounds the threads accordingly.
    """
    chunk_size = int(get_config()["pairwise_dist_chunk_size"])
    most = max(1, (n_queries - 1) // (4 * chunk_size))
    openmp = ThreadpoolController().select(user_api="openmp")
    return openmp.limit(limits=min(most_threads(openmp), most))


def fit_neighbors(neighbors: Any, E: Any) -> tuple[Any, csr_array]:
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
    neighbors_ : transformer
        The fitted clone.
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
        with config_context(transform_output="default"), one_order(n_samples):
            neighbors_ = clone(neighbors)
            graph = neighbors_.fit_transform(E)
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
    if graph.dtype.kind not in "biuf":
        raise TypeError(
            "The 'neighbors' parameter must yield distances, which are numbers. Got "
            f"the dtype {graph.dtype} from {neighbors!r}."
        )
    graph = csr_array(graph)
    rows = np.repeat(np.arange(n_samples), np.diff(graph.indptr))
    is_other = rows != graph.indices
    data = graph.data[is_other].astype(np.float64)
    if not np.isfinite(data).all() or (data < 0).any():
        raise ValueError(
            "The 'neighbors' parameter must yield distances of 0 or more. Got some "
            f"that are negative or not finite from {neighbors!r}."
        )
    ends = np.append(0, np.cumsum(np.bincount(rows[is_other], minlength=n_samples)))
    columns = graph.indices[is_other]
    return neighbors_, csr_array((data, columns, ends), shape=graph.shape)


def affinity_graph(
    distances: csr_array, n_links: int
) -> tuple[csr_array, NDArray[np.float64]]:
    """Build a symmetric graph of affinities between neighbouring samples.

    The affinity of two samples at distance d is ``J * exp(-d ** 2 / (s_i * s_j))``: the
    scale s of a sample is the distance to the farthest that it is linked to [1]_, and J
    the share of neighbours that both have in common among those that either has [2]_.
    Each is divided by the square roots of both samples' degrees [3]_.

    Parameters
    ----------
    distances : csr_array of shape (n_samples, n_samples), dtype=float64
        Distances to the neighbours of each sample.
    n_links : int
        How many of them, the nearest, a sample is linked to.

    Returns
    -------
    affinity : csr_array of shape (n_samples, n_samples), dtype=float64
        The normalised affinities; at most ``2 * n_links`` entries a sample on average.
    scales : ndarray of shape (n_samples,), dtype=float64
        The scale s of each sample.

    References
    ----------
    .. [1] L. Zelnik-Manor and P. Perona, "Self-Tuning Spectral Clustering", NIPS 2004.
    .. [2] R. A. Jarvis and E. A. Patrick, "Clustering Using a Similarity Measure Based
       on Shared Near Neighbors", IEEE Transactions on Computers C-22, 1973,
       :doi:`10.1109/T-C.1973.223640`: neighbours in common.
    .. [3] D. Zhou et al., "Learning with Local and Global Consistency", NIPS 2003.
    """
    n_samples = distances.shape[0]
    rows, columns, data = nearest_links(distances, n_links)
    scales = np.zeros(n_samples)
    np.maximum.at(scales, rows, data)
    is_positive = scales > 0
    if is_positive.any():
        # No scale of their own: take the smallest positive one.
        scales[~is_positive] = scales[is_positive].min()
    # No scale at all: every sample is a duplicate of its neighbours.
    ratios = _in_scales(data, scales[rows]) * _in_scales(data, scales[columns])
    values = shared_neighbors(distances, rows, columns) * np.exp(-ratios)
    weights = csr_array((values, (rows, columns)), shape=distances.shape)

    symmetric = weights.maximum(weights.T)
    degrees = symmetric.sum(axis=1)
    inverse_root = np.divide(
        1, np.sqrt(degrees), out=np.zeros(n_samples), where=degrees > 0
    )
    scaling = diags_array(inverse_root)
    affinity = csr_array(scaling @ symmetric @ scaling)
    affinity.eliminate_zeros()  # too far apart for floating point: no link
    if affinity.nnz < 2**31:  # half the memory; and SciPy 1.13 searches no other graph
        affinity.indices = affinity.indices.astype(np.int32)
        affinity.indptr = affinity.indptr.astype(np.int32)
    return affinity, scales


def _in_scales(
    distances: NDArray[np.float64], scales: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Divide distances by scales; 0 where there is no scale."""
    return np.divide(distances, scales, out=np.zeros_like(distances), where=scales > 0)


def nearest_links(
    distances: csr_array, n_links: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Take the nearest neighbours in each row of a graph of distances.

    Parameters
    ----------
    distances : csr_array of shape (n_rows, n_columns)
        Distances to the neighbours of each sample.
    n_links : int
        How many to take of each row; of equally near ones any, in no order.

    Returns
    -------
    rows, columns : ndarray of shape (n_taken,), dtype=intp
        Where the entries stand.
    data : ndarray of shape (n_taken,), dtype=float64
        The distances.
    """
    n_found = np.diff(distances.indptr)
    rows = np.repeat(np.arange(len(n_found)), n_found)
    data = distances.data.astype(np.float64)
    if n_found.max(initial=0) <= n_links:
        return rows, distances.indices, data
    columns = distances.indices
    is_taken = np.arange(len(rows)) - distances.indptr[:-1][rows] < n_links
    # Sorting takes long: only rows that are out of order, or have equally near ones.
    is_farther = (np.diff(data) > 0) | (np.diff(rows) > 0)
    is_mixed = np.zeros(len(n_found), dtype=bool)
    is_mixed[rows[1:][~is_farther]] = True
    some = np.flatnonzero(is_mixed[rows])
    keys = position_hashes(columns[some]), data[some], rows[some]
    order = np.arange(len(rows))
    order[some] = some[np.lexsort(keys)]
    taken = order[is_taken]
    return rows[taken], columns[taken], data[taken]


def shared_neighbors(
    distances: csr_array, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Measure how far linked samples share their neighbours.

    Parameters
    ----------
    distances : csr_array of shape (n_samples, n_samples)
        Its entries tell the neighbours of each sample; each counts as its own, too.
    rows, columns : ndarray of shape (n_links,), dtype=intp
        The two ends of each link.

    Returns
    -------
    overlap : ndarray of shape (n_links,), dtype=float64
        The Jaccard index of the ends' sets of neighbours, in (0, 1].
    """
    ones = np.ones(distances.nnz, dtype=np.float32)
    sets = csr_array((ones, distances.indices, distances.indptr), distances.shape)
    sets = sets.sorted_indices()  # products of sorted rows are faster
    sets = csr_array(
        sets + eye_array(distances.shape[0], dtype=np.float32, format="csr")
    )
    sizes = np.diff(sets.indptr)
    common = np.empty(len(rows))

    def count(batch: slice) -> None:
        both = sets[rows[batch]].multiply(sets[columns[batch]])
        common[batch] = both.sum(axis=1)

    if len(rows) > _BATCH_SIZE:
        run_in_threads(count, gen_batches(len(rows), _BATCH_SIZE))
    else:
        count(slice(None))
    return common / (sizes[rows] + sizes[columns] - common)


def neighbor_weights(graph: Graph, E: Any) -> csr_array:
    """Weigh the nodes next to other samples, as the graph weighs its links.

    Parameters
    ----------
    graph : Graph
        The graph.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.

    Returns
    -------
    weights : csr_array of shape (n_samples, n_nodes), dtype=float64
        ``exp(-d ** 2 / (s_i * s_j))`` of the neighbours of each sample, divided by
        the largest. A node much closer than its own scale is the same sample: it counts
        alone.

    Raises
    ------
    TypeError
        If the transformer cannot find the neighbours of other samples.
    """
    if not hasattr(graph.neighbors, "transform"):
        raise TypeError(
            "The 'neighbors' parameter must be a transformer with 'transform' to "
            f"predict. Got {graph.neighbors!r} instead."
        )
    if graph.offset is not None:
        E = E - graph.offset
    with config_context(transform_output="default"), one_order(E.shape[0]):
        found = csr_array(graph.neighbors.transform(E))
    rows, columns, distances = nearest_links(found, graph.n_links)
    own = np.zeros(found.shape[0])
    np.maximum.at(own, rows, distances)
    scales = graph.scales[columns]
    ratios = _in_scales(distances, own[rows]) * _in_scales(distances, scales)
    least = np.full(found.shape[0], np.inf)
    np.minimum.at(least, rows, ratios)
    weights = np.exp(least[rows] - ratios)  # far from all, the nearest still counts
    is_same = distances <= _SAME * scales
    has_same = np.zeros(found.shape[0], dtype=bool)
    has_same[rows[is_same]] = True
    weights[has_same[rows] & ~is_same] = 0
    return csr_array((weights, (rows, columns)), shape=found.shape)
