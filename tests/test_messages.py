"""Wrong first calls: each is told the parameter, what was got, and what to do."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import DBSCAN, KMeans
from sklearn.datasets import make_blobs
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
    streaming,
)
from kmeans_labelprop.embedding import default_embedding
from kmeans_labelprop.model_selection import cluster_count_curve, draw_audit

pytestmark = pytest.mark.filterwarnings("ignore")

X, Y = make_blobs(60, centers=3, random_state=0)
PARTLY = np.where(np.arange(60) % 5 == 0, Y, -1)
TEXTS = [f"text {i % 3} of words" for i in range(60)]
TABLE = pd.DataFrame(X, columns=["a", "b"])
IMAGES = np.random.default_rng(0).random((60, 8, 8))
LINEAR = LogisticRegression()


class OfAnotherLibrary:
    """It can be trained, but not be cloned."""

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def transform(self, X):
        return X


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 6, "random_state": 0} | params)


def trained(estimator=LINEAR, X=X, **params):
    params = {"propagator": propagator()} | params
    return PropagatedClassifier(estimator, **params).fit(X, Y)


def odd_table(value):
    return TABLE.assign(b=pd.Series([*TABLE["b"][:-1], value], dtype=object))


def chosen(**params):
    return PropagatedClassifierCV(LINEAR, propagator(), **params).fit(X, Y)


def fit(X=X, y=Y, **params):
    return propagator(**params).fit(X, y)


def ask(oracle):
    return propagator(oracle=oracle).fit(X)


def queried():
    found = propagator()
    found.query(X)
    return found


def column(values):
    return TABLE.assign(c=values)


def tensor(values):
    """What has rows of TensorFlow: positions cannot take them."""
    kind = type("Tensor", (), {"__module__": "tensorflow.python.framework.ops"})
    kind.shape, kind.numpy = values.shape, lambda self: values
    kind.__len__ = lambda self: len(values)
    kind.__array__ = lambda self, dtype=None, copy=None: np.asarray(values, dtype)
    return kind()


class Broken(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        raise RuntimeError("no such model")

    def transform(self, X):
        return X


SAMPLES = {
    "ragged": (
        lambda: fit([[1.0, 2.0], [3.0]], [0, 1]),
        "must have the same length; join .* resize images to one size",
    ),
    "flat numbers": (lambda: fit(X[:, 0]), r"(?s)2D array, got 1D array.*reshape"),
    "a number": (lambda: fit(3.0), "X must hold samples: .* Got float"),
    "None": (lambda: fit(None), "X must hold samples: .* Got NoneType"),
    "one text": (lambda: fit("hello"), "X must hold samples: .* Got str"),
    "a generator": (lambda: fit(row for row in X), "X must hold samples.* generator"),
    "a dict": (
        lambda: fit({"a": X}),
        "X must hold samples.* Got dict .* pandas.DataFrame",
    ),
    "rows as dicts": (
        lambda: fit(TABLE.to_dict("records")),
        r"Got list of dict instead. Pass pandas.DataFrame\(X\)",
    ),
    "named fields": (
        lambda: fit(TABLE.to_records(index=False)),
        "Got recarray with named fields instead. Pass pandas.DataFrame",
    ),
    "a table of Arrow": (
        lambda: fit(pa.Table.from_pandas(TABLE)),
        r"Got Table instead. Pass X.to_pandas\(\)",
    ),
    "a lazy frame": (
        lambda: fit(pl.from_pandas(TABLE).lazy()),
        r"Got LazyFrame instead. Pass X.collect\(\)",
    ),
    "names of two types": (
        lambda: fit(TABLE.rename(columns={"a": 0})),
        r"(?s)string names, but your input has \['int', 'str'\](?!.*embedding=None)",
    ),
    "a tensor": (
        lambda: fit(tensor(X)),
        r"Got Tensor instead. Pass X.numpy\(\)",
    ),
    "a sparse vector": (
        lambda: fit(sp.coo_array(np.ones(60))),
        "Expected 2D array, got sparse 1D",
    ),
    "objects in cells": (
        lambda: fit(column([type(name, (), {})() for name in "ab" * 30])),
        "Got a, b in column 'c'",
    ),
    "no rows": (lambda: fit([], []), r"0 sample\(s\) .* minimum of 1"),
    "an empty table": (lambda: fit(TABLE[:0], Y[:0]), r"0 sample\(s\) .*\(0, 2\)"),
    "no columns": (lambda: fit(TABLE[[]]), r"0 feature\(s\)|one column"),
    "infinity": (lambda: fit(np.where(X > 3, np.inf, X)), "contains infinity"),
    "infinity in a column": (
        lambda: fit(column([np.inf, *range(59)])),
        "column 'c' of X contains infinity",
    ),
    "complex": (lambda: fit(X * 1j), "[Cc]omplex"),
    "dates": (
        lambda: fit(np.full((60, 1), "2026-01-01", "M8[D]")),
        r"X must be numbers.* datetime64\[D\].* of days for instance",
    ),
    "nothing tells rows apart": (
        lambda: fit(pd.DataFrame({"id": range(60), "when": pd.Timestamp(0)})),
        "No column of X tells its samples apart: .*'when'.*'id'",
    ),
    "masked": (lambda: fit(np.ma.masked_less(X, 0)), "masked values.* Fill them"),
    "vectors in cells": (
        lambda: fit(column([*np.eye(60)])),
        "'c' of X .* vectors of 60 numbers.* as an array",
    ),
    "frames in cells": (lambda: fit(column([pd.Series([1])] * 60)), "in column 'c'"),
    "a column twice": (
        lambda: fit(pd.DataFrame(X, columns=["a", "a"])),
        "different names.*'a'",
    ),
    "too many dimensions": (
        lambda: fit(np.zeros((60, 2, 2, 2, 2))),
        "X must be .* images, in three or four. Got .* 5 dimensions",
    ),
    "a number among texts": (
        lambda: fit([*TEXTS[:-1], 3]),
        "Texts must be strings or missing. Got strings and int",
    ),
    "lists of words": (
        lambda: fit([text.split()[: 2 + i % 2] for i, text in enumerate(TEXTS)]),
        "join the words of a text into one string",
    ),
    "fewer than clusters": (
        lambda: KMeansLabelPropagator().fit(X[:3], Y[:3]),
        "n_samples=3 should be >= n_clusters=8",
    ),
    "texts as numbers": (
        lambda: fit(TEXTS, embedding=None),
        "embedding=None.*numbers.*'auto'",
    ),
    "strings as numbers": (
        lambda: fit(column("x"), embedding=None),
        "embedding=None.*numbers.*'auto'",
    ),
    "images as numbers": (
        lambda: fit(IMAGES, embedding=None),
        "embedding=None.*numbers.*'auto'",
    ),
    "NaN as numbers": (
        lambda: fit(np.where(X > 3, np.nan, X), embedding=None),
        "X contains NaN",
    ),
}

LABELS = {
    "too few": (lambda: fit(y=Y[:-1]), r"inconsistent numbers of samples: \[60, 59\]"),
    "fractions": (lambda: fit(y=Y + 0.5), "labels of y must be classes.* Got .*1.5"),
    "one-hot": (lambda: fit(y=np.eye(3)[Y]), r"y must be .*\(60, 3\)"),
    "NaN": (
        lambda: fit(y=np.where(PARTLY < 0, np.nan, Y)),
        "y contains NaN.* set missing_label=np.nan",
    ),
    "none at all": (lambda: fit(y=np.full(60, -1)), "y must hold at least one label"),
    "neither y nor oracle": (lambda: propagator().fit(X), "Pass labels, or set"),
    "the name of a column": (lambda: fit(y="target"), "y .*str"),
    "another index": (
        lambda: fit(TABLE, pd.Series(Y, index=np.arange(60) + 7)),
        r"The index of y must be that of X.* y.loc\[X.index\]",
    ),
    "strings and numbers": (
        lambda: fit(y=np.array(["a", 1, 2.5] * 20, dtype=object)),
        "all strings or all numbers. Got labels of type float, int, str",
    ),
    "labels in a string": (
        lambda: ((asked := propagator()).query(X), asked.propagate("ababab")),
        "The labels given to propagate must be a one-dimensional .* 6 .*Got str",
    ),
    "numbers that name rows, in a dict": (
        lambda: fit(TABLE.set_axis(range(1000, 1060)), Y).propagate({1007: 1}),
        "from 0 to 59.* Got 1007 instead. In a dict numbers are no names .*a Series",
    ),
    "pandas' NA as the mark": (
        lambda: fit(y=PARTLY, missing_label=pd.NA),
        "'missing_label' .* cannot be NA. Set missing_label=None",
    ),
    "a list of marks": (
        lambda: fit(y=PARTLY, missing_label=[-1]),
        r"'missing_label' parameter .* Got \[-1\]",
    ),
    "one class for a linear model": (
        lambda: PropagatedClassifier(LINEAR, propagator()).fit(X, np.full(60, 7)),
        "(?s)only one class: np.int64.7.*another class than 7 .*LogisticRegression",
    ),
    "dates as labels": (
        lambda: fit(y=pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(Y, "D"))),
        "labels of y must be all strings or all numbers. Got labels of type datetime",
    ),
    "NaN under cross-validation": (
        lambda: cross_val_score(
            PropagatedClassifier(LINEAR, propagator()),
            X,
            np.where(PARTLY < 0, np.nan, Y),
            error_score="raise",
        ),
        "y contains NaN",
    ),
    "nothing to score": (
        lambda: trained().score(X, np.full(60, -1)),
        "y must hold at least one label to be scored",
    ),
}

PARAMETERS = {
    "no clusters": (lambda: fit(n_clusters=0), "'n_clusters' .* Got 0"),
    "half a cluster": (lambda: fit(n_clusters=5.5), "'n_clusters' .* an int .* 5.5"),
    "clusters by itself": (lambda: fit(n_clusters="auto"), "'n_clusters' .* 'auto'"),
    "more clusters than samples": (
        lambda: fit(n_clusters=100),
        "n_samples=60 should be >= n_clusters=100",
    ),
    "percent": (lambda: fit(fraction=70), r"'fraction' .*\[0.0, 1.0\]. Got 70"),
    "a word": (lambda: fit(fraction="all"), "'fraction' .* Got 'all'"),
    "an unknown rule": (lambda: fit(propagation="graphs"), "among .* Got 'graphs'"),
    "a name of an embedding": (
        lambda: fit(embedding="pca"),
        "'embedding' .* 'fit', 'transform' and 'get_params'.*'auto'.* Got 'pca'",
    ),
    "a class": (lambda: fit(embedding=PCA), "'embedding' .* an instance, not a class"),
    "a function": (lambda: fit(embedding=np.log), "'embedding' .* 'transform'"),
    "an embedding that fails": (
        lambda: fit(embedding=Broken()),
        r"(?s)no such model.*'embedding' parameter.*Broken\(\)",
    ),
    "too many components": (
        lambda: fit(embedding=PCA(50)),
        r"(?s)n_components=50.*'embedding' parameter.*PCA",
    ),
    "a name of a clusterer": (
        lambda: fit(clusterer="kmeans"),
        "'clusterer' .*'kmeans'",
    ),
    "no centres": (lambda: fit(clusterer=DBSCAN()), r"'cluster_centers_'.* Got DBSCAN"),
    "a number of neighbours": (
        lambda: fit(neighbors=10),
        "'neighbors' parameter .* 'fit_transform' and 'get_params' or None. Got 10",
    ),
    "alpha 1": (lambda: fit(alpha=1.0), r"'alpha' .*\(0.0, 1.0\).* Got 1.0"),
    "a list of shares": (lambda: fit(class_prior=[0.5]), "'class_prior' .*Mapping"),
    "no share": (lambda: fit(class_prior={}), "'class_prior' .*empty dict"),
    "an unknown face": (lambda: fit(output="labels"), "'output' .* Got 'labels'"),
    "a seed in words": (lambda: fit(random_state="x"), "'random_state' .* Got 'x'"),
    "a classifier's class": (
        lambda: trained(LogisticRegression),
        r"'estimator' .* an instance, not a class.* LogisticRegression\(...\)",
    ),
    "a regressor": (
        lambda: trained(LinearRegression()),
        "'estimator' .* a classifier. Got LinearRegression",
    ),
    "the propagator in place of the classifier": (
        lambda: PropagatedClassifierCV(propagator()).fit(X, Y),
        "'estimator' .* a classifier. Got a KMeansLabelPropagator.* propagator=",
    ),
    "no classifier": (lambda: trained(None), "'estimator' .* 'fit'.* Got None"),
    "a classifier of another library": (
        lambda: trained(OfAnotherLibrary()),
        "'estimator' .* implementing 'fit' and 'get_params'. Got <.*OfAnotherLibrary",
    ),
    "an embedding of another library": (
        lambda: fit(embedding=OfAnotherLibrary()),
        "'embedding' .* 'fit', 'transform' and 'get_params'.* Got <.*OfAnotherLibrary",
    ),
    "another clusterer": (
        lambda: trained(propagator=KMeans()),
        "'propagator' .*KMeansLabelPropagator.* Got KMeans",
    ),
    "a number of clusters": (
        lambda: trained(propagator=50),
        "'propagator' .*KMeansLabelPropagator.* Got 50",
    ),
    "no fractions": (lambda: chosen(fractions=()), "'fractions' .* Got ()"),
    "one fraction": (
        lambda: chosen(fractions=0.7),
        "'fractions' .* array-like. Got 0.7",
    ),
    "fractions in percent": (lambda: chosen(fractions=[70]), r"'fractions' .*\[0, 1\]"),
    "one rule": (
        lambda: chosen(propagations="graph"),
        "'propagations' .* array-like. Got 'graph'",
    ),
    "one fold": (lambda: chosen(cv=1), r"'cv' .*\[2, inf\).* Got 1"),
    "an unknown score": (lambda: chosen(scoring="acc"), "'scoring' .* Got 'acc'"),
    "an unknown space": (
        lambda: trained(train_on="pixels"),
        "'train_on' .*'embedding'.* Got 'pixels'",
    ),
    "weights that are not taken": (
        lambda: trained(SVC(kernel="nope")),
        r"(?s)'kernel'.*'nope'.*SVC",
    ),
    "from no cluster on": (
        lambda: cluster_count_curve(X, range(5)),
        "'n_clusters' parameter of cluster_count_curve .* 1 or more",
    ),
    "one count": (lambda: cluster_count_curve(X, 8), r"'n_clusters' .*range\(2, 21\)"),
}

ORACLES = {
    "labels": (lambda: ask(Y), "'oracle' parameter .* a callable.* Got array"),
    "takes nothing": (
        lambda: ask(lambda: [0] * 6),
        r"'oracle' .* callable as oracle\(X_query\)",
    ),
    "takes two": (
        lambda: ask(lambda a, b: [0] * 6),
        r"'oracle' .* callable as oracle\(X_query\).*'b'",
    ),
    "forgets to return": (lambda: ask(lambda q: None), "6 label.* Got NoneType"),
    "one for all": (lambda: ask(lambda q: 1), "6 label.* Got int"),
    "too few": (lambda: ask(lambda q: [1, 2]), r"6 label.* Got 2 label"),
    "a word": (lambda: ask(lambda q: "cat"), "6 label.* Got str"),
    "probabilities": (
        lambda: ask(lambda q: np.ones((6, 3)) / 3),
        r"6 label.* shape \(6, 3\)",
    ),
    "scores": (lambda: ask(lambda q: [0.5] * 6), "must be classes.* Got .*0.5"),
    "strings and numbers": (
        lambda: ask(lambda q: ["cat", 1, 2, 3, 4, 5]),
        "all strings or all numbers. Got labels of type int, str",
    ),
    "never knows": (
        lambda: ask(lambda q: [-1] * 6),
        "No sample has a label.* 6 representatives",
    ),
    "fails": (
        lambda: ask(lambda q: 1 / 0),
        r"(?s)division by zero.*'oracle' parameter, asked for 6 label",
    ),
    "too few ids": (
        lambda: propagator(oracle=lambda q: [1] * 6).fit(X, sample_ids=[1, 2]),
        r"inconsistent numbers of samples: \[60, 2\]",
    ),
}

ORDER = {
    "predict first": (lambda: propagator().predict(X), "not fitted yet. Call 'fit'"),
    "labels first": (
        lambda: propagator().propagate([1, 2]),
        "no clusters yet: call 'query' or 'fit' first",
    ),
    "more first": (
        lambda: propagator().query_more(3),
        "no labels yet: call 'propagate' or 'fit' first",
    ),
    "too few labels": (lambda: queried().propagate([1]), r"6 label.* Got 1 label"),
    "no labels": (lambda: queried().propagate({}), "No sample has a label"),
    "an empty series": (
        lambda: queried().propagate(pd.Series([], dtype=object)),
        "No sample has a label",
    ),
    "an unknown position": (
        lambda: queried().propagate({99: 1}),
        "whole numbers from 0 to 59.* Got 99",
    ),
    "an unknown name": (
        lambda: queried().propagate({"first": 1}),
        "names of the rows of X. Got 'first",
    ),
    "features of samples": (
        lambda: fit().transform(X),
        "(?s)no attribute 'transform'.*Only with output='features'. Got 'samples'",
    ),
    "samples of features": (
        lambda: propagator(output="features").fit_resample(X, Y),
        "(?s)'fit_resample'.*Only with output='samples'. Got 'features'",
    ),
    "no number of labels": (
        lambda: draw_audit(fit()),
        r"draw_audit\(\) missing 1 required positional argument: 'n_audit'",
    ),
    "a propagator of blocks": (
        lambda: draw_audit(streaming.KMeansLabelPropagator(), 5),
        r"in memory is needed.* Got KMeansLabelPropagator of kmeans_labelprop.stream",
    ),
    "a classifier beside blocks": (
        lambda: trained(propagator=streaming.KMeansLabelPropagator()),
        "'propagator' parameter .* in memory. Got one of blocks instead.* see its kept",
    ),
    "probabilities of the cluster rule": (
        lambda: fit(propagation="cluster").predict_proba(X),
        "(?s)'predict_proba'.*Only with propagation='graph'",
    ),
    "other features": (lambda: fit().predict(X[:, :1]), "has 1 features, .* 2"),
    "other names": (
        lambda: fit(TABLE).predict(TABLE.rename(columns={"a": "z"})),
        "(?s)feature names should match.*z",
    ),
    "numbers after texts": (
        lambda: fit(TEXTS).predict(X),
        "texts must be one list.* Got 2 columns",
    ),
    "texts after numbers": (
        lambda: fit().predict(TEXTS),
        "(?s)string to float.*X must be of the same kind as in fit",
    ),
    "a list in a column of numbers": (
        lambda: fit(TABLE).predict(odd_table([5])),
        r"(?s)with a sequence.*no number in X: \[5\] in column 'b'\.",
    ),
    "the same beside units of other sizes": (
        lambda: fit(TABLE * [1, 50]).predict(odd_table([5])),
        r"(?s)with a sequence.*no number in X: \[5\] in column 'b'\.",
    ),
    "a record for a classifier": (
        lambda: trained().predict(odd_table({"b": 1}).to_numpy()),
        r"(?s)not 'dict'.*no number in X: {'b': 1} in column 1\.",
    ),
    "the same, beside units of other sizes": (
        lambda: trained(X=TABLE * [1, 50]).predict_proba(odd_table({"b": 1})),
        r"(?s)not 'dict'.*no number in X: {'b': 1} in column 'b'\.",
    ),
    "a word for a decision": (
        lambda: trained(X=TABLE * [1, 50]).decision_function(odd_table("many")),
        "(?s)string to float.*no number in X: 'many' in column 'b'.",
    ),
    "a list where X is taken as it is": (
        lambda: fit(odd_table([5]), embedding=None),
        r"(?s)with a sequence.*no number in X: \[5\] in column 'b'\..*embedding=None",
    ),
    "fewer columns": (
        lambda: fit(column(["x", "y"] * 30)).predict(TABLE),
        "(?s)missing: {'c'}.*Embedded as table: 2 numbers, 1 category.$",
    ),
    "gaps, of which there were none in fit": (
        lambda: fit().predict(np.where(X > 3, np.nan, X)),
        "(?s)contains NaN.*In fit no value of X was missing.* Fill in",
    ),
    "the same in two scales": (
        lambda: fit(X * [1, 50]).predict(np.where(X > 3, np.nan, X)),
        "(?s)contains NaN.*In fit no value of X was missing.* Fill in",
    ),
    "the same for a classifier": (
        lambda: trained().predict(np.where(X > 3, np.nan, X)),
        "(?s)contains NaN.*In fit no value of X was missing.* Fill in",
    ),
    "images of another size": (
        lambda: fit(IMAGES).predict(np.zeros((3, 9, 9))),
        r"images of shape \(8, 8\).* Got .*\(3, 9, 9\)",
    ),
    "texts for a linear model": (
        lambda: PropagatedClassifier(LINEAR, propagator(), train_on="samples").fit(
            TEXTS, Y
        ),
        "(?s)LogisticRegression.*train_on",
    ),
    "strings for a linear model": (
        lambda: PropagatedClassifier(LINEAR, propagator(), train_on="samples").fit(
            column("x"), Y
        ),
        "(?s)LogisticRegression.*train_on",
    ),
}

CALLS = [
    pytest.param(*case, id=f"{kind}: {name}")
    for kind, cases in (
        ("X", SAMPLES),
        ("y", LABELS),
        ("parameters", PARAMETERS),
        ("oracle", ORACLES),
        ("order", ORDER),
    )
    for name, case in cases.items()
]


def told(error):
    """All that a traceback shows of an error: causes and notes, too."""
    lines = []
    while error is not None:
        lines += [str(error), *getattr(error, "__notes__", [])]
        error = error.__cause__
    return "\n".join(lines)


@pytest.mark.parametrize(("call", "says"), CALLS)
def test_a_wrong_call_is_told_what_to_do(call, says):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    assert re.search(says, told(caught.value))


def test_there_are_sixty_or_more():
    assert len(CALLS) >= 60


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "mark", ["", "?", "unlabelled", "Unknown", "N/A", *map(str, [None, pd.NA, -1.0])]
)
def test_what_looks_like_a_mark_is_told(mark):
    y = np.array(["a", "b", "c"])[Y].astype(object)
    y[20:] = mark
    with pytest.warns(UserWarning, match=re.escape(f"set missing_label={mark!r}")):
        fit(y=y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Known labels that differ")
        fit(y=y, missing_label=mark)
        fit(y=y, missing_label=None)  # somebody has thought of it
        y[:5] = None  # so it is known what marks the others
        fit(y=y)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    "container", [np.array, list, lambda y: pd.Series(y).astype("Int64"), pl.Series]
)
def test_nulls_beside_the_mark_may_mean_that_it_is_a_class(container):
    y = np.array([-1, 0, 1])[Y].astype(object)
    y[20:] = None
    says = re.escape(f"nulls ({len(y) - 20}) and -1 ({sum(y[:20] == -1)})")
    with pytest.warns(UserWarning, match=says):
        fit(y=container(y.tolist()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Known labels that differ")
        assert len(fit(y=y, missing_label=None).classes_) == 3
        y[y == -1] = None
        fit(y=y)


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(
    ("names", "same"),
    [
        (["cat", "cat ", "dog"], "'cat', 'cat '"),
        (["Lion", "lion", "LION"], "'LION', 'Lion', 'lion'"),
        (["a  b", "a b", "c"], "'a  b', 'a b'"),
        (["caf\xe9", "cafe\u0301", "cafe"], r"'cafe\u0301', 'café'"),
        (["b", "B", " "], None),
        (["mW", "MW", ""], None),
        ([1, 2, 3], None),
    ],
)
def test_spellings_of_one_class_are_told(names, same):
    y = np.array(names, dtype=object)[Y]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(y=y, missing_label="?")
        chosen_by = PropagatedClassifierCV(GaussianNB(), propagator(missing_label="?"))
        chosen_by.set_params(n_repeats=1, random_state=0).fit(X, y)
    told = [str(w.message) for w in caught if "differ in blanks" in str(w.message)]
    assert len(told) == (0 if same is None else 2)
    assert all(f": {same}. Each is" in text for text in told)


@pytest.mark.filterwarnings("default")
def test_warnings_from_within_a_pipeline_name_the_line_of_the_user():
    table = column([str(1800 + i) if i % 12 else "ancient" for i in range(60)])
    model = PropagatedClassifier(LINEAR, propagator())
    for call in (
        lambda: fit(table),
        lambda: default_embedding(table).fit(table),
        lambda: cross_val_score(model, table, Y, cv=2),
    ):
        with pytest.warns(UserWarning, match="'c' .* 'ancient'") as caught:
            call()
        names = {w.filename for w in caught if "'ancient'" in str(w.message)}
        assert names == {__file__}


@pytest.mark.filterwarnings("default")
def test_of_many_classes_without_a_label_some_are_named():
    y = np.array([f"no. {i:02}" for i in np.r_[Y[:20], 3:43]])
    model = PropagatedClassifier(LINEAR, propagator())
    with pytest.warns(UserWarning, match="No label is given of .. of 43") as caught:
        model.fit(X, y)
    text = next(str(w.message) for w in caught if "No label is" in str(w.message))
    assert text.count("no. ") == 10
    assert ", ...]" in text


def test_a_candidate_that_does_not_converge_is_not_warned_of():
    class Slow(LogisticRegression):
        """Does not converge on what only the comparison trains on."""

        def fit(self, X, y, sample_weight=None):
            if len(X) < 60:
                warnings.warn("max_iter reached", ConvergenceWarning, stacklevel=2)
            return super().fit(X, y, sample_weight)

    model = PropagatedClassifierCV(Slow(), propagator())
    for action, n_warnings in (("default", 0), ("always", 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.resetwarnings()
            if action == "always":  # the user wants to see them
                warnings.simplefilter("always", ConvergenceWarning)
            model.fit(X, Y)
        found = [w for w in caught if "max_iter" in str(w.message)]
        assert bool(found) == bool(n_warnings)


def test_more_clusters_are_no_advice_where_nobody_is_asked():
    X, _ = make_blobs(90, centers=3, cluster_std=0.3, random_state=0)
    y = np.full(90, -1)
    y[0] = 7
    with pytest.warns(UserWarning, match="More labels or neighbours leave out fewer"):
        KMeansLabelPropagator(5, random_state=0).fit(X, y)
    model = PropagatedClassifierCV(GaussianNB(), KMeansLabelPropagator(5))
    with pytest.raises(ValueError, match="More labels come with y, or with an oracle"):
        model.fit(X, y)
