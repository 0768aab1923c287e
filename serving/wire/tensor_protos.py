"""Arrays as TensorProto and back."""

import itertools
import math

import numpy as np

from infogan_serving.wire.dtypes import DTYPES
from infogan_serving.wire.messages import message_class

TensorProto = message_class("TensorProto")
_DataType = TensorProto.DESCRIPTOR.fields_by_name["dtype"].enum_type

# Where a server puts the values of each type; those of small integers in the field of int32.
_FIELDS = {
    "DT_FLOAT": "float_val",
    "DT_DOUBLE": "double_val",
    "DT_INT64": "int64_val",
    "DT_BOOL": "bool_val",
    "DT_STRING": "string_val",
    "DT_UINT32": "uint32_val",
    "DT_UINT64": "uint64_val",
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def to_proto(values: np.ndarray) -> TensorProto:
    """A TensorProto of `values`, whose dtype is one of `DTYPES`: numbers as raw bytes, bytes one by one."""
    name = _NAMES[values.dtype]
    proto = TensorProto(dtype=_DataType.values_by_name[name].number)
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    if values.dtype.hasobject:
        proto.string_val.extend(values.ravel().tolist())
    else:
        proto.tensor_content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return proto


def from_proto(proto: TensorProto) -> np.ndarray:
    """The array; strings as an object array of bytes.

    Raises:
        ValueError: a data type that has no place in a request over JSON either, such as half.
    """
    value = _DataType.values_by_number.get(proto.dtype)
    name = value.name if value else str(proto.dtype)
    if name not in DTYPES:
        raise ValueError(f"Tensors of type {name} cannot be read here")
    dtype, shape = DTYPES[name], [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_content and dtype.hasobject:
        strings = np.empty(math.prod(shape), dtype=object)
        strings[:] = _split(proto.tensor_content, len(strings))
        return strings.reshape(shape)
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    values = np.array(getattr(proto, _FIELDS.get(name, "int_val")), dtype=dtype)
    missing = math.prod(shape) - len(values)  # a run of equal values at the end may be given once
    if missing > 0:
        fill = values[-1:] if len(values) else np.array([b"" if dtype.hasobject else 0], dtype=dtype)
        values = np.concatenate([values, np.repeat(fill, missing)])
    return values.reshape(shape)


def _split(content: bytes, n: int) -> list[bytes]:
    """`n` strings from TensorFlow's encoding: all lengths as varints, then all bytes."""
    lengths, position = [], 0
    for _ in range(n):
        length, shift = 0, 0
        while content[position] >= 0x80:  # seven bits in each byte, the lowest first
            length |= (content[position] & 0x7F) << shift
            position, shift = position + 1, shift + 7
        lengths.append(length | content[position] << shift)
        position += 1
    ends = list(itertools.accumulate(lengths, initial=position))
    if ends[-1] != len(content):
        raise ValueError(f"{n} strings take {ends[-1]} bytes, not {len(content)}")
    return [content[start:end] for start, end in itertools.pairwise(ends)]
