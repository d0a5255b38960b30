"""Which clusters the displays show."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import euclidean_distances
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop.inspection import (
    ClusterCompositionDisplay,
    FractionCurveDisplay,
    RepresentativesDisplay,
    SilhouetteDisplay,
)
from kmeans_labelprop.inspection._plotting import find_clusters, get_propagator


def test_a_propagated_classifier_shows_the_clusters_of_its_propagator(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(
        GaussianNB(), KMeansLabelPropagator(6, random_state=0)
    ).fit(X, y)
    assert_array_equal(find_clusters(classifier, X), classifier.propagator_.labels_)


@pytest.mark.parametrize("kind", [PropagatedClassifier, PropagatedClassifierCV])
def test_every_display_shows_the_propagator_of_a_classifier(kind):
    X, y = load_wine(return_X_y=True)
    propagator = KMeansLabelPropagator(20, embedding=StandardScaler(), random_state=0)
    classifier = kind(GaussianNB(), propagator).fit(X, y)
    inner = classifier.propagator_
    silhouettes, by_cluster, curve, representatives = (
        [display.from_estimator(each, *data, **style) for each in (classifier, inner)]
        for display, data, style in (
            (SilhouetteDisplay, (X,), {}),
            (ClusterCompositionDisplay, (X, y), {}),
            (FractionCurveDisplay, (y,), {}),
            (RepresentativesDisplay, (X,), {"image_shape": (1, 13)}),
        )
    )
    assert silhouettes[0].score == silhouettes[1].score
    assert_array_equal(by_cluster[0].counts, by_cluster[1].counts)
    assert_array_equal(curve[0].accuracies, curve[1].accuracies)
    assert_array_equal(representatives[0].labels, representatives[1].labels)


def test_a_classifier_must_be_fitted():
    with pytest.raises(NotFittedError, match="PropagatedClassifier instance"):
        FractionCurveDisplay.from_estimator(PropagatedClassifier(GaussianNB()), [0])


def test_classes_are_not_taken_for_clusters(blobs):
    with pytest.raises(TypeError, match="GaussianNB predicts classes, not clusters"):
        find_clusters(GaussianNB().fit(*blobs), blobs[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_samples_of_another_dtype_than_the_centres(blobs, dtype):
    X, y = blobs
    fitted = KMeansLabelPropagator(4, random_state=0).fit(X.astype(np.float32), y)
    assert_array_equal(find_clusters(fitted, X.astype(dtype)), fitted.labels_)


def test_new_samples_go_to_the_nearest_centre_whatever_predicts_their_class(blobs):
    X, y = blobs
    propagator = KMeansLabelPropagator(8, embedding=StandardScaler(), random_state=0)
    classifier = PropagatedClassifierCV(
        DummyClassifier(strategy="constant", constant=0), propagator, random_state=0
    ).fit(X, y)
    assert classifier.estimator_ is None  # the propagator predicts classes
    inner = classifier.propagator_
    new = X[::-1] + 0.1
    distances = euclidean_distances(inner.embed(new), inner.cluster_centers_)
    expected = distances.argmin(axis=1)
    assert expected.max() > 3
    for each in (classifier, inner):
        assert_array_equal(find_clusters(each, new), expected)
    assert_array_equal(find_clusters(classifier, None), inner.labels_)


def test_the_propagator_is_taken_out_of_both_classifiers(blobs):
    of = KMeansLabelPropagator(8, random_state=0)
    for kind in (PropagatedClassifier, PropagatedClassifierCV):
        with pytest.raises(NotFittedError):
            get_propagator(kind(GaussianNB(), of))
        fitted = kind(GaussianNB(), of).fit(*blobs)
        assert get_propagator(fitted) is fitted.propagator_
    assert get_propagator(of) is of


def test_clusters_are_shown_before_any_label(blobs):
    X, y = blobs
    propagator = KMeansLabelPropagator(6, random_state=0)
    propagator.query(X)
    assert len(SilhouetteDisplay.from_estimator(propagator, X).shapes_) == 6
    known = ClusterCompositionDisplay.from_estimator(propagator, X, y)
    assert_array_equal(known.n_samples, np.bincount(propagator.labels_))
    shown = RepresentativesDisplay.from_estimator(propagator, X)
    assert len(shown.axes_) == 6
    with pytest.raises(NotFittedError):
        FractionCurveDisplay.from_estimator(propagator, y)
