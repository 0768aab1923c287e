"""The wake phase: its loss in closed form, the disturbed images, what learns, and what is saved."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import callbacks, wake
from infogan_tf.augmentation import RandomAffine
from infogan_tf.model import InfoGAN
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


def model(augmentation: keras.layers.Layer | None = None, codes: str = tiny.CODES, **compile_arguments) -> InfoGAN:
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        codes, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(codes), augmentation=augmentation, seed=0
    )
    infogan.compile(**compile_arguments)
    return infogan


def test_awake_at_first_q_answers_as_before():
    infogan, images = model(RandomAffine(seed=1)), tiny.images(5)
    infogan.fit(tiny.images(16), batch_size=8, verbose=0)
    before = infogan.infer_code(images)
    infogan.wake_up()
    for name, value in infogan.infer_code(images).items():
        np.testing.assert_allclose(value, before[name], atol=1e-6, err_msg=name)


def test_then_the_recognition_network_learns_and_nothing_else_does():
    infogan, images = model(RandomAffine(seed=1)), tiny.images(16)
    infogan.wake_up()
    parts = "generator", "trunk", "discriminator_head", "posterior_head", "recognition"
    before = {part: tiny.values(getattr(infogan, part).variables) for part in parts}
    logs = infogan.fit(images, batch_size=8, verbose=0).history
    for part in parts:
        pairs = zip(before[part], tiny.values(getattr(infogan, part).variables), strict=True)
        changed = [bool((a != b).any()) for a, b in pairs]
        assert all(changed) if part == "recognition" else not any(changed), part
    assert logs["wake_loss"] != [0.0]
    assert logs["d_loss"] == [0.0]


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


def test_it_descends_its_loss_minus_the_weighted_information(monkeypatch):
    """With a disturbance that does nothing: images, mirrored images, images again; dreams with their codes."""
    monkeypatch.setattr(wake, "adversarial", lambda read, images, direction, radius: images)
    codes = "digit:categorical(3),slant:uniform"
    infogan, alone = (
        model(Mirror(), codes, recognition_optimizer=Recorder(), lambdas={"digit": 2.0, "slant": 0.5}) for _ in range(2)
    )
    for m in (infogan, alone):
        m.wake_up()
    z, c = alone.sample(16)
    real = tf.constant(tiny.images(16))
    infogan.train_step(real)

    fake = alone.generator([z, c], training=False)
    with tf.GradientTape() as tape:
        q = {
            name: alone.recognition(x, training=True)
            for name, x in {"x": real, "Tx": real[:, :, ::-1], "G": fake, "TG": fake[:, :, ::-1]}.items()
        }
        p = {name: tf.nn.softmax(value[:, :3]) for name, value in q.items()}
        target = tf.stop_gradient(p["x"])
        agreement = -tf.reduce_mean(tf.reduce_sum(target * (tf.math.log(p["Tx"]) + tf.math.log(p["x"])), axis=1))
        mean = (2 * tf.reduce_mean(p["x"], 0) + tf.reduce_mean(p["Tx"], 0)) / 3
        stddev = 0.1 + tf.math.softplus(q["G"][:, 4])
        log_slant = -0.5 * ((c[:, 3] - q["G"][:, 3]) / stddev) ** 2 - tf.math.log(stddev)
        log_digit = tf.reduce_sum(c[:, :3] * tf.math.log(p["TG"]), axis=1)
        loss = agreement + tf.reduce_sum(mean * tf.math.log(mean))
        loss -= tf.reduce_mean(2.0 * log_digit + 0.5 * log_slant)
    expected = tape.gradient(loss, alone.recognition.trainable_variables)
    for actual, wanted in zip(infogan.recognition_optimizer.seen, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=2e-5)
    assert max(float(tf.reduce_max(tf.abs(g))) for g in expected) > 1e-2


@pytest.mark.parametrize(
    ("codes", "augmentation"), [("slant:uniform", Mirror()), ("digit:categorical(3)", None)], ids=["codes", "map"]
)
def test_what_it_needs(codes, augmentation):
    with pytest.raises(ValueError, match="needs a categorical code and an augmentation"):
        model(augmentation, codes).wake_up()


def test_it_begins_at_its_epoch_in_a_compiled_step_too():
    """Where the step is a graph, a change of an attribute alone would be missed."""
    infogan = model(Mirror())
    history = infogan.fit(tiny.images(8), batch_size=8, epochs=3, verbose=0, callbacks=[callbacks.WakeUp(2)]).history
    assert [value != 0 for value in history["wake_loss"]] == [False, False, True]
    assert [value != 0 for value in history["g_loss"]] == [True, True, False]


def test_an_awake_model_comes_back_and_goes_on(tmp_path):
    infogan, images = model(RandomAffine(seed=1)), tiny.images(16)
    infogan.wake_up()
    infogan.fit(images, batch_size=8, verbose=0)
    infogan.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for m in (infogan, loaded):
        m.fit(images, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(tiny.values(loaded.recognition.variables), tiny.values(infogan.recognition.variables), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_array_equal(loaded.recognition_optimizer.iterations, 4)
