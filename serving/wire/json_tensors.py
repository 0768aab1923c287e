"""Tensors in the JSON of TensorFlow Serving, seen from the client."""

import base64
from typing import Any

import numpy as np

from infogan_serving.wire.dtypes import DTYPES

_KINDS = {"i": int, "u": int, "b": bool}  # what stands for each kind of numpy type in JSON


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
    elif dtype.kind in _KINDS:  # numpy would cut off what follows the point
        for item in np.array(value, dtype=object).ravel():
            if type(item) is not _KINDS[dtype.kind]:
                raise ValueError(f"{item!r} is no {dtype}")
    return np.array(value, dtype=dtype)


def _unwrap_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_unwrap_bytes(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode(errors="surrogateescape")
