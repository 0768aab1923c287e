"""The paper's MNIST table: shapes and parameter counts by hand, precision, refusals."""

import keras
import numpy as np
import pytest

from infogan_tf import networks
from infogan_tf.layers import BatchNormalization
from infogan_tf.model import InfoGAN

NOISE, CODE, PARAMETERS = 62, 12, 14  # Cat(10) and two uniforms: 10 logits, two means, two deviations


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def batch_norm(units: int) -> int:
    """A scale and an offset per unit."""
    return 2 * units


@pytest.fixture(scope="module")
def paper() -> dict[str, keras.Model]:
    return {
        "generator": networks.build_generator(NOISE, CODE, (28, 28, 1)),
        "trunk": networks.build_trunk((28, 28, 1)),
        "discriminator_head": networks.build_discriminator_head(1024),
        "posterior_head": networks.build_posterior_head(1024, PARAMETERS),
    }


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # Batch norm's beta stands in for the bias of the layer before it.
        (
            "generator",
            (62 + 12) * 1024 + batch_norm(1024)  # FC 1024
            + 1024 * 7 * 7 * 128 + batch_norm(7 * 7 * 128)  # FC 7x7x128
            + 4 * 4 * 64 * 128 + batch_norm(64)  # 4x4 upconv 64
            + 4 * 4 * 1 * 64 + 1,  # 4x4 upconv 1
        ),
        (
            "trunk",
            4 * 4 * 1 * 64 + 64  # 4x4 conv 64
            + 4 * 4 * 64 * 128 + batch_norm(128)  # 4x4 conv 128
            + 7 * 7 * 128 * 1024 + batch_norm(1024),  # FC 1024
        ),
        ("discriminator_head", 1024 + 1),
        ("posterior_head", 1024 * 128 + batch_norm(128) + 128 * PARAMETERS + PARAMETERS),
    ],
)  # fmt: skip
def test_parameter_count(paper, name, count):
    assert trainable(paper[name]) == count


def test_shapes(paper):
    assert paper["generator"].input_shape == [(None, 62), (None, 12)]
    assert paper["generator"].output_shape == (None, 28, 28, 1)
    assert paper["trunk"].input_shape == (None, 28, 28, 1)
    assert paper["trunk"].output_shape == (None, 1024)
    assert paper["discriminator_head"].output_shape == (None, 1)
    assert paper["posterior_head"].output_shape == (None, PARAMETERS)


def test_feature_maps_halve_and_double(paper):
    def maps(model):
        return [layer.output.shape[1:] for layer in model.layers if "conv2d" in layer.name]

    assert maps(paper["trunk"]) == [(14, 14, 64), (7, 7, 128)]
    assert maps(paper["generator"]) == [(14, 14, 64), (28, 28, 1)]


def test_batch_normalisation_is_where_the_table_has_it(paper):
    counts = {name: sum(isinstance(la, BatchNormalization) for la in net.layers) for name, net in paper.items()}
    assert counts == {"generator": 3, "trunk": 2, "discriminator_head": 0, "posterior_head": 1}


def test_leaky_slope_is_the_papers(paper):
    slopes = [
        layer.negative_slope
        for name in ("trunk", "posterior_head")
        for layer in paper[name].layers
        if isinstance(layer, keras.layers.LeakyReLU)
    ]
    assert slopes == pytest.approx([0.1] * 4)


@pytest.mark.parametrize("image_shape", [(8, 8, 1), (32, 32, 3), (12, 20, 3)], ids=str)
def test_other_image_shapes(image_shape):
    generator, trunk = networks.build_generator(5, 3, image_shape), networks.build_trunk(image_shape)
    assert generator.output_shape == (None, *image_shape)
    images = generator([np.zeros((2, 5), "float32"), np.zeros((2, 3), "float32")])
    assert images.shape == (2, *image_shape)
    assert trunk(images).shape == (2, 1024)


@pytest.mark.parametrize("image_shape", [(30, 28, 1), (28, 27, 3), (2, 4, 1)], ids=str)
def test_sizes_that_cannot_be_halved_twice_are_refused(image_shape):
    with pytest.raises(ValueError, match=r"multiples of 4.*image_shape=\(" + str(image_shape[0])):
        InfoGAN("digit:categorical(10)", image_shape)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_images_and_heads_are_float32_under_every_policy(policy):
    model = InfoGAN("digit:categorical(3),slant:uniform", (8, 8, 1), 4, dtype=policy)
    z, c = model.sample(2)
    images = model.generator([z, c])
    features = model.trunk(images)
    assert images.dtype == "float32"
    assert features.dtype == policy.removeprefix("mixed_")
    assert model.discriminator_head(features).dtype == "float32"
    assert model.posterior_head(features).dtype == "float32"
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}


def test_images_stay_in_the_unit_interval():
    generator = networks.build_generator(4, 3, (8, 8, 1))
    z = np.random.default_rng(0).normal(0, 100, (16, 4)).astype(np.float32)
    images = np.array(generator([z, 100 * np.eye(3, dtype=np.float32)[np.arange(16) % 3]]))
    assert images.min() >= 0
    assert images.max() <= 1
