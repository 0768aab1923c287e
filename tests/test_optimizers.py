"""The fused Adam against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.optimizers import Adam, FallingRate, steps_taken

SHAPES = [(3, 4), (5,), (1,)]


def run(optimizer, steps: int = 6):
    """Variables and optimizer state after a few steps along fixed gradients of very different sizes."""
    rng = np.random.default_rng(0)
    variables = [keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in SHAPES]
    for _ in range(steps):
        gradients = [
            keras.ops.convert_to_tensor((rng.normal(size=s) * 10.0 ** rng.integers(-6, 3)).astype(np.float32))
            for s in SHAPES
        ]
        optimizer.apply(gradients, variables)
    return [v.numpy() for v in variables], [v.numpy() for v in optimizer.variables]


# 1 - beta_2 is exact in float32, so that the kernel, which takes it in float32, and Keras, which takes it in float64,
# use the same number.
EXACT = {"beta_1": 0.5, "beta_2": 1 - 2**-10}


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"learning_rate": 2e-4},
        {"learning_rate": 0.3, "beta_1": 0.0, "epsilon": 1e-3},
        {"weight_decay": 0.1},
        {"clipnorm": 0.5},
        {"gradient_accumulation_steps": 3},
        {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)},
    ],
    ids=lambda arguments: ",".join(arguments) or "default",
)
def test_steps_are_keras_adam(arguments):
    ours, our_state = run(Adam(**{**EXACT, **arguments}))
    theirs, their_state = run(keras.optimizers.Adam(**{**EXACT, **arguments}))
    for actual, expected in zip(ours + our_state, theirs + their_state, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_default_steps_are_keras_adam_up_to_the_rounding_of_beta_2():
    """float32(0.999) is off by up to 2^-25, which is 3e-5 of 1 - 0.999: no more than that apart, per step of 1e-3."""
    ours, _ = run(Adam())
    theirs, _ = run(keras.optimizers.Adam())
    for actual, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=6 * 1e-3 * 2**-25 / 1e-3)


def test_first_step_is_the_learning_rate_against_the_sign():
    """As m / (1 - b1) = g and sqrt(v / (1 - b2)) = |g|, the first update is -lr sign(g), whatever the size of g."""
    variable = keras.Variable(np.zeros(3, np.float32))
    gradient = keras.ops.convert_to_tensor(np.float32([1e-3, -5.0, 200.0]))
    Adam(0.01, beta_1=0.5, epsilon=1e-12).apply([gradient], [variable])
    np.testing.assert_allclose(variable, [-0.01, 0.01, -0.01], rtol=1e-5)


def test_loss_scaling_is_undone():
    """Wrapped in LossScaleOptimizer, a scaled gradient gives the step of the plain one; an infinite one gives none."""
    variable = keras.Variable(np.zeros(2, np.float32))
    optimizer = keras.optimizers.LossScaleOptimizer(Adam(0.01), initial_scale=8.0)
    optimizer.build([variable])
    gradient = keras.ops.convert_to_tensor(np.float32([1.0, -2.0]))
    optimizer.apply([gradient * 8], [variable])
    plain = keras.Variable(np.zeros(2, np.float32))
    Adam(0.01).apply([gradient], [plain])
    np.testing.assert_allclose(variable, plain, rtol=1e-6)
    before = variable.numpy()
    optimizer.apply([gradient * np.inf], [variable])
    np.testing.assert_array_equal(variable, before)
    assert float(optimizer.dynamic_scale) == 4.0


def test_config_round_trip():
    optimizer = Adam(2e-4, beta_1=0.5, beta_2=0.99, epsilon=1e-5)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is Adam
    assert again.get_config() == optimizer.get_config()


def test_amsgrad_is_not_silently_ignored():
    """`amsgrad` is not offered: asking for it must not give plain Adam."""
    with pytest.raises((TypeError, ValueError), match="amsgrad"):
        Adam(amsgrad=True)


def test_the_rate_falls_in_a_straight_line_over_the_last_steps():
    rate = FallingRate(0.4, end=8, length=4)
    assert [float(rate(step)) for step in range(10)] == pytest.approx(
        [0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1, 0, 0], abs=1e-7
    )


def test_a_fall_longer_than_the_training_begins_with_it():
    assert [float(FallingRate(0.4, end=4, length=100)(step)) for step in range(4)] == pytest.approx(
        [0.4, 0.3, 0.2, 0.1]
    )


def test_the_falling_rate_is_the_optimizers_and_survives_its_config():
    """Steps of plain descent against a constant gradient show each rate."""
    variable = keras.Variable([0.0])
    optimizer = keras.optimizers.SGD(FallingRate(1.0, end=4, length=2))
    optimizer = keras.optimizers.SGD.from_config(optimizer.get_config())
    moved = []
    for _ in range(4):
        before = float(variable[0])
        optimizer.apply([tf.constant([1.0])], [variable])
        moved.append(before - float(variable[0]))
    assert moved == pytest.approx([1.0, 1.0, 1.0, 0.5])


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("accumulated", [None, 3])
def test_steps_taken_counts_steps_and_not_updates(scaled, accumulated):
    optimizer = Adam(gradient_accumulation_steps=accumulated)
    optimizer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    run(optimizer, steps=6)
    assert float(steps_taken(optimizer)) == 6
