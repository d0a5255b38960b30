"""With a Keras network wrapped by scikeras, the classifier the project began with."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

pytest.importorskip("scikeras", reason='needs the extra "keras"')

pytestmark = [
    # NumPy 2 deprecates what Keras's and TensorFlow's own code still does.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def network():
    from examples.fashion_mnist.network import make_classifier

    return make_classifier(epochs=15, random_state=0, hidden_units=(32,))


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 40, "random_state": 0} | params)


@pytest.fixture(scope="module")
def images(digits):
    X, y = digits
    return X.astype(np.float32), y


def test_both_pipelines_train_the_same_network(images):
    X, y = images
    flat = make_sampling_pipeline(MinMaxScaler(), propagator(), network()).fit(X, y)
    plain = make_pipeline(
        MinMaxScaler(),
        PropagatedClassifier(network(), propagator(), sample_weight=None),
    ).fit(X, y)
    assert flat.score(X, y) > 0.8
    assert_array_equal(plain.predict(X), flat.predict(X))
    probabilities = plain.predict_proba(X)
    assert_allclose(probabilities, flat.predict_proba(X), atol=1e-6)
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert probabilities[:, 0].dtype == np.float32


def test_one_row_has_two_dimensions(images):
    X, y = images
    classifier = PropagatedClassifier(network(), propagator()).fit(X, y)
    assert classifier.predict_proba(X[:1]).shape == (1, 10)


def test_strings_and_confidence_as_weight(images):
    X, y = images
    names = np.array([f"digit {label}" for label in range(10)])
    classifier = PropagatedClassifier(
        network(), propagator(fraction=1), sample_weight="confidence"
    ).fit(X, names[y])
    assert_array_equal(classifier.classes_, names)
    assert classifier.score(X, names[y]) > 0.8
    unweighted = PropagatedClassifier(
        network(), propagator(fraction=1), sample_weight=None
    )
    unweighted.fit(X, names[y])
    assert not np.allclose(classifier.predict_proba(X), unweighted.predict_proba(X))


def test_clone_and_pickle(images):
    X, y = images
    fitted = PropagatedClassifier(network(), propagator()).fit(X, y)
    expected = fitted.predict_proba(X[:50])
    assert_allclose(clone(fitted).fit(X, y).predict_proba(X[:50]), expected, atol=1e-5)
    assert_allclose(
        pickle.loads(pickle.dumps(fitted)).predict_proba(X[:50]), expected, atol=1e-5
    )


def test_grid_search_over_propagator_and_network(images, tmp_path):
    X, y = images
    search = GridSearchCV(
        PropagatedClassifier(network(), propagator(memory=str(tmp_path))),
        {"propagator__fraction": [0, 0.7], "estimator__epochs": [1, 10]},
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_["estimator__epochs"] == 10
    assert search.best_score_ > 0.7


def test_networks_are_compared_in_several_processes(images):
    X, y = images
    classifier = PropagatedClassifierCV(network(), propagator(), cv=2, random_state=0)
    one, two = (clone(classifier).set_params(n_jobs=n).fit(X, y) for n in (1, 2))
    trained_on = one.cv_results_["train_on"].tolist()
    assert trained_on == ["samples"] * 3 + ["neighbors"]
    assert one.cv_results_["with_neighbors"].tolist() == [False, True, True, False]
    for name in ("mean_test_score", "mean_test_accuracy"):
        assert_allclose(two.cv_results_[name], one.cv_results_[name], atol=1e-4)
    assert two.best_params_ == one.best_params_
    assert_allclose(two.predict_proba(X[:50]), one.predict_proba(X[:50]), atol=1e-4)
    assert one.score(X, y) > 0.8


def test_a_network_on_the_embedding(images):
    X, y = images
    pictures = X.reshape(-1, 8, 8)
    classifier = PropagatedClassifier(
        network(), propagator(embedding=FunctionTransformer(flat))
    ).fit(pictures[:1500], y[:1500])
    assert classifier.train_on_ == "embedding"
    expected = PropagatedClassifier(network(), propagator()).fit(X[:1500], y[:1500])
    assert_allclose(
        classifier.predict_proba(pictures[1500:]),
        expected.predict_proba(X[1500:]),
        atol=1e-5,
    )
    assert classifier.score(pictures[1500:], y[1500:]) > 0.7


def flat(pictures):
    return pictures.reshape(len(pictures), -1)


# keras.wrappers


def from_keras(**params):
    from keras import Input, Sequential, layers
    from keras.wrappers import SKLearnClassifier

    def build(X, y):
        model = Sequential(
            [
                Input((X.shape[1],)),
                layers.Dense(32, activation="relu"),
                layers.Dense(y.shape[1], activation="softmax"),
            ]
        )
        model.compile("adam", "categorical_crossentropy")
        return model

    return SKLearnClassifier(build, **params)


def count_epochs():
    from keras.callbacks import Callback

    class Counter(Callback):
        n_epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            type(self).n_epochs += 1

    return Counter()


@pytest.mark.filterwarnings("ignore:No label is given of")
def test_the_wrapper_of_keras_with_strings_and_callbacks(images):
    X, y = images
    names = np.array([f"digit {label}" for label in range(10)])
    counter = count_epochs()
    classifier = PropagatedClassifier(from_keras(), propagator()).fit(
        X, names[y], epochs=12, verbose=0, callbacks=[counter]
    )
    assert counter.n_epochs == 12
    assert classifier.predict(X[:1]).shape == (1,)
    assert classifier.score(X, names[y]) > 0.8
    few = PropagatedClassifier(from_keras(), propagator(n_clusters=6))
    decision = few.fit(X, names[y], epochs=1, verbose=0).decision_function(X[:3])
    assert decision.shape == (3, 10)
    chosen = few.classes_[decision.argmax(axis=1)]
    assert_array_equal(chosen, few.predict(X[:3]))


def test_what_a_copy_loses_is_told(images):
    X, y = images
    lost = from_keras(fit_kwargs={"epochs": 12})
    with pytest.warns(
        UserWarning, match="SKLearnClassifier loses its parameter fit_kw"
    ):
        PropagatedClassifier(lost, propagator()).fit(X[:200], y[:200], verbose=0)


def test_arguments_of_fit_and_callbacks_reach_scikeras(images):
    X, y = images
    counter = count_epochs()
    classifier = PropagatedClassifier(
        network().set_params(callbacks=[counter]), propagator()
    ).fit(X, y, epochs=3)
    assert len(classifier.estimator_.history_["loss"]) == 3
    assert type(counter).n_epochs == 3
