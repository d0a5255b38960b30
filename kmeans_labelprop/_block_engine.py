"""The algorithm on blocks: what is the same on one machine and on many.

A driver brings the functions of ``_blocks`` to the data and merges what they return;
here is what is computed from that. Nothing here grows with the number of samples.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from ._blocks import (
    COST_UNITS,
    DIGIT_BITS,
    Arrays,
    BlockSpread,
    Measure,
    Merge,
    add,
    append,
    assign,
    assign_block,
    best_of_block,
    choose_steps,
    concatenate,
    count_before,
    count_digits,
    count_labels,
    distance_keys,
    draw_rows,
    exact_means,
    known_labels,
    merge_assigned,
    merge_best,
    merge_drawn,
    merge_sums,
    next_centers,
    rows_at,
)
from ._containers import refuse_masked, take_rows
from ._copies import distinct_rows
from ._distances import check_magnitude, largest_legal, nearest, refuse_large
from ._embedding import NUMERIC_ARRAY, embed, fit_embedding
from ._engine import Clusters, find_graph, next_queries, spread
from ._fraction import rank_confidence
from ._given import GivenLabels, KnownLabels, majority_codes
from ._graph import Graph
from ._labels import label_array, warn_of_marks
from ._messages import stage
from ._representatives import are_shares_typical

# Elements and rows of the sample that centres and anchors start from.
_DRAWN_ELEMENTS = 2**24
_LEAST_DRAWN, _MOST_DRAWN = 2**14, 2**16
# More of them for many clusters: so many for each, where the elements allow it. Then an
# iteration of Lloyd's algorithm over all samples would add little. With fewer one is
# run, with few two: they mend a part of it (benchmarks/results/passes.md).
_DRAWN_PER_CLUSTER = 500
_FEW_PER_CLUSTER = 200
# Anchors need to lie among the samples; k-means need not converge.
_N_ANCHOR_ITER = 10


@dataclass(frozen=True, eq=False)
class Space:
    """Brings blocks into the space of the clusters.

    Attributes
    ----------
    embedding : transformer or None
        The fitted embedding.
    n_features : int or None
        Number of columns of a block; None for whatever the embedding takes.
    dtype : dtype
        float32 or float64, for all blocks.
    most : float
        The largest number that leaves digits to distances between most samples.
    """

    embedding: Any
    n_features: int | None
    dtype: np.dtype[Any]
    most: float = np.inf

    def __call__(self, X: Any) -> NDArray[Any]:
        """Embed the samples of a block."""
        refuse_masked(X, "X")
        if self.embedding is not None:
            E = _dense(embed(self.embedding, X)).astype(self.dtype, copy=False)
        else:
            E = check_array(X, dtype=self.dtype, input_name="X", ensure_min_samples=0)
            if E.shape[1] != self.n_features:
                raise ValueError(
                    f"X has {E.shape[1]} features, but the propagator is expecting "
                    f"{self.n_features} features as input."
                )
        refuse_large(E, self.most, "X")
        return E


def _dense(E: Any) -> NDArray[Any]:
    arguments = NUMERIC_ARRAY | {"accept_sparse": False}
    return check_array(E, input_name="X", ensure_min_samples=0, **arguments)


class Blocks(ABC):
    """The samples, and what is kept of each, wherever they are.

    Columns are the samples ``"X"``, the embedded samples ``"E"``, the labels ``"y"``
    and what was derived from them. Functions are called with the position of a block's
    first sample, and its columns.

    Attributes
    ----------
    n_samples : int
        Number of samples; 0 while it is not known.
    space : Space
        Makes ``"E"`` from ``"X"``.
    names : list of str or None
        Names of the columns of the samples, where blocks do not tell.
    """

    n_samples: int
    space: Space
    names: list[str] | None = None

    def __init__(self) -> None:
        self._held: dict[str, tuple[NDArray[np.intp], Any]] = {}

    @abstractmethod
    def reduce(
        self,
        measure: Measure,
        merge: Merge,
        *columns: str,
        at: NDArray[np.intp] | None = None,
    ) -> Arrays:
        """Measure all blocks, or those with some positions, and merge the results."""

    @abstractmethod
    def derive(
        self,
        function: Callable[..., Arrays],
        made: Mapping[str, Any],
        *columns: str,
        merge: Merge | None = None,
    ) -> Arrays:
        """Keep columns, named with their dtypes, that a function makes from others.

        With ``merge``, what it returns beyond these is merged, and returned: it costs
        no reading of its own.
        """

    @abstractmethod
    def finish(
        self,
        function: Callable[..., Arrays],
        made: Mapping[str, Any],
        *columns: str,
    ) -> dict[str, Any]:
        """Make what the user gets from the columns, one value for each sample."""

    def once(self, compute: Callable[[], Any]) -> Any:
        """Compute what takes long on the client; where results are stored, once."""
        return compute()

    def take(self, positions: NDArray[np.intp], *columns: str) -> Arrays:
        """Take the rows at some positions, in that order."""
        order = np.argsort(positions, kind="stable")
        ordered = positions[order]
        found = self.reduce(
            partial(rows_at, positions=ordered), append, *columns, at=ordered
        )
        back = np.argsort(order, kind="stable")
        return tuple(take_rows(column, back) for column in found)

    def hold(self, column: str, positions: NDArray[np.intp], rows: Any) -> None:
        """Remember rows not held yet, so that nobody reads for them again."""
        if column in self._held:
            before, earlier = self._held[column]
            positions = np.append(before, positions)
            rows = concatenate([earlier, rows])
        self._held[column] = positions, rows

    def samples(self, positions: NDArray[np.intp]) -> Any:
        """Take the samples at some positions; those held are not read."""
        left = self._not_held("X", positions)
        if len(left):
            self.hold("X", left, *self.take(left, "X"))
        return self._of_held("X", positions)

    def embedded(self, positions: NDArray[np.intp]) -> NDArray[Any]:
        """Take samples, embedded; those held are not read."""
        left = self._not_held("E", positions)
        is_read = np.isin(left, self._not_held("X", left))
        if not is_read.all():
            there = left[~is_read]
            self.hold("E", there, self.space(self._of_held("X", there)))
        if is_read.any():
            self.hold("E", left[is_read], *self.take(left[is_read], "E"))
        E: NDArray[Any] = self._of_held("E", positions)
        return E

    def _not_held(self, column: str, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        held = self._held.get(column, (positions[:0], None))[0]
        return np.setdiff1d(positions, held)

    def _of_held(self, column: str, positions: NDArray[np.intp]) -> Any:
        held, rows = self._held[column]
        order = np.argsort(held)
        return take_rows(rows, order[np.searchsorted(held, positions, sorter=order)])


@dataclass(frozen=True, eq=False)
class BlockClusters:
    """The clusters, of which there are columns of ids and distances.

    Attributes
    ----------
    centers : ndarray of shape (n_clusters, n_components)
        The centres.
    sizes : ndarray of shape (n_clusters,)
        Number of samples of each cluster.
    unit : float
        The largest distance of a sample to its centre.
    anchors : ndarray of shape (n_anchors, n_components) or None
        The nodes of the graph; None for the cluster rule.
    seed : int or None
        Which of equally good samples are asked about.
    """

    centers: NDArray[Any]
    sizes: NDArray[np.intp]
    unit: float
    anchors: NDArray[Any] | None
    seed: int | None = None


def draw_sample(
    blocks: Blocks, n_features: int, n_clusters: int, n_samples: int, seed: int
) -> tuple[NDArray[np.intp], Any]:
    """Draw samples evenly from all blocks; count all.

    Parameters
    ----------
    blocks : Blocks
        The samples; learns their number.
    n_features : int
        Number of columns.
    n_clusters : int
        Number of clusters that the sample is for.
    n_samples : int
        Number of samples, if that was known before all were read; else 0.
    seed : int
        Which are drawn.

    Returns
    -------
    positions : ndarray of shape (n_drawn,), dtype=intp
        Positions of the samples drawn, in random order.
    rows : {ndarray, dataframe} of shape (n_drawn, n_features)
        These samples.
    """
    wanted = max(_MOST_DRAWN, _DRAWN_PER_CLUSTER * n_clusters)
    room = max(_LEAST_DRAWN, _DRAWN_ELEMENTS // max(1, n_features), n_clusters)
    n_drawn = min(wanted, room)
    draw = partial(draw_rows, seed=seed, n_drawn=n_drawn, n_samples=n_samples)
    merge = partial(merge_drawn, n_drawn=n_drawn)
    counted, _, positions, rows = blocks.reduce(draw, merge, "X")
    blocks.n_samples = int(counted[0])
    return positions, rows


def fit_block_space(embedding: Any, drawn: Any) -> tuple[Space, NDArray[Any]]:
    """Fit the embedding on the samples drawn.

    Parameters
    ----------
    embedding : transformer or None
        The transformer, not fitted.
    drawn : {ndarray, dataframe} of shape (n_drawn, n_features)
        The samples drawn.

    Returns
    -------
    space : Space
        Embeds blocks.
    E : ndarray of shape (n_drawn, n_components)
        The samples drawn, embedded.
    """
    if embedding is None:
        E = _dense(drawn)
        check_magnitude(E, "X")
        return Space(None, E.shape[1], E.dtype, largest_legal(E)), E
    embedding_, E = fit_embedding(embedding, drawn)
    E = _dense(E)
    return Space(embedding_, None, E.dtype, largest_legal(E)), E


def start_centers(
    E: NDArray[Any], n_clusters: int, seed: int, verbose: int
) -> NDArray[Any]:
    """Cluster the samples drawn.

    Parameters
    ----------
    E : ndarray of shape (n_drawn, n_components)
        The samples drawn, embedded.
    n_clusters : int
        Number of clusters.
    seed : int
        Seeds k-means.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_components)
        Their centres.
    """
    kmeans = KMeans(n_clusters, random_state=seed)
    with stage(f"clustering {len(E)} of the samples", verbose):
        return exact_means(E, kmeans.fit(E).cluster_centers_)


def refine_centers(
    blocks: Blocks, centers: NDArray[Any], drawn: NDArray[Any], verbose: int
) -> NDArray[Any]:
    """Run iterations of Lloyd's algorithm over all samples, as far as they pay.

    Parameters
    ----------
    blocks : Blocks
        The samples.
    centers : ndarray of shape (n_clusters, n_components)
        Where to start.
    drawn : ndarray of shape (n_drawn, n_components)
        Some samples, which tell how far coordinates reach.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_components)
        The means of the samples nearest to each; one without samples stays. The same
        to the last bit whatever the blocks.
    """
    if len(drawn) == blocks.n_samples:
        return centers  # k-means has seen all
    per_cluster = len(drawn) / len(centers)
    n_passes = sum(per_cluster < n for n in (_DRAWN_PER_CLUSTER, _FEW_PER_CLUSTER))
    steps = choose_steps(drawn, blocks.n_samples)

    def measure_all(measure: Measure) -> Arrays:
        return blocks.reduce(measure, merge_sums, "E")

    for i in range(n_passes):
        with stage(f"refining centres, pass {i + 1} of {n_passes}", verbose):
            centers = next_centers(measure_all, centers, *steps)
    return centers


def find_anchors(
    E: NDArray[Any], n_anchors: int, seed: int, verbose: int
) -> NDArray[Any]:
    """Choose the nodes of the graph: centres of many small clusters of a sample.

    Parameters
    ----------
    E : ndarray of shape (n_drawn, n_components)
        The samples drawn, embedded.
    n_anchors : int
        Number of anchors.
    seed : int
        Seeds k-means.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    anchors : ndarray of shape (min(n_anchors, n_distinct), n_components)
        The anchors; the samples themselves if no more of them differ.
    """
    E = E[:_MOST_DRAWN]  # their order is random
    first, _ = distinct_rows(E)
    if len(first) <= n_anchors:
        return E[first]
    kmeans = KMeans(
        n_anchors, init="random", n_init=1, max_iter=_N_ANCHOR_ITER, random_state=seed
    )
    with stage(f"finding {n_anchors} anchors", verbose), warnings.catch_warnings():
        # Copies of samples make clusters coincide: fewer anchors will do, then.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return exact_means(E, kmeans.fit(E).cluster_centers_)


def assign_all(
    blocks: Blocks,
    centers: NDArray[Any],
    anchors: NDArray[Any] | None,
    known: KnownLabels,
    seed: int | None,
    verbose: int,
) -> BlockClusters:
    """Derive the cluster of each sample and its distance to the centre.

    The same reading brings the samples that are likely to be asked about or to spread
    their labels: those nearest to the centres, and those whose label is known.

    Parameters
    ----------
    blocks : Blocks
        The samples; get columns "ids" and "distances".
    centers : ndarray of shape (n_clusters, n_components)
        The centres.
    anchors : ndarray of shape (n_anchors, n_components) or None
        The nodes of the graph.
    known : KnownLabels
        The labels of y.
    seed : int or None
        Which of equally good samples are asked about.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    clusters : BlockClusters
        The clusters.
    """
    with stage(f"assigning {blocks.n_samples} samples to clusters", verbose):
        made = {"ids": np.int32, "distances": np.float64}
        # Not from "E": of some the rows themselves are needed.
        measure = partial(
            assign_block,
            space=blocks.space,
            centers=centers,
            known=known.positions,
            seed=seed,
        )
        sizes, farthest, _, _, near, rows, labelled, E = blocks.derive(
            measure, made, "X", merge=partial(merge_assigned, seed=seed)
        )
    blocks.hold("X", near, rows)
    blocks.hold("E", labelled, E)
    return BlockClusters(centers, sizes, float(farthest[0]) or 1.0, anchors, seed)


def read_block_labels(
    blocks: Blocks, y: Any, oracle: Any, missing_label: Any, is_query: bool
) -> tuple[KnownLabels, bool]:
    """Take the labels that y knows, unless it plays the oracle.

    Parameters
    ----------
    blocks : Blocks
        The samples.
    y : object
        The labels; None for none.
    oracle : callable, "y" or None
        The propagator's parameter.
    missing_label : object
        Marks a sample without a label.
    is_query : bool
        Whether somebody else is asked, who has labels that y lacks.

    Returns
    -------
    known : KnownLabels
        The labels known; with ``oracle="y"`` none.
    plays_oracle : bool
        Whether y plays the oracle: nothing of it is known, then.
    """
    nothing = KnownLabels(np.empty(0, dtype=np.intp), np.empty(0))
    if y is None:
        return nothing, False
    count = partial(count_labels, missing_label=missing_label)
    *totals, marks = blocks.reduce(count, add, "y")
    n_rows, n_labels = (int(total[0]) for total in totals)
    if n_rows != blocks.n_samples:
        raise ValueError(
            "X and y must have the same number of samples. Got "
            f"{blocks.n_samples} in X and {n_rows} in y."
        )
    warn_of_marks(marks, missing_label)
    if not callable(oracle):
        if not n_labels and not is_query:
            raise ValueError(
                "y must hold at least one label when there is no oracle. Got only "
                f"missing_label={missing_label!r} instead."
            )
        if oracle == "y" or (n_labels == n_rows and not is_query):
            return nothing, not is_query
    take = partial(known_labels, missing_label=missing_label)
    positions, labels = blocks.reduce(take, append, "y")
    return KnownLabels(positions, label_array(labels, "y")), False


def choose_representatives(
    blocks: Blocks,
    clusters: BlockClusters,
    known: KnownLabels,
    answered: NDArray[np.intp],
) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
    """Choose the representative of each cluster, by the same rule as in memory.

    Parameters
    ----------
    blocks : Blocks
        The samples.
    clusters : BlockClusters
        Their clusters.
    known : KnownLabels
        The labels of y.
    answered : ndarray of shape (n_answered,), dtype=intp
        Positions of samples that were asked about in an earlier run.

    Returns
    -------
    representatives, own : ndarray of shape (n_representatives,), dtype=intp
        Positions, and the cluster of each.
    is_fair : bool
        Whether the known labels can stand for their clusters.
    """
    columns = "ids", "distances"
    is_fair = True
    if len(known):
        probes = (*blocks.take(known.positions, *columns), known.positions)
        count = partial(count_before, unit=clusters.unit, probes=probes)
        (before,) = blocks.reduce(count, add, *columns)
        is_fair = are_shares_typical((before + 0.5) / clusters.sizes[probes[0]])
    # Positions also where there are none.
    preferred = np.union1d(known.positions if is_fair else [], answered).astype(np.intp)
    seed = clusters.seed
    best = partial(best_of_block, unit=clusters.unit, known=preferred, seed=seed)
    merge = partial(merge_best, seed=seed)
    own, _, _, chosen = blocks.reduce(best, merge, *columns)
    return chosen, own.astype(np.intp), is_fair


def spread_from(
    clusters: BlockClusters,
    given: GivenLabels,
    E_given: NDArray[Any],
    propagation: str,
    verbose: int,
) -> BlockSpread:
    """Find what spreads labels to the samples of any block.

    Parameters
    ----------
    clusters : BlockClusters
        The clusters.
    given : GivenLabels
        The labels given, one at least.
    E_given : ndarray of shape (n_given, n_components)
        Their samples, embedded.
    propagation : {"cluster", "graph"}
        The rule.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    spread : BlockSpread
        The labels, with a graph for that rule.
    """
    ids = nearest(E_given, clusters.centers)
    _, copies = distinct_rows(E_given)
    voices = majority_codes(copies, given.codes, given.positions)
    found = BlockSpread(given, E_given, clusters.centers, clusters.unit, ids, voices)
    if propagation == "cluster":
        return found
    graph, distributions = spread_over_anchors(clusters, given, E_given, verbose)
    return replace(found, graph=graph, distributions=distributions)


def spread_over_anchors(
    clusters: BlockClusters, given: GivenLabels, E_given: NDArray[Any], verbose: int
) -> tuple[Graph, NDArray[np.float64]]:
    """Spread labels over the graph of the anchors and the given samples.

    Parameters
    ----------
    clusters : BlockClusters
        The clusters, with anchors.
    given : GivenLabels
        The labels given. Of those with the same class and nearest anchor only the one
        nearest to it seeds the graph, since there may be more labels than anchors.
    E_given : ndarray of shape (n_given, n_components)
        Their samples, embedded.
    verbose : int
        Whether to tell of the stage.

    Returns
    -------
    graph : Graph
        The graph.
    distributions : ndarray of shape (n_nodes, n_classes), dtype=float64
        Share of each class in what reaches a node.
    """
    anchors = clusters.anchors
    assert anchors is not None, "checked by the estimators"
    own, distances = assign(E_given, anchors)
    order = np.lexsort((distance_keys(distances, distances.max() or 1.0), own))
    pairs = np.stack([own, given.codes], axis=1)[order]
    _, first = np.unique(pairs, axis=0, return_index=True)
    seeds = np.sort(order[first])
    rows = np.concatenate([anchors, E_given[seeds]])
    graph = find_graph(rows, None, lambda part: part, lambda call: call, verbose)
    ids = nearest(rows, clusters.centers)
    nodes = Clusters(rows, ids, np.zeros(len(ids)), None, graph)
    seeded = np.arange(len(anchors), len(rows))
    local = GivenLabels(seeded, given.codes[seeds], given.classes)
    with stage("spreading labels", verbose):
        found = spread(nodes, local, "graph").node_distributions
    assert found is not None, "spread over a graph"
    return graph, found


def next_block_queries(
    blocks: Blocks,
    clusters: BlockClusters,
    labels: BlockSpread,
    draw: Callable[[Blocks], tuple[NDArray[np.intp], Any]],
    done: NDArray[np.intp],
    n_queries: int,
) -> NDArray[np.intp]:
    """Choose samples whose labels are worth most now, among some drawn evenly.

    Parameters
    ----------
    blocks : Blocks
        The samples, with columns "ids", "distances", "keys" and "codes".
    clusters : BlockClusters
        Their clusters.
    labels : BlockSpread
        The labels given, and what has spread them.
    draw : callable
        Draws samples from the blocks: gives their positions, and them.
    done : ndarray of shape (n_done,), dtype=intp
        Positions of samples that nobody needs to be asked about.
    n_queries : int
        Number of samples to choose.

    Returns
    -------
    queries : ndarray of shape (n_chosen,), dtype=intp
        Positions, the most valuable first. If all samples are drawn, those that are
        chosen in memory with the same confidence.
    """
    drawn, rows = draw(blocks)
    is_open = ~np.isin(drawn, done)
    E_done = blocks.embedded(done)
    positions = np.append(drawn[is_open], done)
    order = np.argsort(positions)
    positions = positions[order]
    E = np.concatenate([blocks.space(rows)[is_open], E_done])[order]
    ids, distances, keys, codes = blocks.take(
        positions, "ids", "distances", "keys", "codes"
    )
    if labels.graph is None:
        probes = ids, distances, positions
        count = partial(count_before, unit=clusters.unit, probes=probes)
        (before,) = blocks.reduce(count, add, "ids", "distances")
        # Given samples come first, wherever they lie: those behind are before, too.
        is_given = np.isin(positions, labels.given.positions)
        along = np.lexsort((before, ids))
        n_given = np.bincount(ids, is_given).astype(np.intp)
        behind = n_given.cumsum()[ids]
        behind[along] -= is_given[along].cumsum()
        confidence = rank_confidence(before + behind, clusters.sizes[ids])
    else:
        confidence = 1 - keys / COST_UNITS
    confidence[codes < 0] = 0
    costs = distance_keys(distances, clusters.unit).astype(np.float64)
    local = Clusters(E, ids, costs, None, seed=clusters.seed)
    chosen = next_queries(
        local, confidence, np.searchsorted(positions, done), n_queries
    )
    return positions[chosen]


def select_last(
    blocks: Blocks, clusters: BlockClusters, given: GivenLabels, fraction: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the last sample of each cluster that keeps its label, without sorting.

    A search by digits: counts tell the first ten bits of the key of the last sample,
    then the next ten, and so on; among equal keys, the bits of its position.

    Parameters
    ----------
    blocks : Blocks
        The samples, with columns "ids" and "keys".
    clusters : BlockClusters
        Their clusters.
    given : GivenLabels
        Their labels are kept in any case, and count.
    fraction : float
        Share of each cluster to keep, in [0, 1].

    Returns
    -------
    last_key, last_position : ndarray of shape (n_clusters,), dtype=int64
        Key and position; the key is -1 where none but given labels are kept.
    """
    sizes = clusters.sizes
    (given_ids,) = blocks.take(given.positions, "ids")
    n_given = np.bincount(given_ids, minlength=len(sizes))
    # As within_fraction rounds.
    share = np.floor(np.round(fraction * sizes, 9) + 0.5).astype(np.int64)
    wanted = np.maximum(share - n_given, 0)
    last_position = np.full(len(sizes), blocks.n_samples, dtype=np.int64)
    if np.array_equal(wanted, sizes - n_given):
        return np.full(len(sizes), 2**32, dtype=np.int64), last_position

    def search(
        n_bits: int, left: NDArray[np.int64], ties: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        prefix = np.zeros(len(sizes), dtype=np.int64)
        tied = prefix
        for shift in range((n_bits - 1) // DIGIT_BITS * DIGIT_BITS, -1, -DIGIT_BITS):
            count = partial(
                count_digits,
                given=given.positions,
                prefix=prefix,
                shift=shift,
                ties=ties,
            )
            (counts,) = blocks.reduce(count, add, "ids", "keys")
            ends = counts.cumsum(axis=1)
            digit = np.minimum(
                (ends < left[:, np.newaxis]).sum(axis=1), 2**DIGIT_BITS - 1
            )
            rows = np.arange(len(sizes))
            tied = counts[rows, digit]
            left = left - (ends[rows, digit] - tied)
            prefix = (prefix << DIGIT_BITS) + digit
        return prefix, left, tied

    last_key, left, tied = search(30, wanted, None)
    if np.any((left < tied) & (wanted > 0)):
        last_position, _, _ = search(blocks.n_samples.bit_length(), left, last_key)
    last_key[wanted == 0] = -1
    return last_key, last_position
