"""Ask an oracle for labels, and check what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._containers import single_column
from ._labels import known_labels


def ask_oracle(
    oracle: Callable[[Any], ArrayLike], query: Any, n_queries: int, missing_label: Any
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
    try:
        answers = oracle(query)
    except Exception as error:
        error.add_note(
            f"Raised by the 'oracle' parameter, asked for {n_queries} label(s)."
        )
        raise
    is_column = getattr(answers, "shape", ())[1:] == (1,)
    try:
        in_order = in_order_of_query(
            single_column(answers) if is_column else answers, query
        )
        return check_answers(in_order, n_queries, missing_label, "the oracle")
    except (TypeError, ValueError) as error:
        error.answers = answers  # type: ignore[union-attr]
        error.add_note("The labels answered are in the 'answers' of this error.")
        raise


def in_order_of_query(answers: Any, query: Any) -> Any:
    """Bring labels that say which row or id they are of into the order of the query.

    Tables are looked up in an order of their own.

    Parameters
    ----------
    answers : object
        The labels.
    query : {array-like, sparse matrix, dataframe} of shape (n_queries, ...)
        The rows, or the ids, to label.

    Returns
    -------
    answers : object
        A pandas Series in the order of the query if its index holds the query's index,
        or the ids. Anything else as it is. The index 0, 1, 2, ... is that of a series
        that was given none: it is in order.

    Raises
    ------
    ValueError
        If both have an index, and these differ.
    """
    if not hasattr(answers, "iloc"):
        return answers
    index = list(answers.index)
    if index == list(range(len(index))):
        return answers
    keys = [list(query.index)] if hasattr(query, "iloc") else []
    is_list = isinstance(query, list) and all(np.isscalar(key) for key in query)
    if is_list or len(getattr(query, "shape", ())) == 1:
        keys.append(list(query))
    if index in keys:
        return answers
    for wanted in keys:
        if len(set(wanted)) == len(wanted) == len(index) and set(index) == set(wanted):
            position_of = {key: position for position, key in enumerate(index)}
            return answers.iloc[[position_of[key] for key in wanted]]
    # That many labels of other rows; another number of them has an error of its own.
    if hasattr(query, "iloc") and len(index) == len(query):
        raise ValueError(
            "The answer of the oracle must have the index of what it was asked for, "
            f"{_beginning(query.index)}, or be an array in that order. "
            f"Got the index {_beginning(index)} instead."
        )
    return answers


def _beginning(index: Any) -> str:
    items = [str(item) for item in list(index)[:5]]
    return ", ".join([*items, "..."] if len(index) > 5 else items)


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
