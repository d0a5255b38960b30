import inspect
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import (
    load_digits,
    load_iris,
    load_wine,
    make_blobs,
    make_classification,
)
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.embedding import default_embedding
from kmeans_labelprop.embedding._global_scale import GlobalScaler
from kmeans_labelprop.embedding._scores import RobustScores

N_SAMPLES = 240


def steps(embedding):
    """Name the classes of the steps but the last, which sets the unit."""
    if embedding is None:
        return []
    *before, last = (step for _, step in embedding.steps)
    assert isinstance(last, GlobalScaler)
    return [type(step).__name__ for step in before]


SCORES = ["RobustScores"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pixels(rng, n_features):
    return rng.integers(0, 256, size=(N_SAMPLES, n_features)).astype(np.float64)


def measurements(rng, n_features):
    return rng.normal(size=(N_SAMPLES, n_features)) * np.logspace(0, 4, n_features)


def words(rng, n_features=2000, density=0.02):
    is_used = rng.random((N_SAMPLES, n_features)) < density
    return sp.csr_array(is_used * rng.integers(1, 5, size=is_used.shape).astype(float))


def table(rng):
    return pd.DataFrame(
        {
            "income": rng.lognormal(10, 1, N_SAMPLES),
            "age": rng.integers(18, 90, N_SAMPLES),
            "member": rng.random(N_SAMPLES) < 0.5,
            "town": rng.choice(["Ghent", "Turin", "Graz"], N_SAMPLES),
        }
    )


# ------------------------------------------------------------------- the rules


@pytest.mark.parametrize(
    "X",
    [load_digits().data, load_iris().data, np.ones((9, 3))],
    ids=["digits", "iris", "constant"],
)
def test_one_scale_is_left_alone(X):
    assert default_embedding(X) is None


def test_wide_pixels_are_normalised_and_projected(rng):
    embedding = default_embedding(pixels(rng, 784))
    assert steps(embedding) == ["UnitRows", "PCA"]
    assert embedding[1].n_components == 50
    assert default_embedding(pixels(rng, 100)) is None
    assert steps(default_embedding(pixels(rng, 101))) == ["UnitRows", "PCA"]


def test_wide_signed_features_are_projected_only(rng):
    embedding = default_embedding(rng.normal(size=(N_SAMPLES, 300)))
    assert steps(embedding) == ["PCA"]
    assert embedding[0].n_components == 50


@pytest.mark.parametrize("n_features", [2, 3, 10])
def test_different_scales_become_standard_scores(rng, n_features):
    X = measurements(rng, n_features)
    embedding = default_embedding(X)
    assert steps(embedding) == SCORES
    E = embedding.fit_transform(X)
    assert_allclose(E.mean(axis=0), 0, atol=0.1)
    assert_allclose(E.std(axis=0), 0.9, atol=0.1)
    assert (np.diff(E[np.argsort(X[:, 1]), 1]) >= 0).all()


@pytest.mark.parametrize("code", [-999, 1e6])
def test_codes_for_missing_values_set_no_scale(code):
    X, y = make_blobs(600, 5, centers=3, random_state=1)
    coded = np.where(np.random.default_rng(0).random(X.shape) < 0.05, code, X)
    # In all columns, or in one.
    for Z in (coded, np.column_stack([coded[:, 0], X[:, 1:]])):
        scores = default_embedding(Z).fit(Z)
        assert isinstance(scores[0], RobustScores)
        near = Z == X
        plain = RobustScores().fit(X).transform(X)
        assert_allclose(scores.transform(Z)[near], plain[near], atol=0.2)
        assert abs(scores.transform(Z)).max() < 3
        propagator = KMeansLabelPropagator(20, random_state=0).fit(Z, y)
        assert np.mean(propagator.transduction_ == y) > 0.9


def test_codes_beside_gaps():
    X, y = make_blobs(600, 5, centers=3, random_state=1)
    odd = np.random.default_rng(0).random(X.shape)
    Z = np.where(odd < 0.05, -999, np.where(odd > 0.98, np.nan, X))
    propagator = KMeansLabelPropagator(20, random_state=0).fit(Z, y)
    assert isinstance(propagator.embedding_[-2], RobustScores)
    assert isinstance(default_embedding(np.where(Z == -999, X, Z))[0], SimpleImputer)
    assert np.mean(propagator.transduction_ == y) > 0.9


def test_a_broken_row_changes_nothing():
    X = load_digits().data
    X[7] = 1e6
    assert default_embedding(X) is None


def test_a_few_bright_pixels_are_no_codes():
    # Rows of pixels: some hardly ever lit, most of them often.
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(300, 60)) * (rng.random((300, 60)) < 0.5)
    X[:, :20] *= rng.random((300, 20)) < 0.1
    X[:, :20] += rng.integers(3, size=(300, 20))
    assert default_embedding(X) is None


@parametrize_with_checks([RobustScores()])
def test_scores_pass_scikit_learns_checks(estimator, check):
    check(estimator)


def test_no_value_is_far_from_the_others(rng):
    X = measurements(rng, 4)
    embedding = default_embedding(X).fit(X)
    X[0] = 1e9
    assert embedding.transform(X).max() <= 3


def test_long_tails_and_flags(rng):
    X = measurements(rng, 4)
    X[:, 1] = rng.lognormal(0, 3, N_SAMPLES)
    X[:, 2] = np.where(rng.random(N_SAMPLES) < 0.03, 50, -7)
    embedding = default_embedding(X).fit(X)
    assert list(embedding[0].has_long_tails_) == [False, True, False, False]
    assert list(embedding[0].is_flag_) == [False, False, True, False]
    E = embedding.transform(X)
    assert_allclose(E[:, 2], X[:, 2] > 0)  # not 6 standard deviations away
    assert 0.5 < E[:, 1].std() < 1
    # Half of the samples are not squeezed into a corner by the largest one.
    assert E[np.argsort(X[:, 1]), 1][N_SAMPLES // 2] - E[:, 1].min() > 0.5
    assert (np.diff(E[np.argsort(X[:, 1]), 1]) >= 0).all()
    X[0, 2] = 1000  # unheard of
    assert embedding.transform(X)[0, 2] == 1


def test_one_feature_is_enough_to_tell_scales_apart(rng):
    X = rng.random((N_SAMPLES, 20))
    assert default_embedding(X) is None
    X[:, 7] *= 5.3
    assert steps(default_embedding(X)) == SCORES
    X[:, 7] /= 1.2
    assert default_embedding(X) is None
    X[:, 7] /= 100
    assert steps(default_embedding(X)) == SCORES


def test_of_many_features_some_may_hardly_vary(rng):
    # As the pixels at the border of an image.
    X = rng.random((N_SAMPLES, 31))
    X[:, :8] /= 100
    assert default_embedding(X) is None
    assert steps(default_embedding(X[:, :30])) == SCORES
    X[:, :25] = 5
    assert default_embedding(X) is None


def test_wide_measurements_are_scaled_and_projected(rng):
    embedding = default_embedding(measurements(rng, 150))
    assert steps(embedding) == [*SCORES, "PCA"]
    assert embedding[1].n_components == 20


def test_counts_of_words(rng):
    embedding = default_embedding(words(rng))
    assert steps(embedding) == ["TfidfTransformer", "TruncatedSVD", "Normalizer"]
    assert embedding[0].sublinear_tf
    assert embedding[1].n_components == 100
    E = embedding.fit_transform(words(rng))
    assert_allclose(np.linalg.norm(E, axis=1), embedding[-1].scale_)


def test_weights_of_words_are_not_weighted_again(rng):
    X = words(rng) * 0.3
    assert steps(default_embedding(X)) == ["Normalizer", "TruncatedSVD", "Normalizer"]


def test_sparse_is_not_always_text(rng):
    few = sp.csr_array(measurements(rng, 5))
    assert steps(default_embedding(abs(few))) == ["QuantileTransformer"]
    # Ranks of negative numbers would leave no zeros.
    assert steps(default_embedding(few)) == ["MaxAbsScaler"]
    images = sp.csr_array(np.maximum(pixels(rng, 784) - 128, 0))
    assert steps(default_embedding(images)) == ["UnitRows", "PCA"]
    assert default_embedding(sp.csr_array(pixels(rng, 50))) is None


@pytest.mark.parametrize("kind", ["csc", "coo"])
def test_sparse_formats_are_alike(rng, kind):
    X = words(rng)
    assert str(default_embedding(X.asformat(kind))) == str(default_embedding(X))


def test_missing_numbers_are_filled_in(rng):
    X = rng.random((N_SAMPLES, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    assert isinstance(default_embedding(X)[0], SimpleImputer)
    X[:, 3] *= 100
    X[:, 0] = np.nan
    embedding = default_embedding(X)
    assert steps(embedding) == ["SimpleImputer", *SCORES]
    assert np.isfinite(embedding.fit_transform(X)).all()
    assert steps(default_embedding(pd.DataFrame(X))) == steps(embedding)


# ------------------------------------------------------------------ DataFrames


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas], ids=["pandas", "pl"])
def test_columns_of_categories(rng, make):
    X = table(rng)
    embedding = default_embedding(make(X))
    assert isinstance(embedding[0], ColumnTransformer)
    parts = {name: columns for name, _, columns in embedding[0].transformers}
    assert parts == {"numbers": ["income", "age"], "categories": ["member", "town"]}
    E = embedding[0].fit_transform(make(X))
    assert E.shape == (N_SAMPLES, 2 + 2 + 3)
    # Two samples of different towns are as far apart as one standard deviation.
    assert_allclose(np.unique(E[:, 2:]), [0, 0.5**0.5])


@pytest.mark.parametrize(
    "kinds",
    [["object"], ["str"], ["category"], ["string"], ["string", "category"]],
    ids=" of ".join,
)
def test_missing_values_of_a_table(rng, kinds):
    X = table(rng)
    X["town"] = X["town"].astype(object)
    X.loc[::7, "town"] = None
    for kind in kinds:
        X["town"] = X["town"].astype(kind)
    X.loc[::5, "income"] = np.nan
    embedding = pickle.loads(pickle.dumps(default_embedding(X)))
    E = embedding.fit_transform(X)
    assert E.shape == (N_SAMPLES, 2 + 2 + 4)
    assert np.isfinite(E).all()
    # A missing town is a town of its own, and no other column tells of it.
    is_missing = np.arange(N_SAMPLES) % 7 == 0
    towns = E[:, 4:]
    assert_allclose(towns.sum(axis=1), 0.5**0.5 * embedding[-1].scale_)
    assert len(np.unique(towns[is_missing], axis=0)) == 1
    assert_allclose(towns[is_missing][0] @ towns[~is_missing].T, 0)
    assert_allclose(embedding.transform(X), E)


def test_new_categories_are_all_zero(rng):
    X = table(rng)
    embedding = default_embedding(X).fit(X)
    new = X.head(3).assign(town="Bergen")
    assert_allclose(embedding.transform(new)[:, -3:], 0)


def test_a_table_of_numbers_is_taken_as_an_array(rng):
    X = load_wine().data
    expected = str(default_embedding(X))
    assert str(default_embedding(pd.DataFrame(X))) == expected
    assert str(default_embedding(pl.DataFrame(X))) == expected


def test_names_that_are_numbers(rng):
    X = table(rng).set_axis([7, 3, 0, 1], axis=1)
    E = default_embedding(X).fit_transform(X)
    assert E.shape == (N_SAMPLES, 7)


def test_wide_tables_are_projected(rng):
    letters = rng.choice(list("ACGT"), size=(N_SAMPLES, 80))
    X = pd.DataFrame(letters).add_prefix("site_")
    embedding = default_embedding(X)
    assert steps(embedding) == ["ColumnTransformer", "PCA"]
    assert embedding.fit_transform(X).shape == (N_SAMPLES, 50)
    assert steps(default_embedding(X.iloc[:, :75])) == ["ColumnTransformer"]


def test_a_column_of_many_names_stays_narrow(rng):
    names = rng.choice([f"name{i}" for i in range(180)], N_SAMPLES)
    X = table(rng).assign(name=names)
    embedding = default_embedding(X)
    assert embedding.fit_transform(X).shape == (N_SAMPLES, 2 + 2 + 3 + 100)


# ------------------------------------------------------------------ properties


def kinds(rng):
    return {
        "pixels": pixels(rng, 300),
        "measurements": measurements(rng, 8),
        "wide": measurements(rng, 150),
        "signed": rng.normal(size=(N_SAMPLES, 200)),
        "words": words(rng),
        "few": rng.random((N_SAMPLES, 5)),
    }


def test_no_labels_are_read():
    parameters = list(inspect.signature(default_embedding).parameters)
    assert parameters == ["X", "image_shape"]


@pytest.mark.parametrize("kind", list(kinds(np.random.default_rng(0))))
def test_order_and_unit_do_not_matter(rng, kind):
    X = kinds(rng)[kind]
    expected = str(default_embedding(X))
    assert str(default_embedding(X[rng.permutation(N_SAMPLES)])) == expected
    assert str(default_embedding(X[:, rng.permutation(X.shape[1])])) == expected
    assert str(default_embedding(X * 64)) == expected


@pytest.mark.parametrize("kind", list(kinds(np.random.default_rng(0))))
def test_float32_is_kept(rng, kind):
    X = kinds(rng)[kind].astype(np.float32)
    embedding = default_embedding(X)
    assert str(embedding) == str(default_embedding(X.astype(np.float64)))
    if embedding is not None:
        assert embedding.fit_transform(X).dtype == np.float32


def test_x_is_not_changed(rng):
    for X in kinds(rng).values():
        before = X.copy()
        default_embedding(X)
        assert abs(X - before).max() == 0


def test_it_is_not_fitted_and_leaves_the_seed_open(rng):
    embedding = default_embedding(measurements(rng, 150))
    assert not hasattr(embedding[0], "scaler_")
    seeds = {k: v for k, v in embedding.get_params().items() if "random_state" in k}
    assert seeds == {"pca__random_state": None}


# --------------------------------------------------------------------- images


@pytest.mark.parametrize(
    ("image_shape", "n_features"),
    [((8, 8), 64), ((20, -1, 3), 1200), ([16, 30], 480)],
)
@pytest.mark.parametrize("make", [np.asarray, sp.csr_array, pd.DataFrame])
def test_images_have_an_embedding_of_their_own(rng, image_shape, n_features, make):
    X = make(pixels(rng, n_features))
    embedding = default_embedding(X, image_shape=image_shape)
    assert steps(embedding) == ["ImageFeatures"]
    assert embedding[0].image_shape == image_shape
    assert embedding[0].random_state is None
    assert not hasattr(embedding[0], "filters_")


@pytest.mark.parametrize(
    ("image_shape", "n_features"), [((7, 13), 91), ((7, 7), 49), ((1, -1), 300)]
)
def test_small_images_are_looked_at_like_others(rng, image_shape, n_features):
    X = pixels(rng, n_features)
    expected = default_embedding(X)
    assert str(default_embedding(X, image_shape=image_shape)) == str(expected)


def test_missing_pixels_are_filled(rng):
    X = pixels(rng, 256)
    X[::7, 5] = np.nan
    embedding = default_embedding(X, image_shape=(16, 16))
    assert steps(embedding) == ["SimpleImputer", "ImageFeatures"]
    assert np.isfinite(embedding.fit_transform(X)).all()


def test_what_is_no_image(rng):
    with pytest.raises(ValueError, match=r"image_shape=\(16, 16\) do not have 300"):
        default_embedding(pixels(rng, 300), image_shape=(16, 16))
    with pytest.raises(ValueError, match="'image_shape' parameter must be None"):
        default_embedding(pixels(rng, 256), image_shape=256)
    with pytest.raises(
        TypeError, match=r"all columns must be pixels.*'member', 'town'"
    ):
        default_embedding(table(rng), image_shape=(2, 2))


# --------------------------------------------------------------------- in use


@pytest.mark.parametrize("propagation", ["cluster", "graph"])
def test_it_raises_accuracy_where_scales_differ(propagation):
    X, y = load_wine(return_X_y=True)
    accuracy = {}
    for name, embedding in (("raw", None), ("default", default_embedding(X))):
        propagator = KMeansLabelPropagator(
            30, embedding=embedding, propagation=propagation, random_state=0
        )
        accuracy[name] = np.mean(propagator.fit(X, y).transduction_ == y)
    assert accuracy["default"] > accuracy["raw"] + 0.1


def test_it_survives_smaller_samples():
    # Chosen once for all, and fitted on half of the samples: no warning, no error.
    X, y = make_classification(60, 120, n_informative=5, random_state=0)
    for Z in (X, X * np.logspace(0, 3, 120), np.abs(X)):
        embedding = default_embedding(Z)
        propagator = KMeansLabelPropagator(5, embedding=embedding, random_state=0)
        model = PropagatedClassifier(DecisionTreeClassifier(random_state=0), propagator)
        assert np.isfinite(cross_val_score(model, Z, y, cv=2)).all()


@pytest.mark.parametrize("n_samples", [2, 3])
def test_a_few_samples_stay_apart(n_samples):
    X = np.array([[1.0, 1000.0], [2.0, 100.0], [3.0, 10_000.0]])[:n_samples]
    E = default_embedding(X).fit_transform(X)
    assert len(np.unique(E, axis=0)) == n_samples


def test_same_result_every_time(rng):
    X = measurements(rng, 150)
    y = rng.integers(3, size=N_SAMPLES)
    propagator = KMeansLabelPropagator(
        9, embedding=default_embedding(X), random_state=0
    )
    first = propagator.fit(X, y).transduction_
    again = clone(propagator).set_params(embedding=default_embedding(X)).fit(X, y)
    assert_allclose(first, again.transduction_)
    assert isinstance(propagator.embedding_[1], PCA)
    assert isinstance(propagator.embedding_[0], RobustScores)


# --------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.arange(3.0), ValueError, "Expected 2D array"),
        (np.empty((0, 3)), ValueError, "0 sample"),
        (np.array([[1, np.inf], [1, 2]]), ValueError, "infinity"),
        (
            pd.DataFrame({"x": [1, np.inf, 2], "town": ["a", "b", "a"]}),
            ValueError,
            "infinity",
        ),
        (
            pd.DataFrame({"x": [], "town": []}).astype({"town": "category"}),
            ValueError,
            r"Got a DataFrame of shape \(0, 2\)",
        ),
        (
            pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"]),
            ValueError,
            r"different names. Got more than one of \['x'\]",
        ),
        (
            pl.DataFrame({"bytes": [b"a", b"b"], "x": [1.0, 2.0]}),
            TypeError,
            "Got column 'bytes' of dtype Binary",
        ),
    ],
)
def test_what_has_no_embedding(X, error, message):
    with pytest.raises(error, match=message):
        default_embedding(X)
