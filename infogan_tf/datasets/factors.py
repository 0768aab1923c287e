"""Images with known factors of variation, by which representations are judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from infogan_tf.datasets import npz

RENDERED = ("sprites", "sprites_color")


class FactorDataset(Protocol):
    """Images that are a function of independent factors, each an integer from 0 to its size - 1.

    Attributes:
        factor_names: What each factor is called.
        factor_sizes: How many values each factor has.
        image_shape: (height, width, channels).
    """

    factor_names: tuple[str, ...]
    factor_sizes: tuple[int, ...]
    image_shape: tuple[int, int, int]

    def images(self, factors: np.ndarray) -> np.ndarray:
        """The images, uint8 [n, height, width, channels], of factors, integers [n, len(factor_sizes)]."""
        ...


class ArrayFactors:
    """Images and their factors held in arrays: all combinations of the factors, or any subset of them.

    Args:
        images: uint8 [n, height, width, channels].
        factors: Integers [n, k] from 0 up. A factor is counted from its smallest value.
        factor_names: k names; default: factor_0 and so on.

    Raises:
        ValueError: The arrays have other shapes or types, or differ in length.
    """

    def __init__(self, images: np.ndarray, factors: np.ndarray, factor_names: Sequence[str] = ()) -> None:
        if images.ndim != 4 or images.dtype != np.uint8:
            raise ValueError(f"images must be uint8 [n, height, width, channels], got {_kind(images)}")
        if factors.ndim != 2 or not np.issubdtype(factors.dtype, np.integer) or factors.size == 0 or factors.min() < 0:
            raise ValueError(f"factors must be integers [n, k] from 0 up, got {_kind(factors)}")
        if len(images) != len(factors):
            raise ValueError(f"images and factors must be equally many, got {len(images)} and {len(factors)}")
        self.factor_names = tuple(map(str, factor_names)) or tuple(f"factor_{i}" for i in range(factors.shape[1]))
        if len(self.factor_names) != factors.shape[1]:
            raise ValueError(f"{factors.shape[1]} factors need as many names, got {', '.join(self.factor_names)}")
        self.images, self.factors = images, factors - factors.min(axis=0)
        self.factor_sizes = tuple(int(size) for size in self.factors.max(axis=0) + 1)
        self.image_shape = images.shape[1:]


def sample_factors(factor_sizes: Sequence[int], n: int, rng: np.random.Generator) -> np.ndarray:
    """Factors int64 [n, len(factor_sizes)], each uniform and independent of the others."""
    return rng.integers(factor_sizes, size=(n, len(factor_sizes)))


class Part(NamedTuple):
    """`size` images, uint8 [batch, height, width, channels], and their factors [batch, k], in batches."""

    size: int
    batches: Iterator[tuple[np.ndarray, np.ndarray]]


def parts(
    dataset: FactorDataset | ArrayFactors, sizes: tuple[int, int], rng: np.random.Generator, batch_size: int = 500
) -> tuple[Part, Part]:
    """Images to learn from and others to test on, `sizes` of them.

    Rendered ones have factors that are uniform and independent. Of arrays, no image occurs twice: two thirds are there
    to learn from, one third to test on, and there may be fewer than wanted.
    """
    if not isinstance(dataset, ArrayFactors):
        return tuple(Part(n, _rendered(dataset, n, rng, batch_size)) for n in sizes)
    rows = rng.permutation(len(dataset.images))
    border = len(rows) * 2 // 3
    chosen = rows[:border][: sizes[0]], rows[border:][: sizes[1]]
    return tuple(Part(len(some), _looked_up(dataset, some, batch_size)) for some in chosen)


def _rendered(
    dataset: FactorDataset, n: int, rng: np.random.Generator, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, n, batch_size):
        factors = sample_factors(dataset.factor_sizes, min(batch_size, n - start), rng)
        yield dataset.images(factors), factors


def _looked_up(dataset: ArrayFactors, rows: np.ndarray, batch_size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(rows), batch_size):
        some = rows[start : start + batch_size]
        yield dataset.images[some], dataset.factors[some]


def load_factors(name: str, image_shape: tuple[int, int, int]) -> FactorDataset | ArrayFactors:
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

        dataset = Sprites(size=image_shape[0], color=name == "sprites_color")
    elif name.startswith("npz:"):
        dataset = _from_npz(Path(name.removeprefix("npz:")).expanduser())
    else:
        raise ValueError(f"no factors are known of dataset {name!r}; there are sprites, sprites_color, npz:/path")
    if dataset.image_shape != tuple(image_shape):
        raise ValueError(f"the model takes images {tuple(image_shape)}, but {name} has {dataset.image_shape}")
    return dataset


def _from_npz(path: Path) -> ArrayFactors:
    arrays = npz.read(path, "images", "factors", optional=("factor_names",))
    names = np.atleast_1d(arrays.get("factor_names", ()))
    return ArrayFactors(npz.as_bytes(path, arrays["images"]), arrays["factors"], names)


def _kind(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)}"
