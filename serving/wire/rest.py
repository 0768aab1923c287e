"""TensorFlow Serving's REST interface: requests to send, answers to read."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np

from infogan_serving.errors import ServingError, error_of
from infogan_serving.wire.json_tensors import from_json, to_json
from infogan_serving.wire.steps import Exchange


class RestFormat:
    """Exchanges about one model; without `version` whichever is the highest."""

    def __init__(self, model: str, version: int | None) -> None:
        suffix = "" if version is None else f"/versions/{version}"
        self._path = f"/v1/models/{quote(model, safe='')}{suffix}"

    def status(self) -> Exchange:
        """The state of every version."""
        return Exchange(self._path, None, _object_with(list, "model_version_status"))

    def metadata(self) -> Exchange:
        """The version and its signatures."""
        read = _object_with(dict, "metadata", "signature_def", "signature_def")
        return Exchange(f"{self._path}/metadata", None, read)

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, str]) -> Exchange:
        """The outputs of a signature, whose names and data types are `outputs`."""
        columns = {name: to_json(values) for name, values in inputs.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns})

        def read(answer: bytes) -> dict[str, np.ndarray]:
            if not outputs:
                raise ValueError("a signature that was not there when the metadata was asked for")
            # Strings come as the bytes they are, UTF-8 or not.
            value = json.loads(answer.decode(errors="surrogateescape"))["outputs"]
            by_name = value if len(outputs) > 1 else dict.fromkeys(outputs, value)  # a single output has no name
            return {name: from_json(by_name[name], data_type) for name, data_type in outputs.items()}

        return Exchange(f"{self._path}:predict", body.encode(), read)


def _object_with(kind: type, *path: str) -> Callable[[bytes], dict[str, Any]]:
    """Reads an object that holds objects of these names one within another, and a `kind` in the last."""

    def read(answer: bytes) -> dict[str, Any]:
        found = value = json.loads(answer)
        for name in path:
            value = value[name]
        if not isinstance(value, kind):
            raise TypeError(f"{path[-1]} is no {kind.__name__}")
        return found

    return read


def read_error(status: int, body: bytes) -> ServingError:
    """The error for an answer other than 200: with TensorFlow Serving's text, or with whatever else answered."""
    try:
        message = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        message = body.decode(errors="replace")
    return error_of(status, message)
