"""Clients that generate images, compare each with the Python model's, and keep a tally."""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from infogan_tf import InfoGAN

CASES = 8
TOLERANCE = 1e-5

Generate = Callable[[np.ndarray, np.ndarray], tuple[set[int], np.ndarray]]


class Load:
    """What the clients ask, and the tally of what they were answered."""

    def __init__(self, models: dict[int, InfoGAN]):
        z, c = next(iter(models.values())).sample(CASES, tf.constant([0, 1]))
        self.inputs = [(z[i : i + 1].numpy(), c[i : i + 1].numpy()) for i in range(CASES)]
        self.expected = {version: model.generate(z, c).numpy() for version, model in models.items()}
        if np.abs(self.expected[1] - self.expected[2]).max(axis=(1, 2, 3)).min() < 100 * TOLERANCE:
            raise ValueError("the two models make almost the same images")
        self.possible = {1}  # versions that may answer a request that begins now
        self.errors: list[str] = []
        self._lock = threading.Lock()
        self._tally: collections.Counter[str] = collections.Counter()
        self._seconds: list[float] = []

    @contextlib.contextmanager
    def clients(self, count: int, url: str, target: str) -> Iterator[None]:
        """Clients that ask one thing after the other until the context ends, half over REST and half over gRPC."""
        end = threading.Event()
        with ThreadPoolExecutor(count) as threads:
            for i in range(count):
                threads.submit(self._ask, rest(url) if i % 2 else over_grpc(target), end)
            try:
                yield
            finally:
                end.set()

    @property
    def answered(self) -> int:
        """Requests so far, whatever became of them."""
        return self._tally.total()

    def take(self) -> dict:
        """The tally and times so far, which begin anew."""
        with self._lock:
            tally, seconds = self._tally, self._seconds
            self._tally, self._seconds = collections.Counter(), []
        milliseconds = 1000 * np.quantile(seconds, [0.5, 0.99, 1])
        return {
            **{outcome: tally[outcome] for outcome in ("right", "wrong", "failed")},
            "milliseconds": dict(zip(("median", "p99", "max"), milliseconds.tolist(), strict=True)),
        }

    def _ask(self, client: contextlib.AbstractContextManager[Generate], end: threading.Event) -> None:
        with client as generate:
            case = 0
            while not end.is_set():
                case = (case + 1) % CASES
                start = time.perf_counter()
                outcome = self.outcome(generate, case)
                with self._lock:
                    self._tally[outcome] += 1
                    self._seconds.append(time.perf_counter() - start)

    def outcome(self, generate: Generate, case: int) -> str:
        """Asks for one image: right, wrong or failed."""
        possible = set(self.possible)
        try:
            versions, image = generate(*self.inputs[case])
        except Exception as error:
            self.errors.append(repr(error)[:300])
            return "failed"
        possible = (possible | self.possible) & versions
        right = any(np.allclose(image[0], self.expected[version][case], atol=TOLERANCE) for version in possible)
        return "right" if right else "wrong"


@contextlib.contextmanager
def rest(url: str) -> Iterator[Generate]:
    """From (z, c) to the versions that may have answered, and the image: over REST, which does not say which did."""
    with httpx.Client(timeout=60) as http:

        def generate(z, c):
            request = {"signature_name": "generate", "inputs": {"z": z.tolist(), "c": c.tolist()}}
            response = http.post(f"{url}/v1/models/infogan:predict", json=request).raise_for_status()
            return {1, 2}, np.array(response.json()["outputs"], np.float32)

        yield generate


@contextlib.contextmanager
def over_grpc(target: str) -> Iterator[Generate]:
    """The same over gRPC, which does."""
    with grpc.insecure_channel(target) as channel:
        stub = PredictionServiceStub(channel)

        def generate(z, c):
            request = PredictRequest(inputs={"z": tf.make_tensor_proto(z), "c": tf.make_tensor_proto(c)})
            request.model_spec.name, request.model_spec.signature_name = "infogan", "generate"
            answer = stub.Predict(request, timeout=60)
            return {answer.model_spec.version.value}, tf.make_ndarray(answer.outputs["image"])

        yield generate
