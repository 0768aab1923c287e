"""Folders of pictures: every kind of odd file, splits and labels, the decoded copy, and a run from end to end."""

import io
import logging
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from infogan_tf import datasets, training
from infogan_tf.config import TrainingConfig
from infogan_tf.datasets import decoding, store
from infogan_tf.evaluation.report import evaluate
from tests.test_cli import command, succeed

COLOR, GRAY = (8, 8, 3), (8, 8, 1)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch) -> Path:
    """Where decoded copies go."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "infogan_tf" / "images"


@pytest.fixture
def folder(tmp_path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def plain(mode: str, color, size: tuple[int, int] = (30, 20)) -> Image.Image:
    return Image.new(mode, size, color)


def load(folder: Path, split: str = "all", image_shape: tuple[int, int, int] = COLOR, **arguments) -> datasets.ImageSet:
    return datasets.load(f"folder:{folder}", split, image_shape=image_shape, **arguments)


def numbered(folder: Path, names: list[str]) -> None:
    """Pictures whose gray value is their place in `names`."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plain("L", number).save(path)


def numbers(found: datasets.ImageSet) -> list[int]:
    return found.images[:][:, 0, 0, 0].tolist()


# ---------------------------------------------------------------- files that can be read


def palette(color, transparency: int | None = None) -> Callable[[Path], None]:
    image = Image.new("P", (30, 20), 3)
    image.putpalette([0] * 9 + list(color))
    return lambda path: image.save(path, **({} if transparency is None else {"transparency": transparency}))


def animation(path: Path) -> None:
    frames = [plain("RGB", color) for color in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def png_16_bits(path: Path) -> None:
    Image.fromarray(np.full((20, 30), 100 * 257, np.uint16)).save(path)


def half_transparent(path: Path) -> None:
    plain("RGBA", (255, 0, 0, 128)).save(path)


READABLE = {
    "rgb.png": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "capital.PNG": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "jpeg.jpg": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "jpeg.jpeg": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "windows.bmp": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "graphic.gif": (plain("RGB", (10, 200, 30)).save, (10, 200, 30)),
    "gray.png": (plain("L", 90).save, (90, 90, 90)),
    "gray.jpg": (plain("L", 90).save, (90, 90, 90)),
    "bits.png": (plain("1", 1).save, (255, 255, 255)),
    "16_bits.png": (png_16_bits, (100, 100, 100)),
    "palette.png": (palette((10, 200, 30)), (10, 200, 30)),
    "transparent_palette.png": (palette((10, 200, 30), 3), (255, 255, 255)),
    "opaque_palette.png": (palette((10, 200, 30), 0), (10, 200, 30)),
    "transparent.gif": (palette((10, 200, 30), 3), (255, 255, 255)),
    "half_transparent.png": (half_transparent, (255, 127, 127)),
    "gray_alpha.png": (plain("LA", (0, 51)).save, (204, 204, 204)),
    "print.jpg": (plain("CMYK", (0, 255, 255, 0)).save, (255, 0, 0)),
    "animation.gif": (animation, (255, 0, 0)),
    "animation.png": (animation, (255, 0, 0)),
    "a_png_called.jpg": (lambda path: plain("RGB", (10, 200, 30)).save(path, "PNG"), (10, 200, 30)),
    "one_pixel.png": (plain("RGB", (10, 200, 30), (1, 1)).save, (10, 200, 30)),
    "thin.png": (plain("RGB", (10, 200, 30), (1, 500)).save, (10, 200, 30)),
}


@pytest.mark.parametrize("name", READABLE)
def test_odd_files_are_read_rightly(folder, name):
    write, expected = READABLE[name]
    write(folder / name)
    found = load(folder, strict=True, split="test").images
    assert found.shape == (1, *COLOR)
    assert np.abs(found[0] - np.array(expected, int)).max() <= 3  # JPEG


def test_colours_become_gray_where_the_model_has_one_channel(folder):
    plain("RGB", (255, 0, 0)).save(folder / "red.png")
    half_transparent(folder / "rose.png")
    plain("RGB", (255, 0, 0), (2000, 1000)).save(folder / "large.jpg")
    found = load(folder, image_shape=GRAY).images[:]
    assert found.shape == (3, *GRAY)
    assert sorted(found[:, 4, 4, 0]) == pytest.approx([76, 76, 127 + 128 * 0.299], abs=1)


def test_the_middle_is_kept(folder):
    """Of stripes red, green, blue in thirds of the longer side, the green one."""
    stripes = np.zeros((20, 60, 3), np.uint8)
    for third in range(3):
        stripes[:, 20 * third : 20 * third + 20, third] = 255
    Image.fromarray(stripes).save(folder / "wide.png")
    Image.fromarray(stripes.transpose(1, 0, 2)).save(folder / "high.png")
    found = load(folder).images[:].astype(int)
    assert np.abs(found - [0, 255, 0]).mean() < 5  # the edges mix with what is beyond


def test_images_of_the_right_shape_stay_as_they_are(folder):
    images = np.random.default_rng(0).integers(0, 256, (3, *COLOR), np.uint8)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number}.png")
    assert sorted(image.tobytes() for image in load(folder).images) == sorted(image.tobytes() for image in images)


def test_photographs_are_turned_as_their_camera_says(folder):
    upright = np.zeros((400, 200), np.uint8)
    upright[:200] = 255
    for orientation, turns in ((1, 0), (3, 2), (6, 1), (8, 3)):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(np.rot90(upright, turns).copy()).save(folder / f"{orientation}.jpg", exif=exif)
    found = load(folder, image_shape=GRAY).images[:][..., 0]
    assert found[:, :3].min() > 245
    assert found[:, -3:].max() < 10


def test_large_jpegs_are_decoded_small(folder, monkeypatch):
    """And look as if they had not been."""
    y, x = np.mgrid[:1500, :2000]
    image = Image.fromarray(np.stack([x // 8, y // 6, 128 + 100 * np.sin(x / 300)], axis=-1).astype(np.uint8))
    image.save(folder / "photo.jpg", quality=95)
    sizes, fit = [], decoding.fit
    monkeypatch.setattr(decoding, "fit", lambda image, shape: sizes.append(image.size) or fit(image, shape))
    found = load(folder, split="test").images[0]
    assert sizes == [(250, 188)]
    assert np.abs(found.astype(int) - fit(image, COLOR)).max() <= 3


# ---------------------------------------------------------------- files that cannot


def encoded(file_format: str) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(buffer, file_format)
    return buffer.getvalue()


def png(size: int, pixels: bytes = b"") -> bytes:
    """A PNG that announces an RGB square of this size."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    for kind, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")):
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))
    return b"".join(parts)


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


UNREADABLE = {
    "empty.png": b"",
    "text.jpg": b"not a picture",
    "truncated.png": encoded("PNG")[:2000],
    "truncated.jpg": encoded("JPEG")[:2000],
    "truncated.gif": encoded("GIF")[:2000],
    "truncated.bmp": encoded("BMP")[:2000],
    "no_pixels.png": png(4),
    "no_size.png": png(0, b"x"),
    "bomb.png": png(10_000, b"x"),
    "large_bomb.png": png(90_000, b"x"),
    "checksum.png": flipped(encoded("PNG"), 20),
    "pixels.png": flipped(encoded("PNG"), 60),
    "a_tiff_called.png": encoded("TIFF"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_broken_file_is_left_out(folder, caplog, name):
    numbered(folder, [f"{number}.png" for number in range(3)])
    (folder / name).write_bytes(UNREADABLE[name])
    assert sorted(numbers(load(folder))) == [0, 1, 2]
    (message,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert f"1 of the 4 images in {folder} cannot be read: {name} (" in message
    assert "\n" not in message


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("limit", "left"), [(600, [0, 1]), (599, [0])])
def test_pictures_of_more_pixels_than_pillow_deems_safe_are_left_out(folder, monkeypatch, limit, left):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    plain("L", 0, (5, 5)).save(folder / "small.png")
    plain("L", 1, (30, 20)).save(folder / "large.png")
    assert sorted(numbers(load(folder))) == left


def test_links_and_pipes(folder, caplog):
    numbered(folder, ["0.png"])
    (folder / "link.png").symlink_to(folder / "0.png")
    (folder / "broken_link.png").symlink_to(folder / "nothing.png")
    os.mkfifo(folder / "pipe.png")
    assert numbers(load(folder)) == [0, 0]
    assert "2 of the 4 images" in caplog.text
    for name in ("broken_link.png", "pipe.png"):
        assert f"{name} (not a file)" in caplog.text


def test_ten_names_are_enough(folder, caplog):
    numbered(folder, ["good.png"])
    for number in range(13):
        (folder / f"bad{number:02}.png").touch()
    load(folder)
    assert "13 of the 14 images" in caplog.text
    for number in range(13):
        assert (f"bad{number:02}.png" in caplog.text) == (number < 10)
    assert "and 3 more" in caplog.text


def test_strict_accepts_no_broken_file(folder):
    numbered(folder, ["0.png", "1.png"])
    (folder / "broken.png").touch()
    load(folder)
    for _ in range(2):  # what is known from before counts too
        with pytest.raises(ValueError, match=r"1 of the 3 images in .* cannot be read: broken\.png"):
            load(folder, strict=True)
    (folder / "broken.png").unlink()
    assert sorted(numbers(load(folder, strict=True))) == [0, 1]


def test_other_files_are_ignored(folder, caplog):
    numbered(folder, ["0.png", "sub/1.png", ".hidden/2.png", ".3.png"])
    (folder / "notes.txt").write_text("mine")
    (folder / "sub" / "film.mp4").touch()
    with caplog.at_level(logging.INFO):
        assert sorted(numbers(load(folder, strict=True))) == [0, 1]
    assert "1 .txt" in caplog.text
    assert "1 .mp4" in caplog.text


def test_folders_without_images(folder):
    with pytest.raises(ValueError, match=r"holds no file that ends in \.png, \.jpg, \.jpeg, \.bmp, \.gif"):
        load(folder)
    (folder / "broken.png").touch()
    with pytest.raises(ValueError, match=r"1 of the 1 images in .* cannot be read"):
        load(folder)
    with pytest.raises(ValueError, match="an image_shape is needed"):
        datasets.load(f"folder:{folder}")


# ---------------------------------------------------------------- splits and labels


def test_a_tenth_is_the_test_split(folder):
    numbered(folder, [f"{number}.png" for number in range(40)])
    train, test, everything = (numbers(load(folder, split)) for split in ("train", "test", "all"))
    assert (len(train), len(test)) == (36, 4)
    assert sorted(train + test) == list(range(40))
    assert everything == train + test
    assert everything != sorted(everything)
    assert numbers(load(folder, "train[:50%]")) == train[:18]
    with pytest.raises(ValueError, match="split 'validation': expected one of train, test, all"):
        load(folder, "validation")


def test_a_single_image_cannot_be_split(folder):
    numbered(folder, ["0.png"])
    with pytest.raises(ValueError, match="split 'train' has no images; there are 0 in train, 1 in test, 1 in all"):
        load(folder, "train")


def test_the_split_depends_on_the_names_alone(tmp_path):
    names = [f"{number}.png" for number in range(30)]
    numbered(tmp_path / "a", names)
    numbered(tmp_path / "b", names[::-1])
    a, b = numbers(load(tmp_path / "a")), numbers(load(tmp_path / "b"))
    assert a == [29 - number for number in b]


def test_class_folders_give_labels(folder):
    numbered(folder, [f"{kind}/{deep}/{n}.png" for kind in ("cat", "dog", "ant") for deep in "ab" for n in range(5)])
    train, test = (load(folder, split) for split in ("train", "test"))
    assert train.label_names == test.label_names == ("ant", "cat", "dog")
    for found in (train, test):
        assert found.labels.dtype == np.int64
        assert found.labels.tolist() == [[1, 2, 0][number // 10] for number in numbers(found)]


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["x/a.png", "x/b.png"], ["a.png", "x/b.png", "y/c.png"]])
def test_without_class_folders_there_are_no_labels(folder, names):
    numbered(folder, names)
    found = load(folder)
    assert (found.labels, found.label_names) == (None, ())


def test_train_and_test_folders_are_the_splits(folder):
    numbered(
        folder, ["train/cat/0.png", "train/dog/1.png", "test/dog/2.png", "test/cat/3.png", "val/cat/4.png", "5.png"]
    )
    assert sorted(numbers(load(folder, "train"))) == [0, 1]
    assert numbers(load(folder, "val")) == [4]
    test = load(folder, "test")
    assert test.label_names == ("cat", "dog")
    assert sorted(zip(numbers(test), test.labels.tolist(), strict=True)) == [(2, 1), (3, 0)]


@pytest.mark.parametrize(("train", "test"), [("training", "testing"), ("Train", "Test")])
def test_splits_by_other_names(folder, train, test):
    numbered(folder, [f"{train}/cat/0.png", f"{train}/dog/1.png", f"{test}/dog/2.png", f"{test}/cat/3.png"])
    for name in ("train", train):
        assert sorted(numbers(load(folder, name))) == [0, 1]
    assert sorted(numbers(load(folder, "test"))) == [2, 3]
    assert load(folder, "test").label_names == ("cat", "dog")


@pytest.mark.parametrize("validation", ["val", "valid", "Validation"])
def test_without_a_test_folder_it_is_a_tenth_of_the_training_images(folder, validation):
    numbered(folder, [f"train/{number}.png" for number in range(20)] + [f"{validation}/20.png"])
    train, test = (set(numbers(load(folder, part))) for part in ("train", "test"))
    assert (len(train), len(test), train | test) == (18, 2, set(range(20)))
    assert numbers(load(folder, "validation")) == numbers(load(folder, validation)) == [20]


def test_links_to_folders_are_followed_once(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    numbered(elsewhere, ["0.png"])
    numbered(folder, ["cat/0.png", "dog/1.png"])
    (folder / "horse").symlink_to(elsewhere)
    (folder / "dog" / "back").symlink_to(folder)  # a ring
    found = load(folder, "all")
    assert found.label_names == ("cat", "dog", "horse")
    assert len(found.images) == 3


def test_class_names_that_are_no_text_can_be_shown(folder):
    numbered(folder, [f"{os.fsdecode(name)}/0.png" for name in (b"caf\xe9", b"bar")])
    assert load(folder, "all").label_names == ("bar", "caf\N{REPLACEMENT CHARACTER}")


# ---------------------------------------------------------------- the decoded copy


def copies(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_files_are_decoded_once(folder, monkeypatch, caplog):
    numbered(folder, [f"{number}.png" for number in range(20)])
    (folder / "broken.png").touch()
    first = load(folder)

    def again(path, image_shape):
        raise AssertionError(path)

    monkeypatch.setattr(decoding, "read", again)
    caplog.clear()
    second = load(folder)
    np.testing.assert_array_equal(first.images, second.images)
    assert "1 of the 21 images" in caplog.text
    with pytest.raises(AssertionError):
        load(folder, image_shape=GRAY)


def test_a_file_that_changes_is_read_again_and_the_old_copy_goes(folder, cache):
    numbered(folder, ["0.png", "1.png"])
    old = load(folder)
    before = copies(cache)
    assert len(before) == 2
    plain("L", 77).save(folder / "1.png")
    assert sorted(numbers(load(folder))) == [0, 77]
    assert len(copies(cache)) == 2
    assert not copies(cache) & before
    assert sorted(numbers(old)) == [0, 1]  # a run that reads the old copy goes on
    load(folder, image_shape=GRAY)
    assert len(copies(cache)) == 4


def test_training_goes_on_when_the_folder_is_gone(folder):
    numbered(folder, [f"{number}.png" for number in range(10)])
    found = load(folder)
    shutil.rmtree(folder)
    assert sorted(numbers(found)) == list(range(10))


@pytest.mark.parametrize("damage", [lambda content: content[:-5], lambda content: b""], ids=["shorter", "empty"])
@pytest.mark.parametrize("suffix", [".pixels", ".json"])
def test_a_damaged_copy_is_made_anew(folder, cache, damage, suffix):
    numbered(folder, ["0.png", "1.png"])
    load(folder)
    (path,) = cache.glob(f"*{suffix}")
    path.write_bytes(damage(path.read_bytes()))
    assert sorted(numbers(load(folder))) == [0, 1]


def test_an_interrupted_copy_leaves_nothing(folder, cache, monkeypatch):
    numbered(folder, ["0.png", "1.png"])

    def interrupted(path, image_shape):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(decoding, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            load(folder)
    assert copies(cache) == set()
    assert sorted(numbers(load(folder))) == [0, 1]


def test_a_full_disk_is_noticed_before_anything_is_read(folder, monkeypatch):
    numbered(folder, ["0.png"])
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 100))
    with pytest.raises(OSError, match=r"needs 0\.0 GB in .*; set XDG_CACHE_HOME to a folder with more room"):
        load(folder)


# ---------------------------------------------------------------- runs


def test_a_run_continues_with_the_images_of_an_uninterrupted_one(folder):
    numbered(folder, [f"{number}.png" for number in range(25)])
    whole = list(datasets.training_batches(load(folder).images, 4, 1).take(20).as_numpy_iterator())
    rest = datasets.training_batches(load(folder).images, 4, 1, first_batch=9).take(11)
    np.testing.assert_array_equal(whole[9:], list(rest.as_numpy_iterator()))
    seen = np.round(255 * np.concatenate(whole)[:, 0, 0, 0]).astype(int)
    for epoch in range(3):
        assert sorted(seen[25 * epoch : 25 * epoch + 25]) == list(range(25))


@pytest.fixture
def odd_pictures(folder) -> Path:
    """Of every kind above, in class folders, the broken ones among them."""
    for number, (name, (write, _)) in enumerate([*READABLE.items()] * 2):
        path = folder / ("cats", "dogs")[number % 2] / f"{number} {name}"
        path.parent.mkdir(exist_ok=True)
        write(path)
    for name, content in UNREADABLE.items():
        (folder / "dogs" / name).write_bytes(content)
    return folder


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_odd_pictures_are_trained_on_and_evaluated(odd_pictures, tmp_path):
    config = TrainingConfig.from_preset(
        "mnist",
        dataset=f"folder:{odd_pictures}",
        codes="kind:categorical(3),shade:uniform",
        image_shape=GRAY,
        noise_size=4,
        batch_size=8,
        epochs=1,
        steps_per_epoch=2,
        precision="float32",
        validation_split="test",
    )
    model = training.train(config, tmp_path / "run")
    assert int(model.generator_optimizer.iterations) == 2
    test = load(odd_pictures, "test", GRAY)
    report = evaluate(keras.models.load_model(tmp_path / "run" / "model.keras"), test)
    assert report["images"] == len(test.images) == round(2 * len(READABLE) / 10)
    assert 0 < report["clustering"]["kind"]["acc"] <= 1
    assert set(report["label_match"]["kind"]) == {"cats", "dogs", None}


@pytest.mark.slow
def test_a_folder_on_the_command_line(odd_pictures, tmp_path):
    run = tmp_path / "run"
    flags = ["--batch_size=8", "--epochs=1", "--steps_per_epoch=2", "--precision=float32"]
    relative = os.path.relpath(odd_pictures)
    succeed("train", f"--workdir={run}", "--preset=mnist", f"--dataset=folder:{relative}", *flags)
    assert TrainingConfig.load(run / "config.json").dataset == f"folder:{odd_pictures}"
    out = succeed("evaluate", f"--workdir={run}")
    assert f"({round(2 * len(READABLE) / 10)} images)" in out
    succeed("export", f"--workdir={run}", f"--base={tmp_path / 'pets'}")
    assert (tmp_path / "pets" / "1" / "saved_model.pb").exists()
    process = command("train", f"--workdir={tmp_path / 'b'}", f"--dataset=folder:{odd_pictures}", "--strict", *flags)
    assert process.returncode == 1
    assert f"{len(UNREADABLE)} of the {2 * len(READABLE) + len(UNREADABLE)} images in" in process.stderr
    assert "Traceback" not in process.stderr
