"""A release of the chart as it was before (`previous/`), upgraded to this one with the same values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart
from tests.chart.chart import Manifest, Rendered
from tests.chart.conftest import Render
from tests.chart.pods import environment, pods

PREVIOUS = Path(__file__).parent / "previous"
RELEASES = ("least", "deployment", "statefulset")

MADE_ANEW = {("Job", "shop-track-bridge-replay-1")}
"""Was called by the revision; is called by its contents."""
HOOKS_OF_BEFORE = {(kind, "shop-track-bridge-topics") for kind in ("ConfigMap", "Secret")}
"""Are called NAME.topics: Helm would delete what another release calls NAME-topics. No hook outlives its event."""

Key = tuple[str, str]


def by_key(rendered: Rendered) -> dict[Key, Manifest]:
    return {(each["kind"], each["metadata"]["name"]): each for each in rendered.manifests}


def before_of(release: str) -> Rendered:
    text = (PREVIOUS / f"{release}-manifests.yaml").read_text(encoding="utf-8")
    return Rendered(tuple(yaml.safe_load_all(text)))


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def before(release: str) -> Rendered:
    return before_of(release)


@pytest.fixture
def after(release: str, tmp_path: Path) -> Rendered:
    return chart.render(PREVIOUS / f"{release}-values.yaml", tmp_path, arguments=["--is-upgrade"])


def test_nothing_is_renamed_or_goes_without_a_reason(before: Rendered, after: Rendered) -> None:
    assert set(by_key(before)) - set(by_key(after)) <= MADE_ANEW | HOOKS_OF_BEFORE


def immutable(manifest: Manifest) -> dict[str, Any]:
    """What the API server lets nobody change; None where it is not there, as the server compares it."""
    spec = manifest.get("spec", {})
    fields: dict[str, tuple[str, ...]] = {
        "Deployment": ("selector",),
        "StatefulSet": ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
        "Job": ("selector", "template", "completions", "completionMode"),
        "Service": ("clusterIP",),
        "Secret": (),
    }
    found = {field: spec.get(field) for field in fields.get(manifest["kind"], ())}
    return found | ({"type": manifest["type"]} if manifest["kind"] == "Secret" else {})


def test_nothing_changes_that_the_api_server_lets_nobody_change(before: Rendered, after: Rendered) -> None:
    there = by_key(after)
    for key, manifest in by_key(before).items():
        if key in there and not is_hook(manifest):  # a hook is made again each time
            assert immutable(there[key]) == immutable(manifest), key
            assert there[key]["apiVersion"].partition("/")[0] == manifest["apiVersion"].partition("/")[0]


def is_hook(manifest: Manifest) -> bool:
    return "helm.sh/hook" in manifest["metadata"].get("annotations", {})


def seen_by_the_program(manifest: Manifest) -> dict[str, Any]:
    """What a pod's container is told, and with what it is limited."""
    container = next(each for each in manifest["containers"] if "args" in each)
    return {
        "args": container["args"],
        "image": container["image"],
        "mounts": {each["mountPath"]: each["name"] for each in container["volumeMounts"]},
        "environment": {
            name: value for name, value in environment(container).items() if not name.endswith("GROUP_INSTANCE_ID")
        },
        **{
            key: container.get(key)
            for key in ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resources")
        },
        "security": (manifest.get("securityContext"), container.get("securityContext")),
        "grace": manifest["terminationGracePeriodSeconds"],
    }


def test_the_same_values_mean_the_same_to_every_pod(before: Rendered, after: Rendered) -> None:
    old = {kind_of(pod.owner): seen_by_the_program(pod.spec) for pod in pods(before)}
    new = {kind_of(pod.owner): seen_by_the_program(pod.spec) for pod in pods(after)}
    assert old.keys() == new.keys()
    for kind, told in old.items():
        for variable, value in told.pop("environment").items():
            assert new[kind]["environment"][variable] == value
        new[kind].pop("environment")
        assert new[kind] == told


def kind_of(owner: Manifest) -> Key:
    return owner["kind"], owner["metadata"]["labels"].get("app.kubernetes.io/component", "")


def test_who_decides_the_replicas_and_who_may_reach_what_stays(before: Rendered, after: Rendered) -> None:
    assert after.workload["spec"].get("replicas") == before.workload["spec"].get("replicas")
    for kind in ("NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler", "ServiceMonitor", "PodMonitor"):
        old = {name: each["spec"] for name, each in outside_hooks(before, kind)}
        assert {name: each["spec"] for name, each in outside_hooks(after, kind)} == old
    for name, service in outside_hooks(before, "Service"):
        now = after.one("Service", name)
        assert (now["spec"]["ports"], now["spec"]["selector"]) == (
            service["spec"]["ports"],
            service["spec"]["selector"],
        )


def outside_hooks(rendered: Rendered, kind: str) -> Iterator[tuple[str, Manifest]]:
    for each in rendered.all(kind):
        if not is_hook(each):
            yield each["metadata"]["name"], each


def test_every_default_of_before_is_still_a_value_and_means_the_same(render: Render) -> None:
    """Whoever copied the whole values.yaml into a file of their own."""
    text = (PREVIOUS / "defaults.yaml").read_text(encoding="utf-8")
    everything = {"prometheusRule": {"enabled": True}, "keda": {"enabled": True}, "networkPolicy": {"enabled": True}}
    prometheus = {"keda": {"prometheus": {"serverAddress": "http://prometheus:9090"}}}
    assert render(yaml.safe_load(text), chart.LEAST, everything, prometheus) == render(everything, prometheus)


def test_a_job_that_a_user_named_is_the_one_thing_to_be_renamed_by_hand(render: Render) -> None:
    """Kubernetes refuses another template under the same name, and the README says what to do."""
    job = render({"dlqReplay": {"job": {"enabled": True, "suffix": "incident-7"}}}).one("Job")
    assert job["metadata"]["name"] == "shop-track-bridge-replay-incident-7"
    upgrading = (chart.CHART / "README.md").read_text(encoding="utf-8").partition("## Upgrading")[2]
    assert "`dlqReplay.job.suffix` of your own" in upgrading
