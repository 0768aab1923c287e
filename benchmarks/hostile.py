"""Requests that nobody should send, and what the server makes of them.

Each function makes the bytes of one HTTP request for the model `infogan`. The server may refuse it or close the
connection; only where chance has left a request whole may it answer.
"""

from __future__ import annotations

import gzip
import json
import socket

import numpy as np

SECONDS = 120  # for the server to give up on what never arrives
EXPECTED = {"refused", "closed", "whole"}
DEPTH = 500_000
BOMB = gzip.compress(bytes(101 * 2**20))


def fuzzed_json(rng: np.random.Generator) -> bytes:
    """A good body with some bytes replaced."""
    body = bytearray(
        json.dumps({"signature_name": "generate", "inputs": {"z": [[0.0] * 62], "c": [[0.0] * 12]}}).encode()
    )
    for place in rng.integers(0, len(body), rng.integers(1, 20)):
        body[place] = rng.integers(0, 256)
    return _post(bytes(body))


def random_bytes(rng: np.random.Generator) -> bytes:
    """A body of noise."""
    return _post(rng.bytes(rng.integers(0, 5000)))


def deep_nesting(rng: np.random.Generator) -> bytes:
    """Half a million levels, closed or not."""
    opening, closing = [(b"[", b"]"), (b'{"a":', b"}")][rng.integers(2)]
    closed = closing * DEPTH if rng.integers(2) else b""
    return _post(b'{"inputs":' + opening * DEPTH + b"1" + closed + b"}")


def huge_numbers(rng: np.random.Generator) -> bytes:
    """A number of up to a million digits, or with such an exponent."""
    digits = b"9" * int(rng.integers(400, 1_000_000))
    number = [digits, b"1e" + digits, b"-" + digits, b"0." + digits + b"e999"][rng.integers(4)]
    return _post(b'{"inputs": {"z": [[' + number + b']], "c": [[1]]}}')


def absurd_shapes(rng: np.random.Generator) -> bytes:
    """Ragged, empty, too wide, too deep, or far more rows of one input than of the other."""
    value = [[[1, 2], [3]], [[]] * 1000, [[0.0] * 100_000], [[0.0] * 62] * 1000, 0.0][rng.integers(5)]
    for _ in range(rng.integers(0, 200)):
        value = [value]
    return _post(json.dumps({"signature_name": "generate", "inputs": {"z": value, "c": [[0.0] * 12]}}).encode())


def gzip_bomb(rng: np.random.Generator) -> bytes:
    """A hundred kilobytes that would be a hundred megabytes, whole or cut off."""
    return _post(BOMB[: rng.integers(100, len(BOMB) + 1)], b"Content-Encoding: gzip\r\n")


def tricky_path(rng: np.random.Generator) -> bytes:
    """Names that look like paths, that end early, or never."""
    names = [
        b"../../etc/passwd",
        b"..%2f..%2fetc%2fpasswd",
        b"infogan%00",
        b"%ff%fe",
        b"a" * 60_000,
        b"infogan/versions/" + b"9" * 1000,
        b"infogan/versions/-1",
        b"infogan/labels/..%2F",
        b"infogan/1/saved_model.pb",
        b"%",
    ]
    return b"GET /v1/models/" + names[rng.integers(len(names))] + b"/metadata HTTP/1.1\r\nHost: h\r\n\r\n"


def broken_http(rng: np.random.Generator) -> bytes:
    """No HTTP at all, or HTTP that contradicts itself."""
    head = b"POST /v1/models/infogan:predict HTTP/1.1\r\nHost: h\r\n"
    return [
        rng.bytes(200) + b"\r\n\r\n",
        head + b"Content-Length: -1\r\n\r\n",
        head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        head + b"A: " + b"a" * 100_000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ][rng.integers(6)]


def half_a_request(rng: np.random.Generator) -> bytes:
    """A request whose end never comes."""
    whole = _post(b'{"inputs": 1}')
    return whole[: rng.integers(0, len(whole))]


KINDS = {
    fuzzed_json: 0.265,
    random_bytes: 0.15,
    deep_nesting: 0.05,
    huge_numbers: 0.1,
    absurd_shapes: 0.1,
    gzip_bomb: 0.02,
    tricky_path: 0.15,
    broken_http: 0.16,
    half_a_request: 0.005,  # few, for the server gives each half a minute or more
}


def verdict(address: tuple[str, int], seed: int) -> tuple[str, str]:
    """Sends the hostile request number `seed`; returns its kind and what became of it.

    That is `refused` (4xx), `closed`, `whole` (a fuzzed body that was still good), or what went wrong.
    """
    rng = np.random.default_rng(seed)
    kind = rng.choice(np.array(list(KINDS), dtype=object), p=list(KINDS.values()))
    try:
        with socket.create_connection(address, timeout=SECONDS) as connection:
            try:
                connection.sendall(kind(rng))
                answer = connection.recv(2**16)
            except (ConnectionResetError, BrokenPipeError):
                answer = b""
    except OSError as error:
        return kind.__name__, repr(error)
    if not answer:
        return kind.__name__, "closed"
    if answer.startswith(b"HTTP/1.1 4"):
        return kind.__name__, "refused"
    if answer.startswith(b"HTTP/1.1 200 ") and kind is fuzzed_json:
        return kind.__name__, "whole"
    return kind.__name__, repr(answer[:300])


def _post(body: bytes, headers: bytes = b"") -> bytes:
    return b"POST /v1/models/infogan:predict HTTP/1.1\r\nHost: h\r\n%sContent-Length: %d\r\n\r\n%s" % (
        headers,
        len(body),
        body,
    )
