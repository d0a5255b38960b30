"""Rows of numbers that are the pixels of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from .._mixing import some_positions

# Shorter sides show too little; longer and narrower ones are rather windows of series.
_LEAST_SIDE = 16
LEAST_PIXELS = _LEAST_SIDE**2
_LARGEST_RATIO = 4
_CHANNELS = (1, 3, 4)
_LEAST_SAMPLES = 50
_N_LOOKED_AT = 300
# Bounds of time: of the numbers that are looked at, and of all columns.
_N_NUMBERS = 2**20
_MOST_FEATURES = 2**16
# Next neighbours are alike by so much more than pixels half an image apart, and pixels
# on both sides of a row's end by this part at most of what those within a row are.
# By measurement: photographs, clothes and digits are beyond both by far, made series,
# groups of columns and matrices are not.
_LEAST_CONTRAST = 0.2
_ACROSS_ENDS = 0.5
_ROUNDING = 1e-9
# Pixels are broken that are so many times as far from the median as nearly all.
_FAR = 30
_NEARLY_ALL = 0.999


def find_image_shape(X: NDArray[Any]) -> tuple[int, ...] | None:
    """Find the shape of the images whose pixels are the columns, if they are.

    In images pixels are alike that are next to each other in a line or in a column. At
    the end of a line that ends: the next number is on the other side of the image. So
    images differ from series, and from columns in groups or in no order.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows; missing numbers are NaN, and such rows are not looked at if 50 others
        are.

    Returns
    -------
    image_shape : tuple of int or None
        (height, width); of images in colour (height, width, channels), or (channels,
        height, width) if the channels follow one another; the shape that fits best if
        several do. None if none does, or there are fewer than 50 rows or more than
        65,536 features.
    """
    n_features = X.shape[1]
    shapes = [
        (n_features // (channels * width), width, channels)
        for channels in _CHANNELS
        for width in range(_LEAST_SIDE, n_features // (channels * _LEAST_SIDE) + 1)
        if n_features % (channels * width) == 0
    ]
    shapes = [s for s in shapes if max(s[:2]) <= _LARGEST_RATIO * min(s[:2])]
    if not shapes or n_features > _MOST_FEATURES:
        return None
    n_rows = max(_LEAST_SAMPLES, min(_N_LOOKED_AT, _N_NUMBERS // n_features))
    rows = _without_gaps(X[some_positions(len(X), n_rows)].astype(np.float64))
    if len(rows) < _LEAST_SAMPLES:
        return None
    rows = np.clip(rows, *usual_range(rows))
    # Half, because the range of large numbers may overflow.
    largest = max(abs(rows.max() / 2), abs(rows.min() / 2)) or 1.0
    rows /= 2 * largest
    contrasts: dict[tuple[int, ...], float] = {}
    for height, width, channels in shapes:
        images = rows.reshape(-1, height, width, channels)
        if channels == 1:
            contrasts[height, width] = _contrast(images)
            continue
        planes = np.moveaxis(rows.reshape(-1, channels, height, width), 1, -1)
        for shape, found, as_grey, is_so in (
            ((height, width, channels), images, (height, channels * width), _are_last),
            ((channels, height, width), planes, (channels * height, width), _are_first),
        ):
            if is_so(found):
                contrasts[shape] = _contrast(found)
                if contrasts[shape] >= _LEAST_CONTRAST:
                    contrasts.pop(as_grey, None)
    best = max(contrasts, key=lambda s: contrasts[s])
    return best if contrasts[best] >= _LEAST_CONTRAST else None


def usual_range(X: Any) -> tuple[float, float]:
    """Find the range of pixels, without a few that are broken.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        The pixels; none of them is missing.

    Returns
    -------
    low, high : float
        The range of all but those that are far beyond nearly all others, as dead pixels
        and marks of no data are.
    """
    ends = float(X.min()), float(X.max())
    n_rows = max(1, min(_N_LOOKED_AT, _N_NUMBERS // X.shape[1]))
    some = X[some_positions(X.shape[0], n_rows)]
    pixels = (some.toarray() if issparse(some) else some).astype(np.float64) / 2
    middle = float(np.median(pixels))
    margin = _FAR * float(np.quantile(np.abs(pixels - middle), _NEARLY_ALL))
    bounds = 2 * (middle - margin), 2 * (middle + margin)
    if not margin or (bounds[0] <= ends[0] and ends[1] <= bounds[1]):
        return ends
    values = X.data if issparse(X) else X
    is_near = (bounds[0] <= values) & (values <= bounds[1])
    near = values[is_near]
    return float(near.min()), float(near.max())


def _without_gaps(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the rows that miss nothing; if they are few, fill the gaps."""
    is_gap = np.isnan(rows)
    whole = rows[~is_gap.any(axis=1)]
    if len(whole) >= _LEAST_SAMPLES or is_gap.all(axis=0).any():
        return whole
    return np.where(is_gap, np.nanmedian(rows, axis=0), rows)


def _are_last(images: NDArray[np.float64]) -> bool:
    """Tell whether channels are no pixels of a line: those would be nearer."""
    here, there = images[:, :, :-1], images[:, :, 1:]
    as_line = _correlation(here[..., -1:], there[..., :1])
    return as_line <= _correlation(here, there) + _ROUNDING


def _are_first(images: NDArray[np.float64]) -> bool:
    """Tell whether channels are no images one below the other: ends would be nearer."""
    as_ends = _correlation(images[:, -1, :, 0], images[:, 0, :, 1])
    return as_ends < _correlation(images[..., 0], images[..., 1])


def _correlation(here: NDArray[np.float64], there: NDArray[np.float64]) -> float:
    """Average covariances, in parts of what they may be at most."""
    here, there = here - here.mean(axis=0), there - there.mean(axis=0)
    most = (here.std(axis=0) * there.std(axis=0)).mean()
    return float((here * there).mean() / most) if most > 0 else 0.0


def _contrast(images: NDArray[np.float64]) -> float:
    """Tell by how much next neighbours are more alike than pixels far away."""
    # Where all pixels are brighter or darker together, that hides the rest.
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    return max(_contrast_of(images), _contrast_of(centred))


def _contrast_of(images: NDArray[np.float64]) -> float:
    height, width = images.shape[1:3]
    images = images - images.mean(axis=0)
    deviations = images.std(axis=0)

    def likeness(down: int, across: int) -> tuple[float, float]:
        """Average covariances of pixels so far apart, and what they may be at most."""
        here = slice(height - down), slice(max(0, -across), width - max(0, across))
        there = slice(down, None), slice(max(0, across), width + min(0, across))
        covariances = (images[:, *here] * images[:, *there]).mean(axis=0)
        return covariances.mean(), (deviations[here] * deviations[there]).mean()

    def correlation(down: int, across: int) -> float:
        covariance, most = likeness(down, across)
        return covariance / most if most > 0 else 0.0

    near = min(correlation(0, 1), correlation(1, 0))
    if near < _LEAST_CONTRAST:
        return near
    half = height // 2, width // 2
    far = correlation(0, half[1]), correlation(half[0], 0), correlation(1, half[1])
    contrast = near - max(far)
    if contrast < _LEAST_CONTRAST:
        return contrast
    # In a series, those across an end are as near, and as alike, as those within.
    steps = range(1, width // 4 + 1)
    within = np.array([likeness(0, step)[0] for step in steps])
    across = np.array([likeness(1, step - width)[0] for step in steps])
    return contrast if across @ within <= _ACROSS_ENDS * (within @ within) else 0.0
