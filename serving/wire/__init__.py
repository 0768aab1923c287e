"""The two ways to TensorFlow Serving: what is sent and read (`rest`, `rpc`), and how (`http`, `channel`)."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

from infogan_serving.wire import http, rest


class Protocol(NamedTuple):
    """A way to ask a server.

    Attributes:
        format: class of the exchanges about a model, called with its name and version.
        transport: class that performs their steps blocking, called with the URL.
        async_transport: the same for asyncio.
    """

    format: type[Any]
    transport: type[Any]
    async_transport: type[Any]


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
