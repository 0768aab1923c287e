"""Many images as one picture."""

import io

import numpy as np
from PIL import Image

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
