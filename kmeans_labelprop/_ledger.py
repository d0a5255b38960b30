"""Who was asked for which label, and what is known: nothing given is lost."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from ._asking import (
    Ask,
    attach_answers,
    check_answers,
    check_index,
    labels_by_position,
)
from ._containers import check_container
from ._given import GivenLabels, KnownLabels, merge_labels
from ._labels import check_labels
from ._messages import stage
from ._representatives import best_samples


def check_source(oracle: Any, reuse_labels: bool, y: Any, caller: str) -> None:
    """Refuse parameters with which no label can come.

    Parameters
    ----------
    oracle : callable, "y" or None
        The propagator's parameter.
    reuse_labels : bool
        The propagator's parameter.
    y : array-like or None
        The labels handed to `fit`.
    caller : str
        Name of the class.

    Raises
    ------
    ValueError
        If there is neither an oracle nor y.
    TypeError
        If the oracle cannot be called with the samples to label.
    """
    if callable(oracle):
        _check_signature(oracle)
        return
    if not reuse_labels:
        raise ValueError(
            "The 'oracle' parameter must be a callable when reuse_labels=False. Got "
            f"{oracle!r} instead."
        )
    if y is None:
        raise ValueError(
            f"This {caller} estimator requires y to be passed, but the target y is "
            "None. Pass labels, or set the 'oracle' parameter."
        )


def _check_signature(oracle: Any) -> None:
    try:
        signature = inspect.signature(oracle)
    except (TypeError, ValueError):  # some that are compiled have none
        return
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(
            "The 'oracle' parameter must be callable as oracle(X_query), with the "
            f"samples to label as its only argument. Got {oracle!r}: {error}."
        ) from error


def plays_oracle(oracle: Any, y: Any, known: KnownLabels, missing_label: Any) -> bool:
    """Tell whether y plays the oracle, as in an experiment.

    Parameters
    ----------
    oracle : callable, "y" or None
        The propagator's parameter.
    y : array-like or None
        The labels handed to `fit`.
    known : KnownLabels
        Those that there are.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    plays_oracle : bool
        True with ``oracle="y"``, and without an oracle if y lacks no label.

    Raises
    ------
    ValueError
        If there is neither a label nor an oracle.
    """
    if callable(oracle):
        return False
    if not len(known):
        raise ValueError(
            "y must hold at least one label when there is no oracle. Got only "
            f"missing_label={missing_label!r} instead."
        )
    return oracle == "y" or len(known) == len(np.asarray(y))


def read_known(X: Any, y: Any, missing_label: Any) -> KnownLabels:
    """Take the labels that y holds.

    Parameters
    ----------
    X : object
        The samples.
    y : array-like of shape (n_samples,) or None
        Labels, ``missing_label`` where there is none.
    missing_label : object
        The value that marks a sample without a label.

    Returns
    -------
    known : KnownLabels
        The labels there are.

    Raises
    ------
    ValueError
        If y has another length or index than X, or is no target of classes.
    TypeError
        If y is a string.
    """
    check_container(X)
    if y is None:
        return KnownLabels(np.empty(0, dtype=np.intp), np.empty(0))
    if isinstance(y, str | bytes):
        raise TypeError(
            "y must be an array-like of labels, one for each sample. Got "
            f"{type(y).__name__} instead."
        )
    check_consistent_length(X, y)
    check_index(X, y, "y")
    labels, is_known = check_labels(y, missing_label)
    return KnownLabels(np.flatnonzero(is_known), labels)


class Ledger:
    """The labels of one clustering: known, asked for, answered.

    Parameters
    ----------
    known : KnownLabels
        The labels of y.
    queries : ndarray of shape (n_queries,), dtype=intp
        Positions to ask about first.

    Attributes
    ----------
    answers : dict of int to label or None
        What was answered, by position; None for an abstention or a withdrawal.
    asked : set of int
        Positions asked about, or answered unasked.
    is_asking : bool
        Whether an oracle is being asked now.
    told : BaseException or None
        What ended the asking; it has the answers.
    """

    def __init__(self, known: KnownLabels, queries: NDArray[np.intp]) -> None:
        self.known = known
        self.queries = queries
        self.answers: dict[int, Any] = {}
        self.is_asking = False
        self.told: BaseException | None = None
        self.asked: set[int] = set()

    @property
    def n_queries(self) -> int:
        """Number of samples asked about, or answered unasked."""
        return len(self.asked)

    @property
    def n_known(self) -> int:
        """Number of labels of y that no answer has replaced."""
        replaced = np.isin(self.known.positions, list(self.answers))
        return len(self.known) - int(replaced.sum())

    def ask_about(self, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """Note a question, and return it."""
        self.queries = positions
        self.asked.update(positions.tolist())
        return positions.copy()

    def done(self) -> NDArray[np.intp]:
        """Find the positions that nobody needs to be asked about any more."""
        return np.union1d(self.known.positions, list(self.answers)).astype(np.intp)

    def given(self) -> GivenLabels:
        """Put all labels there are together."""
        return merge_labels(self.known, self.answers)

    def with_labels(
        self, labels: Any, names: Any, n_samples: int, missing_label: Any
    ) -> Ledger:
        """Take more labels, or corrections, into a new ledger.

        Parameters
        ----------
        labels : array-like, Series or dict
            Labels by position or index, or in the order of the last question.
        names : pandas Index or None
            The index of the samples.
        n_samples : int
            Number of samples.
        missing_label : object
            Withdraws a label; in the order of the question: no answer yet.

        Returns
        -------
        ledger : Ledger
            The new one; this one stays as it is.
        """
        source = "propagate's labels"
        positions, values, is_explicit = labels_by_position(
            labels, self.queries, names, n_samples, source
        )
        checked = check_answers(values, len(positions), missing_label, source)
        ledger = copy(self)
        ledger.told = None
        ledger.answers = self.answers | {
            position: label
            for position, label in zip(positions, checked, strict=True)
            if is_explicit or label is not None
        }
        answered = {
            position
            for position, label in zip(positions, checked, strict=True)
            if label is not None
        }
        ledger.asked = self.asked | answered
        return ledger

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hand out the labels, which may have cost money, with whatever goes wrong."""
        try:
            yield
        except BaseException as error:
            self.is_asking = False  # should its own end have been cut short
            if error is not self.told:  # asking has told more exactly
                attach_answers(error, self.answers)
            raise

    def ask(
        self,
        ask: Ask,
        cluster_ids: NDArray[np.intp],
        distances: NDArray[np.float64],
        max_retries: int,
        verbose: int,
    ) -> None:
        """Ask the questions, and about other samples of a cluster without an answer.

        Parameters
        ----------
        ask : callable
            Called with positions; puts the answers into a dict.
        cluster_ids : ndarray of shape (n_samples,), dtype=intp
            The cluster of each sample.
        distances : ndarray of shape (n_samples,), dtype=float64
            Distance of each sample to its centre.
        max_retries : int
            How often other samples are asked about.
        verbose : int
            Whether to tell of the stage.
        """
        queries = self.queries
        last = queries.copy()
        place = {c: i for i, c in enumerate(cluster_ids[last].tolist())}
        for _ in range(max_retries + 1):
            with stage(f"asking the oracle for {len(queries)} labels", verbose):
                self.asked.update(queries.tolist())
                self.is_asking = True
                try:
                    ask(queries, self.answers)
                except BaseException as error:
                    self.told = error if hasattr(error, "answers") else None
                    raise
                finally:
                    self.is_asking = False
            for query, cluster in zip(queries, cluster_ids[queries], strict=True):
                if self.answers[int(query)] is not None:
                    last[place[int(cluster)]] = query  # it stands for the cluster now
            left = _others(queries, self.answers, self.asked, cluster_ids)
            if not len(left):
                break
            nobody = np.zeros(len(left), dtype=bool)
            best, _ = best_samples(cluster_ids[left], distances[left], nobody)
            queries = left[best]
        self.queries = last


class LedgerMixin:
    """What a propagator tells of its ledger."""

    _ledger: Ledger

    @property
    def answers_(self) -> dict[int, Any]:
        """Answers by position; None where there is none."""
        return self._ledger.answers

    @property
    def queries_(self) -> NDArray[np.intp]:
        """Positions asked about last."""
        return self._ledger.queries

    @property
    def n_known_(self) -> int:
        """Number of labels given that are those of y."""
        return self._ledger.n_known

    @property
    def n_queries_(self) -> int:
        """Number of samples asked about."""
        return self._ledger.n_queries

    def _refuse_while_asking(self) -> None:
        if hasattr(self, "_ledger") and self._ledger.is_asking:
            raise RuntimeError(
                f"This {type(self).__name__} is asking its oracle: the oracle, or "
                "another thread, must not use it until the answers are there."
            )


def _others(
    queries: NDArray[np.intp],
    answers: dict[int, Any],
    asked: set[int],
    cluster_ids: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Find the samples not asked about in clusters that have no answer."""
    abstained = [query for query in queries.tolist() if answers[query] is None]
    is_left = np.isin(cluster_ids, cluster_ids[abstained])
    is_left[list(asked)] = False
    return np.flatnonzero(is_left)
