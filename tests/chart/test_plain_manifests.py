"""deploy/kustomize: the chart for those who install without Helm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from scripts.chart import plain
from tests.chart import helm, kinds, kustomize
from tests.chart.chart import Rendered
from tests.chart.pods import matches, pods, references, what_restricted_refuses

Build = Callable[[Path], Rendered]
SECRET = ("Secret", "userpilot-api-key")
FOLDERS = [kustomize.BASE, *kustomize.OVERLAYS]


@pytest.fixture(params=["a kustomize", "the rules of it"])
def build(request: pytest.FixtureRequest) -> Build:
    """Without a kustomize on this machine its rules for what is used here are enough: nothing is skipped silently."""
    if request.param != "a kustomize":
        return kustomize.put_together
    words = kustomize.command()
    if words is None:
        pytest.skip("NO KUSTOMIZE ON THIS MACHINE: the overlays are put together by the tests' own rules alone")
    return lambda folder: kustomize.built(folder, words)


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def test_the_manifests_are_what_the_chart_makes_today() -> None:
    assert plain.MANIFESTS.read_text(encoding="utf-8") == plain.text(str(helm.ensure())), "run `make chart`"


@pytest.mark.parametrize("version", kinds.VERSIONS)
def test_kubernetes_takes_every_manifest(build: Build, folder: Path, version: str) -> None:
    manifests = build(folder).manifests
    assert [problem for each in manifests for problem in kinds.problems(each, version)] == []
    keys = [(each["kind"], each["metadata"]["name"]) for each in manifests]
    assert len(set(keys)) == len(keys)


def test_nothing_in_them_is_of_helm_or_secret(build: Build, folder: Path) -> None:
    rendered = build(folder)
    text = yaml.safe_dump_all(rendered.manifests)
    assert "helm.sh" not in text
    assert "Helm" not in text
    assert rendered.all("Secret") == []


def test_every_pod_finds_its_configuration_by_its_contents_and_passes_restricted(build: Build, folder: Path) -> None:
    rendered = build(folder)
    (made,) = rendered.all("ConfigMap")
    assert made["metadata"]["name"].startswith("track-bridge-config-"), "another configuration replaces the pods"
    assert {pod.owner["kind"] for pod in pods(rendered)} == {"Deployment", "CronJob"}
    for pod in pods(rendered):
        assert set(references(pod)) == {("ConfigMap", made["metadata"]["name"]), SECRET}
        assert list(what_restricted_refuses(pod)) == []
        assert pod.spec["serviceAccountName"] == rendered.one("ServiceAccount")["metadata"]["name"]


def test_services_and_budget_take_the_replicas_and_no_job(build: Build, folder: Path) -> None:
    rendered = build(folder)
    jobs = [pod.labels for pod in pods(rendered) if pod.owner is not rendered.workload]
    selectors = [{"matchLabels": each["spec"]["selector"]} for each in rendered.all("Service")]
    for selector in (*selectors, rendered.one("PodDisruptionBudget")["spec"]["selector"]):
        assert matches(selector, rendered.pod["metadata"]["labels"])
        assert not any(matches(selector, labels) for labels in jobs)


def test_nothing_replays_by_itself(build: Build, folder: Path) -> None:
    assert build(folder).one("CronJob")["spec"]["suspend"] is True
    assert build(folder).all("Job") == []


def test_the_base_names_no_namespace_and_an_overlay_says_namespace_image_and_replicas(build: Build) -> None:
    assert not [each for each in build(kustomize.BASE).manifests if "namespace" in each["metadata"]]
    (production,) = kustomize.OVERLAYS
    rendered = build(production)
    assert {each["metadata"]["namespace"] for each in rendered.manifests} == {"events"}
    said: dict[str, Any] = yaml.safe_load((production / "kustomization.yaml").read_text(encoding="utf-8"))
    (image,) = said["images"]
    assert {pod.own["image"] for pod in pods(rendered)} == {f"{image['newName']}:{image['newTag']}"}
    assert rendered.workload["spec"]["replicas"] == said["replicas"][0]["count"]


def test_the_bridge_takes_the_configurations(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("NX-0a1b2c3d", encoding="utf-8")
    loaded = load.read(folder / "bridge.yaml", {"BRIDGE_TRACK__API_KEY_FILE": str(key)})
    assert [str(problem) for problem in loaded.problems] == []
