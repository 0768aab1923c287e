"""InfoGAN: a training step against the objective written out, evaluation, and what a user calls."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from infogan_tf.codes import Categorical, Uniform
from infogan_tf.model import InfoGAN
from infogan_tf.optimizers import Adam
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


# ---------------------------------------------------------------- the training step


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


# ---------------------------------------------------------------- fit


@pytest.mark.usefixtures("deterministic")
def test_labels_change_nothing():
    images, labels = tiny.images(32), np.arange(32) % 3
    weights = []
    for data in (images, (images, labels), (images, labels[::-1])):
        model = tiny.model("digit:categorical(3),slant:uniform")
        model.fit(tf.data.Dataset.from_tensor_slices(data).batch(8), verbose=0)
        weights.append(model.get_weights())
    for other in weights[1:]:
        for a, b in zip(weights[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.usefixtures("deterministic")
def test_fit_is_the_training_step_repeated():
    """A traced `fit` and eager steps over the same batches end at the same weights; so does `run_eagerly`."""
    images = tiny.images(24)
    by_hand, traced, eager = (tiny.model("digit:categorical(3)", run_eagerly=e) for e in (False, False, True))
    for start in (0, 8, 16):
        by_hand.train_step(tf.constant(images[start : start + 8]))
    for model in (traced, eager):
        model.fit(images, batch_size=8, shuffle=False, verbose=0)
        assert int(model.generator_optimizer.iterations) == int(model.discriminator_optimizer.iterations) == 3
        for a, b in zip(model.get_weights(), by_hand.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_jit_compiled_fit_and_evaluate_agree_with_the_plain_ones():
    """Given the same z and c: XLA draws other numbers from the same seed."""
    images, labels = tiny.images(24), np.arange(24) % 3
    drawn = tiny.model("digit:categorical(3),slant:uniform").sample(8)
    models = []
    for jit in (False, True):
        # A larger epsilon, because Adam's first steps amplify the last bits of small gradients.
        model = tiny.model(
            "digit:categorical(3),slant:uniform", generator_optimizer=Adam(1e-3, epsilon=1e-3), jit_compile=jit
        )
        model.sample = lambda n, seed=None: drawn
        model.fit(images, batch_size=8, shuffle=False, verbose=0)
        models.append(model)
    assert models[1].jit_compile is True
    for a, b in zip(*(m.get_weights() for m in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    plain, jit = (m.evaluate(images, labels, batch_size=8, verbose=0, return_dict=True) for m in models)
    assert jit == pytest.approx(plain, rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_follows_float32(policy):
    """Half precision has 8 or 11 bits: losses of the first step agree to that, and weights move finitely."""
    logs = {}
    for dtype in ("float32", policy):
        model = tiny.model("digit:categorical(3),slant:uniform", dtype=dtype)
        logs[dtype] = {k: float(v) for k, v in model.train_step(tf.constant(tiny.images(16))).items()}
    assert logs[policy] == pytest.approx(logs["float32"], rel=0.05, abs=0.05)
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (tiny.images(4)[..., 0], r"images must be \[batch, 8, 8, 1\], got \[\w+, 8, 8\]"),
        (np.zeros((4, 28, 28, 1), "float32"), r"got \[\w+, 28, 28, 1\]"),
        (255 * tiny.images(4), "divide 8-bit images by 255"),
        ((255 * tiny.images(4)).astype(np.uint8), "divide 8-bit images by 255"),
        (2 * tiny.images(4) - 1, r"in \[0, 1\], found -"),
        (np.full((4, 8, 8, 1), np.nan, "float32"), "found nan"),
    ],
    ids=["rank", "size", "255", "uint8", "negative", "nan"],
)
@pytest.mark.parametrize("kind", ["array", "dataset", "labelled dataset"])
def test_fit_refuses_what_are_no_images(images, text, kind):
    labelled = (images, np.zeros(len(images)))
    data = images
    if kind != "array":
        data = tf.data.Dataset.from_tensor_slices(images if kind == "dataset" else labelled).batch(4)
    with pytest.raises(ValueError, match=text):
        tiny.model("digit:categorical(3)").fit(data, verbose=0)


# ---------------------------------------------------------------- evaluate


def test_evaluate_with_labels_scores_the_predictions():
    model = tiny.model("digit:categorical(4),slant:uniform,other:categorical(2)")
    images, labels = tiny.images(60), np.random.default_rng(0).integers(0, 3, 60)
    found = model.evaluate(images, labels, batch_size=16, verbose=0, return_dict=True)
    predicted = model.predict(images, verbose=0)
    for name, clusters in (("digit", 4), ("other", 2)):
        guess = predicted[f"{name}_probs"].argmax(axis=1)
        table = np.array([[((labels == i) & (guess == k)).sum() for k in range(clusters)] for i in range(3)])
        expected = {
            "acc": table[linear_sum_assignment(-table)].sum() / 60,
            "purity": sum(table.max(axis=0)) / 60,
            "nmi": metrics.normalized_mutual_info_score(labels, guess),
            "ari": metrics.adjusted_rand_score(labels, guess),
        }
        assert {score: found[f"{name}_{score}"] for score in expected} == pytest.approx(expected, abs=1e-6)


def test_evaluate_without_labels_gives_losses_and_information_alone():
    model = tiny.model("digit:categorical(3),slant:uniform")
    found = model.evaluate(tiny.images(8), verbose=0, return_dict=True)
    assert set(found) == {"d_loss", "g_loss", "digit_information", "slant_information"}
    assert all(np.isfinite(value) for value in found.values())


def test_evaluate_is_in_inference_mode():
    """Losses of one batch equal those computed apart from the moving statistics."""
    model, reference = (tiny.model("digit:categorical(3)") for _ in range(2))
    real = tiny.images(16)
    found = model.evaluate(real, batch_size=16, verbose=0, return_dict=True)
    z, c = reference.sample(16)
    fake = reference.generate(z, c).numpy()
    real_logits, fake_logits = (reference.discriminator_head(reference.trunk(x)).numpy() for x in (real, fake))
    probabilities = reference.infer_code(fake)["digit_probs"].numpy()
    expected = {
        "d_loss": np.logaddexp(0, -real_logits).mean() + np.logaddexp(0, fake_logits).mean(),
        "g_loss": np.logaddexp(0, -fake_logits).mean(),
        "digit_information": np.log((c.numpy() * probabilities).sum(axis=1)).mean() + math.log(3),
    }
    found = {name: float(value) for name, value in found.items()}
    assert found == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-4)


def test_validation_scores_appear_in_the_history():
    model = tiny.model("digit:categorical(3)")
    images, labels = tiny.images(16), np.arange(16) % 3
    history = model.fit(images, batch_size=8, validation_data=(images, labels), verbose=0).history
    predicted = model.predict(images, verbose=0)["digit_probs"].argmax(axis=1)
    expected = metrics.normalized_mutual_info_score(labels, predicted)
    assert history["val_digit_nmi"] == pytest.approx([expected], abs=1e-6)
    assert not any("acc" in name and not name.startswith("val_") for name in history)


# ---------------------------------------------------------------- generate and infer_code


@pytest.fixture(scope="module")
def model() -> InfoGAN:
    return tiny.model()


def test_generate_is_the_generator_in_inference_mode(model):
    z, c = model.sample(5, tf.constant([1, 2]))
    images = model.generate(z, c)
    assert images.shape == (5, 8, 8, 1)
    assert images.dtype == tf.float32
    assert 0 <= images.numpy().min() <= images.numpy().max() <= 1
    np.testing.assert_array_equal(images, model.generator([z, c], training=False))
    np.testing.assert_allclose(images[1:3], model.generate(z[1:3], c[1:3]), atol=1e-6)


@pytest.mark.parametrize("given", ["z", "c", "n"])
def test_what_is_not_given_is_drawn_by_the_seed(model, given):
    z, c = model.sample(6, tf.constant([1, 2]))
    arguments = {"z": {"z": z}, "c": {"c": c}, "n": {"n": 6}}[given]
    first, again = (model.generate(**arguments, seed=7).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (6, 8, 8, 1)
    assert (first != model.generate(**arguments, seed=8).numpy()).any()


def test_without_a_seed_draws_differ(model):
    assert (model.generate(n=3).numpy() != model.generate(n=3).numpy()).any()


def test_one_image_by_default(model):
    assert model.generate().shape == (1, 8, 8, 1)


def test_generate_accepts_lists(model):
    z, c = model.sample(2, tf.constant([1, 2]))
    np.testing.assert_array_equal(model.generate(z.numpy().tolist(), c.numpy().tolist()), model.generate(z, c))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"z": np.zeros((2, 5))}, r"z must be \[n, 4\], got \[2, 5\]"),
        ({"z": np.zeros(4)}, "z must be"),
        ({"c": np.zeros((2, 9))}, r"c must be \[n, 10\], got \[2, 9\]"),
        ({"c": np.zeros((2, 10, 1))}, r"c must be \[n, 10\], got \[2, 10, 1\]"),
        ({"z": np.zeros((2, 4)), "c": np.zeros((3, 10))}, "z has 2, c has 3"),
        ({"z": np.zeros((2, 4)), "n": 3}, "z has 2, n has 3"),
        ({"n": 0}, "n must be 1 or more, got 0"),
        ({"z": np.zeros((0, 4))}, "1 or more, got 0"),
        ({"z": 0.5}, "z must be"),
    ],
    ids=str,
)
def test_generate_refuses_wrong_shapes(model, arguments, text):
    with pytest.raises(ValueError, match=text):
        model.generate(**arguments)


def test_infer_code_reads_the_posterior_head(model):
    images = tiny.images(6)
    found = {name: value.numpy() for name, value in model.infer_code(images).items()}
    raw = model.posterior_head(model.trunk(images)).numpy().astype(np.float64)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
    assert found["code"].shape == (6, 10)
    softmax = np.exp(raw[:, :3]) / np.exp(raw[:, :3]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found["digit_probs"], softmax, rtol=1e-4)
    np.testing.assert_allclose(found["slant_mean"], raw[:, 3:4], rtol=1e-5)
    np.testing.assert_allclose(found["slant_stddev"], 0.1 + np.logaddexp(0, raw[:, 4:5]), rtol=1e-4)
    np.testing.assert_allclose(found["flags_probs"], 1 / (1 + np.exp(-raw[:, 9:11])), rtol=1e-4)
    np.testing.assert_allclose(found["angle_mean"][:, 0], np.arctan2(raw[:, 12], raw[:, 11]), rtol=1e-4)


def test_predict_is_infer_code(model):
    images = tiny.images(5)
    predicted, inferred = model.predict(images, batch_size=2, verbose=0), model.infer_code(images)
    assert set(predicted) == set(inferred)
    for name, value in inferred.items():
        np.testing.assert_allclose(predicted[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (tiny.images(1)[0], r"images must be \[batch, 8, 8, 1\], got \[8, 8, 1\]"),
        (np.zeros((2, 8, 9, 1)), r"got \[2, 8, 9, 1\]"),
        (np.zeros((2, 8, 8, 3)), r"got \[2, 8, 8, 3\]"),
        (np.full((2, 8, 8, 1), 200, np.uint8), "0, 1.*found 200 to 200; divide 8-bit images by 255"),
        (np.full((2, 8, 8, 1), -0.5), r"in \[0, 1\], found -0.5 to -0.5$"),
        (np.full((2, 8, 8, 1), np.inf), "found inf"),
    ],
    ids=["no batch", "width", "channels", "uint8", "negative", "infinite"],
)
def test_infer_code_refuses_what_is_no_image(model, images, text):
    with pytest.raises(ValueError, match=text):
        model.infer_code(images)


def test_codes_survive_the_round_trip_of_a_perfect_pair():
    """A generator that paints the code and a posterior head that reads it: infer_code gives the code back."""
    z, c = keras.Input((4,)), keras.Input((4,))
    painted = keras.layers.Reshape((8, 8, 1))(
        keras.layers.ZeroPadding1D((0, 60))(keras.layers.Reshape((4, 1))(c / 4 + 0.5 + 0 * z))
    )
    x = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(x)
    read = keras.Input((64,))
    code = (read[:, :4] - 0.5) * 4
    infogan = InfoGAN(
        [Categorical("digit", 3), Uniform("slant", stddev=0.1)],
        (8, 8, 1),
        4,
        generator=keras.Model([z, c], painted),
        trunk=keras.Model(x, features),
        posterior_head=keras.Model(read, keras.ops.concatenate([50 * code[:, :3], code[:, 3:]], axis=1)),
    )
    drawn_z, drawn_c = infogan.sample(20)
    inferred = infogan.infer_code(infogan.generate(drawn_z, drawn_c))
    np.testing.assert_allclose(inferred["code"], drawn_c, atol=1e-5)


def test_sample_is_noise_and_prior():
    model = tiny.model("slant:uniform")
    z, c = (value.numpy() for value in model.sample(4000, tf.constant([3, 4])))
    assert z.shape == (4000, 4)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=4 / math.sqrt(4000))
    np.testing.assert_allclose(z.var(axis=0), 1, atol=4 * math.sqrt(2 / 4000))
    assert np.abs(np.corrcoef(np.concatenate([z, c], axis=1).T) - np.eye(5)).max() < 5 / math.sqrt(4000)


def test_same_seed_same_draws():
    a, b = tiny.model(seed=3), tiny.model(seed=3)
    for _ in range(2):
        for x, y in zip(a.sample(4), b.sample(4), strict=True):
            np.testing.assert_array_equal(x, y)
    assert (a.sample(4)[0].numpy() != tiny.model(seed=4).sample(4)[0].numpy()).any()


# ---------------------------------------------------------------- construction


@pytest.mark.parametrize("codes", ["digit:categorical(3),slant:uniform", [Categorical("digit", 3), Uniform("slant")]])
def test_codes_as_text_or_list(codes):
    assert InfoGAN(codes, (8, 8, 1)).codes.size == 4


def test_preset_and_overrides():
    model = InfoGAN.from_preset("mnist", noise_size=7)
    assert str(model.codes) == "digit:categorical(10),slant:uniform(1),width:uniform(1)"
    assert (model.noise_size, model.image_shape) == (7, (28, 28, 1))
    with pytest.raises(ValueError, match=r"'mnits'.*mnist"):
        InfoGAN.from_preset("mnits")


def test_compile_refuses_an_unknown_loss():
    with pytest.raises(ValueError, match=r"non_saturating, minimax, hinge, least_squares, got 'wasserstein'"):
        tiny.model(adversarial_loss="wasserstein")


def test_default_optimizers_are_the_papers():
    model = tiny.model()
    assert [
        (round(float(o.learning_rate), 7), o.beta_1) for o in (model.discriminator_optimizer, model.generator_optimizer)
    ] == [(2e-4, 0.5), (1e-3, 0.5)]
