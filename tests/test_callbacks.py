"""Callbacks: whole checkpoints, pictures, throughput, and the stop at the first loss that is no number."""

import math

import keras
import numpy as np
import pytest
from PIL import Image

from infogan_tf import callbacks
from tests import tiny

CODES = "digit:categorical(3),slant:uniform"


def fit(folder_callbacks, epochs: int = 3):
    model = tiny.model(CODES, run_eagerly=True)
    model.fit(tiny.images(16), batch_size=8, epochs=epochs, verbose=0, callbacks=folder_callbacks)
    return model


@pytest.mark.parametrize(("keep", "kept"), [(1, [3]), (2, [2, 3]), (5, [1, 2, 3])])
def test_the_last_checkpoints_stay(tmp_path, keep, kept):
    model = fit([callbacks.Checkpoints(tmp_path / "new", keep)])
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [f"epoch-{n:04d}.keras" for n in kept]
    loaded = keras.models.load_model(tmp_path / "new" / "epoch-0003.keras")
    assert int(loaded.generator_optimizer.iterations) == 6
    for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_checkpoints_of_another_fit_go(tmp_path):
    """They would be taken for the newest after an interruption."""
    fit([callbacks.Checkpoints(tmp_path)])
    model = fit([callbacks.Checkpoints(tmp_path)], epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0001.keras"]
    loaded = keras.models.load_model(tmp_path / "epoch-0001.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def test_at_least_one_checkpoint_stays(tmp_path):
    with pytest.raises(ValueError, match="keep must be 1 or more, got 0"):
        callbacks.Checkpoints(tmp_path, keep=0)


def test_checkpoints_are_listed_by_number_and_others_ignored(tmp_path):
    for name in ("epoch-9999.keras", "epoch-10000.keras", "epoch-0002.keras", ".12-epoch-0003.keras", "epoch-x.keras"):
        (tmp_path / name).touch()
    (tmp_path / "epoch-0001.keras.tmp").touch()
    assert [(path.name, epoch) for path, epoch in callbacks.list_checkpoints(tmp_path)] == [
        ("epoch-0002.keras", 2),
        ("epoch-9999.keras", 9999),
        ("epoch-10000.keras", 10000),
    ]
    assert callbacks.list_checkpoints(tmp_path / "absent") == []


def test_a_checkpoint_that_fails_leaves_the_last_one(tmp_path, monkeypatch):
    fit([callbacks.Checkpoints(tmp_path)], epochs=1)

    def fails(self, path, **kwargs):
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(keras.Model, "save", fails)
    with pytest.raises(OSError, match="disk full"):
        fit([callbacks.Checkpoints(tmp_path)], epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0001.keras"]
    keras.models.load_model(tmp_path / "epoch-0001.keras")


def test_pictures_after_every_epoch(tmp_path):
    fit([callbacks.TraversalPictures(tmp_path / "pictures")], epochs=2)
    paths = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in paths] == ["epoch-0001.png", "epoch-0002.png"]
    pixels = []
    for path in paths:
        with Image.open(path) as picture:
            pixels.append(np.array(picture))
    assert pixels[0].shape == pixels[1].shape
    assert (pixels[0] != pixels[1]).any()


def test_looking_does_not_change_training(tmp_path):
    """The pictures' noise is their own: a run with pictures ends at the weights of one without."""
    with tiny.determinism():
        plain, with_pictures = fit([]), fit([callbacks.TraversalPictures(tmp_path)])
    for a, b in zip(plain.get_weights(), with_pictures.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_throughput_leaves_out_the_first_step(monkeypatch):
    """Steps end at 100 (compiling), 101, 102, 104 seconds: 8 images a step over 1, 2, 4 seconds since the first."""
    times = iter([100.0, 101.0, 102.0, 104.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    throughput, seen = callbacks.Throughput(batch_size=8), []
    throughput.on_epoch_begin(0)
    for batch in range(4):
        logs = {}
        throughput.on_train_batch_end(batch, logs)
        seen.append(logs.get("images_per_second"))
    assert seen == [None, 8.0, 8.0, 6.0]
    logs = {}
    throughput.on_epoch_end(0, logs)
    assert logs["images_per_second"] == 6.0


def test_throughput_with_several_steps_per_execution(monkeypatch):
    """Steps 0 to 4 end at 100 (compiling), 5 to 9 at 102 seconds: 5 steps of 8 images in 2 seconds."""
    times = iter([100.0, 102.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(times))
    throughput, logs = callbacks.Throughput(batch_size=8), {}
    throughput.on_epoch_begin(0)
    throughput.on_train_batch_end(4, {})
    throughput.on_train_batch_end(9, logs)
    assert logs["images_per_second"] == 20.0


def test_throughput_of_a_single_step_is_unknown():
    throughput, logs = callbacks.Throughput(8), {}
    throughput.on_epoch_begin(0)
    throughput.on_train_batch_end(0, {})
    throughput.on_epoch_end(0, logs)
    assert math.isnan(logs["images_per_second"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["d_loss", "g_loss", "wake_loss", "digit_information"])
def test_the_first_loss_that_is_no_number_stops(tmp_path, name, value):
    for epoch in (1, 2):
        (tmp_path / f"epoch-000{epoch}.keras").touch()
    stop = callbacks.StopOnNonFinite(tmp_path, steps_per_epoch=100)
    stop.on_epoch_begin(2)
    good = {"d_loss": 1.0, "g_loss": 2.0, "wake_loss": 1.0, "digit_information": -1.0}
    stop.on_train_batch_end(6, good)
    with pytest.raises(callbacks.TrainingDivergedError) as error:
        stop.on_train_batch_end(7, {**good, name: value})
    message = str(error.value)
    assert name in message
    assert not any(other in message for other in good.keys() - {name})
    assert "step 208 (epoch 3)" in message
    assert message.endswith(str(tmp_path / "epoch-0002.keras"))


def test_without_a_checkpoint_there_is_none_to_name(tmp_path):
    stop = callbacks.StopOnNonFinite(tmp_path, steps_per_epoch=10)
    stop.on_epoch_begin(0)
    with pytest.raises(callbacks.TrainingDivergedError, match=r"step 1 \(epoch 1\); last good checkpoint: none yet"):
        stop.on_train_batch_end(0, {"d_loss": math.nan, "g_loss": math.nan})


def test_an_epochs_seconds_run_from_the_end_of_the_last(monkeypatch):
    clock = iter([1.0, 6.0, 106.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    duration, logs = callbacks.Duration(), [{}, {}]
    duration.on_train_begin()
    for epoch in range(2):
        duration.on_epoch_end(epoch, logs[epoch])
    assert [log["seconds"] for log in logs] == [5.0, 100.0]


def test_the_best_epoch_stays(tmp_path):
    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["stable_information"] = [0.5, 1.25, 1.25, -0.1][epoch]
            weights.append(self.model.get_weights())

    weights = []
    assert callbacks.best_checkpoint(tmp_path) is None
    fit([Score(), callbacks.Checkpoints(tmp_path, keep=1)], epochs=4)
    path, epoch, value = callbacks.best_checkpoint(tmp_path)
    assert (epoch, value) == (2, 1.25)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["best-0002-1.2500.keras", "epoch-0004.keras"]
    for a, b in zip(keras.models.load_model(path).get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_resumed_run_forgets_a_best_epoch_that_it_trains_again(tmp_path):
    """Epoch 2 was the best, but the run was killed before its own checkpoint was written."""

    class Score(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["stable_information"] = 0.75

    (tmp_path / "best-0002-1.0000.keras").write_text("of a run that ended here")
    fit([Score(), callbacks.Checkpoints(tmp_path)], epochs=1)
    assert callbacks.best_checkpoint(tmp_path)[1:] == (1, 0.75)
