"""Request bodies, of bounded size."""

import zlib

from starlette.requests import Request

from infogan_serving.local.errors import invalid

MAX_BYTES = 100 * 2**20  # TensorFlow Serving's bound on what gzip may expand to
_GZIP = zlib.MAX_WBITS | 16
_PIECE = 2**12  # bytes, which unpack to 4 MiB at most


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
    """The unpacked body; empty if it is not one gzip member alone or unpacks to more than 100 MiB.

    As in TensorFlow Serving, see tensorflow_serving/util/net_http/server/internal/evhttp_request.cc.
    """
    # Measured before it is kept, so that what is refused takes no memory.
    unpacker, size = zlib.decompressobj(_GZIP), 0
    try:
        for start in range(0, len(body), _PIECE):
            if size > MAX_BYTES or unpacker.eof:
                return b""
            size += len(unpacker.decompress(body[start : start + _PIECE]))
        fits = unpacker.eof and not unpacker.unused_data and size <= MAX_BYTES
        return zlib.decompress(body, _GZIP, bufsize=size or 1) if fits else b""
    except zlib.error:
        return b""
