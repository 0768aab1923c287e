"""The local server as a context: a thread that serves one model over HTTP, and threads that do over gRPC."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import uvicorn

from infogan_serving.local.connection import Connection
from infogan_serving.local.model import Model
from infogan_serving.local.rest_service import RestApi

ENDING_SECONDS = 5  # for requests that are being answered


@contextmanager
def running(
    model_base_path: str | Path,
    model_name: str = "model",
    port: int = 0,
    address: str = "127.0.0.1",
    poll_seconds: float = 1.0,
    cors: bool = False,
    grpc_port: int | None = None,
    warm_up: bool = True,
    timeout_seconds: float = 30.0,
) -> Iterator[str]:
    """Serves the highest version below `model_base_path` until the context ends.

    Args:
        model_base_path: the folder above the version folders.
        model_name: the name in the URL.
        port: 0 takes a free one.
        address: of the interface to listen on.
        poll_seconds: time between two looks for a new version; 0: look only once.
        cors: allow requests from web pages of any origin.
        grpc_port: None: no gRPC, and no need of grpcio.
        warm_up: run a version's warm-up requests before it is available.
        timeout_seconds: of a predict request over REST.

    Yields:
        The server's URL, such as `http://127.0.0.1:8501`; a version is loaded by then.

    Raises:
        OSError: a port cannot be had, or there is no such folder.
        RuntimeError: the version does not load.
    """
    model = Model(model_name, Path(model_base_path), warm_up)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    host = f"[{address}]" if family == socket.AF_INET6 else address
    # Ports are taken first of all, so that a used one shows before the model loads, and open once it is loaded.
    with _taken(family, address, port) as rest_port, _taken(family, address, grpc_port) as held:
        rest = RestApi(model, cors, timeout_seconds)
        with model.watched(poll_seconds), _serving(rest, rest_port), _grpc(model, host, grpc_port, held):
            yield f"http://{host}:{rest_port.getsockname()[1]}"


def _grpc(model: Model, host: str, port: int | None, held: socket.socket | None) -> AbstractContextManager[None]:
    if port is None:
        return nullcontext()
    from infogan_serving.local.grpc_service import serving  # noqa: PLC0415 - grpcio may not be installed

    held.close()  # gRPC opens a port of its own only
    return serving(model, f"{host}:{port}")


def _taken(
    family: socket.AddressFamily, address: str, port: int | None
) -> AbstractContextManager[socket.socket | None]:
    """A port that nobody else can have, but that is not open yet."""
    if port is None:
        return nullcontext()
    taken = socket.socket(family)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((address, port))
    except OSError as error:
        taken.close()
        raise OSError(f"cannot listen on {address}:{port}: {error.strerror}") from error
    return taken


@contextmanager
def _serving(app: RestApi, port: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=Connection,  # h11, which leaves the URL as it was sent
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            server_header=False,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [port]}, name="http")
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise OSError("the HTTP server did not start")
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()
