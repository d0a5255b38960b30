"""Labels stay with their samples: in memory, in blocks, on many machines."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from enum import Enum

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, LeavePOut, StratifiedKFold
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
    streaming,
)
from kmeans_labelprop import dask as on_dask
from kmeans_labelprop.embedding import default_embedding
from kmeans_labelprop.inspection import FractionCurveDisplay, RepresentativesDisplay
from kmeans_labelprop.metrics import majority_labels, propagated_label_accuracy
from kmeans_labelprop.model_selection import audit_propagation, draw_audit

X, Y = make_blobs(300, centers=4, cluster_std=0.5, random_state=0)
TABLE = pd.DataFrame(X, columns=["a", "b"])
MIXED = TABLE.sample(frac=1, random_state=0)  # its index is positions of other rows
Y_MIXED = Y[MIXED.index]
TRUTH = {tuple(row): label for row, label in zip(X, Y, strict=True)}


def known_to(name):
    if name == "memory":
        return KMeansLabelPropagator
    if name == "blocks":
        return streaming.KMeansLabelPropagator
    pytest.importorskip("dask")
    return on_dask.KMeansLabelPropagator


@pytest.fixture(params=["memory", "blocks", "dask"])
def propagator_class(request):
    return known_to(request.param)


def answer(rows):
    return [TRUTH[tuple(row)] for row in np.asarray(rows)]


def assert_right(propagator, y):
    given = propagator.given_
    assert len(given)
    assert_array_equal(propagator.classes_[given.codes], y[given.positions])


# ------------------------------------------------------------ names of rows


def test_labels_named_by_the_rows_asked_about(propagator_class):
    propagator = propagator_class(20, random_state=0)
    asked = propagator.query(MIXED)
    propagator.propagate(pd.Series(Y_MIXED[asked], index=MIXED.index[asked]))
    assert_right(propagator, Y_MIXED)
    assert_array_equal(propagator.given_.positions, np.sort(asked))


def test_labels_by_position_of_rows_without_names(propagator_class):
    for rows in (X, TABLE):
        propagator = propagator_class(20, random_state=0)
        asked = propagator.query(rows)
        propagator.propagate(pd.Series(Y[asked], index=asked))
        assert_right(propagator, Y)


def test_names_of_some_rows_will_do_where_they_are_no_positions(propagator_class):
    named = MIXED.set_axis([f"row {i}" for i in MIXED.index])
    propagator = propagator_class(20, random_state=0)
    asked = propagator.query(named)
    propagator.propagate(pd.Series(Y_MIXED[asked], named.index[asked])[:7])
    propagator.propagate({named.index[asked[9]]: Y_MIXED[asked[9]]})
    assert_right(propagator, Y_MIXED)
    assert_array_equal(propagator.given_.positions, np.sort(asked[[*range(7), 9]]))


def test_what_may_be_names_or_positions_is_refused(propagator_class):
    propagator = propagator_class(20, random_state=0)
    asked = propagator.query(MIXED)
    some = pd.Series(Y_MIXED[asked], index=MIXED.index[asked])[:5]
    with pytest.raises(ValueError, match="ambiguous"):
        propagator.propagate(some)
    propagator.propagate(dict(zip(asked.tolist(), Y_MIXED[asked], strict=True)))
    assert_right(propagator, Y_MIXED)


@pytest.mark.parametrize("npartitions", [3, 4])
def test_labels_of_dask_go_by_their_index(npartitions):
    dd = pytest.importorskip("dask.dataframe")
    y = pd.Series(np.where(np.arange(300) % 3, -1, Y))

    def fit(labels, rows=MIXED):
        labels = dd.from_pandas(labels, npartitions=npartitions, sort=False)
        frame = dd.from_pandas(rows, npartitions=3, sort=False)
        make = on_dask.KMeansLabelPropagator
        for X in (frame, rows):
            yield make(10, random_state=0).fit(X, labels)

    for propagator in fit(y.loc[MIXED.index]):
        assert_right(propagator, Y_MIXED)
    with pytest.raises(ValueError, match="index of y must be that of X"):
        next(fit(y))
    # Without an index of its own it goes by the order, unless X has the same numbers.
    in_order = y.loc[MIXED.index].reset_index(drop=True)
    named = MIXED.set_axis([f"row {i}" for i in MIXED.index])
    for propagator in fit(in_order, named):
        assert_right(propagator, Y_MIXED)


def series_by_index(rows):
    return pd.Series(answer(rows), index=rows.index).sort_index()


def series_in_order(rows):
    return pd.Series(answer(rows), index=rows.index)


def plain_series(rows):
    return pd.Series(answer(rows))


@pytest.mark.parametrize("oracle", [series_in_order, plain_series])
def test_an_answer_in_order_is_taken_where_names_repeat(propagator_class, oracle):
    tiled = TABLE.set_axis(np.tile(np.arange(30), 10))
    assert_right(propagator_class(40, oracle=oracle, random_state=0).fit(tiled), Y)


def test_an_answer_in_another_order_is_refused_where_names_repeat(propagator_class):
    tiled = TABLE.set_axis(np.tile(np.arange(30), 10))
    with pytest.raises(ValueError, match="where some of these are the same") as caught:
        propagator_class(40, oracle=series_by_index, random_state=0).fit(tiled)
    assert len(caught.value.answers) == 40  # paid for, and not lost


def test_ids_that_repeat_go_by_their_order():
    ids = np.tile(np.arange(30), 10)

    def ask(asked):
        labels = pd.Series(0, index=asked)
        return labels.sort_index()

    propagator = KMeansLabelPropagator(40, oracle=ask, random_state=0)
    with pytest.raises(ValueError, match="where some of these are the same"):
        propagator.fit(X, sample_ids=ids)


# ------------------------------------------------------------ known labels


def hard_cases():
    """Labels at the edges of clusters, and one near each centre."""
    found = KMeansLabelPropagator(4, random_state=0)
    found.query(X)
    ids, distances = found.labels_, found.clusters_.distances
    known = []
    for k in range(4):
        members = np.flatnonzero(ids == k)[np.argsort(distances[ids == k])]
        known += [members[1], *members[-20:]]
    y = np.full(300, -1)
    y[known] = Y[known]
    return y, np.sort(known)


@pytest.mark.filterwarnings("ignore:The 84 known labels")
@pytest.mark.parametrize("errs", [False, True])
def test_retries_never_ask_for_a_known_label(errs):
    y, known = hard_cases()
    asked = []

    def oracle(ids):
        is_first = not asked
        asked.extend(ids)
        return (Y[ids] + 1) % 4 if errs and not is_first else [-1] * len(ids)

    propagator = KMeansLabelPropagator(
        4, oracle=oracle, max_retries=30, random_state=0
    ).fit(X, y, sample_ids=np.arange(300))
    assert len(asked) > 4
    assert not np.intersect1d(asked, known).size
    assert len(set(asked)) == len(asked)
    assert propagator.n_known_ == len(known)
    assert_array_equal(propagator.transduction_[known], Y[known])


@pytest.mark.parametrize("rule", ["graph", "cluster"])
def test_retries_ask_about_no_copy(rule):
    asked = []

    def oracle(rows):
        asked.extend(map(tuple, rows))
        return [None] * len(rows)

    propagator = KMeansLabelPropagator(
        4, oracle=oracle, max_retries=4, propagation=rule, random_state=0
    )
    with pytest.raises(ValueError, match="No sample has a label"):
        propagator.fit(np.repeat(X, 5, axis=0))
    assert len(asked) == 20
    assert len(set(asked)) == 20


# ------------------------------------------------------------ folders


def test_a_refused_withdrawal_changes_nothing(propagator_class, tmp_path):
    is_streamed = propagator_class is streaming.KMeansLabelPropagator
    own = {"folder": tmp_path} if is_streamed else {}
    propagator = propagator_class(4, random_state=0, **own)
    asked = propagator.query(X)
    propagator.propagate(Y[asked])
    before = dict(propagator.answers_)
    with pytest.raises(ValueError, match="No sample has a label"):
        propagator.propagate(dict.fromkeys(asked.tolist(), -1))
    assert propagator.answers_ == before
    if is_streamed:
        noted = json.loads((tmp_path / "answers.json").read_text())["answers"]
        assert dict(map(tuple, noted)) == before


def test_answers_of_a_folder_that_differ_from_y_are_told(tmp_path):
    propagator = streaming.KMeansLabelPropagator(4, folder=tmp_path, random_state=0)
    asked = propagator.query(X)
    slip = Y[asked].copy()
    slip[0] = (slip[0] + 1) % 4
    propagator.propagate(slip)
    y = np.full(300, -1)
    y[asked] = Y[asked]
    again = streaming.KMeansLabelPropagator(4, folder=tmp_path, random_state=0)
    with pytest.warns(
        UserWarning, match=f"1 label.s. of y differ.*position {asked[0]}"
    ):
        again.fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again.propagate({asked[0]: Y[asked[0]]})
        assert_right(again.fit(X, y), Y)


def test_nobody_is_asked_twice_about_what_was_left_open(tmp_path):
    asked = []

    def oracle(rows):
        asked.append(len(rows))
        return [None if label == 0 else label for label in answer(rows)]

    for _ in range(3):
        propagator = streaming.KMeansLabelPropagator(
            12, oracle=oracle, folder=tmp_path, random_state=0
        ).fit(X)
    assert asked == [12]
    assert 0 not in propagator.classes_
    withdrawn = int(propagator.given_.positions[0])
    propagator.propagate({withdrawn: -1})
    propagator.fit(X)
    assert asked == [12]
    assert withdrawn not in propagator.given_.positions


def test_what_was_left_open_is_no_answer_to_a_label_of_y(tmp_path):
    def fit(y):
        return streaming.KMeansLabelPropagator(
            12,
            oracle=lambda rows: [label or None for label in answer(rows)],
            folder=tmp_path,
            random_state=0,
        ).fit(X, y)

    answers = fit(None).answers_
    open_ = [position for position, label in answers.items() if label is None]
    y = np.full(300, -1)
    y[open_] = Y[open_]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            propagator = fit(y)
            assert_right(propagator, Y)
            assert propagator.n_known_ == len(open_) > 0
            assert len(propagator.given_) == len(answers)
    # But what was withdrawn from y stays withdrawn.
    propagator.propagate({open_[0]: -1})
    with pytest.warns(UserWarning, match="1 label.s. of y differ"):
        propagator = fit(y)
    assert open_[0] not in propagator.given_.positions
    assert propagator.n_known_ == len(open_) - 1


def test_another_run_in_the_folder_loses_no_answer(tmp_path):
    def fit(n_clusters):
        return streaming.KMeansLabelPropagator(
            n_clusters, oracle=answer, folder=tmp_path, random_state=0
        ).fit(X)

    first, second = fit(4), fit(20)
    n_answers = len(second.answers_)
    extra = int(np.setdiff1d(np.arange(300), list(second.answers_))[0])
    with pytest.raises(FileNotFoundError, match="another run has used the folder"):
        first.propagate({extra: Y[extra]})
    noted = json.loads((tmp_path / "answers.json").read_text())["answers"]
    assert len(noted) == n_answers + 1


# ------------------------------------------------------------ y of other shapes


@pytest.mark.parametrize(
    "y",
    [
        np.c_[Y % 2, Y],
        pd.DataFrame({"ward": Y % 2, "label": Y}),
        pl.DataFrame({"ward": Y % 2, "label": Y}),
        Y.reshape(1, -1),
        Y.reshape(150, 2),
    ],
    ids=["array", "pandas", "polars", "row", "half"],
)
@pytest.mark.parametrize("make", [PropagatedClassifier, PropagatedClassifierCV])
def test_more_than_a_column_is_no_y(make, y):
    classifier = make(LogisticRegression(), KMeansLabelPropagator(8, random_state=0))
    told = "multioutput targets are not supported|inconsistent numbers of samples"
    with pytest.raises(ValueError, match=told):
        classifier.fit(X, y)


def boxed(values):
    return [np.array(value) for value in values]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.Index(Y), [0, 1, 2, 3]),
        (pd.CategoricalIndex(np.array(list("abcd"))[Y]), list("abcd")),
        (boxed("abcd"[label] for label in Y), list("abcd")),
        (boxed(None if i % 3 else label for i, label in enumerate(Y)), [0, 1, 2, 3]),
    ],
    ids=["index", "categories", "strings", "marks"],
)
def test_labels_in_odd_boxes(y, classes):
    propagator = KMeansLabelPropagator(8, random_state=0).fit(X, y)
    assert propagator.classes_.tolist() == classes
    letters = KMeansLabelPropagator(
        8, oracle=lambda rows: boxed("abcd"[label] for label in answer(rows))
    ).fit(X)
    assert_right(letters, np.array(list("abcd"))[Y])


class Word(str, Enum):  # noqa: UP042
    """Strings whose ``str`` is another one, and longer."""

    RIGHT = "x"
    WRONG = "y"
    OTHER = "another"
    LAST = "last"
    NONE = "none yet"


WORDS = [Word(label) for label in np.array(["x", "y", "another", "last"])[Y]]


@pytest.mark.filterwarnings("ignore:.* clusters have no label")
@pytest.mark.parametrize("rule", ["graph", "cluster"])
def test_strings_of_other_types_are_their_text(propagator_class, rule):
    def make(**own):
        return propagator_class(40, propagation=rule, random_state=0, **own)

    def check(propagator):
        assert propagator.classes_.tolist() == ["another", "last", "x", "y"]
        assert_right(propagator, np.array([word.value for word in WORDS]))
        for labels in (propagator.transduction_, propagator.predict(X)):
            assert set(np.asarray(labels)) <= {word.value for word in Word}

    part = [Word.NONE if i % 3 else word for i, word in enumerate(WORDS)]
    texts = np.array([word.value for word in part])
    for y in (part, pd.Series(part), texts):
        propagator = make(missing_label=Word.NONE).fit(X, y)
        assert propagator.n_known_ == 100
        check(propagator)
    check(make(oracle=lambda rows: [WORDS[i] for i in positions_of(rows)]).fit(X))
    asked = (propagator := make()).query(X)
    check(propagator.propagate({i: WORDS[i] for i in asked.tolist()}))


def positions_of(rows):
    return [np.flatnonzero((row == X).all(axis=1))[0] for row in np.asarray(rows)]


def test_strings_of_other_types_are_scored_and_have_shares(rng):
    mixed = X + rng.normal(scale=2, size=X.shape)
    shares = dict(zip(Word, (0.4, 0.3, 0.2, 0.1), strict=False))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for prior in (shares, {word.value: shares[word] for word in shares}):
            propagator = KMeansLabelPropagator(40, class_prior=prior, random_state=0)
            classifier = PropagatedClassifier(GaussianNB(), propagator)
            found.append(classifier.fit(mixed, WORDS))
    assert found[0].score(mixed, WORDS) == found[1].score(mixed, WORDS) > 0.4
    distributions = [each.propagator_.label_distributions_ for each in found]
    assert_array_equal(*distributions)
    assert distributions[0].mean(axis=0).argmax() == 2


@pytest.mark.filterwarnings("ignore:Known labels that differ")
def test_long_strings_of_other_types_are_their_text():
    y = ["z" * 200, *WORDS[1:-1], None]
    classes = KMeansLabelPropagator(20, random_state=0).fit(X, y).classes_
    assert classes.tolist() == ["another", "last", "x", "y", "z" * 200]
    assert {type(label) for label in classes} == {str}


@pytest.mark.parametrize(
    ("dtype", "of_classes"),
    [
        ("Int64", "int64"),
        ("UInt8", "uint8"),
        ("boolean", "bool"),
        ("int64[pyarrow]", "int64"),
        ("bool[pyarrow]", "bool"),
    ],
)
def test_labels_of_nullable_dtypes_are_predicted_as_they_are(dtype, of_classes):
    y = Y == 0 if "bool" in dtype else Y
    known = pd.Series(np.where(np.arange(300) % 9, None, y), dtype=dtype)
    model = PropagatedClassifier(GaussianNB(), KMeansLabelPropagator(9, random_state=0))
    predicted = model.fit(X, known).predict(X)
    assert predicted.dtype == model.classes_.dtype == of_classes
    assert np.mean(predicted == y) > 0.9


@pytest.mark.parametrize(
    "column",
    [
        lambda labels: labels[:, None],
        lambda labels: np.matrix(labels).T,
        lambda labels: pl.DataFrame({"label": labels}),
        lambda labels: np.ma.masked_array(labels)[:, None],
    ],
    ids=["array", "matrix", "polars", "masked"],
)
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_column_of_labels_is_taken_everywhere(propagator_class, column):
    propagator = propagator_class(20, random_state=0)
    asked = propagator.query(X)
    assert_right(propagator.propagate(column(Y[asked])), Y)
    asking = propagator_class(
        20, oracle=lambda rows: column(np.array(answer(rows))), random_state=0
    )
    assert_right(asking.fit(X), Y)


def test_a_column_of_labels_is_taken_by_audits():
    propagator = KMeansLabelPropagator(20, random_state=0).fit(X, Y)
    drawn = draw_audit(propagator, 30, random_state=0)
    found = [
        audit_propagation(propagator, drawn, labels).accuracy
        for labels in (Y[drawn], Y[drawn][:, None])
    ]
    assert_array_equal(*found)


def test_nulls_of_whole_numbers_are_missing_everywhere(tmp_path):
    y = pd.Series(np.where(np.arange(300) % 3, None, Y)).astype("Int64")
    path = tmp_path / "rows.parquet"
    TABLE.assign(label=y).to_parquet(path)
    found = [
        KMeansLabelPropagator(8).fit(X, y),
        streaming.KMeansLabelPropagator(8).fit(X, y),
        streaming.KMeansLabelPropagator(8).fit(path, "label"),
    ]
    dd = pytest.importorskip("dask.dataframe")
    for labels in (
        y,
        pl.Series([None if i % 3 else v for i, v in enumerate(Y.tolist())]),
        dd.from_pandas(y, npartitions=2),
    ):
        found.append(on_dask.KMeansLabelPropagator(8).fit(X, labels))
    for propagator in found:
        assert propagator.n_known_ == 100
        assert_right(propagator, Y)


def test_blocks_of_lists():
    labels = [Y[:100].tolist(), Y[100:].tolist()]
    propagator = streaming.KMeansLabelPropagator(8, random_state=0)
    assert_right(propagator.fit([X[:100], X[100:]], labels), Y)
    assert_right(propagator.fit(X.tolist(), Y.tolist()), Y)


# ------------------------------------------------------------ before anybody is asked

WEIGHTS = np.ones(300)
GROUPS = np.arange(300) // 10


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"groups": [[i] for i in GROUPS]}, "groups must be strings, numbers"),
        ({"groups": np.c_[GROUPS, GROUPS]}, r"groups must be one value.*\(300, 2\)"),
        ({"groups": GROUPS[:9]}, "inconsistent numbers of samples"),
        ({"sample_weight": np.full(300, "x")}, "sample_weight must be numbers"),
        ({"sample_weight": "abc"}, "inconsistent numbers of samples"),
        ({"sample_weight": np.c_[WEIGHTS, WEIGHTS]}, r"sample_weight .*\(300, 2\)"),
        ({"sample_weight": WEIGHTS * np.nan}, "sample_weight contains NaN"),
        ({"sample_weight": WEIGHTS * 0}, "sample_weight must not be 0"),
        ({"sample_wieght": WEIGHTS}, "takes no parameter 'sample_wieght'"),
        ({"cv": KFold(50)}, "'cv' parameter"),
        ({"cv": StratifiedKFold(20)}, "'cv' parameter"),
        ({"cv": LeavePOut(400)}, "'cv' parameter"),
        ({"n_clusters": 1}, "needs two labels or more"),
        ({"n_clusters": 1, "y": np.full(300, -1)}, "needs two labels or more"),
        (
            {"n_clusters": 1, "y": Y, "reuse_labels": False},
            "needs two labels or more",
        ),
    ],
    ids=str,
)
def test_what_cannot_do_is_refused_before_anybody_is_asked(arguments, says):
    def oracle(rows):
        raise AssertionError("asked")

    arguments = dict(arguments)
    own = {
        name: arguments.pop(name)
        for name in ("n_clusters", "reuse_labels")
        if name in arguments
    }
    propagator = KMeansLabelPropagator(**({"n_clusters": 12} | own), oracle=oracle)
    classifier = PropagatedClassifierCV(
        LogisticRegression(), propagator, cv=arguments.pop("cv", 5)
    )
    with pytest.raises((ValueError, TypeError)) as caught:
        classifier.fit(X, arguments.pop("y", None), **arguments)
    told = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert re.search(says, told)


@pytest.mark.parametrize("make", [PropagatedClassifier, PropagatedClassifierCV])
def test_later_rounds_ask_about_no_weight_of_0(make):
    # Of five copies of each row one counts, and of half of the rows none.
    copies, labels = np.tile(X[:60], (5, 1)), np.tile(Y[:60], 5)
    weights = np.zeros(300)
    weights[240:270] = 1
    propagator = KMeansLabelPropagator(8, oracle=answer, random_state=0)
    classifier = make(GaussianNB(), propagator)
    fitted = classifier.fit(copies, sample_weight=weights).propagator_
    fitted = pickle.loads(pickle.dumps(fitted))
    n_left = 30 - len(fitted.given_)
    with pytest.warns(UserWarning, match=f"Only {n_left} .* are of weight 0"):
        more = fitted.query_more(100)
    assert len(more) == n_left
    assert weights[more].all()
    fitted.propagate(labels[more]).propagate({0: labels[0]})
    assert_right(fitted, labels)


@pytest.mark.parametrize(
    "groups",
    [GROUPS[:, None], pd.DataFrame({"g": GROUPS}), [(g, "a") for g in GROUPS]],
    ids=["column", "frame", "tuples"],
)
def test_groups_in_any_container(groups):
    classifier = PropagatedClassifierCV(
        LogisticRegression(), KMeansLabelPropagator(40, random_state=0), random_state=0
    )
    weights = pd.DataFrame({"w": WEIGHTS})
    fitted = classifier.fit(X, Y, groups=groups, sample_weight=weights)
    assert fitted.score(X, Y) > 0.9


# ------------------------------------------------------------ what transformers return


def gaps():
    table = TABLE.assign(b=1000 * TABLE["b"])
    table.loc[3, "b"] = np.nan
    return table


def columns_of_all_kinds():
    return gaps().assign(
        kind=np.where(Y > 1, "x", "y"), day=pd.date_range("2020-01-01", periods=300)
    )


@pytest.mark.parametrize("out", ["pandas", "polars"])
@pytest.mark.parametrize(
    "samples",
    [X * [1, 1000], gaps(), columns_of_all_kinds()],
    ids=["units", "gaps", "kinds"],
)
def test_the_output_of_transformers_does_not_matter(out, samples):
    def results():
        propagator = KMeansLabelPropagator(8, random_state=0).fit(samples, Y)
        classifier = PropagatedClassifierCV(
            GaussianNB(), KMeansLabelPropagator(8, random_state=0)
        )
        classifier.fit(samples, Y)
        return propagator.transduction_, propagator.predict(samples)

    expected = results()
    embedding = default_embedding(samples)
    space = embedding.fit_transform(samples)
    with sklearn.config_context(transform_output=out):
        for found, right in zip(results(), expected, strict=True):
            assert_array_equal(found, right)
        if out == "pandas" or not hasattr(samples, "iloc"):
            assert_allclose(default_embedding(samples).fit_transform(samples), space)
        streaming.KMeansLabelPropagator(8).fit(X * [1, 1000], Y)


# Names of classes longer than an array of strings has room for are objects.
LONG_NAMES = np.array(["ant", "bee", "cat", "the dog " * 20], dtype=object)[Y]


def test_long_names_are_strings_like_short_ones():
    p = KMeansLabelPropagator(20, random_state=0).fit(X, LONG_NAMES)
    positions = draw_audit(p, 100, random_state=0)
    is_short = LONG_NAMES[positions] != "the dog " * 20
    short = positions[is_short]
    assert 0 < len(short) < 100
    audit = audit_propagation(p, short, LONG_NAMES[short], fractions=[1])
    assert audit.n_right[0] == np.sum(p.transduction_[short] == LONG_NAMES[short])
    guesses = np.array(["ant", "bee", "cat", "dog"])[Y]
    found = propagated_label_accuracy(guesses, p.transduction_)
    assert found.accuracy == np.mean(guesses == p.transduction_) > 0.5
    with pytest.raises(TypeError, match="both strings or both numbers"):
        propagated_label_accuracy(Y, p.transduction_)
    display = RepresentativesDisplay.from_estimator(p, X, y=guesses)
    plt.close(display.figure_)
    own = p.labels_[p.representative_indices_]
    most = majority_labels(p.labels_, guesses)[own]
    assert_array_equal(display.is_majority, most == p.representative_labels_)


@pytest.mark.parametrize("y", [np.full(300, -1), np.full(300, -1.0)])
def test_long_answers_come_out_beside_a_y_of_numbers_without_any(y):
    def oracle(rows):
        return [LONG_NAMES[np.flatnonzero((row == X).all(axis=1))[0]] for row in rows]

    p = KMeansLabelPropagator(20, oracle=oracle, random_state=0)
    _, y_res = p.fit_resample(X, y)
    assert_array_equal(y_res, p.transduction_)
    assert set(y_res) == set(LONG_NAMES)
    classifier = PropagatedClassifier(GaussianNB(), p).fit(X, y)
    assert classifier.score(X, LONG_NAMES) > 0.9


def test_a_refit_that_ends_early_leaves_what_was_fitted():
    """Labels of before stay, and so does what they are labels of."""
    others = pd.DataFrame(np.arange(30.0).reshape(10, 3), columns=["u", "v", "w"])
    labels = [0, 1] * 5
    p = KMeansLabelPropagator(20, random_state=0).fit(TABLE, Y)
    predicted, told = p.predict(TABLE), p.summary()
    for refit in (p.fit, p.query):  # there are fewer samples than clusters
        with pytest.raises(ValueError, match="n_clusters=20"):
            refit(others, labels)
        assert p.summary() == told
        assert_array_equal(p.predict(TABLE), predicted)
        assert p.feature_names_in_.tolist() == ["a", "b"]
    assert len(p.propagate({0: int(Y[0])}).given_) >= 20


class TwoColumns(GaussianNB):
    """Fails on samples of more."""

    def fit(self, X, y, sample_weight=None):
        if np.shape(X)[1] > 2:
            raise RuntimeError("more than two columns")
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize("kind", [PropagatedClassifier, PropagatedClassifierCV])
@pytest.mark.filterwarnings("ignore")
def test_a_training_that_fails_leaves_the_classifier_of_before(kind):
    partial = np.where(np.arange(300) % 5 == 0, Y, -1)
    model = kind(
        TwoColumns(), KMeansLabelPropagator(20, random_state=0), train_on="samples"
    ).fit(TABLE, partial)
    predicted, told = model.predict(TABLE), model.summary()
    more = TABLE.assign(c=1.0)
    with pytest.raises((RuntimeError, ValueError)):
        model.fit(more, partial)
    assert model.n_features_in_ == 2
    assert model.summary() == told
    assert_array_equal(model.predict(TABLE), predicted)


POLARS = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
LINES = [f"{'abcd'[label]} letter {i}" for i, label in enumerate(Y)]


@pytest.mark.parametrize("rows", [POLARS, pl.Series(LINES)])
def test_columns_of_pandas_beside_rows_of_polars(rows):
    """Rows of polars have no index, so that there is none to compare with."""
    beside = pd.Series(Y, index=np.arange(300)[::-1])
    p = KMeansLabelPropagator(20, random_state=0).fit(rows, beside)
    assert_array_equal(p.transduction_[p.queries_], Y[p.queries_])
    q = clone(p).set_params(oracle=lambda ids: Y[np.asarray(ids)])
    ids = pd.Series(np.arange(300))
    assert_array_equal(q.fit(rows, sample_ids=ids).transduction_, p.transduction_)
    model = PropagatedClassifierCV(GaussianNB(), p, random_state=0)
    weights = pd.Series(np.ones(300))
    model.fit(
        rows, beside, groups=pd.Series(np.arange(300) // 2), sample_weight=weights
    )
    assert 0 < model.n_hidden_ <= 20
    assert model.score(rows, beside, weights) > 0.5


@pytest.mark.parametrize(
    "index",
    [
        [f"patient {i}" for i in range(300)],
        np.arange(300)[::-1] * 7,
        np.arange(300) / 2,
        pd.date_range("2020-01-01", periods=300),
        pd.MultiIndex.from_product([["a", "b", "c"], range(100)]),
    ],
)
def test_names_of_rows_are_kept_as_they_are_in_a_plain_array(index):
    """skops stores no index of pandas."""
    table = TABLE.set_axis(pd.Index(index), axis=0)
    p = KMeansLabelPropagator(20, random_state=0)
    asked = p.query(table)
    assert type(p.clusters_.names) is np.ndarray
    assert list(p.clusters_.names) == list(table.index)
    labels = pd.Series(Y, index=table.index).iloc[asked]
    p = pickle.loads(pickle.dumps(p)).propagate(labels.iloc[::-1])
    assert_array_equal(p.transduction_[asked], Y[asked])
    curve = FractionCurveDisplay.from_estimator
    display = curve(p, pd.Series(Y, index=table.index))
    plt.close(display.figure_)
    with pytest.raises(ValueError, match="The index of y_true must be that of X"):
        curve(p, pd.Series(Y, index=table.index[::-1]))


def test_positions_that_json_has_made_strings_are_shown_as_such():
    p = KMeansLabelPropagator(20, random_state=0)
    answers = {int(i): int(Y[i]) for i in p.query(X)}
    with pytest.raises(ValueError, match=r"whole numbers from 0 to 299.* Got '\d+', '"):
        p.propagate(json.loads(json.dumps(answers)))
    assert p.answers_ == {}


# ------------------------------------------------------- between two stages


def test_a_question_takes_all_labels_of_y_as_known(propagator_class):
    propagator = propagator_class(20, random_state=0)
    assert not len(propagator.query(X, Y))
    propagator.propagate({})
    assert (propagator.n_known_, propagator.n_queries_) == (300, 0)
    assert_array_equal(np.asarray(propagator.transduction_), Y)
    assert len(propagator.query(X, np.full(300, -1))) == 20
    assert propagator.n_known_ == 0


@pytest.mark.parametrize("y", [Y, np.where(np.arange(300) % 3, -1, Y)])
def test_in_an_experiment_a_question_is_that_of_fit(propagator_class, y):
    fitted = propagator_class(20, oracle="y", random_state=0).fit(X, y)
    asked = propagator_class(20, oracle="y", random_state=0)
    assert_array_equal(asked.query(X, y), fitted.queries_)
    assert (asked.n_known_, asked.n_queries_) == (0, 20)
    asked.propagate(y[asked.queries_])
    for name in ("transduction_", "classes_"):
        assert_array_equal(
            np.asarray(getattr(asked, name)), np.asarray(getattr(fitted, name))
        )


def test_a_refit_that_is_refused_leaves_what_was_fitted(propagator_class):
    propagator = propagator_class(20, random_state=0)
    propagator.propagate(Y[propagator.query(TABLE)])
    predicted = np.asarray(propagator.predict(TABLE))
    for refit in (propagator.fit, propagator.query):
        with pytest.raises(ValueError, match=r"number.* of samples"):
            refit(TABLE[["b"]][:9], Y)
        assert_array_equal(np.asarray(propagator.predict(TABLE)), predicted)
    corrected = propagator.propagate({0: 7})
    assert (len(propagator.answers_), np.asarray(corrected.transduction_)[0]) == (21, 7)


def test_probabilities_are_there_if_labels_have_spread_over_the_graph(propagator_class):
    propagator = propagator_class(20, oracle="y", random_state=0).fit(X, Y)
    propagator.set_params(propagation="cluster")
    assert np.asarray(propagator.predict_proba(X[:5])).shape == (5, 4)
    assert not hasattr(propagator.propagate({}), "predict_proba")
    propagator.set_params(propagation="graph")
    assert not hasattr(propagator, "predict_proba")
    assert hasattr(propagator.propagate({}), "predict_proba")
