"""Scores of clusterings against the number of clusters."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_clusterer
from sklearn.cluster import KMeans
from sklearn.utils import check_array, check_random_state
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_memory

from .._caching import cache_in
from .._containers import canonical, check_container
from .._embedding import choose_embedding, fit_embedding
from .._messages import warn_user
from .._parallel import run_parallel
from .._seeds import MAX_SEED, set_unset
from .._validation import POSITIVE, HasMethods, Interval, StrOptions, validated
from ..metrics._dispersion import dispersion_scores
from ..metrics._silhouette import estimate_silhouette

# 1: the larger, the better; -1: the smaller.
_DIRECTIONS = {
    "inertia": -1,
    "silhouette": 1,
    "calinski_harabasz": 1,
    "davies_bouldin": -1,
}
# A curve that bends less than this, as a share of its height, has no knee.
_LEAST_DISTANCE = 0.05

_CONSTRAINTS: dict[str, list[Any]] = {
    "embedding": [
        HasMethods(["fit", "transform", "get_params"]),
        StrOptions({"auto"}),
        None,
    ],
    "n_repeats": [POSITIVE],
    "sample_size": [Interval(Integral, 2, None, closed="left"), None],
    "memory": [str, HasMethods("cache"), None],
    "n_jobs": [Integral, None],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}


def metric_direction(metric: str) -> int:
    """Tell whether a large or a small score is good.

    Parameters
    ----------
    metric : str
        Name of the metric.

    Returns
    -------
    direction : {-1, 1}
        1 if a large score is good, -1 if a small one is.

    Raises
    ------
    ValueError
        If there is no such metric.
    """
    if metric not in _DIRECTIONS:
        raise ValueError(
            f"The 'metric' parameter must be one of {list(_DIRECTIONS)}. "
            f"Got {metric!r} instead."
        )
    return _DIRECTIONS[metric]


def find_knee(
    n_clusters: NDArray[np.intp], scores: NDArray[np.float64], direction: int
) -> int | None:
    """Find the point of a curve that lies farthest from its chord, on the good side.

    Both axes are scaled to [0, 1] first.

    Parameters
    ----------
    n_clusters : ndarray of shape (n_points,), dtype=intp
        The numbers of clusters, ascending.
    scores : ndarray of shape (n_points,), dtype=float64
        The score at each; what is not finite is left out.
    direction : {-1, 1}
        1 if a large score is good: a knee lies above the chord; -1 if a small one is.

    Returns
    -------
    knee : int or None
        The number of clusters at the knee; None if no point lies on the good side by
        more than 0.05.

    References
    ----------
    Satopaa et al., "Finding a Kneedle in a haystack", ICDCSW 2011,
    :doi:`10.1109/ICDCSW.2011.20`, for the scaling and the chord.
    """
    finite = np.isfinite(scores)
    x, y = n_clusters[finite].astype(np.float64), scores[finite]
    if len(x) < 3 or np.ptp(y) == 0:
        return None
    x = (x - x[0]) / (x[-1] - x[0])
    y = (y - y.min()) / np.ptp(y)
    slope = y[-1] - y[0]
    distances = direction * (y - y[0] - slope * x) / np.hypot(1, slope)
    farthest = int(np.argmax(distances))
    if distances[farthest] <= _LEAST_DISTANCE:
        return None
    return int(n_clusters[finite][farthest])


@dataclass(frozen=True, eq=False, repr=False)
class ClusterCountCurve:
    """Scores of clusterings against the number of clusters.

    Made by :func:`cluster_count_curve`.

    Parameters
    ----------
    n_clusters : ndarray of shape (n_points,), dtype=intp
        The numbers of clusters, ascending.
    values : dict of str to ndarray of shape (n_points, n_repeats)
        For each metric the score of every clustering; NaN where it is not defined.
    sampling_error : dict of str to ndarray of shape (n_points, n_repeats)
        For each metric computed on a sample, "silhouette", the standard error of
        every score through the sampling; 0 where no sample was left out.
    fit_times : ndarray of shape (n_points, n_repeats)
        Seconds that each clustering took.
    score_times : ndarray of shape (n_points, n_repeats)
        Seconds that its scores took.

    Attributes
    ----------
    mean : dict of str to ndarray of shape (n_points,)
        For each metric the mean over the repeats.
    std : dict of str to ndarray of shape (n_points,)
        For each metric the standard deviation over the repeats; 0 for a single one.
    knee : dict of str to int or None
        For each metric the number of clusters at the point of the mean curve farthest
        from the chord between its ends, both axes scaled to [0, 1], on the side where
        the score is better; None if no point lies there by more than 0.05.
    best : dict of str to int or None
        For each metric the number of clusters with the best mean, the smallest of
        equals; None for "inertia", which falls with every cluster added.

    See Also
    --------
    cluster_count_curve : Computes it.
    kmeans_labelprop.inspection.ElbowDisplay : Draws it, with the knee.
    kmeans_labelprop.inspection.SilhouetteDisplay : Draws its silhouettes.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.model_selection import cluster_count_curve
    >>> X, _ = make_blobs(200, centers=4, cluster_std=0.5, random_state=0)
    >>> curve = cluster_count_curve(X, range(2, 9), random_state=0)
    >>> curve.knee["inertia"], curve.best["silhouette"]
    (4, 4)
    >>> curve.mean["silhouette"].shape
    (7,)
    """

    n_clusters: NDArray[np.intp]
    values: dict[str, NDArray[np.float64]]
    sampling_error: dict[str, NDArray[np.float64]]
    fit_times: NDArray[np.float64]
    score_times: NDArray[np.float64]

    @cached_property
    def mean(self) -> dict[str, NDArray[np.float64]]:
        """Mean over the repeats."""
        with np.errstate(invalid="ignore"):
            return {name: values.mean(axis=1) for name, values in self.values.items()}

    @cached_property
    def std(self) -> dict[str, NDArray[np.float64]]:
        """Standard deviation over the repeats."""
        with np.errstate(invalid="ignore"):
            return {name: values.std(axis=1) for name, values in self.values.items()}

    @cached_property
    def knee(self) -> dict[str, int | None]:
        """Number of clusters at the knee."""
        return {
            name: find_knee(self.n_clusters, scores, metric_direction(name))
            for name, scores in self.mean.items()
        }

    @cached_property
    def best(self) -> dict[str, int | None]:
        """Number of clusters with the best mean."""
        return {
            name: None
            # Inertia falls with every cluster: its lowest value says nothing.
            if name == "inertia" or np.isnan(scores).all()
            else int(self.n_clusters[np.nanargmax(metric_direction(name) * scores)])
            for name, scores in self.mean.items()
        }

    def to_frame(self) -> Any:
        """Put the curve into a table.

        Returns
        -------
        frame : pandas.DataFrame of shape (n_points * n_repeats, n_columns)
            One row for each clustering: ``n_clusters``, ``repeat``, each metric,
            ``silhouette_error`` (its standard error through the sampling),
            ``fit_time`` and ``score_time`` as durations.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                "ClusterCountCurve.to_frame needs pandas: pip install pandas"
            ) from error
        n_points, n_repeats = self.fit_times.shape
        columns: dict[str, Any] = {
            "n_clusters": np.repeat(self.n_clusters, n_repeats),
            "repeat": np.tile(np.arange(n_repeats), n_points),
        }
        for name, values in self.values.items():
            columns[name] = values.ravel()
            if name in self.sampling_error:
                columns[f"{name}_error"] = self.sampling_error[name].ravel()
        columns["fit_time"] = pd.to_timedelta(self.fit_times.ravel(), unit="s")
        columns["score_time"] = pd.to_timedelta(self.score_times.ravel(), unit="s")
        return pd.DataFrame(columns)

    def __repr__(self) -> str:
        n_points, n_repeats = self.fit_times.shape
        lines = [
            f"ClusterCountCurve: {n_points} numbers of clusters from "
            f"{self.n_clusters[0]} to {self.n_clusters[-1]}, "
            f"{n_repeats} repeat{'s' if n_repeats > 1 else ''}",
            f"{'metric':<18}{'knee':>6}{'best':>6}",
        ]
        lines += [
            f"{name:<18}{self.knee[name] or '-':>6}{self.best[name] or '-':>6}"
            for name in self.values
        ]
        return "\n".join(lines)


def _set_random_state(estimator: Any, seed: int) -> Any:
    """Set every ``random_state`` of an estimator and of what it is made of."""
    names = [
        name
        for name in estimator.get_params(deep=True)
        if name.rpartition("__")[2] == "random_state"
    ]
    return estimator.set_params(**dict.fromkeys(names, seed))


def _fit_and_score(
    X: Any,
    key: str | None,
    clusterer: Any,
    metrics: tuple[str, ...],
    sample_size: int | None,
    seed: int,
) -> dict[str, float]:
    """Cluster once, and compute the scores; ``key`` stands for X in the cache."""
    start = time.perf_counter()
    clusterer = clone(clusterer).fit(X)
    labels = np.asarray(clusterer.labels_)
    fitted = time.perf_counter()
    result = dict.fromkeys(metrics, float("nan"))
    result["n_found"] = float(labels.max() + 1)
    wanted = set(metrics)
    # All but inertia compare clusters, and the samples in one: not defined where there
    # is a single cluster, or as many as samples.
    if not 1 < len(np.unique(labels)) < len(labels):
        wanted &= {"inertia"}
    if "inertia" in wanted and hasattr(clusterer, "inertia_"):
        result["inertia"] = float(clusterer.inertia_)
        wanted.remove("inertia")
    if wanted - {"silhouette"}:
        scores = dispersion_scores(X, labels)
        result |= {name: scores[name] for name in wanted - {"silhouette"}}
    if "silhouette" in wanted:
        estimate = estimate_silhouette(X, labels, sample_size, check_random_state(seed))
        result["silhouette"] = estimate.score
        result["silhouette_error"] = estimate.standard_error
    result["fit_time"] = fitted - start
    result["score_time"] = time.perf_counter() - fitted
    return result


def _check_counts(n_clusters: Any) -> NDArray[np.intp]:
    counts: list[Any] = list(n_clusters) if isinstance(n_clusters, Iterable) else []
    is_legal = all(isinstance(k, Integral) and int(k) >= 1 for k in counts)
    if not counts or not is_legal or len(set(counts)) < len(counts):
        raise ValueError(
            "The 'n_clusters' parameter of cluster_count_curve must be different whole "
            f"numbers of 1 or more, as range(2, 21). Got {n_clusters!r} instead."
        )
    return np.sort(np.array(counts, dtype=np.intp))


def _check_metrics(metrics: Any) -> tuple[str, ...]:
    names = () if isinstance(metrics, str) else tuple(metrics)
    if not names or not set(names) <= set(_DIRECTIONS) or len(set(names)) < len(names):
        raise ValueError(
            "The 'metrics' parameter of cluster_count_curve must be a sequence of "
            f"different names out of {list(_DIRECTIONS)}. Got {metrics!r} instead."
        )
    return names


def _check_clusterer(clusterer: Any) -> Any:
    if clusterer is None:
        return KMeans()
    if (
        isinstance(clusterer, type)
        or not (hasattr(clusterer, "get_params") and hasattr(clusterer, "fit"))
        or "n_clusters" not in clusterer.get_params(deep=False)
        or (hasattr(clusterer, "__sklearn_tags__") and not is_clusterer(clusterer))
    ):
        raise TypeError(
            "The 'clusterer' parameter must be a clusterer with an 'n_clusters' "
            f"parameter, as sklearn.cluster.KMeans. Got {clusterer!r} instead."
        )
    return clusterer


@validated(**_CONSTRAINTS)
def cluster_count_curve(
    X: Any,
    n_clusters: Iterable[int] = range(2, 21),
    *,
    clusterer: Any = None,
    embedding: Any = "auto",
    metrics: Sequence[str] = tuple(_DIRECTIONS),
    n_repeats: int = 1,
    sample_size: int | None = 10_000,
    memory: Any = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> ClusterCountCurve:
    """Cluster with each number of clusters, and score the clusterings.

    No score knows what the clusters are for. Look at the whole curve, best with a few
    repeats, before choosing: a knee or an optimum that stands out is a hint, and data
    without clear clusters have none.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples, as the ``embedding`` takes them.
    n_clusters : iterable of int, default=range(2, 21)
        The numbers of clusters to try, in any order.
    clusterer : clusterer, default=None
        A clusterer with an ``n_clusters`` parameter, cloned for every clustering. None
        for :class:`~sklearn.cluster.KMeans`.
    embedding : transformer, "auto" or None, default="auto"
        Fitted on X, once; its output is clustered and scored. ``"auto"`` chooses by X,
        as :func:`~kmeans_labelprop.embedding.default_embedding` does. None for X
        itself.
    metrics : sequence of str, default=all four
        The scores to compute:

        * "inertia": sum of the squared distances to the centres (``inertia_`` of the
          clusterer; to the means of the clusters if it has none). It always falls.
        * "silhouette": mean silhouette [1]_, of a sample; the larger, the better.
        * "calinski_harabasz": index of Calinski and Harabasz [2]_; the larger, the
          better.
        * "davies_bouldin": index of Davies and Bouldin [3]_; the smaller, the better.
    n_repeats : int, default=1
        Number of clusterings for each number of clusters, with different seeds.
    sample_size : int or None, default=10_000
        Number of samples for the silhouette, whose cost grows with its square. They are
        drawn from each cluster in proportion to its size, two at least, and too few of
        a cluster make its silhouettes too low: draw some fifty. The error that
        drawing makes otherwise is reported. None takes all samples.
    memory : str or object with the joblib.Memory interface, default=None
        Where to keep the embedding and every finished clustering's scores. After an
        interruption the same call computes only what is missing; give an int as
        ``random_state`` for that.
    n_jobs : int, default=None
        Number of clusterings to run at the same time; None means 1, -1 all processors.
    random_state : int, RandomState instance or None, default=None
        Determines the seeds. The ``random_state`` of the clusterer is set for each
        repeat, the same for all numbers of clusters; that of the embedding where it is
        None.
    verbose : int, default=0
        1 or more prints a line for each finished clustering.

    Returns
    -------
    curve : ClusterCountCurve
        All scores with mean and standard deviation, the knee and the best number of
        clusters for each metric.

    Raises
    ------
    ValueError
        If a parameter is illegal, or a number of clusters exceeds that of samples.
    TypeError
        If the clusterer has no ``n_clusters`` parameter.

    Warns
    -----
    UserWarning
        If the clusterer finds more clusters than asked for, as
        :class:`~kmeans_labelprop.cluster.ReclusteringKMeans` does where it splits.

    See Also
    --------
    kmeans_labelprop.inspection.ElbowDisplay : Draws a curve, with the knee.
    kmeans_labelprop.inspection.SilhouetteDisplay : Draws the silhouettes.
    kmeans_labelprop.cluster.ReclusteringKMeans : Splits clusters that turn out to be
        too coarse.

    Notes
    -----
    Memory beyond that of the clusterer stays small: no matrix of distances between all
    samples is built, and X is not copied.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and
       validation of cluster analysis", Journal of Computational and Applied Mathematics
       20, 1987, :doi:`10.1016/0377-0427(87)90125-7`.
    .. [2] T. Calinski and J. Harabasz, "A dendrite method for cluster analysis",
       Communications in Statistics 3, 1974, :doi:`10.1080/03610927408827101`.
    .. [3] D. L. Davies and D. W. Bouldin, "A cluster separation measure", IEEE
       Transactions on Pattern Analysis and Machine Intelligence 1, 1979,
       :doi:`10.1109/TPAMI.1979.4766909`.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.model_selection import cluster_count_curve
    >>> X, _ = make_blobs(300, centers=5, cluster_std=0.5, random_state=3)
    >>> cluster_count_curve(X, range(2, 11), n_repeats=3, random_state=0)
    ClusterCountCurve: 9 numbers of clusters from 2 to 10, 3 repeats
    metric              knee  best
    inertia                5     -
    silhouette             5     5
    calinski_harabasz      5     5
    davies_bouldin         5     5
    """
    counts, names = _check_counts(n_clusters), _check_metrics(metrics)
    clusterer = _check_clusterer(clusterer)
    rng = check_random_state(random_state)
    # Drawn one after another: more repeats leave the first ones as they were.
    embedding_seed, *seeds = rng.randint(MAX_SEED, size=n_repeats + 1).tolist()
    check_container(X)
    X = canonical(X)
    embedding = choose_embedding(embedding, X)
    if embedding is not None:
        embedding = set_unset(embedding, embedding_seed)
        _, X = cache_in(memory)(fit_embedding)(embedding, X)
    X = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
    if counts[-1] > X.shape[0]:
        raise ValueError(
            f"The 'n_clusters' parameter of cluster_count_curve asks for {counts[-1]} "
            f"clusters of {X.shape[0]} samples."
        )

    # X is hashed once and not for every clustering; without a cache not at all.
    store = check_memory(memory)
    is_caching = getattr(store, "location", True) is not None
    key = joblib.hash(X) if is_caching else None
    score = delayed(store.cache(_fit_and_score, ignore=["X"]))
    cells = [(k, repeat) for k in counts.tolist() for repeat in range(n_repeats)]
    jobs = (
        score(
            X,
            key,
            _set_random_state(clone(clusterer).set_params(n_clusters=k), seeds[repeat]),
            names,
            sample_size,
            seeds[repeat],
        )
        for k, repeat in cells
    )
    results = []
    for (k, repeat), cell in zip(cells, run_parallel(jobs, n_jobs), strict=True):
        results.append(cell)
        if verbose:
            scores = ", ".join(f"{name}={cell[name]:.4g}" for name in names)
            print(
                f"[{len(results)}/{len(cells)}] n_clusters={k}, repeat {repeat + 1} of "
                f"{n_repeats}: {scores} ({cell['fit_time'] + cell['score_time']:.1f} s)"
            )

    def table(name: str) -> NDArray[np.float64]:
        column = [cell.get(name, np.nan) for cell in results]
        return np.array(column).reshape(len(counts), n_repeats)

    n_found = table("n_found").max(axis=1)
    if np.any(n_found > counts):
        first = int(np.argmax(n_found > counts))
        warn_user(
            f"{type(clusterer).__name__} found more clusters than asked for, as "
            f"{n_found[first]:.0f} for {counts[first]}. The curve is over the number "
            "asked for."
        )
    is_sampled = "silhouette" in names
    return ClusterCountCurve(
        n_clusters=counts,
        values={name: table(name) for name in names},
        sampling_error={"silhouette": table("silhouette_error")} if is_sampled else {},
        fit_times=table("fit_time"),
        score_times=table("score_time"),
    )
