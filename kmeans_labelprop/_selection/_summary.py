"""The choice in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ._results import listed_candidates


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
        yield f"  Ahead of it, but by too little to tell: {leading}."
        yield "  In doubt the graph rule is taken."
    if np.isnan(accuracy):
        yield "Nothing is known of them: no two labels are the same."
        return
    low, high = interval
    what = "accuracy" if scoring == "accuracy" else "balanced accuracy"
    yield (
        f"Estimated {what}: {100 * accuracy:.0f} % (95 % interval "
        f"{100 * low:.0f} to {100 * high:.0f} %)."
    )


def describe_labels(n_labels: int, n_hidden: int, scoring: str) -> Iterator[str]:
    """Say what the estimate is counted on.

    Parameters
    ----------
    n_labels : int
        Number of labels given.
    n_hidden : int
        How many of them were hidden in turn.
    scoring : {"accuracy", "balanced_accuracy"}
        What counts the same.

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
    if n_hidden < n_labels:
        yield (
            f"  {n_labels - n_hidden} more are the only ones of their class: nothing "
            "is known of how well these classes are predicted."
        )
    yield (
        "  They are of typical samples, the representatives; on others accuracy may be "
        "lower."
    )
    yield "  For a number to report, label a random sample."


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
    if "mean_test_gain" not in results or len(results["params"]) == 1:
        return
    gains, errors = results["mean_test_gain"], results["sem_test_gain"]
    if np.isnan(gains[0]) or np.isnan(gains[1:]).all():
        return
    names = [str(candidate) for candidate in listed_candidates(results)]

    def points(candidate: Any) -> str:
        gain = round(100 * gains[candidate], 1) + 0.0  # no "-0.0"
        return f"{gain:+.1f} ± {100 * errors[candidate]:.1f} points"

    # The best propagation there is, if none was chosen.
    other = best if best else 1 + int(np.nanargmax(results["smoothed_test_score"][1:]))
    is_clear = results["pvalue_test_gain"] <= 0.05  # false for NaN
    if not is_clear[other]:
        verdict = "the labels cannot tell them apart"
    else:
        verdict = "better" if gains[other] > 0 else "worse"
    yield f"Against the given labels alone, {names[other]}: {points(other)}"
    yield f"  (mean and standard error over the same hidden labels): {verdict}."
    hurts = np.flatnonzero((gains < 0) & is_clear).tolist()
    if hurts:
        everywhere = len(hurts) == len(names) - 1
        yield "Propagation would hurt here" + (":" if everywhere else " with")
        for candidate in hurts:
            yield f"  {names[candidate]}: {points(candidate)}"
