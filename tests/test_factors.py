"""Data sets with known factors: look-up, draws, and .npz files."""

import numpy as np
import pytest

from infogan_tf.datasets.factors import ArrayFactors, draw, load_factors, sample_factors

FACTORS = np.array([[0, 2], [1, 0], [0, 0], [1, 2], [0, 2]])


def images_of(factors: np.ndarray) -> np.ndarray:
    """uint8 [n, 2, 3, 1], a function of the factors."""
    return np.broadcast_to((40 * factors[:, :1] + factors[:, 1:])[:, None, None], (len(factors), 2, 3, 1)).astype(
        np.uint8
    )


def test_sampled_factors_are_uniform_and_independent():
    factors = sample_factors((2, 3), 30_000, np.random.default_rng(0))
    assert factors.shape == (30_000, 2)
    counts = np.bincount(factors @ [3, 1], minlength=6)
    np.testing.assert_allclose(counts / 30_000, np.full(6, 1 / 6), atol=0.01)


def test_look_up_by_combination():
    data = ArrayFactors(images_of(FACTORS), FACTORS, ["shape", "size"])
    assert (data.factor_names, data.factor_sizes) == (("shape", "size"), (2, 3))
    wanted = FACTORS[[3, 0, 0, 2]]
    np.testing.assert_array_equal(data.images(wanted), images_of(wanted))


def test_the_first_of_equal_combinations_is_found():
    images = np.arange(5, dtype=np.uint8)[:, None, None, None]
    assert ArrayFactors(images, FACTORS).images(np.array([[0, 2]])).item() == 0


@pytest.mark.parametrize(("wanted", "text"), [([[0, 1], [0, 2]], "no image has 1 of these 2"), ([[2, 0]], "below")])
def test_combinations_without_an_image_are_refused(wanted, text):
    with pytest.raises(ValueError, match=text):
        ArrayFactors(images_of(FACTORS), FACTORS).images(np.array(wanted))


def test_draws_from_arrays_are_rows_as_often_as_they_occur():
    data = ArrayFactors(images_of(FACTORS), FACTORS)
    images, factors = draw(data, 20_000, np.random.default_rng(0))
    np.testing.assert_array_equal(images, images_of(factors))
    counts = np.bincount(factors @ [3, 1], minlength=6)
    np.testing.assert_allclose(counts / 20_000, np.bincount(FACTORS @ [3, 1], minlength=6) / 5, atol=0.01)


@pytest.mark.parametrize(
    ("images", "factors", "names", "text"),
    [
        (np.zeros((5, 2, 3), np.uint8), FACTORS, (), r"images must be uint8 .* got uint8 \[5, 2, 3\]"),
        (np.zeros((5, 2, 3, 1)), FACTORS, (), r"images must be uint8 .* got float64"),
        (images_of(FACTORS), FACTORS / 2, (), r"factors must be integers .* got float64 \[5, 2\]"),
        (images_of(FACTORS), FACTORS - 1, (), "from 0 up"),
        (images_of(FACTORS), FACTORS[:, 0], (), r"got int64 \[5\]"),
        (images_of(FACTORS)[:4], FACTORS, (), "equally many, got 4 and 5"),
        (images_of(FACTORS), FACTORS, ["shape"], "2 factors need as many names, got shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, factors, names, text):
    with pytest.raises(ValueError, match=text):
        ArrayFactors(images, factors, names)


# ---------------------------------------------------------------- by name


@pytest.mark.parametrize("form", ["uint8", "float", "no channels"])
def test_npz_round_trip(tmp_path, form):
    images = images_of(FACTORS)
    stored = {"uint8": images, "float": images / np.float32(255), "no channels": images[..., 0]}[form]
    np.savez(tmp_path / "a.npz", images=stored, factors=FACTORS, factor_names=np.array(["shape", "size"]))
    data = load_factors(f"npz:{tmp_path / 'a.npz'}", (2, 3, 1))
    assert data.factor_names == ("shape", "size")
    np.testing.assert_array_equal(data.images(FACTORS), images)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"images": images_of(FACTORS), "labels": FACTORS}, "must hold an array `factors`; it holds images, labels"),
        (
            {"images": images_of(FACTORS), "factors": FACTORS.astype(object)},
            "cannot be read: arrays of Python objects are not read",
        ),
        ({"images": images_of(FACTORS) / 20.0, "factors": FACTORS}, r"must be in \[0, 1\], found 0 to 2.1"),
        (
            {"images": images_of(FACTORS).repeat(3, axis=-1), "factors": FACTORS},
            r"takes images \(2, 3, 1\), but .* \(2, 3, 3\)",
        ),
    ],
    ids=["names", "pickle", "range", "shape"],
)
def test_npz_of_something_else_is_refused(tmp_path, arrays, text):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match=text):
        load_factors(f"npz:{tmp_path / 'a.npz'}", (2, 3, 1))


def test_black_and_white_in_8_bits_is_0_and_255(tmp_path):
    images = images_of(FACTORS) % 2
    np.savez(tmp_path / "a.npz", images=images, factors=FACTORS)
    data = load_factors(f"npz:{tmp_path / 'a.npz'}", (2, 3, 1))
    np.testing.assert_array_equal(data.images(FACTORS), images * 255)


def test_files_that_are_no_npz_are_refused(tmp_path):
    np.save(tmp_path / "a.npy", FACTORS)
    (tmp_path / "a.txt").write_text("factors")
    np.savez(tmp_path / "whole.npz", images=images_of(FACTORS), factors=FACTORS)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-100])
    for name in ("a.npy", "a.txt", "cut.npz"):
        with pytest.raises(ValueError, match=f"{name} is not an .npz file"):
            load_factors(f"npz:{tmp_path / name}", (2, 3, 1))


def test_absent_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"there is no file .*a.npz"):
        load_factors(f"npz:{tmp_path / 'a.npz'}", (2, 3, 1))


def test_data_without_factors_is_refused():
    with pytest.raises(ValueError, match="no factors are known of dataset 'mnist'; there are sprites"):
        load_factors("mnist", (28, 28, 1))


@pytest.mark.parametrize(("name", "shape"), [("sprites", (32, 32, 1)), ("sprites_color", (16, 16, 3))])
def test_sprites_are_a_factor_data_set(name, shape):
    pytest.importorskip("infogan_tf.datasets.sprites")
    data = load_factors(name, shape)
    images, factors = draw(data, 50, np.random.default_rng(0))
    assert (images.shape, images.dtype) == ((50, *shape), np.uint8)
    assert factors.shape == (50, len(data.factor_sizes)) == (50, len(data.factor_names))
    with pytest.raises(ValueError, match=r"takes images \(32, 32, 2\)"):
        load_factors(name, (32, 32, 2))
