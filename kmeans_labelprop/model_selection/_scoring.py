"""Scoring where only some samples have labels."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer
from sklearn.utils import check_consistent_length
from sklearn.utils.metadata_routing import get_routing_for_object

from .._asking import check_index
from .._labels import is_missing, labelled_rows
from .._validation import validated


class _LabeledScorer:
    """A scorer that leaves out samples without a label."""

    def __init__(self, scorer: Any, missing_label: Any) -> None:
        self._scorer = scorer
        self._missing_label = missing_label

    def __call__(self, estimator: Any, X: Any, y: ArrayLike, **kwargs: Any) -> float:
        """Score on the labelled samples, weights taken likewise."""
        sample_weight = kwargs.pop("sample_weight", None)
        check_consistent_length(X, y, sample_weight)
        check_index(X, y, "y")
        check_index(X, sample_weight, "sample_weight")
        mark = self._mark(estimator, y)
        X, labels, sample_weight = labelled_rows(X, y, mark, sample_weight)
        if sample_weight is not None:
            kwargs["sample_weight"] = sample_weight
        score: float = self._scorer(estimator, X, labels, **kwargs)
        return score

    def _mark(self, estimator: Any, y: ArrayLike) -> Any:
        """Return the mark of a missing label, that of the estimator."""
        parts: dict[str, Any] = getattr(estimator, "get_params", dict)()
        marks = [
            part.missing_label
            for part in (estimator, *parts.values())
            if hasattr(part, "missing_label")
        ]
        own = self._missing_label
        if isinstance(own, str) and own == "auto":
            return marks[0] if marks else -1
        for mark in marks:
            if not np.array_equal(is_missing(y, own), is_missing(y, mark)):
                raise ValueError(
                    "The 'missing_label' parameter of make_labeled_scorer must be "
                    f"that of the propagator, {mark!r}, or 'auto'. Got {own!r} "
                    "instead: samples without a label would be scored."
                )
        return own

    def __repr__(self) -> str:
        return (
            f"make_labeled_scorer({self._scorer!r}, "
            f"missing_label={self._missing_label!r})"
        )

    def set_score_request(self, **kwargs: Any) -> _LabeledScorer:
        """Set which metadata the scorer requests, as the scorer wrapped does."""
        if not hasattr(self._scorer, "set_score_request"):
            raise AttributeError(
                f"{self._scorer!r} requests no metadata. Wrap a scorer that "
                "sklearn.metrics.make_scorer made."
            )
        self._scorer.set_score_request(**kwargs)
        return self

    def get_metadata_routing(self) -> Any:
        """Tell which metadata the scorer wrapped requests."""
        return get_routing_for_object(self._scorer)  # of a plain function: nothing


@validated(scoring=[str, callable])
def make_labeled_scorer(
    scoring: str | Callable[..., float], missing_label: Any = "auto"
) -> _LabeledScorer:
    """Make a scorer that leaves out samples without a label.

    scikit-learn's scorers count ``missing_label`` as a class of its own, and so
    mislead a search on partly labelled data.

    Parameters
    ----------
    scoring : str or callable
        Name of a scorer, or a callable ``scorer(estimator, X, y)``.
    missing_label : int, float, str or None, default="auto"
        Marks a sample without a label. In an array of objects None, NaN and pandas'
        NA do, too. ``"auto"`` takes that of the propagator in the estimator scored; -1
        where there is none.

    Returns
    -------
    scorer : callable
        Called as ``scorer(estimator, X, y)``, for the `scoring` parameter of a
        search. It raises a ValueError where no sample has a label, and where
        `missing_label` is not that of the propagator.

    See Also
    --------
    PropagatedClassifier.score : Accuracy on the labelled samples.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.metrics import get_scorer
    >>> from kmeans_labelprop.model_selection import make_labeled_scorer
    >>> X, y = np.zeros((4, 1)), np.array([1, 1, -1, -1])
    >>> classifier = DummyClassifier(strategy="constant", constant=1).fit(X, y)
    >>> get_scorer("accuracy")(classifier, X, y)
    0.5
    >>> make_labeled_scorer("accuracy")(classifier, X, y)
    1.0
    """
    # A copy: requests for metadata must not reach the caller's own scorer.
    return _LabeledScorer(deepcopy(get_scorer(scoring)), missing_label)
