"""The functions that a servable offers, each row of a batch independent of the others.

Argument names become input names and keys of the returned dict become output names. TensorFlow Serving wants every
output batch first, so `describe` repeats its text for each row of an input that it ignores.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from infogan_tf.model import InfoGAN


class Signature(NamedTuple):
    """A function of batches and the specs of its arguments."""

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: tuple[tf.TensorSpec, ...]


def signatures(model: InfoGAN, description: dict[str, Any]) -> dict[str, Signature]:
    """The servable's signatures by name.

    Args:
        model: What they compute.
        description: What `describe` answers, as JSON.
    """
    height, width, channels = model.image_shape
    text = tf.constant(json.dumps(description))
    z = tf.TensorSpec([None, model.noise_size], tf.float32, "z")
    c = tf.TensorSpec([None, model.codes.size], tf.float32, "c")
    x = tf.TensorSpec([None, height, width, channels], tf.float32, "x")
    strings = [tf.TensorSpec([None], tf.string, name) for name in ("image_bytes", "query")]

    def image(z: tf.Tensor, c: tf.Tensor) -> tf.Tensor:
        return tf.cast(model.generator([z, c], training=False), tf.float32)

    def generate(z: tf.Tensor, c: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"image": image(z, c)}

    def infer_code(x: tf.Tensor) -> dict[str, tf.Tensor]:
        return model.call(x, training=False)

    def generate_png(z: tf.Tensor, c: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = tf.cast(tf.round(image(z, c) * 255), tf.uint8)
        return {"png_bytes": tf.map_fn(tf.io.encode_png, pixels, fn_output_signature=tf.string)}

    def decode(image_bytes: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_image(image_bytes, channels=channels, expand_animations=False)
        return tf.ensure_shape(pixels, [height, width, channels])

    def infer_code_png(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        pixels = tf.map_fn(decode, image_bytes, fn_output_signature=tf.TensorSpec(model.image_shape, tf.uint8))
        return infer_code(tf.cast(pixels, tf.float32) / 255)

    def describe(query: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"description": tf.fill([tf.shape(query)[0]], text)}

    return {
        "serving_default": Signature(infer_code, (x,)),
        "generate": Signature(generate, (z, c)),
        "infer_code": Signature(infer_code, (x,)),
        "generate_png": Signature(generate_png, (z, c)),
        "infer_code_png": Signature(infer_code_png, (strings[0],)),
        "describe": Signature(describe, (strings[1],)),
    }


def write_saved_model(model: InfoGAN, endpoints: dict[str, Signature], path: str) -> None:
    """Writes the SavedModel; its variables are the model's."""
    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, (function, inputs) in endpoints.items():
        archive.add_endpoint(name=name, fn=function, input_signature=list(inputs))
    archive.write_out(path, verbose=False)
