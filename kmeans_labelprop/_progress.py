"""Tell what a long fit is doing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stage(name: str, verbose: int) -> Iterator[None]:
    """Say on stderr when a stage begins, and how many seconds it took.

    Parameters
    ----------
    name : str
        What is done.
    verbose : int
        Nothing is said if 0.
    """
    start = time.perf_counter()
    if verbose:
        print(f"[kmeans_labelprop] {name} ...", file=sys.stderr, flush=True)
    yield
    if verbose:
        elapsed = time.perf_counter() - start
        print(f"[kmeans_labelprop] {name}: {elapsed:.1f} s", file=sys.stderr)
