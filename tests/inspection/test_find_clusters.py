"""Which clusters the displays show."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.inspection import FractionCurveDisplay
from kmeans_labelprop.inspection._plotting import find_clusters


def test_a_propagated_classifier_shows_the_clusters_of_its_propagator(blobs):
    X, y = blobs
    classifier = PropagatedClassifier(
        GaussianNB(), KMeansLabelPropagator(6, random_state=0)
    ).fit(X, y)
    assert_array_equal(find_clusters(classifier, X), classifier.propagator_.labels_)


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
