"""The Keras networks of the experiments, as scikit-learn classifiers.

Layout, regularisation and learning rate were chosen on the training images alone:
trained on 50,000 of them with all labels (and on 100 of these, drawn at random; the
convolutional network on propagated labels), and validated on the other 10,000. The
test images had no part in it. The batch size
shrinks with the training set, so that a hundred samples still make ten steps an epoch.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Keep TensorFlow's greetings off stderr, unless its import fails.

    They are written by compiled code before ``TF_CPP_MIN_LOG_LEVEL`` counts, so the
    file descriptor itself has to point elsewhere for as long as the import lasts.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with tempfile.TemporaryFile() as greetings:
            os.dup2(greetings.fileno(), 2)
            try:
                yield
            except BaseException:
                os.dup2(stderr, 2)
                greetings.seek(0)
                sys.stderr.write(greetings.read().decode(errors="replace"))
                raise
            finally:
                os.dup2(stderr, 2)
    finally:
        os.close(stderr)


try:
    with _quiet_import():
        import keras
        from scikeras.wrappers import KerasClassifier
except ImportError as error:
    raise ImportError(
        "This example needs TensorFlow, Keras and scikeras: "
        'pip install "kmeans-labelprop[keras]"'
    ) from error

HIDDEN_UNITS = (512, 256)
# Keras's 0.99 needs hundreds of steps to forget its start; few labels give few steps.
NORM_MOMENTUM = 0.9
DROPOUT = 0.3
LEARNING_RATE = 2e-3
MAX_BATCH_SIZE = 256

#: What determines a trained network besides its data, its seed and its epochs.
SETTINGS = {
    "hidden_units": list(HIDDEN_UNITS),
    "batch_normalization_momentum": NORM_MOMENTUM,
    "dropout": DROPOUT,
    "learning_rate": LEARNING_RATE,
    "schedule": "cosine per epoch",
    "max_batch_size": MAX_BATCH_SIZE,
}

#: The same of the convolutional network.
CONVOLUTIONAL_SETTINGS = {
    "filters": [32, 64],
    "hidden_units": [128],
    "dropout": DROPOUT,
    "learning_rate": 1e-3,
    "schedule": "cosine per epoch",
    "batch_size": 128,
}


def choose_batch_size(n_samples: int) -> int:
    """Return the batch size for a training set: about ten steps an epoch or more."""
    return min(MAX_BATCH_SIZE, max(8, n_samples // 10))


class CosineLearningRate(keras.callbacks.Callback):
    """Lower the learning rate from epoch to epoch along half a cosine.

    Counted in epochs, it is the same schedule for a hundred samples and for 60,000.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        """Remember the rate that the optimizer starts with."""
        self.initial_rate = float(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the rate of this epoch."""
        progress = epoch / self.params["epochs"]
        rate = self.initial_rate * 0.5 * (1 + math.cos(math.pi * progress))
        self.model.optimizer.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Leave the rate in the history."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


def forget_networks() -> None:
    """Free what Keras keeps of the networks of this process."""
    keras.backend.clear_session()


def build_network(
    meta: dict[str, Any],
    hidden_units: tuple[int, ...] = HIDDEN_UNITS,
    dropout: float = DROPOUT,
    learning_rate: float = LEARNING_RATE,
) -> keras.Model:
    """Build and compile the network; scikeras passes what it knows of the data."""
    layers: list[Any] = [keras.Input((meta["n_features_in_"],))]
    for units in hidden_units:
        layers += [
            keras.layers.Dense(units, use_bias=False, kernel_initializer="he_normal"),
            keras.layers.BatchNormalization(momentum=NORM_MOMENTUM),
            keras.layers.Activation("relu"),
            keras.layers.Dropout(dropout),
        ]
    layers.append(keras.layers.Dense(meta["n_classes_"], activation="softmax"))
    network = keras.Sequential(layers)
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # XLA made the epochs about five times slower on a CPU
    )
    return network


def build_convolutional_network(
    meta: dict[str, Any],
    dropout: float = DROPOUT,
    learning_rate: float = CONVOLUTIONAL_SETTINGS["learning_rate"],
) -> keras.Model:
    """Build and compile a small convolutional network on rows of 28 x 28 pixels.

    It sees the images as they are. Mirroring and shifting them did not help: it learns
    propagated labels less well then, in as many epochs
    (``benchmarks/results/ideas.md``).
    """
    network = keras.Sequential(
        [
            keras.Input((meta["n_features_in_"],)),
            keras.layers.Reshape((28, 28, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(meta["n_classes_"], activation="softmax"),
        ]
    )
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    return network


class SeededKerasClassifier(KerasClassifier):
    """A KerasClassifier that is reproducible and fits its batches to its data."""

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any
    ) -> SeededKerasClassifier:
        """Train a new network, from ``random_state`` if that is an integer."""
        if self.random_state is not None:
            # Without it, the first ``random_state`` of a process would leave
            # TensorFlow's global generators unseeded but in deterministic mode.
            keras.utils.set_random_seed(self.random_state)
        if self.batch_size is None:
            kwargs.setdefault("batch_size", choose_batch_size(X.shape[0]))
        super().fit(X, y, sample_weight=sample_weight, **kwargs)
        return self


def make_classifier(
    epochs: int = 30, random_state: int | None = None, **model_parameters: Any
) -> SeededKerasClassifier:
    """Make the classifier of all experiments.

    Parameters
    ----------
    epochs : int, default=30
        Passes over the training set.
    random_state : int or None, default=None
        Seeds the weights, the dropout and the order of the samples.
    **model_parameters : object
        Arguments of :func:`build_network`: ``hidden_units``, ``dropout``,
        ``learning_rate``.

    Returns
    -------
    classifier : SeededKerasClassifier
        A scikit-learn classifier, unfitted.
    """
    return SeededKerasClassifier(
        model=build_network,
        epochs=epochs,
        random_state=random_state,
        callbacks=CosineLearningRate,
        verbose=0,
        **{f"model__{name}": value for name, value in model_parameters.items()},
    )


def make_convolutional_classifier(
    epochs: int = 6, random_state: int | None = None, **model_parameters: Any
) -> SeededKerasClassifier:
    """Make a small convolutional network, about as slow on 60,000 images as the other.

    Parameters
    ----------
    epochs : int, default=6
        Passes over the training set.
    random_state : int or None, default=None
        Seeds the weights, the dropout and the order of the samples.
    **model_parameters : object
        Arguments of :func:`build_convolutional_network`: ``dropout``,
        ``learning_rate``.

    Returns
    -------
    classifier : SeededKerasClassifier
        A scikit-learn classifier, unfitted.
    """
    network = make_classifier(epochs, random_state, **model_parameters)
    return network.set_params(
        model=build_convolutional_network,
        batch_size=CONVOLUTIONAL_SETTINGS["batch_size"],
    )
