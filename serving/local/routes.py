"""The URLs under /v1/ (tensorflow_serving/model_servers/http_rest_api_util.cc)."""

import re
from typing import NamedTuple
from urllib.parse import unquote

from infogan_serving.local.errors import invalid
from infogan_serving.local.model import MAX_VERSION

_VERSION_OR_LABEL = r"(?:/versions/(\d+)|/labels/([^/:]+))?"
_PATTERNS = {
    "GET": rf"/v1/models(?:/([^/:]+))?{_VERSION_OR_LABEL}(?:/(metadata))?",
    "POST": rf"/v1/models/([^/:]+){_VERSION_OR_LABEL}:(classify|regress|predict)",
}


class Route(NamedTuple):
    """What a URL asks for. `action` is predict, classify, regress, metadata or status."""

    action: str
    model: str
    version: int | None
    label: str | None


def parse_route(method: str, target: str) -> Route:
    """The route of a request.

    Args:
        method: the HTTP method.
        target: the path as sent, still percent-encoded, together with the query.

    Raises:
        RequestError: 400; without a message for a version beyond 64 bits, which is answered with no body.
    """
    match = re.fullmatch(_PATTERNS.get(method, "(?!)"), target, re.ASCII | re.IGNORECASE)
    if match:
        model, version, label, verb = match.groups()
        number = None if version is None else _number(version)
        if method == "GET" or verb == verb.lower():  # the pattern ignores case, what follows does not
            if model is None:
                raise invalid("Missing model name in request.")
            return Route(
                action=verb if method == "POST" or verb == "metadata" else "status",
                model=unquote(model),
                version=number,
                label=None if label is None else unquote(label),
            )
    raise invalid(f"Malformed request: {method} {target}")


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    if len(significant) > len(str(MAX_VERSION)) or int(significant) > MAX_VERSION:  # int() refuses very long texts
        raise invalid("")
    return int(significant)
