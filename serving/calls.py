"""What can be asked of a model, without any input or output: shared by `Client` and `AsyncClient`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from infogan_serving.errors import InvalidRequestError, ServingError, UnavailableError, UnexpectedAnswerError
from infogan_serving.images import Images, encoded_images, image_batch
from infogan_serving.latents import latents
from infogan_serving.wire import Format
from infogan_serving.wire.dtypes import as_input
from infogan_serving.wire.steps import Asking, Pause, Send, Steps, T, patiently

_POLL_SECONDS = 0.2
_SHORTEST_LOOK, _LONGEST_LOOK = 1.0, 5.0  # seconds
_DESCRIBED = {"codes", "noise_size", "code_size", "image_shape", "label_match"}
_DRAWN = {"generate": "image", "generate_png": "png_bytes"}


class Calls:
    """The calls of a client as generators; arguments as for `Client`, `form` makes the exchanges."""

    def __init__(self, form: Format, timeout: float, max_batch_size: int, retries: int) -> None:
        for name, value, least in ("max_batch_size", max_batch_size, 1), ("retries", retries, 0):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        if timeout <= 0:
            raise ValueError(f"timeout must be more than 0 seconds, not {timeout:g}")
        self._format = form
        self._timeout = timeout
        self._max_batch_size = max_batch_size
        self._retries = retries
        self._signatures: dict[str, Any] = {}
        self._description: dict[str, Any] | None = None

    def patiently(self, asking: Asking[T]) -> Steps[T]:
        """The steps of one of the calls below, within the timeout and with retries."""
        try:
            return (yield from patiently(asking, self._timeout, self._retries))
        except (UnexpectedAnswerError, InvalidRequestError):
            # A new version may be another model: the next call asks again what it is.
            self._signatures, self._description = {}, None
            raise

    def wait_until_ready(self, timeout: float) -> Steps[None]:
        """Steps already: every answer short of readiness, errors too, means to look again."""
        end = monotonic() + timeout
        status = self._format.status()
        while True:
            try:
                look = min(max(end - monotonic(), _SHORTEST_LOOK), _LONGEST_LOOK)
                answer = yield Send(status.target, status.body, look)
                entries = status.answer(answer)["model_version_status"]
                if any(entry["state"] == "AVAILABLE" for entry in entries):
                    return
                heard = json.dumps(entries)
            except ServingError as error:  # also 404: TensorFlow Serving may not have looked for versions yet
                heard = str(error)
            if monotonic() >= end:
                raise UnavailableError(f"No version available after {timeout:g} s; last: {heard}")
            yield Pause(_POLL_SECONDS)

    def status(self) -> Asking[dict[str, Any]]:
        """The state of every version."""
        return (yield self._format.status())

    def metadata(self) -> Asking[dict[str, Any]]:
        """The version and its signatures."""
        return (yield self._format.metadata())

    def describe(self, again: bool = False) -> Asking[dict[str, Any]]:
        """The model's description, asked for once, or again."""
        description = self._description
        if description is None or again:
            answer = yield from self.predict("describe", {"query": [""]})
            with _of_infogan("describe"):
                description = json.loads(answer["description"][0])
                if missing := _DESCRIBED - description.keys():
                    raise KeyError(*missing)
            self._description = description
        return description

    def predict(self, signature: str, inputs: Mapping[str, ArrayLike]) -> Asking[dict[str, np.ndarray]]:
        """One request, inputs as the types that the signature declares."""
        signatures = self._signatures  # another thread may have them forgotten meanwhile
        if signature not in signatures:
            metadata = yield from self.metadata()
            self._signatures = signatures = metadata["metadata"]["signature_def"]["signature_def"]
        declared = signatures.get(signature, {"inputs": {}, "outputs": {}})  # the server knows what is wrong
        arrays = {
            name: as_input(name, values, declared["inputs"].get(name, {}).get("dtype"))
            for name, values in inputs.items()
        }
        outputs = {name: info["dtype"] for name, info in declared["outputs"].items()}
        return (yield self._format.predict(signature, arrays, outputs))

    def _in_pieces(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Asking[dict[str, np.ndarray]]:
        """Requests of at most max_batch_size rows, the answers joined; all of InfoGAN's signatures are row by row."""
        n, size = len(next(iter(inputs.values()))), self._max_batch_size
        pieces = []
        for start in range(0, n, size):
            rows = {name: values[start : start + size] for name, values in inputs.items()}
            pieces.append((yield from self.predict(signature, rows)))
        with _of_infogan(signature):  # two versions of different models may have answered
            return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def generate(self, signature: str, codes: Mapping[str, Any], **latent: Any) -> Asking[np.ndarray]:
        """The output of `generate` or `generate_png`; codes by name, other arguments as for `latents`."""
        # A new version of the same shapes may have its categories in another order, and no request would be refused.
        values = (value for given in codes.values() for value in np.asarray(given, dtype=object).ravel())
        by_label = any(isinstance(value, str) for value in values)
        z, c = latents((yield from self.describe(again=by_label)), codes, **latent)
        outputs = yield from self._in_pieces(signature, {"z": z, "c": c})
        with _of_infogan(signature):
            return outputs[_DRAWN[signature]]

    def infer_code(self, images: Images) -> Asking[dict[str, np.ndarray]]:
        """The posterior of pictures or arrays."""
        encoded = encoded_images(images)
        if encoded is not None:
            return (yield from self._in_pieces("infer_code_png", {"image_bytes": encoded}))
        batch = image_batch(images, (yield from self.describe())["image_shape"])
        return (yield from self._in_pieces("infer_code", {"x": batch}))


@contextmanager
def _of_infogan(signature: str) -> Iterator[None]:
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnexpectedAnswerError(f"{signature}: not the answer of an InfoGAN: {error!r}") from error
