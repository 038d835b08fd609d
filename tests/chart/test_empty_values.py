"""A value left empty (`replicaCount:`) is null, and Helm takes it away together with the chart's default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart import chart, kinds
from tests.chart.conftest import Render, Say

EVERYTHING: tuple[chart.Values, ...] = (
    {
        "keda": {"enabled": True, "prometheus": {"serverAddress": "http://prometheus:9090"}},
        "serviceMonitor": {"enabled": True},
    },
    {"autoscaling": {"enabled": True}, "podMonitor": {"enabled": True}, "workload": "StatefulSet"},
)
SHARED: chart.Values = {
    "prometheusRule": {"enabled": True},
    "grafanaDashboard": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "topicsCreate": {"enabled": True},
    "dlqReplay": {"job": {"enabled": True}},
}
SAID_BY_A_TEMPLATE = {
    *("podDisruptionBudget.maxUnavailable", "autoscaling.targetCPUUtilizationPercentage", "resources"),
    *("service.enabled", "prometheusRule.thresholds", "config", "apiKey"),
}
"""Empty, these are refused with a sentence of their own where something needs them, as tests of bad values show."""


def defaults() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((chart.CHART / "values.yaml").read_text(encoding="utf-8"))
    return found


def emptied(schema: Mapping[str, Any], values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Null for every value that the schema lets be empty."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{above}{key}"
        if name in SAID_BY_A_TEMPLATE:
            continue
        below = schema["properties"][key]
        if key not in schema.get("required", ()):
            found[key] = None
        elif isinstance(value, dict):
            found[key] = emptied(below, value, f"{name}.")
    return found


def test_what_may_be_left_empty_means_nothing_and_makes_valid_manifests(render: Render) -> None:
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
    nothing = emptied(schema, defaults())
    assert {"podLabels", "extraArgs", "strategy", "imagePullSecrets", "commonLabels"} <= nothing.keys()
    for switched_on in EVERYTHING:
        # The second file's values go over the nulls, as a user's own file is one of several.
        rendered = render(nothing, SHARED, switched_on)
        assert [problem for each in rendered.manifests for problem in kinds.problems(each, kinds.OLDEST)] == []
        assert rendered.pod["spec"]["automountServiceAccountToken"] is False


def test_an_empty_suspend_does_not_let_replays_run_by_themselves(render: Render) -> None:
    assert render({"dlqReplay": {"cronJob": {"suspend": None}}}).one("CronJob")["spec"]["suspend"] is True
    assert render({"dlqReplay": {"cronJob": {"suspend": False}}}).one("CronJob")["spec"]["suspend"] is False


def needed(schema: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key in schema.get("required", ()):
        if key in schema.get("properties", {}):
            yield (*above, key)
    for key, below in schema.get("properties", {}).items():
        if isinstance(below, dict) and below.get("additionalProperties") is False:
            yield from needed(below, (*above, key))


def test_every_number_and_name_with_a_default_is_needed() -> None:
    """`replicaCount:` with nothing behind it would be no replicas, `keda.kafka.version:` the version null."""
    schema = json.loads((chart.CHART / "values.schema.json").read_text(encoding="utf-8"))
    found = set(needed(schema))
    assert {("replicaCount",), ("keda", "kafka", "version"), ("image",), ("workload",)} <= found
    for path in found:
        without: Any = (values := json.loads(json.dumps(defaults())))
        for key in path[:-1]:
            without = without[key]
        without.pop(path[-1], None)
        with pytest.raises(jsonschema.ValidationError, match=path[-1]):
            jsonschema.Draft7Validator(schema).validate(values)


@pytest.mark.parametrize("path", ["replicaCount", "image", "keda.maxReplicas", "dlqReplay.cronJob.schedule"])
def test_an_empty_value_that_is_needed_is_refused_by_its_name(refusal: Say, path: str) -> None:
    assert path.rpartition(".")[2] in refusal(arguments=["--set-json", f"{path}=null"])


def test_a_configuration_that_something_else_makes_needs_no_config_at_all(render: Render) -> None:
    rendered = render(arguments=["--set-json", "config=null", "--set", "existingConfigMap.name=bridge"])
    assert [each["metadata"]["name"] for each in rendered.all("ConfigMap")] == []
