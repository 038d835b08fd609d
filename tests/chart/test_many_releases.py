"""Releases of like names beside each other, in one namespace and in two: each is about its own objects alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chart import chart
from tests.chart.chart import Manifest
from tests.chart.pods import matches, references
from tests.chart.releases import (
    NAMES,
    NAMESPACES,
    WORKLOADS,
    Release,
    everywhere,
    kinds_of_releases,
    namespace_of,
)

LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
NAMES_OF_PODS = ("Service", "Deployment", "StatefulSet", "Job", "CronJob", "Pod")
"""Kinds whose name becomes that of a host or a label's value."""

every_kind = pytest.mark.parametrize(("workload", "scaler", "extras"), list(kinds_of_releases()), ids=str)


@pytest.fixture
def releases(workload: str, scaler: str, extras: str) -> list[Release]:
    return everywhere(workload, scaler, extras)


@every_kind
def test_no_two_releases_make_an_object_of_one_name_and_every_name_is_valid(releases: list[Release]) -> None:
    made: Counter[tuple[str, str, str]] = Counter()
    for release in releases:
        for each in release.rendered.manifests:
            name = each["metadata"]["name"]
            made[each["kind"], namespace_of(each), name] += 1
            assert namespace_of(each) == release.namespace
            assert len(name) <= (52 if each["kind"] == "CronJob" else 63)
            assert (LABEL if each["kind"] in NAMES_OF_PODS else SUBDOMAIN).fullmatch(name)
    assert [each for each, count in made.items() if count > 1] == []


@every_kind
def test_every_selector_takes_pods_of_its_own_release_and_of_no_other(releases: list[Release]) -> None:
    """Also not those of a release of the other kind of workload."""
    others = {"Deployment": "StatefulSet", "StatefulSet": "Deployment"}
    beside = [*releases, *(Release(e.namespace, e.name, others[e.workload], e.scaler, e.extras) for e in releases)]
    there = [(each, pod) for each in beside for pod in each.pods]
    for release in releases:
        for manifest, selector in selectors(release):
            taken = [
                other
                for other, pod in there
                if other.namespace == namespace_of(manifest) and matches(selector, pod.labels)
            ]
            assert {(each.namespace, each.name) for each in taken} == {(release.namespace, release.name)}


def selectors(release: Release) -> Iterator[tuple[Manifest, Manifest]]:
    """Every selector of pods in what a release is made of."""
    for each in release.rendered.manifests:
        spec: dict[str, Any] = each.get("spec", {})
        match each["kind"]:
            case "Service":
                yield each, {"matchLabels": spec["selector"]}
            case "NetworkPolicy":
                yield each, spec["podSelector"]
            case "CiliumNetworkPolicy":
                yield each, spec["endpointSelector"]
            case "PodDisruptionBudget" | "PodMonitor":
                yield each, spec["selector"]
            case "Deployment" | "StatefulSet":
                yield each, spec["selector"]
                for spread in spec["template"]["spec"]["topologySpreadConstraints"]:
                    yield each, spread["labelSelector"]


@every_kind
def test_a_service_monitor_takes_one_service_which_is_its_own(releases: list[Release]) -> None:
    services = [each for release in releases for each in release.rendered.all("Service")]
    for release in releases:
        for monitor in release.rendered.all("ServiceMonitor"):
            (namespace,) = monitor["spec"]["namespaceSelector"]["matchNames"]
            selector = monitor["spec"]["selector"]
            found = [
                each
                for each in services
                if namespace_of(each) == namespace and matches(selector, each["metadata"]["labels"])
            ]
            assert found == [release.rendered.one("Service", release.full_name)]


@every_kind
def test_whatever_refers_to_an_object_refers_to_one_of_its_own_release(releases: list[Release]) -> None:
    for release in releases:
        made = {(each["kind"], each["metadata"]["name"]) for each in release.rendered.manifests}
        assert [each for each in referred(release) if each not in made] == []


def referred(release: Release) -> Iterator[tuple[str, str]]:
    """Kind and name of what something in a release points at, but for the Secrets a user brings."""
    for pod in release.pods:
        yield "ServiceAccount", pod.spec["serviceAccountName"]
        for reference in references(pod):
            if reference != ("Secret", "userpilot"):
                yield reference
    for each in release.rendered.manifests:
        yield from referred_by(each["kind"], each.get("spec", {}))


def referred_by(kind: str, spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    match kind:
        case "ScaledObject" | "HorizontalPodAutoscaler":
            yield spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]
            triggers = spec.get("triggers", ())
            used = [trigger["authenticationRef"] for trigger in triggers if "authenticationRef" in trigger]
            yield from (("TriggerAuthentication", each["name"]) for each in used)
        case "TriggerAuthentication":
            yield from (("Secret", target["name"]) for target in spec["secretTargetRef"])
        case "HTTPRoute":
            yield "Service", spec["rules"][0]["backendRefs"][0]["name"]
        case "StatefulSet":
            yield "Service", spec["serviceName"]
        case "GrafanaDashboard":
            yield "ConfigMap", spec["configMapRef"]["name"]


@every_kind
def test_the_backlog_that_scales_a_release_is_that_of_its_own_replicas(releases: list[Release]) -> None:
    for release in releases:
        for scaled in release.rendered.all("ScaledObject"):
            (query,) = [
                each["metadata"]["query"] for each in scaled["spec"]["triggers"] if each["type"] == "prometheus"
            ]
            ((namespace, pattern),) = re.findall(r'\{namespace="([^"]*)",pod=~"([^"]*)"\}', query)
            for other in releases:
                for pod in other.pod_names:
                    own = namespace == other.namespace and bool(re.fullmatch(pattern, pod))
                    assert own == (other == release), (release.name, other.name, pod)


@every_kind
def test_the_alerts_of_a_release_are_about_its_own_targets_and_jobs(releases: list[Release]) -> None:
    """`job` is a Service's name under a ServiceMonitor and NAMESPACE/NAME under a PodMonitor."""
    for release in releases:
        rules = release.rendered.all("PrometheusRule")
        expressions = [rule["expr"] for each in rules for group in each["spec"]["groups"] for rule in group["rules"]]
        chosen = {found for text in expressions for found in re.findall(r'namespace="([^"]*)",job=~"([^"]*)"', text)}
        assert bool(chosen) == bool(rules)
        for namespace, pattern in chosen:
            for other in releases:
                for job in (other.full_name, f"{other.namespace}/{other.full_name}"):
                    own = namespace == other.namespace and bool(re.fullmatch(pattern, job))
                    assert own == (other == release), (release.name, job)
        replays = {
            found
            for text in expressions
            for found in re.findall(r'namespace="([^"]*)",job_name=~"([^"]*)",job_name!~"([^"]*)"', text)
        }
        assert len(replays) == len(rules)
        for namespace, pattern, left_out in replays:
            for other in releases:
                for job in (f"{other.full_name}-replay-28400000", f"{other.full_name}-replay-0a1b2c3d"):
                    counts = re.fullmatch(pattern, job) and not re.fullmatch(left_out, job)
                    assert (namespace == other.namespace and bool(counts)) == (other == release)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_what_releases_have_in_a_namespace_of_monitoring_never_meets_and_keeps_its_job(
    workload: str, tmp_path: Path
) -> None:
    elsewhere = {"enabled": True, "namespace": "monitoring"}
    operator = {"enabled": True, "instanceSelector": {"a": "b"}}
    shared = {"prometheusRule": elsewhere, "grafanaDashboard": {**elsewhere, "operator": operator}}
    made: Counter[tuple[str, str]] = Counter()
    for release in everywhere(workload, "none", "off"):
        for monitor in ("serviceMonitor", "podMonitor"):
            rendered = chart.render(
                chart.LEAST,
                tmp_path,
                {**shared, monitor: elsewhere},
                release=release.name,
                namespace=release.namespace,
            )
            there = [each for each in rendered.manifests if namespace_of(each) == "monitoring"]
            assert len(there) == 4
            made.update({(each["kind"], f"{monitor} {each['metadata']['name']}") for each in there})
            (source,) = [each["spec"]["configMapRef"]["name"] for each in there if each["kind"] == "GrafanaDashboard"]
            assert source in [each["metadata"]["name"] for each in there if each["kind"] == "ConfigMap"]
            for each in rendered.all("PodMonitor"):
                (job,) = each["spec"]["podMetricsEndpoints"][0]["relabelings"]
                assert job == {"targetLabel": "job", "replacement": f"monitoring/{release.full_name}"}
    assert [each for each, count in made.items() if count > 1] == []


def test_static_members_of_one_group_are_never_called_alike() -> None:
    """Two of one name end each other for ever: Kafka lets the later one take the place."""
    ids = Counter(each for release in everywhere("StatefulSet", "none", "off") for each in release.member_ids)
    assert len(ids) == len(NAMES) * len(NAMESPACES) * 3
    assert [each for each, count in ids.items() if count > 1] == []
    assert all(re.fullmatch(r"[-._a-zA-Z0-9]{1,249}", each) for each in ids), "what Kafka takes as an id"


def test_a_name_that_is_cut_is_warned_of(notes: Any) -> None:
    """Two that are cut to one cannot be installed: Helm leaves the objects of another release alone."""
    assert "the name was cut to" in notes({"fullnameOverride": "l" * 53})
