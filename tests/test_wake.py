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
        (SURE, [SURE], 0),
        (0 * SURE, [0 * SURE], 2 * math.log(K)),
        (0 * SURE, [0 * SURE, 0 * SURE], 3 * math.log(K)),
        (SURE, [SURE[::-1]], 50 * (1 - 1 / K)),
        (0 * SURE, [SURE], math.log(K) + 50 * (1 - 1 / K)),
    ],
    ids=["sure and stable", "knows nothing", "two views of it", "unstable", "too sure"],
)
def test_loss_in_closed_form(logits, views, expected):
    assert float(wake.loss(tf.nn.softmax(logits), logits, *views)) == pytest.approx(expected, abs=1e-4)


def test_all_views_follow_the_targets():
    rng = np.random.default_rng(0)
    logits, view = (tf.constant(rng.normal(size=(8, K)), tf.float32) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch([logits, view])
        targets = tf.nn.softmax(2 * logits)
        loss = wake.loss(targets, logits, view)
    for found, of in zip(tape.gradient(loss, [logits, view]), (logits, view), strict=True):
        np.testing.assert_allclose(found, (tf.nn.softmax(of) - targets) / 8, atol=1e-7)


def test_alignment_in_closed_form():
    """Odds are multiplied by those of the prior and divided by those of the shares, to the power of the strength."""
    posterior = np.array([[0.9, 0.1], [0.5, 0.5]])
    for strength in (0.0, 1.0, 2.0):
        odds = posterior[:, 0] / posterior[:, 1] * ((0.6 / 0.4) / (0.7 / 0.3)) ** strength
        logits = tf.constant(np.log(posterior), tf.float32)
        found = wake.aligned(logits, tf.constant([0.7, 0.3]), (0.6, 0.4), strength).numpy()
        np.testing.assert_allclose(found, np.stack([odds, np.ones(2)], 1) / (1 + odds)[:, None], rtol=1e-5)


def test_aligned_again_and_again_the_shares_become_the_priors():
    prior = (0.1, 0.1, 0.2, 0.2, 0.4)
    logits = tf.constant(np.random.default_rng(1).normal(size=(200, K)) + np.arange(K)[::-1], tf.float32)
    for _ in range(200):
        logits = tf.math.log(wake.aligned(logits, tf.reduce_mean(tf.nn.softmax(logits), axis=0), prior, 1.0))
    np.testing.assert_allclose(tf.reduce_mean(tf.nn.softmax(logits), axis=0), prior, atol=1e-3)


def test_a_category_without_a_share_leaves_numbers():
    assert np.isfinite(wake.aligned(tf.zeros([1, 2]), tf.constant([1.0, 0.0]), (0.0, 1.0), 2.0)).all()


def grey(n: int) -> tf.Tensor:
    """Images far enough from black and white for no step to be clipped."""
    return 0.4 + 0.2 * tf.constant(tiny.images(n))


def test_the_disturbance_has_the_length_asked_for_and_follows_the_steepest_direction():
    """Logits ±w·x / 2: the only direction that changes anything is w, whichever way the odds fall faster."""
    w = np.random.default_rng(1).normal(size=tiny.IMAGE_SHAPE).astype(np.float32)

    def read(x):
        odds = tf.reduce_sum(x * w, axis=[1, 2, 3])
        return [tf.stack([odds, -odds], axis=1) / 2]

    images = grey(6)
    direction = tf.random.stateless_normal(images.shape, [0, 1])
    step = (wake.adversarial(read, images, direction, radius=0.3) - images).numpy().reshape(6, -1)
    np.testing.assert_allclose(np.linalg.norm(step, axis=1), 0.3, rtol=1e-4)
    cosines = step @ w.ravel() / (0.3 * np.linalg.norm(w))
    np.testing.assert_allclose(np.abs(cosines), 1, rtol=1e-4)


def test_disturbed_images_are_images():
    images = tf.constant(np.repeat([[0.0], [1.0]], 64, axis=1).reshape(2, *tiny.IMAGE_SHAPE), tf.float32)
    disturbed = wake.adversarial(
        lambda x: [tf.reshape(x, [2, -1])[:, :3]], images, tf.random.stateless_normal(images.shape, [0, 1]), radius=5.0
    )
    assert float(tf.reduce_min(disturbed)) >= 0
    assert float(tf.reduce_max(disturbed)) <= 1


def test_logits_of_a_code_count_up_to_a_constant():
    weights = tf.constant(np.random.default_rng(2).normal(size=(64, 5)), tf.float32)

    def step(offset: float) -> np.ndarray:
        def read(x):
            logits = tf.reshape(x, [-1, 64]) @ weights
            return [logits[:, :3], logits[:, 3:] + offset]

        return wake.adversarial(read, grey(6), tf.random.stateless_normal([6, *tiny.IMAGE_SHAPE], [0, 1]), 0.3).numpy()

    np.testing.assert_allclose(step(30.0), step(0.0), atol=1e-4)
