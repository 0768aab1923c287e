"""The networks as functional Keras models, from the tables in `architectures`.

    trunk               the layers that D and Q share, from images to features
    discriminator head  FC 1: a logit
    posterior head      the table's rows, then FC: parameters of Q(c|x)
    generator           the table's rows, then upconv 4x4 s2 and a sigmoid: images

Images are [batch, height, width, channels] in [0, 1]. Heads and images are float32 under every precision policy.
`synchronized` batch normalisation takes its statistics over all replicas.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from infogan_tf.architectures import BATCH, SPECTRAL, TABLES, Architecture, Row
from infogan_tf.layers import BatchNormalization, Conv2D, Conv2DTranspose, Dense, LeakyReLU
from infogan_tf.spectral import SpectralConv2D, SpectralDense

Policy = Any  # of precision, as Keras' `dtype` takes it: a name, a `DTypePolicy`, or None for the default
MNIST = TABLES["mnist"]
LEAKY_RELU_SLOPE = 0.1
WEIGHT_STDDEV = 0.02  # N(0, 0.02), as Radford et al. (2016), section 3; the paper does not say


def _relu(x: keras.KerasTensor, dtype: Policy) -> keras.KerasTensor:
    return layers.ReLU(dtype=dtype)(x)


def _leaky_relu(x: keras.KerasTensor, dtype: Policy) -> keras.KerasTensor:
    return LeakyReLU(LEAKY_RELU_SLOPE, dtype=dtype)(x)


def _dense(units: int, dtype: Policy, spectral: bool = False, **kwargs: Any) -> Dense:
    kind = SpectralDense if spectral else Dense
    return kind(units, kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _conv(filters: int, stride: int, dtype: Policy, spectral: bool = False, **kwargs: Any) -> Conv2D:
    kind = SpectralConv2D if spectral else Conv2D
    return kind(filters, 4, stride, padding="same", kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _upconv(filters: int, stride: int, dtype: Policy, **kwargs: Any) -> Conv2DTranspose:
    return Conv2DTranspose(filters, 4, stride, padding="same", kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=WEIGHT_STDDEV)


def _batch_norm(dtype: Policy, synchronized: bool) -> BatchNormalization:
    return BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=synchronized, dtype=dtype)


def _apply(
    rows: tuple[Row, ...],
    x: keras.KerasTensor,
    activation: Callable[[keras.KerasTensor, Policy], keras.KerasTensor],
    dtype: Policy,
    synchronized: bool,
    grid: tuple[int, int] = (1, 1),
) -> keras.KerasTensor:
    """The rows of a table, one after another; "maps" are of size `grid`."""
    for row in rows:
        options = {"dtype": dtype, "use_bias": row.norm != BATCH}
        if row.norm == SPECTRAL:
            options["spectral"] = True
        if row.kind == "conv":
            x = _conv(row.units, row.stride, **options)(x)
        elif row.kind == "upconv":
            x = _upconv(row.units, row.stride, **options)(x)
        else:
            units = row.units * (math.prod(grid) if row.kind == "maps" else 1)
            x = _dense(units, **options)(_flat(x, dtype))
        if row.norm == BATCH:
            x = _batch_norm(dtype, synchronized)(x)
        x = activation(x, dtype)
        if row.kind == "maps":
            x = layers.Reshape((*grid, row.units), dtype=dtype)(x)
    return x


def _flat(x: keras.KerasTensor, dtype: Policy) -> keras.KerasTensor:
    return x if len(x.shape) == 2 else layers.Flatten(dtype=dtype)(x)


def build_generator(
    noise_size: int,
    code_size: int,
    image_shape: tuple[int, int, int],
    dtype: Policy = None,
    synchronized: bool = False,
    table: Architecture = MNIST,
) -> keras.Model:
    """G(z, c): [batch, noise_size], [batch, code_size] -> images [batch, *image_shape] in [0, 1].

    Raises:
        ValueError: Upconvs cannot make images of this size.
    """
    height, width, channels = image_shape
    factor = 2 * math.prod(row.stride for row in table.generator)
    if height % factor or width % factor:
        raise ValueError(f"image height and width must be multiples of {factor}, got image_shape={tuple(image_shape)}")
    z = keras.Input((noise_size,), name="z")
    c = keras.Input((code_size,), name="c")
    x = layers.Concatenate(dtype=dtype)([z, c])
    x = _apply(table.generator, x, _relu, dtype, synchronized, (height // factor, width // factor))
    x = _upconv(channels, 2, dtype)(x)
    x = layers.Activation("sigmoid", dtype="float32", name="image")(x)
    return keras.Model([z, c], x, name="generator")


def build_trunk(
    image_shape: tuple[int, int, int], dtype: Policy = None, synchronized: bool = False, table: Architecture = MNIST
) -> keras.Model:
    """The layers that D and Q share: images [batch, *image_shape] in [0, 1] -> features [batch, any]."""
    image = keras.Input(image_shape, name="x")
    x = _apply(table.trunk, image, _leaky_relu, dtype, synchronized)
    return keras.Model(image, _flat(x, dtype), name="trunk")


def build_discriminator_head(num_features: int, table: Architecture = MNIST) -> keras.Model:
    """Features [batch, num_features] -> logit of D(x), [batch, 1]."""
    features = keras.Input((num_features,), name="features")
    logit = _dense(1, "float32", table.logit_norm == SPECTRAL, name="logit")(features)
    return keras.Model(features, logit, name="discriminator_head")


def build_posterior_head(
    num_features: int,
    num_parameters: int,
    dtype: Policy = None,
    synchronized: bool = False,
    table: Architecture = MNIST,
) -> keras.Model:
    """Features [batch, num_features] -> parameters of Q(c|x), [batch, num_parameters]."""
    features = keras.Input((num_features,), name="features")
    x = _apply(table.posterior_head, features, _leaky_relu, dtype, synchronized)
    parameters = _dense(num_parameters, "float32", name="parameters")(x)
    return keras.Model(features, parameters, name="posterior_head")


def build_contrast_head(
    num_features: int, num_factors: int, dtype: Policy = None, synchronized: bool = False
) -> keras.Model:
    """Features of two images [batch, num_features] each -> logits of which factor their codes share.

    What two images have in common shows in what does not differ: each passes the same layer, and the absolute
    difference goes on.
    """
    a, b = keras.Input((num_features,), name="a"), keras.Input((num_features,), name="b")
    project = _dense(128, dtype, use_bias=False)
    x = keras.ops.abs(project(a) - project(b))
    x = _dense(128, dtype, use_bias=False)(x)
    x = _leaky_relu(_batch_norm(dtype, synchronized)(x), dtype)
    return keras.Model([a, b], _dense(num_factors, "float32", name="shared")(x), name="contrast_head")


def build_recognition(trunk: keras.Model, posterior_head: keras.Model, seed: int) -> keras.Model:
    """A new network of the layers of Q, sharing none: images -> parameters of Q(c|x)."""
    state = random.getstate()
    random.seed(seed)  # where Keras takes the seeds of initializers from that have none
    try:
        clones = [keras.models.clone_model(network) for network in (trunk, posterior_head)]
    finally:
        random.setstate(state)
    image = x = keras.Input(trunk.input_shape[1:], name="x")
    for name, clone in zip(("trunk", "posterior_head"), clones, strict=True):
        x = keras.Model(clone.inputs, clone.outputs, name=name)(x)
    return keras.Model(image, x, name="recognition")
