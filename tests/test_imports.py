"""The core works without any optional package."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

# Everything that belongs to an extra. None of it may be needed by an import.
OPTIONAL = [
    "dask",
    "distributed",
    "keras",
    "matplotlib",
    "numpydoc",
    "pandas",
    "polars",
    "pooch",
    "pyarrow",
    "scikeras",
    "tensorflow",
    "tqdm",
]

# Run in a process of its own, in which the optional packages cannot be imported.
BLOCKED = textwrap.dedent(
    """
    import importlib, json, pkgutil, sys

    optional = set(json.loads(sys.argv[1]))
    refused = []


    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in optional:
                refused.append(name)
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)


    sys.meta_path.insert(0, Blocker())
    """
)

IMPORT_ALL = BLOCKED + textwrap.dedent(
    """
    import kmeans_labelprop

    names = ["kmeans_labelprop"] + [
        module.name
        for module in pkgutil.walk_packages(
            kmeans_labelprop.__path__, "kmeans_labelprop."
        )
    ]
    for name in names:
        importlib.import_module(name)
    loaded = sorted(optional.intersection(sys.modules))
    print(json.dumps({"names": names, "loaded": loaded}))
    """
)

FIT = BLOCKED + textwrap.dedent(
    """
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifier

    X, y = load_iris(return_X_y=True)
    propagator = KMeansLabelPropagator(9, fraction=0.7, random_state=0)
    X_res, y_res = propagator.fit_resample(X, y)
    classifier = PropagatedClassifier(DecisionTreeClassifier(), propagator).fit(X, y)
    predicted = propagator.predict(X)
    assert propagator.predict_proba(X).shape == (150, 3)
    found = {"kept": len(y_res), "score": classifier.score(X, y)}
    print(json.dumps(found | {"predicted": sum(predicted == y) / len(y)}))
    """
)


def run(code):
    """Run `code` in a new interpreter and return what it printed, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(OPTIONAL)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_module_imports_without_the_optional_packages():
    found = run(IMPORT_ALL)
    assert found["loaded"] == []
    assert {"kmeans_labelprop._propagator", "kmeans_labelprop.inspection"} <= set(
        found["names"]
    )


def test_the_core_works_without_the_optional_packages():
    found = run(FIT)
    assert 75 < found["kept"] < 150
    assert found["score"] > 0.7
    assert found["predicted"] > 0.7


def test_importing_the_package_loads_no_optional_package():
    # Even where they are installed: they cost seconds.
    code = (
        "import json, sys, kmeans_labelprop\n"
        "print(json.dumps(sorted(set(json.loads(sys.argv[1])) & set(sys.modules))))"
    )
    loaded = run(code)
    assert "tensorflow" not in loaded
    assert "keras" not in loaded
    assert "matplotlib" not in loaded
