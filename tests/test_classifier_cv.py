import pickle
import re
import warnings
from enum import Enum
from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from helpers import RecordingOracle, weights_by_class
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import (
    DataConversionWarning,
    FitFailedWarning,
    NotFittedError,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
    _classifier_cv,
    _messages,
)
from kmeans_labelprop._selection._choice import wilson_interval
from kmeans_labelprop._selection._hiding import Comparison, Outcome


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 16, "random_state": 0} | params)


def classifier(estimator=None, of=None, **params):
    estimator = GaussianNB() if estimator is None else estimator
    of = propagator() if of is None else of
    return PropagatedClassifierCV(estimator, of, **{"random_state": 0} | params)


# Every rule and several fractions, on all samples.
MANY = {
    "propagations": ("cluster", "graph"),
    "fractions": (0.0, 0.3, 0.7, 1.0),
    "selection_max_samples": None,
}


def first_columns(X):
    return X[:, :2]


@pytest.fixture
def noisy_blobs(blobs):
    """Two classes, told apart by the two columns that are clustered, and 30 of noise.

    With 12 labels a classifier takes noise for signal; with all samples it does not.
    """
    X, y = blobs
    noise = np.random.default_rng(0).normal(scale=5, size=(len(X), 30))
    return np.hstack([X, noise]), (y > 1).astype(int)


@pytest.fixture
def misleading_blobs(blobs):
    """Two classes that have nothing to do with the two columns that are clustered."""
    X, _ = blobs
    signal = np.random.default_rng(1).normal(size=(len(X), 1))
    return np.hstack([X, signal + np.sign(signal)]), (signal[:, 0] > 0).astype(int)


def on_first_columns(**params):
    return propagator(embedding=FunctionTransformer(first_columns), **params)


# The choice


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_candidate_that_cannot_be_trained_is_not_chosen(blobs, n_jobs):
    X, y = blobs
    # Of 12 labels every fold leaves 9 or 10: too few for 12 neighbours.
    parts = KNeighborsClassifier(12), propagator(n_clusters=12)
    model = classifier(*parts, **MANY, n_jobs=n_jobs)
    with pytest.warns(FitFailedWarning, match=r"alone \(5 of 5 fits\), .*n_neighbors"):
        model.fit(X, y)
    scores = model.cv_results_["mean_test_score"]
    assert np.isnan(scores[:2]).all()  # also with the neighbours
    assert not np.isnan(scores[2:]).any()
    assert model.cv_results_["rank_test_score"][0] == len(scores) - 1
    assert model.best_params_["fraction"] > 0
    assert model.score(X, y) == 1
    assert "its training failed: the given labels alone." in model.summary()
    # The others are compared with each other as if it had not been there.
    without = classifier(*parts, **MANY | {"fractions": (0.3, 0.7, 1.0)}).fit(X, y)
    assert without.best_index_ == model.best_index_ - 2
    for name in ("mean_test_score", "mean_test_accuracy"):
        expected = model.cv_results_[name][2:]
        assert_allclose(without.cv_results_[name], expected, rtol=1e-12)


def test_others_than_the_given_labels_may_fail_too(blobs):
    X, y = blobs
    model = classifier(FailsOnMany(len(X) // 2), **MANY, train_on="samples")
    with pytest.warns(FitFailedWarning, match=r"cluster at fraction 0\.7 \(5 of 5"):
        model.fit(X, y)
    assert model.best_params_["fraction"] < 0.7
    summary = model.summary()
    assert summary.count("its training failed") == 4
    assert "Against the given labels alone" in summary


@pytest.mark.parametrize("train_on", ["samples", "auto"])
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_if_every_training_fails_the_fit_does_and_labels_are_kept(
    blobs, train_on, n_jobs
):
    X, y = blobs
    of = propagator(oracle=RecordingOracle(X, y))
    model = classifier(FailsOnMany(1), of, train_on=train_on, n_jobs=n_jobs)
    # The neighbours need no training: they do not hide that all is out of order.
    with pytest.raises(ValueError, match=r"Every training failed.*RuntimeError: too"):
        model.fit(X)
    kept = model.propagator_
    assert kept.oracle.n_asked == 16
    asked = kept.representative_indices_
    assert kept.answers_ == dict(zip(asked.tolist(), y[asked].tolist(), strict=True))
    assert_array_equal(kept.propagate({}).transduction_, y)
    for unfitted in (model.summary, lambda: model.predict(X)):
        with pytest.raises(NotFittedError):
            unfitted()


def test_neighbours_may_predict_where_some_trainings_fail(noisy_blobs):
    X, y = noisy_blobs
    model = classifier(
        Failing(), on_first_columns(n_clusters=12), propagations=["graph"]
    )
    with pytest.warns(FitFailedWarning, match=r"1 with the neighbours \(5 of 5 fits"):
        model.fit(X, y)
    assert model.train_on_ == "neighbors"
    assert_array_equal(model.predict(X), y)
    assert model.summary().count("its training failed") == 2


class Broken(GaussianNB):
    """Cannot be trained on so many samples or more."""

    def __init__(self, error=RuntimeError, n_samples=0):
        super().__init__()
        self.error = error
        self.n_samples = n_samples

    def fit(self, X, y, sample_weight=None):
        if len(X) >= self.n_samples:
            raise self.error("out of order")
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize("n_jobs", [None, 1])
def test_what_is_no_fault_of_a_candidate_is_raised_and_labels_are_kept(
    blobs, error, n_jobs
):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    model = classifier(GaussianNB(), propagator(oracle=oracle), n_jobs=n_jobs).fit(X)
    with pytest.raises(error, match="out of order"):
        model.set_params(estimator=Broken(error)).fit(X)
    kept = model.propagator_
    asked = kept.representative_indices_
    assert kept.answers_ == dict(zip(asked.tolist(), y[asked].tolist(), strict=True))
    assert oracle.n_asked == 2 * 16
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert_array_equal(kept.propagate({}).transduction_, y)


@pytest.mark.parametrize("error", [RuntimeError, MemoryError, KeyboardInterrupt])
def test_labels_outlive_a_last_training_that_fails(blobs, error):
    X, y = blobs
    # In the comparison a fold has fewer samples than the whole.
    model = classifier(
        Broken(error, len(X)),
        propagator(oracle=RecordingOracle(X, y)),
        propagations=["cluster"],
        fractions=[1],
        train_on="samples",
    )
    with pytest.raises(error, match="out of order"):
        model.fit(X)
    assert len(model.propagator_.answers_) == 16
    assert_array_equal(model.propagator_.transduction_, y)
    assert not hasattr(model, "cv_results_")


class FailsOnMany(GaussianNB):
    def __init__(self, limit=10):
        super().__init__()
        self.limit = limit

    def fit(self, X, y, sample_weight=None):
        if len(X) > self.limit:
            raise RuntimeError("too many samples")
        return super().fit(X, y, sample_weight)


class Failing(LogisticRegression):
    """Takes noise for signal, and no more than 20 samples."""

    def fit(self, X, y, sample_weight=None):
        if len(X) > 20:
            raise RuntimeError("too many samples")
        return super().fit(X, y)


def test_one_label_is_refused_before_it_is_paid_for(blobs):
    def oracle(X_query):
        raise AssertionError("asked")

    with pytest.raises(ValueError, match=r"two labels or more.* Got 1 instead"):
        classifier(of=propagator(n_clusters=1, oracle=oracle)).fit(blobs[0])


def test_rules_come_in_any_container(blobs):
    X, y = blobs
    # A set has no order, the table has.
    for propagations in (
        {"graph", "cluster"},
        np.array(["cluster", "graph"]),
        pd.Series(["cluster", "graph"]),
    ):
        model = classifier(
            propagations=propagations, fractions=[1], n_repeats=1, train_on="samples"
        ).fit(X, y)
        rules = model.cv_results_["param_propagation"]
        assert rules.tolist() == ["cluster", "graph"]
        assert type(model.best_params_["propagation"]) is str
    with pytest.raises(ValueError, match="'propagations' parameter"):
        classifier(propagations=[["graph"]]).fit(X, y)


class Names(str, Enum):  # noqa: UP042 - str() of it is its name
    GRAPH = "graph"
    EMBEDDING = "embedding"


def test_strings_of_an_enumeration_are_their_text(blobs):
    X, y = blobs
    named = {"propagations": [Names.GRAPH], "train_on": Names.EMBEDDING}
    chosen = classifier(**named).fit(X, y)
    assert chosen.best_params_["propagation"] == "graph"
    trained = PropagatedClassifier(GaussianNB(), propagator(), train_on=Names.EMBEDDING)
    for model in (chosen, trained.fit(X, y)):
        assert (model.train_on_, type(model.train_on_)) == ("embedding", str)
        assert "in the embedding" in model.summary()


def test_probabilities_without_classes_do_not_count(blobs):
    X, y = blobs
    outcome = classifier(Nameless(), n_repeats=1, fractions=[1]).fit(X, y)
    assert outcome.best_score_ == 1


class Nameless(BaseEstimator):
    """A classifier of the plainest kind, with probabilities of unnamed classes."""

    def fit(self, X, y):
        self.inner = GaussianNB().fit(X, y)
        return self

    def predict(self, X):
        return self.inner.predict(X)

    def predict_proba(self, X):
        return self.inner.predict_proba(X) / 2


def test_a_column_of_labels_warns_once(blobs):
    X, y = blobs
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = classifier(n_repeats=1).fit(X, pd.DataFrame({"label": y}))
    assert [each.category for each in caught] == [DataConversionWarning]
    assert_array_equal(model.predict(X), y)


def test_propagation_is_chosen_where_it_is_right(noisy_blobs):
    X, y = noisy_blobs
    model = classifier(
        LogisticRegression(C=100, max_iter=1000), on_first_columns(n_clusters=12)
    ).fit(X, y)
    assert model.best_params_["fraction"] > 0
    assert model.cv_results_["mean_test_gain"][model.best_index_] > 0.2
    alone = PropagatedClassifier(
        LogisticRegression(C=100, max_iter=1000),
        on_first_columns(n_clusters=12, fraction=0),
    ).fit(X, y)
    assert model.score(X, y) > alone.score(X, y) + 0.1
    assert "better." in model.summary()


def test_the_given_labels_alone_are_chosen_where_propagation_is_wrong(
    misleading_blobs,
):
    X, y = misleading_blobs
    model = classifier(
        DecisionTreeClassifier(max_depth=2), on_first_columns(n_clusters=40)
    ).fit(X, y)
    assert model.best_params_ == {"propagation": "cluster", "fraction": 0}
    assert model.train_on_ == "samples"
    assert_array_equal(
        model.propagator_.sample_indices_,
        np.sort(model.propagator_.representative_indices_),
    )
    assert model.score(X, y) > 0.9
    text = model.summary()
    assert "Chosen of 7 candidates: the given labels alone." in text
    assert "Propagation would hurt here" in text
    assert "graph at fraction 1 with the neighbours: -" in text
    assert "  graph at fraction 1 with the neighbours, in the embedding: -" in text


@pytest.mark.parametrize("train_on", ["samples", "embedding"])
def test_the_result_is_that_of_a_classifier_told_the_choice(digits, train_on):
    X, y = digits
    of = KMeansLabelPropagator(30, embedding=PCA(10))
    model = classifier(
        RandomForestClassifier(10), of, n_repeats=1, train_on=train_on
    ).fit(X, y)
    told = PropagatedClassifier(
        RandomForestClassifier(10, random_state=0),
        KMeansLabelPropagator(
            30, embedding=PCA(10), random_state=0, **model.best_params_
        ),
        train_on=model.train_on_,
    ).fit(X, y)
    assert model.train_on_ == train_on
    assert_array_equal(model.predict_proba(X), told.predict_proba(X))
    assert_array_equal(model.training_indices_, told.training_indices_)
    assert_array_equal(model.training_labels_, told.training_labels_)
    for name in ("transduction_", "confidence_", "sample_indices_"):
        assert_array_equal(
            getattr(model.propagator_, name), getattr(told.propagator_, name)
        )


@pytest.mark.filterwarnings("ignore:Known labels that differ from those of all")
@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_the_propagator_is_left_as_if_fitted_by_the_chosen_rule(misleading_blobs, rule):
    X, y = misleading_blobs
    if rule == "graph":  # what the first columns tell
        y = (X[:, 1] > 5).astype(int)
    model = classifier(
        DecisionTreeClassifier(max_depth=2),
        on_first_columns(n_clusters=40),
        propagations=["cluster", "graph"],
        fractions=[0, 1] if rule == "cluster" else [0.5, 1],
        train_on="samples",
    ).fit(X, y)
    assert model.best_params_["propagation"] == rule
    fitted = model.propagator_
    told = on_first_columns(n_clusters=40, **model.best_params_).fit(X, y)
    public = {name for name in vars(told) if name.endswith("_")}
    assert {name for name in vars(fitted) if name.endswith("_")} == public
    assert ("label_distributions_" in public) == (rule == "graph")
    assert fitted.summary() == told.summary()
    assert_array_equal(fitted.predict(X), told.predict(X))
    # The graph is there, and may be gone back to.
    back = fitted.set_params(propagation="graph", fraction=1).propagate({})
    of_graph = on_first_columns(n_clusters=40).fit(X, y)
    assert_array_equal(back.transduction_, of_graph.transduction_)


# The neighbours


def test_neighbours_predict_where_the_classifier_is_poor(digits):
    X, y = digits
    of = propagator(n_clusters=40)
    model = classifier(DummyClassifier(), of).fit(X[:1500], y[:1500])
    assert model.train_on_ == "neighbors"
    assert model.estimator_ is None
    assert model.cv_results_["train_on"][model.best_index_] == "neighbors"
    assert model.best_params_ == {"propagation": "graph", "fraction": 1}
    told = clone(of).fit(X[:1500], y[:1500])
    assert_array_equal(model.predict(X[1500:]), told.predict(X[1500:]))
    assert_array_equal(model.predict_proba(X[1500:]), told.predict_proba(X[1500:]))
    right = np.mean(told.predict(X[1500:]) == y[1500:])
    assert model.score(X[1500:], y[1500:]) == right > 0.75
    assert abs(model.best_accuracy_ - right) < 0.15
    assert not hasattr(model, "decision_function")
    assert_array_equal(model.training_indices_, told.sample_indices_)
    text = model.summary()
    assert "Chosen of 4 candidates: graph, predicted by the neighbours." in text
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict_proba(X), model.predict_proba(X))


@pytest.fixture
def takes_the_first(monkeypatch):
    monkeypatch.setattr(_classifier_cv, "choose", lambda *arguments: 0)


@pytest.mark.usefixtures("takes_the_first")
@pytest.mark.parametrize("space", ["samples", "embedding"])
def test_classifier_and_neighbours_predict_together(digits, space):
    X, y = digits
    names = np.array([f"digit {i}" for i in range(10)])[y]
    if space == "samples":
        of = propagator(n_clusters=40)
    else:
        X = X.reshape(-1, 8, 8)  # no classifier takes these
        of = propagator(n_clusters=40, embedding=FunctionTransformer(flat))
    model = classifier(GaussianNB(var_smoothing=0.1), of, fractions=[1])
    model.fit(X[:1200], names[:1200])
    table = model.cv_results_
    assert table["with_neighbors"].tolist() == [True, False]
    assert model.with_neighbors_
    assert model.train_on_ == space
    own = model.estimator_.predict_proba(X[1200:].reshape(-1, 64))
    of_neighbors = model.propagator_.predict_proba(X[1200:])
    together = model.predict_proba(X[1200:])
    assert_allclose(together, (own + of_neighbors) / 2)
    assert_array_equal(model.predict(X[1200:]), model.classes_[together.argmax(axis=1)])
    assert model.score(X[1200:], names[1200:]) > 0.9
    assert "Predicts together with the neighbours." in model.summary()
    assert "graph at fraction 1 with the neighbours" in model.summary()
    copy = pickle.loads(pickle.dumps(model))
    assert_array_equal(copy.predict_proba(X[:9]), model.predict_proba(X[:9]))


@pytest.mark.filterwarnings("ignore:No label is given of 1 of 5 classes")
def test_a_class_without_a_label_has_a_column_for_both(blobs):
    X, y = blobs
    not_asked = np.setdiff1d(np.arange(len(X)), propagator().query(X))
    y = y.copy()
    y[not_asked[0]] = -2  # before the others in the order of the classes
    model = classifier(fractions=[1]).fit(X, y)
    assert model.with_neighbors_
    assert model.classes_.tolist() == [-2, 0, 1, 2, 3]
    probabilities = model.predict_proba(X)
    assert_array_equal(probabilities[:, 0], 0)
    assert_allclose(probabilities.sum(axis=1), 1)
    assert_array_equal(np.delete(model.predict(X) == y, not_asked[0]), True)


@pytest.mark.usefixtures("takes_the_first")
def test_with_the_neighbours_there_is_no_decision_function(blobs):
    model = classifier(LogisticRegression(), fractions=[1])
    assert hasattr(model, "decision_function")
    with pytest.raises(NotFittedError):
        model.predict(blobs[0])
    model.fit(*blobs)
    assert model.with_neighbors_
    assert hasattr(model.estimator_, "decision_function")
    with pytest.raises(AttributeError, match="decision_function"):
        model.decision_function(blobs[0])
    alone = classifier(LogisticRegression(), fractions=[1], train_on="samples")
    assert not alone.fit(*blobs).with_neighbors_
    assert alone.decision_function(blobs[0]).shape == (len(blobs[0]), 4)


def test_without_probabilities_the_neighbours_predict_by_themselves(blobs):
    model = classifier(LinearSVC()).fit(*blobs)
    assert not model.cv_results_["with_neighbors"].any()
    assert model.cv_results_["train_on"].tolist() == ["samples"] * 2 + ["neighbors"]
    assert not model.with_neighbors_
    # A stand-in with probabilities does not lend them.
    stand_in = classifier(LinearSVC(), selection_estimator=GaussianNB()).fit(*blobs)
    assert not stand_in.cv_results_["with_neighbors"].any()


class Counting(GaussianNB):
    """Counts its trainings, in a list that its clones share."""

    fits: ClassVar[list[int]] = []

    def fit(self, X, y, sample_weight=None):
        Counting.fits.append(len(X))
        return super().fit(X, y, sample_weight)


def test_what_predicts_with_the_neighbours_is_trained_once(blobs):
    Counting.fits.clear()
    model = classifier(Counting()).fit(*blobs)
    assert len(model.cv_results_["params"]) == 4
    # In each of five folds on the given labels, and on those of the graph rule.
    assert len(Counting.fits) == 5 * 2 + 1
    assert sorted(Counting.fits)[:5] == [12] + [13] * 4


def test_the_choice_knows_how_many_labels_were_asked_for(blobs, monkeypatch):
    X, y = blobs
    shares = []

    def choose(scores, weights, candidates, share_asked, own):
        shares.append(share_asked)
        return 2  # over the graph

    monkeypatch.setattr(_classifier_cv, "choose", choose)
    asked = classifier().fit(X, y)
    partly = np.where(np.arange(len(y)) % 5 < 2, y, -1)
    classifier().fit(X, partly)
    # Three labels known: the clusters without one are asked about.
    few = np.where(np.arange(len(y)) < 3, y, -1)
    mixed = classifier(of=propagator(oracle=RecordingOracle(X, y))).fit(X, few)
    fitted = mixed.propagator_
    assert asked.propagator_.n_known_ == 0
    assert fitted.n_known_ == 3
    assert shares == pytest.approx([1, 0, 1 - 3 / (3 + fitted.n_queries_)])


@pytest.mark.parametrize("train_on", ["samples", "embedding"])
def test_a_classifier_is_kept_to_if_that_is_wanted(blobs, train_on):
    X, y = blobs
    model = classifier(DummyClassifier(), train_on=train_on).fit(X, y)
    assert model.train_on_ == train_on
    assert set(model.cv_results_["train_on"]) == {train_on}
    assert isinstance(model.estimator_, DummyClassifier)
    assert model.score(X, y) == 0.25


def test_neighbours_are_no_candidate_without_the_graph_rule(blobs):
    model = classifier(DummyClassifier(), propagations=["cluster"]).fit(*blobs)
    assert set(model.cv_results_["train_on"]) == {"samples"}
    assert model.train_on_ == "samples"


def test_new_samples_are_checked_where_neighbours_predict(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = classifier(DummyClassifier()).fit(X, y)
    assert model.train_on_ == "neighbors"
    with pytest.raises(ValueError, match="X has 1 features, but Prop"):
        model.predict(X[:, :1])
    model.fit(frame, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict_proba(frame[["b", "a"]])
    assert_array_equal(model.predict(frame), y)


# The space


def test_the_embedding_is_chosen_where_it_is_the_better_space(noisy_blobs):
    X, y = noisy_blobs
    model = classifier(
        KNeighborsClassifier(1),
        on_first_columns(n_clusters=12),
        **MANY | {"propagations": ["cluster"]},
    ).fit(X, y)
    assert model.cv_results_["train_on"].tolist() == ["samples"] * 4 + ["embedding"] * 2
    fractions = model.cv_results_["param_fraction"].tolist()
    assert fractions == [0, 0.3, 0.7, 1, 0, 1]
    assert model.train_on_ == "embedding"
    assert model.estimator_.n_features_in_ == 2
    assert model.score(X, y) == 1
    new = np.hstack([X[:, :2], np.random.default_rng(5).normal(0, 99, (len(X), 30))])
    assert_array_equal(model.predict(new), y)
    assert ", in the embedding." in model.summary()
    told = classifier(
        KNeighborsClassifier(1), on_first_columns(n_clusters=12), train_on="samples"
    ).fit(X, y)
    assert told.score(new, y) < 0.8


def flat(images):
    return np.asarray(images).reshape(len(images), -1)


@pytest.mark.parametrize(
    ("shape", "embedding", "spaces"),
    [
        ((64,), None, {"samples", "neighbors"}),
        ((64,), FunctionTransformer(), {"samples", "embedding", "neighbors"}),
        ((8, 8), FunctionTransformer(flat), {"embedding", "neighbors"}),
    ],
)
def test_what_is_compared_goes_by_the_samples(digits, shape, embedding, spaces):
    X, y = digits[0][:400], digits[1][:400]
    of = propagator(n_clusters=30, embedding=embedding)
    model = classifier(GaussianNB(var_smoothing=0.1), of, **MANY)
    results = model.fit(X.reshape(-1, *shape), y).cv_results_
    assert set(results["train_on"]) == spaces
    plain = clone(model).set_params(propagator__embedding=None).fit(X, y).cv_results_
    # The same numbers in every space, so the same scores.
    scores = {
        str(params): score
        for params, space, score in zip(
            plain["params"], plain["train_on"], plain["mean_test_score"], strict=True
        )
        if space == "samples"
    }
    for params, space, score in zip(
        results["params"], results["train_on"], results["mean_test_score"], strict=True
    ):
        if space != "neighbors":
            assert score == pytest.approx(scores[str(params)])


def test_neighbours_are_searched_for_only_where_a_graph_is_tried(blobs):
    X, y = blobs
    no_graph = FunctionTransformer(lambda E: E)
    model = classifier(of=propagator(neighbors=no_graph), propagations=["cluster"])
    assert model.fit(X, y).score(X, y) == 1
    with pytest.raises(TypeError, match="'neighbors' parameter"):
        model.set_params(propagations=["graph"]).fit(X, y)


# No label more


def test_the_oracle_is_asked_once_for_each_representative(blobs):
    X, y = blobs
    model = classifier(of=propagator(oracle=RecordingOracle(X, y))).fit(X)
    oracle = model.propagator_.oracle
    assert len(oracle.queries) == 1
    assert oracle.n_asked == 16
    assert model.propagator_.n_queries_ == 16
    assert model.n_hidden_ == 16


def test_only_the_representatives_labels_are_read(digits):
    X, y = digits
    expected = classifier(n_repeats=1).fit(X, y)
    corrupted = y[::-1].copy()
    representatives = expected.propagator_.representative_indices_
    corrupted[representatives] = y[representatives]
    model = classifier(n_repeats=1).fit(X, corrupted)
    assert_array_equal(model.predict(X), expected.predict(X))
    assert_array_equal(
        model.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is trained on, in a list that its clones share."""

    calls = None

    def fit(self, X, y, sample_weight=None, per_sample=None):
        self.classes_ = np.unique(y)
        if Recorder.calls is not None:
            Recorder.calls.append((X, y, sample_weight, per_sample))
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.classes_[0])


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    return Recorder.calls


def test_each_fold_trains_on_other_labels_than_it_is_asked_for(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    model = classifier(Recorder(), fractions=[0], n_repeats=2, cv=4, train_on="samples")
    model.fit(X, y, per_sample=ids)
    representatives = set(model.propagator_.representative_indices_.tolist())
    *folds, final = [set(per_sample.tolist()) for *_, per_sample in calls]
    assert final == representatives
    assert len(folds) == 2 * 4
    for repeat in (folds[:4], folds[4:]):
        hidden = [representatives - fold for fold in repeat]
        assert sorted(p for part in hidden for p in part) == sorted(representatives)
    assert folds[:4] != folds[4:]


# Weights, fit parameters, selection_estimator


def test_confidence_and_fit_parameters_are_those_of_the_samples_kept(blobs, calls):
    X, y = blobs
    weights = np.linspace(1, 2, len(X))
    model = classifier(
        Recorder(), fractions=[1], propagations=["cluster"], sample_weight="confidence"
    ).fit(X, y, sample_weight=weights, per_sample=np.arange(len(X)))
    confidence = model.propagator_.confidence_
    assert len(calls) == 5 + 1
    for X_train, y_train, weight, positions in calls:
        # By the cluster rule, hidden labels leave the confidence of others alone.
        assert_array_equal(X_train, X[positions])
        by_class = weights_by_class(confidence[positions], y_train)
        assert_allclose(weight, by_class * weights[positions])


def test_a_selection_estimator_compares_and_the_estimator_is_trained(blobs, calls):
    X, y = blobs
    model = classifier(
        selection_estimator=Recorder(), n_repeats=3, train_on="samples"
    ).fit(X, y, sample_weight=np.full(len(X), 3.0))
    assert len(calls) == 2 * 5 * 3
    # Times the confidence, which is 1 on average.
    assert_allclose([weight.mean() for _, _, weight, _ in calls], 3)
    assert isinstance(model.estimator_, GaussianNB)
    assert model.score(X, y) == 1
    assert model.selection_estimator.get_params() == {}


def test_a_selection_estimator_that_takes_no_weights_gets_none(blobs):
    X, y = blobs
    model = classifier(
        selection_estimator=KNeighborsClassifier(1), sample_weight="confidence"
    ).fit(X, y, sample_weight=np.ones(len(X)))
    assert model.best_accuracy_ == 1
    with pytest.raises(ValueError, match="KNeighborsClassifier does not"):
        classifier(KNeighborsClassifier(), sample_weight="confidence").fit(X, y)


def test_metadata_is_routed(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        by_id = propagator(oracle=lambda asked: y[asked])
        model = classifier(
            GaussianNB().set_fit_request(sample_weight=True),
            by_id,
            selection_estimator=Recorder().set_fit_request(
                sample_weight=False, per_sample=True
            ),
            sample_weight=None,
        ).set_fit_request(sample_ids=True)
        make_pipeline("passthrough", model).fit(
            X, None, sample_ids=ids, sample_weight=np.ones(len(X)), per_sample=ids
        )
    assert all(weight is None for _, _, weight, _ in calls)
    for X_train, _, _, per_sample in calls:
        assert_array_equal(X_train, X[per_sample])


# Cheap comparisons


def count_rows(calls):
    return [X_train.shape[0] for X_train, *_ in calls]


@pytest.mark.parametrize(
    ("n_samples", "n_known", "space", "n_splits"),
    [
        (60_000, 100, None, 5),
        (10_000, 100, FunctionTransformer(), 5),
        (5000, 500, None, 5),
        (5000, 500, FunctionTransformer(), 4),
        (1000, 200, None, 4),
        (1000, 500, None, 1),
        (1000, 950, None, 1),
        (1000, 950, FunctionTransformer(), 1),
    ],
)
@pytest.mark.filterwarnings("ignore:.*differ from those of all their neighbours")
def test_a_comparison_costs_two_trainings_at_most(
    calls, n_samples, n_known, space, n_splits
):
    X, y = make_blobs(n_samples, centers=4, random_state=0)
    partly = np.full(n_samples, -1)
    known = np.random.default_rng(0).permutation(n_samples)[:n_known]
    partly[known] = y[known]
    of = propagator(n_clusters=20, embedding=space)
    model = classifier(of=of, selection_estimator=Recorder()).fit(
        X, partly, sample_weight=np.ones(n_samples)
    )
    n_trained = 2 if space is None else 4
    rows = np.reshape(count_rows(calls), (n_splits, n_trained))
    assert rows.sum() <= 2 * n_samples
    # The given labels alone, and some that these reach beside.
    n_visible = rows[:, 0]
    hidden = n_known - n_visible
    assert_array_equal(np.diff(hidden, axis=0) <= 1, True)
    assert (n_visible >= n_known // 2).all()
    for column in range(1, n_trained, 2):
        assert (rows[:, column] > n_visible).all()
    if n_splits > 1:  # as many propagated labels as given ones, or nearly
        assert (rows[:, 1] > 1.4 * n_visible).all()
        most = n_visible + 3000  # of those drawn some are given, too
        assert rows.sum() > 1.6 * n_samples or (rows[:, 1] > 0.98 * most).all()
        assert (rows[:, 1::2] <= most[:, np.newaxis]).all()
    assert model.n_hidden_ == hidden.sum()
    assert f"split{n_splits - 1}_test_score" in model.cv_results_
    assert f"split{n_splits}_test_score" not in model.cv_results_


def test_few_samples_may_cost_what_a_thousand_do(few_digits, calls):
    X, y = few_digits
    classifier(
        of=propagator(n_clusters=20),
        selection_estimator=Recorder(),
        fractions=[1],
        train_on="samples",
    ).fit(X, y)
    # 2000 / 5 - 16 rows each: all there are but the hidden labels.
    assert count_rows(calls) == [len(X) - 4] * 5


def test_none_and_a_number_know_no_bounds(few_digits, calls):
    X, y = few_digits
    X, y = np.tile(X, (5, 1)), np.tile(y, 5)
    partly = np.where(np.arange(len(y)) % 2, y, -1)
    model = classifier(selection_estimator=Recorder(), train_on="samples")
    sizes = {}
    for n in ("auto", None, 50):
        calls.clear()
        model.set_params(selection_max_samples=n).fit(X, partly)
        sizes[n] = count_rows(calls)
    # Three training sets of 375 of 750 labels, where five of 600 were too many.
    assert len(sizes["auto"]) == 2
    assert sum(sizes["auto"]) <= 2 * len(X)
    assert sizes[None] == [600, len(X) - 150] * 5
    assert len(sizes[50]) == 10
    assert all(600 <= size <= 650 for size in sizes[50])


@pytest.mark.filterwarnings("ignore:.*differ from those of all their neighbours")
@pytest.mark.parametrize("space", [None, FunctionTransformer()])
def test_jobs_change_nothing_where_part_takes_part(space):
    X, y = make_blobs(1500, centers=3, cluster_std=4, random_state=0)
    partly = np.where(np.arange(len(y)) % 8 == 0, y, -1)
    model = classifier(
        DecisionTreeClassifier(splitter="random"), propagator(embedding=space)
    )
    one = model.fit(X, partly)
    two = clone(model).set_params(n_jobs=2).fit(X, partly)
    assert one.best_index_ == two.best_index_
    assert one.accuracy_interval_ == two.accuracy_interval_
    for name in one.cv_results_:
        assert_array_equal(one.cv_results_[name], two.cv_results_[name])
    assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_few_samples_are_compared_on_and_all_trained_on(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    model = classifier(
        Recorder(),
        propagations=["cluster", "graph"],
        fractions=[0, 0.6, 1],
        n_repeats=3,
        selection_max_samples=30,
        train_on="samples",
    )
    model.fit(X, y, per_sample=ids)
    kept, representatives = (
        model.propagator_.sample_indices_,
        model.propagator_.representative_indices_,
    )
    *compared, final = [call[3] for call in calls]
    assert_array_equal(final, kept)
    for split in range(15):
        alone, *others = [set(u.tolist()) for u in compared[5 * split : 5 * split + 5]]
        assert len(alone) <= 13
        assert all(alone <= other for other in others)
        hidden = set(representatives.tolist()) - alone
        assert all(hidden.isdisjoint(other) for other in others)
        # Of the 30 drawn a candidate trains on those that it keeps.
        drawn = set().union(*others) - alone
        assert 30 - len(representatives) <= len(drawn) <= 30
        for fewer, more in (others[:2], others[2:]):
            assert fewer < more
    # Other samples in other folds.
    assert len({tuple(used.tolist()) for used in compared[4::5]}) == 15


def test_more_labels_than_samples_asked_for_are_all_used(blobs, calls):
    X, y = blobs
    classifier(
        Recorder(), selection_max_samples=2, fractions=[1], train_on="samples"
    ).fit(X, y)
    sizes = {len(y_train) for _, y_train, _, _ in calls[:-1]}
    assert sizes <= {12, 13, 14, 15}
    assert len(calls[-1][1]) == len(X)


def test_enough_samples_change_nothing(few_digits):
    X, y = few_digits
    model = classifier(of=propagator(n_clusters=20), n_repeats=1)
    all_of_them = model.fit(X, y).cv_results_["mean_test_score"]
    same = clone(model).set_params(selection_max_samples=len(X)).fit(X, y)
    fewer = clone(model).set_params(selection_max_samples=25).fit(X, y)
    assert_array_equal(same.cv_results_["mean_test_score"], all_of_them)
    assert (fewer.cv_results_["mean_test_score"] != all_of_them).any()


class CountingEmbedding(FunctionTransformer):
    calls = 0

    def transform(self, X):
        type(self).calls += 1
        return super().transform(X)


def test_the_samples_are_embedded_once_to_be_compared(blobs, calls, monkeypatch):
    X, y = blobs
    monkeypatch.setattr(CountingEmbedding, "calls", 0)
    of = propagator(embedding=CountingEmbedding(lambda X: -X))
    model = classifier(of=of, selection_estimator=Recorder(), train_on="embedding")
    model.fit(X, y)
    assert CountingEmbedding.calls == 1
    assert len(calls) == 2 * 5
    embedded = {tuple(row) for row in -X}
    assert all(tuple(row) in embedded for X_train, *_ in calls for row in X_train)
    assert model.score(X, y) == 1
    assert CountingEmbedding.calls == 2


def test_texts_are_compared_on_their_embedding(calls):
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    of = propagator(n_clusters=5, embedding=TfidfVectorizer())
    model = classifier(
        LogisticRegression(), of, selection_estimator=Recorder(), n_repeats=1
    ).fit(texts, kinds)
    assert set(model.cv_results_["train_on"]) == {"embedding", "neighbors"}
    assert all(X_train.shape[1] == 7 for X_train, *_ in calls)
    assert model.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]
    told = model.set_params(train_on="embedding").fit(texts, kinds)
    assert told.estimator_.n_features_in_ == 7
    assert told.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]


# Folds


def test_the_only_label_of_a_class_stays_in_training(blobs, calls):
    X, y = blobs
    known = propagator().fit(X, y).representative_indices_
    y = y.copy()
    y[known[0]] = 7
    model = classifier(Recorder()).fit(X, y)
    assert model.n_hidden_ == 15
    assert all(7 in y_train for _, y_train, _, _ in calls)
    assert "  1 more are of classes that were never hidden" in model.summary()


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy"])
def test_labels_that_are_all_different_allow_no_choice(blobs, scoring):
    X, y = blobs
    model = classifier(of=propagator(n_clusters=4), scoring=scoring)
    match = "None of the 4 labels can be hidden.*; the given labels alone is taken"
    with pytest.warns(UserWarning, match=match):
        model.fit(X, y)
    assert model.best_params_ == {"propagation": "cluster", "fraction": 0}
    assert model.n_hidden_ == 0
    assert model.accuracy_interval_ == (0, 1)
    assert np.isnan(model.best_accuracy_)
    n_candidates = 4 if scoring == "accuracy" else 7
    assert len(pd.DataFrame(model.cv_results_)) == n_candidates
    assert np.isnan(model.cv_results_["sign_test_gain"]).all()
    assert model.summary().splitlines()[5:] == [
        f"Chosen of {n_candidates} candidates: the given labels alone.",
        "Nothing is known of them: "
        "no two labels (or of different groups) are the same.",
    ]
    assert_array_equal(model.predict(X[:5]), y[:5])


@pytest.fixture(scope="module")
def uneven():
    """Two groups of 900 and 100 samples that overlap."""
    return make_blobs(
        [900, 100], centers=[[0, 0], [1.8, 0]], cluster_std=1, random_state=0
    )


def test_where_classes_count_the_same_classes_of_one_size_are_tried(uneven):
    X, y = uneven
    of = propagator(n_clusters=60)
    plain = classifier(of=of).fit(X, y)
    assert not plain.cv_results_["equal_classes"].any()
    assert "class_prior" not in plain.best_params_
    model = classifier(of=of, scoring="balanced_accuracy").fit(X, y)
    assert model.cv_results_["equal_classes"].sum() == 3
    assert model.best_params_["class_prior"] == "uniform"
    assert model.propagator_.class_prior == "uniform"
    assert "classes of one size" in model.summary()
    assert (model.propagator_.transduction_ == 1).mean() > 0.3
    scores = [balanced_accuracy_score(y, each.predict(X)) for each in (plain, model)]
    assert scores[1] > scores[0] + 0.05
    # The neighbours predict with the same parameters as a propagator would.
    own = clone(of).set_params(**model.best_params_).fit(X, y)
    assert_array_equal(own.predict_proba(X), model.propagator_.predict_proba(X))


@pytest.mark.parametrize("prior", ["uniform", None, {0: 0.9, 1: 0.1}])
def test_who_has_told_the_sizes_of_classes_is_not_overruled(uneven, prior):
    of = propagator(n_clusters=40, class_prior=prior)
    model = classifier(of=of, scoring="balanced_accuracy").fit(*uneven)
    assert not model.cv_results_["equal_classes"].any()
    assert model.propagator_.class_prior == prior


def test_one_label_is_too_few(blobs):
    X, y = blobs
    match = "PropagatedClassifierCV needs two labels or more.* Got 1 instead"
    partly = np.where(np.arange(len(y)) == 7, y, -1)
    for labels in (np.zeros_like(y), partly):
        with pytest.raises(ValueError, match=match):
            classifier(of=propagator(n_clusters=1)).fit(X, labels)


def test_of_candidates_right_equally_often_the_surer_is_chosen(blobs):
    X, y = blobs
    y = (y > 1).astype(int)
    # All right, and the surer the more neighbours are of the same class.
    model = classifier(
        KNeighborsClassifier(3), propagator(n_clusters=8), fractions=[0, 1]
    ).fit(X, y)
    assert_array_equal(model.cv_results_["mean_test_accuracy"][1:], 1)
    assert model.best_params_["fraction"] == 1
    assert model.best_score_ == 1


def test_equal_scores_rank_alike_and_the_first_of_the_graph_rule_is_chosen(blobs):
    X, y = blobs
    model = classifier(DecisionTreeClassifier(), **MANY)
    with pytest.warns(UserWarning, match="The only class found is 0"):
        model.fit(X, np.zeros_like(y))
    assert_array_equal(model.cv_results_["rank_test_score"], [1] * 9)
    assert model.best_params_ == {"propagation": "graph", "fraction": 0.3}
    assert model.best_score_ == model.best_accuracy_ == 1


def test_results_load_into_a_table_like_that_of_a_search(digits):
    X, y = digits
    model = classifier(**MANY, n_repeats=2, cv=3).fit(X, y)
    table = pd.DataFrame(model.cv_results_)
    assert len(table) == 9
    assert [name for name in table if name.startswith("split")] == [
        f"split{i}_test_score" for i in range(6)
    ]
    scores = table["mean_test_score"]
    assert_array_equal(
        table["rank_test_score"], scores.round(9).rank(ascending=False, method="min")
    )
    assert table.loc[0, "sign_test_gain"] == table.loc[0, "mean_test_gain"] == 0
    assert not {"smoothed_test_score", "pvalue_test_gain"} & set(table)
    assert table.loc[model.best_index_, "mean_test_score"] == model.best_score_
    assert table["params"][model.best_index_] == model.best_params_
    assert_array_equal(table["param_fraction"], [0, 0, 0.3, 0.7, 1, 0.3, 0.7, 1, 1])
    assert table["train_on"].tolist() == ["samples"] * 8 + ["neighbors"]
    of_graph = table["param_propagation"] == "graph"
    assert_array_equal(table["with_neighbors"], of_graph & (table.index < 8))
    assert set(table["param_propagation"]) == {"cluster", "graph"}
    chosen = clone(model.propagator).set_params(**model.best_params_).fit(X, y)
    assert_array_equal(chosen.sample_indices_, model.propagator_.sample_indices_)


def test_balanced_accuracy_counts_classes_the_same(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    # Of class 1 there are two labels, of class 0 the other 14.
    y = np.zeros(len(X), dtype=int)
    y[fitted.representative_indices_[:2]] = 1
    constant = {  # predicts class 0
        "estimator": Recorder(),
        "fractions": [0],
        "train_on": "samples",
    }
    assert classifier(**constant).fit(X, y).best_accuracy_ == pytest.approx(14 / 16)
    model = classifier(**constant, scoring="balanced_accuracy").fit(X, y)
    assert model.best_accuracy_ == pytest.approx(0.5)
    assert "each class counts the same" in model.summary()
    assert "Estimated balanced accuracy: 50 %" in model.summary()
    low, high = model.accuracy_interval_
    assert high - low > 0.5  # two labels decide half of it


# Splitters


@pytest.mark.parametrize(
    ("splitter", "n_splits"), [(StratifiedKFold(3), 3), (LeaveOneOut(), 16)]
)
def test_a_splitter_hides_every_label_once(blobs, calls, splitter, n_splits):
    X, y = blobs
    ids = np.arange(len(X))
    model = classifier(
        Recorder(), fractions=[0], cv=splitter, n_repeats=7, train_on="samples"
    ).fit(X, y, per_sample=ids)
    given = set(model.propagator_.given_.positions.tolist())
    *folds, _ = [set(per_sample.tolist()) for *_, per_sample in calls]
    assert len(folds) == n_splits
    hidden = [position for fold in folds for position in given - fold]
    assert sorted(hidden) == sorted(given)
    assert model.n_hidden_ == 16
    assert f"split{n_splits - 1}_test_score" in model.cv_results_
    assert f"split{n_splits}_test_score" not in model.cv_results_


def test_a_splitter_may_hide_labels_often_or_never(noisy_blobs):
    X, y = noisy_blobs
    splitter = ShuffleSplit(6, test_size=3, random_state=0)
    model = classifier(
        KNeighborsClassifier(1), on_first_columns(), cv=splitter, n_jobs=1
    ).fit(X, y)
    given = model.propagator_.given_
    tests = [test for _, test in splitter.split(np.zeros((16, 1)))]
    counts = np.bincount(np.concatenate(tests), minlength=16)
    assert counts.min() == 0
    assert counts.max() > 1
    assert model.n_hidden_ == np.sum(counts > 0)
    # By hand: trained on the labels that are not hidden, each label counts once.
    labels, rows = given.classes[given.codes], X[given.positions]
    right = np.zeros(16)
    for test in tests:
        train = np.setdiff1d(np.arange(16), test)
        nearest = KNeighborsClassifier(1).fit(rows[train], labels[train])
        right[test] += nearest.predict(rows[test]) == labels[test]
    expected = np.mean(right[counts > 0] / counts[counts > 0])
    assert 0 < expected < 1
    assert model.cv_results_["mean_test_accuracy"][0] == pytest.approx(expected)


def test_labels_that_a_splitter_never_hides_are_not_called_the_only_ones(blobs):
    model = classifier(cv=ShuffleSplit(2, test_size=3, random_state=0)).fit(*blobs)
    assert model.n_hidden_ < 16
    text = model.summary()
    assert f"Counted on {model.n_hidden_} labels" in text
    assert "the only ones of their class" not in text


# Groups


@pytest.fixture
def patients():
    """Forty patients with ten samples each, half of them labelled.

    Samples of a patient are alike; where a patient is says nothing about its class.
    """
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    X = rng.normal(scale=10, size=(40, 5))[groups] + rng.normal(0, 0.3, (400, 5))
    y = rng.permutation(np.arange(40) % 2)[groups]
    order = rng.permutation(400)
    return X[order], groups[order], np.where(order % 2, y[order], -1)


@pytest.mark.parametrize("estimator", [KNeighborsClassifier(1), GaussianNB()])
def test_new_patients_cannot_be_told_and_the_estimate_says_so(patients, estimator):
    X, groups, partly = patients
    model = classifier(estimator, selection_max_samples=None, n_repeats=2)
    torn = clone(model).fit(X, partly)
    assert torn.n_hidden_ == 200
    assert torn.best_accuracy_ > 0.99
    honest = clone(model).fit(X, partly, groups=groups)
    assert honest.n_hidden_ == 200
    accuracies = honest.cv_results_["mean_test_accuracy"]
    assert 0.3 < accuracies.min() < accuracies.max() < 0.67
    # Groups may be of any kind.
    named = [f"patient {group:02}" for group in groups]
    same = clone(model).fit(X, partly, groups=named)
    assert_array_equal(same.cv_results_["mean_test_accuracy"], accuracies)


@pytest.mark.parametrize("cv", [5, GroupKFold(4), LeaveOneGroupOut()])
def test_no_label_of_a_hidden_group_is_trained_on(patients, calls, cv):
    X, groups, partly = patients
    model = classifier(
        Recorder(), cv=cv, n_repeats=3, selection_max_samples=None, train_on="samples"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # samples without a label
        model.fit(X, partly, groups=groups, per_sample=np.arange(len(X)))
    known = np.flatnonzero(partly >= 0)
    *compared, _ = [used for *_, used in calls]
    n_splits = 15 if cv == 5 else cv.get_n_splits(groups=groups)
    assert len(compared) == 2 * n_splits
    n_hidden = 0
    for alone, every in zip(compared[::2], compared[1::2], strict=True):
        visible, hidden = np.intersect1d(known, alone), np.setdiff1d(known, alone)
        assert len(hidden)
        assert not set(groups[visible]) & set(groups[hidden])
        assert not np.isin(hidden, every).any()
        n_hidden += len(hidden)
    assert n_hidden == 200 * (3 if cv == 5 else 1)


def test_the_interval_and_the_gains_go_by_patients(patients):
    X, groups, partly = patients
    # Of one to five labels each.
    rank = pd.Series(groups).groupby(groups + 100 * (partly < 0)).cumcount()
    partly = np.where(rank <= groups % 5, partly, -1)
    model = classifier(
        KNeighborsClassifier(1), cv=LeaveOneGroupOut(), train_on="samples"
    )
    torn = clone(model).set_params(cv=5, selection_max_samples=None).fit(X, partly)
    fitted = model.fit(X, partly, groups=groups)
    n_labels = np.bincount(groups[partly >= 0], minlength=40)
    assert_array_equal(n_labels, np.arange(40) % 5 + 1)
    assert fitted.n_hidden_ == torn.n_hidden_ == 120
    # What 120 labels are worth that come in groups of such sizes: less than 40.
    n_worth = 120**2 / np.sum(n_labels**2)
    assert 30 < n_worth < 35
    assert fitted.accuracy_interval_ == pytest.approx(
        wilson_interval(fitted.best_accuracy_, n_worth)
    )
    low, high = fitted.accuracy_interval_
    assert high - low > 0.25
    assert torn.accuracy_interval_ == pytest.approx(
        wilson_interval(torn.best_accuracy_, 120)
    )
    # By hand: what each patient's labels gain by propagation, one split a patient.
    table = fitted.cv_results_
    by_patient = np.array([table[f"split{i}_test_score"][:2] for i in range(40)])
    # A nearest neighbour is sure, so that the score is the share of right ones.
    of_labels = groups[fitted.propagator_.given_.positions].tolist()
    weights = n_labels[list(dict.fromkeys(of_labels))] / 120
    assert_allclose(weights @ by_patient, table["mean_test_accuracy"][:2])
    gains = by_patient[:, 1] - by_patient[:, 0]
    assert len(set(gains.round(6))) > 2
    mean = weights @ gains
    assert table["mean_test_gain"][1] == pytest.approx(mean)
    deviation = np.sqrt(np.sum((weights * (gains - mean)) ** 2))
    assert table["sem_test_gain"][1] == pytest.approx(deviation)
    sign = mean / np.sqrt(np.sum((weights * gains) ** 2))
    assert table["sign_test_gain"][1] == pytest.approx(sign)


def test_a_lead_on_the_labels_of_one_patient_leaves_a_doubt(monkeypatch):
    # A hundred labels of one patient speak for the labels alone, those of nine others,
    # ten each, for the graph, and those of a tenth for neither.
    groups = np.repeat(np.arange(12), [100] + [10] * 10 + [1])
    y = np.append(np.arange(200) % 2, -1)
    right = np.array([groups == 0, (groups > 0) & (groups < 10)], dtype=float)

    def run(self, rng):
        correct = np.where(self.is_hidden[:, np.newaxis], right[:, :200], np.nan)
        return Outcome(correct, correct, correct), {}

    monkeypatch.setattr(Comparison, "run", run)
    X = np.random.default_rng(0).normal(size=(201, 2))
    model = classifier(selection_max_samples=None, train_on="samples")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*differ from those of all their neighbour")
        torn = clone(model).fit(X, y)
        fitted = clone(model).fit(X, y, groups=groups)
    for each in (torn, fitted):
        assert_allclose(each.cv_results_["mean_test_score"], [0.5, 0.45])
    # The lead is 0.05; half of its error is 0.03 by labels, and 0.25 by patients.
    assert torn.best_params_ == {"propagation": "cluster", "fraction": 0}
    assert fitted.best_params_ == {"propagation": "graph", "fraction": 1}
    assert "In doubt the graph rule is taken." in fitted.summary()


def test_with_groups_nothing_is_said_of_the_next_labels(patients):
    X, groups, partly = patients
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = classifier(DecisionTreeClassifier()).fit(X, partly)
        grouped = clone(plain).fit(X, partly, groups=groups)
        by_cluster = clone(plain).set_params(propagations=["cluster"]).fit(X, partly)
    *_, next_labels, so_far = plain.summary().splitlines()
    assert next_labels.startswith("The next 200 labels are likely to bring ")
    assert "of the 200 labels given, " in so_far
    for model in (grouped, by_cluster):
        assert "likely to bring" not in model.summary()
        assert "labels given, " not in model.summary()


@pytest.mark.filterwarnings("ignore:.*differ from those of all their neighbours")
@pytest.mark.parametrize("cv", [2, 5, GroupKFold(2), LeaveOneGroupOut()])
def test_a_lone_group_that_can_be_hidden_is_all_that_is_known(blobs, calls, cv):
    X, y = blobs
    partly = np.where(np.arange(len(y)) % 4 == 0, y % 2, -1)
    groups = np.where(y < 2, "a", "b")
    lone = np.flatnonzero((groups == "b") & (partly >= 0))
    partly[lone[0]] = 7  # nobody could predict it without group b
    model = classifier(Recorder(), cv=cv, train_on="samples").fit(
        X, partly, groups=groups, per_sample=np.arange(len(X))
    )
    is_of_a = (groups == "a") & (partly >= 0)
    assert model.n_hidden_ == is_of_a.sum()
    assert "split0_test_score" in model.cv_results_
    assert "split1_test_score" not in model.cv_results_
    for *_, used in calls[:-1]:
        assert not np.isin(np.flatnonzero(is_of_a), used).any()
        assert np.isin(lone, used).all()
    # One group is worth one label.
    assert model.accuracy_interval_ == pytest.approx(
        wilson_interval(model.best_accuracy_, 1)
    )


@pytest.mark.parametrize("cv", [GroupKFold(4), LeaveOneGroupOut()])
def test_a_splitter_by_groups_is_refused_without_them_before_the_oracle_is_asked(
    blobs, cv
):
    oracle = RecordingOracle(*blobs)
    model = classifier(of=propagator(oracle=oracle), cv=cv)
    with pytest.raises(ValueError, match=r"splits by groups, and 'groups' was not"):
        model.fit(blobs[0])
    assert oracle.n_asked == 0


def test_groups_must_be_those_of_the_rows(patients):
    X, groups, partly = patients
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, partly, groups=groups[:-1])
    frame = pd.DataFrame(X, index=np.arange(len(X)) + 1000)
    series = pd.Series(groups, index=frame.index)
    with pytest.raises(ValueError, match="The index of groups must be that of X"):
        classifier().fit(frame, partly, groups=series[::-1])
    model = classifier(n_repeats=1)
    in_order = clone(model).fit(frame, partly, groups=series)
    expected = clone(model).fit(X, partly, groups=groups)
    assert in_order.best_accuracy_ == expected.best_accuracy_ < 0.67


@pytest.mark.parametrize(
    "container",
    [
        lambda groups: groups,
        lambda groups: groups.astype(object),
        lambda groups: [None if group != group else group for group in groups],
        lambda groups: pd.Series(groups).astype("Int64"),
        lambda groups: pd.Series(groups).astype("Int64").astype("string"),
        lambda groups: pd.Series(groups).astype("category"),
        lambda groups: pd.to_datetime(pd.Series(groups), unit="D"),
        lambda groups: pl.Series(groups).fill_nan(None),
    ],
)
def test_rows_without_a_group_are_refused_in_any_container(patients, container):
    """NaN was a group for each row, None one for all of them."""
    X, groups, _ = patients
    oracle = RecordingOracle(X, np.zeros(len(X)))
    lacking = np.where(np.arange(len(X)) % 3 == 0, np.nan, groups)
    n_missing = int(np.isnan(lacking).sum())
    with pytest.raises(ValueError, match=rf"groups must hold .* Got {n_missing} miss"):
        classifier(of=propagator(oracle=oracle)).fit(X, groups=container(lacking))
    assert oracle.n_asked == 0


def test_groups_are_routed(patients):
    X, groups, partly = patients
    expected = classifier(n_repeats=1).fit(X, partly, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(
            GaussianNB().set_fit_request(sample_weight=False), n_repeats=1
        ).set_fit_request(groups=True)
        fitted = make_pipeline("passthrough", model).fit(X, partly, groups=groups)[-1]
    assert fitted.best_accuracy_ == expected.best_accuracy_ < 0.67


# Known labels


def test_hundreds_of_known_labels_are_all_hidden_in_turn(digits):
    X, y = digits
    is_known = np.arange(len(y)) % 4 == 0
    oracle = RecordingOracle(X, y)
    model = classifier(
        GaussianNB(var_smoothing=0.1),
        propagator(n_clusters=400, oracle=oracle),
        selection_max_samples=None,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*differ from those of all their neighbour")
        model.fit(X, np.where(is_known, y, -1))
    fitted = model.propagator_
    assert fitted.n_known_ == 450
    assert fitted.n_queries_ == oracle.n_asked > 50
    assert len(fitted.given_) == model.n_hidden_ == 450 + oracle.n_asked
    assert np.isin(np.flatnonzero(is_known), model.training_indices_).all()
    # What it says of labels that it has not seen is so.
    is_new = ~is_known
    is_new[list(fitted.answers_)] = False
    right = model.score(X[is_new], y[is_new])
    low, high = model.accuracy_interval_
    assert low - 0.02 < right < high + 0.02
    assert "Labels: 450 known" in model.summary()


def test_known_labels_are_not_called_representatives(blobs):
    X, y = blobs
    partly = np.where(np.arange(len(y)) % 3 == 0, y, -1)
    model = classifier().fit(X, partly)
    assert model.n_hidden_ == 40
    assert model.propagator_.n_queries_ == 0
    assert "representatives" not in model.summary()
    asked = classifier().fit(X, y)
    assert "the representatives" in asked.summary()


# Determinism


@pytest.fixture
def few_digits(digits):
    X, y = digits
    return X[y < 4][:300], y[y < 4][:300]


def test_jobs_change_nothing(few_digits):
    X, y = few_digits
    model = classifier(
        DecisionTreeClassifier(splitter="random"),
        propagator(n_clusters=30),
        selection_max_samples=100,
    )
    one = model.fit(X, y).cv_results_
    two = clone(model).set_params(n_jobs=2).fit(X, y).cv_results_
    assert one.keys() == two.keys()
    for name in one:
        assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("seed", [0, np.random.RandomState(3)])
def test_a_seed_gives_the_same_result_every_time(few_digits, seed):
    X, y = few_digits
    model = PropagatedClassifierCV(
        DecisionTreeClassifier(splitter="random"),
        KMeansLabelPropagator(30),
        n_repeats=1,
        random_state=seed,
    )
    first, second = clone(model).fit(X, y), clone(model).fit(X, y)
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert first.best_score_ == second.best_score_
    other = clone(model).set_params(random_state=7).fit(X, y)
    scores, other_scores = (
        model.cv_results_["mean_test_score"] for model in (first, other)
    )
    assert (scores != other_scores).any()


def test_seeds_given_to_the_parts_are_kept(blobs):
    X, y = blobs
    parts = DecisionTreeClassifier(random_state=5), propagator(random_state=6)
    model = PropagatedClassifierCV(*parts, random_state=0).fit(X, y)
    assert model.estimator_.random_state == 5
    assert model.propagator_.random_state == 6


def test_without_a_seed_none_is_set(blobs):
    seeds = []

    class Tree(DecisionTreeClassifier):
        def fit(self, X, y):
            seeds.append(self.random_state)
            return super().fit(X, y)

    PropagatedClassifierCV(Tree(), fractions=[0], cv=2, train_on="samples").fit(*blobs)
    assert seeds == [None] * 3
    seeds.clear()
    PropagatedClassifierCV(
        Tree(),
        propagations=["cluster", "graph"],
        cv=2,
        n_repeats=3,
        random_state=4,
        train_on="samples",
    ).fit(*blobs)
    # One seed for all candidates of a split; the last fit has the seed given.
    splits = np.array(seeds[:-1]).reshape(6, 3)
    assert (splits == splits[:, :1]).all()
    assert len(set(splits[:, 0])) == 6
    assert seeds[-1] == 4


# Containers and labels


@pytest.mark.parametrize("missing_label", [-1, None, np.nan, "?"])
def test_strings_and_any_sentinel(blobs, missing_label):
    X, y = blobs
    names = np.array(["north", "east", "south", "west"], dtype=object)[y]
    expected = classifier().fit(X, names)
    partial = names.copy()
    hidden = np.ones(len(X), dtype=bool)
    hidden[expected.propagator_.representative_indices_] = False
    partial[hidden] = missing_label
    model = classifier(of=propagator(missing_label=missing_label)).fit(X, partial)
    assert_array_equal(model.predict(X), names)
    assert_array_equal(model.classes_, ["east", "north", "south", "west"])
    for name, values in expected.cv_results_.items():
        assert_array_equal(model.cv_results_[name], values)
    assert model.score(X, partial) == 1


def test_dataframes_and_series(blobs, calls):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"], index=[f"row {i}" for i in range(120)])
    target = pd.Series(y, index=frame.index, name="kind")
    expected = classifier().fit(X, y)
    model = classifier().fit(frame, target)
    assert model.best_score_ == expected.best_score_
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    assert_array_equal(model.predict(frame), expected.predict(X))
    classifier(Recorder()).fit(frame, target)
    for X_train, y_train, _, _ in calls:
        assert X_train.index.equals(y_train.index)
        assert y_train.name == "kind"


def test_sparse_rows(digits):
    X, y = digits
    dense = classifier(
        KNeighborsClassifier(1), propagator(n_clusters=40), n_repeats=1
    ).fit(X, y)
    sparse = clone(dense).fit(csr_array(X), y)
    assert sparse.best_params_ == dense.best_params_
    assert sparse.best_accuracy_ == pytest.approx(dense.best_accuracy_)


def test_text_and_lists():
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    model = classifier(
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
        propagator(n_clusters=5, embedding=TfidfVectorizer()),
    ).fit(texts, kinds)
    assert model.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]


def test_ids_reach_the_oracle_and_y_is_left_to_the_scorer(blobs):
    X, y = blobs
    by_id = propagator(oracle=lambda ids: y[ids], reuse_labels=False)
    wrong = (y + 1) % 4
    model = classifier(of=by_id).fit(X, wrong, sample_ids=np.arange(len(X)))
    assert_array_equal(model.predict(X), y)
    assert model.best_accuracy_ == 1


def test_clusters_without_a_label_are_told_of_once(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[3])
    of = propagator(oracle=oracle)
    model = classifier(of=of, propagations=["cluster"], fractions=[1])
    with pytest.warns(UserWarning, match="of 16 clusters have no label") as caught:
        model.fit(X)
    assert len(caught) == 1
    n_labels = np.sum(model.propagator_.representative_labels_ != -1)
    assert model.n_hidden_ == n_labels < 16
    assert_array_equal(model.classes_, [0, 1, 2])
    # Of the given labels alone no cluster is to get one.
    model.set_params(fractions=[0], train_on="samples").fit(X)


def test_a_lacking_class_is_told_of_and_padded(blobs):
    X, y = blobs
    y = y.copy()
    y[propagator(propagation="graph").fit(X, y).confidence_.argmin()] = 4
    with pytest.warns(UserWarning, match=r"1 of 5 classes.*\[4\]"):
        model = classifier().fit(X, y)
    assert model.predict_proba(X).shape == (120, 5)


# As an estimator


def test_clone_pickle_and_grid(blobs):
    X, y = blobs
    model = classifier(RandomForestClassifier(3), n_repeats=1, cv=2)
    fitted = clone(model).fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.summary() == fitted.summary()
    assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    search = GridSearchCV(
        clone(model).set_params(fractions=(0, 1)),
        {"propagator__n_clusters": [4, 16], "propagations": [("cluster",)]},
        cv=2,
        error_score="raise",
    )
    y = (y > 1).astype(int)
    assert search.fit(X, y).best_score_ > 0.9


def test_a_failed_fit_leaves_the_last_one(blobs):
    X, y = blobs
    model = classifier()
    with pytest.raises(NotFittedError):
        model.summary()
    before = model.fit(X, y).summary()
    one_label = np.where(np.arange(len(y)) == 7, y, -1)
    with pytest.raises(ValueError, match="two labels or more"):
        model.fit(X, one_label)
    with pytest.raises(ValueError, match="'propagations' parameter"):
        model.set_params(propagations=[]).fit(X, y)
    assert model.summary() == before
    assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": None}, "'estimator' parameter .* 'fit'"),
        (
            {"propagator": GaussianNB()},
            "'propagator' parameter .*KMeansLabelPropagator",
        ),
        ({"propagations": ["cluster", "tree"]}, "'propagations' parameter .*'tree'"),
        ({"propagations": []}, r"'propagations' parameter .* Got \[\]"),
        ({"propagations": "graph"}, "'propagations' parameter .* 'graph' instead"),
        ({"fractions": [0, 1.5]}, r"'fractions' parameter .* \[0, 1\]. Got \[0, 1.5"),
        ({"fractions": []}, r"'fractions' parameter .* Got \[\]"),
        ({"fractions": ["all"]}, "'fractions' parameter .*'all'"),
        ({"selection_estimator": 3}, "'selection_estimator' parameter"),
        ({"train_on": "pixels"}, "'train_on' parameter .*'embedding'"),
        ({"train_on": "neighbors"}, "'train_on' parameter .* Got 'neighbors' instead"),
        ({"selection_max_samples": 0}, r"'selection_max_samples' .*\[1, inf\)"),
        ({"selection_max_samples": "all"}, "'selection_max_samples' .*'auto'"),
        ({"scoring": "f1"}, "'scoring' parameter .*'balanced_accuracy'"),
        ({"cv": 1}, r"'cv' parameter .*\[2, inf\)"),
        ({"cv": "loo"}, r"'cv' parameter .* Got 'loo' instead"),
        ({"n_repeats": 0}, r"'n_repeats' parameter .*\[1, inf\)"),
        ({"n_jobs": 0.5}, "'n_jobs' parameter"),
        ({"n_jobs": 0}, "'n_jobs' parameter"),
        ({"sample_weight": "margin"}, "'sample_weight' parameter"),
    ],
)
def test_illegal_parameters_are_named(blobs, params, match):
    model = PropagatedClassifierCV(**{"estimator": GaussianNB()} | params)
    with pytest.raises(ValueError, match=match):
        model.fit(*blobs)


# The summary


def test_without_the_given_labels_alone_nothing_is_compared(blobs):
    model = classifier(fractions=[0.5, 1]).fit(*blobs)
    assert "mean_test_gain" not in model.cv_results_
    assert "given labels alone" not in model.summary()
    alone = classifier(fractions=[0], train_on="samples").fit(*blobs)
    assert "Against" not in alone.summary()
    # The neighbours propagate at any fraction.
    both = classifier(fractions=[0]).fit(*blobs)
    expected = "Against the given labels alone, graph, predicted by the neighbours: "
    assert expected in both.summary()


def test_the_summary_starts_with_that_of_the_propagator(blobs):
    for estimator, trained in (
        (
            GaussianNB(),
            "Trained on {} samples. Predicts together with the neighbours.",
        ),
        (
            DummyClassifier(),
            "No classifier: the neighbours among {} samples predict.",
        ),
    ):
        model = classifier(estimator).fit(*blobs)
        lines = model.summary().splitlines()
        assert lines[:4] == model.propagator_.summary().splitlines()
        assert lines[2] == "Labels: 0 known, 16 asked for, 16 answered."
        assert lines[4] == trained.format(len(model.training_indices_))
        assert lines[5].startswith("Chosen of 4 candidates: ")


def test_progress_is_told_when_asked_for(blobs, capsys):
    params = {"fractions": [0], "train_on": "samples"}
    classifier(verbose=1, **params).fit(*blobs)
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    # Each stage says that it begins, and how long it took.
    stages = ["predicting hidden labels by 5 fits", "training on 16 samples"]
    assert lines[::2] == [f"[kmeans_labelprop] {name} ..." for name in stages]
    for name, line in zip(stages, lines[1::2], strict=True):
        assert re.fullmatch(rf"\[kmeans_labelprop\] {name}: \d+\.\d s", line)
    classifier(**params).fit(*blobs)
    assert capsys.readouterr().err == ""


def test_a_long_comparison_says_how_far_it_is(blobs, capsys, monkeypatch):
    monkeypatch.setattr(_messages, "_SECONDS_BETWEEN", -1)
    classifier(verbose=1, fractions=[0], train_on="samples").fit(*blobs)
    lines = capsys.readouterr().err.splitlines()
    told = [line for line in lines if "left" in line]
    assert len(told) == 5
    for i, line in enumerate(told, 1):
        assert re.fullmatch(
            rf"\[kmeans_labelprop\] predicting hidden labels: {i} of 5 fits, about "
            r"\d+ s left",
            line,
        )


@pytest.mark.filterwarnings("ignore")  # of TensorFlow's and Keras's own
def test_a_keras_network(digits):
    pytest.importorskip("scikeras", reason='needs the extra "keras"')
    from examples.fashion_mnist.network import make_classifier

    X, y = digits
    X = (X / 16).astype(np.float32)
    names = np.array([f"digit {label}" for label in range(10)])[y]
    model = classifier(
        make_classifier(epochs=10, random_state=0, hidden_units=(32,)),
        propagator(n_clusters=40),
        propagations=["cluster"],
        fractions=[0, 1],
        cv=2,
        n_repeats=1,
    ).fit(X, names)
    # In ten epochs 40 samples teach less than 1,797.
    assert model.best_params_["fraction"] == 1
    assert model.score(X, names) > 0.7
    assert model.predict_proba(X[:1]).shape == (1, 10)


# scikit-learn's own checks

EXPECTED_FAILURES = {
    "check_classifiers_classes": "uses -1 as a class, which marks a missing label; "
    "scikit-learn exempts its own semi-supervised classifiers by name",
}


@pytest.mark.filterwarnings("ignore")  # lacking classes are right there
@parametrize_with_checks(
    [
        # The neighbours take no sample_weight, and have no decision_function.
        classifier(estimator, propagator(n_clusters=8), cv=2, train_on="samples")
        for estimator in (DecisionTreeClassifier(), LogisticRegression())
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_sklearn_checks(estimator, check):
    check(estimator)
