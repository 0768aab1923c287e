"""Spectral normalisation against the singular value decomposition."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.layers import each
from infogan_tf.spectral import SpectralConv2D, SpectralDense

MANY = 200  # iterations, after which u is the singular vector to float32's precision


def layer_and_input(kind: str, dtype: str = "float32"):
    """A layer with a random kernel and bias, and an input for it."""
    rng = np.random.default_rng(0)
    if kind == "dense":
        layer, x = SpectralDense(5, dtype=dtype), rng.normal(size=(6, 7))
    else:
        layer, x = SpectralConv2D(5, 4, 2, padding="same", dtype=dtype), rng.normal(size=(6, 8, 8, 3))
    layer.build((None, *x.shape[1:]))
    for variable in layer.trainable_variables:
        variable.assign(rng.normal(0, 3, variable.shape))
    return layer, x.astype(np.float32)


def converged(kind: str, dtype: str = "float32"):
    layer, x = layer_and_input(kind, dtype)
    for _ in range(MANY):
        layer.normalized_kernel(training=True)
    return layer, x


def singular_values(kernel) -> np.ndarray:
    kernel = np.asarray(kernel, np.float64)
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_kernel_is_divided_by_its_largest_singular_value(kind):
    layer, _ = converged(kind)
    values = singular_values(layer.kernel)
    np.testing.assert_allclose(singular_values(layer.normalized_kernel()), values / values[0], rtol=1e-5)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_layer_is_keras_with_that_kernel(kind):
    layer, x = converged(kind)
    plain = {"dense": keras.layers.Dense(5), "conv": keras.layers.Conv2D(5, 4, 2, padding="same")}[kind]
    plain.build((None, *x.shape[1:]))
    plain.set_weights([layer.kernel / singular_values(layer.kernel)[0], layer.bias])
    for training in (False, True):
        np.testing.assert_allclose(layer(x, training=training), plain(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_gradient_is_that_of_the_kernel_over_its_largest_singular_value(kind):
    layer, x = converged(kind)
    target = np.random.default_rng(1).normal(size=layer(x).shape).astype(np.float32)
    kernel = tf.Variable(layer.kernel)
    with tf.GradientTape(persistent=True) as tape:
        loss = tf.reduce_sum(target * layer(x, training=True))
        sigma = tf.linalg.svd(tf.reshape(kernel, [-1, 5]), compute_uv=False)[0]
        outputs = x @ kernel if kind == "dense" else tf.nn.conv2d(x, kernel, 2, "SAME")
        expected_loss = tf.reduce_sum(target * (outputs / sigma + layer.bias))
    gradient, expected = tape.gradient(loss, layer.kernel.value), tape.gradient(expected_loss, kernel)
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
    # It has no part along the kernel: moving there changes nothing.
    assert abs(np.vdot(gradient, layer.kernel)) < 1e-4 * np.linalg.norm(gradient) * np.linalg.norm(layer.kernel)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_the_kernels_scale_does_not_matter(kind, factor):
    layer, x = layer_and_input(kind)
    before = layer(x)
    layer.kernel.assign(factor * layer.kernel)
    np.testing.assert_allclose(layer(x), before, rtol=1e-4, atol=1e-5)


def test_only_training_moves_the_vector_and_nothing_the_kernel():
    layer, x = layer_and_input("conv")
    kernel, u = layer.kernel.numpy(), layer.u.numpy()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.u, u)
    layer(x, training=True)
    assert np.abs(layer.u.numpy() - u).max() > 0.1
    np.testing.assert_array_equal(layer.kernel, kernel)
    assert [variable.name for variable in layer.non_trainable_variables] == ["u"]


def test_the_vector_follows_a_kernel_in_training():
    layer, x = converged("dense")
    optimizer = keras.optimizers.SGD(0.05)
    for seed in range(30):
        target = np.random.default_rng(seed).normal(size=(6, 5))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x, training=True) - target) ** 2)
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    assert singular_values(layer.normalized_kernel())[0] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_half_precision_rounds_the_normalised_kernel_only(policy, kind):
    layer, x = converged(kind, policy)
    y = layer(x)
    half = policy.removeprefix("mixed_")
    assert y.dtype == half
    assert {variable.dtype for variable in layer.variables} == {"float32"}
    exact = layer.normalized_kernel()
    values = singular_values(layer.kernel)
    np.testing.assert_allclose(singular_values(exact), values / values[0], rtol=1e-5)
    # Had the kernel been rounded before its division, most outputs would differ in their last bit.
    expected = layer.product(tf.cast(x, half), tf.cast(exact, half))
    assert np.mean(y.numpy() == expected.numpy()) > 0.9


def network(kind: str) -> tuple[keras.Model, np.ndarray]:
    layer, x = converged(kind)
    image = keras.Input(x.shape[1:])
    return keras.Model(image, layer(image)), x


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_batches_in_one_pass_are_batches_one_after_another(kind):
    model, x = network(kind)
    together = each(model, x[:3], x[3:])
    for outputs, batch in zip(together, (x[:3], x[3:]), strict=True):
        np.testing.assert_allclose(outputs, model(batch, training=True), rtol=1e-5, atol=1e-5)


def test_batches_are_passed_at_once():
    model, x = layer_and_input("conv")
    image = keras.Input(x.shape[1:])
    network = keras.Model(image, model(image))
    u = model.u.numpy()
    each(network, x[:3], x[3:])
    once = model.u.numpy()
    model.u.assign(u)
    model.normalized_kernel(training=True)
    np.testing.assert_allclose(model.u, once, rtol=1e-6)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_a_file_brings_everything_back(kind, tmp_path):
    layer, x = layer_and_input(kind)
    image = keras.Input(x.shape[1:])
    model = keras.Model(image, layer(image))
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    for training in (False, True, False):
        np.testing.assert_array_equal(loaded(x, training=training), model(x, training=training))
    for ours, theirs in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
