"""Floating-point operations of one training step, counted from the layers' shapes."""

from __future__ import annotations

import math

import keras

from infogan_tf import InfoGAN


def step_flops(model: InfoGAN, batch_size: int) -> int:
    """Multiplications and additions in dense and convolution layers of one step; all else is left out.

    A layer costs the same three times: forward, gradient of the weights, gradient of the input (which the first layer
    of a network does not need where nothing asks for it).

        generator   forward, weights, input                            (one pass, used by both updates)
        D's step    real and generated: forward, weights, input
        G/Q step    trunk and D's head: forward, input;  Q's head: forward, weights, input
        augmented   the same again without D's head
    """
    generator, trunk = _forward(model.generator), _forward(model.trunk)
    head, posterior = sum(_forward(model.discriminator_head)), sum(_forward(model.posterior_head))
    generator_pass = 3 * sum(generator) - generator[0]
    discriminator_step = 2 * (3 * (sum(trunk) + head) - trunk[0])
    reading = 2 * sum(trunk) + 3 * posterior
    joint_step = 2 * head + reading * (2 if model.augmentation else 1)
    return batch_size * (generator_pass + discriminator_step + joint_step)


def _forward(network: keras.Model) -> list[int]:
    """Operations of each dense and convolution layer for one image, first layer first."""
    counts = []
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dense):
            counts.append(2 * math.prod(layer.kernel.shape))
        elif isinstance(layer, keras.layers.Conv2DTranspose):  # the kernel meets every input position
            counts.append(2 * math.prod(layer.kernel.shape) * math.prod(layer.input.shape[1:3]))
        elif isinstance(layer, keras.layers.Conv2D):  # the kernel meets every output position
            counts.append(2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3]))
    return counts
