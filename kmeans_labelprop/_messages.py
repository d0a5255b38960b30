"""Tell the user what a long fit is doing, and what deserves a second look."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import joblib
import sklearn

from ._callbacks import task

# What a warning is not about: this package, and what calls its methods for it or for
# the user, such as a Pipeline or a search.
_BETWEEN = tuple(
    str(Path(file).parent) for file in (__file__, sklearn.__file__, joblib.__file__)
)
_SECONDS_BETWEEN = 5


@contextmanager
def stage(name: str, verbose: int, n_steps: int | None = None) -> Iterator[None]:
    """Say when a stage begins, and how many seconds it took: on stderr, to callbacks.

    Parameters
    ----------
    name : str
        What is done.
    verbose : int
        Nothing is said on stderr if 0.
    n_steps : int or None, default=None
        Number of tasks inside, for callbacks.
    """
    start = time.perf_counter()
    if verbose:
        print(f"[kmeans_labelprop] {name} ...", file=sys.stderr, flush=True)
    with task(name, n_steps):
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


@contextmanager
def noting_gaps() -> Iterator[None]:
    """Add to an error of missing values that there were none in fit.

    scikit-learn's text says only which of its estimators take no NaN.
    """
    try:
        yield
    except ValueError as error:
        if "contains NaN" in str(error):
            error.add_note(
                "In fit no value of X was missing. Fill in those that are missing now, "
                "or fit on samples of which some lack values, too."
            )
        raise


class Progress:
    """Say how far a stage of many steps is, and how long it may still take.

    Parameters
    ----------
    name : str
        What is done.
    n_steps : int
        Number of steps.
    verbose : int
        Nothing is said on stderr if 0.
    """

    def __init__(self, name: str, n_steps: int, verbose: int) -> None:
        self._stage = stage(f"{name} by {n_steps} fits", verbose, n_steps)
        self._name, self._n_steps, self._verbose = name, n_steps, verbose
        self._n_done = 0
        self._start = self._told = time.perf_counter()

    def __enter__(self) -> Self:
        self._stage.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._stage.__exit__(*error)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count a step.

        Parameters
        ----------
        name : str
            What is done in it, for callbacks.
        """
        with task(name, 0):
            yield
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

    It is that of the user, also where scikit-learn has called in between.

    Parameters
    ----------
    message : str
        The text of the warning.
    category : type of Warning, default=UserWarning
        Its class.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_BETWEEN):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
