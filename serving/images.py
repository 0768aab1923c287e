"""Images as callers hold them to images as `infer_code` takes them."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

Picture = bytes | str | os.PathLike[str]
Images = ArrayLike | Picture | Sequence[Picture]

_PICTURE = bytes | str | os.PathLike  # for isinstance, which takes no parameters
_SIGNATURES = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def encoded_images(images: Images) -> np.ndarray | None:
    """The contents of pictures as an object array of bytes [n]; None if `images` are no pictures but arrays.

    Args:
        images: a picture or several: the bytes of a PNG or JPEG, or the path of such a file.

    Raises:
        ValueError: something is neither PNG nor JPEG.
        OSError: a file cannot be read.
    """
    pictures = [images] if isinstance(images, _PICTURE) else images
    if not isinstance(pictures, list | tuple) or not pictures or not isinstance(pictures[0], _PICTURE):
        return None
    encoded = np.empty(len(pictures), dtype=object)
    for i, picture in enumerate(pictures):
        content = picture if isinstance(picture, bytes) else Path(picture).read_bytes()
        if not content.startswith(_SIGNATURES):
            name = f"Picture {i}" if isinstance(picture, bytes) else picture
            raise ValueError(f"{name} is neither PNG nor JPEG")
        encoded[i] = content
    return encoded


def image_batch(images: ArrayLike, image_shape: Sequence[int]) -> np.ndarray:
    """Images in the form of the signature's input.

    Args:
        images: float in [0, 1] or uint8; [n, h, w, channels] or a single [h, w, channels]; with one channel
            also [n, h, w] or [h, w].
        image_shape: (h, w, channels) of the model.

    Returns:
        [n, h, w, channels] float32 in [0, 1].

    Raises:
        ValueError: another shape, dtype or range, or no images.
    """
    images, shape = np.asarray(images), tuple(image_shape)
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / 255
    elif not np.issubdtype(images.dtype, np.floating):
        raise ValueError(f"Images must be float in [0, 1] or uint8, not {images.dtype}")
    elif not ((images >= 0) & (images <= 1)).all():
        raise ValueError(f"Float images must be in [0, 1], not in [{images.min():g}, {images.max():g}]")
    suits = {shape, shape[:2]} if shape[2] == 1 else {shape}
    single = images.shape in suits
    if not single and (images.shape[1:] not in suits or not len(images)):
        expected = " or ".join(f"[n, {', '.join(map(str, suit))}]" for suit in sorted(suits))
        raise ValueError(f"Images must have shape {expected} (or one image), not {list(images.shape)}")
    return images.reshape(-1, *shape).astype(np.float32)
