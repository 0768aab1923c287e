"""Spectral normalisation (Miyato et al., 2018): layers that compute with W / σ(W), σ the largest singular value."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from infogan_tf.layers import Conv2D, Dense


class _Spectral:
    """Makes a layer of products use W / σ(W), W being its kernel as a matrix [everything else, outputs].

    σ = vᵀ W u, its singular vectors by a step of the power iteration at each call; while training, u is kept for the
    next. The vectors are constants to the gradient, which is then that of σ itself: dσ/dW = v uᵀ. The kernel is trained
    as it is and never overwritten. All this is in float32 under every policy.
    """

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        return super().add_weight(*args, **{**kwargs, "autocast": False})

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        super().build(input_shape)
        self.u = self.add_weight(
            name="u",
            shape=(self.kernel.shape[-1],),
            initializer="random_normal",
            trainable=False,
            aggregation="only_first_replica",  # they all find the same
        )

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        return self.product(inputs, tf.cast(self.normalized_kernel(bool(training)), inputs.dtype))

    def normalized_kernel(self, training: bool = False) -> tf.Tensor:
        """W / σ(W), in the kernel's shape."""
        kernel, u = tf.convert_to_tensor(self.kernel), tf.convert_to_tensor(self.u)
        matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
        fixed = tf.stop_gradient(matrix)
        v = _unit(tf.linalg.matvec(fixed, u))
        u = _unit(tf.linalg.matvec(fixed, v, transpose_a=True))
        if training:
            self.u.assign(u)
        return kernel / tf.tensordot(v, tf.linalg.matvec(matrix, u), 1)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Keras' layers of products save kernel and bias alone."""
        super().save_own_variables(store)
        store["u"] = self.u

    def load_own_variables(self, store: dict[str, Any]) -> None:
        super().load_own_variables(store)
        self.u.assign(store["u"])


def _unit(vector: tf.Tensor) -> tf.Tensor:
    return vector / tf.norm(vector)


@keras.saving.register_keras_serializable("infogan_tf")
class SpectralDense(_Spectral, Dense):
    """`Dense` with spectral normalisation."""


@keras.saving.register_keras_serializable("infogan_tf")
class SpectralConv2D(_Spectral, Conv2D):
    """`Conv2D` with spectral normalisation."""
