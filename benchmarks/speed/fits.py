"""Whole fits on the 60,000 images of Fashion-MNIST, beside other libraries'.

faiss and graphlearning have rows where they are installed.
"""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist

from .harness import gigabytes_beyond, interleave, peak_of, table

FAISS = "k-means of faiss, 20 iterations"
POISSON = "Poisson learning of graphlearning"
N_LABELS = 100
N_REPEATS = 5


def load(n_samples):
    data = fetch_fashion_mnist()
    X = data.data[:n_samples].astype(np.float32) / np.float32(255)
    return X, data.target[:n_samples]


def without_order(X):
    """Bring the pixels in one order drawn at random: nobody sees images in them."""
    return np.ascontiguousarray(X[:, np.random.default_rng(0).permutation(X.shape[1])])


def kmeans(X, y):
    KMeans(N_LABELS, n_init=1, random_state=0).fit(X)


def kmeans_of_faiss(X, y):
    import faiss

    faiss.Kmeans(X.shape[1], N_LABELS, niter=20, nredo=1, seed=0).train(X)


def components_and_drawn(X, y):
    """Give what the peers get: 50 principal components, and random labels."""
    drawn = np.random.default_rng(0).choice(len(y), N_LABELS, replace=False)
    return PCA(50, random_state=0).fit_transform(X), drawn


def label_spreading(X, y, rule=LabelSpreading):
    E, drawn = components_and_drawn(X, y)
    part = np.full(len(y), -1)
    part[drawn] = y[drawn]
    return rule(kernel="knn").fit(E, part).transduction_


def label_propagation(X, y):
    return label_spreading(X, y, LabelPropagation)


def poisson_learning(X, y):
    import graphlearning

    E, drawn = components_and_drawn(X, y)
    finder = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(E)
    found = finder.kneighbors(E)[::-1]  # each its own first neighbour, as they want it
    weights = graphlearning.weightmatrix.knn(None, 10, knn_data=found)
    return graphlearning.ssl.poisson(weights).fit_predict(drawn, y[drawn])


def cluster_rule(X, y):
    return spread(X, y, propagation="cluster")


def graph_rule(X, y):
    return spread(X, y)


def spread(X, y, **options):
    propagator = KMeansLabelPropagator(N_LABELS, random_state=0, **options)
    return propagator.fit(X, y).transduction_


FITS = {
    "KMeans": kmeans,
    FAISS: kmeans_of_faiss,
    "LabelSpreading": label_spreading,
    "LabelPropagation": label_propagation,
    POISSON: poisson_learning,
    "cluster rule": cluster_rule,
    "graph rule": graph_rule,
    "graph rule, images": graph_rule,
}
NUMBERS = ("cluster rule", "graph rule")
for name, module in ((FAISS, "faiss"), (POISSON, "graphlearning")):
    if find_spec(module) is None:
        del FITS[name]


def measure(quick):
    """Time the fits in turns; count right labels; each peak in its own process."""
    n_samples = 5_000 if quick else 60_000
    X, y = load(n_samples)
    numbers = without_order(X)
    right = {}

    def fit(name):
        labels = FITS[name](numbers if name in NUMBERS else X, y)
        if labels is not None:
            right[name] = float(np.mean(labels == y))

    seconds = interleave(
        {name: lambda name=name: fit(name) for name in FITS}, 1 if quick else N_REPEATS
    )
    peaks = {
        name: json.loads(peak_of("benchmarks.speed.fits", name, n_samples))
        for name in FITS
    }
    return {"n_samples": n_samples, "seconds": seconds, "right": right, "peaks": peaks}


def report(results):
    wall = {name: times["wall"] for name, times in results["seconds"].items()}
    rows = [
        [
            name,
            f"{seconds:.1f}",
            f"{seconds / wall['KMeans']:.2f}",
            f"{seconds / wall['LabelSpreading']:.2f}",
            f"{results['peaks'][name]:.2f}",
            f"{100 * results['right'][name]:.1f}" if name in results["right"] else "",
        ]
        for name, seconds in wall.items()
    ]
    head = "fit|seconds|/ KMeans|/ LabelSpreading|peak beyond the data, GB|right, %"
    return f"""# Whole fits

    python -m benchmarks.speed fits

{results["n_samples"]:,} × 784 pixels in float32, {N_LABELS} labels, in turns in one
process, medians of {N_REPEATS}. `KMeans(100, n_init=1)` on pixels;
`LabelSpreading(kernel="knn")` and others in 50 principal components from random labels;
this library at its defaults: on the pixels in one order drawn at random, which are any
numbers, and as they are, which it sees to be images.

{table(head.split("|"), rows)}"""


def run(name, n_samples):
    X, y = load(n_samples)
    if name in NUMBERS:
        X = without_order(X)
    return gigabytes_beyond(lambda: FITS[name](X, y))


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
