"""How honest the interval is that says what more labels will bring.

    python -m benchmarks.accuracy.label_curve --publish

On each data set and budget: the labels of the representatives, a learning curve of them
(`label_learning_curve`), and the true gain in accuracy of the propagated labels by half
as many labels more and by as many, chosen by `query_more`. The same again from where
the first such round ends, and from as many known labels drawn at random. The constants
of the prediction are fitted on half of the data sets, and its interval is checked on
the other half, and the other way round. What is finished is kept in ``--out``.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import t as student
from sklearn.base import clone
from sklearn.datasets import (
    load_digits,
    load_iris,
    make_blobs,
    make_circles,
    make_classification,
    make_gaussian_quantiles,
    make_moons,
)
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._engine import spread
from kmeans_labelprop._given import KnownLabels, merge_labels
from kmeans_labelprop._selection._label_curve import DEGREES_OF_FREEDOM, GainModel
from kmeans_labelprop.model_selection import label_learning_curve

from .context import make_embedding
from .data import DATA_SETS, REPOSITORY, split
from .files import write_atomically
from .tables import table

NAMES = tuple(name for name in DATA_SETS if name != "fashion_mnist")
#: Every other one, in the order of the tables.
HALVES = (NAMES[0::2], NAMES[1::2])
SEEDS = tuple(range(5))
#: Further divisions of the data sets, at random.
N_OTHER_HALVES = 5
STARTS = {
    "representatives": "representatives",
    "second round": "representatives, and as many by query_more",
    "random": "known labels, drawn at random",
}
LEVELS = (0.5, 0.8, 0.95)
#: A second round is left out where less than this part of the samples is unlabelled.
LARGEST_SHARE = 1 / 6
Row = dict[str, Any]


def _made(seed: int, **parameters: Any) -> tuple[Any, Any]:
    return make_classification(n_samples=1500, random_state=seed, **parameters)


def _digits_odd() -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    return X, y % 2


#: Data that was not looked at while the form of the model was chosen.
FRESH: dict[str, tuple[Callable[[], tuple[Any, Any]], tuple[int, ...]]] = {
    "iris": (lambda: load_iris(return_X_y=True), (10, 20)),
    "digits_odd": (_digits_odd, (20, 50, 100)),
    "moons": (lambda: make_moons(1500, noise=0.25, random_state=5), (20, 50, 100)),
    "circles": (
        lambda: make_circles(1500, noise=0.1, factor=0.6, random_state=5),
        (20, 50, 100),
    ),
    "blobs": (
        lambda: make_blobs(
            1500, centers=12, n_features=5, cluster_std=3.5, random_state=5
        ),
        (20, 50, 100),
    ),
    "quantiles": (
        lambda: make_gaussian_quantiles(
            n_samples=1500, n_features=4, n_classes=3, random_state=5
        ),
        (20, 50, 100),
    ),
    "two_classes": (lambda: _made(5, n_features=20, n_informative=5), (20, 50, 100)),
    "ten_classes": (
        lambda: _made(
            6, n_features=25, n_informative=12, n_classes=10, n_clusters_per_class=1
        ),
        (50, 100, 200),
    ),
    "rare_classes": (
        lambda: _made(
            7, n_features=10, n_informative=8, n_classes=4, weights=[0.7, 0.2, 0.06]
        ),
        (20, 50, 100),
    ),
    "wrong_labels": (
        lambda: _made(8, n_features=10, n_informative=6, flip_y=0.2, class_sep=1.5),
        (20, 50, 100),
    ),
}
FRESH_SEEDS = tuple(range(3))


# ---------------------------------------------------------------- cells


def measure(name: str, budget: int, seed: int, E: Any, y: NDArray[Any]) -> list[Row]:
    """Make the curves of a cell, and find the true gains."""
    rows: list[Row] = []

    def note(start: str, propagator: KMeansLabelPropagator) -> NDArray[np.intp]:
        found, more = _from_here(propagator, y, seed)
        rows.extend(
            {"dataset": name, "budget": budget, "seed": seed, "start": start} | row
            for row in found
        )
        return more

    propagator = KMeansLabelPropagator(budget, embedding=None, random_state=seed)
    more = note("representatives", propagator.fit(E, y))
    if budget <= LARGEST_SHARE * len(y):
        propagator.propagate({int(position): y[position] for position in more})
        note("second round", propagator)
    known = np.full(len(y), -1)
    drawn = np.random.default_rng((seed, budget)).choice(len(y), budget, replace=False)
    known[drawn] = y[drawn]
    note("random", clone(propagator).fit(E, known))
    return rows


def _measure_quietly(*cell: Any) -> list[Row]:
    """Leave warnings of labels that contradict each other to those who can mend it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return measure(*cell)


def _from_here(
    propagator: KMeansLabelPropagator, y: NDArray[Any], seed: int
) -> tuple[list[Row], NDArray[np.intp]]:
    """Make the curve, and spread more labels without handing them in."""
    given, n_known = propagator.given_, propagator.n_known_
    n_labels = len(given)
    try:
        curve = label_learning_curve(propagator, random_state=seed)
    except ValueError as error:  # one class only
        refused, hidden_error, accuracies = str(error), None, None
    else:
        refused, hidden_error = None, curve.hidden_error
        accuracies = curve.accuracies.mean(axis=1).tolist()
    before = _accuracy(propagator, given.positions, y)
    free = np.setdiff1d(np.arange(len(y)), given.positions)
    rng = np.random.default_rng((seed, n_labels))
    rows = []
    for n_more in (n_labels // 2, n_labels):
        chosen = propagator.query_more(n_more)
        drawn = rng.choice(free, n_more, replace=False)
        gains = {
            f"gain_{how}": _accuracy(propagator, np.append(given.positions, more), y)
            - before
            for how, more in (("chosen", chosen), ("drawn", drawn))
        }
        rows.append(
            {
                "n_labels": n_labels,
                "n_more": len(chosen),
                "known_share": n_known / n_labels,
                "hidden_error": hidden_error,
                "accuracies": accuracies,
                "refused": refused,
                "accuracy": before,
                **gains,
            }
        )
    return rows, chosen


def _accuracy(
    propagator: KMeansLabelPropagator, positions: NDArray[np.intp], y: NDArray[Any]
) -> float:
    """Spread the labels of some samples; count how many others come out right."""
    positions = np.sort(positions)
    given = merge_labels(KnownLabels(positions, y[positions]), {})
    found = spread(
        propagator.clusters_,
        given,
        "graph",
        propagator.alpha,
        propagator.class_prior,
    )
    is_free = np.ones(len(y), dtype=bool)
    is_free[positions] = False
    labels = np.where(found.codes < 0, -1, given.classes[found.codes])
    return float(np.mean(labels[is_free] == y[is_free]))


def cells(
    names: Sequence[str], seeds: Sequence[int], folder: Path
) -> Iterator[list[Row]]:
    """Take the rows of each cell from its file, or compute them."""
    for seed in seeds:
        for name in names:
            paths = {
                b: folder / f"{name}-{b}-{seed}.json" for b in DATA_SETS[name].budgets
            }
            if not all(path.exists() for path in paths.values()):
                problem = split(name, seed)
                embedding = make_embedding(problem)
                E = problem.X_train
                if embedding is not None:
                    E = np.asarray(embedding.fit_transform(E))
                for budget, path in paths.items():
                    if not path.exists():
                        rows = _measure_quietly(
                            name, budget, seed, E, problem.codes_train
                        )
                        write_atomically(path, json.dumps(rows, indent=1))
                print(f"{name}, seed {seed}", flush=True)
            for path in paths.values():
                yield json.loads(path.read_text(encoding="utf-8"))


def fresh_cells(folder: Path) -> Iterator[list[Row]]:
    """Do the same on data that was not looked at before."""
    for name, (load, budgets) in FRESH.items():
        X, y = load()
        E = StandardScaler().fit_transform(X)
        for seed, budget in product(FRESH_SEEDS, budgets):
            path = folder / f"fresh-{name}-{budget}-{seed}.json"
            if not path.exists():
                rows = _measure_quietly(name, budget, seed, E, y)
                write_atomically(path, json.dumps(rows, indent=1))
            yield json.loads(path.read_text(encoding="utf-8"))
        print(name, flush=True)


# ---------------------------------------------------------------- honesty


def columns_of(rows: Sequence[Row], uses_curve: bool = True) -> dict[str, Any]:
    """Bring the rows into arrays, as the model takes them."""
    taken = {
        name: np.array([row[name] for row in rows], dtype=np.float64)
        for name in ("hidden_error", "n_labels", "n_more", "known_share")
    }
    taken["error"] = taken.pop("hidden_error")
    if not uses_curve:
        taken["error"] = np.full(len(rows), 0.2)
    return taken


def fit(rows: Sequence[Row], uses_curve: bool = True) -> GainModel:
    """Fit the constants: data that the fit has not seen are to be held as often.

    By maximum likelihood; then the deviation is stretched so that an 80 % interval
    holds 80 % of the gains of each data set by what is fitted on the others.
    """
    model = fit_likeliest(rows, uses_curve)
    of_set: dict[str, list[Row]] = {}
    for row in rows:
        of_set.setdefault(row["dataset"], []).append(row)
    found, weights = [], []
    for name, own in of_set.items():
        others = [row for row in rows if row["dataset"] != name]
        gains = np.array([row["gain_chosen"] for row in own])
        columns = columns_of(own, uses_curve)
        by_others = fit_likeliest(others, uses_curve)
        found.append(np.abs(by_others.standardize(gains, **columns)))
        weights.append(_weights(own))
    distances, weight = np.concatenate(found), np.concatenate(weights)
    order = np.argsort(distances)
    reached = np.cumsum(weight[order]) / weight.sum()
    distance = float(distances[order][np.searchsorted(reached, 0.8)])
    expected = float(student.ppf(0.9, DEGREES_OF_FREEDOM))
    return replace(model, deviation=model.deviation * distance / expected)


def _weights(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Let each data set and start count the same."""
    kinds = [(row["dataset"], row["start"]) for row in rows]
    counts = Counter(kinds)
    return np.array([1 / counts[kind] for kind in kinds])


def fit_likeliest(rows: Sequence[Row], uses_curve: bool = True) -> GainModel:
    """Fit the constants by maximum likelihood."""
    columns = columns_of(rows, uses_curve)
    gains = np.array([row["gain_chosen"] for row in rows])
    weights = _weights(rows)

    def model(parameters: NDArray[np.float64]) -> GainModel:
        return GainModel(*np.exp(parameters).tolist())

    def loss(parameters: NDArray[np.float64]) -> float:
        return -float(weights @ model(parameters).log_density(gains, **columns))

    found = min(
        (
            minimize(
                loss,
                np.log([0.4, 0.8, noise, 0.5]),
                method="Nelder-Mead",
                options={"maxiter": 4000, "xatol": 1e-4, "fatol": 1e-6},
            )
            for noise in (0.2, 0.8)
        ),
        key=lambda each: float(each.fun),
    )
    return model(found.x)


def predict(
    rows: Sequence[Row], models: dict[str, GainModel], uses_curve: bool = True
) -> list[Row]:
    """Add the prediction of the model that has not seen the data set."""
    predicted = []
    for row in rows:
        columns = columns_of([row], uses_curve)
        model = models[row["dataset"]]
        quantiles = {
            level: [
                float(model.quantile(tail, **columns)[0])
                for tail in ((1 - level) / 2, (1 + level) / 2)
            ]
            for level in LEVELS
        }
        predicted.append(
            row
            | {
                "expected": float(model.quantile(0.5, **columns)[0]),
                "intervals": quantiles,
            }
        )
    return predicted


def fit_halves(
    rows: Sequence[Row],
    uses_curve: bool = True,
    halves: Sequence[Sequence[str]] = HALVES,
) -> dict[str, GainModel]:
    """Fit on each half of the data sets, for those of the other one."""
    models = {}
    for half, other in zip(halves, halves[::-1], strict=True):
        model = fit([row for row in rows if row["dataset"] in half], uses_curve)
        models |= dict.fromkeys(other, model)
    return models


def two_rounds(rows: Sequence[Row]) -> list[Row]:
    """Put a round of n labels and one of 2n together, for a look farther ahead."""
    full = {
        (row["dataset"], row["budget"], row["seed"], row["start"]): row
        for row in rows
        if row["n_more"] == row["n_labels"]
    }
    found = []
    for (*cell, start), first in full.items():
        second = full.get((*cell, "second round"))
        if start == "representatives" and second is not None:
            end = second["accuracy"] + second["gain_chosen"]
            ahead = {
                "n_more": first["n_more"] + second["n_more"],
                "gain_chosen": end - first["accuracy"],
            }
            found.append(first | ahead)
    return found


def honesty(rows: Sequence[Row], gain: str = "gain_chosen") -> Row:
    """Count how often intervals hold the true gain, and how wide they are."""
    gains = np.array([row[gain] for row in rows])
    ends = {
        level: np.array([row["intervals"][level] for row in rows]).T for level in LEVELS
    }
    low, high = ends[0.8]
    misses = np.maximum(low - gains, 0) + np.maximum(gains - high, 0)
    return {
        "n_cells": len(rows),
        "gain": float(gains.mean()),
        "expected": float(np.mean([row["expected"] for row in rows])),
        **{
            f"held_{round(100 * level)}": float(
                np.mean((of[0] <= gains) & (gains <= of[1]))
            )
            for level, of in ends.items()
        },
        "below": float(np.mean(gains < low)),
        "above": float(np.mean(gains > high)),
        "width": float(np.mean(high - low)),
        # Gneiting and Raftery 2007: width, and ten times the distance of a miss.
        "interval_score": float(np.mean(high - low + 10 * misses)),
    }


# ---------------------------------------------------------------- report


def _line(head: Sequence[str], found: Row) -> list[str]:
    def points(what: str) -> str:
        return f"{100 * found[what]:.1f}"

    def share(what: str) -> str:
        return f"{100 * found[what]:.0f}"

    return [
        *head,
        str(found["n_cells"]),
        points("gain"),
        points("expected"),
        share("held_80"),
        f"{share('below')} / {share('above')}",
        share("held_50"),
        share("held_95"),
        points("width"),
        points("interval_score"),
    ]


HEAD = (
    "cells",
    "true gain",
    "expected",
    "held by 80 %",
    "below / above",
    "by 50 %",
    "by 95 %",
    "width",
    "score",
)


def summarize(rows: list[Row], fresh: list[Row]) -> Row:
    """Make all that the report shows from the rows of the cells."""
    told_fresh = [row for row in fresh if row["refused"] is None]
    without_fresh = fit([row for row in rows if row["refused"] is None])
    fresh = predict(told_fresh, dict.fromkeys(FRESH, without_fresh))
    told = [row for row in rows if row["refused"] is None]
    models = fit_halves(told)
    predicted = predict(told, models)
    without = predict(told, fit_halves(told, uses_curve=False), uses_curve=False)

    def group(of: Sequence[Row], key: Any, gain: str = "gain_chosen") -> list[Row]:
        keys = list(dict.fromkeys(key(row) for row in of))
        return [
            {"of": each, **honesty([row for row in of if key(row) == each], gain)}
            for each in keys
        ]

    by_start = {
        start: [row for row in predicted if row["start"] == start] for start in STARTS
    }
    return {
        "constants": asdict(fit([*told, *told_fresh])),
        "constants_without_fresh": asdict(without_fresh),
        "constants_by_half": [asdict(models[half[0]]) for half in HALVES[::-1]],
        "halves": HALVES,
        "n_refused": len(rows) - len(told),
        "all": honesty(predicted),
        "without_curve": {
            "all": honesty(without),
            **{
                start: honesty([row for row in without if row["start"] == start])
                for start in STARTS
            },
        },
        "by_start": {start: honesty(of) for start, of in by_start.items()},
        "by_size": {
            start: group(
                of,
                lambda row: (
                    "m = n" if row["n_more"] == row["n_labels"] else "m = n / 2"
                ),
            )
            for start, of in by_start.items()
        },
        "by_labels": group(
            sorted(predicted, key=lambda row: int(row["n_labels"])),
            lambda row: _label_range(int(row["n_labels"])),
        ),
        "by_data_set": {
            start: group(of, lambda row: row["dataset"])
            for start, of in by_start.items()
        },
        "fresh": {
            "all": honesty(fresh),
            "by_start": {
                start: honesty([row for row in fresh if row["start"] == start])
                for start in STARTS
            },
            "by_data_set": group(fresh, lambda row: row["dataset"]),
        },
        "two_rounds": honesty(predict(two_rounds(told), models)),
        "other_halves": _other_halves(told),
        "drawn": {start: honesty(of, "gain_drawn") for start, of in by_start.items()},
    }


def _other_halves(rows: Sequence[Row]) -> list[dict[str, float]]:
    """Divide the data sets at random, to see how much hangs on the halves."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(N_OTHER_HALVES):
        names = rng.permutation(NAMES).tolist()
        half = len(names) // 2
        models = fit_halves(rows, halves=(names[:half], names[half:]))
        predicted = predict(rows, models)
        found.append(
            {
                start: honesty([row for row in predicted if row["start"] == start])[
                    "held_80"
                ]
                for start in STARTS
            }
            | {"all": honesty(predicted)["held_80"]}
        )
    return found


def _label_range(n_labels: int) -> str:
    for low, high in ((10, 19), (20, 49), (50, 99), (100, 199), (200, 400)):
        if n_labels <= high:
            return f"{low} to {high} labels"
    raise ValueError(f"no budget is as large as {n_labels}")


def _ranges(halves: Sequence[dict[str, float]]) -> str:
    texts = []
    for start, text in {**STARTS, "all": "all cells"}.items():
        held = sorted(round(100 * each[start]) for each in halves)
        texts.append(f"{held[0]} to {held[-1]} % ({text})")
    return "; ".join(texts)


def markdown(found: Row) -> str:
    """Write the report."""
    lines = []
    for start, text in STARTS.items():
        lines += [
            _line([text if i == 0 else "", str(size["of"])], size)
            for i, size in enumerate(found["by_size"][start])
        ]
        lines.append(_line(["", "both"], found["by_start"][start]))
    lines.append(_line(["all", ""], found["all"]))
    by_start = table(["labels there are (n)", "labels more (m)", *HEAD], lines)
    by_labels = table(
        ["", *HEAD], [_line([str(each["of"])], each) for each in found["by_labels"]]
    )
    without = [
        _line([text], found[what] if what == "all" else found["by_start"][what])
        for what, text in {**STARTS, "all": "all"}.items()
    ]
    beside = []
    for (what, text), line in zip(
        {**STARTS, "all": "all"}.items(), without, strict=True
    ):
        beside.append([text, "by the curve", *line[1:]])
        beside.append(
            ["", "the same for all", *_line([""], found["without_curve"][what])[1:]]
        )
    by_set = []
    for name in NAMES:
        line = [name]
        for start in STARTS:
            of = [e for e in found["by_data_set"][start] if e["of"] == name]
            line += (
                [
                    f"{100 * of[0]['gain']:.1f}",
                    f"{100 * of[0]['expected']:.1f}",
                    f"{100 * of[0]['held_80']:.0f}",
                ]
                if of
                else ["–", "–", "–"]
            )
        by_set.append(line)
    drawn = [_line([text], found["drawn"][start]) for start, text in STARTS.items()]
    fresh = [
        *(
            _line([text], found["fresh"]["by_start"][start])
            for start, text in STARTS.items()
        ),
        *(_line([str(each["of"])], each) for each in found["fresh"]["by_data_set"]),
        _line(["all"], found["fresh"]["all"]),
    ]
    constants = [
        [text, *(f"{model[name]:.3f}" for name in found["constants"])]
        for text, model in zip(
            (
                "all, the fresh ones included (in the library)",
                "all but these",
                "first half",
                "second half",
            ),
            [
                found["constants"],
                found["constants_without_fresh"],
                *found["constants_by_half"],
            ],
            strict=True,
        )
    ]
    held_fresh = round(100 * found["fresh"]["by_start"]["representatives"]["held_80"])
    first, second = (", ".join(half) for half in found["halves"])
    return f"""# What more labels bring: is the interval honest?

`python -m benchmarks.accuracy.label_curve --publish`

`label_learning_curve` says what the next m labels will bring, from the n labels there
are: a gain in the accuracy of the propagated labels (of samples without a given one),
and an interval. Here is how often the interval held the true gain, with m labels chosen
by `query_more`. The constants of the prediction come from one half of the data sets,
the cells from the other one. Cells: data sets x budgets x {len(SEEDS)} seeds x two m;
{found["n_refused"]} more had labels of one class only, and no curve. Gains, widths and
scores in points, shares in %. *Below / above*: the true gain was below or above the
80 % interval; 10 / 10 would be right. *Score*: width of the 80 % interval, and ten
times the distance by which it was missed (Gneiting and Raftery 2007); less is better.

{by_start}
## By number of labels

{by_labels}
## Is the curve worth it?

Beside an interval that knows n and m, and not the curve, fitted in the same way.

{table(["labels there are", "interval", *HEAD], beside)}
## By data set

For each kind of labels: true gain, expected gain, share of cells that the 80 % interval
held. Cells of one data set stand or fall together: what is new about data is what the
interval mostly tells.

{table(["", *("gain", "expected", "held") * len(STARTS)], by_set)}
Columns 1 to 3: representatives; 4 to 6: after a second round; 7 to 9: known at random.

## On fresh data

The form of the model was chosen with the data sets above in view; only its constants
were kept from the half that they are checked on. So here are others, none of which was
looked at before: {len(FRESH)} data sets of scikit-learn and its generators,
{len(FRESH_SEEDS)} seeds, and constants from all data sets above. With representatives,
the weak point, the 80 % interval held {held_fresh} % here.

{table(["", *HEAD], fresh)}
## Farther ahead, and other halves

3n labels more, in two rounds of n and 2n, from representatives:

{table(["", *HEAD], [_line(["m = 3n"], found["two_rounds"])])}
Share held by the 80 % interval, with the data sets divided at random, {N_OTHER_HALVES}
times:
{_ranges(found["other_halves"])}.

## If the m labels are drawn at random

The interval is meant for labels that `query_more` chooses. Random ones bring less:

{table(["labels there are", *HEAD], drawn)}
## Constants

{table(["fitted on", *found["constants"]], constants)}
First half: {first}. Second half: {second}.
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Compute what is missing, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/accuracy/label_curve"),
        help="folder of finished cells; default: %(default)s",
    )
    parser.add_argument("--datasets", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument(
        "--publish", action="store_true", help="write to benchmarks/results"
    )
    arguments = parser.parse_args(argv)
    rows = [
        row
        for of_cell in cells(arguments.datasets, arguments.seeds, arguments.out)
        for row in of_cell
    ]
    fresh = [row for of_cell in fresh_cells(arguments.out) for row in of_cell]
    found = summarize(rows, fresh)
    report = markdown(found)
    folder = (
        REPOSITORY / "benchmarks" / "results" if arguments.publish else arguments.out
    )
    write_atomically(folder / "label_curve.md", report)
    write_atomically(folder / "label_curve.json", json.dumps(found, indent=1) + "\n")
    print(report)


if __name__ == "__main__":
    main()
