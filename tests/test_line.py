"""The whole line, as a user runs it: train, evaluate, export, serve, ask; and the README's examples as they stand."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from infogan_serving import Client
from infogan_serving.local import running
from infogan_tf import InfoGAN
from infogan_tf.datasets import decoding
from tests.serving.ports import free_port

README = Path(__file__).parents[1] / "README.md"
BIN = Path(sys.executable).parent


def command(*words: str | Path) -> str:
    """Runs one of the project's commands and returns what it printed."""
    return subprocess.run([BIN / words[0], *words[1:]], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("line") / "run"
    command("infogan-train", "--preset=mnist_5k", f"--workdir={path}", "--epochs=1", "--steps_per_epoch=3")
    command("infogan-evaluate", f"--workdir={path}", "--split=test[:200]")
    return path


@pytest.fixture(scope="module")
def servable(workdir) -> Path:
    command("infogan-export", f"--workdir={workdir}", f"--base={workdir.parent / 'infogan'}")
    return workdir.parent / "infogan" / "1"


@pytest.fixture(scope="module")
def url(servable):
    with running(servable.parent, "infogan") as url:
        yield url


@pytest.fixture(scope="module")
def float32_model(workdir) -> InfoGAN:
    """The trained model without the precision policy of training."""
    from infogan_tf.precision import with_policy  # noqa: PLC0415

    return with_policy(keras.models.load_model(workdir / "model.keras"), "float32")


@pytest.fixture(scope="module")
def draws() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4, 62)).astype(np.float32)
    c = np.concatenate([np.eye(10)[[3, 1, 4, 1]], rng.uniform(-1, 1, (4, 2))], axis=1).astype(np.float32)
    return z, c


def test_rest_saved_model_cli_and_python_give_the_same_image(url, servable, float32_model, draws, tmp_path):
    z, c = draws
    np.save(tmp_path / "z.npy", z)
    np.save(tmp_path / "c.npy", c)
    command(
        *("saved_model_cli", "run", "--dir", servable, "--tag_set", "serve", "--signature_def", "generate"),
        *("--inputs", f"z={tmp_path / 'z.npy'};c={tmp_path / 'c.npy'}", "--outdir", tmp_path),
    )
    expected = float32_model.generate(z, c).numpy()
    with Client(url, model="infogan") as client:
        np.testing.assert_allclose(client.generate(z=z, c=c), expected, atol=1e-5)
    np.testing.assert_allclose(np.load(tmp_path / "image.npy"), expected, atol=1e-5)


def test_rest_and_python_infer_the_same_code(url, float32_model, draws):
    images = float32_model.generate(*draws).numpy()
    expected = {name: value.numpy() for name, value in float32_model.infer_code(images).items()}
    with Client(url, model="infogan") as client:
        answer = client.infer_code(images)
    assert answer.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(answer[name], value, atol=1e-5)


def test_description_carries_the_codes_and_the_match_found_by_evaluation(url, workdir):
    match = json.loads((workdir / "evaluation.json").read_text())["label_match"]
    with Client(url, model="infogan") as client:
        description = client.describe()
    assert sorted(match["digit"]) == list("0123456789")
    assert description["label_match"] == match
    assert [(code["name"], code["offset"], code["size"]) for code in description["codes"]] == [
        ("digit", 0, 10),
        ("slant", 10, 1),
        ("width", 11, 1),
    ]


def test_readme_keras_example(tmp_path, monkeypatch):
    source = readme_example("model.fit(").replace("epochs=60", "epochs=1, steps_per_epoch=2")
    assert len(source.strip().splitlines()) <= 35
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(source, "README.md", "exec"), names)
    assert (tmp_path / "pictures" / "epoch-0001.png").exists()
    np.testing.assert_array_equal(names["model"].generate(c=names["c"], seed=5).shape, (8, 28, 28, 1))
    np.testing.assert_allclose(
        names["model"].infer_code(names["pictures"])["code"], names["posterior"]["code"], atol=1e-5
    )


def test_readme_client_example(url):
    names: dict = {}
    exec(compile(readme_example("with Client(").replace("http://127.0.0.1:8501", url), "README.md", "exec"), names)
    assert names["images"].shape == (8, 28, 28, 1)
    np.testing.assert_allclose(names["posterior"]["digit_probs"].sum(axis=1), 1, atol=1e-5)


def test_readme_asyncio_example(servable):
    names: dict = {}
    port = free_port()
    with running(servable.parent, "infogan", grpc_port=port):
        exec(compile(readme_example("AsyncClient(").replace(":8500", f":{port}"), "README.md", "exec"), names)
    assert [len(pngs) for pngs in names["pngs"]] == [1] * 10
    assert len({pngs[0] for pngs in names["pngs"]}) > 1


def test_readme_tells_which_picture_is_in_which_group(workdir, float32_model, tmp_path, capsys):
    rng = np.random.default_rng(0)
    files = [tmp_path / name for name in ("a.jpg", "b/c.PNG", "d.bmp")]
    files[1].parent.mkdir()
    for file in files:
        Image.fromarray(rng.integers(0, 256, (40, 30, 3), np.uint8)).save(file)
    (tmp_path / "z.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("no picture")
    source = readme_example("rglob").replace("/path/to/pictures", str(tmp_path)).replace("group_probs", "digit_probs")
    exec(compile(source.replace("runs/mine", str(workdir)), "README.md", "exec"), {})
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in told] == [str(file) for file in (*files, tmp_path / "z.jpg")]
    assert "no PNG, JPEG, BMP or GIF" in " ".join(told.pop())
    images = np.stack([decoding.read(file, (28, 28, 1)) for file in files]).astype(np.float32) / 255
    probs = float32_model.infer_code(images)["digit_probs"].numpy()
    np.testing.assert_allclose([float(line[2]) for line in told], probs.max(axis=1), atol=0.03)  # 0.01, and bfloat16
    assert [probs[row, int(line[1])] for row, line in enumerate(told)] == pytest.approx(probs.max(axis=1), abs=0.03)


def readme_example(part: str) -> str:
    """The one that has this in it."""
    [example] = [e for e in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if part in e]
    return example
