"""The benchmark over seeds: what is kept, what is refused, what the table says."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from infogan_tf import benchmark
from infogan_tf.config import TrainingConfig

ACC = {0: 0.9, 1: 0.7, 2: 0.95}


def config(seed: int, **values) -> TrainingConfig:
    return TrainingConfig.from_preset("mnist_5k", seed=seed, epochs=1, steps_per_epoch=2, batch_size=8, **values)


def result(seed: int) -> dict:
    return {
        "seed": seed,
        "split": "test",
        **{"acc": ACC[seed], "purity": 0.96, "nmi": 0.8, "ari": 0.75},
        "information": {"digit": {"bound": 2.2}, "slant": {"bound": 1.0}, "width": {"bound": 1.1}},
        "fidelity": {"frechet_distance": 4.0 + seed},
        **{"steps": 2, "seconds": 10.0, "images_per_second": 1.6},
        "config": json.loads(json.dumps(dataclasses.asdict(config(seed)))),
    }


@pytest.fixture
def out(tmp_path):
    for seed in ACC:
        (tmp_path / f"seed-{seed}.json").write_text(json.dumps(result(seed)))
    return tmp_path


def test_results_that_are_there_are_not_measured_again(out):
    results = benchmark.run([config(seed) for seed in ACC], out / "runs", out)
    assert [r["acc"] for r in results] == list(ACC.values())
    assert not (out / "runs").exists()
    assert (out / "table.md").read_text() == benchmark.as_table(results)


def test_where_the_data_lies_makes_no_other_run(out):
    assert benchmark.run([config(0, data_dir="/elsewhere")], out / "runs", out)[0]["acc"] == ACC[0]


def test_a_result_from_before_a_value_existed_is_of_its_default(out):
    old = result(0)
    del old["config"]["lambdas_from_epoch"], old["config"]["instance_noise_stddev"]
    old["config"]["no longer there"] = 1
    (out / "seed-0.json").write_text(json.dumps(old))
    assert benchmark.run([config(0)], out / "runs", out)[0]["acc"] == ACC[0]
    with pytest.raises(ValueError, match=r"of another run \(instance_noise_stddev differ"):
        benchmark.run([config(0, instance_noise_stddev=0.5)], out / "runs", out)


def test_a_result_of_another_run_is_refused_before_anything_is_trained(out):
    with pytest.raises(ValueError, match=r"seed-2.json is of another run \(noise_size"):
        benchmark.run([config(7), config(2, noise_size=5)], out / "runs", out)
    with pytest.raises(ValueError, match=r"seed-2.json is of another run \(split differ"):
        benchmark.run([config(2)], out / "runs", out, split="train[4000:]")
    assert not (out / "runs").exists()


def test_table_has_each_seed_then_mean_spread_and_worst():
    rows = [re.split(r" *\| *", line)[1:-1] for line in benchmark.as_table([result(s) for s in ACC]).splitlines()]
    table = {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[2:]}
    assert list(table) == ["seed 0", "seed 1", "seed 2", "mean", "std", "worst"]
    accuracies = np.array(list(ACC.values()))
    assert float(table["mean"]["acc"]) == pytest.approx(accuracies.mean(), rel=1e-3)
    assert float(table["std"]["acc"]) == pytest.approx(
        np.sqrt(((accuracies - accuracies.mean()) ** 2).sum() / 2), rel=1e-3
    )
    assert float(table["worst"]["acc"]) == 0.7
    assert float(table["worst"]["frechet_distance"]) == 6  # a distance: the largest
    assert float(table["seed 1"]["I(slant)"]) == 1.0


@pytest.mark.slow
def test_a_seed_is_trained_evaluated_and_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    [measured] = benchmark.run([config(3)], tmp_path / "runs", tmp_path)
    assert json.loads((tmp_path / "seed-3.json").read_text()) == json.loads(json.dumps(measured))
    assert measured["steps"] == 2
    assert (tmp_path / "runs" / "seed-3" / "model.keras").exists()
    assert measured["images_per_second"] == pytest.approx(16 / measured["seconds"], rel=0.05)


def test_a_training_ends_with_the_benchmark_that_started_it(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from infogan_tf.benchmark import end_with_parent\n"
        "if __name__ == '__main__':\n"
        "    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn'), end_with_parent) as pool:\n"
        "        pool.submit(os.getpid).result()\n"
        "        print('started', flush=True)\n"
        "        pool.submit(time.sleep, 600).result()\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "started\n"
        parent.kill()
        parent.communicate(timeout=60)  # its child has the same output, which ends with the last that holds it
