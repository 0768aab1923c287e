"""Images in a folder of PNG, JPEG, BMP and GIF files.

Every file is decoded once, before training: that finds the broken ones, and its result is kept (see `store`), so that
afterwards nothing can break and no file is decoded again.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from infogan_tf.datasets import decoding, splits, store
from infogan_tf.datasets.images import ImageSet

logger = logging.getLogger(__name__)

PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "val": "validation",
    "valid": "validation", "validation": "validation",
}  # fmt: skip
BLOCK = 256  # files whose images are held at a time
NAMES = 10  # of broken files in a message


def load(root: Path, image_shape: tuple[int, int, int], strict: bool) -> tuple[ImageSet, dict[str, np.ndarray]]:
    """All images below a folder, and the rows of its splits.

    Files in sub-folders count; the first level of sub-folders are the classes if every image lies in one and there are
    two or more. A tenth of the files, chosen by the hash of their names, is the split "test". Where there is a
    sub-folder `train` and a `test` or `validation` (or another of `PARTS`, in any case), all sub-folders are splits
    instead, also under those names, and the classes lie below them; without a `test`, it is a tenth of `train`.

    Args:
        root: The folder. Hidden files and those whose suffix is not in `decoding.FORMATS` are ignored.
        image_shape: (height, width, channels) to bring every image to; see `decoding.fit`.
        strict: Accept no file that cannot be read, rather than leave it out with a warning.

    Raises:
        ValueError: There is no such folder, or it holds no image; with `strict`, some cannot be read.
    """
    if not root.is_dir():
        raise ValueError(f"{root} is not a folder")
    files = sorted(_files(root, strict))
    if not files:
        raise ValueError(f"{root} holds no file that ends in {', '.join(decoding.FORMATS)}")
    state = [decoding.VERSION, *((name, *_state(root / name)) for name in files)]
    write = partial(_decode, root, files, image_shape)
    images, described = store.decoded_copy(str(root.resolve()), state, image_shape, len(files), write)
    if broken := described["broken"]:
        message = _complaint(root, broken, len(files))
        if strict or not len(images):
            raise ValueError(message)
        logger.warning("%s", message)
    labels, label_names, parts = _arrange(described["files"])
    return ImageSet(images, labels, label_names), parts


def _files(root: Path, strict: bool) -> Iterator[str]:
    """Paths below `root`, with / on every system; links to folders are followed, each folder is seen once."""

    def cannot_enter(error: OSError) -> None:
        if strict:
            raise ValueError(f"cannot look into {error.filename}: {error.strerror}") from error
        logger.warning("left out: cannot look into %s (%s)", error.filename, error.strerror)

    ignored, seen = Counter(), set()
    for folder, folders, names in os.walk(root, onerror=cannot_enter, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            suffix = Path(name).suffix.lower()
            if name.startswith("."):
                continue
            if suffix in decoding.FORMATS:
                yield (Path(folder) / name).relative_to(root).as_posix()
            else:
                ignored[suffix or name] += 1
    if ignored:
        kinds = ", ".join(f"{count} {kind}" for kind, count in ignored.most_common(NAMES))
        logger.info("files in %s that are not read: %s", root, kinds)


def _state(path: Path) -> tuple[int, ...]:
    """What changes when a file, or the right to read it, does; nothing where a link leads nowhere."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_mode


def _decode(
    root: Path, files: list[str], image_shape: tuple[int, int, int], add: Callable[[np.ndarray], Any]
) -> dict[str, Any]:
    """Adds the images of all files that can be read; returns their names, and [name, reason] of the others."""

    def read(name: str) -> np.ndarray | str:
        if not (root / name).is_file():  # a pipe would be waited for
            return "not a file"
        try:
            return decoding.read(root / name, image_shape)
        except decoding.UnreadableImageError as error:
            return str(error)

    good, broken = [], []
    progress = tqdm(total=len(files), desc=f"reading {root}", unit=" files", delay=1)
    with ThreadPoolExecutor(os.cpu_count()) as pool, progress:  # Pillow decodes outside of Python's lock
        for start in range(0, len(files), BLOCK):
            block = files[start : start + BLOCK]
            for name, image in zip(block, pool.map(read, block), strict=True):
                progress.update()
                if isinstance(image, str):
                    broken.append([name, image])
                else:
                    good.append(name)
                    add(image)
    return {"files": good, "broken": broken}


def _complaint(root: Path, broken: list[list[str]], total: int) -> str:
    listed = [f"{name} ({reason})" for name, reason in broken[:NAMES]]
    if len(broken) > NAMES:
        listed.append(f"and {len(broken) - NAMES} more")
    return f"{len(broken)} of the {total} images in {root} cannot be read: {', '.join(listed)}"


def _arrange(files: list[str]) -> tuple[np.ndarray | None, tuple[str, ...], dict[str, np.ndarray]]:
    """Labels, their names, and the rows of every split."""
    order = np.array(sorted(range(len(files)), key=lambda row: hashlib.sha256(os.fsencode(files[row])).digest()))
    folders = [name.split("/")[:-1] for name in files]
    first = [path[0] if path else "" for path in folders]
    meant = {PARTS[name.lower()]: name for name in sorted(set(first)) if name.lower() in PARTS}
    if "train" in meant and len(meant) > 1:
        parts = {part: order[[first[row] == part for row in order]] for part in sorted(set(first)) if part}
        parts |= {part: parts[name] for part, name in meant.items()}
        if "test" not in parts:
            held_out = splits.hold_out(parts["train"])
            parts |= {"train": held_out["train"], "test": held_out["test"]}
        first = [path[1] if len(path) > 1 else "" for path in folders]
    else:
        parts = splits.hold_out(order)
    names = sorted({first[row] for rows in parts.values() for row in rows})
    if len(names) > 1 and "" in names:
        logger.info("no labels: %d images lie in no class folder", first.count(""))
    if len(names) < 2 or "" in names:
        return None, (), parts
    labels = {name: label for label, name in enumerate(names)}
    shown = (os.fsencode(name).decode(errors="replace") for name in names)  # old archives hold names in other codes
    return np.array([labels.get(name, -1) for name in first]), tuple(shown), parts
