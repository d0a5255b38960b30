"""Numbers that are missing, by chance or for a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array

from .._mixing import some_positions
from ._scores import RobustScores

# Gaps are no chance if they go with the values of another feature: by a correlation of
# this, and by so many standard errors, which chance brings in one pair of 16,000.
_LEAST_CORRELATION = 0.2
_STANDARD_ERRORS = 4
# Features whose gaps correlate so much are told once.
_SAME_GAPS = 0.9
_N_LOOKED_AT = 2000


def imputer() -> SimpleImputer:
    """Make the transformer that fills in missing numbers."""
    return SimpleImputer(strategy="median", keep_empty_features=True)


def imputers(X: NDArray[Any]) -> list[Any]:
    """Make the transformers that fill in numbers of different units.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The numbers; missing ones are NaN.

    Returns
    -------
    steps : list of transformers
        The imputer; before it, if gaps go with values, one that adds columns that tell
        of gaps.
    """
    columns = telling_gaps(X)
    if not columns:
        return [imputer()]
    add = FunctionTransformer(
        add_gaps, kw_args={"columns": columns}, feature_names_out=_names
    )
    return [add, imputer()]


def telling_gaps(X: NDArray[Any]) -> list[int]:
    """Find features whose gaps go with the values of other features.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The numbers; missing ones are NaN.

    Returns
    -------
    columns : list of int
        The features, one for each pattern of gaps.
    """
    X = X[some_positions(len(X), _N_LOOKED_AT)]
    is_gap = np.isnan(X)
    if not is_gap.any():
        return []
    known = imputer().set_output(transform="default").fit_transform(X)
    scores = RobustScores().set_output(transform="default").fit_transform(known)
    scores[is_gap] = np.nan
    columns: list[int] = []
    for column in np.flatnonzero(is_gap.any(axis=0)):
        gaps = is_gap[:, column]
        told = is_gap[:, columns].astype(np.float64)
        if np.any(_correlations(gaps, told)[0] > _SAME_GAPS):
            continue
        found, n_known = _correlations(gaps, scores)
        least = np.maximum(_LEAST_CORRELATION, _STANDARD_ERRORS / n_known**0.5)
        if np.any(found > least):
            columns.append(int(column))
    return columns


def add_gaps(X: Any, columns: list[int]) -> NDArray[Any]:
    """Add columns that are 1 where a number is missing, else 0.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The numbers; missing ones are NaN.
    columns : list of int
        The features to tell of.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_features + n_columns)
        All of them.
    """
    X = check_array(X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan")
    return np.hstack([X, np.isnan(X[:, columns]).astype(X.dtype)])


def _names(transformer: FunctionTransformer, names: Any) -> NDArray[Any]:
    told = [f"{names[column]}_is_missing" for column in transformer.kw_args["columns"]]
    return np.array([*names, *told], dtype=object)


def _correlations(gaps: Any, X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Correlate gaps with each column, over its known rows, and count these."""
    is_known = ~np.isnan(X)
    n_known = np.maximum(is_known.sum(axis=0), 1)
    first = np.where(is_known, gaps[:, None], 0.0)
    second = np.where(is_known, X, 0.0)
    first -= np.where(is_known, first.sum(axis=0) / n_known, 0)
    second -= np.where(is_known, second.sum(axis=0) / n_known, 0)
    lengths = np.sqrt((first**2).sum(axis=0) * (second**2).sum(axis=0))
    products = np.abs((first * second).sum(axis=0))
    return products / np.where(lengths > 0, lengths, 1), n_known
