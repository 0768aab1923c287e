"""`infogan-train --list_presets`: what each preset trains on, its codes, and how large its networks are."""

from __future__ import annotations

import math
from itertools import groupby

import keras

from infogan_tf import presets
from infogan_tf.code_spec import CodeSpec
from infogan_tf.model import InfoGAN

COLUMNS = "{:16} {:14} {:10} {:>5}  {:46} {:>10} {:>10}"


def show() -> None:
    """Prints a line for each preset as soon as its networks are counted."""
    print(COLUMNS.format("preset", "data set", "images", "noise", "codes, λ of each", "D and Q", "G"))
    for name in presets.PRESETS:
        print(COLUMNS.format(*row(name)).rstrip(), flush=True)


def row(name: str) -> list[str]:
    """One preset's cells; the numbers are of trainable parameters."""
    preset = presets.get(name)
    model = InfoGAN.from_preset(name)
    d_and_q = (model.trunk, model.discriminator_head, model.posterior_head)
    return [
        name,
        preset["dataset"] or "your own",
        "x".join(map(str, preset["image_shape"])),
        str(preset["noise_size"]),
        summary(model.codes, preset["lambdas"]),
        f"{sum(map(num_parameters, d_and_q)):,}",
        f"{num_parameters(model.generator):,}",
    ]


def summary(codes: CodeSpec, lambdas: dict[str, float]) -> str:
    """Codes that follow each other and differ in nothing but their names together: `2 x uniform(1), λ 0.1`."""

    def described(code) -> str:
        kind = str(CodeSpec([code])).partition(":")[2]
        return f"{kind} λ {lambdas[code.name]:g}"

    groups = [(text, len(list(group))) for text, group in groupby(map(described, codes))]
    return ", ".join(text if count == 1 else f"{count} x {text}" for text, count in groups)


def num_parameters(network: keras.Model) -> int:
    """Trainable parameters."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
