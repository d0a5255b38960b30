"""Small stand-ins used by several tests."""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.metrics import euclidean_distances


class FixedCenters(ClusterMixin, BaseEstimator):
    """A clusterer whose centres are given, so that only the stages after it vary."""

    def __init__(self, n_clusters=2, centers=None):
        self.n_clusters = n_clusters
        self.centers = centers

    def fit(self, X, y=None):
        self.cluster_centers_ = np.asarray(self.centers, dtype=X.dtype)
        self.labels_ = self.predict(X)
        return self

    def predict(self, X):
        return euclidean_distances(X, self.cluster_centers_).argmin(axis=1)


class RecordingOracle:
    """Answers from a table of rows, and keeps what it was asked."""

    def __init__(self, X, y, abstain_from=()):
        self.table = {self.key(row): label for row, label in zip(X, y, strict=True)}
        self.abstain_from = set(abstain_from)
        self.queries = []

    @staticmethod
    def key(row):
        return np.asarray(row, dtype=np.float64).tobytes()

    def __call__(self, X_query):
        self.queries.append(X_query)
        rows = X_query.toarray() if issparse(X_query) else np.asarray(X_query)
        answers = [self.table[self.key(row)] for row in rows]
        return [None if a in self.abstain_from else a for a in answers]

    @property
    def n_asked(self):
        return sum(query.shape[0] for query in self.queries)


def weights_by_class(confidence, labels):
    """Confidence in parts of its mean in the same class, computed class by class."""
    weights = np.empty(len(labels))
    for label in set(np.asarray(labels).tolist()):
        is_label = labels == label
        weights[is_label] = confidence[is_label] / np.mean(confidence[is_label])
    return weights
