"""Warm-up requests decide whether a version becomes available."""

import shutil
import time

import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from infogan_serving.local import running
from infogan_serving.local.model import Model
from infogan_serving.status_codes import StatusCode
from tests.serving.models import save_constant

pytestmark = pytest.mark.local
ONE = np.float32([1])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "1"
    save_constant(folder, 1)
    return folder


def record(value=ONE, signature: str = "serving_default", name: str = "x") -> bytes:
    log = PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString()


def other_model_and_version() -> bytes:
    log = PredictionLog.FromString(record())
    log.predict_log.request.model_spec.name = "other"
    log.predict_log.request.model_spec.version.value = 99
    return log.SerializeToString()


def classify_log() -> bytes:
    log = PredictionLog()
    log.classify_log.request.model_spec.name = "model"
    return log.SerializeToString()


def publish(saved, base, version: str, records: list[bytes] | bytes | None) -> None:
    """Copies `saved` to base/version with warm-up records, a file of such content, or nothing."""
    staging = shutil.copytree(saved, base / f"copying-{version}")
    if records is not None:
        path = staging / "assets.extra" / "tf_serving_warmup_requests"
        path.parent.mkdir()
        if isinstance(records, bytes):
            path.write_bytes(records)
        else:
            with tf.io.TFRecordWriter(str(path)) as writer:
                for item in records:
                    writer.write(item)
    staging.rename(base / version)


@pytest.mark.parametrize(
    "records",
    [None, [], b"", [record()], [other_model_and_version()], [record()] * 1000],
    ids=["no file", "no records", "empty file", "one", "name and version are ignored", "1000"],
)
def test_local_version_is_available(saved, tmp_path, records):
    publish(saved, tmp_path, "1", records)
    model = Model("model", tmp_path)
    with model.watched(0):
        assert model.servable("model", None, None)[0] == 1


FAILURES = {
    "1001 records": ([record()] * 1001, "INVALID_ARGUMENT", "exceeds the maximum (1000)"),
    "no TFRecord": (b"not a TFRecord file", "DATA_LOSS", ""),
    "no PredictionLog": ([b"\xff\xff"], "INVALID_ARGUMENT", "warmup record"),
    "unknown signature": ([record(), record(signature="s")], "FAILED_PRECONDITION", '"s" not found'),
    "unknown input": ([record(name="y")], "INVALID_ARGUMENT", "Signature input alias: x"),
    "wrong dtype": ([record(np.int32([1]))], "INVALID_ARGUMENT", "to be float but int32"),
    "classify": ([classify_log()], "UNIMPLEMENTED", "classify_log"),
    "no request": ([b""], "UNIMPLEMENTED", ""),
}


@pytest.mark.parametrize("case", FAILURES)
def test_local_version_does_not_load(saved, tmp_path, case):
    records, code, text = FAILURES[case]
    publish(saved, tmp_path, "1", records)
    model = Model("model", tmp_path)
    with pytest.raises(RuntimeError, match="version 1 does not load"), model.watched(0):
        pass
    [entry] = model.status("model", 1).model_version_status
    assert entry.state == entry.END
    assert StatusCode[code].number == entry.status.error_code
    assert text in entry.status.error_message


def test_local_warm_up_can_be_turned_off(saved, tmp_path):
    publish(saved, tmp_path, "1", b"not a TFRecord file")
    with Model("model", tmp_path, warm=False).watched(0):
        pass


def test_local_failed_warm_up_does_not_evict_the_good_version(saved, tmp_path):
    publish(saved, tmp_path, "1", [record()])
    with running(tmp_path, poll_seconds=0.05) as url:
        publish(saved, tmp_path, "2", [record(signature="s")])
        end = time.monotonic() + 30
        entries = []
        while [entry["state"] for entry in entries] != ["END", "AVAILABLE"] and time.monotonic() < end:
            time.sleep(0.02)
            entries = httpx.get(f"{url}/v1/models/model").json()["model_version_status"]
        assert [(entry["version"], entry["state"]) for entry in entries] == [("2", "END"), ("1", "AVAILABLE")]
        assert entries[0]["status"]["error_code"] == "FAILED_PRECONDITION"
        assert httpx.post(f"{url}/v1/models/model:predict", json={"inputs": 0}).json() == {"outputs": 1.0}
