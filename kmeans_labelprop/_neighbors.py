"""The nearest neighbours among many samples, without comparing all with all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors
from sklearn.utils import gen_batches

from ._mixing import mixed_order, position_hashes
from ._parallel import run_in_threads

# Samples of a list, on average and at least.
_LIST_SIZE = 60
_LEAST_SIZE = 8
# Lists near each list, among which each sample has its nearest.
_N_NEAR = 512
# Fewer if few are searched: so many times these.
_NEAR_PER_LIST = 8
# Lists searched for a sample: the bounds. Few would do for most samples of low
# dimension, and miss the neighbours of those that lie where samples are scarce.
_LEAST_LISTS = 16
_MOST_LISTS = 128
# Share of the true neighbours that must be in them ...
_RECALL = 0.99
# ... of so many samples.
_N_PROBES = 512
# Candidates beyond the neighbours that are ranked by exact distances.
_SPARE = 4
# Samples that a thread takes at a time ...
_N_ROWS = 4096
# ... and distances: 64 MB.
_N_DISTANCES = 2**24


class ExactNeighbors(KNeighborsTransformer):
    """Find nearest neighbours by comparing all; of equally near ones any, in no order.

    scikit-learn's transformer takes the first of them.
    """

    def fit(self, X: Any, y: None = None) -> Self:
        """Keep the samples.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n_samples, n_components)
            The samples.
        y : None
            Not used.

        Returns
        -------
        self : estimator
            The fitted transformer.
        """
        self._order = mixed_order(X.shape[0])
        super().fit(X[self._order])
        return self

    def transform(self, X: Any) -> Any:
        """Find the neighbours of samples.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n_queries, n_components)
            The samples.

        Returns
        -------
        graph : CSR matrix of shape (n_queries, n_samples)
            Distances to the neighbours of each, the nearest first.
        """
        graph = super().transform(X)
        graph.indices = self._order[graph.indices].astype(graph.indices.dtype)
        return graph


class IndexedNeighbors(TransformerMixin, BaseEstimator):
    """Find nearly all nearest neighbours, in nearly linear time.

    k-means, in two steps, puts the samples into lists of about 60. Neighbours of a
    sample are searched in the lists whose centres are nearest to it [1]_. How many
    lists these are is measured: enough to hold 99 % of the true neighbours of 512
    samples, but from 16 to 128. That bounds the time where all samples are about
    equally far from each other.

    Nothing depends on chance, nor on the number of threads, which is that of OpenMP.

    Parameters
    ----------
    n_neighbors : int, default=20
        Number of neighbours of each sample.

    Attributes
    ----------
    n_lists_ : int
        Number of lists in which the neighbours of a sample are searched.

    References
    ----------
    .. [1] H. Jégou, M. Douze and C. Schmid, "Product Quantization for Nearest Neighbor
       Search", IEEE TPAMI 33, 2011, :doi:`10.1109/TPAMI.2010.57`: inverted files.
    """

    def __init__(self, n_neighbors: int = 20) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, X: NDArray[Any], y: None = None) -> Self:
        """Put samples into lists.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_components)
            The samples, each different from the others.
        y : None
            Not used.

        Returns
        -------
        self : estimator
            The fitted transformer.
        """
        self._X, n_samples = X, len(X)
        rng = np.random.RandomState(0)
        n_parts = max(1, round((n_samples / _LIST_SIZE) ** 0.5))
        some = np.sort(rng.permutation(n_samples)[: 100 * n_parts])
        (top,) = _find_centers(X, [some], [n_parts])
        self._top, part_of = top, _nearest(X, top)
        sizes = np.bincount(part_of, minlength=n_parts)
        is_large = sizes >= min(_LIST_SIZE, sizes.max())
        if not is_large.all():
            self._top = top[is_large]
            part_of = _nearest(X, self._top)
        parts = _group(part_of, len(self._top))
        found = _find_centers(X, parts, [-(-len(p) // _LIST_SIZE) for p in parts])
        self._first = np.cumsum([0, *map(len, found)])
        self._centers = np.concatenate(found)
        list_of = self._assign(X, part_of)
        sizes = np.bincount(list_of, minlength=len(self._centers))
        is_kept = sizes >= min(_LEAST_SIZE, n_samples)
        numbers = np.append(0, np.cumsum(is_kept))
        self._first, self._centers = numbers[self._first], self._centers[is_kept]
        self._list_of = numbers[list_of]
        lost = np.flatnonzero(~is_kept[list_of])
        self._list_of[lost] = self._assign(X[lost], part_of[lost])

        # The members of a list are contiguous, and relative to its centre: near the
        # origin float32 has enough digits, and divided by the largest number enough
        # exponents.
        largest = max(abs(float(X.max())), abs(float(X.min())))
        self._unit = float(np.ldexp(1.0, int(np.frexp(largest)[1])))
        # In no order: of equally near ones the first are taken.
        mixed = position_hashes(np.arange(n_samples))
        self._members = np.lexsort((mixed, self._list_of))
        self._sizes = np.bincount(self._list_of, minlength=len(self._centers))
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._offsets = np.empty(X.shape, dtype=np.float32)
        for batch in gen_batches(n_samples, _N_ROWS):
            rows = self._members[batch]
            self._offsets[batch] = self._seen_from(self._list_of[rows], X[rows])
        self._norms = _squared_norms(self._offsets)
        self._offsets *= -2  # as products with them enter squared distances

        n_near = min(len(self._centers), _N_NEAR)
        self._near = _find_exactly(self._centers, self._centers, n_near)
        probes = np.sort(rng.permutation(n_samples)[:_N_PROBES])
        self.n_lists_ = self._count_lists(probes)
        return self

    def transform(self, X: NDArray[Any]) -> csr_array:
        """Find the neighbours of other samples.

        Parameters
        ----------
        X : ndarray of shape (n_queries, n_components)
            The other samples.

        Returns
        -------
        graph : csr_array of shape (n_queries, n_samples)
            Distances to the neighbours of each, the nearest first.
        """
        return self._search(X, self._assign(X, _nearest(X, self._top)))

    def fit_transform(self, X: NDArray[Any], y: None = None) -> csr_array:
        """Find the neighbours of each sample, itself left out.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_components)
            The samples, each different from the others.
        y : None
            Not used.

        Returns
        -------
        graph : csr_array of shape (n_samples, n_samples)
            Distances to the neighbours of each, the nearest first.
        """
        self.fit(X)
        return self._search(X, self._list_of, are_own=True)

    def _assign(self, X: NDArray[Any], part_of: NDArray[np.intp]) -> NDArray[np.intp]:
        """Find the nearest centre of a list within the part of each sample."""
        list_of = np.empty(len(X), dtype=np.intp)

        def assign(part: int) -> None:
            rows, first = parts[part], self._first[part]
            if len(rows):
                centers = self._centers[first : self._first[part + 1]]
                list_of[rows] = first + pairwise_distances_argmin(X[rows], centers)

        parts = _group(part_of, len(self._top))
        run_in_threads(assign, range(len(parts)))
        return list_of

    def _count_lists(self, probes: NDArray[np.intp]) -> int:
        """Measure how many lists hold enough of the true neighbours."""
        true = _find_exactly(self._X[probes], self._X, self.n_neighbors + 1)
        n_near = self._near.shape[1]
        lists = self._nearest_lists(self._X[probes], self._list_of[probes], n_near)
        is_there = lists[:, np.newaxis, :] == self._list_of[true][:, :, np.newaxis]
        needed = np.where(is_there.any(axis=2), 1 + is_there.argmax(axis=2), n_near)
        needed = needed[true != probes[:, np.newaxis]]
        enough = int(np.quantile(needed, _RECALL, method="higher"))
        # So many have neighbours enough.
        least = max(_LEAST_LISTS, (self.n_neighbors + _SPARE) // _LEAST_SIZE + 1)
        return min(max(enough, least), max(least, _MOST_LISTS), n_near)

    def _nearest_lists(
        self, X: NDArray[Any], list_of: NDArray[np.intp], n_lists: int
    ) -> NDArray[np.intp]:
        """Find the lists nearest to samples among those near their own, in order."""
        found = np.empty((len(X), n_lists), dtype=np.intp)
        for number, rows in _each_group(list_of):
            near = self._near[number, : _NEAR_PER_LIST * n_lists]
            others = self._seen_from(number, self._centers[near])
            costs = self._seen_from(number, X[rows]) @ (others * np.float32(-2)).T
            costs += _squared_norms(others)
            taken = _least(costs, n_lists)
            order = np.argsort(np.take_along_axis(costs, taken, 1), 1, kind="stable")
            found[rows] = near[np.take_along_axis(taken, order, 1)]
        return found

    def _search(
        self, X: NDArray[Any], list_of: NDArray[np.intp], are_own: bool = False
    ) -> csr_array:
        """Find the neighbours of samples in the lists nearest to them."""
        shape = (len(X), self.n_neighbors)
        found = np.empty(shape, dtype=np.int32)
        distances = np.empty(shape, dtype=X.dtype)

        def search(batch: slice) -> None:
            lists = self._nearest_lists(
                X[order[batch]], list_of[order[batch]], self.n_lists_
            )
            width = int(self._sizes[lists].sum(axis=1).max())
            for part in gen_batches(len(lists), max(1, _N_DISTANCES // width)):
                rows = order[batch][part]
                near = self._candidates(X[rows], lists[part])
                exact = self._distances(X[rows], near)
                if are_own:
                    exact[near == rows[:, np.newaxis]] = np.inf
                best = np.argsort(exact, axis=1, kind="stable")[:, : self.n_neighbors]
                found[rows] = np.take_along_axis(near, best, 1)
                distances[rows] = np.take_along_axis(exact, best, 1)

        order = np.argsort(list_of, kind="stable")
        run_in_threads(search, gen_batches(len(X), _N_ROWS))
        ends = np.arange(0, found.size + 1, self.n_neighbors)
        graph = (distances.ravel(), found.ravel(), ends)
        return csr_array(graph, shape=(len(X), len(self._X)))

    def _candidates(self, X: NDArray[Any], lists: NDArray[np.intp]) -> NDArray[np.intp]:
        """Find a few more than the nearest of the members of each sample's lists."""
        sizes = self._sizes[lists]
        ends = np.cumsum(sizes, axis=1)
        starts = ends - sizes
        costs = np.full((len(X), ends[:, -1].max()), np.inf, dtype=np.float32)
        places = (starts + np.arange(len(X))[:, np.newaxis] * costs.shape[1]).ravel()
        for number, pairs in _each_group(lists.ravel()):
            rows = pairs // self.n_lists_
            first, size = self._starts[number], self._sizes[number]
            own = self._seen_from(number, X[rows])
            members = slice(first, first + size)
            cost = own @ self._offsets[members].T
            cost += self._norms[members]
            cost += _squared_norms(own)[:, np.newaxis]
            # All runs of so many costs, by where they start.
            shape = costs.size - size + 1, size
            runs = np.ndarray(shape, costs.dtype, costs, strides=2 * costs.strides[1:])
            runs[places[pairs]] = cost
        columns = _least(costs, self.n_neighbors + 1 + _SPARE)
        # In which of its lists each stands, and where there.
        which = (columns[:, :, np.newaxis] >= ends[:, np.newaxis, :]).sum(axis=2)
        within = columns - np.take_along_axis(starts, which, 1)
        places = self._starts[np.take_along_axis(lists, which, 1)] + within
        return self._members[places]

    def _seen_from(
        self, lists: int | NDArray[np.intp], X: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Subtract the centres of lists."""
        differences = (X - self._centers[lists]) / self._unit
        return differences.astype(np.float32, copy=False)

    def _distances(self, X: NDArray[Any], near: NDArray[np.intp]) -> NDArray[Any]:
        """Compute the distances of samples to candidates."""
        distances = np.empty(near.shape, dtype=X.dtype)
        for column, others in enumerate(near.T):
            distances[:, column] = _squared_norms(self._X[others] - X)
        return np.sqrt(distances, out=distances)


def _find_centers(
    X: NDArray[Any], groups: list[NDArray[np.intp]], numbers: list[int]
) -> list[NDArray[Any]]:
    """Cluster groups of samples, roughly: any lists of near ones will do."""

    def find(task: tuple[NDArray[np.intp], int]) -> Any:
        rows, number = task
        rough = KMeans(number, init="random", n_init=1, max_iter=5, random_state=0)
        return rough.fit(X[rows]).cluster_centers_

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return run_in_threads(find, zip(groups, numbers, strict=True))


def _nearest(X: NDArray[Any], centers: NDArray[Any]) -> NDArray[np.intp]:
    """Find the nearest centre of each sample."""
    batches = gen_batches(len(X), _N_ROWS)
    found = run_in_threads(
        lambda batch: pairwise_distances_argmin(X[batch], centers), batches
    )
    return np.concatenate(found)


def _find_exactly(
    X: NDArray[Any], others: NDArray[Any], n_neighbors: int
) -> NDArray[np.intp]:
    """Find the nearest of others to few samples, by comparing all."""
    finder = NearestNeighbors(n_neighbors=n_neighbors, algorithm="brute").fit(others)
    found = run_in_threads(
        lambda batch: finder.kneighbors(X[batch], return_distance=False),
        gen_batches(len(X), 128),
    )
    return np.concatenate(found)


def _group(labels: NDArray[np.intp], n_groups: int) -> list[NDArray[np.intp]]:
    """List the positions of each label, in increasing order."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, n_groups)))


def _each_group(labels: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Go through the labels that there are, with the positions of each."""
    order = np.argsort(labels, kind="stable")
    numbers, starts = np.unique(labels[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)


def _least(costs: NDArray[Any], n_taken: int) -> NDArray[np.intp]:
    """Find the columns of the smallest costs in each row, in order; of ties the first.

    Values are selected faster than positions, by :func:`numpy.argpartition`.
    """
    n_rows, n_columns = costs.shape
    if n_taken >= n_columns:
        return np.tile(np.arange(n_columns), (n_rows, 1))
    largest = np.partition(costs, n_taken - 1, axis=1)[:, n_taken - 1, np.newaxis]
    row, column = np.divmod(np.flatnonzero(costs <= largest), n_columns)
    if len(row) > n_rows * n_taken:  # ties
        starts = np.searchsorted(row, np.arange(n_rows))
        order = np.lexsort((costs[row, column], row))
        column = column[np.sort(order[np.arange(len(row)) - starts[row] < n_taken])]
    return column.reshape(n_rows, n_taken)


def _squared_norms(X: NDArray[Any]) -> NDArray[Any]:
    return np.einsum("ij,ij->i", X, X)
