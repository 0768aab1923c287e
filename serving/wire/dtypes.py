"""Arrays as the inputs of a signature, and TensorFlow's names of their types."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

DTYPES = {
    "DT_FLOAT": np.dtype(np.float32),
    "DT_DOUBLE": np.dtype(np.float64),
    "DT_INT8": np.dtype(np.int8),
    "DT_INT16": np.dtype(np.int16),
    "DT_INT32": np.dtype(np.int32),
    "DT_INT64": np.dtype(np.int64),
    "DT_UINT8": np.dtype(np.uint8),
    "DT_UINT32": np.dtype(np.uint32),
    "DT_UINT64": np.dtype(np.uint64),
    "DT_BOOL": np.dtype(np.bool_),
    "DT_STRING": np.dtype(object),
}

# Kinds of numpy types that each kind takes: TensorFlow Serving's rules for JSON, here for gRPC too.
_TAKES = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}


def as_input(name: str, values: ArrayLike, data_type: str | None) -> np.ndarray:
    """`values` as the type that a signature declares; strings as an object array of bytes.

    Args:
        name: of the input, for messages.
        values: numbers for numbers; str or bytes for strings.
        data_type: as in the model's metadata: `DT_FLOAT`, `DT_STRING`, ...; None if it has no such input, of which
            the server shall complain.

    Raises:
        ValueError: another type, integers out of range, or no values: JSON could not carry their shape.
    """
    # Strings as they are: numpy would make one type of str and bytes, as long as the longest.
    array = np.asarray(values, dtype=object if data_type == "DT_STRING" else None)
    if not array.size:
        raise ValueError(f"Input {name!r} is empty, shape {list(array.shape)}")
    if data_type is not None and data_type not in DTYPES:
        raise ValueError(f"Input {name!r} is of a type that cannot be sent: {data_type}")
    dtype = DTYPES.get(data_type, np.dtype(object) if array.dtype.kind in "OSU" else array.dtype)
    if dtype.hasobject:
        strings = np.empty(array.size, dtype=object)
        strings[:] = [_to_bytes(name, item) for item in array.ravel().tolist()]
        return strings.reshape(array.shape)
    if dtype not in DTYPES.values():
        raise ValueError(f"Input {name!r} is of a type that cannot be sent: {array.dtype}")
    if array.dtype.kind not in _TAKES[dtype.kind]:
        raise ValueError(f"Input {name!r} takes {dtype}, not {array.dtype}")
    cast = array.astype(dtype)
    if dtype.kind in "iu" and (cast != array).any():
        raise ValueError(f"Input {name!r} takes {dtype}, and some values are out of its range")
    return cast


def _to_bytes(name: str, item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, bytes):
        return item
    raise ValueError(f"Input {name!r} takes strings or bytes, not {item!r}")
