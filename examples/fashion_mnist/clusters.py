"""What k-means finds in the images: how many clusters, and what they hold.

A *cell* is one clustering, or the scores of one, with one seed. Labels have no part in
it: those of the test images are counted in the clusters afterwards.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from kmeans_labelprop.cluster import ReclusteringKMeans
from kmeans_labelprop.metrics import cluster_purity
from kmeans_labelprop.model_selection import cluster_count_curve

from .experiment import ImageData, Settings, load_images
from .store import CellStore

# The kinds of cells.
EMBEDDING = "embedding"
CURVE = "curve"
KMEANS = "k-means"
EACH_AGAIN = "each cluster again"
BEST_AGAIN = "again where it helps most"

# The spaces to cluster in.
PIXELS = "pixels"
COMPONENTS = "components"

N_COMPONENTS = 50
#: The numbers of clusters of the report: looked into, clustered again, suggested.
REPORT_COUNTS = (5, 7)
REPORT_SUGGESTED = 7
REPORT_RECLUSTERED = 5
#: Into how many each cluster is clustered again.
N_SUBCLUSTERS = 2
N_RECLUSTERED = N_SUBCLUSTERS * REPORT_RECLUSTERED
#: The curve goes through every number up to here, then in steps.
FINE_END = 20
_FINE_COUNTS = tuple(range(2, FINE_END + 1))
_FULL_COUNTS = (*_FINE_COUNTS, 25, 30, 40, 50, 75, 100, 150, 200)
_QUICK_COUNTS = tuple(range(2, 13))
#: The numbers of clusters whose purity is measured, as far as the curve goes.
PURITY_COUNTS = (5, 7, 10, 20, 50, 100, 200)
# The silhouettes are those of one image in so many.
_SILHOUETTE_SHARE = 6

SCORES = ("inertia", "silhouette", "calinski_harabasz", "davies_bouldin")

# Whose version decides the figures.
_PACKAGES = ("kmeans-labelprop", "numpy", "scikit-learn")


class Cell(NamedTuple):
    """One clustering, or the scores of one."""

    kind: str
    space: str
    n_clusters: int
    seed: int


def describe(cell: Cell) -> str:
    """Name a cell as the progress bar does."""
    if cell.kind == EMBEDDING:
        return cell.kind
    return f"{cell.kind}, {cell.n_clusters} clusters, {cell.space}, seed {cell.seed}"


def list_counts(settings: Settings) -> tuple[int, ...]:
    """List the numbers of clusters of the curve: fewer where not all images count."""
    return _FULL_COUNTS if settings.is_full else _QUICK_COUNTS


def list_cells(settings: Settings) -> list[Cell]:
    """List all cells, seed by seed."""
    counts = list_counts(settings)
    cells = [Cell(EMBEDDING, COMPONENTS, 0, 0)]
    for seed in range(settings.n_seeds):
        cells += [Cell(CURVE, COMPONENTS, k, seed) for k in counts]
        cells += [
            Cell(KMEANS, COMPONENTS, k, seed) for k in PURITY_COUNTS if k <= max(counts)
        ]
        cells += [
            Cell(KMEANS, PIXELS, k, seed) for k in (*REPORT_COUNTS, N_RECLUSTERED)
        ]
        cells += [
            Cell(kind, PIXELS, REPORT_RECLUSTERED, seed)
            for kind in (EACH_AGAIN, BEST_AGAIN)
        ]
    return cells


def silhouette_sample(settings: Settings) -> int:
    """Return how many images the silhouettes are computed of."""
    return settings.n_train // _SILHOUETTE_SHARE


def cell_key(cell: Cell, settings: Settings) -> dict[str, Any]:
    """Return everything that determines the result of a cell."""
    key: dict[str, Any] = {
        "part": "clusters",
        **cell._asdict(),
        "n_train": settings.n_train,
        "versions": _versions(),
    }
    if cell.space == COMPONENTS:
        key["n_components"] = N_COMPONENTS
    if cell.kind == CURVE:
        key["silhouette_sample"] = silhouette_sample(settings)
    if cell.kind in (EACH_AGAIN, BEST_AGAIN):
        key["n_subclusters"] = N_SUBCLUSTERS
    return key


def _versions() -> dict[str, str]:
    return {package: version(package) for package in _PACKAGES}


class Spaces:
    """The images in the spaces to cluster in, each made when it is first needed."""

    def __init__(self, images: ImageData) -> None:
        self.images = images

    @cached_property
    def _pca(self) -> tuple[PCA, NDArray[np.float32], NDArray[np.float32], float]:
        start = time.perf_counter()
        pca = PCA(min(N_COMPONENTS, *self.images.X_train.shape), random_state=0)
        E_train = pca.fit_transform(self.images.X_train)
        seconds = time.perf_counter() - start
        return pca, E_train, pca.transform(self.images.X_test), seconds

    def get(self, space: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the training and the test images in a space."""
        if space == PIXELS:
            return self.images.X_train, self.images.X_test
        _, E_train, E_test, _ = self._pca
        return E_train, E_test

    def describe_embedding(self) -> dict[str, float]:
        """Return the share of the variance that the components keep, and seconds."""
        pca, _, _, seconds = self._pca
        kept = float(pca.explained_variance_ratio_.sum())
        return {"explained_variance": kept, "seconds": seconds}


def score_count(
    X: NDArray[np.float32], n_clusters: int, seed: int, sample_size: int
) -> dict[str, float]:
    """Compute one point of the curve with the library."""
    curve = cluster_count_curve(
        X,
        [n_clusters],
        embedding=None,
        metrics=SCORES,
        sample_size=sample_size,
        random_state=seed,
    )
    return {
        **{name: float(curve.values[name][0, 0]) for name in SCORES},
        "silhouette_error": float(curve.sampling_error["silhouette"][0, 0]),
        "fit_seconds": float(curve.fit_times[0, 0]),
        "score_seconds": float(curve.score_times[0, 0]),
    }


def make_clusterer(cell: Cell) -> Any:
    """Make the clusterer of a cell, with the same first level for all kinds."""
    k, seed = cell.n_clusters, cell.seed
    if cell.kind == KMEANS:
        return KMeans(k, random_state=seed)
    if cell.kind == EACH_AGAIN:
        split = dict.fromkeys(range(k), N_SUBCLUSTERS)
        return ReclusteringKMeans(k, split=split, random_state=seed)
    return ReclusteringKMeans(k, max_clusters=N_SUBCLUSTERS * k, random_state=seed)


def count_categories(
    labels: NDArray[np.integer[Any]],
    y: NDArray[np.int64],
    n_clusters: int,
    n_categories: int,
) -> NDArray[np.int64]:
    """Count the images of each category in each cluster."""
    counts = np.zeros((n_clusters, n_categories), dtype=np.int64)
    np.add.at(counts, (labels, y), 1)
    return counts


def cluster_and_count(cell: Cell, spaces: Spaces) -> dict[str, Any]:
    """Cluster the training images, and look at the test images in the clusters.

    Returns
    -------
    result : dict
        ``n_flat_clusters``, ``inertia`` of the training images and ``seconds``;
        ``purity`` of the test images, and ``n_leading``, the number of categories that
        are the most frequent in some cluster. Of clusters of pixels also the
        ``counts``, test images of each category in each cluster, and of those that
        were clustered again the first-level ``parents``.
    """
    X_train, X_test = spaces.get(cell.space)
    start = time.perf_counter()
    clusterer = make_clusterer(cell).fit(X_train)
    seconds = time.perf_counter() - start
    y, labels = spaces.images.y_test, clusterer.predict(X_test)
    purity = cluster_purity(labels, y)
    n_flat = len(clusterer.cluster_centers_)
    leading = purity.majority_labels[purity.n_labeled > 0]
    result: dict[str, Any] = {
        "n_flat_clusters": n_flat,
        "inertia": float(clusterer.inertia_),
        "purity": float(purity),
        "n_leading": len(np.unique(leading)),
        "seconds": seconds,
    }
    if cell.space == PIXELS:
        n_categories = len(spaces.images.target_names)
        result["counts"] = count_categories(labels, y, n_flat, n_categories).tolist()
    if cell.kind != KMEANS:
        result["parents"] = clusterer.subcluster_parent_.tolist()
    return result


def run_cell(cell: Cell, settings: Settings, spaces: Spaces) -> dict[str, Any]:
    """Compute one cell."""
    if cell.kind == EMBEDDING:
        return spaces.describe_embedding()
    if cell.kind == CURVE:
        X_train, _ = spaces.get(cell.space)
        return score_count(
            X_train, cell.n_clusters, cell.seed, silhouette_sample(settings)
        )
    return cluster_and_count(cell, spaces)


def run_missing_cells(
    cells: Sequence[Cell],
    settings: Settings,
    store: CellStore,
    data_home: str | None,
    on_start: Callable[[Cell], None] = lambda cell: None,
) -> Iterator[Cell]:
    """Compute and store the cells that the store lacks; yield each when it is done."""
    missing = [cell for cell in cells if store.get(cell_key(cell, settings)) is None]
    if not missing:
        return
    spaces = Spaces(load_images(settings, data_home))
    for cell in missing:
        on_start(cell)
        result = run_cell(cell, settings, spaces)
        store.put(cell_key(cell, settings), result)
        yield cell


def collect(
    cells: Sequence[Cell], settings: Settings, store: CellStore
) -> dict[str, Any]:
    """Make the section of ``results.json`` of the finished cells.

    Raises
    ------
    LookupError
        If a cell is not finished.
    """
    results: dict[Cell, dict[str, Any]] = {}
    for cell in cells:
        result = store.get(cell_key(cell, settings))
        if result is None:
            raise LookupError(f"not finished: {cell}")
        results[cell] = result
    (embedding,) = (r for cell, r in results.items() if cell.kind == EMBEDDING)
    return {
        "settings": {
            "n_seeds": settings.n_seeds,
            "n_train": settings.n_train,
            "n_components": N_COMPONENTS,
            "silhouette_sample": silhouette_sample(settings),
        },
        "versions": {"python": platform.python_version(), **_versions()},
        "embedding": embedding,
        "curve": _collect_curve(results, list_counts(settings), settings.n_seeds),
        "cells": [
            {**cell._asdict(), **result}
            for cell, result in results.items()
            if cell.kind not in (EMBEDDING, CURVE)
        ],
    }


def _collect_curve(
    results: Mapping[Cell, dict[str, Any]], counts: Sequence[int], n_seeds: int
) -> dict[str, Any]:
    def table(name: str) -> list[list[float]]:
        return [
            [results[Cell(CURVE, COMPONENTS, k, seed)][name] for seed in range(n_seeds)]
            for k in counts
        ]

    return {
        "n_clusters": list(counts),
        "values": {name: table(name) for name in SCORES},
        "sampling_error": {"silhouette": table("silhouette_error")},
        "fit_times": table("fit_seconds"),
        "score_times": table("score_seconds"),
    }
