"""An exported model: its signatures against the Python model, row by row, and what TensorFlow Serving needs."""

import io
import json
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from infogan_export import ExportError, export, exporter, self_check, verify
from infogan_export.exporter import EXAMPLES
from infogan_export.warmup import BATCH_SIZES
from infogan_tf.augmentation import RandomView
from infogan_tf.model import InfoGAN
from tests import tiny

LABEL_MATCH = {"digit": ["seven", None, "three"]}
SIGNATURES = {"serving_default", "generate", "infer_code", "generate_png", "infer_code_png", "describe"}
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


def drawn(n: int) -> dict[str, np.ndarray]:
    z, c = tiny.model().sample(n, tf.constant([1, 2]))
    return {"z": z.numpy(), "c": c.numpy()}


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


# ---------------------------------------------------------------- precision and larger networks


@pytest.mark.usefixtures("in_process")
def test_keep_precision(model, tmp_path):
    path, _ = export(model, tmp_path, keep_precision=True)
    assert tf.bfloat16.as_datatype_enum in dtypes_and_ops(path)[0]
    signatures = tf.saved_model.load(str(path)).signatures
    inputs = {key: tf.constant(value) for key, value in drawn(4).items()}
    image = signatures["generate"](**inputs)["image"]
    assert image.dtype == tf.float32
    np.testing.assert_allclose(image, model.generate(**inputs), atol=0.02)
    posterior = signatures["infer_code"](x=tf.constant(tiny.images(4)))
    assert {value.dtype for value in posterior.values()} == {tf.float32}


@pytest.mark.parametrize("keep_precision", [False, True])
@pytest.mark.usefixtures("in_process")
def test_the_papers_networks_pass_the_self_check(tmp_path, keep_precision):
    """Their 25,000 pixels of warm-up must not fail for one that rounds to the next gray level."""
    keras.utils.set_random_seed(1)
    model = InfoGAN("digit:categorical(10),slant:uniform,width:uniform", seed=1, dtype="mixed_bfloat16")
    # Strong contrast, as after training.
    for layer in model.generator.layers:
        if isinstance(layer, keras.layers.Conv2DTranspose):
            layer.set_weights([20 * w for w in layer.get_weights()])
    path, differences = export(model, tmp_path, keep_precision=keep_precision)
    assert path.exists()
    assert all(np.isfinite(value) for value in differences.values())


@pytest.mark.usefixtures("in_process")
def test_spectrally_normalised_networks_answer_as_the_model(tmp_path):
    keras.utils.set_random_seed(1)
    model = InfoGAN("digit:categorical(3),slant:uniform", (16, 16, 3), 4, architecture="images", seed=1)
    model.compile(instance_noise_stddev=0.5, instance_noise_steps=100)
    images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    model.train_step(tf.constant(images))
    path, _ = export(model, tmp_path)
    signature = tf.saved_model.load(str(path)).signatures["infer_code"]
    for _ in range(2):  # the power iteration does not go on in a server
        for name, value in signature(x=tf.constant(images)).items():
            np.testing.assert_allclose(value, model.infer_code(images)[name], atol=1e-5)


@pytest.mark.usefixtures("in_process")
def test_confident_posteriors_pass_the_self_check(tmp_path):
    """Means and concentrations of size 100: float32 keeps 1e-5 of their size, not 1e-5 in all."""
    model = tiny.model()
    layer = model.posterior_head.layers[-1]
    layer.set_weights([100 * w for w in layer.get_weights()])
    path, _ = export(model, tmp_path)
    assert path.exists()


# ---------------------------------------------------------------- whole or not at all


def test_versions_are_never_overwritten(model, folder):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError, match="1 exists"):
        export(model, folder.parent, version=1)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"generate": 0.5, "describe": 0.0}, "differs by {'generate': 0.5}"),
        ({"infer_code": float("inf")}, "infer_code"),
        ({"infer_code": float("nan")}, "infer_code"),
    ],
    ids=["difference", "infinite", "nan"],
)
def test_a_failed_self_check_publishes_nothing(tmp_path, monkeypatch, result, text):
    answer = subprocess.CompletedProcess([], 0, json.dumps({"ops": [], "differences": result}), "")
    monkeypatch.setattr(self_check.subprocess, "run", lambda *arguments, **options: answer)
    base = tmp_path / "models"
    with pytest.raises(ExportError, match=text.replace("{", r"\{")):
        export(tiny.model("digit:categorical(3)"), base)
    assert list(base.iterdir()) == []


@pytest.mark.usefixtures("in_process")
def test_python_in_the_graph_publishes_nothing(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Python(keras.layers.Layer):
        def call(self, x):
            return tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), x.shape)

        def compute_output_shape(self, input_shape):
            return input_shape

    networks = tiny.networks("digit:categorical(3)")
    x = keras.Input((8, 8, 1))
    networks["trunk"] = keras.Model(x, networks["trunk"](Python()(x)))
    model = InfoGAN("digit:categorical(3)", tiny.IMAGE_SHAPE, tiny.NOISE_SIZE, **networks)
    with pytest.raises(ExportError, match="operations that TensorFlow Serving lacks: PyFunc"):
        export(model, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_servable_that_a_fresh_process_cannot_load_is_not_published(tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "write_saved_model", lambda model, endpoints, path: None)
    with pytest.raises(ExportError, match="cannot be reloaded"):
        export(tiny.model("digit:categorical(3)"), tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.usefixtures("in_process")
def test_a_model_that_diverged_is_not_published(tmp_path):
    """NaN differs from everything, itself included."""
    model = tiny.model("digit:categorical(3),slant:uniform")
    layer = model.posterior_head.layers[-1]
    layer.set_weights([np.full_like(w, np.nan) for w in layer.get_weights()])
    with pytest.raises(ExportError, match="infer_code"):
        export(model, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.usefixtures("in_process")
def test_model_and_servable_go_their_own_ways(tmp_path):
    """Export leaves the model as it was, and the servable keeps its weights when training goes on."""
    model = trained()
    before, seed = model.get_weights(), model.seed_generator.state.numpy()
    path, _ = export(model, tmp_path)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.seed_generator.state.numpy(), seed)
    inputs = {key: tf.constant(value) for key, value in drawn(3).items()}
    expected = model.generate(**inputs)
    model.train_step(tf.constant(tiny.images(8)))
    assert (model.generate(**inputs).numpy() != expected.numpy()).any()
    np.testing.assert_allclose(
        tf.saved_model.load(str(path)).signatures["generate"](**inputs)["image"], expected, atol=1e-6
    )
