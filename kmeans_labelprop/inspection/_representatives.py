"""The representatives, with their labels."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length, column_or_1d

from .._asking import check_index
from .._containers import take_rows
from .._labels import is_missing
from ..metrics._purity import check_cluster_labels, cluster_purity, count_classes
from ..model_selection._fitted import check_propagator
from ._plotting import (
    LIGHT,
    OF_ESTIMATOR,
    VERMILLION,
    find_mark,
    format_classes,
    import_pyplot,
    make_axes,
)

_CELL_WIDTH, _CELL_HEIGHT = 1.15, 1.45  # inches
_MOST_CHARACTERS = 14


class RepresentativesDisplay:
    """The representatives in a grid, with label, cluster size and purity.

    A representative whose label is not the most frequent one of its cluster is framed:
    its label is wrong for most of the samples there.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    samples : {array-like, sparse matrix, dataframe} of shape (n_representatives, \
n_features)
        The representatives.
    labels : array-like of shape (n_representatives,)
        Their labels; None where there is none.
    sizes : ndarray of shape (n_representatives,)
        Number of samples of the cluster of each.
    purities : ndarray of shape (n_representatives,), default=None
        Share of the most frequent known label in the cluster of each; NaN where no
        label is known.
    is_majority : ndarray of shape (n_representatives,), dtype=bool, default=None
        Whether the label of each is the most frequent one of its cluster.
    questions : ndarray of shape (n_representatives,), dtype=intp, default=None
        The number of the question about each, shown where there is no label; 0 where
        there is none.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The cells, in the order drawn.
    order_ : ndarray of shape (n_drawn,), dtype=intp
        Positions, among the representatives, of those drawn: those of the largest
        clusters first.
    ax_ : matplotlib Axes
        The axes that hold the cells.
    figure_ : matplotlib Figure
        The figure with the axes.

    See Also
    --------
    ClusterCompositionDisplay : All labels of the clusters.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.inspection import RepresentativesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=20, random_state=0).fit(X, y)
    >>> display = RepresentativesDisplay.from_estimator(
    ...     propagator, X, y, image_shape=(8, 8)
    ... )
    >>> len(display.axes_)
    20
    """

    def __init__(
        self,
        samples: Any,
        labels: Any,
        sizes: NDArray[np.int64],
        *,
        purities: NDArray[np.float64] | None = None,
        is_majority: NDArray[np.bool_] | None = None,
        questions: NDArray[np.intp] | None = None,
    ) -> None:
        self.samples = samples
        self.labels = labels
        self.sizes = sizes
        self.purities = purities
        self.is_majority = is_majority
        self.questions = questions

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike | None = None,
        *,
        missing_label: Any = OF_ESTIMATOR,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the representatives of a propagator, before they have labels or after.

        Those without a label are numbered in the order of the questions.

        Parameters
        ----------
        estimator : KMeansLabelPropagator or PropagatedClassifier
            The fitted propagator, or a classifier whose propagator is shown.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples it was fitted with.
        y : array-like of shape (n_samples,), default=None
            Known labels, for the purity. None leaves it out.
        missing_label : object, default="of the estimator"
            The value that marks a sample without a label in ``y``; by default the
            propagator's own.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure whose size suits the number of
            representatives.
        **kwargs : dict
            Passed to :meth:`plot`; ``image_shape`` or ``renderer`` is needed.

        Returns
        -------
        display : RepresentativesDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If the estimator is neither a propagator nor a classifier with one.
        """
        import_pyplot(cls.__name__)
        estimator = check_propagator(estimator, "clusters_")
        check_index(X, y, "y")
        positions = estimator.representative_indices_
        labels = np.full(len(positions), None, dtype=object)
        if hasattr(estimator, "given_"):
            codes = estimator.given_.codes_at(positions)
            is_given = codes >= 0
            labels[is_given] = estimator.given_.classes[codes[is_given]].tolist()
        # The question about each, from 1; 0 where nobody was asked.
        order = {p: number for number, p in enumerate(estimator.queries_.tolist(), 1)}
        questions = np.array([order.get(p, 0) for p in positions.tolist()])
        return cls.from_predictions(
            X,
            estimator.labels_,
            positions,
            labels,
            y,
            questions=questions,
            missing_label=find_mark(estimator, missing_label),
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        labels: ArrayLike,
        representative_indices: ArrayLike,
        representative_labels: ArrayLike,
        y: ArrayLike | None = None,
        *,
        questions: ArrayLike | None = None,
        missing_label: Any = -1,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw representatives given by their positions.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
            The samples.
        labels : array-like of shape (n_samples,)
            The cluster of each sample, whole numbers from 0.
        representative_indices : array-like of shape (n_representatives,)
            Positions of the representatives.
        representative_labels : array-like of shape (n_representatives,)
            Their labels.
        y : array-like of shape (n_samples,), default=None
            Known labels, for the purity. None leaves it out.
        questions : array-like of shape (n_representatives,) of int, default=None
            The number of the question about each, shown where there is no label; 0
            where there is none.
        missing_label : object, default=-1
            The value that marks a sample without a label. In an array of objects
            None does, too.
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure whose size suits the number of
            representatives.
        **kwargs : dict
            Passed to :meth:`plot`; ``image_shape`` or ``renderer`` is needed.

        Returns
        -------
        display : RepresentativesDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If of ``y`` and the labels of representatives one are strings and the
            other numbers.
        ValueError
            If X has not one row for each of ``labels``.
        """
        import_pyplot(cls.__name__)
        X = np.asarray(X) if isinstance(X, list | tuple) else X
        check_consistent_length(X, labels)
        clusters = check_cluster_labels(labels)
        positions = column_or_1d(representative_indices)
        given = column_or_1d(representative_labels, dtype=None)
        check_consistent_length(positions, given)
        missing = is_missing(given, missing_label)
        names = [
            None if is_none else label
            for label, is_none in zip(given.tolist(), missing, strict=True)
        ]
        own = clusters[positions]
        purities = is_majority = None
        if y is not None:
            purities = cluster_purity(
                clusters, y, missing_label=missing_label
            ).purities[own]
            classes, counts = count_classes(clusters, y, missing_label)
            are_strings = {isinstance(name, str) for name in names if name is not None}
            if len(classes) and (classes.dtype.kind != "U") in are_strings:
                raise TypeError(
                    "'y' and the labels of the representatives must be both strings or "
                    f"both numbers. Got classes {classes.tolist()} and labels {names}."
                )
            is_majority = _gives_majority(counts, classes, own, names)
        display = cls(
            take_rows(X, positions),
            names,
            np.bincount(clusters)[own],
            purities=purities,
            is_majority=is_majority,
            questions=None if questions is None else np.asarray(questions),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        ax: Any = None,
        *,
        image_shape: tuple[int, ...] | None = None,
        renderer: Callable[[Any, Any], Any] | None = None,
        max_representatives: int = 100,
        display_labels: Any = None,
        cmap: Any = "gray_r",
    ) -> Self:
        """Draw the grid.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on; None makes a figure whose size suits the number of
            representatives.
        image_shape : tuple of int, default=None
            Shape to give to each sample to draw it as an image, (height, width) or
            (height, width, channels).
        renderer : callable, default=None
            Draws samples that are no images: called as ``renderer(ax, sample)`` with
            the axes of the cell and the sample (a row of X, in X's own kind). One of
            ``image_shape`` and ``renderer`` is needed.
        max_representatives : int, default=100
            The most to draw: those of the largest clusters.
        display_labels : dict or array-like of shape (n_classes,), default=None
            Names of the labels: by label, or one for each of those that
            representatives have, sorted.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of images with a single channel.

        Returns
        -------
        display : RepresentativesDisplay
            The display itself.
        """
        if (image_shape is None) == (renderer is None):
            raise ValueError(
                "RepresentativesDisplay.plot needs either 'image_shape' or 'renderer'. "
                f"Got image_shape={image_shape!r} and renderer={renderer!r}."
            )
        if image_shape is not None:
            n_features = self.samples.shape[1]
            if np.ndim(image_shape) != 1 or np.prod(image_shape) != n_features:
                raise ValueError(
                    "The 'image_shape' parameter must be a tuple with "
                    f"{n_features} pixels, as X has features. Got {image_shape!r} "
                    "instead."
                )
        if not _is_count(max_representatives):
            raise ValueError(
                "The 'max_representatives' parameter must be a whole number, 1 or "
                f"more. Got {max_representatives!r} instead."
            )
        captions = self._name_labels(display_labels)
        sizes = np.asarray(self.sizes)
        self.order_ = np.argsort(-sizes, kind="stable")[:max_representatives]
        n_drawn = len(self.order_)
        n_columns = n_drawn if n_drawn <= 6 else int(np.ceil(np.sqrt(n_drawn)))
        n_rows = -(-n_drawn // n_columns)
        figsize = (
            max(3.8, _CELL_WIDTH * n_columns),
            _CELL_HEIGHT * n_rows + 0.4,
        )
        ax = make_axes(type(self).__name__, ax, figsize)
        ax.set_axis_off()
        self.axes_ = []
        for cell, position in enumerate(self.order_.tolist()):
            row, column = divmod(cell, n_columns)
            # The picture takes the lower part of its cell, the two lines of text above.
            inset = ax.inset_axes(
                (
                    (column + 0.12) / n_columns,
                    1 - (row + 0.98) / n_rows,
                    0.76 / n_columns,
                    0.66 / n_rows,
                )
            )
            self._draw_sample(inset, position, image_shape, renderer, cmap)
            inset.set_xticks([])
            inset.set_yticks([])
            # The padding keeps the text, which hangs below its line, clear of a frame.
            caption = self._caption(position, captions)
            inset.set_title(caption, fontsize=8, pad=6, linespacing=1.1)
            is_odd = self.is_majority is not None and not self.is_majority[position]
            color, width = (VERMILLION, 3) if is_odd else (LIGHT, 0.5)
            for spine in inset.spines.values():
                spine.set(color=color, linewidth=width)
            self.axes_.append(inset)
        ax.set_title(self._headline(n_drawn, len(sizes)), fontsize=9, loc="left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_sample(
        self,
        ax: Any,
        position: int,
        image_shape: tuple[int, ...] | None,
        renderer: Callable[[Any, Any], Any] | None,
        cmap: Any,
    ) -> None:
        samples = self.samples
        if hasattr(samples, "iloc"):
            sample = samples.iloc[position]
        elif issparse(samples):
            sample = samples[[position]]
        else:
            sample = samples[position]
        if renderer is not None:
            renderer(ax, sample)
            return
        values = sample.toarray() if issparse(sample) else np.asarray(sample)
        if (
            len(image_shape or ()) == 3
            and values.dtype.kind == "f"
            and values.max() > 1
        ):
            values = values / 255  # matplotlib takes floats for shares
        ax.imshow(values.reshape(image_shape), cmap=cmap, interpolation="nearest")

    def _name_labels(self, display_labels: Any) -> dict[Any, str]:
        classes = np.unique([label for label in self.labels if label is not None])
        names = format_classes(display_labels, classes, _MOST_CHARACTERS)
        return dict(zip(classes.tolist(), names, strict=True)) | {None: "no label"}

    def _caption(self, position: int, names: dict[Any, str]) -> str:
        name = names[self.labels[position]]
        question = 0 if self.questions is None else self.questions[position]
        if self.labels[position] is None and question:
            name = f"question {question}"
        size = f"n={self.sizes[position]:,}"
        if self.purities is None or np.isnan(self.purities[position]):
            return f"{name}\n{size}"
        return f"{name}\n{size}, {self.purities[position]:.0%}"

    def _headline(self, n_drawn: int, n_all: int) -> str:
        parts = [] if n_drawn == n_all else [f"{n_drawn} of {n_all}"]
        parts.append("n: cluster size")
        if self.purities is not None:
            parts.append("%: purity")
        if self.is_majority is not None and not np.all(self.is_majority[self.order_]):
            parts.append("framed: not the majority")
        return ", ".join(parts)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and int(value) >= 1


def _gives_majority(
    counts: NDArray[np.int64],
    classes: NDArray[Any],
    clusters: NDArray[np.intp],
    labels: list[Any],
) -> NDArray[np.bool_]:
    """Tell whether each label is as frequent as the most frequent of its cluster.

    What cannot be told, without a label there or here, counts as such.
    """
    position = {label: i for i, label in enumerate(classes.tolist())}
    result = np.ones(len(clusters), dtype=bool)
    for i, (cluster, label) in enumerate(zip(clusters, labels, strict=True)):
        most = counts[cluster].max(initial=0)
        if label is not None and most > 0:
            own = counts[cluster, position[label]] if label in position else 0
            result[i] = own == most
    return result
