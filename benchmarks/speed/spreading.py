"""Spreading: all classes together, beside one system after the other.

The graph of Fashion-MNIST's 60,000 images, and 1,000 labels of 10 or 100 classes.
Seconds are interleaved medians.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import eye_array
from scipy.sparse.linalg import cg

from kmeans_labelprop import _engine
from kmeans_labelprop._propagation import choose_alpha, spread_over_graph
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import default_embedding

from .harness import interleave, table

N_LABELS = 1000


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
    E = default_embedding(X).fit_transform(X)
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
    return {"n_nodes": len(graph.scales), "alpha": alpha, "runs": runs}


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
    return f"""# Spreading of all classes together

    python -m benchmarks.speed spreading

{results["n_nodes"]:,} nodes, {N_LABELS:,} labels; seconds of all processors. The
largest difference is that of a share of a class.

{table(head, rows)}"""
