"""Pixels of tiled pictures, figures and animations."""

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image, ImageSequence

from infogan_tf import pictures
from infogan_tf.traversal import Traversal


def test_bytes_round_and_clip():
    values = np.array([-1, 0, 0.4 / 255, 0.6 / 255, 0.5, 1, 7], np.float32)
    found = pictures.as_bytes(values)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [0, 0, 0, 1, 128, 255, 255])


def test_tile_pixel_by_pixel():
    images = (np.arange(24).reshape(2, 2, 2, 3, 1) / 255).astype(np.float32)
    np.testing.assert_array_equal(
        pictures.tile(images, gap=1),
        [
            [0, 1, 2, 255, 6, 7, 8],
            [3, 4, 5, 255, 9, 10, 11],
            [255] * 7,
            [12, 13, 14, 255, 18, 19, 20],
            [15, 16, 17, 255, 21, 22, 23],
        ],
    )


@pytest.mark.parametrize("gap", [0, 1, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_tile_places_each_image_and_fills_the_gaps_with_white(gap, channels):
    images = np.random.default_rng(0).integers(0, 255, (2, 3, 4, 5, channels))
    picture = pictures.tile(images / 255, gap)
    assert picture.dtype == np.uint8
    expected = np.full((2 * 4 + gap, 3 * 5 + 2 * gap, channels), 255)
    for row, column in np.ndindex(2, 3):
        top, left = row * (4 + gap), column * (5 + gap)
        expected[top : top + 4, left : left + 5] = images[row, column]
    np.testing.assert_array_equal(picture, expected[..., 0] if channels == 1 else expected)


def test_of_images_with_two_channels_the_first_shows():
    images = np.random.default_rng(0).random((1, 2, 3, 4, 2))
    np.testing.assert_array_equal(pictures.tile(images), pictures.tile(images[..., :1]))


def traversal(rows: int, columns: int, channels: int = 1) -> Traversal:
    """Image r, c is one flat gray of 20 (r + c)."""
    gray = 20 * np.add.outer(np.arange(rows), np.arange(columns)) / 255
    images = np.broadcast_to(gray[..., None, None, None], (rows, columns, 6, 5, channels)).astype(np.float32)
    return Traversal("slant", [str(column) for column in range(columns)], images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("columns", [2, 3, 5])
def test_gif_goes_there_and_back(tmp_path, columns, channels):
    path = tmp_path / "new" / "slant.gif"
    pictures.save_gif(traversal(3, columns, channels), path, scale=2, milliseconds=120)
    with Image.open(path) as gif:
        assert gif.size == (2 * (3 * 5 + 2), 2 * 6)
        assert gif.info["loop"] == 0
        corners = [frame.convert("L").getpixel((0, 0)) for frame in ImageSequence.Iterator(gif)]
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
    there = [20 * column for column in range(columns)]
    assert corners == there + there[-2:0:-1]
    assert set(durations) == {120}


def test_figure_holds_every_grid_beside_each_other(tmp_path):
    """Each of the two grids shows images of one gray each, all of the same size, in one half of the figure."""
    path = tmp_path / "pictures" / "slant.png"
    pictures.save_traversals([traversal(3, 4), traversal(3, 4)], path)
    with Image.open(path) as picture:
        pixels = np.array(picture.convert("L"))
    left, right = np.array_split(pixels, 2, axis=1)
    for half in (left, right):
        # Gray 20 g stands in as many images of a grid as there are r < 3, k < 4 with r + k = g.
        areas = [(half == 20 * gray).sum() / count for gray, count in ((1, 2), (2, 3), (3, 3), (4, 2))]
        assert min(areas) > 1000
        np.testing.assert_allclose(areas, np.mean(areas), rtol=0.05)
    assert [p.name for p in path.parent.iterdir()] == ["slant.png"]


def test_heat_map_has_a_cell_for_each_code_and_factor(tmp_path):
    """A share of 0.9 stands in two cells of six, 0.1 in one; the colour bar shows all shares, but thinly."""
    path = tmp_path / "information.png"
    matrix = np.array([[0.9, 0.0, 0.0], [0.9, 0.1, 0.0]])
    pictures.save_mutual_information(matrix, ["slant", "width"], ["shape", "x", "y"], path)
    with Image.open(path) as picture:
        pixels = np.array(picture.convert("RGB"))
    dark, light, white = ((pixels == colour).all(axis=-1) for colour in colours_of(0.9, 0.1, 0.0))
    assert dark.sum() == pytest.approx(2 * light.sum(), rel=0.1)
    assert white.sum() == pytest.approx(3 * light.sum(), rel=0.1)
    left_to_right = [np.argwhere(cells)[:, 1].mean() for cells in (dark, light, white)]
    assert left_to_right == sorted(left_to_right)
    assert np.argwhere(light)[:, 0].mean() > np.argwhere(dark)[:, 0].mean()  # the second code is below the first


def colours_of(*shares: float) -> list[np.ndarray]:
    return [np.array(colormaps["Blues"](share, bytes=True)[:3]) for share in shares]
