"""Servers that answer status requests from a script, over HTTP or gRPC, and remember what they were asked."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from infogan_serving.status_codes import StatusCode

ERRORS = {code.name: code.http_status for code in StatusCode if code is not StatusCode.OK}
CUT = "connection closed within the answer"
GARBLED = "said to be gzip, and is not"
DRIP = "an answer that takes two seconds, byte by byte, and then breaks off"


class Script:
    """What to answer: the name of a state of version 1 or of a status code, `CUT`, `DRIP`, `GARBLED`, or a text."""

    def __init__(self, *answers: str):
        self._answers = iter(answers)
        self.asked = 0
        self.connections = 0
        self.closed = threading.Event()

    def next(self) -> str:
        self.asked += 1
        return next(self._answers)


@contextmanager
def scripted_http(script: Script) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self):
            script.connections += 1
            super().setup()

        def do_GET(self):
            answer = script.next()
            status = ERRORS.get(answer, 200)
            body = _body(answer).encode()
            self.send_response(status)
            if answer == GARBLED:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body) if answer not in {CUT, DRIP} else 10**6))
            self.end_headers()
            with suppress(ConnectionError):  # the client gives up
                for _ in range(100 if answer == DRIP else 0):
                    if script.closed.wait(0.02):
                        break
                    self.wfile.write(b" ")
                self.wfile.write(body)
            self.close_connection = answer in {CUT, DRIP}

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            script.closed.set()
            server.shutdown()
            thread.join()


@contextmanager
def scripted_grpc(script: Script) -> Iterator[str]:
    def answer(_, context):
        answer = script.next()
        if answer in ERRORS:
            context.abort(grpc.StatusCode[answer], f"text of {answer}")
        state = ModelVersionStatus.State.Value(answer)
        return GetModelStatusResponse(model_version_status=[{"version": 1, "state": state}]).SerializeToString()

    handlers = {"GetModelStatus": grpc.unary_unary_rpc_method_handler(answer)}
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("tensorflow.serving.ModelService", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


def _body(answer: str) -> str:
    if answer in ERRORS:
        return json.dumps({"error": f"text of {answer}"})
    if answer in {*ModelVersionStatus.State.keys(), CUT, DRIP}:
        return json.dumps({"model_version_status": [{"version": "1", "state": answer}]})
    return answer


SERVERS = {"REST": scripted_http, "gRPC": scripted_grpc}
