import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ttest_1samp

from kmeans_labelprop._selection._candidates import list_candidates
from kmeans_labelprop._selection._choice import (
    choose,
    comparable,
    label_weights,
    selection_scores,
    sign_flip_p_values,
    smooth_scores,
    standard_error,
    weighted_mean,
    wilson_interval,
)
from kmeans_labelprop._selection._hiding import Outcome


def test_weights_count_labels_or_classes():
    codes = np.array([0, 0, 0, 2])
    assert_allclose(label_weights(codes, "accuracy"), [0.25] * 4)
    assert_allclose(
        label_weights(codes, "balanced_accuracy"), [1 / 6, 1 / 6, 1 / 6, 1 / 2]
    )


def test_scores_count_being_right_and_being_sure():
    outcome = Outcome(np.array([1.0, 1, 0, 0]), np.array([1, 0.5, 0.4, 0]))
    assert_allclose(selection_scores(outcome), [1, 0.875, 0.32, 0])


# Smoothing


def test_scores_are_smoothed_over_the_fractions_of_a_rule():
    candidates = list_candidates(["cluster", "graph"], [0, 0.3, 0.7, 1])
    scores = np.array([0.5, 0.6, 0.9, 0.6, 0.7, 0.7, 0.7])
    smoothed = smooth_scores(scores, candidates)
    # The line through the three of "cluster": 0.7 at 2/3, and this slope.
    offsets = np.array([0.3, 0.7, 1]) - 2 / 3
    slope = np.polyfit(offsets, scores[1:4], 1)[0]
    assert_allclose(smoothed[[0, 4, 5, 6]], [0.5, 0.7, 0.7, 0.7])
    assert_allclose(
        smoothed[1:4], 0.5 * 0.7 + 0.25 * (0.7 + slope * offsets) + 0.25 * scores[1:4]
    )
    # A lone high score of a rule that is no better otherwise does not win.
    assert scores.argmax() == smoothed.argmax() == 2
    lone = np.array([0.5, 0.6, 0.85, 0.5, 0.7, 0.7, 0.7])
    assert lone.argmax() == 2
    assert smooth_scores(lone, candidates).argmax() == 4


def test_each_space_is_smoothed_by_itself_and_a_lone_fraction_not_at_all():
    candidates = list_candidates(
        ["graph"], [0, 0.5, 1], ["samples", "embedding", "neighbors"]
    )
    assert [c.train_on for c in candidates] == (
        ["samples"] * 3 + ["embedding"] * 2 + ["neighbors"]
    )
    scores = np.array([0.5, 0.4, 0.8, 0.3, 0.9, 0.6])
    # Two fractions lie on their line.
    assert_allclose(smooth_scores(scores, candidates), [0.5, 0.5, 0.7, 0.3, 0.9, 0.6])


def test_what_failed_does_not_smooth_others():
    candidates = list_candidates(["graph"], [0.2, 0.6, 1])
    smoothed = smooth_scores(np.array([0.4, 0.8, np.nan]), candidates)
    assert_allclose(smoothed, [0.5, 0.7, np.nan])
    assert_array_equal(comparable(smoothed), [0.5, 0.7, -1])


# Choosing


@pytest.mark.parametrize(
    ("of_leader", "of_graph", "leads"),
    [
        # A lead of 0.25; its standard error is 0.43 / 2.
        ([1, 1, 1, 0], [1, 1, 0, 0], {0, 1}),
        # Now 0.83 / 2: more than the lead, but half of it is less.
        ([1, 1, 1, 0], [1, 0, 0, 1], {0}),
        # A lead of 0.125; its error is 0.65 / 2, and half of that 0.16.
        ([1, 1, 1, 0], [0.5, 0.5, 0.5, 1], set()),
        ([1, 1, 0, 0], [1, 1, 0, 0], set()),
        ([1, 0, 0, 0], [1, 1, 0, 0], set()),
        ([1, 1, 1, 0], [np.nan] * 4, {0, 1}),
    ],
)
@pytest.mark.parametrize("leader", [0, 1])
def test_in_doubt_the_graph_rule_is_chosen(of_leader, of_graph, leads, leader):
    scores = np.zeros((3, 4))
    scores[leader], scores[2] = of_leader, of_graph
    chosen = leader if leader in leads else 2
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    smoothed = smooth_scores(scores.mean(axis=1), candidates)
    weights = np.full(4, 0.25)
    assert choose(scores, weights, candidates, smoothed) == chosen
    # Without the graph rule there is no doubt.
    assert choose(scores[:2], weights, candidates[:2], smoothed[:2]) == leader


@pytest.mark.parametrize(
    ("alone", "chosen"),
    [
        ([1, 0, 0, 0, 1, 1, 0, 0], 0),  # leads by 0.125; half of its error is 0.06
        ([0, 1, 0, 0, 1, 0, 0, 0], 2),  # leads by nothing
        ([np.nan] * 8, 2),
    ],
)
def test_the_given_labels_may_lead_where_the_best_does_not(alone, chosen):
    of_graph = [0, 0, 0, 0, 1, 1, 0, 0]
    of_cluster = [1, 1, 1, 1, 0, 0, 0, 0]  # leads by 0.25, with an error of 0.29
    scores = np.array([alone, of_cluster, of_graph], dtype=float)
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    smoothed = scores.mean(axis=1)
    assert choose(scores, np.full(8, 1 / 8), candidates, smoothed) == chosen


def test_neighbours_are_of_the_graph_rule():
    candidates = list_candidates(["cluster", "graph"], [0, 1], ["samples", "neighbors"])
    scores = np.array(
        [[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]], dtype=float
    )
    weights, smoothed = np.full(4, 0.25), scores.mean(axis=1)
    # The cluster rule leads by 0.25, with an error of 0.41.
    assert choose(scores, weights, candidates, smoothed) == 3
    # Of equals it is the first: the classifier.
    scores[2] = scores[3]
    assert choose(scores, weights, candidates, scores.mean(axis=1)) == 2


def test_the_error_of_a_lead_counts_classes_the_same_if_these_do():
    # The only label of a class speaks for cluster, one of nine others for graph.
    scores = np.array([np.eye(10)[0], np.eye(10)[1]])
    candidates = list_candidates(["cluster", "graph"], [1])
    weights = label_weights(np.repeat([0, 1], [1, 9]), "balanced_accuracy")
    smoothed = scores @ weights
    assert_allclose(smoothed, [0.5, 1 / 18])
    # The lead is 0.44, its error 0.30; counted alike, 0 and 0.14.
    assert choose(scores, weights, candidates, smoothed) == 0
    alike = np.full(10, 0.1)
    assert choose(scores, alike, candidates, scores @ alike) == 1


def test_of_nothing_the_first_is_chosen():
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    none = np.empty((3, 0))
    assert choose(none, np.empty(0), candidates, np.full(3, np.nan)) == 0


# Averages and errors


def test_averages_and_their_errors():
    values = np.array([[1.0, 2, 3], [0, 0, 1]])
    alike = np.full(3, 1 / 3)
    assert_allclose(weighted_mean(values, alike), values.mean(axis=1))
    assert_allclose(
        standard_error(values, alike), values.std(axis=1) / np.sqrt(3), rtol=1e-12
    )
    assert_allclose(weighted_mean(values, np.array([0.5, 0.5, 0])), [1.5, 0])
    none = np.empty((2, 0))
    assert_array_equal(weighted_mean(none, np.empty(0)), [np.nan, np.nan])


def test_wilson_interval():
    # Worked out by hand from the formula.
    assert_allclose(wilson_interval(0.8, 10), (0.4902, 0.9433), atol=1e-4)
    low, high = wilson_interval(1.0, 50)
    assert high == 1
    assert low == pytest.approx(50 / (50 + 1.96**2))
    assert wilson_interval(0.0, 50)[0] == 0


# Sign flips


def test_sign_flips():
    def p_values(*differences, weights=None):
        values = np.array(differences, dtype=float)
        if weights is None:
            weights = np.ones(values.shape[1]) / max(1, values.shape[1])
        return sign_flip_p_values(values, np.array(weights))

    # All six signs alike: 2 of 64 ways to turn them are as far off. Labels that do not
    # differ do not count.
    ones, none = np.ones(6), np.zeros(6)
    assert_allclose(p_values([*ones, 0, 0]), [2 / 64], atol=0.006)
    assert_allclose(p_values(-ones), [2 / 64], atol=0.006)
    # Five of six: twice 1 + 6 ways.
    assert_allclose(p_values([-1, *ones[1:]]), [14 / 64], atol=0.015)
    assert_allclose(p_values(none, ones * np.nan), [1, np.nan])
    assert_allclose(p_values([], []), [np.nan, np.nan])
    # One label weighs more than the others together: two equal chances.
    assert_allclose(p_values([1, -1, -1], weights=[0.8, 0.1, 0.1]), [1])
    # Two that are alike count once; two that differ on other labels count twice.
    assert_allclose(p_values(none, ones, ones / 2), [1, 2 / 64, 2 / 64], atol=0.006)
    either = 1 - (1 - 2 / 64) ** 2
    apart = p_values([*ones, *none], [*none, *ones])
    assert_allclose(apart, [either, either], atol=0.01)
    many = np.random.default_rng(0).normal(0.2, 1, size=100)
    assert_allclose(p_values(many), [ttest_1samp(many, 0).pvalue], atol=0.02)
    assert_array_equal(p_values(many), p_values(many))


def test_one_false_alarm_in_twenty():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(300):
        correct = rng.integers(2, size=(7, 10)).astype(float)
        gains = correct - correct[0]
        alarms += (sign_flip_p_values(gains, np.full(10, 0.1)) <= 0.05).any()
    assert 1 <= alarms <= 24  # 15 expected at most
