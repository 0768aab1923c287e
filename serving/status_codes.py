"""Canonical status codes: what gRPC answers with, what the status of a version carries, and REST's HTTP statuses."""

import enum


class StatusCode(enum.Enum):
    """A canonical status code: its number, and its HTTP status.

    The latter as ToHTTPStatusCode in tensorflow_serving/model_servers/http_server.cc.
    """

    OK = 0, 200
    CANCELLED = 1, 499
    UNKNOWN = 2, 500
    INVALID_ARGUMENT = 3, 400
    DEADLINE_EXCEEDED = 4, 504
    NOT_FOUND = 5, 404
    ALREADY_EXISTS = 6, 409
    PERMISSION_DENIED = 7, 403
    RESOURCE_EXHAUSTED = 8, 429
    FAILED_PRECONDITION = 9, 400
    ABORTED = 10, 409
    OUT_OF_RANGE = 11, 400
    UNIMPLEMENTED = 12, 501
    INTERNAL = 13, 500
    UNAVAILABLE = 14, 503
    DATA_LOSS = 15, 500
    UNAUTHENTICATED = 16, 401

    def __init__(self, number: int, http_status: int) -> None:
        self.number = number
        self.http_status = http_status
