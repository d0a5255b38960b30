import pickle
from pathlib import Path
from threading import Lock

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import FixedCenters, RecordingOracle
from numpy.testing import assert_array_equal
from scipy.sparse import coo_array, csr_array
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr, get_tags

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
    _propagator,
)
from kmeans_labelprop._propagation import as_probabilities


def propagator(**params):
    return KMeansLabelPropagator(**{"n_clusters": 4, "random_state": 0} | params)


# Where labels come from: one rule.


def test_a_full_y_is_an_oracle_of_which_only_representatives_are_read(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    corrupted = (y + 1) % 4
    representatives = fitted.representative_indices_
    corrupted[representatives] = y[representatives]
    again = propagator().fit(X, corrupted)
    assert_array_equal(again.transduction_, fitted.transduction_)
    assert_array_equal(again.sample_indices_, fitted.sample_indices_)
    assert_array_equal(fitted.transduction_, y)  # the blobs are well separated
    assert (fitted.n_known_, fitted.n_queries_) == (0, 4)
    assert fitted.answers_ == {i: y[i] for i in representatives}


def test_partial_y_is_reused_and_only_the_rest_is_asked(blobs):
    X, y = blobs
    full = propagator().fit(X, y)
    cluster = full.labels_[0]
    # Know two samples of one cluster, neither of them its closest.
    members = np.flatnonzero(full.labels_ == cluster)
    distance = np.linalg.norm(X[members] - full.cluster_centers_[cluster], axis=1)
    near, far = members[np.argsort(distance)[[5, 20]]]
    partial = np.full_like(y, -1)
    partial[[near, far]] = y[[near, far]]
    oracle = RecordingOracle(X, y)

    fitted = propagator(oracle=oracle).fit(X, partial)

    assert len(oracle.queries) == 1
    assert oracle.n_asked == fitted.n_queries_ == 3
    assert fitted.n_known_ == 2
    assert set(fitted.given_.positions) == {near, far, *fitted.answers_}
    assert fitted.representative_indices_[cluster] == near
    others = np.delete(full.representative_indices_, cluster)
    assert {tuple(row) for row in oracle.queries[0]} == {tuple(r) for r in X[others]}
    assert_array_equal(fitted.transduction_, y)


def test_the_oracle_is_asked_for_all_without_y(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    fitted = propagator(oracle=oracle).fit(X)
    assert (len(oracle.queries), oracle.n_asked, fitted.n_queries_) == (1, 4, 4)
    assert_array_equal(fitted.representative_labels_, y[fitted.representative_indices_])


def test_reuse_labels_false_asks_for_all_and_leaves_y_alone(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, 3 - y)
    fitted = propagator(oracle=oracle, reuse_labels=False).fit(X, y)
    assert oracle.n_asked == 4
    assert (fitted.n_known_, fitted.n_queries_) == (0, 4)
    assert_array_equal(fitted.transduction_, 3 - y)
    names = np.array(["a", "b", "c", "d"])[y]
    fitted.set_params(oracle=RecordingOracle(X, names)).fit(X, y)
    assert_array_equal(fitted.classes_, ["a", "b", "c", "d"])


def test_an_oracle_never_asked_is_warned_of(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    with pytest.warns(UserWarning, match="never asked.*reuse_labels=False"):
        fitted = propagator(oracle=oracle).fit(X, y)
    assert oracle.n_asked == fitted.n_queries_ == 0
    assert fitted.n_known_ == len(X)


LEFT_OUT = {
    "cluster": "{} of 4 clusters have no label, and {} samples are left out",
    "graph": "No label reaches {1} samples over the graph",
}


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_samples_that_get_no_label_are_left_out_counted_and_warned_of(blobs, rule):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[2])
    asked = propagator(oracle=oracle, propagation=rule)
    with pytest.warns(UserWarning, match=LEFT_OUT[rule].format(1, 30)) as caught:
        fitted = asked.fit(X)
    assert len(caught) == 1
    assert_array_equal(fitted.transduction_, np.where(y == 2, -1, y))
    assert_array_equal(fitted.sample_indices_, np.flatnonzero(y != 2))
    assert_array_equal(fitted.confidence_ == 0, y == 2)
    assert_array_equal(fitted.classes_, [0, 1, 3])
    assert sorted(fitted.representative_labels_.tolist()) == [-1, 0, 1, 3]
    answered = {i: (None if y[i] == 2 else y[i]) for i in fitted.answers_}
    assert fitted.answers_ == answered
    assert len(answered) == fitted.n_queries_ == 4


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_partial_y_without_an_oracle_is_all_there_is(blobs, rule):
    X, y = blobs
    partial = np.where(y >= 2, y, -1)
    fitted = propagator(propagation=rule)
    with pytest.warns(UserWarning, match=LEFT_OUT[rule].format(2, 60)) as caught:
        X_res, y_res = fitted.fit_resample(X, partial)
    assert len(caught) == 1
    assert (fitted.n_known_, fitted.n_queries_) == (60, 0)
    assert_array_equal(X_res, X[y >= 2])
    assert_array_equal(y_res, y[y >= 2])


@pytest.mark.parametrize(
    ("params", "y", "match"),
    [
        ({}, None, "requires y to be passed, but the target y is None"),
        ({}, [-1] * 120, "at least one label when there is no oracle"),
        ({"reuse_labels": False}, [0] * 120, "'oracle' parameter must be a callable"),
        ({"oracle": "y"}, None, "requires y to be passed, but the target y is None"),
        ({"oracle": "y"}, [-1] * 120, "at least one label when there is no oracle"),
        (
            {"oracle": "y", "reuse_labels": False},
            [0] * 120,
            "'oracle' parameter must be a callable .* Got 'y' instead",
        ),
        ({"oracle": lambda q: [-1] * len(q)}, None, "No sample has a label"),
        ({}, [0, 1], "inconsistent numbers of samples"),
    ],
)
def test_no_source_of_labels_is_an_error(blobs, params, y, match):
    with pytest.raises(ValueError, match=match):
        propagator(**params).fit(blobs[0], y)


def test_labels_of_y_and_oracle_must_be_of_one_kind(blobs):
    X, y = blobs
    partial = np.where(y == 1, y, -1)
    with pytest.raises(TypeError, match="all strings or all numbers"):
        propagator(oracle=lambda q: ["a"] * len(q)).fit(X, partial)
    with pytest.raises(ValueError, match="must fit the dtype of y, uint8"):
        propagator(oracle=lambda q: [300] * len(q), missing_label=1).fit(
            X, (partial == 1).astype(np.uint8)
        )


def test_another_sentinel_marks_what_is_left_out(blobs):
    X, y = blobs
    names = np.array(["a", "b", "c", "d"])[y]
    oracle = RecordingOracle(X, names, abstain_from=["c"])
    asked = propagator(oracle=oracle, missing_label="?", propagation="cluster")
    with pytest.warns(UserWarning, match="1 of 4 clusters"):
        fitted = asked.fit(X)
    expected = np.where(y == 2, "?", names)
    assert_array_equal(fitted.transduction_, expected)
    assert_array_equal(fitted.predict(X), expected)
    assert set(fitted.representative_labels_) == {"a", "b", "?", "d"}


def test_warnings_point_at_the_callers_line(blobs):
    X, y = blobs
    partial = np.where(y >= 2, y, -1)
    for rule, text in LEFT_OUT.items():
        for method in ("fit", "fit_resample"):
            with pytest.warns(UserWarning, match=text.format(2, 60)) as caught:
                getattr(propagator(propagation=rule), method)(X, partial)
            assert [warning.filename for warning in caught] == [__file__]
        halves = propagator(propagation=rule)
        halves.query(X, partial)
        with pytest.warns(UserWarning, match=text.format(2, 60)) as caught:
            halves.propagate({})
        assert [warning.filename for warning in caught] == [__file__]


# What the oracle gets.


def to_pandas(X):
    return pd.DataFrame(X, columns=["a", "b"], index=np.arange(len(X)) + 1000)


@pytest.mark.parametrize(
    ("container", "kind"),
    [
        (np.asarray, np.ndarray),
        (csr_array, csr_array),
        (coo_array, csr_array),
        (to_pandas, pd.DataFrame),
        (lambda X: pl.DataFrame(X, schema=["a", "b"]), pl.DataFrame),
        (lambda X: X.tolist(), list),
    ],
)
def test_the_oracle_gets_rows_in_the_callers_container_and_space(
    blobs, container, kind
):
    X, _ = blobs
    asked = []

    def oracle(X_query):
        asked.append(X_query)
        return [0, 1, 2, 3]

    embedding = StandardScaler(with_mean=False)
    fitted = propagator(oracle=oracle, embedding=embedding).fit(container(X))
    (query,) = asked
    assert isinstance(query, kind)
    rows = query.toarray() if isinstance(query, csr_array) else np.asarray(query)
    assert {tuple(row) for row in rows} == {
        tuple(row) for row in X[fitted.representative_indices_]
    }
    if kind is pd.DataFrame:
        assert set(query.index) == set(fitted.representative_indices_ + 1000)


@pytest.mark.parametrize("by_ids", [False, True])
def test_a_series_of_answers_goes_by_its_index(blobs, by_ids):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"]).add_prefix("x")
    frame.index = [f"image-{i}" for i in range(len(X))]
    table = pd.Series(y, index=frame.index)

    def look_up(query):
        keys = query if by_ids else query.index
        found = table[table.index.isin(keys)]  # in the order of the table
        assert found.index.tolist() != list(keys)
        return found

    ids = [frame.index.to_numpy(), frame.index.tolist()] if by_ids else [None, None]
    asked = propagator(oracle=look_up)
    fitted = asked.fit(frame, sample_ids=ids[0])
    assert_array_equal(fitted.transduction_, y)
    asked.set_params(oracle=lambda query: look_up(query).to_frame())
    fitted = asked.fit(frame, sample_ids=ids[1])
    assert_array_equal(fitted.transduction_, y)


def test_answers_about_other_rows_are_refused_and_not_lost(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, index=np.arange(len(X)) + 1000)
    answers = pd.Series([0, 1, 2, 3], index=[5, 6, 7, 8])
    with pytest.raises(
        ValueError, match=r"the index .*Got the index 5, 6, 7, 8 ins"
    ) as e:
        propagator(oracle=lambda rows: answers).fit(frame)
    assert e.value.answers is answers
    with pytest.raises(ValueError, match=r"of 4 label\(s\). Got 3 label") as e:
        propagator(oracle=lambda rows: ["a", "b", "c"]).fit(frame)
    assert e.value.answers == ["a", "b", "c"]
    assert "'answers' of this error" in e.value.__notes__[-1]
    # Without an index of its own a series is in order, and so is any other of an array.
    found = RecordingOracle(X, y)
    for rows, answer in (
        (frame, pd.Series),
        (X, lambda a: pd.Series(a, index=[9] * 4)),
    ):
        asked = propagator(oracle=lambda rows, answer=answer: answer(found(rows)))
        assert_array_equal(asked.fit(rows).transduction_, y)


def test_an_error_has_the_labels_of_the_run_that_it_ended(monkeypatch):
    """Also one that was raised by an earlier run."""
    error = RuntimeError("no space left")

    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(_propagator, "keep", fails)
    X = np.arange(30.0).reshape(-1, 1)
    for names in (["a", "b"], ["c", "d"]):
        fitted = KMeansLabelPropagator(2, oracle=lambda query, to=names: to)
        with pytest.raises(RuntimeError) as caught:
            fitted.fit(X)
        assert caught.value is error
        assert sorted(error.answers.values()) == names
    fitted.oracle = fails  # before anything is answered
    with pytest.raises(RuntimeError):
        fitted.fit(X)
    assert not hasattr(error, "answers")
    assert not any("answers" in note for note in error.__notes__)


def test_ids_of_any_kind_are_matched(blobs):
    X, y = blobs
    ids = [Path(f"a/{i:03}.png") for i in range(len(X))]
    table = pd.Series(y, index=pd.Index(ids))

    def in_order_of_table(asked):
        return table[[path in set(asked) for path in table.index]]

    by_id = propagator(oracle=in_order_of_table)
    assert_array_equal(by_id.fit(X, sample_ids=ids).transduction_, y)
    # An ids' series has an index beside them.
    by_id.set_params(oracle=lambda asked: asked.map(table))
    named = pd.Series(ids, index=np.arange(len(X)) + 7)
    assert_array_equal(by_id.fit(X, sample_ids=named).transduction_, y)
    by_id.set_params(oracle=lambda asked: pd.Series([0, 1, 2, 3], index=list("abcd")))
    with pytest.raises(ValueError, match=r"a/.*\.png.*Got the index a, b, c, d inst"):
        by_id.fit(X, sample_ids=ids)
    # What cannot be told apart is in order.
    found = RecordingOracle(X, y)
    by_id.set_params(
        oracle=lambda asked: pd.Series(
            found(X[[record[0][0] for record in asked]]), index=list("abcd")
        )
    )
    records = [([i],) for i in range(len(X))]
    assert_array_equal(by_id.fit(X, sample_ids=records).transduction_, y)


def test_an_oracle_may_change_its_query(blobs):
    X, y = blobs
    found = RecordingOracle(X, y)

    def sorting(rows):
        order = rows.sort_values("a")
        rows[:], rows.index = order.to_numpy(), order.index
        return pd.Series(found(rows), index=rows.index)

    fitted = propagator(oracle=sorting).fit(to_pandas(X))
    assert_array_equal(fitted.transduction_, y)


def test_numbers_in_another_order_are_no_missing_index():
    X = pd.DataFrame({"a": [0.0, 5.0, 10.0, 20.0]})
    table = pd.Series(list("wxyz"))
    asked = propagator(
        oracle=lambda rows: table[table.index.isin(rows.index)], propagation="cluster"
    )
    with pytest.raises(ValueError, match="Got the index 0, 1, 2, 3 instead") as caught:
        asked.fit(X)
    assert caught.value.answers.tolist() == list("wxyz")
    asked.set_params(oracle=lambda rows: table[rows.index])
    assert asked.fit(X).transduction_.tolist() == list("wxyz")


def test_labels_of_two_kinds_are_refused_and_not_lost(blobs):
    mixed = propagator(oracle=lambda rows: (label for label in [1, "a", 2, "b"]))
    with pytest.raises(TypeError, match="all strings or all numbers") as caught:
        mixed.fit(blobs[0])
    positions = propagator().query(blobs[0]).tolist()
    answers = dict(zip(positions, [1, "a", 2, "b"], strict=True))
    assert caught.value.answers == mixed.answers_ == answers
    mixed.propagate({positions[1]: 4, positions[3]: 5})
    assert_array_equal(mixed.classes_, [1, 2, 4, 5])


def test_a_column_of_answers_is_taken(blobs):
    X, y = blobs
    found = RecordingOracle(X, y)
    asked = propagator(oracle=lambda rows: np.array(found(rows)).reshape(-1, 1))
    assert_array_equal(asked.fit(X).transduction_, y)


def test_clones_share_the_oracle(blobs):
    class Service:
        def __init__(self):
            self.connection, self.paid = Lock(), 0  # a lock cannot be copied

        def label(self, rows):
            with self.connection:
                self.paid += len(rows)
            return found(rows)

    X, y = blobs
    found, service = RecordingOracle(X, y), Service()
    prior = {0: 1, 1: 1, 2: 1, 3: 1}
    asked = propagator(n_clusters=16, oracle=service.label, class_prior=prior)
    cloned = clone(asked.fit(X))
    assert cloned.oracle == service.label
    assert cloned.class_prior is not asked.class_prior
    assert not hasattr(cloned, "labels_")
    for kind in (PropagatedClassifier, PropagatedClassifierCV):
        assert_array_equal(kind(GaussianNB(), asked).fit(X).predict(X), y)
    assert service.paid == 3 * 16


def test_an_oracle_with_parameters_is_cloned_like_any_other(blobs):
    class Constant(BaseEstimator):
        def __init__(self, label=0):
            self.label = label

        def __call__(self, rows):
            return [self.label] * len(rows)

    asked = propagator(oracle=Constant())
    other = clone(asked).set_params(oracle__label=7)
    assert asked.oracle.label == 0
    with pytest.warns(UserWarning, match="The only class found is 7"):
        assert other.fit(blobs[0]).classes_.tolist() == [7]


def test_an_oracle_gets_ids_where_there_are_some(blobs):
    X, y = blobs
    ids = np.array([f"image-{i}" for i in range(len(X))])
    answers = dict(zip(ids, y, strict=True))
    asked = []

    def oracle(query):
        asked.extend(query)
        return [answers[id_] for id_ in query]

    fitted = propagator(oracle=oracle).fit(X, sample_ids=ids)
    assert_array_equal(fitted.transduction_, y)
    assert set(asked) == set(ids[fitted.representative_indices_])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        propagator(oracle=oracle).fit(X, sample_ids=ids[:5])
    assert len(asked) == 4


@pytest.mark.parametrize("index", [pd.Index, pd.Series, list, pl.Series])
def test_ids_of_any_container(blobs, index):
    X, y = blobs
    ids = index([f"image-{i}" for i in range(len(X))])
    by_id = propagator(oracle=lambda asked: [y[int(name[6:])] for name in asked])
    assert_array_equal(by_id.fit(X, sample_ids=ids).transduction_, y)


# Containers and dtypes.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_types_are_kept(blobs, dtype):
    X, y = blobs
    X = X.astype(dtype)
    X_res, _ = propagator().fit_resample(X, y)
    features = propagator(output="features").fit_transform(X, y)
    assert X_res.dtype == features.dtype == dtype
    fitted = propagator().fit(X, y)
    assert fitted.cluster_centers_.dtype == dtype
    for other in (np.float32, np.float64):
        assert_array_equal(fitted.predict(X.astype(other)), y)


def test_pandas_in_and_out(blobs):
    X, y = blobs
    frame = to_pandas(X).astype({"b": np.float32})
    target = pd.Series(y, index=frame.index, name="kind").map(str).astype("category")
    fitted = propagator()
    X_res, y_res = fitted.fit_resample(frame, target)
    pd.testing.assert_frame_equal(X_res, frame.iloc[fitted.sample_indices_])
    pd.testing.assert_series_equal(y_res, target.iloc[fitted.sample_indices_])
    assert_array_equal(fitted.feature_names_in_, ["a", "b"])
    assert_array_equal(fitted.get_feature_names_out(), ["a", "b"])
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[["b", "a"]])


def test_polars_in_and_out(blobs):
    X, y = blobs
    frame = pl.DataFrame(X, schema=["a", "b"])
    target = pl.Series("kind", [f"c{label}" for label in y])
    fitted = propagator()
    X_res, y_res = fitted.fit_resample(frame, target)
    kept = fitted.sample_indices_.tolist()
    assert X_res.equals(frame[kept])
    assert y_res.equals(target[kept])
    assert (y_res.name, y_res.dtype) == ("kind", pl.String)


def test_new_labels_of_an_oracle_do_not_vanish_in_a_categorical_y(blobs):
    X, y = blobs
    names = np.array(["a", "b", "c", "d"])[y]
    target = pd.Series(np.where(y == 0, names, None), dtype="category")
    _, y_res = propagator(oracle=RecordingOracle(X, names)).fit_resample(X, target)
    assert set(y_res) == {"a", "b", "c", "d"}


@pytest.mark.parametrize(
    ("labels", "missing_label"),
    [
        (np.array([10, 20, 30, 40]), -1),
        (np.array([1, 2, 3, 4], dtype=np.uint8), -1),
        (np.array([1.0, 2.0, 3.0, 4.0]), np.nan),
        (np.array(["a", "bb", "ccc", "dddd"]), "unlabelled"),
        (np.array(["a", "bb", "ccc", "dddd"], dtype=object), None),
    ],
)
def test_labels_of_every_kind_keep_it(blobs, labels, missing_label):
    X, y = blobs
    fitted = propagator(missing_label=missing_label, fraction=1)
    _, y_res = fitted.fit_resample(X, labels[y])
    assert y_res.dtype == labels.dtype
    assert_array_equal(y_res, labels[y])
    assert_array_equal(fitted.classes_, labels)
    assert_array_equal(fitted.transduction_, labels[y])


def test_numbers_held_as_objects_come_out_as_numbers(blobs):
    """scikit-learn's classifiers refuse them as objects."""
    X, y = blobs
    objects = y.astype(object)
    objects[::2] = None
    _, y_res = propagator().fit_resample(X, objects)
    assert y_res.dtype.kind == "i"


@pytest.mark.parametrize("missing_label", ["", "?"])
def test_long_answers_are_not_cut_to_the_length_of_y(blobs, missing_label):
    X, y = blobs
    names = np.array(["ant", "bee", "cat", "dog"])[y]
    partial = np.where(y == 0, "a", missing_label)
    oracle = RecordingOracle(X, names)
    fitted = propagator(oracle=oracle, missing_label=missing_label, fraction=1)
    _, y_res = fitted.fit_resample(X, partial)
    assert_array_equal(y_res, np.where(y == 0, "a", names))


@pytest.mark.parametrize(
    "y_unlabelled",
    [
        pl.Series([None] * 120, dtype=pl.Enum(["x"])),
        pl.Series([None] * 120, dtype=pl.Int8),
        pl.Series([None] * 120),
        pd.Series([None] * 120, dtype="Int8"),
        pd.Series([None] * 120, dtype="string"),
        pd.Series([None] * 120, dtype="category"),
    ],
)
def test_answers_that_the_container_of_y_cannot_hold_are_not_lost(blobs, y_unlabelled):
    X, y = blobs
    oracle = RecordingOracle(X, y + 300)
    _, y_res = propagator(oracle=oracle, fraction=1).fit_resample(X, y_unlabelled)
    assert type(y_res) is type(y_unlabelled)
    assert y_res.to_list() == (y + 300).tolist()


@pytest.mark.parametrize(
    "container",
    [
        lambda y: pl.Series(y, dtype=pl.UInt8),
        lambda y: pl.Series([f"c{i}" for i in y], dtype=pl.Enum([*"abc", "c0", "c1"])),
        lambda y: pd.Series(y, dtype="Int16"),
    ],
)
def test_dtypes_of_series_are_kept(blobs, container):
    X, y = blobs
    target = container(y % 2)
    _, y_res = propagator(n_clusters=8).fit_resample(X, target)
    assert y_res.dtype == target.dtype


@pytest.mark.parametrize("container", [pd.DataFrame, pl.DataFrame])
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_y_as_a_frame(blobs, container):
    X, y = blobs
    target = container({"kind": y})
    fitted = propagator()
    _, y_res = fitted.fit_resample(X, target)
    assert isinstance(y_res, container)
    assert y_res["kind"].to_list() == y[fitted.sample_indices_].tolist()


def test_boolean_labels(blobs):
    X, y = blobs
    _, y_res = propagator().fit_resample(X, y > 1)
    assert y_res.dtype == bool


def test_sparse_equals_dense(digits):
    X, y = digits
    # By the graph, neighbours equally far may come in another order.
    dense = propagator(n_clusters=30, propagation="cluster").fit(X, y)
    sparse = clone(dense).fit(csr_array(X), y)
    assert_array_equal(sparse.representative_indices_, dense.representative_indices_)
    assert_array_equal(sparse.sample_indices_, dense.sample_indices_)
    assert_array_equal(sparse.transduction_, dense.transduction_)
    X_res, _ = sparse.fit_resample(csr_array(X), y)
    assert_array_equal(X_res.toarray(), X[dense.sample_indices_])


def test_anything_the_embedding_takes_can_be_clustered():
    texts = ["red apple", "green apple", "red apple pie", "blue sky", "grey sky"] * 4
    kinds = ["fruit" if "apple" in text else "weather" for text in texts]
    fitted = KMeansLabelPropagator(2, embedding=TfidfVectorizer(), random_state=0)
    texts_res, kinds_res = fitted.fit_resample(texts, kinds)
    assert isinstance(texts_res, list)
    assert kinds_res == [kinds[i] for i in fitted.sample_indices_]
    assert fitted.predict(["pie with apple", "the sky"]).tolist() == [
        "fruit",
        "weather",
    ]


# Clusterers and embeddings.


class FitTransformOnly:
    """As little as an embedding can be."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, :1]


def test_an_embedding_needs_no_more_than_fit_and_transform(blobs):
    X, y = blobs
    fitted = propagator(n_clusters=2, embedding=FitTransformOnly()).fit(X, y)
    assert fitted.cluster_centers_.shape == (2, 1)


def test_a_pretrained_embedding_stays_as_it_is(blobs):
    X, y = blobs
    pretrained = PCA(1).fit(X)
    fitted = propagator(embedding=FrozenEstimator(pretrained)).fit(X, y)
    assert_array_equal(fitted.embedding_.transform(X), pretrained.transform(X))


class RowDropper(FitTransformOnly):
    def transform(self, X):
        return X[1:]


def test_an_embedding_that_drops_rows_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        propagator(embedding=RowDropper(), oracle=RecordingOracle(X, y)).fit(X)


def test_jobs_are_handed_down(blobs):
    X, y = blobs
    embedding = make_pipeline(KNeighborsTransformer(n_neighbors=3), PCA(2))
    fitted = propagator(embedding=embedding, n_jobs=2).fit(X, y)
    assert fitted.embedding_[0].n_jobs == 2


def test_a_random_state_instance_moves_on(digits):
    X, y = digits
    moving = propagator(n_clusters=10, random_state=np.random.RandomState(0))
    first = moving.fit(X, y).labels_
    assert not np.array_equal(moving.fit(X, y).labels_, first)
    again = propagator(n_clusters=10, random_state=np.random.RandomState(0))
    assert_array_equal(again.fit(X, y).labels_, first)


@pytest.mark.parametrize("clusterer", [MiniBatchKMeans(), BisectingKMeans(), KMeans()])
def test_any_clusterer_with_centres(blobs, clusterer):
    X, y = blobs
    fitted = propagator(clusterer=clusterer).fit(X, y)
    assert isinstance(fitted.clusterer_, type(clusterer))
    assert fitted.clusterer_.n_clusters == 4
    assert fitted.clusterer_.random_state == 0
    assert_array_equal(fitted.labels_, fitted.clusterer_.labels_)
    assert clusterer.n_clusters == 8  # the one given is left alone
    assert fitted.inertia_ == pytest.approx(fitted.clusterer_.inertia_)


def test_the_seed_reaches_nested_estimators_but_overrides_none(blobs):
    X, y = blobs
    embedding = make_pipeline(StandardScaler(), PCA(2, svd_solver="randomized"))
    fitted = propagator(embedding=embedding, clusterer=KMeans(random_state=5)).fit(X, y)
    assert fitted.embedding_[-1].random_state == 0
    assert fitted.clusterer_.random_state == 5
    assert embedding[-1].random_state is None


def test_the_default_is_scikit_learns_kmeans(digits):
    X, y = digits
    fitted = propagator(n_clusters=10).fit(X, y)
    expected = KMeans(10, random_state=0).fit(X)
    assert_array_equal(fitted.labels_, expected.labels_)
    assert_array_equal(fitted.cluster_centers_, expected.cluster_centers_)


def test_representatives_are_closest_to_their_centres(digits):
    X, y = digits
    fitted = propagator(n_clusters=20).fit(X, y)
    for cluster, position in zip(
        fitted.representative_clusters_, fitted.representative_indices_, strict=True
    ):
        members = np.flatnonzero(fitted.labels_ == cluster)
        distances = np.linalg.norm(
            X[members] - fitted.cluster_centers_[cluster], axis=1
        )
        assert position == members[distances.argmin()]


# The fraction.


@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_fraction_zero_is_the_given_labels_alone(blobs, rule):
    X, y = blobs
    fitted = propagator(fraction=0, propagation=rule).fit(X, y)
    assert_array_equal(fitted.sample_indices_, np.sort(fitted.representative_indices_))
    known = np.arange(len(X)) % 3 == 0
    fitted.fit(X, np.where(known, y, -1))
    assert_array_equal(fitted.sample_indices_, np.flatnonzero(known))
    assert len(fitted.sample_indices_) > len(fitted.representative_indices_)


def test_confidence_falls_with_the_distance_and_orders_the_fraction(digits):
    X, y = digits
    fitted = propagator(n_clusters=20, propagation="cluster", fraction=0.4).fit(X, y)
    distances = np.linalg.norm(X - fitted.cluster_centers_[fitted.labels_], axis=1)
    kept = np.isin(np.arange(len(X)), fitted.sample_indices_)
    for cluster in range(20):
        members = fitted.labels_ == cluster
        order = np.argsort(-fitted.confidence_[members])
        assert (np.diff(distances[members][order]) > -1e-9).all()
        inside = fitted.confidence_[members & kept].min()
        assert inside > fitted.confidence_[members & ~kept].max()
    assert_array_equal(fitted.confidence_[fitted.representative_indices_], 1)


# query and propagate.


def test_query_then_propagate_equals_fit(blobs):
    X, y = blobs
    fitted = propagator(n_clusters=6).fit(X, y)
    halves = propagator(n_clusters=6)
    positions = halves.query(X)
    sizes = np.bincount(fitted.labels_)[fitted.labels_[positions]]
    assert (np.diff(sizes) <= 0).all()
    assert_array_equal(np.lexsort((fitted.labels_[positions], -sizes)), np.arange(6))
    assert halves.propagate(y[positions]) is halves
    assert halves.n_queries_ == 6
    for name in ("transduction_", "confidence_", "sample_indices_", "classes_"):
        assert_array_equal(getattr(halves, name), getattr(fitted, name))


def test_answers_add_up_and_nothing_is_clustered_again(blobs):
    X, y = blobs
    halves = propagator(propagation="cluster")
    first, second, *rest = halves.query(X).tolist()
    clusterer = halves.clusterer_
    with (
        pytest.warns(UserWarning, match="The only class found is"),
        pytest.warns(UserWarning, match="3 of 4 clusters"),
    ):
        halves.propagate({first: y[first]})
    assert_array_equal(halves.transduction_, np.where(y == y[first], y, -1))
    with pytest.warns(UserWarning, match="2 of 4 clusters"):
        halves.propagate({second: y[second]})
    halves.propagate([-1, -1, *y[rest]])
    assert_array_equal(halves.transduction_, y)
    assert halves.clusterer_ is clusterer
    assert halves.n_queries_ == 4
    halves.set_params(fraction=0).propagate({})
    assert len(halves.sample_indices_) == 4


def test_query_skips_what_y_knows(blobs):
    X, y = blobs
    halves = propagator()
    partial = np.where(y == 3, -1, y)
    (position,) = halves.query(X, partial)
    assert y[position] == 3
    assert_array_equal(halves.propagate([3]).transduction_, y)
    assert len(halves.query(X, y)) == 0
    assert_array_equal(halves.propagate([]).transduction_, y)


def test_propagate_needs_a_query_and_legal_answers(blobs):
    X, y = blobs
    with pytest.raises(NotFittedError):
        propagator().propagate([1])
    halves = propagator()
    positions = halves.query(X)
    with pytest.raises(ValueError, match=r"4 label.*Got 1 label"):
        halves.propagate([1])
    for stranger in (len(X), -1, 1.5, True, "a"):
        with pytest.raises(ValueError, match=rf"0 to 119, .*Got {stranger!r} instead"):
            halves.propagate({0: 1, stranger: 1})
    with pytest.raises(ValueError, match="No sample has a label"):
        halves.propagate([-1] * 4)
    with pytest.raises(NotFittedError):
        halves.predict(X)
    # A refused answer is not kept.
    with pytest.raises(TypeError, match="all strings or all numbers"):
        halves.propagate([1, 2, 3, "d"])
    halves.propagate(y[positions])
    assert_array_equal(halves.transduction_, y)


def test_propagate_goes_by_the_index_of_a_series(blobs):
    X, y = blobs
    halves = propagator()
    positions = halves.query(X)
    answers = pd.Series(y[positions], index=positions).sort_index()
    assert_array_equal(halves.propagate(answers).transduction_, y)
    with pytest.raises(ValueError, match="Got 'a', 'b', 'c', 'd' instead"):
        halves.propagate(pd.Series(y[positions], index=list("abcd")))
    assert_array_equal(halves.transduction_, y)


def test_the_positions_returned_are_the_callers_own(blobs):
    X, y = blobs
    halves = propagator()
    positions = halves.query(X)
    answers = y[positions]
    positions[:] = 0
    assert_array_equal(halves.propagate(answers).transduction_, y)
    assert_array_equal(halves.propagate(iter(answers)).transduction_, y)


def test_a_series_of_labels_is_never_taken_in_order(blobs):
    X, y = blobs
    halves = propagator()
    positions = halves.query(X)
    assert set(positions).isdisjoint(range(4))
    # Of the first four rows, or in the order of the question: nobody can tell.
    with pytest.raises(ValueError, match="Pass a dict by position, or an array"):
        halves.propagate(pd.Series(y[positions]))
    assert halves.answers_ == {}
    # Here the numbers from 0 on are the positions asked for, in another order.
    four = np.array([[3.0], [1.0], [0.0], [7.0]])
    few = propagator(propagation="cluster")
    assert few.query(four).tolist() != [0, 1, 2, 3]
    at = ["at 3", "at 1", "at 0", "at 7"]
    for labels in (pd.Series(at), pd.Series(at).loc[::-1]):
        assert_array_equal(few.propagate(labels).transduction_, at)


# One class only.


@pytest.mark.parametrize("rule", ["cluster", "graph"])
@pytest.mark.parametrize("only", ["benign", 0, 7, True])
def test_a_single_class_is_warned_of_whatever_its_name(blobs, rule, only):
    X, y = blobs
    partial = np.full(len(X), None, dtype=object)
    partial[[np.flatnonzero(y == k)[0] for k in range(4)]] = only
    alone = propagator(propagation=rule, missing_label=None)
    with pytest.warns(UserWarning, match=f"The only class found is {only!r}") as caught:
        alone.fit(X, partial)
    assert len(caught) == 1
    assert "marks a missing label" not in str(caught[0].message)
    assert_array_equal(alone.transduction_, np.full(len(X), only))
    assert_array_equal(alone.predict(X), np.full(len(X), only))


@pytest.mark.parametrize("kind", [int, float, str])
def test_minus_one_for_a_class_is_suspected(blobs, kind):
    X, _ = blobs
    mixed = np.where(np.arange(len(X)) % 2, 1, -1).astype(kind)
    hint = "-1 marks a missing label: if it is one of your classes"
    with pytest.warns(UserWarning, match=hint) as caught:
        propagator().fit(X, mixed)
    assert len(caught) == 1
    asked = propagator(oracle=RecordingOracle(X, np.ones(len(X), dtype=kind)))
    with pytest.warns(UserWarning, match=hint) as caught:
        asked.fit(X)
    assert len(caught) == 1
    # Told what marks a missing label, or with another class beside, it is none.
    both = np.where(np.arange(len(X)) % 2, "1", "-1")
    assert_array_equal(propagator(missing_label="").fit(X, both).classes_, ["-1", "1"])
    two = np.where(np.arange(len(X)) % 4, np.arange(len(X)) % 2, -1).astype(kind)
    assert len(propagator(propagation="cluster").fit(X, two).classes_) == 2


def test_answers_without_an_order_are_refused(blobs):
    propagator = KMeansLabelPropagator(2, oracle=lambda asked: {"a", "b"})
    with pytest.raises(TypeError, match="Got set instead"):
        propagator.fit(blobs[0])


def test_new_clusters_forget_the_labels_of_the_old(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    fitted.set_params(n_clusters=6).query(X)
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    assert not hasattr(fitted, "transduction_")
    assert fitted.answers_ == {}
    # Not half: a part of an earlier fit would pass for one of this.
    assert fitted.n_queries_ == len(fitted.clusterer_.cluster_centers_) == 6


# Two faces, one class.


class Subclass(KMeansLabelPropagator):
    pass


@pytest.mark.parametrize("cls", [KMeansLabelPropagator, Subclass])
def test_output_shows_one_face_only(cls):
    samples, features = cls(), cls(output="features")
    assert hasattr(samples, "fit_resample")
    assert not hasattr(samples, "transform")
    assert not hasattr(samples, "fit_transform")
    assert not hasattr(features, "fit_resample")
    assert hasattr(features, "transform")
    assert hasattr(features, "fit_transform")


def test_features_are_the_distances_of_kmeans(blobs):
    X, y = blobs
    features = propagator(output="features")
    transformed = features.fit_transform(X, y)
    np.testing.assert_allclose(transformed, KMeans(4, random_state=0).fit_transform(X))
    names = [f"kmeanslabelpropagator{i}" for i in range(4)]
    assert_array_equal(features.get_feature_names_out(), names)
    frame = features.set_output(transform="pandas").transform(X)
    assert_array_equal(frame.columns, names)


def test_features_are_distances_in_the_space_of_the_embedding(digits):
    X, y = digits
    pca = PCA(3, random_state=0)
    features = propagator(output="features", embedding=pca).fit_transform(X, y)
    expected = KMeans(4, random_state=0).fit_transform(pca.fit_transform(X))
    np.testing.assert_allclose(features, expected, atol=1e-6)


def test_tags_tell_what_is_needed_and_taken():
    assert get_tags(propagator()).target_tags.required
    assert not get_tags(propagator(oracle=len)).target_tags.required
    assert get_tags(propagator()).input_tags.sparse
    scaler = StandardScaler()
    assert get_tags(scaler).input_tags.allow_nan
    assert get_tags(propagator(embedding=scaler)).input_tags.allow_nan
    assert get_tags(propagator()).input_tags.allow_nan
    assert not get_tags(propagator(embedding=None)).input_tags.allow_nan
    assert get_tags(propagator(embedding=TfidfVectorizer())).input_tags.string
    # Illegal parameters are for fit to refuse, not for a tag.
    assert get_tags(propagator(embedding="pca")).target_tags.required


# Bad input.


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_clusters": 0}, r"'n_clusters' parameter .* range \[1, inf\). Got 0"),
        ({"n_clusters": 2.5}, "'n_clusters' parameter .* Got 2.5"),
        ({"fraction": 1.1}, r"'fraction' parameter .* range \[0.0, 1.0\]. Got 1.1"),
        ({"fraction": np.nan}, "'fraction' parameter"),
        (
            {"oracle": 3},
            "'oracle' .* callable, a str among {'y'} or None. Got 3",
        ),
        ({"oracle": "X"}, "'oracle' parameter .* Got 'X'"),
        (
            {"embedding": "pca"},
            "'embedding' parameter .* 'fit', 'transform' and 'get_params'",
        ),
        ({"clusterer": "kmeans"}, "'clusterer' parameter"),
        ({"alpha": 1}, r"'alpha' parameter .* range \(0.0, 1.0\)"),
        ({"class_prior": {}}, "'class_prior' parameter .* Got an empty dict"),
        ({"max_retries": -1}, "'max_retries' parameter"),
        ({"n_jobs": 0}, "'n_jobs' parameter .* Got 0"),
        ({"propagation": "best"}, "'propagation' parameter .* str among .*'graph'"),
        ({"output": "both"}, "'output' parameter .* str among .*'samples'"),
        ({"reuse_labels": "no"}, "'reuse_labels' parameter"),
        ({"memory": 3}, "'memory' parameter"),
        ({"random_state": "now"}, "'random_state' parameter"),
    ],
)
def test_illegal_parameters_are_named_before_anyone_is_asked(blobs, params, match):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    with pytest.raises(ValueError, match=match):
        propagator(**{"oracle": oracle} | params).fit(X)
    assert oracle.n_asked == 0
    with pytest.raises(ValueError, match=match):
        propagator().fit(X, y).set_params(**params).propagate({})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused(blobs, bad):
    X, y = blobs
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        propagator(embedding=None).fit(X, y)


def test_pixels_take_the_memory_of_float32(blobs):
    X, y = blobs
    pixels = np.round(10 * (X - X.min(axis=0))).astype(np.uint8)
    fitted = propagator().fit(pixels, y)
    assert fitted.clusters_.E.dtype == np.float32
    assert_array_equal(fitted.predict(pixels), fitted.transduction_)
    as_floats = propagator().fit(pixels.astype(float), y)
    assert_array_equal(fitted.transduction_, as_floats.transduction_)


def test_missing_values_are_filled_in_but_infinity_is_refused(blobs):
    X, y = blobs
    full = propagator().fit(X, y).transduction_
    X[::7, 1] = np.nan
    right = propagator().fit(X, y).transduction_ == full
    assert right[~np.isnan(X).any(axis=1)].all()
    X[3, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        propagator().fit(X, y)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_number_that_leaves_the_others_no_digits_is_refused(blobs):
    X, y = blobs
    X[5, 1] = 1e9
    propagator(embedding=None).fit(X, y)  # float64 has digits enough
    with pytest.raises(ValueError, match="in column 1, while most samples lie"):
        propagator(embedding=None).fit(X.astype(np.float32), y)


def test_a_column_of_next_to_nothing_spoils_no_other(blobs):
    X, y = blobs
    expected = propagator(embedding=None).fit(X, y).transduction_
    tiny = 1e-9 * np.random.default_rng(0).normal(size=len(X))
    tiny[7] = 0.02
    wide = np.column_stack([X, tiny]).astype(np.float32)
    found = propagator(embedding=None).fit(wide, y).transduction_
    assert_array_equal(found, expected)


def test_more_clusters_than_samples_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        propagator().fit(X[:3], y[:3])


def test_extreme_cluster_counts(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="The only class found"):
        one = propagator(n_clusters=1, propagation="cluster").fit(X, y)
    assert_array_equal(one.transduction_, np.full(120, one.classes_[0]))
    every = propagator(n_clusters=120, fraction=0).fit(X, y)
    assert_array_equal(every.transduction_, y)
    assert_array_equal(every.sample_indices_, np.arange(120))


def test_samples_beyond_the_reach_of_a_label_are_left_out_and_told_of(blobs):
    X, y = blobs
    with (
        pytest.warns(UserWarning, match="The only class found"),
        pytest.warns(UserWarning, match="No label reaches 90 samples over the graph"),
    ):
        one = propagator(n_clusters=1).fit(X, y)
    group = y[one.representative_indices_[0]]
    assert_array_equal(one.transduction_, np.where(y == group, group, -1))
    assert_array_equal(one.sample_indices_, np.flatnonzero(y == group))


def test_identical_samples_leave_clusters_empty_not_wrong():
    X = np.repeat([[0.0, 1.0], [5.0, 5.0]], 10, axis=0)
    y = np.repeat([0, 1], 10)
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        fitted = propagator(propagation="cluster").fit(X, y)
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        by_graph = propagator().fit(X, y)
    # Each of two distinct samples is all that the other has for neighbours.
    assert_array_equal(by_graph.suspects_, by_graph.given_.positions)
    for each in (fitted, by_graph):
        assert sorted(each.representative_indices_ // 10) == [0, 1]
        assert_array_equal(each.transduction_, y)
        assert_array_equal(each.predict(X), y)
        assert ((each.confidence_ > 0) & (each.confidence_ <= 1)).all()


def test_an_empty_cluster_has_no_representative_and_is_not_warned_of():
    X = np.array([[0.0], [1.0], [10.0]])
    centers = [[0.0], [50.0], [10.0]]
    fitted = KMeansLabelPropagator(
        3, clusterer=FixedCenters(centers=centers), propagation="cluster"
    )
    fitted.fit(X, ["a", "a", "b"])
    assert_array_equal(fitted.representative_clusters_, [0, 2])
    assert fitted.predict([[60.0]]).tolist() == [-1]


# Prediction.


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("embedding", [None, PCA(8, random_state=0)])
def test_training_samples_are_predicted_as_they_were_labelled(
    digits, container, embedding
):
    X, y = container(digits[0]), digits[1]
    known = np.random.default_rng(0).random(len(y)) < 0.05
    fitted = propagator(n_clusters=30, embedding=embedding)
    fitted.fit(X, np.where(known, y, -1))
    assert (fitted.transduction_ >= 0).all()
    assert_array_equal(fitted.predict(X), fitted.transduction_)
    proba = fitted.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    shares = fitted.label_distributions_
    np.testing.assert_allclose(proba, as_probabilities(shares), atol=1e-9)


def test_new_samples_are_predicted_as_right_as_labels_are_propagated(digits):
    X, y = digits
    fitted = propagator(n_clusters=50).fit(X[:1200], y[:1200])
    right = np.mean(fitted.transduction_ == y[:1200])
    by_centres = clone(fitted).set_params(propagation="cluster").fit(X[:1200], y[:1200])
    predicted = np.mean(fitted.predict(X[1200:]) == y[1200:])
    assert predicted > right - 0.05
    assert predicted > np.mean(by_centres.predict(X[1200:]) == y[1200:])
    probabilities = fitted.predict_proba(X[1200:])
    assert_array_equal(
        fitted.classes_[probabilities.argmax(axis=1)], fitted.predict(X[1200:])
    )


def test_a_sample_next_to_unlabelled_ones_takes_the_nearest_given_label(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="No label reaches 60 samples"):
        fitted = propagator().fit(X, np.where(y >= 2, y, -1))
    given = np.flatnonzero(y >= 2)
    for group in (0, 1):
        distances = np.linalg.norm(X[y == group, None] - X[given], axis=2)
        assert_array_equal(
            fitted.predict(X[y == group]), y[given[distances.argmin(axis=1)]]
        )


def test_probabilities_are_those_of_the_graph_only(blobs):
    X, y = blobs
    assert hasattr(propagator(), "predict_proba")
    assert not hasattr(propagator(propagation="cluster"), "predict_proba")
    fitted = propagator(propagation="cluster").fit(X, y)
    assert not hasattr(fitted, "label_distributions_")
    assert not hasattr(fitted, "suspects_")
    # What a parameter says now changes nothing about what was fitted.
    assert not hasattr(fitted.set_params(propagation="graph"), "predict_proba")
    assert_array_equal(fitted.predict(X), y)


def test_embed_is_the_space_of_the_clusters(digits):
    X, y = digits
    pca = PCA(5, random_state=0)
    fitted = propagator(embedding=pca).fit(X, y)
    np.testing.assert_allclose(fitted.embed(X), pca.fit_transform(X), atol=1e-9)
    assert_array_equal(fitted.embed(X), fitted.clusters_.E)
    assert_array_equal(propagator().fit(X, y).embed(X), X)
    with pytest.raises(NotFittedError):
        propagator().embed(X)
    for bad in (X[:, :3], [[np.nan] * 64]):
        with pytest.raises(ValueError, match=r"3 features|NaN"):
            fitted.embed(bad)


def test_neighbours_that_cannot_be_found_for_new_samples_are_named(blobs):
    X, y = blobs

    class Once(BaseEstimator):
        def fit_transform(self, X, y=None):
            return KNeighborsTransformer(n_neighbors=10).fit_transform(X)

    fitted = propagator(neighbors=Once()).fit(X, y)
    assert_array_equal(fitted.transduction_, y)
    with pytest.raises(TypeError, match=r"'neighbors' .* with 'transform' to predict"):
        fitted.predict(X)


# Asking and propagating, one after the other.


def test_ask_then_propagate_is_fit(blobs):
    X, y = blobs
    fitted = propagator(n_clusters=6, oracle=RecordingOracle(X, y)).fit(X)
    halves = propagator(n_clusters=6, oracle=RecordingOracle(X, y))
    assert halves.ask(X) is halves
    assert halves.oracle.n_asked == halves.n_queries_ == 6
    assert halves.answers_ == fitted.answers_
    assert_array_equal(halves.given_.positions, fitted.given_.positions)
    assert not hasattr(halves, "transduction_")
    with pytest.raises(NotFittedError):
        halves.predict(X)
    halves.propagate({})
    assert halves.oracle.n_asked == 6
    for name in ("transduction_", "confidence_", "sample_indices_", "classes_"):
        assert_array_equal(getattr(halves, name), getattr(fitted, name))


def test_the_summary_counts_what_was_known_asked_and_used(blobs):
    X, y = blobs
    partial = np.where((y == 0) & (np.arange(len(X)) % 2 == 0), y, -1)
    n_known = int(np.sum(partial == 0))
    oracle = RecordingOracle(X, y, abstain_from=[3])
    fitted = propagator(oracle=oracle, fraction=0)
    halves = propagator()
    halves.query(X, partial)
    assert halves.summary().splitlines() == [
        "120 samples in 4 clusters.",
        "Embedding: as they are.",
        f"Labels: {n_known} known, 3 asked for, 0 answered.",
    ]
    with pytest.warns(UserWarning, match="No label reaches 30"):
        fitted.set_params(fraction=0.5).fit(X, partial)
    n_kept = len(fitted.sample_indices_)
    assert fitted.summary().splitlines() == [
        "120 samples in 4 clusters.",
        "Embedding: as they are.",
        f"Labels: {n_known} known, 3 asked for, 2 answered.",
        f"{n_known + 2} given labels reach 90 samples, of which {n_kept} are kept.",
    ]
    with pytest.raises(NotFittedError):
        propagator().summary()


# Living in scikit-learn.


def test_the_fitted_object_keeps_the_embedded_samples_alone(rng):
    X = rng.normal(size=(500, 800))
    fitted = propagator(embedding=PCA(5)).fit(X, rng.integers(0, 3, 500))
    assert len(pickle.dumps(fitted)) < X.nbytes / 8


@pytest.mark.parametrize("container", [np.array, csr_array])
@pytest.mark.parametrize("rule", ["cluster", "graph"])
def test_a_fit_is_its_own_whatever_becomes_of_the_samples(blobs, container, rule):
    X, y = blobs
    given = container(X)
    halves = propagator(propagation=rule)
    positions = halves.query(given)
    if container is csr_array:
        given.data[:] = 0
    else:
        given[:] = 0
    halves.propagate(y[positions])
    assert_array_equal(halves.transduction_, y)
    assert_array_equal(halves.predict(container(X)), y)


def test_clone_pickle_and_joblib(blobs, tmp_path):
    X, y = blobs
    fitted = propagator(embedding=PCA(1)).fit(X, y)
    joblib.dump(fitted, tmp_path / "propagator.joblib")
    for copy in (
        clone(fitted).fit(X, y),
        pickle.loads(pickle.dumps(fitted)),
        joblib.load(tmp_path / "propagator.joblib"),
    ):
        assert_array_equal(copy.predict(X), fitted.predict(X))
        assert_array_equal(copy.sample_indices_, fitted.sample_indices_)
    half = propagator()
    positions = half.query(X)
    half = pickle.loads(pickle.dumps(half))
    assert_array_equal(half.propagate(y[positions]).transduction_, y)


def test_html_shows_the_parts():
    html = estimator_html_repr(propagator(embedding=PCA(3), clusterer=KMeans()))
    assert "embedding" in html
    assert "PCA" in html
    assert "clusterer" in html


def test_verbose_tells_the_stages_on_stderr(blobs, capsys):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    propagator(oracle=oracle, embedding=PCA(1), verbose=1).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    for stage in ("embedding", "clustering 120 samples", "the oracle for 4 labels"):
        assert stage in err
    propagator().fit(X, y)
    assert capsys.readouterr().err == ""


def test_columns_with_other_offsets_do_not_hide_a_number_without_meaning(rng):
    X = rng.normal(size=(10_000, 2)) + np.array([0, 1e4])
    assert len(propagator(n_clusters=3, embedding=None).query(X)) == 3
    X[17, 0] = 1e15
    with pytest.raises(ValueError, match="lose all digits"):
        propagator(n_clusters=3, embedding=None).query(X)


def test_alpha_so_large_that_classes_mix_is_warned_of(blobs):
    with pytest.warns(UserWarning, match="'alpha' parameter is 0.99995: so close to 1"):
        propagator(alpha=0.99995).fit(*blobs)
