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
    with_neighbors : bool
        Whether the mean of the classifier's probabilities and the neighbours' predicts.
    equal_classes : bool
        Whether labels spread as if classes were of one size.
    """

    propagation: str
    fraction: float
    train_on: str = "samples"
    with_neighbors: bool = False
    equal_classes: bool = False

    def __str__(self) -> str:
        sizes = ", classes of one size" if self.equal_classes else ""
        if self.train_on == "neighbors":
            return f"{self.propagation}, predicted by the neighbours{sizes}"
        where = sizes + _SPACES[self.train_on]
        if self.with_neighbors:
            where = f" with the neighbours{where}"
        if self.fraction == 0:
            return f"the given labels{'' if self.with_neighbors else ' alone'}{where}"
        return f"{self.propagation} at fraction {self.fraction:g}{where}"

    @property
    def propagates(self) -> bool:
        """Whether labels beyond the given ones count."""
        return self.fraction > 0 or self.with_neighbors

    @property
    def training(self) -> Candidate:
        """The candidate without the neighbours that is trained alike."""
        if not self.fraction:
            return Candidate("cluster", 0.0, self.train_on)
        return Candidate(
            self.propagation,
            self.fraction,
            self.train_on,
            equal_classes=self.equal_classes,
        )

    @property
    def spreading(self) -> tuple[str, bool]:
        """What tells how labels spread: the rule, and whether classes are equal."""
        return self.propagation, self.equal_classes

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the propagator."""
        prior = {"class_prior": "uniform"} if self.equal_classes else {}
        return {"propagation": self.propagation, "fraction": self.fraction} | prior


def list_candidates(
    propagations: Iterable[str],
    fractions: Iterable[float],
    spaces: Sequence[str] = ("samples",),
    has_probabilities: bool = False,
    tries_equal_classes: bool = False,
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
    has_probabilities : bool, default=False
        Whether the classifier tells probabilities. Where the neighbours are tried, they
        then also predict with each classifier that is trained by the graph rule, or on
        the given labels.
    tries_equal_classes : bool, default=False
        Whether the graph rule is also tried as if classes were of one size.

    Returns
    -------
    candidates : list of Candidate
        Space by space, in each rule by rule, smaller fractions first.
    """
    rules = list(dict.fromkeys(propagations))
    in_order = sorted({float(fraction) for fraction in fractions})
    candidates: list[Candidate] = []
    joins = has_probabilities and "neighbors" in spaces and "graph" in rules
    sizes = (False, True) if tries_equal_classes else (False,)
    for space in spaces:
        if space == "neighbors":
            if "graph" in rules:
                candidates += [Candidate("graph", 1.0, space, False, e) for e in sizes]
            continue
        tried = in_order if space == spaces[0] else sorted({in_order[0], in_order[-1]})
        if tried[0] == 0:
            candidates.append(Candidate("cluster", 0.0, space))
            if joins:
                candidates += [Candidate("graph", 0.0, space, True, e) for e in sizes]
        candidates += [
            Candidate(rule, fraction, space, joins and rule == "graph", is_equal)
            for rule in rules
            for fraction in tried
            if fraction > 0
            for is_equal in (sizes if rule == "graph" else (False,))
        ]
    return candidates
