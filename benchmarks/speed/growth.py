"""How fits grow with samples, clusters, features and classes, on made data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmeans_labelprop import KMeansLabelPropagator

from .measure import PeakMemory, fitted_exponent

#: Sizes of each series; all but one size are those of the base.
BASE = {"n_samples": 50_000, "n_clusters": 100, "n_features": 32, "n_classes": 10}
SERIES: dict[str, list[int]] = {
    "n_samples": [10_000, 30_000, 100_000, 300_000, 1_000_000],
    "n_clusters": [10, 100, 1_000],
    "n_features": [10, 100, 1_000],
    "n_classes": [2, 30, 1_000],
}
QUICK: dict[str, list[int]] = {"n_samples": [2_000, 4_000, 8_000]}
RULES = ("cluster", "graph")


def make_data(
    n_samples: int, n_clusters: int, n_features: int, n_classes: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw Gaussian groups that overlap at their edges, several to a class."""
    rng = np.random.default_rng(0)
    n_groups = max(100, n_classes)
    centers = rng.normal(size=(n_groups, n_features)).astype(np.float32)
    group = rng.integers(n_groups, size=n_samples)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    X *= np.float32(0.7)
    X += centers[group]
    return X, group % n_classes


def run(quick: bool) -> dict[str, Any]:
    """Time a fit of each size by each rule."""
    base = BASE | {"n_samples": 2_000} if quick else BASE
    rows = []
    for name, sizes in (QUICK if quick else SERIES).items():
        for size in sizes:
            shape = base | {name: size}
            # Each class needs a cluster to be asked about.
            shape["n_clusters"] = max(shape["n_clusters"], shape["n_classes"])
            X, y = make_data(**shape)
            for rule in RULES:
                propagator = KMeansLabelPropagator(
                    shape["n_clusters"], propagation=rule, random_state=0
                )
                with PeakMemory() as memory:
                    start = time.perf_counter()
                    propagator.fit(X, y)
                    seconds = time.perf_counter() - start
                rows.append(
                    {"varied": name, "rule": rule, **shape, "seconds": seconds}
                    | {"peak_mb": memory.extra / 1e6, "data_mb": X.nbytes / 1e6}
                    | {"right": float(np.mean(propagator.transduction_ == y))}
                )
                print(f"  {rule}, {name} {size:,}: {seconds:.2f} s", flush=True)
    return {"rows": rows, "base": base}


def _series(
    rows: list[dict[str, Any]], name: str, rule: str
) -> tuple[list[int], list[float]]:
    own = [row for row in rows if row["varied"] == name and row["rule"] == rule]
    return [row[name] for row in own], [row["seconds"] for row in own]


def to_markdown(found: dict[str, Any]) -> str:
    """Write the table, with an exponent for each series."""
    rows, base = found["rows"], found["base"]
    shape = ", ".join(f"{size:,} {name[2:]}" for name, size in base.items())
    lines = [
        "## Growth",
        "",
        f"Made data, float32. One size varies, the others are {shape}.",
        "",
        "| varied | rule | sizes | seconds | exponent | peak beyond the data, MB |",
        "|---|---|---|---|--:|--:|",
    ]
    for name in dict.fromkeys(row["varied"] for row in rows):
        for rule in RULES:
            sizes, seconds = _series(rows, name, rule)
            peak = max(
                row["peak_mb"]
                for row in rows
                if row["varied"] == name and row["rule"] == rule
            )
            lines.append(
                f"| {name} | {rule} | {', '.join(f'{s:,}' for s in sizes)} | "
                f"{', '.join(f'{s:.2f}' for s in seconds)} | "
                f"{fitted_exponent(sizes, seconds):.2f} | {peak:,.0f} |"
            )
    return "\n".join(lines) + "\n"


def draw(found: dict[str, Any], path: Path) -> None:
    """Draw seconds over sizes, one panel for each series."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(row["varied"] for row in found["rows"]))
    figure, axes = plt.subplots(
        1, len(names), figsize=(3 * len(names), 3), layout="constrained", squeeze=False
    )
    for axis, name in zip(axes[0], names, strict=True):
        for rule in RULES:
            sizes, seconds = _series(found["rows"], name, rule)
            axis.loglog(sizes, seconds, "o-", label=f"{rule} rule")
        axis.set_xlabel(name)
    axes[0, 0].set_ylabel("seconds")
    axes[0, 0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
