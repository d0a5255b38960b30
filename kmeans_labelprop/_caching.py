"""Cache what takes long to compute; where nothing can be stored, compute it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from sklearn.utils.validation import check_memory

from ._messages import warn_user
from ._sources import source_digest


def _store(function: Callable[..., Any], code: str, *arguments: Any) -> Any:
    """Compute what is stored: `code` is there to be part of the key."""
    result = function(*arguments)
    try:
        stored = pickle.dumps(result, protocol=5)
    except (TypeError, AttributeError) as error:  # as pickle has it for some
        raise pickle.PicklingError(str(error)) from error
    return stored, sha256(stored).digest()


def cache_in(memory: Any) -> Callable[[Any], Any]:
    """Make the wrapper of functions whose results are to be cached.

    Parameters
    ----------
    memory : str, joblib.Memory or None
        Where results are stored; None for nowhere.

    Returns
    -------
    cache : callable
        Wraps a function. What is stored is found again by the arguments and by the
        code of all functions in them. Where the folder cannot be written, or the
        arguments cannot be pickled, the wrapped function computes without it, and
        warns; so it does where a file has changed since it was stored.
    """
    if memory is None:
        return lambda function: function
    cached = check_memory(memory).cache(_store)

    def cache(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            try:
                code = source_digest((function, arguments[0]))
                stored, digest = cached(function, code, *arguments)
            except (OSError, pickle.PicklingError) as error:
                first_line = str(error).partition("\n")[0][:200]
                warn_user(
                    f"The 'memory' parameter, {memory!r}, cannot be used "
                    f"({type(error).__name__}: {first_line}): computing without it. A "
                    "function inside another, or a lambda, cannot be stored."
                )
                return function(*arguments)
            if sha256(stored).digest() != digest:
                warn_user(
                    f"A file in the folder of the 'memory' parameter, {memory!r}, has "
                    "changed since it was stored: computing anew."
                )
                return function(*arguments)
            return pickle.loads(stored)

        return call

    return cache
