"""Properties that hold whatever the data."""

from __future__ import annotations

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import FixedCenters
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from kmeans_labelprop import KMeansLabelPropagator

# Whole numbers: distances are exact enough to tell ties from differences, and
# duplicates and constant columns come up often.
SAMPLES = st.integers(1, 40).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda d: arrays(np.float64, (n, d), elements=st.integers(-8, 8))
    )
)


@st.composite
def problems(draw):
    """Draw samples, their labels, centres and a fraction."""
    X = draw(SAMPLES)
    y = draw(arrays(np.int64, len(X), elements=st.integers(0, 3)))
    # Distinct centres, as k-means gives: a duplicate would only ever be empty.
    rows = st.lists(
        st.tuples(*[st.integers(-8, 8)] * X.shape[1]),
        min_size=1,
        max_size=5,
        unique=True,
    )
    centers = np.array(draw(rows), dtype=float)
    fraction = draw(st.floats(0, 1))
    return X, y, centers, fraction


RULES = st.sampled_from(["cluster", "graph"])

# Whether labels are few, or contradict each other, is for other tests to see.
EXPECTED = [
    "No label reaches",
    "The only class found",
    "Given labels that differ from those of",
]


@contextmanager
def without_expected_warnings(*more):
    with warnings.catch_warnings():
        for message in (*EXPECTED, *more):
            warnings.filterwarnings("ignore", message)
        yield


def fit(X, y, centers, fraction, propagation="cluster"):
    propagator = KMeansLabelPropagator(
        len(centers),
        embedding=None,
        clusterer=FixedCenters(centers=centers),
        fraction=fraction,
        propagation=propagation,
    )
    with without_expected_warnings():
        return propagator.fit(X, y)


@given(problems(), st.randoms(use_true_random=False), RULES)
def test_only_the_labels_of_representatives_are_read(problem, random, rule):
    X, y, centers, fraction = problem
    fitted = fit(X, y, centers, fraction, rule)
    corrupted = np.array([random.randrange(4) for _ in y])
    corrupted[fitted.representative_indices_] = y[fitted.representative_indices_]
    again = fit(X, corrupted, centers, fraction, rule)
    assert_array_equal(again.transduction_, fitted.transduction_)
    assert_array_equal(again.sample_indices_, fitted.sample_indices_)
    assert_array_equal(again.confidence_, fitted.confidence_)


@given(problems())
def test_kept_samples_are_the_nearest_of_their_cluster(problem):
    X, y, centers, fraction = problem
    fitted = fit(X, y, centers, fraction)
    distances = np.linalg.norm(X - centers[fitted.labels_], axis=1)
    kept = np.isin(np.arange(len(X)), fitted.sample_indices_)
    for cluster in np.unique(fitted.labels_):
        members = np.flatnonzero(fitted.labels_ == cluster)
        n_kept = kept[members].sum()
        assert abs(n_kept - fraction * len(members)) <= 0.5 or n_kept == 1
        if not kept[members].all():
            farthest = distances[members[kept[members]]].max()
            assert farthest <= distances[members[~kept[members]]].min()


@given(problems())
def test_in_an_experiment_a_cluster_gets_the_label_of_its_representative(problem):
    X, y, centers, fraction = problem
    fitted = fit(X, y, centers, fraction)
    label_of = dict(
        zip(
            fitted.representative_clusters_,
            y[fitted.representative_indices_],
            strict=True,
        )
    )
    assert_array_equal(fitted.transduction_, [label_of[c] for c in fitted.labels_])
    assert_array_equal(
        fitted.labels_[fitted.representative_indices_], fitted.representative_clusters_
    )
    assert ((fitted.confidence_ > 0) & (fitted.confidence_ <= 1)).all()


@given(problems(), st.floats(0, 1), RULES)
def test_a_larger_fraction_keeps_a_superset(problem, other_fraction, rule):
    X, y, centers, fraction = problem
    small, large = sorted((fraction, other_fraction))
    few = fit(X, y, centers, small, rule).sample_indices_
    many = fit(X, y, centers, large, rule).sample_indices_
    assert set(few) <= set(many)


@given(problems(), st.randoms(use_true_random=False))
def test_permuted_rows_give_permuted_results(problem, random):
    X, y, centers, fraction = problem
    # Ties are broken by position: give every sample a place of its own.
    X = X + np.arange(len(X))[:, None] * 1e-6
    order = np.array(random.sample(range(len(X)), len(X)))
    fitted = fit(X, y, centers, fraction)
    permuted = fit(X[order], y[order], centers, fraction)
    distances = np.linalg.norm(X - centers[fitted.labels_], axis=1)
    for cluster in np.unique(fitted.labels_):
        members = np.sort(distances[fitted.labels_ == cluster])
        # A tie all the same: distances count to nine digits of the largest.
        if (np.diff(members) < 2e-9 * distances.max()).any():
            return
    assert_array_equal(permuted.labels_, fitted.labels_[order])
    assert_array_equal(permuted.transduction_, fitted.transduction_[order])
    assert_array_equal(np.sort(order[permuted.sample_indices_]), fitted.sample_indices_)


@given(problems())
def test_dense_equals_sparse(problem):
    X, y, centers, fraction = problem
    dense = fit(X, y, centers, fraction)
    sparse = fit(csr_array(X), y, centers, fraction)
    assert_array_equal(sparse.labels_, dense.labels_)
    assert_array_equal(sparse.sample_indices_, dense.sample_indices_)
    assert_array_equal(sparse.transduction_, dense.transduction_)


@given(problems())
def test_float32_equals_float64_where_both_are_exact(problem):
    X, y, centers, fraction = problem
    double = fit(X, y, centers, fraction)
    single = fit(X.astype(np.float32), y, centers, fraction)
    assert single.cluster_centers_.dtype == np.float32
    assert_array_equal(single.sample_indices_, double.sample_indices_)
    assert_array_equal(single.transduction_, double.transduction_)


@pytest.mark.filterwarnings("ignore:Known labels that differ from those of all")
@given(problems(), st.data())
def test_partial_y_and_oracle_equal_full_knowledge(problem, data):
    """Whatever is known, every label comes from y or from one question."""
    X, y, centers, fraction = problem
    known = data.draw(arrays(bool, len(X)))
    asked = []

    def oracle(ids):
        asked.extend(ids)
        return y[ids]

    propagator = KMeansLabelPropagator(
        len(centers),
        embedding=None,
        clusterer=FixedCenters(centers=centers),
        fraction=fraction,
        oracle=oracle,
    )
    with without_expected_warnings("The oracle is never asked"):
        propagator.fit(X, np.where(known, y, -1), sample_ids=np.arange(len(X)))
    assert not known[asked].any()
    assert len(set(asked)) == len(asked) == propagator.n_queries_
    assert propagator.n_known_ == known.sum()
    assert_array_equal(
        propagator.given_.positions, np.union1d(np.flatnonzero(known), asked)
    )
    representatives = propagator.representative_indices_
    assert_array_equal(propagator.representative_labels_, y[representatives])
    for cluster in np.unique(propagator.labels_):
        members = propagator.labels_ == cluster
        n_asked = members[asked].sum()
        assert n_asked == (not known[members].any())


@settings(max_examples=40)
@given(SAMPLES, st.integers(1, 45), st.sampled_from([np.float32, np.float64]))
def test_kmeans_on_awkward_data_is_right_or_refused(X, n_clusters, dtype):
    y = np.arange(len(X)) % 3
    propagator = KMeansLabelPropagator(
        n_clusters, embedding=None, propagation="cluster", random_state=0
    )
    with without_expected_warnings("Number of distinct clusters"):
        if n_clusters > len(X):
            with pytest.raises(ValueError, match="should be >= n_clusters"):
                propagator.fit(X.astype(dtype), y)
            return
        propagator.fit(X.astype(dtype), y)
    representatives = propagator.representative_indices_
    assert len(set(propagator.labels_[representatives])) == len(representatives)
    assert_array_equal(
        np.unique(propagator.labels_), propagator.representative_clusters_
    )
    assert_array_equal(propagator.transduction_[representatives], y[representatives])
    assert len(propagator.sample_indices_) == len(X)
    assert np.isfinite(propagator.inertia_)
