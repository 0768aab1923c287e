"""The deployment files against TensorFlow Serving's formats, published schemas, and each other."""

import http.server
import inspect
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from tensorflow_serving.config import model_server_config_pb2

from infogan_export.warmup import BATCH_SIZES
from infogan_serving import AsyncClient, Client
from infogan_serving.model_server_flags import FLAGS, PATHS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "serving" / "deploy"
PAGE = ROOT / "docs" / "serving.md"
KSERVE = DEPLOY / "kubernetes" / "inference_service.yaml"  # no package on PyPI has its schema alone
KUBERNETES = sorted(set((DEPLOY / "kubernetes").iterdir()) - {KSERVE})
METRICS_PATH = "/monitoring/prometheus/metrics"

# tensorflow-serving-api carries no classes for these two; from session_bundle_config.proto, monitoring_config.proto.
_PROTOS = """
message_type { name: "Int64" field { name: "value" number: 1 type: TYPE_INT64 label: LABEL_OPTIONAL } }
message_type {
  name: "Batching"
  field { name: "max_batch_size" number: 1 type: TYPE_MESSAGE type_name: "Int64" label: LABEL_OPTIONAL }
  field { name: "batch_timeout_micros" number: 2 type: TYPE_MESSAGE type_name: "Int64" label: LABEL_OPTIONAL }
  field { name: "max_enqueued_batches" number: 3 type: TYPE_MESSAGE type_name: "Int64" label: LABEL_OPTIONAL }
  field { name: "num_batch_threads" number: 4 type: TYPE_MESSAGE type_name: "Int64" label: LABEL_OPTIONAL }
  field { name: "allowed_batch_sizes" number: 6 type: TYPE_INT64 label: LABEL_REPEATED }
}
message_type {
  name: "Prometheus"
  field { name: "enable" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL }
  field { name: "path" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "Monitoring"
  field { name: "prometheus_config" number: 1 type: TYPE_MESSAGE type_name: "Prometheus" label: LABEL_OPTIONAL }
}
"""


def message(name: str):
    file = text_format.Parse(_PROTOS, descriptor_pb2.FileDescriptorProto(name="serving.proto"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()


def text_proto(name: str, into):
    return text_format.Parse((DEPLOY / "config" / name).read_text(), into)


def load(path: Path):
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def compose():
    return load(DEPLOY / "compose.yaml")


@pytest.fixture(scope="module")
def serving(compose):
    return compose["services"]["serving-gpu"]


@pytest.fixture(scope="module")
def pod():
    return load(DEPLOY / "kubernetes" / "deployment.yaml")["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def models():
    return text_proto("models.config", model_server_config_pb2.ModelServerConfig()).model_config_list.config


def server_flags(arguments: list[str]) -> dict[str, str]:
    return dict(re.fullmatch(r"--(\w+)=(.+)", argument).groups() for argument in arguments)


def test_models_config(models):
    assert len({model.name for model in models}) == len(models) > 0
    for model in models:
        assert model.base_path == f"/models/{model.name}"
        assert model.model_platform == "tensorflow"
        assert model.model_version_policy.latest.num_versions == 1


def test_batch_sizes():
    batching = text_proto("batching_parameters.txt", message("Batching"))
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[0] > 0
    assert sizes[-1] == batching.max_batch_size.value
    assert sizes == list(BATCH_SIZES)  # an exported version has warm-up requests of these
    for client in Client, AsyncClient:  # asks for as many rows as are allowed, and not for more
        assert inspect.signature(client).parameters["max_batch_size"].default == sizes[-1]


def test_monitoring_config_and_who_reads_it(pod):
    config = text_proto("monitoring_config.txt", message("Monitoring")).prometheus_config
    [scrape] = load(DEPLOY / "monitoring" / "prometheus.yaml")["scrape_configs"]
    annotations = load(DEPLOY / "kubernetes" / "deployment.yaml")["spec"]["template"]["metadata"]["annotations"]
    assert config.enable
    assert config.path == scrape["metrics_path"] == annotations["prometheus.io/path"] == METRICS_PATH
    assert annotations["prometheus.io/port"] == "8501"
    assert scrape["static_configs"] == [{"targets": ["serving:8501"]}]


def test_every_flag_is_the_servers(serving, pod, compose):
    for arguments in serving["command"], compose["services"]["serving-cpu"]["command"], pod["containers"][0]["args"]:
        assert server_flags(arguments).keys() <= FLAGS.keys()
    assert server_flags(load(KSERVE)["spec"]["predictor"]["model"]["args"]).keys() <= FLAGS.keys()


@pytest.mark.parametrize(
    "path", [PAGE, *(path for path in DEPLOY.rglob("*") if path.is_file())], ids=lambda path: path.name
)
def test_every_flag_in_the_text_is_the_servers(path):
    written = re.findall(r"(?<![\w-])--([a-z0-9]+(?:_[a-z0-9]+)+)\b", path.read_text())  # only its flags have a _
    assert set(written) <= FLAGS.keys() | {"max_batch_size", "keep_precision"}  # infogan-export's


def test_compose_schema(compose):
    schema = get_builtin_schema("vendor.compose-spec")
    jsonschema.validators.validator_for(schema)(schema).validate(compose)


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_schema(path):
    kubernetes_validate.validate(load(path), "1.30", strict=True)


def test_workflow_schema():
    schema = get_builtin_schema("vendor.github-workflows")
    workflow = load(ROOT / ".github" / "workflows" / "tf-serving.yml")
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key `on` as a boolean
    jsonschema.validators.validator_for(schema)(schema).validate(workflow)


def test_compose_and_kubernetes_run_the_same_command(serving, pod):
    composed = server_flags(serving["command"])
    assert composed.pop("model_config_file_poll_wait_seconds") == "30"  # in Kubernetes a new config is a new pod
    assert composed.pop("per_process_gpu_memory_fraction") == "${GPU_MEMORY_FRACTION:-0.8}"
    [container] = pod["containers"]
    deployed = server_flags(container["args"])
    assert deployed.pop("per_process_gpu_memory_fraction") == "0.8"
    assert composed == deployed
    assert serving["entrypoint"] == container["command"] == ["tensorflow_model_server"]


def test_files_in_flags_are_mounted(serving, pod):
    files = {value for name, value in server_flags(serving["command"]).items() if name in PATHS}
    assert files == {f"/config/{path.name}" for path in (DEPLOY / "config").iterdir()}
    mounts = {volume["target"]: volume["source"] for volume in serving["volumes"]}
    assert mounts == {"/models": "${MODELS:-../../models}", "/config": "./config"}
    [container] = pod["containers"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == mounts.keys()


def test_what_the_monitors_mount_exists(compose):
    for name in "prometheus", "grafana":
        assert (DEPLOY / compose["services"][name]["volumes"][0]["source"]).exists()


def test_nothing_is_writable_and_nothing_is_published_beyond_this_machine(compose):
    for service in compose["services"].values():
        assert all(port.startswith("${ADDRESS:-127.0.0.1}:") for port in service["ports"])
        assert all(volume["read_only"] for volume in service["volumes"] if isinstance(volume, dict))


def test_ports(serving, pod):
    flags_of = server_flags(serving["command"])
    ports = {"grpc": flags_of["port"], "http": flags_of["rest_api_port"]}
    assert ports == {"grpc": "8500", "http": "8501"}
    assert {port.rpartition(":")[2] for port in serving["ports"]} == set(ports.values())
    [container] = pod["containers"]
    assert {port["name"]: str(port["containerPort"]) for port in container["ports"]} == ports
    service = load(DEPLOY / "kubernetes" / "service.yaml")["spec"]
    assert {port["targetPort"]: str(port["port"]) for port in service["ports"]} == ports


def test_kubernetes_resources_refer_to_each_other(pod):
    resources = {resource["kind"]: resource for resource in map(load, [*KUBERNETES, KSERVE])}
    name = resources["Deployment"]["metadata"]["name"]
    assert resources["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == name
    labels = resources["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert labels == resources["Deployment"]["spec"]["selector"]["matchLabels"]
    assert labels == resources["Service"]["spec"]["selector"]
    [models, config] = pod["volumes"]
    claim = resources["PersistentVolumeClaim"]["metadata"]["name"]
    assert models["persistentVolumeClaim"]["claimName"] == claim
    kustomization = load(DEPLOY / "kustomization.yaml")
    [generated] = kustomization["configMapGenerator"]
    assert config["configMap"]["name"] == generated["name"]
    assert {DEPLOY / file for file in generated["files"]} == set((DEPLOY / "config").iterdir())
    applied = {DEPLOY / file for file in kustomization["resources"]}
    assert applied == set(KUBERNETES)
    model = resources["InferenceService"]["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow"}
    assert model["storageUri"] == f"pvc://{claim}/{resources['InferenceService']['metadata']['name']}"
    assert model["runtimeVersion"].endswith("-gpu")
    for limits in model["resources"]["limits"], pod["containers"][0]["resources"]["limits"]:
        assert int(limits["nvidia.com/gpu"]) == 1


def test_probes_ask_for_a_version_that_is_available(pod, models):
    """Metadata is 404 without a loaded version (`tests/serving/test_versions.py`); the status URL is not."""
    [container] = pod["containers"]
    [model] = models
    ready = {"path": f"/v1/models/{model.name}/metadata", "port": "http"}
    assert container["startupProbe"]["httpGet"] == container["readinessProbe"]["httpGet"] == ready
    assert container["livenessProbe"]["httpGet"] == {"path": f"/v1/models/{model.name}", "port": "http"}


@pytest.mark.parametrize(
    ("status", "state", "code", "healthy"),
    [
        (200, "AVAILABLE", "OK", True),
        (200, "LOADING", "OK", False),
        (200, "END", "UNAVAILABLE", False),
        (404, None, None, False),
    ],
)
def test_health_check(serving, models, status, state, code, healthy):
    """Runs the container's health check here, against an answer of each kind."""
    entry = {"version": "1", "state": state, "status": {"error_code": code, "error_message": 'not "AVAILABLE" yet'}}
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(
                json.dumps({"model_version_status": [entry]} if state else {"error": ""}, indent=1).encode()
            )

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        kind, *check = serving["healthcheck"]["test"]
        check[-1] = check[-1].replace("/8501 ", f"/{server.server_port} ")
        result = subprocess.run(check, check=False, timeout=10)
        server.shutdown()
        thread.join()
    assert kind == "CMD"
    assert (result.returncode == 0) == healthy
    assert asked == [f"/v1/models/{models[0].name}"]


def test_health_check_before_the_port_is_open(serving):
    check = [part.replace("/8501 ", "/1 ") for part in serving["healthcheck"]["test"][1:]]
    assert subprocess.run(check, check=False, stderr=subprocess.DEVNULL).returncode != 0


def test_dashboard_asks_for_the_servers_metrics():
    dashboard = json.loads((DEPLOY / "monitoring" / "grafana" / "dashboards" / "infogan.json").read_text())
    names = {"request_count", "request_latency_bucket", "runtime_latency_bucket"}
    source = load(DEPLOY / "monitoring" / "grafana" / "datasources" / "prometheus.yaml")["datasources"][0]
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert {name for text in expressions for name in re.findall(r":tensorflow:serving:(\w+)", text)} == names
    assert all(panel["datasource"]["uid"] == source["uid"] for panel in dashboard["panels"])
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    [scrape] = load(DEPLOY / "monitoring" / "prometheus.yaml")["scrape_configs"]
    assert f'up{{job="{scrape["job_name"]}"}}' in expressions


def has_compose() -> bool:
    return (
        bool(shutil.which("docker"))
        and not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not has_compose(), reason="no docker compose here")
@pytest.mark.parametrize("profile", ["cpu", "gpu", "monitoring"])
def test_docker_compose_takes_the_file(profile):
    subprocess.run(
        ["docker", "compose", "-f", DEPLOY / "compose.yaml", "--profile", profile, "config", "-q"], check=True
    )


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl here")
def test_kubectl_builds_what_kubernetes_takes():
    built = subprocess.run(["kubectl", "kustomize", DEPLOY], capture_output=True, check=True).stdout
    resources = {resource["kind"]: resource for resource in yaml.safe_load_all(built)}
    for resource in resources.values():
        kubernetes_validate.validate(resource, "1.30", strict=True)
    pod = resources["Deployment"]["spec"]["template"]["spec"]
    assert pod["volumes"][1]["configMap"]["name"] == resources["ConfigMap"]["metadata"]["name"]
    assert pod["containers"][0]["image"] == "tensorflow/serving:latest-gpu"
    assert resources["ConfigMap"]["data"]["models.config"] == (DEPLOY / "config" / "models.config").read_text()
