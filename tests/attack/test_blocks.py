"""Samples that come in blocks: as in memory, or refused in so many words."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import tracemalloc
from threading import Lock

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from attack.tools import RULES, RefusesToAnswer, make_groups, needs_dask, quiet
from numpy.testing import assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer

from kmeans_labelprop import _block_engine, _blocks, dask, streaming
from kmeans_labelprop.streaming import _driver
from kmeans_labelprop.streaming._sources import open_source

X, Y = make_groups(size=60)
LOCK = Lock()
BLOCKS = np.array_split(X, 7)
IN_BLOCKS, ON_DASK = streaming.KMeansLabelPropagator, dask.KMeansLabelPropagator
DRIVERS = [IN_BLOCKS, pytest.param(ON_DASK, marks=needs_dask)]


def oracle(rows):
    """Tell the group of each row by its place."""
    places = np.asarray(rows, dtype=float)[:, :2]
    middles = np.array([[X[g == Y, i].mean() for i in (0, 1)] for g in range(4)])
    return [int(np.abs(middles - place).sum(axis=1).argmin()) for place in places]


def propagator(driver=IN_BLOCKS, **params):
    defaults = {"oracle": oracle, "embedding": None, "random_state": 0}
    return driver(8, **defaults | params)


class Reads:
    """Yields other blocks from the n-th time on that it is read."""

    def __init__(self, n, later):
        self.n, self.later, self.n_read = n, later, 0

    def __call__(self):
        self.n_read += 1
        return iter(self.later if self.n_read >= self.n else BLOCKS)


FRAME = pd.DataFrame(X, columns=list("abc"))
SAME = {
    "blocks of no rows": [X[:0], *BLOCKS, X[:0]],
    "float32 in one": [X[:90].astype("float32"), X[90:]],
    "objects in one": [X[:90].astype(object), X[90:]],
    "strings in one": [X[:90].astype(str), X[90:]],
    "polars": [pl.DataFrame(FRAME[:90]), pl.DataFrame(FRAME[90:])],
    "pandas": [FRAME[:90], FRAME[90:]],
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", sorted(SAME))
def test_blocks_of_any_kind_are_as_one_array(kind, rule):
    expected, found = (
        propagator(propagation=rule).fit(blocks) for blocks in (X, SAME[kind])
    )
    assert_array_equal(expected.transduction_, Y)
    assert_array_equal(found.transduction_, expected.transduction_)
    assert_array_equal(found.kept_, expected.kept_)


@needs_dask
def test_sparse_chunks_are_refused_as_sparse_blocks_are():
    import dask.array as da

    never = RefusesToAnswer()
    chunks = da.from_array(X, chunks=(60, -1)).map_blocks(sp.csr_array)
    for driver, A in ((ON_DASK, chunks), (IN_BLOCKS, [sp.csr_array(X)])):
        with pytest.raises(TypeError, match=r"must be .*dense"):
            propagator(driver, oracle=never).fit(A)
    assert not never.n_asked


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("dtype", ["object", "int8", ">f4", "longdouble", "float16"])
def test_an_array_of_any_dtype_is_as_its_plain_copy(driver, dtype):
    values = np.floor(X).astype(dtype)
    expected, found = (
        propagator(driver).fit(A) for A in (values.astype("float64"), values)
    )
    assert_array_equal(found.transduction_, expected.transduction_)


OTHERS = {
    "names in another order": [FRAME[:90], FRAME[90:][list("cba")]],
    "other names": [FRAME[:90], FRAME[90:].set_axis(list("xyz"), axis=1)],
    "a frame and an array": [FRAME[:90], X[90:]],
    "an array and a frame": [X[:90], FRAME[90:]],
    "masked values": [np.ma.masked_greater(X, 30)],
    "nothing": lambda: None,
}


@pytest.mark.parametrize("embedding", [None, "auto"])
@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_blocks_that_do_not_belong_together_are_refused(kind, embedding):
    never = RefusesToAnswer()
    with pytest.raises((ValueError, TypeError), match="X"):
        propagator(oracle=never, embedding=embedding).fit(OTHERS[kind])
    assert not never.n_asked


NO_BLOCKS = [
    None, 5, {"a": X}, {1, 2}, pl.LazyFrame(FRAME), X[:, 0].view([("a", float)]),
    [(X, Y), (X, Y)], lambda: iter([(X, Y)]), [X[:, :, None]],
]  # fmt: skip
NO_LABELS = [{0: 1}, {1}, 3, pd.DataFrame({"a": Y, "b": Y}), np.stack([Y, Y], axis=1)]


@pytest.mark.parametrize("A", NO_BLOCKS)
def test_what_holds_no_blocks_is_refused_by_its_type(A):
    never = RefusesToAnswer()
    with pytest.raises(TypeError, match=r"X must hold blocks of samples: .* Got "):
        propagator(oracle=never).fit(A)
    assert not never.n_asked


@pytest.mark.parametrize("y", NO_LABELS)
@pytest.mark.parametrize("driver", DRIVERS)
def test_what_holds_no_labels_is_refused_by_its_type(driver, y):
    never = RefusesToAnswer()
    with pytest.raises((TypeError, ValueError), match=r"y must be .* Got "):
        propagator(driver, oracle=never).fit(X, y)
    assert not never.n_asked


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_oracle_that_is_none_is_named_as_illegal(driver):
    for odd in (3, "Y"):
        with pytest.raises(ValueError, match=r"The 'oracle' parameter of .* Got "):
            propagator(driver, oracle=odd).fit(X)


@pytest.mark.parametrize("n_more", [1, 7, 60, 240])
def test_labels_of_more_samples_are_refused(n_more, monkeypatch):
    """Also where blocks end with the samples."""
    monkeypatch.setattr(_driver, "batch_length", lambda n_features: 60)
    y = np.append(Y, Y[:n_more])
    for labels in (y, [y[:7], y[7:]], lambda: iter([y])):
        told = f"Got 240 in X and {240 + n_more} in y"
        with pytest.raises(ValueError, match=told):
            propagator(oracle="y").fit(X, labels)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("later", [BLOCKS[:3], BLOCKS * 2, []])
def test_samples_that_change_between_passes_are_refused(rule, later):
    whole = Reads(99, BLOCKS)
    propagator(propagation=rule).fit(whole)
    for n in range(3, whole.n_read + 1):
        with pytest.raises(ValueError, match=r"X must|X and y must|All blocks"):
            propagator(propagation=rule).fit(Reads(n, later))


@pytest.mark.parametrize("flags", ["MAP_PRIVATE", "MAP_SHARED"])
def test_an_array_in_a_map_of_memory_keeps_its_numbers(flags):
    """No file has the pages: to let go of them would lose them."""
    if not hasattr(mmap, "MAP_ANONYMOUS"):
        pytest.skip("such maps are of POSIX")
    memory = mmap.mmap(-1, X.nbytes, getattr(mmap, flags) | mmap.MAP_ANONYMOUS)
    for A in (np.ndarray(X.shape, X.dtype, memory), np.frombuffer(memory)):
        A = A.reshape(X.shape)
        A[:] = X
        assert_array_equal(propagator().fit(A).transduction_, Y)
        assert_array_equal(A, X)


@pytest.mark.parametrize("kind", ["list_", "large_list", "fixed"])
@pytest.mark.parametrize(
    "rows",
    [[[1, 2, 3, 4, 5, 6], None], [[1, 2], [3], [4, 5, 6]], [None, [1, 2, 3]],
     [None, None]],
)  # fmt: skip
def test_lists_of_a_column_that_are_no_vectors_are_refused(kind, rows, tmp_path):
    """Not shifted into the rows beside them."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    if kind == "fixed":
        rows = [row and (row * 3)[:3] for row in rows]
        if None not in rows:
            return
        dtype = pa.list_(pa.float64(), 3)
    else:
        dtype = getattr(pa, kind)(pa.float64())
    write_table(pa.table({"v": pa.array(rows * 30, dtype)}), tmp_path / "X.parquet")
    never = RefusesToAnswer()
    with pytest.raises(ValueError, match=r"lists of one length.*column 'v'"):
        propagator(oracle=never).fit(tmp_path / "X.parquet")
    assert not never.n_asked


HUGE = 2**60


class Tensor:
    """An array whose dtype is not one of NumPy."""

    dtype = "tensor.float64"

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return Tensor(self.values[rows])

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype=dtype)


HALF = pd.Series(np.where(np.arange(len(Y)) % 2, Y, -1))
KINDS_OF_LABELS = {
    "polars": lambda y: pl.Series(y.tolist()),
    "a column of polars": lambda y: pl.DataFrame({"y": y.tolist()}),
    "nulls of polars": lambda y: pl.Series([v if v >= 0 else None for v in y.tolist()]),
    "nulls of pandas": lambda y: pd.array(y.where(y >= 0), dtype="Int64"),
    "a series with nulls": lambda y: pd.Series(y.where(y >= 0), dtype="Int64"),
    "a list": lambda y: y.tolist(),
    "a tensor": lambda y: Tensor(y.to_numpy()),
}


@pytest.mark.filterwarnings("ignore:y holds nulls")
@pytest.mark.parametrize("other", ["the same", "an array"])
@pytest.mark.parametrize("kind", sorted(KINDS_OF_LABELS))
def test_labels_of_any_container_are_as_an_array(kind, other):
    make = KINDS_OF_LABELS[kind]
    expected = propagator(oracle=None).fit(X, HALF.to_numpy()).transduction_
    rest = make(HALF[90:]) if other == "the same" else HALF[90:].to_numpy()
    first = HALF[:90].to_numpy()
    for y in (make(HALF), [make(HALF[:90]), rest], [first, make(HALF[90:])]):
        found = propagator(oracle=None).fit(X, y).transduction_
        assert_array_equal(found, expected)


@needs_dask
@pytest.mark.parametrize("kind", sorted(KINDS_OF_LABELS))
def test_labels_of_any_container_are_as_an_array_on_dask(kind):
    expected, found = (
        propagator(ON_DASK, oracle=None).fit(X, y).transduction_
        for y in (HALF.to_numpy(), KINDS_OF_LABELS[kind](HALF))
    )
    assert_array_equal(found, expected)


def test_samples_in_tensors_are_as_an_array():
    for A in (Tensor(X), [Tensor(b) for b in BLOCKS], lambda: map(Tensor, BLOCKS)):
        assert_array_equal(propagator().fit(A).transduction_, Y)


def test_no_blocks_of_labels_are_told_from_no_samples():
    for y in ([], [[], []]):
        with pytest.raises(ValueError, match="y must hold at least one"):
            propagator(oracle="y").fit(X, y)


@needs_dask
def test_a_list_of_lazy_frames_is_refused():
    import dask.dataframe as dd

    with pytest.raises(TypeError, match=r"Got DataFrame of Dask .* propagator for it"):
        propagator(oracle="y").fit([dd.from_pandas(FRAME, npartitions=2)], Y)


LABELS = {
    "strings beside numbers": ([Y[:90].astype(str), Y[90:]], None),
    "objects beside numbers": ([Y[:90].astype(object), Y[90:]], Y),
    "huge ones beside objects": ([Y[:90] + HUGE, (Y[90:] + HUGE).astype(object)],
                                 Y + HUGE),
    "masked ones": ([np.ma.masked_equal(Y, 3)], None),
    "with zero bytes": ([np.array(["a", "a\0", "b", "c"], object)[Y]], None),
    "very long": ([np.array(["a" * 5000, "b", "c", "d"], object)[Y]], None),
}  # fmt: skip


@pytest.mark.parametrize("is_partial", [False, True])
@pytest.mark.parametrize("kind", sorted(LABELS))
def test_labels_in_blocks_stay_apart_or_are_refused(kind, is_partial):
    y, expected = LABELS[kind]
    blocks, fitted = [X], propagator(oracle="y")
    if is_partial:  # known, not asked for
        y, blocks, fitted = (
            [*y, np.array([-1, -1])],
            [X, X[:2]],
            propagator(oracle=None),
        )
        expected = None if expected is None else np.append(expected, expected[:2])
    if expected is None:
        with pytest.raises((ValueError, TypeError), match=r"[Ll]abels|y holds"):
            fitted.fit(blocks, y)
    else:
        assert_array_equal(fitted.fit(blocks, y).transduction_, expected)


@pytest.mark.parametrize("driver", DRIVERS)
def test_answers_that_no_file_holds_are_refused_and_kept(driver, tmp_path):
    """Also those beside others, which are on the disk, too."""
    for odd in (b"a", 1j, "a\0", "a" * 5000, 2**63 + 1, np.longdouble(7)):
        word = isinstance(odd, str)
        names = ["a", odd, "c", "d"] if word else [0, odd, 2, 3]
        folder = {"folder": tmp_path / repr(odd)[:20]} if driver is IN_BLOCKS else {}
        fitted = propagator(
            driver, oracle=lambda rows, n=names: [n[g] for g in oracle(rows)], **folder
        )
        try:
            fitted.fit(X)
        except (ValueError, TypeError) as error:
            assert "abels" in str(error)
        else:
            found = np.asarray(fitted.transduction_).tolist()
            assert found == [type(found[0])(names[g]) for g in Y]
        assert list(fitted.answers_.values()).count(odd) == 2
        if folder:
            noted = json.loads((folder["folder"] / "answers.json").read_text())
            assert len(noted["answers"]) >= 6


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_index_in_another_order_is_refused(driver):
    y = pd.Series(Y, index=np.random.default_rng(0).permutation(len(Y)))
    with pytest.raises(ValueError, match="The index of y"):
        propagator(driver, oracle=None).fit(FRAME, y)


@needs_dask
def test_an_index_in_another_order_than_that_of_a_dask_frame_is_refused():
    import dask.dataframe as dd

    frame = FRAME.set_axis(np.arange(len(Y)) + 1000)
    lazy = dd.from_pandas(frame, npartitions=3)
    y = pd.Series(Y, frame.index)
    for labels in (y, y.to_frame(), y.reset_index(drop=True)):
        found = propagator(ON_DASK, oracle="y").fit(lazy, labels).transduction_
        assert_array_equal(found, Y)
    with pytest.raises(ValueError, match="The index of y must be that of X"):
        propagator(ON_DASK, oracle="y").fit(lazy, y.sample(frac=1, random_state=0))


def test_an_index_in_another_order_than_that_of_its_block_is_refused():
    y = pd.Series(Y, index=np.random.default_rng(0).permutation(len(Y)))
    with pytest.raises(ValueError, match="The index of y"):
        propagator(oracle=None).fit([FRAME[:90], FRAME[90:]], [y[:90], y[90:]])


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("call", ["fit", "query", "propagate"])
def test_an_oracle_that_calls_its_own_propagator_of_blocks_is_refused(driver, call):
    def calls(rows):
        getattr(fitted, call)({} if call == "propagate" else X[::-1])
        return oracle(rows)

    fitted = propagator(driver, oracle=calls)
    with pytest.raises(RuntimeError, match="is asking"):
        fitted.fit(X)


# A folder: of the same samples only, and whatever became of its files.


def folder_of(tmp_path, **params):
    return propagator(folder=tmp_path / "run", **params)


def test_a_folder_knows_samples_that_have_changed(tmp_path):
    folder_of(tmp_path).fit(X)
    changed = X.copy()
    changed[150] = X[Y[150] != Y][0]
    found = folder_of(tmp_path).fit(changed)
    expected = propagator().fit(changed)
    assert_array_equal(found.cluster_centers_, expected.cluster_centers_)
    assert_array_equal(found.transduction_, expected.transduction_)
    other = X.copy()
    other[100:] = X[100:][::-1]
    with pytest.raises(ValueError, match="other samples"):
        folder_of(tmp_path).fit(other)


def test_a_folder_knows_a_file_that_has_changed(tmp_path):
    np.save(tmp_path / "X.npy", X)
    folder_of(tmp_path).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))
    changed = X.copy()
    changed[150] = X[Y[150] != Y][0]
    np.save(tmp_path / "X.npy", changed)
    found = folder_of(tmp_path).fit(np.load(tmp_path / "X.npy", mmap_mode="r"))
    assert_array_equal(found.transduction_, propagator().fit(changed).transduction_)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kept", [0, 0.5, 0.99])
def test_files_of_a_folder_that_are_cut_change_nothing(tmp_path, rule, kept):
    expected = folder_of(tmp_path, propagation=rule).fit(X)
    labels, keeps = (np.array(a) for a in (expected.transduction_, expected.kept_))
    never = RefusesToAnswer()
    for path in (tmp_path / "run" / "progress").iterdir():
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    found = folder_of(tmp_path, propagation=rule, oracle=never).fit(X)
    assert_array_equal(found.transduction_, labels)
    assert_array_equal(found.kept_, keeps)
    assert not never.n_asked


@pytest.mark.parametrize("rule", RULES)
def test_runs_that_were_stopped_do_not_go_on_in_rows_of_each_other(
    tmp_path, monkeypatch, rule
):
    monkeypatch.setattr(_driver, "batch_length", lambda n_features: 20)
    expected = propagator(propagation=rule, fraction=0.5).fit(X)
    write = _driver._write_rows
    for fraction, last in ((0.5, 160), (0, 60)):

        def stopped(path, start, rows, last=last):
            if start >= last and path.name.startswith("kept"):
                raise KeyboardInterrupt
            write(path, start, rows)

        monkeypatch.setattr(_driver, "_write_rows", stopped)
        with pytest.raises(KeyboardInterrupt):
            folder_of(tmp_path, propagation=rule, fraction=fraction).fit(X)
    monkeypatch.setattr(_driver, "_write_rows", write)
    found = folder_of(tmp_path, propagation=rule, fraction=0.5).fit(X)
    assert_array_equal(found.kept_, expected.kept_)
    assert_array_equal(found.transduction_, expected.transduction_)
    assert not list((tmp_path / "run").rglob("*.part"))


class Shifts(TransformerMixin, BaseEstimator):
    """Has nothing that tells what its function does."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return shift(np.asarray(X))


def shift(rows):
    return rows


def test_a_folder_knows_code_that_has_changed(tmp_path, monkeypatch):
    """Also where no number of the sample tells."""
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 100)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)
    params = {"embedding": Shifts(), "n_anchors": 50, "oracle": "y"}
    first = folder_of(tmp_path, **params).fit(X, Y)
    drawn = first._draw(first._blocks)[1]
    moved = np.flatnonzero(~np.isin(X[:, 0], drawn[:, 0]))[::2]
    others = X[np.argsort(Y, kind="stable")[::-1]]
    table = {tuple(X[i]): others[i] for i in moved.tolist()}
    monkeypatch.setattr(
        sys.modules[__name__],
        "shift",
        lambda rows: np.array([table.get(tuple(row), row) for row in rows]),
    )
    found = folder_of(tmp_path, **params).fit(X, Y)
    expected = propagator(**params).fit(X, Y)
    assert not np.array_equal(expected.transduction_, Y)
    assert_array_equal(found.transduction_, expected.transduction_)


@pytest.mark.parametrize("rule", RULES)
def test_a_function_without_a_name_embeds_blocks(rule, tmp_path):
    for params in ({}, {"folder": tmp_path}, {"folder": tmp_path}):
        embedding = FunctionTransformer(lambda rows: rows * 2)
        found = propagator(embedding=embedding, propagation=rule, **params).fit(X)
        assert_array_equal(found.transduction_, Y)


def test_what_cannot_be_hashed_embeds_blocks_too(tmp_path):
    for _ in range(2):
        embedding = FunctionTransformer(lambda rows, lock=LOCK: rows * 2)
        found = folder_of(tmp_path, embedding=embedding).fit(X)
        assert_array_equal(found.transduction_, Y)


AGAIN = """
import sys
import numpy as np
from sklearn.preprocessing import FunctionTransformer
from kmeans_labelprop.streaming import KMeansLabelPropagator
sys.path.insert(0, sys.argv[1])
from choices import double
X = np.random.default_rng(0).normal(size=(500, 3))
KMeansLabelPropagator(
    5, oracle="y", embedding=FunctionTransformer(double), folder=sys.argv[2],
    n_anchors=50, random_state=0,
).fit(X, (X[:, 0] > 0).astype(int))
"""


def test_another_process_finds_what_was_stored(tmp_path):
    """Sets of strings have another order there."""
    code = "def double(X):\n    return X * (1 + ('a' in {'a', 'b', 'c', 'd', 'e'}))\n"
    (tmp_path / "choices.py").write_text(code)
    folder, names = tmp_path / "run", []
    for seed in ("1", "2"):
        command = [sys.executable, "-c", AGAIN, str(tmp_path), str(folder)]
        env = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run(command, check=True, env=env)
        names.append(sorted(path.name for path in (folder / "progress").iterdir()))
    assert names[0] == names[1]


FILLS = """
import sys
import numpy as np
from kmeans_labelprop.streaming import KMeansLabelPropagator
X = np.random.default_rng(0).normal(size=(40_000, 2))
fitted = KMeansLabelPropagator(
    5, oracle=lambda rows: (rows[:, 0] > 0).tolist(), propagation="cluster",
    folder=sys.argv[1], random_state=0,
)
try:
    fitted.fit(X)
except OSError as error:
    print(error.strerror, len(fitted.answers_) if hasattr(fitted, "_ledger") else 0)
"""


@pytest.mark.full_attack
@pytest.mark.parametrize("size", ["1100k", "1700k", "2040k", "2100k"])
def test_a_full_disk_is_told_by_an_error(tmp_path, size):
    """Not by a signal that ends the process, as where files are mapped."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        command = [sys.executable, "-c", FILLS, str(disk / "run")]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        assert "No space left" in told.stdout
        answers = disk / "run" / "answers.json"
        if "5" in told.stdout:
            assert len(json.loads(answers.read_text())["answers"]) == 5
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"samples": 1}', '[["a", 1]]', "[[-1, 1]]", "[[999, 1]]",
     "[[0.5, 1]]", "[[0, [1]]]", '[[0, "a"], [1, 2]]', "[[0, NaN]]"],
)  # fmt: skip
def test_answers_that_cannot_be_read_are_named_and_left_alone(tmp_path, text):
    folder_of(tmp_path).fit(X)
    path = tmp_path / "run" / "answers.json"
    if text.startswith("[["):
        samples = json.loads(path.read_text())["samples"]
        text = f'{{"samples": "{samples}", "answers": {text}}}'
    path.write_text(text)
    never = RefusesToAnswer()
    with pytest.raises(ValueError, match=r"answers\.json"):
        folder_of(tmp_path, oracle=never).fit(X)
    assert path.read_text() == text
    assert not never.n_asked


def test_answers_are_written_down_also_if_that_is_interrupted(tmp_path, monkeypatch):
    for owner, name in ((json, "dumps"), (IN_BLOCKS, "_note")):
        whole, calls = getattr(owner, name), []

        def interrupted(*args, whole=whole, calls=calls, **kwargs):
            calls.append(1)
            if len(calls) == 1:
                raise KeyboardInterrupt
            return whole(*args, **kwargs)

        folder = tmp_path / name
        monkeypatch.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            folder_of(folder).fit(X)
        monkeypatch.setattr(owner, name, whole)
        never = RefusesToAnswer()
        found = folder_of(folder, oracle=never).fit(X)
        assert_array_equal(found.transduction_, Y)
        assert not never.n_asked


def test_what_is_not_fitted_or_a_copy_says_so():
    import pickle

    unfitted = propagator(oracle=None)
    copy = pickle.loads(pickle.dumps(propagator(oracle="y").fit(X, Y)))
    with quiet():
        assert_array_equal(copy.predict(X), Y)
    for model in (unfitted, copy):
        for use in (lambda m: list(m.iter_kept()), lambda m: m.propagate({})):
            with pytest.raises(NotFittedError):
                use(model)


@pytest.mark.parametrize("embedding", [None, "auto"])
@pytest.mark.parametrize("driver", DRIVERS)
def test_other_columns_than_in_fit_are_refused_in_predict(driver, embedding):
    fitted = propagator(driver, oracle="y", embedding=embedding).fit(FRAME, Y)
    other = [FRAME[list("cba")], FRAME.set_axis(list("xyz"), axis=1), FRAME[["a"]]]
    assert_array_equal(np.asarray(fitted.predict(FRAME)), Y)
    for X_new in [*other, X[:, :2], X[:0]]:
        for use in (fitted.predict, fitted.predict_proba):
            with quiet(), pytest.raises(ValueError, match=r"feature|sample"):
                use(X_new)
    if driver is ON_DASK:
        import dask.dataframe as dd

        for X_new in other:
            with pytest.raises(ValueError, match="feature"):
                fitted.predict(dd.from_pandas(X_new, npartitions=3))
        rows = FRAME.sort_values("a")
        lazy = dd.from_pandas(rows, npartitions=5, sort=False)
        few = rows.a < rows.a.iloc[20]  # some partitions are empty
        found = fitted.predict(lazy[lazy.a < rows.a.iloc[20]]).compute()
        assert_array_equal(found, Y[rows.index[few]])


@needs_dask
@pytest.mark.parametrize(
    "A", [X[:, 0], X.tolist()[0], sp.csr_array(X), ["a", "b"], X[:, :, None]]
)
def test_what_is_no_table_is_refused_on_dask(A):
    with pytest.raises((ValueError, TypeError), match="X"):
        propagator(ON_DASK, oracle="y").fit(A, Y)


# What holds blocks, in other ways


class Again:
    """Yields its blocks each time it is gone through."""

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter(self.blocks)


def test_anything_that_yields_blocks_again_is_read(tmp_path):
    y = Again(np.split(Y, [20]))
    found = folder_of(tmp_path, oracle="y").fit(Again(BLOCKS), y)
    assert_array_equal(found.transduction_, Y)
    columns = [Y[:9, np.newaxis], Y[9:, np.newaxis]]
    assert_array_equal(propagator(oracle="y").fit(X, columns).transduction_, Y)


def test_a_data_set_of_hdf5_may_have_a_folder(tmp_path):
    h5py = pytest.importorskip("h5py")
    for A in (X, X, X[::-1]):
        with h5py.File(tmp_path / "X.h5", "w") as file:
            file["X"] = A
        with h5py.File(tmp_path / "X.h5") as file:
            found = propagator(folder=tmp_path / str(A[0, 0])).fit(file["X"])
        assert_array_equal(found.transduction_, oracle(A))


def test_what_a_callable_returns_is_no_array():
    for A in (X, FRAME):
        with pytest.raises(TypeError, match="must return an iterator over blocks"):
            propagator().fit(lambda A=A: A)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(OSError, match="The 'folder' parameter must be a folder"):
        folder_of(tmp_path).fit(X)


@pytest.mark.parametrize("kind", ["list", "callable", "both", "other cuts"])
def test_an_index_in_another_order_than_that_of_blocks_is_refused(kind):
    frame = FRAME.set_axis(np.arange(len(Y)) + 1000)
    y = pd.Series(Y, frame.index)
    blocks, cuts = [frame[:90], frame[90:]], [slice(0, 50), slice(50, None)]

    def given(y):
        parts = [y[cut] for cut in cuts]
        labels = {"both": lambda: iter(parts), "other cuts": parts}.get(kind, y)
        return (lambda: iter(blocks)) if kind in (
            "callable",
            "both",
        ) else blocks, labels

    fitted = propagator(oracle="y").fit(*given(y))
    assert_array_equal(fitted.transduction_, Y)
    fitted = propagator(oracle="y").fit(*given(y.reset_index(drop=True)))
    assert_array_equal(fitted.transduction_, Y)
    with pytest.raises(ValueError, match="The index of y must be that of X"):
        propagator(oracle="y").fit(*given(y.sample(frac=1, random_state=0)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_number_too_large_is_refused_wherever_it_stands(driver, rule, monkeypatch):
    """Also outside of the sample that tells what is legal."""
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 100)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)
    for position in range(0, len(X), 40):
        for number in (1e200, -1e120, 1e20):
            A = X.copy()
            A[position, 1] = number
            with quiet(), pytest.raises(ValueError, match=r"X holds (a )?number"):
                propagator(driver, propagation=rule, oracle="y").fit(A, Y)
    fitted = propagator(driver, propagation=rule, oracle="y").fit(X, Y)
    assert len(fitted.predict([[0, 1e9, 0]])) == 1


def test_as_many_samples_are_drawn_as_there_are_clusters(monkeypatch):
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 9)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)
    fitted = IN_BLOCKS(50, oracle="y", embedding=None, random_state=0).fit(X, Y)
    assert len(fitted.cluster_centers_) == 50


def test_no_more_of_a_piece_than_a_block_is_copied():
    rows = np.zeros((200_000, 4))
    source = open_source([rows, rows], "X")
    tracemalloc.start()
    try:
        lengths = [len(block) for block in source.read(3000)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(lengths[:-1]) == {3000}
    assert sum(lengths) == 400_000
    assert peak < rows.nbytes / 4


@pytest.mark.parametrize("n_classes", [2, 2000])
def test_shares_of_few_samples_at_once_are_in_memory(monkeypatch, n_classes):
    sizes, shares = [], _blocks.anchor_shares

    def counted(E, spread):
        sizes.append(len(E) * max(20, n_classes))
        return shares(E, spread)

    monkeypatch.setattr(_blocks, "anchor_shares", counted)
    A = np.random.default_rng(0).normal(size=(60_000, 1))
    y = np.arange(len(A)) % n_classes
    y[2500:] = -1
    fitted = IN_BLOCKS(4, embedding=None, n_anchors=99, random_state=0).fit(A, y)
    fitted.predict(A[:5000])
    assert max(sizes) < 2**22


# Parquet


@pytest.fixture
def written(tmp_path):
    """Write tables to Parquet files."""
    pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    def write(table, name="X.parquet"):
        write_table(table, tmp_path / name, row_group_size=50)
        return tmp_path / name

    return write


def test_columns_of_files_have_names(written):
    import pyarrow as pa

    path = written(pa.Table.from_pandas(FRAME, preserve_index=False))
    fitted = propagator().fit(path)
    assert fitted.feature_names_in_.tolist() == list("abc")
    assert_array_equal(fitted.predict(FRAME), Y)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(FRAME[list("cba")])


@pytest.mark.parametrize("name", [None, "place"])
@pytest.mark.parametrize("dates", [{}, {"day": pd.to_datetime(Y * 100, unit="D")}])
def test_the_index_that_pandas_has_written_is_no_feature(written, name, dates):
    import pyarrow as pa

    table = FRAME.assign(**dates, y=Y).sample(frac=1, random_state=0)
    table = table.set_index((table.index + 1000).rename(name))
    path = written(pa.Table.from_pandas(table))
    params = {"embedding": "auto", "oracle": "y"}
    fitted = propagator(**params).fit(path, "y")
    assert fitted.feature_names_in_.tolist() == ["a", "b", "c", *dates]
    assert_array_equal(fitted.transduction_, table.y)
    assert_array_equal(fitted.predict(table[fitted.feature_names_in_]), table.y)
    # Labels go by it.
    path = written(pa.Table.from_pandas(table.drop(columns="y")))
    assert_array_equal(propagator(**params).fit(path, table.y).transduction_, table.y)
    with pytest.raises(ValueError, match="The index of y must be that of X"):
        propagator(**params).fit(path, table.y.sort_index())
    fitted = propagator(embedding="auto", oracle=None)
    asked = table.y.iloc[fitted.query(path)]
    assert_array_equal(fitted.propagate(asked[::-1]).transduction_, table.y)


def test_the_index_beside_lists_and_as_labels(written):
    import pyarrow as pa

    table = pd.DataFrame({"v": X.tolist()}, index=pd.Index(Y, name="y"))
    path = written(pa.Table.from_pandas(table))
    for y in ("y", Y):
        fitted = propagator(oracle="y").fit(path, y)
        assert fitted.n_features_in_ == 3
        assert_array_equal(fitted.transduction_, Y)


def test_files_without_columns_of_samples_and_batches_are_refused(written):
    import pyarrow as pa

    path = written(pa.table({"y": Y}))
    with pytest.raises(ValueError, match=r"X must have one column .* Got \['y'\]"):
        propagator(oracle="y").fit(path, "y")
    twice = pa.Table.from_arrays([X[:, 0], X[:, 1]], names=["a", "a"])
    with pytest.raises(ValueError, match=r"another name for each. Got \['a', 'a'\]"):
        propagator(oracle="y").fit(twice, Y)
    batches = pa.Table.from_pandas(FRAME).to_batches(max_chunksize=50)
    for A in (batches, lambda: iter(batches)):
        with pytest.raises(TypeError, match=r"Got RecordBatch .* X\.to_pandas\(\)"):
            propagator(oracle="y").fit(A, Y)


def test_files_and_tables_of_any_number(written, tmp_path):
    import pyarrow as pa
    from pyarrow.parquet import write_to_dataset

    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    paths = [written(table[:90], "b.parquet"), str(written(table[90:], "a.parquet"))]
    for A in (table, table.combine_chunks().to_batches()[0], paths, tuple(paths)):
        found = folder_of(tmp_path).fit(A)
        assert_array_equal(found.transduction_, Y)
    write_to_dataset(
        table.append_column("y", [Y]), tmp_path / "parts", partition_cols=["y"]
    )
    found = propagator(oracle="y").fit(tmp_path / "parts", "y")
    assert found.n_features_in_ == 3
    assert_array_equal(found.transduction_, np.sort(Y))


def test_dates_in_files_are_as_those_in_a_frame(written):
    import pyarrow as pa

    dates = FRAME.assign(day=pd.to_datetime(Y * 100, unit="D"))
    params = {"oracle": "y", "embedding": "auto"}
    path = written(pa.Table.from_pandas(dates, preserve_index=False))
    expected, found = (propagator(**params).fit(A, Y) for A in (dates, path))
    assert_array_equal(found.transduction_, expected.transduction_)


@pytest.mark.parametrize(
    "value",
    [{"a": 1}, [[1.0], [2.0]], [pd.Timestamp(0)]],
    ids=["struct", "nested", "days"],
)
def test_columns_that_hold_no_values_are_refused(written, value):
    import pyarrow as pa

    never = RefusesToAnswer()
    path = written(pa.table({"a": X[:, 0], "v": [value] * len(X)}))
    with pytest.raises(TypeError, match=r"X must have columns of .* in column 'v'"):
        propagator(oracle=never).fit(path)


def test_a_file_of_another_kind_is_named(written, tmp_path):
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(ValueError, match="X must be the path of a Parquet file"):
        propagator().fit(tmp_path / "X.npy")


# Dask


@needs_dask
def test_chunks_without_samples_stay():
    import dask.array as da
    import dask.dataframe as dd

    order = np.argsort(Y, kind="stable")
    A, y = X[order], Y[order]
    table = dd.from_pandas(pd.DataFrame(A, columns=list("abc")).assign(y=y), 20)
    table = table[table.y != 2]
    fitted = propagator(ON_DASK, oracle="y").fit(table[list("abc")], table["y"])
    found = fitted.transduction_
    table["label"] = dd.from_dask_array(found, index=table.index)
    assert_array_equal(table["label"].compute(), y[y != 2])
    left = da.from_array(y, chunks=12) != 2
    lazy, labels = da.from_array(A, chunks=(12, 2))[left], da.from_array(y, 12)[left]
    for known in (False, True):
        if known:
            lazy.compute_chunk_sizes()
        fitted = propagator(ON_DASK, oracle="y", fraction=0.5)
        X_res, y_res = fitted.fit_resample(lazy, labels)
        kept = fitted.kept_.compute()
        assert_array_equal(X_res.compute(), A[y != 2][kept])
        assert_array_equal(y_res.compute(), y[y != 2][kept])


@needs_dask
def test_a_column_of_labels_on_dask():
    import dask.array as da
    import dask.dataframe as dd

    frame = pd.DataFrame({"y": Y})
    column = Y[:, np.newaxis]
    lazy = dd.from_pandas(frame, npartitions=3), da.from_array(column, chunks=(50, 1))
    for y in (frame, column, *lazy):
        assert_array_equal(propagator(ON_DASK, oracle="y").fit(X, y).transduction_, Y)


@needs_dask
def test_answers_may_be_lazy():
    import dask.array as da
    import dask.dataframe as dd

    lazy = dd.from_pandas(FRAME.set_axis(np.arange(len(Y)) + 1000), npartitions=3)

    def table(index, answers):
        return dd.from_pandas(pd.Series(answers, index), npartitions=2, sort=False)

    for answer in (
        lambda rows: table(rows.index, oracle(rows)),
        lambda rows: table(rows.index, oracle(rows)).to_frame(),
        lambda rows: da.from_array(oracle(rows), chunks=3),
    ):
        fitted = propagator(ON_DASK, oracle=answer).fit(lazy)
        assert_array_equal(fitted.transduction_, Y)
    fitted = propagator(ON_DASK, oracle=None)
    asked = fitted.query(lazy)
    for index in (asked, asked + 1000):
        fitted.propagate(table(index, Y[asked]))
        assert_array_equal(fitted.transduction_, Y)


@needs_dask
def test_labels_that_are_no_column_of_dask_are_refused():
    import dask
    import dask.bag
    import dask.dataframe as dd

    two = dd.from_pandas(pd.DataFrame({"a": Y, "b": Y}), npartitions=3)
    bag = dask.bag.from_sequence(Y.tolist())
    for y in (two, bag, dask.delayed(lambda: Y)(), sp.csr_array(Y[:, None]), "y"):
        with pytest.raises((TypeError, ValueError), match=r"y must be .* Got "):
            propagator(ON_DASK, oracle="y").fit(X, y)


@needs_dask
def test_probabilities_on_dask_are_lazy():
    import dask.array as da
    import dask.dataframe as dd

    fitted = propagator(ON_DASK, oracle="y").fit(FRAME, Y)
    expected = fitted.predict_proba(FRAME)
    for A in (da.from_array(X, chunks=(50, 2)), dd.from_pandas(FRAME, npartitions=3)):
        found = fitted.predict_proba(A)
        assert isinstance(found, da.Array)
        assert found.shape[1] == 4
        with quiet():
            assert_array_equal(found.compute(), expected)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict_proba(dd.from_pandas(FRAME[list("cba")], npartitions=3))


@needs_dask
def test_what_holds_no_table_is_refused_on_dask():
    import dask
    import dask.array as da
    import dask.bag

    odd = [[X[:9], X[9:]], dask.delayed(lambda: X)(), dask.bag.from_sequence([1])]
    for A in odd:
        with pytest.raises(TypeError, match="X must be a Dask array or DataFrame"):
            propagator(ON_DASK, oracle="y").fit(A, Y)
    fitted = propagator(ON_DASK, oracle="y").fit(X, Y)
    for use in (fitted.predict, fitted.predict_proba):
        with pytest.raises(ValueError, match="Expected 2D array"):
            use(da.from_array(X[:, 0]))
