"""Which samples of a cluster keep the label of its representative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_in_clusters(
    labels: NDArray[np.intp],
    distances: NDArray[np.float64],
    representatives: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rank the samples of each cluster: the representative first, then the nearest.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    distances : ndarray of shape (n_samples,), dtype=float64
        What ranks the samples of a cluster, smallest first; ties by position.
    representatives : ndarray of shape (n_representatives,), dtype=intp
        Positions of the representatives.

    Returns
    -------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster, 0 for the representative.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.
    """
    is_representative = np.zeros(len(labels), dtype=bool)
    is_representative[representatives] = True
    order = np.lexsort((distances, ~is_representative, labels))
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    ranks = np.empty(len(labels), dtype=np.intp)
    ranks[order] = np.arange(len(labels)) - starts[labels[order]]
    return ranks, counts[labels]


def within_fraction(
    ranks: NDArray[np.intp],
    sizes: NDArray[np.intp],
    fraction: float,
    always: NDArray[np.intp],
) -> NDArray[np.bool_]:
    """Tell which samples belong to the first fraction of their cluster.

    Of a cluster of m samples, ``floor(fraction * m + 0.5)`` are kept: the share is
    rounded to the nearest whole number, halves upwards. A labelled representative
    stays in any case.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.
    fraction : float
        Share of each cluster to keep, in [0, 1].
    always : ndarray of shape (n_labelled,), dtype=intp
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
        Between 1 / m for the last of m samples and 1 for the representative.
    """
    confidence: NDArray[np.float64] = 1 - ranks / sizes
    return confidence
