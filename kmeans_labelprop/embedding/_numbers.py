"""Embeddings for arrays of numbers: measurements, pixels, vectors, counts of words."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    Normalizer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.utils.extmath import row_norms
from sklearn.utils.sparsefuncs import min_max_axis

from .._distances import check_limits
from .._mixing import some_positions
from ._counts import Profiles, have_uneven_sums
from ._gaps import imputer, imputers
from ._rows import UnitRows
from ._scores import RobustScores, far_bounds

# More features than this are projected on fewer components.
WIDE = 100
# Features have one scale if no range is more than so many times the median range nor,
# where there are few features, less than this part of it. Among many features, such as
# pixels, some may hardly vary.
_ONE_SCALE = 5
_LEAST_PART = 0.05
_FEW = 30
# Values far away matter from this share of the rows on, of some that are looked at.
_FAR_ROWS = 0.01
_N_LOOKED_AT = 2000
# Amounts of one unit, such as money, have a fourth moment of standard scores above
# this: it is 3 for a normal distribution, 9 for an exponential one.
_TAILS = 6
# A text uses few of all words.
_TEXT_DENSITY = 0.1
# Vectors made elsewhere: many features of both signs, rows of one length.
_LEAST_VECTOR = 32
_LENGTH_SPREAD = 0.01

# Chosen by measurement, on data sets of each kind.
N_TEXT_COMPONENTS = 100
_N_IMAGE_COMPONENTS = 50
_N_TABLE_COMPONENTS = 20
_N_QUANTILES = 100


def numbers_embedding(X: Any) -> Any:
    """Choose the embedding of numbers.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples; missing ones are NaN.

    Returns
    -------
    embedding : transformer or None
        The transformer, not fitted; None for the numbers as they are.
    """
    low, high, has_missing = _ends(X)
    if not has_missing and not np.any(low < high):
        return None  # all samples are the same
    ends = float(low.min(initial=0)), float(high.max(initial=0))
    if issparse(X) and _is_text(X):
        check_limits(*ends, X, "X")
        return _counts_embedding(X)
    is_wide = X.shape[1] > WIDE
    is_signed = bool(np.any(low < 0))
    steps: list[Any] = [imputer()] if has_missing else []
    components = PCA(n_components(_N_IMAGE_COMPONENTS, X.shape[0]))
    are_vectors = not has_missing and _are_vectors(X, low, high)
    has_one_scale = _is_one_scale(high / 2 - low / 2)  # the whole may be infinite
    if has_one_scale and not are_vectors and not issparse(X):
        has_one_scale = not _have_far_values(X) and not (
            not is_wide and low.min() > 0 and _have_long_tails(X)
        )
    if are_vectors or has_one_scale:
        check_limits(*ends, X, "X")
    if are_vectors:
        steps.append(Normalizer())
    elif not has_one_scale:
        # Ranks of a sparse matrix with negative numbers would fill it.
        if is_wide and not is_signed and not has_missing and have_uneven_sums(X):
            check_limits(*ends, X, "X")
            steps.append(Profiles())
        elif issparse(X):
            if is_signed:
                _refuse_tiny(np.maximum(abs(low), abs(high)), X.dtype)
            steps.append(MaxAbsScaler() if is_signed else _ranks(X.shape[0]))
        else:
            if has_missing and not is_wide:
                steps = imputers(X)
            steps.append(RobustScores())
        components = PCA(n_components(_N_TABLE_COMPONENTS, X.shape[0]))
    elif is_wide and not is_signed:
        steps.append(UnitRows())
    if is_wide:
        steps.append(components)
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def _refuse_tiny(largest: Any, dtype: np.dtype[Any]) -> None:
    """Refuse features that MaxAbsScaler takes for zeros."""
    least = 10 * float(np.finfo(dtype).eps)
    tiny = np.flatnonzero((largest > 0) & (largest < least))
    if tiny.size:
        of_float64 = ", or float64" if dtype == np.float32 else ""
        raise ValueError(
            "The features of X must reach "
            f"{least:.1e} to be divided by their largest value. Got "
            f"{float(largest[tiny[0]]):.3g} at most in feature {tiny[0]}. Use another "
            f"unit{of_float64}."
        )


def _ranks(n_samples: int) -> QuantileTransformer:
    # One quantile would put all samples at 0.
    n_quantiles = max(min(2, n_samples), n_components(_N_QUANTILES, n_samples))
    return QuantileTransformer(n_quantiles=n_quantiles)


def n_components(n_wanted: int, n_samples: int) -> int:
    """Leave room for a fit on fewer samples, as in cross-validation."""
    return max(1, min(n_wanted, n_samples // 2))


def _counts_embedding(X: Any) -> Any:
    is_counts = bool(np.all(X.data >= 0) and np.all(X.data == np.floor(X.data)))
    first = TfidfTransformer(sublinear_tf=True) if is_counts else Normalizer()
    svd = TruncatedSVD(n_components(N_TEXT_COMPONENTS, X.shape[0]))
    return make_pipeline(first, svd, Normalizer())


def _is_text(X: Any) -> bool:
    n_samples, n_features = X.shape
    return n_features > WIDE and X.nnz <= _TEXT_DENSITY * n_samples * n_features


def _are_vectors(X: Any, low: Any, high: Any) -> bool:
    """Tell whether rows of one length point in all directions."""
    if (
        issparse(X)
        or X.shape[1] < _LEAST_VECTOR
        or np.mean((low < 0) & (high > 0)) < 1 / 2
    ):
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # refused later, or scaled
        lengths = row_norms(X)
        spread = lengths.std()
    return bool(spread <= _LENGTH_SPREAD * lengths.mean())


def _is_one_scale(ranges: Any) -> bool:
    """Tell whether no feature ranges much farther, or much less, than most do."""
    n_features = ranges.size
    ranges = np.sort(ranges[ranges > 0])
    if not ranges.size:
        return True
    # The lower median: of two ranges the larger must not be compared with itself.
    usual = ranges[(ranges.size - 1) // 2]
    is_small = n_features <= _FEW and ranges[0] < _LEAST_PART * usual
    return bool(ranges[-1] / _ONE_SCALE <= usual and not is_small)


def _have_far_values(X: NDArray[Any]) -> bool:
    """Tell whether values like codes for missing ones are in most features."""
    X = X[some_positions(len(X), _N_LOOKED_AT)]
    if np.isnan(X).any():
        X = imputer().set_output(transform="default").fit_transform(X)
    with np.errstate(over="ignore", invalid="ignore"):
        is_far = np.clip(X, *far_bounds(X)) != X
    varies = X.min(axis=0) < X.max(axis=0)
    # A row that is broken as a whole fills a cluster of its own, and does no harm.
    return bool(
        2 * is_far.any(axis=0).sum() > varies.sum()
        and is_far.any(axis=1).mean() > _FAR_ROWS
    )


def _have_long_tails(X: NDArray[Any]) -> bool:
    """Tell whether most features are like amounts, of which few are large."""
    X = X[some_positions(len(X), _N_LOOKED_AT)]
    scores = StandardScaler().set_output(transform="default").fit_transform(X)
    return bool(np.median(np.nanmean(scores.astype(np.float64) ** 4, axis=0)) > _TAILS)


def _ends(X: Any) -> tuple[Any, Any, bool]:
    """Find the range of each feature, and whether a value is missing."""
    if issparse(X):
        ends = min_max_axis(X, axis=0, ignore_nan=True)
        return *ends, bool(np.isnan(X.data).any())
    low, high = X.min(axis=0), X.max(axis=0)
    if not np.isnan(low).any():
        return low, high, False
    values = X[:, ~np.isnan(X).all(axis=0)]
    return np.nanmin(values, axis=0), np.nanmax(values, axis=0), True
