"""Silhouettes of a stratified sample, with the error that the sampling makes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.metrics import pairwise_distances_chunked
from threadpoolctl import threadpool_limits

# MiB of distances held at once: more are slower, since they leave the cache.
_BLOCK_MEMORY = 16


class SilhouetteEstimate(NamedTuple):
    """Silhouettes of sampled samples, and what they say of all.

    Attributes
    ----------
    score : float
        The mean silhouette: over the sample, each cluster weighted by its true size.
    standard_error : float
        Standard error of ``score`` through the sampling; 0 if no sample was left out.
    indices : ndarray of shape (n_sampled,), dtype=intp
        Positions of the sampled samples, ascending.
    values : ndarray of shape (n_sampled,), dtype=float64
        Their silhouettes, within the sample.
    """

    score: float
    standard_error: float
    indices: NDArray[np.intp]
    values: NDArray[np.float64]


def stratified_sample(
    labels: NDArray[Any], sample_size: int | None, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Draw samples of every cluster, in proportion to its size.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)
        The cluster of each sample.
    sample_size : int or None
        Number of samples to draw; None for all. At least two are drawn of every cluster
        that has two, so that it can be a few more.
    rng : RandomState
        The source of randomness.

    Returns
    -------
    indices : ndarray of shape (n_sampled,), dtype=intp
        Positions of the drawn samples, ascending.
    """
    n_samples = len(labels)
    if sample_size is None or sample_size >= n_samples:
        return np.arange(n_samples)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quotas = counts * sample_size / n_samples
    wanted = np.floor(quotas).astype(np.intp)
    # Largest remainders get what rounding down has left over.
    left = sample_size - int(wanted.sum())
    wanted[np.argsort(wanted - quotas, kind="stable")[:left]] += 1
    wanted = np.maximum(wanted, np.minimum(counts, 2))
    order = np.argsort(codes, kind="stable")
    starts = np.cumsum(counts) - counts
    drawn = [
        order[start + rng.choice(count, size=size, replace=False)]
        for start, count, size in zip(starts, counts, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn))


def silhouettes(
    X: Any, labels: NDArray[Any], weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the silhouette of every sample, some rows of distances at a time.

    The values are those of :func:`sklearn.metrics.silhouette_samples`. That one handles
    row after row in Python; here whole blocks are multiplied, which is several times
    faster, and takes a few MiB whatever the number of samples.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    labels : ndarray of shape (n_samples,)
        The cluster of each sample: two clusters or more.
    weights : ndarray of shape (n_samples,), dtype=float64, default=None
        What each silhouette counts in the mean, for ``influences``; None weights all
        alike.

    Returns
    -------
    values : ndarray of shape (n_samples,), dtype=float64
        The silhouettes; 0 for a sample alone in its cluster.
    influences : ndarray of shape (n_samples,), dtype=float64
        How far each sample, as one of those that the others measure their distances
        to, moves the weighted mean of ``values``: the derivative for the share of its
        cluster that it stands for.
    """
    n_samples = X.shape[0]
    if weights is None:
        weights = np.full(n_samples, 1 / n_samples)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    members = np.zeros((n_samples, len(counts)))
    members[np.arange(n_samples), codes] = 1
    if not issparse(X):  # distances do not change, but fewer digits cancel out
        X = X - X.mean(axis=0, dtype=np.float64)
    values = np.empty(n_samples)
    pulls = np.zeros((len(counts), n_samples))
    offsets = np.zeros(len(counts))
    start = 0
    for distances in pairwise_distances_chunked(X, working_memory=_BLOCK_MEMORY):
        batch = slice(start, start := start + len(distances))
        rows, own = np.arange(len(distances)), codes[batch]
        means = distances @ members
        within = means[rows, own] / np.maximum(counts[own] - 1, 1)
        means /= counts
        means[rows, own] = np.inf
        other = means.argmin(axis=1)
        outside = means[rows, other]
        larger = np.maximum(within, outside)
        # Equal samples in two clusters, or a sample alone: neither in nor out.
        defined = (larger > 0) & (counts[own] > 1)
        larger = np.where(defined, larger, 1)
        values[batch] = np.where(defined, (outside - within) / larger, 0)
        # The derivatives of the silhouette for its two mean distances.
        weight = np.where(defined, weights[batch], 0) / larger**2
        is_inside = within < outside
        by_within = -weight * np.where(is_inside, larger, outside)
        by_outside = weight * np.where(is_inside, within, larger)
        coefficients = np.zeros((len(rows), len(counts)))
        coefficients[rows, own] = by_within
        coefficients[rows, other] = by_outside
        pulls += coefficients.T @ distances
        offsets += np.bincount(own, by_within * within, minlength=len(counts))
        offsets += np.bincount(other, by_outside * outside, minlength=len(counts))
    return values, pulls[codes, np.arange(n_samples)] - offsets[codes]


def estimate_silhouette(
    X: Any, labels: NDArray[Any], sample_size: int | None, rng: np.random.RandomState
) -> SilhouetteEstimate:
    """Estimate the silhouette score from a stratified sample.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    labels : ndarray of shape (n_samples,)
        The cluster of each sample: two clusters or more, fewer than samples.
    sample_size : int or None
        Number of samples to draw; None for all.
    rng : RandomState
        The source of randomness.

    Returns
    -------
    estimate : SilhouetteEstimate
        The score, its standard error, and the silhouettes themselves.

    Notes
    -----
    A sample that is drawn counts twice: its own silhouette enters the mean, and all
    others measure their distance to it. The standard error is that of the linearized
    mean with both, stratum by stratum; the first alone makes it a third too small.
    """
    indices = stratified_sample(labels, sample_size, rng)
    is_all = len(indices) == len(labels)
    _, counts = np.unique(labels, return_counts=True)
    # The sample holds every cluster: the numbers mean the same in both.
    _, codes, drawn = np.unique(
        labels[indices], return_inverse=True, return_counts=True
    )
    share = counts / counts.sum()
    # The blocks are too small for several threads: they would wait for each other.
    with threadpool_limits(limits=1, user_api="blas"):
        values, influences = silhouettes(
            X if is_all else X[indices], codes, (share / drawn)[codes]
        )
    moves = share[codes] * values + influences
    center = np.bincount(codes, weights=moves) / drawn
    squares = np.bincount(codes, weights=(moves - center[codes]) ** 2)
    variance = squares / np.maximum(drawn - 1, 1) / drawn * (1 - drawn / counts)
    return SilhouetteEstimate(
        score=float((share / drawn) @ np.bincount(codes, weights=values)),
        standard_error=float(np.sqrt(variance.sum())),
        indices=indices,
        values=values,
    )
