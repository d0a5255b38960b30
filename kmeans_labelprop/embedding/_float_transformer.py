"""What transformers of numbers share."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data


class FloatTransformer(TransformerMixin, BaseEstimator):
    """Takes numbers as float64 or float32, also sparse ones, and keeps that dtype."""

    _takes_sparse = True

    def _check(self, X: Any, *, is_fit: bool = False) -> Any:
        if not is_fit:
            check_is_fitted(self)
        return validate_data(
            self,
            X,
            reset=is_fit,
            dtype=[np.float64, np.float32],
            accept_sparse="csr" if self._takes_sparse else False,
        )

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._takes_sparse
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
