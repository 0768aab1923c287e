"""Random views of images: the noisy channel T through which codes must be read (see `views`)."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from infogan_tf.distribution import own_rows

AMOUNTS = ("rotation", "shear", "scale", "shift", "erase", "gamma", "shift_x", "shift_y", "centre", "fill")
DARKEST = 1e-6  # power laws are infinitely steep at 0
LARGEST_FACTOR = 4.0  # of `fill`: an almost empty image has hardly a size


@keras.saving.register_keras_serializable("infogan_tf")
class RandomView(keras.layers.Layer):
    """Changes each image's tones, turns, shears, scales, then shifts it about its centre, and paints a rectangle over.

    But for `erase`, `centre` and `fill`, each amount is drawn for each image from U(-a, a). The map about the centre is
    one bilinear interpolation, and what it brings in from outside is 0. Images are float32 [batch, height, width,
    channels] in [0, 1]; the result is differentiable with respect to them. XLA has no kernel for it.

    Args:
        rotation: Clockwise, in radians.
        shear: Of the top to the right, in widths per height.
        scale: Logarithm of the factor by which the image grows.
        shift: In fractions of the image's width and height.
        erase: Largest width and height of a rectangle, in fractions of the image's, each drawn from U(0, erase), that
            is painted over in one colour drawn from U(0, 1), about a place drawn from all of the image (random
            erasing: Zhong et al., 2020). It hides strokes, and adds some.
        gamma: Logarithm of the power that each pixel is raised to: 1 makes of 0.5 anything from 0.15 to 0.77. Black and
            white stay.
        shift_x: Of the image from left to right, besides `shift`, in fractions of the width.
        shift_y: From top to bottom, besides `shift`, in fractions of the height.
        centre: How far the centre of mass, bright pixels being heavy, is first moved to the image's, from 0 to 1, which
            is all of the way: nothing of the place of a bright thing on black is left.
        fill: Root mean square distance from the centre of mass to which the image is first scaled, in fractions of its
            width, by a factor from 1/4 to 4: nothing of the thing's size is left. 0 for as it is.
        seed: Of the draws.

    Raises:
        ValueError: An amount is negative or no number, or `centre` above 1.
    """

    def __init__(
        self,
        rotation: float = 0.2,
        shear: float = 0.2,
        scale: float = 0.1,
        shift: float = 0.07,
        erase: float = 0.0,
        gamma: float = 0.0,
        shift_x: float = 0.0,
        shift_y: float = 0.0,
        centre: float = 0.0,
        fill: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(dtype="float32", **kwargs)
        self.rotation, self.shear, self.scale, self.shift = rotation, shear, scale, shift
        self.shift_x, self.shift_y = shift_x, shift_y
        self.erase, self.gamma = erase, gamma
        self.centre, self.fill = centre, fill
        for name in AMOUNTS:
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number from 0 up, got {getattr(self, name)}")
        if centre > 1:
            raise ValueError(f"centre must be from 0 to 1, got {centre}")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        height, width = images.shape[1:3]
        right, down = (self.shift + self.shift_x) * width, (self.shift + self.shift_y) * height
        amounts = [self.gamma, self.rotation, self.shear, self.scale, right, down]
        most = tf.constant(amounts, tf.float32)
        seeds = tf.random.split(tf.cast(self.seed_generator.next(), tf.int32))
        n = tf.shape(images)[0]
        drawn = own_rows(lambda n: tf.random.stateless_uniform([n, len(amounts)], seeds[0], -most, most), n)
        if self.gamma:
            images = tf.maximum(images, DARKEST) ** tf.exp(drawn[:, 0, None, None, None])
        rotation, shear, scale, right, down = tf.unstack(drawn[:, 1:], axis=1)
        x = y = 0.0
        if self.centre or self.fill:
            x, y, radius = moments(images)
            if self.fill:
                scale += tf.math.log(tf.clip_by_value(self.fill * width / radius, 1 / LARGEST_FACTOR, LARGEST_FACTOR))
        images = affine(images, rotation, shear, scale, right, down, self.centre * x, self.centre * y)
        if not self.erase:
            return images
        limits = [1.0, 1.0, self.erase, self.erase] + [1.0] * images.shape[3]
        drawn = own_rows(lambda n: tf.random.stateless_uniform([n, len(limits)], seeds[1], 0.0, limits), n)
        return erased(images, *tf.unstack(drawn[:, :4], axis=1), drawn[:, 4:])

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Keras saves no seed generator's state."""
        store["seed_generator_state"] = self.seed_generator.state.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        self.seed_generator.state.assign(store["seed_generator_state"])

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            **{key: getattr(self, key) for key in (*AMOUNTS, "seed")},
        }


def moments(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Centre of mass of each image, right of and below the middle, and root mean square distance from it, in pixels.

    Bright pixels are heavy. Nothing is learned through it: images change, and not what is measured of them.
    """
    mass = tf.stop_gradient(tf.reduce_sum(images, axis=3)) + 1e-6  # a black image's centre is the middle
    total = tf.reduce_sum(mass, axis=[1, 2])
    height, width = images.shape[1:3]
    rows, columns = (tf.range(size, dtype=tf.float32) - (size - 1) / 2 for size in (height, width))

    def mean(values: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(mass * values, axis=[1, 2]) / total

    x, y = mean(columns[None, None, :]), mean(rows[None, :, None])
    square = mean((columns - x[:, None])[:, None, :] ** 2 + (rows - y[:, None])[:, :, None] ** 2)
    return x, y, tf.sqrt(square)


def affine(
    images: tf.Tensor,
    rotation: tf.Tensor,
    shear: tf.Tensor,
    scale: tf.Tensor,
    right: tf.Tensor,
    down: tf.Tensor,
    from_x: tf.Tensor | float = 0.0,
    from_y: tf.Tensor | float = 0.0,
) -> tf.Tensor:
    """Images [batch, height, width, channels], each mapped by its own amounts [batch].

    The kernel asks where each output pixel comes from, so this writes down the inverse map: about the centre, which is
    first taken from (`from_x`, `from_y`), in pixels right of and below it.
    """
    cos, sin = tf.cos(rotation) * tf.exp(-scale), tf.sin(rotation) * tf.exp(-scale)
    x_x, x_y, y_x, y_y = cos, cos * shear + sin, -sin, cos - sin * shear
    center_y, center_x = (tf.constant((size - 1) / 2) for size in images.shape[1:3])
    x_0 = center_x + from_x - x_x * (center_x + right) - x_y * (center_y + down)
    y_0 = center_y + from_y - y_x * (center_x + right) - y_y * (center_y + down)
    zero = tf.zeros_like(x_0)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([x_x, x_y, x_0, y_x, y_y, y_0, zero, zero], axis=1),
        output_shape=images.shape[1:3],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def erased(
    images: tf.Tensor, down: tf.Tensor, right: tf.Tensor, height: tf.Tensor, width: tf.Tensor, color: tf.Tensor
) -> tf.Tensor:
    """Images [batch, height, width, channels], a rectangle of each painted in its color [batch, channels].

    Its centre (`down`, `right`) and size, each [batch], are fractions of the image's.
    """

    def within(pixels: int, center: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        places = (tf.range(pixels, dtype=tf.float32) + 0.5) / pixels
        return tf.abs(places - center[:, None]) < size[:, None] / 2

    rows, columns = within(images.shape[1], down, height), within(images.shape[2], right, width)
    return tf.where((rows[:, :, None] & columns[:, None, :])[..., None], color[:, None, None, :], images)
