"""Shapes of images, and where patches and cells lie in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils import gen_batches

_CELL_SIZE = 4  # pixels
_MAX_CELLS = 8  # along each side: cells grow with the image from there on
_N_POOLS = 4  # along each side
_MAX_CHANNELS = 4  # of a photograph
# Patches of an image that filters are multiplied with at once ...
N_TOGETHER = 3
# ... and multiplications: near a core's cache, and long enough that threads seldom wait
# for each other between two of them.
_N_PRODUCTS = 3_200_000
# Columns that products of matrices take together, or a multiple of it.
_BLOCK = 16
# Numbers in the patches of one cell, at most: 2 MB.
_N_VALUES = 2**19


def resolve_image_shape(
    image_shape: Any, n_features: int, seen: tuple[int, int, int] | None = None
) -> tuple[int, int, int]:
    """Check the shape of images against the samples.

    Parameters
    ----------
    image_shape : None or tuple of int
        Height, width and perhaps channels; one of them may be -1.
    n_features : int
        Number of features of a sample.
    seen : tuple of (height, width, channels) or None, default=None
        The shape of the samples, if they are images and not rows of numbers.

    Returns
    -------
    image_shape : tuple of (height, width, channels)
        The full shape.

    Raises
    ------
    ValueError
        If the shape is not legal, or not that of the samples.
    """
    if image_shape is None and seen is not None:
        if seen[0] <= _MAX_CHANNELS < seen[2]:
            raise ValueError(
                f"Images of shape {seen} look as if their channels came first; they "
                "must come last. Pass X.transpose(0, 2, 3, 1), or the image_shape if "
                "they do."
            )
        return seen
    if image_shape is None:
        side = math.isqrt(n_features)
        if side * side != n_features:
            raise ValueError(
                "image_shape=None stands for square images of one channel, and "
                f"{n_features} features are no square. Give image_shape=(height, "
                "width) or (height, width, channels)."
            )
        return side, side, 1
    try:
        sides = tuple(image_shape)
    except TypeError:
        sides = ()
    if (
        len(sides) not in (2, 3)
        or any(not isinstance(s, Integral) or isinstance(s, bool) for s in sides)
        or any(s < 1 and s != -1 for s in sides)
        or sides.count(-1) > 1
    ):
        raise ValueError(
            "The 'image_shape' parameter must be None, (height, width) or (height, "
            "width, channels), of integers from 1 up; one of them may be -1, to be "
            f"found from the number of features. Got {image_shape!r} instead."
        )
    known = math.prod(side for side in sides if side != -1)
    if n_features % known if -1 in sides else n_features != known:
        raise ValueError(
            f"Images of image_shape={image_shape!r} do not have {n_features} features, "
            "but the samples do. The shape is (height, width) or (height, width, "
            "channels); rows hold the pixels line by line, the channels of a pixel "
            "together."
        )
    height, width, *channels = (
        n_features // known if side == -1 else int(side) for side in sides
    )
    shape = height, width, channels[0] if channels else 1
    if seen not in (None, shape):
        raise ValueError(
            f"Images of image_shape={image_shape!r} have (height, width, channels) = "
            f"{shape}. Got images of {seen} instead."
        )
    return shape


def as_rows(X: Any) -> tuple[Any, tuple[int, int, int] | None]:
    """Lay out arrays of images as rows.

    Parameters
    ----------
    X : object
        The samples.

    Returns
    -------
    rows : object
        The pixels of each image in a row, without a copy if they are so in memory.
        What has neither three nor four dimensions is returned as it is.
    image_shape : tuple of (height, width, channels) or None
        The shape of the images; None if they were rows already.
    """
    X = X if hasattr(X, "shape") else np.asarray(X)
    shape = X.shape
    if len(shape) not in (3, 4):
        return X, None
    height, width, *channels = shape[1:]
    rows = np.asarray(X).reshape(shape[0], math.prod(shape[1:]))
    return rows, (height, width, channels[0] if channels else 1)


@dataclass(frozen=True)
class Layout:
    """Where patches lie in images, and what is summed up.

    Attributes
    ----------
    shape : tuple of (height, width, channels)
        The shape of the images.
    patch : tuple of (height, width)
        The shape of the patches.
    positions : tuple of (int, int)
        How many patches fit along height and width.
    pools : tuple of (int, int)
        Cells, along height and width, in which the responses to patches are summed.
    cells : tuple of (int, int)
        Cells in which directions of edges are counted.
    """

    shape: tuple[int, int, int]
    patch: tuple[int, int]
    positions: tuple[int, int]
    pools: tuple[int, int]
    cells: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int, int], patch_size: int) -> Self:
        """Lay out patches of a size, or of half of the image, rounded up, if less."""
        height, width, _ = shape
        patch = min(patch_size, (height + 1) // 2), min(patch_size, (width + 1) // 2)
        positions = height - patch[0] + 1, width - patch[1] + 1
        pools = min(_N_POOLS, positions[0]), min(_N_POOLS, positions[1])
        return cls(shape, patch, positions, pools, (_n_cells(height), _n_cells(width)))

    @property
    def n_values(self) -> int:
        """Numbers in a patch."""
        return math.prod(self.patch) * self.shape[2]

    def batches(self, n_images: int, n_filters: int) -> Iterator[slice]:
        """Divide images into batches of the size that is fastest, in whole blocks."""
        size, block = self._batch_size(n_filters), self.block(n_filters)
        return gen_batches(n_images, size - size % block)

    def block(self, n_filters: int) -> int:
        """Give the number of images that products of matrices take together."""
        return min(_BLOCK, self._batch_size(n_filters))

    def _batch_size(self, n_filters: int) -> int:
        n_multiplied = (self.n_values + 1) * max(n_filters, self.n_values)
        largest_cell = math.prod(
            -(-n // m) for n, m in zip(self.positions, self.pools, strict=True)
        )
        by_products = _N_PRODUCTS // (n_multiplied * N_TOGETHER)
        by_values = _N_VALUES // (largest_cell * self.n_values)
        return max(1, min(by_products, by_values))


def _n_cells(side: int) -> int:
    return min(max(1, round(side / _CELL_SIZE)), _MAX_CELLS)
