"""What each part of the choice is worth, and what may be left out of it.

A program of its own: a cell is not a method's figure, but everything that any way to
choose could look at. All candidates predict hidden labels in each split, trained on all
samples that they keep and on parts of them, and with all labels the test samples. Ways
to choose are then compared on these predictions (`choice_variants`, `choice_report`).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import has_fit_parameter

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._engine import Spread, keep, predict_distributions, spread
from kmeans_labelprop._propagation import likeliest
from kmeans_labelprop._selection._candidates import Candidate, list_candidates
from kmeans_labelprop._selection._hiding import (
    Outcome,
    TrainingSet,
    neighbors_shares,
    outcome_of,
    predict_hidden,
    stratified_folds,
    subsample,
    training_sets,
)
from kmeans_labelprop._weights import confidence_weights

from .choice_data import BUDGETS, DATA_SETS, divide
from .choice_report import make_report
from .choice_variants import (
    FEW_FOLDS,
    FRACTIONS,
    N_FEW_FOLDS,
    N_FOLDS,
    N_REPEATS,
    N_SPLITS,
    RULES,
    read_found,
)
from .context import first_and_of_each_class, make_embedding
from .data import REPOSITORY, Problem
from .files import write_atomically
from .tables import as_json, describe_machine

SPREAD_PARAMS = {"alpha": "auto", "class_prior": "estimated"}
#: How many clusters there are beside known labels, and how many labels are known.
N_CLUSTERS, KNOWN_SHARE = 50, 0.05
#: How many of the samples take part, in parts of all, and in which splits.
LEVELS: dict[float, tuple[int, ...]] = {
    1.0: tuple(range(N_SPLITS)),
    0.5: tuple(FEW_FOLDS),
    0.25: (*range(N_FOLDS), *FEW_FOLDS),
    0.1: tuple(range(2 * N_FOLDS)),
    0.04: tuple(range(N_REPEATS * N_FOLDS)),
}
FOREST_LEVELS: dict[float, tuple[int, ...]] = {
    1.0: (*range(N_FOLDS), *FEW_FOLDS),
    0.25: tuple(range(N_FOLDS)),
    0.1: tuple(range(N_FOLDS)),
}


@dataclass(frozen=True)
class Cell:
    """Labels of one draw."""

    dataset: str
    seed: int
    budget: int | str

    def path(self, folder: Path, classifier: str) -> Path:
        """Return the file of what was found with a classifier on top."""
        return folder / f"{self.dataset}-{self.seed}-{self.budget}-{classifier}.npz"


@dataclass(frozen=True)
class Split:
    """One split: what is hidden, and what each candidate may train on."""

    is_hidden: NDArray[np.bool_]
    hidden: NDArray[np.intp]
    codes: NDArray[np.intp]
    sets: list[TrainingSet]
    by_neighbors: Outcome
    order: NDArray[np.intp]


def all_cells(names: Sequence[str], seeds: Sequence[int]) -> Iterator[Cell]:
    """List cells so that a run that ends early has seen all data sets."""
    for seed in seeds:
        for turn in range(len(BUDGETS)):
            for place, name in enumerate(names):
                yield Cell(name, seed, BUDGETS[(place + turn) % len(BUDGETS)])


def make_classifiers(problem: Problem) -> dict[str, Any]:
    """Make what is trained on top: a linear one, trees, and one more."""
    has_bayes = problem.kind == "tabular" and len(problem.classes) % 2 == 0
    return {
        "logistic": LogisticRegression(max_iter=200),
        "bayes" if has_bayes else "neighbours": (
            GaussianNB() if has_bayes else KNeighborsClassifier()
        ),
        "forest": RandomForestClassifier(20, random_state=problem.seed),
    }


def propagator_and_labels(
    cell: Cell, problem: Problem
) -> tuple[KMeansLabelPropagator, NDArray[np.intp]]:
    """Make the propagator of a cell, and the labels that are known or asked for."""
    y, n_clusters = problem.codes_train, cell.budget
    if not isinstance(n_clusters, int):
        order = np.random.default_rng((cell.seed, 1)).permutation(len(y))
        known = first_and_of_each_class(order, y, KNOWN_SHARE)
        y, n_clusters = np.full(len(y), -1), N_CLUSTERS
        y[known] = problem.codes_train[known]
    propagator = KMeansLabelPropagator(
        n_clusters, embedding=make_embedding(problem), random_state=cell.seed
    )
    return propagator, y


class Computation:
    """All that is computed with the labels of one cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    """

    def __init__(self, cell: Cell) -> None:
        self.problem = divide(cell.dataset, cell.seed)
        propagator, y = propagator_and_labels(cell, self.problem)
        self.propagator = propagator.ask(self.problem.X_train, y)
        self.clusters, self.given = self.propagator.clusters_, self.propagator.given_
        spaces = ["samples", "embedding", "neighbors"]
        if self.propagator.embedding is None:
            spaces.remove("embedding")
        self.candidates = list_candidates(RULES, FRACTIONS, spaces)
        self.samples = {"samples": self.problem.X_train, "embedding": self.clusters.E}
        self.tests = {
            "samples": self.problem.X_test,
            "embedding": self.propagator.embed(self.problem.X_test),
        }
        # Of a class with one label that is never hidden.
        self.is_compared = np.bincount(self.given.codes) > 1
        self.rng = np.random.RandomState(cell.seed)

    def splits(self) -> list[Split]:
        """Hide labels in each split, and spread the others."""
        codes = self.given.codes
        can_be_hidden = np.bincount(codes)[codes] > 1
        dealt = [
            stratified_folds(codes, can_be_hidden, n_folds, self.rng)
            for n_folds in (N_FOLDS,) * N_REPEATS + (N_FEW_FOLDS,)
        ]
        return [
            self._split(folds == k) for folds in dealt for k in range(folds.max() + 1)
        ]

    def _split(self, is_hidden: NDArray[np.bool_]) -> Split:
        visible, hidden = self.given.take(~is_hidden), self.given.positions[is_hidden]
        codes = self.given.codes[is_hidden]
        spreads = self.spread(visible)
        sets = training_sets(self.clusters, visible, hidden, spreads, self.candidates)
        return Split(
            is_hidden,
            hidden,
            codes,
            list(sets),
            outcome_of(
                neighbors_shares(spreads["graph"], hidden), codes, self.is_compared
            ),
            self.rng.permutation(len(self.clusters)),
        )

    def spread(self, given: Any) -> dict[str, Spread]:
        """Spread labels by each rule."""
        return {
            rule: spread(self.clusters, given, rule, **SPREAD_PARAMS) for rule in RULES
        }

    def predict_hidden(
        self, candidate: Candidate, estimator: Any, split: Split, used: TrainingSet
    ) -> Outcome:
        """Predict the hidden labels of a split by a candidate."""
        if candidate.train_on == "neighbors":
            return split.by_neighbors
        correct, probabilities = predict_hidden(
            clone(estimator),
            self.samples[candidate.train_on],
            used.codes,
            used,
            split.hidden,
            split.codes,
            weights_of(estimator, used),
            np.arange(len(self.given.classes)),
        )
        found = outcome_of(probabilities, split.codes, self.is_compared)
        return Outcome(correct, found.probability, correct)

    def predict_test(
        self, candidate: Candidate, estimator: Any, found: Spread
    ) -> tuple[NDArray[np.intp], int]:
        """Predict the test samples by a candidate with all labels."""
        clusters, given = self.clusters, self.given
        if candidate.train_on == "neighbors":
            shares = predict_distributions(
                clusters, given, found, self.tests["embedding"]
            )
            return given.classes[likeliest(shares)], 0
        kept = keep(clusters, found, given.positions, candidate.fraction)
        used = TrainingSet(kept, found.codes[kept], found.confidence[kept], kept >= 0)
        labels, X_test = given.classes[used.codes], self.tests[candidate.train_on]
        if len(np.unique(labels)) == 1:
            return np.full(X_test.shape[0], labels[0]), len(kept)
        model = clone(estimator).fit(
            self.samples[candidate.train_on][kept],
            labels,
            **weights_of(estimator, used),
        )
        return model.predict(X_test), len(kept)


def weights_of(estimator: Any, used: TrainingSet) -> dict[str, Any]:
    """Weigh samples by confidence, as the library does."""
    if not has_fit_parameter(estimator, "sample_weight"):
        return {}
    return {"sample_weight": confidence_weights(used.confidence, used.codes)}


def compute(cell: Cell, folder: Path) -> None:
    """Compute what is missing of a cell, and write a file for each classifier."""
    computation = Computation(cell)
    missing = {
        name: estimator
        for name, estimator in make_classifiers(computation.problem).items()
        if not cell.path(folder, name).exists()
    }
    splits = computation.splits() if missing else []
    if missing and len(splits) != N_SPLITS:
        print(f"{cell}: too few labels to hide", flush=True)
        return
    for name, estimator in missing.items():
        levels = FOREST_LEVELS if name == "forest" else LEVELS
        try:
            arrays = compare_hidden(computation, estimator, splits, levels)
        except ValueError as error:  # fewer labels than neighbours
            print(f"{cell}, {name}: {error}", flush=True)
            continue
        arrays |= compare_test(computation, estimator)
        write_arrays(cell.path(folder, name), arrays)


def compare_hidden(
    computation: Computation,
    estimator: Any,
    splits: Sequence[Split],
    levels: dict[float, tuple[int, ...]],
) -> dict[str, NDArray[Any]]:
    """Predict hidden labels by each candidate, with each share of the samples."""
    candidates, n_given = computation.candidates, len(computation.given)
    shape = (len(levels), len(splits), len(candidates), n_given)
    found = np.full((2, *shape), np.nan, dtype=np.float32)
    n_rows = np.zeros(shape[:3], dtype=np.int32)
    for level, (share, of_level) in enumerate(levels.items()):
        for at in of_level:
            split = splits[at]
            is_drawn = split.order < share * len(split.order)
            for index, candidate in enumerate(candidates):
                if level and candidate.fraction == 0:  # the same for any share
                    found[:, level, at, index] = found[:, 0, at, index]
                    n_rows[level, at, index] = n_rows[0, at, index]
                    continue
                used = subsample(split.sets[index], is_drawn)
                outcome = computation.predict_hidden(candidate, estimator, split, used)
                found[:, level, at, index, split.is_hidden] = outcome[:2]
                if candidate.train_on != "neighbors":
                    n_rows[level, at, index] = len(used.positions)
    return {
        "correct": found[0],
        "probability": found[1],
        "n_rows": n_rows,
        "levels": np.array(list(levels)),
        "codes": computation.given.codes,
        "candidates": np.array([str(candidate) for candidate in candidates]),
        "n_samples": np.array(len(computation.clusters)),
    }


def compare_test(computation: Computation, estimator: Any) -> dict[str, NDArray[Any]]:
    """Predict the test samples by each candidate."""
    problem = computation.problem
    truth = np.searchsorted(problem.classes, problem.y_test)
    spreads = computation.spread(computation.given)
    figures = []
    for candidate in computation.candidates:
        predicted, n_final = computation.predict_test(
            candidate, estimator, spreads[candidate.propagation]
        )
        right = float(np.mean(predicted == truth))
        figures.append((right, balanced_accuracy_score(truth, predicted), n_final))
    columns = np.array(figures).T
    return dict(zip(("accuracy", "balanced", "n_final"), columns, strict=True))


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write a file of arrays in full, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as stream:
        np.savez_compressed(stream, **arrays)
    os.replace(stream.name, path)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.accuracy.choice", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path("build/accuracy/choice"))
    parser.add_argument("--datasets", nargs="+", choices=DATA_SETS, metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[100, 101])
    parser.add_argument("--minutes", type=float, help="start no cell after these")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument(
        "--publish", action="store_true", help="put the report into benchmarks/results"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Compute what is missing, then write the report."""
    arguments = make_parser().parse_args(argv)
    folder = arguments.out / "cells"
    started = time.monotonic()
    cells = list(all_cells(arguments.datasets or list(DATA_SETS), arguments.seeds))
    for number, cell in enumerate([] if arguments.report_only else cells, 1):
        minutes = (time.monotonic() - started) / 60
        if arguments.minutes is not None and minutes > arguments.minutes:
            break
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compute(cell, folder)
        print(f"[{number}/{len(cells)}, {minutes:.1f} min] {cell}", flush=True)
    found = read_found(folder)
    if not found:
        print(f"no finished cell in {folder}")
        return
    text, record = make_report(found, describe_machine())
    targets = [arguments.out]
    if arguments.publish:
        targets.append(REPOSITORY / "benchmarks" / "results")
    for target in targets:
        write_atomically(target / "choice.json", as_json(record))
        write_atomically(target / "choice.md", text)
    print(f"written to {' and '.join(map(str, targets))}")


if __name__ == "__main__":
    main()
