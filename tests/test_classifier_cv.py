import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from helpers import RecordingOracle, weights_by_class
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.stats import norm, ttest_1samp
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import (
    DataConversionWarning,
    FitFailedWarning,
    NotFittedError,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop._classifier_cv import (
    Candidate,
    Outcome,
    TrainingSet,
    assign_folds,
    choose,
    describe_choice,
    describe_gains,
    describe_labels,
    label_weights,
    list_candidates,
    predict_hidden,
    propagate_by,
    selection_scores,
    sign_flip_p_values,
    smooth_scores,
    tabulate,
    thin_out,
    training_sets,
    wilson_interval,
)


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 16, "random_state": 0} | params)


def classifier(estimator=None, of=None, **params):
    estimator = GaussianNB() if estimator is None else estimator
    of = propagator() if of is None else of
    return PropagatedClassifierCV(estimator, of, **{"random_state": 0} | params)


def first_columns(X):
    return X[:, :2]


@pytest.fixture
def noisy_blobs(blobs):
    """Two classes, told apart by the two columns that are clustered, and 30 of noise.

    With 12 labels a classifier takes noise for signal; with all samples it does not.
    """
    X, y = blobs
    noise = np.random.default_rng(0).normal(scale=5, size=(len(X), 30))
    return np.hstack([X, noise]), (y > 1).astype(int)


@pytest.fixture
def misleading_blobs(blobs):
    """Two classes that have nothing to do with the two columns that are clustered."""
    X, _ = blobs
    signal = np.random.default_rng(1).normal(size=(len(X), 1))
    return np.hstack([X, signal + np.sign(signal)]), (signal[:, 0] > 0).astype(int)


def on_first_columns(**params):
    return propagator(embedding=FunctionTransformer(first_columns), **params)


# The choice


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_candidate_that_cannot_be_trained_is_not_chosen(blobs, n_jobs):
    X, y = blobs
    # Of 12 labels every fold leaves 9 or 10: too few for 12 neighbours.
    model = classifier(
        KNeighborsClassifier(12), propagator(n_clusters=12), n_repeats=1, n_jobs=n_jobs
    )
    with pytest.warns(FitFailedWarning, match=r"alone \(5 of 5 fits\)\. .*n_neighbors"):
        model.fit(X, y)
    scores = model.cv_results_["mean_test_score"]
    assert np.isnan(scores[0])
    assert not np.isnan(scores[1:]).any()
    assert model.cv_results_["rank_test_score"][0] == len(scores)
    assert model.best_params_["fraction"] > 0
    assert model.score(X, y) == 1
    assert "its training failed: the representatives alone." in model.summary()
    # The others are compared with each other as if it had not been there.
    without = classifier(
        KNeighborsClassifier(12),
        propagator(n_clusters=12),
        fractions=(0.3, 0.7, 1.0),
        n_repeats=1,
    ).fit(X, y)
    assert_array_equal(
        without.cv_results_["smoothed_test_score"],
        model.cv_results_["smoothed_test_score"][1:],
    )


def test_others_than_the_representatives_may_fail_too(blobs):
    X, y = blobs
    model = classifier(FailsOnMany(len(X) // 2), n_repeats=1)
    with pytest.warns(FitFailedWarning, match=r"cluster at fraction 0\.7 \(5 of 5"):
        model.fit(X, y)
    assert model.best_params_["fraction"] < 0.7
    summary = model.summary()
    assert summary.count("its training failed") == 4
    assert "Against the representatives alone" in summary


def test_labels_are_kept_if_every_candidate_fails(blobs):
    X, y = blobs
    of = propagator(oracle=RecordingOracle(X, y))
    model = classifier(FailsOnMany(1), of, n_repeats=1)
    with pytest.raises(ValueError, match=r"Every candidate failed.*RuntimeError: too"):
        model.fit(X)
    kept = model.propagator_
    assert kept.oracle.n_asked == 16
    assert_array_equal(kept.representative_labels_, y[kept.representative_indices_])
    assert_array_equal(kept.propagate({}).transduction_, y)
    with pytest.raises(NotFittedError):
        model.summary()


class FailsOnMany(GaussianNB):
    def __init__(self, limit=10):
        super().__init__()
        self.limit = limit

    def fit(self, X, y, sample_weight=None):
        if len(X) > self.limit:
            raise RuntimeError("too many samples")
        return super().fit(X, y, sample_weight)


def test_one_label_is_refused_before_it_is_paid_for(blobs):
    def oracle(X_query):
        raise AssertionError("asked")

    with pytest.raises(ValueError, match=r"two representatives .* Got 1 instead"):
        classifier(of=propagator(n_clusters=1, oracle=oracle)).fit(blobs[0])


def test_rules_come_in_any_container(blobs):
    X, y = blobs
    # A set has no order, the table has.
    for propagations in (
        {"graph", "cluster"},
        np.array(["cluster", "graph"]),
        pd.Series(["cluster", "graph"]),
    ):
        model = classifier(propagations=propagations, fractions=[1], n_repeats=1)
        model.fit(X, y)
        rules = model.cv_results_["param_propagation"]
        assert rules.tolist() == ["cluster", "graph"]
        assert type(model.best_params_["propagation"]) is str
    with pytest.raises(ValueError, match="'propagations' parameter"):
        classifier(propagations=[["graph"]]).fit(X, y)


def test_probabilities_without_classes_do_not_count(blobs):
    X, y = blobs
    outcome = classifier(Nameless(), n_repeats=1, fractions=[1]).fit(X, y)
    assert outcome.best_score_ == 1


class Nameless(BaseEstimator):
    """A classifier of the plainest kind, with probabilities of unnamed classes."""

    def fit(self, X, y):
        self.inner = GaussianNB().fit(X, y)
        return self

    def predict(self, X):
        return self.inner.predict(X)

    def predict_proba(self, X):
        return self.inner.predict_proba(X) / 2


def test_a_column_of_labels_warns_once(blobs):
    X, y = blobs
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = classifier(n_repeats=1).fit(X, pd.DataFrame({"label": y}))
    assert [each.category for each in caught] == [DataConversionWarning]
    assert_array_equal(model.predict(X), y)


def test_propagation_is_chosen_where_it_is_right(noisy_blobs):
    X, y = noisy_blobs
    model = classifier(
        LogisticRegression(C=100, max_iter=1000), on_first_columns(n_clusters=12)
    ).fit(X, y)
    assert model.best_params_["fraction"] > 0
    assert model.cv_results_["mean_test_gain"][model.best_index_] > 0.2
    alone = PropagatedClassifier(
        LogisticRegression(C=100, max_iter=1000),
        on_first_columns(n_clusters=12, fraction=0),
    ).fit(X, y)
    assert model.score(X, y) > alone.score(X, y) + 0.1
    assert "better." in model.summary()


def test_the_representatives_alone_are_chosen_where_propagation_is_wrong(
    misleading_blobs,
):
    X, y = misleading_blobs
    model = classifier(
        DecisionTreeClassifier(max_depth=2), on_first_columns(n_clusters=40)
    ).fit(X, y)
    assert model.best_params_ == {"propagation": "cluster", "fraction": 0}
    assert_array_equal(
        model.propagator_.sample_indices_,
        np.sort(model.propagator_.representative_indices_),
    )
    assert model.score(X, y) > 0.9
    text = model.summary()
    assert "Chosen of 7 candidates: the representatives alone." in text
    assert "Propagation would hurt here" in text
    assert "  graph at fraction 1: -" in text


def test_the_result_is_that_of_a_classifier_told_the_choice(digits):
    X, y = digits
    model = classifier(
        RandomForestClassifier(10), KMeansLabelPropagator(30), n_repeats=1
    ).fit(X, y)
    told = PropagatedClassifier(
        RandomForestClassifier(10, random_state=0),
        KMeansLabelPropagator(30, random_state=0, **model.best_params_),
    ).fit(X, y)
    assert_array_equal(model.predict_proba(X), told.predict_proba(X))
    for name in ("transduction_", "confidence_", "sample_indices_"):
        assert_array_equal(
            getattr(model.propagator_, name), getattr(told.propagator_, name)
        )


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_the_propagator_is_left_as_if_fitted_by_the_chosen_rule(blobs, rule):
    X, y = blobs
    fitted = propagator(propagation="graph")
    fitted._collect_answers(X, y, None)
    fitted._encode_answers({})
    propagate_by(fitted, Candidate(rule, 1.0))
    told = propagator(propagation=rule, fraction=1).fit(X, y)
    assert vars(fitted).keys() == vars(told).keys()
    assert fitted.get_params() == told.get_params()
    assert_array_equal(fitted.propagate({}).transduction_, told.transduction_)
    other = {"cluster": "graph", "graph": "cluster"}[rule]
    with pytest.raises(ValueError, match="'propagation' parameter was set"):
        fitted.set_params(propagation=other).propagate({})


def test_neighbours_are_searched_for_only_where_a_graph_is_tried(blobs):
    X, y = blobs
    no_graph = FunctionTransformer(lambda E: E)
    model = classifier(of=propagator(neighbors=no_graph), propagations=["cluster"])
    assert model.fit(X, y).score(X, y) == 1
    with pytest.raises(TypeError, match="'neighbors' parameter"):
        model.set_params(propagations=["graph"]).fit(X, y)


# No label more


def test_the_oracle_is_asked_once_for_each_representative(blobs):
    X, y = blobs
    model = classifier(of=propagator(oracle=RecordingOracle(X, y))).fit(X)
    oracle = model.propagator_.oracle
    assert len(oracle.queries) == 1
    assert oracle.n_asked == 16
    assert model.propagator_.n_queries_ == 16
    assert model.n_hidden_ == 16


def test_only_the_representatives_labels_are_read(digits):
    X, y = digits
    expected = classifier(n_repeats=1).fit(X, y)
    corrupted = y[::-1].copy()
    representatives = expected.propagator_.representative_indices_
    corrupted[representatives] = y[representatives]
    model = classifier(n_repeats=1).fit(X, corrupted)
    assert_array_equal(model.predict(X), expected.predict(X))
    assert_array_equal(
        model.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


# No label leaks


@pytest.fixture
def prepared(digits):
    """A propagator before its labels spread, and its labels."""
    X, y = digits
    prepared = propagator(n_clusters=40, propagation="graph")
    prepared._collect_answers(X, y, None)
    return prepared, prepared._encode_answers({})


CANDIDATES = list_candidates(["cluster", "graph"], [0, 0.3, 1])


def test_hidden_labels_change_no_training_set(prepared):
    fitted, codes = prepared
    is_hidden = np.arange(40) % 5 == 0
    corrupted = np.where(is_hidden, (codes + 1) % 10, codes)
    true = list(training_sets(fitted, codes, is_hidden, CANDIDATES))
    false = list(training_sets(fitted, corrupted, is_hidden, CANDIDATES))
    assert len(true) == len(CANDIDATES) == 5
    for left, right in zip(true, false, strict=True):
        for one, other in zip(left, right, strict=True):
            assert_array_equal(one, other)


def test_hidden_samples_are_in_no_training_set_and_visible_ones_in_all(prepared):
    fitted, codes = prepared
    is_hidden = np.arange(40) % 5 == 0
    hidden = fitted.representative_indices_[is_hidden]
    visible = fitted.representative_indices_[~is_hidden]
    sets = list(training_sets(fitted, codes, is_hidden, CANDIDATES))
    for positions, set_codes, _, is_given in sets:
        assert not np.isin(positions, hidden).any()
        assert np.isin(visible, positions).all()
        found = set_codes[np.searchsorted(positions, visible)]
        assert_array_equal(found, codes[~is_hidden])
        assert_array_equal(positions[is_given], np.sort(visible))
    assert_array_equal(sets[0].positions, np.sort(visible))


def test_a_label_that_reaches_a_representative_is_not_given(prepared):
    fitted, codes = prepared
    codes = np.where(np.arange(40) == 1, -1, codes)  # the oracle abstained
    nothing_hidden = np.zeros(40, dtype=bool)
    (found,) = training_sets(fitted, codes, nothing_hidden, [Candidate("graph", 1.0)])
    given = found.positions[found.is_given]
    silent_about = fitted.representative_indices_[1]
    assert silent_about in found.positions
    others = np.setdiff1d(fitted.representative_indices_, silent_about)
    assert_array_equal(given, others)


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_training_sets_are_those_of_a_propagator_that_lacks_the_labels(digits, rule):
    X, y = digits
    fitted = propagator(n_clusters=40, propagation=rule)
    fitted._collect_answers(X, y, None)
    codes = fitted._encode_answers({})
    is_hidden = np.arange(40) % 5 == 0
    (found,) = training_sets(fitted, codes, is_hidden, [Candidate(rule, 1.0)])

    lacking = propagator(n_clusters=40, propagation=rule, fraction=1)
    lacking.query(X)
    representatives = lacking.representative_indices_
    visible = representatives[~is_hidden].tolist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # clusters without a label
        lacking.propagate({position: y[position] for position in visible})
    expected = np.setdiff1d(lacking.sample_indices_, representatives[is_hidden])
    assert_array_equal(found.positions, expected)
    assert_array_equal(found.codes, lacking.transduction_[expected])
    assert_allclose(found.confidence, lacking.confidence_[expected])


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is trained on, in a list that its clones share."""

    calls = None

    def fit(self, X, y, sample_weight=None, per_sample=None):
        self.classes_ = np.unique(y)
        if Recorder.calls is not None:
            Recorder.calls.append((X, y, sample_weight, per_sample))
        return self

    def predict(self, X):
        return np.full(X.shape[0], self.classes_[0])


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.setattr(Recorder, "calls", [])
    return Recorder.calls


def test_each_fold_trains_on_other_labels_than_it_is_asked_for(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    model = classifier(Recorder(), fractions=[0], n_repeats=2, cv=4)
    model.fit(X, y, per_sample=ids)
    representatives = set(model.propagator_.representative_indices_.tolist())
    *folds, final = [set(per_sample.tolist()) for *_, per_sample in calls]
    assert final == representatives
    assert len(folds) == 2 * 4
    for repeat in (folds[:4], folds[4:]):
        hidden = [representatives - fold for fold in repeat]
        assert sorted(p for part in hidden for p in part) == sorted(representatives)
    assert folds[:4] != folds[4:]


# Weights, fit parameters, selection_estimator


def test_confidence_and_fit_parameters_are_those_of_the_samples_kept(blobs, calls):
    X, y = blobs
    weights = np.linspace(1, 2, len(X))
    model = classifier(
        Recorder(), fractions=[1], propagations=["cluster"], sample_weight="confidence"
    ).fit(X, y, sample_weight=weights, per_sample=np.arange(len(X)))
    confidence = model.propagator_.confidence_
    assert len(calls) == 5 * 3 + 1
    for X_train, y_train, weight, positions in calls:
        # By the cluster rule, hidden labels leave the confidence of others alone.
        assert_array_equal(X_train, X[positions])
        by_class = weights_by_class(confidence[positions], y_train)
        assert_allclose(weight, by_class * weights[positions])


def test_a_selection_estimator_compares_and_the_estimator_is_trained(blobs, calls):
    X, y = blobs
    model = classifier(selection_estimator=Recorder()).fit(
        X, y, sample_weight=np.ones(len(X))
    )
    assert len(calls) == 7 * 5 * 3
    assert all(weight is not None for _, _, weight, _ in calls)
    assert isinstance(model.estimator_, GaussianNB)
    assert model.score(X, y) == 1
    assert model.selection_estimator.get_params() == {}


def test_a_selection_estimator_that_takes_no_weights_gets_none(blobs):
    X, y = blobs
    model = classifier(
        selection_estimator=KNeighborsClassifier(1), sample_weight="confidence"
    ).fit(X, y, sample_weight=np.ones(len(X)))
    assert model.best_accuracy_ == 1
    with pytest.raises(ValueError, match="KNeighborsClassifier does not"):
        classifier(KNeighborsClassifier(), sample_weight="confidence").fit(X, y)


def test_metadata_is_routed(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    with sklearn.config_context(enable_metadata_routing=True):
        by_id = propagator(oracle=lambda asked: y[asked], oracle_input="ids")
        model = classifier(
            GaussianNB().set_fit_request(sample_weight=True),
            by_id,
            selection_estimator=Recorder().set_fit_request(
                sample_weight=False, per_sample=True
            ),
            sample_weight=None,
        ).set_fit_request(sample_ids=True)
        make_pipeline("passthrough", model).fit(
            X, None, sample_ids=ids, sample_weight=np.ones(len(X)), per_sample=ids
        )
    assert all(weight is None for _, _, weight, _ in calls)
    for X_train, _, _, per_sample in calls:
        assert_array_equal(X_train, X[per_sample])


# Corrections


@pytest.fixture
def blurred_classes():
    """Two classes, told apart by the second column; the first is a blurred copy."""
    y = np.arange(200) % 2
    noise = np.random.default_rng(0).normal(size=(200, 2)) * [2.5, 1]
    return 4 * y[:, np.newaxis] + noise, y


def first_column(X):
    return X[:, :1]


def blurred(**params):
    """Clusters the blurred column alone."""
    return propagator(embedding=FunctionTransformer(first_column), **params)


def test_a_correction_is_chosen_where_it_pays(blurred_classes):
    X, y = blurred_classes
    model = classifier(
        DecisionTreeClassifier(min_samples_leaf=3),
        blurred(n_clusters=40),
        propagations=["cluster"],
        fractions=[1],
        corrections=[None, "drop", "relabel"],
        corrector=GaussianNB(),
    ).fit(X, y)
    results = model.cv_results_
    assert results["param_correction"].tolist() == [None, "drop", "relabel"]
    assert results["smoothed_test_score"].argmax() == model.best_index_ > 0
    assert model.best_correction_ == [None, "drop", "relabel"][model.best_index_]
    assert model.best_params_ == {"propagation": "cluster", "fraction": 1}
    assert model.n_corrected_ > 10
    chosen = {"drop": "dropped", "relabel": "changed"}[model.best_correction_]
    assert f"cluster at fraction 1, doubtful labels {chosen}." in model.summary()


@pytest.mark.parametrize("correction", ["drop", "relabel"])
def test_a_corrected_choice_can_be_repeated(blurred_classes, correction):
    X, y = blurred_classes
    names = np.array(["no", "yes"])[y]
    model = classifier(
        RandomForestClassifier(5),
        KMeansLabelPropagator(10, embedding=FunctionTransformer(first_column)),
        corrections=[correction],
        fractions=[0.7, 1],
        n_repeats=1,
    ).fit(X, names)
    assert model.best_correction_ == correction
    told = PropagatedClassifier(
        RandomForestClassifier(5, random_state=0),
        KMeansLabelPropagator(
            10,
            embedding=FunctionTransformer(first_column),
            random_state=0,
            **model.best_params_,
        ),
        correction=model.best_correction_,
    ).fit(X, names)
    assert model.n_corrected_ == told.n_corrected_ > 0
    for name in ("training_indices_", "training_labels_"):
        assert_array_equal(getattr(model, name), getattr(told, name))
    assert_array_equal(model.predict_proba(X), told.predict_proba(X))


def test_without_corrections_none_is_made(blobs):
    model = classifier().fit(*blobs)
    assert model.best_correction_ is None
    assert model.n_corrected_ == 0
    assert set(model.cv_results_["param_correction"]) == {None}
    kept = model.propagator_.sample_indices_
    assert_array_equal(model.training_indices_, kept)
    assert_array_equal(model.training_labels_, model.propagator_.transduction_[kept])


def test_corrections_are_compared_within_each_fold(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    model = classifier(
        Recorder(),
        fractions=[0, 1],
        propagations=["cluster"],
        corrections=["drop"],
        n_repeats=1,
    ).fit(X, y, per_sample=ids)
    representatives = model.propagator_.representative_indices_
    *compared, _ = calls
    # In each of five folds: the representatives alone, three correctors, what is left.
    at_the_end = 1 if model.best_params_["fraction"] == 0 else 4
    assert len(calls) == 5 * (1 + 3 + 1) + at_the_end
    for fold in range(5):
        alone, *correctors, left = [
            set(call[3].tolist()) for call in compared[5 * fold : 5 * fold + 5]
        ]
        hidden = set(representatives.tolist()) - alone
        assert len(hidden) in (3, 4)
        for trained_on in (*correctors, left):
            assert alone <= trained_on
            assert trained_on.isdisjoint(hidden)
        propagated = set.union(*correctors) - alone
        assert len(propagated) > 60
        for i in propagated:
            assert sum(i in trained_on for trained_on in correctors) == 2
        assert left <= propagated | alone


def test_the_selection_estimator_is_the_corrector_in_the_comparison(blobs, calls):
    X, y = blobs
    classifier(
        corrector=GaussianNB(),
        corrections=[None, "drop"],
        propagations=["cluster"],
        fractions=[1],
        selection_estimator=Recorder(),
    ).fit(X, y)
    assert len(calls) == 15 * (1 + 3 + 1)


# Cheap comparisons


def test_few_samples_are_compared_on_and_all_trained_on(blobs, calls):
    X, y = blobs
    ids = np.arange(len(X))
    fractions = [0, 0.6, 1]
    model = classifier(Recorder(), fractions=fractions, selection_max_samples=30)
    model.fit(X, y, per_sample=ids)
    kept, representatives = (
        model.propagator_.sample_indices_,
        model.propagator_.representative_indices_,
    )
    *compared, final = [call[3] for call in calls]
    assert_array_equal(final, kept)
    for split in range(15):
        alone, *others = [set(u.tolist()) for u in compared[5 * split : 5 * split + 5]]
        assert len(alone) <= 13
        assert all(alone <= other for other in others)
        hidden = set(representatives.tolist()) - alone
        assert all(hidden.isdisjoint(other) for other in others)
        # Of the 30 drawn a candidate trains on those that it keeps.
        drawn = set().union(*others) - alone
        assert 30 - len(representatives) <= len(drawn) <= 30
        for fewer, more in (others[:2], others[2:]):
            assert fewer < more
    # Other samples in other folds.
    assert len({tuple(used.tolist()) for used in compared[4::5]}) == 15


def test_more_representatives_than_samples_asked_for_are_all_used(blobs, calls):
    X, y = blobs
    classifier(Recorder(), selection_max_samples=2, fractions=[1]).fit(X, y)
    sizes = {len(y_train) for _, y_train, _, _ in calls[:-1]}
    assert sizes <= {12, 13, 14, 15}
    assert len(calls[-1][1]) == len(X)


def test_enough_samples_change_nothing(few_digits):
    X, y = few_digits
    model = classifier(of=propagator(n_clusters=20), n_repeats=1)
    all_of_them = model.fit(X, y).cv_results_["mean_test_score"]
    same = clone(model).set_params(selection_max_samples=len(X)).fit(X, y)
    fewer = clone(model).set_params(selection_max_samples=25).fit(X, y)
    assert_array_equal(same.cv_results_["mean_test_score"], all_of_them)
    assert (fewer.cv_results_["mean_test_score"] != all_of_them).any()


def test_samples_that_are_given_need_not_be_drawn():
    is_given = np.arange(10) % 5 == 0
    full = TrainingSet(
        np.arange(10) * 2, np.arange(10) % 3, np.linspace(0, 0.9, 10), is_given
    )
    positions, codes, confidence, given = thin_out(full, np.arange(20) >= 13)
    assert_array_equal(positions, [0, 10, 14, 16, 18])
    assert_array_equal(codes, [0, 2, 1, 2, 0])
    assert_array_equal(given, [True, True, False, False, False])
    assert_allclose(confidence, [0, 0.5, 0.7, 0.8, 0.9])
    assert_array_equal(thin_out(full, np.zeros(20, bool)).positions, [0, 10])
    assert_array_equal(thin_out(full, np.ones(20, bool)).positions, full.positions)


class CountingEmbedding(FunctionTransformer):
    calls = 0

    def transform(self, X):
        type(self).calls += 1
        return super().transform(X)


def test_candidates_are_compared_on_embedded_samples(blobs, calls, monkeypatch):
    X, y = blobs
    monkeypatch.setattr(CountingEmbedding, "calls", 0)
    of = propagator(embedding=CountingEmbedding(lambda X: -X))
    model = classifier(
        of=of, selection_estimator=Recorder(), selection_space="embedding"
    ).fit(X, y)
    n_calls = CountingEmbedding.calls
    assert n_calls == 1
    assert len(calls) == 7 * 15
    embedded = {tuple(row) for row in -X}
    assert all(tuple(row) in embedded for X_train, *_ in calls for row in X_train)
    # The estimator is trained on the samples as they are, and predicts them.
    assert model.score(X, y) == 1
    assert CountingEmbedding.calls == n_calls


def test_without_an_embedding_the_samples_are_their_own(blobs):
    X, y = blobs
    model = classifier(selection_estimator=GaussianNB())
    expected = model.fit(X, y).cv_results_["mean_test_score"]
    model.set_params(selection_space="embedding").fit(X, y)
    assert_array_equal(model.cv_results_["mean_test_score"], expected)


def test_texts_are_compared_on_their_embedding():
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    model = classifier(
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
        propagator(n_clusters=5, embedding=TfidfVectorizer()),
        selection_estimator=LogisticRegression(),
        selection_space="embedding",
        selection_max_samples=10,
        corrections=[None, "relabel"],
    ).fit(texts, kinds)
    assert model.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]


# Folds


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_even_and_stratified(seed):
    codes = np.repeat([0, 1, 2, 3, -1], [13, 7, 2, 1, 4])
    folds = assign_folds(codes, 5, np.random.RandomState(seed))
    assert_array_equal(folds >= 0, (codes >= 0) & (codes != 3))
    sizes = np.bincount(folds[folds >= 0])
    assert len(sizes) == 5
    assert np.ptp(sizes) <= 1
    for code in (0, 1, 2):
        assert np.ptp(np.bincount(folds[codes == code], minlength=5)) <= 1


def test_there_are_no_more_folds_than_labels():
    folds = assign_folds(np.array([0, 0, 1, -1]), 5, np.random.RandomState(0))
    assert sorted(folds.tolist()) == [-1, -1, 0, 1]
    none = assign_folds(np.array([0, 1, -1]), 5, np.random.RandomState(0))
    assert none.tolist() == [-1, -1, -1]


def test_labels_are_dealt_out_at_random():
    codes = np.zeros(20, dtype=int)
    rng = np.random.RandomState(0)
    first, second = assign_folds(codes, 5, rng), assign_folds(codes, 5, rng)
    assert (first != second).any()


def test_the_only_label_of_a_class_stays_in_training(blobs, calls):
    X, y = blobs
    known = propagator().fit(X, y).representative_indices_
    y = y.copy()
    y[known[0]] = 7
    model = classifier(Recorder()).fit(X, y)
    assert model.n_hidden_ == 15
    assert all(7 in y_train for _, y_train, _, _ in calls)
    assert "  1 more are the only ones of their class" in model.summary()


@pytest.mark.parametrize("scoring", ["accuracy", "balanced_accuracy"])
def test_labels_that_are_all_different_allow_no_choice(blobs, scoring):
    X, y = blobs
    model = classifier(of=propagator(n_clusters=4), scoring=scoring)
    match = "No two of the 4 labels are the same.*taken is the representatives alone"
    with pytest.warns(UserWarning, match=match):
        model.fit(X, y)
    assert model.best_params_ == {"propagation": "cluster", "fraction": 0}
    assert model.n_hidden_ == 0
    assert model.accuracy_interval_ == (0, 1)
    assert np.isnan(model.best_accuracy_)
    assert len(pd.DataFrame(model.cv_results_)) == 7
    assert model.summary().splitlines()[1:] == [
        "Nothing is known of them: no two labels are the same."
    ]
    assert_array_equal(model.predict(X[:5]), y[:5])


def test_one_label_is_too_few(blobs):
    X, y = blobs
    match = "needs the labels of two representatives or more.* Got 1 instead"
    with pytest.raises(ValueError, match=match):
        classifier(of=propagator(n_clusters=1)).fit(X, np.zeros_like(y))


def trained_on(positions):
    """A training set of given labels; the labels themselves are not needed."""
    codes = np.zeros(len(positions), dtype=int)
    return TrainingSet(positions, codes, np.ones(len(positions)), codes == 0)


def test_a_training_set_of_one_class_predicts_it(blobs):
    X, _ = blobs
    outcome = predict_hidden(
        LogisticRegression(),
        X,
        np.array(["a"] * 5),
        trained_on(np.arange(5)),
        np.arange(5, 8),
        np.array(["a", "b", "a"]),
        {},
    )
    assert_array_equal(outcome.correct, [1, 0, 1])
    assert_array_equal(outcome.probability, [1, 0, 1])


def test_the_probability_is_that_of_the_right_class():
    X = np.array([[0.0], [1], [10], [11], [0.5], [10.5], [0.5], [5.5]])
    train, hidden = trained_on(np.arange(4)), np.arange(4, 8)
    labels = np.array(["a", "b", "b", "c"])  # of c nothing is known
    y_train = np.array(["a", "a", "b", "b"])
    model = KNeighborsClassifier(3)
    outcome = predict_hidden(model, X, y_train, train, hidden, labels, {})
    assert_array_equal(outcome.correct, [1, 1, 0, 0])
    assert_allclose(outcome.probability, [2 / 3, 2 / 3, 1 / 3, 0])
    tells_none = predict_hidden(LinearSVC(), X, y_train, train, hidden, labels, {})
    assert_array_equal(tells_none.probability, tells_none.correct)
    assert_array_equal(tells_none.correct, [1, 1, 0, 0])


# Scores


def test_candidates_list_the_representatives_alone_once():
    assert list_candidates(("graph", "cluster"), (1, 0.0, 0.5, 1)) == [
        ("cluster", 0, None),
        ("graph", 0.5, None),
        ("graph", 1, None),
        ("cluster", 0.5, None),
        ("cluster", 1, None),
    ]
    assert list_candidates(["graph"], [0.5]) == [("graph", 0.5, None)]


def test_candidates_without_a_correction_come_first():
    assert list_candidates(["graph"], [0, 1], ["relabel", None, "drop"]) == [
        ("cluster", 0, None),
        ("graph", 1, None),
        ("graph", 1, "drop"),
        ("graph", 1, "relabel"),
    ]


def test_weights_count_labels_or_classes():
    codes = np.array([0, 0, 0, 2])
    assert_allclose(label_weights(codes, "accuracy"), [0.25] * 4)
    assert_allclose(
        label_weights(codes, "balanced_accuracy"), [1 / 6, 1 / 6, 1 / 6, 1 / 2]
    )


def test_scores_count_being_right_and_being_sure():
    outcome = Outcome(np.array([1.0, 1, 0, 0]), np.array([1, 0.5, 0.4, 0]))
    assert_allclose(selection_scores(outcome), [1, 0.875, 0.32, 0])


def test_scores_are_smoothed_over_the_fractions_of_a_rule():
    candidates = list_candidates(["cluster", "graph"], [0, 0.3, 0.7, 1])
    scores = np.array([0.5, 0.6, 0.9, 0.6, 0.7, 0.7, 0.7])
    smoothed = smooth_scores(scores, candidates)
    # The line through the three of "cluster": 0.7 at 2/3, and this slope.
    offsets = np.array([0.3, 0.7, 1]) - 2 / 3
    slope = np.polyfit(offsets, scores[1:4], 1)[0]
    assert_allclose(smoothed[[0, 4, 5, 6]], [0.5, 0.7, 0.7, 0.7])
    assert_allclose(
        smoothed[1:4], 0.5 * 0.7 + 0.25 * (0.7 + slope * offsets) + 0.25 * scores[1:4]
    )
    # A lone high score of a rule that is no better otherwise does not win.
    assert scores.argmax() == smoothed.argmax() == 2
    lone = np.array([0.5, 0.6, 0.85, 0.5, 0.7, 0.7, 0.7])
    assert lone.argmax() == 2
    assert smooth_scores(lone, candidates).argmax() == 4


def test_each_correction_is_smoothed_by_itself_and_a_lone_fraction_not_at_all():
    candidates = list_candidates(["graph"], [0, 1], [None, "drop"])
    scores = np.array([0.5, 0.6, 0.9])
    assert_array_equal(smooth_scores(scores, candidates), scores)
    two = list_candidates(["graph"], [0.5, 1])
    # Two fractions lie on their line.
    assert_allclose(smooth_scores(np.array([0.4, 0.8]), two), [0.5, 0.7])


def test_of_candidates_right_equally_often_the_surer_is_chosen(blobs):
    X, y = blobs
    y = (y > 1).astype(int)
    # All right, and the surer the more neighbours are of the same class.
    model = classifier(
        KNeighborsClassifier(3), propagator(n_clusters=8), fractions=[0, 1]
    ).fit(X, y)
    assert_array_equal(model.cv_results_["mean_test_accuracy"][1:], 1)
    assert model.best_params_["fraction"] == 1
    assert model.best_score_ == 1


@pytest.mark.parametrize(
    ("of_leader", "of_graph", "leads"),
    [
        # A lead of 0.25; its standard error is 0.43 / 2.
        ([1, 1, 1, 0], [1, 1, 0, 0], {0, 1}),
        # Now 0.83 / 2: more than the lead, but half of it is less.
        ([1, 1, 1, 0], [1, 0, 0, 1], {0}),
        # A lead of 0.125; its error is 0.65 / 2, and half of that 0.16.
        ([1, 1, 1, 0], [0.5, 0.5, 0.5, 1], set()),
        ([1, 1, 0, 0], [1, 1, 0, 0], set()),
        ([1, 0, 0, 0], [1, 1, 0, 0], set()),
        ([1, 1, 1, 0], [np.nan] * 4, {0, 1}),
    ],
)
@pytest.mark.parametrize("leader", [0, 1])
def test_in_doubt_the_graph_rule_is_chosen(of_leader, of_graph, leads, leader):
    correct = np.zeros((1, 3, 4))
    correct[0, leader], correct[0, 2] = of_leader, of_graph
    chosen = leader if leader in leads else 2
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    smoothed = smooth_scores(correct[0].mean(axis=1), candidates)
    outcome, weights = Outcome(correct, correct), np.full(4, 0.25)
    assert choose(outcome, weights, candidates, smoothed) == chosen
    # Without the graph rule there is no doubt.
    without = Outcome(correct[:, :2], correct[:, :2])
    assert choose(without, weights, candidates[:2], smoothed[:2]) == leader


@pytest.mark.parametrize(
    ("alone", "chosen"),
    [
        ([1, 0, 0, 0, 1, 1, 0, 0], 0),  # leads by 0.125; half of its error is 0.06
        ([0, 1, 0, 0, 1, 0, 0, 0], 2),  # leads by nothing
        ([np.nan] * 8, 2),
    ],
)
def test_the_representatives_may_lead_where_the_best_does_not(alone, chosen):
    of_graph = [0, 0, 0, 0, 1, 1, 0, 0]
    of_cluster = [1, 1, 1, 1, 0, 0, 0, 0]  # leads by 0.25, with an error of 0.29
    correct = np.array([[alone, of_cluster, of_graph]], dtype=float)
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    outcome, weights = Outcome(correct, correct), np.full(8, 1 / 8)
    smoothed = correct[0].mean(axis=1)
    assert choose(outcome, weights, candidates, smoothed) == chosen


def test_the_summary_names_what_leads_by_too_little():
    correct = np.array([[[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]], dtype=float)
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    folds, weights = np.array([[0, 1, 0, 1]]), np.full(4, 0.25)
    table = tabulate(Outcome(correct, correct), folds, weights, candidates)
    assert_array_equal(table["rank_test_score"], [3, 1, 2])
    text = list(describe_choice(table, 2, 0.5, (0.2, 0.8), "accuracy"))
    assert text[0] == "Chosen of 3 candidates: graph at fraction 1."
    assert text[1].endswith("too little to tell: cluster at fraction 1.")
    first = list(describe_choice(table, 1, 0.75, (0.4, 0.9), "accuracy"))
    assert "doubt" not in " ".join(first)


def test_the_error_of_a_lead_counts_classes_the_same_if_these_do():
    # The only label of a class speaks for cluster, one of nine others for graph.
    of_cluster, of_graph = np.eye(10)[0], np.eye(10)[1]
    correct = np.array([[of_cluster, of_graph]])
    candidates = list_candidates(["cluster", "graph"], [1])
    weights = label_weights(np.repeat([0, 1], [1, 9]), "balanced_accuracy")
    smoothed = correct[0] @ weights
    assert_allclose(smoothed, [0.5, 1 / 18])
    # The lead is 0.44, its error 0.30; counted alike, 0 and 0.14.
    assert choose(Outcome(correct, correct), weights, candidates, smoothed) == 0
    alike = np.full(10, 0.1)
    assert choose(Outcome(correct, correct), alike, candidates, correct[0] @ alike) == 1


def test_the_table_of_scores():
    # Two repeats, three candidates, four labels.
    correct = np.array(
        [
            [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
            [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]],
        ],
        dtype=float,
    )
    probability = np.full(correct.shape, 0.5)
    folds = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    candidates = list_candidates(["cluster"], [0, 0.5, 1])
    table = tabulate(Outcome(correct, probability), folds, np.full(4, 0.25), candidates)
    assert_allclose(table["mean_test_accuracy"], [0.5, 0.625, 0.125])
    assert_allclose(table["mean_test_score"], [0.625, 0.6875, 0.4375])
    # The mean of the rule is 0.5625, the line falls by 0.25 from 0.5 to 1.
    assert_allclose(table["smoothed_test_score"], [0.625, 0.625, 0.5])
    assert_array_equal(table["rank_test_score"], [1, 1, 3])
    assert_allclose(table["split0_test_score"], [0.875, 0.875, 0.375])
    assert_allclose(table["split3_test_score"], [0.625, 0.625, 0.625])
    assert "split4_test_score" not in table
    splits = [table[f"split{i}_test_score"] for i in range(4)]
    assert_allclose(table["std_test_score"], np.std(splits, axis=0))
    assert_allclose(table["mean_test_gain"], [0, 0.125, -0.375])
    gain = np.array([0, 0, 0.5, 0])
    assert_allclose(table["sem_test_gain"][1], gain.std() / np.sqrt(4))
    # Where a single label differs, it is always as far off as it can be.
    assert_allclose(table["pvalue_test_gain"], [1, 1, 1])


def test_equal_scores_rank_alike_and_the_first_of_the_graph_rule_is_chosen(blobs):
    X, y = blobs
    model = classifier(DecisionTreeClassifier()).fit(X, np.zeros_like(y))
    assert_array_equal(model.cv_results_["rank_test_score"], [1] * 7)
    assert model.best_params_ == {"propagation": "graph", "fraction": 0.3}
    assert model.best_score_ == model.best_accuracy_ == 1


def test_results_load_into_a_table_like_that_of_a_search(digits):
    X, y = digits
    model = classifier(n_repeats=2, cv=3).fit(X, y)
    table = pd.DataFrame(model.cv_results_)
    assert len(table) == 7
    assert [name for name in table if name.startswith("split")] == [
        f"split{i}_test_score" for i in range(6)
    ]
    assert table.loc[model.best_index_, "rank_test_score"] == 1
    assert table.loc[model.best_index_, "mean_test_score"] == model.best_score_
    assert table["params"][model.best_index_] == model.best_params_
    assert_array_equal(table["param_fraction"], [0, 0.3, 0.7, 1, 0.3, 0.7, 1])
    assert set(table["param_propagation"]) == {"cluster", "graph"}
    assert set(KMeansLabelPropagator().set_params(**model.best_params_).get_params())


def test_balanced_accuracy_counts_classes_the_same(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    # Of class 1 there are two labels, of class 0 the other 14.
    y = np.zeros(len(X), dtype=int)
    y[fitted.representative_indices_[:2]] = 1
    constant = {"estimator": Recorder(), "fractions": [0]}  # predicts class 0
    assert classifier(**constant).fit(X, y).best_accuracy_ == pytest.approx(14 / 16)
    model = classifier(**constant, scoring="balanced_accuracy").fit(X, y)
    assert model.best_accuracy_ == pytest.approx(0.5)
    assert "each class counts the same" in model.summary()
    assert "Estimated balanced accuracy: 50 %" in model.summary()
    low, high = model.accuracy_interval_
    assert high - low > 0.5  # two labels decide half of it


def test_wilson_interval():
    # Worked out by hand from the formula.
    assert_allclose(wilson_interval(0.8, 10), (0.4902, 0.9433), atol=1e-4)
    low, high = wilson_interval(1.0, 50)
    assert high == 1
    assert low == pytest.approx(50 / (50 + 1.96**2))
    assert wilson_interval(0.0, 50)[0] == 0


# Determinism


@pytest.fixture
def few_digits(digits):
    X, y = digits
    return X[y < 4][:300], y[y < 4][:300]


def test_jobs_change_nothing(few_digits):
    X, y = few_digits
    model = classifier(
        DecisionTreeClassifier(splitter="random"),
        propagator(n_clusters=30),
        corrections=[None, "drop"],
        selection_max_samples=100,
    )
    one = model.fit(X, y).cv_results_
    two = clone(model).set_params(n_jobs=2).fit(X, y).cv_results_
    assert one.keys() == two.keys()
    for name in one:
        assert_array_equal(one[name], two[name])


@pytest.mark.parametrize("seed", [0, np.random.RandomState(3)])
def test_a_seed_gives_the_same_result_every_time(few_digits, seed):
    X, y = few_digits
    model = PropagatedClassifierCV(
        DecisionTreeClassifier(splitter="random"),
        KMeansLabelPropagator(30),
        n_repeats=1,
        random_state=seed,
    )
    first, second = clone(model).fit(X, y), clone(model).fit(X, y)
    assert_array_equal(first.predict_proba(X), second.predict_proba(X))
    assert first.best_score_ == second.best_score_
    other = clone(model).set_params(random_state=7).fit(X, y)
    scores, other_scores = (
        model.cv_results_["mean_test_score"] for model in (first, other)
    )
    assert (scores != other_scores).any()


def test_seeds_given_to_the_parts_are_kept(blobs):
    X, y = blobs
    parts = DecisionTreeClassifier(random_state=5), propagator(random_state=6)
    model = PropagatedClassifierCV(*parts, random_state=0).fit(X, y)
    assert model.estimator_.random_state == 5
    assert model.propagator_.random_state == 6


def test_without_a_seed_none_is_set(blobs):
    seeds = []

    class Tree(DecisionTreeClassifier):
        def fit(self, X, y):
            seeds.append(self.random_state)
            return super().fit(X, y)

    PropagatedClassifierCV(Tree(), fractions=[0], cv=2).fit(*blobs)
    assert seeds == [None] * 7
    seeds.clear()
    PropagatedClassifierCV(Tree(), fractions=[0, 1], cv=2, random_state=4).fit(*blobs)
    # One seed for all candidates of a split; the last fit has the seed given.
    splits = np.array(seeds[:-1]).reshape(6, 3)
    assert (splits == splits[:, :1]).all()
    assert len(set(splits[:, 0])) == 6
    assert seeds[-1] == 4


# Containers and labels


@pytest.mark.parametrize("missing_label", [-1, None, np.nan, "?"])
def test_strings_and_any_sentinel(blobs, missing_label):
    X, y = blobs
    names = np.array(["north", "east", "south", "west"], dtype=object)[y]
    expected = classifier().fit(X, names)
    partial = names.copy()
    hidden = np.ones(len(X), dtype=bool)
    hidden[expected.propagator_.representative_indices_] = False
    partial[hidden] = missing_label
    model = classifier(of=propagator(missing_label=missing_label)).fit(X, partial)
    assert_array_equal(model.predict(X), names)
    assert_array_equal(model.classes_, ["east", "north", "south", "west"])
    for name, values in expected.cv_results_.items():
        assert_array_equal(model.cv_results_[name], values)
    assert model.score(X, partial) == 1


def test_dataframes_and_series(blobs, calls):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"], index=[f"row {i}" for i in range(120)])
    target = pd.Series(y, index=frame.index, name="kind")
    expected = classifier().fit(X, y)
    model = classifier().fit(frame, target)
    assert model.best_score_ == expected.best_score_
    assert_array_equal(model.feature_names_in_, ["a", "b"])
    assert_array_equal(model.predict(frame), expected.predict(X))
    classifier(Recorder()).fit(frame, target)
    for X_train, y_train, _, _ in calls:
        assert X_train.index.equals(y_train.index)
        assert y_train.name == "kind"


def test_sparse_rows(digits):
    X, y = digits
    dense = classifier(
        KNeighborsClassifier(1), propagator(n_clusters=40), n_repeats=1
    ).fit(X, y)
    sparse = clone(dense).fit(csr_array(X), y)
    assert sparse.best_params_ == dense.best_params_
    assert sparse.best_accuracy_ == pytest.approx(dense.best_accuracy_)


def test_text_and_lists():
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    model = classifier(
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
        propagator(n_clusters=5, embedding=TfidfVectorizer()),
    ).fit(texts, kinds)
    assert model.predict(["apple pie", "the sky"]).tolist() == ["fruit", "weather"]


def test_ids_reach_the_oracle_and_y_is_left_to_the_scorer(blobs):
    X, y = blobs
    by_id = propagator(
        oracle=lambda ids: y[ids], oracle_input="ids", reuse_labels=False
    )
    wrong = (y + 1) % 4
    model = classifier(of=by_id).fit(X, wrong, sample_ids=np.arange(len(X)))
    assert_array_equal(model.predict(X), y)
    assert model.best_accuracy_ == 1


def test_clusters_without_a_label_are_told_of_once(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[3])
    with pytest.warns(UserWarning, match="of 16 clusters have no label") as caught:
        model = classifier(of=propagator(oracle=oracle)).fit(X)
    assert len(caught) == 1
    n_labels = np.sum(model.propagator_.representative_labels_ != -1)
    assert model.n_hidden_ == n_labels < 16
    assert_array_equal(model.classes_, [0, 1, 2])


def test_a_lacking_class_is_told_of_and_padded(blobs):
    X, y = blobs
    y = y.copy()
    y[propagator(propagation="graph").fit(X, y).confidence_.argmin()] = 4
    with pytest.warns(UserWarning, match=r"1 of 5 classes.*\[4\]"):
        model = classifier().fit(X, y)
    assert model.predict_proba(X).shape == (120, 5)


# As an estimator


def test_clone_pickle_and_grid(blobs):
    X, y = blobs
    model = classifier(RandomForestClassifier(3), n_repeats=1, cv=2)
    fitted = clone(model).fit(X, y)
    copy = pickle.loads(pickle.dumps(fitted))
    assert copy.summary() == fitted.summary()
    assert_array_equal(copy.predict_proba(X), fitted.predict_proba(X))
    search = GridSearchCV(
        clone(model).set_params(fractions=(0, 1)),
        {"propagator__n_clusters": [4, 16], "propagations": [("cluster",)]},
        cv=2,
        error_score="raise",
    )
    y = (y > 1).astype(int)
    assert search.fit(X, y).best_score_ > 0.9


def test_a_failed_fit_leaves_the_last_one(blobs):
    X, y = blobs
    model = classifier()
    with pytest.raises(NotFittedError):
        model.summary()
    before = model.fit(X, y).summary()
    with pytest.raises(ValueError, match="two representatives"):
        model.set_params(propagator__n_clusters=1).fit(X, np.zeros_like(y))
    assert model.summary() == before
    assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": None}, "'estimator' parameter .* 'fit'"),
        (
            {"propagator": GaussianNB()},
            "'propagator' parameter .*KMeansLabelPropagator",
        ),
        ({"propagations": ["cluster", "tree"]}, "'propagations' parameter .*'tree'"),
        ({"propagations": []}, r"'propagations' parameter .* Got \[\]"),
        ({"propagations": "graph"}, "'propagations' parameter .* 'graph' instead"),
        ({"fractions": [0, 1.5]}, r"'fractions' parameter .* \[0, 1\]. Got \[0, 1.5"),
        ({"fractions": []}, r"'fractions' parameter .* Got \[\]"),
        ({"fractions": ["all"]}, "'fractions' parameter .*'all'"),
        ({"selection_estimator": 3}, "'selection_estimator' parameter"),
        ({"corrections": []}, r"'corrections' parameter .* Got \[\]"),
        ({"corrections": ["drop", "flip"]}, "'corrections' parameter .*'flip'"),
        ({"corrections": "drop"}, "'corrections' parameter"),
        ({"corrector": 3}, "'corrector' parameter"),
        ({"selection_space": "pixels"}, "'selection_space' parameter .*'embedding'"),
        ({"selection_space": "embedding"}, "needs a selection_estimator"),
        ({"selection_max_samples": 0}, r"'selection_max_samples' .*\[1, inf\)"),
        ({"scoring": "f1"}, "'scoring' parameter .*'balanced_accuracy'"),
        ({"cv": 1}, r"'cv' parameter .*\[2, inf\)"),
        ({"n_repeats": 0}, r"'n_repeats' parameter .*\[1, inf\)"),
        ({"n_jobs": 0.5}, "'n_jobs' parameter"),
        ({"sample_weight": "margin"}, "'sample_weight' parameter"),
    ],
)
def test_illegal_parameters_are_named(blobs, params, match):
    model = PropagatedClassifierCV(**{"estimator": GaussianNB()} | params)
    with pytest.raises(ValueError, match=match):
        model.fit(*blobs)


# The summary


def gains(means, errors, p_values=None):
    if p_values is None:
        p_values = [
            1 if not error else 2 * norm.sf(abs(mean) / error)
            for mean, error in zip(means, errors, strict=True)
        ]
    return {
        "params": [{}] * len(means),
        "param_propagation": ["cluster"] * len(means),
        "param_fraction": np.linspace(0, 1, len(means)),
        "param_correction": [None] * len(means),
        "smoothed_test_score": 0.5 + np.array(means),
        "mean_test_gain": np.array(means),
        "sem_test_gain": np.array(errors),
        "pvalue_test_gain": np.array(p_values),
    }


@pytest.mark.parametrize(
    ("means", "best", "verdict"),
    [
        ([0, 0.1, 0.05], 1, "cluster at fraction 0.5: +10.0 ± 2.0 points|better"),
        ([0, 0.03, 0.05], 1, "cluster at fraction 0.5: +3.0 ± 2.0 points|cannot tell"),
        ([0, -0.03, -0.01], 0, "cluster at fraction 1: -1.0 ± 2.0 points|cannot tell"),
        ([0, -0.2, -0.1], 0, "cluster at fraction 1: -10.0 ± 2.0 points|worse"),
    ],
)
def test_how_the_choice_compares_is_said(means, best, verdict):
    text = "\n".join(describe_gains(gains(means, [0, 0.02, 0.02]), best))
    for part in verdict.split("|"):
        assert part in text
    assert ("would hurt" in text) == (min(means) < -0.04)


def test_sign_flips():
    def p_values(*differences, weights=None):
        values = np.array(differences, dtype=float)
        if weights is None:
            weights = np.ones(values.shape[1]) / max(1, values.shape[1])
        return sign_flip_p_values(values, np.array(weights))

    # All six signs alike: 2 of 64 ways to turn them are as far off. Labels that do not
    # differ do not count.
    ones, none = np.ones(6), np.zeros(6)
    assert_allclose(p_values([*ones, 0, 0]), [2 / 64], atol=0.006)
    assert_allclose(p_values(-ones), [2 / 64], atol=0.006)
    # Five of six: twice 1 + 6 ways.
    assert_allclose(p_values([-1, *ones[1:]]), [14 / 64], atol=0.015)
    assert_allclose(p_values(none, ones * np.nan), [1, np.nan])
    assert_allclose(p_values([], []), [np.nan, np.nan])
    # One label weighs more than the others together: two equal chances.
    assert_allclose(p_values([1, -1, -1], weights=[0.8, 0.1, 0.1]), [1])
    # Two that are alike count once; two that differ on other labels count twice.
    assert_allclose(p_values(none, ones, ones / 2), [1, 2 / 64, 2 / 64], atol=0.006)
    either = 1 - (1 - 2 / 64) ** 2
    apart = p_values([*ones, *none], [*none, *ones])
    assert_allclose(apart, [either, either], atol=0.01)
    many = np.random.default_rng(0).normal(0.2, 1, size=100)
    assert_allclose(p_values(many), [ttest_1samp(many, 0).pvalue], atol=0.02)
    assert_array_equal(p_values(many), p_values(many))


def test_one_false_alarm_in_twenty():
    rng = np.random.default_rng(3)
    alarms = 0
    for _ in range(300):
        correct = rng.integers(2, size=(7, 10)).astype(float)
        gains = correct - correct[0]
        alarms += (sign_flip_p_values(gains, np.full(10, 0.1)) <= 0.05).any()
    assert 1 <= alarms <= 24  # 15 expected at most


def test_few_labels_prove_nothing():
    # All of them right by propagation and wrong without: a spread of 0.
    for n_labels, verdict in ((2, "cannot tell them apart"), (10, "better")):
        correct = np.zeros((1, 2, n_labels))
        correct[0, 1] = 1
        table = tabulate(
            Outcome(correct, correct),
            np.arange(n_labels)[np.newaxis] % 2,
            np.full(n_labels, 1 / n_labels),
            list_candidates(["cluster"], [0, 1]),
        )
        text = " ".join(describe_gains(table, 1))
        assert "+100.0 ± 0.0 points" in text
        assert verdict in text


def test_a_warning_goes_by_the_p_value():
    few = list(describe_gains(gains([0, -0.05], [0, 0.02], [1, 0.05]), 0))
    assert few[2:] == [
        "Propagation would hurt here:",
        "  cluster at fraction 1: -5.0 ± 2.0 points",
    ]
    unclear = gains([0, -0.05], [0, 0.02], [1, 0.051])
    assert len(list(describe_gains(unclear, 0))) == 2


def test_what_would_hurt_is_listed():
    some = list(describe_gains(gains([0, 0.1, -0.1], [0, 0.02, 0.02]), 1))
    assert some[2:] == [
        "Propagation would hurt here with",
        "  cluster at fraction 1: -10.0 ± 2.0 points",
    ]
    every = list(describe_gains(gains([0, -0.2, -0.1], [0, 0.02, 0.02]), 0))
    assert every[2] == "Propagation would hurt here:"
    assert len(every) == 5


def test_without_the_representatives_alone_nothing_is_compared(blobs):
    model = classifier(fractions=[0.5, 1]).fit(*blobs)
    assert "mean_test_gain" not in model.cv_results_
    assert "representatives alone" not in model.summary()
    alone = classifier(fractions=[0]).fit(*blobs)
    assert "Against" not in alone.summary()


def test_what_is_counted_is_said():
    text = " ".join(describe_labels(10, 8, "accuracy"))
    assert "Counted on 8 labels" in text
    assert "2 more are the only ones" in text
    assert "only ones" not in " ".join(describe_labels(8, 8, "accuracy"))


def test_progress_is_told_when_asked_for(blobs, capsys):
    classifier(verbose=1, fractions=[0]).fit(*blobs)
    told = capsys.readouterr().err
    assert "predicting hidden labels by 15 fits" in told
    assert "training on 16 samples" in told
    classifier(fractions=[0]).fit(*blobs)
    assert capsys.readouterr().err == ""


@pytest.mark.filterwarnings("ignore")  # of TensorFlow's and Keras's own
def test_a_keras_network(digits):
    pytest.importorskip("scikeras", reason='needs the extra "keras"')
    from examples.fashion_mnist.network import make_classifier

    X, y = digits
    X = (X / 16).astype(np.float32)
    names = np.array([f"digit {label}" for label in range(10)])[y]
    model = classifier(
        make_classifier(epochs=10, random_state=0, hidden_units=(32,)),
        propagator(n_clusters=40),
        propagations=["cluster"],
        fractions=[0, 1],
        cv=2,
        n_repeats=1,
    ).fit(X, names)
    # In ten epochs 40 samples teach less than 1,797.
    assert model.best_params_["fraction"] == 1
    assert model.score(X, names) > 0.7
    assert model.predict_proba(X[:1]).shape == (1, 10)


# scikit-learn's own checks

EXPECTED_FAILURES = {
    "check_classifiers_classes": "uses -1 as a class, which marks a missing label; "
    "scikit-learn exempts its own semi-supervised classifiers by name",
}


@pytest.mark.filterwarnings("ignore")  # lacking classes are right there
@parametrize_with_checks(
    [
        classifier(estimator, propagator(n_clusters=8), cv=2, n_repeats=1)
        for estimator in (DecisionTreeClassifier(), LogisticRegression())
    ],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_sklearn_checks(estimator, check):
    check(estimator)
