"""Latent codes: for each kind its prior P(c), the family of its posterior Q(c|x), and its place in the flat code.

A *flat* code is what the generator reads and what `infer_code` answers. For most kinds it is the value itself; a
circular code's value is an angle, laid out as (cos, sin) so that 0 and 2π are the same point.
"""

from __future__ import annotations

import abc
import dataclasses
import math
import numbers
from typing import Any, ClassVar

import tensorflow as tf
import tensorflow_probability as tfp
from scipy import special

tfd = tfp.distributions

LOG_2PI = math.log(2 * math.pi)


@dataclasses.dataclass(frozen=True)
class Code(abc.ABC):
    """One named part of the latent code.

    Attributes:
        name: A Python identifier; flags, metrics and served outputs carry it.
        size: Width in the flat code.
        num_parameters: Width of the Q head's output for this code.
        entropy: H(c) of the prior in nats (differential entropy for continuous kinds).
        max_information: The largest L_I in nats that the posterior family can report.
        default_lambda: Weight of L_I in the loss unless told otherwise.
        discrete: Whether L_I is read through the model's augmentation, unless that is of other codes (`views`).
    """

    name: str

    kind: ClassVar[str]
    default_lambda: ClassVar[float] = 1.0
    discrete: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def size(self) -> int: ...

    @property
    @abc.abstractmethod
    def num_parameters(self) -> int: ...

    @property
    @abc.abstractmethod
    def entropy(self) -> float: ...

    @property
    def max_information(self) -> float:
        """I(c; x) <= H(c): a discrete code cannot carry more than its entropy."""
        return self.entropy

    @abc.abstractmethod
    def prior(self) -> tfd.Distribution:
        """P(c), over one value."""

    @abc.abstractmethod
    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        """Q(c|x) for the Q head's output [batch, num_parameters]; a batch of distributions over values."""

    @abc.abstractmethod
    def outputs(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the posterior says, by output suffix (`probs`, or `mean` and `stddev`), each batch first."""

    @abc.abstractmethod
    def estimate(self, parameters: tf.Tensor) -> tf.Tensor:
        """Flat point estimate [batch, size]: probabilities or mean."""

    def to_flat(self, value: tf.Tensor) -> tf.Tensor:
        """Flat code [batch, size] of a value drawn from the prior."""
        return value

    def from_flat(self, flat: tf.Tensor) -> tf.Tensor:
        """Inverse of `to_flat`."""
        return flat

    def describe(self) -> dict[str, Any]:
        """What a client must know to build or read this code, as JSON values."""
        return {"name": self.name, "kind": self.kind, "size": self.size}

    def get_config(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Categorical(Code):
    """One of `num_classes`, one-hot; uniform unless `probs` is given (num_classes probabilities that add to 1)."""

    num_classes: int = 10
    probs: tuple[float, ...] | None = None

    kind = "categorical"
    discrete = True
    size = num_parameters = property(lambda self: self.num_classes)

    def __post_init__(self) -> None:
        _check_integer(self, "num_classes", smallest=2)
        if self.probs is None:
            return
        object.__setattr__(self, "probs", tuple(float(p) for p in self.probs))
        if len(self.probs) != self.num_classes or min(self.probs) <= 0 or abs(sum(self.probs) - 1) > 1e-6:
            raise ValueError(
                f"code {self.name!r}: probs must be {self.num_classes} positive numbers that add to 1, got {self.probs}"
            )

    @property
    def probabilities(self) -> tuple[float, ...]:
        """P(c = k) for each class k."""
        return self.probs or (1 / self.num_classes,) * self.num_classes

    @property
    def entropy(self) -> float:
        return -sum(p * math.log(p) for p in self.probabilities)

    def prior(self) -> tfd.Distribution:
        return tfd.OneHotCategorical(probs=self.probabilities, dtype=tf.float32)

    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        return tfd.OneHotCategorical(logits=parameters, dtype=tf.float32)

    def outputs(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probs": self.estimate(parameters)}

    def estimate(self, parameters: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(parameters)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "probs": list(self.probabilities)}


@dataclasses.dataclass(frozen=True)
class Bernoulli(Code):
    """`dim` independent fair bits, each 0 or 1."""

    dim: int = 1

    kind = "bernoulli"
    discrete = True
    size = num_parameters = property(lambda self: self.dim)

    def __post_init__(self) -> None:
        _check_integer(self, "dim", smallest=1)

    @property
    def entropy(self) -> float:
        return self.dim * math.log(2)

    def prior(self) -> tfd.Distribution:
        return tfd.Independent(tfd.Bernoulli(probs=[0.5] * self.dim, dtype=tf.float32), 1)

    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        return tfd.Independent(tfd.Bernoulli(logits=parameters, dtype=tf.float32), 1)

    def outputs(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probs": self.estimate(parameters)}

    def estimate(self, parameters: tf.Tensor) -> tf.Tensor:
        return tf.sigmoid(parameters)


@dataclasses.dataclass(frozen=True)
class Continuous(Code):
    """Shared by the kinds whose posterior is a diagonal Normal.

    The paper's exp(.) lets the standard deviation fall to 0, where L_I grows without bound and means nothing; here
    it stays above `min_stddev`. `stddev` fixes it instead (then the Q head gives the mean alone).
    """

    dim: int = 1
    stddev: float | None = None
    min_stddev: float = 0.1

    default_lambda = 0.1
    size = property(lambda self: self.dim)

    def __post_init__(self) -> None:
        _check_integer(self, "dim", smallest=1)
        for field in ("stddev", "min_stddev"):
            value = getattr(self, field)
            if value is not None and value <= 0:
                raise ValueError(f"code {self.name!r}: {field} must be positive, got {value}")

    @property
    def num_parameters(self) -> int:
        return self.dim if self.stddev else 2 * self.dim

    @property
    def max_information(self) -> float:
        """H(c) plus the peak log density that the smallest standard deviation allows."""
        return self.entropy - self.dim * (0.5 * LOG_2PI + math.log(self.stddev or self.min_stddev))

    def mean_and_stddev(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mean = parameters[..., : self.dim]
        if self.stddev:
            return mean, tf.fill(tf.shape(mean), tf.constant(self.stddev, mean.dtype))
        return mean, self.min_stddev + tf.nn.softplus(parameters[..., self.dim :])

    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        return tfd.Independent(tfd.Normal(*self.mean_and_stddev(parameters)), 1)

    def outputs(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, stddev = self.mean_and_stddev(parameters)
        return {"mean": mean, "stddev": stddev}

    def estimate(self, parameters: tf.Tensor) -> tf.Tensor:
        return self.mean_and_stddev(parameters)[0]


@dataclasses.dataclass(frozen=True)
class Uniform(Continuous):
    """`dim` independent numbers from U(-1, 1).

    `truncated` restricts the Normal posterior, its mean included, to the prior's support: a tighter bound on the same
    information. `outputs` are then mean and standard deviation of the Normal before it is cut off.
    """

    truncated: bool = False

    kind = "uniform"

    @property
    def entropy(self) -> float:
        return self.dim * math.log(2)

    def prior(self) -> tfd.Distribution:
        return tfd.Independent(tfd.Uniform([-1.0] * self.dim, [1.0] * self.dim), 1)

    def mean_and_stddev(self, parameters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        mean, stddev = super().mean_and_stddev(parameters)
        if self.truncated:  # the value is clipped, the gradient is not, or a mean outside could not come back
            mean += tf.stop_gradient(tf.clip_by_value(mean, -1.0, 1.0) - mean)
        return mean, stddev

    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        if not self.truncated:
            return super().posterior(parameters)
        mean, stddev = self.mean_and_stddev(parameters)
        return tfd.Independent(tfd.TruncatedNormal(mean, stddev, low=-1.0, high=1.0), 1)

    @property
    def max_information(self) -> float:
        """As for a Normal; with its mean on an edge, truncation divides the density by Φ(2/σ) - ½, the mass inside."""
        if not self.truncated:
            return super().max_information
        inside = special.ndtr(2 / (self.stddev or self.min_stddev)) - 0.5
        return super().max_information - self.dim * math.log(inside)

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "range": [-1.0, 1.0]}


@dataclasses.dataclass(frozen=True)
class Gaussian(Continuous):
    """`dim` independent numbers from N(0, 1)."""

    kind = "gaussian"

    @property
    def entropy(self) -> float:
        return self.dim * 0.5 * (LOG_2PI + 1)

    def prior(self) -> tfd.Distribution:
        return tfd.Independent(tfd.Normal([0.0] * self.dim, 1.0), 1)


@dataclasses.dataclass(frozen=True)
class Circular(Code):
    """An angle in radians, uniform on the circle, laid out as (cos, sin).

    The Q head gives the von Mises' natural parameters κ(cos μ, sin μ); κ is kept below `max_concentration` for the
    reason given in `Continuous`.
    """

    max_concentration: float = 100.0

    kind = "circular"
    default_lambda = 0.1
    size = num_parameters = property(lambda self: 2)

    def __post_init__(self) -> None:
        if self.max_concentration <= 0:
            raise ValueError(f"code {self.name!r}: max_concentration must be positive")

    @property
    def entropy(self) -> float:
        return LOG_2PI

    @property
    def max_information(self) -> float:
        """H(c) plus the log density at the mode of the sharpest von Mises, κ - log(2π I0(κ))."""
        return self.entropy - math.log(2 * math.pi * special.i0e(self.max_concentration))

    def prior(self) -> tfd.Distribution:
        return tfd.VonMises(loc=0.0, concentration=0.0)

    def posterior(self, parameters: tf.Tensor) -> tfd.Distribution:
        mean, concentration = self.outputs(parameters).values()
        return tfd.VonMises(mean[..., 0], concentration[..., 0])

    def outputs(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        # The offset keeps the gradients of the angle and of the norm finite at the origin.
        x, y = parameters[..., :1] + 1e-6, parameters[..., 1:]
        norm = tf.sqrt(x**2 + y**2 + 1e-20)
        concentration = self.max_concentration * tf.tanh(norm / self.max_concentration)
        return {"mean": tf.atan2(y, x), "concentration": concentration}

    def estimate(self, parameters: tf.Tensor) -> tf.Tensor:
        return self.to_flat(self.outputs(parameters)["mean"][..., 0])

    def to_flat(self, value: tf.Tensor) -> tf.Tensor:
        return tf.stack([tf.cos(value), tf.sin(value)], axis=-1)

    def from_flat(self, flat: tf.Tensor) -> tf.Tensor:
        return tf.atan2(flat[..., 1], flat[..., 0])


def _check_integer(code: Code, field: str, smallest: int) -> None:
    """NumPy's integers will do, and become Python's."""
    value = getattr(code, field)
    if not isinstance(value, numbers.Integral) or value < smallest:
        raise ValueError(f"code {code.name!r}: {field} must be an integer from {smallest} up, got {value}")
    object.__setattr__(code, field, int(value))


KINDS: dict[str, type[Code]] = {k.kind: k for k in (Categorical, Uniform, Gaussian, Bernoulli, Circular)}
