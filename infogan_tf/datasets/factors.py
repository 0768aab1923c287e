"""Images with known factors of variation, by which representations are judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from infogan_tf.datasets import npz

RENDERED = ("sprites", "sprites_color")


class FactorDataset(Protocol):
    """Images that are a function of independent factors, each an integer from 0 to its size - 1.

    Attributes:
        factor_names: What each factor is called.
        factor_sizes: How many values each factor has.
    """

    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]

    def images(self, factors: np.ndarray) -> np.ndarray:
        """The images, uint8 [n, height, width, channels], of factors, integers [n, len(factor_sizes)]."""
        ...


class ArrayFactors:
    """A `FactorDataset` held in arrays: all combinations of the factors, or any subset of them.

    Args:
        images: uint8 [n, height, width, channels].
        factors: Integers [n, k] from 0 up.
        factor_names: k names; default: factor_0 and so on.

    Raises:
        ValueError: The arrays have other shapes or types, or differ in length.
    """

    def __init__(self, images: np.ndarray, factors: np.ndarray, factor_names: Sequence[str] = ()):
        if images.ndim != 4 or images.dtype != np.uint8:
            raise ValueError(f"images must be uint8 [n, height, width, channels], got {_kind(images)}")
        if factors.ndim != 2 or not np.issubdtype(factors.dtype, np.integer) or factors.size == 0 or factors.min() < 0:
            raise ValueError(f"factors must be integers [n, k] from 0 up, got {_kind(factors)}")
        if len(images) != len(factors):
            raise ValueError(f"images and factors must be equally many, got {len(images)} and {len(factors)}")
        self.factor_names = tuple(map(str, factor_names)) or tuple(f"factor_{i}" for i in range(factors.shape[1]))
        if len(self.factor_names) != factors.shape[1]:
            raise ValueError(f"{factors.shape[1]} factors need as many names, got {', '.join(self.factor_names)}")
        self.factor_sizes = tuple(int(size) for size in factors.max(axis=0) + 1)
        self._images, self._factors = images, factors

    def images(self, factors: np.ndarray) -> np.ndarray:
        """The first image of each combination.

        Raises:
            ValueError: There is no image of some combination.
        """
        factors = np.asarray(factors)
        if (factors < 0).any() or (factors >= self.factor_sizes).any():
            raise ValueError(f"factors must be below {self.factor_sizes}")
        combinations, first = np.unique(self._numbers(self._factors), return_index=True)
        wanted = self._numbers(factors)
        places = np.searchsorted(combinations, wanted).clip(max=len(combinations) - 1)
        if missing := (combinations[places] != wanted).sum():
            raise ValueError(f"no image has {missing} of these {len(factors)} combinations of factors")
        return self._images[first[places]]

    def _numbers(self, factors: np.ndarray) -> np.ndarray:
        """One number for each combination."""
        return np.ravel_multi_index(tuple(factors.T), self.factor_sizes)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Images and factors of `n` rows, drawn with replacement."""
        rows = rng.integers(len(self._images), size=n)
        return self._images[rows], self._factors[rows]


def sample_factors(factor_sizes: Sequence[int], n: int, rng: np.random.Generator) -> np.ndarray:
    """Factors int64 [n, len(factor_sizes)], each uniform and independent of the others."""
    return rng.integers(factor_sizes, size=(n, len(factor_sizes)))


def draw(dataset: FactorDataset, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, height, width, channels] and their factors [n, k].

    The factors are uniform and independent; of an `ArrayFactors` as they occur together in its arrays.
    """
    if isinstance(dataset, ArrayFactors):
        return dataset.draw(n, rng)
    factors = sample_factors(dataset.factor_sizes, n, rng)
    return dataset.images(factors), factors


def load_factors(name: str, image_shape: tuple[int, int, int]) -> FactorDataset:
    """The factor data set called `name`.

    Args:
        name: "sprites" or "sprites_color" (rendered), or "npz:/path" with the arrays `images` ([n, height, width] or
            with channels; uint8, or float in [0, 1]; 8-bit images that are all 0 and 1 are black and white),
            `factors` (integers [n, k]) and, if wanted, `factor_names`.
        image_shape: (height, width, channels) that the images must have.

    Raises:
        ValueError: There is no such data set, its images have another shape, or the file holds something else.
    """
    if name in RENDERED:
        from infogan_tf.datasets.sprites import Sprites  # noqa: PLC0415 - only this data set needs the renderer

        dataset: FactorDataset = Sprites(size=image_shape[0], color=name == "sprites_color")
    elif name.startswith("npz:"):
        dataset = _from_npz(Path(name.removeprefix("npz:")))
    else:
        raise ValueError(f"no factors are known of dataset {name!r}; there are sprites, sprites_color, npz:/path")
    shape = draw(dataset, 1, np.random.default_rng(0))[0].shape[1:]
    if shape != tuple(image_shape):
        raise ValueError(f"the model takes images {tuple(image_shape)}, but {name} has {shape}")
    return dataset


def _from_npz(path: Path) -> ArrayFactors:
    arrays = npz.read(path, "images", "factors", optional=("factor_names",))
    return ArrayFactors(npz.as_bytes(path, arrays["images"]), arrays["factors"], arrays.get("factor_names", ()))


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
