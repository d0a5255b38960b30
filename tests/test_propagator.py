import pickle
import warnings
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
)


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
    assert fitted.n_queries_ == 0


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


def test_a_cluster_without_a_label_is_left_out_counted_and_warned_of(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y, abstain_from=[2])
    with pytest.warns(UserWarning, match=r"1 of 4 clusters .* 30 samples are left out"):
        fitted = propagator(oracle=oracle, fraction=1).fit(X)
    assert_array_equal(fitted.transduction_, np.where(y == 2, -1, y))
    assert_array_equal(fitted.sample_indices_, np.flatnonzero(y != 2))
    assert_array_equal(fitted.confidence_ == 0, y == 2)
    assert_array_equal(fitted.classes_, [0, 1, 3])
    assert sorted(fitted.representative_labels_.tolist()) == [-1, 0, 1, 3]
    assert_array_equal(fitted.predict(X), fitted.transduction_)


def test_partial_y_without_an_oracle_leaves_the_other_clusters_out(blobs):
    X, y = blobs
    partial = np.where(y == 2, y, -1)
    fitted = propagator(fraction=1)
    with pytest.warns(UserWarning, match="3 of 4 clusters have no label"):
        X_res, y_res = fitted.fit_resample(X, partial)
    assert fitted.n_queries_ == 0
    assert_array_equal(X_res, X[y == 2])
    assert_array_equal(y_res, np.full(30, 2))


@pytest.mark.parametrize(
    ("params", "y", "match"),
    [
        ({}, None, "requires y to be passed, but the target y is None"),
        ({}, [-1] * 120, "at least one label when there is no oracle"),
        ({"reuse_labels": False}, [0] * 120, "'oracle' parameter must be a callable"),
        ({"oracle": lambda q: [-1] * len(q)}, None, "No cluster has a label"),
        ({"oracle": lambda q: [1], "oracle_input": "ids"}, None, "needs sample_ids"),
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
    with pytest.warns(UserWarning, match="1 of 4 clusters"):
        fitted = propagator(oracle=oracle, missing_label="?").fit(X)
    expected = np.where(y == 2, "?", names)
    assert_array_equal(fitted.transduction_, expected)
    assert_array_equal(fitted.predict(X), expected)
    assert set(fitted.representative_labels_) == {"a", "b", "?", "d"}


def test_warnings_point_at_the_callers_line(blobs):
    X, y = blobs
    partial = np.where(y == 2, y, -1)
    for method in ("fit", "fit_resample"):
        with pytest.warns(UserWarning, match="clusters have no label") as caught:
            getattr(propagator(), method)(X, partial)
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


@pytest.mark.parametrize("oracle_input", ["rows", "ids"])
def test_a_series_of_answers_goes_by_its_index(blobs, oracle_input):
    X, y = blobs
    frame = pd.DataFrame(X, columns=["a", "b"]).add_prefix("x")
    frame.index = [f"image-{i}" for i in range(len(X))]
    table = pd.Series(y, index=frame.index)

    def look_up(query):
        keys = query.index if oracle_input == "rows" else query
        found = table[table.index.isin(keys)]  # in the order of the table
        assert found.index.tolist() != list(keys)
        return found

    by_index = propagator(oracle=look_up, oracle_input=oracle_input)
    fitted = by_index.fit(frame, sample_ids=frame.index.to_numpy())
    assert_array_equal(fitted.transduction_, y)
    by_index.set_params(oracle=lambda query: look_up(query).to_frame())
    fitted = by_index.fit(frame, sample_ids=frame.index.tolist())
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
    assert "'answers' of this error" in e.value.__notes__[0]
    # Without an index of its own a series is in order, and so is any other of an array.
    found = RecordingOracle(X, y)
    for rows, answer in (
        (frame, pd.Series),
        (X, lambda a: pd.Series(a, index=[9] * 4)),
    ):
        asked = propagator(oracle=lambda rows, answer=answer: answer(found(rows)))
        assert_array_equal(asked.fit(rows).transduction_, y)


def test_ids_of_any_kind_are_matched(blobs):
    X, y = blobs
    ids = [Path(f"a/{i:03}.png") for i in range(len(X))]
    table = pd.Series(y, index=pd.Index(ids))

    def in_order_of_table(asked):
        return table[[path in set(asked) for path in table.index]]

    by_id = propagator(oracle=in_order_of_table, oracle_input="ids")
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
    asked = propagator(oracle=lambda rows: table[table.index.isin(rows.index)])
    with pytest.raises(ValueError, match="Got the index 0, 1, 2, 3 instead") as caught:
        asked.fit(X)
    assert caught.value.answers.tolist() == list("wxyz")
    asked.set_params(oracle=lambda rows: table[rows.index])
    assert asked.fit(X).transduction_.tolist() == list("wxyz")


def test_labels_of_two_kinds_are_refused_and_not_lost(blobs):
    mixed = propagator(oracle=lambda rows: (label for label in [1, "a", 2, "b"]))
    with pytest.raises(TypeError, match="all strings or all numbers") as caught:
        mixed.fit(blobs[0])
    assert caught.value.answers == dict(
        zip(mixed._queries.tolist(), [1, "a", 2, "b"], strict=True)
    )
    short = propagator(oracle=lambda rows: iter("ab"))
    with pytest.raises(ValueError, match="Got 2 label") as caught:
        short.fit(blobs[0])
    assert caught.value.answers == ["a", "b"]


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
    assert other.fit(blobs[0]).classes_.tolist() == [7]


def test_an_id_oracle_gets_ids(blobs):
    X, y = blobs
    ids = np.array([f"image-{i}" for i in range(len(X))])
    answers = dict(zip(ids, y, strict=True))
    fitted = propagator(
        oracle=lambda query: [answers[id_] for id_ in query], oracle_input="ids"
    ).fit(X, sample_ids=ids)
    assert_array_equal(fitted.transduction_, y)
    for oracle_input in ("ids", "rows"):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            propagator(oracle=len, oracle_input=oracle_input).fit(X, sample_ids=ids[:5])


def test_a_row_oracle_gets_rows_even_where_there_are_ids(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, y)
    propagator(oracle=oracle).fit(X, sample_ids=np.arange(len(X)))
    assert oracle.queries[0].shape == (4, 2)


@pytest.mark.parametrize("index", [pd.Index, pd.Series, list, pl.Series])
def test_ids_of_any_container(blobs, index):
    X, y = blobs
    ids = index([f"image-{i}" for i in range(len(X))])
    by_id = propagator(
        oracle=lambda asked: [y[int(name[6:])] for name in asked], oracle_input="ids"
    )
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


def test_fraction_zero_is_the_representatives_alone(blobs):
    X, y = blobs
    fitted = propagator(fraction=0).fit(X, y)
    assert_array_equal(fitted.sample_indices_, np.sort(fitted.representative_indices_))


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
    assert halves.propagate(y[positions]) is halves
    assert halves.n_queries_ == 6
    for name in ("transduction_", "confidence_", "sample_indices_", "classes_"):
        assert_array_equal(getattr(halves, name), getattr(fitted, name))


def test_answers_add_up_and_nothing_is_clustered_again(blobs):
    X, y = blobs
    halves = propagator(fraction=1)
    first, second, *rest = halves.query(X).tolist()
    clusterer = halves.clusterer_
    with pytest.warns(UserWarning, match="3 of 4 clusters"):
        halves.propagate({first: y[first]})
    assert_array_equal(halves.transduction_, np.where(y == y[first], y, -1))
    with pytest.warns(UserWarning, match="2 of 4 clusters"):
        halves.propagate({second: y[second]})
    halves.propagate([-1, -1, *y[rest]])
    assert_array_equal(halves.transduction_, y)
    assert halves.clusterer_ is clusterer
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
    stranger = next(i for i in range(len(X)) if i not in positions)
    with pytest.raises(ValueError, match=rf"positions.*Got \[{stranger}\]"):
        halves.propagate({stranger: 1})
    with pytest.raises(ValueError, match="No cluster has a label"):
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
    in_order = pd.Series(y[positions], index=list("abcd"))
    assert_array_equal(halves.propagate(in_order).transduction_, y)


def test_the_positions_returned_are_the_callers_own(blobs):
    X, y = blobs
    halves = propagator()
    positions = halves.query(X)
    answers = y[positions]
    positions[:] = 0
    assert_array_equal(halves.propagate(answers).transduction_, y)
    assert_array_equal(halves.propagate(iter(answers)).transduction_, y)


def test_a_series_without_an_index_of_its_own_is_in_order():
    X = np.array([[3.0], [1.0], [0.0], [7.0]])
    propagator = KMeansLabelPropagator(4, propagation="cluster", random_state=0)
    queries = propagator.query(X)
    assert sorted(queries) == [0, 1, 2, 3]
    assert queries.tolist() != [0, 1, 2, 3]
    labels = pd.Series([f"at {value:g}" for value in X[queries, 0]])
    at = ["at 3", "at 1", "at 0", "at 7"]
    assert_array_equal(propagator.propagate(labels).transduction_, at)
    by_index = pd.Series(at).loc[::-1]
    assert_array_equal(propagator.propagate(by_index).transduction_, at)


def test_minus_one_for_a_class_is_suspected(blobs):
    X, y = blobs
    signs = np.where(y > 1, 1, -1)
    hint = "only class found is 1. -1 marks a missing label: if it is one of your"
    with (
        pytest.warns(UserWarning, match=hint),
        pytest.warns(UserWarning, match="2 of 4 clusters have no label"),
    ):
        KMeansLabelPropagator(4, random_state=0).fit(X, signs)
    # Where the classes overlap no cluster lacks a label.
    mixed = np.where(np.arange(len(X)) % 2, 1, -1)
    with pytest.warns(UserWarning, match=hint) as caught:
        KMeansLabelPropagator(4, random_state=0).fit(X, mixed)
    assert len(caught) == 1
    with pytest.warns(UserWarning, match=hint):
        PropagatedClassifierCV(
            GaussianNB(), KMeansLabelPropagator(4), random_state=0
        ).fit(X, mixed)
    with pytest.warns(UserWarning, match=hint):
        KMeansLabelPropagator(4, random_state=0).fit(X, mixed.astype(str))
    with (
        pytest.warns(UserWarning, match=hint),
        pytest.warns(UserWarning, match="never asked"),
    ):
        propagator(oracle=len).fit(X, mixed)
    # No -1 is there.
    propagator().fit(X, np.ones(len(X), dtype=int))
    propagator().fit(X, pd.Series([1, pd.NA] * 60, dtype="Int64"))
    table = {row.tobytes(): sign for row, sign in zip(X, signs, strict=True)}
    asked = KMeansLabelPropagator(
        4, oracle=lambda rows: [table[row.tobytes()] for row in rows], random_state=0
    )
    with (
        pytest.warns(UserWarning, match=hint),
        pytest.warns(UserWarning, match="2 of 4 clusters have no label"),
    ):
        asked.fit(X)
    with pytest.warns(UserWarning, match=r"are left out\.$") as caught:
        KMeansLabelPropagator(4, random_state=0).fit(X, np.where(y > 1, 2, -1))
    assert len(caught) == 1


def test_minus_one_for_a_class_is_suspected_before_more_is_asked(blobs):
    X, y = blobs
    oracle = RecordingOracle(X, np.where(y > 1, 1, -1))
    asked = KMeansLabelPropagator(4, oracle=oracle, max_retries=9, random_state=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The only class found is 1")
        with pytest.raises(UserWarning, match="-1 marks a missing label"):
            asked.fit(X)
    assert oracle.n_asked == 4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asked.fit(X)
    told = [str(warning.message) for warning in caught]
    assert sum("The only class found is 1" in text for text in told) == 1


def test_answers_without_an_order_are_refused(blobs):
    propagator = KMeansLabelPropagator(2, oracle=lambda asked: {"a", "b"})
    with pytest.raises(TypeError, match="Got set instead"):
        propagator.fit(blobs[0])


def test_propagate_checks_parameters_too(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y).set_params(fraction=3)
    with pytest.raises(ValueError, match="'fraction' parameter"):
        fitted.propagate({})


def test_new_clusters_forget_the_labels_of_the_old(blobs):
    X, y = blobs
    fitted = propagator().fit(X, y)
    fitted.set_params(n_clusters=6).query(X)
    with pytest.raises(NotFittedError):
        fitted.predict(X)
    assert not hasattr(fitted, "transduction_")


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
    assert not get_tags(propagator()).input_tags.allow_nan
    assert get_tags(propagator(embedding=TfidfVectorizer())).input_tags.string
    # Illegal parameters are for fit to refuse, not for a tag.
    assert get_tags(propagator(embedding="pca")) is not None


# Bad input.


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"n_clusters": 0}, r"'n_clusters' parameter .* range \[1, inf\). Got 0"),
        ({"n_clusters": 2.5}, "'n_clusters' parameter .* Got 2.5"),
        ({"fraction": 1.1}, r"'fraction' parameter .* range \[0.0, 1.0\]. Got 1.1"),
        ({"fraction": np.nan}, "'fraction' parameter"),
        ({"oracle": 3}, "'oracle' parameter .* callable or None. Got 3"),
        ({"oracle_input": "row"}, "'oracle_input' parameter .* str among .*'ids'"),
        ({"embedding": "pca"}, "'embedding' parameter .* 'fit' and 'transform'"),
        ({"clusterer": "kmeans"}, "'clusterer' parameter"),
        (
            {"representative": "best"},
            "'representative' parameter .* str among .*'densest'",
        ),
        ({"propagation": "best"}, "'propagation' parameter .* str among .*'graph'"),
        ({"output": "both"}, "'output' parameter .* str among .*'samples'"),
        ({"reuse_labels": "no"}, "'reuse_labels' parameter"),
        ({"memory": 3}, "'memory' parameter"),
        ({"random_state": "now"}, "'random_state' parameter"),
    ],
)
def test_illegal_parameters_are_named(blobs, params, match):
    with pytest.raises(ValueError, match=match):
        propagator(**params).fit(*blobs)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_are_refused(blobs, bad):
    X, y = blobs
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        propagator().fit(X, y)


def test_more_clusters_than_samples_is_refused(blobs):
    X, y = blobs
    with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
        propagator().fit(X[:3], y[:3])


def test_extreme_cluster_counts(blobs):
    X, y = blobs
    one = propagator(n_clusters=1, propagation="cluster").fit(X, y)
    assert_array_equal(one.transduction_, np.full(120, one.classes_[0]))
    every = propagator(n_clusters=120, fraction=0).fit(X, y)
    assert_array_equal(every.transduction_, y)
    assert_array_equal(every.sample_indices_, np.arange(120))


def test_samples_beyond_the_reach_of_a_label_are_left_out_and_told_of(blobs):
    X, y = blobs
    with pytest.warns(UserWarning, match="No label reaches 90 samples over the graph"):
        one = propagator(n_clusters=1).fit(X, y)
    group = y[one.representative_indices_[0]]
    assert_array_equal(one.transduction_, np.where(y == group, group, -1))
    assert_array_equal(one.sample_indices_, np.flatnonzero(y == group))


def test_identical_samples_leave_clusters_empty_not_wrong():
    X = np.repeat([[0.0, 1.0], [5.0, 5.0]], 10, axis=0)
    y = np.repeat([0, 1], 10)
    with pytest.warns(ConvergenceWarning, match="distinct clusters"):
        fitted = propagator(fraction=1).fit(X, y)
    assert sorted(fitted.representative_indices_) == [0, 10]
    assert_array_equal(fitted.transduction_, y)
    assert np.isfinite(fitted.confidence_).all()


def test_an_empty_cluster_has_no_representative_and_is_not_warned_of():
    X = np.array([[0.0], [1.0], [10.0]])
    centers = [[0.0], [50.0], [10.0]]
    fitted = KMeansLabelPropagator(3, clusterer=FixedCenters(centers=centers))
    fitted.fit(X, ["a", "a", "b"])
    assert_array_equal(fitted.representative_clusters_, [0, 2])
    assert fitted.predict([[60.0]]).tolist() == [-1]


# Living in scikit-learn.


def test_the_fitted_object_does_not_keep_the_samples(rng):
    X = rng.normal(size=(500, 800))
    fitted = propagator().fit(X, rng.integers(0, 3, 500))
    assert len(pickle.dumps(fitted)) < X.nbytes / 8


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
