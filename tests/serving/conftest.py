"""Two models, each on a local server that lives as long as the session."""

import json
from collections.abc import Iterator

import httpx
import pytest

from infogan_serving import Client
from infogan_serving.local import running
from tests.serving.clients import CLIENTS
from tests.serving.models import save_dtypes, save_infogan
from tests.serving.ports import free_port


@pytest.fixture(scope="session")
def infogan_base(tmp_path_factory):
    base = tmp_path_factory.mktemp("infogan")
    save_infogan(base / "3")
    return base


@pytest.fixture(scope="session")
def infogan_urls(infogan_base) -> Iterator[dict[str, str]]:
    port = free_port()
    with running(infogan_base, "infogan", poll_seconds=0, grpc_port=port) as url:
        yield {"REST": url, "gRPC": f"grpc://127.0.0.1:{port}"}


@pytest.fixture(scope="session")
def infogan_url(infogan_urls) -> str:
    return infogan_urls["REST"]


@pytest.fixture(scope="session", params=["REST", "gRPC"])
def transport(request) -> str:
    """Tests that use this run over either."""
    return request.param


@pytest.fixture(scope="session", params=["blocking", "asyncio"])
def make_client(request) -> type[Client]:
    """A class of clients; tests that use this run with either."""
    return CLIENTS[request.param]


@pytest.fixture(scope="session")
def client(make_client, infogan_urls, transport) -> Iterator[Client]:
    with make_client(infogan_urls[transport]) as client:
        yield client


@pytest.fixture(scope="session")
def dtypes_server(tmp_path_factory) -> Iterator[tuple[str, str]]:
    base, port = tmp_path_factory.mktemp("dtypes"), free_port()
    save_dtypes(base / "00000007")
    with running(base, "dtypes", poll_seconds=0, grpc_port=port) as url:
        yield url, f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def dtypes_url(dtypes_server) -> str:
    return dtypes_server[0]


@pytest.fixture(scope="session")
def grpc_target(dtypes_server) -> str:
    """Address and port where the model `dtypes` answers over gRPC."""
    return dtypes_server[1]


@pytest.fixture(scope="session")
def predict(dtypes_url):
    """Posts a body as it is, or request fields, to the model `dtypes`; returns HTTP status and answer."""
    with httpx.Client() as http:

        def post(body: str | bytes | None = None, target: str = "dtypes:predict", **fields):
            response = http.post(
                f"{dtypes_url}/v1/models/{target}", content=json.dumps(fields) if body is None else body
            )
            assert response.headers["content-type"] == "application/json"
            return response.status_code, json.loads(response.content)

        yield post
