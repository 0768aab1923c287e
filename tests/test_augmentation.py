"""Random views against scipy, and what reading codes through an augmentation does to training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage, stats

from infogan_tf.augmentation import RandomView
from infogan_tf.datasets.sprites import Sprites
from infogan_tf.image_maps import affine, blurred, erased, moments
from infogan_tf.model import InfoGAN
from tests import tiny

AMOUNTS = ("rotation", "shear", "scale", "right", "down")


def mapped(images: np.ndarray, **amounts: float) -> np.ndarray:
    columns = [tf.fill([len(images)], np.float32(amounts.get(name, 0.0))) for name in AMOUNTS]
    return affine(tf.constant(images), *columns).numpy()


def test_no_amounts_change_nothing():
    images = tiny.images(3)
    np.testing.assert_allclose(mapped(images), images, atol=1e-6)


def test_shifts_move_right_and_down_and_bring_in_zeros():
    images = tiny.images(2)
    expected = np.zeros_like(images)
    expected[:, 1:, 2:] = images[:, :-1, :-2]
    np.testing.assert_allclose(mapped(images, right=2, down=1), expected, atol=1e-5)


def test_a_quarter_turn_is_clockwise():
    images = tiny.images(2)
    np.testing.assert_allclose(mapped(images, rotation=np.pi / 2), np.rot90(images, -1, axes=(1, 2)), atol=1e-4)


def test_shear_moves_the_top_to_the_right():
    image = np.zeros((1, 9, 9, 1), np.float32)
    image[0, 2, 4] = 1  # two rows above the centre
    assert np.argwhere(mapped(image, shear=1.0)[0, :, :, 0]).tolist() == [[2, 6]]


@pytest.mark.parametrize("seed", range(3))
def test_the_map_is_turn_shear_scale_and_shift_about_the_centre(seed):
    """Forward map in (x right, y down): p -> scale(shear(turn(p))) + shift; scipy samples with its inverse."""
    rng = np.random.default_rng(seed)
    rotation, shear, scale, right, down = rng.uniform(-0.4, 0.4, 5) * [1, 1, 1, 5, 5]
    image = ndimage.gaussian_filter(rng.random((20, 16)), 1).astype(np.float32)
    turn = np.array([[np.cos(rotation), -np.sin(rotation)], [np.sin(rotation), np.cos(rotation)]])
    inverse = np.linalg.inv(np.exp(scale) * np.array([[1, -shear], [0, 1]]) @ turn)
    center, shift = np.array([7.5, 9.5]), np.array([right, down])
    offset = center - inverse @ (center + shift)
    swap = np.array([[0, 1], [1, 0]])  # scipy's axes are (row, column)
    expected = ndimage.affine_transform(image, swap @ inverse @ swap, swap @ offset, order=1)
    actual = mapped(image[None, :, :, None], rotation=rotation, shear=shear, scale=scale, right=right, down=down)[
        0, :, :, 0
    ]
    inside = ndimage.affine_transform(np.ones_like(image), swap @ inverse @ swap, swap @ offset, order=1) > 0.999
    assert inside.sum() > 100
    np.testing.assert_allclose(actual[inside], expected[inside], atol=1e-4)


def test_draws_stay_within_their_amounts_and_differ_between_images():
    """A single bright pixel in the centre shows its shift: at most 0.25 * 8 pixels."""
    image = np.zeros((200, 8, 8, 1), np.float32)
    image[:, 3:5, 3:5] = 1
    moved = RandomView(0, 0, 0, shift=0.25, seed=0)(image).numpy()[..., 0]
    centres = np.stack([(moved * grid).sum((1, 2)) / moved.sum((1, 2)) for grid in np.indices((8, 8))], 1) - 3.5
    assert np.abs(centres).max() <= 2 + 1e-4
    np.testing.assert_allclose(centres.std(axis=0), 2 / np.sqrt(3), rtol=0.15)
    assert abs(np.corrcoef(centres.T)[0, 1]) < 0.2


def test_a_rectangle_is_erased_and_nothing_else():
    images = 0.5 + tiny.images(2) / 2
    down, right, height, width = tf.transpose(tf.constant([[0.5, 0.25, 0.25, 0.5], [1.0, 0.0, 0.5, 0.0]]))
    expected = images.copy()
    expected[0, 3:5, 0:4] = 0.25
    color = tf.constant([[0.25], [0.75]])
    np.testing.assert_array_equal(erased(images, down, right, height, width, color), expected)


def test_erased_places_are_everywhere_and_no_larger_than_allowed():
    images = np.full((20_000, 16, 8, 2), 2, np.float32)
    painted = RandomView(0, 0, 0, 0, erase=0.5, seed=0)(images).numpy()
    holes = painted[..., 0] < 2
    heights, widths = holes.any(axis=2).sum(axis=1), holes.any(axis=1).sum(axis=1)
    np.testing.assert_array_equal(holes.sum(axis=(1, 2)), heights * widths)
    assert (heights.max(), widths.max()) == (8, 4)
    # Inside, a pixel is covered where both sides reach it: the mean size of each, 0.25, which no border cuts.
    np.testing.assert_allclose(holes[:, 6:10, 3:5].mean(), 0.25**2, rtol=0.1)
    colors = np.where(holes[..., None], painted, 0).max(axis=(1, 2))[holes.any(axis=(1, 2))]
    np.testing.assert_array_equal(painted[holes], np.repeat(colors, heights[heights > 0] * widths[heights > 0], axis=0))
    assert stats.kstest(colors.ravel(), "uniform").pvalue > 0.01
    assert abs(np.corrcoef(colors.T)[0, 1]) < 0.03


def test_gamma_is_one_power_for_all_of_an_image():
    """Its logarithm is from U(-a, a)."""
    images = np.tile(0.1 + 0.8 * tiny.images(1), (2000, 1, 1, 1))
    powers = np.log(RandomView(0, 0, 0, 0, gamma=1.5, seed=0)(images)) / np.log(images)
    np.testing.assert_allclose(powers, np.broadcast_to(powers[:, :1, :1, :1], powers.shape), rtol=1e-3)
    assert stats.kstest(np.log(np.median(powers, axis=(1, 2, 3))), "uniform", args=(-1.5, 3.0)).pvalue > 0.01


def test_gamma_keeps_black_and_white_and_has_a_gradient_there():
    images = tf.constant([0.0, 1.0], shape=(2, 1, 1, 1))
    images = tf.tile(images, [100, 8, 8, 1])
    with tf.GradientTape() as tape:
        tape.watch(images)
        views = RandomView(0, 0, 0, 0, gamma=1.0, seed=0)(images)
    np.testing.assert_allclose(views, images, atol=0.01)
    assert np.isfinite(tape.gradient(views, images)).all()


def test_shifts_along_one_axis_add_to_those_along_both():
    image = np.zeros((2000, 21, 21, 1), np.float32)
    image[:, 10, 10] = 1
    where = np.indices((21, 21)).reshape(2, -1).T
    centres = tf.reshape(RandomView(0, 0, 0, 0.1, shift_x=0.2, seed=0)(image), (2000, -1)) @ where.astype(np.float32)
    down, right = centres.numpy().T - 10
    assert stats.kstest(right / 21, "uniform", args=(-0.3, 0.6)).pvalue > 0.01
    assert stats.kstest(down / 21, "uniform", args=(-0.1, 0.2)).pvalue > 0.01


def test_moments_are_scipys_centre_of_mass_and_spread():
    images = np.random.default_rng(0).random((3, 9, 14, 2), np.float32)
    x, y, radius = (values.numpy() for values in moments(tf.constant(images)))
    for i, image in enumerate(images.sum(axis=3)):
        row, column = ndimage.center_of_mass(image)
        np.testing.assert_allclose([x[i] + 6.5, y[i] + 4], [column, row], atol=1e-4)
        rows, columns = np.indices(image.shape)
        square = np.average((rows - row) ** 2 + (columns - column) ** 2, weights=image)
        np.testing.assert_allclose(radius[i], square**0.5, rtol=1e-4)


def test_a_black_image_has_its_centre_in_the_middle():
    black = np.zeros((1, 8, 8, 1), np.float32)
    np.testing.assert_allclose(moments(black)[:2], [[0], [0]], atol=1e-6)
    np.testing.assert_array_equal(RandomView(0, 0, 0, 0, centre=1, fill=0.2)(black), black)


def sprites(**given: int) -> np.ndarray:
    """Hearts of all scales and places, turned alike."""
    rng = np.random.default_rng(0)
    renderer = Sprites(64)
    factors = np.stack([rng.integers(0, size, 20) for size in renderer.factor_sizes], axis=1)
    for name, value in {"shape": 2, "rotation": 3, **given}.items():
        factors[:, renderer.factor_names.index(name)] = value
    return renderer.images(factors).astype(np.float32) / 255


def test_centred_images_have_no_place():
    views = RandomView(0, 0, 0, 0, centre=1)(sprites(scale=4)).numpy()
    np.testing.assert_allclose(moments(views)[:2], np.zeros((2, 20)), atol=0.1)
    assert np.abs(views - views.mean(axis=0)).mean() < 0.02 * views.mean()


def test_tones_do_not_move_the_centre():
    """Gamma makes of black a gray that would weigh."""
    views = RandomView(0, 0, 0, 0, gamma=2.0, centre=1, seed=0)(sprites(scale=0)).numpy()
    np.testing.assert_allclose(moments(np.where(views > 0.5, views, 0))[:2], np.zeros((2, 20)), atol=0.7)


def test_half_of_the_way_to_the_centre():
    images = sprites(scale=1)
    before, after = (np.stack(moments(part)) for part in (images, RandomView(0, 0, 0, 0, centre=0.5)(images)))
    np.testing.assert_allclose(after, before * [[0.5], [0.5], [1]], atol=0.1)


def test_filled_images_have_no_size():
    views = RandomView(0, 0, 0, 0, centre=1, fill=0.2)(sprites()).numpy()
    np.testing.assert_allclose(moments(views)[2], np.full(20, 0.2 * 64), rtol=0.02)
    assert np.abs(views - views.mean(axis=0)).mean() < 0.1 * views.mean()  # the edges of enlarged ones are soft


def test_places_and_sizes_come_back_as_others_that_know_nothing_of_them():
    """The same draws on other places and sizes of a thing give the same views of it."""
    views = [
        RandomView(np.pi, 0, 0.2, 0.2, centre=1, fill=0.1, seed=0)(sprites(**given)).numpy()
        for given in ({}, {"x": 16, "y": 16, "scale": 2})
    ]
    places = np.stack(moments(views[0])[:2])
    assert places.std() > 0.08 * 64  # of U(-0.2, 0.2): 0.115
    np.testing.assert_allclose(np.stack(moments(views[1])[:2]), places, atol=0.2)
    assert np.abs(views[0] - views[1]).mean() < 0.1 * views[0].mean()


def test_nothing_grows_or_shrinks_more_than_four_times():
    dot, whole = np.zeros((1, 65, 65, 1), np.float32), np.ones((1, 65, 65, 1), np.float32)
    dot[0, 32, 32] = 1
    grown = RandomView(0, 0, 0, 0, centre=1, fill=0.3)(dot).numpy()
    np.testing.assert_allclose(grown.sum(), 16, rtol=0.01)
    shrunk = RandomView(0, 0, 0, 0, centre=1, fill=0.01)(whole)
    np.testing.assert_allclose(moments(shrunk)[2], moments(whole)[2] / 4, rtol=0.05)


def test_a_blur_is_scipys_gaussian_filter():
    images = np.random.default_rng(0).random((2, 20, 16, 3), np.float32)
    for image, stddev, result in zip(images, (0.6, 2.0), blurred(images, tf.constant([0.6, 2.0])), strict=True):
        expected = ndimage.gaussian_filter(image, (stddev, stddev, 0), mode="constant", radius=20)
        np.testing.assert_allclose(result, expected, atol=1e-3)


def test_edges_do_not_tell_how_large_a_thing_was():
    """Pixels that are neither black nor white, for hearts of the smallest and of the largest size."""

    def edges(**blur: float) -> np.ndarray:
        views = [RandomView(0, 0, 0, 0, centre=1, fill=0.14, **blur)(sprites(scale=k)).numpy() for k in (0, 5)]
        return np.array([(view * (1 - view)).sum((1, 2, 3)).mean() for view in views])

    small, large = edges()
    assert small > 1.5 * large
    small, large = edges(blur=0.02)
    assert small == pytest.approx(large, rel=0.03)


def test_in_inference_only_what_is_not_drawn_is_left():
    images = sprites()
    given = {"centre": 1.0, "fill": 0.14, "blur": 0.02}
    view = RandomView(0.5, 0.2, 0.3, 0.1, erase=0.5, gamma=1.0, shift_x=0.1, **given)
    state = view.seed_generator.state.numpy()
    np.testing.assert_allclose(view(images, training=False), RandomView(0, 0, 0, 0, **given)(images), atol=1e-5)
    np.testing.assert_array_equal(view.seed_generator.state, state)
    np.testing.assert_array_equal(RandomView(0.5, 0.2, 0.3, 0.1, erase=0.5)(images, training=False), images)


def test_pixels_learn_through_a_centred_view():
    """The gradient is that of the map as it was, wherever the pixels are."""
    images = tf.constant(sprites())
    with tf.GradientTape() as tape:
        tape.watch(images)
        bright = tf.reduce_sum(RandomView(0, 0, 0, 0, centre=1)(images))
    gradient = tape.gradient(bright, images).numpy()
    np.testing.assert_allclose(gradient[sprites() > 0.99], 1, atol=1e-3)


def test_config_round_trip_gives_the_same_draws():
    layer = RandomView(0.1, 0.3, 0.2, 0.1, 0.4, 0.5, 0.1, 0.2, 0.7, 0.3, 0.05, seed=3)
    again = RandomView.from_config(layer.get_config())
    images = tiny.images(4)
    np.testing.assert_array_equal(layer(images), again(images))


@pytest.mark.parametrize("amounts", [{"erase": -0.5}, {"rotation": float("nan")}, {"shift": float("inf")}], ids=str)
def test_amounts_that_are_refused(amounts):
    (name,) = amounts
    with pytest.raises(ValueError, match=f"{name} must be a number from 0 up"):
        RandomView(**amounts)


def test_no_further_than_to_the_centre():
    with pytest.raises(ValueError, match=r"centre must be from 0 to 1, got 1\.5"):
        RandomView(centre=1.5)


class Blank(keras.layers.Layer):
    """A channel that tells nothing."""

    def call(self, images):
        return tf.zeros_like(images)


class Recorder(keras.optimizers.SGD):
    """Plain gradient descent that keeps the gradients it was last given."""

    def apply(self, grads, trainable_variables=None):
        self.seen = [g.numpy() for g in grads]
        super().apply(grads, trainable_variables)


def generator_gradients(augmentation: keras.layers.Layer | None, lambdas: dict[str, float]) -> list[np.ndarray]:
    keras.utils.set_random_seed(0)
    model = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), augmentation=augmentation, seed=0)
    model.compile(generator_optimizer=Recorder(0.0), lambdas={code.name: 0.0 for code in model.codes} | lambdas)
    model.train_step(tf.constant(tiny.images(16)))
    return model.generator_optimizer.seen[: len(model.generator.trainable_variables)]


def difference(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return max(float(np.abs(x - y).max()) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["digit", "flags"])
def test_discrete_codes_are_read_through_the_augmentation(name):
    """Through a blank channel nothing of a discrete code reaches G; without it, something does."""
    plain = generator_gradients(Blank(), {})
    assert difference(generator_gradients(Blank(), {name: 1.0}), plain) < 1e-6
    assert difference(generator_gradients(None, {name: 1.0}), plain) > 1e-4


@pytest.mark.parametrize("name", ["slant", "style", "angle"])
def test_continuous_codes_are_read_from_the_image_itself(name):
    blank, clear = (generator_gradients(layer, {name: 1.0}) for layer in (Blank(), None))
    assert difference(blank, clear) < 1e-6
    assert difference(clear, generator_gradients(None, {})) > 1e-4


def test_augmentation_survives_saving(tmp_path):
    keras.utils.set_random_seed(0)
    model = InfoGAN(
        tiny.CODES,
        tiny.IMAGE_SHAPE,
        tiny.NOISE_SIZE,
        **tiny.networks(),
        augmentation=RandomView(0.1, seed=5),
        seed=0,
    )
    model.compile()
    model.train_step(tf.constant(tiny.images(16)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.augmentation.get_config() == model.augmentation.get_config()
    images = tiny.images(4)  # the state of the draws comes back too
    np.testing.assert_array_equal(loaded.augmentation(images), model.augmentation(images))
