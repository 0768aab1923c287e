"""The two ways to TensorFlow Serving: what is sent and read (`rest`, `rpc`), and how (`http`, `channel`)."""

import typing
from collections.abc import Mapping
from urllib.parse import urlsplit

import numpy as np

from infogan_serving.wire import http, rest
from infogan_serving.wire.steps import Exchange, Send


class Format(typing.Protocol):
    """Exchanges about one model; answers have the form of REST's in all."""

    def __init__(self, model: str, version: int | None) -> None: ...

    def status(self) -> Exchange: ...

    def metadata(self) -> Exchange: ...

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, str]) -> Exchange: ...


class Transport(typing.Protocol):
    """Performs steps on connections to one server."""

    def __init__(self, url: str) -> None: ...

    def close(self) -> None: ...

    def send(self, step: Send) -> bytes: ...


class AsyncTransport(typing.Protocol):
    """The same for asyncio."""

    def __init__(self, url: str) -> None: ...

    async def close(self) -> None: ...

    async def send(self, step: Send) -> bytes: ...


class Protocol(typing.NamedTuple):
    """A way to ask a server: classes that are called with a model's name and version, or with a URL."""

    format: type[Format]
    transport: type[Transport]
    async_transport: type[AsyncTransport]


def protocol(url: str) -> Protocol:
    """The protocol that the scheme of a URL asks for.

    Raises:
        ValueError: it is neither http, https nor grpc, or the URL has no host, or gRPC's no port.
        ImportError: the packages for gRPC are not installed.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"URL {url!r}: {error}") from error
    if parts.scheme not in {"http", "https", "grpc"} or not parts.hostname or (parts.scheme == "grpc" and not port):
        raise ValueError(f"URL {url!r} is neither http://HOST:PORT nor grpc://HOST:PORT")
    if parts.scheme == "grpc":
        try:
            from infogan_serving.wire import channel, rpc  # noqa: PLC0415 - only who wants gRPC needs its packages
        except ImportError as error:
            needs = "grpc:// needs grpcio and protobuf, the extra grpc of infogan-tf: pip install grpcio protobuf"
            raise ImportError(f"{needs} ({error})") from error
        return Protocol(rpc.RpcFormat, channel.ChannelTransport, channel.AsyncChannelTransport)
    return Protocol(rest.RestFormat, http.HttpTransport, http.AsyncHttpTransport)
