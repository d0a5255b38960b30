"""Tell scikit-learn's callbacks what a fit is doing, as `sklearn.callback` has it.

That came with scikit-learn 1.9. Before, the mixin is empty and nothing is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

try:
    from sklearn import callback
except ImportError:  # scikit-learn 1.8
    callback = None

_T = TypeVar("_T", bound=Callable[..., Any])

if callback is None:
    CallbackMixin: Any = type("CallbackMixin", (), {})
else:
    CallbackMixin = callback.CallbackSupportMixin

# The estimator that is fitted in this thread, and the context of its task: stages are
# told of by functions that know no estimator.
_current: ContextVar[tuple[Any, Any] | None] = ContextVar("_current", default=None)


@contextmanager
def _doing(estimator_and_context: tuple[Any, Any] | None) -> Iterator[None]:
    before = _current.get()
    try:
        _current.set(estimator_and_context)
        yield
    finally:
        _current.set(before)


def as_task(method: _T) -> _T:
    """Make a method one task, whose subtasks are the stages that it runs.

    Parameters
    ----------
    method : callable
        Of an estimator with the mixin. Inside another one of the same estimator it is
        no task of its own.

    Returns
    -------
    method : callable
        The same. Callbacks are set up before it, and torn down whatever ends it.
    """
    if callback is None:
        return method

    @callback.with_callbacks
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        context = self._init_callback_context(method.__name__, max_subtasks=None)
        context.call_on_fit_task_begin(estimator=self)
        with _doing((self, context)):
            result = method(self, *args, **kwargs)
        context.call_on_fit_task_end(estimator=self)
        return result

    @wraps(method)
    def told(self: Any, *args: Any, **kwargs: Any) -> Any:
        is_inside = hasattr(self, "_callback_fit_ctx")
        return (method if is_inside else run)(self, *args, **kwargs)

    return told  # type: ignore[return-value]


@contextmanager
def task(name: str, n_steps: int | None = None, part: Any = None) -> Iterator[None]:
    """Tell the callbacks of the estimator that is fitted of one of its tasks.

    Parameters
    ----------
    name : str
        What is done.
    n_steps : int or None, default=None
        Number of tasks inside, 0 if these are nobody's business; None if not known.
    part : estimator or None, default=None
        The task is to fit this one. It gets the callbacks meanwhile, if it takes any.
    """
    fitted = _current.get()
    if fitted is None:
        yield
        return
    estimator, context = fitted
    n_steps = n_steps if part is None else 0
    inner = context.subcontext(task_name=name, max_subtasks=n_steps)
    handing_down = (
        inner.propagate_callback_context(part)
        if hasattr(part, "set_callbacks")
        else nullcontext()
    )
    with handing_down:
        inner.call_on_fit_task_begin(estimator=estimator)
        with _doing(None if n_steps == 0 else (estimator, inner)):
            yield
        inner.call_on_fit_task_end(estimator=estimator)


def check_callbacks(estimator: Any, part: Any) -> None:
    """Refuse callbacks on a part that are to be set on the whole.

    Parameters
    ----------
    estimator : estimator
        The whole, which has the mixin.
    part : estimator
        A clone of the part that it will fit: without this check the error came then.

    Raises
    ------
    TypeError
        If the part has callbacks that are handed down from the whole, such as a
        progress bar.
    """
    if callback is None or not hasattr(part, "set_callbacks"):
        return
    bare = object.__new__(type(estimator))  # of that name, and without callbacks
    with bare._init_callback_context().propagate_callback_context(part):
        pass
