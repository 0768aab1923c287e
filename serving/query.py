"""Asks a model behind TensorFlow Serving or infogan-serve.

infogan-query describe
infogan-query generate --digit=3 --slant=-1:1:9 --out=row.png
infogan-query infer picture.png more.jpg

generate takes a flag for each of the model's codes. Its value is a number (for a category its index, or
label:NAME for the category that matched a label), or a sweep start:stop:count. Several sweeps make a grid; the
last one runs along the rows. A code of several dimensions takes one value for all, or one for each with commas
between. What has no flag is drawn from its prior and is the same in all images of a draw. A code named like
another flag is given without the dashes.

infer takes PNG, JPEG, BMP and GIF of any size, of which it sees what training on a folder would: the middle, resized.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from absl import app, flags

import infogan_serving
from infogan_serving.errors import ServingError
from infogan_serving.pictures import contact_sheet, fitted, opaque
from infogan_serving.sweeps import grid

_URL = flags.DEFINE_string("url", "http://127.0.0.1:8501", "Of the server: http://HOST:PORT or grpc://HOST:PORT.")
_MODEL = flags.DEFINE_string("model", "infogan", "Name of the model there.")
_TIMEOUT = flags.DEFINE_float("timeout", 60.0, "Seconds that the server may take for each question.", 0.001)
_OUT = flags.DEFINE_string("out", None, "File to write: generate: a .png; others: JSON, by default printed.")
_N = flags.DEFINE_integer("n", 1, "generate: draws of what has no flag, one below the other.", 1)
_SEED = flags.DEFINE_integer("seed", 0, "generate: of the draws.", 0)


def _generate(words: list[str]) -> None:
    if not (_OUT.value or "").endswith(".png"):
        raise app.UsageError(f"generate needs --out=NAME.png, not --out={_OUT.value or ''}")
    values = {}
    for word in words:
        name, is_pair, value = word.removeprefix("--").partition("=")
        if not is_pair:
            raise app.UsageError(f"{word}: a code takes a value, as in --{name}=VALUE")
        if name in values:
            raise app.UsageError(f"{word}: --{name} is given twice")
        values[name] = value
    with _client() as client:
        z, c, rows, columns = grid(client.describe(), values, _N.value, _SEED.value)
        images = client.generate(z=z, c=c)
    _write(contact_sheet(images.reshape(rows, columns, *images.shape[1:])))


def _infer(paths: list[str]) -> None:
    if not paths or any(path.startswith("-") for path in paths):
        raise app.UsageError(f"infer takes paths of pictures, not {' '.join(paths) or 'nothing'}")
    pictures = [opaque(path) for path in paths]
    with _client() as client:
        shape = client.describe()["image_shape"]
        posterior = client.infer_code(np.stack([fitted(picture, shape) for picture in pictures]))
    rows = {name: np.round(values.astype(np.float64), 6).tolist() for name, values in posterior.items()}
    _write_json([{"file": path, **{name: rows[name][i] for name in sorted(rows)}} for i, path in enumerate(paths)])


def _describe(words: list[str]) -> None:
    if words:
        raise app.UsageError(f"describe takes nothing, not {' '.join(words)}")
    with _client() as client:
        _write_json(client.describe())


_COMMANDS = {"describe": _describe, "generate": _generate, "infer": _infer}


def _client() -> "infogan_serving.Client":
    return infogan_serving.Client(_URL.value, _MODEL.value, timeout=_TIMEOUT.value)


def _write_json(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    if _OUT.value:
        _write(f"{text}\n".encode())
    else:
        print(text)


def _write(content: bytes) -> None:
    path = Path(_OUT.value).expanduser()
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    print(f"written to {path}")


def _query(argv: list[str]) -> None:
    command, *words = argv[1:] or ["nothing"]
    if command not in _COMMANDS:
        raise app.UsageError(f"The first word must be one of {', '.join(_COMMANDS)}, not {command}")
    try:
        _COMMANDS[command](words)
    except ModuleNotFoundError as error:
        sys.exit(f"infogan-query: error: {error}: pip install '.[serving]' in a clone of infogan-tf")
    except (ServingError, ValueError, OSError, ImportError) as error:
        sys.exit(f"infogan-query: error: {error}")


def _parse(argv: list[str]) -> list[str]:
    try:
        return flags.FLAGS(argv, known_only=True)  # those of codes are known once the model has described itself
    except flags.Error as error:
        sys.exit(f"infogan-query: error: {error}")


def main() -> None:
    """Entry point of `infogan-query`; exit status 1 for what went wrong."""
    sys.modules["__main__"].__doc__ = __doc__  # what --help prints
    for flag in flags.FLAGS.get_key_flags_for_module(__name__):
        # --help lists the flags of the script that was started, which is not this module
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    flags.FLAGS.set_gnu_getopt()  # flags may follow the command
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else it tells of every request
    app.run(_query, flags_parser=_parse)
