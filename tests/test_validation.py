"""One error that names the culprit, for each thing a user can get wrong."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import validation
from infogan_tf.code_spec import CodeSpec
from infogan_tf.model import InfoGAN
from tests import tiny

CODES = CodeSpec.parse("digit:categorical(3),slant:uniform,angle:circular,flags:bernoulli")


@pytest.mark.parametrize(
    ("lambdas", "resolved"),
    [
        (None, [1.0, 0.1, 0.1, 1.0]),
        (2, [2.0, 2.0, 2.0, 2.0]),
        (0.0, [0.0, 0.0, 0.0, 0.0]),
        ({}, [1.0, 0.1, 0.1, 1.0]),
        ({"slant": 0.5}, [1.0, 0.5, 0.1, 1.0]),
        ({"digit": 0, "slant": 1, "angle": 2, "flags": 3}, [0.0, 1.0, 2.0, 3.0]),
    ],
    ids=str,
)
def test_lambdas(lambdas, resolved):
    assert validation.resolve_lambdas(CODES, lambdas) == dict(
        zip(["digit", "slant", "angle", "flags"], resolved, strict=True)
    )


@pytest.mark.parametrize(
    ("lambdas", "text"),
    [
        ({"slnat": 1}, r"names no code: slnat; codes are digit, slant, angle, flags"),
        ({"slant": -0.1}, "'slant' must be a number from 0 up, got -0.1"),
        ({"digit": float("nan")}, "'digit' .* got nan"),
        (float("inf"), "'digit' .* got inf"),
        (-1, "'digit' .* got -1"),
    ],
    ids=str,
)
def test_lambdas_refused(lambdas, text):
    with pytest.raises(ValueError, match=text):
        validation.resolve_lambdas(CODES, lambdas)


def network(inputs, outputs):
    """A network of the given shapes (without the batch) that computes zeros."""
    several = isinstance(inputs, list)
    ins = [keras.Input(shape) for shape in (inputs if several else [inputs])]
    flat = [keras.layers.Flatten()(x) for x in ins]
    joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    out = keras.layers.Reshape(outputs)(keras.layers.Dense(int(np.prod(outputs)))(joined))
    return keras.Model(ins if several else ins[0], out)


@pytest.mark.parametrize(
    ("name", "wrong", "text"),
    [
        ("generator", network([(4,), (10,)], (8, 9, 1)), r"generator must give \[batch, 8, 8, 1\].*\(None, 8, 9, 1\)"),
        ("generator", network([(4,), (10,)], (64,)), r"generator must give \[batch, 8, 8, 1\]"),
        ("generator", network([(5,), (10,)], (8, 8, 1)), r"generator must take z \[batch, 4\] and c \[batch, 10\]"),
        ("generator", network([(10,), (4,)], (8, 8, 1)), r"generator must take z"),
        ("generator", network((14,), (8, 8, 1)), r"generator must take z"),
        ("generator", network([(4,), (10,), (1,)], (8, 8, 1)), r"generator must take z"),
        ("trunk", network((28, 28, 1), (12,)), r"trunk must take \[batch, 8, 8, 1\].*\(None, 28, 28, 1\)"),
        ("trunk", network((8, 8, 1), (3, 4)), r"trunk must give features \[batch, any\], got \(None, 3, 4\)"),
        ("discriminator_head", network((12,), (2,)), r"discriminator_head must give \[batch, 1\]"),
        ("discriminator_head", network((13,), (1,)), r"discriminator_head must take \[batch, 12\]"),
        ("posterior_head", network((12,), (10,)), r"posterior_head must give \[batch, 13\].*\(None, 10\)"),
        ("posterior_head", network((11,), (13,)), r"posterior_head must take \[batch, 12\]"),
    ],
)
def test_networks_that_do_not_fit_are_named(name, wrong, text):
    with pytest.raises(ValueError, match=text):
        InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **{**tiny.networks(), name: wrong})


def test_own_networks_that_fit_are_used():
    own = tiny.networks()
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **own)
    assert all(getattr(model, name) is value for name, value in own.items())


@pytest.mark.parametrize("data", [tiny.images(3), tiny.images(0), np.zeros((1, 8, 8, 1)), np.ones((1, 8, 8, 1))])
def test_images_in_the_unit_interval_pass(data):
    assert validation.check_images(data, (8, 8, 1)) is None


@pytest.mark.parametrize(
    ("low", "high", "hint"),
    [(0, 255, True), (0, 2, True), (-1, 1, False), (-1, 255, False), (0, 65535, False)],
)
def test_only_what_looks_8_bit_gets_the_hint(low, high, hint):
    images = np.full((2, 8, 8, 1), low, np.float32)
    images[0, 0, 0] = high
    with pytest.raises(ValueError, match=f"found {low} to {high}") as error:
        validation.check_images(images, (8, 8, 1))
    assert ("divide 8-bit images by 255" in str(error.value)) == hint


def test_a_datasets_shape_is_refused_before_it_is_read():
    def generator():
        raise AssertionError("read")
        yield

    spec = tf.TensorSpec((None, 28, 28, 1), tf.float32)
    with pytest.raises(ValueError, match=r"images must be \[batch, 8, 8, 1\]"):
        validation.check_training_data(tf.data.Dataset.from_generator(generator, output_signature=spec), (8, 8, 1))


def test_a_dataset_of_unknown_shape_is_checked_by_its_first_batch():
    spec = tf.TensorSpec(None, tf.float32)
    data = tf.data.Dataset.from_generator(lambda: [np.zeros((2, 9, 8, 1), "float32")], output_signature=spec)
    with pytest.raises(ValueError, match=r"got \[2, 9, 8, 1\]"):
        validation.check_training_data(data, (8, 8, 1))
