"""InfoGAN for Keras: train on unlabelled images, look at what the codes mean, evaluate.

Names are imported on first use, so that a command line can check its flags before TensorFlow loads.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Bernoulli": "codes",
    "Categorical": "codes",
    "Circular": "codes",
    "CodeSpec": "code_spec",
    "Gaussian": "codes",
    "InfoGAN": "model",
    "OwnViews": "views",
    "RandomView": "augmentation",
    "TrainingConfig": "config",
    "TraversalPictures": "callbacks",
    "Uniform": "codes",
    "train": "training",
    "traverse": "traversal",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
