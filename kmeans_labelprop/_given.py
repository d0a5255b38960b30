"""The labels that are given: known from the start, or answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._labels import label_array
from ._mixing import position_hashes


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Labels that are facts, coded as positions in the sorted classes.

    Attributes
    ----------
    positions : ndarray of shape (n_given,), dtype=intp
        Positions of the samples, in increasing order.
    codes : ndarray of shape (n_given,), dtype=intp
        The class of each.
    classes : ndarray of shape (n_classes,)
        The distinct labels, sorted.
    """

    positions: NDArray[np.intp]
    codes: NDArray[np.intp]
    classes: NDArray[Any]

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, is_taken: NDArray[np.bool_]) -> GivenLabels:
        """Take some of the labels; the classes stay."""
        return GivenLabels(self.positions[is_taken], self.codes[is_taken], self.classes)

    def codes_at(self, positions: NDArray[np.intp]) -> NDArray[np.intp]:
        """Find the classes of some samples; -1 where no label is given."""
        if not len(self):
            return np.full(len(positions), -1, dtype=np.intp)
        nearest = np.searchsorted(self.positions, positions)
        nearest = np.minimum(nearest, len(self) - 1)
        is_given = self.positions[nearest] == positions
        return np.where(is_given, self.codes[nearest], -1)


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """Labels that y holds, as they are.

    Attributes
    ----------
    positions : ndarray of shape (n_known,), dtype=intp
        Positions of the samples, in increasing order.
    labels : ndarray of shape (n_known,)
        Their labels.
    """

    positions: NDArray[np.intp]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.positions)

    def none(self) -> KnownLabels:
        """Take none of them; the dtype stays."""
        return KnownLabels(self.positions[:0], self.labels[:0])


def merge_labels(known: KnownLabels, answers: Mapping[int, Any]) -> GivenLabels:
    """Put known labels and answers together; an answer corrects what was known.

    Parameters
    ----------
    known : KnownLabels
        What y holds.
    answers : dict of int to label or None
        Answers by position; None for an abstention, or a label that was withdrawn.

    Returns
    -------
    given : GivenLabels
        All labels there are.

    Raises
    ------
    TypeError
        If strings and numbers are mixed.
    ValueError
        If numbers do not fit the dtype of the known labels, or are no class labels.
    """
    is_left = ~np.isin(known.positions, list(answers))
    positions, labels = known.positions[is_left], known.labels[is_left]
    answered = {p: label for p, label in answers.items() if label is not None}
    if answered:
        # The labels of y fix the dtype, whether or not all are still there.
        dtype = known.labels.dtype if len(known) else None
        positions = np.concatenate([positions, np.array(list(answered), dtype=np.intp)])
        labels = label_array(
            [*labels.tolist(), *answered.values()], "the given samples", dtype
        )
    order = np.argsort(positions)
    classes, codes = np.unique(labels, return_inverse=True)
    return GivenLabels(positions[order], codes[order].astype(np.intp), classes)


def majority_codes(
    groups: NDArray[np.intp], codes: NDArray[np.intp], positions: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Give all copies of a sample the most frequent class among them.

    Parameters
    ----------
    groups : ndarray of shape (n_given,), dtype=intp
        Which given samples are copies of each other: those with the same number.
    codes : ndarray of shape (n_given,), dtype=intp
        The class of each.
    positions : ndarray of shape (n_given,), dtype=intp
        Where the given samples stand among all.

    Returns
    -------
    codes : ndarray of shape (n_given,), dtype=intp
        The most frequent class of each sample's copies; of equals any, in no order.
    """
    _, groups = np.unique(groups, return_inverse=True)
    pairs, first, counts = np.unique(
        np.stack([groups, codes], axis=1),
        axis=0,
        return_index=True,
        return_counts=True,
    )
    # Of each group its most frequent class.
    ties = position_hashes(positions[first])
    order = np.lexsort((ties, -counts, pairs[:, 0]))
    _, best = np.unique(pairs[order, 0], return_index=True)
    return pairs[order[best], 1][groups]
