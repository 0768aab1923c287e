"""Values of codes as words, such as `3` or `-1:1:9`, and the grid of images that they span."""

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from infogan_serving.codes import Code, by_name, encode
from infogan_serving.latents import latents


class Grid(NamedTuple):
    """Latents of the images of a picture, row after row.

    Attributes:
        z: [rows * columns, noise_size] float32.
        c: [rows * columns, code_size] float32.
        rows: of the picture.
        columns: of the picture.
    """

    z: np.ndarray
    c: np.ndarray
    rows: int
    columns: int


def grid(description: Mapping[str, Any], words: Mapping[str, str], n: int, seed: int) -> Grid:
    """All combinations of the values in `words`, for each of `n` draws of everything else.

    Along a row the last sweep moves; without a sweep the draws lie in one row.

    Args:
        description: what the signature `describe` returns.
        words: by code name. A number (of a categorical code the index of a category, or `label:NAME` for the one
            that matched a label) or a sweep `start:stop:count`; for a code of several dimensions one for all, or
            one for each with commas between.
        n: draws of the noise and the other codes, each the same all over its combinations.
        seed: of the draws.

    Raises:
        ValueError: naming the code and what would be right.
    """
    specs = by_name(description, words)
    axes = {name: _axes(specs[name], text) for name, text in words.items()}
    combinations = list(itertools.product(*itertools.chain(*axes.values())))

    z, c = (np.repeat(drawn, len(combinations), axis=0) for drawn in latents(description, {}, n=n, seed=seed))
    values = iter(zip(*combinations, strict=True))  # of one axis after another
    for name, own in axes.items():
        columns = [list(next(values)) for _ in own]
        value = columns[0] if len(own) == 1 else np.transpose(columns)
        offset, size = specs[name]["offset"], specs[name]["size"]
        part = encode(specs[name], value, description["label_match"].get(name, ()))
        c[:, offset : offset + size] = np.tile(part, (n, 1))

    sweeps = [len(axis) for axis in itertools.chain(*axes.values()) if len(axis) > 1]
    width = sweeps[-1] if sweeps else n
    return Grid(z, c, rows=len(z) // width, columns=width)


def _axes(code: Code, text: str) -> list[list[Any]]:
    """The values along each independent direction: one, or one for each dimension."""
    if code["kind"] == "categorical" and text.startswith("label:"):
        return [[text.removeprefix("label:")]]
    axes = [_values(code, word) for word in text.split(",")]
    several = code["size"] if code["kind"] not in {"categorical", "circular"} else 1
    if len(axes) not in {1, several}:
        choice = "one value" if several == 1 else f"one value or {several} with commas between"
        raise ValueError(f"Code {code['name']!r} takes {choice}, not {text!r}")
    return axes


def _values(code: Code, word: str) -> list[float] | list[int]:
    categorical = code["kind"] == "categorical"
    name = code["name"]
    try:
        match word.split(":"):
            case [number]:
                values = np.array([float(number)])
            case [start, stop, count]:
                values = np.linspace(float(start), float(stop), int(count))
            case _:
                raise ValueError
    except ValueError:
        values = np.array([])
    if not values.size or not np.isfinite(values).all():
        kind = "a category index, label:NAME" if categorical else "a number"
        raise ValueError(f"Code {name!r} takes {kind} or a sweep start:stop:count, not {word!r}")
    if categorical and (values % 1).any():
        given = ", ".join(f"{value:g}" for value in values)
        raise ValueError(f"Code {name!r} takes whole categories, and {word!r} gives {given}")
    return values.astype(int).tolist() if categorical else values.tolist()
