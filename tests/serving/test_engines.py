"""`infogan-serve --engine`: which server it takes, and how it runs TensorFlow Serving. The programs are stand-ins."""

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest

from infogan_serving.engines import choose

RECORD = "import json, os, sys; json.dump(sys.argv, open(os.environ['ARGV'], 'w'))"
DOCKER = f"""
import sys
if sys.argv[1:3] == ["image", "inspect"]:
    if sys.argv[-1] in {{images}}:
        sys.exit(0)
    sys.exit("Error response from daemon: No such image: " + sys.argv[-1])
{RECORD}
sys.exit(5)
"""


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Puts a Python program on a PATH where there is nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("ARGV", str(tmp_path / "argv"))
    (tmp_path / "bin").mkdir()

    def write(name: str, code: str) -> None:
        file = tmp_path / "bin" / name
        file.write_text(f"#!{sys.executable} -IS\n{code}")
        file.chmod(0o755)

    return write


@pytest.fixture
def docker(program):
    return lambda *images: program("docker", DOCKER.format(images=images))


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "with space"
    folder.mkdir()
    return folder


def arguments(*flags: str) -> list[str]:
    return [sys.executable, "-c", "from infogan_serving.cli import main; main()", *flags]


def serve(*flags: str) -> subprocess.CompletedProcess:
    result = subprocess.run(arguments(*flags), capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
    return result


def recorded() -> list[str]:
    with open(os.environ["ARGV"]) as file:
        program, *rest = json.load(file)
    return [os.path.basename(program), *rest]


def test_auto_takes_the_program_first(program, docker):
    program("tensorflow_model_server", "")
    docker("tensorflow/serving:latest")
    assert choose("auto", False) == ("tf-serving", "tensorflow_model_server is on PATH")


def test_auto_takes_docker_where_the_image_is(docker):
    docker("tensorflow/serving:latest")
    assert choose("auto", False) == ("docker", "no tensorflow_model_server on PATH")


def test_auto_is_local_where_nothing_else_is(program):
    assert choose("auto", False) == ("local", "no tensorflow_model_server on PATH; no docker on PATH")


def test_auto_never_pulls_an_image(docker):
    docker("tensorflow/serving:latest-gpu")
    engine, why = choose("auto", False)
    assert engine == "local"
    assert why.endswith("No such image: tensorflow/serving:latest (docker pull tensorflow/serving:latest brings it)")


def test_a_docker_that_does_not_answer_is_quoted(program):
    program("docker", "import sys; sys.exit('Cannot connect to the Docker daemon')")
    assert choose("auto", False)[1].endswith("docker: Cannot connect to the Docker daemon")


def test_gpu_means_the_gpu_image(program, docker):
    program("tensorflow_model_server", "")
    docker("tensorflow/serving:latest")
    with pytest.raises(RuntimeError, match="docker pull tensorflow/serving:latest-gpu brings it"):
        choose("auto", True)
    docker("tensorflow/serving:latest-gpu")
    assert choose("auto", True) == choose("docker", True) == ("docker", "as asked for")
    with pytest.raises(RuntimeError, match="--gpu is for --engine=docker"):
        choose("tf-serving", True)


@pytest.mark.parametrize(("engine", "missing"), [("tf-serving", "tensorflow_model_server"), ("docker", "docker")])
def test_an_engine_that_is_not_there(program, base, engine, missing):
    result = serve(f"--engine={engine}", f"--model_base_path={base}")
    assert (result.returncode, result.stderr) == (1, f"infogan-serve: --engine={engine}: no {missing} on PATH\n")


def test_the_program_gets_the_flags(program, base, monkeypatch):
    program("tensorflow_model_server", f"{RECORD}; sys.exit(7)")
    monkeypatch.chdir(base.parent)
    (base / "batching.txt").touch()
    result = serve(
        "--model_base_path=with space",
        "--model_name=infogan",
        "--enable_batching",
        "--noenable_model_warmup",
        "--batching_parameters_file=with space/batching.txt",
        "--per_process_gpu_memory_fraction=0.5",
        "--port=0",
    )
    assert result.returncode == 7
    assert sorted(recorded()) == sorted(
        [
            "tensorflow_model_server",
            f"--model_base_path={base}",
            "--model_name=infogan",
            "--rest_api_port=8501",
            "--port=0",
            "--enable_batching=true",
            "--enable_model_warmup=false",
            f"--batching_parameters_file={base}/batching.txt",
            "--per_process_gpu_memory_fraction=0.5",
        ]
    )
    engine, warning, command = result.stderr.splitlines()
    assert engine == "infogan-serve: engine tf-serving, tensorflow_model_server is on PATH"
    assert "all interfaces" in warning
    assert shlex.split(command) == recorded()


def test_docker_gets_mounts_ports_and_flags(docker, base):
    docker("tensorflow/serving:latest-gpu")
    monitoring = base.parent / "monitoring.txt"
    monitoring.touch()
    result = serve(
        "--gpu",
        f"--model_base_path={base}",
        "--rest_api_port=9501",
        f"--monitoring_config_file={monitoring}",
    )
    assert result.returncode == 5
    options, server = recorded()[:-4], recorded()[-4:]
    assert options[:2] == ["docker", "run"]
    assert sorted(options[2:-1]) == sorted(
        [
            "--rm",
            "--pull=never",
            "--init",
            "--gpus=all",
            "--publish=127.0.0.1:9501:9501",
            "--publish=127.0.0.1:8500:8500",
            f"--mount=type=bind,source={base},target={base},readonly",
            f"--mount=type=bind,source={monitoring},target={monitoring},readonly",
            "--entrypoint=tensorflow_model_server",
        ]
    )
    assert options[-1] == "tensorflow/serving:latest-gpu"
    assert sorted(server) == sorted(
        [
            f"--model_base_path={base}",
            "--model_name=model",  # its own default is another, "default"
            "--rest_api_port=9501",
            f"--monitoring_config_file={monitoring}",
        ]
    )
    assert shlex.split(result.stderr.splitlines()[-1]) == recorded()


def test_paths_of_other_file_systems_stay_as_they_are(docker):
    docker("tensorflow/serving:latest")
    serve("--model_base_path=gs://bucket/models")
    assert "--model_base_path=gs://bucket/models" in recorded()
    assert not any(option.startswith("--mount") for option in recorded())
    result = serve("--model_base_path=gs://bucket/models", "--engine=local")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (
        1,
        "infogan-serve: gs://bucket/models: the local server reads folders of this machine only",
    )


def test_a_configuration_of_models_brings_their_names(program, base):
    program("tensorflow_model_server", RECORD)
    (base / "models.config").touch()
    serve(f"--model_config_file={base}/models.config")
    assert sorted(recorded()[1:]) == sorted(["--rest_api_port=8501", f"--model_config_file={base}/models.config"])


def test_docker_publishes_where_it_is_told(docker, base):
    docker("tensorflow/serving:latest")
    serve(f"--model_base_path={base}", "--address=::1", "--port=0")
    assert [option for option in recorded() if option.startswith(("--publish", "--gpus"))] == [
        "--publish=[::1]:8501:8501"
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_program(program, base, number):
    program(
        "tensorflow_model_server",
        "import signal, sys\n"
        "for number in signal.SIGTERM, signal.SIGINT:\n"
        "    signal.signal(number, lambda number, _: sys.exit(40 + number))\n"
        "print('serving', flush=True)\n"
        "signal.pause()",
    )
    with subprocess.Popen(
        arguments(f"--model_base_path={base}"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "serving\n"
            process.send_signal(number)
            assert process.wait(timeout=10) == 40 + number
        finally:
            process.kill()


def test_a_program_that_cannot_run(program, base):
    program("tensorflow_model_server", "")
    path = base.parent / "bin" / "tensorflow_model_server"
    path.write_text("#!/absent/interpreter\n")
    result = serve(f"--model_base_path={base}")
    assert result.returncode == 1
    assert result.stderr.endswith("infogan-serve: cannot run tensorflow_model_server: No such file or directory\n")


def test_the_local_server_refuses_what_only_tensorflow_serving_has(program, base):
    for engine in "auto", "local":
        result = serve(f"--engine={engine}", f"--model_base_path={base}", "--enable_batching")
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith(
            "infogan-serve: --enable_batching: not in the local server, only in TensorFlow Serving: install"
        )


@pytest.mark.parametrize("engine", ["auto", "tf-serving", "docker", "local"])
def test_a_flag_that_no_server_has(engine, base):
    result = serve(f"--engine={engine}", f"--model_base_path={base}", "--enable_mkl")
    assert result.returncode == 1
    assert "Unknown command line flag 'enable_mkl'" in result.stderr


def test_an_address_that_the_program_cannot_keep(program, base):
    program("tensorflow_model_server", RECORD)
    result = serve(f"--model_base_path={base}", "--address=127.0.0.1")
    assert result.returncode == 1
    assert "--address: tensorflow_model_server listens on all interfaces" in result.stderr


def test_docker_needs_the_folder_of_the_models(docker, base):
    docker("tensorflow/serving:latest")
    (base / "models.config").touch()
    result = serve(f"--model_config_file={base}/models.config")
    assert result.returncode == 1
    assert "docker also needs --model_base_path" in result.stderr


@pytest.mark.parametrize("flag", ["model_config_file", "batching_parameters_file", "monitoring_config_file"])
def test_a_file_that_is_not_there(base, flag):
    result = serve(f"--model_base_path={base}", f"--{flag}={base}/absent")
    assert result.returncode == 1
    assert f"flag --{flag}={base}/absent: There is no such file." in result.stderr
