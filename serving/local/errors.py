"""What goes wrong with a request, as TensorFlow Serving reports it: a canonical status code and a text."""

import enum
import json

import tensorflow as tf


class Code(enum.Enum):
    """Canonical status code: its number in `tf.errors`, and its HTTP status.

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

    def __init__(self, number: int, http_status: int):
        self.number = number
        self.http_status = http_status

    @classmethod
    def of(cls, error: Exception) -> "Code":
        """The code of a failure of a request, of TensorFlow, or of Python around it."""
        if isinstance(error, RequestError):
            return error.code
        if isinstance(error, tf.errors.OpError):
            return next(code for code in cls if code.number == error.error_code)
        return cls.NOT_FOUND if isinstance(error, OSError) else cls.UNKNOWN


class RequestError(Exception):
    """A request that is refused with `code` and `message`."""

    def __init__(self, code: Code, message: str):
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        """The answer's body: `{"error": message}`, or nothing at all when there is no message."""
        return json.dumps({"error": self.message}).encode() if self.message else b""


def invalid(message: str) -> RequestError:
    """The commonest refusal: the request itself is wrong."""
    return RequestError(Code.INVALID_ARGUMENT, message)


def unimplemented(what: str) -> RequestError:
    """The refusal of what only the real server can do."""
    return RequestError(Code.UNIMPLEMENTED, f"{what}: not in the local server, use TensorFlow Serving")
