"""The self-check: what it counts as a difference, and the operations it refuses."""

import numpy as np
import pytest
import tensorflow as tf

from infogan_export import verify


def save(folder, function, *specs) -> None:
    module = tf.Module()
    module.function = tf.function(function, input_signature=list(specs))
    tf.saved_model.save(module, str(folder), {"serving_default": module.function})


X = tf.TensorSpec([None, 2], tf.float32, "x")


@pytest.fixture(scope="module")
def doubling(tmp_path_factory):
    """Doubles x, and answers a text for every row."""
    folder = tmp_path_factory.mktemp("doubling")
    save(folder, lambda x: {"y": 2 * x, "text": tf.fill([tf.shape(x)[0]], "yes")}, X)
    return folder


def examples(y, text=(b"yes", b"yes")):
    x = np.float32([[0.125, 0.25], [0.375, 0.5]])  # sizes up to 1, where relative and absolute are the same
    return {
        "serving_default/input/x": x,
        "serving_default/output/y": np.float32(y),
        "serving_default/output/text": np.array(text),
    }


@pytest.mark.parametrize(
    ("expected", "difference"),
    [
        (examples([[0.25, 0.5], [0.75, 1]]), 0.0),
        (examples([[0.25, 0.5], [0.75, 0.5]]), 0.5),
        (examples([[0.5, 0.5], [0.75, 1]]), 0.25),
        (examples([[0.25, 0.5]]), np.inf),
        (examples([[0.25, 0.5], [0.75, 1]], (b"yes", b"no!")), np.inf),
        (examples([[0.25, 0.5], [0.75, 1]], (b"yes",)), np.inf),
    ],
    ids=["equal", "below", "above", "shape", "text", "number of texts"],
)
def test_difference(doubling, expected, difference):
    assert verify.differences(doubling, expected) == {"serving_default": pytest.approx(difference)}


def test_a_difference_that_is_no_number_is_no_agreement(tmp_path):
    save(tmp_path, lambda x: {"y": x / 0 * 0}, X)
    found = verify.differences(
        tmp_path, {"serving_default/input/x": np.ones((1, 2), "f"), "serving_default/output/y": np.ones((1, 2), "f")}
    )
    assert not found["serving_default"] <= 1e30


def test_plain_tensorflow_is_servable(doubling):
    assert verify.unservable_ops(doubling) == set()


@pytest.mark.parametrize(
    ("wrap", "op"),
    [
        (lambda x: tf.py_function(lambda v: 2 * v, [x], tf.float32), "EagerPyFunc"),
        (lambda x: tf.numpy_function(lambda v: 2 * v, [x], tf.float32), "PyFunc"),
        (lambda x: tf.numpy_function(lambda v: 2 * v, [x], tf.float32, stateful=False), "PyFuncStateless"),
    ],
    ids=["py_function", "numpy_function", "stateless"],
)
def test_python_is_not_servable(tmp_path, wrap, op):
    save(tmp_path, lambda x: {"y": wrap(x)}, X)
    assert verify.unservable_ops(tmp_path) == {op}


def test_python_inside_a_loop_is_found(tmp_path):
    def function(x):
        return {"y": tf.map_fn(lambda row: tf.numpy_function(lambda v: v, [row], tf.float32), x)}

    save(tmp_path, function, X)
    assert verify.unservable_ops(tmp_path) == {"PyFunc"}


def test_unknown_operations_are_found(doubling, tmp_path):
    """As an operation of an add-on library would look: no such name in TensorFlow's registry."""
    pb = (doubling / "saved_model.pb").read_bytes()
    proto = verify.saved_model_pb2.SavedModel()
    proto.ParseFromString(pb)
    node = proto.meta_graphs[0].graph_def.library.function[0].node_def.add()
    node.name, node.op = "extra", "Addons>Sharpen"
    (tmp_path / "saved_model.pb").write_bytes(proto.SerializeToString())
    assert verify.unservable_ops(tmp_path) == {"Addons>Sharpen"}
