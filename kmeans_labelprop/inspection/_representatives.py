"""The representatives, with their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils import check_consistent_length, column_or_1d

from .._asking import check_index
from .._containers import are_strings, take_rows
from .._labels import is_missing
from .._validation import POSITIVE, validated
from ..embedding._describe import read_pixels
from ..embedding._pictures import channels_come_first, is_row, looks_like_series
from ..metrics._purity import check_cluster_labels, cluster_purity, count_classes
from ..model_selection._fitted import check_propagator
from ._apart import as_texts, columns_apart, words_apart
from ._plotting import (
    BLUE,
    DARK,
    LIGHT,
    VERMILLION,
    as_text,
    format_classes,
    import_pyplot,
    make_axes,
    missing_label_of,
)

# Characters that a line of a text or of a table has room for, and lines of a text.
_LINE, _MOST_LINES = 42, 4


@dataclass(frozen=True)
class _Grid:
    """Sizes of cells in inches, of the picture in each in shares, and of names."""

    width: float
    height: float
    most_columns: int
    picture: tuple[float, float]
    most_characters: int


_IMAGES = _Grid(1.15, 1.45, 10, (0.76, 0.66), 14)
_WRITTEN = _Grid(3.2, 1.25, 3, (0.92, 0.72), 24)


@dataclass(eq=False, repr=False)
class RepresentativesDisplay:
    """The representatives in a grid, with label, cluster size and purity.

    Images are shown as they are; texts by their beginning, with the words that set the
    cluster apart from the rest; rows of a table by their values in the columns that set
    the cluster apart. Representatives that wait for a label come first, numbered in the
    order of the questions; then those of the largest clusters. One whose label is not
    the most frequent one of its cluster is framed: its label is wrong for most of the
    samples there.

    Use :meth:`from_estimator` or :meth:`from_predictions`.

    Parameters
    ----------
    samples : {array-like, sparse matrix, dataframe} of shape (n_representatives, ...)
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
    apart : list of list of str, default=None
        For texts and rows of tables, what sets the cluster of each apart.

    Attributes
    ----------
    axes_ : list of matplotlib Axes
        The cells, in the order drawn.
    order_ : ndarray of shape (n_drawn,), dtype=intp
        Positions, among the representatives, of those drawn.
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

    Texts, before any of them has a label:

    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> texts = ["warm sunny day", "sunny and warm", "stocks fell", "stocks rose today"]
    >>> propagator = KMeansLabelPropagator(
    ...     n_clusters=2, embedding=TfidfVectorizer(), random_state=0
    ... )
    >>> positions = propagator.query(texts)
    >>> display = RepresentativesDisplay.from_estimator(propagator, texts)
    >>> sorted(words[0] for words in display.apart)
    ['stocks', 'sunny']
    """

    samples: Any
    labels: Any
    sizes: NDArray[np.int64]
    purities: NDArray[np.float64] | None = None
    is_majority: NDArray[np.bool_] | None = None
    questions: NDArray[np.intp] | None = None
    apart: list[list[str]] | None = None

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: ArrayLike | None = None, **kwargs: Any
    ) -> Self:
        """Draw the representatives of a propagator, before they have labels or after.

        Samples that were asked about last and have no label are drawn, too, also those
        that `query_more` chose.

        Parameters
        ----------
        estimator : KMeansLabelPropagator or PropagatedClassifier
            The fitted propagator, or a classifier whose propagator is shown.
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
            The samples it was fitted with.
        y : array-like of shape (n_samples,), default=None
            Known labels, for the purity. None leaves it out.
        **kwargs : dict
            Passed to :meth:`from_predictions`; ``missing_label`` is the propagator's
            own by default, and ``image_shape`` that of its embedding, if rows are the
            pixels of images there.

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
        # The question about each, from 1; 0 where nobody was asked.
        order = {p: number for number, p in enumerate(estimator.queries_.tolist(), 1)}
        labelled = estimator.given_.positions if hasattr(estimator, "given_") else []
        waiting = np.setdiff1d(estimator.queries_, labelled).astype(np.intp)
        others = np.setdiff1d(waiting, estimator.representative_indices_)
        positions = np.append(estimator.representative_indices_, others)
        labels = np.full(len(positions), None, dtype=object)
        if hasattr(estimator, "given_"):
            codes = estimator.given_.codes_at(positions)
            is_given = codes >= 0
            labels[is_given] = estimator.given_.classes[codes[is_given]].tolist()
        is_rows = np.ndim(X) == 2 or (np.ndim(X) > 2 and is_row(np.shape(X)[1:]))
        if is_rows and "renderer" not in kwargs:
            X, image_shape = read_pixels(estimator.embedding_, X)
            kwargs = {"image_shape": image_shape} | kwargs
        return cls.from_predictions(
            X,
            estimator.labels_,
            positions,
            labels,
            y,
            questions=[order.get(position, 0) for position in positions.tolist()],
            **{"missing_label": missing_label_of(estimator)} | kwargs,
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
        **kwargs: Any,
    ) -> Self:
        """Draw representatives given by their positions.

        Parameters
        ----------
        X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
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
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        display : RepresentativesDisplay
            The display, drawn.

        Raises
        ------
        TypeError
            If ``y`` and the labels of representatives are not both strings or both
            numbers.
        ValueError
            If X and ``labels`` differ in length.
        """
        import_pyplot(cls.__name__)
        texts = as_texts(X)
        if texts is not None:
            X = np.array(texts, dtype=object)
        elif not hasattr(X, "shape"):
            X = np.asarray(X)
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
        purities = is_majority = apart = None
        if y is not None:
            purity = cluster_purity(clusters, y, missing_label=missing_label)
            purities = purity.purities[own]
            classes, counts = count_classes(clusters, y, missing_label)
            kinds = {isinstance(name, str) for name in names if name is not None}
            if len(classes) and (not are_strings(classes)) in kinds:
                raise TypeError(
                    "'y' and the labels of the representatives must be both strings or "
                    f"both numbers. Got classes {classes.tolist()} and labels {names}."
                )
            is_majority = _gives_majority(counts, classes, own, names)
        if kwargs.get("image_shape") is None and kwargs.get("renderer") is None:
            if texts is not None:
                apart = words_apart(texts, clusters, positions)
            elif len(X.shape) == 2:
                apart = columns_apart(X, clusters, positions)
            elif len(X.shape) < 2:
                raise ValueError(
                    "The 'X' parameter must be texts, rows of a table, or images, "
                    f"unless there is a 'renderer'. Got shape {X.shape} instead."
                )
        display = cls(
            take_rows(X, positions),
            names,
            np.bincount(clusters)[own],
            purities,
            is_majority,
            None if questions is None else np.asarray(questions),
            apart,
        )
        return display.plot(**kwargs)

    @validated(max_representatives=[POSITIVE])
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
            (height, width, channels). Samples of two or three dimensions are images
            without it.
        renderer : callable, default=None
            Draws each sample in its own way: called as ``renderer(ax, sample)`` with
            the axes of the cell and the sample (a row of X, in X's own kind).
        max_representatives : int, default=100
            The most to draw.
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
        samples = self.samples
        is_written = (image_shape or renderer) is None and len(samples.shape) <= 2
        if image_shape is not None and renderer is not None:
            raise ValueError(
                "RepresentativesDisplay.plot takes either 'image_shape' or 'renderer'. "
                f"Got image_shape={image_shape!r} and renderer={renderer!r}."
            )
        n_values = int(np.prod(samples.shape[1:]))
        if image_shape is not None and (
            np.ndim(image_shape) != 1 or np.prod(image_shape) != n_values
        ):
            raise ValueError(
                f"The 'image_shape' parameter must be a tuple with {n_values} pixels, "
                f"as X has features. Got {image_shape!r} instead."
            )
        self.order_ = self._order()[:max_representatives]
        n_drawn = len(self.order_)
        grid = _WRITTEN if is_written else _IMAGES
        captions = self._name_labels(display_labels, grid.most_characters)
        n_columns = min(n_drawn, grid.most_columns, max(6, int(np.ceil(n_drawn**0.5))))
        n_rows = -(-n_drawn // n_columns)
        figsize = (max(3.8, grid.width * n_columns), grid.height * n_rows + 0.4)
        ax = make_axes(type(self).__name__, ax, figsize)
        ax.set_axis_off()
        width, height = grid.picture
        if renderer is None and not is_written:
            limits = _limits(samples)
        self.axes_ = []
        for cell, position in enumerate(self.order_.tolist()):
            row, column = divmod(cell, n_columns)
            # The picture takes the lower part of its cell, the caption the upper.
            inset = ax.inset_axes(
                (
                    (column + (1 - width) / 2) / n_columns,
                    1 - (row + 0.98) / n_rows,
                    width / n_columns,
                    height / n_rows,
                )
            )
            if renderer is not None:
                renderer(inset, _take(samples, position))
            elif is_written:
                self._write(inset, position)
            else:
                image = _take(samples, position)
                _draw_image(inset, image, image_shape, cmap, limits)
            inset.set_xticks([])
            inset.set_yticks([])
            # The padding keeps the text, which hangs below its line, clear of a frame.
            caption = self._caption(position, captions, ", " if is_written else "\n")
            inset.set_title(caption, fontsize=8, pad=6, linespacing=1.1)
            is_odd = self.is_majority is not None and not self.is_majority[position]
            color, line_width = (VERMILLION, 3) if is_odd else (LIGHT, 0.5)
            for spine in inset.spines.values():
                spine.set(color=color, linewidth=line_width)
            self.axes_.append(inset)
        ax.set_title(self._headline(n_drawn, is_written), fontsize=9, loc="left")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _order(self) -> NDArray[np.intp]:
        """Sort by number those who wait for a label, then by size of the cluster."""
        sizes = np.asarray(self.sizes)
        number = np.full(len(sizes), np.inf)
        if self.questions is not None:
            is_waiting = [label is None for label in self.labels] & (self.questions > 0)
            number[is_waiting] = self.questions[is_waiting]
        return np.lexsort((-sizes, number))

    def _write(self, ax: Any, position: int) -> None:
        """Write a text and the words of its cluster, or the lines of a table."""
        lines = [] if self.apart is None else self.apart[position]
        style = {"fontsize": 7.5, "clip_on": True, "linespacing": 1.25}
        if len(self.samples.shape) == 1:
            text = wrap(self.samples[position], _LINE)
            if len(text) > _MOST_LINES:
                text = [*text[: _MOST_LINES - 1], text[_MOST_LINES - 1] + " …"]
            words = as_text(", ".join(lines), _LINE)
            ax.text(0.03, 0.06, words, va="bottom", color=BLUE, **style)
            lines = text
        lines = [as_text(line, _LINE + 2) for line in lines]
        ax.text(0.03, 0.93, "\n".join(lines), va="top", color=DARK, **style)

    def _name_labels(self, display_labels: Any, n_characters: int) -> dict[Any, str]:
        classes = np.unique([label for label in self.labels if label is not None])
        names = format_classes(display_labels, classes, n_characters)
        return dict(zip(classes.tolist(), names, strict=True)) | {None: "no label"}

    def _caption(self, position: int, names: dict[Any, str], between: str) -> str:
        name = names[self.labels[position]]
        question = 0 if self.questions is None else self.questions[position]
        if self.labels[position] is None and question:
            name = f"question {question}"
        size = f"n={self.sizes[position]:,}"
        if self.purities is None or np.isnan(self.purities[position]):
            return f"{name}{between}{size}"
        return f"{name}{between}{size}, {self.purities[position]:.0%}"

    def _headline(self, n_drawn: int, is_written: bool) -> str:
        n_all = len(self.sizes)
        parts = [] if n_drawn == n_all else [f"{n_drawn} of {n_all}"]
        parts.append("n: cluster size")
        if self.purities is not None:
            parts.append("%: purity")
        if self.is_majority is not None and not np.all(self.is_majority[self.order_]):
            parts.append("framed: not the majority")
        if is_written and self.apart is not None:
            is_text = len(self.samples.shape) == 1
            parts.append(
                "blue: words of the cluster"
                if is_text
                else "columns that set the cluster apart, ▲ above the rest, ▼ below"
            )
        return ", ".join(parts)


def _take(samples: Any, position: int) -> Any:
    if hasattr(samples, "iloc"):
        return samples.iloc[position]
    return samples[[position]] if issparse(samples) else samples[position]


def _limits(samples: Any) -> tuple[float, float]:
    """Find what is black and what is full colour in images of any numbers."""
    values = samples.toarray() if issparse(samples) else np.asarray(samples)
    known = values[np.isfinite(values)]
    low, high = known.min(initial=0), known.max(initial=0)
    # Shares, bytes, or else whatever is there.
    return low, 1 if high <= 1 else 255 if 127 < high <= 255 else high


def _draw_image(
    ax: Any,
    sample: Any,
    image_shape: tuple[int, ...] | None,
    cmap: Any,
    limits: tuple[float, float],
) -> None:
    image = sample.toarray() if issparse(sample) else np.asarray(sample)
    image = image if image_shape is None else image.reshape(image_shape)
    if image.ndim == 3 and image.shape[-1] not in (1, 3, 4):
        if image.shape[0] in (1, 3, 4) or channels_come_first(image.shape):
            image = np.moveaxis(image, 0, -1)
        if image.shape[-1] not in (1, 3, 4):
            image = image.mean(axis=-1)  # no colours
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim == 3:
        low, high = limits
        image = np.clip((image.astype(float) - low) / (high - low), 0, 1)
    # Series would be as thin as a line.
    aspect = "auto" if looks_like_series(image.shape) else "equal"
    ax.imshow(image, cmap=cmap, interpolation="nearest", aspect=aspect)


def _gives_majority(
    counts: NDArray[np.int64],
    classes: NDArray[Any],
    clusters: NDArray[np.intp],
    labels: list[Any],
) -> NDArray[np.bool_]:
    """Tell whether each label is as frequent as the most frequent of its cluster.

    Where a label is missing, so that this is not known, the answer is yes.
    """
    position = {label: i for i, label in enumerate(classes.tolist())}
    # One column more, for labels that no sample is known to have.
    own = np.pad(counts[clusters], ((0, 0), (0, 1)))
    got = own[np.arange(len(own)), [position.get(label, -1) for label in labels]]
    is_unknown = (own == 0).all(axis=1) | np.array([label is None for label in labels])
    result: NDArray[np.bool_] = is_unknown | (got == own.max(axis=1))
    return result
