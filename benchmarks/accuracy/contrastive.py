"""An embedding learned without labels from augmented views: one of the ideas tried."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from .consistency import augment, cover

WIDTH = 32
N_EPOCHS = 8
BATCH_SIZE = 256
TEMPERATURE = 0.5
LEARNING_RATE = 2e-3


def make_encoder() -> tuple[keras.Model, keras.Model]:
    """Make the network that is trained, and the part of it that embeds."""
    layers = keras.layers
    images = keras.Input((28, 28, 1))
    hidden = images
    for width, size, stride in ((1, 5, 2), (2, 3, 1), (4, 3, 1)):
        hidden = layers.Conv2D(
            width * WIDTH, size, strides=stride, padding="same", use_bias=False
        )(hidden)
        hidden = layers.ReLU()(layers.BatchNormalization(momentum=0.97)(hidden))
        if width == 2:
            hidden = layers.MaxPooling2D()(hidden)
    # Means over the whole image and over its parts: where something is matters.
    parts = layers.Flatten()(layers.AveragePooling2D(3, 2)(hidden))
    learned = layers.Concatenate()([layers.GlobalAveragePooling2D()(hidden), parts])
    projected = layers.Dense(64)(layers.Dense(128, activation="relu")(learned))
    return keras.Model(images, projected), keras.Model(images, learned)


def view(images: Any) -> Any:
    """Make a random view of each image."""
    images = cover(augment(images, 2.0, 0.15, 0.1), 4)
    n = tf.shape(images)[0]
    brightness = tf.random.uniform([n, 1, 1, 1], 0.7, 1.3)
    gamma = tf.random.uniform([n, 1, 1, 1], 0.7, 1.6)
    return tf.pow(tf.clip_by_value(images * brightness, 1e-6, 1.0), gamma)


def learn_embedding(X: Any, seed: int) -> Any:
    """Train as SimCLR does (Chen et al., ICML 2020), and embed X."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    images = X.reshape(-1, 28, 28, 1)
    network, encoder = make_encoder()
    n_steps = len(X) // BATCH_SIZE
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(LEARNING_RATE, N_EPOCHS * n_steps)
    )
    # Each view has to find the other view of its image among all in the batch.
    partner = np.roll(np.arange(2 * BATCH_SIZE), BATCH_SIZE)
    itself = 1e9 * np.eye(2 * BATCH_SIZE, dtype=np.float32)

    @tf.function
    def step(batch: Any) -> None:
        with tf.GradientTape() as tape:
            views = tf.concat([view(batch), view(batch)], axis=0)
            projected = tf.math.l2_normalize(network(views, training=True), axis=1)
            similarity = tf.matmul(projected, projected, transpose_b=True) / TEMPERATURE
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(
                    partner, similarity - itself
                )
            )
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, network.trainable_variables, strict=True)
        )

    for _ in range(N_EPOCHS):
        order = rng.permutation(len(X))
        for first in range(0, n_steps * BATCH_SIZE, BATCH_SIZE):
            step(images[order[first : first + BATCH_SIZE]])
    return encoder.predict(images, batch_size=1_000, verbose=0)
