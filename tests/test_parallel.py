"""Threads and workers: how many there are, and what each may use."""

import gc
import json
import os
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import get_config
from sklearn.naive_bayes import GaussianNB
from threadpoolctl import threadpool_info, threadpool_limits

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop._embedding import fit_space
from kmeans_labelprop._parallel import run_in_threads, sequential_blas, threads


@pytest.mark.parametrize("n_threads", [1, 2])
def test_as_many_threads_as_openmp_has_each_computing_with_one(n_threads):
    barrier = threading.Barrier(n_threads)

    def work(task):
        barrier.wait(timeout=60)  # passes when as many run at once
        used = max(pool["num_threads"] for pool in threadpool_info())
        return task, threading.get_ident(), used, get_config()["assume_finite"]

    with threadpool_limits(n_threads):
        found = run_in_threads(work, iter(range(8)))
        after = {pool["num_threads"] for pool in threadpool_info()}
    tasks, names, used, finite = zip(*found, strict=True)
    assert tasks == tuple(range(8))
    assert len(set(names)) == n_threads
    assert set(used) == {1}
    assert all(finite)
    assert after == {n_threads}
    assert not get_config()["assume_finite"]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_one_thread_of_linear_algebra_leaves_openmp_its_own(n_threads):
    with threadpool_limits(n_threads):
        with sequential_blas():
            inside = {(p["user_api"], p["num_threads"]) for p in threadpool_info()}
        after = {pool["num_threads"] for pool in threadpool_info()}
    assert inside == {("blas", 1), ("openmp", n_threads)}
    assert after == {n_threads}


def test_what_a_task_raises_is_raised():
    def work(task):
        if task == 3:
            raise KeyError("the fourth")
        return task

    with pytest.raises(KeyError, match="the fourth"):
        run_in_threads(work, range(8))


def test_threads_are_used_again():
    A = np.arange(12.0).reshape(4, 3)
    with threads() as run:
        for factor in (1, 2):
            assert_array_equal(
                run(lambda row, f=factor: f * row.sum(), A), factor * A.sum(1)
            )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_bit_of_the_space_depends_on_threads(dtype):
    X = np.random.RandomState(0).normal(size=(1500, 230)).astype(dtype)
    spaces = []

    def seed(embedding):
        names = [name for name in embedding.get_params() if "random_state" in name]
        return embedding.set_params(**dict.fromkeys(names, 0))

    for n_threads in (1, 2, 3):
        with threadpool_limits(n_threads):
            propagator = KMeansLabelPropagator(20, random_state=0)
            _, E = fit_space(propagator, X, seed, lambda part: part)
        spaces.append(E)
    assert E.shape[1] < 230  # by products of matrices
    assert_array_equal(spaces[1], spaces[0])
    assert_array_equal(spaces[2], spaces[0])


class NotesMappedArrays(GaussianNB):
    """Leaves a file for each fit: in which process, and what is mapped there."""

    def __init__(self, folder=None):
        super().__init__()
        self.folder = folder

    def fit(self, X, y, sample_weight=None):
        shapes = [o.shape for o in gc.get_objects() if isinstance(o, np.memmap)]
        number = len(list(self.folder.iterdir()))
        path = self.folder / f"{os.getpid()}-{number}"
        path.write_text(json.dumps(shapes))
        return super().fit(X, y, sample_weight)


def test_workers_of_the_comparison_map_the_samples(rng, tmp_path):
    y = rng.integers(3, size=4000)
    X = rng.normal(size=(4000, 40)) + 3 * y[:, np.newaxis]
    PropagatedClassifierCV(
        NotesMappedArrays(tmp_path),
        KMeansLabelPropagator(20, oracle="y"),
        n_jobs=2,
        random_state=0,
    ).fit(X, y)
    noted = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    own = f"{os.getpid()}-"  # the last training, of what was chosen
    in_workers = [shapes for name, shapes in noted.items() if not name.startswith(own)]
    assert len(in_workers) > 5
    assert all([4000, 40] in shapes for shapes in in_workers)
