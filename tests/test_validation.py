"""One error that names the culprit, for each thing a user can get wrong."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import validation
from infogan_tf.code_spec import CodeSpec
from infogan_tf.codes import Categorical
from infogan_tf.model import InfoGAN
from tests import tiny

ADAM = keras.optimizers.Adam()
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
        ("contrast_head", network([(12,), (12,)], (5,)), r"contrast_head must give \[batch, 7\]"),
        ("contrast_head", network((12,), (7,)), r"contrast_head must take features \[batch, 12\] and features"),
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
        validation.check_data(tf.data.Dataset.from_generator(generator, output_signature=spec), (8, 8, 1))


def test_a_dataset_of_unknown_shape_is_checked_by_its_first_batch():
    spec = tf.TensorSpec(None, tf.float32)
    data = tf.data.Dataset.from_generator(lambda: [np.zeros((2, 9, 8, 1), "float32")], output_signature=spec)
    with pytest.raises(ValueError, match=r"got \[2, 9, 8, 1\]"):
        validation.check_data(data, (8, 8, 1))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (np.zeros((0, 8, 8, 1)), "there are no images"),
        (tf.data.Dataset.from_tensor_slices(tiny.images(3)).batch(8, drop_remainder=True), "there are no images"),
        (
            tf.data.Dataset.from_tensor_slices({"image": tiny.images(3)}).batch(2),
            r"must give images or \(images, labels",
        ),
        ((tiny.images(3), np.eye(3)), r"labels must be integers \[batch\], .* got \[3, 3\]"),
        ((np.full((3, 8, 8, 1), 255, np.uint8), np.zeros(3)), "divide 8-bit images by 255"),
    ],
    ids=["no images", "no batch", "dicts", "one-hot labels", "bytes"],
)
def test_data_of_every_loop_is_refused_before_it_runs(data, text):
    model = tiny.model()
    images, labels = data if isinstance(data, tuple) else (data, None)
    for loop in (
        lambda: model.fit(tiny.images(4), validation_data=data, verbose=0),
        lambda: model.evaluate(images, labels, verbose=0),
    ):
        with pytest.raises(ValueError, match=text):
            loop()
    if labels is None or labels.ndim == 1:
        with pytest.raises(ValueError, match=text):
            model.predict(images, verbose=0)
    assert int(model.generator_optimizer.iterations) == 0


@pytest.mark.parametrize("dtype", [np.float64, np.float16, bool])
def test_images_of_other_types_train(dtype):
    data = tf.data.Dataset.from_tensor_slices(np.round(tiny.images(4)).astype(dtype)).batch(4)
    losses = [tiny.model().fit(d, verbose=0).history["d_loss"] for d in (data, np.round(tiny.images(4)))]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_a_last_batch_without_a_pair_is_refused():
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), contrast_head=True)
    model.compile()
    with pytest.raises(
        ValueError, match=r"with 9 images and batch_size 4 the last batch is of 1, but it needs 2 or more"
    ):
        model.fit(tiny.images(9), batch_size=4, verbose=0)


def test_networks_of_unknown_shapes_are_named():
    class Trunk(keras.Model):
        def call(self, x):
            return keras.ops.reshape(x, (-1, 64))

    for trunk in (Trunk(), keras.Sequential([keras.layers.Flatten()])):
        with pytest.raises(ValueError, match=f"trunk must be a functional model.* got {type(trunk).__name__}"):
            InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, trunk=trunk)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: InfoGAN(tiny.CODES, (28, 28)), r"image_shape must be \(height, width, channels\), .* got \(28, 28\)"),
        (lambda: tiny.model(lambdas=[1, 0.1]), "lambdas must be one number, or numbers by the codes' names"),
        (lambda: tiny.model(optimizer="adam"), "InfoGAN has no optimizer, but discriminator_optimizer"),
        (lambda: tiny.model(loss="mse"), "InfoGAN has its own losses and metrics, and takes no loss"),
        (lambda: tiny.model(metrics=["accuracy"]), "InfoGAN has its own losses and metrics, and takes no metrics"),
        (
            lambda: tiny.model().fit(tiny.images(4), sample_weight=np.ones(4), verbose=0),
            "InfoGAN's losses take no sample_weight",
        ),
        (lambda: tiny.model(**dict.fromkeys(["discriminator_optimizer", "generator_optimizer"], ADAM)), "of its own"),
        (lambda: tiny.model().generate(n=2.0), "n must be an integer, got 2.0"),
    ],
    ids=[
        "shape",
        "list of lambdas",
        "one optimizer",
        "a loss",
        "metrics",
        "weights of samples",
        "a shared optimizer",
        "half an image",
    ],
)
def test_arguments_of_another_kind_are_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()


def test_numpys_integers_are_integers():
    assert json.dumps(Categorical("a", np.int64(3)).get_config()) == json.dumps(Categorical("a", 3).get_config())
