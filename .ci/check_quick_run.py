"""Check the results.json of ``python -m examples.fashion_mnist --quick``.

Usage: python .ci/check_quick_run.py RESULTS_JSON

The table must be complete and each figure in a range that no seed leaves by chance
and no broken library stays in. Prints what was checked; the exit status is 1 if
something is wrong.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

Range = tuple[float, float]

# Accuracy on the test images, by strategy.
ACCURACY: dict[str, Range] = {
    "all labels": (0.80, 0.92),
    "random labels": (0.50, 0.80),
    "representatives": (0.55, 0.85),
    "propagated": (0.55, 0.85),
}
# Share of right labels; a propagator that mixed up its rows would give about 0.1, one
# that read more labels than it paid for about 1.
PROPAGATED_LABELS: Range = (0.55, 0.88)
NEEDED_FRACTIONS = (0.7, 1.0)
N_TEST, N_CLASSES = 10_000, 10


def find_problems(part: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what was checked and found good, and what is wrong."""
    good: list[str] = []
    bad: list[str] = []

    def check(condition: bool, text: str) -> None:
        (good if condition else bad).append(text)

    settings = part["settings"]
    seeds = list(range(settings["n_seeds"]))
    fractions = settings["fractions"]
    for needed in NEEDED_FRACTIONS:
        check(needed in fractions, f"fraction {needed} is among {fractions}")

    expected = [
        ("all labels", None),
        ("random labels", None),
        ("representatives", 0.0),
        *(("propagated", fraction) for fraction in fractions),
    ]
    found: dict[tuple[str, float | None], list[dict[str, Any]]] = {}
    for cell in part["cells"]:
        found.setdefault((cell["kind"], cell["fraction"]), []).append(cell)
    check(set(found) == set(expected), f"cells of {len(expected)} strategies, no other")
    summarised = [(row["kind"], row["fraction"]) for row in part["summary"]]
    check(summarised == expected, f"a summary of {len(expected)} rows, in order")

    n_train, n_clusters = settings["n_train"], settings["n_clusters"]
    for kind, fraction in expected:
        cells = found.get((kind, fraction), [])
        name = kind if not fraction else f"{kind} {fraction}"
        got = sorted(cell["seed"] for cell in cells)
        check(got == seeds, f"{name}: seeds {got}, expected {seeds}")
        for cell in cells:
            _check_cell(cell, name, n_train, n_clusters, check)

    for row in part["summary"]:
        cells = found.get((row["kind"], row["fraction"]), [])
        mean = sum(cell["accuracy"] for cell in cells) / max(1, len(cells))
        check(
            math.isclose(row["accuracy"]["mean"], mean),
            f"{row['kind']} {row['fraction']}: summary {row['accuracy']['mean']:.4f} "
            "is the mean of its seeds",
        )
    return good, bad


def _check_cell(
    cell: dict[str, Any], name: str, n_train: int, n_clusters: int, check: Any
) -> None:
    kind, fraction = cell["kind"], cell["fraction"]
    where = f"{name}, seed {cell['seed']}"
    low, high = ACCURACY[kind]
    accuracy = cell["accuracy"]
    check(
        low < accuracy < high,
        f"{where}: test accuracy {accuracy:.4f} in ({low}, {high})",
    )

    labels = cell["label_accuracy"]
    if kind == "propagated":
        low, high = PROPAGATED_LABELS
        check(low < labels < high, f"{where}: right labels {labels:.4f} in {low, high}")
        # A fraction is rounded once per cluster, by half a sample at most.
        wanted = fraction * n_train
        check(
            abs(cell["n_rows"] - wanted) <= n_clusters,
            f"{where}: {cell['n_rows']} rows, about {wanted:.0f}",
        )
    else:
        check(labels == 1.0, f"{where}: right labels {labels}, exactly 1")
        wanted = n_train if kind == "all labels" else n_clusters
        check(
            cell["n_rows"] == wanted,
            f"{where}: {cell['n_rows']} rows, exactly {wanted}",
        )
    if kind != "all labels":
        check(
            cell["n_labels"] <= n_clusters,
            f"{where}: {cell['n_labels']} labels paid for, at most {n_clusters}",
        )

    matrix = cell["confusion_matrix"]
    check(
        len(matrix) == N_CLASSES
        and all(len(row) == N_CLASSES for row in matrix)
        and sum(map(sum, matrix)) == N_TEST
        and math.isclose(
            sum(matrix[i][i] for i in range(N_CLASSES)) / N_TEST, accuracy
        ),
        f"{where}: confusion matrix of {N_TEST} images that agrees with the accuracy",
    )


def main(arguments: list[str]) -> int:
    """Check one file; return the exit status."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    path = Path(arguments[0])
    part = json.loads(path.read_text(encoding="utf-8"))["parts"]["labels"]
    good, bad = find_problems(part)
    for text in good:
        print(f"ok    {text}")
    for text in bad:
        print(f"WRONG {text}")
    print(f"{path}: {len(good)} checks passed, {len(bad)} failed.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
