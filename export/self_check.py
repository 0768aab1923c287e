"""What a servable must pass before it is published: reloaded in a fresh process it answers as it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

TOLERANCE = 1e-5

Tensors = Mapping[str, tf.Tensor]


class ExportError(RuntimeError):
    """The servable does not do what it should; nothing was published."""


def self_check(
    folder: Path,
    functions: Mapping[str, Callable[..., Tensors]],
    inputs: Mapping[str, Tensors],
    tolerance: float,
) -> dict[str, float]:
    """Compares every signature with a function that computes the same.

    Args:
        folder: Of the SavedModel.
        functions: By the name of the signature.
        inputs: For each signature, a batch by the names of its arguments.
        tolerance: The largest difference allowed, absolute below 1 and relative above.

    Returns:
        The largest difference of each signature.

    Raises:
        ExportError: The servable does not load, differs, or needs operations that TensorFlow Serving lacks.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, values in inputs.items():
        outputs = functions[name](**values)
        arrays |= {f"{name}/input/{key}": _without_objects(value.numpy()) for key, value in values.items()}
        arrays |= {f"{name}/output/{key}": _without_objects(value.numpy()) for key, value in outputs.items()}
    with tempfile.TemporaryDirectory() as temporary:
        examples = Path(temporary) / "examples.npz"
        np.savez(examples, **arrays)
        process = subprocess.run(
            [sys.executable, "-m", "infogan_export.verify", str(folder), str(examples)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    if process.returncode:
        raise ExportError(f"the servable cannot be reloaded: {process.stderr.strip()[-2000:]}")
    result = json.loads(process.stdout.splitlines()[-1])
    if result["ops"]:
        raise ExportError(f"the servable needs operations that TensorFlow Serving lacks: {', '.join(result['ops'])}")
    wrong = {name: value for name, value in result["differences"].items() if not value <= tolerance}
    if wrong:
        raise ExportError(f"the reloaded servable differs by {wrong}, more than {tolerance}")
    return result["differences"]


def _without_objects(array: np.ndarray) -> np.ndarray:
    """Strings as fixed-width bytes, so that no file needs pickle."""
    return array.astype(bytes) if array.dtype == object else array
