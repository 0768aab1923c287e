"""Serving of exported InfoGAN models: a client for TensorFlow Serving, and a local stand-in for the server.

Importing this imports neither TensorFlow nor infogan_tf; `infogan_serving.local` does the former. Names are imported on
first use, so that `infogan-serve` needs nothing of the client's.
"""

import importlib
from typing import Any

_HOMES = {
    "AsyncClient": "async_client",
    "Client": "client",
    "DeadlineExceededError": "errors",
    "InvalidRequestError": "errors",
    "NotFoundError": "errors",
    "ServingError": "errors",
    "UnavailableError": "errors",
    "UnexpectedAnswerError": "errors",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
