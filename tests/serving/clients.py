"""Both clients behind one interface, so that the same tests run with either."""

import asyncio

from infogan_serving import AsyncClient, Client


class Blocking:
    """An AsyncClient whose methods block."""

    def __init__(self, *arguments, **options):
        self._loop = asyncio.new_event_loop()
        self._client = AsyncClient(*arguments, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        self._loop.close()

    def __getattr__(self, name: str):
        method = getattr(self._client, name)
        return lambda *arguments, **options: self._loop.run_until_complete(method(*arguments, **options))


CLIENTS = {"blocking": Client, "asyncio": Blocking}
