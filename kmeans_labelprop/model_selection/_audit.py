"""How right the propagated labels are, from a few extra labels drawn at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom
from sklearn.utils import check_random_state

from .._asking import check_answers, labels_by_position
from .._containers import are_strings
from .._engine import keep
from .._labels import label_array
from .._propagator import KMeansLabelPropagator
from .._validation import POSITIVE, Interval, validated
from ._fitted import check_propagator


@dataclass(frozen=True, eq=False)
class PropagationAudit:
    """Accuracy of propagated labels as estimated by an audit, for each fraction.

    Made by :func:`audit_propagation`. Accuracies are those of the labels kept,
    `transduction_` at `sample_indices_`: the given labels, which are right by
    definition and counted, and all others, which are estimated.

    Parameters
    ----------
    fractions : ndarray of shape (n_fractions,), dtype=float64
        The fractions, ascending.
    accuracy : ndarray of shape (n_fractions,), dtype=float64
        The estimate at each; NaN where no label audited is among those kept.
    low : ndarray of shape (n_fractions,), dtype=float64
        Lower end of the confidence interval of each.
    high : ndarray of shape (n_fractions,), dtype=float64
        Upper end of the confidence interval of each.
    n_kept : ndarray of shape (n_fractions,), dtype=intp
        Number of samples that keep their label.
    n_given : int
        How many of them are given labels, at every fraction.
    n_propagated : int
        Number of all other samples with a label, which the audit was drawn from.
    n_audit : int
        Number of samples drawn, with an answer or without.
    n_audited : ndarray of shape (n_fractions,), dtype=intp
        How many of them were audited and answered.
    n_right : ndarray of shape (n_fractions,), dtype=intp
        How many answers agree with the propagated label.
    n_abstained : ndarray of shape (n_fractions,), dtype=intp
        How many of those kept were audited without an answer.
    confidence_level : float
        Confidence level of each interval.

    See Also
    --------
    audit_propagation : Makes it.
    kmeans_labelprop.inspection.AuditDisplay : Draws it.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.model_selection import audit_propagation, draw_audit
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=50, random_state=0).fit(X, y)
    >>> positions = draw_audit(propagator, 100, random_state=0)
    >>> audit = audit_propagation(propagator, positions, y[positions])
    >>> bool(audit.low[-1] < (propagator.transduction_ == y).mean() < audit.high[-1])
    True
    """

    fractions: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_kept: NDArray[np.intp]
    n_given: int
    n_propagated: int
    n_audit: int
    n_audited: NDArray[np.intp]
    n_right: NDArray[np.intp]
    n_abstained: NDArray[np.intp]
    confidence_level: float

    @validated(target=[Interval(Real, 0, 1, closed="right")])
    def largest_fraction(self, target: float) -> float | None:
        """Find the largest fraction whose labels are right often enough.

        The accuracy at the fraction returned is at least `target` with probability
        `confidence_level` or more, although many fractions are looked at.

        Parameters
        ----------
        target : float
            The accuracy wanted, in (0, 1].

        Returns
        -------
        fraction : float or None
            One of `fractions`; None if none is shown to reach the target. The
            given labels alone (a fraction of 0) are right by definition.

        Notes
        -----
        Exact one-sided tests in a fixed sequence [1]_ [2]_, each at the full level of
        1 - `confidence_level`: from one fraction to the next larger, up to the first
        that fails. Such a sequence errs only where its first wrong step does. It starts
        at the smallest fraction that can be expected to hold enough audited labels to
        pass with two errors among them, which depends on the size of the audit and not
        on the answers.

        References
        ----------
        .. [1] W. Maurer, L. A. Hothorn and W. Lehmacher, "Multiple comparisons in drug
           clinical trials and preclinical assays: a-priori ordered hypotheses",
           Biometrie in der chemisch-pharmazeutischen Industrie 6, 1995.
        .. [2] A. N. Angelopoulos, S. Bates, E. J. Candès, M. I. Jordan and L. Lei,
           "Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
           Control", 2021, :doi:`10.48550/arXiv.2110.01052`.
        """
        level = 1 - self.confidence_level
        n_others = self.n_kept - self.n_given
        # The most right labels among the others that still miss the target.
        n_needed = np.ceil(np.round(target * self.n_kept, 9)).astype(np.intp)
        n_short = n_needed - self.n_given - 1
        n_drawn = self.n_audited + self.n_abstained
        p_values = _p_value(n_others, n_short, n_drawn, self.n_right)
        n_expected = self.n_audit * n_others // max(1, self.n_propagated)
        may_pass = _p_value(n_others, n_short, n_expected, n_expected - 2) <= level
        start = int(np.argmax(may_pass)) if may_pass.any() else len(may_pass) - 1
        n_passed = int(np.argmin(np.append(p_values[start:] <= level, False)))
        # Where the labels known suffice, whatever the others are, nothing can go wrong.
        found = [*self.fractions[p_values == 0], *self.fractions[start:][:n_passed]]
        return float(max(found)) if found else None

    def summary(self, target: float | None = None) -> str:
        """Say in plain words what the audit found.

        Parameters
        ----------
        target : float, default=None
            An accuracy wanted, for one more sentence.

        Returns
        -------
        text : str
            One line for each fraction, and what they mean.
        """
        level = f"{100 * self.confidence_level:.4g} %"
        lines = [
            f"{self.n_audit} samples audited; accuracy of the labels kept, with "
            f"{level} confidence intervals:"
        ]
        for i, fraction in enumerate(self.fractions.tolist()):
            share = f"{100 * self.accuracy[i]:.1f} %"
            lines.append(
                f"  fraction {fraction:<5.4g} "
                f"{'unknown' if np.isnan(self.accuracy[i]) else share:>8}  "
                f"({100 * self.low[i]:.1f} to {100 * self.high[i]:.1f} %), "
                f"{self.n_audited[i]} of {self.n_kept[i]} labels audited"
            )
        lines.append(
            f"{self.n_given} given labels are among those kept and count as "
            "right. Each interval holds by itself."
        )
        if self.n_abstained[-1]:
            lines.append(
                f"{self.n_abstained[-1]} of the samples audited had no answer: the "
                "intervals hold whether their labels are right or wrong."
            )
        if target is not None:
            found = self.largest_fraction(target)
            aim = f"an accuracy of {100 * target:.4g} % or more"
            lines.append(
                f"No fraction is shown to have {aim}."
                if found is None
                else f"The largest fraction shown, with {level} confidence, to have "
                f"{aim}: {found:.4g}."
            )
        return "\n".join(lines)


@validated(n_audit=[POSITIVE], random_state=["random_state"])
def draw_audit(
    propagator: KMeansLabelPropagator,
    n_audit: int,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> NDArray[np.intp]:
    """Draw the samples whose label to check.

    A simple random sample, without replacement, of all samples with a propagated
    label, whatever the fraction. Given labels are never drawn.

    Parameters
    ----------
    propagator : KMeansLabelPropagator or PropagatedClassifier
        The fitted propagator, or a classifier that has one.
    n_audit : int
        Number of samples to draw.
    random_state : int, RandomState instance or None, default=None
        Determines which are drawn. Pass an int for the same ones every time.

    Returns
    -------
    positions : ndarray of shape (n_audit,), dtype=intp
        Positions in the `X` that the propagator was fitted on, in random order: the
        first m are a random sample, too, if the labels run out before the end.

    Raises
    ------
    ValueError
        If there are fewer than `n_audit` samples to draw from.

    See Also
    --------
    audit_propagation : What to do with their labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.model_selection import draw_audit
    >>> X, y = load_iris(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=9, random_state=0).fit(X, y)
    >>> len(draw_audit(propagator, 20, random_state=0))
    20
    """
    candidates = np.flatnonzero(_is_propagated(check_propagator(propagator)))
    if n_audit > len(candidates):
        raise ValueError(
            f"The 'n_audit' parameter of draw_audit must be at most {len(candidates)}, "
            f"the number of samples with a propagated label. Got {n_audit} instead."
        )
    chosen = check_random_state(random_state).permutation(len(candidates))
    return candidates[chosen[:n_audit]]


@validated(confidence_level=[Interval(Real, 0, 1, closed="neither")])
def audit_propagation(
    propagator: KMeansLabelPropagator,
    positions: ArrayLike,
    labels: ArrayLike | Mapping[int, Any],
    *,
    fractions: Sequence[float] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    confidence_level: float = 0.95,
) -> PropagationAudit:
    """Estimate how right the propagated labels are, at each fraction.

    Parameters
    ----------
    propagator : KMeansLabelPropagator or PropagatedClassifier
        The fitted propagator, or a classifier that has one. The
        `fraction` that it was fitted with does not matter.
    positions : array-like of shape (n_audit,) of int
        What :func:`draw_audit` returned, or the first ones of it. Samples chosen in
        another way than at random give wrong intervals.
    labels : array-like of shape (n_audit,) or dict of int to label
        Their true labels; `missing_label` of the propagator (or None, NaN) where there
        is no answer. A dict has them by position, and so has a pandas Series whose
        index holds the positions or names the rows of X.
    fractions : sequence of float, default=(0.1, 0.2, ..., 1.0)
        The fractions to look at, in [0, 1].
    confidence_level : float, default=0.95
        Confidence level of each interval, in (0, 1).

    Returns
    -------
    audit : PropagationAudit
        Estimates and intervals, ``largest_fraction(target)`` and ``summary()``.

    Raises
    ------
    ValueError
        If a parameter is illegal, a position occurs twice or is not that of a sample
        with a propagated label, the number of labels is wrong, or there is none.
    TypeError
        If the labels are strings and the propagated ones numbers, or the other way
        round.

    See Also
    --------
    draw_audit : Draws the samples.
    kmeans_labelprop.metrics.propagated_label_accuracy : The accuracy itself, where all
        labels are known.

    Notes
    -----
    The samples that a fraction keeps are a part of all, and those audited among them a
    simple random sample of that part. So the intervals are the exact ones for a draw
    without replacement, of Clopper and Pearson's kind [1]_ with the hypergeometric
    distribution in place of the binomial: they hold at any number audited, and shrink
    to a point where all are. They are conservative: the true accuracy lies inside with
    `confidence_level` or more.

    Samples without an answer are often hard ones. The lower end of the interval counts
    them as wrong and the upper end as right, which holds whatever the reason; the
    estimate leaves them out. If it is by chance that they have no answer, pass only the
    others.

    References
    ----------
    .. [1] C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits
       illustrated in the case of the binomial", Biometrika 26, 1934,
       :doi:`10.1093/biomet/26.4.404`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.model_selection import audit_propagation, draw_audit
    >>> X, y = load_digits(return_X_y=True)
    >>> propagator = KMeansLabelPropagator(n_clusters=50, random_state=0).fit(X, y)
    >>> positions = draw_audit(propagator, 100, random_state=0)
    >>> audit = audit_propagation(
    ...     propagator, positions, y[positions], fractions=[0.5, 1]
    ... )
    >>> audit.n_audited[-1]
    np.int64(100)
    """
    shares = _check_fractions(fractions)
    propagator = check_propagator(propagator)
    is_propagated = _is_propagated(propagator)
    chosen = _check_positions(positions, is_propagated)
    is_answered, is_right = _compare(propagator, chosen, labels)
    kept = np.zeros((len(shares), len(is_propagated)), dtype=bool)
    for row, share in zip(kept, shares.tolist(), strict=True):
        given = propagator.given_.positions
        row[keep(propagator.clusters_, propagator.spread_, given, share)] = True
    n_kept = kept.sum(axis=1)
    n_others = (kept & is_propagated).sum(axis=1)
    n_given = n_kept - n_others  # every fraction keeps them
    n_audited, n_right, n_without = (
        (kept[:, chosen] & what).sum(axis=1)
        for what in (is_answered, is_right, ~is_answered)
    )
    n_drawn, tail = n_audited + n_without, (1 - confidence_level) / 2
    low = _fewest_right(n_others, n_drawn, n_right, tail)
    # As many right at most as there are others less the fewest wrong.
    high = n_others - _fewest_right(n_others, n_drawn, n_audited - n_right, tail)
    with np.errstate(invalid="ignore"):
        mean_right = np.where(n_others > 0, n_others * (n_right / n_audited), 0)
    return PropagationAudit(
        fractions=shares,
        accuracy=(n_given + mean_right) / n_kept,
        low=(n_given + low) / n_kept,
        high=(n_given + high) / n_kept,
        n_kept=n_kept,
        n_given=int(n_given[0]),
        n_propagated=int(is_propagated.sum()),
        n_audit=len(chosen),
        n_audited=n_audited,
        n_right=n_right,
        n_abstained=n_without,
        confidence_level=float(confidence_level),
    )


def _p_value(
    n_population: NDArray[np.intp],
    n_short: NDArray[np.intp],
    n_drawn: NDArray[np.intp],
    n_right: NDArray[np.intp],
) -> NDArray[np.float64]:
    """Compute how probable so many right labels are if no more than n_short are.

    Parameters
    ----------
    n_population : ndarray of shape (n_draws,), dtype=intp
        Number of labels that were drawn from.
    n_short : ndarray of shape (n_draws,), dtype=intp
        How many of these are right, at most, by the hypothesis; if negative, it is
        known to be false.
    n_drawn : ndarray of shape (n_draws,), dtype=intp
        Number of labels drawn.
    n_right : ndarray of shape (n_draws,), dtype=intp
        How many of these are right.

    Returns
    -------
    p_values : ndarray of shape (n_draws,), dtype=float64
        Probability of ``n_right`` or more in the draw.
    """
    n_most = np.clip(n_short, 0, n_population)
    p_values = hypergeom.sf(n_right - 1, n_population, n_most, n_drawn)
    return np.where(n_short < 0, 0.0, p_values)


def _fewest_right(
    n_population: NDArray[np.intp],
    n_drawn: NDArray[np.intp],
    n_right: NDArray[np.intp],
    tail: float,
) -> NDArray[np.intp]:
    """Find the lower ends of exact intervals for draws without replacement.

    Parameters
    ----------
    n_population : ndarray of shape (n_draws,), dtype=intp
        Number of labels that were drawn from.
    n_drawn : ndarray of shape (n_draws,), dtype=intp
        Number of labels drawn.
    n_right : ndarray of shape (n_draws,), dtype=intp
        How many of these are right.
    tail : float
        Probability, at most, of an end above the truth.

    Returns
    -------
    fewest : ndarray of shape (n_draws,), dtype=intp
        The smallest number of right labels in the population for which so many or more
        in the draw have a probability above ``tail``.
    """
    # Bisection: that probability grows with the number in the population, from 0 where
    # it is less than in the draw.
    below = n_right - 1
    enough = n_population - (n_drawn - n_right)
    while np.any(enough - below > 1):
        middle = (below + enough) // 2
        probability = hypergeom.sf(n_right - 1, n_population, middle, n_drawn)
        is_enough = (probability > tail) & (middle > below)
        enough = np.where(is_enough, middle, enough)
        below = np.where(is_enough, below, middle)
    return enough


def _is_propagated(propagator: KMeansLabelPropagator) -> NDArray[np.bool_]:
    """Tell which samples have a label that was not given."""
    has_label: NDArray[np.bool_] = propagator.spread_.codes >= 0
    has_label[propagator.given_.positions] = False
    return has_label


def _check_fractions(fractions: Any) -> NDArray[np.float64]:
    shares = np.unique(np.asarray(fractions, dtype=np.float64))
    is_legal = np.ndim(fractions) == 1 and shares.size > 0
    if not is_legal or not (shares[0] >= 0 and shares[-1] <= 1):
        raise ValueError(
            "The 'fractions' parameter of audit_propagation must be numbers between 0 "
            f"and 1. Got {fractions!r} instead."
        )
    return shares


def _check_positions(
    positions: ArrayLike, is_propagated: NDArray[np.bool_]
) -> NDArray[np.intp]:
    chosen = np.asarray(positions)
    if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
        raise ValueError(
            "The 'positions' parameter of audit_propagation must be the positions that "
            f"draw_audit returns. Got {positions!r} instead."
        )
    illegal = np.setdiff1d(chosen, np.flatnonzero(is_propagated))
    if illegal.size:
        raise ValueError(
            "The 'positions' parameter of audit_propagation must hold samples with a "
            "propagated label, not those whose label was given. Got "
            f"{illegal.tolist()} instead."
        )
    if len(np.unique(chosen)) < len(chosen):
        raise ValueError(
            "The 'positions' parameter of audit_propagation must be different. Got "
            f"{len(chosen) - len(np.unique(chosen))} of them more than once."
        )
    return chosen.astype(np.intp)


def _compare(
    propagator: KMeansLabelPropagator, chosen: NDArray[np.intp], labels: Any
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which audited samples have an answer, and which answers agree."""
    clusters = propagator.clusters_
    positions, values, _ = labels_by_position(
        labels, chosen, clusters.names, len(clusters), "the audit's labels"
    )
    missing_label = propagator.missing_label
    answers = check_answers(values, len(positions), missing_label, "the audit")
    unknown = sorted(set(positions) - set(chosen.tolist()))
    if unknown:
        raise ValueError(
            "The 'labels' parameter of audit_propagation must hold labels of the "
            f"'positions'. Got some of {unknown} instead."
        )
    is_label = np.array([answer is not None for answer in answers])
    if not is_label.any():
        raise ValueError(
            "The 'labels' parameter of audit_propagation must hold at least one label. "
            f"Got only missing_label={missing_label!r} instead."
        )
    answered = np.array(positions)[is_label]
    found = label_array([a for a in answers if a is not None], "the audit")
    expected = propagator.classes_[propagator.spread_.codes[answered]]
    if are_strings(found) != are_strings(expected):
        raise TypeError(
            "The 'labels' parameter of audit_propagation and the propagated labels "
            f"must be both strings or both numbers. Got {found.dtype} and "
            f"{expected.dtype} instead."
        )
    return np.isin(chosen, answered), np.isin(chosen, answered[found == expected])
