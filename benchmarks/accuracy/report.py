"""The report of one round of labels: its tables and its checks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .context import Budget
from .harness import Row, Setting
from .methods import AUTOMATIC, BASELINE, FIXED_RULES, METHODS, PEER
from .statistics import check_automatic, summarize
from .tables import (
    VALUES,
    case_sections,
    closing_sections,
    percent,
    plus_minus,
    table,
)


def check(rows: list[Row]) -> list[Row]:
    """Check the automatic choice on one data set and budget."""
    checks = []
    for metric, column in VALUES.items():
        values = {row["method"]: row[column] for row in rows}
        automatic = values.get(AUTOMATIC[metric], {})
        found = check_automatic(
            automatic,
            {rule: values.get(rule, {}) for rule in FIXED_RULES},
            values.get(BASELINE, {}),
            values.get(PEER, {}),
        )
        if found is not None:
            mean = summarize(automatic.values()).mean
            checks.append({"metric": metric, "automatic": mean, **found._asdict()})
    return checks


def checks_table(checks: list[Row]) -> str:
    """Write the checks of the automatic choice: one row per data set and budget."""
    rows = []
    for check in checks:
        metric = "" if check["metric"] == "accuracy" else ", balanced"
        minus_best, minus_random, minus_peer = (
            plus_minus(check[name], "error", True)
            for name in ("minus_best", "minus_random", "minus_peer")
        )
        rows.append(
            [
                f"{check['dataset']}, {check['classifier']}{metric}",
                str(check["budget"]),
                percent(check["automatic"]),
                METHODS[check["best_rule"]].text,
                f"{minus_best} {'pass' if check['is_near_best'] else '**FAIL**'}",
                f"{minus_random} {'pass' if check['is_above_random'] else '**FAIL**'}",
                f"{minus_peer} {'pass' if check['is_near_peer'] else '**FAIL**'}",
            ]
        )
    head = ["data set", "labels", "chosen, %", "best fixed rule"]
    return table(
        [
            *head,
            "chosen minus best rule (no less than -1)",
            "minus random (no less than its error)",
            "minus tuned LabelSpreading from representatives (no less than -1)",
        ],
        rows,
    )


def mean_accuracies(
    rows: list[Row],
) -> tuple[list[str], NDArray[np.float64]]:
    """Arrange the mean accuracies of the methods over all data sets and budgets.

    Returns
    -------
    methods : list of str
        Those that have rows, and are run on all data sets.
    accuracies : ndarray of shape (n_pairs, n_methods), dtype=float64
        A row for each pair of data set and budget where each method has a result.
    """
    present = {row["method"] for row in rows}
    methods = [
        name
        for name, method in METHODS.items()
        if name in present and method.only is None
    ]
    means: dict[tuple[str, str, Budget], dict[str, float]] = {}
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
    "neighbors",
)


def headline_table(rows: list[Row]) -> str:
    """Write the mean accuracy of some methods, the best last, for the README."""
    methods, accuracies = mean_accuracies(rows)
    lines = [
        [METHODS[name].text.strip("*"), percent(accuracies[:, column].mean())]
        for name, column in sorted(
            ((name, methods.index(name)) for name in HEADLINE if name in methods),
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


def overall_table(rows: list[Row]) -> str:
    """Write how the methods compare over all data sets and budgets.

    Only data sets and budgets count where each method has a result.
    """
    methods, accuracies = mean_accuracies(rows)
    rules = [methods.index(name) for name in FIXED_RULES if name in methods]
    if not len(accuracies) or not rules:
        return "No data set has a result of each method yet.\n"
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
        "(representatives only, cluster, graph, the neighbours) for the pair, by its "
        "mean on the test part.\n\n" + table(head, lines)
    )


#: Whose probabilities are looked at.
WITH_PROBABILITIES = (
    BASELINE,
    "representatives",
    "graph_100",
    "neighbors",
    AUTOMATIC["accuracy"],
    "spreading_tuned",
    PEER,
    "self_training_tuned",
)


def calibration_table(rows: list[Row]) -> str:
    """Write how far the probabilities of some methods can be trusted."""
    metrics = ("log_loss", "calibration_error")
    found: dict[tuple[str, str, Budget], dict[str, list[float]]] = {}
    for row in rows:
        if row["method"] in WITH_PROBABILITIES and "log_loss" in row:
            where = row["dataset"], row["classifier"], row["budget"]
            found.setdefault(where, {})[row["method"]] = [
                row[metric]["mean"] for metric in metrics
            ]
    # What only some data sets have would leave few pairs to compare.
    methods = [
        name
        for name in WITH_PROBABILITIES
        if 2 * sum(name in of for of in found.values()) >= len(found)
    ]
    complete = [of for of in found.values() if methods and set(methods) <= set(of)]
    if not complete:
        return "No data set has probabilities of each method yet.\n"
    means = np.mean([[of[name] for name in methods] for of in complete], axis=0)
    lines = [
        [METHODS[name].text, f"{loss:.3f}", percent(error)]
        for name, (loss, error) in zip(methods, means, strict=True)
    ]
    return (
        f"Means over {len(complete)} pairs of data set and number of labels. Log-loss "
        "in nats, where a probability below one in a million counts as that; expected "
        "calibration error in points, over 15 bins: by how much a method is surer than "
        "it is right, or less sure.\n\n"
        + table(["method", "log-loss", "calibration error"], lines)
    )


def peer_sentence(checks: list[Row]) -> str:
    """Tell how far the choice is ahead of the strongest peer on average."""
    ahead = [
        check["minus_peer"]["mean"]
        for check in checks
        if check["metric"] == "accuracy" and check["minus_peer"]["n"]
    ]
    if not ahead:
        return ""
    mean = float(np.mean(ahead))
    return (
        f"On average over {len(ahead)} pairs it is {percent(mean, signed=True)} points "
        "from tuned LabelSpreading from the representatives (no less than +1.0: "
        f"{'pass' if mean >= 0.01 else '**FAIL**'}).\n"
    )


def markdown(setting: Setting, summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write the report without its figures."""
    rows, checks = summary["rows"], summary["checks"]
    parts = [
        "# Results\n",
        "## Which methods are best overall?\n",
        overall_table(rows),
        "## Do the labels choose well?\n",
        "The library's own choice (`PropagatedClassifierCV`) should be no more than 1 "
        "point below the best of its fixed rules, which nobody could know, not below "
        "random labels by more than the standard error, and no more than 1 point below "
        "tuned LabelSpreading from the representatives: else the table says so. "
        "In points, mean over the seeds ± standard error of the paired difference; on "
        "imbalanced data also by balanced accuracy.\n",
        peer_sentence(checks),
        checks_table(checks) if checks else "No result of the choice yet.\n",
    ]
    parts += [
        "## How far can the probabilities be trusted?\n",
        calibration_table(rows),
        *case_sections(setting, rows),
        *closing_sections(setting, rows, machine),
    ]
    return "\n".join(parts)


def tell(checks: list[Row]) -> list[str]:
    """Write each part of each check on a line."""
    lines = []
    for check in checks:
        for name, difference, passed in (
            (f"best rule ({check['best_rule']})", "minus_best", "is_near_best"),
            ("random labels", "minus_random", "is_above_random"),
            ("tuned LabelSpreading", "minus_peer", "is_near_peer"),
        ):
            lines.append(
                f"{'pass' if check[passed] else 'FAIL'}  {check['dataset']:16} "
                f"{check['classifier']:9} {check['budget']:4} {check['metric']:9} "
                f"chosen minus {name}: "
                f"{plus_minus(check[difference], 'error', True)}"
            )
    return lines
