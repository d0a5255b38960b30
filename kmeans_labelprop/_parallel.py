"""Run tasks side by side: in threads, or by any backend of joblib."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from joblib.parallel import get_active_backend
from sklearn import set_config
from sklearn.utils.parallel import Parallel
from threadpoolctl import ThreadpoolController


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


@contextmanager
def sequential_blas() -> Iterator[None]:
    """Give linear algebra one thread, and leave OpenMP its own.

    A BLAS that runs on OpenMP, as that of faiss, would take these with it.
    """
    controller = ThreadpoolController()
    openmp = controller.select(user_api="openmp")
    n_threads = most_threads(openmp)
    with (
        controller.limit(limits=1, user_api="blas"),
        openmp.limit(limits=n_threads),
    ):
        yield


def most_threads(openmp: ThreadpoolController) -> int:
    """Tell how many threads OpenMP has."""
    return max((library["num_threads"] for library in openmp.info()), default=1)


@contextmanager
def threads() -> Iterator[Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]]:
    """Open as many threads as OpenMP has, each of which computes with one.

    The rounding, and so the result, is then the same whatever their number. In the
    threads scikit-learn does not look for numbers that are not finite.

    Yields
    ------
    run : callable
        Calls a function for each of some tasks, and lists what it returns.
    """
    controller = ThreadpoolController()
    openmp = controller.select(user_api="openmp")
    n_threads = most_threads(openmp)

    def prepare() -> None:
        openmp.limit(limits=1)
        set_config(assume_finite=True, pairwise_dist_chunk_size=256)

    with (
        controller.limit(limits=1, user_api="blas"),
        ThreadPoolExecutor(n_threads, initializer=prepare) as pool,
    ):
        yield lambda function, tasks: list(pool.map(function, tasks))


def run_in_threads(function: Callable[[Any], Any], tasks: Iterable[Any]) -> list[Any]:
    """Call a function for each of some tasks in :func:`threads`.

    Parameters
    ----------
    function : callable
        Called with each task.
    tasks : iterable
        The tasks.

    Returns
    -------
    results : list
        What it returns, in the order of the tasks.
    """
    with threads() as run:
        return run(function, tasks)
