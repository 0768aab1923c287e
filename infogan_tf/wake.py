"""What a recognition network can learn from real images, of which nobody knows the code.

What the generator never dreams of, a network that learns from dreams alone (`recognition`) never meets. Awake, it looks
at real images x, and

- its categories must survive what does not change what an image shows: a small deformation T, and the step of a given
  length that disturbs Q most (virtual adversarial training: Miyato et al., 2018). So categories end where there are
  few images;
- their shares must be those of the prior P(c), as they are among dreams. Images that agree with each other in a wrong
  category find their way out because it is too large.

Only categorical codes take part; labels none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

PROBE = 1.0  # length of the step along which the direction is looked for
SMALLEST_SHARE = 1e-6
SMALLEST_SLOPE = 1e-6  # of a divergence, in nats per unit; a flatter one gives a shorter step


def loss(targets: tf.Tensor, *logits: tf.Tensor) -> tf.Tensor:
    """What a categorical code's logits on real images should minimise.

        Σ over x and its views of mean CE(t, Q(c|view of x)),  t = `aligned` Q(c|x)

    Args:
        targets: Probabilities [batch, K]; they have no gradient.
        *logits: Of Q(c|x), and of each Q(c|view of x), [batch, K].

    Returns:
        A scalar in nats.
    """
    targets = tf.stop_gradient(targets)
    entropies = [tf.nn.softmax_cross_entropy_with_logits(targets, of_view) for of_view in logits]
    return tf.add_n([tf.reduce_mean(entropy) for entropy in entropies])


def aligned(logits: tf.Tensor, shares: tf.Tensor, prior: Sequence[float], strength: float | tf.Tensor) -> tf.Tensor:
    """Q(c|x) moved towards shares that are the prior's: ∝ Q(c|x) (P(c) / shares)^strength.

    Distribution alignment (Berthelot et al., 2020, ReMixMatch, section 3.1).

    Args:
        logits: Of Q(c|x), [batch, K].
        shares: Of the categories among real images, [K].
        prior: P(c), [K].
        strength: From 0, which changes nothing.

    Returns:
        Probabilities [batch, K].
    """
    surplus = tf.math.log(tf.maximum(shares, SMALLEST_SHARE)) - tf.math.log(tf.maximum(prior, SMALLEST_SHARE))
    return tf.nn.softmax(logits - strength * surplus)


def adversarial(
    read: Callable[[tf.Tensor], list[tf.Tensor]], images: tf.Tensor, direction: tf.Tensor, radius: float
) -> tf.Tensor:
    """Each image moved by `radius` along the direction in which its categories change fastest.

    One step of the power method from a random direction (Miyato et al., 2018, algorithm 1). Where Q is so sure that
    nothing changes it, the step is shorter: a full one in a direction of rounding errors would be noise.

    Args:
        read: Images [batch, height, width, channels] -> logits [batch, K] of each categorical code.
        images: In [0, 1].
        direction: Of the images' shape, from N(0, I).
        radius: Euclidean length of the step, in units of a pixel's range.

    Returns:
        Images in [0, 1], without gradient.
    """
    probe = images + PROBE * _unit(direction)
    targets = [tf.stop_gradient(tf.nn.softmax(logits)) for logits in read(images)]
    with tf.GradientTape() as tape:
        tape.watch(probe)
        entropies = map(tf.nn.softmax_cross_entropy_with_logits, targets, read(probe))
        divergence = tf.add_n([tf.reduce_sum(entropy) for entropy in entropies])
    step = radius * _unit(tape.gradient(divergence, probe))
    return tf.stop_gradient(tf.clip_by_value(images + step, 0.0, 1.0))


def _unit(batch: tf.Tensor) -> tf.Tensor:
    """Each row's direction; shorter where it is next to none."""
    squares = tf.reduce_sum(batch**2, axis=[1, 2, 3], keepdims=True)
    return batch * tf.math.rsqrt(squares + SMALLEST_SLOPE**2)
