"""Ask an oracle for labels, and check what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._containers import single_column
from ._labels import known_labels


def ask_oracle(
    oracle: Callable[[Any], ArrayLike],
    query: Any,
    n_queries: int,
    missing_label: Any,
    *,
    is_ids: bool = False,
) -> list[Any]:
    """Ask an oracle once for the labels of all samples queried.

    Parameters
    ----------
    oracle : callable
        Called as ``oracle(query)``; returns one label for each row.
    query : {array-like, sparse matrix, dataframe} of shape (n_queries, ...)
        The rows, or the ids, to label.
    n_queries : int
        Number of labels expected.
    missing_label : object
        What the oracle answers where it abstains.
    is_ids : bool, default=False
        Whether the query holds ids.

    Returns
    -------
    answers : list of length n_queries
        The labels; None for an abstention.

    Raises
    ------
    TypeError
        If the answer is not a one-dimensional array-like.
    ValueError
        If the answer has the wrong length, or an index other than the query's. What was
        answered, and may be paid for, is in the ``answers`` of the error.
    """
    keys = _keys_of(query, is_ids)  # first: the oracle may change its query
    try:
        answers = oracle(query)
        if isinstance(answers, Iterator):
            answers = list(answers)
    except Exception as error:
        error.add_note(
            f"Raised by the 'oracle' parameter, asked for {n_queries} label(s)."
        )
        raise
    shape = getattr(answers, "shape", None)
    is_column = isinstance(shape, tuple) and shape[1:] == (1,)
    try:
        in_order = in_order_of_keys(
            single_column(answers) if is_column else answers, keys
        )
        return check_answers(in_order, n_queries, missing_label, "the oracle")
    except (TypeError, ValueError) as error:
        error.answers = answers  # type: ignore[union-attr]
        error.add_note("The labels answered are in the 'answers' of this error.")
        raise


def _keys_of(query: Any, is_ids: bool) -> list[list[Any]]:
    """List what names the samples asked about, as far as it tells them apart."""
    keys = [list(single_column(query))] if is_ids else []
    if hasattr(query, "iloc"):
        keys.append(list(query.index))
    return [names for names in keys if _are_distinct(names)]


def _are_distinct(names: list[Any]) -> bool:
    try:
        return len(set(names)) == len(names)
    except TypeError:  # some cannot be hashed, so that no index can hold them
        return False


def in_order_of_keys(answers: Any, keys: Sequence[list[Any]]) -> Any:
    """Bring labels that say what they are of into the order of the question.

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
        else as it is, also with the index 0, 1, 2, ...: it is that of a series that was
        given none.

    Raises
    ------
    ValueError
        If the index holds other names, or the numbers from 0 on where these are names
        in another order.
    """
    if not hasattr(answers, "iloc"):
        return answers
    index = list(answers.index)
    if not keys or len(index) != len(keys[0]) or index in keys:
        return answers  # a wrong length has an error of its own
    has_none = index == list(range(len(index)))
    same = [names for names in keys if set(names) == set(index)]
    if has_none and not same:
        return answers
    if has_none or not same:
        raise ValueError(
            "The answer of the oracle must have the index of what it was asked for, "
            f"{_beginning(keys[0])}, or be an array in that order. "
            f"Got the index {_beginning(index)} instead."
        )
    position_of = {name: position for position, name in enumerate(index)}
    return answers.iloc[[position_of[name] for name in same[0]]]


def _beginning(names: list[Any]) -> str:
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
        Who answered, for the error messages.

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
            f"The answer of {source} {legal}. Got {type(answers).__name__} instead."
        )
    if not hasattr(answers, "shape"):
        # np.asarray would turn [1, "a"] into strings.
        items = list(answers)
        answers = np.empty(len(items), dtype=object)
        answers[:] = items
    if len(answers.shape) != 1:
        raise TypeError(
            f"The answer of {source} {legal}. "
            f"Got an array of shape {answers.shape} instead."
        )
    if len(answers) != n_queries:
        raise ValueError(
            f"The answer of {source} {legal}. Got {len(answers)} label(s) instead."
        )
    if isinstance(answers, np.ndarray) and any(np.ndim(answer) for answer in answers):
        raise TypeError(f"The answer of {source} {legal}. Got nested labels instead.")
    labels, known = known_labels(answers, missing_label)
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        # No class is NaN, whatever the missing_label.
        known[known] = ~np.isnan(labels)
        labels = labels[~np.isnan(labels)]
    checked: list[Any] = [None] * n_queries
    for position, label in zip(np.flatnonzero(known), labels, strict=True):
        checked[position] = label
    return checked


def is_by_position(labels: Any, positions: NDArray[np.intp]) -> bool:
    """Tell whether the index of a series says which sample each label is of.

    Parameters
    ----------
    labels : object
        The labels.
    positions : ndarray of shape (n_queries,), dtype=intp
        Positions of the samples that were to be labelled.

    Returns
    -------
    is_by_position : bool
        True for a pandas Series with these positions for its index, in any order. The
        index 0, 1, 2, ... is that of a series that was given none: it is in order.
    """
    if not hasattr(labels, "iloc"):
        return False
    index = list(labels.index)
    return set(index) == set(positions.tolist()) and index != list(range(len(index)))
