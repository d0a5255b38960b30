"""The setting with known labels: what is counted, and the checks of its report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.context import Context, Outcome
from benchmarks.accuracy.data import DATA_SETS, split
from benchmarks.accuracy.measure import Shared
from benchmarks.accuracy.partly import (
    METHODS,
    OWN,
    PARTLY,
    budgets_of,
    count_harmed,
    markdown,
)
from benchmarks.accuracy.runner import Cell, run_cell, write_cell
from benchmarks.accuracy.tables import describe_machine, read_results, summarize_all

# ---------------------------------------------------------------- counting


def test_changed_and_left_out_labels_are_counted():
    known = np.array([2, 5, 7])
    labels = np.array(["a", "b", "c"])

    def harmed(positions, trained, transduction=None):
        outcome = Outcome(
            None, np.array(positions), np.array(trained), transduction=transduction
        )
        counted = count_harmed(outcome, known, labels)
        return counted["known_changed"], counted["known_left_out"]

    assert harmed([7, 2, 5, 0], ["c", "a", "b", "c"]) == (0, 0)
    assert harmed([7, 2, 5, 0], ["a", "b", "b", "c"]) == (2, 0)
    assert harmed([2, 0], ["a", "c"]) == (0, 2)
    assert harmed([0, 9], ["b", "b"]) == (0, 3)
    # What a method says of a sample counts, too, trained on or not.
    said = np.array([None, None, "a", None, None, "c", None, None], dtype=object)
    assert harmed([2, 5], ["a", "b"], said) == (2, 1)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "propagation"])
def test_methods_get_the_known_labels_and_no_others(tmp_path, method, monkeypatch):
    names = np.array(["x", "y", "z"])
    problem = split("wine", 1)
    problem = replace(
        problem, y_train=names[problem.y_train], y_test=names[problem.y_test]
    )
    context = Context(problem, "random-20", 1, "logistic", Shared(tmp_path))
    known = context.known_positions()
    # The same samples are known, whatever the labels of the others.
    monkeypatch.setattr(Context, "known_positions", lambda self: known)
    wrong = names[(problem.codes_train + 1) % 3]
    wrong[known] = problem.y_train[known]
    results = []
    for y_train in (problem.y_train, wrong):
        cell = Cell("wine", 1, "random-20", "logistic", method)
        shared = Shared(tmp_path / str(len(results)))
        each = replace(problem, y_train=y_train)
        results.append(run_cell(cell, METHODS[method], each, shared))
    as_it_is, corrupt = results
    assert as_it_is["status"] == "done", as_it_is
    assert as_it_is["accuracy"] == corrupt["accuracy"] > 0.8
    assert as_it_is["n_known"] == len(known)
    if method in ("known", *OWN):
        assert as_it_is["known_changed"] == as_it_is["known_left_out"] == 0


def test_fashion_mnist_has_fewer_shares():
    assert budgets_of(DATA_SETS["fashion_mnist"]) == ("random-1", "random-5")
    assert len(budgets_of(DATA_SETS["wine"])) == 4


# ---------------------------------------------------------------- checks


def done(accuracy, **counted):
    return {
        "status": "done",
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "peak_mib": 10.0,
        "n_known": 9,
        "known_changed": 0,
        "known_left_out": 0,
    } | counted


def summary_of(folder, figures, **counted):
    """Write cells of two seeds: the second is better for all, by the same."""
    for (budget, method), accuracy in figures.items():
        for seed in range(2):
            cell = Cell("wine", seed, budget, "logistic", method)
            harmed = counted if method == "automatic" else {}
            write_cell(folder, cell, done(accuracy + seed / 10, **harmed))
    return summarize_all(PARTLY, read_results(PARTLY, folder))


@pytest.mark.parametrize(("loss", "passes"), [(0.0099, True), (0.0101, False)])
@pytest.mark.parametrize("peer", ["known", "spreading_tuned"])
def test_a_point_below_either_baseline_is_tolerated(tmp_path, peer, loss, passes):
    accuracies = {"known": 0.5, "spreading_tuned": 0.5, "automatic": 0.7 - loss}
    accuracies[peer] = 0.7
    summary = summary_of(
        tmp_path, {("random-1", name): value for name, value in accuracies.items()}
    )
    (check,) = summary["checks"]
    assert check["method"] == "automatic"
    assert check[f"minus_{peer}"]["mean"] == pytest.approx(-loss)
    assert check[f"minus_{peer}"]["error"] == pytest.approx(0)
    assert check[f"is_near_{peer}"] is passes
    other = {"known", "spreading_tuned"} - {peer}
    assert check[f"is_near_{other.pop()}"] is True
    verdicts = [line.startswith("pass") for line in PARTLY.tell(summary["checks"])]
    assert verdicts == [passes]
    line = next(
        line
        for line in markdown(summary, describe_machine()).splitlines()
        if line.startswith("| wine, logistic")
    )
    assert ("FAIL" not in line) is passes


@pytest.mark.parametrize("what", ["known_changed", "known_left_out"])
def test_one_harmed_label_is_a_failure(tmp_path, what):
    figures = {("hard-5", "known"): 0.5, ("hard-5", "spreading_tuned"): 0.5}
    figures["hard-5", "automatic"] = 0.9
    summary = summary_of(tmp_path, figures, **{what: 1})
    (check,) = summary["checks"]
    assert check["n_harmed"] == 2  # one on each seed
    assert check["keeps_labels"] is False
    assert PARTLY.tell(summary["checks"])[0].startswith("FAIL")
    text = markdown(summary, describe_machine())
    assert "2 **FAIL**" in text
    assert next(
        line for line in text.splitlines() if line.startswith("| wine, logistic")
    ).endswith("**FAIL** |")


def test_overall_means_tell_the_worst_pair_and_whether_a_method_is_ahead(tmp_path):
    figures = {}
    for budget, own in (("random-5", 0.9), ("hard-5", 0.66)):
        figures |= {(budget, "known"): 0.7, (budget, "spreading_tuned"): 0.8}
        figures[budget, "automatic"] = own
    figures["random-1", "known"] = 0.1  # not a pair: the others are missing
    text = markdown(summary_of(tmp_path, figures), describe_machine())
    assert "Means over 2 pairs" in text
    line = next(line for line in text.splitlines() if "**PropagatedClass" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1:] == [
        *("83.0", "+8.0 pass", "-4.0"),
        *("-2.0 **FAIL**", "-14.0", "0 pass", "0 pass"),
    ]


def test_a_seed_that_failed_is_a_failure(tmp_path):
    names = ("known", "spreading_tuned", "automatic")
    figures = {("hard-5", name): 0.5 for name in names}
    assert summary_of(tmp_path, figures)["checks"][0]["never_failed"] is True
    cell = Cell("wine", 2, "hard-5", "logistic", "automatic")
    write_cell(tmp_path, cell, {"status": "failed", "message": "too bad"})
    summary = summarize_all(PARTLY, read_results(PARTLY, tmp_path))
    assert PARTLY.tell(summary["checks"])[0].startswith("FAIL")
    assert "too bad" in markdown(summary, describe_machine())
