"""A run in its workdir: what is trained and written."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import callbacks, datasets, precision, training, workdirs
from infogan_tf.callbacks import list_checkpoints
from infogan_tf.config import TrainingConfig
from infogan_tf.layers import BatchNormalization
from tests import tiny
from tests.runs import CONFIG, STEPS, assert_same_run, metrics, run, small_images

pytestmark = pytest.mark.usefixtures("small_data")


def test_workdir(straight):
    names = {path.name for path in straight.iterdir()}
    assert names == {"config.json", "metrics.csv", "tensorboard", "checkpoints", "pictures", "model.keras"}
    assert [epoch for _, epoch in list_checkpoints(straight / "checkpoints")] == [1, 2]
    [best] = {path.name for path in (straight / "checkpoints").iterdir()} - {"epoch-0001.keras", "epoch-0002.keras"}
    assert best.startswith("best-000")
    pictures = sorted(path.name for path in (straight / "pictures").iterdir())
    assert pictures == ["epoch-0001.png", "epoch-0002.png"]
    assert [path.name for path in (straight / "tensorboard").iterdir()] == ["train"]
    assert TrainingConfig.load(straight / "config.json") == CONFIG


def test_metrics_have_a_row_for_each_epoch(straight):
    rows = metrics(straight)
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for name in ("d_loss", "g_loss", "digit_information", "slant_information", "images_per_second"):
        assert all(np.isfinite(float(row[name])) for row in rows)
    assert rows[0]["val_d_loss"] == "NA"  # as Keras' CSVLogger writes what is not there


def test_validation_scores_are_those_of_the_model_after_the_epoch(tmp_path):
    model = run(tmp_path, dataclasses.replace(CONFIG, epochs=1, validation_split="test"))
    held_out = small_images("", "test")
    found = model.evaluate(datasets.evaluation_batches(*held_out[:2]), verbose=0, return_dict=True)
    (row,) = metrics(tmp_path)
    for score in ("acc", "purity", "nmi", "ari"):
        assert float(row[f"val_digit_{score}"]) == pytest.approx(found[f"digit_{score}"], abs=1e-6)
    assert {"val_d_loss", "val_g_loss", "val_digit_information", "val_slant_information"} <= set(row)


def test_the_last_checkpoint_is_the_model(straight):
    model = workdirs.load(straight)
    last = keras.models.load_model(list_checkpoints(straight / "checkpoints")[-1][0])
    for a, b in zip(model.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(model.generator_optimizer.iterations) == 2 * STEPS


def test_the_config_decides_the_model(tmp_path):
    config = dataclasses.replace(
        CONFIG,
        epochs=2,
        steps_per_epoch=1,
        adversarial_loss="hinge",
        information_in_discriminator=True,
        lambdas={"slant": 0.7},
        discriminator_learning_rate=3e-4,
        generator_learning_rate=5e-4,
        recognition_epochs=1,
        recognition_augmentation={"erase": 0.25},
        recognition_learning_rate=7e-4,
        wake_alignment=3.0,
        wake_radius=0.5,
        wake_weight=0.25,
    )
    model = training.build(config)
    assert model.recognition_augmentation.get_config()["erase"] == 0.25
    assert float(model.recognition_optimizer.learning_rate) == pytest.approx(7e-4)
    assert (model.wake_radius, model.wake_weight) == (0.5, 0.25)
    model = run(tmp_path / "run", config)
    assert model.wake_alignment.get_config() == {"rate": 3.0, "end": 1, "length": 1}
    assert float(model.recognition_optimizer.learning_rate) == 0
    assert (model.adversarial_loss, model.information_in_discriminator) == ("hinge", True)
    assert model.lambdas == {"digit": 1.0, "slant": 0.7}
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(3e-4)
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(5e-4)
    assert model.discriminator_optimizer.beta_1 == model.generator_optimizer.beta_1 == 0.5


def test_what_begins_later_is_not_there_before(tmp_path):
    """Until then as a run without it, then as if that run went on with it."""
    whole = run(
        tmp_path / "whole",
        dataclasses.replace(
            CONFIG,
            lambdas={"digit": 2.0},
            lambdas_from_epoch={"digit": 1},
            information_in_discriminator=True,
            information_in_discriminator_from_epoch=1,
        ),
    )
    other = run(tmp_path / "other", dataclasses.replace(CONFIG, epochs=1, lambdas={"digit": 0.0}))
    with tiny.determinism():
        other.lambdas = {"digit": 2.0, "slant": 0.1}
        other.information_in_discriminator = True
        other.make_train_function(force=True)
        batches = datasets.training_batches(small_images("").images, 8, CONFIG.seed, first_batch=STEPS)
        other.fit(batches, steps_per_epoch=STEPS, verbose=0)
    for a, b in zip(whole.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_code_that_begins_later_is_one_of_the_model(tmp_path):
    with pytest.raises(ValueError, match="lambdas_from_epoch names no code: digits; codes are digit, slant"):
        run(tmp_path / "run", dataclasses.replace(CONFIG, lambdas_from_epoch={"digits": 1}))
    assert not (tmp_path / "run").exists()  # or the right command would find a run of another config there


def test_a_batch_has_an_image_for_each_view(tmp_path):
    config = dataclasses.replace(CONFIG, batch_size=2, augmentation={f"{c}.shear": 0.1 for c in ("digit", "slant")})
    run(tmp_path / "enough", dataclasses.replace(config, epochs=1, steps_per_epoch=1))
    with pytest.raises(ValueError, match=r"the last batch is of 1, but it needs 2 or more"):
        run(tmp_path / "too few", dataclasses.replace(config, batch_size=1))


def test_what_must_come_out_alike_depends_on_no_timing(monkeypatch):
    monkeypatch.setattr(precision, "choose", lambda: ("mixed_bfloat16", "it was faster this time"))
    auto = dataclasses.replace(CONFIG, precision="auto")
    assert training.build(auto).dtype_policy.name == "mixed_bfloat16"
    assert training.build(dataclasses.replace(auto, deterministic=True)).dtype_policy.name == "float32"


def test_steps_per_execution_changes_nothing(tmp_path, straight):
    run(tmp_path / "run", dataclasses.replace(CONFIG, steps_per_execution=STEPS))
    assert_same_run(tmp_path / "run", straight)


def test_steps_per_execution_changes_nothing_while_rates_fall(tmp_path):
    config = dataclasses.replace(CONFIG, decay_epochs=2, augmentation={})
    run(tmp_path / "one", config)
    model = run(tmp_path / "three", dataclasses.replace(config, steps_per_execution=STEPS))
    assert_same_run(tmp_path / "three", tmp_path / "one")
    assert float(model.generator_optimizer.learning_rate) == 0


def test_the_best_epoch_can_be_loaded(straight, tmp_path):
    path, epoch, value = callbacks.best_checkpoint(straight / "checkpoints")
    scores = [float(row["stable_information"]) for row in metrics(straight)]
    assert scores[epoch - 1] == max(scores) == pytest.approx(value, abs=1e-4)
    best = workdirs.load(straight, "best")
    for a, b in zip(best.get_weights(), keras.models.load_model(path).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(ValueError, match="has no best checkpoint"):
        workdirs.load(tmp_path, "best")


def test_steps_per_execution_must_divide_an_epoch(tmp_path):
    with pytest.raises(ValueError, match="steps_per_execution 2 must divide the 3 steps of an epoch"):
        run(tmp_path / "run", dataclasses.replace(CONFIG, steps_per_execution=2))


def test_gradient_accumulation_updates_once_in_so_many_steps(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=4, gradient_accumulation_steps=2)
    model = run(tmp_path / "run", config)
    assert int(model.generator_optimizer.iterations) == int(model.discriminator_optimizer.iterations) == 2


def test_synchronized_batch_norm_in_all_networks(tmp_path):
    model = run(tmp_path / "run", dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=1, sync_batch_norm=True))
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, BatchNormalization)]
    assert len(layers) == 6
    assert all(layer.synchronized for layer in layers)


def test_several_workers_take_no_validation_split(tmp_path):
    with pytest.raises(ValueError, match="no validation_split with strategy multi_worker: run infogan-evaluate"):
        run(tmp_path / "run", dataclasses.replace(CONFIG, validation_split="test"), strategy="multi_worker")
    assert not (tmp_path / "run").exists()


def test_a_batch_must_divide_among_the_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(type(tf.distribute.get_strategy()), "num_replicas_in_sync", 3)
    with pytest.raises(ValueError, match="batch_size 8 is over all devices and must be a multiple of their number, 3"):
        run(tmp_path / "run")


def test_a_validation_split_must_divide_among_the_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(type(tf.distribute.get_strategy()), "num_replicas_in_sync", 3)
    config = dataclasses.replace(CONFIG, batch_size=9, validation_split="test")
    with pytest.raises(ValueError, match=r"validation_split test has 20 images, which must be a multiple.* devices, 3"):
        run(tmp_path / "run", config)


def test_more_labels_than_validation_can_count_show_before_training(tmp_path, monkeypatch):
    labels = tuple(map(str, range(1001)))
    monkeypatch.setattr(datasets, "load", lambda *_, **__: small_images("")._replace(label_names=labels))
    with pytest.raises(ValueError, match="has 1001 labels, and validation compares up to 1000"):
        run(tmp_path / "run", dataclasses.replace(CONFIG, validation_split="test"))


def test_an_epoch_is_once_through_the_split_unless_told_otherwise(tmp_path):
    model = run(tmp_path / "run", dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=None))
    assert int(model.generator_optimizer.iterations) == 20 // 8


@pytest.mark.parametrize(("steps", "said"), [(None, 1), (2, 0)])
def test_a_short_epoch_that_nobody_asked_for_is_told(tmp_path, caplog, steps, said):
    run(tmp_path, dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=steps))
    assert caplog.text.count("once through 20 images, is only 2 steps: set steps_per_epoch") == said
