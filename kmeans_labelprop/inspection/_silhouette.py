"""Silhouettes of one clustering, or against the number of clusters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, check_random_state

from .._containers import canonical
from ..metrics._purity import check_cluster_labels
from ..metrics._silhouette import estimate_silhouette
from ..model_selection._cluster_count import ClusterCountCurve
from ._plotting import (
    BLUE,
    DARK,
    LIGHT,
    VERMILLION,
    draw_curve,
    find_clusters,
    get_propagator,
    import_pyplot,
    integer_ticks,
    make_axes,
)

# Above this, single clusters are too thin to be named one by one.
_MOST_NAMED = 20


class SilhouetteDisplay:
    """Silhouettes: of the samples of one clustering, or against the cluster count.

    :meth:`from_estimator` and :meth:`from_predictions` draw the silhouettes of one
    clustering, sorted within each cluster: a good cluster is a broad shape that reaches
    beyond the dashed mean, values below 0 are samples nearer to another cluster.
    :meth:`from_curve` draws the mean silhouette against the number of clusters.

    Parameters
    ----------
    silhouettes : ndarray of shape (n_drawn,), default=None
        Silhouettes of samples of one clustering.
    labels : ndarray of shape (n_drawn,), default=None
        Their clusters.
    score : float, default=None
        The mean silhouette.
    standard_error : float, default=0
        Standard error of the score through sampling.
    curve : ClusterCountCurve, default=None
        Scores of several clusterings, to be drawn instead of the above.

    Attributes
    ----------
    shapes_ : dict of int to matplotlib PolyCollection
        For one clustering: the shape of each cluster.
    line_ : matplotlib Line2D
        For one clustering the line at its mean, for several the curve of the means.
    band_ : matplotlib Collection or None
        For several clusterings with repeats: one standard deviation to either side.
    best_ : matplotlib Line2D or None
        For several clusterings: the line at the best number of clusters.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    ElbowDisplay : Other scores against the number of clusters.

    References
    ----------
    P. J. Rousseeuw, "Silhouettes: a graphical aid to the interpretation and validation
    of cluster analysis", Journal of Computational and Applied Mathematics 20, 1987,
    :doi:`10.1016/0377-0427(87)90125-7`.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import make_blobs
    >>> from kmeans_labelprop.inspection import SilhouetteDisplay
    >>> X, _ = make_blobs(200, centers=4, cluster_std=0.5, random_state=0)
    >>> kmeans = KMeans(4, random_state=0).fit(X)
    >>> display = SilhouetteDisplay.from_estimator(kmeans, X)
    >>> round(display.score, 2)
    0.73
    """

    def __init__(
        self,
        silhouettes: NDArray[np.float64] | None = None,
        labels: NDArray[np.intp] | None = None,
        *,
        score: float | None = None,
        standard_error: float = 0.0,
        curve: ClusterCountCurve | None = None,
    ) -> None:
        self.silhouettes = silhouettes
        self.labels = labels
        self.score = score
        self.standard_error = standard_error
        self.curve = curve

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        sample_size: int | None = 10_000,
        random_state: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the silhouettes of a fitted clusterer.

        Parameters
        ----------
        estimator : clusterer, KMeansLabelPropagator or PropagatedClassifier
            The fitted estimator; of a classifier its propagator. Of a propagator with
            an embedding, and of a Pipeline, the silhouettes are those in the space
            that was clustered.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        sample_size : int or None, default=10_000
            Number of samples to draw, of each cluster in proportion; None for all.
        random_state : int, RandomState instance or None, default=None
            Determines the samples drawn.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        labels = find_clusters(estimator, X)
        embedding = getattr(get_propagator(estimator), "embedding_", None)
        if isinstance(estimator, Pipeline) and len(estimator) > 1:
            embedding = estimator[:-1]
        return cls.from_predictions(
            X if embedding is None else embedding.transform(X),
            labels,
            sample_size=sample_size,
            random_state=random_state,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        labels: ArrayLike,
        *,
        sample_size: int | None = 10_000,
        random_state: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the silhouettes of a clustering given as labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        labels : array-like of shape (n_samples,)
            The cluster of each sample, whole numbers from 0.
        sample_size : int or None, default=10_000
            Number of samples to draw, of each cluster in proportion; None for all.
        random_state : int, RandomState instance or None, default=None
            Determines the samples drawn.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        X = check_array(
            canonical(X), accept_sparse="csr", dtype=[np.float64, np.float32]
        )
        clusters = check_cluster_labels(labels)
        check_consistent_length(X, clusters)
        n_found = len(np.unique(clusters))
        if not 1 < n_found < len(clusters):
            raise ValueError(
                "Silhouettes need at least 2 clusters, and fewer than samples. Got "
                f"{n_found} clusters of {len(clusters)} samples."
            )
        estimate = estimate_silhouette(
            X, clusters, sample_size, check_random_state(random_state)
        )
        display = cls(
            estimate.values,
            clusters[estimate.indices],
            score=estimate.score,
            standard_error=estimate.standard_error,
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_curve(
        cls,
        curve: ClusterCountCurve,
        *,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the mean silhouette against the number of clusters.

        Parameters
        ----------
        curve : ClusterCountCurve
            What :func:`~kmeans_labelprop.model_selection.cluster_count_curve` gave,
            with the metric "silhouette".
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : SilhouetteDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        if "silhouette" not in curve.values:
            raise ValueError(
                "The 'curve' parameter must be computed with the metric 'silhouette'. "
                f"Got one with {list(curve.values)} instead."
            )
        return cls(curve=curve).plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the silhouettes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure.
        name : str, default=None
            What the title, or of a curve the legend, calls the clustering.
        line_kw : dict, default=None
            Keywords for matplotlib's drawing of the line.

        Returns
        -------
        display : SilhouetteDisplay
            The display itself.
        """
        ax = make_axes(type(self).__name__, ax)
        if self.curve is None:
            self._plot_shapes(ax, name, line_kw)
        else:
            self._plot_curve(ax, name, line_kw)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _plot_shapes(
        self, ax: Any, name: str | None, line_kw: dict[str, Any] | None
    ) -> None:
        if self.silhouettes is None or self.labels is None or self.score is None:
            raise ValueError(
                "SilhouetteDisplay needs silhouettes, labels and score, or a curve."
            )
        clusters, counts = np.unique(self.labels, return_counts=True)
        gap = max(1, round(0.1 * len(self.labels) / len(clusters)))
        self.shapes_, middles, start = {}, [], 0
        for i, (cluster, count) in enumerate(
            zip(clusters.tolist(), counts.tolist(), strict=True)
        ):
            values = np.sort(self.silhouettes[self.labels == cluster])
            # Steps, so that a cluster of a single sample has an area, too.
            self.shapes_[cluster] = ax.fill_betweenx(
                np.arange(start, start + count + 1),
                0,
                np.append(values, values[-1]),
                step="post",
                color=(BLUE, LIGHT)[i % 2],
                linewidth=0,
            )
            middles.append(start + count / 2)
            start += count + gap
        error = f" ± {self.standard_error:.3f}" if self.standard_error else ""
        self.line_ = ax.axvline(
            self.score,
            **{
                "color": VERMILLION,
                "linestyle": "--",
                "label": f"mean: {self.score:.3f}{error}",
            }
            | (line_kw or {}),
        )
        self.band_ = self.best_ = None
        step = -(-len(clusters) // _MOST_NAMED)
        at, names = np.array(middles)[::step], clusters[::step]
        # Numbers of small clusters between large ones would lie upon each other.
        named = _far_apart(at, 0.75 * start / _MOST_NAMED)
        ax.set_yticks(at[named], names[named])
        ax.tick_params(axis="y", length=0)
        # The first cluster on top, as one reads.
        ax.set_ylim(start - gap / 2, -gap / 2)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(xlabel="Silhouette", ylabel="Cluster")
        # Above the axes: inside, there is no place that no shape can reach.
        ax.legend(title=name, loc="lower right", bbox_to_anchor=(1, 1), frameon=False)

    def _plot_curve(
        self, ax: Any, name: str | None, line_kw: dict[str, Any] | None
    ) -> None:
        assert self.curve is not None
        curve = self.curve
        values, best = curve.values["silhouette"], curve.best["silhouette"]
        label = name
        if name is None and values.shape[1] > 1:
            label = f"mean ± std, {values.shape[1]} repeats"
        self.line_, self.band_ = draw_curve(
            ax, curve.n_clusters, values, label, line_kw
        )
        error = np.sqrt((curve.sampling_error["silhouette"] ** 2).mean(axis=1))
        if np.any(error > 0):
            ax.errorbar(
                curve.n_clusters,
                values.mean(axis=1),
                yerr=2 * error,
                fmt="none",
                ecolor=DARK,
                elinewidth=0.8,
                capsize=2,
                label="± 2 standard errors of the sample",
            )
        self.shapes_, self.best_ = {}, None
        if best is not None:
            color = VERMILLION if name is None else self.line_.get_color()
            self.best_ = ax.axvline(
                best, color=color, linestyle="--", label=f"best: {best} clusters"
            )
        ax.set(xlabel="Number of clusters", ylabel="Mean silhouette")
        integer_ticks(ax)
        ax.legend()


def _far_apart(positions: NDArray[np.float64], distance: float) -> list[int]:
    """Choose some of increasing positions, each so far from the one before."""
    chosen: list[int] = []
    for index, position in enumerate(positions.tolist()):
        if not chosen or position - positions[chosen[-1]] >= distance:
            chosen.append(index)
    return chosen
