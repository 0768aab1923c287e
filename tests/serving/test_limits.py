"""What the local server does not put up with: its own bounds on time and on connections."""

import gc
import http.client
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from infogan_serving.local import connection, running, server
from infogan_serving.local.json_dialect import JsonObject
from infogan_serving.local.servable import Servable

pytestmark = pytest.mark.local
PATIENCE = 30
POST = b"POST /v1/models/infogan:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture(scope="module")
def impatient_url(infogan_base):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "ARRIVAL_SECONDS", 0.2)
        with running(infogan_base, "infogan", poll_seconds=0, timeout_seconds=0.2, warm_up=False) as url:
            yield url


@pytest.fixture
def raw(impatient_url):
    address = urlsplit(impatient_url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as connected:
        yield connected


def closed(connected: socket.socket) -> bytes:
    """What the server still sends until it closes the connection."""
    received = b""
    try:
        while data := connected.recv(2**16):
            received += data
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("sent", [b"", b"GET /v1/mod", b"GET / HTTP/1.1\r\nHost: h\r\n", POST, POST + b'{"inputs"'])
def test_half_a_request(raw, sent):
    raw.sendall(sent)
    assert closed(raw) == b""


@pytest.mark.parametrize("begin", [b"GET /", POST])
def test_a_request_that_trickles_in(raw, begin):
    raw.sendall(begin)
    raw.settimeout(0.02)
    for _ in range(1000):
        try:
            raw.sendall(b"x")
            assert raw.recv(1) == b""
            break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    else:
        pytest.fail("still open")


def test_requests_one_after_another_are_not_cut_off(impatient_url):
    address = urlsplit(impatient_url).netloc
    kept = http.client.HTTPConnection(address)
    kept.connect()
    first = kept.sock
    end = threading.Event()
    threading.Timer(1, end.set).start()
    while not end.is_set():
        kept.request("GET", "/v1/models/infogan")
        assert kept.getresponse().read()
    assert kept.sock is first
    kept.close()


def test_predict_takes_too_long(impatient_url, monkeypatch):
    finish, run = threading.Event(), Servable.run

    def slow(self, signature, tensors):
        finish.wait()
        return run(self, signature, tensors)

    monkeypatch.setattr(Servable, "run", slow)
    try:
        request = {"signature_name": "describe", "inputs": [""]}
        response = httpx.post(f"{impatient_url}/v1/models/infogan:predict", json=request, timeout=PATIENCE)
        assert response.status_code == 504
        assert response.json() == {"error": "Timed out after 0.2 s"}
    finally:
        finish.set()


def test_the_end_does_not_wait_for_what_never_arrives(infogan_base, monkeypatch):
    monkeypatch.setattr(connection, "ARRIVAL_SECONDS", 3600)
    monkeypatch.setattr(server, "ENDING_SECONDS", 0.1)
    half_sent, ended = threading.Event(), threading.Event()

    def serve() -> None:
        with running(infogan_base, "infogan", poll_seconds=0, warm_up=False) as url:
            address = urlsplit(url)
            connected = socket.create_connection((address.hostname, address.port), PATIENCE)
            connected.sendall(POST)
            connected.sendall(b"{")
            httpx.get(f"{url}/v1/models/infogan")  # answered after the server has seen what was sent before
            half_sent.set()
        connected.close()
        ended.set()

    threading.Thread(target=serve, daemon=True).start()
    assert half_sent.wait(PATIENCE)
    assert ended.wait(PATIENCE)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"A: " + b"a" * 2**17, 400),
        (b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /v1/models/m:predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        (b"GET http://h/v1/models/infogan HTTP/1.1\r\nHost: h\r\n\r\n", 200),
        (b"GET http://h/v2 HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        (b"GET Other+1.0-s://h/v1/models/infogan HTTP/1.1\r\nHost: h\r\n\r\n", 200),
        (b"GET /v1/models/a|b HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /v1/models/infogan%2 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /v1/models/infogan?a[0]=1 HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /v1/models/a~b-c._!$&'()*+,;=@%7c HTTP/1.1\r\nHost: h\r\n\r\n", 404),
        (b"get /v1/models/infogan HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"PROPFIND /v1/models/infogan HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"TRACE /v1/models/infogan HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        (b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
    ],
)
def test_bad_http(raw, sent, status):
    raw.sendall(sent)
    assert raw.recv(2**16).startswith(b"HTTP/1.1 %d " % status)


def test_a_refused_request_leaves_nothing_behind(infogan_base):
    """Not even until Python looks for cycles: its lists are large, and it looks only after very many objects."""
    too_wide, ragged, no_numbers = [[0.0] * 9], [[1, 2], [3]], [["x"]]
    with running(infogan_base, "infogan", poll_seconds=0, warm_up=False) as url, httpx.Client() as http:
        gc.collect()
        gc.disable()
        try:
            for z in too_wide, ragged, no_numbers:
                request = {"signature_name": "generate", "inputs": {"z": z, "c": [[0.0] * 10]}}
                assert http.post(f"{url}/v1/models/infogan:predict", json=request).status_code == 400
            assert not [kept for kept in gc.get_objects() if isinstance(kept, JsonObject)]
        finally:
            gc.enable()
