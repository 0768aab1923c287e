"""One version of a model, loaded."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from infogan_serving.local.errors import RequestError, code_of, invalid

DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY
_TAGS = {"serve"}


class Servable:
    """The signatures of the SavedModel in `path`, ready to run.

    Attributes:
        signatures: what each takes and answers, under `signature_def`.

    Raises:
        OSError, ValueError, tf.errors.OpError: no SavedModel with the tag `serve`, or it does not load.
    """

    def __init__(self, path: Path) -> None:
        self._loaded = tf.saved_model.load(str(path), tags=list(_TAGS))
        saved_model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
        [graph] = [graph for graph in saved_model.meta_graphs if set(graph.meta_info_def.tags) == _TAGS]
        self.signatures = SignatureDefMap(signature_def=graph.signature_def)  # a copy, so that the graph can go

    def inputs(self, signature: str) -> dict[str, tf.DType]:
        """The dtype of each input of `signature`, which must be there."""
        inputs = self.signatures.signature_def[signature].inputs
        return {name: tf.as_dtype(inputs[name].dtype) for name in inputs}

    def run(self, signature: str, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of `signature` for all of its inputs; strings are object arrays of bytes.

        Raises:
            RequestError: the graph refuses the tensors, with the kernel's code and text.
        """
        if signature not in self._loaded.signatures:  # __saved_model_init_op
            raise invalid(f"Signature {signature} cannot be run")
        dtypes = self.inputs(signature)
        try:
            outputs = self._loaded.signatures[signature](
                **{name: tf.constant(value, dtypes[name]) for name, value in tensors.items()}
            )
        except tf.errors.OpError as error:
            raise RequestError(code_of(error), error.message) from error
        return {name: np.asarray(value.numpy(), dtype=value.dtype.as_numpy_dtype) for name, value in outputs.items()}
