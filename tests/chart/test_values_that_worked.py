"""Values that the chart took before: it takes them still, also those that `helm upgrade --reuse-values` keeps."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import chart
from tests.chart.conftest import Render, Say

PREVIOUS = Path(__file__).parent / "previous"
DEFAULTS_OF_BEFORE = ("defaults.yaml", "later-defaults.yaml")
EVERYTHING: chart.Values = {
    **{name: {"enabled": True} for name in ("prometheusRule", "grafanaDashboard", "networkPolicy", "topicsCreate")},
    "serviceMonitor": {"enabled": True},
    "dlqReplay": {"job": {"enabled": True}, "cronJob": {"enabled": True}},
}


# --- helm upgrade --reuse-values --------------------------------------------------------------------------------------


def chart_with(defaults: str, folder: Path) -> Path:
    """What Helm renders for `--reuse-values`: this chart, with the values.yaml of the release's own chart."""
    copy = folder / f"chart-with-{defaults}"
    shutil.copytree(chart.CHART, copy)
    shutil.copy(PREVIOUS / defaults, copy / "values.yaml")
    return copy


@pytest.mark.parametrize("defaults", DEFAULTS_OF_BEFORE)
def test_an_upgrade_that_keeps_the_values_of_a_chart_of_before_makes_what_this_charts_own_defaults_make(
    defaults: str, tmp_path: Path
) -> None:
    copy = chart_with(defaults, tmp_path)
    for example in chart.CI:
        now = chart.render(example, tmp_path)
        assert chart.render(example, tmp_path, chart=copy) == now, example.name


@pytest.mark.parametrize("defaults", DEFAULTS_OF_BEFORE)
def test_what_is_new_can_be_switched_on_over_the_values_of_a_chart_of_before(defaults: str, tmp_path: Path) -> None:
    on: chart.Values = {
        "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]},
        "networkPolicy": {"enabled": True, "cilium": {"enabled": True}},
        "grafanaDashboard": {"enabled": True, "operator": {"enabled": True, "instanceSelector": {"a": "b"}}},
        "existingConfigMap": {"name": "made-elsewhere"},
        "workload": "StatefulSet",
        "groupInstanceId": "$(POD_NAME)",
    }
    now = chart.render(chart.LEAST, tmp_path, on)
    assert chart.render(chart.LEAST, tmp_path, on, chart=chart_with(defaults, tmp_path)) == now


def test_a_threshold_that_is_absent_is_the_default_and_one_that_is_zero_stays_zero(render: Render) -> None:
    def rules(**thresholds: Any) -> chart.Manifest:
        return render({"prometheusRule": {"enabled": True, "thresholds": thresholds}}).one("PrometheusRule")

    text = (PREVIOUS / "defaults.yaml").read_text(encoding="utf-8")
    first = yaml.safe_load(text)["prometheusRule"]["thresholds"]
    defaults = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))["prometheusRule"]["thresholds"]
    later = defaults.keys() - first.keys()
    assert "operatorHoldSeconds" in later
    assert rules(**dict.fromkeys(later)) == rules()
    assert "> 0\n" in yaml.safe_dump(rules(operatorHoldSeconds=0)["spec"], width=1000)


# --- values left empty ------------------------------------------------------------------------------------------------

LEFT_OUT: Mapping[str, str] = {
    "revisionHistoryLimit": "revisionHistoryLimit",
    "minReadySeconds": "minReadySeconds",
    "image.pullPolicy": "imagePullPolicy",
    "topicsCreate.backoffLimit": "backoffLimit: 2",
    "topicsCreate.activeDeadlineSeconds": "activeDeadlineSeconds",
    "dlqReplay.ttlSecondsAfterFinished": "ttlSecondsAfterFinished",
    "podDisruptionBudget.unhealthyPodEvictionPolicy": "unhealthyPodEvictionPolicy",
    "service.type": "type: ClusterIP",
}
"""What stands in the manifests only where the value is not empty. Kubernetes has a default for each."""
REFUSED: Mapping[str, str] = {
    "replicaCount": "`replicaCount:`, which was no",
    "keda.maxReplicas": "`keda.maxReplicas:`",
}
"""Rendered before, and refused now, with what the changelog says of it."""


@pytest.mark.parametrize(("path", "line"), LEFT_OUT.items())
@pytest.mark.parametrize("workload", ["Deployment", "StatefulSet"])
def test_a_value_left_empty_is_left_to_kubernetes(render: Render, workload: str, path: str, line: str) -> None:
    options: dict[str, Any] = {"arguments": ["--set", f"workload={workload}"]}
    assert line in written(render(EVERYTHING, **options))
    options["arguments"] += ["--set-json", f"{path}=null"]
    assert line not in written(render(EVERYTHING, **options))


def test_a_service_port_left_empty_is_the_charts_own(render: Render) -> None:
    exposed: chart.Values = {**EVERYTHING, "httpRoute": {"enabled": True, "parentRefs": [{"name": "gateway"}]}}
    assert render(exposed, arguments=["--set-json", "service.port=null"]) == render(exposed)


@pytest.mark.parametrize(("path", "sentence"), REFUSED.items())
def test_what_meant_something_else_when_it_was_left_empty_is_refused_and_the_changelog_says_so(
    refusal: Say, path: str, sentence: str
) -> None:
    assert path.rpartition(".")[2] in refusal(EVERYTHING, arguments=["--set-json", f"{path}=null"])
    assert sentence in (chart.ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def written(rendered: chart.Rendered) -> str:
    return yaml.safe_dump_all(rendered.manifests)
