"""A trained model to `BASE/<version>/`: SavedModel, warm-up requests, self-check; whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from infogan_export.self_check import TOLERANCE, self_check
from infogan_export.signatures import Signature, signatures, write_saved_model
from infogan_export.versions import check_free, publish, staging_folder
from infogan_export.warmup import BATCH_SIZES, write_warmup_requests
from infogan_tf.model import InfoGAN
from infogan_tf.precision import with_policy

BFLOAT16_TOLERANCE = 0.05
EXAMPLES = 32  # rows of the self-check


def export(
    model: InfoGAN,
    base: str | Path,
    *,
    version: int | None = None,
    label_match: dict[str, list[str | None]] | None = None,
    provenance: dict[str, Any] | None = None,
    keep_precision: bool = False,
    max_batch_size: int = BATCH_SIZES[-1],
) -> tuple[Path, dict[str, float]]:
    """Publishes a model below `base`.

    Args:
        model: Trained.
        base: The folder above the version folders; its name is the model's name in the description.
        version: Its number; default: one above the highest there is.
        label_match: For each categorical code the label name of each category, as `evaluate` reports it.
        provenance: What else the description should say, as JSON values.
        keep_precision: Compute in the precision of training instead of float32.
        max_batch_size: Of the warm-up requests. A server that batches less at a time does not load the version.

    Returns:
        The version folder, and for each signature the largest difference (absolute below 1, relative above) between
        what the Python model and the reloaded servable compute.

    Raises:
        FileExistsError: The version exists.
        ValueError: `max_batch_size` or `version` is less than 1.
        ExportError: The reloaded servable differs from the model, or needs operations that TensorFlow Serving lacks.
    """
    if max_batch_size < 1:
        raise ValueError(f"max_batch_size must be at least 1, not {max_batch_size}")
    base = Path(base)
    check_free(base, version)
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
    rows = min(EXAMPLES, max_batch_size)
    examples = {name: _example(name, model, endpoints, rows) for name in endpoints}
    functions = {name: endpoint.function for name, endpoint in endpoints.items()}
    layers = [*model.generator.layers, *model.trunk.layers]
    exact = all(layer.compute_dtype == "float32" for layer in layers)
    tolerance = TOLERANCE if exact else BFLOAT16_TOLERANCE
    with staging_folder(base) as staging:
        write_saved_model(model, endpoints, str(staging))
        write_warmup_requests(staging, examples, max_batch_size)
        differences = self_check(staging, functions, examples, tolerance)
        return publish(staging, version), differences


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
