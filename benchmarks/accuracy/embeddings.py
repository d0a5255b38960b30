"""What the ready embeddings gain: the same labels spread in several spaces.

Share of right labels among all training samples, where k-means and the rule "graph" or
"cluster" work in the features as they are or in what ``default_embedding`` chooses; the
labels of the representatives are given, everything else is at its defaults. A table is
looked at with its columns as given and standardised. No test sample is looked at, and
nothing is chosen by these figures. A sample that no label reaches counts as wrong.

Each seed draws its own training part and seeds the embedding and k-means. On
Fashion-MNIST all seeds share the 60,000 training images, which are embedded once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split

from kmeans_labelprop import KMeansLabelPropagator

from .context import Context, Outcome, make_embedding
from .data import DATA_SETS, DataSet, Problem, load
from .graph_rules import no_checks
from .harness import Method, Row, Setting
from .statistics import paired_difference, summarize
from .tables import plus_minus, table

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
    """Where samples are clustered: an unfitted embedding of `X`, or None for `X`."""

    X: Any
    embedding: Any = None


# ---------------------------------------------------------------- spaces


def middle_budget(data_set: DataSet) -> tuple[int]:
    """Return the number of labels that a data set is measured with."""
    return (data_set.budgets[len(data_set.budgets) // 2],)


def columns_as_given(name: str, seed: int) -> Any:
    """Return the training part of a table before anything is done to its columns."""
    X, y = load(name)
    train, _ = train_test_split(
        X, test_size=DATA_SETS[name].test_size, stratify=y, random_state=seed
    )
    return train


def make_space(problem: Problem, space: str) -> Space:
    """Make one of the spaces of a split."""
    if problem.split_name == problem.name:  # no split of this seed's own: embed once
        problem = replace(problem, seed=0)
    numbers = replace(problem, image_shape=None)  # as if nobody knew that it is images
    if space in (AS_THEY_ARE, STANDARDISED):
        return Space(problem.X_train)
    if space in (EMBEDDED, EMBEDDED_STANDARDISED):
        return Space(problem.X_train, make_embedding(numbers))
    if space == EMBEDDED_IMAGES:
        return Space(problem.X_train, make_embedding(problem))
    given = columns_as_given(problem.name, problem.seed)
    embedding = make_embedding(replace(numbers, X_train=given))
    if space == AS_GIVEN or embedding is None:
        # K-means alone cannot do without a number.
        return Space(SimpleImputer(strategy="median").fit_transform(given))
    return Space(given, embedding)


def has_space(data_set: DataSet, space: str) -> bool:
    """Tell whether a data set is looked at in a space."""
    if data_set.kind == "tabular":
        return space in (AS_GIVEN, STANDARDISED, EMBEDDED_GIVEN, EMBEDDED_STANDARDISED)
    if space == EMBEDDED_IMAGES:
        shape = data_set.image_shape
        return shape is not None and min(shape) >= LEAST_IMAGE_SIDE
    return space in (AS_THEY_ARE, EMBEDDED)


# ---------------------------------------------------------------- figures


def spread_in(space: str, rule: str) -> Callable[[Context], Outcome]:
    """Make the method: spread by a rule in a space."""

    def run(context: Context) -> Outcome:
        X, embedding = make_space(context.problem, space)
        y = context.problem.codes_train
        propagator = KMeansLabelPropagator(
            context.n_labels,
            fraction=1,
            propagation=rule,
            embedding=embedding,
            # Both rules have the same clusters, and seeds may share an embedding.
            memory=str(context.shared.folder / "memory"),
            random_state=context.seed,
        ).fit(X, y)
        told = None if embedding is None else " ".join(str(embedding).split())
        return Outcome(
            None,
            detail={
                "accuracy": float(np.mean(propagator.transduction_ == y)),
                "chosen": {"embedding": told},
            },
        )

    return run


def _name(space: str, rule: str) -> str:
    return f"{space.replace(' ', '_')}-{rule}"


def _method(space: str, rule: str) -> Method:
    return Method(
        spread_in(space, rule),
        f"{rule} rule, {space}",
        only=lambda data_set: has_space(data_set, space),
    )


METHODS: dict[str, Method] = {
    _name(space, rule): _method(space, rule)
    for space in (
        AS_THEY_ARE,
        EMBEDDED,
        EMBEDDED_IMAGES,
        AS_GIVEN,
        STANDARDISED,
        EMBEDDED_GIVEN,
        EMBEDDED_STANDARDISED,
    )
    for rule in RULES
}


# ---------------------------------------------------------------- tables


def gain_table(
    rows: Sequence[Row], spaces: Sequence[str], gains: dict[str, list[str]]
) -> str:
    """Write two lines for each data set, one for each rule.

    Parameters
    ----------
    rows : sequence of dict
        The rows of the data sets.
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
        of_name = {row["method"]: row for row in rows if row["dataset"] == name}
        first = next(iter(of_name.values()))
        for rule in RULES:
            n_seeds = max(row["accuracy"]["n"] for row in of_name.values())
            line = [name, rule, str(first["budget"]), str(n_seeds)]
            for space in spaces:
                line += _cells(of_name, rule, space, gains.get(space, []))
            lines.append(line)
    return table(head, lines)


def _cells(
    rows: dict[str, Row], rule: str, space: str, bases: Sequence[str]
) -> list[str]:
    """Write the mean of a space, and what it gains over others."""
    row = rows.get(_name(space, rule))
    if row is None:
        return ["–"] * (1 + len(bases))
    values = row["by_seed"]
    differences = [
        paired_difference(values, rows[_name(base, rule)]["by_seed"])._asdict()
        if _name(base, rule) in rows
        else {}
        for base in bases
    ]
    cells = [_text(summarize(values.values())._asdict())] + [
        _text(difference, "error", signed=True) for difference in differences
    ]
    nothing = json.dumps({"embedding": None})
    n_same = row.get("chosen", {}).get(nothing, 0) if bases else 0
    if n_same == len(values):
        cells[:2] = ["the same", "–"]  # the first of bases is what it is the same as
    elif n_same:
        cells[0] += f" (the same on {n_same} seeds)"
    return cells


def _text(summary: dict[str, Any], spread: str = "std", signed: bool = False) -> str:
    known = {k: None if v != v else v for k, v in summary.items()}  # NaN of one seed
    text = plus_minus(known, spread, signed)
    return text.replace(" ", "\u00a0")  # on one line where columns are narrow


def markdown(summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write tables: images and text, columns as given, standardised columns."""
    rows = summary["rows"]
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


EMBEDDINGS = Setting(
    name="embeddings",
    text="right labels in the space of default_embedding and without it",
    methods=METHODS,
    budgets_of=middle_budget,
    title_of=lambda budget: f"{budget} labels",
    baseline=_name(AS_THEY_ARE, "graph"),
    baseline_title=AS_THEY_ARE,
    markdown=markdown,
    check=no_checks,
    tell=lambda checks: [],
    report="embeddings",
    n_seeds={"fashion_mnist": 3},
    quick={"penguins": (20,), "digits": (50,)},
)
