"""Wall time until a categorical code of MNIST tells the digits apart, beside PyTorch.

    pip install torch
    python benchmarks/time_to_accuracy.py --out=benchmarks/results/time_to_accuracy.json

Both train on the 60,000 training images at batch 128; ACC is the best match of code and label (Hungarian) on the
10,000 test images, looked at every 50 steps with the clock stopped. This project trains its preset `mnist` without
its recognition phase and at full rates, tracing included. PyTorch is the paper's networks as people write them, both
learning rates 2e-4, as a popular implementation has them; of its two ways to answer (moving statistics of batch
normalisation, or a batch's own) the better counts. Seeds one after another, both in each. A run ends at the last
accuracy, or at its limit: this project's after the preset's epochs, PyTorch's after --patience times the time that this
project took to the first. What --out already holds is not run again.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import harness
import numpy as np
from absl import app, flags

SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "One run of each per seed.")
ACCURACIES = flags.DEFINE_list("accuracies", ["0.90", "0.95"], "Goals, ascending.")
PATIENCE = flags.DEFINE_float("patience", 3.5, "Limit of PyTorch's runs.", lower_bound=1)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Where tensorflow-datasets keeps MNIST.")
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

LOOK_EVERY = 50


def infogan_tf_run(seed: int, data_dir: str | None):
    """A step, and a look at the test images, of this project."""
    import keras  # noqa: PLC0415

    from infogan_tf import datasets, training  # noqa: PLC0415
    from infogan_tf.config import TrainingConfig  # noqa: PLC0415

    config = TrainingConfig.from_preset("mnist", seed=seed, data_dir=data_dir)
    train, test = (datasets.load("mnist", split, data_dir) for split in ("train", "test"))
    keras.utils.set_random_seed(seed)
    model = training.build(config)
    model.make_train_function()
    batches = iter(datasets.training_batches(train.images, config.batch_size, seed))
    images = test.images.astype(np.float32) / 255

    def step() -> None:
        float(model.train_function(batches)["d_loss"])  # waits for the step

    def categories() -> list[np.ndarray]:
        parts = np.split(images, 20)
        return [np.concatenate([model.infer_code(part)["digit_probs"].numpy().argmax(1) for part in parts])]

    return step, categories, test.labels, config.epochs * (len(train.images) // config.batch_size)


def pytorch_run(seed: int, data_dir: str | None):
    """A step, and a look at the test images, of PyTorch."""
    import torch  # noqa: PLC0415
    from pytorch_infogan import Trainer  # noqa: PLC0415

    from infogan_tf import datasets  # noqa: PLC0415

    train, test = (datasets.load("mnist", split, data_dir) for split in ("train", "test"))
    torch.manual_seed(seed)
    trainer = Trainer(tuned=False, discriminator_rate=2e-4, generator_rate=2e-4)
    images, held_out = (torch.from_numpy(s.images).permute(0, 3, 1, 2).float() / 255 for s in (train, test))

    def step() -> None:
        trainer.step(images[torch.randint(len(images), (128,))])

    return step, lambda: [answer.numpy() for answer in trainer.categories(held_out)], test.labels, None


def train(build, seed: int, data_dir: str | None, goals: list[float], limit: float | None):
    """Trains until the last goal or a limit.

    Returns:
        `seconds` by goal (None where it was not reached) and `curve`: (steps, seconds, accuracy) at every look.
    """
    from infogan_tf.evaluation.clustering import contingency_table, scores  # noqa: PLC0415

    step, categories, labels, most_steps = build(seed, data_dir)
    clock, steps, curve, reached = 0.0, 0, [], {}
    while len(reached) < len(goals) and steps < (most_steps or math.inf) and clock < (limit or math.inf):
        start = time.perf_counter()
        for _ in range(LOOK_EVERY):
            step()
        clock += time.perf_counter() - start
        steps += LOOK_EVERY
        accuracy = max(scores(contingency_table(labels, answer, 10, 10))["acc"] for answer in categories())
        curve.append((steps, round(clock, 1), accuracy))
        reached.update({goal: clock for goal in goals if accuracy >= goal and goal not in reached})
    return {"seconds": {str(goal): reached.get(goal) for goal in goals}, "curve": curve}


def main(argv: list[str]) -> None:
    """Trains what --out does not hold yet, prints a line per run, writes the JSON after each."""
    del argv
    goals = [float(goal) for goal in ACCURACIES.value]
    runs = json.loads(Path(OUT.value).read_text())["runs"] if OUT.value and Path(OUT.value).exists() else []
    for seed in map(int, SEEDS.value):
        limit = None
        for name, build in (("infogan-tf", infogan_tf_run), ("PyTorch as people write it", pytorch_run)):
            result = next((run for run in runs if (run["name"], run["seed"]) == (name, seed)), None)
            if result is None:
                # A process of its own: frameworks share neither threads nor memory.
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    trained = pool.submit(train, build, seed, DATA_DIR.value, goals, limit).result()
                result = {"name": name, "seed": seed, "limit": limit, **trained}
                runs.append(result)
                harness.write({"runs": runs, "machine": harness.machine("tensorflow", "keras", "torch")}, OUT.value)
            times = ", ".join(
                f"{float(goal):.0%} after {seconds:.0f} s" if seconds else f"{float(goal):.0%} not reached"
                for goal, seconds in result["seconds"].items()
            )
            steps, clock, accuracy = result["curve"][-1]
            print(f"seed {seed}  {name:28s} {times}; {accuracy:.1%} at step {steps}, {clock:.0f} s", flush=True)
            limit = PATIENCE.value * (result["seconds"][str(goals[0])] or clock)


if __name__ == "__main__":
    app.run(main)
