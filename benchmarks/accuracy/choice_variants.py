"""Ways to choose from the same predictions of hidden labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmeans_labelprop._selection._candidates import Candidate, list_candidates

RULES, FRACTIONS = ("cluster", "graph"), (0.0, 0.3, 0.7, 1.0)
#: Five folds three times over, and behind them three folds once.
N_FOLDS, N_REPEATS, N_FEW_FOLDS = 5, 3, 3
N_SPLITS = N_FOLDS * N_REPEATS + N_FEW_FOLDS
FEW_FOLDS = range(N_SPLITS - N_FEW_FOLDS, N_SPLITS)

_KNOWN = {
    str(each): each
    for each in list_candidates(RULES, FRACTIONS, ["samples", "embedding", "neighbors"])
}
ALONE = Candidate("cluster", 0.0)
GRAPH = Candidate("graph", 1.0)
NEIGHBORS = Candidate("graph", 1.0, "neighbors")
GRAPH_EMBEDDED = Candidate("graph", 1.0, "embedding")
ALONE_EMBEDDED = Candidate("cluster", 0.0, "embedding")


@dataclass(frozen=True)
class Found:
    """What was found of one cell and classifier."""

    dataset: str
    seed: int
    budget: str
    classifier: str
    candidates: list[Candidate]
    arrays: Mapping[str, NDArray[Any]]

    def accuracy(self, candidate: Candidate) -> float:
        """Return the test accuracy in percent; without an embedding of the samples."""
        if candidate not in self.candidates:
            candidate = candidate._replace(train_on="samples")
        at = self.candidates.index(candidate)
        return 100 * float(self.arrays["accuracy"][at])

    @property
    def best(self) -> float:
        """The highest test accuracy of all candidates, in percent."""
        return 100 * float(self.arrays["accuracy"].max())


def read_found(folder: Path) -> list[Found]:
    """Read what is finished."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        dataset, seed, budget = path.stem.split("-", 2)
        budget, _, classifier = budget.rpartition("-")
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored.files}
        candidates = [_KNOWN[name] for name in arrays["candidates"].tolist()]
        found.append(Found(dataset, int(seed), budget, classifier, candidates, arrays))
    return found


# ---------------------------------------------------------------- choosing


def right_or_wrong(correct: NDArray[Any], probability: NDArray[Any]) -> NDArray[Any]:
    return correct


def probability_part(correct: NDArray[Any], probability: NDArray[Any]) -> NDArray[Any]:
    return 1 - (1 - probability) ** 2


def blend(correct: NDArray[Any], probability: NDArray[Any]) -> NDArray[Any]:
    return (correct + 1 - (1 - probability) ** 2) / 2


def logarithm(correct: NDArray[Any], probability: NDArray[Any]) -> NDArray[Any]:
    return np.log(np.maximum(probability, 0.01))


@dataclass(frozen=True)
class Variant:
    """A way to choose.

    Attributes
    ----------
    text : str
        What the table calls it.
    takes : callable
        Whether a candidate is compared.
    share : float
        How many of the samples take part, in parts of all.
    splits : range
        Which splits count.
    score : callable
        Scores a prediction, from whether it is right and the probability given to the
        right class.
    is_smoothed : bool
        Whether the fractions of a rule are smoothed.
    doubt : tuple of (float, float) or None
        By how many standard errors others have to lead the graph rule, and by how many
        the given labels alone.
    is_hard : callable
        Whether the predictions of a candidate count as right or wrong alone.
    """

    text: str
    takes: Callable[[Candidate], bool] = lambda candidate: True
    share: float = 1.0
    splits: range = range(N_FOLDS * N_REPEATS)
    score: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]] = blend
    is_smoothed: bool = False
    doubt: tuple[float, float] | None = None
    is_hard: Callable[[Candidate], bool] = lambda candidate: False


@dataclass(frozen=True)
class Choice:
    """What a variant chose, and what the comparison cost."""

    candidate: Candidate
    rows: float  # handed to `fit`, in parts of all samples


def mean_scores(
    found: Found, variant: Variant, taken: Sequence[int]
) -> NDArray[np.float64]:
    """Average over the splits: a row for each candidate, a column for each label."""
    level = found.arrays["levels"].tolist().index(variant.share)
    correct, probability = (
        found.arrays[name][level, variant.splits][:, taken].astype(float)
        for name in ("correct", "probability")
    )
    hard = [variant.is_hard(found.candidates[index]) for index in taken]
    probability[:, hard] = correct[:, hard]
    scores = variant.score(correct, probability)
    is_there = ~np.isnan(scores)
    counts = is_there.sum(axis=0)
    means = np.where(is_there, scores, 0).sum(axis=0) / np.maximum(counts, 1)
    return means[:, counts.all(axis=0)]


def smoothed(
    scores: NDArray[np.float64], candidates: Sequence[Candidate]
) -> NDArray[np.float64]:
    """Take half the mean of a rule's fractions, a quarter their line and the score."""
    result = scores.copy()
    for family in {(c.propagation, c.train_on) for c in candidates}:
        own = [
            index
            for index, (rule, fraction, space) in enumerate(candidates)
            if fraction > 0 and (rule, space) == family
        ]
        if len(own) < 2:
            continue
        values = scores[own]
        offsets = np.array([candidates[index].fraction for index in own])
        offsets -= offsets.mean()
        line = values.mean() + offsets @ values / (offsets @ offsets) * offsets
        result[own] = values.mean() / 2 + line / 4 + values / 4
    return result


def choose(found: Found, variant: Variant) -> Choice:
    """Choose as a variant does."""
    taken = [i for i, c in enumerate(found.candidates) if variant.takes(c)]
    candidates = [found.candidates[index] for index in taken]
    scores = mean_scores(found, variant, taken)
    ranked = scores.mean(axis=1)
    if variant.is_smoothed:
        ranked = smoothed(ranked, candidates)
    ranked = ranked.round(9)
    best = int(ranked.argmax())
    if variant.doubt is not None:
        best = _in_doubt(scores, ranked, candidates, *variant.doubt)
    level = found.arrays["levels"].tolist().index(variant.share)
    rows = found.arrays["n_rows"][level, variant.splits][:, taken].sum()
    return Choice(candidates[best], rows / float(found.arrays["n_samples"]))


def _in_doubt(
    scores: NDArray[np.float64],
    ranked: NDArray[np.float64],
    candidates: Sequence[Candidate],
    of_others: float,
    of_alone: float,
) -> int:
    """Take the graph rule unless another leads by so many standard errors."""
    best = int(ranked.argmax())
    of_graph = [i for i, c in enumerate(candidates) if c.propagation == "graph"]
    if best in of_graph:
        return best
    rival = of_graph[int(ranked[of_graph].argmax())]
    alone = [i for i, c in enumerate(candidates) if c.fraction == 0]
    for leader in (best, *alone):
        difference = scores[leader] - scores[rival]
        error = difference.std() / np.sqrt(len(difference))
        lead = ranked[leader] - ranked[rival]
        if lead > 0 and lead > (of_alone if leader in alone else of_others) * error:
            return leader
    return rival


# ---------------------------------------------------------------- the variants


def _few(*candidates: Candidate) -> Callable[[Candidate], bool]:
    return lambda candidate: candidate in candidates


EVERY_FIXED = (
    ALONE,
    *(Candidate(rule, f) for rule in RULES for f in FRACTIONS[1:]),
    ALONE_EMBEDDED,
    GRAPH_EMBEDDED,
    NEIGHBORS,
)
EARLIER = Variant("all five", is_smoothed=True, doubt=(1, 0.5))
PLAIN = Variant("the highest blended score")
DEVICES = (
    EARLIER,
    replace(EARLIER, text="without the blend: right or wrong", score=right_or_wrong),
    replace(
        EARLIER,
        text="without the blend: the probability's part",
        score=probability_part,
    ),
    replace(EARLIER, text="without smoothing", is_smoothed=False),
    replace(EARLIER, text="without doubt", doubt=None),
    replace(EARLIER, text="one standard error for all", doubt=(1, 1)),
    PLAIN,
    replace(PLAIN, text="the most right", score=right_or_wrong),
    replace(PLAIN, text="the probability's part alone", score=probability_part),
    replace(PLAIN, text="the logarithm of the probability", score=logarithm),
)
SETS: dict[str, Callable[[Candidate], bool]] = {
    "all": lambda candidate: True,
    "without the cluster rule": lambda c: c.fraction == 0 or c.propagation == "graph",
    "alone; both rules at 1; embedding; neighbours": lambda c: c.fraction in (0, 1),
    "alone; graph at 1; both also embedded; neighbours": _few(
        ALONE, GRAPH, ALONE_EMBEDDED, GRAPH_EMBEDDED, NEIGHBORS
    ),
    "alone; graph at 1, also embedded; neighbours": _few(
        ALONE, GRAPH, GRAPH_EMBEDDED, NEIGHBORS
    ),
    "alone; graph at 1; neighbours": _few(ALONE, GRAPH, NEIGHBORS),
    "alone; graph at 0.7; neighbours": _few(ALONE, Candidate("graph", 0.7), NEIGHBORS),
    "alone; graph at 0.3 and 1; neighbours": _few(
        ALONE, Candidate("graph", 0.3), GRAPH, NEIGHBORS
    ),
    "alone; graph at 1": _few(ALONE, GRAPH),
    "alone; neighbours": _few(ALONE, NEIGHBORS),
    "graph at 1; neighbours": _few(GRAPH, NEIGHBORS),
}
_FIVE, _TEN = range(N_FOLDS), range(2 * N_FOLDS)
SPLITS = (
    ("5 folds, 3 times", range(N_FOLDS * N_REPEATS), (1.0, 0.04)),
    ("5 folds, twice", _TEN, (1.0, 0.1)),
    ("5 folds, once", _FIVE, (1.0, 0.25, 0.1, 0.04)),
    ("3 folds, once", FEW_FOLDS, (1.0, 0.5, 0.25)),
)
FEW = SETS["alone; graph at 1; both also embedded; neighbours"]
#: What the library does.
CHOSEN = Variant(
    "chosen",
    takes=FEW,
    share=0.25,
    splits=_FIVE,
    score=probability_part,
    doubt=(0.5, 0.5),
)


def in_doubt_by(n_errors: float) -> Variant:
    return replace(
        CHOSEN, text=f"{n_errors:g} standard errors", doubt=(n_errors, n_errors)
    )


FINALISTS = (
    EARLIER,
    CHOSEN,
    replace(CHOSEN, text="with the blended score", score=blend),
    replace(CHOSEN, text="with right or wrong", score=right_or_wrong),
    replace(CHOSEN, text="without doubt", doubt=None),
    replace(CHOSEN, text="one standard error", doubt=(1, 1)),
    replace(CHOSEN, text="10 % of the samples", share=0.1),
    replace(CHOSEN, text="all samples", share=1.0),
)
HARD = tuple(
    replace(CHOSEN, text=text, is_hard=is_hard)
    for text, is_hard in (
        ("all by right or wrong", lambda c: True),
        (
            "but for the neighbours",
            lambda c: c.train_on != "neighbors",
        ),
    )
)
