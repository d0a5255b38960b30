"""What the propagator costs beyond the k-means that it runs.

On the 60,000 training images of Fashion-MNIST (or ``--n-samples`` of them) the same
k-means is fitted alone and inside the propagator, in turn. Time: everything in
``fit`` or ``fit_resample`` but the clusterer's own fit, relative to that fit. Memory:
the most that NumPy holds at once outside the clusterer's fit, relative to the size of
X, beyond what was there before and the training set that is returned.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist


class ClockedKMeans(KMeans):
    """Knows how long its last fit took, and leaves its memory out of the peak."""

    seconds = 0.0
    peak_before = 0

    def fit(self, X, y=None, sample_weight=None):
        """Fit, with a clock."""
        start = time.perf_counter()
        if tracemalloc.is_tracing():
            type(self).peak_before = tracemalloc.get_traced_memory()[1]
        super().fit(X, y, sample_weight)
        if tracemalloc.is_tracing():
            tracemalloc.reset_peak()
        type(self).seconds = time.perf_counter() - start
        return self


def make_propagator(n_clusters, clusterer):
    """By the rule that needs nothing beyond the clusters."""
    return KMeansLabelPropagator(
        n_clusters,
        propagation="cluster",
        fraction=0.7,
        embedding=None,
        clusterer=clusterer,
        random_state=0,
    )


def measure_seconds(X, y, kmeans, n_clusters, call):
    """Seconds of the k-means alone, of that inside the propagator, and of the rest."""
    start = time.perf_counter()
    kmeans().fit(X)
    alone = time.perf_counter() - start
    propagator = make_propagator(n_clusters, kmeans())
    start = time.perf_counter()
    getattr(propagator, call)(X, y)
    whole = time.perf_counter() - start
    inside = ClockedKMeans.seconds
    return {"alone": alone, "inside": inside, "own": whole - inside}


def measure_peak(X, y, kmeans, n_clusters, call):
    """Most bytes held outside the clusterer's fit, but for what goes in and out."""
    propagator = make_propagator(n_clusters, kmeans())
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    result = getattr(propagator, call)(X, y)
    peak = max(tracemalloc.get_traced_memory()[1], ClockedKMeans.peak_before)
    tracemalloc.stop()
    returned = sum(array.nbytes for array in result) if call == "fit_resample" else 0
    return peak - before - returned


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n-samples", type=int, default=60_000)
    parser.add_argument("--n-clusters", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data-home", default=None)
    parser.add_argument("--out", type=Path, default=Path("propagator_overhead.json"))
    arguments = parser.parse_args()

    images, y = fetch_fashion_mnist(arguments.data_home, return_X_y=True)
    X = images[: arguments.n_samples].astype(np.float32) / 255
    y = y[: arguments.n_samples]
    n_clusters = arguments.n_clusters

    def kmeans():
        return ClockedKMeans(n_clusters, random_state=0)

    results = {"n_samples": len(X), "n_features": X.shape[1], "n_clusters": n_clusters}
    for call in ("fit", "fit_resample"):
        runs = [
            measure_seconds(X, y, kmeans, n_clusters, call)
            for _ in range(arguments.repeats)
        ]
        shares = [run["own"] / run["inside"] for run in runs]
        results[call] = {
            "seconds": runs,
            "own_time_per_clusterer_fit": statistics.median(shares),
            "own_peak_per_size_of_X": measure_peak(X, y, kmeans, n_clusters, call)
            / X.nbytes,
        }
    arguments.out.write_text(json.dumps(results, indent=2) + "\n")

    print(f"{len(X)} x {X.shape[1]} float32, {n_clusters} clusters, medians")
    print(f"{'call':14}{'k-means':>10}{'own time':>10}{'share':>8}{'peak / X':>10}")
    for call in ("fit", "fit_resample"):
        seconds = results[call]["seconds"]
        print(
            f"{call:14}"
            f"{statistics.median(run['inside'] for run in seconds):>8.1f} s"
            f"{statistics.median(run['own'] for run in seconds):>8.2f} s"
            f"{results[call]['own_time_per_clusterer_fit']:>8.1%}"
            f"{results[call]['own_peak_per_size_of_X']:>10.2f}"
        )
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
