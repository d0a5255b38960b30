"""What is cached is found again by what it was made from, and by nothing else."""

import contextvars
import functools
import importlib
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import FunctionTransformer

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop._caching import cache_in
from kmeans_labelprop._sources import source_digest

PLAIN = """
import helpers_of_{name} as h
FACTOR = 2

def below(X):
    return X * FACTOR

def space(X, power=1):
    return below(X) ** power + h.shift(X)

class Space:
    def apply(self, X):
        return below(X)

def counts(n):
    return 0 if n == 0 else counts(n - 1)
"""
HELPERS = "def shift(X):\n    return 0 * X\n"


@pytest.fixture
def load(tmp_path, monkeypatch, request):
    """Write a module of the user's own, and import it afresh after each edit."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    name = f"space_{abs(hash(request.node.nodeid))}"

    def load(*edit, helpers=HELPERS):
        source = PLAIN.format(name=name)
        for old, new in (edit,) if edit else ():
            assert old in source
            source = source.replace(old, new)
        Path(tmp_path, f"{name}.py").write_text(source)
        Path(tmp_path, f"helpers_of_{name}.py").write_text(helpers)
        for module in (name, f"helpers_of_{name}"):
            sys.modules.pop(module, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return load


@pytest.mark.parametrize(
    "edit",
    [
        ("** power", "** 2 * power"),
        ("power=1", "power=2"),
        ("X * FACTOR", "X + FACTOR"),
        ("FACTOR = 2", "FACTOR = 3"),
    ],
)
def test_the_code_of_a_function_and_of_what_it_calls_counts(load, edit):
    before = source_digest(FunctionTransformer(load().space))
    assert source_digest(FunctionTransformer(load().space)) == before
    assert source_digest(FunctionTransformer(load(*edit).space)) != before


def test_so_does_a_module_that_it_calls(load):
    before = source_digest(load().space)
    assert source_digest(load(helpers=HELPERS.replace("0 *", "1 *")).space) != before


def test_so_do_methods_partials_closures_and_bound_methods(load):
    def closure(value):
        return lambda X: X * value

    for wrap in (
        lambda m: m.Space(),
        lambda m: m.Space,
        lambda m: m.Space().apply,
        lambda m: functools.partial(m.below),
        lambda m: {"kw_args": [m.below]},
        lambda m: closure(m.below),
    ):
        before = source_digest(wrap(load()))
        assert source_digest(wrap(load())) == before
        assert source_digest(wrap(load("X * FACTOR", "X + FACTOR"))) != before
    assert source_digest(closure(2)) != source_digest(closure(3))


def test_a_comment_or_another_function_does_not_count(load):
    before = source_digest(load().space)
    assert source_digest(load("def counts", "# why\ndef counts").space) == before
    assert source_digest(load("n - 1", "n - 2").space) == before
    recursive = source_digest(load().counts)
    assert source_digest(load("n - 1", "n - 2").counts) != recursive


def test_installed_code_counts_by_its_name_alone():
    assert source_digest(np.log1p) != source_digest(np.sqrt)
    assert source_digest(np.mean) != source_digest(np.median)


def test_code_that_is_in_no_file_counts_too(monkeypatch):
    """As that of a notebook."""
    digests = []
    for shift in (1, 2):
        module = types.ModuleType("notebook")
        exec(f"def move(X):\n    return X + {shift}", module.__dict__)
        monkeypatch.setitem(sys.modules, "notebook", module)
        digests.append(source_digest(module.move))
    assert digests[0] != digests[1]


def test_an_edited_embedding_is_fitted_again(load, tmp_path, blobs):
    X, y = blobs
    cache = str(tmp_path / "cache")

    def centers(*edit, memory):
        embedding = FunctionTransformer(load(*edit).space)
        p = KMeansLabelPropagator(4, embedding=embedding, memory=memory, random_state=0)
        return p.fit(X, y).cluster_centers_

    edit = ("** power", "* 0 + X[:, ::-1] ** 2")
    before, plain = centers(memory=cache), centers(*edit, memory=None)
    assert not np.allclose(before, plain)
    np.testing.assert_array_equal(centers(*edit, memory=cache), plain)
    np.testing.assert_array_equal(centers(memory=cache), before)


def count_calls(X):
    Path(X).write_text(Path(X).read_text() + "x")
    return np.arange(1000.0)


def test_what_is_stored_is_computed_once(tmp_path):
    calls = tmp_path / "calls"
    calls.write_text("")
    for _ in range(3):
        result = cache_in(str(tmp_path / "cache"))(count_calls)(str(calls))
        np.testing.assert_array_equal(result, np.arange(1000.0))
    assert calls.read_text() == "x"


def test_a_flipped_bit_is_found(tmp_path):
    calls = tmp_path / "calls"
    calls.write_text("")
    cached = cache_in(str(tmp_path / "cache"))(count_calls)
    cached(str(calls))
    [stored] = (tmp_path / "cache").rglob("output.pkl")
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.write_bytes(content)
    with pytest.warns(UserWarning, match="has changed since it was stored"):
        result = cached(str(calls))
    np.testing.assert_array_equal(result, np.arange(1000.0))
    assert calls.read_text() == "xx"


def test_what_cannot_be_stored_is_computed_with_a_word(tmp_path, blobs):
    X, y = blobs
    embedding = FunctionTransformer(lambda X: X * 2)
    p = KMeansLabelPropagator(4, embedding=embedding, memory=str(tmp_path))
    with pytest.warns(UserWarning, match="'memory' parameter"):
        p.fit(X, y)


def test_methods_of_every_kind_and_properties_are_code_too():
    def make(number):
        class Part:
            @property
            def value(self):
                return number

            @classmethod
            def of_class(cls):
                return number

            @staticmethod
            def alone():
                return number

        return Part

    def without(part, name):
        return type("Part", (), {k: v for k, v in vars(part).items() if k != name})

    same, other = make(1), make(2)
    assert source_digest(same) == source_digest(make(1)) != source_digest(other)
    for name in ("value", "of_class", "alone"):
        rest = [n for n in ("value", "of_class", "alone") if n != name]
        one, two = (type("P", (), {name: vars(p)[name]}) for p in (same, other))
        assert source_digest(one) != source_digest(two), rest


IN_A_PROCESS = """
import sys
sys.path.insert(0, sys.argv[1])
import choices
from kmeans_labelprop._sources import source_digest
print(source_digest(choices.chosen))
"""


def test_another_process_makes_the_same_of_sets(tmp_path):
    """Strings of a set have another order there."""
    code = "ALL = frozenset('uvwxyz')\ndef chosen(x): return x in {'a', 'b', 'c'} | ALL"
    digests = set()
    for edit in ("", "", "# a comment\n", "ALL = frozenset('xyz')\n"):
        (tmp_path / "choices.py").write_text(code.replace("def", edit + "def"))
        for seed in ("1", "2"):
            found = subprocess.run(
                [sys.executable, "-Bc", IN_A_PROCESS, str(tmp_path)],
                env=os.environ | {"PYTHONHASHSEED": seed},
                check=True,
                capture_output=True,
                text=True,
            )
            digests.add(found.stdout)
    assert len(digests) == 2


CURRENT = contextvars.ContextVar("current")


def test_what_only_the_thread_knows_counts_by_its_name():
    assert source_digest(lambda: CURRENT.get()) == source_digest(lambda: CURRENT.get())
