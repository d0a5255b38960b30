"""An embedding chosen by the look of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    Normalizer,
    OneHotEncoder,
    QuantileTransformer,
)
from sklearn.utils import check_array
from sklearn.utils.sparsefuncs import min_max_axis

from .._containers import canonical
from ._images import ImageFeatures, resolve_image_shape

# More features than this are projected on fewer components.
_WIDE = 100
# Of one scale: no feature ranges over more than so many times the median range.
_ONE_SCALE = 3
# A text uses few of all words.
_TEXT_DENSITY = 0.1

# Chosen by measurement, on data sets of each kind.
_N_TEXT_COMPONENTS = 100
_N_IMAGE_COMPONENTS = 50
_N_TABLE_COMPONENTS = 20
_N_QUANTILES = 100
# Bounds the width that a column of names or ids is given.
_MAX_CATEGORIES = 100
# Smaller images have too few pixels for what ImageFeatures looks at.
_LEAST_IMAGE_SIDE = 14


def default_embedding(X: Any, *, image_shape: tuple[int, ...] | None = None) -> Any:
    """Choose an embedding for samples by their look, without labels.

    Read more in the :ref:`User Guide <embeddings>`, where the rules are.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, n_features)
        The samples; float32 is kept. Numbers may be missing (NaN). Columns of a
        DataFrame (pandas or polars) may be numbers, booleans, strings or categories,
        and missing (None, NaN) is a category of its own.
    image_shape : tuple of int, default=None
        Tells that each sample is an image: (height, width) or (height, width,
        channels), one of which may be -1. None looks at the numbers alone, which do not
        tell where a pixel is.

    Returns
    -------
    embedding : transformer or None
        A transformer that is not fitted, for the `embedding` of
        :class:`~kmeans_labelprop.KMeansLabelPropagator`, which leaves its
        `random_state` to the propagator; None where the samples are best clustered as
        they are.

    Raises
    ------
    ValueError
        If X is not two-dimensional, is empty, holds infinity or two columns of the
        same name, or if the samples do not have as many features as ``image_shape``
        has pixels.
    TypeError
        If X holds neither numbers nor categories, such as dates; or categories, and
        ``image_shape`` says that they are pixels.

    See Also
    --------
    kmeans_labelprop.KMeansLabelPropagator : Takes the embedding.
    ImageFeatures : The embedding for images.

    Notes
    -----
    What is looked at: whether X is sparse, the dtypes of columns, the number of
    features, whether values are missing or negative, and the range of each feature.
    The order of the samples and the unit of all features together do not matter. Of
    images whose shape is given, only whether pixels are missing.

    Examples
    --------
    Pixels have one scale, measurements of wines do not:

    >>> from sklearn.datasets import load_digits, load_wine
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.embedding import default_embedding
    >>> print(default_embedding(load_digits().data))
    None
    >>> X, y = load_wine(return_X_y=True)
    >>> embedding = default_embedding(X)
    >>> embedding
    QuantileTransformer(n_quantiles=89)
    >>> propagator = KMeansLabelPropagator(20, embedding=embedding, random_state=0)
    >>> raw = KMeansLabelPropagator(20, random_state=0)
    >>> bool(
    ...     (propagator.fit(X, y).transduction_ == y).mean()
    ...     > (raw.fit(X, y).transduction_ == y).mean()
    ... )
    True
    """
    if hasattr(X, "columns"):
        _check_frame(X)
        numbers, categories = _split_columns(X)
        if categories and image_shape is not None:
            raise TypeError(
                f"With image_shape={image_shape!r} all columns must be pixels, in "
                "numbers. Got strings, booleans or categories in columns "
                f"{categories!r} instead."
            )
        if categories:
            return _for_table(X, numbers, categories)
    elif not issparse(X) and np.asarray(X).dtype.kind not in "biufO":
        raise TypeError(
            "The samples of default_embedding must be numbers; pass strings and "
            "categories as columns of a DataFrame. Got an array of dtype "
            f"{np.asarray(X).dtype} instead."
        )
    X = check_array(
        canonical(X),
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
    )
    if image_shape is not None:
        height, width, _ = resolve_image_shape(image_shape, X.shape[1])
        if min(height, width) >= _LEAST_IMAGE_SIDE:
            return _for_images(X, image_shape)
    if issparse(X) and _is_text(X):
        return _for_text(X)
    return _for_numbers(X)


def _for_text(X: Any) -> Any:
    is_counts = bool(np.all(X.data >= 0) and np.all(X.data == np.floor(X.data)))
    first = TfidfTransformer(sublinear_tf=True) if is_counts else Normalizer()
    n_components = _n_components(_N_TEXT_COMPONENTS, X.shape[0])
    return make_pipeline(first, TruncatedSVD(n_components), Normalizer())


def _for_images(X: Any, image_shape: tuple[int, ...]) -> Any:
    features = ImageFeatures(image_shape)
    return make_pipeline(_imputer(), features) if _has_missing(X) else features


def _for_numbers(X: Any) -> Any:
    low, high = min_max_axis(X, axis=0, ignore_nan=True) if issparse(X) else _ends(X)
    is_wide = X.shape[1] > _WIDE
    is_signed = bool(np.any(low < 0))
    steps: list[Any] = []
    if _has_missing(X):
        steps.append(_imputer())
    if _is_one_scale(high - low):
        if is_wide and not is_signed:
            steps.append(Normalizer())
        if is_wide:
            steps.append(PCA(_n_components(_N_IMAGE_COMPONENTS, X.shape[0])))
    else:
        # Ranks of a sparse matrix with negative numbers would fill it.
        is_rankable = not (issparse(X) and is_signed)
        steps.append(_ranks(X.shape[0]) if is_rankable else MaxAbsScaler())
        if is_wide:
            steps.append(PCA(_n_components(_N_TABLE_COMPONENTS, X.shape[0])))
    if not steps:
        return None
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def _for_table(X: Any, numbers: list[Any], categories: list[Any]) -> Any:
    n_samples, n_columns = X.shape[0], len(numbers)
    for column in categories:
        name = X.columns[column] if isinstance(column, int) else column
        n_columns += min(X[name].value_counts().shape[0], _MAX_CATEGORIES)
    encoder: Any = OneHotEncoder(
        handle_unknown="ignore", max_categories=_MAX_CATEGORIES, sparse_output=False
    )
    if any(_may_hold_na(_take(X, [column])) for column in categories):
        to_none = FunctionTransformer(_na_to_none, feature_names_out="one-to-one")
        encoder = make_pipeline(to_none, encoder)
    parts = [("categories", encoder, categories)]
    if numbers:
        check_array(
            _take(X, numbers),
            dtype=[np.float64, np.float32],
            ensure_all_finite="allow-nan",
        )
        ranks = make_pipeline(_imputer(), _ranks(n_samples))
        parts.insert(0, ("numbers", ranks, numbers))
    columns = ColumnTransformer(parts)
    if n_columns <= _WIDE:
        return columns
    return make_pipeline(columns, PCA(_n_components(_N_TABLE_COMPONENTS, n_samples)))


def _is_text(X: Any) -> bool:
    n_samples, n_features = X.shape
    return n_features > _WIDE and X.nnz <= _TEXT_DENSITY * n_samples * n_features


def _is_one_scale(ranges: Any) -> bool:
    """Tell whether no feature ranges much farther than most do."""
    ranges = np.sort(ranges[ranges > 0])
    if not ranges.size:
        return True
    # The lower median: of two features the larger must not be its own measure.
    return bool(ranges[-1] <= _ONE_SCALE * ranges[(ranges.size - 1) // 2])


def _ends(X: Any) -> tuple[Any, Any]:
    has_values = ~np.isnan(X).all(axis=0)
    values = X[:, has_values]
    return np.nanmin(values, axis=0), np.nanmax(values, axis=0)


def _has_missing(X: Any) -> bool:
    return bool(np.isnan(X.data if issparse(X) else X).any())


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", keep_empty_features=True)


def _ranks(n_samples: int) -> QuantileTransformer:
    # One quantile would put all samples at 0.
    n_quantiles = max(min(2, n_samples), _n_components(_N_QUANTILES, n_samples))
    return QuantileTransformer(n_quantiles=n_quantiles)


def _n_components(n_wanted: int, n_samples: int) -> int:
    """Leave room for a fit on fewer samples, as in cross-validation."""
    return max(1, min(n_wanted, n_samples // 2))


def _check_frame(X: Any) -> None:
    names = list(X.columns)
    if 0 in X.shape:
        raise ValueError(
            "The samples of default_embedding must have a row and a column or more. "
            f"Got a DataFrame of shape {X.shape} instead."
        )
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            "The columns of default_embedding must have different names. Got more than "
            f"one of {twice!r}."
        )


def _take(X: Any, columns: list[Any]) -> Any:
    """Take columns by their names, or by their positions if not all are strings."""
    return X[columns] if isinstance(columns[0], str) else X.iloc[:, columns]


def _may_hold_na(column: Any) -> bool:
    """Tell whether a missing string is pandas' NA, which the encoder cannot sort."""
    if not hasattr(column, "iloc"):
        return False
    dtype = column.iloc[:, 0].dtype
    dtype = getattr(getattr(dtype, "categories", None), "dtype", dtype)
    return type(dtype).__name__ == "StringDtype"


def _na_to_none(X: Any) -> Any:
    return X.astype(object).where(X.notna(), None)


def _split_columns(X: Any) -> tuple[list[Any], list[Any]]:
    """Tell the columns of numbers from those of categories."""
    names = list(X.columns)
    has_names = all(isinstance(name, str) for name in names)
    numbers: list[Any] = []
    categories: list[Any] = []
    for position, name in enumerate(names):
        dtype = X[name].dtype
        if _is_number(dtype):
            kind = numbers
        elif _is_category(dtype):
            kind = categories
        else:
            raise TypeError(
                "The columns of default_embedding must be numbers, booleans, strings "
                f"or categories. Got column {name!r} of dtype {dtype} instead."
            )
        if kind is categories:
            _check_sortable(X[name], name)
        kind.append(name if has_names else position)
    return numbers, categories


def _check_sortable(column: Any, name: Any) -> None:
    """Refuse strings beside something else, which the encoder cannot sort."""
    if getattr(column.dtype, "kind", "") != "O" or not hasattr(column, "iloc"):
        return
    values = list(column.dropna())
    others = {type(value).__name__ for value in values if not isinstance(value, str)}
    if others and any(isinstance(value, str) for value in values):
        raise TypeError(
            "The columns of default_embedding must hold values of one kind. Got "
            f"strings and {', '.join(sorted(others))} in column {name!r} instead."
        )


def _is_number(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):  # polars
        return bool(dtype.is_numeric())
    return dtype.kind in "iuf"


def _is_category(dtype: Any) -> bool:
    if hasattr(dtype, "is_numeric"):
        name = str(dtype).partition("(")[0]
        return name in ("Boolean", "Categorical", "Enum", "String")
    return dtype.kind in "bO"
