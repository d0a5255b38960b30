"""Oracles that fail, abstain, yield, change their query, call back, answer oddly.

No label that has left an oracle is lost, none goes to another sample, none that is
known changes, and what comes out is what a new propagator makes of the same labels.
"""

from __future__ import annotations

import itertools
import pickle
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from attack.tools import FULL, Fault, quiet, tries
from helpers import FixedCenters
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from numpy.testing import assert_array_equal
from sklearn.base import clone

from kmeans_labelprop import KMeansLabelPropagator

POSITIONS = np.array(
    [0, 1, 2, 2, 3, 4, 20, 21, 21, 22, 23, 40, 41, 42, 42, 60, 61, 80.0]
)
N = len(POSITIONS)
X = POSITIONS[:, None]
CENTERS = np.array([[1.9], [21.2], [41.1], [60.4], [80.0]])
NAMES = [f"name {i}" for i in range(N)]
FRAME = pd.DataFrame(X, columns=["x"], index=NAMES)


class Evil:
    """A label that cannot be compared."""

    def __init__(self, error):
        self.error = error

    def __eq__(self, other):
        raise self.error("no comparison")

    __ne__ = __eq__
    __hash__ = object.__hash__


class Sealed(Exception):
    """An error that takes no attributes, as of a frozen dataclass."""

    def __setattr__(self, name, value):
        if not name.startswith("__"):
            raise AttributeError(name)
        super().__setattr__(name, value)


ONCE = OSError("the same object every time")
ERRORS = [
    ConnectionError,
    ValueError,
    TypeError,
    KeyError,
    KeyboardInterrupt,
    SystemExit,
    MemoryError,
    Sealed,
    ONCE,
    StopIteration,
    GeneratorExit,
]
GOOD = ["list", "tuple", "array", "objects", "column", "series", "shuffled", "polars",
        "generator", "iterator"]  # fmt: skip
BAD = ["too few", "too many", "one too many", "endless", "dict", "set", "square",
       "nested", "number", "text"]  # fmt: skip


def in_container(kind, names, answers):
    """Hand over answers in a container; of generators see the oracle."""
    objects = np.empty(len(answers), dtype=object)
    objects[:] = answers
    return {
        "list": lambda: list(answers),
        "tuple": lambda: tuple(answers),
        "array": lambda: np.array(answers) if None not in answers else objects,
        "objects": lambda: objects,
        "column": lambda: objects[:, None],
        "series": lambda: pd.Series(objects),
        "shuffled": lambda: pd.Series(objects, index=names)[::-1],
        "polars": lambda: pl.Series(list(answers)),
        "iterator": lambda: iter(answers),
        "too few": lambda: answers[:-1],
        "too many": lambda: [*answers, *answers],
        "dict": lambda: dict(zip(names, answers, strict=True)),
        "set": lambda: set(answers),
        "square": lambda: np.array([answers, answers], dtype=object),
        "nested": lambda: [[answer] for answer in answers],
        "number": lambda: 7,
        "text": lambda: "answer",
    }[kind]()


class Oracle:
    """Does one of all these things, and notes each label that leaves it."""

    def __init__(self, label, kind, *, silent=(), fails_at=None, error=None, evil=None,
                 mutates=False, calls=None):  # fmt: skip
        self.label, self.kind, self.silent = label, kind, set(silent)
        self.fails_at, self.error, self.evil = fails_at, error, evil
        self.mutates, self.calls = mutates, calls
        self.out, self.extra, self.n_asked = {}, [], 0

    def __call__(self, query):
        is_frame = hasattr(query, "iloc") and query.ndim == 2
        names = list(query.index) if is_frame else list(query)
        if self.mutates:
            self.change(query, is_frame)
        if self.calls is not None:
            self.calls()
        if self.kind in ("generator", "one too many", "endless"):
            return self.one_by_one(names)
        answers = []
        for name in names:
            self.fail()
            answers.append(self.answer(name))
            self.n_asked += 1
        out = dict(zip(map(NAMES.index, names), answers, strict=True))
        if self.kind in ("number", "text"):
            out = {}
        if self.kind == "too few":
            out.popitem()
        if self.kind == "iterator":
            self.out |= out
            return iter(answers)
        made = in_container(self.kind, names, answers)
        self.out |= out
        return made

    def answer(self, name):
        if self.evil is not None and self.n_asked == self.evil[0]:
            return Evil(self.evil[1])
        i = NAMES.index(name)
        return None if i in self.silent else self.label(i)

    def fail(self):
        if self.fails_at == self.n_asked:
            raise self.error

    def one_by_one(self, names):
        for name in names:
            self.fail()
            answer = self.answer(name)
            self.n_asked += 1
            self.out[NAMES.index(name)] = answer
            yield answer
        for n in itertools.count() if self.kind == "endless" else [0]:
            if self.kind == "generator":
                return
            assert n < 1000, "an endless generator is followed on and on"
            self.extra.append(self.label(0))
            yield self.extra[-1]

    @staticmethod
    def change(query, is_frame):
        if is_frame:
            query.index = query.index[::-1]
            query.iloc[:, 0] = 0.0
        elif isinstance(query, np.ndarray):
            query[:] = query[::-1].copy()
        elif isinstance(query, list):
            query.reverse()

    @property
    def labels(self):
        """Those that have left it, by position, abstentions and odd ones apart."""
        return {
            i: a for i, a in self.out.items() if a is not None and type(a) is not Evil
        }


def flat(answers):
    """List all labels in answers that may have any form."""
    if answers is None:
        return []
    if isinstance(answers, dict):
        answers = answers.values()
    elif not isinstance(answers, set | list | tuple):
        answers = np.asarray(answers, dtype=object).ravel().tolist()
    return [a for item in answers for a in (item if isinstance(item, list) else [item])]


def is_in(label, labels):
    return any(type(a) is not Evil and a == label for a in labels)


class Rounds(RuleBasedStateMachine):
    """Rounds of questions and answers, in any order, with anything going wrong."""

    @initialize(
        by=st.sampled_from(["cluster", "graph"]),
        kind=st.sampled_from(["int", "str"]),
        known=st.dictionaries(st.integers(0, N - 1), st.integers(0, 3), max_size=5),
    )
    def start(self, by, kind, known):
        self.kind = kind
        self.y = {i: self.label(i, version) for i, version in known.items()}
        mark = -1 if kind == "int" else ""
        self.mark = mark
        self.p = KMeansLabelPropagator(
            5,
            propagation=by,
            clusterer=FixedCenters(centers=CENTERS),
            missing_label=mark,
            random_state=0,
        )
        self.answers = {}  # what the propagator should hold
        self.known = {}
        self.queries = None
        self.spread = None  # the labels that were spread last

    def label(self, i, version=9):
        return 10 * i + version + 100 if self.kind == "int" else f"of {i}: {version}"

    def y_array(self):
        y = np.full(N, self.mark, dtype=int if self.kind == "int" else "U12")
        for i, label in self.y.items():
            y[i] = label
        return y

    @property
    def given(self):
        merged = self.known | self.answers
        return {i: label for i, label in merged.items() if label is not None}

    # Questions to an oracle.

    oracles = st.fixed_dictionaries(
        {"kind": st.sampled_from(GOOD) | st.sampled_from(GOOD + BAD)},
        optional={
            "silent": st.sets(st.integers(0, N - 1), max_size=N),
            "fails": st.tuples(st.integers(0, 6), st.sampled_from(ERRORS)),
            "evil": st.tuples(
                st.integers(0, 4),
                st.sampled_from([RuntimeError, ValueError, KeyboardInterrupt]),
            ),
            "mutates": st.booleans(),
            "calls": st.sampled_from(
                ["fit", "query", "propagate", "query_more", "ask"]
            ),
        },
    )

    @rule(
        how=oracles,
        ids=st.sampled_from(["list", "array", "series", "frame"]),
        retries=st.integers(0, 2),
        is_caught=st.booleans(),
        resample=st.booleans(),
    )
    def fit(self, how, ids, retries, is_caught, resample):
        if how["kind"] == "polars":
            how = {key: value for key, value in how.items() if key != "evil"}
        fails_at, error = how.get("fails", (None, None))
        calls = None
        if how.get("calls"):
            calls = self.calling_back(how["calls"], is_caught)
        oracle = Oracle(
            self.label, how["kind"], silent=how.get("silent", ()), fails_at=fails_at,
            error=error, evil=how.get("evil"), mutates=how.get("mutates", False),
            calls=calls,
        )  # fmt: skip
        rows = FRAME if ids == "frame" else X
        sample_ids = {
            "list": NAMES,
            "array": np.array(NAMES),
            "series": pd.Series(NAMES),
            "frame": None,
        }[ids]
        before = FRAME.copy(), list(NAMES)
        ONCE.__dict__.pop("answers", None)
        self.p.set_params(oracle=oracle, max_retries=retries)
        caught = None
        with quiet():
            try:
                fit = self.p.fit_resample if resample else self.p.fit
                fit(rows, self.y_array() if self.y else None, sample_ids=sample_ids)
            except AssertionError:
                raise
            except BaseException as raised:
                caught = raised
        assert FRAME.equals(before[0])
        assert before[1] == NAMES
        self.p.set_params(oracle=None, max_retries=0)
        self.known = dict(self.y)
        held = self.p.answers_
        self.queries = self.p.queries_.tolist()
        if caught is None:
            # Who is asked nothing cannot answer wrongly.
            assert how["kind"] in GOOD or not oracle.out
            assert held == oracle.out
            assert not oracle.extra
            self.spread = dict(self.known) | oracle.labels
        else:
            self.explains(caught, oracle, how, is_caught)
            told = flat(getattr(caught, "answers", None))
            for i, label in oracle.labels.items():
                is_held = i in held and is_in(label, [held[i]])
                assert is_held or is_in(label, told), (i, label, held, told)
            assert set(held) <= set(oracle.out), "answers to what was not asked"
            for i, label in held.items():
                odd = type(label) is Evil or how["kind"] in BAD
                assert odd or label == oracle.out[i], "answers of others"
            self.spread = None
            if any(type(label) is Evil for label in held.values()):
                held = {i: a for i, a in held.items() if type(a) is not Evil}
                with quiet():
                    self.p.query(X, self.y_array() if self.y else None)
                    self.queries = self.p.queries_.tolist()
                    given = self.known | {
                        i: a for i, a in held.items() if a is not None
                    }
                    held = held if given else {}
                    if given:
                        self.p.propagate(held)
                        self.spread = given
        self.answers = dict(held)

    def explains(self, caught, oracle, how, is_caught):
        """Check that an error is the one to be expected."""
        error = oracle.error
        if how.get("calls") and not is_caught and isinstance(caught, RuntimeError):
            assert "is asking its oracle" in str(caught)
        elif how["kind"] in BAD and isinstance(caught, TypeError | ValueError):
            pass
        elif oracle.evil is not None and str(caught) == "no comparison":
            assert oracle.n_asked > oracle.evil[0]
            assert type(caught) is oracle.evil[1]
        elif error is not None and oracle.fails_at == oracle.n_asked:
            kind = error if isinstance(error, type) else type(error)
            wrapped = kind is StopIteration and isinstance(caught, RuntimeError)
            assert isinstance(caught, kind) or wrapped, repr(caught)
        elif oracle.evil is not None and oracle.n_asked > oracle.evil[0]:
            assert isinstance(caught, TypeError | ValueError), repr(caught)
        else:
            labels = set(oracle.labels.values()) | set(self.known.values())
            assert not labels, repr(caught)  # nothing to propagate
            assert "No sample has a label" in str(caught)

    def calling_back(self, method, is_caught):
        def call():
            arguments = {
                "fit": (X, np.arange(N)),
                "ask": (X, np.arange(N)),
                "query": (X[::-1],),
                "propagate": ({0: self.label(0)},),
                "query_more": (2,),
            }[method]
            try:
                getattr(self.p, method)(*arguments)
            except RuntimeError:
                if not is_caught:
                    raise

        return call

    # Rounds by hand.

    @rule(as_frame=st.booleans())
    def query(self, as_frame):
        rows = FRAME if as_frame else X
        asked = self.p.query(rows, self.y_array() if self.y else None)
        assert not set(asked.tolist()) & set(self.y)
        assert len(set(asked.tolist())) == len(asked)
        self.known, self.answers = dict(self.y), {}
        self.queries, self.spread = asked.tolist(), None
        asked[:] = 0  # the caller's own

    @precondition(lambda self: self.spread is not None)
    @rule(n=st.integers(1, N))
    def query_more(self, n):
        with quiet():  # fewer may be left
            asked = self.p.query_more(n).tolist()
        places = {POSITIONS[i] for i in self.spread}
        assert len(set(asked)) == len(asked) <= n
        assert not {POSITIONS[i] for i in asked} & places
        assert not set(asked) & (set(self.answers) | set(self.known))
        self.queries = asked

    labels = st.dictionaries(st.integers(0, N - 1), st.integers(0, 4), max_size=6)

    @precondition(lambda self: self.queries is not None)
    @rule(
        labels=labels,
        withdrawn=st.sets(st.integers(0, N - 1), max_size=3),
        form=st.sampled_from(["dict", "series", "numpy keys"]),
    )
    def propagate_by_position(self, labels, withdrawn, form):
        new = {i: self.label(i, version) for i, version in labels.items()}
        new |= dict.fromkeys(withdrawn)
        handed = {i: self.mark if label is None else label for i, label in new.items()}
        if form == "series" and handed and set(handed) != set(range(len(handed))):
            handed = pd.Series(list(handed.values()), index=list(handed), dtype=object)
        elif form == "numpy keys":
            handed = {np.int64(i): label for i, label in handed.items()}
        self.propagate(handed, new)

    @precondition(lambda self: self.queries)
    @rule(
        data=st.data(),
        form=st.sampled_from(["list", "array", "generator", "polars", "tuple"]),
    )
    def propagate_in_order(self, data, form):
        n = len(self.queries)
        is_left = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
        new = {
            i: self.label(i, 5)
            for i, left in zip(self.queries, is_left, strict=True)
            if not left
        }
        in_order = [new.get(i, self.mark) for i in self.queries]
        handed = {
            "list": list,
            "array": np.array,
            "generator": iter,
            "polars": pl.Series,
            "tuple": tuple,
        }[form](in_order)
        self.propagate(handed, new)

    def propagate(self, handed, new):
        given = {
            i: a for i, a in (self.known | self.answers | new).items() if a is not None
        }
        with quiet():
            if not given:
                with pytest.raises(ValueError, match="No sample has a label"):
                    self.p.propagate(handed)
                return
            assert self.p.propagate(handed) is self.p
        self.answers |= new
        self.spread = given

    @precondition(lambda self: self.queries is not None)
    @rule(
        handed=st.sampled_from(
            [
                {N: 1},
                {-1: 1},
                {0.5: 1},
                {True: 1},
                {0: 1, 1: "b"},
                {0: [1]},
                {0: np.inf},
                {0: Evil(RuntimeError)},
                list(range(100)),
                7,
                "text",
                {1, 2},
                np.zeros((2, 2)),
                pd.Series([1, 2], index=[0, 0]),
                pd.Series([1], index=["stranger"]),
            ]
        )
    )
    def propagate_what_is_refused(self, handed):
        with quiet(), pytest.raises((TypeError, ValueError, RuntimeError)):
            self.p.propagate(handed)

    @precondition(lambda self: self.spread is not None)
    @rule(labels=labels, n=st.integers(1, 250))
    def propagate_interrupted(self, labels, n):
        new = {i: self.label(i, version) for i, version in labels.items()}
        with quiet(), Fault(n) as fault:
            fault.arm()
            try:
                self.p.propagate(new)
            except KeyboardInterrupt:
                assert fault.is_raised
        if (
            self.p.answers_ == self.answers | new and self.p.answers_ != self.answers
        ) or not fault.is_raised:
            self.answers |= new
            self.spread = self.given

    @precondition(lambda self: self.spread is not None)
    @rule(
        by=st.sampled_from(["cluster", "graph"]), fraction=st.sampled_from([0, 0.4, 1])
    )
    def change_the_rule(self, by, fraction):
        with quiet():
            if by == "graph" and self.p.clusters_.graph is None:
                self.p.set_params(propagation=by)
                with pytest.raises(ValueError, match="'propagation' parameter"):
                    self.p.propagate({})
                self.p.set_params(propagation="cluster")
                return
            self.p.set_params(propagation=by, fraction=fraction).propagate({})

    @rule()
    def go_through_a_file(self):
        self.p = pickle.loads(pickle.dumps(self.p))

    # What holds at any time.

    @invariant()
    def holds_the_labels(self):
        if getattr(self, "queries", None) is None:
            return
        assert self.p.answers_ == self.answers
        assert self.p.n_known_ == len(set(self.known) - set(self.answers))
        if self.spread is None:
            assert not hasattr(self.p, "transduction_")
            return
        given = self.p.given_
        names = given.classes[given.codes].tolist()
        assert dict(zip(given.positions.tolist(), names, strict=True)) == self.spread
        for i, label in self.spread.items():
            assert self.p.transduction_[i] == label
            assert self.p.confidence_[i] == 1
            assert i in self.p.sample_indices_

    @invariant()
    def is_as_if_all_labels_had_come_at_once(self):
        if getattr(self, "spread", None) is None:
            return
        new = clone(self.p)
        with quiet():
            if self.p.clusters_.graph is not None:
                new.set_params(propagation="graph")
            new.query(X)
            new.set_params(propagation=self.p.propagation).propagate(self.spread)
        for name in (
            "labels_",
            "transduction_",
            "confidence_",
            "sample_indices_",
            "classes_",
        ):
            assert_array_equal(getattr(self.p, name), getattr(new, name))
        others = np.array([[0.4], [30.0], [61.2], [500.0]])
        with quiet():  # of names
            assert_array_equal(self.p.predict(others), new.predict(others))


def test_rounds_of_questions_with_anything_going_wrong():
    run_state_machine_as_test(
        Rounds,
        settings=tries(80, 800, stateful_step_count=25 if FULL else 12),
    )


# One at a time, so that a failure says what it is.


def fitted_with(oracle, **params):
    p = KMeansLabelPropagator(
        5,
        clusterer=FixedCenters(centers=CENTERS),
        oracle=oracle,
        random_state=0,
        **params,
    )
    caught = None
    with quiet():
        try:
            p.fit(X, sample_ids=NAMES)
        except AssertionError:
            raise
        except BaseException as error:
            caught = error
    return p, caught


def number(i):
    return 100 + i


@pytest.mark.parametrize(
    "error", [e for e in ERRORS if e is not StopIteration], ids=str
)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_what_a_generator_gave_before_it_failed_is_told_by_position(error, n):
    ONCE.__dict__.pop("answers", None)
    oracle = Oracle(number, "generator", fails_at=n, error=error)
    p, caught = fitted_with(oracle)
    kind = error if isinstance(error, type) else type(error)
    assert type(caught) is kind
    assert p.answers_ == oracle.out
    if n and kind is not Sealed:
        assert caught.answers == oracle.out


def test_an_error_that_comes_twice_tells_the_answers_of_its_own_fit():
    ONCE.__dict__.pop("answers", None)
    _, first = fitted_with(Oracle(number, "generator", fails_at=1, error=ONCE))
    assert len(first.answers) == 1
    p, second = fitted_with(
        Oracle(lambda i: 500 + i, "generator", fails_at=3, error=ONCE)
    )
    assert second is first
    assert second.answers == p.answers_
    assert len(p.answers_) == 3


@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("error", [RuntimeError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("kind", ["list", "objects", "generator", "shuffled", "column"])
def test_a_label_that_cannot_be_compared_takes_no_other_with_it(kind, error, at):
    oracle = Oracle(number, kind, evil=(at, error))
    p, caught = fitted_with(oracle)
    assert isinstance(caught, error | TypeError | ValueError)
    told = [*flat(p.answers_), *flat(caught.answers)]
    assert all(is_in(label, told) for label in oracle.labels.values())
    if kind == "generator":
        assert [type(a) for a in told].count(Evil) >= 1


@pytest.mark.parametrize("kind", ["endless", "one too many"])
def test_a_generator_that_goes_on_is_refused_and_nothing_is_lost(kind):
    oracle = Oracle(number, kind)
    p, caught = fitted_with(oracle)
    assert isinstance(caught, ValueError)
    assert "5 label" in str(caught)
    told = [*flat(p.answers_), *flat(getattr(caught, "answers", None))]
    assert all(is_in(label, told) for label in [*oracle.labels.values(), *oracle.extra])
    assert len(oracle.extra) <= 1


def test_another_thread_may_not_use_a_propagator_that_is_asking():
    errors = []

    def meddle(p):
        for use in (
            lambda: p.query(X[::-1]),
            lambda: p.propagate({0: 1}),
            lambda: p.fit(X, np.arange(N)),
        ):
            try:
                use()
            except RuntimeError as error:
                errors.append(str(error))

    def call():
        thread = threading.Thread(target=meddle, args=(p,))
        thread.start()
        thread.join()

    oracle = Oracle(number, "list", calls=call)
    p = KMeansLabelPropagator(
        5, clusterer=FixedCenters(centers=CENTERS), oracle=oracle, random_state=0
    )
    with quiet():
        p.fit(X, sample_ids=NAMES)
    assert [("another thread" in error) for error in errors] == [True] * 3
    assert p.answers_ == oracle.out


def test_two_propagators_asked_by_two_threads_keep_their_labels_apart():
    barrier = threading.Barrier(2, timeout=60)
    oracles = [
        Oracle(lambda i, add=add: add + i, "generator", calls=barrier.wait)
        for add in (100, 200)
    ]
    fitted = [
        KMeansLabelPropagator(
            5, clusterer=FixedCenters(centers=CENTERS), oracle=oracle, random_state=0
        )
        for oracle in oracles
    ]
    threads = [
        threading.Thread(target=p.fit, args=(X,), kwargs={"sample_ids": NAMES})
        for p in fitted
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for p, oracle in zip(fitted, oracles, strict=True):
        assert p.answers_ == oracle.out
        assert_array_equal(p.transduction_[list(p.answers_)], list(p.answers_.values()))


def test_an_oracle_that_fails_in_the_second_round_keeps_the_first():
    first, _ = fitted_with(Oracle(number, "list"))
    oracle = Oracle(
        number,
        "generator",
        silent=set(first.queries_[:3].tolist()),
        fails_at=6,
        error=TimeoutError,
    )
    p, caught = fitted_with(oracle, max_retries=3)
    assert isinstance(caught, TimeoutError)
    assert p.answers_ == caught.answers == oracle.out
    assert len(oracle.out) == 6
    *_, answered = oracle.out  # in the second round: it stands for its cluster now
    of_cluster = p.representative_clusters_ == p.labels_[answered]
    assert answered in p.queries_
    assert p.representative_indices_[of_cluster] == [answered]
    with quiet():
        p.propagate({})
    assert p.representative_labels_[of_cluster] == [oracle.out[answered]]


def test_a_copy_of_the_propagator_taken_by_the_oracle_is_its_own():
    copies = []
    oracle = Oracle(number, "list", calls=lambda: copies.append(clone(p)))
    p, caught = fitted_with(None), None
    p = KMeansLabelPropagator(
        5, clusterer=FixedCenters(centers=CENTERS), oracle=oracle, random_state=0
    )
    with quiet():
        p.fit(X, sample_ids=NAMES)
        first = dict(p.answers_)
        other = copies[0].set_params(oracle=Oracle(lambda i: 900 + i, "list"))
        other.fit(X, sample_ids=NAMES)
    assert caught is None
    assert p.answers_ == first
    assert min(other.answers_.values()) >= 900
