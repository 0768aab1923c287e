"""InfoGAN under `fit` and `evaluate`."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from infogan_tf.optimizers import Adam
from tests import tiny


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
