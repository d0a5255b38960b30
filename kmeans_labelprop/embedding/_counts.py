"""Counts of one unit, such as genes in cells or words in texts, of uneven sums."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.sparse import csr_array, hstack, issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.utils.sparsefuncs import mean_variance_axis

from ._float_transformer import FloatTransformer

# Sums of features that have nothing in common vary as much as these do together. If
# they vary so many times more, all features follow the size of the row: how deep a cell
# was read, how long a text is.
_COMMON_SIZE = 5
# What the sum weighs among all variances: enough for classes that it alone tells, not
# enough to hide those that the shares tell. By measurement, between 0 and 0.1.
_PART_OF_SUM = 0.1


def have_uneven_sums(X: Any) -> bool:
    """Tell whether rows are counts of one unit, and some are larger as a whole.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Numbers.

    Returns
    -------
    have_uneven_sums : bool
        Whether all are whole and none is negative, and all features follow the sum.
    """
    values = X.data if issparse(X) else X
    if not (np.all(values >= 0) and np.all(values == np.floor(values))):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        spread = np.var(_sums(X))
        return bool(spread > _COMMON_SIZE * _variances(X).sum(dtype=np.float64))


class Profiles(ClassNamePrefixFeaturesOutMixin, FloatTransformer):
    """Compare counts by their shares of the row.

    Each row is divided by its sum, brought to the median sum, and becomes the logarithm
    of 1 plus that, as is usual for genes in cells. The logarithm of the sum itself is
    one more column, with a tenth of the variance of the others together.

    Attributes
    ----------
    size_ : float
        The median sum of the rows.
    mean_, scale_ : float
        What the logarithms of the sums are centred by, and multiplied by.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn how large rows are.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The counts.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : Profiles
            The fitted transformer.
        """
        X = self._check(X, is_fit=True)
        sums = _sums(X)
        self.size_ = float(np.median(sums[sums > 0])) if np.any(sums > 0) else 1.0
        logs = np.log1p(sums)
        variance = _variances(self._shares(X)).sum(dtype=np.float64)
        spread = float(logs.std())
        self.mean_ = float(logs.mean())
        self.scale_ = (_PART_OF_SUM * variance) ** 0.5 / spread if spread > 0 else 0.0
        return self

    def transform(self, X: Any) -> Any:
        """Give the logarithms of shares and sums.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The counts.

        Returns
        -------
        profiles : {ndarray, CSR array} of shape (n_samples, n_features + 1)
            The logarithms, sparse if X is.
        """
        X = self._check(X)
        last = self.scale_ * (np.log1p(_sums(X)) - self.mean_)
        column = last[:, None].astype(X.dtype)
        if issparse(X):
            return hstack([self._shares(X), csr_array(column)], format="csr")
        return np.hstack([self._shares(X), column])

    def _shares(self, X: Any) -> Any:
        sums = _sums(X)
        factors = (self.size_ / np.where(sums > 0, sums, 1)).astype(X.dtype)
        if issparse(X):
            shares = X.copy()
            shares.data = _logs(X.data * np.repeat(factors, np.diff(X.indptr)))
            return shares
        return _logs(X * factors[:, None])

    @property
    def _n_features_out(self) -> int:
        return int(self.n_features_in_) + 1


def _logs(values: Any) -> Any:
    return np.log1p(np.maximum(values, 0))


def _sums(X: Any) -> Any:
    """Add up rows; what is negative, as no count is, is nothing."""
    positive = X.maximum(0) if issparse(X) else np.maximum(X, 0)
    return np.asarray(positive.sum(axis=1, dtype=np.float64)).ravel()


def _variances(X: Any) -> Any:
    return mean_variance_axis(X, axis=0)[1] if issparse(X) else X.var(axis=0)
