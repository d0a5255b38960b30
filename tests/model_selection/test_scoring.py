import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import make_blobs
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop.model_selection import make_labeled_scorer


@pytest.fixture
def half_right():
    """A classifier right on two of four labelled samples; two more lack a label."""
    X = np.arange(6.0)[:, None]
    y = np.array([1, 1, 0, 0, -1, -1])
    return DummyClassifier(strategy="constant", constant=1).fit(X, [0, 1] * 3), X, y


@pytest.mark.parametrize("container", [np.asarray, pd.Series, list])
def test_unlabelled_samples_do_not_count(half_right, container):
    classifier, X, y = half_right
    assert get_scorer("accuracy")(classifier, X, y) == pytest.approx(1 / 3)
    assert make_labeled_scorer("accuracy")(classifier, X, container(y)) == 0.5


def test_any_scorer_and_sentinel(half_right):
    classifier, X, y = half_right
    names = np.array(["?", "a", "b"])[np.array([1, 2, 2, 1, 0, 0])]
    classifier = DummyClassifier(strategy="constant", constant="a").fit(X, names)
    for scoring in ("accuracy", make_scorer(accuracy_score)):
        assert make_labeled_scorer(scoring, "?")(classifier, X, names) == 0.5

    def size(estimator, X, y):
        return len(y)

    assert make_labeled_scorer(size)(classifier, X, y) == 4


@pytest.mark.parametrize(("mark", "labels"), [(0, [1, 2, 3]), ("?", ["a", "b", "c"])])
@pytest.mark.parametrize("cv", [False, True])
def test_the_mark_is_that_of_the_propagator(mark, labels, cv):
    X, y = make_blobs(120, centers=3, cluster_std=0.5, random_state=0)
    y = np.where(np.arange(120) % 3 > 0, mark, np.array(labels)[y])
    propagator = KMeansLabelPropagator(6, missing_label=mark, random_state=0)
    model = PropagatedClassifier(GaussianNB(), propagator)
    if cv:
        model = PropagatedClassifierCV(GaussianNB(), propagator, random_state=0)
    model = make_pipeline(StandardScaler(), model)
    by_default = make_labeled_scorer("accuracy")
    assert cross_val_score(model, X, y, cv=3, scoring=by_default).min() > 0.9
    same = make_labeled_scorer("accuracy", mark)
    assert same(model.fit(X, y), X, y) == by_default(model, X, y)
    another = make_labeled_scorer("accuracy", -1)
    with pytest.raises(ValueError, match=f"that of the propagator, {mark!r}.* Got -1"):
        another(model, X, y)
    # Where both mean the same samples, nothing is wrong.
    assert another(model, X[::3], y[::3]) == same(model, X[::3], y[::3])


def test_probabilities_are_scored_on_labelled_samples(half_right):
    _, X, y = half_right
    classifier = LogisticRegression().fit(X[:4], y[:4])
    expected = get_scorer("roc_auc")(classifier, X[:4], y[:4])
    assert make_labeled_scorer("roc_auc")(classifier, X, y) == expected


def test_weights_are_cut_likewise(half_right):
    classifier, X, y = half_right
    weights = [3, 3, 1, 1, 100, 100]
    scorer = make_labeled_scorer("accuracy")
    assert scorer(classifier, X, y, sample_weight=weights) == 0.75


def test_nothing_to_score_is_an_error(half_right):
    classifier, X, _ = half_right
    with pytest.raises(ValueError, match="at least one label to be scored"):
        make_labeled_scorer("accuracy")(classifier, X, np.full(6, -1))


def test_illegal_scoring_is_named():
    with pytest.raises(ValueError, match=r"'scoring' parameter .* Got None"):
        make_labeled_scorer(None)
    with pytest.raises(ValueError, match="'precise' is not a valid scoring"):
        make_labeled_scorer("precise")


def test_it_survives_pickle_and_tells_what_it_is(half_right):
    scorer = pickle.loads(pickle.dumps(make_labeled_scorer("accuracy", "?")))
    assert "accuracy" in repr(scorer)
    assert "missing_label='?'" in repr(scorer)


def test_metadata_requests_are_those_of_the_scorer():
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_labeled_scorer("accuracy").set_score_request(sample_weight=True)
        routing = scorer.get_metadata_routing()
        assert routing.consumes("score", ["sample_weight"]) == {"sample_weight"}


def test_a_plain_function_requests_nothing():
    def count(estimator, X, y):
        return float(len(y))

    y = np.array([1, 0, -1, -1, 1, 1, 0, -1, 0, 1])
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_labeled_scorer(count)
        routing = scorer.get_metadata_routing()
        assert not routing.consumes("score", ["sample_weight"])
        scores = cross_val_score(
            DummyClassifier(), y[:, np.newaxis], y, scoring=scorer, cv=KFold(2)
        )
        assert scores.tolist() == [3, 4]
        with pytest.raises(AttributeError, match="requests no metadata"):
            scorer.set_score_request(sample_weight=True)
