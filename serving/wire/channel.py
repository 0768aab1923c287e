"""Steps over gRPC on one channel, blocking and with asyncio."""

from functools import cached_property
from urllib.parse import urlsplit

import grpc

from infogan_serving.wire.rpc import read_error
from infogan_serving.wire.steps import Send

_OPTIONS = [
    ("grpc.max_send_message_length", -1),  # the default of 4 MB is less than a batch of large images
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),  # the default waits up to two minutes for a server that is back
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class ChannelTransport:
    """One server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._channel = grpc.insecure_channel(urlsplit(url).netloc, _OPTIONS)

    def close(self) -> None:
        """Closes the connections."""
        self._channel.close()

    def send(self, step: Send) -> bytes:
        """The answer's body.

        Raises:
            ServingError: an answer other than success, or none.
        """
        try:
            return self._channel.unary_unary(step.target)(step.body, timeout=step.timeout)
        except grpc.RpcError as error:
            raise read_error(error.code().name, f"{self._url}: {error.details()}") from error


class AsyncChannelTransport:
    """One server."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _channel(self) -> grpc.aio.Channel:  # belongs to the event loop that runs when it is made
        return grpc.aio.insecure_channel(urlsplit(self._url).netloc, _OPTIONS)

    async def close(self) -> None:
        """Closes the connections."""
        await self._channel.close()

    async def send(self, step: Send) -> bytes:
        """As `ChannelTransport.send`."""
        try:
            return await self._channel.unary_unary(step.target)(step.body, timeout=step.timeout)
        except grpc.RpcError as error:
            raise read_error(error.code().name, f"{self._url}: {error.details()}") from error
