"""Warm-up requests: what TensorFlow Serving runs before it calls a version available."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

BATCH_SIZES = (1, 32)
_FILE = Path("assets.extra", "tf_serving_warmup_requests")


def write_warmup_requests(folder: Path, requests: dict[str, list[dict[str, tf.Tensor]]]) -> None:
    """Writes `FOLDER/assets.extra/tf_serving_warmup_requests`, one record per request.

    Args:
        folder: Of the SavedModel.
        requests: For each signature, inputs by name. At most 1,000 in all, and each must succeed, or the version
            does not load.
    """
    path = folder / _FILE
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, examples in requests.items():
            for inputs in examples:
                log = prediction_log_pb2.PredictionLog()
                log.predict_log.request.model_spec.signature_name = signature
                for name, value in inputs.items():
                    log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
                writer.write(log.SerializeToString())


def read_warmup_requests(folder: Path) -> dict[str, dict[str, tf.Tensor]]:
    """The last request of each signature that has any: inputs by name."""
    if not (folder / _FILE).exists():
        return {}
    records = tf.data.TFRecordDataset(str(folder / _FILE)).as_numpy_iterator()
    logs = [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]
    return {
        log.model_spec.signature_name: {name: tf.constant(tf.make_ndarray(value)) for name, value in log.inputs.items()}
        for log in logs
    }
