"""Scores of a clustering that need one pass over the samples, batch by batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from .._clustering import distances_to_centers, mean_of_clusters


def dispersion_scores(X: Any, labels: NDArray[Any]) -> dict[str, float]:
    """Score how samples scatter inside and between clusters.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    labels : ndarray of shape (n_samples,)
        The cluster of each sample; fewer clusters than samples.

    Returns
    -------
    scores : dict of str to float
        ``inertia``, the sum of the squared distances of the samples to the mean of
        their cluster; ``calinski_harabasz``, infinite where the samples of each cluster
        are equal; ``davies_bouldin``, for which clusters with the same mean do not
        count as similar, as in scikit-learn. The last two are NaN for one cluster.
    """
    n_samples = X.shape[0]
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    means = mean_of_clusters(X, codes, len(counts))
    distances = distances_to_centers(X, codes, means)
    within = float(distances @ distances)
    if len(counts) == 1:
        nan = float("nan")
        return {"inertia": within, "calinski_harabasz": nan, "davies_bouldin": nan}
    mean = counts @ means / n_samples
    between = float(counts @ ((means - mean) ** 2).sum(axis=1))
    freedom = (n_samples - len(counts)) / (len(counts) - 1)
    radii = np.bincount(codes, weights=distances) / counts
    apart = cdist(means, means)
    apart[apart == 0] = np.inf
    similarity = (radii + radii[:, np.newaxis]) / apart
    return {
        "inertia": within,
        "calinski_harabasz": between / within * freedom if within else float("inf"),
        "davies_bouldin": float(similarity.max(axis=1).mean()),
    }
