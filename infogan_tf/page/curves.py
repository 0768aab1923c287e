"""A run's `metrics.csv` as figures."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from infogan_tf.code_spec import CodeSpec
from infogan_tf.page.data_uri import data_uri

COLORS = ("#2563eb", "#ea580c", "#16a34a")


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The rows, epochs counted from 1; NaN where Keras has written NA. Empty if there is no such file.

    Raises:
        ValueError: The file holds something else.
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        numbers = [{name: float("nan" if value == "NA" else value) for name, value in row.items()} for row in rows]
        return [{**row, "epoch": int(row["epoch"]) + 1} for row in numbers]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not hold a number for each metric and epoch: {error}") from None


def charts(metrics: Sequence[Mapping[str, float]], codes: CodeSpec) -> list[dict[str, str]]:
    """The losses, each code's information, and its accuracy where a validation split was given.

    A loss is 0 in epochs in which it was not minimised, and is not drawn there.

    Returns:
        For each figure `title`, `src` (a data URI) and `alt`.
    """
    if not metrics:
        return []
    losses = {"D": "d_loss", "G": "g_loss", "Q on real images": "wake_loss"}
    learned = [{**row, **{name: row.get(name) or math.nan for name in losses.values()}} for row in metrics]
    shown = {name: column for name, column in losses.items() if not all(math.isnan(row[column]) for row in learned)}
    found = [_chart(learned, "Losses", shown, "loss")]
    for code in codes:
        lines, entropy = {"bound": f"{code.name}_information"}, ("entropy", code.entropy)
        found.append(_chart(metrics, f"Information of {code.name}", lines, "nats", entropy))
    for code in codes:
        if f"val_{code.name}_acc" in metrics[0]:
            lines = {"accuracy": f"val_{code.name}_acc"}
            found.append(_chart(metrics, f"Accuracy of {code.name} on the validation split", lines, "fraction"))
    return found


def _chart(
    metrics: Sequence[Mapping[str, float]],
    title: str,
    columns: Mapping[str, str],
    unit: str,
    dashed: tuple[str, float] | None = None,
) -> dict[str, str]:
    epochs = [row["epoch"] for row in metrics]
    lines = {name: [row[column] for row in metrics] for name, column in columns.items()}
    seen = {name: [value for value in values if not math.isnan(value)] or [math.nan] for name, values in lines.items()}
    ends = [f"{name} from {values[0]:.3g} to {values[-1]:.3g}" for name, values in seen.items()]
    ends += [f"{dashed[0]} {dashed[1]:.3g}"] if dashed else []
    return {
        "title": title,
        "src": data_uri(draw(epochs, lines, unit, dashed), "image/svg+xml"),
        "alt": f"{title}, epochs {epochs[0]} to {epochs[-1]}, in {unit}: {', '.join(ends)}",
    }


def draw(
    epochs: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    unit: str,
    dashed: tuple[str, float] | None = None,
) -> bytes:
    """An SVG figure: up to three lines over the epochs, and a dashed level if it has a name and a value."""
    figure = Figure(figsize=(4.6, 2.9), layout="constrained")
    canvas, axes = FigureCanvasSVG(figure), figure.subplots()
    for (name, values), color in zip(lines.items(), COLORS, strict=False):
        axes.plot(epochs, values, color=color, label=name, marker="o" if sum(map(math.isfinite, values)) == 1 else None)
    if dashed:
        axes.axhline(dashed[1], color="#555", linestyle="--", label=dashed[0])
    axes.set(xlabel="epoch", ylabel=unit)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e5e5e5", linewidth=0.8)
    axes.legend(frameon=False, fontsize=9)
    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "infogan"}):  # the same numbers give the same bytes
        canvas.print_svg(buffer, metadata={"Date": None})
    return buffer.getvalue()
