"""The paper's MNIST networks (Chen et al., 2016, appendix C.1, table 1), as functional Keras models.

    trunk               conv 64 4x4 s2 lReLU; conv 128 4x4 s2 BN lReLU; FC 1024 BN lReLU      shared by D and Q
    discriminator head  FC 1                                                                  a logit
    posterior head      FC 128 BN lReLU; FC                                                   parameters of Q(c|x)
    generator           FC 1024 BN ReLU; FC h/4*w/4*128 BN ReLU; upconv 64 4x4 s2 BN ReLU; upconv 4x4 s2

Images are [batch, height, width, channels] in [0, 1]; height and width must be multiples of 4. Heads and images are
float32 under every precision policy. `synchronized` batch normalisation takes its statistics over all replicas.
"""

from __future__ import annotations

import keras
from keras import layers

from infogan_tf.layers import BatchNormalization, Conv2D, Conv2DTranspose, Dense

LEAKY_RELU_SLOPE = 0.1
WEIGHT_STDDEV = 0.02  # N(0, 0.02), as Radford et al. (2016), section 3; the paper does not say


def _leaky_relu(x, dtype):
    return layers.LeakyReLU(LEAKY_RELU_SLOPE, dtype=dtype)(x)


def _dense(units: int, dtype, **kwargs) -> Dense:
    return Dense(units, kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _conv(filters: int, dtype, **kwargs) -> Conv2D:
    """Halves height and width."""
    return Conv2D(filters, 4, 2, padding="same", kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _upconv(filters: int, dtype, **kwargs) -> Conv2DTranspose:
    """Doubles height and width."""
    return Conv2DTranspose(filters, 4, 2, padding="same", kernel_initializer=_initializer(), dtype=dtype, **kwargs)


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=WEIGHT_STDDEV)


def _batch_norm(dtype, synchronized: bool) -> BatchNormalization:
    return BatchNormalization(momentum=0.9, epsilon=1e-5, synchronized=synchronized, dtype=dtype)


def build_generator(
    noise_size: int, code_size: int, image_shape: tuple[int, int, int], dtype=None, synchronized: bool = False
) -> keras.Model:
    """G(z, c): [batch, noise_size], [batch, code_size] -> images [batch, *image_shape] in [0, 1]."""
    height, width, channels = image_shape
    if height % 4 or width % 4:
        raise ValueError(f"image height and width must be multiples of 4, got image_shape={tuple(image_shape)}")
    z = keras.Input((noise_size,), name="z")
    c = keras.Input((code_size,), name="c")
    x = layers.Concatenate(dtype=dtype)([z, c])
    x = _dense(1024, dtype, use_bias=False)(x)
    x = layers.ReLU(dtype=dtype)(_batch_norm(dtype, synchronized)(x))
    x = _dense(height // 4 * (width // 4) * 128, dtype, use_bias=False)(x)
    x = layers.ReLU(dtype=dtype)(_batch_norm(dtype, synchronized)(x))
    x = layers.Reshape((height // 4, width // 4, 128), dtype=dtype)(x)
    x = _upconv(64, dtype, use_bias=False)(x)
    x = layers.ReLU(dtype=dtype)(_batch_norm(dtype, synchronized)(x))
    x = _upconv(channels, dtype)(x)
    x = layers.Activation("sigmoid", dtype="float32", name="image")(x)
    return keras.Model([z, c], x, name="generator")


def build_trunk(image_shape: tuple[int, int, int], dtype=None, synchronized: bool = False) -> keras.Model:
    """The layers that D and Q share: images [batch, *image_shape] in [0, 1] -> features [batch, 1024]."""
    image = keras.Input(image_shape, name="x")
    x = _conv(64, dtype)(image)
    x = _leaky_relu(x, dtype)
    x = _conv(128, dtype, use_bias=False)(x)
    x = _leaky_relu(_batch_norm(dtype, synchronized)(x), dtype)
    x = layers.Flatten(dtype=dtype)(x)
    x = _dense(1024, dtype, use_bias=False)(x)
    x = _leaky_relu(_batch_norm(dtype, synchronized)(x), dtype)
    return keras.Model(image, x, name="trunk")


def build_discriminator_head(num_features: int) -> keras.Model:
    """Features [batch, num_features] -> logit of D(x), [batch, 1]."""
    features = keras.Input((num_features,), name="features")
    logit = _dense(1, "float32", name="logit")(features)
    return keras.Model(features, logit, name="discriminator_head")


def build_posterior_head(num_features: int, num_parameters: int, dtype=None, synchronized: bool = False) -> keras.Model:
    """Features [batch, num_features] -> parameters of Q(c|x), [batch, num_parameters]."""
    features = keras.Input((num_features,), name="features")
    x = _dense(128, dtype, use_bias=False)(features)
    x = _leaky_relu(_batch_norm(dtype, synchronized)(x), dtype)
    parameters = _dense(num_parameters, "float32", name="parameters")(x)
    return keras.Model(features, parameters, name="posterior_head")


def build_contrast_head(num_features: int, num_factors: int, dtype=None, synchronized: bool = False) -> keras.Model:
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
