"""K-means, and k-means again inside some of the clusters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from heapq import heappop, heappush
from numbers import Integral
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import euclidean_distances, pairwise_distances_argmin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._clustering import distances_to_centers
from .._containers import canonical
from .._seeds import MAX_SEED
from .._validation import POSITIVE, StrOptions, validate_estimator_parameters


class _Split(NamedTuple):
    """The centres that a cluster, or the whole, is split by.

    Attributes
    ----------
    centers : ndarray of shape (n_children, n_features)
        The centres.
    children : list of int
        For each the number of the split inside its cluster; -1 if there is none.
    """

    centers: NDArray[Any]
    children: list[int]


class _Bisection(NamedTuple):
    """A cluster and a way to split it in two; the one that gains most sorts first."""

    loss: float  # what is gained, times -1
    place: tuple[int, int]  # the split and the child it is; ties go to the first one
    members: NDArray[np.intp]
    kmeans: KMeans


def _walk(
    splits: list[_Split], X: Any
) -> tuple[NDArray[Any], list[NDArray[Any]], list[int]]:
    """Lead each sample down the tree, to the nearest centre at every split.

    Parameters
    ----------
    splits : list of _Split
        The tree; the first split is the first level.
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype=int32
        The flat cluster of each sample.
    centers : list of ndarray of shape (n_features,)
        Their centres, those of one parent together.
    parents : list of int
        Their first-level clusters.
    """
    labels: NDArray[Any] = np.empty(X.shape[0], dtype=np.int32)
    centers: list[NDArray[Any]] = []
    parents: list[int] = []
    # A stack and no recursion: an unbalanced tree can be as deep as it has leaves.
    stack: list[tuple[int, Any, int, NDArray[np.intp]]]
    stack = [(0, None, -1, np.arange(X.shape[0]))]
    while stack:
        number, center, parent, members = stack.pop()
        if number < 0:
            labels[members] = len(centers)
            centers.append(center)
            parents.append(parent)
            continue
        nearest = _find_nearest(X, members, splits[number].centers)
        stack.extend(
            (
                splits[number].children[child],
                splits[number].centers[child],
                child if parent < 0 else parent,
                members[nearest == child],
            )
            for child in reversed(range(len(splits[number].centers)))
        )
    return labels, centers, parents


def _find_nearest(
    X: Any, members: NDArray[np.intp], centers: NDArray[Any]
) -> NDArray[np.intp]:
    """Find the nearest centre of some of the samples."""
    if not len(members):
        return members
    rows = X if len(members) == X.shape[0] else X[members]
    return pairwise_distances_argmin(rows, centers)


def _scatter(X: Any) -> float:
    """Sum the squared distances of samples to their mean."""
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).reshape(1, -1)
    zeros = np.zeros(X.shape[0], dtype=np.intp)
    return float(np.sum(distances_to_centers(X, zeros, mean) ** 2))


def _calinski_harabasz(total: float, within: float, k: int, n_samples: int) -> float:
    """Compute the index from sums of squares; 0 where it is not defined.

    It says nothing of a single cluster, nor of as many clusters as samples, each of
    which is perfect.
    """
    if k == 1 or k >= n_samples:
        return 0.0
    if within <= 0:
        return np.inf
    return (total - within) / (k - 1) * (n_samples - k) / within


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


class ReclusteringKMeans(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator
):
    """K-means, then k-means again inside chosen clusters.

    A first k-means makes ``n_clusters`` clusters. Then those named in ``split`` are
    clustered again, each by itself; or, with ``split="auto"``, the cluster whose
    splitting in two lowers the inertia most is split, again and again. The result is
    one flat clustering in which every cluster knows its first-level parent.

    The number of flat clusters, ``len(cluster_centers_)``, is ``n_clusters`` or more.

    Parameters
    ----------
    n_clusters : int, default=8
        Number of first-level clusters.
    split : "auto" or dict of int to int, default="auto"
        The clusters to cluster again.

        * "auto": of all flat clusters the one whose bisection lowers the inertia most
          is split, until there are ``max_clusters``.
        * dict: maps the number of a first-level cluster to its number of subclusters.
          Clusters that are not named stay whole. The numbers are those that
          ``sklearn.cluster.KMeans`` with the same parameters and ``random_state``
          gives, and that ``split={}`` gives: look there first, then choose.
    max_clusters : int, default=None
        The largest number of flat clusters. With ``split="auto"``, splitting ends
        there, or earlier when no cluster holds two different samples; None splits as
        long as that raises the Calinski-Harabasz index [1]_ of the flat clustering,
        which may be not at all: data without gaps need a number. With a dict, it is an
        error to ask for more; None sets no bound.
    n_init : "auto" or int, default="auto"
        How often every k-means is run, to keep the run with the lowest inertia.
        "auto": once.
    random_state : int, RandomState instance or None, default=None
        Determines the first centres. Give an int for the same clusters, with the same
        numbers, in every call.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_flat_clusters, n_features)
        Centres of the flat clusters. The subclusters of a parent stand together, the
        parents in the order of their numbers.
    labels_ : ndarray of shape (n_samples,), dtype=int32
        The flat cluster of each sample; equal to ``predict`` of the training samples.
    parent_labels_ : ndarray of shape (n_samples,), dtype=int32
        The first-level cluster of each sample.
    subcluster_parent_ : ndarray of shape (n_flat_clusters,), dtype=int32
        The first-level cluster of each flat cluster.
    parent_centers_ : ndarray of shape (n_clusters, n_features)
        Centres of the first-level clusters.
    inertia_ : float
        Sum of squared distances of the samples to the centre of their flat cluster.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.

    See Also
    --------
    sklearn.cluster.KMeans : One level only.
    sklearn.cluster.BisectingKMeans : Bisects from a single cluster on; splits the
        cluster of largest inertia, where this class splits the one where it helps most.
    kmeans_labelprop.model_selection.cluster_count_curve : Helps to choose
        ``n_clusters``.

    Notes
    -----
    New samples are led down: to the nearest first-level centre, and from there to the
    nearest centre inside that cluster. A subcluster so stays inside its parent, as it
    does in training. The nearest of all flat centres can belong to another parent, for
    samples near the border between two; ``transform`` gives the distance to each.

    With "auto", the bisection of every cluster is computed once and kept.

    References
    ----------
    .. [1] T. Calinski and J. Harabasz, "A dendrite method for cluster analysis",
       Communications in Statistics 3, 1974, :doi:`10.1080/03610927408827101`.

    Examples
    --------
    >>> import numpy as np
    >>> from kmeans_labelprop.cluster import ReclusteringKMeans
    >>> X = np.array([[0], [1], [2], [3], [20], [21], [50], [60]])
    >>> model = ReclusteringKMeans(n_clusters=2, split={}, random_state=0).fit(X)
    >>> model.labels_
    array([0, 0, 0, 0, 0, 0, 1, 1], dtype=int32)

    Cluster 0 holds two groups; it is clustered again:

    >>> model.set_params(split={0: 2}).fit(X).labels_
    array([1, 1, 1, 1, 0, 0, 2, 2], dtype=int32)
    >>> model.subcluster_parent_
    array([0, 0, 1], dtype=int32)
    >>> model.predict([[23], [90]])
    array([0, 2], dtype=int32)

    Or the splits that lower the inertia most are found:

    >>> model.set_params(split="auto", max_clusters=4).fit(X).labels_
    array([1, 1, 1, 1, 0, 0, 3, 2], dtype=int32)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [POSITIVE],
        "split": [StrOptions({"auto"}), Mapping],
        "max_clusters": [POSITIVE, None],
        "n_init": [StrOptions({"auto"}), POSITIVE],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        split: str | Mapping[int, int] = "auto",
        max_clusters: int | None = None,
        n_init: str | int = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.split = split
        self.max_clusters = max_clusters
        self.n_init = n_init
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Cluster, and cluster again.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples, float32 or float64; everything else becomes float64.
        y : None
            Ignored.

        Returns
        -------
        self : ReclusteringKMeans
            The fitted clusterer.

        Raises
        ------
        ValueError
            If ``split`` names an unknown cluster, asks for more subclusters than the
            cluster has samples, or for more clusters than ``max_clusters``.
        """
        validate_estimator_parameters(self)
        self._check_split()
        X = self._check_X(X, reset=True)
        rng = check_random_state(self.random_state)
        # The generator itself: an int then gives the clusters of a plain KMeans.
        first = self._fit_kmeans(X, self.n_clusters, rng)
        splits = [_Split(first.cluster_centers_, [-1] * self.n_clusters)]
        # One seed for each cluster: a split does not depend on which others there are.
        seeds = rng.randint(MAX_SEED, size=self.n_clusters).tolist()
        self.parent_centers_ = splits[0].centers
        parents = _find_nearest(X, np.arange(X.shape[0]), self.parent_centers_)
        if isinstance(self.split, str):
            self._split_best(X, splits, parents, float(first.inertia_), seeds, rng)
        else:
            self._split_named(X, splits, parents, seeds, self.split)

        self._splits = splits
        self.labels_, centers, flat_parents = _walk(splits, X)
        self.parent_labels_ = parents.astype(np.int32)
        self.cluster_centers_ = np.stack(centers)
        self.subcluster_parent_ = np.array(flat_parents, dtype=np.int32)
        own = distances_to_centers(X, self.labels_, self.cluster_centers_)
        self.inertia_ = float(np.sum(own**2))
        self._n_features_out = len(centers)
        return self

    def _check_split(self) -> None:
        """Check what the table of legal parameters cannot."""
        most = np.inf if self.max_clusters is None else self.max_clusters
        if most < self.n_clusters:
            raise ValueError(
                "The 'max_clusters' parameter must be n_clusters="
                f"{self.n_clusters} or more. Got {self.max_clusters} instead."
            )
        if isinstance(self.split, str):
            return
        for cluster, count in self.split.items():
            if not _is_whole(cluster) or not 0 <= cluster < self.n_clusters:
                raise ValueError(
                    "The keys of the 'split' parameter must be first-level clusters, "
                    f"from 0 to {self.n_clusters - 1}. Got {cluster!r} instead."
                )
            if not _is_whole(count) or count < 1:
                raise ValueError(
                    "The values of the 'split' parameter must be numbers of "
                    f"subclusters, 1 or more. Got {count!r} for cluster {cluster} "
                    "instead."
                )
        total = self.n_clusters + sum(count - 1 for count in self.split.values())
        if total > most:
            raise ValueError(
                f"The 'split' parameter asks for {total} clusters in all, more than "
                f"max_clusters={self.max_clusters}."
            )

    def _fit_kmeans(self, X: Any, n_clusters: int, seed: Any) -> KMeans:
        return KMeans(n_clusters, n_init=self.n_init, random_state=seed).fit(X)

    def _split_named(
        self,
        X: Any,
        splits: list[_Split],
        parents: NDArray[np.intp],
        seeds: list[int],
        named: Mapping[int, int],
    ) -> None:
        """Cluster again inside the clusters that ``split`` names."""
        for cluster, count in sorted(named.items()):
            if count == 1:
                continue
            members = np.flatnonzero(parents == cluster)
            if len(members) < count:
                raise ValueError(
                    f"The 'split' parameter asks for {count} subclusters of cluster "
                    f"{cluster}, which has {len(members)} samples."
                )
            splits[0].children[cluster] = len(splits)
            kmeans = self._fit_kmeans(X[members], count, seeds[cluster])
            splits.append(_Split(kmeans.cluster_centers_, [-1] * count))

    def _split_best(
        self,
        X: Any,
        splits: list[_Split],
        nearest: NDArray[np.intp],
        within: float,
        seeds: list[int],
        rng: np.random.RandomState,
    ) -> None:
        """Split again and again the cluster whose splitting lowers inertia most."""
        n_samples, n_flat = X.shape[0], self.n_clusters
        limit = n_samples if self.max_clusters is None else self.max_clusters
        total, members = _scatter(X), np.arange(n_samples)
        # Largest gain first. A bisection is computed when its cluster appears, and
        # waits here until its turn comes or the splitting ends.
        heap: list[_Bisection] = []
        while n_flat < limit:
            for child, seed in enumerate(seeds):
                place = len(splits) - 1, child
                self._bisect(heap, X, members[nearest == child], seed, place)
            if not heap:
                break
            best = heappop(heap)
            before, after = (
                _calinski_harabasz(total, inertia, k, n_samples)
                for inertia, k in ((within, n_flat), (within + best.loss, n_flat + 1))
            )
            if self.max_clusters is None and after <= before:
                break
            n_flat, within = n_flat + 1, within + best.loss
            splits[best.place[0]].children[best.place[1]] = len(splits)
            splits.append(_Split(best.kmeans.cluster_centers_, [-1, -1]))
            members, nearest = best.members, best.kmeans.labels_
            seeds = rng.randint(MAX_SEED, size=2).tolist()

    def _bisect(
        self,
        heap: list[_Bisection],
        X: Any,
        members: NDArray[np.intp],
        seed: int,
        place: tuple[int, int],
    ) -> None:
        """Split one cluster in two, unless that is impossible or gains nothing."""
        if len(members) < 2:
            return
        rows = X[members]
        with warnings.catch_warnings():
            # Samples that differ by a rounding error only: no gain, and none is needed.
            warnings.simplefilter("ignore", ConvergenceWarning)
            kmeans = self._fit_kmeans(rows, 2, seed)
        loss = float(kmeans.inertia_) - _scatter(rows)
        if loss < 0 and len(np.unique(kmeans.labels_)) == 2:
            heappush(heap, _Bisection(loss, place, members, kmeans))

    def predict(self, X: Any) -> NDArray[np.int32]:
        """Find the flat cluster of each sample.

        A sample goes to the nearest first-level centre, and from there to the nearest
        centre inside that cluster.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,), dtype=int32
            The flat cluster of each sample.
        """
        X = self._check_X(X)
        return _walk(self._splits, X)[0]

    def transform(self, X: Any) -> NDArray[Any]:
        """Compute the distance of each sample to the centre of each flat cluster.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_flat_clusters)
            Euclidean distances.
        """
        X = self._check_X(X)
        return euclidean_distances(X, self.cluster_centers_)

    def _check_X(self, X: Any, *, reset: bool = False) -> Any:
        if not reset:
            check_is_fitted(self)
        return validate_data(
            self,
            canonical(X),
            accept_sparse="csr",
            accept_large_sparse=False,
            dtype=[np.float64, np.float32],
            order="C",
            reset=reset,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
