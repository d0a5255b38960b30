"""Run each cell in a process of its own, and keep its result in a file of its own.

The process is forked from one that has all modules and the data set loaded, so that
time and memory are those of the method alone, and a cell that runs out of memory or
time takes nothing else with it. POSIX only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.fashion_mnist.store import DamagedFileError, write_atomically

from .context import Context
from .data import Problem, split
from .measure import Clock, Shared
from .methods import METHODS


@dataclass(frozen=True, order=True)
class Cell:
    """One figure to compute."""

    dataset: str
    seed: int
    budget: int
    classifier: str
    method: str

    def path(self, folder: Path) -> Path:
        """Return the file of the cell's result."""
        return (
            folder
            / "cells"
            / self.dataset
            / self.classifier
            / self.method
            / f"{self.budget}-{self.seed}.json"
        )


def read_cell(path: Path) -> dict[str, Any]:
    """Read a finished cell.

    Raises
    ------
    DamagedFileError
        If the file is not what a finished cell leaves.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if result["status"] not in {"done", "failed"}:
            raise ValueError(f"unknown status {result['status']!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{path} does not hold a finished cell; delete it to compute it again."
        ) from error
    return result


def write_cell(folder: Path, cell: Cell, result: dict[str, Any]) -> None:
    """Write a finished cell, in full or not at all."""
    text = json.dumps({**vars(cell), **result}, sort_keys=True)
    write_atomically(cell.path(folder), text + "\n")


def open_cells(
    cells: Iterable[Cell], folder: Path, retry_failed: bool = False
) -> list[Cell]:
    """List the cells that have no result yet, or a failed one to try again."""
    missing = []
    for cell in cells:
        path = cell.path(folder)
        if not path.exists() or (
            retry_failed and read_cell(path)["status"] == "failed"
        ):
            missing.append(cell)
    return missing


# ---------------------------------------------------------------- one cell


def run_cell(cell: Cell, problem: Problem, folder: Path) -> dict[str, Any]:
    """Run a method and score it; a failure is a result, too."""
    shared = Shared(folder / "shared")
    context = Context(problem, cell.budget, cell.seed, cell.classifier, shared)
    clock = Clock()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = METHODS[cell.method].run(context)
            cost = clock.read()
            cost.add(shared.cost())
            result = {"status": "done", **context.score(outcome), **cost.as_dict()}
        except Exception as error:  # any: the table must show it
            result = {
                "status": "failed",
                "message": f"{type(error).__name__}: {error}".splitlines()[0],
                "traceback": traceback.format_exc(),
                **clock.read().as_dict(),
            }
    messages = {
        f"{each.category.__name__}: {each.message}".splitlines()[0][:200]
        for each in caught
        if not issubclass(each.category, (DeprecationWarning, FutureWarning))
    }
    if messages:
        result["warnings"] = sorted(messages)
    return result


def load_modules(cells: Iterable[Cell]) -> None:
    """Import what the cells will need, so that no method is charged for it."""
    cells = list(cells)
    methods = {cell.method for cell in cells}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "dense" in {cell.classifier for cell in cells}:
            import examples.fashion_mnist.network  # noqa: F401
        if methods & {"typiclust", "probcover"}:
            with contextlib.suppress(ImportError):  # the cell says that it is missing
                import skactiveml.pool  # noqa: F401
        if any(method.startswith("poisson") for method in methods):
            with contextlib.suppress(ImportError):
                import graphlearning  # noqa: F401


# ---------------------------------------------------------------- all cells


def _start(cell: Cell, problem: Problem, folder: Path) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads beside; TensorFlow's and pytest's are idle.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        return process
    status = 1
    try:
        write_cell(folder, cell, run_cell(cell, problem, folder))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing of the parent's is to be cleaned up here.
        sys.stderr.flush()
        os._exit(status)


class _Running:
    """The cells under way, each with its process."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self.folder = folder
        self.timeout = timeout
        self.cells: dict[int, tuple[Cell, float]] = {}
        self.finished: list[Cell] = []

    def start(self, cell: Cell, problem: Problem) -> None:
        self.cells[_start(cell, problem, self.folder)] = (cell, time.monotonic())

    def wait_until_at_most(self, n_running: int) -> None:
        while len(self.cells) > n_running:
            self._look()
            if len(self.cells) > n_running:
                time.sleep(0.01)

    def _look(self) -> None:
        for process, (cell, started) in list(self.cells.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            message = ""
            if not ended and time.monotonic() - started > self.timeout:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                message = f"not finished after {self.timeout:g} s"
            elif not ended:
                continue
            elif status:
                code = os.waitstatus_to_exitcode(status)
                message = f"its process ended with {code} (-9: killed, out of memory?)"
            if message:
                failed = {"status": "failed", "message": message}
                write_cell(self.folder, cell, failed)
            del self.cells[process]
            self.finished.append(cell)

    def stop(self) -> None:
        for process in self.cells:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        self.cells.clear()


def run(cells: Iterable[Cell], folder: Path, n_jobs: int, timeout: float) -> None:
    """Run the cells, `n_jobs` at a time, and tell how it goes."""
    # One data set and split at a time is in memory.
    cells = sorted(cells)
    load_modules(cells)
    running = _Running(folder, timeout)
    started, n_told = time.monotonic(), 0
    problem = None
    try:
        for cell in cells:
            running.wait_until_at_most(n_jobs - 1)
            if problem is None or (problem.name, problem.seed) != (
                cell.dataset,
                cell.seed,
            ):
                problem = split(cell.dataset, cell.seed)
            running.start(cell, problem)
            n_told = _tell(running.finished, n_told, len(cells), started, folder)
        running.wait_until_at_most(0)
        _tell(running.finished, n_told, len(cells), started, folder)
    finally:
        running.stop()


def _tell(
    finished: list[Cell], n_told: int, n_cells: int, started: float, folder: Path
) -> int:
    for number, cell in enumerate(finished[n_told:], n_told + 1):
        result = read_cell(cell.path(folder))
        elapsed = time.monotonic() - started
        left = elapsed / number * (n_cells - number)
        figure = (
            f"{result['accuracy']:.3f} {result['seconds']:6.1f} s"
            if result["status"] == "done"
            else f"FAILED {result['message']}"
        )
        print(
            f"[{number}/{n_cells}, {elapsed / 60:.1f} min, {left / 60:.0f} left] "
            f"{cell.dataset} {cell.budget} seed {cell.seed} {cell.classifier} "
            f"{cell.method}: {figure}",
            flush=True,
        )
    return len(finished)
