"""Reading JSON the way TensorFlow Serving does (ParseJson in tensorflow_serving/util/json_tensor.cc).

It uses RapidJSON, and so do we: bare NaN and Infinity are numbers, whatever follows the first value is
ignored, integers beyond 64 bits are floats, and the error texts are the same.
"""

import json
import re
from typing import Any

import rapidjson

from infogan_serving.local.errors import invalid

_BOM = re.compile(rb"\xef?\xbb?\xbf?")  # each byte of it is skipped by itself
_QUOTED = 256
# Bytes that are not UTF-8 are nothing to TensorFlow Serving, but our RapidJSON refuses them. They go through it as
# private characters, and in strings come out as the surrogates that encode(errors="surrogateescape") makes bytes again
# (so does, in such a body, what really is one of these 128 characters).
_SURROGATES = {0x10FF00 + byte: 0xDC00 + byte for byte in range(0x80, 0x100)}
_PRIVATE = {surrogate: character for character, surrogate in _SURROGATES.items()}


class JsonObject(dict):
    """A JSON object: of a repeated key the first value counts.

    Attributes:
        repeated: keys and values of the others. They must be kept: RapidJSON goes on to fill a list or an object that
            it has put here.
    """

    repeated: tuple[tuple[str, Any], ...] = ()

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            self.repeated = (*self.repeated, (key, value))
        else:
            super().__setitem__(key, value)


_TYPE_NAMES = {
    type(None): "Null",
    JsonObject: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


class _Decoder(rapidjson.Decoder):
    def start_object(self) -> JsonObject:
        return JsonObject()


class _BytesDecoder(_Decoder):
    def string(self, text: str) -> str:
        return text.translate(_SURROGATES)


_NUMBERS = rapidjson.NM_NATIVE | rapidjson.NM_NAN
_decode, _decode_bytes = _Decoder(number_mode=_NUMBERS), _BytesDecoder(number_mode=_NUMBERS)


def parse(body: bytes) -> Any:
    """The first JSON value in `body`.

    Returns:
        JsonObject, list, str, int, float, bool or None; bytes that are not UTF-8 are surrogates in a str.

    Raises:
        RequestError: 400 with RapidJSON's text and the offset of the mistake in bytes, four for one that is not UTF-8.
        RecursionError: the value is nested more deeply than Python can follow.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    start = _BOM.match(body).end()
    body = b" " * start + body[start:]  # blanks, so that offsets still count from the start
    try:
        return _parse(body, _decode)
    except UnicodeDecodeError:
        return _parse(body.decode(errors="surrogateescape").translate(_PRIVATE).encode(), _decode_bytes)


def _parse(body: bytes, decode: _Decoder) -> Any:
    try:
        return decode(body)
    except rapidjson.JSONDecodeError as error:
        offset, text = re.fullmatch(r"Parse error at offset (\d+): (.*)", str(error), re.DOTALL).groups()
    if text.startswith("The document root must not be followed"):
        return decode(body[: int(offset)])
    raise invalid(f"JSON Parse error: {text} at offset: {offset}")


def quote(value: Any) -> str:
    """`value` as JSON for an error message, cut where TensorFlow Serving cuts it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))[:_QUOTED]


def type_name(value: Any) -> str:
    """RapidJSON's name for the type of `value`."""
    return str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]
