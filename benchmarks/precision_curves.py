"""Whether training in mixed_bfloat16 goes another way than in float32: loss curves over seeds.

    python benchmarks/precision_curves.py --out=benchmarks/results/precision_curves.json

The preset `mnist`, the same seeds in both precisions. GAN losses swing, so they are averaged over --window steps; two
precisions are alike if their means over the seeds differ by no more than chance: the largest |t| of Welch's test over
all windows and curves is compared with what shuffling the precisions among the runs gives.
"""

from __future__ import annotations

import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import harness
import numpy as np
from absl import app, flags

SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "One run of each precision per seed.")
STEPS = flags.DEFINE_integer("steps", 600, "Steps of a run.", lower_bound=1)
WINDOW = flags.DEFINE_integer("window", 100, "Steps that make one point of a curve.", lower_bound=1)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where tensorflow-datasets keeps MNIST.")
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

PRECISIONS = ("float32", "mixed_bfloat16")
CURVES = ("d_loss", "g_loss", "digit_information", "slant_information", "width_information")


def curves(precision: str, seed: int, steps: int, window: int, data_dir: str | None) -> dict[str, list[float]]:
    """Mean losses and information in each window of one run."""
    import keras  # noqa: PLC0415 - in a process of its own

    from infogan_tf import datasets, training  # noqa: PLC0415
    from infogan_tf.config import TrainingConfig  # noqa: PLC0415

    config = TrainingConfig.from_preset("mnist", seed=seed, data_dir=data_dir, precision=precision)
    keras.utils.set_random_seed(seed)
    model = training.build(config)
    batches = datasets.training_batches(datasets.load("mnist", "train", data_dir).images, config.batch_size, seed)
    history = model.fit(batches, steps_per_epoch=window, epochs=steps // window, verbose=0).history
    return {name: history[name] for name in CURVES}


def largest_difference(a: np.ndarray, b: np.ndarray) -> float:
    """Largest |t| between two groups of runs [runs, points]."""
    spread = np.sqrt(a.var(0, ddof=1) / len(a) + b.var(0, ddof=1) / len(b))
    return float(np.max(np.abs(a.mean(0) - b.mean(0)) / spread))


def main(argv: list[str]) -> None:
    """Trains, prints means and how unlikely the difference is, writes the JSON."""
    del argv
    seeds = list(map(int, SEEDS.value))
    runs: dict[str, list[dict[str, list[float]]]] = {precision: [] for precision in PRECISIONS}
    for seed, precision in itertools.product(seeds, PRECISIONS):
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            job = pool.submit(curves, precision, seed, STEPS.value, WINDOW.value, DATA_DIR.value)
            runs[precision].append(job.result())
    for name in CURVES:
        for precision in PRECISIONS:
            values = np.array([run[name] for run in runs[precision]])
            points = "  ".join(f"{m:.3f}±{s:.3f}" for m, s in zip(values.mean(0), values.std(0, ddof=1), strict=True))
            print(f"{name:20s} {precision:15s} {points}")
    points = np.array([np.concatenate([run[name] for name in CURVES]) for p in PRECISIONS for run in runs[p]])
    observed = largest_difference(points[: len(seeds)], points[len(seeds) :])
    splits = list(itertools.combinations(range(len(points)), len(seeds)))
    by_chance = [largest_difference(points[list(split)], np.delete(points, list(split), axis=0)) for split in splits]
    share = float(np.mean([other >= observed - 1e-9 for other in by_chance]))
    print(f"largest |t| {observed:.2f}; as large in {share:.0%} of all {len(splits)} ways to divide the runs")
    result = {"seeds": seeds, "steps": STEPS.value, "window": WINDOW.value, "runs": runs}
    result |= {"largest_t": observed, "share_of_splits": share, "machine": harness.machine("tensorflow", "keras")}
    harness.write(result, OUT.value)


if __name__ == "__main__":
    app.run(main)
