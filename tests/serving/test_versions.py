"""New, broken and removed versions under a running server."""

import errno
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from infogan_serving.local import running
from infogan_serving.local.servable import Servable
from tests.serving.models import save_constant
from tests.serving.ports import free_port

pytestmark = pytest.mark.local
PATIENCE = 30
POLL_SECONDS = 0.05


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Versions ready to be published: the answer of version n is n."""
    folder = tmp_path_factory.mktemp("saved")
    for version in (1, 2):
        save_constant(folder / str(version), version)
    (folder / "broken").mkdir()
    (folder / "broken" / "saved_model.pb").write_bytes(b"not a SavedModel")
    return folder


class Server:
    """The base path of a running server, and what the server says about it."""

    def __init__(self, base, saved, url):
        self.base, self.saved, self.url = base, saved, f"{url}/v1/models/model"

    def publish(self, name: str, version: str) -> None:
        shutil.copytree(self.saved / name, self.base / f"copying-{version}")
        (self.base / f"copying-{version}").rename(self.base / version)

    def answer(self, version: str = "") -> float | str:
        answer = httpx.post(f"{self.url}{version}:predict", json={"inputs": 0}).json()
        return answer.get("outputs", answer.get("error"))

    def states(self) -> dict[str, str]:
        entries = httpx.get(self.url).json()["model_version_status"]
        return {entry["version"]: entry["state"] for entry in entries}

    def wait_for(self, states: dict[str, str]) -> None:
        end = time.monotonic() + PATIENCE
        while self.states() != states and time.monotonic() < end:
            time.sleep(0.02)
        assert self.states() == states
        assert list(self.states()) == sorted(states, reverse=True)


@pytest.fixture
def server(tmp_path, saved):
    shutil.copytree(saved / "1", tmp_path / "1")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").touch()
    with running(tmp_path, poll_seconds=POLL_SECONDS) as url:
        yield Server(tmp_path, saved, url)


def test_a_higher_version_takes_over(server):
    assert (server.states(), server.answer()) == ({"1": "AVAILABLE"}, 1.0)

    server.publish("2", "10")

    server.wait_for({"10": "AVAILABLE", "1": "END"})
    assert server.answer() == server.answer("/versions/10") == 2.0
    assert server.answer("/versions/1") == "Servable not found for request: Specific(model, 1)"


def test_a_request_that_is_being_answered_keeps_its_version(server, monkeypatch):
    running, finish, run = threading.Event(), threading.Event(), Servable.run

    def slow(self, signature, tensors):
        running.set()
        finish.wait(PATIENCE)
        return run(self, signature, tensors)

    with ThreadPoolExecutor() as threads:
        monkeypatch.setattr(Servable, "run", slow)
        answer = threads.submit(server.answer)
        try:
            assert running.wait(PATIENCE)
            monkeypatch.undo()
            server.publish("2", "2")
            server.wait_for({"2": "AVAILABLE", "1": "END"})
            assert server.answer() == 2.0
        finally:
            finish.set()
        assert answer.result() == 1.0


def test_a_lower_version_is_not_loaded(server):
    server.publish("1", "0")
    time.sleep(10 * POLL_SECONDS)
    assert server.states() == {"1": "AVAILABLE"}
    server.publish("2", "2")
    server.wait_for({"2": "AVAILABLE", "1": "END"})


def test_a_broken_version_does_not_evict_the_good_one(server):
    server.publish("broken", "2")

    server.wait_for({"2": "END", "1": "AVAILABLE"})
    assert server.answer() == 1.0
    [broken] = httpx.get(f"{server.url}/versions/2").json()["model_version_status"]
    assert broken["status"]["error_code"] != "OK"
    assert broken["status"]["error_message"]

    server.publish("2", "3")
    server.wait_for({"3": "AVAILABLE", "2": "END", "1": "END"})
    assert server.answer() == 2.0


def test_a_file_whose_name_is_a_number_is_a_broken_version(server):
    (server.base / "9").write_text("no folder")
    server.wait_for({"9": "END", "1": "AVAILABLE"})
    assert server.answer() == 1.0


def test_going_back_by_removing_the_highest_version(server):
    server.publish("2", "2")
    server.wait_for({"2": "AVAILABLE", "1": "END"})
    shutil.rmtree(server.base / "2")
    server.wait_for({"2": "END", "1": "AVAILABLE"})
    assert server.answer() == 1.0


def test_removing_all_versions_unloads_the_model(server):
    shutil.rmtree(server.base / "1")
    server.wait_for({"1": "END"})
    assert server.answer() == "Servable not found for request: Latest(model)"
    assert httpx.get(f"{server.url}/metadata").status_code == 404  # what readiness probes ask for
    assert httpx.get(server.url).status_code == 200


def test_a_missing_base_path_unloads_nothing(server):
    away = server.base.with_name(server.base.name + "-away")
    server.base.rename(away)
    time.sleep(0.2)  # some polls
    assert (server.states(), server.answer()) == ({"1": "AVAILABLE"}, 1.0)
    away.rename(server.base)
    server.publish("2", "2")
    server.wait_for({"2": "AVAILABLE", "1": "END"})


def test_start_needs_a_base_path(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"), running(tmp_path / "absent"):
        pass


def test_start_needs_a_version_when_looking_only_once(tmp_path):
    with pytest.raises(FileNotFoundError, match="no version folder"), running(tmp_path, poll_seconds=0):
        pass


def test_start_needs_a_version_that_loads(tmp_path, saved):
    shutil.copytree(saved / "broken", tmp_path / "4")
    with pytest.raises(RuntimeError, match="version 4 does not load: "), running(tmp_path):
        pass


def test_start_waits_for_a_version_and_opens_its_ports_then(tmp_path, saved):
    ports = {free_port(), free_port()}

    def connections() -> set[int]:
        """What connecting to each port comes to."""
        found = set()
        for port in ports:
            with socket.socket() as client:
                found.add(client.connect_ex(("127.0.0.1", port)))
        return found

    before = []

    def publish() -> None:
        before.append(connections())
        shutil.copytree(saved / "1", tmp_path / "x").rename(tmp_path / "1")

    threading.Timer(0.3, publish).start()
    rest, grpc = ports
    with running(tmp_path, port=rest, grpc_port=grpc, poll_seconds=POLL_SECONDS) as url:
        assert Server(tmp_path, saved, url).answer() == 1.0
        assert (before, connections()) == ([{errno.ECONNREFUSED}], {0})
