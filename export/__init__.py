"""From a trained model to a directory that TensorFlow Serving serves: `export`.

Names are imported on first use, so that the command line can check its flags before TensorFlow loads.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["ExportError", "export"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.exporter"), name)
