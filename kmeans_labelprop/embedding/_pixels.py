"""Rows of numbers that are the pixels of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._mixing import some_positions

# Shorter sides show too little; longer and narrower ones are rather windows of series.
_LEAST_SIDE = 16
_LARGEST_RATIO = 4
_CHANNELS = (1, 3)
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


def find_image_shape(X: NDArray[Any]) -> tuple[int, ...] | None:
    """Find the shape of the images whose pixels are the columns, if they are.

    In images pixels are alike that are next to each other in a line or in a column. At
    the end of a line that ends: the next number is on the other side of the image. So
    images differ from series, and from columns in groups or in no order.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows; missing numbers are NaN, and such rows are not looked at.

    Returns
    -------
    image_shape : tuple of int or None
        (height, width), or (height, width, 3) of images in colour; the shape that fits
        best if several do. None if none does, or there are fewer than 50 such rows or
        more than 65,536 features.
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
    rows = X[some_positions(len(X), n_rows)].astype(np.float64)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if len(rows) < _LEAST_SAMPLES:
        return None
    # Half, because the range of large numbers may overflow.
    largest = max(abs(rows.max() / 2), abs(rows.min() / 2)) or 1.0
    rows /= 2 * largest
    contrasts = {shape: _contrast(rows.reshape(-1, *shape)) for shape in shapes}
    height, width, channels = best = max(contrasts, key=lambda s: contrasts[s])
    if contrasts[best] < _LEAST_CONTRAST:
        return None
    return (height, width) if channels == 1 else best


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
