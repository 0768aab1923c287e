"""The data sets of tensorflow-datasets."""

from __future__ import annotations

import logging
import math
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from infogan_tf.datasets import decoding, store
from infogan_tf.datasets.images import DatasetUnavailableError, ImageSet

if TYPE_CHECKING:
    import tensorflow_datasets as tfds

logger = logging.getLogger(__name__)

IN_MEMORY = 2**30  # bytes of images; more are read from a decoded copy
# The middle of the photographs as GANs on faces usually see it (Radford et al., 2016); the paper states 32 x 32 alone.
CENTRE = {"celeb_a": 108}
BINARY = frozenset({"binarized_mnist", "dsprites"})  # stored as 0 and 1
BY_HAND = {
    "celeb_a": "its host often refuses programs: fetch img_align_celeba.zip with a browser, unpack it, and give "
    "--dataset=folder:/path/to/img_align_celeba",
}


def names() -> list[str]:
    """Of all data sets that the installed tensorflow-datasets knows."""
    import tensorflow_datasets as tfds  # noqa: PLC0415 - two seconds that only this needs

    return tfds.list_builders(with_community_datasets=False)


def load(
    name: str, split: str, data_dir: str | Path | None, image_shape: tuple[int, int, int] | None = None
) -> ImageSet:
    """The images of a split, and the labels in a feature `label` if there is one.

    Args:
        name: As in tensorflow-datasets, for example "svhn_cropped" or "imagenet_resized/32x32".
        split: As in tensorflow-datasets.
        data_dir: Where it keeps its data; None for its default.
        image_shape: What to bring the images to if they have another shape or none in common; see `decoding.fit`.

    Raises:
        ValueError: No such split, or no images.
        DatasetUnavailableError: The data set is not in `data_dir` and cannot be downloaded.
    """
    import tensorflow_datasets as tfds  # noqa: PLC0415

    builder = tfds.builder(name, data_dir=data_dir)
    feature, label = _features(builder)
    _prepare(builder)
    own_shape = builder.info.features[feature].shape
    image_shape = tuple(image_shape or own_shape)
    if None in image_shape:
        raise ValueError(f"the images of {name!r} differ in size: an image_shape to bring them to is needed")
    try:
        num_images = builder.info.splits[split].num_examples
    except (ValueError, KeyError, AssertionError) as error:
        raise ValueError(f"split {split!r} of {name!r}: {error}") from None
    label_names = tuple(builder.info.features[label].names) if label else ()

    if image_shape == own_shape and num_images * math.prod(image_shape) <= IN_MEMORY:
        everything = tfds.as_numpy(builder.as_dataset(split=split, batch_size=-1))
        images, labels = everything[feature], everything[label] if label else None
        return _image_set(images * 255 if builder.name in BINARY else images, labels, label_names)

    def write(add: Callable[[np.ndarray], Any]) -> dict[str, Any]:
        labels = []
        data = tfds.as_numpy(builder.as_dataset(split=split))
        for example in tqdm(data, total=num_images, desc=f"reading {name}", unit=" images", delay=1):
            add(_fit(builder.name, example[feature], image_shape))
            labels.append(int(example[label]) if label else 0)
        return {"labels": labels}

    state = [decoding.VERSION, builder.info.full_name, str(builder.data_path)]
    images, described = store.decoded_copy(f"{name} {split}", state, image_shape, num_images, write)
    return _image_set(images, np.array(described["labels"], np.int64) if label else None, label_names)


def _prepare(builder: tfds.core.DatasetBuilder) -> None:
    """Downloads the data set if it is not there."""
    if builder.data_path.exists():
        return
    # A failed download logs its retries and ends in a long traceback; one line says what helps.
    logger.info("downloading %s to %s", builder.name, builder.data_path)
    try:
        builder.download_and_prepare()
    except Exception as error:
        advice = "use --preset=mnist_5k, which needs no download, or point --data_dir at a prepared copy"
        if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
            advice = (
                f"its files must be fetched by hand (https://www.tensorflow.org/datasets/catalog/{builder.name} says "
                "which and where to), or point --data_dir at a prepared copy"
            )
        reason = textwrap.shorten(f"{type(error).__name__}: {error}", 120, placeholder=" ...")
        raise DatasetUnavailableError(
            f"dataset {builder.name!r} is not in {builder.data_path.parent.parent} and cannot be downloaded "
            f"({reason}); {BY_HAND.get(builder.name, advice)}"
        ) from None


def _features(builder: tfds.core.DatasetBuilder) -> tuple[str, str | None]:
    """The names of the features with the images and with the labels: "image" and "label" where there are such."""
    import tensorflow_datasets as tfds  # noqa: PLC0415

    features = dict(builder.info.features)
    pictures = {name: kind for name, kind in features.items() if type(kind) is tfds.features.Image}
    images = [name for name, kind in pictures.items() if kind.np_dtype == np.uint8]
    if not images:
        raise ValueError(f"{builder.name!r} has no 8-bit images; its features are {', '.join(features)}")
    label = "label" if isinstance(features.get("label"), tfds.features.ClassLabel) else None
    return "image" if "image" in images else images[0], label


def _fit(name: str, pixels: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    if name in BINARY:
        pixels = pixels * 255
    if name in CENTRE and pixels.shape != image_shape:
        size = CENTRE[name]
        top, left = (length - size for length in pixels.shape[:2])
        pixels = pixels[top // 2 :, left // 2 :][:size, :size]
    return decoding.fit_pixels(pixels, image_shape)


def _image_set(images: Any, labels: np.ndarray | None, label_names: tuple[str, ...]) -> ImageSet:
    """Some contests keep the labels of their test split to themselves, and give -1 for all."""
    if labels is None or (len(labels) and labels.min() < 0):
        return ImageSet(images, None, ())
    return ImageSet(images, labels, label_names)
