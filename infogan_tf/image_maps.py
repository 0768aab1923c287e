"""Maps of images, each image by amounts of its own: moved, blurred, painted over."""

from __future__ import annotations

import tensorflow as tf


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


def blurred(images: tf.Tensor, stddev: tf.Tensor) -> tf.Tensor:
    """Images [batch, height, width, channels], each blurred by a Gaussian of its own `stddev` [batch], in pixels.

    Outside of an image is black.
    """

    def kernels(pixels: int) -> tf.Tensor:
        distances = tf.range(pixels, dtype=tf.float32)[:, None] - tf.range(pixels, dtype=tf.float32)
        weights = tf.exp(-((distances / stddev[:, None, None]) ** 2) / 2)
        # As far from the border as a blur reaches the weights add up to this.
        return weights / tf.reduce_sum(weights[:, pixels // 2], axis=1)[:, None, None]

    return tf.einsum("nyu,nxv,nuvc->nyxc", kernels(images.shape[1]), kernels(images.shape[2]), images)


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
