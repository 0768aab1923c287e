"""What goes wrong with a call: one tree of exceptions, whichever way the server is asked."""


class ServingError(Exception):
    """The server answered with an error, whose text this carries.

    Attributes:
        status: the HTTP status; over gRPC the one by which TensorFlow Serving's REST interface reports the same
            error. None if no HTTP answer came.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class InvalidRequestError(ServingError):
    """400: the server refuses the request, for example for a shape that the model cannot take."""


class NotFoundError(ServingError):
    """404: the server does not have that model or version."""


class UnavailableError(ServingError):
    """503, no connection, or a lost one: the same call may work later."""


class DeadlineExceededError(ServingError):
    """504, or no answer within the client's timeout."""


class UnexpectedAnswerError(ServingError):
    """Something answered, but not as TensorFlow Serving does, or for a model that has changed."""


_CLASSES = {400: InvalidRequestError, 404: NotFoundError, 503: UnavailableError, 504: DeadlineExceededError}


def error_of(status: int, message: str) -> ServingError:
    """The error for an HTTP status and the server's text."""
    return _CLASSES.get(status, ServingError)(message or f"HTTP status {status}", status)
