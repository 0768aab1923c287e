"""Products of tensors with kernels, each through the fastest of TensorFlow's kernels that compute the same.

On processors the obvious kernel is not always a good one: benchmarks/products.py times each pair. Gradients are the
exact ones, and may be differentiated again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # of the two factors, from that of their product
Shape = Sequence[int | None]

# From so many channels on, a convolution over the batch is the faster way to a kernel's gradient. It takes so many
# images at once, or more if they fit into the cache, so many bytes; in float32 it is faster only if they do.
MANY_CHANNELS = 32
MANY_IMAGES = 32
CACHE = 2**21

# Up to so many channels, patches added up are the faster way to a transposed convolution.
FEW_CHANNELS = 4


@tf.custom_gradient
def dense(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """[batch, in] x [in, out] -> [batch, out]."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # As a batch of one product: in float32 the plain kernel is slow with a transposed second factor.
        dx = tf.matmul(dy[tf.newaxis], kernel[tf.newaxis], transpose_b=True)[0]
        return dx, tf.matmul(x, dy, transpose_a=True)

    return tf.matmul(x, kernel), gradient


@tf.custom_gradient
def add_bias(x: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """[..., channels] + [channels]."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # Not by BiasAddGrad, which adds up in the precision of dy: 50,000 ones in bfloat16 to 512.
        return dy, tf.reduce_sum(dy, axis=list(range(x.shape.rank - 1)))

    return tf.nn.bias_add(x, bias), gradient


def conv(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Convolution with "same" padding: [batch, h, w, in], [k, k, in, out] -> [batch, ceil(h / stride), ..., out]."""

    @tf.custom_gradient
    def product(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return _spread(dy, kernel, stride, x.shape), _kernel_gradient(x, dy, kernel.shape, stride)

        return tf.nn.conv2d(x, kernel, stride, "SAME"), gradient

    return product(x, kernel)


def upconv(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Transposed convolution: [batch, h, w, in], [k, k, out, in] -> [batch, stride * h, stride * w, out]."""
    return _spread(x, kernel, stride, [None, stride * x.shape[1], stride * x.shape[2], kernel.shape[2]])


def _spread(x: tf.Tensor, kernel: tf.Tensor, stride: int, shape: Shape) -> tf.Tensor:
    """The transpose of `conv` with respect to its input, which has `shape` but for the batch."""

    @tf.custom_gradient
    def product(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return conv(dy, kernel, stride), _kernel_gradient(dy, x, kernel.shape, stride)

        whole = kernel.shape[0] == 2 * stride and tuple(shape[1:3]) == (stride * x.shape[1], stride * x.shape[2])
        if _only_cpus() and whole and kernel.shape[2] <= FEW_CHANNELS:
            return _spread_to_few(x, kernel, stride), gradient
        return tf.nn.conv2d_transpose(x, kernel, [tf.shape(x)[0], *shape[1:]], stride, "SAME"), gradient

    return product(x, kernel)


def _spread_to_few(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    # TensorFlow's kernel is made for many channels. Here: all k x k values of each input pixel in one matrix product;
    # the k x k patch is 2 x 2 blocks of stride x stride pixels, and neighbours overlap by a block. A convolution with
    # ones adds up the blocks that meet: of the four pixels around it, each its own.
    height, width, channels = *x.shape[1:3], kernel.shape[2]
    patches = tf.matmul(tf.reshape(x, [-1, x.shape[3]]), tf.reshape(kernel, [-1, x.shape[3]]), transpose_b=True)
    block = np.eye(stride * stride * channels).reshape([stride, stride, channels, -1])
    meeting = np.zeros([2, 2, 2, stride, 2, stride, channels, block.shape[-1]])
    for down, right in itertools.product((0, 1), (0, 1)):
        meeting[1 - down, 1 - right, down, :, right] = block
    blocks = tf.nn.conv2d(
        tf.reshape(patches, [-1, height, width, patches.shape[1]]),
        tf.constant(meeting.reshape([2, 2, patches.shape[1], -1]), x.dtype),
        1,
        [[0, 0], [1, 1], [1, 1], [0, 0]],
    )
    before = stride // 2  # of the "same" padding k - stride = stride
    return tf.nn.depth_to_space(blocks, stride)[:, before : before + stride * height, before : before + stride * width]


def _kernel_gradient(x: tf.Tensor, dy: tf.Tensor, shape: Shape, stride: int) -> tf.Tensor:
    """Gradient of `conv` with respect to its kernel, which has `shape`."""
    fitting = CACHE // (math.prod(x.shape[1:]) * x.dtype.size)
    faster = x.dtype == tf.bfloat16 or (x.dtype == tf.float32 and fitting >= MANY_IMAGES)
    at_once = max(fitting // MANY_IMAGES, 1) * MANY_IMAGES

    @tf.custom_gradient
    def product(x: tf.Tensor, dy: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(kernel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return _spread(dy, kernel, stride, x.shape), conv(x, kernel, stride)

        if not (_only_cpus() and shape[2] >= MANY_CHANNELS and faster):
            value = tf.raw_ops.Conv2DBackpropFilter(
                input=x, filter_sizes=shape, out_backprop=dy, strides=[1, stride, stride, 1], padding="SAME"
            )
        elif x.shape[0] is None or x.shape[0] <= at_once:
            value = _kernel_gradient_as_conv(x, dy, shape, stride)
        else:
            parts = [slice(start, start + at_once) for start in range(0, x.shape[0], at_once)]
            values = [_kernel_gradient_as_conv(x[part], dy[part], shape, stride) for part in parts]
            value = tf.cast(tf.add_n([tf.cast(value, tf.float32) for value in values]), x.dtype)
        return value, gradient

    return product(x, dy)


def _kernel_gradient_as_conv(x: tf.Tensor, dy: tf.Tensor, shape: Shape, stride: int) -> tf.Tensor:
    # A convolution once more, whose kernel is dy and whose channels are the batch: oneDNN's forward kernels are faster
    # than its gradient with respect to kernels. The stride becomes a dilation. The channels of a pixel lie beside each
    # other as if they were pixels of a wider image, so that one plain transposition prepares x, and the product comes
    # out as the kernel is stored.
    size, _, channels, _ = shape
    height, width = x.shape[1:3]
    above, left = (_same_padding(length, size, stride) for length in (height, width))
    product = tf.nn.conv2d(
        tf.reshape(tf.transpose(tf.reshape(x, [-1, height * width * channels])), [1, height, width * channels, -1]),
        tf.transpose(dy, [1, 2, 0, 3]),
        1,
        [[0, 0], above, [channels * side for side in left], [0, 0]],
        dilations=[stride, stride * channels],
    )
    return tf.reshape(product, shape)


def _same_padding(length: int, size: int, stride: int) -> list[int]:
    """TensorFlow's "SAME": before and after."""
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return [total // 2, total - total // 2]


def _only_cpus() -> bool:
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())
