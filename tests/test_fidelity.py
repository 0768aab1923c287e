"""Fréchet distance, precision, recall and diversity where the answers are known, and the classifier they rest on."""

import json
import logging
import os

import keras
import numpy as np
import pytest
from scipy import linalg

from infogan_tf.datasets import ImageSet
from infogan_tf.evaluation import classifier as classifiers
from infogan_tf.evaluation import fidelity, report
from infogan_tf.model import InfoGAN
from tests import tiny


def normal(n: int, d: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def whitened(n: int, d: int, seed: int) -> np.ndarray:
    """Points whose sample mean is exactly 0 and sample covariance exactly 1."""
    x = normal(n, d, seed)
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


def rotation(d: int, seed: int = 9) -> np.ndarray:
    return np.linalg.qr(normal(d, d, seed))[0]


# ---------------------------------------------------------------- Fréchet distance


def test_distance_of_gaussians_with_the_same_axes():
    """Along common axes it is Σ (m - n)² + (s - t)² of the means and standard deviations."""
    s, t, shift = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.1]), np.array([1.0, 0.0, -2.0])
    turn = rotation(3)
    a, b = whitened(50, 3, 0) * s @ turn, (whitened(70, 3, 1) * t + shift) @ turn
    assert fidelity.frechet_distance(a, b) == pytest.approx(((s - t) ** 2).sum() + (shift**2).sum())


def test_distance_of_gaussians_with_other_axes():
    """Against the formula as it is printed, with a general matrix square root."""
    a, b = normal(80, 6, 0) @ normal(6, 6, 1), normal(90, 6, 2) @ normal(6, 6, 3) + 1
    A, B = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(A + B - 2 * linalg.sqrtm(A @ B).real)
    assert fidelity.frechet_distance(a, b) == pytest.approx(expected)
    assert fidelity.frechet_distance(b, a) == pytest.approx(expected)


def test_distance_of_a_set_to_itself_shifted_and_scaled():
    x = normal(100) @ normal(6, 6, 1)
    d = normal(1, 6, 2)
    assert fidelity.frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert fidelity.frechet_distance(x, x + d) == pytest.approx((d**2).sum())
    centred = x - x.mean(axis=0)
    assert fidelity.frechet_distance(centred, 3 * centred) == pytest.approx(4 * np.trace(np.cov(x.T)))


def test_distance_where_covariances_are_singular():
    """Fewer points than features, and features that are always 0."""
    x = np.concatenate([normal(5, 20), np.zeros((5, 3))], axis=1)
    assert fidelity.frechet_distance(x, x + 1) == pytest.approx(23)
    assert fidelity.frechet_distance(x, np.zeros_like(x)) == pytest.approx(
        np.trace(np.cov(x.T)) + (x.mean(axis=0) ** 2).sum()
    )


def test_nothing_changes_when_features_are_rotated():
    a, b, c = normal(60, seed=0), 1.5 * normal(50, seed=1) + 0.3, normal(60, seed=2)
    turn, a_classes, b_classes = rotation(6), np.arange(60) % 3, np.arange(50) % 3
    assert fidelity.frechet_distance(a @ turn, b @ turn) == pytest.approx(fidelity.frechet_distance(a, b))
    assert fidelity.precision_recall(a @ turn, b @ turn) == fidelity.precision_recall(a, b)
    assert fidelity.diversity(a @ turn, c @ turn, a_classes, b @ turn, b_classes) == pytest.approx(
        fidelity.diversity(a, c, a_classes, b, b_classes)
    )


# ---------------------------------------------------------------- precision and recall


def test_precision_and_recall_of_identical_and_of_disjoint_sets():
    x = normal(40)
    assert fidelity.precision_recall(x, x) == (1, 1)
    assert fidelity.precision_recall(x, x + 1000) == (0, 0)


def test_one_mode_of_two_has_full_precision_and_half_the_recall():
    modes = normal(30), normal(30, seed=1) + 1000
    real = np.concatenate(modes)
    assert fidelity.precision_recall(real, modes[0]) == (1, 0.5)
    assert fidelity.precision_recall(modes[0], real) == (0.5, 1)


def test_the_radius_is_that_of_the_third_neighbour():
    real = np.array([[0.0], [1.0], [3.0], [7.0]])  # radii 7, 6, 4, 7: together from -7 to 14
    inside_and_outside = np.array([[-7.0], [14.0], [-7.1], [14.1]])
    assert fidelity.precision_recall(real, inside_and_outside)[0] == 0.5


def test_precision_and_recall_by_brute_force(monkeypatch):
    monkeypatch.setattr(fidelity, "BLOCK_MEGABYTES", 0.002)  # a few rows at a time
    real, generated = normal(50), 1.4 * normal(50, seed=1)

    def fraction(points, centres):
        count = 0
        for point in points:
            for i, centre in enumerate(centres):
                others = sorted(np.linalg.norm(centre - other) for j, other in enumerate(centres) if j != i)
                if np.linalg.norm(point - centre) <= others[2]:
                    count += 1
                    break
        return count / len(points)

    expected = fraction(generated, real), fraction(real, generated)
    assert fidelity.precision_recall(real, generated) == expected
    assert 0 < expected[0] < expected[1] < 1


# ---------------------------------------------------------------- diversity


def test_diversity_is_measured_class_by_class():
    """Class 0 is ten times as wide as class 1: pairs as far apart as real ones score 1 whatever class is drawn."""
    real = np.array([[0.0], [10.0], [100.0], [101.0]])
    real_classes = np.array([0, 0, 1, 1])
    first, second = np.array([[0.0], [50.0], [70.0]]), np.array([[10.0], [51.0], [71.0]])
    assert fidelity.diversity(first, second, np.array([0, 1, 1]), real, real_classes) == pytest.approx(1)
    assert fidelity.diversity(first, second, np.array([0, 0, 0]), real, real_classes) == pytest.approx(0.4)
    assert fidelity.diversity(first, first, np.array([0, 1, 1]), real, real_classes) == 0


def test_diversity_of_pairs_of_real_images_is_one():
    real, classes = normal(300), np.repeat(np.arange(3), 100)
    real *= 1 + classes[:, np.newaxis]
    a, b = np.array([(i, j) for i in range(300) for j in range(300) if i != j and classes[i] == classes[j]]).T
    assert fidelity.diversity(real[a], real[b], classes[a], real, classes) == pytest.approx(1)


def test_diversity_leaves_out_classes_without_two_real_images():
    real, classes = np.array([[0.0], [2.0], [9.0]]), np.array([0, 0, 1])
    first, second = np.zeros((3, 1)), np.array([[1.0], [5.0], [5.0]])
    assert fidelity.diversity(first, second, np.array([0, 1, 2]), real, classes) == pytest.approx(0.5)
    assert np.isnan(fidelity.diversity(first, second, np.array([1, 1, 2]), real, classes))


# ---------------------------------------------------------------- the classifier and the whole


def bars(n: int, seed: int) -> ImageSet:
    """Noisy 8x8 images, label 0 with a bright upper half, 1 with a bright lower half."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = rng.integers(0, 120, (n, 8, 8, 1))
    images[labels == 0, :4] += 100
    images[labels == 1, 4:] += 100
    return ImageSet(images.astype(np.uint8), labels, ("upper", "lower"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One classifier of `bars(200, 0)` for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield classifiers.trained(bars(200, 0), bars(100, 1))


def test_the_classifier_learns_and_its_accuracy_is_kept(cache):
    features, labels = classifiers.describe(cache, bars(100, 1).images, batch_size=30)
    assert features.shape == (100, 64)
    assert (labels == bars(100, 1).labels).mean() > 0.95
    kept = json.loads(classifiers._path(bars(200, 0)).with_suffix(".json").read_text())
    assert kept == {"train_images": 200, "test_images": 100, "test_accuracy": (labels == bars(100, 1).labels).mean()}


def test_the_cache_gives_the_same_classifier_without_training(cache, monkeypatch):
    monkeypatch.setattr(classifiers, "_train", None)
    again = classifiers.trained(bars(200, 0), bars(100, 1))
    for a, b in zip(cache.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_cache_belongs_to_images_labels_and_version(cache, monkeypatch):
    data = bars(200, 0)
    paths = {classifiers._path(data), classifiers._path(bars(200, 5)), classifiers._path(data.select(np.arange(199)))}
    paths.add(classifiers._path(data._replace(labels=1 - data.labels)))
    assert classifiers._path(data, block=7) in paths
    monkeypatch.setattr(classifiers, "VERSION", -1)
    paths.add(classifiers._path(data))
    assert len(paths) == 5


def test_of_a_large_split_the_same_part_teaches_every_time(cache, monkeypatch):
    monkeypatch.setattr(classifiers, "MOST_IMAGES", 50)
    taught = []
    monkeypatch.setattr(classifiers, "_train", lambda data: taught.append(data) or cache)
    classifiers.trained(bars(200, 0), bars(100, 1))
    classifiers.trained(bars(200, 0), bars(100, 1))  # found in the cache, so under the same digest
    (part,) = taught
    everything = {image.tobytes() for image in bars(200, 0).images}
    assert len({image.tobytes() for image in part.images} & everything) == 50
    np.testing.assert_array_equal(part.labels, [int(i[:4].mean() < i[4:].mean()) for i in part.images])


def test_a_damaged_file_is_replaced(cache, monkeypatch, caplog):
    path = classifiers._path(bars(200, 0))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(classifiers, "_train", lambda data: cache)
    with caplog.at_level(logging.WARNING):
        assert classifiers.trained(bars(200, 0), bars(100, 1)) is cache
    assert f"training the classifier again: {path} cannot be read" in caplog.text
    np.testing.assert_array_equal(keras.models.load_model(path).get_weights()[0], cache.get_weights()[0])


def test_an_interrupted_write_leaves_nothing(cache, monkeypatch):
    def interrupted(self, path, *args, **kwargs):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    path = classifiers._path(bars(60, 7))
    monkeypatch.setattr(classifiers, "_train", lambda data: cache)
    monkeypatch.setattr(keras.Model, "save", interrupted)
    before = sorted(os.listdir(path.parent))
    with pytest.raises(KeyboardInterrupt):
        classifiers.trained(bars(60, 7), bars(100, 1))
    assert sorted(os.listdir(path.parent)) == before


def bar_model(noise: float) -> InfoGAN:
    """G paints a `bars` image without its noise, and `noise` times sigmoid(z) in each pixel."""
    networks = tiny.networks("half:categorical(2)")
    z, c = keras.Input((64,)), keras.Input((2,))
    halves = keras.ops.repeat(c, 32, axis=1)
    pixels = (100 * halves + 120 * (1 - noise) / 2 + 120 * noise * keras.ops.sigmoid(3 * z)) / 255
    networks["generator"] = keras.Model([z, c], keras.layers.Reshape((8, 8, 1))(pixels))
    return InfoGAN("half:categorical(2)", (8, 8, 1), 64, **networks)


def test_evaluation_tells_a_good_generator_from_one_that_ignores_its_noise(cache):
    good, constant = (fidelity.evaluate(bar_model(noise), bars(200, 0), bars(100, 1)) for noise in (1.0, 0.0))
    assert constant["diversity"] == 0
    assert 0.5 < good["diversity"] < 2
    assert good["frechet_distance"] < constant["frechet_distance"]
    assert good["frechet_floor"] == pytest.approx(constant["frechet_floor"])
    assert good["frechet_floor"] < constant["frechet_distance"]
    assert good["recall"] > constant["recall"] == 0
    assert good["classifier_accuracy"] > 0.95
    text = report.as_text({"clustering": {}, "information": {}, "fidelity": good})
    assert f"Fréchet distance {good['frechet_distance']:.3f} (floor {good['frechet_floor']:.3f})" in text


def test_the_seed_decides(cache):
    model = bar_model(1.0)
    first, again, other = (fidelity.evaluate(model, bars(200, 0), bars(100, 1), seed=seed) for seed in (0, 0, 1))
    assert first == pytest.approx(again, rel=1e-5)
    assert first["frechet_distance"] != pytest.approx(other["frechet_distance"], rel=1e-3)


def test_splits_that_cannot_be_used_are_named():
    data = bars(20, 0)
    with pytest.raises(ValueError, match="fidelity needs labels, and the training split has none"):
        fidelity.evaluate(bar_model(1.0), data._replace(labels=None), data)
    with pytest.raises(ValueError, match="more than 3 images, the test split has 3"):
        fidelity.evaluate(bar_model(1.0), data, data.select(np.arange(3)))
