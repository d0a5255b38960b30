"""What the displays share: matplotlib, colours, and estimators' clusters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from .._clustering import assign_clusters
from .._propagator import KMeansLabelPropagator
from ..model_selection._fitted import get_propagator

# Of the colours of M. Okabe and K. Ito, "Color Universal Design", which people with any
# common colour blindness tell apart; these three differ in grey, too.
BLUE, ORANGE, VERMILLION = "#0072B2", "#E69F00", "#D55E00"
DARK, LIGHT = "#333333", "#B8B8B8"


def import_pyplot(caller: str) -> ModuleType:
    """Import matplotlib's pyplot, or say how to get it.

    Parameters
    ----------
    caller : str
        Name of the class that draws.

    Returns
    -------
    pyplot : module
        ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib. Install it with "
            'pip install "kmeans-labelprop[plot]".'
        ) from error
    return plt


def make_axes(caller: str, ax: Any, figsize: tuple[float, float] | None = None) -> Any:
    """Take the axes given, or make a figure with new ones.

    Parameters
    ----------
    caller : str
        Name of the class that draws.
    ax : matplotlib Axes or None
        The axes given.
    figsize : tuple of float, default=None
        Width and height of a new figure in inches; None for matplotlib's default.

    Returns
    -------
    ax : matplotlib Axes
        The axes to draw on.
    """
    plt = import_pyplot(caller)
    if ax is not None:
        return ax
    return plt.subplots(figsize=figsize, layout="constrained")[1]


class CurveDisplay(ABC):
    """Base of the displays of a curve; subclasses draw it into axes."""

    _legend: ClassVar[dict[str, Any]] = {}

    def plot(
        self,
        ax: Any = None,
        *,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on, also those of another curve; None makes a figure.
        name : str, default=None
            What the legend calls the curve.
        line_kw : dict, default=None
            Keywords for matplotlib's ``plot``.

        Returns
        -------
        display : object
            The display itself.
        """
        ax = make_axes(type(self).__name__, ax)
        self._draw(ax, name, line_kw)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(**self._legend)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    @abstractmethod
    def _draw(self, ax: Any, name: str | None, line_kw: dict[str, Any] | None) -> None:
        """Draw all but the legend."""


def draw_curve(
    ax: Any,
    x: NDArray[Any],
    values: NDArray[np.float64],
    name: str | None,
    line_kw: dict[str, Any] | None,
) -> tuple[Any, Any]:
    """Draw the mean of repeats as a line, and one standard deviation as a band.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes.
    x : ndarray of shape (n_points,)
        Where the values stand.
    values : ndarray of shape (n_points, n_repeats)
        The values of all repeats.
    name : str or None
        What the legend calls the line; of several repeats it says what the band is.
    line_kw : dict or None
        Keywords for the line.

    Returns
    -------
    line : matplotlib Line2D
        The line.
    band : matplotlib Collection or None
        The band; None with a single repeat.
    """
    # Colour, marker and dashes change together from curve to curve on the same axes:
    # without colours the others still tell them apart.
    number, n_repeats = len(ax.lines), values.shape[1]
    label = name
    if n_repeats > 1:
        spread = f"mean ± std, {n_repeats} repeats"
        label = spread if name is None else f"{name} ({spread})"
    style = {
        "color": (BLUE, VERMILLION, "#009E73", ORANGE, "#CC79A7", DARK)[number % 6],
        "marker": "osD^v*"[number % 6],
        "linestyle": ("-", "--", ":", "-.")[number % 4],
        "markersize": 4,
        "label": label,
    }
    mean = values.mean(axis=1)
    (line,) = ax.plot(x, mean, **style | (line_kw or {}))
    if n_repeats == 1:
        return line, None
    std = values.std(axis=1)
    return line, draw_band(ax, x, mean - std, mean + std, line.get_color())


def as_text(value: Any, n_characters: int) -> str:
    """Write a value as it is to be shown.

    Parameters
    ----------
    value : object
        Anything.
    n_characters : int
        How long it may be.

    Returns
    -------
    text : str
        Its text; if too long, its two ends with an ellipsis between them, since names
        of one kind often differ at the end.
    """
    # Half of a surrogate pair has no picture.
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    if len(text) > n_characters:
        n_end = (n_characters - 1) // 3
        text = f"{text[: n_characters - 1 - n_end]}…{text[len(text) - n_end :]}"
    return text.replace("$", r"\$")  # which matplotlib would take for mathematics


def draw_band(
    ax: Any,
    x: NDArray[Any],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    color: Any,
) -> Any:
    """Shade what is between two lines; of a single point, draw a bar.

    Parameters
    ----------
    ax : matplotlib Axes
        The axes.
    x : ndarray of shape (n_points,)
        Where the lines stand.
    low, high : ndarray of shape (n_points,)
        The lines.
    color : matplotlib color
        The colour.

    Returns
    -------
    band : matplotlib Collection
        What was drawn.
    """
    if len(x) == 1:  # an area has no width there
        return ax.vlines(x, low, high, color=color, linewidth=3, alpha=0.4)
    return ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)


def format_classes(
    display_labels: Any, classes: NDArray[Any], n_characters: int
) -> list[str]:
    """Give the names of classes as they are to be shown.

    Parameters
    ----------
    display_labels : dict, array-like of shape (n_classes,) or None
        Names by class, or one for each of the sorted classes; None for the classes
        themselves.
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    n_characters : int
        How long a name may be.

    Returns
    -------
    names : list of str
        One name for each class.

    Raises
    ------
    ValueError
        If the number of names differs from that of classes.
    """
    if display_labels is None:
        display_labels = {}
    if isinstance(display_labels, Mapping):
        names = [display_labels.get(label, label) for label in classes.tolist()]
    else:
        names = list(display_labels)
    if len(names) != len(classes):
        raise ValueError(
            "The 'display_labels' parameter must hold one name for each of the "
            f"{len(classes)} classes {classes.tolist()}. Got {len(names)} names "
            "instead; a dict names classes one by one."
        )
    return [as_text(name, n_characters) for name in names]


def missing_label_of(estimator: Any) -> Any:
    """Tell what marks a missing label: -1 if the estimator has no parameter for it.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Returns
    -------
    missing_label : object
        The mark.
    """
    return getattr(get_propagator(estimator), "missing_label", -1)


def find_clusters(estimator: Any, X: Any) -> NDArray[np.intp]:
    """Find the cluster of each sample with a fitted clusterer or propagator.

    Parameters
    ----------
    estimator : clusterer, KMeansLabelPropagator or PropagatedClassifier
        The fitted estimator; of a classifier its propagator.
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features) or None
        The samples; None for those of ``fit``.

    Returns
    -------
    labels : ndarray of shape (n_samples,), dtype=intp
        The cluster of each sample.

    Raises
    ------
    TypeError
        If the estimator does not assign samples to clusters.
    """
    estimator = get_propagator(estimator)
    if is_classifier(estimator):
        raise TypeError(
            f"{type(estimator).__name__} predicts classes, not clusters. Pass a "
            "clusterer, a KMeansLabelPropagator or a PropagatedClassifier."
        )
    check_is_fitted(estimator)
    if X is None:
        labels = estimator.labels_
    elif isinstance(estimator, KMeansLabelPropagator):
        # Its own predict gives labels of classes.
        E = estimator.embed(X)
        labels = assign_clusters(estimator.clusterer_, E, estimator.labels_)
    elif hasattr(estimator, "predict"):
        labels = estimator.predict(X)
    else:
        raise TypeError(
            f"{type(estimator).__name__} cannot assign samples to clusters: it has no "
            "predict method. Pass X=None for the samples of fit."
        )
    return np.asarray(labels, dtype=np.intp)
