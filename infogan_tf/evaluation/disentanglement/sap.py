"""SAP: how much better the best code dimension predicts a factor than the second best.

Kumar et al. (2018), "Variational Inference of Disentangled Latent Concepts from Unlabeled Observations", section 3.
"""

from __future__ import annotations

import numpy as np
from sklearn.svm import LinearSVC

from infogan_tf.evaluation.disentanglement.samples import checked, varying


def sap(codes: np.ndarray, factors: np.ndarray, test_codes: np.ndarray, test_factors: np.ndarray) -> float:
    """Separated attribute predictability: gap between the two best dimensions' accuracies, mean over factors.

    Each dimension alone predicts each factor by a linear SVM, C = 0.01, classes weighted equally, one against the
    rest. Chance and what one linear boundary per class can tell of ordered values keep it well below 1: two values
    known perfectly give 1/2. The SVM's regularisation makes it depend on the codes' scale and offset, if not much
    where they vary by about 1.

    Args:
        codes: [n, d].
        factors: Integers [n, k].
        test_codes: [m, d].
        test_factors: Integers [m, k].

    Raises:
        ValueError: See `samples.checked`.
    """
    codes, factors = checked(codes, factors)
    test_codes, test_factors = checked(test_codes, test_factors)
    if not varying(codes).any():
        return 0.0
    accuracies = np.zeros((codes.shape[1], factors.shape[1]))
    for code, factor in np.ndindex(accuracies.shape):
        classifier = LinearSVC(C=0.01, class_weight="balanced", dual="auto")
        classifier.fit(codes[:, [code]], factors[:, factor])
        accuracies[code, factor] = classifier.score(test_codes[:, [code]], test_factors[:, factor])
    second, best = np.sort(accuracies, axis=0)[-2:]
    return float(np.mean(best - second))
