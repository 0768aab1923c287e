"""Training set-ups as plain data: what `--preset` names. Importing this imports no TensorFlow."""

from __future__ import annotations

import copy
from typing import Any

# Codes, noise, networks and learning rates: Chen et al. (2016), appendix C, and their λ too, but for MNIST's continuous
# codes. Those, and the non-saturating loss: BUILD_NOTES.md, "Decisions". No batch sizes are known to us, and no rates
# of its own for the width of faces: those of lighting.
_MNIST: dict[str, Any] = {
    "dataset": "mnist",
    "architecture": "mnist",
    "codes": "digit:categorical(10),slant:uniform,width:uniform",
    "image_shape": (28, 28, 1),
    "noise_size": 62,
    "lambdas": {"digit": 1.0, "slant": 0.1, "width": 0.1},
    "augmentation": {"rotation": 0.2, "shear": 0.2, "scale": 0.1, "shift": 0.07},
    "recognition_augmentation": {"rotation": 0.3, "shear": 0.3, "scale": 0.15, "shift": 0.1, "erase": 0.5},
    "batch_size": 128,
    "epochs": 11,
    "decay_epochs": 4,
    "recognition_epochs": 2,
    "discriminator_learning_rate": 2e-4,
    "generator_learning_rate": 1e-3,
}
# Without gamma a kind of garment is a shade; with MNIST's amounts, a size or a slope.
_GARMENT_VIEW = {"rotation": 0.2, "shear": 0.3, "scale": 0.3, "shift": 0.1, "gamma": 1.0}
_FASHION_MNIST = {
    **_MNIST,
    "dataset": "fashion_mnist",
    "codes": "garment:categorical(10),shade:uniform,width:uniform",
    "lambdas": {"garment": 1.0, "shade": 0.1, "width": 0.1},
    "augmentation": _GARMENT_VIEW,
    "recognition_augmentation": {**_GARMENT_VIEW, "erase": 0.5},
    # The first weights decide which garments share a category, and after two epochs it can be told.
    "starts": 5,
    "start_epochs": 2,
    # Later, and in dreams, categories follow details: accuracy falls again.
    "epochs": 5,
    "decay_epochs": 1,
    "recognition_epochs": 0,
}
_WAKE = {"epochs": 9, "decay_epochs": 2, "recognition_epochs": 3, "wake_weight": 1.0}


def _numbered(kind: str, first: int, last: int) -> dict[str, str]:
    """Codes whose meaning nobody knows beforehand: c1, c2, ..."""
    return {f"c{number}": kind for number in range(first, last + 1)}


def _spec(codes: dict[str, str]) -> str:
    return ",".join(f"{name}:{kind}" for name, kind in codes.items())


_SVHN_CODES = {**_numbered("categorical(10)", 1, 4), **_numbered("uniform", 5, 8)}
_SVHN: dict[str, Any] = {
    "dataset": "svhn_cropped",
    "architecture": "svhn",
    "codes": _spec(_SVHN_CODES),
    "image_shape": (32, 32, 3),
    "noise_size": 124,
    "lambdas": dict.fromkeys(_SVHN_CODES, 1.0),
    "augmentation": {},
    "batch_size": 128,
    "epochs": 20,
    "discriminator_learning_rate": 2e-4,
    "generator_learning_rate": 1e-3,
}
_CELEBA_CODES = _numbered("categorical(10)", 1, 10)

_UNIFORM_5 = _numbered("uniform", 1, 5)
_OWN_PICTURES = {"dataset": None, "epochs": 20, "steps_per_epoch": 500}  # there may be few or many of them


def _faces(discriminator_learning_rate: float, generator_learning_rate: float, weight: float) -> dict[str, Any]:
    return {
        **_OWN_PICTURES,
        "architecture": "faces",
        "codes": _spec(_UNIFORM_5),
        "image_shape": (32, 32, 1),
        "noise_size": 128,
        "lambdas": dict.fromkeys(_UNIFORM_5, weight),
        "augmentation": {},
        "batch_size": 128,
        "discriminator_learning_rate": discriminator_learning_rate,
        "generator_learning_rate": generator_learning_rate,
    }


def _chairs(name: str, discrete_weight: float, continuous_weight: float) -> dict[str, Any]:
    kinds = _numbered("categorical(20)", 1, 3)
    return {
        **_OWN_PICTURES,
        "architecture": "chairs",
        "codes": _spec({**kinds, name: "uniform"}),
        "image_shape": (64, 64, 1),
        "noise_size": 128,
        "lambdas": {**dict.fromkeys(kinds, discrete_weight), name: continuous_weight},
        "augmentation": {},
        "batch_size": 128,
        "discriminator_learning_rate": 2e-4,
        "generator_learning_rate": 1e-3,
    }


# A code for each factor, read through what leaves this factor alone: in the middle, at one size, with edges of one
# softness and turned anyhow, a sprite has nothing but its shape.
_SPRITE_CODES = {"shape": "categorical(3)", "scale": "uniform", "rotation": "circular", "x": "uniform", "y": "uniform"}
_SPRITE_VIEWS = {
    # radians to either side; shares of the width
    **{"shape.rotation": 3.1416, "shape.centre": 1.0, "shape.fill": 0.14, "shape.blur": 0.02},
    **{"scale.rotation": 3.1416, "scale.centre": 1.0},
    **{"rotation.centre": 1.0, "rotation.fill": 0.14, "rotation.blur": 0.02},
    **{"x.shift_y": 0.3, "y.shift_x": 0.3},
}
# Instance noise holds D back until sizes and places are taken; without it G shows the codes as textures. Shapes and
# angles come later: of a speck or a smear neither view can take the size or the place away.
# The angle weighs less than the shape: of squares and ellipses only a part of it can be read, and pay for all of it
# is pay for shapes that there are not.
_SPRITES: dict[str, Any] = {
    "dataset": "sprites",
    "architecture": "sprites",
    "codes": _spec(_SPRITE_CODES),
    "image_shape": (64, 64, 1),
    "noise_size": 1,
    "lambdas": {"shape": 0.5, "scale": 0.3, "rotation": 0.2, "x": 0.2, "y": 0.2},
    "lambdas_from_epoch": {"rotation": 3, "shape": 3},
    "augmentation": _SPRITE_VIEWS,
    "instance_noise_stddev": 0.5,
    "instance_noise_end_stddev": 0.15,
    "instance_noise_steps": 14_000,
    "information_in_discriminator": True,
    "information_in_discriminator_from_epoch": 3,
    "batch_size": 64,
    "epochs": 16,
    "steps_per_epoch": 1000,
    "decay_epochs": 8,
    "recognition_epochs": 2,
    "discriminator_learning_rate": 2e-4,
    "generator_learning_rate": 1e-3,
}


def _images(size: int, batch_size: int) -> dict[str, Any]:
    """For colour pictures that nothing is known of. Spectral normalisation and instance noise hold D back."""
    return {
        **_OWN_PICTURES,
        "architecture": "images",
        "codes": "group:categorical(10),c1:uniform,c2:uniform",
        "image_shape": (size, size, 3),
        "noise_size": 64,
        "lambdas": {"group": 1.0, "c1": 0.1, "c2": 0.1},
        "augmentation": {"rotation": 0.2, "shear": 0.2, "scale": 0.1, "shift": 0.07},
        "batch_size": batch_size,
        "discriminator_learning_rate": 4e-4,
        "generator_learning_rate": 2e-4,
        "instance_noise_stddev": 0.1,
        "instance_noise_steps": 5000,
    }


PRESETS: dict[str, dict[str, Any]] = {
    "mnist": _MNIST,
    "fashion_mnist": _FASHION_MNIST,
    "mnist_wake": {**_MNIST, **_WAKE},
    # Kinds of garment overlap as digits do not, and stronger pulls than these tear them apart.
    "fashion_mnist_wake": {**_FASHION_MNIST, **_WAKE, "wake_weight": 0.3, "wake_alignment": 0.0, "wake_radius": 0.5},
    "mnist_quick": {**_MNIST, **_WAKE, "epochs": 3, "decay_epochs": 1, "recognition_epochs": 1},
    # 2,200 steps: 70 times through the 4,000 training digits.
    "mnist_5k": {**_MNIST, **_WAKE, "dataset": "mnist_5k", "epochs": 11, "decay_epochs": 4, "steps_per_epoch": 200},
    # More categories than classes, as where their number is not known: several may then mean one class.
    "mnist_20": {**_MNIST, "codes": "digit:categorical(20),slant:uniform,width:uniform"},
    "svhn": _SVHN,
    "celeba": {
        **_SVHN,
        "dataset": "celeb_a",
        "codes": _spec(_CELEBA_CODES),
        "lambdas": dict.fromkeys(_CELEBA_CODES, 1.0),
        "noise_size": 128,
        "epochs": 10,
    },
    "faces_azimuth": _faces(2e-4, 5e-4, 0.2),
    "faces_elevation": _faces(4e-4, 3e-4, 0.1),
    "faces_lighting": _faces(8e-4, 3e-4, 0.1),
    "faces_width": _faces(8e-4, 3e-4, 0.1),
    "chairs_rotation": _chairs("rotation", 1.0, 10.0),
    "chairs_width": _chairs("width", 2.0, 0.05),
    "dsprites": {**_SPRITES, "dataset": "dsprites"},
    "sprites": _SPRITES,
    "sprites_contrast": {**_SPRITES, "contrast_weight": 1.0, "contrast_from_epoch": 10},
    "sprites_plain": {**_SPRITES, "augmentation": {}},
    # Its codes mean nothing: the floor.
    "sprites_gan": {
        **_SPRITES,
        "lambdas": dict.fromkeys(_SPRITE_CODES, 0.0),
        "augmentation": {},
        "information_in_discriminator": False,
        "recognition_epochs": 0,
    },
    "images32": _images(32, 64),
    "images64": _images(64, 64),
    "images128": _images(128, 32),
}


def get(name: str) -> dict[str, Any]:
    """The preset called `name`; its `dataset` is None where people bring the pictures.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return copy.deepcopy(PRESETS[name])


def model_arguments(name: str) -> dict[str, Any]:
    """The part of a preset that `InfoGAN` takes."""
    preset = get(name)
    keys = ("codes", "image_shape", "noise_size", "augmentation", "recognition_augmentation", "architecture")
    return {key: preset[key] for key in keys if key in preset}
