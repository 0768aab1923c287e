"""Images in a NumPy .npz file, held in memory."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from infogan_tf.datasets import decoding, splits
from infogan_tf.datasets.images import ImageSet

# What numpy and zipfile raise for damaged files: a header may claim any size, a member any compression.
BROKEN = (ValueError, OSError, RuntimeError, MemoryError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def load(path: Path, image_shape: tuple[int, int, int] | None) -> tuple[ImageSet, dict[str, np.ndarray]]:
    """All images of a file, and the rows of its splits; a random tenth, always the same one, is the split "test".

    Args:
        path: A file with the array `images`, uint8 or floats in [0, 1], [n, height, width, channels] or, gray,
            [n, height, width]; optionally `labels` [n], integers or strings. Other arrays are left alone. 8-bit images
            that are all 0 and 1 are black and white.
        image_shape: What to bring the images to if they have another shape; see `decoding.fit`.

    Raises:
        ValueError: No such file, or other arrays.
    """
    arrays = read(path, "images", optional=("labels",))
    images, labels, names = as_bytes(path, arrays["images"]), arrays.get("labels"), ()
    if labels is not None:
        if labels.shape != (len(images),) or labels.dtype.kind not in "iuU":
            raise ValueError(
                f"{path}: `labels` must be an integer or a string for each of the {len(images)} images, "
                f"got {labels.dtype} {list(labels.shape)}"
            )
        values, labels = np.unique(labels, return_inverse=True)
        names = tuple(map(str, values))
    if image_shape and images.shape[1:] != tuple(image_shape):
        resized = np.empty((len(images), *image_shape), np.uint8)
        for row, image in enumerate(tqdm(images, desc="resizing", unit=" images", delay=1)):
            resized[row] = decoding.fit_pixels(image, image_shape)
        images = resized
    order = np.random.default_rng(0).permutation(len(images))
    return ImageSet(images, labels, names), splits.hold_out(order)


def read(path: Path, *needed: str, optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """The named arrays of a file, the optional ones as far as it has them; others are left alone.

    Raises:
        ValueError: No such file, or it lacks one that is needed, or holds Python objects.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not an .npz file, as numpy.savez writes them")
    try:
        with np.load(path, allow_pickle=False) as file:
            held, arrays = file.files, {name: file[name] for name in (*needed, *optional) if name in file}
    except BROKEN as error:
        reason = "arrays of Python objects are not read" if "allow_pickle" in str(error) else error
        raise ValueError(f"{path} cannot be read: {reason}") from None
    for name in needed:
        if name not in arrays:
            raise ValueError(f"{path} must hold an array `{name}`; it holds {', '.join(held) or 'nothing'}")
    for name, value in arrays.items():
        if not isinstance(value, np.ndarray):
            raise ValueError(f"{path}: `{name}` is not an array, as numpy.savez writes them")
    return arrays


def as_bytes(path: Path, images: np.ndarray) -> np.ndarray:
    """A file's images as uint8 [n, height, width, channels]; 8-bit ones that are all 0 and 1 are black and white.

    Args:
        path: The file, for messages.
        images: uint8 or floats in [0, 1], [n, height, width, channels] or, gray, [n, height, width].

    Raises:
        ValueError: They are something else.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not images.size or images.shape[-1] not in {1, 3}:
        raise ValueError(
            f"{path}: `images` must be [n, height, width, 1 or 3] or [n, height, width], got {list(images.shape)}"
        )
    low, high = images.min(), images.max()
    if images.dtype == np.uint8:
        return images * 255 if high <= 1 else images
    if images.dtype.kind != "f":
        raise ValueError(f"{path}: `images` must be uint8 or floats in [0, 1], got {images.dtype}")
    if not (low >= 0 and high <= 1):
        raise ValueError(f"{path}: `images` are floats and must be in [0, 1], found {low:g} to {high:g}")
    return np.round(images * 255).astype(np.uint8)
