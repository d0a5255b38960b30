"""Which samples of a cluster keep their label."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_in_clusters(
    cluster_ids: NDArray[np.intp],
    costs: NDArray[np.float64],
    given: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rank the samples of each cluster: given ones first, then the cheapest.

    Parameters
    ----------
    cluster_ids : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    costs : ndarray of shape (n_samples,), dtype=float64
        What ranks the samples of a cluster, smallest first; ties by position.
    given : ndarray of shape (n_given,), dtype=intp
        Positions of the samples whose label is given.

    Returns
    -------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster, from 0.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.
    """
    is_given = np.zeros(len(cluster_ids), dtype=bool)
    is_given[given] = True
    order = np.lexsort((costs, ~is_given, cluster_ids))
    counts = np.bincount(cluster_ids)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(cluster_ids), dtype=np.intp)
    ranks[order] = np.arange(len(cluster_ids)) - starts[cluster_ids[order]]
    return ranks, counts[cluster_ids]


def within_fraction(
    ranks: NDArray[np.intp],
    sizes: NDArray[np.intp],
    fraction: float,
    always: NDArray[np.intp],
) -> NDArray[np.bool_]:
    """Tell which samples belong to the first fraction of their cluster.

    Of a cluster of m samples, ``floor(fraction * m + 0.5)`` are kept: the share is
    rounded to the nearest whole number, halves upwards. A given label stays in any
    case.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.
    fraction : float
        Share of each cluster to keep, in [0, 1].
    always : ndarray of shape (n_given,), dtype=intp
        Positions of the samples that are kept whatever the fraction.

    Returns
    -------
    kept : ndarray of shape (n_samples,), dtype=bool
        True for the samples kept.
    """
    # 0.7 * 45 is a hair below 31.5 in floating point.
    share = np.round(fraction * sizes, 9)
    kept = np.asarray(ranks < np.floor(share + 0.5), dtype=bool)
    kept[always] = True
    return kept


def rank_confidence(
    ranks: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Turn ranks into a confidence: the share of the cluster ranked no better.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.

    Returns
    -------
    confidence : ndarray of shape (n_samples,), dtype=float64
        Between 1 / m for the last of m samples and 1 for the first.
    """
    return 1 - ranks / sizes
