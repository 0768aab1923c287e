"""TensorFlow Serving's gRPC interface: requests to send, answers to read; the latter in the form that REST has."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from infogan_serving.errors import ServingError, error_of
from infogan_serving.status_codes import StatusCode
from infogan_serving.wire.messages import message_class
from infogan_serving.wire.steps import Exchange
from infogan_serving.wire.tensor_protos import from_proto, to_proto


class RpcFormat:
    """Exchanges about one model; without `version` whichever is the highest."""

    def __init__(self, model: str, version: int | None) -> None:
        self._spec = {"name": model} if version is None else {"name": model, "version": {"value": version}}

    def status(self) -> Exchange:
        """The state of every version."""
        return _exchange("ModelService", "GetModelStatus", _to_dict, model_spec=self._spec)

    def metadata(self) -> Exchange:
        """The version and its signatures."""

        def read(answer: Message) -> dict[str, Any]:
            signatures = message_class("SignatureDefMap").FromString(answer.metadata["signature_def"].value)
            return {"model_spec": _to_dict(answer.model_spec), "metadata": {"signature_def": _to_dict(signatures)}}

        fields = {"model_spec": self._spec, "metadata_field": ["signature_def"]}
        return _exchange("PredictionService", "GetModelMetadata", read, **fields)

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, str]) -> Exchange:
        """The outputs of a signature; their data types come with the answer, and `outputs` is not needed."""

        def read(answer: Message) -> dict[str, np.ndarray]:
            return {name: from_proto(tensor) for name, tensor in answer.outputs.items()}

        protos = {name: to_proto(values) for name, values in inputs.items()}
        spec = {**self._spec, "signature_name": signature}
        return _exchange("PredictionService", "Predict", read, model_spec=spec, inputs=protos)


def _exchange(service: str, method: str, read: Callable[[Message], Any], **fields: Any) -> Exchange:
    request, answer = message_class(f"{method}Request")(**fields), message_class(f"{method}Response")
    return Exchange(
        f"/tensorflow.serving.{service}/{method}",
        request.SerializeToString(),
        lambda body: read(answer.FromString(body)),
    )


def _to_dict(message: Message) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def read_error(code: str, message: str) -> ServingError:
    """The error for the name of a status code of gRPC and the server's text."""
    return error_of(StatusCode[code].http_status, message)
