"""Self-check of a servable in a process of its own: `python -m infogan_export.verify SAVED_MODEL EXAMPLES.npz`.

The examples hold inputs and the Python model's outputs, under `SIGNATURE/input/NAME` and `SIGNATURE/output/NAME`.
Prints the largest difference per signature as JSON, absolute below 1 and relative above. Strings must be equal; PNG may
differ by the one gray level that a rounding costs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

PNG = b"\x89PNG"
# Their kernels live in the Python extension alone; TensorFlow Serving does not have them.
PYTHON_OPS = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless"})


def unservable_ops(folder: str | Path) -> set[str]:
    """Operations of the SavedModel that are Python's or unknown to TensorFlow's own registry."""
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString(Path(folder, "saved_model.pb").read_bytes())
    ops = set()
    for meta_graph in proto.meta_graphs:
        graph = meta_graph.graph_def
        functions = {function.signature.name for function in graph.library.function}
        nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
        ops |= {node.op for node in nodes} - functions
    return {op for op in ops if op in PYTHON_OPS or op_def_registry.get(op) is None}


def differences(folder: str | Path, examples: dict[str, np.ndarray]) -> dict[str, float]:
    """The largest difference of each signature's outputs, as in the module's docstring.

    Infinite where strings or shapes differ, NaN where a number is NaN.
    """
    loaded = tf.saved_model.load(str(folder)).signatures
    result: dict[str, float] = {}
    for key, expected in examples.items():
        signature, role, name = key.split("/")
        if role != "output":
            continue
        inputs = {
            other.split("/")[2]: tf.constant(value)
            for other, value in examples.items()
            if other.startswith(f"{signature}/input/")
        }
        actual = loaded[signature](**inputs)[name].numpy()
        result[signature] = float(np.maximum(result.get(signature, 0.0), _difference(actual, expected)))
    return result


def _difference(actual: np.ndarray, expected: np.ndarray) -> float:
    if actual.shape != expected.shape:
        return float("inf")
    if actual.dtype == object:
        return max(map(_string_difference, actual, expected), default=0.0)
    difference = np.abs(actual.astype(np.float64) - expected) / np.maximum(1, np.abs(expected))
    return float(difference.max(initial=0.0))


def _string_difference(actual: bytes, expected: bytes) -> float:
    """0 where equal; of PNG, the gray levels (of 255) beyond the one that a rounding may cost; else infinite."""
    if actual == expected:
        return 0.0
    if not (actual.startswith(PNG) and expected.startswith(PNG)):
        return float("inf")
    first, second = (tf.io.decode_png(image).numpy().astype(int) for image in (actual, bytes(expected)))
    return max(int(np.abs(first - second).max()) - 1, 0) / 255 if first.shape == second.shape else float("inf")


def main() -> None:
    """Prints `{"ops": [...], "differences": {...}}` for the servable and examples on the command line."""
    folder, examples = sys.argv[1:]
    with np.load(examples, allow_pickle=False) as arrays:
        found = differences(folder, dict(arrays))
    print(json.dumps({"ops": sorted(unservable_ops(folder)), "differences": found}))


if __name__ == "__main__":
    main()
