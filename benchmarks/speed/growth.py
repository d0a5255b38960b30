"""How time and memory of the default graph rule grow with the number of samples.

The stages after the clustering: neighbours, the graph of them, and the spreading of 100
labels of 10 classes. Each size runs in a process of its own.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from sklearn.datasets import make_blobs

from kmeans_labelprop import _engine
from kmeans_labelprop._propagation import choose_alpha, spread_over_graph

from .harness import clock, exponent, peak_gigabytes, peak_of, table

N_LABELS, N_CLASSES = 100, 10


def factors(n_samples, n_features=50):
    """Make 100 groups that vary in a dozen directions each, like data do."""
    rng = np.random.RandomState(0)
    group_of = rng.randint(100, size=n_samples)
    centers = 3 * rng.normal(size=(100, n_features)).astype(np.float32)
    E = 0.1 * rng.normal(size=(n_samples, n_features)).astype(np.float32)
    for group in range(100):
        rows = np.flatnonzero(group_of == group)
        scores = rng.normal(size=(len(rows), 12)) * 0.8 ** np.arange(12)
        E[rows] += scores @ rng.normal(size=(12, n_features)) + centers[group]
    return E


def blobs(n_samples):
    return make_blobs(n_samples, 32, centers=100, random_state=0)[0].astype(np.float32)


MADE = {"factors": factors, "blobs": blobs}


def run(name, n_samples):
    """Measure the stages on made data."""
    E = MADE[name](n_samples)
    before = peak_gigabytes()

    def unchanged(part):
        return part

    graph, *of_graph = clock(
        lambda: _engine.find_graph(E, None, unchanged, unchanged, 0)
    )
    given = np.random.RandomState(0).permutation(len(graph.scales))[:N_LABELS]
    codes = np.arange(N_LABELS) % N_CLASSES
    alpha = choose_alpha(len(graph.scales), N_LABELS)
    _, *of_spreading = clock(
        lambda: spread_over_graph(graph.affinity, given, codes, N_CLASSES, alpha)
    )
    return {
        "n_samples": n_samples,
        "lists": int(getattr(graph.neighbors, "n_lists_", 0)),
        "graph": dict(zip(("wall", "cpu"), of_graph, strict=True)),
        "spreading": dict(zip(("wall", "cpu"), of_spreading, strict=True)),
        "gigabytes_before": before,
        "peak_gigabytes": peak_gigabytes(),
    }


def measure(quick):
    sizes = (10_000, 30_000) if quick else (10_000, 30_000, 100_000, 300_000, 1_000_000)
    return {
        "runs": {
            name: [
                json.loads(peak_of("benchmarks.speed.growth", name, size))
                for size in sizes
            ]
            for name in MADE
        }
    }


def report(results):
    rows = []
    for name, runs in results["runs"].items():
        sizes = [run["n_samples"] for run in runs]
        total = [run["graph"]["cpu"] + run["spreading"]["cpu"] for run in runs]
        for run, seconds in zip(runs, total, strict=True):
            figures = [
                run["graph"]["cpu"],
                run["spreading"]["cpu"],
                seconds,
                run["graph"]["wall"] + run["spreading"]["wall"],
                run["peak_gigabytes"],
            ]
            size = [f"{name}, {run['n_samples']:,}", run["lists"] or "exact"]
            rows.append(size + [f"{figure:.2f}" for figure in figures])
        power = f"**{exponent(sizes, total):.2f}**"
        rows.append([f"{name}, exponent", "", "", "", power, "", ""])
    head = "data|lists searched|graph, s|spreading, s|both, s|both, wall s|peak, GB"
    return f"""# Growth of the graph rule

    python -m benchmarks.speed growth

{results.get("note", "")}

Neighbours, the graph and the spreading of {N_LABELS} labels of {N_CLASSES} classes, by
default: exact below 20,000 samples. Seconds are those of all processors, but for the
wall's; memory is that of the whole process, with the data in float32. "factors": 100
groups in 50 dimensions that vary in 12 directions each. "blobs": 100 groups that vary
alike in all of 32 dimensions.

{table(head.split("|"), rows)}"""


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
