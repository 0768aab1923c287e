"""An InfoGAN as it is made and compiled."""

import pytest

from infogan_tf.codes import Categorical, Uniform
from infogan_tf.model import InfoGAN
from tests import tiny


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
