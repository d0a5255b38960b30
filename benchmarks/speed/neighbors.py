"""Neighbours: by the index and by comparing all, on spaces of many kinds.

Seconds, the share of the true neighbours that is found, and whether the labels that
spread over the graph are right as often: paired by seed, from the same representatives.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from scipy.ndimage import rotate, shift
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors
from sklearn.preprocessing import StandardScaler, normalize
from threadpoolctl import threadpool_limits

from kmeans_labelprop import _engine
from kmeans_labelprop._given import GivenLabels
from kmeans_labelprop._neighbors import IndexedNeighbors
from kmeans_labelprop._representatives import best_samples
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures
from kmeans_labelprop.embedding._numbers import numbers_embedding

from .harness import clock, table

N_LABELS = 100


def images(n_samples=60_000):
    X, y = fetch_fashion_mnist(subset="train", return_X_y=True)
    return np.asarray(X[:n_samples]), np.asarray(y[:n_samples])


def fashion_mnist():
    X, y = images()
    return numbers_embedding(X).fit_transform(X).astype(np.float32), y


def fashion_mnist_pixels():
    X, y = images(20_000)
    return X.reshape(len(X), -1).astype(np.float32) / 255, y


def fashion_mnist_features():
    X, y = images(20_000)
    return ImageFeatures(image_shape=(28, 28)).fit_transform(X), y


def turned_digits():
    """scikit-learn's digits, each 12 times: shifted, turned, with noise."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.RandomState(0)
    copies = []
    for image in np.repeat(X.reshape(-1, 8, 8), 12, axis=0):
        turned = rotate(image, rng.uniform(-20, 20), reshape=False, order=1)
        copies.append(shift(turned, rng.uniform(-0.7, 0.7, 2), order=1))
    E = np.array(copies).reshape(-1, 64) + rng.normal(size=(12 * len(X), 64))
    return E.astype(np.float32), np.repeat(y, 12)


def shuttle():
    """Sensors of a space shuttle, of which many have the same values (river)."""
    import pandas as pd
    import river.datasets

    path = Path(river.datasets.__file__).with_name("shuttle.csv.gz")
    rows = pd.read_csv(path)
    E = StandardScaler().fit_transform(rows.iloc[:, :-1].to_numpy(float))
    return E, rows.iloc[:, -1].to_numpy(int)


def texts():
    """Counts of words drawn from twenty mixed topics, reduced and of unit length."""
    rng = np.random.RandomState(0)
    words = rng.dirichlet(np.full(3000, 0.05), size=20)
    y = rng.randint(20, size=30_000)
    shares = 0.5 * np.eye(20)[y] + 0.5 * rng.dirichlet(np.full(20, 0.3), size=len(y))
    counts = np.array([rng.multinomial(60, share @ words) for share in shares])
    reduced = TruncatedSVD(50, random_state=0).fit_transform(
        TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    )
    return normalize(reduced).astype(np.float32), y


def blobs(n_features):
    # So near each other that some samples are nearer to another centre.
    E, y = make_blobs(
        30_000, n_features, centers=50, cluster_std=20 / n_features**0.5, random_state=0
    )
    return E.astype(np.float32), y


SPACES = {
    "Fashion-MNIST, unit rows": fashion_mnist,
    "Fashion-MNIST, 20,000, pixels": fashion_mnist_pixels,
    "Fashion-MNIST, 20,000, `ImageFeatures`": fashion_mnist_features,
    "digits, turned and shifted": turned_digits,
    "shuttle": shuttle,
    "made texts, SVD": texts,
    "blobs, 10 features": lambda: blobs(10),
    "blobs, 64 features": lambda: blobs(64),
}
SMALL = ("digits, turned and shifted", "blobs, 10 features")


def unchanged(part):
    return part


def find_graph(E, neighbors):
    return _engine.find_graph(E, neighbors, unchanged, unchanged, 0)


def spread_labels(E, y, graphs, seed):
    """Count how often labels are right that spread over each of some graphs."""
    clusterer = KMeans(N_LABELS, n_init=1, random_state=seed)
    clusters = _engine.find_clusters(E, clusterer, unchanged, 0)
    nobody = np.zeros(len(y), dtype=bool)
    asked = np.sort(best_samples(clusters.ids, clusters.distances, nobody)[0])
    classes, codes = np.unique(y[asked], return_inverse=True)
    given = GivenLabels(asked, codes, classes)
    return {
        name: float(
            np.mean(
                classes[
                    _engine.spread(replace(clusters, graph=graph), given, "graph").codes
                ]
                == y
            )
        )
        for name, graph in graphs.items()
    }


def compare(name, n_seeds):
    E, y = SPACES[name]()
    finders = {
        "all": KNeighborsTransformer(n_neighbors=20),
        "index": IndexedNeighbors(),
    }
    graphs, seconds = {}, {}
    for method, finder in finders.items():
        graphs[method], *seconds[method] = clock(lambda: find_graph(E, finder))  # noqa: B023
    first, _ = _engine.distinct_rows(E)
    nodes = E[first]
    probes = np.random.RandomState(1).permutation(len(nodes))[:2000]
    exact = graphs["all"].neighbors.transform(nodes[probes])
    found = graphs["index"].neighbors.transform(nodes[probes])
    # Both count a sample itself; the exact search finds one more.
    farthest = np.sort(exact.data.reshape(len(probes), -1), axis=1)[:, -2]
    nearer = found.data.reshape(len(probes), -1) <= farthest[:, np.newaxis] * (1 + 1e-6)
    accuracies = [spread_labels(E, y, graphs, seed) for seed in range(n_seeds)]
    return {
        "shape": list(E.shape),
        "distinct": len(nodes),
        "recall": float((nearer.sum(axis=1) - 1).mean() / 19),
        "lists": int(graphs["index"].neighbors.n_lists_),
        "seconds": {method: values[0] for method, values in seconds.items()},
        "cpu_seconds": {method: values[1] for method, values in seconds.items()},
        "accuracy": {
            method: [values[method] for values in accuracies] for method in graphs
        },
    }


def beside_faiss(E):
    """Measure faiss's inverted files on the same samples, or nothing without faiss."""
    try:
        import faiss
    except ImportError:
        return {}
    probes = np.random.RandomState(1).permutation(len(E))[:2000]
    true = NearestNeighbors(n_neighbors=21, algorithm="brute").fit(E)
    true = true.kneighbors(E[probes], return_distance=False)
    faiss.omp_set_num_threads(1)

    def by_faiss(n_lists, n_probes):
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(E.shape[1]), E.shape[1], n_lists)
        index.train(E)
        index.add(E)
        index.nprobe = n_probes
        return index.search(E, 21)[1]

    n_lists = IndexedNeighbors(20).fit(E).n_lists_

    def by_index():
        return IndexedNeighbors(20).fit_transform(E).indices.reshape(len(E), 20)

    methods = {f"this index, {n_lists} lists searched": by_index}
    for setting in ((250, 8), (250, 12), (1000, 16), (1000, 24)):
        methods["faiss, {} lists, {} probed".format(*setting)] = partial(
            by_faiss, *setting
        )
    rows = {}
    with threadpool_limits(1):
        for name, method in methods.items():
            found, wall, cpu = clock(method)
            hits = [
                np.isin(expected, own).sum() - (row in own)
                for row, expected, own in zip(probes, true, found[probes], strict=True)
            ]
            recall = float(np.mean(hits) / 20)
            rows[name] = {"seconds": wall, "cpu_seconds": cpu, "recall": recall}
    return rows


def measure(quick):
    E, _ = turned_digits() if quick else fashion_mnist()
    return {
        "spaces": {name: compare(name, 5) for name in (SMALL if quick else SPACES)},
        "faiss": beside_faiss(E),
    }


def report(results):
    spaces = []
    for name, space in results["spaces"].items():
        right = {key: 100 * np.array(v) for key, v in space["accuracy"].items()}
        paired = right["index"] - right["all"]
        cpu = space["cpu_seconds"]
        spaces.append(
            [
                f"{name} ({space['distinct']:,} × {space['shape'][1]})",
                f"{cpu['all']:.1f}",
                f"{cpu['index']:.1f}",
                f"{cpu['all'] / cpu['index']:.1f}",
                space["lists"],
                f"{space['recall']:.4f}",
                f"{right['all'].mean():.2f}",
                f"{paired.mean():+.2f} ± {paired.std(ddof=1):.2f}",
            ]
        )
    beside = [
        [name, f"{row['cpu_seconds']:.1f}", f"{row['recall']:.4f}"]
        for name, row in results.get("faiss", {}).items()
    ]
    named = results.get("faiss", {}).items()
    own = [row for name, row in named if name.startswith("this")]
    alike = [
        row["cpu_seconds"] / own[0]["cpu_seconds"]
        for name, row in named
        if own and row not in own and row["recall"] > own[0]["recall"] - 0.001
    ]
    share = f"{100 * min(alike):.0f} %" if alike else "no part"
    seeds = len(next(iter(results["spaces"].values()))["accuracy"]["all"])
    return f"""# Neighbours by an index

    python -m benchmarks.speed neighbors

{results.get("note", "")}

Labels of {N_LABELS} representatives, spread over a graph of 20 neighbours found by
comparing all, or by the index. Seconds are those of all processors, for the whole
graph. "Recall": the share of 2,000 samples' true neighbours that the index finds, or
others as near. "Right": propagated labels, in %, {seeds} seeds; the difference is
paired, mean ± std.

{
        table(
            [
                "space",
                "all, s",
                "index, s",
                "ratio",
                "lists searched",
                "recall",
                "right, all",
                "index - all",
            ],
            spaces,
        )
    }

## Beside faiss

Neighbours alone on Fashion-MNIST, unit rows, one thread. The inverted files of
faiss-cpu take {share} of the time at the same recall: not enough for an extra of its
own.

{table(["method", "s", "recall"], beside)}"""
