"""Strings that nearly all differ, of which parts come back."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._mixing import some_positions
from ._columns import as_strings

_DIGITS = re.compile(r"\d+")
# Codes of one kind: at most so many kinds, of so many codes each on average.
_MOST_KINDS = 100
_LEAST_CODES = 10
# In characters. Of shorter pieces chance brings some back in any letters: by 26 letters
# there are 457,000 pieces of four.
_PIECE = 4
_PIECES = re.compile(rf"(?=(\D{{{_PIECE}}}))")
# A piece comes back if this share of the strings have it, and three at least; what most
# have, such as "http", tells nothing.
_USUAL = 0.01
_LEAST_USES = 3
_N_LOOKED_AT = 2000


def kinds_of_codes(X: Any, **options: Any) -> NDArray[Any]:
    """Read columns of codes as what is left of them without digits.

    Parameters
    ----------
    X : {dataframe, array-like} of shape (n_samples, n_features)
        The codes.
    **options : dict
        Of `as_strings`.

    Returns
    -------
    kinds : ndarray of shape (n_samples, n_features), dtype=object
        "A-" of "A-1023"; what is missing is None.
    """
    strings = as_strings(X, **options)
    kinds = [None if text is None else _kind(text) for text in strings.ravel()]
    return np.array(kinds, dtype=object).reshape(strings.shape)


def n_kinds_of_codes(values: list[str]) -> int:
    """Count what codes begin with, or hold beside their digits.

    Parameters
    ----------
    values : list of str
        Different strings.

    Returns
    -------
    n_kinds : int
        The number of kinds, which is 0 if all are of one kind or too few of each.
    """
    n_kinds = len(set(map(_kind, values)))
    most = min(_MOST_KINDS, len(values) / _LEAST_CODES)
    return n_kinds if 1 < n_kinds <= most else 0


def are_names(values: list[str]) -> bool:
    """Tell whether most strings are one word, with a piece that comes back in others.

    Parameters
    ----------
    values : list of str
        Different strings.

    Returns
    -------
    are_names : bool
        True for names with common endings, say; False for random letters, and for
        names of several words, of which those that come back are mostly of no use.
    """
    values = [values[i] for i in some_positions(len(values), _N_LOOKED_AT)]
    if np.mean([len(value.split()) == 1 for value in values]) < 1 / 2:
        return False
    # Blanks show where names begin and end.
    pieces = [set(_PIECES.findall(f" {value.strip()} ")) for value in values]
    uses = Counter(piece for each in pieces for piece in each)
    least = max(_LEAST_USES, _USUAL * len(values))
    usual = {piece for piece, n in uses.items() if least <= n <= len(values) / 2}
    return bool(np.mean([not usual.isdisjoint(each) for each in pieces]) >= 1 / 2)


def _kind(text: str) -> str:
    return _DIGITS.sub("", text)
