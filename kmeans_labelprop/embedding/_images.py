"""Features of images: edges, small patches, and how bright the whole is."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from itertools import pairwise, product
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
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import normalize
from sklearn.utils import Tags, check_random_state, gen_batches
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.random import sample_without_replacement
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from .._parallel import run_in_threads
from .._validation import Interval, validate_estimator_parameters
from ._layout import N_TOGETHER, Layout, as_rows, resolve_image_shape
from ._pixels import usual_range

_Float32 = NDArray[np.float32]

# Chosen by measurement on the labelled training images of Fashion-MNIST.
_SIGMA = 1.0  # of the blur before gradients are taken, in pixels
_N_ORIENTATIONS = 24
_THRESHOLD = 0.25  # of the cosine of patch and filter
# Added to the variance of patches with grey values in [0, 1]: noise and patches with
# hardly any contrast stay small.
_VARIANCE_FLOOR = 0.01
_WHITENING_FLOOR = 0.1
_LEAST_CONTRAST = 0.02
# Smaller gradients and whitened patches are rounding errors of blank images.
_LEAST_GRADIENT = 1e-5
_LEAST_PATCH = 1e-4
# From so many patches in a cell on, every other one is enough.
_MANY_PATCHES = 16
# Steps of grey from 0 to 1.
_N_GREY = 65535
# Rows of unit length that spread less than this differ by rounding only.
_LEAST_SPREAD = 1e-5

# Bounds of time and memory.
_N_FIT_IMAGES = 3_000
_N_FIT_PATCHES = 20_000
_FIT_BYTES = 128 * 2**20
_MAX_ITER = 30  # of k-means: later iterations move the filters little
_N_POWERS = 3  # of the search for components: more do not make labels more right

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
    by its length: fully in the bin of its own direction, less in those within 15
    degrees of it; and in the four cells next to it, more in the nearer ones. Of several
    channels the one with the longest gradient counts. Pixels on the border have a
    neighbour on one side only, and no gradient across it.

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
    n_images, n_channels, height, width = images.shape
    gx = _blur(height).T @ images @ _derivative(width)
    gy = _derivative(height).T @ images @ _blur(width)
    length = np.sqrt(gx * gx + gy * gy)
    if n_channels == 1:
        gx, gy, length = gx[:, 0], gy[:, 0], length[:, 0]
    else:
        longest = length.argmax(axis=1, keepdims=True)
        gx, gy, length = (
            np.take_along_axis(a, longest, axis=1)[:, 0] for a in (gx, gy, length)
        )
    is_faint = length < _LEAST_GRADIENT
    # Images on the last axis: what follows then runs along long rows.
    gradients = np.empty((height, 3, width, n_images), dtype=np.float32)
    for i, values in enumerate((gx, gy, length)):
        values[is_faint] = 0
        gradients[:, i] = values.transpose(1, 2, 0)
    down, across = cell_weights(height, n_cells[0]), cell_weights(width, n_cells[1])
    shape = n_cells[0], _N_ORIENTATIONS, n_cells[1], n_images
    histograms = np.zeros(shape, dtype=np.float32)
    shares = np.empty((_N_ORIENTATIONS, width * n_images), dtype=np.float32)
    none = np.zeros_like(shares)
    for row, weights in zip(gradients, down.T, strict=True):
        np.matmul(_directions(), row.reshape(3, width * n_images), out=shares)
        np.maximum(shares, none, out=shares)
        in_cells = across @ shares.reshape(_N_ORIENTATIONS, width, n_images)
        for cell in np.flatnonzero(weights):
            histograms[cell] += weights[cell] * in_cells
    return histograms.transpose(3, 0, 2, 1).reshape(n_images, -1, _N_ORIENTATIONS)


@lru_cache(maxsize=1)
def _directions() -> _Float32:
    """Give the matrix that tells from a gradient and its length the part of each bin.

    It is the part of the cosine between both beyond that of neighbouring bins, in units
    of the largest there is; negative where the bin gets nothing.
    """
    step = 2 * np.pi / _N_ORIENTATIONS
    angles = np.arange(_N_ORIENTATIONS) * step
    least = np.full(_N_ORIENTATIONS, np.cos(step))
    directions = np.column_stack([np.cos(angles), np.sin(angles), -least])
    return (directions / (1 - np.cos(step))).astype(np.float32)


@lru_cache(maxsize=16)
def _blur(length: int) -> _Float32:
    """Give the matrix that blurs row vectors."""
    smoothed: _Float32 = gaussian_filter1d(np.eye(length), _SIGMA, axis=0).T
    return smoothed.astype(np.float32)


@lru_cache(maxsize=16)
def _derivative(length: int) -> _Float32:
    """Give the matrix that blurs row vectors and takes central differences."""
    differences = np.zeros((length, length), dtype=np.float32)
    inner = np.arange(1, length - 1)
    differences[inner + 1, inner] = 1
    differences[inner - 1, inner] = -1
    return _blur(length) @ differences


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
    # It is of equal patches, which make fewer clusters; empty ones are dropped.
    with warnings.catch_warnings():
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
    """Sum the responses of filters to patches, in each cell of a grid.

    Of cells of 16 patches or more every other one counts, like the fields of one colour
    of a chessboard: patches overlap so much that the others tell little more.

    A patch is normalised and whitened, and shortened to length 1 if it is longer. The
    response is its product with the filter, less a quarter of its length, or 0 if that
    is negative: only patches with a cosine above 0.25 to the filter respond.

    Parameters
    ----------
    images : ndarray of shape (n_images, n_channels, height, width), dtype=float32
        The images. Memory is taken for the patches of one cell of each.
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
    n_values, n_filters = len(whitening), len(filters)
    # One product with the patches gives both the whitened patches, minus their means,
    # and the means; what remains is to divide by the deviation.
    mean = np.full((1, n_values), 1 / n_values, dtype=np.float32)
    whiten = np.concatenate([whitening - whitening.mean(axis=1)[:, None], mean])
    # The length of a patch is one more value: the same product then subtracts the
    # threshold.
    threshold = np.full(n_filters, -_THRESHOLD, dtype=np.float32)
    respond = np.column_stack([filters, threshold])
    # Images on the last axis: the patches of all images at one position are then
    # contiguous, followed by those one pixel to the right.
    lines = np.ascontiguousarray(images.transpose(1, 2, 3, 0))
    windows = sliding_window_view(lines, (n_rows, n_columns), axis=(1, 2))
    windows = windows.transpose(0, 1, 2, 4, 5, 3)
    pooled = np.empty((n_images, math.prod(n_pools), n_filters), dtype=np.float32)
    shape = n_filters, N_TOGETHER * n_images
    sums, responses = np.empty(shape, np.float32), np.empty(shape, np.float32)
    bounds = cell_bounds(n_rows, n_pools[0]), cell_bounds(n_columns, n_pools[1])
    for cell, (rows, columns) in enumerate(product(*map(pairwise, bounds))):
        patches = _cut(windows, slice(*rows), slice(*columns))
        white = _whitened(patches.reshape(n_values, -1), whiten)
        sums[:] = 0
        for some in gen_batches(white.shape[1], shape[1]):
            width = some.stop - some.start
            # max(sum + response, sum) adds the positive responses.
            np.matmul(respond, white[:, some], out=responses[:, :width])
            responses[:, :width] += sums[:, :width]
            np.maximum(responses[:, :width], sums[:, :width], out=sums[:, :width])
        by_image = sums.reshape(n_filters, N_TOGETHER, n_images)
        pooled[:, cell] = by_image.sum(axis=1).T
    return pooled


def _cut(windows: _Float32, rows: slice, columns: slice) -> _Float32:
    """Copy the patches of a cell: all, or every other one, a chessboard's."""
    cell = windows[:, :, :, rows, columns]
    *patch, n_rows, n_columns, n_images = cell.shape
    if n_rows * n_columns < _MANY_PATCHES:
        return cell.reshape(*patch, n_rows * n_columns, n_images)
    ends = np.cumsum([0] + [len(range(row % 2, n_columns, 2)) for row in range(n_rows)])
    cut = np.empty((*patch, ends[-1], n_images), dtype=np.float32)
    for row, (start, stop) in enumerate(pairwise(ends)):
        cut[:, :, :, start:stop] = cell[:, :, :, row, row % 2 :: 2]
    return cut


def _whitened(patches: _Float32, whiten: _Float32) -> _Float32:
    """Normalise and whiten the columns, shorten them to length 1, append the length."""
    white = whiten @ patches
    variance = np.einsum("ij,ij->j", patches, patches) / len(patches)
    variance -= white[-1] ** 2
    np.maximum(variance, 0, out=variance)
    variance += np.float32(_VARIANCE_FLOOR)
    length = np.sqrt(np.einsum("ij,ij->j", white[:-1], white[:-1]) / variance)
    length *= length >= _LEAST_PATCH
    white[:-1] *= (length > 0) / (np.sqrt(variance) * np.maximum(length, 1))
    np.minimum(length, 1, out=white[-1])
    return white


def scaled_components(
    features: _Float32, n_components: int, random_state: Any
) -> _Float32:
    """Find the directions in which features vary most, in units of their variation.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features), dtype=float32
        The features, in rows of unit length or zero. They are centred in place.
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
    features -= features.mean(axis=0)
    _, lengths, components = randomized_svd(
        features, n_components, n_iter=_N_POWERS, random_state=random_state
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


def unexplained_share(features: NDArray[Any], values: NDArray[np.float64]) -> float:
    """Measure how much of some values a linear function of features does not tell.

    Parameters
    ----------
    features : ndarray of shape (n_samples, n_features)
        The features.
    values : ndarray of shape (n_samples, n_values), dtype=float64
        The values.

    Returns
    -------
    share : float
        The mean square error of ridge regression on samples left out one at a time, as
        a share of the variance, at most 1; 1 of fewer than 3 samples.
    """
    variance = float(values.var(axis=0).mean())
    if len(values) < 3 or not variance:
        return 1.0
    # In units of the deviation: the penalty does not depend on that of the values.
    deviations = (values - values.mean(axis=0)) / math.sqrt(variance)
    ridge = RidgeCV().fit(features.astype(np.float64), deviations)
    return min(1.0, -float(ridge.best_score_))


# ------------------------------------------------------------------ the estimator
class ImageFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Features of images: edges, small patches, and how bright the whole is.

    Three descriptions of an image stand side by side. Histograms of the directions of
    edges in small cells [1]_; the responses, summed over parts of the image, of filters
    that k-means learns from patches of the training images [2]_; and the brightness of
    the whole image, which the others do not see. They forgive small shifts, which
    distances between pixels do not. No labels are read.

    Read more in the :ref:`User Guide <image_features>`.

    Parameters
    ----------
    image_shape : tuple of int, default=None
        (height, width) of the images, or (height, width, channels). One of the numbers
        may be -1, and is found from the number of features. With None, arrays of images
        have their own shape, and rows are square images of one channel.
    n_filters : int, default=100
        Number of filters to learn; fewer if the images have fewer different patches
        with contrast.
    patch_size : int, default=4
        Side of the patches in pixels; at most half of the image, rounded up.
    n_components : int, default=80
        Number of columns for edges, and for patches; fewer if there are fewer training
        samples, or fewer values to make them from.
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
    brightness_mean_ : ndarray of shape (n_channels,), dtype=float64
        The mean of each channel over all training images, with grey values from 0 to 1.
    brightness_scale_ : float
        By what the distance from that mean is multiplied, so that brightness counts as
        described in the notes; 0 if all images are equal.
    n_features_in_ : int
        Number of features seen in ``fit``: the numbers of an image.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features seen in ``fit``, if X had names that are all strings.

    See Also
    --------
    kmeans_labelprop.embedding.default_embedding : Chooses an embedding from the
        type and scale of the samples; images by their ``image_shape``.
    sklearn.feature_extraction.image.PatchExtractor : Cuts images into patches.

    Notes
    -----
    Histograms: gradients are taken after a blur of 1 pixel and counted by length in 24
    signed directions, in cells of about 4 × 4 pixels, at most 8 × 8 cells, each shared
    between the directions and the cells next to it. Patches: 20,000 of them, drawn at
    random, are normalised, whitened and clustered. The response of a patch to a filter
    is the part of their cosine above 0.25; responses are summed in 4 × 4 parts of the
    image, in parts of 16 patches or more those of every other one, like the fields of
    one colour on a chessboard. Of both descriptions square roots are taken, then rows
    are scaled to unit length and projected on their principal components, which are
    divided by the root mean square distance from the mean, so that both descriptions
    count alike. Brightness is the mean of each channel. It counts beside them by its
    share in the variance of the pixels: where images differ in little else it decides,
    and where it is an accident, of exposure or of thick strokes, it hardly counts. It
    counts less where edges and patches tell it already, as those of clothes do: by that
    share times the part that a linear function of them leaves open, or once more times
    the share itself, if that is more.

    The features do not depend on the unit nor the zero of the grey values, except for
    rounding: the range of the training pixels is the unit. Pixels that are far from
    nearly all others, as dead ones are, set no unit, and count as if they were one unit
    out of that range at most. Edges and patches are not
    centred at the end, so a blank image has zeros there.

    Filters and components are learned from at most 3,000 images drawn at random. So,
    beside X and the result, `fit` takes about 100 MB for images of 28 × 28 pixels, and
    up to about 600 MB for larger ones; `transform` takes some 25 MB per thread, or
    what a single image needs, for any number of samples. There are as many threads as
    OpenMP has (``OMP_NUM_THREADS``, or :func:`threadpoolctl.threadpool_limits`); the
    features do not depend on their number.

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
    >>> X = load_digits().images
    >>> X.shape
    (1797, 8, 8)
    >>> features = ImageFeatures(n_components=20, random_state=0).fit(X)
    >>> features.image_shape_
    (8, 8, 1)
    >>> features.transform(X).shape
    (1797, 41)
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
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
array-like of shape (n_samples, height, width[, channels])
            The images, of any numbers. A row holds the pixels of an image line by line,
            the channels of a pixel together.
        y : None
            Not used, here for scikit-learn's convention.

        Returns
        -------
        self : ImageFeatures
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is not legal, the images do not have ``image_shape``, or
            their channels seem to come first.
        """
        validate_estimator_parameters(self)
        X, sides = as_rows(X)
        X = validate_data(self, X, **_ACCEPTED)
        self.image_shape_ = resolve_image_shape(self.image_shape, X.shape[1], sides)
        layout = Layout.of(self.image_shape_, self.patch_size)
        random_state = check_random_state(self.random_state)
        # Halves, because the range of large numbers may overflow.
        low, high = usual_range(X)
        self._low = low / 2
        self._unit = high / 2 - self._low or 1.0
        width = max(X.shape[1], math.prod(layout.pools) * self.n_filters)
        n_fit = min(_N_FIT_IMAGES, max(1, _FIT_BYTES // (4 * width)))
        X = X[np.sort(random_state.permutation(X.shape[0])[:n_fit])]
        patches = self._draw_patches(X, layout, random_state)
        # Here and below, several threads would add up in a varying order.
        with threadpool_limits(1):
            self.whitening_, filters = learn_filters(
                patches, self.n_filters, random_state
            )
        filters = filters.reshape(-1, layout.shape[2], *layout.patch)
        self.filters_ = np.ascontiguousarray(filters.transpose(0, 2, 3, 1))
        n_edges = math.prod(layout.cells) * _N_ORIENTATIONS
        n_responses = math.prod(layout.pools) * len(filters)
        edges = np.empty((X.shape[0], n_edges), dtype=np.float32)
        responses = np.empty((X.shape[0], n_responses), dtype=np.float32)

        def describe(batch: slice) -> None:
            images = self._images(X[batch])
            edges[batch], responses[batch] = self._describe(images, layout)

        run_in_threads(describe, layout.batches(X.shape[0], len(filters)))
        with threadpool_limits(1):
            self.edge_components_, self.patch_components_ = (
                scaled_components(features, self.n_components, random_state)
                for features in (edges, responses)
            )
            self._learn_brightness(X, layout, edges, responses)
        return self

    def transform(self, X: Any) -> _Float32:
        """Describe images.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features), or \
array-like of shape (n_samples, height, width[, channels])
            The images, of the shape and with the grey values of those in `fit`. They
            may be rows even if those were not, and the other way round.

        Returns
        -------
        features : ndarray of shape (n_samples, n_components_out), dtype=float32
            The components of the histograms, then those of the filter responses, then
            the brightness of each channel. A DataFrame if ``set_output`` asks for one.
        """
        check_is_fitted(self)
        X, sides = as_rows(X)
        resolve_image_shape(self.image_shape_, self.n_features_in_, sides)
        X = validate_data(self, X, reset=False, **_ACCEPTED)
        layout = Layout.of(self.image_shape_, self.patch_size)
        features = np.empty((X.shape[0], self._n_features_out), dtype=np.float32)

        def describe(batch: slice) -> None:
            images = self._images(X[batch])
            # Products round what is left of a block of images differently: blank images
            # fill it up.
            n_blank = -len(images) % layout.block(len(self.filters_))
            images = np.pad(images, [(0, n_blank), (0, 0), (0, 0), (0, 0)])
            edges, responses = self._describe(images, layout)
            brightness = images.mean(axis=(2, 3), dtype=np.float64)
            brightness -= self.brightness_mean_
            brightness *= self.brightness_scale_
            parts = [*self._project(edges, responses), brightness]
            n_images = batch.stop - batch.start
            features[batch] = np.hstack([part[:n_images] for part in parts])

        run_in_threads(describe, layout.batches(X.shape[0], len(self.filters_)))
        return features

    def _images(self, rows: Any) -> _Float32:
        """Give rows as images with grey values in [0, 1]."""
        pixels = (rows.toarray() if issparse(rows) else rows).astype(np.float64)
        pixels /= 2
        pixels -= self._low
        # Values of 8 and 16 bits lie exactly on this grid. The rounding of other units
        # then cannot change which filters are learned.
        pixels *= _N_GREY / self._unit
        np.clip(pixels, -_N_GREY, 2 * _N_GREY, out=pixels)
        np.rint(pixels, out=pixels)
        pixels /= _N_GREY
        images = pixels.reshape(-1, *self.image_shape_).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(images, dtype=np.float32)

    def _draw_patches(
        self, X: Any, layout: Layout, random_state: np.random.RandomState
    ) -> _Float32:
        n_positions = math.prod(layout.positions)
        total = X.shape[0] * n_positions
        drawn = np.sort(
            sample_without_replacement(
                total, min(total, _N_FIT_PATCHES), random_state=random_state
            )
        )
        patches = np.empty((len(drawn), layout.n_values), dtype=np.float32)
        for batch in layout.batches(X.shape[0], self.n_filters):
            ends = np.array([batch.start, batch.stop]) * n_positions
            here = slice(*np.searchsorted(drawn, ends))
            images = self._images(X[batch])
            windows = sliding_window_view(images, layout.patch, axis=(2, 3))
            shape = len(images), *layout.positions
            image, row, column = np.unravel_index(drawn[here] - ends[0], shape)
            cut = windows[image, :, row, column]
            patches[here] = cut.reshape(len(cut), layout.n_values)
        return patches

    def _learn_brightness(
        self, X: Any, layout: Layout, edges: _Float32, responses: _Float32
    ) -> None:
        # No fixed weight does as well on all sets (benchmarks/results/brightness.md).
        height, width, n_channels = layout.shape
        total = np.zeros((n_channels, height, width))
        squares = 0.0
        brightness = np.empty((X.shape[0], n_channels))
        for batch in layout.batches(X.shape[0], self.n_filters):
            images = self._images(X[batch]).astype(np.float64)
            total += images.sum(axis=0)
            squares += float(np.square(images).sum())
            brightness[batch] = images.mean(axis=(2, 3))
        mean = total / X.shape[0]
        variance = squares / X.shape[0] - float(np.square(mean).sum())
        spread = math.sqrt(max(variance, 0.0))
        self.brightness_mean_ = mean.mean(axis=(1, 2))
        self.brightness_scale_ = 0.0
        if spread > _LEAST_SPREAD:
            scale = math.sqrt(height * width) / spread
            share = scale**2 * float(brightness.var(axis=0).sum())
            others = np.hstack(self._project(edges, responses))
            untold = unexplained_share(others, brightness)
            self.brightness_scale_ = scale * math.sqrt(max(share, untold))

    def _describe(self, images: _Float32, layout: Layout) -> tuple[_Float32, _Float32]:
        """Describe the edges and the patches of some images."""
        filters = self.filters_.transpose(0, 3, 1, 2).reshape(-1, layout.n_values)
        responses = patch_responses(
            images, layout.patch, self.whitening_, filters, layout.pools
        )
        edges = orientation_histograms(images, layout.cells)
        return unit_roots(edges), unit_roots(responses)

    def _project(self, edges: _Float32, responses: _Float32) -> list[_Float32]:
        return [edges @ self.edge_components_.T, responses @ self.patch_components_.T]

    @property
    def _n_features_out(self) -> int:
        n_components = len(self.edge_components_) + len(self.patch_components_)
        return n_components + self.image_shape_[2]

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
