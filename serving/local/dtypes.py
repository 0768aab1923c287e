"""What JSON can carry for each dtype (AddValueToTensor in tensorflow_serving/util/json_tensor.cc)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

MAX_RANK = 32  # strings of more dimensions end the process on their way from NumPy to TensorFlow


def data_type_name(dtype: tf.DType) -> str:
    """The name that TensorFlow's C++ texts use for `dtype`: float, half, ..."""
    return types_pb2.DataType.Name(dtype.as_datatype_enum).removeprefix("DT_").lower()


def _instance(*types: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in types  # not isinstance: bool is a subclass of int


def _integer(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and low <= value <= high


_INT32 = _integer(-(2**31), 2**31 - 1)

# dtype -> does it take this JSON scalar?
ACCEPTS: dict[tf.DType, Callable[[Any], bool]] = {
    tf.float32: _instance(int, float),
    tf.float64: _instance(int, float),
    tf.int8: _INT32,
    tf.int16: _INT32,
    tf.int32: _INT32,
    tf.uint8: _INT32,
    tf.int64: _integer(-(2**63), 2**63 - 1),
    tf.uint32: _integer(0, 2**32 - 1),
    tf.uint64: _integer(0, 2**64 - 1),
    tf.bool: _instance(bool),
    tf.string: _instance(str),
}

# These are read wide and then cast: what is beyond float32 becomes infinite, what is beyond int8 wraps.
_READ_AS = {tf.float32: np.float64, tf.int8: np.int64, tf.int16: np.int64, tf.uint8: np.int64}


def to_array(scalars: list, shape: list[int], dtype: tf.DType) -> np.ndarray:
    """Accepted `scalars`, in row-major order, as an array; strings as objects of type bytes; too many are cut off."""
    with np.errstate(over="ignore"):
        wide = np.array(scalars[: math.prod(shape)], dtype=_READ_AS.get(dtype, dtype.as_numpy_dtype))
        return wide.astype(dtype.as_numpy_dtype).reshape(shape)
