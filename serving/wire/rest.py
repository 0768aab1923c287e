"""TensorFlow Serving's REST interface: requests to send, answers to read."""

import json
from collections.abc import Mapping
from urllib.parse import quote

import numpy as np

from infogan_serving.errors import ServingError, error_of
from infogan_serving.wire.json_tensors import from_json, to_json
from infogan_serving.wire.steps import Exchange


class RestFormat:
    """Exchanges about one model; without `version` whichever is the highest."""

    def __init__(self, model: str, version: int | None):
        suffix = "" if version is None else f"/versions/{version}"
        self._path = f"/v1/models/{quote(model, safe='')}{suffix}"

    def status(self) -> Exchange:
        """The state of every version."""
        return Exchange(self._path, None, json.loads)

    def metadata(self) -> Exchange:
        """The version and its signatures."""
        return Exchange(f"{self._path}/metadata", None, json.loads)

    def predict(self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Mapping[str, str]) -> Exchange:
        """The outputs of a signature, whose names and data types are `outputs`."""
        columns = {name: to_json(values) for name, values in inputs.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns})

        def read(answer: bytes) -> dict[str, np.ndarray]:
            value = json.loads(answer)["outputs"]
            by_name = value if len(outputs) > 1 else dict.fromkeys(outputs, value)  # a single output has no name
            return {name: from_json(by_name[name], data_type) for name, data_type in outputs.items()}

        return Exchange(f"{self._path}:predict", body.encode(), read)


def read_error(status: int, body: bytes) -> ServingError:
    """The error for an answer other than 200: with TensorFlow Serving's text, or with whatever else answered."""
    try:
        message = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        message = body.decode(errors="replace")
    return error_of(status, message)
