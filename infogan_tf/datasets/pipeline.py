"""`tf.data` pipelines over images held in memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def training_batches(images: np.ndarray, batch_size: int, seed: int, *, first_batch: int = 0) -> tf.data.Dataset:
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
    pixels = tf.constant(images)

    def batch(index: tf.Tensor) -> tf.Tensor:
        positions = index * batch_size + tf.range(batch_size, dtype=tf.int64)
        epochs, places = positions // size, positions % size
        # A pseudo-random permutation of 0..n-1 for each epoch, evaluated only where it is needed.
        # The kernel uses 8 bits of each of three keys and mixes badly where one is 0: hash, and keep to 1..255.
        hashed = tf.fingerprint(tf.stack([tf.fill([batch_size], tf.cast(seed, tf.int64)), epochs], axis=1))
        keys = tf.cast(hashed[:, :3], tf.int32) % 255 + 1
        chosen = tf.raw_ops.RandomIndexShuffle(index=places, seed=keys, max_index=last)
        return as_float(tf.gather(pixels, chosen))

    batches = tf.data.Dataset.range(first_batch, np.iinfo(np.int64).max // batch_size)
    batches = batches.map(batch, num_parallel_calls=1, deterministic=True).prefetch(tf.data.AUTOTUNE)
    options = tf.data.Options()
    # Several machines take turns with the batches' parts: there are no files to share out.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return batches.with_options(options)


def evaluation_batches(images: np.ndarray, labels: np.ndarray | None = None, batch_size: int = 500) -> tf.data.Dataset:
    """Every image once, in order: float32 [batch, height, width, channels] in [0, 1], with labels if given."""
    if labels is None:
        return tf.data.Dataset.from_tensor_slices(images).batch(batch_size).map(as_float).prefetch(1)
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
    return dataset.map(lambda x, y: (as_float(x), y)).prefetch(1)


def as_float(images: tf.Tensor) -> tf.Tensor:
    """8-bit images as float32 in [0, 1]."""
    return tf.cast(images, tf.float32) / 255
