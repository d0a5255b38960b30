"""Labels that are given are facts: never changed, never left out, by no rule."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import FixedCenters, RecordingOracle
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from kmeans_labelprop import KMeansLabelPropagator, _propagation
from kmeans_labelprop._given import (
    GivenLabels,
    KnownLabels,
    majority_codes,
    merge_labels,
)

both_rules = pytest.mark.parametrize("rule", ["cluster", "graph"])


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 4, "random_state": 0} | params)


def known_labels(**labels_by_position):
    """Make known labels from p1="a", p4="b"."""
    positions = np.array([int(name[1:]) for name in labels_by_position], dtype=np.intp)
    return KnownLabels(positions, np.array(list(labels_by_position.values())))


NOTHING = KnownLabels(np.empty(0, dtype=np.intp), np.empty(0))


def as_dict(labels):
    """Show given labels by position."""
    names = labels.classes[labels.codes].tolist()
    return dict(zip(labels.positions.tolist(), names, strict=True))


# Merging what is known with what is answered.


def test_an_answer_adds_to_replaces_and_withdraws_what_is_known():
    known = known_labels(p1="a", p4="b", p6="a", p8="d")
    merged = merge_labels(known, {9: "e", 4: "cc", 2: "b", 6: None, 7: None})
    assert as_dict(merged) == {1: "a", 2: "b", 4: "cc", 8: "d", 9: "e"}
    assert_array_equal(merged.positions, [1, 2, 4, 8, 9])
    assert_array_equal(merged.classes, ["a", "b", "cc", "d", "e"])
    assert as_dict(merge_labels(known, {})) == {1: "a", 4: "b", 6: "a", 8: "d"}


def test_a_class_whose_labels_are_all_gone_is_gone():
    known = known_labels(p1="a", p4="b")
    assert_array_equal(merge_labels(known, {4: None}).classes, ["a"])
    assert_array_equal(merge_labels(known, {4: "a"}).classes, ["a"])
    assert len(merge_labels(known, {1: None, 4: None})) == 0
    assert len(merge_labels(NOTHING, {3: None})) == 0


def test_answers_alone_choose_their_own_kind():
    assert as_dict(merge_labels(NOTHING, {5: 2.0, 3: 7})) == {3: 7, 5: 2}
    assert as_dict(merge_labels(NOTHING, {5: "x"})) == {5: "x"}


def test_the_kind_of_the_known_labels_binds_the_answers():
    known = KnownLabels(np.array([0]), np.array([7], dtype=np.uint8))
    merged = merge_labels(known, {2: 9, 0: None})
    assert merged.classes.dtype == np.uint8
    for label in (256, -1, 2.5):
        with pytest.raises(ValueError, match="must fit the dtype of y, uint8"):
            merge_labels(known, {2: label})
    with pytest.raises(TypeError, match="all strings or all numbers"):
        merge_labels(known, {2: "a"})
    # Also where the answer takes the place of the last of them.
    with pytest.raises(ValueError, match="Got strings"):
        merge_labels(known, {0: "a"})


@pytest.mark.parametrize("kind", [int, np.int64, np.uint64, np.uint8])
def test_large_numbers_are_merged_exactly_with_small_ones_of_any_type(kind):
    large = 2**63 + 3
    known = KnownLabels(np.array([0, 3]), np.array([large, large + 1], dtype=np.uint64))
    merged = merge_labels(known, {1: kind(5), 2: np.uint64(large + 2)})
    assert as_dict(merged) == {0: large, 1: 5, 2: large + 2, 3: large + 1}
    assert merged.classes.dtype == np.uint64


def test_given_labels_are_looked_up_by_position():
    labels = GivenLabels(np.array([2, 5, 9]), np.array([1, 0, 1]), np.array(["a", "b"]))
    codes = labels.codes_at(np.array([9, 0, 2, 3, 10, 5]))
    assert_array_equal(codes, [1, -1, 1, -1, -1, 0])
    taken = labels.take(np.array([True, False, True]))
    assert_array_equal(taken.positions, [2, 9])
    assert_array_equal(taken.codes, [1, 1])
    assert_array_equal(taken.classes, ["a", "b"])
    nothing = labels.take(np.zeros(3, dtype=bool))
    assert_array_equal(nothing.codes_at(np.array([2, 5])), [-1, -1])


@pytest.mark.parametrize(
    ("groups", "codes", "expected"),
    [
        ([0, 0, 0], [1, 2, 2], [2, 2, 2]),
        ([0, 0, 0], [2, 2, 0], [2, 2, 2]),
        ([7, 3, 7, 3, 7], [1, 0, 1, 2, 0], [1, 0, 1, 0, 1]),
        ([0, 1, 2], [2, 1, 0], [2, 1, 0]),
    ],
)
def test_copies_speak_with_the_voice_of_most(groups, codes, expected):
    positions = np.arange(len(codes)) * 3
    found = majority_codes(np.array(groups), np.array(codes), positions)
    assert_array_equal(found, expected)


def test_of_as_many_labels_of_copies_any_counts():
    # Fifty samples, two copies each, in a table sorted by class.
    groups, codes = np.tile(np.arange(50), 2), np.repeat([0, 1], 50)
    found = majority_codes(groups, codes, np.arange(100))
    assert_array_equal(found[:50], found[50:])
    assert 10 < found[:50].sum() < 40
    # Whatever else is given.
    some = np.flatnonzero(groups < 30)
    again = majority_codes(groups[some], codes[some], some)
    assert_array_equal(again, found[some])


# Facts.


def assert_facts(fitted, y, known):
    """Check that all that is known of y stands, wherever it is looked for."""
    positions = np.flatnonzero(known)
    assert_array_equal(fitted.transduction_[known], y[known])
    assert np.isin(positions, fitted.sample_indices_).all()
    assert_array_equal(fitted.confidence_[known], 1)
    assert np.isin(positions, fitted.given_.positions).all()
    assert_array_equal(fitted.classes_[fitted.given_.codes_at(positions)], y[known])
    assert fitted.n_known_ == len(positions)


@both_rules
@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("n_known", [3, 1500])
def test_labels_at_random_all_stand(rng, rule, fraction, n_known):
    """Nothing near them agrees: a rule that corrected labels would change most."""
    X, y = rng.normal(size=(2000, 5)), rng.integers(0, 6, 2000)
    known = np.isin(np.arange(2000), rng.choice(2000, n_known, replace=False))
    fitted = propagator(n_clusters=20, propagation=rule, fraction=fraction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        X_res, y_res = fitted.fit_resample(X, np.where(known, y, -1))
    assert_facts(fitted, y, known)
    rows = np.searchsorted(fitted.sample_indices_, np.flatnonzero(known))
    assert_array_equal(X_res[rows], X[known])
    assert_array_equal(y_res[rows], y[known])
    if fraction == 0:
        assert len(y_res) == n_known


@both_rules
def test_a_rare_class_with_a_few_known_rows_is_never_lost(rng, rule):
    X, y = rng.normal(size=(600, 4)), (np.arange(600) < 5).astype(int)
    known = np.arange(600) % 2 == 0
    for fraction in (0, 0.2, 0.7):
        fitted = propagator(n_clusters=10, propagation=rule, fraction=fraction)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".* differ from those of all their neigh")
            _, y_res = fitted.fit_resample(X, np.where(known, y, -1))
        assert_facts(fitted, y, known)
        assert np.sum(y_res == 1) >= 3


@both_rules
def test_every_given_label_counts_not_one_a_cluster(rule):
    """One cluster, two ends: each sample takes the label at its end."""
    X = np.arange(40.0)[:, None]
    y = np.repeat([3, 5], 20)
    partial = np.full(40, -1)
    partial[[2, 8, 30]] = y[[2, 8, 30]]
    one = propagator(n_clusters=1, propagation=rule, class_prior=None).fit(X, partial)
    is_clear = np.abs(X[:, 0] - 19.5) > 3
    assert_array_equal(one.transduction_[is_clear], y[is_clear])
    assert_array_equal(one.predict(X[is_clear]), y[is_clear])


@both_rules
def test_known_labels_of_a_cluster_are_not_asked_for_and_all_used(blobs, rule):
    X, y = blobs
    known = (y == 1) | ((y == 2) & (np.arange(len(X)) % 2 == 0))
    oracle = RecordingOracle(X, y)
    fitted = propagator(oracle=oracle, propagation=rule, fraction=0)
    fitted.fit(X, np.where(known, y, -1))
    assert oracle.n_asked == fitted.n_queries_ == 2
    assert_facts(fitted, y, known)
    assert len(fitted.given_) == known.sum() + 2
    assert_array_equal(fitted.sample_indices_, fitted.given_.positions)


SOURCES = ["y", "oracle", "query"]


@st.composite
def partly_labelled(draw):
    """Draw samples, many of them copies, and labels that contradict each other."""
    n_samples = draw(st.integers(2, 30))
    n_features = draw(st.integers(1, 2))
    X = draw(arrays(np.float64, (n_samples, n_features), elements=st.integers(-2, 2)))
    y = draw(arrays(np.int64, n_samples, elements=st.integers(0, 3)))
    known = draw(arrays(bool, n_samples))
    rows = st.lists(
        st.tuples(*[st.integers(-2, 2)] * n_features),
        min_size=1,
        max_size=4,
        unique=True,
    )
    return X, y, known, np.array(draw(rows), dtype=float)


@settings(max_examples=200)
@given(
    partly_labelled(),
    st.sampled_from(["cluster", "graph"]),
    st.sampled_from([0.0, 1.0]) | st.floats(0, 1),
    st.sampled_from(SOURCES),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_no_known_label_is_ever_changed_or_left_out(
    problem, rule, fraction, source, is_sparse, random
):
    X, y, known, centers = problem
    if source != "oracle" and not known.any():
        known[0] = True
    if source == "y" and known.all():
        known[-1] = False  # else it were an experiment
    partial = np.where(known, y, -1)
    rows = csr_array(X) if is_sparse else X
    answered = {}

    def oracle(ids):
        for i in ids:
            # Abstains now and then, and says what nobody knows yet; not at first.
            is_silent = bool(answered) and random.random() < 0.3
            answered[int(i)] = None if is_silent else random.randrange(6)
        return [answered[int(i)] for i in ids]

    fitted = KMeansLabelPropagator(
        len(centers),
        clusterer=FixedCenters(centers=centers),
        propagation=rule,
        fraction=fraction,
        oracle=oracle if source == "oracle" else None,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if source == "query":
            asked = fitted.query(rows, partial)
            assert not known[asked].any()
            fitted.propagate([random.choice([-1, 4, 5]) for _ in asked])
            answered = fitted.answers_
        elif source == "oracle":
            _, y_res = fitted.fit_resample(rows, partial, sample_ids=np.arange(len(X)))
        else:
            _, y_res = fitted.fit_resample(rows, partial)
    assert_facts(fitted, y, known)
    # Answers are facts as well.
    for position, label in answered.items():
        if label is not None:
            assert fitted.transduction_[position] == label
            assert position in fitted.sample_indices_
            assert fitted.confidence_[position] == 1
    if source != "query":
        assert_array_equal(y_res, fitted.transduction_[fitted.sample_indices_])


# Copies of a sample.


@contextmanager
def warns_of_copies(n_labels):
    """Expect to be told of copies; of neighbours that differ is right as well."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    told = [str(each.message) for each in caught if "most copies" in str(each.message)]
    assert len(told) == 1
    assert re.search(rf"\b{n_labels}\b", told[0])


@both_rules
@pytest.mark.parametrize("container", [np.asarray, csr_array])
def test_copies_keep_their_labels_and_the_majority_counts_for_others(rule, container):
    X = np.array([[1.0]] * 6 + [[1.2], [1.3], [9.0], [9.1], [9.2]])
    partial = np.array(["a", "b", "", "b", "", "", "", "", "c", "", ""])
    labelled = propagator(
        n_clusters=2, propagation=rule, missing_label="", class_prior=None
    )
    with warns_of_copies(1):
        labelled.fit(container(X), partial)
    expected = ["a", "b", "b", "b", "b", "b", "b", "b", "c", "c", "c"]
    assert_array_equal(labelled.transduction_, expected)
    assert_array_equal(labelled.predict(container(X[:8])), ["b"] * 8)
    assert_array_equal(labelled.confidence_[[0, 1, 3, 8]], 1)


@both_rules
def test_of_as_many_labels_of_copies_one_counts(rule):
    X = np.array([[0.0]] * 4 + [[5.0], [5.5], [6.0]])
    partial = np.array([-1, 2, 1, -1, 3, 3, -1])
    labelled = propagator(n_clusters=2, propagation=rule)
    with warns_of_copies(1):
        labelled.fit(X, partial)
    assert_array_equal(labelled.transduction_[[1, 2, 4, 5, 6]], [2, 1, 3, 3, 3])
    assert labelled.transduction_[0] == labelled.transduction_[3] != 3


def test_copies_that_agree_are_not_warned_of(blobs):
    X, y = blobs
    twice, labels = np.r_[X, X], np.r_[y, y]
    partial = np.where(np.arange(240) % 3 == 0, labels, -1)
    fitted = propagator().fit(twice, partial)
    assert_facts(fitted, labels, partial >= 0)


# An experiment, or labels that are known.


@both_rules
def test_one_missing_label_makes_all_others_known(blobs, rule):
    X, y = blobs
    noisy = y.copy()
    noisy[::7] = (y[::7] + 1) % 4
    experiment = propagator(propagation=rule).fit(X, noisy)
    assert (experiment.n_known_, experiment.n_queries_) == (0, 4)
    assert len(experiment.given_) == 4
    noisy[1] = -1
    real = propagator(propagation=rule)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        real.fit(X, noisy)
    assert (real.n_known_, real.n_queries_) == (119, 0)
    assert real.answers_ == {}
    assert_facts(real, noisy, noisy >= 0)
    assert real.transduction_[1] == y[1]


@pytest.mark.parametrize(
    ("mark", "missing_label"),
    [(-1, -1), ("", ""), (None, -1), (np.nan, np.nan), (pd.NA, "?")],
)
def test_a_missing_label_of_any_kind_makes_the_others_known(blobs, mark, missing_label):
    X, y = blobs
    labels = (y.astype(str) if isinstance(mark, str) else y).astype(object)
    labels[5] = mark
    if isinstance(mark, float):
        labels = labels.astype(float)
    fitted = propagator(missing_label=missing_label).fit(X, labels)
    assert (fitted.n_known_, fitted.n_queries_) == (119, 0)


@both_rules
def test_an_oracle_called_y_reads_only_what_it_is_asked(blobs, rule):
    X, y = blobs
    partial = np.where(np.arange(len(X)) % 5 == 0, -1, y)
    fitted = propagator(oracle="y", propagation=rule, n_clusters=9)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(No label|.* clusters have no label)")
        fitted.fit(X, partial)
        assert (fitted.n_known_, fitted.n_queries_) == (0, 9)
        asked = list(fitted.answers_)
        assert len(asked) == 9
        is_lacking = partial[asked] == -1
        assert 0 < is_lacking.sum() < 9
        assert [fitted.answers_[i] is None for i in asked] == is_lacking.tolist()
        answered = np.sort(np.array(asked)[~is_lacking])
        assert_array_equal(fitted.given_.positions, answered)
        corrupted = (y + 1) % 4
        corrupted[asked] = partial[asked]
        again = clone(fitted).fit(X, corrupted)
    assert_array_equal(again.transduction_, fitted.transduction_)
    assert_array_equal(again.confidence_, fitted.confidence_)


def test_y_that_lacks_a_label_can_be_asked_again(blobs):
    X, y = blobs
    first = propagator(oracle="y").fit(X, y)
    lacking = int(first.representative_indices_[0])
    partial = y.copy()
    partial[lacking] = -1
    fitted = propagator(oracle="y", max_retries=1).fit(X, partial)
    assert fitted.n_queries_ == 5
    assert fitted.answers_[lacking] is None
    (instead,) = set(fitted.answers_) - set(first.answers_)
    assert y[instead] == y[lacking]
    assert len(fitted.given_) == 4
    assert_array_equal(fitted.transduction_, y)


def test_a_full_y_is_an_oracle_with_or_without_the_words(blobs):
    X, y = blobs
    with_words, without = propagator(oracle="y").fit(X, y), propagator().fit(X, y)
    assert with_words.answers_ == without.answers_
    assert_array_equal(with_words.confidence_, without.confidence_)


# Labels for any positions.


@both_rules
def test_labels_of_any_positions_are_taken_like_known_ones(digits, rule):
    X, y = digits[0][:600], digits[1][:600]
    positions = np.random.default_rng(1).choice(600, 90, replace=False)
    halves = propagator(n_clusters=20, propagation=rule)
    halves.query(X)
    partial = np.full(600, -1)
    partial[positions] = y[positions]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        halves.propagate(dict(zip(positions.tolist(), y[positions], strict=True)))
        expected = propagator(n_clusters=20, propagation=rule).fit(X, partial)
        assert_array_equal(halves.transduction_, expected.transduction_)
        assert_array_equal(halves.confidence_, expected.confidence_)
        assert_array_equal(halves.sample_indices_, expected.sample_indices_)
        # In parts, and in another order.
        parts = propagator(n_clusters=20, propagation=rule)
        parts.query(X)
        for part in np.array_split(positions[::-1], 3):
            parts.propagate(dict(zip(part, y[part], strict=True)))
    assert_array_equal(parts.transduction_, expected.transduction_)
    assert (halves.n_known_, expected.n_known_) == (0, 90)
    assert expected.n_queries_ == 0
    asked = set(halves.representative_indices_.tolist()) | set(positions.tolist())
    assert parts.n_queries_ == halves.n_queries_ == len(asked)


@both_rules
@pytest.mark.parametrize("source", ["known", "asked"])
def test_a_correction_is_as_if_the_label_had_been_right_at_once(blobs, rule, source):
    X, y = blobs
    X = X / 4  # so near that labels reach the other groups
    wrong = y.copy()
    if source == "known":
        wrong[1::3] = -1
    right = wrong.copy()
    fitted, expected = (propagator(n_clusters=8, propagation=rule) for _ in range(2))
    position = int(expected.fit(X, right).given_.positions[2])
    wrong[position] = (y[position] + 1) % 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fitted.fit(X, wrong)
    assert fitted.transduction_[position] == wrong[position]
    n_known, n_queries = fitted.n_known_, fitted.n_queries_
    fitted.propagate({position: y[position]})
    # A label of y that was replaced has been asked for.
    n_more = int(source == "known")
    assert fitted.n_known_ == n_known - n_more
    assert fitted.n_queries_ == n_queries + n_more
    assert_array_equal(fitted.transduction_, expected.transduction_)
    assert_array_equal(fitted.confidence_, expected.confidence_)
    assert_array_equal(fitted.sample_indices_, expected.sample_indices_)


@both_rules
@pytest.mark.parametrize("source", ["known", "asked"])
@pytest.mark.parametrize("mark", [-1, None, np.nan])
def test_a_label_withdrawn_is_as_if_it_had_never_been(blobs, rule, source, mark):
    X, y = blobs
    X = X / 4
    labels = y.copy()
    if source == "known":
        labels[1::3] = -1
    fitted = propagator(n_clusters=8, propagation=rule).fit(X, labels)
    position = int(fitted.given_.positions[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fitted.propagate({position: mark})
        without = propagator(n_clusters=8, propagation=rule)
        without.query(X)
        without.propagate(
            {
                int(i): y[i]
                for i in propagator(n_clusters=8).fit(X, labels).given_.positions
                if i != position
            }
        )
    assert position not in fitted.given_.positions
    assert fitted.answers_[position] is None
    assert fitted.n_known_ == (79 if source == "known" else 0)
    assert fitted.n_queries_ == (0 if source == "known" else 8)
    assert_array_equal(fitted.transduction_, without.transduction_)
    assert_array_equal(fitted.confidence_, without.confidence_)
    fitted.propagate({position: y[position]})
    assert position in fitted.given_.positions


def test_missing_labels_in_the_order_of_the_question_withdraw_nothing(blobs):
    X, y = blobs
    halves = propagator()
    positions = halves.query(X)
    halves.propagate(y[positions]).propagate([-1, None, np.nan, -1])
    assert len(halves.given_) == 4
    assert_array_equal(halves.transduction_, y)


STRANGE = [
    ({0: 1, 1: "b"}, TypeError, "all strings or all numbers"),
    ({120: 1}, ValueError, "whole numbers from 0 to 119"),
    ({0.5: 1}, ValueError, "whole numbers from 0 to 119"),
    ([1, 2], ValueError, "4 label.*Got 2 label"),
    ({0: [1, 2]}, (TypeError, ValueError), "nested|one-dimensional|inhomogeneous"),
    ({0: 1.5}, ValueError, "continuous"),
    ({0: np.inf}, ValueError, "infinity"),
    (7, TypeError, "Got int"),
]


@both_rules
@pytest.mark.parametrize(("labels", "error", "match"), STRANGE)
def test_refused_labels_leave_all_as_it_was(blobs, rule, labels, error, match):
    X, y = blobs
    halves = propagator(propagation=rule)
    positions = halves.query(X)
    halves.propagate(y[positions])
    before = dict(vars(halves))
    answers, asked = dict(halves.answers_), halves.n_queries_
    predicted = halves.predict(X)
    with pytest.raises(error, match=match):
        halves.propagate(labels)
    assert halves.answers_ == answers
    assert halves.n_queries_ == asked
    for name in ("given_", "spread_", "classes_", "transduction_", "sample_indices_"):
        assert getattr(halves, name) is before[name]
    assert_array_equal(halves.predict(X), predicted)


def test_withdrawing_the_last_label_is_refused(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    with pytest.raises(ValueError, match="No sample has a label"):
        fitted.propagate(dict.fromkeys(fitted.given_.positions.tolist(), -1))
    assert len(fitted.given_) == 4
    assert_array_equal(fitted.propagate({}).transduction_, y)


def test_a_spreading_that_ends_early_leaves_what_was_there(blobs, monkeypatch):
    X, y = blobs
    X = X / 4
    fitted = propagator(n_clusters=8).fit(X, y)
    before = fitted.predict(X)
    new = int(np.flatnonzero(~np.isin(np.arange(120), fitted.given_.positions))[0])
    monkeypatch.setattr(_propagation, "_MAX_ITER", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning) as caught:
            fitted.propagate({new: 77})
    assert caught.value.answers[new] == 77  # not lost
    assert_array_equal(fitted.predict(X), before)
    assert_array_equal(fitted.given_.classes, fitted.classes_)
    assert new not in fitted.given_.positions


def test_counts_tell_each_label_once(blobs):
    X, y = blobs
    partial = np.where(np.arange(len(X)) < 10, y, -1)
    halves = propagator(propagation="cluster")
    asked = halves.query(X, partial).tolist()
    n_asked = len(asked)
    assert (halves.n_known_, halves.n_queries_) == (10, n_asked)
    more = [i for i in range(10, 120) if i not in asked][:3]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        halves.propagate({i: y[i] for i in more})
        assert (halves.n_known_, halves.n_queries_) == (10, n_asked + 3)
        halves.propagate({i: y[i] for i in [*more, *asked]})  # again
        assert (halves.n_known_, halves.n_queries_) == (10, n_asked + 3)
        assert len(halves.given_) == 10 + n_asked + 3
        halves.propagate({0: y[0], 1: y[1]})  # in place of those of y
        assert (halves.n_known_, halves.n_queries_) == (8, n_asked + 5)
        halves.propagate({2: -1})
    assert (halves.n_known_, halves.n_queries_) == (7, n_asked + 5)
    assert len(halves.given_) == 9 + n_asked + 3


# What stands in an index goes by the index.


def framed(X, index):
    return pd.DataFrame(X, columns=["a", "b"], index=index)


INDEXES = {
    "names": [f"row-{i}" for i in range(120)],
    "numbers of their own": np.arange(120) + 1000,
    "numbers in another order": np.random.default_rng(3).permutation(120),
}


@pytest.mark.filterwarnings("ignore:.*all their neighbours")
@pytest.mark.parametrize("kind", INDEXES)
def test_labels_go_by_the_index_of_the_rows(blobs, kind):
    X, y = blobs
    frame, names = framed(X, INDEXES[kind]), pd.Series(y, index=INDEXES[kind])
    halves = propagator()
    positions = halves.query(frame)
    back = names.iloc[positions].sample(frac=1, random_state=1)
    assert_array_equal(halves.propagate(back).transduction_, y)
    # Of any rows, and beside the first.
    others = names.iloc[[50, 3, 77]]
    if kind == "numbers in another order":  # names, or positions?
        with pytest.raises(ValueError, match="is ambiguous: it may hold positions"):
            halves.propagate(others)
        others = dict(zip([50, 3, 77], others, strict=True))
    halves.propagate(others)
    assert {50, 3, 77} <= set(halves.given_.positions)
    assert_array_equal(halves.transduction_, y)
    # A dict goes by position, whatever the names; or by names that are no numbers.
    other = int(y[50] + 1) % 4
    halves.propagate({50: other})
    assert halves.transduction_[50] == other
    if kind == "names":
        halves.propagate({"row-50": int(y[50])})
        assert halves.transduction_[50] == y[50]


@pytest.mark.parametrize("dtype", [int, float, Decimal])
def test_a_series_of_positions_that_names_of_rows_could_be_is_refused(blobs, dtype):
    """Which it is must not hang on the draw."""
    X, y = blobs
    frame = framed(X, [dtype(i) for i in range(119, -1, -1)])
    halves = propagator()
    halves.propagate(y[halves.query(frame)])
    for index in ([3], [3, 50], [3, 50, 119]):
        with pytest.raises(ValueError, match="Pass a dict by position"):
            halves.propagate(pd.Series(y[index], index=index))
    # One number that is no name of a row: by position, or a row of another table?
    other = framed(X, [dtype(2 * i) for i in range(120)])
    halves.propagate(y[halves.query(other)])
    for index in ([3], [2, 3]):
        with pytest.raises(ValueError, match="Pass a dict by position"):
            halves.propagate(pd.Series(y[index], index=index))
    halves.propagate(pd.Series([y[100]], index=[200]))  # by name alone
    assert 100 in halves.given_.positions


def test_names_of_rows_that_are_their_positions_are_clear(blobs):
    X, y = blobs
    index = np.append(np.arange(119), 500)
    halves, names = propagator(), pd.Series(y, index=index)
    positions = halves.query(framed(X, index))
    halves.propagate(names.iloc[positions[::-1]])
    halves.propagate(names.loc[[50, 3]])
    assert {50, 3, *positions} == set(halves.given_.positions)
    assert_array_equal(halves.transduction_, y)


@pytest.mark.filterwarnings("ignore:.*all their neighbours")
def test_an_index_of_positions_is_taken_where_rows_have_no_names(blobs):
    X, y = blobs
    for rows in (X, framed(X, range(120)), pl.DataFrame(X, schema=["a", "b"])):
        halves = propagator()
        positions = halves.query(rows)
        back = pd.Series(y[positions], index=positions).sample(frac=1, random_state=1)
        assert_array_equal(halves.propagate(back).transduction_, y)
        halves.propagate(pd.Series([8, 9], index=[70, 4]))
        assert halves.transduction_[[70, 4]].tolist() == [8, 9]


def test_an_index_that_does_not_tell_rows_apart_is_refused(blobs):
    X, _ = blobs
    twice = framed(X, [f"row-{i // 2}" for i in range(120)])
    halves = propagator()
    halves.query(twice)
    with pytest.raises(ValueError, match="must tell the samples apart"):
        halves.propagate(pd.Series([1], index=["row-3"]))
    halves.query(framed(X, INDEXES["names"]))
    for index, match in (
        (["row-1", "row-1"], "each sample once"),
        (["row-1", "stranger"], "Got 'row-1', 'stranger'"),
        ([4, 4], "each sample once"),
    ):
        with pytest.raises(ValueError, match=match):
            halves.propagate(pd.Series([1, 2], index=index))
    assert not hasattr(halves, "transduction_")


def test_numbers_from_0_on_that_may_mean_two_things_are_refused(blobs):
    X, y = blobs
    order = INDEXES["numbers in another order"]
    halves = propagator()
    positions = halves.query(framed(X, order))
    with pytest.raises(ValueError, match="Pass a dict by position, or an array"):
        halves.propagate(pd.Series(y[positions]))
    halves.propagate(y[positions])
    assert_array_equal(halves.transduction_, y)


@pytest.mark.parametrize("kind", ["array", "range", "polars", *INDEXES])
@pytest.mark.parametrize("index", [[0], [0, 1, 2], [2, 0, 1], [1, 3, 0, 2]])
def test_a_series_that_may_be_numbered_anew_is_refused(blobs, kind, index):
    """What sorting or sampling leaves of it is no surer than what reset_index does."""
    X, y = blobs
    rows = {"array": X, "polars": pl.DataFrame(X, schema=["a", "b"])}.get(kind)
    if rows is None:
        rows = framed(X, range(120) if kind == "range" else INDEXES[kind])
    halves = propagator()
    halves.propagate(y[halves.query(rows)])
    before = halves.transduction_.copy(), dict(halves.answers_)
    answers = pd.Series((y[index] + 1) % 4, index=index)
    with pytest.raises(ValueError, match="is ambiguous: it may hold positions"):
        halves.propagate(answers)
    with pytest.raises(ValueError, match="Pass a dict by position, or an array in"):
        halves.propagate(answers.to_frame())
    assert_array_equal(halves.transduction_, before[0])
    assert halves.answers_ == before[1]
    halves.propagate(answers.to_dict())  # a dict is by position
    assert_array_equal(halves.transduction_[index], (y[index] + 1) % 4)


def test_numbers_from_0_on_are_positions_if_just_these_were_asked_about(blobs):
    X, _ = blobs
    halves = KMeansLabelPropagator(3, random_state=0)
    positions = halves.query(X[[0, 40, 80]])
    assert sorted(positions) == [0, 1, 2]
    answers = pd.Series([5, 6, 7], index=[2, 0, 1])
    assert_array_equal(halves.propagate(answers).transduction_, [6, 7, 5])


@pytest.mark.parametrize("index", [None, range(4, 8), [f"row-{i}" for i in range(4)]])
@pytest.mark.parametrize("columns", [["label", "sure"], ["a", "b", "c"], []])
def test_a_table_of_several_columns_is_refused(blobs, index, columns):
    X, y = blobs
    halves = propagator()
    positions = halves.query(framed(X, INDEXES["names"]))
    table = pd.DataFrame(
        dict.fromkeys(columns, y[:4]), index=index or range(4), columns=columns
    )
    match = "must be a single column. Got the columns " + ", ".join(columns)
    with pytest.raises(ValueError, match=match):
        halves.propagate(table)
    assert not hasattr(halves, "transduction_")
    one = pd.DataFrame({"label": y[positions]}, index=[f"row-{i}" for i in positions])
    assert_array_equal(halves.propagate(one[::-1]).transduction_, y)


@pytest.mark.parametrize("method", ["fit", "fit_resample", "ask", "query"])
@pytest.mark.parametrize("kind", ["range", *INDEXES])
def test_y_with_another_index_than_that_of_the_rows_is_refused(blobs, method, kind):
    X, y = blobs
    index = range(120) if kind == "range" else INDEXES[kind]
    frame, labels = framed(X, index), pd.Series(y, index=index)
    shuffled = labels.sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match="The index of y must be that of X"):
        getattr(propagator(), method)(frame, shuffled)
    getattr(propagator(), method)(frame, shuffled.loc[frame.index])
    # In the order of the rows: it has no index of its own.
    getattr(propagator(), method)(frame, y)
    if kind != "numbers in another order":
        getattr(propagator(), method)(frame, labels.reset_index(drop=True))


def test_ids_with_another_index_than_that_of_the_rows_are_refused(blobs):
    X, y = blobs
    frame = framed(X, INDEXES["names"])
    oracle = RecordingOracle(X, y)
    ids = pd.Series(range(120), index=frame.index[::-1])
    with pytest.raises(ValueError, match="The index of sample_ids must be that of X"):
        propagator(oracle=oracle).fit(frame, sample_ids=ids)
    assert oracle.n_asked == 0


# Oracles that fail, or are interrupted.


def yielding(y, n_answers, error):
    """Make an oracle that has given some answers when it fails."""

    def oracle(ids):
        for number, i in enumerate(ids):
            if number == n_answers:
                raise error
            yield y[i]

    return oracle


@pytest.mark.parametrize("error", [ConnectionError, KeyboardInterrupt])
@pytest.mark.parametrize("n_answers", [0, 1, 3])
def test_what_was_answered_before_a_failure_is_kept(blobs, error, n_answers):
    X, y = blobs
    positions = propagator().query(X).tolist()
    failing = propagator(oracle=yielding(y, n_answers, error))
    with pytest.raises(error) as caught:
        failing.fit(X, sample_ids=np.arange(120))
    answers = {i: y[i] for i in positions[:n_answers]}
    assert failing.answers_ == answers
    assert failing.n_queries_ == 4
    assert getattr(caught.value, "answers", {}) == answers
    # It goes on from there, and nobody is asked twice.
    rest = {i: y[i] for i in positions[n_answers:]}
    failing.propagate(rest)
    assert_array_equal(failing.transduction_, y)
    assert failing.n_queries_ == 4
    # The next fit starts anew.
    failing.set_params(oracle=yielding(y, 9, error))
    failing.fit(X, sample_ids=np.arange(120))
    assert_array_equal(failing.transduction_, y)


def test_labels_answered_before_an_interruption_can_be_spread_alone(blobs):
    X, y = blobs
    failing = propagator(oracle=yielding(y, 3, KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        failing.fit(X, sample_ids=np.arange(120))
    with pytest.warns(UserWarning, match="No label reaches 30 samples"):
        failing.propagate({})
    given = failing.given_.positions
    assert_array_equal(failing.classes_, np.unique(y[given]))
    assert len(given) == 3


def test_answers_of_the_first_question_outlive_a_failure_in_the_second(blobs):
    X, y = blobs
    asked = []

    def oracle(ids):
        asked.append(list(ids))
        if len(asked) == 2:
            raise TimeoutError
        return [None if y[i] == 2 else y[i] for i in ids]

    failing = propagator(oracle=oracle, max_retries=3)
    with pytest.raises(TimeoutError) as caught:
        failing.fit(X, sample_ids=np.arange(120))
    answers = {i: (None if y[i] == 2 else y[i]) for i in asked[0]}
    assert caught.value.answers == failing.answers_ == answers
    assert failing.n_queries_ == 5


def test_a_warning_made_an_error_loses_no_answer(blobs):
    X, _ = blobs
    failing = propagator(oracle=RecordingOracle(X, np.full(120, 8)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="only class found is 8") as caught:
            failing.fit(X)
    assert caught.value.answers == failing.answers_
    assert list(failing.answers_.values()) == [8] * 4


@pytest.mark.parametrize(
    "use",
    [
        lambda own, X: own.fit(X),
        lambda own, X: own.ask(X),
        lambda own, X: own.fit_resample(X),
        lambda own, X: own.query(X),
        lambda own, X: own.propagate({0: 1}),
    ],
)
@pytest.mark.parametrize("is_generator", [False, True])
def test_an_oracle_must_not_use_its_own_propagator(blobs, use, is_generator):
    X, y = blobs
    found = RecordingOracle(X, y)

    def plain(rows):
        use(own, X)
        return found(rows)

    def lazy(rows):
        yield 0
        use(own, X)

    own = propagator(oracle=lazy if is_generator else plain)
    with pytest.raises(RuntimeError, match="is asking its oracle"):
        own.fit(X)
    assert own.answers_ == ({int(propagator().query(X)[0]): 0} if is_generator else {})
    # Afterwards it can be used as before.
    own.set_params(oracle=found).fit(X)
    assert_array_equal(own.transduction_, y)


def test_an_oracle_may_use_another_propagator(blobs):
    X, y = blobs

    def oracle(rows):
        return clone(own).set_params(oracle=None).fit(X, y).predict(rows)

    own = propagator(oracle=oracle)
    assert_array_equal(own.fit(X).transduction_, y)


# Labels are exact.

EXACT = {
    "above 2 ** 63": [2**63 + 1, 2**63 + 2, 2**64 - 1, 2**63],
    "large and small": [2**63 + 1, 2**63 + 2, 2**64 - 1, 5],
    "above 2 ** 53": [2**53, 2**53 + 1, -(2**53) - 1, 0],
    "ends in nulls": ["a", "a\0", "a\0\0", "b"],
    "long": ["x" * 5000, "x" * 4999 + "y", "x" * 4999, "y"],
    "unlike": ["", " ", "None", "nan"],
}


def as_objects(labels):
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


CONTAINERS = {
    "list": list,
    "array of objects": as_objects,
    "pandas": lambda labels: pd.Series(labels, dtype=object),
    "polars": lambda labels: pl.Series(
        labels, dtype=pl.UInt64 if 2**63 + 1 in labels else None
    ),
}


@both_rules
@pytest.mark.parametrize("labels", EXACT.values(), ids=EXACT)
@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_labels_of_y_are_exact(blobs, rule, labels, container):
    X, codes = blobs
    y = [labels[code] for code in codes]
    fitted = propagator(propagation=rule, missing_label="?")
    _, y_res = fitted.fit_resample(X, container(y))
    assert list(y_res) == y
    assert fitted.transduction_.tolist() == y
    assert fitted.predict(X).tolist() == y
    assert sorted(fitted.classes_.tolist()) == sorted(labels)


@pytest.mark.parametrize("labels", EXACT.values(), ids=EXACT)
def test_labels_of_an_oracle_and_of_propagate_are_exact(blobs, labels):
    X, codes = blobs
    y = [labels[code] for code in codes]
    oracle = RecordingOracle(X, y)
    fitted = propagator(oracle=oracle, missing_label="?").fit(X)
    assert fitted.transduction_.tolist() == y
    halves = propagator(missing_label="?")
    positions = halves.query(X).tolist()
    for answers in (
        [y[i] for i in positions],
        {i: y[i] for i in positions},
        pd.Series([y[i] for i in positions], index=positions, dtype=object),
        (y[i] for i in positions),
    ):
        assert halves.propagate(answers).transduction_.tolist() == y


def test_large_numbers_of_y_and_of_the_oracle_meet_exactly(blobs):
    X, codes = blobs
    labels = np.array(EXACT["large and small"], dtype=np.uint64)
    y = labels[codes]
    partial = np.where(codes == 1, y, np.uint64(0))
    for answer in (
        list,
        lambda found: np.array(found, dtype=np.uint64),
        lambda found: [np.uint64(a) for a in found],
    ):
        found = RecordingOracle(X, y.tolist())
        fitted = propagator(
            oracle=lambda rows, answer=answer, found=found: answer(found(rows)),
            missing_label=0,
        )
        _, y_res = fitted.fit_resample(X, partial)
        assert y_res.dtype == np.uint64
        assert y_res.tolist() == y.tolist()


def test_what_is_left_out_rounds_no_label(blobs):
    X, codes = blobs
    labels = EXACT["above 2 ** 63"]
    y = [labels[code] if code else -1 for code in codes]
    fitted = propagator(propagation="cluster")
    with pytest.warns(UserWarning, match="1 of 4 clusters"):
        fitted.fit(X, y)
    assert fitted.transduction_.tolist() == y
    assert fitted.predict(X).tolist() == y


def test_shares_of_classes_without_a_label_are_told_and_left_out(blobs):
    X, y = blobs
    prior = {0: 0.25, 1: 0.25, 2: 0.25, 3: 0.2, 7: 0.05}
    model = KMeansLabelPropagator(4, class_prior=prior, random_state=0)
    with pytest.warns(UserWarning, match=r"shares for classes without a label: \[7\]"):
        model.fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2, 3]


def test_an_oracle_without_a_signature_is_asked(blobs):
    X, y = blobs
    asked = []

    class Compiled:
        __signature__ = "none"

        def __call__(self, rows):
            asked.append(rows)
            return y[rows]

    KMeansLabelPropagator(4, oracle=Compiled(), random_state=0).fit(
        X, sample_ids=np.arange(len(X))
    )
    assert len(asked) == 1
