"""How long people wait for what is not training: imports, a model, sampling, evaluation, an export.

    python benchmarks/everyday.py --out=benchmarks/results/everyday.json

The preset `mnist`, untrained, 10,000 random images. Each measurement in a process of its own, its imports done before
the clock starts; medians of --rounds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import harness
import numpy as np
from absl import app, flags

ROUNDS = flags.DEFINE_integer("rounds", 5, "Rounds; medians count.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

IMAGES = 10_000


def importing(statement: str) -> float:
    """Seconds of a fresh interpreter that runs `statement`, less those of one that runs nothing."""
    times = []
    for code in (statement, "pass"):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return times[0] - times[1]


def using(what: str) -> float:
    """Seconds of one use of an untrained model."""
    from infogan_export import export  # noqa: PLC0415 - in the process that measures
    from infogan_tf import InfoGAN  # noqa: PLC0415
    from infogan_tf.datasets import ImageSet  # noqa: PLC0415
    from infogan_tf.evaluation.report import evaluate  # noqa: PLC0415

    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, 28, 28, 1), np.uint8)
    data = ImageSet(pixels, rng.integers(0, 10, IMAGES), tuple("0123456789"))
    model = None if what == "a new model" else InfoGAN.from_preset("mnist", seed=0)
    start = time.perf_counter()
    if what == "a new model":
        InfoGAN.from_preset("mnist", seed=0)
    elif what == "generate 10,000 images":
        for _ in range(IMAGES // 500):
            model.generate(n=500)
    elif what == "evaluate on 10,000 images":
        evaluate(model, data)
    elif what == "export, self-check included":
        with tempfile.TemporaryDirectory() as folder:
            export(model, Path(folder) / "infogan")
    return time.perf_counter() - start


MEASURES = {
    "import infogan_serving.client": (importing, "import infogan_serving.client"),
    "import infogan_tf and InfoGAN": (importing, "from infogan_tf import InfoGAN"),
    **{
        what: (using, what)
        for what in (
            "a new model", "generate 10,000 images", "evaluate on 10,000 images", "export, self-check included",
        )
    },
}  # fmt: skip


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    values: dict[str, list[float]] = {name: [] for name in MEASURES}
    for _ in range(ROUNDS.value):
        for name, (measure, argument) in MEASURES.items():
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                values[name].append(pool.submit(measure, argument).result())
    seconds = {name: harness.spread(measured) for name, measured in values.items()}
    for name, spread in seconds.items():
        print(f"{name:32s} {spread['median']:6.2f} s ({spread['min']:.2f} to {spread['max']:.2f})")
    harness.write({"seconds": seconds, "machine": harness.machine("tensorflow", "keras")}, OUT.value)


if __name__ == "__main__":
    app.run(main)
