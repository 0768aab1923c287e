"""The folder of a run: what may be in it, and what can be read from it.

`config.json`, `metrics.csv`, `checkpoints/`, `pictures/`, `tensorboard/`, with several starts `starts/`, and at the end
`model.keras`.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import keras

from infogan_tf.callbacks import best_checkpoint, list_checkpoints
from infogan_tf.config import TrainingConfig
from infogan_tf.files import replaced_file
from infogan_tf.model import InfoGAN

OF_A_RUN = ("config.json", "metrics.csv", "checkpoints", "pictures", "tensorboard", "starts")
# About the end of a run, which is another once the run goes on.
OF_THE_END = ("model.keras", "evaluation.json", "disentanglement.json", "disentanglement.png", "report.html")


def load(workdir: str | Path, checkpoint: str = "last") -> InfoGAN:
    """The trained model of a workdir.

    Args:
        workdir: Of the run.
        checkpoint: "last" for the end of the run; "best" for the epoch with the highest stable information, which
            needs no labels (see `selection`).

    Raises:
        ValueError: It has none; says how far its run has come. Another word than those two.
    """
    if checkpoint not in ("last", "best"):
        raise ValueError(f"checkpoint must be last or best, got {checkpoint!r}")
    if checkpoint == "best":
        best = best_checkpoint(Path(workdir) / "checkpoints")
        if best is None:
            raise ValueError(
                f"{workdir} has no best checkpoint: it has completed no epoch, or its model has no "
                "categorical code or no augmentation"
            )
        return keras.models.load_model(best[0])
    check_finished(workdir)
    return keras.models.load_model(Path(workdir) / "model.keras")


def check_finished(workdir: str | Path) -> None:
    """A run has come to its end.

    Raises:
        ValueError: It has not; says how far it has come.
    """
    path = Path(workdir) / "model.keras"
    if path.exists():
        return
    config = TrainingConfig.load(path.with_name("config.json"))
    done = max((epoch for _, epoch in list_checkpoints(path.parent / "checkpoints")), default=0)
    raise ValueError(
        f"{workdir} has no model.keras: its run has completed {done} of {config.epochs} epochs; "
        "start the same training command again to finish it"
    )


def check(workdir: Path, config: TrainingConfig, overwrite: bool) -> None:
    """A workdir is absent, empty, or holds a run: of this very config, unless it may be overwritten.

    Raises:
        ValueError: It is not, or its run cannot have the config's epochs any more.
    """
    path = workdir / "config.json"
    if path.exists() and overwrite:
        return
    if path.exists():
        before = TrainingConfig.load(path)
        different = before.differences(config)
        if different:
            listed = ", ".join(f"{name} {old!r} there, {new!r} here" for name, (old, new) in different.items())
            raise ValueError(f"{workdir} holds another run ({listed}); choose another workdir or --overwrite")
        _check_epochs(workdir, config, before.epochs)
    elif workdir.exists() and any(workdir.iterdir()):
        raise ValueError(f"{workdir} is not empty and holds no run; choose another workdir")


def clear(workdir: Path) -> None:
    """Deletes a run, and nothing else that may be in its folder."""
    for name in OF_A_RUN + OF_THE_END:
        path = workdir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _check_epochs(workdir: Path, config: TrainingConfig, before: int) -> None:
    """The recognition phase is the end of a run: once it has begun, G and D learn no more."""
    done = max((epoch for _, epoch in list_checkpoints(workdir / "checkpoints")), default=0)
    begun = config.recognition_epochs and done > before - config.recognition_epochs
    if begun and config.epochs != before:
        raise ValueError(
            f"{workdir} has begun its recognition phase, the last {config.recognition_epochs} of {before} epochs, and "
            f"cannot have {config.epochs} epochs now; choose another workdir or --overwrite"
        )


def drop_metrics_after(path: Path, epoch: int) -> None:
    """Removes the rows of epochs that will be trained again (an interruption can fall before their checkpoint)."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    with replaced_file(path) as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([header, *(row for row in rows if int(row[0]) < epoch)])
