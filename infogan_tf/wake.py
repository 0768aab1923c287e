"""What a recognition network can learn from real images, of which nobody knows the code.

What the generator never dreams of, a network that learns from dreams alone (`recognition`) never meets. Awake, it looks
at real images x, and

- its categories must survive what does not change what an image shows: a small deformation T, and the step of a given
  length that disturbs Q most (virtual adversarial training: Miyato et al., 2018). So categories end where there are
  few images;
- they must stay balanced, I(c; x) = H(mean Q) - mean H(Q) being high only then (Krause et al., 2010; Hu et al., 2017).

Only categorical codes take part; labels none.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

PROBE = 1.0  # length of the step along which the direction is looked for


def loss(logits: tf.Tensor, *logits_of_views: tf.Tensor, balance: float | tf.Tensor = 1.0) -> tf.Tensor:
    """What a categorical code's logits on real images should minimise.

        Σ over views of mean CE(Q(c|x), Q(c|view of x))  -  balance · H(mean Q)

    Args:
        logits: Of Q(c|x), [batch, K]; the target of its views, without gradient through the cross-entropy.
        *logits_of_views: Of Q(c|view of x), [batch, K] each.
        balance: Weight of the entropy.

    Returns:
        A scalar in nats.
    """
    targets = tf.stop_gradient(tf.nn.softmax(logits))
    agreements = [
        tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, of_view)) for of_view in logits_of_views
    ]
    mean = tf.reduce_mean(tf.nn.softmax(tf.concat([logits, *logits_of_views], axis=0)), axis=0)
    return tf.add_n(agreements) + balance * tf.reduce_sum(tf.math.xlogy(mean, mean))


def adversarial(
    read: Callable[[tf.Tensor], tf.Tensor], images: tf.Tensor, direction: tf.Tensor, radius: float
) -> tf.Tensor:
    """Each image moved by `radius` along the direction in which its categories change fastest.

    One step of the power method from a random direction (Miyato et al., 2018, algorithm 1).

    Args:
        read: Images [batch, height, width, channels] -> logits [batch, K].
        images: In [0, 1].
        direction: Of the images' shape, from N(0, I).
        radius: Euclidean length of the step, in units of a pixel's range.

    Returns:
        Images in [0, 1], without gradient.
    """
    probe = images + PROBE * _unit(direction)
    targets = tf.stop_gradient(tf.nn.softmax(read(images)))
    with tf.GradientTape() as tape:
        tape.watch(probe)
        divergence = tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(targets, read(probe)))
    step = radius * _unit(tape.gradient(divergence, probe))
    return tf.stop_gradient(tf.clip_by_value(images + step, 0.0, 1.0))


def _unit(batch: tf.Tensor) -> tf.Tensor:
    """Each row's direction, 0 where it has none."""
    return batch * tf.math.rsqrt(tf.reduce_sum(batch**2, axis=[1, 2, 3], keepdims=True) + 1e-12)
