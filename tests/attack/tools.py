"""What the attacks share: quiet runs, samples, oracles that count, faults on demand."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from scipy.sparse import issparse

import kmeans_labelprop
from kmeans_labelprop import KMeansLabelPropagator

FULL = os.environ.get("ATTACK") == "full"
PACKAGE = str(Path(kmeans_labelprop.__file__).parent)
ROOT = Path(kmeans_labelprop.__file__).parents[1]
RULES = ("cluster", "graph")
needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("dask") is None, reason='needs the extra "dask"'
)


def tries(few, many, **more):
    """Say how many examples hypothesis takes: few, always the same ones; or many."""
    phases = list(Phase) if FULL else [Phase.explicit, Phase.generate]
    return settings(
        phases=phases,
        max_examples=many if FULL else few,
        derandomize=not FULL,
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        **more,
    )


@contextmanager
def quiet():
    """Silence what the package tells users of few or odd labels, nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def make_groups(n_groups=4, size=30, step=16, seed=0):
    """Draw groups far from each other; every number is exact in 16 bits."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(n_groups), size))
    middles = step * np.array([[g % 2 + 1, g // 2 + 1, 1 + g % 3] for g in range(99)])
    X = middles[y] + rng.integers(-16, 17, size=(len(y), 3)) / 8
    return X, y


def propagator(**params):
    """The samples as they are, unless an embedding is given."""
    defaults = {"n_clusters": 12, "embedding": None, "random_state": 0}
    return KMeansLabelPropagator(**defaults | params)


class Counting:
    """An oracle that answers by id and counts how often it was asked."""

    def __init__(self, y):
        self.y = y
        self.n_asked = 0

    def __call__(self, ids):
        self.n_asked += len(ids)
        return [self.y[int(i)] for i in ids]


class RefusesToAnswer:
    """An oracle that must not be asked; it gives any label, and counts."""

    def __init__(self):
        self.n_asked = 0

    def __call__(self, query):
        n_rows = query.shape[0] if hasattr(query, "shape") else len(query)
        self.n_asked += n_rows
        return [i % 2 for i in range(n_rows)]


def same_values(A, B):
    """Tell whether two containers hold the same numbers, NaN included."""
    if issparse(A):
        A, B = A.toarray(), B.toarray()
    return np.array_equal(np.asarray(A), np.asarray(B))


class Fault:
    """Raise an error at the n-th line of the package that runs after `arm`.

    Parameters
    ----------
    n : int or None
        Which line; None to count lines only.
    error : type of BaseException
        What is raised.
    each_step : bool
        Whether each instruction of the interpreter counts, not each line.
    """

    def __init__(self, n=None, error=KeyboardInterrupt, each_step=False):
        self.n = n
        self.error = error
        self.event = "opcode" if each_step else "line"
        self.n_seen = 0
        self.is_armed = self.is_raised = self.at_line = False
        self.where = None

    def arm(self):
        self.is_armed = True

    def __enter__(self):
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(self, *error):
        sys.settrace(self._before)

    def _call(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes = self.event == "opcode"
        return self._step

    def _step(self, frame, event, arg):
        # The step that takes the answer belongs to the oracle: from the next line on.
        self.at_line |= self.is_armed and event == "line"
        if event == self.event and self.at_line and not self.is_raised:
            self.n_seen += 1
            if self.n_seen == self.n:
                self.is_raised = True
                name = Path(frame.f_code.co_filename).name
                self.where = f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
                raise self.error
        return self._step


def run_python(code, *args, env=None, check=True, timeout=600):
    """Run code in a process of its own, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, args)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done.stdout
