"""`infogan-serve`: TensorFlow Serving or the local server, with the flags of tensorflow_model_server."""

import contextlib
import importlib.util
import os
import shlex
import signal
import sys
from typing import Any

from absl import app, flags, logging

from infogan_serving.engines import DOCKER, ENGINES, LOCAL, TF_SERVING, choose, command
from infogan_serving.model_server_flags import FILE, FLAGS, PATHS, is_remote

_ENGINE = flags.DEFINE_enum(
    "engine",
    "auto",
    ["auto", *ENGINES],
    "tf-serving: tensorflow_model_server on PATH; docker: the image tensorflow/serving, if it is on this machine; "
    "local: the small stand-in of this package; auto: the first of these that is there.",
)
_GPU = flags.DEFINE_boolean("gpu", False, "Run docker's tensorflow/serving:latest-gpu with all GPUs.")
_BASE_PATH = flags.DEFINE_string("model_base_path", None, "Folder above the version folders.")
_NAME = flags.DEFINE_string("model_name", "model", "Name of the model in the URL.")
_PORT = flags.DEFINE_integer(
    "rest_api_port", 8501, "Port of REST; 0: a free one (local), no REST (TensorFlow Serving).", 0, 65535
)
_GRPC_PORT = flags.DEFINE_integer("port", 8500, "Port of gRPC; 0: no gRPC. The local one needs grpcio.", 0, 65535)
_POLL = flags.DEFINE_integer(
    "file_system_poll_wait_seconds", 1, "Seconds between two looks for a new version; 0: look only once.", 0
)
_CORS = flags.DEFINE_boolean("rest_api_enable_cors_support", False, "Allow requests from web pages of any origin.")
_TIMEOUT = flags.DEFINE_integer("rest_api_timeout_in_ms", 30_000, "Time for a predict request over REST.", 1)
_WARM_UP = flags.DEFINE_boolean(
    "enable_model_warmup", True, "Run a version's warm-up requests, all of which must succeed, before it is available."
)
_ADDRESS = flags.DEFINE_string(
    "address",
    "127.0.0.1",
    "Address to listen on. tensorflow_model_server has no such flag and listens on all interfaces.",
)

_OF_LOCAL = FLAGS.keys() & set(flags.FLAGS)
_DEFINE = {bool: flags.DEFINE_boolean, int: flags.DEFINE_integer, float: flags.DEFINE_float}
for _name, _kind in FLAGS.items():
    if _name not in _OF_LOCAL:
        _DEFINE.get(_kind, flags.DEFINE_string)(_name, None, "TensorFlow Serving's; the local server has none.")
    if _name in PATHS:
        _exists = os.path.isfile if _kind == FILE else os.path.isdir
        flags.register_validator(
            _name,
            lambda path, exists=_exists: path is None or is_remote(path) or exists(os.path.expanduser(path)),
            f"There is no such {_kind}.",
        )
flags.register_multi_flags_validator(
    ["model_base_path", "model_config_file"],
    lambda values: any(values.values()),
    "--model_base_path, or else --model_config_file, is needed.",
)


def _given() -> dict[str, Any]:
    """The server's flags that were given, and those whose defaults here are not its own; paths absolute."""
    always = {"rest_api_port"} if flags.FLAGS["model_config_file"].value else {"rest_api_port", "model_name"}
    names = [name for name in FLAGS if name in always or flags.FLAGS[name].present]
    values = {name: flags.FLAGS[name].value for name in names}
    return {
        name: os.path.abspath(os.path.expanduser(value)) if name in PATHS and not is_remote(value) else value
        for name, value in values.items()
    }


def _serve(argv: list[str]) -> None:
    if argv[1:]:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    try:
        engine, why = choose(_ENGINE.value, _GPU.value)
        print(f"infogan-serve: engine {engine}, {why}", file=sys.stderr)
        given = _given()
        if engine == LOCAL:
            _serve_locally(given)
        else:
            _become(engine, given)
    except (OSError, RuntimeError) as error:
        sys.exit(f"infogan-serve: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"infogan-serve: {error}: pip install '.[serving]' in a clone of infogan-tf")


def _become(engine: str, given: dict[str, Any]) -> None:
    """Replaces this process by TensorFlow Serving's, whose signals and exit status are then its own."""
    if engine == TF_SERVING and flags.FLAGS["address"].present:
        raise RuntimeError("--address: tensorflow_model_server listens on all interfaces; only docker can limit that")
    if engine == DOCKER and not _BASE_PATH.value:
        raise RuntimeError("docker also needs --model_base_path: a folder above all those in --model_config_file")
    if engine == TF_SERVING:
        print("infogan-serve: it listens on all interfaces of this machine", file=sys.stderr)
    arguments = command(engine, given, _ADDRESS.value, _GPU.value)
    print(shlex.join(arguments), file=sys.stderr, flush=True)
    try:
        os.execvp(arguments[0], arguments)
    except OSError as error:
        raise OSError(f"cannot run {arguments[0]}: {error.strerror}") from error


def _serve_locally(given: dict[str, Any]) -> None:
    if unknown := sorted(given.keys() - _OF_LOCAL):
        raise RuntimeError(
            f"--{', --'.join(unknown)}: not in the local server, only in TensorFlow Serving: "
            "install tensorflow_model_server, or docker pull tensorflow/serving"
        )
    if is_remote(given["model_base_path"]):
        raise RuntimeError(f"{given['model_base_path']}: the local server reads folders of this machine only")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    from infogan_serving.local import running  # noqa: PLC0415 - TensorFlow, once the flags are known to be good
    from infogan_serving.local.memory import give_back_large_blocks  # noqa: PLC0415

    give_back_large_blocks()
    grpc_port = _grpc_port()
    with (
        contextlib.suppress(SystemExit),  # of the signals' handler
        running(
            given["model_base_path"],
            _NAME.value,
            _PORT.value,
            _ADDRESS.value,
            _POLL.value,
            cors=_CORS.value,
            grpc_port=grpc_port,
            warm_up=_WARM_UP.value,
            timeout_seconds=_TIMEOUT.value / 1000,
        ) as url,
    ):
        logging.info(
            "Local stand-in for TensorFlow Serving (the server for real use): %s at %s/v1/models/%s%s",
            given["model_base_path"],
            url,
            _NAME.value,
            f", gRPC at {_ADDRESS.value} port {grpc_port}" if grpc_port else "",
        )
        signal.pause()
    # What ran out of time may still run in a thread, for whose end Python would wait.
    logging.flush()
    os._exit(0)


def _grpc_port() -> int | None:
    if _GRPC_PORT.value and importlib.util.find_spec("grpc") is None:
        logging.warning("REST only: gRPC needs grpcio (pip install grpcio)")
        return None
    return _GRPC_PORT.value or None


def main() -> None:
    """Serves until SIGTERM or SIGINT; exit status 0 then, 1 if it cannot start, or TensorFlow Serving's."""
    flags.FLAGS.set_default("verbosity", logging.INFO)
    for flag in flags.FLAGS.get_key_flags_for_module(__name__):
        # --help lists the flags of the script that was started, which is not this module
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(_serve)
