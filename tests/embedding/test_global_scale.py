"""One unit for all features: nothing moves but what depends on units."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.embedding import ImageFeatures, default_embedding
from kmeans_labelprop.embedding._global_scale import GlobalScaler


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@parametrize_with_checks([GlobalScaler()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [np.asarray, csr_array])
@pytest.mark.parametrize("unit", [1e-9, 0.1, 1, 3, 1e9])
def test_features_vary_by_about_one(rng, make, unit, dtype):
    X = (unit * rng.normal(2, [1, 0.1, 3], (400, 3))).astype(dtype)
    scaled = GlobalScaler().fit_transform(make(X))
    scaled = scaled.toarray() if make is csr_array else scaled
    assert scaled.dtype == dtype
    assert 1 / 2 <= scaled.var(axis=0).mean() <= 2
    ratio = scaled / X
    assert_array_equal(ratio, ratio[0, 0])
    assert np.frexp(ratio[0, 0])[0] == 0.5  # a power of two


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, 1e30])
def test_equal_samples_stay_as_they_are(value):
    X = np.full((50, 4), value)
    assert_array_equal(GlobalScaler().fit_transform(X), X)


def test_squares_beyond_all_numbers_set_no_unit(rng):
    X = 1e200 * rng.normal(size=(50, 4))
    assert_array_equal(GlobalScaler().fit_transform(X), X)


@pytest.mark.parametrize(
    "kind", ["images", "rows", "texts", "vectors", "table", "measurements"]
)
def test_what_is_chosen_varies_by_about_one(rng, kind):
    rows = rng.random((200, 400))
    vectors = rng.normal(size=(200, 40))
    X = {
        "images": rng.random((200, 20, 20)),
        "rows": rows * (rows > 0.5),
        "texts": [" ".join(rng.choice(list("abcdefghij"), 9)) for _ in range(200)],
        "vectors": vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        "table": pd.DataFrame(
            {"a": rng.random(200), "b": rng.choice(list("xyz"), 200)}
        ),
        "measurements": rng.normal(size=(200, 5)) * np.logspace(0, 4, 5),
    }[kind]
    embedding = default_embedding(X)
    E = embedding.fit_transform(X)
    assert 1 / 2 <= E.var(axis=0).mean() <= 2
    assert_allclose(embedding.transform(X), E, atol=1e-3)


def test_the_unit_moves_no_cluster_and_no_label():
    X, y = load_digits(return_X_y=True)
    features = ImageFeatures((8, 8))
    told = [
        KMeansLabelPropagator(30, embedding=embedding, random_state=0).fit(X, y)
        for embedding in (features, default_embedding(X, image_shape=(8, 8)))
    ]
    assert told[1].embedding_[-1].scale_ == 8
    assert_array_equal(told[0].labels_, told[1].labels_)
    assert_array_equal(told[0].representative_indices_, told[1].representative_indices_)
    assert_array_equal(told[0].transduction_, told[1].transduction_)
    assert_array_equal(told[0].confidence_, told[1].confidence_)


def test_a_penalty_for_usual_features_suits_the_embedding():
    X, y = load_digits(return_X_y=True)
    y = np.where(np.random.default_rng(0).random(len(y)) < 0.05, y, -1)
    is_test = y == -1
    truth = load_digits().target
    right = []
    for embedding in (ImageFeatures((8, 8)), default_embedding(X, image_shape=(8, 8))):
        classifier = PropagatedClassifier(
            LogisticRegression(max_iter=1000),
            KMeansLabelPropagator(30, embedding=embedding, fraction=0, random_state=0),
            train_on="embedding",
        ).fit(X, y)
        right.append(classifier.score(X[is_test], truth[is_test]))
    assert right[1] > right[0] + 0.01


def test_a_classifier_sees_what_embed_gives():
    images, y = load_digits().images[:400], load_digits().target[:400]
    classifier = PropagatedClassifier(
        LogisticRegression(max_iter=1000), KMeansLabelPropagator(30, random_state=0)
    ).fit(images, y)
    E = classifier.propagator_.embed(images)
    assert 1 / 2 <= E.var(axis=0).mean() <= 2
    assert_array_equal(classifier.estimator_.predict(E), classifier.predict(images))
    assert clone(classifier).propagator.embedding == "auto"
