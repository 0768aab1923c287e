"""L_I of a model on fresh samples, where the channel from code to posterior is known."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import objectives
from infogan_tf.codes import Categorical
from infogan_tf.datasets import ImageSet
from infogan_tf.evaluation import clustering, report
from infogan_tf.evaluation.information import generated_information, real_information
from infogan_tf.model import InfoGAN
from tests import tiny


def painting_model(probs: tuple[float, ...], sharpness: float) -> InfoGAN:
    """G writes the one-hot code into the image; Q reads it back with logits `sharpness` times the code."""
    K = len(probs)
    z, c = keras.Input((4,)), keras.Input((K,))
    row = keras.layers.ZeroPadding1D((0, 64 - K))(keras.layers.Reshape((K, 1))(c))
    x, features = keras.Input((8, 8, 1)), keras.Input((64,))
    return InfoGAN(
        [Categorical("digit", K, probs)],
        (8, 8, 1),
        4,
        generator=keras.Model([z, c], keras.layers.Reshape((8, 8, 1))(row)),
        trunk=keras.Model(x, keras.layers.Flatten()(x)),
        posterior_head=keras.Model(features, sharpness * features[:, :K]),
    )


@pytest.mark.parametrize(
    ("sharpness", "bound"),
    [
        (100.0, math.log(4)),
        (0.0, 0.0),
        (1.0, math.log(math.e / (math.e + 3)) + math.log(4)),
        (-1.0, math.log(math.exp(-1) / (math.exp(-1) + 3)) + math.log(4)),
    ],
)
def test_bound_of_a_known_channel(sharpness, bound):
    """Here log Q(c|x) = log(e^s / (e^s + K - 1)) for every c, so the bound needs no sampling error."""
    model = painting_model((0.25,) * 4, sharpness)
    assert generated_information(model, 1000, 100) == pytest.approx({"digit": bound}, abs=1e-5)


def test_bound_of_a_skewed_code_read_perfectly_is_its_entropy():
    probs = (0.7, 0.2, 0.1)
    entropy = -sum(p * math.log(p) for p in probs)
    assert generated_information(painting_model(probs, 100.0), 1000, 100)["digit"] == pytest.approx(entropy, abs=1e-5)


def test_it_is_the_mean_of_the_objective_in_inference_mode():
    model = tiny.model()
    found = generated_information(model, samples=60, batch_size=20, seed=3)
    batches = []
    for index in range(3):
        z, c = model.sample(20, tf.constant([index, 3]))
        q = model.posterior_head(model.trunk(model.generate(z, c)))
        batches.append({name: float(v) for name, v in objectives.information(model.codes, c, q).items()})
    assert found == pytest.approx({name: np.mean([b[name] for b in batches]) for name in batches[0]}, abs=1e-4)


def test_the_seed_decides_and_the_models_own_draws_stay():
    model = tiny.model()
    before = model.seed_generator.state.numpy()
    first, again, other = (generated_information(model, 40, 20, seed) for seed in (0, 0, 1))
    assert first == again != other
    np.testing.assert_array_equal(model.seed_generator.state.numpy(), before)


# ---------------------------------------------------------------- on real images


@pytest.mark.parametrize(
    ("probs", "information"),
    [
        (np.full((6, 4), 0.25), 0.0),
        (np.tile([0.7, 0.3, 0.0], (5, 1)), 0.0),
        (np.eye(4)[np.arange(20) % 4], math.log(4)),
        (np.eye(4)[[0, 0, 0, 1]], -0.75 * math.log(0.75) - 0.25 * math.log(0.25)),
        ([[0.9, 0.1], [0.1, 0.9]], math.log(2) + 0.9 * math.log(0.9) + 0.1 * math.log(0.1)),
    ],
)
def test_information_on_real_images_of_known_posteriors(probs, information):
    assert real_information(np.array(probs, np.float32)) == pytest.approx(information, abs=1e-6)


def test_information_on_real_images_is_the_divergence_from_the_mean():
    """I = mean KL(Q(c|x) || mean Q), which is never negative."""
    probs = np.random.default_rng(0).dirichlet(np.ones(5), 100)
    expected = np.mean([sum(p * np.log(p / m)) for p, m in zip(probs, [probs.mean(axis=0)] * 100, strict=True)])
    assert real_information(probs) == pytest.approx(expected)


# ---------------------------------------------------------------- report


def test_report_of_a_model_that_reads_perfectly():
    """Images that G paints for known codes: every score is 1 and the match is the labels' permutation."""
    model = painting_model((0.25,) * 4, 100.0)
    codes = np.arange(40) % 4
    pixels = model.generate(c=np.eye(4, dtype=np.float32)[codes]).numpy()
    label_of_code = np.array([2, 0, 3, 1])
    data = ImageSet((pixels * 255).astype(np.uint8), label_of_code[codes], ("zero", "one", "two", "three"))
    found = report.evaluate(model, data)
    assert found["images"] == 40
    assert found["clustering"] == {"digit": pytest.approx(dict.fromkeys(clustering.SCORES, 1.0))}
    assert found["label_match"] == {"digit": ["two", "zero", "three", "one"]}
    assert found["information"]["digit"] == pytest.approx(
        dict.fromkeys(("bound", "entropy", "maximum", "real"), math.log(4)), abs=1e-4
    )
    text = report.as_text(found)
    assert "ACC 100.00 %" in text
    assert "0=two  1=zero  2=three  3=one" in text
    assert "information 1.386 of at most 1.386 nats, 1.386 on real images" in text


def test_report_agrees_with_the_predictions():
    model = tiny.model("digit:categorical(5),slant:uniform,other:categorical(2)")
    images = (255 * tiny.images(50)).astype(np.uint8)
    labels = np.random.default_rng(0).integers(0, 3, 50)
    found = report.evaluate(model, ImageSet(images, labels, ("a", "b", "c")))
    inferred = model.infer_code(images.astype(np.float32) / 255)
    for name, clusters in (("digit", 5), ("other", 2)):
        table = clustering.contingency_table(labels, inferred[f"{name}_probs"].numpy().argmax(axis=1), 3, clusters)
        assert found["clustering"][name] == pytest.approx(clustering.scores(table))
        matched = [None if label < 0 else "abc"[label] for label in clustering.match(table)]
        assert found["label_match"][name] == matched
        assert matched.count(None) == max(0, clusters - 3)
    assert set(found["clustering"]) == {"digit", "other"}


def test_report_without_labels_has_information_alone():
    model = tiny.model("digit:categorical(3),slant:uniform")
    found = report.evaluate(model, ImageSet((255 * tiny.images(4)).astype(np.uint8), None, ()))
    assert found["clustering"] == found["label_match"] == {}
    assert set(found["information"]) == {"digit", "slant"}
    assert found["information"]["digit"]["entropy"] == pytest.approx(math.log(3))
    assert found["information"]["digit"]["real"] > 0
    assert found["information"]["slant"]["real"] is None


def test_real_information_is_that_of_a_channel_whose_posterior_is_right():
    """Two images, one drawn 70 times of 100: I = sum of P(c, x) log P(c, x) / P(c) P(x)."""
    joint = np.array([[0.7], [0.3]]) * np.random.default_rng(0).dirichlet(np.ones(3), 2)
    marginals = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
    exact = (joint * np.log(joint / (marginals[0] * marginals[1]))).sum()
    posterior = np.repeat(joint / marginals[0], [70, 30], axis=0)
    assert real_information(posterior) == pytest.approx(exact)
