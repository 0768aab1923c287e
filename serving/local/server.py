"""The local server as a context: a thread that serves one model over HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from infogan_serving.local.app import RestApi
from infogan_serving.local.model import Model


@contextmanager
def running(
    model_base_path: str | Path,
    model_name: str = "model",
    port: int = 0,
    address: str = "127.0.0.1",
    poll_seconds: float = 1.0,
    cors: bool = False,
) -> Iterator[str]:
    """Serves the highest version below `model_base_path` until the context ends.

    Args:
        model_base_path: the folder above the version folders.
        model_name: the name in the URL.
        port: 0 takes a free one.
        address: of the interface to listen on.
        poll_seconds: time between two looks for a new version; 0: look only once.
        cors: allow requests from web pages of any origin.

    Yields:
        The server's URL, such as `http://127.0.0.1:8501`; a version is loaded by then.

    Raises:
        OSError: the port cannot be had, or there is no such folder.
        RuntimeError: the version does not load.
    """
    model = Model(model_name, Path(model_base_path))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address, port))  # first of all, so that a used port shows before the model loads
        except OSError as error:
            raise OSError(f"cannot listen on {address}:{port}: {error.strerror}") from error
        host = f"[{address}]" if family == socket.AF_INET6 else address
        with model.watched(poll_seconds), _serving(RestApi(model, cors), listener):
            yield f"http://{host}:{listener.getsockname()[1]}"


@contextmanager
def _serving(app: RestApi, listener: socket.socket) -> Iterator[None]:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",  # which leaves the URL as it was sent
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
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
