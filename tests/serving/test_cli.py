"""`infogan-serve` with the local server, as a process."""

import re
import signal
import socket
import subprocess
import sys

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from infogan_serving import Client
from infogan_serving.local import running
from tests.serving.models import DESCRIPTION
from tests.serving.ports import free_port

pytestmark = pytest.mark.local


def command(*flags: str) -> list[str]:
    return [sys.executable, "-c", "from infogan_serving.cli import main; main()", "--engine=local", *flags]


def failure(*flags: str) -> str:
    result = subprocess.run(command(*flags), capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_it_is_told_to_end(infogan_base, ending):
    port = free_port()
    flags = f"--model_base_path={infogan_base}", "--model_name=infogan", "--rest_api_port=0", f"--port={port}"
    with subprocess.Popen(command(*flags), stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "stand-in for TensorFlow Serving" in line)
            assert str(infogan_base) in line
            url = re.search(r"(http://127\.0\.0\.1:\d+)/v1/models/infogan", line)[1]
            with Client(url) as client:
                assert client.describe() == DESCRIPTION
            assert f"gRPC at 127.0.0.1 port {port}" in line
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                request = GetModelStatusRequest(model_spec=ModelSpec(name="infogan"))
                [entry] = ModelServiceStub(channel).GetModelStatus(request).model_version_status
                assert entry.version == 3
            process.send_signal(ending)
            _, rest = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in rest


NEVER_ENDS = """
import tensorflow as tf

@tf.function(input_signature=[tf.TensorSpec([], tf.float32, "x")])
def endless(x):
    return {"y": tf.while_loop(lambda y: y >= 0, lambda y: [y * 1.0], [x])[0]}

module = tf.Module()
module.endless = endless
tf.saved_model.save(module, r"%s", signatures=endless)
"""


@pytest.mark.parametrize("transport", ["REST", "gRPC"])
def test_ends_though_a_request_that_ran_out_of_time_still_runs(tmp_path, transport):
    subprocess.run([sys.executable, "-c", NEVER_ENDS % (tmp_path / "1")], check=True, capture_output=True)
    port = free_port()
    flags = f"--model_base_path={tmp_path}", "--rest_api_port=0", f"--port={port}", "--rest_api_timeout_in_ms=500"
    with subprocess.Popen(command(*flags), stderr=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stderr if "stand-in for TensorFlow Serving" in line)
            url = re.search(r"(http://127\.0\.0\.1:\d+)/v1/models/model", line)[0]
            if transport == "REST":
                assert httpx.post(f"{url}:predict", json={"inputs": 1}, timeout=60).status_code == 504
            else:
                sent = PredictRequest(model_spec=ModelSpec(name="model"), inputs={"x": tf.make_tensor_proto(1.0)})
                with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as raised:
                    PredictionServiceStub(channel).Predict(sent, timeout=0.5)
                assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            process.terminate()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


def test_used_port(infogan_base):
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = used.getsockname()[1]
        text = failure(f"--model_base_path={infogan_base}", f"--rest_api_port={port}")
    assert f"infogan-serve: cannot listen on 127.0.0.1:{port}: Address already in use" in text.splitlines()


def test_used_grpc_port(infogan_base, grpc_target):
    used = running(infogan_base, "infogan", poll_seconds=0, grpc_port=int(grpc_target.split(":")[1]))
    with pytest.raises(OSError, match=f"cannot listen on {grpc_target}: Address already in use"), used:
        pass


@pytest.mark.parametrize(("hide", "flag"), [("", "--port=0"), ("sys.modules['grpc'] = None; ", "--port=8500")])
def test_without_grpc(infogan_base, hide, flag):
    """Where it is not wanted, or grpcio is not installed."""
    script = f"import sys; {hide}from infogan_serving.cli import main; main()"
    flags = "--engine=local", f"--model_base_path={infogan_base}", "--rest_api_port=0", flag
    with subprocess.Popen([sys.executable, "-c", script, *flags], stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = []
            while not lines or "stand-in for TensorFlow Serving" not in lines[-1]:
                lines.append(next(process.stderr))
        finally:
            process.kill()
    assert "gRPC at" not in lines[-1]
    assert any("REST only: gRPC needs grpcio" in line for line in lines) == bool(hide)


def test_missing_base_path(tmp_path):
    text = failure(f"--model_base_path={tmp_path}/absent")
    assert f"flag --model_base_path={tmp_path}/absent: There is no such folder." in text
    assert "tensorflow" not in text.lower()


def test_base_path_is_required():
    assert "--model_base_path" in failure()


def test_help_lists_the_flags():
    text = subprocess.run(command("--help"), capture_output=True, text=True, check=False).stdout
    for name in "model_base_path", "model_name", "port", "rest_api_port", "file_system_poll_wait_seconds", "address":
        assert f"--{name}:" in text
