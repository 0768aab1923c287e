"""The JSON dialect: what is read, with RapidJSON's texts, and how numbers are written."""

import json
import math

import numpy as np
import pytest

from infogan_serving.local.errors import RequestError
from infogan_serving.local.json_dialect import parse, quote
from infogan_serving.local.json_writer import format_floats, write_parts

pytestmark = pytest.mark.local


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1} trailing {', {"a": 1}),
        (b"\xef\xbb\xbf[1]", [1]),
        (b"[Infinity, -Infinity, Inf]", [math.inf, -math.inf, math.inf]),
        (b'{"a": 1, "a": 2, "b": {"c": 3, "c": 4}}', {"a": 1, "b": {"c": 3}}),
        (b"[18446744073709551615, 18446744073709551616]", [2**64 - 1, 2.0**64]),
        (b"[1, 1.0, 1e2]", [1, 1.0, 100.0]),
        (b"\xef\xbb[1]", [1]),
        (b"\xbb\xbf[1]", [1]),
        (b"\xbf[1]", [1]),
        (b'["caf\xc3\xa9 \xe9\xff"]', ["café \udce9\udcff"]),
        (b'["\xf4\x8f\xbf\xbf"]', ["\U0010ffff"]),
        (b"[1]\xff", [1]),
    ],
)
def test_reads(body, value):
    assert repr(parse(body)) == repr(value)


def test_values_of_repeated_keys_are_kept_apart():
    """Lists and objects are filled after they were put into theirs, so none may be lost on the way."""
    read = parse(b'{"a": [1], "a": [[2], {"b": [3]}], "c": 4, "a": {"d": [5] }}')
    assert read == {"a": [1], "c": 4}
    assert read.repeated == (("a", [[2], {"b": [3]}]), ("a", {"d": [5]}))


def test_reads_nan():
    assert math.isnan(parse(b"[NaN]")[0])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "The document is empty"),
        (b"  ", "The document is empty. at offset: 2"),
        (b'{"a": x}', "Invalid value. at offset: 6"),
        (b'\xef\xbb\xbf{"a": x}', "Invalid value. at offset: 9"),
        (b"[1, 2", "Missing a comma or ] after an array element. at offset: 5"),
        (b"[1,]", "Invalid value. at offset: 3"),
        (b"[01]", "Missing a comma or ] after an array element. at offset: 2"),
        (b"1e400", "Number too big to be stored in double. at offset: 0"),
        (b'["\xff" 1]', "Missing a comma or ] after an array element. at offset: 8"),
        (b"// comment\n1", "Invalid value. at offset: 0"),
    ],
)
def test_malformed(body, text):
    with pytest.raises(RequestError) as raised:
        parse(body)
    assert raised.value.message.replace("']'", "]") == f"JSON Parse error: {text}"
    assert raised.value.code.http_status == 400


def test_quoted_snippets_end_at_256():
    assert quote({"x": math.nan}) == '{"x":NaN}'
    assert quote(["\udcff"]) == '["\udcff"]'
    assert quote(list(range(1000))) == json.dumps(list(range(1000)), separators=(",", ":"))[:256]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.333333343"),
        (1, "1.0"),
        (-0.0, "-0.0"),
        (123456, "123456.0"),
        (1234567, "1234567.0"),
        (9000000, "9e+06"),
        (0.00003, "3e-05"),
        (1435774380, "1.43577434e+09"),
        (3.4028235e38, "3.40282347e+38"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_float32(value, text):
    assert format_floats(np.array([value], np.float32)) == [text]


@pytest.mark.parametrize(("value", "text"), [(0.1, "0.1"), (1 / 3, "0.33333333333333331"), (2.5e300, "2.5e+300")])
def test_float64(value, text):
    assert format_floats(np.array([value])) == [text]


@pytest.mark.parametrize(("dtype", "bits", "digits"), [(np.float32, np.uint32, 9), (np.float64, np.uint64, 17)])
def test_any_float_has_six_digits_if_they_suffice(dtype, bits, digits):
    rng = np.random.default_rng(0)
    values = rng.integers(0, np.iinfo(bits).max, 20_000, bits).view(dtype)
    round_values = (rng.integers(-1000, 1000, 1000) / 8).astype(dtype)
    values = np.concatenate([values[np.isfinite(values)], round_values])

    texts = format_floats(values)

    np.testing.assert_array_equal(np.array(list(map(float, texts))).astype(dtype), values)
    for value, text in zip(values.tolist(), texts, strict=True):
        short = f"{value:.6g}"
        digit_form = short if dtype(float(short)) == value else f"{value:.{digits}g}"
        assert text in {digit_form, digit_form + ".0"}
        assert "." in text or "e" in text


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0), (0, 2), (2, 3, 4)])
def test_nesting_follows_the_shape(shape):
    values = np.arange(math.prod(shape), dtype=np.int64).reshape(shape)
    [whole] = write_parts("y", values, axis=0)
    assert json.loads(whole) == values.tolist()
    if shape:
        assert [json.loads(row) for row in write_parts("y", values, axis=1)] == values.tolist()


def test_strings_pass_through_as_bytes():
    [text] = write_parts("y", np.array(b'caf\xc3\xa9 "\xff"', dtype=object), axis=0)
    assert text.encode("utf-8", "surrogateescape") == b'"caf\xc3\xa9 \\"\xff\\""'
