"""Scores of runs from unlabelled images: what is known in closed form."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf import selection
from infogan_tf.augmentation import RandomView
from infogan_tf.code_spec import CodeSpec
from tests import tiny

K = 4


class Reader:
    """A model that reads the category of an image off its first pixel, and as `deformed` of a deformed copy."""

    def __init__(self, sureness=1.0, deform=lambda images: images):
        self.sureness = sureness
        self.augmentation, self.recognition_augmentation = deform and keras.layers.Lambda(deform), None
        self.codes = CodeSpec.parse(f"kind:categorical({K})")

    def read(self, images):
        category = tf.cast(tf.round(images[:, 0, 0, 0] * 255), tf.int32) % K
        return tf.math.log(self.sureness * tf.one_hot(category, K) + (1 - self.sureness) / K)

    def __call__(self, images):
        return self.codes.infer(self.read(images))


def images(categories):
    return np.asarray(categories, np.uint8).reshape(-1, 1, 1, 1)


BALANCED = images(np.arange(40) % K)


def test_balanced_sure_and_stable_categories_hold_the_logarithm_of_their_number():
    assert selection.stable_information(Reader(), BALANCED) == pytest.approx(math.log(K))


def test_the_recognition_phases_deformation_will_do():
    reader = Reader()
    reader.augmentation, reader.recognition_augmentation = None, keras.layers.Lambda(tf.zeros_like)
    one_of_two_is_always_the_first = 0.25 * math.log(0.64) + 0.75 * math.log(1.6)
    assert selection.stable_information(reader, BALANCED) == pytest.approx(one_of_two_is_always_the_first)


def test_any_layer_that_draws_while_training_will_do():
    reader = Reader()
    reader.augmentation = keras.layers.GaussianNoise(1.0, seed=0)  # so much that every category may become any other
    assert selection.stable_information(reader, BALANCED) < 0.3


def test_a_look_leaves_the_next_views_as_they_were():
    seen, expected = (tiny.model(seed=3) for _ in range(2))
    for model in (seen, expected):
        model.augmentation = RandomView(seed=5)
    selection.stable_information(seen, np.zeros((3, 8, 8, 1), np.uint8))
    views = [model.augmentation(tiny.images(2), training=True) for model in (seen, expected)]
    np.testing.assert_array_equal(*views)


def test_what_it_needs():
    with pytest.raises(ValueError, match="needs a model with a categorical code and an augmentation"):
        selection.stable_information(Reader(deform=None), BALANCED)


def test_images_that_are_scaled_already_are_refused():
    """Divided by 255 once more they would all be black, and nothing would tell."""
    with pytest.raises(ValueError, match="images must be uint8, got float32"):
        selection.stable_information(Reader(), tiny.images(4))


def test_it_adds_up_over_batches():
    whole, parts = (selection.stable_information(Reader(0.7), BALANCED, size) for size in (40, 7))
    assert parts == pytest.approx(whole)


def test_one_category_for_all_images_holds_nothing():
    assert selection.stable_information(Reader(), images([2] * 8)) == pytest.approx(0, abs=1e-12)


def test_categories_that_a_deformation_changes_at_random_hold_nothing():
    sixteen = images(np.repeat(np.arange(K), K))
    deformed = (np.tile(np.arange(K), K) / 255).reshape(-1, 1, 1, 1)
    assert selection.stable_information(Reader(deform=lambda _: tf.constant(deformed)), sixteen) == pytest.approx(0)


def test_a_posterior_that_is_not_sure_holds_less():
    """The channel from k to k' is two symmetric channels of K symbols in a row."""
    sure = 0.6
    right = sure**2 + (1 - sure**2) / K
    wrong = (1 - right) / (K - 1)
    expected = math.log(K) + right * math.log(right) + (K - 1) * wrong * math.log(wrong)
    assert selection.stable_information(Reader(sure), BALANCED) == pytest.approx(expected)


def test_agreement_knows_no_names_of_categories():
    rng = np.random.default_rng(0)
    a, other = rng.integers(0, K, 20_000), rng.integers(0, K, 20_000)
    np.testing.assert_allclose(selection.agreement([a, (a + 1) % K, other]), [0.5, 0.5, 0], atol=1e-3)


def test_a_single_run_agrees_with_nobody():
    assert math.isnan(selection.agreement([np.array([0, 1])])[0])


def test_categories_are_the_most_probable_ones_in_order():
    np.testing.assert_array_equal(selection.categories(Reader(), BALANCED, 7), np.arange(40) % K)
