"""One run begun several times: the beginning that reads codes best goes on, told from unlabelled images alone.

What G takes for categories in its first epochs it mostly keeps, and the first weights decide it.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from infogan_tf.config import TrainingConfig
from infogan_tf.files import replaced_file

logger = logging.getLogger(__name__)


def seeds(config: TrainingConfig) -> list[int]:
    """Of the beginnings; runs of other seeds, with as many beginnings, have none of them."""
    return [config.seed * config.starts + number for number in range(config.starts)]


def decision(workdir: Path) -> Path:
    """Where a run says which start went on: JSON, `seed` and the `stable_information` of all, by seed."""
    return workdir / "starts" / "chosen.json"


def choose(config: TrainingConfig, workdir: Path, begin: Callable[[TrainingConfig, Path], object]) -> None:
    """Fills `workdir` with the best of the beginnings in `starts/`; interrupted, it goes on where it was.

    Each is the first `config.start_epochs` epochs of an ordinary run with its own seed. `decision` says which went on:
    the one with the highest stable information (see `selection`) after its last epoch.

    Args:
        config: Of the run.
        workdir: Its folder, without checkpoints so far.
        begin: Trains such a beginning in a folder, or what it still lacks.
    """
    folder, made = workdir / "starts", decision(workdir)
    if not made.exists():
        scores = {}
        for number, seed in enumerate(seeds(config), start=1):
            logger.info("start %d of %d: seed %d", number, config.starts, seed)
            begin(dataclasses.replace(config, starts=1, seed=seed), folder / f"seed-{seed}")
            scores[seed] = _last_score(folder / f"seed-{seed}" / "metrics.csv")
        text = json.dumps({"seed": max(scores, key=scores.get), "stable_information": scores}, indent=2)
        with replaced_file(made) as temporary:
            temporary.write_text(text + "\n")
    chosen = json.loads(made.read_text())["seed"]
    logger.info("the start with seed %d goes on", chosen)
    best = folder / f"seed-{chosen}"
    for part in ("metrics.csv", "pictures", "tensorboard", "checkpoints"):  # with the last of them the run has begun
        if (best / part).exists():
            (best / part).rename(workdir / part)
    shutil.rmtree(best)


def _last_score(metrics: Path) -> float:
    with metrics.open(newline="") as file:
        return float(list(csv.DictReader(file))[-1]["stable_information"])
