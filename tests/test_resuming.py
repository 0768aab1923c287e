"""Runs that are interrupted, made longer, or go through phases."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infogan_tf import callbacks, datasets, training
from infogan_tf.callbacks import list_checkpoints
from infogan_tf.config import TrainingConfig
from tests.runs import (
    CONFIG,
    STEPS,
    InterruptedRunError,
    InterruptedThroughput,
    assert_same_run,
    files,
    metrics,
    run,
    small_images,
)

pytestmark = pytest.mark.usefixtures("small_data")


def test_interrupted_run_continues_as_if_it_had_not_been(tmp_path, straight, monkeypatch):
    workdir = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(training, "Throughput", InterruptedThroughput)
        with pytest.raises(InterruptedRunError):
            run(workdir)
    assert [epoch for _, epoch in list_checkpoints(workdir / "checkpoints")] == [1]
    assert not (workdir / "model.keras").exists()
    run(workdir)
    assert [row["epoch"] for row in metrics(workdir)] == ["0", "1"]
    assert_same_run(workdir, straight)


def test_killed_run_continues_as_if_it_had_not_been(tmp_path, straight):
    """SIGKILL in the middle of the second epoch, in a process of its own."""
    workdir = tmp_path / "run"
    code = (
        "import sys; from pathlib import Path; from infogan_tf import datasets, training\n"
        "from tests import runs\n"
        "datasets.load, training.Throughput = runs.small_images, runs.KilledThroughput\n"
        "runs.run(Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[1]
    process = subprocess.run(
        [sys.executable, "-c", code, str(workdir)], cwd=root, check=False, capture_output=True, text=True
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert [row["epoch"] for row in metrics(workdir)] == ["0"]
    run(workdir)
    assert [row["epoch"] for row in metrics(workdir)] == ["0", "1"]
    assert_same_run(workdir, straight)


def test_run_interrupted_before_its_first_checkpoint_starts_again(tmp_path, straight, monkeypatch):
    workdir = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(training, "Throughput", InterruptedThroughput)
        patch.setattr(InterruptedThroughput, "at", (0, 1))
        with pytest.raises(InterruptedRunError):
            run(workdir)
    assert list_checkpoints(workdir / "checkpoints") == []
    run(workdir)
    assert_same_run(workdir, straight)


def test_interruption_between_metrics_and_checkpoint_leaves_no_double_row(tmp_path, straight, monkeypatch):
    """The epoch's row is written, its checkpoint is not: the epoch is trained again and its row replaced."""
    workdir = tmp_path / "run"

    def interrupted(self, epoch, logs=None):
        raise InterruptedRunError

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.TraversalPictures, "on_epoch_end", interrupted)
        with pytest.raises(InterruptedRunError):
            run(workdir)
    assert [row["epoch"] for row in metrics(workdir)] == ["0"]
    run(workdir)
    assert_same_run(workdir, straight)


def test_a_finished_run_can_be_made_longer(tmp_path, straight):
    workdir = tmp_path / "run"
    run(workdir, dataclasses.replace(CONFIG, epochs=1))
    run(workdir)
    assert TrainingConfig.load(workdir / "config.json").epochs == 2
    assert_same_run(workdir, straight)


def test_a_finished_run_is_not_trained_again(straight):
    before = files(straight)
    model = run(straight)
    assert int(model.generator_optimizer.iterations) == 2 * STEPS
    after = files(straight)
    assert set(after) == set(before)
    assert {name for name in before if after[name] != before[name]} <= {"model.keras"}  # a zip with its date


PHASES = dataclasses.replace(
    CONFIG, validation_split="test", epochs=4, recognition_epochs=3, wake_weight=1.0, decay_epochs=1
)


@pytest.fixture(scope="module")
def awake(tmp_path_factory) -> Path:
    """A run through all phases that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("awake") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", small_images)
        run(workdir, PHASES)
    return workdir


def test_a_recognition_phase_follows(awake):
    rows = metrics(awake)
    assert [float(row["wake_loss"]) != 0 for row in rows] == [False, True, True, True]
    assert [float(row["d_loss"]) != 0 for row in rows] == [True, False, False, False]


@pytest.mark.parametrize("last", [1, 2, 3])
def test_a_run_resumes_before_and_in_its_recognition_phase(tmp_path, monkeypatch, awake, last):
    monkeypatch.setattr(InterruptedThroughput, "at", (last, 1))
    with monkeypatch.context() as patch:
        patch.setattr(training, "Throughput", InterruptedThroughput)
        with pytest.raises(InterruptedRunError):
            run(tmp_path / "resumed", PHASES)
    model = run(tmp_path / "resumed", PHASES)
    assert_same_run(tmp_path / "resumed", awake)
    assert model.recognition is not None


def test_once_the_recognition_phase_has_begun_the_epochs_stay(tmp_path):
    config = dataclasses.replace(CONFIG, epochs=2, recognition_epochs=1)
    run(tmp_path / "run", config)
    before = files(tmp_path / "run")
    with pytest.raises(ValueError, match="has begun its recognition phase, the last 1 of 2 epochs, and cannot have 3"):
        run(tmp_path / "run", dataclasses.replace(config, epochs=3))
    assert files(tmp_path / "run") == before
