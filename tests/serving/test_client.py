"""The client against a server: closed forms, round trips, errors."""

import io
import math
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from infogan_serving import Client, ServingError, UnavailableError
from infogan_serving.images import image_batch
from infogan_serving.latents import latents
from tests.serving.models import DESCRIPTION, image_of


def test_importing_the_client_imports_no_tensorflow():
    code = (
        "import sys, infogan_serving; infogan_serving.Client('http://x').close();"
        "print({'tensorflow', 'keras', 'infogan_tf', 'infogan_serving.local'} & sys.modules.keys())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


def test_describe(client):
    assert client.describe() == DESCRIPTION


def test_describe_asks_once(infogan_url):
    with Client(infogan_url) as client:
        first = client.describe()
        client.close()
        assert client.describe() is first


def test_generate_by_name(client):
    style, angle = [[0.5, -1], [2, 3]], [0.25, -2]
    images = client.generate(digit="three", slant=-2, style=style, flags=1, angle=angle, z=np.eye(3)[:2])
    c = [[0, 0, 1, -2, *s, 1, 1, np.cos(a), np.sin(a)] for s, a in zip(style, angle, strict=True)]
    assert images.dtype == np.float32
    np.testing.assert_allclose(images, image_of(np.eye(3)[:2], np.array(c)), atol=1e-7)


def test_generate_draws_what_is_missing(client):
    z, c = latents(DESCRIPTION, {"digit": 1}, n=6, seed=3)
    np.testing.assert_array_equal(client.generate(digit=1, n=6, seed=3), image_of(z, c))


def test_generate_from_vectors(client):
    z, c = np.ones((2, 3)), np.arange(20).reshape(2, 10)
    np.testing.assert_array_equal(client.generate(z=z, c=c), image_of(z, c))


@pytest.mark.parametrize("as_held", [lambda x: x, lambda x: x[..., 0], lambda x: x.astype(np.float64)])
def test_infer_code_inverts_generate(client, as_held):
    z, c = latents(DESCRIPTION, {}, n=4, seed=0)
    posterior = client.infer_code(as_held(client.generate(z=z, c=c)))
    assert posterior.keys() == {"code", "digit_probs", "slant_mean"}
    np.testing.assert_allclose(posterior["code"], c, atol=1e-5)
    np.testing.assert_allclose(posterior["slant_mean"], c[:, 3:4], atol=1e-5)


def test_infer_code_of_one_image(client):
    [image] = client.generate(slant=0.5, seed=0)
    for form in image, image[..., 0]:
        assert client.infer_code(form)["slant_mean"] == pytest.approx(0.5, abs=1e-5)


def test_png_round_trip(client):
    z, c = latents(DESCRIPTION, {}, n=2, seed=0)
    pngs = client.predict("generate_png", {"z": z, "c": c})["png_bytes"]
    for png, image in zip(pngs, image_of(z, c), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), np.round(image[..., 0] * 255))
    inferred = client.predict("infer_code_png", {"image_bytes": pngs})["code"]
    np.testing.assert_allclose(inferred, c, atol=64 / 255 / 2 + 1e-4)


def test_predict_returns_the_dtypes_of_the_signature(dtypes_url):
    with Client(dtypes_url, "dtypes", version=7) as client:
        values = np.array([[0, 1], [254, 255]])
        for dtype in (np.float32, np.float64, np.int32, np.int64, np.uint8, np.uint32, np.uint64):
            [answer] = client.predict(f"echo_{np.dtype(dtype).name}", {"x": values.astype(dtype)}).values()
            assert answer.dtype == dtype
            np.testing.assert_array_equal(answer, values)
        assert client.predict("echo_bool", {"x": np.array([True, False])})["y"].tolist() == [True, False]
        assert client.predict("echo_string", {"x": np.array(["é", "b"])})["y"].tolist() == [
            "é".encode(),
            b"b",
        ]
        raw = np.array([b"\xff\x00", b""], dtype=object)
        assert client.predict("png", {"x": raw})["y_bytes"].tolist() == raw.tolist()
        assert client.predict("total", {"x": np.array([1.0, 2.0])})["y"] == 3
        two = client.predict("two", {"a": np.array([0.5]), "b": np.array([1])})
        assert (two["total"].tolist(), two["b"].tolist(), two["b"].dtype) == ([1.5], [1], np.int32)
        special = np.array([math.nan, math.inf, -math.inf, -0.0], np.float32)
        np.testing.assert_array_equal(
            client.predict("echo_float32", {"x": special})["y"].view(np.uint32), special.view(np.uint32)
        )


def test_float32_survives_the_round_trip(dtypes_url):
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    with Client(dtypes_url, "dtypes") as client:
        np.testing.assert_array_equal(client.predict("echo_float32", {"x": values})["y"], values)


def test_empty_input_is_refused_before_it_is_sent(client):
    with pytest.raises(ValueError, match=r"Input 'x' is empty, shape \[0, 4, 4, 1\]"):
        client.predict("infer_code", {"x": np.zeros((0, 4, 4, 1))})


def test_server_errors_carry_status_and_text(client, infogan_url):
    with pytest.raises(ServingError, match='Serving signature name: "nothing" not found') as raised:
        client.predict("nothing", {"x": np.zeros(1)})
    assert raised.value.status == 400
    for call in ("status", "metadata", "describe"):
        with Client(infogan_url, model="a/b") as other, pytest.raises(ServingError, match="a/b") as raised:
            getattr(other, call)()
        assert raised.value.status == 404
        assert not isinstance(raised.value, UnavailableError)


def test_errors_that_are_not_json_carry_their_text(infogan_url):
    with (
        Client(f"{infogan_url}/elsewhere") as client,
        pytest.raises(ServingError, match="404 Not Found") as raised,
    ):
        client.status()
    assert raised.value.status == 404


@pytest.fixture
def silent_url():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_no_answer_in_time(silent_url):
    with (
        Client(silent_url, timeout=0.05) as client,
        pytest.raises(UnavailableError, match="timed out") as raised,
    ):
        client.status()
    assert raised.value.status is None


def test_no_server():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with Client(url) as client, pytest.raises(UnavailableError, match=f"{url}.*refused"):
            client.describe()


def test_wait_until_ready(client):
    client.wait_until_ready(timeout=0)


def test_wait_until_ready_gives_up(infogan_url):
    last = "No version available after 0 s; last: Could not find version 9 of model infogan"
    with Client(infogan_url, version=9) as client, pytest.raises(UnavailableError, match=last):
        client.wait_until_ready(timeout=0)


def test_wait_until_ready_wants_a_version_that_is_available(infogan_url, monkeypatch):
    states = iter(["LOADING", "LOADING", "AVAILABLE", "not asked for"])
    monkeypatch.setattr(Client, "status", lambda _: {"model_version_status": [{"state": next(states)}]})
    with Client(infogan_url) as client:
        client.wait_until_ready()
    assert next(states) == "not asked for"


def test_uint8_images_are_scaled():
    batch = image_batch(np.array([[0, 51], [102, 255]], np.uint8), (2, 2, 1))
    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch, np.array([0, 0.2, 0.4, 1]).reshape(1, 2, 2, 1), atol=1e-7)


@pytest.mark.parametrize(
    ("shape", "image_shape", "batch"),
    [
        ((2, 3), (2, 3, 1), (1, 2, 3, 1)),
        ((2, 3, 1), (2, 3, 1), (1, 2, 3, 1)),
        ((5, 2, 3), (2, 3, 1), (5, 2, 3, 1)),
        ((2, 2, 2), (2, 2, 1), (2, 2, 2, 1)),
        ((5, 2, 3, 1), (2, 3, 1), (5, 2, 3, 1)),
        ((2, 3, 3), (2, 3, 3), (1, 2, 3, 3)),
        ((5, 2, 3, 3), (2, 3, 3), (5, 2, 3, 3)),
    ],
)
def test_image_shapes(shape, image_shape, batch):
    assert image_batch(np.zeros(shape), image_shape).shape == batch


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (
            np.zeros((3, 2)),
            r"Images must have shape \[n, 2, 3\] or \[n, 2, 3, 1\] \(or one image\), not \[3, 2\]",
        ),
        (np.zeros((0, 2, 3)), r"not \[0, 2, 3\]"),
        (np.zeros((1, 2, 3, 3)), r"not \[1, 2, 3, 3\]"),
        (np.zeros(()), r"not \[\]"),
        (np.zeros((2, 3), np.int64), "Images must be float in .* or uint8, not int64"),
        (np.full((2, 3), 255.0), r"Float images must be in \[0, 1\], not in \[255, 255\]"),
        (np.full((2, 3), math.nan), r"Float images must be in \[0, 1\], not in \[nan, nan\]"),
    ],
)
def test_images_refused(images, text):
    with pytest.raises(ValueError, match=text):
        image_batch(images, (2, 3, 1))
