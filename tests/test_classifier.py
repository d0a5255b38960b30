import pickle
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import RecordingOracle, weights_by_class
from imblearn.under_sampling import RandomUnderSampler
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    RidgeClassifier,
)
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop._containers import is_numeric_table
from kmeans_labelprop.model_selection import make_labeled_scorer


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 4, "random_state": 0} | params)


class FitRecorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted with."""

    def fit(self, X, y, sample_weight=None, extra=None, per_sample=None):
        self.classes_ = np.unique(y)
        self.received_ = {
            "X": X,
            "y": y,
            "sample_weight": sample_weight,
            "extra": extra,
            "per_sample": per_sample,
        }
        return self

    def predict(self, X):
        self.received_["asked for"] = X
        return np.full(len(X), self.classes_[0])


def test_the_estimator_is_fitted_on_what_the_propagator_gives(digits):
    X, y = digits
    classifier = PropagatedClassifier(
        GaussianNB(), propagator(n_clusters=40), sample_weight=None
    ).fit(X, y)
    X_res, y_res = propagator(n_clusters=40).fit_resample(X, y)
    assert_array_equal(classifier.predict(X), GaussianNB().fit(X_res, y_res).predict(X))


def test_the_default_propagator_is_a_propagator_of_its_own(blobs):
    classifier = PropagatedClassifier(DecisionTreeClassifier()).fit(*blobs)
    assert isinstance(classifier.propagator_, KMeansLabelPropagator)
    assert classifier.propagator is None


def test_confidence_is_passed_as_weight(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(
        FitRecorder(), propagator(propagation="cluster"), sample_weight="confidence"
    ).fit(X, y)
    kept = classifier.propagator_.sample_indices_
    confidence = classifier.propagator_.confidence_[kept]
    by_class = weights_by_class(confidence, y[kept])
    received = classifier.estimator_.received_
    assert_allclose(received["sample_weight"], by_class)
    # Surer labels weigh more, and no class weighs more than its size.
    assert np.corrcoef(confidence, received["sample_weight"])[0, 1] > 0.9
    assert_allclose(
        np.bincount(y[kept], received["sample_weight"]), np.bincount(y[kept])
    )
    assert_array_equal(received["X"], X[kept])
    weights = np.arange(len(X), dtype=float)
    classifier.fit(X, y, sample_weight=weights)
    assert_allclose(
        classifier.estimator_.received_["sample_weight"], by_class * weights[kept]
    )


def test_by_default_confidence_is_the_weight_where_one_is_taken(blobs):
    X, y = blobs
    default, asked_for, none = (
        PropagatedClassifier(FitRecorder(), propagator(), **params).fit(X, y)
        for params in ({}, {"sample_weight": "confidence"}, {"sample_weight": None})
    )
    assert_array_equal(
        default.estimator_.received_["sample_weight"],
        asked_for.estimator_.received_["sample_weight"],
    )
    assert none.estimator_.received_["sample_weight"] is None
    for takes_none in (
        KNeighborsClassifier(1),
        make_pipeline(StandardScaler(), LogisticRegression()),
        BaggingClassifier(KNeighborsClassifier(1), random_state=0),
        CalibratedClassifierCV(KNeighborsClassifier(1), cv=2),  # would warn
        VotingClassifier([("b", GaussianNB()), ("k", KNeighborsClassifier(1))]),
    ):
        assert PropagatedClassifier(takes_none, propagator()).fit(X, y).score(X, y) == 1


def test_confidence_needs_an_estimator_that_takes_weights(blobs):
    classifier = PropagatedClassifier(
        KNeighborsClassifier(), propagator(), sample_weight="confidence"
    )
    with pytest.raises(
        ValueError, match=r"sample_weight='confidence'.*KNeighborsClassifier does not"
    ):
        classifier.fit(*blobs)


def test_fit_parameters_go_to_the_estimator_for_the_samples_kept(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(FitRecorder(), propagator(fraction=0.3))
    classifier.fit(X, y, extra="as it is", per_sample=np.arange(len(X)))
    received = classifier.estimator_.received_
    assert received["extra"] == "as it is"
    assert_array_equal(received["per_sample"], classifier.propagator_.sample_indices_)


def test_a_propagator_of_ones_own_may_have_any_parameters(blobs):
    class Propagator(KMeansLabelPropagator):
        n_anchors = 3  # as those of blocks have

    X, y = blobs
    model = PropagatedClassifier(GaussianNB(), Propagator(9, random_state=0))
    assert len(model.fit(X, y).training_indices_) == len(X)


def test_fit_parameters_with_the_index_of_other_rows_are_refused(blobs):
    X, y = blobs
    rows = pd.DataFrame(X, index=[f"row {i}" for i in range(len(X))])
    numbers = pd.Series(np.arange(len(X)), index=rows.index)
    of_two = (PropagatedClassifier, PropagatedClassifierCV)
    for model in (cls(FitRecorder(), propagator(n_clusters=9)) for cls in of_two):
        with pytest.raises(ValueError, match="index of per_sample must be that of X"):
            model.fit(rows, y, per_sample=numbers[::-1])
        assert len(model.fit(rows, y, per_sample=numbers).training_indices_) > 0


def test_what_it_was_trained_on_is_kept(blobs):
    X, y = blobs
    names = np.array(["no", "yes"])[y % 2]
    weights = np.linspace(1, 2, len(X))
    classifier = PropagatedClassifier(
        FitRecorder(), propagator(fraction=0.5), sample_weight="confidence"
    ).fit(X, names, sample_weight=weights, per_sample=np.arange(len(X)))
    used = classifier.training_indices_
    received = classifier.estimator_.received_
    assert_array_equal(used, classifier.propagator_.sample_indices_)
    assert 4 < len(used) < 70
    assert_array_equal(
        classifier.training_labels_, classifier.propagator_.transduction_[used]
    )
    assert_array_equal(received["X"], X[used])
    assert_array_equal(received["y"], classifier.training_labels_)
    assert_array_equal(received["per_sample"], used)
    by_class = weights_by_class(classifier.propagator_.confidence_[used], names[used])
    assert_allclose(received["sample_weight"], by_class * weights[used])


# Known labels


@pytest.mark.parametrize("rule", ["cluster", "graph"])
@pytest.mark.parametrize("fraction", [0, 0.5, 1])
def test_hundreds_of_known_labels_are_trained_on_as_they_are(digits, rule, fraction):
    X, y = digits
    is_known = np.arange(len(y)) % 4 == 0
    # What somebody knows stays what it is, also where all neighbours say otherwise.
    given = np.where(np.arange(len(y)) % 40 == 0, (y + 1) % 10, y)
    of = propagator(n_clusters=30, propagation=rule, fraction=fraction)
    classifier = PropagatedClassifier(FitRecorder(), of)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*differ from those of all their neighbours")
        classifier.fit(X, np.where(is_known, given, -1))
    fitted = classifier.propagator_
    assert (fitted.n_known_, fitted.n_queries_) == (450, 0)
    assert fitted.answers_ == {}
    known = np.flatnonzero(is_known)
    at = np.searchsorted(classifier.training_indices_, known)
    assert_array_equal(classifier.training_indices_[at], known)
    assert_array_equal(classifier.training_labels_[at], given[known])
    assert_array_equal(fitted.confidence_[known], 1)
    if fraction == 0:
        assert_array_equal(classifier.training_indices_, known)
        assert_allclose(classifier.estimator_.received_["sample_weight"], 1)
    elif fraction == 1:
        assert len(classifier.training_indices_) == len(X)


def test_known_labels_are_not_asked_for_and_answers_add_to_them(blobs):
    X, y = blobs
    known = np.flatnonzero(y == 2)[:20]
    partly = np.full(len(y), -1)
    partly[known] = 2
    oracle = RecordingOracle(X, y)
    classifier = PropagatedClassifier(GaussianNB(), propagator(oracle=oracle))
    classifier.fit(X, partly)
    fitted = classifier.propagator_
    assert fitted.n_known_ == 20
    assert fitted.n_queries_ == oracle.n_asked == len(fitted.answers_) == 3
    assert sorted(fitted.answers_.values()) == [0, 1, 3]
    assert all(y[position] == label for position, label in fitted.answers_.items())
    assert np.isin(known, classifier.training_indices_).all()
    assert_array_equal(classifier.predict(X), y)


@pytest.mark.parametrize("oracle", [None, "y"])
def test_a_whole_y_is_read_where_it_is_asked_only(digits, oracle):
    X, y = digits
    of = propagator(n_clusters=30, oracle=oracle)
    expected = PropagatedClassifier(GaussianNB(var_smoothing=1), of).fit(X, y)
    assert expected.propagator_.n_known_ == 0
    assert expected.propagator_.n_queries_ == 30
    asked = expected.propagator_.representative_indices_
    corrupted = y[::-1].copy()
    corrupted[asked] = y[asked]
    model = clone(expected).fit(X, corrupted)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    if oracle == "y":
        # In so many words: also where labels are missing, of others.
        partly = np.full(len(y), -1)
        partly[asked] = y[asked]
        partly[asked[0]] = -1
        silent = clone(expected).fit(X, partly).propagator_
        assert (silent.n_known_, silent.n_queries_, len(silent.given_)) == (0, 30, 29)
        assert silent.answers_[asked[0]] is None


# What the classifier is given


def flat(images):
    return np.asarray(images).reshape(len(images), -1)


def shifted(X):
    return np.asarray(X) * 2 + 1


def test_the_classifier_is_given_the_samples_in_training_and_prediction(blobs):
    X, y = blobs
    of = propagator(embedding=FunctionTransformer(shifted), fraction=0.5)
    for train_on in ("auto", "samples"):
        classifier = PropagatedClassifier(FitRecorder(), of, train_on=train_on)
        classifier.fit(X, y)
        assert classifier.train_on_ == "samples"
        received = classifier.estimator_.received_
        assert_array_equal(received["X"], X[classifier.training_indices_])
        classifier.predict(X[:7])
        assert_array_equal(received["asked for"], X[:7])


def test_the_classifier_is_given_the_embedding_in_training_and_prediction(blobs):
    X, y = blobs
    of = propagator(embedding=FunctionTransformer(shifted), fraction=0.5)
    classifier = PropagatedClassifier(FitRecorder(), of, train_on="embedding")
    classifier.fit(X, y)
    assert classifier.train_on_ == "embedding"
    received = classifier.estimator_.received_
    assert_array_equal(received["X"], shifted(X)[classifier.training_indices_])
    for ask in (classifier.predict, lambda X: classifier.score(X, y[: len(X)])):
        ask(X[:7])
        assert_array_equal(received.pop("asked for"), shifted(X[:7]))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_every_method_predicts_as_the_classifier_was_trained(digits, method):
    X, y = digits
    of = propagator(n_clusters=40, embedding=PCA(5, random_state=0))
    model = {"predict_proba": GaussianNB()}.get(method, RidgeClassifier())
    classifier = PropagatedClassifier(
        model, of, train_on="embedding", sample_weight=None
    ).fit(X[:1500], y[:1500])
    fitted = classifier.propagator_
    alone = clone(model).fit(fitted.clusters_.E, fitted.transduction_)
    expected = getattr(alone, method)(fitted.embedding_.transform(X[1500:]))
    assert_allclose(getattr(classifier, method)(X[1500:]), expected)
    assert classifier.estimator_.n_features_in_ == 5
    assert classifier.n_features_in_ == 64


def test_without_an_embedding_the_space_is_that_of_the_samples(blobs):
    X, y = blobs
    one, same = (
        PropagatedClassifier(GaussianNB(), propagator(), train_on=train_on).fit(X, y)
        for train_on in ("samples", "embedding")
    )
    assert_array_equal(one.predict_proba(X), same.predict_proba(X))
    assert same.train_on_ == "embedding"


FRUIT = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
KINDS = ["fruit" if "apple" in text else "weather" for text in FRUIT]


def test_texts_are_given_to_a_pipeline_and_their_embedding_to_a_classifier():
    of = propagator(n_clusters=2, embedding=TfidfVectorizer())
    new, expected = ["apple pie", "the sky"], ["fruit", "weather"]
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    for texts in (FRUIT, np.array(FRUIT), np.array(FRUIT, object), pd.Series(FRUIT)):
        for model, train_on in (
            (pipeline, "samples"),
            (LogisticRegression(), "embedding"),
        ):
            classifier = PropagatedClassifier(model, of).fit(texts, KINDS)
            assert classifier.train_on_ == train_on
            assert classifier.predict(new).tolist() == expected
            assert classifier.predict_proba(new).argmax(axis=1).tolist() == [0, 1]


def test_a_table_with_strings_is_predicted_as_it_was_trained():
    rng = np.random.default_rng(0)
    colour = np.array(["red", "green", "blue"])[np.arange(90) % 3]
    frame = pd.DataFrame({"colour": colour, "size": rng.normal(size=90)})
    embedding = make_column_transformer(
        (OneHotEncoder(), ["colour"]), (MinMaxScaler(), ["size"])
    )
    of = propagator(n_clusters=6, embedding=embedding)
    classifier = PropagatedClassifier(LogisticRegression(), of).fit(frame, colour)
    assert classifier.train_on_ == "embedding"
    assert classifier.estimator_.n_features_in_ == 4
    new = pd.DataFrame({"colour": ["blue", "red"], "size": [0.5, -0.5]})
    assert classifier.predict(new).tolist() == ["blue", "red"]
    assert classifier.score(new, ["blue", "red"]) == 1
    with pytest.raises(ValueError, match="could not convert string"):
        classifier.set_params(train_on="samples").fit(frame, colour)


def test_images_in_three_dimensions_are_predicted_as_they_were_trained(digits):
    X, y = digits
    images = X.reshape(-1, 8, 8)
    of = propagator(n_clusters=40, embedding=FunctionTransformer(flat))
    classifier = PropagatedClassifier(GaussianNB(var_smoothing=0.1), of)
    classifier.fit(images[:1500], y[:1500])
    assert classifier.train_on_ == "embedding"
    expected = PropagatedClassifier(
        GaussianNB(var_smoothing=0.1), propagator(n_clusters=40)
    ).fit(X[:1500], y[:1500])
    assert_array_equal(classifier.predict(images[1500:]), expected.predict(X[1500:]))
    assert classifier.score(images[1500:], y[1500:]) > 0.7


NUMBERS = [[1, 2.5], [3, 4]]
STRINGS = [["a", 2.5], ["b", 4]]


@pytest.mark.parametrize(
    ("X", "is_numeric"),
    [
        (NUMBERS, True),
        (np.array(NUMBERS, dtype=np.float32), True),
        (np.array(NUMBERS, dtype=object), True),
        (np.array(NUMBERS) > 2, True),
        (csr_array(NUMBERS), True),
        (pd.DataFrame(NUMBERS), True),
        (pd.DataFrame(NUMBERS).convert_dtypes(), True),
        (pd.DataFrame(NUMBERS) > 2, True),
        (STRINGS, False),
        (np.array(STRINGS, dtype=object), False),
        (np.array(STRINGS), False),
        (pd.DataFrame(STRINGS), False),
        (pd.DataFrame(STRINGS).astype("category"), False),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), False),
        (["red apple", "sky"], False),
        (pd.Series(["red apple", "sky"]), False),
        (np.zeros((2, 3, 3)), False),
        (np.zeros((2, 3, 3)).tolist(), False),
        ([{"a": 1}, {"b": 2}], False),
        (np.array([{"a": 1}, {"b": 2}]), False),
        (np.array([[0.0] * 101 + ["a"]] * 2, dtype=object), False),
    ],
)
def test_what_a_classifier_takes_as_it_is(X, is_numeric):
    assert is_numeric_table(X) == is_numeric


def test_tables_of_polars_are_numbers_or_not():
    polars = pytest.importorskip("polars")
    assert is_numeric_table(polars.DataFrame({"a": [1, 2], "b": [True, False]}))
    assert not is_numeric_table(polars.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


@pytest.fixture
def lacking_class(blobs):
    """Labels with a fifth class that no representative has."""
    X, y = blobs
    y = y.copy()
    farthest = propagator(propagation="cluster").fit(X, y).confidence_.argsort()
    y[farthest[0]] = 2
    y = np.where(y >= 2, y + 1, y)  # 0, 1, 3, 4
    extra = farthest[1]
    y[extra] = 2
    return X, y


def test_probabilities_are_padded_to_all_known_classes(lacking_class):
    X, y = lacking_class
    classifier = PropagatedClassifier(GaussianNB(), propagator())
    with pytest.warns(UserWarning, match=r"1 of 5 classes.*\[2\]"):
        classifier.fit(X, y)
    assert_array_equal(classifier.classes_, [0, 1, 2, 3, 4])
    assert_array_equal(classifier.estimator_.classes_, [0, 1, 3, 4])
    probabilities = classifier.predict_proba(X)
    assert probabilities.shape == (120, 5)
    assert_array_equal(probabilities[:, 2], 0)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(
        classifier.classes_[probabilities.argmax(axis=1)], classifier.predict(X)
    )


def test_decisions_are_padded_to_all_known_classes(lacking_class):
    X, y = lacking_class
    classifier = PropagatedClassifier(LogisticRegression(), propagator())
    with pytest.warns(UserWarning, match="1 of 5 classes"):
        classifier.fit(X, y)
    decision = classifier.decision_function(X)
    assert decision.shape == (120, 5)
    assert (decision[:, 2] == np.finfo(decision.dtype).min).all()
    assert_array_equal(
        classifier.classes_[decision.argmax(axis=1)], classifier.predict(X)
    )


def test_a_binary_decision_becomes_two_columns_when_a_third_class_is_known(blobs):
    X, y = blobs
    y = (y > 1).astype(int)
    fitted = propagator().fit(X, y)
    y[fitted.confidence_.argmin()] = 2
    classifier = PropagatedClassifier(SVC(), propagator())
    with pytest.warns(UserWarning, match="1 of 3 classes"):
        classifier.fit(X, y)
    decision = classifier.decision_function(X)
    assert decision.shape == (120, 3)
    assert_array_equal(decision[:, 0], -decision[:, 1])
    binary = PropagatedClassifier(SVC(), propagator()).fit(X, np.minimum(y, 1))
    assert binary.decision_function(X).shape == (120,)


def test_a_single_class_trains_a_classifier_that_can(blobs):
    X, y = blobs
    one = propagator(n_clusters=1, propagation="cluster")
    classifier = PropagatedClassifier(GaussianNB(), one)
    with (
        pytest.warns(UserWarning, match="only class found"),
        pytest.warns(UserWarning, match="3 of 4 classes"),
    ):
        classifier.fit(X, y)
    assert_array_equal(classifier.predict_proba(X).sum(axis=1), np.ones(120))
    with (
        pytest.warns(UserWarning, match="only class found"),
        pytest.warns(UserWarning, match="3 of 4 classes"),
        pytest.raises(ValueError, match="class"),
    ):
        PropagatedClassifier(LogisticRegression(), one).fit(X, y)


def test_methods_are_those_of_the_estimator():
    assert hasattr(PropagatedClassifier(SVC()), "decision_function")
    assert not hasattr(PropagatedClassifier(SVC()), "predict_proba")
    assert hasattr(PropagatedClassifier(GaussianNB()), "predict_proba")
    assert not hasattr(PropagatedClassifier(GaussianNB()), "decision_function")


def test_score_counts_labelled_rows_only(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(GaussianNB(), propagator()).fit(X, y)
    assert classifier.score(X, y) == 1
    partial = np.where(np.arange(len(y)) < 10, (y + 1) % 4, -1)
    partial[10:20] = y[10:20]
    assert classifier.score(X, partial) == 0.5
    weights = np.where(np.arange(len(y)) < 10, 1.0, 3.0)
    assert classifier.score(X, partial, sample_weight=weights) == 0.75
    assert classifier.score(pd.DataFrame(X).to_numpy(), pd.Series(partial)) == 0.5
    with pytest.raises(ValueError, match="at least one label to be scored"):
        classifier.score(X, np.full(len(y), -1))


def test_partly_labelled_strings(blobs):
    X, y = blobs
    names = np.array(["north", "east", "south", "west"])[y]
    partial = names.astype(object)
    partial[::3] = None
    classifier = PropagatedClassifier(GaussianNB(), propagator()).fit(X, partial)
    assert_array_equal(classifier.predict(X), names)
    assert classifier.score(X, partial) == 1
    assert_array_equal(classifier.classes_, ["east", "north", "south", "west"])


@pytest.mark.parametrize("missing_label", ["?", None])
def test_another_sentinel_is_neither_class_nor_scored(blobs, missing_label):
    X, y = blobs
    names = np.array(["a", "b", "c", "d"], dtype=object)[y]
    partial = names.copy()
    partial[::3] = missing_label
    classifier = PropagatedClassifier(
        GaussianNB(), propagator(missing_label=missing_label)
    ).fit(X, partial)
    assert_array_equal(classifier.classes_, ["a", "b", "c", "d"])
    assert classifier.score(X, partial) == 1


def test_numbers_beside_none_can_be_trained_on_and_scored(blobs):
    X, y = blobs
    partial = y.astype(object)
    partial[::2] = None
    classifier = PropagatedClassifier(LogisticRegression(), propagator())
    assert classifier.fit(X, partial).score(X, partial) == 1
    assert make_labeled_scorer("accuracy")(classifier, X, partial) == 1


def test_a_failed_fit_leaves_nothing_half_done(blobs):
    X, y = blobs
    one = PropagatedClassifier(
        LogisticRegression(), propagator(n_clusters=1, propagation="cluster")
    )
    with (
        pytest.warns(UserWarning, match="only class found"),
        pytest.raises(ValueError, match="class"),
    ):
        one.fit(X, np.zeros_like(y))
    with pytest.raises(NotFittedError):
        one.predict(X)
    classifier = PropagatedClassifier(GaussianNB(), propagator()).fit(X, y)
    # Found before there are new labels: what was fitted stays as it was.
    classifier.set_params(estimator=LinearRegression())
    with pytest.raises(ValueError, match=r"'estimator' .* must be a classifier"):
        classifier.fit(X, y)
    assert_array_equal(classifier.predict(X), y)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_labels_paid_for_outlive_a_failed_training(blobs, error):
    X, y = blobs
    names = np.array(["a", "b", "c", "d"])[y]
    oracle = RecordingOracle(X, names)
    classifier = PropagatedClassifier(GaussianNB(), propagator(oracle=oracle))
    classifier.fit(X).set_params(estimator=FailingClassifier(error))
    with pytest.raises(error, match="out of order"):
        classifier.fit(X)
    kept = classifier.propagator_
    asked = kept.representative_indices_.tolist()
    assert kept.answers_ == {position: names[position] for position in asked}
    assert_array_equal(kept.representative_labels_, names[asked])
    assert_array_equal(kept.propagate({}).transduction_, names)
    assert oracle.n_asked == 8  # by the fit above, too
    # Nothing of the earlier fit is taken for a result of this one.
    with pytest.raises(NotFittedError):
        classifier.predict(X)


def test_answers_before_an_oracle_gives_up_are_kept(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[0])

    def at_first(X_query):
        if oracle.queries:
            raise ConnectionError("gone")
        return oracle(X_query)

    classifier = PropagatedClassifier(
        GaussianNB(), propagator(oracle=at_first, max_retries=1)
    )
    with pytest.raises(ConnectionError, match="gone") as caught:
        classifier.fit(X)
    fitted = classifier.propagator_
    assert caught.value.answers == fitted.answers_
    assert len(fitted.answers_) == 4
    with pytest.warns(UserWarning, match="No label reaches 30 samples"):
        kept = fitted.propagate({}).representative_labels_
    assert sorted(kept.tolist()) == [-1, 1, 2, 3]


@pytest.mark.parametrize("error", [ConnectionError, KeyboardInterrupt, MemoryError])
def test_answers_of_a_generator_that_breaks_off_are_kept(blobs, error):
    X, y = blobs

    def two_of_four(X_query):
        yield from RecordingOracle(X, y)(X_query)[:2]
        raise error("gone")

    classifier = PropagatedClassifier(GaussianNB(), propagator(oracle=two_of_four))
    with pytest.raises(error, match="gone") as caught:
        classifier.fit(X)
    kept = classifier.propagator_.answers_
    assert len(kept) == 2
    assert all(y[position] == label for position, label in kept.items())
    assert caught.value.answers == kept


def test_labels_of_other_rows_are_refused_before_anyone_is_asked(blobs):
    X, y = blobs
    names = [f"row {i}" for i in range(len(y))]
    frame, target = pd.DataFrame(X, index=names), pd.Series(y, index=names)
    oracle = RecordingOracle(X, y)
    classifier = PropagatedClassifier(GaussianNB(), propagator(oracle=oracle))
    partly = target.where(target == 0, -1)
    with pytest.raises(ValueError, match="The index of y must be that of X"):
        classifier.fit(frame, partly[::-1])
    with pytest.raises(ValueError, match="The index of sample_ids must be that of X"):
        classifier.fit(frame, partly, sample_ids=pd.Series(names, index=names[::-1]))
    assert oracle.n_asked == 0
    assert_array_equal(classifier.fit(frame, partly).predict(frame), y)


class FailingClassifier(ClassifierMixin, BaseEstimator):
    def __init__(self, error=RuntimeError):
        self.error = error

    def fit(self, X, y):
        raise self.error("out of order")

    def predict(self, X):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("estimator", "fit_params", "error", "match"),
    [
        (GaussianNB, {}, TypeError, "instance"),
        (LinearRegression(), {}, ValueError, "must be a classifier. Got Linear"),
        (KMeans(4), {}, ValueError, "must be a classifier. Got KMeans"),
        (IsolationForest(), {}, ValueError, "must be a classifier. Got Isolation"),
        (make_pipeline(KMeans(4)), {}, ValueError, "must be a classifier. Got Pipe"),
        (GaussianMixture(4), {}, ValueError, "must be a classifier. Got Gaussian"),
        (GaussianNB(), {"sample_weight": np.ones(50)}, ValueError, "inconsistent"),
        (GaussianNB(), {"sample_weight": np.ones(1)}, ValueError, "inconsistent"),
    ],
)
@pytest.mark.parametrize("kind", [PropagatedClassifier, PropagatedClassifierCV])
def test_what_cannot_be_trained_is_refused_before_the_oracle_is_asked(
    blobs, kind, estimator, fit_params, error, match
):
    X, _ = blobs

    def oracle(X_query):
        raise AssertionError("asked")

    with pytest.raises(error, match=match):
        kind(estimator, propagator(oracle=oracle)).fit(X, **fit_params)


def test_weights_are_those_of_all_samples_not_of_those_kept(blobs):
    X, y = blobs
    few = PropagatedClassifier(GaussianNB(), propagator(fraction=0))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        few.fit(X, y, sample_weight=np.arange(1.0, 5.0))


def test_an_estimator_that_predicts_only_when_fitted(blobs):
    X, y = blobs
    stack = StackingClassifier([("bayes", GaussianNB())], cv=2)
    assert not hasattr(stack, "predict")
    classifier = PropagatedClassifier(stack, propagator()).fit(X, y)
    assert classifier.score(X, y) == 1


def test_decision_of_a_single_class(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(
        RidgeClassifier(), propagator(n_clusters=1, propagation="cluster")
    )
    with (
        pytest.warns(UserWarning, match="only class found"),
        pytest.warns(UserWarning, match="3 of 4 classes"),
    ):
        classifier.fit(X, y)
    decision = classifier.decision_function(X)
    seen = classifier.estimator_.classes_[0]
    assert decision.shape == (len(X), 4)
    assert_array_equal(decision.argmax(axis=1), seen)
    assert_array_equal(classifier.predict(X), seen)


def test_predict_checks_what_a_lenient_estimator_would_not(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(FitRecorder(), propagator()).fit(X, y)
    with pytest.raises(ValueError, match="X has 1 features, but Prop"):
        classifier.predict(X[:, :1])
    frame = pd.DataFrame(X, columns=["a", "b"])
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.fit(frame, y).predict(frame[["b", "a"]])


def test_decisions_that_fit_no_classes_are_refused(lacking_class):
    X, y = lacking_class
    classifier = PropagatedClassifier(SVC(decision_function_shape="ovo"), propagator())
    with pytest.warns(UserWarning, match="1 of 5 classes"):
        classifier.fit(X, y)
    with pytest.raises(ValueError, match=r"4 classes\. Got 6 columns"):
        classifier.decision_function(X)


def test_illegal_parts_can_be_shown(blobs):
    assert "PropagatedClassifier" in estimator_html_repr(PropagatedClassifier(None))


def test_no_y_and_an_oracle(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    classifier = PropagatedClassifier(GaussianNB(), propagator(oracle=oracle)).fit(X)
    # The classifier got a clone: the clone's oracle was asked, once for each cluster.
    assert classifier.propagator_.n_queries_ == 4
    assert_array_equal(classifier.predict(X), y)


def test_ids_reach_the_oracle(blobs):
    X, y = blobs
    by_id = propagator(oracle=lambda ids: y[np.asarray(ids)])
    classifier = PropagatedClassifier(GaussianNB(), by_id)
    classifier.fit(X, sample_ids=np.arange(len(X)))
    assert_array_equal(classifier.predict(X), y)


def test_the_summary_tells_what_was_trained(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(GaussianNB(), propagator(fraction=0.5))
    with pytest.raises(NotFittedError):
        classifier.summary()
    classifier.fit(X, np.where(np.arange(len(y)) % 2, y, -1))
    lines = classifier.summary().splitlines()
    n_training = len(classifier.training_indices_)
    assert n_training < 120
    assert lines == [
        *classifier.propagator_.summary().splitlines(),
        f"Trained on {n_training} samples.",
    ]
    assert lines[2] == "Labels: 60 known, 0 asked for, 0 answered."
    embedded = classifier.set_params(train_on="embedding").fit(X, y).summary()
    assert embedded.endswith(" samples in the embedding.")


def test_progress_is_told_when_asked_for(blobs, capsys):
    X, y = blobs
    of = propagator(oracle=RecordingOracle(X, y), verbose=1)
    PropagatedClassifier(GaussianNB(), of).fit(X)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    # Each stage says that it begins, and how long it took.
    stages = [
        "clustering 120 samples",
        "finding neighbours",
        "asking the oracle for 4 labels",
        "spreading labels",
    ]
    assert lines[::2] == [f"[kmeans_labelprop] {name} ..." for name in stages]
    for name, line in zip(stages, lines[1::2], strict=True):
        assert re.fullmatch(rf"\[kmeans_labelprop\] {name}: \d+\.\d s", line)
    PropagatedClassifier(GaussianNB(), of.set_params(verbose=0)).fit(X)
    assert capsys.readouterr().err == ""


def test_sparse_input(digits):
    X, y = digits
    dense = PropagatedClassifier(LogisticRegression(max_iter=5000), propagator())
    sparse = clone(dense)
    with pytest.warns(UserWarning, match="classes"):
        expected = dense.fit(X, y).predict(X)
    with pytest.warns(UserWarning, match="classes"):
        sparse.fit(csr_array(X), y)
    assert np.mean(sparse.predict(csr_array(X)) == expected) > 0.99


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": None}, "'estimator' parameter .* 'fit'"),
        ({"propagator": GaussianNB()}, "'propagator' parameter .*KMeansLabelProp"),
        (
            {"propagator": RandomUnderSampler()},
            "'propagator' parameter .*KMeansLabelProp",
        ),
        ({"sample_weight": "margin"}, "'sample_weight' parameter .*'confidence'"),
        ({"train_on": "pixels"}, "'train_on' parameter .*'embedding'"),
        ({"train_on": "neighbors"}, "'train_on' parameter .* Got 'neighbors' instead"),
    ],
)
def test_illegal_parameters_are_named(blobs, params, match):
    classifier = PropagatedClassifier(**{"estimator": GaussianNB()} | params)
    with pytest.raises(ValueError, match=match):
        classifier.fit(*blobs)


def test_clone_pickle_and_joblib(blobs, tmp_path):
    X, y = blobs
    fitted = PropagatedClassifier(
        RandomForestClassifier(10, random_state=0), propagator()
    ).fit(X, y)
    joblib.dump(fitted, tmp_path / "classifier.joblib")
    for copy in (
        clone(fitted).fit(X, y),
        pickle.loads(pickle.dumps(fitted)),
        joblib.load(tmp_path / "classifier.joblib"),
    ):
        assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))


@pytest.fixture
def metadata_routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("metadata_routing")
def test_routed_metadata_reaches_oracle_and_estimator(blobs):
    X, y = blobs
    by_id = propagator(oracle=lambda ids: y[np.asarray(ids)])
    classifier = PropagatedClassifier(
        FitRecorder().set_fit_request(
            sample_weight=True, extra=False, per_sample=False
        ),
        by_id,
        sample_weight="confidence",
    ).set_fit_request(sample_ids=True)
    pipeline = make_pipeline("passthrough", classifier)
    weights = np.linspace(1, 2, len(X))
    pipeline.fit(X, None, sample_ids=np.arange(len(X)), sample_weight=weights)
    fitted = pipeline[-1]
    kept = fitted.propagator_.sample_indices_
    assert_array_equal(fitted.propagator_.transduction_, y)
    assert_allclose(
        fitted.estimator_.received_["sample_weight"],
        weights[kept] * weights_by_class(fitted.propagator_.confidence_[kept], y[kept]),
    )
    with pytest.raises(UnsetMetadataPassedError):
        PropagatedClassifier(FitRecorder(), propagator()).fit(
            X, y, sample_weight=weights
        )
    scored = classifier.fit(X, sample_ids=np.arange(len(X)))
    assert 0 < scored.score(X, y, sample_weight=weights) < 1


@pytest.mark.parametrize("chooses", [False, True])
def test_nobody_is_asked_about_a_sample_without_weight(chooses):
    X = np.random.default_rng(0).normal(size=(200, 3))
    y = (X[:, 0] > 0).astype(int)
    # Those nearest to the centres count for nothing.
    propagator = KMeansLabelPropagator(20, random_state=0)
    weights = np.ones(200)
    weights[propagator.query(X)] = 0
    asked = []

    def oracle(rows):
        found = [int(np.flatnonzero((row == X).all(axis=1))[0]) for row in rows]
        asked.extend(found)
        # Of some the label is not known: others of the cluster are asked about.
        return [None if i % 2 and len(asked) <= 20 else y[i] for i in found]

    make = PropagatedClassifierCV if chooses else PropagatedClassifier
    model = make(
        LogisticRegression(),
        propagator.set_params(oracle=oracle, max_retries=2),
    ).fit(X, sample_weight=weights)
    assert len(asked) > 20
    assert (weights[asked] > 0).all()
    assert len(model.propagator_.clusters_) == 200


@pytest.mark.parametrize("weights", [-np.ones(120), np.repeat([-1.0, 1.0], 60)])
def test_samples_of_negative_weight_are_asked_about(blobs, weights):
    X, y = blobs
    weights = np.resize(weights, len(y))
    model = PropagatedClassifier(FitRecorder(), propagator())
    plain = PropagatedClassifier(FitRecorder(), propagator()).fit(X, y)
    model.fit(X, y, sample_weight=weights)
    assert_array_equal(model.propagator_.queries_, plain.propagator_.queries_)


@pytest.mark.filterwarnings("ignore:No label is given of 1 of 3")
def test_a_cluster_without_weight_is_not_asked_about():
    X = np.repeat([[0.0], [10.0], [20.0]], 5, axis=0)
    weights = np.repeat([1, 0, 1], 5)
    model = PropagatedClassifier(
        LogisticRegression(), KMeansLabelPropagator(3, random_state=0)
    ).fit(X, np.repeat(["a", "b", "c"], 5), sample_weight=weights)
    assert model.propagator_.n_queries_ == 2
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.predict([[0.0], [20.0]]).tolist() == ["a", "c"]
