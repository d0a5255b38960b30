"""Features of images: where edges run, and what small patches look like."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import issparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize
from sklearn.utils import Tags, check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from .._validation import Interval, validate_estimator_parameters

_Float32 = NDArray[np.float32]

# Chosen by measurement on the labelled training images of Fashion-MNIST.
_SIGMA = 1.0  # of the blur before gradients are taken, in pixels
_N_ORIENTATIONS = 24
_CELL_SIZE = 4  # pixels
_N_POOLS = 4  # along each side
_THRESHOLD = 0.25  # of the cosine of patch and filter
# Of the variance of patches with grey values in [0, 1]: keeps noise small, and
# patches with hardly any contrast.
_VARIANCE_FLOOR = 0.01
_WHITENING_FLOOR = 0.1
_LEAST_CONTRAST = 0.02
# Below these, gradients and whitened patches are those of rounding in blank images.
_LEAST_GRADIENT = 1e-5
_LEAST_PATCH = 1e-4
# Steps of grey from 0 to 1.
_N_GREY = 65535
# Of rows of unit length: below that they differ by rounding only.
_LEAST_SPREAD = 1e-5

# Bounds of time and memory.
_MAX_CELLS = 8  # along each side: cells grow with the image from there on
_N_FIT_IMAGES = 10_000
_N_FIT_PATCHES = 100_000
_FIT_BYTES = 128 * 2**20
_MAX_ITER = 30  # of k-means: later iterations move the filters little
_CHUNK_BYTES = 2 * 2**20  # what fits into the cache of a processor core

_ACCEPTED: dict[str, Any] = {
    "accept_sparse": "csr",
    "accept_large_sparse": False,
    "dtype": "numeric",
}


# ------------------------------------------------------------------ pure functions
def cell_bounds(n_pixels: int, n_cells: int) -> NDArray[np.intp]:
    """Divide a side into cells that differ by one pixel at most.

    Parameters
    ----------
    n_pixels : int
        Length of the side.
    n_cells : int
        Number of cells.

    Returns
    -------
    bounds : ndarray of shape (n_cells + 1,), dtype=intp
        Cell i holds the pixels from ``bounds[i]`` up to ``bounds[i + 1]``.
    """
    return np.arange(n_cells + 1, dtype=np.intp) * n_pixels // n_cells


def cells_of_pixels(
    shape: tuple[int, int], n_cells: tuple[int, int]
) -> NDArray[np.intp]:
    """Give the cell of each pixel, in a grid whose cells are numbered row by row.

    Parameters
    ----------
    shape : tuple of (height, width)
        The sides in pixels.
    n_cells : tuple of (int, int)
        The numbers of cells along the sides.

    Returns
    -------
    cells : ndarray of shape (height, width), dtype=intp
        The cell of each pixel.
    """
    rows, columns = (
        np.repeat(np.arange(n), np.diff(cell_bounds(length, n)))
        for length, n in zip(shape, n_cells, strict=True)
    )
    cells: NDArray[np.intp] = rows[:, np.newaxis] * n_cells[1] + columns
    return cells


def cell_weights(n_pixels: int, n_cells: int) -> _Float32:
    """Share each pixel between the two cells whose centres are next to it.

    Parameters
    ----------
    n_pixels : int
        Length of the side.
    n_cells : int
        Number of cells, of equal size.

    Returns
    -------
    weights : ndarray of shape (n_cells, n_pixels), dtype=float32
        From 1 in the centre of a cell down to 0 in those of its neighbours. Beyond the
        outermost centres a pixel has one neighbour only, and counts less.
    """
    position = (np.arange(n_pixels) + 0.5) * n_cells / n_pixels - 0.5
    distance = abs(position - np.arange(n_cells)[:, np.newaxis])
    return np.maximum(0, 1 - distance).astype(np.float32)


def orientation_histograms(images: _Float32, n_cells: tuple[int, int]) -> _Float32:
    """Count the directions of gradients in each cell of a grid.

    The directions are signed: dark to bright is not bright to dark. A gradient counts
    by its length, in the two bins next to its direction and in the four cells next to
    it, more in the nearer ones. Of several channels the one with the longest gradient
    counts. Pixels on the border have a neighbour on one side only, and no gradient
    across it.

    Parameters
    ----------
    images : ndarray of shape (n_images, n_channels, height, width), dtype=float32
        The images.
    n_cells : tuple of (int, int)
        The numbers of cells along height and width.

    Returns
    -------
    histograms : ndarray of shape (n_images, n_cells, 24), dtype=float32
        The cells row by row; bin b holds the gradients at 15 b degrees: 0 where it gets
        brighter to the right, 6 where it gets brighter downwards.
    """
    n_images, _, height, width = images.shape
    vertical = images.swapaxes(2, 3) @ _derivative(height)
    gy = vertical.swapaxes(2, 3) @ _blur(width)
    gx = (images.swapaxes(2, 3) @ _blur(height)).swapaxes(2, 3) @ _derivative(width)
    length = np.hypot(gx, gy)
    if images.shape[1] == 1:
        gx, gy, length = gx[:, 0], gy[:, 0], length[:, 0]
    else:
        longest = length.argmax(axis=1, keepdims=True)
        gx, gy, length = (
            np.take_along_axis(a, longest, axis=1)[:, 0] for a in (gx, gy, length)
        )
    length[length < _LEAST_GRADIENT] = 0
    turns = np.arctan2(gy, gx) * np.float32(_N_ORIENTATIONS / (2 * np.pi))
    lower = np.floor(turns)
    upper = length * (turns - lower)
    first = lower.astype(np.intp) % _N_ORIENTATIONS
    votes = np.zeros((*length.shape, _N_ORIENTATIONS), dtype=np.float32)
    bins = np.stack([first, (first + 1) % _N_ORIENTATIONS], axis=-1)
    np.put_along_axis(votes, bins, np.stack([length - upper, upper], axis=-1), axis=-1)
    rows = cell_weights(height, n_cells[0]) @ votes.reshape(n_images, height, -1)
    rows = rows.reshape(n_images * n_cells[0], width, _N_ORIENTATIONS)
    histograms: _Float32 = cell_weights(width, n_cells[1]) @ rows
    return histograms.reshape(n_images, math.prod(n_cells), _N_ORIENTATIONS)


def _blur(length: int) -> _Float32:
    """Give the matrix that blurs row vectors."""
    smoothed: _Float32 = gaussian_filter1d(np.eye(length), _SIGMA, axis=0).T
    return smoothed.astype(np.float32)


def _derivative(length: int) -> _Float32:
    """Give the matrix that blurs row vectors and takes central differences."""
    differences = np.zeros((length, length), dtype=np.float32)
    inner = np.arange(1, length - 1)
    differences[inner + 1, inner] = 1
    differences[inner - 1, inner] = -1
    return _blur(length) @ differences


def patch_columns(images: _Float32, patch_shape: tuple[int, int]) -> _Float32:
    """Cut images into all their patches.

    Parameters
    ----------
    images : ndarray of shape (n_images, n_channels, height, width), dtype=float32
        The images.
    patch_shape : tuple of (height, width)
        The sides of a patch.

    Returns
    -------
    columns : ndarray of shape (n_values, n_images * n_positions), dtype=float32
        One patch a column, image after image, positions row by row. The values of a
        patch are ordered by channel, row and column.
    """
    n_images, n_channels, height, width = images.shape
    n_rows, n_columns = height - patch_shape[0] + 1, width - patch_shape[1] + 1
    columns = np.empty(
        (n_channels, *patch_shape, n_images, n_rows, n_columns), dtype=np.float32
    )
    # A patch is narrow: copying all first pixels, then all second ones, ..., is
    # several times faster than copying patch by patch.
    for channel, i, j in np.ndindex(n_channels, *patch_shape):
        columns[channel, i, j] = images[:, channel, i : i + n_rows, j : j + n_columns]
    return columns.reshape(n_channels * math.prod(patch_shape), -1)


def normalize_patches(patches: _Float32) -> _Float32:
    """Shift patches to mean 0 and, except for faint ones, scale them to variance 1.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_values), dtype=float32
        The patches.

    Returns
    -------
    normalized : ndarray of shape (n_patches, n_values), dtype=float32
        The patches, divided by the square root of their variance plus 0.01.
    """
    centered = patches - patches.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centered, centered) / patches.shape[1]
    centered /= np.sqrt(variance + np.float32(_VARIANCE_FLOOR))[:, np.newaxis]
    return centered


def learn_filters(
    patches: _Float32, n_filters: int, random_state: Any
) -> tuple[_Float32, _Float32]:
    """Whiten patches and cluster them; the centres are the filters.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_values), dtype=float32
        The patches. Those without contrast teach nothing and are left out.
    n_filters : int
        Number of filters; there are fewer if fewer different patches have contrast.
    random_state : RandomState instance
        Determines the first centres.

    Returns
    -------
    whitening : ndarray of shape (n_values, n_values), dtype=float32
        The symmetric matrix that whitens normalised patches.
    filters : ndarray of shape (n_filters, n_values), dtype=float32
        Filters of unit length for whitened patches.
    """
    n_values = patches.shape[1]
    patches = normalize_patches(patches[patches.std(axis=1) > _LEAST_CONTRAST])
    if not patches.size:
        return np.eye(n_values, dtype=np.float32), np.empty((0, n_values), np.float32)
    # Around zero and not around the mean patch, so that blank patches stay zero.
    variances, axes = np.linalg.eigh(patches.T.astype(np.float64) @ patches)
    scales = 1 / np.sqrt(np.maximum(variances, 0) / len(patches) + _WHITENING_FLOOR)
    whitening = ((axes * scales) @ axes.T).astype(np.float32)
    white = normalize(patches @ whitening)
    kmeans = KMeans(
        min(n_filters, len(white)),
        n_init=1,
        max_iter=_MAX_ITER,
        random_state=random_state,
    )
    # Threads would add up the patches of a cluster in another order each time. The
    # warning is of equal patches, which make fewer clusters; empty ones are dropped.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        kmeans.fit(white)
    filters = normalize(kmeans.cluster_centers_[np.unique(kmeans.labels_)])
    return whitening, filters.astype(np.float32)


def patch_responses(
    images: _Float32,
    patch_shape: tuple[int, int],
    whitening: _Float32,
    filters: _Float32,
    n_pools: tuple[int, int],
) -> _Float32:
    """Sum the responses of filters to all patches, in each cell of a grid.

    A patch is normalised and whitened, and shortened to length 1 if it is longer. The
    response is its product with the filter, less a quarter of its length, or 0 if that
    is negative: it takes likeness, a cosine above 0.25, to respond at all.

    Parameters
    ----------
    images : ndarray of shape (n_images, n_channels, height, width), dtype=float32
        The images. Memory is taken for all their patches and responses at once.
    patch_shape : tuple of (height, width)
        The sides of a patch.
    whitening : ndarray of shape (n_values, n_values), dtype=float32
        The matrix that whitens normalised patches.
    filters : ndarray of shape (n_filters, n_values), dtype=float32
        The filters, of unit length.
    n_pools : tuple of (int, int)
        The numbers of cells along height and width.

    Returns
    -------
    responses : ndarray of shape (n_images, n_pools, n_filters), dtype=float32
        The sums, cells row by row.
    """
    n_images, _, height, width = images.shape
    n_rows, n_columns = height - patch_shape[0] + 1, width - patch_shape[1] + 1
    n_values = len(whitening)
    patches = patch_columns(images, patch_shape)
    # One product with the patches gives both the mean and, the mean subtracted, the
    # whitened patch; it remains to divide by the deviation.
    mean = np.full((1, n_values), 1 / n_values, dtype=np.float32)
    white = (
        np.concatenate([whitening - whitening.mean(axis=1)[:, None], mean]) @ patches
    )
    variance = np.einsum("ij,ij->j", patches, patches) / n_values - white[-1] ** 2
    white[:-1] /= np.sqrt(np.maximum(variance, 0) + np.float32(_VARIANCE_FLOOR))
    length = np.sqrt(np.einsum("ij,ij->j", white[:-1], white[:-1]))
    length[length < _LEAST_PATCH] = 0
    white[:-1] *= (length > 0) / np.maximum(length, np.float32(1))
    # As one value more, the length takes the threshold into the same product.
    white[-1] = np.minimum(length, 1)
    weights = np.column_stack(
        [filters, np.full(len(filters), -_THRESHOLD, dtype=np.float32)]
    )
    responses = white.T @ weights.T
    np.maximum(responses, 0, out=responses)
    cells = cells_of_pixels((n_rows, n_columns), n_pools).ravel()
    pooling = (cells == np.arange(math.prod(n_pools))[:, np.newaxis]).astype(np.float32)
    pooled: _Float32 = pooling @ responses.reshape(n_images, cells.size, len(filters))
    return pooled


def scaled_components(
    features: _Float32, n_components: int, random_state: Any
) -> _Float32:
    """Find the directions in which features vary most, in units of their variation.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features), dtype=float32
        The features, in rows of unit length or zero.
    n_components : int
        Number of directions; fewer if there are fewer samples or features.
    random_state : RandomState instance
        Determines the start of the randomised search.

    Returns
    -------
    components : ndarray of shape (n_components, n_features), dtype=float32
        Orthogonal directions, the largest variance first, divided by the root mean
        square distance of the samples from their mean along all these directions; of
        unit length if the samples are all equal.
    """
    n_components = min(n_components, *features.shape)
    if not n_components:
        return np.empty((0, features.shape[1]), dtype=np.float32)
    _, lengths, components = randomized_svd(
        features - features.mean(axis=0), n_components, random_state=random_state
    )
    spread = np.sqrt(np.sum(lengths**2) / len(features))
    if spread > _LEAST_SPREAD:
        components /= spread
    return components.astype(np.float32, copy=False)


def unit_roots(features: _Float32) -> _Float32:
    """Take square roots, then scale each row to unit length; zero rows stay zero.

    Parameters
    ----------
    features : ndarray of shape (n_samples, ...), dtype=float32
        Features that are not negative.

    Returns
    -------
    units : ndarray of shape (n_samples, n_features), dtype=float32
        The scaled rows.
    """
    roots: _Float32 = np.sqrt(
        features.reshape(len(features), math.prod(features.shape[1:]))
    )
    length = np.sqrt(np.einsum("ij,ij->i", roots, roots))
    roots /= np.where(length > 0, length, np.float32(1))[:, np.newaxis]
    return roots


def resolve_image_shape(image_shape: Any, n_features: int) -> tuple[int, int, int]:
    """Check the shape of images against the number of features.

    Parameters
    ----------
    image_shape : None or tuple of int
        Height, width and perhaps channels; one of them may be -1.
    n_features : int
        Number of features of a sample.

    Returns
    -------
    image_shape : tuple of (height, width, channels)
        The full shape.

    Raises
    ------
    ValueError
        If the shape is not legal, or not that of as many features.
    """
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
            "which is what the samples have. The shape is (height, width) or (height, "
            "width, channels); rows hold the pixels line by line, the channels of a "
            "pixel together."
        )
    height, width, *channels = (
        n_features // known if side == -1 else int(side) for side in sides
    )
    return height, width, channels[0] if channels else 1


def patch_sides(image_shape: tuple[int, int, int], patch_size: int) -> tuple[int, int]:
    """Fit patches into images.

    Parameters
    ----------
    image_shape : tuple of (height, width, channels)
        The shape of the images.
    patch_size : int
        The side wanted.

    Returns
    -------
    sides : tuple of (height, width)
        The side wanted, or half of the image, rounded up, where that is less.
    """
    height, width = (min(patch_size, (side + 1) // 2) for side in image_shape[:2])
    return height, width


# ------------------------------------------------------------------ the estimator
class ImageFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of images: where edges run, and what small patches look like.

    Two descriptions of an image stand side by side. Histograms of the directions of
    edges in small cells [1]_; and the responses, summed over parts of the image, of
    filters that k-means learns from patches of the training images [2]_. Both forgive
    small shifts, which distances between pixels do not. No labels are read.

    Read more in the :ref:`User Guide <image_features>`.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        (height, width) of the images, or (height, width, channels). One of the numbers
        may be -1, and is found from the number of features. None stands for square
        images of one channel.
    n_filters : int, default=100
        Number of filters to learn; fewer if the images have fewer different patches
        with contrast.
    patch_size : int, default=4
        Side of the patches in pixels; at most half of the image, rounded up.
    n_components : int, default=80
        Number of columns for each of the two descriptions; fewer if there are fewer
        training samples, or fewer values to make them from.
    random_state : int, RandomState instance or None, default=None
        Determines which images and patches are learned from, the filters, and the
        search for components. Give an int for the same features in every call.

    Attributes
    ----------
    image_shape_ : tuple of (height, width, channels)
        The shape of the images.
    whitening_ : ndarray of shape (n_values, n_values), dtype=float32
        The matrix that whitens patches; ``n_values`` is height × width × channels of a
        patch.
    filters_ : ndarray of shape (n_filters, height, width, channels), dtype=float32
        The filters, each of unit length. They act on whitened patches.
    edge_components_ : ndarray of shape (n_edge_components, n_cells * 24), dtype=float32
        The components of the histograms, in units of their spread.
    patch_components_ : ndarray of shape (n_patch_components, n_pools * n_filters), \
dtype=float32
        The components of the filter responses, in units of their spread.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.

    See Also
    --------
    kmeans_labelprop.embedding.default_embedding : Chooses an embedding by the look of
        the samples; images by their ``image_shape``.
    sklearn.feature_extraction.image.PatchExtractor : Cuts images into patches.

    Notes
    -----
    Histograms: gradients are taken after a blur of 1 pixel and counted by length in 24
    signed directions, in cells of about 4 × 4 pixels, at most 8 × 8 cells, each shared
    between the directions and the cells next to it. Patches:
    100,000 of them, drawn at random, are normalised, whitened and clustered. A patch
    responds to a filter by the cosine above 0.25 of the two; responses are summed in
    4 × 4 parts of the image. Of both then square roots, rows of unit length, the
    principal components, and a division by the root mean square distance from the mean,
    so that both count alike.

    The features do not depend on the unit nor the zero of the grey values, except for
    rounding: the range of all training pixels is the unit. Nothing is centred at the
    end, so a blank image has features that are all zero.

    Filters and components are learned from at most 10,000 images drawn at random. So,
    beside X and the result, `fit` takes about 220 MB for images of 28 × 28 pixels, and
    up to about 600 MB for larger ones; `transform` takes a few MB, however many samples
    there are, or what a single image needs. Threads are those of the linear algebra
    library.

    References
    ----------
    .. [1] N. Dalal and B. Triggs, "Histograms of oriented gradients for human
       detection", CVPR 2005, :doi:`10.1109/CVPR.2005.177`.
    .. [2] A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in
       unsupervised feature learning", AISTATS 2011,
       https://proceedings.mlr.press/v15/coates11a.html.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from kmeans_labelprop.embedding import ImageFeatures
    >>> X = load_digits().data
    >>> features = ImageFeatures(n_components=20, random_state=0).fit(X)
    >>> features.image_shape_
    (8, 8, 1)
    >>> features.transform(X).shape
    (1797, 40)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_shape": ["array-like", None],
        "n_filters": [Interval(Integral, 1, None, closed="left")],
        "patch_size": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        image_shape: tuple[int, ...] | None = None,
        *,
        n_filters: int = 100,
        patch_size: int = 4,
        n_components: int = 80,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.image_shape = image_shape
        self.n_filters = n_filters
        self.patch_size = patch_size
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn filters and components.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The images, one a row: line by line, the channels of a pixel together. Any
            numbers.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : ImageFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is not legal or the images do not have ``image_shape``.
        """
        validate_estimator_parameters(self)
        X = validate_data(self, X, **_ACCEPTED)
        shape = resolve_image_shape(self.image_shape, X.shape[1])
        random_state = check_random_state(self.random_state)
        self.image_shape_ = shape
        self._low, high = float(X.min()), float(X.max())
        self._unit = high - self._low if high > self._low else 1.0
        n_pools = math.prod(_n_pools(shape, self.patch_size))
        width = max(X.shape[1], n_pools * self.n_filters)
        n_fit = min(_N_FIT_IMAGES, max(1, _FIT_BYTES // (4 * width)))
        X = X[np.sort(random_state.permutation(X.shape[0])[:n_fit])]
        patches = self._draw_patches(X, random_state)
        self.whitening_, filters = learn_filters(patches, self.n_filters, random_state)
        height, width = patch_sides(shape, self.patch_size)
        filters = filters.reshape(-1, shape[2], height, width)
        self.filters_ = np.ascontiguousarray(filters.transpose(0, 2, 3, 1))
        edges, responses = zip(*self._describe(X), strict=True)
        self.edge_components_ = scaled_components(
            np.concatenate(edges), self.n_components, random_state
        )
        self.patch_components_ = scaled_components(
            np.concatenate(responses), self.n_components, random_state
        )
        return self

    def transform(self, X: Any) -> _Float32:
        """Describe images.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The images, of the shape and with the grey values of those in `fit`.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components_out), dtype=float32
            The components of the histograms, then those of the filter responses. A
            DataFrame if ``set_output`` asks for one.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, **_ACCEPTED)
        return np.concatenate(
            [
                np.hstack(
                    [
                        edges @ self.edge_components_.T,
                        responses @ self.patch_components_.T,
                    ]
                )
                for edges, responses in self._describe(X)
            ]
        )

    def _images(self, X: Any) -> Iterator[_Float32]:
        """Yield the rows in batches, as images with grey values in [0, 1]."""
        height, width, channels = self.image_shape_
        for batch in gen_batches(X.shape[0], _batch_size(16 * X.shape[1])):
            rows = X[batch].toarray() if issparse(X) else X[batch]
            # A grid on which 8 and 16 bits fall exactly, so that the rounding of other
            # units cannot change which filters are learned.
            pixels = (rows.astype(np.float64) - self._low) * (_N_GREY / self._unit)
            np.rint(pixels, out=pixels)
            pixels /= _N_GREY
            images = pixels.reshape(-1, height, width, channels).transpose(0, 3, 1, 2)
            yield np.ascontiguousarray(images, dtype=np.float32)

    def _draw_patches(self, X: Any, random_state: np.random.RandomState) -> _Float32:
        sides = patch_sides(self.image_shape_, self.patch_size)
        n_positions = _n_positions(self.image_shape_, sides)
        total = X.shape[0] * n_positions
        drawn = np.sort(
            sample_without_replacement(
                total, min(total, _N_FIT_PATCHES), random_state=random_state
            )
        )
        patches, start = [], 0
        for images in self._images(X):
            stop = start + len(images) * n_positions
            here = drawn[slice(*np.searchsorted(drawn, [start, stop]))] - start
            windows = sliding_window_view(images, sides, axis=(2, 3))
            image, row, column = np.unravel_index(
                here, (len(images), *windows.shape[2:4])
            )
            patches.append(windows[image, :, row, column].reshape(len(here), -1))
            start = stop
        return np.concatenate(patches)

    def _describe(self, X: Any) -> Iterator[tuple[_Float32, _Float32]]:
        """Yield the two descriptions of the images, batch by batch."""
        shape = self.image_shape_
        sides = patch_sides(shape, self.patch_size)
        n_cells = (_n_cells(shape[0]), _n_cells(shape[1]))
        n_pools = _n_pools(shape, self.patch_size)
        filters = self.filters_.transpose(0, 3, 1, 2).reshape(
            len(self.filters_), len(self.whitening_)
        )
        values = _n_positions(shape, sides) * max(filters.shape)
        for images in self._images(X):
            responses = [
                patch_responses(images[batch], sides, self.whitening_, filters, n_pools)
                for batch in gen_batches(len(images), _batch_size(values))
            ]
            yield (
                unit_roots(orientation_histograms(images, n_cells)),
                unit_roots(np.concatenate(responses)),
            )

    @property
    def _n_features_out(self) -> int:
        return len(self.edge_components_) + len(self.patch_components_)

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _batch_size(n_values: int) -> int:
    """Count the images of which so many float32 values each fit into a chunk."""
    return max(1, _CHUNK_BYTES // (4 * max(n_values, 1)))


def _n_positions(shape: tuple[int, int, int], sides: tuple[int, int]) -> int:
    return (shape[0] - sides[0] + 1) * (shape[1] - sides[1] + 1)


def _n_cells(side: int) -> int:
    return min(max(1, round(side / _CELL_SIZE)), _MAX_CELLS)


def _n_pools(shape: tuple[int, int, int], patch_size: int) -> tuple[int, int]:
    height, width = patch_sides(shape, patch_size)
    return min(_N_POOLS, shape[0] - height + 1), min(_N_POOLS, shape[1] - width + 1)
