"""`infogan-report`: a run as one HTML page that can be sent to anyone."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig

WORKDIR = define_path("workdir", None, "Folder of the run.", required=True)
SPLIT = flags.DEFINE_string("split", "test", "Split of the real images, as in tensorflow-datasets.")
DATA_DIR = define_path("data_dir", None, "Where the data lies. Default: as in training.")
OUT = define_path("out", None, "File to write. Default: WORKDIR/report.html.")


@flags.validator("out", "the file must end in .html")
def _known_format(path: str | None) -> bool:
    return path is None or path.endswith(".html")


def _main() -> None:
    TrainingConfig.load(Path(WORKDIR.value) / "config.json")  # a wrong folder shows before TensorFlow loads
    from infogan_tf import page  # noqa: PLC0415 - imports TensorFlow

    print(f"written to {page.write(WORKDIR.value, SPLIT.value, DATA_DIR.value, OUT.value)}")


def main() -> None:
    """Entry point of `infogan-report`."""
    run_app(_main)


if __name__ == "__main__":
    main()
