"""`infogan-export`: a trained workdir, or a version that was there before, to `BASE/<version>/`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from absl import flags

from infogan_export.versions import check_free, find_version
from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig
from infogan_tf.files import read_json

WORKDIR = define_path("workdir", None, "Folder of the run to export.")
CHECKPOINT = flags.DEFINE_enum("checkpoint", "last", ["last", "best"], "Of --workdir; see infogan-evaluate.")
REPUBLISH = flags.DEFINE_integer(
    "republish", None, "Instead of a run: publish a copy of this version as a new one, to go back to it.", lower_bound=0
)
BASE = define_path("base", None, "Folder above the version folders, as models/infogan.", required=True)
VERSION = flags.DEFINE_integer("version", None, "Number of the version. Default: the next free one.", lower_bound=1)
KEEP = flags.DEFINE_integer(
    "keep",
    None,
    "Afterwards remove the versions that are older than the newest KEEP that load. At least 2: a server may still need "
    "the one before the newest. Default: remove none.",
    lower_bound=2,
)
KEEP_PRECISION = flags.DEFINE_bool(
    "keep_precision", False, "Compute in the precision of training. Default: in float32, whatever it was."
)
MAX_BATCH_SIZE = flags.DEFINE_integer(
    "max_batch_size",
    None,
    "Largest batch of the warm-up requests; must not be more than the server's, or it does not load the version. "
    "Default: that of serving/deploy/config/batching_parameters.txt.",
    lower_bound=1,
)
flags.mark_flags_as_mutual_exclusive(["workdir", "republish"], required=True)


OF_A_RUN = ("checkpoint", "keep_precision", "max_batch_size")


def _main() -> None:
    base = Path(BASE.value)
    check_free(base, VERSION.value)
    given = [f"--{name}" for name in OF_A_RUN if flags.FLAGS[name].present]
    if REPUBLISH.value is not None and given:
        raise ValueError(f"{', '.join(given)}: only with --workdir; --republish copies a version as it is")
    folder = _export(Path(WORKDIR.value), base) if REPUBLISH.value is None else _republish(REPUBLISH.value, base)
    print(f"written to {folder}")
    if KEEP.value:
        from infogan_export import prune  # noqa: PLC0415 - imports TensorFlow

        for removed in prune(base, KEEP.value, folder):
            print(f"removed {removed}")


def _export(workdir: Path, base: Path) -> Path:
    config = TrainingConfig.load(workdir / "config.json")
    from infogan_export import export  # noqa: PLC0415 - imports TensorFlow
    from infogan_export.warmup import BATCH_SIZES  # noqa: PLC0415
    from infogan_tf import workdirs  # noqa: PLC0415

    label_match = _label_match(workdir)
    folder, differences = export(
        workdirs.load(workdir, CHECKPOINT.value),
        base,
        version=VERSION.value,
        label_match=label_match,
        provenance={
            "checkpoint": CHECKPOINT.value,
            "training": dataclasses.asdict(dataclasses.replace(config, data_dir=None)),
        },
        keep_precision=KEEP_PRECISION.value,
        max_batch_size=MAX_BATCH_SIZE.value or BATCH_SIZES[-1],
    )
    for name, value in differences.items():
        print(f"{name}: reloaded servable and Python model differ by at most {value:.2g}")
    if not label_match:
        print(
            "no code-to-label match in the description: to add it, run infogan-evaluate on labelled data first, "
            f"with --checkpoint={CHECKPOINT.value}"
        )
    return folder


def _label_match(workdir: Path) -> dict[str, list[str | None]]:
    """As `infogan-evaluate` found it for the same checkpoint: in another, categories may stand for other labels."""
    evaluation = read_json(workdir / "evaluation.json")
    return evaluation["label_match"] if evaluation.get("checkpoint") == CHECKPOINT.value else {}


def _republish(version: int, base: Path) -> Path:
    find_version(base, version)
    from infogan_export import republish  # noqa: PLC0415 - imports TensorFlow

    folder, differences = republish(base, version, new_version=VERSION.value)
    for name, value in differences.items():
        print(f"{name}: version {version} and its reloaded copy differ by at most {value:.2g}")
    return folder


def main() -> None:
    """Entry point of `infogan-export`."""
    run_app(_main)
