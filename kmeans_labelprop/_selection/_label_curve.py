"""What more labels are worth: a learning curve over parts of those there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from .._engine import count_left, spread
from .._given import GivenLabels
from .._propagator import KMeansLabelPropagator
from .._validation import POSITIVE, Interval, validated

#: With fewer labels nothing was measured.
MIN_LABELS = 10
#: How many labels are visible, in quarters of all.
_QUARTERS = (1, 2, 3)
#: Errors shrink with the root of the number of labels. An exponent fitted to each curve
#: made intervals wider and no truer.
EXPONENT = 0.5
#: The errors of the prediction have long tails: some data sets are far from all others.
DEGREES_OF_FREEDOM = 5


@dataclass(frozen=True)
class GainModel:
    """From a curve to a gain: the distribution of the gain in accuracy.

    The gain is relative to that of hidden labels. Its median is
    ``error * part``, where ``part = 1 - (1 + n_more / n_labels) ** -0.5``. Around it
    ``asinh(gain / (noise * sqrt(part / n_labels)))`` has Student's distribution with 5
    degrees of freedom: the error of the prediction grows with the gain, but does not
    vanish with it.

    Attributes
    ----------
    scale_asked : float
        The gain on all samples, relative to that on hidden labels, if all labels were
        asked for. Hiding a representative takes away the only label of its cluster, so
        that it is harder to predict than most other samples.
    scale_known : float
        The same if all labels were known from the start.
    noise : float
        The error of the prediction where little is gained, relative to
        ``sqrt(part / n_labels)``, as that of a share that is counted.
    deviation : float
        The error relative to the gain, where much is gained.
    """

    scale_asked: float
    scale_known: float
    noise: float
    deviation: float

    def scale(self, known_share: Any) -> Any:
        """Weigh the two scales by how many of the labels were known."""
        return self.scale_asked ** (1 - known_share) * self.scale_known**known_share

    def quantile(
        self, level: float, error: Any, n_labels: Any, n_more: Any, known_share: Any
    ) -> NDArray[np.float64]:
        """Compute a gain that is not exceeded with some probability.

        Parameters
        ----------
        level : float
            The probability, in (0, 1).
        error : float or ndarray
            Share of hidden labels that come out wrong, with as many labels as now.
        n_labels : int or ndarray
            Number of labels.
        n_more : int or ndarray
            Number of further labels.
        known_share : float or ndarray
            Share of the labels that were known from the start.

        Returns
        -------
        gain : ndarray
            The quantile.
        """
        part, noise = self._of_hidden(n_labels, n_more)
        deviation = self.deviation * student.ppf(level, DEGREES_OF_FREEDOM)
        gain = noise * np.sinh(np.arcsinh(error * part / noise) + deviation)
        return np.asarray(self.scale(known_share) * gain)

    def standardize(
        self, gain: Any, error: Any, n_labels: Any, n_more: Any, known_share: Any
    ) -> NDArray[np.float64]:
        """Compute what has Student's distribution, of gains that were found.

        Parameters
        ----------
        gain : float or ndarray
            The gains.
        error, n_labels, n_more, known_share : float or ndarray
            As for `quantile`.

        Returns
        -------
        z : ndarray
            One for each gain; 0 for the median.
        """
        part, noise = self._of_hidden(n_labels, n_more)
        found = np.arcsinh(gain / (self.scale(known_share) * noise))
        return np.asarray((found - np.arcsinh(error * part / noise)) / self.deviation)

    def log_density(
        self, gain: Any, error: Any, n_labels: Any, n_more: Any, known_share: Any
    ) -> NDArray[np.float64]:
        """Compute the logarithm of the density of gains, to fit the constants.

        Parameters
        ----------
        gain : float or ndarray
            The gains found.
        error, n_labels, n_more, known_share : float or ndarray
            As for `quantile`.

        Returns
        -------
        log_density : ndarray
            One for each gain.
        """
        _, noise = self._of_hidden(n_labels, n_more)
        z = self.standardize(gain, error, n_labels, n_more, known_share)
        slope = self.deviation * np.hypot(gain, self.scale(known_share) * noise)
        return np.asarray(student.logpdf(z, DEGREES_OF_FREEDOM) - np.log(slope))

    def _of_hidden(self, n_labels: Any, n_more: Any) -> tuple[Any, Any]:
        """Compute the share by which the error shrinks, and how unsure that is."""
        part = 1 - (1 + n_more / n_labels) ** -EXPONENT
        return part, self.noise * np.sqrt(part / n_labels)


#: Constants estimated by ``benchmarks/accuracy/label_curve.py`` on 24 data sets.
TYPICAL = GainModel(scale_asked=0.416, scale_known=0.88, noise=0.565, deviation=0.506)
_HARDLY_HELPED = (
    "\n  More labels have hardly helped so far: they may bring nothing, whatever the "
    "interval says."
)


@dataclass(frozen=True, eq=False)
class LabelLearningCurve:
    """Accuracy on hidden labels by the number of visible ones.

    Made by :func:`label_learning_curve`.

    Parameters
    ----------
    n_labels : int
        Number of labels given.
    n_known : int
        How many of them were known from the start, not asked for.
    n_left : int
        Number of samples without a label, copies of each other as one.
    budgets : ndarray of shape (n_budgets,), dtype=intp
        How many labels were visible, ascending.
    accuracies : ndarray of shape (n_budgets, n_repeats), dtype=float64
        Share of the hidden labels that came out right.

    See Also
    --------
    label_learning_curve : Makes it.
    kmeans_labelprop.inspection.LabelCurveDisplay : Draws it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.model_selection import label_learning_curve
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=40, random_state=0).fit(X, y)
    >>> curve = label_learning_curve(propagator, random_state=0)
    >>> curve.budgets
    array([10, 20, 30])
    >>> gain, low, high = curve.expected_gain(40)
    >>> bool(low < gain < high)
    True
    """

    n_labels: int
    n_known: int
    n_left: int
    budgets: NDArray[np.intp]
    accuracies: NDArray[np.float64]

    @property
    def hidden_error(self) -> float:
        """Share of hidden labels that would come out wrong, were all others there.

        The height of the curve ``error * (n_visible / n_labels) ** -0.5`` that has as
        many wrong labels as were found, and half a label more.
        """
        n_hidden = self.n_labels - self.budgets
        n_wrong = float(n_hidden @ (1 - self.accuracies.mean(axis=1)))
        weights = (self.budgets / self.n_labels) ** -EXPONENT
        return (n_wrong + 0.5) / float(n_hidden @ weights)

    @property
    def scale(self) -> float:
        """What all samples gain where hidden labels gain 1, on most data."""
        return float(TYPICAL.scale(self.n_known / self.n_labels))

    @validated(
        n_more=[POSITIVE], confidence_level=[Interval(Real, 0, 1, closed="neither")]
    )
    def expected_gain(
        self, n_more: int, confidence_level: float = 0.8
    ) -> tuple[float, float, float]:
        """Tell what more labels are likely to bring.

        Parameters
        ----------
        n_more : int
            How many more labels, for samples that `query_more` chooses.
        confidence_level : float, default=0.8
            How often the interval is to hold the true gain, in (0, 1).

        Returns
        -------
        gain : float
            Gain in the accuracy of the propagated labels, those of samples without a
            given label: 0.01 is a point.
        low, high : float
            The ends of the interval. More labels may do harm: `low` may be below 0.
        """
        if n_more > self.n_left:
            raise ValueError(
                "The 'n_more' parameter of expected_gain must be at most the number "
                f"of samples without a label, {self.n_left}, copies of each other as "
                f"one. Got {n_more} instead."
            )
        of_curve = (
            self.hidden_error,
            self.n_labels,
            int(n_more),
            self.n_known / self.n_labels,
        )
        gain, low, high = (
            min(1.0, max(-1.0, float(TYPICAL.quantile(level, *of_curve))))
            for level in (
                0.5,
                (1 - confidence_level) / 2,
                (1 + confidence_level) / 2,
            )
        )
        return gain, low, high

    def summary(self, n_more: int | None = None) -> str:
        """Say in plain words what more labels are likely to bring.

        Parameters
        ----------
        n_more : int, default=None
            How many more labels; None for as many as there are now, or all samples
            that are left.

        Returns
        -------
        text : str
            Two lines; a third one where labels have hardly helped so far.
        """
        if n_more is None:
            n_more = min(self.n_labels, self.n_left)
            if not n_more:
                return "All samples have a label, or are copies of one that has."
        gain, low, high = (100 * share for share in self.expected_gain(n_more))
        next_labels = "label is" if n_more == 1 else f"{n_more:,} labels are"
        budgets = (f"{budget:,}" for budget in self.budgets.tolist())
        shares = (f"{100 * share:.0f}" for share in self.accuracies.mean(axis=1))
        return (
            f"The next {next_labels} likely to bring {_one_decimal(gain)} points "
            f"(80 % interval {_one_decimal(low)} to {_one_decimal(high)}).\n"
            f"  By {_listed(budgets)} of the {self.n_labels:,} labels given, "
            f"{_listed(shares)} % of the hidden ones come out right."
            f"{_HARDLY_HELPED if _is_flat(self) else ''}"
        )


def _is_flat(curve: LabelLearningCurve) -> bool:
    """Tell whether labels have helped clearly less so far than on most data."""
    first, last = (curve.budgets[[0, -1]] / curve.n_labels) ** -EXPONENT
    means = curve.accuracies.mean(axis=1)
    expected = curve.hidden_error * (first - last)
    # At each budget every label is hidden in turn. Half a label more, as above.
    wrong = (curve.n_labels * (1 - means.mean()) + 0.5) / (curve.n_labels + 1)
    chance = np.sqrt(2 * wrong * (1 - wrong) / curve.n_labels)
    return bool(expected - (means[-1] - means[0]) > 2 * chance)


def _one_decimal(points: float) -> str:
    return f"{round(points, 1) + 0.0:.1f}"  # no "-0.0"


def _listed(texts: Any) -> str:
    *others, last = texts
    return f"{', '.join(others)} and {last}"


def find_label_curve(
    propagator: KMeansLabelPropagator, n_repeats: int, rng: np.random.RandomState
) -> LabelLearningCurve:
    """Hide part of the labels, and count how many come out right by the others.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has spread its labels over the graph.
    n_repeats : int
        How often labels are hidden anew at each budget.
    rng : RandomState
        Shuffles.

    Returns
    -------
    curve : LabelLearningCurve
        The curve.

    Raises
    ------
    ValueError
        If the labels are too few, or none could come out right, or wrong.
    """
    clusters, given = propagator.clusters_, propagator.given_
    alpha, class_prior = propagator.alpha, propagator.class_prior
    n_labels = len(given)
    _check_labels(given)
    budgets = np.array([(k * n_labels + 2) // 4 for k in _QUARTERS], dtype=np.intp)
    accuracies = np.empty((len(budgets), n_repeats))
    for repeat, order in enumerate(_orders(n_labels, n_repeats, rng)):
        for row, budget in enumerate(budgets.tolist()):
            is_visible = np.zeros(n_labels, dtype=bool)
            is_visible[order[:budget]] = True
            visible = given.take(is_visible)
            found = spread(
                clusters, visible, "graph", alpha=alpha, class_prior=class_prior
            )
            hidden = given.take(~is_visible)
            is_right = found.codes[hidden.positions] == hidden.codes
            accuracies[row, repeat] = is_right.mean()
    n_left = count_left(clusters, given)
    return LabelLearningCurve(
        n_labels, propagator.n_known_, n_left, budgets, accuracies
    )


def _orders(
    n_labels: int, n_repeats: int, rng: np.random.RandomState
) -> Iterator[NDArray[np.intp]]:
    """Shuffle the labels; four repeats in a row hide each of them equally often."""
    for repeat in range(n_repeats):
        if repeat % 4 == 0:
            shuffled = rng.permutation(n_labels)
        yield np.roll(shuffled, -(repeat % 4 * n_labels // 4))


def _check_labels(given: GivenLabels) -> None:
    counts = np.bincount(given.codes)
    if len(given) < MIN_LABELS:
        raise ValueError(
            f"A learning curve needs {MIN_LABELS} labels or more, to hide some and "
            f"predict them from the others. Got {len(given)} instead."
        )
    if counts.max() == 1:
        raise ValueError(
            "A learning curve needs labels of the same class, to hide some and predict "
            f"them from the others. Got {len(given)} labels, each of its own class, "
            "instead."
        )
    if np.count_nonzero(counts) == 1:
        raise ValueError(
            "A learning curve needs labels of two classes or more. Got one class "
            "instead: nothing is known of where the others are."
        )
