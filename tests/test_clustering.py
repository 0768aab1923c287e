"""Clustering scores on tables made by hand and against scikit-learn."""

import math

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from infogan_tf.evaluation.clustering import ClusteringScores, contingency_table, match, scores

PERFECT = {"acc": 1.0, "purity": 1.0, "nmi": 1.0, "ari": 1.0}


def table_of(rows) -> np.ndarray:
    return np.array(rows, np.int64)


def test_contingency_table_counts_label_by_cluster():
    table = contingency_table(np.array([0, 0, 1, 2, 2, 2]), np.array([1, 1, 0, 3, 3, 0]), 3, 4)
    np.testing.assert_array_equal(table, [[0, 2, 0, 0], [1, 0, 0, 0], [1, 0, 0, 2]])


@pytest.mark.parametrize("seed", range(3))
def test_any_renaming_of_the_clusters_is_perfect(seed):
    permutation = np.random.default_rng(seed).permutation(6)
    table = np.diag([3, 1, 4, 1, 5, 9])[:, permutation]
    assert scores(table) == pytest.approx(PERFECT)
    np.testing.assert_array_equal(match(table), permutation)


def test_one_cluster_for_everything():
    """Accuracy and purity are the share of the largest label; nothing is learnt about the others."""
    assert scores(table_of([[5, 0, 0], [3, 0, 0], [2, 0, 0]])) == pytest.approx(
        {"acc": 0.5, "purity": 0.5, "nmi": 0.0, "ari": 0.0}
    )


def test_independent_clusters_carry_no_information():
    found = scores(table_of([[10, 10], [10, 10]]))
    assert found["nmi"] == pytest.approx(0, abs=1e-12)
    assert (found["acc"], found["purity"]) == (0.5, 0.5)


def test_greedy_matching_would_be_worse():
    """Cluster 0's most frequent label is wanted by both; the best matching gives up the largest cell."""
    table = table_of([[10, 9], [9, 0]])
    assert scores(table)["acc"] == pytest.approx(18 / 28)
    assert scores(table)["purity"] == pytest.approx(19 / 28)
    np.testing.assert_array_equal(match(table), [1, 0])


def test_hand_computed_information_and_rand_index():
    """Two labels of two images, three in cluster 0 and one in cluster 1: all by hand."""
    found = scores(table_of([[2, 0], [1, 1]]))
    h_label, h_cluster = math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    joint = -(0.5 * math.log(0.5) + 2 * 0.25 * math.log(0.25))
    assert found["nmi"] == pytest.approx((h_label + h_cluster - joint) / ((h_label + h_cluster) / 2))
    # Pairs together in both: 1; in labels: 2; in clusters: 3; of 6 pairs.
    assert found["ari"] == pytest.approx((1 - 2 * 3 / 6) / ((2 + 3) / 2 - 2 * 3 / 6), abs=1e-12)
    assert found["acc"] == found["purity"] == pytest.approx(0.75)


@pytest.mark.parametrize(("num_labels", "num_clusters"), [(4, 4), (3, 7), (7, 3), (1, 4), (5, 1)])
def test_random_labels_against_sklearn(num_labels, num_clusters):
    rng = np.random.default_rng(num_labels)
    labels, clusters = rng.integers(0, num_labels, 200), rng.integers(0, num_clusters, 200)
    found = scores(contingency_table(labels, clusters, num_labels, num_clusters))
    assert found["nmi"] == pytest.approx(metrics.normalized_mutual_info_score(labels, clusters), abs=1e-12)
    assert found["ari"] == pytest.approx(metrics.adjusted_rand_score(labels, clusters), abs=1e-12)
    majority = sum(np.bincount(labels[clusters == k]).max() for k in np.unique(clusters))
    assert found["purity"] == pytest.approx(majority / 200)
    assert found["acc"] <= found["purity"]


def test_more_clusters_than_labels():
    """Each label keeps one cluster; what is in the others counts as wrong for accuracy, not for purity."""
    table = table_of([[4, 3, 0, 0], [0, 0, 2, 1]])
    assert scores(table)["acc"] == pytest.approx(6 / 10)
    assert scores(table)["purity"] == 1.0
    np.testing.assert_array_equal(match(table), [0, -1, 1, -1])


def test_fewer_clusters_than_labels():
    table = table_of([[4, 0], [3, 0], [0, 2], [0, 1]])
    assert scores(table)["acc"] == scores(table)["purity"] == pytest.approx(6 / 10)
    np.testing.assert_array_equal(match(table), [0, 2])


def test_accuracy_is_that_of_the_matched_predictions():
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(0, 5, 300), rng.integers(0, 8, 300)
    table = contingency_table(labels, clusters, 5, 8)
    matched = match(table)
    assert sorted(matched[matched >= 0]) == list(range(5))
    assert scores(table)["acc"] == pytest.approx((matched[clusters] == labels).mean())


def test_empty_table_has_no_scores():
    assert all(math.isnan(value) for value in scores(np.zeros((3, 3), np.int64)).values())


# ---------------------------------------------------------------- as a metric


def test_metric_over_batches_is_the_score_of_all():
    rng = np.random.default_rng(0)
    labels, clusters = rng.integers(0, 7, 90), rng.integers(0, 4, 90)
    metric = ClusteringScores(4, name="digit")
    for start in range(0, 90, 40):
        metric.update_state(tf.constant(labels[start : start + 40]), tf.constant(clusters[start : start + 40]))
    found = {name: float(value) for name, value in metric.result().items()}
    expected = scores(contingency_table(labels, clusters, 7, 4))
    assert found == pytest.approx({f"digit_{name}": value for name, value in expected.items()}, abs=1e-6)
    metric.reset_state()
    assert math.isnan(metric.result()["digit_acc"])


@pytest.mark.parametrize("shape", [(6,), (6, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_metric_takes_labels_as_datasets_have_them(shape, dtype):
    """One number per image, as a vector or a column; numbering may have holes."""
    labels = np.array([3, 3, 250, 250, 7, 7], dtype).reshape(shape)
    metric = ClusteringScores(3, name="a")
    metric.update_state(tf.constant(labels), tf.constant([2, 2, 0, 0, 1, 1]))
    assert float(metric.result()["a_acc"]) == 1.0
    assert float(metric.result()["a_nmi"]) == pytest.approx(1.0)


@pytest.mark.parametrize("label", [1000, -1])
def test_metric_refuses_labels_out_of_range(label):
    metric = ClusteringScores(3, name="a")
    with pytest.raises(tf.errors.InvalidArgumentError):
        metric.update_state(tf.constant([0, label]), tf.constant([0, 1]))
