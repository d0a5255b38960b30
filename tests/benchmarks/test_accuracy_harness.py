"""What the harness does with cells, arguments and published figures."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time

import numpy as np
import pytest

from benchmarks.accuracy import cli
from benchmarks.accuracy.budget import BUDGET
from benchmarks.accuracy.data import split
from benchmarks.accuracy.files import DamagedFileError, write_atomically
from benchmarks.accuracy.harness import Method
from benchmarks.accuracy.measure import Cost, Shared
from benchmarks.accuracy.methods import AUTOMATIC, BASELINE, METHODS, PEER
from benchmarks.accuracy.report import (
    HEADLINE,
    calibration_table,
    headline_table,
    markdown,
    overall_table,
    peer_sentence,
)
from benchmarks.accuracy.runner import (
    Cell,
    open_cells,
    read_cell,
    run,
    run_cell,
    write_cell,
)
from benchmarks.accuracy.settings import SETTINGS
from benchmarks.accuracy.tables import (
    add_published,
    as_json,
    describe_machine,
    read_results,
    summarize_all,
    write_report,
)

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
    shared = tmp_path / "shared"
    cells = [Cell("wine", 3, 20, "logistic", name) for name in ("random", *bad)]
    run(BUDGET, cells[:-1], tmp_path, shared, n_jobs=2, timeout=600)
    run(BUDGET, cells[-1:], tmp_path, shared, n_jobs=2, timeout=0.5)
    results = {cell.method: read_cell(cell.path(tmp_path)) for cell in cells}
    assert results["random"]["accuracy"] > 0.5
    assert results["random"]["label_accuracy"] == 1
    assert results["random"]["n_training"] == 20
    assert results["raises"]["message"] == "MemoryError: 28 GB"
    assert "ended with -9" in results["dies"]["message"]
    assert results["hangs"]["message"] == "not finished after 0.5 s"
    assert not open_cells(cells, tmp_path)


@pytest.mark.parametrize(
    "method", ["original", "graph_70", "neighbors", "automatic", "spreading"]
)
def test_methods_are_deterministic_and_learn(tmp_path, method):
    cell = Cell("wine", 1, 20, "logistic", method)
    problem = split("wine", 1)
    first, again = (
        run_cell(cell, METHODS[method], problem, Shared(tmp_path / name))
        for name in "ab"
    )
    assert first["status"] == "done", first
    assert first["accuracy"] == again["accuracy"] > 0.7
    assert first["log_loss"] == again["log_loss"]
    assert 0 <= first["calibration_error"] < 0.5


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
    summary = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    text = markdown(BUDGET, summary, describe_machine())
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
    settings = [name for name in METHODS if METHODS[name].only is None]
    best = {20: "cluster_30", 50: "graph_100"}
    for seed, budget in itertools.product(range(2), best):
        for method in settings:
            accuracy = 0.9 if method == best[budget] else 0.8
            cell = Cell("digits", seed, budget, "logistic", method)
            write_cell(tmp_path, cell, done(accuracy))
    write_cell(tmp_path, Cell("wine", 0, 10, "logistic", "original"), done(0.1))
    text = overall_table(summarize_all(BUDGET, read_results(BUDGET, tmp_path))["rows"])
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
            for row in summarize_all(BUDGET, read_results(BUDGET, tmp_path))["rows"]
            if row["dataset"] == "digits"
        ]
    ).splitlines()
    assert shown[2] == "| random labels | 80.0 |"
    assert shown[1 + len(HEADLINE)] == "| graph rule, 100 % | 85.0 |"
    assert shown[-1].startswith("1 data sets, 2 pairs")


def test_report_shows_differences_in_points(tmp_path):
    write_some_cells(tmp_path, automatic=0.795)
    text = markdown(
        BUDGET,
        summarize_all(BUDGET, read_results(BUDGET, tmp_path)),
        describe_machine(),
    )
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
    before = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    published = json.loads(as_json({"machine": machine, **before}))
    anew = tmp_path / "anew"
    write_cell(anew, Cell("wine", 0, 20, "logistic", BASELINE), done(0.5))
    wine = summarize_all(BUDGET, read_results(BUDGET, anew))
    both = add_published(BUDGET, wine, machine, published)
    # Those of wine are the new ones alone, those of digits as they were.
    assert [
        (row["budget"], row["accuracy"]["mean"])
        for row in both["rows"]
        if row["dataset"] == "wine"
    ] == [(20, 0.5)]
    shown, of_digits = (
        markdown(
            BUDGET,
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
    before = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    published = json.loads(as_json({"machine": machine, **before}))
    anew = {"automatic": 0.795, "automatic_balanced": 0.81}
    write(tmp_path / "anew", anew)
    both = add_published(
        BUDGET,
        summarize_all(BUDGET, read_results(BUDGET, tmp_path / "anew")),
        machine,
        published,
    )
    # As if all had been measured at once.
    write(tmp_path, anew)
    at_once = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    assert as_json(both) == as_json(at_once)
    assert [check["is_near_best"] for check in before["checks"]] == [False, False]
    assert {c["metric"]: c["minus_best"]["mean"] for c in both["checks"]} == {
        "accuracy": pytest.approx(-0.005),
        "balanced": pytest.approx(0.01),
    }


def test_figures_of_different_machines_are_not_published_together(tmp_path):
    write_some_cells(tmp_path)
    summary = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    published = json.loads(as_json({"machine": {"cores": 2}, **summary}))
    write_cell(tmp_path / "anew", Cell("wine", 0, 20, "logistic", BASELINE), done(0.5))
    wine = summarize_all(BUDGET, read_results(BUDGET, tmp_path / "anew"))
    with pytest.raises(ValueError, match=r"measured with \{'cores': 2\}, these with"):
        add_published(BUDGET, wine, {"cores": 4}, published)
    # Nothing of the other machine is left.
    assert add_published(BUDGET, summary, {"cores": 4}, published) == summary


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


# ---------------------------------------------------------------- files


def test_a_file_is_there_in_full_or_as_before(tmp_path, monkeypatch):
    path = tmp_path / "new" / "a.json"
    write_atomically(path, "old")

    def fail(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


# ---------------------------------------------------------------- the command line


def cells_of(*argv):
    arguments = cli.parse(argv)
    return cli.plan(SETTINGS[arguments.setting], arguments)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_plans_its_data_sets_and_methods(name):
    setting = SETTINGS[name]
    cells = cells_of("--setting", name)
    assert {cell.dataset for cell in cells} == set(setting.data_sets)
    assert {cell.method for cell in cells} == set(setting.methods)
    assert len(set(cells)) == len(cells)
    seeds = {cell.seed for cell in cells if cell.dataset == "fashion_mnist"}
    assert len(seeds) == setting.n_seeds.get("fashion_mnist", 10)
    quick = cells_of("--setting", name, "--quick")
    assert set(quick) < set(cells)
    assert {cell.seed for cell in quick} == {0, 1}
    assert len(quick) < 250


def test_parts_of_a_setting_can_be_chosen():
    cells = cells_of("--datasets", "wine", "--budgets", "20", "--seeds", "3")
    assert {(c.dataset, c.budget, c.seed) for c in cells} == {("wine", 20, 3)}
    # Those that are for imbalanced sets alone are left out.
    assert {cell.method for cell in cells} == set(METHODS) - {"automatic_balanced"}
    forest = cells_of("--datasets", "shuttle", "--classifiers", "forest")
    assert {cell.method for cell in forest} == set(BUDGET.short_list)


@pytest.mark.parametrize(
    "argv",
    [
        ("--setting", "partly", "--methods", "typiclust"),
        ("--setting", "partly", "--budgets", "20"),
        ("--datasets", "iris"),
    ],
)
def test_names_of_another_setting_are_refused(argv, capsys):
    with pytest.raises(SystemExit):
        cli.parse(argv)
    assert argv[-1] in capsys.readouterr().err


def test_each_setting_has_a_folder_and_finished_cells_are_not_run_again(
    tmp_path, capsys
):
    for setting in ("budget", "partly"):
        name = SETTINGS[setting].baseline
        method = SETTINGS[setting].methods[name]
        budget = {"budget": "20", "partly": "random-5"}[setting]
        argv = f"--setting {setting} --out {tmp_path} --datasets wine --seeds 0".split()
        argv += ["--methods", name, "--budgets", budget]
        for expected in ("1 cells, 1 of them", "1 cells, 0 of them"):
            cli.main(argv)
            assert expected in capsys.readouterr().out
        cell = tmp_path / setting / "cells" / "wine" / "logistic" / name
        assert [path.name for path in cell.iterdir()] == [f"{budget}-0.json"]
        report = tmp_path / setting / f"{SETTINGS[setting].report}.md"
        assert method.text in report.read_text()


def test_a_report_of_an_earlier_program_is_replaced(tmp_path):
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (tmp_path / "docs" / "_static").mkdir(parents=True)
    (results / "accuracy.json").write_text('{"digits": [1, 2]}')
    write_some_cells(tmp_path / "run")
    write_report(BUDGET, tmp_path / "run", tmp_path)
    assert json.loads((results / "accuracy.json").read_text())["rows"]
    assert (results / "accuracy.md").exists()


# ---------------------------------------------------------------- probabilities, peer


def test_probabilities_are_compared_where_all_have_them(tmp_path):
    figures = {BASELINE: (0.7, 0.2), "neighbors": (0.4, 0.05), PEER: (1.2, 0.1)}
    for name, missing in (("digits", ()), ("wine", (PEER,))):
        for method, (loss, error) in figures.items():
            told = {"log_loss": loss, "calibration_error": error}
            result = done(0.5) | ({} if method in missing else told)
            write_cell(tmp_path, Cell(name, 0, 20, "logistic", method), result)
    rows = summarize_all(BUDGET, read_results(BUDGET, tmp_path))["rows"]
    text = calibration_table(rows)
    assert text.startswith("Means over 1 pairs")
    assert f"| {METHODS['neighbors'].text} | 0.400 | 5.0 |" in text
    assert f"| {METHODS[PEER].text} | 1.200 | 10.0 |" in text


def test_probabilities_that_few_data_sets_have_are_left_out(tmp_path):
    for name in ("digits", "wine", "penguins"):
        for method in (BASELINE, PEER):
            result = done(0.5)
            if method == BASELINE or name == "wine":
                result |= {"log_loss": 0.7, "calibration_error": 0.2}
            write_cell(tmp_path, Cell(name, 0, 20, "logistic", method), result)
    rows = summarize_all(BUDGET, read_results(BUDGET, tmp_path))["rows"]
    text = calibration_table(rows)
    assert text.startswith("Means over 3 pairs")
    assert METHODS[PEER].text not in text


@pytest.mark.parametrize(("ahead", "verdict"), [(0.011, "pass"), (0.009, "FAIL")])
def test_the_choice_is_to_be_a_point_ahead_of_the_peer_on_average(
    tmp_path, ahead, verdict
):
    for budget, difference in ((20, ahead - 0.03), (50, ahead + 0.03)):
        for method, accuracy in (
            (BASELINE, 0.5),
            ("graph_70", 0.8),
            (AUTOMATIC["accuracy"], 0.8 + difference),
            (PEER, 0.8),
        ):
            cell = Cell("digits", 0, budget, "logistic", method)
            write_cell(tmp_path, cell, done(accuracy))
    summary = summarize_all(BUDGET, read_results(BUDGET, tmp_path))
    assert [check["is_near_peer"] for check in summary["checks"]] == [False, True]
    assert verdict in peer_sentence(summary["checks"])
    assert "2 pairs" in peer_sentence(summary["checks"])
