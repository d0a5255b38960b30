"""Spreading: all classes together, beside one system after the other.

The graph of Fashion-MNIST's 60,000 images, and 1,000 labels of 10 or 100 classes.
Seconds are interleaved medians. Then a thousand classes of a million made samples, in a
process of its own: 20 minutes.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from scipy.sparse import eye_array
from scipy.sparse.linalg import cg

from kmeans_labelprop import _engine
from kmeans_labelprop._propagation import choose_alpha, spread_over_graph
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding._numbers import numbers_embedding

from .growth import factors
from .harness import clock, gigabytes_beyond, interleave, peak_of, table

N_LABELS = 1000
N_MANY = 1000, 1_000_000


def one_by_one(affinity, given, codes, n_classes, alpha):
    """Solve each system by SciPy's conjugate gradients, to the same tolerance."""
    n_nodes = affinity.shape[0]
    system = eye_array(n_nodes, format="csr") - alpha * affinity
    mass = np.empty((n_nodes, n_classes))
    for code in range(n_classes):
        target = np.zeros(n_nodes)
        target[given[codes == code]] = 1 - alpha
        mass[:, code] = cg(system, target, rtol=1e-6)[0]
    total = mass.sum(axis=1, keepdims=True)
    return np.divide(mass, total, out=mass, where=total > 0)


def measure(quick):
    images, _ = fetch_fashion_mnist(subset="train", return_X_y=True)
    X = np.asarray(images[: 5000 if quick else 60_000])
    E = numbers_embedding(X).fit_transform(X)
    graph = _engine.find_graph(E, None, lambda part: part, lambda part: part, 0)
    given = np.random.RandomState(0).permutation(len(E))[:N_LABELS]
    alpha = choose_alpha(len(E), N_LABELS)
    runs = []
    for n_classes in (10, 100):
        arguments = (graph.affinity, given, np.arange(N_LABELS) % n_classes)
        methods = {
            name: lambda solve=solve, a=arguments, k=n_classes: solve(*a, k, alpha)
            for name, solve in (("together", spread_over_graph), ("alone", one_by_one))
        }
        differences = np.abs(methods["together"]() - methods["alone"]())
        seconds = interleave(methods, 3 if n_classes == 10 else 1)
        runs.append(
            {
                "n_classes": n_classes,
                "largest_difference": float(differences.max()),
                "seconds": seconds,
            }
        )
    many = json.loads(
        peak_of("benchmarks.speed.spreading", *((100, 20_000) if quick else N_MANY))
    )
    return {"n_nodes": len(graph.scales), "alpha": alpha, "runs": runs, "many": many}


def spread_many(n_classes, n_samples):
    """Spread a label of each class to made samples; measure time and memory."""
    E = factors(n_samples, 16)
    graph = _engine.find_graph(E, None, lambda part: part, lambda part: part, 0)
    given = np.random.RandomState(0).permutation(n_samples)[:n_classes]
    arguments = graph.affinity, given, np.arange(n_classes), n_classes
    alpha, measured = choose_alpha(n_samples, n_classes), {}

    def run():
        shares, measured["wall"], measured["cpu"] = clock(
            lambda: spread_over_graph(*arguments, alpha)
        )
        measured["dtype"] = str(shares.dtype)

    gigabytes = gigabytes_beyond(run)
    sizes = {"n_classes": n_classes, "n_samples": n_samples}
    return {**sizes, **measured, "gigabytes": gigabytes}


def report(results):
    rows = []
    for run in results["runs"]:
        alone, together = (
            run["seconds"][name]["cpu"] for name in ("alone", "together")
        )
        difference = f"{run['largest_difference']:.1e}"
        figures = [f"{alone:.2f}", f"{together:.2f}", f"{alone / together:.1f}"]
        rows.append([run["n_classes"], *figures, difference])
    head = ["classes", "one by one, s", "together, s", "ratio", "largest difference"]
    many = results["many"]
    return f"""# Spreading of all classes together

    python -m benchmarks.speed spreading

{results["n_nodes"]:,} nodes, {N_LABELS:,} labels; seconds of all processors. The
largest difference is that of a share of a class.

{table(head, rows)}
{many["n_classes"]:,} classes of {many["n_samples"]:,} made samples, with a label each:
{many["cpu"] / 60:.0f} minutes of all processors, and
{many["gigabytes"]:.1f} GB beyond the graph, of which the shares in
{many["dtype"]} are
{many["n_classes"] * many["n_samples"] * int(many["dtype"][-2:]) / 8e9:.1f} GB."""


if __name__ == "__main__":
    print(json.dumps(spread_many(*map(int, sys.argv[1:]))))
