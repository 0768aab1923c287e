"""What goes wrong with a request, as TensorFlow Serving reports it: a canonical status code and a text."""

import json

import tensorflow as tf

from infogan_serving.status_codes import StatusCode


class RequestError(Exception):
    """A request that is refused with `code` and `message`."""

    def __init__(self, code: StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        """The answer's body: `{"error": message}`, or nothing at all when there is no message."""
        text = json.dumps({"error": self.message}, ensure_ascii=False) if self.message else ""
        return text.encode("utf-8", "surrogateescape")


def invalid(message: str) -> RequestError:
    """The commonest refusal: the request itself is wrong."""
    return RequestError(StatusCode.INVALID_ARGUMENT, message)


def unimplemented(what: str) -> RequestError:
    """The refusal of what only the real server can do."""
    return RequestError(StatusCode.UNIMPLEMENTED, f"{what}: not in the local server, use TensorFlow Serving")


def code_of(error: Exception) -> StatusCode:
    """The code of a failure of a request, of TensorFlow, or of Python around it."""
    if isinstance(error, RequestError):
        return error.code
    if isinstance(error, tf.errors.OpError):
        return next(code for code in StatusCode if code.number == error.error_code)
    return StatusCode.NOT_FOUND if isinstance(error, OSError) else StatusCode.UNKNOWN
