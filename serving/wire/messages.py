"""The protocol buffers of TensorFlow Serving that the client needs, without the packages that carry TensorFlow along.

`tensorflow_serving.apis` imports the whole of TensorFlow. What is on the wire are field numbers and types alone, so the
table below restates them from the .proto files: tensorflow/core/framework/{tensor,tensor_shape,types}.proto,
tensorflow/core/protobuf/meta_graph.proto, and tensorflow_serving/apis/{model,predict,get_model_status,
get_model_metadata}.proto with tensorflow_serving/util/status.proto. Fields that are absent here are skipped in reading.
"""

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

from infogan_serving.status_codes import StatusCode

_ENUMS = {
    "DataType": {
        "DT_INVALID": 0,
        "DT_FLOAT": 1,
        "DT_DOUBLE": 2,
        "DT_INT32": 3,
        "DT_UINT8": 4,
        "DT_INT16": 5,
        "DT_INT8": 6,
        "DT_STRING": 7,
        "DT_COMPLEX64": 8,
        "DT_INT64": 9,
        "DT_BOOL": 10,
        "DT_BFLOAT16": 14,
        "DT_UINT16": 17,
        "DT_COMPLEX128": 18,
        "DT_HALF": 19,
        "DT_RESOURCE": 20,
        "DT_VARIANT": 21,
        "DT_UINT32": 22,
        "DT_UINT64": 23,
    },
    "State": {"UNKNOWN": 0, "START": 10, "LOADING": 20, "AVAILABLE": 30, "UNLOADING": 40, "END": 50},
    "Code": {code.name: code.number for code in StatusCode},
}

# message -> field -> "[repeated | map] type number"; the keys of a map are strings
_MESSAGES = {
    "Dim": {"size": "int64 1", "name": "string 2"},
    "TensorShapeProto": {"dim": "repeated Dim 2", "unknown_rank": "bool 3"},
    "TensorProto": {
        "dtype": "DataType 1",
        "tensor_shape": "TensorShapeProto 2",
        "tensor_content": "bytes 4",
        "float_val": "repeated float 5",
        "double_val": "repeated double 6",
        "int_val": "repeated int32 7",
        "string_val": "repeated bytes 8",
        "int64_val": "repeated int64 10",
        "bool_val": "repeated bool 11",
        "uint32_val": "repeated uint32 16",
        "uint64_val": "repeated uint64 17",
    },
    "TensorInfo": {"name": "string 1", "dtype": "DataType 2", "tensor_shape": "TensorShapeProto 3"},
    "SignatureDef": {
        "inputs": "map TensorInfo 1",
        "outputs": "map TensorInfo 2",
        "method_name": "string 3",
        "defaults": "map TensorProto 4",
    },
    "SignatureDefMap": {"signature_def": "map SignatureDef 1"},
    "ModelSpec": {"name": "string 1", "version": "google.protobuf.Int64Value 2", "signature_name": "string 3"},
    "PredictRequest": {"model_spec": "ModelSpec 1", "inputs": "map TensorProto 2"},
    "PredictResponse": {"outputs": "map TensorProto 1", "model_spec": "ModelSpec 2"},
    "GetModelMetadataRequest": {"model_spec": "ModelSpec 1", "metadata_field": "repeated string 2"},
    "GetModelMetadataResponse": {"model_spec": "ModelSpec 1", "metadata": "map google.protobuf.Any 2"},
    "StatusProto": {"error_code": "Code 1", "error_message": "string 2"},
    "ModelVersionStatus": {"version": "int64 1", "state": "State 2", "status": "StatusProto 3"},
    "GetModelStatusRequest": {"model_spec": "ModelSpec 1"},
    "GetModelStatusResponse": {"model_version_status": "repeated ModelVersionStatus 1"},
}

_PACKAGE = "infogan_serving.wire"
_Field = descriptor_pb2.FieldDescriptorProto


def _field(name: str, words: str) -> _Field:
    *label, kind, number = words.split()
    field = _Field(name=name, number=int(number))
    field.label = _Field.LABEL_REPEATED if label else _Field.LABEL_OPTIONAL
    if kind in _ENUMS:
        field.type, field.type_name = _Field.TYPE_ENUM, f".{_PACKAGE}.{kind}Scope.{kind}"
    elif kind in _MESSAGES:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    elif "." in kind:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{kind}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    return field


def _message(name: str, fields: dict[str, str]) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    for field, words in fields.items():
        if words.startswith("map "):  # on the wire: a repeated message of key 1 and value 2
            _, kind, number = words.split()
            entry = f"{field.title().replace('_', '')}Entry"
            pair = [_field("key", "string 1"), _field("value", f"{kind} 2")]
            message.nested_type.add(name=entry, field=pair).options.map_entry = True
            message.field.append(_field(field, f"repeated {_PACKAGE}.{name}.{entry} {number}"))
        else:
            message.field.append(_field(field, words))
    return message


def _classes() -> dict[str, type]:
    file = descriptor_pb2.FileDescriptorProto(
        name="infogan_serving/wire.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[any_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name],
        message_type=[_message(name, fields) for name, fields in _MESSAGES.items()],
    )
    for name, values in _ENUMS.items():
        # Within a message of its own, for two enums of one scope cannot both have a value UNKNOWN.
        enum = file.message_type.add(name=f"{name}Scope").enum_type.add(name=name)
        for value, number in values.items():
            enum.value.add(name=value, number=number)
    pool = descriptor_pool.DescriptorPool()  # its own: the default one may hold TensorFlow's
    for descriptor in (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR):
        pool.AddSerializedFile(descriptor.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name], pool)


_CLASSES = _classes()


def message_class(name: str) -> type:
    """The class of a message of the table."""
    return _CLASSES[f"{_PACKAGE}.{name}"]
