"""Many devices and many machines: TensorFlow's strategies, and a replica's share of a draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from infogan_tf.config import STRATEGIES


def strategy(name: str) -> tf.distribute.Strategy:
    """The strategy that `--strategy` names.

    Args:
        name: "none"; "mirrored", every GPU of this machine, or every CPU device where there is no GPU; or
            "multi_worker", one process on each of the machines that TF_CONFIG lists. The last must be made before
            TensorFlow has run anything.

    Raises:
        ValueError: Another name.
    """
    if name not in STRATEGIES:
        raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, got {name!r}")
    if name == "multi_worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        return tf.distribute.MirroredStrategy([d.name for d in gpus or tf.config.list_logical_devices("CPU")])
    return tf.distribute.get_strategy()


def is_chief(used: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes to the workdir."""
    resolver = used.cluster_resolver
    if resolver is None or resolver.task_type is None:
        return True
    return resolver.task_type == "chief" or (resolver.task_type == "worker" and resolver.task_id == 0)


def several_workers() -> bool:
    """Whether the strategy in scope is one of several processes."""
    return isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)


def own_rows(draw: Callable[[int | tf.Tensor], Any], n: int | tf.Tensor) -> Any:
    """This replica's n rows of `draw(n * replicas)`, which every replica draws alike.

    So the draws of a global batch do not depend on how many devices share it.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return draw(n)
    first = context.replica_id_in_sync_group * n
    return tf.nest.map_structure(lambda rows: rows[first : first + n], draw(n * context.num_replicas_in_sync))


def as_logs(values: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """What a step returns for Keras to average over replicas: scalars, but vectors of one on several workers.

    There Keras (3.15) averages along the first axis, which a scalar does not have.
    """
    if several_workers():
        return {name: tf.expand_dims(value, 0) for name, value in values.items()}
    return values
