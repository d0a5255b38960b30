"""One table, cell by cell: how a network does with the labels of each strategy.

A *cell* is one strategy with one seed. The seed fixes the clustering, the choice of
the random labels, and the network. The test images are used once per cell, for its
figures; nothing is chosen by them.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, confusion_matrix

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV
from kmeans_labelprop.datasets import fetch_fashion_mnist
from kmeans_labelprop.embedding import default_embedding

from .store import CellStore

ALL_LABELS = "all labels"
RANDOM_LABELS = "random labels"
REPRESENTATIVES = "representatives"
PROPAGATED = "propagated"
DEFAULT_RECIPE = "default recipe"
CONVOLUTIONAL = "default recipe, convolutional network"
FIRST_LOOK = (RANDOM_LABELS, REPRESENTATIVES, DEFAULT_RECIPE)

N_TRAIN = 60_000
IMAGE_SHAPE = (28, 28)
# A linear model on some of the images compares the candidates of the default recipe,
# not ten networks on all.
SELECTION = {"max_iter": 100, "max_samples": 2_000}
# A convolutional epoch takes about as long as five dense ones.
DENSE_EPOCHS_PER_CONVOLUTIONAL = 5

# What decides the figures besides the settings, as far as it has a version.
_PACKAGES = (
    "kmeans-labelprop",
    "keras",
    "numpy",
    "scikeras",
    "scikit-learn",
    "tensorflow",
)


@dataclass(frozen=True)
class Settings:
    """What a run computes.

    Attributes
    ----------
    n_seeds : int
        Seeds 0, 1, … of every strategy.
    epochs : int
        Passes of the network over its training set.
    n_clusters : int
        Number of clusters, and of labels that the strategies may use.
    fractions : tuple of float
        Shares of each cluster that keep the propagated label.
    n_train : int
        How many of the training images take part; fewer than all are drawn at
        random, the same for all seeds.
    """

    n_seeds: int = 5
    epochs: int = 30
    n_clusters: int = 100
    fractions: tuple[float, ...] = tuple(round(0.1 * i, 1) for i in range(1, 11))
    n_train: int = N_TRAIN

    @property
    def is_full(self) -> bool:
        """Whether all training images take part."""
        return self.n_train == N_TRAIN

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as a JSON-able dict."""
        return {**asdict(self), "fractions": list(self.fractions)}


#: A few minutes on two cores; every strategy, fewer images, seeds and epochs.
QUICK = Settings(n_seeds=3, epochs=15, fractions=(0.4, 0.7, 1.0), n_train=15_000)


class Strategy(NamedTuple):
    """Where the training labels come from; ``fraction`` is None without clusters."""

    kind: str
    fraction: float | None


class Cell(NamedTuple):
    """One strategy with one seed."""

    strategy: Strategy
    seed: int


@dataclass(frozen=True)
class ImageData:
    """The images as float32 in [0, 1], and their classes."""

    X_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    X_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    train_rows: NDArray[np.intp]
    target_names: list[str]


def list_strategies(settings: Settings) -> list[Strategy]:
    """List the rows of the table, from top to bottom."""
    # Another network says nothing new of a small run.
    networks = [CONVOLUTIONAL] if settings.is_full else []
    return [
        Strategy(ALL_LABELS, None),
        Strategy(RANDOM_LABELS, None),
        Strategy(REPRESENTATIVES, 0.0),
        *(Strategy(PROPAGATED, fraction) for fraction in settings.fractions),
        Strategy(DEFAULT_RECIPE, None),
        *(Strategy(kind, None) for kind in networks),
    ]


def list_cells(settings: Settings) -> list[Cell]:
    """List all cells, seed by seed, so that an unfinished run has whole rows."""
    return [
        Cell(strategy, seed)
        for seed in range(settings.n_seeds)
        for strategy in list_strategies(settings)
    ]


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide the figures."""
    return {package: version(package) for package in _PACKAGES}


def cell_key(cell: Cell, settings: Settings) -> dict[str, Any]:
    """Return everything that determines the result of a cell.

    A setting that a cell does not depend on is left out, so that a longer list of
    fractions, say, does not compute the others again.
    """
    from .network import CONVOLUTIONAL_SETTINGS, SETTINGS

    kind = cell.strategy.kind
    key: dict[str, Any] = {
        "kind": kind,
        "fraction": cell.strategy.fraction,
        "seed": cell.seed,
        "epochs": settings.epochs,
        "n_train": settings.n_train,
        "network": CONVOLUTIONAL_SETTINGS if kind == CONVOLUTIONAL else SETTINGS,
        "versions": versions(),
    }
    if kind in (DEFAULT_RECIPE, CONVOLUTIONAL):
        key["selection"] = SELECTION
        key["train_on"] = "samples"
    if cell.strategy.kind != ALL_LABELS:
        key["n_clusters"] = settings.n_clusters
    return key


def choose_train_rows(n_train: int) -> NDArray[np.intp]:
    """Choose the training images that take part, in their order."""
    if n_train == N_TRAIN:
        return np.arange(N_TRAIN)
    rng = np.random.default_rng(0)
    return np.sort(rng.choice(N_TRAIN, size=n_train, replace=False))


def load_images(settings: Settings, data_home: str | None) -> ImageData:
    """Load the training images that take part, and all test images."""
    train = fetch_fashion_mnist(data_home)
    test = fetch_fashion_mnist(data_home, subset="test")
    rows = choose_train_rows(settings.n_train)
    return ImageData(
        X_train=_scale(train.data[rows]),
        y_train=train.target[rows],
        X_test=_scale(test.data),
        y_test=test.target,
        train_rows=rows,
        target_names=train.target_names,
    )


def _scale(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.astype(np.float32) / np.float32(255)


def make_training_set(
    cell: Cell,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    n_clusters: int,
    memory: Any = None,
) -> tuple[NDArray[np.float32], NDArray[np.int64], dict[str, Any]]:
    """Choose and label the training set of a cell.

    Parameters
    ----------
    cell : Cell
        The strategy and the seed.
    X : ndarray of shape (n_samples, n_features)
        The images.
    y : ndarray of shape (n_samples,)
        Their true classes, which all but the strategy "all labels" read for
        `n_clusters` images only.
    n_clusters : int
        The number of labels.
    memory : str, joblib.Memory or None, default=None
        Where the propagator keeps clusterings, for the fractions to share.

    Returns
    -------
    X_fit : ndarray of shape (n_kept, n_features)
        The training set of the network.
    y_fit : ndarray of shape (n_kept,)
        Its labels, right or wrong.
    facts : dict
        ``n_labels``, the labels used, ``n_rows``, ``label_accuracy``, and of the
        strategy "representatives" their ``rows`` of X and ``labels``.
    """
    kind, fraction = cell.strategy
    facts: dict[str, Any] = {}
    if kind == ALL_LABELS:
        kept, y_fit = np.arange(len(y)), y
        facts["n_labels"] = len(y)
    elif kind == RANDOM_LABELS:
        rng = np.random.default_rng(cell.seed)
        kept = rng.choice(len(y), size=n_clusters, replace=False)
        y_fit = y[kept]
        facts["n_labels"] = n_clusters
    else:
        assert fraction is not None
        propagator = KMeansLabelPropagator(
            n_clusters=n_clusters,
            fraction=fraction,
            embedding=None,
            propagation="cluster",
            memory=memory,
            random_state=cell.seed,
        )
        X_fit, y_fit = propagator.fit_resample(X, y)
        kept = propagator.sample_indices_
        facts["n_labels"] = len(propagator.representative_indices_)
        if kind == REPRESENTATIVES:  # the same for every fraction of the seed
            facts["representatives"] = {
                "rows": propagator.representative_indices_.tolist(),
                "labels": propagator.representative_labels_.tolist(),
            }
    if kind in (ALL_LABELS, RANDOM_LABELS):
        X_fit = X[kept]
    facts["n_rows"] = len(kept)
    facts["label_accuracy"] = float(accuracy_score(y[kept], y_fit))
    return X_fit, y_fit, facts


def make_default_recipe(
    estimator: Any,
    X: NDArray[np.float32],
    n_clusters: int,
    seed: int,
    memory: Any = None,
) -> PropagatedClassifierCV:
    """Make the library's default recipe around a network.

    The images are embedded for what they are, and the labels paid for decide whether
    they are propagated.
    """
    propagator = KMeansLabelPropagator(
        n_clusters=n_clusters,
        embedding=default_embedding(X, image_shape=IMAGE_SHAPE),
        memory=memory,
        random_state=seed,
    )
    return PropagatedClassifierCV(
        estimator,
        propagator,
        train_on="samples",  # the table compares networks, not what predicts
        selection_estimator=LogisticRegression(max_iter=SELECTION["max_iter"]),
        selection_max_samples=SELECTION["max_samples"],
        random_state=seed,
    )


def run_recipe_cell(
    cell: Cell, settings: Settings, images: ImageData, memory: Any = None
) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Fit the default recipe and predict the test images.

    Returns
    -------
    predicted : ndarray of shape (n_test,)
        The classes of the test images.
    facts : dict
        As of :func:`make_training_set`, and what was ``chosen``.
    """
    from .network import make_classifier, make_convolutional_classifier

    if cell.strategy.kind == CONVOLUTIONAL:
        epochs = max(1, settings.epochs // DENSE_EPOCHS_PER_CONVOLUTIONAL)
        network = make_convolutional_classifier(epochs, random_state=cell.seed)
    else:
        network = make_classifier(settings.epochs, random_state=cell.seed)
    model = make_default_recipe(
        network, images.X_train, settings.n_clusters, cell.seed, memory
    )
    # All classes are handed over, and those of the representatives are read.
    with warnings.catch_warnings():
        # The linear model that compares needs no convergence for that.
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        model.fit(images.X_train, images.y_train)
    propagator = model.propagator_
    kept = propagator.sample_indices_
    return model.predict(images.X_test), {
        "n_labels": len(propagator.representative_indices_),
        "n_rows": len(kept),
        "label_accuracy": float(
            accuracy_score(images.y_train[kept], propagator.transduction_[kept])
        ),
        "chosen": model.best_params_,
        "estimated_accuracy": model.best_accuracy_,
    }


def run_cell(
    cell: Cell, settings: Settings, images: ImageData, memory: Any = None
) -> dict[str, Any]:
    """Compute one cell: label, train, and test once.

    Returns
    -------
    result : dict
        ``accuracy`` on the test images, the ``confusion_matrix`` (true classes in
        rows), ``labelling_seconds``, ``training_seconds``, and the facts of
        :func:`make_training_set`.
    """
    from .network import forget_networks, make_classifier

    start = time.perf_counter()
    forget_networks()
    if cell.strategy.kind in (DEFAULT_RECIPE, CONVOLUTIONAL):
        predicted, facts = run_recipe_cell(cell, settings, images, memory)
        labelled = start  # the recipe labels and trains in one
        trained = time.perf_counter()
    else:
        X_fit, y_fit, facts = make_training_set(
            cell, images.X_train, images.y_train, settings.n_clusters, memory
        )
        labelled = time.perf_counter()
        classifier = make_classifier(settings.epochs, random_state=cell.seed)
        classifier.fit(X_fit, y_fit)
        trained = time.perf_counter()
        predicted = classifier.predict(images.X_test)
    if "representatives" in facts:
        # Rows of the training images as published, whatever sample this run takes.
        rows = images.train_rows[facts["representatives"]["rows"]]
        facts["representatives"]["rows"] = rows.tolist()
    matrix = confusion_matrix(
        images.y_test, predicted, labels=range(len(images.target_names))
    )
    return {
        **facts,
        "accuracy": float(accuracy_score(images.y_test, predicted)),
        "confusion_matrix": matrix.tolist(),
        "labelling_seconds": labelled - start,
        "training_seconds": trained - labelled,
    }


def run_missing_cells(
    cells: list[Cell],
    settings: Settings,
    store: CellStore,
    data_home: str | None,
    cache: Path,
    on_start: Callable[[Cell], None] = lambda cell: None,
) -> Iterator[Cell]:
    """Compute and store the cells that the store lacks; yield each when it is done."""
    missing = [cell for cell in cells if store.get(cell_key(cell, settings)) is None]
    if not missing:
        return
    images = load_images(settings, data_home)
    for cell in missing:
        on_start(cell)
        result = run_cell(cell, settings, images, memory=str(cache))
        store.put(cell_key(cell, settings), result)
        yield cell


def collect(
    cells: list[Cell], settings: Settings, store: CellStore
) -> list[dict[str, Any]]:
    """Read the finished cells from the store, each with its strategy and seed.

    Raises
    ------
    LookupError
        If a cell is not finished.
    """
    records = []
    for cell in cells:
        result = store.get(cell_key(cell, settings))
        if result is None:
            raise LookupError(f"not finished: {cell.strategy}, seed {cell.seed}")
        kind, fraction = cell.strategy
        records.append(
            {"kind": kind, "fraction": fraction, "seed": cell.seed, **result}
        )
    return records
