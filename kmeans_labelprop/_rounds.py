"""Which labels to ask for next: those that bring most doubtful samples near a label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import euclidean_distances, pairwise_distances_argmin_min

from ._distances import far_offset

# Samples looked at together: their mutual distances take 64 MB in float32.
_N_DRAWN = 4000
# Samples chosen from one draw; for more the rest is drawn anew.
_N_FROM_DRAW = 100
# No less doubt than this, so that coverage counts where no doubt is left.
_LEAST_DOUBT = 1e-3


def most_valuable_next(
    E: Any,
    given: NDArray[np.intp],
    doubt: NDArray[np.float64],
    n_queries: int,
    order: NDArray[np.intp],
    is_open: NDArray[np.bool_] | None = None,
) -> NDArray[np.intp]:
    """Choose the samples whose labels are worth most beside those that are given.

    Greedy k-medoids with weights: each is the sample that lowers most the sum, over all
    samples, of doubt times squared distance to the nearest sample that is given or
    chosen before. So coverage and doubt count at once, and a second sample near the
    first brings little.

    Parameters
    ----------
    E : {ndarray, CSR matrix} of shape (n_samples, n_components)
        The embedded samples, each different from the others.
    given : ndarray of shape (n_given,), dtype=intp
        Positions of the samples with a given label, 1 or more.
    doubt : ndarray of shape (n_samples,), dtype=float64
        How unsure the label of each sample is: 1 - margin, summed over its copies.
    n_queries : int
        Number of samples to choose. Fewer, up to 100, are the first of more.
    order : ndarray of shape (n_samples,), dtype=intp
        All positions, similar ones near each other, as by cluster and distance to its
        centre: of many samples those looked at are taken evenly along it.
    is_open : ndarray of shape (n_samples,), dtype=bool, default=None
        Which samples count and may be chosen; None for all.

    Returns
    -------
    queries : ndarray of shape (min(n_queries, n_samples - n_given),), dtype=intp
        Positions of the chosen samples, most valuable first.
    """
    weights = np.maximum(doubt, _LEAST_DOUBT)
    weights[given] = 0
    if is_open is not None:
        weights[~is_open] = 0
    queries = np.empty(0, dtype=np.intp)
    while len(queries) < n_queries and weights.any():
        drawn, demand = _draw(weights, order)
        n_now = min(_N_FROM_DRAW, n_queries - len(queries), len(drawn))
        E_drawn, E_labelled = E[drawn], E[np.append(given, queries)]
        offset = far_offset(E_drawn)
        if offset is not None:
            E_drawn, E_labelled = E_drawn - offset, E_labelled - offset
        left = pairwise_distances_argmin_min(E_drawn, E_labelled)[1] ** 2
        costs = euclidean_distances(E_drawn, squared=True)
        unit = max(float(costs.max()), float(left.max())) or 1.0  # float32 ends early
        costs = (costs / unit).astype(np.float32)
        chosen = drawn[_greedy_medoids(costs, demand, left / unit, n_now)]
        weights[chosen] = 0
        queries = np.append(queries, chosen)
    return queries


def _draw(
    weights: NDArray[np.float64], order: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw samples evenly along an order; how often each is drawn is its weight."""
    candidates = order[weights[order] > 0]
    if len(candidates) <= _N_DRAWN:
        return candidates, weights[candidates]
    ends = np.cumsum(weights[candidates])
    steps = (np.arange(_N_DRAWN) + 0.5) * (ends[-1] / _N_DRAWN)
    drawn, counts = np.unique(np.searchsorted(ends, steps), return_counts=True)
    return candidates[drawn], counts.astype(np.float64)


def _greedy_medoids(
    costs: NDArray[np.float32],
    demand: NDArray[np.float64],
    left: NDArray[Any],
    n_medoids: int,
) -> NDArray[np.intp]:
    """Choose samples, each lowering most what is left of the weighted costs."""
    left = left.astype(np.float32)
    gains = np.array([np.maximum(left - row, 0) @ demand for row in costs])
    chosen = np.empty(n_medoids, dtype=np.intp)
    for i in range(n_medoids):
        chosen[i] = best = gains.argmax()
        closer = np.flatnonzero(costs[best] < left)
        before, after = left[closer, np.newaxis], costs[best, closer, np.newaxis]
        reach = costs[closer]  # symmetric: of any sample to these
        gains -= demand[closer] @ (np.maximum(before - reach, 0))
        gains += demand[closer] @ (np.maximum(after - reach, 0))
        gains[best] = -np.inf
        left[closer] = after[:, 0]
    return chosen
