"""Instance noise as the trunk sees it: how much, when, on what."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.model import InfoGAN
from tests import tiny

STDDEV, STEPS, BATCH = 0.5, 4, 128


class Recorder(keras.layers.Layer):
    """Keeps what passes through it. `each` does not know it, so batches come one after another."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, x):
        if tf.executing_eagerly() and isinstance(x, tf.Tensor):
            self.seen.append(x.numpy())
        return x


def recorded(**arguments) -> tuple[InfoGAN, list[np.ndarray]]:
    """A model, and the list of all images that its trunk sees from now on."""
    keras.utils.set_random_seed(0)
    networks, recorder, x = tiny.networks(), Recorder(), keras.Input(tiny.IMAGE_SHAPE)
    networks["trunk"] = keras.Model(x, networks["trunk"](recorder(x)))
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **networks, seed=0)
    model.compile(**arguments)
    recorder.seen.clear()
    return model, recorder.seen


def test_it_falls_in_a_straight_line_to_exactly_nothing():
    model, seen = recorded(instance_noise_stddev=STDDEV, instance_noise_steps=STEPS)
    real = np.full((BATCH, *tiny.IMAGE_SHAPE), 0.5, np.float32)
    for step in range(STEPS + 2):
        seen.clear()
        model.train_step(tf.constant(real))
        images, in_discriminator_step, in_generator_step = seen
        noise = images - real
        between = in_discriminator_step - in_generator_step  # the same generated images, noise drawn anew
        if step < STEPS:
            stddev, next_stddev = STDDEV * (1 - step / STEPS), STDDEV * (1 - (step + 1) / STEPS)
            assert noise.std() == pytest.approx(stddev, rel=0.05)
            assert abs(noise.mean()) < 0.05 * stddev
            assert between.std() == pytest.approx(np.hypot(stddev, next_stddev), rel=0.05)
        else:
            np.testing.assert_array_equal(images, real)
            np.testing.assert_array_equal(in_discriminator_step, in_generator_step)


def test_what_stays():
    model, seen = recorded(instance_noise_stddev=STDDEV, instance_noise_end_stddev=0.2, instance_noise_steps=STEPS)
    real = np.full((BATCH, *tiny.IMAGE_SHAPE), 0.5, np.float32)
    for stddev in (0.5, 0.425, 0.35, 0.275, 0.2, 0.2, 0.2):
        seen.clear()
        model.train_step(tf.constant(real))
        assert (seen[0] - real).std() == pytest.approx(stddev, rel=0.05)


def test_every_image_has_its_own():
    model, seen = recorded(instance_noise_stddev=STDDEV, instance_noise_steps=STEPS)
    real = np.zeros((BATCH, *tiny.IMAGE_SHAPE), np.float32)
    for _ in range(2):
        model.train_step(tf.constant(real))
    drawn = np.concatenate([seen[0], seen[3]]).reshape(2 * BATCH, -1)
    correlation = np.corrcoef(drawn) - np.eye(2 * BATCH)
    assert np.abs(correlation).max() < 0.7  # of 64 pixels each: 0.125 is one standard deviation


def test_inference_sees_images_as_they_are():
    model, seen = recorded(instance_noise_stddev=STDDEV, instance_noise_steps=STEPS)
    images = tiny.images(4)
    model.infer_code(images)
    model.test_step(tf.constant(images))
    np.testing.assert_array_equal(seen[0], images)
    np.testing.assert_array_equal(seen[2], images)  # of three, the first being the generated


def test_without_it_nothing_is_drawn():
    model, seen = recorded()
    images = tiny.images(8)
    model.train_step(tf.constant(images))
    np.testing.assert_array_equal(seen[0], images)
    plain = tiny.model()
    plain.train_step(tf.constant(images))
    np.testing.assert_array_equal(model.seed_generator.state, plain.seed_generator.state)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"instance_noise_stddev": -0.1}, "instance_noise_stddev must be a number from 0 up, got -0.1"),
        ({"instance_noise_stddev": float("nan")}, "instance_noise_stddev.*nan"),
        ({"instance_noise_stddev": 0.1, "instance_noise_steps": 0}, "instance_noise_steps must be 1 or more, got 0"),
        (
            {"instance_noise_stddev": 0.1, "instance_noise_end_stddev": 0.2},
            "instance_noise_end_stddev must be from 0 to instance_noise_stddev, 0.1, got 0.2",
        ),
        ({"instance_noise_stddev": 0.1, "instance_noise_end_stddev": float("nan")}, "instance_noise_end_stddev.*nan"),
    ],
    ids=str,
)
def test_what_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        tiny.model(**arguments)
