"""Strings of several numbers: 120/80, 48.21, 16.37, 1.2.10, 10.0.0.7, #ff8800."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import FunctionTransformer

from .._mixing import some_positions
from ._columns import columns_of, strings_of
from ._units import THOUSANDS

# Nearly all strings must be alike but for their numbers, of so many different ones.
_SHARE = 0.9
_LEAST_VALUES = 20
_MOST_PARTS = 100
# So many numbers, and nothing else, are a vector, or the pixels of an image.
LEAST_VECTOR = 32
_N_VECTORS = 100  # looked at: texts may be long
# What Python writes beside numbers: [np.float64(0.5), ...], array([0.5, ...]).
_WRITTEN = re.compile(
    r"np\.(?:float|int)\d+|array|tensor|dtype=\w+|shape=\(\d+,\)"
    r"|(?<=\[)\s+|\s+(?=[\],])"
)
# How files of images begin, PNG, JPEG or GIF, as bytes and in base64; they may stand in
# a record beside their path.
_IMAGE = re.compile(
    r"(?:.*\bbytes: )?(?:\udc89PNG|\udcff\udcd8\udcff|GIF8"
    r"|iVBORw0K|/9j/|R0lGOD|data:image/)"
)
_N_LOOKED_AT = 2000
# Whole numbers that chance draws from a range are as many in each part of it. Of a
# normal distribution, two are in one part twice as often.
_LEAST_DRAWN = 40
_N_BINS = 20
_EVEN = 1.15
# Of 1.2.10 each part is a number; a sign between digits joins them, as in 10-20.
_DOTTED = re.compile(r"\d+\.\d+\.\d")
_WHOLE = re.compile(r"\d+")
_REAL = re.compile(r"(?<!\d)[-+\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_COLOUR = re.compile(r"#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{8})", re.IGNORECASE)
#: Names of the ways to write numbers of which the first counts most, and colours.
VERSION, COLOUR = "1.2.10", "#ff8800"


def find_form(values: list[str]) -> str | None:
    """Tell strings whose numbers are no equals, or no decimals.

    Parameters
    ----------
    values : list of str
        The different strings of a column.

    Returns
    -------
    form : str or None
        `COLOUR`, or `VERSION` if nearly all are versions or addresses.
    """
    if _are_colours(values):
        return COLOUR
    n_versions = sum(bool(_DOTTED.search(value)) for value in values)
    return VERSION if n_versions >= _SHARE * len(values) else None


def find_parts(values: list[str]) -> list[int]:
    """Find which numbers in strings tell something.

    Parameters
    ----------
    values : list of str
        The different strings of a column.

    Returns
    -------
    parts : list of int
        Positions among the numbers of each string; none if the strings do not hold
        two numbers or more between the same signs and words. Numbers that are the same
        everywhere, or whole and different nearly everywhere or drawn evenly, are left
        out. Of colours, those of red, green, blue and opacity that differ.
    """
    if _are_colours(values):
        columns = np.array([_numbers(value, COLOUR) for value in values]).T
        return [part for part, column in enumerate(columns) if np.ptp(column) > 0]
    if len(values) < _LEAST_VALUES:
        return []
    values = [values[i] for i in some_positions(len(values), _N_LOOKED_AT)]
    frames = Counter(map(_frame, values))
    frame, n_alike = frames.most_common(1)[0]
    n_parts = frame.count("#")
    if not 2 <= n_parts <= _MOST_PARTS or n_alike < _SHARE * len(values):
        return []
    numbers = np.array([_numbers(v) for v in values if _frame(v) == frame])
    parts = []
    for part, column in enumerate(numbers.T):
        n_different = np.unique(column).size
        is_id = np.all(column == np.floor(column)) and (
            n_different >= _SHARE * n_alike or are_drawn_evenly(column)
        )
        if n_different > 1 and not is_id:
            parts.append(part)
    return parts


def refuse_vectors(values: list[str], name: str, least: int = LEAST_VECTOR) -> None:
    """Refuse strings that are vectors or images: they would weigh what one value does.

    Parameters
    ----------
    values : list of str
        The different strings, or lists as strings.
    name : str
        What holds them.
    least : int, default=LEAST_VECTOR
        Fewer numbers are no vector.

    Raises
    ------
    ValueError
        If nearly all hold equally many numbers, so many or more, and no words; if
        numbers were left out where such strings were written; or if nearly all are
        files of images.
    """
    values = [values[i] for i in some_positions(len(values), _N_VECTORS)]
    n_images = sum(bool(_IMAGE.match(value)) for value in values)
    if values and n_images >= _SHARE * len(values):
        raise ValueError(
            f"{name} must hold one value for each sample. Got files of images instead: "
            "read them, bring them to one size, and pass them as an array of numbers, "
            "of shape (n_samples, height, width, n_channels)."
        )
    values = [_WRITTEN.sub("", value) for value in values]
    frames = Counter(map(_frame, values)).most_common(1)
    frame, n_alike = frames[0] if frames else ("", 0)
    n_numbers = frame.count("#")
    is_abridged = "[" in frame and "..." in frame
    is_vector = n_numbers >= least or is_abridged
    if not is_vector or any(map(str.isalpha, frame)) or n_alike < _SHARE * len(values):
        return
    if is_abridged:
        raise ValueError(
            f"{name} must hold one value for each sample. Got vectors written as "
            "strings that lack most of their numbers, '...', instead: pass the vectors "
            "as an array of numbers, of shape (n_samples, n_numbers)."
        )
    raise ValueError(
        f"{name} must hold one value for each sample. Got vectors of {n_numbers} "
        "numbers instead: pass them as an array of numbers, of shape (n_samples, "
        f"{n_numbers})."
    )


def are_drawn_evenly(numbers: NDArray[np.float64]) -> bool:
    """Tell whether whole numbers are spread over their range as by chance.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples,)
        The numbers.

    Returns
    -------
    are_drawn_evenly : bool
        True for the last digits of addresses and telephone numbers, say. What is
        measured lies closer together, and of few different numbers nothing is said.
    """
    n = numbers.size
    if np.unique(numbers).size < _LEAST_DRAWN:
        return False
    counts, _ = np.histogram(numbers, _N_BINS)
    # Two of the numbers are in one bin so many times as often as by chance.
    together = _N_BINS * np.sum(counts * (counts - 1.0)) / (n * (n - 1))
    return bool(together < _EVEN)


def read_parts(
    X: Any, parts: list[int], form: str | None = None
) -> NDArray[np.float64]:
    """Read numbers in the strings of one column.

    Parameters
    ----------
    X : {dataframe, array-like} of shape (n_samples, 1)
        The column.
    parts : list of int
        Which of the numbers in each string.
    form : str or None, default=None
        How they are written, as `find_form` tells.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_parts)
        The numbers; NaN where a string has fewer, or is missing.
    """
    numbers = np.full((len(X), max(parts) + 1), np.nan)
    for row, text in enumerate(strings_of(columns_of(X)[0])):
        found = [] if text is None else _numbers(text, form)[: numbers.shape[1]]
        numbers[row, : len(found)] = found
    return numbers[:, parts]


def names_of_parts(transformer: FunctionTransformer, names: Any) -> NDArray[Any]:
    """Name the numbers of a column after it."""
    parts = transformer.kw_args["parts"]
    return np.array([f"{names[0]}_{part}" for part in parts], dtype=object)


def weigh_first(X: NDArray[Any], n_parts: int) -> NDArray[Any]:
    """Let the numbers of versions count less and less.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The numbers of versions in standard scores; further columns tell of gaps.
    n_parts : int
        How many numbers there are.

    Returns
    -------
    weighed : ndarray of shape (n_samples, n_features)
        Each number counts half of the one before, all together as much as in X.
    """
    # Not one number in their order: what minor numbers have in common would be lost.
    weights = np.ones(X.shape[1])
    weights[:n_parts] = 0.5 ** np.arange(n_parts)
    weights[:n_parts] *= (n_parts / np.sum(weights[:n_parts] ** 2)) ** 0.5
    return X * weights


def _are_colours(values: list[str]) -> bool:
    """Tell hex colours of one length; #123 alone may be the number of something."""
    return (
        all(map(_COLOUR.fullmatch, values))
        and len(set(map(len, values))) == 1
        and not all(value[1:].isdecimal() for value in values)
    )


def _pattern(text: str) -> re.Pattern[str]:
    return _WHOLE if _DOTTED.search(text) else _REAL


def _frame(text: str) -> str:
    """Give what is around the numbers."""
    text = THOUSANDS.sub("", text.replace("#", ""))
    return re.sub(r"\s+", " ", _pattern(text).sub("#", text)).strip()


def _numbers(text: str, form: str | None = None) -> list[float]:
    if form == COLOUR:
        return _read_colour(text.strip())
    text = THOUSANDS.sub("", text)
    found = _pattern(text).findall(text)
    return [float(number.replace("\u2212", "-")) for number in found]


def _read_colour(text: str) -> list[float]:
    if not _COLOUR.fullmatch(text):
        return []
    width = 1 if len(text) == 4 else 2  # of #f80 each digit stands for two
    digits = [text[at : at + width] for at in range(1, len(text), width)]
    return [float(int(each * (3 - width), 16)) for each in digits]
