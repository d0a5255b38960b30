"""Choose the candidate that predicts hidden labels best."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._candidates import Candidate
from ._hiding import Outcome

#: By how many standard errors of right labels the samples have to lead the embedding.
SPACE_LEAD = 2.0


def label_weights(codes: NDArray[np.intp], scoring: str) -> NDArray[np.float64]:
    """Weigh hidden labels: each the same, or each class the same.

    Parameters
    ----------
    codes : ndarray of shape (n_labels,), dtype=intp
        The class of each hidden label.
    scoring : {"accuracy", "balanced_accuracy"}
        What the weighted mean of right predictions is to be.

    Returns
    -------
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights that sum to 1.
    """
    if scoring == "accuracy":
        return np.ones(len(codes)) / len(codes)
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / counts[inverse] / len(counts)
    return weights


def selection_scores(outcome: Outcome) -> NDArray[np.float64]:
    """Score each prediction by the probability given to the right class.

    The score is ``1 - (1 - p) ** 2``. Few labels make few different accuracies, and a
    single label decides between candidates; p tells them apart earlier. The score is
    concave: being surer pays less and less, because propagated labels make many
    classifiers surer than they should be.

    Parameters
    ----------
    outcome : Outcome
        How the hidden labels were predicted.

    Returns
    -------
    scores : ndarray of the same shape, dtype=float64
        In [0, 1]; 1 for a right and certain prediction.
    """
    return 1 - (1 - outcome.probability) ** 2


def choose(
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
    share_asked: float,
    own: NDArray[np.float64],
) -> int:
    """Choose the highest score; in doubt, the graph rule's.

    The graph rule is the best one on most data, and a few dozen labels hardly tell the
    candidates apart. So others have to lead by more than half a standard error. Where
    the neighbours have a say, the given labels alone have to lead by one if all labels
    were asked for: such a label stands for its cluster, and while it is hidden the
    neighbours look worse than they are. Of candidates that differ in their space alone,
    that in the embedding takes part, unless the classifier by itself is right more
    often on the samples, by two standard errors: scores also tell how sure it is, and
    in more features it is surer, not better.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_labels), dtype=float64
        Mean score of each hidden label; NaN where a candidate failed.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels; they sum to 1.
    candidates : sequence of Candidate
        The candidates.
    share_asked : float
        The share of the labels that were asked for, not known from the start, in
        [0, 1].
    own : ndarray of shape (n_candidates, n_labels), dtype=float64
        How often classifiers are right by themselves.

    Returns
    -------
    index : int
        Position of the candidate; of equal scores the first. If nothing is known, the
        first of all.
    """
    if not len(weights):
        return 0
    ranked = comparable(weighted_mean(scores, weights))
    is_best_space = _are_in_best_space(own, weights, candidates)
    joins = any(candidate.with_neighbors for candidate in candidates)
    leads = [_lead(candidate, share_asked * joins) for candidate in candidates]
    best = -1
    for lead in sorted(set(leads)):
        group = [i for i, of in enumerate(leads) if of == lead and is_best_space[i]]
        rival = group[int(ranked[group].argmax())]
        if best < 0 or ranked[best] < 0:  # what was ahead has failed
            best = rival
            continue
        doubt = lead * standard_error(scores[rival] - scores[best], weights)
        if ranked[rival] - ranked[best] > doubt:  # not if the rival has failed: NaN
            best = rival
    return best


def _are_in_best_space(
    own: NDArray[np.float64],
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
) -> list[bool]:
    """Of candidates that differ in their space alone, tell which ones take part.

    It is the last, in the embedding, unless another leads clearly.
    """
    ranked = comparable(weighted_mean(own, weights))
    best: dict[tuple[Any, ...], int] = {}
    for i in reversed(range(len(candidates))):
        candidate = candidates[i]
        has_classifier = candidate.train_on != "neighbors"
        key = (*candidate[:2], *candidate[3:], has_classifier)
        held = best.setdefault(key, i)
        doubt = SPACE_LEAD * standard_error(own[i] - own[held], weights)
        if ranked[held] < 0 or ranked[i] - ranked[held] > doubt:
            best[key] = i
    return [i in best.values() for i in range(len(candidates))]


def _lead(candidate: Candidate, share_asked: float) -> float:
    """Tell by how many standard errors a candidate has to lead."""
    if candidate.propagation == "graph" and candidate.fraction > 0:
        return 0.0
    return 0.5 if candidate.propagates else 0.5 + 0.5 * share_asked


def sign_scores(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Tell how far paired differences are from 0 on average, in standard deviations.

    If neither of two candidates is better, each difference could as well have the other
    sign. The deviation is that of the mean over all signs: seven labels that the same
    one of two candidates predicts right, and the other wrong, make 2.6.

    Parameters
    ----------
    differences : ndarray of shape (n_candidates, n_labels), dtype=float64
        One for each label; NaN for a candidate that failed.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels.

    Returns
    -------
    scores : ndarray of shape (n_candidates,), dtype=float64
        Positive where the mean is; NaN for what failed, or without labels.
    """
    mean = weighted_mean(differences, weights)
    deviation = np.sqrt(((differences * weights) ** 2).sum(axis=-1))
    return np.divide(mean, deviation, out=mean.copy(), where=deviation > 0)


def comparable(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make scores comparable: rounding must not decide, what failed comes last.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates,), dtype=float64
        Scores; NaN where a candidate failed.

    Returns
    -------
    comparable : ndarray of shape (n_candidates,), dtype=float64
        Rounded scores; -1 where a candidate failed.
    """
    return np.nan_to_num(scores, nan=-1).round(9)


def pool_groups(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Make one value of all labels of a group: they are right or wrong together.

    Parameters
    ----------
    values : ndarray of shape (n_candidates, n_labels), dtype=float64
        One value for each label.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels.
    groups : ndarray of shape (n_labels,), dtype=intp or None
        The group of each label; None if each is one of its own.

    Returns
    -------
    values : ndarray of shape (n_candidates, n_groups), dtype=float64
        Weighted means of the groups.
    weights : ndarray of shape (n_groups,), dtype=float64
        Sums of their weights.
    """
    if groups is None or not len(weights):
        return values, weights
    _, groups = np.unique(groups, return_inverse=True)
    sums = np.bincount(groups, weights).astype(np.float64)
    pooled = [np.bincount(groups, row * weights) / sums for row in values]
    return np.array(pooled), sums


def weighted_mean(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Average over labels, the last axis; NaN if there are none.

    Parameters
    ----------
    values : ndarray of shape (..., n_labels), dtype=float64
        One value for each label.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights that sum to 1.

    Returns
    -------
    mean : ndarray of shape (...), dtype=float64
        The averages.
    """
    if not len(weights):
        return np.full(values.shape[:-1], np.nan)
    return values @ weights


def standard_error(
    values: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Estimate how far the average over labels, the last axis, is off by chance.

    Parameters
    ----------
    values : ndarray of shape (..., n_labels), dtype=float64
        One value for each label.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights that sum to 1.

    Returns
    -------
    error : ndarray of shape (...), dtype=float64
        The standard errors.
    """
    deviations = values - weighted_mean(values, weights)[..., np.newaxis]
    error: NDArray[np.float64] = np.sqrt(((deviations * weights) ** 2).sum(axis=-1))
    return error


def wilson_interval(share: float, n_labels: float) -> tuple[float, float]:
    """Compute Wilson's 95 % interval for a share [1]_.

    Parameters
    ----------
    share : float
        The share observed, in [0, 1].
    n_labels : float
        Of how many.

    Returns
    -------
    low, high : float
        The ends of the interval, in [0, 1].

    References
    ----------
    .. [1] E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
       Inference", JASA 22, 1927.
    """
    z = 1.96  # quantile of the normal distribution
    center = share + z**2 / (2 * n_labels)
    half_width = z * sqrt(share * (1 - share) / n_labels + z**2 / (4 * n_labels**2))
    scale = 1 + z**2 / n_labels
    low, high = (center - half_width) / scale, (center + half_width) / scale
    return max(0.0, low), min(1.0, high)
