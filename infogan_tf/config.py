"""What one training run is made of, as plain data. Importing this imports no TensorFlow."""

from __future__ import annotations

import dataclasses
import json
import numbers
import os
from pathlib import Path
from typing import Any

from infogan_tf import presets
from infogan_tf.files import replaced_file

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
ADVERSARIAL_LOSSES = ("non_saturating", "minimax", "hinge", "least_squares")
JIT = ("auto", "on", "off")
PATH_KINDS = ("folder", "npz", "tfrecord")  # of a dataset that is KIND:PATH
STRATEGIES = ("none", "mirrored", "multi_worker")
_CHOICES = {"precision": PRECISIONS, "jit": JIT, "adversarial_loss": ADVERSARIAL_LOSSES}
_LEAST = {
    **dict.fromkeys(("epochs", "noise_size", "batch_size", "steps_per_epoch", "steps_per_execution"), 1),
    "gradient_accumulation_steps": 2,
    **dict.fromkeys(("seed", "decay_epochs", "contrast_from_epoch", "information_in_discriminator_from_epoch"), 0),
    **dict.fromkeys(("discriminator_learning_rate", "generator_learning_rate", "recognition_learning_rate"), 0),
}

# These may change when a run is continued: how long it runs, where the same data lies, how steps are grouped,
# whether broken files are an error.
CHANGEABLE = frozenset({"epochs", "data_dir", "steps_per_execution", "strict"})


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """All that decides a run; `config.json` in its workdir.

    Attributes:
        preset: Name of the preset that the other values came from.
        dataset: A name or KIND:PATH that `infogan_tf.datasets.load` knows, the path absolute.
        architecture: Of the networks: one of `infogan_tf.architectures.NAMES`.
        data_dir: Where tensorflow-datasets finds it; None for its default.
        strict: Accept no file of a folder that cannot be read, rather than leave it out.
        train_split: tensorflow-datasets split to train on; labels are never used.
        validation_split: Split to evaluate on after every epoch, with its labels; None for no evaluation.
        codes: The code spec as `CodeSpec.parse` reads it.
        image_shape: (height, width, channels).
        noise_size: Width of z.
        lambdas: Weight of L_I by code name; codes that are left out take their kind's default.
        lambdas_from_epoch: The first epoch, counted from 0, in which L_I of a code counts, by name; 0 where left out.
        augmentation: Amounts of `views.from_amounts`, through which codes are read; empty for none.
        adversarial_loss: See `InfoGAN.compile`.
        information_in_discriminator: See `InfoGAN.compile`.
        information_in_discriminator_from_epoch: The first epoch with it, counted from 0.
        recognition_epochs: Last epochs, in which Q alone learns, with a trunk of its own (`recognition`); 0 for none.
        recognition_augmentation: Of what is read in those; empty for `augmentation`.
        recognition_learning_rate: Adam's in those, at whose end it is 0.
        wake_weight: Of what it learns from real images in those; see `InfoGAN.compile`.
        wake_alignment: See `InfoGAN.compile`; falls to 0 in the recognition phase.
        wake_radius: See `InfoGAN.compile`.
        contrast_weight: Weight of `objectives.contrast` for G; 0 for none, and for no contrast head.
        contrast_from_epoch: The first epoch in which G sees it, counted from 0.
        instance_noise_stddev: See `InfoGAN.compile`.
        instance_noise_end_stddev: See `InfoGAN.compile`.
        instance_noise_steps: See `InfoGAN.compile`.
        batch_size: Images per step, over all replicas.
        epochs: Passes of `steps_per_epoch` steps.
        steps_per_epoch: Steps between checkpoints; None for one pass over the split.
        discriminator_learning_rate: Adam's, for the trunk and D's head.
        generator_learning_rate: Adam's, for G and Q's head.
        starts: How many times the run is begun, with different seeds (`starts`); the best beginning goes on.
        start_epochs: Epochs of each beginning.
        decay_epochs: Last epochs before those, over which both rates fall to 0.
        precision: One of `PRECISIONS`.
        jit: One of `JIT`: whether XLA compiles the step.
        steps_per_execution: Steps between two looks at the losses, as in `keras.Model.compile`; a divisor of
            `steps_per_epoch`.
        gradient_accumulation_steps: Steps whose mean gradient makes one update; None for one.
        sync_batch_norm: Take batch statistics over all replicas of a strategy.
        deterministic: Same seed, same bits, on the same machine; `precision` "auto" is float32 then.
        seed: Of the weights, the draws and the order of the images.
    """

    preset: str
    dataset: str
    codes: str
    image_shape: tuple[int, int, int]
    noise_size: int
    lambdas: dict[str, float]
    augmentation: dict[str, float]
    batch_size: int
    epochs: int
    discriminator_learning_rate: float
    generator_learning_rate: float
    data_dir: str | None = None
    strict: bool = False
    train_split: str = "train"
    validation_split: str | None = None
    lambdas_from_epoch: dict[str, int] = dataclasses.field(default_factory=dict)
    adversarial_loss: str = "non_saturating"
    information_in_discriminator: bool = False
    information_in_discriminator_from_epoch: int = 0
    recognition_epochs: int = 0
    recognition_augmentation: dict[str, float] = dataclasses.field(default_factory=dict)
    recognition_learning_rate: float = 1e-3
    wake_weight: float = 0.0
    wake_alignment: float = 2.0
    wake_radius: float = 1.2
    contrast_weight: float = 0.0
    contrast_from_epoch: int = 0
    starts: int = 1
    start_epochs: int = 1
    decay_epochs: int = 0
    architecture: str = "mnist"
    instance_noise_stddev: float = 0.0
    instance_noise_end_stddev: float = 0.0
    instance_noise_steps: int = 1
    steps_per_epoch: int | None = None
    precision: str = "auto"
    jit: str = "auto"
    steps_per_execution: int = 1
    gradient_accumulation_steps: int | None = None
    sync_batch_norm: bool = False
    deterministic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_shape", tuple(self.image_shape))  # JSON and people give lists
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}")
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and not (isinstance(value, numbers.Real) and value >= least):
                raise ValueError(f"{name} must be {least} or more, got {value!r}")
        if not 0 <= self.recognition_epochs < self.epochs:
            raise ValueError(
                f"recognition_epochs must be fewer than the {self.epochs} epochs, got {self.recognition_epochs}"
            )
        if self.starts < 1 or not 1 <= self.start_epochs <= self.epochs:
            raise ValueError(
                f"starts must be 1 or more, of 1 to {self.epochs} epochs each; got {self.starts} of {self.start_epochs}"
            )
        if self.wake_weight and not self.recognition_epochs:
            raise ValueError(f"wake_weight {self.wake_weight:g} needs recognition_epochs, in which Q learns alone")

    @classmethod
    def from_preset(cls, name: str, **overrides: Any) -> TrainingConfig:
        """The preset's values, replaced by those of `overrides` that are not None.

        Other `codes` without other `lambdas` leave each λ at its kind's default, from the first epoch on. Few `epochs`
        shorten the preset's recognition phase, so that G has one at least, and its starts.

        Raises:
            ValueError: There is no such preset, it has no data set and none is given, or phases do not fit in `epochs`.
        """
        given = {key: value for key, value in overrides.items() if value is not None}
        if "dataset" in given:
            given["dataset"] = _with_absolute_path(given["dataset"])
        if "data_dir" in given:
            given["data_dir"] = _absolute(given["data_dir"])
        values = presets.get(name)
        if "codes" in given:
            values["lambdas"], values["lambdas_from_epoch"] = {}, {}
        values.update(given)
        if "recognition_epochs" in values and "recognition_epochs" not in given:
            values["recognition_epochs"] = min(values["recognition_epochs"], values["epochs"] - 1)
        if "start_epochs" not in given:
            values["start_epochs"] = min(values.get("start_epochs", 1), values["epochs"])
        if not values.get("recognition_epochs") and "wake_weight" not in given:
            values["wake_weight"] = 0.0
        if values["dataset"] is None:
            raise ValueError(f"preset {name} brings no images: add --dataset=folder:/path or --dataset=npz:/path")
        return cls(preset=name, **values)

    def save(self, path: Path) -> None:
        with replaced_file(path) as temporary:
            temporary.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> TrainingConfig:
        """The config in a `config.json`.

        Raises:
            ValueError: There is no such file or it holds something else.
        """
        try:
            values = json.loads(path.read_text())
            return cls(**values)
        except FileNotFoundError:
            raise ValueError(f"{path.parent} is no training workdir: it has no {path.name}") from None
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not a training config: {error}") from None

    def differences(self, other: TrainingConfig) -> dict[str, tuple[Any, Any]]:
        """Values that make `other` another run, by name: (this, other's)."""
        pairs = {
            field.name: (getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
            if field.name not in CHANGEABLE
        }
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _with_absolute_path(dataset: str) -> str:
    kind, _, path = dataset.partition(":")
    return f"{kind}:{_absolute(path)}" if kind in PATH_KINDS and path else dataset


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(os.path.expanduser(path))
