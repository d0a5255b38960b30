"""The default clustering of many samples beside KMeans to convergence.

On each data set both are fitted in turn, seed by seed. Time: of the pair, as a ratio.
Quality: inertia, and the share of samples whose label is that of their representative,
the sample nearest to the centre of their cluster. The settings of the start were chosen
on the sets marked so; the others show whether they hold.

    python -m benchmarks.speed.clustering                  # some minutes
    python -m benchmarks.speed.clustering --publish        # into benchmarks/results
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs, make_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, QuantileTransformer

from kmeans_labelprop._clustering import distances_to_centers, make_clusterer
from kmeans_labelprop._representatives import best_samples
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures

RESULTS = Path(__file__).parents[1] / "results"


# ------------------------------------------------------------------ the data
@cache
def _fashion() -> tuple[Any, Any]:
    X, y = fetch_fashion_mnist(return_X_y=True)
    return X.astype(np.float32), y


def fashion_pixels() -> tuple[Any, Any]:
    return _fashion()


def fashion_components() -> tuple[Any, Any]:
    X, y = _fashion()
    return make_pipeline(Normalizer(), PCA(50, random_state=0)).fit_transform(X), y


def fashion_features() -> tuple[Any, Any]:
    X, y = _fashion()
    return ImageFeatures(random_state=0).fit_transform(X), y


def moved_digits() -> tuple[Any, Any]:
    """Digits of 16 × 16 pixels, somewhere in an image of 20 × 20, with noise."""
    rng = np.random.default_rng(0)
    digits, y = load_digits(return_X_y=True)
    chosen = rng.integers(len(digits), size=20_000)
    large = np.kron(digits[chosen].reshape(-1, 8, 8), np.ones((2, 2)))
    X = rng.normal(size=(len(large), 20, 20))
    for image, digit, (row, column) in zip(
        X, large, rng.integers(5, size=(len(large), 2)), strict=True
    ):
        image[row : row + 16, column : column + 16] += digit
    return X.reshape(len(X), -1).astype(np.float32), y[chosen]


def turned_blobs() -> tuple[Any, Any]:
    """Overlapping clusters in 20 dimensions, turned into 300, with noise."""
    rng = np.random.default_rng(0)
    X, y = make_blobs(
        30_000, 20, centers=150, cluster_std=3, center_box=(-4, 4), random_state=0
    )
    X = X @ rng.normal(size=(20, 300)) / 20 + rng.normal(size=(30_000, 300)) / 4
    return X.astype(np.float32), y % 10


@cache
def _docstrings() -> tuple[list[str], list[str]]:
    """Docstrings of the packages installed beside scikit-learn, by package."""
    texts, packages = [], []
    for path in sorted(Path(sklearn.__file__).parents[1].glob("*/**/*.py")):
        try:
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        except (SyntaxError, UnicodeDecodeError):
            continue  # templates and tests of encodings
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node) or ""
                if len(text) >= 200:
                    texts.append(text)
                    packages.append(
                        path.relative_to(Path(sklearn.__file__).parents[1]).parts[0]
                    )
    common = {name for name, count in Counter(packages).items() if count >= 500}
    kept = [i for i, name in enumerate(packages) if name in common]
    return [texts[i] for i in kept], [packages[i] for i in kept]


def texts() -> tuple[Any, Any]:
    documents, y = _docstrings()
    words = TfidfVectorizer(
        sublinear_tf=True, min_df=5, stop_words="english", dtype=np.float32
    )
    svd = TruncatedSVD(100, random_state=0)
    X = make_pipeline(words, svd, Normalizer()).fit_transform(documents)
    return X, np.array(y)


def sparse_texts() -> tuple[Any, Any]:
    documents, y = _docstrings()
    words = TfidfVectorizer(
        sublinear_tf=True, max_features=2000, stop_words="english", dtype=np.float32
    )
    return words.fit_transform(documents), np.array(y)


def ranked_table() -> tuple[Any, Any]:
    X, y = make_classification(
        40_000,
        20,
        n_informative=10,
        n_redundant=5,
        n_classes=8,
        n_clusters_per_class=3,
        random_state=0,
    )
    X[:, ::2] = np.exp(X[:, ::2])
    return QuantileTransformer(random_state=0).fit_transform(X), y


def heavy_tails() -> tuple[Any, Any]:
    """No clusters, and some samples very far away."""
    X = np.random.default_rng(0).standard_t(2, size=(40_000, 16))
    return X, X[:, 0] > 0


def small_far_clusters() -> tuple[Any, Any]:
    """Twenty clusters of 2,000 samples and ten of 20, farther away."""
    rng = np.random.default_rng(0)
    centers = np.concatenate([rng.normal(size=(20, 16)), rng.normal(size=(10, 16)) * 9])
    sizes = np.r_[np.full(20, 2000), np.full(10, 20)]
    return make_blobs(sizes, centers=centers, random_state=0)


# Name, samples and labels, clusters, whether the settings were chosen on it.
SETS: tuple[tuple[str, Callable[[], tuple[Any, Any]], int, bool], ...] = (
    ("Fashion-MNIST, pixels", fashion_pixels, 100, True),
    ("Fashion-MNIST, 50 components", fashion_components, 100, True),
    ("Fashion-MNIST, image features", fashion_features, 100, True),
    ("moved digits", moved_digits, 100, True),
    ("table, ranks", ranked_table, 100, True),
    ("heavy tails", heavy_tails, 100, True),
    ("turned blobs", turned_blobs, 50, False),
    ("docstrings, 100 components", texts, 100, False),
    ("docstrings, sparse", sparse_texts, 50, False),
    ("small far clusters", small_far_clusters, 40, False),
    ("table, ranks, 10 clusters", ranked_table, 10, False),
    ("Fashion-MNIST, 50 components, 300 clusters", fashion_components, 300, False),
)


# ------------------------------------------------------------------ what is measured
def measure(clusterer: Any, X: Any, y: Any, seed: int) -> dict[str, float]:
    """Fit, and tell the time and what came out."""
    clusterer = clone(clusterer).set_params(random_state=seed)
    wall, processor = time.perf_counter(), time.process_time()
    clusterer.fit(X)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    ids = clusterer.labels_.astype(np.intp)
    distances = distances_to_centers(X, ids, clusterer.cluster_centers_)
    chosen, clusters = best_samples(ids, distances, np.zeros(len(ids), dtype=bool))
    labels = np.empty(clusterer.n_clusters, dtype=y.dtype)
    labels[clusters] = y[chosen]
    return {
        "seconds": wall,
        "processor_seconds": processor,
        "n_iter": int(clusterer.n_iter_),
        "inertia": float(clusterer.inertia_),
        "right": float(np.mean(labels[ids] == y)),
    }


def compare(
    load: Callable[[], tuple[Any, Any]], k: int, n_seeds: int
) -> dict[str, Any]:
    X, y = load()
    clusterers = {
        "converged": KMeans(k),
        "default": make_clusterer(None, k, X.shape[0]),
    }
    fits: dict[str, list[dict[str, float]]] = {name: [] for name in clusterers}
    for seed in range(n_seeds):
        order = list(clusterers) if seed % 2 else list(clusterers)[::-1]
        for name in order:
            fits[name].append(measure(clusterers[name], X, y, seed))
    return {
        "shape": list(X.shape),
        "dtype": str(X.dtype),
        "sparse": issparse(X),
        "n_clusters": k,
        "fits": fits,
    }


def table(sets: dict[str, Any]) -> str:
    lines = [
        "| samples | clusters | seeds | time (processor) | inertia | right, converged "
        "| right, default | difference |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, result in sets.items():
        pairs = list(zip(*result["fits"].values(), strict=True))

        def ratio(key: str, pairs: Any = pairs) -> float:
            return statistics.median(old[key] / new[key] for old, new in pairs)

        old, new = (
            np.array([100 * f["right"] for f in fits])
            for fits in result["fits"].values()
        )
        inertia = [100 * (b["inertia"] / a["inertia"] - 1) for a, b in pairs]
        error = np.std(new - old, ddof=1) / len(old) ** 0.5
        mark = "" if result["chosen_on"] else " *"
        lines.append(
            f"| {name}{mark}, {result['shape'][0]:,} × {result['shape'][1]} "
            f"| {result['n_clusters']} | {len(pairs)} "
            f"| {ratio('seconds'):.1f} ({ratio('processor_seconds'):.1f}) "
            f"| {np.mean(inertia):+.2f} % "
            f"| {old.mean():.1f} ± {old.std(ddof=1):.1f} "
            f"| {new.mean():.1f} ± {new.std(ddof=1):.1f} "
            f"| {np.mean(new - old):+.1f} ± {error:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="*", help="beginnings of their names")
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    out = RESULTS / "clustering.json"
    sets = json.loads(out.read_text())["sets"] if out.exists() else {}
    versions = {m.__name__: m.__version__ for m in (np, scipy, sklearn)}
    for name, load, k, chosen_on in SETS:
        if arguments.sets and not name.startswith(tuple(arguments.sets)):
            continue
        sets[name] = {"chosen_on": chosen_on, **compare(load, k, arguments.seeds)}
        print(table({name: sets[name]}).splitlines()[-1], flush=True)
        if arguments.publish:  # what was not measured now stays
            sets = {name: sets[name] for name, *_ in SETS if name in sets}
            results = {"versions": versions, "sets": sets}
            out.write_text(json.dumps(results, indent=1) + "\n")
            text = INTRODUCTION + table(sets) + "\n"
            out.with_suffix(".md").write_text(text)


INTRODUCTION = """# The default clustering of many samples

`python -m benchmarks.speed.clustering --publish`

By default (no `clusterer=`), from 20,000 samples and 200 a cluster on, `KMeans` starts
from the clusters of a sample and stops after 20 iterations. Here it stands beside
`KMeans` to convergence. Time: how many times longer convergence takes, median over the
seeds of pairs fitted in turn, in one thread. Inertia: of the default against
convergence, mean. Right: samples, in %, whose label is that of the representative of
their cluster, mean ± standard deviation; of the difference, paired by seed, mean ±
standard error. On the sets marked * no setting was chosen.

"""

if __name__ == "__main__":
    main()
