"""How ways to choose do: figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmeans_labelprop._selection._candidates import Candidate
from kmeans_labelprop._selection._choice import wilson_interval

from .choice_variants import (
    ALONE,
    CHOSEN,
    DEVICES,
    EARLIER,
    EVERY_FIXED,
    FEW,
    FINALISTS,
    GRAPH,
    GRAPH_EMBEDDED,
    HARD,
    NEIGHBORS,
    PLAIN,
    SETS,
    SPLITS,
    Choice,
    Found,
    Variant,
    blend,
    choose,
    in_doubt_by,
    mean_scores,
    probability_part,
    right_or_wrong,
)
from .tables import percent, table

# ---------------------------------------------------------------- figures


def figures(found: Sequence[Found], chosen: Sequence[Choice]) -> dict[str, Any]:
    """Compare choices with what could have been chosen, in points of accuracy.

    Lost is what the best candidate of each cell has more: nobody could know it, and
    chance on the test samples is in it. A mean over cells; its standard error is that
    over data sets.
    """
    accuracy = np.array(
        [f.accuracy(c.candidate) for f, c in zip(found, chosen, strict=True)]
    )
    lost = np.array([f.best for f in found]) - accuracy
    result: dict[str, Any] = {"n": len(found), "lost": _part(lost)}
    for name, fixed in (("minus_graph", GRAPH), ("minus_alone", ALONE)):
        result[name] = _part(np.array([f.accuracy(fixed) for f in found]) - accuracy)
        result[name]["mean"] = 0.0 - result[name]["mean"]  # no "-0.0"
    rows = np.array([c.rows for c in chosen])
    result["rows"] = {"median": float(np.median(rows)), "most": float(rows.max())}
    result["by_cell"] = lost.tolist()
    return result


def _part(lost: NDArray[np.float64]) -> dict[str, float]:
    return {
        "mean": float(lost.mean()),
        "more_than_1": float(np.mean(lost > 1)),
        "more_than_2": float(np.mean(lost > 2)),
        "worst": float(lost.max()),
    }


def of_variant(found: Sequence[Found], variant: Variant) -> dict[str, Any]:
    """Choose in each cell, and count."""
    return figures(found, [choose(each, variant) for each in found])


def error_over_sets(
    found: Sequence[Found], values: Iterable[float], others: Iterable[float]
) -> float:
    """Return the standard error over data sets of a mean paired difference."""
    by_set: dict[str, list[float]] = {}
    for each, value, other in zip(found, values, others, strict=True):
        by_set.setdefault(each.dataset, []).append(value - other)
    means = np.array([np.mean(of) for of in by_set.values()])
    if len(means) < 2:
        return float("nan")
    return float(means.std(ddof=1) / np.sqrt(len(means)))


HEAD = [
    "",
    "lost",
    "minus all five",
    "> 1",
    "> 2",
    "worst",
    "against graph at 1",
    "> 1 lost",
    "> 2 lost",
    "worst",
    "against alone",
    "> 1 lost",
    "> 2 lost",
    "worst",
    "rows",
]


def _line(
    text: str, found: Sequence[Found], of: dict[str, Any], base: dict[str, Any]
) -> list[str]:
    differences = np.array(of["by_cell"]) - np.array(base["by_cell"])
    error = error_over_sets(found, of["by_cell"], base["by_cell"])
    line = [text, f"{of['lost']['mean']:.2f}"]
    line.append(f"{differences.mean():+.2f} ± {error:.2f}")
    for name in ("lost", "minus_graph", "minus_alone"):
        part = of[name]
        if name != "lost":
            line.append(f"{part['mean']:+.2f}")
        line += [f"{100 * part[f'more_than_{k}']:.0f} %" for k in (1, 2)]
        line.append(f"{part['worst']:.1f}")
    rows = of["rows"]["median"]
    line.append(f"{rows:.1f}" if rows else "–")
    return line


def compare(
    found: Sequence[Found],
    variants: Sequence[Variant],
    record: dict[str, Any],
    base: Variant | None = None,
) -> str:
    """Write a line for each variant, and keep the figures."""
    if not found:
        return "No such cell.\n"
    base = EARLIER if base is None else base
    of_base = of_variant(found, base)
    lines = []
    for variant in variants:
        of = of_variant(found, variant)
        lines.append(_line(variant.text, found, of, of_base))
        record[variant.text] = {k: v for k, v in of.items() if k != "by_cell"}
    head = [part.replace("all five", base.text) for part in HEAD]
    return table(head, lines)


def compare_fixed(found: Sequence[Found], record: dict[str, Any]) -> str:
    """Write a line for each candidate that is always taken."""
    base, lines = of_variant(found, EARLIER), []
    for candidate in EVERY_FIXED:
        of = figures(found, [Choice(candidate, 0)] * len(found))
        lines.append(_line(f"always {candidate}", found, of, base))
        record[str(candidate)] = {k: v for k, v in of.items() if k != "by_cell"}
    return table(HEAD, lines)


# ---------------------------------------------------------------- what is told


def _gains(found: Found, variant: Variant) -> tuple[NDArray[Any], list[Candidate]]:
    taken = [i for i, c in enumerate(found.candidates) if variant.takes(c)]
    right = mean_scores(found, replace(variant, score=right_or_wrong), taken)
    return right - right[0], [found.candidates[index] for index in taken]


def max_t(gains: NDArray[Any], n_draws: int = 1999) -> NDArray[np.float64]:
    """Turn signs of all labels' gains; p-values adjusted for all candidates."""
    spread = np.sqrt((gains**2).sum(axis=1))
    terms = gains / np.where(spread > 0, spread, 1)[:, np.newaxis]
    seen = np.abs(terms.sum(axis=1))
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (n_draws, terms.shape[1]))
    farthest = np.abs(signs @ terms.T).max(axis=1)
    as_far = (farthest[:, np.newaxis] >= seen - 1e-9).sum(axis=0)
    p_values: NDArray[np.float64] = (1 + as_far) / (n_draws + 1)
    return p_values


def _errors(gains: NDArray[Any]) -> NDArray[np.float64]:
    errors: NDArray[np.float64] = gains.std(axis=1) / np.sqrt(gains.shape[1])
    return errors


def _clear_by_errors(n_errors: float, n_least: int = 0) -> Callable[..., Any]:
    def is_clear(gains: NDArray[Any]) -> NDArray[np.bool_]:
        differs = (gains != 0).sum(axis=1)
        large = np.abs(gains.mean(axis=1)) > n_errors * _errors(gains)
        return large & (differs >= n_least) & (differs > 0)

    return is_clear


def _clear_by_signs(gains: NDArray[Any]) -> NDArray[np.bool_]:
    """Compare a mean gain with its deviation if the signs were drawn."""
    is_clear: NDArray[np.bool_] = np.abs(gains.sum(axis=1)) > 2.5 * np.sqrt(
        (gains**2).sum(axis=1)
    )
    return is_clear


VERDICTS: dict[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = {
    "sign flips, largest of all candidates": lambda gains: max_t(gains) <= 0.05,
    "two standard errors": _clear_by_errors(2),
    "two standard errors, six labels that differ": _clear_by_errors(2, 6),
    "three standard errors": _clear_by_errors(3),
    "2.5 deviations of random signs": _clear_by_signs,
}


def compare_verdicts(
    found: Sequence[Found], variant: Variant, record: dict[str, Any]
) -> str:
    """Count how often "better" and "worse" are said, and how often wrongly."""
    counts = {name: {"better": [0, 0, 0], "worse": [0, 0, 0]} for name in VERDICTS}
    n_pairs = 0
    for each in found:
        gains, candidates = _gains(each, variant)
        means = gains.mean(axis=1)
        truth = np.array([each.accuracy(c) - each.accuracy(ALONE) for c in candidates])
        n_pairs += len(candidates) - 1
        for name, is_clear in VERDICTS.items():
            for index in np.flatnonzero(is_clear(gains)).tolist():
                told = counts[name]["better" if means[index] > 0 else "worse"]
                wrong = -np.sign(means[index]) * truth[index]
                told[0] += 1
                told[1] += int(wrong > 0)
                told[2] += int(wrong > 1)
    lines = [
        [
            f"{name}: {word}",
            f"{said[0]} ({100 * said[0] / n_pairs:.0f} %)",
            f"{100 * said[1] / max(1, said[0]):.1f} %",
            f"{100 * said[2] / max(1, said[0]):.1f} %",
        ]
        for name, of in counts.items()
        for word, said in of.items()
    ]
    record.update(counts, n_pairs=n_pairs)
    return table(["said when", "said", "test says otherwise", "by > 1 point"], lines)


def compare_intervals(
    found: Sequence[Found], variant: Variant, record: dict[str, Any]
) -> str:
    """Count how often an interval holds the test accuracy of what was chosen."""
    seen: dict[tuple[str, str, str], list[tuple[bool, float]]] = {}
    for each in found:
        chosen = each.candidates.index(choose(each, variant).candidate)
        right = mean_scores(each, replace(variant, score=right_or_wrong), [chosen])[0]
        codes = _scored_codes(each, variant)
        counts = np.bincount(codes)
        for scoring, weights, truth in (
            ("accuracy", np.ones(len(codes)), each.arrays["accuracy"][chosen]),
            ("balanced", 1 / counts[codes], each.arrays["balanced"][chosen]),
        ):
            w = weights / weights.sum()
            share = min(1.0, float(right @ w))
            error = 1.96 * float(np.sqrt((((right - share) * w) ** 2).sum()))
            for name, (low, high) in {
                "Wilson, effective number": wilson_interval(share, 1 / float(w @ w)),
                "Wilson, number of labels": wilson_interval(share, len(w)),
                "1.96 standard errors": (share - error, share + error),
            }.items():
                key = scoring, each.budget, name
                width = min(1.0, high) - max(0.0, low)
                seen.setdefault(key, []).append((low <= truth <= high, width))
    lines = []
    for (scoring, budget, name), values in sorted(seen.items()):
        holds, width = np.mean(values, axis=0)
        lines.append([scoring, budget, name, percent(holds), percent(width)])
        record[f"{scoring} {budget} {name}"] = {"holds": holds, "width": width}
    return table(["", "labels", "interval", "holds it, %", "width, points"], lines)


def _scored_codes(found: Found, variant: Variant) -> NDArray[np.intp]:
    level = found.arrays["levels"].tolist().index(variant.share)
    correct = found.arrays["correct"][level, variant.splits]
    is_scored = ~np.isnan(correct).all(axis=(0, 1))
    codes: NDArray[np.intp] = found.arrays["codes"][is_scored]
    return codes


# ---------------------------------------------------------------- the report


def make_report(
    found: Sequence[Found], machine: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Write all tables, and return the figures beside."""
    record: dict[str, Any] = {"machine": machine}
    # The forest was trained on fewer splits and shares.
    lighter = [each for each in found if each.classifier != "forest"]
    embedded = [each for each in found if GRAPH_EMBEDDED in each.candidates]

    def kept(name: str) -> dict[str, Any]:
        return record.setdefault(name, {})

    names = list(dict.fromkeys(each.dataset for each in found))
    draws = {(each.dataset, each.seed, each.budget) for each in found}
    seeds = sorted({each.seed for each in found})
    parts = [
        "# What the choice is made of\n",
        INTRODUCTION.format(
            n_sets=len(names),
            n_draws=len(draws),
            n_found=len(found),
            seeds=f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else seeds[0],
        ),
        "## One candidate for all\n",
        compare_fixed(found, kept("fixed")),
        "## The devices\n",
        "All candidates, five folds three times over (of the forest five folds once), "
        "everything that a candidate keeps is trained on.\n",
        compare(found, DEVICES, kept("devices")),
        "## The candidates\n",
        "The same; the highest score is taken: the blended one, then the "
        "probability's part alone.\n",
        *(
            compare(
                found,
                [replace(PLAIN, text=t, takes=s, score=score) for t, s in SETS.items()],
                kept(f"candidates, {title}"),
            )
            for title, score in (("blended", blend), ("probability", probability_part))
        ),
        "Only where there is an embedding:\n",
        compare(
            embedded,
            [
                replace(PLAIN, text=t, takes=SETS[t], score=probability_part)
                for t in list(SETS)[:6]
            ],
            kept("candidates, embedded"),
        ),
        "## The cost\n",
        "Without the forest; the choice below, but for folds, repeats and the share of "
        "the samples that takes part beside all given labels. Few candidates:\n",
        compare(lighter, _costs(FEW), kept("cost, few candidates"), CHOSEN),
        "All candidates:\n",
        compare(lighter, _costs(SETS["all"]), kept("cost, all candidates"), CHOSEN),
        "## Chosen\n",
        "The given labels alone and the graph rule at 1, both also in the embedding, "
        "and the neighbours; five folds once, a quarter of the samples; the "
        "probability's part of the score; the given labels alone have to lead by half "
        "a standard error. And what is lost by changing one of these:\n",
        compare(found, FINALISTS, kept("chosen"), CHOSEN),
        "How large a lead the given labels alone need:\n",
        compare(
            found,
            [in_doubt_by(n) for n in (0, 0.25, 0.5, 0.75, 1, 1.5, 2)],
            kept("doubt"),
            CHOSEN,
        ),
        "As if the classifier told no probabilities:\n",
        compare(found, HARD, kept("without probabilities"), HARD[0]),
    ]
    for title, attribute in (("classifier", "classifier"), ("labels", "budget")):
        for value in sorted({getattr(each, attribute) for each in found}):
            of_value = [each for each in found if getattr(each, attribute) == value]
            parts += [
                f"{title.capitalize()} {value}, {len(of_value)} cells:\n",
                compare(of_value, FINALISTS, kept(f"chosen, {title} {value}"), CHOSEN),
            ]
    parts += [
        "## What is said of the gains\n",
        "Of each candidate beside the given labels alone. As earlier:\n",
        compare_verdicts(found, EARLIER, kept("verdicts, all")),
        "As chosen:\n",
        compare_verdicts(found, CHOSEN, kept("verdicts, chosen")),
        "## Intervals of the accuracy\n",
        compare_intervals(found, CHOSEN, kept("intervals")),
        "## Data set by data set\n",
        _by_set(found, names, kept("sets")),
    ]
    for name in names:
        record["sets"][name]["cells"] = [
            f"{each.seed} {each.budget} {each.classifier}"
            for each in found
            if each.dataset == name
        ]
    return "\n".join(parts), _rounded(record)


def _costs(takes: Callable[[Candidate], bool]) -> list[Variant]:
    return [
        replace(
            CHOSEN,
            text=f"{text}, {100 * share:.0f} %",
            splits=splits,
            share=share,
            takes=takes,
        )
        for text, splits, shares in SPLITS
        for share in shares
    ]


def _by_set(
    found: Sequence[Found], names: Sequence[str], record: dict[str, Any]
) -> str:
    lines = []
    for name in names:
        of_set = [each for each in found if each.dataset == name]
        record[name] = {
            "best": float(np.mean([each.best for each in of_set])),
            **{
                str(c): float(np.mean([each.accuracy(c) for each in of_set]))
                for c in (ALONE, GRAPH, NEIGHBORS)
            },
            **{
                text: float(
                    np.mean([e.accuracy(choose(e, v).candidate) for e in of_set])
                )
                for text, v in (("all five", EARLIER), ("chosen", CHOSEN))
            },
        }
        lines.append(
            [name, str(len(of_set)), *(f"{v:.1f}" for v in record[name].values())]
        )
    head = ["", "cells", "best", "alone", "graph at 1", "neighbours"]
    return table([*head, "all five", "chosen"], lines)


INTRODUCTION = """{n_found} cells: {n_sets} data sets, {n_draws} draws of labels, and on
each a logistic regression, a random forest of 20 trees, and naive Bayes or five
neighbours. Labels are 20 or 50 representatives, or 5 % known at random; the seed is
{seeds}. At most 800 samples train, at most 2,000 test. A cell is left out where labels
are too few to be hidden in five folds, or to have five neighbours.

*Lost* is test accuracy in points behind the best candidate of the cell, which nobody
could know; chance on the test samples is in it. *> 1* and *> 2* are shares of cells
that lose more than that many points. *Minus all five*, or what else is named there, has
its standard error over data sets. *Rows* is what a comparison hands to `fit`, in parts
of all samples (median); the training that follows is 1 at most.
"""


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(part) for name, part in value.items()}
    return round(value, 4) if isinstance(value, float) else value
