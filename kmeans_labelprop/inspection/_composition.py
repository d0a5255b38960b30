"""What categories the clusters hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._asking import check_index
from ..metrics._purity import check_cluster_labels, count_classes
from ._plotting import (
    BLUE,
    LIGHT,
    find_clusters,
    format_classes,
    import_pyplot,
    make_axes,
    missing_label_of,
)

# Longer names leave no room for the bars.
_MOST_CHARACTERS = 24
# More clusters than this are drawn side by side, one row for each category.
_MOST_ROWS = 12
# More names than this are turned upright, in small print.
_MOST_FLAT = 30
# More than this do not fit even so: only some are named.
_MOST_NAMED = 120


@dataclass(eq=False, repr=False)
class ClusterCompositionDisplay:
    """Histograms of the categories in each cluster.

    Up to 12 clusters have a row each, with a bar for each category. More stand side by
    side: a row for each category, with a bar for each cluster. The bar of a cluster's
    most frequent category is dark.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    counts : ndarray of shape (n_clusters, n_classes)
        Number of labelled samples of each category in each cluster.
    classes : ndarray of shape (n_classes,)
        The categories.
    n_samples : ndarray of shape (n_clusters,), default=None
        Number of samples of each cluster, without a label or with; None for the sums
        of ``counts``.

    Attributes
    ----------
    order_ : ndarray of shape (n_drawn,), dtype=intp
        The clusters in the order drawn, from the top or from the left; those without
        samples are left out.
    bars_ : list of matplotlib BarContainer
        The bars of each row, from the top: of a cluster one for each category, or of a
        category one for each cluster in order. Their heights are the values.
    ax_ : matplotlib Axes
        The axes drawn on.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    kmeans_labelprop.metrics.cluster_purity : The share of the most frequent category.

    Examples
    --------
    >>> from sklearn.cluster import KMeans
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop.inspection import ClusterCompositionDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> kmeans = KMeans(5, random_state=0).fit(X)
    >>> display = ClusterCompositionDisplay.from_estimator(kmeans, X, y)
    >>> display.counts.shape
    (5, 10)
    """

    counts: NDArray[np.int64]
    classes: NDArray[Any]
    n_samples: NDArray[np.int64] | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike, **kwargs: Any
    ) -> Self:
        """Draw what the clusters of a fitted clusterer or propagator hold.

        Parameters
        ----------
        estimator : clusterer, KMeansLabelPropagator or PropagatedClassifier
            The fitted estimator; of a classifier its propagator.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples; None for those of ``fit``.
        y : array-like of shape (n_samples,)
            Their known labels. Samples without one count for the size only.
        **kwargs : dict
            Passed to :meth:`from_predictions`; ``missing_label`` is the estimator's
            own by default.

        Returns
        -------
        display : ClusterCompositionDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        check_index(X, y, "y")
        clusters = find_clusters(estimator, X)
        kwargs = {"missing_label": missing_label_of(estimator)} | kwargs
        return cls.from_predictions(clusters, y, **kwargs)

    @classmethod
    def from_predictions(
        cls, labels: ArrayLike, y: ArrayLike, *, missing_label: Any = -1, **kwargs: Any
    ) -> Self:
        """Draw what clusters given as labels hold.

        Parameters
        ----------
        labels : array-like of shape (n_samples,)
            The cluster of each sample, whole numbers from 0.
        y : array-like of shape (n_samples,)
            Known labels. Samples without one count for the size only.
        missing_label : object, default=-1
            The value in ``y`` that marks a sample without a label.
        **kwargs : dict
            Passed to :meth:`plot`, ``ax`` among them.

        Returns
        -------
        display : ClusterCompositionDisplay
            The display, drawn.
        """
        import_pyplot(cls.__name__)
        check_index(labels, y, "y", of="labels")
        clusters = check_cluster_labels(labels)
        classes, counts = count_classes(clusters, y, missing_label)
        if len(classes) == 0:
            raise ValueError(
                "The 'y' parameter must hold at least one label. Got only "
                f"missing_label={missing_label!r} instead."
            )
        n_samples = np.bincount(clusters, minlength=len(counts))
        return cls(counts, classes, n_samples).plot(**kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        values: str = "share",
        sort: bool = True,
        display_labels: Any = None,
    ) -> Self:
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure whose size suits the number of
            clusters.
        values : {"share", "count"}, default="share"
            What the bars show: the share of the cluster's labelled samples, or their
            number.
        sort : bool, default=True
            Whether clusters stand in the order of their most frequent category, and
            those of one category by its falling share; else in that of their numbers.
        display_labels : dict or array-like of shape (n_classes,), default=None
            Names of the categories: by category, or one for each in sorted order.

        Returns
        -------
        display : ClusterCompositionDisplay
            The display itself.
        """
        if values not in ("share", "count"):
            raise ValueError(
                "The 'values' parameter must be 'share' or 'count'. "
                f"Got {values!r} instead."
            )
        import_pyplot(type(self).__name__)
        from matplotlib.patches import Patch

        names = format_classes(display_labels, self.classes, _MOST_CHARACTERS)
        n_labeled = self.counts.sum(axis=1)
        n_samples = n_labeled if self.n_samples is None else self.n_samples
        self.order_ = np.flatnonzero(n_samples > 0)
        if sort:
            self.order_ = _by_majority(self.order_, self.counts, n_samples)
        counts, n_labeled = self.counts[self.order_], n_labeled[self.order_]
        shares = counts / np.maximum(n_labeled, 1)[:, np.newaxis]
        heights = shares if values == "share" else counts
        is_majority = np.zeros(heights.shape, dtype=bool)
        is_majority[np.arange(len(counts)), counts.argmax(axis=1)] = n_labeled > 0
        by_cluster = len(heights) <= _MOST_ROWS
        if not by_cluster:
            heights, is_majority = heights.T, is_majority.T

        n_rows, n_bars = heights.shape
        ax = make_axes(type(self).__name__, ax, _figure_size(n_rows, n_bars))
        full = 1.0 if values == "share" else float(max(1, heights.max()))
        step = 1.15 * full
        bottoms = step * np.arange(n_rows)[::-1]
        self.bars_ = [
            ax.bar(
                np.arange(n_bars),
                row,
                bottom=bottom,
                width=0.85,
                color=[BLUE if major else LIGHT for major in majors],
            )
            for row, majors, bottom in zip(heights, is_majority, bottoms, strict=True)
        ]
        ax.hlines(bottoms, -0.6, n_bars - 0.4, color="black", linewidth=0.6)
        middles = bottoms + 0.45 * full
        unit = "100 %" if values == "share" else f"{int(full):,} samples"
        clusters = [str(cluster) for cluster in self.order_]
        _name_bars(ax, names if by_cluster else clusters)
        ax.set_yticks(middles, clusters if by_cluster else names)
        if by_cluster:
            purities = [
                f"{share:.0%}" if total else "–"
                for share, total in zip(shares.max(axis=1), n_labeled, strict=True)
            ]
            sizes = n_samples[self.order_].tolist()
            right = ax.secondary_yaxis("right")
            right.set_yticks(
                middles,
                [f"n = {n:,}\n{p}" for n, p in zip(sizes, purities, strict=True)],
            )
            right.tick_params(length=0, labelsize=8)
            ax.set_ylabel(f"Cluster\n(height of a row:\n{unit})")
        else:
            ax.set(xlabel="Cluster", ylabel=f"Height of a row: {unit}")
        ax.tick_params(axis="both", length=0)
        ax.set_xlim(-0.6, n_bars - 0.4)
        ax.set_ylim(-0.02 * full, n_rows * step)
        patches = [
            Patch(color=BLUE, label="most frequent category"),
            Patch(color=LIGHT, label="others"),
        ]
        style = {"loc": "lower left", "bbox_to_anchor": (0, 1), "frameon": False}
        ax.legend(handles=patches, ncols=2, **style)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _by_majority(
    clusters: NDArray[np.intp], counts: NDArray[np.int64], n_samples: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Sort clusters by most frequent category; those without a label stand last."""
    counts = counts[clusters]
    totals = counts.sum(axis=1)
    purity = counts.max(axis=1) / np.maximum(totals, 1)
    majority = np.where(totals > 0, counts.argmax(axis=1), counts.shape[1])
    return clusters[np.lexsort((-n_samples[clusters], -purity, majority))]


def _figure_size(n_rows: int, n_bars: int) -> tuple[float, float]:
    width = min(14.0, max(6.4, (0.6 if n_bars <= _MOST_ROWS else 0.11) * n_bars + 2))
    return width, min(20.0, max(2.8, 0.55 * n_rows + 1.4))


def _name_bars(ax: Any, names: list[str]) -> None:
    step = -(-len(names) // _MOST_NAMED)
    positions = np.arange(0, len(names), step)
    ax.set_xticks(positions, names[::step])
    if len(names) > _MOST_FLAT:
        ax.tick_params(axis="x", labelrotation=90, labelsize=6)
    elif len(names) * max(map(len, names)) > 60:
        for text in ax.get_xticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")
