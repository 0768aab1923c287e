"""URLs, byte for byte, and headers."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from infogan_serving.local import running


@pytest.fixture
def ask(infogan_url):
    connection = http.client.HTTPConnection(urlsplit(infogan_url).netloc)

    def send(method: str, target: str, headers: dict | None = None):
        connection.request(method, target, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read(), response.headers

    yield send
    connection.close()


@pytest.mark.parametrize("target", ["/", "/v1", "/v2/models/infogan", "/monitoring/prometheus/metrics"])
def test_other_paths_have_no_json(ask, target):
    status, _, headers = ask("GET", target)
    assert status == 404
    assert headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/models/infogan/"),
        ("GET", "/v1/models/infogan:predict"),
        ("GET", "/v1/models/infogan/metadata?x=1"),
        ("GET", "/v1/models/infogan/versions/3/labels/l"),
        ("GET", "/v1/models/infogan/versions/-1"),
        ("POST", "/v1/models/infogan"),
        ("POST", "/v1/models/infogan/metadata"),
        ("POST", "/v1/models/infogan:predict?x=1"),
        ("POST", "/v1/models/infogan:PREDICT"),
        ("POST", "/v1/models/infogan:generate"),
        ("POST", "/V1/Models/infogan:generate"),
        ("PUT", "/v1/models/infogan:predict"),
        ("DELETE", "/v1/models/infogan"),
        ("PATCH", "/v1/models/infogan"),
    ],
)
def test_malformed(ask, method, target):
    status, body, headers = ask(method, target)
    assert status == 400
    assert json.loads(body) == {"error": f"Malformed request: {method} {target}"}
    assert headers["Content-Type"] == "application/json"


def test_head_is_malformed_too(ask):
    assert ask("HEAD", "/v1/models/infogan")[0] == 400


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("/v1/models", 400, "Missing model name in request."),
        ("/v1/models/versions/3", 400, "Missing model name in request."),
        ("/v1/models/metadata", 404, "Could not find any versions of model metadata"),
        ("/v1/models/infogan?x=1", 404, "Could not find any versions of model infogan?x=1"),
        ("/v1/models/infogan#x", 404, "Could not find any versions of model infogan#x"),
        ("/v1/models/a%2Fb+c%3A", 404, "Could not find any versions of model a/b+c:"),
        ("/v1/models/..%2F..%2Fetc", 404, "Could not find any versions of model ../../etc"),
        ("/v1/models/infogan/versions/9", 404, "Could not find version 9 of model infogan"),
        ("/v1/models/m/versions/9223372036854775807", 404, "Could not find version 9223372036854775807 of model m"),
        (
            "/v1/models/infogan/versions/9/metadata",
            404,
            "Servable not found for request: Specific(infogan, 9)",
        ),
        ("/v1/models/m/metadata", 404, "Servable not found for request: Latest(m)"),
        ("/v1/models/infogan/labels/a%20b/metadata", 400, "Unrecognized servable version label: a b"),
    ],
)
def test_get_errors(ask, target, status, text):
    answered, body, _ = ask("GET", target)
    assert (answered, json.loads(body)) == (status, {"error": text})


@pytest.mark.parametrize(
    "target",
    [
        "/v1/models/infogan",
        "/V1/MODELS/infogan",
        "/v1/models/%69nfogan",
        "/v1/models/infogan/versions/0003",
        pytest.param("/v1/models/infogan/versions/" + "0" * 5000 + "3", id="very long"),
        "/v1/models/infogan/labels/none",
        "/v1/models/infogan/METADATA",
    ],
)
def test_status_urls(ask, target):
    status, body, _ = ask("GET", target)
    available = {"version": "3", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert (status, json.loads(body)) == (200, {"model_version_status": [available]})


@pytest.mark.parametrize(
    "target",
    [
        "/v1/models/infogan/versions/9223372036854775808",
        "/v1/models/m/versions/" + "9" * 30,
        pytest.param("/v1/models/m/versions/" + "9" * 5000, id="very long"),  # more than Python's int() reads
    ],
)
def test_version_beyond_64_bits_has_an_empty_answer(ask, target):
    assert ask("GET", target)[:2] == (400, b"")
    assert ask("POST", target + ":predict")[:2] == (400, b"")


@pytest.mark.parametrize(("origin", "status"), [("", 400), ("null", 400), ("http://a", 200), ("https://a", 200)])
def test_options(ask, origin, status):
    assert ask("OPTIONS", "/v1/anything", {"Origin": origin} if origin else {})[:2] == (status, b"")


@pytest.mark.local
def test_cors_headers_only_when_asked_for(ask, infogan_base):
    assert "Access-Control-Allow-Origin" not in ask("GET", "/v1/models/infogan")[2]
    with running(infogan_base, "infogan", poll_seconds=0, cors=True) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc)
        for method, target in ("GET", "/v1/models/infogan"), ("GET", "/v1/models/m"), ("OPTIONS", "/v1/"):
            connection.request(method, target)
            response = connection.getresponse()
            response.read()
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers["Access-Control-Allow-Methods"] == "POST, GET"
            assert response.headers["Access-Control-Allow-Headers"] == "Content-Type"
        connection.close()


@pytest.mark.parametrize("version", ["", "/versions/3"])
def test_metadata(ask, version):
    status, body, _ = ask("GET", f"/v1/models/infogan{version}/metadata")
    metadata = json.loads(body)
    assert status == 200
    assert metadata["model_spec"] == {"name": "infogan", "signature_name": "", "version": "3"}
    signatures = metadata["metadata"]["signature_def"]["signature_def"]
    for signature in signatures.values():
        assert signature.pop("defaults", {}) == {}  # older servers have none
    assert signatures["generate"] == {
        "inputs": {
            "z": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {
                    "dim": [{"size": "-1", "name": ""}, {"size": "3", "name": ""}],
                    "unknown_rank": False,
                },
                "name": "generate_z:0",
            },
            "c": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {
                    "dim": [{"size": "-1", "name": ""}, {"size": "10", "name": ""}],
                    "unknown_rank": False,
                },
                "name": "generate_c:0",
            },
        },
        "outputs": {
            "image": {
                "dtype": "DT_FLOAT",
                "tensor_shape": {
                    "dim": [{"size": size, "name": ""} for size in ("-1", "4", "4", "1")],
                    "unknown_rank": False,
                },
                "name": signatures["generate"]["outputs"]["image"]["name"],
            }
        },
        "method_name": "tensorflow/serving/predict",
    }
    assert signatures["__saved_model_init_op"]["outputs"]["__saved_model_init_op"] == {
        "dtype": "DT_INVALID",
        "tensor_shape": {"dim": [], "unknown_rank": True},
        "name": "NoOp",
    }
