"""The client against a server: closed forms, round trips, errors."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from infogan_serving import InvalidRequestError, NotFoundError, UnavailableError
from infogan_serving.images import image_batch
from infogan_serving.latents import latents
from infogan_serving.local import running
from infogan_serving.wire import protocol
from tests.serving.models import DESCRIPTION, image_of
from tests.serving.ports import free_port


def test_describe(client):
    assert client.describe() == DESCRIPTION


def test_describe_asks_once(infogan_urls, make_client, transport):
    with make_client(infogan_urls[transport]) as client:
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


def picture(kind: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 128).save(file, kind)
    return file.getvalue()


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


def test_generate_png(client):
    z, c = latents(DESCRIPTION, {"digit": 1}, n=2, seed=0)
    pngs = client.generate_png(digit=1, n=2, seed=0)
    assert [type(png) for png in pngs] == [bytes, bytes]
    for png, image in zip(pngs, image_of(z, c), strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), np.round(image[..., 0] * 255))


def test_infer_code_of_pictures(client, tmp_path):
    z, c = latents(DESCRIPTION, {}, n=2, seed=0)
    pngs = client.generate_png(z=z, c=c)
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for path, png in zip(paths, pngs, strict=True):
        path.write_bytes(png)
    for pictures in pngs, tuple(paths), [pngs[0], str(paths[1])]:
        np.testing.assert_allclose(client.infer_code(pictures)["code"], c, atol=64 / 255 / 2 + 1e-4)
    for picture in pngs[1], paths[1], str(paths[1]):
        np.testing.assert_allclose(client.infer_code(picture)["code"], c[1:], atol=64 / 255 / 2 + 1e-4)


def test_infer_code_of_a_jpeg(client):
    code = client.infer_code(picture("JPEG", (4, 4)))["code"]
    np.testing.assert_allclose(code, np.full((1, 10), (128 / 255 - 0.5) * 64), atol=1e-4)


def test_what_is_no_picture_is_refused_before_it_is_sent(client, tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"notes.png is neither PNG nor JPEG"):
        client.infer_code(tmp_path / "notes.png")
    with pytest.raises(ValueError, match=r"Picture 1 is neither PNG nor JPEG"):
        client.infer_code([*client.generate_png(), b"GIF89a"])
    with pytest.raises(FileNotFoundError, match=r"absent.png"):
        client.infer_code(tmp_path / "absent.png")


def test_large_batches_go_in_pieces(make_client, infogan_urls, transport, monkeypatch):
    sizes, form = [], protocol(infogan_urls[transport]).format
    predict = form.predict

    def recorded(self, signature, inputs, outputs):
        sizes.append(len(next(iter(inputs.values()))))
        return predict(self, signature, inputs, outputs)

    monkeypatch.setattr(form, "predict", recorded)
    z, c = latents(DESCRIPTION, {}, n=1000, seed=0)
    with make_client(infogan_urls[transport]) as client:
        whole = client.predict("generate", {"z": z, "c": c})["image"]
        code = client.predict("infer_code", {"x": whole})["code"]
        client.describe()
        sizes.clear()
        np.testing.assert_array_equal(client.generate(z=z, c=c), whole)
        np.testing.assert_array_equal(client.infer_code(whole)["code"], code)
        pngs = client.generate_png(z=z, c=c)
        np.testing.assert_allclose(client.infer_code(pngs)["code"], code, atol=64 / 255 / 2 + 1e-4)
    assert sizes == 4 * [*[128] * 7, 104]
    with make_client(infogan_urls[transport], max_batch_size=400) as client:
        client.describe()
        sizes.clear()
        np.testing.assert_array_equal(client.generate(z=z, c=c), whole)
    assert sizes == [400, 400, 200]


@pytest.fixture
def dtypes_client(make_client, dtypes_server, transport):
    url, target = dtypes_server
    with make_client(url if transport == "REST" else f"grpc://{target}", "dtypes", version=7) as client:
        yield client


def test_predict_returns_the_dtypes_of_the_signature(dtypes_client):
    predict = dtypes_client.predict
    for dtype in (np.float32, np.float64, np.int32, np.int64, np.uint8, np.uint32, np.uint64):
        for values in np.array([[0, 1], [254, 255]], dtype), [[0, 1], [254, 255]]:
            [answer] = predict(f"echo_{np.dtype(dtype).name}", {"x": values}).values()
            assert answer.dtype == dtype
            np.testing.assert_array_equal(answer, values)
    for dtype in (np.int8, np.int16):
        [answer] = predict(f"echo_{np.dtype(dtype).name}", {"x": [-128, 127]}).values()
        assert (answer.dtype, answer.tolist()) == (dtype, [-128, 127])
    ends = np.array([0, 2**64 - 1], np.uint64)  # of which numpy makes floats, unless it is told
    assert predict("echo_uint64", {"x": ends})["y"].tolist() == ends.tolist()
    assert predict("echo_bool", {"x": [True, False]})["y"].tolist() == [True, False]
    assert predict("echo_string", {"x": np.array(["é", "b"])})["y"].tolist() == ["é".encode(), b"b"]
    assert predict("echo_string", {"x": [b"\xff", "a"]})["y"].tolist() == [b"\xff", b"a"]
    raw = [b"\xff\x00", b""]
    assert predict("png", {"x": raw})["y_bytes"].tolist() == raw
    assert predict("total", {"x": [1.0, 2.0]})["y"] == 3
    two = predict("two", {"a": [0.5], "b": [1]})
    assert (two["total"].tolist(), two["b"].tolist(), two["b"].dtype) == ([1.5], [1], np.int32)
    special = np.array([math.nan, math.inf, -math.inf, -0.0], np.float32)
    np.testing.assert_array_equal(predict("echo_float32", {"x": special})["y"].view(np.uint32), special.view(np.uint32))
    assert predict("no_rows", {"x": [1.0]})["y"].shape == (0,)


def test_messages_of_more_than_four_megabytes(dtypes_client):
    values = np.zeros(1_200_000, np.float32)
    np.testing.assert_array_equal(dtypes_client.predict("echo_float32", {"x": values})["y"], values)


def test_float32_survives_the_round_trip(dtypes_client):
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    values = bits.view(np.float32)
    values = values[np.isfinite(values)]
    np.testing.assert_array_equal(dtypes_client.predict("echo_float32", {"x": values})["y"], values)


@pytest.mark.parametrize(
    ("signature", "values", "text"),
    [
        ("echo_float32", ["1"], "Input 'x' takes float32, not <U1"),
        ("echo_float32", [True], "Input 'x' takes float32, not bool"),
        ("echo_int64", [1.0], "Input 'x' takes int64, not float64"),
        ("echo_uint8", [256], "Input 'x' takes uint8, and some values are out of its range"),
        ("echo_bool", [0], "Input 'x' takes bool, not int64"),
        ("echo_string", [1], "Input 'x' takes strings or bytes, not 1"),
        ("echo_uint16", [1], "Input 'x' is of a type that cannot be sent: DT_UINT16"),
        ("echo_float32", np.zeros((0, 2)), r"Input 'x' is empty, shape \[0, 2\]"),
    ],
)
def test_inputs_that_the_signature_does_not_take(dtypes_client, signature, values, text):
    with pytest.raises(ValueError, match=text):
        dtypes_client.predict(signature, {"x": values})


def test_answers_are_the_same_over_either(infogan_urls, make_client):
    with make_client(infogan_urls["REST"]) as rest, make_client(infogan_urls["gRPC"]) as grpc:
        assert grpc.status() == rest.status()
        assert grpc.metadata() == rest.metadata()
        assert grpc.describe() == rest.describe()
        images = rest.generate(n=5, seed=1)
        np.testing.assert_array_equal(grpc.generate(n=5, seed=1), images)
        posterior, expected = grpc.infer_code(images), rest.infer_code(images)
        assert posterior.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(posterior[name], values)
        assert grpc.generate_png(digit=1, seed=1) == rest.generate_png(digit=1, seed=1)


@pytest.mark.parametrize(
    ("signature", "inputs", "text"),
    [
        ("nothing", {"x": [1.0]}, '"nothing" not found'),
        ("generate", {"z": np.zeros((1, 3))}, r"Missing named input: c|Missing but required: {.*c.*}"),
        ("generate", {"z": np.zeros((2, 3)), "c": np.zeros((3, 10))}, "ConcatOp"),
    ],
)
def test_requests_that_the_server_refuses(client, signature, inputs, text):
    with pytest.raises(InvalidRequestError, match=text) as raised:
        client.predict(signature, inputs)
    assert raised.value.status == 400


def test_pictures_of_another_size(client):
    with pytest.raises(InvalidRequestError, match="4") as raised:
        client.infer_code(picture("PNG", (5, 4)))
    assert raised.value.status == 400


@pytest.mark.parametrize("call", ["status", "metadata", "describe"])
@pytest.mark.parametrize(
    ("model", "version", "text"), [("a/b", None, "a/b"), ("infogan", 9, r"9 of model infogan|Specific\(infogan, 9\)")]
)
def test_unknown_models_and_versions(make_client, infogan_urls, transport, model, version, text, call):
    with (
        make_client(infogan_urls[transport], model, version) as client,
        pytest.raises(NotFoundError, match=text) as raised,
    ):
        getattr(client, call)()
    assert raised.value.status == 404


def test_errors_that_are_not_json_carry_their_text(infogan_url, make_client):
    with (
        make_client(f"{infogan_url}/elsewhere") as client,
        pytest.raises(NotFoundError, match="404 Not Found") as raised,
    ):
        client.status()
    assert raised.value.status == 404


@pytest.mark.local
def test_names_that_are_not_ascii(make_client, infogan_base):
    port, name = free_port(), "módel ü/1"
    with running(infogan_base, name, poll_seconds=0, grpc_port=port) as rest:
        for url in rest, f"grpc://127.0.0.1:{port}":
            with make_client(url, name) as client:
                assert client.describe() == DESCRIPTION
                assert client.metadata()["model_spec"]["name"] == name


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8501", "localhost:8501", "ftp://127.0.0.1", "http://", "grpc:8500", "grpc://a"]
)
def test_urls_refused(make_client, url):
    with pytest.raises(ValueError, match=f"URL '{url}' is neither http://HOST:PORT nor grpc://HOST:PORT"):
        make_client(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:x", "grpc://127.0.0.1:99999", "http://127.0.0.1:85011"])
def test_ports_refused(make_client, url):
    with pytest.raises(ValueError, match=f"URL '{url}': [Pp]ort"):
        make_client(url)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"timeout": 0}, "timeout must be more than 0 seconds, not 0"),
        ({"max_batch_size": 0}, "max_batch_size must be at least 1, not 0"),
        ({"retries": -1}, "retries must be at least 0, not -1"),
    ],
)
def test_options_refused(make_client, options, text):
    with pytest.raises(ValueError, match=text):
        make_client("http://127.0.0.1", **options)


def test_wait_until_ready(client):
    client.wait_until_ready(timeout=0)


def test_wait_until_ready_gives_up(infogan_urls, make_client, transport):
    last = "No version available after 0 s; last: .*Could not find version 9 of model infogan"
    with make_client(infogan_urls[transport], version=9) as client, pytest.raises(UnavailableError, match=last):
        client.wait_until_ready(timeout=0)


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
