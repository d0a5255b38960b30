"""Checks of parameters, in scikit-learn's wording.

The table of legal values (``_parameter_constraints``) is scikit-learn's private
convention; this module is the only one that touches it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_parameters",
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
