"""The client for asyncio."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from infogan_serving.calls import Calls
from infogan_serving.images import Images
from infogan_serving.wire import protocol
from infogan_serving.wire.steps import Asking, Pause, Send, T, run_async


class AsyncClient:
    """`Client` with methods to await; arguments, answers and errors are the same.

    An asynchronous context manager; it belongs to the event loop of its first call.
    """

    def __init__(
        self,
        url: str,
        model: str = "infogan",
        version: int | None = None,
        timeout: float = 60.0,
        max_batch_size: int = 128,
        retries: int = 3,
    ) -> None:
        way = protocol(url)
        self._calls = Calls(way.format(model, version), timeout, max_batch_size, retries)
        self._transport = way.async_transport(url)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As `Client.close`."""
        await self._transport.close()

    async def wait_until_ready(self, timeout: float = 60.0) -> None:
        """As `Client.wait_until_ready`."""
        await run_async(self._calls.wait_until_ready(timeout), self._perform)

    async def status(self) -> dict[str, Any]:
        """As `Client.status`."""
        return await self._ask(self._calls.status())

    async def metadata(self) -> dict[str, Any]:
        """As `Client.metadata`."""
        return await self._ask(self._calls.metadata())

    async def describe(self) -> dict[str, Any]:
        """As `Client.describe`."""
        return await self._ask(self._calls.describe())

    async def predict(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """As `Client.predict`."""
        return await self._ask(self._calls.predict(signature, inputs))

    async def generate(
        self,
        *,
        n: int | None = None,
        z: ArrayLike | None = None,
        c: ArrayLike | None = None,
        seed: int | None = None,
        **codes: Any,
    ) -> np.ndarray:
        """As `Client.generate`."""
        return await self._ask(self._calls.generate("generate", codes, n=n, z=z, c=c, seed=seed))

    async def generate_png(
        self,
        *,
        n: int | None = None,
        z: ArrayLike | None = None,
        c: ArrayLike | None = None,
        seed: int | None = None,
        **codes: Any,
    ) -> list[bytes]:
        """As `Client.generate_png`."""
        return (await self._ask(self._calls.generate("generate_png", codes, n=n, z=z, c=c, seed=seed))).tolist()

    async def infer_code(self, images: Images) -> dict[str, np.ndarray]:
        """As `Client.infer_code`."""
        return await self._ask(self._calls.infer_code(images))

    async def _ask(self, asking: Asking[T]) -> T:
        return await run_async(self._calls.patiently(asking), self._perform)

    async def _perform(self, step: Send | Pause) -> bytes | None:
        return await (asyncio.sleep(step.seconds) if isinstance(step, Pause) else self._transport.send(step))
