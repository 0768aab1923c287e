"""Losses against numpy, and the bound L_I on channels whose mutual information is known exactly."""

import math

import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.code_spec import CodeSpec
from infogan_tf.codes import Bernoulli, Categorical, Circular, Gaussian, Uniform
from infogan_tf.objectives import (
    ADVERSARIAL_LOSSES,
    hinge_discriminator,
    hinge_generator,
    information,
    least_squares_discriminator,
    least_squares_generator,
    minimax,
    negative_value,
    non_saturating,
)

RNG = np.random.default_rng(0)
REAL, FAKE = (RNG.normal(0, 3, (32, 1)).astype(np.float32) for _ in range(2))


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


# ---------------------------------------------------------------- adversarial losses


@pytest.mark.parametrize(
    ("loss", "arguments", "expected"),
    [
        (negative_value, (REAL, FAKE), -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean()),
        (minimax, (FAKE,), np.log(1 - sigmoid(FAKE)).mean()),
        (non_saturating, (FAKE,), -np.log(sigmoid(FAKE)).mean()),
        (hinge_discriminator, (REAL, FAKE), np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean()),
        (hinge_generator, (FAKE,), -FAKE.mean()),
        (least_squares_discriminator, (REAL, FAKE), 0.5 * ((REAL - 1) ** 2).mean() + 0.5 * (FAKE**2).mean()),
        (least_squares_generator, (FAKE,), 0.5 * ((FAKE - 1) ** 2).mean()),
    ],
)
def test_loss(loss, arguments, expected):
    assert float(loss(*map(tf.constant, arguments))) == pytest.approx(float(expected), rel=1e-5)


def test_names_pair_the_losses():
    assert {name: (loss.discriminator, loss.generator) for name, loss in ADVERSARIAL_LOSSES.items()} == {
        "non_saturating": (negative_value, non_saturating),
        "minimax": (negative_value, minimax),
        "hinge": (hinge_discriminator, hinge_generator),
        "least_squares": (least_squares_discriminator, least_squares_generator),
    }


def test_minimax_is_the_generators_part_of_the_value():
    """V(D,G) = E[log D(x)] + minimax, so D's and G's losses add up to -E[log D(x)]."""
    total = negative_value(REAL, FAKE) + minimax(FAKE)
    assert float(total) == pytest.approx(float(-np.log(sigmoid(REAL)).mean()), rel=1e-5)


def test_value_is_minus_log_4_where_d_cannot_tell():
    """At D = 1/2 everywhere V = -log 4, the value at the equilibrium (Goodfellow et al., 2014, theorem 1)."""
    assert float(negative_value(np.zeros((4, 1), "float32"), np.zeros((4, 1), "float32"))) == pytest.approx(math.log(4))


def gradient(loss, logits):
    logits = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(logits)
    return tape.gradient(value, logits).numpy()


def test_minimax_and_non_saturating_point_the_same_way():
    """d/dl log(1 - s(l)) = -s(l) and d/dl -log s(l) = -(1 - s(l)), over the batch."""
    to_the_letter, alternative = gradient(minimax, FAKE), gradient(non_saturating, FAKE)
    assert (to_the_letter < 0).all()
    assert (alternative < 0).all()
    np.testing.assert_allclose(to_the_letter * 32, -sigmoid(FAKE), rtol=1e-5)
    np.testing.assert_allclose(alternative * 32, sigmoid(FAKE) - 1, rtol=1e-4)


def test_only_minimax_is_flat_where_d_is_sure_of_a_fake():
    sure = np.full((1, 1), -30, np.float32)
    assert abs(gradient(minimax, sure)) < 1e-12
    assert gradient(non_saturating, sure) == pytest.approx(-1)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_losses_and_gradients_are_finite_at_extreme_logits(name, size):
    loss = ADVERSARIAL_LOSSES[name]
    logits = np.full((4, 1), size, np.float32)
    for function in (lambda x: loss.discriminator(x, -x), lambda x: loss.discriminator(-x, x), loss.generator):
        assert np.isfinite(function(tf.constant(logits)))
        assert np.isfinite(gradient(function, logits)).all()


def test_saturated_losses_are_exact():
    """softplus(1e4) = 1e4 in float32: nothing is clipped."""
    assert float(negative_value(tf.constant([[-1e4]]), tf.constant([[1e4]]))) == 2e4
    assert float(non_saturating(tf.constant([[-1e4]]))) == 1e4
    assert float(negative_value(tf.constant([[1e4]]), tf.constant([[-1e4]]))) == 0


# ---------------------------------------------------------------- the bound on an exact channel

CHANNELS = [(2, 2, 0), (3, 5, 1), (10, 4, 2), (4, 12, 3)]
channels = pytest.mark.parametrize(("K", "num_x", "seed"), CHANNELS)


def channel(K: int, num_x: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Integer weights w[c, x] of a joint distribution whose marginal over c is uniform, and that joint."""
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(60, rng.dirichlet(np.ones(num_x), K)[np.arange(K)])
    return weights, weights / weights.sum()


def mutual_information(joint: np.ndarray) -> float:
    product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    possible = joint > 0
    return float((joint[possible] * np.log(joint[possible] / product[possible])).sum())


def bound(weights: np.ndarray, logits: np.ndarray, code=None) -> float:
    """L_I over a batch in which each (c, x) stands w[c, x] times, so that the batch mean is the exact expectation."""
    code = code or Categorical("c1", len(weights))
    c, x = (np.repeat(index.ravel(), weights.ravel()) for index in np.indices(weights.shape))
    flat = np.eye(len(weights), dtype=np.float32)[c]
    return float(information(CodeSpec([code]), tf.constant(flat), tf.constant(logits[x]))["c1"])


def true_posterior_logits(joint: np.ndarray) -> np.ndarray:
    """The logarithm of P(c|x), a row for each x."""
    return np.log(np.maximum(joint / np.maximum(joint.sum(axis=0), 1e-30), 1e-30)).T.astype(np.float32)


@channels
def test_bound_is_tight_at_the_true_posterior(K, num_x, seed):
    weights, joint = channel(K, num_x, seed)
    assert bound(weights, true_posterior_logits(joint)) == pytest.approx(mutual_information(joint), abs=1e-5)


@channels
def test_bound_is_zero_for_a_posterior_that_is_the_prior(K, num_x, seed):
    weights, _ = channel(K, num_x, seed)
    assert bound(weights, np.zeros((num_x, K), np.float32)) == pytest.approx(0, abs=1e-6)


@channels
def test_bound_is_below_the_information_for_any_other_posterior(K, num_x, seed):
    """The gap is E[KL(P(c|x) || Q(c|x))], here computed apart."""
    weights, joint = channel(K, num_x, seed)
    limit, truth = mutual_information(joint), true_posterior_logits(joint)
    rng = np.random.default_rng(seed)
    for scale in (0.1, 0.5, 2.0):
        logits = truth + rng.normal(0, scale, truth.shape).astype(np.float32)
        Q = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).T.astype(np.float64)
        P = joint / np.maximum(joint.sum(axis=0), 1e-30)
        gap = float((joint * np.log(np.where(joint > 0, P / Q, 1))).sum())
        assert gap > 1e-4
        assert bound(weights, logits) == pytest.approx(limit - gap, abs=1e-4)
        assert bound(weights, logits) < limit


@pytest.mark.parametrize("K", [2, 10, 20])
def test_a_categorical_never_reports_more_than_its_entropy(K):
    """The best case is a noiseless channel read without doubt: I = H(c) = ln K."""
    perfect = 1e4 * np.eye(K, dtype=np.float32)
    assert bound(np.eye(K, dtype=int), perfect) == pytest.approx(math.log(K), rel=1e-6)
    for scale in (1, 10, 1e3):
        logits = scale * np.random.default_rng(K).normal(size=(K, K)).astype(np.float32)
        assert bound(np.eye(K, dtype=int), logits) < math.log(K)


def test_bound_with_a_skewed_prior():
    """H(c) is that of the given prior, not of a uniform one."""
    weights = np.array([[4, 0], [3, 3], [2, 8]])
    joint = weights / weights.sum()
    code = Categorical("c1", 3, tuple(joint.sum(axis=1)))
    assert bound(weights, true_posterior_logits(joint), code) == pytest.approx(mutual_information(joint), abs=1e-5)


def test_bound_of_bits():
    """Two bits through binary symmetric channels that flip with probability 1/4: 2 (ln 2 - h(1/4)) nats."""
    flips = np.array([[0, 0]] * 9 + [[0, 1]] * 3 + [[1, 0]] * 3 + [[1, 1]])
    c = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 16, axis=0)
    x = c ^ np.tile(flips, (4, 1))
    logits = (2 * x - 1) * math.log(3)
    found = information(CodeSpec([Bernoulli("f", 2)]), tf.constant(c, tf.float32), tf.constant(logits, tf.float32))
    noise = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert float(found["f"]) == pytest.approx(2 * (math.log(2) - noise), rel=1e-5)


def inverse_softplus(y: float) -> float:
    return math.log(math.expm1(y))


def test_bound_of_a_gaussian_channel():
    """For c ~ N(0,1) and x = c + N(0, s^2) the true posterior N(x/(1+s^2), s^2/(1+s^2)) reports ln(1 + 1/s^2) / 2."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    s = 0.5
    c, noise = np.meshgrid(nodes, nodes, indexing="ij")
    mean, stddev = (c + s * noise) / (1 + s**2), s / math.sqrt(1 + s**2)
    parameters = np.stack([mean.ravel(), np.full(mean.size, inverse_softplus(stddev - 0.1))], axis=1)
    posterior = CodeSpec([Gaussian("a")]).posteriors(parameters)["a"]
    joint_weights = np.outer(weights, weights).ravel()
    expected_log = float((posterior.log_prob(c.ravel()[:, None].astype(np.float32)).numpy() * joint_weights).sum())
    assert expected_log + Gaussian("a").entropy == pytest.approx(0.5 * math.log(1 + 1 / s**2), abs=1e-4)


def test_bound_of_a_uniform_code_seen_through_a_truncated_normal():
    """An uninformative mean and a very wide deviation make the truncated Normal the prior itself: L_I = 0."""
    spec = CodeSpec([Uniform("a", truncated=True)])
    c = np.linspace(-0.99, 0.99, 50, dtype=np.float32)[:, None]
    parameters = np.tile(np.float32([0, 1e3]), (50, 1))
    assert float(information(spec, tf.constant(c), tf.constant(parameters))["a"]) == pytest.approx(0, abs=1e-4)


def test_bound_of_an_angle_that_x_does_not_tell_is_zero():
    spec = CodeSpec([Circular("a")])
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    flat = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert float(information(spec, tf.constant(flat), tf.zeros([64, 2]))["a"]) == pytest.approx(0, abs=1e-5)


def test_each_code_is_counted_apart():
    """The information of a spec's codes is that of each code alone on its own slices."""
    codes = [Categorical("digit", 3), Uniform("slant"), Bernoulli("flags", 2), Circular("angle")]
    spec = CodeSpec(codes)
    c = spec.sample(20, tf.constant([1, 2]))
    parameters = tf.constant(np.random.default_rng(0).normal(size=(20, spec.num_parameters)), tf.float32)
    together = information(spec, c, parameters)
    assert list(together) == ["digit", "slant", "flags", "angle"]
    for code in codes:
        part, slices = spec.split(c)[code.name], spec.split_parameters(parameters)[code.name]
        alone = information(CodeSpec([code]), part, slices)[code.name]
        assert float(together[code.name]) == pytest.approx(float(alone), rel=1e-6)
        assert together[code.name].dtype == tf.float32


def test_entropy_has_no_gradient():
    """The gradient of L_I is that of the mean log posterior."""
    spec = CodeSpec([Categorical("digit", 4)])
    c = np.eye(4, dtype=np.float32)
    logits = tf.Variable(np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        value = information(spec, tf.constant(c), logits)["digit"]
    softmax = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tape.gradient(value, logits), (c - softmax) / 4, atol=1e-6)
