"""How many images per second the input pipelines give on their own: from memory, from files, and drawn.

python benchmarks/input_pipeline.py --out=benchmarks/results/input_pipeline.json
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import harness
import numpy as np
from absl import app, flags

ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds; medians count.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

BATCH_SIZE = 128
BATCHES = 500
IMAGES, SHARDS = 10_000, 8


def memory(shape: tuple[int, int, int], folder: str):
    """Images per second from an array."""
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    del folder
    return _rate(training_batches(_pixels(shape), BATCH_SIZE, seed=0))


def tfrecords(shape: tuple[int, int, int], folder: str):
    """Images per second from files, which the system has in memory after the first pass."""
    from infogan_tf.datasets import load, training_batches  # noqa: PLC0415
    from infogan_tf.datasets.tfrecords import write  # noqa: PLC0415

    pattern = Path(folder) / f"{'x'.join(map(str, shape))}-*.tfrecord"
    write(_pixels(shape), pattern, SHARDS)
    images = load(f"tfrecord:{pattern}", image_shape=shape).images
    return _rate(training_batches(images, BATCH_SIZE, seed=0))


def pictures(shape: tuple[int, int, int], folder: str):
    """Images per second from a folder of PNGs, which has been read once: from its decoded copy."""
    from PIL import Image  # noqa: PLC0415

    from infogan_tf.datasets import load, training_batches  # noqa: PLC0415

    os.environ["XDG_CACHE_HOME"] = folder
    path = Path(folder) / f"{'x'.join(map(str, shape))}-pictures"
    path.mkdir()
    for number, image in enumerate(_pixels(shape)):
        Image.fromarray(image.squeeze()).save(path / f"{number}.png", compress_level=0)
    return _rate(training_batches(load(f"folder:{path}", image_shape=shape).images, BATCH_SIZE, seed=0))


def sprites(shape: tuple[int, int, int], folder: str):
    """Images per second that are drawn when they are needed."""
    from infogan_tf.datasets import load, training_batches  # noqa: PLC0415

    del folder
    name = "sprites" if shape[-1] == 1 else "sprites_color"
    return _rate(training_batches(load(name, image_shape=shape).images, BATCH_SIZE, seed=0))


def _rate(dataset):
    batches = iter(dataset)

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(BATCHES):
            next(batches)
        return BATCHES * BATCH_SIZE / (time.perf_counter() - start)

    return measure


def _pixels(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (IMAGES, *shape), np.uint8)


CASES = (
    *((build, shape) for shape in ((28, 28, 1), (64, 64, 3)) for build in (memory, tfrecords, pictures)),
    *((sprites, shape) for shape in ((64, 64, 1), (64, 64, 3))),
)


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        workers = {
            f"{build.__name__} {'x'.join(map(str, shape))}": harness.Worker(build, shape, folder)
            for build, shape in CASES
        }
        values = harness.rounds(workers, ROUNDS.value)
        rows = {
            name: {"images_per_second": harness.spread(values[name]), "peak_memory_gib": worker.close()}
            for name, worker in workers.items()
        }
    for name, row in rows.items():
        print(f"{name:20s} {row['images_per_second']['median']:9.0f} images/s {row['peak_memory_gib']:5.2f} GiB")
    harness.write({"rows": rows, "batch_size": BATCH_SIZE, "machine": harness.machine("tensorflow")}, OUT.value)


if __name__ == "__main__":
    app.run(main)
