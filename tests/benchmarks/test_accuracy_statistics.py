"""The benchmark's arithmetic, its checks, and what it does with finished cells."""

from __future__ import annotations

import itertools
import json
import math
import os
import signal
import time

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from benchmarks.accuracy.data import split
from benchmarks.accuracy.measure import Cost, Shared
from benchmarks.accuracy.methods import (
    AUTOMATIC,
    BASELINE,
    METHODS,
    Method,
)
from benchmarks.accuracy.peers import hidden_accuracy, knn_kernel
from benchmarks.accuracy.report import (
    HEADLINE,
    add_published,
    as_json,
    describe_machine,
    headline_table,
    markdown,
    overall_table,
    read_results,
    summarize_all,
)
from benchmarks.accuracy.runner import (
    Cell,
    open_cells,
    read_cell,
    run,
    run_cell,
    write_cell,
)
from benchmarks.accuracy.statistics import (
    best_method,
    check_automatic,
    mean_over_budgets,
    paired_difference,
    summarize,
)
from examples.fashion_mnist.store import DamagedFileError

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


@pytest.mark.parametrize(("loss", "passes"), [(0.0199, True), (0.0201, False)])
def test_two_points_below_the_best_rule_are_tolerated(loss, passes):
    check = check_automatic(
        constant(0.8 - loss), {"a": constant(0.8), "b": constant(0.5)}, constant(0.1)
    )
    assert check.best_rule == "a"
    assert check.minus_best.mean == pytest.approx(-loss)
    assert check.is_near_best is passes
    assert check.is_above_random


def test_below_random_labels_by_less_than_the_error_passes():
    rules = {"a": constant(0.5)}
    random = constant(0.5)
    automatic = {0: 0.4, 1: 0.58, 2: 0.4, 3: 0.58}  # -0.01, error about 0.05
    assert check_automatic(automatic, rules, random).is_above_random
    assert not check_automatic(constant(0.49), rules, random).is_above_random


def test_no_check_while_a_part_is_missing():
    assert check_automatic({}, {"a": constant(1)}, constant(1)) is None
    assert check_automatic(constant(1), {"a": {}}, constant(1)) is None
    assert check_automatic(constant(1), {"a": constant(1)}, {}) is None


# ---------------------------------------------------------------- cells


def done(accuracy):
    return {
        "status": "done",
        "accuracy": accuracy,
        "balanced_accuracy": accuracy,
        "seconds": 1.0,
        "cpu_seconds": 1.0,
        "peak_mib": 10.0,
    }


def test_finished_cells_are_skipped_and_failed_ones_on_request_tried_again(tmp_path):
    cells = [Cell("digits", seed, 20, "logistic", "random") for seed in range(3)]
    write_cell(tmp_path, cells[0], done(0.5))
    write_cell(tmp_path, cells[1], {"status": "failed", "message": "too bad"})
    assert open_cells(cells, tmp_path) == cells[2:]
    assert open_cells(cells, tmp_path, retry_failed=True) == cells[1:]


@pytest.mark.parametrize("content", ["", "[]", '{"status": "don'])
def test_a_damaged_cell_is_named(tmp_path, content):
    path = tmp_path / "20-0.json"
    path.write_text(content)
    with pytest.raises(DamagedFileError, match=r"20-0\.json"):
        read_cell(path)


def _raise(context):
    raise MemoryError("28 GB")


def _die(context):
    os.kill(os.getpid(), signal.SIGKILL)


def _hang(context):
    time.sleep(60)


def test_a_cell_that_fails_dies_or_hangs_is_a_failed_cell(tmp_path, monkeypatch):
    bad = {"raises": _raise, "dies": _die, "hangs": _hang}
    for name, function in bad.items():
        monkeypatch.setitem(METHODS, name, Method(function, name))
    cells = [Cell("wine", 3, 20, "logistic", name) for name in ("random", *bad)]
    run(cells[:-1], tmp_path, n_jobs=2, timeout=600)
    run(cells[-1:], tmp_path, n_jobs=2, timeout=0.5)
    results = {cell.method: read_cell(cell.path(tmp_path)) for cell in cells}
    assert results["random"]["accuracy"] > 0.5
    assert results["random"]["label_accuracy"] == 1
    assert results["random"]["n_training"] == 20
    assert results["raises"]["message"] == "MemoryError: 28 GB"
    assert "ended with -9" in results["dies"]["message"]
    assert results["hangs"]["message"] == "not finished after 0.5 s"
    assert not open_cells(cells, tmp_path)


@pytest.mark.parametrize("method", ["original", "graph_70", "automatic", "spreading"])
def test_methods_are_deterministic_and_learn(tmp_path, method):
    cell = Cell("wine", 1, 20, "logistic", method)
    problem = split("wine", 1)
    first, again = (run_cell(cell, problem, tmp_path / name) for name in "ab")
    assert first["status"] == "done", first
    assert first["accuracy"] == again["accuracy"] > 0.7


def write_some_cells(folder, automatic=0.75):
    for seed in range(2):
        for method, accuracy in (
            (BASELINE, 0.6),
            ("representatives", 0.7),
            ("graph_70", 0.8),
            (AUTOMATIC["accuracy"], automatic),
        ):
            cell = Cell("digits", seed, 50, "logistic", method)
            write_cell(folder, cell, done(accuracy + seed / 100))
        failed = {"status": "failed", "message": "MemoryError: 28 GB"}
        write_cell(folder, Cell("digits", seed, 50, "logistic", "spreading"), failed)


def test_report_shows_failures_and_failed_checks(tmp_path):
    write_some_cells(tmp_path)
    summary = summarize_all(read_results(tmp_path))
    text = markdown(summary, describe_machine())
    row = next(line for line in text.splitlines() if "| LabelSpreading |" in line)
    assert "(2 failed)" in row
    assert "MemoryError: 28 GB" in text
    (check,) = [c for c in summary["checks"] if c["metric"] == "accuracy"]
    assert check["best_rule"] == "graph_70"
    assert check["minus_best"]["mean"] == pytest.approx(-0.05)
    assert not check["is_near_best"]
    assert check["is_above_random"]
    assert "**FAIL**" in text
    written = json.loads(as_json(summary))
    assert [r["accuracy"]["n"] for r in written["rows"]] == [2, 2, 2, 2, 0]
    assert "NaN" not in as_json(summary)


def test_settings_are_compared_where_all_have_a_result(tmp_path):
    settings = [name for name in METHODS if not METHODS[name].only_imbalanced]
    best = {20: "cluster_30", 50: "graph_100"}
    for seed, budget in itertools.product(range(2), best):
        for method in settings:
            accuracy = 0.9 if method == best[budget] else 0.8
            cell = Cell("digits", seed, budget, "logistic", method)
            write_cell(tmp_path, cell, done(accuracy))
    write_cell(tmp_path, Cell("wine", 0, 10, "logistic", "original"), done(0.1))
    text = overall_table(summarize_all(read_results(tmp_path))["rows"])
    assert text.startswith("Means over 2 pairs")
    row = {
        line.split(" | ")[0].strip("| "): line.split(" | ")
        for line in text.splitlines()
    }
    assert row[METHODS["graph_100"].text][1:] == ["85.0", "5.0", "10.0", "1 |"]
    assert row[METHODS["graph_30"].text][1:] == ["80.0", "10.0", "10.0", "0 |"]
    assert row[METHODS["poisson"].text][1:] == ["80.0", "10.0", "10.0", "0 |"]
    # The README's shows the same means, without the pair that is not complete.
    shown = headline_table(
        [
            row
            for row in summarize_all(read_results(tmp_path))["rows"]
            if row["dataset"] == "digits"
        ]
    ).splitlines()
    assert shown[2] == "| random labels | 80.0 |"
    assert shown[1 + len(HEADLINE)] == "| graph rule, 100 % | 85.0 |"
    assert shown[-1].startswith("1 data sets, 2 pairs")


def test_report_shows_differences_in_points(tmp_path):
    write_some_cells(tmp_path, automatic=0.79)
    text = markdown(summarize_all(read_results(tmp_path)), describe_machine())
    assert "**FAIL**" not in text
    name = METHODS["graph_70"].text
    row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1] == "**80.5 ± 0.7**"
    assert cells[2:4] == ["+20.0 ± 0.0", "+0.0 ± 0.0"]


def test_published_figures_of_other_data_sets_and_methods_stay(tmp_path):
    machine = {"cores": 2}
    write_some_cells(tmp_path)
    write_cell(tmp_path, Cell("wine", 0, 10, "logistic", BASELINE), done(0.3))
    before = summarize_all(read_results(tmp_path))
    published = json.loads(as_json({"machine": machine, **before}))
    anew = tmp_path / "anew"
    write_cell(anew, Cell("wine", 0, 20, "logistic", BASELINE), done(0.5))
    wine = summarize_all(read_results(anew))
    both = add_published(wine, machine, published)
    # Those of wine are the new ones alone, those of digits as they were.
    assert [
        (row["budget"], row["accuracy"]["mean"])
        for row in both["rows"]
        if row["dataset"] == "wine"
    ] == [(20, 0.5)]
    shown, of_digits = (
        markdown(
            {
                name: [each for each in part if each["dataset"] == "digits"]
                for name, part in summary.items()
            },
            describe_machine(),
        )
        for summary in (both, before)
    )
    assert shown == of_digits
    assert "(2 failed)" in shown
    assert "**FAIL**" in shown
    # In the order of the tables, whichever came first.
    names = [row["dataset"] for row in both["rows"]]
    assert names == ["digits"] * 5 + ["wine"]


def test_a_method_measured_anew_joins_the_published_ones(tmp_path):
    machine = {"cores": 2}

    def write(folder, accuracies):
        for method, accuracy in accuracies.items():
            for seed in range(3):
                cell = Cell("digits_eight", seed, 50, "logistic", method)
                result = done(accuracy + seed / 100) | {
                    "balanced_accuracy": accuracy - seed / 100
                }
                write_cell(folder, cell, result)

    write(
        tmp_path,
        {"random": 0.6, "graph_70": 0.8, "automatic": 0.7, "automatic_balanced": 0.7},
    )
    before = summarize_all(read_results(tmp_path))
    published = json.loads(as_json({"machine": machine, **before}))
    anew = {"automatic": 0.79, "automatic_balanced": 0.81}
    write(tmp_path / "anew", anew)
    both = add_published(
        summarize_all(read_results(tmp_path / "anew")), machine, published
    )
    # As if all had been measured at once.
    write(tmp_path, anew)
    at_once = summarize_all(read_results(tmp_path))
    assert as_json(both) == as_json(at_once)
    assert [check["is_near_best"] for check in before["checks"]] == [False, False]
    assert {c["metric"]: c["minus_best"]["mean"] for c in both["checks"]} == {
        "accuracy": pytest.approx(-0.01),
        "balanced": pytest.approx(0.01),
    }


def test_figures_of_different_machines_are_not_published_together(tmp_path):
    write_some_cells(tmp_path)
    summary = summarize_all(read_results(tmp_path))
    published = json.loads(as_json({"machine": {"cores": 2}, **summary}))
    write_cell(tmp_path / "anew", Cell("wine", 0, 20, "logistic", BASELINE), done(0.5))
    wine = summarize_all(read_results(tmp_path / "anew"))
    with pytest.raises(ValueError, match=r"measured with \{'cores': 2\}, these with"):
        add_published(wine, {"cores": 4}, published)
    # Nothing of the other machine is left.
    assert add_published(summary, {"cores": 4}, published) == summary


# ---------------------------------------------------------------- costs


def test_what_is_shared_is_charged_to_all_that_use_it_once_each(tmp_path):
    calls = []

    def inner(shared):
        calls.append("inner")
        return np.arange(3)

    def outer(shared):
        calls.append("outer")
        return shared.get("inner", inner) + 1

    first = Shared(tmp_path)
    assert first.get("outer", outer).tolist() == [1, 2, 3]
    assert first.cost() == Cost()  # made by itself: on its own clock
    second = Shared(tmp_path)
    assert second.get("outer", outer).tolist() == [1, 2, 3]
    with_outer = second.cost()
    assert with_outer.seconds > 0
    assert second.get("inner", inner).tolist() == [0, 1, 2]
    assert second.cost() == with_outer  # it was part of it already
    assert calls == ["outer", "inner"]


# ---------------------------------------------------------------- peers


@pytest.mark.parametrize("kind", [LabelSpreading, LabelPropagation])
def test_neighbours_found_once_give_what_scikit_learn_gives(kind):
    X, y = load_digits(return_X_y=True)
    # Whole numbers have neighbours at equal distances, any of which is right.
    X = X + np.random.default_rng(0).normal(scale=0.01, size=X.shape)
    train, test = X[:400], X[400:600]
    y_semi = np.full(400, -1)
    y_semi[::10] = y[:400:10]
    finder = NearestNeighbors(n_neighbors=15).fit(train)
    rows = [finder.kneighbors(part, return_distance=False) for part in (train, test)]
    given = kind(kernel=knn_kernel(*rows, 7)).fit(train, y_semi)
    own = kind(kernel="knn", n_neighbors=7).fit(train, y_semi)
    np.testing.assert_array_equal(given.transduction_, own.transduction_)
    np.testing.assert_allclose(given.label_distributions_, own.label_distributions_)
    np.testing.assert_array_equal(given.predict(test), own.predict(test))
    # A kernel of other neighbours is another kernel.
    other = kind(kernel=knn_kernel(*rows, 15)).fit(train, y_semi)
    assert (other.transduction_ != own.transduction_).any()


def test_tuning_sees_only_the_labels_that_are_not_hidden():
    positions = np.arange(6)
    y_semi = np.full(10, -1)
    y_semi[positions] = [0, 1, 0, 1, 0, 1]
    seen = []

    def fit_predict(y_partial):
        seen.append(y_partial)
        return np.zeros(10, dtype=int)

    assert hidden_accuracy(fit_predict, positions, y_semi, seed=0) == 0.5
    assert [np.sum(y >= 0) for y in seen] == [4, 4, 4]
    hidden = np.sort(np.concatenate([np.flatnonzero(y[positions] == -1) for y in seen]))
    np.testing.assert_array_equal(hidden, positions)
