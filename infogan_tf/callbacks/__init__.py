"""Callbacks for `model.fit`."""

from infogan_tf.callbacks.checkpoints import Checkpoints, best_checkpoint, list_checkpoints
from infogan_tf.callbacks.clock import Duration, Throughput
from infogan_tf.callbacks.divergence import StopOnNonFinite, TrainingDivergedError
from infogan_tf.callbacks.looking import StableInformation, TraversalPictures
from infogan_tf.callbacks.schedules import Lambdas, Recognition, SwitchOn

__all__ = [
    "Checkpoints",
    "Duration",
    "Lambdas",
    "Recognition",
    "StableInformation",
    "StopOnNonFinite",
    "SwitchOn",
    "Throughput",
    "TrainingDivergedError",
    "TraversalPictures",
    "best_checkpoint",
    "list_checkpoints",
]
