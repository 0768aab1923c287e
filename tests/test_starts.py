"""Runs that are begun several times."""

import dataclasses
import json

import pytest

from infogan_tf import benchmark, callbacks, datasets, presets, starts, training
from infogan_tf.callbacks import list_checkpoints
from infogan_tf.config import TrainingConfig
from tests.runs import CONFIG, InterruptedRunError, assert_same_run, files, metrics, run, small_images

pytestmark = pytest.mark.usefixtures("small_data")

TWO = dataclasses.replace(CONFIG, starts=2, start_epochs=1, seed=3)


@pytest.fixture(scope="module")
def begun_twice(tmp_path_factory):
    """The workdir of a run with two starts that nothing interrupted."""
    workdir = tmp_path_factory.mktemp("starts") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", small_images)
        run(workdir, TWO)
    return workdir


def decision(workdir):
    return json.loads((workdir / "starts" / "chosen.json").read_text())


def test_seeds_of_different_runs_are_different():
    all_of_them = [
        seed for number in range(4) for seed in starts.seeds(dataclasses.replace(TWO, seed=number, starts=3))
    ]
    assert sorted(all_of_them) == list(range(12))


def test_the_most_stable_start_goes_on(begun_twice, tmp_path):
    """Each start is the beginning of an ordinary run of its seed, and the run is the better one's continuation."""
    scores = {}
    for seed in (6, 7):
        run(tmp_path / str(seed), dataclasses.replace(CONFIG, seed=seed, epochs=1))
        scores[str(seed)] = float(metrics(tmp_path / str(seed))[0]["stable_information"])
    assert decision(begun_twice)["stable_information"] == pytest.approx(scores, rel=1e-6)
    best = max(scores, key=scores.get)
    assert decision(begun_twice)["seed"] == int(best)
    first, _ = metrics(begun_twice)
    (alone,) = metrics(tmp_path / best)
    for name in ("d_loss", "g_loss", "stable_information"):
        assert float(first[name]) == pytest.approx(float(alone[name]), rel=1e-6)


def test_the_workdir_is_one_of_a_run_with_a_single_start(begun_twice, straight):
    ours = {path.name for path in begun_twice.iterdir()}
    assert ours == {path.name for path in straight.iterdir()} | {"starts"}
    assert [epoch for _, epoch in list_checkpoints(begun_twice / "checkpoints")] == [1, 2]
    assert [row["epoch"] for row in metrics(begun_twice)] == ["0", "1"]
    (other,) = {6, 7} - {decision(begun_twice)["seed"]}
    assert {path.name for path in (begun_twice / "starts").iterdir()} == {"chosen.json", f"seed-{other}"}


@pytest.mark.parametrize("epoch", [0, 1])
def test_interrupted_it_goes_on(tmp_path, begun_twice, monkeypatch, epoch):
    """In the second start's epoch, and in that which follows the choice."""
    count = [0]

    class Interrupted(callbacks.Throughput):
        def on_epoch_begin(self, number, logs=None):
            super().on_epoch_begin(number, logs)
            count[0] += 1
            if count[0] == 2 + epoch:
                raise InterruptedRunError

    with monkeypatch.context() as patch:
        patch.setattr(training, "Throughput", Interrupted)
        with pytest.raises(InterruptedRunError):
            run(tmp_path / "run", TWO)
    before = files(tmp_path / "run")
    run(tmp_path / "run", TWO)
    assert_same_run(tmp_path / "run", begun_twice)
    assert decision(tmp_path / "run") == decision(begun_twice)
    first = "starts/seed-6/checkpoints/epoch-0001.keras"
    if epoch == 0 and decision(begun_twice)["seed"] != 6:  # what was finished has not been trained again
        assert files(tmp_path / "run")[first] == before[first]


def test_interrupted_while_the_best_moves_it_goes_on(tmp_path):
    """Its table is there already, its checkpoints are not."""
    config = dataclasses.replace(TWO, seed=0)
    for seed, score in ((0, 0.5), (1, 0.75)):
        folder = tmp_path / "starts" / f"seed-{seed}"
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "epoch-0001.keras").write_text(f"of {seed}")
        (folder / "metrics.csv").write_text(f"epoch,stable_information\n0,{score}\n")
    begun = []
    starts.choose(config, tmp_path, lambda one, path: begun.append((one, path)))
    assert begun == [
        (dataclasses.replace(config, starts=1, seed=seed), tmp_path / "starts" / f"seed-{seed}") for seed in (0, 1)
    ]
    again = tmp_path / "starts" / "seed-1"
    again.mkdir()
    (tmp_path / "checkpoints").rename(again / "checkpoints")
    starts.choose(config, tmp_path, lambda one, path: pytest.fail("the choice has been made"))
    assert (tmp_path / "checkpoints" / "epoch-0001.keras").read_text() == "of 1"
    assert "0.75" in (tmp_path / "metrics.csv").read_text()
    assert not again.exists()


def test_a_longer_run_keeps_its_choice(tmp_path):
    run(tmp_path / "run", dataclasses.replace(TWO, epochs=1))
    before = decision(tmp_path / "run")
    run(tmp_path / "run", TWO)
    assert decision(tmp_path / "run") == before
    assert [row["epoch"] for row in metrics(tmp_path / "run")] == ["0", "1"]


def test_overwriting_deletes_the_starts(tmp_path):
    run(tmp_path / "run", dataclasses.replace(TWO, epochs=1))
    run(tmp_path / "run", dataclasses.replace(CONFIG, epochs=1), overwrite=True)
    assert not (tmp_path / "run" / "starts").exists()


def test_the_benchmark_counts_all_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "load", lambda name, split="train", *rest, **arguments: small_images(name, split))
    monkeypatch.setattr(benchmark, "machine", lambda *packages: {})
    monkeypatch.setattr("infogan_tf.evaluation.fidelity.evaluate", lambda *arguments: {})
    result = benchmark.measure(TWO, tmp_path / "run", "test")
    lost = [
        float(row["seconds"])
        for path in (tmp_path / "run" / "starts").rglob("metrics.csv")
        for row in metrics(path.parent)
    ]
    went_on = [float(row["seconds"]) for row in metrics(tmp_path / "run")]
    assert (len(lost), len(went_on)) == (1, 2)
    assert result["steps"] == 3 * CONFIG.steps_per_epoch
    assert result["seconds"] == pytest.approx(sum(lost + went_on), abs=0.06)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"starts": 0}, "starts must be 1 or more, of 1 to 2 epochs each; got 0 of 1"),
        ({"start_epochs": 0}, "starts must be 1 or more, of 1 to 2 epochs each; got 2 of 0"),
        ({"start_epochs": 3}, "starts must be 1 or more, of 1 to 2 epochs each; got 2 of 3"),
    ],
)
def test_starts_that_cannot_be(values, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TWO, **values)


def test_fewer_epochs_shorten_the_starts(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "begun", {**presets.get("mnist"), "starts": 2, "start_epochs": 3})
    assert TrainingConfig.from_preset("begun").start_epochs == 3
    assert TrainingConfig.from_preset("begun", epochs=2).start_epochs == 2


@pytest.mark.parametrize(
    ("values", "strategy", "message"),
    [
        ({}, "multi_worker", "several starts do not work with strategy multi_worker"),
        ({"augmentation": {}}, "none", "starts 2 need a categorical code and an augmentation: set starts to 1"),
        ({"codes": "slant:uniform", "lambdas": {}}, "none", "a categorical code and an augmentation"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_written(tmp_path, values, strategy, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path / "run", dataclasses.replace(TWO, **values), strategy=strategy)
    assert not (tmp_path / "run").exists()
