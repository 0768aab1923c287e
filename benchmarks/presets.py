"""What a preset's training step costs, at its own batch size, on random images.

    python benchmarks/presets.py --out=benchmarks/results/presets.json

Each preset has a process to itself, one after another: a few steps to warm up, then `--steps` steps in each round.
"""

from __future__ import annotations

import time

import harness
import numpy as np
from absl import app, flags

PRESETS = flags.DEFINE_list(
    "presets", ["svhn", "sprites", "images32", "images64", "images128", "chairs_rotation"], "Names of presets."
)
STEPS = flags.DEFINE_integer("steps", 20, "Steps in a round.", lower_bound=1)
ROUNDS = flags.DEFINE_integer("rounds", 3, "Rounds; medians count.", lower_bound=1)
PRECISION = flags.DEFINE_enum("precision", "auto", ["auto", "float32", "mixed_bfloat16"], "As of infogan-train.")
OUT = flags.DEFINE_string("out", None, "JSON file to write.")


def step(name: str, steps: int, precision: str):
    """Images per second."""
    from infogan_tf import TrainingConfig, training  # noqa: PLC0415
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    config = TrainingConfig.from_preset(name, dataset="random", precision=precision)
    model = training.build(config)
    model.make_train_function()
    pixels = np.random.default_rng(0).integers(0, 256, (500, *config.image_shape), np.uint8)
    batches = iter(training_batches(pixels, config.batch_size, seed=0))

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            logs = model.train_function(batches)
        float(logs["d_loss"])  # waits for the last step
        return steps * config.batch_size / (time.perf_counter() - start)

    return measure


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    rows = {}
    for name in PRESETS.value:
        worker = harness.Worker(step, name, STEPS.value, PRECISION.value)
        values = [worker.measure() for _ in range(ROUNDS.value)]
        rows[name] = {"images_per_second": harness.spread(values), "peak_memory_gib": worker.close()}
        rate, memory = rows[name]["images_per_second"]["median"], rows[name]["peak_memory_gib"]
        print(f"{name:16} {rate:7.1f} images/s  {memory:5.2f} GiB", flush=True)
    result = {"presets": rows, "steps": STEPS.value, "precision": PRECISION.value}
    harness.write({**result, "machine": harness.machine("tensorflow", "keras")}, OUT.value)


if __name__ == "__main__":
    app.run(main)
