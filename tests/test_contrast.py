"""The contrastive regulariser: pairs of codes, the loss, whose gradient reaches which network."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import callbacks, objectives
from infogan_tf.code_spec import CodeSpec
from infogan_tf.model import InfoGAN
from tests import tiny
from tests.test_recognition import Recorder

SPEC = CodeSpec.parse(tiny.CODES)  # digit of 3, slant, style of 2, 2 flags, angle as (cos, sin)
COLUMNS = [slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6), slice(6, 7), slice(7, 8), slice(8, 10)]


def test_factors_are_what_can_change_on_its_own():
    assert SPEC.factors == [3, 1, 1, 1, 1, 1, 2]


@pytest.mark.parametrize("n", [200, 201])
def test_a_pair_agrees_in_its_factor_and_is_as_drawn_otherwise(n):
    flat, factors = SPEC.sample(n, tf.constant([1, 2])).numpy(), np.arange(100) % 7
    codes = SPEC.share(flat, tf.constant(factors)).numpy()
    np.testing.assert_array_equal(codes[::2], flat[::2])
    for pair, shared in enumerate(factors):
        first, second = 2 * pair, 2 * pair + 1
        for factor, columns in enumerate(COLUMNS):
            source = first if factor == shared else second
            np.testing.assert_array_equal(codes[second, columns], flat[source, columns])


def test_loss_in_closed_form():
    shared = tf.constant([0, 2])
    assert float(objectives.contrast(tf.zeros([2, 3]), shared)) == pytest.approx(math.log(3))
    assert float(objectives.contrast(50 * tf.one_hot(shared, 3), shared)) == pytest.approx(0, abs=1e-6)


def gradients(contrast_weight: float) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Of the generator, of the heads that read codes, and of D's step."""
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), contrast_head=True, seed=0)
    infogan.compile(Recorder(), Recorder(), contrast_weight=contrast_weight)
    infogan.train_step(tf.constant(tiny.images(16)))
    seen, size = infogan.generator_optimizer.seen, len(infogan.generator.trainable_variables)
    return seen[:size], seen[size:], infogan.discriminator_optimizer.seen


def test_the_head_learns_always_and_the_generator_as_far_as_the_weight_says():
    off, half, full = (gradients(weight) for weight in (0.0, 0.5, 1.0))
    for i in (1, 2):  # the heads, and D's step, whatever the weight
        for zero, middle, one in zip(off[i], half[i], full[i], strict=True):
            np.testing.assert_allclose(middle, zero, atol=1e-6)
            np.testing.assert_allclose(one, zero, atol=1e-6)
    assert all(np.abs(g).max() > 0 for g in off[1])
    for zero, middle, one in zip(off[0], half[0], full[0], strict=True):
        np.testing.assert_allclose(middle - zero, (one - zero) / 2, atol=1e-6)
    assert max(float(np.abs(one - zero).max()) for zero, one in zip(off[0], full[0], strict=True)) > 1e-4


def test_it_needs_its_head():
    infogan = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks())
    with pytest.raises(ValueError, match="contrast_weight needs a contrast_head"):
        infogan.compile(contrast_weight=1.0)
    infogan.compile()
    with pytest.raises(ValueError, match="contrast_weight needs a contrast_head"):
        infogan.fit(tiny.images(8), verbose=0, callbacks=[callbacks.SwitchOn("contrast_weight", 1.0, epoch=0)])


def test_the_head_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    infogan = InfoGAN(tiny.CODES, tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **tiny.networks(), contrast_head=True, seed=0)
    infogan.compile(contrast_weight=2.0)
    infogan.train_step(tf.constant(tiny.images(16)))
    infogan.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.contrast_weight == 2.0
    for a, b in zip(
        tiny.values(loaded.contrast_head.variables), tiny.values(infogan.contrast_head.variables), strict=True
    ):
        np.testing.assert_array_equal(a, b)
