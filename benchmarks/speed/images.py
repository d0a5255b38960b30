"""The time of ImageFeatures beside k-means on the same pixels, and by image shape.

First on Fashion-MNIST: ``fit_transform`` and ``KMeans(100, n_init=1)`` on the pixels in
turn. Then ``transform`` of cuts of two photographs in several shapes: microseconds and
memory, and the share of the processor's time that its matrix products alone would take,
at a rate measured in turn.

    python -m benchmarks.speed.images --publish
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_images
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures, _images
from kmeans_labelprop.embedding._layout import Layout

OUT = Path(__file__).parents[1] / "results" / "images.json"
SHAPES = ((8, 8, 1), (28, 28, 1), (32, 32, 3), (64, 64, 1), (64, 64, 3), (128, 128, 3))
PIXELS = 1_500_000  # of all images of a shape, about


def clock(call: Callable[[], Any]) -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - processor


def beside_kmeans(n_samples: int, repeats: int) -> dict[str, Any]:
    """Seconds of each, [wall, processor]."""
    X = fetch_fashion_mnist(return_X_y=True)[0][:n_samples]
    pixels = X.astype(np.float32)
    calls = {
        "features": lambda: ImageFeatures(random_state=0).fit_transform(X),
        "kmeans": lambda: KMeans(100, n_init=1, random_state=0).fit(pixels),
        "components": lambda: make_pipeline(
            Normalizer(), PCA(50, random_state=0)
        ).fit_transform(pixels),
    }
    seconds: dict[str, list[Any]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            seconds[name].append(clock(call))
    return {"n_samples": len(X), "seconds": seconds}


def cuts(shape: tuple[int, int, int], n_images: int) -> Any:
    """Cut images out of photographs, in colour or in grey."""
    rng = np.random.default_rng(0)
    height, width, channels = shape
    photos = load_sample_images().images
    X = np.empty((n_images, height, width, 3), dtype=np.uint8)
    for i, image in enumerate(X):
        photo = photos[i % 2]
        row = rng.integers(photo.shape[0] - height)
        column = rng.integers(photo.shape[1] - width)
        image[:] = photo[row : row + height, column : column + width]
    return X if channels == 3 else X[..., 1]


def cell_lengths(n_positions: int, n_pools: int) -> Any:
    """Count the positions in each cell along a side."""
    return np.diff(_images.cell_bounds(n_positions, n_pools)).tolist()


def n_products(features: ImageFeatures) -> int:
    """Multiplications that a single image needs for its patches."""
    height, width, channels = features.image_shape_
    n_filters, rows, columns, _ = features.filters_.shape
    n_values = rows * columns * channels
    layout = Layout.of((height, width, channels), rows)
    n_positions = 0
    for cell in product(*map(cell_lengths, layout.positions, layout.pools)):
        n_patches = cell[0] * cell[1]
        is_large = n_patches >= _images._MANY_PATCHES  # every other one counts
        n_positions += -(-n_patches // 2) if is_large else n_patches
    return n_positions * (n_values + 1) * (n_values + n_filters)


def by_shape(shape: tuple[int, int, int], repeats: int) -> dict[str, Any]:
    """Microseconds an image, and what limits them."""
    X = cuts(shape, PIXELS // np.prod(shape))
    features = ImageFeatures(random_state=0).fit(X[:500])
    A = np.random.default_rng(0).random((2000, 1000), dtype=np.float32)
    runs = []
    for _ in range(repeats):
        wall, processor = clock(lambda: features.transform(X))
        _, multiplied = clock(lambda: A @ A.T)
        least = n_products(features) * len(X) * multiplied / (len(A) * A.size)
        runs.append([wall / len(X) * 1e6, processor / len(X) * 1e6, least / processor])
    tracemalloc.start()
    E = features.transform(X)
    peak = tracemalloc.get_traced_memory()[1] - E.nbytes
    tracemalloc.stop()
    wall, processor, share = (statistics.median(run) for run in zip(*runs, strict=True))
    return {
        "shape": shape,
        "n_images": len(X),
        "microseconds": wall,
        "processor_microseconds": processor,
        "share_of_products": share,
        "peak_megabytes": peak / 2**20,
    }


def report(results: dict[str, Any]) -> str:
    whole = results["fashion_mnist"]
    seconds = whole["seconds"]

    def ratio(name: str, which: int) -> float:
        pairs = zip(seconds["kmeans"], seconds[name], strict=True)
        return statistics.median(a[which] / b[which] for a, b in pairs)

    lines = [
        "# The time of image features",
        "",
        "`python -m benchmarks.speed.images --publish`",
        "",
        f"Fashion-MNIST, {whole['n_samples']:,} images: `KMeans(100, n_init=1)` on "
        f"pixels takes {ratio('features', 0):.1f} times as long as "
        f"`ImageFeatures().fit_transform` ({ratio('features', 1):.1f} in processor "
        f"time), and {ratio('components', 0):.0f} times as long as unit length and 50 "
        f"principal components ({ratio('components', 1):.0f}).",
        "",
        "`transform` by shape; of the processor's time, the share that the matrix "
        "products alone would take; memory beyond the images and the features.",
        "",
        "| image | µs an image (processor) | share of the products | memory, MB |",
        "|---|--:|--:|--:|",
    ]
    for row in results["shapes"]:
        lines.append(
            f"| {' × '.join(map(str, row['shape']))} | {row['microseconds']:.0f} "
            f"({row['processor_microseconds']:.0f}) | {row['share_of_products']:.0%} "
            f"| {row['peak_megabytes']:.1f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-samples", type=int, default=60_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args()
    results = {
        "fashion_mnist": beside_kmeans(arguments.n_samples, arguments.repeats),
        "shapes": [by_shape(shape, arguments.repeats) for shape in SHAPES],
    }
    print(report(results))
    if arguments.publish:
        OUT.write_text(json.dumps(results, indent=1) + "\n")
        OUT.with_suffix(".md").write_text(report(results))


if __name__ == "__main__":
    main()
