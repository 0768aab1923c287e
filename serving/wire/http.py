"""Steps over HTTP with pooled connections, blocking and with asyncio."""

import asyncio
from time import monotonic

import httpx

from infogan_serving.errors import DeadlineExceededError, ServingError, UnavailableError, UnexpectedAnswerError
from infogan_serving.wire.rest import read_error
from infogan_serving.wire.steps import Send


class HttpTransport:
    """One server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.Client(base_url=url)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def send(self, step: Send) -> bytes:
        """The answer's body.

        Raises:
            ServingError: an answer other than success, or none.
        """
        end = monotonic() + step.timeout
        try:
            with self._http.stream(_method(step), step.target, content=step.body, timeout=step.timeout) as response:
                chunks = []
                for chunk in response.iter_bytes():
                    chunks.append(chunk)
                    if monotonic() > end:  # httpx limits the wait for each chunk, not for all of them
                        raise httpx.ReadTimeout("timed out")
        except httpx.RequestError as error:
            raise _no_answer(self._url, error) from error
        if not response.is_success:
            raise read_error(response.status_code, b"".join(chunks))
        return b"".join(chunks)


class AsyncHttpTransport:
    """One server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(base_url=url)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def send(self, step: Send) -> bytes:
        """As `HttpTransport.send`."""
        request = self._http.request(_method(step), step.target, content=step.body, timeout=step.timeout)
        try:
            response = await asyncio.wait_for(request, step.timeout)
        except (httpx.RequestError, asyncio.TimeoutError) as error:
            raise _no_answer(self._url, error) from error
        if not response.is_success:
            raise read_error(response.status_code, response.content)
        return response.content


def _method(step: Send) -> str:
    return "GET" if step.body is None else "POST"


def _no_answer(url: str, error: Exception) -> ServingError:
    if isinstance(error, httpx.TimeoutException | asyncio.TimeoutError):
        return DeadlineExceededError(f"{url}: timed out")
    if isinstance(error, httpx.DecodingError):  # its Content-Encoding is not what came
        return UnexpectedAnswerError(f"{url}: {error}")
    return UnavailableError(f"{url}: {error or type(error).__name__}")
