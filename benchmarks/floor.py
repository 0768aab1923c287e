"""What the processor can do: the rate of a large matrix product."""

from __future__ import annotations

import time

SIZE = 2048


def matrix_product(dtype: str):
    """Operations per second of a matrix product."""
    import tensorflow as tf  # noqa: PLC0415

    matrix = tf.cast(tf.random.stateless_normal([SIZE, SIZE], [0, 0]), dtype)
    product = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x)))

    def measure() -> float:
        best = float("inf")
        for _ in range(5):
            start = time.perf_counter()
            product(matrix).numpy()
            best = min(best, time.perf_counter() - start)
        return 2 * SIZE**3 / best

    return measure
