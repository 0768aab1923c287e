"""Images that share one factor's value, drawn among those there are."""

from __future__ import annotations

import numpy as np


class Groups:
    """Rows grouped by the value of one factor, for drawing several rows of one value.

    A value is drawn as often as it occurs among the rows, a row within it uniformly. Where factors are independent
    this is what rendering new images with one factor held fixed gives, but for the repetition of rows, and costs no
    rendering and no network.

    Args:
        values: Of the factor, integers [n]. Rows that are alone with their value are left out.

    Raises:
        ValueError: No two rows share a value.
    """

    def __init__(self, values: np.ndarray):
        _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
        self._order = np.argsort(group, kind="stable")
        self._place = np.argsort(self._order)
        self._first, self._count = (np.cumsum(counts) - counts)[group], counts[group]
        self._rows = np.flatnonzero(self._count > 1)
        if not len(self._rows):
            raise ValueError("a factor has no value that two images share")

    def draw(self, n: int, size: int, rng: np.random.Generator) -> np.ndarray:
        """Rows [n, size]: in each of n draws, `size` rows of one value, with replacement."""
        row = rng.choice(self._rows, (n, 1))
        return self._order[self._first[row] + rng.integers(self._count[row], size=(n, size))]

    def pairs(self, n: int, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Rows [n, size] and others [n, size], each pair of different rows of one value."""
        row = rng.choice(self._rows, (n, size))
        first, count = self._first[row], self._count[row]
        step = rng.integers(1, count)
        return row, self._order[first + (self._place[row] - first + step) % count]
