"""An embedding chosen from the type and scale of the samples."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import check_array

from .._containers import canonical, holds_numbers
from .._labels import is_null
from ._columns import NESTED, is_frame, strings_of
from ._global_scale import GlobalScaler
from ._layout import resolve_image_shape
from ._numbers import numbers_embedding
from ._parts import refuse_vectors
from ._pictures import LEAST_SIDE, images_embedding, pixels_embedding, rows_embedding
from ._tables import table_embedding
from ._texts import TextFeatures

_NO_DATES = (
    "X must be numbers, texts or a table. Got {}: pass dates and durations as columns "
    "of a DataFrame, or as numbers, of days for instance."
)


def default_embedding(X: Any, *, image_shape: tuple[int, ...] | None = None) -> Any:
    """Choose an embedding from the type and scale of the samples, without labels.

    Read more in the :ref:`User Guide <embeddings>`, where the rules are.

    Parameters
    ----------
    X : {array-like, sparse matrix, dataframe} of shape (n_samples, ...)
        The samples, as they are: numbers or counts in two dimensions; texts in a list,
        an array, a Series or a column; a DataFrame of pandas or polars, or an array of
        objects, with columns of numbers, booleans, categories, dates, durations,
        strings; or images in arrays of three or four dimensions. Values may be missing.
        float32 is kept.
    image_shape : tuple of int, default=None
        The shape of the images, if each row of numbers is one: (height, width) or
        (height, width, channels), one of which may be -1. With None, rows of numbers
        are taken for images of 16 × 16 pixels or more if their columns are as alike as
        the pixels of images are.

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
        If X is empty, holds infinity or two columns of the same name, has rows of
        different lengths or one dimension of numbers, if no column tells the samples
        apart, or if the samples do not have ``image_shape``.
    TypeError
        If X holds something else, or strings that ``image_shape`` says are pixels.

    See Also
    --------
    describe : Tells what was chosen, in one line.
    kmeans_labelprop.KMeansLabelPropagator : Takes the embedding.
    ImageFeatures : The embedding of images.
    TextFeatures : The embedding of texts.

    Notes
    -----
    The last step brings the features to a variance of about 1 on average, by one number
    for all of them: for classifiers that are trained in the embedding. The choice of
    the others depends on the container and its number of dimensions. For columns, it
    depends on dtype and name, and on whether values repeat; for strings, on their
    words and pieces; for numbers, on whether X is sparse, the number of features,
    whether values are missing, and with which others, or negative, or all whole, the
    range of each feature, how far the sums of rows vary, and which columns are alike;
    for images, on their sides, and on whether pixels are missing. It does not depend on
    the order of the samples, except for columns that number the rows, nor on a unit
    that all features share, if that keeps counts whole.

    Examples
    --------
    Pixels have one scale, measurements of wines do not:

    >>> from sklearn.datasets import load_digits, load_wine
    >>> from kmeans_labelprop import KMeansLabelPropagator
    >>> from kmeans_labelprop.embedding import default_embedding, describe
    >>> print(default_embedding(load_digits().data))
    None
    >>> X, y = load_wine(return_X_y=True)
    >>> embedding = default_embedding(X)
    >>> describe(embedding)
    'numbers: standard scores without extremes'
    >>> propagator = KMeansLabelPropagator(20, embedding=embedding, random_state=0)
    >>> raw = KMeansLabelPropagator(20, embedding=None, random_state=0)
    >>> bool(
    ...     (propagator.fit(X, y).transduction_ == y).mean()
    ...     > (raw.fit(X, y).transduction_ == y).mean()
    ... )
    True
    """
    embedding = _choose(X, image_shape)
    if embedding is None:
        return None
    is_pipeline = isinstance(embedding, Pipeline)
    steps = [step for _, step in embedding.steps] if is_pipeline else [embedding]
    return make_pipeline(*steps, GlobalScaler())


def _choose(X: Any, image_shape: tuple[int, ...] | None) -> Any:
    """Choose the embedding in whatever unit it is."""
    if is_frame(X) and image_shape is None:
        if 0 in X.shape:
            raise ValueError(
                "X must have at least one row and one column. Got a DataFrame of shape "
                f"{X.shape} instead."
            )
        return table_embedding(X)
    if is_frame(X):
        _check_pixels(X, image_shape)
    else:
        X = canonical(X) if issparse(X) else _as_array(X)
    if getattr(X, "ndim", 2) == 1:
        return _for_one_dimension(X)
    if getattr(X, "ndim", 2) in (3, 4):
        return images_embedding(X, image_shape)
    if getattr(X, "ndim", 2) > 4:
        raise ValueError(
            "X must be a table of numbers, in two dimensions, or images, in three or "
            f"four. Got an array of {X.ndim} dimensions instead."
        )
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUST" and _needs_reading(X):
        return table_embedding(X.astype(object))
    X = check_array(
        X,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan",
        input_name="X",
    )
    if image_shape is not None:
        height, width, _ = resolve_image_shape(image_shape, X.shape[1])
        if min(height, width) >= LEAST_SIDE:
            return pixels_embedding(X, image_shape)
        return numbers_embedding(X)
    return rows_embedding(X)


def _as_array(X: Any) -> Any:
    """Turn what is not a table into an array, in which numbers stay numbers."""
    if isinstance(X, np.ma.MaskedArray):
        X = canonical(X)
    try:
        array = np.asarray(X)
        if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
            array = np.asarray(X, dtype=object)
    except ValueError as error:
        raise _ragged() from error
    if array.dtype.kind in "mM":
        raise TypeError(_NO_DATES.format(f"an array of dtype {array.dtype}"))
    return array


def _for_one_dimension(X: Any) -> Any:
    """Take a list of strings as texts, and refuse anything else."""
    known = [value for value in X.tolist() if not is_null(value)]
    strings = [value for value in known if isinstance(value, str | bytes)]
    if strings and len(strings) == len(known):
        refuse_vectors(strings_of(known).tolist(), "X")
        return TextFeatures()
    others = {type(v).__name__ for v in known if not isinstance(v, str | bytes)}
    if strings:
        raise TypeError(
            "Texts must be strings or missing. Got strings and "
            f"{', '.join(sorted(others))} in one list instead."
        )
    if any(isinstance(value, date | timedelta) for value in known):
        raise TypeError(_NO_DATES.format(f"{', '.join(sorted(others))} in a list"))
    if any(hasattr(value, "__len__") for value in known):
        raise _ragged({np.shape(value) for value in known})
    if not all(isinstance(value, Real | Decimal) for value in known):
        raise TypeError(
            "X must be numbers, texts or a table. Got a list of "
            f"{', '.join(sorted(others))} instead."
        )
    raise ValueError(
        f"Expected 2D array, got 1D array instead:\narray={X}.\nReshape your data "
        "either using array.reshape(-1, 1) if your data has a single feature or "
        "array.reshape(1, -1) if it contains a single sample."
    )


def _ragged(shapes: Any = ()) -> ValueError:
    if len(shapes) == 1:
        return ValueError(
            f"Expected 2D array, got a column of vectors of shape {shapes.pop()} "
            "instead. Pass numpy.stack(X)."
        )
    return ValueError(
        "Expected 2D array, got samples of different lengths instead: such a sequence "
        "has an inhomogeneous shape. All samples must have the same length; join the "
        "words of a text into one string, and resize images to one size."
    )


def _check_pixels(X: Any, image_shape: Any) -> None:
    """Refuse columns that do not hold numbers."""
    others = [
        name
        for name, dtype in zip(X.columns, X.dtypes, strict=True)
        if not holds_numbers(dtype)
    ]
    if others:
        raise TypeError(
            f"With image_shape={image_shape!r} all columns must be pixels, in numbers. "
            f"Got something else in columns {others!r} instead."
        )


def _needs_reading(X: Any) -> bool:
    """Tell whether an array holds more than numbers and None.

    Lists and records are read beside other values only: by themselves they are no
    table.
    """
    plain = (type(None), Real, Decimal, np.bool_, *NESTED)
    return X.dtype.kind in "UST" or any(
        isinstance(value, np.timedelta64)  # is a whole number to NumPy
        or not isinstance(value, plain)
        for value in X.flat
    )
