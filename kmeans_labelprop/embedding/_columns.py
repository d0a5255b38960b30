"""Columns of tables of any library, read as numbers or as strings."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._containers import holds_numbers
from .._labels import is_null
from ._formats import read_as

_EPOCH = datetime(1970, 1, 1)
# What databases and logs write after the time: UTC, +0000, or both.
_ZONE = re.compile(r"(?<=\d)( [-+]\d\d:?\d\d)?( [A-Z]{3,4})?$")
# As Python, databases and spreadsheets write them.
_BOOLEANS = dict.fromkeys(("True", "true", "TRUE"), "1")
_BOOLEANS |= dict.fromkeys(("False", "false", "FALSE"), "0")
#: Tags and records, as JSON and Parquet have them.
NESTED = list, tuple, set, frozenset, dict, np.ndarray


def is_frame(X: Any) -> bool:
    """Tell whether X is a DataFrame of pandas or polars."""
    return hasattr(X, "columns") and hasattr(X, "dtypes") and len(X.shape) == 2


def columns_of(X: Any) -> list[Any]:
    """List the columns of a DataFrame or of an array of two dimensions."""
    if hasattr(X, "iloc"):
        return [X.iloc[:, position] for position in range(X.shape[1])]
    if is_frame(X):
        return list(X.get_columns())
    return list(np.asarray(X, dtype=object).T)


def as_strings(
    X: Any, nested: Collection[int] = (), names: Sequence[Any] | None = None
) -> NDArray[Any]:
    """Read columns as strings.

    Parameters
    ----------
    X : {dataframe, array-like} of shape (n_samples, n_features)
        The columns.
    nested : collection of int, default=()
        Positions of the columns that may hold lists or dicts, since they did in fit.
    names : sequence, default=None
        How an error names the columns of an array.

    Returns
    -------
    strings : ndarray of shape (n_samples, n_features), dtype=object
        The strings; what is missing is None.

    Raises
    ------
    TypeError
        If there are lists or dicts in another column: [1] is not the category 1.
    """
    refuse_nested(X, nested, names)
    return np.column_stack([strings_of(column) for column in columns_of(X)])


def refuse_nested(
    X: Any, nested: Collection[int] = (), names: Sequence[Any] | None = None
) -> None:
    """Refuse lists, dicts and arrays in columns where fit saw single values.

    Parameters
    ----------
    X : {dataframe, array-like} of shape (n_samples, n_features)
        The columns.
    nested : collection of int, default=()
        Positions of the columns that may hold lists or dicts, since they did in fit.
    names : sequence, default=None
        How an error names the columns of an array.

    Raises
    ------
    TypeError
        If there are some in another column.
    """
    columns = zip(names_of(X, names), columns_of(X), strict=True)
    for position, (name, column) in enumerate(columns):
        found = None if position in nested else nested_type(column)
        if found is not None:
            raise TypeError(
                f"Column {name!r} of X must hold single values, as it did in fit. Got "
                f"{found} instead."
            )


def names_of(X: Any, names: Sequence[Any] | None) -> Sequence[Any]:
    """Name the columns of a DataFrame, or of an array that is a part of X."""
    if is_frame(X):
        return list(X.columns)
    return range(np.shape(X)[1]) if names is None else names


def nested_type(column: Any) -> str | None:
    """Name the type of the first list, dict or the like in a column."""
    if holds_numbers(getattr(column, "dtype", np.dtype(object))):
        return None
    values = column.to_list() if hasattr(column, "to_list") else column
    return next((type(v).__name__ for v in values if isinstance(v, NESTED)), None)


def floats_of(column: Any, how: str | None = None) -> NDArray[Any]:
    """Read one column, or values in an array or a list, as numbers.

    Parameters
    ----------
    column : series, ndarray or list
        Numbers, dates, durations, or strings of any of these.
    how : str or None, default=None
        How strings are written, as `find_format` tells; None for plain numbers and
        dates of ISO 8601.

    Returns
    -------
    numbers : ndarray of shape (n_samples,), dtype=float64 or float32
        The numbers; what is missing is NaN, dates and durations are in seconds.
    """
    if how is not None:
        texts = strings_of(column)
        read = {text: read_as(text, how) for text in set(texts) - {None}}
        # In another table they may be numbers or dates, or strings of such.
        return np.array(
            [_number(text if (v := read.get(text)) is None else v) for text in texts],
            dtype=np.float64,
        )
    dtype = getattr(column, "dtype", None)
    if hasattr(column, "to_physical"):  # polars
        return _floats_of_polars(column)
    arrow = str(getattr(dtype, "pyarrow_dtype", ""))  # its dates are no time stamps
    kind = getattr(dtype, "kind", "O")
    if kind == "M" and not arrow.startswith("date"):
        if arrow or getattr(dtype, "tz", None) is not None:
            column = column.dt.tz_localize(None)
        stamps = np.asarray(column, dtype="datetime64[us]")
        return _seconds(stamps - np.datetime64(0, "us"))
    if kind == "m":
        return _seconds(np.asarray(column, dtype="timedelta64[us]"))
    if kind in "biuf":
        if isinstance(dtype, np.dtype):
            wanted = np.float32 if dtype == np.float32 else np.float64
            return np.asarray(column, dtype=wanted)
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.array([_number(value) for value in column], dtype=np.float64)


def _floats_of_polars(column: Any) -> NDArray[Any]:
    name = str(column.dtype).partition("(")[0]
    if name in ("Date", "Datetime"):
        naive = column.dt.replace_time_zone(None) if name == "Datetime" else column
        return np.asarray(naive.dt.epoch("us").to_numpy(), dtype=np.float64) / 1e6
    if name == "Duration":
        return np.asarray(column.dt.total_microseconds().to_numpy(), np.float64) / 1e6
    if column.dtype.is_numeric() and name not in ("Decimal", "Int128", "UInt128"):
        wanted = np.float32 if name == "Float32" else np.float64
        return np.asarray(column.to_numpy(), dtype=wanted)
    return np.array([_number(value) for value in column.to_list()], dtype=np.float64)


def _seconds(durations: NDArray[Any]) -> NDArray[Any]:
    return durations / np.timedelta64(1, "s")


def _number(value: Any) -> float:
    if isinstance(value, str | bytes):
        value = read_plain(_string(value))
    if is_null(value):
        return np.nan
    if isinstance(value, np.datetime64 | np.timedelta64):
        value = value.astype(f"{value.dtype.kind}8[us]").item()
    value = getattr(value, "start_time", value)  # of a pandas Period
    if isinstance(value, time):
        value = datetime.combine(_EPOCH, value)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None) - _EPOCH  # the time on the clock
    elif isinstance(value, date):
        value -= _EPOCH.date()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, complex | np.complexfloating):
        raise TypeError(f"X must be real numbers. Got {value!r} instead.")
    try:
        return float(value)
    except OverflowError:  # a whole number beyond those of float64
        return np.inf if value > 0 else -np.inf


def read_plain(text: str) -> float | datetime | None:
    """Read a number, or a date as ISO 8601 writes it, or nearly so.

    Parameters
    ----------
    text : str
        The string.

    Returns
    -------
    value : float, datetime or None
        A date with the time on its clock; None for other strings.
    """
    text = text.strip().replace("/", "-")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(_ZONE.sub("", text))
    except ValueError:
        return None


def strings_of(column: Any) -> NDArray[Any]:
    """Read one column, or values in an array or a list, as strings."""
    values = column.to_list() if hasattr(column, "to_list") else list(column)
    values = [_joined(value) for value in values]
    try:
        different = set(values)
    except TypeError as error:
        raise TypeError(
            "X must hold strings, numbers, dates or missing values. Got something else "
            f"in a column of strings or categories instead: {error}."
        ) from error
    read = {v: None if is_null(v) else _string(v) for v in different}
    strings = np.empty(len(values), dtype=object)
    strings[:] = [read[value] for value in values]
    return strings


def _joined(value: Any) -> Any:
    """Read a list of tags, or a record of JSON, as the words that it holds."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=str)
    if isinstance(value, list | tuple):
        return ", ".join(str(_joined(each)) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_joined(value[key])}" for key in value)
    return _string(value) if isinstance(value, bytes) else value


def _string(value: Any) -> str:
    # The same number may be an integer in one table and a float in another, and the
    # same answer True, 1, or "True".
    if isinstance(value, Integral | np.bool_):
        return str(int(value))
    is_real = isinstance(value, Real | Decimal) and math.isfinite(value)
    if is_real and value == int(value):
        return str(int(value))
    is_bytes = isinstance(value, bytes)  # those that differ stay so
    text = value.decode("utf-8", "surrogateescape") if is_bytes else str(value)
    return _BOOLEANS.get(text, text)
