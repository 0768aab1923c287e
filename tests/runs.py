"""Small runs of `training.train`, whole, interrupted and compared."""

import csv
import os
import signal
from pathlib import Path

import keras
import numpy as np

from infogan_tf import callbacks, datasets, training
from infogan_tf.config import TrainingConfig
from infogan_tf.model import InfoGAN
from tests import tiny

STEPS = 3
CONFIG = TrainingConfig.from_preset(
    "mnist",
    codes="digit:categorical(3),slant:uniform",
    image_shape=(8, 8, 1),
    noise_size=4,
    batch_size=8,
    epochs=2,
    steps_per_epoch=STEPS,
    decay_epochs=0,
    recognition_epochs=0,
    precision="float32",
)


def small_images(name: str, split: str = "train", **arguments) -> datasets.ImageSet:
    """Stands in for `datasets.load`: 20 images of 8x8, other ones for each split."""
    images = (255 * tiny.images(20, seed=len(split))).astype(np.uint8)
    return datasets.ImageSet(images, np.arange(20) % 3, ("a", "b", "c"))


class InterruptedRunError(Exception):
    pass


class InterruptedThroughput(callbacks.Throughput):
    """Ends the run in the middle of an epoch."""

    at = (1, 1)  # epoch and step, both from 0

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if (self.epoch, batch) == self.at:
            self.end()

    def end(self):
        raise InterruptedRunError


class KilledThroughput(InterruptedThroughput):
    def end(self):
        os.kill(os.getpid(), signal.SIGKILL)


def run(workdir: Path, config: TrainingConfig = CONFIG, **arguments) -> InfoGAN:
    with tiny.determinism():
        return training.train(config, workdir, **arguments)


def metrics(workdir: Path) -> list[dict[str, str]]:
    with (workdir / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def files(workdir: Path) -> dict[str, bytes]:
    return {str(path.relative_to(workdir)): path.read_bytes() for path in workdir.rglob("*") if path.is_file()}


def assert_same_run(workdir: Path, other: Path) -> None:
    """The same weights, optimizer states and metrics (but for the clock's)."""
    ours, theirs = (keras.models.load_model(folder / "model.keras") for folder in (workdir, other))
    optimizers = [f"{name}_optimizer.variables" for name in ("discriminator", "generator", "recognition")]
    assert (ours.recognition is None) == (theirs.recognition is None)
    for name in ("weights", *(optimizers if ours.recognition else optimizers[:2])):
        pairs = []
        for m in (ours, theirs):
            value = m
            for part in name.split("."):
                value = getattr(value, part)
            pairs.append(tiny.values(value))
        for a, b in zip(*pairs, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)
    times = {"images_per_second", "seconds"}
    rows = [[{k: v for k, v in row.items() if k not in times} for row in metrics(f)] for f in (workdir, other)]
    assert rows[0] == rows[1]
