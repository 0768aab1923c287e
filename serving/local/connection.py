"""HTTP connections that do not wait forever for a request that was begun, or never was."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

ARRIVAL_SECONDS = 30.0


class Connection(H11Protocol):
    """Closes itself once a request has been on its way for `ARRIVAL_SECONDS`, or at most twice that."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._await(self.cycle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def _look(self, last: object) -> None:
        arriving = self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
        if arriving and self.cycle is last:  # each request has a cycle of its own once its head is here
            self.transport.abort()
        else:
            self._await(self.cycle if arriving else self)

    def _await(self, last: object) -> None:
        self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._look, last)
