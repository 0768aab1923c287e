"""Which models are exported, in which precision, and that a version is there as a whole or not at all."""

import json
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf

from infogan_export import ExportError, export, exporter, self_check
from infogan_tf.model import InfoGAN
from tests import tiny
from tests.export.conftest import drawn, dtypes_and_ops, trained

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
