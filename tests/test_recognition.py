"""The recognition phase: what its network is, what it descends, what learns, and what is saved."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import callbacks, objectives, wake
from infogan_tf.augmentation import RandomView
from infogan_tf.model import InfoGAN
from infogan_tf.optimizers import Adam, FallingRate, steps_taken
from tests import tiny


def model(augmentation: keras.layers.Layer | None = None, codes: str = tiny.CODES, **compile_arguments) -> InfoGAN:
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        codes, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(codes), augmentation=augmentation, seed=0
    )
    infogan.compile(**compile_arguments)
    return infogan


def test_it_begins_once():
    infogan = model()
    infogan.begin_recognition()
    with pytest.raises(ValueError, match="has begun already"):
        infogan.begin_recognition()


def test_predict_reads_with_the_new_network_even_if_nothing_is_compiled():
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks())
    images = tiny.images(4)
    before = model.predict(images, verbose=0)["digit_probs"]
    model.begin_recognition()
    after = model.predict(images, verbose=0)["digit_probs"]
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, model.infer_code(images)["digit_probs"], rtol=1e-5)


def test_what_comes_later_is_checked_at_once():
    infogan = model()
    phases = [callbacks.SwitchOn("wake_weight", 1.0, epoch=2), callbacks.Recognition(1)]
    with pytest.raises(ValueError, match="wake_weight needs a categorical code and an augmentation"):
        infogan.fit(tiny.images(8), epochs=3, verbose=0, callbacks=phases)
    assert infogan.recognition is None


def test_networks_that_cannot_be_built_anew_show_at_once():
    infogan = model(Mirror())
    x = keras.Input(tiny.IMAGE_SHAPE)
    infogan.trunk = keras.Model(x, keras.layers.Lambda(lambda x: x)(infogan.trunk(x)))
    with pytest.raises(ValueError, match="Lambda"):
        infogan.fit(tiny.images(8), epochs=3, verbose=0, callbacks=[callbacks.Recognition(2)])
    assert int(infogan.generator_optimizer.iterations) == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"wake_radius": float("nan")}, "wake_radius must be a number from 0 up, got nan"),
        ({"wake_alignment": -1.0}, "wake_alignment must be a number from 0 up, got -1.0"),
    ],
    ids=["radius", "alignment"],
)
def test_numbers_that_are_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        model(**arguments)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_it_learns_in_mixed_precision_too(dtype):
    """Awake, with accumulation: gradients are finite, and the rate's clock counts steps."""
    infogan = InfoGAN(
        tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(dtype=dtype), augmentation=Mirror(), seed=0
    )
    optimizer = Adam(1e-3, gradient_accumulation_steps=2)
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)  # at which no step is skipped
    infogan.compile(
        recognition_optimizer=optimizer,
        wake_weight=1.0,
        wake_alignment=FallingRate(3.0, end=4, length=4),
    )
    infogan.begin_recognition()
    before = tiny.values(infogan.recognition.trainable_variables)
    history = infogan.fit(tiny.images(32), batch_size=8, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    after = tiny.values(infogan.recognition.trainable_variables)
    assert all(np.isfinite(v).all() for v in after)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    assert float(steps_taken(infogan.recognition_optimizer)) == 4


def test_shares_begin_at_the_prior():
    infogan = model(codes="digit:categorical(3,probs=[0.5, 0.25, 0.25])")
    np.testing.assert_allclose(infogan.category_shares["digit"], [0.5, 0.25, 0.25])


def test_the_network_is_new_and_the_same_for_the_same_seed():
    """A run that is interrupted before it begins must find it as one that was not."""
    first, again = (model() for _ in range(2))
    keras.utils.set_random_seed(1)
    for infogan in (first, again):
        infogan.begin_recognition()
    kernels = [v for v in first.recognition.trainable_variables if v.name == "kernel"]
    q = [v for part in (first.trunk, first.posterior_head) for v in part.trainable_variables if v.name == "kernel"]
    same = [v for v in again.recognition.trainable_variables if v.name == "kernel"]
    assert len(kernels) == 3
    for new, old, other in zip(tiny.values(kernels), tiny.values(q), tiny.values(same), strict=True):
        assert new.shape == old.shape
        assert abs(np.corrcoef(new.ravel(), old.ravel())[0, 1]) < 0.5
        assert new.std() == pytest.approx(old.std(), rel=0.3)
        np.testing.assert_array_equal(new, other)


@pytest.mark.parametrize("wake_weight", [0.0, 1.0])
def test_the_recognition_network_learns_and_nothing_else_does(wake_weight):
    infogan, images = model(RandomView(seed=1), wake_weight=wake_weight), tiny.images(16)
    infogan.begin_recognition()
    parts = "generator", "trunk", "discriminator_head", "posterior_head", "recognition"
    before = {part: tiny.values(getattr(infogan, part).variables) for part in parts}
    logs = infogan.fit(images, batch_size=8, verbose=0).history
    for part in parts:
        pairs = zip(before[part], tiny.values(getattr(infogan, part).variables), strict=True)
        changed = [bool((a != b).any()) for a, b in pairs]
        assert all(changed) if part == "recognition" else not any(changed), part
    assert (logs["wake_loss"] != [0.0]) == (wake_weight > 0)
    assert logs["d_loss"] == [0.0]


class Counted(keras.layers.Layer):
    """How often images went through it, in eager steps."""

    seen = 0

    def call(self, images):
        self.seen += 1
        return images


def test_the_recognition_phase_has_an_augmentation_of_its_own():
    usual, own = Counted(), Counted()
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        tiny.CODES,
        tiny.IMAGE_SHAPE,
        tiny.NOISE_SIZE,
        **tiny.networks(),
        augmentation=usual,
        recognition_augmentation=own,
        seed=0,
    )
    infogan.compile(wake_weight=1.0)
    infogan.train_step(tf.constant(tiny.images(8)))
    assert (usual.seen, own.seen) == (1, 0)
    infogan.begin_recognition()
    infogan.train_step(tf.constant(tiny.images(8)))
    assert (usual.seen, own.seen) == (1, 2)  # dreams, and real images


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


@pytest.mark.parametrize("wake_weight", [0.0, 0.5])
def test_it_descends_the_weighted_loss_minus_the_weighted_information(monkeypatch, wake_weight):
    """With a disturbance that does nothing: images, mirrored images, images again; dreams with their codes."""
    monkeypatch.setattr(wake, "adversarial", lambda read, images, direction, radius: images)
    codes, lambdas = "digit:categorical(3),slant:uniform", {"digit": 2.0, "slant": 0.5}
    infogan, alone = (
        model(
            Mirror(),
            codes,
            recognition_optimizer=Recorder(),
            lambdas=lambdas,
            wake_weight=wake_weight,
            wake_alignment=2.0,
        )
        for _ in range(2)
    )
    for m in (infogan, alone):
        m.begin_recognition()
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
        shares = 0.9 / 3 + 0.1 * tf.reduce_mean(p["x"], axis=0)
        aligned = p["x"] / shares**2
        target = tf.stop_gradient(aligned / tf.reduce_sum(aligned, axis=1, keepdims=True))
        log_views = tf.math.log(p["Tx"]) + 2 * tf.math.log(p["x"])  # the image is its own third view
        wake_loss = -tf.reduce_mean(tf.reduce_sum(target * log_views, axis=1))
        stddev = 0.1 + tf.math.softplus(q["G"][:, 4])
        log_slant = -0.5 * ((c[:, 3] - q["G"][:, 3]) / stddev) ** 2 - tf.math.log(stddev)
        log_digit = tf.reduce_sum(c[:, :3] * tf.math.log(p["TG"]), axis=1)
        loss = wake_weight * wake_loss - tf.reduce_mean(2.0 * log_digit + 0.5 * log_slant)
    expected = tape.gradient(loss, alone.recognition.trainable_variables)
    for actual, wanted in zip(infogan.recognition_optimizer.seen, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=2e-5)
    assert max(float(tf.reduce_max(tf.abs(g))) for g in expected) > 1e-2


def test_without_an_augmentation_it_reads_dreams_as_they_are():
    infogan, alone = (model(recognition_optimizer=Recorder(), lambdas=1.0) for _ in range(2))
    for m in (infogan, alone):
        m.begin_recognition()
    z, c = alone.sample(16)
    infogan.train_step(tf.constant(tiny.images(16)))
    with tf.GradientTape() as tape:
        q = alone.recognition(alone.generator([z, c], training=False), training=True)
        loss = -tf.add_n(list(objectives.information(alone.codes, c, q).values()))
    expected = tape.gradient(loss, alone.recognition.trainable_variables)
    for actual, wanted in zip(infogan.recognition_optimizer.seen, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("codes", "augmentation"), [("slant:uniform", Mirror()), ("digit:categorical(3)", None)], ids=["codes", "map"]
)
def test_what_learning_from_real_images_needs(codes, augmentation):
    with pytest.raises(ValueError, match="wake_weight needs a categorical code and an augmentation"):
        model(augmentation, codes, wake_weight=1.0)


def test_phases_begin_at_their_epochs_in_a_compiled_step_too():
    """Where the step is a graph, a change of an attribute alone would be missed."""
    phases = [callbacks.SwitchOn("wake_weight", 1.0, epoch=2), callbacks.Recognition(1)]
    history = model(Mirror()).fit(tiny.images(8), batch_size=8, epochs=3, verbose=0, callbacks=phases).history
    assert [value != 0 for value in history["wake_loss"]] == [False, False, True]
    assert [value != 0 for value in history["g_loss"]] == [True, False, False]


def test_shares_are_remembered_and_the_alignment_follows_its_schedule():
    infogan = model(Mirror(), "digit:categorical(3)", wake_weight=1.0, wake_alignment=FallingRate(3.0, end=2, length=2))
    infogan.begin_recognition()
    parameters = [tf.random.stateless_normal([4, 3], [0, seed]) for seed in range(3)]
    mean, shares = tf.reduce_mean(tf.nn.softmax(parameters[0]), axis=0), np.full(3, 1 / 3)
    for step, strength in enumerate([3.0, 1.5, 0.0]):
        infogan.recognition_optimizer.iterations.assign(step)
        shares = 0.9 * shares + 0.1 * mean
        expected = float(wake.loss(wake.aligned(parameters[0], shares, (1 / 3,) * 3, strength), *parameters))
        assert float(infogan._wake_loss(parameters)) == pytest.approx(expected, rel=1e-5)


def test_an_awake_model_comes_back_and_goes_on(tmp_path):
    falling = FallingRate(3.0, end=4, length=4)
    infogan, images = model(RandomView(seed=1), wake_weight=1.0, wake_alignment=falling), tiny.images(16)
    infogan.begin_recognition()
    infogan.fit(images, batch_size=8, verbose=0)
    infogan.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for m in (infogan, loaded):
        m.fit(images, batch_size=8, shuffle=False, verbose=0)
    learned = (m.recognition.variables + list(m.category_shares.values()) for m in (loaded, infogan))
    for a, b in zip(*map(tiny.values, learned), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_array_equal(loaded.recognition_optimizer.iterations, 4)
