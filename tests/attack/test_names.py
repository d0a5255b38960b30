"""Labels of every kind: exact, told apart, and in the container that they came in."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from attack.tools import RULES, RefusesToAnswer, propagator, quiet, tries
from helpers import FixedCenters
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import PropagatedClassifier
from kmeans_labelprop.metrics import (
    cluster_purity,
    majority_labels,
    propagated_label_accuracy,
)
from kmeans_labelprop.model_selection import make_labeled_scorer

# Of each group more than are linked to each other, the middle of the known ones last.
CENTERS = np.array([[0.62], [10.62], [20.62]])
GROUP = np.r_[np.repeat([0, 1, 2], 10), 0, 1, 2, 0, 1, 2]
PLACE = np.r_[np.tile(np.arange(10), 3), [10] * 3, [11] * 3]
X = (10 * GROUP + PLACE / 9)[:, None]
N_KNOWN = 30

KINDS = {
    "small": st.integers(-(2**7), 2**7 - 1),
    "large": st.integers(-(2**63), 2**63 - 1),
    "near 2 ** 53": st.integers(2**53 - 2, 2**53 + 5),
    "unsigned": st.integers(2**63 - 3, 2**64 - 1),
    "huge": st.integers(2**64, 2**70),
    "whole floats": st.integers(-(2**53), 2**53).map(float),
    "bool": st.booleans(),
    "text": st.text(st.characters(codec="utf-8"), max_size=6),
    "nulls": st.text("a\0 ", max_size=4),
    "marks": st.sampled_from(
        ["-1", "nan", "None", "NaN", "NA", "<NA>", "null", "", " "]
    ),
    "long": st.sampled_from(["x" * 300, "x" * 299 + "y", "x", "x" * 100, "x" * 101]),
    "numpy text": st.text("ab", max_size=3).map(np.str_),
    "numpy numbers": st.integers(0, 100).map(np.int16),
}
MARKS = [-1, 0, None, np.nan, "", "?", "nan", "-1", True, False, 2**63, -(2**63), 1.0]


def as_objects(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


CONTAINERS = {
    "list": list,
    "objects": as_objects,
    "array": np.array,
    "pandas": lambda values: pd.Series(values, dtype=object),
    "pandas own": pd.Series,
    "category": lambda values: pd.Series(values, dtype="category"),
    "polars": pl.Series,
    "frame": lambda values: pd.DataFrame({"y": as_objects(values)}),
    "tuple": tuple,
}


def is_mark(value, mark):
    """Tell, by the words of the guide, whether a value stands for no label."""
    if value is None or value != value:
        return True
    if isinstance(value, str):
        return mark is not None and value == str(mark)
    return not isinstance(mark, str) and value == mark


def holds_all(made, values):
    """Tell whether a container holds the values as they are, whatever came of them."""
    if isinstance(made, pd.DataFrame):
        made = made.iloc[:, 0]
    held = made.to_list() if hasattr(made, "to_list") else list(made)
    pairs = [(as_python(a), as_python(b)) for a, b in zip(held, values, strict=True)]
    return all(type(a) is type(b) and a == b for a, b in pairs)


def as_python(value):
    """Take the Python object: NumPy compares large numbers after rounding them."""
    return value.item() if isinstance(value, np.generic) else value


def fit(rule, y=None, mark=-1, **params):
    p = propagator(
        n_clusters=3,
        clusterer=FixedCenters(centers=CENTERS),
        propagation=rule,
        missing_label=mark,
        **params,
    )
    with quiet():
        return p.fit(X, y)


@tries(150, 6000)
@given(
    st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.lists(KINDS[kind], min_size=2, max_size=3, unique=True)
    ),
    st.sampled_from(MARKS),
    st.sampled_from(sorted(CONTAINERS)),
    st.sampled_from(RULES),
    st.booleans(),
)
def test_labels_of_y_are_exact_or_refused(labels, mark, container, rule, is_partial):
    labels = [*labels, labels[0]][:3]
    assume(not any(is_mark(label, mark) for label in labels))
    values = [labels[g] for g in GROUP]
    if is_partial:
        values = [*values[:30], mark, None, mark, mark, mark, mark]
    try:
        y = CONTAINERS[container](values)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return  # there is no such container
    if container == "polars" and y.dtype == pl.Object:
        return
    if not holds_all(y, values) and not is_partial:
        return  # NumPy or pandas has changed them before
    oracle = RefusesToAnswer()
    try:
        fitted = fit(rule, y, mark)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        assert str(error)
        with quiet(), pytest.raises(type(error)):
            fit(rule, y, mark, oracle=oracle)
        assert oracle.n_asked == 0
        return
    if is_partial and container == "array":
        return  # NumPy has made words of numbers and marks
    expected = [labels[g] for g in GROUP]
    found = fitted.transduction_.tolist()
    assert found == expected
    assert len(fitted.classes_) == len(set(labels))
    with quiet():
        assert fitted.predict(X).tolist() == expected


@tries(100, 4000)
@given(
    st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.lists(KINDS[kind], min_size=2, max_size=3, unique=True)
    ),
    st.sampled_from(MARKS),
    st.sampled_from(
        ["list", "objects", "array", "tuple", "pandas", "polars", "yields"]
    ),
    st.sampled_from(RULES),
)
def test_answers_are_exact_or_refused_and_never_lost(labels, mark, container, rule):
    labels = [*labels, labels[0]][:3]
    assume(not any(is_mark(label, mark) for label in labels))

    def oracle(rows):
        answers = [labels[int(row[0] // 10)] for row in rows]
        if container == "yields":
            return iter(answers)
        return CONTAINERS[container](answers)

    try:
        made = CONTAINERS.get(container, list)([labels[0], labels[1], labels[2]])
        assume(holds_all(made, labels))
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
        return
    p = propagator(
        n_clusters=3,
        clusterer=FixedCenters(centers=CENTERS),
        propagation=rule,
        missing_label=mark,
        oracle=oracle,
    )
    try:
        with quiet():
            p.fit(X)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        assert sorted(map(str, p.answers_.values())) == sorted(map(str, labels))
        return
    assert p.transduction_.tolist() == [labels[g] for g in GROUP]
    assert len(p.classes_) == len(set(labels))
    assert {i: labels[GROUP[i]] for i in p.answers_} == p.answers_


ODD = {
    "fractions": [Fraction(1, 3), Fraction(2, 3), Fraction(1)],
    "decimals": [Decimal("1.1"), Decimal("2"), Decimal("3")],
    "dates": list(np.array(["2020-01-01", "2020-01-02", "2021-01-01"], dtype="M8[D]")),
    "stamps": list(pd.to_datetime(["2020-01-01", "2020-01-02", "2021-01-01"])),
    "tuples": [(0, 1), (0, 2), (1, 1)],
    "bytes": [b"a", b"b", b"c"],
    "complex": [1 + 1j, 2 + 0j, 3j],
    "mixed": [1, "1", 2],
    "fractional": [0.5, 1.5, 2.5],
    "infinite": [np.inf, 0.0, 1.0],
    "too large": [1e300, 0.0, 1.0],
    "beyond both ends": [2**63, -2, 1],
    "sets": [frozenset([1]), frozenset([2]), frozenset()],
    "classes": [int, str, float],
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", sorted(ODD))
@pytest.mark.parametrize("container", ["list", "objects"])
def test_odd_labels_are_exact_or_refused(kind, rule, container):
    y = CONTAINERS[container]([ODD[kind][g] for g in GROUP])
    oracle = RefusesToAnswer()
    try:
        fitted = fit(rule, y)
    except (TypeError, ValueError):
        y[0] = -1
        with quiet(), pytest.raises((TypeError, ValueError)):
            fit(rule, y, oracle=oracle)
        assert oracle.n_asked == 0
        return
    assert fitted.transduction_.tolist() == [ODD[kind][g] for g in GROUP]


DTYPES = [
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16",
    "float32", "float64", "longdouble", "bool", ">i4", ">f8", "U3", "S3", "O",
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("is_partial", [False, True])
def test_labels_of_every_dtype(dtype, rule, is_partial):
    labels = np.array([0, 1, 0] if dtype == "bool" else [3, 1, 2]).astype(dtype)
    y = labels[GROUP]
    before = y.copy()
    mark = -1
    if is_partial:
        # The label of the second group marks what is missing; both others are known.
        mark = labels[1:2].tolist()[0]
    expected = labels[np.where(GROUP == 1, 0, GROUP)] if is_partial else labels[GROUP]
    try:
        fitted = fit("cluster" if is_partial else rule, y, mark)
    except (TypeError, ValueError):
        assert dtype == "S3"
        return
    is_known = (y != mark) if is_partial else np.ones(len(y), dtype=bool)
    assert fitted.transduction_[is_known].tolist() == expected[is_known].tolist()
    assert fitted.n_known_ == (is_known.sum() if is_partial else 0)
    if not is_partial:
        with quiet():
            y_res = fitted.fit_resample(X, y)[1]
        assert y_res.tolist() == y.tolist() == before.tolist()
        if y.dtype.kind not in "UO":
            assert y_res.dtype.newbyteorder("=") == y.dtype.newbyteorder("=")


CONTAINER_OF_STRINGS = {
    "numpy strings": lambda v: np.array(v, dtype=np.dtypes.StringDType()),
    "pandas string": lambda v: pd.Series(v, dtype="string"),
    "pandas pyarrow": lambda v: pd.Series(v, dtype="string[pyarrow]"),
    "pandas category": lambda v: pd.Series(v, dtype="category"),
    "polars category": lambda v: pl.Series(v, dtype=pl.Categorical),
    "polars enum": lambda v: pl.Series(v, dtype=pl.Enum(["low", "mid", "high", "?"])),
    "masked": lambda v: np.ma.masked_array(v, mask=[False] * len(v)),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", sorted(CONTAINER_OF_STRINGS))
@pytest.mark.parametrize("is_partial", [False, True])
def test_strings_of_every_library(kind, rule, is_partial):
    names = ["low", "mid", "high"]
    values = [names[g] for g in GROUP]
    if is_partial:
        values[N_KNOWN:] = ["?"] * 6
    fitted = fit(rule, CONTAINER_OF_STRINGS[kind](values), "?")
    assert fitted.transduction_.tolist() == [names[g] for g in GROUP]
    assert sorted(fitted.classes_.tolist()) == sorted(names)
    assert fitted.n_known_ == (N_KNOWN if is_partial else 0)


NUMBERS = {
    "Int64": lambda v: pd.Series(v, dtype="Int64"),
    "pyarrow": lambda v: pd.Series(v, dtype="int64[pyarrow]"),
    "polars": lambda v: pl.Series(v, dtype=pl.Int64),
    "objects": as_objects,
    "masked": lambda v: np.ma.masked_array(
        [2**60 if a is None else a for a in v], mask=[a is None for a in v]
    ),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", sorted(NUMBERS))
def test_gaps_beside_large_numbers_round_none(kind, rule):
    names = [2**53, 2**53 + 1, 2**53 + 2]
    values = [names[g] for g in GROUP]
    values[N_KNOWN:] = [None] * 6
    fitted = fit(rule, NUMBERS[kind](values))
    assert fitted.n_known_ == N_KNOWN
    assert fitted.transduction_.tolist() == [names[g] for g in GROUP]


@pytest.mark.parametrize("mark", [float("nan"), np.float32("nan"), np.nan, None, pd.NA])
@pytest.mark.parametrize(
    "answer", [float("nan"), np.float32("nan"), None, pd.NA, pd.NaT]
)
def test_nothing_is_ever_a_class(mark, answer):
    def oracle(rows):
        return as_objects([answer if row[0] < 5 else 4 for row in rows])

    try:
        fitted = fit("graph", None, mark, oracle=oracle)
    except (TypeError, ValueError) as error:
        assert mark is pd.NA or answer is pd.NaT, error
        return
    assert fitted.classes_.tolist() == [4]
    assert list(fitted.answers_.values()).count(None) == 1


# Columns with an index go by it, or are refused: never by order in silence.

WEIGHTS = np.linspace(1, 2, len(X))
BY_INDEX = {
    "score": lambda a: a["model"].score(a["X"], a["y"], sample_weight=a["w"]),
    "scorer": lambda a: make_labeled_scorer("accuracy")(
        a["model"], a["X"], a["y"], sample_weight=a["w"]
    ),
    "fit": lambda a: a["model"].fit(a["X"], a["y"], sample_weight=a["w"]),
    "purity": lambda a: cluster_purity(a["ids"], a["y"]),
    "majority": lambda a: majority_labels(a["ids"], a["y"]),
    "accuracy": lambda a: propagated_label_accuracy(
        a["y"], a["t"], a["mask"], labels=a["ids"]
    ),
}  # fmt: skip
USES = {
    "score": "yw", "scorer": "yw", "fit": "yw", "purity": ["y"], "majority": ["y"],
    "accuracy": ["t", "mask", "ids"],
}  # fmt: skip


@pytest.mark.parametrize("call", sorted(BY_INDEX))
def test_an_index_in_another_order_is_refused(call):
    labels = np.array(["a", "b", "c"])[GROUP]
    names = pd.Index([f"row {i}" for i in range(len(X))])
    rows = {
        "X": pd.DataFrame(np.asarray(X), index=names),
        "y": pd.Series(labels, index=names),
        "t": pd.Series(labels, index=names),
        "w": pd.Series(WEIGHTS, index=names),
        "mask": pd.Series(WEIGHTS > 1.1, index=names),
        "ids": pd.Series(GROUP, index=names),
        "model": PropagatedClassifier(GaussianNB(), propagator(n_clusters=3)),
    }
    with quiet():
        rows["model"].fit(rows["X"], rows["y"])
        BY_INDEX[call](rows)
    for name in USES[call]:
        with quiet(), pytest.raises(ValueError, match="The index of"):
            BY_INDEX[call](rows | {name: rows[name][::-1]})
