"""Shared by the tests of learning and of export."""

import pytest


@pytest.fixture
def deterministic():
    """Operations give the same bits every time, so that runs can be compared exactly."""
    from tests import tiny  # noqa: PLC0415 - tests/serving runs without it

    with tiny.determinism():
        yield
