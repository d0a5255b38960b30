"""What the columns of a table hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from numbers import Real
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite

from .._labels import is_null
from .._messages import warn_user
from .._mixing import some_positions
from ._columns import (
    NESTED,
    columns_of,
    floats_of,
    names_of,
    nested_type,
    read_plain,
    refuse_nested,
    strings_of,
)
from ._formats import POINT, find_format, writes_numbers
from ._names import are_names, n_kinds_of_codes
from ._orders import order_of_strings
from ._parts import (
    LEAST_VECTOR,
    are_drawn_evenly,
    find_form,
    find_parts,
    refuse_vectors,
)
from ._texts import has_no_spaces

#: What columns hold, or why they are left out. These are also the names of the parts of
#: the ColumnTransformer.
NUMBERS, DATES, ORDERED = "numbers", "dates", "ordered"
CATEGORIES, TEXT = "categories", "text"
CODES, NAMES = "codes", "names"
PARTS = "parts"
CONSTANT, ID, ROW_NUMBER = "constant", "nearly all values differ", "numbers the rows"
REASONS = CONSTANT, ID, ROW_NUMBER

# Nearly all values differ: at least this share, of at least so many rows.
_ID_SHARE = 0.9
_LEAST_ROWS = 20
# Whole numbers that all differ where chance would make more equal pairs are keys.
_EQUAL_PAIRS = 10
# So many different codes of digits are no categories: numbers, or keys.
_MANY_CODES = 100
_ID_NAME = re.compile(r"(^|[\W_])(id|key|uuid|guid)$|[a-z]I[Dd]$", re.IGNORECASE)
# Texts: several words each, which other rows use, too; fewer texts are categories.
_LEAST_TEXTS = 20
_WORDS = 2
_CHARACTERS = 6
_USUAL_WORD = 0.9
_WORD = re.compile(r"[^\W\d_]{2,}")
# So many strings are dates where others are words for what is missing.
_READ_SHARE = 0.9
_ISO_DATE = re.compile(
    r"\d{4}(-W\d\d(-[1-7])?|([-/])\d\d\3\d\d([T ]\d\d:\d\d.*)?|\d{4}T\d{4}.*)$"
)
_N_LOOKED_AT = 1000
# What tables write for a number that is missing.
_MISSING = {"", "-", "--", "?", "n/a", "na", "nan", "none", "null", "missing"}
_MISSING |= {"unknown", "not available", "prefer not to say", "refused"}
# By pandas, spreadsheets, statistics programs and databases.
_MISSING |= {"<na>", "nat", "#n/a", ".", "..", "n.a.", "nil", "\\n", "not applicable"}


class Kind(NamedTuple):
    """What a column holds.

    Attributes
    ----------
    name : str
        One of the names above.
    order : list of str
        Ordered categories, from the least to the greatest.
    n_values : int
        Number of categories, or of kinds of codes.
    how : str or None
        How strings write numbers or dates, one or several.
    parts : list of int or None
        Which of the numbers in each string tell something.
    """

    name: str
    order: list[str] | None = None
    n_values: int = 1
    how: str | None = None
    parts: list[int] | None = None


def kind_of(column: Any, name: Any, is_alone: bool = False) -> Kind:
    """Tell what a column holds.

    Parameters
    ----------
    column : series or ndarray of shape (n_samples,)
        The column.
    name : object
        Its name.
    is_alone : bool, default=False
        Whether there is no other column: strings are then texts, and nothing is left
        out.

    Returns
    -------
    kind : Kind
        What it holds.

    Raises
    ------
    TypeError
        If it holds anything but numbers, strings, categories, booleans, dates and
        durations.
    ValueError
        If it holds vectors.
    """
    told = _told_by(column, name)
    if told is None:
        raise TypeError(
            "The columns of X must hold numbers, booleans, strings, categories, dates "
            f"or durations. Got column {name!r} of dtype {column.dtype} instead."
        )
    if told in (NUMBERS, DATES):
        return Kind(told) if is_alone else _kind_of_numbers(column, name, told)
    counts = Counter(strings_of(column))
    if len(counts) < 2 and not is_alone:
        return Kind(CONSTANT)
    known = [value for value in counts if value is not None]
    if told == "strings":
        # A column of texts holds no lists of numbers, however short.
        least = 2 if is_alone and nested_type(column) else LEAST_VECTOR
        refuse_vectors(known, f"Column {name!r} of X", least)
        return _kind_of_strings(counts, is_alone, name)
    order = _order_of(column)
    if order is None:
        order = _order_of_form(known)
    return Kind(CATEGORIES if order is None else ORDERED, order, len(counts))


def as_numbers(
    X: Any,
    kind: str,
    formats: Sequence[str | None] | None = None,
    names: Sequence[Any] | None = None,
    nested: Collection[int] = (),
) -> NDArray[Any]:
    """Read columns that were fitted on as numbers or as dates, as floats.

    Parameters
    ----------
    X : {dataframe, array-like} of shape (n_samples, n_features)
        The columns.
    kind : {"numbers", "dates"}
        What they hold.
    formats : sequence of str or None, default=None
        How each column writes it, if it holds strings.
    names : sequence, default=None
        How errors and warnings name the columns of an array.
    nested : collection of int, default=()
        Positions of the columns that may hold lists or dicts, since they did in fit.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_features), dtype=float64 or float32
        As `floats_of` reads them.

    Raises
    ------
    TypeError
        If there are dates in place of numbers, or numbers in place of dates: their
        units are not the same. If there are lists or dicts in another column.
    """
    refuse_nested(X, nested, names)
    columns = columns_of(X)
    ways = formats or [None] * len(columns)
    numbers = []
    for name, column, how in zip(names_of(X, names), columns, ways, strict=True):
        told = _told_by(column, name)
        is_text = told in ("strings", CATEGORIES)
        read = floats_of(column, how if is_text else None)
        numbers.append(read)
        if told in (NUMBERS, DATES) and told != kind and not np.isnan(read).all():
            raise TypeError(
                f"Column {name!r} of X must hold {kind}, as it did in fit. Got {told} "
                "instead."
            )
        if is_text:
            _warn_of_words(name, strings_of(column), read, kind)
    return np.column_stack(numbers)


def _warn_of_words(
    name: Any, strings: NDArray[Any], read: NDArray[Any], kind: str
) -> None:
    words = Counter(
        text
        for text in strings[np.isnan(read)]
        if text is not None and text.strip().lower() not in _MISSING
    )
    if words:
        most = ", ".join(repr(word) for word, _ in words.most_common(3))
        warn_user(
            f"Column {name!r} of X holds {kind}, but {words.total()} of its "
            f"{len(strings)} values are none, and count as missing: {most}"
            f"{' and others' if len(words) > 3 else ''}."
        )


def _told_by(column: Any, name: Any) -> str | None:
    told = _kind_of_dtype(column)
    return _kind_of_values(column, name) if told == "values" else told


def _kind_of_dtype(column: Any) -> str | None:
    """Tell by the dtype; "values" if only the values can tell."""
    dtype = column.dtype
    if hasattr(dtype, "is_numeric"):  # polars
        name = str(dtype).partition("(")[0]
        if dtype.is_numeric():
            return NUMBERS
        told = {"Date": DATES, "Datetime": DATES, "Duration": NUMBERS}
        told |= {"Time": NUMBERS, "String": "strings", "Null": CATEGORIES}
        told |= dict.fromkeys(("Boolean", "Categorical", "Enum"), CATEGORIES)
        told |= dict.fromkeys(("List", "Array", "Struct"), "strings")
        return told.get(name, "values" if name == "Object" else None)
    if hasattr(dtype, CATEGORIES):
        return CATEGORIES
    named = {"StringDtype": "strings", "PeriodDtype": DATES}
    kinds = dict.fromkeys("iufm", NUMBERS) | {"b": CATEGORIES, "M": DATES}
    kinds |= dict.fromkeys("UT", "strings") | {"O": "values"}
    return named.get(type(dtype).__name__, kinds.get(dtype.kind))


def _kind_of_values(column: Any, name: Any) -> str | None:
    """Tell what the values of a column of objects are."""
    values = column.to_list() if hasattr(column, "to_list") else column.tolist()
    types = {type(value) for value in values if not is_null(value)}
    if np.timedelta64 in types:  # a whole number to NumPy
        types = types - {np.timedelta64} | {timedelta}
    numbers = Real, Decimal, np.number, timedelta, time
    for kind, classes in (
        ("strings", (str, bytes, UUID, Enum, *NESTED)),
        (CATEGORIES, (bool, np.bool_)),
        (NUMBERS, numbers),
        (DATES, (date, np.datetime64)),
    ):
        if all(issubclass(each, classes) for each in types):
            return kind
    allowed = str, bytes, UUID, Enum, np.bool_, *NESTED, *numbers[:3]
    if all(issubclass(each, allowed) for each in types):
        return "strings"
    legal = *allowed, *numbers, date, np.datetime64
    odd = sorted({each.__name__ for each in types if not issubclass(each, legal)})
    if not odd:
        found = ", ".join(sorted({each.__name__ for each in types}))
        raise TypeError(
            f"Column {name!r} of X must hold values of one kind. Got {found} instead."
        )
    raise TypeError(
        "The columns of X must hold numbers, booleans, strings, categories, dates or "
        f"durations. Got {', '.join(odd)} in column {name!r} instead."
    )


def _kind_of_numbers(column: Any, name: Any, told: str) -> Kind:
    values = floats_of(column)
    known = values[~np.isnan(values)]
    assert_all_finite(known, input_name=f"column {name!r} of X")
    if not known.size:
        return Kind(CONSTANT)
    with np.errstate(over="ignore"):
        span = known.max() - known.min()
    if span == 0:
        # All it tells is whether the value is missing.
        return Kind(CONSTANT if known.size == values.size else CATEGORIES, n_values=2)
    if told == NUMBERS and known.size == values.size:
        if known.size > 2 and np.array_equal(np.diff(known), np.ones(known.size - 1)):
            return Kind(ROW_NUMBER)
        if _is_key(known, span, name):
            return Kind(ID)
    return Kind(told)


def _is_key(values: NDArray[Any], span: float, name: Any) -> bool:
    """Tell whether whole numbers name the rows instead of measuring something."""
    n = values.size
    if n < _LEAST_ROWS or not np.array_equal(values, np.floor(values)):
        return False
    n_different = np.unique(values).size
    if _ID_NAME.search(str(name)):
        return n_different >= _ID_SHARE * n
    return n_different == n and n**2 / (2 * (span + 1)) > _EQUAL_PAIRS


def _order_of(column: Any) -> list[str] | None:
    dtype = column.dtype
    is_enum = str(dtype).startswith("Enum")  # of polars: all categories, in their order
    if not is_enum and not getattr(dtype, "ordered", False):
        return None
    # Several may be the same as strings.
    return list(dict.fromkeys(map(str, strings_of(dtype.categories))))


def _kind_of_strings(counts: Counter[str | None], is_alone: bool, name: Any) -> Kind:
    n_samples = counts.total() - counts[None]
    values = sorted(value for value in counts if value is not None)
    n_values = len(values)
    n_dates = sum(
        bool(_ISO_DATE.match(value)) and isinstance(read_plain(value), date)
        for value in values
    )
    if n_dates and n_dates >= _READ_SHARE * n_values:
        return Kind(DATES)
    how = find_format(values)
    if how is not None:
        return Kind(NUMBERS if writes_numbers(how) else DATES, how=how)
    if not is_alone:
        kind = _kind_of_form(values, counts, name)
        if kind is not None:
            return kind
    if is_alone or (
        n_values >= max(_LEAST_TEXTS, n_samples / 4) and _are_texts(values)
    ):
        return Kind(TEXT)
    if n_samples >= _LEAST_ROWS and n_values >= _ID_SHARE * n_samples:
        n_kinds = n_kinds_of_codes(values)
        if n_kinds:
            return Kind(CODES, n_values=n_kinds)
        return Kind(NAMES if are_names(values) else ID)
    return Kind(CATEGORIES, n_values=len(counts))


def _kind_of_form(
    values: list[str], counts: Counter[str | None], name: Any
) -> Kind | None:
    """Tell strings of several numbers, ranges and ranks, and postcodes."""
    known = [value for value in values if value.strip().lower() not in _MISSING]
    is_id = len(known) >= max(_ID_SHARE * counts.total(), _LEAST_ROWS)
    order = None if is_id else _order_of_form(values)
    if order is not None:
        return Kind(ORDERED, order, len(counts))
    parts = find_parts(known)
    if parts:
        how = find_form(known)
        return Kind(PARTS, n_values=len(parts), how=how, parts=parts)
    if len(known) > _MANY_CODES and all(map(str.isdecimal, known)):
        # "01234" is a number like "11234"; of few different ones each is a category.
        numbers = np.repeat(
            np.array(known, dtype=np.float64), [counts[value] for value in known]
        )
        is_key = _is_key(numbers, np.ptp(numbers), name)
        if not is_key and not are_drawn_evenly(numbers):
            return Kind(NUMBERS, how=POINT)
    return None


def _order_of_form(values: list[str]) -> list[str] | None:
    """Find an order, in which "none" may be the least."""
    for missing in (_MISSING - {"none"}, _MISSING):
        known = [value for value in values if value.strip().lower() not in missing]
        order = order_of_strings(known)
        if order is not None:
            return order
    return None


def _are_texts(values: list[str]) -> bool:
    """Tell whether most values are made of words that others use, too."""
    values = [values[i] for i in some_positions(len(values), _N_LOOKED_AT)]
    if has_no_spaces(values):
        return bool(np.median([len(value) for value in values]) >= _CHARACTERS)
    words = [set(_WORD.findall(value.lower())) for value in values]
    uses = Counter(word for each in words for word in each)
    shared = {w for w, n in uses.items() if 1 < n <= _USUAL_WORD * len(values)}
    return bool(np.mean([len(each & shared) >= _WORDS for each in words]) >= 1 / 2)
