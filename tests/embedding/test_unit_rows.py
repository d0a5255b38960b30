"""Rows of many numbers of one scale: their shapes, and their means."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._mixing import some_positions
from kmeans_labelprop.embedding import default_embedding, describe
from kmeans_labelprop.embedding._rows import UnitRows

N_SAMPLES, N_PIXELS = 300, 144


@parametrize_with_checks([UnitRows()])
def test_unit_rows_pass_scikit_learns_checks(estimator, check):
    check(estimator)


def pictures(rng, levels):
    """Patterns of no meaning around a level of grey, which tells the class."""
    y = rng.integers(len(levels), size=N_SAMPLES)
    patterns = rng.normal(size=(N_SAMPLES, 4)) @ rng.normal(size=(4, N_PIXELS))
    noise = 10 * patterns + 5 * rng.normal(size=(N_SAMPLES, N_PIXELS))
    return (np.array(levels)[y, None] + noise).clip(0, 255), y


@pytest.mark.parametrize("form", [np.asarray, np.float32, csr_array])
def test_classes_that_brightness_tells_are_found(rng, form):
    X, y = pictures(rng, [80, 200])
    embedding = default_embedding(form(X))
    assert describe(embedding) == (
        "numbers: rows of unit length, and their means, up to 50 components"
    )
    fitted = KMeansLabelPropagator(15, random_state=0).fit(form(X), y)
    assert np.mean(fitted.transduction_ == y) > 0.95


def test_the_mean_has_an_eighth_of_its_part_in_the_variance(rng):
    X, _ = pictures(rng, [90, 150])
    E = UnitRows().fit_transform(X)
    own = N_PIXELS * X.mean(axis=1).var() / X.var(axis=0).sum()
    variances = E.var(axis=0)
    assert_allclose(variances[-1] / variances.sum(), own / 8)
    assert_allclose(E[:, -1].mean(), 0, atol=1e-9)
    assert_allclose(np.linalg.norm(E[:, :-1], axis=1), 1)
    assert_allclose(UnitRows().fit_transform(X * 1000), E)  # whatever the unit


def test_rows_are_the_same_sparse_or_not(rng):
    X, _ = pictures(rng, [90, 150])
    X[0] = 0
    dense, sparse = UnitRows().fit_transform(X), UnitRows().fit_transform(csr_array(X))
    assert_allclose(sparse.toarray(), dense)
    assert not dense[0, :-1].any()
    assert UnitRows().fit_transform(X.astype(np.float32)).dtype == np.float32
    assert len(UnitRows().fit(X).get_feature_names_out()) == N_PIXELS + 1


def test_rows_of_one_mean_have_none(rng):
    X = rng.random((N_SAMPLES, 8))
    X[:, 4:] = 1 - X[:, :4]
    assert_allclose(UnitRows().fit_transform(X)[:, -1], 0, atol=1e-6)
    assert not UnitRows().fit_transform(np.ones((5, 4)))[:, -1].any()


def test_some_of_many_rows_tell_what_the_mean_weighs(rng, monkeypatch):
    X = rng.random((6300, 9))
    of_some, same = UnitRows().fit(X), UnitRows().fit(X[some_positions(6300, 2048)])
    assert (of_some.mean_, of_some.scale_) == (same.mean_, same.scale_)
    monkeypatch.setattr("kmeans_labelprop.embedding._rows._MOST_ROWS", len(X))
    assert of_some.scale_ == pytest.approx(UnitRows().fit(X).scale_, rel=0.05)
