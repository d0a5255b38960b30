"""Checks of parameters, in scikit-learn's wording.

Tables of legal values (``_parameter_constraints``) and a few helpers are private to
scikit-learn; this module is the only one that imports them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from numbers import Integral
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_method_params

# What others take from scikit-learn by way of this module.
__all__ = ["HasMethods", "Interval", "StrOptions"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

POSITIVE = Interval(Integral, 1, None, closed="left")

# joblib refuses 0, but not before labels have been paid for.
N_JOBS = [
    POSITIVE,
    Interval(Integral, None, -1, closed="right"),
    None,
]


def check_parameters(
    constraints: Mapping[str, Sequence[Any]], parameters: Mapping[str, Any], caller: str
) -> None:
    """Raise scikit-learn's ``InvalidParameterError`` for the first illegal value.

    Parameters
    ----------
    constraints : dict of str to list
        The legal values of each parameter, in scikit-learn's notation.
    parameters : dict of str to object
        The values got.
    caller : str
        Name of the class or function whose parameters these are.
    """
    for name, value in parameters.items():
        try:
            if isinstance(value, np.timedelta64):
                raise TypeError("it says that it is a whole number, and is none")
            validate_parameter_constraints(
                constraints, {name: value}, caller_name=caller
            )
        except InvalidParameterError:
            raise
        except TypeError as error:  # numbers that cannot be compared with others
            raise TypeError(
                f"The {name!r} parameter of {caller} must be a legal value of a plain "
                f"type. Got {value!r} instead."
            ) from error


def validated(
    **constraints: Sequence[Any],
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Check the parameters of a function before it runs.

    Parameters
    ----------
    **constraints : list
        The legal values of each parameter, in scikit-learn's notation.

    Returns
    -------
    decorate : callable
        Wraps the function.
    """

    def decorate(function: Callable[_P, _T]) -> Callable[_P, _T]:
        signature = inspect.signature(function)

        @wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            try:
                got = signature.bind(*args, **kwargs)
            except TypeError:
                return function(*args, **kwargs)  # Python's own error names it
            got.apply_defaults()
            parameters = {name: got.arguments[name] for name in constraints}
            check_parameters(constraints, parameters, function.__name__)
            return function(*args, **kwargs)

        return checked

    return decorate


def validate_estimator_parameters(estimator: BaseEstimator) -> None:
    """Check an estimator's parameters against its ``_parameter_constraints``."""
    check_parameters(
        estimator._parameter_constraints,
        estimator.get_params(deep=False),
        type(estimator).__name__,
    )


def check_instances(estimator: BaseEstimator, *names: str) -> None:
    """Refuse a class where an instance is meant.

    Parameters
    ----------
    estimator : estimator
        Has the parameters.
    *names : str
        Their names.

    Raises
    ------
    TypeError
        If one of them is a class.
    """
    for name in names:
        part = getattr(estimator, name)
        if isinstance(part, type):
            raise TypeError(
                f"The {name!r} parameter of {type(estimator).__name__} must be an "
                f"instance, not a class. Got {part.__name__} instead of "
                f"{part.__name__}(...)."
            )


def forget_fit(estimator: BaseEstimator, *, keep: Sequence[str] = ()) -> None:
    """Remove fitted attributes: what an earlier fit found is no result of this one.

    Parameters
    ----------
    estimator : estimator
        Loses its attributes that end with an underscore.
    keep : sequence of str, default=()
        Attributes that stay.
    """
    for name in [name for name in vars(estimator) if name.endswith("_")]:
        if name not in keep:
            delattr(estimator, name)


def replace_attributes(
    estimator: BaseEstimator, attributes: Mapping[str, Any], *, without: Sequence[str]
) -> None:
    """Set attributes in one step, so that an interruption leaves all as it was.

    Parameters
    ----------
    estimator : estimator
        Gets the attributes.
    attributes : dict of str to object
        The attributes.
    without : sequence of str
        Names of attributes that are removed, unless they are set anew.
    """
    kept = {name: v for name, v in vars(estimator).items() if name not in without}
    estimator.__dict__ = kept | dict(attributes)


@contextmanager
def undone_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Leave an estimator as it was, if what is done to it ends early.

    Parameters
    ----------
    estimator : estimator
        Gets its attributes back.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__ = before
        raise


def routing_enabled() -> bool:
    """Tell whether scikit-learn's metadata routing is switched on."""
    return bool(get_config()["enable_metadata_routing"])


def take_fit_params(
    X: Any, fit_params: dict[str, Any], positions: NDArray[np.intp]
) -> dict[str, Any]:
    """Take the entries of some samples from fit parameters that have one per sample.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The samples the parameters belong to.
    fit_params : dict of str to object
        Parameters; those that are not of length n_samples are left alone.
    positions : ndarray of shape (n_taken,), dtype=intp
        Positions of the samples.

    Returns
    -------
    taken : dict of str to object
        The parameters for these samples.
    """
    return _check_method_params(X, fit_params, indices=positions)
