import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.decomposition import PCA
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop._given import GivenLabels
from kmeans_labelprop._selection._candidates import list_candidates
from kmeans_labelprop._selection._hiding import Outcome
from kmeans_labelprop._selection._results import tabulate
from kmeans_labelprop._selection._summary import (
    describe_choice,
    describe_failures,
    describe_gains,
    describe_labels,
    describe_usual,
)


def gains(means, errors, scores=None):
    if scores is None:
        scores = [
            mean / error if error else 0
            for mean, error in zip(means, errors, strict=True)
        ]
    return {
        "params": [{}] * len(means),
        "param_propagation": ["cluster"] * len(means),
        "param_fraction": np.linspace(0, 1, len(means)),
        "train_on": ["samples"] * len(means),
        "with_neighbors": [False] * len(means),
        "equal_classes": [False] * len(means),
        "mean_test_score": 0.5 + np.array(means),
        "mean_test_gain": np.array(means),
        "sem_test_gain": np.array(errors),
        "sign_test_gain": np.array(scores),
    }


def test_it_names_what_leads_by_too_little():
    correct = np.array([[[0, 0, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]], dtype=float)
    candidates = list_candidates(["cluster", "graph"], [0, 1])
    table = tabulate(Outcome(correct, correct, correct), np.full(4, 0.25), candidates)
    assert_array_equal(table["rank_test_score"], [3, 1, 2])
    text = list(describe_choice(table, 2, 0.5, (0.2, 0.8), "accuracy"))
    assert text[0] == "Chosen of 3 candidates: graph at fraction 1."
    assert text[1].endswith("too little to tell: cluster at fraction 1.")
    assert text[2] == "  In doubt the graph rule is taken."
    assert text[-1] == "Estimated accuracy: 50 % (95 % interval 20 to 80 %)."
    first = list(describe_choice(table, 1, 0.75, (0.4, 0.9), "accuracy"))
    assert "doubt" not in " ".join(first)
    alone = list(describe_choice(table, 0, 0.0, (0.0, 0.5), "accuracy"))
    assert "too little to tell" in alone[1]
    assert "graph rule" not in " ".join(alone)


def test_a_space_that_leads_beside_the_neighbours_only_is_told():
    spaces = ["samples", "embedding", "neighbors"]
    candidates = list_candidates(["graph"], [1], spaces, True)
    p = np.full((1, 3, 4), [[0.9], [0.8], [0.1]])
    table = tabulate(Outcome(p, p, p), np.full(4, 0.25), candidates)
    told = list(describe_choice(table, 1, 0.8, (0, 1), "accuracy"))
    assert told[0].endswith(
        "graph at fraction 1 with the neighbours, in the embedding."
    )
    assert told[1] == (
        "  Ahead of it, but not without the neighbours: graph at fraction 1 with the "
        "neighbours."
    )
    assert "In doubt" not in " ".join(told)


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


def test_few_labels_prove_nothing():
    # All of them right by propagation and wrong without: a spread of 0.
    for n_labels, verdict in ((6, "cannot tell them apart"), (7, "better")):
        correct = np.zeros((1, 2, n_labels))
        correct[0, 1] = 1
        table = tabulate(
            Outcome(correct, correct, correct),
            np.full(n_labels, 1 / n_labels),
            list_candidates(["cluster"], [0, 1]),
        )
        text = " ".join(describe_gains(table, 1))
        assert "+100.0 ± 0.0 points" in text
        assert verdict in text


def test_a_warning_goes_by_the_signs():
    clear = list(describe_gains(gains([0, -0.05], [0, 0.05], [0, -2.51]), 0))
    assert clear[1].endswith(": worse.")
    assert clear[2:] == [
        "Propagation would hurt here:",
        "  cluster at fraction 1: -5.0 ± 5.0 points",
    ]
    unclear = list(describe_gains(gains([0, -0.05], [0, 0.01], [0, -2.5]), 0))
    assert len(unclear) == 2
    assert unclear[1].endswith("the labels cannot tell them apart.")
    better = list(describe_gains(gains([0, 0.05], [0, 0.05], [0, 2.51]), 1))
    assert len(better) == 2
    assert better[1].endswith(": better.")


def test_what_would_hurt_is_listed():
    some = list(describe_gains(gains([0, 0.1, -0.1], [0, 0.02, 0.02]), 1))
    assert some[2:] == [
        "Propagation would hurt here with",
        "  cluster at fraction 1: -10.0 ± 2.0 points",
    ]
    every = list(describe_gains(gains([0, -0.2, -0.1], [0, 0.02, 0.02]), 0))
    assert every[2] == "Propagation would hurt here:"
    assert len(every) == 5


def test_the_given_labels_in_the_embedding_are_no_propagation():
    table = gains([0, -0.2], [0, 0.02])
    table |= {
        "params": [{}] * 3,
        "param_propagation": ["cluster"] * 3,
        "param_fraction": np.array([0.0, 1.0, 0.0]),
        "train_on": ["samples", "samples", "embedding"],
        "with_neighbors": [False] * 3,
        "equal_classes": [False] * 3,
        "mean_test_score": np.array([0.7, 0.7, 0.5]),
        "mean_test_gain": np.array([0, 0, -0.2]),
        "sem_test_gain": np.array([0, 0.02, 0.02]),
        "sign_test_gain": np.array([0, 0, -4]),
    }
    assert "Propagation would hurt" not in " ".join(describe_gains(table, 0))


@pytest.mark.parametrize("is_asked", [True, False])
def test_what_is_counted_is_said(is_asked):
    def text(n_unknown, n_hidden, scoring):
        return " ".join(describe_labels(n_unknown, n_hidden, scoring, is_asked, 0.5))

    assert "Counted on 8 labels" in text(2, 8, "accuracy")
    assert "  2 more are of classes that were never hidden" in text(2, 8, "accuracy")
    assert "never hidden" not in text(0, 8, "accuracy")
    assert "each label counts the same" in text(0, 8, "accuracy")
    assert "each class counts the same" in text(0, 8, "balanced_accuracy")
    # Only what was asked about was chosen to be typical.
    assert ("the representatives" in text(0, 8, "accuracy")) == is_asked
    assert ("label a random sample" in text(0, 8, "accuracy")) == is_asked
    assert text(4, 0, "accuracy") == ""


def test_where_most_samples_are_copies_the_accuracy_may_be_higher():
    for is_asked in (True, False):
        text = " ".join(describe_labels(0, 8, "accuracy", is_asked, 0.96))
        assert ("96 % of the other samples are copies of these" in text) == is_asked
        assert ("accuracy may be higher" in text) == is_asked
        assert ("label a random sample" in text) == is_asked
        assert "may be lower" not in text


def test_what_failed_is_named():
    correct = np.array([[[np.nan] * 2, [1, 0], [np.nan] * 2]])
    candidates = list_candidates(["cluster"], [0, 0.5, 1])
    table = tabulate(Outcome(correct, correct, correct), np.full(2, 0.5), candidates)
    assert list(describe_failures(table)) == [
        "Not compared, since its training failed: the given labels alone.",
        "Not compared, since its training failed: cluster at fraction 1.",
    ]


def test_nothing_is_said_of_propagation_where_none_was_compared(digits):
    X, y = digits[0][:300], digits[1][:300]
    propagator = KMeansLabelPropagator(30, embedding=PCA(10), random_state=0)
    model = PropagatedClassifierCV(
        GaussianNB(),
        propagator,
        fractions=[0],
        propagations=["cluster"],
        random_state=0,
    ).fit(X, y)
    assert len(model.cv_results_["params"]) > 1
    assert "Against the given labels alone" not in model.summary()


def test_too_few_labels_have_no_learning_curve(blobs):
    X, y = blobs
    few = np.full(len(y), -1)
    for k in range(2):
        few[np.flatnonzero(y == k)[:2]] = k
    model = PropagatedClassifierCV(
        GaussianNB(), KMeansLabelPropagator(4, random_state=0), random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        summary = model.fit(X, few).summary()
    assert "Labels: 4 known" in summary
    assert "labels are likely to bring" not in summary


def test_no_comparison_without_the_given_labels_alone():
    for means in ([np.nan, 0.1], [0, np.nan]):
        assert list(describe_gains(gains(means, [0, 0.01], [0, 3]), 1)) == []


def test_an_accuracy_that_naming_one_class_may_reach_is_told():
    codes = np.repeat([0, 1], [7, 3])
    labels = GivenLabels(np.arange(10), codes, np.array(["no", "yes"]))
    assert list(describe_usual(labels, 0.71, "accuracy")) == []
    (line,) = describe_usual(labels, 0.7, "accuracy")
    assert line == (
        "  Always naming 'no' would be right for 70 % of the labels: this may be no "
        "better."
    )
    assert list(describe_usual(labels, 0.1, "balanced_accuracy")) == []
    assert list(describe_usual(labels, np.nan, "accuracy")) == []


def test_the_summary_tells_of_the_most_frequent_class_where_nothing_is_found(rng):
    X, y = rng.normal(size=(300, 5)), np.where(rng.random(300) < 0.85, "no", "yes")
    model = PropagatedClassifierCV(
        GaussianNB(), KMeansLabelPropagator(30), random_state=0
    ).fit(X, y)
    assert "Always naming 'no'" in model.summary()
