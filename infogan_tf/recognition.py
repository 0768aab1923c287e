"""The recognition phase: D and G stay as they are, and Q learns to read G's images as well as it can.

While G learns, Q reads what D's trunk has learned to see, and lags behind a generator that moves. Afterwards it gets a
trunk of its own and maximises L_I over Q alone, which tightens the bound: it is tight where Q(c|x) is the posterior
(Chen et al., 2016, eq. 4). This is the sleep phase of the wake-sleep algorithm (Hinton et al., 1995): Q learns from
dreams, images made from known codes. With a `wake_weight` the missing half joins it: Q then learns from real images
too, as in `wake`, and from the first step on: a network that has only dreamt is sure of the wrong category for what it
never dreamt of, and stays so.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from infogan_tf import networks, objectives, wake
from infogan_tf.distribution import as_logs, own_rows
from infogan_tf.layers import each
from infogan_tf.optimizers import steps_taken

SHARES_MOMENTUM = 0.9  # one batch of 128 tells a share of a tenth to within a quarter of it


class RecognitionPhase:
    """The part of `InfoGAN` that is its recognition phase."""

    def begin_recognition(self) -> None:
        """From now on `recognition`, a new network of Q's layers, learns in place of G, D and Q, and infers the codes.

        See `callbacks.Recognition`, which calls this from within `fit`.

        Raises:
            ValueError: It has begun already.
        """
        if self.recognition:
            raise ValueError("the recognition phase has begun already")
        seed = int(np.random.default_rng(np.asarray(self.seed_generator.next())).integers(2**31))
        with self.distribute_strategy.scope():
            self.recognition = networks.build_recognition(self.trunk, self.posterior_head, seed)
            if self.compiled:
                self.recognition_optimizer.build(self.recognition.trainable_variables)
        self.train_function = self.test_function = self.predict_function = None  # traced with Q as it was

    def _add_shares(self, name: str) -> keras.Variable:
        """Of a categorical code's categories among real images, lately; at first the prior's."""
        shares = self.codes[name].probabilities
        return self.add_weight(
            (len(shares),),
            lambda shape, dtype=None: tf.constant(shares, dtype),
            "float32",
            trainable=False,
            name=f"{name}_shares",
            aggregation="mean",
        )

    def _recognition_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        """One update of the recognition network: on dreams, and awake on real images as well."""
        z, c = self.sample(tf.shape(real)[0])
        # Batches that nothing is read from would have a part in the moving statistics.
        dreams = self._only_read(self._views(self.generator([z, c], training=False)))
        seen = [*self._views(real), self._disturbed(real)] if self.wake_weight else []
        variables = self.recognition.trainable_variables
        with tf.GradientTape() as tape:
            parameters = each(self.recognition, *dreams, *seen)
            of_dreams, of_real = parameters[: len(dreams)], parameters[len(dreams) :]
            information = self._choose_views([objectives.pointwise_information(self.codes, c, p) for p in of_dreams])
            objective = -self._weighted(information)
            losses = {}
            if self.wake_weight:
                losses["wake_loss"] = self._wake_loss(of_real)
                objective += self.wake_weight * losses["wake_loss"]
            objective = self.recognition_optimizer.scale_loss(objective / self._num_replicas)
        self.recognition_optimizer.apply(tape.gradient(objective, variables), variables)
        return as_logs(self._record(tf.shape(real)[0], information, **losses))

    def _wake_loss(self, parameters: list[tf.Tensor]) -> tf.Tensor:
        """`wake.loss` of each categorical code, summed; parameters of Q on images, then on their views."""
        strength = self.wake_alignment
        if callable(strength):
            strength = strength(steps_taken(self.recognition_optimizer))
        losses = []
        for name, *logits in zip(self.codes.categorical, *map(self._logits, parameters), strict=True):
            shares = self.category_shares[name]
            found = tf.reduce_mean(tf.nn.softmax(logits[0]), axis=0)
            shares.assign(SHARES_MOMENTUM * shares + (1 - SHARES_MOMENTUM) * found)
            prior = self.codes[name].probabilities
            targets = wake.aligned(logits[0], tf.convert_to_tensor(shares), prior, strength)
            losses.append(wake.loss(targets, *logits))
        return tf.add_n(losses)

    def _disturbed(self, real: tf.Tensor) -> tf.Tensor:
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        direction = own_rows(lambda n: tf.random.stateless_normal([n, *self.image_shape], seed), tf.shape(real)[0])
        return wake.adversarial(
            lambda images: self._logits(self.recognition(images, training=True)), real, direction, self.wake_radius
        )

    def _logits(self, parameters: tf.Tensor) -> list[tf.Tensor]:
        slices = self.codes.split_parameters(parameters)
        return [slices[name] for name in self.codes.categorical]
