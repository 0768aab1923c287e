"""What people look at while a model trains: traversal pictures, and a score that needs no labels."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from infogan_tf import pictures
from infogan_tf.selection import stable_information
from infogan_tf.traversal import traverse


class TraversalPictures(keras.callbacks.Callback):
    """After every epoch `FOLDER/epoch-0001.png`: one traversal grid per code, the same noise every time."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = Path(folder)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        grids = [grid for code in self.model.codes for grid in traverse(self.model, code.name)]
        pictures.save_traversals(grids, self.folder / f"epoch-{epoch + 1:04d}.png")


class StableInformation(keras.callbacks.Callback):
    """Adds `stable_information` (see `selection`) on some images to an epoch's logs: a score that needs no labels.

    Args:
        images: uint8 [n, height, width, channels].
    """

    def __init__(self, images: np.ndarray) -> None:
        super().__init__()
        self.images = images

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs["stable_information"] = stable_information(self.model, self.images)
