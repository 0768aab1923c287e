"""A predict request, from body to body.

As ProcessPredictRequest in tensorflow_serving/model_servers/http_rest_api_handler.cc and
FillPredictRequestFromJson in tensorflow_serving/util/json_tensor.cc.
"""

from collections.abc import Callable

from infogan_serving.local.batches import Inputs, read_columns, read_rows, write_columns, write_rows
from infogan_serving.local.errors import invalid
from infogan_serving.local.json_dialect import JsonObject, parse, quote
from infogan_serving.local.servable import DEFAULT_SIGNATURE, Servable

_FORMS = {"instances": (read_rows, write_rows), "inputs": (read_columns, write_columns)}


def predict(body: bytes, find: Callable[[], Servable]) -> bytes:
    """The JSON answer to a JSON request.

    Args:
        body: `{"signature_name": ..., "instances": [...]}` or `{"signature_name": ..., "inputs": ...}`.
        find: looks the version up. It is called only once the JSON is known to be well-formed, because the
            order of the checks decides which of several mistakes is reported.

    Raises:
        RequestError: any mistake.
    """
    try:
        request = parse(body)
        if not isinstance(request, JsonObject):
            raise invalid(f"JSON Value: {quote(request)} Is not object")
        signature = request.get("signature_name", "")
        if not isinstance(signature, str):
            raise invalid(
                f"JSON Value: {quote(request)} not formatted correctly. 'signature_name' key must be a string value."
            )
        servable = find()
        inputs = _inputs(servable, signature)
        form = _form(request)
        read, write = _FORMS[form]
        tensors = read(request[form], inputs)
    except RecursionError as error:
        raise invalid("JSON Parse error: nested too deeply for the local server") from error
    outputs = servable.run(signature or DEFAULT_SIGNATURE, tensors)
    return write(outputs).encode("utf-8", "surrogateescape")


def _inputs(servable: Servable, signature: str) -> Inputs:
    name = signature or DEFAULT_SIGNATURE
    if name not in list(servable.signatures.signature_def):  # the map itself looks for nothing that is not UTF-8
        raise invalid(f'Serving signature name: "{name}" not found in signature def')
    inputs = servable.inputs(name)
    if not inputs:
        raise invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
    return inputs


def _form(request: JsonObject) -> str:
    """Which of the two keys the request has."""
    if "instances" not in request:
        if "inputs" not in request:
            raise invalid("Missing 'inputs' or 'instances' key")
        return "inputs"
    if "inputs" in request:
        raise invalid(
            f"JSON Value: {quote(request)} Not formatted correctly expecting only one of 'inputs' or "
            "'instances' keys to exist "
        )
    if not isinstance(request["instances"], list):
        raise invalid(f"JSON Value: {quote(request)} Expecting 'instances' to be an list/array")
    if not request["instances"]:
        raise invalid(f"JSON Value: {quote(request)} No values in 'instances' array")
    return "instances"
