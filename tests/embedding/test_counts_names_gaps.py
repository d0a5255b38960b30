"""Counts of uneven sums, strings that nearly all differ, gaps that tell something."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import TextFeatures, default_embedding, describe
from kmeans_labelprop.embedding._counts import Profiles
from kmeans_labelprop.embedding._gaps import imputers, telling_gaps
from kmeans_labelprop.embedding._names import are_names, n_kinds_of_codes

N_SAMPLES = 300


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def embedded(X):
    """Embed samples as the propagator does, with a seed."""
    embedding = clone(default_embedding(X))
    for key in embedding.get_params():
        if key.endswith("random_state"):
            embedding.set_params(**{key: 0})
    return embedding.fit_transform(X)


def right_of(X, y):
    fitted = KMeansLabelPropagator(30, random_state=0).fit(X, y)
    return np.mean(fitted.transduction_ == y)


# ------------------------------------------------------------------ counts


def counts(rng, spread, n_features=200):
    y = rng.integers(4, size=N_SAMPLES)
    means = rng.lognormal(0, 1.5, n_features) * np.exp(
        0.5 * rng.normal(size=(4, n_features))
    )
    sizes = 300 * np.exp(spread * rng.normal(size=(N_SAMPLES, 1)))
    means = means[y] / means[y].sum(axis=1, keepdims=True) * sizes
    return rng.poisson(means).astype(float), y


@parametrize_with_checks([Profiles()])
def test_profiles_pass_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("form", [np.asarray, csr_array, pd.DataFrame])
def test_uneven_sums_of_counts_do_not_hide_profiles(rng, form):
    X, y = counts(rng, 0.8)
    embedding = default_embedding(form(X))
    assert isinstance(embedding[0], Profiles)
    assert right_of(form(X), y) > 0.95
    assert describe(embedding).startswith("numbers: logarithms of shares of the row")


def test_rows_of_one_profile_are_alike_but_for_the_sum(rng):
    X, _ = counts(rng, 0.8)
    larger = X * rng.integers(1, 5, size=(N_SAMPLES, 1))
    profiles = Profiles().fit(X)
    E, E_larger = profiles.transform(X), profiles.transform(larger)
    assert_allclose(E[:, :-1], E_larger[:, :-1])
    assert_array_equal(E_larger[:, -1] > E[:, -1], larger.sum(axis=1) > X.sum(axis=1))
    # The sum has a tenth of the variance of the others.
    assert_allclose(E[:, -1].var(), 0.1 * E[:, :-1].var(axis=0).sum())
    assert_allclose(E[:, -1].mean(), 0, atol=1e-9)


def test_profiles_are_the_same_sparse_or_not(rng):
    X, _ = counts(rng, 0.8)
    X[0] = 0
    dense, sparse = Profiles().fit_transform(X), Profiles().fit_transform(csr_array(X))
    assert_allclose(sparse.toarray(), dense)
    assert np.isfinite(dense).all()
    assert not dense[0, :-1].any()
    assert Profiles().fit_transform(X.astype(np.float32)).dtype == np.float32
    assert len(Profiles().fit(X).get_feature_names_out()) == dense.shape[1]


def test_classes_that_only_sums_tell_are_found(rng):
    y = rng.integers(3, size=N_SAMPLES)
    means = 200 * 2.0 ** y[:, None] * rng.dirichlet(np.full(200, 1.0))
    X = rng.poisson(means * rng.gamma(3, 1 / 3, size=(N_SAMPLES, 200))).astype(float)
    assert isinstance(default_embedding(X)[0], Profiles)
    assert right_of(X, y) > 0.9


@pytest.mark.parametrize("what", ["even", "fractions", "one large", "missing"])
def test_other_numbers_are_no_counts_of_uneven_sums(rng, what):
    X, _ = counts(rng, 0 if what == "even" else 0.8)
    if what == "fractions":
        X += 0.5
    elif what == "one large":  # incomes, beside flags
        X = (X > 2).astype(float)
        X[:, 0] = rng.integers(10_000, 90_000, size=N_SAMPLES)
    elif what == "missing":
        X[3, 4] = np.nan
    assert "Profiles" not in str(default_embedding(X))


# ------------------------------------------------------------------ names


def beside(rng, strings):
    return pd.DataFrame({"name": strings, "x": rng.normal(size=len(strings))})


def syllables(rng, n):
    return "".join(
        rng.choice(list("bdfgklmnprst")) + rng.choice(list("aeiou")) for _ in range(n)
    )


def drugs(rng, n=N_SAMPLES):
    y = rng.integers(4, size=n)
    ends = "cillin", "sartan", "statin", "olol"
    return [syllables(rng, 3) + ends[i] for i in y], y


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame])
def test_names_with_common_endings_tell_classes(rng, make):
    names, y = drugs(rng)
    X = beside(rng, names)
    assert (
        describe(default_embedding(make(X.to_dict("list"))))
        == "table: 1 number, 1 name"
    )
    assert right_of(X, y) > 0.95


def test_codes_are_told_by_what_is_no_digit(rng):
    y = rng.integers(4, size=N_SAMPLES)
    codes = [f"{'ABCD'[k]}-{i + 1000}" for i, k in enumerate(y)]
    X = beside(rng, codes)
    assert describe(default_embedding(X)) == "table: 1 number, 1 kind of codes"
    assert right_of(X, y) > 0.95
    E = embedded(X)
    other = X.assign(name=[f"{'ABCD'[k]}-{9999 - i}" for i, k in enumerate(y)])
    assert_array_equal(embedded(other), E)  # whatever the digits
    X.loc[0, "name"] = None
    assert len(embedded(X)) == N_SAMPLES


def test_random_letters_and_numbers_are_no_names(rng):
    letters = list("abcdefghijklmnopqrstuvwxyz")
    first = rng.choice(["Anna", "Ben", "Cleo", "Dan"], N_SAMPLES)
    for strings in (
        ["".join(rng.choice(letters, 8)) for _ in range(N_SAMPLES)],
        [rng.bytes(4).hex() for _ in range(N_SAMPLES)],
        [f"c-{i:04}" for i in range(N_SAMPLES)],
        [f"INV-2020-{i:05}" for i in range(N_SAMPLES)],
        [f"{name} {''.join(rng.choice(letters, 6))}" for name in first],
    ):
        told = describe(default_embedding(beside(rng, strings)))
        assert "'name' (nearly all values differ)" in told
        assert not are_names(strings)
        assert n_kinds_of_codes(strings) == 0


def test_the_case_of_formulas_tells_something():
    rings = ["c1ccccc1O", "Cc1ccccc1", "Oc1ccccc1N", "Nc1ccncc1"] * 15
    chains = [ring.replace("c", "C").replace("n", "N") for ring in rings]
    features = TextFeatures(10, random_state=0).fit(rings + chains[:20])
    E = features.transform(["c1ccccc1O", "C1CCCCC1O"])
    assert E[0] @ E[1] < 0.5
    assert "c" in features.vectorizer_.vocabulary_
    assert "C" in features.vectorizer_.vocabulary_


def test_the_case_of_words_does_not():
    words = ["Red apple", "red Apple", "RED CAR", "McDonald sells cars", "a fast car"]
    E = TextFeatures(5, random_state=0).fit_transform(words * 12)
    assert_allclose(E[0], E[1], atol=1e-6)


# ------------------------------------------------------------------ gaps


def measured(rng, how):
    """Six measurements, three of which are not always made."""
    y = rng.integers(3, size=N_SAMPLES)
    X = rng.normal(size=(3, 6))[y] + rng.normal(size=(N_SAMPLES, 6))
    chance = {"class": np.array([0.05, 0.9, 0.5])[y], "chance": np.full(len(y), 0.3)}
    chances = chance.get(how, rng.beta(0.5, 1.2, size=len(y)))
    X[:, 3:][rng.random((N_SAMPLES, 3)) < chances[:, None]] = np.nan
    return X * [1, 10, 100, 1, 10, 100], y


def test_gaps_that_go_with_values_are_told(rng):
    X, _ = measured(rng, "class")
    embedding = default_embedding(X)
    assert "gaps of 3 told" in describe(embedding)
    E = embedding.fit_transform(X)
    assert_array_equal(E[:, 6:], np.isnan(X[:, 3:]))
    names = embedding.get_feature_names_out([*"abcdef"])
    assert list(names[-2:]) == ["e_is_missing", "f_is_missing"]
    # Rows that are complete have no gaps, whatever was missing in fit.
    assert not embedding.transform(np.nan_to_num(X))[:, 6:].any()
    # In a table with other columns, too.
    X_table = pd.DataFrame(X, columns=[*"abcdef"]).assign(kind=["u", "v"] * 150)
    assert embedded(X_table).shape[1] == 6 + 3 + 2


@pytest.mark.parametrize("how", ["chance", "rows"])
def test_gaps_by_chance_are_filled_in_only(rng, how):
    X, _ = measured(rng, how)
    assert telling_gaps(X) == []
    assert len(imputers(X)) == 1
    assert default_embedding(X).fit_transform(X).shape[1] == 6


def test_gaps_that_coincide_are_told_once(rng):
    X, _ = measured(rng, "class")
    X[:, 4:] = np.where(np.isnan(X[:, [3]]), np.nan, np.nan_to_num(X[:, 4:]))
    assert telling_gaps(X) == [3]


def test_features_without_any_number_have_no_gaps(rng):
    X, _ = measured(rng, "class")
    X[:, 5] = np.nan
    assert telling_gaps(X) == [3, 4]
