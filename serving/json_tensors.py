"""Tensors in the JSON of TensorFlow Serving, seen from the client."""

import base64
from typing import Any

import numpy as np

_DTYPES = {
    "DT_FLOAT": np.float32,
    "DT_DOUBLE": np.float64,
    "DT_INT8": np.int8,
    "DT_INT16": np.int16,
    "DT_INT32": np.int32,
    "DT_INT64": np.int64,
    "DT_UINT8": np.uint8,
    "DT_UINT32": np.uint32,
    "DT_UINT64": np.uint64,
    "DT_BOOL": np.bool_,
}


def to_json(name: str, values: np.ndarray) -> Any:
    """`values` as nested lists; bytes become `{"b64": ...}`.

    Raises:
        ValueError: `values` is empty: JSON could not carry its shape.
    """
    if not values.size:
        raise ValueError(f"Input {name!r} is empty, shape {list(values.shape)}")
    return _wrap_bytes(values.tolist()) if values.dtype.kind in "OS" else values.tolist()


def _wrap_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_wrap_bytes(item) for item in value]
    return {"b64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def from_json(value: Any, data_type: str) -> np.ndarray:
    """Nested lists as an array; strings, whether base64 or not, become an object array of bytes.

    Args:
        value: a scalar, `{"b64": ...}`, or nested lists of them.
        data_type: as in the model's metadata: `DT_FLOAT`, `DT_STRING`, ...
    """
    if data_type != "DT_STRING":
        return np.array(value, dtype=_DTYPES[data_type])
    return np.array(_unwrap_bytes(value), dtype=object)


def _unwrap_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_unwrap_bytes(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()
