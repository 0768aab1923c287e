"""Keras' batch normalisation through TensorFlow's fused kernel."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("infogan_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the last axis, the same state, as one kernel forward and one back.

    Keras composes it from elementwise operations in float32, several passes over each activation. The kernel reads
    bfloat16 and float16 activations as they are and keeps statistics in float32. The moving variance takes the
    unbiased estimate, as cuDNN does, where Keras takes the biased one.
    """

    def call(self, inputs, training=None, mask=None):
        shape = tf.shape(inputs)
        x = inputs if inputs.shape.rank == 4 else tf.reshape(inputs, [-1, 1, 1, inputs.shape[-1]])
        training = bool(training) and self.trainable
        statistics = {} if training else {"mean": self.moving_mean.value, "variance": self.moving_variance.value}
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x, self.gamma, self.beta, epsilon=self.epsilon, is_training=training, **statistics
        )
        if training:
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return tf.reshape(outputs, shape)
