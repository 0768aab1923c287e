"""A stop at the first loss that is no number."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np

from infogan_tf.callbacks.checkpoints import list_checkpoints


class TrainingDivergedError(RuntimeError):
    """A loss became NaN or infinite; the message names the step and the last good checkpoint."""


class StopOnNonFinite(keras.callbacks.Callback):
    """Stops at the first step whose losses are not finite, or epoch whose weights are not, before it is saved.

    Raises:
        TrainingDivergedError: From `fit`.
    """

    def __init__(self, checkpoints: str | Path, steps_per_epoch: int) -> None:
        super().__init__()
        self.checkpoints = checkpoints
        self.steps_per_epoch = steps_per_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # The logs are means over the epoch so far, so the first step that is not finite shows at once.
        watched = [name for name in logs if name.endswith(("_loss", "_information"))]
        bad = [name for name in watched if not math.isfinite(float(logs[name]))]
        self._stop_if(bad, batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
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
