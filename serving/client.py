"""A client for InfoGAN models behind TensorFlow Serving's REST interface; needs no TensorFlow."""

import json
import time
from functools import cached_property
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from numpy.typing import ArrayLike

from infogan_serving.images import image_batch
from infogan_serving.json_tensors import from_json, to_json
from infogan_serving.latents import latents

_POLL_SECONDS = 0.2


class ServingError(Exception):
    """The server answered with an error, whose text this carries.

    Attributes:
        status: the HTTP status; None if there was no answer.
    """

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class UnavailableError(ServingError):
    """No answer: the server cannot be reached, is not ready, or takes too long."""


class Client:
    """One model on one server; a context manager that closes the connection.

    Args:
        url: of the server, such as `http://127.0.0.1:8501`.
        model: its name there.
        version: a version number; by default whichever is the highest at the time of a request.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, url: str, model: str = "infogan", version: int | None = None, timeout: float = 60.0):
        suffix = "" if version is None else f"/versions/{version}"
        self._path = f"/v1/models/{quote(model, safe='')}{suffix}"
        self._http = httpx.Client(base_url=url, timeout=timeout)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._http.close()

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Returns once a version is available.

        Raises:
            UnavailableError: none is after `timeout` seconds; with the last thing heard.
        """
        end = time.monotonic() + timeout
        while True:
            try:
                entries = self.status()["model_version_status"]
                if any(entry["state"] == "AVAILABLE" for entry in entries):
                    return
                heard = json.dumps(entries)
            except ServingError as error:  # also 404: TensorFlow Serving may not have looked for versions yet
                heard = str(error)
            if time.monotonic() >= end:
                raise UnavailableError(f"No version available after {timeout:g} s; last: {heard}")
            time.sleep(_POLL_SECONDS)

    def status(self) -> dict[str, Any]:
        """The state of every version, newest first, under `model_version_status`.

        Raises:
            ServingError: 404, the server does not know the model.
        """
        return self._request("GET", "")

    def metadata(self) -> dict[str, Any]:
        """The version under `model_spec` and the signatures under `metadata`.

        Raises:
            ServingError: 404, no version is loaded.
        """
        return self._request("GET", "/metadata")

    def describe(self) -> dict[str, Any]:
        """The model's own description: codes, noise_size, code_size, image_shape, label_match, provenance.

        Asked for once: a new version that differs in it needs a new client.

        Raises:
            ServingError: the server's.
        """
        return self._description

    def predict(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: its name.
            inputs: every input of the signature; arrays of bytes (dtype S or object) are sent as base64.

        Returns:
            The outputs by name; strings as object arrays of bytes.

        Raises:
            ServingError: the server's, such as 400 for a shape that the model cannot take.
            ValueError: an input is empty.
        """
        columns = {name: to_json(name, np.asarray(values)) for name, values in inputs.items()}
        request = {"signature_name": signature, "inputs": columns}
        answer = self._request("POST", ":predict", request)["outputs"]
        dtypes = {name: info["dtype"] for name, info in self._signatures[signature]["outputs"].items()}
        by_name = answer if len(dtypes) > 1 else dict.fromkeys(dtypes, answer)  # a single output has no name
        return {name: from_json(by_name[name], dtype) for name, dtype in dtypes.items()}

    def generate(
        self,
        *,
        n: int | None = None,
        z: ArrayLike | None = None,
        c: ArrayLike | None = None,
        seed: int | None = None,
        **codes: Any,
    ) -> np.ndarray:
        """Images for what is given; the rest is drawn from the prior. Arguments as for `latents.latents`.

        For example `generate(digit=3, slant=[-1, 0, 1], seed=0)`: three images that share digit and seed.

        Returns:
            [n, h, w, channels] float32 in [0, 1].

        Raises:
            ValueError: naming the argument and what would be right.
            ServingError: the server's.
        """
        noise, code = latents(self.describe(), codes, n=n, z=z, c=c, seed=seed)
        return self.predict("generate", {"z": noise, "c": code})["image"]

    def infer_code(self, images: ArrayLike) -> dict[str, np.ndarray]:
        """The posterior of the codes of images, which may have any form that `images.image_batch` takes.

        Returns:
            `code` [n, code_size], and for each code its `<name>_probs`, or `<name>_mean` and `<name>_stddev`.

        Raises:
            ValueError: the images do not have the model's shape, or are neither float in [0, 1] nor uint8.
            ServingError: the server's.
        """
        return self.predict("infer_code", {"x": image_batch(images, self.describe()["image_shape"])})

    @cached_property
    def _signatures(self) -> dict[str, Any]:
        return self.metadata()["metadata"]["signature_def"]["signature_def"]

    @cached_property
    def _description(self) -> dict[str, Any]:
        return json.loads(self.predict("describe", {"query": np.array([""])})["description"][0])

    def _request(self, method: str, suffix: str, body: Any = None) -> dict[str, Any]:
        # json.dumps and not httpx's, which refuses NaN; both ends of this interface write and read it.
        content = None if body is None else json.dumps(body)
        try:
            response = self._http.request(method, self._path + suffix, content=content)
        except httpx.TransportError as error:
            raise UnavailableError(f"{self._http.base_url}: {error or type(error).__name__}") from error
        if response.is_success:
            return json.loads(response.content)
        try:
            message = response.json()["error"]
        except (ValueError, TypeError, KeyError):
            message = response.text
        raise ServingError(message, response.status_code)
