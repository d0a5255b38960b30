"""An order of samples that has nothing to do with how they are sorted.

Tables are often sorted by class. Of equally near samples the first would then be one of
the first class, wherever there is a choice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# In place of None.
_NO_SEED = 2


def mixed_order(n_samples: int, seed: int | None = None) -> NDArray[np.intp]:
    """List all positions in an order that is the same each time.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    seed : int or None, default=None
        Another one gives another order.

    Returns
    -------
    order : ndarray of shape (n_samples,), dtype=intp
        The positions, by their :func:`position_hashes`.
    """
    return np.argsort(position_hashes(np.arange(n_samples), seed))


def position_hashes(
    positions: NDArray[np.intp], seed: int | None = None
) -> NDArray[np.uint64]:
    """Give each position a random number of its own, whatever block it comes in.

    Parameters
    ----------
    positions : ndarray of shape (n_samples,), dtype=intp
        The positions.
    seed : int or None, default=None
        Another one gives other numbers.

    Returns
    -------
    hashes : ndarray of shape (n_samples,), dtype=uint64
        The finalizer of SplitMix64, of the position and the seed.
    """
    z = positions.astype(np.uint64) + np.uint64(1)
    z *= np.uint64(0x9E3779B97F4A7C15)
    seed = _NO_SEED if seed is None else seed
    z ^= np.uint64(seed * 0xD1342543DE82EF95 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    return z ^ (z >> np.uint64(31))


def some_positions(n_samples: int, n_wanted: int) -> NDArray[np.intp]:
    """Choose positions from all over, one in each stretch of equal length.

    Every tenth would see nothing but the first of each ten, which may be special.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    n_wanted : int
        How many to choose at most; all samples if they are no more.

    Returns
    -------
    positions : ndarray of shape (n_chosen,), dtype=intp
        The positions, in increasing order.
    """
    step = max(1, -(-n_samples // n_wanted))
    starts = np.arange(0, n_samples, step)
    lengths = np.minimum(step, n_samples - starts).astype(np.uint64)
    return starts + (position_hashes(starts) % lengths).astype(np.intp)
