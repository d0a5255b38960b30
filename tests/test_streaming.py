"""Samples in blocks: the same results as in memory, wherever blocks begin and end."""

from __future__ import annotations

import json
import pickle
import threading
import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
from helpers import FixedCenters, RecordingOracle
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from kmeans_labelprop import KMeansLabelPropagator as InMemory
from kmeans_labelprop import _block_engine, _blocks
from kmeans_labelprop._block_engine import BlockClusters, Blocks, select_last
from kmeans_labelprop._blocks import (
    append,
    choose_steps,
    draw_rows,
    in_batches,
    merge_drawn,
    merge_sums,
    sum_by_cluster,
)
from kmeans_labelprop._fraction import rank_in_clusters, within_fraction
from kmeans_labelprop._given import GivenLabels
from kmeans_labelprop.streaming import KMeansLabelPropagator
from kmeans_labelprop.streaming import _driver as driver

RULES = ("cluster", "graph")


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch):
    """Many blocks and a small sample, so that little data has all there is to go wrong.

    1,797 digits are 13 blocks; the sample has 500 of them.
    """
    monkeypatch.setattr(driver, "batch_length", lambda n_features: 140)
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 500)
    monkeypatch.setattr(_block_engine, "_DRAWN_ELEMENTS", 1)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32), y


def fit(X, y, **parameters):
    parameters = {"n_clusters": 40, "random_state": 0, "fraction": 0.7} | parameters
    return KMeansLabelPropagator(**parameters).fit(X, y)


def in_memory(streamed, X, y, **parameters):
    """Propagate in memory from the centres of a streamed propagator."""
    centers = FixedCenters(centers=streamed.cluster_centers_)
    return InMemory(
        clusterer=centers,
        n_clusters=streamed.n_clusters,
        fraction=streamed.fraction,
        oracle=streamed.oracle,
        propagation=streamed.propagation,
        missing_label=streamed.missing_label,
        random_state=0,
        **parameters,
    ).fit(X, y)


def assert_same(streamed, reference):
    assert np.array_equal(streamed.transduction_, reference.transduction_)
    assert np.array_equal(np.flatnonzero(streamed.kept_), reference.sample_indices_)
    for name in ("representative_indices_", "representative_labels_", "queries_"):
        assert np.array_equal(getattr(streamed, name), getattr(reference, name)), name
    assert streamed.n_known_ == reference.n_known_
    assert streamed.n_queries_ == reference.n_queries_


# ------------------------------------------------------------ as in memory


def partly(y, known, missing=-1):
    labels = np.full(len(y), missing, dtype=y.dtype)
    labels[known] = y[known]
    return labels


@pytest.mark.parametrize("fraction", [0, 0.333, 0.7, 1])
def test_the_cluster_rule_is_that_of_memory_given_the_same_centres(digits, fraction):
    X, y = digits
    streamed = fit(X, y, propagation="cluster", fraction=fraction)
    assert_same(streamed, in_memory(streamed, X, y))


@pytest.mark.parametrize("n_known", [1, 30, 150])
def test_known_labels_are_facts_as_in_memory(digits, n_known):
    X, y = digits
    known = np.random.default_rng(0).choice(len(y), n_known, replace=False)
    wrong = partly((y + 1) % 10, known)  # facts, however odd
    oracle = RecordingOracle(X, y)
    streamed = fit(X, wrong, propagation="cluster", oracle=oracle)
    assert_same(streamed, in_memory(streamed, X, wrong))
    assert np.array_equal(streamed.transduction_[known], wrong[known])
    assert streamed.kept_[known].all()


def test_labels_at_the_edges_do_not_stand_for_their_clusters_as_in_memory(digits):
    X, y = digits
    streamed = fit(X, y, propagation="cluster")
    centers = streamed.cluster_centers_
    nearest = np.min(np.linalg.norm(X[:, None] - centers, axis=2), axis=1)
    labels = partly(y, np.argsort(nearest)[-200:])
    with pytest.warns(UserWarning, match="at the edges"):
        streamed = fit(X, labels, propagation="cluster", oracle=RecordingOracle(X, y))
    with pytest.warns(UserWarning, match="at the edges"):
        assert_same(streamed, in_memory(streamed, X, labels))


def test_ties_and_copies_go_as_in_memory():
    # On a grid most distances come many times, and every sample three times.
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 4, (500, 2)).astype(float), 3, axis=0)
    rng.shuffle(X)
    y = (X[:, 0] > 1).astype(int)
    known = rng.choice(len(y), 60, replace=False)
    labels = partly(np.where(rng.random(len(y)) < 0.2, 1 - y, y), known)
    oracle = RecordingOracle(X, y)
    with pytest.warns(UserWarning, match="never asked"):
        streamed = fit(X, labels, propagation="cluster", n_clusters=5, oracle=oracle)
    with pytest.warns(UserWarning, match=r"copies|never asked"):
        assert_same(streamed, in_memory(streamed, X, labels))


def test_strings_and_abstentions_go_as_in_memory(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])
    oracle = RecordingOracle(X, names, abstain_from=["digit 3"])
    with pytest.warns(UserWarning, match="clusters have no label"):
        streamed = fit(X, None, propagation="cluster", oracle=oracle, missing_label="?")
    with pytest.warns(UserWarning, match="clusters have no label"):
        assert_same(streamed, in_memory(streamed, X, None))
    assert (streamed.transduction_ == "?").any()


@pytest.mark.filterwarnings("error")
def test_a_full_y_with_a_class_called_like_a_missing_one_is_warned_of(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y], dtype=object)
    names[y == 3] = "unknown"
    with pytest.warns(UserWarning, match="set missing_label='unknown'"):
        fit(X, names)
    fit(X, names, missing_label="unknown", propagation="graph")  # said, so no warning
    fit(X, np.where(y == 4, -1, names))  # not full


def test_spellings_of_one_class_are_told(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y], dtype=object)
    names[y == 3] = "Digit 5 "
    with pytest.warns(UserWarning, match="alone: 'Digit 5 ', 'digit 5'"):
        fit(X, names)


def test_numbers_mark_what_is_missing_beside_strings(digits):
    X, y = digits
    names = np.array([f"digit {label}" for label in y])
    oracle = RecordingOracle(X, names, abstain_from=["digit 3"])
    with pytest.warns(UserWarning, match="clusters have no label"):
        streamed = fit(X, None, propagation="cluster", oracle=oracle)
    assert set(np.unique(streamed.transduction_)) == set(names) - {"digit 3"} | {"-1"}


def test_with_all_samples_as_anchors_the_graph_is_that_of_memory(digits, monkeypatch):
    X, y = digits
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", len(X))
    streamed = fit(X, y)
    reference = in_memory(streamed, X, y)
    same = np.mean(streamed.transduction_ == reference.transduction_)
    assert same > 0.99  # the shares of its own node, to nine digits
    assert np.array_equal(streamed.queries_, reference.queries_)
    assert abs(streamed.kept_.sum() - len(reference.sample_indices_)) < 5
    right = np.mean(streamed.transduction_ == y)
    assert right > np.mean(reference.transduction_ == y) - 0.005


def test_few_anchors_do_nearly_as_well_as_the_exact_graph(digits):
    X, y = digits
    streamed = fit(X, y, n_anchors=300)
    reference = in_memory(streamed, X, y)
    assert np.mean(streamed.transduction_ == y) > 0.93
    kept = np.asarray(streamed.kept_)
    assert np.mean(streamed.transduction_[kept] == y[kept]) > 0.96
    assert np.mean(streamed.transduction_ == reference.transduction_) > 0.93
    assert np.array_equal(streamed.queries_, reference.queries_)
    confidence = np.asarray(streamed.confidence_)
    assert confidence[streamed.queries_].min() == confidence.max() == 1
    right = streamed.transduction_ == y
    assert confidence[right].mean() > confidence[~right].mean() + 0.2


@pytest.mark.parametrize("rule", RULES)
def test_labels_in_rounds(digits, rule):
    X, y = digits
    at_once = fit(X, y, propagation=rule)
    streamed = KMeansLabelPropagator(40, random_state=0, fraction=0.7, propagation=rule)
    queries = streamed.query(X)
    streamed.propagate(y[queries])
    assert np.array_equal(streamed.transduction_, at_once.transduction_)
    streamed.propagate({5: 3, int(queries[1]): 8})
    assert [streamed.transduction_[p] for p in (5, queries[1])] == [3, 8]
    assert streamed.n_queries_ == 41
    assert len(streamed.given_) == 41
    streamed.propagate({5: -1, int(queries[1]): y[queries[1]]})
    assert np.array_equal(streamed.transduction_, at_once.transduction_)


@pytest.mark.filterwarnings("ignore:.* clusters have no label")
@pytest.mark.parametrize("n_known", [0, 60])
@pytest.mark.parametrize("rule", RULES)
def test_the_next_questions_are_those_of_memory_given_the_same_confidence(
    digits, monkeypatch, rule, n_known
):
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 2000)  # all of them
    X, y = digits
    X = np.concatenate([X, X[100:130]])  # with copies
    y = np.append(y, y[100:130])
    known = np.random.default_rng(0).choice(len(y), n_known, replace=False)
    labels = partly(y, known)

    def answers(rows):  # none for twos
        found = RecordingOracle(X, y, abstain_from=[2])(rows)
        return [-1 if label is None else label for label in found]

    streamed = fit(X, labels, propagation=rule, oracle=answers)
    reference = in_memory(streamed, X, labels)
    for n_queries in (1, 30):
        more = streamed.query_more(n_queries)
        same = reference.query_more(n_queries)
        if rule == "cluster":
            assert np.array_equal(more, same)
        else:  # with all samples for anchors the confidence is nearly that of memory
            assert np.isin(more, same).mean() >= 0.9
        assert len(more) == len(np.unique(more)) == n_queries
        assert not np.isin(more, list(reference.answers_)).any()
        assert not np.isin(more, known).any()
    assert np.array_equal(streamed.queries_, more)
    assert rule == "graph" or streamed.n_queries_ == reference.n_queries_


@pytest.mark.parametrize("rule", RULES)
def test_another_round_helps_and_is_the_same_for_any_blocks(digits, monkeypatch, rule):
    X, y = digits
    first = fit(X, y, propagation=rule)
    more = first.query_more(40)
    monkeypatch.setattr(driver, "batch_length", lambda n_features: 33)
    second = fit(X, y, propagation=rule)
    assert np.array_equal(second.query_more(40), more)
    before = np.mean(first.transduction_ == y)
    assert np.mean(first.propagate(y[more]).transduction_ == y) > before + 0.01
    assert first.n_queries_ == len(first.given_) == 80
    assert not np.isin(first.query_more(40), more).any()


def test_what_more_to_ask_needs_labels_and_a_number(digits):
    X, y = digits
    propagator = KMeansLabelPropagator(10, random_state=0)
    with pytest.raises(NotFittedError, match="has no labels yet"):
        propagator.query_more(3)
    propagator.query(X)
    with pytest.raises(NotFittedError, match="has no labels yet"):
        propagator.query_more(3)
    with pytest.raises(ValueError, match="'n_queries' parameter of query_more"):
        fit(X, y).query_more(0)


@pytest.mark.parametrize("in_thread", [False, True])
def test_a_propagator_that_is_asking_is_not_to_be_used(digits, in_thread):
    X, y = digits
    refused = []

    def use():
        for call in (
            lambda: propagator.fit(X, y),
            lambda: propagator.query(X),
            lambda: propagator.propagate({0: 1}),
            lambda: propagator.query_more(1),
        ):
            with pytest.raises(RuntimeError, match="is asking its oracle") as error:
                call()
            refused.append(error)

    answer = RecordingOracle(X, y)

    def oracle(rows):
        if in_thread:
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        else:
            use()
        return answer(rows)

    propagator = KMeansLabelPropagator(40, oracle=oracle, random_state=0)
    propagator.fit(X)
    assert len(refused) == 4
    assert len(propagator.answers_) == answer.n_asked == 40
    assert np.array_equal(propagator.transduction_, fit(X, y, fraction=1).transduction_)
    propagator.query_more(1)  # not any more


def test_predictions_are_the_labels_of_the_blocks(digits):
    X, y = digits
    for rule in RULES:
        streamed = fit(X, y, propagation=rule)
        assert np.mean(streamed.predict(X) == streamed.transduction_) > 0.99
        copy = pickle.loads(pickle.dumps(streamed))
        assert np.array_equal(copy.predict(X[:50]), streamed.predict(X[:50]))
        for use, value in ((copy.propagate, {}), (copy.query_more, 1)):
            with pytest.raises(NotFittedError, match="is a copy: it predicts, and"):
                use(value)
    for labels in (y, np.array(list("abcdefghij"))[y]):
        streamed = fit(X, labels, propagation="graph")
        shares, predicted = streamed.predict_proba(X), streamed.predict(X)
        assert shares.dtype == np.float64
        assert np.allclose(shares.sum(axis=1), 1)
        assert np.array_equal(streamed.classes_[shares.argmax(axis=1)], predicted)
        assert np.mean(predicted == labels) > 0.85


# ------------------------------------------------------------ wherever blocks begin


def as_blocks(X, kind):
    cuts = [1, 2, 500, 501, 1203]
    if kind == "list":
        return np.split(X, cuts)
    if kind == "callable":
        return lambda: iter(np.split(X, [300, 301]))
    if kind == "frames":
        return [pd.DataFrame(part) for part in np.split(X, cuts)]
    if kind == "rows":
        return X.tolist()
    return X


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["list", "callable"])
def test_results_are_the_same_to_the_last_bit_for_any_blocks(digits, rule, kind):
    X, y = digits
    whole = fit(X, y, propagation=rule)
    blocks = fit(as_blocks(X, kind), as_blocks(y, kind), propagation=rule)
    assert np.array_equal(blocks.cluster_centers_, whole.cluster_centers_)
    for name in ("transduction_", "kept_", "queries_"):
        assert np.array_equal(getattr(blocks, name), getattr(whole, name)), name
    if rule == "graph":
        assert np.array_equal(blocks.confidence_, whole.confidence_)


def test_results_do_not_depend_on_the_length_of_a_block(digits, monkeypatch):
    X, y = digits
    first = fit(X, y)
    monkeypatch.setattr(driver, "batch_length", lambda n_features: 33)
    second = fit(X, y)
    assert np.array_equal(second.cluster_centers_, first.cluster_centers_)
    assert np.array_equal(second.transduction_, first.transduction_)
    assert np.array_equal(second.kept_, first.kept_)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["numbers", "copies", "grid"])
def test_results_do_not_depend_on_the_number_of_threads(kind, rule, monkeypatch):
    """k-means adds up what its threads have summed, rounding as these end."""
    monkeypatch.setattr(_block_engine, "_LEAST_DRAWN", 2500)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 7))
    if kind == "copies":
        X = X[rng.integers(60, size=3000)]
    if kind == "grid":
        X = np.round(2 * X) / 10
    y = np.where(rng.uniform(size=3000) < 0.1, rng.integers(4, size=3000), -1)
    found = []
    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            found.append(fit(X, y, propagation=rule, n_clusters=20, n_anchors=150))
    for other in found[1:]:
        for name in ("cluster_centers_", "transduction_", "kept_"):
            one, another = getattr(found[0], name), getattr(other, name)
            assert np.array_equal(one, another), name
        if rule == "graph":
            assert np.array_equal(found[0].confidence_, other.confidence_)


def test_frames_and_an_embedding(digits):
    X, y = digits
    scaled = fit(as_blocks(X, "frames"), y, embedding=StandardScaler())
    names = [str(i) for i in range(64)]
    frame = fit(pd.DataFrame(X, columns=names), y, embedding=StandardScaler())
    assert np.array_equal(scaled.transduction_, frame.transduction_)
    assert frame.feature_names_in_.tolist() == names
    assert np.mean(frame.transduction_ == y) > 0.8
    assert (
        np.mean(frame.predict(pd.DataFrame(X, columns=names)) == frame.transduction_)
        > 0.99
    )


def test_a_parquet_file(digits, tmp_path):
    X, y = digits
    names = [f"x{i}" for i in range(64)]
    table = pd.DataFrame(X, columns=names).assign(digit=y)
    table.to_parquet(tmp_path / "rows.parquet", row_group_size=400)
    pd.DataFrame({"v": list(X), "digit": y}).to_parquet(tmp_path / "vectors.parquet")
    whole = fit(X, y)
    for name in ("rows", "vectors"):
        streamed = fit(tmp_path / f"{name}.parquet", "digit")
        assert np.array_equal(streamed.transduction_, whole.transduction_)
    streamed.to_parquet(tmp_path / "out.parquet")
    out = pd.read_parquet(tmp_path / "out.parquet")
    assert out["position"].tolist() == list(range(len(y)))
    assert np.array_equal(out["label"], whole.transduction_)
    assert np.array_equal(out["kept"], whole.kept_)
    assert np.array_equal(out["confidence"], whole.confidence_)
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_what_is_kept_comes_block_by_block(digits):
    X, y = digits
    streamed = fit(as_blocks(X, "list"), y)
    blocks = list(streamed.iter_kept())
    kept = np.flatnonzero(streamed.kept_)
    assert len(blocks) > 5
    assert np.array_equal(np.concatenate([b for b, _ in blocks]), X[kept])
    labels = np.concatenate([b for _, b in blocks])
    assert np.array_equal(labels, streamed.transduction_[kept])


def test_the_caller_s_samples_are_not_changed(digits, tmp_path):
    X, y = digits
    np.save(tmp_path / "X.npy", X)
    changed = np.load(tmp_path / "X.npy", mmap_mode="c")
    changed[7] = 16  # in memory only
    expected = changed.copy()
    streamed = fit(changed, y)
    assert np.array_equal(changed, expected)
    assert streamed.cluster_centers_.dtype == np.float32
    assert np.array_equal(np.load(tmp_path / "X.npy"), X)


# ------------------------------------------------------------ the parts


def halves(n, rng):
    cuts = np.sort(rng.choice(np.arange(1, n), 6, replace=False))
    return np.split(np.arange(n), cuts)


def over(measure, merge, *columns, seed=0):
    """Measure blocks of odd lengths, and merge the results as a tree."""
    rng = np.random.default_rng(seed)
    found = [
        measure(int(own[0]), *(column[own] for column in columns))
        for own in halves(len(columns[0]), rng)
    ]
    while len(found) > 1:
        i = int(rng.integers(len(found) - 1))
        found[i : i + 2] = [merge(found[i], found[i + 1])]
    return found[0]


class TestBlocks(Blocks):
    """Columns in memory, cut anew for each pass."""

    __test__ = False

    def __init__(self, **columns):
        self.columns = columns
        self.n_samples = len(columns["ids"])
        self.n_passes = 0

    def reduce(self, measure, merge, *columns, at=None):
        self.n_passes += 1
        own = [self.columns[name] for name in columns]
        return over(measure, merge, *own, seed=self.n_passes)

    def derive(self, function, made, *columns):
        raise NotImplementedError

    def finish(self, function, made, *columns):
        raise NotImplementedError


@pytest.mark.parametrize("n_values", [2, 50, 10**9])
@pytest.mark.parametrize("fraction", [0, 0.1, 0.7, 1])
def test_thresholds_are_those_of_a_sort(n_values, fraction):
    rng = np.random.default_rng(n_values)
    n, k = 5000, 7
    ids = rng.integers(0, k, n).astype(np.int32)
    ids[ids == 3] = 4  # one cluster is empty
    keys = rng.integers(0, n_values + 1, n).astype(np.uint32)
    positions = np.sort(rng.choice(n, 300, replace=False))
    given = GivenLabels(positions, np.zeros(300, dtype=np.intp), np.array([0]))
    ranks, sizes = rank_in_clusters(ids, keys.astype(float), positions)
    expected = within_fraction(ranks, sizes, fraction, positions)

    blocks = TestBlocks(ids=ids, keys=keys)
    clusters = BlockClusters(np.zeros((k, 1)), np.bincount(ids, minlength=k), 1.0, None)
    last_key, last_position = select_last(blocks, clusters, given, fraction)
    codes = np.zeros(n, dtype=np.int32)
    kept = _blocks.keep_block(
        0,
        ids,
        keys,
        codes,
        last_key=last_key,
        last_position=last_position,
        given=positions,
    )
    assert np.array_equal(kept, expected)
    # One for the given ones, three for the keys, two more for positions.
    assert blocks.n_passes <= 6


def test_the_sample_is_that_of_all_whatever_the_blocks():
    rows = np.arange(20_000)[:, np.newaxis]
    draw = partial(draw_rows, seed=3, n_drawn=700)
    merge = partial(merge_drawn, n_drawn=700)
    _, _, whole, of_whole = draw(0, rows, n_samples=0)
    assert np.array_equal(of_whole[:, 0], whole)  # each row is its position
    for n_samples in (0, 20_000):
        measure = partial(draw, n_samples=n_samples)
        count, _, positions, drawn = over(measure, merge, rows)
        assert count[0] == 20_000
        assert np.array_equal(drawn[:, 0], whole)
        assert np.array_equal(positions, whole)
    # Where the number is known little is handed on.
    assert len(draw(0, rows[:2000], n_samples=20_000)[2]) < 150
    assert len(set(whole.tolist())) == 700
    counts = np.histogram(whole, bins=7, range=(0, 20_000))[0]
    assert np.all(np.abs(counts - 100) < 40)
    other = draw_rows(0, rows, seed=4, n_drawn=700, n_samples=0)[3]
    assert len(np.intersect1d(other, whole)) < 60


def test_samples_before_others_are_counted_with_ties_by_position():
    rng = np.random.default_rng(0)
    ids, distances = rng.integers(0, 4, 400), rng.integers(0, 6, 400) / 5
    positions = np.arange(400)
    known = np.sort(rng.choice(400, 90, replace=False))
    probes = ids[known], distances[known], known
    count = partial(_blocks.count_before, unit=1.0, probes=probes)
    expected = [
        np.sum(
            (ids == ids[p])
            & (
                (distances < distances[p])
                | (distances == distances[p]) & (positions < p)
            )
        )
        for p in known
    ]
    assert np.array_equal(over(count, _blocks.add, ids, distances)[0], expected)


def test_sums_are_exact_and_the_same_in_any_order():
    rng = np.random.default_rng(0)
    E = rng.normal(1e6, 1, (3000, 4))  # far from the origin
    centers = E[:5].copy()
    middle, step, limit = choose_steps(E[:100], len(E))
    measure = partial(sum_by_cluster, centers=centers, middle=middle, step=step)
    sums, counts, largest = measure(0, E)
    for seed in range(3):
        again = over(measure, merge_sums, E, seed=seed)
        assert np.array_equal(again[0], sums)
    assert largest[0] < limit
    ids = np.linalg.norm(E[:, None] - centers, axis=2).argmin(axis=1)
    for c in range(5):
        mean = middle + sums[c] / counts[c] * step
        assert np.allclose(mean - 1e6, (E[ids == c] - 1e6).mean(axis=0), atol=1e-9)


@pytest.mark.filterwarnings("ignore:overflow")
def test_one_sample_far_outside_of_those_drawn(digits):
    X, y = digits
    drawn = _blocks.position_hashes(np.arange(len(X))).argsort()[:500]
    outside = np.setdiff1d(np.arange(len(X)), drawn)[0]
    X = X.astype(np.float64).copy()
    X[outside] = 1e6
    streamed = fit(X, y, propagation="cluster")
    ids = np.linalg.norm(X[:, None] - streamed.cluster_centers_, axis=2).argmin(axis=1)
    # It has drawn a centre towards it, as the mean does; not clipped, not overflown.
    own = streamed.cluster_centers_[ids[outside]]
    assert own.max() > 1e6 / np.sum(ids == ids[outside]) / 2
    assert_same(streamed, in_memory(streamed, X, y))


def test_pieces_of_a_block_measure_as_the_block():
    rows = np.arange(1000)

    def measure(start, x):
        return np.array([x.sum()]), np.array([start])

    total, starts = in_batches(measure, append, 64, 5, rows)
    assert total.sum() == rows.sum()
    assert starts.tolist() == list(range(5, 1005, 64))


def test_the_sample_s_centres_are_refined_if_it_is_small():
    X, _ = make_blobs(3000, 5, centers=12, cluster_std=4.0, random_state=0)
    streamed = fit(X, np.zeros(len(X)) + np.arange(len(X)) % 2, n_clusters=12)
    ids = np.linalg.norm(X[:, None] - streamed.cluster_centers_, axis=2).argmin(axis=1)
    best = InMemory(12, random_state=0).fit(X, np.arange(len(X)) % 2).inertia_
    inertia = np.sum((X - streamed.cluster_centers_[ids]) ** 2)
    assert inertia < 1.03 * best
    assert np.array_equal(streamed.cluster_sizes_, np.bincount(ids))


def test_memory_does_not_grow_with_the_samples(monkeypatch):
    monkeypatch.setattr(driver, "batch_length", lambda n_features: 3000)

    def peak(n_blocks):
        def blocks():
            for seed in range(n_blocks):
                rng = np.random.default_rng(seed)
                yield rng.normal(size=(4000, 16)).astype(np.float32)

        tracemalloc.start()
        try:
            streamed = KMeansLabelPropagator(
                8, oracle=lambda rows: rows[:, 0] > 0, n_anchors=64, random_state=0
            ).fit(blocks)
            assert len(streamed.kept_) == 4000 * n_blocks
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak(4), peak(24)
    assert many < few + 1e6  # the samples are 5 MB more


# ------------------------------------------------------------ interruptions


class Breaking:
    """A source that breaks once a number of blocks was read."""

    def __init__(self, X, n_left):
        self.X, self.n_left, self.n_read = X, n_left, 0

    def __call__(self):
        for part in np.array_split(self.X, 11):
            self.n_left -= 1
            if self.n_left < 0:
                raise KeyboardInterrupt
            self.n_read += 1
            yield part


@pytest.mark.parametrize("rule", RULES)
def test_a_run_that_was_stopped_goes_on(digits, rule, tmp_path):
    X, y = digits
    whole_source = Breaking(X, 10**6)
    oracle = RecordingOracle(X, y)
    whole = fit(whole_source, None, oracle=oracle, propagation=rule)
    total = whole_source.n_read
    for n_blocks in range(12, total, 8):
        folder = tmp_path / str(n_blocks)
        source = Breaking(X, n_blocks)
        oracle = RecordingOracle(X, y)
        run = partial(fit, source, None, oracle=oracle, propagation=rule, folder=folder)
        with pytest.raises(KeyboardInterrupt):
            run()
        written = {path.name for path in folder.glob("*")}
        assert written <= {"progress", "answers.json"}
        source.n_left, source.n_read = 10**6, 0
        streamed = run()
        for name in ("transduction_", "kept_", "queries_"):
            if name != "queries_":  # those answered are not asked about again
                same = np.array_equal(getattr(streamed, name), getattr(whole, name))
                assert same, name
        assert oracle.n_asked == 40
        assert set(streamed.answers_) == set(whole.answers_)


@pytest.mark.parametrize("rule", RULES)
def test_a_run_that_was_killed_goes_on(digits, rule, tmp_path, monkeypatch):
    X, y = digits
    known = partly(y, np.arange(0, len(y), 9))
    run = partial(fit, X, known, propagation=rule, oracle=RecordingOracle(X, y))
    whole = run()
    save, saves = driver.FileBlocks._save, []

    def killed(store, state):  # nothing is saved any more, whatever is tried
        saves.append(store)
        if len(saves) > n_saved:
            raise KeyboardInterrupt
        save(store, state)

    monkeypatch.setattr(driver, "_SECONDS_BETWEEN", -1)
    n_saved = 10**6
    monkeypatch.setattr(driver.FileBlocks, "_save", staticmethod(killed))
    run(folder=tmp_path / "whole")
    for n_saved in range(0, len(saves), len(saves) // 12):
        saves.clear()
        with pytest.raises(KeyboardInterrupt):
            run(folder=tmp_path / str(n_saved))
        monkeypatch.setattr(driver.FileBlocks, "_save", staticmethod(save))
        streamed = run(folder=tmp_path / str(n_saved))
        monkeypatch.setattr(driver.FileBlocks, "_save", staticmethod(killed))
        for name in ("cluster_centers_", "transduction_", "kept_", "answers_"):
            one, other = getattr(streamed, name), getattr(whole, name)
            assert np.array_equal(one, other), (name, n_saved)


def test_rows_that_were_lost_are_computed_again(digits, tmp_path, monkeypatch):
    """What was noted of them must not outlive the next kill."""
    X, y = digits
    run = partial(fit, X, y, propagation="cluster", folder=tmp_path)
    write = driver._write_rows

    def stopped(path, start, rows):
        if path.name.startswith("codes") and start >= at:
            raise KeyboardInterrupt
        write(path, start, rows)

    with monkeypatch.context() as patch:
        patch.setattr(driver, "_write_rows", stopped)
        at = len(y) // 2
        with pytest.raises(KeyboardInterrupt):
            run()
        lost = list((tmp_path / "progress").glob("codes-*.part"))
        assert lost
        for part in lost:
            part.unlink()
        # Killed before anything is noted.
        patch.setattr(driver.FileBlocks, "_save", staticmethod(lambda *_: None))
        at = 0
        with pytest.raises(KeyboardInterrupt):
            run()
    expected = fit(X, y, propagation="cluster").transduction_
    assert np.array_equal(run().transduction_, expected)


def test_a_run_again_reads_hardly_anything(digits, tmp_path, monkeypatch):
    X, y = digits
    source = Breaking(X, 10**6)
    first = fit(source, y, folder=tmp_path)
    total = source.n_read
    source.n_read = 0
    monkeypatch.setattr(KMeans, "fit", None)  # would fail
    again = fit(source, y, folder=tmp_path)
    assert source.n_read <= 4 < total
    assert np.array_equal(again.transduction_, first.transduction_)
    # Another fraction: the samples are labelled already.
    source.n_read = 0
    other = fit(source, y, folder=tmp_path, fraction=0.2)
    assert source.n_read <= 4
    assert other.kept_.sum() < first.kept_.sum() or first.kept_.mean() < 0.3


def test_answers_are_kept_whatever_the_oracle_does(digits, tmp_path):
    X, y = digits
    table = RecordingOracle(X, y)
    n_given = []

    def gives_up(rows):
        for row in rows[:7]:
            n_given.append(1)
            yield table([row])[0]
        raise ConnectionError("the line is dead")

    with pytest.raises(ConnectionError) as failure:
        fit(X, None, oracle=gives_up, folder=tmp_path)
    assert len(failure.value.answers) == 7
    noted = json.loads((tmp_path / "answers.json").read_text())["answers"]
    assert dict(noted) == failure.value.answers
    table.queries = []
    streamed = fit(X, None, oracle=table, folder=tmp_path)
    assert table.n_asked == 33
    assert streamed.n_queries_ == 40
    whole = fit(X, None, oracle=table)
    assert np.array_equal(streamed.transduction_, whole.transduction_)


def test_a_folder_is_for_one_data_set(digits, tmp_path):
    X, y = digits
    oracle = RecordingOracle(X, y)
    fit(X, None, oracle=oracle, folder=tmp_path)
    with pytest.raises(ValueError, match="holds answers about other samples"):
        fit(X[::-1], None, oracle=oracle, folder=tmp_path)


def test_results_of_other_labels_take_the_place_of_those_before(digits, tmp_path):
    X, y = digits
    numbers = fit(X, y, folder=tmp_path).transduction_
    names = np.array([f"digit {label}" for label in y])
    strings = fit(X, names, folder=tmp_path, missing_label="?").transduction_
    assert strings.dtype == names.dtype
    assert strings.tolist() == [f"digit {label}" for label in numbers]
    on_disk = np.load(tmp_path / "transduction.npy")
    assert np.array_equal(on_disk, strings)


# ------------------------------------------------------------ bad input


def test_bad_input_is_refused_before_anyone_is_asked(digits, tmp_path):
    X, y = digits

    def never(rows):
        raise AssertionError("asked")

    def refused(error, match, X, y=None, **parameters):
        with pytest.raises(error, match=match):
            fit(X, y, oracle=never, **parameters)

    refused(TypeError, "a callable that returns a new one", iter([X]))
    refused(TypeError, "dense blocks", __import__("scipy.sparse").sparse.csr_array(X))
    refused(ValueError, "same number of samples. Got 1797 in X and 5 in y", X, y[:5])
    refused(ValueError, "the same columns. Got 3 in one", [X, X[:, :3]])
    refused(ValueError, "at least one sample", [X[:0]])
    broken = X.copy()
    broken[1700, 3] = np.nan
    refused(ValueError, "contains NaN", broken)
    refused(FileNotFoundError, "path of a Parquet file", str(tmp_path / "no.parquet"))
    refused(ValueError, "'n_anchors' parameter", X, n_anchors=0)
    refused(ValueError, "n_samples=.* should be >= n_clusters", X[:9])
    refused(ValueError, "Expected 2D array", X[:, 0])
    with pytest.raises(ValueError, match="at least one label"):
        fit(X, np.full(len(X), -1))
    with pytest.raises(ValueError, match="requires y"):
        fit(X, None)
    refused(ValueError, "can be the name of a column if X is a data set", X, "digit")
    pd.DataFrame({"a": [1.0]}).to_parquet(tmp_path / "one.parquet")
    with pytest.raises(ValueError, match="name of a column"):
        fit(tmp_path / "one.parquet", "b")


# What seldom happens


@pytest.mark.parametrize("rule", RULES)
def test_work_is_kept_and_told_at_intervals(
    digits, rule, tmp_path, monkeypatch, capsys
):
    X, y = digits
    reference = fit(X, y, propagation=rule)
    monkeypatch.setattr(driver, "_SECONDS_BETWEEN", -1)
    streamed = fit(X, y, propagation=rule, verbose=1, folder=tmp_path / "work")
    for name in ("transduction_", "kept_", "cluster_centers_"):
        assert np.array_equal(getattr(streamed, name), getattr(reference, name)), name
    told = capsys.readouterr().err
    assert "[kmeans_labelprop] 140 samples of 1,797, about 0 s left" in told


def test_samples_that_no_label_reaches_take_the_nearest_one():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(at, 1, (300, 2)) for at in (0, 1000)])
    y = np.full(600, -1)
    y[:300] = X[:300, 0] > 0
    streamed = fit(X, y, propagation="graph", n_clusters=10)
    # The far group is linked to no label: its samples go by distance.
    nearest = y[:300][np.argmin(((X[:300] - X[599]) ** 2).sum(axis=1))]
    assert streamed.predict(X[599:]).tolist() == [nearest]
    assert streamed.predict_proba(X[599:]).max() == 1


def test_what_propagate_and_predict_refuse(digits):
    X, y = digits
    propagator = KMeansLabelPropagator(10, propagation="cluster", random_state=0)
    propagator.query(X)
    with pytest.raises(ValueError, match="at least one of the 10 representatives must"):
        propagator.propagate({})
    propagator.set_params(propagation="graph")
    with pytest.raises(ValueError, match="clustered without anchors"):
        propagator.propagate({0: 1})
    fitted = fit(X, y, embedding=None)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* expecting 64 feat"):
        fitted.predict(X[:5, :3])
    assert np.array_equal(fitted.predict(X[:5].tolist()), fitted.predict(X[:5]))


def test_a_single_class_is_warned_of(digits):
    X, _ = digits
    with pytest.warns(UserWarning, match="The only class found is 3: there are no two"):
        fit(X, np.full(len(X), 3))


def test_a_clone_asks_the_same_oracle(digits):
    oracle = RecordingOracle(*digits)
    assert clone(KMeansLabelPropagator(10, oracle=oracle)).oracle is oracle


@pytest.mark.parametrize("rule", RULES)
def test_a_file_of_the_labels_without_blocks_of_none(digits, rule, tmp_path):
    X, y = digits
    # A block without a given label keeps nothing.
    streamed = fit(X, y, propagation=rule, fraction=0.0, n_clusters=5)
    kept = list(streamed.iter_kept())
    assert sum(len(labels) for _, labels in kept) == streamed.kept_.sum()
    assert all(len(rows) == len(labels) > 0 for rows, labels in kept)
    streamed.to_parquet(tmp_path / "labels.parquet")
    table = pd.read_parquet(tmp_path / "labels.parquet")
    assert ("confidence" in table) == (rule == "graph")
    assert np.array_equal(table["label"], streamed.transduction_)


@pytest.mark.parametrize(
    ("n_times", "message"),
    [
        (0, r"X must hold at least one sample\. Got none"),
        (1, r"at least one sample each time it is read\. Got none"),
        (3, "the same samples each time it is read: .* Got 0 samples"),
    ],
)
def test_samples_must_be_there_each_time_they_are_read(digits, n_times, message):
    X, y = digits
    calls = []

    def blocks():
        calls.append(1)
        return iter([X] if len(calls) <= n_times else [])

    with pytest.raises(ValueError, match=message):
        fit(blocks, y)


def test_a_first_reading_tells_how_many_samples_and_not_of_how_many(
    digits, monkeypatch, capsys
):
    X, y = digits
    monkeypatch.setattr(driver, "_SECONDS_BETWEEN", -1)
    fit(lambda: iter([X[:900], X[900:]]), y, verbose=1)
    told = capsys.readouterr().err.splitlines()
    assert "[kmeans_labelprop] 140 samples" in told
    assert "[kmeans_labelprop] 140 samples of 1,797, about 0 s left" in told


def test_a_folder_knows_files_and_lists_of_arrays(digits, tmp_path):
    X, y = digits
    table = pd.DataFrame(X).rename(columns=str).assign(digit=y)
    table.to_parquet(tmp_path / "rows.parquet")
    for name, data, labels in (
        ("file", str(tmp_path / "rows.parquet"), "digit"),
        ("list", [X[:900], X[900:]], [y[:900], y[900:]]),
    ):
        first = fit(data, labels, folder=tmp_path / name)
        again = fit(data, labels, folder=tmp_path / name)
        assert np.array_equal(first.transduction_, again.transduction_)
