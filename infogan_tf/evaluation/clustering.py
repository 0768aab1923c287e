"""How well a categorical code matches labels that training never saw.

The predicted cluster of an image is argmax Q(c|x). Scores come from the contingency table: how many images of each
label fell into each cluster.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

MAX_LABELS = 1000
SCORES = ("acc", "purity", "nmi", "ari")


def contingency_table(labels: np.ndarray, clusters: np.ndarray, num_labels: int, num_clusters: int) -> np.ndarray:
    """Counts [num_labels, num_clusters] of images by label and cluster, both integer arrays [n]."""
    table = np.zeros((num_labels, num_clusters), np.int64)
    np.add.at(table, (labels, clusters), 1)
    return table


def match(table: np.ndarray) -> np.ndarray:
    """The label of each cluster under the best one-to-one matching (Hungarian); -1 where none is left for it."""
    labels, clusters = linear_sum_assignment(table, maximize=True)
    matched = np.full(table.shape[1], -1)
    matched[clusters] = labels
    return matched


def scores(table: np.ndarray) -> dict[str, float]:
    """Clustering scores of a contingency table [num_labels, num_clusters], each a fraction; NaN if it is empty.

    Returns:
        acc: Images whose label is the one matched one-to-one with their cluster (Hungarian).
        purity: Images whose label is the most frequent one in their cluster.
        nmi: Mutual information over the arithmetic mean of the entropies.
        ari: Adjusted Rand index.
    """
    total = table.sum()
    if not total:
        return dict.fromkeys(SCORES, float("nan"))
    labels, clusters = (np.repeat(index.ravel(), table.ravel()) for index in np.indices(table.shape))
    rows, columns = linear_sum_assignment(table, maximize=True)
    return {
        "acc": float(table[rows, columns].sum() / total),
        "purity": float(table.max(axis=0).sum() / total),
        "nmi": float(metrics.normalized_mutual_info_score(labels, clusters)),
        "ari": float(metrics.adjusted_rand_score(labels, clusters)),
    }


class ClusteringScores(keras.metrics.Metric):
    """The scores as a streaming metric: `update_state(labels, clusters)`, `result()` a dict `NAME_acc` and so on.

    Args:
        num_clusters: Categories of the code.
        name: The code's name.
    """

    def __init__(self, num_clusters: int, name: str) -> None:
        super().__init__(name=name)
        self.num_clusters = num_clusters
        self.table = self.add_weight((MAX_LABELS, num_clusters), "zeros", name="contingency")

    def update_state(self, labels: tf.Tensor, clusters: tf.Tensor, sample_weight: None = None) -> None:
        """Adds a batch: integers [batch], labels from 0 to 999."""
        labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
        tf.debugging.assert_less(labels, MAX_LABELS, f"labels must be below {MAX_LABELS}")
        counts = tf.math.confusion_matrix(labels, clusters, MAX_LABELS, dtype=tf.float32)
        self.table.assign_add(counts[:, : self.num_clusters])

    def result(self) -> dict[str, tf.Tensor]:
        values = tf.numpy_function(_score_array, [self.table.value], tf.float32)
        values = tf.unstack(tf.ensure_shape(values, [len(SCORES)]))
        return {f"{self.name}_{score}": value for score, value in zip(SCORES, values, strict=True)}


def _score_array(table: np.ndarray) -> np.ndarray:
    seen = table[table.any(axis=1)].astype(np.int64)
    return np.array([scores(seen)[name] for name in SCORES], np.float32)
