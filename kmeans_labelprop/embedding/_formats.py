"""How columns of strings write numbers and dates."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from itertools import product

from ._units import UNITS, read_units

# Strings that are mostly numbers, and many different ones, are measurements.
_SHARE = 0.9
_LEAST_NUMBERS = 20
# Strings of which one must fit before all are tried as dates.
_N_FIRST = 10
# Longer strings are texts.
_MOST_CHARACTERS = 64
# Unbroken digits, or groups of three.
_GROUPED = re.compile(r"\d+|\d{1,3}([ '\u2019\u00a0\u202f]\d{3})+|\d{1,3}(\.\d{3})+")
# As in India: 12,34,567.
_IN_PAIRS = re.compile(r"\d{1,2}(\.\d\d)+\.\d{3}")
# $1,234.50; 12,5 kg; (3.20 EUR); -5 %; ~1.2k; what is beyond a limit, such as < 0.5 or
# 90+, counts as the limit.
_AMOUNT = re.compile(
    r"(?:[<>\u2264\u2265]=?\s*)?(?P<open>\()?(?P<sign>[-+\u2212]?)\s*"
    r"(?P<before>[A-Z]{0,2}[$€£¥₹₽₩~\u2248]|[A-Z]{3}\s|Rs\.?)?\s*(?P<minus>[-\u2212]?)"
    r"(?P<digits>\d[\d.,'\u2019 \u00a0\u202f]*)"
    r"(?P<after>(?i:thousand|million|billion|trillion|crore)|[^\W\d_]{1,4}"
    r"|[%‰°$€£¥₹₽₩])?\)?\+?"
)
_TIMES = {"k": 1e3, "M": 1e6, "B": 1e9, "thousand": 1e3, "million": 1e6, "mn": 1e6}
_TIMES |= {"billion": 1e9, "bn": 1e9, "trillion": 1e12, "lac": 1e5, "lakh": 1e5}
_TIMES |= {"crore": 1e7}
# Of a single letter the case counts: m may be metres. But K is k.
_TIMES |= {word.capitalize(): times for word, times in _TIMES.items()}
# 120 km/h, 850 sq. ft., 21.5 °C, $90 per night: what is before the unit is an amount.
_MEASURE = re.compile(
    r"(?P<amount>\D{0,5}\d(?:[\d.,'\u2019 \u00a0\u202f]*\d)?\+?)\s*"
    r"(?P<unit>(?:[^\W\d_]|[/%‰°])(?:\D|(?<=[^\W\d_])[23](?!\d))*)"
)
_CLOCK = re.compile(r"\d{1,3}:\d\d(:\d\d)?(\s?[AaPp]\.?[Mm]\.?)?")
#: Names of the ways to write numbers; other ways are dates, as strptime names them.
POINT, COMMA, CLOCK = "1,234.5", "1.234,5", "h:mm"
_DAYS = (
    *("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%Y", "%d.%m.%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y"),
    *("%d %b %Y", "%d %b %y", "%b %d %Y", "%B %d %Y", "%d %B %Y", "%Y %b %d"),
    *("%Y-%m-%d", "%Y/%m/%d"),  # without zeros, or with AM and PM
    *("%b %d-%Y", "%B %d-%Y", "%Y:%m:%d"),  # the last of photographs
)
_HOURS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
# As C and Twitter write it.
_HOUR_WITHIN = "%b %d %H:%M:%S %Y"
# With all their zeros: 2019.1.2 may be a version, and 3/2019 three of many.
_YEAR_MONTH, _MONTH_YEAR = ("%Y-%m", "%Y/%m"), "%m/%y"
_PADDED = (
    *(f"%Y.%m.%d{hour}" for hour in _HOURS),
    *(*_YEAR_MONTH, _MONTH_YEAR, "%m/%Y", "%b %Y", "%B %Y", "%Y %b"),
)
_YEARS = range(1000, 2100)
# 12/20 may be a day. A year such as 87 or 00 shows that it is none, if none is of one
# century as well as of the other, such as 45.
_LAST_CENTURY, _CLEAR_YEARS = range(1969, 2001), range(1969, 2032)
_QUARTER = re.compile(r"Q([1-4])[ /-]?(\d{4})|(\d{4})[ /-]?Q([1-4])")
# Names of months stand beside others, and zones and ends of numbers, that tell nothing.
_IDLE = re.compile(
    r"^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b[.,]?\s+"
    r"|(?<=\d)(?:st|nd|rd|th)\b|(?<=[a-z])\.|,|(?<=\d) at(?= \d)"
    r"|\s(?:GMT|UTC|(?:GMT)?[+-]\d{4})(?:\s\(.*\))?(?=\s\d{4}$|$)",
    re.IGNORECASE,
)
# What stands between the name and the numbers does not matter: Nov-28-2026, 28Nov2026;
# nor what stands before the hour, as in logs: 28/Nov/2026:07:45:00.
_BESIDE_NAMES = re.compile(
    r"(?<=\d)[-/. ]*(?=[^\W\d_])|(?<=[^\W\d_])[-/. ]*(?=\d)|(?<=\d{4}):"
)
#: Name of the way to write quarters, each of which is the day when it begins.
QUARTER = "Q3 2019"


def find_format(values: list[str]) -> str | None:
    """Find how a column writes numbers or dates.

    Parameters
    ----------
    values : list of str
        The different strings of the column.

    Returns
    -------
    how : str or None
        `POINT`, `COMMA`, `CLOCK`, `QUARTER`, a kind of `UNITS`, or a format of
        :meth:`datetime.datetime.strptime`: the one that fits most of the strings, nine
        tenths at least, which for numbers are 20 or more; of equals the first. If none
        does, `POINT` or `COMMA` and the unit that stands after the number, which may
        be of several words. None if they are something else.
    """
    fitting: dict[str, int] = {}
    n_codes = sum(bool(re.match(r"\s*0\d", value)) for value in values)
    are_codes = n_codes > (1 - _SHARE) * len(values)
    if len(values) >= _LEAST_NUMBERS:
        for how in () if are_codes else (POINT, COMMA):
            fits = [value for value in values if read_as(value, how) is not None]
            if _have_one_unit(fits):
                fitting[how] = len(fits)
        parts = [value.count(":") for value in values if _CLOCK.fullmatch(value)]
        if len(set(parts)) == 1:
            fitting[CLOCK] = len(parts)
        for kind in UNITS:
            fitting[kind] = sum(read_units(value, kind) is not None for value in values)
    days = map("".join, product(_DAYS, _HOURS))
    for how in (*days, _HOUR_WITHIN, *_PADDED, QUARTER):
        if any(read_as(value, how) is not None for value in values[:_N_FIRST]):
            fitting[how] = sum(read_as(value, how) is not None for value in values)
    for how in (*_YEAR_MONTH, _MONTH_YEAR):
        if how in fitting and not _are_clear(values, how):
            del fitting[how]
    best = max(fitting, key=lambda how: fitting[how], default=None)
    if best is not None and fitting[best] >= _SHARE * len(values):
        return best
    return None if are_codes else _find_measure(values)


def writes_numbers(how: str) -> bool:
    """Tell ways to write numbers from formats of dates.

    Parameters
    ----------
    how : str
        What `find_format` returns.

    Returns
    -------
    is_number : bool
        Whether it is no date.
    """
    return how.startswith((POINT, COMMA)) or how in (CLOCK, *UNITS)


def _find_measure(values: list[str]) -> str | None:
    """Find the unit after numbers, of any length, if nearly all have the same."""
    if len(values) < _LEAST_NUMBERS:
        return None
    short = [value.strip() for value in values if len(value) <= _MOST_CHARACTERS]
    matches = [_MEASURE.fullmatch(value) for value in short]
    units = Counter(_singular(match["unit"]) for match in matches if match)
    for unit, _ in units.most_common(1):
        for how in (f"{POINT} {unit}", f"{COMMA} {unit}"):
            n_read = sum(read_as(value, how) is not None for value in values)
            if n_read >= _SHARE * len(values):
                return how
    return None


def _singular(unit: str) -> str:
    """Leave out the s at the end of words: 1 day ago, 2 days ago."""
    return re.sub(r"(?<=[^\W\d_])s\b", "", unit)


def read_as(text: str, how: str) -> float | datetime | None:
    """Read a number or a date.

    Parameters
    ----------
    text : str
        The string.
    how : str
        How it is written, as `find_format` tells.

    Returns
    -------
    value : float, datetime or None
        None if it is not written so.
    """
    text = text.strip()
    if len(text) > _MOST_CHARACTERS:
        return None
    if how in (POINT, COMMA):
        return _read_amount(text, how == COMMA)
    if how.startswith((POINT, COMMA)):
        measure = _MEASURE.fullmatch(text)
        base, _, unit = how.partition(" ")
        if measure is None or _singular(measure["unit"]) != unit:
            return None
        return _read_amount(measure["amount"], base == COMMA)
    if how == CLOCK:
        return _read_clock(text) if _CLOCK.fullmatch(text) else None
    if how in UNITS:
        return read_units(text, how)
    if how == QUARTER:
        return _read_quarter(text)
    text = text.replace(", ", " ")
    if "%b" in how.lower():
        text = _BESIDE_NAMES.sub(" ", _IDLE.sub("", text))
    try:
        found = datetime.strptime(text, how)
    except ValueError:
        return None
    if how not in _PADDED:
        return found
    is_padded = found.year in _YEARS and found.strftime(how).lower() == text.lower()
    return found if is_padded else None


def _read_quarter(text: str) -> datetime | None:
    match = _QUARTER.fullmatch(text)
    if match is None:
        return None
    quarter, year = int(match[1] or match[4]), int(match[2] or match[3])
    return datetime(year, 3 * quarter - 2, 1) if year in _YEARS else None


def _are_clear(values: list[str], how: str) -> bool:
    """Tell whether years and months of two digits can be nothing else."""
    read = [read_as(value, how) for value in values]
    days = [found for found in read if isinstance(found, datetime)]
    if how in _YEAR_MONTH:  # of 2004-05 all may be seasons
        return any(day.month != (day.year + 1) % 100 for day in days)
    is_clear = len(days) == len(values) and all(d.year in _CLEAR_YEARS for d in days)
    return is_clear and any(day.year in _LAST_CENTURY for day in days)


def _read_clock(text: str) -> float:
    parts = [float(part) for part in re.findall(r"\d+", text)]
    half = re.sub(r"[\W\d]", "", text).lower()
    if half:
        parts[0] = parts[0] % 12 + 12 * (half == "pm")
    total = 0.0
    for part in parts:
        total = 60 * total + part
    return total


def _read_amount(text: str, has_comma: bool) -> float | None:
    amount = _AMOUNT.fullmatch(text)
    if amount is None:
        try:
            return float(text)
        except ValueError:
            return None
    digits = amount["digits"].strip()
    if not has_comma:
        digits = digits.translate(str.maketrans(".,", ",."))
    whole, _, rest = digits.partition(",")
    is_grouped = _GROUPED.fullmatch(whole) or (
        not has_comma and _IN_PAIRS.fullmatch(whole)
    )
    if not is_grouped or not (rest or "0").isdecimal():
        return None
    value = float(re.sub(r"\D", "", whole) + "." + (rest or "0"))
    value *= _times(amount["after"]) or 1
    is_negative = amount["open"] or "+" not in (amount["sign"] or "+")
    return -value if is_negative or amount["minus"] else value


def _times(unit: str | None) -> float | None:
    """Give what a word such as million stands for; None for other units."""
    unit = unit or ""
    return _TIMES.get(unit.lower() if len(unit) > 4 else unit)


def _have_one_unit(values: list[str]) -> bool:
    units = set()
    for value in values:
        amount = _AMOUNT.fullmatch(value.strip())
        if amount is not None and not _times(amount["after"]):
            units.add(((amount["before"] or "").strip(), amount["after"]))
    return len(units - {("", None)}) <= 1
