"""What the ready embeddings gain: the same labels spread in several spaces.

Share of right labels among all training samples, where k-means and the rule "graph" or
"cluster" work in the features as they are or in what ``default_embedding`` chooses; the
labels of the representatives are given, everything else is at its defaults. A table is
looked at with its columns as given and standardised. No test sample is looked at, and
nothing is chosen by these figures. A sample that no label reaches counts as wrong.

Each seed draws its own training part and seeds the embedding and k-means. On
Fashion-MNIST, left out with ``--no-fashion-mnist``, all seeds share the 60,000 training
images, which are embedded once.

    python -m benchmarks.accuracy.embeddings

Writes all figures to ``benchmarks/results/embeddings.json``, after every seed, and the
tables to ``embeddings.md``. What is in the first is not measured again: stop and go on
as you like, and delete it to start anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split

from examples.fashion_mnist.store import write_atomically
from kmeans_labelprop import KMeansLabelPropagator

from .context import make_embedding
from .data import DATA_SETS, Problem, load, split
from .report import as_json, plus_minus, table
from .statistics import paired_difference, summarize

RESULTS = Path(__file__).resolve().parents[1] / "results" / "embeddings.json"
PACKAGES = ("kmeans-labelprop", "numpy", "scipy", "scikit-learn")
RULES = ("graph", "cluster")
#: Shorter sides are too short for ImageFeatures.
LEAST_IMAGE_SIDE = 14

AS_THEY_ARE = "as they are"
EMBEDDED = "default_embedding"
EMBEDDED_IMAGES = "default_embedding with image_shape"
AS_GIVEN = "columns as given"
STANDARDISED = "standardised"
EMBEDDED_GIVEN = "default_embedding of columns as given"
EMBEDDED_STANDARDISED = "default_embedding of standardised"


class Space(NamedTuple):
    """Where samples are clustered: `embedding`, unfitted, of `X`; None is `X` itself.

    With None the figures are those of the space named `base`, unless that is None, too.
    """

    X: Any
    embedding: Any = None
    base: str | None = None


# ---------------------------------------------------------------- spaces


def middle_budget(name: str) -> int:
    """Return the number of labels that a data set is measured with."""
    budgets = DATA_SETS[name].budgets
    return budgets[len(budgets) // 2]


def columns_as_given(name: str, seed: int) -> Any:
    """Return the training part of a table before anything is done to its columns."""
    X, y = load(name)
    train, _ = train_test_split(
        X, test_size=DATA_SETS[name].test_size, stratify=y, random_state=seed
    )
    return train


def make_spaces(problem: Problem) -> dict[str, Space]:
    """List the spaces of one split by name, those without an embedding first."""
    numbers = replace(problem, image_shape=None)  # as if nobody knew that it is images
    if problem.kind != "tabular":
        spaces = {
            AS_THEY_ARE: Space(problem.X_train),
            EMBEDDED: Space(problem.X_train, make_embedding(numbers), AS_THEY_ARE),
        }
        if problem.image_shape and min(problem.image_shape) >= LEAST_IMAGE_SIDE:
            embedding = make_embedding(problem)
            spaces[EMBEDDED_IMAGES] = Space(problem.X_train, embedding, AS_THEY_ARE)
        return spaces
    given = columns_as_given(problem.name, problem.seed)
    # K-means alone cannot do without a number.
    complete = SimpleImputer(strategy="median").fit_transform(given)
    of_given = make_embedding(replace(numbers, X_train=given))
    of_standardised = make_embedding(numbers)
    return {
        AS_GIVEN: Space(complete),
        STANDARDISED: Space(problem.X_train),
        EMBEDDED_GIVEN: Space(given, of_given, AS_GIVEN),
        EMBEDDED_STANDARDISED: Space(problem.X_train, of_standardised, STANDARDISED),
    }


# ---------------------------------------------------------------- figures


def right_labels(
    space: Space, y: Any, n_labels: int, seed: int, memory: str | None = None
) -> dict[str, float]:
    """Spread the same labels by each rule; return the shares that are right.

    Both rules have the same clusters; with a `memory` they are found once.
    """
    shares = {}
    for rule in RULES:
        propagator = KMeansLabelPropagator(
            n_labels,
            fraction=1,
            propagation=rule,
            embedding=space.embedding,
            memory=memory,
            random_state=seed,
        ).fit(space.X, y)
        shares[rule] = float(np.mean(propagator.transduction_ == y))
    return shares


def measure(name: str, seed: int, memory: str | None = None) -> dict[str, Any]:
    """Measure one data set and seed in each of its spaces."""
    problem = split(name, seed)
    if problem.split_name == name:  # no split of this seed's own: embed once
        problem = replace(problem, seed=0)
    n_labels = middle_budget(name)
    found: dict[str, dict[str, Any]] = {}
    for space_name, space in make_spaces(problem).items():
        if space.base is not None and space.embedding is None:
            found[space_name] = {**found[space.base], "embedding": None}
            continue
        y = problem.codes_train
        found[space_name] = {
            "embedding": _on_one_line(space.embedding),
            **right_labels(space, y, n_labels, seed, memory),
        }
    return {
        "dataset": name,
        "seed": seed,
        "labels": n_labels,
        "samples": len(problem.y_train),
        "spaces": found,
    }


def _on_one_line(embedding: Any) -> str | None:
    return None if embedding is None else " ".join(str(embedding).split())


# ---------------------------------------------------------------- tables


def gain_table(
    rows: Sequence[dict[str, Any]], spaces: Sequence[str], gains: dict[str, list[str]]
) -> str:
    """Write two lines for each data set, one for each rule.

    Parameters
    ----------
    rows : sequence of dict
        What `measure` has returned.
    spaces : sequence of str
        The spaces that have a column.
    gains : dict of str to list of str
        What each space is compared with, in further columns behind its own.
    """
    head = ["data set", "rule", "labels", "seeds"]
    for space in spaces:
        # Of what it is an embedding is said above the table.
        title = "`default_embedding`" if space.startswith(EMBEDDED) else space
        title += ", `image_shape`" if space == EMBEDDED_IMAGES else ""
        head += [title, *(f"minus {base}" for base in gains.get(space, []))]
    lines = []
    for name in dict.fromkeys(row["dataset"] for row in rows):
        of_name = [row for row in rows if row["dataset"] == name]
        for rule in RULES:
            line = [name, rule, str(of_name[0]["labels"]), str(len(of_name))]
            for space in spaces:
                line += _cells(of_name, rule, space, gains.get(space, []))
            lines.append(line)
    return table(head, lines)


def _cells(
    rows: Sequence[dict[str, Any]], rule: str, space: str, bases: Sequence[str]
) -> list[str]:
    """Write the mean of a space, and what it gains over others."""
    figures = [row["spaces"].get(space) for row in rows]
    if None in figures:
        return ["–"] * (1 + len(bases))
    values = _by_seed(rows, rule, space)
    differences = [
        paired_difference(values, _by_seed(rows, rule, base))._asdict()
        for base in bases
    ]
    cells = [_text(summarize(values.values())._asdict())] + [
        _text(difference, "error", signed=True) for difference in differences
    ]
    n_same = sum(each["embedding"] is None for each in figures) if bases else 0
    if n_same == len(figures):
        cells[:2] = ["the same", "–"]  # the first of bases is what it is the same as
    elif n_same:
        cells[0] += f" (the same on {n_same} seeds)"
    return cells


def _text(summary: dict[str, Any], spread: str = "std", signed: bool = False) -> str:
    known = {k: None if v != v else v for k, v in summary.items()}  # NaN of one seed
    text = plus_minus(known, spread, signed)
    return text.replace(" ", "\u00a0")  # on one line where columns are narrow


def _by_seed(rows: Sequence[dict[str, Any]], rule: str, space: str) -> dict[int, float]:
    return {row["seed"]: row["spaces"][space][rule] for row in rows}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Write tables: images and text, columns as given, standardised columns."""
    tables = [row for row in rows if DATA_SETS[row["dataset"]].kind == "tabular"]
    others = [row for row in rows if DATA_SETS[row["dataset"]].kind != "tabular"]
    parts = []
    if others:
        spaces = [AS_THEY_ARE, EMBEDDED, EMBEDDED_IMAGES]
        gains = {EMBEDDED: [AS_THEY_ARE], EMBEDDED_IMAGES: [AS_THEY_ARE]}
        parts += ["Images and text:\n", gain_table(others, spaces, gains)]
    if tables:
        spaces = [AS_GIVEN, STANDARDISED, EMBEDDED_GIVEN]
        gains = {EMBEDDED_GIVEN: [AS_GIVEN, STANDARDISED]}
        parts += [
            "Tables, `default_embedding` of their columns as given:\n",
            gain_table(tables, spaces, gains),
        ]
        spaces = [STANDARDISED, EMBEDDED_STANDARDISED]
        gains = {EMBEDDED_STANDARDISED: [STANDARDISED]}
        parts += [
            "Tables, `default_embedding` of their standardised columns:\n",
            gain_table(tables, spaces, gains),
        ]
    return "\n".join(parts)


# ---------------------------------------------------------------- the program


def describe_machine() -> dict[str, Any]:
    """Return what ran the measurement, for the record."""
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "versions": {package: version(package) for package in PACKAGES},
    }


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read what was measured before."""
    return json.loads(path.read_text())["rows"] if path.exists() else []


def measure_missing(path: Path, names: Sequence[str], n_seeds: dict[str, int]) -> None:
    """Measure what is not in the file yet, and add it seed by seed."""
    rows, order = read_rows(path), list(DATA_SETS)
    for name in names:
        done = {row["seed"] for row in rows if row["dataset"] == name}
        missing = [seed for seed in range(n_seeds[name]) if seed not in done]
        with tempfile.TemporaryDirectory() as memory:  # for what seeds share
            for seed in missing:
                rows.append(measure(name, seed, memory))
                rows.sort(key=lambda row: (order.index(row["dataset"]), row["seed"]))
                write_atomically(
                    path, as_json({"machine": describe_machine(), "rows": rows})
                )
                print(f"{name}, seed {seed}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is missing, write the tables, print them."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.embeddings",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--fashion-seeds", type=int, default=3)
    parser.add_argument("--datasets", nargs="+", choices=DATA_SETS, metavar="NAME")
    parser.add_argument("--no-fashion-mnist", action="store_true")
    parser.add_argument(
        "--report-only", action="store_true", help="from what is finished"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args(argv)

    names = [*(arguments.datasets or DATA_SETS)]
    # The largest at the end.
    names.sort(key=lambda name: name == "fashion_mnist")
    if arguments.no_fashion_mnist:
        names = [name for name in names if name != "fashion_mnist"]
    n_seeds = dict.fromkeys(names, arguments.seeds)
    if "fashion_mnist" in n_seeds:
        n_seeds["fashion_mnist"] = arguments.fashion_seeds
    if not arguments.report_only:
        measure_missing(arguments.out, names, n_seeds)
    rows = read_rows(arguments.out)
    if not rows:
        parser.exit(message=f"nothing measured yet in {arguments.out}\n")
    text = markdown(rows)
    write_atomically(arguments.out.with_suffix(".md"), text)
    print("Right labels in per cent, mean ± std; differences paired by seed, ±")
    print("standard error of the mean")
    print(text)
    print(f"written to {arguments.out} and beside it")


if __name__ == "__main__":
    main()
