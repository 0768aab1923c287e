"""L_I of each code on fresh samples, in nats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from infogan_tf import objectives

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def generated_information(
    model: InfoGAN, samples: int = 10_000, batch_size: int = 500, seed: int = 0
) -> dict[str, float]:
    """The bound on I(c; G(z,c)) for each code, networks in inference mode, averaged over `samples` draws."""

    @tf.function
    def batch(index: tf.Tensor) -> list[tf.Tensor]:
        z, c = model.sample(batch_size, tf.stack([index, seed]))
        parameters = model.posterior_parameters(model.generator([z, c], training=False))
        information = objectives.information(model.codes, c, parameters)
        return list(information.values())

    batches = [batch(tf.constant(index)) for index in range(max(samples // batch_size, 1))]
    means = np.mean(batches, axis=0)
    return {code.name: float(mean) for code, mean in zip(model.codes, means, strict=True)}
