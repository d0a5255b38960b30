"""The curve over the number of clusters, and which number each score suggests."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmeans_labelprop.model_selection import ClusterCountCurve

from .clusters import FINE_END

#: Scores and the rules by which they suggest a number of clusters.
RULES = (
    ("inertia", "knee"),
    ("silhouette", "best"),
    ("silhouette", "next peak"),
    ("calinski_harabasz", "best"),
    ("davies_bouldin", "best"),
)


def read_curve(section: dict[str, Any], end: int | None = None) -> ClusterCountCurve:
    """Make the library's curve of what :func:`collect` wrote, or its beginning.

    Parameters
    ----------
    section : dict
        The section of ``results.json``.
    end : int, default=None
        The largest number of clusters to take; None for all.

    Returns
    -------
    curve : ClusterCountCurve
        The curve, with its knees and optima.
    """
    written = section["curve"]
    counts = np.array(written["n_clusters"])
    taken = counts <= (counts[-1] if end is None else end)

    def table(rows: list[list[float]]) -> NDArray[np.float64]:
        return np.array(rows, dtype=np.float64)[taken]

    return ClusterCountCurve(
        n_clusters=counts[taken],
        values={name: table(rows) for name, rows in written["values"].items()},
        sampling_error={
            name: table(rows) for name, rows in written["sampling_error"].items()
        },
        fit_times=table(written["fit_times"]),
        score_times=table(written["score_times"]),
    )


def list_ends(section: dict[str, Any]) -> list[int]:
    """List where to let the curve end: after its fine part, and after all of it."""
    counts = section["curve"]["n_clusters"]
    return sorted({max(k for k in counts if k <= FINE_END), counts[-1]})


def one_seed(curve: ClusterCountCurve, seed: int) -> ClusterCountCurve:
    """Return the curve of a single seed."""

    def column(table: NDArray[np.float64]) -> NDArray[np.float64]:
        return table[:, seed : seed + 1]

    return ClusterCountCurve(
        n_clusters=curve.n_clusters,
        values={name: column(table) for name, table in curve.values.items()},
        sampling_error={
            name: column(table) for name, table in curve.sampling_error.items()
        },
        fit_times=column(curve.fit_times),
        score_times=column(curve.score_times),
    )


def find_next_peak(curve: ClusterCountCurve, score: str) -> int | None:
    """Find the highest point above both its neighbours, the best of all left out.

    Parameters
    ----------
    curve : ClusterCountCurve
        The curve.
    score : str
        A score that is good when it is large.

    Returns
    -------
    peak : int or None
        The number of clusters there; None if there is no such point.
    """
    values = curve.mean[score]
    inner = values[1:-1]
    is_peak = (inner > values[:-2]) & (inner > values[2:]) & (inner < values.max())
    if not is_peak.any():
        return None
    return int(curve.n_clusters[1:-1][np.where(is_peak, inner, -np.inf).argmax()])


def apply_rule(curve: ClusterCountCurve, score: str, rule: str) -> int | None:
    """Return the number of clusters that a score suggests by a rule."""
    if rule == "next peak":
        return find_next_peak(curve, score)
    return (curve.knee if rule == "knee" else curve.best)[score]


def suggest(section: dict[str, Any]) -> list[dict[str, Any]]:
    """List what each score suggests, by the mean of the seeds and by each of them.

    Parameters
    ----------
    section : dict
        What :func:`clusters.collect` returned.

    Returns
    -------
    suggestions : list of dict
        ``score``, ``rule``, the ``end`` of the curve, ``n_clusters`` of the mean and
        ``each_seed``; None where a curve suggests nothing.
    """
    suggestions = []
    for end in list_ends(section):
        curve = read_curve(section, end)
        seeds = [
            one_seed(curve, seed) for seed in range(section["settings"]["n_seeds"])
        ]
        suggestions += [
            {
                "score": score,
                "rule": rule,
                "end": end,
                "n_clusters": apply_rule(curve, score, rule),
                "each_seed": [apply_rule(one, score, rule) for one in seeds],
            }
            for score, rule in RULES
        ]
    return suggestions
