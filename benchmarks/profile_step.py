"""Where a training step's time goes: the operations of TensorFlow that take longest.

    python benchmarks/profile_step.py --precision=mixed_bfloat16

On one thread operations do not overlap, and add up to the step:

    TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 python benchmarks/profile_step.py
"""

from __future__ import annotations

import collections
import tempfile
from pathlib import Path

from absl import app, flags

PRECISION = flags.DEFINE_enum("precision", "mixed_bfloat16", ["float32", "mixed_bfloat16"], "Policy of the networks.")
AUGMENTED = flags.DEFINE_bool("augmented", False, "Read discrete codes through the preset's augmentation.")
TOP = flags.DEFINE_integer("top", 10, "How many rows.", lower_bound=1)

BATCH_SIZE = 128
STEPS = 10


def main(argv: list[str]) -> None:
    """Profiles, prints a table."""
    del argv
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415
    from tensorflow.tsl.profiler.protobuf import xplane_pb2  # noqa: PLC0415

    from infogan_tf import InfoGAN  # noqa: PLC0415
    from infogan_tf.datasets import training_batches  # noqa: PLC0415

    plain = {} if AUGMENTED.value else {"augmentation": None, "recognition_augmentation": None}
    model = InfoGAN.from_preset("mnist", dtype=PRECISION.value, seed=0, **plain)
    model.compile()
    model.make_train_function()
    pixels = np.random.default_rng(0).integers(0, 256, (10_000, 28, 28, 1), np.uint8)
    batches = iter(training_batches(pixels, BATCH_SIZE, seed=0))
    for _ in range(STEPS):
        model.train_function(batches)
    with tempfile.TemporaryDirectory() as folder:
        without_python = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)
        tf.profiler.experimental.start(folder, without_python)
        for _ in range(STEPS):
            logs = model.train_function(batches)
        float(logs["d_loss"])
        tf.profiler.experimental.stop()
        space = xplane_pb2.XSpace.FromString(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    times, counts = collections.Counter(), collections.Counter()
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                if ":" in name and "::" not in name and not name.startswith(("$", "Iterator", "EagerLocalExecute")):
                    times[name] += event.duration_ps / 1e9 / STEPS
                    counts[name] += 1
    kinds = collections.Counter()
    for name, value in times.items():
        kinds[name.rsplit(":", 1)[1]] += value
    total = sum(times.values())
    print(f"milliseconds per step, {PRECISION.value}: {total:.1f} in all; operations on two threads overlap")
    for title, table in (("by kind", kinds), ("by operation", times)):
        print(title)
        for name, value in table.most_common(TOP.value):
            print(f"{value:8.2f}  {name}")


if __name__ == "__main__":
    app.run(main)
