"""`infogan-serve`: the local server on the command line, with the flags of tensorflow_model_server."""

import importlib.util
import os
import signal
import sys

from absl import app, flags, logging

_BASE_PATH = flags.DEFINE_string("model_base_path", None, "Folder above the version folders.", required=True)
_NAME = flags.DEFINE_string("model_name", "model", "Name of the model in the URL.")
_PORT = flags.DEFINE_integer("rest_api_port", 8501, "Port of REST; 0 takes a free one.", 0, 65535)
_GRPC_PORT = flags.DEFINE_integer("port", 8500, "Port of gRPC, if grpcio is installed; 0: no gRPC.", 0, 65535)
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
flags.register_validator("model_base_path", os.path.isdir, message="There is no such folder.")


def _serve(argv: list[str]) -> None:
    if argv[1:]:
        raise app.UsageError(f"Unexpected arguments: {' '.join(argv[1:])}")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    from infogan_serving.local import running  # noqa: PLC0415 - TensorFlow, once the flags are known to be good

    base_path, name = os.path.abspath(_BASE_PATH.value), _NAME.value
    grpc_port = _grpc_port()
    try:
        with running(
            base_path,
            name,
            _PORT.value,
            _ADDRESS.value,
            _POLL.value,
            cors=_CORS.value,
            grpc_port=grpc_port,
            warm_up=_WARM_UP.value,
            timeout_seconds=_TIMEOUT.value / 1000,
        ) as url:
            logging.info(
                "Local stand-in for TensorFlow Serving (the server for real use): %s at %s/v1/models/%s%s",
                base_path,
                url,
                name,
                f", gRPC at {_ADDRESS.value} port {grpc_port}" if grpc_port else "",
            )
            signal.pause()
    except (OSError, RuntimeError) as error:
        sys.exit(f"infogan-serve: {error}")


def _grpc_port() -> int | None:
    if _GRPC_PORT.value and importlib.util.find_spec("grpc") is None:
        logging.warning("REST only: gRPC needs grpcio (pip install grpcio)")
        return None
    return _GRPC_PORT.value or None


def main() -> None:
    """Serves until SIGTERM or SIGINT; exit status 0 then, 1 if it cannot start."""
    flags.FLAGS.set_default("verbosity", logging.INFO)
    for flag in flags.FLAGS.get_key_flags_for_module(__name__):
        # --help lists the flags of the script that was started, which is not this module
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(_serve)
