"""Random views of images: the noisy channel T through which codes must be read (see `views`)."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf

from infogan_tf.distribution import own_rows
from infogan_tf.image_maps import affine, blurred, erased, moments

AMOUNTS = ("rotation", "shear", "scale", "shift", "erase", "gamma", "shift_x", "shift_y", "centre", "fill", "blur")
DARKEST = 1e-6  # power laws are infinitely steep at 0
LARGEST_FACTOR = 4.0  # of `fill`: an almost empty image has hardly a size
PIXEL = 0.5  # standard deviation of a pixel, a square (1/12), and of its linear interpolation (1/6), in pixels
LEAST_BLUR = 0.1  # in pixels: blurs nothing

Place = tuple[tf.Tensor | float, tf.Tensor | float, tf.Tensor | float]


@keras.saving.register_keras_serializable("infogan_tf")
class RandomView(keras.layers.Layer):
    """Changes each image's tones, turns, shears, scales, then shifts it about its centre, and paints a rectangle over.

    But for `erase`, each amount is drawn for each image from U(-a, a), and `centre`, `fill` and `blur` are not drawn at
    all: they alone are left with `training=False`. The map about the centre is one bilinear interpolation, and what it
    brings in from outside is 0. Images are float32 [batch, height, width, channels] in [0, 1]; the result is
    differentiable with respect to them. XLA has no kernel for it.

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
            width, by a factor from 1/4 to 4: nothing of the thing's size is left but how soft its edges are. 0 for as
            it is.
        blur: Standard deviation that a hard edge is blurred to, in fractions of the width. What has grown is softer
            already, and blurred less. From half a pixel times the largest growth up, all edges are alike.
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
        blur: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.rotation, self.shear, self.scale, self.shift = rotation, shear, scale, shift
        self.shift_x, self.shift_y = shift_x, shift_y
        self.erase, self.gamma = erase, gamma
        self.centre, self.fill, self.blur = centre, fill, blur
        for name in AMOUNTS:
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number from 0 up, got {getattr(self, name)}")
        if centre > 1:
            raise ValueError(f"centre must be from 0 to 1, got {centre}")
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def normalizes(self) -> bool:
        """Whether something is left of it in inference."""
        return bool(self.centre or self.fill or self.blur)

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        if training:
            return self._drawn(images)
        if not self.normalizes:
            return images
        zero = tf.zeros_like(images[:, 0, 0, 0])
        return self._mapped(images, self._place(images), [zero] * 5)

    def _drawn(self, images: tf.Tensor) -> tf.Tensor:
        height, width = images.shape[1:3]
        right, down = (self.shift + self.shift_x) * width, (self.shift + self.shift_y) * height
        amounts = [self.gamma, self.rotation, self.shear, self.scale, right, down]
        most = tf.constant(amounts, tf.float32)
        seeds = tf.random.split(tf.cast(self.seed_generator.next(), tf.int32))
        n = tf.shape(images)[0]
        drawn = own_rows(lambda n: tf.random.stateless_uniform([n, len(amounts)], seeds[0], -most, most), n)
        place = self._place(images)
        if self.gamma:
            images = tf.maximum(images, DARKEST) ** tf.exp(drawn[:, 0, None, None, None])
        images = self._mapped(images, place, tf.unstack(drawn[:, 1:], axis=1))
        if not self.erase:
            return images
        limits = [1.0, 1.0, self.erase, self.erase] + [1.0] * images.shape[3]
        drawn = own_rows(lambda n: tf.random.stateless_uniform([n, len(limits)], seeds[1], 0.0, limits), n)
        return erased(images, *tf.unstack(drawn[:, :4], axis=1), drawn[:, 4:])

    def _place(self, images: tf.Tensor) -> Place:
        """What goes to the middle, in pixels right of and below it, and the logarithm of the factor to `fill`."""
        if not (self.centre or self.fill):
            return 0.0, 0.0, 0.0
        x, y, radius = moments(images)
        factor = tf.clip_by_value(self.fill * images.shape[2] / radius, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
        return self.centre * x, self.centre * y, tf.math.log(factor) if self.fill else 0.0

    def _mapped(self, images: tf.Tensor, place: Place, amounts: list[tf.Tensor]) -> tf.Tensor:
        """To the middle and to one size, then by amounts [batch] as of `affine`, then to one softness."""
        x, y, growth = place
        rotation, shear, scale, right, down = amounts
        scale += growth
        images = affine(images, rotation, shear, scale, right, down, x, y)
        if not self.blur:
            return images
        variance = (self.blur * images.shape[2]) ** 2 - (PIXEL * tf.exp(scale)) ** 2
        return blurred(images, tf.sqrt(tf.maximum(variance, LEAST_BLUR**2)))

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
