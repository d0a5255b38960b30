"""What all stages measure with: interleaved runs, medians, peak memory, exponents."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import sklearn


def machine():
    """Say what the figures were measured with."""
    return {
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }


def clock(function):
    """Run a function; return its result, the seconds, and those of all processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def interleave(functions, n_repeats):
    """Run functions in turns; return the median seconds of each, by name.

    The seconds of all processors together say more where others use the machine, too.
    """
    seconds = {name: ([], []) for name in functions}
    for _ in range(n_repeats):
        for name, function in functions.items():
            for kept, value in zip(seconds[name], clock(function)[1:], strict=True):
                kept.append(value)
    return {
        name: {"wall": statistics.median(wall), "cpu": statistics.median(cpu)}
        for name, (wall, cpu) in seconds.items()
    }


def peak_of(module, *arguments):
    """Run ``module`` with arguments in a process of its own; return what it prints.

    Only so the peak of its memory (`peak_gigabytes`) is that of the stage.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def peak_gigabytes():
    """Give the largest resident memory of this process so far."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def gigabytes_beyond(function):
    """Run a function; give the peak of memory beyond what was there before (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = _status("VmRSS")
    function()
    return _status("VmHWM") - before


def _status(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) / 2**20
    raise LookupError(field)


def exponent(sizes, seconds):
    """Fit the power of a size that seconds grow with."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def table(head, rows):
    """Make a table of Markdown."""
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
