"""What the source must look like: private members stay private, modules stay small."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

import kmeans_labelprop
from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

PACKAGE = Path(kmeans_labelprop.__file__).parent
MODULES = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}

MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_AN_ESTIMATOR = 300

# Of others than this package, and meant to be used so.
ALLOWED = {
    # The documented way to make an estimator known to callbacks.
    ("_callbacks.py", "bare._init_callback_context"),
    ("_messages.py", "sys._getframe"),  # the documented way to find the caller's line
    ("_validation.py", "estimator._parameter_constraints"),  # scikit-learn's convention
}
ACCESSORS = {"getattr", "hasattr", "setattr", "delattr"}
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


def is_private(name):
    is_dunder = name.startswith("__") and name.endswith("__")
    return name.startswith("_") and not is_dunder and name != "_"


def private_touches(source):
    """List the underscore attributes of other objects than self and cls."""
    touches = []
    for node in ast.walk(ast.parse(source)):
        owner = name = None
        if isinstance(node, ast.Attribute):
            owner, name = node.value, node.attr
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ACCESSORS
            and len(node.args) > 1
            and isinstance(node.args[1], ast.Constant)
        ):
            owner, name = node.args[0], str(node.args[1].value)
        if name is None or not is_private(name):
            continue
        if ast.unparse(owner) not in ("self", "cls", "super()"):
            touches.append(f"{ast.unparse(owner)}.{name}")
    return touches


def private_imports(source):
    """List the underscore names taken from other modules of the package."""
    return [
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        and (node.level or (node.module or "").startswith("kmeans_labelprop"))
        for alias in node.names
        # `from . import _module` takes a module.
        if is_private(alias.name) and node.module is not None
    ]


def docstring_lines(tree):
    lines = set()
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            lines.update(range(node.lineno, node.end_lineno + 1))
    return lines


def code_lines(source):
    """Return the numbers of the lines with code: no docstrings, comments, blanks."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstring_lines(ast.parse(source))


def estimator_classes(source):
    """Return the lines of code of each class that is fitted, by name."""
    lines = code_lines(source)
    return {
        node.name: len(lines.intersection(range(node.lineno, node.end_lineno + 1)))
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
        and (
            any("Estimator" in ast.unparse(base) for base in node.bases)
            or any(getattr(member, "name", "") == "fit" for member in node.body)
            or node.name.startswith("Base")
        )
    }


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_touches_the_private_members_of_others(module):
    touches = private_touches(MODULES[module].read_text(encoding="utf-8"))
    assert [touch for touch in touches if (module, touch) not in ALLOWED] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_imports_private_names_of_another(module):
    assert private_imports(MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_and_no_estimator_is_too_long_to_read(module):
    source = MODULES[module].read_text(encoding="utf-8")
    assert len(code_lines(source)) <= MOST_LINES_OF_A_MODULE
    for name, n_lines in estimator_classes(source).items():
        assert n_lines <= MOST_LINES_OF_AN_ESTIMATOR, name


def test_every_exception_is_still_needed():
    for module, touch in ALLOWED:
        source = MODULES[module].read_text(encoding="utf-8")
        assert touch in private_touches(source)


def test_the_engine_knows_no_estimator():
    """Pure functions on arrays: what calls them is not their business."""
    estimators = {"_propagator", "_classifier", "_classifier_cv", "_base_classifier"}
    for module in (
        "_engine.py",
        "_given.py",
        "_graph.py",
        "_propagation.py",
        "_fraction.py",
        "_representatives.py",
        "_asking.py",
        "_labels.py",
    ):
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        imported = {
            node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.level
        }
        assert imported.isdisjoint(estimators), module


# Guards of the walk: one that finds nothing would pass all of the above.


def test_the_walk_sees_every_module():
    assert {
        "__init__.py",
        "_engine.py",
        "_given.py",
        "_propagator.py",
        "_selection/_choice.py",
        "cluster/_reclustering.py",
        "inspection/_plotting.py",
    } <= set(MODULES)


def test_the_walk_finds_private_members_of_others():
    source = """
class Own:
    def method(self, other):
        self._mine = cls._shared = other._theirs
        other.part._hidden()
        type(self)._table["x"]
        self.part._inner
        getattr(other, "_named", None)
        getattr(self, "_own_name")
        hasattr(other, "public")
        return other.__class__, self.__dict__, super()._of_parent
"""
    assert sorted(private_touches(source)) == sorted(
        [
            "other._theirs",
            "other.part._hidden",
            "type(self)._table",
            "self.part._inner",
            "other._named",
        ]
    )


def test_the_walk_finds_private_imports():
    source = """
from ._labels import _cast, check_labels
from kmeans_labelprop._graph import _SAME
from . import _messages
from sklearn.utils import _safe_indexing
"""
    assert private_imports(source) == ["_cast", "_SAME"]


def test_lines_of_code_are_counted_without_docstrings_comments_and_blanks():
    source = '''"""Of the module,

two lines."""

import os  # counted


class BaseThing:
    """Not counted."""

    # Not counted.
    table = """
    counted, as it is a value
    """

    def fit(
        self,
    ):
        """Not counted.

        At all.
        """
        return os
'''
    assert sorted(code_lines(source)) == [5, 8, 12, 13, 14, 16, 17, 18, 23]
    assert estimator_classes(source) == {"BaseThing": 8}


def test_the_walk_finds_the_estimators():
    for cls, module in (
        (KMeansLabelPropagator, "_propagator.py"),
        (PropagatedClassifier, "_classifier.py"),
        (PropagatedClassifierCV, "_classifier_cv.py"),
    ):
        source = MODULES[module].read_text(encoding="utf-8")
        assert cls.__name__ in estimator_classes(source)
        assert estimator_classes(source)[cls.__name__] > 20
    base = MODULES["_base_classifier.py"].read_text(encoding="utf-8")
    assert "BasePropagatedClassifier" in estimator_classes(base)
