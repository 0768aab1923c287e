"""`infogan-export`: a trained workdir to `BASE/<version>/`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from absl import flags

from infogan_tf.cli import run_app
from infogan_tf.config import TrainingConfig

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
BASE = flags.DEFINE_string("base", None, "Folder above the version folders, as models/infogan.", required=True)
VERSION = flags.DEFINE_integer("version", None, "Number of the version. Default: the next free one.", lower_bound=1)
KEEP_PRECISION = flags.DEFINE_bool(
    "keep_precision", False, "Compute in the precision of training. Default: in float32, whatever it was."
)


def _main() -> None:
    workdir = Path(WORKDIR.value)
    config = TrainingConfig.load(workdir / "config.json")
    from infogan_export import export  # noqa: PLC0415 - imports TensorFlow
    from infogan_tf import training  # noqa: PLC0415

    evaluation = workdir / "evaluation.json"
    label_match = json.loads(evaluation.read_text())["label_match"] if evaluation.exists() else {}
    folder, differences = export(
        training.load(workdir),
        BASE.value,
        version=VERSION.value,
        label_match=label_match,
        provenance={"training": dataclasses.asdict(dataclasses.replace(config, data_dir=None))},
        keep_precision=KEEP_PRECISION.value,
    )
    for name, value in differences.items():
        print(f"{name}: reloaded servable and Python model differ by at most {value:.2g}")
    if not label_match:
        print("no code-to-label match in the description: run infogan-evaluate on labelled data first to add it")
    print(f"written to {folder}")


def main() -> None:
    """Entry point of `infogan-export`."""
    run_app(_main)
