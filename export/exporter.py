"""A trained model to `BASE/<version>/`: SavedModel, warm-up requests, self-check; whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from infogan_export.signatures import Signature, signatures, write_saved_model
from infogan_export.versions import new_version
from infogan_export.warmup import BATCH_SIZES, write_warmup_requests
from infogan_tf.model import InfoGAN
from infogan_tf.precision import with_policy

TOLERANCE = 1e-5
BFLOAT16_TOLERANCE = 0.05


class ExportError(RuntimeError):
    """The servable does not do what the model does; nothing was published."""


def export(
    model: InfoGAN,
    base: str | Path,
    *,
    version: int | None = None,
    label_match: dict[str, list[str | None]] | None = None,
    provenance: dict[str, Any] | None = None,
    keep_precision: bool = False,
) -> tuple[Path, dict[str, float]]:
    """Publishes a model below `base`.

    Args:
        model: Trained.
        base: The folder above the version folders; its name is the model's name in the description.
        version: Its number; default: one above the highest there is.
        label_match: For each categorical code the label name of each category, as `evaluate` reports it.
        provenance: What else the description should say, as JSON values.
        keep_precision: Compute in the precision of training instead of float32.

    Returns:
        The version folder, and for each signature the largest difference (absolute below 1, relative above) between
        what the Python model and the reloaded servable compute.

    Raises:
        FileExistsError: The version exists.
        ExportError: The reloaded servable differs from the model, or needs operations that TensorFlow Serving lacks.
    """
    base = Path(base)
    if not keep_precision:
        model = with_policy(model, "float32")
    description = {
        "name": base.resolve().name,
        "noise_size": model.noise_size,
        "code_size": model.codes.size,
        "image_shape": list(model.image_shape),
        "codes": model.codes.describe(),
        "label_match": label_match or {},
        "provenance": {"tensorflow": tf.__version__, "keras": keras.__version__, **(provenance or {})},
    }
    endpoints = signatures(model, description)
    requests = {name: [_example(name, model, endpoints, n) for n in BATCH_SIZES] for name in endpoints}
    with new_version(base, version) as (staging, number):
        write_saved_model(model, endpoints, str(staging))
        write_warmup_requests(staging, requests)
        differences = _self_check(staging, endpoints, {name: examples[-1] for name, examples in requests.items()})
        tolerance = BFLOAT16_TOLERANCE if keep_precision else TOLERANCE
        wrong = {name: value for name, value in differences.items() if not value <= tolerance}
        if wrong:
            raise ExportError(f"the reloaded servable differs from the model by {wrong}, more than {tolerance}")
    return base / str(number), differences


def _example(name: str, model: InfoGAN, endpoints: dict[str, Signature], n: int) -> dict[str, tf.Tensor]:
    """Inputs of a signature for a batch of n: draws from the prior, and images generated from them."""
    z, c = model.sample(n, tf.constant([0, n]))
    if name.startswith("generate"):
        return {"z": z, "c": c}
    if name == "describe":
        return {"query": tf.fill([n], "")}
    if name == "infer_code_png":
        return {"image_bytes": endpoints["generate_png"].function(z, c)["png_bytes"]}
    return {"x": endpoints["generate"].function(z, c)["image"]}


def _self_check(
    folder: Path, endpoints: dict[str, Signature], inputs: dict[str, dict[str, tf.Tensor]]
) -> dict[str, float]:
    """Reloads the servable in a fresh process and compares every signature with the Python functions."""
    arrays: dict[str, np.ndarray] = {}
    for name, values in inputs.items():
        outputs = endpoints[name].function(**values)
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
    return result["differences"]


def _without_objects(array: np.ndarray) -> np.ndarray:
    """Strings as fixed-width bytes, so that no file needs pickle."""
    return array.astype(bytes) if array.dtype == object else array
