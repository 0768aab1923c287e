"""A predict request as protocol buffers, for gRPC and for warm-up.

As RunPredict in tensorflow_serving/servables/tensorflow/predict_util.cc. Unlike JSON it carries every dtype, and
nothing is converted to the dtype that the signature wants.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.python.framework import tensor_util
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from infogan_serving.local.body import MAX_BYTES
from infogan_serving.local.dtypes import MAX_RANK, data_type_name
from infogan_serving.local.errors import RequestError, invalid
from infogan_serving.local.servable import DEFAULT_SIGNATURE, Servable
from infogan_serving.status_codes import StatusCode


def predict(request: PredictRequest, servable: Servable) -> PredictResponse:
    """The answer, with the resolved name of the signature in its model_spec.

    Raises:
        RequestError: any mistake.
    """
    signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if signature not in servable.signatures.signature_def:
        raise RequestError(StatusCode.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.')
    definition = servable.signatures.signature_def[signature]
    tensors = _read_inputs(request, servable.inputs(signature), definition.defaults)
    wanted = _wanted(request.output_filter, list(definition.outputs))
    outputs = servable.run(signature, tensors)
    answer = PredictResponse(outputs={name: _write_tensor(outputs[name]) for name in wanted})
    answer.model_spec.signature_name = signature
    return answer


def _read_inputs(
    request: PredictRequest, dtypes: dict[str, tf.DType], defaults: Mapping[str, TensorProto]
) -> dict[str, np.ndarray]:
    sent, expected = set(request.inputs), set(dtypes)
    if len(sent) > len(expected) or (len(sent) < len(expected) and not defaults):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} len({_braces(sent)}) != "
            f"len({_braces(expected)}). Sent extra: {_braces(sent - expected)}. "
            f"Missing but required: {_braces(expected - sent)}."
        )
    for name in sorted(expected - sent - set(defaults)):
        raise invalid(f"Signature input alias: {name} not found in request inputs: {_braces(sent)}")
    tensors = {
        name: _read_tensor(name, request.inputs[name] if name in sent else defaults[name]) for name in sorted(expected)
    }
    for i, (name, values) in enumerate(tensors.items()):
        dtype = tf.as_dtype(values.dtype)
        if dtype != dtypes[name]:
            wanted, got = data_type_name(dtypes[name]), data_type_name(dtype)
            raise invalid(f"Expects arg[{i}] to be {wanted} but {got} is provided: input {name}")
    return tensors


def _wanted(output_filter: Sequence[str], outputs: list[str]) -> Sequence[str]:
    for i, name in enumerate(output_filter):
        if name not in outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name} "
                f"Outputs expected to be in the set {_braces(outputs)}."
            )
        if name in output_filter[:i]:
            raise invalid(f"duplicate output tensor alias: {name}")
    return output_filter or outputs


def _read_tensor(name: str, proto: TensorProto) -> np.ndarray:
    """The values of the input `name`; the last of too few is repeated, none at all are zeros, too many are cut off.

    Raises:
        RequestError: 400, shape, dtype and values do not fit, or it would be larger than a request may be.
    """
    last = len(proto.string_val[-1]) if proto.string_val else 0
    try:
        shape, dtype = tf.TensorShape(proto.tensor_shape).as_list(), tf.as_dtype(proto.dtype)
        if len(shape) > MAX_RANK:
            raise ValueError(f"rank {len(shape)}, expected <= {MAX_RANK}")
        if math.prod(shape) * max(dtype.size or 1, last) > MAX_BYTES:
            raise ValueError(f"shape {shape} is larger than {MAX_BYTES} bytes")
        # TensorFlow's own reader, in C++ as there: tf.make_ndarray takes other things for mistakes.
        return np.asarray(tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy(), dtype.as_numpy_dtype)
    except (TypeError, ValueError, OverflowError, tf.errors.OpError) as error:
        raise invalid(f"tensor parsing error: {name}: {error}") from error


def _write_tensor(values: np.ndarray) -> TensorProto:
    """`values` in the field of their dtype, as TensorFlow Serving sends them, and not in tensor_content."""
    dtype = tf.as_dtype(values.dtype)
    proto = TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=tf.TensorShape(values.shape).as_proto())
    tensor_util.GetNumpyAppendFn(values.dtype)(proto, values.ravel())
    return proto


def _braces(names: Iterable[str]) -> str:
    return f"{{{','.join(sorted(names))}}}"
