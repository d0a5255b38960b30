"""One unit for all features of an embedding."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils.extmath import row_norms

from ._float_transformer import FloatTransformer

# Less than this part of the mean square is rounding.
_ROUNDING = 1e-6


class GlobalScaler(OneToOneFeatureMixin, FloatTransformer):
    """Multiply all features by one number, so that their mean variance is about 1.

    Clusters and neighbours stay the same. Classifiers do not: penalties and learning
    rates are meant for features of about this variance, and rows of unit length have a
    hundredth of it. The number is a power of two, so that nothing is rounded.

    Attributes
    ----------
    scale_ : float
        The number; 1 if all samples are the same.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the number.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The features.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : GlobalScaler
            The fitted transformer.
        """
        X = self._check(X, is_fit=True)
        means = np.asarray(X.mean(axis=0, dtype=np.float64))
        with np.errstate(over="ignore"):  # refused by those who compare the samples
            square = float(row_norms(X, squared=True).mean(dtype=np.float64))
            variance = square - float(np.sum(means**2))
        self.scale_ = 1.0
        if _ROUNDING * square < variance < np.inf:
            self.scale_ = 2.0 ** round(np.log2(X.shape[1] / variance) / 2)
        return self

    def transform(self, X: Any) -> Any:
        """Multiply the features.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The features.

        Returns
        -------
        scaled : {ndarray, CSR matrix} of shape (n_samples, n_features)
            The features in the new unit; sparse if X is. A DataFrame if
            ``set_output`` asks for one.
        """
        X = self._check(X)
        return X * X.dtype.type(self.scale_)
