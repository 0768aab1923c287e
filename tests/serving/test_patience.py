"""Repetitions, limits of time, and connections that are kept."""

import json
import re
import socket

import numpy as np
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
from tests.serving.models import DESCRIPTION
from tests.serving.scripted import CUT, DRIP, GARBLED, SERVERS, Script, scripted_http


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


OTHERS = ["<html>Welcome to nginx!</html>", "{}", "[]", "null", "", '{"model_version_status": null}']


@pytest.mark.parametrize("answer", OTHERS)
def test_something_else_answers(make_client, answer):
    with (
        scripted_http(Script(answer)) as url,
        make_client(url) as client,
        pytest.raises(UnexpectedAnswerError, match=re.escape(f"not the answer that was expected: {answer}")),
    ):
        client.status()


def test_an_encoding_that_is_not_what_came(make_client):
    with (
        scripted_http(Script(GARBLED)) as url,
        make_client(url) as client,
        pytest.raises(UnexpectedAnswerError, match=url),
    ):
        client.status()


def test_wait_until_ready_waits_while_something_else_answers(make_client):
    with scripted_http(Script(*OTHERS, "AVAILABLE")) as url, make_client(url) as client:
        client.wait_until_ready()


class Conversation:
    """Calls to a model `m` over REST, answered from a script: the end of a request's path, and what is answered.

    To a request for metadata, the dtypes of the outputs of the only signature; else what lies under `outputs`.
    """

    def __init__(self, *script: tuple[str, object], **options: int):
        self._answers = iter(script)
        self.calls = Calls(RestFormat("m", None), **{"timeout": 60, "max_batch_size": 1, "retries": 0, **options})

    def ask(self, asking):
        return run(self.calls.patiently(asking), self._perform)

    def over(self) -> bool:
        return next(self._answers, None) is None

    def _perform(self, step: Send) -> bytes:
        end, answer = next(self._answers)
        assert step.target == f"/v1/models/m{end}"
        if end == "/metadata":
            signatures = {
                name: {"inputs": {}, "outputs": {output: {"dtype": dtype} for output, dtype in outputs.items()}}
                for name, outputs in answer.items()
            }
            return json.dumps({"metadata": {"signature_def": {"signature_def": signatures}}}).encode()
        return json.dumps({"outputs": answer}).encode()


def test_another_model_under_the_same_name_is_known_after_one_failed_call():
    """First with two outputs, then with one."""
    talk = Conversation(
        ("/metadata", {"s": {"a": "DT_FLOAT", "b": "DT_FLOAT"}}),
        (":predict", {"a": [1], "b": [2]}),
        (":predict", [3]),
        ("/metadata", {"s": {"a": "DT_FLOAT"}}),
        (":predict", [4]),
    )
    assert talk.ask(talk.calls.predict("s", {"x": [0.0]})) == {"a": [1], "b": [2]}
    with pytest.raises(UnexpectedAnswerError):
        talk.ask(talk.calls.predict("s", {"x": [0.0]}))
    assert talk.ask(talk.calls.predict("s", {"x": [0.0]})) == {"a": [4]}
    assert talk.over()


@pytest.mark.parametrize(("declared", "answer"), [("DT_INT32", [0.7]), ("DT_BOOL", [1]), ("DT_UINT8", [300])])
def test_numbers_that_an_outdated_dtype_would_change(declared, answer):
    talk = Conversation(("/metadata", {"s": {"y": declared}}), (":predict", answer))
    with pytest.raises(UnexpectedAnswerError):
        talk.ask(talk.calls.predict("s", {"x": [0.0]}))


def test_a_signature_that_appears_meanwhile():
    """REST names no output if there is but one, so an answer cannot be read without its name."""
    talk = Conversation(("/metadata", {}), (":predict", [1]))
    with pytest.raises(UnexpectedAnswerError):
        talk.ask(talk.calls.predict("s", {"x": [0.0]}))


def test_pieces_answered_by_models_of_different_sizes():
    picture = [[[0.5]]]
    talk = Conversation(
        ("/metadata", {"infer_code": {"code": "DT_FLOAT"}, "describe": {"description": "DT_STRING"}}),
        (":predict", [json.dumps(dict(DESCRIPTION, image_shape=[1, 1, 1]))]),
        (":predict", [[1, 2]]),
        (":predict", [[1, 2, 3]]),
    )
    with pytest.raises(UnexpectedAnswerError, match="infer_code: not the answer of an InfoGAN"):
        talk.ask(talk.calls.infer_code(np.array([picture, picture])))


@pytest.mark.parametrize("description", ["no JSON", "[]", "1", '{"codes": []}'])
def test_descriptions_of_something_else(description):
    talk = Conversation(("/metadata", {"describe": {"description": "DT_STRING"}}), (":predict", [description]))
    with pytest.raises(UnexpectedAnswerError, match="describe: not the answer of an InfoGAN"):
        talk.ask(talk.calls.describe())


def test_what_matched_a_label_is_asked_for_in_each_call():
    """A new version has its categories in another order."""
    z = np.zeros((1, 3))

    def described(*labels: str) -> tuple[str, list[str]]:
        return ":predict", [json.dumps(dict(DESCRIPTION, label_match={"digit": labels}))]

    signatures = {"describe": {"description": "DT_STRING"}, "generate": {"image": "DT_FLOAT"}}
    drawn = (":predict", [[0.5]])
    talk = Conversation(
        ("/metadata", signatures), described("a", "b", "c"), drawn, described("c", "b", "a"), drawn, drawn
    )
    sent = []
    predict = talk.calls.predict

    def recorded(signature, inputs):
        if signature == "generate":
            sent.append(inputs["c"][0, :3].tolist())
        return predict(signature, inputs)

    talk.calls.predict = recorded
    for digit in "a", ["a"], 0:
        talk.ask(talk.calls.generate("generate", {"digit": digit}, z=z))
    assert sent == [[1, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert talk.over()


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
