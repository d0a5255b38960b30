"""The classifiers on top, the same for every method."""

from __future__ import annotations

import os
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

# One thread a cell: several run side by side, and their processor times compare.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for _name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")

#: What each classifier is, for the report.
DESCRIPTIONS = {
    "logistic": "LogisticRegression(max_iter=1000) on the prepared features",
    "forest": "RandomForestClassifier() on the prepared features",
    "dense": (
        "the study's dense network, made small for the grid: one hidden layer of 128 "
        "units; 30 epochs up to 2,000 samples, 10 up to 30,000, 6 above"
    ),
}


class DenseNetwork(ClassifierMixin, BaseEstimator):
    """The study's network, with epochs that follow from the size of the training set.

    The network is made in `fit`, in the process of the cell.
    """

    def __init__(self, hidden_units=(128,), random_state=None):
        self.hidden_units = hidden_units
        self.random_state = random_state

    @staticmethod
    def _choose_epochs(n_samples: int) -> int:
        # Few samples make few steps an epoch.
        return 30 if n_samples <= 2_000 else 10 if n_samples <= 30_000 else 6

    def fit(self, X, y, sample_weight=None):
        """Train a new network."""
        from examples.fashion_mnist.network import make_classifier

        self.network_ = make_classifier(
            epochs=self._choose_epochs(X.shape[0]),
            random_state=self.random_state,
            hidden_units=tuple(self.hidden_units),
        ).fit(X, y, sample_weight=sample_weight)
        self.classes_ = self.network_.classes_
        return self

    def predict(self, X):
        """Predict the class of each sample."""
        check_is_fitted(self)
        return self.network_.predict(X)

    def predict_proba(self, X):
        """Predict the probability of each class."""
        check_is_fitted(self)
        return self.network_.predict_proba(X)


class Forgiving(ClassifierMixin, BaseEstimator):
    """A classifier that, given one class alone, predicts it; most refuse that.

    Ten random labels are sometimes all of one class. The method that drew them is to
    be judged for it, not left out.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y, sample_weight=None):
        """Fit the classifier, or the constant."""
        only_one = len(set(y)) == 1
        model = (
            DummyClassifier(strategy="most_frequent")
            if only_one
            else clone(self.estimator)
        )
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.estimator_ = model.fit(X, y, **weights)
        self.classes_ = self.estimator_.classes_
        return self

    def predict(self, X):
        """Predict the class of each sample."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def predict_proba(self, X):
        """Predict the probability of each class."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)


def make_classifier(name: str, seed: int) -> Any:
    """Make the classifier of this name, unfitted."""
    if name == "logistic":
        return Forgiving(LogisticRegression(max_iter=1000))
    if name == "forest":
        return RandomForestClassifier(random_state=seed)
    if name == "dense":
        return Forgiving(DenseNetwork(random_state=seed))
    raise ValueError(f"classifier must be one of {sorted(DESCRIPTIONS)}. Got {name!r}.")
