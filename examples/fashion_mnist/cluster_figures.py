"""The figures of the clusters, drawn by the library's displays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kmeans_labelprop.inspection import (
    ClusterCompositionDisplay,
    ElbowDisplay,
)

from . import clusters
from .cluster_curve import list_ends, read_curve
from .figures import GREY, save


def plot_curve(part: dict[str, Any], path: Path) -> None:
    """Draw inertia and silhouette against the number of clusters, for each end."""
    ends = list_ends(part)
    figure = Figure(figsize=(5.4 * len(ends), 7.6), layout="constrained")
    grid = figure.subplots(2, len(ends), squeeze=False)
    for column, end in zip(grid.T, ends, strict=True):
        curve = read_curve(part, end)
        ElbowDisplay(curve).plot(column[0])
        ElbowDisplay(curve, "silhouette").plot(column[1])
        column[0].set_title(f"2 … {end} clusters")
        for axes in column:
            _mark_reported(axes)
    title = (
        f"k-means on {part['settings']['n_components']} principal components of "
        f"{part['settings']['n_train']:,} images"
    )
    figure.suptitle(title)
    save(figure, path)


def _mark_reported(axes: Axes) -> None:
    reported = clusters.REPORT_SUGGESTED
    axes.axvline(
        reported, color=GREY, linestyle=":", label=f"the report: {reported} clusters"
    )
    axes.legend(fontsize=8)


def _find_cell(part: dict[str, Any], kind: str, n_clusters: int) -> dict[str, Any]:
    """Find the clustering of pixels to show: that of the first seed."""
    return next(
        cell
        for cell in part["cells"]
        if (cell["kind"], cell["space"], cell["n_clusters"])
        == (kind, clusters.PIXELS, n_clusters)
    )


def _plot_histograms(
    cell: dict[str, Any], names: Sequence[str], axes: Axes | None, sort: bool
) -> ClusterCompositionDisplay:
    display = ClusterCompositionDisplay(np.array(cell["counts"]), np.arange(len(names)))
    return display.plot(ax=axes, sort=sort, display_labels=names)


def plot_composition(
    part: dict[str, Any], n_clusters: int, names: Sequence[str], path: Path
) -> None:
    """Draw the categories of the test images in each cluster of pixels."""
    cell = _find_cell(part, clusters.KMEANS, n_clusters)
    figure = Figure(figsize=(8.0, 0.7 * n_clusters + 2.2), layout="constrained")
    _plot_histograms(cell, names, figure.subplots(), True)
    figure.suptitle(
        f"{n_clusters} clusters of pixels, seed {cell['seed']}: "
        f"test images, purity {100 * cell['purity']:.1f} %"
    )
    save(figure, path)


def plot_reclustered(part: dict[str, Any], names: Sequence[str], path: Path) -> None:
    """Draw the clusters before and after each was clustered again, side by side."""
    n_clusters = clusters.REPORT_RECLUSTERED
    before = _find_cell(part, clusters.KMEANS, n_clusters)
    after = _find_cell(part, clusters.EACH_AGAIN, n_clusters)
    figure = Figure(figsize=(11.0, 7.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    _plot_histograms(before, names, left, False)
    _plot_histograms(after, names, right, False)
    right.set_yticks(right.get_yticks(), name_subclusters(after["parents"]))
    right.set_ylabel("")  # as on the left
    for axes, cell, text in ((left, before, "before"), (right, after, "after")):
        axes.set_title(f"{text}: purity {100 * cell['purity']:.1f} %", pad=28)
    figure.suptitle(
        f"{n_clusters} clusters of pixels, each clustered again into "
        f"{clusters.N_SUBCLUSTERS}: test images, seed {before['seed']}"
    )
    save(figure, path)


def name_subclusters(parents: Sequence[int]) -> list[str]:
    """Name subclusters by their parent and a letter: 0a, 0b, 1a, …"""
    seen: dict[int, int] = {}
    names = []
    for parent in parents:
        number = seen.setdefault(parent, 0)
        seen[parent] += 1
        names.append(f"{parent}{chr(ord('a') + number)}")
    return names
