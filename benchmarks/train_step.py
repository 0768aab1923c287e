"""One training step beside PyTorch's and beside what the processor can do.

    pip install torch
    python benchmarks/train_step.py --out=benchmarks/results/train_step.json

Every row trains the paper's MNIST networks at batch 128 on the same kind of pixels, both updates of a step included.
"ten steps a call" has `steps_per_execution=10`. "+ augmentation" is what the preset trains: discrete codes are read
through random affine maps, one more pass of the trunk and Q's head, which the other rows do not have. Rows take turns
round by round; ratios are taken within a round and their median is quoted. `of_floor` is the fraction of the time that
the step's operations would take at the rate of a 2048 x 2048 matrix product of the same precision, measured in the same
rounds.
"""

from __future__ import annotations

import time

import harness
import numpy as np
from absl import app, flags
from floor import matrix_product

ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds; medians count.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

BATCH_SIZE = 128
STEPS = 10


def infogan_tf_step(precision: str, steps_per_execution: int = 1, augmented: bool = False):
    """This project's step, images per second."""
    from infogan_tf import InfoGAN  # noqa: PLC0415
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    plain = {} if augmented else {"augmentation": None, "recognition_augmentation": None}
    model = InfoGAN.from_preset("mnist", dtype=precision, seed=0, **plain)
    model.compile(steps_per_execution=steps_per_execution)
    model.make_train_function()
    batches = iter(training_batches(_pixels(), BATCH_SIZE, seed=0))

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(STEPS // steps_per_execution):
            logs = model.train_function(batches)
        float(logs["d_loss"])  # waits for the last step
        return STEPS * BATCH_SIZE / (time.perf_counter() - start)

    return measure


def pytorch_step(tuned: bool):
    """PyTorch's step, images per second."""
    import torch  # noqa: PLC0415
    from pytorch_infogan import Trainer  # noqa: PLC0415

    trainer = Trainer(tuned)
    images = torch.from_numpy(_pixels()).permute(0, 3, 1, 2).float() / 255

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(STEPS):
            chosen = torch.randint(len(images), (BATCH_SIZE,))
            trainer.step(images[chosen])
        return STEPS * BATCH_SIZE / (time.perf_counter() - start)

    return measure


def input_pipeline():
    """Batches alone, images per second."""
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    batches = iter(training_batches(_pixels(), BATCH_SIZE, seed=0))

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(20 * STEPS):
            next(batches)
        return 20 * STEPS * BATCH_SIZE / (time.perf_counter() - start)

    return measure


def _pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (10_000, 28, 28, 1), np.uint8)


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    from flops import step_flops  # noqa: PLC0415

    from infogan_tf import InfoGAN  # noqa: PLC0415

    builders = {
        "infogan-tf float32": (infogan_tf_step, "float32"),
        "infogan-tf float32, ten steps a call": (infogan_tf_step, "float32", STEPS),
        "infogan-tf mixed_bfloat16": (infogan_tf_step, "mixed_bfloat16"),
        "infogan-tf mixed_bfloat16, ten steps a call": (infogan_tf_step, "mixed_bfloat16", STEPS),
        "infogan-tf mixed_bfloat16 + augmentation": (infogan_tf_step, "mixed_bfloat16", 1, True),
        "PyTorch as people write it": (pytorch_step, False),
        "PyTorch tuned (bfloat16)": (pytorch_step, True),
        "matrix product float32": (matrix_product, "float32"),
        "matrix product bfloat16": (matrix_product, "bfloat16"),
        "input pipeline": (input_pipeline,),
    }
    workers = {name: harness.Worker(*builder) for name, builder in builders.items()}
    values = harness.rounds(workers, ROUNDS.value)
    memory = {name: worker.close() for name, worker in workers.items()}

    plain, augmented = (
        step_flops(InfoGAN.from_preset("mnist", **arguments), BATCH_SIZE) for arguments in ({"augmentation": None}, {})
    )
    rows = {}
    for name in [name for name in builders if name.startswith(("infogan-tf", "PyTorch"))]:
        flops = augmented if "augmentation" in name else plain
        product = values["matrix product bfloat16" if "bfloat16" in name else "matrix product float32"]
        rows[name] = {
            "images_per_second": harness.spread(values[name]),
            "of_floor": harness.paired_ratio(values[name], [rate / flops * BATCH_SIZE for rate in product])["median"],
            "gflop_per_step": flops / 1e9,
            "times_pytorch": harness.paired_ratio(values[name], values["PyTorch as people write it"])["median"],
            "times_tuned_pytorch": harness.paired_ratio(values[name], values["PyTorch tuned (bfloat16)"])["median"],
            "peak_memory_gib": memory[name],
        }
        print(
            f"{name:44s} {rows[name]['images_per_second']['median']:7.0f} images/s"
            f"  {rows[name]['of_floor']:5.1%} of floor  {rows[name]['times_pytorch']:.2f} x PyTorch"
            f"  {rows[name]['times_tuned_pytorch']:.2f} x tuned  {memory[name]:.2f} GiB"
        )
    result = {
        "rows": rows,
        "input_pipeline_images_per_second": harness.spread(values["input pipeline"]),
        "matrix_product_gflops": {
            precision: harness.spread([rate / 1e9 for rate in values[f"matrix product {precision}"]])
            for precision in ("float32", "bfloat16")
        },
        "batch_size": BATCH_SIZE,
        "machine": harness.machine("tensorflow", "keras", "torch"),
    }
    print(f"input pipeline {result['input_pipeline_images_per_second']['median']:.0f} images/s")
    harness.write(result, OUT.value)


if __name__ == "__main__":
    app.run(main)
