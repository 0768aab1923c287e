"""`infogan-query`: the grid that its words span, the picture, and the command as a process."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from infogan_serving.latents import latents
from infogan_serving.pictures import contact_sheet, fitted, opaque
from infogan_serving.sweeps import grid
from infogan_tf.datasets import decoding
from tests.serving.models import DESCRIPTION, image_of

DIGIT, SLANT, STYLE, ANGLE = slice(0, 3), 3, slice(4, 6), slice(8, 10)


def test_only_the_swept_code_changes_along_a_row():
    z, c, rows, columns = grid(DESCRIPTION, {"digit": "2", "slant": "-1:1:9"}, n=1, seed=3)
    assert (rows, columns) == (1, 9)
    expected_z, expected_c = latents(DESCRIPTION, {"digit": 2, "slant": 0}, n=1, seed=3)
    np.testing.assert_array_equal(z, np.repeat(expected_z, 9, axis=0))
    np.testing.assert_allclose(c[:, SLANT], np.linspace(-1, 1, 9), atol=1e-6)
    c[:, SLANT] = 0
    np.testing.assert_array_equal(c, np.repeat(expected_c, 9, axis=0))


def test_several_sweeps_make_a_grid_whose_last_runs_along_the_rows():
    z, c, rows, columns = grid(DESCRIPTION, {"digit": "0:2:3", "slant": "0:1:2", "flags": "1"}, n=2, seed=0)
    assert (rows, columns) == (6, 2)
    drawn = latents(DESCRIPTION, {}, n=2, seed=0)[0]
    np.testing.assert_array_equal(z, np.repeat(drawn, 6, axis=0))  # one draw below the other
    np.testing.assert_array_equal(c[:, DIGIT].argmax(axis=1), [0, 0, 1, 1, 2, 2] * 2)
    np.testing.assert_array_equal(c[:, SLANT], [0, 1] * 6)
    np.testing.assert_array_equal(c[:, 6:8], 1)


def test_dimensions_of_one_code_together_or_each_by_itself():
    _, c, rows, columns = grid(DESCRIPTION, {"style": "-1:1:3"}, n=1, seed=0)
    assert (rows, columns) == (1, 3)
    np.testing.assert_array_equal(c[:, STYLE], [[-1, -1], [0, 0], [1, 1]])
    _, c, rows, columns = grid(DESCRIPTION, {"style": "5,0:1:2"}, n=1, seed=0)
    assert (rows, columns) == (1, 2)
    np.testing.assert_array_equal(c[:, STYLE], [[5, 0], [5, 1]])
    _, c, rows, columns = grid(DESCRIPTION, {"style": "5:6:2,0:2:3"}, n=1, seed=0)
    assert (rows, columns) == (2, 3)
    np.testing.assert_array_equal(c[:, STYLE], [[5, 0], [5, 1], [5, 2], [6, 0], [6, 1], [6, 2]])


def test_angles_and_labels():
    _, c, *_ = grid(DESCRIPTION, {"angle": "0:1:2", "digit": "label:three"}, n=1, seed=0)
    np.testing.assert_allclose(c[:, ANGLE], [[1, 0], [np.cos(1), np.sin(1)]], atol=1e-6)
    np.testing.assert_array_equal(c[:, DIGIT], [[0, 0, 1]] * 2)


def test_without_a_sweep_the_draws_lie_in_a_row():
    z, c, rows, columns = grid(DESCRIPTION, {"digit": "1"}, n=4, seed=0)
    assert (rows, columns) == (1, 4)
    for values, expected in zip((z, c), latents(DESCRIPTION, {"digit": 1}, n=4, seed=0), strict=True):
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"slnt": "1"}, "No code 'slnt'; codes: digit, slant, style, flags, angle"),
        ({"slant": "left"}, "Code 'slant' takes a number or a sweep start:stop:count, not 'left'"),
        ({"slant": ""}, "not ''"),
        ({"slant": "nan"}, "not 'nan'"),
        ({"slant": "-1:1"}, "not '-1:1'"),
        ({"slant": "-1:1:0"}, "not '-1:1:0'"),
        ({"slant": "-1:1:-2"}, "not '-1:1:-2'"),
        ({"slant": "0,1"}, "Code 'slant' takes one value, not '0,1'"),
        ({"style": "0,1,2"}, "Code 'style' takes one value or 2 with commas between, not '0,1,2'"),
        ({"angle": "0,1"}, "Code 'angle' takes one value, not '0,1'"),
        (
            {"digit": "three"},
            "Code 'digit' takes a category index, label:NAME or a sweep start:stop:count, not 'three'",
        ),
        ({"digit": "0.5"}, "Code 'digit' takes whole categories, and '0.5' gives 0.5"),
        ({"digit": "0:2:2.5"}, "not '0:2:2.5'"),
        ({"digit": "0:1:3"}, "whole categories, and '0:1:3' gives 0, 0.5, 1"),
        ({"digit": "3"}, "Code 'digit' has categories 0 to 2, not 3"),
        ({"digit": "label:eight"}, "Code 'digit' has no category with label 'eight'; labels: seven, three"),
    ],
)
def test_words_refused(words, text):
    with pytest.raises(ValueError, match=text):
        grid(DESCRIPTION, words, n=1, seed=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_contact_sheet(channels):
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, channels)).astype(np.uint8)
    sheet = np.asarray(Image.open(io.BytesIO(contact_sheet(images / 255)))).reshape(9, 17, channels)
    for row in range(2):
        for column in range(3):
            tile = sheet[row * 5 : row * 5 + 4, column * 6 : column * 6 + 5]
            np.testing.assert_array_equal(tile, images[row, column])
    assert (sheet[4] == 255).all()
    assert (sheet[:, [5, 11]] == 255).all()


def query(*words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from infogan_serving.query import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_describe(infogan_urls, transport):
    assert json.loads(query("describe", f"--url={infogan_urls[transport]}").stdout) == DESCRIPTION


def test_generate(infogan_url, tmp_path):
    out = tmp_path / "new" / "row.png"
    words = f"--url={infogan_url}", "--digit=1", "--slant=-1:1:9", "--n=2", f"--out={out}", "--seed=4"
    process = query("generate", *words)
    assert (process.returncode, process.stdout) == (0, f"written to {out}\n")
    assert [path.name for path in out.parent.iterdir()] == ["row.png"]
    z, c, rows, columns = grid(DESCRIPTION, {"digit": "1", "slant": "-1:1:9"}, n=2, seed=4)
    expected = contact_sheet(image_of(z, c).reshape(rows, columns, 4, 4, 1))
    assert (rows, columns, out.read_bytes()) == (2, 9, expected)


def test_infer(client, infogan_url, tmp_path):
    paths = [str(tmp_path / name) for name in ("a.png", "b.png")]
    for path, png in zip(paths, client.generate_png(n=2, seed=0), strict=True):
        (tmp_path / path).write_bytes(png)
    posterior = client.infer_code(paths)
    entries = json.loads(query("infer", *paths, f"--url={infogan_url}").stdout)
    assert [entry["file"] for entry in entries] == paths
    assert entries[0].keys() == {"file", *posterior}
    for i, entry in enumerate(entries):
        np.testing.assert_allclose(entry["code"], posterior["code"][i], atol=64 * 1e-7)  # pixels times 64
    out = tmp_path / "codes.json"
    query("infer", *paths, f"--url={infogan_url}", f"--out={out}")
    assert json.loads(out.read_text()) == entries


def test_infer_takes_the_middle_of_a_picture_of_another_size(infogan_url, tmp_path):
    """Whatever is beside the middle: four pixels wide of eight."""
    middle = np.random.default_rng(0).integers(0, 256, (4, 4), np.uint8)
    for name, beside in (("dark.png", 0), ("light.bmp", 255)):
        Image.fromarray(np.pad(middle, ((0, 0), (2, 2)), constant_values=beside)).save(tmp_path / name)
    Image.fromarray(middle).save(tmp_path / "middle.png")
    paths = [str(tmp_path / name) for name in ("dark.png", "light.bmp", "middle.png")]
    dark, light, alone = json.loads(query("infer", *paths, f"--url={infogan_url}").stdout)
    assert dark["code"] == light["code"] == alone["code"]


@pytest.mark.parametrize(("name", "content"), [("notes.png", b"no picture"), ("cut.png", None), ("chunk.png", None)])
def test_broken_pictures_are_named(name, content, tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)).save(file, "PNG")
    whole = file.getvalue()
    broken = {"cut.png": whole[:400], "chunk.png": whole[:33] + bytes(12) + whole[33:]}
    (tmp_path / name).write_bytes(content or broken[name])
    with pytest.raises(ValueError, match=f"{name} cannot be read: "):
        opaque(tmp_path / name)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "CMYK", "I;16"])
def test_pictures_are_seen_as_in_training(mode, channels, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8)
    sixteen = noise[..., 0].astype(np.uint16) * 257
    image = Image.fromarray(sixteen) if mode == "I;16" else Image.fromarray(noise, "RGBA").convert(mode)
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    image.save(path)
    seen = fitted(opaque(path), (12, 8, channels))
    np.testing.assert_array_equal(seen, decoding.read(path, (12, 8, channels)))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "The first word must be one of describe, generate, infer, not nothing"),
        (["draw"], "The first word must be one of describe, generate, infer, not draw"),
        (["describe", "--digit=3"], "describe takes nothing, not --digit=3"),
        (["generate", "--digit=3"], "generate needs --out=NAME.png, not --out="),
        (["generate", "--out=x.jpg"], "generate needs --out=NAME.png, not --out=x.jpg"),
        (["generate", "--out=x.png", "--digit"], "--digit: a code takes a value, as in --digit=VALUE"),
        (["generate", "--out=x.png", "--digit=1", "--digit=2"], "--digit=2: --digit is given twice"),
        (["generate", "--out=x.png", "--n=0"], "infogan-query: error: flag --n=0: 0 is not a positive integer"),
        (["infer"], "infer takes paths of pictures, not nothing"),
        (["infer", "--size=3"], "infer takes paths of pictures, not --size=3"),
        (["infer", "absent.png"], "infogan-query: error: [Errno 2] No such file or directory: 'absent.png'"),
        (["describe", "--url=127.0.0.1:8501"], "infogan-query: error: URL '127.0.0.1:8501' is neither http"),
    ],
)
def test_mistakes_are_told_before_any_server_is_asked(words, text):
    process = query(*words)
    assert process.returncode == 1
    assert text in " ".join((process.stdout + process.stderr).split())
    assert "Traceback" not in process.stderr


def test_wrong_code_names_list_the_right_ones(infogan_url, tmp_path):
    out = tmp_path / "x.png"
    process = query("generate", "--slnt=1", f"--out={out}", f"--url={infogan_url}")
    assert process.returncode == 1
    text = "infogan-query: error: No code 'slnt'; codes: digit, slant, style, flags, angle\n"
    assert (process.stderr, out.exists()) == (text, False)


def test_server_errors_are_one_line(infogan_url):
    process = query("describe", f"--url={infogan_url}", "--model=absent")
    assert process.returncode == 1
    assert process.stderr == "infogan-query: error: Servable not found for request: Latest(absent)\n"


def test_help_explains_the_commands_and_lists_the_flags():
    text = query("--help").stdout
    assert "infogan-query generate --digit=3 --slant=-1:1:9 --out=row.png" in text
    for name in "url", "model", "timeout", "out", "n", "seed":
        assert f"--{name}:" in text
