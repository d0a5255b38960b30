"""Consistency training from propagated labels: one of the ideas that were tried."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

N_CLASSES = 10
BATCH_SIZE, N_LABELLED = 128, 64
LEARNING_RATE = 2e-3
DECAY = 0.998  # of the moving average
SURE = 0.8
TRUSTED = 0.7  # share of each predicted class whose label is trained on
GRAPH_POWER = 0.5  # of the graph's shares in what the average says


def make_network() -> keras.Model:
    """Make a small convolutional network that returns logits."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(24, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.97),
            layers.ReLU(),
            layers.Conv2D(48, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.97),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(96, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.97),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.2),
            layers.Dense(N_CLASSES),
        ]
    )


def augment(images: Any, shift: float, scale: float, rotation: float) -> Any:
    """Mirror, shift (pixels), scale and rotate (radians) each image at random."""
    n = tf.shape(images)[0]
    uniform = tf.random.uniform
    mirror = tf.where(uniform([n]) < 0.5, -1.0, 1.0)
    size, angle = uniform([n], 1 - scale, 1 + scale), uniform([n], -rotation, rotation)
    a, b = tf.cos(angle) * size * mirror, -tf.sin(angle) * size
    c, d = tf.sin(angle) * size * mirror, tf.cos(angle) * size
    middle = 13.5
    x = middle - (a + b) * middle + uniform([n], -shift, shift)
    y = middle - (c + d) * middle + uniform([n], -shift, shift)
    nothing = tf.zeros([n])
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, x, c, d, y, nothing, nothing], axis=1),
        output_shape=[28, 28],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def gently(images: Any) -> Any:
    """Change images a little."""
    return augment(images, 2.0, 0.05, 0.0)


def cover(images: Any, max_half: float) -> Any:
    """Cover a square of each image, at a random place and of random size."""
    n = tf.shape(images)[0]
    row = tf.random.uniform([n, 1, 1, 1], 0, 28)
    column = tf.random.uniform([n, 1, 1, 1], 0, 28)
    half = tf.random.uniform([n, 1, 1, 1], 0, max_half)
    rows = tf.reshape(tf.range(28.0), [1, 28, 1, 1])
    columns = tf.reshape(tf.range(28.0), [1, 1, 28, 1])
    is_covered = (abs(rows - row) < half) & (abs(columns - column) < half)
    return tf.where(is_covered, 0.0, images)


def strongly(images: Any) -> Any:
    """Change images more, and cover a part of each."""
    return cover(augment(images, 2.0, 0.1, 0.1), 5)


def most_confident(labels: Any, confidence: Any, share: float) -> Any:
    """Find the most confident samples of each label, so that no class vanishes."""
    kept = []
    for label in np.unique(labels):
        of_label = np.flatnonzero(labels == label)
        order = of_label[np.argsort(-confidence[of_label], kind="stable")]
        kept.append(order[: max(1, round(share * len(order)))])
    return np.concatenate(kept)


def train_consistently(
    X: Any, labels: Any, confidence: Any, shares: Any, n_epochs: int, seed: int
) -> Any:
    """Train, and return the classes that the moving average predicts for X."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    images = X.reshape(-1, 28, 28, 1)
    targets = np.eye(N_CLASSES, dtype=np.float32)[labels]
    hints = GRAPH_POWER * np.log(shares + 1e-3).astype(np.float32)
    trusted = most_confident(labels, confidence, TRUSTED)
    network, average = make_network(), make_network()
    average.set_weights(network.get_weights())
    n_warm, n_steps = 2 * len(trusted) // BATCH_SIZE, len(X) // BATCH_SIZE
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            LEARNING_RATE, n_warm + n_epochs * n_steps
        )
    )
    seen = tf.Variable(tf.fill([N_CLASSES], 1 / N_CLASSES))

    def apply(tape: Any, loss: Any) -> None:
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, network.trainable_variables, strict=True)
        )
        # Shorter at first, or the average would not leave its random start.
        n_done = tf.cast(optimizer.iterations, tf.float32)
        decay = tf.minimum(DECAY, (1 + n_done) / (10 + n_done))
        for mean, value in zip(average.weights, network.weights, strict=True):
            if "float" in mean.dtype:
                mean.assign(decay * mean + (1 - decay) * value)

    cross_entropy = tf.nn.softmax_cross_entropy_with_logits

    @tf.function
    def warm_step(labelled: Any, target: Any) -> None:
        with tf.GradientTape() as tape:
            logits = network(gently(labelled), training=True)
            loss = tf.reduce_mean(cross_entropy(target, logits))
        apply(tape, loss)

    @tf.function
    def step(labelled: Any, target: Any, unlabelled: Any, hint: Any) -> None:
        said = tf.nn.softmax(average(gently(unlabelled), training=False) + hint)
        seen.assign(0.999 * seen + 0.001 * tf.reduce_mean(said, axis=0))
        said /= seen
        said /= tf.reduce_sum(said, axis=1, keepdims=True)
        is_sure = tf.cast(tf.reduce_max(said, axis=1) > SURE, tf.float32)
        pseudo = tf.one_hot(tf.argmax(said, axis=1), N_CLASSES)
        batch = tf.concat([gently(labelled), strongly(unlabelled)], axis=0)
        with tf.GradientTape() as tape:
            logits = network(batch, training=True)
            own = cross_entropy(target, logits[:N_LABELLED])
            agreed = is_sure * cross_entropy(pseudo, logits[N_LABELLED:])
            loss = 0.5 * tf.reduce_mean(own) + tf.reduce_mean(agreed)
        apply(tape, loss)

    for _ in range(n_warm):
        drawn = rng.choice(trusted, BATCH_SIZE)
        warm_step(images[drawn], targets[drawn])
    for _ in range(n_epochs):
        order = rng.permutation(len(X))
        for first in range(0, n_steps * BATCH_SIZE, BATCH_SIZE):
            drawn = rng.choice(trusted, N_LABELLED)
            batch = order[first : first + BATCH_SIZE]
            step(images[drawn], targets[drawn], images[batch], hints[batch])
    return average.predict(images, batch_size=1_000, verbose=0).argmax(axis=1)
