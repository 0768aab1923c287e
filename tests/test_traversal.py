"""Which z and c the images of a traversal are made of, read off a generator that paints them."""

import keras
import numpy as np
import pytest

from infogan_tf.codes import Bernoulli, Categorical, Circular, Gaussian, Uniform
from infogan_tf.model import InfoGAN
from infogan_tf.traversal import traverse

CODES = [Categorical("digit", 3), Uniform("slant"), Gaussian("style", 2), Bernoulli("flags", 2), Circular("angle")]
NAMES = {code.name for code in CODES}


def painting_model(codes) -> InfoGAN:
    """Pixels 0 to 3 are z, the next ones c, each as 0.5 + value / 16."""
    size = sum(code.size for code in codes)
    z, c = keras.Input((4,)), keras.Input((size,))
    values = keras.layers.Reshape((4 + size, 1))(keras.layers.Concatenate()([z, c]) / 16 + 0.5)
    image = keras.layers.Reshape((8, 8, 1))(keras.layers.ZeroPadding1D((0, 60 - size))(values))
    x = keras.Input((8, 8, 1))
    trunk = keras.Model(x, keras.layers.Flatten()(x))
    return InfoGAN(codes, (8, 8, 1), 4, generator=keras.Model([z, c], image), trunk=trunk, seed=0)


def painted(model: InfoGAN, images: np.ndarray) -> dict[str, np.ndarray]:
    """The z and the flat slice of each code that [rows, columns] images were made of."""
    values = (images.reshape(*images.shape[:2], 64) - 0.5) * 16
    parts = {"z": values[..., :4]}
    for code in model.codes.describe():
        start = 4 + code["offset"]
        parts[code["name"]] = values[..., start : start + code["size"]]
    return parts


@pytest.fixture(scope="module")
def model() -> InfoGAN:
    return painting_model(CODES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_only_the_code_changes_along_a_row(model, name):
    for dim, grid in enumerate(traverse(model, name, rows=4, columns=5)):
        parts = painted(model, grid.images)
        for other in ({"z"} | NAMES) - {name}:
            np.testing.assert_array_equal(parts[other], np.repeat(parts[other][:, :1], grid.images.shape[1], axis=1))
        if name in {"style", "flags"}:
            still = parts[name][..., 1 - dim]
            np.testing.assert_array_equal(still, np.repeat(still[:, :1], grid.images.shape[1], axis=1))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_rows_have_noise_and_context_of_their_own(model, name):
    parts = painted(model, traverse(model, name, rows=4, columns=5)[0].images)
    for other in {"z", "slant", "style", "angle"} - {name}:
        assert len(np.unique(parts[other][:, 0].round(4), axis=0)) == 4


@pytest.mark.parametrize("name", ["slant", "style"])
def test_numbers_go_from_minus_2_to_2_in_equal_steps(model, name):
    grids = traverse(model, name, rows=3, columns=9)
    assert [grid.title for grid in grids] == ([name] if name == "slant" else ["style[0]", "style[1]"])
    for dim, grid in enumerate(grids):
        assert grid.images.shape == (3, 9, 8, 8, 1)
        assert grid.images.dtype == np.float32
        values = painted(model, grid.images)[name][..., dim]
        np.testing.assert_allclose(values, np.tile(np.linspace(-2, 2, 9), (3, 1)), atol=1e-5)
        assert grid.labels == ["-2", "-1.5", "-1", "-0.5", "0", "0.5", "1", "1.5", "2"]


def test_classes_take_each_value_once(model):
    (grid,) = traverse(model, "digit", rows=2, columns=7)
    assert grid.labels == ["0", "1", "2"]
    np.testing.assert_allclose(painted(model, grid.images)["digit"], [np.eye(3)] * 2, atol=1e-5)


def test_bits_are_off_then_on(model):
    grids = traverse(model, "flags", rows=2)
    assert [grid.title for grid in grids] == ["flags[0]", "flags[1]"]
    for dim, grid in enumerate(grids):
        assert grid.labels == ["0", "1"]
        np.testing.assert_allclose(painted(model, grid.images)["flags"][..., dim], [[0, 1]] * 2, atol=1e-5)


def test_an_angle_goes_round_once(model):
    (grid,) = traverse(model, "angle", rows=2, columns=8)
    assert grid.labels == ["0°", "45°", "90°", "135°", "180°", "225°", "270°", "315°"]
    angles = np.arange(8) * np.pi / 4
    expected = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(painted(model, grid.images)["angle"], [expected] * 2, atol=1e-5)


@pytest.mark.parametrize("name", ["slant", "style", "angle"])
def test_rows_go_through_the_categories(model, name):
    """Row r shows category r, so that the grid tells whether a number means the same for every class."""
    parts = painted(model, traverse(model, name, rows=5, columns=4)[0].images)
    np.testing.assert_allclose(parts["digit"][:, 0], np.eye(3)[[0, 1, 2, 0, 1]], atol=1e-5)


def test_without_a_categorical_code_the_context_is_drawn():
    model = painting_model([Uniform("slant"), Circular("angle")])
    parts = painted(model, traverse(model, "slant", rows=6, columns=3)[0].images)
    np.testing.assert_allclose(np.linalg.norm(parts["angle"], axis=-1), 1, atol=1e-4)
    assert len(np.unique(parts["angle"][:, 0].round(4), axis=0)) == 6


def test_the_seed_decides(model):
    first, again, other = (traverse(model, "slant", 2, 3, seed)[0].images for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_traversal_does_not_disturb_the_models_own_draws(model):
    before = model.seed_generator.state.numpy()
    traverse(model, "slant", 2, 3)
    np.testing.assert_array_equal(model.seed_generator.state.numpy(), before)


def test_unknown_code_lists_the_known(model):
    with pytest.raises(KeyError, match=r"'width'; there are digit, slant, style, flags, angle"):
        traverse(model, "width")
