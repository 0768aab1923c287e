"""The `infogan-train` command of a config: the inverse of that command's flags."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from infogan_tf import presets
from infogan_tf.config import TrainingConfig

WITHOUT_FLAG = frozenset({"architecture", "image_shape"})  # the preset decides these alone
FLAGS = {"lambdas": "lambda", "lambdas_from_epoch": "lambda_from_epoch"}  # where flag and value differ in name


def changes(config: TrainingConfig) -> dict[str, Any]:
    """The values of a config that are not its preset's, by name.

    Raises:
        ValueError: There is no such preset.
    """
    values = dict(vars(config))
    usual = dict(vars(TrainingConfig(preset=config.preset, **presets.get(config.preset))))
    if values["codes"] != usual["codes"]:  # other codes leave each λ at its kind's default
        usual["lambdas"] = usual["lambdas_from_epoch"] = {}
    return {name: value for name, value in values.items() if value != usual[name]}


def train_command(config: TrainingConfig, workdir: str | Path) -> str:
    """The shell command that trains a config in `workdir`, with those flags alone that its preset does not imply.

    Exact for a config that `infogan-train` made; `beyond_flags` names what one made in Python may hold besides.
    """
    beyond = beyond_flags(config)
    flags = [_flag(name, value) for name, value in changes(config).items() if name not in beyond]
    return shlex.join(["infogan-train", f"--preset={config.preset}", f"--workdir={workdir}", *flags])


def beyond_flags(config: TrainingConfig) -> list[str]:
    """The names of values that no flag gives: those of a preset alone, and None where a preset has something."""
    return [name for name, value in changes(config).items() if name in WITHOUT_FLAG or value is None]


def _flag(name: str, value: Any) -> str:
    name = FLAGS.get(name, name)
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no{name}"
    if isinstance(value, dict):
        value = ",".join(f"{key}:{number}" for key, number in value.items()) or "none"
    return f"--{name}={value}"
