"""Some labels are known from the start, and nobody is asked for more.

Known are those of 1, 5 or 20 % of the training samples, drawn at random, or those of
hard samples alone: the 5 % that are farthest from the centres of k-means. Each class
has one at least. All methods get the same labels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

from .context import Budget, Context, Outcome, probabilities_of
from .data import DataSet
from .harness import Method, Row, Setting
from .methods import choosing, told_of
from .peers import label_propagation, self_training
from .statistics import TOLERATED_LOSS, paired_difference, summarize
from .tables import (
    case_sections,
    closing_sections,
    jsonable,
    percent,
    plus_minus,
    table,
)

#: How the labels of a cell were drawn, and how many percent of the samples have one.
BUDGETS = {
    "random-1": "1 % known",
    "random-5": "5 % known",
    "random-20": "20 % known",
    "hard-5": "the hardest 5 % known",
}
#: In how many clusters a choice looks for representatives, where there are samples.
N_CLUSTERS = 50


def budgets_of(data_set: DataSet) -> tuple[Budget, ...]:
    """List the ways to draw known labels; fewer of them where samples are many."""
    if data_set.name == "fashion_mnist":
        return ("random-1", "random-5")
    return tuple(BUDGETS)


# ---------------------------------------------------------------- methods


def known_alone(context: Context) -> Outcome:
    """Train the classifier on the known labels."""
    positions = context.known_positions()
    return context.train(positions, context.problem.y_train[positions])


def _with_known(run: Callable[[Context], Outcome]) -> Callable[[Context], Outcome]:
    """Make the method also count its labels, and what became of the known ones."""

    def counting(context: Context) -> Outcome:
        outcome = run(context)
        positions = context.known_positions()
        outcome.detail.update(
            n_known=len(positions),
            **count_harmed(outcome, positions, context.problem.y_train[positions]),
        )
        return outcome

    return counting


def count_harmed(
    outcome: Outcome, positions: NDArray[np.intp], labels: NDArray[Any]
) -> dict[str, int]:
    """Count the known labels that a method has changed, or does not train on.

    A label is changed if the training set holds another one for its sample, or the
    method says another one of it.
    """
    assert outcome.positions is not None
    assert outcome.labels is not None
    is_changed = np.zeros(len(positions), dtype=bool)
    if outcome.transduction is not None:
        is_changed |= outcome.transduction[positions] != labels
    order = np.argsort(outcome.positions)
    trained, of_trained = outcome.positions[order], outcome.labels[order]
    place = np.minimum(np.searchsorted(trained, positions), len(trained) - 1)
    is_there = trained[place] == positions
    is_changed |= is_there & (of_trained[place] != labels)
    return {
        "known_changed": int(is_changed.sum()),
        "known_left_out": int((~is_there).sum()),
    }


def _known_codes(context: Context) -> NDArray[np.intp]:
    """Return the codes of the known labels, -1 for all other samples."""
    codes = np.full(len(context.problem.y_train), -1)
    known = context.known_positions()
    codes[known] = context.problem.codes_train[known]
    return codes


def _outcome(context: Context, model: Any, **detail: Any) -> Outcome:
    """Predict by a fitted estimator of this library, and keep what it trained on."""
    problem = context.problem
    classes = problem.classes
    propagator = getattr(model, "propagator_", model)
    if propagator.n_queries_:
        raise AssertionError(f"{propagator.n_queries_} labels were asked for")
    codes = propagator.transduction_
    kept = propagator.sample_indices_
    return Outcome(
        classes[model.predict(problem.X_test)],
        getattr(model, "training_indices_", kept),
        classes[getattr(model, "training_labels_", codes[kept])],
        detail,
        # None where no label reaches: a known label that is lost is changed, too.
        transduction=np.where(codes < 0, None, classes[codes].astype(object)),
        probabilities=probabilities_of(model, problem.X_test, classes),
    )


def propagated(context: Context) -> Outcome:
    """Run PropagatedClassifier at its defaults, on the ready embedding."""
    propagator = context.propagator(KMeansLabelPropagator().n_clusters)
    model = PropagatedClassifier(context.make_classifier(), propagator)
    return _outcome(context, model.fit(context.problem.X_train, _known_codes(context)))


def neighbors(context: Context) -> Outcome:
    """Predict by the propagator itself, at its defaults, on the ready embedding."""
    propagator = context.propagator(KMeansLabelPropagator().n_clusters)
    return _outcome(
        context, propagator.fit(context.problem.X_train, _known_codes(context))
    )


def automatic(context: Context) -> Outcome:
    """Run the library's own choice."""
    y = _known_codes(context)
    model = choosing(context, "accuracy", min(N_CLUSTERS, len(y)))
    model.fit(context.problem.X_train, y)
    return _outcome(context, model, **told_of(model))


def _method(run: Callable[[Context], Outcome], text: str) -> Method:
    return Method(_with_known(run), text)


#: In the order of the report.
METHODS: dict[str, Method] = {
    "known": _method(known_alone, "known labels alone"),
    "propagated": _method(propagated, "PropagatedClassifier"),
    "neighbors": _method(neighbors, "graph rule, predicted by the neighbours"),
    "automatic": _method(automatic, "**PropagatedClassifierCV**"),
    "spreading": _method(label_propagation(LabelSpreading, "known"), "LabelSpreading"),
    "spreading_tuned": _method(
        label_propagation(LabelSpreading, "known", tuned=True), "LabelSpreading, tuned"
    ),
    "propagation": _method(
        label_propagation(LabelPropagation, "known"), "LabelPropagation"
    ),
    "self_training": _method(self_training("known"), "SelfTrainingClassifier"),
}
BASELINE = "known"
#: What this library offers, and what each is to come close to everywhere.
OWN = ("propagated", "neighbors", "automatic")
PEERS = {"known": "known labels alone", "spreading_tuned": "LabelSpreading, tuned"}


# ---------------------------------------------------------------- checks


def check(rows: list[Row]) -> list[Row]:
    """Check this library's methods on one data set and budget.

    No known label is changed or left out; no seed fails; the mean over the seeds is no
    more than a point below the known labels alone, and below tuned LabelSpreading.
    """
    by_method = {row["method"]: row for row in rows if row["by_seed"]}
    checks = []
    for name in OWN:
        if name not in by_method or not by_method.keys() >= PEERS.keys():
            continue
        row = by_method[name]
        minus = {
            peer: paired_difference(row["by_seed"], by_method[peer]["by_seed"])
            for peer in PEERS
        }
        n_harmed = row["known_changed"] + row["known_left_out"]
        checks.append(
            {
                "method": name,
                "accuracy": summarize(row["by_seed"].values()).mean,
                "n_harmed": n_harmed,
                "keeps_labels": n_harmed == 0,
                "never_failed": row["n_failed"] == 0,
                **{f"minus_{peer}": minus[peer] for peer in PEERS},
                **{
                    f"is_near_{peer}": minus[peer].mean >= -TOLERATED_LOSS
                    for peer in PEERS
                },
            }
        )
    return [jsonable(found) for found in checks]


def passes(found: Row) -> bool:
    """Tell whether nothing of a check has failed."""
    return all(
        found[name]
        for name in ("keeps_labels", "never_failed", *(f"is_near_{p}" for p in PEERS))
    )


def _verdict(passed: bool) -> str:
    return "pass" if passed else "**FAIL**"


def _complete_means(rows: list[Row]) -> tuple[list[str], list[dict[str, float]]]:
    """Give the methods, and their means on each pair where all have a result."""
    means: dict[tuple[str, str, Budget], dict[str, float]] = {}
    for row in rows:
        if row["accuracy"]["n"]:
            where = row["dataset"], row["classifier"], row["budget"]
            means.setdefault(where, {})[row["method"]] = row["accuracy"]["mean"]
    present = {row["method"] for row in rows}
    methods = [name for name in METHODS if name in present]
    return methods, [of for of in means.values() if len(of) == len(methods)]


def headline_table(rows: list[Row]) -> str:
    """Write a line for each method, the best last, for the README."""
    methods, complete = _complete_means(rows)
    mean = {name: float(np.mean([of[name] for of in complete])) for name in methods}
    lines = []
    for name in sorted(methods, key=mean.__getitem__):
        worst = min(of[name] - of[BASELINE] for of in complete)
        n_changed = sum(row["known_changed"] for row in rows if row["method"] == name)
        lines.append(
            [
                METHODS[name].text.strip("*"),
                percent(mean[name]),
                "" if name == BASELINE else percent(worst, signed=True),
                str(n_changed),
            ]
        )
    names = {row["dataset"] for row in rows}
    n_seeds = min(row["accuracy"]["n"] for row in rows)
    head = ["some labels are known", "test accuracy, %"]
    head += ["at worst, beside these alone", "known labels changed"]
    return (
        table(head, lines)
        + f"\n{len(names)} data sets, {len(complete)} pairs of data set and known "
        f"labels, {n_seeds} seeds each."
    )


def overall_table(rows: list[Row]) -> str:
    """Write a line for each method: its mean, and how it does beside the baselines."""
    methods, complete = _complete_means(rows)
    if not complete or not PEERS.keys() <= set(methods):
        return "No data set has a result of each method yet.\n"
    lines = []
    for name in methods:
        line = [METHODS[name].text, percent(np.mean([of[name] for of in complete]))]
        for peer in PEERS:
            ahead = np.array([of[name] - of[peer] for of in complete])
            if name == peer:
                line += ["", ""]
                continue
            text = percent(ahead.mean(), signed=True)
            if name in OWN:
                text += f" {_verdict(bool(ahead.mean() > 0))}"
            line += [text, percent(ahead.min(), signed=True)]
        of_method = [row for row in rows if row["method"] == name]
        for counted in ("known_changed", "known_left_out"):
            n_harmed = sum(row.get(counted, 0) for row in of_method)
            line.append(
                f"{n_harmed} {_verdict(not n_harmed)}" if name in OWN else str(n_harmed)
            )
        lines.append(line)
    head = ["method", "accuracy, %"]
    for text in PEERS.values():
        head += [f"minus {text}", "at worst"]
    head += ["known labels changed", "left out of training"]
    return (
        f"Means over {len(complete)} pairs of data set and known labels, each a mean "
        "over the seeds; labels are counted over all.\n\n" + table(head, lines)
    )


def checks_table(rows: list[Row], checks: list[Row]) -> str:
    """Write a line for each data set and budget."""
    means = {
        (row["dataset"], row["classifier"], row["budget"], row["method"]): row
        for row in rows
    }
    by_pair: dict[tuple[str, str, Budget], dict[str, Row]] = {}
    for found in checks:
        where = found["dataset"], found["classifier"], found["budget"]
        by_pair.setdefault(where, {})[found["method"]] = found
    lines = []
    for where, of_pair in by_pair.items():
        line = [f"{where[0]}, {where[1]}", BUDGETS[str(where[2])]]
        known = means[(*where, BASELINE)]
        line.append(f"{known['n_known']['mean']:.0f}")
        line += [percent(means[(*where, peer)]["accuracy"]["mean"]) for peer in PEERS]
        for name in OWN:
            if name not in of_pair:
                line.append("–")
                continue
            found = of_pair[name]
            minus = ", ".join(
                percent(found[f"minus_{peer}"]["mean"], signed=True) for peer in PEERS
            )
            verdict = _verdict(passes(found))
            line.append(f"{percent(found['accuracy'])} ({minus}) {verdict}")
        lines.append(line)
    head = ["data set", "labels", "on average", *PEERS.values()]
    head += [METHODS[name].text.strip("*") for name in OWN]
    return table(head, lines)


def tell(checks: list[Row]) -> list[str]:
    """Write each check on a line."""
    lines = []
    for found in checks:
        minus = ", ".join(
            f"minus {text} {plus_minus(found[f'minus_{peer}'], 'error', True)}"
            for peer, text in PEERS.items()
        )
        lines.append(
            f"{'pass' if passes(found) else 'FAIL'}  {found['dataset']:16} "
            f"{found['classifier']:9} {found['budget']:9} {found['method']:10} "
            f"{minus}, {found['n_harmed']} known labels changed or left out"
        )
    return lines


def markdown(summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write the report."""
    rows, checks = summary["rows"], summary["checks"]
    parts = [
        "# Results with known labels\n",
        "## Is it better than the known labels alone?\n",
        "This library's methods should change no known label and leave none out, be "
        "ahead of the known labels alone and of tuned LabelSpreading on average, and "
        "no more than 1 point below either anywhere: else the tables say so.\n",
        overall_table(rows),
        "Accuracy of each pair in %, and in brackets the paired differences to the "
        "known labels alone and to tuned LabelSpreading, in points.\n",
        checks_table(rows, checks) if checks else "No result to check yet.\n",
        *case_sections(PARTLY, rows),
        *closing_sections(PARTLY, rows, machine),
    ]
    return "\n".join(parts)


PARTLY = Setting(
    name="partly",
    text="some labels are known from the start, and nobody is asked for more",
    methods=METHODS,
    budgets_of=budgets_of,
    title_of=lambda budget: BUDGETS[str(budget)],
    baseline=BASELINE,
    baseline_title="known alone",
    markdown=markdown,
    check=check,
    tell=tell,
    report="partly",
    quick=dict.fromkeys(
        ("digits", "penguins", "made_imbalanced", "made_misleading"),
        ("random-5", "hard-5"),
    ),
)
