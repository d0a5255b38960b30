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


def are_shares_typical(shares: NDArray[np.float64]) -> bool:
    """Tell whether samples could be a fair draw from their clusters.

    The share of a cluster that lies nearer to the centre than a sample is uniform for
    samples drawn at random. Of hard samples it is larger: they lie at the edges, and
    cannot stand for their clusters.

    Parameters
    ----------
    shares : ndarray of shape (n_samples,), dtype=float64
        That share for each sample.

    Returns
    -------
    are_typical : bool
        False if their mean is more than 3 standard errors above one half.
    """
    error = 1 / np.sqrt(12 * max(1, len(shares)))
    return bool(shares.sum() <= len(shares) * (0.5 + 3 * error))
