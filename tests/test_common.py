"""scikit-learn's and imbalanced-learn's own checks, for every face and label source."""

import numpy as np
import pytest
from imblearn.utils.estimator_checks import (
    parametrize_with_checks as parametrize_with_sampler_checks,
)
from scipy.sparse import issparse
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
)

# The checks fit a few samples many times: warnings about left-out clusters and lacking
# classes are right there, and tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore")


class RowOracle:
    """Labels by the sign of the first feature; abstains from a row if told to."""

    def __init__(self, abstained=()):
        self.abstained = list(abstained)

    def __call__(self, X_query):
        X_query = X_query.toarray() if issparse(X_query) else np.asarray(X_query)
        labels = (X_query[:, 0] > 0).astype(int)
        labels[self.abstained] = -1
        return labels

    def __repr__(self):
        # Goes into the names of tests, which must not change between processes.
        return f"RowOracle({self.abstained})"


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 8, "random_state": 0} | params)


PROPAGATORS = [
    propagator(**source, **face)
    for source in (
        {},
        {"oracle": RowOracle()},
        {"oracle": RowOracle(abstained=[1])},
        {"oracle": RowOracle(), "reuse_labels": False},
        {"oracle": "y"},
    )
    for face in ({"output": "samples"}, {"output": "features"})
] + [
    propagator(embedding=PCA(1)),
    propagator(clusterer=MiniBatchKMeans(batch_size=64)),
    propagator(fraction=0, embedding=None),
    propagator(propagation="cluster"),
    propagator(propagation="cluster", fraction=0.7, oracle=RowOracle(abstained=[1])),
]

CLASSIFIERS = [
    PropagatedClassifier(estimator, propagator(**source), sample_weight=weight)
    for estimator in (DecisionTreeClassifier(random_state=0), LogisticRegression())
    for source in ({}, {"oracle": RowOracle()})
    for weight in (None, "confidence")
] + [
    PropagatedClassifier(
        DecisionTreeClassifier(random_state=0),
        propagator(embedding=FunctionTransformer()),
        train_on="embedding",
    ),
]

SAMPLER_FAILURES = {
    "check_samplers_fit": "wants sampling_strategy_: this sampler balances nothing",
    "check_samplers_one_label": "one class in y is a legal answer of an oracle",
    "check_samplers_multiclass_ova": "indicator matrices are not label vectors",
}
# The labels are the oracle's: two classes, whatever y holds.
OWN_LABELS_FAILURES = dict.fromkeys(
    ("check_estimator_sparse_array", "check_estimator_sparse_matrix"),
    "counts probabilities by the classes of y, which reuse_labels=False leaves alone",
)
CLASSIFIER_FAILURES = {
    "check_classifiers_classes": "uses -1 as a class, which marks a missing label; "
    "scikit-learn exempts its own semi-supervised classifiers by name",
}


def propagator_failures(estimator):
    return {} if estimator.reuse_labels else OWN_LABELS_FAILURES


@parametrize_with_checks(PROPAGATORS, expected_failed_checks=propagator_failures)
def test_sklearn_checks_of_propagator(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore:The only class found is")
@parametrize_with_checks(
    CLASSIFIERS, expected_failed_checks=lambda estimator: CLASSIFIER_FAILURES
)
def test_sklearn_checks_of_classifier(estimator, check):
    check(estimator)


@parametrize_with_sampler_checks(
    [
        estimator
        for estimator in PROPAGATORS
        # One check wants the labels of y back, which reuse_labels=False does not read.
        if estimator.output == "samples" and estimator.reuse_labels
    ],
    expected_failed_checks=lambda estimator: SAMPLER_FAILURES,
)
def test_imblearn_checks_of_propagator(estimator, check):
    check(estimator)


@parametrize_with_sampler_checks(CLASSIFIERS)
def test_imblearn_checks_of_classifier(estimator, check):
    check(estimator)
