"""Clone estimators: with seeds and jobs handed down, or a part that is shared."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
from sklearn.base import clone

MAX_SEED = np.iinfo(np.int32).max


def draw_seed(random_state: int | np.random.RandomState | None) -> int | None:
    """Find the seed of a part.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        That of the whole. An int is passed on as it is. A RandomState draws one: clones
        would draw from copies, and the one given would never advance.

    Returns
    -------
    seed : int or None
        The seed.
    """
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(MAX_SEED))
    return None if random_state is None else int(random_state)


def set_unset(
    estimator: Any,
    random_state: int | np.random.RandomState | None,
    n_jobs: int | None = None,
) -> Any:
    """Clone an estimator, and set seeds and jobs wherever they are None inside.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    random_state : int, RandomState instance or None
        Seeds each ``random_state`` that is None.
    n_jobs : int or None, default=None
        Takes the place of each ``n_jobs`` that is None.

    Returns
    -------
    clone : estimator
        The clone.
    """
    estimator = clone(estimator)
    unset: dict[str, int | None] = {}
    for key, value in estimator.get_params(deep=True).items():
        name = key.rpartition("__")[2]
        if value is None and name == "n_jobs" and n_jobs is not None:
            unset[key] = n_jobs
        elif value is None and name == "random_state" and random_state is not None:
            unset[key] = draw_seed(random_state)
    return estimator.set_params(**unset) if unset else estimator


def clone_sharing(estimator: Any, name: str, clone_whole: Callable[[Any], Any]) -> Any:
    """Clone an estimator, but for one parameter that the clone shares.

    A copy of an oracle would keep the labels it has paid for to itself, and a
    connection cannot be copied at all. An oracle that is an estimator is cloned, so
    that a search may set its parameters.

    Parameters
    ----------
    estimator : estimator
        Is cloned.
    name : str
        The parameter to share, unless its value is an estimator.
    clone_whole : callable
        Clones an estimator with all its parameters.

    Returns
    -------
    clone : estimator
        The clone.
    """
    shared = getattr(estimator, name)
    if hasattr(shared, "get_params"):
        return clone_whole(estimator)
    without = copy(estimator)
    setattr(without, name, None)
    cloned = clone_whole(without)
    setattr(cloned, name, shared)
    return cloned
