"""Latent codes by name to the flat code vector that the generator takes.

A code is described by an entry of the list `codes` that the signature `describe` returns, for example
`{"name": "slant", "kind": "uniform", "offset": 10, "size": 1, "range": [-1.0, 1.0]}`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

Code = Mapping[str, Any]
Value = Any  # a number, a label, or a sequence or array of them


def by_name(description: Mapping[str, Any], names: Iterable[str]) -> dict[str, Code]:
    """All codes of a model by name.

    Raises:
        ValueError: one of `names` is none of them; lists those there are.
    """
    codes = {code["name"]: code for code in description["codes"]}
    for name in names:
        if name not in codes:
            raise ValueError(f"No code {name!r}; codes: {', '.join(codes)}")
    return codes


def draw(code: Code, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` draws of one code from its prior.

    Returns:
        [n, size] float32: one-hot for categorical, (cos, sin) for circular.

    Raises:
        ValueError: a kind that is not known here.
    """
    size = code["size"]
    match code["kind"]:
        case "categorical":
            values = np.eye(size)[rng.choice(size, n, p=code["probs"])]
        case "uniform":
            values = rng.uniform(*code["range"], (n, size))
        case "gaussian":
            values = rng.standard_normal((n, size))
        case "bernoulli":
            values = rng.integers(0, 2, (n, size))
        case "circular":
            values = _on_circle(rng.uniform(-np.pi, np.pi, n))
        case kind:
            raise ValueError(f"Code {code['name']!r} is of a kind unknown to this client: {kind!r}")
    return values.astype(np.float32)


def encode(code: Code, value: Value, labels: Sequence[str | None] = ()) -> np.ndarray:
    """One code's part of the code vector.

    Args:
        code: its description.
        value: categorical: a category index or a label, or a sequence of them; circular: an angle in radians
            or [n]; other kinds: a number, [n] or [n, size]. The range of the prior is no limit.
        labels: the label of each category, if it has one.

    Returns:
        float32 [size] for a single value, which stands for any number of images, or [n, size].

    Raises:
        ValueError: naming the code and what would be right.
    """
    if code["kind"] == "categorical":
        return _one_hot(code, value, labels)
    name, size = code["name"], code["size"]
    try:
        numbers = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"Code {name!r} takes numbers, not {value!r}") from None
    if code["kind"] == "circular":
        if numbers.ndim > 1:
            raise ValueError(f"Code {name!r} takes an angle or [n] angles, not shape {list(numbers.shape)}")
        return _on_circle(numbers)
    if numbers.ndim < 2:
        return np.repeat(numbers[..., None], size, axis=-1)
    if numbers.ndim > 2 or numbers.shape[1] != size:
        raise ValueError(f"Code {name!r} takes a number, [n] or [n, {size}] numbers, not shape {list(numbers.shape)}")
    return numbers


def _on_circle(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _one_hot(code: Code, value: Value, labels: Sequence[str | None]) -> np.ndarray:
    one_hot = np.eye(code["size"], dtype=np.float32)
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, list | tuple):
        return one_hot[[_category(code, item, labels) for item in value]]
    return one_hot[_category(code, value, labels)]


def _category(code: Code, value: Value, labels: Sequence[str | None]) -> int:
    name, size = code["name"], code["size"]
    if isinstance(value, str):
        if value in labels:
            return labels.index(value)
        known = ", ".join(sorted({label for label in labels if label is not None})) or "none"
        raise ValueError(f"Code {name!r} has no category with label {value!r}; labels: {known}")
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) is not int:  # bool is none, either
        raise ValueError(f"Code {name!r} takes category indices or labels, not {value!r}")
    if not 0 <= value < size:
        raise ValueError(f"Code {name!r} has categories 0 to {size - 1}, not {value}")
    return value
