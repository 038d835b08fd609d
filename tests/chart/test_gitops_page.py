"""docs/gitops.md: the chart accepts the values it shows, and what it points at is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart

PAGE = chart.ROOT / "docs" / "gitops.md"


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    """By kind."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return {each["kind"]: each for each in map(yaml.safe_load, blocks) if "kind" in each}


def test_the_values_of_the_flux_release_make_a_release(manifests: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    release = manifests["HelmRelease"]
    rendered = chart.render(release["spec"]["values"], tmp_path, release=release["metadata"]["name"])
    assert rendered.container["image"] == "track-bridge:1.0.0"


def test_the_files_of_the_argo_application_are_there_and_make_a_release(
    manifests: dict[str, dict[str, Any]],
) -> None:
    source = manifests["Application"]["spec"]["source"]
    folder = chart.ROOT / source["path"]
    (values,) = [folder / name for name in source["helm"]["valueFiles"]]
    rendered = chart.render(values, folder, release=source["helm"]["releaseName"])
    assert rendered.workload["metadata"]["name"] == "bridge-track-bridge"


def test_every_value_it_names_is_one_of_the_chart() -> None:
    values = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    for path in re.findall(r"`([a-z]+[A-Za-z]*(?:\.[A-Za-z]+)+)`", PAGE.read_text(encoding="utf-8")):
        node: Any = {**values, "test": {"enable": True}}
        for key in path.split("."):
            assert key in node, path
            node = node[key]


def test_it_shows_every_tool_it_promises_and_what_it_points_at_is_there(manifests: dict[str, dict[str, Any]]) -> None:
    assert set(manifests) == {"Application", "HelmRelease", "Kustomization"}
    assert manifests["Kustomization"]["spec"]["decryption"]["provider"] == "sops"
    page = PAGE.read_text(encoding="utf-8")
    links = re.findall(r"\]\((\.\./[^)#]+)\)", page)
    assert "../helm/track-bridge/ci/external-secrets-values.yaml" in links
    for link in links:
        assert (PAGE.parent / link).exists(), link
    for folder in re.findall(r"kubectl apply -k (\S+)", page):
        assert (chart.ROOT / folder / "kustomization.yaml").exists()


def test_a_suspended_cron_job_and_a_failed_replay_do_not_make_argo_cd_call_the_application_sick() -> None:
    values = chart.CHART / "ci" / "argo-cd-values.yaml"
    rendered = chart.render(values, values.parent)
    replays = [
        each for each in [*rendered.all("CronJob"), *rendered.all("Job")] if "-replay" in each["metadata"]["name"]
    ]
    assert len(replays) == 2
    for each in replays:
        assert each["metadata"]["annotations"]["argocd.argoproj.io/ignore-healthcheck"] == "true"
