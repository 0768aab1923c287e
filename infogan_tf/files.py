"""Files that are whole or absent: written aside, then renamed into place; JSON read back; and where caches lie."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def cache_folder(name: str) -> Path:
    """`~/.cache/infogan_tf/NAME`, or below $XDG_CACHE_HOME: for what can be made again; not made yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "infogan_tf" / name


@contextlib.contextmanager
def replaced_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` with the same suffix; it replaces `path` when the block ends without error.

    What was written is on the disk before it has its name, so that a loss of power leaves no empty file of that name.
    """
    # Random, as processes in different containers may share a folder and a number.
    temporary = path.with_name(f".{secrets.token_hex(8)}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file; empty if there is no file.

    Raises:
        ValueError: The file holds no JSON.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is no JSON file ({error}); delete it or write it again") from None
