"""Measures in processes of their own, in turn, so that frameworks share neither threads nor memory."""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infogan_tf.machine import machine

__all__ = ["Worker", "machine", "paired_ratio", "rounds", "spread", "write"]


class Worker:
    """A process that builds something once and then measures it on demand.

    Args:
        build: Called in the process with `arguments`; returns a function that measures once and gives a number.
        *arguments: Picklable.
    """

    def __init__(self, build: Callable[..., Callable[[], float]], *arguments: Any):
        context = multiprocessing.get_context("spawn")
        self._pipe, pipe = context.Pipe()
        self._process = context.Process(target=_serve, args=(pipe, build, arguments), daemon=True)
        self._process.start()
        pipe.close()  # so that the end of a process that fails is the end of the pipe
        self.measure()  # waits until it is built, and warms it up

    def measure(self) -> float:
        """One more measurement."""
        self._pipe.send(True)
        return self._pipe.recv()

    def close(self) -> float:
        """Ends the process; returns its peak memory in GiB."""
        self._pipe.send(False)
        memory = self._pipe.recv()
        self._process.join()
        return memory


def _serve(pipe, build, arguments) -> None:
    measure = build(*arguments)
    while pipe.recv():
        pipe.send(measure())
    pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def rounds(workers: dict[str, Worker], count: int) -> dict[str, list[float]]:
    """Every worker's measurement in each of `count` rounds; within a round they take turns."""
    values: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(count):
        for name, worker in workers.items():
            values[name].append(worker.measure())
    return values


def spread(values: list[float]) -> dict[str, float]:
    """Minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def paired_ratio(values: list[float], others: list[float]) -> dict[str, float]:
    """Spread of value / other, round by round: a machine that changes speed changes both of a pair."""
    return spread([value / other for value, other in zip(values, others, strict=True)])


def write(result: dict[str, Any], path: str | None) -> None:
    """Writes the result as JSON if there is a path."""
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(result, indent=2) + "\n")
