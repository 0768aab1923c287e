"""Every refusal: its HTTP status and text, and which of several comes first."""

import json

import httpx
import pytest
import tensorflow as tf

from infogan_serving.local.errors import code_of
from tests.serving.models import OTHER_DTYPES

DEEP = 100_000


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        pytest.param("[" * DEEP, "nested too deeply", marks=pytest.mark.local),
        pytest.param('{"inputs": ' + "[" * DEEP + "]" * DEEP + "}", "nested too deeply", marks=pytest.mark.local),
        pytest.param(
            '{"inputs": ' + "[" * 300 + "]" * 300 + "}",
            "Encountered list of rank: 300 expected <= 31",
            marks=pytest.mark.local,
        ),
        pytest.param(
            '{"instances": [' + "[" * 32 + "]" * 32 + "]}",
            "Encountered list of rank: 32 expected <= 31",
            marks=pytest.mark.local,
        ),
        ("[1]", "JSON Value: [1] Is not object"),
        ('{"signature_name": 1}', "'signature_name' key must be a string value."),
        ('{"signature_name": "s"}', 'Serving signature name: "s" not found in signature def'),
        (
            '{"signature_name": "__saved_model_init_op"}',
            "Failed to get input map for signature: __saved_model",
        ),
        ('{"instances": [1], "inputs": 1}', "only one of 'inputs' or 'instances' keys to exist"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": 1}', "Expecting 'instances' to be an list/array"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
        ('{"inputs": ["x"]}', 'JSON Value: "x" Type: String is not of expected type: float'),
        ('{"inputs": [[1], [1, 2]]}', "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
        ('{"inputs": [1, [1]]}', "Encountered list at unexpected level: 1 expected < 1"),
        (
            '{"inputs": [[1], 7]}',
            "JSON Value: 7 found at incorrect level: 2 in the JSON DOM. Expected at level: 2",
        ),
        ('{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1 of input list"),
        ('{"instances": [{"x": 1, "x": [2]}]}', "Expecting shape [] but got: [1]"),
        (b'{"signature_name": "\xff"}', '"\udcff" not found in signature def'),
        (b'{"inputs": "\xff"}', 'JSON Value: "\udcff" Type: String is not of expected type: float'),
        ('{"instances": [{"x": 1}, 1]}', "Expecting object but got list at item 1 of input list"),
    ],
)
def test_request(predict, body, text):
    status, answer = predict(body)
    assert status == 400
    assert answer.keys() == {"error"}
    assert text in answer["error"]


ROW = "of 'instances' list."


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([1], "instances is a plain list, but expecting list of objects"),
        ([{"a": 1}], f'Failed to process element: 0 {ROW} JSON object: {{"a":1}} keys must be equal to: a,b'),
        (
            [{"a": 1, "b": 1, "k": 1}],
            f"Failed to process element: 0 key: k {ROW} Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: k",
        ),
        (
            [{"a": 1, "b": 1}, {"a": 1, "b": 1.5}],
            f"Failed to process element: 1 key: b {ROW} Error: INVALID_ARGUMENT: JSON Value: 1.5 Type: Num",
        ),
        ([{"a": [1], "b": 1}, {"a": [1, 2], "b": 1}], "Expecting tensor size: 1 but got: 2"),
        ([{"a": [1, 2], "b": 1}, {"a": [[1, 2]], "b": 1}], "Expecting shape [2] but got: [1,2]"),
    ],
)
def test_row(predict, rows, text):
    status, answer = predict(signature_name="two", instances=rows)
    assert status == 400
    assert text in answer["error"]


@pytest.mark.parametrize(
    ("signature", "fields", "text"),
    [
        ("two", {"inputs": [1]}, "inputs is a plain value/list, but expecting an object"),
        ("two", {"inputs": {"a": [1, 2], "b": [1, 2, 3]}}, "Incompatible shapes"),
        ("product", {"instances": [[1, 2, 3]]}, "Matrix size-incompatible"),
        ("total", {"instances": [1]}, "Tensor name: y has no shape information"),
        ("uneven", {"instances": [1, 2]}, "has inconsistent batch size: "),
    ],
)
def test_tensors(predict, signature, fields, text):
    status, answer = predict(signature_name=signature, **fields)
    assert status == 400
    assert text in answer["error"]


@pytest.mark.parametrize("dtype", OTHER_DTYPES, ids=lambda dtype: dtype.name)
def test_dtypes_without_a_json_form(predict, dtype):
    name = "half" if dtype == tf.float16 else dtype.name
    unreadable = f"Conversion of JSON Value: 1 to type: {name}"
    assert predict(signature_name=f"echo_{dtype.name}", inputs=[1]) == (501, {"error": unreadable})
    status, answer = predict(signature_name=f"echo_{dtype.name}", instances=[1])
    assert (status, answer["error"].endswith(f"Error: UNIMPLEMENTED: {unreadable}")) == (400, True)
    unwritable = {"error": f"Failed to write JSON value for tensor type: {name}"}
    assert predict(signature_name=f"to_{dtype.name}", inputs=[1]) == (400, unwritable)
    assert predict(signature_name=f"to_{dtype.name}", instances=[1]) == (400, unwritable)


def test_nothing_has_a_json_form_in_every_dtype(predict):
    assert predict(signature_name="no_halves", inputs=[1]) == (200, {"outputs": []})
    assert predict(signature_name="no_halves", instances=[1]) == (200, {"predictions": []})


def test_bytes_of_an_error_pass_through(dtypes_url):
    body = b'{"signature_name": "\xc3\xa9\xff", "inputs": 1}'
    answer = httpx.post(f"{dtypes_url}/v1/models/dtypes:predict", content=body).content
    assert answer == b'{"error": "Serving signature name: \\"\xc3\xa9\xff\\" not found in signature def"}'


def test_texts_are_whole(predict):
    status, answer = predict(signature_name="s" * 5000, inputs=1)
    assert (status, f'"{"s" * 5000}"' in answer["error"]) == (400, True)


def test_failing_op_keeps_its_code(predict):
    status, answer = predict(signature_name="missing_file", inputs=1)
    assert status == 404
    assert "/missing/file" in answer["error"]


@pytest.mark.local
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (tf.errors.CancelledError, 499),
        (tf.errors.UnknownError, 500),
        (tf.errors.InvalidArgumentError, 400),
        (tf.errors.DeadlineExceededError, 504),
        (tf.errors.NotFoundError, 404),
        (tf.errors.AlreadyExistsError, 409),
        (tf.errors.PermissionDeniedError, 403),
        (tf.errors.ResourceExhaustedError, 429),
        (tf.errors.FailedPreconditionError, 400),
        (tf.errors.AbortedError, 409),
        (tf.errors.OutOfRangeError, 400),
        (tf.errors.UnimplementedError, 501),
        (tf.errors.InternalError, 500),
        (tf.errors.UnavailableError, 503),
        (tf.errors.DataLossError, 500),
        (tf.errors.UnauthenticatedError, 401),
    ],
)
def test_http_status_of_tensorflow_errors(error, status):
    assert code_of(error(None, None, "")).http_status == status


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("m:predict", 404, "Servable not found for request: Latest(m)"),
        ("dtypes/versions/9:predict", 404, "Servable not found for request: Specific(dtypes, 9)"),
        ("dtypes/labels/l:predict", 400, "Unrecognized servable version label: l"),
        ("m/labels/l:predict", 400, "Unrecognized servable version label: l"),
        ("m:classify", 404, "Servable not found for request: Latest(m)"),
        ("dtypes/versions/9:regress", 404, "Servable not found for request: Specific(dtypes, 9)"),
    ],
)
def test_lookup(predict, target, status, text):
    assert predict("{}", target=target) == (status, {"error": text})


@pytest.mark.parametrize(
    ("target", "body", "text"),
    [
        ("m:predict", "{", "JSON Parse error"),
        ("m:predict", "[]", "Is not object"),
        ("m:predict", '{"signature_name": 1}', "must be a string"),
        ("m:predict", "{}", "Servable not found"),
        ("dtypes:predict", '{"signature_name": "s"}', "Serving signature name"),
        ("dtypes:predict", '{"signature_name": "__saved_model_init_op"}', "Failed to get input map"),
        ("dtypes:predict", '{"instances": ["x"], "inputs": 1}', "only one of"),
        ("dtypes:predict", '{"signature_name": "product", "inputs": "x"}', "not of expected type"),
        ("dtypes:predict", '{"signature_name": "product", "instances": [1]}', "MatMul"),
    ],
)
def test_the_first_of_several_mistakes_is_reported(predict, target, body, text):
    assert text in predict(body, target=target)[1]["error"]


def test_bad_gzip_reads_as_empty(dtypes_url):
    response = httpx.post(f"{dtypes_url}/v1/models/dtypes:predict", content=b"{}", headers={"Content-Encoding": "gzip"})
    assert response.status_code == 400
    assert json.loads(response.text) == {"error": "JSON Parse error: The document is empty"}


@pytest.mark.local
@pytest.mark.parametrize("verb", ["classify", "regress"])
def test_local_classify_and_regress_point_to_tensorflow_serving(predict, verb):
    status, answer = predict("{}", target=f"dtypes:{verb}")
    assert status == 501
    assert "TensorFlow Serving" in answer["error"]
