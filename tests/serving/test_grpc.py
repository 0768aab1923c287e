"""The gRPC interface: codes, texts and answers."""

import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from infogan_serving.local.body import MAX_BYTES
from infogan_serving.local.servable import Servable
from tests.serving.models import JSON_DTYPES, OTHER_DTYPES


@pytest.fixture(scope="module")
def channel(grpc_target):
    with grpc.insecure_channel(grpc_target) as channel:
        yield channel


@pytest.fixture(scope="module")
def predictions(channel):
    return PredictionServiceStub(channel)


@pytest.fixture(scope="module")
def models(channel):
    return ModelServiceStub(channel)


def spec(signature: str = "", name: str = "dtypes", **choice) -> ModelSpec:
    answer = ModelSpec(name=name, signature_name=signature)
    if "version" in choice:
        answer.version.value = choice["version"]
    if "label" in choice:
        answer.version_label = choice["label"]
    return answer


def request(model_spec: ModelSpec, output_filter=(), **inputs) -> PredictRequest:
    protos = {
        name: value if isinstance(value, TensorProto) else tf.make_tensor_proto(value) for name, value in inputs.items()
    }
    return PredictRequest(model_spec=model_spec, inputs=protos, output_filter=output_filter)


def metadata_request(**choice) -> GetModelMetadataRequest:
    return GetModelMetadataRequest(model_spec=spec(**choice), metadata_field=["signature_def"])


def floats(shape, *values) -> TensorProto:
    return TensorProto(
        dtype=tf.float32.as_datatype_enum, tensor_shape=tf.TensorShape(shape).as_proto(), float_val=values
    )


def of_rank(rank: int) -> TensorProto:
    return TensorProto(
        dtype=tf.string.as_datatype_enum, tensor_shape=tf.TensorShape([1] * rank).as_proto(), string_val=[b"a"]
    )


def refusal(call, message, **options) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as raised:
        call(message, **options)
    return raised.value.code(), raised.value.details()


def test_predict(predictions):
    sent = request(spec("two"), a=np.float32([[0.5, 1]]), b=np.int32([[1, 2]]))
    answer = predictions.Predict(sent)
    assert answer.model_spec == spec("two", version=7)
    assert answer.outputs.keys() == {"total", "b"}
    np.testing.assert_array_equal(tf.make_ndarray(answer.outputs["total"]), np.float32([[1.5, 3]]))
    assert list(answer.outputs["total"].float_val) == [1.5, 3]
    assert list(answer.outputs["b"].int_val) == [1, 2]
    assert not answer.outputs["total"].tensor_content


@pytest.mark.parametrize("choice", [{}, {"version": 7}])
def test_the_answer_names_the_default_signature_and_the_version(predictions, choice):
    answer = predictions.Predict(request(spec(**choice), x=np.float32(3)))
    assert answer.model_spec == spec("serving_default", version=7)
    assert tf.make_ndarray(answer.outputs["y"]) == 6


VALUES = {tf.string: [b"a\xff", b""], tf.bool: [True, False], tf.complex64: [1 + 2j, -3j], tf.complex128: [1j, 0.1]}


@pytest.mark.parametrize("dtype", JSON_DTYPES + OTHER_DTYPES, ids=lambda dtype: dtype.name)
@pytest.mark.parametrize("shape", [(2, 1), (1, 0)])
def test_every_dtype_in_and_out(predictions, dtype, shape):
    values = VALUES.get(dtype, [1, 2.5 if dtype.is_floating else 100])[: np.prod(shape)]
    values = np.array(values, dtype.as_numpy_dtype).reshape(shape)
    sent = tf.make_tensor_proto(values, dtype)
    answer = predictions.Predict(request(spec(f"echo_{dtype.name}"), x=sent)).outputs["y"]
    np.testing.assert_array_equal(tf.make_ndarray(answer), values)
    assert answer.dtype == dtype.as_datatype_enum
    assert not answer.tensor_content


@pytest.mark.parametrize(
    ("values", "repeated"), [((1, 2), [1, 2, 2, 2]), ((5,), [5, 5, 5, 5]), ((), [0, 0, 0, 0])], ids=str
)
def test_too_few_values_repeat_the_last(predictions, values, repeated):
    answer = predictions.Predict(request(spec("echo_float32"), x=floats([2, 2], *values)))
    assert list(answer.outputs["y"].float_val) == repeated


@pytest.mark.parametrize("shape", [[], [0], [1]], ids=str)
def test_too_many_values_are_cut_off(predictions, shape):
    proto = floats(shape, 1, 2)
    answer = predictions.Predict(request(spec("echo_float32"), x=proto)).outputs["y"]
    np.testing.assert_array_equal(tf.make_ndarray(answer), np.ones(shape))
    np.testing.assert_array_equal(tf.io.parse_tensor(proto.SerializeToString(), tf.float32), np.ones(shape))


def test_strings_in_one_content(predictions):
    """As TensorFlow writes them: the lengths, then the bytes."""
    values = np.array([b"\xff", b"", b"x" * 300], object)
    content = TensorProto(
        dtype=tf.string.as_datatype_enum,
        tensor_shape=tf.TensorShape([3]).as_proto(),
        tensor_content=b"\x01\x00\xac\x02\xff" + b"x" * 300,
    )
    answer = predictions.Predict(request(spec("echo_string"), x=content)).outputs["y"]
    assert list(answer.string_val) == values.tolist()


@pytest.mark.parametrize("dtype", [tf.uint8, tf.int8, tf.int16, tf.uint16], ids=lambda dtype: dtype.name)
def test_integers_beyond_a_narrow_dtype_wrap(predictions, dtype):
    """As where C++ reads the protocol buffer."""
    shape = tf.TensorShape([4]).as_proto()
    proto = TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=shape, int_val=[127, 300, -1, 70_000])
    answer = predictions.Predict(request(spec(f"echo_{dtype.name}"), x=proto)).outputs["y"]
    np.testing.assert_array_equal(tf.make_ndarray(answer), tf.io.parse_tensor(proto.SerializeToString(), dtype))


def test_strings_of_the_highest_rank(predictions):
    answer = predictions.Predict(request(spec("png"), x=of_rank(32))).outputs["y_bytes"]
    assert (answer.string_val, answer.tensor_shape) == ([b"a"], of_rank(32).tensor_shape)


@pytest.mark.parametrize(("more", "y"), [({}, 6), ({"factor": np.float32(5)}, 10)])
def test_an_input_with_a_default_may_be_missing(predictions, more, y):
    answer = predictions.Predict(request(spec("scaled"), x=np.float32(2), **more))
    assert tf.make_ndarray(answer.outputs["y"]) == y


@pytest.mark.parametrize(("wanted", "names"), [([], {"total", "b"}), (["b"], {"b"}), (["b", "total"], {"total", "b"})])
def test_output_filter(predictions, wanted, names):
    answer = predictions.Predict(request(spec("two"), wanted, a=np.float32([1]), b=np.int32([1])))
    assert answer.outputs.keys() == names


A, B = np.float32([1]), np.int32([1])
BAD_LENGTH = TensorProto(
    dtype=tf.float32.as_datatype_enum, tensor_shape=tf.TensorShape([2]).as_proto(), tensor_content=b"123"
)
NO_DTYPE = TensorProto(tensor_shape=tf.TensorShape([1]).as_proto(), float_val=[1])


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (request(spec(name="")), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (request(spec(name="m")), "NOT_FOUND", "Servable not found for request: Latest(m)"),
        (request(spec(version=9)), "NOT_FOUND", "Servable not found for request: Specific(dtypes, 9)"),
        (request(spec(version=0)), "NOT_FOUND", "Servable not found for request: Specific(dtypes, 0)"),
        (request(spec(label="l")), "INVALID_ARGUMENT", "Unrecognized servable version label: l"),
        (request(spec("s")), "FAILED_PRECONDITION", 'Serving signature key "s" not found.'),
        (request(spec("two"), a=A), "INVALID_ARGUMENT", "Sent extra: {}. Missing but required: {b}."),
        (request(spec(), x=A, y=A), "INVALID_ARGUMENT", "Sent extra: {y}. Missing but required: {}."),
        (request(spec()), "INVALID_ARGUMENT", "input size does not match signature: 0!=1 len({}) != len({x})."),
        (request(spec("scaled"), factor=A[0]), "INVALID_ARGUMENT", "Signature input alias: x"),
        (request(spec("scaled"), x=A, factor=A[0], k=A), "INVALID_ARGUMENT", "Sent extra: {k}. Missing"),
        (request(spec("two"), a=A, k=B), "INVALID_ARGUMENT", "Signature input alias: b"),
        (request(spec("two"), a=B, b=B), "INVALID_ARGUMENT", "Expects arg[0] to be float but int32 is provided"),
        (request(spec("two"), a=A, b=A), "INVALID_ARGUMENT", "Expects arg[1] to be int32 but float is provided"),
        (request(spec(), x=np.float64(1)), "INVALID_ARGUMENT", "Expects arg[0] to be float but double is provided"),
        (request(spec(), x=BAD_LENGTH), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request(spec("png"), x=of_rank(33)), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request(spec(), x=NO_DTYPE), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request(spec(), x=floats(None, 1)), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request(spec(), x=floats([None], 1)), "INVALID_ARGUMENT", "tensor parsing error: x"),
        (request(spec("two"), ["c"], a=A, b=B), "INVALID_ARGUMENT", "output tensor alias not found in signature: c"),
        (request(spec("two"), ["b", "b"], a=A, b=B), "INVALID_ARGUMENT", "duplicate output tensor alias: b"),
        (request(spec("product"), x=np.ones([1, 3], "f")), "INVALID_ARGUMENT", "Matrix size-incompatible"),
        (request(spec("missing_file"), x=A), "NOT_FOUND", "/missing/file"),
        (request(spec("__saved_model_init_op")), "INVALID_ARGUMENT", ""),
    ],
)
def test_refused_predict_requests(predictions, sent, code, text):
    answered, details = refusal(predictions.Predict, sent)
    assert answered.name == code
    assert text in details


def test_long_texts_are_cut(predictions):
    _, details = refusal(predictions.Predict, request(spec("s" * 5000)))
    assert details == f'Serving signature key "{"s" * 5000}" not found.'[:1024] + "...TRUNCATED"


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (GetModelMetadataRequest(metadata_field=["signature_def"]), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (metadata_request(name=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (metadata_request(version=9), "NOT_FOUND", "Servable not found for request: Specific(dtypes, 9)"),
        (metadata_request(label="l"), "INVALID_ARGUMENT", "Unrecognized servable version label: l"),
        (GetModelMetadataRequest(model_spec=spec()), "INVALID_ARGUMENT", "at least one metadata_field"),
        (GetModelMetadataRequest(model_spec=spec(), metadata_field=["other"]), "INVALID_ARGUMENT", "other"),
        (GetModelMetadataRequest(model_spec=spec(name="m"), metadata_field=["signature_def"]), "NOT_FOUND", "m"),
    ],
)
def test_refused_metadata_requests(predictions, sent, code, text):
    answered, details = refusal(predictions.GetModelMetadata, sent)
    assert answered.name == code
    assert text in details


def test_metadata(predictions):
    answer = predictions.GetModelMetadata(GetModelMetadataRequest(model_spec=spec(), metadata_field=["signature_def"]))
    assert answer.model_spec == spec(version=7)
    assert answer.metadata.keys() == {"signature_def"}
    signatures = SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(signatures)
    two = signatures.signature_def["two"]
    assert {name: two.inputs[name].dtype for name in two.inputs} == {"a": tf.float32, "b": tf.int32}
    assert two.method_name == "tensorflow/serving/predict"


@pytest.mark.parametrize("choice", [{}, {"version": 7}, {"label": "never resolved"}])
def test_status(models, choice):
    [entry] = models.GetModelStatus(GetModelStatusRequest(model_spec=spec(**choice))).model_version_status
    assert (entry.version, entry.state) == (7, ModelVersionStatus.AVAILABLE)
    assert (entry.status.error_code, entry.status.error_message) == (0, "")


@pytest.mark.parametrize(
    ("sent", "code", "text"),
    [
        (GetModelStatusRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
        (GetModelStatusRequest(model_spec=spec(name="")), "NOT_FOUND", "Could not find any versions of model "),
        (GetModelStatusRequest(model_spec=spec(name="m")), "NOT_FOUND", "Could not find any versions of model m"),
        (GetModelStatusRequest(model_spec=spec(version=9)), "NOT_FOUND", "Could not find version 9 of model dtypes"),
    ],
)
def test_refused_status_requests(models, sent, code, text):
    answered, details = refusal(models.GetModelStatus, sent)
    assert answered.name == code
    assert text in details


@pytest.mark.local
def test_local_calls_that_need_tensorflow_serving(predictions, models):
    for call, sent in (
        (predictions.Classify, ClassificationRequest()),
        (predictions.Regress, RegressionRequest()),
        (predictions.MultiInference, MultiInferenceRequest()),
        (models.HandleReloadConfigRequest, ReloadConfigRequest()),
    ):
        code, details = refusal(call, sent)
        assert code == grpc.StatusCode.UNIMPLEMENTED
        assert "use TensorFlow Serving" in details


@pytest.mark.local
def test_local_deadline(predictions, models, monkeypatch):
    finish, run = threading.Event(), Servable.run

    def slow(self, signature, tensors):
        finish.wait()
        return run(self, signature, tensors)

    monkeypatch.setattr(Servable, "run", slow)
    try:
        code, _ = refusal(predictions.Predict, request(spec(), x=A), timeout=0.2)
        assert code == grpc.StatusCode.DEADLINE_EXCEEDED
        assert models.GetModelStatus(GetModelStatusRequest(model_spec=spec()))  # while the model still runs
    finally:
        finish.set()


@pytest.mark.local
@pytest.mark.parametrize(("size", "code"), [(MAX_BYTES - 1000, "NOT_FOUND"), (MAX_BYTES, "RESOURCE_EXHAUSTED")])
def test_local_size_limit(predictions, size, code):
    answered, _ = refusal(predictions.Predict, request(spec(name="m"), x=b"x" * size))
    assert answered.name == code


@pytest.mark.local
@pytest.mark.parametrize("shape", [[2**40], [-1], [2**62, 2**62], [1] * 100, [MAX_BYTES]], ids=str)
def test_local_shapes_that_only_cost_memory(predictions, shape):
    proto = floats([], 1)
    for size in shape:
        proto.tensor_shape.dim.add(size=size)
    code, details = refusal(predictions.Predict, request(spec(), x=proto))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "tensor parsing error: x" in details


@pytest.mark.local
def test_local_string_repeated_beyond_the_limit(predictions):
    proto = TensorProto(dtype=tf.string.as_datatype_enum, string_val=[b"x" * 2**20])
    proto.tensor_shape.dim.add(size=101)
    code, details = refusal(predictions.Predict, request(spec("echo_string"), x=proto))
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "larger than" in details
