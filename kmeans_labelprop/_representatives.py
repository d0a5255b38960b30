"""Choose the sample that speaks for each cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_samples(
    labels: NDArray[np.intp],
    costs: NDArray[np.float64],
    known: NDArray[np.bool_],
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose each cluster's best known sample, or its best if none is known.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    costs : ndarray of shape (n_samples,), dtype=float64
        What makes a sample a bad representative, as its distance to the centre.
    known : ndarray of shape (n_samples,), dtype=bool
        Whether a sample's label is known.

    Returns
    -------
    representatives : ndarray of shape (n_representatives,), dtype=intp
        Positions of the representatives, one for each cluster that is not empty, in
        the order of the clusters. The first of equally good samples is taken.
    clusters : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    """
    order = np.lexsort((costs, ~known, labels))
    clusters, first = np.unique(labels[order], return_index=True)
    return order[first], clusters


def density_costs(
    ranks: NDArray[np.intp],
    sizes: NDArray[np.intp],
    distances: NDArray[np.float64],
    density: NDArray[np.float64],
    central_share: float = 0.25,
) -> NDArray[np.float64]:
    """Order samples by density where they are central, then by distance.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples,), dtype=intp
        Rank of each sample in its cluster, 0 for the nearest to the centre.
    sizes : ndarray of shape (n_samples,), dtype=intp
        Number of samples in the cluster of each sample.
    distances : ndarray of shape (n_samples,), dtype=float64
        Distance of each sample to the centre of its cluster.
    density : ndarray of shape (n_samples,), dtype=float64
        How close the neighbours of each sample are.
    central_share : float, default=0.25
        Share of each cluster, nearest to the centre, that counts as central; at least
        one sample.

    Returns
    -------
    costs : ndarray of shape (n_samples,), dtype=float64
        The place of each sample in the order.
    """
    is_central = ranks < np.ceil(central_share * sizes)
    order = np.lexsort((distances, np.where(is_central, -density, 0.0), ~is_central))
    costs = np.empty(len(ranks))
    costs[order] = np.arange(len(ranks))
    return costs


def most_valuable_first(
    representatives: NDArray[np.intp],
    clusters: NDArray[np.intp],
    labels: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Sort representatives by how many samples their label is worth.

    Parameters
    ----------
    representatives : ndarray of shape (n_representatives,), dtype=intp
        Positions of the representatives.
    clusters : ndarray of shape (n_representatives,), dtype=intp
        The cluster of each representative.
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.

    Returns
    -------
    sorted_representatives : ndarray of shape (n_representatives,), dtype=intp
        The same positions, those of the largest clusters first.
    """
    sizes = np.bincount(labels)[clusters]
    return representatives[np.argsort(-sizes, kind="stable")]
