"""What a trained InfoGAN is for: images from codes, and codes from images."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from infogan_tf import validation
from infogan_tf.distribution import own_rows


class Inference:
    """The part of `InfoGAN` that is used after training."""

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor | None = None) -> tuple[tf.Tensor, tf.Tensor]:
        """Z ~ N(0, I) [n, noise_size] and c ~ P(c) [n, code_size], float32; `seed` is a stateless seed of 2."""
        if seed is None:
            seed = self.seed_generator.next()
        noise_seed, code_seed = tf.unstack(tf.random.split(tf.cast(seed, tf.int32)))

        def draw(n: int | tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.random.stateless_normal([n, self.noise_size], noise_seed), self.codes.sample(n, code_seed)

        return own_rows(draw, n)

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """`infer_code` as a layer call, so that `predict` works."""
        return self.codes.infer(self.posterior_parameters(images, training))

    def generate(self, z: Any = None, c: Any = None, *, n: int | None = None, seed: int | None = None) -> tf.Tensor:
        """Images G(z, c) in inference mode.

        Args:
            z: Noise [n, noise_size], float32; default: drawn from N(0, I).
            c: Flat codes [n, code_size], float32; default: drawn from P(c).
            n: How many, where neither z nor c says so; default 1.
            seed: For what is drawn; default: the model's own seed generator.

        Returns:
            float32 [n, height, width, channels] in [0, 1].

        Raises:
            ValueError: z or c has another shape.
        """
        z = None if z is None else validation.as_matrix("z", z, self.noise_size)
        c = None if c is None else validation.as_matrix("c", c, self.codes.size)
        n = validation.batch_size(z, c, n)
        if z is None or c is None:
            drawn = self.sample(n, None if seed is None else tf.constant([0, seed]))
            z, c = (own if given is None else given for given, own in zip((z, c), drawn, strict=True))
        return tf.cast(self.generator([z, c], training=False), tf.float32)

    def infer_code(self, images: Any) -> dict[str, tf.Tensor]:
        """Q(c|x) in inference mode for images [n, height, width, channels] in [0, 1].

        Codes with a view that normalises are read through it, as in training (`RandomView`: centre, fill, blur).

        Returns:
            float32: `code` [n, code_size], the point estimate as a flat code, and for each code `NAME_probs`
            [n, size], or `NAME_mean` and `NAME_stddev` [n, dim] (circular: angle `NAME_mean` and
            `NAME_concentration` [n, 1]).

        Raises:
            ValueError: Another shape than `image_shape`, or values outside [0, 1].
        """
        images = np.asarray(images, np.float32)
        validation.check_images(images, self.image_shape)
        return self(images, training=False)
