"""The benchmark's arithmetic: means, differences, checks, probabilities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from benchmarks.accuracy.statistics import (
    best_method,
    calibration_error,
    check_automatic,
    log_loss,
    mean_over_budgets,
    paired_difference,
    summarize,
)

# ---------------------------------------------------------------- statistics


def test_summary_of_known_values():
    summary = summarize([0.5, 0.7, 0.9])
    assert summary.mean == pytest.approx(0.7)
    assert summary.std == pytest.approx(0.2)
    assert summary.error == pytest.approx(0.2 / math.sqrt(3))
    assert summary.n == 3


@pytest.mark.parametrize(("values", "mean"), [([], math.nan), ([0.4], 0.4)])
def test_no_spread_without_two_values(values, mean):
    summary = summarize(values)
    assert summary.mean == pytest.approx(mean, nan_ok=True)
    assert math.isnan(summary.std)
    assert math.isnan(summary.error)


def test_differences_are_paired_by_seed():
    # A common ups and downs of the seeds cancels; the third seed has no partner.
    difference = paired_difference({0: 0.5, 1: 0.9, 2: 0.1}, {1: 0.8, 0: 0.4})
    assert difference.mean == pytest.approx(0.1)
    assert difference.std == pytest.approx(0)
    assert difference.n == 2


def test_mean_over_budgets_leaves_out_a_budget_that_a_seed_lacks():
    values = {(20, 0): 0.2, (50, 0): 0.4, (20, 1): 0.6, (50, 1): 0.8, (99, 0): 1.0}
    assert mean_over_budgets(values) == pytest.approx({0: 0.3, 1: 0.7})
    assert mean_over_budgets({}) == {}


def test_a_method_that_failed_on_a_seed_is_not_the_best():
    candidates = {"lucky": {0: 0.9}, "steady": {0: 0.8, 1: 0.8}}
    assert best_method(candidates, 2) == "steady"
    assert best_method(candidates) == "lucky"
    assert best_method({"lucky": {0: 0.9}}, 2) == "lucky"


def constant(value):
    return dict.fromkeys(range(4), value)


@pytest.mark.parametrize(("loss", "passes"), [(0.0099, True), (0.0101, False)])
def test_a_point_below_the_best_rule_is_tolerated(loss, passes):
    rules = {"a": constant(0.8), "b": constant(0.5)}
    check = check_automatic(constant(0.8 - loss), rules, constant(0.1), {})
    assert check.best_rule == "a"
    assert check.minus_best.mean == pytest.approx(-loss)
    assert check.is_near_best is passes
    assert check.is_above_random
    assert check.minus_peer.n == 0
    assert check.is_near_peer


@pytest.mark.parametrize(("loss", "passes"), [(0.0099, True), (0.0101, False)])
def test_a_point_below_the_peer_is_tolerated(loss, passes):
    rules = {"a": constant(0.5)}
    check = check_automatic(constant(0.8 - loss), rules, constant(0.1), constant(0.8))
    assert check.minus_peer.mean == pytest.approx(-loss)
    assert check.is_near_peer is passes
    assert check.is_near_best


def test_below_random_labels_by_less_than_the_error_passes():
    rules = {"a": constant(0.5)}
    random = constant(0.5)
    automatic = {0: 0.4, 1: 0.58, 2: 0.4, 3: 0.58}  # -0.01, error about 0.05
    assert check_automatic(automatic, rules, random, {}).is_above_random
    assert not check_automatic(constant(0.49), rules, random, {}).is_above_random


def test_no_check_while_a_part_is_missing():
    assert check_automatic({}, {"a": constant(1)}, constant(1), {}) is None
    assert check_automatic(constant(1), {"a": {}}, constant(1), {}) is None
    assert check_automatic(constant(1), {"a": constant(1)}, {}, {}) is None


# ---------------------------------------------------------------- probabilities


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=50)
    classes = np.array(["a", "b", "c"])
    y = rng.choice(classes, 50)
    expected = metrics.log_loss(y, probabilities, labels=classes)
    assert log_loss(y, classes, probabilities) == pytest.approx(expected)


def test_a_class_ruled_out_or_without_a_column_counts_as_one_in_a_million():
    y = np.array([0, 1, 7, 0])
    probabilities = np.array([[1, 0], [1, 0], [1, 0], [0.5, 0.5]])
    expected = (0 + 2 * math.log(1e6) + math.log(2)) / 4
    assert log_loss(y, np.array([0, 1]), probabilities) == pytest.approx(expected)


def test_calibration_error_of_known_bins():
    # Two bins: 0.6 sure and half of them right; 1.0 sure and all right.
    y = np.array([0, 1, 0, 0])
    sure = np.array([0.6, 0.6, 1.0, 1.0])
    probabilities = np.c_[sure, 1 - sure]
    error = calibration_error(y, np.array([0, 1]), probabilities)
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0)


def test_within_a_bin_too_sure_and_too_unsure_cancel():
    y = np.array([0, 1])
    probabilities = np.array([[0.51, 0.49], [0.53, 0.47]])
    error = calibration_error(y, np.array([0, 1]), probabilities, n_bins=1)
    assert error == pytest.approx(0.02)
    # In bins of their own they do not.
    error = calibration_error(y, np.array([0, 1]), probabilities, n_bins=100)
    assert error == pytest.approx((0.49 + 0.53) / 2)
