"""How often samples in blocks are read: counted where they are read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from helpers import RecordingOracle
from sklearn.datasets import load_digits

from kmeans_labelprop import _block_engine, streaming
from kmeans_labelprop import dask as on_dask
from kmeans_labelprop.streaming import _driver as driver

N_SAMPLES, N_CLUSTERS, N_DRAWN = 1200, 20, 400
RULES = ("cluster", "graph")
NAMES = [f"x{i}" for i in range(64)]


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    monkeypatch.setattr(driver, "batch_length", lambda n_features: 140)
    monkeypatch.setattr(on_dask, "batch_length", lambda n_features: 70)
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", N_DRAWN)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)
    set_passes(monkeypatch, 0)


def set_passes(monkeypatch, n_passes):
    """Have the sample be large enough for none, one or two passes of Lloyd's."""
    per_cluster = N_DRAWN // N_CLUSTERS
    one, two = per_cluster + (n_passes > 0), per_cluster + (n_passes > 1)
    monkeypatch.setattr(_block_engine, "_DRAWN_PER_CLUSTER", one)
    monkeypatch.setattr(_block_engine, "_FEW_PER_CLUSTER", two)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:N_SAMPLES].astype(np.float32), y[:N_SAMPLES]


class Count:
    """Rows read, in all."""

    def __init__(self):
        self.n_rows = 0

    def note(self, rows):
        self.n_rows += len(rows)
        return rows

    def since(self):
        """Tell the rows read since the last call."""
        n_rows, self.n_rows = self.n_rows, 0
        return n_rows


class CountedFile(np.memmap):
    """A mapped file that counts the rows taken from it."""

    def __getitem__(self, item):
        return self.count.note(np.asarray(self)[item])


class CountedDataset:
    """A data set of pyarrow whose batches of samples are counted."""

    def __init__(self, path, count):
        dataset = pytest.importorskip("pyarrow.dataset")
        self.dataset, self.count = dataset.dataset(path), count
        self.schema, self.count_rows = self.dataset.schema, self.dataset.count_rows

    def to_batches(self, columns, batch_size):
        for batch in self.dataset.to_batches(columns=columns, batch_size=batch_size):
            yield batch if columns == ["digit"] else self.count.note(batch)


def known_labels(y):
    """Know some labels of some classes: those of a few clusters differ."""
    is_known = (np.arange(len(y)) % 5 == 0) & np.isin(y, [1, 2, 8])
    return np.where(is_known, y, -1)


def open_blocks(kind, X, labels, folder):
    """Return samples, labels, a count, and the rows that tell what samples are like."""
    count = Count()
    if kind == "callable":
        return lambda: map(count.note, np.array_split(X, 12)), labels, count, 100
    if kind == "file":
        np.save(folder / "X.npy", X)
        mapped = np.load(folder / "X.npy", mmap_mode="r").view(CountedFile)
        mapped.count = count
        return mapped, labels, count, 200  # the first ones, and some from all over
    table = pd.DataFrame(X, columns=NAMES).assign(digit=labels)
    table.to_parquet(folder / "rows.parquet", row_group_size=300)
    return CountedDataset(folder / "rows.parquet", count), "digit", count, 100


def open_chunks(kind, X, labels):
    dask = pytest.importorskip("dask")
    da, dd = (pytest.importorskip(f"dask.{name}") for name in ("array", "dataframe"))
    count = Count()
    count.of_labels = Count()
    parts = np.array_split(X, 6)
    if kind == "array":
        read = dask.delayed(count.note, pure=False)
        arrays = [da.from_delayed(read(part), part.shape, X.dtype) for part in parts]
        return da.concatenate(arrays), labels, count
    index = np.array_split(np.arange(N_SAMPLES)[::-1], 6)
    frames = [
        pd.DataFrame(part, own, NAMES) for part, own in zip(parts, index, strict=True)
    ]
    table = dd.from_map(count.note, frames, meta=frames[0].iloc[:0])
    series = pd.Series(labels, np.concatenate(index), name="digit")
    pieces = [series[:500], series[500:550], series[550:]]
    return table, dd.from_map(count.of_labels.note, pieces, meta=series[:0]), count


def kinds_of_run(X, y, rule, known):
    """Return what is needed for a run, and how often all samples are read for it."""
    labels = known_labels(y) if known else np.full(len(y), -1)
    parameters = {
        "n_clusters": N_CLUSTERS,
        "oracle": RecordingOracle(X, y),
        "propagation": rule,
        "fraction": 0.7,
        "random_state": 0,
    }
    # The sample, the clusters and, unless each cluster has one label, the labels.
    return labels, parameters, 3 if known or rule == "graph" else 2


@pytest.mark.parametrize("n_passes", [0, 2])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["file", "callable", "parquet"])
def test_two_or_three_readings_do_unless_the_sample_is_small(
    digits, monkeypatch, tmp_path, kind, rule, known, n_passes
):
    X, y = digits
    set_passes(monkeypatch, n_passes)
    labels, parameters, expected = kinds_of_run(X, y, rule, known)
    source, labels, count, n_first = open_blocks(kind, X, labels, tmp_path)
    propagator = streaming.KMeansLabelPropagator(**parameters)
    count.since()
    propagator.fit(source, labels)
    assert propagator.n_queries_ > 0  # their rows came with the clusters
    assert count.since() == (expected + n_passes) * N_SAMPLES + n_first
    # Again from what is stored, and from rows that are held.
    propagator.propagate({})
    more = propagator.query_more(5)
    assert count.since() == 0
    propagator.propagate(y[more])  # labels of other samples: they are looked for
    n_rows = count.since()
    if kind == "file":  # in their blocks
        blocks = np.unique(more // 140)
        found = sum(min(140, N_SAMPLES - 140 * i) for i in blocks.tolist())
        assert n_rows in (found, found + N_SAMPLES)
    assert 0 < n_rows <= 2 * N_SAMPLES


@pytest.mark.parametrize("n_passes", [0, 1])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["array", "frame and Series"])
def test_chunks_are_computed_as_often(digits, monkeypatch, kind, rule, known, n_passes):
    dask = pytest.importorskip("dask")
    X, y = digits
    set_passes(monkeypatch, n_passes)
    labels, parameters, expected = kinds_of_run(X, y, rule, known)
    with dask.config.set(scheduler="synchronous"):
        table, labels, count = open_chunks(kind, X, labels)
        count.since()
        propagator = on_dask.KMeansLabelPropagator(**parameters).fit(table, labels)
        dask.compute(propagator.transduction_, propagator.kept_)
        # One chunk more for its first rows; frames once more, for their lengths.
        expected += n_passes + (kind != "array")
        assert count.since() == expected * N_SAMPLES + N_SAMPLES // 6
        assert count.of_labels.since() == N_SAMPLES * (kind != "array")
        assert propagator.n_queries_ > 0
        propagator.propagate({})
        spread_again = known or rule == "graph"
        assert count.since() == spread_again * N_SAMPLES
        propagator.query_more(5)
        assert count.since() == N_SAMPLES  # the sample is drawn again


def test_rows_that_are_not_held_are_read(digits):
    X, y = digits
    propagator = streaming.KMeansLabelPropagator(N_CLUSTERS, oracle="y", random_state=0)
    labels = np.array(propagator.fit(X, y).transduction_)
    blocks, positions = propagator._blocks, propagator.queries_[::-1]
    for held in ({}, {"X": blocks._held["X"]}, blocks._held):
        blocks._held = dict(held)
        assert np.array_equal(blocks.embedded(positions), X[positions])
        assert np.array_equal(blocks.samples(positions), X[positions])
        assert np.array_equal(propagator.propagate({}).transduction_, labels)
    some = np.array([7, 1100, *positions, 3])  # some of them only
    assert np.array_equal(blocks.samples(some), X[some])
    assert np.array_equal(blocks.embedded(some), X[some])
