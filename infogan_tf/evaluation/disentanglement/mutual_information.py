"""What each code dimension knows of each factor, and two scores of that matrix: MIG and modularity."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mutual_info_score

from infogan_tf.evaluation.disentanglement.samples import checked

BINS = 20


def mutual_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(code; factor) in nats, [d, k], of codes cut into 20 bins of equal width between their extremes.

    Up to 20 whole numbers from 0 on (a category, say) keep a bin each.

    Args:
        codes: [n, d].
        factors: Integers [n, k].

    Raises:
        ValueError: See `samples.checked`.
    """
    codes, factors = checked(codes, factors)
    edges = np.linspace(codes.min(axis=0), codes.max(axis=0), BINS + 1)[:-1]
    binned = [np.digitize(code, code_edges) for code, code_edges in zip(codes.T, edges.T, strict=True)]
    return np.array([[mutual_info_score(factor, code) for factor in factors.T] for code in binned])


def entropy(factors: np.ndarray) -> np.ndarray:
    """H(factor) in nats, [k], of factors [n, k]."""
    return np.array([mutual_info_score(factor, factor) for factor in factors.T])


def mig(codes: np.ndarray, factors: np.ndarray) -> float:
    """Mutual information gap: how much more the best code knows of a factor than the second best.

    The gap as a share of H(factor), mean over factors. Chen et al. (2018), "Isolating Sources of Disentanglement in
    Variational Autoencoders", eq. 6. 20 bins cannot tell all values of a larger factor apart: at most ln 20 / H.

    Args:
        codes: [n, d].
        factors: Integers [n, k].

    Raises:
        ValueError: See `samples.checked`.
    """
    second, best = np.sort(mutual_information(codes, factors), axis=0)[-2:]
    return float(np.mean((best - second) / entropy(factors)))


def modularity(codes: np.ndarray, factors: np.ndarray) -> float:
    """How nearly each code dimension knows of one factor only; mean over dimensions.

    1 - sum over the other factors of I² / (max I² (k - 1)); a dimension that knows nothing scores 0. Ridgeway and
    Mozer (2018), "Learning Deep Disentangled Embeddings with the F-Statistic Loss", section 3.

    Args:
        codes: [n, d].
        factors: Integers [n, k].

    Raises:
        ValueError: See `samples.checked`.
    """
    squared = mutual_information(codes, factors) ** 2
    best = squared.max(axis=1)
    others = squared.sum(axis=1) - best
    informed = best > 0
    deviation = np.divide(others, best * (squared.shape[1] - 1), out=np.ones_like(best), where=informed)
    return float(np.mean(1 - deviation))
