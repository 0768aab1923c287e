"""Splits in the notation of tensorflow-datasets: "train", "test[:1000]", "train[:90%]"."""

from __future__ import annotations

import re

import numpy as np


def hold_out(rows: np.ndarray) -> dict[str, np.ndarray]:
    """The last tenth, one row at least, as "test", the others as "train", and everything as "all".

    Args:
        rows: int [n], in an order that means nothing, so that every part is like every other.
    """
    size = max(1, round(len(rows) / 10))
    return {"train": rows[:-size], "test": rows[-size:], "all": rows}


def select(parts: dict[str, np.ndarray], split: str) -> np.ndarray:
    """The rows of the split "NAME" or "NAME[from:to]"; from and to are integers or percentages, negative from the end.

    Raises:
        ValueError: There is no such split, it cannot be read, or it is empty.
    """
    found = re.fullmatch(r"([\w-]+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?", split)
    if not found or found[1] not in parts:
        raise ValueError(
            f"split {split!r}: expected one of {', '.join(parts)}, optionally with a slice like train[:3000] or "
            "train[:90%]"
        )
    rows = parts[found[1]]
    rows = rows[slice(*(_bound(text, len(rows)) for text in found.groups()[1:]))]
    if not len(rows):
        sizes = ", ".join(f"{len(some)} in {name}" for name, some in parts.items())
        raise ValueError(f"split {split!r} has no images; there are {sizes}")
    return rows


def _bound(text: str | None, size: int) -> int | None:
    if not text:
        return None
    return round(int(text[:-1]) * size / 100) if text.endswith("%") else int(text)
