"""`infogan-benchmark`: quality of a preset over several seeds, resumable."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from infogan_tf import presets
from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig

PRESET = flags.DEFINE_enum("preset", "mnist", list(presets.PRESETS), "What to train.")
SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2", "3", "4"], "One run for each.")
OUT = define_path("out", None, "Folder of the results: seed-K.json and table.md.", required=True)
RUNS = define_path("runs", None, "Folder of the trainings' workdirs. Default: runs/ in --out.")
DATASET = flags.DEFINE_string("dataset", None, "As in infogan-train. Default: the preset's.")
TRAIN_SPLIT = flags.DEFINE_string("train_split", "train", "Split to train on.")
SPLIT = flags.DEFINE_string("split", "test", "Split to evaluate on; to compare variants, part of the training split.")
DATA_DIR = define_path("data_dir", None, "Where tensorflow-datasets keeps its data.")


@flags.validator("seeds", "the seeds must be different whole numbers from 0 up")
def _are_seeds(seeds: list[str]) -> bool:
    return all(seed.isdecimal() for seed in seeds) and len(set(map(int, seeds))) == len(seeds) > 0


def _main() -> None:
    from infogan_tf import benchmark  # noqa: PLC0415 - only once the flags are in order

    out = Path(OUT.value)
    data = {"dataset": DATASET.value, "train_split": TRAIN_SPLIT.value, "data_dir": DATA_DIR.value}
    configs = [TrainingConfig.from_preset(PRESET.value, seed=int(seed), **data) for seed in SEEDS.value]
    results = benchmark.run(configs, Path(RUNS.value or out / "runs"), out, SPLIT.value)
    print(benchmark.as_table(results))


def main() -> None:
    """Entry point of `infogan-benchmark`."""
    run_app(_main)


if __name__ == "__main__":
    main()
