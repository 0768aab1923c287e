"""Instance noise (Sønderby et al., 2017): x + ε, ε ~ N(0, σ²), for real and generated images alike.

With it the distributions of both overlap, however narrow they are themselves. As ε does not know c either, L_I stays a
lower bound.
"""

from __future__ import annotations

import tensorflow as tf

from infogan_tf.distribution import own_rows


def added(images: tf.Tensor, stddev: float | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Images [batch, height, width, channels] with noise; `seed` is a stateless seed of 2."""
    seed = tf.cast(seed, tf.int32)
    n, shape = tf.shape(images)[0], tf.shape(images)[1:]
    return images + stddev * own_rows(lambda n: tf.random.stateless_normal(tf.concat([[n], shape], 0), seed), n)
