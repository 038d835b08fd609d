"""What holds for every file in helm/track-bridge/ci, and so for whoever starts from one of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from tests.chart import chart, kinds, loading
from tests.chart.chart import Rendered
from tests.chart.pods import Pod, environment, matches, pods, references, what_restricted_refuses

BY_NAME = {path.name.removesuffix("-values.yaml"): path for path in chart.CI}


@pytest.fixture(params=BY_NAME)
def values_file(request: pytest.FixtureRequest) -> Path:
    return BY_NAME[request.param]


@pytest.fixture
def values(values_file: Path) -> dict[str, Any]:
    """With the chart's defaults where the file says nothing."""
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    return _over(defaults, yaml.safe_load(values_file.read_text(encoding="utf-8")))


def _over(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(defaults)
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(defaults.get(key), dict)
        merged[key] = _over(defaults[key], value) if both else value
    return merged


@cache
def example(values_file: Path, version: str) -> Rendered:
    """Each is rendered once: nothing below changes what it looks at."""
    return chart.render(values_file, values_file.parent, arguments=["--kube-version", version])


@pytest.fixture
def rendered(values_file: Path) -> Rendered:
    return example(values_file, kinds.VERSIONS[-1])


def _set_in(values: dict[str, Any], path: str) -> Any:
    node: Any = values
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _switches(values: dict[str, Any], above: str = "") -> Iterator[str]:
    """Everything that is off unless somebody says otherwise."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _switches(value, f"{above}{key}.")
        elif key == "enabled" and value is False:
            yield f"{above}{key}"


def test_every_feature_has_an_example() -> None:
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    given = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in chart.CI]
    more = (
        *("existingConfigMap.name", "configFile", "apiCa", "kafkaCa", "kafkaClientCertificate"),
        *("groupInstanceId", "extraObjects", "dlqReplay.job.suffix", "dlqReplay.annotations"),
        *("serviceMonitor.metricRelabelings", "podMonitor.relabelings", "podMonitor.podTargetLabels"),
        *("serviceMonitor.jobLabel", "serviceMonitor.targetLabels", "prometheusRule.keepFiringFor"),
        *("networkPolicy.cilium.fqdns", "httpRoute.parentRefs", "grafanaDashboard.operator.instanceSelector"),
    )
    without = [path for path in (*_switches(defaults), *more) if not any(_set_in(values, path) for values in given)]
    assert without == []


@pytest.mark.parametrize("version", kinds.VERSIONS)
def test_every_manifest_is_what_its_kind_may_be(values_file: Path, version: str) -> None:
    manifests = example(values_file, version).manifests
    assert [problem for each in manifests for problem in kinds.problems(each, version)] == []


def test_every_manifest_says_what_it_belongs_to_and_where(rendered: Rendered, values: dict[str, Any]) -> None:
    for each in rendered.manifests:
        metadata = each["metadata"]
        assert metadata["namespace"] in (chart.NAMESPACE, values["podMonitor"]["namespace"])
        assert len(metadata["name"]) <= (52 if each["kind"] == "CronJob" else 63)
        if "helm.sh/chart" in metadata.get("labels", {}):
            assert metadata["labels"]["app.kubernetes.io/instance"] == chart.RELEASE
            assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
            assert values["commonLabels"].items() <= metadata["labels"].items()
            assert values["commonAnnotations"].items() <= metadata.get("annotations", {}).items()
    names = [(each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]) for each in rendered.manifests]
    assert len(set(names)) == len(names)


def test_every_pod_passes_pod_security_restricted(rendered: Rendered) -> None:
    refused = [f"{pod.name}: {why}" for pod in pods(rendered) for why in what_restricted_refuses(pod)]
    assert refused == []


def test_every_pod_has_a_read_only_root_no_token_and_no_service_links(rendered: Rendered) -> None:
    for pod in pods(rendered):
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["enableServiceLinks"] is False
        assert pod.own["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_mount_has_its_volume_at_a_place_of_its_own_and_follows_its_secret(rendered: Rendered) -> None:
    for pod in pods(rendered):
        volumes = [volume["name"] for volume in pod.spec["volumes"]]
        assert len(set(volumes)) == len(volumes)
        mounts = pod.own["volumeMounts"]
        assert {mount["name"] for mount in mounts} == set(volumes)
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        # A file mounted by subPath is never updated: a rotated key would need a restart.
        assert not [mount for mount in mounts if "subPath" in mount or "subPathExpr" in mount]


def test_no_variable_is_there_twice(rendered: Rendered) -> None:
    for pod in pods(rendered):
        for container in pod.containers:
            environment(container)


def test_every_configmap_and_secret_a_pod_needs_is_made_or_named_as_existing(
    rendered: Rendered, values: dict[str, Any]
) -> None:
    existing = set(_existing(values))
    for pod in pods(rendered):
        for kind, name in references(pod):
            made = [each for each in rendered.all(kind) if each["metadata"]["name"] == name]
            assert made or (kind, name) in existing, f"{pod.name} needs {kind} {name}"
            assert all(_is_there_before(each, pod) for each in made), f"{kind} {name} comes after {pod.name}"


def _existing(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("apiKey", "kafkaCredentials", "kafkaCa", "kafkaClientCertificate", "apiCa"):
        yield "Secret", values[name]["existingSecret"]
        yield "ConfigMap", values[name].get("existingConfigMap", "")
    yield "Secret", values["console"]["token"]["existingSecret"]


def _is_there_before(manifest: dict[str, Any], pod: Pod) -> bool:
    """Helm runs pre-install hooks by weight, before everything that is no hook."""
    annotations = manifest["metadata"].get("annotations", {})
    of_the_pod = pod.owner["metadata"].get("annotations", {})
    if of_the_pod.get("helm.sh/hook", "test") != "test":
        same = annotations.get("helm.sh/hook") == of_the_pod["helm.sh/hook"]
        return same and int(annotations["helm.sh/hook-weight"]) < int(of_the_pod["helm.sh/hook-weight"])
    return "helm.sh/hook" not in annotations


def test_selectors_take_the_replicas_and_never_a_job(rendered: Rendered) -> None:
    replicas = rendered.pod["metadata"]["labels"]
    others = [pod.labels for pod in pods(rendered) if pod.owner is not rendered.workload]
    selectors = [rendered.workload["spec"]["selector"]]
    selectors += [
        each["spec"]["selector"] for kind in ("PodDisruptionBudget", "PodMonitor") for each in rendered.all(kind)
    ]
    selectors += [{"matchLabels": each["spec"]["selector"]} for each in _services_of_replicas(rendered)]
    assert set(selectors[0]["matchLabels"]) == {"app.kubernetes.io/name", "app.kubernetes.io/instance"}
    for selector in selectors:
        assert matches(selector, replicas)
        assert not [labels for labels in others if matches(selector, labels)]


def _services_of_replicas(rendered: Rendered) -> list[dict[str, Any]]:
    """All but the console's, which takes the console's pod alone."""
    consoles = [each for each in rendered.all("Service") if each["metadata"]["name"].endswith("-console")]
    for each in consoles:
        taken = [pod.name for pod in pods(rendered) if matches({"matchLabels": each["spec"]["selector"]}, pod.labels)]
        assert taken == [f"Deployment {each['metadata']['name']}"]
    return [each for each in rendered.all("Service") if each not in consoles]


def test_a_service_monitor_finds_one_service(rendered: Rendered) -> None:
    for monitor in rendered.all("ServiceMonitor"):
        found = [
            each for each in rendered.all("Service") if matches(monitor["spec"]["selector"], each["metadata"]["labels"])
        ]
        assert len(found) == 1
        assert monitor["spec"]["endpoints"][0]["port"] in [port["name"] for port in found[0]["spec"]["ports"]]


def test_probes_and_services_point_at_the_port_the_bridge_listens_on(rendered: Rendered, tmp_path: Path) -> None:
    config = loading.of_the_pod(rendered, tmp_path).config
    assert config is not None
    ports = {port["name"]: port["containerPort"] for port in rendered.container["ports"]}
    assert ports == {"http": config.observability.listen.port}
    for service in _services_of_replicas(rendered):
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for handler in ("httpGet", "tcpSocket"):
            assert rendered.container.get(probe, {}).get(handler, {}).get("port", "http") == "http"


def test_the_pod_has_time_to_drain_and_to_commit(rendered: Rendered, tmp_path: Path) -> None:
    config = loading.of_the_pod(rendered, tmp_path).config
    assert config is not None
    for pod in pods(rendered):
        assert pod.spec["terminationGracePeriodSeconds"] >= config.kafka.drain_timeout + 25


def test_the_bridge_accepts_what_the_pod_gives_it(rendered: Rendered, tmp_path: Path) -> None:
    for pod in pods(rendered):
        loaded = loading.of(rendered, pod, tmp_path)
        assert [str(problem) for problem in loaded.problems] == []
        assert isinstance(loaded, load.Loaded)


def test_every_secret_reaches_the_property_it_is_for(
    rendered: Rendered, values: dict[str, Any], tmp_path: Path
) -> None:
    config = loading.of_the_pod(rendered, tmp_path).config
    assert config is not None
    assert config.track.api_key_file is not None
    if values["apiKey"]["existingSecret"]:
        assert Path(config.track.api_key_file).read_text(encoding="utf-8") == loading.STAND_IN
    for name, key in values["kafkaCredentials"]["files"].items():
        found = config.kafka.properties[name]
        content = Path(found).read_text(encoding="utf-8") if name.endswith(".location") else found
        assert content == loading.STAND_IN, key
    for name, value in values["kafkaCredentials"]["values"].items():
        assert config.kafka.properties[name] == value


def test_replicas_are_left_to_whoever_owns_them(rendered: Rendered, values: dict[str, Any]) -> None:
    spec = rendered.workload["spec"]
    scalers = [*rendered.all("ScaledObject"), *rendered.all("HorizontalPodAutoscaler")]
    assert ("replicas" in spec) == (not scalers)
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) == (rendered.workload["kind"], rendered.workload["metadata"]["name"])
        most = scaler["spec"].get("maxReplicaCount", scaler["spec"].get("maxReplicas"))
        assert most <= (values["partitions"] or most)


def test_the_network_policy_takes_every_pod_of_the_release_and_lets_it_reach_what_it_needs(
    rendered: Rendered, tmp_path: Path
) -> None:
    policies = rendered.all("NetworkPolicy")
    for pod in pods(rendered) if policies else ():
        mine = [policy for policy in policies if matches(policy["spec"]["podSelector"], pod.labels)]
        config = loading.of_the_pod(rendered, tmp_path).config
        assert config is not None
        ports = {port["port"] for policy in mine for rule in policy["spec"]["egress"] for port in rule["ports"]}
        for by_name in rendered.all("CiliumNetworkPolicy"):
            for rule in by_name["spec"]["egress"]:
                ports |= {int(port["port"]) for group in rule["toPorts"] for port in group["ports"]}
        brokers = {int(server.rpartition(":")[2]) for server in config.kafka.bootstrap_servers.split(",")}
        assert {53, 443} | brokers <= ports, pod.name
