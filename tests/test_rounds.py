"""Which labels to ask for next, beside a plain computation of the same."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from kmeans_labelprop import _rounds
from kmeans_labelprop._rounds import _draw, most_valuable_next


def greedy_by_hand(E, given, doubt, n_queries):
    """Try each sample: which lowers most the sum of doubt times squared distance?"""
    doubt = np.maximum(doubt, 1e-3)
    doubt[given] = 0
    costs = ((E[:, np.newaxis] - E[np.newaxis]) ** 2).sum(axis=2)
    chosen = list(given)
    while len(chosen) < len(given) + n_queries:
        left = costs[:, chosen].min(axis=1)
        sums = [doubt @ np.minimum(left, costs[:, i]) for i in range(len(E))]
        chosen.append(min(set(range(len(E))) - set(chosen), key=lambda i: (sums[i], i)))
    return chosen[len(given) :]


@pytest.fixture
def samples(rng):
    return rng.normal(size=(60, 3)), np.array([7, 30]), rng.random(60)


@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_each_lowers_the_doubtful_distances_most(samples, container):
    E, given, doubt = samples
    expected = greedy_by_hand(E, given, doubt.copy(), 12)
    found = most_valuable_next(container(E), given, doubt, 12, np.arange(60))
    assert found.tolist() == expected


def test_doubt_counts_as_much_as_distance(samples):
    E, given, _ = samples
    for sample in (3, 44):
        doubt = np.zeros(60)
        doubt[sample] = 1
        found = most_valuable_next(E, given, doubt, 1, np.arange(60))
        assert found.tolist() == [sample]


def test_fewer_are_the_first_of_more_and_no_more_than_there_are(samples):
    E, given, doubt = samples
    everything = most_valuable_next(E, given, doubt, 1000, np.arange(60))
    assert sorted([*everything, *given]) == list(range(60))
    for n in (1, 5, 30):
        found = most_valuable_next(E, given, doubt, n, np.arange(60))
        assert_array_equal(found, everything[:n])


def test_nothing_changes_far_from_the_origin(samples):
    E, given, doubt = samples
    found = most_valuable_next(E, given, doubt, 12, np.arange(60))
    far = most_valuable_next(E + 1e7, given, doubt, 12, np.arange(60))
    assert_array_equal(far, found)


def test_of_many_those_looked_at_are_drawn_by_doubt_along_the_order(rng, monkeypatch):
    monkeypatch.setattr(_rounds, "_N_DRAWN", 100)
    weights = rng.random(1000) * (rng.random(1000) < 0.7)
    order = rng.permutation(1000)
    drawn, counts = _draw(weights, order)
    assert counts.sum() == 100
    assert len(np.unique(drawn)) == len(drawn)
    assert (weights[drawn] > 0).all()
    # The weight of what is drawn follows that of the samples all along the order.
    at = np.zeros(1000)
    at[drawn] = counts
    expected = np.cumsum(weights[order]) / weights.sum() * 100
    assert_allclose(np.cumsum(at[order]), expected, atol=0.5 + 1e-9)


def test_many_samples_are_drawn_anew(rng, monkeypatch):
    monkeypatch.setattr(_rounds, "_N_DRAWN", 50)
    monkeypatch.setattr(_rounds, "_N_FROM_DRAW", 5)
    # Two groups, one of them doubtful: it gets the labels, and none twice.
    E = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(100, 1, (200, 2))])
    doubt = np.repeat([0.0, 1.0], 200)
    found = most_valuable_next(E, np.array([0, 200]), doubt, 18, np.arange(400))
    assert len(found) == len(set(found.tolist())) == 18
    assert (found > 200).all()
    # More would be no more than all.
    assert len(most_valuable_next(E, np.array([0]), doubt, 1000, np.arange(400))) == 399
