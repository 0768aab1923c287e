"""The local server under load, while versions are published, and under fire.

    python benchmarks/serving_soak.py --seconds=60 --hostile=10000 --out=benchmarks/results/serving_soak.json

Exports two untrained models with the paper's MNIST networks and serves the first with `infogan-serve`. Clients, half of
them over REST and half over gRPC, generate images and compare each with what the Python model of the answering version
makes. After a third of the time the second version is published, after two thirds one whose weights are damaged. Every
answer must come and be right. Then come the hostile requests (`hostile.py`); memory is that of the server's process.
"""

from __future__ import annotations

import collections
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import harness
import hostile
import httpx
import numpy as np
import psutil
import tensorflow as tf
from absl import app, flags, logging
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
from tqdm import tqdm

from infogan_serving import Client
from infogan_tf import InfoGAN

SECONDS = flags.DEFINE_integer("seconds", 60, "How long the clients ask.", lower_bound=10)
CLIENTS = flags.DEFINE_integer("clients", 32, "Concurrent clients.", lower_bound=2)
HOSTILE = flags.DEFINE_integer("hostile", 0, "Hostile requests afterwards.", lower_bound=0)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

CASES = 8
TOLERANCE = 1e-5
MIB = 2**20


class Load:
    """What the clients ask, and the tally of what they were answered."""

    def __init__(self, models: dict[int, InfoGAN]):
        z, c = next(iter(models.values())).sample(CASES, tf.constant([0, 1]))
        self.inputs = [(z[i : i + 1].numpy(), c[i : i + 1].numpy()) for i in range(CASES)]
        self.expected = {version: model.generate(z, c).numpy() for version, model in models.items()}
        if np.abs(self.expected[1] - self.expected[2]).max(axis=(1, 2, 3)).min() < 100 * TOLERANCE:
            raise ValueError("the two models make almost the same images")
        self.possible = {1}  # versions that may answer a request that begins now
        self.tally: collections.Counter[str] = collections.Counter()
        self.errors: list[str] = []
        self.seconds: list[float] = []
        self.end = threading.Event()

    def ask(self, generate: Callable[[np.ndarray, np.ndarray], tuple[set[int], np.ndarray]]) -> None:
        """Asks one thing after the other until the end.

        Args:
            generate: from (z, c) to the versions that may have answered, and the image.
        """
        case = 0
        while not self.end.is_set():
            case = (case + 1) % CASES
            possible, start = set(self.possible), time.perf_counter()
            try:
                versions, image = generate(*self.inputs[case])
            except Exception as error:
                self.tally["failed"] += 1
                self.errors.append(repr(error)[:300])
                continue
            self.seconds.append(time.perf_counter() - start)
            possible = (possible | self.possible) & versions
            right = any(np.allclose(image[0], self.expected[version][case], atol=TOLERANCE) for version in possible)
            self.tally["right" if right else "wrong"] += 1


def rest(url: str) -> Iterator[Callable]:
    """`generate` over REST, which does not say what version answered."""
    with httpx.Client(timeout=60) as http:

        def generate(z, c):
            request = {"signature_name": "generate", "inputs": {"z": z.tolist(), "c": c.tolist()}}
            response = http.post(f"{url}/v1/models/infogan:predict", json=request).raise_for_status()
            return {1, 2}, np.array(response.json()["outputs"], np.float32)

        yield generate


def over_grpc(target: str) -> Iterator[Callable]:
    """`generate` over gRPC, which does."""
    with grpc.insecure_channel(target) as channel:
        stub = PredictionServiceStub(channel)

        def generate(z, c):
            request = PredictRequest(inputs={"z": tf.make_tensor_proto(z), "c": tf.make_tensor_proto(c)})
            request.model_spec.name, request.model_spec.signature_name = "infogan", "generate"
            answer = stub.Predict(request, timeout=60)
            return {answer.model_spec.version.value}, tf.make_ndarray(answer.outputs["image"])

        yield generate


@contextlib.contextmanager
def served(base: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """URL, gRPC address and process of a server."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ports.append(listener.getsockname()[1])
    command = [sys.executable, "-c", "from infogan_serving.cli import main; main()", f"--model_base_path={base}"]
    command += ["--model_name=infogan", f"--rest_api_port={ports[0]}", f"--port={ports[1]}", "--verbosity=-1"]
    with subprocess.Popen(command) as process:
        try:
            yield f"http://127.0.0.1:{ports[0]}", f"127.0.0.1:{ports[1]}", psutil.Process(process.pid)
        finally:
            process.terminate()


def wait_for(client: Client, states: dict[str, str]) -> None:
    """Returns once the versions are in these states."""
    end = time.monotonic() + 60
    while (found := {e["version"]: e["state"] for e in client.status()["model_version_status"]}) != states:
        if time.monotonic() > end:
            raise RuntimeError(f"the server says {found}, not {states}")
        time.sleep(0.05)


def soak(load: Load, base: Path, url: str, target: str, process: psutil.Process) -> dict:
    """The clients' run; versions 2 and 3 lie ready in `base`."""
    memory = []
    with Client(url) as client, ThreadPoolExecutor(CLIENTS.value) as threads:
        for i in range(CLIENTS.value):
            asking = contextlib.contextmanager(rest if i % 2 else over_grpc)(url if i % 2 else target)
            threads.submit(_run, load, asking)
        for second in tqdm(range(SECONDS.value), desc="soak", unit="s"):
            time.sleep(1)
            if second == SECONDS.value // 3:
                load.possible = {1, 2}
                (base / "ready-2").rename(base / "2")
                wait_for(client, {"2": "AVAILABLE", "1": "END"})
                load.possible = {2}
            memory.append(process.memory_info().rss / MIB)
            if second == 2 * SECONDS.value // 3:
                (base / "ready-3").rename(base / "3")
                wait_for(client, {"3": "END", "2": "AVAILABLE", "1": "END"})
        load.end.set()
    return {
        "clients": CLIENTS.value,
        "seconds": SECONDS.value,
        **{outcome: load.tally[outcome] for outcome in ("right", "wrong", "failed")},
        "errors": load.errors[:10],
        "milliseconds": dict(
            zip(("median", "p99", "max"), (1000 * np.quantile(load.seconds, [0.5, 0.99, 1])).tolist(), strict=True)
        ),
        "memory_mib_each_tenth": memory[:: SECONDS.value // 10],
    }


def _run(load: Load, asking: contextlib.AbstractContextManager[Callable]) -> None:
    with asking as generate:
        load.ask(generate)


def fire(load: Load, url: str, process: psutil.Process) -> dict:
    """The hostile requests; then the server must still be right."""
    address = (httpx.URL(url).host, httpx.URL(url).port)
    memory, outcomes = [process.memory_info().rss / MIB], collections.defaultdict(collections.Counter)
    with ThreadPoolExecutor(CLIENTS.value) as threads:
        verdicts = threads.map(lambda seed: hostile.verdict(address, seed), range(HOSTILE.value))
        for i, (kind, outcome) in enumerate(tqdm(verdicts, total=HOSTILE.value, desc="hostile"), start=1):
            outcomes[kind][outcome] += 1
            if i % max(HOSTILE.value // 10, 1) == 0:
                memory.append(process.memory_info().rss / MIB)
    with contextlib.contextmanager(rest)(url) as generate:
        _, image = generate(*load.inputs[0])
    return {
        "requests": HOSTILE.value,
        "outcomes": outcomes,
        "unexpected": sum(
            count for kind in outcomes.values() for outcome, count in kind.items() if outcome not in hostile.EXPECTED
        ),
        "alive_and_right": bool(np.allclose(image[0], load.expected[2][0], atol=TOLERANCE)),
        "memory_mib_each_tenth": memory,
    }


def main(argv: list[str]) -> None:
    """Runs both, prints and writes the JSON."""
    del argv
    logging.set_verbosity(logging.WARNING)  # not a line for each request
    from infogan_export import export  # noqa: PLC0415 - after the flags

    models = {version: InfoGAN.from_preset("mnist", seed=version) for version in (1, 2)}
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        for version, model in models.items():
            export(model, base, version=version)
        shutil.copytree(base / "2", base / "ready-3")
        for data in (base / "ready-3" / "variables").glob("*.data*"):
            data.write_bytes(data.read_bytes()[:1000])
        (base / "2").rename(base / "ready-2")
        load = Load(models)
        with served(base) as (url, target, process):
            with Client(url) as client:
                client.wait_until_ready()
            result = {"soak": soak(load, base, url, target, process)}
            if HOSTILE.value:
                result["hostile"] = fire(load, url, process)
    result["machine"] = harness.machine("tensorflow", "grpcio", "uvicorn")
    print(result)
    harness.write(result, OUT.value)


if __name__ == "__main__":
    app.run(main)
