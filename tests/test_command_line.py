"""The printed `infogan-train` command, read back by that command's own flags in a process of its own."""

import dataclasses
import json
import shlex
import subprocess
import sys

import pytest

from infogan_tf import presets
from infogan_tf.cli.command_line import WITHOUT_FLAG, beyond_flags, changes, train_command
from infogan_tf.config import TrainingConfig

READ_BACK = """
import dataclasses, json, sys
from absl.testing import flagsaver
from infogan_tf.cli import train
configs = []
for arguments in json.load(sys.stdin):
    with flagsaver.flagsaver():
        train.FLAGS(arguments)
        configs.append((train.WORKDIR.value, dataclasses.asdict(train.config_from_flags())))
json.dump({"configs": configs, "flags": list(train.CONFIG_FLAGS)}, sys.stdout)
"""

CODES = {"codes": "digit:categorical(12),style:gaussian(2, stddev=0.5)"}
OVERRIDES = {
    "nothing": {},
    "strings": {"dataset": "folder:/my pictures/it's $HOME", "data_dir": "/a b", "train_split": "train[:55000]"},
    "numbers": {"batch_size": 7, "seed": 3, "noise_size": 5, "epochs": 1, "discriminator_learning_rate": 1.7e-05},
    "choices": {"adversarial_loss": "hinge", "precision": "mixed_bfloat16", "jit": "off"},
    "truths": {"information_in_discriminator": True, "sync_batch_norm": True},
    "lambdas": {"lambdas": {"digit": 1 / 3, "slant": 0.1, "width": 0.0}},
    "one after another": {"lambdas_from_epoch": {"digit": 2, "slant": 1}, "information_in_discriminator_from_epoch": 3},
    "no lambdas": {"lambdas": {}},
    "codes": CODES,
    "codes, lambdas": {**CODES, "lambdas": {"digit": 2.0}},
    "codes, the preset's lambdas": {
        "codes": "digit:categorical(9),slant:uniform,width:uniform", "lambdas": presets.PRESETS["mnist"]["lambdas"],
    },
    "augmentation": {"augmentation": {"rotation": 0.1, "scale": 0.05, "gamma": 0.5}},
    "own views": {"augmentation": {"digit.shear": 0.5, "slant.shift_x": 0.25, "slant.scale": 0.1}},
    "no augmentation": {"augmentation": {}, "recognition_augmentation": {}},
    "recognition augmentation": {"recognition_augmentation": {"erase": 0.25}},
}  # fmt: skip


def read_back(commands: list[str]) -> dict:
    process = subprocess.run(
        [sys.executable, "-c", READ_BACK],
        input=json.dumps([shlex.split(command) for command in commands]),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


@pytest.fixture(scope="module")
def configs() -> dict[str, TrainingConfig]:
    """Every preset, and MNIST's with each group of other values."""
    plain = {name: TrainingConfig.from_preset(name, dataset="mnist") for name in presets.PRESETS}
    return plain | {name: TrainingConfig.from_preset("mnist", **values) for name, values in OVERRIDES.items()}


@pytest.fixture(scope="module")
def answer(configs) -> dict:
    return read_back([train_command(config, "runs/my run") for config in configs.values()])


def test_the_command_makes_the_same_config(configs, answer):
    for (name, config), (workdir, values) in zip(configs.items(), answer["configs"], strict=True):
        assert workdir == "runs/my run"
        assert values == json.loads(json.dumps(dataclasses.asdict(config))), name


def test_only_what_differs_from_the_preset_is_a_flag():
    assert train_command(TrainingConfig.from_preset("mnist_5k"), "w") == "infogan-train --preset=mnist_5k --workdir=w"
    config = TrainingConfig.from_preset("mnist", seed=2, epochs=presets.PRESETS["mnist"]["epochs"], dataset="mnist")
    assert train_command(config, "w") == "infogan-train --preset=mnist --workdir=w --seed=2"


def test_every_value_of_a_config_has_a_flag_or_is_known_to_have_none(answer):
    fields = {field.name for field in dataclasses.fields(TrainingConfig)}
    own = {"lambdas", "lambdas_from_epoch", "augmentation", "recognition_augmentation"}
    assert fields == {*answer["flags"], "preset", *own, *WITHOUT_FLAG}


def test_what_no_flag_gives_is_named():
    config = dataclasses.replace(TrainingConfig.from_preset("mnist_5k"), image_shape=(8, 8, 1), steps_per_epoch=None)
    assert changes(config) == {"image_shape": (8, 8, 1), "steps_per_epoch": None}
    assert beyond_flags(config) == ["image_shape", "steps_per_epoch"]
    assert train_command(config, "w") == "infogan-train --preset=mnist_5k --workdir=w"


def test_unknown_preset():
    config = dataclasses.replace(TrainingConfig.from_preset("mnist"), preset="minst")
    with pytest.raises(ValueError, match="no preset 'minst'; there are mnist"):
        train_command(config, "w")
