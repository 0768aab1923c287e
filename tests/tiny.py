"""Every part of an InfoGAN with a few thousand weights: dense networks on 8x8 images, a code of each kind."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
from keras import layers
from tensorflow.python.framework import config

from infogan_tf.code_spec import CodeSpec
from infogan_tf.layers import BatchNormalization
from infogan_tf.model import InfoGAN

IMAGE_SHAPE = (8, 8, 1)
NOISE_SIZE = 4
CODES = "digit:categorical(3),slant:uniform,style:gaussian(2),flags:bernoulli(2),angle:circular"


def networks(codes: str = CODES, dtype: str | None = None, batch_norm: str = "local") -> dict[str, keras.Model]:
    """InfoGAN's four networks, batch normalisation ("local", "synchronized" or "none") in each but D's head."""
    spec = CodeSpec.parse(codes)

    def hidden(units: int, x):
        x = layers.Dense(units, use_bias=False, dtype=dtype)(x)
        if batch_norm != "none":
            x = BatchNormalization(momentum=0.9, synchronized=batch_norm == "synchronized", dtype=dtype)(x)
        return layers.LeakyReLU(0.1, dtype=dtype)(x)

    z, c = keras.Input((NOISE_SIZE,), name="z"), keras.Input((spec.size,), name="c")
    pixels = layers.Dense(64, "sigmoid", dtype="float32")(hidden(16, layers.Concatenate(dtype=dtype)([z, c])))
    x, features = keras.Input(IMAGE_SHAPE), keras.Input((12,))
    return {
        "generator": keras.Model([z, c], layers.Reshape(IMAGE_SHAPE, dtype="float32")(pixels)),
        "trunk": keras.Model(x, hidden(12, layers.Flatten(dtype=dtype)(x))),
        "discriminator_head": keras.Model(features, layers.Dense(1, dtype="float32")(features)),
        "posterior_head": keras.Model(
            features, layers.Dense(spec.num_parameters, dtype="float32")(hidden(8, features))
        ),
    }


def model(codes: str = CODES, *, seed: int = 0, dtype: str | None = None, **compile_arguments) -> InfoGAN:
    """A compiled InfoGAN; the same seed gives the same weights."""
    keras.utils.set_random_seed(seed)
    infogan = InfoGAN(codes, IMAGE_SHAPE, NOISE_SIZE, **networks(codes, dtype), seed=seed, dtype=dtype)
    infogan.compile(**compile_arguments)
    return infogan


def images(n: int, seed: int = 0) -> np.ndarray:
    """float32 [n, 8, 8, 1] in [0, 1]."""
    return np.random.default_rng(seed).random((n, *IMAGE_SHAPE), np.float32)


def values(variables) -> list[np.ndarray]:
    return [variable.numpy() for variable in variables]


@contextlib.contextmanager
def determinism() -> Iterator[None]:
    """Operations give the same bits every time, so that runs can be compared exactly."""
    config.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()
