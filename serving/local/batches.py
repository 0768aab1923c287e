"""The two forms of a predict request, `instances` (rows) and `inputs` (columns), and of its answer.

As FillTensorMapFromInstancesList, FillTensorMapFromInputsMap, MakeRowFormatJsonFromTensors and
MakeColumnarFormatJsonFromTensors in tensorflow_serving/util/json_tensor.cc.
"""

import json
import math
from typing import Any

import numpy as np
import tensorflow as tf

from infogan_serving.local.dtypes import to_array
from infogan_serving.local.errors import RequestError, invalid
from infogan_serving.local.json_dialect import JsonObject, quote
from infogan_serving.local.json_reader import is_base64, read_tensor
from infogan_serving.local.json_writer import write_parts

Inputs = dict[str, tf.DType]
Tensors = dict[str, np.ndarray]


def read_rows(instances: list, inputs: Inputs) -> Tensors:
    """Tensors whose row i comes from element i.

    Args:
        instances: at least one element; objects name -> value, or bare values when there is one input.
        inputs: dtype of each input of the signature.

    Raises:
        RequestError: 400, naming the first element that does not fit.
    """
    named = _is_named(instances[0])
    if len(inputs) > 1 and not named:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required "
            "as per tensorinfo_map"
        )
    shapes: dict[str, list[int]] = {}
    scalars: dict[str, list] = {name: [] for name in inputs}
    for i, element in enumerate(instances):
        if _is_named(element) != named:
            expected, got = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {expected} but got {got} at item {i} of input list")
        # TensorFlow Serving reads the values of a repeated key one after another.
        for name, value in (*element.items(), *element.repeated) if named else [(next(iter(inputs)), element)]:
            try:
                row = _read_row(name, value, inputs, shapes)
            except RequestError as error:
                key = f" key: {name}" if named else ""
                raise invalid(
                    f"Failed to process element: {i}{key} of 'instances' list. "
                    f"Error: {error.code.name}: {error.message}"
                ) from error
            scalars[name] += row
        if named and element.keys() != inputs.keys():
            raise invalid(
                f"Failed to process element: {i} of 'instances' list. JSON object: {quote(element)} "
                f"keys must be equal to: {','.join(sorted(inputs))}"
            )
    return {name: to_array(scalars[name], [len(instances), *shapes[name]], dtype) for name, dtype in inputs.items()}


def _read_row(name: str, value: Any, inputs: Inputs, shapes: dict[str, list[int]]) -> list:
    """The scalars of one row of input `name`; the first row fixes the shape."""
    if name not in inputs:
        raise invalid(f"JSON object: does not have named input: {name}")
    shape, scalars = read_tensor(value, inputs[name])
    expected = shapes.setdefault(name, shape)
    if math.prod(shape) != math.prod(expected):
        raise invalid(f"Expecting tensor size: {math.prod(expected)} but got: {math.prod(shape)}")
    if shape != expected:
        raise invalid(f"Expecting shape {_compact(expected)} but got: {_compact(shape)}")
    return scalars


def read_columns(value: Any, inputs: Inputs) -> Tensors:
    """Tensors from an object name -> tensor, or from the bare tensor when there is one input.

    Raises:
        RequestError: 400, an input is missing or does not fit; 501, its dtype has no JSON form.
    """
    if not _is_named(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required "
                "as per tensorinfo_map"
            )
        value = dict.fromkeys(inputs, value)
    tensors = {}
    for name, dtype in inputs.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        shape, scalars = read_tensor(value[name], dtype)
        tensors[name] = to_array(scalars, shape, dtype)
    return tensors


def write_rows(outputs: Tensors) -> str:
    """`{"predictions": [...]}`: one value a row, or one object a row when there are several outputs.

    Raises:
        RequestError: 400, an output has no rows, or not as many as the others, or no JSON form.
    """
    sizes: list[int] = []
    for name, values in outputs.items():
        if values.ndim == 0:
            raise invalid(f"Tensor name: {name} has no shape information ")
        sizes.append(len(values))
        if sizes[-1] != sizes[0]:
            raise invalid(f"Tensor name: {name} has inconsistent batch size: {sizes[-1]} expecting: {sizes[0]}")
    rows = zip(*(write_parts(name, values, axis=1) for name, values in outputs.items()), strict=True)
    return f'{{"predictions": [{", ".join(_join(outputs, row) for row in rows)}]}}'


def write_columns(outputs: Tensors) -> str:
    """`{"outputs": value}`, or an object name -> value when there are several outputs.

    Raises:
        RequestError: 400, an output has no JSON form.
    """
    columns = [write_parts(name, values, axis=0)[0] for name, values in outputs.items()]
    return f'{{"outputs": {_join(outputs, columns)}}}'


def _is_named(value: Any) -> bool:
    return isinstance(value, JsonObject) and not is_base64(value)


def _compact(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _join(names: Tensors, texts: list[str] | tuple[str, ...]) -> str:
    """The only text, or an object of them by name."""
    if len(texts) == 1:
        return texts[0]
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in zip(names, texts, strict=True)) + "}"
