"""An error at every line between the oracle's answer and the end of the call."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from attack.tools import FULL, RULES, Fault, quiet
from helpers import FixedCenters
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

X = np.array([0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23, 0, 30.0])[:, None]
LABELS = (np.arange(14) // 4) % 3 + 7
CENTERS = np.array([[1.1], [11.1], [21.1], [30.0]])
IDS = pd.Index([f"row {i}" for i in range(14)])


class Oracle:
    """Answers by id, notes what has left it, and starts the fault."""

    def __init__(self, kind):
        self.kind = kind
        self.fault = None
        self.given = {}

    def label(self, name):
        return int(LABELS[IDS.get_loc(name)])

    def __call__(self, names):
        if self.kind in ("yields", "yields, then fails"):
            return self.one_by_one(names)
        answers = [self.label(name) for name in names]
        if self.kind == "too few":
            answers = answers[:-1]
        made = {
            "list": list,
            "too few": list,
            "array": np.array,
            "column": lambda a: np.array(a)[:, None],
            "tuple": tuple,
            "series": lambda a: pd.Series(a, index=names)[::-1],
            "objects": lambda a: np.array(a, dtype=object),
        }[self.kind](answers)
        self.note(dict(zip(map(IDS.get_loc, names), answers, strict=False)))
        return made

    def note(self, given):
        self.given |= given
        if self.fault is not None:
            self.fault.arm()

    def one_by_one(self, names):
        for number, name in enumerate(names):
            if self.kind == "yields, then fails" and number == 3:
                raise ConnectionError
            self.note({IDS.get_loc(name): self.label(name)})
            yield self.label(name)


class Abstaining(Oracle):
    """Does not know the sample at 30, and is asked once more."""

    def label(self, name):
        return None if IDS.get_loc(name) == 13 else super().label(name)


def make(model, rule, oracle):
    labelled = KMeansLabelPropagator(
        4,
        oracle=oracle,
        clusterer=FixedCenters(centers=CENTERS),
        propagation=rule,
        max_retries=1,
        random_state=0,
    )
    if model == "propagator":
        return labelled
    if model == "classifier":
        return PropagatedClassifier(GaussianNB(), labelled)
    return PropagatedClassifierCV(
        GaussianNB(), labelled, propagations=[rule], fractions=[0, 1], cv=2,
        n_repeats=1, random_state=0,
    )  # fmt: skip


def part(model):
    return getattr(model, "propagator_", model)


def lost(answers, given):
    """List the labels that are not where they should be."""
    if answers is None:
        return given
    if not isinstance(answers, dict):  # as they came
        left = list(answers)
        return {i: label for i, label in given.items() if label not in left}
    return {
        i: label
        for i, label in given.items()
        if i not in answers or answers[i] != label
    }


def attack(name, rule, kind, n, kinds=Oracle, **how):
    """Run a fit with an error at the n-th step, and say what went wrong; None: nothing.

    Returns also whether the call got as far as that.
    """
    oracle = kinds(kind)
    model = make(name, rule, oracle)
    fault = oracle.fault = Fault(n, **how)
    caught = None
    with quiet(), fault:
        try:
            model.fit(X, sample_ids=IDS)
        except BaseException as error:
            caught = error
    if not fault.is_raised:
        return None, False
    fitted = part(model)
    # What is malformed, or looks so, may be in the error only.
    in_error = getattr(caught, "answers", None)
    is_odd = kind == "too few" or isinstance(caught, ValueError | TypeError)
    if is_odd and not lost(in_error, oracle.given):
        return None, True
    if not isinstance(fitted, KMeansLabelPropagator):
        return f"{fault.where}: no propagator is left", True
    kept = lost(fitted.answers_, oracle.given)
    if kept:
        return f"{fault.where}: lost {kept}, error has {in_error}", True
    strange = {i: a for i, a in fitted.answers_.items() if oracle.given.get(i, a) != a}
    if strange or not set(fitted.answers_) <= set(oracle.given):
        return f"{fault.where}: answers of others, {fitted.answers_}", True
    expected = undisturbed(rule, kind, kinds)
    with quiet():
        # Of a second question that was not put nothing can be known.
        if set(fitted.answers_) != set(expected.answers_):
            left = set(expected.answers_) - set(fitted.answers_)
            fitted.propagate({i: expected.answers_[i] for i in left})
        fitted.set_params(fraction=1.0).propagate({})
    for attribute in ("transduction_", "confidence_", "sample_indices_", "labels_"):
        assert_array_equal(getattr(fitted, attribute), getattr(expected, attribute))
    return None, True


_expected = {}


def undisturbed(rule, kind, kinds):
    key = rule, kind, kinds
    if key not in _expected:
        with quiet():
            whole = "list" if kind in ("too few", "yields, then fails") else kind
            model = make("propagator", rule, kinds(whole))
            _expected[key] = model.fit(X, sample_ids=IDS)
    return _expected[key]


def steps(few_until, stride):
    """Go through all steps; in a short run all of the first, then every so many."""
    n = 0
    while True:
        n += 1 if FULL or n < few_until else stride
        yield n


def attack_all(*args, few_until=60, stride=37, **how):
    found, reached = [], 0
    for n in steps(few_until, stride):
        wrong, is_reached = attack(*args, n, **how)
        if not is_reached:
            break
        reached = n
        if wrong:
            found.append(f"step {n}, {wrong}")
    assert reached, "the fault never came: it is not where it should be"
    assert not found, "\n".join([f"{len(found)} of {reached}:", *found[:8]])


KINDS = [
    "list",
    "array",
    "tuple",
    "column",
    "objects",
    "series",
    "too few",
    "yields",
    "yields, then fails",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_label_is_lost_by_the_propagator(rule, kind):
    attack_all("propagator", rule, kind)


@pytest.mark.parametrize("rule", RULES)
def test_no_label_is_lost_while_others_are_asked_about(rule):
    attack_all("propagator", rule, "list", kinds=Abstaining)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("error", [MemoryError, SystemExit, ValueError, TypeError])
def test_no_label_is_lost_by_other_errors(rule, error):
    attack_all("propagator", rule, "list", error=error, stride=101)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["list", "series", "yields"])
def test_no_label_is_lost_by_the_classifier(rule, kind):
    attack_all("classifier", rule, kind, stride=53)


@pytest.mark.parametrize("rule", RULES)
def test_no_label_is_lost_by_the_choice(rule):
    attack_all("choice", rule, "list", stride=331)


def last_steps(name, rule, n_last, **how):
    """Find how many steps there are, and attack the last of them."""
    oracle = Oracle("list")
    model = make(name, rule, oracle)
    oracle.fault = Fault(None, **how)
    with quiet(), oracle.fault:
        model.fit(X, sample_ids=IDS)
    n_steps = oracle.fault.n_seen
    return range(max(1, n_steps - n_last), n_steps + 1)


@pytest.mark.parametrize("name", ["propagator", "classifier", "choice"])
def test_no_label_is_lost_at_the_very_end(name):
    found = [
        wrong
        for n in last_steps(name, "cluster", 60)
        if (wrong := attack(name, "cluster", "list", n)[0])
    ]
    assert not found, "\n".join(found)


@pytest.mark.full_attack
@pytest.mark.parametrize("kind", KINDS)
def test_no_label_is_lost_between_any_two_instructions(kind):
    attack_all("propagator", "cluster", kind, each_step=True)


@pytest.mark.full_attack
@pytest.mark.parametrize("name", ["classifier", "choice"])
def test_no_label_is_lost_between_the_last_instructions(name):
    found = [
        wrong
        for n in last_steps(name, "cluster", 400, each_step=True)
        if (wrong := attack(name, "cluster", "list", n, each_step=True)[0])
    ]
    assert not found, "\n".join(found)


# Labels handed to propagate: those of before and the new ones, or those of before.


@pytest.mark.parametrize("rule", RULES)
def test_propagate_does_all_or_nothing_and_loses_no_label(rule):
    names = ("transduction_", "confidence_", "sample_indices_", "classes_")
    more = {5: 8, 0: 9, 8: -1, 2: 7}
    with quiet():
        asked = {1: 7, 5: 8, 9: 9}
        before = make("propagator", rule, None)
        before.query(X)
        before.propagate(asked)
        after = clone(before)
        after.query(X)
        after.propagate(asked).propagate(more)
    reached = 0
    for n in steps(60, 7):
        with quiet():
            model = clone(before)
            model.query(X)
            model.propagate(asked)
        with quiet(), Fault(n) as fault:
            fault.arm()
            with contextlib.suppress(KeyboardInterrupt):
                model.propagate(more)
        if not fault.is_raised:
            break
        reached = n
        expected = {9: 9, 1: 7} | {0: 9, 5: 8, 2: 7}
        is_new = model.answers_ == after.answers_
        assert is_new or model.answers_ == before.answers_, fault.where
        is_spread = after if is_new else before
        for name in names:
            found = getattr(model, name)
            assert_array_equal(found, getattr(is_spread, name), fault.where)
        assert_array_equal(model.predict(X), is_spread.predict(X), fault.where)
        with quiet():
            model.propagate(more)
        given = dict(zip(model.given_.positions.tolist(),
                         model.classes_[model.given_.codes].tolist(), strict=True))  # fmt: skip
        assert given == expected
        for name in names:
            assert_array_equal(getattr(model, name), getattr(after, name))
    assert reached > 50
