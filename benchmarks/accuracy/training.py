"""Ways to train on the same propagated labels: weights, soft labels, corrections.

Test accuracy of each way minus that of plain (hard) labels, paired by seed: split,
clusters, labels paid for and labels propagated are the same for all ways. Every data
set but Fashion-MNIST, at the middle one of its budgets (of two, the larger). What is
in the JSON file is not computed again; delete it to compute anew. Writes
``results/training.json`` after every seed, and the table ``training.md`` beside it.

    python -m benchmarks.accuracy.training [--seeds 10] [--datasets NAME ...]
    python -m benchmarks.accuracy.training --fashion-mnist   # weights alone; heavy
    python -m benchmarks.accuracy.training --report-only
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from examples.fashion_mnist.store import write_atomically
from kmeans_labelprop import PropagatedClassifier

from .context import Context, Outcome
from .data import DATA_SETS, split
from .measure import Shared
from .report import describe_machine
from .statistics import Summary, paired_difference, summarize

RESULTS = Path(__file__).parents[1] / "results" / "training.json"
FASHION = "fashion_mnist"
BASE = "hard"
#: By name: what the table says, and the parameters of PropagatedClassifier. Soft labels
#: are not in the library: they are made here.
WAYS: dict[str, tuple[str, dict[str, Any] | None]] = {
    BASE: ("hard labels", {"sample_weight": None}),
    "weights": ("weights (default)", {"sample_weight": "confidence"}),
    "soft": ("soft labels", None),
    "drop": ('`"drop"`', {"sample_weight": None, "correction": "drop"}),
    "drop+weights": (
        '`"drop"`, weights',
        {"sample_weight": "confidence", "correction": "drop"},
    ),
    "relabel+weights": (
        '`"relabel"`, weights',
        {"sample_weight": "confidence", "correction": "relabel"},
    ),
}
#: Rule and fraction.
SETTINGS = (("cluster", 0.7), ("cluster", 1.0), ("graph", 0.7), ("graph", 1.0))
#: A class with a smaller share in a sample is left out of its soft label.
MIN_SHARE = 1e-3
MEASURED = ("accuracy", "balanced_accuracy", "label_accuracy", "n_training")


# ---------------------------------------------------------------- training


def soften(
    distributions: NDArray[Any], codes: NDArray[np.intp], is_given: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[Any]]:
    """Take each sample once per class, weighted by the share of the class in it.

    Labels that were paid for (`is_given`) stay hard. Returns positions, classes and
    weights.
    """
    shares = np.array(distributions, dtype=float)
    shares[is_given] = 0
    shares[is_given, codes[is_given]] = 1
    positions, classes = np.nonzero(shares >= MIN_SHARE)
    return positions, classes, shares[positions, classes]


def train_softly(context: Context, propagator: Any) -> Outcome:
    """Train on the shares of the classes; `propagator` is not yet fitted."""
    problem = context.problem
    propagator.fit(problem.X_train, problem.y_train)
    kept = propagator.sample_indices_
    positions, classes, weights = soften(
        propagator.label_distributions_[kept],
        np.searchsorted(propagator.classes_, propagator.transduction_[kept]),
        np.isin(kept, propagator.representative_indices_),
    )
    classifier = context.make_classifier().fit(
        problem.X_train[kept[positions]],
        propagator.classes_[classes],
        sample_weight=weights,
    )
    y_pred = classifier.predict(problem.X_test)
    # The labels that count as right or wrong are the likeliest.
    return Outcome(y_pred, kept, propagator.transduction_[kept])


def train(context: Context, rule: str, fraction: float, way: str) -> dict[str, Any]:
    """Propagate, train in one way, and score on the test part."""
    problem = context.problem
    propagator = context.propagator(propagation=rule, fraction=fraction)
    parameters = WAYS[way][1]
    if parameters is None:
        outcome = train_softly(context, propagator)
    else:
        model = PropagatedClassifier(
            context.make_classifier(), propagator, **parameters
        ).fit(problem.X_train, problem.y_train)
        outcome = Outcome(
            model.predict(problem.X_test),
            model.training_indices_,
            model.training_labels_,
        )
    return context.score(outcome)


# ---------------------------------------------------------------- the run


def middle(budgets: Sequence[int]) -> int:
    """Return the middle one, of two the larger."""
    return sorted(budgets)[len(budgets) // 2]


def cases(name: str) -> Iterator[tuple[str, float, str]]:
    """Go through rule, fraction and way of a data set."""
    for rule, fraction in SETTINGS:
        for way in WAYS:
            if way == "soft" and rule == "cluster":
                continue  # a cluster has one class
            if name == FASHION and (fraction < 1 or way not in (BASE, "weights")):
                continue  # minutes each
            yield rule, fraction, way


def measure_seed(
    name: str, budget: int, classifier: str, seed: int
) -> list[dict[str, Any]]:
    """Score all cases of a data set on one split, in order."""
    problem = split(name, seed)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # With few labels that is nothing to stop for; it counts against all ways.
        warnings.filterwarnings("ignore", "No representative has a label of")
        context = Context(problem, budget, seed, classifier, Shared(Path(folder)))
        return [train(context, *case) for case in cases(name)]


def add_seed(record: dict[str, Any], seed: int, scores: list[dict[str, Any]]) -> None:
    """Append the scores of a seed to the rows of a data set."""
    for row, score in zip(record["rows"], scores, strict=True):
        for measured in MEASURED:
            row[measured].append(round(score[measured], 5))
    record["seeds"].append(seed)


def what_is_measured(record: dict[str, Any]) -> Any:
    """Tell what a record is about, without its figures."""
    rows = [(row["rule"], row["fraction"], row["way"]) for row in record["rows"]]
    return record["budget"], record["classifier"], rows


def empty_record(name: str) -> dict[str, Any]:
    """Make the record of a data set of which no seed is done."""
    data_set = DATA_SETS[name]
    return {
        "budget": 100 if name == FASHION else middle(data_set.budgets),
        "classifier": data_set.classifier,
        "seeds": [],
        "rows": [
            {"rule": rule, "fraction": fraction, "way": way}
            | {measured: [] for measured in MEASURED}
            for rule, fraction, way in cases(name)
        ],
    }


# ---------------------------------------------------------------- the figures


class Comparison(NamedTuple):
    """A way beside hard labels, at one rule and fraction, over data sets.

    Attributes
    ----------
    accuracy : float
        Mean test accuracy over the data sets.
    differences : dict of str to Summary
        Minus hard labels, by data set, over seeds.
    mean : Summary
        Of the differences, over data sets.
    balanced : Summary
        The same of balanced accuracy, in which rare classes count as much.
    worst : str
        The data set with the smallest difference.
    n_better, n_worse : int
        Data sets where the difference exceeds twice its standard error.
    """

    rule: str
    fraction: float
    way: str
    accuracy: float
    differences: dict[str, Summary]
    mean: Summary
    balanced: Summary
    worst: str
    n_better: int
    n_worse: int


def by_case(
    records: dict[str, dict[str, Any]], measured: str
) -> dict[tuple[str, float, str], dict[str, dict[int, float]]]:
    """Sort figures by rule, fraction and way, data set, and seed."""
    figures: dict[tuple[str, float, str], dict[str, dict[int, float]]] = {}
    for name, record in records.items():
        for row in record["rows"]:
            of_seeds = dict(zip(record["seeds"], row[measured], strict=True))
            case = row["rule"], row["fraction"], row["way"]
            figures.setdefault(case, {})[name] = of_seeds
    return figures


def minus_base(figures: Any, rule: str, fraction: float, way: str) -> Any:
    """Pair a way with hard labels, for each data set."""
    base = figures[rule, fraction, BASE]
    return {
        name: paired_difference(values, base[name])
        for name, values in figures[rule, fraction, way].items()
    }


def compare(records: dict[str, dict[str, Any]]) -> list[Comparison]:
    """Compare all ways with hard labels over the data sets given."""
    accuracies = by_case(records, "accuracy")
    balanced = by_case(records, "balanced_accuracy")
    comparisons = []
    for case, values in accuracies.items():
        differences = minus_base(accuracies, *case)
        each = differences.values()
        in_balance = minus_base(balanced, *case).values()
        comparisons.append(
            Comparison(
                *case,
                summarize(summarize(v.values()).mean for v in values.values()).mean,
                differences,
                summarize(difference.mean for difference in each),
                summarize(difference.mean for difference in in_balance),
                min(differences, key=lambda name: differences[name].mean),
                sum(difference.mean > 2 * difference.error for difference in each),
                sum(difference.mean < -2 * difference.error for difference in each),
            )
        )
    return comparisons


def points(difference: Summary) -> str:
    """Write a difference in points, with its standard error where there is one."""
    text = f"{100 * difference.mean:+.2f}"
    if not math.isnan(difference.error):
        text += f" ± {100 * difference.error:.2f}"
    return text


def table(comparisons: Sequence[Comparison]) -> str:
    """Write a row for each setting and way, in Markdown."""
    lines = [
        "| rule | fraction | trained on | accuracy | minus hard labels | balanced "
        "| worst data set | better | worse |",
        "|---|--:|---|--:|--:|--:|---|--:|--:|",
    ]
    for each in comparisons:
        cells = [each.rule, f"{each.fraction:g}", WAYS[each.way][0]]
        cells.append(f"{100 * each.accuracy:.1f}")
        if each.way == BASE:
            cells += [""] * 5
        else:
            worst = 100 * each.differences[each.worst].mean
            cells += [points(each.mean), points(each.balanced)]
            cells += [f"{worst:+.2f} (`{each.worst}`)"]
            cells += [f"{each.n_better}", f"{each.n_worse}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def table_of_data_sets(comparisons: Sequence[Comparison]) -> str:
    """Write a row for each data set and setting, a column for each way."""
    ways = [way for way in WAYS if way != BASE]
    lines = ["| data set | rule | fraction | " + " | ".join(ways) + " |"]
    lines.append("|---|---|--:|" + "--:|" * len(ways))
    of_case = {(each.rule, each.fraction, each.way): each for each in comparisons}
    names = {name: None for each in comparisons for name in each.differences}
    for name in names:
        for rule, fraction in SETTINGS:
            found = [of_case.get((rule, fraction, way)) for way in ways]
            cells = [
                points(each.differences[name])
                if each and name in each.differences
                else ""
                for each in found
            ]
            if any(cells):
                lines.append(
                    f"| {name} | {rule} | {fraction:g} | " + " | ".join(cells) + " |"
                )
    return "\n".join(lines)


def is_fashion(name: str) -> bool:
    """Tell Fashion-MNIST from the sets over which the average goes."""
    return name == FASHION


def markdown(records: dict[str, dict[str, Any]]) -> str:
    """Write what the documentation includes."""
    parts = []
    common = {name: r for name, r in records.items() if not is_fashion(name)}
    if common:
        counts = {len(record["seeds"]) for record in common.values()}
        seeds = " to ".join(str(n) for n in sorted({min(counts), max(counts)}))
        parts += [
            table(compare(common)),
            f"{len(common)} data sets, {seeds} seeds each. Test accuracy in per cent, "
            "mean over the data sets; differences in points, paired by seed, mean over "
            "the data sets ± its standard error; *balanced*: the same of balanced "
            "accuracy; *better* and *worse*: data sets where the difference is more "
            "than twice its own standard error.",
        ]
    if FASHION in records:
        record = records[FASHION]
        parts += [
            f"Fashion-MNIST, {record['budget']} labels, a small dense network, "
            f"{len(record['seeds'])} seeds:",
            table(compare({FASHION: record})),
        ]
    return "\n\n".join(parts) + "\n"


def rounded_error(difference: Summary) -> float | None:
    """Return the standard error for JSON, which has no NaN."""
    return None if difference.n < 2 else round(difference.error, 5)


def as_json(machine: dict[str, Any], records: dict[str, dict[str, Any]]) -> str:
    """Write all figures, a row on a line."""
    common = {name: r for name, r in records.items() if not is_fashion(name)}
    only_fashion = {name: r for name, r in records.items() if is_fashion(name)}
    compared = [
        {
            "rule": each.rule,
            "fraction": each.fraction,
            "way": each.way,
            "data_sets": len(each.differences),
            "minus_hard": round(each.mean.mean, 5),
            "error": rounded_error(each.mean),
            "minus_hard_balanced": round(each.balanced.mean, 5),
            "error_balanced": rounded_error(each.balanced),
            "worst": each.worst,
            "n_better": each.n_better,
            "n_worse": each.n_worse,
            "minus_hard_by_data_set": {
                name: [round(d.mean, 5), rounded_error(d)]
                for name, d in each.differences.items()
            },
        }
        for group in (common, only_fashion)
        for each in compare(group)
        if each.way != BASE
    ]

    def lines(rows: list[dict[str, Any]]) -> str:
        return "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]"

    of_sets = [
        f"{json.dumps(name)}: "
        + json.dumps({k: v for k, v in record.items() if k != "rows"})[:-1]
        + f', "rows": {lines(record["rows"])}}}'
        for name, record in records.items()
    ]
    return (
        f'{{\n"machine": {json.dumps(machine)},\n"comparisons": {lines(compared)},\n'
        '"data_sets": {\n' + ",\n".join(of_sets) + "\n}\n}\n"
    )


def write(path: Path, machine: dict[str, Any], records: dict[str, Any]) -> None:
    """Write both files, the data sets in their usual order."""
    order = list(DATA_SETS)
    done = {name: records[name] for name in order if records.get(name, {}).get("seeds")}
    write_atomically(path, as_json(machine, done))
    write_atomically(path.with_suffix(".md"), markdown(done))


def main(argv: Sequence[str] | None = None) -> None:
    """Compute what is missing, write JSON and table, print both tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.training",
        description=__doc__.partition("\n")[0],
    )
    names = [name for name in DATA_SETS if not is_fashion(name)]
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--datasets", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--fashion-mnist", action="store_true", help="weights alone, instead; heavy"
    )
    parser.add_argument("--fashion-seeds", type=int, default=3)
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args(argv)

    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    records = found.get("data_sets", {})
    machine = found.get("machine") if arguments.report_only else None
    machine = machine or describe_machine()
    n_seeds = arguments.fashion_seeds if arguments.fashion_mnist else arguments.seeds
    for name in [FASHION] if arguments.fashion_mnist else arguments.datasets:
        record = records.setdefault(name, empty_record(name))
        if what_is_measured(record) != what_is_measured(empty_record(name)):
            parser.error(
                f"{arguments.out} has {name} at other settings, which do not go "
                "together with these. Delete the file or pass another --out."
            )
        for seed in range(0 if arguments.report_only else n_seeds):
            if seed in record["seeds"]:
                continue
            start = time.perf_counter()
            scores = measure_seed(name, record["budget"], record["classifier"], seed)
            add_seed(record, seed, scores)
            write(arguments.out, machine, records)
            print(f"{name} {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    write(arguments.out, machine, records)
    done = {name: record for name, record in records.items() if record["seeds"]}
    print(table_of_data_sets(compare(done)))
    print()
    print(markdown(done))
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
