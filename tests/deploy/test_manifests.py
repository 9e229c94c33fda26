"""The manifests in deploy/ against the code: settings, commands, ports and metrics that really are there.

And containers that may do no more than they need.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

import classifiers.metrics
import gateway.metrics
from classifiers.settings import Settings as WorkerSettings
from deploy.local.kafka_settings import version as kafka_version
from gateway.adapters.policy_file import read_policy
from gateway.cli import main
from gateway.settings import Settings, SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
README = (DEPLOY / "README.md").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
KUSTOMIZATION = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    (thing["kind"], thing["metadata"]["name"]): thing
    for file in KUSTOMIZATION["resources"]
    for thing in yaml.safe_load_all((KUBERNETES / file).read_text())
}
DEPLOYMENTS = {name: thing for (kind, name), thing in OBJECTS.items() if kind == "Deployment"}
MANAGEMENT = 9080
ENDING = {name for name, service in SERVICES.items() if service.get("restart") == "no"}
"""Services of compose that do their work and end."""
SECRETS = re.compile(r"PASSWORD|SECRET|TOKEN|DATABASE_URL")


@dataclass(frozen=True)
class Container:
    """What runs, wherever it is written down. A value that a secret gives is None."""

    where: str
    command: list[str]
    environment: Mapping[str, str | None]

    @property
    def name(self) -> str:
        """Of the deployment or service."""
        return self.where.split("/")[1]


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return spec


def containers() -> Iterator[Container]:
    for name in DEPLOYMENTS:
        for container in pod(name)["containers"]:
            given = {entry["name"]: entry.get("value") for entry in container["env"]}
            assert all("value" in entry or "secretKeyRef" in entry["valueFrom"] for entry in container["env"])
            yield Container(f"kubernetes/{name}", container["command"], given)
    for name, service in SERVICES.items():
        if "build" in service:
            given = {key: None if "${" in value else value for key, value in service.get("environment", {}).items()}
            yield Container(f"compose/{name}", service["command"], given)


CONTAINERS = {container.where: container for container in containers()}


def use_environment(patch: pytest.MonkeyPatch, given: Mapping[str, str | None]) -> None:
    for name in list(os.environ):
        if name.startswith(("GATEWAY_", "CLASSIFIERS_")):
            patch.delenv(name)
    for name, value in given.items():
        patch.setenv(name, "postgresql+asyncpg://a:b@c/d" if value is None else value)


def load_worker_settings() -> WorkerSettings:
    known = {f"CLASSIFIERS_{name}".upper() for name in WorkerSettings.model_fields}
    if unknown := {name for name in os.environ if name.startswith("CLASSIFIERS_")} - known:
        raise SettingsError(f"unknown settings: {unknown}")
    return WorkerSettings()


# -- settings and commands


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_variable_is_a_setting(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, container.environment)
    load_settings()
    load_worker_settings()
    others = {name for name in container.environment if not name.startswith(("GATEWAY_", "CLASSIFIERS_"))}
    assert others <= {"PGSSLROOTCERT"}


@pytest.mark.parametrize("name", ["GATEWAY_DATABSE_URL", "GATEWAY_KAFKA__BOOTSTRAP", "CLASSIFIERS_PORT"])
def test_a_variable_that_is_no_setting_would_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, {name: "1"})
    with pytest.raises(SettingsError):
        (load_settings(), load_worker_settings())


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_no_secret_has_a_value_here(container: Container) -> None:
    secrets = {name: value for name, value in container.environment.items() if SECRETS.search(name)}
    assert set(secrets.values()) <= {None}


def test_compose_has_no_default_for_a_secret() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([^}]*)\}", text)) == {"POSTGRES_PASSWORD:?set it in deploy/.env"}
    assert SECRETS.search("POSTGRES_PASSWORD")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "${" in value or not SECRETS.search(name)


def loaded(group: click.Group, words: list[str]) -> tuple[str | None, click.Command, list[str]]:
    """The command that words begin with, as click finds it. Raises click's errors."""
    name, command, rest = group.resolve_command(click.Context(group), words)
    assert command is not None
    return name, command, rest


def gateway_arguments(command: list[str]) -> dict[str, Any]:
    """The options of a gateway command as the command line reads them. Raises click's errors."""
    assert command[0] == "gateway"
    group: click.Command = main
    rest = command[1:]
    while isinstance(group, click.Group):
        _, group, rest = loaded(group, rest)
    return group.make_context("gateway", rest).params


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_every_command_exists(container: Container) -> None:
    if container.command[0] == "python":
        assert container.command[1] == "-m"
        assert importlib.util.find_spec(f"{container.command[2]}.__main__") is not None
    else:
        arguments = gateway_arguments(container.command)
        assert arguments.get("host") == ("0.0.0.0" if container.name not in ENDING else None)  # noqa: S104


def test_a_command_that_does_not_exist_would_show() -> None:
    with pytest.raises(click.NoSuchOption):
        gateway_arguments(["gateway", "serve", "--listen", "localhost"])
    with pytest.raises(click.UsageError, match="server"):
        gateway_arguments(["gateway", "server"])


# -- what a container may do


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_pods_are_locked_down(name: str) -> None:
    spec = pod(name)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] >= 10_000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["topologySpreadConstraints"]
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == ("/readyz" if probe == "readinessProbe" else "/livez")
        assert container[probe]["httpGet"]["port"] == container["ports"][0]["name"]
    for resource in ("cpu", "memory"):
        assert container["resources"]["requests"][resource]
        assert container["resources"]["limits"][resource]
    # Nothing else is writable, and metrics of several processes are files below the temporary directory.
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert [path for path, mount in mounts.items() if not mount.get("readOnly")] == ["/tmp"]  # noqa: S108
    assert not any("subPath" in mount for mount in mounts.values())
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert {mount["name"] for mount in mounts.values()} == set(volumes)
    assert volumes[mounts["/tmp"]["name"]]["emptyDir"]["sizeLimit"]  # noqa: S108


@pytest.mark.parametrize("name", SERVICES)
def test_compose_services_are_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name in ENDING or service["healthcheck"]["test"][0] == "CMD"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    assert "/" not in service["image"].removeprefix("apache/")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    for needed, how in service.get("depends_on", {}).items():
        assert needed in SERVICES
        # `up --wait` takes the end of a service for a failure unless another waits for just that.
        assert how == {"condition": "service_completed_successfully" if needed in ENDING else "service_healthy"}
    named = [volume.split(":")[0] for volume in service.get("volumes", ()) if not volume.startswith(".")]
    assert set(named) <= set(COMPOSE["volumes"])


def test_the_image_is_one_and_its_user_is_a_number() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert len(re.findall(r"^FROM \$\{PYTHON\}", text, re.M)) == 2
    assert re.search(r"--require-hashes -r requirements/run\.txt$", text, re.M)
    user = re.findall(r"^USER (.*)$", text, re.M)
    assert user == ["10001:10001"]
    assert {service["user"] for service in SERVICES.values() if "build" in service} == set(user)
    [command] = re.findall(r"^CMD (.*)$", text, re.M)
    gateway_arguments(json.loads(command))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert KUSTOMIZATION["images"] == [{"name": "moderation-gateway", "newTag": version}]
    assert {s["image"] for s in SERVICES.values() if "build" in s} == {f"moderation-gateway:{version}"}
    assert {c["image"] for name in DEPLOYMENTS for c in pod(name)["containers"]} == {"moderation-gateway"}


def test_the_builder_gets_what_the_image_is_made_of() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Dockerfile").read_text(), re.M)
    assert {path for line in copied for path in line.split()} == let_in
    assert all((ROOT / path).exists() for path in let_in)


# -- ports, numbers and files that have to agree


def probed(test: list[str]) -> str:
    [url] = re.findall(r"http://127\.0\.0\.1:(\d+/\w+)", " ".join(test))
    return str(url)


def test_ports_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {"gateway": 8080, "classifiers": 9090, "classifiers-media": 9090, "demo-upstream": 8081}
    for container in CONTAINERS.values():
        name = container.name
        if name in ENDING:
            continue
        if container.command[0] == "gateway":
            assert gateway_arguments(container.command)["port"] == ports[name]
        else:
            use_environment(monkeypatch, container.environment)
            assert load_worker_settings().ops_port == ports[name]
            assert load_worker_settings().ops_host == "0.0.0.0"  # noqa: S104
    for name, deployment in DEPLOYMENTS.items():
        managed = [MANAGEMENT] if name == "gateway" else []
        assert [p["containerPort"] for p in pod(name)["containers"][0]["ports"]] == [ports[name], *managed]
        asked = deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"]
        assert asked == str(managed[0] if managed else ports[name])
    assert {n: probed(SERVICES[n]["healthcheck"]["test"]) for n in ports} == {
        "gateway": "8080/readyz",
        "classifiers": "9090/readyz",
        "classifiers-media": "9090/readyz",
        "demo-upstream": "8081/published",
    }
    assert OBJECTS["Service", "gateway"]["spec"]["ports"][0]["targetPort"] == "http"


@pytest.mark.parametrize("where", ["kubernetes/gateway", "compose/gateway"])
def test_the_management_listener_is_reached_by_those_who_may(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, CONTAINERS[where].environment)
    settings = load_settings()
    assert (settings.management_port, settings.management_host) == (MANAGEMENT, "0.0.0.0")  # noqa: S104
    # From outside, compose's is reached from this machine alone.
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["gateway"]["ports"])
    assert [port for port in SERVICES["gateway"]["ports"] if port.endswith(f":{MANAGEMENT}")]
    assert OBJECTS["Service", "gateway-management"]["spec"]["ports"][0]["targetPort"] == "management"
    reached = {
        source["namespaceSelector"]["matchLabels"].popitem()
        for name in ("moderation", "gateway")
        for rule in copy.deepcopy(OBJECTS["NetworkPolicy", name]["spec"]["ingress"])
        if {"protocol": "TCP", "port": MANAGEMENT} in rule["ports"]
        for source in rule["from"]
    }
    assert reached == {("kubernetes.io/metadata.name", "monitoring"), ("moderation-management", "true")}


def test_prometheus_asks_the_ports_that_have_metrics() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text())
    [[gateways], [workers]] = [job["dns_sd_configs"] for job in config["scrape_configs"]]
    assert (gateways["names"], gateways["port"]) == (["gateway"], MANAGEMENT)
    assert (workers["names"], workers["port"]) == (["classifiers", "classifiers-media"], 9090)
    assert set(gateways["names"] + workers["names"]) <= SERVICES.keys()
    assert [name for name in config["rule_files"] if not (DEPLOY / "prometheus" / name).exists()] == []


def partitions(container: Container, patch: pytest.MonkeyPatch) -> int:
    use_environment(patch, container.environment)
    return load_settings().kafka.partitions


def test_there_is_a_partition_for_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    container = CONTAINERS["kubernetes/gateway"]
    spec = DEPLOYMENTS["gateway"]["spec"]
    workers = gateway_arguments(container.command)["workers"]
    assert spec["replicas"] == 2
    # Twice the surge: the processes that end keep their partitions until they have drained.
    processes = (spec["replicas"] + 2 * spec["strategy"]["rollingUpdate"]["maxSurge"]) * workers
    assert processes < partitions(container, monkeypatch)
    for name in ("classifiers", "classifiers-media"):
        scaling = OBJECTS["HorizontalPodAutoscaler", name]["spec"]
        assert scaling["scaleTargetRef"]["name"] == name
        assert scaling["minReplicas"] == 2
        assert scaling["maxReplicas"] <= partitions(container, monkeypatch)
    compose = CONTAINERS["compose/gateway"]
    processes = SERVICES["gateway"]["deploy"]["replicas"] * gateway_arguments(compose.command)["workers"]
    assert processes < partitions(compose, monkeypatch)


@pytest.mark.parametrize("where", ["kubernetes", "compose"])
def test_each_kind_of_question_has_its_workers(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = {}
    for name in ("classifiers", "classifiers-media"):
        use_environment(monkeypatch, CONTAINERS[f"{where}/{name}"].environment)
        answered[name] = load_worker_settings().kinds
    assert answered == {"classifiers": ("text",), "classifiers-media": ("media",)}


def test_there_is_time_to_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    use_environment(monkeypatch, CONTAINERS["kubernetes/gateway"].environment)
    # The supervisor kills a process 30 s after it was told to end, and one drains well before.
    assert load_settings().drain_seconds <= 25
    [container] = pod("gateway")["containers"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pause + 30 < pod("gateway")["terminationGracePeriodSeconds"]
    assert SERVICES["gateway"]["stop_grace_period"] == "40s"
    for name in ("classifiers", "classifiers-media"):
        assert pod(name)["terminationGracePeriodSeconds"] > 10


def test_the_policy_is_valid_and_mounted_as_a_directory() -> None:
    read_policy(KUBERNETES / "policy.yaml")
    [config] = KUSTOMIZATION["configMapGenerator"]
    assert config["files"] == ["policy.yaml"]
    assert config["options"] == {"disableNameSuffixHash": True}
    [volume] = [volume for volume in pod("gateway")["volumes"] if "configMap" in volume]
    assert volume["configMap"] == {"name": config["name"]}
    [mount] = [m for m in pod("gateway")["containers"][0]["volumeMounts"] if m["name"] == volume["name"]]
    for where in ("kubernetes/gateway", "compose/gateway"):
        assert CONTAINERS[where].environment["GATEWAY_POLICY_FILE"] == f"{mount['mountPath']}/policy.yaml"
    assert f"./kubernetes:{mount['mountPath']}:ro" in SERVICES["gateway"]["volumes"]


def test_there_is_a_key_file_that_no_gateway_can_change(monkeypatch: pytest.MonkeyPatch) -> None:
    for where in ("kubernetes/gateway", "compose/gateway"):
        use_environment(monkeypatch, CONTAINERS[where].environment)
        assert load_settings().off_without_keys() == ()
    # Kubernetes: from a Secret, which is made outside of what is applied.
    [volume] = [volume for volume in pod("gateway")["volumes"] if volume["name"] == "keys"]
    [mount] = [mount for mount in pod("gateway")["containers"][0]["volumeMounts"] if mount["name"] == "keys"]
    [item] = volume["secret"]["items"]
    file = CONTAINERS["kubernetes/gateway"].environment["GATEWAY_KEYS_FILE"]
    assert (f"{mount['mountPath']}/{item['path']}", mount["readOnly"]) == (file, True)
    assert volume["secret"]["defaultMode"] == 0o440
    assert ("Secret", volume["secret"]["secretName"]) not in OBJECTS
    assert f"create secret generic {volume['secret']['secretName']} --from-file={item['key']}" in README
    assert item["key"] in (ROOT / ".gitignore").read_text().split()
    # Compose: made once in a volume that the gateway only reads, in a directory of the image's user.
    compose = Path(str(CONTAINERS["compose/gateway"].environment["GATEWAY_KEYS_FILE"]))
    made = gateway_arguments(SERVICES["keys"]["command"])
    assert (made["file"], made["if_missing"]) == (compose, True)
    assert SERVICES["keys"]["volumes"] == [f"keys:{compose.parent}"]
    assert f"keys:{compose.parent}:ro" in SERVICES["gateway"]["volumes"]
    assert f"RUN install -d -o 10001 -g 10001 -m 0700 {compose.parent}\n" in (DEPLOY / "Dockerfile").read_text()
    assert "keys" in SERVICES["gateway"]["depends_on"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_certificates_and_keys_are_where_the_settings_look(name: str) -> None:
    volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
    [container] = pod(name)["containers"]
    mounted = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container["volumeMounts"]
        for volume in [volumes[mount["name"]]]
        for secret in [volume.get("secret"), *[s["secret"] for s in volume.get("projected", {}).get("sources", ())]]
        for item in (secret or {}).get("items", ())
    }
    named = {entry.get("value", "") for entry in container["env"]}
    assert mounted == {value for value in named if value.endswith((".crt", "/keys.json"))}


def test_every_manifest_is_applied_and_selects_what_is_there() -> None:
    files = {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "policy.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    labels = [d["spec"]["template"]["metadata"]["labels"] for d in DEPLOYMENTS.values()]
    for (kind, name), thing in OBJECTS.items():
        selector = thing.get("spec", {}).get("podSelector") or thing.get("spec", {}).get("selector") or {}
        for key, value in selector.get("matchLabels", selector).items():
            assert any(pod_labels[key] == value for pod_labels in labels), (kind, name)
    for name in DEPLOYMENTS:
        assert ("PodDisruptionBudget", name) in OBJECTS
        for constraint in pod(name)["topologySpreadConstraints"]:
            assert constraint["labelSelector"] == DEPLOYMENTS[name]["spec"]["selector"]
    assert OBJECTS["NetworkPolicy", "default-deny"]["spec"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


MANAGED = DEPLOY / "kubernetes-managed"


def reached(policy: dict[str, Any]) -> set[tuple[str, int]]:
    """The subnets and ports that a network policy lets its pods reach."""
    assert policy["spec"]["policyTypes"] == ["Egress"]
    return {
        (to["ipBlock"]["cidr"], port["port"])
        for rule in policy["spec"]["egress"]
        for to in rule["to"]
        for port in rule["ports"]
        if port["protocol"] == "TCP"
    }


def test_services_outside_the_cluster_are_reached_with_the_overlay() -> None:
    overlay = yaml.safe_load((MANAGED / "kustomization.yaml").read_text())
    assert [(MANAGED / file).resolve().exists() for file in overlay["resources"]] == [True, True]
    assert overlay["resources"][0] == "../kubernetes"
    kafka_ports = set()
    for patch in overlay["patches"]:
        change = yaml.safe_load(patch["patch"])
        assert patch["target"] == {"kind": "Deployment", "name": change["metadata"]["name"]}
        [container] = change["spec"]["template"]["spec"]["containers"]
        [present] = pod(change["metadata"]["name"])["containers"]
        [variable] = container["env"]
        assert container["name"] == present["name"]
        assert variable["name"] in {entry["name"] for entry in present["env"]}
        kafka_ports.add(int(variable["value"].rpartition(":")[2]))
    assert {patch["target"]["name"] for patch in overlay["patches"]} == set(DEPLOYMENTS)

    kafka, postgres = yaml.safe_load_all((MANAGED / "network.yaml").read_text())
    for policy, base in ((kafka, "moderation"), (postgres, "gateway")):
        assert policy["spec"]["podSelector"] == OBJECTS["NetworkPolicy", base]["spec"]["podSelector"]
        assert all(ip_network(subnet).is_private for subnet, _ in reached(policy))
    assert {port for _, port in reached(kafka)} == kafka_ports
    assert {port for _, port in reached(postgres)} == {5432}
    for text in (MANAGED / "network.yaml", MANAGED / "kustomization.yaml"):
        examples = re.findall(r"^.*(?:cidr:|\bport:|value:).*$", text.read_text(), re.M)
        assert [line for line in examples if "# own" not in line] == []


def test_images_of_others() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


# -- metrics


def metrics_of(module: ModuleType) -> Iterator[tuple[str, set[str]]]:
    """The names under which Prometheus knows a module's metrics, with their labels."""
    for metric in vars(module).values():
        if not isinstance(metric, (Counter, Gauge, Histogram)):
            continue
        [family] = metric.describe()
        labels = set(metric._labelnames)
        match metric:
            case Counter():
                yield f"{family.name}_total", labels
            case Histogram():
                yield f"{family.name}_bucket", labels | {"le"}
                yield f"{family.name}_sum", labels
                yield f"{family.name}_count", labels
            case Gauge():
                yield family.name, labels


METRICS = dict([*metrics_of(gateway.metrics), *metrics_of(classifiers.metrics)])
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {f"rule {rule['alert']}": rule["expr"] for rule in RULES} | {
    f"panel {panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
SOURCE = "\n".join(
    file.read_text() for package in ("gateway", "classifiers") for file in sorted((ROOT / package).rglob("*.py"))
)


def problems(query: str) -> list[str]:
    """The metrics, labels and label values in a query that no code has."""
    found = []
    for name, selector in re.findall(r"\b((?:gateway|classifiers)_\w+)(?:\{([^}]*)\})?", query):
        if name not in METRICS:
            found.append(name)
            continue
        for label, values in re.findall(r'(\w+)[!=~]+"([^"]*)"', selector):
            if label not in METRICS[name]:
                found.append(f"{name}: {label}")
            found += [
                f"{name}: {label}={value}"
                for value in values.split("|")
                if not re.search(rf'["\']{value}["\']|\b{value},', SOURCE)
            ]
    known = {label for name in METRICS if name in query for label in METRICS[name]} | {"instance"}
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        found += [f"by {label}" for label in re.split(r",\s*", labels) if label not in known]
    return found


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_every_metric_in_a_query_exists(query: str) -> None:
    assert re.search(r"\b(gateway|classifiers)_", query)
    assert problems(query) == []
    assert query.count("(") == query.count(")")


@pytest.mark.parametrize(
    "query",
    [
        "sum(rate(gateway_requests[5m]))",
        "gateway_stage_seconds",
        'gateway_stage_seconds_count{step="commit"}',
        'gateway_stage_seconds_count{stage="comit"}',
        "sum by (stages) (rate(gateway_stage_seconds_count[5m]))",
    ],
)
def test_a_metric_that_does_not_exist_would_show(query: str) -> None:
    assert len(problems(query)) == 1


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_every_alert_says_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert set(rule["annotations"]) == {"summary", "meaning", "action"}
    text = " ".join(rule["annotations"].values())
    for name in re.findall(r"\b((?:gateway|classifiers)_\w+)", text):
        assert any(metric.startswith(name) for metric in METRICS), name
    for setting in re.findall(r"\bGATEWAY_(\w+)", text):
        assert setting.lower() in Settings.model_fields
    for command in re.findall(r"`(gateway [a-z][^`]*)`", text):
        group: click.Command = main
        for word in shlex.split(command)[1:]:
            if not isinstance(group, click.Group):
                break
            _, group, _ = loaded(group, [word])
        assert not isinstance(group, click.Group), command
    for alert in re.findall(r"\b[Ss]ee ((?:[A-Z][a-z]+){2,})", text):
        assert alert in {rule["alert"] for rule in RULES}


def test_the_alerts_that_must_be_there() -> None:
    watched = {name for rule in RULES for name in METRICS if re.search(rf"\b{name}\b", rule["expr"])}
    assert watched >= {
        "gateway_ready",
        "gateway_answered_share",
        "gateway_started_seconds",
        "gateway_live_leases",
        "gateway_oldest_moving_seconds",
        "gateway_stage_faults_total",
        "gateway_oldest_hold_seconds",
        "gateway_unknown_messages",
        "gateway_silences_total",
        "gateway_requests_total",
        "gateway_reply_lag",
        "gateway_late_replies_total",
        "gateway_policy_refused",
        "gateway_stage_seconds_bucket",
        "gateway_events_total",
        "classifiers_dead_letters_total",
        "classifiers_ready",
    }
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_the_dashboard_shows_every_metric_and_no_panel_hides_another() -> None:
    shown = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in METRICS}
    assert [name for name in sorted(families) if not re.search(rf"\b{name}", shown)] == []
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
