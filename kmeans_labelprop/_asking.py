"""Ask an oracle for labels, and check what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from itertools import islice
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_consistent_length

from ._containers import in_memory, single_column, take_rows
from ._given import KnownLabels
from ._labels import is_missing_item, label_vector, split_labels
from ._messages import noting

# Puts the answers to questions into a dict, by position; None for an abstention.
Ask = Callable[[NDArray[np.intp], dict[int, Any]], None]


def ask_oracle(
    oracle: Callable[[Any], ArrayLike],
    query: Any,
    positions: NDArray[np.intp],
    missing_label: Any,
    answers: dict[int, Any],
    *,
    is_ids: bool = False,
) -> None:
    """Ask an oracle once for the labels of all samples queried.

    Parameters
    ----------
    oracle : callable
        Called as ``oracle(query)``; returns, or yields, one label for each row.
    query : {array-like, sparse matrix, dataframe} of shape (n_queries, ...)
        The rows, or the ids, to label.
    positions : ndarray of shape (n_queries,), dtype=intp
        The position of each.
    missing_label : object
        What the oracle answers where it abstains.
    answers : dict of int to label or None
        Takes each answer as soon as it is there; None for an abstention.
    is_ids : bool, default=False
        Whether the query holds ids.

    Raises
    ------
    TypeError
        If the answer is not a one-dimensional array-like.
    ValueError
        If the answer has the wrong length, or an index other than the query's.

    Notes
    -----
    Any error that ends it, also an interruption, has the labels answered so far, which
    may be paid for, in its ``answers``: by position, or as they came if they cannot be
    matched.
    """
    n_queries = len(positions)
    received: Any = None
    keys: list[list[Any]] = []
    places = positions.tolist()
    try:
        keys = _keys_of(query, is_ids)  # first: the oracle may change its query
        note = f"Raised by the 'oracle' parameter, asked for {n_queries} label(s)."
        with noting(note):
            received = oracle(query)
            received = in_memory(received)
            if isinstance(received, Iterator):
                # In one call, so that no interruption comes between label and place.
                answers.update(zip(places, received, strict=False))
                yielded = [answers[place] for place in places if place in answers]
                received = [*yielded, *islice(received, 1)]  # whether there are more
        in_order = in_order_of_keys(_as_column(received), keys)
        checked = check_answers(
            in_order, n_queries, missing_label, "the answer of the oracle"
        )
        answers.update(zip(places, checked, strict=True))
    except BaseException as error:
        if not isinstance(error, TypeError | ValueError):  # it may be all right
            answers.update(_matched(received, keys, places))
        is_stored = all(place in answers for place in places)
        if isinstance(received, list) and len(received) > n_queries:
            is_stored = False  # one too many
        is_partial = received is None or isinstance(received, Iterator)
        attach_answers(error, answers if is_stored or is_partial else received)
        _mark_abstentions(answers, places, missing_label)
        raise


def _as_column(received: Any) -> Any:
    shape = getattr(received, "shape", None)
    is_column = isinstance(shape, tuple) and shape[1:] == (1,)
    return single_column(received) if is_column else received


def _matched(received: Any, keys: list[list[Any]], places: list[int]) -> dict[int, Any]:
    """Match unchecked answers with positions; return none if that is impossible."""
    try:
        column = in_order_of_keys(_as_column(received), keys)
    except (TypeError, ValueError):
        return {}
    is_plain = isinstance(column, list | tuple) or (
        len(getattr(column, "shape", ())) == 1
    )
    if not is_plain or len(column) != len(places):
        return {}
    return dict(zip(places, column, strict=True))


def _mark_abstentions(
    answers: dict[int, Any], places: list[int], missing_label: Any
) -> None:
    """Tell abstentions among answers that were stored as they came."""
    for place in places:
        with suppress(Exception):  # not comparable: no mark
            if place in answers and is_missing_item(answers[place], missing_label):
                answers[place] = None


def attach_answers(error: BaseException, answers: Any) -> None:
    """Attach the labels answered to the error that ends a fit.

    Parameters
    ----------
    error : BaseException
        What was raised.
    answers : object
        The labels, by position or as they came. Nothing is attached if there are none,
        and what an earlier fit attached is taken off.
    """
    note = "The labels answered are in the 'answers' of this error."
    if answers is None or (isinstance(answers, Mapping) and not answers):
        if note in getattr(error, "__notes__", ()):
            error.__notes__.remove(note)
            del error.answers  # type: ignore[attr-defined]
        return
    with suppress(Exception):  # one that takes no attributes; `answers_` has them, too
        error.answers = answers  # type: ignore[attr-defined]
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)


def _keys_of(query: Any, is_ids: bool) -> list[list[Any]]:
    """List what names the samples asked about."""
    keys = [list(single_column(query))] if is_ids else []
    if hasattr(query, "iloc"):
        keys.append(list(query.index))
    return [names for names in keys if _count(names)]


def _are_distinct(names: list[Any]) -> bool:
    return _count(names) == len(names)


def _count(names: list[Any]) -> int:
    """Count different names; 0 if some cannot be hashed: no index can hold them."""
    try:
        return len(set(names))
    except TypeError:
        return 0


def in_order_of_keys(answers: Any, keys: Sequence[list[Any]]) -> Any:
    """Bring labels with an index into the order of the question.

    Tables are looked up in an order of their own.

    Parameters
    ----------
    answers : object
        The labels.
    keys : sequence of list
        Names of the samples asked about, in that order; any of them will do.

    Returns
    -------
    answers : object
        A pandas Series in the order of the names if its index holds these. Anything
        else as it is, also a Series with the index 0, 1, 2, ..., which pandas gives to
        one without an index.

    Raises
    ------
    ValueError
        If the index holds other names, or is 0, 1, 2, ... where the names are the same
        numbers in another order; if names repeat, and it is not the same in order.
    """
    if not hasattr(answers, "iloc"):
        return answers
    index = list(answers.index)
    if not keys or len(index) != len(keys[0]) or index in keys:
        return answers  # a wrong length has an error of its own
    has_none = index == list(range(len(index)))
    same = [n for n in keys if _are_distinct(n) and set(n) == set(index)]
    if has_none and not same:
        return answers
    if has_none or not same:
        raise ValueError(
            "The answer of the oracle must have the index of what it was asked for, "
            f"{_preview(keys[0])}, in that order where some of these are the same; or "
            "be an array in that order. "
            f"Got the index {_preview(index)} instead."
        )
    position_of = {name: position for position, name in enumerate(index)}
    return answers.iloc[[position_of[name] for name in same[0]]]


def _preview(names: list[Any]) -> str:
    items = [str(name) for name in names[:5]]
    return ", ".join([*items, "..."] if len(names) > 5 else items)


def check_answers(
    answers: Any, n_queries: int, missing_label: Any, source: str
) -> list[Any]:
    """Check that there is one answer for each question.

    Parameters
    ----------
    answers : array-like of shape (n_queries,)
        The labels; ``missing_label``, None or NaN for an abstention.
    n_queries : int
        Number of labels expected.
    missing_label : object
        What stands for an abstention.
    source : str
        What the labels are, for the error messages.

    Returns
    -------
    answers : list of length n_queries
        The labels; None for an abstention.

    Raises
    ------
    TypeError
        If the answers are not a one-dimensional array-like.
    ValueError
        If there are not ``n_queries`` answers.
    """
    legal = f"must be a one-dimensional array-like of {n_queries} label(s)"
    if isinstance(answers, str | bytes | Mapping | Set) or not isinstance(
        answers, Iterable
    ):
        raise TypeError(
            f"{source.capitalize()} {legal}. Got {type(answers).__name__} instead."
        )
    if not hasattr(answers, "shape"):
        # np.asarray would turn [1, "a"] into strings.
        answers = label_vector(list(answers))
    if len(answers.shape) != 1:
        raise TypeError(
            f"{source.capitalize()} {legal}. "
            f"Got an array of shape {answers.shape} instead."
        )
    if len(answers) != n_queries:
        raise ValueError(
            f"{source.capitalize()} {legal}. Got {len(answers)} label(s) instead."
        )
    if isinstance(answers, np.ndarray) and any(np.ndim(answer) for answer in answers):
        raise TypeError(f"{source.capitalize()} {legal}. Got nested labels instead.")
    labels, known = split_labels(answers, missing_label)
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        # No class is NaN, whatever the missing_label.
        known[known] = ~np.isnan(labels)
        labels = labels[~np.isnan(labels)]
    checked: list[Any] = [None] * n_queries
    for position, label in zip(np.flatnonzero(known), labels, strict=True):
        checked[position] = label
    return checked


def answer_by(y: KnownLabels) -> Ask:
    """Let y play the oracle.

    Parameters
    ----------
    y : KnownLabels
        The labels of y.

    Returns
    -------
    answer : callable
        Called with positions and a dict that takes the answers; None for what y lacks.
    """

    def answer(queries: NDArray[np.intp], answers: dict[int, Any]) -> None:
        places = np.minimum(np.searchsorted(y.positions, queries), len(y) - 1)
        for query, place in zip(queries.tolist(), places.tolist(), strict=True):
            is_known = y.positions[place] == query
            answers[query] = y.labels[place] if is_known else None

    return answer


def answer_by_oracle(
    oracle: Callable[[Any], ArrayLike], asked: Any, missing_label: Any, is_ids: bool
) -> Ask:
    """Let an oracle answer.

    Parameters
    ----------
    oracle : callable
        Called as ``oracle(query)``.
    asked : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The rows, or the ids, of all samples.
    missing_label : object
        What the oracle answers where it abstains.
    is_ids : bool
        Whether these are ids.

    Returns
    -------
    answer : callable
        Called with positions and a dict that takes the answers.
    """

    def answer(queries: NDArray[np.intp], answers: dict[int, Any]) -> None:
        rows = take_rows(asked, queries)
        ask_oracle(oracle, rows, queries, missing_label, answers, is_ids=is_ids)

    return answer


def labels_by_position(
    labels: Any,
    asked: NDArray[np.intp],
    names: Any,
    n_samples: int,
    source: str,
    named: NDArray[np.intp] | None = None,
) -> tuple[list[int], Any, bool]:
    """Find the sample that each label belongs to.

    Parameters
    ----------
    labels : array-like, Series or dict
        Labels by position, or with an index, or in the order of ``asked``.
    asked : ndarray of shape (n_asked,), dtype=intp
        Positions in the order of the question.
    names : iterable of object, or None
        The index of the samples, if they have one of their own.
    n_samples : int
        Number of samples.
    source : str
        Where the labels come from, for the error messages.
    named : ndarray of shape (n_names,), dtype=intp, default=None
        Positions of the samples that the names belong to; None for all in order.

    Returns
    -------
    positions : list of int
        The position of each label.
    labels : object
        The labels in this order.
    is_explicit : bool
        Whether the labels themselves say which samples they belong to.

    Raises
    ------
    ValueError
        If a position or an index does not belong to a sample.
    """
    labels = in_memory(list(labels) if isinstance(labels, Iterator) else labels)
    if isinstance(labels, Mapping):
        keys = list(labels)
        are_names = names is not None and not any(is_whole(key) for key in keys)
        if are_names and keys and set(keys) <= set(names):
            return _places_of(keys, names, source, named), [*labels.values()], True
        return _check_positions(keys, n_samples, source), list(labels.values()), True
    if not hasattr(labels, "iloc"):
        return asked.tolist(), single_column(labels), False
    if len(labels.shape) == 2 and labels.shape[1] != 1:
        raise ValueError(
            f"{source[0].upper()}{source[1:]} must be a single column. Got the columns "
            f"{_preview(list(labels.columns))}."
        )
    labels = single_column(labels)
    index = list(labels.index)
    if not _are_distinct(index):
        raise ValueError(
            f"The index of {source} must have each sample once. Got "
            f"{_preview(index)} instead."
        )
    by_name = names is not None and set(index) <= set(names)
    by_position = all(is_whole(key) and 0 <= key < n_samples for key in index)
    readings = [_places_of(index, names, source, named)] if by_name else []
    if by_position or not by_name:
        readings.append(_check_positions(index, n_samples, source))
    if len(readings) == 2 and readings[0] == readings[1]:
        return readings[0], labels, True
    fitting = [places for places in readings if set(places) == set(asked.tolist())]
    if len(fitting) == 1:
        return fitting[0], labels, True  # it holds what was asked about
    # Numbers: positions, names of rows, or what pandas gives to one without an index.
    is_plain = set(index) == set(range(len(index)))
    has_numbers = names is not None and any(isinstance(name, Number) for name in names)
    if index and (fitting or (by_position and (has_numbers or is_plain))):
        raise ValueError(
            f"The index of {source}, {_preview(index)}, is ambiguous: it may hold "
            "positions, the index of the rows of X, or the default index of a series. "
            "Pass a dict by position, or an array in the order of the question."
        )
    return readings[0], labels, True


def is_whole(key: Any) -> bool:
    """Tell whether a key can be a position."""
    return isinstance(key, int | np.integer) and not isinstance(key, bool)


def _places_of(
    index: list[Any], names: Any, source: str, named: NDArray[np.intp] | None
) -> list[int]:
    all_names = list(names)
    if not _are_distinct(all_names):
        raise ValueError(
            f"The index of {source} must tell the samples apart. Got "
            f"{_preview(index)}, some of them more than once, here or in X."
        )
    positions = range(len(all_names)) if named is None else named.tolist()
    place = dict(zip(all_names, positions, strict=True))
    return [place[name] for name in index]


def _check_positions(keys: list[Any], n_samples: int, source: str) -> list[int]:
    unknown = [key for key in keys if not (is_whole(key) and 0 <= key < n_samples)]
    if unknown:
        # JSON makes strings of the keys of a dict: '5' is not 5.
        shown = [repr(key) if isinstance(key, str) else key for key in unknown]
        hint = " In a dict numbers are no names of rows; in a Series they may be."
        raise ValueError(
            f"The positions of {source} must be whole numbers from 0 to "
            f"{n_samples - 1}, or all be names of the rows of X. Got "
            f"{_preview(shown)} instead.{hint if any(map(is_whole, unknown)) else ''}"
        )
    return [int(key) for key in keys]


def check_beside(X: Any, column: Any, name: str) -> None:
    """Refuse a column that does not hold one value for each sample, in their order.

    Parameters
    ----------
    X : object
        The samples.
    column : array-like of shape (n_samples,) or None
        One value for each; None for no column.
    name : str
        What the column is, for the error message.

    Raises
    ------
    ValueError
        If its length or its index is not that of X.
    """
    if column is not None:
        check_consistent_length(X, column)
        check_index(X, column, name)


def check_index(X: Any, column: Any, name: str, of: str = "X") -> None:
    """Refuse a column whose index is that of other rows, or in another order.

    Parameters
    ----------
    X : object
        The samples.
    column : object
        One value for each; nothing is checked unless both have an index. The index
        0, 1, 2, ... counts as none, unless X has the same numbers in another order.
    name : str
        What the column is, for the error message.
    of : str, default="X"
        What the samples are, likewise.

    Raises
    ------
    ValueError
        If the indexes differ.
    """
    if not (hasattr(X, "iloc") and hasattr(column, "iloc")):
        return
    # Those of Dask are not there yet.
    if hasattr(X.index, "equals") and not X.index.equals(column.index):
        check_names(X.index, column, name, of)


def check_names(names: Any, column: Any, name: str, of: str = "X") -> None:
    """Refuse a column whose index is not the names of the samples, in their order.

    Parameters
    ----------
    names : iterable of object, or None
        The names; None if the samples have none.
    column : object
        One value for each sample; nothing is checked unless it has an index.
    name : str
        What the column is, for the error message.
    of : str, default="X"
        What the samples are, likewise.

    Raises
    ------
    ValueError
        If the index differs from the names.
    """
    if names is None or not hasattr(column, "iloc"):
        return
    rows, own = list(names), list(column.index)
    if len(rows) != len(own) or rows == own:
        return  # a wrong length has an error of its own
    is_plain = own == list(range(len(own)))
    if is_plain and set(rows) != set(own):
        return
    raise ValueError(
        f"The index of {name} must be that of {of}, in the same order. Got "
        f"{_preview(own)}, and in {of} {_preview(rows)}. Bring them into one order "
        f"with {name}.loc[{of}.index], or pass an array."
    )
