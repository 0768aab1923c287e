"""TensorFlow Serving's REST interface for one model, as an ASGI application."""

import json
import os
import re
from collections.abc import Callable

import anyio
from absl import logging
from anyio.to_thread import run_sync
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from infogan_serving.local.body import gunzip, read_body
from infogan_serving.local.errors import RequestError, unimplemented
from infogan_serving.local.model import Model
from infogan_serving.local.predict_json import predict
from infogan_serving.local.routes import Route, parse_route
from infogan_serving.local.servable import Servable
from infogan_serving.status_codes import StatusCode

_METHODS = {"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}
_AUTHORITY = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*")
_URI = re.compile(r"(?:[\w.~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*", re.ASCII)  # as in RFC 3986, after the host
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class RestApi:
    """Answers status, metadata and predict requests for `model`.

    Args:
        model: what it serves.
        cors: tell browsers that pages of any origin may ask.
        timeout_seconds: of a predict request once its body is here; the model itself is not interrupted.
    """

    def __init__(self, model: Model, cors: bool, timeout_seconds: float) -> None:
        self._model = model
        self._headers = _CORS if cors else {}
        self._timeout_seconds = timeout_seconds
        # As many as TensorFlow Serving's --rest_api_num_threads has by default: each may hold a body of 100 MiB.
        self._threads = anyio.CapacityLimiter(4 * (os.cpu_count() or 1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        path = _AUTHORITY.sub("", scope["raw_path"].decode("latin-1"))  # a target as of a request to a proxy has one
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        if scope["method"] not in _METHODS:
            response = _html(501, "Not Implemented")
        elif not _URI.fullmatch(target):
            response = _html(400, "Bad Request")
        elif path.lower().startswith("/v1/"):
            response = await self._answer(Request(scope, receive), target)
            response.headers.update(self._headers)
        else:
            response = _html(404, "Not Found")
        await response(scope, receive, send)

    async def _answer(self, request: Request, target: str) -> Response:
        if request.method == "OPTIONS":
            origin = request.headers.get("origin", "")
            return Response(status_code=200 if "http://" in origin or "https://" in origin else 400)
        try:
            route = parse_route(request.method, target)
            if route.action != "predict":
                return _response(lambda: self._describe(route))
            body = await read_body(request)
            zipped = "gzip" in request.headers.get("content-encoding", "")
            with anyio.fail_after(self._timeout_seconds):
                # In a thread, so that status is answered while the model runs.
                return await run_sync(
                    _response,
                    lambda: predict(gunzip(body) if zipped else body, lambda: self._find(route)[1]),
                    abandon_on_cancel=True,
                    limiter=self._threads,
                )
        except RequestError as error:
            return _refusal(error)
        except TimeoutError:
            text = f"Timed out after {self._timeout_seconds:g} s"
            return _refusal(RequestError(StatusCode.DEADLINE_EXCEEDED, text))
        except ClientDisconnect:
            return Response(status_code=400)  # that nobody reads

    def _describe(self, route: Route) -> bytes:
        if route.action == "status":
            return _pretty(_as_dict(self._model.status(route.model, route.version)))  # whatever the label
        version, servable = self._find(route)
        if route.action != "metadata":
            raise unimplemented(route.action)
        return _pretty(
            {
                "model_spec": {"name": route.model, "signature_name": "", "version": str(version)},
                "metadata": {"signature_def": _as_dict(servable.signatures)},
            }
        )

    def _find(self, route: Route) -> tuple[int, Servable]:
        return self._model.servable(route.model, route.version, route.label)


def _response(work: Callable[[], bytes]) -> Response:
    """The answer or the refusal of `work`, from the thread that does it.

    An exception that went on from here to the event loop would stay in a cycle with the loop's own future, and the
    request's body and lists with it, until Python collects such cycles, which may be hundreds of requests later.
    """
    try:
        return _json(200, work())
    except RequestError as error:
        return _refusal(error)
    except Exception as error:
        logging.exception("A request failed")
        return _refusal(RequestError(StatusCode.INTERNAL, repr(error)))


def _refusal(error: RequestError) -> Response:
    return _json(error.code.http_status, error.body)


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")


def _as_dict(message: Message) -> dict:
    """Proto3 JSON: 64-bit integers as strings, enums by name, empty fields shown."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _pretty(answer: dict) -> bytes:
    return json.dumps(answer, indent=1).encode()


def _html(status: int, text: str) -> Response:
    title = f"{status} {text}"
    return HTMLResponse(f"<html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>", status)
