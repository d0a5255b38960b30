"""The data that the choice is measured on: the benchmark's, and many made sets.

Made sets differ in what a choice has to cope with: noise features, imbalance, 2 to 20
classes, classes without clusters, clusters without classes, ordered classes, words,
shapes. Every set is divided anew by each seed; at most 800 samples train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import (
    load_diabetes,
    load_digits,
    load_iris,
    load_sample_images,
    make_blobs,
    make_circles,
    make_classification,
    make_gaussian_quantiles,
    make_hastie_10_2,
    make_moons,
    make_s_curve,
    make_swiss_roll,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .data import DATA_SETS as BENCHMARK
from .data import DataSet, Problem, load

#: Samples to train on, and to test on, at most: many cells count more than large ones.
MAX_TRAIN, MAX_TEST = 800, 2000
N_MADE = 2800
BUDGETS = (20, 50, "random-5")

Loader = Callable[[], tuple[Any, Any]]


def _rng() -> np.random.RandomState:
    return np.random.RandomState(7)


def _binned(values: NDArray[Any], n_bins: int) -> NDArray[np.intp]:
    """Cut numbers into classes of equal size: classes that have an order."""
    edges = np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1])
    return np.searchsorted(edges, values)


def _diabetes(n_bins: int) -> tuple[Any, Any]:
    X, y = load_diabetes(return_X_y=True)
    return X, _binned(y, n_bins)


def _digits_part(kind: str) -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    if kind == "odd":
        return X, y % 2
    taken = np.isin(y, [3, 5, 8, 9])
    return X[taken], y[taken]


def _penguins_sex() -> tuple[Any, Any]:
    from palmerpenguins import load_penguins

    table = load_penguins().dropna()
    measures = [name for name in table.columns if name.endswith(("_mm", "_g"))]
    return table[measures].to_numpy(float), table["sex"].to_numpy(str)


def _penguins_island() -> tuple[Any, Any]:
    from palmerpenguins import load_penguins

    table = load_penguins().dropna()
    measures = [name for name in table.columns if name.endswith(("_mm", "_g"))]
    return table[measures].to_numpy(float), table["island"].to_numpy(str)


def _housing() -> tuple[Any, Any]:
    from mlxtend.data import boston_housing_data

    X, y = boston_housing_data()
    return X, _binned(y, 4)


def _cars() -> tuple[Any, Any]:
    from mlxtend.data import autompg_data

    X, y = autompg_data()
    return X, _binned(y, 3)


def _patches() -> tuple[Any, Any]:
    """Tell of which of two photographs a part of eight by eight pixels is."""
    rng = _rng()
    X, y = [], []
    for label, image in enumerate(load_sample_images().images):
        grey = image.mean(axis=2)
        for _ in range(N_MADE // 2):
            row, column = (rng.randint(size - 8) for size in grey.shape)
            X.append(grey[row : row + 8, column : column + 8].ravel())
            y.append(label)
    return np.array(X), np.array(y)


def _made(n_features: int, n_informative: int, n_classes: int, **more: Any) -> Loader:
    more = {"n_redundant": 0, "flip_y": 0.01, **more}
    return lambda: make_classification(
        N_MADE,
        n_features,
        n_informative=n_informative,
        n_classes=n_classes,
        random_state=7,
        **more,
    )


def _blobs(centers: int, n_features: int, std: float, n_classes: int = 0) -> Loader:
    def make() -> tuple[Any, Any]:
        X, y = make_blobs(
            N_MADE, n_features, centers=centers, cluster_std=std, random_state=7
        )
        return X, y % n_classes if n_classes else y

    return make


def _covertype_like() -> tuple[Any, Any]:
    """Classes by bands of one number, blurred by others; columns of other kinds."""
    rng = _rng()
    height, slope, wet = rng.randn(3, N_MADE)
    soil = rng.randint(6, size=N_MADE)
    y = _binned(height + 0.3 * slope + 0.2 * (soil > 3) + 0.3 * rng.randn(N_MADE), 5)
    X = np.c_[height, slope, np.abs(wet), np.eye(6)[soil], rng.randn(N_MADE, 2)]
    return X, y


def _trend(n_features: int, n_classes: int, noise: float) -> Loader:
    """Cut a linear function of one normal cloud: classes without clusters."""

    def make() -> tuple[Any, Any]:
        rng = _rng()
        X = rng.randn(N_MADE, n_features)
        y = X @ rng.randn(n_features) / np.sqrt(n_features)
        return X, _binned(y + noise * rng.randn(N_MADE), n_classes)

    return make


def _chessboard(n_fields: int) -> Loader:
    def make() -> tuple[Any, Any]:
        X = _rng().uniform(size=(N_MADE, 2))
        return X, np.floor(X * n_fields).sum(axis=1).astype(int) % 2

    return make


def _with_noise(loader: Loader, n_noise: int) -> Loader:
    def make() -> tuple[Any, Any]:
        X, y = loader()
        return np.c_[X, _rng().randn(len(X), n_noise) * X.std()], y

    return make


def _with_wrong(loader: Loader, share: float) -> Loader:
    """Give part of the samples a label at random."""

    def make() -> tuple[Any, Any]:
        X, y = loader()
        rng = _rng()
        return X, np.where(rng.uniform(size=len(y)) < share, rng.permutation(y), y)

    return make


def _thinned(loader: Loader, shares: tuple[float, ...]) -> Loader:
    """Keep a share of each class."""

    def make() -> tuple[Any, Any]:
        X, y = loader()
        kept = _rng().uniform(size=len(y)) < np.array(shares)[y]
        return X[kept], y[kept]

    return make


def _sectors(n_classes: int) -> Loader:
    def make() -> tuple[Any, Any]:
        X = _rng().randn(N_MADE, 2)
        angle = (np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi)) % 1
        return X, (angle * n_classes).astype(int)

    return make


def _roll(make_roll: Any, n_classes: int) -> Loader:
    def make() -> tuple[Any, Any]:
        X, t = make_roll(N_MADE, noise=0.2, random_state=7)
        return X, _binned(t, n_classes)

    return make


def _hastie() -> tuple[Any, Any]:
    X, y = make_hastie_10_2(N_MADE, random_state=7)
    return X, (y > 0).astype(int)


def _counts() -> tuple[Any, Any]:
    """Counts, as of events, with a rate for each class."""
    rng = _rng()
    rates = rng.gamma(1.0, 2.0, size=(4, 12))
    y = rng.randint(4, size=N_MADE)
    return rng.poisson(rates[y]).astype(float), y


def _binary_features() -> tuple[Any, Any]:
    rng = _rng()
    y = rng.randint(5, size=N_MADE)
    shares = rng.beta(0.6, 0.6, size=(5, 20))
    return (rng.uniform(size=(N_MADE, 20)) < shares[y]).astype(float), y


def _parity() -> tuple[Any, Any]:
    """Exclusive or of three signs: no classifier has it from a few labels."""
    X = _rng().randn(N_MADE, 6)
    return X, (X[:, :3] > 0).sum(axis=1) % 2


def _words(n_topics: int, n_own: int, n_words: int) -> Loader:
    """Write short texts of words that all share, and some of the topic."""

    def make() -> tuple[Any, Any]:
        rng = _rng()
        common = 1 / np.arange(1, 401)
        y = rng.randint(n_topics, size=N_MADE)
        texts = []
        for topic in y:
            words = [
                f"word{i}" for i in rng.choice(400, n_words, p=common / common.sum())
            ]
            words += [f"own{topic}x{i}" for i in rng.randint(60, size=n_own)]
            words += [
                f"own{rng.randint(n_topics)}x{i}" for i in rng.randint(60, size=2)
            ]
            texts.append(" ".join(words))
        return np.array(texts, dtype=object), y

    return make


def _shapes(noise: float) -> Loader:
    """Draw squares, discs, crosses and frames of 16 by 16 pixels."""

    def make() -> tuple[Any, Any]:
        rng = _rng()
        rows, columns = np.mgrid[:16, :16]
        y = rng.randint(4, size=N_MADE)
        X = np.empty((N_MADE, 256))
        for image, kind in zip(X, y, strict=True):
            across, down = (np.abs(at - rng.uniform(5, 10)) for at in (rows, columns))
            size = rng.uniform(3, 5)
            farther = np.maximum(across, down)
            inside = (
                farther <= size,
                np.hypot(across, down) <= size,
                (np.minimum(across, down) <= 1) & (farther <= size),
                (farther <= size) & (farther > size - 1.5),
            )[kind]
            image[:] = (inside + noise * rng.randn(16, 16)).clip(0, 1).ravel()
        return X, y

    return make


_MOONS: Loader = lambda: make_moons(N_MADE, noise=0.15, random_state=7)  # noqa: E731
_BLOBS = _blobs(6, 4, 2.0)

_LOADERS: dict[str, Loader] = {
    "iris": lambda: load_iris(return_X_y=True),
    "diabetes_3": lambda: _diabetes(3),
    "diabetes_2": lambda: _diabetes(2),
    "digits_odd": lambda: _digits_part("odd"),
    "digits_alike": lambda: _digits_part("alike"),
    "penguins_sex": _penguins_sex,
    "penguins_island": _penguins_island,
    "housing_4": _housing,
    "cars_3": _cars,
    "patches": _patches,
    "covertype_like": _covertype_like,
    "made_2": _made(10, 5, 2, class_sep=1.0),
    "made_2_easy": _made(10, 5, 2, class_sep=2.0, n_clusters_per_class=1),
    "made_2_many_clusters": _made(8, 6, 2, class_sep=1.5, n_clusters_per_class=8),
    "made_2_noise": _made(40, 4, 2, class_sep=1.5, n_clusters_per_class=1),
    "made_2_wrong": _made(10, 5, 2, class_sep=1.5, flip_y=0.2),
    "made_2_rare": _made(10, 5, 2, class_sep=1.5, weights=[0.9, 0.1]),
    "made_2_redundant": _made(30, 5, 2, class_sep=1.0, n_redundant=20),
    "made_3": _made(10, 5, 3, class_sep=1.0),
    "made_3_uneven": _made(12, 6, 3, class_sep=1.5, weights=[0.7, 0.2, 0.1]),
    "made_4_noise": _made(30, 5, 4, class_sep=1.5),
    "made_5": _made(10, 6, 5, class_sep=1.5, n_clusters_per_class=1),
    "made_8": _made(15, 8, 8, class_sep=1.5, n_clusters_per_class=1),
    "made_12": _made(15, 10, 12, class_sep=2.0, n_clusters_per_class=1),
    "made_20": _made(20, 12, 20, class_sep=2.5, n_clusters_per_class=1),
    "blobs_3": _blobs(3, 2, 2.0),
    "blobs_6": _BLOBS,
    "blobs_15": _blobs(15, 8, 3.0),
    "blobs_20_in_2": _blobs(20, 2, 0.7, n_classes=2),
    "blobs_30_in_5": _blobs(30, 5, 1.0, n_classes=5),
    "blobs_wide": _blobs(4, 50, 8.0),
    "blobs_noise": _with_noise(_BLOBS, 10),
    "blobs_rare": _thinned(_BLOBS, (1, 1, 1, 0.3, 0.1, 0.05)),
    "blobs_wrong": _with_wrong(_BLOBS, 0.2),
    "moons": _MOONS,
    "moons_noise": _with_noise(_MOONS, 4),
    "moons_wrong": _with_wrong(_MOONS, 0.2),
    "circles": lambda: make_circles(N_MADE, noise=0.1, factor=0.5, random_state=7),
    "quantiles_2": lambda: make_gaussian_quantiles(
        n_samples=N_MADE, n_features=2, n_classes=2, random_state=7
    ),
    "quantiles_4": lambda: make_gaussian_quantiles(
        n_samples=N_MADE, n_features=4, n_classes=4, random_state=7
    ),
    "trend_2": _trend(5, 2, 0.1),
    "trend_2_wide": _trend(20, 2, 0.1),
    "trend_3": _trend(5, 3, 0.3),
    "trend_5_ordered": _trend(4, 5, 0.2),
    "trend_8_ordered": _trend(3, 8, 0.1),
    "chessboard_2": _chessboard(2),
    "chessboard_4": _chessboard(4),
    "sectors_6": _sectors(6),
    "swiss_roll": _roll(make_swiss_roll, 5),
    "s_curve": _roll(make_s_curve, 4),
    "hastie": _hastie,
    "parity": _parity,
    "counts": _counts,
    "binary_features": _binary_features,
    "words_3": _words(3, 4, 10),
    "words_8": _words(8, 3, 8),
    "shapes": _shapes(0.3),
    "shapes_noisy": _shapes(0.8),
}
_KINDS = {"words": "text", "digits": "images", "shapes": "images", "patches": "images"}
_SHAPES = {"digits": (8, 8), "shapes": (16, 16), "patches": (8, 8)}


def _data_set(name: str, loader: Loader) -> DataSet:
    family = name.partition("_")[0]
    return DataSet(
        name,
        loader,
        _KINDS.get(family, "tabular"),
        (20, 50),
        "",
        image_shape=_SHAPES.get(family),
    )


DATA_SETS: dict[str, DataSet] = {
    name: _data_set(name, loader) for name, loader in _LOADERS.items()
} | {name: each for name, each in BENCHMARK.items() if name != "fashion_mnist"}


@cache
def _whole(name: str) -> tuple[Any, Any]:
    return load(name) if name in BENCHMARK else DATA_SETS[name].load()


def divide(name: str, seed: int) -> Problem:
    """Divide a data set into training and test part, and prepare the features."""
    data_set = DATA_SETS[name]
    X, y = _whole(name)
    n_test = max(round(0.3 * len(y)), min(MAX_TEST, len(y) - MAX_TRAIN))
    X_train, X_test, y_train, y_test = train_test_split(
        X,
        y,
        train_size=min(MAX_TRAIN, len(y) - n_test),
        test_size=min(MAX_TEST, n_test),
        stratify=y,
        random_state=seed,
    )
    if data_set.kind == "text":
        vectorizer = TfidfVectorizer(min_df=3, sublinear_tf=True)
        X_train = vectorizer.fit_transform(X_train)
        X_test = vectorizer.transform(X_test)
    elif data_set.kind == "images":
        largest = X_train.max()
        X_train, X_test = (
            np.divide(part, largest, dtype=np.float32) for part in (X_train, X_test)
        )
    else:
        preparation = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        X_train = preparation.fit_transform(X_train)
        X_test = preparation.transform(X_test)
    problem = Problem(name, data_set.kind, seed, X_train, X_test, y_train, y_test)
    return replace(problem, image_shape=data_set.image_shape)
