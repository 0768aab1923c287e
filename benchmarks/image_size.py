"""What a larger image costs: the training step at several sizes.

    python benchmarks/image_size.py --out=benchmarks/results/image_size.json

The paper's MNIST networks for images of s x s pixels, whose dense layers grow with s², at batch 128. `of_floor` as in
train_step.py. The processes of one size take turns round by round; sizes follow one another.
"""

from __future__ import annotations

import time

import harness
import numpy as np
from absl import app, flags
from floor import matrix_product

ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds; medians count.", lower_bound=1)
SIZES = flags.DEFINE_multi_integer("size", [28, 32, 64, 128], "Heights and widths, multiples of 4.")
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

BATCH_SIZE = 128
IMAGES_PER_ROUND = 640 * 28**2  # at 1 x 1: larger images, fewer steps
PRECISIONS = ("float32", "bfloat16")
CODES = "digit:categorical(10),slant:uniform,width:uniform"


def step(size: int, precision: str):
    """Images per second."""
    from infogan_tf import InfoGAN  # noqa: PLC0415
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    dtype = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
    model = InfoGAN(CODES, image_shape=(size, size, 1), dtype=dtype, seed=0)
    model.compile()
    model.make_train_function()
    pixels = np.random.default_rng(0).integers(0, 256, (1_000, size, size, 1), np.uint8)
    batches = iter(training_batches(pixels, BATCH_SIZE, seed=0))
    steps = max(1, IMAGES_PER_ROUND // size**2 // BATCH_SIZE)

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            logs = model.train_function(batches)
        float(logs["d_loss"])  # waits for the last step
        return steps * BATCH_SIZE / (time.perf_counter() - start)

    return measure


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    from flops import step_flops  # noqa: PLC0415

    from infogan_tf import InfoGAN  # noqa: PLC0415

    rows, machine = [], harness.machine("tensorflow", "keras")
    products = {f"product {precision}": harness.Worker(matrix_product, precision) for precision in PRECISIONS}
    for size in SIZES.value:
        workers = {precision: harness.Worker(step, size, precision) for precision in PRECISIONS}
        values = harness.rounds({**workers, **products}, ROUNDS.value)
        memory = {precision: worker.close() for precision, worker in workers.items()}
        model = InfoGAN(CODES, image_shape=(size, size, 1))
        flops = step_flops(model, 1)
        weights = sum(part.count_params() for part in (model.generator, model.trunk, model.posterior_head))
        for precision in PRECISIONS:
            floor = [rate / flops for rate in values[f"product {precision}"]]
            row = {
                "size": size,
                "precision": precision,
                "images_per_second": harness.spread(values[precision]),
                "of_floor": harness.paired_ratio(values[precision], floor)["median"],
                "gflop_per_image": flops / 1e9,
                "million_weights": weights / 1e6,
                "peak_memory_gib": memory[precision],
            }
            rows.append(row)
            print(
                f"{size:4d} {precision:9s} {row['images_per_second']['median']:7.1f} images/s"
                f" {row['gflop_per_image']:7.3f} GFLOP/image {row['of_floor']:6.1%} of floor"
                f" {row['million_weights']:6.1f} M weights {row['peak_memory_gib']:5.2f} GiB",
                flush=True,
            )
        harness.write({"rows": rows, "batch_size": BATCH_SIZE, "machine": machine}, OUT.value)
    for worker in products.values():
        worker.close()


if __name__ == "__main__":
    app.run(main)
