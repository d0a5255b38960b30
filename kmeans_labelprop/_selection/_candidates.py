"""What is compared: rules, fractions, and what predicts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_SPACES = {"samples": "", "embedding": ", in the embedding"}


class Candidate(NamedTuple):
    """One way from given labels to predictions.

    Attributes
    ----------
    propagation : str
        The rule.
    fraction : float
        The share of each cluster that keeps its label.
    train_on : {"samples", "embedding", "neighbors"}
        What the classifier is given; with "neighbors" there is none, and the
        propagator predicts.
    """

    propagation: str
    fraction: float
    train_on: str = "samples"

    def __str__(self) -> str:
        if self.train_on == "neighbors":
            return f"{self.propagation}, predicted by the neighbours"
        where = _SPACES[self.train_on]
        if self.fraction == 0:
            return f"the given labels alone{where}"
        return f"{self.propagation} at fraction {self.fraction:g}{where}"

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the propagator."""
        return {"propagation": self.propagation, "fraction": self.fraction}


def list_candidates(
    propagations: Iterable[str],
    fractions: Iterable[float],
    spaces: Sequence[str] = ("samples",),
) -> list[Candidate]:
    """Combine all there is to try, the given labels alone first and once.

    Parameters
    ----------
    propagations : iterable of str
        The rules.
    fractions : iterable of float
        The fractions. 0 is the same by every rule.
    spaces : sequence of {"samples", "embedding", "neighbors"}, default=("samples",)
        What the classifier may be given. The first one is tried with all fractions,
        a second one with the smallest and the largest: what differs there is the
        space. "neighbors" goes with the graph rule, if that is tried, and takes all
        labels that reach a sample.

    Returns
    -------
    candidates : list of Candidate
        Space by space, in each rule by rule, smaller fractions first.
    """
    rules = list(dict.fromkeys(propagations))
    in_order = sorted({float(fraction) for fraction in fractions})
    candidates: list[Candidate] = []
    for space in spaces:
        if space == "neighbors":
            if "graph" in rules:
                candidates.append(Candidate("graph", 1.0, space))
            continue
        tried = in_order if space == spaces[0] else sorted({in_order[0], in_order[-1]})
        if tried[0] == 0:
            candidates.append(Candidate("cluster", 0.0, space))
        candidates += [
            Candidate(rule, fraction, space)
            for rule in rules
            for fraction in tried
            if fraction > 0
        ]
    return candidates
