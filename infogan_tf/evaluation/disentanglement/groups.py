"""Images that share one factor's value, drawn among those there are."""

from __future__ import annotations

import numpy as np


class Groups:
    """Rows grouped by the value of one factor, for drawing several rows of one value.

    A value is drawn as often as it occurs among the rows. Different rows of one value, where factors are independent,
    are distributed as new images with that factor held fixed, and cost no rendering and no network.

    Args:
        values: Of the factor, integers [n]. Rows that are alone with their value are left out.
        rng: Draws.

    Raises:
        ValueError: No two rows share a value.
    """

    def __init__(self, values: np.ndarray, rng: np.random.Generator) -> None:
        _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
        self._order = np.lexsort((rng.random(len(values)), group))
        self._place = np.argsort(self._order)
        self._first, self._count = (np.cumsum(counts) - counts)[group], counts[group]
        self._rows = np.flatnonzero(self._count > 1)
        self._rng = rng
        if not len(self._rows):
            raise ValueError("a factor has no value that two images share")

    def draw(self, n: int, size: int) -> np.ndarray:
        """Rows [n, size]: in each of n draws, `size` rows of one value, different ones if so many have it."""
        row = self._rng.choice(self._rows, (n, 1))
        return self._neighbours(row, np.arange(size))

    def pairs(self, n: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows [n, size] and others [n, size], each pair of different rows of one value."""
        row = self._rng.choice(self._rows, (n, size))
        return row, self._neighbours(row, self._rng.integers(1, self._count[row]))

    def _neighbours(self, row: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """The rows that stand so many steps after `row` in its group, which is in random order and closes to a ring."""
        first = self._first[row]
        return self._order[first + (self._place[row] - first + steps) % self._count[row]]
