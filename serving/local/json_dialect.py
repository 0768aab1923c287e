"""Reading JSON the way TensorFlow Serving does (ParseJson in tensorflow_serving/util/json_tensor.cc).

It uses RapidJSON, and so do we: bare NaN and Infinity are numbers, whatever follows the first value is
ignored, integers beyond 64 bits are floats, and the error texts are the same.
"""

import re
from typing import Any

import rapidjson

from infogan_serving.local.errors import invalid

_BOM = b"\xef\xbb\xbf"
_QUOTED = 256


class _FirstKeyWins(dict):
    """A JSON object; of a repeated key the first value counts."""

    __setitem__ = dict.setdefault


_TYPE_NAMES = {
    type(None): "Null",
    _FirstKeyWins: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


class _Decoder(rapidjson.Decoder):
    def start_object(self) -> dict:
        return _FirstKeyWins()


_decode = _Decoder(number_mode=rapidjson.NM_NATIVE | rapidjson.NM_NAN)


def parse(body: bytes) -> Any:
    """The first JSON value in `body`.

    Returns:
        dict, list, str, int, float, bool or None.

    Raises:
        RequestError: 400 with RapidJSON's text and the offset of the mistake in bytes.
        RecursionError: the value is nested more deeply than Python can follow.
    """
    if body.startswith(_BOM):
        body = body.replace(_BOM, b"   ", 1)  # blanks, so that offsets still count from the start
    try:
        return _decode(body)
    except UnicodeDecodeError as error:
        raise invalid(f"JSON Parse error: Invalid encoding in string. at offset: {error.start}") from error
    except rapidjson.JSONDecodeError as error:
        offset, text = re.fullmatch(r"Parse error at offset (\d+): (.*)", str(error), re.DOTALL).groups()
    if text.startswith("The document root must not be followed"):
        return _decode(body[: int(offset)])
    if text.startswith("The document is empty"):
        raise invalid("JSON Parse error: The document is empty")
    raise invalid(f"JSON Parse error: {text} at offset: {offset}")


def quote(value: Any) -> str:
    """`value` as JSON for an error message, cut where TensorFlow Serving cuts it."""
    return rapidjson.dumps(value, ensure_ascii=False)[:_QUOTED]


def type_name(value: Any) -> str:
    """RapidJSON's name for the type of `value`."""
    return str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]
