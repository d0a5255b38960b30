"""The choice in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._given import GivenLabels
from ._label_curve import find_label_curve
from ._results import listed_candidates

# Gains as far from 0 as this are told: about one of a hundred by chance alone is.
_CLEAR = 2.5


def describe_choice(
    results: dict[str, Any],
    best: int,
    accuracy: float,
    interval: tuple[float, float],
    scoring: str,
) -> Iterator[str]:
    """Say what was chosen, and the accuracy to expect of it.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.
    best : int
        Which candidate was chosen.
    accuracy : float
        Share of hidden labels that it predicts right; NaN if none was hidden.
    interval : tuple of (float, float)
        The interval of that share.
    scoring : {"accuracy", "balanced_accuracy"}
        Whether it is of the labels, or an average over the classes.

    Yields
    ------
    line : str
        One line of text.
    """
    candidates = listed_candidates(results)
    yield f"Chosen of {len(candidates)} candidates: {candidates[best]}."
    if results["rank_test_score"][best] > 1:
        leading = candidates[int(np.argmin(results["rank_test_score"]))]
        chosen = candidates[best]
        differs_in_space = leading[:2] == chosen[:2]
        if leading.with_neighbors and chosen.with_neighbors and differs_in_space:
            yield f"  Ahead of it, but not without the neighbours: {leading}."
        else:
            yield f"  Ahead of it, but by too little to tell: {leading}."
            if chosen.propagation == "graph":
                yield "  In doubt the graph rule is taken."
    if np.isnan(accuracy):
        yield (
            "Nothing is known of them: no two labels (or of different groups) are the "
            "same."
        )
        return
    low, high = interval
    what = "accuracy" if scoring == "accuracy" else "balanced accuracy"
    yield (
        f"Estimated {what}: {100 * accuracy:.0f} % (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %)."
    )


def describe_labels(
    n_unknown: int, n_hidden: int, scoring: str, is_asked: bool, share_copied: float
) -> Iterator[str]:
    """Say what the estimate is counted on.

    Parameters
    ----------
    n_unknown : int
        Number of labels of classes of which none was hidden.
    n_hidden : int
        Number of labels that were hidden in turn.
    scoring : {"accuracy", "balanced_accuracy"}
        What counts the same.
    is_asked : bool
        Whether the labels were asked for, and none was known before.
    share_copied : float
        The share of the samples without a label that are copies of one with a label.

    Yields
    ------
    line : str
        One line of text.
    """
    if not n_hidden:
        return
    each = "label" if scoring == "accuracy" else "class"
    yield (
        f"  Counted on {n_hidden} labels, each predicted while it was hidden; each "
        f"{each} counts the same."
    )
    if n_unknown:
        yield (
            f"  {n_unknown} more are of classes that were never hidden: nothing is "
            "known of how well such samples are predicted."
        )
    if is_asked and share_copied > 0.5:
        # One of all copies is asked about: hidden, it leaves none with a label.
        yield (
            f"  They are of the representatives, and {100 * share_copied:.0f} % of the "
            "other samples are copies of these."
        )
        yield (
            "  While a label is hidden none of its copies has one: accuracy may be "
            "higher."
        )
    elif is_asked:
        yield (
            "  They are of typical samples, the representatives; on others accuracy "
            "may be lower."
        )
    if is_asked:
        yield "  For a number to report, label a random sample."


def describe_usual(given: GivenLabels, low: float, scoring: str) -> Iterator[str]:
    """Say so if naming the most frequent label alone might be as right.

    Parameters
    ----------
    given : GivenLabels
        The given labels.
    low : float
        Lower end of the interval of the accuracy; NaN if none is known.
    scoring : {"accuracy", "balanced_accuracy"}
        What the interval is of.

    Yields
    ------
    line : str
        One line of text.
    """
    counts = np.bincount(given.codes)
    share = counts.max() / len(given)
    (usual,) = given.classes[[counts.argmax()]].tolist()
    if scoring == "accuracy" and low <= share:
        yield (
            f"  Always naming {usual!r} would be right for {100 * share:.0f} % of the "
            "labels: this may be no better."
        )


def describe_failures(results: dict[str, Any]) -> Iterator[str]:
    """Say which candidates could not be compared.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.

    Yields
    ------
    line : str
        One line of text.
    """
    is_failed = np.isnan(results["mean_test_score"])
    if is_failed.all():  # nothing was hidden
        return
    for candidate, failed in zip(listed_candidates(results), is_failed, strict=True):
        if failed:
            yield f"Not compared, since its training failed: {candidate}."


def describe_gains(results: dict[str, Any], best: int) -> Iterator[str]:
    """Say how candidates compare with the given labels alone.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.
    best : int
        Which candidate was chosen.

    Yields
    ------
    line : str
        One line of text.
    """
    if "mean_test_gain" not in results:
        return
    gains, errors = results["mean_test_gain"], results["sem_test_gain"]
    is_known = ~np.isnan(gains)
    if not (is_known[0] and is_known[1:].any()):
        return
    candidates = listed_candidates(results)

    def describe(index: int) -> str:
        gain = round(100 * gains[index], 1) + 0.0  # no "-0.0"
        return f"{candidates[index]}: {gain:+.1f} ± {100 * errors[index]:.1f} points"

    propagates = np.array([candidate.propagates for candidate in candidates])
    if not propagates.any():
        return
    # The best propagation there is, if none was chosen.
    scores = np.where(propagates, results["mean_test_score"], np.nan)
    other = best if propagates[best] else int(np.nanargmax(scores))
    is_clear = np.abs(results["sign_test_gain"]) > _CLEAR  # false for NaN
    if not is_clear[other]:
        verdict = "the labels cannot tell them apart"
    else:
        verdict = "better" if gains[other] > 0 else "worse"
    yield f"Against the given labels alone, {describe(other)}"
    yield f"  (mean and standard error over the same hidden labels): {verdict}."
    hurts = np.flatnonzero((gains < 0) & is_clear & propagates).tolist()
    if hurts:
        everywhere = len(hurts) == propagates.sum()
        yield "Propagation would hurt here" + (":" if everywhere else " with")
        for index in hurts:
            yield f"  {describe(index)}"


def describe_next_labels(fitted: Any, has_groups: bool) -> list[str]:
    """Say what more labels are likely to bring; nothing where that is not known.

    Parameters
    ----------
    fitted : KMeansLabelPropagator
        Has spread all labels.
    has_groups : bool
        Whether labels are of groups: those of one tell little of others, and the curve
        does not know of them.

    Returns
    -------
    lines : list of str
        Lines of text.
    """
    if fitted.spread_.distributions is None or has_groups:
        return []
    try:
        curve = find_label_curve(fitted, 4, check_random_state(0))
    except ValueError:  # too few labels tell nothing
        return []
    return curve.summary().splitlines()
