"""What a measurement was taken with: processor, versions, state of the project."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any


def machine(*packages: str) -> dict[str, Any]:
    """Processor, cores, Python's version and those of `packages`."""
    cpuinfo = Path("/proc/cpuinfo")
    known = dict(re.findall(r"(?m)^(.+?)\s*: (.*)$", cpuinfo.read_text())) if cpuinfo.exists() else {}
    family = f", family {known['cpu family']}, model {known['model']}" if "cpu family" in known else ""  # AMD, Intel
    return {
        "processor": known.get("model name", platform.processor()) + family,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def revision() -> str | None:
    """The commit of the repository that this file lies in, with `-dirty` if there are changes; None outside of one."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
