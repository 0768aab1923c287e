"""What begins at its time: a part of the loss, the recognition phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from infogan_tf import networks, validation

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


class SwitchOn(keras.callbacks.Callback):
    """Gives a part of the model's losses, `contrast_weight` say, its value from an epoch on; before, it is off.

    A loss that orders what is there already would, before, only freeze what is not.

    Args:
        name: Of the argument of `InfoGAN.compile`: a weight, or `information_in_discriminator`.
        value: Its value.
        epoch: The first with it, the very first being 0.
    """

    def __init__(self, name: str, value: float, epoch: int) -> None:
        super().__init__()
        self.name, self.value, self.epoch = name, value, epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        validation.check_weights(self.model, **{self.name: self.value})  # now, and not after hours of training

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        off = type(self.value)()
        _change(self.model, self.name, self.value if epoch >= self.epoch else off)


class Lambdas(keras.callbacks.Callback):
    """Lets L_I of each code count from an epoch of its own on; before, its λ is 0.

    What G finds first it keeps: codes for plain factors first leave the others to codes that can only be those.

    Args:
        lambdas: As in `InfoGAN.compile`.
        from_epoch: The first epoch of some codes, the very first being 0.
    """

    def __init__(self, lambdas: float | Mapping[str, float] | None, from_epoch: Mapping[str, int]) -> None:
        super().__init__()
        self.lambdas, self.from_epoch = lambdas, from_epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.resolved = validation.resolve_lambdas(self.model.codes, self.lambdas)
        validation.check_from_epoch(self.model.codes, self.from_epoch)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        lambdas = {n: value if epoch >= self.from_epoch.get(n, 0) else 0.0 for n, value in self.resolved.items()}
        _change(self.model, "lambdas", lambdas)


def _change(model: InfoGAN, name: str, value: Any) -> None:
    """Sets what the step is traced with."""
    if getattr(model, name) != value:
        setattr(model, name, value)
        model.make_train_function(force=True)


class Recognition(keras.callbacks.Callback):
    """Begins the model's recognition phase at an epoch, the first being 0."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.model.recognition is None:  # networks that cannot be built anew must show now
            networks.build_recognition(self.model.trunk, self.model.posterior_head, seed=0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch >= self.epoch and self.model.recognition is None:
            self.model.begin_recognition()
            self.model.make_train_function()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs.setdefault("wake_loss", 0.0)  # a column of a run's table from its first line on
