"""Cache what takes long, and go on without where it cannot be stored."""

from __future__ import annotations

from collections.abc import Callable
from pickle import PicklingError
from typing import Any

from sklearn.utils.validation import check_memory

from ._messages import warn_user


def cache_in(memory: Any) -> Callable[[Any], Any]:
    """Make what wraps functions whose results are to be cached.

    Parameters
    ----------
    memory : str, joblib.Memory or None
        Where results are stored; None for nowhere.

    Returns
    -------
    cache : callable
        Wraps a function. Where the folder cannot be written, or the arguments cannot
        be pickled, the wrapped function computes without it, and warns.
    """
    store = check_memory(memory)

    def cache(function: Callable[..., Any]) -> Callable[..., Any]:
        cached = store.cache(function)

        def call(*arguments: Any) -> Any:
            try:
                return cached(*arguments)
            except (OSError, PicklingError) as error:
                if memory is None:
                    raise
                first_line = str(error).partition("\n")[0][:200]
                warn_user(
                    f"The 'memory' parameter, {memory!r}, cannot be used "
                    f"({type(error).__name__}: {first_line}): computing without it. A "
                    "function inside another, or a lambda, cannot be stored."
                )
                return function(*arguments)

        return call

    return cache
