"""What begins at its time: a loss, the recognition phase."""

from __future__ import annotations

import keras

from infogan_tf import networks, validation


class SwitchOn(keras.callbacks.Callback):
    """Gives a weight of the model's losses, `contrast_weight` say, its value from an epoch on.

    A loss that orders what is there already would, before, only freeze what is not.

    Args:
        name: Of the argument of `InfoGAN.compile`.
        weight: Its value.
        epoch: The first with it, the very first being 0.
    """

    def __init__(self, name: str, weight: float, epoch: int):
        super().__init__()
        self.name, self.weight, self.epoch = name, weight, epoch

    def on_train_begin(self, logs=None):
        validation.check_weights(self.model, **{self.name: self.weight})  # now, and not after hours of training

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and getattr(self.model, self.name) != self.weight:
            setattr(self.model, self.name, self.weight)
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
