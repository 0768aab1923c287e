"""Codes by name to z and c, in closed form."""

import numpy as np
import pytest

from infogan_serving.codes import draw, encode
from infogan_serving.latents import latents
from tests.serving.models import DESCRIPTION

CODES = {code["name"]: code for code in DESCRIPTION["codes"]}
LABELS = DESCRIPTION["label_match"]["digit"]


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("digit", 2, [0, 0, 1]),
        ("digit", np.int64(1), [0, 1, 0]),
        ("digit", np.array(1), [0, 1, 0]),
        ("digit", "three", [0, 0, 1]),
        ("digit", [0, "three"], [[1, 0, 0], [0, 0, 1]]),
        ("digit", np.array([0, 1]), [[1, 0, 0], [0, 1, 0]]),
        ("slant", 2, [2]),
        ("slant", [-1, 0.5], [[-1], [0.5]]),
        ("slant", [[0.25]], [[0.25]]),
        ("style", 0.5, [0.5, 0.5]),
        ("style", [1, 2, 3], [[1, 1], [2, 2], [3, 3]]),
        ("style", [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
        ("flags", [[0, 1]], [[0, 1]]),
        ("angle", 0, [1, 0]),
        ("angle", [np.pi / 2, np.pi], [[0, 1], [-1, 0]]),
    ],
)
def test_encode(name, value, part):
    encoded = encode(CODES[name], value, LABELS if name == "digit" else ())
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded, part, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("digit", 3, "Code 'digit' has categories 0 to 2, not 3"),
        ("digit", [0, -1], "Code 'digit' has categories 0 to 2, not -1"),
        ("digit", 1.0, "Code 'digit' takes category indices or labels, not 1.0"),
        ("digit", True, "Code 'digit' takes category indices or labels, not True"),
        ("digit", [[0]], r"Code 'digit' takes category indices or labels, not \[0\]"),
        ("digit", "five", "Code 'digit' has no category with label 'five'; labels: seven, three"),
        ("slant", "left", "Code 'slant' takes numbers, not 'left'"),
        ("slant", [[1, 2]], r"Code 'slant' takes a number, \[n\] or \[n, 1\] numbers, not shape \[1, 2\]"),
        ("style", [[1], [2]], r"Code 'style' takes a number, \[n\] or \[n, 2\] numbers, not shape \[2, 1\]"),
        ("angle", [[1, 2]], r"Code 'angle' takes an angle or \[n\] angles, not shape \[1, 2\]"),
    ],
)
def test_encode_refuses(name, value, text):
    with pytest.raises(ValueError, match=text):
        encode(CODES[name], value, LABELS if name == "digit" else ())


def test_label_without_any_label_match():
    with pytest.raises(ValueError, match="labels: none"):
        encode(CODES["digit"], "three")


def test_draws_follow_the_prior():
    n, rng = 20_000, np.random.default_rng(0)
    drawn = {name: draw(code, n, rng) for name, code in CODES.items()}
    assert {part.dtype for part in drawn.values()} == {np.dtype(np.float32)}
    assert {name: part.shape for name, part in drawn.items()} == {
        name: (n, code["size"]) for name, code in CODES.items()
    }

    np.testing.assert_array_equal(drawn["digit"].sum(axis=1), 1)
    np.testing.assert_allclose(drawn["digit"].mean(axis=0), [0.2, 0.3, 0.5], atol=0.02)
    assert -1 <= drawn["slant"].min() < -0.99 < 0.99 < drawn["slant"].max() <= 1
    np.testing.assert_allclose(drawn["slant"].var(), 1 / 3, atol=0.01)
    np.testing.assert_allclose(np.cov(drawn["style"].T), np.eye(2), atol=0.05)
    assert set(np.unique(drawn["flags"])) == {0, 1}
    np.testing.assert_allclose(drawn["flags"].mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(np.hypot(*drawn["angle"].T), 1, atol=1e-6)
    np.testing.assert_allclose(drawn["angle"].mean(axis=0), 0, atol=0.02)


def test_unknown_kind():
    with pytest.raises(ValueError, match="Code 'k' is of a kind unknown to this client: 'poisson'"):
        draw({"name": "k", "kind": "poisson", "size": 1}, 1, np.random.default_rng(0))


def test_parts_are_laid_out_by_offset():
    _, c = latents(DESCRIPTION, {"angle": 0, "flags": 1, "style": [[5, 6]], "slant": 4, "digit": "seven"})
    np.testing.assert_array_equal(c, [[1, 0, 0, 4, 5, 6, 1, 1, 1, 0]])


@pytest.mark.parametrize(
    ("arguments", "n"),
    [
        ({}, 1),
        ({"n": 4}, 4),
        ({"codes": {"digit": 1}}, 1),
        ({"codes": {"slant": [0, 1, 2], "digit": [0, 1, 2]}}, 3),
        ({"codes": {"slant": 0}, "z": np.zeros((2, 3))}, 2),
        ({"z": np.zeros(3), "c": np.zeros((2, 10))}, 2),
    ],
)
def test_number_of_images(arguments, n):
    z, c = latents(DESCRIPTION, **{"codes": {}, **arguments})
    assert (z.shape, c.shape, z.dtype, c.dtype) == ((n, 3), (n, 10), np.float32, np.float32)


def test_seed_fixes_what_is_drawn_whatever_is_given():
    z, c = latents(DESCRIPTION, {}, n=5, seed=7)
    other_z, other_c = latents(DESCRIPTION, {"style": 2}, n=5, seed=7)
    np.testing.assert_array_equal(z, other_z)
    np.testing.assert_array_equal(np.delete(c, [4, 5], axis=1), np.delete(other_c, [4, 5], axis=1))
    np.testing.assert_array_equal(other_c[:, 4:6], 2)
    assert not np.array_equal(z, latents(DESCRIPTION, {}, n=5, seed=8)[0])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"codes": {"colour": 1}}, "No code 'colour'; codes: digit, slant, style, flags, angle"),
        ({"codes": {"slant": 1}, "c": np.zeros(10)}, "either c or codes by name, not both: slant"),
        ({"z": np.zeros((2, 4))}, r"z takes shape \[3\] or \[n, 3\], not \[2, 4\]"),
        ({"c": 1.0}, r"c takes shape \[10\] or \[n, 10\], not \[\]"),
        ({"codes": {"slant": [0, 1]}, "n": 3}, "Different numbers of images are asked for: n: 3, slant: 2"),
        ({"codes": {"slant": [0], "digit": [0, 1]}}, "asked for: slant: 1, digit: 2"),
        ({"n": 0}, "At least one image must be asked for, not 0"),
        ({"codes": {"slant": []}}, "At least one image must be asked for, not 0"),
        ({"codes": {"digit": []}}, "At least one image must be asked for, not 0"),
    ],
)
def test_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        latents(DESCRIPTION, **{"codes": {}, **arguments})
