"""Rows of many numbers of one scale, compared by their shapes before their sizes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, issparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin
from sklearn.preprocessing import normalize
from sklearn.utils import gen_batches
from sklearn.utils.extmath import row_norms
from sklearn.utils.sparsefuncs import mean_variance_axis

from .._mixing import some_positions
from .._parallel import run_in_threads
from ._float_transformer import FloatTransformer

# What the mean weighs among all variances, by its part in that of the samples as they
# are. By measurement (benchmarks/results/row_means.md): enough for what it alone tells,
# such as how bright images are; more costs right labels on spectra of many strengths.
_WEIGHT = 1 / 8
# So many rows tell variances to a few parts in a hundred.
_MOST_ROWS = 2048
# Rows that a thread takes at a time.
_N_ROWS = 2048


class UnitRows(ClassNamePrefixFeaturesOutMixin, FloatTransformer):
    """Bring rows to unit length, and tell their mean in one more column.

    The column has an eighth of the part in the variance that the means have in that
    of the samples as they are; of many rows, some two thousand tell it.

    Attributes
    ----------
    mean_, scale_ : float
        What the means of the rows are centred by, and then multiplied by.
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
        X = self._check(X, is_fit=True)
        X = X[some_positions(X.shape[0], _MOST_ROWS)]
        means = _means(X)
        self.mean_ = float(means.mean())
        spread = float(means.std())
        of_means, of_samples = X.shape[1] * spread**2, _variance(X)
        self.scale_ = 0.0
        if of_means > 0:
            part = _WEIGHT * min(1, of_means / of_samples)
            variance = part / (1 - part) * _variance(normalize(X))
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
        X = self._check(X)
        if issparse(X):
            column = csr_array(self._column(X).astype(X.dtype))
            return hstack([normalize(X), column], format="csr")
        rows = np.empty((X.shape[0], X.shape[1] + 1), X.dtype)

        def fill(batch: slice) -> None:
            lengths = row_norms(X[batch])[:, np.newaxis]
            np.divide(X[batch], np.where(lengths > 0, lengths, 1), out=rows[batch, :-1])
            rows[batch, -1:] = self._column(X[batch])

        run_in_threads(fill, gen_batches(len(X), _N_ROWS))
        return rows

    def _column(self, X: Any) -> NDArray[np.float64]:
        """Give the means of rows in one column."""
        return self.scale_ * (_means(X) - self.mean_)[:, np.newaxis]

    @property
    def _n_features_out(self) -> int:
        return int(self.n_features_in_) + 1


def _means(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.mean(axis=1, dtype=np.float64)).ravel()


def _variance(X: Any) -> float:
    """Add up the variances of all features."""
    variances = (
        mean_variance_axis(X, axis=0)[1]
        if issparse(X)
        else X.var(axis=0, dtype=np.float64)
    )
    return float(np.sum(variances, dtype=np.float64))
