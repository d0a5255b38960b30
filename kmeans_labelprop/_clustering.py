"""Cluster the samples, and measure how far each lies from its centre."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import gen_batches
from sklearn.utils.extmath import row_norms

from ._distances import far_offset, nearest

# Elements of X handled at once: 1 MiB in float64, small beside any X worth batching.
_BATCH_ELEMENTS = 2**17
# The size of the sample that k-means starts from, and how many times larger all samples
# must be for it to pay. Chosen by measurement (benchmarks/results/clustering.md).
_LEAST_SAMPLE = 5_000
_SAMPLE_PER_CLUSTER = 50
_TIMES = 4
_WIDE = 100  # features, from where on the sample is clustered in fewer components
_N_COMPONENTS = 50
_MAX_ITER = 20  # after such a start


def make_clusterer(clusterer: Any, n_clusters: int, n_samples: int = 0) -> Any:
    """Make the clusterer that is to be fitted.

    Parameters
    ----------
    clusterer : clusterer or None
        A clusterer with an ``n_clusters`` parameter; None for
        :class:`~sklearn.cluster.KMeans`, of many samples with a start on a part of
        them.
    n_clusters : int
        Number of clusters to set.
    n_samples : int, default=0
        Number of samples it is to be fitted on.

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
        if n_samples < _TIMES * sample_size(n_clusters):
            return KMeans(n_clusters)
        return KMeans(n_clusters, init=start_on_sample, n_init=1, max_iter=_MAX_ITER)
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


def sample_size(n_clusters: int) -> int:
    """Count the samples that are enough to find so many clusters roughly.

    Parameters
    ----------
    n_clusters : int
        Number of clusters.

    Returns
    -------
    n_samples : int
        Number of samples.
    """
    return max(_LEAST_SAMPLE, _SAMPLE_PER_CLUSTER * n_clusters)


def start_on_sample(X: Any, n_clusters: int, random_state: Any) -> NDArray[Any]:
    """Find the centres that k-means starts from, by k-means on some of the samples.

    Samples are drawn with replacement, half of them evenly and half by their squared
    distance from the mean, and weighted to stand for all samples [1]_, so that no far
    cluster is missed. Wide ones are clustered in their principal components.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        All samples.
    n_clusters : int
        Number of clusters.
    random_state : RandomState instance
        Draws the samples, and the first centres among them.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_features)
        The centres.

    References
    ----------
    .. [1] O. Bachem, M. Lucic and A. Krause, "Scalable k-means clustering via
       lightweight coresets", KDD 2018, :doi:`10.1145/3219819.3219973`.
    """
    n_samples, n_features = X.shape
    mean = np.asarray(X.mean(axis=0)).ravel()
    squared = row_norms(X, squared=True) - 2 * (X @ mean) + mean @ mean
    squared = np.maximum(squared, 0, dtype=np.float64)
    chances = np.full(n_samples, 1 / n_samples)
    if squared.any():
        chances = (chances + squared / squared.sum()) / 2
    drawn = random_state.choice(n_samples, sample_size(n_clusters), p=chances)
    weights = 1 / (n_samples * chances[drawn])
    sample = X[drawn]
    pca = None
    if n_features > _WIDE and not issparse(X):
        pca = PCA(_N_COMPONENTS, random_state=random_state)
        pca.set_output(transform="default")
        sample = pca.fit_transform(sample)
    kmeans = KMeans(n_clusters, n_init=1, random_state=random_state)
    # A warning of equal samples is expected: they are drawn with replacement.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(sample, sample_weight=weights)
    centers: NDArray[Any] = kmeans.cluster_centers_
    return centers if pca is None else pca.inverse_transform(centers)


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


def assign_clusters(
    clusterer_: Any, E: Any, ids: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Assign samples to the clusters of a fitted clusterer.

    Parameters
    ----------
    clusterer_ : clusterer
        The fitted clusterer; without a ``predict`` of its own the nearest centre
        counts.
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    ids : ndarray of shape (n_fitted,), dtype=intp, default=None
        The cluster of each sample of the fit. Where fewer samples differ than there are
        clusters, several lie at one place, up to rounding: the one with samples is
        entered. None for any.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    """
    centers = clusterer_.cluster_centers_
    is_plain = type(clusterer_) in (KMeans, MiniBatchKMeans)
    # Theirs lose too many digits there.
    is_far = is_plain and far_offset(centers) is not None
    if hasattr(clusterer_, "predict") and not is_far:
        # scikit-learn's k-means refuses samples of another float type than its centres.
        E = E.astype(centers.dtype, copy=False)
        labels = clusterer_.predict(E)
    else:
        labels = nearest(E, centers)
    labels = np.array(labels, dtype=np.intp)
    if ids is not None:
        filled = np.flatnonzero(np.bincount(ids))
        empty = np.setdiff1d(labels, filled)
        if len(empty):
            twins = filled[nearest(centers[empty], centers[filled])]
            gaps = np.linalg.norm(centers[empty] - centers[twins], axis=1)
            is_same = gaps <= np.sqrt(np.finfo(gaps.dtype).eps) * np.abs(centers).max()
            own = np.arange(len(centers))
            own[empty[is_same]] = twins[is_same]
            labels = own[labels]
    return labels


def mean_of_clusters(E: Any, labels: NDArray[np.intp], n_clusters: int) -> Any:
    """Compute the mean of the samples of each cluster, in float64.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples.
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.
    n_clusters : int
        Number of clusters.

    Returns
    -------
    means : ndarray of shape (n_clusters, n_components), dtype=float64
        The means, 0 of no samples. Added up in the order of the samples, so that the
        last digit does not depend on the number of threads.
    """
    n_samples, n_components = E.shape
    means = np.zeros((n_clusters, n_components))
    for batch in gen_batches(n_samples, max(1, _BATCH_ELEMENTS // n_components)):
        part = E[batch].astype(np.float64)
        columns = np.arange(part.shape[0])
        shape = n_clusters, len(columns)
        ones = np.ones(len(columns))
        sums = csr_array((ones, (labels[batch], columns)), shape) @ part
        means += sums.toarray() if issparse(sums) else sums
    counts = np.bincount(labels, minlength=n_clusters)[:, np.newaxis]
    means /= np.maximum(counts, 1)
    return means


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
