"""Dask collections: the same results, on two workers, and little for the client."""

from __future__ import annotations

import os
import pickle
import signal

import numpy as np
import pandas as pd
import pytest
from helpers import FixedCenters, RecordingOracle
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

from kmeans_labelprop import KMeansLabelPropagator as InMemory
from kmeans_labelprop import _block_engine
from kmeans_labelprop import dask as module
from kmeans_labelprop.dask import KMeansLabelPropagator
from kmeans_labelprop.streaming import KMeansLabelPropagator as Streaming

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

RULES = ("cluster", "graph")


def cluster():
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def client():
    with cluster() as running, distributed.Client(running) as client:
        yield client


@pytest.fixture(autouse=True)
def small_sample(monkeypatch):
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 300)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)
    monkeypatch.setattr(module, "batch_length", lambda n_features: 170)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:700].astype(np.float32), y[:700]


def make(**parameters):
    parameters = {"n_clusters": 30, "random_state": 0, "fraction": 0.7} | parameters
    return KMeansLabelPropagator(**parameters)


def results(propagator):
    columns = [propagator.transduction_, propagator.kept_]
    if propagator.propagation == "graph":
        columns.append(propagator.confidence_)
    found = dask.compute(*columns) if hasattr(columns[0], "dask") else columns
    return [propagator.cluster_centers_, propagator.queries_, *map(np.asarray, found)]


def assert_same(one, other):
    for a, b in zip(results(one), results(other), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("n_known", [0, 100])
def test_agrees_with_the_one_in_memory_on_every_sample(digits, client, n_known):
    X, y = digits
    known = np.random.default_rng(0).choice(len(y), n_known, replace=False)
    labels = np.full(len(y), -1)
    labels[known] = y[known]
    spread = make(propagation="cluster", oracle=RecordingOracle(X, y))
    spread.fit(da.from_array(X, chunks=(200, -1)), da.from_array(labels, chunks=300))
    reference = InMemory(
        30,
        fraction=0.7,
        clusterer=FixedCenters(centers=spread.cluster_centers_),
        propagation="cluster",
        oracle=RecordingOracle(X, y),
    ).fit(X, labels)
    transduction, kept = dask.compute(spread.transduction_, spread.kept_)
    assert np.array_equal(transduction, reference.transduction_)
    assert np.array_equal(np.flatnonzero(kept), reference.sample_indices_)
    assert np.array_equal(spread.queries_, reference.queries_)
    assert (spread.n_known_, spread.n_queries_) == (n_known, reference.n_queries_)


@pytest.mark.parametrize("rule", RULES)
def test_neither_chunks_nor_workers_change_anything(digits, client, rule):
    X, y = digits
    streamed = Streaming(30, fraction=0.7, random_state=0, propagation=rule).fit(X, y)
    for chunks in ((250, 20), (49, 64)):
        spread = make(propagation=rule).fit(da.from_array(X, chunks=chunks), y)
        assert_same(spread, streamed)
        assert spread.transduction_.chunks[0] == da.from_array(X, chunks).chunks[0]
    with dask.config.set(scheduler="threads"):
        assert_same(make(propagation=rule).fit(X, y), streamed)


@pytest.mark.parametrize("rule", RULES)
def test_more_rounds_are_those_of_one_machine(digits, client, rule):
    X, y = digits
    streamed = Streaming(30, fraction=0.7, random_state=0, propagation=rule).fit(X, y)
    spread = make(propagation=rule).fit(da.from_array(X, chunks=(49, 20)), y)
    more = spread.query_more(20)
    assert np.array_equal(more, streamed.query_more(20))
    assert not np.isin(more, list(spread.answers_)).any()
    assert_same(spread.propagate(y[more]), streamed.propagate(y[more]))
    assert np.array_equal(spread.query_more(5), streamed.query_more(5))


def test_chunks_of_unknown_length_and_empty_ones(digits, client):
    X, y = digits
    order = np.argsort(y, kind="stable")
    X, y = X[order], y[order]
    labels = da.from_array(y, chunks=40)
    left = labels != 4  # some chunks are left empty
    spread = make().fit(da.from_array(X, chunks=(40, 64))[left], labels[left])
    assert_same(spread, make().fit(X[y != 4], y[y != 4]))


def test_frames(digits, client):
    X, y = digits
    names = [f"x{i}" for i in range(64)]
    frame = pd.DataFrame(X, columns=names, index=np.arange(len(X))[::-1])
    words = pd.Series([f"digit {label}" for label in y], frame.index, name="digit")
    collection = dd.from_pandas(frame, npartitions=5, sort=False)
    labels = dd.from_pandas(words, npartitions=3, sort=False)
    spread = make(missing_label="?")
    X_res, y_res = spread.fit_resample(collection, labels)
    assert spread.feature_names_in_.tolist() == names
    array = make(missing_label="?").fit(X, words.to_numpy())
    assert_same(spread, array)
    X_res, y_res = dask.compute(X_res, y_res)
    kept = np.asarray(array.kept_)
    assert X_res.equals(frame[kept])
    assert y_res.index.equals(X_res.index)
    assert y_res.tolist() == np.asarray(array.transduction_)[kept].tolist()
    predicted = spread.predict(collection).compute()
    assert predicted.index.equals(frame.index)
    assert np.mean(predicted == np.asarray(array.transduction_)) > 0.99


def test_a_classifier_trains_on_the_chunks(digits, client):
    X, y = digits
    X_res, y_res = make().fit_resample(da.from_array(X, chunks=(200, 64)), y)
    assert isinstance(X_res, da.Array)
    classifier = SGDClassifier(random_state=0)
    for _ in range(3):
        for rows, labels in zip(
            X_res.to_delayed()[:, 0], y_res.to_delayed(), strict=True
        ):
            classifier.partial_fit(*dask.compute(rows, labels), classes=np.arange(10))
    assert classifier.score(X, y) > 0.8


def test_predictions_are_lazy(digits, client):
    X, y = digits
    spread = make().fit(X, y)
    new = da.from_array(X[:300], chunks=(100, 64))
    predicted = spread.predict(new)
    assert isinstance(predicted, da.Array)
    assert predicted.chunks == ((100, 100, 100),)
    assert np.array_equal(predicted.compute(), spread.predict(X[:300]))


def test_a_copy_predicts(digits, client):
    X, y = digits
    spread = make().fit(da.from_array(X, chunks=(200, -1)), y)
    copy = pickle.loads(pickle.dumps(spread))
    assert np.array_equal(copy.predict(X), spread.predict(X))


def made(n_samples):
    """Make samples on the workers, always in 8 chunks."""
    random = da.random.RandomState(0)
    shape, chunks = (n_samples, 32), (n_samples // 8, 32)
    middle = 3.0 * random.randint(0, 3, shape, chunks=chunks)
    return middle + random.normal(0, 0.5, shape, chunks=chunks)


@pytest.mark.parametrize("rule", RULES)
def test_bytes_that_reach_the_client_do_not_grow_with_the_samples(
    client, monkeypatch, rule
):
    from distributed.comm import tcp

    read, from_frames = [], tcp.from_frames

    async def counted(frames, *arguments, **more):
        message = await from_frames(frames, *arguments, **more)
        if isinstance(message, dict) and "data" in message:  # results of tasks
            read.append(sum(memoryview(frame).nbytes for frame in frames))
        return message

    # Client and scheduler run here: what passes through the latter counts twice.
    monkeypatch.setattr(tcp, "from_frames", counted)
    n_bytes = []
    for n_samples in (8_000, 48_000):
        read.clear()
        spread = make(
            n_clusters=9,
            oracle=lambda rows: rows[:, 0] > 4,
            propagation=rule,
            n_anchors=50,
        ).fit(made(n_samples))
        assert 0 < spread.kept_.sum().compute() < n_samples
        n_bytes.append(sum(read))
    assert n_bytes[0] > 7e4  # the sample of 300 rows, at least: the count counts
    # Of 40,000 rows more, not a bit each.
    assert n_bytes[1] - n_bytes[0] < 40_000 / 8


def test_a_worker_that_is_killed_changes_nothing(digits):
    X, y = digits
    answer = RecordingOracle(X, y)
    X = da.from_array(X, chunks=(100, 64))

    def killing(rows):
        # Each worker holds columns of the clusters now.
        killed.append(next(iter(client.run(os.getpid).items())))
        os.kill(killed[-1][1], signal.SIGKILL)
        return answer(rows)

    killed = []
    expected = results(make().fit(X, y))
    with cluster() as running, distributed.Client(running) as client:
        spread = make(oracle=killing).fit(X)
        for a, b in zip(results(spread), expected, strict=True):
            assert np.array_equal(a, b)
        assert killed[0][0] not in client.scheduler_info()["workers"]


def test_bad_input_is_refused(digits, client):
    X, y = digits
    with pytest.raises(ValueError, match="at least one sample"):
        make().fit(da.zeros((0, 3)), da.zeros(0))
    with pytest.raises(ValueError, match=r"same number of samples\. Got 700"):
        make().fit(X, y[:9])
    with pytest.raises(ValueError, match="requires y"):
        make().fit(X)
    broken = X.copy()
    broken[690, 3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        make(embedding=None).fit(da.from_array(broken, chunks=(200, 64)), y)
