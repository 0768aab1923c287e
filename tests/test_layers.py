"""Layers against Keras' own, and several batches in one pass against one after another."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import architectures, layers, networks
from infogan_tf.layers import BatchNormalization, Conv2D, Conv2DTranspose, Dense, LeakyReLU, each

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


@pytest.mark.parametrize(
    ("kind", "arguments", "shape"),
    [
        (Dense, {"units": 3}, (4, 6)),
        (Conv2D, {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"}, (2, 8, 8, 2)),
        (Conv2DTranspose, {"filters": 1, "kernel_size": 4, "strides": 2, "padding": "same"}, (2, 4, 4, 3)),
    ],
    ids=["dense", "conv", "upconv"],
)
@pytest.mark.parametrize("activation", [None, "tanh"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_layer_of_products_is_keras(kind, arguments, shape, activation, use_bias):
    arguments = {**arguments, "activation": activation, "use_bias": use_bias, "bias_initializer": "random_normal"}
    layer, theirs = kind(**arguments), kind.__base__(**arguments)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    layer.build(shape)
    theirs.build(shape)
    theirs.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), theirs(x), rtol=1e-4, atol=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is kind


@pytest.mark.parametrize("kind", [Dense, Conv2D, Conv2DTranspose])
def test_a_bias_in_half_precision_gets_all_of_its_gradient(kind):
    """Of the sum of all outputs: their number, here 2^15, to which bfloat16 cannot count."""
    convolution = {"kernel_size": 3, "padding": "same"} if kind is not Dense else {}
    layer = kind(2, dtype="mixed_bfloat16", **convolution)
    x = tf.zeros([2**15, 3] if kind is Dense else [8, 64, 64, 3])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(tf.cast(layer(x), tf.float32))
    np.testing.assert_array_equal(tape.gradient(total, layer.bias.value), [2**15, 2**15])


def test_leaky_relu_is_keras():
    layer, x = LeakyReLU(0.3), np.float32([[-1.0, 0.0, 2.0]])
    np.testing.assert_array_equal(layer(x), keras.layers.LeakyReLU(0.3)(x))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert (type(again), again.negative_slope) == (LeakyReLU, layer.negative_slope)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_gradients_of_leaky_relu(dtype):
    """Its value, its gradient and the gradient's, also where x is 0 and where slope times x is less than any number."""
    tiny = np.finfo(np.float32).tiny
    x, v = tf.constant([-3.0, -1e-3, -tiny, 0.0, tiny, 2.0], dtype), tf.range(6, dtype=dtype)

    def found(function):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = function(x) ** 2
            gradient = inner.gradient(y, x, output_gradients=v)
        return [y, gradient, outer.gradient(gradient, x)]

    expected = found(lambda x: tf.nn.leaky_relu(x, 0.1))
    for value, target in zip(found(LeakyReLU(0.1, dtype=dtype)), expected, strict=True):
        np.testing.assert_array_equal(tf.cast(value, tf.float32), tf.cast(target, tf.float32))


def steps_of_a_trunk(pass_batches):
    """Features, gradients and moving statistics of a new trunk after passing two batches."""
    keras.utils.set_random_seed(0)
    trunk = networks.build_trunk((8, 8, 1))
    rng = np.random.default_rng(0)
    batches = [rng.random((6, 8, 8, 1), np.float32) * scale for scale in (1, 0.3)]
    with tf.GradientTape() as tape:
        features = pass_batches(trunk, *batches)
        loss = tf.reduce_sum(features[0] ** 2) - tf.reduce_sum(features[1])
    gradients = tape.gradient(loss, trunk.trainable_variables)
    return [*features, *gradients, *(variable.value for variable in trunk.non_trainable_variables)]


def test_batches_in_one_pass_are_batches_one_after_another():
    together = steps_of_a_trunk(each)
    apart = steps_of_a_trunk(lambda trunk, *batches: [trunk(batch, training=True) for batch in batches])
    assert len(together) == len(apart)
    for value, expected in zip(together, apart, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5)


def test_statistics_are_shared_again_afterwards():
    trunk = networks.build_trunk((8, 8, 1))
    x = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    expected = trunk(x, training=True)
    each(trunk, x[:3], x[3:])
    np.testing.assert_array_equal(trunk(x, training=True), expected)


def test_a_network_that_looks_across_images_gets_batches_one_after_another():
    sizes = []

    class AcrossImages(keras.layers.Layer):
        def call(self, x):
            sizes.append(x.shape[0])
            return x - tf.reduce_mean(x, axis=0)

    x = keras.Input((3,))
    network = keras.Model(x, AcrossImages()(x))
    sizes.clear()
    first, second = np.ones((2, 3), np.float32), np.full((2, 3), 5, np.float32)
    for output in each(network, first, second):
        np.testing.assert_array_equal(output, np.zeros((2, 3)))
    assert sizes == [2, 2]


def test_an_operation_without_a_layer_may_look_across_images_too():
    x = keras.Input((3,))
    inner = keras.Model(x, x - keras.ops.mean(x, axis=0, keepdims=True))
    network = keras.Model(x, keras.layers.ReLU()(inner(x)))
    for output in each(network, np.ones((2, 3), np.float32), np.full((2, 3), 5, np.float32)):
        np.testing.assert_array_equal(output, np.zeros((2, 3)))


@pytest.mark.parametrize("architecture", architectures.NAMES)
def test_the_projects_own_networks_pass_once(architecture):
    size = 64 if architecture in ("chairs", "sprites") else 32 if architecture != "mnist" else 28
    table = architectures.get(architecture, (size, size, 1))
    trunk = networks.build_trunk((size, size, 1), table=table)
    head = networks.build_posterior_head(trunk.output_shape[-1], 3, table=table)
    for network in (trunk, head, networks.build_recognition(trunk, head, seed=0)):
        assert layers._sees_images_alone(network)
