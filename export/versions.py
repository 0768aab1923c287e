"""Numbered version folders that a watching server never sees half-written."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def list_versions(base: Path) -> list[int]:
    """Numbers of the version folders below `base`, ascending."""
    return sorted(int(path.name) for path in base.glob("*") if path.name.isdecimal())


@contextlib.contextmanager
def new_version(base: Path, version: int | None = None) -> Iterator[tuple[Path, int]]:
    """A staging folder that becomes `BASE/VERSION` when the block ends without error, and vanishes otherwise.

    TensorFlow Serving loads any folder whose name is a number as soon as it sees it, so the servable is written
    under another name in the same file system and renamed.

    Args:
        base: The folder above the version folders; made if needed.
        version: Its number; default: one above the highest there is.

    Yields:
        (staging folder, number).

    Raises:
        FileExistsError: The version exists; none is ever overwritten.
    """
    if version is None:
        version = max(list_versions(base), default=0) + 1
    if version in list_versions(base):
        raise FileExistsError(f"{base / str(version)} exists; versions are never overwritten")
    staging = base / f".staging-{version}-{os.getpid()}"
    staging.mkdir(parents=True)
    try:
        yield staging, version
        # rename(2) replaces an empty folder but fails on a version that another export published meanwhile.
        staging.rename(base / str(version))
    finally:
        shutil.rmtree(staging, ignore_errors=True)
