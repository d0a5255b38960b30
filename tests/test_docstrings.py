"""Every public name is documented, completely and in the numpydoc format."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris
from sklearn.tree import DecisionTreeClassifier

import kmeans_labelprop
from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

ROOT = Path(__file__).parents[1]
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXCLUDED = set(CONFIGURATION["tool"]["numpydoc_validation"]["checks"]) - {"all"}

# Asked of classes and functions, though not of their methods.
WITH_EXAMPLES = "EX01"


def public_modules():
    """Return the names of all modules of the package without a leading underscore."""
    names = [kmeans_labelprop.__name__]
    for module in pkgutil.walk_packages(
        kmeans_labelprop.__path__, f"{kmeans_labelprop.__name__}."
    ):
        if not any(part.startswith("_") for part in module.name.split(".")):
            names.append(module.name)
    return names


def public_objects():
    """Return the full names of all that the public modules list in ``__all__``."""
    names = []
    for module_name in public_modules():
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", []):
            public = getattr(module, name)
            if callable(public):
                names.append(f"{module_name}.{name}")
    return names


def public_methods():
    """Return the full names of the public methods and properties we wrote."""
    names = []
    for full_name in public_objects():
        cls = load(full_name)
        if not inspect.isclass(cls):
            continue
        for name in dir(cls):
            if name.startswith("_"):
                continue
            member = inspect.getattr_static(cls, name)
            # `available_if`, `classmethod` and `property` wrap the function.
            function = getattr(member, "fn", None) or getattr(member, "fget", member)
            function = getattr(function, "__func__", function)
            if getattr(function, "__module__", "").startswith("kmeans_labelprop"):
                names.append(f"{full_name}.{name}")
    return names


def load(full_name):
    """Return the public object of this name."""
    module_name, _, name = full_name.rpartition(".")
    return getattr(importlib.import_module(module_name), name)


def errors_of(full_name, *, excluded):
    return [
        f"{code} {message}"
        for code, message in validate(full_name)["errors"]
        if code not in excluded
    ]


def test_every_public_module_lists_its_names():
    for name in public_modules():
        module = importlib.import_module(name)
        assert module.__doc__, f"{name} has no docstring"
        assert sorted(module.__all__) == sorted(set(module.__all__)), name


@pytest.mark.parametrize("name", public_objects())
def test_docstring_of_class_or_function(name):
    assert errors_of(name, excluded=EXCLUDED - {WITH_EXAMPLES}) == []


@pytest.mark.parametrize("name", public_methods())
def test_docstring_of_method(name):
    assert errors_of(name, excluded=EXCLUDED) == []


def estimator_names():
    names = []
    for name in public_objects():
        public = load(name)
        if inspect.isclass(public) and issubclass(public, BaseEstimator):
            names.append(name)
    return names


def make(cls):
    """Make an estimator that fits iris."""
    if issubclass(cls, PropagatedClassifier | PropagatedClassifierCV):
        return cls(DecisionTreeClassifier(), KMeansLabelPropagator(random_state=0))
    return cls()


@pytest.mark.parametrize("name", estimator_names())
def test_attributes_documented_are_those_of_a_fitted_estimator(name):
    if ".dask." in name:
        pytest.importorskip("dask.dataframe")
    X, y = load_iris(return_X_y=True, as_frame=True)
    if name.endswith("TextFeatures"):
        X = [f"{species} of iris" for species in y]
    estimator = make(load(name)).fit(X, y)
    documented = {
        name.strip()
        for attribute in get_doc_object(type(estimator))["Attributes"]
        for name in attribute.name.split(",")
    }
    present = {name for name in vars(estimator) if re.match(r"[^_].*[^_]_$", name)}
    missing = present - documented
    assert not missing, f"not documented: {sorted(missing)}"
    absent = {name for name in documented if not hasattr(estimator, name)}
    assert not absent, f"documented, yet not there after fit: {sorted(absent)}"


def test_the_reference_lists_every_public_name():
    pages = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ {3,}(?:~)?([A-Za-z_][\w.]*)$", pages, re.MULTILINE))
    prefix = f"{kmeans_labelprop.__name__}."
    expected = {name.removeprefix(prefix) for name in public_objects()}
    assert expected - listed == set()


def test_the_walk_finds_the_estimators_and_their_methods():
    # Guards the tests above: an empty walk would pass them all.
    assert load("kmeans_labelprop.KMeansLabelPropagator") is KMeansLabelPropagator
    assert load("kmeans_labelprop.PropagatedClassifier") is PropagatedClassifier
    methods = public_methods()
    for name in (
        "fit",
        "ask",
        "fit_resample",
        "query",
        "propagate",
        "predict_proba",
        "transform",
    ):
        assert f"kmeans_labelprop.KMeansLabelPropagator.{name}" in methods
    for cls in (PropagatedClassifier, PropagatedClassifierCV):
        # Also what their common base, which is private, gives them.
        assert f"kmeans_labelprop.{cls.__name__}.predict" in methods
    assert "kmeans_labelprop.PropagatedClassifierCV.summary" in methods
