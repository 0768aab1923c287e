"""Row and column requests, dtype by dtype."""

import base64
import gzip
import json
import math
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from infogan_serving.local import body
from infogan_serving.local.servable import Servable


def test_row_values(predict):
    assert predict(instances=[1, 2.5]) == (200, {"predictions": [2.0, 5.0]})


def test_row_objects_with_one_input(predict):
    assert predict(instances=[{"x": [1, 2]}, {"x": [3, 4]}]) == (200, {"predictions": [[2, 4], [6, 8]]})


def test_row_objects_with_two_inputs_and_outputs(predict):
    rows = [{"a": 0.5, "b": 1}, {"b": 2, "a": 0.25}]
    answer = {"predictions": [{"total": 1.5, "b": 1}, {"total": 2.25, "b": 2}]}
    assert predict(signature_name="two", instances=rows) == (200, answer)


@pytest.mark.parametrize("value", [5, [5], [[1, 2], [3, 4]], [], [[], []]])
def test_column_value_of_any_rank(predict, value):
    assert predict(inputs=value) == (200, {"outputs": (2.0 * np.array(value)).tolist()})


def test_column_object_with_one_input(predict):
    assert predict(inputs={"x": [1]}) == (200, {"outputs": [2.0]})


def test_values_of_a_repeated_key_follow_one_another_in_rows(predict):
    body = '{"instances": [{"x": 1, "x": 2}, {"x": 3}, {"x": 4}]}'
    assert predict(body) == (200, {"predictions": [2.0, 4.0, 6.0]})


def test_of_a_repeated_key_the_first_counts_elsewhere(predict):
    assert predict('{"inputs": {"x": [1], "x": [[[2]]]}, "inputs": {"x": {"y": []}}}') == (200, {"outputs": [2.0]})


def test_strings_of_the_highest_rank(predict):
    """Of one rank more, TensorFlow's way to NumPy would end the process."""
    sent, answer = "a", {"b64": "YQ=="}
    for _ in range(31):
        sent, answer = [sent], [answer]
    assert predict(signature_name="png", inputs=sent) == (200, {"outputs": answer})
    assert predict(signature_name="png", instances=[sent]) == (200, {"predictions": [answer]})


def test_strings_need_not_be_utf8(predict):
    data = b"caf\xc3\xa9 \xe9\xff"
    answer = {"outputs": {"b64": base64.b64encode(data).decode()}}
    assert predict(b'{"signature_name": "png", "inputs": "%s", "\xff": "\xff"}' % data) == (200, answer)


def test_column_object_with_two_inputs_and_outputs(predict):
    status, answer = predict(signature_name="two", inputs={"a": [0.5, 1], "b": [1, 2], "unknown": "ignored"})
    assert (status, answer) == (200, {"outputs": {"total": [1.5, 3.0], "b": [1, 2]}})


@pytest.mark.parametrize("extra", [{}, {"signature_name": ""}, {"signature_name": "serving_default"}, {"other": 1}])
def test_default_signature_and_unknown_keys(predict, extra):
    assert predict(inputs=3, **extra) == (200, {"outputs": 6.0})


def test_of_two_signature_names_the_first_counts(predict):
    body = '{"signature_name": "total", "signature_name": "two", "inputs": [1, 2], "output_filter": ["none"]}'
    assert predict(body) == (200, {"outputs": 3.0})


def test_the_declared_shape_is_not_checked(infogan_url):
    """The graph begins with a reshape."""
    fields = {"signature_name": "infer_code", "inputs": [[0.5] * 16]}
    response = httpx.post(f"{infogan_url}/v1/models/infogan:predict", json=fields)
    assert (response.status_code, response.json()["outputs"]["code"]) == (200, [[0.0] * 10])


def test_version_in_url(predict):
    assert predict(inputs=3, target="dtypes/versions/7:predict") == (200, {"outputs": 6.0})


@pytest.mark.parametrize(
    ("dtype", "accepted", "answered"),
    [
        ("float32", "[1, 1.5, 1e3, 16777217]", [1.0, 1.5, 1000.0, 16777216.0]),
        ("float32", "[1e39, -1e39, 1e-50]", [math.inf, -math.inf, 0.0]),
        ("float64", "[1, 0.1, 36893488147419103232]", [1.0, 0.1, 2.0**65]),
        ("int32", "[-2147483648, 2147483647]", [-(2**31), 2**31 - 1]),
        ("int16", "[1, 65537]", [1, 1]),
        ("int8", "[-1, 300]", [-1, 44]),
        ("uint8", "[255, 300, -1]", [255, 44, 255]),
        ("int64", "[-9223372036854775808, 9223372036854775807]", [-(2**63), 2**63 - 1]),
        ("uint32", "[0, 4294967295]", [0, 2**32 - 1]),
        ("uint64", "[0, 18446744073709551615]", [0, 2**64 - 1]),
        ("bool", "[true, false]", [True, False]),
        ("bool", "[[], []]", [[], []]),
        ("string", "[[], []]", [[], []]),
        ("string", '["a", "\\u00e9", {"b64": "Yg=="}, {"b64": "Yg"}]', ["a", "é", "b", "b"]),
        ("string", '[{"b64": " Y g\\n= ="}, {"b64": "Yg.."}, {"b64": ""}]', ["b", "b", ""]),
    ],
)
def test_accepted_values(predict, dtype, accepted, answered):
    for key, answer_key in ("inputs", "outputs"), ("instances", "predictions"):
        status, answer = predict(f'{{"signature_name": "echo_{dtype}", "{key}": {accepted}}}')
        assert (status, repr(answer)) == (200, repr({answer_key: answered}))


@pytest.mark.parametrize(
    ("dtype", "expected", "values"),
    [
        ("float32", "float", ["true", "null", '"1.0"', '{"b64": "MQ=="}', '{"a": 1}']),
        ("float64", "double", ["false"]),
        ("int32", "int32", ["1.0", "1e2", "true", "2147483648", "-2147483649"]),
        ("uint8", "uint8", ["2147483648"]),
        ("int64", "int64", ["1.0", "false", "9223372036854775808"]),
        ("uint32", "uint32", ["-1", "4294967296"]),
        ("uint64", "uint64", ["-1", "1.5", "18446744073709551616"]),
        ("bool", "bool", ["0", "1", '"true"']),
        ("string", "string", ["1", "null", "true"]),
    ],
)
def test_refused_values(predict, dtype, expected, values):
    for value in values:
        status, answer = predict(f'{{"signature_name": "echo_{dtype}", "inputs": [{value}]}}')
        assert status == 400, value
        assert answer["error"].startswith("JSON Value: "), value
        assert answer["error"].endswith(f" is not of expected type: {expected}"), value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('{"b64": "!"}', "Unable to base64 decode"),
        ('{"b64": "Yg="}', "Unable to base64 decode"),
        ('{"b64": "YWJj="}', "Unable to base64 decode"),
        ('{"b64": "Y"}', "Unable to base64 decode"),
        ('{"b64": "Y-_="}', "Unable to base64 decode"),
        ('{"b64": 1}', "base64 data"),
        ('{"b64": "Yg==", "b64": "Yg=="}', "base64 data"),
    ],
)
def test_bad_base64(predict, value, text):
    status, answer = predict(f'{{"signature_name": "echo_string", "inputs": [{value}]}}')
    assert status == 400
    assert text in answer["error"]


def test_non_finite_tokens_in_and_out(predict, dtypes_url):
    content = '{"inputs": [NaN, Infinity, -Infinity, -0.0, -NaN, Inf, -Inf]}'
    response = httpx.post(f"{dtypes_url}/v1/models/dtypes:predict", content=content)
    answered = "[NaN,Infinity,-Infinity,-0.0,NaN,Infinity,-Infinity]"
    assert "".join(response.text.split()).replace("-NaN", "NaN") == f'{{"outputs":{answered}}}'


def test_bytes_output_is_base64_in_both_forms(predict):
    data = bytes(range(256))
    wrapped = {"b64": base64.b64encode(data).decode()}
    assert predict(signature_name="png", inputs=wrapped) == (200, {"outputs": wrapped})
    assert predict(signature_name="png", instances=[wrapped]) == (200, {"predictions": [wrapped]})


def test_bytes_under_a_name(predict):
    sent, wrapped = {"b64": "YQ=="}, [{"y_bytes": {"b64": "YQ=="}, "y": "a"}]
    assert predict(signature_name="png", instances=[{"x": sent}]) == (200, {"predictions": [sent]})
    assert predict(signature_name="texts", instances=[{"x": sent}]) == (200, {"predictions": wrapped})
    columns = {name: [value] for name, value in wrapped[0].items()}
    assert predict(signature_name="texts", inputs={"x": [sent]}) == (200, {"outputs": columns})


def test_bytes_suffix_means_nothing_for_numbers(predict):
    assert predict(signature_name="floats_named_bytes", instances=[1]) == (200, {"predictions": [1.0]})


def test_no_rows_is_an_empty_list(predict):
    assert predict(signature_name="no_rows", instances=[1]) == (200, {"predictions": []})


def test_scalar_output_in_column_form(predict):
    assert predict(signature_name="total", inputs=[1, 2]) == (200, {"outputs": 3.0})


@pytest.mark.parametrize("encoding", ["gzip", "deflate, gzip"])
def test_zipped_request(dtypes_url, encoding):
    response = httpx.post(
        f"{dtypes_url}/v1/models/dtypes:predict",
        content=gzip.compress(json.dumps({"inputs": 1}).encode()),
        headers={"Content-Encoding": encoding, "Content-Type": "text/plain", "Accept-Encoding": "gzip"},
    )
    assert response.json() == {"outputs": 2.0}
    assert "Content-Encoding" not in response.headers


@pytest.mark.local
def test_body_size_limit(dtypes_url, monkeypatch):
    assert body.MAX_BYTES == 100 * 2**20
    monkeypatch.setattr(body, "MAX_BYTES", 1000)
    url, zipped = f"{dtypes_url}/v1/models/dtypes:predict", {"Content-Encoding": "gzip"}
    fits = b'{"inputs": 1}'.ljust(1000)
    assert httpx.post(url, content=fits).json() == {"outputs": 2.0}
    assert httpx.post(url, content=gzip.compress(fits), headers=zipped).json() == {"outputs": 2.0}

    plain = httpx.post(url, content=fits + b" ")
    assert plain.status_code == 400
    assert plain.json() == {"error": "Request body of 1001 bytes is larger than 1000"}
    packed = httpx.post(url, content=gzip.compress(fits + b" "), headers=zipped)
    assert packed.status_code == 400
    assert packed.json() == {"error": "JSON Parse error: The document is empty"}


@pytest.mark.parametrize(
    ("zipped", "plain"),
    [
        (gzip.compress(b""), b""),
        (gzip.compress(bytes(range(256)) * 1000), bytes(range(256)) * 1000),
        (gzip.compress(b"one") + b"\0", b""),
        (gzip.compress(b"one") + b"what follows" * 1000, b""),
        (gzip.compress(b"one") + gzip.compress(b"two"), b""),
        (gzip.compress(b"cut off")[:-1], b""),
        (b"no gzip", b""),
    ],
    ids=["empty", "long", "followed", "followed far", "two members", "cut", "other"],
)
@pytest.mark.local
def test_unzipped(zipped, plain):
    assert body.gunzip(zipped) == plain


@pytest.mark.local
def test_a_bomb_takes_no_memory():
    bomb = gzip.compress(bytes(body.MAX_BYTES + 1))
    tracemalloc.start()
    try:
        assert body.gunzip(bomb) == b""
        assert tracemalloc.get_traced_memory()[1] < body.MAX_BYTES / 10
    finally:
        tracemalloc.stop()


@pytest.mark.local
def test_status_answers_while_a_model_runs(dtypes_url, predict, monkeypatch):
    running, finish, run = threading.Event(), threading.Event(), Servable.run

    def slow(self, signature, tensors):
        running.set()
        finish.wait()
        return run(self, signature, tensors)

    monkeypatch.setattr(Servable, "run", slow)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(predict, inputs=1)
        try:
            running.wait()
            assert httpx.get(f"{dtypes_url}/v1/models/dtypes").status_code == 200
            assert not answer.done()
        finally:
            finish.set()
        assert answer.result() == (200, {"outputs": 2.0})
