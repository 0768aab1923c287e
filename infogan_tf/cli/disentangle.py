"""`infogan-disentangle`: how a trained workdir's codes stand to the known factors of a data set."""

from __future__ import annotations

import json
from pathlib import Path

from absl import flags

from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig
from infogan_tf.files import replaced_file

WORKDIR = define_path("workdir", None, "Folder of the run.", required=True)
DATASET = flags.DEFINE_string(
    "dataset", None, "sprites, sprites_color, or npz:/path with `images` and `factors`. Default: as in training."
)
SAMPLES = flags.DEFINE_integer("samples", 10_000, "Images that classifiers learn from.", lower_bound=100)
SEED = flags.DEFINE_integer("seed", 0, "Of the images, votes, pairs and classifiers.", lower_bound=0)
OUT = define_path("out", None, "File to write, with a picture beside it. Default: WORKDIR/disentanglement.json")


@flags.validator("out", "the file must end in .json")
def _known_format(path: str | None) -> bool:
    return path is None or path.endswith(".json")


def _main() -> None:
    workdir = Path(WORKDIR.value)
    config = TrainingConfig.load(workdir / "config.json")
    from infogan_tf import pictures, workdirs  # noqa: PLC0415 - imports TensorFlow
    from infogan_tf.datasets.factors import load_factors  # noqa: PLC0415
    from infogan_tf.evaluation import disentanglement  # noqa: PLC0415

    name = DATASET.value or config.dataset
    dataset = load_factors(name, config.image_shape)
    model = workdirs.load(workdir)
    codes = disentanglement.code_names(model.codes)
    factors = [factor for factor, size in zip(dataset.factor_names, dataset.factor_sizes, strict=True) if size > 1]
    for what, names in ("dimensions of code", codes), ("factors that vary", factors):
        if len(names) < 2:
            raise ValueError(f"two or more {what} are needed to compare, got {', '.join(names) or 'none'}")
    represent = disentanglement.representation(model)
    train, test = disentanglement.train_and_test(represent, dataset, SEED.value, SAMPLES.value)
    scores = disentanglement.scores(train, test, SEED.value, SAMPLES.value)
    print(disentanglement.as_text(scores))

    shares = disentanglement.mutual_information(*train) / disentanglement.entropy(train.factors)
    report = {
        "dataset": name,
        "samples": SAMPLES.value,
        "seed": SEED.value,
        "scores": scores,
        "information_share": {
            code: dict(zip(factors, row, strict=True)) for code, row in zip(codes, shares.tolist(), strict=True)
        },
    }
    path = Path(OUT.value or workdir / "disentanglement.json")
    with replaced_file(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n")
    picture = path.with_suffix(".png")
    pictures.save_mutual_information(shares, codes, factors, picture)
    print(f"written to {path} and {picture}")


def main() -> None:
    """Entry point of `infogan-disentangle`."""
    run_app(_main)


if __name__ == "__main__":
    main()
