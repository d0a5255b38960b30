"""Silhouettes of the samples of one clustering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_consistent_length, check_random_state

from .._containers import canonical
from ..metrics._purity import check_cluster_labels
from ..metrics._silhouette import estimate_silhouette
from ..model_selection._fitted import get_propagator
from ._plotting import (
    BLUE,
    LIGHT,
    VERMILLION,
    CurveDisplay,
    find_clusters,
    import_pyplot,
)

# Above this, single clusters are too thin to be named one by one.
_MOST_NAMED = 20


@dataclass(eq=False, repr=False)
class SilhouetteDisplay(CurveDisplay):
    """Silhouettes of the samples of one clustering, sorted within each cluster.

    A good cluster is a broad shape that reaches beyond the dashed mean; values below 0
    are samples nearer to another cluster.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    silhouettes : ndarray of shape (n_drawn,)
        Silhouettes of samples.
    labels : ndarray of shape (n_drawn,)
        Their clusters.
    score : float
        The mean silhouette.
    standard_error : float, default=0
        Standard error of the score through sampling.

    Attributes
    ----------
    shapes_ : dict of int to matplotlib PolyCollection
        The shape of each cluster.
    line_ : matplotlib Line2D
        The line at the mean.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    ElbowDisplay : The mean silhouette, and other scores, against the number of
        clusters.

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

    silhouettes: NDArray[np.float64]
    labels: NDArray[np.intp]
    score: float
    standard_error: float = 0.0

    # Above the axes: inside, a shape may reach any place.
    _legend: ClassVar[dict[str, Any]] = {
        "loc": "lower right",
        "bbox_to_anchor": (1, 1),
        "frameon": False,
    }

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, **kwargs: Any) -> Self:
        """Draw the silhouettes of a fitted clusterer.

        Parameters
        ----------
        estimator : clusterer, KMeansLabelPropagator or PropagatedClassifier
            The fitted estimator; of a classifier its propagator. Of a propagator with
            an embedding, and of a Pipeline, the silhouettes are those in the space
            that was clustered.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        **kwargs : dict
            Passed to :meth:`from_predictions`.

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
        E = X if embedding is None else embedding.transform(X)
        return cls.from_predictions(E, labels, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        labels: ArrayLike,
        *,
        sample_size: int | None = 10_000,
        random_state: Any = None,
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
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them.

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
        return cls(
            estimate.values,
            clusters[estimate.indices],
            estimate.score,
            estimate.standard_error,
        ).plot(**kwargs)

    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
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
        label = "" if name is None else f"{name}\n"
        label += f"mean: {self.score:.3f}"
        if self.standard_error:
            label += f" ± {self.standard_error:.3f}"
        style = {"color": VERMILLION, "linestyle": "--", "label": label}
        self.line_ = ax.axvline(self.score, **style | (line_kw or {}))
        step = -(-len(clusters) // _MOST_NAMED)
        at, names = np.array(middles)[::step], clusters[::step]
        # Numbers of small clusters between large ones would overlap.
        named = _far_apart(at, 0.75 * start / _MOST_NAMED)
        ax.set_yticks(at[named], names[named])
        ax.tick_params(axis="y", length=0)
        # The first cluster on top, as one reads.
        ax.set_ylim(start - gap / 2, -gap / 2)
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(xlabel="Silhouette", ylabel="Cluster")


def _far_apart(positions: NDArray[np.float64], distance: float) -> list[int]:
    """Choose some of increasing positions, each so far from the one before."""
    chosen: list[int] = []
    for index, position in enumerate(positions.tolist()):
        if not chosen or position - positions[chosen[-1]] >= distance:
            chosen.append(index)
    return chosen
