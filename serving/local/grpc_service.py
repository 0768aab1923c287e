"""TensorFlow Serving's gRPC interface for one model.

The codes and texts as in tensorflow_serving/model_servers/prediction_service_impl.cc, get_model_status_impl.cc and
tensorflow_serving/servables/tensorflow/get_model_metadata_impl.cc.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import grpc
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, GetModelMetadataResponse
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, GetModelStatusResponse
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer, add_ModelServiceServicer_to_server
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from infogan_serving.local import predict_proto
from infogan_serving.local.body import MAX_BYTES
from infogan_serving.local.errors import RequestError, invalid, unimplemented
from infogan_serving.local.model import Model
from infogan_serving.local.servable import Servable

_MAX_MESSAGE = 1024  # bytes of an error text (grpc_status_util.cc)


@contextmanager
def serving(model: Model, target: str) -> Iterator[None]:
    """Serves over gRPC until the context ends.

    Args:
        model: what it serves.
        target: address and port, as `127.0.0.1:8500` or `[::1]:8500`.

    Raises:
        OSError: the port cannot be had.
    """
    options = [("grpc.max_receive_message_length", MAX_BYTES), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(4 * (os.cpu_count() or 1), "grpc"), options=options)
    add_PredictionServiceServicer_to_server(_PredictionService(model), server)
    add_ModelServiceServicer_to_server(_ModelService(model), server)
    try:
        server.add_insecure_port(target)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {target} for gRPC; is the port in use?") from error
    server.start()
    try:
        yield
    finally:
        server.stop(grace=None).wait()


class _PredictionService(PredictionServiceServicer):
    def __init__(self, model: Model) -> None:
        self._model = model

    def Predict(self, request: PredictRequest, context: grpc.ServicerContext) -> PredictResponse:
        with _refusals(context):
            version, servable = self._find(request)
            answer = predict_proto.predict(request, servable)
            answer.model_spec.name = request.model_spec.name
            answer.model_spec.version.value = version
            return answer

    def GetModelMetadata(
        self, request: GetModelMetadataRequest, context: grpc.ServicerContext
    ) -> GetModelMetadataResponse:
        with _refusals(context):
            _named_model_spec(request)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != "signature_def":
                    raise invalid(f"Metadata field {field} is not supported")
            version, servable = self._find(request)
            answer = GetModelMetadataResponse(model_spec=ModelSpec(name=request.model_spec.name))
            answer.model_spec.version.value = version
            answer.metadata["signature_def"].Pack(servable.signatures)
            return answer

    def Classify(self, request: ClassificationRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, unimplemented("Classify"))

    def Regress(self, request: RegressionRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, unimplemented("Regress"))

    def MultiInference(self, request: MultiInferenceRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, unimplemented("MultiInference"))

    def _find(self, request: PredictRequest | GetModelMetadataRequest) -> tuple[int, Servable]:
        spec = _named_model_spec(request)
        version = spec.version.value if spec.HasField("version") else None
        label = spec.version_label if spec.HasField("version_label") else None
        return self._model.servable(spec.name, version, label)


class _ModelService(ModelServiceServicer):
    def __init__(self, model: Model) -> None:
        self._model = model

    def GetModelStatus(self, request: GetModelStatusRequest, context: grpc.ServicerContext) -> GetModelStatusResponse:
        with _refusals(context):
            spec = _model_spec(request)  # even without a name: then it is not found
            return self._model.status(spec.name, spec.version.value if spec.HasField("version") else None)

    def HandleReloadConfigRequest(self, request: ReloadConfigRequest, context: grpc.ServicerContext) -> NoReturn:
        _refuse(context, unimplemented("HandleReloadConfigRequest"))


def _model_spec(request: PredictRequest | GetModelMetadataRequest | GetModelStatusRequest) -> ModelSpec:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    return request.model_spec


def _named_model_spec(request: PredictRequest | GetModelMetadataRequest) -> ModelSpec:
    if not _model_spec(request).name:
        raise invalid("ModelSpec has no name specified.")
    return request.model_spec


@contextmanager
def _refusals(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except RequestError as error:
        _refuse(context, error)


def _refuse(context: grpc.ServicerContext, error: RequestError) -> NoReturn:
    text = error.message.encode()
    if len(text) > _MAX_MESSAGE:
        text = text[:_MAX_MESSAGE] + b"...TRUNCATED"
    context.abort(grpc.StatusCode[error.code.name], text.decode(errors="ignore"))
