"""Whole fits on the 60,000 images of Fashion-MNIST, beside scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.semi_supervised import LabelSpreading

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.datasets import fetch_fashion_mnist

from .measure import run_in_turns

N_LABELS = 100
N_REPEATS = 3


def run(quick: bool) -> dict[str, Any]:
    """Time the fits in turns, and count right labels."""
    data = fetch_fashion_mnist()
    n = 5_000 if quick else 60_000
    X = data.data[:n].astype(np.float32) / np.float32(255)
    y = data.target[:n]
    images = X.reshape(-1, 28, 28)
    part = np.full(n, -1)
    drawn = np.random.default_rng(0).choice(n, N_LABELS, replace=False)
    part[drawn] = y[drawn]
    right: dict[str, float] = {}

    def note(name: str, labels: Any) -> None:
        right[name] = float(np.mean(labels == y))

    def propagate(name: str, samples: Any, **params: Any) -> None:
        propagator = KMeansLabelPropagator(N_LABELS, random_state=0, **params)
        note(name, propagator.fit(samples, y).transduction_)

    def spread_labels() -> None:
        E = PCA(50, random_state=0).fit_transform(X)
        note("LabelSpreading", LabelSpreading(kernel="knn").fit(E, part).transduction_)

    functions = {
        "KMeans": lambda: KMeans(N_LABELS, n_init=1, random_state=0).fit(X),
        "LabelSpreading": spread_labels,
        "cluster rule": lambda: propagate("cluster rule", X, propagation="cluster"),
        "graph rule": lambda: propagate("graph rule", X),
        "graph rule, images": lambda: propagate("graph rule, images", images),
    }
    figures = run_in_turns(functions, 1 if quick else N_REPEATS)
    for name, share in right.items():
        figures[name]["right"] = share
    return {"n_samples": n, "figures": figures}


def to_markdown(found: dict[str, Any]) -> str:
    """Write the table."""
    figures = found["figures"]
    kmeans, spreading = (
        figures[name]["median"] for name in ("KMeans", "LabelSpreading")
    )
    lines = [
        f"## Fits of {found['n_samples']:,} × 784 pixels, {N_LABELS} labels",
        "",
        "`KMeans(100, n_init=1)` on pixels; `LabelSpreading(kernel='knn')` in 50 "
        "principal components, random labels; this library at its defaults, pixels as "
        "rows of 784 numbers or as images.",
        "",
        "| | seconds | × KMeans | × LabelSpreading | peak, MB | right labels, % |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for name, row in figures.items():
        share = f"{100 * row['right']:.1f}" if "right" in row else ""
        lines.append(
            f"| {name} | {row['median']:.1f} | {row['median'] / kmeans:.2f} | "
            f"{row['median'] / spreading:.2f} | {row['peak_mb']:,.0f} | {share} |"
        )
    return "\n".join(lines) + "\n"
