"""Speed of an exported model by batch size, as a server runs it.

    python benchmarks/inference.py --out=benchmarks/results/inference.json

The SavedModel of the paper's MNIST networks, loaded anew: as `infogan-export` writes it (float32), with
--keep_precision after training in mixed_bfloat16, and with the variables of the first frozen into constants (nothing
exports this; it is here to show what it would gain). All functions take turns round by round; medians count.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import harness
import tensorflow as tf
from absl import app, flags
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from infogan_export import export
from infogan_tf import InfoGAN

ROUNDS = flags.DEFINE_integer("rounds", 7, "Rounds; medians count.", lower_bound=1)
OUT = flags.DEFINE_string("out", None, "JSON file to write.")

SIGNATURES = ("generate", "infer_code")
BATCH_SIZES = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512)
SECONDS = 0.03  # for each measurement, at least one call


def servable(folder: Path, dtype: str):
    """The SavedModel of a model that computes in `dtype`."""
    path, _ = export(InfoGAN.from_preset("mnist", dtype=dtype, seed=0), folder / dtype, keep_precision=True)
    return tf.saved_model.load(str(path))


def seconds(function, inputs: dict[str, tf.Tensor]) -> float:
    """Of one call."""
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < SECONDS:
        function(**inputs)
        calls += 1
    return (time.perf_counter() - start) / calls


def main(argv: list[str]) -> None:
    """Measures, prints a table, writes the JSON."""
    del argv
    with tempfile.TemporaryDirectory() as folder:
        float32, bfloat16 = (servable(Path(folder), dtype) for dtype in ("float32", "mixed_bfloat16"))
    variants = {
        "float32": {name: float32.signatures[name] for name in SIGNATURES},
        "bfloat16": {name: bfloat16.signatures[name] for name in SIGNATURES},
        "float32, constants": {
            name: convert_variables_to_constants_v2(float32.signatures[name]) for name in SIGNATURES
        },
    }
    values: dict[tuple[str, int, str], list[float]] = {}
    for round_number in range(ROUNDS.value + 1):
        for batch_size in BATCH_SIZES:
            z = tf.random.stateless_normal([batch_size, 62], [0, round_number])
            inputs = {
                "generate": {"z": z, "c": tf.one_hot(tf.range(batch_size) % 10, 12)},
                "infer_code": {"x": tf.random.stateless_uniform([batch_size, 28, 28, 1], [0, round_number])},
            }
            for variant, functions in variants.items():
                for name, function in functions.items():
                    measured = seconds(function, inputs[name])
                    if round_number:  # the first one warms up
                        values.setdefault((name, batch_size, variant), []).append(measured)
    rows = []
    for (name, batch_size, variant), times in values.items():
        row = {
            "signature": name,
            "batch_size": batch_size,
            "variant": variant,
            "milliseconds": harness.spread([1e3 * value for value in times]),
            "images_per_second": harness.spread([batch_size / value for value in times]),
            "speed_to_float32": harness.paired_ratio(values[name, batch_size, "float32"], times)["median"],
        }
        rows.append(row)
    for row in sorted(rows, key=lambda row: (row["signature"], row["variant"], row["batch_size"])):
        print(
            f"{row['signature']:10s} {row['variant']:18s} {row['batch_size']:4d}"
            f" {row['milliseconds']['median']:8.2f} ms {row['images_per_second']['median']:8.0f} images/s"
            f" {row['speed_to_float32']:5.2f} x float32"
        )
    harness.write({"rows": rows, "machine": harness.machine("tensorflow", "keras")}, OUT.value)


if __name__ == "__main__":
    app.run(main)
