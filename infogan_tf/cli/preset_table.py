"""`infogan-train --list_presets`: what each preset trains on, its codes, and how large its networks are."""

from __future__ import annotations

import math
from itertools import groupby

import keras

from infogan_tf import presets
from infogan_tf.code_spec import CodeSpec
from infogan_tf.codes import Code
from infogan_tf.model import InfoGAN

COLUMNS = "{:18} {:13} {:9} {:>5} {:>10} {:>10}  {}"


def show() -> None:
    """Prints a line for each preset as soon as its networks are counted."""
    print(COLUMNS.format("preset", "data set", "images", "noise", "D and Q", "G", "codes, λ of each"))
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
        f"{sum(map(num_parameters, d_and_q)):,}",
        f"{num_parameters(model.generator):,}",
        summary(model.codes, preset["lambdas"]),
    ]


def summary(codes: CodeSpec, lambdas: dict[str, float]) -> str:
    """Codes that follow each other and differ in nothing but their names together: `c1 to c4 uniform(1) λ 0.1`."""

    def described(code: Code) -> str:
        kind = str(CodeSpec([code])).partition(":")[2]
        return f"{kind} λ {lambdas[code.name]:g}"

    def called(names: list[str]) -> str:
        return f"{names[0]} to {names[-1]}" if len(names) > 2 else ", ".join(names)

    groups = [(text, [code.name for code in group]) for text, group in groupby(codes, described)]
    return "; ".join(f"{called(names)} {text}" for text, names in groups)


def num_parameters(network: keras.Model) -> int:
    """Trainable parameters."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)
