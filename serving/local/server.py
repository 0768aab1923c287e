"""The local server as a context: a thread that serves one model over HTTP, and threads that do over gRPC."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import uvicorn

from infogan_serving.local.connection import Connection
from infogan_serving.local.model import Model
from infogan_serving.local.rest_service import RestApi


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
    # Ports first of all, so that a used one shows before the model loads.
    with _listener(family, address, port) as listener, _grpc(model, host, grpc_port) as grpc_server:
        rest = RestApi(model, cors, timeout_seconds)
        with model.watched(poll_seconds), _serving(rest, listener):
            if grpc_server:
                grpc_server.start()
            yield f"http://{host}:{listener.getsockname()[1]}"


def _grpc(model: Model, host: str, port: int | None):
    if port is None:
        return nullcontext()
    from infogan_serving.local.grpc_service import bound  # noqa: PLC0415 - grpcio may not be installed

    return bound(model, f"{host}:{port}")


def _listener(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {address}:{port}: {error.strerror}") from error
    return listener


@contextmanager
def _serving(app: RestApi, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=Connection,  # h11, which leaves the URL as it was sent
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            server_header=False,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="http")
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
