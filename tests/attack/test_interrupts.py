"""An error at every line between the oracle's answer and the end of the call."""

from __future__ import annotations

import contextlib
import signal

import numpy as np
import pandas as pd
import pytest
from attack.tools import FULL, RULES, Fault, quiet, run_python
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
        made = {
            "list": list,
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
    is_odd = isinstance(caught, ValueError | TypeError)
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
            whole = "list" if kind == "yields, then fails" else kind
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


# Not an answer of a wrong length: which labels it holds for which samples nobody can
# tell. It is in the error about its length, and lost if that is cut short by another.
KINDS = [
    "list",
    "array",
    "tuple",
    "column",
    "objects",
    "series",
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


def frames(error):
    """List the functions that an error has come through."""
    trace, names = error.__traceback__, []
    while trace is not None:
        names.append(trace.tb_frame.f_code.co_qualname)
        trace = trace.tb_next
    return names


def interrupt_at_random(name, kind, n_times):
    """Interrupt fits by a signal, as Ctrl-C does; say which labels were lost."""

    def interrupt(number, frame):
        raise KeyboardInterrupt

    rng = np.random.default_rng(0)
    signal.signal(signal.SIGALRM, interrupt)
    n_caught, found = 0, []
    for _ in range(int(n_times)):
        oracle = Oracle(kind)
        model = make(name, "graph", oracle)
        caught = None
        try:
            with quiet():
                signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(5e-4, 0.05)))
                model.fit(X, sample_ids=IDS)
                signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as error:  # NumPy makes others of it now and then
            caught = error
        signal.setitimer(signal.ITIMER_REAL, 0)
        if caught is None or not oracle.given:
            continue
        n_caught += 1
        given = dict(oracle.given)
        if any("Oracle." in each for each in frames(caught)):
            # What it was about to hand over has not left it.
            given = dict(list(given.items())[:-1]) if kind == "yields" else {}
        if lost(getattr(part(model), "answers_", {}), given):
            found.append(f"{caught!r} {frames(caught)}")
    print(n_caught, *found, sep="\n")


@pytest.mark.full_attack
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of POSIX")
@pytest.mark.parametrize("kind", ["list", "series", "yields"])
@pytest.mark.parametrize("name", ["propagator", "classifier", "choice"])
def test_no_label_is_lost_by_a_signal_at_any_time(name, kind):
    code = (
        "import sys; from attack.test_interrupts import interrupt_at_random as run; "
        "run(*sys.argv[1:])"
    )
    n_caught, *found = run_python(code, name, kind, 200).splitlines()
    assert int(n_caught) > 0
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
        names_given = model.classes_[model.given_.codes].tolist()
        positions = model.given_.positions.tolist()
        assert dict(zip(positions, names_given, strict=True)) == expected
        for name in names:
            assert_array_equal(getattr(model, name), getattr(after, name))
    assert reached > 50
