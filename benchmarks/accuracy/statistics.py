"""From single results to means, paired differences and checks; pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

#: More than this below the best fixed rule, and the automatic choice has failed.
TOLERATED_LOSS = 0.02

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
    """The automatic choice beside the best fixed rule and beside random labels."""

    best_rule: str
    minus_best: Summary
    is_near_best: bool
    minus_random: Summary
    is_above_random: bool


def check_automatic(
    automatic: Values,
    rules: Mapping[str, Values],
    random: Values,
    tolerated_loss: float = TOLERATED_LOSS,
) -> Check | None:
    """Check the automatic choice; None where a part of the comparison is missing.

    The best rule is the one with the highest mean on the test part, which no choice
    could have known: a strict standard. Against random labels the mean difference
    may be negative by its own standard error, no more.
    """
    rules = {name: values for name, values in rules.items() if values}
    if not automatic or not rules or not random:
        return None
    best = best_method(rules, len(automatic))
    minus_best = paired_difference(automatic, rules[best])
    minus_random = paired_difference(automatic, random)
    error = 0.0 if math.isnan(minus_random.error) else minus_random.error
    return Check(
        best,
        minus_best,
        minus_best.mean >= -tolerated_loss,
        minus_random,
        minus_random.mean >= -error,
    )
