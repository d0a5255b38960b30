"""Numbers of different units, brought to one scale."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from ._float_transformer import FloatTransformer

# Standard scores are bent so that they stay within this.
_LARGEST_SCORE = 3
# Times the range of the middle eight tenths of a feature: values farther away, such as
# a code for missing ones, do not set its scale.
_FAR = 30
# Fourth moment of standard scores, beyond which a feature has long tails.
_LONG_TAILS = 10
_N_QUANTILES = 100


def far_bounds(X: NDArray[Any]) -> NDArray[Any]:
    """Find bounds beyond which a value is far from all that is usual.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The numbers, none of them missing.

    Returns
    -------
    bounds : ndarray of shape (2, n_features), same dtype as X
        The least and the largest value that is not far; infinite where eight tenths of
        the values are the same.
    """
    first, last = np.quantile(X, [0.1, 0.9], axis=0)
    margin = np.where(last > first, _FAR * (last - first), np.inf)
    return np.stack([first - margin, last + margin]).astype(X.dtype)


class RobustScores(OneToOneFeatureMixin, FloatTransformer):
    """Bring numbers of different units to one scale, on which no value is far away.

    A feature becomes its standard scores, bent so that they stay between -3 and 3. A
    feature with long tails, such as an amount, becomes the mean of these and of its
    ranks, because a few samples would set its scale. A feature of two values becomes 0
    and 1, because the rarer value would else lie farther away.

    Attributes
    ----------
    exponents_ : ndarray of shape (n_features,), dtype=int
        The unit of each feature, as a power of two. What follows is in these units.
    bounds_ : ndarray of shape (2, n_features)
        Values outside of these bounds are moved to them, and set no scale.
    scaler_ : StandardScaler
        Gives the scores.
    ranker_ : QuantileTransformer or None
        Gives the ranks of features with long tails; None if there are none.
    has_long_tails_ : ndarray of shape (n_features,), dtype=bool
        Which features these are.
    is_flag_ : ndarray of shape (n_features,), dtype=bool
        Which features have two values.
    flag_ends_ : ndarray of shape (2, n_flags)
        The two values of these.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.
    """

    _takes_sparse = False

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn scales, tails and ranks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The numbers, none of them missing.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : RobustScores
            The fitted transformer.
        """
        X = self._check(X, is_fit=True)
        # In units of a power of two, which is exact: squares of very large or small
        # numbers would be infinite or zero.
        self.exponents_ = np.frexp(np.abs(X).max(axis=0))[1]
        X = self._in_units(X)
        low, high = X.min(axis=0), X.max(axis=0)
        self.is_flag_ = np.all((low == X) | (high == X), axis=0) & (low < high)
        self.flag_ends_ = np.stack([low, high])[:, self.is_flag_]
        self.bounds_ = far_bounds(X)
        is_near = np.clip(X, *self.bounds_) == X
        X = np.where(is_near, X, np.nan).astype(X.dtype, copy=False)
        # Whatever transform_output is set to: they are parts.
        self.scaler_ = StandardScaler().set_output(transform="default").fit(X)
        fourth = np.nanmean(self.scaler_.transform(X).astype(np.float64) ** 4, axis=0)
        self.has_long_tails_ = ~self.is_flag_ & (fourth > _LONG_TAILS)
        self.ranker_ = None
        if self.has_long_tails_.any():
            n_quantiles = min(_N_QUANTILES, len(X))
            ranker = QuantileTransformer(n_quantiles=n_quantiles, subsample=None)
            ranker.set_output(transform="default")
            self.ranker_ = ranker.fit(X[:, self.has_long_tails_])
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Bring numbers to the scale.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The numbers.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            The scores. A DataFrame if ``set_output`` asks for one.
        """
        X = np.clip(self._in_units(self._check(X)), *self.bounds_)
        scores: NDArray[Any] = self.scaler_.transform(X)
        scores /= np.sqrt(1 + (scores / _LARGEST_SCORE) ** 2)
        if self.ranker_ is not None:
            ranks = self.ranker_.transform(X[:, self.has_long_tails_])
            # With the mean and the variance of standard scores.
            scores[:, self.has_long_tails_] += (ranks - 0.5) * 12**0.5
            scores[:, self.has_long_tails_] /= 2
        if self.is_flag_.any():
            low, high = self.flag_ends_
            flags = (X[:, self.is_flag_] - low) / (high - low)
            scores[:, self.is_flag_] = np.clip(flags, 0, 1)
        return scores

    def _in_units(self, X: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # far beyond the bounds
            scaled: NDArray[Any] = np.ldexp(X, -self.exponents_)
        return scaled
