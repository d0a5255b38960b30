"""From finished cells to rows, tables and files: what all settings share."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .classifiers import DESCRIPTIONS
from .context import Budget
from .files import write_atomically
from .harness import Row, Setting
from .runner import read_cell
from .statistics import (
    Summary,
    best_method,
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
#: Where a row holds the values by seed that checks are made of.
VALUES = {"accuracy": "by_seed", "balanced": "balanced_by_seed"}
#: Averaged over the seeds in each row.
AVERAGED = ("balanced_accuracy", "label_accuracy", "n_training")
#: The same, where there are any.
AVERAGED_IF_THERE = ("log_loss", "calibration_error", "n_known")
#: Added up over the seeds, where there are any.
ADDED_UP = ("known_changed", "known_left_out")
#: Kept by seed in a column of its own, where there are any.
BY_SEED_IF_THERE = {"labels_right": "labels_right_by_seed"}


def read_results(setting: Setting, folder: Path) -> list[dict[str, Any]]:
    """Read all finished cells of a folder, in the order of the tables."""
    results = [read_cell(path) for path in (folder / "cells").glob("*/*/*/*.json")]
    known = [
        result
        for result in results
        if result["method"] in setting.methods
        and result["dataset"] in setting.data_sets
    ]
    return sorted(known, key=lambda result: (_place(setting, result), result["seed"]))


def _place(setting: Setting, row: Mapping[str, Any]) -> Any:
    return setting.order(
        row["dataset"], row["classifier"], row["budget"], row["method"]
    )


# ---------------------------------------------------------------- numbers


def summarize_all(
    setting: Setting, results: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Compute what the tables and figures show, from the single results."""
    by_pair: dict[tuple[str, str, Budget], dict[str, list[dict[str, Any]]]] = {}
    for result in results:
        pair = result["dataset"], result["classifier"], result["budget"]
        by_pair.setdefault(pair, {}).setdefault(result["method"], []).append(result)
    rows = []
    for (name, classifier, budget), by_method in by_pair.items():
        of_pair = [
            _row(setting, cells)
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
    return _with_checks(setting, rows)


def _with_checks(setting: Setting, rows: list[Row]) -> dict[str, Any]:
    """Name the best method of each budget, and make the checks there."""
    completed, checks = [], []
    for (name, classifier), of_case in cases(rows).items():
        for budget in dict.fromkeys(row["budget"] for row in of_case):
            of_pair = [row for row in of_case if row["budget"] == budget]
            completed += _with_best(of_pair)
            where = {"dataset": name, "classifier": classifier, "budget": budget}
            checks += [where | jsonable(check) for check in setting.check(of_pair)]
    return {"rows": completed, "checks": checks}


def _row(setting: Setting, cells: list[dict[str, Any]]) -> Row:
    done = [cell for cell in cells if cell["status"] == "done"]
    failed = [cell for cell in cells if cell["status"] == "failed"]
    values = {cell["seed"]: cell["accuracy"] for cell in done}
    row: Row = {
        "accuracy": jsonable(summarize(values.values())),
        "by_seed": values,
        "balanced_by_seed": {
            cell["seed"]: cell["balanced_accuracy"]
            for cell in done
            if setting.data_sets[cell["dataset"]].imbalanced
            and "balanced_accuracy" in cell  # not where nothing is predicted
        },
        "n_failed": len(failed),
        "messages": sorted({cell["message"] for cell in failed}),
        "notes": sorted({cell["note"] for cell in done if "note" in cell}),
    }
    for name in (*AVERAGED, *AVERAGED_IF_THERE):
        figures = [cell[name] for cell in done if name in cell]
        if figures or name in AVERAGED:
            row[name] = jsonable(summarize(figures))
    for name in ADDED_UP:
        figures = [cell[name] for cell in done if name in cell]
        if figures:
            row[name] = sum(figures)
    for name, column in BY_SEED_IF_THERE.items():
        by_seed = {cell["seed"]: cell[name] for cell in done if name in cell}
        if by_seed:
            row[column] = by_seed
    for name in ("seconds", "cpu_seconds", "peak_mib"):
        figures = [cell[name] for cell in done]
        row[name] = float(np.median(figures)) if figures else None
    choices = [json.dumps(c["chosen"], sort_keys=True) for c in done if "chosen" in c]
    if choices:
        row["chosen"] = {choice: choices.count(choice) for choice in set(choices)}
    return row


def _with_best(rows: list[Row]) -> list[Row]:
    """Name in each row the best method of the rows, which are of one budget."""
    by_method = {row["method"]: row["by_seed"] for row in rows if row["by_seed"]}
    n_seeds = max(map(len, by_method.values()), default=0)
    best = best_method(by_method, n_seeds) if by_method else None
    return [row | {"best": best} for row in rows]


def jsonable(value: Any) -> Any:
    """Turn summaries into dicts, and NaN into None."""
    if isinstance(value, Summary):
        return {name: jsonable(part) for name, part in value._asdict().items()}
    if isinstance(value, dict):
        return {name: jsonable(part) for name, part in value.items()}
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def add_published(
    setting: Setting,
    summary: dict[str, Any],
    machine: dict[str, Any],
    published: dict[str, Any],
) -> dict[str, Any]:
    """Add the published figures of the methods that a summary lacks.

    Parameters
    ----------
    setting : Setting
        What was measured.
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
    kept = [
        _complete(row)
        for row in published["rows"]
        if source(row) not in measured and row["method"] in setting.methods
    ]
    if kept and published["machine"] != machine:
        raise ValueError(
            "The published figures were measured with "
            f"{published['machine']}, these with {machine}. Compute everything in one "
            "environment, or delete the published report."
        )
    rows = sorted([*summary["rows"], *kept], key=lambda row: _place(setting, row))
    return _with_checks(setting, rows)


def _complete(row: dict[str, Any]) -> dict[str, Any]:
    """Put back what `as_json` leaves out, and whole numbers as keys."""
    nothing = dict.fromkeys(("seconds", "cpu_seconds", "peak_mib"))
    left_out = {"messages": [], "notes": [], **nothing}
    values = {
        column: {int(seed): value for seed, value in row.get(column, {}).items()}
        for column in (*VALUES.values(), *BY_SEED_IF_THERE.values())
        if column in row or column in VALUES.values()
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


def cases(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Sort rows by data set and classifier."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["dataset"], row["classifier"]), []).append(row)
    return found


def case_table(setting: Setting, rows: list[Row]) -> str:
    """Write the table of one data set and classifier: a row for each method."""
    budgets = list(dict.fromkeys(row["budget"] for row in rows))  # in order
    middle = budgets[len(budgets) // 2]
    is_imbalanced = setting.data_sets[rows[0]["dataset"]].imbalanced
    by_key = {(row["method"], row["budget"]): row for row in rows}
    overall = _differences_over_budgets(setting, rows)
    best = {
        budget: next(row["best"] for row in rows if row["budget"] == budget)
        for budget in budgets
    }
    lines = []
    present = {row["method"] for row in rows}
    for method in (name for name in setting.methods if name in present):
        line = [setting.methods[method].text]
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
    head = ["method", *map(setting.title_of, budgets)]
    if is_imbalanced:
        head.append(f"balanced, {setting.title_of(middle)}")
    head += [
        f"minus {setting.baseline_title}",
        "minus best",
        "labels right",
        "s",
        "CPU s",
        "MiB",
    ]
    return table(head, lines)


def _differences_over_budgets(
    setting: Setting,
    rows: list[Row],
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Paired differences to the baseline and to the best, mean over the budgets."""
    values: dict[str, dict[tuple[Budget, int], float]] = {}
    best = {}
    for row in rows:
        best[row["budget"]] = row["best"]
        for seed, value in row["by_seed"].items():
            values.setdefault(row["method"], {})[row["budget"], int(seed)] = value
    baseline = values.get(setting.baseline, {})
    highest = {
        key: value
        for method, of_method in values.items()
        for key, value in of_method.items()
        if best[key[0]] == method
    }

    def difference(mine: dict[Any, float], others: dict[Any, float]) -> dict[str, Any]:
        common = mine.keys() & others.keys()
        by_seed = mean_over_budgets({key: mine[key] - others[key] for key in common})
        summary: dict[str, Any] = jsonable(summarize(by_seed.values()))
        return summary

    return {
        method: (
            difference(values.get(method, {}), baseline),
            difference(values.get(method, {}), highest),
        )
        for method in dict.fromkeys(row["method"] for row in rows)
    }


def failures_list(setting: Setting, rows: list[Row]) -> str:
    """List what failed and what could not be run as it is, with the messages."""
    told: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for message in row["messages"]:
            key = setting.methods[row["method"]].text, f"failed: {message}"
            told.setdefault(key, []).append(f"{row['dataset']} {row['budget']}")
        for note in row["notes"]:
            told.setdefault((setting.methods[row["method"]].text, note), []).append(
                f"{row['dataset']} {row['budget']}"
            )
    if not told:
        return "Nothing failed, and all ran as they are.\n"
    return "".join(
        f"* {method}: {message} ({', '.join(where)})\n"
        for (method, message), where in told.items()
    )


def case_sections(setting: Setting, rows: list[Row]) -> list[str]:
    """Write a section for each data set and classifier."""
    parts = []
    for (name, classifier), of_case in cases(rows).items():
        parts += [
            f"## {name}, {classifier}\n",
            f"{setting.data_sets[name].source}. On top: {DESCRIPTIONS[classifier]}.\n",
            case_table(setting, of_case),
        ]
    return parts


def closing_sections(
    setting: Setting, rows: list[Row], machine: dict[str, Any]
) -> list[str]:
    """Write what failed, and with what the figures were made."""
    n_seeds = {row["accuracy"]["n"] for row in rows}
    least, most = min(n_seeds, default=0), max(n_seeds, default=0)
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    return [
        "## What failed or could not be run as it is\n",
        failures_list(setting, rows),
        "## The run\n",
        f"{least if least == most else f'{least} to {most}'} seeds a figure, one "
        f"thread a cell on a machine of {machine['cores']} cores. Python "
        f"{machine['python']}, {versions}.\n",
    ]


# ---------------------------------------------------------------- all of it


def write_report(
    setting: Setting, folder: Path, documentation: Path | None = None
) -> None:
    """Write the report of a folder; print the checks.

    Parameters
    ----------
    setting : Setting
        What was measured.
    folder : Path
        Where the finished cells are, and where the report goes.
    documentation : Path or None
        The repository, to put the report where the documentation includes it. The
        methods that the folder lacks on a data set keep the figures published there.
    """
    results = read_results(setting, folder)
    if not results:
        print(f"no finished cell in {folder}")
        return
    summary, machine = summarize_all(setting, results), describe_machine()
    names = [f"{setting.report}.json", f"{setting.report}.md"]
    published = documentation and documentation / "benchmarks" / "results" / names[0]
    if published is not None and published.exists():
        record = json.loads(published.read_text(encoding="utf-8"))
        if "rows" in record:  # not one that an earlier program has written
            summary = add_published(setting, summary, machine, record)
    write_atomically(folder / names[0], as_json({"machine": machine, **summary}))
    write_atomically(folder / names[1], setting.markdown(summary, machine))
    figures = [
        draw(summary["rows"], folder / name) for name, draw in setting.figures.items()
    ]
    for line in setting.tell(summary["checks"]):
        print(line)
    n_failed = sum(row["n_failed"] for row in summary["rows"])
    print(f"{n_failed} cells failed" if n_failed else "no cell failed")
    print(f"written to {folder / names[0]} and beside it")
    if documentation is not None:
        target = documentation / "benchmarks" / "results"
        for name in names:
            shutil.copy(folder / name, target)
        for figure in figures:
            if figure is not None:
                shutil.copy(figure, documentation / "docs" / "_static")
