"""Images in TFRecord files, for sets that need not fit into memory.

A record is a `tf.train.Example` with `image`, the bytes of a uint8 array, and `shape`, its height, width and channels.
A set is all files of one path pattern, whose one * stands for the shard: "digits-*.tfrecord" is
digits-00000-of-00008.tfrecord and so on.
"""

from __future__ import annotations

import contextlib
import glob
import math
import re
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tqdm import tqdm

from infogan_tf.datasets.images import FileImages
from infogan_tf.files import replaced_file

FEATURES = ("image", "shape")


def write(images: np.ndarray, path_pattern: str | Path, shards: int) -> None:
    """Writes a set.

    Args:
        images: uint8 [n, height, width, channels].
        path_pattern: With one *; missing folders are made.
        shards: How many files, of nearly equal size.

    Raises:
        ValueError: Other images, a pattern without its *, or fewer images than shards.
        FileExistsError: There are files of this pattern.
    """
    if images.dtype != np.uint8 or images.ndim != 4:
        raise ValueError(f"images must be uint8 [n, height, width, channels], got {images.dtype} {list(images.shape)}")
    folder, name = _folder_and_name(path_pattern)
    if not 1 <= shards <= len(images):
        raise ValueError(f"shards must be between 1 and the number of images, {len(images)}, got {shards}")
    if existing := _files(folder, name):
        raise FileExistsError(f"{existing[0]} exists; remove the files of {path_pattern} or choose another name")
    with contextlib.ExitStack() as stack:  # all or none: the files get their names when all are written
        for shard, part in enumerate(np.array_split(images, shards)):
            path = folder / name.replace("*", f"{shard:05d}-of-{shards:05d}")
            temporary = stack.enter_context(replaced_file(path))
            with tf.io.TFRecordWriter(str(temporary)) as writer:
                for image in part:
                    writer.write(_example(image).SerializeToString())


def images(path_pattern: str | Path) -> FileImages:
    """The images of a set, in the order in which they were written, each read when it is asked for.

    Every file is read once, to find where its images begin and so that a damaged one does not end a run halfway.

    Raises:
        FileNotFoundError: No file matches.
        ValueError: A shard is missing or of another set, images differ in shape, or a file is damaged, empty, or holds
            something else.
    """
    files, image_shape = _files_and_shape(path_pattern)
    offsets = [_offsets(file, image_shape) for file in tqdm(files, desc="reading records", unit=" files", delay=1)]
    shards = np.repeat(np.arange(len(files)), [len(found) for found in offsets])
    return FileImages(files, shards, np.concatenate(offsets), image_shape)


def _folder_and_name(path_pattern: str | Path) -> tuple[Path, str]:
    path = Path(path_pattern)
    if path.name.count("*") != 1 or "*" in str(path.parent):
        raise ValueError(f"path pattern must have one *, in the file name, for the shard; got {str(path_pattern)!r}")
    return path.parent, path.name


def _files(folder: Path, name: str) -> list[str]:
    return sorted(str(path) for path in folder.glob("*".join(map(glob.escape, name.split("*")))))


def _files_and_shape(path_pattern: str | Path) -> tuple[list[str], tuple[int, int, int]]:
    folder, name = _folder_and_name(path_pattern)
    files = _files(folder, name)
    if not files:
        raise FileNotFoundError(f"no file matches {path_pattern}")
    announced = {int(total) for file in files for total in re.findall(r"-\d{5}-of-(\d{5})", Path(file).name)}
    if announced and announced != {len(files)}:
        raise ValueError(
            f"{path_pattern} matches {len(files)} files, which name themselves parts of "
            f"{' and of '.join(map(str, sorted(announced)))}; all files of one set belong there and no others"
        )
    shapes = {file: _first_shape(file) for file in files}
    for file, shape in shapes.items():
        if shape != shapes[files[0]]:
            raise ValueError(f"images differ in shape: {shapes[files[0]]} in {files[0]}, {shape} in {file}")
    return files, shapes[files[0]]


def _example(image: np.ndarray) -> tf.train.Example:
    image_bytes = tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()]))
    shape = tf.train.Feature(int64_list=tf.train.Int64List(value=image.shape))
    return tf.train.Example(features=tf.train.Features(feature={"image": image_bytes, "shape": shape}))


def _first_shape(file: str) -> tuple[int, int, int]:
    try:
        record = next(tf.data.TFRecordDataset(file).as_numpy_iterator())
        return _parse(file, record)[0]
    except StopIteration:
        raise ValueError(f"{file} holds no image") from None
    except (tf.errors.DataLossError, DecodeError):
        raise ValueError(f"{file} does not begin with a tf.train.Example in a TFRecord") from None


def _offsets(file: str, image_shape: tuple[int, int, int]) -> np.ndarray:
    """Where in a file the pixels of each image begin, int64 [n]; every record is checked by its checksum."""
    begin, offsets = 0, []
    try:
        for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
            shape, pixels = _parse(file, record)
            if shape != image_shape:
                raise ValueError(f"images differ in shape: {image_shape} first, {shape} in {file}")
            offsets.append(begin + 12 + record.index(pixels))  # after the record's length and the length's checksum
            begin += 12 + len(record) + 4
    except tf.errors.DataLossError as error:
        raise _damaged(file, error) from None
    except DecodeError:
        raise ValueError(f"{file} holds a record that is no tf.train.Example, at byte {begin}") from None
    return np.array(offsets, np.int64)


def _parse(file: str, record: bytes) -> tuple[tuple[int, int, int], bytes]:
    """The shape and the pixels of a record."""
    features = tf.train.Example.FromString(record).features.feature
    if not all(name in features for name in FEATURES):
        raise ValueError(f"{file} has the features {', '.join(sorted(features))}; needed are {', '.join(FEATURES)}")
    shape = tuple(features["shape"].int64_list.value)
    sizes = [len(value) for value in features["image"].bytes_list.value]
    if len(shape) != 3 or sizes != [math.prod(shape)]:
        raise ValueError(
            f"{file}: `shape` must be height, width, channels and `image` as many bytes, got {list(shape)} and {sizes}"
        )
    return shape, features["image"].bytes_list.value[0]


def _damaged(file: str, error: tf.errors.DataLossError) -> ValueError:
    return ValueError(f"{file} is damaged: {error.message.rsplit('}} ', 1)[-1]}")
