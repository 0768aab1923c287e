"""One JSON value to the shape and the scalars of a tensor (FillTensorProto in json_tensor.cc)."""

import base64
import re
from typing import Any

import tensorflow as tf

from infogan_serving.local.dtypes import ACCEPTS, MAX_RANK, data_type_name
from infogan_serving.local.errors import RequestError, invalid
from infogan_serving.local.json_dialect import JsonObject, quote, type_name
from infogan_serving.status_codes import StatusCode

_MAX_RANK = MAX_RANK - 1  # of a row, to which the batch is added


def read_tensor(value: Any, dtype: tf.DType) -> tuple[list[int], list]:
    """The shape of `value`, given by the first element at every depth, and its scalars in row-major order.

    Raises:
        RequestError: 400, the lists are ragged or a scalar does not suit `dtype`; 501, no scalar could.
    """
    shape, scalars, first = [], [], value
    while isinstance(first, list):
        shape.append(len(first))
        first = first[0] if first else None
    if len(shape) > _MAX_RANK:
        raise invalid(f"Encountered list of rank: {len(shape)} expected <= {_MAX_RANK}")
    _fill(value, 0, shape, dtype, scalars)
    return shape, scalars


def is_base64(value: Any) -> bool:
    """Whether `value` is the object `{"b64": "..."}`, which stands for a string."""
    return (
        isinstance(value, JsonObject)
        and value.keys() == {"b64"}
        and not value.repeated
        and isinstance(value["b64"], str)
    )


def _fill(value: Any, level: int, shape: list[int], dtype: tf.DType, scalars: list) -> None:
    if isinstance(value, list):
        if level >= len(shape):
            raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
        if len(value) != shape[level]:
            raise invalid(
                f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
            )
        for item in value:
            _fill(item, level + 1, shape, dtype, scalars)
    elif level != len(shape):
        raise invalid(
            f"JSON Value: {quote(value)} found at incorrect level: {level + 1} in the JSON DOM. "
            f"Expected at level: {len(shape)}"
        )
    else:
        scalars.append(_scalar(value, dtype))


def _scalar(value: Any, dtype: tf.DType) -> Any:
    if isinstance(value, JsonObject) and dtype == tf.string:
        return _from_base64(value)
    if dtype not in ACCEPTS and not isinstance(value, JsonObject):
        raise RequestError(
            StatusCode.UNIMPLEMENTED,
            f"Conversion of JSON Value: {quote(value)} to type: {data_type_name(dtype)}",
        )
    if isinstance(value, JsonObject) or not ACCEPTS[dtype](value):
        raise invalid(
            f"JSON Value: {quote(value)} Type: {type_name(value)} is not of expected type: {data_type_name(dtype)}"
        )
    return value.encode(errors="surrogateescape") if dtype == tf.string else value


def _from_base64(value: JsonObject) -> bytes:
    if not is_base64(value):
        raise invalid(f"JSON Value: {quote(value)} not formatted correctly for base64 data")
    # As absl::Base64Unescape: blanks anywhere, and all of the padding or none, of dots too.
    match = re.fullmatch(r"([A-Za-z0-9+/]*)([=.]*)", re.sub(r"\s", "", value["b64"], flags=re.ASCII))
    missing = -len(match[1]) % 4 if match else 0
    if match is None or missing == 3 or len(match[2]) not in (0, missing):
        raise invalid("Unable to base64 decode")
    return base64.b64decode(match[1] + "=" * missing)
