"""What the page about a run says: gathered from workdir, model and data, laid out by `templates/page.html`."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from infogan_tf import datasets, pictures, presets, starts, workdirs
from infogan_tf.cli.command_line import beyond_flags, changes, train_command
from infogan_tf.config import TrainingConfig
from infogan_tf.evaluation.information import real_information
from infogan_tf.evaluation.report import evaluate
from infogan_tf.files import read_json, replaced_file
from infogan_tf.page import real_images
from infogan_tf.page.curves import charts, read_metrics
from infogan_tf.page.data_uri import data_uri, png
from infogan_tf.traversal import traverse

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def write(workdir: str | Path, split: str = "test", data_dir: str | None = None, out: str | Path | None = None) -> Path:
    """Writes the page of a finished run.

    Args:
        workdir: Of the run. What `infogan-evaluate` has left there is used if it is about the same split and the last
            checkpoint, and what `infogan-disentangle` has left in any case.
        split: Of the real images, as in tensorflow-datasets. Without labels the page leaves confusion out.
        data_dir: Where the data lies; default: as in training.
        out: The page; default `WORKDIR/report.html`.

    Returns:
        Where it is.

    Raises:
        ValueError: No finished run, no such split, or a file of the workdir that cannot be read.
        DatasetUnavailableError: The data set can be neither read nor downloaded.
    """
    workdir = Path(workdir)
    config = TrainingConfig.load(workdir / "config.json")
    evaluation = read_json(workdir / "evaluation.json")
    disentanglement = _disentanglement(workdir)
    metrics = read_metrics(workdir / "metrics.csv")
    settings, commands = _settings(config), _commands(config, workdir, split, data_dir)
    model = workdirs.load(workdir)
    data = datasets.load(config.dataset, split, data_dir or config.data_dir, config.image_shape, strict=config.strict)
    if [evaluation.get(key) for key in ("dataset", "split", "checkpoint")] != [config.dataset, split, "last"]:
        evaluation = evaluate(model, data)
    inferred = model.predict(datasets.evaluation_batches(data.images))

    probs = {code: inferred[f"{code.name}_probs"] for code in model.codes if code.kind == "categorical"}
    html = _template().render(
        name=workdir.resolve().name,
        config=config,
        split=split,
        num_images=len(data.images),
        labelled=data.labels is not None,
        settings=settings,
        starts=read_json(starts.decision(workdir)),
        charts=charts(metrics, model.codes),
        metrics=metrics,
        grids=_grids(model),
        categories=[real_images.categories(code, probs[code], data) for code in probs],
        numbers=[row for code in model.codes if code not in probs for row in real_images.numbers(code, inferred, data)],
        confusions=[
            {**real_images.confusion(code, probs[code], data), "scores": evaluation["clustering"][code.name]}
            for code in (probs if data.labels is not None else ())
        ],
        codes=[
            {
                "name": code.name,
                "kind": code.kind,
                "weight": model.lambdas[code.name],
                **evaluation["information"][code.name],
                "real": real_information(probs[code]) if code in probs else None,
            }
            for code in model.codes
        ],
        disentanglement=disentanglement,
        fidelity=_numbers_of(evaluation.get("fidelity", {})),
        commands=commands,
        beyond_flags=beyond_flags(config),
    )
    out = Path(out or workdir / "report.html")
    with replaced_file(out) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return out


def _template() -> jinja2.Template:
    """Escapes whatever it is given: names of classes are names of folders, which may be anything."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("infogan_tf.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:.4g}" if math.isfinite(value) else ""
    return environment.get_template("page.html")


def _settings(config: TrainingConfig) -> list[dict[str, str]]:
    """Name and value of all that decided the run; `usual` is the preset's value where it has another one."""
    preset = presets.get(config.preset)
    others = preset.keys() & changes(config).keys()
    return [
        {"name": name, "value": _as_text(value), "usual": _as_text(preset[name]) if name in others else ""}
        for name, value in vars(config).items()
    ]


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {number:g}" for key, number in value.items()) or "none"
    if isinstance(value, tuple):
        return " × ".join(map(str, value))
    return "none" if value is None else str(value)


def _grids(model: InfoGAN) -> list[dict[str, Any]]:
    return [
        {
            "title": traversal.title,
            "labels": traversal.labels,
            "rows": len(traversal.images),
            "src": png(pictures.tile(traversal.images)),
        }
        for code in model.codes
        for traversal in traverse(model, code.name)
    ]


def _commands(config: TrainingConfig, workdir: Path, split: str, data_dir: str | None) -> list[str]:
    run, on_data = f"--workdir={workdir}", [f"--split={split}", *([f"--data_dir={data_dir}"] if data_dir else [])]
    return [
        train_command(config, workdir),
        shlex.join(["infogan-evaluate", run, *on_data]),
        shlex.join(["infogan-report", run, *on_data]),
        shlex.join(["infogan-export", run, f"--base=models/{workdir.resolve().name}"]),
    ]


def _disentanglement(workdir: Path) -> dict[str, Any] | None:
    """What `infogan-disentangle` has left in a workdir: numbers by name as `scores`, the heat map as `src`."""
    found = read_json(workdir / "disentanglement.json")
    if not found:
        return None
    picture = workdir / "disentanglement.png"
    return {
        "dataset": found.get("dataset"),
        "scores": _numbers_of(found.get("scores", found)),
        "src": data_uri(picture.read_bytes(), "image/png") if picture.exists() else None,
    }


def _numbers_of(values: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, int | float)}
