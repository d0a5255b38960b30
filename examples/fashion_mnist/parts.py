"""The parts of the study: what each computes, and how it is reported.

A part knows how to compute its section of ``results.json``, to write it as
Markdown and to draw it. The last two need nothing but that section (and the images
for pictures of them), so that a report can be made again from the file alone.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from tqdm import tqdm

from kmeans_labelprop.datasets import fetch_fashion_mnist

from . import (
    cluster_curve,
    cluster_figures,
    cluster_report,
    clusters,
    experiment,
    figures,
    report,
)
from .store import CellStore


@dataclass(frozen=True)
class Run:
    """What a part is computed with.

    Attributes
    ----------
    settings : Settings
        What to compute.
    data_home : str or None
        Where the images are.
    work : Path
        Folder for unfinished work, kept from one run to the next.
    """

    settings: experiment.Settings
    data_home: str | None
    work: Path


class Interrupted(Exception):
    """Ctrl-C, and how far the work was."""

    def __init__(self, n_done: int, n_cells: int) -> None:
        super().__init__(f"{n_done} of {n_cells} cells are finished")


class Part(NamedTuple):
    """A section of the study.

    ``first_look`` makes a table within a minute, before anything else is computed;
    ``to_table`` makes the one to end with.
    """

    compute: Callable[[Run], dict[str, Any]]
    to_markdown: Callable[[dict[str, Any]], str]
    draw: Callable[[dict[str, Any], Path, str | None], list[Path]]
    first_look: Callable[[Run], str] | None = None
    to_table: Callable[[dict[str, Any]], str] | None = None


class TimeLeft:
    """Estimates how long the rest takes, from finished cells of the same kinds.

    Cells differ a hundredfold in length: the time of a mean cell would mislead.

    Parameters
    ----------
    kinds : list of str
        The kind of each cell, in the order of their computation.
    """

    def __init__(self, kinds: Sequence[str]) -> None:
        self._waiting = list(kinds)
        self._spent: dict[str, list[float]] = {}

    def finish(self, seconds: float) -> None:
        """Note how long the next cell took."""
        self._spent.setdefault(self._waiting.pop(0), []).append(seconds)

    def describe(self) -> str:
        """Say how long the waiting cells take; nothing before the first is done."""
        if not self._spent or not self._waiting:
            return ""
        means = {kind: fmean(seconds) for kind, seconds in self._spent.items()}
        typical = fmean(means.values())
        left = sum(means.get(kind, typical) for kind in self._waiting)
        if left < 90:
            return f", about {max(1, round(left))} s left"
        return f", about {round(left / 60)} min left"


def _run_with_bar(
    run_cells: Callable[[Callable[[str], None]], Iterator[Any]],
    kinds: Sequence[str],
    n_cells: int,
) -> None:
    """Show how far the cells are; ``run_cells`` takes what shows a cell's name.

    ``kinds`` are those of the cells that are missing.
    """
    n_done, left = n_cells - len(kinds), TimeLeft(kinds)
    bar = tqdm(
        total=n_cells,
        initial=n_done,
        unit="cell",
        bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]",
    )
    start = time.perf_counter()
    with bar:
        try:
            for _ in run_cells(
                lambda name: bar.set_postfix_str(name + left.describe())
            ):
                left.finish(time.perf_counter() - start)
                start = time.perf_counter()
                bar.update()
                n_done += 1
            bar.set_postfix_str("")
        except KeyboardInterrupt as error:
            raise Interrupted(n_done, n_cells) from error


def compute_clusters(run: Run) -> dict[str, Any]:
    """Compute the clusterings that are missing, and collect them all."""
    settings = run.settings
    store = CellStore(run.work / "cells")
    cells = clusters.list_cells(settings)
    kinds = [
        f"{cell.kind} of {cell.space}"
        for cell in cells
        if store.get(clusters.cell_key(cell, settings)) is None
    ]

    def run_cells(show: Callable[[str], None]) -> Iterator[Any]:
        return clusters.run_missing_cells(
            cells,
            settings,
            store,
            run.data_home,
            on_start=lambda cell: show(clusters.describe(cell)),
        )

    _run_with_bar(run_cells, kinds, len(cells))
    section = clusters.collect(cells, settings, store)
    return {
        **section,
        "suggestions": cluster_curve.suggest(section),
        "summary": cluster_report.summarise(section["cells"]),
    }


def draw_clusters(part: dict[str, Any], out: Path, data_home: str | None) -> list[Path]:
    """Draw the curve and the histograms; return their files."""
    names = fetch_fashion_mnist(data_home).target_names
    paths = [out / cluster_report.CURVE_FIGURE]
    cluster_figures.plot_curve(part, paths[0])
    for n_clusters in clusters.REPORT_COUNTS:
        paths.append(out / cluster_report.composition_figure(n_clusters))
        cluster_figures.plot_composition(part, n_clusters, names, paths[-1])
    paths.append(out / cluster_report.RECLUSTERED_FIGURE)
    cluster_figures.plot_reclustered(part, names, paths[-1])
    return paths


def first_look(run: Run) -> str:
    """Compute what tells most in a minute: three rows of the table, for one seed."""
    cells = [
        cell
        for cell in experiment.list_cells(run.settings)
        if cell.seed == 0 and cell.strategy.kind in experiment.FIRST_LOOK
    ]
    table = report.labels_table(
        {"summary": report.summarise(_compute_cells(run, cells))}
    )
    return f"One seed, {run.settings.n_train:,} training images:\n\n{table}\n"


def _compute_cells(run: Run, cells: list[experiment.Cell]) -> list[dict[str, Any]]:
    """Compute the cells that are missing, and collect them all."""
    settings = run.settings
    store = CellStore(run.work / "cells")
    kinds = [
        cell.strategy.kind
        for cell in cells
        if store.get(experiment.cell_key(cell, settings)) is None
    ]

    def run_cells(show: Callable[[str], None]) -> Iterator[Any]:
        return experiment.run_missing_cells(
            cells,
            settings,
            store,
            run.data_home,
            cache=run.work / "clusterings",
            on_start=lambda cell: show(_describe(cell)),
        )

    _run_with_bar(run_cells, kinds, len(cells))
    return experiment.collect(cells, settings, store)


def compute_labels(run: Run) -> dict[str, Any]:
    """Compute the part of the strategies."""
    from .network import SETTINGS

    settings = run.settings
    records = _compute_cells(run, experiment.list_cells(settings))
    return {
        "settings": settings.to_dict(),
        "network": SETTINGS,
        "versions": {"python": platform.python_version(), **experiment.versions()},
        "target_names": fetch_fashion_mnist(run.data_home).target_names,
        "summary": report.summarise(records),
        "cells": records,
    }


def _describe(cell: experiment.Cell) -> str:
    kind, fraction = cell.strategy
    if fraction:
        kind = f"{kind} {100 * fraction:g} %"
    return f"{kind}, seed {cell.seed}"


def draw_labels(part: dict[str, Any], out: Path, data_home: str | None) -> list[Path]:
    """Draw the figures of the strategies; return their files."""
    images = fetch_fashion_mnist(data_home)
    names = images.target_names
    first = next(
        record for record in part["cells"] if record["kind"] == "representatives"
    )
    chosen = first["representatives"]
    paths = [
        out / name
        for name in ("fraction_curve.png", "representatives.png", "confusion.png")
    ]
    figures.plot_fraction_curve(part, paths[0])
    figures.plot_representatives(
        images.images[chosen["rows"]],
        [names[label] for label in chosen["labels"]],
        f"The {len(chosen['rows'])} representatives of seed {first['seed']} "
        "and their labels",
        paths[1],
    )
    figures.plot_confusion(part, names, paths[2])
    return paths


#: By the names of ``--parts``, in the order of the report.
PARTS = {
    "clusters": Part(compute_clusters, cluster_report.clusters_markdown, draw_clusters),
    "labels": Part(
        compute_labels,
        report.labels_markdown,
        draw_labels,
        first_look,
        report.labels_table,
    ),
}
