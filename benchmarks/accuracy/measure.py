"""What a computation costs, and results that several methods share.

A method is charged for everything it needs as if it ran alone: what it takes from the
cache comes with the cost of having made it.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import joblib


@dataclass
class Cost:
    """Wall time and processor time in seconds, peak of extra memory in MiB."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0

    def add(self, other: Cost) -> None:
        """Add what comes after it: times add up, of the peaks the higher counts."""
        self.seconds += other.seconds
        self.cpu_seconds += other.cpu_seconds
        self.peak_mib = max(self.peak_mib, other.peak_mib)

    def as_dict(self) -> dict[str, float]:
        """Return the three figures by name."""
        return asdict(self)


class Clock:
    """Measures this process from now on.

    The peak is that of the resident memory, beyond what is resident now. A process
    that has just been forked starts with a peak of its own; one that has had a higher
    peak before measures too little.
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._cpu = _cpu_seconds()
        self._resident = _peak_mib()

    def read(self) -> Cost:
        """Return the cost up to now."""
        return Cost(
            time.perf_counter() - self._start,
            _cpu_seconds() - self._cpu,
            _peak_mib() - self._resident,
        )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # KiB on Linux


class Shared:
    """A folder of results that are computed once, with what each has cost.

    Parameters
    ----------
    folder : Path
        Where the results are kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: dict[str, Cost] = {}  # made by other processes
        self._made: dict[str, Cost] = {}  # made by this one, so on its own clock

    def cost(self) -> Cost:
        """Sum up what the results taken from the folder have cost, each once."""
        total = Cost()
        for name, cost in self._loaded.items():
            if name not in self._made:
                total.add(cost)
        return total

    def get(self, name: str, compute: Callable[[Shared], Any]) -> Any:
        """Return the result of this name, computed if it is not there.

        `compute` is given a Shared of its own, to take from it what it needs itself.
        """
        path = self.folder / f"{name}.joblib"
        if path.exists():
            stored = joblib.load(path, mmap_mode="r")
            for part, cost in stored["costs"].items():
                self._loaded[part] = Cost(**cost)
            return stored["value"]
        clock = Clock()
        inner = Shared(self.folder)
        value = compute(inner)
        cost = clock.read()
        for made in inner._made.values():
            cost.seconds -= made.seconds
            cost.cpu_seconds -= made.cpu_seconds
        self._made.update(inner._made)
        self._made[name] = cost
        self._loaded.update(inner._loaded)
        costs = inner._loaded | inner._made | {name: cost}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}-{os.getpid()}")
        stored = {
            "costs": {part: cost.as_dict() for part, cost in costs.items()},
            "value": value,
        }
        joblib.dump(stored, partial)
        partial.replace(path)
        return value
