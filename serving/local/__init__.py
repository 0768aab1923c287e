"""TensorFlow Serving's REST interface on `tf.saved_model.load`, for laptops and tests.

The part that clients can see, for one model: predict, metadata, status, errors, new versions. It is a
stand-in, not a server for real use: no gRPC, batching, labels, metrics, classify or regress, no warm-up, and
no limit on running time.
"""

from infogan_serving.local.server import running

__all__ = ["running"]
