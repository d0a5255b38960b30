"""Copies of a sample: the same sample to the last bit, whatever embeds them."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import FunctionTransformer

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop._copies import distinct_rows, with_equal_copies
from kmeans_labelprop._embedding import fit_space


def made(kind):
    """Make 300 samples of a kind."""
    wide = np.random.RandomState(0).normal(size=(300, 130))
    if kind in ("images", "pixels of 8 bits"):
        images = load_digits().images[:300].repeat(2, axis=1).repeat(2, axis=2)
        return images.astype(np.uint8 if kind != "images" else np.float64)
    if kind == "frame":
        return pd.DataFrame(wide, columns=[f"c{i}" for i in range(130)])
    return wide.astype(kind)


def with_copies(X):
    """Add the first 77 again, in reverse."""
    if isinstance(X, pd.DataFrame):
        return pd.concat([X, X[76::-1]], ignore_index=True)
    return np.concatenate([X, X[76::-1]])


@pytest.mark.parametrize(
    "kind", ["images", "pixels of 8 bits", "frame", "float32", "float64"]
)
def test_copies_are_the_same_in_the_space(kind):
    X = with_copies(made(kind))
    _, E = fit_space(KMeansLabelPropagator(9), X, lambda part: part, lambda part: part)
    assert len(distinct_rows(E)[0]) == 300
    assert_array_equal(E[300:], E[76::-1])


@pytest.mark.parametrize("kind", ["images", "float32"])
def test_copies_of_any_kind_with_different_labels_are_told(kind):
    X = with_copies(made(kind))
    y = np.full(len(X), -1)
    y[[5, 371]] = 0, 1  # one sample
    y[[100, 150, 200, 250]] = 0, 1, 0, 1
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        KMeansLabelPropagator(9, random_state=0).fit(X, y)
    assert any("copies" in str(warning.message) for warning in told)


def test_only_copies_are_changed():
    X = made("float64")
    E = X[:, :3].copy()
    assert with_equal_copies(E, X) is E
    # The sums are the same, the rows are not.
    X[1, [0, 1]] = X[0, [1, 0]]
    X[1, 2:] = X[0, 2:]
    assert with_equal_copies(E, X)[1, 0] == E[1, 0]
    X[7], E[7] = X[2], E[2] * (1 + 1e-15)
    found = with_equal_copies(E, X)
    assert_array_equal(found[7], E[2])
    others = np.arange(300) != 7
    assert_array_equal(found[others], E[others])
    assert not np.array_equal(E[7], E[2])  # left as it was


def test_what_an_embedding_tells_apart_stays_apart():
    X = np.arange(12.0).repeat(3)[:, np.newaxis]
    lagged = FunctionTransformer(lambda X: np.hstack([X, np.roll(X, 1)]))
    propagator = KMeansLabelPropagator(3, embedding=lagged)
    _, E = fit_space(propagator, X, lambda part: part, lambda part: part)
    assert_array_equal(E, lagged.fit_transform(X))


@pytest.mark.parametrize(
    "X",
    [
        ["a", "b", "a"],
        [np.nan, "b", "b" * 10**6],
        np.array(["a", "b", "a"], dtype=object),
        pd.DataFrame({"a": [1, 1, 1], "b": ["b", "b", "b"]}),
        csr_array(np.eye(3)),
    ],
)
def test_what_holds_no_dense_numbers_is_left_alone(X):
    E = np.arange(6.0).reshape(3, 2)
    assert with_equal_copies(E, X) is E


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64, bool])
def test_whole_numbers_are_compared_to_the_last_column(dtype):
    X = np.zeros((4, 40), dtype=dtype)
    X[1, -1] = X[2, 20] = 1
    first, row_of = distinct_rows(X)
    assert_array_equal(first, [0, 1, 2])
    assert_array_equal(row_of, [0, 1, 2, 0])


def test_a_table_of_few_different_rows_is_not_called_typical():
    rng = np.random.default_rng(0)
    cells = np.array([[a, b] for a in range(4) for b in range(3)], dtype=float)
    X = cells[rng.integers(12, size=600)]
    y = (X[:, 0] > 1).astype(int)
    model = PropagatedClassifierCV(
        GaussianNB(), KMeansLabelPropagator(20), random_state=0
    )
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        text = model.fit(X, y).summary()
    assert "100 % of the other samples are copies of these" in text
    assert "accuracy may be higher" in text
    assert "may be lower" not in text
