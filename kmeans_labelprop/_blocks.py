"""What is computed from one block of samples, and how results of two are merged.

Pure functions for data that no machine holds at once. Each takes the position of the
block's first sample and its columns, and returns arrays; a merge takes those of the
rows before and of the rows after. No result depends on where blocks begin: sums are
exact, of whole numbers, and ties go by position.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils import gen_batches

from ._clustering import distances_to_centers
from ._containers import take_rows
from ._distances import nearest
from ._given import GivenLabels
from ._graph import Graph, neighbor_weights
from ._labels import check_labels, count_marks
from ._mixing import position_hashes
from ._propagation import as_probabilities, likeliest, margin, nearest_in_cluster
from ._representatives import best_samples

Arrays = tuple[Any, ...]
Measure = Callable[..., Arrays]
Merge = Callable[[Arrays, Arrays], Arrays]

# Costs are ranked in whole billionths: equal to nine digits is a tie, as in memory.
COST_UNITS = 10**9
# Bits of a number that are counted at once, for each cluster.
DIGIT_BITS = 10
# Steps of sums of up to 2**62.
_MOST_STEPS = 2.0**62
# Elements of a block that are handled at once.
BATCH_ELEMENTS = 2**21


def batch_length(n_features: int) -> int:
    """Choose how many samples to handle at once."""
    return max(1024, BATCH_ELEMENTS // max(1, n_features))


def concatenate(parts: list[Any]) -> Any:
    """Join rows, in their container.

    Parameters
    ----------
    parts : list of {array, dataframe, series}
        The rows.

    Returns
    -------
    rows : {array, dataframe, series}
        All of them.
    """
    if len(parts) == 1:
        return parts[0]
    if all(hasattr(part, "iloc") for part in parts):
        import pandas as pd

        return pd.concat(parts)
    # Series beside arrays: NumPy would make floats of nulls.
    parts = [np.asarray(p, dtype=object) if hasattr(p, "iloc") else p for p in parts]
    if hasattr(parts[0], "columns"):
        import polars as pl

        return pl.concat(parts, how="vertical_relaxed")
    kinds = {part.dtype.kind for part in parts}
    if len(kinds) > 1 and (parts[0].ndim == 1 or not kinds <= set("biuf")):
        # NumPy would turn labels 1 into "1", and round large ones.
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def add(left: Arrays, right: Arrays) -> Arrays:
    """Merge sums and counts."""
    return tuple(a + b for a, b in zip(left, right, strict=True))


def append(left: Arrays, right: Arrays) -> Arrays:
    """Merge rows."""
    return tuple(concatenate([a, b]) for a, b in zip(left, right, strict=True))


def in_batches(
    measure: Measure, merge: Merge, n_rows: int, start: int, *columns: Any
) -> Arrays:
    """Measure a block piece by piece: what is computed on the way stays small.

    Parameters
    ----------
    measure, merge : callable
        What is computed from a piece, and how two results are merged.
    n_rows : int
        Samples of a piece.
    start : int
        Position of the block's first sample.
    *columns : array-like of shape (n_samples, ...)
        The block, which has samples.

    Returns
    -------
    result : tuple of array
        As if measured at once.
    """

    def measure_piece(rows: slice) -> Arrays:
        pieces = (c.iloc[rows] if hasattr(c, "iloc") else c[rows] for c in columns)
        return measure(start + rows.start, *pieces)

    return reduce(merge, map(measure_piece, gen_batches(columns[0].shape[0], n_rows)))


def in_block(positions: NDArray[Any], start: int, n_rows: int) -> slice:
    """Find which of some positions, in increasing order, lie in a block."""
    first, last = np.searchsorted(positions, [start, start + n_rows])
    return slice(int(first), int(last))


def rows_at(start: int, *columns: Any, positions: NDArray[np.intp]) -> Arrays:
    """Take the rows at some positions, in increasing order."""
    n_rows = columns[0].shape[0]
    own = positions[in_block(positions, start, n_rows)] - start
    return tuple(take_rows(column, own) for column in columns)


# ------------------------------------------------------------ a sample


def draw_rows(start: int, X: Any, *, seed: int, n_drawn: int, n_samples: int) -> Arrays:
    """Draw rows of a block for a sample without replacement of all.

    Parameters
    ----------
    start : int
        Position of the first row.
    X : array-like of shape (n_rows, ...)
        The block.
    seed : int
        Another one draws other rows.
    n_drawn : int
        Size of the whole sample: those with the smallest hashes.
    n_samples : int
        Number of all rows, if known: hashes that are not among the smallest then need
        not be handed on; else 0.

    Returns
    -------
    result : tuple of array
        The number of rows; the hashes of those drawn, in increasing order, their
        positions, and these.
    """
    hashes = position_hashes(np.arange(start, start + X.shape[0]), seed)
    order = np.argsort(hashes, kind="stable")[:n_drawn]
    enough = n_drawn + 5 * n_drawn**0.5 + 50  # five standard errors more, and some
    if enough < n_samples:
        order = order[hashes[order] < np.uint64(enough / n_samples * 2.0**64)]
    return np.array([X.shape[0]]), hashes[order], order + start, take_rows(X, order)


def merge_drawn(left: Arrays, right: Arrays, *, n_drawn: int) -> Arrays:
    """Merge what `draw_rows` returns."""
    both = append(left[1:], right[1:])
    order = np.argsort(both[0], kind="stable")[:n_drawn]
    return left[0] + right[0], *(take_rows(column, order) for column in both)


# ------------------------------------------------------------ clusters


def sum_by_cluster(
    start: int,
    E: NDArray[Any],
    *,
    centers: NDArray[Any],
    middle: NDArray[np.float64],
    step: NDArray[np.float64],
) -> Arrays:
    """Sum the samples of each cluster: one half of an iteration of Lloyd's algorithm.

    Parameters
    ----------
    start : int
        Position of the first sample.
    E : ndarray of shape (n_rows, n_components)
        The embedded samples.
    centers : ndarray of shape (n_clusters, n_components)
        The centres; each sample belongs to the nearest.
    middle, step : ndarray of shape (n_components,), dtype=float64
        Coordinates are summed in whole steps from the middle: such sums are exact, and
        so the same in any order.

    Returns
    -------
    result : tuple of ndarray
        The sums of steps, of shape (n_clusters, n_components), the number of samples of
        each cluster, and the largest number of steps.
    """
    ids = nearest(E, centers)
    steps = (E - middle) / step
    largest = np.abs(steps).max(initial=0)
    np.clip(steps, -_MOST_STEPS, _MOST_STEPS, out=steps)
    whole = np.rint(steps).astype(np.int64)
    n_rows = len(ids)
    ones, ends = np.ones(n_rows, dtype=np.int64), np.arange(n_rows + 1)
    members = csr_array((ones, ids, ends), shape=(n_rows, len(centers)))
    counts = np.bincount(ids, minlength=len(centers))
    return members.T @ whole, counts, np.array([largest])


def merge_sums(left: Arrays, right: Arrays) -> Arrays:
    """Merge what `sum_by_cluster` returns."""
    return (*add(left[:2], right[:2]), np.maximum(left[2], right[2]))


def choose_steps(
    E: NDArray[Any], n_samples: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Choose the steps in which coordinates are summed.

    Parameters
    ----------
    E : ndarray of shape (n_drawn, n_components)
        Some of the samples.
    n_samples : int
        How many are to be summed.

    Returns
    -------
    middle, step : ndarray of shape (n_components,), dtype=float64
        See `sum_by_cluster`: as fine as 62 bits allow if no coordinate lies 16 times
        as far out as these samples.
    limit : float
        Number of steps of a coordinate up to which no sum overflows.
    """
    low, high = E.min(axis=0).astype(np.float64), E.max(axis=0).astype(np.float64)
    middle, width = low / 2 + high / 2, high - low
    width[width == 0] = width.max(initial=0) or 1.0
    limit = 2.0 ** (62 - n_samples.bit_length())
    return middle, width * (16 / limit), limit


def next_centers(
    measure_all: Callable[[Measure], Arrays],
    centers: NDArray[Any],
    middle: NDArray[np.float64],
    step: NDArray[np.float64],
    limit: float,
) -> NDArray[Any]:
    """Run an iteration of Lloyd's algorithm, in exact sums.

    Parameters
    ----------
    measure_all : callable
        Measures all samples, and merges by `merge_sums`.
    centers : ndarray of shape (n_clusters, n_components)
        The centres.
    middle, step : ndarray of shape (n_components,), dtype=float64
        See `sum_by_cluster`.
    limit : float
        See `choose_steps`.

    Returns
    -------
    centers : ndarray of shape (n_clusters, n_components)
        The means of the samples nearest to each; one without samples stays.
    """
    largest = np.inf
    while largest > limit:
        measure = partial(sum_by_cluster, centers=centers, middle=middle, step=step)
        sums, counts, farthest = measure_all(measure)
        largest = float(farthest[0])
        if largest > limit:  # far outside of what was drawn: coarser steps
            step = step * 2.0 ** np.ceil(np.log2(largest / limit) + 1)
    filled = counts > 0
    means = middle + sums[filled] / counts[filled, np.newaxis] * step
    centers = centers.copy()
    centers[filled] = means
    return centers


def exact_means(E: NDArray[Any], centers: NDArray[Any]) -> NDArray[Any]:
    """Run one more iteration: the last digits of k-means depend on its threads."""
    n_rows = batch_length(E.shape[1])

    def measure_all(measure: Measure) -> Arrays:
        return in_batches(measure, merge_sums, n_rows, 0, E)

    return next_centers(measure_all, centers, *choose_steps(E, len(E)))


def assign(E: NDArray[Any], centers: NDArray[Any]) -> Arrays:
    """Find the nearest centre of each sample, and its distance."""
    ids = nearest(E, centers)
    return ids, distances_to_centers(E, ids, centers)


def assign_block(
    start: int,
    X: Any,
    *,
    space: Callable[[Any], NDArray[Any]],
    centers: NDArray[Any],
    known: NDArray[np.intp],
    seed: int | None,
) -> Arrays:
    """Find the cluster of each sample, and all else that one reading can tell.

    Parameters
    ----------
    start : int
        Position of the first sample.
    X : array-like of shape (n_rows, n_features)
        The samples.
    space : callable
        Embeds them.
    centers : ndarray of shape (n_clusters, n_components)
        The centres.
    known : ndarray of shape (n_known,), dtype=intp
        Positions of samples that have a label, in increasing order.
    seed : int or None
        Which of equally near samples are taken.

    Returns
    -------
    result : tuple of array
        Cluster and distance of each sample. Then what `merge_assigned` merges: sizes
        of the clusters; the largest distance; cluster, distance, position and row of
        the sample nearest to each centre; positions of those that have a label, and
        these, embedded.
    """
    E = space(X)
    ids, distances = assign(E, centers)
    counts = np.bincount(ids, minlength=len(centers))
    largest = np.array([distances.max(initial=0)])
    positions = np.arange(start, start + len(ids))
    nobody = np.zeros(len(ids), dtype=bool)
    near, own = best_samples(ids, distances, nobody, positions, seed)
    best = own, distances[near], near + start, take_rows(X, near)
    labelled = known[in_block(known, start, len(ids))]
    rest = counts, largest, *best, labelled, E[labelled - start]
    return ids.astype(np.int32), distances, *rest


def merge_assigned(left: Arrays, right: Arrays, *, seed: int | None) -> Arrays:
    """Merge what `assign_block` returns beside columns."""
    own, distances, positions, _ = best = append(left[2:6], right[2:6])
    nobody = np.zeros(len(own), dtype=bool)
    chosen, _ = best_samples(own, distances, nobody, positions, seed)
    return (
        left[0] + right[0],
        np.maximum(left[1], right[1]),
        *(take_rows(column, chosen) for column in best),
        *append(left[6:], right[6:]),
    )


def distance_keys(distances: NDArray[Any], unit: float) -> NDArray[np.uint32]:
    """Turn distances into whole numbers, in the same order."""
    return np.rint(distances / unit * COST_UNITS).astype(np.uint32)


def best_of_block(
    start: int,
    ids: NDArray[Any],
    distances: NDArray[Any],
    *,
    unit: float,
    known: NDArray[np.intp],
    seed: int | None,
) -> Arrays:
    """Find the best sample of each cluster: one of the known ones, if there are any.

    Parameters
    ----------
    start : int
        Position of the first sample.
    ids, distances : ndarray of shape (n_rows,)
        Cluster of each sample, and distance to its centre.
    unit : float
        The largest distance of all.
    known : ndarray of shape (n_known,), dtype=intp
        Positions of the samples to be preferred, in increasing order.
    seed : int or None
        Which of equally good samples are taken.

    Returns
    -------
    result : tuple of ndarray
        Cluster, whether known, key and position of each.
    """
    keys = distance_keys(distances, unit)
    is_known = np.zeros(len(ids), dtype=bool)
    is_known[known[in_block(known, start, len(ids))] - start] = True
    positions = np.arange(start, start + len(ids))
    costs = keys.astype(np.float64)
    chosen, own = best_samples(ids, costs, is_known, positions, seed)
    return own, is_known[chosen], keys[chosen], chosen + start


def merge_best(left: Arrays, right: Arrays, *, seed: int | None) -> Arrays:
    """Merge what `best_of_block` returns."""
    both = append(left, right)
    chosen, _ = best_samples(both[0], both[2], both[1], both[3], seed)
    return tuple(column[chosen] for column in both)


def count_before(
    start: int,
    ids: NDArray[Any],
    distances: NDArray[Any],
    *,
    unit: float,
    probes: Arrays,
) -> Arrays:
    """Count the samples of a block that come before others of their cluster.

    Parameters
    ----------
    start : int
        Position of the first sample.
    ids, distances : ndarray of shape (n_rows,)
        Cluster of each sample, and distance to its centre.
    unit : float
        The largest distance of all.
    probes : tuple of ndarray of shape (n_probes,)
        Cluster, distance and position of the others.

    Returns
    -------
    result : tuple of ndarray of shape (n_probes,)
        How many samples of its cluster are nearer to the centre, for each probe; of
        equally near ones those that come first.
    """
    n_probes = len(probes[0])
    both = append(probes, (ids, distances, np.arange(start, start + len(ids))))
    clusters, keys = both[0].astype(np.intp), distance_keys(both[1], unit)
    order = np.lexsort((both[2], keys, clusters))
    before = np.empty(len(order), dtype=np.intp)
    before[order] = np.cumsum(order >= n_probes)
    sizes = np.bincount(ids, minlength=int(clusters.max(initial=-1)) + 1)
    own = clusters[:n_probes]
    return (before[:n_probes] - (np.cumsum(sizes) - sizes)[own],)


# ------------------------------------------------------------ labels


def count_labels(start: int, y: Any, *, missing_label: Any) -> Arrays:
    """Count rows, labels, and what may mark missing ones."""
    labels, known = check_labels(y, missing_label)
    marks = count_marks(y, labels, known)
    return np.array([y.shape[0]]), np.array([len(labels)]), marks


def compare_names(start: int, index: Any, names: NDArray[Any]) -> Arrays:
    """Count names that are not those of the rows, and that are not positions.

    Parameters
    ----------
    start : int
        Position of the first row.
    index : pandas Index of length n_rows
        Names of the rows.
    names : ndarray of shape (n_rows,), dtype=object
        Names of their labels.

    Returns
    -------
    counts : ndarray of shape (2,)
        The counts.
    moved : ndarray of shape (3,)
        Sums that tell whether the names of the rows are positions in another order.
    """
    own = np.asarray(index, dtype=object)
    places = np.arange(start, start + len(own))
    counts = np.count_nonzero(own != names), np.count_nonzero(places != names)
    moved = np.zeros(3, dtype=np.int64)
    if index.dtype.kind in "iu":
        numbers = np.asarray(index, dtype=np.int64)
        moved[:] = len(own), (numbers - places).sum(), (numbers**2 - places**2).sum()
    return np.array(counts), moved


def check_names(counts: NDArray[np.intp], moved: NDArray[np.int64]) -> None:
    """Refuse labels whose index is neither that of the samples nor 0, 1, 2, ...

    Parameters
    ----------
    counts, moved : ndarray
        What `compare_names` returns, of all rows.

    Raises
    ------
    ValueError
        If the index is another one.
    """
    are_positions = moved[0] > 0 and not moved[1:].any()
    if counts[0] and (counts[1] or are_positions):
        raise ValueError(
            "The index of y must be that of X, in the same order. Got another one for "
            f"{counts[0]} samples. Bring both into one order, or pass an array."
        )


def known_labels(start: int, y: Any, *, missing_label: Any) -> Arrays:
    """Take the labels there are, and their positions."""
    labels, is_known = check_labels(y, missing_label)
    return np.flatnonzero(is_known) + start, labels


@dataclass(frozen=True, eq=False)
class BlockSpread:
    """The labels given, and what spreads them to the samples of a block.

    Attributes
    ----------
    given : GivenLabels
        The labels given.
    E : ndarray of shape (n_given, n_components)
        Their samples, embedded.
    centers : ndarray of shape (n_clusters, n_components)
        The centres of the clusters.
    unit : float
        The largest distance of a sample to its centre.
    ids : ndarray of shape (n_given,)
        The cluster of each given sample.
    voices : ndarray of shape (n_given,), dtype=intp
        The class that each passes on to other samples.
    graph : Graph or None
        The graph of the anchors; None for the cluster rule.
    distributions : ndarray of shape (n_nodes, n_classes), dtype=float64, or None
        Shares of the classes at its nodes.
    """

    given: GivenLabels
    E: NDArray[Any]
    centers: NDArray[Any]
    unit: float
    ids: NDArray[np.intp]
    voices: NDArray[np.intp]
    graph: Graph | None = None
    distributions: NDArray[np.float64] | None = None

    @property
    def is_mixed(self) -> bool:
        """Whether labels of one cluster differ."""
        pairs = np.unique(np.stack([self.ids, self.voices], axis=1), axis=0)
        return len(pairs) > len(np.unique(self.ids))

    def restore(self, start: int, codes: NDArray[np.intp]) -> slice:
        """Give the given samples of a block their own class; tell which these are."""
        own = in_block(self.given.positions, start, len(codes))
        codes[self.given.positions[own] - start] = self.given.codes[own]
        return own


def label_in_clusters(
    start: int,
    ids: NDArray[Any],
    distances: NDArray[Any],
    E: NDArray[Any] | None = None,
    *,
    spread: BlockSpread,
) -> Arrays:
    """Give each sample the class of the nearest given one of its cluster.

    Parameters
    ----------
    start : int
        Position of the first sample.
    ids, distances : ndarray of shape (n_rows,)
        Cluster of each, and distance to its centre.
    E : ndarray of shape (n_rows, n_components) or None, default=None
        The embedded samples; not needed unless ``spread.is_mixed``.
    spread : BlockSpread
        The labels.

    Returns
    -------
    result : tuple of ndarray of shape (n_rows,)
        The class of each sample, -1 for none, and the key that ranks it.
    """
    codes = nearest_in_cluster(ids, E, spread.ids, spread.E, spread.voices)
    spread.restore(start, codes)
    return codes.astype(np.int32), distance_keys(distances, spread.unit)


def label_by_anchors(start: int, E: NDArray[Any], *, spread: BlockSpread) -> Arrays:
    """Give each sample the shares of the anchors next to it, weighed by distance.

    Parameters
    ----------
    start : int
        Position of the first sample.
    E : ndarray of shape (n_rows, n_components)
        The embedded samples.
    spread : BlockSpread
        The labels, with a graph.

    Returns
    -------
    result : tuple of ndarray of shape (n_rows,)
        The class of each sample, -1 for none, and the key that ranks it: how unsure
        it is, in billionths.
    """

    def rank(start: int, E: NDArray[Any]) -> Arrays:
        shares = anchor_shares(E, spread)
        return likeliest(shares), np.rint((1 - margin(shares)) * COST_UNITS)

    codes, keys = in_batches(rank, append, _rows_at_once(spread), 0, E)
    own = spread.restore(start, codes)
    keys[spread.given.positions[own] - start] = 0
    return codes.astype(np.int32), keys.astype(np.uint32)


def _rows_at_once(spread: BlockSpread) -> int:
    """Choose how many samples to compare with anchors: shares take more than rows."""
    assert spread.distributions is not None, "of that rule only"
    return BATCH_ELEMENTS // max(64, spread.distributions.shape[1]) + 1


def anchor_shares(E: NDArray[Any], spread: BlockSpread) -> NDArray[np.float64]:
    """Compute the shares that `label_by_anchors` gives, to nine digits."""
    assert spread.graph is not None, "of that rule only"
    assert spread.distributions is not None, "it has both"
    shares: NDArray[np.float64] = (
        neighbor_weights(spread.graph, E) @ spread.distributions
    )
    total = shares.sum(axis=1, keepdims=True)
    np.divide(shares, total, out=shares, where=total > 0)
    # The last digits of distances depend on where batches begin.
    return np.round(shares, 9)


def predict_shares(E: NDArray[Any], *, spread: BlockSpread) -> NDArray[np.float64]:
    """Predict the probability of each class over the graph, for other samples."""
    shares = anchor_shares(E, spread)
    lonely = np.flatnonzero(~shares.any(axis=1))
    if len(lonely):
        found = nearest(E[lonely], spread.E)
        shares[lonely, spread.given.codes[found]] = 1
    return as_probabilities(shares)


def predict_codes(E: NDArray[Any], *, spread: BlockSpread) -> NDArray[np.intp]:
    """Predict the class of other samples by the rule; -1 for none."""
    if spread.graph is not None:

        def predict(start: int, E: NDArray[Any]) -> Arrays:
            return (likeliest(predict_shares(E, spread=spread)),)

        codes: NDArray[np.intp]
        (codes,) = in_batches(predict, append, _rows_at_once(spread), 0, E)
        return codes
    ids = nearest(E, spread.centers)
    return nearest_in_cluster(ids, E, spread.ids, spread.E, spread.voices)


# ------------------------------------------------------------ fractions


def count_digits(
    start: int,
    ids: NDArray[Any],
    keys: NDArray[Any],
    *,
    given: NDArray[np.intp],
    prefix: NDArray[np.int64],
    shift: int,
    ties: NDArray[np.int64] | None,
) -> Arrays:
    """Count samples by cluster and the next digit of their key, or of their position.

    Parameters
    ----------
    start : int
        Position of the first sample.
    ids, keys : ndarray of shape (n_rows,)
        Cluster of each sample, and what ranks it there.
    given : ndarray of shape (n_given,), dtype=intp
        Positions of samples that are not counted, in increasing order.
    prefix : ndarray of shape (n_clusters,), dtype=int64
        The digits before, of the samples to count.
    shift : int
        Number of bits after the digit.
    ties : ndarray of shape (n_clusters,), dtype=int64, or None
        With it samples with these keys are counted, by their positions.

    Returns
    -------
    result : tuple of ndarray of shape (n_clusters, 2**DIGIT_BITS)
        The counts.
    """
    is_counted = np.ones(len(ids), dtype=bool)
    is_counted[given[in_block(given, start, len(ids))] - start] = False
    values = keys.astype(np.int64)
    if ties is not None:
        is_counted &= values == ties[ids]
        values = np.arange(start, start + len(ids), dtype=np.int64)
    values = values >> shift
    is_counted &= values >> DIGIT_BITS == prefix[ids]
    width = 2**DIGIT_BITS
    cells = ids[is_counted].astype(np.int64) * width + (values[is_counted] % width)
    counts = np.bincount(cells, minlength=len(prefix) * width)
    return (counts.reshape(len(prefix), width),)


def keep_block(
    start: int,
    ids: NDArray[Any],
    keys: NDArray[Any],
    codes: NDArray[Any],
    *,
    last_key: NDArray[np.int64],
    last_position: NDArray[np.int64],
    given: NDArray[np.intp],
) -> NDArray[np.bool_]:
    """Tell which samples keep their label.

    Parameters
    ----------
    start : int
        Position of the first sample.
    ids, keys, codes : ndarray of shape (n_rows,)
        Cluster of each sample, what ranks it there, and its class.
    last_key, last_position : ndarray of shape (n_clusters,), dtype=int64
        Key and position of the last sample of each cluster that keeps its label.
    given : ndarray of shape (n_given,), dtype=intp
        Positions of the samples that keep theirs in any case, in increasing order.

    Returns
    -------
    kept : ndarray of shape (n_rows,), dtype=bool
        True for those.
    """
    last = last_key[ids]
    position = np.arange(start, start + len(ids))
    kept = (keys < last) | ((keys == last) & (position <= last_position[ids]))
    kept[given[in_block(given, start, len(ids))] - start] = True
    kept &= codes >= 0
    return kept
