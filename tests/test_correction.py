import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from kmeans_labelprop._correction import (
    Correction,
    correct_labels,
    deal_out,
    predict_out_of_fold,
    take_corrected,
)

NAMES = np.array(["east", "north", "south", "west"])


@pytest.fixture
def wrong_labels(blobs):
    """Four clear classes; five propagated labels are wrong, one given label, too."""
    X, y = blobs
    is_given = np.zeros(len(y), dtype=bool)
    for code in range(4):
        is_given[np.flatnonzero(y == code)[:2]] = True
    codes = y.astype(np.intp)
    wrong = np.flatnonzero(~is_given)[[3, 20, 50, 70, 100]]
    codes[wrong] = (codes[wrong] + 1) % 4
    given_wrong = np.flatnonzero(is_given)[0]
    codes[given_wrong] = (codes[given_wrong] + 1) % 4
    return X, y, codes, is_given, wrong, given_wrong


def corrected(X, codes, is_given, correction, corrector=None, y=None, **fit_params):
    return correct_labels(
        KNeighborsClassifier(5) if corrector is None else corrector,
        X,
        NAMES[codes] if y is None else y,
        NAMES,
        codes,
        is_given,
        fit_params,
        correction,
        np.random.RandomState(0),
    )


def test_wrong_labels_are_dropped_and_given_ones_stay(wrong_labels):
    X, _, codes, is_given, wrong, given_wrong = wrong_labels
    positions, left, n_corrected = corrected(X, codes, is_given, "drop")
    assert_array_equal(positions, np.setdiff1d(np.arange(len(X)), wrong))
    assert_array_equal(left, codes[positions])
    assert given_wrong in positions
    assert n_corrected == 5


def test_wrong_labels_are_changed_and_given_ones_stay(wrong_labels):
    X, y, codes, is_given, _, given_wrong = wrong_labels
    positions, left, n_corrected = corrected(X, codes, is_given, "relabel")
    assert_array_equal(positions, np.arange(len(X)))
    expected = y.copy()
    expected[given_wrong] = codes[given_wrong]
    assert_array_equal(left, expected)
    assert n_corrected == 5


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what its clones are trained on and asked for; predicts the first class."""

    calls = None

    def fit(self, X, y, per_sample=None, extra=None):
        self.classes_ = np.unique(y)
        self.call = [X, y, per_sample, extra]
        return self

    def predict(self, X):
        Recorder.calls.append([*self.call, X])
        return np.full(X.shape[0], self.classes_[0])


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    return Recorder.calls


def test_each_label_is_checked_once_by_a_corrector_that_has_not_seen_it(calls):
    ids = np.arange(31)
    codes = np.repeat([0, 1], [16, 15])
    is_given = ids % 8 == 0
    corrected(
        ids[:, np.newaxis],
        codes,
        is_given,
        "drop",
        Recorder(),
        per_sample=ids,
        extra="as it is",
    )
    assert len(calls) == 3
    for X, y, per_sample, extra, asked in calls:
        assert set(X[:, 0]).isdisjoint(asked[:, 0])
        assert set(X[:, 0]) | set(asked[:, 0]) == set(ids)
        assert set(ids[is_given]) <= set(X[:, 0])
        assert_array_equal(per_sample, X[:, 0])
        assert_array_equal(y, NAMES[codes[per_sample]])
        assert extra == "as it is"
    asked = np.concatenate([call[-1][:, 0] for call in calls])
    assert_array_equal(np.sort(asked), ids[~is_given])


@pytest.mark.parametrize("correction", ["drop", "relabel"])
def test_where_all_is_given_or_alike_nothing_is_trained(calls, correction):
    X = np.arange(6.0)[:, np.newaxis]
    given, alike = np.ones(6, dtype=bool), np.zeros(6, dtype=np.intp)
    codes = np.array([0, 1, 0, 1, 0, 1])
    for result in (
        corrected(X, codes, given, correction, Recorder()),
        corrected(X, alike, ~given, correction, Recorder()),
    ):
        assert_array_equal(result.positions, np.arange(6))
        assert result.n_corrected == 0
    assert calls == []


def test_one_propagated_label_is_a_fold_of_its_own(calls):
    X = np.arange(4.0)[:, np.newaxis]
    is_given = np.array([True, True, False, True])
    result = corrected(X, np.array([0, 1, 1, 0]), is_given, "drop", Recorder())
    assert len(calls) == 1
    assert_array_equal(result.positions, [0, 1, 3])


def test_no_class_is_lost():
    # The corrector always says "east"; of the others the given labels are left.
    codes = np.repeat(np.arange(4), 5)
    is_given = np.arange(20) % 5 == 0
    Recorder.calls = []
    positions, left, _ = corrected(
        np.zeros((20, 1)), codes, is_given, "drop", Recorder()
    )
    assert_array_equal(positions, [0, 1, 2, 3, 4, 5, 10, 15])
    assert_array_equal(np.unique(left), np.arange(4))


def test_the_corrector_itself_is_not_fitted(wrong_labels):
    X, _, codes, is_given, *_ = wrong_labels
    corrector = GaussianNB()
    corrected(X, codes, is_given, "drop", corrector)
    assert not hasattr(corrector, "classes_")


def test_what_predicts_no_labels_is_no_corrector(wrong_labels):
    X, _, codes, is_given, *_ = wrong_labels
    with pytest.raises(ValueError, match=r"'corrector' must.*LinearRegression pre"):
        correct_labels(
            LinearRegression(),
            X,
            codes,
            np.arange(4),
            codes,
            is_given,
            {},
            "drop",
            np.random.RandomState(0),
        )


def test_sparse_rows_and_series_of_strings(wrong_labels):
    X, _, codes, is_given, *_ = wrong_labels
    expected = corrected(X, codes, is_given, "relabel")
    series = pd.Series(NAMES[codes], name="wind", index=np.arange(len(X)) + 7)
    for rows, y in (
        (csr_array(X), NAMES[codes].astype(object)),
        (pd.DataFrame(X, index=series.index), series),
        (X, series.astype("category")),
        (X, NAMES[codes].tolist()),
    ):
        result = corrected(rows, codes, is_given, "relabel", y=y)
        assert_array_equal(result.codes, expected.codes)
        X_left, y_left, params = take_corrected(
            rows, y, NAMES, result, {"weight": np.ones(len(codes))}
        )
        assert type(X_left) is type(rows)
        assert issparse(X_left) == issparse(rows)
        assert type(y_left) is type(y)
        assert_array_equal(np.asarray(y_left), NAMES[result.codes])
        assert len(params["weight"]) == len(codes)
    assert y_left[0] == NAMES[result.codes[0]]


def test_what_is_left_is_taken_from_everything_alike():
    X, y = np.arange(10.0)[:, np.newaxis], np.arange(10) % 2
    params = {"sample_weight": np.arange(10), "epochs": 3}
    dropped = Correction(np.array([1, 4, 7]), np.array([1, 0, 1]), 7)
    X_left, y_left, left = take_corrected(X, y, np.arange(2), dropped, params)
    assert_array_equal(X_left[:, 0], [1, 4, 7])
    assert_array_equal(y_left, [1, 0, 1])
    assert_array_equal(left["sample_weight"], [1, 4, 7])
    assert left["epochs"] == 3


@pytest.mark.parametrize("seed", range(3))
def test_labels_are_dealt_out_evenly(seed):
    codes = np.repeat([0, 1, 2, 3], [13, 7, 2, 1])
    is_dealt = np.arange(23) % 6 != 0
    folds = deal_out(codes, is_dealt, 3, np.random.RandomState(seed))
    assert_array_equal(folds >= 0, is_dealt)
    assert np.ptp(np.bincount(folds[is_dealt], minlength=3)) <= 1
    for code in (0, 1):
        in_class = folds[is_dealt & (codes == code)]
        assert np.ptp(np.bincount(in_class, minlength=3)) <= 1


def test_dealing_out_is_random_and_repeatable():
    codes, everything = np.zeros(20, dtype=int), np.ones(20, dtype=bool)
    first, same, other = (
        deal_out(codes, everything, 3, np.random.RandomState(seed))
        for seed in (0, 0, 1)
    )
    assert_array_equal(first, same)
    assert (first != other).any()


def test_predictions_are_those_of_the_other_folds(wrong_labels):
    X, _, codes, is_given, *_ = wrong_labels
    folds = deal_out(codes, ~is_given, 3, np.random.RandomState(0))
    model = LogisticRegression()
    predicted = predict_out_of_fold(model, X, NAMES[codes], NAMES, codes, folds, {})
    assert_array_equal(predicted[is_given], codes[is_given])
    for fold in range(3):
        model.fit(X[folds != fold], codes[folds != fold])
        assert_array_equal(predicted[folds == fold], model.predict(X[folds == fold]))
