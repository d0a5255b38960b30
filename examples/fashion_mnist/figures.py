"""The figures, drawn from a ``results.json`` (and the images it speaks of)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .report import PUBLISHED

# Colour-blind safe (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, GREY, PINK = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#555555",
    "#CC79A7",
)

#: Which model the confusion matrix shows.
CONFUSION_FRACTION = 0.7


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # No software version in the file: the same results give the same bytes.
    figure.savefig(path, dpi=150, metadata={"Software": None})


def _find(part: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in part["summary"] if row["kind"] == kind]


def _plot_curve(
    axes: Axes, rows: Sequence[dict[str, Any]], name: str, **style: Any
) -> None:
    """Draw the mean of a figure over the fraction, and a band of one std."""
    x = 100 * np.array([row["fraction"] for row in rows])
    mean = 100 * np.array([row[name]["mean"] for row in rows])
    std = 100 * np.array([row[name]["std"] or 0.0 for row in rows])
    axes.plot(x, mean, **style)
    axes.fill_between(
        x, mean - std, mean + std, color=style["color"], alpha=0.18, linewidth=0
    )


def _plot_level(axes: Axes, row: dict[str, Any], text: str, **style: Any) -> None:
    """Draw a strategy without fractions as a horizontal line with its band."""
    mean, std = 100 * row["accuracy"]["mean"], 100 * (row["accuracy"]["std"] or 0.0)
    axes.axhline(mean, label=f"{text}: {mean:.1f} %", linewidth=1.3, **style)
    axes.axhspan(mean - std, mean + std, color=style["color"], alpha=0.10, linewidth=0)


def plot_fraction_curve(part: dict[str, Any], path: Path) -> None:
    """Draw label and test accuracy over the fraction of each cluster."""
    (all_labels,) = _find(part, "all labels")
    (random_labels,) = _find(part, "random labels")
    (representatives,) = _find(part, "representatives")
    propagated = sorted(_find(part, "propagated"), key=lambda row: row["fraction"])
    curve = [representatives, *propagated]
    n_seeds = len(all_labels["seeds"])

    figure = Figure(figsize=(7.6, 5.4), layout="constrained")
    axes = figure.subplots()
    _plot_curve(
        axes,
        curve,
        "label_accuracy",
        color=GREEN,
        marker="s",
        markersize=4,
        label="propagated labels that are right",
    )
    _plot_curve(
        axes,
        curve,
        "accuracy",
        color=BLUE,
        marker="o",
        markersize=5,
        label="network, test accuracy",
    )
    n_labels = representatives["n_labels"]["mean"]
    _plot_level(
        axes,
        all_labels,
        f"network, all {all_labels['n_labels']['mean']:,.0f} labels",
        color=GREY,
        linestyle="--",
    )
    for row in _find(part, "default recipe"):
        _plot_level(
            axes,
            row,
            f"network, {row['n_labels']['mean']:.0f} labels by the default recipe",
            color=BLUE,
            linestyle="-",
        )
    _plot_level(
        axes,
        representatives,
        f"network, {n_labels:.0f} representatives alone",
        color=PINK,
        linestyle="-.",
    )
    _plot_level(
        axes,
        random_labels,
        f"network, {n_labels:.0f} random labels",
        color=ORANGE,
        linestyle=":",
    )
    _plot_published(axes)
    axes.set(
        xlabel="share of each cluster that keeps the propagated label, %\n"
        "(0: the representatives alone)",
        ylabel="accuracy, %",
        xlim=(-3, 109),
        xticks=range(0, 101, 10),
        title=f"{n_labels:.0f} labels, {part['settings']['n_train']:,} images, "
        + (f"mean ± std of {n_seeds} seeds" if n_seeds > 1 else "one seed"),
    )
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    save(figure, path)


def _plot_published(axes: Axes) -> None:
    """Mark the report's figures: at their fraction, or at the right edge."""
    edge = 104.0
    # With the offset of the name in points: away from the line of what was measured.
    names = {"all labels": ("all", -13), "random labels": ("random", 6)}
    x, y = [], []
    for (kind, fraction), published in PUBLISHED.items():
        if published.percent is None:
            continue
        x.append(edge if fraction is None else 100 * fraction)
        y.append(published.percent)
        if fraction is None:
            name, offset = names[kind]
            axes.annotate(
                name,
                (edge, published.percent),
                xytext=(0, offset),
                textcoords="offset points",
                ha="center",
                fontsize=7,
            )
    axes.scatter(
        x,
        y,
        marker="D",
        facecolors="white",
        edgecolors="black",
        zorder=5,
        s=34,
        label="the report that this starts from",
    )


def plot_representatives(
    images: NDArray[np.uint8], labels: Sequence[str], title: str, path: Path
) -> None:
    """Draw the representatives, each above its label, class by class.

    Parameters
    ----------
    images : ndarray of shape (n_representatives, 28, 28)
        The images.
    labels : sequence of n_representatives str
        The label that each was given.
    title : str
        Above the grid.
    path : Path
        The file to write.
    """
    order = np.argsort(np.asarray(labels), kind="stable")
    n_columns = math.ceil(math.sqrt(len(images)))
    n_rows = math.ceil(len(images) / n_columns)
    figure = Figure(
        figsize=(0.82 * n_columns, 0.98 * n_rows + 0.4), layout="constrained"
    )
    figure.suptitle(title)
    grid = np.atleast_1d(figure.subplots(n_rows, n_columns)).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, i in zip(grid, order, strict=False):
        axes.imshow(images[i], cmap="gray_r", vmin=0, vmax=255)
        axes.text(
            0.5,
            -0.03,
            labels[i],
            transform=axes.transAxes,
            ha="center",
            va="top",
            fontsize=7,
        )
    save(figure, path)


def plot_confusion(
    part: dict[str, Any], target_names: Sequence[str], path: Path
) -> None:
    """Draw the confusion matrix of the 70 % model, or the one nearest to it."""
    fraction = min(
        (row["fraction"] for row in _find(part, "propagated")),
        key=lambda fraction: abs(fraction - CONFUSION_FRACTION),
    )
    matrices = [
        record["confusion_matrix"]
        for record in part["cells"]
        if record["kind"] == "propagated" and record["fraction"] == fraction
    ]
    total = np.sum(matrices, axis=0, dtype=float)
    share = 100 * total / total.sum(axis=1, keepdims=True)

    figure = Figure(figsize=(7.0, 6.2), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    for row, column in np.ndindex(*share.shape):
        value = share[row, column]
        axes.text(
            column,
            row,
            f"{value:.0f}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if value > 55 else "black",
        )
    ticks = range(len(target_names))
    axes.set_xticks(ticks, target_names, rotation=45, ha="right")
    axes.set_yticks(ticks, target_names)
    n = len(matrices)
    axes.set(
        xlabel="predicted class",
        ylabel="true class",
        title=f"Labels spread to {100 * fraction:g} % of each cluster\n"
        f"test images, % of the true class, {n} seed{'s' if n > 1 else ''}",
    )
    figure.colorbar(picture, ax=axes, shrink=0.8, label="% of the true class")
    save(figure, path)
