"""Samples that come in blocks: as in memory, or refused in so many words."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from attack.tools import RULES, RefusesToAnswer, make_groups, needs_dask, quiet
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from kmeans_labelprop import dask, streaming

X, Y = make_groups(size=60)
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


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("later", [BLOCKS[:3], BLOCKS * 2, []])
def test_samples_that_change_between_passes_are_refused(rule, later):
    whole = Reads(99, BLOCKS)
    propagator(propagation=rule).fit(whole)
    for n in range(3, whole.n_read + 1):
        with pytest.raises(ValueError, match=r"X must|X and y must|All blocks"):
            propagator(propagation=rule).fit(Reads(n, later))


HUGE = 2**60
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
