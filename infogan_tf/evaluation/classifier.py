"""A small classifier of real images, whose features `fidelity` compares images by.

It learns from the labels of the training split. They serve evaluation alone: no InfoGAN is trained with them or with
this classifier. It is kept in `~/.cache/infogan_tf/classifiers` (or below $XDG_CACHE_HOME) under a digest of the images
and labels that it learned from, which stands for data set, split and version; files there can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from infogan_tf.datasets import ImageSet
from infogan_tf.files import cache_folder, replaced_file

VERSION = 1  # of the network and its training: another one trains anew
EPOCHS, BATCH_SIZE, LEARNING_RATE = 3, 128, 3e-3
MOST_IMAGES = 60_000  # as MNIST has; of larger splits as many are drawn
logger = logging.getLogger(__name__)


def build(image_shape: tuple[int, int, int], num_labels: int) -> keras.Model:
    """Images [batch, height, width, channels] in [0, 1] -> logits [batch, num_labels], by a layer `features` of 64."""
    x = images = keras.Input(image_shape)
    for i, (filters, size, stride) in enumerate([(32, 5, 2), (64, 3, 2), (64, 3, 1)]):
        initializer = keras.initializers.HeNormal(seed=i)
        x = layers.Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer=initializer)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(64, "relu", kernel_initializer=keras.initializers.HeNormal(seed=3), name="features")(x)
    x = layers.Dense(num_labels, kernel_initializer=keras.initializers.GlorotUniform(seed=4))(x)
    return keras.Model(images, x)


def trained(train: ImageSet, test: ImageSet) -> keras.Model:
    """The classifier of a training split, from the cache if it is there, otherwise trained now and kept.

    Args:
        train: What it learns from: all of it, or 60,000 of its images, the same ones every time.
        test: On which its accuracy is measured, for the JSON file beside the one with the network.
    """
    if len(train.images) > MOST_IMAGES:
        train = train.select(np.sort(np.random.default_rng(0).permutation(len(train.images))[:MOST_IMAGES]))
    path = _path(train)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file raises whatever its reader stumbles over
        if path.exists():
            logger.warning("training the classifier again: %s cannot be read (%s)", path, error)
    classifier = _train(train)
    accuracy = float((describe(classifier, test.images)[1] == test.labels).mean())
    with replaced_file(path) as temporary:
        classifier.save(temporary)
    with replaced_file(path.with_suffix(".json")) as temporary:
        found = {"train_images": len(train.images), "test_images": len(test.images), "test_accuracy": accuracy}
        temporary.write_text(json.dumps(found, indent=2) + "\n")
    return classifier


def describe(classifier: keras.Model, images: np.ndarray, batch_size: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Features float64 [n, 64] and predicted labels int64 [n] of uint8 images [n, height, width, channels]."""
    both = keras.Model(classifier.input, [classifier.get_layer("features").output, classifier.output])
    parts = []
    for start in range(0, len(images), batch_size):
        features, logits = both(images[start : start + batch_size].astype(np.float32) / 255, training=False)
        parts.append((features.numpy().astype(np.float64), logits.numpy().argmax(axis=1)))
    features, labels = zip(*parts, strict=True)
    return np.concatenate(features), np.concatenate(labels)


def _train(data: ImageSet) -> keras.Model:
    """Adam with a rate that falls to 0 along a cosine; weights and order are the same every time."""
    n, order = len(data.images), np.random.default_rng(0)
    batch_size = min(BATCH_SIZE, n)
    # At least 300 steps, so that a few thousand images suffice.
    epochs = max(EPOCHS, -(-300 * batch_size // n))
    steps = epochs * (n // batch_size)
    classifier = build(tuple(data.images.shape[1:]), len(data.label_names))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps))
    optimizer.build(classifier.trainable_variables)

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = classifier(tf.cast(images, tf.float32) / 255, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        weights = classifier.trainable_variables
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    print("training the classifier that measures fidelity")
    progress = keras.utils.Progbar(steps)
    for _ in range(epochs):
        rows = order.permutation(n)
        for start in range(0, n - batch_size + 1, batch_size):
            chosen = rows[start : start + batch_size]
            loss = step(tf.constant(data.images[chosen]), tf.constant(data.labels[chosen]))
            progress.add(1, [("loss", loss)])
    return classifier


def _path(data: ImageSet, block: int = 10_000) -> Path:
    digest = hashlib.sha256(json.dumps([VERSION, data.images.shape, data.label_names]).encode())
    digest.update(np.ascontiguousarray(data.labels, dtype=np.int64))
    for start in range(0, len(data.images), block):
        digest.update(np.ascontiguousarray(data.images[start : start + block]))
    folder = cache_folder("classifiers")
    return folder / f"{digest.hexdigest()[:32]}.keras"
