"""Sprites: their geometry against independent drawings, and the data set that they make."""

import numpy as np
import pytest

from infogan_tf import datasets
from infogan_tf.datasets.sprites import AREA, SHAPES, Sprites

SQUARE, ELLIPSE, HEART = range(3)
SPRITES = Sprites()


def draw(**factors) -> np.ndarray:
    """uint8 [n, 64, 64] of factors that are numbers or arrays; those left out are in the middle."""
    values = {"shape": HEART, "scale": 5, "rotation": 0, "x": 16, "y": 16, **factors}
    return SPRITES.images(np.stack(np.broadcast_arrays(*map(np.atleast_1d, values.values())), axis=1))[..., 0]


def random_factors(n: int, sprites: Sprites = SPRITES) -> np.ndarray:
    return np.random.default_rng(0).integers(0, sprites.factor_sizes, (n, len(sprites.factor_sizes)))


def test_the_factors_are_those_of_dsprites():
    assert SPRITES.factor_names == ("shape", "scale", "rotation", "x", "y")
    assert SPRITES.factor_sizes == (3, 6, 40, 32, 32)
    assert SPRITES.image_shape == (64, 64, 1)
    images = SPRITES.images(random_factors(5))
    assert (images.shape, images.dtype) == ((5, 64, 64, 1), np.uint8)
    assert (images.min(), images.max()) == (0, 255)


@pytest.mark.parametrize("size", [64, 40])
def test_the_centre_of_mass_is_at_x_and_y(size):
    sprites = Sprites(size)
    factors = random_factors(300)
    mass = sprites.images(factors)[..., 0].astype(float)
    x, y = ((mass.sum(axis) * np.arange(size)).sum(axis=1) / mass.sum(axis=(1, 2)) for axis in (1, 2))
    for found, factor in ((x, factors[:, 3]), (y, factors[:, 4])):
        expected = np.linspace(size / 4, size * 3 / 4 - 1, 32)[factor]
        np.testing.assert_allclose(found, expected, atol=0.06)


def test_the_area_is_the_square_of_the_scale():
    factors = random_factors(300)
    area = SPRITES.images(factors)[..., 0].sum(axis=(1, 2)) / 255
    np.testing.assert_allclose(area, AREA * (0.5 + 0.1 * factors[:, 1]) ** 2, rtol=0.03)


def square(u, v):
    return (np.abs(u) <= 11) & (np.abs(v) <= 11)


def heart(u, v):
    """Whether points are in the heart at scale 1: the square's inside, or within half a side of a side's middle."""
    side = (AREA / (1 + np.pi / 4)) ** 0.5
    points = np.stack([u, v + 0.2215 * side], axis=-1)
    square = (np.abs(points) @ [1, 1]) <= side / 2**0.5
    circles = [np.linalg.norm(points - side / 8**0.5 * np.array(way), axis=-1) <= side / 2 for way in ([1, 1], [-1, 1])]
    return square | circles[0] | circles[1]


def ellipse(u, v):
    return (u / 15) ** 2 + (v * 15 * np.pi / AREA) ** 2 <= 1


@pytest.mark.parametrize(("shape", "inside"), enumerate([square, ellipse, heart]), ids=SHAPES)
@pytest.mark.parametrize("rotation", [0, 7, 25])
@pytest.mark.parametrize("scale", [0, 5])
def test_pixels_are_as_bright_as_they_are_covered(shape, inside, rotation, scale):
    """Against counting which of 8 x 8 points of each pixel are inside of the shape.

    They may differ by a quarter in corners, whose pixels are taken to lie on an edge.
    """
    angle, unit = 2 * np.pi * rotation / 40, 0.5 + 0.1 * scale
    fine = (np.arange(512) + 0.5) / 8
    right, up = np.meshgrid(fine - 25.5, 36.5 - fine)
    u, v = (right * np.cos(angle) + up * np.sin(angle)) / unit, (up * np.cos(angle) - right * np.sin(angle)) / unit
    expected = 255 * inside(u, v).reshape(64, 8, 64, 8).mean(axis=(1, 3))
    (found,) = draw(shape=shape, scale=scale, rotation=rotation, x=9, y=20)
    assert np.abs(found - expected).max() < 0.3 * 255
    assert np.abs(found - expected).sum() < 0.03 * expected.sum()


def test_a_step_in_x_or_y_is_one_pixel_and_nothing_is_cut_off():
    for shape in range(3):
        for rotation in range(40):
            corner, opposite = (draw(shape=shape, rotation=rotation, x=k, y=k)[0] for k in (0, 31))
            np.testing.assert_array_equal(np.roll(corner, (31, 31), (0, 1)), opposite)
            assert int(corner.sum()) == int(draw(shape=shape, rotation=rotation)[0].sum())


@pytest.mark.parametrize("shape", range(3), ids=SHAPES)
def test_a_quarter_of_a_turn_is_ten_rotations_counter_clockwise(shape):
    for rotation in (0, 4, 29):
        (image,) = draw(shape=shape, rotation=rotation, x=3, y=26)
        (turned,) = draw(shape=shape, rotation=rotation + 10, x=26, y=31 - 3)
        assert np.abs(turned.astype(int) - np.rot90(image)).max() <= 1


def distinct(images: np.ndarray, tolerance: int = 2) -> int:
    """How many images differ from all before them by more than rounding."""
    found = []
    for image in images.astype(int):
        if all(np.abs(image - other).max() > tolerance for other in found):
            found.append(image)
    return len(found)


@pytest.mark.parametrize(("shape", "expected"), [(SQUARE, 10), (ELLIPSE, 20), (HEART, 40)], ids=SHAPES)
@pytest.mark.parametrize("scale", [0, 5])
def test_rotations_differ_as_far_as_the_shape_lets_them(shape, expected, scale):
    images = draw(shape=shape, scale=scale, rotation=np.arange(40))
    assert distinct(images) == expected
    period = images[np.arange(-expected, 40 - expected)]  # each is the one a symmetry before
    assert np.abs(images.astype(int) - period).max() <= 1


@pytest.mark.parametrize("color", [False, True])
def test_every_value_of_every_factor_shows(color):
    sprites = Sprites(color=color)
    for factor, size in enumerate(sprites.factor_sizes):
        factors = np.tile([HEART, 2, 13, 7, 9, 3, 2][: len(sprites.factor_sizes)], (size, 1))
        factors[:, factor] = np.arange(size)
        assert distinct(sprites.images(factors)) == size, sprites.factor_names[factor]


def test_colours():
    sprites = Sprites(32, color=True)
    assert sprites.factor_names[5:] == ("hue", "brightness")
    assert sprites.image_shape == (32, 32, 3)
    middle = [[SQUARE, 5, 0, 8, 8, hue, brightness] for hue, brightness in ((0, 3), (0, 0), (4, 3), (2, 1))]
    found = [image[16, 16].tolist() for image in sprites.images(np.array(middle))]
    assert found == [[255, 0, 0], [102, 0, 0], [0, 255, 255], [76, 153, 0]]


@pytest.mark.parametrize("color", [False, True])
def test_an_image_does_not_depend_on_those_drawn_with_it(color):
    sprites = Sprites(32, color)
    factors = random_factors(100, sprites)
    together = sprites.images(factors)
    for part in (slice(0, 1), slice(30, 70), slice(99, None, -1)):
        np.testing.assert_array_equal(sprites.images(factors[part]), together[part])
    assert sprites.images(factors[:0]).shape == (0, *sprites.image_shape)


@pytest.mark.parametrize(
    ("factors", "text"),
    [
        ([[0, 0, 0, 0]], r"must be integers \[n, 5\], got int64 \[1, 4\]"),
        ([0, 0, 0, 0, 0], r"got int64 \[5\]"),
        ([[0.0, 0, 0, 0, 0]], "got float64"),
        ([[0, 0, 40, 0, 0]], r"from 0 and below \(3, 6, 40, 32, 32\)"),
        ([[0, 0, -1, 0, 0]], "from 0 and below"),
    ],
)
def test_factors_that_are_no_good(factors, text):
    with pytest.raises(ValueError, match=text):
        SPRITES.images(np.array(factors))


# ---------------------------------------------------------------- the data set


@pytest.mark.parametrize(("name", "shape"), [("sprites", (32, 32, 1)), ("sprites_color", (16, 16, 3))])
def test_every_combination_is_in_one_split(name, shape):
    train, test = (datasets.load(name, split, image_shape=shape) for split in ("train", "test"))
    sprites = Sprites(shape[0], color=name == "sprites_color")
    assert len(test.images) == 10_000
    assert len(train.images) + len(test.images) == np.prod(sprites.factor_sizes)
    numbers = np.concatenate([train.images._numbers, test.images._numbers])
    assert (np.bincount(numbers) == 1).all()
    factors = np.stack(np.unravel_index(test.images._numbers[:50], sprites.factor_sizes), axis=1)
    np.testing.assert_array_equal(test.images[:50], sprites.images(factors))
    np.testing.assert_array_equal(test.labels[:50], factors[:, 0])
    assert test.label_names == SHAPES
    # The held-out images are like the others: every value of every factor as often as chance has it.
    everywhere = np.unravel_index(test.images._numbers, sprites.factor_sizes)
    for column, size in zip(everywhere, sprites.factor_sizes, strict=True):
        counts = np.bincount(column, minlength=size)
        assert np.abs(counts - 10_000 / size).max() < 5 * (10_000 / size) ** 0.5


def test_the_same_sprites_every_time():
    first, again = (datasets.load("sprites", "test").images for _ in range(2))
    assert first.shape == (10_000, 64, 64, 1)
    np.testing.assert_array_equal(first[:20], again[:20])


def test_training_images_are_a_function_of_seed_and_place():
    images = datasets.load("sprites", image_shape=(16, 16, 1)).images
    whole = list(datasets.training_batches(images, 6, 3).take(5).as_numpy_iterator())
    rest = list(datasets.training_batches(images, 6, 3, first_batch=2).take(3).as_numpy_iterator())
    np.testing.assert_array_equal(whole[2:], rest)
    (other,) = datasets.training_batches(images, 6, 4).take(1).as_numpy_iterator()
    assert not np.array_equal(other, whole[0])
    (longer,) = datasets.training_batches(images, 30, 3).take(1).as_numpy_iterator()
    np.testing.assert_array_equal(longer, np.concatenate(whole))


@pytest.mark.parametrize(
    ("name", "shape"), [("sprites", (64, 32, 1)), ("sprites", (32, 32, 3)), ("sprites_color", (32, 32, 1))]
)
def test_image_shapes_that_sprites_lack(name, shape):
    with pytest.raises(ValueError, match=r"sprites are square, with [13] channels"):
        datasets.load(name, image_shape=shape)


def test_sprites_are_16_pixels_or_more():
    with pytest.raises(ValueError, match="16 pixels or more, got 8"):
        Sprites(8)
