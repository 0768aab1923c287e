"""The wake phase: a recognition network learns from real images too, of which nobody knows the code.

Maximising L_I is the sleep phase of the wake-sleep algorithm (Hinton et al., 1995): Q learns from dreams, images made
from known codes. What the generator never dreams of, Q never meets. Awake, it looks at real images x, and

- its categories must survive what does not change what an image shows: a small deformation T, and the step of a given
  length that disturbs Q most (virtual adversarial training: Miyato et al., 2018). So categories end where there are
  few images;
- they must stay balanced, I(c; x) = H(mean Q) - mean H(Q) being high only then (Krause et al., 2010; Hu et al., 2017).

Only categorical codes take part; labels none.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from infogan_tf import networks, objectives, validation
from infogan_tf.distribution import as_logs, own_rows
from infogan_tf.layers import each

PROBE = 1.0  # length of the step along which the direction is looked for


def loss(logits: tf.Tensor, *logits_of_views: tf.Tensor) -> tf.Tensor:
    """What a categorical code's logits on real images should minimise.

        Σ over views of mean CE(Q(c|x), Q(c|view of x))  -  H(mean Q)

    Args:
        logits: Of Q(c|x), [batch, K]; the target of its views, without gradient through the cross-entropy.
        *logits_of_views: Of Q(c|view of x), [batch, K] each.

    Returns:
        A scalar in nats.
    """
    targets = tf.stop_gradient(tf.nn.softmax(logits))
    agreements = [
        tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, of_view)) for of_view in logits_of_views
    ]
    mean = tf.reduce_mean(tf.nn.softmax(tf.concat([logits, *logits_of_views], axis=0)), axis=0)
    return tf.add_n(agreements) + tf.reduce_sum(tf.math.xlogy(mean, mean))


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


class WakePhase:
    """The part of `InfoGAN` that is its wake phase."""

    def wake_up(self) -> None:
        """Begins the wake phase: from now on a copy of Q, with a trunk of its own, learns; D and G stay as they are.

        See `wake`, and `callbacks.WakeUp`, which calls this from within `fit`.

        Raises:
            ValueError: There is no categorical code or no augmentation.
        """
        validation.check_wake(self.codes, self.augmentation)
        with self.distribute_strategy.scope():
            self.recognition = networks.build_recognition(self.trunk, self.posterior_head)
            if self.compiled:
                self.recognition_optimizer.build(self.recognition.trainable_variables)
        if self.compiled:
            self.train_function = self.test_function = self.predict_function = None  # traced with Q as it was

    def _wake_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        """One update of the recognition network: on dreams, of which the codes are known, and on real images."""

        def logits(parameters: tf.Tensor) -> list[tf.Tensor]:
            slices = self.codes.split_parameters(parameters)
            return [slices[name] for name in self.codes.categorical]

        n = tf.shape(real)[0]
        z, c = self.sample(n)
        fake = self.generator([z, c], training=False)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        direction = own_rows(lambda n: tf.random.stateless_normal([n, *self.image_shape], seed), n)
        disturbed = adversarial(
            lambda x: tf.concat(logits(self.recognition(x, training=True)), axis=1), real, direction, self.wake_radius
        )
        variables = self.recognition.trainable_variables
        with tf.GradientTape() as tape:
            *of_real, q, q_of_view = each(self.recognition, *self._views(real), disturbed, *self._views(fake))
            wake_loss = tf.add_n([loss(*of_code) for of_code in zip(*map(logits, of_real), strict=True)])
            information = self._choose_views([objectives.information(self.codes, c, p) for p in (q, q_of_view)])
            objective = wake_loss - self._weighted(information)
            objective = self.recognition_optimizer.scale_loss(objective / self._num_replicas)
        self.recognition_optimizer.apply(tape.gradient(objective, variables), variables)
        return as_logs(self._record(information, wake_loss=wake_loss))
