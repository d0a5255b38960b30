"""Wrong parameters: refused by name, before anyone is asked."""

from __future__ import annotations

from collections import OrderedDict
from fractions import Fraction

import numpy as np
import pytest
from attack.tools import (
    FULL,
    RULES,
    RefusesToAnswer,
    make_groups,
    needs_dask,
    propagator,
    quiet,
)
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
    NearestNeighbors,
    RadiusNeighborsTransformer,
)
from sklearn.preprocessing import FunctionTransformer

from kmeans_labelprop import (
    PropagatedClassifier,
    PropagatedClassifierCV,
    dask,
    streaming,
)

X, Y = make_groups()


class Broken(TransformerMixin, BaseEstimator):
    """A part that fails in fit."""

    def __init__(self, n_clusters=2):
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        raise ValueError("broken part")

    def transform(self, X):
        return X


NO_NUMBERS = ["3", None, [3], {}, object(), np.array([3]), 1 + 1j]
NO_COUNTS = [*NO_NUMBERS, 0, -1, 1.5, np.nan, np.inf, 3.0]
NO_SHARES = [*NO_NUMBERS, -0.1, 1.1, np.nan, np.inf, -np.inf]
NO_CHOICES = ["", "Graph", "graphs", 0, 1, True, None, ["graph"], object()]
OF_PROPAGATOR = {
    "n_clusters": NO_COUNTS,
    "fraction": NO_SHARES,
    "oracle": [3, "x", "", [], {}, True],
    "embedding": ["pca", 3, [PCA()], PCA, {}, DBSCAN(), np.zeros(3)],
    "clusterer": ["kmeans", 3, KMeans, [], PCA(), DBSCAN(), np.zeros(3)],
    "propagation": NO_CHOICES,
    "neighbors": ["knn", 3, KNeighborsTransformer, NearestNeighbors(), []],
    "alpha": ["Auto", 0, 1, 0.0, 1.0, -0.1, 2, np.nan, np.inf, None, [0.5], {}, 0.5j],
    "class_prior": [
        "Uniform", 1, [], [1, 2], {}, {0: 0}, {0: -1}, {0: np.nan}, {0: np.inf},
        {0: "1"}, {0: None}, {0: 1, 1: [1]}, OrderedDict(), np.array([1, 2]), True,
    ],
    "max_retries": [-1, 0.5, "1", None, np.nan, np.inf, [1], 1.0],
    "reuse_labels": ["yes", None, 2, 0.5, [], -1],
    "output": ["", "sample", 1, None, ["samples"], True],
    "missing_label": [[-1], {}, object(), (1,), 1j, np.array([-1, -2]), {1}],
    "memory": [3, 0.5, [], {}, True, object()],
    "n_jobs": [0, 0.5, "2", [1], np.nan, np.inf, 2.0],
    "random_state": ["0", -1, 0.5, [0], np.nan, {}, object(), 2**32],
    "verbose": ["1", -1, None, [1], 0.5],
}  # fmt: skip
OF_CLASSIFIER = {
    "estimator": [None, 3, "nb", GaussianNB, [], LinearRegression(), PCA],
    "propagator": [3, "p", GaussianNB(), [], propagator, KMeans()],
    "sample_weight": ["Confidence", 1, True, [1.0], "none", {}],
    "train_on": ["", "sample", None, 1, ["samples"], "neighbors"],
}
OF_CHOICE = OF_CLASSIFIER | {
    "propagations": [
        [], "graph", None, 3, ["tree"], ["graph", 1], {"graph": 1, "x": 2}, [None], "",
    ],
    "fractions": [
        [], None, 0.5, "all", [1.1], [-0.1], [np.nan], ["0"], [None], [[0.5]], [1j],
        [np.inf], {}, "",
    ],
    "selection_estimator": [3, "nb", GaussianNB, [], LinearRegression()],
    "selection_max_samples": [0, -1, 1.5, "9", [9], np.nan, 9.0],
    "scoring": ["f1", None, 1, "", ["accuracy"], len],
    "cv": [0, 1, -1, 1.5, "loo", None, [], np.nan, GroupKFold, object(), 5.0],
    "n_repeats": [0, -1, 1.5, "1", None, np.nan, [1]],
    "n_jobs": OF_PROPAGATOR["n_jobs"],
    "random_state": OF_PROPAGATOR["random_state"],
    "verbose": OF_PROPAGATOR["verbose"],
}  # fmt: skip


def cases(table, prefix=""):
    for name, values in table.items():
        for number, value in enumerate(values):
            yield pytest.param(prefix + name, value, id=f"{prefix}{name}-{number}")


def refused(make, name, value, match=None):
    """Set a wrong value, fit, and check that nobody is asked."""
    for rule in RULES:
        oracle = RefusesToAnswer()
        model = make(oracle, rule)
        part = name.rpartition("__")[2]
        with quiet(), pytest.raises((ValueError, TypeError)) as caught:
            model.set_params(**{name: value}).fit(X)
        assert oracle.n_asked == 0
        text = str(caught.value)
        assert match or part in text, f"{part} is not named: {text}"
        assert "unexpected keyword" not in text


def plain(oracle, rule):
    return propagator(oracle=oracle, propagation=rule, n_clusters=6)


def classifier(oracle, rule):
    return PropagatedClassifier(GaussianNB(), plain(oracle, rule))


def choice(oracle, rule):
    return PropagatedClassifierCV(
        GaussianNB(), plain(oracle, rule), propagations=[rule], cv=2, n_repeats=1
    )


@pytest.mark.parametrize(("name", "value"), cases(OF_PROPAGATOR))
def test_wrong_values_of_the_propagator(name, value):
    refused(plain, name, value)


few = None if FULL else 5


@pytest.mark.parametrize(
    ("name", "value"), list(cases(OF_PROPAGATOR, "propagator__"))[::few]
)
@pytest.mark.parametrize("make", [classifier, choice])
def test_wrong_values_of_the_propagator_in_a_classifier(make, name, value):
    if make is choice and name in ("propagator__propagation", "propagator__fraction"):
        return  # replaced by those chosen
    refused(make, name, value)


@pytest.mark.parametrize(("name", "value"), cases(OF_CLASSIFIER))
def test_wrong_values_of_the_classifier(name, value):
    refused(classifier, name, value)


@pytest.mark.parametrize(("name", "value"), cases(OF_CHOICE))
def test_wrong_values_of_the_choice(name, value):
    refused(choice, name, value)


# What shows only with the samples.

GRAPH_ONLY = [
    {"neighbors": KNeighborsTransformer(n_neighbors=500)},
    {"neighbors": RadiusNeighborsTransformer(radius=-1.0)},
    {"neighbors": FunctionTransformer()},
    {"neighbors": FunctionTransformer(lambda A: A[:5], validate=False)},
    {"neighbors": KMeans(3)},
    {"neighbors": Broken()},
]
WITH_SAMPLES = [
    {"n_clusters": 121},
    {"embedding": PCA(99)},
    {"embedding": Broken()},
    {"embedding": FunctionTransformer(lambda A: A[:5], validate=False)},
    {"embedding": FunctionTransformer(lambda A: A * np.nan)},
    {"embedding": FunctionTransformer(lambda A: A * 1e300)},
    {"clusterer": KMeans(max_iter=0)},
    {"clusterer": KMeans(init="nonsense")},
    {"clusterer": Broken()},
]


@pytest.mark.parametrize(
    "params",
    [
        pytest.param(params, id=f"{next(iter(params))}-{number}")
        for number, params in enumerate(WITH_SAMPLES + GRAPH_ONLY)
    ],
)
@pytest.mark.parametrize("make", [plain, classifier, choice])
def test_what_shows_with_the_samples_only(make, params):
    for rule in RULES if params in WITH_SAMPLES else ["graph"]:
        oracle = RefusesToAnswer()
        model = make(oracle, rule)
        for part in (model, getattr(model, "propagator", model)):
            known = part.get_params(deep=False)
            if set(params) <= set(known):
                part.set_params(**params)
        with quiet(), pytest.raises((ValueError, TypeError, IndexError)):
            model.fit(X)
        assert oracle.n_asked == 0


FIT = [
    {"y": Y[:50]},
    {"y": Y.astype(float) + 0.5},
    {"y": np.full(120, np.nan)},
    {"y": np.column_stack([Y, Y])},
    {"y": [1, "a"] * 60},
    {"y": np.array([np.inf, 1.0] * 60)},
    {"y": 5},
    {"y": "abc"},
    {"sample_ids": np.arange(50)},
    {"sample_ids": 5},
]


@pytest.mark.parametrize("arguments", FIT, ids=lambda a: "-".join(a))
@pytest.mark.parametrize("make", [plain, classifier, choice])
def test_wrong_arguments_of_fit(make, arguments):
    for rule in RULES:
        oracle = RefusesToAnswer()
        with quiet(), pytest.raises((ValueError, TypeError)):
            make(oracle, rule).fit(X, **arguments)
        assert oracle.n_asked == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("params", "arguments"),
    [
        ({"sample_weight": "confidence", "estimator": KNeighborsClassifier()}, {}),
        ({"cv": GroupKFold(2)}, {}),
        ({"cv": StratifiedGroupKFold(2)}, {}),
        ({}, {"groups": np.arange(5)}),
        ({}, {"groups": 3}),
        ({}, {"sample_weight": np.ones(5)}),
        ({"propagator__n_clusters": 1}, {}),
    ],
    ids=str,
)
def test_what_a_choice_cannot_be_made_with(params, arguments, rule):
    oracle = RefusesToAnswer()
    with quiet(), pytest.raises((ValueError, TypeError)):
        choice(oracle, rule).set_params(**params).fit(X, **arguments)
    assert oracle.n_asked == 0


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", sorted(OF_PROPAGATOR))
def test_wrong_values_set_later_leave_all_as_it_was(name, rule):
    fitted = propagator(propagation=rule)
    fitted.fit(X, Y)
    before = fitted.transduction_.copy(), dict(fitted.answers_)
    for value in OF_PROPAGATOR[name]:
        good = getattr(fitted, name)
        fitted.set_params(**{name: value})
        try:
            with quiet(), pytest.raises((ValueError, TypeError)):
                fitted.propagate({0: int(Y[0])})
        except pytest.fail.Exception:
            # Of these parts nothing is used any more.
            assert name in ("embedding", "clusterer", "neighbors", "oracle", "memory")
            before = fitted.transduction_.copy(), dict(fitted.answers_)
            continue
        finally:
            fitted.set_params(**{name: good})
        assert (fitted.transduction_ == before[0]).all()
        assert fitted.answers_ == before[1]


BLOCKS = {
    name: values
    for name, values in OF_PROPAGATOR.items()
    if name in ("n_clusters", "fraction", "oracle", "propagation", "random_state")
} | {
    "n_anchors": NO_COUNTS,
    "folder": [3, 0.5, [], {}, b"x"],
    "missing_label": [None, *OF_PROPAGATOR["missing_label"]],
}


@pytest.mark.parametrize(("name", "value"), cases(BLOCKS))
def test_wrong_values_of_the_propagator_of_blocks(name, value):
    def make(oracle, rule):
        return streaming.KMeansLabelPropagator(6, oracle=oracle, propagation=rule)

    refused(make, name, value)


SEEDS = [3, np.int8(3), np.uint64(3), np.int64(3)]


@pytest.mark.parametrize(
    "make",
    [
        propagator,
        streaming.KMeansLabelPropagator,
        pytest.param(dask.KMeansLabelPropagator, marks=needs_dask),
    ],
)
def test_a_seed_is_the_same_in_any_type(make):
    found = [
        np.asarray(make(n_clusters=6, random_state=seed).fit(X, Y).transduction_)
        for seed in SEEDS
    ]
    for other in found[1:]:
        assert (other == found[0]).all()


@pytest.mark.parametrize("value", [Fraction(1, 2), np.timedelta64(1), 1j])
def test_numbers_that_no_interval_takes_are_refused_by_name(value):
    refused(plain, "fraction", value)
    refused(plain, "n_clusters", value)
