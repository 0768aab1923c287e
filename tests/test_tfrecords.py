"""TFRecord files: what is written and read, and files that are no good."""

import numpy as np
import pytest
import tensorflow as tf

from infogan_tf.datasets import tfrecords


def numbered(n: int) -> np.ndarray:
    """Images of one pixel that hold their number."""
    return np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)


@pytest.fixture
def pattern(tmp_path) -> str:
    """Of 23 numbered images in 4 files."""
    tfrecords.write(numbered(23), tmp_path / "set-*.tfrecord", 4)
    return str(tmp_path / "set-*.tfrecord")


# ---------------------------------------------------------------- what is written and read


def test_round_trip(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3), np.uint8)
    images[0, 0, 0, :2] = 0, 255
    pattern = tmp_path / "deep" / "set-*.tfrecord"
    tfrecords.write(images, pattern, 3)
    assert sorted(path.name for path in pattern.parent.iterdir()) == [
        f"set-0000{shard}-of-00003.tfrecord" for shard in range(3)
    ]
    np.testing.assert_array_equal(tfrecords.images(pattern), images)


def test_names_are_no_patterns_but_for_the_star(tmp_path):
    pattern, images = tmp_path / "a[0]-*.tfrecord", np.zeros((2, 1, 1, 1), np.uint8)
    tfrecords.write(images, pattern, 2)
    assert len(tfrecords.images(pattern)) == 2
    with pytest.raises(FileExistsError, match=r"a\[0\]-00000-of-00002.tfrecord exists"):
        tfrecords.write(images, pattern, 2)


def test_the_format_is_read_without_this_package(pattern):
    """The record as TensorFlow's own parser sees it, with the feature names and types that the module states."""
    features = {"image": tf.io.FixedLenFeature([], tf.string), "shape": tf.io.FixedLenFeature([3], tf.int64)}
    files = []
    for file in sorted(tf.io.gfile.glob(pattern)):
        parsed = [tf.io.parse_single_example(record, features) for record in tf.data.TFRecordDataset(file)]
        assert all(example["shape"].numpy().tolist() == [1, 1, 1] for example in parsed)
        files.append([int(tf.io.decode_raw(example["image"], tf.uint8)[0]) for example in parsed])
    assert [number for file in files for number in file] == list(range(23))
    assert [len(file) for file in files] == [6, 6, 6, 5]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("images", "name", "shards", "error", "text"),
    [
        (numbered(4).astype(np.float32), "a-*", 1, ValueError, r"must be uint8 .*, got float32 \[4, 1, 1, 1\]"),
        (numbered(4)[..., 0], "a-*", 1, ValueError, r"got uint8 \[4, 1, 1\]"),
        (numbered(4), "a", 1, ValueError, r"must have one \*, in the file name.*'a'"),
        (numbered(4), "a-*-*", 1, ValueError, r"must have one \*"),
        (numbered(4), "*/a-*", 1, ValueError, r"must have one \*"),
        (numbered(4), "a-*", 5, ValueError, "between 1 and the number of images, 4, got 5"),
        (numbered(4), "a-*", 0, ValueError, "got 0"),
    ],
    ids=["float", "rank", "no star", "two stars", "star in folder", "many shards", "no shard"],
)
def test_write_refuses(tmp_path, monkeypatch, images, name, shards, error, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=text):
        tfrecords.write(images, name, shards)
    assert not list(tmp_path.iterdir())


def test_write_replaces_nothing(pattern):
    with pytest.raises(FileExistsError, match=r"set-00000-of-00004\.tfrecord exists"):
        tfrecords.write(numbered(5), pattern, 2)
    np.testing.assert_array_equal(tfrecords.images(pattern), numbered(23))


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    images = numbered(6)
    example, made = tfrecords._example, []

    def fails_in_the_end(image):
        made.append(image)
        if len(made) == len(images):
            raise OSError("disk full")
        return example(image)

    monkeypatch.setattr(tfrecords, "_example", fails_in_the_end)
    with pytest.raises(OSError, match="disk full"):
        tfrecords.write(images, tmp_path / "set-*", 2)
    assert not list(tmp_path.iterdir())


def test_no_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file matches .*none-\*"):
        tfrecords.images(tmp_path / "none-*")


def damage_end(path):
    path.write_bytes(path.read_bytes()[:-3])


def damage_byte(path):
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)


def empty(path):
    path.write_bytes(b"")


def text_file(path):
    path.write_text("no records, but enough of them to be taken for one")


def other_record(path):
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"\xff\xff no example")


def other_features(path):
    feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[1]))
    with tf.io.TFRecordWriter(str(path)) as writer:
        features = tf.train.Features(feature={"image_raw": feature, "label": feature})
        writer.write(tf.train.Example(features=features).SerializeToString())


def other_shape(path):
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tfrecords._example(np.zeros((2, 2, 1), np.uint8)).SerializeToString())


def fewer_bytes(path):
    example = tfrecords._example(np.zeros((2, 2, 1), np.uint8))
    example.features.feature["image"].bytes_list.value[0] = b"123"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (damage_end, "is damaged: .*truncated record"),
        (damage_byte, "is damaged: corrupted record"),
        (empty, "holds no image"),
        (text_file, "does not begin with a tf.train.Example in a TFRecord"),
        (other_record, "does not begin with a tf.train.Example"),
        (other_features, "has the features image_raw, label; needed are image, shape"),
        (other_shape, r"differ in shape: \(1, 1, 1\) in .*00000-of-.*, \(2, 2, 1\) in"),
        (fewer_bytes, r"`image` as many bytes, got \[2, 2, 1\] and \[3\]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_is_no_good_is_named_before_anything_starts(pattern, tmp_path, change, text):
    path = tmp_path / "set-00002-of-00004.tfrecord"
    change(path)
    with pytest.raises(ValueError, match=text) as error:
        tfrecords.images(pattern)
    assert str(path) in str(error.value)


def test_missing_and_foreign_shards(pattern, tmp_path):
    first, second = (tmp_path / f"set-0000{shard}-of-00004.tfrecord" for shard in (0, 1))
    second.rename(tmp_path / "set-00001-of-00002.tfrecord")
    with pytest.raises(ValueError, match="matches 4 files, which name themselves parts of 2 and of 4"):
        tfrecords.images(pattern)
    (tmp_path / "set-00001-of-00002.tfrecord").rename(second)
    first.unlink()
    with pytest.raises(ValueError, match="matches 3 files, which name themselves parts of 4;"):
        tfrecords.images(pattern)


def test_an_image_of_another_shape_within_a_file_stops_the_reading(tmp_path):
    """Of as many bytes, so that nothing else would notice."""
    with tf.io.TFRecordWriter(str(tmp_path / "set-0")) as writer:
        for shape in ((2, 3, 1), (3, 2, 1)):
            writer.write(tfrecords._example(np.zeros(shape, np.uint8)).SerializeToString())
    with pytest.raises(ValueError, match=r"differ in shape: \(2, 3, 1\) first, \(3, 2, 1\) in .*set-0"):
        tfrecords.images(tmp_path / "set-*")
