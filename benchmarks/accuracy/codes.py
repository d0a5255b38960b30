"""Codes for missing values that nobody took out: -999 in some cells of a table.

    python -m benchmarks.accuracy.codes

Share of right labels, spread from 30 labels by the defaults: in the space of
``default_embedding``, in standard scores, in ranks, and in the numbers as they are.
Writes results/codes.json and .md.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris, load_wine, make_blobs
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import describe

from .mixed_tables import RESULTS

SHARES = (0, 0.01, 0.03, 0.05, 0.08)
SEEDS = range(8)
CODE = -999
SPACES: dict[str, Any] = {
    "default": "auto",
    "standard scores": StandardScaler(),
    "ranks": QuantileTransformer(n_quantiles=50),
    "as they are": None,
}


def load() -> dict[str, tuple[Any, Any]]:
    return {
        "made": make_blobs(900, 6, centers=3, cluster_std=2.5, random_state=0),
        **{
            name: read(return_X_y=True)
            for name, read in (
                ("iris", load_iris),
                ("wine", load_wine),
                ("breast_cancer", load_breast_cancer),
            )
        },
    }


def measure(X: Any, y: Any, share: float, seed: int) -> tuple[dict[str, float], str]:
    is_code = np.random.default_rng(seed).random(X.shape) < share
    coded = np.where(is_code, CODE, X)
    found = {}
    for name, embedding in SPACES.items():
        propagator = KMeansLabelPropagator(
            30, embedding=embedding, oracle="y", random_state=seed
        ).fit(coded, y)
        found[name] = float(100 * np.mean(propagator.transduction_ == y))
        if name == "default":
            chosen = describe(propagator.embedding_)
    return found, chosen


def main() -> None:
    warnings.simplefilter("ignore")
    lines = [
        "# Codes for missing values",
        "",
        "    python -m benchmarks.accuracy.codes",
        "",
        f"Right labels in %, mean ± standard deviation of {len(SEEDS)} seeds, 30 "
        f"labels; {CODE} stands in a share of all cells, at random.",
        "",
        "| table | share | " + " | ".join(SPACES) + " | the default was |",
        "|---|--:|" + "--:|" * len(SPACES) + "---|",
    ]
    results: dict[str, Any] = {}
    for name, (X, y) in load().items():
        for share in SHARES:
            by_seed = [measure(X, y, share, seed) for seed in SEEDS]
            cells = {space: [found[space] for found, _ in by_seed] for space in SPACES}
            results[f"{name}, {share}"] = cells
            shown = [
                f"{np.mean(of):.1f} ± {np.std(of, ddof=1):.1f}" for of in cells.values()
            ]
            chosen = "; ".join(sorted({chosen for _, chosen in by_seed}))
            lines.append(
                f"| {name} | {100 * share:g} % | {' | '.join(shown)} | {chosen} |"
            )
            print(lines[-1], flush=True)
    (RESULTS / "codes.json").write_text(json.dumps(results, indent=1) + "\n")
    (RESULTS / "codes.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
