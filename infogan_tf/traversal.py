"""Images along one code while all else stays: the paper's figure 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from infogan_tf.codes import Code

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


class Traversal(NamedTuple):
    """One grid of images.

    Attributes:
        title: The code's name, with its dimension where it has several.
        labels: What each column's value is.
        images: float32 [rows, columns, height, width, channels] in [0, 1]; each row has noise and other codes of
            its own, each column one value of the code.
    """

    title: str
    labels: list[str]
    images: np.ndarray


def traverse(model: InfoGAN, name: str, rows: int = 10, columns: int = 10, seed: int = 0) -> list[Traversal]:
    """A grid for each dimension of the code `name`.

    Numbers go from -2 to 2 in `columns` steps, as in the paper, although U(-1, 1) trains on half of that; an angle
    goes once round; classes and bits take each value once. Where there is another categorical code, row r shows its
    category r, so that the grid tells whether the code means the same for every class.

    Raises:
        KeyError: There is no such code.
    """
    code = model.codes[name]
    z, c = model.sample(rows, tf.constant([0, seed]))
    context = {key: part.numpy() for key, part in model.codes.split(c).items()}
    for other in model.codes:
        if other.kind == "categorical" and other.name != name:
            context[other.name] = np.eye(other.size, dtype=np.float32)[np.arange(rows) % other.size]
            break
    return [
        Traversal(title, [label for label, _ in values], _grid(model, z, context, name, dim, values))
        for title, dim, values in _directions(code, columns)
    ]


def _directions(code: Code, columns: int) -> list[tuple[str, int | None, list[tuple[str, np.ndarray]]]]:
    """(title, dimension of the flat slice or None for all of it, [(label, value)]) for each way to move."""
    if code.kind == "categorical":
        return [(code.name, None, [(str(k), row) for k, row in enumerate(np.eye(code.size))])]
    if code.kind == "circular":
        angles = np.linspace(0, 2 * np.pi, columns, endpoint=False)
        values = [(f"{np.degrees(a):.0f}°", np.array([np.cos(a), np.sin(a)])) for a in angles]
        return [(code.name, None, values)]
    numbers = np.array([0.0, 1.0]) if code.kind == "bernoulli" else np.linspace(-2, 2, columns)
    titles = [f"{code.name}[{dim}]" if code.size > 1 else code.name for dim in range(code.size)]
    return [(title, dim, [(f"{v:.2g}", v) for v in numbers]) for dim, title in enumerate(titles)]


def _grid(
    model: InfoGAN,
    z: tf.Tensor,
    context: dict[str, np.ndarray],
    name: str,
    dim: int | None,
    values: list[tuple[str, np.ndarray]],
) -> np.ndarray:
    columns = []
    for _, value in values:
        part = context[name].copy()
        part[:, slice(None) if dim is None else dim] = value
        columns.append(np.concatenate(list({**context, name: part}.values()), axis=1))
    # [rows, columns, code_size]: each row's noise and other codes repeat along its columns.
    codes = np.stack(columns, axis=1).astype(np.float32)
    rows, count = codes.shape[:2]
    images = model.generate(np.repeat(z, count, axis=0), codes.reshape(rows * count, -1)).numpy()
    return images.reshape(rows, count, *images.shape[1:])
