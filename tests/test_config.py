"""A run as plain data: from a preset, to a file and back, against another one."""

import dataclasses
import json
import subprocess
import sys

import pytest

from infogan_tf import presets
from infogan_tf.code_spec import CodeSpec
from infogan_tf.config import TrainingConfig
from infogan_tf.validation import resolve_lambdas


@pytest.mark.parametrize("name", presets.PRESETS)
def test_presets_describe_runs_that_exist(name):
    config = TrainingConfig.from_preset(name, dataset="folder:/x")
    codes = CodeSpec.parse(config.codes)
    assert config.preset == name
    assert set(config.lambdas) == {code.name for code in codes}
    assert resolve_lambdas(codes, config.lambdas) == config.lambdas


def test_mnist_is_the_papers_run():
    config = TrainingConfig.from_preset("mnist")
    codes = CodeSpec.parse(config.codes)
    assert [(code.kind, code.size) for code in codes] == [("categorical", 10), ("uniform", 1), ("uniform", 1)]
    assert config.noise_size + codes.size == 74
    assert (config.batch_size, config.discriminator_learning_rate, config.generator_learning_rate) == (128, 2e-4, 1e-3)


@pytest.mark.parametrize(
    ("name", "codes", "size", "rates", "lambdas"),
    [
        # Codes by kind and width, (z, c) in all, learning rates of D and G, λ of discrete and of continuous codes.
        ("svhn", 4 * ["categorical 10"] + 4 * ["uniform 1"], 168, (2e-4, 1e-3), (1, 1)),
        ("celeba", 10 * ["categorical 10"], 228, (2e-4, 1e-3), (1, None)),
        ("faces_azimuth", 5 * ["uniform 1"], 133, (2e-4, 5e-4), (None, 0.2)),
        ("faces_elevation", 5 * ["uniform 1"], 133, (4e-4, 3e-4), (None, 0.1)),
        ("faces_lighting", 5 * ["uniform 1"], 133, (8e-4, 3e-4), (None, 0.1)),
        ("chairs_rotation", 3 * ["categorical 20"] + ["uniform 1"], 189, (2e-4, 1e-3), (1, 10)),
        ("chairs_width", 3 * ["categorical 20"] + ["uniform 1"], 189, (2e-4, 1e-3), (2, 0.05)),
    ],
)
def test_presets_are_the_papers_runs(name, codes, size, rates, lambdas):
    config = TrainingConfig.from_preset(name, dataset="folder:/x")
    spec = CodeSpec.parse(config.codes)
    assert [f"{code.kind} {code.size}" for code in spec] == codes
    assert config.noise_size + spec.size == size
    assert (config.discriminator_learning_rate, config.generator_learning_rate) == rates
    discrete, continuous = lambdas
    assert config.lambdas == {code.name: discrete if code.discrete else continuous for code in spec}
    assert not config.augmentation


@pytest.mark.parametrize(("epochs", "recognition", "wake"), [(1, 0, 0), (3, 2, 1)])
def test_few_epochs_shorten_a_presets_recognition_phase(epochs, recognition, wake):
    config = TrainingConfig.from_preset("mnist_wake", epochs=epochs)
    assert (config.recognition_epochs, config.wake_weight) == (recognition, wake)


@pytest.mark.parametrize(
    ("phases", "text"),
    [
        ({"recognition_epochs": 3}, "must be fewer than the 3 epochs, got 3"),
        ({"recognition_epochs": 0, "wake_weight": 1.0}, "wake_weight 1 needs recognition_epochs"),
        ({"epochs": 1, "wake_weight": 0.5}, "wake_weight 0.5 needs recognition_epochs"),
    ],
    ids=["nothing left for G", "no phase to be awake in", "too few epochs to be awake"],
)
def test_phases_that_do_not_fit(phases, text):
    with pytest.raises(ValueError, match=text):
        TrainingConfig.from_preset("mnist_wake", **{"epochs": 3, **phases})


@pytest.mark.parametrize("name", ["faces_width", "chairs_rotation", "images64"])
def test_a_preset_without_images_asks_for_them(name):
    with pytest.raises(ValueError, match=rf"{name} brings no images: add --dataset=folder:/path or --dataset=npz:/p"):
        TrainingConfig.from_preset(name)
    assert TrainingConfig.from_preset(name, dataset="npz:/x").dataset == "npz:/x"


def test_a_preset_is_a_copy():
    presets.get("mnist")["noise_size"] = 1
    TrainingConfig.from_preset("mnist").lambdas["digit"] = 5.0
    assert presets.get("mnist")["noise_size"] == 62
    assert presets.get("mnist")["lambdas"]["digit"] == 1.0


def test_an_image_shape_may_be_a_list():
    config = TrainingConfig.from_preset("images64", dataset="npz:/x", image_shape=[96, 96, 3])
    assert config.image_shape == (96, 96, 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"jit": True}, "jit must be one of auto, on, off, got True"),
        ({"precision": "bfloat16"}, "precision must be one of auto, float32, mixed_bfloat16, mixed_float16, got"),
        ({"adversarial_loss": "wgan"}, "adversarial_loss must be one of non_saturating"),
        ({"epochs": 0}, "epochs must be 1 or more, got 0"),
        ({"decay_epochs": -1}, "decay_epochs must be 0 or more, got -1"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be 2 or more, got 1"),
        ({"generator_learning_rate": -1e-3}, "generator_learning_rate must be 0 or more, got -0.001"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_values_that_mean_nothing(value, text):
    with pytest.raises(ValueError, match=text):
        TrainingConfig.from_preset("mnist", **value)


def test_overrides_replace_only_what_is_given():
    plain = TrainingConfig.from_preset("mnist")
    config = TrainingConfig.from_preset("mnist", epochs=3, seed=0, data_dir=None, validation_split="test")
    assert dataclasses.replace(plain, epochs=3, validation_split="test") == config


def test_other_codes_drop_the_presets_lambdas():
    assert TrainingConfig.from_preset("mnist", codes="a:uniform").lambdas == {}
    assert TrainingConfig.from_preset("mnist", codes="a:uniform", lambdas={"a": 2.0}).lambdas == {"a": 2.0}
    assert TrainingConfig.from_preset("mnist").lambdas == {"digit": 1.0, "slant": 0.1, "width": 0.1}
    assert TrainingConfig.from_preset("sprites", codes="a:uniform").lambdas_from_epoch == {}


def test_paths_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    for given, expected in (
        ("folder:sub/../pictures", f"folder:{tmp_path}/pictures"),
        ("npz:~/set.npz", "npz:/home/me/set.npz"),
        ("tfrecord:/data/set-*.tfrecord", "tfrecord:/data/set-*.tfrecord"),
        ("svhn_cropped:3.1.0", "svhn_cropped:3.1.0"),
        ("folder:", "folder:"),
    ):
        assert TrainingConfig.from_preset("mnist", dataset=given).dataset == expected
    for given, expected in (("~/data", "/home/me/data"), ("data", f"{tmp_path}/data"), ("gs://a/b", "gs://a/b")):
        assert TrainingConfig.from_preset("mnist", data_dir=given).data_dir == expected


def test_without_a_recognition_phase_a_preset_is_not_awake():
    config = TrainingConfig.from_preset("mnist_wake", recognition_epochs=0)
    assert (config.recognition_epochs, config.wake_weight) == (0, 0)


def test_unknown_preset_lists_the_known():
    with pytest.raises(ValueError, match=r"'mnits'; there are mnist, fashion_mnist, "):
        TrainingConfig.from_preset("mnits")


def test_file_round_trip(tmp_path):
    config = TrainingConfig.from_preset("mnist", data_dir="/x", steps_per_epoch=7, information_in_discriminator=True)
    config.save(tmp_path / "run" / "config.json")
    loaded = TrainingConfig.load(tmp_path / "run" / "config.json")
    assert loaded == config
    assert loaded.differences(config) == {}
    assert json.loads((tmp_path / "run" / "config.json").read_text())["image_shape"] == [28, 28, 1]
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no training workdir: it has no config.json"),
        ("{", "is not a training config"),
        ("[]", "is not a training config"),
        ("{}", "is not a training config.*image_shape"),
        ('{"image_shape": [28, 28, 1], "batchsize": 3}', "is not a training config.*batchsize"),
        (json.dumps(vars(TrainingConfig.from_preset("mnist")) | {"epochs": 2}), "a training config.*the 2 epochs"),
    ],
)
def test_files_that_hold_something_else(tmp_path, text, message):
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=message):
        TrainingConfig.load(path)


OTHER_VALUES = {
    "image_shape": (32, 32, 3),
    "adversarial_loss": "hinge",
    "precision": "float32",
    "jit": "on",
    "steps_per_epoch": 7,
    "gradient_accumulation_steps": 2,
}


def another(name: str, value: object) -> object:
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else "other"


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(TrainingConfig)])
def test_every_value_but_those_without_effect_makes_another_run(name):
    config = TrainingConfig.from_preset("mnist")
    value = another(name, getattr(config, name))
    other = dataclasses.replace(config, **{name: value})
    unchanging = {"epochs", "data_dir", "steps_per_execution", "strict"}
    expected = {} if name in unchanging else {name: (getattr(config, name), value)}
    assert config.differences(other) == expected


def test_config_and_presets_import_no_tensorflow():
    code = "import sys, infogan_tf.config, infogan_tf.presets; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
