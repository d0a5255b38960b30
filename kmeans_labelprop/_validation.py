"""Checks of parameters, in scikit-learn's wording.

Tables of legal values (``_parameter_constraints``) and a few helpers are private to
scikit-learn; this module is the only one that imports them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_method_params

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_parameters",
    "routing_enabled",
    "take_fit_params",
    "validate_estimator_parameters",
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
    validate_parameter_constraints(constraints, parameters, caller_name=caller)


def validate_estimator_parameters(estimator: BaseEstimator) -> None:
    """Check an estimator's parameters against its ``_parameter_constraints``."""
    check_parameters(
        estimator._parameter_constraints,
        estimator.get_params(deep=False),
        type(estimator).__name__,
    )


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
    taken: dict[str, Any] = _check_method_params(X, fit_params, indices=positions)
    return taken
