"""What begins at its time: a part of the loss, the recognition phase."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from infogan_tf import networks, validation


class SwitchOn(keras.callbacks.Callback):
    """Gives a part of the model's losses, `contrast_weight` say, its value from an epoch on.

    A loss that orders what is there already would, before, only freeze what is not.

    Args:
        name: Of the argument of `InfoGAN.compile`: a weight, `lambdas` or `information_in_discriminator`.
        value: Its value.
        epoch: The first with it, the very first being 0.
    """

    def __init__(self, name: str, value: float | Mapping[str, float], epoch: int):
        super().__init__()
        self.name, self.value, self.epoch = name, value, epoch

    def on_train_begin(self, logs=None):
        # Now, and not after hours of training.
        if self.name == "lambdas":
            self.value = validation.resolve_lambdas(self.model.codes, self.value)
        validation.check_weights(self.model, **{self.name: self.value})

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and getattr(self.model, self.name) != self.value:
            setattr(self.model, self.name, self.value)
            self.model.make_train_function(force=True)


class Recognition(keras.callbacks.Callback):
    """Begins the model's recognition phase at an epoch, the first being 0."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_train_begin(self, logs=None):
        if self.model.recognition is None:  # networks that cannot be built anew must show now
            networks.build_recognition(self.model.trunk, self.model.posterior_head, seed=0)

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and self.model.recognition is None:
            self.model.begin_recognition()
            self.model.make_train_function()

    def on_epoch_end(self, epoch, logs=None):
        logs.setdefault("wake_loss", 0.0)  # a column of a run's table from its first line on
