"""Tell the user what a long fit is doing, and what deserves a second look."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


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


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and name the line outside of this package that called into it.

    Parameters
    ----------
    message : str
        The text of the warning.
    category : type of Warning, default=UserWarning
        Its class.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
