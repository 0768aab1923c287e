"""One training step of the paper's MNIST networks against the same step in float64, written out.

The reference shares nothing with the package but weights, images and draws: convolutions are sums of matrix products
over the taps of their kernels, batch normalisation, losses and Adam are formulas, gradients are TensorFlow's of those.

Compared are losses and gradients, the latter as Adam's first moment m = (1 - beta_1) g holds them after one step. The
weights say less: the first update is lr g / (|g| + ε), which is ±lr whatever the size of g, and has no sure sign where
g is near 0. G's and Q's gradients go through the updated D, so they show D's update too.
"""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.model import InfoGAN

PARTS = ("generator", "trunk", "discriminator_head", "posterior_head")


def exact(x):
    return x


def in_bfloat16(x):
    """As a layer under mixed_bfloat16 stores it; so is the gradient on its way back."""
    return tf.cast(tf.cast(x, tf.bfloat16), x.dtype)


def batch_norm(x, gamma, beta):
    axes = list(range(x.shape.rank - 1))
    mean = tf.reduce_mean(x, axes)
    variance = tf.reduce_mean((x - mean) ** 2, axes)
    return (x - mean) / tf.sqrt(variance + 1e-5) * gamma + beta


def leaky_relu(x):
    return tf.where(x > 0, x, 0.1 * x)


def conv(x, kernel):
    """4 x 4, stride 2, a border of one zero: a tap meets every second pixel."""
    height, width = x.shape[1:3]
    x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
    return tf.add_n([x[:, i : i + height : 2, j : j + width : 2] @ kernel[i, j] for i in range(4) for j in range(4)])


def upconv(x, kernel):
    """Its transpose: a tap sends pixel (h, w) to (2h + i - 1, 2w + j - 1)."""
    n, height, width, _ = x.shape
    apart = tf.pad(x[:, :, tf.newaxis, :, tf.newaxis], [[0, 0], [0, 0], [0, 1], [0, 0], [0, 1], [0, 0]])
    apart = tf.reshape(apart, [n, 2 * height, 2 * width, -1])
    taps = [
        tf.pad(apart @ tf.transpose(kernel[i, j]), [[0, 0], [i, 3 - i], [j, 3 - j], [0, 0]])
        for i in range(4)
        for j in range(4)
    ]
    return tf.add_n(taps)[:, 1:-2, 1:-2]


def generator(w, z, c, store):
    x = store(batch_norm(store(store(tf.concat([z, c], 1)) @ store(w[0])), w[1], w[2]))
    x = store(batch_norm(store(tf.nn.relu(x) @ store(w[3])), w[4], w[5]))
    x = tf.reshape(tf.nn.relu(x), [-1, 7, 7, 128])
    x = store(batch_norm(store(upconv(x, store(w[6]))), w[7], w[8]))
    x = store(store(upconv(tf.nn.relu(x), store(w[9]))) + store(w[10]))
    return 1 / (1 + tf.exp(-x))


def trunk(w, x, store):
    x = store(leaky_relu(store(store(conv(store(x), store(w[0]))) + store(w[1]))))
    x = store(leaky_relu(store(batch_norm(store(conv(x, store(w[2]))), w[3], w[4]))))
    return store(leaky_relu(store(batch_norm(store(tf.reshape(x, [len(x), -1]) @ store(w[5])), w[6], w[7]))))


def discriminator_head(w, features):
    return features @ w[0] + w[1]


def posterior_head(w, features, store):
    x = store(leaky_relu(store(batch_norm(store(features @ store(w[0])), w[1], w[2]))))
    return x @ w[3] + w[4]


def information(c, q):
    """L_I by code: a categorical of 10 and two of U(-1, 1), read by Normals of standard deviation 0.1 + softplus."""
    log_q = {"digit": tf.reduce_sum(c[:, :10] * q[:, :10], 1) - tf.math.log(tf.reduce_sum(tf.exp(q[:, :10]), 1))}
    for name, value, mean, raw in (("slant", 10, 10, 11), ("width", 11, 12, 13)):
        stddev = 0.1 + tf.math.log(1 + tf.exp(q[:, raw]))
        log_q[name] = -(((c[:, value] - q[:, mean]) / stddev) ** 2) / 2 - tf.math.log(stddev * math.sqrt(2 * math.pi))
    return {name: tf.reduce_mean(x) + math.log(10 if name == "digit" else 2) for name, x in log_q.items()}


def adam(variables, gradients, learning_rate):
    """The first step of Kingma and Ba (2015), in the order at the end of section 2; betas 0.5 and 0.999, ε 1e-7."""
    rate = learning_rate * math.sqrt(1 - 0.999) / (1 - 0.5)
    return [w - rate * 0.5 * g / (tf.sqrt(0.001 * g**2) + 1e-7) for w, g in zip(variables, gradients, strict=True)]


def reference_step(weights, real, z, c, store):
    """Losses by name, and gradients in the order of PARTS and of their variables."""
    w = {part: [tf.constant(value, tf.float64) for value in values] for part, values in weights.items()}
    real, z, c = (tf.cast(x, tf.float64) for x in (real, z, c))
    fake = generator(w["generator"], z, c, store)

    d = [w["trunk"], w["discriminator_head"]]
    with tf.GradientTape() as tape:
        tape.watch(d)
        real_logits, fake_logits = (discriminator_head(d[1], trunk(d[0], x, store)) for x in (real, fake))
        d_loss = tf.reduce_mean(tf.math.log(1 + tf.exp(-real_logits)) + tf.math.log(1 + tf.exp(fake_logits)))
    d_gradients = tape.gradient(d_loss, d)
    updated = [adam(variables, gradients, 2e-4) for variables, gradients in zip(d, d_gradients, strict=True)]

    gq = [w["generator"], w["posterior_head"]]
    with tf.GradientTape() as tape:
        tape.watch(gq)
        features = trunk(updated[0], generator(gq[0], z, c, store), store)
        g_loss = tf.reduce_mean(tf.math.log(1 + tf.exp(-discriminator_head(updated[1], features))))
        bound = information(c, posterior_head(gq[1], features, store))
        objective = g_loss - bound["digit"] - 0.1 * (bound["slant"] + bound["width"])
    g_gradients, q_gradients = tape.gradient(objective, gq)

    losses = {"d_loss": d_loss, "g_loss": g_loss} | {f"{name}_information": value for name, value in bound.items()}
    gradients = [g.numpy() for g in [*g_gradients, *d_gradients[0], *d_gradients[1], *q_gradients]]
    return {name: float(value) for name, value in losses.items()}, gradients


def new_model(policy):
    keras.utils.set_random_seed(0)
    model = InfoGAN("digit:categorical(10),slant:uniform,width:uniform", seed=0, dtype=policy)
    # Its first images are nearly grey, and D's batch normalisation divides by their tiny variance: ten times the
    # contrast, about what training gives.
    kernel = model.generator.get_layer(index=-2).kernel
    kernel.assign(10 * kernel)
    return model


def real_images(n):
    """Images that differ as digits do: 4 x 4 squares of 7 x 7 pixels, each black or white."""
    squares = np.random.default_rng(0).integers(0, 2, (n, 4, 4, 1)).astype(np.float32)
    return squares.repeat(7, axis=1).repeat(7, axis=2)


def reference(n, *stores):
    """The reference's step for each way to store."""
    model, real = new_model("float32"), real_images(n)
    weights = {part: [v.numpy() for v in getattr(model, part).trainable_variables] for part in PARTS}
    z, c = model.sample(n)
    return [reference_step(weights, real, z, c, store) for store in stores]


def model_step(n, policy):
    """As `reference_step`, of the model itself."""
    model = new_model(policy)
    model.compile()
    losses = model.train_step(tf.constant(real_images(n)))
    moments = [m.numpy() for o in (model.discriminator_optimizer, model.generator_optimizer) for m in o._momentums]
    d, g = len(model.discriminator_variables), len(model.generator.trainable_variables)
    gradients = [m / (1 - 0.5) for m in [*moments[d : d + g], *moments[:d], *moments[d + g :]]]
    return {name: float(value) for name, value in losses.items()}, gradients


def distances(gradients, expected):
    """Of each variable's gradient, relative to the norm of the expected one."""
    return np.array([np.linalg.norm(g - e) / np.linalg.norm(e) for g, e in zip(gradients, expected, strict=True)])


def test_float32():
    """Few images: so no unit of the reference lies within 6e-6 standard deviations of the kink of its (leaky) ReLU.

    One that float32 put on the other side would alter whole gradients by a thousandth.
    """
    [(expected_losses, expected)] = reference(8, exact)
    losses, gradients = model_step(8, "float32")
    assert losses == pytest.approx(expected_losses, rel=0, abs=1e-5)
    assert distances(gradients, expected).max() < 1e-5


def test_mixed_bfloat16():
    """Losses to a hundredth; gradients as near as activations stored in 8 bits let them be.

    That is not near. Rounding puts some units on the other side of their kink; if it does so for a fraction p of a
    layer, the gradient through it is off by about 0.9 sqrt(p), which makes a fifth for most variables here. What is
    inevitable shows in the reference itself, once every layer's output and its gradient are rounded to bfloat16.
    """
    (expected_losses, expected), (_, rounded) = reference(32, exact, in_bfloat16)
    losses, gradients = model_step(32, "mixed_bfloat16")
    assert losses == pytest.approx(expected_losses, rel=0, abs=1e-2)
    assert (distances(gradients, expected) <= np.maximum(1.5 * distances(rounded, expected), 1e-2)).all()
