"""Explicitness: can a linear classifier read each factor's value from the whole code?

Ridgeway and Mozer (2018), "Learning Deep Disentangled Embeddings with the F-Statistic Loss", section 3.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from infogan_tf.evaluation.disentanglement.samples import checked, varying


def explicitness(codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray) -> float:
    """Area under the ROC curve of a logistic regression, each value against the rest; mean over values, then factors.

    The codes are standardised by their mean and standard deviation in `codes`. 1 is best, 1/2 chance, 0 means that no
    dimension varies.

    Args:
        codes: [n, d].
        factors: Integers [n, k].
        test_codes: [m, d].
        test_factors: Integers [m, k]; values that do not occur here do not count.

    Raises:
        ValueError: See `samples.checked`.
    """
    codes, factors = checked(codes, factors)
    test_codes, test_factors = checked(test_codes, test_factors)
    used = varying(codes)
    if not used.any():
        return 0.0
    mean, stddev = codes[:, used].mean(axis=0), codes[:, used].std(axis=0)
    x, test_x = (codes[:, used] - mean) / stddev, (test_codes[:, used] - mean) / stddev
    areas = []
    for values, test_values in zip(factors.T, test_factors.T, strict=True):
        classifier = LogisticRegression(max_iter=1000).fit(x, values)
        probabilities = classifier.predict_proba(test_x).T
        areas.append(
            np.mean(
                [
                    roc_auc_score(test_values == value, probability)
                    for value, probability in zip(classifier.classes_, probabilities, strict=True)
                    if (test_values == value).any()
                ]
            )
        )
    return float(np.mean(areas))
