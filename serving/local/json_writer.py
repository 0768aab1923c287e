"""Writing tensors as JSON the way TensorFlow Serving does.

See WriteDecimal and AddTensorValues in tensorflow_serving/util/json_tensor.cc.
"""

import base64
import json
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from infogan_serving.local.dtypes import data_type_name
from infogan_serving.local.errors import invalid

_FULL_DIGITS = {"float32": "%.9g", "float64": "%.17g"}
_INTEGERS = {"int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"}
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def write_parts(name: str, values: np.ndarray, axis: int) -> list[str]:
    """JSON of the sub-tensors of the output `name`, one for each element of the first `axis` dimensions.

    Args:
        name: an ending of `_bytes` has strings written as `{"b64": ...}`.
        values: float32, float64, bool, integers or (dtype object) bytes.
        axis: 0 for the tensor as a whole, 1 for its rows.

    Raises:
        RequestError: 400, the dtype has no JSON form.
    """
    texts = _scalars(name, values)
    for depth in range(values.ndim - 1, axis - 1, -1):
        size, groups = values.shape[depth], math.prod(values.shape[:depth])
        texts = [f"[{','.join(texts[i * size : (i + 1) * size])}]" for i in range(groups)]
    return texts


def _scalars(name: str, values: np.ndarray) -> list[str]:
    dtype = tf.as_dtype(values.dtype)
    flat = values.ravel()
    if not flat.size:
        return []
    if dtype.name in _FULL_DIGITS:
        return format_floats(flat)
    if dtype.name in _INTEGERS:
        return list(map(str, flat.tolist()))
    if dtype == tf.bool:
        return ["true" if value else "false" for value in flat]
    if dtype == tf.string and name.endswith("_bytes"):
        return [f'{{"b64": "{base64.b64encode(value).decode()}"}}' for value in flat]
    if dtype == tf.string:
        # Bytes that are not UTF-8 pass through: as surrogates here, as themselves when the body is encoded.
        return [json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False) for value in flat]
    raise invalid(f"Failed to write JSON value for tensor type: {data_type_name(dtype)}")


def format_floats(values: np.ndarray) -> list[str]:
    """Decimal texts of float32 or float64 `values` [n], in the width of their dtype: float32 0.1 is `0.1`.

    Six digits if they read back the same, else 9 or 17; whole numbers end in `.0`.
    """
    numbers = values.tolist()
    texts = _format("%g", numbers)
    with np.errstate(over="ignore"):  # six digits of the largest float may round up to infinity
        read_back = np.array(list(map(float, texts)), dtype=np.float64).astype(values.dtype)
    longer = np.flatnonzero(read_back != values).tolist()
    full = _format(_FULL_DIGITS[values.dtype.name], [numbers[i] for i in longer])
    for i, text in zip(longer, full, strict=True):
        texts[i] = text
    return [text if "." in text or "e" in text else _NOT_FINITE.get(text, f"{text}.0") for text in texts]


def _format(form: str, numbers: Sequence[float]) -> list[str]:
    """One call of % for all numbers: several times faster than one for each."""
    return (" ".join([form] * len(numbers)) % tuple(numbers)).split()
