"""The paper's tables: shapes and parameter counts by hand; networks of any size, precision, refusals."""

import keras
import numpy as np
import pytest

from infogan_tf import architectures, networks
from infogan_tf.layers import BatchNormalization
from infogan_tf.model import InfoGAN
from infogan_tf.spectral import SpectralConv2D, SpectralDense

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


PARTS = ("generator", "trunk", "discriminator_head", "posterior_head")
# Trainable parameters of the four networks; names of presets with the parameters of their Q(c|x): a logit for each
# class, a mean and a deviation for each number.
TABLES = {
    "svhn": (
        (
            168 * 2 * 2 * 448 + batch_norm(2 * 2 * 448)  # FC 2x2x448
            + 4 * 4 * 256 * 448 + batch_norm(256)  # 4x4 upconv 256
            + 4 * 4 * 128 * 256 + 128  # 4x4 upconv 128
            + 4 * 4 * 64 * 128 + 64  # 4x4 upconv 64
            + 4 * 4 * 3 * 64 + 3  # 4x4 upconv 3
        ),
        (
            4 * 4 * 3 * 64 + 64  # 4x4 conv 64
            + 4 * 4 * 64 * 128 + batch_norm(128)  # 4x4 conv 128
            + 4 * 4 * 128 * 256 + batch_norm(256)  # 4x4 conv 256
        ),
        4 * 4 * 256 + 1,
        4 * 4 * 256 * 128 + batch_norm(128) + 128 * (4 * 10 + 4 * 2) + (4 * 10 + 4 * 2),
    ),
    "celeba": (
        (
            228 * 2 * 2 * 448 + batch_norm(2 * 2 * 448)
            + 4 * 4 * 256 * 448 + batch_norm(256)
            + 4 * 4 * 128 * 256 + 128
            + 4 * 4 * 64 * 128 + 64
            + 4 * 4 * 3 * 64 + 3
        ),
        4 * 4 * 3 * 64 + 64 + 4 * 4 * 64 * 128 + batch_norm(128) + 4 * 4 * 128 * 256 + batch_norm(256),
        4 * 4 * 256 + 1,
        4 * 4 * 256 * 128 + batch_norm(128) + 128 * 10 * 10 + 10 * 10,
    ),
    "faces_azimuth": (
        (
            133 * 1024 + batch_norm(1024)  # FC 1024
            + 1024 * 8 * 8 * 128 + batch_norm(8 * 8 * 128)  # FC 8x8x128
            + 4 * 4 * 64 * 128 + batch_norm(64)  # 4x4 upconv 64
            + 4 * 4 * 1 * 64 + 1  # 4x4 upconv 1
        ),
        (
            4 * 4 * 1 * 64 + 64  # 4x4 conv 64
            + 4 * 4 * 64 * 128 + batch_norm(128)  # 4x4 conv 128
            + 8 * 8 * 128 * 1024 + batch_norm(1024)  # FC 1024
        ),
        1024 + 1,
        1024 * 5 * 2 + 5 * 2,  # a single FC
    ),
    "chairs_width": (
        (
            189 * 1024 + batch_norm(1024)  # FC 1024
            + 1024 * 8 * 8 * 256 + batch_norm(8 * 8 * 256)  # FC 8x8x256
            + 2 * (4 * 4 * 256 * 256 + batch_norm(256))  # 4x4 upconv 256, twice
            + 4 * 4 * 128 * 256 + batch_norm(128)  # 4x4 upconv 128
            + 4 * 4 * 64 * 128 + batch_norm(64)  # 4x4 upconv 64
            + 4 * 4 * 1 * 64 + 1  # 4x4 upconv 1
        ),
        (
            4 * 4 * 1 * 64 + 64  # 4x4 conv 64
            + 4 * 4 * 64 * 128 + batch_norm(128)  # 4x4 conv 128
            + 4 * 4 * 128 * 256 + batch_norm(256)  # 4x4 conv 256
            + 2 * (4 * 4 * 256 * 256 + batch_norm(256))  # 4x4 conv 256, twice
            + 8 * 8 * 256 * 1024 + batch_norm(1024)  # FC 1024
        ),
        1024 + 1,
        1024 * (3 * 20 + 2) + (3 * 20 + 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_parameter_counts_of_the_other_tables(name):
    model = InfoGAN.from_preset(name)
    assert [trainable(getattr(model, part)) for part in PARTS] == list(TABLES[name])


# Height of the feature maps after each convolution, and their number.
MAPS = {
    "svhn": ([(16, 64), (8, 128), (4, 256)], [(4, 256), (8, 128), (16, 64), (32, 3)]),
    "faces": ([(16, 64), (8, 128)], [(16, 64), (32, 1)]),
    "chairs": (
        [(32, 64), (16, 128), (8, 256), (8, 256), (8, 256)],
        [(8, 256), (8, 256), (16, 128), (32, 64), (64, 1)],
    ),
    "sprites": ([(32, 32), (16, 64), (8, 64), (4, 128)], [(8, 64), (16, 64), (32, 32), (64, 1)]),
    "images": ([(32, 32), (16, 64), (8, 128), (4, 256)], [(8, 128), (16, 64), (32, 32), (64, 3)]),
}


@pytest.mark.parametrize("name", MAPS)
def test_feature_maps_of_the_other_tables(name):
    trunk, generator = MAPS[name]
    size, channels = generator[-1]
    model = InfoGAN("digit:categorical(3)", (size, size, channels), 4, architecture=name)
    for network, expected in ((model.trunk, trunk), (model.generator, generator)):
        maps = [layer.output.shape[1:] for layer in network.layers if "conv2d" in layer.name]
        assert maps == [(size, size, number) for size, number in expected]


@pytest.mark.parametrize("image_shape", [(8, 8, 1), (32, 32, 3), (96, 64, 3), (28, 28, 1), (128, 128, 3)], ids=str)
def test_pictures_of_many_sizes(image_shape):
    table = architectures.get("images", image_shape)
    trunk = networks.build_trunk(image_shape, table=table)
    generator = networks.build_generator(5, 3, image_shape, table=table)
    assert generator.output_shape == (None, *image_shape)
    largest = max(int(np.prod(v.shape)) for net in (trunk, generator) for v in net.trainable_variables)
    assert largest <= 4 * 4 * 128 * 256  # no layer grows with the image
    # However large the image, 4 to 7 pixels of 256 maps are left of its smaller side.
    height, width = next(layer for layer in reversed(trunk.layers) if "conv2d" in layer.name).output.shape[1:3]
    assert 4 <= min(height, width) <= 7
    assert trunk.output_shape == (None, height * width * 256)


@pytest.mark.parametrize("image_shape", [(100, 100, 3), (36, 36, 1), (6, 6, 1), (64, 100, 3)], ids=str)
def test_pictures_of_sizes_that_cannot_be_halved_far_enough(image_shape):
    with pytest.raises(ValueError, match=rf"32, 48, 64, 96 or 128; got image_shape=\({image_shape[0]}"):
        InfoGAN("digit:categorical(3)", image_shape, architecture="images")


def test_unknown_architecture_lists_the_known():
    with pytest.raises(ValueError, match="no architecture 'mnits'; there are mnist, svhn, faces, chairs, sprites, ima"):
        InfoGAN("digit:categorical(3)", architecture="mnits")


def test_all_of_d_is_spectrally_normalised_and_none_by_batches():
    model = InfoGAN("digit:categorical(3)", (32, 32, 3), 4, architecture="images")
    layers = [*model.trunk.layers, *model.discriminator_head.layers]
    assert not any(isinstance(layer, BatchNormalization) for layer in layers)
    products = [layer for layer in layers if layer.trainable_variables]
    assert products
    assert all(isinstance(layer, SpectralConv2D | SpectralDense) for layer in products)


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
