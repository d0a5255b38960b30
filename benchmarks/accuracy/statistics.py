"""From single results to means, paired differences and checks; pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

#: More than this below what it is compared with, and a method has failed.
TOLERATED_LOSS = 0.01
#: A class that a method rules out counts as that likely: the logarithm of 0 is none.
LEAST_PROBABILITY = 1e-6
N_BINS = 15

Values = Mapping[Any, float]  # by seed, or by seed and budget


class Summary(NamedTuple):
    """Mean, standard deviation and standard error over `n` seeds."""

    mean: float
    std: float
    error: float
    n: int


def summarize(values: Iterable[float]) -> Summary:
    """Compute mean, standard deviation and standard error of the mean.

    Both are NaN of a single value.
    """
    array = np.array(list(values), dtype=float)
    if len(array) == 0:
        return Summary(math.nan, math.nan, math.nan, 0)
    std = float(array.std(ddof=1)) if len(array) > 1 else math.nan
    return Summary(float(array.mean()), std, std / math.sqrt(len(array)), len(array))


def paired_difference(values: Values, others: Values) -> Summary:
    """Summarize ``values - others`` over what both have."""
    common = sorted(values.keys() & others.keys())
    return summarize(values[key] - others[key] for key in common)


def mean_over_budgets(values: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Average each seed over the budgets that all seeds have; keys (budget, seed)."""
    seeds = {seed for _, seed in values}
    budgets = {
        budget
        for budget, _ in values
        if all((budget, seed) in values for seed in seeds)
    }
    if not budgets:
        return {}
    return {
        seed: float(np.mean([values[budget, seed] for budget in sorted(budgets)]))
        for seed in sorted(seeds)
    }


def best_method(candidates: Mapping[str, Values], n_seeds: int | None = None) -> str:
    """Name the method with the highest mean, the first of equals.

    A method that has failed on some of the `n_seeds` seeds is none of the candidates,
    unless all have.
    """
    complete = {
        name: values
        for name, values in candidates.items()
        if n_seeds is None or len(values) >= n_seeds
    }
    chosen_from = complete or candidates
    return max(chosen_from, key=lambda name: summarize(chosen_from[name].values()).mean)


class Check(NamedTuple):
    """The automatic choice beside the best fixed rule, random labels, a peer."""

    best_rule: str
    minus_best: Summary
    is_near_best: bool
    minus_random: Summary
    is_above_random: bool
    minus_peer: Summary
    is_near_peer: bool


def check_automatic(
    automatic: Values,
    rules: Mapping[str, Values],
    random: Values,
    peer: Values,
    tolerated_loss: float = TOLERATED_LOSS,
) -> Check | None:
    """Check the automatic choice; None where a part of the comparison is missing.

    The best rule is the one with the highest mean on the test part, which no choice
    could have known: a strict standard. Against random labels the mean difference
    may be negative by its own standard error, no more. The peer may be missing.
    """
    rules = {name: values for name, values in rules.items() if values}
    if not automatic or not rules or not random:
        return None
    best = best_method(rules, len(automatic))
    minus_best = paired_difference(automatic, rules[best])
    minus_random = paired_difference(automatic, random)
    minus_peer = paired_difference(automatic, peer)
    error = 0.0 if math.isnan(minus_random.error) else minus_random.error
    return Check(
        best,
        minus_best,
        minus_best.mean >= -tolerated_loss,
        minus_random,
        minus_random.mean >= -error,
        minus_peer,
        math.isnan(minus_peer.mean) or minus_peer.mean >= -tolerated_loss,
    )


# ---------------------------------------------------------------- probabilities


def log_loss(
    y: NDArray[Any], classes: NDArray[Any], probabilities: NDArray[Any]
) -> float:
    """Average minus the logarithm of the probability that each true class was given.

    A class without a column was given none.
    """
    is_true = np.asarray(y)[:, np.newaxis] == classes
    given = np.where(is_true, probabilities, 0).sum(axis=1, dtype=np.float64)
    return float(-np.log(np.clip(given, LEAST_PROBABILITY, 1)).mean())


def calibration_error(
    y: NDArray[Any],
    classes: NDArray[Any],
    probabilities: NDArray[Any],
    n_bins: int = N_BINS,
) -> float:
    """Compute the expected calibration error of the likeliest class.

    The mean difference of how sure and how right a method is, over bins of equal width
    of how sure it is, each weighed by its samples (Guo et al., "On Calibration of
    Modern Neural Networks", ICML 2017).
    """
    best = np.argmax(probabilities, axis=1)
    sure = np.asarray(probabilities, dtype=np.float64)[np.arange(len(best)), best]
    surplus = sure - (classes[best] == np.asarray(y))
    bins = np.clip(np.ceil(sure * n_bins).astype(int) - 1, 0, n_bins - 1)
    return float(np.abs(np.bincount(bins, surplus)).sum() / len(best))
