"""A `.keras` file brings a model back whole, in the middle of its training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.model import InfoGAN
from infogan_tf.optimizers import Adam
from infogan_tf.saving import OBJECTS, PARTS
from tests import tiny


def steps(model: InfoGAN, first: int, last: int) -> None:
    """Training steps on batches that their number decides."""
    for number in range(first, last):
        model.train_step(tf.constant(tiny.images(8, seed=number)))


def saved_and_loaded(model: InfoGAN, tmp_path) -> InfoGAN:
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras", safe_mode=True)


def state(model: InfoGAN) -> list[np.ndarray]:
    """Weights, both optimizers' state, random state."""
    variables = [
        *model.weights,
        *model.discriminator_optimizer.variables,
        *model.generator_optimizer.variables,
        model.seed_generator.state,
    ]
    return tiny.values(variables)


def assert_same_state(a: InfoGAN, b: InfoGAN) -> None:
    for actual, expected in zip(state(a), state(b), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.usefixtures("deterministic")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"dtype": "mixed_float16", "instance_noise_stddev": 0.1, "instance_noise_steps": 5},
        {"dtype": "mixed_bfloat16", "information_in_discriminator": True},
    ],
    ids=str,
)
def test_training_goes_on_as_if_it_had_not_stopped(tmp_path, arguments):
    straight, first = tiny.model(**arguments), tiny.model(**arguments)
    steps(straight, 0, 6)
    steps(first, 0, 3)
    resumed = saved_and_loaded(first, tmp_path)
    assert_same_state(resumed, first)
    steps(resumed, 3, 6)
    assert int(resumed.generator_optimizer.iterations) == 6
    assert_same_state(resumed, straight)


@pytest.mark.usefixtures("deterministic")
def test_fit_goes_on_as_if_it_had_not_stopped(tmp_path):
    images = tiny.images(32)
    straight, first = (tiny.model("digit:categorical(3),slant:uniform") for _ in range(2))
    straight.fit(images, batch_size=8, shuffle=False, verbose=0)
    first.fit(images[:16], batch_size=8, shuffle=False, verbose=0)
    resumed = saved_and_loaded(first, tmp_path)
    resumed.fit(images[16:], batch_size=8, shuffle=False, verbose=0)
    assert_same_state(resumed, straight)


def test_optimizer_state_is_not_trivial(tmp_path):
    """What the tests above compare: after three steps moments are there and counted."""
    model = tiny.model()
    steps(model, 0, 3)
    loaded = saved_and_loaded(model, tmp_path)
    for optimizer, variables in (
        (loaded.discriminator_optimizer, loaded.discriminator_variables),
        (loaded.generator_optimizer, loaded.generator_variables),
    ):
        assert int(optimizer.iterations) == 3
        moments = [v.numpy() for v in optimizer.variables if tuple(v.shape)]
        assert len(moments) == 2 * len(variables)
        assert all(np.abs(moment).max() > 0 for moment in moments)


def test_what_compile_was_given_comes_back(tmp_path):
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 10, 0.5)
    model = tiny.model(
        discriminator_optimizer=keras.optimizers.RMSprop(3e-4, rho=0.8),
        generator_optimizer=Adam(schedule, beta_1=0.25),
        adversarial_loss="hinge",
        lambdas={"digit": 0.5, "angle": 0.0},
        information_in_discriminator=True,
        instance_noise_stddev=0.5,
        instance_noise_end_stddev=0.1,
        steps_per_execution=2,
    )
    loaded = saved_and_loaded(model, tmp_path)
    assert loaded.adversarial_loss == "hinge"
    assert loaded.lambdas == {"digit": 0.5, "slant": 0.1, "style": 0.1, "flags": 1.0, "angle": 0.0}
    assert loaded.information_in_discriminator is True
    assert (loaded.instance_noise_stddev, loaded.instance_noise_end_stddev) == (0.5, 0.1)
    assert loaded.steps_per_execution == 2
    assert loaded.jit_compile is False
    assert type(loaded.discriminator_optimizer) is keras.optimizers.RMSprop
    assert type(loaded.generator_optimizer) is Adam
    assert loaded.discriminator_optimizer.get_config() == model.discriminator_optimizer.get_config()
    assert loaded.generator_optimizer.get_config() == model.generator_optimizer.get_config()


def test_architecture_comes_back(tmp_path):
    model = tiny.model(seed=5)
    loaded = saved_and_loaded(model, tmp_path)
    assert (loaded.codes, loaded.image_shape, loaded.noise_size) == (model.codes, model.image_shape, model.noise_size)
    for part in ("generator", "trunk", "discriminator_head", "posterior_head"):
        ours, theirs = (
            [(type(layer), layer.name, layer.output.shape) for layer in getattr(m, part).layers]
            for m in (loaded, model)
        )
        assert ours == theirs
    z, c = model.sample(4, tf.constant([1, 2]))
    np.testing.assert_array_equal(loaded.generate(z, c), model.generate(z, c))
    images = tiny.images(4)
    for name, value in model.infer_code(images).items():
        np.testing.assert_array_equal(loaded.infer_code(images)[name], value)


@pytest.mark.parametrize(("architecture", "size"), [("mnist", 8), ("sprites", 16), ("images", 8)])
def test_default_networks_come_back(tmp_path, architecture, size):
    model = InfoGAN("digit:categorical(3)", (size, size, 1), 4, architecture=architecture, seed=1)
    model.compile()
    model.train_step(tf.random.uniform([4, size, size, 1], seed=1))
    loaded = saved_and_loaded(model, tmp_path)
    assert_same_state(loaded, model)
    np.testing.assert_array_equal(loaded.generate(n=2, seed=3), model.generate(n=2, seed=3))


def test_draws_go_on_where_they_stopped(tmp_path):
    model = tiny.model()
    model.sample(2)
    loaded = saved_and_loaded(model, tmp_path)
    for _ in range(2):
        for a, b in zip(loaded.sample(3), model.sample(3), strict=True):
            np.testing.assert_array_equal(a, b)


def test_loading_does_not_touch_the_global_random_state(tmp_path):
    model = tiny.model()
    model.save(tmp_path / "model.keras")
    keras.utils.set_random_seed(1)
    expected = np.random.random()
    keras.utils.set_random_seed(1)
    keras.models.load_model(tmp_path / "model.keras")
    assert np.random.random() == expected


def test_uncompiled_model_comes_back(tmp_path):
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks())
    loaded = saved_and_loaded(model, tmp_path)
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_file(tmp_path):
    model, other = tiny.model(seed=1), tiny.model(seed=2)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_weights_file_brings_its_recognition_network(tmp_path):
    model, other = tiny.model(seed=1), tiny.model(seed=2)
    model.begin_recognition()
    steps(model, 0, 2)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other.infer_code(tiny.images(4))["code"], model.infer_code(tiny.images(4))["code"])
    assert int(other.recognition_optimizer.iterations) == 2


def test_float16_wraps_both_optimizers_and_comes_back(tmp_path):
    model = tiny.model(dtype="mixed_float16")
    steps(model, 0, 2)
    loaded = saved_and_loaded(model, tmp_path)
    for m in (model, loaded):
        for optimizer in (m.discriminator_optimizer, m.generator_optimizer):
            assert type(optimizer) is keras.optimizers.LossScaleOptimizer
            assert type(optimizer.inner_optimizer) is Adam
    assert float(loaded.generator_optimizer.dynamic_scale) == float(model.generator_optimizer.dynamic_scale)


def test_own_loss_scale_optimizer_is_not_wrapped_again():
    own = keras.optimizers.LossScaleOptimizer(Adam(1e-3), initial_scale=4.0)
    model = tiny.model(dtype="mixed_float16", generator_optimizer=own)
    assert model.generator_optimizer is own


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_only_float16_scales_the_loss(dtype):
    model = tiny.model(dtype=dtype)
    assert type(model.discriminator_optimizer) is type(model.generator_optimizer) is Adam


def test_backup_and_restore_callback_resumes(tmp_path):
    """Keras' own resume: needs the model and both optimizers built before training."""
    images = tiny.images(16)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    first = tiny.model("digit:categorical(3)")
    with pytest.raises(KeyboardInterrupt):
        first.fit(images, batch_size=8, epochs=3, verbose=0, callbacks=[backup(), Interrupt()])
    resumed = tiny.model("digit:categorical(3)", seed=9)
    resumed.fit(images, batch_size=8, epochs=3, verbose=0, callbacks=[backup()])
    assert int(resumed.generator_optimizer.iterations) == 6
    assert int(resumed.discriminator_optimizer.iterations) == 6


def test_parts_are_made_in_one_order(monkeypatch):
    """Workers make the variables of a loaded model together, and the order of a set is each process' own."""
    model = tiny.model()
    config, compile_config = model.get_config(), model.get_compile_config()
    made, make = [], keras.saving.deserialize_keras_object

    def recorded(config, *arguments):
        made.append(config)
        return make(config, *arguments)

    monkeypatch.setattr(keras.saving, "deserialize_keras_object", recorded)
    InfoGAN.from_config(config).compile_from_config(compile_config)
    assert made == [*(config[name] for name in ("codes", *PARTS)), *(compile_config[name] for name in OBJECTS)]
