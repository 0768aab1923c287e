"""What the client puts on the wire without TensorFlow, against TensorFlow's own classes."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, model_pb2, predict_pb2, status_pb2

from infogan_serving.wire.messages import message_class
from infogan_serving.wire.rpc import RpcFormat
from infogan_serving.wire.tensor_protos import from_proto, to_proto

GENUINE = {
    "Dim": TensorShapeProto.Dim,
    "TensorShapeProto": TensorShapeProto,
    "TensorProto": TensorProto,
    "TensorInfo": TensorInfo,
    "SignatureDef": SignatureDef,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "ModelSpec": model_pb2.ModelSpec,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "StatusProto": status_pb2.StatusProto,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
}
ARRAYS = [
    np.array([[0.1, -0.0], [np.inf, 3e-45]], np.float32),
    np.array([0.1, np.nan], np.float64),
    np.array([[-128], [127]], np.int8),
    np.array([-(2**15), 2**15 - 1], np.int16),
    np.array([-(2**31), 2**31 - 1], np.int32),
    np.array([-(2**63), 2**63 - 1], np.int64),
    np.array([0, 255], np.uint8),
    np.array([0, 2**32 - 1], np.uint32),
    np.array([0, 2**64 - 1], np.uint64),
    np.array([True, False]),
    np.array([[b"\xff\x00", b""]], object),
    np.array(1.5, np.float32),
    np.zeros((0, 3), np.float32),
]


def fields(descriptor) -> dict:
    """Number, type and label by name; a message counts with all its fields."""
    return {
        field.name: (field.number, field.type, field.is_repeated, field.is_packed, kind_of(field))
        for field in descriptor.fields
    }


def kind_of(field) -> str | None:
    if field.enum_type:
        return field.enum_type.name
    kind = field.message_type
    return kind and (kind.name if not kind.GetOptions().map_entry else str(fields(kind)))


@pytest.mark.parametrize("name", GENUINE)
def test_messages_have_the_fields_of_the_genuine_ones(name):
    genuine = fields(GENUINE[name].DESCRIPTOR)
    for field, facts in fields(message_class(name).DESCRIPTOR).items():
        assert genuine[field] == facts, field


@pytest.mark.parametrize(
    ("message", "field", "genuine"),
    [
        ("TensorProto", "dtype", TensorProto.DESCRIPTOR),
        ("ModelVersionStatus", "state", get_model_status_pb2.ModelVersionStatus.DESCRIPTOR),
        ("StatusProto", "error_code", status_pb2.StatusProto.DESCRIPTOR),
    ],
)
def test_enums_have_the_numbers_of_the_genuine_ones(message, field, genuine):
    values = genuine.fields_by_name[field].enum_type.values_by_name
    for name, value in message_class(message).DESCRIPTOR.fields_by_name[field].enum_type.values_by_name.items():
        assert values[name].number == value.number, name


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_tensors_are_those_of_tensorflow(array):
    sent = TensorProto.FromString(to_proto(array).SerializeToString())
    assert tf.dtypes.as_dtype(sent.dtype).as_numpy_dtype == array.dtype
    np.testing.assert_array_equal(tf.make_ndarray(sent), array)
    for genuine in sent, tf.make_tensor_proto(array), typed(array):
        received = from_proto(message_class("TensorProto").FromString(genuine.SerializeToString()))
        assert received.dtype == array.dtype
        np.testing.assert_array_equal(received, array)


def typed(array: np.ndarray) -> TensorProto:
    """With the values in the field of their type, as TensorFlow Serving answers."""
    proto = TensorProto(dtype=tf.as_dtype(tf.string if array.dtype == object else array.dtype).as_datatype_enum)
    proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    field = {
        "float32": proto.float_val,
        "float64": proto.double_val,
        "int64": proto.int64_val,
        "uint32": proto.uint32_val,
        "uint64": proto.uint64_val,
        "bool": proto.bool_val,
        "object": proto.string_val,
    }.get(array.dtype.name, proto.int_val)
    field.extend(array.ravel().tolist())
    return proto


@pytest.mark.parametrize(
    ("proto", "array"),
    [
        (TensorProto(dtype=1, float_val=[1, 2]), [1, 2, 2]),
        (TensorProto(dtype=1), [0, 0, 0]),
        (TensorProto(dtype=7, string_val=[b"a"]), [b"a", b"a", b"a"]),
        (TensorProto(dtype=7), [b"", b"", b""]),
    ],
)
def test_the_last_value_stands_for_those_that_are_missing(proto, array):
    proto.tensor_shape.dim.add(size=3)
    received = from_proto(message_class("TensorProto").FromString(proto.SerializeToString()))
    assert received.tolist() == array
    assert tf.io.parse_tensor(proto.SerializeToString(), tf.as_dtype(proto.dtype)).numpy().tolist() == array


@pytest.mark.parametrize(
    ("values", "content"),
    [
        ([b"\xff", b"", b"x" * 300], b"\x01\x00\xac\x02\xff" + b"x" * 300),
        ([b""], b"\x00"),
        ([b"x" * 20_000, b"y"], b"\xa0\x9c\x01\x01" + b"x" * 20_000 + b"y"),
    ],
    ids=["three", "empty", "long"],
)
def test_strings_in_one_content(values, content):
    """All lengths and then all bytes, as TensorFlow reads them."""
    proto = TensorProto(dtype=7, tensor_content=content)
    proto.tensor_shape.dim.add(size=len(values))
    assert tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy().tolist() == values
    assert from_proto(message_class("TensorProto").FromString(proto.SerializeToString())).tolist() == values


@pytest.mark.parametrize("content", [b"\x02a", b"\x01ab", b"\x80"], ids=["short", "long", "no end"])
def test_strings_that_do_not_fit(content):
    proto = message_class("TensorProto")(dtype=7, tensor_content=content)
    proto.tensor_shape.dim.add(size=1)
    with pytest.raises((ValueError, IndexError)):
        from_proto(proto)


@pytest.mark.parametrize(("number", "name"), [(19, "DT_HALF"), (14, "DT_BFLOAT16"), (10**6, "1000000")])
def test_tensors_that_cannot_be_read(number, name):
    with pytest.raises(ValueError, match=f"Tensors of type {name} cannot be read here"):
        from_proto(message_class("TensorProto")(dtype=number))


@pytest.mark.parametrize("version", [None, 0, 7])
def test_predict_request_is_the_genuine_one(version):
    inputs = {"z": np.ones((2, 3), np.float32), "c": np.zeros((2, 4), np.float32)}
    exchange = RpcFormat("m", version).predict("generate", inputs, {})
    genuine = predict_pb2.PredictRequest()
    genuine.model_spec.name, genuine.model_spec.signature_name = "m", "generate"
    if version is not None:
        genuine.model_spec.version.value = version
    for name, values in inputs.items():
        content = TensorProto(dtype=1, tensor_content=values.tobytes())
        content.tensor_shape.CopyFrom(tf.TensorShape(values.shape).as_proto())
        genuine.inputs[name].CopyFrom(content)
    assert predict_pb2.PredictRequest.FromString(exchange.body) == genuine
    assert exchange.target == "/tensorflow.serving.PredictionService/Predict"


def python(code: str) -> str:
    return subprocess.check_output([sys.executable, "-c", code], text=True).strip()


def test_clients_and_the_command_line_import_little():
    large = {"tensorflow", "keras", "infogan_tf", "infogan_serving.local", "matplotlib", "starlette", "uvicorn"}
    code = (
        "import sys, infogan_serving, infogan_serving.client, infogan_serving.query\n"
        "infogan_serving.Client('http://x').close(), infogan_serving.AsyncClient('http://x')\n"
        f"print({large | {'grpc', 'google.protobuf'}} & sys.modules.keys())\n"
        "infogan_serving.Client('grpc://x:1').close(), infogan_serving.AsyncClient('grpc://x:1')\n"
        f"print({large} & sys.modules.keys())"
    )
    assert python(code).split() == ["set()", "set()"]


@pytest.mark.parametrize("name", ["grpc", "google.protobuf"])
def test_without_the_packages_of_the_extra(name):
    code = (
        f"import sys; sys.modules['{name}'] = None\n"
        "import infogan_serving\n"
        "infogan_serving.Client('http://x').close()\n"
        "try: infogan_serving.Client('grpc://x:1')\n"
        "except ImportError as error: print(error)"
    )
    assert "needs grpcio and protobuf, the extra grpc of infogan-tf: pip install grpcio protobuf" in python(code)
