"""Strings that repeat and have an order: ranges of numbers, low to high, grades."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from ._units import THOUSANDS

# With a unit before or after it.
_UNIT = r"(?:[^\W\d_]{1,5}(?:/[^\W\d_]{1,5})?|[%°$€£¥])?"
_NUMBER = rf"(?:[A-Z]{{3}}\s)?[$€£¥]?\s?(-?\d[\d,.]*|-?inf\b)\s?{_UNIT}"
_RANGE = re.compile(
    rf"[\[(]?\s?{_NUMBER}\s?(?:-|\u2013|\u2014|to|,|\.\.)\s?{_NUMBER}[\])]?"
)
_BELOW = re.compile(rf"(?:<=?|\u2264|under |below |less than |up to ){_NUMBER}", re.I)
_ABOVE = re.compile(
    rf"(?:>=?|\u2265|over |above |more than ){_NUMBER}"
    rf"|{_NUMBER}\s?(?:\+|and over|and above|or more|plus)(?:\s?[^\W\d_]+)?",
    re.I,
)
_PLAIN = re.compile(_NUMBER)
_GRADE = re.compile(r"[A-F][+-]?")
# What people rank by, from the least to the greatest; words between bars are one rank.
_SCALES = [
    "lowest|very low/low/rather low/medium|moderate|mid|middle|average|normal/"
    "rather high/high/very high|highest/critical|extreme",
    "none|no/minimal|very mild/mild|slight/moderate/severe|strong/very severe|extreme",
    "very poor|very bad/poor|bad/fair|average|ok|okay|acceptable/good/very good/"
    "excellent/outstanding|perfect",
    "poor/fair/good/very good/premium/ideal",
    "never/almost never|seldom|rarely/occasionally|sometimes/often|frequently/"
    "very often|usually|almost always/always",
    "strongly disagree/disagree/somewhat disagree|slightly disagree/"
    "neutral|neither agree nor disagree|undecided|not sure/"
    "somewhat agree|slightly agree/agree/strongly agree",
    "very dissatisfied|very unsatisfied/dissatisfied|unsatisfied/neutral/satisfied/"
    "very satisfied",
    "very unlikely/unlikely/neutral|possible/likely/very likely",
    "tiny|very small/small/medium/large|big/very large|huge",
    "xxs/xs/s/m/l/xl/xxl|2xl/xxxl|3xl",
    "beginner|novice/intermediate/advanced/expert",
    "trivial/minor/moderate|major/critical/blocker",
    "daily/weekly/monthly/quarterly/yearly|annually",
]
_RANKS = [
    {w: r for r, words in enumerate(scale.split("/")) for w in words.split("|")}
    for scale in _SCALES
]
_LEAST = 3  # two have no order that distances could show


def order_of_strings(values: Iterable[str]) -> list[str] | None:
    """Find the order of strings that name ranges, or ranks.

    Parameters
    ----------
    values : iterable of str
        The different strings, none of which stands for what is missing.

    Returns
    -------
    order : list of str or None
        The strings, from the least to the greatest; None if they have no order, or
        are fewer than three.
    """
    values = sorted(values)
    if len(values) < _LEAST:
        return None
    ranks: list[Callable[[str], Any]] = [_rank_of_range, _rank_of_grade]
    ranks += [partial(_rank_in, scale) for scale in _RANKS]
    for rank in ranks:
        found = {value: rank(value) for value in values}
        if None not in found.values() and len(set(found.values())) >= _LEAST:
            if rank is _rank_of_range and not _are_ranges(values):
                continue
            if rank is _rank_of_grade and all(len(value) == 1 for value in values):
                continue  # the letters may name anything
            return sorted(values, key=found.__getitem__)
    return None


def _rank_in(scale: dict[str, int], text: str) -> int | None:
    return scale.get(" ".join(re.split(r"[\s_-]+", text.strip().lower())))


def _are_ranges(values: list[str]) -> bool:
    """Tell ranges, or numbers of which one is open to a side, such as 3+."""
    n_ranges, n_plain, n_open = (
        sum(any(p.fullmatch(value.strip()) for p in patterns) for value in values)
        for patterns in ((_RANGE,), (_PLAIN,), (_BELOW, _ABOVE))
    )
    return bool(n_open and n_plain > 1 if n_plain else n_ranges)


def _rank_of_range(text: str) -> tuple[float, int] | None:
    """Give the lower end, and where the range lies beside it."""
    text = text.strip()
    for pattern, side in ((_RANGE, 0), (_BELOW, -1), (_ABOVE, 1), (_PLAIN, 0)):
        if match := pattern.fullmatch(text):
            digits = [THOUSANDS.sub("", end) for end in match.groups() if end]
            try:
                ends = [float(end) for end in digits]
            except ValueError:
                return None
            return (ends[0], side) if sorted(ends) == ends else None
    return None


def _rank_of_grade(text: str) -> float | None:
    """Rank F below D- below D."""
    if not _GRADE.fullmatch(text):
        return None
    return -ord(text[0]) + {"+": 0.3, "-": -0.3}.get(text[1:], 0)
