"""Pictures inside the page, so that it needs no other file."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def data_uri(content: bytes, media_type: str) -> str:
    """`content` as the value of an `src` attribute."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def png(picture: np.ndarray) -> str:
    """A data URI of uint8 [height, width] or [height, width, 3]."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
