"""Replays the warm-up requests that come with a version (saved_model_warmup_util.cc in tensorflow_serving)."""

from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from infogan_serving.local import predict_proto
from infogan_serving.local.errors import invalid, unimplemented
from infogan_serving.local.servable import Servable

_MAX_RECORDS = 1000


def replay(folder: Path, servable: Servable) -> None:
    """Runs the records of `folder`/assets.extra/tf_serving_warmup_requests, if there are any, one by one.

    Raises:
        RequestError: a record cannot be read, is none of predict or is refused, or there are more than 1,000.
        tf.errors.DataLossError: the file is no TFRecord file.
    """
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    if not path.exists():
        return
    for i, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
        if i == _MAX_RECORDS:
            raise invalid(f"Number of warmup records exceeds the maximum ({_MAX_RECORDS}) at {path}")
        try:
            log = PredictionLog.FromString(record)
        except DecodeError as error:
            raise invalid(f"Failed to parse warmup record: {error}") from error
        if not log.HasField("predict_log"):
            raise unimplemented(f"Warmup record of type {log.WhichOneof('log_type')}")
        predict_proto.predict(log.predict_log.request, servable)
