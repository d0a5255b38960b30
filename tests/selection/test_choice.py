import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from kmeans_labelprop._selection._candidates import list_candidates
from kmeans_labelprop._selection._choice import (
    choose,
    comparable,
    label_weights,
    pool_groups,
    selection_scores,
    sign_scores,
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


def test_scores_count_being_sure_of_the_right_class():
    # Whether the prediction is right does not count beside.
    probability = np.array([1, 0.5, 0.5, 0.4, 0])
    outcome = Outcome(np.array([1.0, 1, 0, 0, 0]), probability, probability)
    assert_allclose(selection_scores(outcome), [1, 0.75, 0.75, 0.64, 0])


def test_rounding_does_not_decide_and_what_failed_comes_last():
    scores = np.array([0.3, 0.1 + 0.2, np.nan, 0])
    assert_array_equal(comparable(scores), [0.3, 0.3, -1, 0])


# Choosing


@pytest.mark.parametrize(
    ("of_leader", "of_graph", "leads"),
    [
        # A lead of 0.25; its standard error is 0.43 / 2.
        ([1, 1, 1, 0], [1, 1, 0, 0], True),
        # Now 0.83 / 2: more than the lead, but half of it is less.
        ([1, 1, 1, 0], [1, 0, 0, 1], True),
        # A lead of 0.125; its error is 0.65 / 2, and half of that 0.16.
        ([1, 1, 1, 0], [0.5, 0.5, 0.5, 1], False),
        ([1, 1, 0, 0], [1, 1, 0, 0], False),
        ([1, 0, 0, 0], [1, 1, 0, 0], False),
        ([1, 1, 1, 0], [np.nan] * 4, True),
    ],
)
@pytest.mark.parametrize("leader", [0, 1])
def test_in_doubt_the_graph_rule_is_chosen(of_leader, of_graph, leads, leader):
    scores = np.zeros((3, 4))
    scores[leader], scores[2] = of_leader, of_graph
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    weights = np.full(4, 0.25)
    assert choose(scores, weights, candidates, 1, scores) == (leader if leads else 2)
    # Without the graph rule there is no doubt.
    assert choose(scores[:2], weights, candidates[:2], 1, scores[:2]) == leader


@pytest.mark.parametrize(
    ("of_cluster", "chosen"),
    [
        # Leads by 0.125, with an error of 0.28.
        ([1, 1, 1, 0, 0, 0, 0, 0], 2),
        # Leads by 0.25, with an error of 0.29.
        ([1, 1, 1, 1, 0, 0, 0, 0], 1),
        ([np.nan] * 8, 0),
    ],
)
def test_only_the_highest_of_the_others_may_be_chosen(of_cluster, chosen):
    of_graph = [0, 0, 0, 0, 1, 1, 0, 0]
    alone = [0.3, 0, 0, 0, 1, 1, 0.3, 0.2]  # leads by 0.1, with an error of 0.05
    scores = np.array([alone, of_cluster, of_graph], dtype=float)
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    assert choose(scores, np.full(8, 1 / 8), candidates, 1, scores) == chosen


def test_of_the_graph_rule_the_highest_is_chosen_however_little_it_leads():
    candidates = list_candidates(["graph"], [0, 0.5, 1])
    scores = np.array([[0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0.9, 0.2]], dtype=float)
    assert choose(scores, np.full(4, 0.25), candidates, 1, scores) == 2
    scores[2, 2] = 0.7  # now it is behind
    assert choose(scores, np.full(4, 0.25), candidates, 1, scores) == 1


def test_neighbours_are_of_the_graph_rule():
    candidates = list_candidates(["cluster", "graph"], [0, 1], ["samples", "neighbors"])
    scores = np.zeros((4, 4))
    scores[1], scores[3] = [1, 1, 1, 0], [0.5, 0.5, 0.5, 1]
    weights = np.full(4, 0.25)
    # The cluster rule leads by 0.125, with an error of 0.32.
    assert choose(scores, weights, candidates, 1, scores) == 3
    # Of equals it is the first: the classifier.
    scores[2] = scores[3]
    assert choose(scores, weights, candidates, 1, scores) == 2


@pytest.mark.parametrize(
    ("alone", "with_neighbors", "chosen", "without_graph"),
    [
        # A lead of 0.5 over the graph rule; its standard error is 0.19.
        ([1, 1, 1, 1, 1, 0, 0], 0, 0, 0),
        # 0.14 and 0.24: by less than one.
        ([1, 1, 0, 0, 0, 0, 0], 0, 2, 0),
        # The same, with the neighbours: by more than a half.
        (0, [1, 1, 1, 1, 0, 0, 0], 1, 1),
        # They are in the lead, and the given labels alone ahead of them by too little.
        ([1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 0, 0, 1], 1, 1),
        (np.nan, np.nan, 2, 3),
    ],
)
def test_alone_the_given_labels_have_to_lead_by_one_error(
    alone, with_neighbors, chosen, without_graph
):
    candidates = list_candidates(["graph"], [0, 1], ["samples", "neighbors"], True)
    scores = np.zeros((4, 7))
    scores[0], scores[1] = alone, with_neighbors
    scores[2, 6] = 1
    assert choose(scores, np.full(7, 1 / 7), candidates, 1, scores) == chosen
    # Known labels stand for no cluster: half an error is enough.
    ranked = np.nan_to_num(scores.mean(axis=1), nan=-1)
    if chosen < 2:
        assert (
            choose(scores, np.full(7, 1 / 7), candidates, 0, scores) == ranked.argmax()
        )
    # If the graph rule has failed, what is left is compared.
    scores[2] = np.nan
    assert choose(scores, np.full(7, 1 / 7), candidates, 1, scores) == without_graph


def test_the_samples_have_to_lead_the_embedding_by_two_standard_errors():
    spaces = ["samples", "embedding", "neighbors"]
    candidates = list_candidates(["graph"], [0, 1], spaces, True)
    names = [str(candidate) for candidate in candidates]
    in_samples = names.index("graph at fraction 1 with the neighbours")
    embedded = names.index("graph at fraction 1 with the neighbours, in the embedding")
    scores, own = np.zeros((7, 4)), np.zeros((7, 4))
    scores[in_samples], scores[embedded] = 0.9, 0.8
    own[in_samples], own[embedded] = 0.6, 0.7
    weights = np.full(4, 0.25)
    assert choose(scores, weights, candidates, 1, own) == embedded
    own[embedded] = 0.5
    assert choose(scores, weights, candidates, 1, own) == in_samples
    own[embedded] = 0.6  # in doubt the embedding, whatever the scores
    assert choose(scores, weights, candidates, 1, own) == embedded
    # One label of four more: a lead of 0.25, errors of 0.22. Two: 0.5 and 0.25.
    own[in_samples], own[embedded] = [1, 1, 0, 0], [1, 0, 0, 0]
    assert choose(scores, weights, candidates, 1, own) == embedded
    own[embedded] = 0
    assert choose(scores, weights, candidates, 1, own) == embedded
    own[in_samples] = [1, 1, 1, 0]  # 0.75 and 0.22
    assert choose(scores, weights, candidates, 1, own) == in_samples
    own[embedded] = scores[embedded] = np.nan  # failed
    assert choose(scores, weights, candidates, 1, own) == in_samples
    own[in_samples] = scores[in_samples] = np.nan
    own[embedded], scores[embedded] = 0.1, 0.2
    assert choose(scores, weights, candidates, 1, own) == embedded


@pytest.mark.parametrize("spaces", [["samples", "embedding"], ["embedding", "samples"]])
def test_the_given_labels_alone_and_all_labels_have_a_space_each(spaces):
    candidates = list_candidates(["graph"], [0, 1], [*spaces, "neighbors"])
    names = [str(candidate) for candidate in candidates]
    own = np.zeros((5, 4))
    own[names.index("the given labels alone")] = 1
    own[names.index("graph at fraction 1, in the embedding")] = 1
    scores, weights = np.full((5, 4), 0.5), np.full(4, 0.25)
    # Surer, but less often right.
    scores[names.index("the given labels alone, in the embedding")] = 1
    chosen = choose(scores, weights, candidates, 1, own)
    assert names[chosen] == "graph at fraction 1, in the embedding"
    scores[names.index("the given labels alone")] = 0.9
    chosen = choose(scores, weights, candidates, 1, own)
    assert names[chosen] == "the given labels alone"


def test_the_error_of_a_lead_counts_classes_the_same_if_these_do():
    # The only label of a class speaks for cluster, six of nine others for graph.
    speaks_for_graph = (np.arange(10) >= 1) & (np.arange(10) <= 6)
    scores = np.array([np.eye(10)[0], speaks_for_graph.astype(float)])
    candidates = list_candidates(["cluster", "graph"], [1])
    weights = label_weights(np.repeat([0, 1], [1, 9]), "balanced_accuracy")
    assert_allclose(scores @ weights, [0.5, 1 / 3])
    # The lead is 0.17, half of its error 0.22; with all labels alike it were 0.11.
    assert choose(scores, weights, candidates, 1, scores) == 1
    # Against one of the nine the lead is 0.44, half of its error 0.15.
    scores[1, 2:] = 0
    assert choose(scores, weights, candidates, 1, scores) == 0
    alike = np.full(10, 0.1)
    assert choose(scores, alike, candidates, 1, scores) == 1


def test_of_nothing_the_first_is_chosen():
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    assert choose(np.empty((3, 0)), np.empty(0), candidates, 1, np.empty((3, 0))) == 0


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


# Signs


def test_gains_in_parts_of_what_chance_would_make_them():
    def scores(*differences, weights=None):
        values = np.array(differences, dtype=float)
        if weights is None:
            weights = np.ones(values.shape[1]) / max(1, values.shape[1])
        return sign_scores(values, np.array(weights))

    seven = np.ones(7)
    assert_allclose(scores(seven, -seven), [7**0.5, -(7**0.5)])
    # Labels that do not differ do not count, nor does the unit.
    assert_allclose(scores([*seven, 0, 0, 0]), [7**0.5])
    assert_allclose(scores(seven / 10), [7**0.5])
    # Five of six.
    assert_allclose(scores([-1, 1, 1, 1, 1, 1]), [4 / 6**0.5])
    assert_allclose(scores(0 * seven, np.nan * seven), [0, np.nan])
    assert_array_equal(scores([], []), [np.nan, np.nan])
    # One label weighs more than the others together.
    assert_allclose(scores([1, -1, -1], weights=[0.8, 0.1, 0.1]), [0.6 / 0.66**0.5])


def test_chance_makes_one_of_a_hundred_gains_clear():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 4, size=50)
    gains = rng.choice([-1, 1], size=(20_000, 50)) * sizes
    scores = sign_scores(gains.astype(float), np.full(50, 0.02))
    assert abs(scores.mean()) < 0.02
    assert scores.std() == pytest.approx(1, abs=0.02)
    assert 0.008 < np.mean(np.abs(scores) > 2.5) < 0.016


# Groups


def test_labels_of_a_group_make_one_value():
    weights = np.array([0.1, 0.3, 0.2, 0.1, 0.3])
    values = np.array([[1, 0, 0, 1, 0.5], [0, 1, 1, 1, 0], [np.nan] * 5])
    pooled, sums = pool_groups(values, weights, np.array([5, 2, 5, 2, 9]))
    # The groups 2, 5 and 9.
    assert_allclose(sums, [0.4, 0.3, 0.3])
    assert_allclose(pooled, [[1 / 4, 1 / 3, 1 / 2], [1, 2 / 3, 0], [np.nan] * 3])
    # No average changes.
    assert_allclose(weighted_mean(pooled, sums), weighted_mean(values, weights))


def test_groups_of_one_label_and_none_change_nothing():
    rng = np.random.default_rng(0)
    values, weights = rng.normal(size=(3, 6)), rng.dirichlet(np.ones(6))
    assert_array_equal(pool_groups(values, weights, None)[0], values)
    assert_array_equal(pool_groups(values, weights, None)[1], weights)
    pooled, sums = pool_groups(values, weights, np.arange(6))
    assert_allclose(pooled, values)
    assert_allclose(sums, weights)
    none = np.empty((3, 0))
    for groups in (None, np.empty(0, dtype=int)):
        pooled, sums = pool_groups(none, np.empty(0), groups)
        assert pooled.shape == (3, 0)
        assert len(sums) == 0


def test_ten_labels_of_a_group_are_no_surer_than_one():
    # Four groups of ten labels each, right or wrong together: as four labels.
    groups, weights = np.repeat(np.arange(4), 10), np.full(40, 1 / 40)
    of_groups = np.array([[1.0, 1, 0, 1], [0, 0, 1, 0]])
    pooled, sums = pool_groups(np.repeat(of_groups, 10, axis=1), weights, groups)
    assert_allclose(
        standard_error(pooled, sums), standard_error(of_groups, np.full(4, 0.25))
    )
    assert 1 / float(sums @ sums) == pytest.approx(4)
    torn = sign_scores(np.repeat(of_groups, 10, axis=1), weights)
    assert_allclose(sign_scores(pooled, sums), torn / 10**0.5)
