"""What every test run needs, whether of tests, docstrings or the user guide."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before numpy and TensorFlow are loaded: pytest-xdist runs one process per core, more
# threads inside each would only compete. TensorFlow's notices are not test output.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("MPLBACKEND", "Agg")

# A slow or busy machine is not a failed property. The same examples in every run, but
# for make attack, which looks for new ones.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("ATTACK") != "full",
)
settings.load_profile("project")

# Built pages and Sphinx's configuration hold no tests of ours.
collect_ignore = ["docs/conf.py", "docs/_build", "docs/auto_examples", "docs/generated"]
if importlib.util.find_spec("scikeras") is None:
    collect_ignore.append("docs/user_guide/keras.rst")
if not all(importlib.util.find_spec(name) for name in ("rich", "sklearn.callback")):
    collect_ignore.append("docs/user_guide/progress.rst")
if importlib.util.find_spec("distributed") is None:
    collect_ignore.append("kmeans_labelprop/dask.py")


@pytest.fixture(autouse=True)
def _seed():
    """Repeat what draws from numpy's global state: a choice without `random_state`."""
    import numpy as np

    np.random.seed(0)  # noqa: NPY002, the state that random_state=None means


@pytest.fixture(autouse=True)
def _close_figures():
    """Leave no figure open: matplotlib warns of many, and warnings are errors."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_collection_modifyitems(items):
    """For mutmut the fastest tests first: a fault that one sees needs no other."""
    times = Path("mutmut-stats.json")
    if os.environ.get("MUTANT_UNDER_TEST") and times.exists():
        seconds = json.loads(times.read_text(encoding="utf-8"))["duration_by_test"]
        items.sort(key=lambda item: seconds.get(item.nodeid, 0))
