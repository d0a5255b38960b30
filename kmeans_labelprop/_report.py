"""What a propagator tells of its labels, and what it warns of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unicodedata import normalize

import numpy as np

from ._engine import Clusters, Spread, count_left, count_outvoted
from ._given import GivenLabels
from ._labels import plain
from ._messages import warn_user
from .embedding import describe

# From there on every label reaches all samples nearly alike.
_LARGE_ALPHA = 0.999
# Shorter names may be letters or units, whose case tells them apart.
_LEAST_WORD = 4
# So many classes are named in a message.
_MOST_NAMES = 10


def warn_of_labels(propagator: Any, n_alone: int) -> None:
    """Warn of what deserves a second look.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has just spread its labels.
    n_alone : int
        Number of known labels that differ from those of all their neighbours.
    """
    clusters: Clusters = propagator.clusters_
    given: GivenLabels = propagator.given_
    spread: Spread = propagator.spread_
    classes = given.classes.tolist()
    if len(classes) == 1:
        message = (
            f"The only class found is {classes[0]!r}: there are no two classes to "
            "tell apart."
        )
        if propagator.missing_label == -1 and classes[0] in (1, "1"):
            message += (
                " -1 marks a missing label: if it is one of your classes, set the "
                "'missing_label' parameter to something else."
            )
        warn_user(message)
    warn_of_spellings(classes)
    n_outvoted = count_outvoted(clusters, given)
    if n_outvoted:
        warn_user(
            "Given labels that differ from those of most copies of the same sample: "
            f"{n_outvoted}. Each stays as it is; for other samples the majority counts."
        )
    if n_alone:
        warn_user(
            "Known labels that differ from those of all their neighbours: "
            f"{n_alone}. They are first in suspects_, to be looked at again."
        )
    n_left_out = int(np.sum(spread.codes < 0))
    if spread.distributions is None:
        n_clusters = len(np.unique(clusters.ids))
        n_empty = n_clusters - len(np.unique(clusters.ids[given.positions]))
        if n_empty and propagator.fraction > 0:
            warn_user(
                f"{n_empty} of {n_clusters} clusters have no label, and {n_left_out} "
                "samples are left out."
            )
        return
    class_prior, alpha = propagator.class_prior, propagator.alpha
    if isinstance(class_prior, Mapping):
        named, labelled = dict.fromkeys(map(plain, class_prior)), set(classes)
        lacking = [label for label in classes if label not in named]
        if lacking:
            warn_user(
                "The 'class_prior' parameter has no share for the classes "
                f"{lacking!r}: they get the mean share."
            )
        unknown = [label for label in named if label not in labelled]
        if unknown:
            warn_user(
                "The 'class_prior' parameter has shares for classes without a label: "
                f"{unknown!r}. They are left out. The classes are {classes!r}."
            )
    if not isinstance(alpha, str) and alpha > _LARGE_ALPHA:
        warn_user(
            f"The 'alpha' parameter is {alpha!r}: so close to 1 every label reaches "
            "all samples alike, and classes mix. 0.99 is far enough."
        )
    if n_left_out and propagator.fraction > 0 and propagator.output == "samples":
        warn_user(
            f"No label reaches {n_left_out} samples over the graph: they are left out. "
            "More labels or neighbours leave out fewer."
        )


def warn_of_spellings(classes: list[Any]) -> None:
    """Warn of classes that differ in blanks, in capital letters or in codes alone.

    Parameters
    ----------
    classes : list of label
        The classes.
    """
    spellings: dict[str, list[str]] = {}
    for label in classes:
        word = _composed(" ".join(label.split())) if isinstance(label, str) else ""
        key = word.casefold() if len(word) >= _LEAST_WORD else word
        spellings.setdefault(key, []).append(label)
    spellings.pop("", None)
    same = [labels for labels in spellings.values() if len(labels) > 1]
    if same:
        named = "; ".join(", ".join(map(_shown, each)) for each in same[:_MOST_NAMES])
        warn_user(
            "Classes that differ in blanks, capital letters or codes of accents alone: "
            f"{named}{'; ...' if len(same) > _MOST_NAMES else ''}. Each is a class of "
            "its own; if they mean the same, give the labels again, spelled alike."
        )


def _composed(label: str) -> str:
    return normalize("NFC", label)


def _shown(label: str) -> str:
    """Quote a label; by its codes where another one looks the same."""
    return repr(label) if label == _composed(label) else ascii(label)


def warn_of_edges(n_known: int) -> None:
    """Warn that clusters with known labels are asked about, too.

    Parameters
    ----------
    n_known : int
        Number of known labels.
    """
    warn_user(
        f"The {n_known} known labels belong to samples at the edges of their clusters "
        "and do not stand for these: all clusters are asked about."
    )


def warn_of_classes(propagator: Any, lacking: list[Any]) -> None:
    """Warn that classes of y have no label among those given.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has the labels given.
    lacking : list
        The classes.
    """
    clusters, given = propagator.clusters_, propagator.given_
    further = ", ..." if len(lacking) > _MOST_NAMES else ""
    names = ", ".join(map(repr, lacking[:_MOST_NAMES])) + further
    advice = (
        "A larger n_clusters finds more classes."
        if count_left(clusters, given)
        else "All samples have a label, or are copies of one that has."
    )
    warn_user(
        f"No label is given of {len(lacking)} of {len(lacking) + len(given.classes)} "
        f"classes, which will never be predicted: [{names}]. {advice}"
    )


def count_labels(propagator: Any) -> tuple[dict[str, int], list[str]]:
    """Count how many labels were known, asked for and used.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has clusters, and perhaps labels.

    Returns
    -------
    counts : dict of str to int
        The numbers, by what they count.
    lines : list of str
        The same in plain words.
    """
    n_answered = sum(label is not None for label in propagator.answers_.values())
    counts = {
        "samples": len(propagator.clusters_),
        "clusters": len(np.unique(propagator.clusters_.ids)),
        "labels known": propagator.n_known_,
        "asked for": propagator.n_queries_,
        "answered": n_answered,
    }
    if hasattr(propagator, "spread_"):
        counts |= {
            "labels used": len(propagator.given_),
            "reached": int(np.sum(propagator.spread_.codes >= 0)),
            "kept": len(propagator.sample_indices_),
        }
    n = [f"{count:,}" for count in counts.values()]
    lines = [
        f"{n[0]} samples in {n[1]} clusters.",
        f"Labels: {n[2]} known, {n[3]} asked for, {n[4]} answered.",
    ]
    if len(n) > 5:
        lines.append(
            f"{n[5]} given labels reach {n[6]} samples, of which {n[7]} are kept."
        )
    return counts, lines


def summarize(propagator: Any) -> str:
    """Say how many labels were known, asked for and used.

    Parameters
    ----------
    propagator : KMeansLabelPropagator
        Has clusters, and perhaps labels.

    Returns
    -------
    text : str
        Two or three lines.
    """
    first, *rest = count_labels(propagator)[1]
    return "\n".join([first, f"Embedding: {describe(propagator.embedding_)}.", *rest])
