"""Check the results.json of ``python -m examples.fashion_mnist --quick``.

Usage: python .ci/check_quick_run.py RESULTS_JSON

Both parts must be complete and each figure in a range that no seed leaves by chance
and no broken library stays in. Prints what was checked; the exit status is 1 if
something is wrong.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Range = tuple[float, float]
Check = Callable[[bool, str], None]

# Accuracy on the test images, by strategy.
ACCURACY: dict[str, Range] = {
    "all labels": (0.80, 0.92),
    "random labels": (0.50, 0.80),
    "representatives": (0.55, 0.85),
    "propagated": (0.55, 0.85),
    "default recipe": (0.68, 0.90),
}
# Share of right labels; a propagator that mixed up its rows would give about 0.1, one
# that read more labels than it paid for about 1.
PROPAGATED_LABELS: Range = (0.55, 0.88)
RECIPE_LABELS: Range = (0.65, 0.999)
NEEDED_FRACTIONS = (0.7, 1.0)
N_TEST, N_CLASSES = 10_000, 10


# Purity of the test images in clusters of training images, by kind and number.
PURITY: dict[tuple[str, int], Range] = {
    ("k-means", 5): (0.33, 0.50),
    ("k-means", 7): (0.38, 0.58),
    ("k-means", 10): (0.45, 0.68),
    ("each cluster again", 5): (0.42, 0.68),
    ("again where it helps most", 5): (0.42, 0.68),
}
VARIANCE: Range = (0.82, 0.90)  # that 50 components keep
SILHOUETTE: Range = (0.12, 0.30)
N_FIRST_LEVEL, N_SPLIT, MOST_MOVED = 5, 10, 20


def check_labels(part: dict[str, Any], check: Check) -> None:
    """Check how the network does with the labels of each strategy."""
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
        ("default recipe", None),
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


def _check_cell(
    cell: dict[str, Any], name: str, n_train: int, n_clusters: int, check: Check
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
    elif kind == "default recipe":
        low, high = RECIPE_LABELS
        check(low < labels < high, f"{where}: right labels {labels:.4f} in {low, high}")
        chosen = cell["chosen"]
        check(
            chosen["fraction"] > 0 and n_clusters < cell["n_rows"] <= n_train,
            f"{where}: chosen {chosen}, which propagates, {cell['n_rows']} rows",
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


def check_clusters(part: dict[str, Any], check: Check) -> None:
    """Check the curve, and what the clusters hold."""
    n_seeds = part["settings"]["n_seeds"]
    low, high = VARIANCE
    kept = part["embedding"]["explained_variance"]
    check(low < kept < high, f"components keep {kept:.3f} in {VARIANCE}")
    _check_curve(part["curve"], n_seeds, check)

    expected = {
        ("k-means", "components", 5),
        ("k-means", "components", 7),
        ("k-means", "components", 10),
        ("k-means", "pixels", 5),
        ("k-means", "pixels", 7),
        ("k-means", "pixels", 10),
        ("each cluster again", "pixels", 5),
        ("again where it helps most", "pixels", 5),
    }
    found: dict[tuple[str, str, int], dict[int, dict[str, Any]]] = {}
    for cell in part["cells"]:
        group = found.setdefault((cell["kind"], cell["space"], cell["n_clusters"]), {})
        group[cell["seed"]] = cell
    check(set(found) == expected, f"cells of {len(expected)} clusterings, no other")
    for (kind, space, k), cells in found.items():
        name = f"{kind}, {space}, {k} clusters"
        seeds = list(range(n_seeds))
        check(sorted(cells) == seeds, f"{name}: seeds {sorted(cells)}, all of {seeds}")
        for seed, cell in cells.items():
            _check_clustering(cell, f"{name}, seed {seed}", check)
            if "parents" in cell:
                first = found.get(("k-means", space, k), {}).get(seed)
                _check_subclusters(cell, first, f"{name}, seed {seed}", check)
    for row in part["summary"]:
        cells = found.get((row["kind"], row["space"], row["n_clusters"]), {})
        mean = sum(cell["purity"] for cell in cells.values()) / max(1, len(cells))
        check(
            math.isclose(row["purity"]["mean"], mean),
            f"{row['kind']}, {row['space']}, {row['n_clusters']}: summary "
            f"{row['purity']['mean']:.4f} is the mean of its seeds",
        )


def _check_curve(curve: dict[str, Any], n_seeds: int, check: Check) -> None:
    counts = curve["n_clusters"]
    check(
        counts == list(range(2, counts[-1] + 1)) and counts[-1] >= 12,
        f"a curve from 2 to at least 12 clusters: {counts}",
    )
    for name, rows in curve["values"].items():
        check(
            len(rows) == len(counts) and all(len(row) == n_seeds for row in rows),
            f"{name}: {len(counts)} points of {n_seeds} seeds",
        )
    inertia = [sum(row) for row in curve["values"]["inertia"]]
    check(
        all(a > b for a, b in itertools.pairwise(inertia)),
        "inertia falls from each number of clusters to the next",
    )
    low, high = SILHOUETTE
    silhouettes = [value for row in curve["values"]["silhouette"] for value in row]
    check(
        all(low < value < high for value in silhouettes),
        f"silhouettes from {min(silhouettes):.3f} to {max(silhouettes):.3f} "
        f"in {SILHOUETTE}",
    )


def _check_clustering(cell: dict[str, Any], where: str, check: Check) -> None:
    low, high = PURITY[cell["kind"], cell["n_clusters"]]
    purity, n_leading = cell["purity"], cell["n_leading"]
    n_clusters = cell["n_flat_clusters"]
    check(low < purity < high, f"{where}: purity {purity:.4f} in ({low}, {high})")
    check(
        2 <= n_leading <= min(n_clusters, N_CLASSES),
        f"{where}: {n_leading} leading categories of {n_clusters} clusters",
    )
    if cell["space"] != "pixels":
        return
    counts = cell["counts"]
    check(
        len(counts) == n_clusters
        and all(len(row) == N_CLASSES for row in counts)
        and sum(map(sum, counts)) == N_TEST
        and math.isclose(sum(map(max, counts)) / N_TEST, purity),
        f"{where}: counts of {N_TEST} images that agree with the purity",
    )


def _check_subclusters(
    cell: dict[str, Any], first: dict[str, Any] | None, where: str, check: Check
) -> None:
    """Check that subclusters hold what their parents held, but for ties.

    An image as near to one centre as to another, in float32, may go either way.
    """
    together = [[0] * N_CLASSES for _ in range(N_FIRST_LEVEL)]
    for parent, row in zip(cell["parents"], cell["counts"], strict=True):
        together[parent] = [a + b for a, b in zip(together[parent], row, strict=True)]
    n_moved = N_TEST
    if first is not None:
        n_moved = sum(
            abs(a - b)
            for row, other in zip(together, first["counts"], strict=True)
            for a, b in zip(row, other, strict=True)
        )
    check(
        n_moved <= MOST_MOVED,
        f"{where}: subclusters hold what the {N_FIRST_LEVEL} clusters held",
    )
    check(
        cell["n_flat_clusters"] == N_SPLIT,
        f"{where}: {cell['n_flat_clusters']} clusters, exactly {N_SPLIT}",
    )


CHECKS: dict[str, Callable[[dict[str, Any], Check], None]] = {
    "clusters": check_clusters,
    "labels": check_labels,
}


def find_problems(parts: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what was checked and found good, and what is wrong."""
    good: list[str] = []
    bad: list[str] = []

    def check(condition: bool, text: str) -> None:
        (good if condition else bad).append(text)

    for name, check_part in CHECKS.items():
        check(name in parts, f"the results have the part {name!r}")
        if name in parts:
            check_part(parts[name], check)
    return good, bad


def main(arguments: list[str]) -> int:
    """Check one file; return the exit status."""
    if len(arguments) != 1:
        print(__doc__)
        return 2
    path = Path(arguments[0])
    good, bad = find_problems(json.loads(path.read_text(encoding="utf-8"))["parts"])
    for text in good:
        print(f"ok    {text}")
    for text in bad:
        print(f"WRONG {text}")
    print(f"{path}: {len(good)} checks passed, {len(bad)} failed.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
