"""Small SavedModels whose answers have closed forms.

`python -m tests.serving.models FOLDER` writes all that the tests ask for, with a models.config, for a TensorFlow
Serving that has FOLDER at /models.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

# Every kind of code. The pixels are 0.5 + (c, z) / 64, so the code can be read off the image.
DESCRIPTION = {
    "name": "infogan",
    "noise_size": 3,
    "code_size": 10,
    "image_shape": [4, 4, 1],
    "codes": [
        {"name": "digit", "kind": "categorical", "offset": 0, "size": 3, "probs": [0.2, 0.3, 0.5]},
        {"name": "slant", "kind": "uniform", "offset": 3, "size": 1, "range": [-1.0, 1.0]},
        {"name": "style", "kind": "gaussian", "offset": 4, "size": 2},
        {"name": "flags", "kind": "bernoulli", "offset": 6, "size": 2},
        {"name": "angle", "kind": "circular", "offset": 8, "size": 2},
    ],
    "label_match": {"digit": ["seven", None, "three"]},
    "provenance": {"seed": 1},
}
JSON_DTYPES = [
    tf.float32,
    tf.float64,
    tf.int8,
    tf.int16,
    tf.int32,
    tf.int64,
    tf.uint8,
    tf.uint32,
    tf.uint64,
    tf.bool,
    tf.string,
]
OTHER_DTYPES = [tf.float16, tf.bfloat16, tf.uint16, tf.complex64, tf.complex128]  # gRPC alone carries them
_FACTOR = tf.constant(3.0)
_NOISE = tf.TensorSpec([None, 3], tf.float32, "z")
_CODE = tf.TensorSpec([None, 10], tf.float32, "c")
_IMAGE = tf.TensorSpec([None, 4, 4, 1], tf.float32, "x")


def image_of(z: np.ndarray, c: np.ndarray) -> np.ndarray:
    """The image that the model `infogan` makes of z [n, 3] and c [n, 10]."""
    pixels = 0.5 + np.concatenate([c, z, np.zeros((len(z), 3))], axis=1) / 64
    return pixels.reshape(-1, 4, 4, 1).astype(np.float32)


def save_infogan(folder: Path) -> None:
    def pixels(z, c):
        values = tf.concat([c, z, tf.zeros([tf.shape(z)[0], 3])], axis=1)
        return tf.reshape(0.5 + values / 64, [-1, 4, 4, 1])

    def posterior(x):
        code = (tf.reshape(x, [-1, 16])[:, :10] - 0.5) * 64
        return {"code": code, "digit_probs": code[:, :3], "slant_mean": code[:, 3:4]}

    def encode(image):
        return tf.io.encode_png(tf.cast(tf.round(image * 255), tf.uint8))

    def decode(png):
        return tf.ensure_shape(tf.cast(tf.io.decode_png(png, 1), tf.float32) / 255, [4, 4, 1])

    _save(
        folder,
        generate=(lambda z, c: {"image": pixels(z, c)}, [_NOISE, _CODE]),
        infer_code=(posterior, [_IMAGE]),
        serving_default=(posterior, [_IMAGE]),
        generate_png=(
            lambda z, c: {"png_bytes": tf.map_fn(encode, pixels(z, c), fn_output_signature=tf.string)},
            [_NOISE, _CODE],
        ),
        infer_code_png=(
            lambda image_bytes: posterior(tf.map_fn(decode, image_bytes, fn_output_signature=tf.float32)),
            [tf.TensorSpec([None], tf.string, "image_bytes")],
        ),
        describe=(
            lambda query: {"description": tf.fill(tf.shape(query), json.dumps(DESCRIPTION))},
            [tf.TensorSpec([None], tf.string, "query")],
        ),
    )


def save_dtypes(folder: Path) -> None:
    """Signatures that echo each dtype, and some that TensorFlow Serving's REST interface refuses."""

    def of_float(**outputs):
        return lambda x: {name: function(x) for name, function in outputs.items()}, [_any(tf.float32, "x")]

    _save(
        folder,
        **{
            f"echo_{dtype.name}": (lambda x: {"y": tf.identity(x)}, [_any(dtype, "x")])
            for dtype in JSON_DTYPES + OTHER_DTYPES
        },
        serving_default=of_float(y=lambda x: x * 2),
        two=(
            lambda a, b: {"total": a + tf.cast(b, tf.float32), "b": tf.identity(b)},
            [_any(tf.float32, "a"), _any(tf.int32, "b")],
        ),
        scaled=(
            lambda x, factor=_FACTOR: {"y": x * factor},
            [_any(tf.float32, "x"), tf.TensorSpec([], tf.float32, "factor")],
        ),
        png=(lambda x: {"y_bytes": tf.identity(x)}, [_any(tf.string, "x")]),
        texts=(lambda x: {"y_bytes": tf.identity(x), "y": tf.identity(x)}, [_any(tf.string, "x")]),
        floats_named_bytes=of_float(y_bytes=tf.identity),
        total=of_float(y=tf.reduce_sum),
        uneven=of_float(first=tf.identity, second=lambda x: x[:1]),
        no_rows=of_float(y=lambda x: x[:0]),
        no_halves=of_float(y=lambda x: tf.cast(x[:0], tf.float16)),
        product=of_float(y=lambda x: tf.matmul(x, tf.ones([2, 1]))),
        **{f"to_{dtype.name}": of_float(y=lambda x, dtype=dtype: tf.cast(x, dtype)) for dtype in OTHER_DTYPES},
        missing_file=(
            lambda x: {"y": x + tf.strings.to_number(tf.io.read_file("/missing/file"))},
            [_any(tf.float32, "x")],
        ),
    )


def save_constant(folder: Path, value: float) -> None:
    """A model whose answer is `value` for each element of x."""
    _save(folder, serving_default=(lambda x: {"y": tf.zeros_like(x) + value}, [_any(tf.float32, "x")]))


def save_untrained(base: Path) -> None:
    """A version of `tests.tiny.model()`, written by infogan_export."""
    from infogan_export import export  # noqa: PLC0415 - the other models need only TensorFlow
    from tests import tiny  # noqa: PLC0415

    export(tiny.model(), base)


def _any(dtype: tf.DType, name: str) -> tf.TensorSpec:
    return tf.TensorSpec(None, dtype, name)


def _save(folder: Path, **signatures: tuple) -> None:
    functions = {name: tf.function(function, input_signature=specs) for name, (function, specs) in signatures.items()}
    module = tf.Module()
    for name, function in functions.items():
        setattr(module, f"_{name}", function)
    tf.saved_model.save(module, str(folder), signatures=functions)


def _main(folder: Path) -> None:
    save_infogan(folder / "infogan" / "3")
    save_dtypes(folder / "dtypes" / "00000007")
    save_untrained(folder / "untrained")
    config = 'config {{ name: "{0}" base_path: "/models/{0}" model_platform: "tensorflow" }}'
    configs = "\n".join(config.format(name) for name in ("infogan", "dtypes", "untrained"))
    (folder / "models.config").write_text(f"model_config_list {{\n{configs}\n}}\n")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
