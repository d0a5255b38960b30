"""The setting with two rounds: the labels paid for, the scores, the checks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import rounds
from benchmarks.accuracy.context import Context
from benchmarks.accuracy.data import DATA_SETS, split
from benchmarks.accuracy.measure import Shared
from benchmarks.accuracy.rounds import (
    METHODS,
    N_DRAWS,
    ROUNDS,
    budgets_of,
    markdown,
    overall,
    score,
)
from benchmarks.accuracy.runner import Cell, run_cell, write_cell
from benchmarks.accuracy.tables import (
    add_published,
    as_json,
    describe_machine,
    read_results,
    summarize_all,
)

# ---------------------------------------------------------------- the labels


def test_both_rounds_are_within_the_largest_budget():
    assert budgets_of(DATA_SETS["digits"]) == (20, 50)
    assert budgets_of(DATA_SETS["wine"]) == (10,)
    assert budgets_of(DATA_SETS["mnist_5000"]) == (20, 50, 100)
    assert budgets_of(DATA_SETS["fashion_mnist"]) == (50,)
    assert all(map(budgets_of, DATA_SETS.values()))


def wine(y_train=None):
    """Return a split of wine whose labels are strings."""
    names = np.array(["x", "y", "z"])
    problem = split("wine", 1)
    problem = replace(
        problem, y_train=names[problem.y_train], y_test=names[problem.y_test]
    )
    return problem if y_train is None else replace(problem, y_train=y_train)


def run(method, folder, monkeypatch, problem=None, n_labels=10):
    """Run a method; return its result, and the given positions of each score."""
    given = []

    def watched(context, propagator):
        given.append(propagator.given_.positions.copy())
        return score(context, propagator)

    monkeypatch.setattr(rounds, "score", watched)
    cell = Cell("wine", 1, n_labels, "logistic", method)
    problem = wine() if problem is None else problem
    result = run_cell(cell, METHODS[method], problem, Shared(folder))
    assert result["status"] == "done", result
    return result, given


@pytest.mark.parametrize("method", METHODS)
def test_a_method_pays_for_two_rounds_and_sees_no_other_label(
    tmp_path, method, monkeypatch
):
    as_it_is, given = run(method, tmp_path / "a", monkeypatch)
    assert all(len(set(positions.tolist())) == 20 for positions in given)
    assert len(given) == (N_DRAWS if "random" in method.split("_") else 1)
    problem = wine()
    paid_for = np.unique(np.concatenate(given))
    others = np.setdiff1d(np.arange(len(problem.y_train)), paid_for)
    corrupt = problem.y_train.copy()
    corrupt[others] = problem.classes[(problem.codes_train[others] + 1) % 3]
    wrong, given_again = run(method, tmp_path / "b", monkeypatch, wine(corrupt))
    for one, again in zip(given, given_again, strict=True):
        np.testing.assert_array_equal(one, again)
    assert wrong["accuracy"] == as_it_is["accuracy"] > 0.8
    assert wrong["labels_right"] < as_it_is["labels_right"]


def test_methods_share_the_first_round(tmp_path, monkeypatch):
    def given_by(method):
        return [set(g.tolist()) for g in run(method, tmp_path, monkeypatch)[1]]

    context = Context(wine(), 10, 1, "logistic", Shared(tmp_path))
    problem = context.problem
    for first, names in (
        (
            context.propagator().query(problem.X_train),
            ("query_more", "in_rounds", "random"),
        ),
        (context.random_positions(), ("known_query_more", "known_random")),
    ):
        for name in names:
            for positions in given_by(name):
                assert set(first.tolist()) < positions, name
    # All labels at once are the representatives of as many clusters.
    at_once = context.propagator(20).query(problem.X_train)
    assert given_by("at_once") == [set(at_once.tolist())]


def test_the_second_round_is_that_of_query_more(tmp_path, monkeypatch):
    context = Context(wine(), 10, 1, "logistic", Shared(tmp_path))
    X, codes = context.problem.X_train, context.problem.codes_train
    propagator = context.propagator()
    first = propagator.query(X)
    propagator.propagate(codes[first])
    at_first = propagator.query_more(10)
    propagator.propagate(codes[at_first])
    result, (given,) = run("query_more", tmp_path, monkeypatch)
    np.testing.assert_array_equal(given, np.union1d(first, at_first))
    # Asked in rounds, what comes later may depend on the answers before.
    propagator = context.propagator()
    in_rounds = list(propagator.query(X))
    propagator.propagate(codes[in_rounds])
    for _ in range(5):
        more = propagator.query_more(2)
        propagator.propagate(codes[more])
        in_rounds += more.tolist()
    _, (given,) = run("in_rounds", tmp_path, monkeypatch)
    np.testing.assert_array_equal(given, np.sort(in_rounds))
    assert result["accuracy"] > 0.8


def test_each_random_round_stands_alone(tmp_path, monkeypatch):
    result, given = run("random", tmp_path, monkeypatch)
    assert len({tuple(positions) for positions in given}) == N_DRAWS
    context = Context(wine(), 10, 1, "logistic", Shared(tmp_path))
    X, codes = context.problem.X_train, context.problem.codes_train
    first = context.propagator().query(X)
    alone = []
    for positions in given:
        propagator = context.propagator()
        propagator.query(X)
        second = np.setdiff1d(positions, first)
        propagator.propagate(dict(zip(first.tolist(), codes[first], strict=True)))
        propagator.propagate(dict(zip(second.tolist(), codes[second], strict=True)))
        alone.append(score(context, propagator))
    for name in ("accuracy", "labels_right"):
        values = [each[name] for each in alone]
        assert len(set(values)) > 1
        assert result[name] == pytest.approx(np.mean(values))


# ---------------------------------------------------------------- the scores


class Fitted:
    """What a propagator says, to be scored."""

    def __init__(self, given, transduction, predicted):
        self.given_ = type("Given", (), {"positions": np.array(given)})
        self.transduction_ = np.array(transduction)
        self.predicted = np.array(predicted)

    def predict(self, X):
        return self.predicted


def test_given_labels_do_not_count_and_samples_that_nothing_reaches_are_wrong():
    problem = replace(
        wine(),
        X_test=np.zeros((5, 1)),
        y_train=np.array(list("xyzxyz")),
        y_test=np.array(list("zyxxx")),
    )
    context = Context(problem, 1, 0, "logistic", Shared(Path("unused")))
    # Of the samples 1, 2, 4, 5 without a given label two are right, one has none.
    said = Fitted([0, 3], [0, 1, 0, 0, 1, -1], [2, -1, 0, 0, 1])
    scores = score(context, said)
    assert scores["labels_right"] == scores["label_accuracy"] == 2 / 4
    assert scores["accuracy"] == pytest.approx(3 / 5)
    # Of x two of three, of y none, of z all.
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    with pytest.raises(AssertionError, match="3 given labels, not 2"):
        score(context, Fitted([0, 1, 3], [0] * 6, [0] * 5))


# ---------------------------------------------------------------- checks


def done(accuracy, labels_right):
    return {
        "status": "done",
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "label_accuracy": labels_right,
        "labels_right": labels_right,
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "peak_mib": 10.0,
    }


def summary_of(folder, figures):
    """Write cells: (test, labels) for each data set, budget, method and seed."""
    for (name, budget, method, seed), (test, labels) in figures.items():
        cell = Cell(name, seed, budget, "logistic", method)
        write_cell(folder, cell, done(test, labels))
    return summarize_all(ROUNDS, read_results(ROUNDS, folder))


def pair(name, budget, minus_at_once, minus_random, noise=0.0):
    """Make the figures of two seeds; differences of labels are twice as large.

    `noise` is the standard error of the difference to random.
    """
    figures = {}
    for seed, sign in enumerate((-1, 1)):
        base = 0.5 + seed / 10  # the second seed is better for all
        to_random = minus_random + sign * noise
        for method, minus in (
            ("query_more", 0.0),
            ("at_once", minus_at_once),
            ("random", to_random),
        ):
            figures[name, budget, method, seed] = (base - minus, base - 2 * minus)
    return figures


@pytest.mark.parametrize(
    ("ahead", "noise", "passes"),
    [(0.011, 0.01, True), (0.009, 0.01, False), (-0.02, 0.001, False)],
)
def test_above_random_means_by_more_than_the_standard_error(
    tmp_path, ahead, noise, passes
):
    summary = summary_of(tmp_path, pair("wine", 10, 0.0, ahead, noise))
    of_test, of_labels = summary["checks"]
    assert (of_test["measure"], of_labels["measure"]) == ("test samples", "labels")
    assert of_test["minus_random"]["mean"] == pytest.approx(ahead)
    assert of_test["minus_random"]["error"] == pytest.approx(noise)
    assert of_labels["minus_random"]["mean"] == pytest.approx(2 * ahead)
    assert of_test["is_above_random"] is of_labels["is_above_random"] is passes
    told = ROUNDS.tell(summary["checks"])
    assert [line.startswith("pass") for line in told] == [passes] * 2 + [
        True,
        passes,
    ] * 2
    line = next(
        line
        for line in markdown(summary, describe_machine()).splitlines()
        if line.startswith("| wine | 10 + 10")
    )
    assert line.count("**FAIL**") == (0 if passes else 2)


def test_of_one_seed_nothing_can_be_told(tmp_path):
    figures = pair("wine", 10, 0.1, 0.1)
    one_seed = {key: value for key, value in figures.items() if key[-1] == 0}
    checks = summary_of(tmp_path, one_seed)["checks"]
    assert [check["is_above_random"] for check in checks] == [False, False]


@pytest.mark.parametrize(("behind", "passes"), [(0.0049, True), (0.0051, False)])
def test_each_data_set_counts_the_same_in_the_mean(tmp_path, behind, passes):
    # digits has two budgets: with pairs in place of sets the mean would be another.
    figures = pair("digits", 20, -0.03, 0.1) | pair("digits", 50, -0.05, 0.1)
    figures |= pair("wine", 10, 0.04 - 2 * behind, 0.1)
    summary = summary_of(tmp_path, figures)
    of_test, of_labels = overall(summary["checks"])
    assert of_test["minus_at_once"] == pytest.approx(-behind)
    assert of_labels["minus_at_once"] == pytest.approx(-2 * behind)
    assert of_test["minus_random"] == pytest.approx(0.1)
    assert of_test["is_near_at_once"] is passes
    assert of_labels["is_near_at_once"] is False
    text = markdown(summary, describe_machine())
    line = next(line for line in text.splitlines() if "| right test samples" in line)
    assert ("-0.5 pass" if passes else "-0.5 **FAIL**") in line
    assert line.endswith("| 2 of 2 sets pass |")
    assert "Means over 2 data sets" in text


def test_a_set_where_one_budget_fails_is_named(tmp_path):
    figures = pair("digits", 20, 0.0, 0.1) | pair("digits", 50, 0.0, -0.1)
    figures |= pair("wine", 10, 0.0, 0.1)
    summary = summary_of(tmp_path, figures)
    text = markdown(summary, describe_machine())
    assert text.count("1 of 2 sets **FAIL** (not on digits 50)") == 2


@pytest.mark.parametrize("seeds", [(2,), (0, 1, 2)])
def test_seeds_that_failed_are_failures(tmp_path, seeds):
    figures = pair("wine", 10, 0.1, 0.1) | pair("digits", 20, 0.1, 0.1)
    summary_of(tmp_path, figures)
    for seed in seeds:
        cell = Cell("wine", seed, 10, "logistic", "query_more")
        write_cell(tmp_path, cell, {"status": "failed", "message": "too bad"})
    summary = summarize_all(ROUNDS, read_results(ROUNDS, tmp_path))
    # By the two seeds that are left it would be above.
    of_wine = [each for each in summary["checks"] if each["dataset"] == "wine"]
    assert [each["is_above_random"] for each in of_wine] == [len(seeds) == 1] * 2
    for found in overall(summary["checks"]):
        assert found["failed"] == ["wine 10"]
        # A mean that lacks a data set passes nothing.
        assert found["is_near_at_once"] is (len(seeds) == 1)
    text = markdown(summary, describe_machine())
    assert "too bad" in text
    assert "1 of 2 sets **FAIL** (not on wine 10)" in text


def test_figures_measured_anew_are_compared_with_those_published(tmp_path):
    machine = {"cores": 2}
    before = summary_of(tmp_path / "before", pair("digits", 20, 0.01, 0.02, 0.01))
    published = json.loads(as_json({"machine": machine, **before}))
    figures = {
        key: value
        for key, value in pair("digits", 20, 0.03, 0.3).items()
        if key[2] == "random"
    }
    anew = summary_of(tmp_path / "anew", figures)
    both = add_published(ROUNDS, anew, machine, published)
    at_once = summary_of(tmp_path / "before", figures)
    assert as_json(both) == as_json(at_once)
    assert [each["minus_random"]["mean"] for each in both["checks"]] == [
        pytest.approx(0.3),
        pytest.approx(0.6),
    ]
