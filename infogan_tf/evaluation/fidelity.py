"""How much generated images look like real ones, and how much they differ among themselves.

Protocol: images are compared by the 64 features before the last layer of a classifier that the project trains on the
labelled training split (`classifier`). As many generated images, c ~ P(c) and z ~ N(0, I), rounded to 8 bits, are held
against the real images of the test split: 10,000 of each, or as many as there are. Numbers from other features, other
sizes or another classifier cannot be compared with these. With fewer images than a few times 64 all of them are biased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf
from sklearn.metrics import pairwise_distances_chunked

from infogan_tf.datasets import ImageSet
from infogan_tf.evaluation import classifier as classifiers

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN

SAMPLES = 10_000
NEIGHBOURS = 3
BLOCK_MEGABYTES = 200


def evaluate(model: InfoGAN, train: ImageSet, test: ImageSet, *, seed: int = 0) -> dict[str, float]:
    """Fidelity and diversity of a model's images; see the module for the protocol.

    Args:
        model: Trained.
        train: Training split with labels, which only the classifier learns from.
        test: Test split with labels.
        seed: Of the draws of z and c and of what is drawn from larger splits.

    Returns:
        frechet_distance: Between generated and test images.
        frechet_floor: Between as many training images and the test images: what a perfect model would have.
        precision, recall: See `precision_recall`.
        diversity: See `diversity`.
        classifier_accuracy: Of the classifier on the test images, a fraction.

    Raises:
        ValueError: A split has no labels, or too few images.
    """
    for name, data in (("training", train), ("test", test)):
        if data.labels is None:
            raise ValueError(f"fidelity needs labels, and the {name} split has none: they train its classifier")
        if len(data.images) <= NEIGHBOURS:
            raise ValueError(f"fidelity needs more than {NEIGHBOURS} images, the {name} split has {len(data.images)}")
    classifier = classifiers.trained(train, test)
    rng = np.random.default_rng(seed)
    n = min(SAMPLES, len(test.images))
    real, judged = classifiers.describe(classifier, test.images)
    accuracy = float((judged == test.labels).mean())
    chosen = np.sort(rng.permutation(len(real))[:n])
    real, judged = real[chosen], judged[chosen]
    # Two images of each code: the first ones are the sample, and both together tell what the noise does.
    pairs = [_pairs(model, min(500, n - start), [start, seed]) for start in range(0, n, 500)]
    first, second = (np.concatenate(images) for images in zip(*pairs, strict=True))
    generated, classes = classifiers.describe(classifier, first)
    partners, _ = classifiers.describe(classifier, second)
    rows = np.sort(rng.permutation(len(train.images))[:n])
    precision, recall = precision_recall(real, generated)
    return {
        "frechet_distance": frechet_distance(real, generated),
        "frechet_floor": frechet_distance(real, classifiers.describe(classifier, train.select(rows).images)[0]),
        "precision": precision,
        "recall": recall,
        "diversity": diversity(generated, partners, classes, real, judged),
        "classifier_accuracy": accuracy,
    }


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The squared 2-Wasserstein distance of Gaussians with the means and covariances of a [n, d] and b [m, d].

    |μ_a - μ_b|² + tr Σ_a + tr Σ_b - 2 tr (Σ_a Σ_b)^½ (Heusel et al., 2017, eq. 6). The last trace is the sum of the
    singular values of Σ_a^½ Σ_b^½, which stays real and exact where covariances are singular.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    covariances = [np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b)]
    overlap = np.linalg.norm(_root(covariances[0]) @ _root(covariances[1]), "nuc")
    shift = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(max(0.0, shift + sum(np.trace(c) for c in covariances) - 2 * overlap))


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def precision_recall(real: np.ndarray, generated: np.ndarray, k: int = NEIGHBOURS) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al., 2019, eq. 1 and 2) of features [n, d] and [m, d].

    A set's manifold is the union of balls around its points, each out to the point's k-th nearest neighbour in the
    set. Precision is the fraction of generated points on the real manifold, recall that of real points on the
    generated one.
    """
    return _covered(generated, real, _radii(real, k)), _covered(real, generated, _radii(generated, k))


def _radii(points: np.ndarray, k: int) -> np.ndarray:
    blocks = pairwise_distances_chunked(points, working_memory=BLOCK_MEGABYTES)
    return np.concatenate([np.partition(block, k, axis=1)[:, k] for block in blocks])  # number 0 is the point itself


def _covered(points: np.ndarray, centres: np.ndarray, radii: np.ndarray) -> float:
    blocks = pairwise_distances_chunked(points, centres, working_memory=BLOCK_MEGABYTES)
    return float(np.concatenate([(block <= radii).any(axis=1) for block in blocks]).mean())


def diversity(
    first: np.ndarray, second: np.ndarray, classes: np.ndarray, real: np.ndarray, real_classes: np.ndarray
) -> float:
    """How far the noise alone moves an image, as a fraction of how far apart real images of its class are.

    For each pair G(z, c), G(z', c) the distance of their features, over the mean distance of two real images of the
    class in which the classifier sees the first; the mean over pairs. The whole code is shared, continuous parts too,
    so that nothing but z can make a difference:

    0: the noise does nothing, each code has one image.
    1: images of one code differ as much as real images of a class do.

    Where continuous codes hold style of their own (slant, width), a good model lies below 1. Above 1 the images of one
    code are of several classes, or stray further than real ones. Dividing class by class keeps a model from scoring
    by which classes it draws (a 1 varies less than a 2).

    Args:
        first: Features of G(z, c) [n, d].
        second: Features of G(z', c) [n, d].
        classes: Classifier's labels of the first, integers [n].
        real: Features of real images [m, d].
        real_classes: Classifier's labels of them, integers [m].

    Returns:
        The mean; NaN if no pair is of a class with two real images that differ.
    """
    within = np.full(max(classes.max(), real_classes.max()) + 1, np.nan)
    for label in np.unique(real_classes):
        within[label] = _mean_distance(real[real_classes == label])
    within[within == 0] = np.nan
    ratios = np.linalg.norm(first - second, axis=1) / within[classes]
    known = ratios[~np.isnan(ratios)]
    return float(known.mean()) if len(known) else float("nan")


def _mean_distance(points: np.ndarray) -> float:
    """Of two different points of [n, d]."""
    n = len(points)
    blocks = pairwise_distances_chunked(points, working_memory=BLOCK_MEGABYTES)
    return sum(block.sum() for block in blocks) / (n * (n - 1)) if n > 1 else float("nan")


def _pairs(model: InfoGAN, n: int, seed: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Images G(z, c) and G(z', c), uint8 [n, height, width, channels]."""
    z, c = model.sample(2 * n, tf.constant(seed))
    both = (model.generate(z[:n], c[:n]), model.generate(z[n:], c[:n]))
    return tuple(np.rint(255 * images.numpy()).astype(np.uint8) for images in both)
