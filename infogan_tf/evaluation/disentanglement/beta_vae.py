"""BetaVAE score: does the mean difference of two images' codes tell a linear classifier which factor they share?

Higgins et al. (2017), "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework".
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from infogan_tf.evaluation.disentanglement.groups import Groups
from infogan_tf.evaluation.disentanglement.samples import checked, varying

PAIRS = 64
POINTS = 10_000
TEST_POINTS = 5_000


def beta_vae(
    codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray, seed: int = 0
) -> float:
    """Accuracy of a logistic regression that names the shared factor from mean |code difference|.

    A point is the mean over 64 pairs of images which share the value of one factor. 10,000 points train, 5,000 from
    the test arrays judge. 1 is best, 1 / k chance, 0 means that no dimension varies.

    Args:
        codes: [n, d].
        factors: Integers [n, k].
        test_codes: [m, d].
        test_factors: Integers [m, k].
        seed: Of the pairs.

    Raises:
        ValueError: See `samples.checked`.
    """
    codes, factors = checked(codes, factors)
    test_codes, test_factors = checked(test_codes, test_factors)
    if not varying(codes).any():
        return 0.0
    rng = np.random.default_rng(seed)
    classifier = LogisticRegression(max_iter=1000).fit(*_points(codes, factors, POINTS, rng))
    return float(classifier.score(*_points(test_codes, test_factors, TEST_POINTS, rng)))


def _points(codes: np.ndarray, factors: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean differences [n, d], and which factor was shared [n]."""
    shared = np.sort(rng.integers(factors.shape[1], size=n))
    points = []
    for factor, count in enumerate(np.bincount(shared, minlength=factors.shape[1])):
        left, right = Groups(factors[:, factor], rng).pairs(count, PAIRS)
        points.append(np.abs(codes[left] - codes[right]).mean(axis=1))
    return np.concatenate(points), shared
