"""A call as a sequence of steps that knows no sockets, so that blocking and asyncio clients share all but the I/O.

What a client wants to know is a generator of exchanges (`Asking`). `patiently` turns it into steps, each of which is
one attempt or one pause (`Steps`). `run` and `run_async` perform the steps.
"""

import itertools
import random
from collections.abc import Awaitable, Callable, Generator
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from infogan_serving.errors import DeadlineExceededError, ServingError, UnavailableError, UnexpectedAnswerError

FIRST_PAUSE = 0.1  # seconds; doubles with every attempt

T = TypeVar("T")


class Exchange(NamedTuple):
    """A request, and how to read its answer.

    Attributes:
        target: REST: the path; gRPC: the full name of the method.
        body: None for a REST request without one.
        read: of the answer's body.
    """

    target: str
    body: bytes | None
    read: Callable[[bytes], Any]

    def answer(self, body: bytes) -> Any:
        """The answer, read.

        Raises:
            UnexpectedAnswerError: it cannot be read.
        """
        try:
            return self.read(body)
        except Exception as error:  # anything may listen at an address
            shown = body[:200].decode(errors="replace")
            raise UnexpectedAnswerError(f"{self.target}: not the answer that was expected: {shown}") from error


class Send(NamedTuple):
    """Send `body` to `target` and return the answer's body, within `timeout` seconds."""

    target: str
    body: bytes | None
    timeout: float


class Pause(NamedTuple):
    """Let `seconds` pass."""

    seconds: float


Asking = Generator[Exchange, Any, T]
Steps = Generator[Send | Pause, bytes | None, T]


def patiently(asking: Asking[T], timeout: float, retries: int) -> Steps[T]:
    """All exchanges of `asking` within `timeout` seconds; each is repeated up to `retries` times.

    Only for what is safe to repeat. Only unavailability is worth a repetition, after a growing pause.

    Raises:
        DeadlineExceededError: the time is over.
        UnexpectedAnswerError: an answer cannot be read.
        ServingError: what the last attempt raised; there is none after a pause that the time does not allow.
    """
    end = monotonic() + timeout
    answer = None
    try:
        while True:
            exchange = asking.send(answer)
            answer = exchange.answer((yield from _attempts(exchange, end, retries)))
    except StopIteration as stop:
        return stop.value


def _attempts(exchange: Exchange, end: float, retries: int) -> Steps[bytes]:
    for attempt in itertools.count():
        left = end - monotonic()
        if left <= 0:
            raise DeadlineExceededError("The call took longer than its timeout")
        try:
            return (yield Send(exchange.target, exchange.body, left))
        except UnavailableError:
            # Random, so that clients that failed together do not come back together.
            pause = FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1)
            if attempt == retries or monotonic() + pause >= end:
                raise
        yield Pause(pause)


def run(steps: Steps[T], perform: Callable[[Send | Pause], bytes | None]) -> T:
    """Performs the steps one after another; an error is raised where its step was asked for."""
    try:
        step = next(steps)
        while True:
            try:
                answer = perform(step)
            except ServingError as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        return stop.value


async def run_async(steps: Steps[T], perform: Callable[[Send | Pause], Awaitable[bytes | None]]) -> T:
    """As `run`."""
    try:
        step = next(steps)
        while True:
            try:
                answer = await perform(step)
            except ServingError as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        return stop.value
