"""The objective: adversarial losses and the bound on the mutual information, as functions of tensors.

With D(x) = sigmoid(logit), InfoGAN is (Chen et al., 2016, arXiv 1606.03657, eq. 6)

    min over (G, Q), max over D of  V(D, G) - λ L_I(G, Q)

Every loss is computed from logits, averaged over the batch, and minimised.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import tensorflow as tf

from infogan_tf.code_spec import CodeSpec


class DiscriminatorLoss(Protocol):
    """Logits of real and of generated images [batch, 1] -> scalar that D minimises."""

    def __call__(self, real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor: ...


class GeneratorLoss(Protocol):
    """Logits of generated images [batch, 1] -> scalar that G minimises."""

    def __call__(self, fake_logits: tf.Tensor) -> tf.Tensor: ...


class AdversarialLoss(NamedTuple):
    """What D and G minimise."""

    discriminator: DiscriminatorLoss
    generator: GeneratorLoss


def negative_value(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """-V(D,G) = -E[log D(x)] - E[log(1 - D(G(z,c)))] (eq. 1), for D to minimise."""
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def minimax(fake_logits: tf.Tensor) -> tf.Tensor:
    """E[log(1 - D(G(z,c)))]: G's part of V (eq. 1) to the letter. Flat where D is sure."""
    return -tf.reduce_mean(tf.nn.softplus(fake_logits))


def non_saturating(fake_logits: tf.Tensor) -> tf.Tensor:
    """-E[log D(G(z,c))]: the same fixed point with a gradient where D is sure (Goodfellow et al., 2014, sec. 3)."""
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def hinge_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z,c)))] on raw outputs (Lim and Ye, 2017, eq. 4)."""
    return tf.reduce_mean(tf.nn.relu(1 - real_logits)) + tf.reduce_mean(tf.nn.relu(1 + fake_logits))


def hinge_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """-E[D(G(z,c))] on raw outputs."""
    return -tf.reduce_mean(fake_logits)


def least_squares_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """½E[(D(x) - 1)²] + ½E[D(G(z,c))²] on raw outputs (Mao et al., 2017, eq. 9)."""
    return (tf.reduce_mean((real_logits - 1) ** 2) + tf.reduce_mean(fake_logits**2)) / 2


def least_squares_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """½E[(D(G(z,c)) - 1)²] on raw outputs."""
    return tf.reduce_mean((fake_logits - 1) ** 2) / 2


ADVERSARIAL_LOSSES = {
    "non_saturating": AdversarialLoss(negative_value, non_saturating),
    "minimax": AdversarialLoss(negative_value, minimax),
    "hinge": AdversarialLoss(hinge_discriminator, hinge_generator),
    "least_squares": AdversarialLoss(least_squares_discriminator, least_squares_generator),
}


def information(spec: CodeSpec, code: tf.Tensor, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
    """L_I of each code in nats: a lower bound on I(c; G(z,c)).

        L_I(G, Q) = E[log Q(c|x)] + H(c),  c ~ P(c), x ~ G(z, c)     (eq. 5)

    The bound is tight where Q(c|x) is the true posterior. H(c) has no gradient, but only with it is the number an
    information.

    Args:
        spec: The codes.
        code: Flat codes [batch, spec.size] that the images were generated from.
        parameters: Output of the Q head on those images, [batch, spec.num_parameters].

    Returns:
        One float32 scalar for each code, its mean over the batch.
    """
    return {name: tf.reduce_mean(values) for name, values in pointwise_information(spec, code, parameters).items()}


def pointwise_information(spec: CodeSpec, code: tf.Tensor, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
    """Of each code and image, [batch], log Q(c|x) + H(c), whose mean is `information`."""
    slices, posteriors = spec.split(code), spec.posteriors(parameters)
    return {c.name: posteriors[c.name].log_prob(c.from_flat(slices[c.name])) + c.entropy for c in spec}


def contrast(logits: tf.Tensor, shared: tf.Tensor) -> tf.Tensor:
    """How badly a head tells which factor two images' codes share; G is trained to make it easy.

    So that a factor that stays must show in what stays, and one that changes in what changes (Lin et al., 2020,
    InfoGAN-CR, eq. 5).

    Args:
        logits: [pairs, factors].
        shared: int [pairs].

    Returns:
        The mean cross-entropy in nats; the logarithm of the number of factors where the head knows nothing.
    """
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(shared, logits))
