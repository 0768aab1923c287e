"""Training set-ups as plain data: what `--preset` names. Importing this imports no TensorFlow."""

from __future__ import annotations

from typing import Any

# Learning rates, batch size and networks: Chen et al. (2016), appendix C.1. λ of the continuous codes and the
# non-saturating loss: BUILD_NOTES.md, "Decisions".
_MNIST: dict[str, Any] = {
    "dataset": "mnist",
    "codes": "digit:categorical(10),slant:uniform,width:uniform",
    "image_shape": (28, 28, 1),
    "noise_size": 62,
    "lambdas": {"digit": 1.0, "slant": 0.1, "width": 0.1},
    "augmentation": {"rotation": 0.2, "shear": 0.2, "scale": 0.1, "shift": 0.07},
    "batch_size": 128,
    "epochs": 8,
    "discriminator_learning_rate": 2e-4,
    "generator_learning_rate": 1e-3,
}

PRESETS: dict[str, dict[str, Any]] = {
    "mnist": _MNIST,
    "fashion_mnist": {
        **_MNIST,
        "dataset": "fashion_mnist",
        "codes": "garment:categorical(10),shade:uniform,width:uniform",
        "lambdas": {"garment": 1.0, "shade": 0.1, "width": 0.1},
    },
    # 2,000 steps: 64 times through the 4,000 training digits.
    "mnist_5k": {**_MNIST, "dataset": "mnist_5k", "epochs": 10, "steps_per_epoch": 200},
}


def get(name: str) -> dict[str, Any]:
    """The preset called `name`.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return dict(PRESETS[name])


def model_arguments(name: str) -> dict[str, Any]:
    """The part of a preset that `InfoGAN` takes."""
    preset = get(name)
    return {key: preset[key] for key in ("codes", "image_shape", "noise_size", "augmentation")}
