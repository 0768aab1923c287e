"""TensorFlow Serving's REST and gRPC interfaces on `tf.saved_model.load`, for laptops and tests.

The part that clients can see, for one model: predict, metadata, status, errors, warm-up, new versions. It is a
stand-in, not a server for real use: no batching, labels, metrics, classify or regress, and a request that times out
is answered but not interrupted. What it knowingly refuses (400) though TensorFlow Serving does not: JSON nested more
than some hundred deep, inputs of more than 31 dimensions over REST and 32 over gRPC, requests of more than 100 MiB,
HTTP/1.1 without a Host, and what the older RapidJSON there lets pass, a number that is infinite only after rounding
(1.8e308) and the second half alone of a surrogate pair.
What it knowingly lets pass: a target that ends in a bare `?`; and an `output_filter` runs all outputs and then selects.
"""

from infogan_serving.local.server import running

__all__ = ["running"]
