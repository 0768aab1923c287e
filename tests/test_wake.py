"""What is learned from real images: the loss in closed form, the disturbed images."""

import math

import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import wake
from tests import tiny

K = 5
SURE = 50.0 * np.eye(K, dtype=np.float32)  # logits of one image for each category


@pytest.mark.parametrize(
    ("logits", "views", "expected"),
    [
        (SURE, [SURE], -math.log(K)),
        (SURE, [SURE, SURE], -math.log(K)),
        (0 * SURE, [0 * SURE], 0),
        (0 * SURE, [0 * SURE, 0 * SURE], math.log(K)),
        (SURE[[0] * K], [SURE[[0] * K]], 0),
        (0 * SURE, [SURE], 50 * (1 - 1 / K) - math.log(K)),
    ],
    ids=["sure and stable", "two views", "knows nothing", "two views of it", "one category for all", "too sure"],
)
def test_loss_in_closed_form(logits, views, expected):
    assert float(wake.loss(logits, *views)) == pytest.approx(expected, abs=1e-4)


def test_balance_weighs_the_entropy_alone():
    assert float(wake.loss(SURE, SURE, balance=3.0)) == pytest.approx(-3 * math.log(K), abs=1e-4)
    assert float(wake.loss(0 * SURE, SURE, balance=0.0)) == pytest.approx(50 * (1 - 1 / K), abs=1e-4)


def test_the_image_is_the_target_of_its_views():
    """Only the balance pulls at the posterior of the image itself."""
    rng = np.random.default_rng(0)
    logits, view = (tf.constant(rng.normal(size=(8, K)), tf.float32) for _ in range(2))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        loss = wake.loss(logits, view)
        mean = (tf.reduce_mean(tf.nn.softmax(logits), 0) + tf.reduce_mean(tf.nn.softmax(view), 0)) / 2
        balance = tf.reduce_sum(mean * tf.math.log(mean))
    np.testing.assert_allclose(tape.gradient(loss, logits), tape.gradient(balance, logits), atol=1e-7)


def grey(n: int) -> tf.Tensor:
    """Images far enough from black and white for no step to be clipped."""
    return 0.4 + 0.2 * tf.constant(tiny.images(n))


def test_the_disturbance_has_the_length_asked_for_and_follows_the_steepest_direction():
    """Logits ±w·x / 2: the only direction that changes anything is w, whichever way the odds fall faster."""
    w = np.random.default_rng(1).normal(size=tiny.IMAGE_SHAPE).astype(np.float32)

    def read(x):
        odds = tf.reduce_sum(x * w, axis=[1, 2, 3])
        return tf.stack([odds, -odds], axis=1) / 2

    images = grey(6)
    direction = tf.random.stateless_normal(images.shape, [0, 1])
    step = (wake.adversarial(read, images, direction, radius=0.3) - images).numpy().reshape(6, -1)
    np.testing.assert_allclose(np.linalg.norm(step, axis=1), 0.3, rtol=1e-4)
    cosines = step @ w.ravel() / (0.3 * np.linalg.norm(w))
    np.testing.assert_allclose(np.abs(cosines), 1, rtol=1e-4)


def test_disturbed_images_are_images():
    images = tf.constant(np.repeat([[0.0], [1.0]], 64, axis=1).reshape(2, *tiny.IMAGE_SHAPE), tf.float32)
    disturbed = wake.adversarial(
        lambda x: tf.reshape(x, [2, -1])[:, :3], images, tf.random.stateless_normal(images.shape, [0, 1]), radius=5.0
    )
    assert float(tf.reduce_min(disturbed)) >= 0
    assert float(tf.reduce_max(disturbed)) <= 1
