"""An exported model: its signatures against the Python model, row by row, and what TensorFlow Serving needs."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from infogan_export import export, verify
from infogan_export.exporter import EXAMPLES
from infogan_export.warmup import BATCH_SIZES
from infogan_tf.augmentation import RandomView
from infogan_tf.model import InfoGAN
from tests import tiny
from tests.export.conftest import LABEL_MATCH, SIGNATURES, drawn, dtypes_and_ops

POSTERIOR = {
    "code": 10,
    "digit_probs": 3,
    "slant_mean": 1,
    "slant_stddev": 1,
    "style_mean": 2,
    "style_stddev": 2,
    "flags_probs": 2,
    "angle_mean": 1,
    "angle_concentration": 1,
}


@pytest.fixture(scope="module")
def reference(model) -> InfoGAN:
    """The same weights in a model that was float32 all along."""
    float32 = tiny.model()
    float32.set_weights(model.get_weights())
    return float32


@pytest.fixture(scope="module")
def loaded(folder):
    return tf.saved_model.load(str(folder))


@pytest.fixture(scope="module")
def call(loaded):
    """Runs a signature by name; returns numpy arrays."""

    def run(name: str, **inputs):
        inputs = {key: tf.constant(value) for key, value in inputs.items()}
        return {key: value.numpy() for key, value in loaded.signatures[name](**inputs).items()}

    return run


def png_bytes(images: np.ndarray, kind: str = "PNG", mode: str = "L") -> np.ndarray:
    """Encoded images of [n, 8, 8, 1] in [0, 1]."""
    encoded = []
    for image in np.round(images[..., 0] * 255).astype(np.uint8):
        file = io.BytesIO()
        Image.fromarray(image).convert(mode).save(file, kind)
        encoded.append(file.getvalue())
    return np.array(encoded, object)


def pixels(encoded: np.ndarray) -> np.ndarray:
    """What Pillow reads in encoded images, as [n, 8, 8, 1] in [0, 1]."""
    return np.stack([np.array(Image.open(io.BytesIO(e)).convert("L")) for e in encoded])[..., None] / np.float32(255)


# ---------------------------------------------------------------- what the SavedModel declares


def test_signatures_and_their_types(loaded):
    floats, strings = tf.float32, tf.string
    posterior = {name: ((None, size), floats) for name, size in POSTERIOR.items()}
    expected = {
        "generate": (
            {"z": ((None, 4), floats), "c": ((None, 10), floats)},
            {"image": ((None, 8, 8, 1), floats)},
        ),
        "infer_code": ({"x": ((None, 8, 8, 1), floats)}, posterior),
        "serving_default": ({"x": ((None, 8, 8, 1), floats)}, posterior),
        "generate_png": (
            {"z": ((None, 4), floats), "c": ((None, 10), floats)},
            {"png_bytes": ((None,), strings)},
        ),
        "infer_code_png": ({"image_bytes": ((None,), strings)}, posterior),
        "describe": ({"query": ((None,), strings)}, {"description": ((None,), strings)}),
    }
    assert set(loaded.signatures) == set(expected)
    for name, (inputs, outputs) in expected.items():
        function = loaded.signatures[name]
        declared = function.structured_input_signature[1]
        assert {key: (tuple(spec.shape), spec.dtype) for key, spec in declared.items()} == inputs, name
        found = {key: (spec.shape.rank, spec.dtype) for key, spec in function.structured_outputs.items()}
        assert found == {key: (len(shape), dtype) for key, (shape, dtype) in outputs.items()}, name
        for key, spec in function.structured_outputs.items():
            assert spec.shape.is_compatible_with(outputs[key][0]), (name, key)


def test_description(call):
    answer = call("describe", query=["", "x", "y"])["description"]
    assert len(answer) == 3
    assert len(set(answer)) == 1
    assert json.loads(answer[0]) == {
        "name": "digits",
        "noise_size": 4,
        "code_size": 10,
        "image_shape": [8, 8, 1],
        "codes": [
            {"name": "digit", "kind": "categorical", "offset": 0, "size": 3, "probs": [1 / 3] * 3},
            {"name": "slant", "kind": "uniform", "offset": 3, "size": 1, "range": [-1.0, 1.0]},
            {"name": "style", "kind": "gaussian", "offset": 4, "size": 2},
            {"name": "flags", "kind": "bernoulli", "offset": 6, "size": 2},
            {"name": "angle", "kind": "circular", "offset": 8, "size": 2},
        ],
        "label_match": LABEL_MATCH,
        "provenance": {"tensorflow": tf.__version__, "keras": keras.__version__, "seed": 3},
    }


# ---------------------------------------------------------------- what it computes


def test_generate_is_the_models(call, reference):
    inputs = drawn(5)
    np.testing.assert_allclose(call("generate", **inputs)["image"], reference.generate(**inputs), atol=1e-6)


@pytest.mark.parametrize("name", ["infer_code", "serving_default"])
def test_infer_code_is_the_models(call, reference, name):
    images = tiny.images(6, seed=9)
    found, expected = call(name, x=images), reference.infer_code(images)
    assert set(found) == set(POSTERIOR)
    for key, value in found.items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-5, atol=1e-5, err_msg=key)


def test_generate_png_is_generate_in_256_grays(call):
    inputs = drawn(5)
    encoded = call("generate_png", **inputs)["png_bytes"]
    assert all(Image.open(io.BytesIO(e)).format == "PNG" for e in encoded)
    images = call("generate", **inputs)["image"]
    assert np.abs(pixels(encoded) - images).max() <= 0.5 / 255 + 1e-6


def test_a_code_that_is_read_in_the_middle_is_so_when_served(tmp_path):
    infogan = tiny.model()
    infogan.augmentation = RandomView(1.0, 0, 0, 0, centre=1, fill=0.2, blur=0.1)
    path, _ = export(infogan, tmp_path / "digits")
    infer_code = tf.saved_model.load(str(path)).signatures["infer_code"]
    left = np.zeros((1, 8, 8, 1), np.float32)
    left[:, 2:5, 1:3] = 1
    right = np.roll(left, 4, axis=2)
    seen = [infer_code(x=tf.constant(x))["digit_probs"].numpy() for x in (left, right)]
    np.testing.assert_allclose(seen[0], infogan.infer_code(left)["digit_probs"], rtol=1e-5)
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4)
    infogan.augmentation = None
    assert np.abs(infogan.infer_code(left)["digit_probs"] - infogan.infer_code(right)["digit_probs"]).max() > 0.01


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "L"), ("JPEG", "L")])
def test_infer_code_png_reads_pngs_and_jpegs(call, reference, kind, mode):
    """JPEG loses detail: the code is that of the pixels that the file holds."""
    encoded = png_bytes(tiny.images(4, seed=2), kind, mode)
    expected = reference.infer_code(pixels(encoded))
    tolerance = 1e-5 if kind == "PNG" else 0.1  # decoders may differ by one gray level
    for key, value in call("infer_code_png", image_bytes=encoded).items():
        np.testing.assert_allclose(value, expected[key], atol=tolerance, err_msg=key)


def test_png_round_trip(call):
    """What generate_png encodes, infer_code_png reads as infer_code reads its pixels."""
    encoded = call("generate_png", **drawn(4))["png_bytes"]
    through_png, direct = call("infer_code_png", image_bytes=encoded), call("infer_code", x=pixels(encoded))
    for key, value in direct.items():
        np.testing.assert_allclose(through_png[key], value, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_rows_are_independent(call, name):
    """Five rows together are the same rows one by one, and permuted: what TensorFlow Serving's batching relies on."""
    inputs = {
        "generate": drawn(5),
        "generate_png": drawn(5),
        "infer_code": {"x": tiny.images(5)},
        "serving_default": {"x": tiny.images(5)},
        "infer_code_png": {"image_bytes": png_bytes(tiny.images(5))},
        "describe": {"query": np.array(["a", "b", "c", "d", "e"], object)},
    }[name]
    together = call(name, **inputs)
    order = [3, 0, 4, 1, 2]
    permuted = call(name, **{key: value[order] for key, value in inputs.items()})
    alone = [call(name, **{key: value[i : i + 1] for key, value in inputs.items()}) for i in range(5)]
    for key, value in together.items():
        singly = np.concatenate([row[key] for row in alone])
        if value.dtype == object and name == "generate_png":
            # Batches of another size may round a pixel to the next gray level.
            np.testing.assert_allclose(pixels(singly), pixels(value), atol=1.01 / 255)
            np.testing.assert_allclose(pixels(permuted[key]), pixels(value[order]), atol=1.01 / 255)
        elif value.dtype == object:
            assert value.tolist() == singly.tolist()
            assert value[order].tolist() == permuted[key].tolist()
        else:
            np.testing.assert_allclose(singly, value, atol=1e-5)
            np.testing.assert_allclose(permuted[key], value[order], atol=1e-5)


# ---------------------------------------------------------------- what TensorFlow Serving needs


def test_float32_inside_whatever_it_was_trained_in(folder):
    types, _, _ = dtypes_and_ops(folder)
    assert tf.float32.as_datatype_enum in types
    assert not types & {tf.bfloat16.as_datatype_enum, tf.float16.as_datatype_enum}


def test_every_operation_is_tensorflows_own(folder):
    assert verify.unservable_ops(folder) == set()
    _, ops, xla = dtypes_and_ops(folder)
    assert not any("Py" in op for op in ops)
    assert not xla


def warm_up_requests(folder) -> dict[str, list[predict_pb2.PredictRequest]]:
    """The records of each signature."""
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    requests = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        assert log.WhichOneof("log_type") == "predict_log"
        requests.setdefault(log.predict_log.request.model_spec.signature_name, []).append(log.predict_log.request)
    return requests


def batch_size(request: predict_pb2.PredictRequest) -> int:
    (n,) = {len(tf.make_ndarray(value)) for value in request.inputs.values()}
    return n


def test_warm_up_requests_of_every_batch_size_succeed(folder, loaded):
    requests = warm_up_requests(folder)
    assert requests.keys() == SIGNATURES
    assert sum(map(len, requests.values())) <= 1000
    for signature, of_signature in requests.items():
        assert list(map(batch_size, of_signature)) == [*BATCH_SIZES, EXAMPLES]
        for request in of_signature:
            inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
            outputs = loaded.signatures[signature](**inputs)
            assert {len(value) for value in outputs.values()} == {batch_size(request)}


def test_a_large_warm_up_batch_is_no_larger_in_the_file(folder):
    for *of_each_size, _ in warm_up_requests(folder).values():
        assert of_each_size[-1].ByteSize() < of_each_size[0].ByteSize() + 20


@pytest.mark.parametrize(("largest", "sizes"), [(8, [1, 2, 4, 8, 8]), (100, [*BATCH_SIZES[:-1], 100, EXAMPLES])])
@pytest.mark.usefixtures("in_process")
def test_no_warm_up_batch_is_larger_than_asked_for(model, tmp_path, largest, sizes):
    path, _ = export(model, tmp_path, max_batch_size=largest)
    for of_signature in warm_up_requests(path).values():
        assert list(map(batch_size, of_signature)) == sizes


def test_max_batch_size_is_checked_first(model, tmp_path):
    with pytest.raises(ValueError, match="max_batch_size must be at least 1, not 0"):
        export(model, tmp_path / "base", max_batch_size=0)
    assert not (tmp_path / "base").exists()


@pytest.mark.usefixtures("in_process")
def test_trained_under_jit_nothing_asks_for_xla(tmp_path):
    path, _ = export(tiny.model("digit:categorical(3)", jit_compile=True), tmp_path)
    assert not dtypes_and_ops(path)[2]
