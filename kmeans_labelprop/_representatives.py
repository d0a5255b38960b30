"""Choose the representative of each cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._mixing import position_hashes


def best_samples(
    cluster_ids: NDArray[np.intp],
    costs: NDArray[np.float64],
    known: NDArray[np.bool_],
    positions: NDArray[np.intp] | None = None,
    seed: int | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose each cluster's best known sample, or its best if none is known.

    Parameters
    ----------
    cluster_ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    costs : ndarray of shape (n_samples,), dtype=float64
        How badly a sample represents its cluster: its distance to the centre.
    known : ndarray of shape (n_samples,), dtype=bool
        Whether a sample's label is known.
    positions : ndarray of shape (n_samples,), dtype=intp, default=None
        Where the samples stand among all; None if these are all.
    seed : int or None, default=None
        Another one takes others of equally good samples.

    Returns
    -------
    representatives : ndarray of shape (n_representatives,), dtype=intp
        Positions of the representatives, one for each cluster that is not empty, in
        the order of the clusters. Which of equally good samples is taken depends on
        their positions, in no order: in tables that are sorted by class the first would
        stand for the first class.
    clusters : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    """
    if positions is None:
        positions = np.arange(len(cluster_ids))
    order = np.lexsort((position_hashes(positions, seed), costs, ~known, cluster_ids))
    clusters, first = np.unique(cluster_ids[order], return_index=True)
    return order[first], clusters


def are_typical(
    cluster_ids: NDArray[np.intp],
    distances: NDArray[np.float64],
    known: NDArray[np.intp],
) -> bool:
    """Tell whether known samples could be a fair draw from their clusters.

    The share of a cluster that lies nearer to the centre than a sample is uniform for
    samples drawn at random. Of hard samples it is larger: they lie at the edges, and
    cannot stand for their clusters.

    Parameters
    ----------
    cluster_ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    distances : ndarray of shape (n_samples,), dtype=float64
        Distance of each sample to the centre of its cluster.
    known : ndarray of shape (n_known,), dtype=intp
        Positions of the samples whose label is known.

    Returns
    -------
    are_typical : bool
        False if their mean share is more than 3 standard errors above one half.
    """
    order = np.lexsort((distances, cluster_ids))
    sizes = np.bincount(cluster_ids)
    ranks = np.empty(len(order), dtype=np.intp)
    ranks[order] = (
        np.arange(len(order)) - (np.cumsum(sizes) - sizes)[cluster_ids[order]]
    )
    return are_shares_typical((ranks[known] + 0.5) / sizes[cluster_ids[known]])


def are_shares_typical(shares: NDArray[np.float64]) -> bool:
    """Tell the same by the share of its cluster that lies nearer than each sample."""
    error = 1 / np.sqrt(12 * max(1, len(shares)))
    return bool(shares.sum() <= len(shares) * (0.5 + 3 * error))


def most_valuable_first(
    representatives: NDArray[np.intp],
    clusters: NDArray[np.intp],
    cluster_ids: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Sort representatives by how many samples their label is worth.

    Parameters
    ----------
    representatives : ndarray of shape (n_representatives,), dtype=intp
        Positions of the representatives.
    clusters : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    cluster_ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.

    Returns
    -------
    sorted_representatives : ndarray of shape (n_representatives,), dtype=intp
        The same positions, those of the largest clusters first.
    """
    sizes = np.bincount(cluster_ids)[clusters]
    return representatives[np.argsort(-sizes, kind="stable")]
