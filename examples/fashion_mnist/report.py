"""From the per-seed figures to a summary, and from the summary to tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .store import DamagedFileError

FORMAT = 1


class Published(NamedTuple):
    """A figure of the report: test accuracy in percent, or what it says instead."""

    percent: float | None
    text: str


#: The figures to compare with, and the only ones here that are not measured. Source:
#: the report that the project starts from (Fashion-MNIST, 30 epochs; its code, its
#: network and its number of runs are not known). By kind and fraction.
PUBLISHED: dict[tuple[str, float | None], Published] = {
    ("all labels", None): Published(89.6, "89.6"),
    ("random labels", None): Published(61.3, "61.3"),
    ("representatives", 0.0): Published(63.4, "63.4"),
    ("propagated", 0.7): Published(71.52, "71.52"),
    ("propagated", 1.0): Published(None, "lower than at 70 %"),
}

_SUMMARISED = (
    "accuracy",
    "label_accuracy",
    "n_labels",
    "n_rows",
    "labelling_seconds",
    "training_seconds",
)


def mean_and_std(values: Sequence[float]) -> dict[str, float | None]:
    """Return the mean and the sample standard deviation (None of one value)."""
    std = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "std": std}


def summarise(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarise the cells of each strategy over its seeds, in order of appearance."""
    groups: dict[tuple[str, float | None], list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault((record["kind"], record["fraction"]), []).append(record)
    rows = []
    for (kind, fraction), group in groups.items():
        row: dict[str, Any] = {
            "kind": kind,
            "fraction": fraction,
            "seeds": [record["seed"] for record in group],
        }
        for name in _SUMMARISED:
            row[name] = mean_and_std([record[name] for record in group])
        rows.append(row)
    return rows


def to_json(results: dict[str, Any]) -> str:
    """Write results as JSON: a line for each entry, and one for a list of numbers."""
    text = json.dumps(results, indent=1)
    return re.sub(r"\[[-+.,\deE\s]+\]", _on_one_line, text) + "\n"


def _on_one_line(match: re.Match[str]) -> str:
    return re.sub(r"\s+", " ", match.group()).replace("[ ", "[").replace(" ]", "]")


def read_results(path: Path) -> dict[str, Any]:
    """Read a ``results.json``.

    Raises
    ------
    DamagedFileError
        If the file is not one of this program's.
    """
    text = path.read_text(encoding="utf-8")
    try:
        results = json.loads(text)
    except ValueError as error:
        raise DamagedFileError(f"{path} is not JSON: {error}") from error
    is_legal = (
        isinstance(results, dict)
        and results.get("format") == FORMAT
        and isinstance(results.get("parts"), dict)
        and all(
            isinstance(part, dict) and "command" in part
            for part in results["parts"].values()
        )
    )
    if not is_legal:
        raise DamagedFileError(f"{path} is not a results.json of format {FORMAT}.")
    return results


def percent(figure: dict[str, float | None], digits: int = 1) -> str:
    """Format a share as percent, ``mean ± std``; all of it, always, as ``100``."""
    mean, std = figure["mean"], figure["std"]
    assert mean is not None
    if mean == 1 and not std:
        return "100"
    text = f"{100 * mean:.{digits}f}"
    return text if std is None else f"{text} ± {100 * std:.{digits}f}"


def describe_strategy(kind: str, fraction: float | None, n_labels: float) -> str:
    """Name a strategy as the first column of the table does."""
    if kind == "all labels":
        return f"all {n_labels:,.0f} labels"
    if kind == "random labels":
        return f"{n_labels:.0f} random images"
    if kind == "representatives":
        return f"{n_labels:.0f} representatives"
    if kind.startswith("default recipe"):
        return f"**{kind}**"
    assert fraction is not None
    return f"spread to {100 * fraction:g} % of each cluster"


def labels_table(part: dict[str, Any]) -> str:
    """Write the table of the strategies in Markdown."""
    lines = [
        "| training labels | labels paid for | training images | right labels, % "
        "| test accuracy, % | the report, % | training, s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in part["summary"]:
        kind, fraction = row["kind"], row["fraction"]
        n_labels = row["n_labels"]["mean"]
        published = PUBLISHED.get((kind, fraction))
        cells = (
            describe_strategy(kind, fraction, n_labels),
            f"{n_labels:,.0f}",
            f"{row['n_rows']['mean']:,.0f}",
            percent(row["label_accuracy"]),
            percent(row["accuracy"]),
            published.text if published else "",
            f"{row['training_seconds']['mean']:.0f}",
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def headline_table(part: dict[str, Any]) -> str:
    """Write the rows that the report has a figure for, and what made them."""
    lines = [
        "| labels | training images | test accuracy | the report |",
        "|---|--:|--:|--:|",
    ]
    for row in part["summary"]:
        published = PUBLISHED.get((row["kind"], row["fraction"]))
        if published is None:
            if not row["kind"].startswith("default recipe"):
                continue
            published = Published(None, "")
        name = describe_strategy(row["kind"], row["fraction"], row["n_labels"]["mean"])
        cells = (
            name,
            f"{row['n_rows']['mean']:,.0f}",
            percent(row["accuracy"]),
            published.text,
        )
        lines.append("| " + " | ".join(cells) + " |")
    n_seeds = len(part["summary"][0]["seeds"])
    lines += ["", f"{n_seeds} seeds, made by `{part['command']}`."]
    return "\n".join(lines)


def labels_notes(part: dict[str, Any]) -> str:
    """Write what one must know to read the table: data, seeds, network, time."""
    settings, network = part["settings"], part["network"]
    n_seeds = {len(row["seeds"]) for row in part["summary"]}
    assert len(n_seeds) == 1, "all strategies run with the same seeds"
    (n,) = n_seeds
    spread = f"mean ± standard deviation of {n} seeds" if n > 1 else "one seed"
    clustering = max(
        (record["labelling_seconds"] for record in part["cells"]), default=0.0
    )
    packages = ", ".join(f"{name} {v}" for name, v in part["versions"].items())
    units = "-".join(str(units) for units in network["hidden_units"])
    return "\n".join(
        [
            f"Fashion-MNIST, {settings['n_train']:,} training images, 10,000 test "
            f"images; {spread}. A seed fixes the clustering, the random choice and "
            "the network. *Right labels* is the share of the training labels that "
            "are true; *the report* is what the project starts from, whose network "
            "is not known.",
            "",
            f"Network: dense {units} on pixels, batch normalisation, dropout "
            f"{network['dropout']}, Adam from {network['learning_rate']}, "
            f"{settings['epochs']} epochs. Clustering: k-means on pixels, "
            f"{settings['n_clusters']} clusters, at most {clustering:.0f} s, once per "
            "seed.",
            "",
            "*Default recipe*: image features, and rule and fraction chosen by the "
            "labels paid for (`PropagatedClassifierCV`); its seconds are those of the "
            f"whole, embedding and choice included. Chosen were {_chosen(part)}. The "
            "convolutional network has two layers of 3 × 3 filters and takes a fifth "
            "of the epochs. Both networks learn what the labels say, and are not right "
            f"more often. Of the errors of the dense one are {_confused(part)}.",
            "",
            f"Made by `{part['command']}` with {packages}.",
        ]
    )


def _chosen(part: dict[str, Any]) -> str:
    """List what the default recipe chose with the dense network, most often first."""
    counts = Counter(
        f"{record['chosen']['propagation']} at {record['chosen']['fraction']:g}"
        for record in part["cells"]
        if record["kind"] == "default recipe"
    )
    return ", ".join(f"{choice} ({n} ×)" for choice, n in counts.most_common())


def _confused(part: dict[str, Any], n_pairs: int = 4) -> str:
    """List the classes that the default recipe takes for each other most often."""
    errors = sum(
        np.array(record["confusion_matrix"])
        for record in part["cells"]
        if record["kind"] == "default recipe"
    )
    np.fill_diagonal(errors, 0)
    pairs = np.triu(errors + errors.T)
    names = [name.lower() for name in part["target_names"]]
    highest = np.argsort(-pairs, axis=None)[:n_pairs]
    confused = [
        f"{100 * pairs[i, j] / pairs.sum():.0f} % between {names[i]} and {names[j]}"
        for i, j in zip(*np.unravel_index(highest, pairs.shape), strict=True)
    ]
    return ", ".join(confused)


def labels_markdown(part: dict[str, Any]) -> str:
    """Write the section of the strategies: the table and its notes."""
    return f"## How far labels go\n\n{labels_table(part)}\n\n{labels_notes(part)}\n"
