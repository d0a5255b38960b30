import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from sklearn.datasets import load_digits, load_sample_image

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.embedding import ImageFeatures, default_embedding, describe
from kmeans_labelprop.embedding._pixels import find_image_shape


@pytest.fixture(scope="module")
def digits():
    """Digits of 16 × 16 pixels, with a blank border."""
    X, y = load_digits(return_X_y=True)
    return np.kron(X.reshape(-1, 8, 8), np.ones((2, 2)))[:600], y[:600]


def crops(name, height, width):
    picture = load_sample_image(name)
    rng = np.random.default_rng(0)
    downs = rng.integers(picture.shape[0] - height, size=400)
    acrosses = rng.integers(picture.shape[1] - width, size=400)
    cut = [
        picture[down : down + height, across : across + width]
        for down, across in zip(downs, acrosses, strict=True)
    ]
    return np.array(cut)


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize("sides", [(16, 16), (20, 32), (40, 18)])
def test_parts_of_photographs(name, sides):
    images = crops(name, *sides)
    assert find_image_shape(images.reshape(400, -1).astype(float)) == (*sides, 3)
    grey = images.mean(axis=3)
    assert find_image_shape(grey.reshape(400, -1)) == sides
    assert find_image_shape(1e300 * (grey.reshape(400, -1) - 128)) == sides


def test_digits_in_any_unit(digits):
    X = digits[0].reshape(600, -1)
    varies = X.std(axis=0) > 0
    scores = np.where(
        varies, (X - X.mean(axis=0)) / np.where(varies, X.std(axis=0), 1), 0
    )
    for rows in (X, X / 16, 255 - X, X.astype(np.float32), scores):
        assert find_image_shape(rows) == (16, 16)


def test_columns_in_another_order_are_no_image(digits, rng):
    X = digits[0].reshape(600, -1)
    assert find_image_shape(X[:, rng.permutation(256)]) is None
    # The same columns without their last line, or one more.
    assert find_image_shape(X[:, :-1]) is None
    assert find_image_shape(np.hstack([X, X[:, :1]])) is None


def test_small_images_and_few_rows_stay_numbers(digits):
    X = digits[0].reshape(600, -1)
    assert find_image_shape(X[:50]) == (16, 16)
    assert find_image_shape(X[:49]) is None
    assert find_image_shape(load_digits().data) is None
    broken = X[:60].copy()
    broken[:11, 7] = np.nan
    assert find_image_shape(broken) == (16, 16)
    assert find_image_shape(broken[:49]) is None
    broken[:, 7] = np.nan
    assert find_image_shape(broken) is None


def test_images_that_noise_hides_stay_numbers(digits, rng):
    X = digits[0].reshape(600, -1)
    noise = rng.normal(scale=X.std(axis=0).mean(), size=X.shape)
    assert find_image_shape(X + 0.5 * noise) == (16, 16)
    assert find_image_shape(X + 4 * noise) is None


@pytest.mark.parametrize(("side", "is_seen"), [(250, True), (260, False)])
def test_rows_of_very_large_images_are_not_looked_at(rng, side, is_seen):
    images = gaussian_filter(rng.normal(size=(50, side, side)), (0, 5, 5))
    found = find_image_shape(images.reshape(50, -1))
    assert found == ((side, side) if is_seen else None)


def series(rng, n_features):
    """Yield windows and the like, of which none is an image."""
    side = round(n_features**0.5)
    time = np.arange(n_features)
    noise = rng.normal(size=(300, n_features))
    start = rng.uniform(0, 2 * np.pi, (300, 1))
    yield "noise", noise
    yield "steps", noise.cumsum(axis=1)
    for width in (2, 8, 30, 100):
        yield f"smooth {width}", gaussian_filter1d(noise, width, axis=1)
    for period in (side, side / 2, 1.5 * side, 24, 12, 7):
        wave = np.sin(2 * np.pi * time / period + start)
        slow = gaussian_filter1d(noise, 3 * period, axis=1)
        slow /= slow.std()
        yield f"wave {period}", wave + 0.3 * noise
        yield f"waves that swell {period}", wave * slow + 0.1 * noise
        size = rng.normal(size=(300, 1))
        yield f"in step {period}", np.sin(2 * np.pi * time / period) * size + noise
        beat = (time - start * period / 6.3) % period
        yield f"beats {period}", np.exp(-((beat * 6 / period) ** 2)) + 0.1 * noise
    factors = rng.normal(size=(300, 5))
    yield "factors", factors @ rng.normal(size=(5, n_features)) + 0.3 * noise
    groups = gaussian_filter1d(rng.normal(size=(300, side)), 3, axis=1)
    yield (
        "groups",
        np.repeat(groups, side, axis=1) + 0.1 * rng.normal(size=(300, side**2)),
    )
    yield "in turns", np.tile(groups, side) + 0.1 * rng.normal(size=(300, side**2))
    parts = rng.normal(size=(300, side, 40)) + rng.normal(size=(300, 1, 40))
    yield "correlations", np.array([np.corrcoef(part).ravel() for part in parts])
    left, right = rng.normal(size=(2, 300, side))
    yield "products", np.einsum("ni,nj->nij", left, right).reshape(300, -1)
    sensors = gaussian_filter1d(rng.normal(size=(300, n_features // 16, 16)), 3, axis=1)
    yield "sensors in turns", sensors.reshape(300, -1)
    yield "sensors one by one", sensors.swapaxes(1, 2).reshape(300, -1)
    peaks = [
        rng.normal(size=(300, 1))
        * np.exp(-(((time - rng.uniform(0, n_features)) * 40 / n_features) ** 2))
        for _ in range(12)
    ]
    yield "spectra", sum(peaks) + 0.05 * noise
    yield "words", (rng.random((300, n_features)) < 0.05).astype(float)


@pytest.mark.parametrize("n_features", [256, 576, 784, 1024])
def test_series_groups_and_matrices_are_no_images(rng, n_features):
    for name, X in series(rng, n_features):
        for n_samples in (300, 60):
            assert find_image_shape(X[:n_samples]) is None, (name, n_samples)


def test_the_default_sees_images_in_rows(digits):
    images, y = digits
    rows = images.reshape(600, -1)
    names = [f"pixel{i}" for i in range(256)]
    for X in (
        rows,
        rows.astype(np.uint8),
        rows.tolist(),
        pd.DataFrame(rows, columns=names),
        pl.DataFrame(rows, schema=names),
    ):
        embedding = default_embedding(X)
        assert describe(embedding) == "images 16 × 16: edges, patches, brightness"
        propagator = KMeansLabelPropagator(20, oracle="y", random_state=0).fit(X, y)
        assert describe(propagator.embedding_) == describe(embedding)
        assert np.mean(propagator.transduction_ == y) > 0.93  # 0.9 as numbers
    expected = ImageFeatures(random_state=0).fit_transform(images)
    found = embedding[0].set_params(random_state=0).fit_transform(rows)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_images_in_rows_with_gaps(digits):
    rows = digits[0].reshape(600, -1)
    rows[3, 100] = np.nan
    embedding = default_embedding(rows)
    assert "missing ones filled in, edges, patches" in describe(embedding)
    assert np.isfinite(embedding.fit_transform(rows)).all()


def test_sparse_rows_stay_counts(digits):
    rows = digits[0].reshape(600, -1)
    assert "images" not in describe(default_embedding(sp.csr_array(rows)))
