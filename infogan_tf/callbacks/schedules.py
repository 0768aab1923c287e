"""What changes at its time: learning rates, the contrastive loss, the wake phase."""

from __future__ import annotations

import keras


class RateDecay(keras.callbacks.Callback):
    """Learning rates fall in a straight line to 0 over some epochs, so that the noise of a run dies away.

    Args:
        rates: Before the fall, by the name of the model's attribute, as `{"generator_optimizer": 1e-3}`.
        end: The epoch before which the rates reach 0, the first being 0.
        decay_epochs: How many epochs the fall takes; 0 for none.
        steps_per_epoch: Steps of an epoch.
    """

    def __init__(self, rates: dict[str, float], end: int, decay_epochs: int, steps_per_epoch: int):
        super().__init__()
        self.rates, self.steps_per_epoch = rates, steps_per_epoch
        self.end, self.length = end * steps_per_epoch, decay_epochs * steps_per_epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.step = epoch * self.steps_per_epoch

    def on_train_batch_begin(self, batch, logs=None):
        left = self.end - self.step - batch
        factor = max(left, 0) / self.length if left < self.length else 1.0
        for name, rate in self.rates.items():
            getattr(self.model, name).learning_rate = rate * factor


class SwitchOn(keras.callbacks.Callback):
    """Sets the model's `contrast_weight` from an epoch on, the first being 0.

    It orders what images already show; before they show it, it would only freeze it.
    """

    def __init__(self, contrast_weight: float, epoch: int):
        super().__init__()
        self.contrast_weight, self.epoch = contrast_weight, epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and self.model.contrast_weight != self.contrast_weight:
            self.model.contrast_weight = self.contrast_weight
            self.model.make_train_function(force=True)


class WakeUp(keras.callbacks.Callback):
    """Begins the model's wake phase at an epoch, the first being 0."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch and self.model.recognition is None:
            self.model.wake_up()
            self.model.make_train_function()

    def on_epoch_end(self, epoch, logs=None):
        logs.setdefault("wake_loss", 0.0)  # a column of a run's table from its first line on
