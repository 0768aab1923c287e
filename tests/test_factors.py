"""Data sets with known factors: look-up, draws, and .npz files."""

import zipfile

import numpy as np
import pytest

from infogan_tf.datasets.factors import ArrayFactors, load_factors, parts, sample_factors

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


def test_parts_of_arrays_hold_no_image_twice():
    """So a classifier is never tested on what it learned from; there are as many as wanted, or as there are."""
    factors = np.indices((6, 50)).reshape(2, -1).T
    data = ArrayFactors(images_of(factors), factors, ["shape", "size"])
    assert (data.factor_names, data.factor_sizes, data.image_shape) == (("shape", "size"), (6, 50), (2, 3, 1))
    for sizes, expected in [((1000, 1000), (200, 100)), ((30, 10), (30, 10))]:
        learned, tested = parts(data, sizes, np.random.default_rng(0), batch_size=64)
        seen = []
        for part, size in zip((learned, tested), expected, strict=True):
            images, shown = (np.concatenate(arrays) for arrays in zip(*part.batches, strict=True))
            np.testing.assert_array_equal(images, images_of(shown))
            assert part.size == len(shown) == size
            seen.append(shown)
        assert len(np.unique(np.concatenate(seen), axis=0)) == sum(expected)
        assert len(np.unique(seen[0][:, 0])) == 6  # in random order


def test_rendered_parts_are_of_the_size_that_is_wanted():
    class Grid:
        factor_names, factor_sizes, image_shape = ("shape", "size"), (2, 3), (2, 3, 1)

        def images(self, factors):
            return images_of(factors)

    for part, size in zip(parts(Grid(), (30_000, 7), np.random.default_rng(0)), (30_000, 7), strict=True):
        images, factors = (np.concatenate(arrays) for arrays in zip(*part.batches, strict=True))
        np.testing.assert_array_equal(images, images_of(factors))
        assert part.size == len(factors) == size
        if size > 1000:
            np.testing.assert_allclose(np.bincount(factors @ [3, 1]) / size, np.full(6, 1 / 6), atol=0.01)


def test_factors_are_counted_from_their_smallest_value():
    """So one that has a single value, whatever it is, has size 1."""
    data = ArrayFactors(images_of(FACTORS), np.concatenate([FACTORS + 3, np.full((5, 1), 9)], axis=1))
    assert data.factor_sizes == (2, 3, 1)
    np.testing.assert_array_equal(data.factors[:, :2], FACTORS)


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
    np.testing.assert_array_equal(data.images, images)


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
    np.testing.assert_array_equal(data.images, images * 255)


def test_a_header_that_claims_more_than_there_is(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file, file.open("images.npy", "w") as images:
        np.lib.format.write_array_header_1_0(images, {"descr": "|u1", "fortran_order": False, "shape": (2**60,)})
    with pytest.raises(ValueError, match=r"a.npz cannot be read: "):
        load_factors(f"npz:{path}", (2, 3, 1))


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
    data = load_factors(name, shape)
    ((images, factors),) = parts(data, (50, 50), np.random.default_rng(0))[0].batches
    assert (images.shape, images.dtype) == ((50, *shape), np.uint8)
    assert factors.shape == (50, len(data.factor_sizes)) == (50, len(data.factor_names))
    with pytest.raises(ValueError, match=r"takes images \(32, 32, 2\)"):
        load_factors(name, (32, 32, 2))
