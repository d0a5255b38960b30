"""Tell the user what a long fit is doing, and what deserves a second look."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

_PACKAGE = str(Path(__file__).parent)
_SECONDS_BETWEEN = 5


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


@contextmanager
def noting(note: str) -> Iterator[None]:
    """Add to an error of other code what it is about, in the user's terms.

    Parameters
    ----------
    note : str
        Is shown below the error.
    """
    try:
        yield
    except Exception as error:
        error.add_note(note)
        raise


class Progress:
    """Say on stderr how far a stage of many steps is, and how long it may still take.

    Parameters
    ----------
    name : str
        What is done.
    n_steps : int
        Number of steps; the object is called after each.
    verbose : int
        Nothing is said if 0.
    """

    def __init__(self, name: str, n_steps: int, verbose: int) -> None:
        self._stage = stage(f"{name} by {n_steps} fits", verbose)
        self._name, self._n_steps, self._verbose = name, n_steps, verbose
        self._n_done = 0
        self._start = self._told = time.perf_counter()

    def __enter__(self) -> Self:
        self._stage.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stage.__exit__(*error)

    def __call__(self) -> None:
        """Count a step."""
        self._n_done += 1
        now = time.perf_counter()
        if self._verbose and now - self._told > _SECONDS_BETWEEN:
            self._told = now
            left = (now - self._start) * (self._n_steps / self._n_done - 1)
            print(
                f"[kmeans_labelprop] {self._name}: {self._n_done} of {self._n_steps} "
                f"fits, about {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )


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
