"""A model that infogan_export wrote, asked over HTTP, against the Python model."""

from collections.abc import Iterator

import numpy as np
import pytest

from infogan_serving import Client
from tests.serving.conftest import serving
from tests.serving.models import save_untrained


@pytest.fixture(scope="module")
def untrained_base(tmp_path_factory):
    base = tmp_path_factory.mktemp("untrained")
    save_untrained(base)
    return base


@pytest.fixture(scope="module")
def client(request) -> Iterator[Client]:
    with serving(request, "untrained", "untrained_base") as (url, _), Client(url, "untrained") as client:
        yield client


@pytest.fixture(scope="module")
def model():
    from tests import tiny  # noqa: PLC0415 - the other tests of serving need only TensorFlow

    return tiny.model()


def test_generate_and_infer_code(client, model):
    rng = np.random.default_rng(0)
    z = rng.standard_normal((5, client.describe()["noise_size"]), np.float32)
    c = rng.standard_normal((5, client.describe()["code_size"]), np.float32)
    images = client.generate(z=z, c=c)
    np.testing.assert_allclose(images, model.generate(z, c), atol=1e-5)
    posterior, expected = client.infer_code(images), model.infer_code(images)
    assert posterior.keys() == expected.keys()
    for name, values in posterior.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5, err_msg=name)


def test_a_row_does_not_depend_on_the_others(client):
    images = client.generate(n=3, seed=0)
    alone = [client.infer_code(image)["code"][0] for image in images]
    np.testing.assert_allclose(client.infer_code(images)["code"], alone, atol=1e-6)
