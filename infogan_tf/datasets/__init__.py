"""Where images come from: `load(name, split)` gives arrays, `pipeline` turns them into batches."""

from infogan_tf.datasets.pipeline import evaluation_batches, training_batches
from infogan_tf.datasets.sources import DATASETS, ImageSet, load

__all__ = ["DATASETS", "ImageSet", "evaluation_batches", "load", "training_batches"]
