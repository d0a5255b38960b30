"""Tell whether functions inside an estimator have changed."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from pickle import PicklingError
from types import CodeType, FunctionType, ModuleType
from typing import Any

from joblib.hashing import NumpyHasher

# Code in there changes with its version only.
_INSTALLED = [
    Path(path).resolve()
    for path in map(sysconfig.get_path, ("stdlib", "purelib", "platlib"))
]


def source_digest(whole: Any) -> str:
    """Hash the code that an object calls: a pickle holds only its name.

    Parameters
    ----------
    whole : object
        An estimator, or anything else made of others.

    Returns
    -------
    digest : str
        Changes with the code, the defaults and the captured values of every function,
        method and class in the object, and in what these call, as far as it is not
        installed with the interpreter.

    Raises
    ------
    pickle.PicklingError
        If something inside can neither be pickled nor is code in Python.
    """
    try:
        digest: str = _CodeHasher(hash_name="sha1").hash(whole)
    except (TypeError, AttributeError) as error:  # as pickle has it for some
        raise PicklingError(str(error)) from error
    return digest


class _CodeHasher(NumpyHasher):
    """Hashes functions and classes by their code in place of their names."""

    def reducer_override(self, value: Any) -> Any:
        """Take apart what pickle would store by its name."""
        if isinstance(value, ModuleType):
            return self._parts(value.__name__, _read_module(value))
        if isinstance(value, ContextVar):
            return self._parts(value.name)
        if isinstance(value, frozenset):  # its order is another in each process
            return self._parts("frozenset", sorted(map(source_digest, value)))
        if not isinstance(value, FunctionType | type):
            return NotImplemented
        name = f"{value.__module__}.{value.__qualname__}"
        if _is_installed(value.__module__):
            # Of others pickle finds the name only where it stands at the top.
            return NotImplemented if isinstance(value, type) else self._parts(name)
        if isinstance(value, FunctionType):
            return self._parts(name, *_parts_of_function(value))
        return self._parts(name, value.__bases__, list(_parts_of_class(value)))

    @staticmethod
    def _parts(name: str, *parts: Any) -> tuple[Callable[..., Any], tuple[str], Any]:
        # The parts are the state: pickle remembers the object before it goes into
        # them, so that a function may call itself.
        return str, (name,), parts


def _is_installed(module_name: str | None) -> bool:
    module = sys.modules.get(module_name or "")
    path = getattr(module, "__file__", None)
    if path is None:  # built in, or of a notebook or a prompt
        spec = getattr(module, "__spec__", None)
        return getattr(spec, "origin", None) in ("built-in", "frozen")
    return any(folder in Path(path).resolve().parents for folder in _INSTALLED)


def _read_module(module: ModuleType) -> bytes | None:
    path = getattr(module, "__file__", None)
    if path is None or _is_installed(module.__name__):
        return None
    return Path(path).read_bytes()


def _parts_of_function(function: FunctionType) -> Iterator[Any]:
    yield _parts_of_code(function.__code__)
    yield function.__defaults__
    yield function.__kwdefaults__
    yield [cell.cell_contents for cell in function.__closure__ or ()]
    names = sorted(set(_names_in(function.__code__)))
    yield [(n, function.__globals__[n]) for n in names if n in function.__globals__]


def _parts_of_class(cls: type) -> Iterator[Any]:
    for name, value in sorted(vars(cls).items()):
        if name in ("__dict__", "__weakref__", "__doc__", "__module__"):
            continue
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        elif isinstance(value, property):
            value = [value.fget, value.fset]
        elif not isinstance(value, FunctionType | type | str | int | float | tuple):
            continue  # what the machinery of classes leaves there
        yield name, value


def _parts_of_code(code: CodeType) -> list[Any]:
    """List what a function does, but not where it stands in its file."""
    constants = [
        _parts_of_code(constant) if isinstance(constant, CodeType) else constant
        for constant in code.co_consts
    ]
    return [code.co_code, code.co_names, code.co_varnames, constants]


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
