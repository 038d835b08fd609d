"""Two releases whose names are alike, beside each other: nothing of one is taken for the other's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.chart import chart

PROMETHEUS = {"keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}}}
NAMES = ("track-bridge", "track-bridge-eu", "track-bridge-2", "eu-track-bridge", "track-bridge-bcdfg")
"""One begins with another, ends with another, or goes on like the name of a pod."""


def rendered(name: str, workload: str, folder: Path) -> chart.Rendered:
    """What the release of this whole name is made of."""
    return chart.render(
        chart.LEAST,
        folder,
        PROMETHEUS,
        {"fullnameOverride": name, "workload": workload, "prometheusRule": {"enabled": True}},
    )


def pods_of(name: str, workload: str) -> list[str]:
    """Names as Kubernetes gives them: a hash of the template and five random letters, or a number."""
    if workload == "StatefulSet":
        return [f"{name}-{number}" for number in (0, 1, 12)]
    return [f"{name}-{hashed}-{end}" for hashed in ("5d9c7b6f4d", "78bf8d9f", "bcdfg") for end in ("x2x4z", "bcdfg")]


@pytest.mark.parametrize("workload", ["Deployment", "StatefulSet"])
def test_the_backlog_that_scales_a_release_is_that_of_its_own_pods_alone(workload: str, tmp_path: Path) -> None:
    for name in NAMES:
        scaled = rendered(name, workload, tmp_path).one("ScaledObject")
        (query,) = [each["metadata"]["query"] for each in scaled["spec"]["triggers"] if each["type"] == "prometheus"]
        pattern = re.compile(query.split('pod=~"')[1].split('"')[0])
        for other in NAMES:
            for kind in ("Deployment", "StatefulSet"):
                for pod in pods_of(other, kind):
                    assert bool(pattern.fullmatch(pod)) == (other == name and kind == workload), (name, pod)


def test_the_alerts_of_a_release_are_about_its_own_targets_alone(tmp_path: Path) -> None:
    """`job` is a Service's name under a ServiceMonitor and NAMESPACE/NAME under a PodMonitor."""
    for name in NAMES:
        rules = rendered(name, "Deployment", tmp_path).one("PrometheusRule")
        expressions = [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
        patterns = {found for expression in expressions for found in re.findall(r'job=~"([^"]*)"', expression)}
        assert patterns
        for pattern in patterns:
            for other in NAMES:
                for job in (other, f"{chart.NAMESPACE}/{other}"):
                    assert bool(re.fullmatch(pattern, job)) == (other == name), (name, job)


def selected(manifest: dict[str, Any], labels: dict[str, str]) -> bool:
    spec = manifest["spec"]
    wanted = spec["selector"].get("matchLabels", spec["selector"])
    return all(labels.get(key) == value for key, value in wanted.items())


def test_no_service_or_budget_of_a_release_takes_the_pods_of_another(tmp_path: Path) -> None:
    """Both are installed with the chart's own names: what tells them apart is the release."""
    names = ("track-bridge", "track-bridge-eu")
    releases = {name: chart.render(chart.LEAST, tmp_path, release=name) for name in names}
    for release, mine in releases.items():
        for other, theirs in releases.items():
            labels = theirs.pod["metadata"]["labels"]
            for manifest in [*mine.all("Service"), *mine.all("PodDisruptionBudget"), mine.workload]:
                assert selected(manifest, labels) == (release == other), manifest["metadata"]["name"]
