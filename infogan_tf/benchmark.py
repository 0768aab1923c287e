"""Quality over seeds: train, evaluate on another split, one JSON per seed and one table over all of them."""

from __future__ import annotations

import csv
import dataclasses
import json
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from infogan_tf.config import TrainingConfig
from infogan_tf.files import replaced_file
from infogan_tf.machine import machine, revision


def run(configs: list[TrainingConfig], runs: Path, out: Path, split: str = "test") -> list[dict[str, Any]]:
    """Trains and evaluates what `out` does not hold yet, one after another; rewrites the table after each.

    Args:
        configs: One run of a preset for each seed.
        runs: Folder of the workdirs; an interrupted training goes on from its last checkpoint.
        out: Folder of `seed-K.json` and `table.md`.
        split: Of the data set, to evaluate on.

    Returns:
        The results, in the order of `configs`.

    Raises:
        ValueError: `out` holds a result of another config or split.
    """
    results = {}
    for config in configs:
        path = out / f"seed-{config.seed}.json"
        if path.exists():
            results[config.seed] = _read(path, config, split)
    for config in configs:
        if config.seed not in results:
            # A process of its own: nothing of one run is left for the next, its memory least of all.
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), end_with_parent) as pool:
                results[config.seed] = pool.submit(measure, config, runs / f"seed-{config.seed}", split).result()
            _write(out / f"seed-{config.seed}.json", json.dumps(results[config.seed], indent=2) + "\n")
        _write(out / "table.md", as_table([results[c.seed] for c in configs if c.seed in results]))
    return [results[config.seed] for config in configs]


def end_with_parent() -> None:
    """Lets this process end when the one that started it is gone, however that came: nobody would see its results."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def measure(config: TrainingConfig, workdir: Path, split: str) -> dict[str, Any]:
    """One run: trained, then evaluated on the whole of another split.

    Returns:
        `seed`; `split`; where there are labels `acc`, `purity`, `nmi`, `ari` of the first categorical code, as
        fractions, and `fidelity`; where there are known factors `disentanglement`; `information` as `evaluation.report`
        has it; `precision`, the policy; `steps` and `seconds` of training, pictures and checkpoints included, and
        `images_per_second` over them; `config`; `machine`; `revision` of the project's repository, if it is one.
    """
    from infogan_tf import datasets, training  # noqa: PLC0415 - imports TensorFlow
    from infogan_tf.datasets.factors import RENDERED, load_factors  # noqa: PLC0415
    from infogan_tf.evaluation import disentanglement, fidelity, report  # noqa: PLC0415

    train, test = (  # a split that is not there must show before hours of training
        datasets.load(config.dataset, part, config.data_dir, config.image_shape, strict=config.strict)
        for part in (config.train_split, split)
    )
    model = training.train(config, workdir)
    rows = []
    for path in workdir.rglob("metrics.csv"):  # starts that did not go on cost time too
        with path.open(newline="") as file:
            rows += csv.DictReader(file)
    seconds = sum(float(row["seconds"]) for row in rows)
    steps = len(rows) * (config.steps_per_epoch or len(train.images) // config.batch_size)
    evaluation = report.evaluate(model, test)
    result = {"seed": config.seed, "split": split, "information": evaluation["information"]}
    if evaluation["clustering"]:
        result |= next(iter(evaluation["clustering"].values()))
        result["fidelity"] = fidelity.evaluate(model, train, test)
    if config.dataset in RENDERED:
        factors = load_factors(config.dataset, config.image_shape)
        result["disentanglement"] = disentanglement.evaluate(disentanglement.representation(model), factors)
    return result | {
        "precision": model.dtype_policy.name,
        "steps": steps,
        "seconds": round(seconds, 1),
        "images_per_second": round(steps * config.batch_size / seconds, 1),
        "config": {name: value for name, value in dataclasses.asdict(config).items() if name != "data_dir"},
        "machine": machine("tensorflow", "keras", "tensorflow-probability"),
        "revision": revision(),
    }


LOW_IS_GOOD = {"frechet_distance", "frechet_floor", "steps", "seconds"}


def as_table(results: list[dict[str, Any]]) -> str:
    """Markdown: a row for each seed, then mean, standard deviation (n - 1) and the worst of each column."""
    rows = {f"seed {result['seed']}": _numbers(result) for result in results}
    names = list(next(iter(rows.values())))
    columns = np.array([[row[name] for name in names] for row in rows.values()])
    rows["mean"] = dict(zip(names, columns.mean(axis=0), strict=True))
    if len(results) > 1:
        rows["std"] = dict(zip(names, columns.std(axis=0, ddof=1), strict=True))
    worst = np.where([name in LOW_IS_GOOD for name in names], columns.max(axis=0), columns.min(axis=0))
    rows["worst"] = dict(zip(names, worst, strict=True))
    lines = [["", *names], ["---"] * (len(names) + 1)]
    lines += [[title, *(f"{row[name]:.4g}" for name in names)] for title, row in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _numbers(result: dict[str, Any]) -> dict[str, float]:
    """What the table shows of a result, by column."""
    scores = {key: result[key] for key in ("acc", "purity", "nmi", "ari") if key in result}
    information = {f"I({name})": values["bound"] for name, values in result["information"].items()}
    others = {key: result[key] for key in ("steps", "seconds", "images_per_second")}
    return scores | information | result.get("fidelity", {}) | result.get("disentanglement", {}) | others


def _read(path: Path, config: TrainingConfig, split: str) -> dict[str, Any]:
    result = json.loads(path.read_text())
    values = dataclasses.asdict(config)
    # What the result does not know is from later, and was as its default is now.
    found = TrainingConfig(**{name: value for name, value in result["config"].items() if name in values})
    different = [name for name, value in values.items() if _plain(getattr(found, name)) != _plain(value)]
    if result["split"] != split:
        different.append("split")
    if set(different) - {"data_dir"}:
        raise ValueError(f"{path} is of another run ({', '.join(different)} differ); choose another --out or remove it")
    return result


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _write(path: Path, text: str) -> None:
    with replaced_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
