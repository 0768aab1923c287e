"""Information between codes and images, in nats: L_I on fresh samples, and what Q finds in real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from scipy import special

from infogan_tf import objectives

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def generated_information(
    model: InfoGAN, samples: int = 10_000, batch_size: int = 500, seed: int = 0
) -> dict[str, float]:
    """The bound on I(c; G(z,c)) for each code, networks in inference mode, averaged over `samples` draws.

    Raises:
        ValueError: `samples` is no multiple of `batch_size`.
    """
    if samples < 1 or samples % batch_size:
        raise ValueError(f"samples must be a multiple of batch_size {batch_size}, got {samples}")

    @tf.function
    def batch(index: tf.Tensor) -> list[tf.Tensor]:
        z, c = model.sample(batch_size, tf.stack([index, seed]))
        parameters = model.posterior_parameters(model.generator([z, c], training=False))
        information = objectives.information(model.codes, c, parameters)
        return list(information.values())

    batches = [batch(tf.constant(index)) for index in range(samples // batch_size)]
    means = np.mean(batches, axis=0)
    return {code.name: float(mean) for code, mean in zip(model.codes, means, strict=True)}


def real_information(probs: np.ndarray) -> float:
    """I(c; x) = H(mean Q) - mean H(Q) on real images, as Q sees it, without labels.

    It is 0 if Q says the same of every image, and ln K if Q is sure of each one and all K categories are as frequent.

    Args:
        probs: Q(c|x) of a categorical code [n, K], one row for each image.
    """
    probs = np.asarray(probs, np.float64)
    return float(special.entr(probs.mean(axis=0)).sum() - special.entr(probs).sum(axis=1).mean())
