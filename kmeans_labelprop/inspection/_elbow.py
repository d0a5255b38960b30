"""A score against the number of clusters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from ..model_selection._cluster_count import ClusterCountCurve, cluster_count_curve
from ._plotting import DARK, VERMILLION, CurveDisplay, draw_curve, import_pyplot

_METRIC_NAMES = {
    "inertia": "Inertia",
    "silhouette": "Mean silhouette",
    "calinski_harabasz": "Calinski-Harabasz index",
    "davies_bouldin": "Davies-Bouldin index",
}


@dataclass(eq=False, repr=False)
class ElbowDisplay(CurveDisplay):
    """A score against the number of clusters, with the number that it suggests.

    That is the knee of the inertia, and the best number by any other score.

    Use :meth:`from_estimator` to compute the curve, :meth:`from_predictions` for scores
    computed elsewhere.

    Parameters
    ----------
    curve : ClusterCountCurve
        What :func:`~kmeans_labelprop.model_selection.cluster_count_curve` gave.
    metric : {"inertia", "silhouette", "calinski_harabasz", "davies_bouldin"}, \
default="inertia"
        Which of them to draw.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean over the repeats.
    band_ : matplotlib Collection or None
        One standard deviation to either side; None with a single repeat.
    mark_ : matplotlib Line2D or None
        The vertical line at the number suggested; None where there is none.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    SilhouetteDisplay : Silhouettes of the samples of one clustering.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.inspection import ElbowDisplay
    >>> X, _ = make_blobs(200, centers=4, cluster_std=0.5, random_state=0)
    >>> display = ElbowDisplay.from_estimator(
    ...     KMeans(), X, range(2, 11), n_repeats=3, random_state=0
    ... )
    >>> display.curve.knee["inertia"]
    4
    """

    curve: ClusterCountCurve
    metric: str = "inertia"

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        n_clusters: Iterable[int] = range(2, 21),
        *,
        metric: str = "inertia",
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
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :func:`~kmeans_labelprop.model_selection.cluster_count_curve`,
            such as ``embedding``, ``n_repeats`` and ``random_state``.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        curve = cluster_count_curve(
            X, n_clusters, clusterer=estimator, metrics=[metric], **kwargs
        )
        return cls(curve, metric).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        n_clusters: ArrayLike,
        values: ArrayLike,
        *,
        metric: str = "inertia",
        **kwargs: Any,
    ) -> Self:
        """Draw scores that were computed elsewhere.

        Parameters
        ----------
        n_clusters : array-like of shape (n_points,)
            The numbers of clusters.
        values : array-like of shape (n_points,) or (n_points, n_repeats)
            The scores.
        metric : str, default="inertia"
            What the scores are.
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them.

        Returns
        -------
        display : ElbowDisplay
            The display, drawn.
        """
        counts, scores = np.asarray(n_clusters), np.asarray(values, dtype=np.float64)
        scores = scores[:, np.newaxis] if scores.ndim == 1 else scores
        if scores.ndim != 2 or counts.shape != scores.shape[:1]:
            raise ValueError(
                "'values' must hold the scores of each of the "
                f"{counts.size} numbers of clusters. Got shape {scores.shape} instead."
            )
        order, times = np.argsort(counts), np.zeros(scores.shape)
        curve = ClusterCountCurve(
            counts[order], {metric: scores[order]}, {}, times, times
        )
        return cls(curve, metric).plot(**kwargs)

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        from matplotlib.ticker import MaxNLocator

        curve, metric = self.curve, self.metric
        if metric not in curve.values:
            raise ValueError(
                "The 'metric' parameter must be one of the curve's metrics, "
                f"{list(curve.values)}. Got {metric!r} instead."
            )
        x, values = curve.n_clusters, curve.values[metric]
        self.line_, self.band_ = draw_curve(ax, x, values, name, line_kw)
        error = np.sqrt(
            (curve.sampling_error.get(metric, np.zeros(values.shape)) ** 2).mean(axis=1)
        )
        if error.any():
            ax.errorbar(
                x,
                values.mean(axis=1),
                yerr=2 * error,
                fmt="none",
                ecolor=DARK,
                elinewidth=0.8,
                capsize=2,
                label="± 2 standard errors of the sample",
            )
        what = "knee" if metric == "inertia" else "best"
        suggested = curve.knee[metric] if what == "knee" else curve.best[metric]
        self.mark_ = None
        if suggested is not None:
            self.mark_ = ax.axvline(
                suggested,
                color=VERMILLION if name is None else self.line_.get_color(),
                linestyle="--",
                label=f"{what}: {suggested} clusters",
            )
        ax.set(xlabel="Number of clusters", ylabel=_METRIC_NAMES[metric])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
