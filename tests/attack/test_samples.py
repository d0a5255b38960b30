"""Samples of every kind: right as a plain copy is, or refused by name, unpaid."""

from __future__ import annotations

import functools
import warnings
from datetime import date, time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from attack.tools import (
    FULL,
    RULES,
    Counting,
    RefusesToAnswer,
    make_groups,
    propagator,
    quiet,
    tries,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)
from kmeans_labelprop.embedding import default_embedding
from kmeans_labelprop.inspection._plotting import find_clusters
from kmeans_labelprop.model_selection import cluster_count_curve

GROUPS, Y = make_groups()
IDS = np.arange(len(Y))
both_rules = pytest.mark.parametrize("rule", RULES)


def frozen(A):
    A = A.copy()
    A.flags.writeable = False
    return A


def unaligned(A):
    if A.dtype.hasobject:
        return A  # NumPy makes none of references
    memory = np.zeros(A.nbytes + 1, dtype=np.uint8)
    view = memory[1:].view(A.dtype).reshape(A.shape)
    view[:] = A
    assert view.flags.aligned == (A.itemsize == 1)
    return view


def strided(A):
    wide = np.full((2 * len(A), 3 * A.shape[1]), 99, dtype=A.dtype)
    wide[::2, ::3] = A
    return wide[::2, ::3]


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": lambda A: A[::-1, ::-1].copy()[::-1, ::-1],
    "read only": frozen,
    "unaligned": unaligned,
    "transposed": lambda A: A.T.copy().T,
}
DTYPES = [
    "float64", "float32", "float16", "longdouble", ">f8", ">f4", ">f2", "int8", "uint8",
    "int16", "uint16", "int32", "int64", ">i4", "uint64", "bool", "object",
]  # fmt: skip


def labels_of(X, rule, **params):
    oracle = Counting(Y)
    with quiet():
        fitted = propagator(propagation=rule, oracle=oracle, **params).fit(
            X, sample_ids=IDS[: X.shape[0] if hasattr(X, "shape") else len(X)]
        )
    return fitted


def assert_same(found, expected, X_found, X_expected, *, is_exact=True):
    assert_array_equal(found.transduction_, expected.transduction_)
    assert found.answers_ == expected.answers_
    if is_exact:
        for name in ("labels_", "confidence_", "sample_indices_"):
            assert_array_equal(getattr(found, name), getattr(expected, name))
    with quiet():
        assert_array_equal(found.predict(X_found), expected.predict(X_expected))


def snapshot(X):
    """Copy all that X consists of."""
    if sp.issparse(X):
        names = ("data", "indices", "indptr", "row", "col", "offsets")
        parts = [name for name in names if hasattr(X, name)]
        if X.format in ("lil", "dok"):
            return [X.toarray()]
        return [np.array(getattr(X, name), copy=True) for name in parts]
    if isinstance(X, pd.DataFrame | pl.DataFrame):
        return [X.to_numpy().copy(), np.array(X.columns)]
    return [np.array(X, copy=True)]


def assert_unchanged(X, before):
    for now, then in zip(snapshot(X), before, strict=True):
        assert now.dtype == then.dtype
        assert_array_equal(now, then)


@tries(40, 1500)
@given(
    st.sampled_from(DTYPES),
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(RULES),
    st.integers(0, 5),
)
def test_any_dtype_in_any_layout_is_as_its_plain_copy(dtype, layout, rule, seed):
    whole = make_groups(seed=seed)[0]
    values = np.floor(whole) if np.dtype(dtype).kind in "iu" else whole
    if dtype == "bool":
        values = values > values.mean(axis=0)
    A = LAYOUTS[layout](values.astype(dtype))
    plain = np.ascontiguousarray(A.astype(np.float64))
    before = A.copy()
    # Of booleans there are eight distinct rows at most.
    params = {"n_clusters": 3 if dtype == "bool" else 12}
    found, expected = (labels_of(X, rule, **params) for X in (A, plain))
    is_exact = np.dtype(dtype).itemsize != 4 and np.dtype(dtype) != np.float16
    assert_same(found, expected, A, plain, is_exact=is_exact)
    assert_array_equal(A, before)
    assert A.flags.writeable == (layout != "read only")


def duplicated(C, rng):
    """Give entries in several parts, in any order, with zeros among them."""
    C = sp.coo_array(C)
    parts = [(C.row, C.col, C.data - 1.5), (C.row, C.col, np.full(C.nnz, 1.5))]
    zeros = rng.integers(0, C.shape[0], 20), rng.integers(0, C.shape[1], 20)
    parts.append((*zeros, np.zeros(20)))
    row, col, data = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = rng.permutation(len(row))
    return row[order], col[order], data[order]


def raw(compressed, kind, rng, index=np.int32):
    """Make a compressed matrix that SciPy has not put in order."""
    row, col, data = duplicated(compressed, rng)
    n_rows, n_cols = compressed.shape
    is_by_rows = kind in (sp.csr_array, sp.csr_matrix)
    major, minor, n = (row, col, n_rows) if is_by_rows else (col, row, n_cols)
    order = np.argsort(major, kind="stable")
    ends = np.r_[0, np.cumsum(np.bincount(major, minlength=n))]
    return kind(
        (data[order], minor[order].astype(index), ends.astype(index)),
        shape=compressed.shape,
    )


SPARSE = {
    "csr": sp.csr_array,
    "csr matrix": sp.csr_matrix,
    "csc": sp.csc_array,
    "csc matrix": sp.csc_matrix,
    "coo": sp.coo_array,
    "bsr": sp.bsr_array,
    "lil": sp.lil_array,
    "dok": sp.dok_array,
    "dia": sp.dia_array,
}


def make_sparse(kind, form, dtype, seed):
    rng = np.random.default_rng(seed)
    dense = make_groups(seed=seed)[0]
    dense[:, 2] *= rng.random(len(dense)) < 0.5
    if np.dtype(dtype).kind in "iu":
        dense = np.floor(dense)
    plain = sp.csr_array(dense)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)  # diagonals
        A = SPARSE[kind](plain)
    if form != "canonical" and kind in ("csr", "csr matrix", "csc", "csc matrix"):
        A = raw(plain, SPARSE[kind], rng)
    elif form != "canonical" and kind == "coo":
        row, col, data = duplicated(plain, rng)
        A = sp.coo_array((data, (row, col)), shape=plain.shape)
    A = A.astype(dtype)
    if form == "long indices" and hasattr(A, "indptr"):
        A.indices, A.indptr = A.indices.astype(np.int64), A.indptr.astype(np.int64)
    return A


@tries(40, 1500)
@given(
    st.sampled_from(sorted(SPARSE)),
    st.sampled_from(["canonical", "duplicates", "long indices"]),
    st.sampled_from(["float64", "float32", "int64"]),
    st.sampled_from(RULES),
    st.integers(0, 5),
)
def test_any_sparse_form_is_as_its_canonical_copy(kind, form, dtype, rule, seed):
    A = make_sparse(kind, form, dtype, seed)
    plain = sp.csr_array(A.toarray().astype(np.float64))
    before = snapshot(A)
    expected = labels_of(plain, rule)
    oracle = RefusesToAnswer()
    try:
        found = labels_of(A, rule)
    except (TypeError, ValueError) as error:
        assert form == "long indices", error
        assert "indices" in str(error)
        with pytest.raises(type(error)), quiet():
            propagator(oracle=oracle, propagation=rule).fit(A)
        assert oracle.n_asked == 0
        return
    assert_unchanged(A, before)
    assert_same(found, expected, A, plain, is_exact=dtype == "float64")
    assert_array_equal(found.predict(A), found.transduction_)
    with quiet():
        X_res, y_res = propagator(propagation=rule).fit_resample(A, Y)
    assert_array_equal(X_res.toarray(), A.toarray())
    assert_array_equal(y_res, propagator(propagation=rule).fit(plain, Y).transduction_)


def test_zeros_that_are_stored_count_for_nothing():
    """Neither in the choice of the embedding, nor in the logarithms of counts."""
    rng = np.random.default_rng(0)
    rates = np.where(rng.random((3, 300)) < 0.05, 1.0, 0.02)
    plain = sp.csr_array(rng.poisson(rates[np.arange(150) % 3]).astype(float))
    full = plain.toarray()
    zeros = np.nonzero((full == 0) & (rng.random(full.shape) < 0.2))
    row, col = (np.append(*pair) for pair in zip(plain.nonzero(), zeros, strict=True))
    A = sp.csr_array((full[row, col], (row, col)), shape=plain.shape)
    assert A.nnz > plain.nnz
    before = snapshot(A)
    expected, found = (
        KMeansLabelPropagator(5, random_state=0).fit(X, np.arange(150) % 3)
        for X in (plain, A)
    )
    assert_array_equal(found.transduction_, expected.transduction_)
    assert_array_equal(found.predict(A), expected.predict(plain))
    assert repr(default_embedding(A)) == repr(default_embedding(plain))
    assert_unchanged(A, before)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_duplicates_reach_no_classifier_and_no_curve(kind):
    A = make_sparse(kind, "duplicates", "float64", 1)
    plain = sp.csr_array(A.toarray())
    tree = DecisionTreeClassifier(random_state=0)  # reads entry by entry
    with quiet():
        for unfitted in (
            PropagatedClassifier(tree, propagator()),
            PropagatedClassifierCV(tree, propagator(), random_state=0),
        ):
            models = [clone(unfitted).fit(X, Y) for X in (A, plain)]
            assert_array_equal(*(model.predict(plain) for model in models))
            assert_array_equal(models[0].predict(A), models[1].predict(plain))
        curves = [
            cluster_count_curve(X, [2, 5], random_state=0)
            .to_frame()
            .select_dtypes(float)
            for X in (A, plain)
        ]
    pd.testing.assert_frame_equal(*curves)


@both_rules
def test_a_memory_map_is_read_only_and_left_alone(rule, tmp_path):
    np.save(tmp_path / "X.npy", GROUPS)
    before = (tmp_path / "X.npy").read_bytes()
    for mode in ("r", "c", "r+"):
        mapped = np.load(tmp_path / "X.npy", mmap_mode=mode)
        found = labels_of(mapped, rule)
        assert_same(found, labels_of(GROUPS, rule), mapped, GROUPS)
        del mapped
    assert (tmp_path / "X.npy").read_bytes() == before


TABLES = {
    "list": lambda A: A.tolist(),
    "tuple": lambda A: tuple(map(tuple, A.tolist())),
    "fractions": lambda A: np.array([[Fraction(x) for x in row] for row in A]),
    "decimals": lambda A: np.array([[Decimal(x) for x in row] for row in A]),
    "pandas": pd.DataFrame,
    "pandas with names": lambda A: pd.DataFrame(A, columns=list("abc")),
    "pandas nullable": lambda A: pd.DataFrame(A).astype("Float64"),
    "pandas mixed": lambda A: pd.DataFrame(A).astype({0: "float32", 1: object}),
    "pandas sparse": lambda A: pd.DataFrame(A).astype(pd.SparseDtype(float, 0.0)),
    "pandas pyarrow": lambda A: pd.DataFrame(A).astype("float64[pyarrow]"),
    "polars": lambda A: pl.DataFrame(A, schema=list("abc")),
}


@both_rules
@pytest.mark.parametrize("kind", sorted(TABLES))
def test_any_table_is_as_its_plain_copy(kind, rule):
    table = TABLES[kind](GROUPS)
    before = snapshot(table)
    found, expected = labels_of(table, rule), labels_of(GROUPS, rule)
    assert_same(found, expected, table, GROUPS)
    assert_unchanged(table, before)


# Magnitudes. Powers of two are exact: nothing but overflow and underflow differs.

limits = {"float64": (-1074, 1023), "float32": (-149, 127)}


@tries(60, 2000)
@given(
    st.sampled_from(["float64", "float32"]),
    st.sampled_from(RULES),
    st.booleans(),
    st.data(),
)
def test_any_scale_is_right_or_refused_before_anyone_is_asked(
    dtype, rule, is_sparse, data
):
    low, high = limits[dtype]
    exponent = data.draw(st.integers(low + 4, high - 7), label="exponent")
    A = np.ldexp(GROUPS, exponent).astype(dtype)
    assert np.isfinite(A).all()
    right_or_refused(sp.csr_array(A) if is_sparse else A, rule)


@tries(40, 1000)
@given(
    st.sampled_from(["float64", "float32"]),
    st.sampled_from(RULES),
    st.integers(0, 60),
    st.lists(st.sampled_from([-1, 0, 1]), min_size=3, max_size=3),
    st.sampled_from([None, "auto"]),
)
def test_far_from_the_origin_is_right_or_refused(
    dtype, rule, exponent, signs, embedding
):
    digits = {"float64": 52, "float32": 23}[dtype]
    far = np.ldexp(1.0, min(exponent, digits - 8)) * np.array(signs)
    A = (GROUPS + far).astype(dtype)
    assert_array_equal(A.astype(float) - far, GROUPS)  # nothing is rounded
    right_or_refused(A, rule, never_refused=True, embedding=embedding)


def right_or_refused(A, rule, never_refused=False, bad=(), embedding=None):
    """Check that all labels are right, or that nobody has been asked."""
    oracle = Counting(Y)
    fitted = propagator(oracle=oracle, propagation=rule, embedding=embedding)
    before = snapshot(A)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "overflow|invalid value")
            fitted.fit(A, sample_ids=IDS)
    except ValueError as error:
        assert not never_refused, error
        assert "X" in str(error)
        assert oracle.n_asked == 0
        return
    finally:
        assert_unchanged(A, before)
    good = np.setdiff1d(IDS, bad)
    assert_array_equal(fitted.transduction_[good], Y[good])
    assert np.isfinite(fitted.inertia_)
    assert np.isfinite(fitted.confidence_).all()
    with quiet():
        assert_array_equal(fitted.predict(A)[good], Y[good])


NO_DATA = [
    -9999,
    -32768,
    255,
    1e10,
    1e15,
    1e20,
    -1e20,
    9.969209968386869e36,
    -3.4028234663852886e38,
    1.7976931348623157e308,
]


@both_rules
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("value", NO_DATA)
@pytest.mark.parametrize("bad", [[5], [3, 50, 51]], ids=["one", "three"])
@pytest.mark.parametrize("embedding", [None, "auto"])
def test_a_mark_of_no_data_spoils_no_other_sample(
    value, dtype, rule, bad, is_sparse, embedding
):
    """Each in a cluster of its own, or refused: never all others in one."""
    if abs(value) > float(np.finfo(dtype).max):
        return
    A = GROUPS.astype(dtype)
    A[bad, np.arange(len(bad)) % 3] = value
    X = sp.csr_array(A) if is_sparse else A
    right_or_refused(X, rule, bad=bad, embedding=embedding)


def refused(X, match, error=ValueError, **params):
    for rule in RULES:
        oracle = RefusesToAnswer()
        with quiet(), pytest.raises(error, match=match):
            propagator(oracle=oracle, propagation=rule, **params).fit(X)
        assert oracle.n_asked == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "container", [np.array, sp.csr_array, pd.DataFrame, pl.DataFrame]
)
def test_what_is_not_finite_is_refused(value, container):
    A = GROUPS.copy()
    A[7, 1] = value
    refused(container(A), "X contains")
    if np.isinf(value):
        refused(container(A), "X contains", embedding="auto")


def with_gap(kind):
    frame = pd.DataFrame(GROUPS)
    if kind == "pandas":
        frame = frame.astype("Float64")
        frame.iloc[7, 1] = pd.NA
        return frame
    if kind == "objects":
        A = GROUPS.astype(object)
        A[7, 1] = None
        return A
    if kind == "polars":
        return pl.DataFrame([[None, 1.0]] * 60, schema=["a", "b"], orient="row")
    return np.ma.masked_array(GROUPS, mask=GROUPS > 40)


@pytest.mark.parametrize("kind", ["pandas", "objects", "polars"])
def test_gaps_are_refused(kind):
    refused(with_gap(kind), "NaN|missing|NA|None", (ValueError, TypeError))


def test_masked_values_are_refused_not_read():
    refused(with_gap("masked"), "X", (ValueError, TypeError))


REFUSED = {
    "a row": (GROUPS[0], "2D array"),
    "a number": (np.float64(3), "X must hold samples"),
    "three dimensions": (GROUPS.reshape(-1, 3, 1), "dim 3|3D|dimension"),
    "no rows": (GROUPS[:0], "0 sample"),
    "no columns": (GROUPS[:, :0], "0 feature"),
    "complex": (GROUPS + 1j, "omplex"),
    "words": (np.array([["a", "b"]] * 40), "convert|numeric|string"),
    "ragged": ([[1.0], [1.0, 2.0]] * 20, "."),
    "nothing": (None, "."),
}


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_is_no_table_of_numbers_is_refused(kind):
    X, match = REFUSED[kind]
    refused(X, match, (ValueError, TypeError))


# Degenerate shapes.


@both_rules
@pytest.mark.parametrize("container", [np.array, sp.csr_array])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "rows",
    [
        [[3.0, 0.0]],
        [[0.0]],
        [[0.0], [1.0]],
        [[7.0, 7.0]] * 30,
        [[0.0, 0.0]] * 30,
        [[1e30]] * 30,
        [[5.0, x] for x in range(30)],
        [[x % 2] for x in range(30)],
        [[x] for x in range(30)],
        [[0.0] * 500] * 2,
    ],
    ids=[
        "a row",
        "zero",
        "two",
        "copies",
        "zeros",
        "huge copies",
        "a constant column",
        "two kinds",
        "a column",
        "wide",
    ],
)
@pytest.mark.parametrize("embedding", [None, "auto"])
def test_degenerate_shapes(rows, dtype, container, rule, embedding):
    """Each sample has the label of the sample asked about that is nearest to it."""
    A = np.array(rows, dtype=dtype)
    if dtype == "float32" and A.max() > 1e19:
        return
    n_distinct = len(np.unique(A, axis=0))
    for k in sorted({1, min(2, len(A)), n_distinct, min(len(A), n_distinct + 1)}):
        oracle = Counting(np.unique(A, axis=0, return_inverse=True)[1].ravel())
        fitted = propagator(
            oracle=oracle, propagation=rule, n_clusters=k, embedding=embedding
        )
        with quiet():
            fitted.fit(container(A), sample_ids=np.arange(len(A)))
        asked = np.array(sorted(fitted.answers_))
        assert 1 <= len(asked) <= min(k, n_distinct)
        for i, label in fitted.answers_.items():
            copies = np.all(A[i] == A, axis=1)
            assert (fitted.transduction_[copies] == label).all()
        if k >= n_distinct:
            assert len(asked) == n_distinct
            assert_array_equal(fitted.transduction_, oracle.y)
        assert np.isfinite(fitted.confidence_).all()
        with quiet():
            predicted = fitted.predict(container(A))
        reached = fitted.transduction_ != -1
        assert_array_equal(predicted[reached], fitted.transduction_[reached])


@both_rules
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("k", [12, 40])
def test_fewer_different_samples_than_clusters_are_predicted_as_they_were(
    rule, dtype, k
):
    """Centres lie at the same place: those without samples know nothing."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        n_different, n_columns = rng.integers(2, 6), rng.integers(1, 30)
        y = rng.permutation(np.arange(40) % n_different)
        A = rng.normal(size=(n_different, n_columns)).astype(dtype)[y]
        with quiet():
            params = {"propagation": rule, "n_clusters": k, "random_state": seed}
            fitted = propagator(**params).fit(A, y)
            one_by_one = [fitted.predict(A[i : i + 1])[0] for i in range(len(A))]
            assert_array_equal(fitted.predict(A), y)
        assert_array_equal(one_by_one, y)
        assert_array_equal(fitted.transduction_, y)
        assert_array_equal(find_clusters(fitted, A), fitted.labels_)
        centers = fitted.cluster_centers_[fitted.labels_]
        np.testing.assert_allclose(centers, A, rtol=1e-5, atol=1e-6)


@both_rules
def test_more_clusters_than_samples_is_refused_before_anyone_is_asked(rule):
    oracle = RefusesToAnswer()
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=12"):
        propagator(oracle=oracle, propagation=rule).fit(GROUPS[:3])
    assert oracle.n_asked == 0


@both_rules
def test_constant_columns_and_columns_of_zeros_change_nothing(rule):
    expected = labels_of(GROUPS, rule)
    for column in (0.0, 3.0, -17.0):
        A = np.column_stack([np.full(120, column), GROUPS, np.full(120, column)])
        for X in (A, sp.csr_array(A)):
            assert_array_equal(labels_of(X, rule).transduction_, expected.transduction_)


@both_rules
def test_other_samples_than_those_of_the_fit_are_checked_as_strictly(rule):
    fitted = labels_of(GROUPS, rule)
    expected = fitted.predict(GROUPS)
    rng = np.random.default_rng(0)
    twice = sp.csr_array(GROUPS)
    for X in (
        strided(GROUPS),
        frozen(GROUPS),
        GROUPS.astype("float32"),
        GROUPS.astype(">f8"),
        GROUPS.tolist(),
    ):
        assert_array_equal(fitted.predict(X), expected)
    sparse = labels_of(twice, rule)
    for X in (raw(twice, sp.csr_array, rng), sp.csc_array(GROUPS), GROUPS):
        assert_array_equal(sparse.predict(X), expected)
    for value in (np.nan, np.inf, 1e300):
        bad = GROUPS.copy()
        bad[0, 0] = value
        with pytest.raises(ValueError, match="X"):
            fitted.predict(bad)
    with pytest.raises(ValueError, match="features"):
        fitted.predict(GROUPS[:, :2])


# Tables that are not as they should be, or not as they were in fit.

N = len(Y)


def as_column(values):
    column = np.empty(N, dtype=object)
    column[:] = list(values)
    return pd.Series(column, dtype=object)


def table(column):
    return pd.DataFrame({"a": GROUPS[:, 0], "b": GROUPS[:, 1], "c": column})


PAIRS = {  # two values of a column that are not the same, whatever it takes to see it
    "bytes": (b"\xff", b"\xfe"),
    "surrogates": ("\ud800", "\ud801"),
    "zero bytes": ("a", "a\0"),
    "spaces": ("a", "a "),
    "accents": ("\u00e9", "e\u0301"),
    "strings and numbers": ("a", 1),
    "nothing and empty": (None, ""),
    "times": (time(1, 0, 0, 5), time(1, 0, 0, 900_000)),
    "long": ("a" * 100_000 + "b", "a" * 100_000 + "c"),
    "huge": (10**300, 10**301),
}


@pytest.mark.parametrize("kind", sorted(PAIRS))
def test_values_of_a_column_stay_apart(kind):
    pair = PAIRS[kind]
    is_second = Y % 2 == 1
    X = pd.DataFrame({"a": Y // 2, "c": as_column(pair[i] for i in is_second * 1)})
    fitted = propagator(embedding="auto", n_clusters=4).fit(X, Y)
    assert_array_equal(fitted.transduction_, Y)
    assert_array_equal(fitted.predict(X), Y)


ODD = {
    "signalling NaN": [Decimal("sNaN"), Decimal(1), Decimal(2)],
    "beyond float64": [10**400, 1, 2],
    "complex": [1j, 1, 2],
    "complex of NumPy": [np.complex128(1j), np.complex128(1), np.complex128(2)],
    "lists": [[1], [2], [3]],
    "dicts": [{}, {}, {}],
    "classes": [int, str, float],
    "intervals": list(pd.interval_range(0, 3)),
    "days of Arrow": pd.Series(
        [date(2020, 1, 1), date(2021, 1, 1), None], dtype="date32[pyarrow]"
    ),
}
if hasattr(pl, "Int128"):  # later than the oldest polars
    ODD["128 bits"] = pl.Series([2**100, 1, 2], dtype=pl.Int128)


@both_rules
@pytest.mark.parametrize("kind", sorted(ODD))
def test_odd_columns_are_right_or_refused_before_anyone_is_asked(kind, rule):
    places = np.random.default_rng(0).integers(0, 3, N)
    if isinstance(ODD[kind], pl.Series):
        X = pl.DataFrame(table(0.0)).with_columns(c=ODD[kind][places.tolist()])
    elif isinstance(ODD[kind], pd.Series):
        X = table(ODD[kind].iloc[places].reset_index(drop=True))
    else:
        X = table(as_column(ODD[kind][i] for i in places))
    oracle = Counting(Y)
    fitted = propagator(embedding="auto", oracle=oracle, propagation=rule)
    try:
        with quiet():
            fitted.fit(X, sample_ids=IDS)
    except (TypeError, ValueError) as error:
        assert "X" in str(error)
        assert oracle.n_asked == 0
        return
    order = np.random.default_rng(1).permutation(N)
    shuffled = X[order.tolist()] if isinstance(X, pl.DataFrame) else X.iloc[order]
    assert_array_equal(fitted.predict(shuffled), fitted.predict(X)[order])


FITTED = table(as_column(Y % 2 == 1)).assign(
    day=pd.to_datetime("2020-01-01") + pd.to_timedelta(30 * Y + IDS % 7, unit="D"),
    count=7 * Y + IDS % 3,
)


@functools.cache
def fitted_on_table():
    return propagator(embedding="auto").fit(FITTED, Y)


AS_BEFORE = {
    "c": [int, float, str, "boolean", "category", "bool[pyarrow]"],
    "count": [float, str, object, "Int64", "category", "int64[pyarrow]", "float32"],
    "day": ["datetime64[s]", "datetime64[ns]", object, "period[D]", "date32[pyarrow]"],
    "a": ["Float64", "float64[pyarrow]", "Sparse[float]", str],
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name, dtypes in AS_BEFORE.items() for dtype in dtypes],
)
def test_another_dtype_than_in_fit_changes_nothing(name, dtype):
    fitted = fitted_on_table()
    column = FITTED[name].astype(bool if name == "c" else FITTED[name].dtype)
    other = FITTED.assign(**{name: column.astype(dtype)})
    np.testing.assert_allclose(fitted.embed(other), fitted.embed(FITTED), atol=1e-6)
    one_by_one = [fitted.predict(other[i : i + 1])[0] for i in range(0, N, 17)]
    assert_array_equal(one_by_one, fitted.predict(FITTED)[::17])


@pytest.mark.parametrize(
    ("name", "column"),
    [("day", 5), ("day", 1.5), ("count", pd.Timestamp("2020-01-01")), ("a", 1j),
     ("count", as_column([[1]] * N)), ("c", as_column([[1]] * N)),
     ("c", as_column([np.ones(1)] * N)), ("c", as_column([True, {1: 1}] * (N // 2)))],
)  # fmt: skip
def test_another_kind_of_values_than_in_fit_is_refused(name, column):
    fitted = fitted_on_table()
    with pytest.raises((TypeError, ValueError)):
        fitted.predict(FITTED.assign(**{name: column}))


@pytest.mark.parametrize("values", [1j, "a"])
def test_images_must_be_real_numbers(values):
    images = np.full((N, 9, 9), values)
    refused(images, "Complex|could not convert", embedding="auto")
    refused(images.astype(object), "", error=(TypeError, ValueError), embedding="auto")


def test_a_set_has_no_order():
    refused(set(map(str, IDS)), "X must hold samples", TypeError, embedding="auto")


def tables_of_numbers():
    """Yield numbers for which each kind of embedding is chosen."""
    rng = np.random.default_rng(0)
    wide = 5 * rng.normal(size=(4, 150))[Y] + rng.normal(size=(N, 150))
    scales = np.logspace(0, 4, 60)
    some = rng.random((N, 60)) < 0.3
    yield "several scales", GROUPS * [1, 1000, 1 / 1024]
    yield "wide", wide
    yield "wide and positive", np.abs(wide)
    yield "of one length", wide / np.linalg.norm(wide, axis=1, keepdims=True)
    yield "gaps", np.where(rng.random(GROUPS.shape) < 0.1, np.nan, GROUPS)
    yield "long tails", np.exp(GROUPS / 8)
    yield "flags", np.column_stack([Y // 2, GROUPS])
    yield "sparse", sp.csr_array(np.where(some, wide[:, :60] * scales, 0))
    yield "sparse and positive", sp.csr_array(np.abs(np.where(some, wide[:, :60], 0)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", [kind for kind, _ in tables_of_numbers()])
def test_the_unit_of_a_table_changes_nothing(kind, dtype):
    X = dict(tables_of_numbers())[kind].astype(dtype)
    low, high = limits[dtype]
    expected = labels_of(X, "graph", embedding="auto")
    for exponent in (
        np.linspace(low + 60, high - 40, 12 if FULL else 5).astype(int).tolist()
    ):
        values = X.data if sp.issparse(X) else X
        scaled = np.ldexp(values, exponent)
        if np.isinf(scaled).any():
            continue
        A = sp.csr_array((scaled, X.indices, X.indptr)) if sp.issparse(X) else scaled
        oracle = Counting(Y)
        fitted = propagator(embedding="auto", oracle=oracle)
        try:
            with quiet(), warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # of what is refused
                fitted.fit(A, sample_ids=IDS)
        except ValueError as error:
            assert "X" in str(error)
            assert oracle.n_asked == 0
            assert abs(exponent) > 20
            continue
        assert np.mean(fitted.transduction_ == expected.transduction_) > 0.97
        assert np.mean(fitted.predict(A) == fitted.transduction_) > 0.97


@pytest.mark.parametrize(
    "texts", [list(range(N)), [1.5] * N, [True] * N, [date(2020, 1, 1)] * N,
              ["a", 1] * (N // 2), "a" * N, np.arange(N), pd.Series(range(N))],
)  # fmt: skip
def test_what_is_no_text_is_refused_where_texts_were_fitted(texts):
    words = [f"the {['low', 'mid', 'high', 'top'][g]} word" for g in Y]
    fitted = propagator(embedding="auto", n_clusters=4)
    with quiet():
        fitted.fit(words, Y)
    assert_array_equal(fitted.predict([*words[:5], None, b"low"])[:5], Y[:5])
    for use in (fitted.predict, fitted.embedding_.fit):
        with pytest.raises((TypeError, ValueError)):
            use(texts)
