"""FactorVAE score: does the code that a fixed factor leaves unchanged tell which factor it was?

Kim and Mnih (2018), "Disentangling by Factorising", section 4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from infogan_tf.evaluation.disentanglement.groups import Groups
from infogan_tf.evaluation.disentanglement.samples import checked

GROUP_SIZE = 64
VOTES = 10_000
TEST_VOTES = 5_000
MIN_STDDEV = 0.05  # below it a code dimension counts as unused


class FactorVAE(NamedTuple):
    """The score, and how many code dimensions took part."""

    score: float
    active_codes: int


def factor_vae(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray, seed: int = 0
) -> FactorVAE:
    """Accuracy of the majority vote that names the fixed factor by the code dimension of least variance.

    A vote draws a factor and 64 images that share its value, and takes the dimension whose variance among them is
    least relative to its variance overall. 10,000 votes decide which factor each dimension stands for, 5,000 votes on
    the test arrays are then judged. 1 is best, 1 / k chance, 0 means that no dimension varies.

    Args:
        codes: [n, d].
        factors: Integers [n, k].
        test_codes: [m, d].
        test_factors: Integers [m, k].
        seed: Of the votes.

    Raises:
        ValueError: See `samples.checked`.
    """
    codes, factors = checked(codes, factors)
    test_codes, test_factors = checked(test_codes, test_factors)
    rng = np.random.default_rng(seed)
    stddev = codes.std(axis=0, ddof=1)
    active = stddev >= MIN_STDDEV
    if not active.any():
        return FactorVAE(0.0, 0)
    table = votes(codes[:, active] / stddev[active], factors, VOTES, rng)
    test_table = votes(test_codes[:, active] / stddev[active], test_factors, TEST_VOTES, rng)
    named = table.argmax(axis=0)
    right = test_table[named, np.arange(len(named))].sum()
    return FactorVAE(float(right / test_table.sum()), int(active.sum()))


def votes(codes: np.ndarray, factors: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """How often, in `n` votes, each dimension varied least while each factor was fixed; integers [k, d].

    Args:
        codes: [m, d], each dimension divided by its overall standard deviation.
        factors: Integers [m, k].
        n: Number of votes, spread at random over the factors.
        rng: Draws.
    """
    num_factors, num_codes = factors.shape[1], codes.shape[1]
    fixed = np.bincount(rng.integers(num_factors, size=n), minlength=num_factors)
    table = np.zeros((num_factors, num_codes), np.int64)
    for factor, count in enumerate(fixed):
        rows = Groups(factors[:, factor], rng).draw(count, GROUP_SIZE)
        least = codes[rows].var(axis=1, ddof=1).argmin(axis=1)
        table[factor] = np.bincount(least, minlength=num_codes)
    return table
