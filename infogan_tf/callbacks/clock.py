"""How fast a training is, and how long it has taken."""

from __future__ import annotations

import math
import time

import keras


class Throughput(keras.callbacks.Callback):
    """Adds `images_per_second` of the epoch so far to the logs, its first steps (which may compile) left out."""

    def __init__(self, batch_size: int) -> None:
        super().__init__()
        self.batch_size = batch_size

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.first, self.rate = None, math.nan

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        now = time.perf_counter()
        if self.first is None:
            self.first = batch, now
        else:
            first_batch, start = self.first
            self.rate = self.batch_size * (batch - first_batch) / (now - start)
            logs["images_per_second"] = self.rate

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs["images_per_second"] = self.rate


class Duration(keras.callbacks.Callback):
    """Adds `seconds` to an epoch's logs, since the end of the one before: what other callbacks wrote is counted too."""

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.end = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        start, self.end = self.end, time.perf_counter()
        logs["seconds"] = self.end - start
