"""The table of results, as GridSearchCV has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from ._candidates import Candidate
from ._choice import (
    comparable,
    pool_groups,
    selection_scores,
    sign_scores,
    standard_error,
    weighted_mean,
)
from ._hiding import Outcome


def mean_over_splits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over the splits that hide a label.

    Parameters
    ----------
    values : ndarray of shape (n_splits, n_candidates, n_labels), dtype=float64
        NaN where a label is not hidden; every label is in some split.

    Returns
    -------
    means : ndarray of shape (n_candidates, n_labels), dtype=float64
        The averages; NaN where a candidate failed.
    """
    is_there = ~np.isnan(values)
    total = np.where(is_there, values, 0).sum(axis=0)
    counts = is_there.sum(axis=0)
    return np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)


def tabulate(
    outcome: Outcome,
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
    groups: NDArray[np.intp] | None = None,
) -> dict[str, Any]:
    """Put the scores of all candidates into a table like GridSearchCV's.

    Parameters
    ----------
    outcome : Outcome
        Of each label that was hidden, in arrays of shape (n_splits, n_candidates,
        n_labels); NaN where it was not hidden, or a candidate failed.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels; they sum to 1.
    candidates : sequence of Candidate
        The candidates.
    groups : ndarray of shape (n_labels,), dtype=intp or None, default=None
        The group of each label; None if each is one of its own.

    Returns
    -------
    results : dict of str to list or ndarray of shape (n_candidates,)
        ``params``, ``param_*``, ``split*_test_score``, ``mean_test_score`` and so on.
    """
    scores = selection_scores(outcome)
    splits = [
        (split * weights).sum(axis=1, where=is_in) / weights[is_in].sum()
        for split in scores
        # Which labels it hides; a candidate that failed is NaN there, too.
        for is_in in [~np.isnan(split).all(axis=0)]
        if is_in.any()
    ]
    # Each label counts once, not each split: these may differ in size.
    mean_score = weighted_mean(mean_over_splits(scores), weights)
    results: dict[str, Any] = {
        "params": [candidate.params for candidate in candidates],
        "param_propagation": np.ma.array(
            [c.propagation for c in candidates], dtype=object
        ),
        "param_fraction": np.ma.array([c.fraction for c in candidates]),
        "train_on": np.array([c.train_on for c in candidates], dtype=object),
        "with_neighbors": np.array([c.with_neighbors for c in candidates]),
        "equal_classes": np.array([c.equal_classes for c in candidates]),
    }
    results |= {f"split{i}_test_score": split for i, split in enumerate(splits)}
    results |= {
        "mean_test_score": mean_score,
        "std_test_score": np.std(splits, axis=0) if splits else mean_score,
        "rank_test_score": rankdata(-comparable(mean_score), method="min").astype(int),
    }
    share_correct = mean_over_splits(outcome.correct)
    results["mean_test_accuracy"] = weighted_mean(share_correct, weights)
    if candidates[0].fraction == 0:
        gains, sums = pool_groups(share_correct - share_correct[0], weights, groups)
        results["mean_test_gain"] = weighted_mean(gains, sums)
        results["sem_test_gain"] = standard_error(gains, sums)
        results["sign_test_gain"] = sign_scores(gains, sums)
    return results


def listed_candidates(results: dict[str, Any]) -> list[Candidate]:
    """Make the candidates anew from their table.

    Parameters
    ----------
    results : dict of str to list or ndarray of shape (n_candidates,)
        As `tabulate` returns them.

    Returns
    -------
    candidates : list of Candidate
        In the order of the table.
    """
    names = (
        "param_propagation",
        "param_fraction",
        "train_on",
        "with_neighbors",
        "equal_classes",
    )
    return [
        Candidate(*values)
        for values in zip(*(results[name] for name in names), strict=True)
    ]
