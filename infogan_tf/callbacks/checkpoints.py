"""Whole checkpoints: the last ones, and the best by a score that needs no labels."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import keras

from infogan_tf.files import replaced_file


class Checkpoints(keras.callbacks.Callback):
    """After every epoch `FOLDER/epoch-0001.keras`: weights, optimizers and random state; the last `keep`, from 1 up.

    Those of later epochs are of another `fit` and go.

    Where the logs have `stable_information`, the epoch with the highest stays as `FOLDER/best-0001-2.1234.keras`, epoch
    and value. Put the callback last, so that what the others wrote for an epoch is there when its checkpoint is.
    """

    def __init__(self, folder: str | Path, keep: int = 2) -> None:
        super().__init__()
        if keep < 1:
            raise ValueError(f"keep must be 1 or more, got {keep}")
        self.folder = Path(folder)
        self.keep = keep

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        path = self.folder / f"epoch-{epoch + 1:04d}.keras"
        with replaced_file(path) as temporary:
            self.model.save(temporary)
        if "stable_information" in (logs or {}):
            self._keep_if_best(path, epoch + 1, logs["stable_information"])
        found = list_checkpoints(self.folder)
        kept = [path for path, number in found if number <= epoch + 1][-self.keep :]
        for path, _ in found:
            if path not in kept:
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


def list_checkpoints(folder: str | Path) -> list[tuple[Path, int]]:
    """(path, epochs completed) of the checkpoints in `folder`, oldest first."""
    found = [(path, re.fullmatch(r"epoch-(\d+)\.keras", path.name)) for path in Path(folder).glob("epoch-*.keras")]
    return sorted(((path, int(name[1])) for path, name in found if name), key=lambda item: item[1])
