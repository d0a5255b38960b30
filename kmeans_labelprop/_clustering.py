"""Cluster the samples, and measure how far each lies from its centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.utils import gen_batches

from ._distances import far_offset, nearest

# Elements of X handled at once: 1 MiB in float64, small beside any X worth batching.
_BATCH_ELEMENTS = 2**17


def make_clusterer(clusterer: Any, n_clusters: int) -> Any:
    """Make the clusterer that is to be fitted.

    Parameters
    ----------
    clusterer : clusterer or None
        A clusterer with an ``n_clusters`` parameter; None for
        :class:`~sklearn.cluster.KMeans`.
    n_clusters : int
        Number of clusters to set.

    Returns
    -------
    clusterer : clusterer
        An unfitted clone that looks for ``n_clusters`` clusters.

    Raises
    ------
    TypeError
        If the clusterer has no ``n_clusters`` parameter.
    """
    if clusterer is None:
        return KMeans(n_clusters=n_clusters)
    if (
        isinstance(clusterer, type)
        or not hasattr(clusterer, "get_params")
        or "n_clusters" not in clusterer.get_params(deep=False)
    ):
        raise TypeError(
            "The 'clusterer' parameter must be a clusterer with an 'n_clusters' "
            "parameter and a fitted 'cluster_centers_' attribute, as "
            f"sklearn.cluster.KMeans. Got {clusterer!r} instead."
        )
    return clone(clusterer).set_params(n_clusters=n_clusters)


def fit_clusterer(clusterer: Any, E: Any) -> Any:
    """Fit a clone of the clusterer.

    Parameters
    ----------
    clusterer : clusterer
        The clusterer, not fitted.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.

    Returns
    -------
    clusterer_ : clusterer
        The fitted clone.

    Raises
    ------
    TypeError
        If the fitted clusterer has no ``cluster_centers_``.
    """
    clusterer_ = clone(clusterer).fit(E)
    if not hasattr(clusterer_, "cluster_centers_"):
        raise TypeError(
            "The 'clusterer' parameter must be a clusterer with a fitted "
            f"'cluster_centers_' attribute. {clusterer!r} has none."
        )
    return clusterer_


def assign_clusters(clusterer_: Any, E: Any) -> NDArray[np.intp]:
    """Assign samples to the clusters of a fitted clusterer.

    Parameters
    ----------
    clusterer_ : clusterer
        The fitted clusterer; without a ``predict`` of its own the nearest centre
        counts.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    """
    centers = clusterer_.cluster_centers_
    is_plain = type(clusterer_) in (KMeans, MiniBatchKMeans)
    if is_plain and far_offset(centers) is not None:
        labels = nearest(E, centers)  # theirs lose too many digits there
    elif hasattr(clusterer_, "predict"):
        # scikit-learn's k-means refuses samples of another float type than its centres.
        E = E.astype(centers.dtype, copy=False)
        labels = clusterer_.predict(E)
    else:
        labels = nearest(E, centers)
    return np.asarray(labels, dtype=np.intp)


def distances_to_centers(
    E: Any, labels: NDArray[np.intp], centers: NDArray[Any]
) -> NDArray[np.float64]:
    """Compute the Euclidean distance of each sample to the centre of its cluster.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    centers : ndarray of shape (n_clusters, n_components)
        The centres of the clusters.

    Returns
    -------
    distances : ndarray of shape (n_samples,), dtype=float64
        The distances, computed in float64 whatever the dtype of ``E``.
    """
    n_samples, n_components = E.shape
    centers = centers.astype(np.float64, copy=False)
    if issparse(E):
        return _sparse_distances(E, labels, centers)
    distances = np.empty(n_samples)
    for batch in gen_batches(n_samples, max(1, _BATCH_ELEMENTS // n_components)):
        difference = E[batch] - centers[labels[batch]]
        distances[batch] = np.linalg.norm(difference, axis=1)
    return distances


def _sparse_distances(
    E: Any, labels: NDArray[np.intp], centers: NDArray[np.float64]
) -> NDArray[np.float64]:
    # |x - c|^2 = |c|^2 + sum over the non-zero x_j of x_j (x_j - 2 c_j): the zeros of a
    # sparse row cost nothing.
    if not E.has_canonical_format:
        E = E.copy()
        E.sum_duplicates()
    n_samples = E.shape[0]
    squared = np.einsum("ij,ij->i", centers, centers)[labels]
    n_rows = max(1, _BATCH_ELEMENTS * n_samples // max(1, E.nnz))
    for batch in gen_batches(n_samples, n_rows):
        part = E[batch]
        rows = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
        values = part.data.astype(np.float64, copy=False)
        terms = values * (values - 2 * centers[labels[batch][rows], part.indices])
        squared[batch] += np.bincount(rows, weights=terms, minlength=part.shape[0])
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squared, 0))
    return distances
