"""Products of tensors with kernels, each through the fastest of TensorFlow's kernels that compute the same.

On processors the obvious kernel is not always a good one: benchmarks/products.py times each pair. Gradients are the
exact ones, and may be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]  # of the two factors, from that of their product

# From how many channels on a convolution over the batch is the faster way to a kernel's gradient: few of them go with
# large maps, whose size becomes that of its kernel.
MANY_CHANNELS = 64
FEW_CHANNELS = 4


@tf.custom_gradient
def dense(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """[batch, in] x [in, out] -> [batch, out]."""

    def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # As a batch of one product: in float32 the plain kernel is slow with a transposed second factor.
        dx = tf.matmul(dy[tf.newaxis], kernel[tf.newaxis], transpose_b=True)[0]
        return dx, tf.matmul(x, dy, transpose_a=True)

    return tf.matmul(x, kernel), gradient


def conv(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Convolution with "same" padding: [batch, h, w, in], [k, k, in, out] -> [batch, ceil(h / stride), ..., out]."""

    @tf.custom_gradient
    def product(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return _spread(dy, kernel, stride, tf.shape(x), x.shape), _kernel_gradient(x, dy, kernel, stride)

        return tf.nn.conv2d(x, kernel, stride, "SAME"), gradient

    return product(x, kernel)


def upconv(x: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Transposed convolution: [batch, h, w, in], [k, k, out, in] -> [batch, stride * h, stride * w, out]."""
    static = [None, stride * x.shape[1], stride * x.shape[2], kernel.shape[2]]

    @tf.custom_gradient
    def product(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return tf.nn.conv2d(dy, kernel, stride, "SAME"), _kernel_gradient(dy, x, kernel, stride)

        return _spread(x, kernel, stride, tf.stack([tf.shape(x)[0], *static[1:]]), static), gradient

    return product(x, kernel)


def _spread(x: tf.Tensor, kernel: tf.Tensor, stride: int, shape: tf.Tensor, static: tf.TensorShape) -> tf.Tensor:
    """The transpose of `conv` with respect to its input."""
    size, _, channels, _ = kernel.shape
    height, width = x.shape[1:3]
    exact = size == 2 * stride and static[1] == stride * height and static[2] == stride * width
    if not (_only_cpus() and exact and channels <= FEW_CHANNELS):
        return tf.nn.conv2d_transpose(x, kernel, shape, stride, "SAME")
    # TensorFlow's kernel is made for many channels. Here: all k x k values of each input pixel in one matrix product;
    # the k x k patch is 2 x 2 blocks of stride x stride pixels, and neighbours overlap by a block.
    patches = tf.matmul(tf.reshape(x, [-1, x.shape[3]]), tf.reshape(kernel, [-1, x.shape[3]]), transpose_b=True)
    patches = tf.reshape(patches, [-1, height, width, 2, stride, 2, stride, channels])
    blocks = tf.add_n(
        [
            tf.pad(
                tf.reshape(patches[:, :, :, down, :, right], [-1, height, width, stride * stride * channels]),
                [[0, 0], [down, 1 - down], [right, 1 - right], [0, 0]],
            )
            for down in (0, 1)
            for right in (0, 1)
        ]
    )
    before = stride // 2  # of the "same" padding k - stride = stride
    return tf.nn.depth_to_space(blocks, stride)[:, before : before + stride * height, before : before + stride * width]


def _kernel_gradient(x: tf.Tensor, dy: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Gradient of `conv` with respect to its kernel."""
    size, _, channels, _ = kernel.shape
    if not (_only_cpus() and x.dtype == tf.bfloat16 and channels >= MANY_CHANNELS):
        return tf.raw_ops.Conv2DBackpropFilter(
            input=x, filter_sizes=kernel.shape, out_backprop=dy, strides=[1, stride, stride, 1], padding="SAME"
        )
    # A convolution once more, over the batch as channels; the stride becomes a dilation. oneDNN's forward kernels are
    # twice as fast in bfloat16 as its gradient with respect to kernels.
    padding = [[0, 0], *(_same_padding(x.shape[axis], size, stride) for axis in (1, 2)), [0, 0]]
    swapped = tf.nn.conv2d(tf.transpose(x, [3, 1, 2, 0]), tf.transpose(dy, [1, 2, 0, 3]), 1, padding, dilations=stride)
    return tf.transpose(swapped, [1, 2, 0, 3])


def _same_padding(length: int, size: int, stride: int) -> list[int]:
    """TensorFlow's "SAME": before and after."""
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return [total // 2, total - total // 2]


def _only_cpus() -> bool:
    return all(device.device_type == "CPU" for device in tf.config.list_logical_devices())
