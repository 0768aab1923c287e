"""Codes of images whose factors are known: what every metric is computed from."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from infogan_tf.datasets.factors import Part

Represent = Callable[[np.ndarray], np.ndarray]
"""Images uint8 [n, height, width, channels] to codes [n, d]."""


class Sample(NamedTuple):
    """Codes float64 [n, d] of n images and the factors, integers [n, k], that these show."""

    codes: np.ndarray
    factors: np.ndarray


def encode(represent: Represent, part: Part, advance: Callable[[int], object] = lambda images: None) -> Sample:
    """The codes of a part of a data set; `advance` is told the size of each batch."""
    codes, factors = [], []
    for images, shown in part.batches:
        codes.append(np.asarray(represent(images)))
        factors.append(shown)
        advance(len(images))
    return Sample(np.concatenate(codes), np.concatenate(factors))


def checked(codes: np.ndarray, factors: np.ndarray) -> Sample:
    """The arrays as every metric takes them.

    Raises:
        ValueError: Codes that are not finite numbers [n, d] with d > 1, or factors that are not integers [n, k] with
            k > 1 and two or more values each.
    """
    codes, factors = np.asarray(codes, np.float64), np.asarray(factors)
    if codes.ndim != 2 or codes.shape[1] < 2:
        raise ValueError(f"codes must be [n, d] with two or more dimensions to compare, got {list(codes.shape)}")
    if not np.isfinite(codes).all():
        raise ValueError("codes must be finite: some are NaN or infinite")
    if factors.ndim != 2 or factors.shape[1] < 2 or not np.issubdtype(factors.dtype, np.integer):
        raise ValueError(
            f"factors must be integers [n, k] with two or more factors to compare, got {factors.dtype} "
            f"{list(factors.shape)}"
        )
    if len(codes) != len(factors):
        raise ValueError(f"codes and factors must be equally many, got {len(codes)} and {len(factors)}")
    if len(factors) == 0 or (np.ptp(factors, axis=0) == 0).any():
        raise ValueError("every factor must take two or more values")
    return Sample(codes, factors)


def varying(codes: np.ndarray) -> np.ndarray:
    """Which dimensions are not constant, bool [d]."""
    return np.ptp(codes, axis=0) > 0
