"""Run tasks side by side, whatever the backend of joblib."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel


def run_parallel(tasks: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Run delayed calls, and yield what they return, in their order.

    Parameters
    ----------
    tasks : iterable of delayed call
        As :func:`sklearn.utils.parallel.delayed` makes them.
    n_jobs : int or None
        How many run at the same time.

    Yields
    ------
    result : object
        As soon as it is there; with a backend that cannot do so, once all are.
    """
    backend, _ = get_active_backend()
    is_lazy = getattr(backend, "supports_return_generator", False)
    yield from Parallel(n_jobs=n_jobs, return_as="generator" if is_lazy else "list")(
        tasks
    )
