"""What infogan_tf/products.py gains over TensorFlow's obvious kernels, at the shapes of the paper's MNIST networks.

    python benchmarks/products.py --out=benchmarks/results/products.json

Only products for which the two differ are timed. All functions take turns round by round; milliseconds are medians,
and the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import harness
import tensorflow as tf
from absl import app, flags

from infogan_tf import products

ROUNDS = flags.DEFINE_integer("rounds", 9, "Rounds; medians count.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

BATCH_SIZES = (128, 256)
CALLS = 3


class Case(NamedTuple):
    """A product, what is asked of it (its value, or its gradient by `x` or by `kernel`), and where it differs."""

    layer: str
    wanted: str
    x: tuple[int, ...]
    kernel: tuple[int, ...]


CASES = (
    Case("dense", "x", (1024,), (1024, 6272)),
    Case("dense", "x", (6272,), (6272, 1024)),
    Case("dense", "x", (1024,), (1024, 128)),
    Case("upconv", "value", (14, 14, 64), (4, 4, 1, 64)),
    Case("conv", "x", (28, 28, 1), (4, 4, 1, 64)),
    Case("upconv", "kernel", (7, 7, 128), (4, 4, 64, 128)),
    Case("conv", "kernel", (14, 14, 64), (4, 4, 64, 128)),
    Case("bias", "kernel", (14, 14, 64), (64,)),
    Case("bias", "kernel", (28, 28, 1), (1,)),
)
DTYPES = ("float32", "bfloat16")
CHOSEN = {
    "bias": products.add_bias,
    "dense": products.dense,
    "conv": lambda x, kernel: products.conv(x, kernel, 2),
    "upconv": lambda x, kernel: products.upconv(x, kernel, 2),
}
PLAIN = {
    "bias": tf.nn.bias_add,
    "dense": tf.matmul,
    "conv": lambda x, kernel: tf.nn.conv2d(x, kernel, 2, "SAME"),
    "upconv": lambda x, kernel: tf.nn.conv2d_transpose(
        x, kernel, [x.shape[0], 2 * x.shape[1], 2 * x.shape[2], kernel.shape[2]], 2, "SAME"
    ),
}


def function(product: Callable, case: Case, batch_size: int, dtype: str) -> Callable[[], tf.Tensor]:
    """Computes what the case wants and no more: the graph drops a forward pass that nothing needs."""
    x, kernel = (
        tf.cast(tf.random.stateless_normal(shape, [0, 0]), dtype) for shape in ((batch_size, *case.x), case.kernel)
    )
    dy = tf.ones_like(product(x, kernel))

    @tf.function
    def run(x, kernel, dy):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = product(x, kernel)
        return y if case.wanted == "value" else tape.gradient(y, {"x": x, "kernel": kernel}[case.wanted], dy)

    traced = run.get_concrete_function(x, kernel, dy)
    return lambda: traced(x, kernel, dy)


def milliseconds(call: Callable[[], tf.Tensor]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1e3


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    measured = {}
    for case in CASES:
        for dtype in DTYPES:
            for batch_size in BATCH_SIZES:
                pair = [function(kind[case.layer], case, batch_size, dtype) for kind in (PLAIN, CHOSEN)]
                measured[case, dtype, batch_size] = pair, ([], [])
    for round_number in range(ROUNDS.value + 1):
        for pair, values in measured.values():
            for call, list_of_values in zip(pair, values, strict=True):
                value = milliseconds(call)
                if round_number:  # the first call plans and allocates
                    list_of_values.append(value)
    rows = []
    for (case, dtype, batch_size), (_, (plain, chosen)) in measured.items():
        row = {
            "layer": case.layer,
            "wanted": case.wanted,
            "input": case.x,
            "kernel": case.kernel,
            "dtype": dtype,
            "batch_size": batch_size,
            "plain_ms": statistics.median(plain),
            "chosen_ms": statistics.median(chosen),
            "speedup": harness.paired_ratio(plain, chosen),
        }
        rows.append(row)
        name = f"{case.layer} {case.x} {case.kernel}"
        print(
            f"{name:34s} {case.wanted:7s} {dtype:9s} {batch_size:4d}  {row['plain_ms']:7.2f} ms plain"
            f" {row['chosen_ms']:7.2f} ms chosen  {row['speedup']['median']:5.2f} x"
        )
    harness.write({"rows": rows, "machine": harness.machine("tensorflow")}, OUT.value)


if __name__ == "__main__":
    app.run(main)
