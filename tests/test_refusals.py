"""What a run refuses: workdirs, configs, data, weights that are no numbers."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from infogan_tf import callbacks, datasets, training, workdirs
from infogan_tf.callbacks import TrainingDivergedError, list_checkpoints
from infogan_tf.config import TrainingConfig
from infogan_tf.datasets import ImageSet
from tests.runs import CONFIG, STEPS, files, metrics, run

pytestmark = pytest.mark.usefixtures("small_data")


def test_another_config_is_refused_and_the_difference_named(straight):
    before = files(straight)
    other = dataclasses.replace(CONFIG, batch_size=16, lambdas={"digit": 2.0})
    with pytest.raises(ValueError) as error:
        run(straight, other)
    message = str(error.value)
    for part in ("batch_size 8 there, 16 here", "lambdas", "--overwrite", str(straight)):
        assert part in message
    assert "epochs" not in message
    assert files(straight) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(ValueError, match="is not empty and holds no run"):
        run(tmp_path)
    assert files(tmp_path) == {"holiday.jpg": b"x"}


def test_an_empty_folder_is_fine(tmp_path):
    run(tmp_path, dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=1))
    assert (tmp_path / "model.keras").exists()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"codes": "digit:categorical(3),slant:unifrom"}, "slant:unifrom"),
        ({"lambdas": {"width": 1.0}}, "names no code: width"),
        ({"adversarial_loss": "wasserstein"}, "got 'wasserstein'"),
        ({"batch_size": 32, "steps_per_epoch": None}, "batch_size 32 is larger than the 20 training images"),
        ({"image_shape": (12, 12, 1)}, r"image_shape is \(12, 12, 1\), but mnist has \(8, 8, 1\)"),
        ({"image_shape": (9, 8, 1)}, "multiples of 4"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_overwrite_deletes_nothing_until_the_new_run_is_known_good(tmp_path, changes, text):
    CONFIG.save(tmp_path / "config.json")
    kept = {
        "config.json": (tmp_path / "config.json").read_bytes(),
        "checkpoints/epoch-0001.keras": b"weights",
        "notes.txt": b"mine",
    }
    for name, content in kept.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=text):
        run(tmp_path, dataclasses.replace(CONFIG, **changes), overwrite=True)
    assert files(tmp_path) == kept


def test_overwrite_deletes_nothing_if_the_data_cannot_be_had(tmp_path, monkeypatch):
    CONFIG.save(tmp_path / "config.json")
    kept = {"config.json": (tmp_path / "config.json").read_bytes(), "notes.txt": b"mine"}
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)

    def unavailable(*arguments, **others):
        raise ValueError("no such data")

    monkeypatch.setattr(datasets, "load", unavailable)
    with pytest.raises(ValueError, match="no such data"):
        run(tmp_path, overwrite=True)
    assert files(tmp_path) == kept


def test_overwrite_refuses_a_folder_that_never_held_a_run(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="not empty and holds no run"):
        run(tmp_path, overwrite=True)
    assert files(tmp_path) == {"notes.txt": b"mine"}


def test_overwrite_starts_again(tmp_path):
    short = dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=1)
    run(tmp_path, short)
    first = (tmp_path / "metrics.csv").read_text()
    (tmp_path / "pictures" / "epoch-0099.png").touch()
    (tmp_path / "notes.txt").write_text("mine")
    model = run(tmp_path, dataclasses.replace(short, seed=1), overwrite=True)
    assert int(model.generator_optimizer.iterations) == 1
    assert [row["epoch"] for row in metrics(tmp_path)] == ["0"]
    assert (tmp_path / "metrics.csv").read_text() != first
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["epoch-0001.png"]
    assert json.loads((tmp_path / "config.json").read_text())["seed"] == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda folder: training.train(CONFIG, folder, strategy="mirorred"), "strategy must be one of none, mirrored,"),
        (lambda folder: workdirs.load(folder, "bset"), "checkpoint must be last or best, got 'bset'"),
    ],
)
def test_misspelt_words_are_refused(tmp_path, call, text):
    with pytest.raises(ValueError, match=text):
        call(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_overwrite_starts_again_where_a_config_cannot_be_read(tmp_path):
    (tmp_path / "config.json").write_text('{"image_shape": [8, 8, 1], "forgotten": 1}')
    short = dataclasses.replace(CONFIG, epochs=1, steps_per_epoch=1)
    with pytest.raises(ValueError, match=r"is not a training config: .*forgotten"):
        run(tmp_path, short)
    run(tmp_path, short, overwrite=True)
    assert TrainingConfig.load(tmp_path / "config.json") == short


def test_a_split_without_images_is_refused(tmp_path, monkeypatch):
    empty = ImageSet(np.zeros((0, 8, 8, 1), np.uint8), np.zeros(0, np.int64), ("a",))
    monkeypatch.setattr(datasets, "load", lambda *arguments, **others: empty)
    with pytest.raises(ValueError, match="0 training images"):
        run(tmp_path / "run")


def poisoning(part: str) -> type[callbacks.Throughput]:
    """Makes a weight of `part` NaN before the second step of the second epoch."""

    class Poison(callbacks.Throughput):
        def on_epoch_begin(self, epoch, logs=None):
            super().on_epoch_begin(epoch, logs)
            self.epoch = epoch

        def on_train_batch_begin(self, batch, logs=None):
            if (self.epoch, batch) == (1, 1):
                weight = getattr(self.model, part).trainable_variables[0]
                weight.assign(np.full(weight.shape, np.nan))

    return Poison


def test_divergence_names_the_step_and_the_last_good_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "Throughput", poisoning("discriminator_head"))
    workdir = tmp_path / "run"
    with pytest.raises(TrainingDivergedError) as error:
        run(workdir)
    checkpoint = workdir / "checkpoints" / "epoch-0001.keras"
    assert f"step {STEPS + 2} (epoch 2)" in str(error.value)
    assert str(error.value).endswith(f"last good checkpoint: {checkpoint}")
    assert not (workdir / "model.keras").exists()
    assert [epoch for _, epoch in list_checkpoints(workdir / "checkpoints")] == [1]
    assert all(np.isfinite(w).all() for w in keras.models.load_model(checkpoint).get_weights())
    assert [row["epoch"] for row in metrics(workdir)] == ["0"]


@pytest.mark.parametrize("part", ["generator", "trunk", "posterior_head"])
def test_no_checkpoint_holds_a_weight_that_is_no_number(tmp_path, monkeypatch, part):
    """A ReLU can hide a NaN weight from the losses (max(0, NaN) may be 0): it must not be saved as a good state."""
    monkeypatch.setattr(training, "Throughput", poisoning(part))
    workdir = tmp_path / "run"
    with pytest.raises(TrainingDivergedError):
        run(workdir)
    assert [epoch for _, epoch in list_checkpoints(workdir / "checkpoints")] == [1]


def test_load_of_what_is_no_run(tmp_path):
    with pytest.raises(ValueError, match="is no training workdir"):
        workdirs.load(tmp_path)


def test_load_of_an_unfinished_run_says_how_far_it_is(tmp_path):
    CONFIG.save(tmp_path / "config.json")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch-0001.keras").touch()
    with pytest.raises(ValueError, match="completed 1 of 2 epochs; start the same training command again"):
        workdirs.load(tmp_path)
