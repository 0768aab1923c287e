"""Images drawn from known factors, so that disentanglement can be studied without a download.

The factors are those of dSprites (Matthey et al., 2017): a square, an ellipse or a heart, its scale, rotation and
position; in colour also its hue and brightness.
"""

from __future__ import annotations

import numpy as np

from infogan_tf.datasets.images import ImageSet, LazyImages

SHAPES = ("square", "ellipse", "heart")
TEST_IMAGES = 10_000

# For images of 64 pixels. All shapes have the same area, and their centre of mass where they are.
AREA = 22.0**2
ELLIPSE = 15.0  # the longer half-axis
BLOCK = 32  # images that are drawn at a time: what they need stays in the processor's cache


class Sprites:
    """A renderer of white, or coloured, shapes on black.

    Unlike dSprites, whose pixels are black or white, edges are smooth: a pixel is as bright as the part of it that the
    shape covers, about. So every step of every factor shows, but for what symmetry hides: a square looks the same
    after a quarter of a turn, an ellipse after half of one. The rotations are 2π k / 40, so that none is there twice
    (dSprites has both 0 and 2π).

    Args:
        size: Height and width; 16 or more. At 64 a step in x or y is one pixel (two in colour).
        color: With a hue and a brightness, in RGB; x and y then have 16 values.

    Attributes:
        factor_names: What each factor is called.
        factor_sizes: How many values each has: (3, 6, 40, 32, 32), in colour (3, 6, 40, 16, 16, 8, 4).
        image_shape: (size, size, 1 or 3).
    """

    def __init__(self, size: int = 64, color: bool = False) -> None:
        if size < 16:
            raise ValueError(f"sprites need images of 16 pixels or more, got {size}")
        self.size = size
        self.color = color
        self.factor_names: tuple[str, ...] = ("shape", "scale", "rotation", "x", "y")
        self.factor_sizes: tuple[int, ...] = (3, 6, 40, 32, 32)
        if color:
            self.factor_names += ("hue", "brightness")
            self.factor_sizes = (3, 6, 40, 16, 16, 8, 4)
        self.image_shape = (size, size, 3 if color else 1)

    def images(self, factors: np.ndarray) -> np.ndarray:
        """Draws.

        Args:
            factors: int [n, k], each from 0 to its size - 1. Scales are from 0.5 to 1, rotations counter-clockwise,
                x from left to right, y from top to bottom, hues from red round to red, brightness from 0.4 to 1.

        Returns:
            uint8 [n, size, size, 1 or 3].

        Raises:
            ValueError: There are other factors or values.
        """
        factors = np.asarray(factors)
        if factors.ndim != 2 or factors.shape[1] != len(self.factor_sizes) or factors.dtype.kind not in "iu":
            raise ValueError(
                f"factors must be integers [n, {len(self.factor_sizes)}], got {factors.dtype} {list(factors.shape)}"
            )
        if ((factors < 0) | (factors >= self.factor_sizes)).any():
            raise ValueError(f"factors must be from 0 and below {self.factor_sizes}")
        images = np.empty((len(factors), *self.image_shape), np.uint8)
        for shape in range(len(SHAPES)):
            rows = np.flatnonzero(factors[:, 0] == shape)
            for start in range(0, len(rows), BLOCK):
                block = rows[start : start + BLOCK]
                images[block] = self._draw(shape, factors[block])
        return images

    def _draw(self, shape: int, factors: np.ndarray) -> np.ndarray:
        _, scale, rotation, x, y = (column.astype(np.float32)[:, None] for column in factors.T[:5])
        unit = self.size / 64 * (0.5 + 0.1 * scale)
        angle = 2 * np.pi * rotation / self.factor_sizes[2]
        # A quarter of the image stays free on each side: room for half of the largest shape.
        step = (self.size / 2 - 1) / (self.factor_sizes[3] - 1)
        pixels = np.arange(self.size, dtype=np.float32) - self.size / 4
        right, up = pixels - step * x, step * y - pixels
        # The shape's own axes, in its own unit.
        sin, cos = np.sin(angle) / unit, np.cos(angle) / unit
        u = (cos * right)[:, None, :] + (sin * up)[:, :, None]
        v = (cos * up)[:, :, None] - (sin * right)[:, None, :]
        inside = 0.5 - DISTANCES[shape](u, v) * unit[..., None]
        covered = np.clip(inside, 0, 1, out=inside)[..., None]
        if self.color:
            covered = covered * _rgb(*(factors[:, k] / self.factor_sizes[k] for k in (5, 6)))[:, None, None]
        return np.round(covered * 255).astype(np.uint8)


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(np.abs(u), np.abs(v)) - AREA**0.5 / 2


def _ellipse(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """To first order: f / |grad f| of f = (u/a)² + (v/b)² - 1."""
    a, b = ELLIPSE, AREA / (np.pi * ELLIPSE)
    u, v = u / a, v / b
    gradient = 2 * np.sqrt((u / a) ** 2 + (v / b) ** 2)
    return (u**2 + v**2 - 1) / np.maximum(gradient, 1e-3)


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """A square that stands on a corner, and a circle on each of its two upper sides."""
    side = (AREA / (1 + np.pi / 4)) ** 0.5
    # The half circles outside of the square are π/4 of its area; their centre of mass is 2 side / (3π) from its sides.
    centre = np.pi / 4 / (1 + np.pi / 4) * (side / 2 + 2 * side / (3 * np.pi)) / 2**0.5
    v = v + centre
    square = (np.abs(u) + np.abs(v)) / 2**0.5 - side / 2
    middle = side / 8**0.5
    circles = np.sqrt((np.abs(u) - middle) ** 2 + (v - middle) ** 2) - side / 2
    return np.minimum(square, circles)


# How far a point is outside of the shape (inside: negative), for images of 64 pixels at scale 1.
DISTANCES = (_square, _ellipse, _heart)


def _rgb(hue: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """float32 [n, 3] of hues in [0, 1), fully saturated, and of brightness steps 0, 1/4, 1/2, 3/4."""
    phases = 6 * hue[:, None] + np.array([0, 4, 2])
    pure = np.clip(np.abs(phases % 6 - 3) - 1, 0, 1)
    return ((0.4 + 0.8 * brightness[:, None]) * pure).astype(np.float32)


class SpriteImages(LazyImages):
    """Every combination of factors, drawn when it is asked for. The last factor counts fastest."""

    def __init__(self, sprites: Sprites) -> None:
        super().__init__(np.arange(np.prod(sprites.factor_sizes)), sprites.image_shape)
        self._sprites = sprites

    def _read(self, numbers: np.ndarray) -> np.ndarray:
        return self._sprites.images(np.stack(np.unravel_index(numbers, self._sprites.factor_sizes), axis=1))


def load(image_shape: tuple[int, int, int] | None, color: bool) -> tuple[ImageSet, dict[str, np.ndarray]]:
    """Every combination of factors, its shape as label, and the rows of the splits: the same 10,000 are always "test".

    Raises:
        ValueError: `image_shape` is not square, or has other channels.
    """
    sprites = Sprites(image_shape[0] if image_shape else 64, color)
    if image_shape and tuple(image_shape) != sprites.image_shape:
        raise ValueError(f"sprites are square, with {sprites.image_shape[2]} channels; image_shape is {image_shape}")
    images = SpriteImages(sprites)
    order = np.random.default_rng(0).permutation(len(images))
    labels = np.repeat(np.arange(len(SHAPES)), len(images) // len(SHAPES))
    parts = {"train": order[:-TEST_IMAGES], "test": order[-TEST_IMAGES:], "all": order}
    return ImageSet(images, labels, SHAPES), parts
