"""Decoded copies of images on disk, so that training reads pixels and does not decode the same files every epoch.

A copy is two files in `~/.cache/infogan_tf/images` (or below $XDG_CACHE_HOME): the pixels, one image after another, and
a JSON file with whatever else is known of them, which is written last. They can be deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from infogan_tf.datasets.images import FileImages
from infogan_tf.files import cache_folder, replaced_file

logger = logging.getLogger(__name__)

STALE_SECONDS = 24 * 3600


def decoded_copy(
    name: str,
    state: Any,
    image_shape: tuple[int, int, int],
    num_images: int,
    write: Callable[[Callable[[np.ndarray], Any]], dict[str, Any]],
) -> tuple[FileImages, dict[str, Any]]:
    """The decoded images of a set, from its copy if there is one.

    Args:
        name: Of the set. There is one copy of it for each image shape: a new one replaces that of another state.
        state: What the images depend on besides, as JSON values.
        image_shape: (height, width, channels) of the copy.
        num_images: How many there will be at most.
        write: Makes the copy: is given a function that adds one image, returns what to keep beside them.

    Returns:
        The images, and what `write` returned.

    Raises:
        OSError: There is no room for the copy, or it cannot be written.
    """
    folder = cache_folder("images")
    of_set = _digest([name, image_shape])
    index = folder / f"{of_set}-{_digest(state)}.json"
    pixels = index.with_suffix(".pixels")
    size = math.prod(image_shape)
    try:
        described = json.loads(index.read_text())
        complete = pixels.stat().st_size == size * described["num_images"]
    except (OSError, ValueError, KeyError):
        complete = False
    if not complete:
        _check_room(folder, size * num_images)
        with replaced_file(index) as new_index:
            with replaced_file(pixels) as new_pixels, new_pixels.open("wb") as file:
                logger.info("keeping a decoded copy of %s in %s", name, folder)
                described = {"name": name, **write(file.write)}
                described["num_images"] = file.tell() // size
            new_index.write_text(json.dumps(described))
        _clean_up(folder, of_set, index.stem)
    rows = np.arange(described["num_images"])
    return FileImages([pixels], np.zeros_like(rows), rows * size, image_shape), described


def _clean_up(folder: Path, of_set: str, current: str) -> None:
    """Removes copies of other states, and what killed processes had begun to write more than a day ago."""
    for path in folder.glob(f"{of_set}-*"):
        if path.stem != current:
            path.unlink(missing_ok=True)
    for path in folder.glob(f".*-{of_set}-*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]


def _check_room(folder: Path, needed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"a decoded copy of the images needs {needed / 1e9:.1f} GB in {folder}, and {free / 1e9:.1f} GB are free; "
            "set XDG_CACHE_HOME to a folder with more room"
        )
