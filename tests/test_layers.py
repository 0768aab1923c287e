"""The fused batch normalisation against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.layers import BatchNormalization

SHAPES = [(16, 5), (4, 3, 3, 5)]


def pair(shape):
    """This layer and Keras', with the same random state, and an input."""
    rng = np.random.default_rng(0)
    layers = [kind(momentum=0.9, epsilon=1e-3) for kind in (BatchNormalization, keras.layers.BatchNormalization)]
    state = [rng.uniform(0.5, 2, shape[-1]).astype(np.float32) for _ in range(4)]
    for layer in layers:
        layer.build((None, *shape[1:]))
        layer.set_weights(state)
    return *layers, rng.normal(1, 3, shape).astype(np.float32)


def outputs_and_gradients(layer, x, training):
    x = tf.Variable(x)
    weights = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    with tf.GradientTape() as tape:
        y = layer(x, training=training)
        loss = tf.reduce_sum(y**3 * weights)
    return y.numpy(), [g.numpy() for g in tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_outputs_and_gradients_are_keras(shape, training):
    ours, theirs, x = pair(shape)
    y, gradients = outputs_and_gradients(ours, x, training)
    expected_y, expected_gradients = outputs_and_gradients(theirs, x, training)
    np.testing.assert_allclose(y, expected_y, rtol=1e-5, atol=1e-5)
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_moving_statistics(shape):
    """The mean as in Keras; the variance from the unbiased estimate, n / (n - 1) times Keras' one."""
    ours, theirs, x = pair(shape)
    before = theirs.moving_variance.numpy()
    for layer in (ours, theirs):
        layer(x, training=True)
    np.testing.assert_allclose(ours.moving_mean, theirs.moving_mean, rtol=1e-5)
    n = x.size // x.shape[-1]
    added = (theirs.moving_variance.numpy() - 0.9 * before) * n / (n - 1)
    np.testing.assert_allclose(ours.moving_variance, 0.9 * before + added, rtol=1e-5)
    np.testing.assert_allclose(added, 0.1 * x.reshape(-1, x.shape[-1]).var(axis=0, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("frozen", [True, False])
def test_inference_and_frozen_layers_leave_the_statistics(frozen):
    layer, _, x = pair(SHAPES[0])
    layer.trainable = not frozen
    before = layer.moving_mean.numpy(), layer.moving_variance.numpy()
    y = layer(x, training=frozen)
    np.testing.assert_array_equal(layer.moving_mean, before[0])
    np.testing.assert_array_equal(layer.moving_variance, before[1])
    scale = layer.gamma.numpy() / np.sqrt(before[1] + 1e-3)
    np.testing.assert_allclose(y, (x - before[0]) * scale + layer.beta.numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_half_precision_keeps_float32_statistics(policy, shape):
    layer = BatchNormalization(momentum=0.0, dtype=policy)
    x = np.random.default_rng(0).normal(0.5, 1, shape).astype(np.float32)
    y = layer(x, training=True)
    assert y.dtype == policy.removeprefix("mixed_")
    assert layer.moving_mean.dtype == "float32"
    seen = tf.cast(tf.cast(x, y.dtype), tf.float32).numpy().reshape(-1, shape[-1])
    np.testing.assert_allclose(layer.moving_mean, seen.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, seen.var(axis=0, ddof=1), rtol=1e-4)


def test_config_round_trip():
    layer = BatchNormalization(momentum=0.8, epsilon=1e-4)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is BatchNormalization
    assert (again.momentum, again.epsilon) == (0.8, 1e-4)
