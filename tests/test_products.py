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
    ("height", "width", "size", "stride"), [(8, 12, 4, 2), (7, 9, 4, 2), (7, 8, 4, 2), (6, 6, 3, 1), (9, 9, 5, 3)]
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


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
@pytest.mark.parametrize("batch_size", [70, None])
def test_a_kernel_gradient_in_parts(monkeypatch, dtype, tolerance, batch_size):
    """70 images are two parts of 32 and one of 6; of an unknown number there is one part."""
    monkeypatch.setattr(products, "CACHE", 63 * 8 * 8 * products.MANY_CHANNELS * tf.as_dtype(dtype).size)
    x, dy = normal(70, 8, 8, products.MANY_CHANNELS, dtype=dtype), normal(70, 4, 4, 5, dtype=dtype, seed=1)
    kernel = normal(4, 4, products.MANY_CHANNELS, 5, dtype=dtype)

    @tf.function(input_signature=[tf.TensorSpec([batch_size, *tensor.shape[1:]], dtype) for tensor in (x, dy)])
    def gradient(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            y = products.conv(x, kernel, 2)
        return tape.gradient(y, kernel, dy)

    kinds = [operation.type for operation in gradient.get_concrete_function().graph.get_operations()]
    assert kinds.count("Transpose") == 2 * (3 if batch_size else 1)  # of x and of dy
    expected = tf.raw_ops.Conv2DBackpropFilter(
        input=tf.cast(x, tf.float32),
        filter_sizes=kernel.shape,
        out_backprop=tf.cast(dy, tf.float32),
        strides=[1, 2, 2, 1],
        padding="SAME",
    )
    found = tf.cast(gradient(x, dy), tf.float32)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("shape", [(5, 3), (256, 14, 14, 2), (128, 28, 28, 1)])
def test_the_gradient_of_a_bias_is_a_sum_in_float32(dtype, shape):
    dy, bias = normal(*shape, dtype=dtype, seed=2) + tf.cast(1, dtype), normal(shape[-1], dtype=dtype)
    with tf.GradientTape() as tape:
        tape.watch(bias)
        y = products.add_bias(tf.zeros(shape, dtype), bias)
    np.testing.assert_array_equal(tf.cast(y, tf.float32), np.broadcast_to(tf.cast(bias, tf.float32), shape))
    expected = tf.reduce_sum(tf.cast(dy, tf.float64), axis=list(range(len(shape) - 1)))
    found = tf.cast(tape.gradient(y, bias, dy), tf.float64)
    np.testing.assert_allclose(found, expected, rtol=5e-3 if dtype == "bfloat16" else 1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("of", ["x", "kernel"])
@pytest.mark.parametrize("channels", [2, products.MANY_CHANNELS])
@pytest.mark.parametrize("product", ["dense", "conv", "upconv"])
def test_gradients_can_be_differentiated(product, channels, of, dtype):
    """The gradients of |d sum(f²) / dx|² and |d sum(f²) / dkernel|², as a gradient penalty needs them."""
    if product == "dense":
        function, plain = products.dense, tf.matmul
        factors = normal(5, 7), normal(7, channels)
    elif product == "conv":
        factors = normal(2, 8, 8, channels), normal(4, 4, channels, 3)
        function, plain = (lambda x, k: products.conv(x, k, 2)), (lambda x, k: tf.nn.conv2d(x, k, 2, "SAME"))
    else:
        factors = normal(2, 4, 4, 3), normal(4, 4, channels, 3)
        function = lambda x, k: products.upconv(x, k, 2)  # noqa: E731
        plain = lambda x, k: tf.nn.conv2d_transpose(x, k, [2, 8, 8, channels], 2, "SAME")  # noqa: E731

    def penalty_gradients(function, dtype):
        x, kernel = (tf.cast(factor, dtype) for factor in factors)
        with tf.GradientTape() as outer:
            outer.watch([x, kernel])
            with tf.GradientTape() as inner:
                inner.watch([x, kernel])
                value = tf.reduce_sum(tf.cast(function(x, kernel), tf.float32) ** 2)
            gradient = inner.gradient(value, {"x": x, "kernel": kernel}[of])
            penalty = tf.reduce_sum(tf.cast(gradient, tf.float32) ** 2)
        return outer.gradient(penalty, [x, kernel])

    tolerance = 1e-5 if dtype == "float32" else 3e-2
    for found, expected in zip(penalty_gradients(function, dtype), penalty_gradients(plain, "float32"), strict=True):
        np.testing.assert_allclose(
            tf.cast(found, tf.float32), expected, rtol=0, atol=tolerance * np.abs(expected).max()
        )


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
