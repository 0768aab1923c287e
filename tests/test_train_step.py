"""One training step against the objective written out."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.model import InfoGAN
from tests import tiny

PARTS = ("generator", "trunk", "discriminator_head", "posterior_head")


class Recorder(keras.optimizers.SGD):
    """Plain gradient descent that keeps the gradients it was last given."""

    def apply(self, grads, trainable_variables=None):
        self.seen = [g.numpy() for g in grads]
        super().apply(grads, trainable_variables)


def trainables(model: InfoGAN) -> dict[str, list[np.ndarray]]:
    return {part: tiny.values(getattr(model, part).trainable_variables) for part in PARTS}


def changed(before: dict, after: dict) -> set[str]:
    """Parts of which a trainable variable differs, be it in one bit."""
    return {part for part in before if any((a != b).any() for a, b in zip(before[part], after[part], strict=True))}


def weighted_information(model: InfoGAN, c: tf.Tensor, q: tf.Tensor) -> tf.Tensor:
    """Sum over the codes of tiny.CODES of lambda E[log Q(c|x)], each density written out."""
    digit, slant, style, flags, cos_sin = tf.split(c, [3, 1, 2, 2, 2], axis=1)
    q_digit, q_slant, q_style, q_flags, q_angle = tf.split(q, [3, 2, 4, 2, 2], axis=1)

    def normal(value, parameters):
        mean, raw = tf.split(parameters, 2, axis=1)
        stddev = 0.1 + tf.math.log1p(tf.exp(raw))
        return tf.reduce_sum(
            -0.5 * ((value - mean) / stddev) ** 2 - tf.math.log(stddev) - 0.5 * math.log(2 * math.pi), axis=1
        )

    probability = tf.sigmoid(q_flags)
    norm = tf.norm(q_angle, axis=1)
    concentration = 100 * tf.tanh(norm / 100)
    cos_difference = tf.reduce_sum(cos_sin * q_angle, axis=1) / norm
    log_q = {
        "digit": tf.reduce_sum(digit * q_digit, axis=1) - tf.reduce_logsumexp(q_digit, axis=1),
        "slant": normal(slant, q_slant),
        "style": normal(style, q_style),
        "flags": tf.reduce_sum(tf.math.log(flags * probability + (1 - flags) * (1 - probability)), axis=1),
        "angle": concentration * (cos_difference - 1) - tf.math.log(2 * math.pi * tf.math.bessel_i0e(concentration)),
    }
    return tf.add_n([model.lambdas[name] * tf.reduce_mean(value) for name, value in log_q.items()])


def reference_step(model: InfoGAN, real: np.ndarray, d_optimizer, g_optimizer, saturating: bool) -> None:
    """Eq. 6 the long way: G runs anew for each update, one plain tape over everything, nothing shared."""
    G, trunk, D, Q = (getattr(model, part) for part in PARTS)
    z, c = model.sample(len(real))

    def logits(images):
        return D(trunk(images, training=True), training=True)

    def cross_entropy(label, x):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.fill(x.shape, label), x))

    d_variables = trunk.trainable_variables + D.trainable_variables
    with tf.GradientTape() as tape:
        fake = G([z, c], training=True)
        loss = cross_entropy(1.0, logits(real)) + cross_entropy(0.0, logits(fake))
        if model.information_in_discriminator:
            loss -= weighted_information(model, c, Q(trunk(fake, training=True), training=True))
    d_optimizer.apply(tape.gradient(loss, d_variables), d_variables)

    g_variables = G.trainable_variables + Q.trainable_variables
    with tf.GradientTape() as tape:
        fake = G([z, c], training=True)
        loss = -cross_entropy(0.0, logits(fake)) if saturating else cross_entropy(1.0, logits(fake))
        loss -= weighted_information(model, c, Q(trunk(fake, training=True), training=True))
    g_optimizer.apply(tape.gradient(loss, g_variables), g_variables)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"adversarial_loss": "minimax", "lambdas": {"digit": 2.0, "angle": 0.7}},
        {"information_in_discriminator": True, "lambdas": 0.5},
    ],
    ids=["default", "minimax", "information_in_discriminator"],
)
def test_step_equals_the_objective_written_out(arguments):
    model, reference = (tiny.model(**arguments) for _ in range(2))
    # Q's output at the start is near 0, where an angle is hardly defined: away from there.
    for m in (model, reference):
        m.posterior_head.layers[-1].bias.assign(np.linspace(-1.5, 1.5, 13))
    start = trainables(model)
    real = tiny.images(16)
    model.train_step(tf.constant(real))
    reference_step(
        reference,
        real,
        keras.optimizers.Adam(2e-4, beta_1=0.5),
        keras.optimizers.Adam(1e-3, beta_1=0.5),
        arguments.get("adversarial_loss") == "minimax",
    )
    expected = trainables(reference)
    assert changed(start, expected) == set(PARTS)
    for part, variables in trainables(model).items():
        for actual, wanted in zip(variables, expected[part], strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-5, atol=1e-5, err_msg=part)


@pytest.mark.parametrize("information_in_discriminator", [False, True])
def test_gradients_equal_the_objective_written_out(information_in_discriminator):
    """Adam's first step hides the size of a gradient; here the gradients themselves are compared."""
    seen = []
    for step in ("model", "reference"):
        model = tiny.model(
            discriminator_optimizer=Recorder(0.1),
            generator_optimizer=Recorder(0.1),
            information_in_discriminator=information_in_discriminator,
        )
        model.posterior_head.layers[-1].bias.assign(np.linspace(-1.5, 1.5, 13))
        real = tiny.images(16)
        if step == "model":
            model.train_step(tf.constant(real))
        else:
            reference_step(model, real, model.discriminator_optimizer, model.generator_optimizer, False)
        seen.append(model.discriminator_optimizer.seen + model.generator_optimizer.seen)
    for actual, expected in zip(*seen, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-5)


def test_only_the_discriminators_step_trains_the_trunk():
    model = tiny.model(discriminator_optimizer=keras.optimizers.SGD(0.0))
    before = trainables(model)
    model.train_step(tf.constant(tiny.images(16)))
    assert changed(before, trainables(model)) == {"generator", "posterior_head"}


@pytest.mark.parametrize("information_in_discriminator", [False, True])
def test_the_discriminators_step_trains_the_trunk_and_its_own_head(information_in_discriminator):
    model = tiny.model(
        generator_optimizer=keras.optimizers.SGD(0.0), information_in_discriminator=information_in_discriminator
    )
    before = trainables(model)
    model.train_step(tf.constant(tiny.images(16)))
    assert changed(before, trainables(model)) == {"trunk", "discriminator_head"}


def test_lambda_zero_is_a_plain_gan():
    """G's gradient is that of the adversarial loss, whatever Q is, and Q's own is exactly 0."""
    model, other = (tiny.model(lambdas=0.0, generator_optimizer=Recorder(0.1)) for _ in range(2))
    other.posterior_head.set_weights([w + 1 for w in other.posterior_head.get_weights()])
    model.discriminator_optimizer.learning_rate = other.discriminator_optimizer.learning_rate = 0.0
    plain = tiny.model()
    z, c = plain.sample(16)
    with tf.GradientTape() as tape:
        features = plain.trunk(plain.generator([z, c], training=True), training=True)
        logits = plain.discriminator_head(features)
        loss = -tf.reduce_mean(tf.math.log_sigmoid(logits))
    expected = tape.gradient(loss, plain.generator.trainable_variables)
    for m in (model, other):
        m.train_step(tf.constant(tiny.images(16)))
        seen = m.generator_optimizer.seen
        for actual, wanted in zip(seen, expected, strict=False):
            np.testing.assert_allclose(actual, wanted, rtol=1e-4, atol=1e-6)
        for q_gradient in seen[len(expected) :]:
            np.testing.assert_array_equal(q_gradient, 0)


def test_a_codes_lambda_scales_its_own_gradient():
    """Q's gradient is linear in lambda: twice the weight of every code, twice the gradient."""
    once, twice = (
        tiny.model(
            lambdas=weight,
            discriminator_optimizer=keras.optimizers.SGD(0.0),
            generator_optimizer=Recorder(0.0),
        )
        for weight in (0.3, 0.6)
    )
    for model in (once, twice):
        model.train_step(tf.constant(tiny.images(16)))
    q = len(once.generator.trainable_variables)
    for a, b in zip(once.generator_optimizer.seen[q:], twice.generator_optimizer.seen[q:], strict=True):
        np.testing.assert_allclose(2 * a, b, rtol=1e-4, atol=1e-6)


def test_moving_statistics_move_in_training_and_not_in_inference():
    model = tiny.model()

    def statistics():
        return {part: tiny.values(getattr(model, part).non_trainable_variables) for part in PARTS if part[0] != "d"}

    start = statistics()
    model.evaluate(tiny.images(8), verbose=0)
    model.generate(n=4)
    model.infer_code(tiny.images(4))
    assert changed(start, statistics()) == set()
    model.train_step(tf.constant(tiny.images(16)))
    after = statistics()
    for part, values in after.items():
        assert all((a != b).all() for a, b in zip(start[part], values, strict=True)), part


def test_generators_moving_mean_takes_one_step_per_update():
    """One pass serves both updates, so the statistics of G take the batch once: 0.9 old + 0.1 new."""
    model, reference = tiny.model(), tiny.model()
    z, c = reference.sample(16)
    hidden = tf.concat([z, c], axis=1) @ reference.generator.trainable_variables[0].value
    expected = 0.1 * tf.reduce_mean(hidden, axis=0)
    model.train_step(tf.constant(tiny.images(16)))
    np.testing.assert_allclose(model.generator.non_trainable_variables[0], expected, rtol=1e-4, atol=1e-6)


def test_logged_losses_are_those_before_the_updates():
    """With frozen weights the logs of a step are the losses computed apart, and information includes H(c)."""
    frozen = {
        "discriminator_optimizer": keras.optimizers.SGD(0.0),
        "generator_optimizer": keras.optimizers.SGD(0.0),
    }
    model, reference = (tiny.model("digit:categorical(3)", **frozen) for _ in range(2))
    real = tiny.images(16)
    logs = {name: float(value) for name, value in model.train_step(tf.constant(real)).items()}
    z, c = reference.sample(16)
    fake = reference.generator([z, c], training=True)
    real_logits, fake_logits = (
        reference.discriminator_head(reference.trunk(x, training=True)).numpy().astype(np.float64) for x in (real, fake)
    )
    q = reference.posterior_head(reference.trunk(fake, training=True), training=True).numpy().astype(np.float64)
    log_q = q - np.logaddexp.reduce(q, axis=1, keepdims=True)
    assert logs == pytest.approx(
        {
            "d_loss": np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean(),
            "g_loss": np.logaddexp(0, -fake_logits).mean(),
            "digit_information": (c.numpy() * log_q).sum(axis=1).mean() + math.log(3),
        },
        rel=1e-4,
    )
