"""Scoring on labelled samples, and the number of clusters."""

from ._scoring import make_labeled_scorer

__all__ = ["make_labeled_scorer"]
