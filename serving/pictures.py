"""Many images as one picture, and any picture as an image of a model's size."""

import io
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

_GAP = 1  # pixels between images, white


def contact_sheet(images: np.ndarray) -> bytes:
    """A PNG of images [rows, columns, height, width, 1 or 3] in [0, 1]."""
    pixels = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    framed = np.pad(pixels, ((0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=255)
    rows, columns, height, width, channels = framed.shape
    sheet = framed.swapaxes(1, 2).reshape(rows * height, columns * width, channels)[:-_GAP, :-_GAP]
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if channels == 1 else sheet).save(file, "PNG")
    return file.getvalue()


def opaque(path: str | os.PathLike[str]) -> Image.Image:
    """A picture, upright, on white where it is transparent.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is broken, neither PNG, JPEG, BMP nor GIF, or has more pixels than Pillow deems safe.
    """
    try:
        with Image.open(path, formats=("PNG", "JPEG", "BMP", "GIF")) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I"):  # 16 bits, which `convert` would clip
                image = Image.fromarray(np.round(np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
            image = image.convert("RGBA")
    except FileNotFoundError:
        raise
    except Exception as error:  # a broken file lets Pillow raise almost anything: SyntaxError, struct.error, ...
        raise ValueError(f"{os.fspath(path)} cannot be read: {error}") from error
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def fitted(image: Image.Image, image_shape: Sequence[int]) -> np.ndarray:
    """Its middle, resized: uint8 of `image_shape`, as training on a folder of pictures sees it."""
    height, width, channels = image_shape
    suited = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(ImageOps.fit(suited, (width, height), Image.Resampling.LANCZOS)).reshape(image_shape)
