"""Where images come from: `load(name, split)` gives a set of images, `pipeline` turns them into batches."""

from infogan_tf.datasets.images import DatasetUnavailableError, ImageSet, LazyImages
from infogan_tf.datasets.pipeline import evaluation_batches, training_batches
from infogan_tf.datasets.sources import DATASETS, load

__all__ = [
    "DATASETS",
    "DatasetUnavailableError",
    "ImageSet",
    "LazyImages",
    "evaluation_batches",
    "load",
    "training_batches",
]
