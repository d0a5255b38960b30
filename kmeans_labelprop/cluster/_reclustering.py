"""K-means, and k-means again inside some of the clusters."""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import euclidean_distances, pairwise_distances_argmin
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._clustering import distances_to_centers
from .._containers import canonical
from .._seeds import MAX_SEED
from .._validation import Interval, StrOptions, validate_estimator_parameters


@dataclass
class _Tree:
    """Clusters that hold clusters, as a list of splits; the first is the first level.

    Attributes
    ----------
    centers : list of ndarray of shape (n_children, n_features)
        The centres that each split decides between.
    children : list of list of int
        For each centre of each split, the split inside its cluster; -1 if none.
    """

    centers: list[NDArray[Any]] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)

    def add(self, centers: NDArray[Any]) -> int:
        """Add a split that nothing refers to yet, and give its number."""
        self.centers.append(centers)
        self.children.append([-1] * len(centers))
        return len(self.centers) - 1

    def leaves(self) -> Iterator[tuple[int, int, int]]:
        """Walk the clusters that are not split, those of one parent together.

        Yields
        ------
        split, child, parent : int
            Where the cluster stands in the tree, and its first-level cluster.
        """
        # A stack and no recursion: an unbalanced tree can be as deep as it has leaves.
        stack = [(0, child, child) for child in reversed(range(len(self.children[0])))]
        while stack:
            split, child, parent = stack.pop()
            inner = self.children[split][child]
            if inner < 0:
                yield split, child, parent
            else:
                count = len(self.children[inner])
                stack.extend((inner, i, parent) for i in reversed(range(count)))

    def assign(self, X: Any) -> NDArray[np.int32]:
        """Lead each sample down the tree, to the nearest centre at every split."""
        flat = {leaf[:2]: i for i, leaf in enumerate(self.leaves())}
        labels = np.empty(X.shape[0], dtype=np.int32)
        waiting: list[tuple[int, NDArray[np.intp] | None]] = [(0, None)]
        while waiting:
            split, members = waiting.pop()
            nearest = assign_nearest(X, members, self.centers[split])
            for child, inner in enumerate(self.children[split]):
                chosen = np.flatnonzero(nearest == child)
                if members is not None:
                    chosen = members[chosen]
                if inner < 0:
                    labels[chosen] = flat[split, child]
                else:
                    waiting.append((inner, chosen))
        return labels


@dataclass(order=True)
class _Bisection:
    """A cluster and a way to split it in two; the one that gains most sorts first."""

    order: float = field(init=False)
    gain: float = field(compare=False)
    members: NDArray[np.intp] = field(compare=False)
    centers: NDArray[Any] = field(compare=False)
    nearest: NDArray[np.intp] = field(compare=False)
    inertias: NDArray[np.float64] = field(compare=False)
    split: int = field(default=0, compare=False)
    child: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        self.order = -self.gain


def assign_nearest(
    X: Any, members: NDArray[np.intp] | None, centers: NDArray[Any]
) -> NDArray[np.intp]:
    """Find the nearest centre of some of the samples.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    members : ndarray of shape (n_members,), dtype=intp, or None
        Positions of the samples; None for all.
    centers : ndarray of shape (n_centers, n_features)
        The centres.

    Returns
    -------
    nearest : ndarray of shape (n_members,), dtype=intp
        For each sample the position of its nearest centre.
    """
    rows = X if members is None else X[members]
    if rows.shape[0] == 0:
        return np.empty(0, dtype=np.intp)
    return pairwise_distances_argmin(rows, centers)


def weighted_inertia(
    X: Any,
    labels: NDArray[Any],
    centers: NDArray[Any],
    sample_weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Sum the squared distances of the samples of each cluster to its centre.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples.
    labels : ndarray of shape (n_samples,) of int
        The cluster of each sample.
    centers : ndarray of shape (n_clusters, n_features)
        The centres.
    sample_weight : ndarray of shape (n_samples,), dtype=float64
        The weights.

    Returns
    -------
    inertia : ndarray of shape (n_clusters,), dtype=float64
        The weighted sum for each cluster.
    """
    squared = distances_to_centers(X, labels, centers) ** 2
    inertia: NDArray[Any] = np.bincount(
        labels, weights=sample_weight * squared, minlength=len(centers)
    )
    return inertia


def _is_constant(X: Any) -> bool:
    """Tell whether all samples are equal: k-means cannot split them."""
    if issparse(X):
        return bool((X.max(axis=0) != X.min(axis=0)).nnz == 0)
    return not np.any(X[0] != X)


def _total_sum_of_squares(X: Any, weight: NDArray[np.float64]) -> float:
    center = (X.T @ weight / weight.sum())[np.newaxis]
    together = np.zeros(X.shape[0], dtype=np.intp)
    return float(weighted_inertia(X, together, center, weight).sum())


def _calinski_harabasz(total: float, within: float, k: int, n_samples: int) -> float:
    """Compute the index from sums of squares; 0 where it is not defined.

    Of a single cluster and of as many as samples it says nothing: of the latter any
    sample by itself would be a perfect cluster.
    """
    if k == 1 or k >= n_samples:
        return 0.0
    if within <= 0:
        return np.inf
    return (total - within) / (k - 1) * (n_samples - k) / within


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _check_weight(sample_weight: ArrayLike | None, X: Any) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(X.shape[0])
    weight: NDArray[np.float64] = check_array(
        sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight"
    )
    if weight.shape != (X.shape[0],):
        raise ValueError(
            f"The 'sample_weight' parameter must have shape ({X.shape[0]},). "
            f"Got {weight.shape} instead."
        )
    if weight.min() < 0 or not weight.any():
        raise ValueError(
            "The 'sample_weight' parameter must not hold negative weights, nor "
            "weights that are all zero."
        )
    return weight


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
    init : {"k-means++", "random"}, default="k-means++"
        How the first centres of every k-means are chosen.
    n_init : "auto" or int, default="auto"
        How often every k-means is run, to keep the run with the lowest inertia.
        "auto": once with ``init="k-means++"``, 10 times with "random".
    max_iter : int, default=300
        Largest number of iterations of one run of k-means.
    tol : float, default=1e-4
        Relative tolerance of one run of k-means, as in ``sklearn.cluster.KMeans``.
    algorithm : {"lloyd", "elkan"}, default="lloyd"
        The algorithm of k-means.
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
        Weighted sum of squared distances of the samples to the centre of their flat
        cluster.
    n_iter_ : int
        Largest number of iterations that one run of k-means took. Below ``max_iter``,
        all have converged.
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
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "split": [StrOptions({"auto"}), Mapping],
        "max_clusters": [Interval(Integral, 1, None, closed="left"), None],
        "init": [StrOptions({"k-means++", "random"})],
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "algorithm": [StrOptions({"lloyd", "elkan"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        split: str | Mapping[int, int] = "auto",
        max_clusters: int | None = None,
        init: str = "k-means++",
        n_init: str | int = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        algorithm: str = "lloyd",
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.split = split
        self.max_clusters = max_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.algorithm = algorithm
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Cluster, and cluster again.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples, float32 or float64; everything else becomes float64.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None weights all alike.

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
        X = validate_data(
            self,
            canonical(X),
            accept_sparse="csr",
            accept_large_sparse=False,
            dtype=[np.float64, np.float32],
            order="C",
        )
        weight = _check_weight(sample_weight, X)
        rng = check_random_state(self.random_state)
        self.n_iter_ = 0

        tree = _Tree()
        # The generator itself: an int then gives the clusters of a plain KMeans.
        tree.add(self._fit_kmeans(X, weight, self.n_clusters, rng))
        # One seed for each cluster, whichever are split: each split stands for itself.
        seeds = rng.randint(MAX_SEED, size=self.n_clusters).tolist()
        parents = assign_nearest(X, None, tree.centers[0])
        if isinstance(self.split, str):
            self._split_best(X, weight, tree, parents, seeds, rng)
        else:
            self._split_named(X, weight, tree, parents, seeds, self.split)

        leaves = list(tree.leaves())
        self._tree = tree
        self.parent_labels_ = parents.astype(np.int32)
        self.parent_centers_ = tree.centers[0]
        self.cluster_centers_ = np.stack(
            [tree.centers[split][child] for split, child, _ in leaves]
        )
        self.subcluster_parent_ = np.array([leaf[2] for leaf in leaves], dtype=np.int32)
        self.labels_ = tree.assign(X)
        self.inertia_ = float(
            weighted_inertia(X, self.labels_, self.cluster_centers_, weight).sum()
        )
        self._n_features_out = len(leaves)
        return self

    def _check_split(self) -> None:
        """Check what the table of legal parameters cannot."""
        if self.max_clusters is not None and self.max_clusters < self.n_clusters:
            raise ValueError(
                "The 'max_clusters' parameter must be n_clusters="
                f"{self.n_clusters} or more. Got {self.max_clusters} instead."
            )
        if isinstance(self.split, str):
            return
        cluster: Any
        count: Any
        for cluster, count in self.split.items():
            if not _is_whole(cluster):
                raise TypeError(
                    "The keys of the 'split' parameter must be numbers of clusters. "
                    f"Got {cluster!r} instead."
                )
            if not 0 <= cluster < self.n_clusters:
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
        if self.max_clusters is not None and total > self.max_clusters:
            raise ValueError(
                f"The 'split' parameter asks for {total} clusters in all, more than "
                f"max_clusters={self.max_clusters}."
            )

    def _fit_kmeans(
        self, X: Any, weight: NDArray[np.float64], n_clusters: int, seed: Any
    ) -> NDArray[Any]:
        """Run one k-means, note how long it took, and give its centres."""
        kmeans = KMeans(
            n_clusters,
            init=self.init,
            n_init=self.n_init,
            max_iter=self.max_iter,
            tol=self.tol,
            algorithm=self.algorithm,
            random_state=seed,
        ).fit(X, sample_weight=weight)
        self.n_iter_ = max(self.n_iter_, int(kmeans.n_iter_))
        return kmeans.cluster_centers_

    def _split_named(
        self,
        X: Any,
        weight: NDArray[np.float64],
        tree: _Tree,
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
            centers = self._fit_kmeans(
                X[members], weight[members], count, seeds[cluster]
            )
            tree.children[0][cluster] = tree.add(centers)

    def _split_best(
        self,
        X: Any,
        weight: NDArray[np.float64],
        tree: _Tree,
        parents: NDArray[np.intp],
        seeds: list[int],
        rng: np.random.RandomState,
    ) -> None:
        """Split again and again the cluster whose splitting lowers inertia most."""
        n_flat = self.n_clusters
        limit = X.shape[0] if self.max_clusters is None else self.max_clusters
        n_weighted = int(np.count_nonzero(weight))
        total = _total_sum_of_squares(X, weight)
        inertias = weighted_inertia(X, parents, tree.centers[0], weight)
        within = float(inertias.sum())

        # Largest gain first. A bisection is computed when its cluster appears, and
        # waits here until its turn comes or the splitting ends.
        heap: list[_Bisection] = []
        new = [
            (0, child, np.flatnonzero(parents == child), inertia, seed)
            for child, (inertia, seed) in enumerate(zip(inertias, seeds, strict=True))
        ]
        while n_flat < limit:
            for split, child, members, inertia, seed in new:
                bisection = self._bisect(X, weight, members, inertia, seed)
                if bisection is not None:
                    bisection.split, bisection.child = split, child
                    heapq.heappush(heap, bisection)
            if not heap:
                break
            best = heapq.heappop(heap)
            if self.max_clusters is None:
                before = _calinski_harabasz(total, within, n_flat, n_weighted)
                after = _calinski_harabasz(
                    total, within - best.gain, n_flat + 1, n_weighted
                )
                if after <= before:
                    break
            split = tree.add(best.centers)
            tree.children[best.split][best.child] = split
            within -= best.gain
            n_flat += 1
            new = [
                (split, child, best.members[best.nearest == child], inertia, seed)
                for child, (inertia, seed) in enumerate(
                    zip(best.inertias, rng.randint(MAX_SEED, size=2), strict=True)
                )
            ]

    def _bisect(
        self,
        X: Any,
        weight: NDArray[np.float64],
        members: NDArray[np.intp],
        inertia: float,
        seed: int,
    ) -> _Bisection | None:
        """Split one cluster in two; None where that is impossible or gains nothing."""
        rows = X[members]
        if len(members) < 2 or _is_constant(rows):
            return None
        row_weight = weight[members]
        if np.count_nonzero(row_weight) < 2:
            return None
        with warnings.catch_warnings():
            # Samples that differ by a rounding error only: no gain, and none is needed.
            warnings.simplefilter("ignore", ConvergenceWarning)
            centers = self._fit_kmeans(rows, row_weight, 2, seed)
        nearest = assign_nearest(X, members, centers)
        inertias = weighted_inertia(rows, nearest, centers, row_weight)
        gain = float(inertia - inertias.sum())
        if gain <= 0 or np.all(nearest == nearest[0]):
            return None
        return _Bisection(gain, members, centers, nearest, inertias)

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
        X = self._check_test_data(X)
        return self._tree.assign(X)

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
        X = self._check_test_data(X)
        return euclidean_distances(X, self.cluster_centers_)

    def score(
        self, X: Any, y: Any = None, sample_weight: ArrayLike | None = None
    ) -> float:
        """Compute the negative inertia: the higher, the closer the samples lie.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : None
            Ignored.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample; None weights all alike.

        Returns
        -------
        score : float
            Minus the weighted sum of squared distances of the samples to the centre
            of their flat cluster.
        """
        X = self._check_test_data(X)
        weight = _check_weight(sample_weight, X)
        labels = self._tree.assign(X)
        return -float(weighted_inertia(X, labels, self.cluster_centers_, weight).sum())

    def _check_test_data(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(
            self,
            canonical(X),
            accept_sparse="csr",
            accept_large_sparse=False,
            dtype=[np.float64, np.float32],
            order="C",
            reset=False,
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
