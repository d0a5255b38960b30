import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop._engine import Spread, spread
from kmeans_labelprop._given import GivenLabels
from kmeans_labelprop._propagation import as_probabilities, join
from kmeans_labelprop._selection import _hiding
from kmeans_labelprop._selection._candidates import Candidate, list_candidates
from kmeans_labelprop._selection._groups import number_groups
from kmeans_labelprop._selection._hiding import (
    Comparison,
    TrainingSet,
    affordable_folds,
    hiding_folds,
    neighbors_shares,
    outcome_of,
    predict_hidden,
    stratified_folds,
    subsample,
    training_sets,
    warn_of_failures,
)


def given_labels(codes, positions=None):
    codes = np.array(codes)
    positions = np.arange(len(codes)) * 3 if positions is None else positions
    return GivenLabels(positions, codes, np.arange(codes.max() + 1) * 10)


def make_rng():
    return np.random.RandomState(0)


# Folds


@pytest.mark.parametrize("n_folds", [3, 5])
@pytest.mark.parametrize("seed", range(5))
def test_folds_are_even_and_stratified(seed, n_folds):
    codes = np.repeat([0, 1, 2, 3], [13, 7, 2, 1])
    is_dealt = np.arange(23) % 6 != 0
    folds = stratified_folds(codes, is_dealt, n_folds, np.random.RandomState(seed))
    assert_array_equal(folds >= 0, is_dealt)
    sizes = np.bincount(folds[is_dealt])
    assert len(sizes) == n_folds
    assert np.ptp(sizes) <= 1
    for code in range(4):
        in_class = folds[is_dealt & (codes == code)]
        assert np.ptp(np.bincount(in_class, minlength=n_folds)) <= 1


def test_there_are_no_more_folds_than_labels():
    two = stratified_folds(
        np.array([0, 0, 1]), np.array([True, True, False]), 5, make_rng()
    )
    assert sorted(two.tolist()) == [-1, 0, 1]
    none = stratified_folds(np.array([0, 1]), np.zeros(2, dtype=bool), 5, make_rng())
    assert none.tolist() == [-1, -1]


def test_labels_are_dealt_out_at_random_and_repeatably():
    codes, everything = np.zeros(20, dtype=int), np.ones(20, dtype=bool)
    first, same, other = (
        stratified_folds(codes, everything, 5, np.random.RandomState(seed))
        for seed in (0, 0, 1)
    )
    assert_array_equal(first, same)
    assert (first != other).any()


def test_each_repeat_hides_every_label_once_but_the_only_one_of_a_class():
    given = given_labels(np.repeat([0, 1, 2], [11, 8, 1]))
    hidden = hiding_folds(given, 4, None, make_rng(), 3)
    assert hidden.shape == (12, 20)
    for repeat in range(3):
        counts = hidden[4 * repeat : 4 * repeat + 4].sum(axis=0)
        assert_array_equal(counts, given.codes != 2)
    assert (hidden[:4] != hidden[4:8]).any()


def test_where_all_classes_differ_nothing_is_hidden():
    given = given_labels([0, 1, 2])
    for cv in (5, LeaveOneOut()):
        hidden = hiding_folds(given, cv, None, make_rng(), 3)
        assert hidden.shape == (0, 3)


# Splitters


def test_a_splitter_splits_the_labels():
    given = given_labels(np.arange(30) % 3)
    splitter = StratifiedKFold(3)
    hidden = hiding_folds(given, splitter, None, make_rng(), 7)
    assert hidden.shape == (3, 30)  # nothing is repeated
    classes = given.classes[given.codes]
    expected = [test for _, test in splitter.split(np.zeros((30, 1)), classes)]
    for row, positions in zip(hidden, expected, strict=True):
        assert_array_equal(np.flatnonzero(row), positions)


def test_a_splitter_may_leave_one_out():
    given = given_labels([0, 0, 1, 1, 1, 2])
    hidden = hiding_folds(given, LeaveOneOut(), None, make_rng(), 3)
    # But not the only label of a class.
    assert_array_equal(hidden, np.eye(6, dtype=bool)[:5])


def test_a_splitter_may_hide_labels_often_or_never():
    given = given_labels(np.arange(10) % 2)
    splitter = ShuffleSplit(6, test_size=2, random_state=0)
    hidden = hiding_folds(given, splitter, None, make_rng())
    assert_array_equal(hidden.sum(axis=1), [2] * 6)
    counts = hidden.sum(axis=0)
    assert counts.min() == 0
    assert counts.max() > 1
    fixed = PredefinedSplit([0, -1, 0, 1, -1, -1, 1, 1, -1, -1])
    hidden = hiding_folds(given, fixed, None, make_rng())
    assert [np.flatnonzero(row).tolist() for row in hidden] == [[0, 2], [3, 6, 7]]

    class HidesNothingFirst:
        def split(self, X, y=None, groups=None):
            everything = np.arange(len(X))
            return [(everything, everything[:0]), (everything[2:], everything[:2])]

    hidden = hiding_folds(given, HidesNothingFirst(), None, make_rng())
    assert [np.flatnonzero(row).tolist() for row in hidden] == [[0, 1]]


# Groups


def split_groups(hidden, groups):
    """Count the groups that some split hides in part."""
    return sum(
        0 < row[groups == group].sum() < np.sum(groups == group)
        for row in hidden
        for group in np.unique(groups)
    )


@pytest.mark.parametrize("cv", [3, 5, GroupKFold(4)])
@pytest.mark.parametrize("seed", range(3))
def test_labels_of_a_group_are_hidden_together(cv, seed):
    rng = np.random.RandomState(seed)
    groups = np.array([f"patient {i}" for i in rng.randint(9, size=60)])
    given = given_labels(rng.randint(3, size=60))
    hidden = hiding_folds(given, cv, groups, rng, 2)
    n_folds = 4 if not isinstance(cv, int) else 2 * cv
    assert len(hidden) == n_folds
    assert split_groups(hidden, groups) == 0
    assert_array_equal(hidden.sum(axis=0), 2 if isinstance(cv, int) else 1)
    # Without groups they are torn apart.
    assert split_groups(hiding_folds(given, 3, None, rng, 2), groups) > 10


def test_repeats_put_groups_together_anew():
    groups = np.repeat(np.arange(12), 2)
    given = given_labels(np.repeat(np.arange(12) % 2, 2))
    hidden = hiding_folds(given, 3, groups, make_rng(), 2)
    first, second = ({tuple(row) for row in part} for part in (hidden[:3], hidden[3:]))
    assert first != second
    same = hiding_folds(given, 3, groups, make_rng(), 2)
    assert_array_equal(hidden, same)


def test_there_are_no_more_folds_than_groups():
    groups = np.array([5, 5, 5, 9, 9, 9])
    given = given_labels([0, 1, 0, 1, 0, 1])
    hidden = hiding_folds(given, 5, groups, make_rng())
    assert sorted(map(tuple, hidden)) == [
        (False,) * 3 + (True,) * 3,
        (True,) * 3 + (False,) * 3,
    ]


def test_a_class_of_one_group_alone_is_not_hidden():
    # Two labels of class 2, both of group 3: nobody could predict them.
    groups = np.array([0, 1, 2, 0, 1, 2, 3, 3])
    given = given_labels([0, 0, 0, 1, 1, 1, 2, 2])
    hidden = hiding_folds(given, 3, groups, make_rng())
    assert_array_equal(hidden.sum(axis=0), [1, 1, 1, 1, 1, 1, 0, 0])
    one_group = hiding_folds(given, 3, np.zeros(8), make_rng())
    assert one_group.shape == (0, 8)


@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_a_group_with_a_class_of_its_own_is_not_torn_apart(cv):
    # Of group 3 one label is of class 2, which no other group has.
    groups = np.array([0, 1, 2, 0, 1, 2, 3, 3, 3])
    given = given_labels([0, 0, 0, 1, 1, 1, 2, 0, 1])
    hidden = hiding_folds(given, cv, groups, make_rng())
    assert hidden[:, :6].any(axis=0).all()
    assert split_groups(hidden, groups) == 0


@pytest.mark.parametrize("cv", [3, GroupKFold(2)])
def test_the_only_group_that_can_be_hidden_is_hidden(cv):
    # Group 1 has a class of its own, so that only group 0 can be predicted.
    groups = np.array([0, 0, 1, 1, 1])
    given = given_labels([0, 1, 0, 1, 2])
    hidden = hiding_folds(given, cv, groups, make_rng())
    assert_array_equal(hidden, [[True, True, False, False, False]])
    repeated = hiding_folds(given, 3, groups, make_rng(), 2)
    assert_array_equal(repeated, np.tile(groups == 0, (2, 1)))


def test_groups_of_any_kind_get_numbers_in_their_order():
    numbers = number_groups(["b", ("a", 1), "b", None, 3, ("a", 1), 3.0])
    assert_array_equal(numbers, [0, 1, 0, 2, 3, 1, 3])
    assert number_groups([]).shape == (0,)


# Rows that can be afforded


DEFAULT = list_candidates(["graph"], [0, 1], ["samples", "neighbors"])
EMBEDDED = list_candidates(["graph"], [0, 1], ["samples", "embedding", "neighbors"])


def count_rows(is_hidden, max_samples, candidates):
    """Count the rows of all training sets, were no sample drawn a given one."""
    trained = [c for c in candidates if c.train_on != "neighbors"]
    visible = (~is_hidden).sum(axis=1)
    n_propagated = sum(c.fraction > 0 for c in trained)
    return int((len(trained) * visible + n_propagated * max_samples).sum())


@pytest.mark.parametrize(
    ("n_labels", "n_rows", "candidates", "n_splits", "max_samples"),
    [
        # Five folds of 80 visible labels: (12,000 / 5 - 2 * 80) / 1.
        (100, 12_000, DEFAULT, 5, 2240),
        # More than 3,000 are not needed, unless given labels are more.
        (100, 120_000, DEFAULT, 5, 3000),
        (100, 120_000, EMBEDDED, 5, 3000),
        (6000, 120_000, DEFAULT, 5, 6000),
        (500, 10_000, DEFAULT, 5, 1200),
        # Three training sets of 400 for four of the five: 10,000 // (6 * 400).
        (500, 10_000, EMBEDDED, 4, 450),
        # Of 950, 760 are too many; two folds show 475.
        (950, 2000, DEFAULT, 1, 1050),
        (500, 2000, DEFAULT, 1, 1200),
        (200, 2000, DEFAULT, 4, 180),
        (20, 2000, DEFAULT, 5, 368),
        # Six training sets of 475 are too many even so.
        (950, 2000, EMBEDDED, 1, 50),
    ],
)
def test_rows_are_shared_out_among_the_trainings(
    n_labels, n_rows, candidates, n_splits, max_samples
):
    given = given_labels(np.arange(n_labels) % 2)
    found = affordable_folds(given, 5, None, candidates, n_rows, make_rng())
    assert found[0].shape == (n_splits, n_labels)
    assert found[1] == max_samples
    n_folds = 2 if n_labels == 950 else 5
    assert_array_equal(found[0].sum(axis=1), n_labels // n_folds)
    assert (found[0].sum(axis=0) <= 1).all()


@pytest.mark.parametrize("candidates", [DEFAULT, EMBEDDED])
@pytest.mark.parametrize("n_labels", [2, 7, 23, 60, 131, 333, 480, 750, 960])
@pytest.mark.parametrize("n_groups", [None, 8])
@pytest.mark.parametrize(("cv", "n_repeats"), [(5, 1), (5, 3), (10, 1), (25, 1)])
def test_no_more_rows_than_allowed_and_most_of_them(
    candidates, n_labels, n_groups, cv, n_repeats
):
    given = given_labels(np.arange(n_labels) % 2)
    groups = None if n_groups is None else np.arange(n_labels) // 2 % n_groups
    hidden, max_samples = affordable_folds(
        given, cv, groups, candidates, 2000, make_rng(), n_repeats
    )
    if n_labels == 2:  # each the only one of its class
        assert len(hidden) == 0
        return
    assert hidden.any(axis=1).all()
    rows = count_rows(hidden, max_samples, candidates)
    assert rows <= 2000
    # What is left is less than a row for each training, or less than a label's.
    assert rows > 1700
    if len(hidden) > 1:
        assert max_samples >= (~hidden).sum(axis=1).max()


@pytest.mark.parametrize(("candidates", "most"), [(DEFAULT, 160), (EMBEDDED, 80)])
def test_more_folds_never_hide_fewer_labels(candidates, most):
    for n_labels in (20, 60, 80, 100, 160, 200, 333, 500, 960):
        given = given_labels(np.arange(n_labels) % 2)
        n_hidden = [
            affordable_folds(given, cv, None, candidates, 2000, make_rng())[0].sum()
            for cv in (5, 6, 10, 25)
        ]
        assert n_hidden[0] == min(n_hidden)
        # About a twelfth of the samples, or a sixth without an embedding.
        if n_labels <= most:
            assert set(n_hidden) == {n_labels}


def test_all_splits_of_a_splitter_are_made():
    given = given_labels(np.arange(40) % 2)
    # Beyond the fifth each takes as many rows as one of five: 2000 / 5 - 2 * 39.
    hidden, max_samples = affordable_folds(
        given, LeaveOneOut(), None, DEFAULT, 2000, make_rng()
    )
    assert hidden.shape == (40, 40)
    assert max_samples == 322
    # Three splits share all rows: 2000 // 3 - 2 * 27.
    hidden, max_samples = affordable_folds(
        given, StratifiedKFold(3), None, DEFAULT, 2000, make_rng()
    )
    assert len(hidden) == 3
    assert max_samples == 2000 // 3 - 2 * 27
    # Where labels are too many, as many propagated ones as of them.
    given = given_labels(np.arange(1000) % 2)
    hidden, max_samples = affordable_folds(
        given, StratifiedKFold(10), None, DEFAULT, 2000, make_rng()
    )
    assert len(hidden) == 10
    assert max_samples == 900


def test_where_nothing_is_trained_nothing_is_left_out():
    given = given_labels(np.arange(500) % 2)
    neighbors = list_candidates(["graph"], [1], ["neighbors"])
    hidden, _ = affordable_folds(given, 5, None, neighbors, 2000, make_rng())
    assert_array_equal(hidden.sum(axis=0), 1)
    # Without propagation there is nothing to share out.
    alone = list_candidates(["cluster"], [0])
    hidden, _ = affordable_folds(given, 5, None, alone, 2000, make_rng())
    assert_array_equal(hidden.sum(axis=0), 1)
    with_more, _ = affordable_folds(given, 5, None, alone, 1000, make_rng())
    assert len(with_more) == 2


# No label leaks


@pytest.fixture
def asked(digits):
    """A propagator that has 40 labels and has not spread them."""
    X, y = digits
    return KMeansLabelPropagator(40, random_state=0).ask(X, y)


CANDIDATES = list_candidates(["cluster", "graph"], [0, 0.3, 1])
IS_HIDDEN = np.arange(40) % 5 == 0


def sets_of(fitted, is_hidden, candidates=CANDIDATES, given=None):
    given = fitted.given_ if given is None else given
    visible = given.take(~is_hidden)
    spreads = {
        (rule, False): spread(fitted.clusters_, visible, rule)
        for rule in ("cluster", "graph")
    }
    hidden = given.positions[is_hidden]
    return list(training_sets(fitted.clusters_, visible, hidden, spreads, candidates))


def test_hidden_samples_are_in_no_training_set_and_visible_ones_in_all(asked):
    given = asked.given_
    hidden, visible = given.positions[IS_HIDDEN], given.positions[~IS_HIDDEN]
    sets = sets_of(asked, IS_HIDDEN)
    assert len(sets) == len(CANDIDATES) == 5
    for positions, codes, confidence, is_given in sets:
        assert (np.diff(positions) > 0).all()
        assert not np.isin(positions, hidden).any()
        at = np.searchsorted(positions, visible)
        assert_array_equal(positions[at], visible)
        assert_array_equal(codes[at], given.codes[~IS_HIDDEN])
        assert_array_equal(confidence[at], 1)
        assert_array_equal(positions[is_given], visible)
    assert_array_equal(sets[0].positions, visible)
    sizes = [len(training_set.positions) for training_set in sets]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[0] < sizes[3] < sizes[4]


@pytest.mark.parametrize("rule", ["cluster", "graph"])
@pytest.mark.parametrize("fraction", [0.4, 1])
def test_training_sets_are_those_of_a_propagator_that_lacks_the_labels(
    digits, asked, rule, fraction
):
    X, y = digits
    (found,) = sets_of(asked, IS_HIDDEN, [Candidate(rule, fraction)])
    lacking = KMeansLabelPropagator(
        40, propagation=rule, fraction=fraction, random_state=0
    )
    lacking.query(X)
    hidden, visible = (asked.given_.positions[part] for part in (IS_HIDDEN, ~IS_HIDDEN))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clusters without a label
        lacking.propagate({position: y[position] for position in visible.tolist()})
    expected = np.setdiff1d(lacking.sample_indices_, hidden)
    assert_array_equal(found.positions, expected)
    labels = asked.given_.classes[found.codes]
    assert_array_equal(labels, lacking.transduction_[expected])
    assert_allclose(found.confidence, lacking.confidence_[expected])


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is trained on, in a list that its clones share."""

    calls = None

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        Recorder.calls.append((np.asarray(X), np.asarray(y), sample_weight))
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.classes_[0])


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    return Recorder.calls


def comparison(fitted, X, is_hidden, candidates=CANDIDATES, **changed):
    return Comparison(
        **{
            "X": X,
            "y": None,
            "clusters": fitted.clusters_,
            "given": fitted.given_,
            "spread_params": {"alpha": "auto", "class_prior": "estimated"},
            "estimator": GaussianNB(var_smoothing=0.1),
            "params_of": lambda used, train_on: {},
            "is_hidden": is_hidden,
            "groups": None,
            "candidates": candidates,
            "max_samples": len(X),
            "share_asked": 1.0,
            "n_jobs": None,
            "is_seeded": True,
            "verbose": 0,
        }
        | changed
    )


WITH_NEIGHBORS = list_candidates(
    ["cluster", "graph"], [0, 1], ["samples", "embedding", "neighbors"]
)


def test_hidden_labels_change_nothing_that_is_trained_on_or_predicted(
    digits, asked, calls
):
    X, _ = digits
    given = asked.given_
    codes = np.where(IS_HIDDEN, (given.codes + 1) % 10, given.codes)
    params_of = {"params_of": lambda used, train_on: {"sample_weight": used.confidence}}
    outcomes = []
    for labels in (given, replace(given, codes=codes)):
        each = comparison(
            asked,
            X,
            IS_HIDDEN[np.newaxis],
            WITH_NEIGHBORS,
            given=labels,
            estimator=Recorder(),
            **params_of,
        )
        outcome, errors = each.run(make_rng())
        assert errors == {}
        outcomes.append(outcome)
    assert each.n_fits == len(calls) / 2 == len(WITH_NEIGHBORS) - 1
    for true, false in zip(
        calls[: len(calls) // 2], calls[len(calls) // 2 :], strict=True
    ):
        for one, other in zip(true, false, strict=True):
            assert_array_equal(one, other)
    # The neighbours are right about the true labels, and so wrong about the others.
    true, false = (outcome.correct[0, -1, IS_HIDDEN] for outcome in outcomes)
    assert true.mean() > 0.6
    assert not (true * false).any()


def test_as_many_workers_as_were_asked_for(digits, asked, monkeypatch):
    got = []

    def run_parallel(tasks, n_jobs):
        got.append(n_jobs)
        return real(tasks, None)

    real = _hiding.run_parallel
    monkeypatch.setattr(_hiding, "run_parallel", run_parallel)
    comparison(asked, digits[0], IS_HIDDEN[np.newaxis], n_jobs=3).run(make_rng())
    assert got == [3]


def test_outcomes_are_those_of_classifiers_trained_by_hand(digits, asked):
    X, y = digits
    is_hidden = np.array([IS_HIDDEN, ~IS_HIDDEN & (np.arange(40) % 5 == 1)])
    each = comparison(asked, X, is_hidden, WITH_NEIGHBORS)
    outcome, _ = each.run(make_rng())
    assert outcome.correct.shape == (2, len(WITH_NEIGHBORS), 40)
    for split, hidden in enumerate(is_hidden):
        assert_array_equal(
            np.isnan(outcome.correct[split]), np.tile(~hidden, (len(WITH_NEIGHBORS), 1))
        )
        at = asked.given_.positions[hidden]
        sets = sets_of(asked, hidden, WITH_NEIGHBORS)
        for i, used in enumerate(sets[:-1]):
            model = GaussianNB(var_smoothing=0.1).fit(X[used.positions], used.codes)
            right = model.predict(X[at]) == y[at]
            assert_array_equal(outcome.correct[split, i, hidden], right)
            sure = model.predict_proba(X[at])
            columns = np.searchsorted(model.classes_, y[at])
            is_seen = np.isin(y[at], model.classes_)
            expected = np.where(
                is_seen, sure[np.arange(len(at)), columns % sure.shape[1]], 0
            )
            assert_allclose(outcome.probability[split, i, hidden], expected)


def test_the_embedding_is_what_a_candidate_in_it_trains_on(digits, asked, calls):
    X, _ = digits
    candidates = [Candidate("graph", 1.0), Candidate("graph", 1.0, "embedding")]
    comparison(asked, -X, IS_HIDDEN[np.newaxis], candidates, estimator=Recorder()).run(
        make_rng()
    )
    (samples, *_), (embedded, *_) = calls
    assert_array_equal(samples, -embedded)
    assert embedded.max() == 16


def test_classes_of_one_size_are_the_uniform_prior_in_training_and_neighbours(
    digits, asked
):
    X, _ = digits
    spaces = ["samples", "neighbors"]
    both = list_candidates(["graph"], [0, 1], spaces, True, True)
    plain = list_candidates(["graph"], [0, 1], spaces, True)
    is_hidden = IS_HIDDEN[np.newaxis]

    def run(candidates, class_prior):
        params = {"alpha": "auto", "class_prior": class_prior}
        each = comparison(asked, X, is_hidden, candidates, spread_params=params)
        # The given labels alone are trained on once.
        assert each.n_fits == 1 + len({c.equal_classes for c in candidates})
        return each.run(make_rng())[0].probability[0][:, IS_HIDDEN]

    found = run(both, "estimated")
    is_equal = np.array([c.equal_classes for c in both])
    assert_array_equal(found[~is_equal], run(plain, "estimated"))
    uniform = run(plain, "uniform")[[c.propagates for c in plain]]
    assert_array_equal(found[is_equal], uniform)
    assert (found[is_equal] != found[~is_equal][1:]).any(axis=1).all()


class Failing(GaussianNB):
    def __init__(self, error=RuntimeError):
        super().__init__()
        self.error = error

    def fit(self, X, y):
        raise self.error("out of order")


def test_what_cannot_be_trained_is_unknown_and_neighbours_need_no_training(
    digits, asked
):
    each = comparison(
        asked, digits[0], IS_HIDDEN[np.newaxis], WITH_NEIGHBORS, estimator=Failing()
    )
    outcome, errors = each.run(make_rng())
    assert sorted(errors) == list(range(len(WITH_NEIGHBORS) - 1))
    assert all(isinstance(error, RuntimeError) for (error,) in errors.values())
    assert np.isnan(outcome.correct[:, :-1]).all()
    assert not np.isnan(outcome.correct[0, -1, IS_HIDDEN]).any()


def test_failures_are_told_of_candidate_by_candidate():
    errors = {3: [RuntimeError("late")], 1: [TypeError("odd")] * 2}
    with pytest.warns(FitFailedWarning) as caught:
        warn_of_failures(errors, WITH_NEIGHBORS, 2)
    (warning,) = caught
    told = str(warning.message)
    assert told.startswith(
        "Not compared, since their training failed: cluster at fraction 1 (2 of 2 "
        "fits), the given labels alone, in the embedding (1 of 2 fits). The first "
    )
    assert told.endswith("The first error is RuntimeError: late")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_failures({}, WITH_NEIGHBORS, 2)


def test_if_every_training_fails_the_neighbours_do_not_count():
    n_trained = len(WITH_NEIGHBORS) - 1
    cause = RuntimeError("out of order")
    errors = {index: [cause] for index in range(n_trained)}
    match = "Every training failed.* RuntimeError: out of order"
    with pytest.raises(ValueError, match=match) as caught:
        warn_of_failures(errors, WITH_NEIGHBORS, 1)
    assert caught.value.__cause__ is cause
    del errors[n_trained - 1]  # one could be trained
    with pytest.warns(FitFailedWarning):
        warn_of_failures(errors, WITH_NEIGHBORS, 1)


def test_without_probabilities_neighbours_are_right_or_wrong_too(digits, asked):
    each = comparison(asked, digits[0], IS_HIDDEN[np.newaxis], WITH_NEIGHBORS)
    sure, _ = each.run(make_rng())
    plain, _ = replace(each, estimator=LinearSVC(random_state=0)).run(make_rng())
    assert_array_equal(plain.probability, plain.correct)
    assert_array_equal(plain.correct[0, -1], sure.correct[0, -1])
    assert (sure.probability[0, -1] != sure.correct[0, -1])[IS_HIDDEN].all()


def test_what_the_classifier_by_itself_predicts_is_told_beside_the_neighbours(
    digits, asked
):
    candidates = list_candidates(["graph"], [0, 1], ["samples", "neighbors"], True)
    # It names the most frequent class alone: the neighbours mend some of that.
    estimator = GaussianNB(var_smoothing=1e9)
    outcome, _ = comparison(
        asked, digits[0], IS_HIDDEN[np.newaxis], candidates, estimator=estimator
    ).run(make_rng())
    by_name = {str(each): i for i, each in enumerate(candidates)}
    alone = by_name["the given labels alone"]
    together = by_name["the given labels with the neighbours"]
    own, correct = outcome.own[0][:, IS_HIDDEN], outcome.correct[0][:, IS_HIDDEN]
    assert_array_equal(own[alone], correct[alone])
    assert_array_equal(own[together], correct[alone])
    assert correct[together].sum() > correct[alone].sum()
    assert_array_equal(own[-1], correct[-1])  # the neighbours by themselves


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_is_no_fault_of_a_candidate_ends_the_comparison(digits, asked, error):
    each = comparison(asked, digits[0], IS_HIDDEN[np.newaxis], estimator=Failing(error))
    with pytest.raises(error, match="out of order"):
        each.run(make_rng())


# Fewer samples


def test_samples_that_are_given_need_not_be_drawn():
    is_given = np.arange(10) % 5 == 0
    full = TrainingSet(
        np.arange(10) * 2, np.arange(10) % 3, np.linspace(0, 0.9, 10), is_given
    )
    positions, codes, confidence, given = subsample(full, np.arange(20) >= 13)
    assert_array_equal(positions, [0, 10, 14, 16, 18])
    assert_array_equal(codes, [0, 2, 1, 2, 0])
    assert_array_equal(given, [True, True, False, False, False])
    assert_allclose(confidence, [0, 0.5, 0.7, 0.8, 0.9])
    assert_array_equal(subsample(full, np.zeros(20, bool)).positions, [0, 10])
    assert_array_equal(subsample(full, np.ones(20, bool)).positions, full.positions)


# Predictions


def trained_on(positions):
    """A training set of given labels; the labels themselves are not needed."""
    codes = np.zeros(len(positions), dtype=int)
    return TrainingSet(positions, codes, np.ones(len(positions)), codes == 0)


def test_a_training_set_of_one_class_predicts_it(blobs):
    X, _ = blobs
    correct, probabilities = predict_hidden(
        LogisticRegression(),
        X,
        np.array(["a"] * 5),
        trained_on(np.arange(5)),
        np.arange(5, 8),
        np.array(["a", "b", "a"]),
        {},
        np.array(["a", "b"]),
    )
    assert_array_equal(correct, [1, 0, 1])
    assert_array_equal(probabilities, [[1, 0]] * 3)


def test_hidden_labels_are_predicted_with_probabilities():
    X = np.array([[0.0], [1], [10], [11], [0.5], [10.5], [0.5], [5.5]])
    train, hidden = trained_on(np.arange(4)), np.arange(4, 8)
    labels = np.array(["a", "b", "b", "c"])  # of c nothing is known
    y_train = np.array(["a", "a", "b", "b"])
    model = KNeighborsClassifier(3)
    classes = np.array(["", "a", "b", "c"])
    correct, probabilities = predict_hidden(
        model, X, y_train, train, hidden, labels, {}, classes
    )
    assert_array_equal(correct, [1, 1, 0, 0])
    assert_allclose(
        probabilities,
        [
            [0, 2 / 3, 1 / 3, 0],
            [0, 1 / 3, 2 / 3, 0],
            [0, 2 / 3, 1 / 3, 0],
            [0, 2 / 3, 1 / 3, 0],
        ],
    )
    correct, certain = predict_hidden(
        LinearSVC(), X, y_train, train, hidden, labels, {}, classes
    )
    assert_array_equal(correct, [1, 1, 0, 0])
    # Of a, b, a and one of both, half-way between them.
    assert_array_equal(certain[:3], [[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]])
    assert certain[3].sum() == certain[3, 1:3].sum() == 1


ALL = np.ones(3, dtype=bool)


def test_classes_that_are_never_hidden_take_no_part():
    probabilities = np.array(
        [[0.6, 0.3, 0.1], [0.1, 0.3, 0.6], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    )
    codes = np.array([0, 1, 0, 0, 1])
    outcome = outcome_of(probabilities, codes, np.array([True, True, False]))
    assert_array_equal(outcome.correct, [1, 0, 0, 0, 1])
    assert_allclose(outcome.probability, [2 / 3, 3 / 4, 1 / 2, 0, 1], atol=1e-9)
    assert_array_equal(outcome.own, outcome.correct)
    # One class alone says nothing.
    only = outcome_of(
        probabilities[:3], np.zeros(3, int), np.array([True, False, False])
    )
    assert_allclose(only.probability, 1)
    every = outcome_of(probabilities, codes, ALL)
    assert_allclose(every.probability, [0.6, 0.3, 0, 0, 1], atol=1e-9)


@pytest.mark.parametrize("model", [LogisticRegression(), LinearSVC()])
@pytest.mark.parametrize("rare", [6, 8])
def test_a_rare_class_with_one_label_is_not_forgotten(model, rare, digits):
    X, y = digits[0][:600], digits[1][:600] == rare
    recalls = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        part = np.full(len(y), -1)
        for is_rare, n_labels in ((0, 19), (1, 1)):
            drawn = rng.choice(np.flatnonzero(y == is_rare), n_labels, replace=False)
            part[drawn] = is_rare
        classifier = PropagatedClassifierCV(
            model, KMeansLabelPropagator(20), random_state=seed
        ).fit(X.reshape(-1, 8, 8), part)
        recalls.append(classifier.predict(X[y].reshape(-1, 8, 8)).mean())
    assert min(recalls) > 0


def test_neighbours_predict_what_reaches_the_sample():
    distributions = np.array([[1, 0, 0], [0.2, 0.5, 0.3], [0.6, 0.4, 0], [0, 0, 0]])
    found = Spread(np.array([0, 1, 0, -1]), np.ones(4), np.ones(4), distributions)
    shares = neighbors_shares(found, np.array([1, 2, 3]))
    outcome = outcome_of(shares, np.array([1, 1, 2]), ALL)
    assert_array_equal(outcome.correct, [1, 0, 0])
    # The probabilities that the propagator's predict_proba would give.
    first, second = as_probabilities(distributions[1:3])
    assert_allclose(outcome.probability, [first[1], second[1], 0])
    assert 0.5 <= first[1] < 1
    assert 0 < second[1] <= 0.4
    # A classifier has as much of a say; all of it where they know nothing.
    own = np.array([[0.5, 0, 0.5], [0, 1, 0], [0.1, 0.2, 0.7]])
    both = join(own, shares)
    assert_allclose(both[:2], (own + shares)[:2] / 2)
    assert_allclose(both[2], own[2])
    together = outcome_of(both, np.array([1, 1, 2]), ALL)
    assert_array_equal(together.correct, [0, 1, 1])


def test_a_splitter_that_hides_all_labels_is_refused(digits):
    X, y = digits[0][:200], digits[1][:200]
    everything = PredefinedSplit(np.zeros(20))
    model = PropagatedClassifierCV(
        GaussianNB(), KMeansLabelPropagator(20, random_state=0), cv=everything
    )
    with pytest.raises(ValueError, match=r"must split the 20 labels .* hides 20, the"):
        model.fit(X, y)
