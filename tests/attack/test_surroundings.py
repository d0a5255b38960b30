"""Threads, processes, backends; caches that are full, locked, cut, shared, killed."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from attack.tools import ROOT, RULES, make_groups, propagator, quiet, run_python
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from kmeans_labelprop import PropagatedClassifier, PropagatedClassifierCV
from kmeans_labelprop.model_selection import cluster_count_curve

EXACT = ("labels", "asked", "kept", "found", "predicted", "next")

FITS = """
import sys
import numpy as np
import scipy.sparse as sp
from sklearn.datasets import load_digits
from kmeans_labelprop import KMeansLabelPropagator

X, y = load_digits(return_X_y=True)
X, y = X[:{n}], y[:{n}]
kinds = {{
    "whole numbers": X,
    "float32": X.astype("float32"),
    "few values": (X > 8).astype(float),
    "sparse": sp.csr_array(X),
    "copies": np.repeat(X[::3], 3, axis=0)[: len(X)],
    "far": X + 2.0**20,
}}
saved = {{}}
for kind, A in kinds.items():
    for rule in ("cluster", "graph"):
        p = KMeansLabelPropagator(30, propagation=rule, fraction=0.5, random_state=0)
        p.fit(A, y)
        saved |= {{
            f"{{kind}}/{{rule}}/{{name}}": np.asarray(value)
            for name, value in {{
                "labels": p.labels_,
                "asked": sorted(p.answers_),
                "kept": p.sample_indices_,
                "found": p.transduction_,
                "confidence": p.confidence_,
                "next": p.query_more(10),
                "predicted": p.predict(A[::2]),
            }}.items()
        }}
np.savez(sys.argv[1], **saved)
"""


def compare(paths):
    first, *others = [np.load(path) for path in paths]
    for other in others:
        assert set(first) == set(other)
        for name in first:
            if name.endswith(EXACT):
                assert_array_equal(first[name], other[name], name)
            else:
                assert_allclose(first[name], other[name], atol=1e-6, err_msg=name)


def fit_in_processes(tmp_path, n, environments):
    paths = []
    for number, environment in enumerate(environments):
        paths.append(tmp_path / f"{number}.npz")
        run_python(FITS.format(n=n), paths[-1], env=environment)
    compare(paths)


def threads(number, seed=0):
    return {
        "OMP_NUM_THREADS": str(number),
        "OPENBLAS_NUM_THREADS": str(number),
        "PYTHONHASHSEED": str(seed),
    }


def test_one_thread_and_two_give_the_same(tmp_path):
    fit_in_processes(tmp_path, 500, [threads(1), threads(2, seed=1)])


@pytest.mark.full_attack
def test_any_number_of_threads_gives_the_same(tmp_path):
    fit_in_processes(tmp_path, 1797, [threads(n, seed=n) for n in (1, 2, 3, 8)])


# Between processes.

LOADS = """
import pickle, sys
import numpy as np
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
p = getattr(model, "propagator_", model)
X = np.load(sys.argv[2])
before = model.predict(X), p.transduction_.copy(), p.confidence_.copy()
more = p.query_more(3) if hasattr(p, "spread_") else []
p.propagate({int(i): 7 for i in more})
np.savez(
    sys.argv[3], predicted=before[0], found=before[1], confidence=before[2], next=more,
    after=p.transduction_, summary=model.summary(),
)
"""


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", [None, PropagatedClassifier, PropagatedClassifierCV])
def test_what_is_loaded_elsewhere_goes_on_as_here(rule, make, tmp_path, groups):
    X, y = groups
    model = propagator(propagation=rule, embedding=PCA(2))
    if make is not None:
        model = make(GaussianNB(), model)
    with quiet():
        model.fit(X, y)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "X.npy", X)
    names = ["model.pickle", "X.npy", "found.npz"]
    run_python(LOADS, *[tmp_path / name for name in names], env=threads(1, seed=5))
    found = np.load(tmp_path / "found.npz")
    p = getattr(model, "propagator_", model)
    assert_array_equal(found["predicted"], model.predict(X))
    assert_array_equal(found["found"], p.transduction_)
    assert_allclose(found["confidence"], p.confidence_)
    assert str(found["summary"]) != ""
    with quiet():
        more = p.query_more(3)
        assert_array_equal(found["next"], more)
        p.propagate(dict.fromkeys(more.tolist(), 7))
    assert_array_equal(found["after"], p.transduction_)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_answers_outlive_a_file_between_question_and_answer(protocol, groups):
    X, y = groups
    p = propagator()
    asked = p.query(X)
    with quiet():
        p.propagate({int(i): int(y[i]) for i in asked[:5]})
        p = pickle.loads(pickle.dumps(p, protocol))
        p.propagate({int(i): int(y[i]) for i in asked[5:]})
    assert sorted(p.answers_) == sorted(asked.tolist())
    assert_array_equal(p.transduction_, y)


def scores(curve):
    return curve.to_frame().select_dtypes(float)


# Backends.


def choice(n_jobs=None, **params):
    return PropagatedClassifierCV(
        GaussianNB(), propagator(**params), n_repeats=1, n_jobs=n_jobs, random_state=0
    )


@pytest.mark.parametrize(
    "backend", ["threading", "loky", "multiprocessing", "sequential"]
)
def test_backends_of_joblib_change_nothing(backend, groups):
    X, y = groups
    X = X / 40 + np.random.default_rng(0).normal(size=X.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.filterwarnings("ignore", "This process .* is multi-threaded")
        expected = choice().fit(X, y)
        curve = cluster_count_curve(X, [2, 4, 6], random_state=0)
        search = GridSearchCV(
            PropagatedClassifier(GaussianNB(), propagator()),
            {"propagator__fraction": [0, 0.5, 1]},
            cv=2,
        )
        expected_search = search.fit(X, y).cv_results_["mean_test_score"]
        with joblib.parallel_config(backend, n_jobs=2):
            found = choice(n_jobs=2).fit(X, y)
            found_curve = cluster_count_curve(X, [2, 4, 6], random_state=0, n_jobs=2)
            searched = search.set_params(n_jobs=2).fit(X, y)
    assert found.best_params_ == expected.best_params_
    for name, values in expected.cv_results_.items():
        if isinstance(values, np.ndarray) and values.dtype.kind == "f":
            assert_allclose(found.cv_results_[name], values)
    assert_array_equal(found.predict(X), expected.predict(X))
    assert_allclose(scores(found_curve), scores(curve))
    assert_allclose(searched.cv_results_["mean_test_score"], expected_search)


# Caches. What is right is what comes out without one.

CACHED = """
import os, resource, signal, sys, warnings
import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from attack.tools import Counting, make_groups
from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier
from kmeans_labelprop.model_selection import cluster_count_curve

out, memory, how = sys.argv[1:4]
X, y = make_groups(size=60)
X = X / 30 + np.random.default_rng(0).normal(size=X.shape)

def work(memory):
    oracle = Counting(y)
    p = KMeansLabelPropagator(
        10, embedding=PCA(2), memory=memory, oracle=oracle, random_state=0
    )
    try:
        p.fit(X, sample_ids=np.arange(len(X)))
    except OSError:
        assert oracle.n_asked == 0, "paid for, and failed"
        raise
    search = GridSearchCV(
        PropagatedClassifier(
            GaussianNB(), KMeansLabelPropagator(10, memory=memory, random_state=0)
        ),
        {"propagator__fraction": [0, 0.5, 1], "propagator__n_clusters": [5, 10]},
        cv=3,
        error_score="raise",
    ).fit(X, y)
    curve = cluster_count_curve(X, range(2, 8), memory=memory, random_state=0)
    return {
        "found": p.transduction_,
        "confidence": p.confidence_,
        "asked": sorted(p.answers_),
        "scores": search.cv_results_["mean_test_score"],
        "curve": curve.to_frame().select_dtypes(float).to_numpy(),
    }

if how == "small files":
    work(None)  # what is imported late
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
elif how == "locked":
    work(None)
    os.makedirs(memory, mode=0o555, exist_ok=True)
    if os.geteuid() == 0:
        os.seteuid(65534)
warnings.simplefilter("ignore")
try:
    result = work(None if memory == "-" else memory)
except OSError as error:
    result = {"error": str(error)}
if how == "small files":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
elif how == "locked" and os.getuid() == 0:
    os.seteuid(0)
np.savez(out, **result)
"""


def run_cached(tmp_path, name, memory, how):
    run_python(CACHED, tmp_path / name, memory, how, env=threads(1))
    return np.load(tmp_path / name)


@pytest.fixture(scope="module")
def without_cache(tmp_path_factory):
    return run_cached(tmp_path_factory.mktemp("plain"), "plain.npz", "-", "plain")


def assert_as_without(found, expected):
    for name in expected:
        if name in ("found", "asked"):
            assert_array_equal(found[name], expected[name])
        else:
            assert_allclose(found[name], expected[name])


@pytest.mark.parametrize("how", ["plain", "small files", "locked"])
def test_a_cache_that_cannot_be_written_changes_nothing(how, tmp_path, without_cache):
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        memory = os.path.join(open_to_all, "cache")
        found = run_cached(tmp_path, "found.npz", memory, how)
        if "error" in found:  # refused before anyone was asked
            told = str(found["error"])
            assert memory in told or "memory" in told
        else:
            assert_as_without(found, without_cache)
        # What half a write has left does no harm.
        os.chmod(memory, 0o755)
        again = run_cached(tmp_path, "again.npz", memory, "plain")
        assert_as_without(again, without_cache)


def cut(path, rng):
    whole = path.read_bytes()
    path.write_bytes(whole[: rng.integers(0, max(1, len(whole)))])


@pytest.mark.parametrize("seed", range(3))
def test_files_of_a_cache_that_are_cut_change_nothing(seed, tmp_path, groups):
    X, y = groups
    rng = np.random.default_rng(seed)
    expected = propagator(embedding=PCA(2)).fit(X, y)
    curve = scores(cluster_count_curve(X, [2, 4], random_state=0))
    memory = str(tmp_path / "cache")
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = propagator(embedding=PCA(2), memory=memory).fit(X, y)
            again = cluster_count_curve(X, [2, 4], memory=memory, random_state=0)
        assert_array_equal(found.transduction_, expected.transduction_)
        assert_allclose(found.confidence_, expected.confidence_)
        assert_allclose(scores(again), curve)
        files = sorted(p for p in Path(memory).rglob("*") if p.is_file())
        for path in files:
            if rng.random() < 0.7:
                cut(path, rng)


@pytest.mark.parametrize("rule", RULES)
def test_a_cache_that_is_a_file_is_refused_before_anyone_is_asked(
    rule, tmp_path, groups
):
    (tmp_path / "file").write_text("no folder")
    asked = []

    def oracle(rows):
        asked.append(rows)
        return [0] * len(rows)

    for memory in (tmp_path / "file", tmp_path / "file" / "below"):
        p = propagator(memory=str(memory), oracle=oracle, propagation=rule)
        with quiet(), pytest.raises((OSError, ValueError), match="file"):
            p.fit(groups[0])
    assert not asked


@pytest.mark.full_attack
@pytest.mark.parametrize("size", ["16k", "64k", "256k"])
def test_a_full_disk_changes_nothing(size, tmp_path, without_cache):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        found = run_cached(tmp_path, "found.npz", disk, "plain")
        if "error" in found:
            assert "space" in str(found["error"])
        else:
            assert_as_without(found, without_cache)
        again = run_cached(tmp_path, "again.npz", disk, "plain")
        if "error" not in again:
            assert_as_without(again, without_cache)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.full_attack
@pytest.mark.parametrize("seed", range(4))
def test_processes_killed_at_any_time_leave_a_cache_that_is_right(
    seed, tmp_path, without_cache
):
    rng = np.random.default_rng(seed)
    memory = tmp_path / "cache"
    environment = os.environ | threads(1)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    for round_ in range(10):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", CACHED, tmp_path / f"{round_}-{i}.npz", memory,
                 "plain"],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for i in range(2)
        ]  # fmt: skip
        # From the first file in the cache on; before there is nothing to spoil.
        while round_ == 0 and not memory.exists():
            time.sleep(0.01)
            assert any(process.poll() is None for process in running)
        for process in running:
            time.sleep(float(rng.uniform(0, 4)))
            process.send_signal(signal.SIGKILL)
            process.wait()
        for i in range(2):
            path = tmp_path / f"{round_}-{i}.npz"
            if process_has_ended_well(path):
                assert_as_without(np.load(path), without_cache)
    assert_as_without(run_cached(tmp_path, "last.npz", memory, "plain"), without_cache)


def process_has_ended_well(path):
    try:
        return len(np.load(path).files) == 5
    except Exception:
        return False


def test_a_cache_knows_one_clusterer_from_another(tmp_path, groups):
    X, y = groups
    memory = str(tmp_path)
    for k, seed in [(4, 0), (4, 1), (8, 0)]:
        for clusterer in (KMeans(n_init=1), KMeans(n_init=2, max_iter=3)):
            params = {"n_clusters": k, "random_state": seed, "clusterer": clusterer}
            with quiet():
                plain = propagator(**params).fit(X, y)
                cached = propagator(**params, memory=memory).fit(X, y)
                twice = propagator(**params, memory=memory).fit(X, y)
            for found in (cached, twice):
                assert_array_equal(found.labels_, plain.labels_)
                assert_array_equal(found.transduction_, plain.transduction_)
    # Other samples in the same container.
    shifted = make_groups(seed=3)[0]
    found = propagator(memory=memory).fit(shifted, make_groups(seed=3)[1])
    assert_array_equal(found.transduction_, make_groups(seed=3)[1])


class NoAnswer(Exception):
    """An error that holds a connection, and that no pickle brings back."""

    def __init__(self, status, connection):
        super().__init__(status)
        self.connection = connection


def failing_service(rows):
    yield 0
    yield 1
    raise NoAnswer(500, threading.Lock())


@pytest.mark.parametrize(
    "save", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))]
)
@pytest.mark.parametrize("kind", ["propagator", "classifier", "choice"])
def test_what_a_service_answered_before_it_failed_can_be_saved(save, kind, groups):
    """The error is no part of what was fitted; it would hold the samples, too."""
    X, _ = groups
    p = propagator(oracle=failing_service)
    model = {
        "propagator": p,
        "classifier": PropagatedClassifier(GaussianNB(), p),
        "choice": choice(oracle=failing_service),
    }[kind]
    with quiet(), pytest.raises(NoAnswer) as caught:
        model.fit(X)
    kept = save(model)
    kept = getattr(kept, "propagator_", kept)
    assert kept.answers_ == caught.value.answers
    assert list(kept.answers_.values()) == [0, 1]
    with quiet():
        assert len(kept.propagate({}).given_) == 2
