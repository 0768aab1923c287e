"""Serving of exported InfoGAN models: a client for TensorFlow Serving, and a local stand-in for the server.

Importing this imports neither TensorFlow nor infogan_tf; `infogan_serving.local` does the former.
"""

from infogan_serving.async_client import AsyncClient
from infogan_serving.client import Client
from infogan_serving.errors import (
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    ServingError,
    UnavailableError,
    UnexpectedAnswerError,
)

__all__ = [
    "AsyncClient",
    "Client",
    "DeadlineExceededError",
    "InvalidRequestError",
    "NotFoundError",
    "ServingError",
    "UnavailableError",
    "UnexpectedAnswerError",
]
