"""Choose the candidate that predicts hidden labels best."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ._candidates import Candidate
from ._hiding import Outcome


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
    """Score each prediction: half for being right, half for how sure it was of it.

    The score is ``(c + 1 - (1 - p) ** 2) / 2``, where c is 1 for a right prediction,
    else 0, and p the probability given to the right class. Few labels make few
    different accuracies, and a single label decides between candidates; p tells them
    apart earlier. Its part is concave: being surer pays less and less, as propagated
    labels make many classifiers surer than they ought to be.

    Parameters
    ----------
    outcome : Outcome
        How the hidden labels were predicted.

    Returns
    -------
    scores : ndarray of the same shape, dtype=float64
        In [0, 1]; 1 for a right and certain prediction.
    """
    return (outcome.correct + 1 - (1 - outcome.probability) ** 2) / 2


def smooth_scores(
    scores: NDArray[np.float64], candidates: Sequence[Candidate]
) -> NDArray[np.float64]:
    """Smooth scores over the fractions of each rule.

    Few labels make noisy scores, and the best of many is best by luck in part. How a
    score changes with the fraction is mostly steady, so candidates of the same rule
    and space tell of each other: a smoothed score is half the mean of them, a
    quarter the straight line through them, and a quarter the score itself.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates,), dtype=float64
        The scores; NaN where a candidate failed.
    candidates : sequence of Candidate
        Their candidates. The given labels alone keep their score.

    Returns
    -------
    smoothed : ndarray of shape (n_candidates,), dtype=float64
        The smoothed scores.
    """
    smoothed = scores.copy()
    families: dict[tuple[str, str], list[int]] = {}
    for index, (propagation, fraction, train_on) in enumerate(candidates):
        if fraction > 0 and not np.isnan(scores[index]):
            families.setdefault((propagation, train_on), []).append(index)
    for family in families.values():
        own = scores[family]
        offsets = np.array([candidates[index].fraction for index in family])
        offsets -= offsets.mean()
        spread = float(offsets @ offsets)
        slope = offsets @ own / spread if spread else 0.0
        smoothed[family] = 0.75 * own.mean() + 0.25 * slope * offsets + 0.25 * own
    return smoothed


def choose(
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
    candidates: Sequence[Candidate],
    smoothed: NDArray[np.float64],
) -> int:
    """Choose the highest score; in doubt, the graph rule's.

    The graph rule is the best one on most data, and a few dozen labels hardly tell the
    candidates apart. So the cluster rule has to lead by more than one standard error,
    as the larger tree has to in the rule of Breiman et al. [1]_. The given labels
    alone have to lead by more than half of one: where the data has no clusters, no
    other choice is a good one.

    Parameters
    ----------
    scores : ndarray of shape (n_candidates, n_labels), dtype=float64
        Mean score of each hidden label.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels; they sum to 1.
    candidates : sequence of Candidate
        The candidates.
    smoothed : ndarray of shape (n_candidates,), dtype=float64
        Their smoothed scores; NaN where a candidate failed.

    Returns
    -------
    index : int
        Position of the candidate; of equal scores the first. If nothing is known, the
        first of all.

    References
    ----------
    .. [1] L. Breiman, J. Friedman, R. Olshen and C. Stone, "Classification and
       Regression Trees", 1984, section 3.4.3.
    """
    ranked = comparable(smoothed)
    best = int(ranked.argmax())
    of_graph = [i for i, c in enumerate(candidates) if c.propagation == "graph"]
    if best in of_graph or not of_graph or not len(weights):
        return best
    rival = of_graph[int(ranked[of_graph].argmax())]
    # The given labels alone may lead by enough where the best one does not.
    alone = [i for i, c in enumerate(candidates) if c.fraction == 0]
    for leader in (best, *alone):
        error = standard_error(scores[leader] - scores[rival], weights)
        doubt = error / 2 if leader in alone else error
        lead = ranked[leader] - ranked[rival]
        # NaN: the rival failed, so the leader wins.
        if lead > 0 and not lead <= doubt:
            return leader
    return rival


def sign_flip_p_values(
    differences: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Test which paired differences are not 0 on average, by turning their signs [1]_.

    If neither of two candidates is better, each difference could as well have the other
    sign. That takes symmetry, and labels that do not hang together, but no normal
    distribution: labels are few, and most of them predicted alike. All candidates are
    turned together, and each is compared with the farthest of them [2]_, so that the
    more are compared, the more it takes.

    Parameters
    ----------
    differences : ndarray of shape (n_candidates, n_labels), dtype=float64
        One for each label; NaN for a candidate that failed.
    weights : ndarray of shape (n_labels,), dtype=float64
        Weights of the labels.

    Returns
    -------
    p_values : ndarray of shape (n_candidates,), dtype=float64
        Two-sided, from 9,999 draws and what was found; NaN for what failed, or without
        labels. That any of them is at most p has a probability of about p at most.

    References
    ----------
    .. [1] R. A. Fisher, "The Design of Experiments", 1935, section 21.
    .. [2] P. H. Westfall and S. S. Young, "Resampling-Based Multiple Testing", 1993.
    """
    p_values = np.full(len(differences), np.nan)
    if not len(weights):
        return p_values
    is_known = ~np.isnan(differences).any(axis=1)
    terms = differences[is_known] * weights
    spread = np.sqrt((terms**2).sum(axis=1))
    terms /= np.where(spread > 0, spread, 1)[:, np.newaxis]
    found = np.abs(terms.sum(axis=1))
    rng = np.random.default_rng(0)
    n_as_far = np.ones(len(found))
    for _ in range(99):  # in parts, for the memory of many labels
        signs = rng.choice([-1.0, 1.0], size=(101, terms.shape[1]))
        farthest = np.abs(signs @ terms.T).max(axis=1, initial=0.0)
        n_as_far += (farthest[:, np.newaxis] >= found - 1e-9).sum(axis=0)
    p_values[is_known] = n_as_far / 10_000
    return p_values


def comparable(smoothed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make scores comparable: rounding must not decide, what failed comes last.

    Parameters
    ----------
    smoothed : ndarray of shape (n_candidates,), dtype=float64
        Scores; NaN where a candidate failed.

    Returns
    -------
    scores : ndarray of shape (n_candidates,), dtype=float64
        Rounded scores; -1 where a candidate failed.
    """
    return np.nan_to_num(smoothed, nan=-1).round(9)


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


def wilson_interval(
    share: float, n_labels: float, z: float = 1.96
) -> tuple[float, float]:
    """Compute Wilson's 95 % interval for a share [1]_.

    Parameters
    ----------
    share : float
        The share observed, in [0, 1].
    n_labels : float
        Of how many.
    z : float, default=1.96
        Quantile of the normal distribution.

    Returns
    -------
    low, high : float
        The ends of the interval, in [0, 1].

    References
    ----------
    .. [1] E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
       Inference", JASA 22, 1927.
    """
    center = share + z**2 / (2 * n_labels)
    half_width = z * sqrt(share * (1 - share) / n_labels + z**2 / (4 * n_labels**2))
    scale = 1 + z**2 / n_labels
    return max(0.0, (center - half_width) / scale), min(
        1.0, (center + half_width) / scale
    )
