"""What begins at its time: the contrastive loss, the wake phase."""

from __future__ import annotations

import keras

from infogan_tf import validation


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
            validation.check_contrast(self.model)
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
