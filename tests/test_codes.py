"""Each kind of code against closed forms, tfp's priors and scipy's densities."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from infogan_tf.codes import Bernoulli, Categorical, Circular, Code, Gaussian, Uniform

LN2, LOG_2PI = math.log(2), math.log(2 * math.pi)
SKEWED = (0.2, 0.3, 0.5)
ENTROPIES = [
    (Categorical("a", 10), math.log(10)),
    (Categorical("a", 3, SKEWED), float(stats.entropy(SKEWED))),
    (Uniform("a"), LN2),
    (Uniform("a", 3), 3 * LN2),
    (Gaussian("a"), 0.5 * math.log(2 * math.pi * math.e)),
    (Gaussian("a", 2), math.log(2 * math.pi * math.e)),
    (Bernoulli("a"), LN2),
    (Bernoulli("a", 4), 4 * LN2),
    (Circular("a"), LOG_2PI),
]
EVERY_KIND = [
    Categorical("a", 4),
    Categorical("a", 3, SKEWED),
    Uniform("a", 2),
    Uniform("a", 2, truncated=True),
    Uniform("a", 2, stddev=0.5),
    Uniform("a", 2, stddev=1.5, truncated=True),
    Gaussian("a", 2),
    Gaussian("a", 2, stddev=0.5),
    Bernoulli("a", 2),
    Circular("a"),
]
every_kind = pytest.mark.parametrize("code", EVERY_KIND, ids=str)


def draws(code: Code, n: int) -> tf.Tensor:
    return code.prior().sample(n, seed=tf.constant([1, 2]))


def random_parameters(code: Code, n: int, scale: float = 2.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, scale, (n, code.num_parameters)).astype(np.float32)


# ---------------------------------------------------------------- entropy and information


@pytest.mark.parametrize(("code", "nats"), ENTROPIES, ids=str)
def test_entropy(code, nats):
    assert code.entropy == pytest.approx(nats, rel=1e-12)
    if not isinstance(code, Circular):  # tfp has no entropy of a von Mises
        assert code.entropy == pytest.approx(float(code.prior().entropy()), rel=1e-6)


@every_kind
def test_entropy_is_minus_the_mean_log_density_of_the_prior(code):
    log_density = code.prior().log_prob(draws(code, 20_000)).numpy().astype(np.float64)
    four_standard_errors = 4 * float(log_density.std()) / math.sqrt(20_000)
    assert -log_density.mean() == pytest.approx(code.entropy, abs=four_standard_errors + 1e-5)


@pytest.mark.parametrize(
    ("code", "nats"),
    [
        (Categorical("a", 10), math.log(10)),
        (Categorical("a", 3, SKEWED), float(stats.entropy(SKEWED))),
        (Bernoulli("a", 4), 4 * LN2),
        (Uniform("a"), LN2 + stats.norm(0, 0.1).logpdf(0)),
        (Uniform("a", 2, stddev=1.0), 2 * (LN2 + stats.norm.logpdf(0))),
        (Uniform("a", truncated=True), LN2 + stats.norm(0, 0.1).logpdf(0) + LN2),
        (Uniform("a", stddev=1.0, truncated=True), LN2 + stats.truncnorm(-2, 0, loc=1).logpdf(1)),
        (Gaussian("a", 3, min_stddev=0.5), 3 * (0.5 * (LOG_2PI + 1) + stats.norm(0, 0.5).logpdf(0))),
        (Circular("a"), LOG_2PI + stats.vonmises(100).logpdf(0)),
        (Circular("a", max_concentration=5.0), LOG_2PI + stats.vonmises(5).logpdf(0)),
    ],
    ids=str,
)
def test_max_information(code, nats):
    assert code.max_information == pytest.approx(nats, rel=1e-9)


@every_kind
def test_no_posterior_reports_more_than_max_information(code):
    """Parameters that make Q as sharp as it gets, centred on the value: log Q(c|x) + H(c) is at the limit or below."""
    value = draws(code, 200)
    if isinstance(code, Categorical | Bernoulli):
        parameters = 1e4 * (2 * value - 1)
    elif isinstance(code, Circular):
        parameters = 1e4 * code.to_flat(value)
    else:
        parameters = tf.concat([value, tf.fill(value.shape, -1e4)], axis=-1)[:, : code.num_parameters]
    reported = code.posterior(parameters).log_prob(value).numpy() + code.entropy
    assert reported.max() <= code.max_information + 1e-4
    if not (isinstance(code, Uniform) and code.truncated) and not isinstance(code, Categorical):
        np.testing.assert_allclose(reported, code.max_information, atol=1e-3)


def test_unit_normal_posterior_cannot_certify_uniform_information():
    """Q = N(mu, 1) under U(-1, 1) reports at most ln 2 - ln(2 pi) / 2 = -0.226 nats."""
    assert Uniform("a", stddev=1.0).max_information == pytest.approx(-0.22579, abs=1e-5)


# ---------------------------------------------------------------- prior


def test_categorical_prior_draws_one_hot_with_the_given_probabilities():
    sample = draws(Categorical("a", 3, SKEWED), 20_000).numpy()
    assert sample.dtype == np.float32
    assert set(np.unique(sample)) == {0.0, 1.0}
    np.testing.assert_array_equal(sample.sum(axis=1), 1)
    assert stats.chisquare(sample.sum(axis=0), 20_000 * np.array(SKEWED)).pvalue > 1e-4


def test_bernoulli_prior_draws_independent_fair_bits():
    sample = draws(Bernoulli("a", 3), 20_000).numpy()
    assert sample.dtype == np.float32
    counts = np.unique(sample @ [1, 2, 4], return_counts=True)[1]
    assert len(counts) == 8
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("code", "distribution"),
    [(Uniform("a", 2), stats.uniform(-1, 2)), (Gaussian("a", 2), stats.norm())],
    ids=["uniform", "gaussian"],
)
def test_continuous_prior(code, distribution):
    sample = draws(code, 20_000).numpy()
    assert sample.dtype == np.float32
    for dim in range(2):
        assert stats.kstest(sample[:, dim], distribution.cdf).pvalue > 1e-4
    assert abs(np.corrcoef(sample.T)[0, 1]) < 4 / math.sqrt(20_000)


def test_circular_prior_is_uniform_on_the_circle():
    angles = draws(Circular("a"), 20_000).numpy()
    assert stats.kstest(np.mod(angles, 2 * np.pi), stats.uniform(0, 2 * np.pi).cdf).pvalue > 1e-4


# ---------------------------------------------------------------- flat code


@every_kind
def test_flat_code_round_trip(code):
    value = draws(code, 50)
    flat = code.to_flat(value)
    assert flat.shape == (50, code.size)
    np.testing.assert_allclose(code.from_flat(flat), value, atol=1e-6)


def test_circular_flat_code_is_on_the_unit_circle_and_forgets_whole_turns():
    code, angles = Circular("a"), np.linspace(-10, 10, 101, dtype=np.float32)
    flat = code.to_flat(tf.constant(angles)).numpy()
    np.testing.assert_allclose(flat, np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-6)
    back = code.from_flat(tf.constant(flat)).numpy()
    turns = (back - angles) / (2 * np.pi)
    np.testing.assert_allclose(turns, np.round(turns), atol=1e-6)


# ---------------------------------------------------------------- posterior


def softplus(x):
    return np.logaddexp(0, np.asarray(x, np.float64))


def test_categorical_log_prob():
    code = Categorical("a", 4)
    logits = random_parameters(code, 20)
    value = draws(code, 20)
    expected = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))[np.arange(20), value.numpy().argmax(axis=1)]
    np.testing.assert_allclose(code.posterior(logits).log_prob(value), expected, rtol=1e-5, atol=1e-6)


def test_bernoulli_log_prob():
    code = Bernoulli("a", 3)
    logits = random_parameters(code, 20)
    value = draws(code, 20)
    expected = stats.bernoulli(1 / (1 + np.exp(-logits.astype(np.float64)))).logpmf(value.numpy()).sum(axis=1)
    np.testing.assert_allclose(code.posterior(logits).log_prob(value), expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [Uniform, Gaussian])
@pytest.mark.parametrize("arguments", [{}, {"min_stddev": 0.3}, {"stddev": 0.7}], ids=str)
def test_normal_log_prob(kind, arguments):
    code = kind("a", 2, **arguments)
    parameters = random_parameters(code, 20)
    value = draws(code, 20)
    stddev = arguments.get("stddev") or arguments.get("min_stddev", 0.1) + softplus(parameters[:, 2:])
    expected = stats.norm(parameters[:, :2], stddev).logpdf(value.numpy()).sum(axis=1)
    np.testing.assert_allclose(code.posterior(parameters).log_prob(value), expected, rtol=1e-4)


def test_truncated_normal_log_prob():
    code = Uniform("a", 2, truncated=True)
    parameters = random_parameters(code, 20, scale=1.0)
    value = draws(code, 20)
    mean, stddev = np.clip(parameters[:, :2].astype(np.float64), -1, 1), 0.1 + softplus(parameters[:, 2:])
    expected = stats.truncnorm((-1 - mean) / stddev, (1 - mean) / stddev, mean, stddev).logpdf(value.numpy())
    np.testing.assert_allclose(code.posterior(parameters).log_prob(value), expected.sum(axis=1), rtol=1e-4)


@pytest.mark.parametrize("mean", [-50.0, 1.5, 50.0])
def test_truncated_normal_reports_no_more_with_its_mean_outside(mean):
    """The mean is held in the support, but its gradient passes, so that it can come back."""
    code = Uniform("a", truncated=True)
    parameters = tf.constant([[mean, -1e4]])
    edge = tf.constant([[np.sign(mean)]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(parameters)
        estimate = code.estimate(parameters)
    assert code.posterior(parameters).log_prob(edge).numpy() + code.entropy <= code.max_information + 1e-4
    np.testing.assert_allclose(estimate, edge)
    np.testing.assert_allclose(tape.gradient(estimate, parameters), [[1, 0]])


def test_von_mises_log_prob():
    code = Circular("a", max_concentration=20.0)
    parameters = random_parameters(code, 20, scale=10.0)
    value = draws(code, 20)
    concentration = 20 * np.tanh(np.hypot(*parameters.T) / 20)
    mean = np.arctan2(parameters[:, 1], parameters[:, 0])
    expected = stats.vonmises(concentration, mean).logpdf(value.numpy())
    np.testing.assert_allclose(code.posterior(parameters).log_prob(value), expected, rtol=1e-4, atol=1e-5)


def test_truncation_makes_the_bound_tighter():
    """For the same parameters, dividing by the mass inside [-1, 1] can only raise log Q(c|x)."""
    parameters = random_parameters(Uniform("a", 2), 50)
    value = draws(Uniform("a", 2), 50)
    inside = Uniform("a", 2, truncated=True).posterior(parameters).log_prob(value).numpy()
    assert (inside > Uniform("a", 2).posterior(parameters).log_prob(value).numpy()).all()


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_standard_deviation_and_concentration_are_bounded(scale):
    normal, circle = Gaussian("a", 2, min_stddev=0.2), Circular("a", max_concentration=7.0)
    assert normal.outputs(random_parameters(normal, 100, scale))["stddev"].numpy().min() >= 0.2
    concentration = circle.outputs(random_parameters(circle, 100, scale))["concentration"].numpy()
    assert concentration.min() >= 0
    assert concentration.max() <= 7


@every_kind
@pytest.mark.parametrize("size", [0.0, 1e-6, 1e2, 1e4, -1e4, 1e6])
def test_log_prob_and_gradients_are_finite(code, size):
    value = draws(code, 16)
    signs = np.sign(random_parameters(code, 16))
    parameters = tf.Variable(np.float32(size) * signs)
    with tf.GradientTape() as tape:
        log_prob = code.posterior(parameters).log_prob(value)
    assert np.isfinite(log_prob.numpy()).all()
    assert np.isfinite(tape.gradient(log_prob, parameters).numpy()).all()


def test_gradient_of_a_circular_posterior_at_the_origin_points_to_the_value():
    """The log density k cos(v - m) - log(2 pi I0(k)) has the gradient (cos v, sin v) in the natural parameters at 0."""
    code, angles = Circular("a"), tf.constant([0.5, 2.0, -2.5])
    parameters = tf.Variable(tf.zeros([3, 2]))
    with tf.GradientTape() as tape:
        log_prob = code.posterior(parameters).log_prob(angles)
    np.testing.assert_allclose(tape.gradient(log_prob, parameters), code.to_flat(angles), atol=1e-3)


# ---------------------------------------------------------------- outputs


@every_kind
def test_estimate_is_the_mean_of_the_posterior_as_a_flat_code(code):
    parameters = tf.constant(random_parameters(code, 20))
    posterior, estimate = code.posterior(parameters), code.estimate(parameters).numpy()
    assert estimate.shape == (20, code.size)
    if isinstance(code, Circular):
        np.testing.assert_allclose(estimate, code.to_flat(posterior.loc), atol=1e-6)
    elif isinstance(code, Uniform) and code.truncated:
        np.testing.assert_allclose(estimate, posterior.distribution.loc, atol=1e-6)
    elif isinstance(code, Categorical):
        np.testing.assert_allclose(estimate, posterior.probs_parameter(), atol=1e-6)
    else:
        np.testing.assert_allclose(estimate, posterior.mean(), atol=1e-6)


@every_kind
def test_outputs_describe_the_posterior(code):
    parameters = tf.constant(random_parameters(code, 20))
    outputs = {name: value.numpy() for name, value in code.outputs(parameters).items()}
    if isinstance(code, Categorical | Bernoulli):
        assert list(outputs) == ["probs"]
        assert outputs["probs"].shape == (20, code.size)
        assert outputs["probs"].min() >= 0
        assert outputs["probs"].max() <= 1
    elif isinstance(code, Circular):
        assert list(outputs) == ["mean", "concentration"]
        assert outputs["mean"].shape == outputs["concentration"].shape == (20, 1)
    else:
        assert list(outputs) == ["mean", "stddev"]
        expected = code.stddev or code.min_stddev + softplus(parameters.numpy()[:, 2:])
        np.testing.assert_allclose(outputs["stddev"], np.broadcast_to(expected, (20, 2)), rtol=1e-5)
    if isinstance(code, Categorical):
        np.testing.assert_allclose(outputs["probs"].sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Categorical("bad", 1),
        lambda: Categorical("bad", 3, (0.5, 0.5)),
        lambda: Categorical("bad", 2, (0.5, 0.6)),
        lambda: Categorical("bad", 2, (1.0, 0.0)),
        lambda: Categorical("bad", 2, (1.5, -0.5)),
        lambda: Uniform("bad", 0),
        lambda: Gaussian("bad", -1),
        lambda: Bernoulli("bad", 0),
        lambda: Uniform("bad", stddev=0.0),
        lambda: Uniform("bad", stddev=-1.0),
        lambda: Gaussian("bad", min_stddev=0.0),
        lambda: Circular("bad", max_concentration=0.0),
    ],
)
def test_impossible_codes_are_refused_by_name(make):
    with pytest.raises(ValueError, match="'bad'"):
        make()
