"""The same images in whatever form: their content is read, or it is said why not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_sample_image

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures, default_embedding, describe
from kmeans_labelprop.embedding._pixels import find_image_shape
from kmeans_labelprop.inspection import RepresentativesDisplay


@pytest.fixture(scope="module")
def digits():
    """Digits of 16 × 16 pixels."""
    X, y = load_digits(return_X_y=True)
    return np.kron(X.reshape(-1, 8, 8), np.ones((2, 2)))[:400], y[:400]


def share_of_right_labels(X, y):
    propagator = KMeansLabelPropagator(20, oracle="y", random_state=0).fit(X, y)
    return np.mean(propagator.transduction_ == y)


def tiles(side):
    picture = load_sample_image("china.jpg").astype(float)
    rng = np.random.default_rng(0)
    corners = zip(
        *(rng.integers(n - side, size=(100,)) for n in picture.shape[:2]), strict=True
    )
    return np.array([picture[d : d + side, a : a + side] for d, a in corners])


@pytest.mark.parametrize("side", [16, 32, 48])
def test_rows_hold_channels_in_any_order(side):
    colours = tiles(side)
    opacity = np.full((*colours.shape[:3], 1), 255.0)
    grey = colours.mean(axis=3, keepdims=True)
    for images in (
        colours,
        np.concatenate([colours, opacity], axis=3),
        np.repeat(grey, 3, axis=3),
    ):
        n_channels = images.shape[3]
        last, first = images, np.moveaxis(images, 3, 1)
        assert find_image_shape(last.reshape(100, -1)) == (side, side, n_channels)
        assert find_image_shape(first.reshape(100, -1)) == (n_channels, side, side)
    assert find_image_shape(grey.reshape(100, -1)) == (side, side)


def test_images_of_a_multiple_of_three_columns_stay_grey():
    grey = tiles(48).mean(axis=3)
    for cut in (grey[:, :16], grey[:, :20], grey, grey[:, :, :16]):
        assert find_image_shape(cut.reshape(100, -1)) == cut.shape[1:]


def test_rows_of_channels_are_embedded_as_the_images_are():
    images = np.moveaxis(tiles(32), 3, 1)
    rows = images.reshape(100, -1)
    embedding = default_embedding(rows)
    assert describe(embedding) == "images 3 × 32 × 32: edges, patches, brightness"
    expected = default_embedding(images)[1:].set_params(imagefeatures__random_state=0)
    expected = expected.fit_transform(np.moveaxis(images, 1, -1))
    embedding.set_params(imagefeatures__random_state=0)
    np.testing.assert_allclose(embedding.fit_transform(rows), expected, atol=1e-4)


def test_constant_opacity_changes_nothing():
    images = tiles(16)
    opaque = np.concatenate([images, np.full((*images.shape[:3], 1), 255.0)], axis=3)
    expected = default_embedding(images)[1:].set_params(imagefeatures__random_state=0)
    found = default_embedding(opaque).set_params(imagefeatures__random_state=0)
    np.testing.assert_array_equal(
        found.fit_transform(opaque), expected.fit_transform(images)
    )


@pytest.mark.parametrize("n_channels", [2, 6, 13])
def test_any_number_of_channels_may_come_first(digits, n_channels):
    images, y = digits
    first = np.repeat(images[:, None], n_channels, axis=1)
    assert share_of_right_labels(first, y) > 0.9


def test_images_of_very_many_channels_are_numbers(rng):
    told = describe(default_embedding(rng.normal(size=(60, 14, 14, 64))))
    assert "edges" not in told
    told = describe(default_embedding(rng.normal(size=(60, 64, 14, 14))))
    assert "edges" not in told


@pytest.mark.parametrize("value", [1e6, -9999, 1e300])
@pytest.mark.parametrize("n_broken", [1, 30])
def test_broken_pixels_hide_no_others(digits, value, n_broken):
    images, y = digits
    images = images / 16
    at = np.random.default_rng(0).choice(images.size, n_broken, replace=False)
    images.flat[at] = value
    for X in (images, images.reshape(len(images), -1)):
        assert share_of_right_labels(X, y) > 0.85


def test_the_range_is_that_of_all_pixels_where_none_is_broken(digits, rng):
    for images in (
        digits[0],
        rng.normal(size=(60, 16, 16)),
        rng.exponential(size=(60, 16, 16)),
    ):
        features = ImageFeatures(random_state=0).fit(images)
        assert 2 * features._low == images.min()
        highest = 2 * (features._low + features._unit)
        assert highest == pytest.approx(images.max())


def forms_of_tables(rows):
    names = [f"pixel{i}" for i in range(rows.shape[1])]
    table = pd.DataFrame(rows.astype(int), columns=names)
    yield "id", pd.concat([pd.Series(range(len(rows)), name="id"), table], axis=1)
    files = pd.Series([f"{i:03}.png" for i in range(len(rows))], name="file")
    yield "file", pd.concat([files, table], axis=1)
    yield "set", table.assign(set="train")
    yield "nullable", table.astype("Int64")
    yield "strings", table.astype(str)
    yield "array of strings", table.to_numpy().astype(str)
    yield "categories", table.astype("category")
    is_gap = np.random.default_rng(0).random(table.shape) < 0.02
    yield "gaps", table.astype(float).mask(is_gap)
    yield "nullable gaps", table.astype("Int64").mask(is_gap)


def test_tables_of_pixels_are_images(digits):
    images, y = digits
    for name, table in forms_of_tables(images.reshape(len(images), -1)):
        propagator = KMeansLabelPropagator(20, oracle="y", random_state=0).fit(table, y)
        assert "images 16 × 16" in describe(propagator.embedding_), name
        assert np.mean(propagator.transduction_ == y) > 0.9, name
        assert np.mean(propagator.predict(table[:50]) == y[:50]) > 0.8, name


def test_a_table_of_pixels_and_a_category_stays_a_table(digits):
    rows = digits[0].reshape(400, -1)
    table = pd.DataFrame(rows, columns=[f"pixel{i}" for i in range(256)])
    table["ward"] = ["north", "south"] * 200
    assert "images" not in describe(default_embedding(table))


def test_the_display_draws_what_the_embedding_sees(digits):
    images, y = digits
    rows = images.reshape(400, -1).copy()
    rows[3, 100] = np.nan
    propagator = KMeansLabelPropagator(10, oracle="y", random_state=0)
    display = RepresentativesDisplay.from_estimator(propagator.fit(rows, y), rows)
    assert all(len(ax.images) == 1 for ax in display.axes_)
    colours = np.moveaxis(np.repeat(images[..., None], 3, axis=3), 3, 1) / 16
    rows = colours.reshape(400, -1)
    display = RepresentativesDisplay.from_estimator(propagator.fit(rows, y), rows)
    drawn = display.axes_[0].images[0].get_array()
    assert drawn.shape == (16, 16, 3)
    for n_channels in (2, 13):
        X = np.repeat(images[:, None], n_channels, axis=1)
        display = RepresentativesDisplay.from_estimator(propagator.fit(X, y), X)
        assert display.axes_[0].images[0].get_array().shape == (16, 16)


@pytest.mark.parametrize("sides", [(-1, 1), (1, -1), (-1, 1, 1), (1, -1, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_rows_with_sides_of_length_one_are_rows(digits, sides, dtype):
    images, y = digits
    rows = images.reshape(400, -1)
    X = rows.reshape(400, *sides).astype(dtype)
    embedding = default_embedding(X)
    assert describe(embedding) == describe(default_embedding(rows))
    expected = ImageFeatures((16, 16), random_state=0).fit_transform(rows)
    embedding.set_params(imagefeatures__random_state=0)
    found = embedding.fit_transform(X) / embedding[-1].scale_
    np.testing.assert_allclose(found, expected, atol=1e-3)
    propagator = KMeansLabelPropagator(10, oracle="y", random_state=0).fit(X, y)
    display = RepresentativesDisplay.from_estimator(propagator, X)
    assert display.axes_[0].images[0].get_array().shape == (16, 16)


def test_series_with_sides_of_length_one_stay_series(rng):
    walks = rng.normal(size=(100, 256, 1)).cumsum(axis=1)
    assert describe(default_embedding(walks)).startswith("series 256 × 1")
