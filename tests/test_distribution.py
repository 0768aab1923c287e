"""Training on several virtual CPU devices against one."""

import contextlib
import dataclasses
import functools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import InfoGAN, datasets, training
from infogan_tf.augmentation import RandomView
from infogan_tf.callbacks import Recognition, SwitchOn
from infogan_tf.distribution import own_rows
from infogan_tf.optimizers import Adam
from tests import runs, tiny

BATCH, STEPS = 16, 3


def _four_devices() -> None:
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)


@pytest.fixture(scope="module")
def on():
    """Calls a function of this module on some devices: one is this process, more a process of their own each.

    TensorFlow keeps a group of devices for the life of a process.
    """
    with contextlib.ExitStack() as stack:
        pools = {}

        def call(devices, function, *arguments):
            if devices == 1:
                return function(1, *arguments)
            if devices not in pools:
                pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _four_devices)
                pools[devices] = stack.enter_context(pool)
            return pools[devices].submit(function, devices, *arguments).result()

        yield call


@functools.cache  # TensorFlow numbers the exchanges of each strategy alike, and confuses those of two in one process
def strategy(devices: int) -> tf.distribute.Strategy:
    if devices == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy([f"CPU:{index}" for index in range(devices)])


def model(batch_norm: str, optimizer: str = "SGD") -> InfoGAN:
    """With plain SGD a difference of weights is one of gradients; Adam divides small gradients by themselves."""
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(
        tiny.CODES,
        tiny.IMAGE_SHAPE,
        tiny.NOISE_SIZE,
        **tiny.networks(batch_norm=batch_norm),
        augmentation=RandomView(erase=0.5, seed=1),
        seed=0,
    )
    make = {"SGD": lambda: keras.optimizers.SGD(0.1), "Adam": lambda: Adam(1e-3, beta_1=0.5, epsilon=1e-2)}[optimizer]
    infogan.compile(make(), make(), make())
    return infogan


def batches() -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(tiny.images(BATCH * STEPS)).batch(BATCH)


def trained(devices: int, batch_norm: str, optimizer: str = "SGD"):
    """Weights and logs after a few steps."""
    with strategy(devices).scope():
        infogan = model(batch_norm, optimizer)
    history = infogan.fit(batches(), verbose=0).history
    return [variable.numpy() for variable in infogan.variables if "seed" not in variable.path], history


def assert_same(first, second, tolerance=1e-5):
    for values, others in zip(first[0], second[0], strict=True):
        np.testing.assert_allclose(values, others, rtol=0, atol=tolerance)
    assert first[1].keys() == second[1].keys()
    for name, values in first[1].items():
        np.testing.assert_allclose(values, second[1][name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.parametrize("batch_norm", ["none", "synchronized"])
def test_devices_that_share_a_batch_are_one_device(on, devices, batch_norm):
    """Noise, codes, augmentation, losses, gradients, logs."""
    assert_same(on(devices, trained, batch_norm), on(1, trained, batch_norm))


def test_local_batch_norm_sees_its_own_part(on):
    with pytest.raises(AssertionError):
        assert_same(on(2, trained, "local"), on(1, trained, "local"), tolerance=1e-4)


def test_fused_adam_on_several_devices(on):
    assert_same(on(2, trained, "none", "Adam"), on(1, trained, "none", "Adam"))


def awakened(devices: int):
    """Weights, shares and logs after an epoch of each phase: G and D, dreams, awake."""
    with strategy(devices).scope():
        infogan = model("synchronized")
    phases = [Recognition(1), SwitchOn("wake_weight", 1.0, 2)]
    history = infogan.fit(batches(), epochs=3, callbacks=phases, verbose=0).history
    return [variable.numpy() for variable in infogan.variables if "seed" not in variable.path], history


def test_devices_share_the_recognition_phase(on):
    one, two = on(1, awakened), on(2, awakened)
    assert_same(two, one)
    assert one[1]["wake_loss"][:2] == [0, 0] and one[1]["wake_loss"][2] > 0


def saved_and_continued(devices: int, path: str):
    """Weights after saving in the middle and going on with what was loaded, and without saving."""
    results = []
    for interrupted in (True, False):
        with strategy(devices).scope():
            infogan = model("none")
        infogan.fit(batches(), verbose=0)
        if interrupted:
            infogan.save(path)
            with strategy(devices).scope():
                infogan = keras.models.load_model(path)
        infogan.fit(batches(), verbose=0)
        results.append(([variable.numpy() for variable in infogan.trainable_variables], {}))
    return results


def test_saving_keeps_the_random_state_of_all_devices(on, tmp_path):
    assert_same(*on(2, saved_and_continued, str(tmp_path / "model.keras")))


def run_in_workdir(devices: int | str, workdir: Path):
    """Weights and metrics of an interrupted and continued `train`, on one device or mirrored on all four."""
    config = dataclasses.replace(runs.CONFIG, sync_batch_norm=True, validation_split="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", runs.small_images)
        for epochs in (1, 2):
            name = "none" if devices == 1 else devices
            infogan = training.train(dataclasses.replace(config, epochs=epochs), workdir, strategy=name)
    rows = runs.metrics(workdir)
    return [v.numpy() for v in infogan.trainable_variables], rows


def test_a_mirrored_run_is_a_run_on_one_device(on, tmp_path):
    (one, one_rows), (four, four_rows) = (
        on(1, run_in_workdir, tmp_path / "1"),
        on("mirrored", run_in_workdir, tmp_path / "4"),
    )
    assert [row["epoch"] for row in four_rows] == ["0", "1"]
    # One step, before Adam's first updates, which divide gradients near 0 by themselves, make runs part.
    for name in ("d_loss", "val_d_loss", "g_loss"):
        assert float(four_rows[0][name]) == pytest.approx(float(one_rows[0][name]), abs=0.02), name
    assert all(np.abs(a - b).mean() < 2e-3 for a, b in zip(one, four, strict=True))


def scores(devices: int):
    with strategy(devices).scope():
        infogan = model("none")
    data = tf.data.Dataset.from_tensor_slices((tiny.images(64), np.arange(64) % 3)).batch(16)
    values = infogan.evaluate(data, verbose=0, return_dict=True)
    return {name: value for name, value in values.items() if name.startswith("digit_") and "information" not in name}


def test_clustering_scores_count_every_device(on):
    one, two = on(1, scores), on(2, scores)
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert two[name] == pytest.approx(value, abs=1e-6), name


def rows_of_replicas(devices: int):
    used = strategy(devices)
    rows = used.run(lambda: own_rows(lambda n: (tf.range(n), -tf.range(n)), 3))
    return [[part.numpy().tolist() for part in used.experimental_local_results(output)] for output in rows]


def test_replicas_share_out_a_draw(on):
    up, down = on(2, rows_of_replicas)
    assert up == [[0, 1, 2], [3, 4, 5]]
    assert down == [[0, -1, -2], [-3, -4, -5]]


def test_one_device_draws_what_it_needs():
    assert own_rows(lambda n: n, 3) == 3
