"""Files that are whole or absent: written aside, then renamed into place; and where caches lie."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`~/.cache/infogan_tf/NAME`, or below $XDG_CACHE_HOME: for what can be made again; not made yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "infogan_tf" / name


@contextlib.contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` with the same suffix; it replaces `path` when the block ends without error."""
    # Random, as processes in different containers may share a folder and a number.
    temporary = path.with_name(f".{secrets.token_hex(8)}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
