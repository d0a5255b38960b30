"""Amounts in several units of one kind: 900 g and 1.2 kg, 1h 20m, 5 ft 11 in."""

from __future__ import annotations

import re

_DAY = 86_400.0
# Units of one kind, in the least of those that follow SI, or in seconds. What fits
# several kinds is of the first: "m" beside "h" is a minute, beside "km" a metre.
_KINDS: dict[str, dict[str, float]] = {
    "time": {
        **dict.fromkeys(("ms", "msec"), 1e-3),
        **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
        **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
        **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
        **dict.fromkeys(("d", "day", "days"), _DAY),
        **dict.fromkeys(("w", "wk", "wks", "week", "weeks"), 7 * _DAY),
        **dict.fromkeys(("mo", "mos", "month", "months"), 365.25 / 12 * _DAY),
        **dict.fromkeys(("y", "yr", "yrs", "year", "years"), 365.25 * _DAY),
    },
    "bytes": {
        **dict.fromkeys(("b", "byte", "bytes"), 1.0),
        **{
            unit: 1024.0**power
            for power, letter in enumerate("kmgtp", 1)
            for unit in (letter, f"{letter}b", f"{letter}ib")
        },
    },
    "mass": {"ug": 1e-6, "µg": 1e-6, "mg": 1e-3, "g": 1.0, "kg": 1e3, "t": 1e6}
    | {"oz": 28.35, "lb": 453.6, "lbs": 453.6},
    "length": {"nm": 1e-9, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3}
    | dict.fromkeys(("in", "inch", "inches", '"', "\u2033"), 0.0254)
    | dict.fromkeys(("ft", "foot", "feet", "'", "\u2032"), 0.3048)
    | {"yd": 0.9144, "mi": 1609.0, "mile": 1609.0, "miles": 1609.0},
    "volume": {"ml": 1e-3, "cl": 1e-2, "dl": 0.1, "l": 1.0, "hl": 100.0},
    "frequency": {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9},
    "angle": {"°": 1.0}
    | dict.fromkeys(("'", "\u2032"), 1 / 60)
    | dict.fromkeys(('"', "\u2033"), 1 / 3600),
}
#: Names of the kinds of units.
UNITS = tuple(_KINDS)
_PART = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([^\W\d_]+|['\"\u2032\u2033°])[\s,]*")
#: The comma in 1,234.
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ISO = re.compile(r"P(?=[\dT])([^T]*)T?(.*)")
_CLOCK = re.compile(r"(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?")
_COMPASS = re.compile(r"(\d+(?:\.\d+)?)\s?([NSEW])")
_SIGNS = {"": 1, "N": 1, "E": 1, "S": -1, "W": -1}


def read_units(text: str, kind: str) -> float | None:
    """Read an amount whose parts have units.

    Parameters
    ----------
    text : str
        The amount, such as "1h 20m", "PT1H20M", "2 days 03:20:00" or "47°12'S".
    kind : str
        One of `UNITS`.

    Returns
    -------
    amount : float or None
        The sum of the parts, in one unit; None if it is not written so.
    """
    text = text.strip()
    is_negative = text[:1] in ("-", "\u2212")
    text = text.lstrip("-+\u2212 ")
    if kind == "angle" and (degrees := _COMPASS.fullmatch(text)):
        return _SIGNS[degrees[2]] * float(degrees[1])
    if iso := _ISO.fullmatch(text):
        text = f"{iso[1]} {iso[2]}".strip()
    at, total = 0, 0.0
    while part := _PART.match(text, at):
        unit = _KINDS[kind].get(part[2].lower())
        if unit is None:
            return None
        number = THOUSANDS.sub("", part[1]).replace(",", ".")
        if number.count(".") > 1 or number.endswith("."):
            return None
        total += float(number) * unit
        at = part.end()
    rest = text[at:]
    sign = -1 if is_negative else 1
    if kind == "time" and (clock := _CLOCK.fullmatch(rest)):
        hours, minutes, seconds = (float(each or 0) for each in clock.groups())
        total += 3600 * hours + 60 * minutes + seconds
    elif kind == "angle" and rest in _SIGNS:
        sign *= _SIGNS[rest]
    elif rest:
        return None
    return sign * total if at else None
