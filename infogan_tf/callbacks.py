"""Callbacks for `model.fit`: traversal pictures, whole checkpoints, throughput, and a stop at the first NaN."""

from __future__ import annotations

import math
import re
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from infogan_tf import pictures
from infogan_tf.files import replaced_file
from infogan_tf.selection import stable_information
from infogan_tf.traversal import traverse


class TraversalPictures(keras.callbacks.Callback):
    """After every epoch `FOLDER/epoch-0001.png`: one traversal grid per code, the same noise every time."""

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_epoch_end(self, epoch, logs=None):
        grids = [grid for code in self.model.codes for grid in traverse(self.model, code.name)]
        pictures.save_traversals(grids, self.folder / f"epoch-{epoch + 1:04d}.png")


class Checkpoints(keras.callbacks.Callback):
    """After every epoch `FOLDER/epoch-0001.keras`: weights, optimizers and random state; the last `keep`.

    Where the logs have `stable_information`, the epoch with the highest stays as `FOLDER/best-0001-2.1234.keras`, epoch
    and value. Put the callback last, so that what the others wrote for an epoch is there when its checkpoint is.
    """

    def __init__(self, folder: str | Path, keep: int = 2):
        super().__init__()
        self.folder = Path(folder)
        self.keep = keep

    def on_epoch_end(self, epoch, logs=None):
        path = self.folder / f"epoch-{epoch + 1:04d}.keras"
        with replaced_file(path) as temporary:
            self.model.save(temporary)
        if "stable_information" in (logs or {}):
            self._keep_if_best(path, epoch + 1, logs["stable_information"])
        for path, _ in list_checkpoints(self.folder)[: -self.keep]:
            path.unlink()

    def _keep_if_best(self, path: Path, epoch: int, value: float) -> None:
        outdated = list(self.folder.glob("best-*.keras"))
        best = best_checkpoint(self.folder)
        if best is not None and best[1] < epoch and best[2] >= value:
            return
        with replaced_file(self.folder / f"best-{epoch:04d}-{value:.4f}.keras") as temporary:
            shutil.copyfile(path, temporary)
        for file in outdated:
            file.unlink(missing_ok=True)


def best_checkpoint(folder: str | Path) -> tuple[Path, int, float] | None:
    """(path, epochs completed, stable information) of the epoch that `Checkpoints` holds for the best."""
    found = [(path, re.fullmatch(r"best-(\d+)-(-?\d+\.\d+)\.keras", path.name)) for path in Path(folder).glob("best-*")]
    return max(((path, int(name[1]), float(name[2])) for path, name in found if name), key=lambda b: b[2], default=None)


class StableInformation(keras.callbacks.Callback):
    """Adds `stable_information` (see `selection`) on some images to an epoch's logs: a score that needs no labels.

    Args:
        images: uint8 [n, height, width, channels].
    """

    def __init__(self, images: np.ndarray):
        super().__init__()
        self.images = images

    def on_epoch_end(self, epoch, logs=None):
        logs["stable_information"] = stable_information(self.model, self.images)


def list_checkpoints(folder: str | Path) -> list[tuple[Path, int]]:
    """(path, epochs completed) of the checkpoints in `folder`, oldest first."""
    found = [(path, re.fullmatch(r"epoch-(\d+)\.keras", path.name)) for path in Path(folder).glob("epoch-*.keras")]
    return sorted(((path, int(name[1])) for path, name in found if name), key=lambda item: item[1])


class Throughput(keras.callbacks.Callback):
    """Adds `images_per_second` of the epoch so far to the logs, its first steps (which may compile) left out."""

    def __init__(self, batch_size: int):
        super().__init__()
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch, logs=None):
        self.first, self.rate = None, math.nan

    def on_train_batch_end(self, batch, logs=None):
        now = time.perf_counter()
        if self.first is None:
            self.first = batch, now
        else:
            first_batch, start = self.first
            self.rate = self.batch_size * (batch - first_batch) / (now - start)
            logs["images_per_second"] = self.rate

    def on_epoch_end(self, epoch, logs=None):
        logs["images_per_second"] = self.rate


class Duration(keras.callbacks.Callback):
    """Adds `seconds` to an epoch's logs, since the end of the one before: what other callbacks wrote is counted too."""

    def on_train_begin(self, logs=None):
        self.end = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        start, self.end = self.end, time.perf_counter()
        logs["seconds"] = self.end - start


class SwitchOn(keras.callbacks.Callback):
    """Sets the model's `contrast_weight` from an epoch on, the first being 0.

    It orders what images already show; before they show it, it would only freeze it.
    """

    def __init__(self, contrast_weight: float, epoch: int):
        super().__init__()
        self.contrast_weight, self.epoch = contrast_weight, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and self.model.contrast_weight != self.contrast_weight:
            self.model.contrast_weight = self.contrast_weight
            self.model.make_train_function(force=True)


class WakeUp(keras.callbacks.Callback):
    """Begins the model's wake phase at an epoch, the first being 0."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and self.model.recognition is None:
            self.model.wake_up()
            self.model.make_train_function()

    def on_epoch_end(self, epoch, logs=None):
        logs.setdefault("wake_loss", 0.0)  # a column of a run's table from its first line on


class RateDecay(keras.callbacks.Callback):
    """Learning rates fall in a straight line to 0 over some epochs, so that the noise of a run dies away.

    Args:
        rates: Before the fall, by the name of the model's attribute, as `{"generator_optimizer": 1e-3}`.
        end: The epoch before which the rates reach 0, the first being 0.
        decay_epochs: How many epochs the fall takes; 0 for none.
        steps_per_epoch: Steps of an epoch.
    """

    def __init__(self, rates: dict[str, float], end: int, decay_epochs: int, steps_per_epoch: int):
        super().__init__()
        self.rates, self.steps_per_epoch = rates, steps_per_epoch
        self.end, self.length = end * steps_per_epoch, decay_epochs * steps_per_epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.step = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch, logs=None):
        left = self.end - self.step - batch
        factor = max(left, 0) / self.length if left < self.length else 1.0
        for name, rate in self.rates.items():
            getattr(self.model, name).learning_rate = rate * factor


class TrainingDivergedError(RuntimeError):
    """A loss became NaN or infinite; the message names the step and the last good checkpoint."""


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops at the first step whose losses are not finite, or epoch whose weights are not, before it is saved.

    Raises:
        TrainingDivergedError: From `fit`.
    """

    def __init__(self, checkpoints: str | Path, steps_per_epoch: int):
        super().__init__()
        self.checkpoints = checkpoints
        self.steps_per_epoch = steps_per_epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        # The logs are means over the epoch so far, so the first step that is not finite shows at once.
        bad = [name for name in ("d_loss", "g_loss") if not math.isfinite(float(logs[name]))]
        self._stop_if(bad, batch)

    def on_epoch_end(self, epoch, logs=None):
        # A ReLU turns NaN into 0, so that bad weights of G need not show in the losses.
        variables = self.model.trainable_variables
        self._stop_if([v.path for v in variables if not np.isfinite(v.numpy()).all()], self.steps_per_epoch - 1)

    def _stop_if(self, bad: list[str], batch: int) -> None:
        if bad:
            saved = list_checkpoints(self.checkpoints)
            raise TrainingDivergedError(
                f"{' and '.join(bad)} not finite at step {self.epoch * self.steps_per_epoch + batch + 1} "
                f"(epoch {self.epoch + 1}); last good checkpoint: {saved[-1][0] if saved else 'none yet'}"
            )
