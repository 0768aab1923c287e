"""The whole line on real digits: train, look, evaluate, export, serve, ask. Writes into `demo/`.

Every step is a command that a user would type; it is printed before it runs. Started again, it goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from infogan_serving import Client
from infogan_tf import datasets
from infogan_tf.pictures import tile

DEMO = Path("demo")
RUN = DEMO / "run"
BASE = DEMO / "models" / "infogan"
BIN = Path(sys.executable).parent


def run(command: str) -> None:
    """Prints and runs one of the project's commands."""
    print(f"\n$ {command}", flush=True)
    program, *arguments = shlex.split(command)
    subprocess.run([BIN / program, *arguments], check=True)


@contextlib.contextmanager
def serving(command: str) -> Iterator[None]:
    """Runs the server until the block ends."""
    print(f"\n$ {command} &", flush=True)
    program, *arguments = shlex.split(command)
    process = subprocess.Popen([BIN / program, *arguments])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on, so that it is this demo's server that answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def save(images: np.ndarray, name: str, scale: int = 2) -> Path:
    """Images [rows, columns, height, width, channels] as one picture in `demo/`."""
    picture = Image.fromarray(tile(images))
    path = DEMO / name
    picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST).save(path)
    return path


def ask(client: Client, images: np.ndarray, labels: np.ndarray) -> list[str]:
    """Asks both signatures over REST; returns what to tell about it."""
    client.wait_until_ready()
    match = client.describe()["label_match"]["digit"]
    start = time.perf_counter()
    rows = [client.generate(digit=label, n=10, seed=0) for label in sorted(match)]
    seconds = time.perf_counter() - start
    generated = save(np.stack(rows), "served_digits.png")

    start = time.perf_counter()
    categories = client.infer_code(images)["digit_probs"].argmax(axis=1)
    answered = np.array([int(match[category]) for category in categories])
    infer_seconds = time.perf_counter() - start
    grouped = np.zeros((len(match), 10, *images.shape[1:]))  # black where a category has fewer than ten
    for row, label in zip(grouped, sorted(match), strict=True):
        members = images[categories == match.index(label)][:10]
        row[: len(members)] = members / 255
    return [
        f"served   generate: 100 images in {seconds:.1f} s -> {generated}",
        f"served   infer_code: {(answered == labels).mean():.1%} of {len(labels)} unseen digits right "
        f"in {infer_seconds:.1f} s",
        f"picture  those digits, a row for each inferred category: {save(grouped, 'inferred_digits.png')}",
    ]


def main() -> None:
    """Runs the line and prints the summary."""
    start = time.perf_counter()
    run(f"infogan-train --preset=mnist_5k --workdir={RUN}")
    run(f"infogan-evaluate --workdir={RUN} --split=test")
    run(f"infogan-traverse --workdir={RUN} --code=digit --out={DEMO / 'digit.png'}")
    run(f"infogan-traverse --workdir={RUN} --code=slant --out={DEMO / 'slant.gif'}")
    run(f"infogan-export --workdir={RUN} --base={BASE}")
    unseen = datasets.load("mnist_5k", "test")
    port = free_port()
    with (
        serving(f"infogan-serve --model_base_path={BASE} --model_name=infogan --rest_api_port={port} --port=0"),
        Client(f"http://127.0.0.1:{port}", model="infogan") as client,
    ):
        answers = ask(client, unseen.images, unseen.labels)

    report = json.loads((RUN / "evaluation.json").read_text())
    scores = report["clustering"]["digit"]
    information = "  ".join(
        f"{name} {value['bound']:.2f} of {value['maximum']:.2f}" for name, value in report["information"].items()
    )
    match = " ".join(f"{k}={label}" for k, label in enumerate(report["label_match"]["digit"]))
    print(f"\nInfoGAN on 4,000 real digits, no labels; {time.perf_counter() - start:.0f} s in all")
    accuracy, purity = scores["acc"], scores["purity"]
    print(f"unseen   accuracy {accuracy:.1%}, purity {purity:.1%} on {report['images']} digits it never saw")
    print(f"code     category=label: {match}")
    print(f"nats     {information}")
    print(f"picture  every code, every epoch: {RUN / 'pictures'}")
    print(f"picture  one column per category: {DEMO / 'digit.png'}; slant moving: {DEMO / 'slant.gif'}")
    for answer in answers:
        print(answer)
    print(f"serve    infogan-serve --model_base_path={BASE} --model_name=infogan --rest_api_port=8501")


if __name__ == "__main__":
    main()
