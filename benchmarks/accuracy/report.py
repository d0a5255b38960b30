"""The report: JSON with everything, Markdown for the documentation, two figures."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.fashion_mnist.store import write_atomically

from .classifiers import DESCRIPTIONS
from .data import DATA_SETS
from .methods import AUTOMATIC, BASELINE, FIXED_RULES, METHODS
from .runner import read_cell
from .statistics import (
    Summary,
    best_method,
    check_automatic,
    mean_over_budgets,
    summarize,
)

PACKAGES = (
    "kmeans-labelprop",
    "numpy",
    "scikit-learn",
    "scikit-activeml",
    "graphlearning",
    "keras",
    "tensorflow",
)
#: Where a row holds the values by seed that the automatic choice is checked by.
VALUES = {"accuracy": "by_seed", "balanced": "balanced_by_seed"}


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Read all finished cells of a folder, in the order of the tables."""
    results = [read_cell(path) for path in (folder / "cells").glob("*/*/*/*.json")]
    methods, data_sets = list(METHODS), list(DATA_SETS)
    known = [
        result
        for result in results
        if result["method"] in METHODS and result["dataset"] in DATA_SETS
    ]
    return sorted(
        known,
        key=lambda r: (
            data_sets.index(r["dataset"]),
            r["classifier"],
            r["budget"],
            methods.index(r["method"]),
            r["seed"],
        ),
    )


# ---------------------------------------------------------------- numbers


def summarize_all(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Compute what the tables and figures show, from the single results."""
    by_pair: dict[tuple[str, str, int], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        pair = result["dataset"], result["classifier"], result["budget"]
        by_pair.setdefault(pair, {}).setdefault(result["method"], []).append(result)
    rows = []
    for (name, classifier, budget), by_method in by_pair.items():
        of_pair = [
            _row(cells)
            | {
                "dataset": name,
                "classifier": classifier,
                "budget": budget,
                "method": method,
            }
            for method, cells in by_method.items()
        ]
        if any(row["by_seed"] for row in of_pair):
            rows += of_pair
    return _with_checks(rows)


def _with_checks(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Name the best method of each budget, and check the automatic choice there."""
    completed, checks = [], []
    for (name, classifier), of_case in _cases(rows).items():
        for budget in dict.fromkeys(row["budget"] for row in of_case):
            of_pair = [row for row in of_case if row["budget"] == budget]
            completed += _with_best(of_pair)
            for metric, column in VALUES.items():
                values = {row["method"]: row[column] for row in of_pair}
                automatic = values.get(AUTOMATIC[metric], {})
                check = check_automatic(
                    automatic,
                    {rule: values.get(rule, {}) for rule in FIXED_RULES},
                    values.get(BASELINE, {}),
                )
                if check is not None:
                    checks.append(
                        {
                            "dataset": name,
                            "classifier": classifier,
                            "budget": budget,
                            "metric": metric,
                            "automatic": summarize(automatic.values()).mean,
                            **_jsonable(check._asdict()),
                        }
                    )
    return {"rows": completed, "checks": checks}


def _row(cells: list[dict[str, Any]]) -> dict[str, Any]:
    done = [cell for cell in cells if cell["status"] == "done"]
    failed = [cell for cell in cells if cell["status"] == "failed"]
    values = {cell["seed"]: cell["accuracy"] for cell in done}
    row: dict[str, Any] = {
        "accuracy": _jsonable(summarize(values.values())),
        "by_seed": values,
        "balanced_by_seed": {
            cell["seed"]: cell["balanced_accuracy"]
            for cell in done
            if DATA_SETS[cell["dataset"]].imbalanced
        },
        "n_failed": len(failed),
        "messages": sorted({cell["message"] for cell in failed}),
        "notes": sorted({cell["note"] for cell in done if "note" in cell}),
    }
    for name in ("balanced_accuracy", "label_accuracy", "n_training"):
        row[name] = _jsonable(summarize(c[name] for c in done if name in c))
    for name in ("seconds", "cpu_seconds", "peak_mib"):
        figures = [cell[name] for cell in done]
        row[name] = float(np.median(figures)) if figures else None
    choices = [json.dumps(c["chosen"], sort_keys=True) for c in done if "chosen" in c]
    if choices:
        row["chosen"] = {choice: choices.count(choice) for choice in set(choices)}
    return row


def _with_best(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Name in each row the best method of the rows, which are of one budget."""
    by_method = {row["method"]: row["by_seed"] for row in rows if row["by_seed"]}
    n_seeds = max(map(len, by_method.values()), default=0)
    best = best_method(by_method, n_seeds) if by_method else None
    return [row | {"best": best} for row in rows]


def _jsonable(value: Any) -> Any:
    if isinstance(value, Summary):
        return {name: _jsonable(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {name: _jsonable(part) for name, part in value.items()}
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def add_published(
    summary: dict[str, Any], machine: dict[str, Any], published: dict[str, Any]
) -> dict[str, Any]:
    """Add the published figures of the methods that a summary lacks.

    Parameters
    ----------
    summary : dict
        What `summarize_all` returns.
    machine : dict
        What it was measured with, as `describe_machine` returns it.
    published : dict
        A report written before, as read from its JSON.

    Returns
    -------
    summary : dict
        With the rows of both, in the order of the tables, and checks of these. A
        method measured anew on a data set has its new figures alone.

    Raises
    ------
    ValueError
        If the two were measured with other versions or on another machine.
    """

    def source(row: dict[str, Any]) -> tuple[str, str, str]:
        return row["dataset"], row["classifier"], row["method"]

    measured = {source(row) for row in summary["rows"]}
    kept = [_complete(row) for row in published["rows"] if source(row) not in measured]
    if kept and published["machine"] != machine:
        raise ValueError(
            "The published figures were measured with "
            f"{published['machine']}, these with {machine}. Compute everything in one "
            "environment, or delete the published report."
        )
    data_sets, methods = list(DATA_SETS), list(METHODS)
    return _with_checks(
        sorted(
            [*summary["rows"], *kept],
            key=lambda row: (
                data_sets.index(row["dataset"]),
                row["classifier"],
                row["budget"],
                methods.index(row["method"]),
            ),
        )
    )


def _complete(row: dict[str, Any]) -> dict[str, Any]:
    """Put back what `as_json` leaves out, and whole numbers as keys."""
    nothing = dict.fromkeys(("seconds", "cpu_seconds", "peak_mib"))
    left_out = {"messages": [], "notes": [], **nothing}
    values = {
        column: {int(seed): value for seed, value in row.get(column, {}).items()}
        for column in VALUES.values()
    }
    return row | values | {k: v for k, v in left_out.items() if k not in row}


def as_json(report: dict[str, Any]) -> str:
    """Write the report with one line for each row and check.

    Of the rows without what follows from others, and without what is empty.
    `add_published` reads it.
    """
    parts = []
    for name, value in report.items():
        if isinstance(value, list):
            if name == "rows":
                value = [
                    {
                        key: entry
                        for key, entry in row.items()
                        if entry not in (None, [], {}) and key != "best"
                    }
                    for row in value
                ]
            lines = ",\n".join(json.dumps(_rounded(row)) for row in value)
            parts.append(f"{json.dumps(name)}: [\n{lines}\n]")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return round(value, 5) if isinstance(value, float) else value


def describe_machine(n_threads: int | None = 1) -> dict[str, Any]:
    """Return the versions and the machine, for the record."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads_per_cell": n_threads,
        "versions": versions,
    }


# ---------------------------------------------------------------- Markdown


def percent(value: float | None, signed: bool = False) -> str:
    """Write a share in percent; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:+.1f}" if signed else f"{100 * value:.1f}"


def plus_minus(
    summary: dict[str, Any], spread: str = "std", signed: bool = False
) -> str:
    """Write mean ± spread in percent."""
    if not summary or summary["n"] == 0:
        return "–"
    text = percent(summary["mean"], signed)
    if summary[spread] is not None:
        text += f" ± {percent(summary[spread])}"
    return text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table; the first column to the left, the others to the right."""
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join(["---"] + ["--:"] * (len(head) - 1)) + "|",
    ]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def _cases(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    cases: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        cases.setdefault((row["dataset"], row["classifier"]), []).append(row)
    return cases


def checks_table(checks: list[dict[str, Any]]) -> str:
    """Write the checks of the automatic choice: one row per data set and budget."""
    rows = []
    for check in checks:
        metric = "" if check["metric"] == "accuracy" else ", balanced"
        minus_best, minus_random = (
            plus_minus(check[name], "error", True)
            for name in ("minus_best", "minus_random")
        )
        rows.append(
            [
                f"{check['dataset']}, {check['classifier']}{metric}",
                str(check["budget"]),
                percent(check["automatic"]),
                METHODS[check["best_rule"]].text,
                f"{minus_best} {'pass' if check['is_near_best'] else '**FAIL**'}",
                f"{minus_random} {'pass' if check['is_above_random'] else '**FAIL**'}",
            ]
        )
    head = ["data set", "labels", "chosen, %", "best fixed rule"]
    return table(
        [
            *head,
            "chosen minus best rule (no less than -2)",
            "minus random (no less than its error)",
        ],
        rows,
    )


def mean_accuracies(
    rows: list[dict[str, Any]],
) -> tuple[list[str], NDArray[np.float64]]:
    """Arrange the mean accuracies of the methods over all data sets and budgets.

    Returns
    -------
    methods : list of str
        Those that are run on all data sets.
    accuracies : ndarray of shape (n_pairs, n_methods), dtype=float64
        A row for each pair of data set and budget where each method has a result.
    """
    methods = [name for name in METHODS if not METHODS[name].only_imbalanced]
    means: dict[tuple[str, str, int], dict[str, float]] = {}
    for row in rows:
        if row["method"] in methods and row["accuracy"]["n"]:
            where = row["dataset"], row["classifier"], row["budget"]
            means.setdefault(where, {})[row["method"]] = row["accuracy"]["mean"]
    complete = [of for of in means.values() if len(of) == len(methods)]
    accuracies = [[of[name] for name in methods] for of in complete]
    return methods, np.array(accuracies, dtype=np.float64).reshape(-1, len(methods))


#: What the README shows of the benchmark.
HEADLINE = (
    BASELINE,
    "poisson_descent",
    "self_training_tuned",
    "spreading_tuned",
    "typiclust",
    "original",
    "spreading_tuned_representatives",
    AUTOMATIC["accuracy"],
    "graph_100",
)


def headline_table(rows: list[dict[str, Any]]) -> str:
    """Write the mean accuracy of some methods, the best last, for the README."""
    methods, accuracies = mean_accuracies(rows)
    lines = [
        [METHODS[name].text.strip("*"), percent(accuracies[:, column].mean())]
        for name, column in sorted(
            ((name, methods.index(name)) for name in HEADLINE),
            key=lambda item: accuracies[:, item[1]].mean(),
        )
    ]
    names = {row["dataset"] for row in rows}
    n_seeds = min(row["accuracy"]["n"] for row in rows)
    return (
        table(["the same number of labels, spent by", "test accuracy, %"], lines)
        + f"\n{len(names)} data sets, {len(accuracies)} pairs of data set and number "
        f"of labels, {n_seeds} seeds each."
    )


def overall_table(rows: list[dict[str, Any]]) -> str:
    """Write how the methods compare over all data sets and budgets.

    Only data sets and budgets count where each method has a result.
    """
    methods, accuracies = mean_accuracies(rows)
    if not len(accuracies):
        return "No data set has a result of each method yet.\n"
    rules = [methods.index(name) for name in FIXED_RULES]
    behind = accuracies[:, rules].max(axis=1, keepdims=True) - accuracies
    is_best = accuracies == accuracies.max(axis=1, keepdims=True)
    lines = [
        [
            METHODS[name].text,
            percent(accuracies[:, column].mean()),
            percent(behind[:, column].mean()),
            percent(behind[:, column].max()),
            str(is_best[:, column].sum()),
        ]
        for column, name in enumerate(methods)
    ]
    head = [
        "method",
        "accuracy, %",
        "behind the best rule, points",
        "at most",
        "best of all, times",
    ]
    return (
        f"Means over {len(accuracies)} pairs of data set and number of labels, each a "
        "mean over the seeds. The best rule is the best of this library's fixed rules "
        "(representatives only, cluster, graph) for the pair, by its mean on the test "
        "part.\n\n" + table(head, lines)
    )


def case_table(rows: list[dict[str, Any]]) -> str:
    """Write the table of one data set and classifier: a row for each method."""
    budgets = sorted({row["budget"] for row in rows})
    middle = budgets[len(budgets) // 2]
    is_imbalanced = DATA_SETS[rows[0]["dataset"]].imbalanced
    by_key = {(row["method"], row["budget"]): row for row in rows}
    overall = _differences_over_budgets(rows)
    best = {
        budget: next(row["best"] for row in rows if row["budget"] == budget)
        for budget in budgets
    }
    lines = []
    present = {row["method"] for row in rows}
    for method in (name for name in METHODS if name in present):
        line = [METHODS[method].text]
        for budget in budgets:
            row = by_key.get((method, budget))
            text = plus_minus(row["accuracy"]) if row else "–"
            if row and row["n_failed"]:
                text += f" ({row['n_failed']} failed)"
            line.append(f"**{text}**" if method == best[budget] else text)
        row = by_key.get((method, middle))
        if is_imbalanced:
            line.append(plus_minus(row["balanced_accuracy"]) if row else "–")
        line += [plus_minus(each, "error", True) for each in overall[method]]
        if row is None or row["seconds"] is None:
            line += ["–"] * 4
        else:
            line += [
                percent(row["label_accuracy"]["mean"]),
                f"{row['seconds']:.1f}",
                f"{row['cpu_seconds']:.1f}",
                f"{row['peak_mib']:.0f}",
            ]
        lines.append(line)
    head = ["method", *(f"{budget} labels" for budget in budgets)]
    if is_imbalanced:
        head.append(f"balanced, {middle}")
    head += ["minus random", "minus best", "labels right", "s", "CPU s", "MiB"]
    return table(head, lines)


def _differences_over_budgets(
    rows: list[dict[str, Any]],
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Paired differences to random labels and to the best, mean over the budgets."""
    values: dict[str, dict[tuple[int, int], float]] = {}
    best = {}
    for row in rows:
        best[row["budget"]] = row["best"]
        for seed, value in row["by_seed"].items():
            values.setdefault(row["method"], {})[row["budget"], int(seed)] = value
    random = values.get(BASELINE, {})
    highest = {
        key: value
        for method, of_method in values.items()
        for key, value in of_method.items()
        if best[key[0]] == method
    }

    def difference(mine: dict[Any, float], others: dict[Any, float]) -> dict[str, Any]:
        common = mine.keys() & others.keys()
        by_seed = mean_over_budgets({key: mine[key] - others[key] for key in common})
        summary: dict[str, Any] = _jsonable(summarize(by_seed.values()))
        return summary

    return {
        method: (
            difference(values.get(method, {}), random),
            difference(values.get(method, {}), highest),
        )
        for method in dict.fromkeys(row["method"] for row in rows)
    }


def failures_list(rows: list[dict[str, Any]]) -> str:
    """List what failed and what could not be run as it is, with the messages."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for message in row["messages"]:
            key = METHODS[row["method"]].text, f"failed: {message}"
            told.setdefault(key, []).append(f"{row['dataset']} {row['budget']}")
        for note in row["notes"]:
            told.setdefault((METHODS[row["method"]].text, note), []).append(
                f"{row['dataset']} {row['budget']}"
            )
    if not told:
        return "Nothing failed, and all ran as they are.\n"
    return "".join(
        f"* {method}: {message} ({', '.join(where)})\n"
        for (method, message), where in told.items()
    )


def markdown(summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write the report without its figures."""
    rows, checks = summary["rows"], summary["checks"]
    n_seeds = {row["accuracy"]["n"] for row in rows}
    least, most = min(n_seeds, default=0), max(n_seeds, default=0)
    parts = [
        "# Results\n",
        "## Which methods are best overall?\n",
        overall_table(rows),
        "## Do the labels choose well?\n",
        "The library's own choice (`PropagatedClassifierCV`) should be no more than 2 "
        "points below the best of its fixed rules, which nobody could know, and not "
        "below random labels by more than the standard error: else the table says so. "
        "In points, mean over the seeds ± standard error of the paired difference; on "
        "imbalanced data also by balanced accuracy.\n",
        checks_table(checks) if checks else "No result of the choice yet.\n",
    ]
    for (name, classifier), of_case in _cases(rows).items():
        data_set = DATA_SETS[name]
        parts += [
            f"## {name}, {classifier}\n",
            f"{data_set.source}. On top: {DESCRIPTIONS[classifier]}.\n",
            case_table(of_case),
        ]
    parts += ["## What failed or could not be run as it is\n", failures_list(rows)]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    parts += [
        "## The run\n",
        f"{least if least == most else f'{least} to {most}'} seeds a figure, one "
        f"thread a cell on a machine of {machine['cores']} cores. Python "
        f"{machine['python']}, {versions}.\n",
    ]
    return "\n".join(parts)


# ---------------------------------------------------------------- all of it


def write_report(folder: Path, documentation: Path | None = None) -> None:
    """Write the report of a folder; print the checks.

    Parameters
    ----------
    folder : Path
        Where the finished cells are, and where the report goes.
    documentation : Path or None
        The repository, to put the report where the documentation includes it. The
        methods that the folder lacks on a data set keep the figures published there.
    """
    from .figures import draw_budgets, draw_differences

    results = read_results(folder)
    if not results:
        print(f"no finished cell in {folder}")
        return
    summary, machine = summarize_all(results), describe_machine()
    published = documentation and documentation / "benchmarks/results/accuracy.json"
    if published is not None and published.exists():
        record = json.loads(published.read_text(encoding="utf-8"))
        summary = add_published(summary, machine, record)
    write_atomically(folder / "accuracy.json", as_json({"machine": machine, **summary}))
    write_atomically(folder / "accuracy.md", markdown(summary, machine))
    figures = [
        draw_budgets(summary["rows"], folder / "accuracy_budgets.png"),
        draw_differences(summary["rows"], folder / "accuracy_differences.png"),
    ]
    print_checks(summary)
    print(f"written to {folder / 'accuracy.json'} and beside it")
    if documentation is not None:
        target = documentation / "benchmarks" / "results"
        for name in ("accuracy.json", "accuracy.md"):
            shutil.copy(folder / name, target)
        for figure in figures:
            if figure is not None:
                shutil.copy(figure, documentation / "docs" / "_static")


def print_checks(summary: dict[str, Any]) -> None:
    """Print the checks and the number of failed cells."""
    for check in summary["checks"]:
        for name, difference, passed in (
            (f"best rule ({check['best_rule']})", "minus_best", "is_near_best"),
            ("random labels", "minus_random", "is_above_random"),
        ):
            print(
                f"{'pass' if check[passed] else 'FAIL'}  {check['dataset']:16} "
                f"{check['classifier']:9} {check['budget']:4} {check['metric']:9} "
                f"chosen minus {name}: "
                f"{plus_minus(check[difference], 'error', True)}"
            )
    n_failed = sum(row["n_failed"] for row in summary["rows"])
    print(f"{n_failed} cells failed" if n_failed else "no cell failed")
