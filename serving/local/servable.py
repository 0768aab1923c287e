"""One version of a model, loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.core.protobuf import saved_model_pb2

from infogan_serving.local.errors import Code, RequestError, invalid

_TAGS = {"serve"}


class Servable:
    """The signatures of the SavedModel in `path`, ready to run.

    Raises:
        OSError, ValueError, tf.errors.OpError: no SavedModel with the tag `serve`, or it does not load.
    """

    def __init__(self, path: Path):
        self._loaded = tf.saved_model.load(str(path), tags=list(_TAGS))
        saved_model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        [self._signatures] = [
            graph.signature_def for graph in saved_model.meta_graphs if set(graph.meta_info_def.tags) == _TAGS
        ]

    def inputs(self, signature: str) -> dict[str, tf.DType]:
        """The dtype of each input of `signature`; "" is `serving_default`.

        Raises:
            RequestError: 400, there is no such signature or it has no inputs.
        """
        name = signature or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        if name not in self._signatures:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        inputs = self._signatures[name].inputs
        if not inputs:
            raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
        return {key: tf.as_dtype(inputs[key].dtype) for key in inputs}

    def run(self, signature: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of `signature` for `tensors`; strings are object arrays of bytes.

        Raises:
            RequestError: the graph refuses the tensors, with the kernel's code and text.
        """
        function = self._loaded.signatures[signature or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY]
        dtypes = self.inputs(signature)
        try:
            outputs = function(**{key: tf.constant(value, dtypes[key]) for key, value in tensors.items()})
        except tf.errors.OpError as error:
            raise RequestError(Code.of(error), error.message) from error
        return {key: np.asarray(value.numpy(), dtype=value.dtype.as_numpy_dtype) for key, value in outputs.items()}

    def metadata(self) -> dict[str, Any]:
        """The signatures in proto3 JSON: 64-bit integers as strings, enums by name, empty fields shown."""
        return {
            name: MessageToDict(signature, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
            for name, signature in self._signatures.items()
        }
