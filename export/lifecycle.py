"""What becomes of published versions: an old one published again, and old ones removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf

from infogan_export.self_check import TOLERANCE, ExportError, self_check
from infogan_export.versions import check_free, find_version, publish, remove_old, staging_folder
from infogan_export.warmup import read_warmup_requests


def republish(base: str | Path, version: int, *, new_version: int | None = None) -> tuple[Path, dict[str, float]]:
    """Publishes a copy of a version as a new one: the way back that a server takes like any new version.

    Args:
        base: The folder above the version folders.
        version: The one to copy.
        new_version: Number of the copy; default: one above the highest there is.

    Returns:
        The new version folder, and for each signature that has warm-up requests the largest difference between what
        the original and the reloaded copy answer to them.

    Raises:
        FileNotFoundError: There is no such version.
        FileExistsError: `new_version` exists.
        ValueError: `new_version` is less than 1.
        ExportError: The copy does not load, or does not answer as the original does.
    """
    base = Path(base)
    original = find_version(base, version)
    check_free(base, new_version)
    with staging_folder(base) as staging:
        shutil.copytree(original, staging, dirs_exist_ok=True)
        try:
            requests = read_warmup_requests(original)
            differences = self_check(staging, _load(original).signatures, requests, TOLERANCE)
        except tf.errors.OpError as error:
            raise ExportError(f"{original} does not answer its own warm-up requests: {error.message}") from error
        return publish(staging, new_version), differences


def prune(base: str | Path, keep: int, published: str | Path) -> list[Path]:
    """Removes versions that are older than the newest `keep` that load.

    Args:
        base: The folder above the version folders.
        keep: At least 2: a server may still be loading the version before the newest, or unable to leave it.
        published: The version that was just published; it stays whatever its number.

    Returns:
        The folders that are gone, oldest first.

    Raises:
        ValueError: `keep` is less than 2.
    """
    if keep < 2:
        raise ValueError(f"keep must be at least 2, not {keep}: a server may still need the version before the newest")
    return remove_old(Path(base), keep, Path(published), _loads)


def _load(folder: Path) -> Any:
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # whatever damaged files may lead to
        raise ExportError(f"{folder} does not load: {error}") from error


def _loads(folder: Path) -> bool:
    try:
        _load(folder)
    except ExportError:
        return False
    return True
