"""What the peers are given."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from benchmarks.accuracy.peers import hidden_accuracy, knn_kernel

# ---------------------------------------------------------------- peers


@pytest.mark.parametrize("kind", [LabelSpreading, LabelPropagation])
def test_neighbours_found_once_give_what_scikit_learn_gives(kind):
    X, y = load_digits(return_X_y=True)
    # Whole numbers have neighbours at equal distances, any of which is right.
    X = X + np.random.default_rng(0).normal(scale=0.01, size=X.shape)
    train, test = X[:400], X[400:600]
    y_semi = np.full(400, -1)
    y_semi[::10] = y[:400:10]
    finder = NearestNeighbors(n_neighbors=15).fit(train)
    rows = [finder.kneighbors(part, return_distance=False) for part in (train, test)]
    given = kind(kernel=knn_kernel(*rows, 7)).fit(train, y_semi)
    own = kind(kernel="knn", n_neighbors=7).fit(train, y_semi)
    np.testing.assert_array_equal(given.transduction_, own.transduction_)
    np.testing.assert_allclose(given.label_distributions_, own.label_distributions_)
    np.testing.assert_array_equal(given.predict(test), own.predict(test))
    # A kernel of other neighbours is another kernel.
    other = kind(kernel=knn_kernel(*rows, 15)).fit(train, y_semi)
    assert (other.transduction_ != own.transduction_).any()


def test_tuning_sees_only_the_labels_that_are_not_hidden():
    positions = np.arange(6)
    y_semi = np.full(10, -1)
    y_semi[positions] = [0, 1, 0, 1, 0, 1]
    seen = []

    def fit_predict(y_partial):
        seen.append(y_partial)
        return np.zeros(10, dtype=int)

    assert hidden_accuracy(fit_predict, positions, y_semi, seed=0) == 0.5
    assert [np.sum(y >= 0) for y in seen] == [4, 4, 4]
    hidden = np.sort(np.concatenate([np.flatnonzero(y[positions] == -1) for y in seen]))
    np.testing.assert_array_equal(hidden, positions)
