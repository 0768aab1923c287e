"""Every preset's networks are built, counted and trained, on random images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import presets, training
from infogan_tf.cli import preset_table
from infogan_tf.code_spec import CodeSpec
from infogan_tf.config import TrainingConfig
from infogan_tf.model import InfoGAN

BATCH = 5  # the sprites have five views
FAST = ("mnist_20", "svhn", "celeba", "faces_lighting", "sprites", "images32", "images64")  # the others are like one


def build(name: str, **overrides) -> InfoGAN:
    keras.utils.set_random_seed(0)
    arguments = {"dataset": "folder:/x", "precision": "float32", **overrides}
    return training.build(TrainingConfig.from_preset(name, **arguments))


def images(model: InfoGAN) -> tf.Tensor:
    return tf.random.stateless_uniform([BATCH, *model.image_shape], [0, 1])


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        *((name, "float32") for name in FAST),
        ("svhn", "mixed_bfloat16"),
        ("images32", "mixed_bfloat16"),
        *(pytest.param(name, "float32", marks=pytest.mark.slow) for name in presets.PRESETS if name not in FAST),
    ],
)
def test_two_steps_move_every_weight(name, precision):
    model = build(name, precision=precision)
    before = [weight.numpy() for weight in model.trainable_variables]
    for _ in range(2):
        logs = model.train_step(images(model))
    # Nothing of a plain GAN teaches Q.
    still = [] if any(model.lambdas.values()) else [w.path for w in model.posterior_head.trainable_variables]
    for weight, old in zip(model.trainable_variables, before, strict=True):
        assert np.isfinite(weight).all(), weight.path
        assert np.any(weight.numpy() != old) == (weight.path not in still), weight.path
    assert all(np.isfinite(value) for value in logs.values())
    assert list(logs) == ["d_loss", "g_loss", *(f"{code.name}_information" for code in model.codes)]
    generated = model.generate(n=2)
    assert generated.shape == (2, *presets.get(name)["image_shape"])
    assert model.infer_code(generated)["code"].shape == (2, model.codes.size)


def test_what_a_preset_sets_reaches_the_model():
    model = build("images32")
    assert (model.instance_noise_stddev, model.instance_noise_steps) == (0.1, 5000)
    assert model.lambdas == {"group": 1.0, "c1": 0.1, "c2": 0.1}
    assert model.augmentation.rotation == 0.2
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(4e-4)
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(2e-4)
    model = InfoGAN.from_preset("mnist", seed=0)
    assert (model.augmentation.erase, model.recognition_augmentation.erase) == (0.0, 0.5)
    model = build("sprites")
    assert model.information_in_discriminator
    assert (model.instance_noise_stddev, model.instance_noise_end_stddev) == (0.5, 0.15)
    assert list(model.augmentation.views) == [code.name for code in model.codes]
    assert model.augmentation.views["x"].shift_y == 0.3


def test_flags_win_over_a_preset():
    config = TrainingConfig.from_preset("sprites", information_in_discriminator=False, instance_noise_stddev=0.3)
    assert not config.information_in_discriminator
    assert config.instance_noise_stddev == 0.3


def test_a_line_of_the_table():
    # D and Q, G: FC 1024 and the rest as in tests/test_networks.py.
    conv, fc, q = 4 * 4 * 64 + 64 + 4 * 4 * 64 * 128 + 2 * 128, 8 * 8 * 128 * 1024 + 2 * 1024, 1024 * 10 + 10
    generator = 133 * 1024 + 2 * 1024 + 1024 * 8192 + 2 * 8192 + 4 * 4 * 64 * 128 + 2 * 64 + 4 * 4 * 64 + 1
    assert preset_table.row("faces_azimuth") == [
        *("faces_azimuth", "your own", "32x32x1", "128"),
        *(f"{conv + fc + 1025 + q:,}", f"{generator:,}", "c1 to c5 uniform(1) λ 0.2"),
    ]


def test_codes_that_differ_in_kind_or_weight_are_apart():
    spec = CodeSpec.parse("a:categorical(20),b:categorical(20),c1:uniform,d1:uniform")
    text = preset_table.summary(spec, {"a": 2.0, "b": 2.0, "c1": 0.5, "d1": 0.1})
    assert text == "a, b categorical(20) λ 2; c1 uniform(1) λ 0.5; d1 uniform(1) λ 0.1"


def test_the_table_has_every_preset(monkeypatch, capsys):
    monkeypatch.setattr(preset_table, "row", lambda name: [name, *6 * ["?"]])
    preset_table.show()
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["preset", *presets.PRESETS]
