"""What stands around the classifier: the table of the guide is run, line by line."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    BaggingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFECV
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop.model_selection import make_labeled_scorer

GUIDE = Path(__file__).parents[1] / "docs" / "user_guide" / "pipelines.rst"
CV, N_CLUSTERS, N_TRAIN = 3, 30, 400
GRID = {"propagator__n_clusters": [N_CLUSTERS, 40]}


class Counting(PropagatedClassifier):
    """Counts how often any of its clones is fitted, and the labels that it asks for."""

    n_labels: ClassVar[list[int]] = []

    def fit(self, X, y=None, **params):
        super().fit(X, y, **params)
        self.n_labels.append(self.propagator_.n_queries_)
        return self


def plain():
    return RandomForestClassifier(8, random_state=0)


def model(missing_label=-1):
    propagator = KMeansLabelPropagator(
        N_CLUSTERS, missing_label=missing_label, random_state=0
    )
    return Counting(plain(), propagator)


# Functions return the classes that they know, how right they are, and what else it
# takes to count the fits.


def around(make):
    """Fit an estimator around the model, and predict new samples."""

    def run(inner, X, y, X_new, y_new):
        fitted = make(inner).fit(X, y)
        sizes = {"n_estimators": 2}
        if hasattr(fitted, "n_candidates_"):
            sizes["n_halving"] = sum(fitted.n_candidates_)
        if hasattr(fitted, "best_score_") and hasattr(fitted, "cv_results_"):
            assert fitted.best_score_ > 0.85  # of labelled rows alone
        return fitted.classes_, np.mean(fitted.predict(X_new) == y_new), sizes

    return run


def predict_in_folds(inner, X, y, X_new, y_new):
    predicted = cross_val_predict(inner, X, y, cv=CV)
    is_known = y != -1
    return np.unique(predicted), np.mean(predicted[is_known] == y[is_known]), {}


def probabilities_in_folds(inner, X, y, X_new, y_new):
    found = cross_val_predict(inner, X, y, cv=CV, method="predict_proba")
    classes = np.unique(y)
    if found.shape[1] != len(classes):
        classes = classes[classes != -1]
    assert found.shape[1] == len(classes)
    return classes, np.mean(classes[found.argmax(axis=1)] == y), {}


def score_in_folds(inner, X, y, X_new, y_new):
    scores = cross_val_score(inner, X, y, cv=CV)
    scoring = make_labeled_scorer("accuracy")
    again = cross_val_score(inner, X, y, cv=CV, scoring=scoring)
    np.testing.assert_array_equal(scores, again)
    del Counting.n_labels[CV:]
    return [0, 1, 2], scores.mean(), {}


def curve_of_sizes(inner, X, y, X_new, y_new):
    _, _, scores = learning_curve(inner, X, y, cv=CV, train_sizes=[0.5, 1.0])
    return [0, 1, 2], scores[-1].mean(), {"n_sizes": 2}


def curve_of_values(inner, X, y, X_new, y_new):
    ((name, values),) = GRID.items()
    _, scores = validation_curve(
        inner, X, y, cv=CV, param_name=name, param_range=values
    )
    return [0, 1, 2], scores.mean(), {}


def eliminated(inner, X, y, X_new, y_new):
    getter = "estimator_.feature_importances_"
    selector = RFECV(
        inner, step=12, min_features_to_select=40, cv=CV, importance_getter=getter
    ).fit(X, y)
    accuracy = np.mean(selector.predict(X_new) == y_new)
    n_subsets = len(selector.cv_results_["n_features"])
    return selector.classes_, accuracy, {"n_subsets": n_subsets}


def importances(inner, X, y, X_new, y_new):
    inner.fit(X, y)
    Counting.n_labels.clear()
    found = permutation_importance(inner, X, y, n_repeats=2, random_state=0)
    is_known = y != -1
    expected = permutation_importance(
        inner,
        X,
        y,
        scoring=make_labeled_scorer("accuracy"),
        n_repeats=2,
        random_state=0,
    )
    np.testing.assert_array_equal(found.importances, expected.importances)
    assert found.importances_mean.max() > 0
    return inner.classes_, inner.score(X[is_known], y[is_known]), {}


def dependence(inner, X, y, X_new, y_new):
    inner.fit(X, y)
    Counting.n_labels.clear()
    found = partial_dependence(inner, X, [20], grid_resolution=4)["average"]
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found.sum(axis=0), 1)
    return inner.classes_, inner.score(X_new, y_new), {}


WRAPPERS = {
    "cross_val_predict": predict_in_folds,
    "cross_val_predict, predict_proba": probabilities_in_folds,
    "cross_val_score": score_in_folds,
    "learning_curve": curve_of_sizes,
    "validation_curve": curve_of_values,
    "GridSearchCV": around(lambda inner: GridSearchCV(inner, GRID, cv=CV)),
    "HalvingGridSearchCV": around(
        lambda inner: HalvingGridSearchCV(
            inner, GRID, cv=CV, min_resources=200, random_state=0
        )
    ),
    "HalvingRandomSearchCV": around(
        lambda inner: HalvingRandomSearchCV(
            inner, GRID, cv=CV, n_candidates=2, min_resources=200, random_state=0
        )
    ),
    "RFECV": eliminated,
    "permutation_importance": importances,
    "partial_dependence": dependence,
    "CalibratedClassifierCV": around(
        lambda inner: CalibratedClassifierCV(inner, cv=CV)
    ),
    "FixedThresholdClassifier": around(FixedThresholdClassifier),
    "TunedThresholdClassifierCV": around(
        lambda inner: TunedThresholdClassifierCV(inner, cv=CV, scoring="accuracy")
    ),
    "BaggingClassifier": around(lambda inner: BaggingClassifier(inner, 2)),
    "VotingClassifier": around(
        lambda inner: VotingClassifier([("one", inner), ("other", inner)])
    ),
    "StackingClassifier": around(
        lambda inner: StackingClassifier([("one", inner), ("other", inner)], cv=CV)
    ),
    "OneVsRestClassifier": around(OneVsRestClassifier),
    "OneVsOneClassifier": around(OneVsOneClassifier),
}
INSIDE = {
    "CalibratedClassifierCV": lambda: CalibratedClassifierCV(plain(), cv=CV),
    "FixedThresholdClassifier": lambda: FixedThresholdClassifier(plain()),
    "TunedThresholdClassifierCV": lambda: TunedThresholdClassifierCV(
        plain(), cv=CV, scoring="accuracy"
    ),
    "BaggingClassifier": lambda: BaggingClassifier(plain(), 2),
    "VotingClassifier": lambda: VotingClassifier(
        [("one", plain()), ("other", plain())]
    ),
    "StackingClassifier": lambda: StackingClassifier([("one", plain())], cv=CV),
    "OneVsRestClassifier": lambda: OneVsRestClassifier(plain()),
    "OneVsOneClassifier": lambda: OneVsOneClassifier(plain()),
}
# Those of two classes alone.
BINARY = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")


def table():
    """Read the lines of the guide's table."""
    text = GUIDE.read_text(encoding="utf-8").split(".. _wrapped:")[1]
    rows = re.findall(
        r"^   \* - (.+)\n     - (\w+)\n     - (.+)\n     - (.+)$", text, re.M
    )
    return {
        name.replace("`", ""): (fits, verdict, right_way)
        for name, verdict, right_way, fits in rows
    }


@pytest.fixture(scope="module")
def data():
    """Samples with a label, and new ones; three classes."""
    X, y = load_digits(return_X_y=True)
    few = y < 3
    X, y = X[few] / 16, y[few]
    return X[:N_TRAIN], y[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]


def of(name, data):
    X, y, X_new, y_new = data
    if name not in BINARY:
        return data
    return X[y < 2], y[y < 2], X_new[y_new < 2], y_new[y_new < 2]


def partly(y, mark=-1):
    is_known = np.random.default_rng(0).random(len(y)) < 0.3
    return np.where(is_known, y if mark == -1 else y.astype(object), mark)


@pytest.fixture(autouse=True)
def _quiet():
    Counting.n_labels.clear()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*differ from those of all their neighbours")
        warnings.filterwarnings("ignore", "No label is given of")
        warnings.filterwarnings("ignore", "The only class found")
        yield


def test_the_table_and_the_tests_name_the_same():
    rows = table()
    assert list(rows) == list(WRAPPERS)
    assert {name for name, row in rows.items() if row[2].startswith("inside")} == set(
        INSIDE
    )


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_full_y_is_right_and_each_fit_asks_anew(name, data):
    X, y, X_new, y_new = of(name, data)
    classes, accuracy, sizes = WRAPPERS[name](model(), X, y, X_new, y_new)
    np.testing.assert_array_equal(classes, np.unique(y))
    assert accuracy > 0.85
    fits = table()[name][0]
    sizes |= {"cv": CV, "n_candidates": 2, "n_classes": len(classes)}
    formula, at_most = re.fullmatch("``(.+)``(, at most)?", fits).groups()
    n_fits = eval(formula, {}, sizes)
    if at_most:
        assert n_fits - 2 <= len(Counting.n_labels) <= n_fits
    else:
        assert len(Counting.n_labels) == n_fits
    assert all(n in (N_CLUSTERS, 40) for n in Counting.n_labels)


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_partly_labelled_y_does_what_the_table_says(name, data):
    X, y, X_new, y_new = of(name, data)
    try:
        classes, accuracy, _ = WRAPPERS[name](model(), X, partly(y), X_new, y_new)
    except ValueError:
        found = "refused"
    else:
        found = "wrong" if -1 in classes else "right"
        if found == "right":
            np.testing.assert_array_equal(classes, np.unique(y))
            assert accuracy > 0.85
    assert found == table()[name][1]


@pytest.mark.parametrize("name", INSIDE)
def test_inside_is_the_right_way(name, data):
    X, y, X_new, y_new = of(name, data)
    classifier = PropagatedClassifier(INSIDE[name](), model().propagator)
    classifier.fit(X, partly(y))
    np.testing.assert_array_equal(classifier.classes_, np.unique(y))
    assert classifier.score(X_new, y_new) > 0.9


def test_probabilities_in_a_loop(data):
    X, y, *_ = data
    y_partly = partly(y)
    probabilities = np.zeros((len(X), 3))
    for train, test in StratifiedKFold(CV).split(X, y_partly):
        fitted = clone(model()).fit(X[train], y_partly[train])
        probabilities[test] = fitted.predict_proba(X[test])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert np.mean(probabilities.argmax(axis=1) == y) > 0.9


WRONG = [name for name, row in table().items() if row[1] == "wrong"]


@pytest.mark.parametrize("name", WRONG)
def test_none_as_the_mark_is_refused(name, data):
    X, y, X_new, y_new = data
    if name == "cross_val_predict, predict_proba":
        found = cross_val_predict(
            model(None), X, partly(y, None), cv=CV, method="predict_proba"
        )
        assert found.shape[1] == 4  # the exception that the guide names
        return
    with pytest.raises((TypeError, ValueError)):
        WRAPPERS[name](model(None), X, partly(y, None), X_new, y_new)
    # In its right place it is no class.
    inside = PropagatedClassifier(INSIDE[name](), model(None).propagator)
    assert inside.fit(X, partly(y, None)).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("cv", [False, True])
def test_a_string_as_the_mark_is_told_where_y_was_encoded(name, cv, data):
    X, y, X_new, y_new = data
    names = np.array(["a", "b", "c"])[y]
    inner = model("?")
    if cv:
        inner = PropagatedClassifierCV(
            plain(), inner.propagator, train_on="samples", cv=2, random_state=0
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            WRAPPERS[name](
                inner, X, np.where(partly(y) == -1, "?", names), X_new, y_new
            )
        except AssertionError:
            assert name == "cross_val_predict, predict_proba"  # '?' is no -1
    told = [w for w in caught if "missing_label='?' is a string" in str(w.message)]
    assert bool(told) == (name != "CalibratedClassifierCV")


def test_nothing_is_told_where_nothing_was_encoded(data):
    X, y, *_ = data
    names = np.array(["a", "b", "c"])[y]
    model("?").fit(X, names)
    model("?").fit(X, np.where(partly(y) == -1, "?", names))
    model("?").fit(X, partly(y, "?"))  # numbers beside the mark
    with pytest.warns(
        UserWarning, match=r"missing_label='\?' is a string, and y holds"
    ):
        model("?").fit(X, y)
