"""Tensors in the JSON of TensorFlow Serving, seen from the client."""

import base64
from typing import Any

import numpy as np

from infogan_serving.wire.dtypes import DTYPES, takes


def to_json(values: np.ndarray) -> Any:
    """`values` as nested lists; bytes become `{"b64": ...}`."""
    return _wrap_bytes(values.tolist()) if values.dtype.hasobject else values.tolist()


def _wrap_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_wrap_bytes(item) for item in value]
    return {"b64": base64.b64encode(value).decode()}


def from_json(value: Any, data_type: str) -> np.ndarray:
    """Nested lists as an array; strings, whether base64 or not, become an object array of bytes.

    Args:
        value: a scalar, `{"b64": ...}`, or nested lists of them.
        data_type: as in the model's metadata: `DT_FLOAT`, `DT_STRING`, ...

    Raises:
        ValueError: values of another kind, such as 0.5 for an integer.
    """
    dtype = DTYPES[data_type]
    if data_type == "DT_STRING":
        value = _unwrap_bytes(value)
    elif dtype.kind != "f" and np.size(value) and not takes(dtype, np.array(value).dtype):
        raise ValueError(f"The answer is not {dtype}")  # numpy would cut off what follows the point
    return np.array(value, dtype=dtype)


def _unwrap_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_unwrap_bytes(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode(errors="surrogateescape")
