"""Run each cell in a process of its own, and keep its result in a file of its own.

The process is forked from one that has all modules and the data set loaded, so that
time and memory are those of the method alone, and a cell that runs out of memory or
time takes nothing else with it. POSIX only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

from .context import Budget, Context
from .data import Problem
from .files import DamagedFileError, write_atomically
from .harness import Method, Setting
from .measure import Clock, Shared

#: What the classifiers on top need.
MODULES = {"dense": ("examples.fashion_mnist.network",)}


@dataclass(frozen=True, order=True)
class Cell:
    """One figure to compute."""

    dataset: str
    seed: int
    budget: Budget
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


def run_cell(
    cell: Cell, method: Method, problem: Problem, shared: Shared
) -> dict[str, Any]:
    """Run a method and score it; a failure is a result, too."""
    context = Context(problem, cell.budget, cell.seed, cell.classifier, shared)
    clock = Clock()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = method.run(context)
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


def load_modules(setting: Setting, cells: Iterable[Cell]) -> None:
    """Import what the cells will need, so that no method is charged for it."""
    cells = list(cells)
    modules = {
        module
        for cell in cells
        for module in setting.methods[cell.method].modules
        + MODULES.get(cell.classifier, ())
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in sorted(modules):
            with contextlib.suppress(ImportError):  # the cell says that it is missing
                importlib.import_module(module)


# ---------------------------------------------------------------- all cells


def _start(
    setting: Setting, cell: Cell, problem: Problem, folder: Path, shared: Shared
) -> int:
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
        result = run_cell(cell, setting.methods[cell.method], problem, shared)
        write_cell(folder, cell, result)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        # Nothing of the parent's is to be cleaned up here.
        sys.stderr.flush()
        os._exit(status)


class _Running:
    """The cells under way, each with its process."""

    def __init__(
        self, setting: Setting, folder: Path, shared: Path, timeout: float
    ) -> None:
        self.setting = setting
        self.folder = folder
        self.shared = shared
        self.timeout = timeout
        self.cells: dict[int, tuple[Cell, float]] = {}
        self.finished: list[Cell] = []

    def start(self, cell: Cell, problem: Problem) -> None:
        process = _start(self.setting, cell, problem, self.folder, Shared(self.shared))
        self.cells[process] = (cell, time.monotonic())

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


def run(
    setting: Setting,
    cells: Iterable[Cell],
    folder: Path,
    shared: Path,
    n_jobs: int,
    timeout: float,
) -> None:
    """Run the cells, `n_jobs` at a time, and tell how it goes.

    Parameters
    ----------
    setting : Setting
        What the cells are of.
    cells : iterable of Cell
        The cells.
    folder : Path
        Where their results go.
    shared : Path
        Where results are that methods, also of other settings, share.
    n_jobs : int
        How many cells run at a time.
    timeout : float
        Seconds that a cell may take.
    """
    # One data set and split at a time is in memory.
    cells = sorted(cells)
    load_modules(setting, cells)
    running = _Running(setting, folder, shared, timeout)
    started, n_told = time.monotonic(), 0
    problem = None
    try:
        for cell in cells:
            running.wait_until_at_most(n_jobs - 1)
            if problem is None or (problem.name, problem.seed) != (
                cell.dataset,
                cell.seed,
            ):
                problem = setting.split(cell.dataset, cell.seed)
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
            f"{result.get('accuracy', nan):.3f} {result['seconds']:6.1f} s"
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
