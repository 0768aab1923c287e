"""Keras' Adam with its update as one kernel, a learning rate that falls at the end, and an optimizer as a clock."""

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.amsgrad:
            raise ValueError("amsgrad is not offered; use keras.optimizers.Adam")

    def update_step(self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor) -> None:
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


@keras.saving.register_keras_serializable("infogan_tf")
class FallingRate(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that falls in a straight line to 0 at the end of a training, so that its noise dies away.

    Args:
        rate: Before the fall.
        end: The step at which it would be 0, the first being 0.
        length: Steps of the fall; at most `end` count.
    """

    def __init__(self, rate: float, end: int, length: int) -> None:
        self.rate, self.end, self.length = rate, end, length

    def __call__(self, step: tf.Tensor | int) -> tf.Tensor:
        left = (self.end - tf.cast(step, tf.float32)) / max(min(self.length, self.end), 1)
        return self.rate * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {"rate": self.rate, "end": self.end, "length": self.length}


def steps_taken(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """Training steps, of which gradient accumulation makes one update out of several, as float32."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # LossScaleOptimizer knows nothing of it
    return tf.cast(inner.iterations, tf.float32) * (inner.gradient_accumulation_steps or 1)
