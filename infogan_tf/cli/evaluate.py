"""`infogan-evaluate`: clustering scores, information, code-to-label match and fidelity of a trained workdir."""

from __future__ import annotations

import json
from pathlib import Path

from absl import flags

from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig
from infogan_tf.files import replaced_file

WORKDIR = define_path("workdir", None, "Folder of the run.", required=True)
SPLIT = flags.DEFINE_string("split", "test", "Split to evaluate on, as in tensorflow-datasets.")
CHECKPOINT = flags.DEFINE_enum(
    "checkpoint",
    "last",
    ["last", "best"],
    "best: the epoch with the highest stable information, a score without labels.",
)
DATA_DIR = define_path("data_dir", None, "Where the data lies. Default: as in training.")
FIDELITY = flags.DEFINE_bool(
    "fidelity", False, "Also Fréchet distance, precision, recall and diversity; trains a classifier if none is kept."
)


def _main() -> None:
    workdir = Path(WORKDIR.value)
    config = TrainingConfig.load(workdir / "config.json")
    from infogan_tf import datasets, workdirs  # noqa: PLC0415 - imports TensorFlow
    from infogan_tf.evaluation import fidelity  # noqa: PLC0415
    from infogan_tf.evaluation.report import as_text, evaluate  # noqa: PLC0415

    model = workdirs.load(workdir, CHECKPOINT.value)
    data_dir = DATA_DIR.value or config.data_dir
    data = datasets.load(config.dataset, SPLIT.value, data_dir, config.image_shape, strict=config.strict)
    report = {"dataset": config.dataset, "split": SPLIT.value, "checkpoint": CHECKPOINT.value}
    if FIDELITY.value:  # first, because it may find that there are no labels
        train = datasets.load(config.dataset, config.train_split, data_dir, config.image_shape, strict=config.strict)
        report["fidelity"] = fidelity.evaluate(model, train, data)
    report |= evaluate(model, data)
    path = workdir / "evaluation.json"
    with replaced_file(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n")
    print(as_text(report))
    print(f"written to {path}")


def main() -> None:
    """Entry point of `infogan-evaluate`."""
    run_app(_main)


if __name__ == "__main__":
    main()
