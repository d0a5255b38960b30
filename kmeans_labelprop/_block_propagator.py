"""The propagator on blocks of samples, without what brings functions to the data."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from ._asking import ask_oracle, is_whole
from ._block_engine import (
    BlockClusters,
    Blocks,
    Space,
    assign_all,
    choose_representatives,
    draw_sample,
    find_anchors,
    fit_block_space,
    next_block_queries,
    read_block_labels,
    refine_centers,
    select_last,
    spread_from,
    start_centers,
)
from ._blocks import (
    COST_UNITS,
    BlockSpread,
    append,
    batch_length,
    in_batches,
    keep_block,
    label_by_anchors,
    label_in_clusters,
    predict_codes,
    predict_shares,
)
from ._callbacks import CallbackMixin, as_task
from ._containers import check_container, in_memory
from ._embedding import choose_embedding
from ._given import GivenLabels, KnownLabels
from ._labels import MOST_CHARACTERS, check_labels, plain, with_missing
from ._ledger import Ledger, LedgerMixin, check_source
from ._messages import stage, warn_user
from ._report import warn_of_edges, warn_of_spellings
from ._seeds import MAX_SEED, clone_sharing, draw_seed, set_unset
from ._validation import (
    HasMethods,
    Interval,
    StrOptions,
    check_instances,
    forget_fit,
    replace_attributes,
    undone_on_error,
    validate_estimator_parameters,
)

NO_BLOCKS = (
    "This %(name)s is a copy: it predicts, and has no samples to read any more. Call "
    "'fit' or 'query', or go on with the one that was copied."
)


def label_table(classes: NDArray[Any], missing_label: Any) -> NDArray[Any]:
    """List the label of each class and, last, for class -1, the missing label.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels.
    missing_label : object
        What marks that there is none.

    Returns
    -------
    table : ndarray of shape (n_classes + 1,)
        Never of objects, which no file holds: of strings where need be.

    Raises
    ------
    ValueError
        If labels would be the same in that dtype, or are so long that the room for the
        longest, which each sample gets, would fill the disk.
    """
    mark = plain(missing_label)
    dtype = with_missing(np.array([0, -1]), classes, missing_label).dtype
    both = [*classes.tolist(), mark]
    if dtype.kind == "O":
        both = [str(label) for label in both]
        dtype = np.array(both).dtype
    marks = np.array([mark]).astype(dtype)
    table = np.append(classes.astype(dtype), marks).astype(dtype)
    is_long = dtype.kind == "U" and dtype.itemsize > 4 * MOST_CHARACTERS
    if is_long or len(set(table)) < len(both):
        raise ValueError(
            f"Labels of blocks must be strings of {MOST_CHARACTERS} characters at "
            "most, or numbers, that stay different in one array with missing_label="
            f"{missing_label!r}. Got {reprlib.repr(both[:5])} among others."
        )
    return table


def finish_block(
    start: int,
    ids: NDArray[Any],
    keys: NDArray[Any],
    codes: NDArray[Any],
    *,
    table: NDArray[Any],
    by_graph: bool,
    **last: Any,
) -> tuple[Any, ...]:
    """Turn the columns derived of a block into what the user gets."""
    found = table[codes], keep_block(start, ids, keys, codes, **last)
    confidence = (1 - keys / COST_UNITS).astype(np.float32)
    confidence[codes < 0] = 0
    return (*found, confidence) if by_graph else found


def _warn_of_conflicts(known: KnownLabels, answers: Mapping[int, Any]) -> None:
    """Tell where answers of an earlier run differ from y."""
    labels = dict(zip(known.positions.tolist(), known.labels.tolist(), strict=True))
    differ = [p for p, a in answers.items() if p in labels and labels[p] != a]
    if differ:
        warn_user(
            f"{len(differ)} label(s) of y differ from the answers in 'folder', which "
            "count: they may be corrections. The first is at position "
            f"{differ[0]}: {labels[differ[0]]!r} in y, {answers[differ[0]]!r} in "
            "'folder'. Call propagate with the right one."
        )


def predict_rows(
    X: Any, *, space: Space, spread: BlockSpread, table: NDArray[Any] | None
) -> NDArray[Any]:
    """Predict labels; without a table of them the probabilities of the classes."""
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    if not X.shape[0]:  # of chunks of a larger whole
        return np.empty((0, len(spread.given.classes))) if table is None else table[:0]

    def predict(start: int, rows: Any) -> tuple[NDArray[Any]]:
        E = space(rows)
        if table is None:
            return (predict_shares(E, spread=spread),)
        return (table[predict_codes(E, spread=spread)],)

    n_rows = batch_length(spread.E.shape[1])
    predicted: NDArray[Any] = in_batches(predict, append, n_rows, 0, X)[0]
    return predicted


def has_graph(propagator: Any) -> bool:
    """Tell whether labels spread over a graph: then there are probabilities."""
    if hasattr(propagator, "classes_"):  # whatever the parameter is by now
        return hasattr(propagator, "confidence_")
    return propagator.propagation == "graph"


class BaseBlockPropagator(LedgerMixin, CallbackMixin, BaseEstimator):
    """Cluster, ask and propagate over blocks; subclasses tell of the parameters."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "fraction": [Interval(Real, 0, 1, closed="both")],
        "oracle": [callable, StrOptions({"y"}), None],
        "embedding": [
            HasMethods(["fit", "transform", "get_params"]),
            StrOptions({"auto"}),
            None,
        ],
        "propagation": [StrOptions({"cluster", "graph"})],
        "n_anchors": [Interval(Integral, 1, None, closed="left")],
        "folder": [str, os.PathLike, None],
        "missing_label": [Real, str],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    oracle: Any
    _blocks: Blocks
    _clusters: BlockClusters
    _draw: partial[tuple[NDArray[np.intp], Any]]
    _is_experiment: bool
    _space: Space
    _spread: BlockSpread

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        fraction: float = 1.0,
        oracle: Callable[[Any], ArrayLike] | str | None = None,
        embedding: Any = "auto",
        propagation: str = "graph",
        n_anchors: int = 4096,
        missing_label: Any = -1,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.fraction = fraction
        self.oracle = oracle
        self.embedding = embedding
        self.propagation = propagation
        self.n_anchors = n_anchors
        self.missing_label = missing_label
        self.random_state = random_state
        self.verbose = verbose

    @as_task
    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster the samples, get labels and propagate them.

        Parameters
        ----------
        X : blocks of samples of shape (n_samples, n_features)
            See the class. float32 is kept.
        y : blocks of labels of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere. None if the oracle is to be
            asked for all.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If a parameter is illegal, there is neither `y` nor an oracle, blocks do not
            fit together, or there is no label in the end.
        TypeError
            If the oracle does not answer with an array of labels, all strings or all
            numbers.

        Notes
        -----
        If it ends early, also by an interruption, what the oracle has answered is in
        `answers_`, and ``propagate({})`` goes on from there.
        """
        self._refuse_while_asking()
        validate_estimator_parameters(self)
        check_source(self.oracle, True, y, type(self).__name__)
        with undone_on_error(self):
            self._cluster(X, y)
        queries = self._ledger.queries
        if len(queries) and (self._is_experiment or callable(self.oracle)):
            self._ask()
        elif callable(self.oracle) and not self.answers_:
            warn_user("The oracle is never asked: each cluster has a label.")
        return self.propagate({})

    @as_task
    def query(self, X: Any, y: Any = None) -> NDArray[np.intp]:
        """Cluster the samples and tell which ones to label.

        Parameters
        ----------
        X : blocks of samples of shape (n_samples, n_features)
            See the class.
        y : blocks of labels of shape (n_samples,), default=None
            Known labels, `missing_label` elsewhere; with ``oracle="y"`` none of them
            counts as known.

        Returns
        -------
        positions : ndarray of shape (n_queries,), dtype=intp
            Positions of the representatives that have no known label, those of the
            largest clusters first: stopping early is fine.
        """
        self._refuse_while_asking()
        with undone_on_error(self):
            self._cluster(X, y, is_query=True)
        return self._ledger.ask_about(self._ledger.queries)

    @as_task
    def propagate(self, labels: ArrayLike | Mapping[int, Any]) -> Self:
        """Take labels for any samples, and spread all there are.

        Nothing is clustered again. The samples are read once more at most, and blocks
        of samples that were never asked about.

        Parameters
        ----------
        labels : array-like of shape (n_queries,), Series or dict of int to label
            Labels by position, which may be of any samples, replace earlier labels, and
            with `missing_label` withdraw one; samples asked about last may go by their
            index, too. Or labels in the order of the last question. ``{}`` spreads what
            there is.

        Returns
        -------
        self : object
            The fitted propagator.

        Raises
        ------
        ValueError
            If the number of labels is wrong, a position does not belong to a
            sample, or there is no label at all.
        """
        self._refuse_while_asking()
        check_is_fitted(self, "cluster_centers_")
        check_is_fitted(self, "_blocks", msg=NO_BLOCKS)
        validate_estimator_parameters(self)
        if self.propagation == "graph" and self._clusters.anchors is None:
            raise ValueError(
                "The 'propagation' parameter was set to 'graph' after the samples had "
                "been clustered without anchors. Call fit or query again."
            )
        labels = in_memory(labels)
        ledger = self._ledger.with_labels(
            labels,
            self._names_asked(labels),
            self._blocks.n_samples,
            self.missing_label,
            self._ledger.queries,
        )
        with ledger.attached():
            given = ledger.given()
            if not len(given):
                raise ValueError(
                    "No sample has a label: at least one of the "
                    f"{len(self.representative_indices_)} representatives must be "
                    "labelled."
                )
            self._note(ledger)
            self._spread_labels(given)
        return self

    def _names_asked(self, labels: Any) -> Any:
        """Take the index of the rows asked about last, if labels may go by it.

        That of all rows may be longer than memory.
        """
        asked = self._ledger.queries
        has_names = isinstance(labels, Mapping) and not all(map(is_whole, labels))
        if not len(asked) or not (has_names or hasattr(labels, "iloc")):
            return None
        rows = self._blocks.samples(asked)
        if not hasattr(rows, "iloc") or list(rows.index) == asked.tolist():
            return None
        return rows.index

    def predict(self, X: Any) -> Any:
        """Predict the label of each sample, by the rule.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The labels; by the cluster rule `missing_label` for a cluster without one.
        """
        check_is_fitted(self, "classes_")
        self._check_like_fit(X)
        return self._predictor()(X)

    @available_if(has_graph)
    def predict_proba(self, X: Any) -> Any:
        """Predict the probability of each class, over the graph.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            One column for each of `classes_`; rows sum to 1.
        """
        check_is_fitted(self, "classes_")
        self._check_like_fit(X)
        return self._predictor(shares=True)(X)

    def _check_like_fit(self, X: Any) -> None:
        """Refuse other columns than those of the blocks, or in another order."""
        check_container(X)
        validate_data(self, X, reset=False, skip_check_array=True)

    def _predictor(self, shares: bool = False) -> Any:
        space = replace(self._space, most=np.inf)  # as in memory
        table = None if shares else label_table(self.classes_, self.missing_label)
        return partial(predict_rows, space=space, spread=self._spread, table=table)

    def __getstate__(self) -> dict[str, Any]:
        # Files, iterators and workers stay: a copy predicts, and reads no more.
        state: dict[str, Any] = super().__getstate__()
        return {name: part for name, part in state.items() if name != "_blocks"}

    def __sklearn_clone__(self) -> Self:
        return clone_sharing(self, "oracle", BaseEstimator.__sklearn_clone__)

    def _open(self, X: Any, y: Any) -> tuple[Blocks, Any]:
        """Make the driver, and take some rows, which tell the columns."""
        raise NotImplementedError

    def _check_names(self) -> None:
        """Refuse labels with the index of other rows, if not done before."""

    def _recall(self, known: KnownLabels) -> dict[int, Any]:
        """Find answers of an earlier run over the same samples."""
        return {}

    def _note(self, ledger: Ledger) -> None:
        """Make this ledger the current one."""
        self._ledger = ledger

    def _cluster(self, X: Any, y: Any, is_query: bool = False) -> None:
        """Cluster, and choose whom to ask about."""
        validate_estimator_parameters(self)
        check_instances(self, "embedding")
        forget_fit(self)
        blocks, rows = self._open(X, y)
        self._blocks = blocks
        validate_data(self, rows, skip_check_array=True)
        if blocks.names is not None:
            self.feature_names_in_ = np.array(blocks.names, dtype=object)
        ties = draw_seed(self.random_state)
        seed = ties
        if seed is None:
            seed = int(np.random.default_rng().integers(MAX_SEED))
        with stage("drawing a sample", self.verbose):
            self._draw = partial(
                draw_sample,
                n_features=self.n_features_in_,
                n_clusters=self.n_clusters,
                n_samples=blocks.n_samples,
                seed=seed,
            )
            drawn = self._draw(blocks)[1]
        known, plays_oracle = read_block_labels(
            blocks, y, self.oracle, self.missing_label, is_query
        )
        self._check_names()
        if len(known):  # refused before anybody is asked
            label_table(np.unique(known.labels), self.missing_label)
        embedding = choose_embedding(self.embedding, drawn)
        embedding = None if embedding is None else set_unset(embedding, seed)
        with stage("embedding the sample", self.verbose):
            blocks.space, E = fit_block_space(embedding, drawn)
        anchors = None
        if self.propagation == "graph":
            find = partial(find_anchors, E, self.n_anchors, seed, self.verbose)
            anchors = blocks.once(find)
        start = partial(start_centers, E, self.n_clusters, seed, self.verbose)
        centers = blocks.once(start)
        centers = refine_centers(blocks, centers, E, self.verbose)
        clusters = assign_all(blocks, centers, anchors, known, ties, self.verbose)

        self._is_experiment = plays_oracle
        answers = {} if plays_oracle else self._recall(known)
        labelled = np.array([p for p, a in answers.items() if a is not None], np.intp)
        chosen, own, is_fair = choose_representatives(blocks, clusters, known, labelled)
        if not is_fair and callable(self.oracle):
            warn_of_edges(len(known))
        _warn_of_conflicts(known, answers)
        done = np.array([*known.positions.tolist(), *answers], np.intp)
        is_open = ~np.isin(chosen, done)
        order = np.argsort(-clusters.sizes[own[is_open]], kind="stable")
        ledger = Ledger(known, chosen[is_open][order])
        ledger.answers.update(answers)
        ledger.asked.update(answers)

        self._clusters, self._ledger, self._space = clusters, ledger, blocks.space
        self.embedding_ = blocks.space.embedding
        self.cluster_centers_, self.cluster_sizes_ = centers, clusters.sizes
        self.representative_indices_, self.representative_clusters_ = chosen, own

    def _ask(self) -> None:
        """Ask about the representatives, and note what is answered in any case."""
        if self._is_experiment:
            (rows,) = self._blocks.take(self.queries_, "y")
        else:
            rows = self._blocks.samples(self.queries_)

        def ask(queries: NDArray[np.intp], answers: dict[int, Any]) -> None:
            if not self._is_experiment:
                ask_oracle(self.oracle, rows, queries, self.missing_label, answers)
                return
            labels, is_known = check_labels(rows, self.missing_label)
            answers.update(dict.fromkeys(queries.tolist()))
            answers.update(zip(queries[is_known].tolist(), labels, strict=True))

        ledger = self._ledger
        try:
            with ledger.attached():
                ledger.ask(ask, ledger.queries, self.verbose)
            self._note(ledger)
        except BaseException:  # also one that comes while they are written down
            self._note(ledger)
            raise

    def _next_queries(self, done: NDArray[np.intp], n_queries: int) -> NDArray[np.intp]:
        check_is_fitted(self, "_blocks", msg=NO_BLOCKS)
        return next_block_queries(
            self._blocks, self._clusters, self._spread, self._draw, done, n_queries
        )

    def _spread_labels(self, given: GivenLabels) -> None:
        """Label all samples, and keep a fraction of each cluster."""
        blocks, clusters, verbose = self._blocks, self._clusters, self.verbose
        E_given = blocks.embedded(given.positions)
        spread = spread_from(clusters, given, E_given, self.propagation, verbose)
        by_graph = spread.graph is not None
        with stage(f"labelling {blocks.n_samples} samples", verbose):
            made = {"codes": np.int32, "keys": np.uint32}
            if by_graph:
                blocks.derive(partial(label_by_anchors, spread=spread), made, "E")
            else:
                label = partial(label_in_clusters, spread=spread)
                # Samples are read again only where labels of a cluster differ.
                columns = ("ids", "distances") + ("E",) * spread.is_mixed
                blocks.derive(label, made, *columns)
        with stage("keeping a fraction of each cluster", verbose):
            last = select_last(blocks, clusters, given, self.fraction)
        table = label_table(given.classes, self.missing_label)
        results = {"transduction": table.dtype, "kept": np.bool_}
        if by_graph:
            results["confidence"] = np.float32
        finish = partial(
            finish_block,
            last_key=last[0],
            last_position=last[1],
            given=given.positions,
            table=table,
            by_graph=by_graph,
        )
        with stage("writing labels", verbose):
            found = blocks.finish(finish, results, "ids", "keys", "codes")
        attributes = {
            "_spread": spread,
            "given_": given,
            "classes_": given.classes,
            "representative_labels_": with_missing(
                given.codes_at(self.representative_indices_),
                given.classes,
                self.missing_label,
            ),
            **{f"{name}_": column for name, column in found.items()},
        }
        replace_attributes(self, attributes, without=("confidence_",))
        if len(given.classes) == 1:
            warn_user(
                f"The only class found is {given.classes.tolist()[0]!r}: there are no "
                "two classes to tell apart."
            )
        warn_of_spellings(given.classes.tolist())
        n_empty = np.count_nonzero(clusters.sizes) - len(np.unique(spread.ids))
        if not by_graph and n_empty:
            warn_user(
                f"{n_empty} of {len(clusters.sizes)} clusters have no label: their "
                "samples are left out."
            )
