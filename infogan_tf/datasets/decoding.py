"""From an image of any size, mode and format to uint8 pixels of one shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

VERSION = 1  # of the pixels that come from a file: a change makes decoded copies outdated
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".gif": "GIF"}  # by a file's suffix


class UnreadableImageError(ValueError):
    """A file holds no image that can be read; the message says why in a few words."""


def read(path: str | Path, image_shape: tuple[int, int, int]) -> np.ndarray:
    """The image of a file, the first one of an animation, turned as its EXIF orientation says; see `fit`.

    Raises:
        UnreadableImageError: The file is broken, of another format, or has more pixels than Pillow deems safe.
    """
    height, width, channels = image_shape
    try:
        with Image.open(path, formats=sorted(set(FORMATS.values()))) as image:
            if image.width * image.height > Image.MAX_IMAGE_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels, more than {Image.MAX_IMAGE_PIXELS}")
            image.draft("L" if channels == 1 else "RGB", (2 * width, 2 * height))  # large JPEGs decode faster small
            return fit(ImageOps.exif_transpose(image), image_shape)
    except Image.UnidentifiedImageError:
        raise UnreadableImageError("no PNG, JPEG, BMP or GIF") from None
    except Exception as error:  # a broken file lets Pillow raise almost anything: SyntaxError, struct.error, ...
        raise UnreadableImageError(str(error).splitlines()[0] if str(error) else type(error).__name__) from None


def fit(image: Image.Image, image_shape: tuple[int, int, int]) -> np.ndarray:
    """The middle of an image, as large as its shape allows, resized: uint8 of `image_shape`.

    Colours become gray where `image_shape` has one channel, gray becomes RGB where it has three, and what is
    transparent becomes white. 16-bit values are scaled to 8 bits.
    """
    height, width, channels = image_shape
    if image.mode.startswith("I"):  # 16 bits, which `convert` would clip
        image = Image.fromarray(np.round(np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)).reshape(image_shape)


def fit_pixels(pixels: np.ndarray, image_shape: tuple[int, int, int]) -> np.ndarray:
    """`fit` of uint8 [height, width, 1, 3 or 4]."""
    return fit(Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels), image_shape)
