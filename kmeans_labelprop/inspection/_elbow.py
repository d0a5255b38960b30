"""A score against the number of clusters, with its knee."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model_selection._cluster_count import (
    ClusterCountCurve,
    cluster_count_curve,
    find_knee,
    metric_direction,
)
from ._plotting import (
    METRIC_NAMES,
    VERMILLION,
    draw_curve,
    import_pyplot,
    integer_ticks,
    make_axes,
)


class ElbowDisplay:
    """A score against the number of clusters, with the knee of the curve marked.

    Use :meth:`from_curve` for the result of
    :func:`~kmeans_labelprop.model_selection.cluster_count_curve`,
    :meth:`from_estimator` to compute one, :meth:`from_predictions` for scores
    computed elsewhere.

    Parameters
    ----------
    n_clusters : ndarray of shape (n_points,)
        The numbers of clusters, ascending.
    values : ndarray of shape (n_points, n_repeats)
        The scores.
    metric : {"inertia", "silhouette", "calinski_harabasz", "davies_bouldin"}, \
default="inertia"
        What the scores are.
    knee : int or None, default=None
        The number of clusters at the knee; None if there is none.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean over the repeats.
    band_ : matplotlib Collection or None
        One standard deviation to either side; None with a single repeat.
    knee_ : matplotlib Line2D or None
        The vertical line at the knee; None where there is none.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    SilhouetteDisplay : Silhouettes against the number of clusters, or of one
        clustering.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.inspection import ElbowDisplay
    >>> X, _ = make_blobs(200, centers=4, cluster_std=0.5, random_state=0)
    >>> display = ElbowDisplay.from_estimator(
    ...     KMeans(), X, range(2, 11), n_repeats=3, random_state=0
    ... )
    >>> display.knee
    4
    """

    def __init__(
        self,
        n_clusters: NDArray[np.intp],
        values: NDArray[np.float64],
        *,
        metric: str = "inertia",
        knee: int | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.values = values
        self.metric = metric
        self.knee = knee

    @classmethod
    def from_curve(
        cls,
        curve: ClusterCountCurve,
        *,
        metric: str = "inertia",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a curve that has been computed.

        Parameters
        ----------
        curve : ClusterCountCurve
            What :func:`~kmeans_labelprop.model_selection.cluster_count_curve` gave.
        metric : str, default="inertia"
            Which of its metrics to draw.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        if metric not in curve.values:
            raise ValueError(
                "The 'metric' parameter must be one of the curve's metrics, "
                f"{list(curve.values)}. Got {metric!r} instead."
            )
        display = cls(
            curve.n_clusters,
            curve.values[metric],
            metric=metric,
            knee=curve.knee[metric],
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        n_clusters: Iterable[int] = range(2, 21),
        *,
        metric: str = "inertia",
        embedding: Any = None,
        n_repeats: int = 1,
        sample_size: int | None = 10_000,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Cluster with each number of clusters, and draw the curve.

        Parameters
        ----------
        estimator : clusterer
            A clusterer with an ``n_clusters`` parameter; it is cloned.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        n_clusters : iterable of int, default=range(2, 21)
            The numbers of clusters to try.
        metric : str, default="inertia"
            The score to draw.
        embedding : transformer, default=None
            Fitted on X; its output is clustered.
        n_repeats : int, default=1
            Number of clusterings for each number of clusters.
        sample_size : int or None, default=10_000
            Number of samples for the silhouette.
        memory : str or object with the joblib.Memory interface, default=None
            Where to keep what is computed.
        n_jobs : int, default=None
            Number of clusterings to run at the same time.
        random_state : int, RandomState instance or None, default=None
            Determines the seeds.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        curve = cluster_count_curve(
            X,
            n_clusters,
            clusterer=estimator,
            embedding=embedding,
            metrics=[metric],
            n_repeats=n_repeats,
            sample_size=sample_size,
            memory=memory,
            n_jobs=n_jobs,
            random_state=random_state,
        )
        return cls.from_curve(curve, metric=metric, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        n_clusters: ArrayLike,
        values: ArrayLike,
        *,
        metric: str = "inertia",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw scores that were computed elsewhere; the knee is found here.

        Parameters
        ----------
        n_clusters : array-like of shape (n_points,)
            The numbers of clusters.
        values : array-like of shape (n_points,) or (n_points, n_repeats)
            The scores.
        metric : str, default="inertia"
            What the scores are.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        counts = np.asarray(n_clusters)
        order = np.argsort(counts)
        scores = np.asarray(values, dtype=np.float64)
        scores = scores[:, np.newaxis] if scores.ndim == 1 else scores
        if scores.ndim != 2 or counts.shape != scores.shape[:1]:
            raise ValueError(
                "'values' must hold the scores of each of the "
                f"{counts.size} numbers of clusters. Got shape {scores.shape} instead."
            )
        counts, scores = counts[order], scores[order]
        knee = find_knee(counts, scores.mean(axis=1), metric_direction(metric))
        display = cls(counts, scores, metric=metric, knee=knee)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        mark_knee: bool = True,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        name : str, default=None
            What the legend calls the curve.
        mark_knee : bool, default=True
            Whether to mark the knee.
        line_kw : dict, default=None
            Keywords for matplotlib's ``plot``.

        Returns
        -------
        display : ElbowDisplay
            The display itself.
        """
        ax = make_axes(type(self).__name__, ax)
        label = name
        if name is None and self.values.shape[1] > 1:
            label = f"mean ± std, {self.values.shape[1]} repeats"
        self.line_, self.band_ = draw_curve(
            ax, self.n_clusters, self.values, label, line_kw
        )
        self.knee_ = None
        if mark_knee and self.knee is not None:
            color = VERMILLION if name is None else self.line_.get_color()
            self.knee_ = ax.axvline(
                self.knee,
                color=color,
                linestyle="--",
                label=f"knee: {self.knee} clusters",
            )
        ax.set(xlabel="Number of clusters", ylabel=METRIC_NAMES[self.metric])
        integer_ticks(ax)
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        self.ax_, self.figure_ = ax, ax.figure
        return self
