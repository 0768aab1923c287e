"""Options, and what the tests of learning and of export share."""

import pytest


def pytest_addoption(parser):
    group = parser.getgroup("serving", "TensorFlow Serving that tests/serving asks, instead of the local server")
    group.addoption(
        "--serving-url", help="such as http://localhost:8501; serves what `python -m tests.serving.models` writes"
    )
    group.addoption("--serving-grpc", help="such as localhost:8500")


def pytest_collection_modifyitems(config, items):
    if config.getoption("serving_url"):
        for item in items:
            if item.get_closest_marker("local"):
                item.add_marker(pytest.mark.skip(reason="is about the local server"))


@pytest.fixture
def deterministic():
    """Operations give the same bits every time, so that runs can be compared exactly."""
    from tests import tiny  # noqa: PLC0415 - tests/serving runs without it

    with tiny.determinism():
        yield


@pytest.fixture
def small_data(monkeypatch):
    """20 images of 8x8 in place of every data set."""
    from tests import runs  # noqa: PLC0415

    monkeypatch.setattr(runs.datasets, "load", runs.small_images)


@pytest.fixture(scope="session")
def straight(tmp_path_factory):
    """The workdir of a run of two epochs that nothing interrupted."""
    from tests import runs  # noqa: PLC0415

    workdir = tmp_path_factory.mktemp("straight") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs.datasets, "load", runs.small_images)
        runs.run(workdir)
    return workdir
