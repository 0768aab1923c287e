"""Keras' Adam with its update as one kernel."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("infogan_tf")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam`, the same formula and state, through TensorFlow's fused kernel.

    Keras writes the update as a dozen elementwise operations, each of which reads and writes whole tensors; for a
    GAN's large dense layers that is bound by memory. The kernel passes once.

    Raises:
        ValueError: `amsgrad` is asked for; the kernel does not have it.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("amsgrad is not offered; use keras.optimizers.Adam")

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=tf.cast(self.beta_1, variable.dtype),
            beta2=tf.cast(self.beta_2, variable.dtype),
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=tf.cast(gradient, variable.dtype),
            use_locking=False,
            use_nesterov=False,
        )
