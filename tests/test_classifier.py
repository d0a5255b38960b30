import pickle

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
from sklearn.ensemble import (
    BaggingClassifier,
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
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import estimator_html_repr

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
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


# Correction


def first_column(X):
    return X[:, :1]


@pytest.fixture
def mixed_blobs():
    """Two classes, told apart by the second column; the first is a blurred copy."""
    y = np.arange(200) % 2
    noise = np.random.default_rng(0).normal(size=(200, 2)) * [2, 0.5]
    return 4 * y[:, np.newaxis] + noise, y


def blurred(**params):
    """Clusters the blurred column alone."""
    embedding = FunctionTransformer(first_column)
    return propagator(**{"fraction": 1, "embedding": embedding} | params)


def share_right(classifier, y):
    return np.mean(classifier.training_labels_ == y[classifier.training_indices_])


@pytest.mark.parametrize("correction", ["drop", "relabel"])
def test_a_correction_makes_labels_better(mixed_blobs, correction):
    X, y = mixed_blobs
    plain = PropagatedClassifier(GaussianNB(), blurred()).fit(X, y)
    mended = PropagatedClassifier(GaussianNB(), blurred(), correction=correction).fit(
        X, y
    )
    assert plain.n_corrected_ == 0
    assert_array_equal(plain.training_indices_, plain.propagator_.sample_indices_)
    assert_array_equal(plain.training_labels_, plain.propagator_.transduction_)
    assert share_right(plain, y) < 0.9
    assert share_right(mended, y) > share_right(plain, y) + 0.05
    n_left = len(X) - mended.n_corrected_ * (correction == "drop")
    assert len(mended.training_indices_) == len(mended.training_labels_) == n_left
    if correction == "relabel":
        changed = mended.training_labels_ != plain.training_labels_
        assert changed.sum() == mended.n_corrected_ > 5
    representatives = mended.propagator_.representative_indices_
    at = np.searchsorted(mended.training_indices_, representatives)
    assert_array_equal(mended.training_labels_[at], y[representatives])


def test_the_classifier_is_trained_on_what_is_left(mixed_blobs):
    X, y = mixed_blobs
    names = np.array(["no", "yes"])[y]
    weights = np.linspace(1, 2, len(X))
    classifier = PropagatedClassifier(
        FitRecorder(),
        blurred(),
        sample_weight="confidence",
        correction="drop",
        corrector=GaussianNB(),
    ).fit(X, names, sample_weight=weights, per_sample=np.arange(len(X)))
    used = classifier.training_indices_
    received = classifier.estimator_.received_
    assert len(used) == len(X) - classifier.n_corrected_ < len(X)
    assert_array_equal(received["X"], X[used])
    assert_array_equal(received["y"], classifier.training_labels_)
    assert_array_equal(received["per_sample"], used)
    by_class = weights_by_class(
        classifier.propagator_.confidence_, classifier.propagator_.transduction_
    )
    assert_allclose(received["sample_weight"], (by_class * weights)[used])
    assert classifier.corrector.get_params() == GaussianNB().get_params()


def test_the_corrector_is_the_estimator_unless_given(mixed_blobs):
    X, y = mixed_blobs
    one = PropagatedClassifier(GaussianNB(), blurred(), correction="relabel")
    same = clone(one).set_params(corrector=GaussianNB())
    other = clone(one).set_params(corrector=KNeighborsClassifier(1))
    labels = [model.fit(X, y).training_labels_ for model in (one, same, other)]
    assert_array_equal(labels[0], labels[1])
    assert (labels[0] != labels[2]).any()


def test_correctors_are_weighted_where_they_can_be(mixed_blobs):
    X, y = mixed_blobs
    received = []

    class Corrector(GaussianNB):
        def fit(self, X, y, sample_weight=None):
            received.append(sample_weight)
            return super().fit(X, y, sample_weight)

    params = {"correction": "drop", "sample_weight": "confidence"}
    PropagatedClassifier(GaussianNB(), blurred(), corrector=Corrector(), **params).fit(
        X, y
    )
    assert len(received) == 3
    assert all((weight > 0).all() and (weight < 1).any() for weight in received)
    takes_none = PropagatedClassifier(
        GaussianNB(), blurred(), corrector=KNeighborsClassifier(1), **params
    )
    assert takes_none.fit(X, y, sample_weight=np.ones(len(X))).score(X, y) > 0.5


def test_a_correction_of_the_representatives_alone_changes_nothing(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(
        GaussianNB(var_smoothing=1), propagator(fraction=0), correction="drop"
    ).fit(X, y)
    assert classifier.n_corrected_ == 0
    assert_array_equal(
        classifier.training_indices_, classifier.propagator_.sample_indices_
    )


@pytest.mark.parametrize("seed", [0, None, np.random.RandomState(3)])
def test_corrections_are_repeatable(mixed_blobs, seed):
    X, y = mixed_blobs
    of = blurred(clusterer=KMeans(random_state=1, n_init=1), random_state=seed)
    model = PropagatedClassifier(GaussianNB(), of, correction="drop")
    first, second = clone(model).fit(X, y), clone(model).fit(X, y)
    assert first.n_corrected_ > 0
    assert_array_equal(first.training_indices_, second.training_indices_)


def test_a_representative_without_a_label_is_not_taken_for_given(blobs):
    X, y = blobs
    of = propagator(n_clusters=16, propagation="graph")
    representatives = of.fit(X, y).representative_indices_
    silent_about = representatives[y[representatives] == 3][0]
    oracle = RecordingOracle(X, y)

    def shy(rows):
        is_known = (rows != X[silent_about]).any(axis=1)
        return np.where(is_known, oracle(rows), -1)

    # The corrector doubts every label but that of the first class.
    classifier = PropagatedClassifier(
        FitRecorder(), of.set_params(oracle=shy), correction="drop"
    )
    with pytest.warns(UserWarning, match="1 of 16 clusters have no label"):
        classifier.fit(X)
    assert silent_about in classifier.propagator_.sample_indices_
    assert silent_about not in classifier.training_indices_
    others = np.setdiff1d(representatives, silent_about)
    assert np.isin(others, classifier.training_indices_).all()
    assert_array_equal(classifier.estimator_.classes_, [0, 1, 2, 3])


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
    with pytest.warns(UserWarning, match="3 of 4 classes"):
        classifier.fit(X, y)
    assert_array_equal(classifier.predict_proba(X).sum(axis=1), np.ones(120))
    with (
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
    with pytest.raises(ValueError, match="class"):
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
    assert_array_equal(kept.representative_labels_, names[kept.representative_indices_])
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
    with pytest.raises(ConnectionError, match="gone"):
        classifier.fit(X)
    with pytest.warns(UserWarning, match="1 of 4 clusters have no label"):
        kept = classifier.propagator_.propagate({}).representative_labels_
    assert sorted(kept.tolist()) == [-1, 1, 2, 3]


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
    with pytest.warns(UserWarning, match="3 of 4 classes"):
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
    by_id = propagator(oracle=lambda ids: y[np.asarray(ids)], oracle_input="ids")
    classifier = PropagatedClassifier(GaussianNB(), by_id)
    classifier.fit(X, sample_ids=np.arange(len(X)))
    assert_array_equal(classifier.predict(X), y)


def test_sparse_input(digits):
    X, y = digits
    dense = PropagatedClassifier(LogisticRegression(max_iter=5000), propagator())
    sparse = clone(dense)
    with pytest.warns(UserWarning, match="classes"):
        expected = dense.fit(X, y).predict(X)
    with pytest.warns(UserWarning, match="classes"):
        sparse.fit(csr_array(X), y)
    assert np.mean(sparse.predict(csr_array(X)) == expected) > 0.99


def test_text_through_an_embedding_and_a_pipeline():
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    classifier = PropagatedClassifier(
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
        propagator(n_clusters=2, embedding=TfidfVectorizer()),
    ).fit(texts, kinds)
    assert classifier.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": None}, "'estimator' parameter .* 'fit'"),
        ({"propagator": GaussianNB()}, "'propagator' parameter .* 'fit_resample'"),
        ({"propagator": RandomUnderSampler()}, "'propagator' parameter .* 'propagate'"),
        (
            {"propagator": KMeansLabelPropagator(output="features")},
            "'propagator' parameter .* 'fit_resample'",
        ),
        ({"sample_weight": "margin"}, "'sample_weight' parameter .*'confidence'"),
        ({"correction": "flip"}, "'correction' parameter .*'relabel'"),
        ({"corrector": "tree"}, "'corrector' parameter .* 'fit'"),
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
    by_id = propagator(oracle=lambda ids: y[np.asarray(ids)], oracle_input="ids")
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
    corrected = clone(classifier).set_params(
        correction="drop",
        corrector=GaussianNB().set_fit_request(sample_weight=True),
    )
    corrected.fit(X, sample_ids=np.arange(len(X)), sample_weight=weights)
    assert_array_equal(corrected.predict(X), np.zeros(len(X)))
    with pytest.raises(UnsetMetadataPassedError):
        PropagatedClassifier(FitRecorder(), propagator()).fit(
            X, y, sample_weight=weights
        )
    scored = classifier.fit(X, sample_ids=np.arange(len(X)))
    assert 0 < scored.score(X, y, sample_weight=weights) < 1
