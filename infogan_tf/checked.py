"""Keras' `fit`, `evaluate` and `predict`, which look at the data before any work starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from infogan_tf import validation


class Checked:
    """The part of `InfoGAN` that Keras' loops call."""

    def make_test_function(self, force: bool = False) -> Callable[..., Any]:
        """As in Keras, but never under XLA: the matching of codes with labels runs in scipy."""
        jit_compile, self.jit_compile = self.jit_compile, False
        try:
            return super().make_test_function(force)
        finally:
            self.jit_compile = jit_compile

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, *args: Any, **kwargs: Any
    ) -> keras.callbacks.History:
        """As in Keras; `x` is images or a `tf.data.Dataset` of images or (images, labels); labels are not used.

        Raises:
            ValueError: No images, or such of another shape than `image_shape` or with values outside [0, 1], here or
                in `validation_data`; labels there that are not [n]; a last batch that is too small; weights of
                samples or classes, which have no place in the losses.
        """
        for name in ("sample_weight", "class_weight"):
            if kwargs.get(name) is not None:
                raise ValueError(f"InfoGAN's losses take no {name}")
        validation.check_data(x, self.image_shape)
        if kwargs.get("validation_data") is not None:
            validation.check_data(kwargs["validation_data"], self.image_shape)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # the dataset's own business; Keras warns otherwise
        elif isinstance(x, np.ndarray | tf.Tensor) and not kwargs.get("steps_per_epoch"):
            held_out = kwargs.get("validation_split") or 0.0
            validation.check_last_batch(int(len(x) * (1 - held_out)), batch_size or 32, self)  # 32: as in Keras
        return super().fit(x, y, batch_size, *args, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As in Keras; labels [n], if there are any, add how well each categorical code tells them apart.

        With `return_dict=True` the numbers have names; `metrics_names` does not have those of the labels.

        Raises:
            ValueError: As of `fit`.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # the validation data of `fit`, which has been checked
            validation.check_data(x if y is None else (x, y), self.image_shape)
        return super().evaluate(x, y, *args, **kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As in Keras: what `infer_code` says of images.

        Raises:
            ValueError: As of `fit`.
        """
        validation.check_data(x, self.image_shape)
        return super().predict(x, *args, **kwargs)
