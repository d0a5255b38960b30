"""Time and memory of the propagator past memory, on made samples.

    python benchmarks/large.py                              # small, some seconds
    python benchmarks/large.py --rows 5000000               # streaming, from a file

``examples/dask_ten_million.py`` tells the same of Dask. The samples are a mixture: each
of 10 classes has 8 parts, whose middles are drawn from a normal distribution with
deviation 1, and which have deviation 2.5 themselves. The memory is the peak of the
process beyond what it had after all imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from kmeans_labelprop.streaming import KMeansLabelPropagator

N_FEATURES, N_CLASSES, N_PARTS = 64, 10, 8
BLOCK = 50_000


def make_block(seed, n_rows):
    """Make rows of the mixture, and their classes."""
    middles = np.random.default_rng(0).normal(size=(N_CLASSES * N_PARTS, N_FEATURES))
    rng = np.random.default_rng([1, seed])
    part = rng.integers(0, len(middles), n_rows)
    noise = rng.normal(size=(n_rows, N_FEATURES)).astype(np.float32)
    X = middles[part].astype(np.float32) + 2.5 * noise
    return X, (part % N_CLASSES).astype(np.int8)


def write_samples(folder, n_rows):
    """Write X.npy and y.npy block by block."""
    X = np.lib.format.open_memmap(
        folder / "X.npy", "w+", np.float32, (n_rows, N_FEATURES)
    )
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.int8, (n_rows,))
    for start in range(0, n_rows, BLOCK):
        n = min(BLOCK, n_rows - start)
        X[start : start + n], y[start : start + n] = make_block(start // BLOCK, n)


def now_resident():
    """Return the resident memory, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def forget_peak():
    """Start a new peak: of what was needed to make the samples nothing counts."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_now():
    """Return the peak since then, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def stream(n_rows, rule, data, **parameters):
    """Propagate from the files, and measure."""
    X, y = (np.load(data / f"{name}.npy", mmap_mode="r") for name in "Xy")
    before = now_resident()
    forget_peak()
    start, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory(dir=data) as folder:
        propagator = KMeansLabelPropagator(
            100, fraction=0.7, oracle="y", propagation=rule, folder=folder, **parameters
        ).fit(X, y)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        used = peak_now() - before
        n_right = n_kept = n_kept_right = 0
        for first in range(0, n_rows, 2**18):
            rows = slice(first, first + 2**18)
            is_right = propagator.transduction_[rows] == y[rows]
            kept = propagator.kept_[rows]
            n_right += int(is_right.sum())
            n_kept += int(kept.sum())
            n_kept_right += int((is_right & kept).sum())
    return {
        "rule": rule,
        "rows": n_rows,
        "features": N_FEATURES,
        "seconds": round(seconds, 1),
        "of CPU": round(cpu, 1),
        "MB beyond the interpreter": round(used),
        "labels": propagator.n_queries_,
        "right": round(n_right / n_rows, 4),
        "kept": round(n_kept / n_rows, 4),
        "right of kept": round(n_kept_right / n_kept, 4),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rule", choices=["cluster", "graph"], nargs="*")
    parser.add_argument("--data", type=Path, help="where the samples are kept")
    parser.add_argument("--verbose", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as temporary:
        data = options.data or Path(temporary)
        data.mkdir(parents=True, exist_ok=True)
        y = data / "y.npy"
        if not y.exists() or len(np.load(y, mmap_mode="r")) != options.rows:
            write_samples(data, options.rows)
        for rule in options.rule or ["cluster", "graph"]:
            found = stream(
                options.rows, rule, data, random_state=0, verbose=options.verbose
            )
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
