"""Which server `infogan-serve` runs, and the command for the ones that are not its own."""

import shutil
import subprocess
from collections.abc import Mapping

from infogan_serving.model_server_flags import PATHS, is_remote

TF_SERVING, DOCKER, LOCAL = ENGINES = ("tf-serving", "docker", "local")
PROGRAM = "tensorflow_model_server"
GRPC_PORT = 8500  # tensorflow_model_server's own default


def choose(engine: str, gpu: bool) -> tuple[str, str]:
    """The engine to take and why.

    Args:
        engine: one of `ENGINES`, or auto: the first of them that is on this machine. Nothing is ever downloaded.
        gpu: the GPU image is meant, so auto is docker.

    Raises:
        RuntimeError: it is not on this machine; with what would bring it.
    """
    if gpu and engine not in ("auto", DOCKER):
        raise RuntimeError(f"--gpu is for --engine={DOCKER}; the others use a GPU if their TensorFlow has one")
    if engine != "auto" or gpu:
        engine = DOCKER if gpu else engine
        if lack := _lack(engine, gpu):
            raise RuntimeError(f"--engine={engine}: {lack}")
        return engine, "as asked for"
    lacks = []
    for candidate in ENGINES:
        if not (lack := _lack(candidate, gpu)):
            break
        lacks.append(lack)
    return candidate, "; ".join(lacks) or f"{PROGRAM} is on PATH"


def command(engine: str, given: Mapping[str, object], address: str, gpu: bool) -> list[str]:
    """The command line of TensorFlow Serving.

    Args:
        engine: tf-serving or docker.
        given: values by the names of `model_server_flags.FLAGS`, paths absolute; passed on as they are.
        address: of the interface on which docker publishes the ports.
        gpu: docker's GPU image with all GPUs.
    """
    server_flags = [f"--{name}={_text(value)}" for name, value in given.items()]
    if engine == TF_SERVING:
        return [PROGRAM, *server_flags]
    host = f"[{address}]" if ":" in address else address
    ports = given["rest_api_port"], given.get("port", GRPC_PORT)
    # Everything keeps its path inside the container, so that flags and configuration files need no translation.
    paths = [value for name, value in given.items() if name in PATHS and not is_remote(value)]
    return [
        *("docker", "run", "--rm", "--pull=never"),
        "--init",  # the server handles no signal, and as process 1 would ignore SIGTERM
        *(["--gpus=all"] if gpu else []),
        *(f"--publish={host}:{port}:{port}" for port in ports if port),
        *(f"--mount=type=bind,source={path},target={path},readonly" for path in paths),
        f"--entrypoint={PROGRAM}",
        _image(gpu),
        *server_flags,
    ]


def _lack(engine: str, gpu: bool) -> str:
    """Why an engine cannot run here; empty if it can."""
    if engine == TF_SERVING and not shutil.which(PROGRAM):
        return f"no {PROGRAM} on PATH"
    if engine == DOCKER and not shutil.which("docker"):
        return "no docker on PATH"
    if engine == DOCKER:
        found = subprocess.run(
            ["docker", "image", "inspect", "--format={{.Id}}", _image(gpu)], capture_output=True, text=True, check=False
        )
        if found.returncode:
            hint = f" (docker pull {_image(gpu)} brings it)" if "No such image" in found.stderr else ""
            return f"docker: {found.stderr.strip()}{hint}"
    return ""


def _image(gpu: bool) -> str:
    return "tensorflow/serving:latest-gpu" if gpu else "tensorflow/serving:latest"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
