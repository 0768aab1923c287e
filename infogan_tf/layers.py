"""Keras' layers with the same weights and values, through faster kernels of TensorFlow."""

from __future__ import annotations

import contextvars
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import layers

from infogan_tf import products


@keras.saving.register_keras_serializable("infogan_tf")
class Dense(layers.Dense):
    """`keras.layers.Dense` for [batch, features]."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return self.product(inputs, tf.convert_to_tensor(self.kernel))

    def product(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return _finish(self, products.dense(inputs, kernel))


@keras.saving.register_keras_serializable("infogan_tf")
class Conv2D(layers.Conv2D):
    """`keras.layers.Conv2D` with padding "same" and one stride for both axes."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self.product(inputs, tf.convert_to_tensor(self.kernel))

    def product(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return _finish(self, products.conv(inputs, kernel, self.strides[0]))


@keras.saving.register_keras_serializable("infogan_tf")
class Conv2DTranspose(layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with padding "same" and one stride for both axes."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return _finish(self, products.upconv(inputs, tf.convert_to_tensor(self.kernel), self.strides[0]))


@keras.saving.register_keras_serializable("infogan_tf")
class LeakyReLU(layers.LeakyReLU):
    """`keras.layers.LeakyReLU` whose gradient is taken from its output, which has the sign of its input.

    TensorFlow then can fuse it with what comes before it; where the gradient needs the input, TensorFlow logs as an
    error that it has failed to.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def activation(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
            y = tf.nn.leaky_relu(x, self.negative_slope)

            def gradient(dy: tf.Tensor) -> tf.Tensor:
                return tf.raw_ops.LeakyReluGrad(gradients=dy, features=y, alpha=self.negative_slope)

            return y, gradient

        return activation(inputs)


def _finish(layer: layers.Layer, outputs: tf.Tensor) -> tf.Tensor:
    if layer.use_bias:
        outputs = products.add_bias(outputs, tf.cast(tf.convert_to_tensor(layer.bias), outputs.dtype))
    return outputs if layer.activation is None else layer.activation(outputs)


@keras.saving.register_keras_serializable("infogan_tf")
class BatchNormalization(layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, the same state, as one kernel forward and one back.

    Keras composes it from elementwise operations in float32, several passes over each activation. The kernel reads
    bfloat16 and float16 activations as they are and keeps statistics in float32. The moving variance takes the
    unbiased estimate, as cuDNN does, where Keras takes the biased one. With `synchronized` it is Keras' own, statistics
    being those of all replicas.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None) -> tf.Tensor:
        training = bool(training) and self.trainable
        parts = tf.split(inputs, _parts.get()) if training else [inputs]
        outputs = [self._normalize(part, training) for part in parts]
        return tf.concat(outputs, axis=0) if len(parts) > 1 else outputs[0]

    def _normalize(self, inputs: tf.Tensor, training: bool) -> tf.Tensor:
        if training and self.synchronized:
            return super().call(inputs, training=True)
        x = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, [-1, 1, 1, inputs.shape[-1]])
        statistics = {} if training else {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma, self.beta, epsilon=self.epsilon, is_training=training, **statistics
        )
        if training:
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return tf.reshape(outputs, tf.shape(inputs))


_parts = contextvars.ContextVar("parts of equal size in a batch, each with statistics of its own", default=1)
_OF_EACH_IMAGE = (
    *(BatchNormalization, layers.Dense, layers.Conv2D, layers.Conv2DTranspose, layers.UpSampling2D),
    *(layers.ReLU, layers.LeakyReLU, layers.Activation, layers.Flatten, layers.Reshape, layers.InputLayer),
)


def each(network: keras.Model, *batches: tf.Tensor) -> list[tf.Tensor]:
    """`[network(batch, training=True) for batch in batches]` for batches of equal size, each with its own statistics.

    In one pass, which makes the products larger and their gradients one, unless the network has a layer, or another
    operation, that might look across images in a way of its own.
    """
    if len(batches) == 1 or not _sees_images_alone(network):
        return [network(batch, training=True) for batch in batches]
    token = _parts.set(len(batches))
    try:
        return tf.split(network(tf.concat(batches, axis=0), training=True), len(batches))
    finally:
        _parts.reset(token)


def _sees_images_alone(operation: keras.Operation) -> bool:
    """Whether only batch normalisation, if anything in it, looks from one image of a batch to another."""
    inner = getattr(operation, "operations", None) or getattr(operation, "layers", None)
    if inner and isinstance(operation, keras.Model):
        return all(map(_sees_images_alone, inner))
    return isinstance(operation, _OF_EACH_IMAGE)
