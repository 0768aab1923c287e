"""Numbered version folders that a watching server never sees in part.

TensorFlow Serving loads any folder whose name is a number as soon as it sees it. So what is not whole has another name
in the same file system, and a rename makes it a version, or ends its being one.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

STAGING, REMOVED = ".staging-", ".removed-"
STALE_SECONDS = 24 * 3600


def version_folders(base: Path) -> dict[int, Path]:
    """The version folders below `base` by number, ascending."""
    return {number: path for number, path in sorted(_numbered(base).items()) if path.is_dir()}


def _numbered(base: Path) -> dict[int, Path]:
    """Files, too: their names are taken."""
    return {int(path.name): path for path in base.glob("*") if path.name.isascii() and path.name.isdecimal()}


def find_version(base: Path, version: int) -> Path:
    """The folder of a version.

    Raises:
        FileNotFoundError: There is none.
    """
    folders = version_folders(base)
    if version not in folders:
        raise FileNotFoundError(f"{base} has no version {version}; versions: {', '.join(map(str, folders)) or 'none'}")
    return folders[version]


def check_free(base: Path, version: int | None) -> None:
    """Raises FileExistsError if there is such a version: none is ever overwritten; ValueError if it is below 1."""
    if version is not None and version < 1:
        raise ValueError(f"a version is a number from 1 up, not {version}")
    if version in _numbered(base):
        raise FileExistsError(f"{base / str(version)} exists; versions are never overwritten")


@contextlib.contextmanager
def staging_folder(base: Path) -> Iterator[Path]:
    """A new folder below `base` to write a servable into; it vanishes when the block ends, unless published by then.

    Also removes what killed processes left there: versions that were being removed, and staging folders that have not
    changed for a day, which no export takes.
    """
    base.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(base)
    staging = base / f"{STAGING}{os.getpid()}-{time.time_ns()}"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish(staging: Path, version: int | None = None) -> Path:
    """Makes a whole staging folder a version, in one step; on the disk, too, the files are there before the name.

    Args:
        staging: From `staging_folder`.
        version: Its number; default: one above the highest there is at this moment.

    Returns:
        The version folder.

    Raises:
        FileExistsError: The version exists.
        ValueError: The version is below 1.
    """
    base = staging.parent
    _to_disk(*staging.rglob("*"), staging)
    while True:
        check_free(base, version)
        folder = base / str(version or max(_numbered(base), default=0) + 1)
        try:
            staging.rename(folder)
        except OSError as error:  # rename(2) fails on a version that another export published meanwhile
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
        else:
            _to_disk(base)
            return folder


def _to_disk(*paths: Path) -> None:
    """Returns once files and folders would survive a loss of power."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError:
            if not path.is_dir():  # some network file systems cannot do it for folders
                raise
        finally:
            os.close(descriptor)


def remove_old(base: Path, keep: int, published: Path, loads: Callable[[Path], bool]) -> list[Path]:
    """Removes versions, oldest first, that are older than the newest `keep` good ones.

    A version that does not load is not counted, so that broken ones never push out a good one, and numeric folders
    without a SavedModel are left alone.

    Args:
        base: The folder above the version folders.
        keep: How many good ones stay.
        published: A version that is known to be good and stays whatever its number.
        loads: Whether the version in a folder is good.

    Returns:
        The folders that are gone.
    """
    newest_first = list(reversed(version_folders(base).values()))
    good, old = 0, []
    for folder in newest_first if len(newest_first) > keep else ():
        if folder.samefile(published):
            good += 1
        elif good < keep:
            good += loads(folder)
        elif (folder / "saved_model.pb").is_file() and not folder.is_symlink():
            old.append(folder)
    return [folder for folder in reversed(old) if _remove(folder)]


def _remove(folder: Path) -> bool:
    """Ends a version in one step and then deletes it; False if another process was first."""
    aside = folder.with_name(f"{REMOVED}{folder.name}-{os.getpid()}-{time.time_ns()}")
    try:
        folder.rename(aside)
    except FileNotFoundError:
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _remove_leftovers(base: Path) -> None:
    for folder in itertools.chain(base.glob(f"{REMOVED}*"), base.glob(f"{STAGING}*")):
        with contextlib.suppress(FileNotFoundError):
            if folder.name.startswith(REMOVED) or time.time() - folder.stat().st_ctime > STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
