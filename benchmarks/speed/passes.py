"""What passes of Lloyd's algorithm over all samples add to centres from a sample.

Past memory centres come from k-means of a sample: 65,536 rows are 655 for each of 100
clusters. Here samples are drawn that have so many rows for each cluster, or fewer; the
rows outside of them stand for millions. From the centres of the sample 0, 1 and 2
passes go over these, and as many as k-means needs to converge.

    python -m benchmarks.speed.passes                  # a quarter of an hour
    python -m benchmarks.speed.passes --publish        # into benchmarks/results
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs

from kmeans_labelprop._clustering import (
    distances_to_centers,
    fit_clusterer,
    make_clusterer,
    mean_of_clusters,
)
from kmeans_labelprop._distances import nearest
from kmeans_labelprop._representatives import best_samples

from .clustering import (
    fashion_components,
    heavy_tails,
    ranked_table,
    small_far_clusters,
    texts,
    turned_blobs,
)

RESULTS = Path(__file__).parents[1] / "results"
PASSES = (0, 1, 2)
# Rows of the sample for each cluster, and the number of clusters to try these with.
SAMPLES = ((655, 20), (200, 50), (65, 100), (20, 200))


def jittered_digits() -> tuple[Any, Any]:
    """Digits of 8 × 8 pixels, each drawn many times, with noise."""
    rng = np.random.default_rng(0)
    X, y = load_digits(return_X_y=True)
    chosen = rng.integers(len(X), size=40_000)
    noise = rng.normal(scale=2, size=(len(chosen), X.shape[1]))
    return (X[chosen] + noise).astype(np.float32), y[chosen]


def factors() -> tuple[Any, Any]:
    """Six factors behind 40 columns; the class is a quarter of two of them."""
    rng = np.random.default_rng(0)
    F = rng.standard_t(5, size=(60_000, 6))
    X = F @ rng.normal(size=(6, 40)) + rng.normal(size=(len(F), 40))
    y = 2 * (F[:, 0] > 0) + (F[:, 1] > 0)
    return X.astype(np.float32), y


def many_blobs() -> tuple[Any, Any]:
    """150 overlapping clusters in 20 dimensions."""
    X, y = make_blobs(
        150_000, 20, centers=150, cluster_std=3, center_box=(-4, 4), random_state=0
    )
    return X.astype(np.float32), y % 10


SETS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "Fashion-MNIST, 50 components": fashion_components,
    "digits with noise": jittered_digits,
    "docstrings, 100 components": texts,
    "turned blobs": turned_blobs,
    "factors": factors,
    "table, ranks": ranked_table,
    "heavy tails": heavy_tails,
    "small far clusters": small_far_clusters,
}
# One of so many rows that the number of clusters can be the same for all samples.
MANY = "many blobs"
N_CLUSTERS_OF_MANY = 100


# ------------------------------------------------------------------ what is measured
def judge(E: NDArray[Any], y: NDArray[Any], centers: NDArray[Any]) -> dict[str, float]:
    """Tell the inertia, and the share of labels that representatives get right."""
    ids = nearest(E, centers)
    distances = distances_to_centers(E, ids, centers)
    chosen, clusters = best_samples(ids, distances, np.zeros(len(ids), dtype=bool))
    labels = np.empty(len(centers), dtype=y.dtype)
    labels[clusters] = y[chosen]
    inertia = float(np.square(distances).sum())
    return {"inertia": inertia, "right": float(np.mean(labels[ids] == y))}


def refine(E: NDArray[Any], centers: NDArray[Any]) -> NDArray[Any]:
    """Run one pass."""
    ids = nearest(E, centers)
    filled = np.bincount(ids, minlength=len(centers)) > 0
    centers = centers.copy()
    centers[filled] = mean_of_clusters(E, ids, len(centers))[filled]
    return centers


def measure(
    X: NDArray[Any], y: NDArray[Any], k: int, n_drawn: int, seed: int
) -> dict[str, dict[str, float]]:
    order = np.random.default_rng(seed).permutation(len(X))
    clusterer = make_clusterer(None, k).set_params(random_state=seed)
    centers = fit_clusterer(clusterer, X[order[:n_drawn]]).cluster_centers_
    E, y = X[order[n_drawn:]], y[order[n_drawn:]]
    found = {}
    last = KMeans(k, init=centers, n_init=1).fit(E).cluster_centers_
    for n_passes in PASSES:
        found[str(n_passes)] = judge(E, y, centers)
        centers = refine(E, centers)
    return {**found, "converged": judge(E, y, last)}


def cells() -> Iterator[tuple[str, int, int]]:
    for n_rows, k in SAMPLES:
        for name in SETS:
            yield name, n_rows, k
    for n_rows, _ in SAMPLES:
        yield MANY, n_rows, N_CLUSTERS_OF_MANY


def table(results: dict[str, Any]) -> str:
    head = "| rows a cluster | samples | clusters | seeds "
    head += "".join(f"| inertia, {n} " for n in PASSES) + "| right, converged "
    head += "".join(f"| difference, {n} " for n in PASSES) + "|"
    lines = [head, "|--:|---|--:|--:" + "|--:" * 7 + "|"]
    shares: dict[int, list[list[float]]] = {}
    beyond: dict[int, list[list[float]]] = {}
    for name, n_rows, k in cells():
        runs = results.get(f"{name}, {n_rows}")
        if runs is None:
            continue

        def of(key: str, n: object, runs: Any = runs) -> NDArray[Any]:
            return np.array([run[str(n)][key] for run in runs])

        last = 100 * of("right", "converged")
        more = [
            100 * (of("inertia", n) / of("inertia", "converged") - 1) for n in PASSES
        ]
        gain = [100 * of("right", n) - last for n in PASSES]
        row = [f"{n_rows}", name, f"{k}", f"{len(runs)}"]
        row += [f"{m.mean():+.2f} %" for m in more]
        row.append(f"{last.mean():.1f} ± {last.std(ddof=1):.1f}")
        row += [
            f"{g.mean():+.1f} ± {g.std(ddof=1) / len(runs) ** 0.5:.1f}" for g in gain
        ]
        lines.append("| " + " | ".join(row) + " |")
        if name != MANY:
            shares.setdefault(n_rows, []).append([g.mean() for g in gain])
            beyond.setdefault(n_rows, []).append([m.mean() for m in more])
    lines += ["", "Over all sets but the last, after 0, 1 and 2 passes:", ""]
    for n_rows, rows in shares.items():
        medians = np.median(beyond[n_rows], axis=0)
        inertia = ", ".join(f"{m:+.2f} %" for m in medians)
        right = ", ".join(f"{m:+.2f}" for m in np.mean(rows, axis=0))
        lines.append(
            f"- {n_rows} rows a cluster: inertia {inertia} (median); share of right "
            f"labels {right} points (mean)"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="*", help="beginnings of their names")
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    out = RESULTS / "passes.json"
    results = json.loads(out.read_text())["results"] if out.exists() else {}
    versions = {m.__name__: m.__version__ for m in (np, scipy, sklearn)}
    load = cache(lambda name: (SETS | {MANY: many_blobs})[name]())
    for name, n_rows, k in cells():
        if arguments.sets and not name.startswith(tuple(arguments.sets)):
            continue
        X, y = load(name)
        y = np.unique(y, return_inverse=True)[1]
        key = f"{name}, {n_rows}"
        results[key] = [
            measure(X, y, k, n_rows * k, seed) for seed in range(arguments.seeds)
        ]
        print(table({key: results[key]}).splitlines()[2], flush=True)
        if arguments.publish:  # what was not measured now stays
            published = {"versions": versions, "results": results}
            out.write_text(json.dumps(published, indent=1) + "\n")
            text = INTRODUCTION + table(results) + "\n"
            out.with_suffix(".md").write_text(text)


INTRODUCTION = """# Passes of Lloyd's algorithm over all samples

`python -m benchmarks.speed.passes --publish`

Past memory centres come from k-means of a sample: 65,536 rows are 655 for each of 100
clusters, 65 for each of 1,000. Here samples have as many rows for each cluster, and
the rows outside of them stand for millions. Inertia: after 0, 1 and 2 passes, beyond
that of k-means from the same centres to convergence, mean. Right: samples, in %, whose
label is that of the representative of their cluster, mean ± standard deviation; of the
differences from convergence, paired by seed, mean ± standard error.

The library draws 500 rows for each cluster, if these are more than 65,536 and no more
than 16 million numbers, and makes no pass then; from 200 rows a cluster on one, else
two.

"""

if __name__ == "__main__":
    main()
