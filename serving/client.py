"""A client for InfoGAN models behind TensorFlow Serving, over REST or gRPC; needs no TensorFlow."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from infogan_serving.calls import Calls
from infogan_serving.images import Images
from infogan_serving.wire import protocol
from infogan_serving.wire.steps import Asking, Pause, Send, T, run


class Client:
    """One model on one server; a context manager that closes the connections. Threads may share it.

    Args:
        url: of the server: `http://127.0.0.1:8501` for REST, `grpc://127.0.0.1:8500` for gRPC.
        model: its name there.
        version: a version number; by default whichever is the highest at the time of a request.
        timeout: seconds that a call may take, with all its requests and repetitions. Over REST it is a limit for
            connecting, for sending and for each piece of an answer alone, so that a server which is slow in several
            of them can stretch it; `AsyncClient` is exact.
        max_batch_size: images in one request; more are asked for one request after another. Without `version`, and
            while a new version takes over, they may be answered by two.
        retries: how often a request is repeated, after a growing pause, while the server is unavailable.

    Raises:
        ValueError: an argument is out of range, or the URL has another scheme.
        ImportError: the packages for gRPC are not installed.
    """

    def __init__(
        self,
        url: str,
        model: str = "infogan",
        version: int | None = None,
        timeout: float = 60.0,
        max_batch_size: int = 128,
        retries: int = 3,
    ) -> None:
        way = protocol(url)
        self._calls = Calls(way.format(model, version), timeout, max_batch_size, retries)
        self._transport = way.transport(url)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def wait_until_ready(self, timeout: float = 60.0) -> None:
        """Returns once a version is available.

        Raises:
            UnavailableError: none is after `timeout` seconds; with the last thing heard.
        """
        run(self._calls.wait_until_ready(timeout), self._perform)

    def status(self) -> dict[str, Any]:
        """The state of every version, newest first, under `model_version_status`.

        Raises:
            NotFoundError: the server does not know the model.
            ServingError: the server's, as in all calls.
        """
        return self._ask(self._calls.status())

    def metadata(self) -> dict[str, Any]:
        """The version under `model_spec` and the signatures under `metadata`.

        Raises:
            NotFoundError: no version is loaded.
        """
        return self._ask(self._calls.metadata())

    def describe(self) -> dict[str, Any]:
        """The model's own description: codes, noise_size, code_size, image_shape, label_match, provenance.

        Asked for once, and again after a request that was refused or an answer that cannot be read: a new version
        may differ in it.
        """
        return self._ask(self._calls.describe())

    def predict(self, signature: str, inputs: Mapping[str, ArrayLike]) -> dict[str, np.ndarray]:
        """Runs a signature in one request, whatever its size.

        Args:
            signature: its name.
            inputs: every input of the signature; str or bytes for those of type string.

        Returns:
            The outputs by name; strings as object arrays of bytes.

        Raises:
            InvalidRequestError: such as for a shape that the model cannot take.
            ValueError: an input is empty, or of a type that the signature does not take.
        """
        return self._ask(self._calls.predict(signature, inputs))

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

        For example `generate(digit=3, slant=[-1, 0, 1], seed=0)`: three images that share digit and seed. What
        matched a label (`digit="7"`) is asked for in each call: a new version has categories of its own.

        Returns:
            [n, h, w, channels] float32 in [0, 1].

        Raises:
            ValueError: naming the argument and what would be right.
        """
        return self._ask(self._calls.generate("generate", codes, n=n, z=z, c=c, seed=seed))

    def generate_png(
        self,
        *,
        n: int | None = None,
        z: ArrayLike | None = None,
        c: ArrayLike | None = None,
        seed: int | None = None,
        **codes: Any,
    ) -> list[bytes]:
        """As `generate`, each image as the bytes of a PNG."""
        return self._ask(self._calls.generate("generate_png", codes, n=n, z=z, c=c, seed=seed)).tolist()

    def infer_code(self, images: Images) -> dict[str, np.ndarray]:
        """The posterior of the codes of images.

        Args:
            images: arrays in any form that `images.image_batch` takes; or PNG or JPEG of the model's size, one or
                several, as bytes or paths.

        Returns:
            `code` [n, code_size], and for each code its `<name>_probs`, or `<name>_mean` and `<name>_stddev`.

        Raises:
            ValueError: the images do not have the model's shape, or are neither float in [0, 1] nor uint8, nor
                PNG or JPEG.
            OSError: a file cannot be read.
            InvalidRequestError: a picture does not have the model's size.
        """
        return self._ask(self._calls.infer_code(images))

    def _ask(self, asking: Asking[T]) -> T:
        return run(self._calls.patiently(asking), self._perform)

    def _perform(self, step: Send | Pause) -> bytes | None:
        return time.sleep(step.seconds) if isinstance(step, Pause) else self._transport.send(step)
