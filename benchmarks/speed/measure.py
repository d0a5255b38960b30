"""Seconds and peak memory of functions, side by side: in turns, and their medians."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

_PAGE = 4096


def resident_memory() -> int:
    """Give the memory of this process in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


class PeakMemory:
    """Watches the resident memory from a thread, which sees native code's, too."""

    def __enter__(self) -> PeakMemory:
        self._stop = threading.Event()
        self._start = self.peak = resident_memory()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.01):
            self.peak = max(self.peak, resident_memory())

    def __exit__(self, *error: Any) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def extra(self) -> int:
        """Bytes at the peak beyond those at the start."""
        return self.peak - self._start


def run_in_turns(
    functions: Mapping[str, Callable[[], Any]], n_repeats: int
) -> dict[str, dict[str, Any]]:
    """Time functions one after the other, over and over: all have the same luck.

    Parameters
    ----------
    functions : dict of str to callable
        Called without arguments.
    n_repeats : int
        How often each is called.

    Returns
    -------
    figures : dict of str to dict
        ``seconds`` of all calls, their ``median``, and ``peak_mb`` of the first call.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    peaks: dict[str, float] = {}
    for repeat in range(n_repeats):
        for name, function in functions.items():
            with PeakMemory() as memory:
                start = time.perf_counter()
                function()
                seconds[name].append(time.perf_counter() - start)
            peaks.setdefault(name, memory.extra / 1e6)
            print(f"  {name}, {repeat + 1}: {seconds[name][-1]:.2f} s", flush=True)
    return {
        name: {"seconds": times, "median": median(times), "peak_mb": peaks[name]}
        for name, times in seconds.items()
    }


def fitted_exponent(sizes: list[int], seconds: list[float]) -> float:
    """Fit p in ``seconds ~ size ** p`` by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
