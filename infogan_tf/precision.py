"""Choice of the precision policy, and a model again under another one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from infogan_tf.model import InfoGAN


def choose() -> tuple[str, str]:
    """The faster of float32 and mixed_bfloat16 on this machine, and why.

    A processor without bfloat16 instructions emulates them and measures slower. A GPU's matrix product is timed as
    well as a CPU's.
    """
    rates = {dtype: _matmul_rate(dtype) for dtype in ("float32", "bfloat16")}
    gain = rates["bfloat16"] / rates["float32"]
    policy = "mixed_bfloat16" if gain > 1.2 else "float32"
    return policy, f"a bfloat16 matrix product runs at {gain:.1f} times the speed of a float32 one"


def _matmul_rate(dtype: str, size: int = 1024, repeats: int = 5) -> float:
    """Products of two `size` x `size` matrices per second, the best of a few."""
    matrix = tf.ones([size, size], dtype)
    product = tf.function(lambda x: tf.reduce_sum(tf.matmul(x, x)))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        product(matrix).numpy()
        best = min(best, time.perf_counter() - start)
    return 1 / best


def with_policy(model: InfoGAN, policy: str) -> InfoGAN:
    """A copy of the model, weights included, whose layers all compute under `policy`, for example "float32"."""
    copy = type(model).from_config(_replace_policies(model.get_config(), policy))
    copy.set_weights(model.get_weights())
    return copy


def _replace_policies(config: Any, policy: str) -> Any:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": policy}}
        return {key: _replace_policies(value, policy) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_replace_policies(value, policy) for value in config)
    return config
