"""`infogan-select WORKDIR...`: the runs in order of a score that needs no labels."""

from __future__ import annotations

from pathlib import Path

from absl import flags

from infogan_tf.cli import define_path, run_app
from infogan_tf.config import TrainingConfig

SPLIT = flags.DEFINE_string("split", "train[:5000]", "Images to look at, as in tensorflow-datasets.")
DATA_DIR = define_path("data_dir", None, "Where the data lies. Default: as in training.")


def _main(folders: list[str]) -> None:
    configs = {workdir: TrainingConfig.load(Path(workdir) / "config.json") for workdir in folders}
    kinds = {(config.dataset, config.codes, config.image_shape) for config in configs.values()}
    if len(kinds) > 1:
        raise ValueError(
            f"the runs must share data set, codes and image shape; found {', '.join(map(str, sorted(kinds)))}"
        )
    import keras  # noqa: PLC0415

    from infogan_tf import datasets, selection, workdirs  # noqa: PLC0415

    for workdir in folders:
        workdirs.check_finished(workdir)
    config = next(iter(configs.values()))
    data_dir = DATA_DIR.value or config.data_dir
    images = datasets.load(config.dataset, SPLIT.value, data_dir, config.image_shape, strict=config.strict).images
    informations, categories = [], []
    progress = keras.utils.Progbar(len(folders), unit_name="run")
    for workdir in folders:
        model = workdirs.load(workdir)
        informations.append(selection.stable_information(model, images))
        categories.append(selection.categories(model, images))
        progress.add(1)
    agreements = selection.agreement(categories)
    print("stable information (nats)  agreement (NMI)")
    for information, agreement, workdir in sorted(zip(informations, agreements, folders, strict=True), reverse=True):
        print(f"{information:25.3f}  {agreement:15.3f}  {workdir}")


def main() -> None:
    """Entry point of `infogan-select`."""
    run_app(_main, arguments="one or more workdirs")


if __name__ == "__main__":
    main()
