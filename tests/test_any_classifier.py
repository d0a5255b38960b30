"""Any classifier: counting from 0, boosters, networks, composed of others."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop.embedding import default_embedding

LACKING = "ignore:No label is given of"


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 40, "random_state": 0} | params)


def xgboost(**params):
    module = pytest.importorskip("xgboost", reason='needs the extra "boosters"')
    return module.XGBClassifier(**{"n_estimators": 5, "n_jobs": 1} | params)


def lightgbm(**params):
    module = pytest.importorskip("lightgbm", reason='needs the extra "boosters"')
    return module.LGBMClassifier(
        **{"n_estimators": 5, "n_jobs": 1, "verbose": -1} | params
    )


def catboost(**params):
    module = pytest.importorskip("catboost", reason='needs the extra "boosters"')
    return module.CatBoostClassifier(
        **{
            "iterations": 5,
            "thread_count": 1,
            "verbose": 0,
            "allow_writing_files": False,
        }
        | params
    )


class CountsFromZero(ClassifierMixin, BaseEstimator):
    """Refuses, as XGBoost does, classes that are not 0, 1, ... and keeps what came."""

    n_fits = 0

    def __init__(self, base=None):
        self.base = base

    def fit(self, X, y, eval_set=None, **fit_params):
        type(self).n_fits += 1
        seen = np.unique(y)
        if not np.array_equal(seen, np.arange(len(seen))):
            raise ValueError("Invalid classes")
        self.y_, self.eval_set_, self.fit_params_ = y, eval_set, fit_params
        self.base_ = (self.base or GaussianNB(var_smoothing=0.1)).fit(X, y)
        self.classes_ = self.base_.classes_
        return self

    def predict(self, X):
        return self.base_.predict(X)

    def predict_proba(self, X):
        return self.base_.predict_proba(X)


class NumbersOnly(CountsFromZero):
    """Takes any labels, and answers by numbers from 0 all the same."""

    def fit(self, X, y):
        return super().fit(X, np.unique(y, return_inverse=True)[1])


class Validating(CountsFromZero):
    """Predicts what it validates on, as boosters do."""

    def fit(self, X, y, eval_set):
        super().fit(X, y, eval_set)
        self.scores_ = [self.base_.score(*pair) for pair in eval_set]
        return self


class Weighed(CountsFromZero):
    def fit(self, X, y, eval_set=None, sample_weight=None):
        super().fit(X, y, eval_set)
        self.weights_ = sample_weight
        return self


class Ridge(CountsFromZero):
    """Has a decision function, and no probabilities."""

    predict_proba = None

    def __init__(self):
        super().__init__(RidgeClassifier())

    def decision_function(self, X):
        return self.base_.decision_function(X)


NAMES = np.array(["nought", "one", "two", "three", "four"])
LABELS = {
    "strings": NAMES,
    "objects": NAMES.astype(object),
    "numbers": np.array([3, 7, 8, 20, 21]),
    "from 1": np.arange(1, 6),
    "floats": np.arange(5.0) + 2,
}


@pytest.fixture
def five(digits):
    X, y = digits
    few = y < 5
    return X[few] / 16, y[few]


@pytest.mark.parametrize("container", [np.asarray, pd.Series, list])
@pytest.mark.parametrize("counting", [CountsFromZero, NumbersOnly])
@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_numbered_and_come_back(five, kind, counting, container):
    X, y = five
    labels = LABELS[kind][y]
    model = PropagatedClassifier(counting(), propagator()).fit(X, container(labels))
    expected = PropagatedClassifier(
        GaussianNB(var_smoothing=0.1), propagator(), sample_weight=None
    ).fit(X, labels)
    assert_array_equal(model.classes_, np.sort(LABELS[kind]))
    assert_array_equal(model.predict(X), expected.predict(X))
    assert model.score(X, labels) > 0.9
    assert_allclose(model.predict_proba(X), expected.predict_proba(X))
    # Its own numbers stand for the sorted labels that it was trained on.
    numbers = model.estimator_.y_
    assert_array_equal(
        np.unique(model.training_labels_)[numbers], model.training_labels_
    )


class Nameless(BaseEstimator):
    """Has no `classes_`, and answers by numbers from 0 or by the labels."""

    def __init__(self, counts=True, shape="labels"):
        self.counts = counts
        self.shape = shape

    def fit(self, X, y):
        y = np.unique(y, return_inverse=True)[1] if self.counts else y
        self.base_ = GaussianNB(var_smoothing=0.1).fit(X, y)

    def predict(self, X):
        if self.shape == "probabilities":
            return self.base_.predict_proba(X)
        return self.base_.predict(X)[: -1 if self.shape == "short" else None].tolist()


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("kind", LABELS)
def test_labels_come_back_from_who_does_not_name_them(five, kind, counts):
    X, y = five
    labels = LABELS[kind][y]
    model = PropagatedClassifier(Nameless(counts), propagator()).fit(X, labels)
    assert model.score(X, labels) > 0.9


@pytest.mark.parametrize(
    ("shape", "found"), [("probabilities", r"\(10, 5\)"), ("short", r"\(9,\)")]
)
def test_one_label_for_each_sample_is_predicted(five, shape, found):
    X, y = five
    model = PropagatedClassifier(Nameless(shape=shape), propagator()).fit(X, y)
    with pytest.raises(ValueError, match=rf"each of the 10 samples. Got shape {found}"):
        model.predict(X[:10])


@pytest.mark.filterwarnings("ignore:Not compared, .* in the embedding")
@pytest.mark.parametrize("classifier", [PropagatedClassifier, PropagatedClassifierCV])
def test_nobody_is_asked_for_who_takes_no_negative_numbers(five, classifier):
    X, y = five
    answers = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
    asked = []

    def ask(rows):
        asked.extend(rows)
        return [answers[row.tobytes()] for row in rows]

    of = propagator(oracle=ask, embedding=PCA(5, random_state=0))
    model = classifier(MultinomialNB(), of, train_on="embedding")
    with pytest.raises(ValueError, match=r"as there are in the embedding. Got Multi"):
        model.fit(X)
    assert not asked
    with pytest.raises(ValueError, match=r"as there are in the samples. Got Multi"):
        model.set_params(train_on="samples").fit(X - 1)
    assert not asked
    scaled = make_pipeline(MinMaxScaler(), MultinomialNB())
    for estimator, train_on in [
        (MultinomialNB(), "samples"),
        (MultinomialNB(), "auto"),
        (scaled, "embedding"),
    ]:
        model.set_params(estimator=estimator, train_on=train_on)
        assert model.fit(X).score(X, y) > 0.8
    assert asked


@pytest.mark.filterwarnings(LACKING)
@pytest.mark.parametrize("labels", [np.arange(5), NAMES], ids=["numbers", "strings"])
def test_a_class_that_nobody_asked_about_is_padded(five, labels):
    X, y = five
    known = np.where(np.isin(y, [0, 1, 3, 4]), labels[y], labels[2])
    of = propagator(n_clusters=3)
    model = PropagatedClassifier(CountsFromZero(), of).fit(X, known)
    seen = np.unique(model.training_labels_)
    assert len(seen) == 3
    assert_array_equal(model.estimator_.classes_, [0, 1, 2])
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (len(X), 5)
    is_seen = np.isin(model.classes_, seen)
    assert (probabilities[:, ~is_seen] == 0).all()
    assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(X))
    ridge = PropagatedClassifier(Ridge(), of, sample_weight=None).fit(X, known)
    decision = ridge.decision_function(X)
    assert decision.shape == (len(X), 5)
    assert_array_equal(ridge.classes_[decision.argmax(axis=1)], ridge.predict(X))


class KnowsMore(CountsFromZero):
    """Has a column for each class from 0 to 4, as a network with five outputs has."""

    def __init__(self, is_told=True):
        super().__init__()
        self.is_told = is_told

    def fit(self, X, y):
        self.base_ = GaussianNB(var_smoothing=0.1).fit(X, y)
        self.classes_ = np.arange(5) if self.is_told else self.base_.classes_
        return self

    def predict_proba(self, X):
        columns = np.full((len(X), 5), 0.01)
        columns[:, self.base_.classes_] = self.base_.predict_proba(X)
        return columns


@pytest.mark.parametrize("classifier", [PropagatedClassifier, PropagatedClassifierCV])
def test_classes_that_y_lacks_have_no_column(five, classifier):
    X, y = (of[five[1] != 2] for of in five)
    model = classifier(KnowsMore(), propagator(), train_on="samples")
    if classifier is PropagatedClassifierCV:
        model.set_params(propagations=["cluster"], random_state=0)
    probabilities = model.fit(X, y).predict_proba(X)
    assert probabilities.shape == (len(X), 4)
    assert np.mean(model.classes_[probabilities.argmax(axis=1)] == y) > 0.9
    model.set_params(estimator=KnowsMore(is_told=False))
    with pytest.raises(ValueError, match=r"each of its 4 classes. Got 5 columns"):
        model.fit(X, y).predict_proba(X)


@pytest.mark.filterwarnings(LACKING)
def test_of_two_classes_the_second_decides(five):
    X, y = five
    names = NAMES[y // 4]
    model = PropagatedClassifier(Ridge(), propagator(), sample_weight=None)
    decision = model.fit(X, names).decision_function(X)
    assert decision.shape == (len(X),)
    assert_array_equal(np.where(decision > 0, "one", "nought"), model.predict(X))


@pytest.mark.filterwarnings(LACKING)
@pytest.mark.parametrize("kind", ["strings", "numbers"])
def test_candidates_are_compared_as_with_labels_as_they_are(five, kind):
    X, y = five
    labels = LABELS[kind][y]
    number, plain = (
        PropagatedClassifierCV(
            model, propagator(), sample_weight=None, random_state=0
        ).fit(X, labels)
        for model in (CountsFromZero(), GaussianNB(var_smoothing=0.1))
    )
    for name in ("mean_test_score", "mean_test_accuracy"):
        assert_allclose(number.cv_results_[name], plain.cv_results_[name])
    assert_array_equal(number.predict(X), plain.predict(X))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: make_pipeline(FunctionTransformer(), model),
        lambda model: GridSearchCV(model, {"base": [None]}, cv=2),
        lambda model: CalibratedClassifierCV(model, cv=2),
        lambda model: BaggingClassifier(model, 3, random_state=0),
    ],
    ids=["pipeline", "search", "calibrated", "bagged"],
)
def test_what_counts_from_zero_may_be_inside_another(five, wrap):
    X, y = five
    model = PropagatedClassifier(wrap(CountsFromZero()), propagator())
    assert model.fit(X, NAMES[y]).score(X, NAMES[y]) > 0.9


def test_who_takes_labels_gets_labels(five):
    """Parameters of the classifier may speak of them."""
    X, y = five
    weights = dict.fromkeys(NAMES, 1.0) | {"nought": 1e-6}
    model = PropagatedClassifier(LogisticRegression(class_weight=weights), propagator())
    predicted = model.fit(X, NAMES[y]).predict(X)
    assert "nought" not in predicted
    assert_array_equal(model.estimator_.classes_, np.sort(NAMES))
    # With a class missing, numbers from 0 would weigh another one down.
    numbers = {0: 1.0, 1: 1.0, 2: 1.0, 3: 1e-6, 4: 1.0}
    model.set_params(estimator__class_weight=numbers)
    predicted = model.fit(X[y != 1], y[y != 1]).predict(X[y != 1])
    assert_array_equal(np.unique(predicted), [0, 2, 4])


@pytest.mark.parametrize(("labels", "n_fits"), [(np.arange(5), 1), (NAMES, 2)])
def test_nothing_is_trained_twice_without_need(five, labels, n_fits):
    X, y = five
    CountsFromZero.n_fits = 0
    PropagatedClassifier(CountsFromZero(), propagator()).fit(X, labels[y])
    assert CountsFromZero.n_fits == n_fits


class Failing(CountsFromZero):
    def fit(self, X, y, error=None):
        type(self).n_fits += 1
        if error is None:
            super().fit(X, y)
            raise ValueError("no matter of labels")
        raise error


def test_the_error_that_counts_is_raised(five):
    X, y = five
    model = PropagatedClassifier(Failing(), propagator())
    with pytest.raises(ValueError, match="no matter of labels") as raised:
        model.fit(X, NAMES[y])
    assert str(raised.value.__cause__) == "Invalid classes"
    with pytest.raises(ValueError, match="the same") as raised:
        model.fit(X, NAMES[y], error=ValueError("the same"))
    assert raised.value.__cause__ is None
    for error in (MemoryError("full"), KeyboardInterrupt()):
        Failing.n_fits = 0
        with pytest.raises(type(error)):
            model.fit(X, NAMES[y], error=error)
        assert Failing.n_fits == 1


# What is passed to fit


@pytest.mark.parametrize("labels", [np.arange(5), NAMES], ids=["numbers", "strings"])
@pytest.mark.parametrize("as_tuple", [False, True])
def test_an_eval_set_speaks_of_the_same_classes(five, labels, as_tuple):
    X, y = five
    order = np.arange(len(X))
    own, new = order % 3 > 0, order % 3 == 0
    own &= y != 2  # is not in the training set
    pair = (X[new], pd.Series(labels[y[new]], index=order[new]))
    model = PropagatedClassifier(CountsFromZero(), propagator()).fit(
        X[own], labels[y[own]], eval_set=pair if as_tuple else [pair]
    )
    ((X_eval, y_eval),) = model.estimator_.eval_set_
    kept = y[new] != 2
    assert_array_equal(X_eval, X[new][kept])
    assert_array_equal(model.classes_[np.asarray(y_eval)], labels[y[new][kept]])
    assert isinstance(pair[1], pd.Series)
    assert len(pair[1]) == new.sum()  # the caller's own is left alone


def test_an_eval_set_is_embedded_as_the_samples_are(five):
    X, y = five
    of = propagator(embedding=PCA(3, random_state=0))
    model = PropagatedClassifier(CountsFromZero(), of, train_on="embedding")
    pair = (X[::3], NAMES[y[::3]])
    fitted = model.fit(X, NAMES[y], eval_set=[pair], extra=3)
    ((X_eval, _),) = fitted.estimator_.eval_set_
    assert_allclose(X_eval, fitted.propagator_.embed(X[::3]))
    assert fitted.estimator_.fit_params_ == {"extra": 3}
    # As LightGBM has it.
    sets = {"eval_X": (X[::3], X), "eval_y": (NAMES[y[::3]], NAMES[y])}
    received = model.fit(X, NAMES[y], **sets).estimator_.fit_params_
    assert_allclose(received["eval_X"][0], X_eval)
    assert_array_equal(received["eval_y"][1], np.argsort(np.argsort(NAMES))[y])
    # While candidates are compared, too: none of them fails.
    compared = PropagatedClassifierCV(Validating(), of, random_state=0)
    compared.fit(X, NAMES[y], eval_set=[pair])
    assert "embedding" in compared.cv_results_["train_on"]
    assert np.isfinite(compared.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("classifier", [PropagatedClassifier, PropagatedClassifierCV])
def test_routed_metadata_are_prepared_likewise(five, classifier):
    X, y = five
    pair = (X[::3], NAMES[y[::3]])
    weights = np.linspace(1, 2, len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        model = classifier(
            Weighed().set_fit_request(eval_set=True, sample_weight=True),
            propagator(),
            train_on="samples",
            sample_weight=None,
        )
        if classifier is PropagatedClassifierCV:
            model.set_params(propagations=["cluster"], random_state=0)
        pipeline = make_pipeline("passthrough", model)
        fitted = pipeline.fit(X, NAMES[y], eval_set=[pair], sample_weight=weights)[-1]
    received = fitted.estimator_
    assert_array_equal(received.weights_, weights[fitted.training_indices_])
    ((X_eval, y_eval),) = received.eval_set_
    assert_array_equal(X_eval, pair[0])
    assert_array_equal(fitted.classes_[y_eval], pair[1])


def test_what_an_eval_set_of_another_type_holds_is_left_alone(five):
    X, y = five
    pool = object()
    for eval_set in (pool, [pool], [(X, y, None)]):
        model = PropagatedClassifier(CountsFromZero(), propagator())
        assert model.fit(X, y, eval_set=eval_set).estimator_.eval_set_ is eval_set


# Boosters


BOOSTERS = pytest.mark.parametrize("booster", [xgboost, lightgbm, catboost])


@BOOSTERS
@pytest.mark.parametrize("kind", ["strings", "numbers"])
def test_boosters_train_on_any_labels(five, booster, kind):
    X, y = five
    labels = LABELS[kind][y]
    model = PropagatedClassifier(booster(), propagator()).fit(X, labels)
    predicted = model.predict(X)
    assert predicted.shape == (len(X),)
    assert set(predicted.tolist()) <= set(LABELS[kind].tolist())
    assert model.score(X, labels) > 0.9
    probabilities = model.predict_proba(X)
    assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert_array_equal(model.classes_[probabilities.argmax(axis=1)], predicted)


@BOOSTERS
@pytest.mark.filterwarnings(LACKING)
@pytest.mark.parametrize("labels", [np.arange(5), NAMES], ids=["numbers", "strings"])
def test_boosters_do_without_a_class(five, booster, labels):
    X, y = five
    model = PropagatedClassifier(booster(), propagator(n_clusters=3))
    probabilities = model.fit(X, labels[y]).predict_proba(X)
    assert probabilities.shape == (len(X), 5)
    assert (probabilities.max(axis=0) == 0).sum() == 2
    assert model.score(X, labels[y]) > 0.4


@BOOSTERS
def test_boosters_are_compared(five, booster):
    X, y = five
    model = PropagatedClassifierCV(booster(), propagator(), cv=2, random_state=0)
    assert model.fit(X, NAMES[y]).score(X, NAMES[y]) > 0.9
    assert np.isfinite(model.cv_results_["mean_test_score"]).all()


@BOOSTERS
def test_boosters_are_weighed(five, booster):
    X, y = five
    on, off = (
        PropagatedClassifier(booster(), propagator(), sample_weight=weight)
        .fit(X, NAMES[y])
        .predict_proba(X)
        for weight in ("auto", None)
    )
    assert not np.allclose(on, off)
    light = np.where(y == 3, 1e-6, 1.0)
    model = PropagatedClassifier(booster(), propagator())
    model.fit(X, NAMES[y], sample_weight=light)
    assert np.mean(model.predict(X[y == 3]) == "three") < 0.1


@BOOSTERS
def test_boosters_stop_early_by_an_eval_set(five, booster):
    X, y = five
    new = np.arange(len(X)) % 4 == 0
    own = ~new & (y != 2)
    if booster is xgboost:
        model = booster(n_estimators=99, learning_rate=1, early_stopping_rounds=2)
        fit_params = {"eval_set": [(X[new], NAMES[y[new]])]}
    elif booster is lightgbm:
        model = booster(n_estimators=99, learning_rate=0.5)
        stop = pytest.importorskip("lightgbm").early_stopping(2, verbose=False)
        fit_params = {"eval_X": X[new], "eval_y": NAMES[y[new]], "callbacks": [stop]}
    else:
        model = booster(iterations=99, learning_rate=1)
        fit_params = {"eval_set": (X[new], NAMES[y[new]]), "early_stopping_rounds": 2}
    classifier = PropagatedClassifier(model, propagator())
    classifier.fit(X[own], NAMES[y[own]], **fit_params)
    fitted = classifier.estimator_
    best = {
        xgboost: lambda: fitted.best_iteration,
        lightgbm: lambda: fitted.best_iteration_,
        catboost: lambda: fitted.get_best_iteration(),
    }[booster]()
    assert 0 < best < 98
    assert classifier.score(X[new & (y != 2)], NAMES[y[new & (y != 2)]]) > 0.9


# PyTorch


def test_a_torch_module_by_skorch(five):
    torch = pytest.importorskip("torch", reason="runs in scripts/check_torch.sh")
    skorch = pytest.importorskip("skorch", reason="runs in scripts/check_torch.sh")
    X, y = five
    X = X.astype(np.float32)

    class Network(torch.nn.Module):
        def __init__(self, n_classes=5):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(64, 32),
                torch.nn.ReLU(),
                torch.nn.Linear(32, n_classes),
                torch.nn.Softmax(dim=1),
            )

        def forward(self, X):
            return self.layers(X)

    def network(**params):
        torch.manual_seed(0)
        return skorch.NeuralNetClassifier(
            Network,
            **{"max_epochs": 20, "lr": 0.3, "train_split": None, "verbose": 0} | params,
        )

    epochs = []

    class Recorder(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            epochs.append(len(net.history))

    for labels in LABELS.values():
        model = PropagatedClassifier(network(), propagator()).fit(X, labels[y])
        assert model.score(X, labels[y]) > 0.9
        assert_array_equal(model.classes_, np.sort(labels))
        probabilities = model.predict_proba(X)
        assert_array_equal(
            model.classes_[probabilities.argmax(axis=1)], model.predict(X)
        )
    model = PropagatedClassifierCV(
        network(callbacks=[("epochs", Recorder())]), propagator(), cv=2, random_state=0
    ).fit(X, NAMES[y])
    assert np.isfinite(model.cv_results_["mean_test_score"]).all()
    assert max(epochs) == 20
    # Outputs for five classes, of which four have a label: it has to be told.
    few, known = X[y != 2], y[y != 2]
    with pytest.raises(ValueError, match=r"each of its 4 classes. Got 5 columns"):
        PropagatedClassifier(network(), propagator()).fit(few, known).predict_proba(X)
    told = PropagatedClassifier(network(classes=[0, 1, 2, 3, 4]), propagator())
    assert told.fit(few, known).score(few, known) > 0.9
    assert told.predict_proba(few).shape == (len(few), 4)
    built = PropagatedClassifier(network(module__n_classes=4), propagator())
    assert built.fit(few, NAMES[known]).score(few, NAMES[known]) > 0.9


# Missing values


@pytest.mark.parametrize(
    "embedding", [default_embedding, lambda X: make_pipeline(SimpleImputer(), PCA(10))]
)
@pytest.mark.parametrize(
    "booster",
    [
        lambda: HistGradientBoostingClassifier(max_iter=10, random_state=0),
        xgboost,
        lightgbm,
        catboost,
    ],
    ids=["sklearn", "xgboost", "lightgbm", "catboost"],
)
def test_missing_values_reach_who_takes_them(five, booster, embedding):
    X, y = five
    rng = np.random.default_rng(0)
    X = np.where(rng.random(X.shape) < 0.05, np.nan, X)
    model = PropagatedClassifier(booster(), propagator(embedding=embedding(X)))
    assert model.fit(X, NAMES[y]).score(X, NAMES[y]) > 0.85
    assert model.train_on_ == "samples"
    assert model.predict_proba(X[:3]).shape == (3, 5)


# Composed classifiers


def forest():
    return RandomForestClassifier(10, random_state=0)


COMPOSED = {
    "calibrated": lambda: CalibratedClassifierCV(forest(), cv=3),
    "bagged": lambda: BaggingClassifier(DecisionTreeClassifier(), 5, random_state=0),
    "voting": lambda: VotingClassifier(
        [("forest", forest()), ("bayes", GaussianNB(var_smoothing=0.1))], voting="soft"
    ),
    "stacked": lambda: StackingClassifier(
        [("forest", forest()), ("bayes", GaussianNB(var_smoothing=0.1))], cv=2
    ),
    "one against the rest": lambda: OneVsRestClassifier(GaussianNB(var_smoothing=0.1)),
    "one against one": lambda: OneVsOneClassifier(GaussianNB(var_smoothing=0.1)),
    "searched": lambda: GridSearchCV(GaussianNB(), {"var_smoothing": [0.1, 1]}, cv=2),
}
TWO_CLASSES = {
    "threshold": lambda: FixedThresholdClassifier(
        forest(), threshold=0.4, pos_label="one"
    ),
    "tuned threshold": lambda: TunedThresholdClassifierCV(
        forest(), scoring="accuracy", cv=2
    ),
}


@pytest.mark.parametrize("classifier", [PropagatedClassifier, PropagatedClassifierCV])
@pytest.mark.parametrize("kind", [*COMPOSED, *TWO_CLASSES])
def test_composed_classifiers_are_trained(five, kind, classifier):
    X, y = five
    names = NAMES[y // 3 if kind in TWO_CLASSES else y]
    model = classifier((COMPOSED | TWO_CLASSES)[kind](), propagator())
    if classifier is PropagatedClassifierCV:
        model.set_params(cv=2, random_state=0)
    partly = np.where(np.arange(len(y)) % 10 == 0, names.astype(object), -1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*differ from those of all their neighbours")
        # A comparison may leave a class with too few labels for folds of its own.
        warnings.simplefilter("ignore", sklearn.exceptions.FitFailedWarning)
        warnings.filterwarnings("ignore", "The least populated class")
        model.fit(X, partly)
    assert_array_equal(model.classes_, np.unique(names))
    assert model.score(X, names) > 0.9
