import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.datasets import load_digits, load_sample_image
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures, _images, _layout
from kmeans_labelprop.embedding._images import (
    learn_filters,
    normalize_patches,
    orientation_histograms,
    patch_responses,
    scaled_components,
    unexplained_share,
    unit_roots,
)
from kmeans_labelprop.embedding._layout import Layout, as_rows, resolve_image_shape


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300]


@pytest.fixture(scope="module")
def features(digits):
    return ImageFeatures(random_state=0).fit(digits)


def scene(side=20, step=10, *, gray=True):
    """Cut a photograph into small images."""
    photo = load_sample_image("china.jpg")[100:300, 100:400]
    if gray:
        photo = photo.mean(axis=2, keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(photo, (side, side), axis=(0, 1))
    cut = windows[::step, ::step].transpose(0, 1, 3, 4, 2)
    return cut.reshape(-1, side * side * photo.shape[2])


# ------------------------------------------------------------------ the histograms


@pytest.mark.parametrize(
    ("turns", "flip", "bin_"), [(0, 1, 0), (3, 1, 6), (0, -1, 12), (1, 1, 18)]
)
def test_an_edge_lands_in_its_bin_and_cell(turns, flip, bin_):
    image = np.zeros((16, 16), dtype=np.float32)
    image[:8, 4:] = flip  # brighter to the right, from column 4 on, in the upper half
    images = np.rot90(image, turns)[np.newaxis, np.newaxis]
    histograms = orientation_histograms(np.ascontiguousarray(images), (2, 2))[0]
    assert histograms.shape == (4, 24)
    cell, direction = np.unravel_index(histograms.argmax(), histograms.shape)
    # The upper left corner, turned with the image.
    assert cell == [0, 2, 3, 1][turns]
    assert direction == bin_


def test_a_straight_edge_has_one_direction():
    image = np.zeros((1, 1, 20, 20), dtype=np.float32)
    image[..., 10:] = 1
    histograms = orientation_histograms(image, (5, 5))[0].reshape(5, 5, 24)
    assert_allclose(histograms[..., 1:], 0, atol=1e-5)
    # A step of 1, as differences over two pixels: each of the 4 lines adds 2. The
    # outermost cells see nothing of the edge, and lines beyond their centres less.
    assert_allclose(histograms[1:4, :, 0].sum(axis=1), 8, rtol=1e-3)
    assert_allclose(histograms[[0, 4], :, 0].sum(axis=1), 7, rtol=1e-3)
    assert_allclose(histograms[:, ::-1], histograms, rtol=1e-3, atol=1e-5)


def test_a_gradient_is_shared_between_the_two_nearest_bins():
    # A plane that rises in the direction of 10 degrees: the bins at 0 and 15 degrees
    # get what their cosines with it have beyond the cosine of 15 degrees.
    angle = np.deg2rad(10)
    rows, columns = np.mgrid[:20, :20]
    plane = np.cos(angle) * columns + np.sin(angle) * rows
    inner = orientation_histograms(plane.astype(np.float32)[None, None], (5, 5))[0, 12]
    least = np.cos(np.deg2rad(15))
    shares = (np.cos(np.deg2rad([10, 5])) - least) / (1 - least)
    assert_allclose(inner[:2], 32 * shares, rtol=1e-4)
    assert_allclose(inner[2:], 0, atol=1e-5)


def test_histograms_are_those_of_the_definition(rng):
    image = rng.random((9, 14), dtype=np.float32)
    histograms = orientation_histograms(image[np.newaxis, np.newaxis], (2, 3))[0]

    smooth = gaussian_filter(image, _images._SIGMA)
    expected = np.zeros((2, 3, 24))
    for row, column in np.ndindex(image.shape):
        gy = gx = 0.0
        if 0 < row < 8:
            gy = smooth[row + 1, column] - smooth[row - 1, column]
        if 0 < column < 13:
            gx = smooth[row, column + 1] - smooth[row, column - 1]
        turn, least = np.arctan2(gy, gx), np.cos(2 * np.pi / 24)
        for cell_row, cell_column, bin_ in np.ndindex(expected.shape):
            # Distances to the centres of cells, and the cosine with the bin's angle.
            near = [
                1 - abs((row + 0.5) * 2 / 9 - 0.5 - cell_row),
                1 - abs((column + 0.5) * 3 / 14 - 0.5 - cell_column),
                (np.cos(turn - 2 * np.pi * bin_ / 24) - least) / (1 - least),
            ]
            share = np.prod(np.maximum(0, near))
            expected[cell_row, cell_column, bin_] += np.hypot(gx, gy) * share
    assert_allclose(histograms, expected.reshape(6, 24), rtol=1e-3, atol=1e-5)


def test_the_channel_with_the_longest_gradient_counts():
    image = np.zeros((1, 3, 24, 24), dtype=np.float32)
    image[:, 0, 12:] = 0.5
    image[:, 2, :, 12:] = 1
    alone = orientation_histograms(image[:, 2:], (1, 1))
    together = orientation_histograms(image, (1, 1))
    # The weak edge speaks where the strong one is absent, and hardly bends it.
    assert_allclose(together[..., 0], alone[..., 0], rtol=0.1)
    assert together[0, 0, 6] > 1
    assert_allclose(alone[0, 0, 6], 0, atol=1e-5)
    assert_allclose(orientation_histograms(image[:, [2, 2, 2]], (1, 1)), alone)


# ------------------------------------------------------------------ the patches


def test_filters_are_of_unit_length_and_whitening_whitens(rng):
    mixed = rng.normal(size=(5000, 9)) @ rng.normal(size=(9, 9))
    patches = mixed.astype(np.float32)
    whitening, filters = learn_filters(patches, 7, np.random.RandomState(0))
    assert filters.shape == (7, 9)
    assert filters.dtype == np.float32
    assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)
    white = normalize_patches(patches) @ whitening
    before = np.linalg.eigvalsh(np.cov(normalize_patches(patches).T))
    after = np.linalg.eigvalsh(white.T @ white / len(white))
    # Variance v becomes v / (v + 0.1); the mean of patches is gone, so 0 stays 0.
    before = np.sort(before / (before + 0.1))
    assert_allclose(np.sort(after)[1:], before[1:], rtol=0.02)
    assert abs(after[0]) < 1e-4


@pytest.mark.parametrize("n_positions", [5, 7])
def test_responses_are_those_of_the_definition(rng, n_positions):
    shape = 3, 2, n_positions + 2, n_positions + 1
    images = rng.random(shape, dtype=np.float32)
    whitening = rng.normal(size=(12, 12)).astype(np.float32)
    whitening = whitening + whitening.T
    filters = rng.normal(size=(5, 12)).astype(np.float32)
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    pooled = patch_responses(images, (3, 2), whitening, filters, (2, 2))

    expected = np.zeros((3, 2, 2, 5))
    middle = n_positions // 2
    for image, row, column in np.ndindex(3, n_positions, n_positions):
        patch = images[image, :, row : row + 3, column : column + 2].reshape(1, 12)
        white = (normalize_patches(patch) @ whitening)[0]
        length = np.linalg.norm(white)
        cosines = filters @ white / length
        response = np.maximum(cosines - 0.25, 0) * min(length, 1)
        # Five positions in two cells: two, then three. Seven: three, then four; in the
        # cell of 16 every other patch counts.
        cell = int(row >= middle), int(column >= middle)
        is_large = n_positions == 7 and cell == (1, 1)
        if not is_large or (row + column - 2 * middle) % 2 == 0:
            expected[image, *cell] += response
    assert_allclose(pooled, expected.reshape(3, 4, 5), rtol=1e-3, atol=1e-4)


def test_patches_without_contrast_teach_no_filter():
    flat = np.full((50, 4), 0.3, dtype=np.float32)
    whitening, filters = learn_filters(flat, 3, np.random.RandomState(0))
    assert filters.shape == (0, 4)
    assert_array_equal(whitening, np.eye(4))


def test_equal_patches_make_one_filter():
    few = np.array([[0, 1, 0, 1], [1, 1, 0, 0]] * 20, dtype=np.float32)
    _, filters = learn_filters(few, 5, np.random.RandomState(0))
    assert filters.shape == (2, 4)
    assert abs(filters[0] @ filters[1]) < 0.1
    assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-5)


# ------------------------------------------------------------------ both together


def test_rows_are_roots_of_unit_length():
    rows = unit_roots(np.array([[[1, 0], [0, 3]], [[0, 0], [0, 0]]], dtype=np.float32))
    assert_allclose(rows, [[0.5, 0, 0, np.sqrt(0.75)], [0, 0, 0, 0]], rtol=1e-6)


def test_components_have_their_spread_as_unit(rng):
    X = (rng.normal(size=(400, 6)) * [5, 4, 3, 0.1, 0.1, 0.1] + 3).astype(np.float32)
    components = scaled_components(X.copy(), 3, np.random.RandomState(0))
    projected = X @ components.T
    assert_allclose(projected.var(axis=0).sum(), 1, rtol=1e-4)
    directions = abs(components) / np.linalg.norm(components, axis=1, keepdims=True)
    assert_array_equal(directions.argmax(axis=1), [0, 1, 2])
    gram = components @ components.T
    assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-6)


def test_both_descriptions_count_alike(features, digits):
    E = features.transform(digits)
    edges, patches, _ = np.hsplit(E, [len(features.edge_components_), -1])
    for block in (edges, patches):
        assert_allclose(block.var(axis=0).sum(), 1, rtol=1e-3)


def test_brightness_counts_by_its_share_in_the_variance(rng):
    # Channels of 3 × 4 pixels that differ as a whole, and by noise of 4 and 1 units.
    wholes = rng.normal(scale=[20, 5], size=(200, 1, 1, 2))
    X = wholes + rng.normal(scale=[4, 1], size=(200, 3, 4, 2))
    E = ImageFeatures(random_state=0).fit_transform(X)[:, -2:]
    means = X.mean(axis=(1, 2))
    variance = X.reshape(200, -1).var(axis=0).sum()
    assert_allclose(E.mean(axis=0), 0, atol=1e-5)
    # Almost all of the share: edges and patches of this noise tell hardly anything.
    shares = means.var(axis=0) * 12 / variance
    assert_allclose(E.var(axis=0), shares, rtol=0.1)
    assert_allclose(E[:, 0].var() / E[:, 1].var(), shares[0] / shares[1], rtol=1e-3)
    for column, mean in zip(E.T, means.T, strict=True):
        assert np.corrcoef(column, mean)[0, 1] > 1 - 1e-6


def test_brightness_that_edges_tell_counts_less(rng):
    # Squares whose side tells how bright the whole is, on a ground that is noisy.
    X = rng.normal(scale=0.05, size=(300, 16, 16))
    for image, side in zip(X, rng.integers(2, 13, 300), strict=True):
        image[2 : 2 + side, 2 : 2 + side] += 1
    weights = {}
    for name, images in {"told": X, "not": X + rng.normal(size=(300, 1, 1))}.items():
        features = ImageFeatures(random_state=0).fit(images)
        pixels = images.reshape(300, -1)
        share = pixels.mean(axis=1).var() * 256 / pixels.var(axis=0).sum()
        weight = features.transform(images)[:, -1].var()
        weights[name] = weight / share
        assert share**2 * 0.99 < weight < share * 1.001
    assert weights["told"] < 0.6 < weights["not"]


def test_what_features_do_not_tell(rng):
    features = rng.normal(size=(500, 3))
    told = features @ rng.normal(size=(3, 2))
    noise = rng.normal(size=(500, 2))
    noise *= told.std(axis=0).mean() / noise.std(axis=0).mean()
    for values, expected in ((told, 0), (noise, 1), (told + noise, 0.5)):
        for unit in (1e-3, 1, 1e3):
            share = unexplained_share(features, unit * values + 7)
            assert share == pytest.approx(expected, abs=0.1)
    assert unexplained_share(features[:2], told[:2]) == 1
    assert unexplained_share(features, np.ones((500, 1))) == 1


def test_images_that_differ_in_brightness_alone(rng):
    # Edges and patches have no contrast to go by but that of noise.
    y = np.arange(300) % 3
    X = np.array([60, 120, 180])[y, None, None] + rng.normal(scale=20, size=(300, 9, 9))
    propagator = KMeansLabelPropagator(9, oracle="y", random_state=0)
    assert np.mean(propagator.fit(X, y).transduction_ == y) > 0.95


CORNERS = [(r, c) for r in range(100, 300, 20) for c in range(100, 500, 20)]


def test_shapes_and_dtypes(features, digits):
    assert features.image_shape_ == (8, 8, 1)
    assert features.filters_.shape[1:] == (4, 4, 1)
    norms = np.linalg.norm(features.filters_.reshape(-1, 16), axis=1)
    assert_allclose(norms, 1, rtol=1e-5)
    for dtype in (np.uint8, np.int64, np.float32, np.float64):
        E = features.transform(digits.astype(dtype))
        assert E.dtype == np.float32
        assert E.shape == (300, features._n_features_out)
    for name in ("whitening_", "filters_", "edge_components_", "patch_components_"):
        assert getattr(features, name).dtype == np.float32


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X * 16,
        lambda X: X / 16,
        lambda X: (X / 16).astype(np.float32),
        lambda X: (X * 15).astype(np.uint8),
        lambda X: 3 * X - 100,
        sp.csr_array,
    ],
    ids=["times 16", "0 to 1", "float32", "uint8", "shifted", "sparse"],
)
def test_unit_and_zero_of_grey_values_do_not_matter(change, features, digits):
    E = ImageFeatures(random_state=0).fit_transform(change(digits))
    assert_allclose(E, features.transform(digits), atol=1e-3)


def test_grey_values_fall_on_a_grid(rng):
    # Else their rounding would decide which patches k-means puts together.
    X = rng.integers(2**16, size=(50, 64)).astype(np.uint16)
    X[0, :2] = 0, 2**16 - 1
    units = (X / 65535).astype(np.float32)
    images = [ImageFeatures().fit(Z)._images(Z) for Z in (X, units, 0.1 * units)]
    assert_array_equal(images[1], images[0])
    assert_array_equal(images[2], images[0])
    assert_allclose(images[0].reshape(50, 64), units, atol=1e-7)


def test_bool_images():
    X = load_digits().data[:50] > 7
    E = ImageFeatures(random_state=0).fit_transform(X)
    assert_allclose(E, ImageFeatures(random_state=0).fit_transform(X * 9.0), atol=1e-4)


@pytest.mark.parametrize("grey", [0, 16, 7, 3.3])
def test_blank_images_have_no_edges_and_patches(grey, features, digits):
    E = features.transform(np.full((2, 64), grey))
    assert_array_equal(E[:, :-1], 0)
    assert_array_equal(np.sign(E[:, -1]), np.sign(grey - digits.mean()))


def test_nothing_but_blank_images():
    model = ImageFeatures(random_state=0)
    E = model.fit_transform(np.full((4, 64), 9))
    assert_array_equal(E, 0)
    assert model.filters_.shape == (0, 4, 4, 1)
    assert E.shape == (4, len(model.get_feature_names_out()))


def test_a_shift_by_one_pixel_is_forgiven():
    # The point of it all: nearer to its own shifted image than pixels are.
    photo = load_sample_image("china.jpg").mean(axis=2)
    here = np.stack([photo[r : r + 20, c : c + 20] for r, c in CORNERS]).reshape(
        -1, 400
    )
    moved = np.stack([photo[r : r + 20, c + 1 : c + 21] for r, c in CORNERS]).reshape(
        -1, 400
    )
    model = ImageFeatures(random_state=0).fit(here)

    def ratio(A, B):
        others = np.roll(A, 1, axis=0)
        return (
            np.linalg.norm(A - B, axis=1).sum()
            / np.linalg.norm(A - others, axis=1).sum()
        )

    assert ratio(model.transform(here), model.transform(moved)) < 0.9 * ratio(
        here, moved
    )


def slowly(model, images):
    """Describe images one by one, patch by patch and gradient by gradient."""
    _, height, width, channels = images.shape
    _, rows, columns, _ = model.filters_.shape
    filters = model.filters_.reshape(len(model.filters_), -1).astype(float)
    order = np.arange(rows * columns * channels).reshape(rows, columns, channels)
    order = order.transpose(2, 0, 1).ravel()  # whitening_ has the channels first
    described = []
    for image in images.astype(float):
        image = (image - images.min()) / (images.max() - images.min())
        pooled = np.zeros((4, 4, len(filters)))
        n_down, n_across = height - rows + 1, width - columns + 1
        for row, column in np.ndindex(n_down, n_across):
            patch = image[row : row + rows, column : column + columns].ravel()[order]
            patch = (patch - patch.mean()) / np.sqrt(patch.var() + 0.01)
            white = model.whitening_.astype(float) @ patch
            length = np.linalg.norm(white)
            if length > 1e-4:
                cosines = filters[:, order] @ white / length
                # The cell: of n positions, cell i holds those from i * n // 4 on.
                i = max(i for i in range(4) if i * n_down // 4 <= row)
                j = max(j for j in range(4) if j * n_across // 4 <= column)
                pooled[i, j] += np.maximum(cosines - 0.25, 0) * min(length, 1)
        counts = np.zeros((round(height / 4), round(width / 4), 24))
        gradients = []
        for channel in range(channels):
            smooth = gaussian_filter(image[..., channel], 1)
            gy, gx = np.zeros((2, height, width))
            gy[1:-1] = smooth[2:] - smooth[:-2]
            gx[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
            gradients.append((gx, gy))
        for row, column in np.ndindex(height, width):
            gx, gy = max(
                ((gx[row, column], gy[row, column]) for gx, gy in gradients),
                key=lambda gradient: np.hypot(*gradient),
            )
            turn, least = np.arctan2(gy, gx), np.cos(2 * np.pi / 24)
            for i, j, bin_ in np.ndindex(counts.shape):
                near = [
                    1 - abs((row + 0.5) / height * counts.shape[0] - 0.5 - i),
                    1 - abs((column + 0.5) / width * counts.shape[1] - 0.5 - j),
                    (np.cos(turn - 2 * np.pi * bin_ / 24) - least) / (1 - least),
                ]
                share = np.prod(np.maximum(0, near))
                counts[i, j, bin_] += np.hypot(gx, gy) * share
        parts = [
            np.sqrt(part.ravel() / part.sum()) @ components.T
            for part, components in (
                (counts, model.edge_components_),
                (pooled, model.patch_components_),
            )
        ]
        brightness = image.mean(axis=(0, 1)) - model.brightness_mean_
        parts.append(brightness * model.brightness_scale_)
        described.append(np.concatenate(parts))
    return np.array(described)


@pytest.mark.parametrize("gray", [True, False])
def test_features_are_those_of_a_plain_computation(gray):
    X = scene(12, 24, gray=gray).reshape(-1, 12, 12, 1 if gray else 3)[:40]
    model = ImageFeatures(n_filters=9, n_components=7, random_state=0).fit(X)
    E = model.transform(X)
    assert_allclose(E[:4], slowly(model, X)[:4], atol=2e-3)


@pytest.mark.parametrize("n_products", [1, 2**40])
def test_batches_change_nothing(n_products, monkeypatch, digits, features):
    expected = features.transform(digits)
    monkeypatch.setattr(_layout, "_N_PRODUCTS", n_products)
    E = ImageFeatures(random_state=0).fit_transform(digits)
    assert_allclose(E, expected, atol=1e-3)
    assert_allclose(features.transform(digits), expected, atol=1e-5)
    assert_allclose(features.transform(digits[7:8]), expected[7:8], atol=1e-5)


def test_threads_change_no_bit():
    X = load_digits().data
    spaces = []
    for n_threads in (1, 3):
        with threadpool_limits(n_threads):
            spaces.append(ImageFeatures(random_state=0).fit_transform(X))
    assert_array_equal(*spaces)


@pytest.mark.parametrize("shape", [(28, 28, 1), (128, 128, 3), (8, 8, 1), (1, 784, 1)])
def test_memory_grows_neither_with_samples_nor_with_patches(shape):
    layout = Layout.of(shape, 4)
    images = next(layout.batches(10**9, 100)).stop
    assert images * math.prod(shape) < 2**20 or images == 1
    largest_cell = math.prod(
        -(-n // cells) for n, cells in zip(layout.positions, layout.pools, strict=True)
    )
    assert images * largest_cell * layout.n_values < 2**20


def test_transform_takes_little_memory(features):
    X = np.tile(load_digits().data, (20, 1))
    features.transform(X[:5])
    tracemalloc.start()
    E = features.transform(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Patches alone would be 25 * 16 float32 values an image, 57 MB.
    assert peak < E.nbytes + 16 * 2**20


def test_learns_from_some_of_many_images(monkeypatch, digits):
    monkeypatch.setattr(_images, "_N_FIT_IMAGES", 40)
    some = ImageFeatures(random_state=0).fit(digits)
    assert len(some.patch_components_) == 40  # of 80 wanted
    others = ImageFeatures(random_state=1).fit(digits)
    assert not np.allclose(some.transform(digits), others.transform(digits), atol=0.1)
    assert_array_equal(some.transform(digits), clone(some).fit_transform(digits))


def test_same_result_every_time(digits):
    model = ImageFeatures(random_state=3)
    first = model.fit_transform(digits)
    assert_allclose(clone(model).fit_transform(digits), first, atol=1e-5)
    assert_allclose(clone(model).fit(digits).transform(digits), first, atol=1e-5)
    other = ImageFeatures(random_state=4).fit_transform(digits)
    assert not np.allclose(other, first, atol=0.1)


def test_labels_and_x_are_left_alone(digits):
    X = digits.copy()
    y = np.arange(len(X))
    E = ImageFeatures(random_state=0).fit(X, y).transform(X)
    assert_array_equal(X, digits)
    assert_allclose(E, ImageFeatures(random_state=0).fit_transform(X), atol=1e-5)


# ------------------------------------------------------------------ shapes


@pytest.mark.parametrize(
    ("image_shape", "n_features", "expected"),
    [
        (None, 1, (1, 1, 1)),
        (None, 784, (28, 28, 1)),
        ((28, 28), 784, (28, 28, 1)),
        ([4, 6], 24, (4, 6, 1)),
        ((4, -1), 24, (4, 6, 1)),
        ((-1, 2, 3), 24, (4, 2, 3)),
        (np.array([4, 2, 3]), 24, (4, 2, 3)),
    ],
)
def test_image_shape(image_shape, n_features, expected):
    assert resolve_image_shape(image_shape, n_features) == expected


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        (None, "65 features are no square"),
        ((8, 8), r"image_shape=\(8, 8\) do not have 65 features"),
        ((7, -1), r"image_shape=\(7, -1\) do not have 65 features"),
        ((8,), "must be None, .*Got"),
        ((1, 5, 13, 1), "must be None, .*Got"),
        ((-1, -1), "must be None, .*Got"),
        ((0, 65), "must be None, .*Got"),
        ((5.0, 13.0), "must be None, .*Got"),
        ((True, 65), "must be None, .*Got"),
        ((-5, -13), "must be None, .*Got"),
        ("square", "'image_shape' parameter of ImageFeatures must be an array-like"),
    ],
)
def test_illegal_image_shape(image_shape, message, rng):
    with pytest.raises(ValueError, match=message):
        ImageFeatures(image_shape).fit(rng.random((10, 65)))


@pytest.mark.parametrize("name", ["n_filters", "patch_size", "n_components"])
@pytest.mark.parametrize("value", [0, 2.5, "many"])
def test_illegal_numbers(name, value, digits):
    with pytest.raises(ValueError, match=f"'{name}' parameter of ImageFeatures"):
        ImageFeatures(**{name: value}).fit(digits)


# ------------------------------------------------------------------ arrays of images


@pytest.mark.parametrize("shape", [(300, 8, 8), (300, 8, 8, 1)])
@pytest.mark.parametrize("image_shape", [None, (8, 8), (-1, 8, 1)])
def test_arrays_of_images(shape, image_shape, digits, features):
    X = digits.reshape(shape)
    model = ImageFeatures(image_shape, random_state=0)
    E = model.fit_transform(X.astype(np.uint8))
    assert model.image_shape_ == (8, 8, 1)
    assert model.n_features_in_ == 64
    assert_array_equal(E, features.transform(digits))
    assert_array_equal(model.transform(digits), E)  # rows and images alike
    assert_array_equal(model.transform(X.tolist()), E)
    flipped = X[:, ::-1].copy()[:, ::-1]  # not contiguous in memory
    assert_array_equal(model.transform(flipped), E)


def test_the_shape_is_read_off_the_images(rng):
    gray, coloured = rng.random((20, 6, 9)), rng.random((20, 6, 9, 3))
    assert ImageFeatures().fit(gray).image_shape_ == (6, 9, 1)
    model = ImageFeatures(random_state=0).fit(coloured)
    assert model.image_shape_ == (6, 9, 3)
    rows = ImageFeatures((6, 9, 3), random_state=0).fit(coloured.reshape(20, -1))
    assert_array_equal(rows.filters_, model.filters_)


def test_images_of_another_shape_are_refused(rng):
    X = rng.random((20, 6, 9))
    message = r"image_shape=\(9, 6\) have .*\(9, 6, 1\). Got images of \(6, 9, 1\)"
    with pytest.raises(ValueError, match=message):
        ImageFeatures((9, 6)).fit(X)
    model = ImageFeatures().fit(X)
    with pytest.raises(ValueError, match=r"\(6, 9, 1\). Got images of \(9, 6, 1\)"):
        model.transform(X.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="6 features"):
        model.transform(X[:, :, 0])
    with pytest.raises(ValueError, match="dim"):
        model.transform(X[:, :, :, np.newaxis, np.newaxis])


def test_channels_that_come_first_are_refused_unless_meant(rng):
    X = rng.random((20, 3, 8, 8))
    with pytest.raises(ValueError, match=r"shape \(3, 8, 8\).*channels came first"):
        ImageFeatures().fit(X)
    assert ImageFeatures((3, 8, 8)).fit(X).image_shape_ == (3, 8, 8)
    assert ImageFeatures().fit(X.transpose(0, 2, 3, 1)).image_shape_ == (8, 8, 3)


def test_images_are_laid_out_without_a_copy(rng):
    X = rng.random((5, 4, 3, 2))
    rows, shape = as_rows(X)
    assert shape == (4, 3, 2)
    assert np.shares_memory(rows, X)
    assert as_rows(rows) == (rows, None)


# From scikit-learn's look for infinities, by the sum of all.
@pytest.mark.filterwarnings("ignore:invalid value encountered in reduce")
@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 2e307])
def test_grey_values_of_any_magnitude(unit, digits, features):
    X = (digits - 8) * unit  # of which the range is beyond float64, at the end
    E = ImageFeatures(random_state=0).fit_transform(X)
    assert_allclose(E, features.transform(digits), atol=1e-3)


def test_missing_pixels(digits):
    X = digits.copy()
    X[3, 3] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        ImageFeatures().fit(X)


@pytest.mark.parametrize(
    "image_shape", [(1, 40), (40, 1), (2, 20), (5, 8), (4, 5, 2), (2, 4, 5), (1, 1, 40)]
)
def test_any_shape_works(image_shape, rng):
    X = rng.random((30, 40))
    model = ImageFeatures(image_shape, n_components=5, random_state=0)
    E = model.fit_transform(X)
    assert np.isfinite(E).all()
    assert E.shape == (30, len(model.get_feature_names_out()))
    sides = zip(model.filters_.shape[1:3], image_shape, strict=False)
    assert all(patch == min(4, math.ceil(side / 2)) for patch, side in sides)


def test_colours():
    X = scene(16, 20, gray=False)
    model = ImageFeatures((16, 16, 3), n_filters=20, random_state=0)
    E = model.fit_transform(X)
    assert model.filters_.shape == (20, 4, 4, 3)
    # Which channel is which does not matter to edges; a filter of colours sees it.
    swapped = X.reshape(-1, 3)[:, ::-1].reshape(X.shape)
    n_edges = len(model.edge_components_)
    S = model.transform(swapped)
    assert_allclose(S[:, :n_edges], E[:, :n_edges], atol=1e-4)
    assert abs(S[:, n_edges:] - E[:, n_edges:]).max() > 0.01


def test_filters_of_photographs_are_edges():
    # Edges and spots have light and dark parts; they do not just take the mean.
    model = ImageFeatures(n_filters=12, random_state=0).fit(scene())
    filters = model.filters_.reshape(12, -1)
    assert abs(filters.mean(axis=1)).max() < 0.05
    assert filters.std(axis=1).min() > 0.1


# ------------------------------------------------------------------ in use


def test_frames(digits, features):
    X = pd.DataFrame(digits).rename(columns="pixel_{}".format)
    model = ImageFeatures(random_state=0).set_output(transform="pandas")
    E = model.fit_transform(X)
    assert list(E.columns) == list(model.get_feature_names_out())
    assert E.columns[0] == "imagefeatures0"
    assert_allclose(E, features.transform(digits), atol=1e-4)


def test_in_the_propagator():
    X, y = load_digits(return_X_y=True)
    propagator = KMeansLabelPropagator(
        50,
        embedding=make_pipeline(ImageFeatures(n_filters=30, n_components=20)),
        propagation="graph",
        random_state=0,
    )
    assert np.mean(propagator.fit(X, y).transduction_ == y) > 0.9
    assert propagator.embedding_[0].filters_.shape == (30, 4, 4, 1)


# scikit-learn's checks make samples of any number of features: a line of pixels can
# always be made of them, a square seldom.
@parametrize_with_checks(
    [ImageFeatures((1, -1), random_state=0), ImageFeatures((-1, 1, 1), random_state=0)]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
