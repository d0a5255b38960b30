"""The library's own choice, with the neighbours beside each classifier, and less of it.

    python -m benchmarks.accuracy.together [--seeds 103] [--minutes 60]

`PropagatedClassifierCV` at its defaults on the data sets, labels and classifiers of
benchmarks.accuracy.choice. What it compared is kept, all candidates predict the test
samples, and other ways to choose are tried on the same. A cell that is finished is not
computed again. Writes results/together.json and .md with --publish.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone

from kmeans_labelprop import PropagatedClassifier, PropagatedClassifierCV
from kmeans_labelprop import _classifier_cv as library
from kmeans_labelprop._engine import predict_distributions
from kmeans_labelprop._propagation import join, likeliest
from kmeans_labelprop._selection import _choice
from kmeans_labelprop._selection._candidates import Candidate

from .choice import Cell, all_cells, divide, make_classifiers, propagator_and_labels
from .choice_data import DATA_SETS
from .files import write_atomically
from .mixed_tables import RESULTS
from .statistics import summarize
from .tables import describe_machine

Choose = Callable[["Compared"], int]
ALONE = Candidate("cluster", 0.0)
NEIGHBORS = Candidate("graph", 1.0, "neighbors")


class Compared:
    """What `choose` was called with.

    Parameters
    ----------
    scores, weights, candidates, share_asked, own : object
        Its arguments.
    """

    def __init__(
        self,
        scores: NDArray[np.float64],
        weights: NDArray[np.float64],
        candidates: Sequence[Candidate],
        share_asked: float,
        own: NDArray[np.float64],
    ) -> None:
        self.scores, self.weights = np.asarray(scores), np.asarray(weights)
        self.candidates, self.share_asked = list(candidates), share_asked
        self.own = np.asarray(own)

    def choose(self, among: Sequence[int] | None = None, **changes: Any) -> int:
        """Choose as the library does, among some of the candidates, or otherwise."""
        among = range(len(self.candidates)) if among is None else among
        arguments = {
            "scores": self.scores[list(among)],
            "weights": self.weights,
            "candidates": [self.candidates[i] for i in among],
            "share_asked": self.share_asked,
            "own": self.own[list(among)],
        }
        return list(among)[_choice.choose(**(arguments | changes))]

    def where(self, takes: Callable[[Candidate], bool]) -> list[int]:
        return [i for i, each in enumerate(self.candidates) if takes(each)]


def with_lead(lead: float) -> Choose:
    """Let the given labels alone lead by so many standard errors, if asked for."""

    def choose(compared: Compared) -> int:
        def lead_of(candidate: Candidate, share_asked: float) -> float:
            is_graph = candidate.propagation == "graph" and candidate.fraction > 0
            if is_graph or candidate.propagates:
                return 0.0 if is_graph else 0.5
            return 0.5 + (lead - 0.5) * share_asked

        with patch.object(_choice, "_lead", lead_of):
            return compared.choose()

    return choose


def fixed(takes: Callable[[Candidate], bool]) -> Choose:
    """Take one candidate always: of two spaces the embedding, if there is one."""
    return lambda compared: compared.where(takes)[-1]


def without(leaves_out: Callable[[Candidate], bool]) -> Choose:
    return lambda compared: compared.choose(compared.where(lambda c: not leaves_out(c)))


def with_space_lead(lead: float) -> Choose:
    """Let the samples lead the embedding by so many standard errors."""

    def choose(compared: Compared) -> int:
        with patch.object(_choice, "SPACE_LEAD", lead):
            return compared.choose()

    return choose


def in_space(space: str) -> Choose:
    return lambda compared: compared.choose(
        own=np.array([[c.train_on == space] for c in compared.candidates])
        * np.ones(compared.own.shape)
    )


def by_scores_alone(compared: Compared) -> int:
    means = _choice.weighted_mean(compared.scores, compared.weights)
    return int(_choice.comparable(means).argmax())  # what has failed comes last


WAYS: dict[str, Choose] = {
    "**the library's choice**": lambda compared: compared.choose(),
    "always the given labels alone": fixed(lambda c: not c.propagates),
    "always the neighbours": fixed(lambda c: c == NEIGHBORS),
    "always graph at 1 with the neighbours": fixed(
        lambda c: c.with_neighbors and c.fraction == 1
    ),
    "alone by two standard errors": with_lead(2.0),
    "alone by half a standard error": with_lead(0.5),
    "never the given labels alone": without(lambda c: not c.propagates),
    "without the neighbours by themselves": without(lambda c: c == NEIGHBORS),
    "without the given labels with the neighbours": without(
        lambda c: c.with_neighbors and c.fraction == 0
    ),
    "without graph at 1 with the neighbours": without(
        lambda c: c.with_neighbors and c.fraction == 1
    ),
    "the space by right labels, whoever has more": with_space_lead(0),
    "the samples lead by one standard error": with_space_lead(1),
    "the space by scores": lambda compared: compared.choose(own=compared.scores),
    "of two spaces the samples": in_space("samples"),
    "of two spaces the embedding": in_space("embedding"),
    "the highest score": by_scores_alone,
}


def compute(cell: Cell, classifier: str, folder: Path) -> None:
    """Let the library choose, and predict the test samples by each candidate."""
    path = folder / f"{cell.dataset}-{cell.seed}-{cell.budget}-{classifier}.json"
    if path.exists():
        return
    problem = divide(cell.dataset, cell.seed)
    estimators = make_classifiers(problem)
    if classifier not in estimators:
        return
    propagator, y = propagator_and_labels(cell, problem)
    truth = np.searchsorted(problem.classes, problem.y_test)
    model = PropagatedClassifierCV(
        clone(estimators[classifier]), propagator, random_state=cell.seed
    )
    calls: list[Compared] = []

    def noted(*arguments: Any) -> int:
        calls.append(Compared(*arguments))
        return _choice.choose(*arguments)

    with warnings.catch_warnings(), patch.object(library, "choose", noted):
        warnings.simplefilter("ignore")
        started = time.process_time()
        try:
            model.fit(problem.X_train, y)
        except ValueError as error:  # fewer labels than neighbours
            print(f"{cell}, {classifier}: {error}", flush=True)
            return
        seconds = time.process_time() - started
        compared = calls[0]
        chosen = float(np.mean(model.predict(problem.X_test) == truth))
        right = [
            float(np.mean(predicted == truth))
            for predicted in predictions(model, compared.candidates, problem)
        ]
    record = {
        "candidates": compared.candidates,
        "scores": compared.scores,
        "weights": compared.weights,
        "share_asked": compared.share_asked,
        "own": compared.own,
        "accuracy": right,
        "chosen": chosen,
        "seconds": seconds,
    }
    write_atomically(path, json.dumps(record, default=np.ndarray.tolist))


def predictions(
    model: PropagatedClassifierCV, candidates: Sequence[Candidate], problem: Any
) -> list[NDArray[np.intp]]:
    """Predict the test samples by each candidate, trained on all labels."""
    propagator, given = model.propagator_, model.propagator_.given_
    propagator.set_params(propagation="graph", fraction=1.0).propagate({})
    shares = predict_distributions(
        propagator.clusters_,
        given,
        propagator.spread_,
        propagator.embed(problem.X_test),
    )
    y = np.full(len(problem.codes_train), -1)
    y[given.positions] = given.classes[given.codes]
    alone: dict[Candidate, Any] = {}
    found = []
    for candidate in candidates:
        if candidate.train_on == "neighbors":
            found.append(given.classes[likeliest(shares)])
            continue
        training = candidate.training
        if training not in alone:
            trained = clone(propagator).set_params(**training.params)
            alone[training] = PropagatedClassifier(
                clone(model.estimator), trained, train_on=training.train_on
            ).fit(problem.X_train, y)
        classifier = alone[training]
        if not candidate.with_neighbors:
            found.append(classifier.predict(problem.X_test))
            continue
        own = classifier.predict_proba(problem.X_test)
        padded = np.zeros((len(own), len(given.classes)))
        padded[:, np.searchsorted(given.classes, classifier.classes_)] = own
        found.append(given.classes[np.argmax(join(padded, shares), axis=1)])
    return found


def read(path: Path) -> tuple[Compared, dict[str, Any]]:
    record = json.loads(path.read_text())
    compared = Compared(
        np.array(record["scores"], dtype=float),
        np.array(record["weights"]),
        [Candidate(*each) for each in record["candidates"]],
        record["share_asked"],
        np.array(record["own"], dtype=float),
    )
    return compared, record


def report(folder: Path) -> tuple[str, dict[str, Any]]:
    """Compare the ways to choose, in points of test accuracy."""
    cells = {path.stem: read(path) for path in sorted(folder.glob("*.json"))}
    sets = [name.split("-")[0] for name in cells]
    seeds = sorted({name.split("-")[1] for name in cells})
    accuracy, best, alone, kinds = {}, [], [], []
    for name, choose in WAYS.items():
        accuracy[name] = np.array(
            [100 * one["accuracy"][choose(each)] for each, one in cells.values()]
        )
    for name, (each, one) in cells.items():
        by_themselves = each.where(lambda c: not c.with_neighbors)
        best.append(100 * max(one["accuracy"][i] for i in by_themselves))
        alone.append(100 * one["accuracy"][each.candidates.index(ALONE)])
        kinds.append(name.split("-", 2)[2])
    ours = accuracy["**the library's choice**"]
    told = np.array([100 * one["chosen"] for _, one in cells.values()])
    n_other = int(np.sum(abs(ours - told) > 1e-6))

    def over_sets(values: NDArray[np.float64], takes: Callable[[str], bool]) -> str:
        by_set: dict[str, list[float]] = {}
        for name, kind, value in zip(sets, kinds, values, strict=True):
            if takes(kind):
                by_set.setdefault(name, []).append(value)
        found = summarize([float(np.mean(each)) for each in by_set.values()])
        return f"{found.mean:+.2f} ± {found.error:.2f}"

    columns: dict[str, Callable[[str], bool]] = {
        "all": lambda kind: True,
        "20 representatives": lambda kind: kind.startswith("20-"),
        "50 representatives": lambda kind: kind.startswith("50-"),
        "5 % known": lambda kind: kind.startswith("random"),
    }
    lines = [
        "# The choice, with the neighbours beside each classifier",
        "",
        "    python -m benchmarks.accuracy.together",
        "",
        f"{len(cells)} cells: {len(set(sets))} data sets, labels and classifiers of "
        f"`choice.md`, seed {', '.join(seeds)}, the library at its defaults. Test "
        "accuracy in points, minus the library's choice: means over data sets ± "
        "standard error. *Lost*: behind the best of the candidates that predict by "
        "themselves (the given labels alone, in both spaces, and the neighbours), "
        "which nobody could know; a mean of two can be ahead of it. "
        "*Below alone*: the share of the cells that are more than one point below a "
        "classifier on the given labels alone.",
        "",
        f"| | {' | '.join(columns)} | lost | below alone | worst set |",
        "|---|" + "--:|" * (len(columns) + 2) + "---|",
    ]
    record: dict[str, Any] = {}
    for name, values in accuracy.items():
        difference = values - ours
        by_set = {
            each: float(np.mean(difference[np.array(sets) == each])) for each in sets
        }
        worst = min(by_set, key=lambda each: by_set[each])
        is_below = values < np.array(alone) - 1
        cells_of = [over_sets(difference, takes) for takes in columns.values()]
        lost = float(np.mean(np.array(best) - values))
        is_ours = values is ours
        lines.append(
            f"| {name} | {' | '.join('' if is_ours else cell for cell in cells_of)} | "
            f"{lost:.2f} | {100 * is_below.mean():.0f} % | "
            f"{'' if is_ours else f'{worst} {by_set[worst]:+.1f}'} |"
        )
        record[name] = {"accuracy": float(values.mean()), "lost": lost}
    lines += [
        "",
        f"The classifier predicts the test samples as the table has it in all but "
        f"{n_other} cells.",
    ]
    return "\n".join(lines) + "\n", {"ways": record, "machine": describe_machine()}


def main(argv: Sequence[str] | None = None) -> None:
    """Compute what is missing, then write the report."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.together", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path("build/accuracy/together"))
    parser.add_argument("--datasets", nargs="+", choices=DATA_SETS, metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[103])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, help="start no cell after these")
    parser.add_argument("--publish", action="store_true")
    arguments = parser.parse_args(argv)
    folder = arguments.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + 60 * (arguments.minutes or np.inf)

    def until(cell: Cell, classifier: str) -> None:
        if time.monotonic() < ends:
            compute(cell, classifier, folder)

    names = arguments.datasets or list(DATA_SETS)
    Parallel(arguments.jobs, verbose=1)(
        delayed(until)(cell, classifier)
        for cell in all_cells(names, arguments.seeds)
        for classifier in ("logistic", "bayes", "neighbours", "forest")
    )
    text, record = report(folder)
    targets = [arguments.out] + ([RESULTS] if arguments.publish else [])
    for target in targets:
        write_atomically(target / "together.json", json.dumps(record, indent=1) + "\n")
        write_atomically(target / "together.md", text)
    print(text)


if __name__ == "__main__":
    main()
