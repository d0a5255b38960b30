"""Which clusters the displays show."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_wine
from sklearn.exceptions import NotFittedError
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
from kmeans_labelprop.inspection._plotting import find_clusters


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


def test_a_global_fraction_has_no_curve_over_clusters(blobs):
    X, y = blobs
    fitted = KMeansLabelPropagator(4, fraction_scope="global", random_state=0)
    with pytest.raises(ValueError, match="fraction_scope='global'"):
        FractionCurveDisplay.from_estimator(fitted.fit(X, y), y)
