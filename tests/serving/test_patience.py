"""Repetitions, limits of time, and connections that are kept."""

import json
import re
import socket

import pytest

from infogan_serving import (
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    ServingError,
    UnavailableError,
    UnexpectedAnswerError,
)
from infogan_serving.calls import Calls
from infogan_serving.wire import steps
from infogan_serving.wire.rest import RestFormat
from infogan_serving.wire.steps import Exchange, Pause, Send, patiently, run
from tests.serving.scripted import CUT, DRIP, SERVERS, Script, scripted_http


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(steps, "FIRST_PAUSE", 1e-3)
    monkeypatch.setattr("infogan_serving.calls._POLL_SECONDS", 1e-3)


def test_unavailable_servers_are_asked_again(make_client, transport):
    script = Script("UNAVAILABLE", "UNAVAILABLE", "AVAILABLE")
    with SERVERS[transport](script) as url, make_client(url) as client:
        [entry] = client.status()["model_version_status"]
    assert (entry["state"], script.asked) == ("AVAILABLE", 3)


def test_lost_connections_are_asked_again(make_client):
    script = Script(CUT, CUT, "AVAILABLE")
    with scripted_http(script) as url, make_client(url) as client:
        [entry] = client.status()["model_version_status"]
    assert (entry["state"], script.asked, script.connections) == ("AVAILABLE", 3, 3)


@pytest.mark.parametrize("retries", [0, 2])
def test_the_last_repetition_tells(make_client, transport, retries):
    script = Script(*["UNAVAILABLE"] * 5)
    with (
        SERVERS[transport](script) as url,
        make_client(url, retries=retries) as client,
        pytest.raises(UnavailableError, match="text of UNAVAILABLE") as raised,
    ):
        client.status()
    assert (raised.value.status, script.asked) == (503, 1 + retries)


@pytest.mark.parametrize(
    ("code", "error", "status"),
    [
        ("INVALID_ARGUMENT", InvalidRequestError, 400),
        ("FAILED_PRECONDITION", InvalidRequestError, 400),
        ("PERMISSION_DENIED", ServingError, 403),
        ("NOT_FOUND", NotFoundError, 404),
        ("RESOURCE_EXHAUSTED", ServingError, 429),
        ("INTERNAL", ServingError, 500),
        ("DEADLINE_EXCEEDED", DeadlineExceededError, 504),
    ],
)
def test_other_errors_are_told_at_once(make_client, transport, code, error, status):
    script = Script(code, "AVAILABLE")
    with (
        SERVERS[transport](script) as url,
        make_client(url) as client,
        pytest.raises(ServingError, match=f"text of {code}") as raised,
    ):
        client.status()
    assert (type(raised.value), raised.value.status, script.asked) == (error, status, 1)


def test_connections_are_kept(make_client):
    script = Script(*["AVAILABLE", "NOT_FOUND"] * 10)
    with scripted_http(script) as url, make_client(url) as client:
        for _ in range(10):
            client.status()
            with pytest.raises(NotFoundError):
                client.status()
    assert (script.asked, script.connections) == (20, 1)


def test_wait_until_ready_wants_a_version_that_is_available(make_client, transport):
    script = Script("NOT_FOUND", "UNAVAILABLE", "START", "LOADING", "END", "AVAILABLE", "not asked for")
    with SERVERS[transport](script) as url, make_client(url) as client:
        client.wait_until_ready()
    assert script.asked == 6


OTHERS = ["<html>Welcome to nginx!</html>", "{}", "[]", "null", ""]


@pytest.mark.parametrize("answer", OTHERS)
def test_something_else_answers(make_client, answer):
    with (
        scripted_http(Script(answer)) as url,
        make_client(url) as client,
        pytest.raises(UnexpectedAnswerError, match=re.escape(f"not the answer that was expected: {answer}")),
    ):
        client.status()


def test_wait_until_ready_waits_while_something_else_answers(make_client):
    with scripted_http(Script(*OTHERS, "AVAILABLE")) as url, make_client(url) as client:
        client.wait_until_ready()


def test_another_model_under_the_same_name_is_known_after_one_failed_call():
    """First with two outputs, then with one; the path of a request, and the answer to it."""
    calls = Calls(RestFormat("m", None), timeout=60, max_batch_size=1, retries=0)
    answers = iter(
        [
            ("/v1/models/m/metadata", {"a": "DT_FLOAT", "b": "DT_FLOAT"}),
            ("/v1/models/m:predict", {"a": [1], "b": [2]}),
            ("/v1/models/m:predict", [3]),
            ("/v1/models/m/metadata", {"a": "DT_FLOAT"}),
            ("/v1/models/m:predict", [4]),
        ]
    )

    def perform(step: Send) -> bytes:
        target, answer = next(answers)
        assert step.target == target
        if target.endswith("metadata"):
            signature = {"inputs": {}, "outputs": {name: {"dtype": dtype} for name, dtype in answer.items()}}
            return json.dumps({"metadata": {"signature_def": {"signature_def": {"s": signature}}}}).encode()
        return json.dumps({"outputs": answer}).encode()

    def ask() -> dict[str, list]:
        found = run(calls.patiently(calls.predict("s", {"x": [0.0]})), perform)
        return {name: values.tolist() for name, values in found.items()}

    assert ask() == {"a": [1], "b": [2]}
    with pytest.raises(UnexpectedAnswerError):
        ask()
    assert ask() == {"a": [4]}
    assert next(answers, None) is None


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_no_answer_in_time(make_client, scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and never answers
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        with make_client(url, timeout=0.2) as client, pytest.raises(DeadlineExceededError, match=url):
            client.status()


def test_an_answer_that_does_not_end_in_time(make_client):
    with (
        scripted_http(Script(DRIP)) as url,
        make_client(url, timeout=0.2) as client,
        pytest.raises(DeadlineExceededError, match=f"{url}: timed out") as raised,
    ):
        client.status()
    assert raised.value.status is None


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_no_server(make_client, scheme):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{unused.getsockname()[1]}"
        with make_client(url) as client, pytest.raises(UnavailableError, match=f"(?s){url}: .*(refused|failed)"):
            client.describe()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(steps, "monotonic", clock)
    monkeypatch.setattr(steps.random, "uniform", lambda _, high: high)
    monkeypatch.setattr(steps, "FIRST_PAUSE", 0.1)
    return clock


def asking(exchanges: int):
    answers = []
    for i in range(exchanges):
        answers.append((yield Exchange(f"{i}", None, bytes.decode)))
    return answers


def test_all_requests_of_a_call_share_its_time(clock):
    call = patiently(asking(3), timeout=10, retries=3)
    assert next(call) == Send("0", None, 10)
    clock.now += 4
    assert call.send(b"a") == Send("1", None, 6)
    clock.now += 6
    with pytest.raises(DeadlineExceededError):
        call.send(b"b")


def test_answers_come_back_in_order():
    call = patiently(asking(2), timeout=10, retries=3)
    next(call)
    call.send(b"a")
    with pytest.raises(StopIteration) as stop:
        call.send(b"b")
    assert stop.value.value == ["a", "b"]


def test_pauses_double_and_never_pass_the_end(clock):
    call = patiently(asking(1), timeout=10, retries=100)
    lost = UnavailableError("lost")
    next(call)
    pauses = []
    with pytest.raises(UnavailableError) as raised:
        while True:
            step = call.throw(lost)
            pauses.append(step.seconds)
            clock.now += step.seconds
            assert call.send(None) == Send("0", None, pytest.approx(1010 - clock.now))
    assert raised.value is lost
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2])  # 6.3 s; another 6.4 would be too long


def test_every_request_has_its_own_repetitions(clock):
    call = patiently(asking(2), timeout=100, retries=1)
    next(call)
    for answer in b"a", b"b":
        assert call.throw(UnavailableError("lost")) == Pause(0.1)
        call.send(None)
        if answer == b"a":
            call.send(answer)
    with pytest.raises(StopIteration) as stop:
        call.send(b"b")
    assert stop.value.value == ["a", "b"]
