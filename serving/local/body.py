"""Request bodies, of bounded size."""

import zlib

from starlette.requests import Request

from infogan_serving.local.errors import invalid

MAX_BYTES = 100 * 2**20  # TensorFlow Serving's bound on what gzip may expand to


async def read_body(request: Request) -> bytes:
    """The body as sent.

    Raises:
        RequestError: 400, it is larger than 100 MiB.
    """
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BYTES:  # beyond it the rest is read and dropped, so that the client sees the answer
            chunks.append(chunk)
    if size > MAX_BYTES:
        raise invalid(f"Request body of {size} bytes is larger than {MAX_BYTES}")
    return b"".join(chunks)


def gunzip(body: bytes) -> bytes:
    """The unpacked body; empty if it is not gzip or unpacks to more than 100 MiB, as in TensorFlow Serving.

    See tensorflow_serving/util/net_http/server/internal/evhttp_request.cc.
    """
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(body, MAX_BYTES)
    except zlib.error:
        return b""
    return unpacked if unpacker.eof else b""
