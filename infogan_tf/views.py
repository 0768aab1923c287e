"""Which view T(x) of an image each code is read from.

A code that must be read from T(x) cannot be what T changes, as I(c; T(x)) is all that G is rewarded for. `InfoGAN`
reads discrete codes through its augmentation, or with `OwnViews` any codes, each through a view of its own: one that
survives shifts and turns can be a size, and one that survives shifts up and down the place from left to right.

In inference nothing is drawn. What a view does apart from that, it does there too: Q has never read anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import tensorflow as tf

from infogan_tf.augmentation import AMOUNTS, RandomView
from infogan_tf.codes import Code


@keras.saving.register_keras_serializable("infogan_tf")
class OwnViews(keras.layers.Layer):
    """A view for each of some codes.

    They share a batch: its first part passes the first view, and so on. So they cost as much as one view, and the
    information of each code is estimated from a part of the batch, which needs as many images as there are views. Each
    device divides its own part of a batch: which image passes which view depends on their number.

    Args:
        views: Layers that change images at random, by name of code. Codes without one are read from x itself.
    """

    def __init__(self, views: Mapping[str, keras.layers.Layer], **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.views = dict(views)

    def rows(self, name: str, n: int | tf.Tensor) -> slice:
        """The part of a batch of n that passes the view of a code."""
        place, views = list(self.views).index(name), len(self.views)
        return slice(n * place // views, n * (place + 1) // views)

    def call(self, images: tf.Tensor, training: bool = True) -> tf.Tensor:
        n = tf.shape(images)[0]
        parts = [view(images[self.rows(name, n)], training=training) for name, view in self.views.items()]
        return tf.concat(parts, axis=0)

    def get_config(self) -> dict[str, Any]:
        views = {name: keras.saving.serialize_keras_object(view) for name, view in self.views.items()}
        return {"name": self.name, "views": views}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> OwnViews:
        views = {name: keras.saving.deserialize_keras_object(view) for name, view in config["views"].items()}
        return cls(**{**config, "views": views})


def from_amounts(amounts: Mapping[str, float] | None, seed: int | None) -> RandomView | OwnViews | None:
    """A `RandomView`, or `OwnViews` of such where amounts are called CODE.AMOUNT; None where there are none.

    An amount that is left out is 0.

    Raises:
        ValueError: Some amounts are of a code and some are not, or there is no amount of this name.
    """
    if not amounts:
        return None
    by_code: dict[str, dict[str, float]] = {}
    for name, amount in amounts.items():
        code, _, part = name.rpartition(".")
        if part not in AMOUNTS or bool(code) != ("." in next(iter(amounts))):
            raise ValueError(f"amounts are all AMOUNT or all CODE.AMOUNT, of {', '.join(AMOUNTS)}; got {name!r}")
        by_code.setdefault(code, dict.fromkeys(AMOUNTS, 0.0))[part] = amount
    if "" in by_code:
        return RandomView(**by_code[""], seed=seed)
    seeds = [None if seed is None else seed + number for number in range(len(by_code))]
    return OwnViews(
        {code: RandomView(**given, seed=s) for (code, given), s in zip(by_code.items(), seeds, strict=True)}
    )


def of_code(view: keras.layers.Layer | None, code: Code) -> keras.layers.Layer | None:
    """T of one code; None if it is read from x."""
    if isinstance(view, OwnViews):
        return view.views.get(code.name)
    return view if code.discrete else None


def normalizing(view: keras.layers.Layer | None, code: Code) -> keras.layers.Layer | None:
    """T of one code if something is left of it in inference, with `training=False`; it says so by `normalizes`."""
    view = of_code(view, code)
    return view if getattr(view, "normalizes", False) else None


def leave_nothing_to_x(view: keras.layers.Layer | None, codes: Iterable[Code]) -> bool:
    """Whether each code has a view of its own."""
    return isinstance(view, OwnViews) and all(code.name in view.views for code in codes)


def layers(view: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that a view is made of."""
    return list(view.views.values()) if isinstance(view, OwnViews) else [view]


def rows(view: keras.layers.Layer | None, code: Code, n: int | tf.Tensor) -> slice:
    """The rows of the batch T(x) that show T of this code."""
    return view.rows(code.name, n) if isinstance(view, OwnViews) else slice(None)
