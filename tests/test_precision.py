"""Choice of the policy and the copy of a model under another one."""

import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import precision
from infogan_tf.model import InfoGAN
from tests import tiny


@pytest.mark.parametrize(
    ("float32", "bfloat16", "policy"),
    [(100.0, 200.0, "mixed_bfloat16"), (100.0, 110.0, "float32"), (100.0, 20.0, "float32")],
)
def test_bfloat16_is_chosen_only_where_it_is_clearly_faster(monkeypatch, float32, bfloat16, policy):
    rates = {"float32": float32, "bfloat16": bfloat16}
    monkeypatch.setattr(precision, "_matmul_rate", rates.__getitem__)
    chosen, reason = precision.choose()
    assert chosen == policy
    assert f"{bfloat16 / float32:.1f} times" in reason


def policies(model: InfoGAN) -> set[str]:
    return {layer.dtype_policy.name for layer in model._flatten_layers()}


@pytest.mark.parametrize("trained_in", ["mixed_bfloat16", "mixed_float16", "float32"])
def test_copy_has_the_weights_and_one_policy(trained_in):
    model = tiny.model(dtype=trained_in)
    model.train_step(tf.constant(tiny.images(8)))
    before = model.get_weights()
    copy = precision.with_policy(model, "float32")
    assert policies(copy) == {"float32"}
    assert trained_in in policies(model)
    for a, b, kept in zip(copy.get_weights(), model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(b, kept)
    assert (copy.codes, copy.image_shape, copy.noise_size) == (model.codes, model.image_shape, model.noise_size)


def test_copy_computes_what_a_float32_model_of_these_weights_does():
    model, reference = tiny.model(dtype="mixed_bfloat16"), tiny.model(dtype="float32")
    reference.set_weights(model.get_weights())
    copy = precision.with_policy(model, "float32")
    z, c = model.sample(5, tf.constant([1, 2]))
    np.testing.assert_array_equal(copy.generate(z, c), reference.generate(z, c))
    np.testing.assert_array_equal(copy.infer_code(tiny.images(4))["code"], reference.infer_code(tiny.images(4))["code"])
    assert (copy.generate(z, c).numpy() != model.generate(z, c).numpy()).any()


def test_copy_is_apart_from_the_model():
    model = tiny.model()
    copy = precision.with_policy(model, "float32")
    kept = copy.get_weights()
    model.train_step(tf.constant(tiny.images(8)))
    for a, b in zip(copy.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_default_networks_take_another_policy_too():
    model = InfoGAN("digit:categorical(3)", (8, 8, 1), 4, dtype="float32")
    copy = precision.with_policy(model, "mixed_bfloat16")
    assert "mixed_bfloat16" in policies(copy)
    assert policies(precision.with_policy(copy, "float32")) == {"float32"}
