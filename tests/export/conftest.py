"""An exported model, and the self-check without the seconds that a new process takes."""

import contextlib
import json
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from infogan_export import export, self_check, verify
from infogan_tf.model import InfoGAN
from tests import tiny

LABEL_MATCH = {"digit": ["seven", None, "three"]}
SIGNATURES = {"serving_default", "generate", "infer_code", "generate_png", "infer_code_png", "describe"}


def _run(command: list[str], **_) -> subprocess.CompletedProcess:
    servable, examples = command[-2:]
    with np.load(examples) as arrays:
        found = verify.differences(servable, dict(arrays))
    answer = {"ops": sorted(verify.unservable_ops(servable)), "differences": found}
    return subprocess.CompletedProcess(command, 0, json.dumps(answer), "")


@contextlib.contextmanager
def checks_in_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_check.subprocess, "run", _run)
        yield


@pytest.fixture
def in_process() -> Iterator[None]:
    with checks_in_process():
        yield


def trained(dtype: str | None = None, **arguments) -> InfoGAN:
    """A model whose moving statistics are not those of a new one."""
    model = tiny.model(dtype=dtype, **arguments)
    for step in range(3):
        model.train_step(tf.constant(tiny.images(8, seed=step)))
    return model


@pytest.fixture(scope="module")
def model() -> InfoGAN:
    return trained("mixed_bfloat16")


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "digits"
    path, differences = export(model, base, label_match=LABEL_MATCH, provenance={"seed": 3})
    assert path == base / "1"
    assert set(differences) == SIGNATURES
    return path


def drawn(n: int) -> dict[str, np.ndarray]:
    z, c = tiny.model().sample(n, tf.constant([1, 2]))
    return {"z": z.numpy(), "c": c.numpy()}


def dtypes_and_ops(folder) -> tuple[set[int], set[str], bool]:
    """Every dtype attribute and operation of the graph, and whether a function asks for XLA."""
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((folder / "saved_model.pb").read_bytes())
    types, ops, xla = set(), set(), False
    for meta_graph in proto.meta_graphs:
        functions = meta_graph.graph_def.library.function
        for node in [*meta_graph.graph_def.node, *(node for f in functions for node in f.node_def)]:
            ops.add(node.op)
            for attribute in node.attr.values():
                types |= {attribute.type, *attribute.list.type}
        xla |= any(f.attr["_XlaMustCompile"].b for f in functions)
    return types, ops, xla
