"""Two worker processes on loopback, through the command line."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from infogan_tf import workdirs
from tests.serving.ports import free_port

pytestmark = pytest.mark.slow

FLAGS = ("--preset=mnist_5k", "--recognition_epochs=0", "--batch_size=16", "--precision=float32", "--sync_batch_norm")
DEADLINE = 240


class Workers:
    """Starts and restarts the processes of one run."""

    def __init__(self, workdir: Path, *flags: str):
        self.addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.command = [sys.executable, "-m", "infogan_tf.cli.train", f"--workdir={workdir}", *FLAGS, *flags]
        self.processes = [self.start(index) for index in range(2)]

    def start(self, index: int) -> subprocess.Popen:
        cluster = {"cluster": {"worker": self.addresses}, "task": {"type": "worker", "index": index}}
        return subprocess.Popen(
            [*self.command, "--strategy=multi_worker"],
            env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.communicate()

    def finish(self) -> list[str]:
        """Standard errors, when both have ended well."""
        errors = [process.communicate(timeout=DEADLINE)[1].decode() for process in self.processes]
        assert [process.returncode for process in self.processes] == [0, 0], errors
        return errors


def rows(workdir: Path) -> list[dict[str, float]]:
    with (workdir / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items() if value != "NA"} for row in csv.DictReader(file)]


def test_two_workers_are_one_process(tmp_path):
    """In one step: later ones differ by more and more, as Adam divides gradients near 0 by themselves."""
    flags = "--epochs=1", "--steps_per_epoch=1"
    with Workers(tmp_path / "two", *flags) as workers:
        workers.finish()
    command = [sys.executable, "-m", "infogan_tf.cli.train", f"--workdir={tmp_path / 'one'}", *FLAGS, *flags]
    subprocess.run(command, check=True, capture_output=True, timeout=DEADLINE)
    (two,), (one,) = rows(tmp_path / "two"), rows(tmp_path / "one")
    assert two["d_loss"] == pytest.approx(one["d_loss"], abs=1e-5)  # before the first update
    for name in ("g_loss", "digit_information", "slant_information", "width_information"):
        assert two[name] == pytest.approx(one[name], abs=1e-3), name
    optimizers = [workdirs.load(tmp_path / name).discriminator_optimizer for name in ("two", "one")]
    # Adam's first moment is half the gradient of the first step.
    for moment, expected in zip(*(optimizer._momentums for optimizer in optimizers), strict=True):
        difference = np.linalg.norm(moment.numpy() - expected.numpy())
        assert difference < 1e-4 * np.linalg.norm(expected.numpy()), expected.path


def test_a_killed_worker_comes_back_and_the_run_ends(tmp_path):
    workdir = tmp_path / "run"
    with Workers(workdir, "--epochs=4", "--steps_per_epoch=8") as workers:
        deadline = time.monotonic() + DEADLINE
        while not (workdir / "checkpoints" / "epoch-0001.keras").exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        workers.processes[1].send_signal(signal.SIGKILL)
        workers.processes[1].communicate()
        workers.processes[1] = workers.start(1)
        errors = workers.finish()
    assert "lost another worker, starting again" in errors[0]
    assert [row["epoch"] for row in rows(workdir)] == [0, 1, 2, 3]
    model = workdirs.load(workdir)
    assert int(model.generator_optimizer.iterations) == 4 * 8
