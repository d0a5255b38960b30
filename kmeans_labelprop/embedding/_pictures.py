"""Images in arrays of three or four dimensions, or in rows of pixels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import check_array

from .._mixing import some_positions
from ._gaps import imputer
from ._images import ImageFeatures
from ._numbers import numbers_embedding
from ._pixels import find_image_shape

# Smaller images have too few pixels for what ImageFeatures looks at: from 8 on it gains
# on all sets, at 7 it loses on one (benchmarks/results/small_images.md).
LEAST_SIDE = 8
# Longer ones, without a shape that was told, are windows of series, or the like.
_LARGEST_RATIO = 4
# Channels, or sensors, have units of their own if one ranges so many times as far as
# most, or more than this share of them by so much less. Lines of images differ, too;
# the time steps of a window do not by more than this.
_OTHER_UNIT = 1.5
_SMALL_SHARE = 1 / 3
_LINES_ALIKE = 1.5
# Samples that are looked at to tell sensors from images.
_N_LOOKED_AT = 5000
# The patches of more channels take too long; of photographs and satellites there are
# fewer, of activations in networks more.
_MOST_CHANNELS = 16
# Larger ones are made smaller by a whole factor, to sides of this length at least.
_LARGE_SIDE = 48


def images_embedding(X: NDArray[Any], image_shape: tuple[int, ...] | None) -> Any:
    """Choose the embedding of images.

    Parameters
    ----------
    X : ndarray of shape (n_samples, height, width[, channels])
        The images, or (n_samples, channels, height, width).
    image_shape : tuple of int or None
        The shape that the caller gave.

    Returns
    -------
    embedding : transformer
        The transformer, not fitted.

    Raises
    ------
    ValueError
        If X does not have the shape given.
    """
    shape = X.shape[1:]
    told = None if image_shape is None else tuple(image_shape)
    if told is not None and (
        len(told) != len(shape)
        or any(a not in (-1, b) for a, b in zip(told, shape, strict=True))
    ):
        raise ValueError(
            f"The samples of shape {shape} do not have image_shape={image_shape!r}."
        )
    if told is None and is_row(shape) and X.dtype.kind in "iuf":
        # Rows with sides of length 1, as networks want them.
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.float32
        rows = X.reshape(len(X), -1).astype(dtype, copy=False)
        found = found_images_embedding(rows)
        if found is not None:
            options = {"image_shape": shape, "channels_first": False, "factor": 1}
            return make_pipeline(FunctionTransformer(flatten, kw_args=options), found)
    is_first = channels_come_first(shape, told is not None)
    height, width = shape[1:] if is_first else shape[:2]
    factor = max(1, min(height, width) // _LARGE_SIDE)
    is_image = told is not None or not (looks_like_series(shape) or _are_sensors(X))
    units = None
    last = np.moveaxis(X, 1, -1) if is_first else X
    channels = _channels_that_vary(last)
    if channels is not None:
        last = last[..., channels]
    if len(shape) == 3 or not is_image:
        units = _units_of_channels(last)
    small = flatten(X, shape, is_first, factor, units, channels)
    n_channels = last.shape[-1] if len(shape) == 3 else 1
    is_large = min(height, width) >= LEAST_SIDE
    if not (is_image and is_large) or (told is None and n_channels > _MOST_CHANNELS):
        chosen = numbers_embedding(small.astype(np.float64))
    else:
        sides = height // factor, width // factor
        n_numbers = small.shape[1] // math.prod(sides)
        chosen = pixels_embedding(small, (*sides, n_numbers))
    options = {"image_shape": shape, "channels_first": is_first, "factor": factor}
    if units is not None:
        options["units"] = units
    if channels is not None:
        options["channels"] = channels
    first = FunctionTransformer(flatten, kw_args=options)
    return first if chosen is None else make_pipeline(first, chosen)


def rows_embedding(X: Any) -> Any:
    """Choose the embedding of rows of numbers, which may be the pixels of images.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples; missing ones are NaN.

    Returns
    -------
    embedding : transformer or None
        The transformer, not fitted; None for the numbers as they are.
    """
    found = found_images_embedding(X)
    return numbers_embedding(X) if found is None else found


def found_images_embedding(X: Any) -> Any:
    """Choose the embedding of rows of numbers if they are seen to be images.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The samples; missing ones are NaN.

    Returns
    -------
    embedding : transformer or None
        The transformer, not fitted; None if they are no images.
    """
    found = None if issparse(X) else find_image_shape(X)
    if found is None:
        return None
    if 4 in found or channels_come_first(found):
        return images_embedding(X.reshape(len(X), *found), None)
    return pixels_embedding(X, found)


def pixels_embedding(X: Any, image_shape: tuple[int, ...]) -> Any:
    """Give the image features of rows of pixels, some of which may be missing."""
    features = ImageFeatures(image_shape)
    has_missing = np.isnan(X.data if issparse(X) else X).any()
    return make_pipeline(imputer(), features) if has_missing else features


def channels_come_first(shape: tuple[int, ...], is_told: bool = False) -> bool:
    """Tell whether the first of three sides counts the channels of an image.

    Parameters
    ----------
    shape : tuple of int
        The shape of a sample.
    is_told : bool, default=False
        Whether the caller gave it, as (height, width, channels) in general.

    Returns
    -------
    come_first : bool
        True for (3, height, width), and for any number of channels of images that are
        square, or that would else be too low for an image.
    """
    if len(shape) != 3 or shape[2] <= 4:
        return False
    first, *sides = shape
    is_low = first < LEAST_SIDE <= min(sides)
    return first in (1, 3, 4) or (
        not is_told and (is_low or sides[0] == sides[1] != first)
    )


def _channels_that_vary(X: NDArray[Any]) -> list[int] | None:
    """Find the channels that differ anywhere, as opacity may not; None if all do."""
    if X.ndim != 4 or X.dtype.kind not in "iuf":
        return None
    varies = _ranges(X, 3) > 0
    return None if varies.all() or not varies.any() else np.flatnonzero(varies).tolist()


def _ranges(X: NDArray[Any], axis: int) -> NDArray[np.float64]:
    others = tuple(i for i in range(X.ndim) if i != axis)
    low, high = np.nanmin(X, axis=others), np.nanmax(X, axis=others)
    ranges: NDArray[np.float64] = np.subtract(high, low, dtype=np.float64)
    return ranges


def _are_sensors(X: NDArray[Any]) -> bool:
    """Tell whether columns have units of their own, and lines have not."""
    if X.ndim != 3 or X.dtype.kind not in "iuf":
        return False
    some = X[some_positions(len(X), _N_LOOKED_AT)]
    lines = _ranges(some, 1)
    return _have_units(_ranges(some, 2)) and lines.max() <= _LINES_ALIKE * lines.min()


def _have_units(ranges: NDArray[np.float64]) -> bool:
    """Tell whether ranges differ as those of different units do.

    Some small ones are no sign of it: borders of images hardly vary.
    """
    ranges = np.sort(ranges[ranges > 0])
    if not ranges.size:
        return False
    usual = ranges[(ranges.size - 1) // 2]
    is_small = ranges * _OTHER_UNIT < usual
    return bool(ranges[-1] > _OTHER_UNIT * usual or is_small.mean() > _SMALL_SHARE)


def _units_of_channels(X: NDArray[Any]) -> tuple[list[float], list[float]] | None:
    """Find zero and unit of each channel or sensor; None where all have the same."""
    if X.dtype.kind not in "iuf":
        return None
    ranges = _ranges(X, X.ndim - 1)
    if not _have_units(ranges):
        return None
    low = np.nanmin(X, axis=tuple(range(X.ndim - 1))).astype(np.float64)
    ranges = np.where(ranges > 0, ranges, 1)
    return (low + ranges / 2).tolist(), ranges.tolist()


def looks_like_series(shape: tuple[int, ...]) -> bool:
    """Tell whether arrays are too long and narrow for images of one channel.

    Parameters
    ----------
    shape : tuple of int
        The shape of a sample.

    Returns
    -------
    looks_like_series : bool
        True for (time steps, sensors), say.
    """
    return len(shape) == 2 and max(shape) > _LARGEST_RATIO * min(shape)


def is_row(shape: tuple[int, ...]) -> bool:
    """Tell whether all sides but one are of length 1."""
    return math.prod(shape) == max(shape)


def flatten(
    X: Any,
    image_shape: tuple[int, ...],
    channels_first: bool,
    factor: int,
    units: tuple[list[float], list[float]] | None = None,
    channels: list[int] | None = None,
) -> NDArray[Any]:
    """Lay the pixels of each image in a row, and make large images smaller.

    Parameters
    ----------
    X : array-like of shape (n_samples, *image_shape) or (n_samples, n_pixels)
        The images.
    image_shape : tuple of int
        The shape of an image.
    channels_first : bool
        Whether the channels are the first dimension of an image, not the last.
    factor : int
        A square with sides of so many pixels becomes one pixel, their mean.
    units : tuple of (list of float, list of float) or None, default=None
        Is subtracted from each channel, and divides it, where channels have units of
        their own.
    channels : list of int or None, default=None
        The channels to keep; None for all.

    Returns
    -------
    pixels : ndarray of shape (n_samples, n_pixels)
        The images line by line, the channels of a pixel together.
    """
    images = np.asarray(X)
    if images.shape[1:] == (math.prod(image_shape),):
        images = images.reshape(-1, *image_shape)
    if images.shape[1:] != tuple(image_shape):
        raise ValueError(
            f"The samples must be images of shape {tuple(image_shape)}. Got an array "
            f"of shape {images.shape} instead."
        )
    if images.dtype.kind not in "iuf":
        wanted = {"ensure_all_finite": False, "input_name": "X"}
        images = check_array(images, dtype=np.float64, allow_nd=True, **wanted)
    if channels_first:
        images = np.moveaxis(images, 1, -1)
    if channels is not None:
        images = images[..., channels]
    if units is not None:
        zeros, ranges = (np.array(of_channels) for of_channels in units)
        images = ((images - zeros) / ranges).astype(np.float32)
    if factor > 1:
        n, height, width = images.shape[0], *(s // factor for s in images.shape[1:3])
        images = images[:, : height * factor, : width * factor]
        images = images.reshape(n, height, factor, width, factor, -1)
        images = np.asarray(images.mean(axis=(2, 4)), np.float32)
    return images.reshape(len(images), -1)
