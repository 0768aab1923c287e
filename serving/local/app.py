"""TensorFlow Serving's REST interface for one model, as an ASGI application."""

import json

from absl import logging
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from infogan_serving.local.body import gunzip, read_body
from infogan_serving.local.errors import Code, RequestError, invalid
from infogan_serving.local.model import Model
from infogan_serving.local.predict import predict
from infogan_serving.local.routes import Route, parse_route
from infogan_serving.local.servable import Servable

_NOT_FOUND = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class RestApi:
    """Answers status, metadata and predict requests for `model`.

    With `cors`, browsers are told that pages of any origin may ask.
    """

    def __init__(self, model: Model, cors: bool):
        self._model = model
        self._headers = _CORS if cors else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        if path.lower().startswith("/v1/"):
            response = await self._answer(Request(scope, receive), f"{path}?{query}" if query else path)
            response.headers.update(self._headers)
        else:
            response = HTMLResponse(_NOT_FOUND, 404)
        await response(scope, receive, send)

    async def _answer(self, request: Request, target: str) -> Response:
        if request.method == "OPTIONS":
            origin = request.headers.get("origin", "")
            return Response(status_code=200 if "http://" in origin or "https://" in origin else 400)
        try:
            body = await self._process(parse_route(request.method, target), request)
            return Response(body, 200, media_type="application/json")
        except RequestError as error:
            return Response(error.body, error.code.http_status, media_type="application/json")
        except Exception as error:
            logging.exception("%s %s", request.method, target)
            return Response(RequestError(Code.INTERNAL, repr(error)).body, 500, media_type="application/json")

    async def _process(self, route: Route, request: Request) -> bytes:
        if route.action == "status":
            return _pretty(self._model.status(route.model, route.version))  # whatever the label
        if route.action == "metadata":
            return _pretty(self._metadata(route))
        if route.action == "predict":
            body = await read_body(request)
            zipped = "gzip" in request.headers.get("content-encoding", "")
            # In the thread pool, so that status is answered while the model runs.
            return await run_in_threadpool(self._predict, route, body, zipped)
        raise RequestError(Code.UNIMPLEMENTED, f"{route.action}: not in the local server, use TensorFlow Serving")

    def _predict(self, route: Route, body: bytes, zipped: bool) -> bytes:
        return predict(gunzip(body) if zipped else body, lambda: self._find(route)[1])

    def _metadata(self, route: Route) -> dict:
        version, servable = self._find(route)
        return {
            "model_spec": {"name": route.model, "signature_name": "", "version": str(version)},
            "metadata": {"signature_def": {"signature_def": servable.metadata()}},
        }

    def _find(self, route: Route) -> tuple[int, Servable]:
        if route.label is not None:
            raise invalid(f"Unrecognized servable version label: {route.label}")
        return self._model.servable(route.model, route.version)


def _pretty(answer: dict) -> bytes:
    return json.dumps(answer, indent=1).encode()
