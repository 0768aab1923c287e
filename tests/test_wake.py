"""The wake phase: its loss in closed form, whose gradient reaches which network, and when it sets in."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import callbacks, objectives
from infogan_tf.model import InfoGAN
from tests import tiny

K = 5
SURE = 50.0 * np.eye(K, dtype=np.float32)  # logits of one image for each category


@pytest.mark.parametrize(
    ("logits", "logits_of_views", "expected"),
    [
        (SURE, SURE, -objectives.BALANCE * math.log(K)),
        (0 * SURE, 0 * SURE, (1 - objectives.BALANCE) * math.log(K)),
        (SURE[[0] * K], SURE[[0] * K], 0),
        (0 * SURE, SURE, 50 * (1 - 1 / K) - objectives.BALANCE * math.log(K)),
    ],
    ids=["balanced, sure and stable", "knows nothing", "one category for all", "the view is too sure"],
)
def test_loss_in_closed_form(logits, logits_of_views, expected):
    assert float(objectives.wake(logits, logits_of_views)) == pytest.approx(expected, abs=1e-4)


def test_the_image_is_the_target_of_its_view():
    """Only the balance term pulls at the posterior of the image itself; the mean there weighs both halves alike."""
    rng = np.random.default_rng(0)
    logits, views = (tf.constant(rng.normal(size=(8, K)), tf.float32) for _ in range(2))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        loss = objectives.wake(logits, views)
        mean = (tf.reduce_mean(tf.nn.softmax(logits), 0) + tf.reduce_mean(tf.nn.softmax(views), 0)) / 2
        balance = objectives.BALANCE * tf.reduce_sum(mean * tf.math.log(mean))
    np.testing.assert_allclose(tape.gradient(loss, logits), tape.gradient(balance, logits), atol=1e-7)


class Mirror(keras.layers.Layer):
    """A deformation that draws nothing."""

    def call(self, images):
        return images[:, :, ::-1]


class Recorder(keras.optimizers.SGD):
    """Keeps the gradients it was last given and moves nothing."""

    def __init__(self):
        super().__init__(0.0)

    def apply(self, grads, trainable_variables=None):
        self.seen = [g.numpy() for g in grads]


def gradients(**compile_arguments) -> tuple[InfoGAN, dict[str, list[np.ndarray]]]:
    """A model that has made one step, and the gradients of that step by network."""
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), augmentation=Mirror(), seed=0)
    infogan.compile(Recorder(), Recorder(), **compile_arguments)
    infogan.train_step(tf.constant(tiny.images(16)))
    seen = {}
    for optimizer, parts in (
        (infogan.discriminator_optimizer, ("trunk", "discriminator_head")),
        (infogan.generator_optimizer, ("generator", "posterior_head")),
    ):
        left = iter(optimizer.seen)
        seen |= {part: [next(left) for _ in getattr(infogan, part).trainable_variables] for part in parts}
    return infogan, seen


def test_trunk_and_posterior_head_descend_the_loss_and_nothing_else_does():
    weight = 3.0
    infogan, plain = gradients()
    _, awake = gradients(wake_weight=weight)
    images = tf.constant(tiny.images(16))
    parts = infogan.trunk, infogan.posterior_head
    with tf.GradientTape() as tape:
        logits = [parts[1](parts[0](x, training=True), training=True)[:, :3] for x in (images, images[:, :, ::-1])]
        loss = weight * objectives.wake(*logits)
    expected = tape.gradient(loss, [part.trainable_variables for part in parts])
    zero = {part: [np.zeros_like(g) for g in plain[part]] for part in plain}
    for part, wanted in (zero | {"trunk": expected[0], "posterior_head": expected[1]}).items():
        for without, with_wake, gradient in zip(plain[part], awake[part], wanted, strict=True):
            np.testing.assert_allclose(with_wake - without, gradient, atol=1e-5, err_msg=part)
    assert all(np.abs(g).max() > 1e-3 for g in expected[0])


@pytest.mark.parametrize(
    ("codes", "augmentation", "weight", "message"),
    [
        ("slant:uniform", Mirror(), 1.0, "needs a categorical code and an augmentation"),
        ("digit:categorical(3)", None, 1.0, "needs a categorical code and an augmentation"),
        ("digit:categorical(3)", Mirror(), -1.0, "from 0 up, got -1.0"),
    ],
)
def test_what_it_needs(codes, augmentation, weight, message):
    infogan = InfoGAN(codes, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(codes), augmentation=augmentation)
    with pytest.raises(ValueError, match=message):
        infogan.compile(wake_weight=weight)


def trained(wake_from: int, **compile_arguments) -> np.ndarray:
    """The trunk's first kernel after two epochs of one step."""
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), augmentation=Mirror(), seed=0)
    infogan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), **compile_arguments)
    infogan.fit(
        tiny.images(8), batch_size=8, epochs=2, verbose=0, callbacks=[callbacks.SwitchOn("wake_weight", 1.0, wake_from)]
    )
    return infogan.trunk.trainable_variables[0].numpy()


def test_it_sets_in_at_its_epoch_in_a_compiled_step_too():
    """There an attribute that merely changes would be missed."""
    graphs = [trained(epoch) for epoch in range(3)]
    for epoch, graph in enumerate(graphs):
        np.testing.assert_allclose(graph, trained(epoch, run_eagerly=True), atol=1e-6)
    assert np.abs(graphs[0] - graphs[1]).max() > 1e-4
    assert np.abs(graphs[1] - graphs[2]).max() > 1e-4
