"""Labels come in two rounds: what the second one brings, by how it is chosen.

The first half of the labels is of representatives, or of samples at random that were
known already. The second half is asked for by `query_more`, at once or in five rounds,
or is of samples drawn at random. All are scored by the propagator's own prediction of
the test part, and by its labels of the training samples without a given one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmeans_labelprop import KMeansLabelPropagator

from .context import Budget, Context, Outcome
from .data import DataSet
from .harness import Method, Row, Setting
from .statistics import TOLERATED_LOSS, paired_difference, summarize
from .tables import (
    case_sections,
    closing_sections,
    jsonable,
    percent,
    plus_minus,
    table,
)

#: A random second round is the mean of so many: one alone says more about its luck.
N_DRAWS = 5
#: How often those ask who ask again and again.
N_ROUNDS = 5
#: Two rounds may be so much behind all labels at once, on average over the data sets.
TOLERATED_BEHIND = TOLERATED_LOSS / 2


def budgets_of(data_set: DataSet) -> tuple[Budget, ...]:
    """List the labels of a first round: both are within the set's largest budget."""
    if data_set.name == "fashion_mnist":
        return (50,)
    most = max(data_set.budgets)
    return tuple(n_labels for n_labels in data_set.budgets if 2 * n_labels <= most)


# ---------------------------------------------------------------- rounds


def _answers(context: Context, positions: NDArray[np.intp]) -> dict[int, int]:
    """Label these samples, and no others."""
    codes = context.problem.codes_train[positions]
    return dict(zip(positions.tolist(), codes.tolist(), strict=True))


def _representatives(context: Context, n_labels: int) -> KMeansLabelPropagator:
    propagator = context.propagator(n_labels)
    positions = propagator.query(context.problem.X_train)
    return propagator.propagate(_answers(context, positions))


def _known(context: Context) -> KMeansLabelPropagator:
    codes = np.full(context.problem.X_train.shape[0], -1)
    known = context.random_positions()
    codes[known] = context.problem.codes_train[known]
    return context.propagator().fit(context.problem.X_train, codes)


First = Callable[[Context], KMeansLabelPropagator]


def _representatives_first(context: Context) -> KMeansLabelPropagator:
    return _representatives(context, context.n_labels)


def at_once(context: Context) -> Outcome:
    """Label as many representatives as there are labels in both rounds."""
    return _scored(context, [_representatives(context, 2 * context.n_labels)])


def query_more(first: First, n_rounds: int = 1) -> Callable[[Context], Outcome]:
    """Make the method: what `query_more` says, in rounds of equal size."""

    def run(context: Context) -> Outcome:
        propagator = first(context)
        for part in np.array_split(np.arange(context.n_labels), n_rounds):
            if len(part):
                positions = propagator.query_more(len(part))
                propagator.propagate(_answers(context, positions))
        return _scored(context, [propagator])

    return run


def at_random(first: First) -> Callable[[Context], Outcome]:
    """Make the method: a second round at random, the mean of some of them."""

    def run(context: Context) -> Outcome:
        return _scored(context, _random_rounds(context, first(context)))

    return run


def _random_rounds(
    context: Context, propagator: KMeansLabelPropagator
) -> Iterator[KMeansLabelPropagator]:
    """Give the propagator a second round, and another one in its place, and so on."""
    n_samples = context.problem.X_train.shape[0]
    others = np.setdiff1d(np.arange(n_samples), propagator.given_.positions)
    drawn = others[:0]
    for draw in range(1, N_DRAWS + 1):
        withdrawn = dict.fromkeys(drawn.tolist(), -1)
        rng = np.random.default_rng((context.seed, context.n_labels, draw))
        drawn = rng.choice(others, context.n_labels, replace=False)
        yield propagator.propagate(withdrawn | _answers(context, drawn))


def _scored(context: Context, propagators: Iterable[KMeansLabelPropagator]) -> Outcome:
    """Average over the propagators, all of them with the labels of both rounds."""
    scores = [score(context, propagator) for propagator in propagators]
    return Outcome(
        None,
        detail={name: float(np.mean([s[name] for s in scores])) for name in scores[0]},
    )


def score(context: Context, propagator: KMeansLabelPropagator) -> dict[str, float]:
    """Compare with the true labels: of the test part, and of what was not given.

    Samples that no label reaches count as wrong.
    """
    problem = context.problem
    given = propagator.given_.positions
    if len(given) != 2 * context.n_labels:
        raise AssertionError(f"{len(given)} given labels, not {2 * context.n_labels}")
    truth = np.searchsorted(problem.classes, problem.y_test)
    is_right = propagator.predict(problem.X_test) == truth
    is_right_train = propagator.transduction_ == problem.codes_train
    labels_right = float(np.delete(is_right_train, given).mean())
    return {
        "accuracy": float(is_right.mean()),
        "balanced_accuracy": float(
            np.mean([is_right[truth == code].mean() for code in np.unique(truth)])
        ),
        "label_accuracy": labels_right,
        "labels_right": labels_right,
    }


#: In the order of the report; b is the number of labels of a round.
METHODS: dict[str, Method] = {
    "at_once": Method(at_once, "2b at once"),
    "query_more": Method(
        query_more(_representatives_first), "**b at once, b by `query_more`**"
    ),
    "in_rounds": Method(
        query_more(_representatives_first, N_ROUNDS),
        "b at once, b by `query_more` in five rounds",
    ),
    "random": Method(at_random(_representatives_first), "b at once, b at random"),
    "known_query_more": Method(
        query_more(_known), "b known at random, b by `query_more`"
    ),
    "known_random": Method(at_random(_known), "b known at random, b more at random"),
}
ASKED, AT_ONCE, RANDOM = "query_more", "at_once", "random"
#: What is told of a method, and where a row holds it by seed.
MEASURES = {
    "test samples": "by_seed",
    "labels": "labels_right_by_seed",
}


# ---------------------------------------------------------------- checks


def check(rows: list[Row]) -> list[Row]:
    """Check `query_more` on one data set and budget, by both measures.

    It is to be above a random second round by more than the standard error of the
    paired difference; where that is not known, of one seed, it is not.
    """
    by_method = {row["method"]: row for row in rows}
    if not by_method.keys() >= {ASKED, AT_ONCE, RANDOM}:
        return []
    checks = []
    for measure, column in MEASURES.items():
        values = {
            name: by_method[name].get(column, {}) for name in (ASKED, AT_ONCE, RANDOM)
        }
        minus_random = paired_difference(values[ASKED], values[RANDOM])
        checks.append(
            {
                "measure": measure,
                "asked": summarize(values[ASKED].values()).mean,
                "minus_at_once": paired_difference(values[ASKED], values[AT_ONCE]),
                "minus_random": minus_random,
                "is_above_random": minus_random.mean > minus_random.error,
                "never_failed": not any(by_method[name]["n_failed"] for name in values),
            }
        )
    return [jsonable(found) for found in checks]


def passes(found: Row) -> bool:
    """Tell whether nothing of a check has failed."""
    return bool(found["is_above_random"] and found["never_failed"])


def _mean_over_sets(values: Iterable[tuple[str, float]]) -> float:
    """Average over the data sets, each the mean over its budgets."""
    by_set: dict[str, list[float]] = {}
    for name, value in values:
        by_set.setdefault(name, []).append(value)
    return float(np.mean([np.mean(of_set) for of_set in by_set.values()]))


def overall(checks: list[Row]) -> list[Row]:
    """Put the checks of all data sets together, by each measure.

    Pairs of data set and budget without a figure are failures, and part of no mean.
    """
    found = []
    for measure in MEASURES:
        of_all = [each for each in checks if each["measure"] == measure]
        complete = [each for each in of_all if each["minus_at_once"]["n"]]
        if not complete:
            continue
        means = {
            name: _mean_over_sets((e["dataset"], e[name]["mean"]) for e in complete)
            for name in ("minus_at_once", "minus_random")
        }
        failed = [each for each in of_all if not passes(each)]
        found.append(
            {
                "measure": measure,
                **means,
                "is_near_at_once": len(complete) == len(of_all)
                and means["minus_at_once"] >= -TOLERATED_BEHIND,
                "n_sets": len({each["dataset"] for each in of_all}),
                "n_pairs": len(of_all),
                "failed": [f"{each['dataset']} {each['budget']}" for each in failed],
                "n_sets_failed": len({each["dataset"] for each in failed}),
            }
        )
    return found


# ---------------------------------------------------------------- the report


def _verdict(passed: bool) -> str:
    return "pass" if passed else "**FAIL**"


def overall_table(checks: list[Row]) -> str:
    """Write both checks over all data sets, a line for each measure."""
    lines = []
    for found in overall(checks):
        n_sets = found["n_sets"]
        above = f"{n_sets - found['n_sets_failed']} of {n_sets} sets"
        above += f" {_verdict(not found['failed'])}"
        if found["failed"]:
            above += f" (not on {', '.join(found['failed'])})"
        at_once = percent(found["minus_at_once"], signed=True)
        lines.append(
            [
                f"right {found['measure']}",
                f"{at_once} {_verdict(found['is_near_at_once'])}",
                percent(found["minus_random"], signed=True),
                above,
            ]
        )
    if not lines:
        return "No data set has a result of each method yet.\n"
    least = percent(-TOLERATED_BEHIND, signed=True)
    head = [
        "b at once, b by `query_more`",
        f"minus 2b at once (no less than {least})",
        "minus b at random",
        "above that by more than its error",
    ]
    return table(head, lines)


def means_table(rows: list[Row]) -> str:
    """Write a line for each method: its means over the data sets."""
    values: dict[tuple[str, Budget], dict[str, tuple[float, ...]]] = {}
    for row in rows:
        if row["accuracy"]["n"]:
            means = (
                float(np.mean(list(row[column].values())))
                for column in MEASURES.values()
            )
            where = row["dataset"], row["budget"]
            values.setdefault(where, {})[row["method"]] = tuple(means)
    present = {row["method"] for row in rows}
    methods = [name for name in METHODS if name in present]
    complete = {where: of for where, of in values.items() if len(of) == len(methods)}
    if not complete:
        return "No data set has a result of each method yet.\n"
    lines = []
    for name in methods:
        line = [METHODS[name].text]
        for number in range(len(MEASURES)):
            mean = _mean_over_sets(
                (where[0], of[name][number]) for where, of in complete.items()
            )
            line.append(percent(mean))
        lines.append(line)
    n_sets = len({name for name, _ in complete})
    head = ["labels", *(f"right {measure}, %" for measure in MEASURES)]
    return (
        f"Means over {n_sets} data sets, each the mean over what it has of the "
        f"{len(complete)} pairs of data set and b.\n\n" + table(head, lines)
    )


def checks_table(checks: list[Row]) -> str:
    """Write a line for each data set and first budget."""
    by_pair: dict[tuple[str, Budget], dict[str, Row]] = {}
    for found in checks:
        where = found["dataset"], found["budget"]
        by_pair.setdefault(where, {})[found["measure"]] = found
    lines = []
    for (name, budget), of_pair in by_pair.items():
        line = [name, title_of(budget)]
        for measure in MEASURES:
            found = of_pair[measure]
            minus_random = plus_minus(found["minus_random"], "error", True)
            line += [
                percent(found["asked"]),
                plus_minus(found["minus_at_once"], "error", True),
                f"{minus_random} {_verdict(passes(found))}",
            ]
        lines.append(line)
    head = ["data set", "labels"]
    for measure in MEASURES:
        head += [f"right {measure}, %", "minus at once", "minus random"]
    return table(head, lines)


def tell(checks: list[Row]) -> list[str]:
    """Write each check on a line, and those over all data sets."""
    lines = [
        f"{'pass' if passes(found) else 'FAIL'}  {found['dataset']:16} "
        f"{found['budget']:<4} right {found['measure']:12} "
        f"minus random {plus_minus(found['minus_random'], 'error', True)}, "
        f"minus at once {plus_minus(found['minus_at_once'], 'error', True)}"
        for found in checks
    ]
    for found in overall(checks):
        at_once = percent(found["minus_at_once"], signed=True)
        n_above = found["n_pairs"] - len(found["failed"])
        lines += [
            f"{'pass' if found['is_near_at_once'] else 'FAIL'}  mean over "
            f"{found['n_sets']} sets, right {found['measure']}: minus at once "
            f"{at_once}",
            f"{'FAIL' if found['failed'] else 'pass'}  above random by more than the "
            f"error, right {found['measure']}: {n_above} of {found['n_pairs']} pairs",
        ]
    return lines


def title_of(budget: Budget) -> str:
    """Write the labels of both rounds."""
    return f"{budget} + {budget}"


def markdown(summary: dict[str, Any], machine: dict[str, Any]) -> str:
    """Write the report."""
    rows, checks = summary["rows"], summary["checks"]
    parts = [
        "# Results of second rounds\n",
        "## Does a second round by `query_more` pay?\n",
        "On average over the data sets it is to be no more than half a point behind "
        "as many labels at once, and on each above a second round at random by more "
        "than the standard error of the paired difference: else the tables say so.\n",
        overall_table(checks),
        means_table(rows),
        "## Each data set\n",
        "Right test samples are those of the propagator's own prediction, right labels "
        "those of the training samples without a given one. Differences are paired, in "
        "points, with their standard errors.\n",
        checks_table(checks) if checks else "No result to check yet.\n",
        "In the tables below no classifier is on top, whatever they are headed. A "
        f"random round is the mean of {N_DRAWS}, and its time and memory are those of "
        "all of them.\n",
        *case_sections(ROUNDS, rows),
        *closing_sections(ROUNDS, rows, machine),
    ]
    return "\n".join(parts)


ROUNDS = Setting(
    name="rounds",
    text="labels come in two rounds, the second by query_more or at random",
    methods=METHODS,
    budgets_of=budgets_of,
    title_of=title_of,
    baseline=AT_ONCE,
    baseline_title="at once",
    markdown=markdown,
    check=check,
    tell=tell,
    report="rounds",
    quick={
        "digits": (50,),
        "penguins": (20,),
        "made_imbalanced": (50,),
        "made_misleading": (50,),
    },
)
