"""`tf.data` pipelines over images of which any can be had by its number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from infogan_tf.datasets.images import LazyImages


def training_batches(
    images: np.ndarray | LazyImages, batch_size: int, seed: int, *, first_batch: int = 0
) -> tf.data.Dataset:
    """Endless shuffled batches; every image once per epoch, batches running over the ends of epochs.

    The order is a function of `seed` alone: a run that starts at `first_batch` sees what an uninterrupted one sees
    from there on.

    Args:
        images: uint8 [n, height, width, channels].
        batch_size: Images per batch.
        seed: Of the order.
        first_batch: How many batches to leave out.

    Returns:
        A dataset of float32 [batch_size, height, width, channels] in [0, 1].
    """
    size, last = len(images), tf.constant(len(images) - 1, tf.int64)
    read = _reader(images)

    def batch(index: tf.Tensor) -> tf.Tensor:
        positions = index * batch_size + tf.range(batch_size, dtype=tf.int64)
        epochs, places = positions // size, positions % size
        # A pseudo-random permutation of 0..n-1 for each epoch, evaluated only where it is needed.
        # The kernel uses 8 bits of each of three keys and mixes badly where one is 0: hash, and keep to 1..255.
        hashed = tf.fingerprint(tf.stack([tf.fill([batch_size], tf.cast(seed, tf.int64)), epochs], axis=1))
        keys = tf.cast(hashed[:, :3], tf.int32) % 255 + 1
        chosen = tf.raw_ops.RandomIndexShuffle(index=places, seed=keys, max_index=last)
        return _as_float(read(chosen))

    batches = tf.data.Dataset.range(first_batch, np.iinfo(np.int64).max // batch_size)
    batches = batches.map(batch, num_parallel_calls=1, deterministic=True).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    # Several machines take turns with the batches' parts: there are no files to share out.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def evaluation_batches(
    images: np.ndarray | LazyImages, labels: np.ndarray | None = None, batch_size: int = 500
) -> tf.data.Dataset:
    """Every image once, in order: float32 [batch, height, width, channels] in [0, 1], with labels if given."""
    read = _reader(images)
    numbers = tf.data.Dataset.range(len(images)).batch(batch_size)
    if labels is None:
        return numbers.map(lambda rows: _as_float(read(rows))).prefetch(1)
    known = tf.constant(labels)
    return numbers.map(lambda rows: (_as_float(read(rows)), tf.gather(known, rows))).prefetch(1)


def _reader(images: np.ndarray | LazyImages) -> Callable[[tf.Tensor], tf.Tensor]:
    """From numbers int64 [batch] to uint8 images [batch, height, width, channels]."""
    if isinstance(images, np.ndarray):
        pixels = tf.constant(images)
        return lambda rows: tf.gather(pixels, rows)

    def read(rows: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(images.__getitem__, [rows], tf.uint8, stateful=False)
        found.set_shape([*rows.shape, *images.shape[1:]])
        return found

    return read


def _as_float(images: tf.Tensor) -> tf.Tensor:
    """8-bit images as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255
