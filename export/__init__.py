"""From a trained model to a directory that TensorFlow Serving serves: `export`, `republish` and `prune`.

Names are imported on first use, so that the command line can check its flags before TensorFlow loads.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {"ExportError": "self_check", "export": "exporter", "prune": "lifecycle", "republish": "lifecycle"}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
