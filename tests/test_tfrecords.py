"""TFRecord files: what is written, the order of training batches, and files that are no good."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.data.experimental.ops import distribute

from infogan_tf.datasets import tfrecords


def numbered(n: int) -> np.ndarray:
    """Images of one pixel that hold their number."""
    return np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)


@pytest.fixture
def pattern(tmp_path) -> str:
    """Of 23 numbered images in 4 files."""
    tfrecords.write(numbered(23), tmp_path / "set-*.tfrecord", 4)
    return str(tmp_path / "set-*.tfrecord")


def numbers(data: tf.data.Dataset) -> list[int]:
    return [round(255 * float(value)) for batch in data.as_numpy_iterator() for value in batch.ravel()]


def order(pattern: str, seed: int, batches: int, first_batch: int = 0, buffer_size: int = 10_000) -> list[int]:
    """Of images in batches of 4."""
    data = tfrecords.training_batches_from_tfrecords(pattern, 4, seed, first_batch=first_batch, buffer_size=buffer_size)
    return numbers(data.take(batches))


# ---------------------------------------------------------------- what is written and read


def test_round_trip(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 6, 3), np.uint8)
    images[0, 0, 0, :2] = 0, 255
    pattern = tmp_path / "deep" / "set-*.tfrecord"
    tfrecords.write(images, pattern, 3)
    assert sorted(path.name for path in pattern.parent.iterdir()) == [
        f"set-0000{shard}-of-00003.tfrecord" for shard in range(3)
    ]
    found = tfrecords.inspect(pattern)
    assert (len(found.files), found.num_images, found.image_shape) == (3, 10, (4, 6, 3))
    data = tfrecords.training_batches_from_tfrecords(pattern, 10, 0)
    assert data.element_spec == tf.TensorSpec([10, 4, 6, 3], tf.float32)
    batch = next(data.as_numpy_iterator())
    assert (batch.min(), batch.max()) == (0.0, 1.0)
    back = np.round(batch * 255).astype(np.uint8)
    assert sorted(image.tobytes() for image in back) == sorted(image.tobytes() for image in images)


def test_names_are_no_patterns_but_for_the_star(tmp_path):
    pattern, images = tmp_path / "a[0]-*.tfrecord", np.zeros((2, 1, 1, 1), np.uint8)
    tfrecords.write(images, pattern, 2)
    assert tfrecords.inspect(pattern).num_images == 2
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
    assert sorted(number for file in files for number in file) == list(range(23))
    assert all(file != sorted(file) for file in files)  # mixed when written


def test_each_image_once_per_epoch_and_each_epoch_in_an_order_of_its_own(pattern):
    seen = order(pattern, 0, 23)
    epochs = [seen[start : start + 23] for start in range(0, 92, 23)]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


@pytest.mark.parametrize("buffer_size", [1, 7, 10_000])
def test_same_seed_same_order(pattern, buffer_size):
    first = order(pattern, 5, 12, buffer_size=buffer_size)
    assert first == order(pattern, 5, 12, buffer_size=buffer_size)
    assert first != order(pattern, 6, 12, buffer_size=buffer_size)


@pytest.mark.parametrize("first_batch", [1, 9])
def test_first_batch_continues_the_same_sequence(pattern, first_batch):
    assert order(pattern, 3, 12)[4 * first_batch :] == order(pattern, 3, 12 - first_batch, first_batch)


def test_each_worker_reads_files_of_its_own(pattern):
    """Of the files of 6, 6, 6 and 5 images each of two workers has two, and sees each image once per epoch."""
    data = tfrecords.training_batches_from_tfrecords(pattern, 1, 0)
    first, second = (numbers(distribute._AutoShardDataset(data, 2, worker).take(24)) for worker in range(2))
    assert sorted({*first, *second}) == list(range(23))
    assert sorted(len(set(seen)) for seen in (first, second)) == [11, 12]
    assert not set(first) & set(second)


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
    assert tfrecords.inspect(pattern).num_images == 23


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
        tfrecords.training_batches_from_tfrecords(tmp_path / "none-*", 4, 0)


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
    for reads in (lambda: tfrecords.training_batches_from_tfrecords(pattern, 4, 0), lambda: tfrecords.images(pattern)):
        with pytest.raises(ValueError, match=text) as error:
            reads()
        assert str(path) in str(error.value)


def test_missing_and_foreign_shards(pattern, tmp_path):
    first, second = (tmp_path / f"set-0000{shard}-of-00004.tfrecord" for shard in (0, 1))
    second.rename(tmp_path / "set-00001-of-00002.tfrecord")
    with pytest.raises(ValueError, match="matches 4 files, which name themselves parts of 2 and of 4"):
        tfrecords.inspect(pattern)
    (tmp_path / "set-00001-of-00002.tfrecord").rename(second)
    first.unlink()
    with pytest.raises(ValueError, match="matches 3 files, which name themselves parts of 4;"):
        tfrecords.inspect(pattern)


def test_an_image_of_another_shape_within_a_file_stops_the_reading(tmp_path):
    """Of as many bytes, so that nothing else would notice."""
    with tf.io.TFRecordWriter(str(tmp_path / "set-0")) as writer:
        for shape in ((2, 3, 1), (3, 2, 1)):
            writer.write(tfrecords._example(np.zeros(shape, np.uint8)).SerializeToString())
    with pytest.raises(ValueError, match=r"differ in shape: \(2, 3, 1\) first, \(3, 2, 1\) in .*set-0"):
        tfrecords.images(tmp_path / "set-*")
    data = tfrecords.training_batches_from_tfrecords(tmp_path / "set-*", 2, 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="image shapes differ"):
        next(iter(data))
