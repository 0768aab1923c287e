"""Warm-up requests: what TensorFlow Serving runs before it calls a version available."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis import prediction_log_pb2

# The allowed_batch_sizes of serving/deploy/config/batching_parameters.txt.
BATCH_SIZES = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128)
_FILE = Path("assets.extra", "tf_serving_warmup_requests")


def write_warmup_requests(
    folder: Path, examples: dict[str, dict[str, tf.Tensor]], max_batch_size: int = BATCH_SIZES[-1]
) -> None:
    """Writes `FOLDER/assets.extra/tf_serving_warmup_requests`, so that no batch size meets a cold model.

    One record for each signature and batch size, and one for each example. TensorFlow Serving takes 1,000 at most, and
    each must succeed, or the version does not load.

    Args:
        folder: Of the SavedModel.
        examples: For each signature a batch of inputs by name.
        max_batch_size: The largest batch, which is added to the `BATCH_SIZES` below it.
    """
    path = folder / _FILE
    path.parent.mkdir()
    sizes = [*(n for n in BATCH_SIZES if n < max_batch_size), max_batch_size]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in examples.items():
            for n in sizes:
                writer.write(_record(signature, {name: _filled(value.numpy(), n) for name, value in inputs.items()}))
            writer.write(_record(signature, {name: tf.make_tensor_proto(value) for name, value in inputs.items()}))


def _filled(value: np.ndarray, n: int) -> TensorProto:
    """A batch of n filled with the first number or string of `value`, which a TensorProto holds only once."""
    return tf.make_tensor_proto(value.flat[0], shape=[n, *value.shape[1:]])


def _record(signature: str, inputs: dict[str, TensorProto]) -> bytes:
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, value in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(value)
    return log.SerializeToString()


def read_warmup_requests(folder: Path) -> dict[str, dict[str, tf.Tensor]]:
    """The last request, which is the example, of each signature that has any: inputs by name."""
    if not (folder / _FILE).exists():
        return {}
    records = tf.data.TFRecordDataset(str(folder / _FILE)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    return {
        log.model_spec.signature_name: {name: tf.constant(tf.make_ndarray(value)) for name, value in log.inputs.items()}
        for log in logs
    }
