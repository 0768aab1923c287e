"""The local server under load, while versions are published, and under fire.

    python benchmarks/serving_soak.py --ordinary=10000 --hostile=100000 --out=benchmarks/results/serving_soak.json

Exports two untrained models with the paper's MNIST networks and serves the first with `infogan-serve`. Clients, half of
them over REST and half over gRPC, generate images and compare each with what the Python model of the answering version
makes. After a third of the time the second version is published, after two thirds one whose weights are damaged. Every
answer must come and be right. Then come more of the same, to see that memory stays, and the hostile requests
(`hostile.py`); memory is that of the server's process.
"""

from __future__ import annotations

import collections
import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import harness
import httpx
import psutil
from absl import app, flags, logging
from hostile import EXPECTED, verdict
from load import Load, rest
from tqdm import tqdm

from infogan_serving import Client
from infogan_tf import InfoGAN

SECONDS = flags.DEFINE_integer("seconds", 60, "How long the clients ask.", lower_bound=10)
CLIENTS = flags.DEFINE_integer("clients", 32, "Concurrent clients.", lower_bound=2)
ORDINARY = flags.DEFINE_integer("ordinary", 0, "Requests of the same kind afterwards.", lower_bound=0)
HOSTILE = flags.DEFINE_integer("hostile", 0, "Hostile requests at the end.", lower_bound=0)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

MIB = 2**20


class Server:
    """A server's addresses and its process.

    Attributes:
        url: of REST.
        target: of gRPC.
    """

    def __init__(self, url: str, target: str, pid: int):
        self.url, self.target, self._process = url, target, psutil.Process(pid)

    @property
    def memory(self) -> float:
        """Resident, in MiB."""
        return self._process.memory_info().rss / MIB


@contextlib.contextmanager
def exported() -> Iterator[tuple[Path, Load]]:
    """A folder with version 1; 2 and 3, whose weights are damaged, lie there as ready-2 and ready-3."""
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
        yield base, Load(models)


@contextlib.contextmanager
def served(base: Path) -> Iterator[Server]:
    """Until the context ends."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            ports.append(listener.getsockname()[1])
    command = [sys.executable, "-c", "from infogan_serving.cli import main; main()", f"--model_base_path={base}"]
    command += ["--engine=local", "--model_name=infogan", "--verbosity=-1"]
    with subprocess.Popen([*command, f"--rest_api_port={ports[0]}", f"--port={ports[1]}"]) as process:
        try:
            url = f"http://127.0.0.1:{ports[0]}"
            with Client(url) as client:
                client.wait_until_ready()
            yield Server(url, f"127.0.0.1:{ports[1]}", process.pid)
        finally:
            process.terminate()


def wait_for(client: Client, states: dict[str, str]) -> None:
    """Returns once the versions are in these states."""
    end = time.monotonic() + 60
    while (found := {e["version"]: e["state"] for e in client.status()["model_version_status"]}) != states:
        if time.monotonic() > end:
            raise RuntimeError(f"the server says {found}, not {states}")
        time.sleep(0.05)


def soak(load: Load, base: Path, server: Server, seconds: int, clients: int) -> dict:
    """The clients' run while versions 2 and 3 are published."""
    memory = []
    with Client(server.url) as client, load.clients(clients, server.url, server.target):
        for second in tqdm(range(seconds), desc="soak", unit="s"):
            time.sleep(1)
            if second == seconds // 3:
                load.possible = {1, 2}
                (base / "ready-2").rename(base / "2")
                wait_for(client, {"2": "AVAILABLE", "1": "END"})
                load.possible = {2}
            memory.append(server.memory)
            if second == 2 * seconds // 3:
                (base / "ready-3").rename(base / "3")
                wait_for(client, {"3": "END", "2": "AVAILABLE", "1": "END"})
    return {"clients": clients, "seconds": seconds, **load.take(), "memory_mib_each_tenth": memory[:: seconds // 10]}


def ordinary(load: Load, server: Server, count: int, clients: int) -> dict:
    """`count` requests more; memory at the start and after each tenth."""
    memory = [server.memory]
    with load.clients(clients, server.url, server.target):
        for tenth in tqdm(range(1, 11), desc="ordinary", unit="tenth"):
            while load.answered < count * tenth / 10:
                time.sleep(0.05)
            memory.append(server.memory)
    return {**load.take(), "memory_mib": memory}


def fire(server: Server, seeds: range, clients: int) -> dict:
    """The hostile requests; memory at the start, after each tenth, and at most."""
    memory, outcomes = [server.memory], collections.defaultdict(collections.Counter)
    address = (httpx.URL(server.url).host, httpx.URL(server.url).port)
    with ThreadPoolExecutor(clients) as threads:
        verdicts = [threads.submit(verdict, address, seed) for seed in seeds]
        for done in tqdm(as_completed(verdicts), total=len(seeds), desc="hostile"):
            kind, outcome = done.result()
            outcomes[kind][outcome] += 1
            memory.append(server.memory)
    return {
        "requests": len(seeds),
        "outcomes": {kind: dict(counts) for kind, counts in sorted(outcomes.items())},
        "unexpected": sum(sum(n for what, n in counts.items() if what not in EXPECTED) for counts in outcomes.values()),
        "memory_mib": memory[:: max(len(seeds) // 10, 1)],
        "memory_mib_max": max(memory),
    }


def main(argv: list[str]) -> None:
    """Runs all, prints and writes the JSON."""
    del argv
    logging.set_verbosity(logging.WARNING)  # not a line for each request
    with exported() as (base, load), served(base) as server:
        result = {"soak": soak(load, base, server, SECONDS.value, CLIENTS.value)}
        if ORDINARY.value:
            result["ordinary"] = ordinary(load, server, ORDINARY.value, CLIENTS.value)
        if HOSTILE.value:
            result["hostile"] = fire(server, range(HOSTILE.value), CLIENTS.value)
        with rest(server.url) as generate:
            result["after_all"] = load.outcome(generate, 0)
    result["errors"] = load.errors[:10]
    result["machine"] = harness.machine("tensorflow", "grpcio", "uvicorn")
    print(result)
    harness.write(result, OUT.value)


if __name__ == "__main__":
    app.run(main)
