"""Who was asked for which label, and what is known: nothing given is lost."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from ._asking import (
    Ask,
    attach_answers,
    check_answers,
    check_beside,
    labels_by_position,
)
from ._containers import check_container
from ._engine import Clusters, copies_of, costs_of_asking
from ._given import GivenLabels, KnownLabels, merge_labels
from ._labels import check_labels, check_vector, count_marks, warn_of_marks
from ._messages import stage, warn_user
from ._representatives import best_samples
from ._validation import POSITIVE, check_parameters

_LABELS_FIRST = "This %(name)s has no labels yet: call 'propagate' or 'fit' first."


def check_source(oracle: Any, reuse_labels: bool, y: Any, caller: str) -> None:
    """Refuse parameters with which there can be no label.

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
        The labels that y holds.
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
        If y is no array-like.

    Warns
    -----
    UserWarning
        With the default mark, -1: if y holds nulls, too, so that -1 may be a class; if
        y lacks no label, and a class is called like what often marks missing ones.
    """
    check_container(X)
    if y is None:
        return KnownLabels(np.empty(0, dtype=np.intp), np.empty(0))
    check_vector(y)
    check_beside(X, y, "y")
    labels, is_known = check_labels(y, missing_label)
    warn_of_marks(count_marks(y, labels, is_known), missing_label)
    return KnownLabels(np.flatnonzero(is_known), labels)


@dataclass(eq=False)
class Ledger:
    """The labels of one clustering: known, asked for, answered.

    Attributes
    ----------
    known : KnownLabels
        The labels of y.
    queries : ndarray of shape (n_queries,), dtype=intp
        Positions asked about last, or to ask about first.
    answers : dict of int to label or None
        What was answered, by position; None for an abstention or a withdrawal.
    asked : set of int
        Positions asked about, or answered unasked.
    is_asking : bool
        Whether an oracle is being asked now.
    """

    known: KnownLabels
    queries: NDArray[np.intp]
    answers: dict[int, Any] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    is_asking: bool = False

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
        self,
        labels: Any,
        names: Any,
        n_samples: int,
        missing_label: Any,
        named: NDArray[np.intp] | None = None,
    ) -> Ledger:
        """Take more labels, or corrections, into a new ledger.

        Parameters
        ----------
        labels : array-like, Series or dict
            Labels by position or index, or in the order of the last question.
        names : iterable of object, or None
            The index of the samples.
        n_samples : int
            Number of samples.
        missing_label : object
            Withdraws a label; in the order of the question: no answer yet.
        named : ndarray of shape (n_names,), dtype=intp, default=None
            Positions of the samples that the names belong to; None for all in order.

        Returns
        -------
        ledger : Ledger
            The new one; this one stays as it is.
        """
        source = "the labels given to propagate"
        positions, values, is_explicit = labels_by_position(
            labels, self.queries, names, n_samples, source, named
        )
        checked = check_answers(values, len(positions), missing_label, source)
        taken = dict(zip(positions, checked, strict=True))
        answered = {p: label for p, label in taken.items() if label is not None}
        answers = self.answers | (taken if is_explicit else answered)
        return replace(self, answers=answers, asked=self.asked | answered.keys())

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Attach the labels, which may have cost money, to any error."""
        try:
            yield
        except BaseException as error:
            # An error of the asking has its answers; another may have those of a run
            # before this one.
            if not (self.is_asking and hasattr(error, "answers")):
                attach_answers(error, self.answers)
            self.is_asking = False
            raise

    def ask(self, ask: Ask, queries: NDArray[np.intp], verbose: int) -> None:
        """Ask questions, and take what is answered, whatever ends it.

        Errors are for `attached` to handle.

        Parameters
        ----------
        ask : callable
            Called with positions; puts the answers into a dict.
        queries : ndarray of shape (n_queries,), dtype=intp
            The positions.
        verbose : int
            Whether to tell of the stage.
        """
        with stage(f"asking the oracle for {len(queries)} labels", verbose):
            self.asked.update(queries.tolist())
            self.is_asking = True
            ask(queries, self.answers)
            self.is_asking = False

    def ask_in_clusters(
        self, ask: Ask, clusters: Clusters, max_retries: int, verbose: int
    ) -> None:
        """Ask the questions, and about other samples of a cluster without an answer.

        No question is about a sample whose label is known, nor about a copy of one that
        is known or was asked about.

        Parameters
        ----------
        ask : callable
            Called with positions; puts the answers into a dict.
        clusters : Clusters
            The samples in their clusters.
        max_retries : int
            How often other samples are asked about.
        verbose : int
            Whether to tell of the stage.
        """
        queries, ids = self.queries, clusters.ids
        costs = costs_of_asking(clusters)
        last = queries.copy()
        place = {c: i for i, c in enumerate(ids[last].tolist())}
        for _ in range(max_retries + 1):
            try:
                self.ask(ask, queries, verbose)
            finally:
                for query, cluster in zip(queries, ids[queries], strict=True):
                    if self.answers.get(int(query)) is not None:
                        last[place[int(cluster)]] = query  # stands for the cluster now
                self.queries = last
            abstained = [q for q in queries.tolist() if self.answers[q] is None]
            if not abstained:
                break
            is_near = np.isin(ids, ids[abstained])
            left = np.flatnonzero(is_near & np.isfinite(costs))
            done = np.union1d(self.done(), list(self.asked)).astype(np.intp)
            copies = copies_of(clusters, np.append(left, done))
            left = left[~np.isin(copies[: len(left)], copies[len(left) :])]
            if not len(left):
                break
            nobody = np.zeros(len(left), dtype=bool)
            at = ids[left], costs[left]
            best, _ = best_samples(*at, nobody, left, clusters.seed)
            queries = left[best]


class LedgerMixin:
    """The rounds of a propagator, and what it tells of its ledger."""

    _ledger: Ledger
    given_: GivenLabels

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
        ledger = self._ledger
        is_replaced = np.isin(ledger.known.positions, list(ledger.answers))
        return int((~is_replaced).sum())

    @property
    def n_queries_(self) -> int:
        """Number of samples asked about."""
        return len(self._ledger.asked)

    def query_more(self, n_queries: int) -> NDArray[np.intp]:
        """Tell which samples to label next, now that some labels are there.

        Nothing is clustered again. :meth:`propagate` takes the labels, in this order or
        by position.

        Parameters
        ----------
        n_queries : int
            How many samples.

        Returns
        -------
        positions : ndarray of shape (n_queries,), dtype=intp
            Positions in `X`, the most valuable first: stopping early is fine. None has
            a label, is a copy of a sample that has one, was left without an answer
            before, or has a `sample_weight` of 0. A sample of an earlier question that
            was not answered at all, neither by a label nor by an abstention, may come
            again. Fewer than `n_queries` if no more are left.

        Raises
        ------
        ValueError
            If `n_queries` is not a positive whole number.

        Warns
        -----
        UserWarning
            If fewer than `n_queries` samples are left.

        See Also
        --------
        query : The first round.

        Notes
        -----
        Greedy k-medoids, weighted by doubt: each is the sample that lowers most the
        sum, over all samples, of ``1 - confidence_`` times the squared distance to the
        nearest one that has a label or was chosen before. The other ways that were
        tried are in ``benchmarks/results/rounds_ideas.md``.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from kmeans_labelprop import KMeansLabelPropagator
        >>> X, y = load_digits(return_X_y=True)
        >>> propagator = KMeansLabelPropagator(n_clusters=20, random_state=0)
        >>> first = propagator.query(X)
        >>> before = (propagator.propagate(y[first]).transduction_ == y).mean()
        >>> more = propagator.query_more(20)
        >>> after = (propagator.propagate(y[more]).transduction_ == y).mean()
        >>> bool(after > before), propagator.n_queries_
        (True, 40)
        """
        self._refuse_while_asking()
        check_is_fitted(self, "classes_", msg=_LABELS_FIRST)
        check_parameters(
            {"n_queries": [POSITIVE]}, {"n_queries": n_queries}, "query_more"
        )
        done = np.union1d(self._ledger.done(), self.given_.positions)
        queries = self._next_queries(done, n_queries)
        if len(queries) < n_queries:
            warn_user(
                f"Only {len(queries)} of n_queries={n_queries} samples are left to ask "
                "about: all others have a label, are copies of one that has, were "
                "left without an answer, or are of weight 0. The labels of copies may "
                "be given to propagate by position."
            )
        return self._ledger.ask_about(queries)

    def _next_queries(self, done: NDArray[np.intp], n_queries: int) -> NDArray[np.intp]:
        """Choose positions that are worth most beside those that are done."""
        raise NotImplementedError

    def _refuse_while_asking(self) -> None:
        if hasattr(self, "_ledger") and self._ledger.is_asking:
            raise RuntimeError(
                f"This {type(self).__name__} is asking its oracle: the oracle, or "
                "another thread, must not use it until the answers are there."
            )
