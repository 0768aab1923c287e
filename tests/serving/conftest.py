"""Two models, each on a local server that lives as long as the session, or both on the one of --serving-url."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from infogan_serving import Client
from infogan_serving.local import running
from tests.serving.clients import CLIENTS
from tests.serving.models import save_dtypes, save_infogan
from tests.serving.ports import free_port


@contextmanager
def serving(request, name: str, base: str) -> Iterator[tuple[str, str | None]]:
    """REST URL and gRPC target: of --serving-url and --serving-grpc, or of a local server for what `base` saved.

    Args:
        request: of the fixture that asks.
        name: of the model.
        base: the fixture that saves it and gives the folder.
    """
    if url := request.config.getoption("serving_url"):
        yield url, request.config.getoption("serving_grpc")
    else:
        port = free_port()
        with running(request.getfixturevalue(base), name, poll_seconds=0, grpc_port=port) as url:
            yield url, f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def infogan_base(tmp_path_factory):
    base = tmp_path_factory.mktemp("infogan")
    save_infogan(base / "3")
    return base


@pytest.fixture(scope="session")
def infogan_server(request) -> Iterator[tuple[str, str | None]]:
    with serving(request, "infogan", "infogan_base") as addresses:
        yield addresses


@pytest.fixture(scope="session")
def infogan_urls(infogan_server) -> dict[str, str]:
    url, target = infogan_server
    return {"REST": url} | ({"gRPC": f"grpc://{target}"} if target else {})


@pytest.fixture(scope="session")
def infogan_url(infogan_urls) -> str:
    return infogan_urls["REST"]


@pytest.fixture(scope="session", params=["REST", "gRPC"])
def transport(request, infogan_urls) -> str:
    """Tests that use this run over either."""
    return request.param if request.param in infogan_urls else pytest.skip("no --serving-grpc")


@pytest.fixture(scope="session", params=["blocking", "asyncio"])
def make_client(request) -> type[Client]:
    """A class of clients; tests that use this run with either."""
    return CLIENTS[request.param]


@pytest.fixture(scope="session")
def client(make_client, infogan_urls, transport) -> Iterator[Client]:
    with make_client(infogan_urls[transport]) as client:
        yield client


@pytest.fixture(scope="session")
def dtypes_base(tmp_path_factory):
    base = tmp_path_factory.mktemp("dtypes")
    save_dtypes(base / "00000007")
    return base


@pytest.fixture(scope="session")
def dtypes_server(request) -> Iterator[tuple[str, str | None]]:
    with serving(request, "dtypes", "dtypes_base") as addresses:
        yield addresses


@pytest.fixture(scope="session")
def dtypes_url(dtypes_server) -> str:
    return dtypes_server[0]


@pytest.fixture(scope="session")
def grpc_target(dtypes_server) -> str:
    """Address and port where the model `dtypes` answers over gRPC."""
    return dtypes_server[1] or pytest.skip("no --serving-grpc")


@pytest.fixture(scope="session")
def predict(dtypes_url):
    """Posts a body as it is, or request fields, to the model `dtypes`; returns HTTP status and answer."""
    with httpx.Client() as http:

        def post(body: str | bytes | None = None, target: str = "dtypes:predict", **fields):
            response = http.post(
                f"{dtypes_url}/v1/models/{target}", content=json.dumps(fields) if body is None else body
            )
            assert response.headers["content-type"] == "application/json"
            return response.status_code, json.loads(response.content.decode("utf-8", "surrogateescape"))

        yield post
