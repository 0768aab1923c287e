"""Versions published again and removed, beside a server that watches the folder."""

import contextlib
import shutil
import threading
import time
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import tensorflow as tf

from infogan_export import ExportError, export, lifecycle, prune, republish
from infogan_serving.local import running
from tests import tiny
from tests.export.conftest import checks_in_process

PATIENCE = 30
CODES = "digit:categorical(3)"


@pytest.fixture(scope="module")
def models():
    """By the version that they are exported as."""
    return {version: tiny.model(CODES, seed=version) for version in (1, 2)}


@pytest.fixture(scope="module")
def exported(models, tmp_path_factory):
    base = tmp_path_factory.mktemp("exported") / "digits"
    with checks_in_process():
        for model in models.values():
            export(model, base)
    return base


@pytest.fixture
def base(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "digits")


def contents(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def damage(folder) -> None:
    """Cuts the weights off, which shows only when they are loaded."""
    for data in (folder / "variables").glob("*.data*"):
        data.write_bytes(data.read_bytes()[:100])


@pytest.mark.usefixtures("in_process")
def test_republish_is_a_copy_under_the_next_number(base):
    before = contents(base / "1")
    folder, differences = republish(base, 1)
    assert folder == base / "3"
    assert contents(folder) == contents(base / "1") == before
    signatures = {"serving_default", "generate", "infer_code", "generate_png", "infer_code_png", "describe"}
    assert set(differences) == signatures
    assert max(differences.values()) <= 1e-5


@pytest.mark.usefixtures("in_process")
def test_republish_compares_with_the_original(base, monkeypatch):
    """A copy that came out as something else is not published."""
    copytree = shutil.copytree
    other = SimpleNamespace(copytree=lambda original, staging, **options: copytree(base / "2", staging, **options))
    monkeypatch.setattr(lifecycle, "shutil", other)
    with pytest.raises(ExportError, match="differs by"):
        republish(base, 1)
    assert {path.name for path in base.iterdir()} == {"1", "2"}


@pytest.mark.usefixtures("in_process")
def test_what_cannot_be_republished(base):
    with pytest.raises(FileNotFoundError, match="has no version 7; versions: 1, 2"):
        republish(base, 7)
    with pytest.raises(FileExistsError, match="2 exists"):
        republish(base, 1, new_version=2)
    damage(base / "1")
    with pytest.raises(ExportError, match="1 does not load"):
        republish(base, 1)
    warmup = base / "2" / "assets.extra" / "tf_serving_warmup_requests"
    warmup.write_bytes(warmup.read_bytes()[:-1])
    with pytest.raises(ExportError, match="2 does not answer its own warm-up requests"):
        republish(base, 2)
    assert {path.name for path in base.iterdir()} == {"1", "2"}


def test_a_damaged_version_never_pushes_out_a_good_one(base):
    shutil.copytree(base / "2", base / "3")
    damage(base / "3")
    shutil.copytree(base / "2", base / "4")
    assert prune(base, 2, base / "4") == [base / "1"]
    damage(base / "2")
    shutil.copytree(base / "4", base / "5")
    assert prune(base, 3, base / "5") == []
    assert {path.name for path in base.iterdir()} == {"2", "3", "4", "5"}


@pytest.mark.parametrize("keep", [1, 0, -1])
def test_too_few_to_keep(base, keep):
    with pytest.raises(ValueError, match=f"keep must be at least 2, not {keep}"):
        prune(base, keep, base / "2")


class Asker(threading.Thread):
    """Asks for the same image one request after another; `wrong` is what no model answers."""

    def __init__(self, url: str, models):
        super().__init__()
        z, c = models[1].sample(1, tf.constant([0, 1]))
        self._ask = {"signature_name": "generate", "inputs": {"z": z.numpy().tolist(), "c": c.numpy().tolist()}}
        self._url, self._end = f"{url}/v1/models/digits:predict", threading.Event()
        self._images = {version: model.generate(z, c).numpy() for version, model in models.items()}
        self.answers: list[int | None] = []
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(timeout=PATIENCE) as http:
            last = False
            while not last:
                last = self._end.is_set()  # so the last request begins after all that the test did
                try:
                    response = http.post(self._url, json=self._ask)
                    image = np.float32(response.json().get("outputs", np.nan))
                except (httpx.HTTPError, ValueError) as error:
                    self.wrong.append(repr(error))
                    continue
                found = [v for v, expected in self._images.items() if np.allclose(image, expected, atol=1e-5)]
                self.answers += found
                if not found:
                    self.wrong.append(response.text[:300])

    def end(self) -> None:
        self._end.set()
        self.join()


def wait_for(url: str, version: str) -> None:
    """Returns once the version is available, and every other at its end."""
    end = time.monotonic() + PATIENCE
    states: dict[str, str] = {}
    while {v for v, state in states.items() if state != "END"} != {version} or states[version] != "AVAILABLE":
        assert time.monotonic() < end, states
        time.sleep(0.02)
        entries = httpx.get(f"{url}/v1/models/digits").json()["model_version_status"]
        states = {entry["version"]: entry["state"] for entry in entries}


@pytest.mark.usefixtures("in_process")
def test_under_traffic_no_request_fails(base, models):
    """Export, removal and the way back, while four clients ask: every answer is one of the two models'."""
    shutil.rmtree(base / "2")
    with running(base, "digits", poll_seconds=0.01) as url, contextlib.ExitStack() as stack:
        askers = [Asker(url, models) for _ in range(4)]
        for asker in askers:
            asker.start()
            stack.callback(asker.end)
        for version, change in (
            ("2", lambda: export(models[2], base)),
            ("3", lambda: republish(base, 1)),
            ("4", lambda: republish(base, 2)),
        ):
            folder, _ = change()
            removed = prune(base, 2, folder)
            assert [path.name for path in removed] == ([str(int(version) - 2)] if version != "2" else [])
            wait_for(url, version)
    assert {path.name for path in base.iterdir()} == {"3", "4"}
    assert [asker.wrong for asker in askers] == [[]] * 4
    assert {(asker.answers[0], asker.answers[-1]) for asker in askers} == {(1, 2)}
