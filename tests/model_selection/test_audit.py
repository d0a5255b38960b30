from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers import FixedCenters
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.model_selection import audit_propagation, draw_audit


def fit_line(n_samples, **parameters):
    """Fit one cluster on a line: a sample's rank is its position, 0 is asked."""
    parameters = {"missing_label": -1} | parameters
    X = np.arange(float(n_samples)).reshape(-1, 1)
    clusterer = FixedCenters(centers=[[0.0]])
    propagator = KMeansLabelPropagator(1, clusterer=clusterer, **parameters)
    with pytest.warns(UserWarning, match="The only class found is 1"):
        return propagator.fit(X, np.full(n_samples, 1))


def answers(is_right, positions):
    """Give the true labels of a propagator that has spread label 1."""
    return np.where(is_right, 1, 0)[positions]


# ------------------------------------------------------------------ drawing


def test_everything_but_what_was_asked_is_drawn():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(20, fraction=0, random_state=0).fit(X, y)
    positions = draw_audit(propagator, len(X) - 20, random_state=0)
    expected = np.setdiff1d(np.arange(len(X)), propagator.representative_indices_)
    assert_array_equal(np.sort(positions), expected)
    assert np.any(np.diff(positions) < 0)  # in random order


def test_each_sample_is_drawn_equally_often():
    propagator = fit_line(10)
    rng = np.random.RandomState(0)
    drawn = [draw_audit(propagator, 3, random_state=rng) for _ in range(3000)]
    assert all(len(set(positions)) == 3 for positions in np.array(drawn).tolist())
    counts = np.bincount(np.ravel(drawn), minlength=10)
    assert counts[0] == 0
    assert_allclose(counts[1:] / 3000, 1 / 3, atol=0.035)  # 4 standard errors


def test_the_same_seed_draws_the_same_and_more_of_them():
    propagator = fit_line(50)
    ten = draw_audit(propagator, 10, random_state=3)
    assert_array_equal(ten, draw_audit(propagator, 20, random_state=3)[:10])
    assert not np.array_equal(ten, draw_audit(propagator, 10, random_state=4))


def test_samples_without_a_propagated_label_are_not_drawn():
    X = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
    y = np.array([-1, 7, -1, -1, -1, -1])
    propagator = KMeansLabelPropagator(2, propagation="cluster", random_state=0)
    with (
        pytest.warns(UserWarning, match="The only class found is 7"),
        pytest.warns(UserWarning, match="1 of 2 clusters have no label"),
    ):
        propagator.fit(X, y)
    assert_array_equal(np.sort(draw_audit(propagator, 2)), [0, 2])
    with pytest.raises(ValueError, match=r"'n_audit' .* at most 2, .* Got 3 instead"):
        draw_audit(propagator, 3)
    with pytest.raises(ValueError, match=r"'positions' .* Got \[3\] instead"):
        audit_propagation(propagator, [0, 3], [7, 7])


def test_a_representative_without_an_answer_may_be_drawn():
    # The graph gives it a label, and nobody has said that it is right.
    X = np.arange(12.0).reshape(-1, 1)
    clusterer = FixedCenters(centers=[[2.0], [9.0]])
    propagator = KMeansLabelPropagator(2, clusterer=clusterer, propagation="graph")
    positions = propagator.query(X)
    with pytest.warns(UserWarning, match="The only class found is 5"):
        propagator.propagate([5, -1])
    drawn = draw_audit(propagator, 11)
    assert positions[0] not in drawn
    assert positions[1] in drawn


def test_known_labels_are_not_drawn_and_count_as_right():
    X, y = load_digits(return_X_y=True)
    partly = np.where(np.arange(len(y)) % 5 == 0, y, -1)
    propagator = KMeansLabelPropagator(20, random_state=0)
    with pytest.warns(UserWarning, match="differ from those of all their neighbours"):
        propagator.fit(X, partly)
    others = np.flatnonzero(partly == -1)
    positions = draw_audit(propagator, len(others), random_state=0)
    assert_array_equal(np.sort(positions), others)
    audit = audit_propagation(propagator, positions, y[positions], fractions=[0, 1])
    assert audit.n_given == np.sum(partly != -1) == 360
    assert audit.n_propagated == len(others)
    assert_array_equal(audit.n_kept, [360, len(y)])
    truth = np.mean(propagator.transduction_ == y)
    assert 0.9 < truth < 1
    for estimate in (audit.accuracy, audit.low, audit.high):
        assert_allclose(estimate, [1, truth])


# ---------------------------------------------------------------- estimates


def test_estimates_and_exact_intervals_by_hand():
    # Kept: 0 to 4 and 0 to 8, of which the label of 0 is given.
    propagator = fit_line(9)
    is_right = np.array([1, 1, 1, 1, 0, 1, 0, 0, 0], dtype=bool)
    positions = [1, 2, 7, 8]
    audit = audit_propagation(
        propagator,
        positions,
        answers(is_right, positions),
        fractions=[1, 0.5],
        confidence_level=0.5,
    )
    assert_array_equal(audit.fractions, [0.5, 1])
    assert_array_equal(audit.n_kept, [5, 9])
    assert_array_equal(audit.n_audited, [2, 4])
    assert_array_equal(audit.n_right, [2, 2])
    assert audit.n_given == 1
    assert (audit.n_audit, audit.n_propagated) == (4, 8)
    assert_allclose(audit.accuracy, [1, (1 + 8 * 2 / 4) / 9])
    # Of 4, D are right. P(2 of 2 | D = 2) = 1/6, P(2 of 2 | D = 3) = 1/2, and 1/4 is
    # allowed. Of 8: P(2 or more of 4 | D = 2) = 15/70, D = 3: 35/70; and the same from
    # the other side.
    assert_allclose(audit.low, [(1 + 3) / 5, (1 + 3) / 9])
    assert_allclose(audit.high, [1, (1 + 5) / 9])


def test_an_audit_of_everything_leaves_no_doubt():
    propagator = fit_line(30)
    is_right = np.random.default_rng(0).random(30) < 0.7
    is_right[0] = True
    positions = draw_audit(propagator, 29, random_state=0)
    audit = audit_propagation(propagator, positions, answers(is_right, positions))
    truth = [np.mean(is_right[: round(f * 30)]) for f in audit.fractions]
    for estimate in (audit.accuracy, audit.low, audit.high):
        assert_allclose(estimate, truth)


def test_given_labels_alone_are_right_by_definition():
    propagator = fit_line(30)
    audit = audit_propagation(propagator, [5], [0], fractions=[0, 0.1, 1])
    assert audit.accuracy[0] == audit.low[0] == audit.high[0] == 1
    assert np.isnan(audit.accuracy[1])  # keeps 0, 1, 2: none of them audited
    assert audit.low[1] == pytest.approx(1 / 3)
    assert audit.high[1] == 1
    assert audit.largest_fraction(0.9) == 0


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_it_looks_at_what_each_fraction_keeps(rule):
    X, y = load_digits(return_X_y=True)
    X, y = X[:400], y[:400]
    parameters = {"propagation": rule, "random_state": 0}
    propagator = KMeansLabelPropagator(25, **parameters).fit(X, y)
    positions = draw_audit(propagator, 375)
    fractions = [0, 0.25, 0.6, 1]
    audit = audit_propagation(propagator, positions, y[positions], fractions=fractions)
    for fraction, accuracy, n_kept in zip(
        fractions, audit.accuracy, audit.n_kept, strict=True
    ):
        fitted = KMeansLabelPropagator(25, fraction=fraction, **parameters)
        _, y_res = fitted.fit_resample(X, y)
        assert n_kept == len(y_res)
        assert accuracy == pytest.approx(np.mean(y_res == y[fitted.sample_indices_]))


def test_answers_come_in_any_order_with_their_positions():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(20, random_state=0).fit(X, y)
    positions = draw_audit(propagator, 40, random_state=0)
    assert (np.diff(positions) < 0).any()
    expected = audit_propagation(propagator, positions, y[positions]).accuracy
    by_position = pd.Series(y)[np.sort(positions)]
    for labels in (by_position, dict(by_position)):
        found = audit_propagation(propagator, positions, labels).accuracy
        assert_array_equal(found, expected)
    for in_order in (y[positions].tolist(), iter(y[positions])):
        found = audit_propagation(propagator, positions, in_order).accuracy
        assert_array_equal(found, expected)
    # Its index, 0 to 39, is that of other samples.
    with pytest.raises(ValueError, match=r"0, 1, 2, 3, 4, \.\.\., is ambiguous"):
        audit_propagation(propagator, positions, pd.Series(y[positions]))
    most = audit_propagation(propagator, positions, dict(by_position[:-1]))
    assert most.n_abstained[-1] == 1
    other = int(propagator.representative_indices_[0])
    with pytest.raises(ValueError, match=rf"'positions'. Got some of \[{other}\]"):
        audit_propagation(propagator, positions, {other: 1})


@pytest.mark.parametrize("start", [1000, 1])
def test_answers_indexed_by_the_rows_of_X_are_of_these_rows(start):
    X, y = load_digits(return_X_y=True)
    index = (
        [f"image {i}" for i in range(len(y))]
        if start == 1000
        else np.arange(start, len(y) + start)
    )
    frame, target = pd.DataFrame(X, index=index), pd.Series(y, index=index)
    propagator = KMeansLabelPropagator(20, random_state=0).fit(frame, target)
    positions = draw_audit(propagator, 40, random_state=0)
    expected = audit_propagation(propagator, positions, y[positions])
    assert expected.accuracy[-1] < 1
    # A table of answers that is sorted in a way of its own.
    table = target.iloc[positions].sort_values()
    assert not table.index.equals(target.iloc[positions].index)
    found = audit_propagation(propagator, positions, table)
    assert_array_equal(found.accuracy, expected.accuracy)
    assert_array_equal(found.n_right, expected.n_right)
    other = propagator.representative_indices_[:1]
    # Of a row that was not audited; a number may as well be a position.
    match = (
        rf"'positions'. Got some of \[{other[0]}\]"
        if start == 1000
        else f"labels, {other[0] + 1}, is ambiguous: it may hold positions, the index"
    )
    with pytest.raises(ValueError, match=match):
        audit_propagation(propagator, positions, target.iloc[other])


def test_an_index_that_may_be_of_rows_or_of_none_is_refused():
    X, y = load_digits(return_X_y=True)
    index = np.arange(len(y))[::-1]
    frame = pd.DataFrame(X, index=index)
    propagator = KMeansLabelPropagator(20, random_state=0).fit(frame, y)
    positions = draw_audit(propagator, 40, random_state=0)
    with pytest.raises(ValueError, match=r"0, 1, 2, 3, 4, \.\.\., is ambiguous"):
        audit_propagation(propagator, positions, pd.Series(y[positions]))


def test_string_labels():
    X = np.arange(6.0).reshape(-1, 1)
    propagator = KMeansLabelPropagator(1, missing_label="?")
    with pytest.warns(UserWarning, match="The only class found is 'cat'"):
        propagator.fit(X, ["cat"] * 6)
    rest = np.setdiff1d(np.arange(6), propagator.representative_indices_)
    answered = ["cat", "cat", "a dog", "?", "cat"]
    audit = audit_propagation(propagator, rest, answered, fractions=[1])
    assert audit.accuracy[0] == pytest.approx((1 + 5 * 3 / 4) / 6)
    with pytest.raises(TypeError, match=r"both strings or both numbers.* Got int"):
        audit_propagation(propagator, rest, [1] * 5)


# --------------------------------------------------------------- abstentions


@pytest.mark.parametrize("abstention", [-1, None, np.nan])
def test_the_estimate_leaves_abstentions_out(abstention):
    propagator = fit_line(9)
    audit = audit_propagation(propagator, [1, 2, 3], [1, 0, abstention], fractions=[1])
    same = audit_propagation(propagator, [1, 2], [1, 0], fractions=[1])
    assert_array_equal(audit.n_abstained, [1])
    for name in ("accuracy", "n_audited", "n_right"):
        assert_array_equal(getattr(audit, name), getattr(same, name))
    assert "1 of the samples audited had no answer" in audit.summary()


def test_bounds_hold_whatever_the_missing_answers():
    propagator = fit_line(200)
    positions = draw_audit(propagator, 60, random_state=0)
    labels = np.where(np.arange(60) < 50, 1, 0).astype(object)
    labels[[3, 57]] = None
    audit = audit_propagation(propagator, positions, labels, fractions=[1])
    worst = np.where(labels == None, 0, labels).astype(int)  # noqa: E711
    best = np.where(labels == None, 1, labels).astype(int)  # noqa: E711
    low = audit_propagation(propagator, positions, worst, fractions=[1])
    high = audit_propagation(propagator, positions, best, fractions=[1])
    assert_allclose(audit.accuracy, (1 + 199 * 49 / 58) / 200)
    assert_allclose([audit.low, audit.high], [low.low, high.high])
    for target in (0.6, 0.7, 0.75, 0.8):
        assert audit.largest_fraction(target) == low.largest_fraction(target)
    assert "whether their labels are right or wrong" in audit.summary()


# ----------------------------------------------------------- by simulation


def simulate(is_right, n_audit, n_repeats, **parameters):
    propagator = fit_line(len(is_right))
    rng = np.random.RandomState(0)
    for _ in range(n_repeats):
        positions = draw_audit(propagator, n_audit, random_state=rng)
        yield audit_propagation(
            propagator, positions, answers(is_right, positions), **parameters
        )


def true_accuracy(is_right, fractions):
    return np.array([np.mean(is_right[: round(f * len(is_right))]) for f in fractions])


@pytest.mark.parametrize(("n_samples", "n_audit"), [(60, 25), (500, 80)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_the_truth(n_samples, n_audit, level):
    rng = np.random.default_rng(1)
    is_right = rng.random(n_samples) < np.linspace(1, 0.6, n_samples)
    is_right[0] = True
    fractions = np.array([0.3, 0.7, 1])
    truth = true_accuracy(is_right, fractions)
    audits = list(
        simulate(is_right, n_audit, 400, fractions=fractions, confidence_level=level)
    )
    low = np.array([audit.low for audit in audits])
    high = np.array([audit.high for audit in audits])
    allowed = (1 - level) / 2 + 3 * np.sqrt((1 - level) / 2 / 400)
    assert np.all(np.mean(low > truth + 1e-12, axis=0) <= allowed)
    assert np.all(np.mean(high < truth - 1e-12, axis=0) <= allowed)
    # Not by being wide: within half again of the usual approximation.
    z = {0.8: 1.28, 0.95: 1.96}[level]
    usual = 2 * z * np.sqrt(truth[2] * (1 - truth[2]) / n_audit)
    assert np.mean(high[:, 2] - low[:, 2]) < 1.5 * usual
    estimates = np.array([audit.accuracy for audit in audits])[:, 2]
    assert np.mean(estimates) == pytest.approx(truth[2], abs=0.012)  # unbiased


@pytest.mark.parametrize("first_wrong", [0.3, 0.6, 1.0])
def test_largest_fraction_seldom_errs(first_wrong):
    # The hardest case: from `first_wrong` on all accuracies are a hair too small.
    n_samples, target, level = 1000, 0.8, 0.9
    is_right = np.ones(n_samples, dtype=bool)
    start = round(first_wrong * n_samples)
    n_wrong = round(start * (1 - target)) + 1
    is_right[np.linspace(5, start - 1, n_wrong).astype(int)] = False
    is_right[start:] = np.arange(n_samples - start) % 10 > 1
    fractions = np.arange(1, 11) / 10
    is_short = true_accuracy(is_right, fractions) < target
    assert is_short[fractions >= first_wrong - 1e-9].all()
    found = [
        audit.largest_fraction(target)
        for audit in simulate(is_right, 150, 400, confidence_level=level)
    ]
    wrong = [f is not None and is_short[round(10 * f) - 1] for f in found]
    assert np.mean(wrong) <= 1 - level + 3 * np.sqrt(0.1 * 0.9 / 400)


def test_largest_fraction_finds_what_there_is():
    is_right = np.ones(1000, dtype=bool)
    is_right[600:] = np.arange(400) % 2 == 0  # 100 % right up to 0.6, 80 % in all
    found = [audit.largest_fraction(0.9) for audit in simulate(is_right, 200, 50)]
    assert min(found) >= 0.5
    assert max(found) <= 0.8
    assert np.mean(found) > 0.6


# ---------------------------------------------------------- largest_fraction


def test_each_test_is_exact():
    # Below 7 of 9 at most 5 of the 8 others are right, and then 4 of 4 have a
    # probability of C(5, 4) / C(8, 4) = 1/14.
    for confidence_level, expected in ((0.92, 1), (0.93, None)):
        audit = audit_propagation(
            fit_line(9),
            [2, 4, 6, 8],
            [1] * 4,
            fractions=[1],
            confidence_level=confidence_level,
        )
        assert audit.largest_fraction(7 / 9) == expected


def test_larger_targets_give_smaller_fractions():
    is_right = np.random.default_rng(0).random(2000) < np.linspace(1, 0.7, 2000)
    (audit,) = simulate(is_right, 400, 1)
    targets = (0.5, 0.8, 0.85, 0.9, 0.95, 0.999)
    found = [audit.largest_fraction(target) or 0 for target in targets]
    assert found[0] == 1
    assert found[-1] == 0
    assert all(a >= b for a, b in pairwise(found))
    assert audit.largest_fraction(0.999) is None


def test_a_target_of_one_takes_every_label():
    propagator = fit_line(20)
    positions = np.arange(1, 20)
    is_right = np.arange(20) < 10
    audit = audit_propagation(propagator, positions, answers(is_right, positions))
    assert audit.largest_fraction(1) == 0.5
    audit = audit_propagation(propagator, [1, 3, 5], [1, 1, 1])
    assert audit.largest_fraction(1) == 0.1  # keeps 0 and 1
    audit = audit_propagation(propagator, [3, 5], [1, 1])
    assert audit.largest_fraction(1) is None


def test_a_failure_ends_the_sequence():
    # Wrong in the middle, then right for long: the whole would pass by itself.
    propagator = fit_line(1000)
    positions = np.arange(1, 1000, 2)
    is_right = (np.arange(1000) < 200) | (np.arange(1000) >= 500)
    audit = audit_propagation(
        propagator, positions, answers(is_right, positions), fractions=[0.2, 0.5, 1]
    )
    assert audit.low[2] > 0.65
    assert audit.largest_fraction(0.65) == 0.2
    alone = audit_propagation(
        propagator, positions, answers(is_right, positions), fractions=[1]
    )
    assert alone.largest_fraction(0.65) == 1


def test_summary_is_in_plain_words():
    propagator = fit_line(101)
    positions = draw_audit(propagator, 50, random_state=0)
    audit = audit_propagation(
        propagator, positions, [1] * 50, fractions=[0.5, 1], confidence_level=0.9
    )
    text = audit.summary(target=0.9)
    assert "50 samples audited" in text
    assert "90 % confidence intervals" in text
    assert "fraction 0.5" in text
    assert "50 of 101 labels audited" in text
    assert "1 given labels are among those kept" in text
    assert text.endswith(
        "The largest fraction shown, with 90 % confidence, to have an accuracy of 90 % "
        "or more: 1."
    )
    assert audit.summary(target=0.999).endswith(
        "No fraction is shown to have an accuracy of 99.9 % or more."
    )


# ------------------------------------------------------------------- errors


def test_only_a_fitted_propagator_is_audited():
    with pytest.raises(NotFittedError):
        draw_audit(KMeansLabelPropagator(), 3)
    X = np.arange(10.0).reshape(-1, 1)
    propagator = KMeansLabelPropagator(2, random_state=0)
    classifier = PropagatedClassifier(DecisionTreeClassifier(), propagator)
    classifier.fit(X, (np.arange(10) > 4).astype(int))
    inner = classifier.propagator_
    drawn = draw_audit(classifier, 3, random_state=0)
    assert_array_equal(drawn, draw_audit(inner, 3, random_state=0))
    answered = [0, 1, 0]
    assert (
        audit_propagation(classifier, drawn, answered).summary()
        == audit_propagation(inner, drawn, answered).summary()
    )
    with pytest.raises(TypeError, match=r"or a classifier that has one\. Got KMeans"):
        draw_audit(KMeans(2).fit(X), 3)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"positions": []}, ValueError, "'positions' parameter"),
        ({"positions": [1.0, 2.0]}, ValueError, "'positions' parameter"),
        ({"positions": [True, False]}, ValueError, "'positions' parameter"),
        ({"positions": [1, 1]}, ValueError, "must be different. Got 1 of them"),
        ({"positions": [0, 1]}, ValueError, r"label was given. Got \[0\]"),
        ({"positions": [1, 20]}, ValueError, r"Got \[20\] instead"),
        ({"positions": [1, -1]}, ValueError, r"Got \[-1\] instead"),
        ({"labels": [1]}, ValueError, r"2 label\(s\). Got 1 label\(s\) instead"),
        ({"labels": [-1, -1]}, ValueError, "at least one label"),
        ({"labels": ["a", "b"]}, TypeError, "both strings or both numbers"),
        ({"labels": 3}, TypeError, "one-dimensional array-like"),
        ({"fractions": []}, ValueError, "'fractions' parameter"),
        ({"fractions": 0.5}, ValueError, "'fractions' parameter"),
        ({"fractions": [0.5, 1.1]}, ValueError, "'fractions' parameter"),
        ({"fractions": [-0.1]}, ValueError, "'fractions' parameter"),
        ({"fractions": [np.nan]}, ValueError, "'fractions' parameter"),
        ({"confidence_level": 1}, ValueError, "'confidence_level' parameter"),
        ({"confidence_level": 0.0}, ValueError, "'confidence_level' parameter"),
    ],
)
def test_what_cannot_be_audited(changed, error, message):
    arguments = {"positions": [1, 2], "labels": [1, 0]} | changed
    with pytest.raises(error, match=message):
        audit_propagation(fit_line(9), **arguments)


@pytest.mark.parametrize("target", [0, 1.5, -1, "high", None])
def test_illegal_targets(target):
    audit = audit_propagation(fit_line(9), [1, 2], [1, 0])
    with pytest.raises(ValueError, match="'target' parameter of largest_fraction"):
        audit.largest_fraction(target)


@pytest.mark.parametrize("n_audit", [0, -1, 2.0, "many"])
def test_illegal_sizes(n_audit):
    with pytest.raises(ValueError, match="'n_audit' parameter of draw_audit"):
        draw_audit(fit_line(9), n_audit)
