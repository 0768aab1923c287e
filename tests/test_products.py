"""Products and their gradients against TensorFlow's plain operations."""

import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import products

PRECISIONS = [("float32", 1e-5), ("bfloat16", 2e-2)]


def normal(*shape, dtype="float32", seed=0):
    return tf.cast(tf.random.stateless_normal(shape, [seed, len(shape)]), dtype)


def value_and_gradients(function, x, kernel):
    """function(x, kernel), and its gradients for a fixed random direction, as float32 arrays."""
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = function(x, kernel)
    gradients = tape.gradient(y, [x, kernel], output_gradients=normal(*y.shape, dtype=y.dtype, seed=5))
    return [tf.cast(tensor, tf.float32).numpy() for tensor in (y, *gradients)]


def assert_same(function, plain, x, kernel, tolerance):
    """`function` in the precision of x agrees with `plain` in float32, and so do its gradients."""
    found = value_and_gradients(function, x, kernel)
    expected = value_and_gradients(plain, tf.cast(x, tf.float32), tf.cast(kernel, tf.float32))
    for value, target in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, target, rtol=0, atol=tolerance * np.abs(target).max())


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_dense(dtype, tolerance):
    assert_same(products.dense, tf.matmul, normal(5, 7, dtype=dtype), normal(7, 3, dtype=dtype), tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("channels", [1, 3, products.MANY_CHANNELS])
@pytest.mark.parametrize(
    ("height", "width", "size", "stride"), [(8, 12, 4, 2), (7, 9, 4, 2), (6, 6, 3, 1), (9, 9, 5, 3)]
)
def test_conv(dtype, tolerance, channels, height, width, size, stride):
    x = normal(3, height, width, channels, dtype=dtype)
    kernel = normal(size, size, channels, 5, dtype=dtype)
    assert_same(
        lambda x, kernel: products.conv(x, kernel, stride),
        lambda x, kernel: tf.nn.conv2d(x, kernel, stride, "SAME"),
        x,
        kernel,
        tolerance,
    )


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("channels", [1, 3, products.MANY_CHANNELS])
@pytest.mark.parametrize(("size", "stride"), [(4, 2), (3, 1), (5, 2), (6, 3)])
def test_upconv(dtype, tolerance, channels, size, stride):
    x = normal(3, 4, 6, 5, dtype=dtype)
    kernel = normal(size, size, channels, 5, dtype=dtype)
    shape = [3, 4 * stride, 6 * stride, channels]
    assert_same(
        lambda x, kernel: products.upconv(x, kernel, stride),
        lambda x, kernel: tf.nn.conv2d_transpose(x, kernel, shape, stride, "SAME"),
        x,
        kernel,
        tolerance,
    )


@pytest.mark.parametrize("product", ["dense", "conv", "upconv"])
def test_gradients_can_be_differentiated(product):
    """The gradient of |d sum(f²) / dx|² with respect to the kernel, as a gradient penalty needs it."""
    if product == "dense":
        function, plain = products.dense, tf.matmul
        x, kernel = normal(5, 7), normal(7, 3)
    elif product == "conv":
        x, kernel = normal(2, 8, 8, 2), normal(4, 4, 2, 3)
        function, plain = (lambda x, k: products.conv(x, k, 2)), (lambda x, k: tf.nn.conv2d(x, k, 2, "SAME"))
    else:
        x, kernel = normal(2, 4, 4, 3), normal(4, 4, 2, 3)
        function = lambda x, k: products.upconv(x, k, 2)  # noqa: E731
        plain = lambda x, k: tf.nn.conv2d_transpose(x, k, [2, 8, 8, 2], 2, "SAME")  # noqa: E731

    def penalty_gradient(function):
        with tf.GradientTape() as outer:
            outer.watch(kernel)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_sum(function(x, kernel) ** 2)
            penalty = tf.reduce_sum(inner.gradient(value, x) ** 2)
        return outer.gradient(penalty, kernel)

    expected = penalty_gradient(plain)
    np.testing.assert_allclose(penalty_gradient(function), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_batch_size_may_be_unknown():
    @tf.function(input_signature=[tf.TensorSpec([None, 4, 4, 3])])
    def gradient(x):
        kernel = normal(4, 4, 1, 3)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = products.upconv(x, kernel, 2)
        assert y.shape.as_list() == [None, 8, 8, 1]
        return tape.gradient(y, x)

    kernel = normal(4, 4, 1, 3)
    np.testing.assert_allclose(
        gradient(normal(5, 4, 4, 3)), tf.nn.conv2d(tf.ones([5, 8, 8, 1]), kernel, 2, "SAME"), rtol=1e-4, atol=1e-4
    )
