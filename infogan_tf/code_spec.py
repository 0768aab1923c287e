"""The ordered list of a model's codes: layout of the flat code, joint prior, posteriors, and the `--codes` string."""

from __future__ import annotations

import ast
import dataclasses
import keyword
import re
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from infogan_tf.codes import KINDS, Code

tfd = tfp.distributions

# Words that the client, the servable's outputs and the metrics use themselves.
RESERVED_NAMES = frozenset({"c", "code", "d", "g", "n", "seed", "self", "z"})


@keras.saving.register_keras_serializable("infogan_tf")
class CodeSpec:
    """Codes one after another in the flat code, in the order given.

    Args:
        codes: One or more codes with different names.

    Raises:
        ValueError: The list is empty, a name is not a lower-case identifier, is reserved, or stands twice.

    Example:
        >>> spec = CodeSpec([Categorical("digit", 10), Uniform("slant"), Uniform("width")])
        >>> spec.size
        12
        >>> str(spec)
        'digit:categorical(10),slant:uniform(1),width:uniform(1)'
    """

    def __init__(self, codes: Iterable[Code]) -> None:
        self.codes = tuple(codes)
        if not self.codes:
            raise ValueError("a code spec needs at least one code, for example Categorical('digit', 10)")
        names = [code.name for code in self.codes]
        for name in names:
            if not re.fullmatch("[a-z][a-z0-9_]*", name) or keyword.iskeyword(name) or name in RESERVED_NAMES:
                raise ValueError(
                    f"code name {name!r} must be a lower-case identifier other than {sorted(RESERVED_NAMES)}"
                )
            if names.count(name) > 1:
                raise ValueError(f"code name {name!r} stands {names.count(name)} times; names must differ")

    def __iter__(self) -> Iterator[Code]:
        return iter(self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, name: str) -> Code:
        for code in self.codes:
            if code.name == name:
                return code
        raise KeyError(f"no code {name!r}; there are {', '.join(code.name for code in self)}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CodeSpec) and self.codes == other.codes

    def __hash__(self) -> int:
        return hash(self.codes)

    @property
    def size(self) -> int:
        """Width of the flat code."""
        return sum(code.size for code in self)

    @property
    def categorical(self) -> list[str]:
        """Names of the categorical codes."""
        return [code.name for code in self if code.kind == "categorical"]

    @property
    def num_parameters(self) -> int:
        """Width of the Q head's output."""
        return sum(code.num_parameters for code in self)

    def prior(self) -> tfd.JointDistributionNamed:
        """P(c), each code under its name."""
        return tfd.JointDistributionNamed({code.name: code.prior() for code in self})

    def sample(self, n: int | tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Flat codes [n, size], float32, from the prior; `seed` is a stateless seed of 2 integers."""
        values = self.prior().sample(n, seed=tf.cast(seed, tf.int32))
        return tf.concat([code.to_flat(values[code.name]) for code in self], axis=-1)

    @property
    def factors(self) -> list[int]:
        """Widths, in the flat code, of what can change on its own: a category, a bit, a number, an angle."""
        indivisible = {"categorical", "circular"}
        return [w for code in self for w in ([code.size] if code.kind in indivisible else [1] * code.size)]

    def share(self, flat: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
        """Pairs of codes that agree in one factor: row 2i + 1 takes factor `factors[i]` from row 2i.

        Each row of draws from the prior, taken by itself, is still one. An odd last row stays alone.

        Args:
            flat: Codes [n, size].
            factors: Indices into `self.factors`, int [n // 2].
        """
        of_pair = tf.one_hot(factors, len(self.factors), dtype=tf.bool, on_value=True, off_value=False)
        shared = tf.repeat(of_pair, self.factors, axis=1)  # [n // 2, size]
        second = flat[1::2]
        first = flat[::2][: tf.shape(second)[0]]
        pairs = tf.stack([first, tf.where(shared, first, second)], axis=1)
        return tf.concat([tf.reshape(pairs, [-1, self.size]), flat[2 * tf.shape(second)[0] :]], axis=0)

    def split(self, flat: tf.Tensor) -> dict[str, tf.Tensor]:
        """The slice [..., code.size] of each code in a flat code [..., size]."""
        return self._split(flat, [code.size for code in self])

    def split_parameters(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        """The slice [..., code.num_parameters] of each code in the Q head's output, as float32."""
        return self._split(tf.cast(parameters, tf.float32), [code.num_parameters for code in self])

    def _split(self, tensor: tf.Tensor, sizes: list[int]) -> dict[str, tf.Tensor]:
        pieces = tf.split(tensor, sizes, axis=-1)
        return {code.name: piece for code, piece in zip(self, pieces, strict=True)}

    def posteriors(self, parameters: tf.Tensor) -> dict[str, tfd.Distribution]:
        """Q(c|x) of each code; given x the codes are independent, so Q(c|x) is their product.

        Args:
            parameters: Output of the Q head, [batch, num_parameters].
        """
        slices = self.split_parameters(parameters)
        return {code.name: code.posterior(slices[code.name]) for code in self}

    def infer(self, parameters: tf.Tensor) -> dict[str, tf.Tensor]:
        """Point estimate and posterior of each code for the Q head's output [batch, num_parameters].

        Returns:
            `code` [batch, size] and, for each code, `NAME_probs`, or `NAME_mean` and `NAME_stddev` (circular:
            `NAME_concentration`), [batch, dim], all float32.
        """
        slices = self.split_parameters(parameters)
        outputs = {"code": tf.concat([code.estimate(slices[code.name]) for code in self], axis=-1)}
        for code in self:
            for suffix, value in code.outputs(slices[code.name]).items():
                outputs[f"{code.name}_{suffix}"] = value
        return outputs

    def describe(self) -> list[dict[str, Any]]:
        """Kind, offset and size of each code, as JSON values."""
        descriptions, offset = [], 0
        for code in self:
            descriptions.append({**code.describe(), "offset": offset})
            offset += code.size
        return descriptions

    def get_config(self) -> dict[str, Any]:
        return {"codes": [{"kind": code.kind, **code.get_config()} for code in self]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CodeSpec:
        codes = [dict(code) for code in config["codes"]]
        return cls(KINDS[code.pop("kind")](**code) for code in codes)

    @classmethod
    def parse(cls, text: str) -> CodeSpec:
        """The spec that a string like `digit:categorical(10),slant:uniform,style:gaussian(2, stddev=0.5)` names.

        Raises:
            ValueError: Names the part that cannot be read.
        """
        # A comma that is followed by `name:` starts the next code; other commas belong to arguments.
        return cls(_parse_code(part) for part in re.split(r",(?=\s*\w+\s*:)", text.strip()) if part)

    def __str__(self) -> str:
        return ",".join(map(_format_code, self))

    def __repr__(self) -> str:
        return f"CodeSpec({list(self.codes)})"


def _parse_code(text: str) -> Code:
    name, _, expression = (part.strip() for part in text.partition(":"))
    try:
        node = ast.parse(expression, mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        kind = KINDS[call.func.id]
        positional = [ast.literal_eval(argument) for argument in call.args]
        named = {argument.arg: ast.literal_eval(argument.value) for argument in call.keywords}
        return kind(name, *positional, **named)
    except (SyntaxError, AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f" ({error})" if isinstance(error, ValueError | TypeError) else ""
        raise ValueError(
            f"cannot read the code {text!r}: expected NAME:KIND or NAME:KIND(ARGUMENTS) with KIND one of "
            f"{', '.join(KINDS)}{reason}"
        ) from None


def _format_code(code: Code) -> str:
    """The shortest text that `_parse_code` reads back: size, then whatever differs from the default."""
    arguments = []
    for field in dataclasses.fields(code)[1:]:
        value = getattr(code, field.name)
        if not arguments and field.name in {"num_classes", "dim"}:
            arguments.append(str(value))
        elif value != field.default:
            arguments.append(f"{field.name}={value!r}")
    return f"{code.name}:{code.kind}" + (f"({', '.join(arguments)})" if arguments else "")
