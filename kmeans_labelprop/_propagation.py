"""Spread the labels of the representatives to other samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread_in_clusters(
    labels: NDArray[np.intp],
    clusters: NDArray[np.intp],
    codes: NDArray[np.intp],
    n_clusters: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give every sample of a cluster the class of its representative.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    clusters : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    codes : ndarray of shape (n_representatives,), dtype=intp
        The class of each representative; -1 where it has none.
    n_clusters : int
        Number of clusters, empty ones included.

    Returns
    -------
    sample_codes : ndarray of shape (n_samples,), dtype=intp
        The class of each sample; -1 where its cluster has no label.
    cluster_codes : ndarray of shape (n_clusters,), dtype=intp
        The class of each cluster; -1 where it has no label.
    """
    cluster_codes = np.full(n_clusters, -1, dtype=np.intp)
    cluster_codes[clusters] = codes
    return cluster_codes[labels], cluster_codes
