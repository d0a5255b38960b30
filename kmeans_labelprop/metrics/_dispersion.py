"""Scores of a clustering that need one pass over the samples, batch by batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import gen_batches

from .._clustering import distances_to_centers

# Elements of X handled at once: 4 MiB in float64.
_BATCH_ELEMENTS = 2**19


class Dispersion(NamedTuple):
    """How far samples lie from the means of their clusters, and these from another.

    Attributes
    ----------
    within : float
        Sum of the squared distances of the samples to the mean of their cluster.
    between : float
        Sum, over the samples, of the squared distance of the mean of their cluster to
        the mean of all.
    means : ndarray of shape (n_clusters, n_features), dtype=float64
        The means of the clusters.
    mean_distances : ndarray of shape (n_clusters,), dtype=float64
        Mean distance of the samples of each cluster to its mean.
    counts : ndarray of shape (n_clusters,), dtype=int64
        Number of samples of each cluster.
    """

    within: float
    between: float
    means: NDArray[np.float64]
    mean_distances: NDArray[np.float64]
    counts: NDArray[np.int64]


def cluster_dispersion(X: Any, labels: NDArray[Any]) -> Dispersion:
    """Measure how samples scatter inside and between clusters.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    labels : ndarray of shape (n_samples,)
        The cluster of each sample. Clusters without samples do not count.

    Returns
    -------
    dispersion : Dispersion
        Sums of squares, means and mean distances, in float64.
    """
    n_samples, n_features = X.shape
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), n_features))
    for batch in gen_batches(n_samples, max(1, _BATCH_ELEMENTS // n_features)):
        rows = X[batch].astype(np.float64)
        members = csr_array(
            (np.ones(rows.shape[0]), (codes[batch], np.arange(rows.shape[0]))),
            shape=(len(counts), rows.shape[0]),
        )
        batch_sums = members @ rows
        sums += batch_sums.toarray() if issparse(batch_sums) else batch_sums
    means = sums / counts[:, np.newaxis]
    distances = distances_to_centers(X, codes, means)
    offsets = means - sums.sum(axis=0) / n_samples
    return Dispersion(
        within=float(distances @ distances),
        between=float(counts @ np.einsum("ij,ij->i", offsets, offsets)),
        means=means,
        mean_distances=np.bincount(codes, weights=distances) / counts,
        counts=counts,
    )


def calinski_harabasz(dispersion: Dispersion) -> float:
    """Compute the index of Calinski and Harabasz.

    Parameters
    ----------
    dispersion : Dispersion
        Of two clusters or more, fewer than samples.

    Returns
    -------
    index : float
        The larger, the better; infinite where the samples of each cluster are equal.
    """
    n_clusters, n_samples = len(dispersion.counts), int(dispersion.counts.sum())
    if dispersion.within == 0:
        return float("inf")
    ratio = dispersion.between / dispersion.within
    return ratio * (n_samples - n_clusters) / (n_clusters - 1)


def davies_bouldin(dispersion: Dispersion) -> float:
    """Compute the index of Davies and Bouldin.

    Parameters
    ----------
    dispersion : Dispersion
        Of two clusters or more, fewer than samples.

    Returns
    -------
    index : float
        The mean, over the clusters, of the similarity to the most similar other one;
        0 or more, the smaller, the better. Clusters with the same mean do not count as
        similar, as in scikit-learn.
    """
    spread, means = dispersion.mean_distances, dispersion.means
    worst = np.empty(len(means))
    for i, mean in enumerate(means):
        apart = np.linalg.norm(means - mean, axis=1)
        apart[apart == 0] = np.inf
        worst[i] = ((spread + spread[i]) / apart).max()
    return float(worst.mean())
