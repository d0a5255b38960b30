"""Rows of many numbers of one scale, compared by their shapes before their sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, issparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.preprocessing import normalize
from sklearn.utils import Tags, gen_batches
from sklearn.utils.extmath import row_norms
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import check_is_fitted, validate_data

# What the mean weighs among all variances, by its part in that of the samples as they
# are. By measurement: enough for what it alone tells, such as how bright images are;
# more costs right labels on clothes, digits and spectra.
_WEIGHT = 1 / 4
_N_ROWS_TOGETHER = 1024
_ACCEPTED: dict[str, Any] = {"dtype": [np.float64, np.float32], "accept_sparse": "csr"}


class UnitRows(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Bring rows to unit length, and tell their mean in one more column.

    The column has a quarter of the part in the variance that the means have in that of
    the samples as they are.

    Attributes
    ----------
    mean_, scale_ : float
        What the means of the rows are centred by, and multiplied by.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn how far the means of rows differ.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : UnitRows
            The fitted transformer.
        """
        X = validate_data(self, X, **_ACCEPTED)
        means = _means(X)
        self.mean_ = float(means.mean())
        spread = float(means.std())
        of_means, of_samples = X.shape[1] * spread**2, _variance(X, np.asarray)
        self.scale_ = 0.0
        if of_means > 0:
            part = _WEIGHT * min(1, of_means / of_samples)
            variance = part / (1 - part) * _variance(X, normalize)
            self.scale_ = variance**0.5 / spread
        return self

    def transform(self, X: Any) -> Any:
        """Give the rows and their means.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The samples.

        Returns
        -------
        rows : {ndarray, CSR array} of shape (n_samples, n_features + 1)
            The rows of unit length, or zero, and a column; sparse if X is.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_ACCEPTED)
        column = (self.scale_ * (_means(X) - self.mean_)).astype(X.dtype)
        if issparse(X):
            return hstack([normalize(X), csr_array(column[:, None])], format="csr")
        rows = np.empty((X.shape[0], X.shape[1] + 1), X.dtype)
        lengths = row_norms(X)[:, None]
        np.divide(X, np.where(lengths > 0, lengths, 1), out=rows[:, :-1])
        rows[:, -1] = column
        return rows

    @property
    def _n_features_out(self) -> int:
        return int(self.n_features_in_) + 1

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _means(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.mean(axis=1, dtype=np.float64)).ravel()


def _variance(X: Any, change: Callable[[Any], Any]) -> float:
    """Add up the variances of all features of changed rows, without a copy of all."""
    if issparse(X):
        X = normalize(X) if change is normalize else X
        return float(np.sum(mean_variance_axis(X, axis=0)[1], dtype=np.float64))
    origin = change(X[:1])  # sums of small differences lose no digits
    sums, squares = np.zeros(X.shape[1]), 0.0
    for rows in gen_batches(X.shape[0], _N_ROWS_TOGETHER):
        part = change(X[rows]) - origin
        sums += part.sum(axis=0, dtype=np.float64)
        squares += float(np.square(part, out=part).sum(dtype=np.float64))
    n_samples = X.shape[0]
    return max(0.0, squares / n_samples - float(np.sum((sums / n_samples) ** 2)))
