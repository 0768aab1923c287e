"""What a user asks a model: `generate`, `infer_code`, `predict`, `sample`."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.codes import Categorical, Uniform
from infogan_tf.model import InfoGAN
from tests import tiny


@pytest.fixture(scope="module")
def model() -> InfoGAN:
    return tiny.model()


def test_generate_is_the_generator_in_inference_mode(model):
    z, c = model.sample(5, tf.constant([1, 2]))
    images = model.generate(z, c)
    assert images.shape == (5, 8, 8, 1)
    assert images.dtype == tf.float32
    assert 0 <= images.numpy().min() <= images.numpy().max() <= 1
    np.testing.assert_array_equal(images, model.generator([z, c], training=False))
    np.testing.assert_allclose(images[1:3], model.generate(z[1:3], c[1:3]), atol=1e-6)


@pytest.mark.parametrize("given", ["z", "c", "n"])
def test_what_is_not_given_is_drawn_by_the_seed(model, given):
    z, c = model.sample(6, tf.constant([1, 2]))
    arguments = {"z": {"z": z}, "c": {"c": c}, "n": {"n": 6}}[given]
    first, again = (model.generate(**arguments, seed=7).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (6, 8, 8, 1)
    assert (first != model.generate(**arguments, seed=8).numpy()).any()


def test_without_a_seed_draws_differ(model):
    assert (model.generate(n=3).numpy() != model.generate(n=3).numpy()).any()


def test_one_image_by_default(model):
    assert model.generate().shape == (1, 8, 8, 1)


def test_generate_accepts_lists(model):
    z, c = model.sample(2, tf.constant([1, 2]))
    np.testing.assert_array_equal(model.generate(z.numpy().tolist(), c.numpy().tolist()), model.generate(z, c))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"z": np.zeros((2, 5))}, r"z must be \[n, 4\], got \[2, 5\]"),
        ({"z": np.zeros(4)}, "z must be"),
        ({"c": np.zeros((2, 9))}, r"c must be \[n, 10\], got \[2, 9\]"),
        ({"c": np.zeros((2, 10, 1))}, r"c must be \[n, 10\], got \[2, 10, 1\]"),
        ({"z": np.zeros((2, 4)), "c": np.zeros((3, 10))}, "z has 2, c has 3"),
        ({"z": np.zeros((2, 4)), "n": 3}, "z has 2, n has 3"),
        ({"n": 0}, "n must be 1 or more, got 0"),
        ({"z": np.zeros((0, 4))}, "1 or more, got 0"),
        ({"z": 0.5}, "z must be"),
    ],
    ids=str,
)
def test_generate_refuses_wrong_shapes(model, arguments, text):
    with pytest.raises(ValueError, match=text):
        model.generate(**arguments)


def test_infer_code_reads_the_posterior_head(model):
    images = tiny.images(6)
    found = {name: value.numpy() for name, value in model.infer_code(images).items()}
    raw = model.posterior_head(model.trunk(images)).numpy().astype(np.float64)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    assert found["code"].shape == (6, 10)
    softmax = np.exp(raw[:, :3]) / np.exp(raw[:, :3]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["digit_probs"], softmax, rtol=1e-4)
    np.testing.assert_allclose(found["slant_mean"], raw[:, 3:4], rtol=1e-5)
    np.testing.assert_allclose(found["slant_stddev"], 0.1 + np.logaddexp(0, raw[:, 4:5]), rtol=1e-4)
    np.testing.assert_allclose(found["flags_probs"], 1 / (1 + np.exp(-raw[:, 9:11])), rtol=1e-4)
    np.testing.assert_allclose(found["angle_mean"][:, 0], np.arctan2(raw[:, 12], raw[:, 11]), rtol=1e-4)


def test_predict_is_infer_code(model):
    images = tiny.images(5)
    predicted, inferred = model.predict(images, batch_size=2, verbose=0), model.infer_code(images)
    assert set(predicted) == set(inferred)
    for name, value in inferred.items():
        np.testing.assert_allclose(predicted[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (tiny.images(1)[0], r"images must be \[batch, 8, 8, 1\], got \[8, 8, 1\]"),
        (np.zeros((2, 8, 9, 1)), r"got \[2, 8, 9, 1\]"),
        (np.zeros((2, 8, 8, 3)), r"got \[2, 8, 8, 3\]"),
        (np.full((2, 8, 8, 1), 200, np.uint8), "0, 1.*found 200 to 200; divide 8-bit images by 255"),
        (np.full((2, 8, 8, 1), -0.5), r"in \[0, 1\], found -0.5 to -0.5$"),
        (np.full((2, 8, 8, 1), np.inf), "found inf"),
    ],
    ids=["no batch", "width", "channels", "uint8", "negative", "infinite"],
)
def test_infer_code_refuses_what_is_no_image(model, images, text):
    with pytest.raises(ValueError, match=text):
        model.infer_code(images)


def test_codes_survive_the_round_trip_of_a_perfect_pair():
    """A generator that paints the code and a posterior head that reads it: infer_code gives the code back."""
    z, c = keras.Input((4,)), keras.Input((4,))
    painted = keras.layers.Reshape((8, 8, 1))(
        keras.layers.ZeroPadding1D((0, 60))(keras.layers.Reshape((4, 1))(c / 4 + 0.5 + 0 * z))
    )
    x = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(x)
    read = keras.Input((64,))
    code = (read[:, :4] - 0.5) * 4
    infogan = InfoGAN(
        [Categorical("digit", 3), Uniform("slant", stddev=0.1)],
        (8, 8, 1),
        4,
        generator=keras.Model([z, c], painted),
        trunk=keras.Model(x, features),
        posterior_head=keras.Model(read, keras.ops.concatenate([50 * code[:, :3], code[:, 3:]], axis=1)),
    )
    drawn_z, drawn_c = infogan.sample(20)
    inferred = infogan.infer_code(infogan.generate(drawn_z, drawn_c))
    np.testing.assert_allclose(inferred["code"], drawn_c, atol=1e-5)


def test_sample_is_noise_and_prior():
    model = tiny.model("slant:uniform")
    z, c = (value.numpy() for value in model.sample(4000, tf.constant([3, 4])))
    assert z.shape == (4000, 4)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=4 / math.sqrt(4000))
    np.testing.assert_allclose(z.var(axis=0), 1, atol=4 * math.sqrt(2 / 4000))
    assert np.abs(np.corrcoef(np.concatenate([z, c], axis=1).T) - np.eye(5)).max() < 5 / math.sqrt(4000)


def test_same_seed_same_draws():
    a, b = tiny.model(seed=3), tiny.model(seed=3)
    for _ in range(2):
        for x, y in zip(a.sample(4), b.sample(4), strict=True):
            np.testing.assert_array_equal(x, y)
    assert (a.sample(4)[0].numpy() != tiny.model(seed=4).sample(4)[0].numpy()).any()
